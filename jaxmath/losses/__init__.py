"""Losses and penalties of one example; the caller batches with `jax.vmap` and reduces."""

from jaxmath.losses.classification import (
    CLASSIFICATION,
    HINGE,
    LOGISTIC,
    SOFTMAX_CROSS_ENTROPY,
    hinge,
    hinge_dscore,
    logistic,
    logistic_dlogit,
    logistic_dlogit_dlogit,
    softmax_cross_entropy,
    softmax_cross_entropy_dlogits,
    softmax_cross_entropy_dlogits_dlogits,
)
from jaxmath.losses.penalties import L1, L2, PENALTIES, l1, l1_dweights, l2, l2_dweights
from jaxmath.losses.regression import (
    ABSOLUTE_ERROR,
    HUBER,
    LOG_COSH,
    PINBALL,
    REGRESSION,
    SQUARED_ERROR,
    absolute_error,
    absolute_error_dresidual,
    huber,
    huber_ddelta,
    huber_ddelta_ddelta,
    huber_dresidual,
    huber_dresidual_ddelta,
    huber_dresidual_dresidual,
    log_cosh,
    log_cosh_dresidual,
    log_cosh_dresidual_dresidual,
    pinball,
    pinball_dquantile,
    pinball_dresidual,
    squared_error,
    squared_error_dresidual,
)

LOSSES = (*REGRESSION, *CLASSIFICATION)
