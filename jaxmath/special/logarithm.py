r"""The logarithm of one plus x: to the last digits, and what is left of x when it is taken away."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.domains import Interval
from jaxmath.formula import Concave, Convex, Formula, Increasing, Source, with_rule
from jaxmath.typing import Real

ABOVE_MINUS_ONE = Interval(-1.0)


def log1p_or_log(near, x, other):
    """The logarithm of 1 + x, for x > -1, where `near`, and of another number elsewhere.

    One logarithm, and what the rounding of 1 + x left out, is right everywhere.
    """
    # Of a product a compiler may round 1 + x once here and twice there, but not of a choice.
    some, one = jnp.where(near, x, 0.0), jnp.where(near, 1.0, other)
    total = one + some
    left = (some - (total - one)) / total  # with one everywhere XLA would make (1 + x) - 1 = x
    return jnp.log(total) + jnp.where(near, left, 0.0)


def _log1p(x: Real) -> Float[Array, "..."]:
    """The logarithm of 1 + x; minus infinity at -1, NaN below.

    XLA's own loses up to 120 units in the last place between -0.414 and -0.293 in float64, because
    its series is used beyond the range that it was made for.
    """
    x = jnp.asarray(x)
    inside = (x > -1) & (x < jnp.inf)
    limit = jnp.where(x == -1, -jnp.inf, jnp.where(x < -1, jnp.nan, x))
    # The sign of zero as well.
    return jnp.where(inside & (x != 0), log1p_or_log(inside, x, 2.0), limit)


def log1p_dx(x: Real) -> Float[Array, "..."]:
    """One over 1 + x."""
    return 1 / (1 + jnp.asarray(x))


log1p = with_rule(_log1p, x=log1p_dx)

LOG1P = Formula(
    fn=log1p,
    plain=_log1p,
    domain=dict(x=ABOVE_MINUS_ONE),
    partials=dict(x=log1p_dx),
    seconds={("x", "x"): lambda x: -1 / jnp.square(1 + x)},
    facts=(Concave("x"), Increasing("x")),
    tex=r"\log(1 + x)",
    source=Source("abramowitz1964handbook", "4.1.24"),
    topic="P19",
)


def near_zero(x):
    """Where `log1p_gap_series` has all digits."""
    return (x > -0.35) & (x < 0.6)


def log1p_gap_series(x: Real) -> Float[Array, "..."]:
    r"""The ratio of x - log(1 + x) to the square of x, near zero.

    With $s = x / (2 + x)$ and so $\log(1 + x) = 2 \operatorname{artanh} s$ the gap is
    $sx - 2(s^3/3 + s^5/5 + \dots)$, whose first term is half the square of x.
    """
    x = jnp.asarray(x)
    s = x / (2 + x)
    square = jnp.square(s)
    series = jnp.zeros_like(s)
    for power in range(27, 1, -2):  # |s| < 0.24: what is left out is below 1e-17 of the sum
        series = series * square + 2 / power
    return (1 - s / (2 + x) * series) / (2 + x)


def _log1p_gap(x: Real) -> Float[Array, "..."]:
    """The amount x - log(1 + x) by which the logarithm lies below its tangent at zero."""
    x = jnp.asarray(x)
    small = near_zero(x)
    near, far = jnp.where(small, x, 0.0), jnp.where(small, 1.0, x)
    return jnp.where(
        small,
        near * (near * log1p_gap_series(near)),
        far - log1p(jnp.minimum(far, jnp.finfo(far.dtype).max)),
    )


def log1p_gap_ratio(x: Real) -> Float[Array, "..."]:
    """The ratio of x - log(1 + x) to the square of x, a half at zero."""
    x = jnp.asarray(x)
    small = near_zero(x)
    near, far = jnp.where(small, x, 0.0), jnp.where(small, 1.0, x)
    return jnp.where(small, log1p_gap_series(near), (far - log1p(far)) / jnp.square(far))


def _log1p_gap_dx(x: Real) -> Float[Array, "..."]:
    """The ratio of x to 1 + x."""
    x = jnp.asarray(x)
    return x / (1 + x)


def log1p_gap_dx_dx(x: Real) -> Float[Array, "..."]:
    """The square of the slope of log(1 + x)."""
    return jnp.square(log1p_dx(x))


log1p_gap_dx = with_rule(_log1p_gap_dx, x=log1p_gap_dx_dx)
log1p_gap = with_rule(_log1p_gap, x=log1p_gap_dx)


def log1p_gap_near(x: Real, log: Real) -> Float[Array, "..."]:
    """The gap of x and log(1 + x), by that logarithm where x may be next to minus one."""
    x = jnp.asarray(x)
    far = x < -0.5
    return jnp.where(far, x - log, log1p_gap(jnp.where(far, 0.0, x)))


LOG1P_GAP = Formula(
    fn=log1p_gap,
    plain=_log1p_gap,
    domain=dict(x=ABOVE_MINUS_ONE),
    partials=dict(x=log1p_gap_dx),
    seconds={("x", "x"): log1p_gap_dx_dx},
    facts=(Convex("x"),),
    tex=r"x - \log(1 + x)",
    source=Source("abramowitz1964handbook", "4.1.27"),
    topic="P19",
)

LOGARITHM = (LOG1P, LOG1P_GAP)
