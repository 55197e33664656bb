"""What a person who errs or asks is told, and how soon: fuzzed configs, and the tabulator key.

`python -m benchmarks.configs` judges five thousand configs changed at random (in one process, under
an audit hook; whatever is wrong ends it) and times completion in fresh processes. It prints the
figures and keeps them.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from benchmarks.record import ROOT, keep

LINES = {
    "commands": "jaxmath ",
    "files": "jaxmath run configs/",
    "keys": "jaxmath run configs/train.toml ",
    "values": "jaxmath run configs/train.toml loss=",
}


def main() -> None:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=5000)
    parser.add_argument("--runs", type=int, default=20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        fuzzed = fuzzing(Path(folder), options.count)
        seconds = completion(Path(folder), options.runs)
    for name, value in {**fuzzed, **seconds}.items():
        print(f"{name}: {value}")
    keep("configs", {"fuzzed": fuzzed, "completion seconds, median": seconds})


def fuzzing(folder: Path, count: int) -> dict:
    """How many configs of which status, and how many slips were answered by the right word."""
    from tests.test_fuzzed_configs import fuzz, rate

    found = fuzz(folder / "project", count)
    statuses = Counter()
    for (_, status), times in found.kinds.items():
        statuses[f"status {status}"] += times
    by_slips = {
        f"of {number} edits": rate([slip for slip in found.slips if slip[0].slips == number])
        for number in (1, 2)
    }
    return {
        "configs": sum(found.kinds.values()),
        **statuses,
        "misspelt keys and names": len(found.slips),
        "right suggestion": rate(found.slips),
        **by_slips,
        "slowest, seconds": found.slowest,
    }


def completion(folder: Path, runs: int) -> dict[str, float]:
    """Seconds of a call of completion, each in a fresh process, the median of some, interleaved."""
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder)}
    ours = [sys.executable, "-m", "jaxmath"]
    subprocess.run([*ours, "completion", "--refresh"], cwd=ROOT, env=environment, check=True)
    took: dict[str, list[float]] = {name: [] for name in LINES}
    for _ in range(runs):
        for name, line in LINES.items():
            begun = time.perf_counter()
            subprocess.run(
                [*ours, "complete", "--line", line],
                cwd=ROOT, env=environment, check=True, capture_output=True,
            )  # fmt: skip
            took[name].append(time.perf_counter() - begun)
    return {name: statistics.median(times) for name, times in took.items()}


if __name__ == "__main__":
    main()
