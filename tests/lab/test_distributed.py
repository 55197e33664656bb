"""Several processes on the loopback interface share a run: all of it, and when one of them dies."""

import contextlib
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from jaxmath.config import reading
from jaxmath.config.errors import Exit, InputError
from jaxmath.lab import launch, session
from jaxmath.runs import store
from tests.lab.test_resume import CONFIG, contents, only

REPOSITORY = Path(__file__).parents[2]
JAXMATH = [sys.executable, "-m", "jaxmath"]
BOUND = 30.0
"""Seconds within which the others end when a process has died."""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="children are found in /proc")

SLOW = """
import os, time
from dataclasses import dataclass
import numpy as np
from jaxmath.runs import Result

@dataclass(frozen=True)
class Config:
    rate: float = 1.0

def load(config):
    if os.environ.get("BROKEN") and os.environ["BROKEN"] in os.environ["PLACE"]:
        raise ZeroDivisionError("the data of this machine are broken")

def survey(config, data, seed, progress):
    time.sleep(float(os.environ.get("PAUSE", "0")))
    return dict(square=np.float64(config.rate * seed**2))

def judge(config, data, measured):
    return Result(claims=())
"""

SMALL = """
from dataclasses import dataclass
import jax
import jax.numpy as jnp
from jaxmath.runs import Result

@dataclass(frozen=True)
class Config:
    rate: float = 0.1

def load(config):
    return None

def rounds(config):
    return 3

def begin(config, data, key):
    return jax.random.normal(key, (5,))

def proceed(config, data, x):
    x = jax.lax.fori_loop(0, 50, lambda i, x: x - config.rate * jnp.sin(x), x)
    return x, jnp.sum(x**2)

def finish(config, data, x, records):
    return dict(end=x, curve=records)

def judge(config, data, measured):
    return Result(claims=())
"""


class Processes:
    """The processes of one run, started together."""

    def __init__(self, count: int, cwd: Path, env: dict[str, str], *words: object):
        with socket.socket() as trial:
            trial.bind(("", 0))
            port = trial.getsockname()[1]
        where = ["--distributed", "--coordinator", f"127.0.0.1:{port}", "--processes", count]
        self.all = [
            subprocess.Popen(
                [*JAXMATH, *map(str, [*words, *where, "--process", i])],
                cwd=cwd, env=env | {"PLACE": f"process {i}"}, text=True,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            )
            for i in reversed(range(count))
        ][::-1]  # fmt: skip

    def ended(self) -> list[tuple[int, str]]:
        """Status and stderr of each; that one waited for others may be there on a busy machine."""
        try:
            said = [process.communicate(timeout=300)[1] for process in self.all]
        finally:
            for process in self.all:
                process.kill()
                process.wait()
        said = [re.sub(r"^waiting until all .*\n", "", text, flags=re.MULTILINE) for text in said]
        return [(p.returncode, text) for p, text in zip(self.all, said, strict=True)]

    def child(self, i: int) -> int:
        pid = self.all[i].pid
        return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


@pytest.fixture(scope="module")
def env(tmp_path_factory):
    return {
        **os.environ,
        "PYTHONPATH": str(REPOSITORY),
        "JAX_PLATFORMS": "cpu",
        "XDG_CACHE_HOME": str(tmp_path_factory.mktemp("cache")),
    }


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project whose experiment takes as long as the environment says."""
    root = tmp_path_factory.mktemp("project")
    (root / "experiments").mkdir()
    (root / "experiments" / "slow.py").write_text(SLOW)
    (root / "configs").mkdir()
    text = 'experiment = "slow"\n[sweep]\nseed = { range = [0, 60] }\n'
    (root / "configs" / "c.toml").write_text(text)
    (root / "experiments" / "small.py").write_text(SMALL)
    text = 'experiment = "small"\n[sweep]\nseed = { range = [0, 5] }\nrate = [0.1, 0.5]\n'
    (root / "configs" / "small.toml").write_text(text)
    return root


BAD = {
    "--coordinator node1:9 run": "`--coordinator` belongs to `--distributed`",
    "--process 1 run": "`--process` belongs to `--distributed`",
    "--distributed --coordinator node1 run": "`--coordinator node1` is no address with a port",
    "--distributed --coordinator node1:99999 run": "is no address with a port",
    "--distributed --processes 2 --process 2 run": "is none of 2 processes: they count from 0",
}


@pytest.mark.parametrize("words", BAD)
def test_flags_that_do_not_fit(words):
    given = dict(re.findall(r"--(coordinator|processes|process) (\S+)", words))
    counts = {name: int(value) for name, value in given.items() if value.isdigit()}
    settings = dict(coordinator=None, processes=None, process=None) | given | counts
    with pytest.raises(InputError, match=re.escape(BAD[words])):
        launch.settings("--distributed" in words, **settings)


@pytest.mark.parametrize("address", ["node1:1234", "10.0.0.1:80", "[fe80::1]:65535", None])
def test_addresses(address):
    assert launch.settings(True, address, None, None).coordinator == address


def test_no_cluster(env, tmp_path):
    command = [*JAXMATH, "run", "c.toml", "--distributed"]
    env = {k: v for k, v in env.items() if not k.startswith(("SLURM", "OMPI", "KUBERNETES"))}
    ended = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True)
    assert ended.returncode == Exit.INPUT
    assert ended.stderr.startswith("error: no cluster is found around this process")
    assert "--coordinator HOST:PORT --processes N --process I" in ended.stderr
    assert len(ended.stderr.splitlines()) == 2


def test_the_parent_imports_no_jax():
    code = (
        "import sys; from jaxmath.lab import launch, cli\n"
        "launch.Parent.work = lambda self: print('jax' in sys.modules)\n"
        "sys.argv[1:] = ['run', 'x.toml', '--distributed']\ncli.main()"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ended.stdout == "False\n", ended.stderr


def compare_series(one: Path, two: Path) -> None:
    first, second = (store.load(folder).series for folder in (one, two))
    assert set(first) == set(second)
    for name, value in first.items():
        np.testing.assert_allclose(second[name], value, rtol=1e-12, atol=1e-12, err_msg=name)


def shares(count, env, config, tmp_path) -> tuple[Path, Path]:
    """The folders of one process, and of several."""
    alone = session.run(reading.read(config), tmp_path / "alone", True, False).folder
    processes = Processes(count, tmp_path, env, "run", config, "--out", "out", "-q")
    assert processes.ended() == [(Exit.PASS, "")] * count
    folder = next((tmp_path / "out").glob("*/*"))
    compare_series(alone, folder)
    provenance = json.loads((folder / "provenance.json").read_text())
    assert provenance["processes"] == count
    assert not (folder / "work").exists()
    assert not (folder / "LOCK").exists()
    assert not list(folder.glob("log-*"))
    return alone, folder


def test_two_processes(env, project, tmp_path):
    alone, folder = shares(2, env, project / "configs" / "small.toml", tmp_path)
    if len(os.sched_getaffinity(0)) == 2:  # a sweep for two cores is cut the same
        assert contents(alone) == contents(folder)


@pytest.mark.full
def test_four_processes(env, tmp_path):
    config = tmp_path / "c.toml"
    config.write_text(CONFIG)
    shares(4, env, config, tmp_path)


def is_alive(pid: int) -> bool:
    try:  # a zombie, whom nobody has asked yet how it ended, is not
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def at_work(processes: Processes, out: Path, pieces: int) -> Path:
    """The folder, when so many pieces are finished."""
    until = time.monotonic() + 200
    while len(list(out.glob("c/*/work/tile-*.json"))) < pieces:
        ended = [p.poll() for p in processes.all]
        assert ended == [None] * len(ended), [p.communicate() for p in processes.all]
        assert time.monotonic() < until
        time.sleep(0.05)
    return only(out)


def lost(processes: Processes, victim: int, pid: int) -> float:
    """Kill, and hold the others to their promise; the seconds until they had ended."""
    os.kill(pid, signal.SIGKILL)
    started = time.monotonic()
    ended = processes.ended()
    took = time.monotonic() - started
    assert took < BOUND
    for i, (status, said) in enumerate(ended):
        if i != victim:
            assert status == Exit.LOST, said
            lines = [line for line in said.splitlines() if line.startswith("error")]
            assert len(lines) == 1, said
            assert f"process {victim} died, and process {i} of {len(ended)} ended" in lines[0]
            assert "jaxmath resume" in lines[0]
            assert "Traceback" not in said
            assert "Check failure" not in said
    return took


def finished(project, env, folder):
    run = store.load(folder)
    np.testing.assert_array_equal(run.series["square"], np.arange(60.0) ** 2)
    assert (folder / "STATUS").read_text().startswith("PASS 0")


def test_a_member_is_killed(project, env, tmp_path):
    """The lock is the leader's parent's; what all have finished stays, and a plain run goes on."""
    words = ["run", project / "configs" / "c.toml", "--out", tmp_path / "out"]
    processes = Processes(2, project, env | {"PAUSE": "1"}, *words)
    folder = at_work(processes, tmp_path / "out", 4)
    second = subprocess.run(
        [*JAXMATH, "resume", folder], env=env, cwd=project, capture_output=True, text=True
    )
    assert second.returncode == Exit.LOCKED
    assert f"is at work: process {processes.all[0].pid} on " in second.stderr
    lost(processes, 1, processes.child(1))
    assert (folder / "STATUS").read_text().startswith("ERROR 76\nprocess 1 died")
    assert "Check failure" in (folder / "log-0.txt").read_text()
    assert not (folder / "LOCK").exists()
    kept = {path.stem for path in (folder / "work").glob("tile-*.json")}
    assert {int(name.split("-")[1]) % 2 for name in kept} == {0, 1}
    again = subprocess.run([*JAXMATH, "resume", "-q", folder], env=env, cwd=project)
    assert again.returncode == Exit.PASS
    finished(project, env, folder)


def test_the_parent_of_the_leader_is_killed(project, env, tmp_path):
    words = ["run", project / "configs" / "c.toml", "--out", tmp_path / "out", "-q"]
    processes = Processes(2, project, env | {"PAUSE": "1"}, *words)
    folder = at_work(processes, tmp_path / "out", 3)
    worker = processes.child(0)
    lost(processes, 0, processes.all[0].pid)
    assert not is_alive(worker)
    again = Processes(3, project, env, "resume", folder, "-q")
    assert [status for status, _ in again.ended()] == [Exit.PASS] * 3
    finished(project, env, folder)


def test_what_fails_in_a_member_is_told_once(project, env, tmp_path):
    words = ["run", project / "configs" / "c.toml", "--out", tmp_path / "out", "-q"]
    processes = Processes(2, project, env | {"BROKEN": "1"}, *words)
    (leader, said), (member, silence) = processes.ended()
    assert leader == member == Exit.EXPERIMENT
    assert said.count("ZeroDivisionError: the data of this machine are broken") == 1
    assert said.startswith("process 1 of 2 could not do its part:")
    assert "slow.py" in said
    assert not silence
    assert (only(tmp_path / "out") / "STATUS").read_text().startswith("ERROR 4")


@pytest.mark.full
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_one_ends_all(project, env, tmp_path, number):
    words = ["run", project / "configs" / "c.toml", "--out", tmp_path / "out", "-q"]
    processes = Processes(2, project, env | {"PAUSE": "0.5"}, *words)
    folder = at_work(processes, tmp_path / "out", 3)
    processes.all[1].send_signal(number)
    (leader, said), (member, silence) = processes.ended()
    assert leader == member == 128 + number
    assert f"jaxmath resume {folder}" in said
    assert not silence
    assert (folder / "STATUS").read_text().startswith(f"INTERRUPTED {128 + number}")


LONG = CONFIG.replace("steps = 12", "steps = 60000").replace("records = 6", "records = 3000")


def held(processes: Processes, out: Path) -> None:
    """Wait until the processes have met, and the run is theirs."""
    until = time.monotonic() + 200
    while time.monotonic() < until:
        with contextlib.suppress(OSError, ValueError):
            for path in out.glob("c/*/LOCK"):
                if json.loads(path.read_text())["pid"] == processes.all[0].pid:
                    return
        time.sleep(0.05)
    raise TimeoutError


@pytest.mark.full
def test_ten_processes_are_killed(env, tmp_path):
    """At any moment, any process, parent or child; what comes out in the end is the same.

    Bit for bit, since the sweep stays cut for three processes, and each has a core.
    """
    config = tmp_path / "c.toml"
    config.write_text(LONG)
    whole = Processes(3, tmp_path, env, "run", config, "--out", "whole", "-q")
    assert whole.ended() == [(Exit.PASS, "")] * 3
    chance = random.Random(0)
    words: list[object] = ["run", config, "--out", "out", "-q", "--save-every", "0"]
    seconds = []
    for number in range(10):
        processes = Processes(3, tmp_path, env, *words)
        held(processes, tmp_path / "out")
        time.sleep(chance.uniform(0.0, 1.0 + number))
        victim, whom = chance.randrange(3), chance.choice(["parent", "child"])
        pid = processes.all[victim].pid if whom == "parent" else processes.child(victim)
        seconds.append(lost(processes, victim, pid))
        words = ["resume", only(tmp_path / "out"), "-q", "--save-every", "0"]
    print("seconds until the others ended:", [round(s, 1) for s in seconds])  # noqa: T201
    assert Processes(3, tmp_path, env, *words[:3]).ended() == [(Exit.PASS, "")] * 3
    found = contents(only(tmp_path / "out"))
    found = {name: file for name, file in found.items() if not name.startswith("log-")}
    assert found == contents(only(tmp_path / "whole"))
