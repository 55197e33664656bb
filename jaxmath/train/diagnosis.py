"""What ails a training, told from what was measured of it alone, and what to do.

Causes come before their effects: a wrong gradient may look like anything, one feature in other
units makes every step too large for it, and too large a step kills rectifiers.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int

from jaxmath.typing import Label, Real


class Diagnosis(IntEnum):
    """What ails a training."""

    HEALTHY = 0
    WRONG_GRADIENT = 1
    UNSCALED_FEATURE = 2
    DEAD_UNITS = 3
    STEP_TOO_LARGE = 4
    UNEXPLAINED = 5


NAMES = {
    Diagnosis.HEALTHY: "healthy",
    Diagnosis.WRONG_GRADIENT: "wrong gradient",
    Diagnosis.UNSCALED_FEATURE: "unscaled feature",
    Diagnosis.DEAD_UNITS: "dead units",
    Diagnosis.STEP_TOO_LARGE: "step too large",
    Diagnosis.UNEXPLAINED: "no progress, unexplained",
}

REMEDIES = {
    Diagnosis.HEALTHY: "nothing",
    Diagnosis.WRONG_GRADIENT: "verify each derivative written by hand (jaxmath verify FILE:NAME)",
    Diagnosis.UNSCALED_FEATURE: "give every feature the same scale (standardize = true)",
    Diagnosis.DEAD_UNITS: "begin with smaller or zero biases, or take a leaky or smooth activation",
    Diagnosis.STEP_TOO_LARGE: "lower the learning rate, below its limit over the sharpness",
    Diagnosis.UNEXPLAINED: "look at the data, and whether the start is a minimum already",
}

GAP = 0.05
"""Of the gradient's length. Rounding in float32 and kinks leave a hundredth at most, a wrong sign
or a forgotten term leaves about one; JAX's own gradients leave nothing to find here."""

SPREAD = 100.0
"""Of the largest feature over the median one. Least squares then have a condition number of ten
thousand at least, and gradient descent takes as many steps (Nesterov 2004, theorem 2.1.15)."""

DEAD = 0.5
"""Of the units of a layer: half its width is lost. A layer that begins as usual has none or few,
and what is dead for every example has no gradient to come back by (Lu et al. 2020)."""

EDGE = 1.0
"""Rate times sharpness over its limit. Many trainings stay near it and go on well (Cohen et al.
2021), and some begin beyond it, rise, and settle where it is flatter (Lewkowycz et al. 2020). So it
counts only where the loss ends no lower than it began or is still unsteady, or where units die."""

UNSTEADY = 2.0
"""In the second half of the records: the loss over the least before it."""


class Readings(NamedTuple):
    """What was measured of runs: (...) once, and (..., records) from the start to the end.

    What was not measured stays NaN, and points to nothing.

    Attributes:
        loss: at each record.
        diverged: whether a number was no longer finite.
        slope_gap: of `train.slope_gap`, at the start.
        feature_spread: of `train.feature_spread`.
        dead: of `train.dead_units`, in the layer that has most.
        stability: rate times sharpness over its limit.
    """

    loss: Real
    diverged: Label = False
    slope_gap: Real = jnp.nan
    feature_spread: Real = jnp.nan
    dead: Real = jnp.nan
    stability: Real = jnp.nan


def diagnose(readings: Readings) -> Int[Array, "..."]:
    """A `Diagnosis` of each run: the first that its readings show, of those in causal order."""
    loss, dead, stability = map(jnp.atleast_1d, (readings.loss, readings.dead, readings.stability))
    beyond = jnp.any(stability > EDGE, axis=-1)
    no_lower = readings.diverged | ~(loss[..., -1] < loss[..., 0])
    late = slice(loss.shape[-1] // 2, None)
    least = jax.lax.cummin(loss, axis=loss.ndim - 1)
    unsteady = jnp.any(loss[..., late] >= UNSTEADY * least[..., late], axis=-1)
    died = dead[..., -1] >= DEAD
    found = [
        (jnp.asarray(readings.slope_gap) > GAP, Diagnosis.WRONG_GRADIENT),
        (jnp.asarray(readings.feature_spread) > SPREAD, Diagnosis.UNSCALED_FEATURE),
        (dead[..., 0] >= DEAD, Diagnosis.DEAD_UNITS),
        (beyond & (no_lower | unsteady | died), Diagnosis.STEP_TOO_LARGE),
        (died, Diagnosis.DEAD_UNITS),
        (no_lower, Diagnosis.UNEXPLAINED),
    ]
    shape = jnp.broadcast_shapes(*(jnp.shape(condition) for condition, _ in found))
    return jnp.select(
        [jnp.broadcast_to(condition, shape) for condition, _ in found],
        [jnp.full(shape, int(name)) for _, name in found],
        int(Diagnosis.HEALTHY),
    )
