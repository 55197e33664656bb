"""Powers, roots and angles: functions whose value at zero needs care.

Where a series begins with t^k, a root of degree q begins with t^(k/q): if that is no whole power,
the evaluation is begun again with t^q in place of t, and the derivative is found to be infinite.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from jaxmath.exact.ball import ONE, ZERO, arb, arb_series
from jaxmath.exact.compare import compare
from jaxmath.exact.functions import exp, log, unknown
from jaxmath.exact.ieee import INF, NAN, NEG_INF, Special, element, sign_of
from jaxmath.exact.jet import Jet, raised
from jaxmath.exact.work import Ramified, now

LARGEST_ROOT = 12
LARGEST_PRODUCT = 1 << 16
"""Integer powers beyond this go through the logarithm."""


def integer_power(x, n: int):
    """X to an integer power, by repeated squaring."""
    if type(x) is arb:
        if n < 0 and x.is_zero():
            return INF
        return x**n
    if n == 0:
        return ONE
    if n < 0:
        below = integer_power(x, -n)
        return INF if type(below) is arb and below.is_zero() else 1 / below
    total = None
    while n:
        if n & 1:
            total = x if total is None else total * x
        n >>= 1
        if n:
            x = x * x
    return total


def power(x, y):
    """X to the power y, by the rules of IEEE's pow."""
    n = whole(y) if type(y) is arb and type(x) is not Special else None
    if n is not None and (abs(n) < LARGEST_PRODUCT or type(x) is arb):
        return integer_power(x, n)
    if type(x) is Special or type(y) is Special:
        return _power_at_infinity(x, y)
    if type(x) is arb and type(y) is arb:
        return _power_of_balls(x, y)
    if type(x) is not Jet and type(x) is not arb:
        return power(element(x), y)
    if type(y) is not Jet and type(y) is not arb:
        return power(x, element(y))
    sign = sign_of(x)
    if sign == -1:
        if type(y) is arb and (n := whole(y)) is not None:
            size: Any = exp(y * log(-x))
            return -size if n & 1 else size
        return NAN
    if type(x) is Jet and type(y) is arb:
        return _power_of_jet(x, y)
    if sign == 0:
        return ZERO if sign_of(y) == 1 else unknown()
    return exp(y * log(x))


def whole(y) -> int | None:
    """The integer that a ball is exactly."""
    if not y.is_exact():
        return None
    found = y.unique_fmpz()
    return None if found is None else int(found)


def _power_of_balls(x, y):
    if x > 0:
        return x**y
    if x.is_zero():
        sign = sign_of(y)
        return (INF, ONE, ZERO)[sign + 1]
    if x < 0:
        return NAN if y.is_exact() else x**y
    return x**y


def _power_at_infinity(x, y):
    """Python's own pow says it all once finite numbers are replaced by ones of the same class."""
    if type(y) is not Special and sign_of(y) == 0:
        return ONE
    if type(x) is not Special and compare(x, ONE) == 0:
        return ONE
    if (type(x) is Special and x is NAN) or (type(y) is Special and y is NAN):
        return NAN
    if type(x) is Special:
        odd = type(y) is arb and (n := whole(y)) is not None and n & 1
        positive = sign_of(y) == 1
        if x is INF or not odd:
            return INF if positive else ZERO
        return NEG_INF if positive else ZERO
    size: Any = compare(abs(x), ONE)
    if size == 0:
        return ONE
    return INF if (size > 0) == (y is INF) else ZERO


def _power_of_jet(x, y, exponent: Fraction | None = None):
    """A jet with a positive or vanishing beginning, to a fixed power y, the fraction `exponent`."""
    series = x.series
    if x.shift == 0 and series[0] > 0:
        return Jet((series.log() * arb_series([y])).exp())
    order = x.order()
    if order is None:
        return unknown()
    now().sided = True
    start = x.shift + order
    exponent = exponent or _fraction(y)
    if exponent is None:
        return unknown()
    first = start * exponent
    if first.denominator > 1:
        raise Ramified(first.denominator)
    rest = raised(series, order)
    return Jet((rest.log() * arb_series([y])).exp(), int(first))


def _fraction(y) -> Fraction | None:
    """The fraction with a small denominator that a ball is exactly."""
    for q in range(1, LARGEST_ROOT + 1):
        if y.is_exact() and (p := whole(y * q)) is not None:
            return Fraction(p, q)
    return None


def sqrt(x):
    """The square root; NaN below zero."""
    if type(x) is arb:
        if x < 0:
            return NAN
        return x.sqrt()
    if type(x) is Special:
        return x if x is INF else NAN
    if type(x) is Jet:
        if x.shift == 0 and x.series[0] > 0:
            return Jet(x.series.sqrt())
        sign = x.sign()
        return NAN if sign == -1 else (ZERO if sign == 0 else _power_of_jet(x, arb(0.5)))
    return sqrt(element(x))


def rsqrt(x):
    """One over the square root; infinite at zero."""
    if type(x) is arb:
        if x.is_zero():
            return INF
        return NAN if x < 0 else x.rsqrt()
    if type(x) is Jet and x.shift == 0 and x.series[0] > 0:
        return Jet(x.series.rsqrt())
    root: Any = sqrt(x)
    return INF if type(root) is arb and root.is_zero() else 1 / root


def cbrt(x):
    """The real cube root."""
    if type(x) is Special:
        return x
    sign = sign_of(x)
    if sign == 0:
        return ZERO
    if sign == -1:
        return -cbrt(-x)
    if type(x) is arb:
        return x.root(3)
    return _power_of_jet(x, arb(1) / 3, Fraction(1, 3))


def atan2(y, x):
    """The angle of the point (x, y)."""
    if type(x) is Special or type(y) is Special:
        if (type(x) is Special and x is NAN) or (type(y) is Special and y is NAN):
            return NAN
        signs: list[Any] = [n.value if type(n) is Special else sign_of(n) for n in (y, x)]
        return arb.pi() * round(math.atan2(*signs) / (math.pi / 4)) / 4
    if type(x) is arb and type(y) is arb:
        return arb.atan2(y, x)
    sx, sy = (n.regular() if type(n) is Jet else arb_series([n]) for n in (x, y))
    if sx is None or sy is None:
        return unknown()
    cx, cy = sx[0], sy[0]
    if cx.is_zero() and cy.is_zero():
        return unknown()
    start = arb.atan2(cy, cx)
    if cx < 0 and cy.contains(0):  # on the branch cut the side decides
        start = arb.pi() * (1 if sign_of(y) >= 0 else -1) + (cy / cx).atan()
    slope = (sx * sy.derivative() - sy * sx.derivative()) / (sx * sx + sy * sy)
    return Jet(arb_series([start]) + slope.integral())
