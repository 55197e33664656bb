"""What a training is asked at each record when its config says `diagnostics = true`.

Everything is measured on the first rows of the training data, on the objective that is minimised.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxmath import train
from jaxmath.models import mlp
from jaxmath.runs.experiment import Table
from jaxmath.runs.measured import Measured
from jaxmath.runs.sweep import grid
from jaxmath.special import ACTIVATIONS

ROWS = 512
"""Rows that are looked at: curvature and noise of the gradient take dozens of passes over them."""

MEASURES = {
    "sharpness": "sharpness",
    "stability": "rate × sharpness / limit",
    "noise_scale": "noise scale",
    "update_ratio": "update over parameters",
    "dead_units": "dead units",
}
"""What is read at each record, by name, in words; noise is seen up to as many examples as rows."""


def at_start(objective, params, batch) -> dict[str, Any]:
    """What does not change, or is truest before the first step."""
    return dict(
        slope_gap=train.slope_gap(objective, params, _first(batch), jax.random.key(0)),
        feature_spread=train.feature_spread(jnp.asarray(batch[0])),
    )


def at_record(state: train.State, batch) -> dict[str, Any]:
    """One number for each of `MEASURES` that can be known of the model and the optimiser."""
    batch, params, objective = _first(batch), state.params, state.objective
    gradient = jax.grad(objective)(params, batch)
    hyper = dict(state.hyper)
    if state.schedule is not None:
        rate = hyper["learning_rate"]
        hyper["learning_rate"] = rate * state.schedule(state.step).astype(rate.dtype)
    step, memory = state.optimizer(**hyper).update(gradient, state.opt_state, params)
    noise = train.gradient_noise(objective, params, batch)

    def sharpness(divisor):
        found = train.sharpness(objective, params, batch, jax.random.key(0), preconditioner=divisor)
        return found.largest.value

    divisors = [jax.tree.map(jnp.ones_like, params)]
    divisor = train.preconditioner(state.optimizer, hyper, memory)
    if divisor is not None:
        divisors.append(divisor)
    curvature = jax.vmap(sharpness)(jax.tree.map(lambda *leaves: jnp.stack(leaves), *divisors))
    found = dict(
        sharpness=curvature[0],
        # Of so many examples a gradient is not seen that is buried deeper in their noise.
        noise_scale=jnp.minimum(noise.scale, len(batch[1])),
        update_ratio=train.relative_update(step, params).whole,
    )
    limit = train.stability_limit(state.optimizer, hyper)
    if limit is not None:
        found["stability"] = hyper["learning_rate"] * curvature[-1] / limit
    if isinstance(params, mlp.Params) and len(params.layers) > 1:
        found["dead_units"] = dead_units(params, batch[0])
    return found


def dead_units(params: mlp.Params, features):
    """The share of units of which no example's slope is a thousandth, in the worst hidden layer."""
    slope = next(a for a in ACTIVATIONS if a.name == params.activation).partials["x"]
    sums = mlp.forward(params, features).sums[:-1]
    return jnp.max(jnp.stack([train.dead_units(slope(z), 1e-3) for z in sums]))


def diagnoses(measured: Measured, diverged) -> np.ndarray:
    """A `train.Diagnosis` of each lane, from its readings alone."""
    known = {"dead": "dead_units_curve", "stability": "stability_curve"}
    readings = train.Readings(
        loss=measured["train_loss_curve"],
        diverged=diverged,
        slope_gap=measured["slope_gap"],
        feature_spread=measured["feature_spread"],
        **{name: measured[kept] for name, kept in known.items() if kept in measured},
    )
    with jax.enable_x64(True):  # a loss may be beyond what float32 can hold
        return np.asarray(train.diagnose(readings))


def tables(measured: Measured, diverged) -> tuple[Table, ...]:
    """How often each diagnosis was made and what to do; and a row a lane with what was read."""
    codes = diagnoses(measured, diverged).ravel()
    made = [each for each in train.Diagnosis if each in codes]
    counts = Table(
        "diagnoses",
        "What ails the runs, and what to do",
        {
            "diagnosis": [train.NAMES[each] for each in made],
            "runs": [int(np.sum(codes == each)) for each in made],
            "what to do": [train.REMEDIES[each] for each in made],
        },
    )
    columns: dict[str, Any] = dict(grid(measured.axes)) if measured.axes else {}
    columns["diagnosis"] = [train.NAMES[train.Diagnosis(code)] for code in codes]
    columns["slope gap"] = np.ravel(measured["slope_gap"])
    columns["feature spread"] = np.ravel(measured["feature_spread"])
    if "stability" in measured:
        columns["largest " + MEASURES["stability"]] = np.ravel(largest(measured))
    for name, words in MEASURES.items():
        if name in measured and name != "stability":
            columns[f"{words}, at the end"] = np.ravel(measured[name])
    return counts, Table("diagnosis", "What was read of each run", columns)


def largest(measured: Measured) -> np.ndarray:
    """The largest stability of each run that could be measured; there is one at the start."""
    curve = np.asarray(measured["stability_curve"])
    return np.asarray(np.max(np.where(np.isfinite(curve), curve, -np.inf), axis=-1))


def _first(batch):
    return jax.tree.map(lambda rows: jnp.asarray(rows)[:ROWS], batch)
