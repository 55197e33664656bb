r"""The inverses of the incomplete gamma and beta functions, as implicit functions.

With v the logarithm of x, or of the odds of x, both tails are log-concave in v: Newton's method for
the logarithm of the smaller tail goes past the root at most once, and from there on up to it.
Newton's interval method then encloses the root; on power series each step doubles the right terms.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from jaxmath.exact import functions as fn
from jaxmath.exact import incomplete
from jaxmath.exact.ball import ONE, UNKNOWN, ZERO, arb, arb_series, ctx
from jaxmath.exact.functions import unknown
from jaxmath.exact.gamma import lgamma
from jaxmath.exact.ieee import INF, NAN, Special
from jaxmath.exact.jet import Jet, coefficients
from jaxmath.exact.work import finer, now

STEPS = 200
"""Of Newton's method at few bits, at most."""
FEW = 64
"""Bits of the first approximation."""
LOST = 96
"""Bits that each term of a series in the shapes costs (`cauchy`)."""


class Tails(NamedTuple):
    """A family of distributions, of its shapes and v.

    Attributes:
        lower, upper: the probabilities below and above v.
        density: the slope of the lower one in v.
        start: a v in the middle, of the shapes.
    """

    lower: Callable[..., Any]
    upper: Callable[..., Any]
    density: Callable[..., Any]
    start: Callable[..., Any]


def _gamma_density(a, v):
    return fn.exp(a * v - fn.exp(v) - lgamma(a))


GAMMA = Tails(
    lower=lambda a, v: incomplete.igamma(a, fn.exp(v)),
    upper=lambda a, v: incomplete.igammac(a, fn.exp(v)),
    density=_gamma_density,
    start=lambda a: a.log(),
)


def _shares(v):
    """The x and 1 - x of which v is the logarithm of the odds."""
    return fn.logistic(v), fn.logistic(-v)


def _beta_density(a, b, v):
    x, y = _shares(v)
    height = a * fn.log(x) + b * fn.log(y)
    return fn.exp(height + lgamma(a + b) - lgamma(a) - lgamma(b))


BETA = Tails(
    lower=lambda a, b, v: incomplete.incomplete_beta_shares(a, b, *_shares(v)),
    upper=lambda a, b, v: incomplete.incomplete_beta_shares(b, a, *reversed(_shares(v))),
    density=_beta_density,
    start=lambda a, b: (a / b).log(),
)


def _near(tails: Tails, shapes, p, lower: bool):
    """A number near the v whose lower or upper tail is p, from that side where p is small."""
    with finer(FEW):
        small = p.mid() if p.mid() < 0.5 else 1 - p.mid()
        own = lower if p.mid() < 0.5 else not lower
        tail, sign = (tails.lower, 1) if own else (tails.upper, -1)
        shapes = [shape.mid() for shape in shapes]
        v, goal = tails.start(*shapes).mid(), small.log()
        before, most = v, ONE  # steps grow slowly: past the root a tail may soon be nothing
        for _ in range(STEPS):
            now().clock()
            value = tail(*shapes, v)
            if not value > 0:
                v, most = ((before + v) / 2).mid(), ONE
                continue
            rate = tails.density(*shapes, v) / value
            step = (sign * (goal - value.log()) / rate).mid()
            if abs(step) > most:
                step, most = (most if step > 0 else -most), 2 * most
            before, v = v, v + step
            if abs(step) < arb(2) ** (-FEW // 3) / (1 + rate):
                break
        return v


def _root(tails: Tails, shapes, p, lower: bool):
    """The v whose lower or upper tail is p, of balls."""
    m = _near(tails, shapes, p, lower)
    tail, sign = (tails.lower, 1) if lower else (tails.upper, -1)
    with finer(ctx.prec + 32):
        step = m
        for _ in range((ctx.prec // 8).bit_length()):
            step = (tail(*shapes, m) - p) / (sign * tails.density(*shapes, m))
            if not step.is_finite():
                return UNKNOWN
            m = (m - step.mid()).mid()
        off = (tail(*shapes, m) - p) / sign
        radius = (abs(off / tails.density(*shapes, m)).upper() * 2).upper()
        radius = radius + (1 + abs(m)) * arb(2) ** (-ctx.prec)
        for _ in range(8):
            around = m + arb(0, radius.upper())
            found = m - off / tails.density(*shapes, around)
            if found.is_finite() and around.contains(found):
                return found
            radius = radius * 16
    return UNKNOWN


def _implicit(tails: Tails, shapes, p, lower: bool):
    """The v whose lower or upper tail is p, of balls and power series."""
    if all(type(part) is arb for part in (*shapes, p)):
        return _root(tails, shapes, p, lower)
    series = [part.regular() if type(part) is Jet else None for part in (*shapes, p)]
    if any(s is None and type(part) is Jet for s, part in zip(series, (*shapes, p), strict=True)):
        return unknown()
    middles = [part if s is None else s[0] for s, part in zip(series, (*shapes, p), strict=True)]
    length = min(s.prec for s in series if s is not None)
    with finer(ctx.prec + LOST * (length - 1)):
        return _series(tails, shapes, p, middles, length, lower)


def _series(tails: Tails, shapes, p, middles, length: int, lower: bool):
    """The power series of v: each of Newton's steps doubles the right terms."""
    v = _root(tails, middles[:-1], middles[-1], lower)
    tail, sign = (tails.lower, 1) if lower else (tails.upper, -1)
    found: Any = Jet(arb_series([v], length))
    known = 1
    while known < length and v.is_finite():
        off = tail(*shapes, found) - p
        if type(off) is not Jet:
            return unknown()
        rest = [ZERO, *coefficients(off.series)[1:]]  # at the root nothing is left of the first
        slope = tails.density(*shapes, found) * sign
        found = found - Jet(arb_series(rest, length)) / slope
        known *= 2
    return found if v.is_finite() else UNKNOWN


def _outside(shapes, p) -> Any:
    """The end at which p is, NaN outside, None within."""
    if any(type(part) is Special for part in (*shapes, p)):
        return NAN
    if any(type(shape) is arb and not shape > 0 for shape in shapes):
        return NAN
    if type(p) is arb:
        if p.is_zero() or p == 1:
            return p
        if p < 0 or p > 1:
            return NAN
    return None


def _gamma_inverse(lower: bool) -> Callable[..., Any]:
    def inverse(a, p):
        end = _outside((a,), p)
        if end is None:
            return fn.exp(_implicit(GAMMA, (a,), p, lower))
        return end if end is NAN else (ZERO if end.is_zero() == lower else INF)

    return inverse


def _beta_inverse(lower: bool) -> Callable[..., Any]:
    def inverse(a, b, p):
        end = _outside((a, b), p)
        if end is None:
            return _shares(_implicit(BETA, (a, b), p, lower))
        if end is NAN:
            return NAN, NAN
        return (ZERO, ONE) if end.is_zero() == lower else (ONE, ZERO)

    return inverse


gammaincinv, gammainccinv = _gamma_inverse(True), _gamma_inverse(False)
betaincinv_shares, betainccinv_shares = _beta_inverse(True), _beta_inverse(False)


def betaincinv(a, b, p):
    """The x with I_x(a, b) = p."""
    return betaincinv_shares(a, b, p)[0]


def betainccinv(a, b, q):
    """The x with 1 - I_x(a, b) = q."""
    return betainccinv_shares(a, b, q)[0]
