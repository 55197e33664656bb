"""Stochastic first-order training: one scan, many lanes, a status for each."""

from jaxmath.train.batches import fold_in_name, order, shuffle, steps_per_epoch
from jaxmath.train.diagnosis import NAMES, REMEDIES, Diagnosis, Readings, diagnose
from jaxmath.train.diagnostics import (
    Noise,
    Ratio,
    array_norms,
    dead_units,
    feature_spread,
    gradient_noise,
    noise_of_batches,
    relative_update,
    sharpness,
)
from jaxmath.train.lanczos import Extreme, Extremes, extreme_eigenvalues
from jaxmath.train.loop import State, advance, axes, start, step, train
from jaxmath.train.optimizers import (
    OPTIMIZERS,
    adam,
    adamw,
    momentum,
    nesterov,
    rmsprop,
    sgd,
)
from jaxmath.train.risk import Risk, empirical_risk
from jaxmath.train.schedules import SCHEDULES, Schedule
from jaxmath.train.slope import slope_gap
from jaxmath.train.stability import preconditioner, stability_limit
from jaxmath.train.stopping import Status, Stop, describe, is_finite, norm
