"""The hypergeometric functions 1F1 and 2F1 in all their arguments."""

from __future__ import annotations

from jaxmath.exact.ball import ONE, arb
from jaxmath.exact.cauchy import analytic
from jaxmath.exact.ieee import NAN, Special


def _from_pole(b):
    """How far a parameter is from 0, -1, -2, ..."""
    if b > 0:
        return min(b, ONE, key=float).lower()
    return min(b - b.floor(), b.ceil() - b, key=float).lower()


def _confluent(a, b, x):
    return x.hypgeom_1f1(a, b)


_hyp1f1 = analytic(_confluent, _confluent, lambda a, b, x: (ONE, _from_pole(b), ONE))


def hyp1f1(a, b, x):
    """Kummer's function M(a, b, x)."""
    return NAN if any(type(n) is Special for n in (a, b, x)) else _hyp1f1(a, b, x)


def _gauss(a, b, c, x):
    return x.hypgeom_2f1(a, b, c)


_hyp2f1 = analytic(
    _gauss, _gauss, lambda a, b, c, x: (ONE, ONE, _from_pole(c), min(1 - x, ONE, key=float).lower())
)


def hyp2f1(a, b, c, x):
    """Gauss's function F(a, b; c; x), for x < 1."""
    if any(type(n) is Special for n in (a, b, c, x)):
        return NAN
    if type(x) is arb and x > 1:
        return NAN
    return _hyp2f1(a, b, c, x)
