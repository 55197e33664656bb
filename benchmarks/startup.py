"""How long a person waits: for the import, for help, for a config error, for a first report.

`python -m benchmarks.startup` prints the figures; `--gate` ends with status 1 where a bar is
missed. Each figure is the least of some runs, as the start-up of a process is disturbed in one
direction only.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.record import ROOT, keep

BARS = {
    "import jaxmath, beyond import jax": 0.10,
    "jaxmath --help": 0.5,
    "a config error known without jax": 0.5,
    "a config error, beyond import jax": 0.5,
    "first config to report, cache warm": 6.0,
}


def main() -> int:
    """Measure, print, keep, and say whether all bars are kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gate", action="store_true", help="fail where a bar is missed")
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(Path(folder), options.runs)
    passed = all(figures[name] < bar for name, bar in BARS.items())
    for name, bar in BARS.items():
        verdict = "passed" if figures[name] < bar else "FAILED"
        print(f"{figures[name]:8.3f} s, bar {bar:4.2f} s: {verdict}  {name}")
    loads_jax = "jax" in _modules("-m", "jaxmath", "--help")
    print("jaxmath --help imports jax" if loads_jax else "jaxmath --help imports no jax")
    passed = passed and not loads_jax
    keep("startup", {"seconds": figures, "bars": BARS, "passed": passed})
    return int(options.gate and not passed)


def measure(folder: Path, runs: int) -> dict[str, float]:
    """Seconds of each, the least of `runs` fresh processes, interleaved."""
    known = folder / "known.toml"
    known.write_text('experiment = "lineer_regression"\n')
    late = folder / "late.toml"
    late.write_text('experiment = "train"\n[optimizer]\nname = "adam"\nlerning_rate = 0.1\n')
    first = str(ROOT / "configs" / "linear_regression.toml")
    ours = [sys.executable, "-m", "jaxmath"]
    commands = {
        "import jax": ([sys.executable, "-c", "import jax"], 0),
        "import jaxmath": ([sys.executable, "-c", "import jax, jaxmath"], 0),
        "help": ([*ours, "--help"], 0),
        "known": ([*ours, "check", str(known)], 2),
        "late": ([*ours, "check", str(late)], 2),
    }
    run = ([*ours, "run", first, "--quiet", "--out", str(folder / "runs")], 0)
    least = dict.fromkeys([*commands, "run"], float("inf"))
    _time(*run)  # warms the cache
    for _ in range(runs):
        for name, command in commands.items():
            least[name] = min(least[name], _time(*command))
    for _ in range(2):
        least["run"] = min(least["run"], _time(*run))
    return {
        "import jax": least["import jax"],
        "import jaxmath, beyond import jax": least["import jaxmath"] - least["import jax"],
        "jaxmath --help": least["help"],
        "a config error known without jax": least["known"],
        "a config error, beyond import jax": least["late"] - least["import jax"],
        "first config to report, cache warm": least["run"],
    }


def _time(command: list[str], status: int) -> float:
    start = time.perf_counter()
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    seconds = time.perf_counter() - start
    if ended.returncode != status:
        raise SystemExit(f"{' '.join(command)} ended with {ended.returncode}:\n{ended.stderr}")
    return seconds


def _modules(*words: str) -> set[str]:
    """The top-level modules that a command imports."""
    environment = {**os.environ, "PYTHONPROFILEIMPORTTIME": "1"}
    ended = subprocess.run(
        [sys.executable, *words], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    lines = ended.stderr.splitlines()
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in lines if "|" in line}


if __name__ == "__main__":
    sys.exit(main())
