r"""Losses that weigh a residual above and below zero differently.

The weight is `level` to the right of zero and 1 - `level` to the left, as in `pinball`.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.domains import OPEN_UNIT, POSITIVE, REAL
from jaxmath.formula import (
    Break,
    Concave,
    Conjugate,
    Convex,
    Formula,
    Lipschitz,
    Minimizer,
    Prox,
    Smooth,
    Source,
    StronglyConvex,
    with_rule,
)
from jaxmath.losses.duality import between
from jaxmath.losses.regression import (
    huber,
    huber_ddelta,
    huber_ddelta_ddelta,
    huber_dresidual,
    huber_dresidual_ddelta,
    huber_dresidual_dresidual,
)
from jaxmath.typing import Real


def _weight(residual, level):
    """The weight of a residual of this sign, the middle of both at zero."""
    residual, level = jnp.asarray(residual), jnp.asarray(level)
    above = jnp.heaviside(residual, 0.5)
    return level * above + (1 - level) * (1 - above)


def _expectile(residual: Real, level: Real = 0.5) -> Float[Array, "..."]:
    """The squared residual, times `level` to the right of zero and 1 - `level` to the left.

    Its expectation over the target is least at the target's expectile of that level, at 0.5 the
    mean.
    """
    return (_weight(residual, level) * residual) * residual


def expectile_dresidual(residual: Real, level: Real = 0.5) -> Float[Array, "..."]:
    """Twice the weighted residual."""
    return (2 * _weight(residual, level)) * residual


def expectile_dlevel(residual: Real, level: Real = 0.5) -> Float[Array, "..."]:
    """The squared residual, with its sign."""
    return jnp.square(residual) * jnp.sign(residual) + 0.0 * jnp.asarray(level)


def expectile_dresidual_dresidual(residual: Real, level: Real = 0.5) -> Float[Array, "..."]:
    """Twice the weight; one at zero."""
    return 2 * _weight(residual, level)


def expectile_dresidual_dlevel(residual: Real, level: Real = 0.5) -> Float[Array, "..."]:
    """Twice the size of the residual."""
    return 2 * jnp.abs(residual) + 0.0 * jnp.asarray(level)


_SLOPE = dict(residual=expectile_dresidual_dresidual, level=expectile_dresidual_dlevel)
_EXPECTILE = dict(
    residual=with_rule(expectile_dresidual, **_SLOPE),
    level=with_rule(expectile_dlevel, residual=expectile_dresidual_dlevel),
)
expectile = with_rule(_expectile, **_EXPECTILE)

EXPECTILE = Formula(
    fn=expectile,
    plain=_expectile,
    domain=dict(residual=REAL, level=OPEN_UNIT),
    partials=_EXPECTILE,
    seconds={
        ("residual", "residual"): expectile_dresidual_dresidual,
        ("residual", "level"): expectile_dresidual_dlevel,
        ("level", "level"): lambda residual, level: jnp.zeros_like(level),
    },
    breaks=(Break(lambda residual, level: residual, order=2, arguments=("residual",)),),
    facts=(
        Convex("residual"),
        Convex("level"),
        Smooth("residual", lambda residual, level: 2 * jnp.maximum(level, 1 - level)),
        Lipschitz("level", lambda residual, level: jnp.square(residual)),
        Smooth("level", 0.0),
        StronglyConvex("residual", lambda residual, level: 2 * jnp.minimum(level, 1 - level)),
        Minimizer("residual", 0.0),
        Conjugate(
            "residual",
            fn=lambda residual, level: residual * (residual / _weight(residual, level) / 4),
        ),
        Prox(
            "residual",
            fn=lambda step, residual, level: residual / (1 + 2 * step * _weight(residual, level)),
        ),
    ),
    tex=r"\ell_\tau(r) = |\tau - \mathbf{1}_{r < 0}|\, r^2",
    source=Source("newey1987asymmetric", "eq. 2.3"),
    topic="P14",
)


def _quantile_huber(residual: Real, level: Real = 0.5, delta: Real = 1.0) -> Float[Array, "..."]:
    """Huber's loss, times `level` to the right of zero and 1 - `level` to the left.

    For small `delta` it is `delta` times the pinball loss.
    """
    size = jnp.abs(residual)
    inner = jnp.minimum(size, delta)
    return (_weight(residual, level) * (size - 0.5 * inner)) * inner


def quantile_huber_dresidual(
    residual: Real, level: Real = 0.5, delta: Real = 1.0
) -> Float[Array, "..."]:
    """The residual, clipped to [-delta, delta], weighted."""
    return _weight(residual, level) * huber_dresidual(residual, delta)


def quantile_huber_dlevel(
    residual: Real, level: Real = 0.5, delta: Real = 1.0
) -> Float[Array, "..."]:
    """Huber's loss, with the sign of the residual."""
    return huber(residual, delta) * jnp.sign(residual) + 0.0 * jnp.asarray(level)


def quantile_huber_ddelta(
    residual: Real, level: Real = 0.5, delta: Real = 1.0
) -> Float[Array, "..."]:
    """By how much the size of the residual exceeds delta, weighted."""
    return _weight(residual, level) * huber_ddelta(residual, delta)


def _weighted(fn):
    return lambda residual, level, delta: _weight(residual, level) * fn(residual, delta)


def _signed(fn):
    return lambda residual, level, delta: (
        jnp.sign(residual) * fn(residual, delta) + 0.0 * jnp.asarray(level)
    )


_SECONDS = {
    ("residual", "residual"): _weighted(huber_dresidual_dresidual),
    ("residual", "level"): _signed(huber_dresidual),
    ("residual", "delta"): _weighted(huber_dresidual_ddelta),
    ("level", "level"): lambda residual, level, delta: jnp.zeros_like(level),
    ("level", "delta"): _signed(huber_ddelta),
    ("delta", "delta"): _weighted(huber_ddelta_ddelta),
}


def _rule(fn, name):
    partials = {}
    for other in ("residual", "level", "delta"):
        pair = (name, other) if (name, other) in _SECONDS else (other, name)
        partials[other] = _SECONDS[pair]
    return with_rule(fn, **partials)


_QUANTILE_HUBER = dict(
    residual=_rule(quantile_huber_dresidual, "residual"),
    level=_rule(quantile_huber_dlevel, "level"),
    delta=_rule(quantile_huber_ddelta, "delta"),
)
quantile_huber = with_rule(_quantile_huber, **_QUANTILE_HUBER)


def _quantile_huber_prox(step: Real, residual: Real, level: Real, delta: Real):
    """The residual less the step times its slope there, which is weighted and clipped."""
    weight = _weight(residual, level)
    residual, delta = jnp.asarray(residual), jnp.asarray(delta)
    return residual - step * (weight * jnp.clip(residual / (1 + step * weight), -delta, delta))


QUANTILE_HUBER = Formula(
    fn=quantile_huber,
    plain=_quantile_huber,
    domain=dict(residual=REAL, level=OPEN_UNIT, delta=POSITIVE),
    partials=_QUANTILE_HUBER,
    seconds=_SECONDS,
    breaks=(
        Break(lambda residual, level, delta: residual, order=2, arguments=("residual",)),
        Break(lambda residual, level, delta: jnp.abs(residual) - delta, order=2),
    ),
    facts=(
        Convex("residual"),
        Convex("level"),
        Lipschitz("residual", lambda residual, level, delta: delta * jnp.maximum(level, 1 - level)),
        Smooth("residual", lambda residual, level, delta: jnp.maximum(level, 1 - level)),
        Lipschitz("level", lambda residual, level, delta: huber(residual, delta)),
        Smooth("level", 0.0),
        Concave("delta"),
        Lipschitz(
            "delta", lambda residual, level, delta: _weight(residual, level) * jnp.abs(residual)
        ),
        Smooth("delta", lambda residual, level, delta: _weight(residual, level)),
        Minimizer("residual", 0.0),
        Conjugate(
            "residual",
            fn=lambda residual, level, delta: between(
                residual * (residual / _weight(residual, level) / 2),
                residual,
                (level - 1) * delta,
                level * delta,
            ),
        ),
        Prox("residual", fn=_quantile_huber_prox),
    ),
    tex=r"\ell_{\tau, \delta}(r) = |\tau - \mathbf{1}_{r < 0}|\, \ell_\delta(r),"
    r" \quad \ell_\delta \text{ Huber's}",
    source=Source("dabney2018quantile", "eq. 10"),
    topic="P14",
)

ASYMMETRIC = (EXPECTILE, QUANTILE_HUBER)
