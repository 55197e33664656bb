"""Two numbers of nearly the same size: their difference in units of one, and their ratio's log."""

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.formula import with_rule
from jaxmath.special.logarithm import log1p_or_log
from jaxmath.typing import Real


def safe_unit(size: Real) -> Float[Array, "..."]:
    """A power of two: times it, numbers up to `size` subtract without overflow or underflow.

    One, but for numbers near either end of the dtype's range: differences below its smallest
    normal number are taken as zero by XLA.
    """
    size = jnp.asarray(size)
    info = jnp.finfo(size.dtype)
    tiny = size < info.tiny * 2**24 / info.eps
    return jnp.where(size > info.max / 4, 0.5, jnp.where(tiny, 2.0**24 / info.eps, 1.0))


def _quotient(x: Real, y: Real) -> Float[Array, "..."]:
    """The ratio x / y, whose slope in y does not form the square of y."""
    return jnp.asarray(x) / jnp.asarray(y)


def _quotient_dy(x, y):
    once = quotient(x, y)
    # Of (x / y) / y alone XLA makes x / (y y), which overflows.
    return -quotient(jnp.where(jnp.isnan(y), y, once), y)


quotient = with_rule(_quotient, x=lambda x, y: 1 / y + 0.0 * x, y=_quotient_dy)


def balanced_product(one: Real, two: Real, factor: Real) -> Float[Array, "..."]:
    """The product of two numbers and a factor, of the two the smaller first if that is large.

    So neither product leaves the dtype where the result does not.
    """
    one, two, factor = (jnp.asarray(part) for part in (one, two, factor))
    less, more = jnp.abs(one) < jnp.abs(two), jnp.abs(two) < jnp.abs(one)
    begin = jnp.where(jnp.abs(factor) > 1, less, more)
    return jnp.where(begin, one * factor * two, two * factor * one)


def two_difference(x: Real, y: Real) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
    """The difference of two numbers, and what rounding took from it (Knuth); NaN if infinite."""
    x, y = jnp.asarray(x), jnp.asarray(y)
    gap = x - y
    back = gap - x
    return gap, (x - (gap - back)) - (y + back)


def sum_of_products(*pairs: tuple[Real, Real]) -> Float[Array, "..."]:
    """The sum of products x y, as if rounded once, however they cancel."""
    parts = []
    for x, y in pairs:
        info = jnp.finfo(jnp.result_type(x, y))
        # Halves of so few bits have exact products, which XLA may join to a sum without harm.
        bits = (info.nmant - 1) // 2
        high, high_y = (jax.lax.reduce_precision(1.0 * z, info.nexp, bits) for z in (x, y))
        low, low_y = x - high, y - high_y
        parts.append((high * high_y, high * low_y, low * high_y, low * low_y))
    first, *rest = (part for same in zip(*parts, strict=True) for part in same)
    total, lost = first, 0.0 * first
    for part in rest:
        total, left = two_difference(total, -part)
        lost = lost + left
    return total + lost


def sum_in_pairs(parts: Float[Array, " n"]) -> Float[Array, ""]:
    """The sum of the entries of a vector, as if rounded once, however they cancel."""
    total, lost = parts, jnp.zeros_like(parts)
    while total.size > 1:
        total, lost = (jnp.pad(part, (0, part.size % 2)) for part in (total, lost))
        half = total.size // 2
        total, left = two_difference(total[:half], -total[half:])
        lost = lost[:half] + lost[half:] + left
    return total[0] + lost[0]


def dot(x: Float[Array, " n"], y: Float[Array, " n"], more: Float[Array, " m"]) -> Float[Array, ""]:
    """The sum of the products of two vectors and of more numbers, as if rounded once."""

    def halved(z):
        far = z * (2.0 ** ((jnp.finfo(z.dtype).nmant + 2) // 2) + 1)
        high = far - (far - z)
        return high, z - high

    (high, low), (high_y, low_y) = halved(x), halved(y)  # whose products are exact
    return sum_in_pairs(
        jnp.concatenate([high * high_y, high * low_y, low * high_y, low * low_y, more])
    )


def _relative_excess(x: Real, y: Real) -> Float[Array, "..."]:
    """The excess of x over y, relative to y, for y > 0."""
    x, y = jnp.asarray(x), jnp.asarray(y)
    unit = safe_unit(jnp.maximum(x, y))
    return (x * unit - y * unit) / (y * unit)


relative_excess = with_rule(_relative_excess, x=lambda x, y: 1 / y + 0.0 * x, y=_quotient_dy)


def _in_reach(x, y):
    """Both times such powers of two that their quotient is a number, and what its logarithm lacks.

    Zeros and infinities stay as they are.
    """
    half = 2.0 ** (jnp.finfo(jnp.result_type(x, y)).maxexp // 2)
    large, small = (x >= y * half) & (y > 0), (y >= x * half) & (x > 0)
    up = jnp.where(large, 1 / half, jnp.where(small, half, 1.0))
    down = jnp.where(large, half, jnp.where(small, 1 / half, 1.0))
    shift = 2 * math.log(half)
    return x * up, y * down, jnp.where(large, shift, jnp.where(small, -shift, 0.0))


def far_log_ratio(x: Real, y: Real) -> Float[Array, "..."]:
    """The logarithm of x / y where x is not close to y; the quotient may leave the dtype."""
    x, y, shift = _in_reach(jnp.asarray(x), jnp.asarray(y))
    return jnp.log(x / y) + shift


def _log_ratio(x: Real, y: Real) -> Float[Array, "..."]:
    """The logarithm of x / y, whose digits survive where x is close to y."""
    x, y = jnp.asarray(x), jnp.asarray(y)
    close = jnp.abs(x - y) < y / 2
    unit = safe_unit(jnp.maximum(x, y))
    far_x, far_y, shift = _in_reach(x, y)
    gap = x * unit - y * unit
    quotient = jnp.where(close, gap, far_x) / jnp.where(close, y * unit, far_y)
    return log1p_or_log(close, quotient, quotient) + shift


log_ratio = with_rule(_log_ratio, x=lambda x, y: 1 / x + 0.0 * y, y=lambda x, y: -1 / y + 0.0 * x)
