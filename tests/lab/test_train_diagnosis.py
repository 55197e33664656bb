"""`diagnostics = true` in a config of `train`: what is read at each record, and what is named."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxmath import train
from jaxmath.config import reading
from jaxmath.config.errors import InputError
from jaxmath.lab import engine, train_diagnosis
from jaxmath.lab import train as training
from jaxmath.models import mlp

SMALL = {
    "experiment": "train",
    "steps": 60,
    "records": 3,
    "batch_size": 32,
    "diagnostics": True,
    "data": {"name": "iris", "standardize": True},
    "loss": "softmax_cross_entropy",
    "model": {"name": "softmax"},
    "optimizer": {"name": "sgd", "learning_rate": 0.1},
}
OWN = """import jax.numpy as jnp
import jax
from jaxmath import losses, train
@jax.custom_jvp
def turned(logits, label):
    return losses.softmax_cross_entropy(logits, label)
@turned.defjvp
def _(primals, tangents):
    slope = losses.softmax_cross_entropy_dlogits(*primals)
    return turned(*primals), jnp.sum(slope * jnp.array([-1.0, 1.0, 1.0]) * tangents[0])
def plain(learning_rate):
    return train.sgd(learning_rate)
LOSSES = (turned,)
OPTIMIZERS = (plain,)
"""


def measured(**changes):
    study = reading.read({**SMALL, **changes}, (), False)
    return study, engine.measure(study)


def tables(study, measurement):
    judged = engine.judge(study, measurement.data, measurement.measured)
    return {table.name: table.columns for table in judged.tables}


def test_what_is_read_at_the_start_is_what_numpy_finds():
    """Softmax regression from zero: H = X'X/n times (I/3 - 11'/9), of eigenvalues a third."""
    study, measurement = measured(model={"name": "softmax", "scale": 0.0})
    found, rows = measurement.measured, measurement.data.train
    design = np.column_stack([rows.features, np.ones(len(rows.targets))])
    n = len(design)
    truth = np.linalg.eigvalsh(design.T @ design / n)[-1] / 3
    np.testing.assert_allclose(found["sharpness_curve"][0], truth, rtol=1e-10)
    np.testing.assert_allclose(found["stability_curve"][0], 0.1 * truth / 2, rtol=1e-10)
    slopes = 1 / 3 - np.eye(3)[rows.targets]
    gradients = np.einsum("nk,nd->nkd", slopes, design).reshape(n, -1)
    trace = np.sum(np.var(gradients, axis=0, ddof=1))
    squared = np.sum(gradients.mean(axis=0) ** 2) - trace / n
    np.testing.assert_allclose(found["noise_scale_curve"][0], trace / squared, rtol=1e-10)
    assert found["update_ratio_curve"][0] == np.inf
    assert np.isfinite(found["update_ratio_curve"][1:]).all()
    assert found["slope_gap"] == 0
    np.testing.assert_allclose(found["feature_spread"], 1)
    assert "dead_units" not in found
    assert tables(study, measurement)["diagnosis"]["diagnosis"] == ["healthy"]


def test_off_by_default_and_then_free():
    study = reading.read({**SMALL, "diagnostics": False}, (), False)
    found = engine.measure(study)
    assert not {"sharpness", "slope_gap", "asked"} & set(found.measured)
    assert set(tables(study, found)) == {"end"}
    assert not reading.read({"experiment": "train"}, (), False).config.diagnostics


@pytest.mark.full
def test_diagnostics_leave_the_training_as_it_is():
    with_, without = measured()[1].measured, measured(diagnostics=False)[1].measured
    np.testing.assert_array_equal(with_["params"].weights, without["params"].weights)
    np.testing.assert_array_equal(with_["train_loss_curve"], without["train_loss_curve"])


@pytest.mark.full
def test_each_lane_of_a_sweep_has_its_row():
    study, measurement = measured(
        sweep={"seed": [0, 1], "optimizer.learning_rate": [0.1, 1e4]},
        model={"name": "mlp", "hidden": [6], "activation": "relu"},
    )
    found = tables(study, measurement)
    rows = found["diagnosis"]
    assert rows["optimizer.learning_rate"].tolist() == [0.1, 1e4] * 2
    assert rows["diagnosis"] == ["healthy", "step too large"] * 2
    assert found["diagnoses"]["runs"] == [2, 2]
    assert "lower the learning rate" in found["diagnoses"]["what to do"][1]
    judged = engine.judge(study, measurement.data, measurement.measured)
    plots = {plot.name: plot for plot in training.draw(judged)}
    assert "stability" in plots
    assert "limit" in {line.label for line in plots["stability"].lines}


@pytest.mark.full
def test_a_config_names_a_wrong_gradient_of_ones_own(tmp_path):
    """And an optimiser without a known limit is measured without it."""
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments" / "mine.py").write_text(OWN)
    (tmp_path / "mine.toml").write_text(
        'experiment = "train"\nsteps = 20\nrecords = 2\ndiagnostics = true\n'
        'data = { name = "iris", standardize = true }\nmodel = "softmax"\n'
        'loss = "mine.turned"\noptimizer = { name = "mine.plain", learning_rate = 0.1 }\n'
    )
    study = reading.read(tmp_path / "mine.toml", (), False)
    measurement = engine.measure(study)
    assert "stability" not in measurement.measured
    assert tables(study, measurement)["diagnosis"]["diagnosis"] == ["wrong gradient"]


@pytest.mark.parametrize(("activation", "bias"), [("relu", -50.0), ("tanh", 50.0)])
def test_units_that_learn_nothing_are_dead(activation, bias):
    params = mlp.init(jax.random.key(0), 4, 3, hidden=(5, 7), activation=activation)
    first, second, last = params.layers
    features = jnp.asarray(np.random.default_rng(0).normal(size=(20, 4)))
    assert train_diagnosis.dead_units(params, features) < 0.3
    second = second._replace(bias=second.bias.at[:6].set(bias))
    params = mlp.Params((first, second, last), activation)
    np.testing.assert_allclose(train_diagnosis.dead_units(params, features), 6 / 7)


@pytest.mark.full
def test_lanes_of_a_sweep_equal_the_runs_alone():
    changes = {"model": {"name": "mlp", "hidden": [6]}, "optimizer": {"name": "adam"}}
    changes["optimizer"]["learning_rate"] = 0.01
    swept = measured(**changes, sweep={"optimizer.learning_rate": [0.01, 0.1]})[1].measured
    alone = measured(**changes)[1].measured
    for name in train_diagnosis.MEASURES:
        np.testing.assert_allclose(
            swept[f"{name}_curve"][0], alone[f"{name}_curve"], rtol=1e-9, atol=1e-12
        )


@pytest.mark.full
def test_a_schedule_and_momentum_are_counted():
    _, measurement = measured(
        optimizer={"name": "momentum", "learning_rate": 0.1, "decay": 0.5}, schedule="linear"
    )
    found = measurement.measured
    limit = train.stability_limit(train.momentum, {"learning_rate": 0.1, "decay": 0.5})
    rate = 0.1 * np.array([1, 2 / 3, 1 / 3, 0])
    expected = rate * found["sharpness_curve"] / limit
    np.testing.assert_allclose(found["stability_curve"], expected, rtol=1e-6, atol=1e-12)


def test_one_row_is_too_few():
    data = {"name": "linear", "rows": 2, "dimension": 1, "split": {"test": 0.5}}
    study = reading.read({"experiment": "train", "diagnostics": True, "data": data}, (), False)
    with pytest.raises(InputError, match="need two rows"):
        engine.measure(study)
