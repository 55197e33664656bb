"""What a person or a program reads: on any terminal, in any width and encoding, or in a pipe."""

import fcntl
import io
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from test_cli import change, spawn

from jaxmath.config.errors import Exit
from jaxmath.examine import catalog
from jaxmath.lab import events
from jaxmath.lab.events import Events
from jaxmath.report.numbers import ascii_only

ESCAPE = "\x1b["


@pytest.fixture
def runs(command, root):
    """Two runs in the project, by their folders, in the order in which they were made."""
    made: list[str] = []
    for rate in ("0.1", "0.2"):
        assert command("run", "c.toml", f"rate={rate}", "--out", "made")[0] == Exit.PASS
        found = {str(path.relative_to(root)) for path in (root / "made" / "c").iterdir()}
        made += found - {*made}
    return made


def strict(text):
    def no_constant(word):
        raise AssertionError(f"{word} is no JSON")

    return json.loads(text, parse_constant=no_constant)


def test_compare_index_and_export_end_as_documented(command, root, runs):
    status, out, _ = command("compare", *runs, "--html", "pages/c.html")
    assert status == Exit.PASS
    assert "configs differ in rate" in " ".join(out.split())
    assert (root / "pages" / "c.html").is_file()
    status, out, _ = command("compare", *runs, "--json")
    assert strict(out)["settings"] == {"rate": [0.1, 0.2]}
    status, out, _ = command("index", "made")
    assert (status, out.splitlines()[0]) == (Exit.PASS, "2 runs: 2 PASS")
    assert (root / "made" / "index.html").is_file()
    assert command("index", "made", "--out", "i.html")[0] == Exit.PASS
    status, out, _ = command("export", runs[0], "--to", "csv")
    assert status == Exit.PASS
    assert (root / runs[0] / "csv" / "metrics.csv").is_file()
    assert command("export", runs[0], "--to", "tensorboard", "--out", "tb")[0] == Exit.PASS
    assert [*(root / "tb").iterdir()]


@pytest.mark.parametrize(
    ("words", "needle"),
    [
        (("compare", "made"), "two runs"),
        (("compare", "made", "nowhere"), "nowhere is no finished run: there is no such folder"),
        (("compare",), "RUN"),
        (("index", "nowhere"), "there is no folder nowhere"),
        (("export", "made", "--to", "csv"), "made is no finished run"),
        (("export", "made", "--to", "xml"), "csv, tensorboard, mlflow"),
        (("export", "made"), "--to"),
    ],
)
def test_two_for_bad_input(command, words, needle):
    status, out, err = command(*words)
    assert status == Exit.INPUT
    assert needle in err
    assert out == ""


def test_seventy_four_where_nothing_can_be_written(command, root, runs):
    (root / "blocked").write_text("a file where a folder should be")
    for words in (
        ("compare", *runs, "--html", "blocked/c.html"),
        ("index", "made", "--out", "blocked/i.html"),
        ("export", runs[0], "--to", "csv", "--out", "blocked/x"),
        ("export", runs[0], "--to", "tensorboard", "--out", "blocked/x"),
    ):
        status, _, err = command(*words)
        assert status == Exit.IO, words
        assert "blocked" in err
        assert "Traceback" not in err


def test_events_are_a_line_each_and_alone_on_stdout(command, root):
    change(root, "return np.arange(3.0)", 'print("noise"); return np.arange(3.0)')
    status, out, err = command("run", "c.toml", "rate=0.2", "--json")
    assert status == Exit.PASS
    assert "noise" in err
    told = [strict(line) for line in out.splitlines()]
    assert told[0]["event"] == "started"
    assert (root / told[0]["folder"] / "STATUS").is_file()
    phases = [event["phase"] for event in told if event["event"] == "progress"]
    assert [phase for phase in phases if phase != "loading"] == ["compiling", "running"]
    (claim,) = (event for event in told if event["event"] == "claim")
    assert (claim["name"], claim["outcome"], claim["relation"]) == ("finite", "PASS", ">=")
    assert claim["measured"] == pytest.approx(2.1)
    assert told[-1] == dict(
        event="finished", folder=told[0]["folder"], exit="PASS", status=0,
        report=f"{told[0]['folder']}/report.html",
    )  # fmt: skip
    change(root, '">=", -1e9', '"in", (5.0, float("inf"))')
    status, out, _ = command("run", "c.toml", "--json")
    told = [strict(line) for line in out.splitlines()]
    assert status == told[-1]["status"] == Exit.FAIL
    assert told[-2]["expected"] == [5.0, "Infinity"]
    change(root, 'measured["sum"], ">="', 'None, ">="')
    *_, claim, end = command("run", "c.toml", "--json")[1].splitlines()
    assert strict(claim)["outcome"] == "UNDECIDED"
    assert strict(end)["exit"] == "FAIL"


def test_what_goes_wrong_is_no_event(command):
    status, out, err = command("run", "c.toml", "rate=-1", "--json")
    assert status == Exit.INPUT
    assert out == ""
    assert "rate" in err


def test_progress_is_told_within_a_phase_and_to_nobody_who_has_gone(monkeypatch):
    monkeypatch.setattr(events, "INTERVAL", 0.01)
    heard, progress = io.StringIO(), Events()
    progress._out = heard
    with progress:
        progress.phase("running", 3)
        progress.advance(2)
        end = time.monotonic() + 20
        while '"done": 2' not in heard.getvalue() and time.monotonic() < end:
            time.sleep(0.01)
    text = heard.getvalue()
    assert '"done": 2' in text
    assert {strict(line)["phase"] for line in text.splitlines()} == {"running"}

    class Gone:
        def write(self, text):
            raise BrokenPipeError

    progress._out = Gone()
    progress.phase("later", 1)
    progress.phase("later still", 1)


@pytest.mark.parametrize("words", [("list",), ("list", "--by", "topic"), ("show", "huber"),
                                   ("check", "c.toml", "sweep.rate=[0.1,0.2]")])  # fmt: skip
def test_listings_are_json_as_well(command, words):
    status, out, _ = command(*words, "--json")
    assert status == Exit.PASS
    found = strict(out)
    if words == ("list",):
        assert "huber" in found["loss"]
        assert "study" in found["experiments"]
    elif words[0] == "list":
        assert any("huber" in row["formulas"] and row["id"] == "O8" for row in found)
    elif words[0] == "show":
        assert dict(found[0]["rows"])["domain"] == "residual in (-∞, ∞); delta in (0, ∞)"
    else:
        assert (found[0]["runs"], found[0]["axes"]) == (2, {"rate": [0.1, 0.2]})


@pytest.mark.parametrize("columns", [20, 40])
def test_narrow_lists_and_cards_are_read_downwards(command, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    for words in (("list",), ("show", "huber")):
        _, out, _ = command(*words)
        long = [line for line in out.splitlines() if len(line) > columns and " " in line.strip()]
        assert not [line for line in long if not line.startswith(("huber(", "  "))]
        assert not re.search(r"^\s{5,}\S{1,2}$(\n^\s{5,}\S{1,2}$){5}", out, re.MULTILINE)
    assert "convex" in out


def test_every_character_of_the_library_has_its_ascii(root):
    text = catalog.listing(root) + catalog.by_topic(root)
    text += "".join(str(catalog.cards(name, root)) for name in ("huber", "gammaln", "log_cosh"))
    before = text.count("?")
    assert not text.isascii()
    assert ascii_only(text).isascii()
    assert ascii_only(text).count("?") == before
    assert ascii_only("ηλ_max² ≤ 10⁻⁷, 2×10³, e⁻ˣ x₁₂ Γ(ψ)") == (
        "etalambda_max^2 <= 1e-7, 2e3, e^-x x_12 Gamma(psi)"
    )


# Real processes, whose streams are what the system gives them.


def answered(root, *words, **environment):
    process = subprocess.run(
        [sys.executable, "-m", "jaxmath", *words], cwd=root, capture_output=True, check=False,
        env={**os.environ, "JAXMATH_NO_CACHE": "1", **environment},
    )  # fmt: skip
    return process.returncode, process.stdout, process.stderr


@pytest.mark.parametrize("words", [("run", "c.toml"), ("show", "huber")])
def test_an_old_encoding_is_readable(root, words):
    status, out, err = answered(root, *words, PYTHONIOENCODING="ascii", LANG="C", LC_ALL="C")
    assert (status, err) == (Exit.PASS, b"")
    assert out.isascii()
    assert b"?" not in out


def test_an_old_encoding_can_show_an_error(root):
    status, _, err = answered(root, "run", "c.toml", "räte=1", PYTHONIOENCODING="ascii")
    assert status == Exit.INPUT
    assert b"rate" in err
    assert b"Traceback" not in err


def test_colours_are_for_terminals_and_for_those_who_force_them(root):
    assert ESCAPE.encode() not in answered(root, "run", "c.toml")[1]
    forced = answered(root, "run", "c.toml", FORCE_COLOR="1", TERM="xterm-256color")[1].decode()
    assert f"{ESCAPE}1;32m" in forced


def in_terminal(root, columns, *words, **environment):
    """What a command prints on a terminal of so many columns, and its status."""
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(root)
        size = struct.pack("HHHH", 40, columns, 0, 0)
        fcntl.ioctl(1, termios.TIOCSWINSZ, size)
        clean = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "NO_COLOR")}
        environment = {**clean, "JAXMATH_NO_CACHE": "1", "TERM": "xterm", **environment}
        os.execve(sys.executable, [sys.executable, "-m", "jaxmath", *words], environment)
    said = b""
    while True:
        try:
            part = os.read(terminal, 65536)
        except OSError:
            part = b""
        if not part:
            break
        said += part
    os.close(terminal)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), said.decode()


@pytest.mark.filterwarnings("ignore")  # forking beside JAX's threads: the child becomes another
@pytest.mark.parametrize(
    ("columns", "environment", "codes"),
    [
        (80, {}, r"\x1b\[1;32m"),
        (20, {"NO_COLOR": "1"}, r"\x1b\[1m"),
        (40, {"TERM": "dumb"}, None),
    ],
)
def test_terminals_of_all_kinds(root, columns, environment, codes):
    status, said = in_terminal(root, columns, "run", "c.toml", **environment)
    assert status == Exit.PASS
    found = re.findall(r"\x1b\[[\d;]*[A-Za-z]", said)
    if codes is None:
        assert not found
    else:
        assert re.search(codes, said)
    if "NO_COLOR" in environment:
        assert not [code for code in found if re.search(r"\b(3|4|9)\d", code)]
    plain = re.sub(r"\x1b\[[\d;]*[A-Za-z]", "", said)
    lines = [line.rstrip() for line in plain.splitlines() if "Report:" not in line]
    assert max(map(len, lines)) <= columns
    assert "1 of 1 claim" in plain


@pytest.mark.parametrize("failing", [False, True])
@pytest.mark.parametrize("words", [(), ("--json",)])
def test_a_reader_who_leaves_changes_no_status(root, failing, words):
    if failing:
        change(root, '">=", -1e9', '"<=", -1e9')
    process = spawn(root, "run", "c.toml", *words)
    process.stdout.close()
    err = process.stderr.read()
    process.wait(timeout=120)
    process.stderr.close()
    assert process.returncode == (Exit.FAIL if failing else Exit.PASS)
    assert "Traceback" not in err
    assert "Exception" not in err
    assert [*(root / "runs").rglob("STATUS")]


def test_compare_in_a_pipe_that_closes(root, command, runs):
    process = spawn(root, "compare", *runs)
    process.stdout.close()
    err = process.stderr.read()
    process.wait(timeout=120)
    process.stderr.close()
    assert (process.returncode, err) == (Exit.PASS, "")
