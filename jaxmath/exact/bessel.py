r"""The Bessel functions of the von Mises distribution on elements.

Near zero from $I_n(x) = (x/2)^n\,R_{n+1}(x^2/4)$, where $R_b = {}_0F_1(; b; \cdot) / \Gamma(b)$ is
entire and $R_b' = R_{b+1}$; farther out from those that Arb scales by $e^{-|x|}$.
"""

from __future__ import annotations

import math

from jaxmath.exact import functions as fn
from jaxmath.exact.ball import ONE, UNKNOWN, ZERO, arb, arb_series, ctx
from jaxmath.exact.gamma import bessel_i0e, bessel_i1e, scaled_bessel
from jaxmath.exact.ieee import INF, NAN, NEG_INF, Special
from jaxmath.exact.jet import Jet
from jaxmath.exact.normal import middle
from jaxmath.exact.work import finer, now

FAR = 8

_bessel_i2e = scaled_bessel(2)


def _regular(b: int):
    """R_b on elements."""

    def ball(z):
        return z.hypgeom_0f1(b, regularized=True)

    def series(s):
        terms = [
            s[0].hypgeom_0f1(b + k, regularized=True) / math.factorial(k) for k in range(s.prec)
        ]
        return fn.taylor(terms, s)

    return fn.on_line(ball, series, (NAN, INF))


_R1, _R2, _R3, _R4 = (_regular(b) for b in (1, 2, 3, 4))


def _near(x) -> bool:
    return abs(middle(x)) < FAR


def log_i0(x):
    """The logarithm of I_0."""
    if type(x) is Special:
        return x if x is NAN else INF
    return fn.log(_R1(x * x / 4)) if _near(x) else fn.log(bessel_i0e(x)) + abs(x)


def log_i0e(x):
    """The logarithm of exp(-x) I_0."""
    if type(x) is Special:
        return x if x is NAN else (INF if x is NEG_INF else NEG_INF)
    return log_i0(x) - x


def i0e(x):
    """Exp(-x) I_0."""
    if type(x) is Special:
        return x if x is NAN else (INF if x is NEG_INF else ZERO)
    return fn.exp(-x) * _R1(x * x / 4) if _near(x) else bessel_i0e(x) * fn.exp(abs(x) - x)


def ratio(x):
    """I_1 over I_0."""
    if type(x) is Special:
        return x if x is NAN else (ONE if x is INF else -ONE)
    if _near(x):
        z = x * x / 4
        return x / 2 * _R2(z) / _R1(z)
    return bessel_i1e(x) / bessel_i0e(x)


def complement(x):
    """One less the ratio."""
    return 1 - ratio(x)


def _second(x):
    """I_2 over I_0."""
    if _near(x):
        z = x * x / 4
        return z * _R3(z) / _R1(z)
    return _bessel_i2e(x) / bessel_i0e(x)


def ratio_dx(x):
    """The slope of the ratio."""
    if type(x) is Special:
        return x if x is NAN else ZERO
    a = ratio(x)
    return (1 + _second(x)) / 2 - a * a


def ratio_dx_dx(x):
    """The curvature of the ratio."""
    if type(x) is Special:
        return x if x is NAN else ZERO
    a, second = ratio(x), _second(x)
    third = a - 4 * second / x if not _near(x) else x * x * x / 8 * _R4(x * x / 4) / _R1(x * x / 4)
    return (a + third) / 4 - a * second / 2 - 2 * a * ratio_dx(x)


def _ratio_inverse(r):
    """The x whose ratio is a ball."""
    if r == 1 or r == -1:
        return INF if r > 0 else NEG_INF
    if not abs(r) < 1:
        return NAN if abs(r) > 1 else UNKNOWN
    if r.is_zero():
        return ZERO
    with finer(bits=ctx.prec + _lost(r)):
        return _proven(r)


def _lost(r) -> int:
    """How many bits the slope loses beside the ratio, both of which tend to constants."""
    return 64 + 4 * max(-int((1 - abs(r)).mid().log().floor().unique_fmpz() or 0) * 2, 0)


def _proven(r):
    """Between the bounds that Newton's method proves."""
    m = (r.mid() * (2 - r.mid() ** 2) / (1 - r.mid() ** 2)).mid()
    step = m
    for _ in range(ctx.prec.bit_length() + 4):
        step = (ratio(m) - r) / ratio_dx(m)
        m = (m - step).mid()
    radius = abs(step).upper() + abs(m) * arb(2) ** (-now().bits)
    for _ in range(8):
        around = m + arb(0, radius.upper())
        found = m - (ratio(m) - r) / ratio_dx(around)
        if around.contains(found):
            return found
        radius = radius * 16
    return UNKNOWN


def _ratio_inverse_series(s):
    with finer(bits=ctx.prec + s.prec * _lost(s[0])):
        start = _ratio_inverse(s[0])
        if isinstance(start, Special) or not start.is_finite():
            return s * arb.nan()
        y = arb_series([start])
        for _ in range(s.prec - 1):
            slope = ratio_dx(Jet(y))
            slope = slope.series if type(slope) is Jet else arb_series([slope])
            y = fn.along(start, 1 / slope, s)
        return y


def _side(c):
    return 1 if abs(c) < 1 else (-1 if abs(c) > 1 else 0)


ratio_inverse = fn.on_line(_ratio_inverse, _ratio_inverse_series, (NAN, NAN), _side)


def ratio_inverse_dr(r):
    """The slope of the inverse."""
    x = ratio_inverse(r)
    return INF if x is INF or x is NEG_INF else 1 / ratio_dx(x)


def ratio_difference(a, b):
    """The ratio at b less that at a."""
    return ratio(b) - ratio(a)


def log_i0_divergence(a, b):
    """The excess of log I_0 at b over its tangent at a."""
    return log_i0(b) - log_i0(a) - (b - a) * ratio(a)
