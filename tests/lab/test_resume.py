"""A run that ends early goes on, and what comes out is the same, bit for bit."""

import errno
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import jax
import numpy as np
import pytest

from jaxmath import lab
from jaxmath.config import reading, signals
from jaxmath.config.errors import Exit, InputError, LockedError, StorageError
from jaxmath.lab import session, tiles
from jaxmath.runs import encoding, journal, lock, store

REPOSITORY = Path(__file__).parents[2]
CONFIG = """
experiment = "train"
steps = 12
records = 6
batch_size = 8
[data]
name = "linear"
rows = 40
[optimizer]
name = "adam"
learning_rate = 0.1
[sweep]
seed = [0, 1]
batch_size = [4, 8, 16]
"optimizer.learning_rate" = [0.1, 0.3]
"""
OWN = ("provenance.json", "plan.json", "plan.copy.json", "report.html", "SHA256SUMS")
"""Files that say when and where a run was made."""


def contents(folder: Path) -> dict[str, bytes]:
    """All that a run came to."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name not in OWN]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def only(out: Path) -> Path:
    (folder,) = (out / "c").iterdir()
    return folder


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    path = tmp_path_factory.mktemp("resume") / "c.toml"
    path.write_text(CONFIG)
    return path


@pytest.fixture(scope="module")
def whole(config, tmp_path_factory):
    """What an undisturbed run of the config leaves."""
    run = session.run(reading.read(config), tmp_path_factory.mktemp("whole"), True, False)
    found = contents(run.folder)
    assert found["STATUS"].startswith(b"PASS 0")
    assert "series.npz" in found
    assert "params.npz" in found
    assert not (run.folder / "work").exists()
    assert not (run.folder / "LOCK").exists()
    return found


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch):
    """Flushing matters where power is lost, which no test does, and takes most of the time."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


class Stopped(Exception):
    pass


def failing(monkeypatch, count: int, error: BaseException, owner=store, name: str = "write"):
    """Let the n-th call of a function raise; a list of calls so far."""
    real, calls = getattr(owner, name), []

    def call(*args, **options):
        calls.append(args)
        if len(calls) == count:
            raise error
        return real(*args, **options)

    monkeypatch.setattr(owner, name, call)
    return calls


def test_a_finished_run_has_nothing_to_go_on_with(config, whole, tmp_path, monkeypatch):
    run = session.run(reading.read(config), tmp_path, True, False)
    calls = failing(monkeypatch, 0, Stopped())
    again = lab.resume(run.folder)
    assert not calls
    assert again.claims[0].measured == pytest.approx(run.claims[0].measured)
    assert contents(run.folder) == whole


@pytest.mark.parametrize("at", [0, 1, 4, 6, 11])
def test_rounds_and_tiles_that_are_done_are_not_done_again(
    config, whole, tmp_path, monkeypatch, at
):
    """Interrupted at the n-th save of a state; then no round runs twice."""
    with monkeypatch.context() as patch:
        error = Stopped() if at else KeyboardInterrupt()
        failing(patch, at + 1, error, journal.Journal, "keep_state")
        with pytest.raises((Stopped, KeyboardInterrupt)):
            session.run(reading.read(config), tmp_path, True, False, 0.0)
    folder = only(tmp_path)
    done = {path.stem for path in (folder / "work").glob("tile-?.json")}
    saved = {path.stem for path in (folder / "work").glob("tile-?-round-*.json")}
    calls = failing(monkeypatch, 0, Stopped(), journal.Journal, "keep_state")
    session.resume(folder, True, False, 0.0)
    again = {f"tile-{piece}-round-{rounds}" for _, piece, _, rounds, _ in calls}
    assert not saved & again
    assert not {name.partition("-round")[0] for name in again} & done
    assert contents(folder) == whole
    assert not (folder / "work").exists()


def test_an_interrupt_saves_what_is_under_way(config, whole, tmp_path, monkeypatch):
    """Between two rounds a training stops, its state is saved, and goes on from there."""
    real, counts, seen = tiles.Progress.advance, {}, threading.Event()

    def advance(self, pieces=1):
        real(self, pieces)
        me = threading.get_ident()
        counts[me] = counts.get(me, 0) + pieces
        if me != threading.main_thread().ident and counts[me] == 4 and not seen.is_set():
            seen.set()
            os.kill(os.getpid(), signal.SIGINT)
            handled.wait(60)
            time.sleep(1)  # until the main thread has told the others

    def handler(number, frame):
        handled.set()
        raise KeyboardInterrupt

    handled, before = threading.Event(), signal.signal(signal.SIGINT, handler)
    with monkeypatch.context() as patch:
        patch.setattr(tiles.Progress, "advance", advance)
        with pytest.raises(KeyboardInterrupt) as caught:
            session.run(reading.read(config), tmp_path, True, False)
    signal.signal(signal.SIGINT, before)
    folder = only(tmp_path)
    assert caught.value.__notes__ == [f"go on with it: jaxmath resume {folder}"]
    assert (folder / "STATUS").read_text().startswith("INTERRUPTED 130")
    assert any("round" in path.name for path in (folder / "work").iterdir())
    lab.resume(folder)
    assert contents(folder) == whole


def test_a_signal_that_python_swallowed_is_seen_at_the_next_safe_point(
    config, whole, tmp_path, monkeypatch
):
    """As in a callback of the garbage collector, where what a handler raises is only printed."""
    real = journal.Journal.keep

    def keep(self, piece, *args, **options):
        real(self, piece, *args, **options)
        with suppress(KeyboardInterrupt):
            signals._stop(signal.SIGTERM, None)

    with monkeypatch.context() as patch:
        patch.setattr(journal.Journal, "keep", keep)
        with pytest.raises(signals.Terminated):
            session.run(reading.read(config), tmp_path, True, False)
    signals._arrived.clear()
    folder = only(tmp_path)
    assert (folder / "STATUS").read_text().startswith("INTERRUPTED 143")
    lab.resume(folder)
    assert contents(folder) == whole


@pytest.mark.full
def test_a_failure_at_every_write(config, whole, tmp_path, monkeypatch):
    """The n-th write fails, for every n, with states saved at every round; nothing is lost."""
    study, count = reading.read(config), 0
    while True:
        count += 1
        out = tmp_path / str(count)
        with monkeypatch.context() as patch:
            calls = failing(patch, count, OSError(errno.ENOSPC, "No space left on device"))
            with suppress(StorageError):
                session.run(study, out, True, False, 0.0)
        if len(calls) < count:
            break
        folder = only(out)
        for path in folder.rglob("*.np?"):
            np.load(path, allow_pickle=False)
        before = {path.name for path in (folder / "work").glob("tile-?.json")}
        if not (folder / "plan.json").exists():
            with pytest.raises(InputError, match=r"nothing to go on with|no folder of a run"):
                lab.resume(folder)
            continue
        with monkeypatch.context() as patch:
            keep = failing(patch, 0, Stopped(), journal.Journal, "keep")
            lab.resume(folder)
        done = {f"tile-{piece}.json" for _, piece, *_ in keep}
        assert not done & before, "a finished tile was lost"
        assert contents(folder) == whole, count
    assert count > 60


def test_some_failing_writes(config, whole, tmp_path, monkeypatch):
    study = reading.read(config)
    for count in (4, 9, 17, 30):
        out = tmp_path / str(count)
        with monkeypatch.context() as patch:
            failing(patch, count, OSError(errno.EDQUOT, "Disk quota exceeded"))
            with pytest.raises(StorageError, match="disk quota exceeded"):
                session.run(study, out, True, False, 0.0)
        lab.resume(only(out))
        assert contents(only(out)) == whole


def begun(config, out: Path, monkeypatch, at: int = 9, smoke: bool = False) -> Path:
    """A folder whose run was interrupted at the n-th state saved."""
    with monkeypatch.context() as patch:
        patch.setattr(tiles, "workers", lambda: 1)  # one tile after the other
        failing(patch, at, Stopped(), journal.Journal, "keep_state")
        with pytest.raises(Stopped):
            session.run(reading.read(config, (), smoke), out, True, False, 0.0)
    return only(out)


def resumed(folder: Path, capsys) -> str:
    capsys.readouterr()
    lab.resume(folder)
    return capsys.readouterr().err


def test_a_damaged_state_gives_way_to_the_one_before(config, whole, tmp_path, monkeypatch, capsys):
    folder = begun(config, tmp_path, monkeypatch)
    states = sorted((folder / "work").glob("tile-1-round-*.npz"))
    assert [path.stem[-1] for path in states] == ["2", "3"]
    data = bytearray(states[-1].read_bytes())
    data[len(data) // 2] ^= 1
    states[-1].write_bytes(data)
    said = resumed(folder, capsys)
    assert f"{states[-1]} is damaged (its checksum differs)" in said
    assert contents(folder) == whole


def damaged(folder: Path, copy: Path, flip: random.Random):
    """Copies of a folder with one byte flipped, or one file cut short, somewhere."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    path = flip.choice(files)
    data = bytearray(path.read_bytes())
    if not data:
        return None
    place = flip.randrange(len(data))
    if flip.random() < 0.2:
        del data[place:]
    else:
        data[place] ^= 1 << flip.randrange(8)
    target = copy / path.relative_to(folder)
    target.write_bytes(data)
    return path.relative_to(folder)


@pytest.mark.parametrize("times", [20, pytest.param(1000, marks=pytest.mark.full)])
def test_one_flipped_byte_anywhere(config, whole, tmp_path, monkeypatch, times, capsys):
    """It is noticed and what it held is computed anew, or the run is refused with a sentence."""
    folder = begun(config, tmp_path / "begun", monkeypatch)
    flip = random.Random(times)
    for _ in range(times):
        copy = tmp_path / "copy" / "c" / "x"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(folder, copy)
        name = damaged(folder, copy, flip)
        if name is None:
            continue
        capsys.readouterr()
        if name.name == "config.toml":
            with pytest.raises(InputError, match="is not what the run began with"):
                lab.resume(copy)
            continue
        lab.resume(copy)
        told = capsys.readouterr().err
        if name.parts[0] == "work" and name.suffix == ".npz":
            assert "damaged" in told or _is_unused(name, folder), (name, told)
        found = contents(copy)
        if name.name == "overrides.txt":
            found["overrides.txt"] = whole["overrides.txt"]
        assert found == whole, name


def _is_unused(name: Path, folder: Path) -> bool:
    """Whether a newer state of the same tile is there, so that this one is not read."""
    piece, _, number = name.stem.rpartition("-")
    return any(
        int(path.stem.rpartition("-")[2]) > int(number)
        for path in (folder / "work").glob(f"{piece}-*.json")
    )


@pytest.mark.parametrize("damage", ["flip", "cut"])
def test_a_finished_folder_that_is_damaged_is_not_read(config, tmp_path, damage):
    folder = session.run(reading.read(config), tmp_path, True, False).folder
    for name in ("result.json", "series.npz", "params.npz", "config.toml", "plots.json"):
        data = (folder / name).read_bytes()
        place = len(data) // 3
        changed = data[:place] if damage == "cut" else bytearray(data)
        if damage == "flip":
            changed[place] ^= 4
        (folder / name).write_bytes(changed)
        with pytest.raises(InputError, match=rf"{name} is damaged: its checksum differs"):
            lab.load(folder)
        (folder / name).write_bytes(data)
    lab.load(folder)


def test_both_plans_damaged_is_a_sentence(config, tmp_path, monkeypatch):
    folder = begun(config, tmp_path, monkeypatch)
    for name in journal.PLANS:
        (folder / name).write_text("{")
    with pytest.raises(InputError, match=r"both copies .*\n.*run it anew: jaxmath run"):
        lab.resume(folder)


def test_an_edited_config_is_refused_and_a_missing_one_restored(
    config, whole, tmp_path, monkeypatch
):
    folder = begun(config, tmp_path, monkeypatch)
    text = (folder / "config.toml").read_text()
    (folder / "config.toml").write_text(text.replace("steps = 12", "steps = 13"))
    with pytest.raises(InputError, match="is not what the run began with"):
        lab.resume(folder)
    (folder / "config.toml").unlink()
    lab.resume(folder)
    assert contents(folder) == whole


def test_changed_data_are_computed_anew(tmp_path, monkeypatch, capsys):
    rows = np.random.RandomState(0).standard_normal((30, 3))
    np.savetxt(tmp_path / "d.csv", rows, delimiter=",", header="a,b,y", comments="")
    config = tmp_path / "c.toml"
    config.write_text(
        CONFIG.replace('name = "linear"\nrows = 40', 'name = "csv"\nfile = "d.csv"\ntarget = "y"')
    )
    folder = begun(config, tmp_path / "out", monkeypatch)
    np.savetxt(tmp_path / "d.csv", rows + 1, delimiter=",", header="a,b,y", comments="")
    said = resumed(folder, capsys)
    assert "belongs to another program or other data" in said
    anew = session.run(reading.read(config), tmp_path / "anew", True, False)
    assert contents(folder)["series.npz"] == contents(anew.folder)["series.npz"]


def test_a_slip_in_judge_is_mended_without_training_again(tmp_path, monkeypatch):
    from tests.lab.casebook import BASE, STUDY, project

    project(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    module = tmp_path / "experiments" / "study.py"
    module.write_text(STUDY.replace('fault = Fault("NaN', 'fault = Falt("NaN'))
    config = tmp_path / "configs" / "c.toml"
    config.write_text(BASE)
    with pytest.raises(Exception, match="judge"):
        session.run(reading.read(config), tmp_path, True, False)
    folder = only(tmp_path)
    module.write_text(STUDY)
    calls = failing(monkeypatch, 0, Stopped(), journal.Journal, "keep")
    assert lab.resume(folder).exit == Exit.PASS
    assert not calls


def test_a_survey_goes_on_where_it_was(tmp_path, monkeypatch):
    """What runs on the host is kept lane by lane."""
    from tests.lab.casebook import BASE, STUDY, project

    project(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    host = STUDY.replace("measure(config, data, key)", "survey(config, data, seed, progress)")
    host = host.replace('{"sum": ', '{"words": np.array(["a", "bc"]), "pair": (seed, 2.5), "sum": ')
    (tmp_path / "experiments" / "study.py").write_text(host)
    config = tmp_path / "configs" / "c.toml"
    config.write_text(BASE)
    study = reading.read(config, ["sweep.seed=[0, 1, 2]"])
    whole = session.run(study, tmp_path / "whole", True, False)
    with monkeypatch.context() as patch:
        failing(patch, 3, KeyboardInterrupt(), journal.Journal, "keep")
        with pytest.raises(KeyboardInterrupt):
            session.run(study, tmp_path / "out", True, False)
    folder = only(tmp_path / "out")
    calls = failing(monkeypatch, 0, Stopped(), journal.Journal, "keep")
    lab.resume(folder)
    assert len(calls) == 1
    assert contents(folder) == contents(whole.folder)


def test_keys_and_small_floats_come_back(tmp_path):
    kept = journal.Journal(tmp_path)
    key = jax.random.split(jax.random.key(3), 4)
    half = jax.numpy.arange(3, dtype=jax.numpy.bfloat16)
    leaves = [key, half, np.array(True), np.zeros((0, 2), np.float32)]
    kept.keep(1, "k", leaves)
    back = kept.finished(1, "k").leaves
    assert jax.random.key_data(back[0]).tolist() == jax.random.key_data(key).tolist()
    assert back[1].dtype == half.dtype
    assert back[1].tolist() == half.tolist()
    assert back[2].shape == ()
    assert back[3].shape == (0, 2)
    assert kept.finished(1, "other") is None
    assert kept.finished(2, "k") is None


def test_a_second_one_is_told_who_is_at_work(tmp_path):
    said = pytest.raises(LockedError, match=rf"process {os.getpid()} on .* since \d")
    with lock.hold(tmp_path), said, lock.hold(tmp_path):
        pass
    with lock.hold(tmp_path):
        pass
    assert not (tmp_path / "LOCK").exists()


def test_the_lock_of_a_dead_process_holds_nobody(tmp_path):
    code = (
        "import os, signal\nfrom pathlib import Path\nfrom jaxmath.runs import lock\n"
        f"with lock.hold(Path({str(tmp_path)!r})): os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, check=False)
    assert json.loads((tmp_path / "LOCK").read_text())["pid"] != os.getpid()
    with lock.hold(tmp_path):
        pass


def test_a_folder_removed_under_way_is_a_sentence(config, tmp_path, monkeypatch):
    real = journal.Journal.keep

    def keep(self, *args, **options):
        shutil.rmtree(self.folder)
        real(self, *args, **options)

    monkeypatch.setattr(journal.Journal, "keep", keep)
    with pytest.raises(StorageError, match="was removed while the run was under way"):
        session.run(reading.read(config), tmp_path, True, False)


def test_a_smoke_run_goes_on_as_one(config, tmp_path, monkeypatch):
    folder = begun(config, tmp_path, monkeypatch, smoke=True)
    run = lab.resume(folder)
    assert run.smoke
    assert run.name == "c"
    assert not lab.resume(begun(config, tmp_path / "whole", monkeypatch)).smoke


def test_no_run_is_a_sentence(tmp_path):
    with pytest.raises(InputError, match="is no folder of a run"):
        lab.resume(tmp_path)
    with pytest.raises(InputError, match="is no folder of a run"):
        lab.resume(tmp_path / "none")


def test_other_surroundings_are_told(config, tmp_path, monkeypatch, capsys):
    folder = begun(config, tmp_path, monkeypatch)
    monkeypatch.setattr(session.provenance.plan, "cores", lambda: 64)
    said = resumed(folder, capsys)
    assert "was begun in other surroundings (" in said
    assert "and 64 cores): the last digits" in said
    sessions = encoding.read_json(folder / "plan.json")["sessions"]
    assert [entry["threads"]["cores"] for entry in sessions][1] == 64
