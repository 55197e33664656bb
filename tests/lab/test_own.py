"""A researcher's own loss and model: eight lines and a config, swept in one program."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from jaxmath.config import reading
from jaxmath.lab import engine, train

MINE = """import jax.numpy as jnp
from jaxmath.models import Model
def cauchy(residual, scale=1.0):
    return jnp.log1p((residual / scale) ** 2)
def start(key, features, outputs=None):
    return dict(w=jnp.zeros(features), b=jnp.zeros(()))
LOSSES = (cauchy,)
MODELS = (Model("plane", start, lambda params, x: x @ params["w"] + params["b"]),)
"""

CONFIG = """experiment = "train"
precision = "{precision}"
steps = 60
batch_size = 16
records = 3
loss = {{ name = "mine.cauchy", scale = 0.5 }}
model = {{ name = "mine.plane" }}
optimizer = {{ name = "sgd", learning_rate = 0.1 }}
[data]
name = "linear"
rows = 64
dimension = 3
[sweep]
"optimizer.learning_rate" = {rates}
"""


@pytest.fixture
def project(tmp_path: Path):
    assert len(MINE.strip().splitlines()) == 8
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments" / "mine.py").write_text(MINE)

    # Above a rate of a half every step amplifies rounding, which processors do in their own ways.
    def config(precision="float64", rates="{ logspace = [1e-3, 0.25, 64] }"):
        path = tmp_path / "mine.toml"
        path.write_text(CONFIG.format(precision=precision, rates=rates))
        return path

    return config


def arrays(measured):
    return dict(
        w=measured["params"]["w"], b=measured["params"]["b"], loss=measured["train_loss_curve"]
    )


# In float32 a lane in a batch of 32 and a lane alone round differently in each of 60 steps.
@pytest.mark.parametrize(
    ("precision", "tolerance"),
    [("float64", 1e-12), pytest.param("float32", 1e-5, marks=pytest.mark.full)],
)
def test_lanes_of_a_sweep_equal_the_runs_alone(project, precision, tolerance):
    path = project(precision)
    swept = engine.measure(reading.read(path, (), False))
    assert swept.programs == 1
    assert swept.measured["params"]["w"].shape == (64, 3)
    rates = swept.measured.swept("optimizer.learning_rate")
    by_hash = sorted(range(64), key=lambda lane: hashlib.sha256(str(lane).encode()).digest())[:16]
    for lane in by_hash:
        override = f"optimizer.learning_rate={float(rates[lane])!r}"
        alone = engine.measure(reading.read(path, (override,), False)).measured
        assert alone.axes == ()
        for name, value in arrays(alone).items():
            found = arrays(swept.measured)[name][lane]
            np.testing.assert_allclose(found, value, rtol=tolerance, atol=tolerance)


def test_a_rate_of_1e30_in_one_lane_leaves_the_others_bit_identical(project):
    healthy = engine.measure(reading.read(project(), (), False)).measured
    rates = [float(rate) for rate in healthy.swept("optimizer.learning_rate")]
    rates[20] = 1e30
    planted = engine.measure(reading.read(project(rates=str(rates)), (), False)).measured
    others = np.arange(64) != 20
    for name, value in arrays(planted).items():
        assert value[others].tobytes() == arrays(healthy)[name][others].tobytes()
    assert np.isfinite(arrays(planted)["w"]).all()
    assert not np.array_equal(planted["params"]["w"][20], healthy["params"]["w"][20])


def test_ten_learning_rates_through_the_public_call_compile_once(project, monkeypatch):
    traced = []
    begin = train.begin
    monkeypatch.setattr(train, "begin", lambda *args: traced.append(1) or begin(*args))
    for rate in np.geomspace(1e-3, 0.1, 10):
        study = reading.read(project(), (f"optimizer.learning_rate={float(rate)}",), False)
        engine.measure(study)
    assert len(traced) == 1
