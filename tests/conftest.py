"""Settings that every test runs under: float64 available, silent broadcasting forbidden.

`pytest -m full --resume` goes on where an earlier call on the same commit was stopped: what passed
there is not run again. `--minutes 10` skips whatever has not begun after so many minutes.
"""

import gc
import math
import resource
import subprocess
import time
from pathlib import Path

import jax
import pytest

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_numpy_rank_promotion", "raise")

# Tracing makes many small objects that live on: looking for garbage among them seldom pays.
gc.set_threshold(100_000, 50, 1000)

STARTED = time.monotonic()
MOST_MEMORY = 3e9
"""How many bytes a worker may hold before compiled programs are forgotten."""
PROGRESS = pytest.StashKey[Path]()


def pytest_addoption(parser):
    parser.addoption(
        "--resume", action="store_true", help="leave out what passed on this commit before"
    )
    parser.addoption("--minutes", type=float, help="skip what has not begun after so many minutes")


def pytest_configure(config):
    # What takes long to compile is compiled once for all workers, and for the next call.
    if hasattr(config, "cache"):
        jax.config.update("jax_compilation_cache_dir", str(config.cache.mkdir("compiled")))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.3)
    if not config.getoption("--resume"):
        return
    config.stash[PROGRESS] = path = Path(config.rootpath) / ".full-progress"
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=config.rootpath, capture_output=True, text=True
    ).stdout.strip()
    is_worker = hasattr(config, "workerinput")
    if not is_worker and (not path.is_file() or path.read_text().splitlines()[:1] != [commit]):
        path.write_text(f"{commit}\n")
    if not is_worker:
        config.pluginmanager.register(_Keeper(path))


class _Keeper:
    """Notes each test that passed, as soon as it has."""

    def __init__(self, path):
        self.path = path

    def pytest_runtest_logreport(self, report):
        if report.when == "call" and report.passed:
            with self.path.open("a") as file:
                file.write(report.nodeid.partition("@")[0] + "\n")


# Before xdist reads the groups.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    path = config.stash.get(PROGRESS, None)
    if path is not None:
        done = set(path.read_text().splitlines()[1:])
        left_out = [item for item in items if item.nodeid in done]
        items[:] = [item for item in items if item.nodeid not in done]
        config.hook.pytest_deselected(items=left_out)
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_group(item)))


def _group(item) -> str:
    """What one worker does: a formula or an experiment, which is measured once, or a file."""
    params = item.callspec.params if hasattr(item, "callspec") else {}
    if hasattr(params.get("formula"), "name"):
        return params["formula"].name
    if "experiment" in params:
        return f"tests/experiments/test_{params['experiment']}.py"
    return item.nodeid.partition("::")[0]


def pytest_runtest_setup(item):
    minutes = item.config.getoption("--minutes")
    if minutes is not None and time.monotonic() - STARTED > 60 * minutes:
        pytest.skip(f"not begun after {minutes:g} minutes")


def pytest_runtest_teardown(item, nextitem):
    # Compiled programs of thousands of tests fill gigabytes; those of a group serve it most.
    if (nextitem is None or _group(nextitem) != _group(item)) and _resident() > MOST_MEMORY:
        jax.clear_caches()


def _resident() -> float:
    """The memory of this process, in bytes; without end where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return math.inf
    return pages * resource.getpagesize()
