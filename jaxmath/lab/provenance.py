"""Where numbers come from: versions, commit, device. Nothing that names the machine or its user."""

from __future__ import annotations

import datetime
import os
import platform
import re
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

from jaxmath.config.study import Study
from jaxmath.lab import mesh, plan, threads
from jaxmath.lab.job import Job

PACKAGES = ("jaxmath", "jax", "jaxlib", "numpy", "optax", "scipy", "scikit-learn", "optuna")


def collect(
    study: Study, seconds: dict[str, float], programs: int, tiles: int, job: Job | None = None
) -> dict[str, Any]:
    """What someone needs to judge whether the same numbers should come out again."""
    seed_axis = next((axis for axis in study.axes if "seed" in axis.paths), None)
    seeds = (
        [row[seed_axis.paths.index("seed")] for row in seed_axis.values]
        if seed_axis
        else [study.seed]
    )
    return {
        "finished": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "git": commit(study.source.parent if study.source else Path.cwd()),
        **environment(job),
        "dtype": study.precision,
        "seeds": seeds,
        "smoke": study.smoke,
        "programs": programs,
        "tiles": tiles,
        "seconds": {name: round(value, 4) for name, value in seconds.items()},
    }


def environment(job: Job | None = None) -> dict[str, Any]:
    """What decides the last digits: versions, devices, and the threads of a CPU."""
    job = job or Job()
    devices = mesh.devices(job.devices)
    device = devices[0]
    return {
        "versions": {"python": platform.python_version()} | _versions(),
        "device": {
            "platform": device.platform,
            "kind": device.device_kind,
            "count": len(devices),
            "processor": _processor(),
        },
        "system": f"{platform.system()} {platform.machine()}",
        "processes": job.count,
        "deterministic": threads.pinned(),
        "threads": {
            "cores": plan.cores(),
            **{name: os.environ.get(name) for name in (threads.POOL, threads.LAPACK)},
        },
    }


def _processor() -> str:
    """The kind of processor: XLA compiles for it, so that another may round otherwise."""
    try:
        text = Path("/proc/cpuinfo").read_text("utf-8", "replace")
    except OSError:
        return platform.processor()
    found = re.search(r"^model name\s*:\s*(.*)$", text, re.MULTILINE)
    return found[1].strip() if found else platform.processor()


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def commit(folder: Path) -> dict[str, Any] | None:
    """The commit of the project around a folder and whether files differ from it; None outside.

    A foreign repository's settings could name programs that git runs, so those are switched off.
    """
    command = ["git", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"]
    command += ["--no-optional-locks", "status", "--porcelain=v2", "--branch"]
    try:
        answer = subprocess.run(
            [*command, "--untracked-files=no"],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=5,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    lines = answer.stdout.splitlines()
    oid = next((line.split()[-1] for line in lines if line.startswith("# branch.oid")), None)
    return {"commit": oid, "dirty": any(not line.startswith("#") for line in lines)}
