r"""Poisson variables by inversion, many at once and none waiting for another.

Each is the quantile of a uniform variable that is known by its smaller side u and by which side
that is. Below a rate of four it is the count of tails $\Pr(X \ge k)$ that lie above u: a table of
fixed depth, formed from far out to here so that small tails have all their digits. From there on
it is the whole part of the expansion of Cornish and Fisher in the normal quantile, whose error is
bounded; where that leaves two numbers, in one of fifty draws at most, the distribution function
decides.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from jaxmath.distributions.steps import first_whole
from jaxmath.special import tails
from jaxmath.special.incomplete_gamma import tail_of
from jaxmath.special.normal_tail import ndtri
from jaxmath.typing import PRNGKey

FEW = 4.0
"""Below this rate tails are counted."""
DEPTH = 32
"""Of the table: beyond lies less than 2e-18 of the mass."""
FAR = 4.0
"""The normal quantile up to which the bound of the expansion holds."""
SPARE = 64
"""One in so many is decided at once; more take turns."""


def sided_uniform(key: PRNGKey, shape: tuple[int, ...], dtype) -> tuple[Array, Array]:
    """The distance, at most a half, of a uniform variable from its nearer end, and if that is 1.

    Its grid is as fine as there are bits, and no distance is zero.
    """
    bits = jax.random.bits(key, shape, jnp.uint64 if dtype == jnp.float64 else jnp.uint32)
    upper = (bits & 1) == 1
    if dtype == jnp.float64:
        one = np.array(1.0).view(np.uint64)
        unit = jax.lax.bitcast_convert_type((bits >> 12) | one, jnp.float64)
        return (unit - (1 - 2.0**-53)) / 2, upper
    return ((bits >> 1).astype(jnp.float32) + 0.5) * 2.0**-32, upper


def _counted(u, upper, rate):
    """For rates below `FEW`."""
    # The tail from k on is the probability of k times h, with h = 1 + rate / (k + 1) h'.
    sums = [1 / (1 - rate / (DEPTH + 1))]
    for k in range(DEPTH, 1, -1):
        sums.append(1 + rate / k * sums[-1])
    chance = jnp.where(upper, u, 1 - u)
    mass, count = jnp.exp(-rate), jnp.zeros(u.shape, rate.dtype)
    for k, total in enumerate(reversed(sums), 1):
        mass = mass * (rate / k)
        count = count + (chance < mass * total)
    return count


def _expanded(u, upper, rate):
    """For rates from `FEW` on: the number k, or -1 - k where it is a guess."""
    near = ndtri(u)
    z, root = jnp.where(upper, -near, near), jnp.sqrt(rate)
    square = jnp.square(z)
    first, second = z * (1 / 36 + square / 72), (square * (7 / 810 + square / 270) - 8 / 405)
    whole = jnp.floor(rate)
    rest = rate - whole + (root * z + (1 / 3 + square / 6) - first / root + second / rate)
    rounding = 8 * jnp.finfo(rate.dtype).eps * root * (1 + jnp.abs(z))
    bound = (0.03 + 0.015 * jnp.square(square)) / (rate * root) + rounding
    low = jnp.floor(rest - bound)
    sure = (low == jnp.floor(rest + bound)) & (square < FAR**2)
    number = jnp.maximum(whole + low, 0.0)
    return jnp.where(sure, number, -1 - number)  # of two arrays XLA would compute all twice


def _decided(guess, u, upper, rate):
    """By the distribution function, from a guess."""

    def reached(k):
        tail = tail_of(jnp.maximum(k, 0.0) + 1, rate)
        below, above = tails.side(tail, False), tails.side(tail, True)
        return jnp.where(upper, above <= u, below >= u) & (k >= 0)

    return first_whole(reached, guess, jnp.full_like(guess, jnp.inf))


def _inverted(u, upper, rate):
    """For vectors, with rates from `FEW` on."""
    count = u.size
    few = max(count // SPARE, min(count, 8))

    def decide(found):
        places = jnp.nonzero(found < 0, size=few, fill_value=count)[0]
        at = jnp.minimum(places, count - 1)
        guess = jnp.where(found[at] < 0, -1 - found[at], found[at])
        exact = _decided(guess, u[at], upper[at], rate[at])
        return found.at[places].set(exact, mode="drop")

    return jax.lax.while_loop(lambda found: jnp.any(found < 0), decide, _expanded(u, upper, rate))


def poisson_draw(key: PRNGKey, rate: Array, shape: tuple[int, ...]) -> Array:
    """One Poisson variable for each entry of an array of this shape; rates broadcast to it.

    The rates are positive and finite.
    """
    u, upper = sided_uniform(key, shape, rate.dtype)
    rate = rate.reshape(*(1 for _ in shape[rate.ndim :]), *rate.shape)  # its table stays small
    small = rate < FEW

    def invert():
        large = jnp.broadcast_to(jnp.where(small, FEW, rate), shape)
        return _inverted(u.ravel(), upper.ravel(), large.ravel()).reshape(shape)

    def count():
        return _counted(u, upper, jnp.where(small, rate, 1.0))

    def nothing():
        return jnp.zeros(shape, rate.dtype)

    few = jax.lax.cond(jnp.any(small), count, nothing)
    return jnp.where(small, few, jax.lax.cond(jnp.all(small), nothing, invert))
