r"""One tail of the beta distribution, to all digits.

It is computed as an exponential times a factor of ordinary size; the other tail is what it lacks to
one. With m the smaller of both parameters there are four ways, each of a fixed depth, so that a
loop over many entries never waits for the slowest:

- near the transition, for m >= 60, the normal distribution and S from `beta_transition`;
- elsewhere the continued fraction of Didonato and Morris, begun at its far end by the number that
  solves it there, which is worth half its terms: for m >= 1 on the side of m up to a standard
  deviation beyond the mean, on the other side from there on;
- for m < 1 the same fraction, on the side of the larger parameter,
- but at the end that belongs to m the series of $1 - a B(a, b) I_x / x^a$, which gives both tails.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array

from jaxmath.formula import with_rule
from jaxmath.special.beta_transition import LEAST, NEAR, transition
from jaxmath.special.gamma import (
    gammaln_excess,
    log_gamma_share,
    stirling_error,
    stirling_error_from_one,
)
from jaxmath.special.incomplete_gamma import ROOT_TAU
from jaxmath.special.logarithm import (
    log1p,
    log1p_gap_ratio,
    log1p_gap_series,
    log1p_or_log,
    near_zero,
)
from jaxmath.special.loops import if_any, loop
from jaxmath.special.normal_tail import mills_ratio
from jaxmath.special.tails import Tail

DEPTH = 28
"""Of the continued fraction and of the series."""
END = 15.0
"""The series serves at x < 3 / (b + END)."""


def _fraction(a, b, x, y, lead, *, rolled):
    """The ratio of I_x(a, b) to x^a y^b / B(a, b), with lead = a y - b x."""

    def above(n, here):  # numerator n + 1
        return ((a + (n - 1)) * here) * ((a + b + (n - 1)) * here * x) * (n * (b - n) * x)

    def below(n, here, after):
        return n + n * ((b - n) * here) * x + (a + n) * after * (lead + (1 + n * (1 + y)))

    def step(carry, n):
        numerator, value, after = carry
        here = 1 / (a + (2 * n - 1))
        return above(n, here), below(n, here, after) + numerator / value, here

    last = DEPTH
    after, here = 1 / (a + (2 * last + 1)), 1 / (a + (2 * last - 1))
    far, denominator = above(last + 1, after), below(last, here, after)
    # What solves value = denominator + far / value; the bound keeps the slope of the root finite.
    root = jnp.sqrt(jnp.maximum(jnp.square(denominator) + 4 * far, 1e-30))
    start = above(last, here), (denominator + root) / 2, here
    terms = [(float(n),) for n in range(last - 1, 0, -1)]
    numerator, value, after = loop(step, start, terms, rolled=rolled)
    return 1 / (a * after * (lead + 1) + numerator / value)


def _missing(a, b, x, *, rolled):
    """By how much I_x(a, b) falls short of x^a / (a B(a, b)), relative to that."""

    def step(carry, k, share):
        numerator, denominator = carry
        factor = 1 + a * share
        numerator = (k - b) * x * share * (denominator * share + factor * numerator)
        return numerator, factor * denominator

    terms = [(float(k), 1 / k) for k in range(DEPTH, 0, -1)]
    start = jnp.zeros_like(x), jnp.ones_like(x)
    numerator, denominator = loop(step, start, terms, rolled=rolled)
    return -a * numerator / denominator


def log_share(x, more, *, rolled):
    """The logarithm of x (1 + more), whose slopes, taken of the loop rolled up, do not overflow."""
    ratio = x * (1 + more)
    if not rolled:
        return jnp.log(ratio)
    tiny = ratio < jnp.finfo(ratio.dtype).tiny ** 0.25
    apart = jnp.log(jnp.where(tiny, x, 1.0)) + jnp.log1p(more)
    return jnp.where(tiny, apart, jnp.log(jnp.where(tiny, 1.0, ratio)))


def _gap(excess, x, more, *, rolled):
    """The gap ratio - 1 - log(ratio) of x (1 + more), given the excess ratio - 1 as well."""
    near = near_zero(excess)
    small = jnp.where(near, excess, 0.0)
    close = jnp.square(small) * log1p_gap_series(small)
    place, rest = jnp.where(near, 1.0, x), jnp.where(near, 0.0, more)
    return jnp.where(near, close, excess - log_share(place, rest, rolled=rolled))


class _Part(NamedTuple):
    """What both ends are made of: a parameter of each, and the place, seen from the first."""

    a: Array
    b: Array
    x: Array
    y: Array

    def turned(self, turn) -> "_Part":
        """Seen from the other end where `turn`."""
        a, b, x, y = self
        pairs = ((a, b), (b, a), (x, y), (y, x))
        return _Part(*(jnp.where(turn, other, own) for own, other in pairs))


def _deviation(ratio, excess):
    """How far x lies from its mean, as the y of `beta_transition`."""
    close = jnp.clip(excess, -0.9, 9.0)
    curvature = log1p_gap_ratio(close) + ratio * log1p_gap_ratio(-ratio * close)
    return excess * jnp.sqrt(2 * curvature)


def _excess(part: _Part):
    """By how much x lies above its mean, relative to the mean."""
    return part.b / part.a * part.x - part.y


def _errors(a, b, rolled):
    """What Stirling's formula leaves of the logarithm of the beta function, for a, b >= 1."""
    error = stirling_error if rolled else stirling_error_from_one
    return error(a) + error(b) - error(a + b)


def _centre(a, b, x, y, *, rolled):
    """For m >= 60: the deviation, and near the transition the exponent, the factor, the rate.

    A deviation of `NEAR` stands for all that are as large.
    """
    part = _Part(a, b, x, y).turned(a > b)
    many = part.a >= LEAST
    m, large = jnp.where(many, part.a, LEAST), jnp.where(many, part.b, LEAST)
    ratio, root, error = m / large, jnp.sqrt(m), _errors(m, large, rolled)
    deviation = _deviation(ratio, jnp.where(many, _excess(part), 0.0))
    deviation = jnp.where(many & (jnp.abs(deviation) < NEAR), deviation, NEAR)
    sign = jnp.where(deviation < 0, -1.0, 1.0)
    leftover = transition(m, ratio, deviation, error, rolled=rolled) * jnp.sqrt(1 / m)
    factor = (mills_ratio(sign * deviation * root) - sign * leftover) / ROOT_TAU
    rate = jnp.sqrt(m / (1 + ratio)) / ROOT_TAU * jnp.exp(-error)
    return deviation, -m * jnp.square(deviation) / 2, factor, rate


def _at_end(a, b, x, y):
    """Whether, for m < 1, the series serves at the end of x or of y."""
    return (a < 1) & (x * (b + END) < 3), (b < 1) & (y * (a + END) < 3)


_log_product = with_rule(
    lambda x, y: jnp.log(x * y), x=lambda x, y: 1 / x + 0.0 * y, y=lambda x, y: 1 / y + 0.0 * x
)
"""Of a tiny number and another one, whose slopes do not pass through the square of the tiny one."""


def _small(a, b, x, y, *, rolled):
    """For m < 1: the exponent and the rate, of the series or of the fraction."""
    end_x, end_y = _at_end(a, b, x, y)
    end = end_x | end_y
    swapped = a > b
    turn = jnp.where(end, ~end_x, swapped)
    small = jnp.minimum(a, b) < 1
    a, b = (jnp.where(small, part, 0.5) for part in (a, b))
    one, other, near, far = _Part(a, b, x, y).turned(turn)
    near, far = jnp.where(small, near, 0.25), jnp.where(small, far, 0.75)
    # The logarithm of one B(one, other) is made once of numbers, for all places. Where the other
    # is large a power of the sum is taken out of it, which is large where the place is tiny.
    less, more = jnp.where(swapped, b, a), jnp.where(swapped, a, b)
    both = more < 1
    lifted = jnp.where(both, more + 1, more)
    sum_ = lifted + less
    log_beta = less * log_gamma_share(less) - gammaln_excess(lifted, less)
    low, high = jnp.where(both, a, 1.0), jnp.where(both, b, 1.0)
    shift = jnp.where(turn, log1p(high / low), log1p(low / high)) - less * jnp.log(sum_)
    log_beta = log_beta + jnp.where(both, shift, 0.0)
    power = _log_product(near, jnp.where(both, 1.0, sum_))
    missing = log1p(-_missing(one, other, jnp.where(end, near, 0.0), rolled=rolled))
    beyond = other * log1p_or_log(near < 0.5, -near, far)
    level = one * power - log_beta + jnp.where(end, missing, beyond)
    return level, one * jnp.exp(jnp.where(end, beyond - missing, 0.0))


@functools.partial(jax.jit, static_argnames="rolled")  # slopes trace it often
def tail_and_ratio(a, b, x, y, *, rolled: bool):
    """One tail at x = 1 - y, and its ratio to the height x^a y^b / B(a, b)."""
    part, low_first = _Part(a, b, x, y), a <= b
    small, many = jnp.minimum(a, b) < 1, jnp.minimum(a, b) >= LEAST
    centre, ends = (functools.partial(fn, rolled=rolled) for fn in (_centre, _small))
    deviation, middle, factor, centre_rate = if_any(many, centre, *part, rolled=rolled)
    level, small_rate = if_any(small, ends, *part, rolled=rolled)
    around = many & (deviation < NEAR)
    end_x, end_y = _at_end(*part)
    end = end_x | end_y

    # From the side of m for m >= 1, away from the transition.
    seen = part.turned(~low_first)
    m, large = jnp.where(small, 1.0, seen.a), jnp.where(small, 1.0, seen.b)
    ratio, excess = m / large, _excess(_Part(m, large, seen.x, seen.y))
    gap = functools.partial(_gap, rolled=rolled)
    far = m * gap(excess, seen.x, large / m) + large * gap(-ratio * excess, seen.y, ratio)
    own = excess * jnp.sqrt(m * (1 + ratio)) < 1
    exponent = jnp.where(small, level, jnp.where(around, middle, -far - _errors(m, large, rolled)))
    rate = jnp.sqrt(m / (1 + ratio)) / ROOT_TAU
    rate = jnp.where(small, small_rate, jnp.where(around, centre_rate, rate))

    first = jnp.where(small, ~low_first, own == low_first)
    idle = end | around
    a, b, x, y = (
        jnp.where(idle, rest, given)
        for rest, given in zip((2.0, 2.0, 0.25, 0.75), part.turned(~first), strict=True)
    )
    fraction = _fraction(a, b, x, y, a * y - b * x, rolled=rolled)
    factor = jnp.where(end, 1.0, jnp.where(around, factor, rate * fraction))
    below = jnp.where(end, end_x, jnp.where(around, (deviation < 0) == low_first, first))
    ratio = jnp.where(idle, factor / rate, fraction)
    return Tail(exponent, factor, rate, below, end), ratio


def tail_of(a, b, x, y, *, rolled: bool = False) -> Tail:
    """One tail at x = 1 - y; the rate is that of the density times x y."""
    return tail_and_ratio(a, b, x, y, rolled=rolled)[0]


def in_log_odds(place):
    """The tail that is computed, and the slope of its logarithm in that of the odds x / y."""
    tail, ratio = tail_and_ratio(*place, rolled=True)
    return tail, jnp.where(tail.lower, 1 / ratio, -1 / ratio)


def _changes(place, way):
    """The tail that is computed, and how its exponent and the ratio's logarithm move on a way."""
    of_place = functools.partial(tail_and_ratio, rolled=True)
    (tail, ratio), (move, change) = jax.jvp(of_place, tuple(place), tuple(way))
    return tail, move.exponent, change / ratio


def ratio_along(place, way):
    """How the ratio's logarithm moves along a way."""
    return _changes(place, way)[2]


def ratio_in_x(place):
    """The slope in x of the ratio's logarithm."""
    one, none = jnp.ones_like(place[2]), jnp.zeros_like(place[2])
    return ratio_along(place, (none, none, one, -one))


def moved_logarithm(place, way, height):
    """The tail that is computed, and how its logarithm and that of the ratio move along a way.

    The logarithm of the height moves by `height`: the rest is small, so that no large terms cancel.
    """
    tail, in_exponent, in_ratio = _changes(place, way)
    return tail, jnp.where(tail.both, in_exponent, height + in_ratio), in_ratio
