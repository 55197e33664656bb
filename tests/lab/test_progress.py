"""Progress on stderr after two seconds, and the compilation cache: on by a run, never by import."""

import io
import subprocess
import sys
import time

import pytest

from jaxmath.lab import progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def watch(stream, seconds, monkeypatch, quiet=False):
    monkeypatch.setattr(progress, "PATIENCE", 0.05)
    monkeypatch.setattr(progress, "INTERVAL", 0.05)
    with progress.Progress(quiet, stream) as shown:
        shown.phase("running", 4)
        shown.advance(3)
        time.sleep(seconds)
    return stream.getvalue()


def test_plain_lines_where_the_stream_is_no_terminal(monkeypatch):
    lines = watch(io.StringIO(), 0.3, monkeypatch).splitlines()
    assert len(lines) >= 2
    assert lines[0].startswith("running: 3 of 4 (")
    assert not any("\x1b" in line for line in lines)


def test_a_bar_where_it_is(monkeypatch):
    assert "3/4" in watch(Terminal(), 0.5, monkeypatch)


@pytest.mark.parametrize("quiet", [True, False])
def test_nothing_if_quiet_or_quickly_done(monkeypatch, quiet):
    assert watch(io.StringIO(), 0.2 if quiet else 0.0, monkeypatch, quiet) == ""


CACHE = """
import os, jax, jaxmath.lab, jaxmath.lab.engine
from jaxmath.config import user_cache
from jaxmath.runs import cache
assert jax.config.jax_compilation_cache_dir is None
assert not cache.switch_on(False)
os.environ["JAXMATH_NO_CACHE"] = "1"
assert not cache.switch_on()
assert jax.config.jax_compilation_cache_dir is None
del os.environ["JAXMATH_NO_CACHE"]
assert cache.switch_on()
jax.jit(lambda x: x + 1.25)(2.0)
assert any(user_cache.folder("compiled").iterdir())
"""


def test_the_cache_is_switched_on_by_a_run_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("JAXMATH_NO_CACHE", raising=False)
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR", raising=False)
    subprocess.run([sys.executable, "-c", CACHE], check=True, cwd=tmp_path)
    assert (tmp_path / "jaxmath" / "compiled").is_dir()
