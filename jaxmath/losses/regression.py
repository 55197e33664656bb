r"""Losses of a residual, target minus prediction, of one example.

Each is a function of the residual r alone and of the loss's own parameters, so that the derivative
in the prediction is minus the derivative in the residual. `squared_error` has no half; `huber` has
one inside.
"""

import math

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.domains import OPEN_UNIT, POSITIVE, REAL
from jaxmath.formula import (
    Break,
    Concave,
    Conjugate,
    Convex,
    Even,
    Formula,
    Lipschitz,
    Minimizer,
    Prox,
    Smooth,
    Source,
    StronglyConvex,
    with_rule,
)
from jaxmath.losses.duality import softplus_conjugate, where_allowed, zero_between
from jaxmath.special import tanh_dx
from jaxmath.typing import Real


def squared_error(residual: Real) -> Float[Array, "..."]:
    """The square of the residual, without a half."""
    return jnp.square(residual)


def squared_error_dresidual(residual: Real) -> Float[Array, "..."]:
    """Twice the residual."""
    return 2 * jnp.asarray(residual)


SQUARED_ERROR = Formula(
    fn=squared_error,
    domain=dict(residual=REAL),
    partials=dict(residual=squared_error_dresidual),
    seconds={("residual", "residual"): lambda residual: jnp.full_like(residual, 2)},
    facts=(
        Convex("residual"),
        Even("residual"),
        Smooth("residual", 2.0),
        StronglyConvex("residual", 2.0),
        Minimizer("residual", 0.0),
        Conjugate("residual", fn=lambda residual: jnp.square(residual / 2)),
        Prox("residual", fn=lambda step, residual: residual / (1 + 2 * step)),
    ),
    tex=r"\ell(r) = r^2",
    source=Source("hastie2009esl", "section 2.4"),
    topic="O8",
)


def _absolute_error(residual: Real) -> Float[Array, "..."]:
    """The distance of the residual from zero; its slope at zero is taken as zero."""
    return jnp.abs(residual)


def absolute_error_dresidual(residual: Real) -> Float[Array, "..."]:
    """The sign of the residual, zero at zero."""
    return jnp.sign(residual)


# The slope of JAX's `abs` is one at zero and finite at NaN.
absolute_error = with_rule(_absolute_error, residual=absolute_error_dresidual)

ABSOLUTE_ERROR = Formula(
    fn=absolute_error,
    plain=_absolute_error,
    domain=dict(residual=REAL),
    partials=dict(residual=absolute_error_dresidual),
    seconds={("residual", "residual"): jnp.zeros_like},
    breaks=(Break(lambda residual: residual, order=1, convention="zero"),),
    facts=(
        Convex("residual"),
        Even("residual"),
        Lipschitz("residual", 1.0),
        Minimizer("residual", 0.0),
        Conjugate("residual", fn=lambda residual: zero_between(residual, -1.0, 1.0)),
        Prox("residual", fn=lambda step, residual: residual - jnp.clip(residual, -step, step)),
    ),
    tex=r"\ell(r) = |r|",
    source=Source("hastie2009esl", "section 10.6"),
    topic="P14",
)


def _huber(residual: Real, delta: Real = 1.0) -> Float[Array, "..."]:
    """Half the squared residual within `delta` of zero, linear beyond."""
    size = jnp.abs(residual)
    inner = jnp.minimum(size, delta)
    return inner * (size - 0.5 * inner)


def _huber_dresidual(residual: Real, delta: Real = 1.0) -> Float[Array, "..."]:
    """The residual, clipped to [-delta, delta]."""
    return jnp.clip(residual, -jnp.asarray(delta), delta)


def _huber_ddelta(residual: Real, delta: Real = 1.0) -> Float[Array, "..."]:
    """By how much the size of the residual exceeds delta, zero if it does not."""
    return jnp.maximum(jnp.abs(residual) - delta, 0.0)


def huber_dresidual_dresidual(residual: Real, delta: Real = 1.0) -> Float[Array, "..."]:
    """One within delta of zero, zero beyond, a half at delta."""
    return _exceeds(delta, jnp.abs(residual))


def huber_dresidual_ddelta(residual: Real, delta: Real = 1.0) -> Float[Array, "..."]:
    """The sign of the residual beyond delta, zero within, half of it at delta."""
    return jnp.sign(residual) * _exceeds(jnp.abs(residual), delta)


def huber_ddelta_ddelta(residual: Real, delta: Real = 1.0) -> Float[Array, "..."]:
    """Minus one beyond delta, zero within, minus a half at delta."""
    return -_exceeds(jnp.abs(residual), delta)


def _exceeds(a: Real, b: Real) -> Float[Array, "..."]:
    """One where a > b, zero where a < b, a half where they are equal, NaN where either is.

    By comparison: a difference may be too small for a normal number and flushed to zero.
    """
    a, b = jnp.asarray(a), jnp.asarray(b)
    larger, equal = jnp.asarray(a > b, a.dtype), jnp.asarray(a == b, a.dtype)
    return jnp.where(jnp.isnan(a) | jnp.isnan(b), jnp.nan, larger + equal / 2)


huber_dresidual = with_rule(
    _huber_dresidual, residual=huber_dresidual_dresidual, delta=huber_dresidual_ddelta
)
huber_ddelta = with_rule(_huber_ddelta, residual=huber_dresidual_ddelta, delta=huber_ddelta_ddelta)
huber = with_rule(_huber, residual=huber_dresidual, delta=huber_ddelta)

HUBER = Formula(
    fn=huber,
    plain=_huber,
    domain=dict(residual=REAL, delta=POSITIVE),
    partials=dict(residual=huber_dresidual, delta=huber_ddelta),
    seconds={
        ("residual", "residual"): huber_dresidual_dresidual,
        ("residual", "delta"): huber_dresidual_ddelta,
        ("delta", "delta"): huber_ddelta_ddelta,
    },
    breaks=(Break(lambda residual, delta: jnp.abs(residual) - delta, order=2),),
    facts=(
        Convex("residual"),
        Even("residual"),
        Lipschitz("residual", lambda residual, delta: delta),
        Smooth("residual", 1.0),
        Minimizer("residual", 0.0),
        Conjugate(
            "residual",
            fn=lambda residual, delta: (
                0.5 * jnp.square(residual) + zero_between(residual, -delta, delta)
            ),
        ),
        Prox(
            "residual",
            fn=lambda step, residual, delta: (
                residual - step * jnp.clip(residual / (1 + step), -delta, delta)
            ),
        ),
        Concave("delta"),
        Lipschitz("delta", lambda residual, delta: jnp.abs(residual)),
        Smooth("delta", 1.0),
    ),
    tex=r"\ell_\delta(r) = \begin{cases} \frac12 r^2 & |r| \le \delta \\"
    r" \delta\,(|r| - \frac12\delta) & |r| > \delta \end{cases}",
    source=Source("huber1964robust", "section 4"),
    topic="O8",
)


def _log_cosh(residual: Real) -> Float[Array, "..."]:
    r"""The logarithm of the hyperbolic cosine: half the square near zero, |r| - log 2 far out.

    Near zero the power series of $\cosh r - 1$, since $\cosh r$ has lost its digits there.
    """
    size = jnp.abs(residual)
    square = jnp.square(jnp.minimum(size, 1.0))
    far = jnp.maximum(size, 1.0)
    series = jnp.ones_like(square)
    for k in range(9, 0, -1):
        series = 1 + square * series / ((2 * k + 1) * (2 * k + 2))
    inner = jnp.log1p(square * series / 2)
    outer = (far - math.log(2)) + jnp.log1p(jnp.exp(-2 * far))
    return jnp.where(size < 1, inner, outer)


def _log_cosh_dresidual(residual: Real) -> Float[Array, "..."]:
    """The hyperbolic tangent of the residual, as a primitive: facts are proven of it over boxes."""
    return jnp.tanh(residual)


log_cosh_dresidual = with_rule(_log_cosh_dresidual, residual=tanh_dx)


def log_cosh_dresidual_dresidual(residual: Real) -> Float[Array, "..."]:
    """The squared hyperbolic secant of the residual."""
    return tanh_dx(residual)


log_cosh = with_rule(_log_cosh, residual=log_cosh_dresidual)


def _log_cosh_conjugate(residual: Real) -> Float[Array, "..."]:
    r"""Of a slope s, $s \operatorname{artanh} s + \frac12 \log(1 - s^2)$: log 2 at one."""
    slope = jnp.abs(residual)
    near = jnp.where(slope < 0.5, slope, 0.0)
    inner = near * jnp.arctanh(near) + 0.5 * jnp.log1p(-jnp.square(near))
    outer = math.log(2) + softplus_conjugate((1 + slope) / 2)
    return where_allowed(jnp.where(slope < 0.5, inner, outer), slope <= 1)


LOG_COSH = Formula(
    fn=log_cosh,
    plain=_log_cosh,
    domain=dict(residual=REAL),
    partials=dict(residual=log_cosh_dresidual),
    seconds={("residual", "residual"): log_cosh_dresidual_dresidual},
    facts=(
        Convex("residual"),
        Even("residual"),
        Lipschitz("residual", 1.0),
        Smooth("residual", 1.0),
        Minimizer("residual", 0.0),
        Conjugate("residual", fn=_log_cosh_conjugate),
    ),
    tex=r"\ell(r) = \log\cosh r",
    source=Source("saleh2022logcosh", "section 2"),
    topic="O8",
)


def _pinball(residual: Real, quantile: Real = 0.5) -> Float[Array, "..."]:
    """The check function: `quantile` times a positive residual, 1 - `quantile` times a negative.

    Its expectation over the target is least at the target's quantile of that level.
    """
    residual, quantile = jnp.asarray(residual), jnp.asarray(quantile)
    return jnp.maximum(quantile * residual, (quantile - 1) * residual)


def pinball_dresidual(residual: Real, quantile: Real = 0.5) -> Float[Array, "..."]:
    """The level to the right of zero, the level minus one to the left, the middle at zero."""
    return jnp.asarray(quantile) - jnp.heaviside(-jnp.asarray(residual), 0.5)


def pinball_dquantile(residual: Real, quantile: Real = 0.5) -> Float[Array, "..."]:
    """The residual itself."""
    del quantile
    return jnp.asarray(residual)


# Plain autodiff takes the middle also where both products are flushed to zero.
pinball = with_rule(_pinball, residual=pinball_dresidual, quantile=pinball_dquantile)

PINBALL = Formula(
    fn=pinball,
    plain=_pinball,
    domain=dict(residual=REAL, quantile=OPEN_UNIT),
    partials=dict(residual=pinball_dresidual, quantile=pinball_dquantile),
    seconds={
        ("residual", "residual"): lambda residual, quantile: jnp.zeros_like(residual),
        ("residual", "quantile"): lambda residual, quantile: jnp.ones_like(residual),
        ("quantile", "quantile"): lambda residual, quantile: jnp.zeros_like(quantile),
    },
    breaks=(Break(lambda residual, quantile: residual, 1, "middle", arguments=("residual",)),),
    facts=(
        Convex("residual"),
        Convex("quantile"),
        Lipschitz("residual", lambda residual, quantile: jnp.maximum(quantile, 1 - quantile)),
        Minimizer("residual", 0.0),
        Conjugate(
            "residual",
            fn=lambda residual, quantile: zero_between(residual, quantile - 1, quantile),
        ),
        Prox(
            "residual",
            fn=lambda step, residual, quantile: (
                residual - jnp.clip(residual, step * (quantile - 1), step * quantile)
            ),
        ),
        Lipschitz("quantile", lambda residual, quantile: jnp.abs(residual)),
        Smooth("quantile", 0.0),
    ),
    tex=r"\ell_\tau(r) = \max(\tau r, (\tau - 1)\, r)",
    source=Source("koenker1978regression", "eq. 3.1"),
    topic="P14",
)

REGRESSION = (SQUARED_ERROR, ABSOLUTE_ERROR, HUBER, LOG_COSH, PINBALL)
