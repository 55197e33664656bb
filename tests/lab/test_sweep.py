"""The table of a sweep against SciPy's, and a researcher's own loss swept from eight lines."""

import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from scipy import stats

sys.path.insert(0, str(Path(__file__).parent))
from studies import axis

from jaxmath.config import reading
from jaxmath.lab import engine, forecast
from jaxmath.runs import sweep
from jaxmath.runs.measured import Measured

SEEDS = axis("seed", [0, 1, 2, 3])
RATES = axis("optimizer.learning_rate", [0.1, 0.2, 0.3])
LOSS = np.random.default_rng(0).normal(5.0, 1.0, (4, 3)) + np.array([0.0, -3.0, 1.0])


def experiment(**attributes):
    made = ModuleType("made")
    made.METRIC = "loss"
    for name, value in attributes.items():
        setattr(made, name, value)
    return made


def test_mean_spread_and_interval_over_seeds_are_scipys():
    (table,) = sweep.tables(experiment(), Measured(dict(loss=LOSS), (SEEDS, RATES)))
    columns = table.columns
    np.testing.assert_array_equal(columns["optimizer.learning_rate"], [0.1, 0.2, 0.3])
    np.testing.assert_array_equal(columns["runs"], [4, 4, 4])
    np.testing.assert_allclose(columns["loss mean"], LOSS.mean(0), rtol=1e-14)
    np.testing.assert_allclose(columns["loss sd"], LOSS.std(0, ddof=1), rtol=1e-13)
    low, high = stats.t.interval(0.95, 3, LOSS.mean(0), stats.sem(LOSS, axis=0))
    np.testing.assert_allclose(columns["loss 95% low"], low, rtol=1e-12)
    np.testing.assert_allclose(columns["loss 95% high"], high, rtol=1e-12)
    assert table.best == 1


def test_the_order_of_the_axes_does_not_matter():
    (ours,) = sweep.tables(experiment(), Measured(dict(loss=LOSS.T), (RATES, SEEDS)))
    (theirs,) = sweep.tables(experiment(), Measured(dict(loss=LOSS), (SEEDS, RATES)))
    for name, column in theirs.columns.items():
        np.testing.assert_array_equal(ours.columns[name], column)


def test_failed_lanes_are_named_with_their_reason_and_count_in_no_mean():
    loss, status = LOSS.copy(), np.zeros((4, 3), int)
    loss[2, 1] = np.nan
    status[3, 1], loss[3, 1] = 7, 1e300  # frozen at its last finite iterate
    measured = Measured(dict(loss=loss, status=status), (SEEDS, RATES))
    cells, failed = sweep.tables(experiment(REASONS={7: "it diverged"}), measured)
    np.testing.assert_array_equal(cells.columns["failed"], [0, 2, 0])
    np.testing.assert_allclose(cells.columns["loss mean"][1], LOSS[:2, 1].mean(), rtol=1e-14)
    assert failed.name == "failed lanes"
    np.testing.assert_array_equal(failed.columns["seed"], [2, 3])
    np.testing.assert_array_equal(failed.columns["optimizer.learning_rate"], [0.2, 0.2])
    assert list(failed.columns["reason"]) == ["loss is not finite", "it diverged"]


def test_a_cell_in_which_all_failed_is_never_the_best():
    loss = LOSS.copy()
    loss[:, 1] = -np.inf
    cells, failed = sweep.tables(experiment(), Measured(dict(loss=loss), (SEEDS, RATES)))
    assert np.isnan(cells.columns["loss mean"][1])
    assert cells.best == 0
    assert len(failed.columns["reason"]) == 4


def test_without_seeds_a_cell_is_a_run_and_has_no_spread():
    (table,) = sweep.tables(experiment(), Measured(dict(loss=LOSS[0]), (RATES,)))
    np.testing.assert_array_equal(table.columns["loss"], LOSS[0])
    assert not any("95%" in name for name in table.columns)
    assert sweep.tables(experiment(), Measured(dict(loss=np.array(1.0)))) == ()


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_values_have_no_interval(count):
    good = np.arange(3) < count
    mean, spread, low, high = sweep.interval(np.array([2.0, 3.0, 4.0]), good)
    assert np.isnan([spread, low, high]).all()
    assert np.isnan(mean) if count == 0 else mean == 2.0


def test_folds_are_repeats_and_their_interval_knows_that_they_share_rows():
    values = np.arange(2 * 3 * 5.0).reshape(2, 3, 5) ** 1.5
    axes = (
        axis("seed", range(2)),
        axis("rate", [0.1, 0.2, 0.3]),
        axis("data.split.fold", range(5)),
    )
    measured = Measured({"loss": values}, axes)
    (table,) = sweep.tables(experiment(METRIC="loss"), measured)
    assert table.title == "The sweep: a row a setting, means over seeds and folds; best by loss"
    np.testing.assert_array_equal(table.columns["runs"], 10)
    for row in range(3):
        them = values[:, row].ravel()
        mean, spread = them.mean(), them.std(ddof=1)
        np.testing.assert_allclose(table.columns["loss mean"][row], mean, 1e-14)
        # Nadeau and Bengio 2003: of five folds, a quarter as many rows test as train.
        half = stats.t.ppf(0.975, 9) * spread * np.sqrt(1 / 10 + 1 / 4)
        np.testing.assert_allclose(table.columns["loss 95% high"][row], mean + half, 1e-12)


def test_folds_of_one_size_have_one_program():
    config = Path(__file__).resolve().parents[2] / "configs" / "cross_validation.toml"
    found = engine.measure(reading.read(config, ("steps=3", "records=1"), smoke=True))
    assert found.measured["test_loss"].shape == (5, 3)
    assert found.programs == 2  # 442 rows are two folds of 89 and three of 88


def test_a_method_counts_folds_as_repeats():
    config = Path(__file__).resolve().parents[2] / "configs" / "cross_validation.toml"
    method = "sweep.halving={ metric = 'test_loss' }"
    planned = forecast.planned(reading.read(config, ("steps=9", "records=9", method)))
    assert planned.method["brackets"][0][0] == [13, 1]


def test_a_method_keeps_settings_on_all_their_folds():
    config = Path(__file__).resolve().parents[2] / "configs" / "cross_validation.toml"
    method = "sweep.halving={ metric = 'test_loss' }"
    found = engine.measure(reading.read(config, ("steps=9", "records=9", method)))
    rounds = found.measured["rounds"]
    assert rounds.shape == (5, 13)
    np.testing.assert_array_equal(rounds, np.broadcast_to(rounds[0], rounds.shape))
    (rungs,) = found.tables
    best = int(np.flatnonzero(rounds[0] == 9)[0])
    strengths = np.logspace(-4, 2, 13)
    np.testing.assert_allclose(rungs.columns["best penalty.strength"][-1], strengths[best])
