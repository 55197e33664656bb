r"""Elementary functions of elements: balls, jets, NaN and the infinities.

A function of a jet is Arb's own power series where it has one, else the integral of the slope,
$f(c) + \int_0^t f'(x(\tau))\, x'(\tau)\,d\tau$, with the slope in a form that loses nothing.
Any Python function of these and of + - * / is a function of elements, with all its derivatives.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jaxmath.exact.ball import ONE, UNKNOWN, ZERO, arb, arb_series
from jaxmath.exact.ieee import INF, NAN, NEG_INF, Special, element, sign_of
from jaxmath.exact.jet import Jet
from jaxmath.exact.work import note, now

HUGE = arb(2) ** 62
"""Beyond it exponentials leave Arb's exponents: what every format calls overflow."""

OVERFLOW = "a number beyond Arb's exponents is taken for an infinity"
"""The note of a finite number for which an infinity stands: no proof of what follows from it."""


def unknown():
    """A result that power series do not reach; differences will."""
    now().singular = True
    return UNKNOWN


def on_line(ball, series, limits: tuple, inside: Callable | None = None) -> Any:
    """Lift a function to elements.

    `ball` is its value on balls, `series` on a power series with a constant term in the interior of
    the domain; `limits` its values at -inf and +inf; `inside(c)` says on which side of the
    domain's end a ball lies: 1 inside, 0 at the end, -1 outside, where the result is NaN.
    """
    low, high = limits

    def function(x):
        if type(x) is arb:
            value = ball(x)
            if type(value) is arb and not value.is_finite():  # unknown, or beyond Arb's exponents
                if x > HUGE and type(high) is Special:
                    note(OVERFLOW)
                    return high
                if x < -HUGE and type(low) is Special:
                    note(OVERFLOW)
                    return low
            return value
        if type(x) is Jet:
            c = x.regular()
            if c is None:
                return unknown()
            if inside is not None:
                side = inside(c[0])
                if side < 0:
                    return NAN
                if side == 0:
                    return unknown()
            return Jet(series(c))
        if type(x) is Special:
            limit = NAN if x is NAN else (high if x is INF else low)
            return limit() if callable(limit) else limit
        return function(element(x))

    return function


def along(value, slope, series):
    """The series of f(series) from f at its constant term and the series of f' along it."""
    return arb_series([value]) + (slope * series.derivative()).integral()


def taylor(terms, series):
    """A Taylor polynomial, whose `terms` stand round the constant term of the series, of it."""
    step = series - arb_series([series[0]])
    total = arb_series([terms[-1]])
    for term in reversed(terms[:-1]):
        total = total * step + arb_series([term])
    return total


def by_slope(ball, slope):
    """On series, the integral of a slope."""
    return lambda s: along(ball(s[0]), slope(s), s)


def _domain(low=None, high=None):
    """On which side of the ends of an open interval a ball lies."""

    def inside(c):
        sides = []
        if low is not None:
            sides.append(sign_of(c - low))
        if high is not None:
            sides.append(sign_of(high - c))
        return min(sides)

    return inside


def _at_ends(ball, low=None, high=None, at_low=None, at_high=None):
    """A function of balls with its values at the ends of its domain, NaN outside."""

    def function(x):
        value = ball(x)
        if value.is_finite():
            return value
        if low is not None:
            if x == low:
                return NAN if at_low is None else at_low
            if x < low:
                return NAN
        if high is not None:
            if x == high:
                return NAN if at_high is None else at_high
            if x > high:
                return NAN
        return value

    return function


def _cosh_series(s):
    up = s.exp()
    return (up + 1 / up) / 2


def _sech_squared(s):
    """4 e^(-2|x|) / (1 + e^(-2|x|))^2: no cancellation, no overflow."""
    decay = ((s if s[0] < 0 else -s) * 2).exp()
    return 4 * decay / ((1 + decay) * (1 + decay))


def _logistic(x):
    return 1 / (1 + (-x).exp()) if x > 0 else _grown(x)


def _grown(x):
    up = x.exp()
    return up / (1 + up)


def _logistic_slope(s):
    return _sech_squared(s / 2) / 4


def _inverse_root(square):
    """One over the square root of a polynomial in the series."""
    return lambda s: square(s).rsqrt()


exp = on_line(arb.exp, arb_series.exp, (ZERO, INF))
expm1 = on_line(arb.expm1, by_slope(arb.expm1, arb_series.exp), (-ONE, INF))
exp2 = on_line(
    lambda x: arb(2) ** x,
    lambda s: (s * arb_series([arb(2).log()])).exp(),
    (ZERO, INF),
)
log = on_line(_at_ends(arb.log, low=0, at_low=NEG_INF), arb_series.log, (NAN, INF), _domain(low=0))
log1p = on_line(
    _at_ends(arb.log1p, low=-1, at_low=NEG_INF),
    by_slope(arb.log1p, lambda s: 1 / (1 + s)),
    (NAN, INF),
    _domain(low=-1),
)
sin = on_line(arb.sin, arb_series.sin, (NAN, NAN))
cos = on_line(arb.cos, arb_series.cos, (NAN, NAN))
tan = on_line(arb.tan, arb_series.tan, (NAN, NAN))
atan = on_line(
    arb.atan,
    by_slope(arb.atan, lambda s: 1 / (1 + s * s)),
    (lambda: -arb.pi() / 2, lambda: arb.pi() / 2),
)
asin = on_line(_at_ends(arb.asin, -1, 1), arb_series.asin, (NAN, NAN), _domain(-1, 1))
acos = on_line(_at_ends(arb.acos, -1, 1), arb_series.acos, (NAN, NAN), _domain(-1, 1))
sinh = on_line(arb.sinh, by_slope(arb.sinh, _cosh_series), (NEG_INF, INF))
cosh = on_line(arb.cosh, _cosh_series, (INF, INF))
tanh = on_line(arb.tanh, by_slope(arb.tanh, _sech_squared), (-ONE, ONE))
asinh = on_line(arb.asinh, by_slope(arb.asinh, _inverse_root(lambda s: 1 + s * s)), (NEG_INF, INF))
acosh = on_line(
    _at_ends(arb.acosh, low=1),
    by_slope(arb.acosh, _inverse_root(lambda s: (s - 1) * (s + 1))),
    (NAN, INF),
    _domain(low=1),
)
atanh = on_line(
    _at_ends(arb.atanh, -1, 1, NEG_INF, INF),
    by_slope(arb.atanh, lambda s: 1 / ((1 - s) * (1 + s))),
    (NAN, NAN),
    _domain(-1, 1),
)
logistic = on_line(_logistic, by_slope(_logistic, _logistic_slope), (ZERO, ONE))
erf = on_line(arb.erf, arb_series.erf, (-ONE, ONE))
erfc = on_line(arb.erfc, arb_series.erfc, (arb(2), ZERO))


def logaddexp(a, b):
    """log(exp(a) + exp(b)), analytic in both."""
    if type(a) is Special or type(b) is Special:
        if a is NAN or b is NAN:
            return NAN
        if a is INF or b is INF:
            return INF
        return b if a is NEG_INF else a
    gap = a - b
    first = gap.regular() if type(gap) is Jet else gap
    if first is None:
        return unknown()
    above = (first[0] if type(gap) is Jet else first) > 0
    return a + log1p(exp(-gap)) if above else b + log1p(exp(gap))
