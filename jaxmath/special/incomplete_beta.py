r"""The regularised incomplete beta function: both tails and their logarithms, to all digits.

One tail is computed, as an exponential times a factor of ordinary size; the other is what it lacks
to one. With m the smaller of both parameters there are four ways, each of a fixed depth, so that a
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

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.domains import OPEN_UNIT
from jaxmath.formula import Bounded, Decreasing, Formula, Increasing, Source, with_rule
from jaxmath.special import tails
from jaxmath.special.beta_transition import LEAST, NEAR, transition
from jaxmath.special.gamma import (
    digamma_difference,
    gammaln_difference,
    log_gamma_share,
    stirling_error,
    stirling_error_dx,
    stirling_error_from_one,
)
from jaxmath.special.incomplete_gamma import ROOT_TAU, SHAPE
from jaxmath.special.logarithm import log1p, log1p_gap_ratio, log1p_gap_series, near_zero
from jaxmath.special.loops import if_any, loop
from jaxmath.special.normal_tail import mills_ratio
from jaxmath.special.partials import along, minus
from jaxmath.special.tails import Tail
from jaxmath.typing import Real

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


def _gap(excess, ratio):
    """The gap ratio - 1 - log(ratio), given the excess ratio - 1 as well."""
    near = near_zero(excess)
    small = jnp.where(near, excess, 0.0)
    close = jnp.square(small) * log1p_gap_series(small)
    return jnp.where(near, close, excess - jnp.log(jnp.where(near, 1.0, ratio)))


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


def _small(a, b, x, y, *, rolled):
    """For m < 1: the exponent and the rate, of the series or of the fraction."""
    end_x, end_y = _at_end(a, b, x, y)
    end = end_x | end_y
    part = _Part(a, b, x, y).turned(jnp.where(end, ~end_x, a > b))
    small = jnp.minimum(a, b) < 1
    one, other, near, far = (
        jnp.where(small, own, rest) for own, rest in zip(part, (0.5, 0.5, 0.25, 0.75), strict=True)
    )
    log_near = jnp.where(near < 0.5, jnp.log(near), log1p(-far))
    log_far = jnp.where(near < 0.5, log1p(-near), jnp.log(far))
    log_beta = one * log_gamma_share(one) - gammaln_difference(other, one)  # of one B(one, other)
    missing = log1p(-_missing(one, other, jnp.where(end, near, 0.0), rolled=rolled))
    beyond = other * log_far
    level = one * log_near - log_beta + jnp.where(end, missing, beyond)
    return level, one * jnp.exp(jnp.where(end, beyond - missing, 0.0))


def tail_of(a, b, x, y, *, rolled: bool = False) -> Tail:
    """One tail at x = 1 - y; the rate is that of the density times x y."""
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
    far = m * _gap(excess, seen.x * (1 + large / m)) + large * _gap(
        -ratio * excess, seen.y * (1 + ratio)
    )
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
    outer = rate * _fraction(a, b, x, y, a * y - b * x, rolled=rolled)
    factor = jnp.where(end, 1.0, jnp.where(around, factor, outer))
    below = jnp.where(end, end_x, jnp.where(around, (deviation < 0) == low_first, first))
    return Tail(exponent, factor, rate, below, end)


def _inside(a, b, x):
    """The arguments, replaced where each is outside, and which limit to take: 0, 1 or none.

    Each for itself: what is made of numbers alone is made once for an array of places.
    """
    a, b, x = jnp.asarray(a), jnp.asarray(b), jnp.asarray(x)
    dtype = jnp.result_type(a, b, x)
    a, b, x = a.astype(dtype), b.astype(dtype), x.astype(dtype)
    right = (a > 0) & (b > 0) & (x >= 0) & (x <= 1) & ~((a == jnp.inf) & (b == jnp.inf))
    zero = right & ((x == 0) & (b < jnp.inf) | (a == jnp.inf) & (x < 1))
    one = right & ((x == 1) & (a < jnp.inf) | (b == jnp.inf) & (x > 0))
    valid = right & ~zero & ~one & (a < jnp.inf) & (b < jnp.inf)
    inner = (
        *(jnp.where((part > 0) & (part < jnp.inf), part, 2.0) for part in (a, b)),
        jnp.where((x > 0) & (x < 1), x, 0.25),
    )
    return *inner, jnp.where(zero, 0.0, jnp.where(one, 1.0, jnp.where(valid, 0.5, jnp.nan)))


def _at(a, b, x, *, rolled: bool) -> Tail:
    return tail_of(a, b, x, 1 - x, rolled=rolled)


_side, _log_side = tails.sides(_inside, _at)


def _betainc(a: Real, b: Real, x: Real) -> Float[Array, "..."]:
    r"""The regularised incomplete beta function $I_x(a, b)$, for a, b > 0 and x in [0, 1]."""
    return _side(True)(a, b, x)


def _betaincc(a: Real, b: Real, x: Real) -> Float[Array, "..."]:
    r"""The complement $1 - I_x(a, b) = I_{1-x}(b, a)$."""
    return _side(False)(a, b, x)


def _log_betainc(a: Real, b: Real, x: Real) -> Float[Array, "..."]:
    r"""The logarithm $\log I_x(a, b)$; minus infinity at x = 0."""
    return _log_side(True)(a, b, x)


def _log_betaincc(a: Real, b: Real, x: Real) -> Float[Array, "..."]:
    r"""The logarithm $\log(1 - I_x(a, b))$; minus infinity at x = 1."""
    return _log_side(False)(a, b, x)


def _betainc_dx(a: Real, b: Real, x: Real) -> Float[Array, "..."]:
    r"""The density $x^{a-1} (1 - x)^{b-1} / B(a, b)$ of the beta distribution."""
    first, second, place = (jnp.asarray(part) for part in (a, b, x))
    a, b, x, limit = _inside(a, b, x)
    y = 1 - x
    tail = tail_of(a, b, x, y)
    value = tails.times_exponential(tail, tail.rate, x, y)

    def at_end(own, other, there):
        height = jnp.where(own < 1, jnp.inf, jnp.where(own == 1, other, 0.0))
        return jnp.where(there, height, 0.0)

    at_zero, at_one = at_end(first, second, place == 0), at_end(second, first, place == 1)
    return tails.at_limits(limit, value, at_zero, at_one)


def betainc_dx_dx(a: Real, b: Real, x: Real) -> Float[Array, "..."]:
    """The slope of the density in x."""
    return betainc_dx(a, b, x) * ((a - 1) / x - (b - 1) / (1 - x))


def betainc_dx_da(a: Real, b: Real, x: Real) -> Float[Array, "..."]:
    r"""The density times $\log x - \psi(a) + \psi(a + b)$."""
    a, b, x = (jnp.asarray(part) for part in (a, b, x))
    y = 1 - x
    return betainc_dx(a, b, x) * _log_excess(a, b, x, y)


def betainc_dx_db(a: Real, b: Real, x: Real) -> Float[Array, "..."]:
    r"""The density times $\log(1 - x) - \psi(b) + \psi(a + b)$."""
    a, b, x = (jnp.asarray(part) for part in (a, b, x))
    y = 1 - x
    return betainc_dx(a, b, x) * _log_excess(b, a, y, x)


def _log_excess(a, b, x, y):
    """log(x) - digamma(a) + digamma(a + b), whose terms cancel for large a near the mean.

    From these terms or, where they are smaller, from those of another sum.
    """
    small = a < 1
    large = jnp.where(small, 1.0, a)
    log_x = jnp.where(x < 0.5, jnp.log(x), log1p(-y))
    way = digamma_difference(a, b)
    excess = b / large * (x - y * (large / b))
    far = excess < -0.5
    near = log1p(jnp.where(small | far, 0.0, excess))
    near = jnp.where(far, jnp.log(jnp.where(far, x * (1 + b / large), 1.0)), near)
    total = large + b
    ends = stirling_error_dx(total), stirling_error_dx(large)
    plain = small | (jnp.abs(log_x) + jnp.abs(way) < jnp.abs(near) + jnp.abs(ends[1]))
    return jnp.where(plain, log_x + way, near + (b / total / large / 2 + ends[0] - ends[1]))


betainc_dx = with_rule(_betainc_dx, a=betainc_dx_da, b=betainc_dx_db, x=betainc_dx_dx)


def _log_slope(lower: bool):
    """The slope in x of the logarithm of one tail."""

    def slope(a, b, x):
        density, larger = betainc_dx(a, b, x), (betainc if lower else betaincc)(a, b, x)
        a, b, x, limit = _inside(a, b, x)
        y = 1 - x
        value = tails.log_slope(tail_of(a, b, x, y, rolled=True), lower, x * y, density, larger)
        return tails.at_limits(limit, value, jnp.nan, jnp.nan)

    return slope


def _parameters(fn):
    return dict(a=along(fn, 0), b=along(fn, 1))


_BETAINC = _parameters(_side(True, rolled=True)) | dict(x=betainc_dx)
_BETAINCC = _parameters(_side(False, rolled=True)) | dict(x=minus(betainc_dx))
log_betainc_dx, log_betaincc_dx = _log_slope(True), _log_slope(False)
_LOG_BETAINC = _parameters(_log_side(True, rolled=True)) | dict(x=log_betainc_dx)
_LOG_BETAINCC = _parameters(_log_side(False, rolled=True)) | dict(x=log_betaincc_dx)
betainc = with_rule(_betainc, **_BETAINC)
betaincc = with_rule(_betaincc, **_BETAINCC)
log_betainc = with_rule(_log_betainc, **_LOG_BETAINC)
log_betaincc = with_rule(_log_betaincc, **_LOG_BETAINCC)


def _of_shares(of, lower: bool, slope):
    """A tail at x = 1 - y, of which both are given: the larger one alone would not tell the other.

    Their slope is that in x, with y its rest.
    """

    def inside(a, b, x, y):
        x, y = jnp.asarray(x), jnp.asarray(y)
        ends = (x > 0) & (y > 0)
        a, b, _, limit = _inside(a, b, jnp.where(ends, 0.5 + 0.0 * x, x))
        return a, b, jnp.where(ends, x, 0.25), jnp.where(ends, y, 0.75), limit

    make = tails.sides(inside, tail_of)[of]

    def in_x(a, b, x, y):
        tail = tail_of(a, b, x, y, rolled=True)
        density = tails.times_exponential(tail, tail.rate, x, y)
        return slope(tail, x * y, density, lower)

    rolled = make(lower, rolled=True)
    names = dict(a=along(rolled, 0), b=along(rolled, 1), x=in_x, y=lambda a, b, x, y: 0.0 * (x + y))

    def function(a, b, x, y):
        return make(lower)(a, b, x, y)

    return with_rule(function, **names)


def _slope(tail, unit, density, lower):
    return density if lower else -density


def _slope_of_log(tail, unit, density, lower):
    return tails.log_slope(tail, lower, unit, density, tails.side(tail, lower))


betainc_shares, betaincc_shares = (_of_shares(0, lower, _slope) for lower in (True, False))
log_betainc_shares, log_betaincc_shares = (
    _of_shares(1, lower, _slope_of_log) for lower in (True, False)
)

DIDONATO = "didonato1992beta"
_DOMAIN = dict(a=SHAPE, b=SHAPE, x=OPEN_UNIT)
_SECONDS = {
    ("x", "x"): betainc_dx_dx,
    ("a", "x"): betainc_dx_da,
    ("b", "x"): betainc_dx_db,
}

INCOMPLETE_BETA = (
    Formula(
        fn=betainc,
        plain=_side(True, rolled=True),
        domain=_DOMAIN,
        partials=_BETAINC,
        seconds=_SECONDS,
        facts=(Increasing("x"), Decreasing("a"), Increasing("b"), Bounded("x", 0.0, 1.0)),
        tex=r"I_x(a, b) = \frac{1}{B(a, b)} \int_0^x t^{a-1} (1 - t)^{b-1}\,dt",
        source=Source(DIDONATO, "eq. 9"),
        topic="P10",
    ),
    Formula(
        fn=betaincc,
        plain=_side(False, rolled=True),
        domain=_DOMAIN,
        partials=_BETAINCC,
        seconds={pair: minus(second) for pair, second in _SECONDS.items()},
        facts=(Decreasing("x"), Increasing("a"), Decreasing("b"), Bounded("x", 0.0, 1.0)),
        tex=r"1 - I_x(a, b) = I_{1-x}(b, a)",
        source=Source(DIDONATO, "eq. 9"),
        topic="P10",
    ),
    Formula(
        fn=log_betainc,
        plain=_log_side(True, rolled=True),
        domain=_DOMAIN,
        partials=_LOG_BETAINC,
        facts=(Increasing("x"),),
        tex=r"\log I_x(a, b)",
        source=Source(DIDONATO, "eq. 9"),
        topic="P10",
    ),
    Formula(
        fn=log_betaincc,
        plain=_log_side(False, rolled=True),
        domain=_DOMAIN,
        partials=_LOG_BETAINCC,
        facts=(Decreasing("x"),),
        tex=r"\log(1 - I_x(a, b))",
        source=Source(DIDONATO, "eq. 9"),
        topic="P10",
    ),
)
