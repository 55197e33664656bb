r"""Differences of log I_0 and of the ratio of Bessel functions, which keep their digits.

Between close numbers they are integrals of the slope, $A(b) - A(a) = (b - a) \int A'$ and

$$\log\frac{I_0(b)}{I_0(a)} - (b - a)\,A(a) = (b - a)^2 \int_0^1 (1 - s)\,A'(a + s (b - a))\,ds,$$

the divergence of von Mises distributions of one direction; the rule of Gauss takes them.
"""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxmath.domains import POSITIVE
from jaxmath.formula import Bounded, Convex, Decreasing, Formula, Increasing, Source, with_rule
from jaxmath.special.bessel import (
    FAR,
    bessel_ratio,
    bessel_ratio_complement,
    bessel_ratio_dx,
    bessel_ratio_dx_dx,
    curvature_times,
    log_i0,
    log_i0e,
    log_rest,
    slope_times,
)
from jaxmath.special.logarithm import log1p_gap
from jaxmath.special.ratio import log_ratio
from jaxmath.typing import Real

_PLACES, _SIZES = np.polynomial.legendre.leggauss(12)
_RULE = [((1 + place) / 2, size / 2) for place, size in zip(_PLACES, _SIZES, strict=True)]
"""Enough between a number and its double."""


def _close(a, b):
    """Both, the second taken as the first where it isn't close; and whether it is."""
    a, b = jnp.broadcast_arrays(jnp.asarray(a), jnp.asarray(b))
    close = (b > a / 2) & (b / 2 < a)
    return a, b, jnp.where(close, b, a), close


def _bessel_ratio_difference(a: Real, b: Real) -> Float[Array, "..."]:
    """The ratio I_1 / I_0 at b > 0 less that at a > 0."""
    a, b, near, close = _close(a, b)
    step = near - a
    change = sum(slope_times(float(size) * step, a + float(s) * step) for s, size in _RULE)
    least, most = jnp.minimum(a, b), jnp.maximum(a, b)
    rests = bessel_ratio_complement(a) - bessel_ratio_complement(b)
    # Where the complement is 1 / (2a), which may underflow.
    rests = jnp.where(least > 1 / jnp.finfo(a.dtype).eps, (b - a) / most * (0.5 / least), rests)
    far = jnp.where(least < 1, bessel_ratio(b) - bessel_ratio(a), rests)
    tiny = most < jnp.finfo(a.dtype).eps / 4  # the halves might underflow alone
    return jnp.where(tiny, (b - a) / 2, jnp.where(close, change, far))


bessel_ratio_difference = with_rule(
    _bessel_ratio_difference,
    a=lambda a, b: -bessel_ratio_dx(a) + 0 * jnp.asarray(b),
    b=lambda a, b: bessel_ratio_dx(b) + 0 * jnp.asarray(a),
)


def _log_i0_divergence(a: Real, b: Real) -> Float[Array, "..."]:
    """The excess of log I_0 at b > 0 over its tangent at a > 0, in nats; never negative."""
    a, b, near, close = _close(a, b)
    step = near - a
    excess = sum(
        slope_times(float(size * (1 - s)) * step, a + float(s) * step) for s, size in _RULE
    )
    small, large = jnp.maximum(a, b) < 1, jnp.minimum(a, b) >= FAR
    plain = log_i0(b) - log_i0(a) - bessel_ratio(a) * (b - a)
    one, other = jnp.where(large, a, FAR), jnp.where(large, b, FAR)
    growth = log_rest(other) - log_rest(one) - log_ratio(other, one) / 2
    # Where the complement is 1 / (2a) and the slope 1 / (2a^2), which may underflow.
    huge = a > 1 / jnp.finfo(a.dtype).eps
    tangent = jnp.where(huge, (b - a) / a / 2, bessel_ratio_complement(a) * (b - a))
    scaled = jnp.where(large, growth, log_i0e(b) - log_i0e(a)) + tangent
    curved = jnp.where(huge, log1p_gap(step / a) / 2, step * excess)
    return jnp.where(close, curved, jnp.where(small, plain, scaled))


def _log_i0_divergence_da(a: Real, b: Real) -> Float[Array, "..."]:
    """The slope of the ratio at a times the way back."""
    return slope_times(jnp.asarray(a) - b, a)


def log_i0_divergence_da_da(a: Real, b: Real) -> Float[Array, "..."]:
    """The slope of the ratio at a, and its curvature times the way back."""
    return bessel_ratio_dx(a) + curvature_times(jnp.asarray(a) - b, a)


def log_i0_divergence_da_db(a: Real, b: Real) -> Float[Array, "..."]:
    """Minus the slope of the ratio at a."""
    return -bessel_ratio_dx(a) + 0 * jnp.asarray(b)


log_i0_divergence_da = with_rule(
    _log_i0_divergence_da, a=log_i0_divergence_da_da, b=log_i0_divergence_da_db
)
log_i0_divergence = with_rule(_log_i0_divergence, a=log_i0_divergence_da, b=bessel_ratio_difference)

HANDBOOK = "abramowitz1964handbook"
_DOMAIN = dict(a=POSITIVE, b=POSITIVE)

BESSEL_DIVERGENCE = (
    Formula(
        fn=bessel_ratio_difference,
        plain=_bessel_ratio_difference,
        domain=_DOMAIN,
        partials=dict(
            a=lambda a, b: -bessel_ratio_dx(a) + 0 * b, b=lambda a, b: bessel_ratio_dx(b) + 0 * a
        ),
        seconds={
            ("a", "a"): lambda a, b: -bessel_ratio_dx_dx(a) + 0 * b,
            ("a", "b"): lambda a, b: 0 * a * b,
            ("b", "b"): lambda a, b: bessel_ratio_dx_dx(b) + 0 * a,
        },
        facts=(Decreasing("a"), Increasing("b"), Bounded("b", -1.0, 1.0)),
        tex=r"\frac{I_1(b)}{I_0(b)} - \frac{I_1(a)}{I_0(a)}",
        source=Source(HANDBOOK, "9.6.26"),
        topic="P10",
    ),
    Formula(
        fn=log_i0_divergence,
        plain=_log_i0_divergence,
        domain=_DOMAIN,
        partials=dict(a=log_i0_divergence_da, b=bessel_ratio_difference),
        seconds={
            ("a", "a"): log_i0_divergence_da_da,
            ("a", "b"): log_i0_divergence_da_db,
            ("b", "b"): lambda a, b: bessel_ratio_dx(b) + 0 * a,
        },
        facts=(Convex("b"), Bounded("b", 0.0)),
        tex=r"\log\frac{I_0(b)}{I_0(a)} - (b - a)\,\frac{I_1(a)}{I_0(a)}",
        source=Source(HANDBOOK, "9.6.26"),
        topic="P10",
    ),
)
