"""Stochastic first-order training: one scan, many lanes, a status for each."""

from jaxmath.train.batches import fold_in_name, order, shuffle, steps_per_epoch
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
from jaxmath.train.stopping import Status, Stop, describe, is_finite, norm
