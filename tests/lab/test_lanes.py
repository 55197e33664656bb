"""Each lane of a sweep is the training that a run of its setting alone does, whatever the layout.

To the tolerance that a report and `compare` state; in single precision rounding grows over steps.
"""

from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest

from jaxmath.config import reading
from jaxmath.lab import engine, plan, program, tiles
from jaxmath.runs.expectation import TOLERANCE

CONFIG = Path(__file__).resolve().parents[2] / "configs" / "digits_sweep.toml"
PERCEPTRON = (
    "model.name=mlp",
    "model.hidden=[32]",
    "model.activation=relu",
    "model.scale=1.0",
    "optimizer.name=adam",
)
MODELS = dict(softmax=(), perceptron=PERCEPTRON)
SEEDS = (0, 3)
RATES = dict(softmax=(0.01, 0.1, 1.0), perceptron=(1e-4, 1e-3, 1e-2))
LAYOUTS = dict(whole=(10**6, 1), lanes_of_a_seed=(2, 2), single=(1, 2), many_threads=(1, 4))
"""The most lanes of a tile, and how many tiles run at once."""


def study(model: str, steps: int, precision: str, seeds, rates):
    return reading.read(
        CONFIG,
        (
            *MODELS[model],
            f"precision={precision}",
            f"steps={steps}",
            f"sweep.seed={[*seeds]}",
            f"sweep.optimizer.learning_rate={[*rates]}",
        ),
    )


@pytest.fixture
def layout(monkeypatch):
    """Measure under a layout, compiled for it."""

    def measure(made, lanes, at_once):
        monkeypatch.setattr(plan, "most_lanes", lambda *_: lanes)
        for module in (program, tiles):
            monkeypatch.setattr(module, "workers", lambda: at_once)
        monkeypatch.setattr(tiles, "_programs", OrderedDict())
        return engine.measure(made).measured

    return measure


def furthest(found, alone) -> float:
    """How far losses are apart at most, relative."""
    ours, theirs = (np.asarray(each["train_loss_curve"]) for each in (found, alone))
    return float(np.max(np.abs(ours - theirs) / np.abs(theirs)))


def apart(layout, model, steps, precision, name):
    found = layout(study(model, steps, precision, SEEDS, RATES[model]), *LAYOUTS[name])
    gaps = []
    for row, seed in enumerate(SEEDS):
        for column, rate in enumerate(RATES[model]):
            alone = layout(study(model, steps, precision, [seed], [rate]), 1, 1)
            ours = {"train_loss_curve": found["train_loss_curve"][row, column]}
            gaps.append(furthest(ours, {"train_loss_curve": alone["train_loss_curve"][0, 0]}))
    return max(gaps)


@pytest.mark.parametrize("name", ["lanes_of_a_seed"])
@pytest.mark.parametrize("model", MODELS)
def test_a_lane_is_the_run_alone(layout, model, name):
    assert apart(layout, model, 90, "float64", name) < TOLERANCE["float64"]


@pytest.mark.full
@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("model", MODELS)
def test_a_lane_is_the_run_alone_to_its_last_step(layout, model, name):
    assert apart(layout, model, 900, "float64", name) < TOLERANCE["float64"]


@pytest.mark.full
@pytest.mark.parametrize("model", MODELS)
def test_in_single_precision_rounding_grows_as_far_as_is_said(layout, model):
    gap = max(apart(layout, model, 900, "float32", name) for name in LAYOUTS)
    assert gap < TOLERANCE["float32"]
