"""Cost against runs, devices and processes: softmax regressions of digits, as a person starts them.

`python -m benchmarks.scaling` prints the figures, keeps them, and writes the tables of
docs/scaling.md; `--gate` ends with status 1 where two processes on two cores are less than 1.7
times as fast as one process on one core, or where the cost of runs is not linear or their memory
grows.
What is timed is the part that grows with the sweep, from the first tile to the last; the whole
command, with imports, compilation and report, is told beside it. Everything runs in new processes,
in turns.
"""

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.record import ROOT, keep

PAGE = ROOT / "docs" / "scaling.md"
BEGIN, END = "<!-- measured: python -m benchmarks.scaling -->", "<!-- end -->"
BAR = 1.7
LINEAR = 1.3
"""How much dearer a run may be among the most than among a tenth of them."""
LONG = 9000
"""Steps of a run in one process and in two, which come to their first tiles at slightly other
times."""
MEMORY = 2.0
"""How many times the memory of a tenth of the runs the most may take."""

CONFIG = """
experiment = "train"
precision = "float32"
steps = {steps}
batch_size = 32
records = 1
data = {{ name = "digits", standardize = true, split = {{ test = 0.2, seed = 0 }} }}
model = {{ name = "softmax", scale = 0.1 }}
loss = {{ name = "softmax_cross_entropy" }}
optimizer = {{ name = "sgd", learning_rate = 0.1 }}
[sweep]
seed = {{ range = [0, {seeds}] }}
"optimizer.learning_rate" = {{ logspace = [1e-3, 1.0, {settings}] }}
"""
ON = "import os, sys; os.sched_setaffinity(0, {}); os.execv(sys.argv[1], sys.argv[1:])"


def main() -> int:
    """Measure, print, keep, and say whether the bars are reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gate", action="store_true", help="fail where a bar is missed")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--short", action="store_true", help="a hundredth of it, to see it work")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        short = options.short
        processes = bench.processes(90 if short else LONG, 1 if short else options.rounds)
        runs = bench.runs([10, 100] if short else [100, 1000, 10_000])
        devices = bench.devices(90 if short else 900, [1, 2] if short else [1, 2, 4, 8])
    ratio = processes["one"]["run"] / processes["two"]["run"]
    tenth, most = runs[-2:]
    linear = most["ms_a_run"] / tenth["ms_a_run"]
    memory = most["peak_mb"] / tenth["peak_mb"]
    passed = {
        "processes": ratio >= BAR,
        "linear": linear <= LINEAR,
        "memory": memory <= MEMORY,
    }
    print(f"\ntwo processes on two cores: {ratio:.2f} times one on one core, the bar is {BAR}")
    print(
        f"{most['runs']} runs: {linear:.2f} times the cost a run of {tenth['runs']}, bar {LINEAR}"
    )
    print(f"and {memory:.2f} times the memory, bar {MEMORY}")
    if not short:
        figures = dict(processes=processes, ratio=ratio, bar=BAR, runs=runs, devices=devices)
        write(json.loads(keep("scaling", figures | dict(passed=passed)).read_text()))
    print("passed" if all(passed.values()) else "FAILED", passed)
    return int(options.gate and not all(passed.values()))


def write(record: dict[str, Any]) -> None:
    """Put the figures into their place in docs/scaling.md."""
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n\n{tables(record)}\n{END}{rest.partition(END)[2]}", "utf-8")


def tables(record: dict[str, Any]) -> str:
    """The figures as Markdown."""
    versions = record["versions"]
    where = f"On {record['cores']} cores ({record['machine']}), jax {versions['jax']}"
    lines = [
        f"{where}, {record['date'][:10]}: softmax regressions of digits in float32, 45 steps each",
        "beside the number of runs, and 1,024 runs of 900 and 9,000 steps beside devices and",
        "processes. Running is from the first tile to the last; the whole command has imports,",
        "compilation and report besides. Simulated devices share the same cores: they show what",
        "the mesh costs, not what devices gain.",
        "",
        "| runs | running, ms a run | whole, s | peak memory, MB |",
        "| ---: | ---: | ---: | ---: |",
    ]
    for row in record["runs"]:
        figures = f"{row['ms_a_run']:.3g} | {row['whole']:.3g} | {row['peak_mb']:.0f} |"
        lines.append(f"| {row['runs']:,} | {figures}")
    lines += ["", "| simulated devices | compile, s | running, s |", "| ---: | ---: | ---: |"]
    for row in record["devices"]:
        lines.append(f"| {row['devices']} | {row['compile']:.3g} | {row['run']:.3g} |")
    lines += ["", "| processes, a core each | running, s | whole, s |", "| ---: | ---: | ---: |"]
    for count, name in enumerate(("one", "two"), 1):
        row = record["processes"][name]
        lines.append(f"| {count} | {row['run']:.3g} | {row['whole']:.3g} |")
    lines += ["", f"Two processes are {record['ratio']:.2f} times as fast as one."]
    return "\n".join(lines)


class Bench:
    """Commands of one folder, with one cache of compiled programs."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.env = os.environ | {
            "PYTHONPATH": str(ROOT),
            "JAX_PLATFORMS": "cpu",
            "XDG_CACHE_HOME": str(folder / "cache"),
        }

    def processes(self, steps: int, rounds: int) -> dict[str, dict[str, float]]:
        """Seconds of one process on one core, and of two that have a core each.

        Without a cache: JAX keeps what the first process of several compiles and no other's, so
        that the first would wait for the second to compile.
        """
        cores = sorted(os.sched_getaffinity(0))[:2]
        config = self.config(steps, 32, 32)
        found: dict[str, list[dict[str, float]]] = {"one": [], "two": []}
        for _ in range(rounds):
            found["one"].append(self.time(config, [cores[:1]], JAXMATH_NO_CACHE="1"))
            places = [[core] for core in cores]
            found["two"].append(self.time(config, places, JAXMATH_NO_CACHE="1"))
        medians = {
            name: {key: statistics.median(times[key] for times in many) for key in many[0]}
            for name, many in found.items()
        }
        for name, times in medians.items():
            print(f"{name:>4}: " + ", ".join(f"{key} {value:.2f}" for key, value in times.items()))
        return medians

    def runs(self, counts: list[int]) -> list[dict[str, float]]:
        """Cost and memory against the number of runs, on all cores."""
        found = []
        for count in counts:
            seeds = 10 if count < 1000 else 100
            config = self.config(45, seeds, count // seeds)
            self.time(config)
            times = self.time(config)
            row = dict(runs=count, ms_a_run=1e3 * times["run"] / count) | times
            print(", ".join(f"{key} {value:.4g}" for key, value in row.items()))
            found.append(row)
        return found

    def devices(self, steps: int, counts: list[int]) -> list[dict[str, float]]:
        """Simulated devices, which share the cores of this machine: what the mesh itself costs."""
        config = self.config(steps, 32, 32)
        found = []
        for count in counts:
            flags = dict(XLA_FLAGS=f"--xla_force_host_platform_device_count={count}")
            self.time(config, **flags)
            row = dict(devices=count) | self.time(config, **flags)
            print(", ".join(f"{key} {value:.4g}" for key, value in row.items()))
            found.append(row)
        return found

    def config(self, steps: int, seeds: int, settings: int) -> Path:
        path = self.folder / "c.toml"
        path.write_text(CONFIG.format(steps=steps, seeds=seeds, settings=settings))
        return path

    def time(self, config: Path, places: Any = (None,), **env: str) -> dict[str, float]:
        """Run once, in a process for each list of cores: seconds, and the peak memory of one."""
        out = Path(tempfile.mkdtemp(dir=self.folder))
        command = [sys.executable, "-m", "jaxmath", "run", str(config), "--out", str(out), "-q"]
        if len(places) > 1:
            with socket.socket() as trial:
                trial.bind(("", 0))
                address = f"127.0.0.1:{trial.getsockname()[1]}"
            command += ["--distributed", "--coordinator", address, "--processes", str(len(places))]
        start = time.perf_counter()
        started = []
        for i, cores in enumerate(places):
            words = command + (["--process", str(i)] if len(places) > 1 else [])
            before = [sys.executable, "-c", ON.format(cores)] if cores else []
            started.append(subprocess.Popen([*before, *words], env=self.env | env))
        peak = 0
        for process in started:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode not in (0, 3):
                raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
            peak = max(peak, usage.ru_maxrss)
        whole = time.perf_counter() - start
        (provenance,) = out.glob("*/*/provenance.json")
        seconds = json.loads(provenance.read_text())["seconds"]
        return dict(seconds, whole=whole, peak_mb=peak / 1024)


if __name__ == "__main__":
    sys.exit(main())
