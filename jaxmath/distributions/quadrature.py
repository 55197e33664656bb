r"""Expectations under any distribution of one variable, by the double exponential rule or by sums.

An integral over an interval becomes, by a substitution whose ends fall doubly exponentially, one
over the whole line that the trapezoidal rule takes to rounding error (Takahasi and Mori 1974):
$x = a + w e^{\frac\pi2 \sinh t}$ for $[a, \infty)$, $x = c + w \sinh(\frac\pi2\sinh t)$ for the
line. Singular ends and heavy tails do no harm; kinks and jumps inside do.
"""

import itertools
import math
from typing import NamedTuple, TypeAlias

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

Number: TypeAlias = Float[Array, ""] | float

STEP = 1 / 32
TERMS = 4096
"""How many terms of an endless sum are taken, at most."""


class Rule(NamedTuple):
    """Points, and the weight of each in an integral or a sum."""

    x: Array
    weight: Array


def _abscissae(dtype) -> np.ndarray:
    """Steps of t until the substitution reaches the ends of the dtype's range."""
    reach = math.asinh(2 / math.pi * 0.9 * math.log(float(jnp.finfo(dtype).max)))
    count = int(reach / STEP)
    return np.arange(-count, count + 1) * STEP


def half_line(start: Number, width: Number, sign: int, dtype) -> Rule:
    """From `start` to infinity in the direction of `sign`, on the scale of `width`."""
    t = _abscissae(dtype)
    exponent = math.pi / 2 * np.sinh(t)
    distance = width * jnp.asarray(np.exp(exponent), dtype)
    stretch = jnp.asarray(STEP * math.pi / 2 * np.cosh(t), dtype)
    return Rule(start + sign * distance, distance * stretch)


def line(centre: Number, width: Number, dtype) -> Rule:
    """All real numbers, on the scale of `width` around `centre`."""
    t = _abscissae(dtype)
    inner = math.pi / 2 * np.sinh(t)
    x = centre + width * jnp.asarray(np.sinh(inner), dtype)
    stretch = STEP * math.pi / 2 * np.cosh(t) * np.cosh(inner)
    return Rule(x, width * jnp.asarray(stretch, dtype))


def segment(low: Number, high: Number, dtype) -> Rule:
    """Between two finite ends."""
    t = _abscissae(dtype)
    decay = np.exp(-math.pi * np.sinh(np.abs(t)))
    share = decay / (1 + decay)  # of the way from the nearer end
    slope = STEP * math.pi * np.cosh(t) * decay / (1 + decay) ** 2
    near = jnp.asarray(share, dtype) * (high - low)
    x = jnp.where(jnp.asarray(t < 0), low + near, high - near)
    return Rule(x, jnp.asarray(slope, dtype) * (high - low))


def interval(low: Number, high: Number, centre: Number, width: Number, dtype) -> Rule:
    """Between two ends, each finite or Python's infinity; the mass lies near `centre`."""
    if is_infinite(low) and is_infinite(high):
        return line(centre, width, dtype)
    if is_infinite(high):
        return half_line(low, jnp.maximum(centre - low, jnp.finfo(dtype).tiny), 1, dtype)
    if is_infinite(low):
        return half_line(high, jnp.maximum(high - centre, jnp.finfo(dtype).tiny), -1, dtype)
    return segment(low, high, dtype)


def pieces(low: Number, high: Number, cuts: Array, width: Number, dtype) -> Rule:
    """The same, in pieces between ascending cuts."""
    if is_infinite(low):
        first = half_line(cuts[0], width, -1, dtype)
    else:
        first = segment(low, cuts[0], dtype)
    if is_infinite(high):
        last = half_line(cuts[-1], width, 1, dtype)
    else:
        last = segment(cuts[-1], high, dtype)
    inner = [segment(a, b, dtype) for a, b in itertools.pairwise(cuts)]
    x, weight = map(jnp.concatenate, zip(first, *inner, last, strict=True))
    order = jnp.argsort(x)
    return Rule(x[order], weight[order])


def whole_numbers(first: Number, high: Number, dtype) -> Rule:
    """The whole numbers from `first`, `TERMS` of them; those above `high` have no weight."""
    x = first + jnp.arange(TERMS, dtype=dtype)
    inside = x <= high
    return Rule(jnp.where(inside, x, first), inside.astype(dtype))


def is_infinite(end: Number) -> bool:
    """Whether an end is infinite for all parameters, which is known when the program is traced."""
    return isinstance(end, float) and math.isinf(end)
