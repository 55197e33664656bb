r"""Poisson and binomial variables by inversion, many at once and none waiting for another.

Each is the quantile of a uniform variable that is known by its smaller side u and by which side
that is. Below a variance of four it is the count of tails $\Pr(X \ge k)$ that lie above u: a table
of fixed depth, formed from far out to here so that small tails have all their digits. From there
on it is the whole part of the expansion of Cornish and Fisher in the normal quantile z, with
Sheppard's correction for whole numbers: for a variance $s^2$, a skewness $a / s$, a kurtosis
$b / s^2$ and a fifth cumulant $a c s^2$ it is

$$\begin{aligned}
\mu &+ \tfrac12 + s z + \frac{a (z^2 - 1)}{6}
+ \frac{z}{s} \left(\frac{b (z^2 - 3)}{24} - \frac{a^2 (2 z^2 - 5)}{36} - \frac{1}{24}\right) \\
&+ \frac{a}{s^2} \left(\frac{c (z^4 - 6 z^2 + 3)}{120} - \frac{b (z^4 - 5 z^2 + 2)}{24}
+ \frac{a^2 (12 z^4 - 53 z^2 + 17)}{324} + \frac{z^2 - 1}{72}\right).
\end{aligned}$$

Its error up to |z| = 4 is below $(0.03 + 0.015 z^4) / s^3$ in both families; where that leaves two
numbers, in one of fifty draws at most, the distribution function decides.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array

from jaxmath.distributions.inversion import normal_beyond, sided, words
from jaxmath.distributions.packing import settled
from jaxmath.distributions.steps import first_whole
from jaxmath.special import incomplete_beta, incomplete_gamma, tails
from jaxmath.typing import PRNGKey

FEW = 4.0
"""Below this variance tails are counted."""
DEPTH = 32
"""Of the table: beyond lies less than 2e-18 of the mass."""
FAR = 4.0
"""The normal quantile up to which the bound of the expansion holds."""
LEFT = 128
"""One in so many is decided at once; more take turns."""


def _counted(u, upper, none, ratio):
    """Where few are expected: from the probability of 0 and the ratios of k's to that of k - 1."""
    # The tail from k on is the probability of k times h, with h = 1 + ratio(k + 1) h'.
    sums = [1 / (1 - ratio(DEPTH + 1))]
    for k in range(DEPTH, 1, -1):
        sums.append(1 + ratio(k) * sums[-1])
    chance = jnp.where(upper, u, 1 - u)
    mass, count = none, jnp.zeros(u.shape, u.dtype)
    for k, total in enumerate(reversed(sums), 1):
        mass = mass * ratio(k)
        count = count + (chance < mass * total)
    return count


def _expanded(u, upper, mean, slack, variance, a, b, c):
    """Where many are expected: the number k, or -1 - k where it is a guess.

    The mean may be wrong by the slack.
    """
    z = normal_beyond(u)
    z = jnp.where(upper, z, -z)
    s, over_s = jnp.sqrt(variance), jnp.sqrt(1 / variance)
    second = jnp.square(z)
    fourth = jnp.square(second)
    first = z * (b * (second - 3) / 24 - jnp.square(a) * (2 * second - 5) / 36 - 1 / 24)
    terms = c * (fourth - 6 * second + 3) / 120 - b * (fourth - 5 * second + 2) / 24
    terms = terms + jnp.square(a) * (12 * fourth - 53 * second + 17) / 324 + (second - 1) / 72
    whole = jnp.floor(mean)
    rest = (
        mean
        - whole
        + (s * z + (0.5 + a * (second - 1) / 6) + (first + a * terms * over_s) * over_s)
    )
    rounding = 8 * jnp.finfo(u.dtype).eps * s * (1 + jnp.abs(z)) + slack
    bound = (0.03 + 0.015 * fourth) * (over_s * jnp.square(over_s)) + rounding
    low = jnp.floor(rest - bound)
    sure = (low == jnp.floor(rest + bound)) & (second < FAR**2)
    number = jnp.maximum(whole + low, 0.0)
    return jnp.where(sure, number, -1 - number)  # of two arrays XLA would compute all twice


def _decided(guess, end, most, tail_above: Callable):
    """By the distribution function, from a guess; `tail_above(k)` has both its sides."""
    u, upper = end

    def reached(k):
        tail = tail_above(jnp.maximum(k, 0.0))
        below, above = tails.side(tail, False), tails.side(tail, True)
        return jnp.where(upper, above <= u, below >= u) & (k >= 0)

    return first_whole(reached, guess, most)


def _inverted(found, decide):
    """Decide what is a guess; `decide(guess, at)` knows the entries there."""

    def settle(turn, at, known):
        return decide(jnp.where(known < 0, -1 - known, known), at)

    return settled(found, lambda found: found < 0, settle, LEFT)


def _either(small, count, invert, shape, dtype):
    """What `count` makes of small ones and `invert` of the others, neither run for nothing."""

    def nothing():
        return jnp.zeros(shape, dtype)

    few = jax.lax.cond(jnp.any(small), count, nothing)
    return jnp.where(small, few, jax.lax.cond(jnp.all(small), nothing, invert))


def _beside(part: Array, shape: tuple[int, ...]) -> Array:
    """With as many axes as the shape, so that what is made of it alone stays small."""
    return part.reshape(*(1 for _ in shape[part.ndim :]), *part.shape)


def poisson_draw(key: PRNGKey, rate: Array, shape: tuple[int, ...]) -> Array:
    """One Poisson variable for each entry of an array of this shape; rates broadcast to it.

    The rates are positive and finite.
    """
    u, upper = sided(words(key, shape, rate.dtype))
    rate = _beside(rate, shape)
    small = rate < FEW

    def count():
        own = jnp.where(small, rate, 1.0)
        return _counted(u, upper, jnp.exp(-own), lambda k: own * (1 / k))

    def invert():
        own = jnp.where(small, FEW, rate)
        every = jnp.broadcast_to(own, shape).ravel()
        flat_u, flat_upper = u.ravel(), upper.ravel()

        def decide(guess, at):
            def above(k):
                return incomplete_gamma.tail_of(k + 1, every[at])

            most = jnp.full_like(guess, jnp.inf)
            return _decided(guess, (flat_u[at], flat_upper[at]), most, above)

        found = _expanded(u, upper, own, 0.0, own, 1.0, 1.0, 1.0)
        return _inverted(found.ravel(), decide).reshape(shape)

    return _either(small, count, invert, shape, rate.dtype)


def binomial_draw(key: PRNGKey, count: Array, chance: Array, shape: tuple[int, ...]) -> Array:
    """One binomial variable for each entry of an array of this shape; the others broadcast to it.

    The counts are whole, and the chances between 0 and 1.
    """
    u, upper = sided(words(key, shape, chance.dtype))
    n, p = _beside(count, shape), _beside(chance, shape)
    turn = p > 0.5
    p = jnp.where(turn, 1 - p, p)
    q = 1 - p
    variance = n * p * q
    small = variance < FEW

    def few():
        odds, none = p / q, jnp.exp(n * jnp.log1p(-p))
        own, none = jnp.where(small, n, 0.0), jnp.where(small, none, 1.0)
        return _counted(u, upper, none, lambda k: jnp.maximum(own - (k - 1), 0.0) * odds * (1 / k))

    def many():
        own_n, own_p = jnp.where(small, 16.0, n), jnp.where(small, 0.5, p)
        every_n, every_p = (jnp.broadcast_to(part, shape).ravel() for part in (own_n, own_p))
        flat_u, flat_upper = u.ravel(), upper.ravel()

        def decide(guess, at):
            n, p = every_n[at], every_p[at]

            def above(k):
                return incomplete_beta.tail_of(k + 1, jnp.maximum(n - k, 1.0), p, 1 - p)

            return _decided(guess, (flat_u[at], flat_upper[at]), n, above)

        both = own_p * (1 - own_p)
        mean = own_n * own_p
        shape_of = 1 - 2 * own_p, 1 - 6 * both, 1 - 12 * both
        slack = jnp.finfo(u.dtype).eps * mean
        found = _expanded(u, upper, mean, slack, own_n * both, *shape_of)
        return _inverted(jnp.minimum(found, own_n).ravel(), decide).reshape(shape)

    draws = _either(small, few, many, shape, chance.dtype)
    return jnp.where(turn, n - draws, draws)
