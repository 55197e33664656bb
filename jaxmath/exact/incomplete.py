r"""The incomplete gamma and beta functions in all their arguments, and the zeta function.

For large a the series of positive terms serves,

$$P(a, x) = \frac{x^a e^{-x}}{\Gamma(a + 1)} \sum_{n \ge 0} \frac{x^n}{(a + 1) \cdots (a + n)},$$

whose rest is at most a geometric one; Arb's own evaluation loses all digits there. So does its
incomplete beta function, for which the like series of either end serves. Derivatives in
parameters come from values in the complex plane (`cauchy`). Source: DLMF 8.11.4, 8.17, 25.11.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from jaxmath.exact import functions as fn
from jaxmath.exact.ball import ONE, UNKNOWN, ZERO, acb, arb, arb_series, ctx
from jaxmath.exact.cauchy import analytic, slope
from jaxmath.exact.functions import unknown
from jaxmath.exact.gamma import lgamma
from jaxmath.exact.ieee import INF, NAN, Special, sign_of
from jaxmath.exact.jet import Jet
from jaxmath.exact.work import finer, now, worth

LARGE = 10
"""From this a on the series of positive terms is used."""
FAR = 8
"""Beyond x = 8 a the tail is small and Arb's asymptotic series serve."""

LONGEST = 1e5
"""Beyond this x the series is not a fallback: it has more terms than x."""

MOST_TERMS = 2e7
"""Beyond so many terms, about x - a, the series is not summed: a tail is somewhere in [0, 1]."""

LARGEST = 1e300
"""Of shapes from here on the number of terms is not known."""

MOST_BETA = 1e5
"""So many terms of the series of I_x(a, b) are summed, or it is somewhere in [0, 1]."""


def _by_series(a, x) -> bool:
    a, x = (z.real if type(z) is acb else z for z in (a, x))
    return a > LARGE and x < FAR * a


def _positive(a, x):
    """P(a, x) of balls or complex boxes, by the series of positive terms."""
    start, end = (z.real if type(z) is acb else z for z in (a, x))
    if not start > 0:  # a + n is never sure to be far from zero
        return a * arb.nan()
    if not end.upper() - start.lower() <= MOST_TERMS:
        return arb(0.5, 0.5) if type(a) is type(x) is arb else a * arb.nan()
    lost = 8 + max(2 * int(float(abs(a).upper().log())), 0)
    with finer(_precision() + lost):
        goal = arb(2) ** (-_precision())
        term: Any = a * 0 + 1
        total, n = term, 0
        while True:
            n += 1
            ratio = x / (a + n)
            term = term * ratio
            total = total + term
            if n % 32 == 0:
                now().clock()
                q = abs(x / (a + (n + 1))).upper()
                if q < 1:
                    rest = (abs(term) * q / (1 - q)).upper()
                    if rest < goal * abs(total).upper():
                        break
        radius = arb(0, rest)
        total = total + (acb(radius, radius) if type(total) is acb else radius)
        return total * (a * x.log() - x - (a + 1).lgamma()).exp()


def _precision() -> int:
    return ctx.prec


def _far(a, x):
    """Chernoff's bound of Q(a, x), where it says as much as the precision."""
    if type(a) is arb and type(x) is arb and x > a:
        bound = (a - x + a * (x / a).log()).exp().upper()
        if bound < arb(2) ** (-_precision()):
            return arb(0, bound)
    return None


def lower(a, x):
    """P(a, x) on balls and on complex boxes."""
    if (far := _far(a, x)) is not None:
        return 1 - far
    if not _by_series(a, x):
        with worth(a, x):
            value = x.gamma_lower(a, regularized=1)
        if value.is_finite() or abs(x) > LONGEST:
            return value
    return _positive(a, x)


def upper(a, x):
    """Q(a, x) on balls and on complex boxes."""
    if not _by_series(a, x):
        with worth(a, x):
            value = x.gamma_upper(a, regularized=1)
        if value.is_finite() or abs(x) > LONGEST:
            return value
    far = _far(a, x)
    return 1 - _positive(a, x) if far is None else far


def _room(a, x):
    return min(a, ONE, key=float).lower(), (x / (1 + x)).lower()


def _incomplete_gamma(function, sign, at_zero, at_infinity):
    """P or Q by the rules of IEEE at the ends; along x alone the integral of the density."""
    inside = analytic(function, function, _room)

    def lifted(a, x):
        if type(a) is Special or type(x) is Special:
            return at_infinity if x is INF and type(a) is not Special and sign_of(a) == 1 else NAN
        if type(a) is arb and type(x) is arb:
            if a <= 0 or x < 0:
                return NAN
            if x.is_zero():
                return at_zero
        if type(a) is arb and type(x) is Jet:
            s = x.regular()
            if s is None or not s[0] > 0:
                return unknown()
            density = fn.exp((a - 1) * fn.log(Jet(s)) - Jet(s) - lgamma(a))
            if type(density) is not Jet:  # a may be zero: nothing is known of it
                return UNKNOWN
            return Jet(fn.along(function(a, s[0]), density.series * sign, s))
        return inside(a, x)

    return lifted


igamma = _incomplete_gamma(lower, 1, ZERO, ONE)
igammac = _incomplete_gamma(upper, -1, ONE, ZERO)
_complex_da = slope(lower, _room)


def _ball_da(a, x):
    return _complex_da(acb(a), acb(x)).real


_da = analytic(_ball_da, _complex_da, _room)


def igamma_grad_a(a, x):
    """The derivative of P(a, x) in a."""
    if type(a) is Special or type(x) is Special:
        return NAN
    return ZERO if type(x) is arb and x.is_zero() else _da(a, x)


def _complex_draw(a, x):
    density = ((a - 1) * x.log() - x - a.lgamma()).exp()
    return -_complex_da(a, x) / density


_draw = analytic(lambda a, x: _complex_draw(acb(a), acb(x)).real, _complex_draw, _room)


def random_gamma_grad(a, x):
    """The derivative in a of a gamma variate x, its probability held fixed."""
    if type(a) is Special or type(x) is Special:
        return NAN
    return _draw(a, x)


def _terms(a, b, x, y) -> float:
    """About how many terms of the series of positive terms give I_x(a, b) to the precision."""
    a, b = (float(part) for part in (a, b))
    if not max(a, b) < LARGEST:
        return MOST_BETA
    log_x = float(x.log()) if x < 0.5 else float((-y).log1p())
    least = -0.7 * _precision() - 40
    start = math.lgamma(a + 1) - math.lgamma(a + b)
    n = 8.0
    while n < MOST_BETA:
        falls = log_x + math.log1p((b - 1) / (a + 1 + n)) < 0
        if falls and start + math.lgamma(a + b + n) - math.lgamma(a + 1 + n) + n * log_x < least:
            break
        n *= 1.25
    return n


def _beta_series(a, b, x, y, terms):
    """I_x(a, b) at x = 1 - y by DLMF 8.17.8, to that many terms; Arb bounds the rest."""
    a, b, x, y = (acb(part) for part in (a, b, x, y))
    height = a * x.log() + b * y.log() + (a + b).lgamma() - (a + 1).lgamma() - b.lgamma()
    return height.exp() * x.hypgeom([a + b, acb(1)], [a + 1], n=int(terms))


def _beta_value(a, b, x, y):
    """I_x(a, b) of balls or complex boxes at x = 1 - y, both given, from the shorter series."""
    real = all(type(part) is arb for part in (a, b, x, y))
    middles = [(part.real if type(part) is acb else part).mid() for part in (a, b, x, y)]
    if real and (x.is_zero() or y.is_zero()):
        return ZERO if x.is_zero() else ONE
    if not all(part > 0 for part in middles):
        return x.beta_lower(a, b, regularized=1)
    now().clock()
    p, q, u, v = middles
    lost = 16 + max(2 * int(math.log2(float(p + q) + 1)), 0)
    with finer(_precision() + lost):
        own, other = _terms(p, q, u, v), _terms(q, p, v, u)
        if min(own, other) >= MOST_BETA:
            return _bounded(a, b, x, y) if real else a * arb.nan()
        if own > other:
            value = 1 - _beta_series(b, a, y, x, other)
            kept = value.real.rel_accuracy_bits() > _precision() // 2
            if not kept and own < MOST_BETA:
                value = _beta_series(a, b, x, y, own)
        else:
            value = _beta_series(a, b, x, y, own)
        return value.real if real else value


def _bounded(a, b, x, y):
    """I_x(a, b) by the bound x^a y^b / (B(a, b) |b x - a y|) of the tail that ends away from a."""
    lead = b * x - a * y
    if lead.contains(0):
        return arb(0.5, 0.5)
    logs = a * x.log() + b * y.log() + (a + b).lgamma() - a.lgamma() - b.lgamma()
    half = min((logs.exp() / abs(lead)).upper(), ONE, key=float) / 2
    tail = arb(half, half)
    return 1 - tail if lead > 0 else tail


def _beta_room(a, b, x):
    one = min(a, ONE, key=float), min(b, ONE, key=float), min(x, 1 - x, key=float)
    return [r.lower() for r in one]


def _beta_tail(function, sign) -> Callable[..., Any]:
    """I_x(a, b) or what it lacks to one; along x alone the integral of the density."""
    inside = analytic(function, function, _beta_room)

    def tail(a, b, x):
        if any(type(n) is Special for n in (a, b, x)):
            return NAN
        balls = [n for n in (a, b) if type(n) is arb]
        if any(n < 0 for n in balls) or (type(x) is arb and (x < 0 or x > 1)):
            return NAN
        s = x.regular() if type(x) is Jet and len(balls) == 2 else None
        if s is not None and s[0] > 0 and s[0] < 1:
            x = Jet(s)
            powers = (a - 1) * fn.log(x) + (b - 1) * fn.log1p(-x)
            density: Any = fn.exp(powers - lgamma(a) - lgamma(b) + lgamma(a + b))
            if type(density) is arb and not density.is_finite():  # a or b may be zero
                return UNKNOWN
            slope = density.series if type(density) is Jet else arb_series([density])  # a = b = 1
            return Jet(fn.along(function(a, b, s[0]), slope * sign, s))
        return inside(a, b, x)

    return tail


incomplete_beta = _beta_tail(lambda a, b, x: _beta_value(a, b, x, 1 - x), 1)
"""I_x(a, b), the regularized incomplete beta function."""
_above_beta = _beta_tail(lambda a, b, x: _beta_value(b, a, 1 - x, x), -1)


def _middle(x):
    return x.series[0] if type(x) is Jet else x


def incomplete_beta_shares(a, b, x, y):
    """I_x(a, b) at x = 1 - y, from the smaller of the two, which are both given."""
    if type(x) is Special or type(y) is Special or _middle(x).mid() <= _middle(y).mid():
        return incomplete_beta(a, b, x)
    return _above_beta(b, a, y)


def incomplete_beta_complement(a, b, x):
    """The complement of I_x(a, b)."""
    if type(x) is Special or _middle(x).mid() <= 0.5:
        return _above_beta(a, b, x)
    return incomplete_beta(b, a, 1 - x)


def _complex_zeta(s, q):
    return s.zeta(q)


def _zeta_room(s, q):
    return (s - 1).lower(), min(q, ONE, key=float).lower()


_zeta = analytic(_complex_zeta, _complex_zeta, _zeta_room)


def zeta(s, q):
    """The Hurwitz zeta function, the sum of (k + q)^-s over k = 0, 1, ..., for s > 1."""
    if type(s) is Special or type(q) is Special:
        return NAN
    if type(s) is arb and s <= 1:
        return INF if s == 1 else NAN
    return _zeta(s, q)
