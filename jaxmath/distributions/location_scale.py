r"""What families check of parameters, and what those of location and scale share.

A function g of $z = (x - \mu) / \sigma$ alone, such as a distribution function, has three partial
derivatives and one slope: with $g_x$ in x, they are $-g_x$ in the location, $-z g_x$ in the scale.
"""

from collections.abc import Callable
from typing import TypeAlias

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.formula import with_rule
from jaxmath.typing import Real

Partial: TypeAlias = Callable[..., Array]


def positive(scale: Real) -> Float[Array, "..."]:
    """The scale itself where it is one, NaN where it isn't."""
    scale = jnp.asarray(scale)
    return scale + jnp.where(scale > 0, 0.0, jnp.nan)


def chance(p: Real) -> Float[Array, "..."]:
    """The probability itself where it is one, NaN where it isn't."""
    p = jnp.asarray(p)
    return p + jnp.where((p >= 0) & (p <= 1), 0.0, jnp.nan)


def _standardize(x: Real, loc: Real, scale: Real) -> Float[Array, "..."]:
    """The distance of x from `loc` in units of `scale`; NaN for a scale that isn't positive.

    A power of two that hangs on the scale alone, so that numbers cost little, keeps a distance
    that matters from under- or overflowing; what overflows by it is far from underflow.
    """
    x, loc, scale = jnp.asarray(x), jnp.asarray(loc), positive(scale)
    unit = jnp.where(scale < 1, 2.0**24 / jnp.finfo(scale.dtype).eps, 0.5).astype(scale.dtype)
    distance = x * unit - loc * unit
    fits = jnp.isfinite(distance)
    return jnp.where(fits, distance, x - loc) / jnp.where(fits, scale * unit, scale)


standardize = with_rule(
    _standardize,
    x=lambda x, loc, scale: 1 / positive(scale),
    loc=lambda x, loc, scale: -1 / positive(scale),
    scale=lambda x, loc, scale: -standardize(x, loc, scale) * (1 / positive(scale)),
)


def within(
    x: Real, loc: Real, scale: Real, low: float, high: float
) -> tuple[Float[Array, "..."], Float[Array, "..."], Float[Array, "..."]]:
    """The same x, loc and scale where z lies between `low` and `high`; else others at that bound.

    What is flat beyond the bound, a tail that has vanished, then has slopes of zero there to any
    order, where z itself or its slopes may be infinite and zero times them no number.
    """
    x, loc, scale = jnp.asarray(x), jnp.asarray(loc), jnp.asarray(scale)
    z = standardize(x, loc, scale)
    beyond = (z < low) | (z > high)
    bound = jnp.where(z > high, high, low).astype(z.dtype)
    return (
        jnp.where(beyond, bound, x),
        jnp.where(beyond, 0.0, loc),
        jnp.where(beyond, 1.0, scale),
    )


def along(slope: Partial, slope_times_z: Partial) -> dict[str, Partial]:
    """The partials in x, loc and scale of a function of the standardised variable.

    `slope(x, loc, scale)` is its partial in x. The other is the product of z and the slope, which
    may be a normal number where the slope isn't, and zero where z is infinite.
    """
    return dict(
        x=slope,
        loc=lambda x, loc, scale: -slope(x, loc, scale),
        scale=lambda x, loc, scale: -slope_times_z(x, loc, scale),
    )
