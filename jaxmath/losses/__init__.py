"""Losses and penalties of one example; the caller batches with `jax.vmap` and reduces."""

from jaxmath.losses.regression import (
    ABSOLUTE_ERROR,
    HUBER,
    LOG_COSH,
    PINBALL,
    REGRESSION,
    SQUARED_ERROR,
    absolute_error,
    huber,
    log_cosh,
    pinball,
    squared_error,
)

LOSSES = (*REGRESSION,)
