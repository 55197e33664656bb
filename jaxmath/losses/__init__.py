"""Losses and penalties of one example; the caller batches with `jax.vmap` and reduces."""

from jaxmath.losses.asymmetric import (
    ASYMMETRIC,
    EXPECTILE,
    QUANTILE_HUBER,
    expectile,
    quantile_huber,
)
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
from jaxmath.losses.smooth_absolute import (
    PSEUDO_HUBER,
    SMOOTH_ABSOLUTE,
    SMOOTH_L1,
    pseudo_huber,
    smooth_l1,
)
from jaxmath.losses.tolerant import (
    EPSILON_INSENSITIVE,
    SQUARED_EPSILON_INSENSITIVE,
    TOLERANT,
    epsilon_insensitive,
    squared_epsilon_insensitive,
)

LOSSES = (*REGRESSION, *ASYMMETRIC, *TOLERANT, *SMOOTH_ABSOLUTE, *CLASSIFICATION)
