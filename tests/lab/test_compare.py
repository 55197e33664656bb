"""Runs beside each other: what differs, by how much, and whether it should."""

import dataclasses
import io
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from scipy import stats

sys.path.insert(0, str(Path(__file__).parent))
from studies import SHORT, Config, Optimizer, axis, study
from test_report import EVIL, Page, evil_run

from jaxmath.config.errors import InputError
from jaxmath.lab import engine
from jaxmath.report import comparison_page, comparison_text, overlays
from jaxmath.runs import comparison, store, sweep
from jaxmath.runs.agreement import agreements
from jaxmath.runs.expectation import Promise
from jaxmath.runs.experiment import Axis, Line, Plot
from jaxmath.runs.measured import Measured

SEEDS = axis("seed", [0, 1, 2, 3])
RATES = axis("optimizer.learning_rate", [0.1, 0.2, 1e30])
PROVENANCE = dict(
    versions=dict(jaxmath="0.1", jax="0.10.2", jaxlib="0.10.2", numpy="2.4.6", scipy="1.17"),
    git=dict(commit="abc", dirty=False), system="Linux x86_64",
    device=dict(platform="cpu", kind="cpu", processor="A"), threads=2,
)  # fmt: skip


def changed(run, **parts):
    """The run with other provenance; a mapping is laid over what is there."""
    provenance = dict(run.provenance)
    for name, part in parts.items():
        provenance[name] = {**provenance[name], **part} if name in ("versions", "git") else part
    return dataclasses.replace(run, provenance=provenance)


def with_series(run, **series):
    return dataclasses.replace(run, series={**run.series, **series})


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    made = engine.execute(study(axes=[SEEDS, RATES]), tmp_path_factory.mktemp("a"), True, False)
    return dataclasses.replace(made, provenance=PROVENANCE)


def expect(one, two):
    return comparison.compare([one, two]).expectations[0]


def test_equal_bits_are_expected_of_the_same_run_and_found(run):
    found = expect(run, dataclasses.replace(run))
    assert found.promise is Promise.BITS
    assert found.kept is True
    assert found.worst is None
    assert found.equal == found.arrays > 3


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        (dict(threads=1), "2 and 1 cores"),
        (dict(threads={"cores": 1, "NPROC": None, "OPENBLAS_NUM_THREADS": None}), "2 and 1 cores"),
        (dict(threads={"cores": 2, "NPROC": "2"}), "NPROC unset and 2"),
        (dict(threads=None), "2 and unset cores"),
        (dict(deterministic=True), "--deterministic"),
        (dict(versions={"jaxlib": "0.11.2"}), "jaxlib 0.10.2 and 0.11.2"),
        (dict(versions={"scipy": "1.18"}), "scipy"),
        (dict(device=dict(platform="gpu", kind="H200")), "cpu and H200"),
        (dict(device=dict(platform="cpu", kind="cpu", processor="B")), "processors A and B"),
        (dict(device=dict(platform="cpu", kind="cpu", count=8)), "1 and 8 devices"),
        (dict(processes=4), "1 and 4 processes"),
        (dict(sessions=[dict(PROVENANCE, processes=4), PROVENANCE]), "1 and 4 processes"),
        (dict(system="Darwin arm64"), "Darwin"),
    ],
)
def test_digits_are_expected_where_something_else_computes(run, parts, reason):
    found = expect(run, changed(run, **parts))
    assert found.promise is Promise.DIGITS
    assert found.tolerance == 1e-12
    assert any(reason in told for told in found.reasons), found.reasons
    assert found.kept is True


def test_deterministic_runs_keep_their_bits_on_any_number_of_cores(run):
    pinned = {"NPROC": "1", "OPENBLAS_NUM_THREADS": "1"}
    one, two = (
        changed(run, deterministic=True, threads={"cores": cores, **pinned}) for cores in (1, 2)
    )
    assert expect(one, two).promise is Promise.BITS
    assert expect(*(changed(r, deterministic=False) for r in (one, two))).promise is Promise.DIGITS
    other = changed(two, threads={"cores": 2, **pinned, "NPROC": "2"})
    assert expect(one, other).promise is Promise.DIGITS


def test_what_went_on_elsewhere_promises_no_bits(run, tmp_path):
    here = {k: v for k, v in PROVENANCE.items() if k != "git"}
    for later, promise in ((here, Promise.BITS), ({**here, "threads": 1}, Promise.DIGITS)):
        resumed = changed(run, sessions=[here, later])
        found = expect(run, resumed)
        assert found.promise is promise
        assert ["interrupted" in reason for reason in found.reasons] == [True] * (later != here)
        assert expect(resumed, resumed).promise is promise
    kept = dataclasses.replace(run, folder=tmp_path)
    (tmp_path / "config.toml").write_text("seed = 0")
    store.save(kept)
    store.seal(kept)
    (tmp_path / "plan.json").write_text(json.dumps({"sessions": [here, {**here, "threads": 1}]}))
    assert expect(*[comparison.finished(tmp_path)] * 2).promise is Promise.DIGITS
    (tmp_path / "plan.json").write_text("{")
    assert expect(*[comparison.finished(tmp_path)] * 2).promise is Promise.BITS


def test_a_gpu_promises_no_bits(run):
    gpu = changed(run, device=dict(platform="gpu", kind="H200"))
    assert expect(gpu, gpu).promise is Promise.DIGITS


def test_what_nobody_recorded_promises_no_bits(run):
    old = dataclasses.replace(run, provenance={})
    found = expect(old, old)
    assert found.promise is Promise.DIGITS
    assert {"the version of jax is unknown", "the number of cores is unknown"} <= {*found.reasons}


def test_nothing_is_expected_of_another_config(run):
    other = dataclasses.replace(run, config={**run.config, "steps": 21})
    found = comparison.compare([run, other])
    assert found.settings == {"steps": (20, 21)}
    assert found.expectations[0].promise is Promise.NONE
    assert found.expectations[0].kept is None


def test_a_last_bit_breaks_the_promise_of_bits_and_not_that_of_digits(run):
    loss = np.array(run.series["loss"])
    loss[2, 1] = np.nextafter(loss[2, 1], 9)
    other = with_series(run, loss=loss)
    found = expect(run, other)
    assert found.kept is False
    assert found.worst.name == "loss"
    assert found.worst.place == "seed 2, optimizer.learning_rate 0.2"
    assert 0 < found.worst.difference < 1e-15
    assert expect(run, changed(other, threads=1)).kept is True
    loss[2, 1] += 1e-9
    assert expect(run, changed(with_series(run, loss=loss), threads=1)).kept is False


def test_code_that_may_have_changed_leaves_a_difference_unjudged(run):
    other = with_series(run, loss=np.array(run.series["loss"]) + 1.0)
    for parts in (dict(git={"commit": "def"}), dict(git={"dirty": True})):
        found = expect(run, changed(other, **parts))
        assert found.promise is Promise.BITS
        assert found.unless
        assert found.kept is None
        assert expect(run, changed(run, **parts)).kept is True


@pytest.mark.parametrize(
    ("one", "two", "equal", "difference"),
    [
        ([0.0], [-0.0], False, 0.0),
        ([np.nan, 1.0], [np.nan, 1.0], True, 0.0),
        ([np.nan, 1.0], [2.0, 1.0], False, np.inf),
        ([np.inf], [np.inf], True, 0.0),
        ([np.inf], [-np.inf], False, np.inf),
        ([1e-20], [3e-20], False, 2e-20),
        ([100.0, 1e-3], [100.0, 2e-3], False, 1e-5),
        ([1, 2], [1, 4], False, 0.5),
        ([True], [False], False, 1.0),
        (["a"], ["a"], True, 0.0),
        (["a"], ["b"], False, np.inf),
        ([1 + 2j], [1 + 2j], True, 0.0),
        ([1.0], [1.0, 2.0], False, np.inf),
        (np.float32([1.5]), np.float64([1.5]), False, 0.0),
        ([], [], True, 0.0),
    ],
)
def test_how_far_arrays_are_apart(run, one, two, equal, difference):
    a, b = (with_series(run, x=np.array(values)) for values in (one, two))
    found = {agreement.name: agreement for agreement in agreements(a, b)}["x"]
    assert found.equal is equal
    np.testing.assert_allclose(found.difference, difference, rtol=1e-12)


def test_an_array_that_one_lacks_is_told(run):
    fewer = {name: array for name, array in run.series.items() if name != "loss"}
    found = expect(run, dataclasses.replace(run, series=fewer))
    assert found.kept is False
    assert "only one" in found.worst.note


def test_means_and_paired_differences_are_scipys(tmp_path, run):
    steps = engine.execute(
        study(config=Config(steps=5), axes=[axis("seed", [1, 2, 3, 4]), RATES]),
        tmp_path, True, False,
    )  # fmt: skip
    found = comparison.compare([run, steps])
    row = next(r for r in found.metrics if r.metric == "loss" and not r.best)
    assert row.settings[0] == {"optimizer.learning_rate": 0.1}
    one, two = (np.asarray(r.series["loss"])[:, 0] for r in (run, steps))
    np.testing.assert_allclose(row.values[1].mean, two.mean(), rtol=1e-14)
    low, high = stats.t.interval(0.95, 3, two.mean(), stats.sem(two))
    np.testing.assert_allclose(row.values[1][1:3], [low, high], rtol=1e-12)
    gap = two[:3] - one[1:]  # the seeds 1, 2 and 3
    low, high = stats.t.interval(0.95, 2, gap.mean(), stats.sem(gap))
    assert row.differences[0] is None
    assert row.differences[1].seeds == 3
    np.testing.assert_allclose(row.differences[1][:3], [gap.mean(), low, high], rtol=1e-12)
    failed = [r for r in found.metrics if r.settings[0] == {"optimizer.learning_rate": 1e30}]
    assert failed[0].values[0].failed == 4
    assert np.isnan(failed[0].values[0].mean)
    best = [r for r in found.metrics if r.best]
    assert best[0].settings[0]["optimizer.learning_rate"] in (0.1, 0.2)


def test_a_lane_that_failed_and_is_finite_counts_in_no_mean(run):
    (cells, failed) = run.tables[:2]
    assert failed.name == "failed lanes"
    columns = {
        n: np.append(c, a)
        for (n, c), a in zip(failed.columns.items(), (3, 0.1, "told"), strict=True)
    }
    told = dataclasses.replace(failed, columns=columns)
    other = dataclasses.replace(run, tables=(cells, told))
    row = next(r for r in comparison.compare([run, other]).metrics if r.metric == "loss")
    assert (row.values[0].seeds, row.values[1].seeds) == (4, 3)
    loss = np.asarray(run.series["loss"])[:3, 0]
    np.testing.assert_allclose(row.values[1].mean, loss.mean(), rtol=1e-14)
    assert row.differences[1].seeds == 3


def test_a_swept_value_meets_the_run_that_has_it_as_its_own(tmp_path, run):
    one = engine.execute(
        study(config=Config(optimizer=Optimizer("sgd", 0.2)), axes=[SEEDS]), tmp_path, True, False
    )
    rows = comparison.compare([run, one]).metrics
    (same,) = [r for r in rows if not r.best and r.metric == "loss"]
    assert same.settings == ({"optimizer.learning_rate": 0.2},) * 2
    np.testing.assert_allclose(same.differences[1].mean, 0, atol=1e-12)


def test_words_about_metrics_fit_them(tmp_path, run):
    one = engine.execute(
        study(config=Config(optimizer=Optimizer("sgd", 0.2))), tmp_path, True, False
    )
    apart = dataclasses.replace(one, config={**one.config, "seed": 99})
    for runs, needles, others in (
        ([one, one], ["One seed each"], ["seed by seed"]),
        ([run, run], ["Means over", "over 4 that both have"], []),
        ([run, apart], ["Means over"], ["One seed", "seed by seed"]),
    ):
        text = " ".join(printed(comparison.compare(runs), 200).split())
        assert all(needle in text for needle in needles)
        assert not any(other in text for other in others)
        assert "= –" not in text


def a_plot(name, *labels, **rest):
    lines = tuple(Line(label, [0, 1, 2], [3.0, 2.0, 1.0], **rest) for label in labels)
    return Plot(name, "A title", "words", Axis("step"), Axis("loss"), lines)


def test_curves_of_one_name_share_a_picture_and_runs_keep_their_colours(run):
    with_plots = [
        dataclasses.replace(run, plots=plots)
        for plots in (
            (a_plot("loss", "test", "training"), a_plot("mine", "x")),
            (a_plot("loss", "training", "test", "third", value=3.0), a_plot("other", "x")),
            (a_plot("loss", "training", "test"),),
        )
    ]
    made = overlays.overlays(comparison.compare(with_plots))
    assert [plot.title for plot in made] == ["A title: test", "A title: training"]
    for plot in made:
        assert [(line.label, line.hue, line.value) for line in plot.lines] == [
            ("A", 0, None), ("B", 1, None), ("C", 2, None),
        ]  # fmt: skip
    without = [dataclasses.replace(run, plots=(a_plot("loss", name),)) for name in "xyy"]
    (plot,) = overlays.overlays(comparison.compare(without))
    assert [(line.label, line.hue) for line in plot.lines] == [("B", 1), ("C", 2)]
    many = [dataclasses.replace(run, plots=(a_plot("loss", *map(str, range(40))),))] * 2
    made = overlays.overlays(comparison.compare(many))
    assert len(made) == overlays.PANELS
    assert made[0].title.endswith(": 0")
    assert made[-1].title.endswith(": 39")
    assert "6 of 40" in made[0].caption
    double = [dataclasses.replace(run, plots=(a_plot("loss", "", ""),))] * 2
    assert len(overlays.overlays(comparison.compare(double))) == 2


def test_the_json_is_strict_and_whole(run):
    def no_constant(word):
        raise AssertionError(word)

    found = comparison.compare([run, changed(run, threads=1), run])
    told = json.loads(comparison.json(found), parse_constant=no_constant)
    assert [r["label"] for r in told["runs"]] == ["A", "B", "C"]
    assert [e["promise"] for e in told["expectations"]] == ["equal digits", "equal bits"]
    assert told["claims"][0]["outcomes"] == ["PASS"] * 3
    assert told["metrics"][0]["values"][0]["seeds"] == 4
    assert told["metrics"][-1]["differences"][0] is None


def printed(found, width, encoding="utf-8"):
    stream = io.TextIOWrapper(io.BytesIO(), encoding)
    comparison_text.show(found, Console(file=stream, width=width, highlight=False))
    stream.flush()
    return stream.buffer.getvalue().decode(encoding)


@pytest.mark.parametrize("width", [20, 40, 80, 200])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_the_terminal_may_be_narrow_and_old(run, width, encoding):
    other = changed(dataclasses.replace(run, config={**run.config, "steps": 21}), threads=1)
    text = printed(comparison.compare([run, other]), width, encoding)
    lines = [line.rstrip() for line in text.splitlines() if str(run.folder) not in line]
    assert max(map(len, lines)) <= width
    assert "".join(text.split()).count("loss") > 2
    assert "\x1b" not in text


def test_markup_of_a_run_stays_text(tmp_path):
    evil = evil_run(tmp_path)
    other = dataclasses.replace(evil, config={EVIL: EVIL})
    found = comparison.compare([evil, other])
    html = comparison_page.page(found, tmp_path)
    page = Page(html)
    assert "script" not in {tag for tag, _ in page.seen}
    assert not [a for _, attributes in page.seen for a in attributes if a.startswith("on")]
    assert "<script" not in html
    text = printed(found, 100)
    assert "\x1b" not in text
    assert "[red]" in text


def test_the_page_links_to_the_reports_from_where_it_lies(run, tmp_path):
    path = tmp_path / "pages" / "c.html"
    comparison_page.write(comparison.compare([run, run]), path)
    page = Page(path.read_text("utf-8"))
    link = next(a["href"] for tag, a in page.seen if tag == "a")
    assert (path.parent / link).resolve() == (run.folder / "report.html").resolve()


def test_what_is_no_finished_run_is_told_at_once(tmp_path):
    (tmp_path / "name" / "1").mkdir(parents=True)
    (tmp_path / "name" / "1" / "STATUS").write_text("INTERRUPTED 130\n")
    (tmp_path / "name" / "1" / "plan.json").touch()
    (tmp_path / "hollow").mkdir()
    (tmp_path / "hollow" / "STATUS").write_text("PASS 0\n")
    (tmp_path / "file").touch()
    named = [tmp_path / n for n in ("none", "file", "name", "hollow", "name/1")]
    with pytest.raises(InputError) as error:
        comparison.read(named)
    told = str(error.value)
    assert told.count("is no finished run") == 5
    for words in (
        "no such folder", "it is a file", f"such as {named[-1]}", "result.json is missing",
        "its STATUS says INTERRUPTED", f"jaxmath resume {named[-1]} goes on with it",
    ):  # fmt: skip
        assert words in told
    with pytest.raises(InputError, match="two runs"):
        comparison.read(named[:1])


def test_choices_and_zips_are_told_by_their_names():
    zipped = axis("loss", [{"name": "huber", "delta": 1.0}, {"name": "absolute"}])
    assert sweep.grid([zipped])["loss"].tolist() == ["huber", "absolute"]
    assert sweep.settings(Measured({}, (SEEDS, zipped)))["loss"].tolist() == ["huber", "absolute"]
    assert SHORT.METRIC == "loss"
