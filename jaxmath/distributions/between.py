r"""The logarithm of the probability between two values, from whichever side keeps its digits.

Of $F(b) - F(a)$ and $S(a) - S(b)$ the one with the smaller minuend is taken, as a difference of
logarithms where those probabilities underflow; so it is right thirty scales out on either side.
Between neighbours either difference cancels, and the density is integrated: over so narrow an
interval that ten points of Gauss and Legendre are exact to rounding.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxmath.distributions.composing import needs_numbers
from jaxmath.distributions.expectation import ends
from jaxmath.distributions.family import Family
from jaxmath.special.exponential import log1mexp
from jaxmath.special.gauss import gauss_legendre

NARROW = 1 / 8
"""An interval with less of the probability on its side of the distribution is integrated."""
_UNIT, _WEIGHT = gauss_legendre(10)


def larger(a, b):
    """The maximum; Python's where both are, so that what is infinite stays known to be."""
    if isinstance(a, float) and isinstance(b, float):
        return max(a, b)
    if isinstance(a, float) and a == -np.inf:
        return b
    if isinstance(b, float) and b == -np.inf:
        return a
    return jnp.maximum(a, b)


def smaller(a, b):
    """The minimum, likewise."""
    if isinstance(a, float) and isinstance(b, float):
        return min(a, b)
    if isinstance(a, float) and a == np.inf:
        return b
    if isinstance(b, float) and b == np.inf:
        return a
    return jnp.minimum(a, b)


def representable(probability):
    """Whether a probability, and what rounding does to it, are normal numbers."""
    return probability > jnp.finfo(probability.dtype).tiny * 2**60


def on_lower_side(family: Family, low, high, params):
    """Whether the interval has less probability below its upper end than above its lower one."""
    return family.log_cdf(high, *params) < family.log_sf(low, *params)


def _rows(count, *arrays):
    """Each array as many times over, along a new first axis."""
    return [jnp.broadcast_to(array, (count, *array.shape)) for array in arrays]


@functools.cache
def log_between(family: Family) -> Callable[..., Any]:
    """The function `(low, high, *params)` that gives log Pr(low <= x <= high).

    It is the likelihood of an observation of which only an interval is known. Minus infinity where
    nothing lies between, so for high <= low in a continuous family.

    Raises:
        ValueError: if the values or parameters of the family are not single numbers.
    """
    needs_numbers(family, "The probability of an interval")
    return jax.jit(_of_counts(family) if family.discrete else _of_densities(family))


def _sides(family, below, above, params, safe):
    """The minuend and subtrahend, themselves and as logarithms with finite slopes."""
    params = _rows(2, *params)
    pair = jnp.stack([below, above])
    log_down, log_up = (
        jax.lax.stop_gradient(fn(pair, *params)) for fn in (family.log_cdf, family.log_sf)
    )
    lower = log_down[1] < log_up[0]
    nothing = jnp.where(lower, jnp.isneginf(log_down[0]), jnp.isneginf(log_up[1]))
    lower = jnp.broadcast_to(lower, pair.shape)
    points = jnp.where(lower, pair[::-1], pair)
    a, b = jnp.where(lower, family.cdf(points, *params), family.sf(points, *params))
    points = jnp.stack([points[0], jnp.where(nothing, safe, points[1])])
    log_a, log_b = jnp.where(lower, family.log_cdf(points, *params), family.log_sf(points, *params))
    return a, b, log_a, jnp.where(nothing, -jnp.inf, log_b), nothing


def _difference(a, b, log_a, log_b, nothing):
    """The logarithm of a - b from both, or from their logarithms where they underflow."""
    plain = representable(a)
    linear = jnp.log(jnp.where(plain & (a > b), a - b, 1.0))
    gap = jnp.where(nothing | plain, 1.0, log_a - jnp.where(nothing, 0.0, log_b))
    some = gap > 0
    logs = log_a + jnp.where(nothing, 0.0, log1mexp(jnp.where(some, gap, 1.0)))
    empty = jnp.where(plain, ~(a > b), ~some)
    bad = jnp.isnan(a) | jnp.isnan(b)
    return jnp.where(bad, jnp.nan, jnp.where(empty, -jnp.inf, jnp.where(plain, linear, logs)))


def _of_densities(family):
    def value(low, high, *params):
        first, last = ends(family, params)
        low, high = (jnp.asarray(each) for each in (larger(low, first), smaller(high, last)))
        centre = jax.lax.stop_gradient(family.median(*params))
        low, high, centre, *params = jnp.broadcast_arrays(low, high, centre, *params)
        a, b, log_a, log_b, nothing = _sides(family, low, high, params, centre)
        coarse = _difference(a, b, log_a, log_b, nothing)
        close = jnp.where(representable(a), a - b < NARROW * a, log_a - log_b < NARROW)
        narrow = close & (low < high)
        for kink in (fn for each in (family.kinks, family.marks) if each for fn in each(*params)):
            narrow &= ~((low < kink) & (kink < high))
        start = jnp.where(narrow, low, centre)
        width = jnp.where(narrow, high - low, 1.0)
        starts, widths, *rest = _rows(_UNIT.size, start, width, *params)
        of_rows = (_UNIT.size, *(1 for _ in width.shape))
        unit = jnp.asarray(_UNIT, width.dtype).reshape(of_rows)
        weight = jnp.asarray(_WEIGHT, width.dtype).reshape(of_rows)
        logs = family.log_prob(starts + jnp.where(narrow[None], widths * unit, 0.0), *rest)
        top = jax.lax.stop_gradient(jnp.max(logs, axis=0, keepdims=True))
        top = jnp.where(jnp.isfinite(top), top, 0.0)
        total = jnp.sum(weight * jnp.exp(logs - top), axis=0)
        fine = jnp.log(width) + top[0] + jnp.log(jnp.where(narrow, total, 1.0))
        return jnp.where(narrow, fine, coarse)

    return value


def _of_counts(family):
    def value(low, high, *params):
        first, last = ends(family, params)
        low = jnp.ceil(jnp.asarray(larger(low, float(first) if isinstance(first, int) else first)))
        high = jnp.floor(jnp.asarray(smaller(high, float(last) if isinstance(last, int) else last)))
        low, high, *params = jnp.broadcast_arrays(low, high, *params)
        single = low == high
        safe = jnp.where(single, low + 1, high)  # two values at least
        a, b, log_a, log_b, nothing = _sides(family, low - 1, safe, params, safe)
        pair = _difference(a, b, log_a, log_b, nothing)
        one = family.log_prob(jnp.where(single, low, safe), *params)
        return jnp.where(single, one, jnp.where(low > high, -jnp.inf, pair))

    return value
