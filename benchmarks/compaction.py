"""A sweep in which most runs end early: all rounds of all lanes, the same cut short, and compacted.

`python -m benchmarks.compaction` times each with its compilation, one after the other in every
round, by the clock and in seconds of processors, and holds their numbers against each other.
"""

import argparse
import dataclasses
import math
import sys
import time
from types import ModuleType
from typing import Any

import jax
import numpy as np

from benchmarks.record import ROOT, keep
from jaxmath.config import reading
from jaxmath.config.study import Study
from jaxmath.lab import compaction, engine, tiles

CONFIG = ROOT / "configs" / "digits_sweep.toml"
SWEEPS = {
    "every run ends early": [
        "steps=6000",
        "records=100",
        "stop.patience=200",
        "sweep.seed={range=[0, 8]}",
        "sweep.optimizer.learning_rate={logspace=[1e-4, 10.0, 64]}",
    ],
    "one perceptron in 16 goes on": [
        "model.name=mlp",
        "model.hidden=[32]",
        "optimizer.name=adam",
        "optimizer.learning_rate=0.01",
        "steps=36000",
        "records=200",
        "sweep.seed={range=[0, 4]}",
        f"sweep.stop.gradient={[1e-9, *(0.3 + 0.01 * i for i in range(15))]}",
    ],
}
RULE = compaction.COMPILING


def main() -> int:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    figures = {name: _measured(name, words, options.rounds) for name, words in SWEEPS.items()}
    keep("compaction", figures)
    return 0


def _measured(sweep: str, words: list[str], rounds: int) -> dict[str, Any]:
    study = reading.read(CONFIG, words)
    ways = {
        "all rounds": (_that_tells_nothing(study), math.inf),
        "until all of a tile have ended": (study, math.inf),
        "compacted": (study, RULE),
    }
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    found = {}
    for _ in range(rounds):
        for name, (one, compaction.COMPILING) in ways.items():
            tiles._programs.clear()
            jax.clear_caches()
            start, cpu = time.perf_counter(), time.process_time()
            found[name] = engine.measure(one).measured
            times[name].append((time.perf_counter() - start, time.process_time() - cpu))
    whole = found["all rounds"]
    steps = np.where(whole["stopped_at"] < 0, study.config.steps, whole["stopped_at"])
    losses = {name: np.abs(one["train_loss"] - whole["train_loss"]) for name, one in found.items()}
    apart = {name: float(each.max()) for name, each in losses.items()}
    seconds = {name: min(each)[0] for name, each in times.items()}
    busy = {name: min(cpu for _, cpu in each) for name, each in times.items()}
    print(f"{sweep}: {steps.size} runs of at most {study.config.steps} steps")
    print(
        f"they end after {steps.mean():.0f} steps in the mean, {np.median(steps):.0f} in the median"
    )
    for name, each in seconds.items():
        figures = f"{each:8.2f} s, of processors {busy[name]:8.2f} s"
        print(f"{figures}  {name}; losses apart by at most {apart[name]:.1e}")
    print(flush=True)
    return dict(
        runs=steps.size,
        steps=study.config.steps,
        steps_taken=float(steps.mean()),
        seconds=seconds,
        processor_seconds=busy,
        rounds=times,
        losses_apart=apart,
    )


def _that_tells_nothing(study: Study) -> Study:
    """The study with an experiment that does not say which lanes have ended."""
    module = ModuleType(study.module.__name__, study.module.__doc__)
    module.__dict__.update({k: v for k, v in vars(study.module).items() if k != "status"})
    return dataclasses.replace(study, module=module)


if __name__ == "__main__":
    sys.exit(main())
