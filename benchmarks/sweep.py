"""1,024 trainings as one sweep, beside one run after the other: 32 seeds by 32 learning rates.

`python -m benchmarks.sweep` prints the ratios; `--gate` ends with status 1 below a bar. Each round
times the whole sweep and then some runs of every peer, so that what disturbs the machine disturbs
all; what a tool compiles is timed apart. Every tool is also held to what it trained: a peer whose
mean training loss at one learning rate is more than a hundredth away from ours is not counted.
The peers train and measure nothing on the way, so the sweep records its losses at the end alone.
"""

import argparse
import importlib
import statistics
import sys
import time
from typing import Any, NamedTuple

from jaxmath.lab import threads

threads.inline()  # as `jaxmath run` does, before anything imports JAX

import numpy as np  # noqa: E402
from threadpoolctl import threadpool_limits  # noqa: E402

from benchmarks.record import ROOT, keep  # noqa: E402
from benchmarks.task import Task  # noqa: E402
from jaxmath.config import reading  # noqa: E402
from jaxmath.lab import engine, plan  # noqa: E402

PEERS = ("optax_loop", "optax_scan", "scikit_learn", "pytorch")
LOOP, SKLEARN = "Python loop of jitted optax steps", "scikit-learn MLPClassifier"
CONFIG = ROOT / "configs" / "digits_sweep.toml"
SOFTMAX = ("records=1",)
PERCEPTRON = (
    *SOFTMAX,
    "model.name=mlp",
    "model.hidden=[32]",
    "model.scale=1.0",
    "optimizer.name=adam",
    "sweep.optimizer.learning_rate={logspace = [1e-4, 0.1, 32]}",
)


class Bars(NamedTuple):
    """A training of the sweep, and what is asked of it.

    Attributes:
        words: what is changed in the config.
        rate: about the learning rate at which the peers train.
        times: by how many times it is faster than each.
        compiling: the most seconds to compile.
    """

    words: tuple[str, ...]
    rate: float
    times: dict[str, float]
    compiling: float


TASKS = dict(
    softmax=Bars(SOFTMAX, 0.1, {LOOP: 40.0, SKLEARN: 60.0}, 1.0),
    perceptron=Bars(PERCEPTRON, 0.001, {LOOP: 15.0}, 2.0),
)
RUNS = 8  # of each peer, a round
ALIKE = 0.01


def main() -> int:
    """Measure, print, keep, and say whether the bars are reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gate", action="store_true", help="fail below a bar")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=TASKS)
    options = parser.parse_args()
    peak = _peak()
    print(f"matrix products reach {peak / 1e9:.0f} GFLOP/s on all cores")
    found = {
        name: _measured(name, bars, options.rounds, peak)
        for name, bars in TASKS.items()
        if options.only in (None, name)
    }
    keep("sweep", dict(peak=peak, tasks=found))
    return int(options.gate and not all(task["passed"] for task in found.values()))


def _measured(name: str, bars: Bars, rounds: int, peak: float) -> dict:
    study = reading.read(CONFIG, bars.words)
    config: Any = study.config
    lanes = int(np.prod([len(axis) for axis in study.axes]))
    data = study.module.load(config)
    # The peers train at the rate of the sweep that is closest to a usual one.
    axis = next(axis for axis in study.axes if axis.name == "optimizer.learning_rate")
    rate = min((row[0] for row in axis.values), key=lambda each: abs(np.log(each / bars.rate)))
    task = Task(
        np.asarray(data.train.features, np.float32),
        np.asarray(data.train.targets, np.int32),
        tuple(getattr(config.model, "hidden", ())),
        config.steps,
        config.batch_size,
        rate,
    )
    peers, compiling = {}, {}
    for module in PEERS:
        try:
            peer = importlib.import_module(f"benchmarks.peers.{module}")
        except ImportError:
            print(f"{module}: not installed, left out")
            continue
        train = peer.prepare(task)
        times = []
        for _ in range(2):
            start = time.perf_counter()
            train(0)
            times.append(time.perf_counter() - start)
        compiling[peer.NAME] = max(times[0] - times[1], 0.0)
        peers[peer.NAME] = train

    times = {peer: [] for peer in ("jaxmath", *peers)}
    losses = {peer: [] for peer in times}
    for number in range(rounds):
        measurement = engine.measure(study)
        times["jaxmath"].append(measurement.seconds["run"] / lanes)
        compiling.setdefault("jaxmath", measurement.seconds["compile"])
        losses["jaxmath"] = _ours(measurement, rate)
        for peer, train in peers.items():
            start = time.perf_counter()
            trained = [train(number * RUNS + run) for run in range(RUNS)]
            times[peer].append((time.perf_counter() - start) / RUNS)
            losses[peer] += map(task.loss, trained)

    per_run = {peer: statistics.median(seconds) for peer, seconds in times.items()}
    loss = {peer: statistics.mean(values) for peer, values in losses.items()}
    ratio = {peer: seconds / per_run["jaxmath"] for peer, seconds in per_run.items()}
    void = [peer for peer in loss if abs(loss[peer] / loss["jaxmath"] - 1) > ALIKE]
    share = task.operations / per_run["jaxmath"] / peak
    print(f"\n{name}: {lanes} runs of {task.steps} steps, batch {task.batch_size}, rate {rate:.3g}")
    print(f"{'ms a run':>10} {'ratio':>8} {'compile s':>10} {'loss':>8}")
    for peer, seconds in per_run.items():
        figures = f"{ratio[peer]:8.1f} {compiling[peer]:10.2f} {loss[peer]:8.4f}"
        told = " (another loss: not counted)" if peer in void else ""
        print(f"{1e3 * seconds:10.2f} {figures}  {peer}{told}")
    print(f"{100 * share:.0f}% of the peak of matrix products")
    passed = {
        f"{bar:g} times the {peer}": peer not in void and ratio.get(peer, 0) >= bar
        for peer, bar in bars.times.items()
    }
    passed[f"compiled within {bars.compiling:g} s"] = compiling["jaxmath"] <= bars.compiling
    for bar, is_reached in passed.items():
        print(f"{bar}: {'passed' if is_reached else 'FAILED'}")
    return dict(
        runs=lanes,
        seconds_a_run=per_run,
        rounds=times,
        compile_seconds=compiling,
        training_loss=loss,
        ratio=ratio,
        share_of_peak=share,
        void=void,
        bars=passed,
        passed=all(passed.values()),
    )


def _peak() -> float:
    """Operations a second of a large product of matrices, in single precision, on all cores."""
    matrix = np.ones((2048, 2048), np.float32)
    with threadpool_limits(plan.cores()):
        np.matmul(matrix, matrix)
        times = []
        for _ in range(5):
            start = time.perf_counter()
            np.matmul(matrix, matrix)
            times.append(time.perf_counter() - start)
    return 2 * len(matrix) ** 3 / min(times)


def _ours(measurement, rate: float) -> list[float]:
    """The training loss of the sweep at one of its rates, for each seed."""
    measured = measurement.measured
    rates = measured.swept("optimizer.learning_rate")
    last = np.asarray(measured["train_loss"])
    position = measured.axis("optimizer.learning_rate")
    return np.take(last, np.argmin(np.abs(rates - rate)), axis=position).tolist()


if __name__ == "__main__":
    sys.exit(main())
