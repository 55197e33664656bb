"""A run for other programs: what they read back is what was measured."""

import csv
import dataclasses
import struct
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from studies import LONG, SHORT, axis, study
from synthetic import PLOTS
from test_report import evil_run

from jaxmath.config.errors import InputError
from jaxmath.lab import engine
from jaxmath.report import plot_data, run_page
from jaxmath.runs import event_file, exporting, lanes, mlflow_store, store, tensorboard

SWEPT = [axis("seed", [3, 4]), axis("optimizer.learning_rate", [0.1, 0.2, 1e30])]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    made = engine.execute(study(LONG, axes=SWEPT), tmp_path_factory.mktemp("x"), True, False)
    run_page.write(made)
    store.seal(made)
    return made


@pytest.fixture(scope="module")
def single(tmp_path_factory):
    made = engine.execute(study(SHORT), tmp_path_factory.mktemp("y"), True, False)
    store.seal(made)
    return made


def table(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_csv_has_a_row_a_lane_and_step_and_a_row_a_metric(run):
    told = exporting.export(run.folder, "csv")
    assert told.count("written: ") == 3
    curves = table(run.folder / "csv" / "curves.csv")
    assert list(curves[0]) == ["lane", "seed", "optimizer.learning_rate", "step", "curve"]
    assert len(curves) == run.series["curve"].size
    for row in curves:
        place = (
            int(row["seed"]) - 3,
            [0.1, 0.2, 1e30].index(float(row["optimizer.learning_rate"])),
        )
        expected = run.series["curve"][place][int(row["step"])]
        np.testing.assert_equal(float(row["curve"]), expected)
    metrics = table(run.folder / "csv" / "metrics.csv")
    assert [float(row["value"]) for row in metrics if row["metric"] == "loss"] == pytest.approx(
        np.ravel(run.series["loss"]).tolist(), rel=0, abs=0, nan_ok=True
    )
    (claim,) = table(run.folder / "csv" / "claims.csv")
    assert (claim["outcome"], claim["measured"]) == ("PASS", "1.0")


def test_steps_are_the_runs_own_and_only_what_is_as_long_is_a_curve(run, single):
    step = np.array([0, 5, 10])
    series = dict(
        step=step, loss_curve=np.ones((2, 3, 3)), gap=np.ones((2, 3, 3)), loss=np.ones((2, 3)),
        wide=np.ones((2, 3, 3, 1)), words=np.full((2, 3, 3), "a"),
    )  # fmt: skip
    made = dataclasses.replace(run, series=series)
    first = next(lanes.lanes(made))
    assert list(first.curves) == ["loss"]
    assert lanes.steps(made) is step
    made = dataclasses.replace(single, series=dict(step=step, a=np.zeros(3), b=np.zeros(2)))
    assert list(next(lanes.lanes(made)).curves) == ["a"]
    assert lanes.settings(run, first)["optimizer.learning_rate"] == 0.1
    assert lanes.settings(run, first)["seed"] == 3


def test_checksums_are_those_of_rfc_3720():
    assert event_file.crc32c(b"123456789") == 0xE3069283
    assert event_file.crc32c(bytes(32)) == 0x8A9136AA
    assert event_file.crc32c(b"\xff" * 32) == 0x62A8AB43
    assert event_file.crc32c(bytes(range(32))) == 0x46DD794E


def test_an_event_is_the_bytes_that_one_computes_by_hand():
    data = bytes.fromhex("09 000000000000f83f 10 ac02 2a 0a 0a 08 0a 01 61 15 00000040")
    assert event_file.scalars(1.5, 300, {"a": 2.0}) == event_file.record(data)
    assert event_file.record(data)[:8] == struct.pack("<Q", len(data))
    # TensorFlow's own files begin with these twelve bytes, whatever they hold.
    first = event_file.version(0.0)
    assert first[:12] == bytes.fromhex("18 00 00 00 00 00 00 00 a3 7f 4b 22")
    assert event_file.varint(-1) == b"\xff" * 9 + b"\x01"
    assert struct.pack("<f", np.inf) in event_file.scalars(0.0, 0, {"a": 1e300})


def messages(path):
    """The records of a file, each with its checksums verified."""
    data, at, found = path.read_bytes(), 0, []
    while at < len(data):
        (size,) = struct.unpack_from("<Q", data, at)
        body = data[at + 12 : at + 12 + size]
        assert data[at : at + 16 + size] == event_file.record(body)
        found.append(fields(body))
        at += 16 + size
    assert at == len(data)
    return found


def fields(data):
    """A message as lists of values by the number of their field, by the rules of the format."""
    found, at = {}, 0

    def integer():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        key = integer()
        if key & 7 == 0:
            value = integer()
        else:
            size = {1: 8, 5: 4}.get(key & 7) or integer()
            value = data[at : at + size]
            at += size
            if key & 7 != 2:
                (value,) = struct.unpack({1: "<d", 5: "<f"}[key & 7], value)
        found.setdefault(key >> 3, []).append(value)
    return found


def test_event_files_hold_scalars_and_settings(run):
    told = exporting.export(run.folder, "tensorboard")
    assert told.startswith("6 event files")
    files = sorted((run.folder / "tensorboard").rglob("events.*"))
    assert len(files) == 6
    header, hparams, *events = messages(files[1])
    assert header[3] == [b"brain.Event:2"]
    start, end = (fields(value) for value in fields(hparams[5][0])[1])
    assert start[1] == [b"_hparams_/session_start_info"]
    assert end[1] == [b"_hparams_/session_end_info"]
    plugin = fields(fields(start[9][0])[1][0])
    assert plugin[1] == [b"hparams"]
    entries = [fields(e) for e in fields(fields(plugin[2][0])[3][0])[1]]
    values = {e[1][0].decode(): fields(e[2][0]) for e in entries}
    assert values["optimizer.learning_rate"] == {2: [0.2]}
    assert values["optimizer.name"] == {3: [b"sgd"]}
    steps = [event[2][0] for event in events]
    assert steps == [0, 1, 2, 3, 3]
    curve = [fields(fields(e[5][0])[1][0])[2][0] for e in events[:-1]]
    np.testing.assert_array_equal(curve, run.series["curve"][0, 1].astype(np.float32))
    before = files[1].read_bytes()
    tensorboard.write_events(run, run.folder / "tensorboard")
    assert sorted((run.folder / "tensorboard").rglob("events.*")) == files
    assert files[1].read_bytes() == before


def test_the_end_of_a_curve_is_told_once(single, tmp_path):
    series = dict(step=np.arange(3), loss_curve=np.ones(3), loss=np.ones(()), gap=np.ones(()))
    made = dataclasses.replace(single, series=series)
    _, _, *events = messages(*tensorboard.write_events(made, tmp_path))
    tags = [fields(value)[1][0] for event in events for value in fields(event[5][0])[1]]
    assert sorted(tags) == [b"gap", b"loss", b"loss", b"loss"]


@pytest.mark.filterwarnings("ignore")
def test_tensorboard_itself_reads_them(run, tmp_path):
    module = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    tensorboard.write_events(run, tmp_path)
    found = module.EventAccumulator(str(min(tmp_path.iterdir())))
    found.Reload()
    read = [event.value for event in found.Scalars("curve")]
    np.testing.assert_array_equal(read, run.series["curve"][0, 0].astype(np.float32))


def test_a_single_run_lies_in_the_folder_itself(single, tmp_path):
    (path,) = tensorboard.write_events(single, tmp_path)
    assert path.parent == tmp_path


@pytest.mark.filterwarnings("ignore")
def test_mlflow_reads_them(run, tmp_path):
    pytest.importorskip("mlflow")
    pytest.importorskip("alembic")
    from mlflow.tracking import MlflowClient

    odd = {"loss [m/s] %": np.ones((2, 3))}
    made = dataclasses.replace(run, series={**run.series, **odd})
    whole = mlflow_store.log(made, tmp_path)
    client = MlflowClient(f"sqlite:///{tmp_path / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("fit")
    found = client.search_runs([experiment.experiment_id])
    below = [r for r in found if r.data.tags.get("mlflow.parentRunId") == whole]
    assert len(found) == 7
    assert len(below) == 6
    assert {r.info.status for r in found} == {"FINISHED"}
    (one,) = (r for r in below if r.info.run_name.startswith("1 "))
    assert one.data.params["optimizer.learning_rate"] == "0.2"
    assert one.data.params["steps"] == "20"
    history = client.get_metric_history(one.info.run_id, "curve")
    np.testing.assert_array_equal(
        [m.value for m in sorted(history, key=lambda m: m.step)], run.series["curve"][0, 1]
    )
    assert client.list_artifacts(whole)[0].path == "report.html"


def test_without_mlflow_a_sentence_says_what_to_install(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    monkeypatch.setitem(sys.modules, "mlflow.exceptions", None)
    with pytest.raises(InputError, match=r"jaxmath\[mlflow\]"):
        exporting.export(run.folder, "mlflow")


def test_what_cannot_be_exported_is_told(run, tmp_path):
    with pytest.raises(InputError, match="did you mean `csv`"):
        exporting.export(run.folder, "cvs")
    with pytest.raises(InputError, match="no such folder"):
        exporting.export(tmp_path / "none", "csv")


def test_names_of_a_run_stay_inside_the_folder(tmp_path):
    evil = dataclasses.replace(
        evil_run(tmp_path), axes=(axis("../../../x", ["../y", "/etc/z"]),), tables=(),
        series={"loss": np.zeros(2)},
    )  # fmt: skip
    for path in tensorboard.write_events(evil, tmp_path / "out"):
        assert path.resolve().parents[1] == tmp_path / "out"


def test_the_data_behind_each_plot_lie_beside_it(run, tmp_path):
    for plot in PLOTS:
        rows = list(csv.reader(plot_data.csv(plot).splitlines()))
        count = sum(np.size(line.x) for line in plot.lines) + np.size(plot.image)
        count -= plot.image is None
        assert len(rows) == 1 + count, plot.name
    bands = next(plot for plot in PLOTS if plot.name == "three_bands")
    rows = list(csv.DictReader(plot_data.csv(bands).splitlines()))
    assert list(rows[0]) == ["curve", "step [steps]", "loss", "low", "high"]
    assert float(rows[3]["low"]) == bands.lines[0].low[3]
    heat = next(plot for plot in PLOTS if plot.name == "heat_map")
    rows = list(csv.reader(plot_data.csv(heat).splitlines()))
    assert list(map(float, rows[22])) == [heat.x_values[1], heat.y_values[1], heat.image[1, 1]]
    made = dataclasses.replace(run, folder=tmp_path, plots=(bands,))
    run_page.write(made)
    kinds = {path.suffix for path in (tmp_path / "figures").iterdir()}
    assert kinds == {".svg", ".png", ".csv"}
    assert 'href="figures/three_bands.csv"' in (tmp_path / "report.html").read_text("utf-8")
