"""What a run leaves on disk: all of it or nothing of a file, and everything comes back."""

import csv
import errno
import json
import os
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
import studies
from studies import LONG, SHORT, Params, axis, study

from jaxmath import lab
from jaxmath.config.errors import ExperimentError, InputError, StorageError
from jaxmath.lab import engine, session
from jaxmath.runs import encoding, store

SWEPT = [axis("seed", [0, 1]), axis("optimizer.learning_rate", [0.1, 1e30])]


@pytest.fixture
def finished(tmp_path):
    run = engine.execute(study(SHORT, axes=SWEPT, overrides=("steps=20",)), tmp_path, True, False)
    store.seal(run)
    return run


def test_the_folder_holds_everything_and_its_name_says_when(finished, tmp_path):
    assert re.fullmatch(r"\d{8}T\d{6}Z-[0-9a-f]{6}", finished.folder.name)
    assert finished.folder.parent == tmp_path / "fit"
    found = {str(p.relative_to(finished.folder)) for p in finished.folder.rglob("*") if p.is_file()}
    assert found == {
        "SHA256SUMS", "STATUS", "config.toml", "overrides.txt", "params.json", "params.npz",
        "plots.json", "provenance.json", "result.json", "series.json", "series.npz",
        "series/loss.csv", "series/twice.csv", "tables/ends.csv", "tables/failed_lanes.csv",
        "tables/sweep.csv",
    }  # fmt: skip
    assert (finished.folder / "overrides.txt").read_text() == "steps=20\n"
    assert (finished.folder / "STATUS").read_text() == "PASS 0\n1 PASS\n"
    last = max(finished.folder.rglob("*"), key=lambda path: path.stat().st_mtime_ns)
    assert last.name == "STATUS"


def test_a_run_comes_back_as_it_was(finished):
    back = lab.load(finished.folder)
    for name in ("name", "experiment", "title", "description", "topics", "axes", "smoke"):
        assert getattr(back, name) == getattr(finished, name)
    assert back.title == "Fit a plane"
    assert back.description == "By gradient descent."
    assert back.provenance == encoding.plain(finished.provenance)
    np.testing.assert_array_equal(back.params["weights"], finished.params["weights"])
    assert list(back.series) == list(finished.series)
    for name, array in finished.series.items():
        np.testing.assert_array_equal(back.series[name], array)
        assert back.series[name].dtype == array.dtype
    for ours, theirs in zip(back.tables, finished.tables, strict=True):
        assert (ours.name, ours.title, ours.best) == (theirs.name, theirs.title, theirs.best)
        for name, column in theirs.columns.items():
            np.testing.assert_array_equal(ours.columns[name], np.asarray(column))
    for ours, theirs in zip(back.claims, finished.claims, strict=True):
        assert back.outcome(ours) == finished.outcome(theirs)
        assert ours.breaks_if.words == theirs.breaks_if.words
        with pytest.raises(NotImplementedError):
            ours.breaks_if.plant({})
    (ours,), (theirs,) = back.plots, finished.plots
    assert (ours.title, ours.x, ours.y) == (theirs.title, theirs.x, theirs.y)
    np.testing.assert_array_equal(ours.lines[0].y, theirs.lines[0].y)
    assert back.exit == finished.exit


def test_json_is_strict_and_not_finite_numbers_survive(finished):
    def refuse(word):
        raise AssertionError(word)

    for path in finished.folder.glob("*.json"):
        json.loads(path.read_text(), parse_constant=refuse)
    value = np.array([1.5, np.nan, np.inf, -np.inf])
    np.testing.assert_array_equal(encoding.numbers(encoding.plain(value)), value)


def test_series_stand_beside_the_values_that_were_swept(finished):
    with (finished.folder / "series" / "loss.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["seed"], float(row["optimizer.learning_rate"])) for row in rows] == [
        ("0", 0.1), ("0", 1e30), ("1", 0.1), ("1", 1e30),
    ]  # fmt: skip
    written = np.array([float(row["value"]) for row in rows])
    np.testing.assert_array_equal(written, finished.series["loss"].ravel())


def test_params_hang_in_the_users_own_tree(finished):
    like = Params(0, 0)
    loaded = lab.load_params(finished.folder, like)
    assert isinstance(loaded, Params)
    np.testing.assert_array_equal(loaded.weights, finished.params["weights"])
    as_dict = lab.load_params(finished.folder, dict(bias=0, weights=0))
    np.testing.assert_array_equal(as_dict["bias"], finished.params["bias"])
    with pytest.raises(ValueError, match="not saved: scale; saved, not asked for: bias"):
        lab.load_params(finished.folder, dict(scale=0, weights=0))
    with np.load(finished.folder / "params.npz", allow_pickle=False) as arrays:
        assert set(arrays) == {"weights", "bias"}


def test_any_tree_of_arrays_comes_back():
    lanes = np.empty(2, object)
    lanes[0], lanes[1] = dict(w=np.ones(2)), dict(w=np.ones(3))
    tree = dict(
        layers=(dict(w=np.eye(2), b=np.zeros(2)), np.arange(3)), lanes=lanes, file=np.array(1)
    )
    arrays, description = encoding.flatten(encoding.nested(tree))
    description = json.loads(encoding.json_text(description))
    back = encoding.unflatten(description, arrays)
    np.testing.assert_array_equal(back["layers"][0]["w"], np.eye(2))
    np.testing.assert_array_equal(back["layers"][1], np.arange(3))
    np.testing.assert_array_equal(back["lanes"][1]["w"], np.ones(3))
    assert encoding.npz(arrays) == encoding.npz(dict(arrays))


def test_folders_made_in_the_same_second_are_never_shared(tmp_path):
    made = study(SHORT)
    with ThreadPoolExecutor(8) as pool:
        folders = list(pool.map(lambda _: store.create(made, tmp_path), range(40)))
    assert len(set(folders)) == 40


def test_the_same_config_gives_the_same_bytes(tmp_path):
    one, two = (engine.execute(study(LONG, axes=SWEPT), tmp_path, True, False) for _ in range(2))
    for name in ("config.toml", "series.npz", "params.npz", "result.json"):
        assert (one.folder / name).read_bytes() == (two.folder / name).read_bytes()


@pytest.mark.parametrize("fail_at", range(1, 14))
def test_a_full_disk_leaves_whole_files_alone(tmp_path, monkeypatch, fail_at):
    whole, write, real = set(), store.write, os.fsync
    calls, writing = 0, False

    def full(descriptor):
        if writing and calls >= fail_at:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(descriptor)

    def noting(path, content):
        nonlocal calls, writing
        calls, writing = calls + 1, True
        write(path, content)
        writing = False
        whole.add(path)

    monkeypatch.setattr(store, "write", noting)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="no space left on device"):
        session.run(study(SHORT, axes=SWEPT), tmp_path, True, False)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert whole <= set(files)
    assert calls >= fail_at
    assert not any(path.name == "STATUS" or path.suffix == ".tmp" for path in files)
    for path in files:
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as arrays:
                assert all(np.size(arrays[name]) for name in arrays)
        elif path.suffix == ".json":
            json.loads(path.read_text())


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=r"Cannot write .*: (not a directory|file exists)"):
        engine.execute(study(SHORT), tmp_path / "file", True, False)


def test_what_was_measured_survives_a_slip_in_judge(tmp_path):
    def judge(config, data, measured):
        raise ValueError("a slip")

    made = studies.module(studies.load, studies.measure, judge)
    with pytest.raises(ExperimentError):
        session.run(study(made), tmp_path, True, False)
    (folder,) = (tmp_path / "fit").iterdir()
    assert (folder / "STATUS").read_text().startswith("ERROR 4")
    with np.load(folder / "series.npz") as arrays:
        assert np.isfinite(arrays["loss"])
    with pytest.raises(InputError, match="no finished run"):
        lab.load(folder)


def test_the_config_of_a_folder_holds_the_sweep(finished):
    config = encoding.read_toml(finished.folder / "config.toml")
    assert config["sweep"]["optimizer.learning_rate"] == [0.1, 1e30]
    assert config["optimizer"]["learning_rate"] == 0.1
    assert jnp.asarray(config["steps"]) == 20
