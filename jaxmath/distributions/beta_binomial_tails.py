r"""Tails of the beta-binomial distribution: sums from the value outwards, by ratios of neighbours.

$p(k + 1) / p(k) = \frac{(n - k)(k + a)}{(k + 1)(n - k - 1 + b)}$, and the score moves by one over a
shape and a number. A sum takes as many steps as it has terms; where both shapes are one or more,
whose ratios fall, it ends with the last that counts.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxmath.special.exponential import log1mexp


class Tail(NamedTuple):
    """The smaller tail: whether it is the lower one, its logarithm and the slopes of that."""

    lower: Any
    log: Any
    a: Any
    b: Any


def smaller_tail(k, n, a, b, log_mass: Callable, in_a: Callable, in_b: Callable) -> Tail:
    """Of at most k if that lies below the mean, or of more; for whole numbers 0 <= k < n.

    Given the logarithm of a probability and its slopes, functions of successes and failures.
    """
    k, n, a, b = jnp.broadcast_arrays(k, n, a, b)
    lower = k < n * (a / (a + b))
    first = jnp.where(lower, k, k + 1)
    falling = (a >= 1) & (b >= 1)

    def step(state):
        j, term, total, move_a, move_b, sum_a, sum_b, done = state
        # Downwards the roles of successes and failures are exchanged.
        near, far = jnp.where(lower, n - j, j), jnp.where(lower, j, n - j)
        own, other = jnp.where(lower, b, a), jnp.where(lower, a, b)
        last = done | (far == 0)
        gone = jnp.where(last, 1.0, far) - 1
        ratio = (gone + 1) / (near + 1) * ((near + own) / (gone + other))
        there, back = 1 / (near + own), 1 / (gone + other)
        term = jnp.where(last, 0.0, term * ratio)
        move_a = move_a + jnp.where(lower, -back, there)
        move_b = move_b + jnp.where(lower, there, -back)
        total, sum_a, sum_b = total + term, sum_a + term * move_a, sum_b + term * move_b
        little = term < jnp.finfo(term.dtype).eps / 16 * (1 - ratio) * total
        j = jnp.where(last, j, jnp.where(lower, j - 1, j + 1))
        return j, term, total, move_a, move_b, sum_a, sum_b, last | (falling & little)

    one, zero = jnp.ones_like(a), jnp.zeros_like(a)
    start = (first, one, one, zero, zero, zero, zero, jnp.isnan(a + b + n + k))
    found = jax.lax.while_loop(lambda state: ~jnp.all(state[-1]), step, start)
    _, _, total, _, _, sum_a, sum_b, _ = found
    at = (first, n - first, a, b)
    return Tail(
        lower,
        log_mass(*at) + jnp.log(total),
        in_a(*at) + sum_a / total,
        in_b(*at) + sum_b / total,
    )


def side(tail: Tail, below: bool):
    """The probability on one side."""
    own = tail.lower if below else ~tail.lower
    return jnp.where(own, jnp.exp(tail.log), -jnp.expm1(tail.log))


def log_side(tail: Tail, below: bool):
    """Its logarithm."""
    own = tail.lower if below else ~tail.lower
    return jnp.where(own, tail.log, log1mexp(jnp.where(own, 1.0, -tail.log)))


def side_slope(tail: Tail, below: bool, name: str):
    """The slope of the probability on one side."""
    own = tail.lower if below else ~tail.lower
    return jnp.where(own, 1.0, -1.0) * jnp.exp(tail.log) * getattr(tail, name)


def log_side_slope(tail: Tail, below: bool, name: str):
    """The slope of its logarithm."""
    own, slope = tail.lower if below else ~tail.lower, getattr(tail, name)
    return jnp.where(own, slope, -slope / jnp.expm1(jnp.where(own, 1.0, -tail.log)))


def first_number(reached: Callable, n):
    """The least k in 0, 1, ..., n at which something holds that stays true, by halving."""

    def halve(state):
        low, high = state  # it does not hold at `low`, and does at `high`
        middle = jnp.floor((low + high) / 2)
        holds = reached(middle)
        open_ = high - low > 1
        return jnp.where(open_ & ~holds, middle, low), jnp.where(open_ & holds, middle, high)

    start = (jnp.full_like(n, -1.0), n)
    return jax.lax.while_loop(lambda s: jnp.any(s[1] - s[0] > 1), halve, start)[1]
