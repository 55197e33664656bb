r"""Losses of a prediction and a target by their ratio, not by their difference."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.domains import REAL, Interval
from jaxmath.formula import (
    Bounded,
    Break,
    Conjugate,
    Convex,
    Formula,
    Lipschitz,
    Minimizer,
    Prox,
    Source,
)
from jaxmath.losses.duality import between
from jaxmath.special.logarithm import ABOVE_MINUS_ONE, log1p
from jaxmath.special.partials import with_partials
from jaxmath.special.ratio import safe_unit
from jaxmath.typing import Real

WIDE = Interval(1e-30, 1e30, closed=(True, True))
"""Where the inverse of a target is a normal number, in float32 too."""
_AT_TARGET = Minimizer("prediction", lambda prediction, target, *_: target)


def _excess(prediction, target):
    """The excess of the prediction over the target, relative to the size of the target."""
    prediction, target = jnp.asarray(prediction), jnp.asarray(target)
    unit = safe_unit(jnp.maximum(jnp.abs(prediction), jnp.abs(target)))
    return (prediction * unit - target * unit) / (jnp.abs(target) * unit)


def _absolute_percentage_error(prediction: Real, target: Real) -> Float[Array, "..."]:
    """The size of the error as a share of the size of the target, one for a hundred percent.

    For a target of either sign, but not zero. Its slope is taken as zero where both are equal.
    """
    return jnp.abs(_excess(prediction, target))


def _ape_dprediction(prediction: Real, target: Real) -> Float[Array, "..."]:
    """The sign of the error over the size of the target."""
    return _error_sign(prediction, target) / jnp.abs(jnp.asarray(target))


def _ape_dtarget(prediction: Real, target: Real) -> Float[Array, "..."]:
    """Minus the prediction over the square of the target, with the sign of the error."""
    target = jnp.asarray(target)
    sign = _error_sign(prediction, target) * jnp.sign(target)
    # Of a / b / c XLA makes a / (b c), which may overflow.
    return -sign * ((jnp.asarray(prediction) / target) * (1 / target))


def _error_sign(prediction, target):
    """By comparison: a difference may be too small for a normal number and flushed to zero."""
    prediction, target = jnp.asarray(prediction), jnp.asarray(target)
    sign = jnp.where(prediction > target, 1.0, jnp.where(prediction < target, -1.0, 0.0))
    return jnp.where(jnp.isnan(prediction + target), jnp.nan, sign).astype(prediction.dtype)


def ape_dprediction_dtarget(prediction: Real, target: Real) -> Float[Array, "..."]:
    """Minus the sign of the error over the square of the target, with the target's sign."""
    target = jnp.asarray(target)
    return -(_error_sign(prediction, target) / jnp.abs(target)) * (1 / target)


def ape_dtarget_dtarget(prediction: Real, target: Real) -> Float[Array, "..."]:
    """Twice the prediction over the cube of the target, with the sign of the error."""
    return -2 * (_ape_dtarget(prediction, target) * (1 / jnp.asarray(target)))


_APE_SECONDS = {
    ("prediction", "prediction"): lambda prediction, target: 0.0 * prediction + 0.0 * target,
    ("prediction", "target"): ape_dprediction_dtarget,
    ("target", "target"): ape_dtarget_dtarget,
}
absolute_percentage_error, _APE = with_partials(
    _absolute_percentage_error,
    dict(prediction=_ape_dprediction, target=_ape_dtarget),
    _APE_SECONDS,
)

ABSOLUTE_PERCENTAGE_ERROR = Formula(
    fn=absolute_percentage_error,
    plain=_absolute_percentage_error,
    domain=dict(prediction=REAL, target=WIDE),
    partials=_APE,
    seconds=_APE_SECONDS,
    breaks=(Break(lambda prediction, target: prediction - target, order=1, convention="middle"),),
    facts=(
        Convex("prediction"),
        Bounded("prediction", low=0.0),
        _AT_TARGET,
        Lipschitz("prediction", lambda prediction, target: 1 / target),
        Conjugate(
            "prediction",
            fn=lambda prediction, target: between(
                prediction * target, jnp.abs(target) * prediction, -1.0, 1.0
            ),
        ),
        Prox(
            "prediction",
            fn=lambda step, prediction, target: jnp.clip(
                target, prediction - step / jnp.abs(target), prediction + step / jnp.abs(target)
            ),
        ),
    ),
    tex=r"\ell(\hat y, y) = \frac{|\hat y - y|}{|y|}",
    source=Source("hyndman2006measures", "section 2"),
    topic="P14",
)


def _log_gap(prediction, target):
    """The logarithm of one plus the prediction, less that of one plus the target."""
    prediction, target = jnp.asarray(prediction), jnp.asarray(target)
    below = 1 + target
    close = jnp.abs(prediction - target) < below / 2
    share = jnp.where(close, prediction - target, 0.0) / jnp.where(close, below, 1.0)
    return jnp.where(close, log1p(share), log1p(prediction) - log1p(target))


def _squared_log_error(prediction: Real, target: Real) -> Float[Array, "..."]:
    """The square of the difference of the logarithms of one plus each, both above minus one.

    About the square of the relative error, for a prediction and a target far above one.
    """
    return jnp.square(_log_gap(prediction, target))


def _sle_dprediction(prediction: Real, target: Real) -> Float[Array, "..."]:
    """Twice the gap of the logarithms over one plus the prediction."""
    return 2 * _log_gap(prediction, target) / (1 + jnp.asarray(prediction))


def _sle_dtarget(prediction: Real, target: Real) -> Float[Array, "..."]:
    """Minus twice the gap of the logarithms over one plus the target."""
    return -2 * _log_gap(prediction, target) / (1 + jnp.asarray(target))


def _over(numerator, one, other):
    return (numerator * (1 / (1 + jnp.asarray(one)))) * (1 / (1 + jnp.asarray(other)))


def sle_dprediction_dprediction(prediction: Real, target: Real) -> Float[Array, "..."]:
    """Positive up to where the logarithm of the prediction exceeds the target's by one."""
    return _over(2 * (1 - _log_gap(prediction, target)), prediction, prediction)


def sle_dprediction_dtarget(prediction: Real, target: Real) -> Float[Array, "..."]:
    """Minus two over the product of one plus each."""
    return _over(-2.0, prediction, target)


def sle_dtarget_dtarget(prediction: Real, target: Real) -> Float[Array, "..."]:
    """As in the prediction, both exchanged."""
    return _over(2 * (1 + _log_gap(prediction, target)), target, target)


_SLE_SECONDS = {
    ("prediction", "prediction"): sle_dprediction_dprediction,
    ("prediction", "target"): sle_dprediction_dtarget,
    ("target", "target"): sle_dtarget_dtarget,
}
squared_log_error, _SLE = with_partials(
    _squared_log_error, dict(prediction=_sle_dprediction, target=_sle_dtarget), _SLE_SECONDS
)

SQUARED_LOG_ERROR = Formula(
    fn=squared_log_error,
    plain=_squared_log_error,
    domain=dict(prediction=ABOVE_MINUS_ONE, target=ABOVE_MINUS_ONE),
    partials=_SLE,
    seconds=_SLE_SECONDS,
    facts=(
        Bounded("prediction", low=0.0),
        _AT_TARGET,
    ),
    tex=r"\ell(\hat y, y) = \bigl(\log(1 + \hat y) - \log(1 + y)\bigr)^2",
    source=Source("hyndman2006measures", "section 2"),
    topic="P14",
)

RELATIVE = (ABSOLUTE_PERCENTAGE_ERROR, SQUARED_LOG_ERROR)
