"""1,024 softmax regressions of digits: the ordinary config beside one run after the other.

`python -m benchmarks.sweep` prints the ratios; `--gate` ends with status 1 below the bar. Each
round times the whole sweep and then some runs of every peer; what a tool compiles is timed apart.
Every tool is also held to what it trained: the training loss at one learning rate.
"""

import argparse
import importlib
import statistics
import sys
import time

import numpy as np

from benchmarks.record import ROOT, keep
from jaxmath.config import reading
from jaxmath.lab import engine

BAR = 15.0
PEERS = ("optax_loop", "optax_scan", "scikit_learn", "pytorch")
CONFIG = ROOT / "configs" / "digits_sweep.toml"
RATE = 0.1
RUNS = 8  # of each peer, a round


def main() -> int:
    """Measure, print, keep, and say whether the bar is reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gate", action="store_true", help=f"fail below {BAR:g} times")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()

    study = reading.read(CONFIG)
    lanes = int(np.prod([len(axis) for axis in study.axes]))
    config = study.config
    data = study.module.load(config)
    features = np.asarray(data.train.features, np.float32)
    targets = np.asarray(data.train.targets, np.int32)
    # The peers train at the rate of the sweep that is closest to a usual one.
    axis = next(axis for axis in study.axes if axis.name == "optimizer.learning_rate")
    rate = min((row[0] for row in axis.values), key=lambda rate: abs(np.log(rate / RATE)))

    peers, compiling, losses = {}, {}, {}
    for name in PEERS:
        try:
            peer = importlib.import_module(f"benchmarks.peers.{name}")
        except ImportError:
            print(f"{name}: not installed, left out")
            continue
        train = peer.prepare(features, targets, config.steps, config.batch_size, rate)
        start = time.perf_counter()
        weights, bias = train(0)
        first = time.perf_counter() - start
        start = time.perf_counter()
        train(1)
        compiling[peer.NAME] = first - (time.perf_counter() - start)
        losses[peer.NAME] = _loss(features, targets, weights, bias)
        peers[peer.NAME] = train

    times: dict[str, list[float]] = {name: [] for name in ("jaxmath", *peers)}
    measurement = None
    for number in range(options.rounds):
        measurement = engine.measure(study)
        times["jaxmath"].append(measurement.seconds["run"] / lanes)
        compiling.setdefault("jaxmath", measurement.seconds["compile"])
        for name, train in peers.items():
            start = time.perf_counter()
            for run in range(RUNS):
                train(number * RUNS + run)
            times[name].append((time.perf_counter() - start) / RUNS)
    assert measurement is not None
    losses["jaxmath"] = _ours(measurement, rate)

    per_run = {name: statistics.median(found) for name, found in times.items()}
    print(f"{lanes} runs of {config.steps} steps, batch {config.batch_size}\n")
    print(f"{'ms a run':>10} {'ratio':>8} {'compile s':>10} {'loss':>8}")
    for name, seconds in per_run.items():
        ratio = seconds / per_run["jaxmath"]
        figures = f"{ratio:8.1f} {compiling[name]:10.2f} {losses[name]:8.4f}"
        print(f"{1e3 * seconds:10.2f} {figures}  {name}")
    ratio = per_run[next(iter(peers))] / per_run["jaxmath"]
    alike = abs(losses["jaxmath"] - losses[next(iter(peers))]) < 0.005
    passed = ratio >= BAR and alike
    keep(
        "sweep",
        {
            "runs": lanes,
            "seconds_a_run": per_run,
            "rounds": times,
            "compile_seconds": compiling,
            "training_loss": losses,
            "ratio": ratio,
            "bar": BAR,
            "passed": passed,
        },
    )
    verdict = "passed" if passed else "FAILED"
    print(f"\n{ratio:.1f} times the Python loop, the bar is {BAR:g}: {verdict}")
    return int(options.gate and not passed)


def _loss(features, targets, weights, bias) -> float:
    """The mean cross-entropy of the training rows, in NumPy."""
    logits = features @ weights + bias
    logits = logits - logits.max(axis=1, keepdims=True)
    chosen = logits[np.arange(len(targets)), targets]
    return float(np.mean(np.log(np.sum(np.exp(logits), axis=1)) - chosen))


def _ours(measurement, rate: float) -> float:
    """The training loss of the sweep at one of its rates, the mean over seeds."""
    measured = measurement.measured
    rates = measured.swept("optimizer.learning_rate")
    last = np.asarray(measured["train_loss"])
    while last.ndim > 2:
        last = last[..., -1]
    position = measured.axis("optimizer.learning_rate")
    return float(np.mean(np.take(last, np.argmin(np.abs(rates - rate)), axis=position)))


if __name__ == "__main__":
    sys.exit(main())
