r"""The inverses of the regularised incomplete beta functions in x.

A guess that is right to a few percent of the tail everywhere, then Halley's method for the
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

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.domains import OPEN_UNIT
from jaxmath.formula import Bounded, Decreasing, Formula, Increasing, Source, with_rule
from jaxmath.special import tails
from jaxmath.special.beta_tail import in_log_odds, tail_of
from jaxmath.special.gamma import (
    betaln,
    digamma_difference,
    gammaln_difference,
    log_gamma_share,
)
from jaxmath.special.incomplete_beta import in_shape
from jaxmath.special.incomplete_gamma import SHAPE
from jaxmath.special.inverse_gamma import log_ratio
from jaxmath.special.logarithm import log1p
from jaxmath.special.loops import if_any
from jaxmath.special.normal_tail import ndtri
from jaxmath.typing import Real

STEPS = 3
"""At most; each trebles the digits, and two suffice nearly everywhere."""
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
    lead = log_lead(jnp.minimum(a, b), jnp.maximum(a, b)) - jnp.log(jnp.minimum(a, b))
    return (
        (_logs(small, below) + lead + jnp.log(a)) / a,
        (_logs(small, ~below) + lead + jnp.log(b)) / b,
    )


def _step(a, b, x, y, small, lower):
    """What Halley's method takes from the logarithm of the odds."""
    off, rate = tails.off(tail_of(a, b, x, y), lower, small)
    step = jnp.clip(off / rate, -3.0, 3.0)
    return step / jnp.clip(1 - step * (a * y - b * x - rate) / 2, 0.5, 2.0)


def _solve(a, b, small, below):
    """The x and 1 - x where the smaller tail, which is the lower one where `below`, is `small`."""
    first_x, first_y = _firsts(a, b, small, below)
    at_zero, at_one = first_x < LEAST, first_y < LEAST
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
    x, y = _shares(jnp.where(exact, 0.0, jnp.clip(t, LEAST, -LEAST)))
    step = jnp.where(exact, 0.0, 1e30)
    for _ in range(STEPS):
        # In units in which the logarithm of the tail bends: a step leaves a part of the cube.
        bend = jnp.abs(a * y - b * x) + jnp.sqrt((a + b) * x * y)
        close = jnp.abs(step) * bend <= (12 * jnp.finfo(x.dtype).eps) ** (1 / 3)
        unfinished = ~close | (jnp.abs(step) > 1)
        step = if_any(unfinished, _step, a, b, x, y, small, below)
        change = jnp.expm1(-jnp.abs(step))
        x = x + jnp.where(step > 0, x * change, 0.0)
        y = y + jnp.where(step < 0, y * change, 0.0)
        x, y = x / (x + y), y / (x + y)
    far, near = jnp.exp(first_x), jnp.exp(first_y)
    x, y = jnp.where(at_zero, far, x), jnp.where(at_zero, 1.0, y)
    return jnp.where(at_one, 1.0, x), jnp.where(at_one, near, y)


def _both(a, b, p, lower: bool):
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
    x, y = _solve(a, b, small, below)
    nothing, everything = (p == 0) & limits, (p == 1) & limits
    zero, one = (nothing, everything) if lower else (everything, nothing)

    def at_ends(inner, at_zero, at_one):
        rest = jnp.where(zero, at_zero, jnp.where(one, at_one, jnp.nan))
        return jnp.where(limits & inside, inner, rest)

    return at_ends(x, 0.0, 1.0), at_ends(y, 1.0, 0.0)


@jax.jit
def betaincinv_shares(a, b, p):
    """The x whose lower tail is p, and 1 - x, each with all its digits."""
    return _both(a, b, p, True)


@jax.jit
def betainccinv_shares(a, b, q):
    """The x whose upper tail is q, and 1 - x, each with all its digits."""
    return _both(a, b, q, False)


def _inverse(a, b, p, lower: bool):
    """The x whose lower or upper tail is p."""
    return _both(a, b, p, lower)[0]


def _betaincinv(a: Real, b: Real, p: Real) -> Float[Array, "..."]:
    r"""The x in [0, 1] with $I_x(a, b) = p$, for a, b > 0 and p in [0, 1]."""
    return _inverse(a, b, p, True)


def _betainccinv(a: Real, b: Real, q: Real) -> Float[Array, "..."]:
    r"""The x in [0, 1] with $1 - I_x(a, b) = q$, for a, b > 0 and q in [0, 1]."""
    return _inverse(a, b, q, False)


class _Answer(NamedTuple):
    """Both shapes and both shares at an answer, these replaced where not `usual`, and the answer.

    Where x or 1 - x is `tiny`, `high` if 1 - x: its logarithm, and the shapes seen from it.
    """

    place: tuple[Array, ...]
    x: Array
    usual: Array
    tiny: Array
    high: Array
    log: Array
    own: Array
    other: Array


def _by_density(inverse, rest, lower: bool):
    """The partials by the implicit function theorem; `rest` is one less the inverse, turned.

    Where x or 1 - x is tiny, slopes may be numbers where that is none: they are of its logarithm.
    """
    sign = 1 if lower else -1

    def answer(a, b, p) -> _Answer:
        x, y = inverse(a, b, p), rest(b, a, p)
        a, b, p, x, y = jnp.broadcast_arrays(a, b, p, x, y)
        least, inside = 4 * jnp.finfo(x.dtype).tiny, (p > 0) & (p < 1)
        low, high = inside & (x < least), inside & (y < least)
        under, tiny = p < 0.5, low | high
        small = jnp.where(under, p, 1 - p)
        first = _firsts(a, b, jnp.where(inside, small, 0.5), under == lower)
        log, own, other = (jnp.where(high, *pair) for pair in (first[::-1], (b, a), (a, b)))
        usual = (x > 0) & (y > 0) & ~tiny
        inner = (jnp.where(usual, share, 0.5) for share in (x, y))
        return _Answer((a, b, *inner), x, usual, tiny, high, log, own, other)

    def lifted(log, factor):
        """A factor times a number that may be too small."""
        part = jnp.exp(log / 2)
        return part * factor * part

    def rise_of(place):
        """The tail that is computed, and the slope of x in its logarithm."""
        tail, slope = in_log_odds(place)
        return tail, place[2] * place[3] / slope

    def by_shape(argnum):
        def partial(a, b, p):
            at = answer(a, b, p)
            slope = -in_shape(argnum, at.place)[1] * rise_of(at.place)[1]
            in_own = at.log - 1 / at.own + digamma_difference(at.own, at.other)
            in_other = digamma_difference(at.other, at.own)
            moved = jnp.where(at.high == (argnum == 1), in_own, in_other)
            far = jnp.where(at.high, 1.0, -1.0) * lifted(at.log, moved / at.own)
            at_end = jnp.where(jnp.isnan(at.x), jnp.nan, 0.0)
            return jnp.where(at.usual, slope, jnp.where(at.tiny, far, at_end))

        return partial

    def in_probability(a, b, p):
        at, p = answer(a, b, p), jnp.asarray(p)
        inner = jnp.where((p > 0) & (p < 1), p, 0.5)
        slope = tails.of_quantile(*rise_of(at.place), inner, lower)
        tail = jnp.where(at.high != lower, inner, 1 - inner)
        far = sign * lifted(at.log - jnp.log(tail), 1 / at.own)
        end, height = (jnp.where(at.x > 0, *pair) for pair in (at.place[1::-1], at.place[:2]))
        at_end = jnp.where(end < 1, 0.0, jnp.where(end == 1, 1 / height, jnp.inf))
        at_end = sign * jnp.where(jnp.isnan(at.x), jnp.nan, at_end)
        return jnp.where(at.usual, slope, jnp.where(at.tiny, far, at_end))

    def bend(a, b, p):
        a, b, x, y = answer(a, b, p).place
        return ((b - 1) / y - (a - 1) / x) * in_probability(a, b, p) ** 2

    return by_shape(0), by_shape(1), in_probability, bend


def _lower(a, b, p):
    return betaincinv(a, b, p)


def _upper(a, b, q):
    return betainccinv(a, b, q)


_da, _db, _dp, _dp_dp = _by_density(_lower, _upper, True)
_BETAINCINV = dict(a=_da, b=_db, p=_dp)
betaincinv = with_rule(_betaincinv, **_BETAINCINV)
_cda, _cdb, _cdq, _cdq_dq = _by_density(_upper, _lower, False)
_BETAINCCINV = dict(a=_cda, b=_cdb, q=_cdq)
betainccinv = with_rule(_betainccinv, **_BETAINCCINV)

INVERSE_BETA = (
    Formula(
        fn=betaincinv,
        plain=_betaincinv,
        domain=dict(a=SHAPE, b=SHAPE, p=OPEN_UNIT),
        partials=_BETAINCINV,
        seconds={("p", "p"): _dp_dp},
        facts=(Increasing("a"), Decreasing("b"), Increasing("p"), Bounded("p", 0.0, 1.0)),
        tex=r"I_x(a, b) = p",
        source=Source("didonato1992beta"),
        topic="P10",
    ),
    Formula(
        fn=betainccinv,
        plain=_betainccinv,
        domain=dict(a=SHAPE, b=SHAPE, q=OPEN_UNIT),
        partials=_BETAINCCINV,
        seconds={("q", "q"): _cdq_dq},
        facts=(Increasing("a"), Decreasing("b"), Decreasing("q"), Bounded("q", 0.0, 1.0)),
        tex=r"1 - I_x(a, b) = q",
        source=Source("didonato1992beta"),
        topic="P10",
    ),
)
