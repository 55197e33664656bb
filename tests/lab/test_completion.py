"""The tabulator key: what is suggested, in real shells, at once, and without trusting the cache."""

import json
import os
import pty
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import typer.main

from jaxmath.config.project import Project
from jaxmath.lab import completion, completion_cache
from tests.lab.casebook import BASE, CANARY, project

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A project whose experiments have been looked at, and the cache that this leaves."""
    root = tmp_path_factory.mktemp("completion") / "project"
    project(root)
    (root / "configs" / "with space.toml").write_text(BASE)
    (root / "configs" / "extending.toml").write_text('extends = "present.toml"\nloss = "pinball"')
    (root / "configs" / "half.toml").write_text('experiment = "study"\nrate = [0.1,')
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(root.parent / "cache"))
        completion_cache.refresh(Project(root))
    return root


@pytest.fixture
def words(root, monkeypatch):
    """The words suggested for a line."""
    monkeypatch.chdir(root)
    monkeypatch.setenv("XDG_CACHE_HOME", str(root.parent / "cache"))

    def ask(line):
        lines = completion.answer(["--line", f"jaxmath {line}"]).splitlines()
        return [line.partition("\t")[0] for line in lines]

    return ask


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("ru", ["run"]),
        ("--v", ["--version"]),
        ("new ", ["experiment", "loss"]),
        ("run --sm", ["--smoke"]),
        ("verify --format j", ["json"]),
        ("list --by ", ["topic"]),
        ("completion ", ["bash", "zsh", "fish"]),
        ("show log_co", ["log_cosh"]),
        ("run configs/pre", ["configs/present.toml"]),
        ("run conf", ["configs/"]),
        ("run configs/with", ["configs/with space.toml"]),
        ('run "configs/with s', ["configs/with space.toml"]),
        ("run configs/with\\ s", ["configs/with space.toml"]),
        ("config stu", ["study"]),
        ("config deriv", ["derivatives"]),
        ("config study mo", ["mode="]),
        ("config study mode=", ["mode=gentle", "mode=steep"]),
        ("run configs/present.toml rou", ["rounds="]),
        ("run configs/present.toml wanted=", ["wanted=true", "wanted=false"]),
        ("run configs/present.toml loss=hub", ["loss=huber"]),
        ("run configs/present.toml loss.name=hub", ["loss.name=huber"]),
        ("run configs/present.toml penalty=no", ["penalty=none"]),
        ("run configs/present.toml inner.", ["inner.depth=", "inner.slope="]),
        ("run configs/present.toml sweep.inner.d", ["sweep.inner.depth="]),
        ("run configs/present.toml precision=", ["precision=float64", "precision=float32"]),
        # The options are those of the name in the file, or of a later word.
        ("run configs/present.toml loss.", ["loss.delta="]),
        ("run configs/extending.toml loss.", ["loss.quantile="]),
        ("run configs/present.toml loss=pinball loss.", ["loss.quantile="]),
        ("run configs/present.toml loss.name=pinball loss.", ["loss.quantile="]),
        ("run configs/half.toml rou", ["rounds="]),
        ("run configs/nowhere.toml rou", []),
        ("nonsense ", []),
        ("run 'unclosed", []),
    ],
)
def test_candidates(words, line, expected):
    assert words(line) == expected


def test_all_commands_are_suggested(words):
    from jaxmath.lab import cli

    known = set(typer.main.get_command(cli.app).commands)
    assert {"run", "config", "verify", "new"} <= known <= set(words(""))


def test_a_command_that_reads_a_config_remembers_it(root, tmp_path, monkeypatch, capsys):
    from jaxmath.lab import cli

    monkeypatch.chdir(root)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("JAXMATH_NO_CACHE", raising=False)
    monkeypatch.setattr(cli, "listen", lambda: None)

    def config(name):
        monkeypatch.setattr(sys, "argv", ["jaxmath", "config", name])
        with pytest.raises(SystemExit) as end:
            cli.main()
        assert not end.value.code

    config("configs/present.toml")
    config("study")
    kept = sorted(path.name for path in tmp_path.rglob("*") if path.is_file())
    assert kept == ["commands.json", "study.json"]
    (file,) = tmp_path.rglob("study.json")
    before = file.stat().st_mtime_ns
    config("study")
    assert file.stat().st_mtime_ns == before, "it is known"
    module = root / "experiments" / "study.py"
    text = module.read_text()
    module.write_text(text.replace("title: str", "heading: str = ''\n    title: str"))
    config("study")
    assert "heading" in json.loads(file.read_text())["keys"]
    module.write_text(text)
    capsys.readouterr()


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xfe", b"[]", b"{", b'{"keys": 3}', b"[" * 100_000, b'{"commands": {"run": 1}}'],
)
def test_a_damaged_cache_suggests_less(root, words, content, monkeypatch, tmp_path):
    shutil.copytree(root.parent / "cache", tmp_path / "cache")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for file in (tmp_path / "cache").rglob("*.json"):
        file.write_bytes(content)
    for line in ("", "run configs/present.toml ro", "run --", "show ", "config "):
        words(line)


def test_nobody_can_write_the_cache(root, monkeypatch, tmp_path):
    (tmp_path / "cache").write_text("a file where a folder should be")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    completion_cache.remember("study", Project(root))
    assert completion.answer(["r"]) == ""


def test_what_moves_a_cursor_is_not_suggested(root, words, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = tmp_path / "jaxmath" / "completion" / completion.project_name(root / "experiments")
    folder.mkdir(parents=True)
    about = {"said": "a\x1b[31m", "choice": "", "default": "", "of": [], "values": ["\x1b]0;x\x07"]}
    (folder / "study.json").write_text(json.dumps({"keys": {"rate": about, "a\nb": about}}))
    assert words("run configs/present.toml ") == ["rate=", *words("run ")]
    assert words("run configs/present.toml rate=") == []


# In real shells.


@pytest.fixture(scope="module")
def environment(root):
    folder = root.parent / "bin"
    folder.mkdir()
    (folder / "jaxmath").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m jaxmath "$@"\n')
    (folder / "jaxmath").chmod(0o755)
    return {
        **os.environ,
        "PATH": f"{folder}:{os.environ['PATH']}",
        "PYTHONPATH": f"{REPOSITORY}:{os.environ.get('PYTHONPATH', '')}",
        "XDG_CACHE_HOME": str(root.parent / "cache"),
        "HOME": str(root.parent),
        "TERM": "dumb",
        "PS1": "$ ",
    }


START = {
    "bash": (["--norc", "--noprofile", "-i"], 'eval "$(jaxmath completion bash)"'),
    "zsh": (
        ["-f", "-i"],
        'PS1="$ "; autoload -U compinit; compinit -u; eval "$(jaxmath completion zsh)"',
    ),
    "fish": (["--no-config", "-i"], "jaxmath completion fish | source"),
}


class Terminal:
    """A shell in a terminal of its own."""

    def __init__(self, command, folder, environment):
        self.side, terminal = pty.openpty()
        # Not `pty.fork`: a process in which JAX is at work must not fork.
        take = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
        take += "os.execv(sys.argv[1], sys.argv[1:])"
        self.process = subprocess.Popen(
            [sys.executable, "-c", take, *command], cwd=folder, env=environment,
            stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True,
        )  # fmt: skip
        os.close(terminal)
        self.seen = ""

    def type(self, text):
        self.seen = ""
        os.write(self.side, text.encode())

    def wait_for(self, text, seconds=20):
        until = time.monotonic() + seconds
        while text not in self.seen and time.monotonic() < until:
            if select.select([self.side], [], [], 0.1)[0]:
                try:
                    self.seen += os.read(self.side, 65536).decode("utf-8", "replace")
                except OSError:
                    break
        assert text in self.seen, self.seen

    def close(self):
        os.close(self.side)
        self.process.kill()
        self.process.wait()


@pytest.fixture(params=list(START))
def terminal(request, root, environment):
    shell = shutil.which(request.param)
    if shell is None:
        pytest.skip(f"there is no {request.param} here")
    options, start = START[request.param]
    terminal = Terminal([shell, *options], root, environment)
    # Printed by a command, so that the echo of what is typed is not taken for its answer.
    terminal.type(f"{start}; printf 're%s\\n' ady\n")
    terminal.wait_for("ready")
    yield terminal
    terminal.close()


def test_a_real_shell_completes(terminal):
    for typed, completed in (
        ("jaxmath che", "check"),
        ("jaxmath run configs/pres", "configs/present.toml"),
        ("jaxmath run configs/present.toml roun", "rounds="),
        ("jaxmath run configs/present.toml mode=st", "mode=steep"),
        ("jaxmath run configs/present.toml loss.name=hube", "loss.name=huber"),
        ("jaxmath run --smo", "--smoke"),
        ("jaxmath run configs/wit", "configs/with space.toml"),
    ):
        terminal.type(typed + "\t")
        terminal.wait_for(completed[-2:])
        # From the begin of the line: the shell itself tells what words have come of it.
        terminal.type("\x01printf '<%s>\\n' \x05\n")
        terminal.wait_for(f"<{completed}>")


@pytest.mark.parametrize(
    "line", ["", "run configs/present.toml ", "run configs/present.toml mode="]
)
def test_it_answers_at_once_and_without_jax(line, root, environment):
    code = (
        "import sys; from jaxmath.__main__ import main; main();"
        "assert not {'jax', 'numpy', 'typer', 'pydantic'} & set(sys.modules), sys.modules"
    )
    subprocess.run(
        [sys.executable, "-c", code, "complete", "--line", f"jaxmath {line}"],
        cwd=root, env=environment, check=True, capture_output=True,
    )  # fmt: skip
    took = []
    for _ in range(5):
        start = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "jaxmath", "complete", "--line", f"jaxmath {line}"],
            cwd=root, env=environment, check=True, capture_output=True,
        )  # fmt: skip
        took.append(time.perf_counter() - start)
        assert done.stdout
    assert min(took) < 0.15


def test_a_word_of_the_line_is_never_run(root, environment):
    bash = shutil.which("bash")
    for word in (f"$(touch {CANARY})", f"`touch {CANARY}`", f"x;touch {CANARY};", "'", '"$(', "\\"):
        script = (
            'eval "$(jaxmath completion bash)"; COMP_LINE=$1; COMP_POINT=${#1}; '
            '_jaxmath jaxmath; printf "%s\\n" "${COMPREPLY[@]}"'
        )
        subprocess.run(
            [bash, "-c", script, "bash", f"jaxmath run {word}"],
            cwd=root, env=environment, check=True, capture_output=True,
        )  # fmt: skip
    assert not list(root.rglob(CANARY))
