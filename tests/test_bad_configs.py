"""Three hundred bad configs, and one valid in ten: the right status, words one can act on, no harm.

Every config is made with a label that says what must come of it (`tests/lab/bad.py`). An audit
hook watches everything the interpreter does meanwhile.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import jax
import pytest

from jaxmath.config import user_cache
from jaxmath.lab import cli
from tests.lab.bad import bad
from tests.lab.casebook import Case, project
from tests.lab.valid import valid
from tests.lab.watch import Watch

BAD, VALID = bad(), valid()
PROCESSES = 100


@pytest.fixture(scope="module")
def watch():
    return Watch()


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("project")
    project(root)
    return root


@pytest.fixture
def command(root, watch, monkeypatch, capsys):
    """Run the command line in this process; its status, and what it wrote where."""
    monkeypatch.chdir(root)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setattr(cli, "listen", lambda: None)  # pytest keeps its own signals

    def call(case: Case, number: int):
        words = arguments(case, root, number)
        monkeypatch.setattr(sys, "argv", ["jaxmath", *words])
        watch.begin()
        try:
            cli.main()
            status = 0
        except SystemExit as end:
            status = end.code or 0
        finally:
            watch.on = False
        told = capsys.readouterr()
        return status, told.out, told.err

    return call


def arguments(case: Case, root: Path, number: int) -> list[str]:
    """The command line of a case, its config written to disk first."""
    words = ["run", "--smoke", "--no-cache", "--out", "runs"]
    if case.content is not None:
        config = root / "configs" / f"case_{number}.toml"
        content = case.content if isinstance(case.content, bytes) else case.content.encode()
        config.write_bytes(content)
        words.append(f"configs/{config.name}")
    return [*words, *case.words]


def judge(case: Case, status: int, out: str, err: str, root: Path) -> None:
    assert status == case.status, err
    if status == 0:
        return
    assert "error: " in err
    if status == 2:
        assert "Traceback" not in err
        assert "site-packages" not in err
    for needle in case.needles:
        assert needle in err, err
    control = re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\u2066]", out + err)
    assert not control, "control characters"
    assert max(map(len, err.splitlines())) <= 500
    assert len(err) < 20_000
    assert not list(root.rglob("was_imported"))


def reads_data(case: Case) -> bool:
    return case.label.startswith(("data", "npz"))


def test_there_are_enough():
    assert len(BAD) >= 300
    assert len(VALID) >= len(BAD) // 10
    assert len({case.label for case in BAD}) == len(BAD)


@pytest.mark.parametrize("number", range(len(BAD)), ids=lambda n: BAD[n].label[:60])
def test_bad_config(number, command, watch, root):
    status, out, err = command(BAD[number], number)
    judge(BAD[number], status, out, err, root)
    assert not watch.harm
    assert not watch.read_outside(root)
    # A data file is only read by a run, which has made its folder by then.
    runs = str(root / "runs") if reads_data(BAD[number]) else "nowhere"
    assert not [w for w in watch.writes if not os.path.abspath(root / w).startswith(runs)]


@pytest.mark.parametrize(
    "number",
    [pytest.param(n, marks=pytest.mark.full if n % 2 else ()) for n in range(len(VALID))],
    ids=lambda n: VALID[n].label[:60],
)
def test_valid_config_runs(number, command, watch, root):
    status, out, err = command(VALID[number], 1000 + number)
    judge(VALID[number], status, out, err, root)
    assert "\x1b[31m" not in out
    assert not watch.harm
    compiled = str(jax.config.jax_compilation_cache_dir)
    allowed = (str(root / "runs"), str(user_cache.folder("compiled").parent), compiled, os.devnull)
    assert not [w for w in watch.writes if not os.path.abspath(root / w).startswith(allowed)]


def some() -> list[int]:
    """Evenly spread over the families, so that each is also seen as a real process."""
    return [round(i * (len(BAD) - 1) / (PROCESSES - 1)) for i in range(PROCESSES)]


@pytest.mark.parametrize(
    "number",
    [pytest.param(n, marks=pytest.mark.full if i % 12 else ()) for i, n in enumerate(some())],
    ids=lambda n: BAD[n].label[:60],
)
def test_bad_config_as_a_process(number, root):
    case = BAD[number]
    before = {path for path in root.rglob("*") if "__pycache__" not in path.parts}
    words = arguments(case, root, number)
    done = subprocess.run(
        [sys.executable, "-m", "jaxmath", *words],
        cwd=root, capture_output=True, text=True, timeout=120, check=False,
        env={**os.environ, "XDG_CACHE_HOME": str(root / "cache"), "HOME": str(root / "home")},
    )  # fmt: skip
    judge(case, done.returncode, done.stdout, done.stderr, root)
    after = {path for path in root.rglob("*") if "__pycache__" not in path.parts}
    new = after - before - {root / "configs" / f"case_{number}.toml"}
    runs = root / "runs"
    assert not [p for p in new if not (reads_data(case) and (runs in p.parents or p == runs))]
