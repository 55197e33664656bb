r"""The inverses of the regularised incomplete beta functions in x.

A guess that is right to a few percent of the tail everywhere, then Householder's method for the
logarithm of the smaller tail against that of the odds x / (1 - x), a few steps at most, which
keeps the digits of x and of 1 - x alike. Seen from the smaller parameter m, at the share c that it
has of the sum n, with d the logarithm of the odds over those of the mean, the guess is

- for m >= 1 the normal quantile of Barndorff-Nielsen's $r + \log(u / r) / r$, where
  $r^2/2 = n \log(1 - c + c e^d) - m d$ and u is the slope of that over its spread;
- for m < 1 the first terms of the series at that end, or what the tail at the other end is like,
  the density over its own rate of decay;
- for m = 1/2 beside one or more, where the odds are the square of Student's t over its degrees of
  freedom, the approximation of Hill (1970) to that, which is right to a few parts in a thousand
  for two degrees of freedom and to six digits from four on.
"""

import functools
import inspect
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.domains import OPEN_UNIT
from jaxmath.formula import Bounded, Decreasing, Formula, Increasing, Source
from jaxmath.special import tails
from jaxmath.special.beta_tail import in_log_odds, ratio_along, tail_of
from jaxmath.special.gamma import (
    betaln,
    digamma_difference,
    gammaln_difference,
    log_gamma_share,
    trigamma,
    trigamma_difference,
)
from jaxmath.special.incomplete_beta import in_shape
from jaxmath.special.incomplete_gamma import SHAPE
from jaxmath.special.inverse_gamma import log_ratio, rises
from jaxmath.special.logarithm import log1p
from jaxmath.special.loops import if_any, loop
from jaxmath.special.normal_tail import ndtri
from jaxmath.special.partials import with_answer
from jaxmath.typing import Real

STEPS = 3
"""At most; each has four times the digits, and two suffice nearly everywhere."""
LEAST = -80.0
"""Where log(x) or log(1 - x) is below this the first term of the series is all there is."""


def _shares(t):
    """The x and 1 - x of which t is the logarithm of the odds."""
    part = jnp.exp(-jnp.abs(t))
    small, large = part / (1 + part), 1 / (1 + part)
    return jnp.where(t < 0, small, large), jnp.where(t < 0, large, small)


def _central(m, large, z):
    """The logarithm of the odds at the normal quantile z, seen from m >= 1."""
    n = m + large
    share, spread = m / n, jnp.sqrt(m) * jnp.sqrt(large / n)
    skewness = (large - m) / n / spread / 3
    # Where d > 0 both are too small: the first for c = 0, the second for large d.
    d = jnp.maximum(log_ratio(z * jnp.sqrt(1 / m)), jnp.where(z > 0, z * z / 2 / large, -jnp.inf))
    for _ in range(2):
        x = m * jnp.exp(d) / (m * jnp.exp(d) + large)
        half = jnp.maximum(n * log1p(share * jnp.expm1(d)) - m * d, 0.0)
        near = half < 1e-2
        r = jnp.where(d < 0, -1.0, 1.0) * jnp.sqrt(2 * jnp.where(near, 1.0, half))
        u = jnp.where(near, r, n * (x - share) / spread)
        correction = jnp.where(near, skewness, jnp.log(u / r) / r)
        slope = jnp.where(near, spread, n * (x - share) / r)
        d = d - (jnp.where(near, spread * d, r) + correction - z) / slope
    return jnp.log(m / large) + d


def _outer(m, large, lead, log_near, log_far, first_far):
    """The logarithm of the odds seen from m < 1, given the logarithms of both tails.

    `lead` is that of m times the beta function, `first_far` the first term at the other end.
    """
    first = (log_near + lead) / m

    def corrected(first, own):
        return first + jnp.minimum(jnp.exp(jnp.minimum(first, 0.0)) * (large + m) / (1 + own), 1.0)

    height = jnp.log(m) - lead - log_far
    away = jnp.maximum(height, 0.1) / jnp.maximum(large, 1.0)
    t = jnp.log(jnp.expm1(jnp.minimum(away, 80.0)))
    for _ in range(2):
        x, y = _shares(t)
        decay = large * x + (1 - m) * y
        log_x, log_y = -jnp.logaddexp(0.0, -t), -jnp.logaddexp(0.0, t)
        excess = height + m * log_x + large * log_y - jnp.log(decay)
        slope = m * y - large * x - (large - 1 + m) * x * y / decay
        t = t - jnp.clip(excess / slope, -3.0, 3.0)
    t = jnp.where(large < 1, -corrected(first_far, large), t)
    near = jnp.exp(log_far) > m * jnp.where(large < 1, 1 / (m + large), 0.4)
    return jnp.where(near, corrected(first, m), t)


def _turned(a, b, fn):
    """The logarithm of the odds by a function of the smaller and the larger parameter.

    And of whether they were turned; seen from the other end the logarithm has the other sign.
    """
    turned = b < a
    t = fn(jnp.minimum(a, b), jnp.maximum(a, b), turned)
    return jnp.where(turned, -t, t)


def _guess_large(a, b, small, below):
    def seen(m, large, turned):
        z = jnp.where(below != turned, 1.0, -1.0) * ndtri(small)
        return _central(jnp.maximum(m, 1.0), jnp.maximum(large, 1.0), z)

    return _turned(a, b, seen)


def _guess_small(a, b, small, below):
    def seen(m, large, turned):
        m, large = jnp.where(m < 1, m, 0.5), jnp.where(m < 1, large, 1.0)
        at_near = below != turned  # whether the smaller tail is at the end of m
        log_near, log_far = _logs(small, at_near), _logs(small, ~at_near)
        lead = log_lead(m, large)
        first_far = (log_far + lead + jnp.log(large / m)) / large
        return _outer(m, large, lead, log_near, log_far, first_far)

    return _turned(a, b, seen)


def _is_half(a, b):
    """Whether the smaller parameter is one half and the larger one at least one."""
    return (jnp.minimum(a, b) == 0.5) & (jnp.maximum(a, b) >= 1)


def _hill(tail, n):
    """The square of t over n, Student's t with n >= 2 being beyond it on either side so rarely."""
    a = 1 / (n - 0.5)
    b = 48 / jnp.square(a)
    c = ((20700 * a / b - 98) * a - 16) * a + 96.36
    d = ((94.5 / (b + c) - 3) / b + 1) * jnp.sqrt(a * jnp.pi / 2) * n
    x = ndtri(tail / 2)
    own = jnp.where(n < 5, c + 0.3 * (n - 4.5) * (x + 0.6), c)
    own = (((0.05 * d * x - 5) * x - 7) * x - 2) * x + b + own
    y = jnp.square(x)
    y = (((((0.4 * y + 6.3) * y + 36) * y + 94.5) / own - y - 3) / b + 1) * x
    central = jnp.expm1(jnp.minimum(a * jnp.square(y), 80.0))
    y = jnp.exp(2 / n * jnp.log(d * tail))
    away = ((n + 6) / (n * y) - 0.089 * d - 0.822) * (n + 2) * 3
    outer = ((1 / away + 0.5 / (n + 4)) * y - 1) * (n + 1) / (n + 2) + 1 / y
    return jnp.where(y > 0.05 + a, central, outer)


def _guess_half(a, b, small, below):
    def seen(m, large, turned):
        at_near = below != turned
        large = jnp.maximum(large, 1.0)
        # Of a tail at the near end what rounding leaves of one less it says nothing.
        first = 2 * (jnp.log(small) + log_lead(jnp.full_like(large, 0.5), large))
        far = jnp.log(_hill(jnp.where(at_near, 1 - small, small), 2 * large))
        return jnp.where(at_near & (small < 1e-4), first, far)

    return _turned(a, b, seen)


def _logs(small, own):
    """The logarithm of the smaller tail, or of the other one."""
    return jnp.where(own, jnp.log(small), log1p(-small))


def log_lead(m, large):
    """The logarithm of m B(m, large), which a tail's first term at the end of m is divided by."""
    tiny = m < 1
    some, rest = jnp.where(tiny, m, 0.5), jnp.where(tiny, large, 1.0)
    one, two = jnp.where(tiny, 1.0, m), jnp.where(tiny, 1.0, large)
    close = some * log_gamma_share(some) - gammaln_difference(rest, some)
    return jnp.where(tiny, close, jnp.log(one) + betaln(one, two))


def _firsts(a, b, small, below):
    """The logarithms of x and of 1 - x by the first terms of their series."""
    m, large = jnp.minimum(a, b), jnp.maximum(a, b)
    at_m = log_lead(m, large)
    at_large = at_m + (jnp.log(large) - jnp.log(m))
    first = a == m
    return (
        (_logs(small, below) + jnp.where(first, at_m, at_large)) / a,
        (_logs(small, ~below) + jnp.where(first, at_large, at_m)) / b,
    )


def first_terms(lower: bool, a, b, p):
    """Those of the x whose lower or upper tail is p."""
    under = p < 0.5
    return _firsts(a, b, jnp.where(under, p, 1 - p), under == lower)


def _step(a, b, x, y, small, lower, *, rolled):
    """What Householder's method takes from the logarithm of the odds."""
    tail = tail_of(a, b, x, y, rolled=rolled)
    return tails.step_to(small, lower, tail, a * y - b * x, (a + b) * x * y)


def _may_be_first(a, b, small):
    """Whether the first term of a series may be all of its tail.

    A bound of `_firsts` without its gamma functions: of m B(m, n), which is at least
    $\\Gamma(1 + m) (m + n)^{-m}$, the logarithm is above $-m \\log(m + n) - 0.13$.
    """
    own = jnp.minimum(a, b)
    return small < jnp.exp(jnp.minimum(own * (LEAST + jnp.log(a + b)), 0.0) + 0.2)


def _first_shares(a, b, small, below):
    """Whether x and whether 1 - x is its first term, and these."""
    first_x, first_y = _firsts(a, b, small, below)
    return first_x < LEAST, first_y < LEAST, jnp.exp(first_x), jnp.exp(first_y)


def _solve(a, b, small, below, *, rolled):
    """The x and 1 - x where the smaller tail, which is the lower one where `below`, is `small`."""
    at_zero, at_one, first_x, first_y = if_any(
        _may_be_first(a, b, small), _first_shares, a, b, small, below, rolled=rolled
    )
    exact, half, least = at_zero | at_one, _is_half(a, b), jnp.minimum(a, b)
    t = jnp.where(
        half,
        if_any(half, _guess_half, a, b, small, below),
        jnp.where(
            least < 1,
            if_any((least < 1) & ~half, _guess_small, a, b, small, below),
            if_any(least >= 1, _guess_large, a, b, small, below),
        ),
    )

    def improve(carry, _):
        x, y, step = carry
        far = tails.unfinished(step, a * y - b * x, (a + b) * x * y)
        next_step = functools.partial(_step, rolled=rolled)
        step = if_any(far, next_step, a, b, x, y, small, below)
        change = jnp.expm1(-jnp.abs(step))
        x = x + jnp.where(step > 0, x * change, 0.0)
        y = y + jnp.where(step < 0, y * change, 0.0)
        return x / (x + y), y / (x + y), step

    x, y = _shares(jnp.where(exact, 0.0, jnp.clip(t, LEAST, -LEAST)))
    start = x, y, jnp.where(exact, 0.0, 1e30).astype(x.dtype)
    x, y, _ = loop(improve, start, [(float(k),) for k in range(STEPS)], rolled=rolled)
    x, y = jnp.where(at_zero, first_x, x), jnp.where(at_zero, 1.0, y)
    return jnp.where(at_one, 1.0, x), jnp.where(at_one, first_y, y)


def _both(a, b, p, lower: bool, *, rolled: bool = False):
    """The x whose lower or upper tail is p, and 1 - x, each with all its digits."""
    a, b, p = (jnp.asarray(part) for part in (a, b, p))
    dtype = jnp.result_type(a, b, p)
    a, b, p = a.astype(dtype), b.astype(dtype), p.astype(dtype)
    limits = (a > 0) & (a < jnp.inf) & (b > 0) & (b < jnp.inf)
    inside = (p > 0) & (p < 1)
    a, b, given = jnp.where(limits, a, 1.0), jnp.where(limits, b, 1.0), jnp.where(inside, p, 0.5)
    under = given < 0.5
    small = jnp.where(under, given, 1 - given)
    below = under == lower  # whether the lower tail is the small one
    x, y = _solve(a, b, small, below, rolled=rolled)
    nothing, everything = (p == 0) & limits, (p == 1) & limits
    zero, one = (nothing, everything) if lower else (everything, nothing)

    def at_ends(inner, at_zero, at_one):
        rest = jnp.where(zero, at_zero, jnp.where(one, at_one, jnp.nan))
        return jnp.where(limits & inside, inner, rest)

    return at_ends(x, 0.0, 1.0), at_ends(y, 1.0, 0.0)


def _betaincinv(a: Real, b: Real, p: Real) -> Float[Array, "..."]:
    r"""The x in [0, 1] with $I_x(a, b) = p$, for a, b > 0 and p in [0, 1]."""
    return _both(a, b, p, True)[0]


def _betainccinv(a: Real, b: Real, q: Real) -> Float[Array, "..."]:
    r"""The x in [0, 1] with $1 - I_x(a, b) = q$, for a, b > 0 and q in [0, 1]."""
    return _both(a, b, q, False)[0]


class Answer(NamedTuple):
    r"""An x with a tail of p, and how the logarithm t of its odds moves.

    As for the inverse of the incomplete gamma function, the second slopes are taken on the way that
    x goes as a shape moves. Where x or 1 - x is so small that the first term of its series is all
    of its tail, t is the logarithm of that. Of the derivatives those of x are made, as
    $x_t = x (1 - x)$.

    Attributes:
        place: both shapes and both shares, these replaced where `first`.
        tiny, log: whether it is too small for the dtype, and the logarithm of $\pm x_t$ then.
        root: the root of that elsewhere; with a minus sign where `high`.
        inside, first, high: whether p is inside of (0, 1), whether x or 1 - x is that small, and
            whether it is 1 - x.
        balance: the slope in t of the logarithm of $x_t$.
        rate, lead: the slopes in t of the logarithms of the tail that is computed and the height.
        in_p: the slope of t in p.
        ways: how t and the logarithm of the height move with a and with b.
        moves: how the place moves with a and with b.
        end: x itself.
    """

    place: tuple[Array, ...]
    tiny: Array
    log: Array
    root: Array
    inside: Array
    first: Array
    high: Array
    balance: Array
    rate: Array
    lead: Array
    in_p: Array
    ways: tuple[tails.Way, tails.Way]
    moves: tuple[tuple[Array, ...], tuple[Array, ...]]
    end: Array

    def times_slope(self, value, times: int = 0):
        """The value and powers of the slope in p times the slope of x."""
        size, sign = rises(self.in_p, times)
        part = jnp.where(self.tiny, jnp.exp(self.log / 2 + jnp.log(size)), self.root * size)
        value = jnp.where(part == 0, 0.0, part * value * part)
        return jnp.where(self.high, -sign, sign) * value

    def bend(self, one: int, other: int):
        """The second slope of x in two shapes, in parts of its slope in t."""
        moves, ways = (self.moves[one], self.moves[other]), (self.ways[one], self.ways[other])

        def on_the_way(fn, move):
            return lambda *place: jax.jvp(fn, place, move)[1]

        twice = on_the_way(on_the_way(_log_own, moves[0]), moves[1])(*self.place)
        first = tails.crossed(_first_bend(one, other, self), self.rate, self.lead, *ways)
        first = first + ways[0].place * ways[1].place
        return jnp.where(self.first, first, -twice / self.rate)


@functools.partial(jax.jit, static_argnums=0)  # each slope traces it
def answer(lower: bool, a, b, p) -> Answer:
    """How the inverse of the lower or the upper tail moves."""
    x, y = (rolled_betaincinv_shares if lower else rolled_betainccinv_shares)(a, b, p)
    a, b, p, x, y = jnp.broadcast_arrays(*(jnp.asarray(v, x.dtype) for v in (a, b, p, x, y)))
    info = jnp.finfo(x.dtype)
    inside = (p > 0) & (p < 1) & ~jnp.isnan(x)
    low, high = (inside & (share < info.tiny**0.4) for share in (x, y))
    first, tiny = low | high, jnp.minimum(x, y) < 4 * info.tiny
    p = jnp.where(inside, p, 0.5)
    firsts = first_terms(lower, a, b, p)
    log, own, other = (jnp.where(high, *pair) for pair in (firsts[::-1], (b, a), (a, b)))
    usual = inside & ~first
    place = (a, b, *(jnp.where(usual, share, 0.5) for share in (x, y)))
    spread = place[2] * place[3]

    tail, rate = in_log_odds(place)
    rate = jnp.where(first, own, rate)
    tail = tail._replace(lower=jnp.where(first, low, tail.lower))
    beyond = jnp.where(first, 0.0, tails.rounded_off(tail, p, lower))
    lead = a * place[3] - b * place[2] + (a + b) * spread * beyond
    one, none = jnp.ones_like(x), jnp.zeros_like(x)
    in_own = (log - 1 / own + digamma_difference(own, other)) / -own
    in_other = digamma_difference(other, own) / -own

    def way(argnum):
        is_own = high == (argnum == 1)
        in_log = -in_shape(argnum, place)[1] / rate
        in_log = jnp.where(first, jnp.where(is_own, in_own, in_other), in_log)
        change = spread * in_log
        move = (none, one, change, -change) if argnum else (one, none, change, -change)
        height = jnp.where(first, jnp.where(is_own, 1 / own, 0.0), -ratio_along(place, move))
        return tails.Way(in_log, height), move

    (in_a, move_a), (in_b, move_b) = way(0), way(1)
    return Answer(
        place=place,
        tiny=tiny,
        log=log,
        root=jnp.sqrt(x * y),
        inside=inside,
        first=first,
        high=high,
        balance=jnp.where(first, 1.0, place[3] - place[2]),
        rate=rate,
        lead=jnp.where(first, own, lead),
        in_p=tails.of_quantile(tail, (1 + (lead - rate) * beyond) / rate, p, lower),
        ways=(in_a, in_b),
        moves=(move_a, move_b),
        end=x,
    )


def _log_own(a, b, x, y):
    """The logarithm of the tail that is computed."""
    tail = tail_of(a, b, x, y, rolled=True)
    return tail.exponent + jnp.log(tail.factor)


def _first_bend(one, other, at: Answer):
    """The second slope in two shapes of the logarithm of a first term."""
    a, b = at.place[:2]
    if one != other:
        return trigamma(a + b)
    shape, rest = ((a, b), (b, a))[one]
    # That of the first term's own shape has log gamma(1 + a) where the other has log gamma(b).
    own = jnp.where(at.high == (one == 1), jnp.square(1 / shape), 0.0)
    return own + trigamma_difference(shape, rest)


def _shares_of(lower: bool, *, rolled: bool):
    """The x whose lower or upper tail is p, and 1 - x, with the slopes of x."""

    def both(a, b, p):
        return _both(a, b, p, lower, rolled=rolled)

    both.__name__ = (
        "betaincinv_shares" if lower else "betainccinv_shares"
    )  # as exact truth knows it
    shares = jax.custom_jvp(jax.jit(both))

    @shares.defjvp
    def rule(primals, tangents):
        at = answer(lower, *primals)
        slopes = *(way.place for way in at.ways), at.in_p
        change = sum(map(jnp.multiply, slopes, tangents))
        change = jnp.where(at.inside, at.times_slope(change), 0.0 * at.end)
        return shares(*primals), (change, -change)

    return shares


betaincinv_shares, betainccinv_shares = (_shares_of(lower, rolled=False) for lower in (True, False))
"""Of the shapes and a tail: the x that has it, and 1 - x, each with all its digits."""
rolled_betaincinv_shares, rolled_betainccinv_shares = (
    _shares_of(lower, rolled=True) for lower in (True, False)
)
"""The same as slopes compute it, which compiles soon."""


def _with_slopes(inverse, lower: bool):
    """An inverse bound to its partials, and these with their slopes, by argument."""
    names = tuple(inspect.signature(inverse).parameters)

    def made(inner, at_end):
        def slope(at, a, b, p):
            end = jnp.where(jnp.isnan(at.end), jnp.nan, at_end(*at.place[:2], at.end))
            return jnp.where(at.inside, inner(at), end)

        return slope

    def still(a, b, x):
        return 0.0 * x

    def rise_at_end(a, b, x):
        end, height = jnp.where(x > 0, b, a), jnp.where(x > 0, a, b)
        value = jnp.where(end < 1, 0.0, jnp.where(end == 1, 1 / height, jnp.inf))
        return value if lower else -value

    def bend_at_end(a, b, x):
        end, height = jnp.where(x > 0, b, a), jnp.where(x > 0, a, b)
        half = jnp.square(jnp.exp(betaln(0.5, height))) / 2
        value = jnp.where(end > 1, -jnp.inf, jnp.where(end < 0.5, 0.0, jnp.inf))
        value = jnp.where(end == 0.5, half, value)
        value = jnp.where(end == 1, (height - 1) / height / height, value)
        return jnp.where(x > 0, -value, value)

    def in_shape_of(k):
        return made(lambda at: at.times_slope(at.ways[k].place), still)

    def in_p_and(k):
        def inner(at):
            way = at.ways[k]
            return at.times_slope(at.balance * way.place - way.height, 1)

        return made(inner, lambda *args: 0.0 * rise_at_end(*args))

    def in_shapes(one, other):
        return made(lambda at: at.times_slope(at.bend(one, other)), still)

    def bend(at):
        a, b, x, y = at.place
        own = 1 - jnp.where(at.high, b, a)
        value = jnp.where(at.first, own, (1 - a) * y - (1 - b) * x)
        return at.times_slope(value, 2)

    rise = made(lambda at: at.times_slope(1.0, 1), rise_at_end)
    firsts = dict(zip(names, (in_shape_of(0), in_shape_of(1), rise), strict=True))
    a, b, p = names
    seconds = {
        (a, a): in_shapes(0, 0),
        (a, b): in_shapes(0, 1),
        (b, b): in_shapes(1, 1),
        (a, p): in_p_and(0),
        (b, p): in_p_and(1),
        (p, p): made(bend, bend_at_end),
    }

    def plain(a, b, p):
        return _both(a, b, p, lower, rolled=True)[0]

    bound, rule = with_answer(inverse, functools.partial(answer, lower), firsts, seconds)
    return bound, rule._replace(plain=plain)


betaincinv, _LOWER = _with_slopes(_betaincinv, True)
betainccinv, _UPPER = _with_slopes(_betainccinv, False)

INVERSE_BETA = (
    Formula(
        fn=betaincinv,
        plain=_LOWER.plain,
        domain=dict(a=SHAPE, b=SHAPE, p=OPEN_UNIT),
        partials=_LOWER.partials,
        seconds=_LOWER.seconds,
        facts=(Increasing("a"), Decreasing("b"), Increasing("p"), Bounded("p", 0.0, 1.0)),
        tex=r"I_x(a, b) = p",
        source=Source("didonato1992beta"),
        topic="P10",
    ),
    Formula(
        fn=betainccinv,
        plain=_UPPER.plain,
        domain=dict(a=SHAPE, b=SHAPE, q=OPEN_UNIT),
        partials=_UPPER.partials,
        seconds=_UPPER.seconds,
        facts=(Increasing("a"), Decreasing("b"), Decreasing("q"), Bounded("q", 0.0, 1.0)),
        tex=r"1 - I_x(a, b) = q",
        source=Source("didonato1992beta"),
        topic="P10",
    ),
)
