r"""Special functions of elements: gamma and its kin, Bessel, the inverse error functions.

On series: Taylor coefficients at the constant term, or the integral of the slope.
"""

from __future__ import annotations

import functools
import math
import operator

from jaxmath.exact.ball import ZERO, acb, arb, arb_series
from jaxmath.exact.functions import along, exp, on_line, taylor, unknown
from jaxmath.exact.ieee import INF, NAN, NEG_INF, Special
from jaxmath.exact.jet import Jet
from jaxmath.exact.powers import whole
from jaxmath.exact.work import finer


def pole(x) -> bool:
    """Whether a ball is exactly one of 0, -1, -2, ..."""
    n = whole(x)
    return n is not None and n <= 0


def _lgamma(x):
    if x > 0:
        return x.lgamma()
    return INF if pole(x) else acb(x).lgamma().real


def _lgamma_series(s):
    if s[0] > 0:
        return s.lgamma()
    sine = s.sin_pi()  # reflected: log |Gamma(x)| = log pi - log |sin pi x| - log Gamma(1 - x)
    return -(sine if sine[0] > 0 else -sine).log() - (1 - s).lgamma() + arb_series([arb.pi().log()])


def _polygammas(c, order, count):
    """The Taylor coefficients of the order-th derivative of digamma at c.

    From the series of log-gamma, a hundred times sooner than Arb's own polygamma.
    """
    with finer(terms=order + count + 1):
        series = _lgamma_series(arb_series([c, 1])).derivative()
        return [
            series[order + k] * (math.factorial(order + k) // math.factorial(k))
            for k in range(count)
        ]


def _digamma(x):
    return NAN if pole(x) else x.digamma()


def _off_poles(c):
    return 0 if pole(c) else 1


lgamma = on_line(_lgamma, _lgamma_series, (INF, INF), _off_poles)
digamma = on_line(
    _digamma, lambda s: taylor(_polygammas(s[0], 0, s.prec), s), (NAN, INF), _off_poles
)


def polygamma(n, x):
    """The n-th derivative of digamma at x, for an integer n >= 0."""
    if type(n) is Special or type(x) is Special:
        return NAN
    order = whole(n) if type(n) is arb else None
    if order is None or order < 0:
        return unknown()
    if type(x) is arb:
        if pole(x):
            return INF if order % 2 else NAN
        return _polygammas(x, order, 1)[0]
    s = x.regular()
    if s is None or pole(s[0]):
        return unknown()
    return Jet(taylor(_polygammas(s[0], order, s.prec), s))


def _erf_inv_slope(y):
    return (y * y).exp() * (arb.pi().sqrt() / 2)


def _inverse_series(ball, sign):
    """The series of an inverse error function: y' = +-(sqrt(pi) / 2) exp(y^2) x'."""

    def series(s):
        start = ball(s[0])
        y = arb_series([start])
        for _ in range(s.prec - 1):
            y = along(start, _erf_inv_slope(y) * sign, s)
        return y

    return series


def _erf_inv(x):
    if x == 1 or x == -1:
        return INF if x > 0 else NEG_INF
    return NAN if abs(x) > 1 else x.erfinv()


def _erfc_inv(x):
    if x == 0 or x == 2:
        return INF if x < 1 else NEG_INF
    return NAN if x < 0 or x > 2 else x.erfcinv()


def _between(low, high):
    def inside(c):
        if c > low and c < high:
            return 1
        return -1 if c < low or c > high else 0

    return inside


erf_inv = on_line(_erf_inv, _inverse_series(arb.erfinv, 1), (NAN, NAN), _between(-1, 1))
erfc_inv = on_line(_erfc_inv, _inverse_series(arb.erfcinv, -1), (NAN, NAN), _between(0, 2))


def scaled_bessel(order):
    """exp(-|x|) I_n(x), with the k-th derivative of I_n as 2^-k sum C(k, j) I_(n-k+2j)."""

    def scaled(n, c):
        return abs(c).bessel_i(abs(n), scaled=True) * (-1 if c < 0 and n % 2 else 1)

    def function(x):
        if type(x) is arb:
            return scaled(order, x)
        if type(x) is Special:
            return NAN if x is NAN else ZERO
        s = x.regular()
        if s is None:
            return unknown()
        c = s[0]
        terms = []
        for k in range(s.prec):
            parts = [math.comb(k, j) * scaled(order - k + 2 * j, c) for j in range(k + 1)]
            total = functools.reduce(operator.add, parts)
            terms.append(total / (arb(2) ** k * math.factorial(k)))
        decay = exp(abs(c) - abs(x))
        return Jet(taylor(terms, s)) * decay

    return function


bessel_i0e, bessel_i1e = scaled_bessel(0), scaled_bessel(1)
