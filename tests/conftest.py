"""Settings that every test runs under: float64 available, silent broadcasting forbidden.

`pytest -m full --resume` goes on where an earlier call on the same commit was stopped: what passed
there is not run again.
"""

import json
import subprocess
from pathlib import Path

import jax
import pytest

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_numpy_rank_promotion", "raise")

PASSED = pytest.StashKey[dict]()


def pytest_addoption(parser):
    parser.addoption(
        "--resume", action="store_true", help="leave out what passed on this commit before"
    )


def pytest_configure(config):
    if config.getoption("--resume"):
        commit = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=config.rootpath, capture_output=True, text=True
        ).stdout.strip()
        path = Path(config.rootpath) / ".full-progress.json"
        kept = json.loads(path.read_text()) if path.is_file() else {}
        if kept.get("commit") != commit:
            kept = {"commit": commit, "passed": []}
        config.stash[PASSED] = kept
        config.add_cleanup(lambda: path.write_text(json.dumps(kept)))


def pytest_collection_modifyitems(config, items):
    if config.getoption("--resume"):
        done = set(config.stash[PASSED]["passed"])
        left_out = [item for item in items if item.nodeid in done]
        items[:] = [item for item in items if item.nodeid not in done]
        config.hook.pytest_deselected(items=left_out)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if item.config.getoption("--resume") and report.when == "call" and report.passed:
        item.config.stash[PASSED]["passed"].append(item.nodeid)
