r"""Divergences of two members of a scale family, as functions of the ratio of both scales.

Wherever a family's divergence contains $r - 1 - \log r$ for a ratio r, or its generalisation of
another order, it is formed from r - 1 to all digits, so that it keeps them where both are close.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.special.logarithm import log1p, log1p_gap, log1p_gap_ratio
from jaxmath.special.ratio import log_ratio, relative_excess
from jaxmath.typing import Real


def ratio_gap(a: Real, b: Real) -> Float[Array, "..."]:
    r"""The amount $r - 1 - \log r$ with r = a / b, for a, b > 0; never negative."""
    a, b = jnp.asarray(a), jnp.asarray(b)
    excess = relative_excess(a, b)
    little = excess < -0.5
    far = excess - log_ratio(jnp.where(little, a, 1.0), jnp.where(little, b, 1.0))
    return jnp.where(little, far, log1p_gap(jnp.where(little, 0.0, excess)))


def rates_gap(a: Real, b: Real) -> Float[Array, "..."]:
    """The difference 1 / b - 1 / a for a, b > 0, whose digits survive where both are close."""
    a, b = jnp.asarray(a), jnp.asarray(b)
    more = a > b
    larger, smaller = jnp.where(more, a, b), jnp.where(more, b, a)
    gap = relative_excess(smaller, larger) * (1 / smaller)  # XLA would join two divisions
    return jnp.where(more, -gap, gap)


def overlap_gap(a: Real, b: Real) -> Float[Array, "..."]:
    r"""One minus the ratio $2\sqrt{ab} / (a + b)$ of both means, for a, b > 0.

    With t the logarithm of a / b it is $\tanh(t/2) \tanh(t/4)$.
    """
    t = log_ratio(a, b)
    return jnp.tanh(t / 2) * jnp.tanh(t / 4)


def ratio_renyi(order: Real, a: Real, b: Real) -> Float[Array, "..."]:
    r"""The divergence of order alpha of exponential distributions with rates a and b.

    $-\log r + \log(1 + c (r - 1)) / c$ with r = b / a and c = 1 - alpha, of order one
    $r - 1 - \log r$; infinite where the argument of the second logarithm isn't positive. Below one
    half it is that of the order c with both exchanged, times alpha / c.
    """
    a, b = jnp.asarray(a), jnp.asarray(b)
    return excess_renyi(order, relative_excess(b, a), relative_excess(a, b))


def excess_renyi(order: Real, excess: Real, back: Real) -> Float[Array, "..."]:
    """The same of a ratio given by its excess over one, and by that of its reciprocal."""
    order = jnp.asarray(order)
    swap = order < 0.5
    c = jnp.where(swap, order, 1 - order)
    value = _ordered_renyi(c, jnp.where(swap, back, excess), jnp.where(swap, excess, back))
    return value * jnp.where(swap, order / (1 - jnp.where(swap, order, 0.0)), 1.0)


def _ordered_renyi(c, w, back):
    """With c = 1 - alpha at most one half."""
    inside = ~(1 + c * w <= 0)  # also of NaN, which stays
    w, back = jnp.where(inside, w, 0.0), jnp.where(inside, back, 0.0)
    near = jnp.abs(w) < 0.5
    close = jnp.where(near, w, 0.0)
    # Both gaps are taken off the same tangent.
    small = log1p_gap(close) - c * jnp.square(close) * log1p_gap_ratio(c * close)
    far = jnp.where(near, 1.0, w)
    some = jnp.where(c == 0, 1.0, c)
    growth = jnp.where(c == 0, far, log1p(some * far) / some)
    large = growth + jnp.where(w > 0, -log1p(far), log1p(jnp.where(near, 1.0, back)))
    return jnp.where(inside, jnp.where(near, small, large), jnp.inf)
