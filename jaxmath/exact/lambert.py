"""Lambert's W function on elements: Arb's own, and on series the integral of its slope."""

from __future__ import annotations

from jaxmath.exact import functions as fn
from jaxmath.exact.ball import ZERO, arb, arb_series
from jaxmath.exact.ieee import INF, NAN, NEG_INF


def _branch(index: int, end, at_infinity):
    """A branch; `end` is where its domain ends beside -1/e."""

    def ball(x):
        if end is not None and x.is_zero():
            return NEG_INF
        above = x + arb(-1).exp()
        if above < 0 or (end is not None and x > end):
            return NAN
        return x.lambertw(index)

    def series(s):
        start = s[0].lambertw(index)
        y = arb_series([start])
        for _ in range(s.prec - 1):
            y = fn.along(start, (-y).exp() / (1 + y), s)
        return y

    def inside(c):
        above = c + arb(-1).exp()
        if above > 0 and (end is None or c < end):
            return 1
        return -1 if above < 0 or (end is not None and c > end) else 0

    return fn.on_line(ball, series, (NAN, at_infinity), inside)


principal = _branch(0, None, INF)
lower = _branch(-1, ZERO, NAN)


def _slope(branch):
    def slope(x):
        w = branch(x)
        return fn.exp(-w) / (1 + w)

    return slope


principal_dx, lower_dx = _slope(principal), _slope(lower)
