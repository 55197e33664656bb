"""Integrals that JAX computes from fits: Fresnel's, the sine and cosine integrals, Owen's T."""

from __future__ import annotations

from typing import Any

from jaxmath.exact import functions as fn
from jaxmath.exact.ball import ONE, ZERO, acb, arb, arb_series
from jaxmath.exact.functions import along, unknown
from jaxmath.exact.ieee import NAN, NEG_INF, Special
from jaxmath.exact.jet import Jet


def _phase(s):
    return s * s * arb_series([arb.pi() / 2])


_fresnel_s = fn.on_line(
    lambda x: x.fresnel_s(),
    fn.by_slope(lambda x: x.fresnel_s(), lambda s: _phase(s).sin()),
    (-ONE / 2, ONE / 2),
)
_fresnel_c = fn.on_line(
    lambda x: x.fresnel_c(),
    fn.by_slope(lambda x: x.fresnel_c(), lambda s: _phase(s).cos()),
    (-ONE / 2, ONE / 2),
)


def fresnel(x):
    """S(x) and C(x), of sin and cos of pi t^2 / 2."""
    return _fresnel_s(x), _fresnel_c(x)


_si = fn.on_line(arb.si, arb_series.si, (lambda: -arb.pi() / 2, lambda: arb.pi() / 2))
_ci = fn.on_line(
    lambda x: NEG_INF if x.is_zero() else abs(x).ci(),
    lambda s: along(abs(s[0]).ci(), s.cos() / s, s),
    (ZERO, ZERO),
    lambda c: 0 if c.contains(0) else 1,
)


def sici(x):
    """The sine integral, and the cosine integral of |x|."""
    return _si(x), _ci(x)


def _owen(h, a):
    """T(h, a) of balls, by Arb's integration of analytic functions."""

    def integrand(t, analytic):
        square = 1 + t * t
        return (-square * (h * h / 2)).exp() / square

    return acb.integral(integrand, acb(0), acb(a)).real / (2 * arb.pi())


def owens_t(h, a):
    """Owen's T: the mass of a wedge under the bivariate normal."""
    if type(h) is Special or type(a) is Special:
        if h is NAN or a is NAN:
            return NAN
        if type(h) is Special:
            return ZERO
        tail = fn.erfc(abs(h) / arb(2).sqrt()) / 4
        return -tail if a is NEG_INF else tail
    if type(h) is arb and type(a) is arb:
        return _owen(h, a)
    parts: list[Any] = [x.regular() if type(x) is Jet else arb_series([x]) for x in (h, a)]
    if None in [p if p is None else 0 for p in parts]:
        return unknown()
    h, a = parts
    square = 1 + a * a
    in_a = (-square * h * h / 2).exp() / square / arb_series([2 * arb.pi()])
    spread = arb_series([(8 * arb.pi()).sqrt()])
    in_h = -(-h * h / 2).exp() * (a * h / arb_series([arb(2).sqrt()])).erf() / spread
    slope = in_a * a.derivative() + in_h * h.derivative()
    return Jet(arb_series([_owen(h[0], a[0])]) + slope.integral())
