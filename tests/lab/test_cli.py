"""The command line: every way to end has its exit status, and the first words come at once."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from jaxmath.config.errors import Exit
from tests.lab.casebook import STUDY

REPOSITORY = Path(__file__).parents[2]


def spawn(root, *words, **options):
    environment = {**os.environ, "JAXMATH_NO_CACHE": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "jaxmath", *words], cwd=root, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options,
    )  # fmt: skip


def change(root, old, new):
    """Change the study's module; the change must have happened."""
    assert STUDY.count(old) == 1
    (root / "experiments" / "study.py").write_text(STUDY.replace(old, new))


def test_zero_when_every_claim_passes(command):
    status, out, err = command("run", "c.toml")
    assert status == Exit.PASS, err
    assert "1 of 1" in out


def test_two_for_bad_input(command):
    assert command("run", "c.toml", "rate=-1")[0] == Exit.INPUT
    assert command("run", "none.toml")[0] == Exit.INPUT
    assert command("run", "c.toml", "--unknown")[0] == Exit.INPUT
    assert command("run")[0] == Exit.INPUT
    status, _, err = command("rnu", "c.toml")
    assert status == Exit.INPUT
    assert "run" in err


def test_three_when_a_claim_fails_or_is_undecided(command, root):
    change(root, '">=", -1e9', '"<=", -1e9')
    assert command("run", "c.toml")[0] == Exit.FAIL
    change(root, 'measured["sum"], ">="', 'None, ">="')
    assert command("run", "c.toml")[0] == Exit.FAIL


@pytest.mark.parametrize(
    ("old", "where"),
    [
        ("return np.arange(3.0)", "load"),
        ('return {"sum": config.rate', "measure"),
        ('fault = Fault("NaN in the sum"', "judge"),
    ],
)
def test_four_when_the_experiments_own_code_raises(command, root, old, where):
    change(root, old, f"_mine(config); {old}")
    mine = "\n\ndef _mine(config):\n    raise KeyError('my own slip')\n"
    file = root / "experiments" / "study.py"
    file.write_text(file.read_text() + mine)
    status, _, err = command("run", "c.toml")
    assert status == Exit.EXPERIMENT
    *lines, how = err.rstrip().splitlines()
    assert how.startswith("go on with it: jaxmath resume runs/c/")
    assert lines[-1] == "KeyError: 'my own slip'"
    assert "in _mine" in lines[-3]
    assert f"`{where}` of the experiment study" in err
    frames = re.findall(r'File "([^"]+)"', err)
    assert frames
    assert all(Path(frame).parent == root / "experiments" for frame in frames)


def test_four_when_the_module_cannot_be_imported(command):
    status, _, err = command("check", "c.toml", "experiment=broken")
    assert status == Exit.EXPERIMENT
    assert err.rstrip().splitlines()[-1].startswith("SyntaxError")
    assert "broken.py" in err


def test_seventy_four_for_disk_or_permissions(command, root):
    (root / "blocked").write_text("a file where a folder should be")
    status, _, err = command("run", "c.toml", "--out", "blocked")
    assert status == Exit.IO
    assert "blocked" in err
    assert "Traceback" not in err


def test_one_only_for_a_bug_of_ours(command, monkeypatch):
    monkeypatch.setattr("jaxmath.lab.engine.execute", int)
    status, _, err = command("run", "c.toml")
    assert status == Exit.BUG
    assert "TypeError: int() takes" in err
    assert "please report" in err


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, Exit.INTERRUPTED), (signal.SIGTERM, Exit.TERMINATED)]
)
def test_interrupted(root, number, status):
    started = 'print("started", flush=True); import time; time.sleep(60); return np.arange(3.0)'
    change(root, "return np.arange(3.0)", started)
    # What runs in the background ignores interrupts, and so would what it starts.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = spawn(root, "run", "c.toml")
    signal.signal(signal.SIGINT, before)
    assert process.stdout.readline().strip() == "started"
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == status
    assert "Traceback" not in err
    (mark,) = (root / "runs").rglob("STATUS")
    assert "INTERRUPTED" in mark.read_text()


def test_a_closed_pipe_is_no_crash(root):
    process = spawn(root, "list")
    process.stdout.close()
    err = process.stderr.read()
    process.wait(timeout=60)
    process.stderr.close()
    assert process.returncode == Exit.PASS
    assert err == ""


def test_help_documents_every_status(command):
    for words in (("--help",), ("run", "--help"), ("check", "-h")):
        status, out, _ = command(*words)
        assert status == Exit.PASS
        told = {int(n) for n in re.findall(r"\b\d+\b", out[out.index("Exit status") :])}
        assert told == set(map(int, Exit))
    assert command("--version")[1].startswith("jaxmath ")


def heard(root, *words):
    """The heavy packages that a command loaded, and what it said; benchmarks time it."""
    process = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "jaxmath", *words],
        cwd=root, capture_output=True, text=True, check=False,
    )  # fmt: skip
    loaded = set(re.findall(r"\| +(\S+)$", process.stderr, re.MULTILINE))
    heavy = {"jax", "numpy", "scipy", "sklearn", "matplotlib", "optax"} & loaded
    return heavy, process.stderr


@pytest.mark.parametrize(
    ("text", "needle"),
    [
        (None, ""),
        ('experiment = "trian"', "`train`"),
        ('experiment = "train"\nstepz = 3', "`steps`"),
        ('experiment = "study"\nroundz = 3', "`rounds`"),
        ('experiment = "train"\n[sweep]\n"optimzer.learning_rate" = [1.0]', "`optimizer`"),
        ('experiment = "train"\nsteps = .5', "write 0.5"),
        ('experiment = "train"\nsteps = inf', "finite"),
        ('experiment = "train"\nseed = 0.5', "seed"),
    ],
)
def test_what_is_known_without_jax_is_told_without_jax(root, text, needle):
    words = ["--help"]
    if text is not None:
        (root / "bad.toml").write_text(text)
        words = ["run", "bad.toml"]
    heavy, told = heard(root, *words)
    assert needle in told
    assert not heavy


def test_any_other_mistake_needs_little_more_than_jax(root):
    (root / "bad.toml").write_text('experiment = "train"\nsteps = "many"')
    heavy, told = heard(root, "run", "bad.toml")
    assert "`steps`" in told
    assert not heavy & {"sklearn", "matplotlib", "scipy"}


def test_list_names_everything_that_a_config_can_name(command):
    _, out, _ = command("list")
    for name in ("train", "study", "huber", "l2", "mlp", "adam", "cosine", "diabetes", "gelu"):
        assert re.search(rf"^  {name}\b", out, re.MULTILINE), name
    assert "bystander" not in out


def test_show_is_the_card(command):
    status, out, _ = command("show", "huber")
    assert status == Exit.PASS
    for words in ("huber(residual, delta)", "(0, ∞)", "convex", "1964", "regression.py", "O8"):
        assert words in out
    status, _, err = command("show", "hubber")
    assert status == Exit.INPUT
    assert "did you mean `huber`?" in err
    assert "width" in command("show", "own.bowl")[1]


def test_config_prints_what_runs(command, root):
    for name in ("train", "study"):
        status, out, _ = command("config", name)
        assert status == Exit.PASS
        (root / "full.toml").write_text(out)
        assert command("check", "full.toml")[0] == Exit.PASS
        assert command("config", "full.toml")[1] == out
    assert "rate = 0.3" in command("config", "c.toml", "rate=0.3")[1]
    assert "`study`" in command("config", "studdy")[2]


def test_check_plans_and_runs_nothing(command, root):
    words = (
        "sweep.seed={ range = [0, 5] }",
        "sweep.rate=[0.1, 0.2]",
        'sweep.loss=["huber", "own.bowl"]',
    )
    status, out, _ = command("check", "c.toml", *words)
    assert status == Exit.PASS
    assert re.search(r"runs +20\b", out)
    assert re.search(r"cells +2\b", out)
    assert re.search(r"programs +at most 2\b", out)
    assert not (root / "runs").exists()


WRONG_RULE = """@jax.custom_jvp
def f(x):
    return x * x


@f.defjvp
def rule(primals, tangents):
    return primals[0] ** 2, 2.1 * primals[0] * tangents[0]
"""


@pytest.mark.parametrize(
    ("source", "words", "status", "needle"),
    [
        ("def f(x):\n    return jnp.sin(x)\n", "x=(-3, 3)", Exit.PASS, "(-3, 3)"),
        ("def f(x):\n    return x * x\n", "", Exit.PASS, "assumed"),
        (WRONG_RULE, "x=(-3, 3)", Exit.FAIL, "wrong rule"),
        ("def f(w, s=2.0):\n    return s * jnp.sum(w**2)\n", "w=real^3", Exit.PASS, "^3"),
        ("def f(x):\n    raise ValueError('mine')\n", "", Exit.EXPERIMENT, "ValueError: mine"),
        ("def g(x):\n    return x\n", "", Exit.INPUT, "no function"),
        ("def f(x):\n    return x\n", "y=real", Exit.INPUT, "no argument"),
        ("def f(x):\n    return x\n", "x=(3, 1)", Exit.INPUT, "empty"),
        ("def f(x):\n    return x\n", "x=everything", Exit.INPUT, "no domain"),
        ("import nowhere_to_be_found\n", "", Exit.EXPERIMENT, "nowhere_to_be_found"),
    ],
)
@pytest.mark.parametrize("place", ["functions.py", "functions"])
def test_verify(command, root, source, words, status, needle, place, monkeypatch):
    monkeypatch.delitem(sys.modules, "functions", raising=False)
    (root / "functions.py").write_text("import jax\nimport jax.numpy as jnp\n\n\n" + source)
    options = ["--budget", "12", *(["--domain", words] if words else [])]
    found, out, err = command("verify", f"{place}:f", *options)
    assert found == status, err
    assert needle in out + err


def test_verify_searches_for_the_worst_point_unless_it_must_be_quick(command, root):
    pytest.importorskip("flint")
    (root / "mine.py").write_text(
        "import jax, jax.numpy as jnp\n"
        "def trap(x): return jnp.where(x > 0, jnp.sqrt(x), 0.0)\n"
        "def right(x): return jnp.sin(x) + x\n"
    )
    status, out, _ = command("verify", "mine.py:trap", "--budget", "60", "--domain", "x=real")
    assert status == Exit.FAIL
    assert out.splitlines()[0] == "trap on x in (-∞, ∞), float64"
    assert "d/dx by reverse mode: NaN or infinite at x=-" in out
    status, out, _ = command("verify", "mine.py:right", "--budget", "60", "--domain", "x=real")
    assert status == Exit.PASS, out
    # The slope of what is NaN at infinity is undecided, which is not green.
    options = ("--budget", "12", "--domain", "x=real|inf|nan")
    status, out, _ = command("verify", "mine.py:right", *options)
    assert status == Exit.FAIL
    assert "(-∞, ∞) | ∞ | nan" in out
    status, out, _ = command("verify", "mine.py:right", "--quick", "--at", "x=0.5")
    assert status == Exit.PASS
    assert "(1 agree)" in out


def test_verify_finds_no_module(command):
    assert command("verify", "nowhere:f")[0] == Exit.INPUT
    assert command("verify", "nowhere.py:f")[0] == Exit.INPUT
    assert command("verify", "a b:f")[0] == Exit.INPUT


def test_new_writes_what_runs_and_passes(command, root):
    for kind, name in (("experiment", "my_study"), ("loss", "my_loss")):
        assert command("new", kind, name)[0] == Exit.PASS
        status, _, err = command("new", kind, name)
        assert status == Exit.INPUT
        assert "is there already" in err
        assert command("run", f"configs/{name}.toml", "--smoke")[0] == Exit.PASS
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"],
        cwd=root, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert "5 passed" in done.stdout


@pytest.mark.parametrize("name", ["../x", "A", "train", "1a", "a-b", "", "a.b"])
def test_new_refuses_names_that_are_none(command, root, name):
    before = sorted(root.rglob("*"))
    assert command("new", "experiment", name)[0] == Exit.INPUT
    assert sorted(root.rglob("*")) == before


def test_several_configs_end_with_the_worst(command, root):
    change(root, '">=", -1e9', '">=", config.offset * 1e9')
    (root / "d.toml").write_text('experiment = "study"\noffset = -1.0')
    assert command("run", "d.toml")[0] == Exit.PASS
    assert command("run", "c.toml", "d.toml")[0] == Exit.FAIL
    before = time.time()
    assert command("run", "d.toml", "none.toml")[0] == Exit.INPUT
    assert not [p for p in (root / "runs").rglob("STATUS") if p.stat().st_mtime > before]
