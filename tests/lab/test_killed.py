"""Real processes that are killed, started together, denied the disk, or given fewer cores."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from jaxmath.config.errors import Exit
from jaxmath.runs import comparison
from jaxmath.runs.expectation import Promise
from tests.lab.test_resume import CONFIG, contents, only
from tests.marks import long_but

REPOSITORY = Path(__file__).parents[2]
JAXMATH = [sys.executable, "-m", "jaxmath"]
EACH_ROUND = ["-q", "--save-every", "0"]

MOMENTS = {
    "before the first write": [
        *((event, 1) for event in ("imported", "folder", "opened", "half", "flushed")),
        ("imported", 2),
    ],
    "during a write": [
        (event, count)
        for event in ("opened", "half", "flushed", "renamed")
        for count in (4, 9, 20, 33, 60)
    ],
    "between tiles": [
        *(("kept", count) for count in range(1, 12)),
        *(("round", count) for count in (1, 2, 5, 8, 13, 21, 34)),
    ],
    "during the report": [("report", count) for count in (1, 2, 3, 4, 5, 6)],
}
QUICK = [("half", 4), ("half", 20)]
CASES = [
    pytest.param(
        *moment,
        id=f"{kind}-{moment[0]}-{moment[1]}",
        marks=() if moment in QUICK else pytest.mark.full,
    )
    for kind, moments in MOMENTS.items()
    for moment in moments
]


def test_there_are_fifty_moments():
    assert sum(map(len, MOMENTS.values())) >= 50
    assert min(map(len, MOMENTS.values())) >= 5


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    path = tmp_path_factory.mktemp("killed") / "c.toml"
    path.write_text(CONFIG)
    return path


@pytest.fixture(scope="module")
def env(tmp_path_factory):
    """The surroundings of all processes, with one cache of compiled programs."""
    return {
        **os.environ,
        "PYTHONPATH": str(REPOSITORY),
        "PYTHONDONTWRITEBYTECODE": "1",
        "JAX_PLATFORMS": "cpu",
        "XDG_CACHE_HOME": str(tmp_path_factory.mktemp("cache")),
    }


@pytest.fixture(scope="module")
def whole(config, env, tmp_path_factory):
    """What an undisturbed process leaves."""
    out = tmp_path_factory.mktemp("whole")
    subprocess.run([*JAXMATH, "run", *EACH_ROUND, "--out", out, config], env=env, check=True)
    return contents(only(out))


def ended(command, env, **options):
    """How a process ended, and what it said; never with a traceback of ours."""
    process = subprocess.run(
        list(map(str, command)), env=env, capture_output=True, text=True, check=False, **options
    )
    assert "Traceback" not in process.stderr, process.stderr
    return process


def whole_files(folder: Path) -> None:
    """No file of a folder is half there."""
    for path in folder.rglob("*"):
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as arrays:
                assert arrays.files
        elif path.suffix == ".json" and path.is_file():
            json.loads(path.read_text())


@pytest.mark.parametrize(("event", "count"), CASES)
def test_killed_and_resumed(config, env, whole, tmp_path, event, count):
    killed = [sys.executable, "-m", "tests.lab.killing", event, count]
    words = ["run", *EACH_ROUND, "--out", tmp_path / "out", config]
    assert ended([*killed, *words], env, cwd=REPOSITORY).returncode == -signal.SIGKILL
    begun = list((tmp_path / "out").glob("c/*"))
    if not begun or not (begun[0] / "plan.json").exists():
        assert count <= 2, "more than the first write was lost"
        return
    whole_files(begun[0])
    process = ended([*JAXMATH, "resume", *EACH_ROUND, begun[0]], env, cwd=tmp_path)
    assert process.returncode == Exit.PASS, process.stderr
    assert "damaged" not in process.stderr
    assert contents(begun[0]) == whole


def after(code: str) -> list[str]:
    """A command that runs some Python and then becomes the command behind it.

    Not `preexec_fn`: a process in which JAX is at work must not fork.
    """
    return [sys.executable, "-c", f"import os, sys; {code}; os.execv(sys.argv[1], sys.argv[1:])"]


def limited(size: int) -> list[str]:
    """Let no file grow beyond a size, as a quota or a full disk does."""
    return after(f"import resource as r; r.setrlimit(r.RLIMIT_FSIZE, ({size}, {size}))")


@pytest.mark.parametrize("size", long_but([1500], [0, 200, 1500, 3000, 10_000]))
def test_a_disk_that_is_full(config, env, whole, tmp_path, size):
    env = env | {"JAXMATH_NO_CACHE": "1"}
    command = [*limited(size), *JAXMATH, "run", *EACH_ROUND, "--out", "out", config]
    process = ended(command, env, cwd=tmp_path)
    assert process.returncode == Exit.IO
    assert "Cannot write" in process.stderr
    assert "What was finished stays" in process.stderr
    folder = only(tmp_path / "out")
    whole_files(folder)
    assert not list(folder.rglob("*.tmp"))
    if not (folder / "plan.json").exists():
        return
    assert f"jaxmath resume {folder.relative_to(tmp_path)}" in process.stderr
    assert ended([*JAXMATH, "resume", *EACH_ROUND, folder], env).returncode == Exit.PASS
    assert contents(folder) == whole


def without_privilege() -> list[str]:
    """Give up the right of a superuser to write where permissions forbid it."""
    drop, overriding_permissions = 24, 1  # PR_CAPBSET_DROP, CAP_DAC_OVERRIDE
    return after(
        f"import ctypes; ctypes.CDLL(None).prctl({drop}, {overriding_permissions}, 0, 0, 0)"
    )


@pytest.mark.skipif(sys.platform != "linux", reason="privileges of Linux")
def test_a_folder_that_is_read_only(config, env, tmp_path):
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o555)
    process = ended([*without_privilege(), *JAXMATH, "run", "-q", "--out", locked, config], env)
    assert process.returncode == Exit.IO, process.stderr
    assert process.stderr.startswith(f"error: Cannot write {locked}")
    assert "permission denied" in process.stderr
    assert not list(locked.iterdir())


def test_a_name_that_is_too_long(config, env, tmp_path):
    process = ended([*JAXMATH, "run", "-q", "--out", "x" * 300, config], env, cwd=tmp_path)
    assert process.returncode == Exit.IO
    assert "file name too long" in process.stderr
    assert len(process.stderr.splitlines()) == 1


@pytest.mark.full
def test_eight_starts_in_the_same_second_are_eight_folders(env, tmp_path):
    config = tmp_path / "c.toml"
    config.write_text('experiment = "train"\nsteps = 2\nrecords = 1\n')
    command = [*JAXMATH, "run", "-q", "--out", "out", config]
    processes = [subprocess.Popen(command, env=env, cwd=tmp_path) for _ in range(8)]
    assert {process.wait(timeout=300) for process in processes} <= {Exit.PASS, Exit.FAIL}
    folders = list((tmp_path / "out" / "c").iterdir())
    assert len(folders) == 8
    results = [contents(folder) for folder in folders]
    assert all(result == results[0] for result in results)


def test_the_second_of_two_resumes_ends_with_75(config, env, whole, tmp_path):
    killed = [sys.executable, "-m", "tests.lab.killing", "kept", "1"]
    words = ["run", *EACH_ROUND, "--out", tmp_path / "out", config]
    ended([*killed, *words], env, cwd=REPOSITORY)
    folder = only(tmp_path / "out")
    # The first holds the folder until it is let go.
    holding = (
        "import sys\nfrom jaxmath.lab import cli, engine\nreal = engine.execute\n"
        "def execute(*args, **options):\n"
        "    print('at work', flush=True)\n    sys.stdin.readline()\n"
        "    return real(*args, **options)\n"
        f"engine.execute = execute\nsys.argv = ['jaxmath', 'resume', '-q', {str(folder)!r}]\n"
        "cli.main()\n"
    )
    first = subprocess.Popen(
        [sys.executable, "-c", holding], env=env, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert first.stdout.readline() == "at work\n"
    second = ended([*JAXMATH, "resume", folder], env)
    assert second.returncode == Exit.LOCKED
    assert second.stderr.startswith(f"error: {folder} is at work: process {first.pid} on ")
    first.communicate("go\n", timeout=120)
    assert first.returncode == Exit.PASS
    assert contents(folder) == whole


DETERMINISTIC = """
experiment = "train"
steps = 20
records = 4
model = { name = "mlp", hidden = [64] }
[data]
name = "linear"
rows = 4000
dimension = 100
[optimizer]
name = "adam"
learning_rate = 0.01
[sweep]
seed = [0, 1, 2]
"""


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="cores are not ours to choose")
@pytest.mark.parametrize("pinned", [True, False])
def test_one_core_and_all(env, tmp_path, pinned):
    """Equal bits with `--deterministic`; else `compare` says what to expect, and is right."""
    cores = sorted(os.sched_getaffinity(0))
    config = tmp_path / "c.toml"
    config.write_text(DETERMINISTIC)
    folders = []
    for some in (cores[:1], cores):
        out = tmp_path / str(len(some))
        there = after(f"os.sched_setaffinity(0, {some})")
        words = ["run", "-q", *["--deterministic"] * pinned, "--out", out, config]
        process = ended([*there, *JAXMATH, *words], env)
        assert process.returncode == Exit.PASS, process.stderr
        folders.append(only(out))
        environment = json.loads((only(out) / "provenance.json").read_text())
        assert environment["deterministic"] is pinned
        assert environment["threads"]["cores"] == len(some)
    (expected,) = comparison.read(folders).expectations
    if pinned:
        assert contents(folders[0]) == contents(folders[1])
        assert expected.promise is Promise.BITS
    elif len(cores) > 1:
        assert expected.promise is Promise.DIGITS
        assert expected.reasons == (f"1 and {len(cores)} cores",)
    assert expected.kept is not False
    assert expected.unless or expected.kept


@pytest.mark.full
def test_a_deterministic_run_goes_on_pinned(config, env, tmp_path):
    killed = [sys.executable, "-m", "tests.lab.killing", "kept", "2"]
    words = ["run", *EACH_ROUND, "--deterministic", "--out", tmp_path / "out", config]
    pinned = env | {"NPROC": "3"}
    ended([*killed, *words], pinned | {"OPENBLAS_NUM_THREADS": "1"}, cwd=REPOSITORY)
    folder = only(tmp_path / "out")
    process = ended([*JAXMATH, "resume", *EACH_ROUND, folder], env)
    assert process.returncode == Exit.PASS, process.stderr
    assert "warning" not in process.stderr
    assert json.loads((folder / "provenance.json").read_text())["threads"]["NPROC"] == "3"


def test_keep_going_runs_the_others_and_ends_with_the_worst(env, tmp_path):
    good = 'experiment = "train"\nsteps = 2\nrecords = 1\n'
    (tmp_path / "good.toml").write_text(good)
    (tmp_path / "bad.toml").write_text(good.replace("steps", "stebs"))
    (tmp_path / "late.toml").write_text(good + "[data]\nname = 'csv'\nfile = 'd.csv'\ntarget='z'\n")
    (tmp_path / "d.csv").write_text("a,b\n1,2\n")
    names = ["bad.toml", "late.toml", "good.toml"]
    process = ended([*JAXMATH, "run", "-q", "--keep-going", *names], env, cwd=tmp_path)
    assert process.returncode == Exit.INPUT
    assert "did you mean `steps`?" in process.stderr
    assert "z" in process.stderr
    assert (only_of(tmp_path, "good") / "STATUS").read_text().startswith(("PASS", "FAIL"))
    assert not (tmp_path / "runs" / "bad").exists()
    stopped = ended([*JAXMATH, "run", "-q", *names], env, cwd=tmp_path)
    assert stopped.returncode == Exit.INPUT


def only_of(root: Path, name: str) -> Path:
    (folder,) = (root / "runs" / name).iterdir()
    return folder
