"""What functions of `jax.scipy.special` mean whose code is a truncated series or a fit.

A meaning is a function of elements, written with `functions`, `powers`, `gamma` and the usual
operators. See `meanings` for how a call is recognised.
"""

from __future__ import annotations

import jax.scipy.special

from jaxmath.exact import functions as fn
from jaxmath.exact import gamma, hypergeometric, integrals, own
from jaxmath.exact.ball import ONE, ZERO, arb, arb_series
from jaxmath.exact.compare import compare
from jaxmath.exact.exponential import matrix_exponential
from jaxmath.exact.ieee import INF, NAN, NEG_INF, Special
from jaxmath.exact.jet import Jet
from jaxmath.exact.meanings import Twin
from jaxmath.exact.normal import erfcx, log_ndtr, ndtri


def log_beta(a, b):
    """The logarithm of the beta function."""
    return gamma.lgamma(a) + gamma.lgamma(b) - gamma.lgamma(a + b)


def beta(a, b):
    """The beta function, of either sign."""
    size = fn.exp(log_beta(a, b))
    return size if _gamma_sign(a) * _gamma_sign(b) * _gamma_sign(a + b) > 0 else -size


def _gamma_sign(x) -> int:
    """The sign of the gamma function."""
    if type(x) is Special or compare(x, ZERO) != -1:
        return 1
    middle = x.series[0] if type(x) is Jet else x
    return -1 if int(middle.floor().unique_fmpz() or 0) % 2 else 1


def gamma_function(x):
    """The gamma function."""
    if x is NEG_INF:
        return NAN
    if type(x) is arb and x.is_zero():
        return INF
    if type(x) is arb and gamma.pole(x):
        return NAN
    size = fn.exp(gamma.lgamma(x))
    return size if _gamma_sign(x) > 0 else -size


_ei = fn.on_line(
    lambda x: NEG_INF if x.is_zero() else x.ei(),
    fn.by_slope(arb.ei, lambda s: s.exp() / s),
    (ZERO, INF),
    lambda c: 0 if c.contains(0) else 1,
)


def exp1(x):
    """The exponential integral E_1, for x > 0."""
    if type(x) is arb and x < 0:
        return NAN
    return -_ei(-x)


def expn(n, x):
    """The generalised exponential integral E_n, for x >= 0."""
    if type(n) is Special or type(x) is Special:
        return ZERO if x is INF and type(n) is not Special else NAN
    if type(n) is Jet:
        return fn.unknown()
    if type(x) is arb:
        return _expint(n, x)
    s = x.regular()
    if s is None or not s[0] > 0:
        return fn.unknown()
    terms, factor = [], ONE
    for k in range(s.prec):  # E_n' = -E_(n-1)
        terms.append(factor * _expint(n - k, s[0]))
        factor = -factor / (k + 1)
    return Jet(fn.taylor(terms, s))


def _expint(n, x):
    if x < 0:
        return NAN
    if x.is_zero():
        return INF if n <= 1 else ONE / (n - 1)
    return x.expint(n)


_spence = fn.on_line(
    lambda x: NAN if x < 0 else (1 - x).polylog(2),
    fn.by_slope(lambda c: (1 - c).polylog(2), lambda s: _log_over(s)),
    (NAN, NEG_INF),
    lambda c: 1 if c > 0 else (-1 if c < 0 else 0),
)


def _log_over(s):
    """log(x) / (1 - x), with its removable zero at 1."""
    if not s[0].contains(1):
        return s.log() / (1 - s)
    # sum (1 - x)^k / (k + 1), negated; exact at 1, and close by to as many terms as are kept.
    if s[0] != 1:
        return s * arb.nan()
    return fn.taylor([-arb((-1) ** k) / (k + 1) for k in range(s.prec)], s)


def dawson(x):
    r"""Dawson's integral, $\frac{\sqrt\pi}{2} e^{-x^2} \operatorname{erfi}(x)$."""
    if type(x) is Special:
        return NAN if x is NAN else ZERO
    return fn.exp(-(x * x)) * _erfi(x) * (arb.pi().sqrt() / 2)


_erfi = fn.on_line(arb.erfi, arb_series.erfi, (NEG_INF, INF))


def bessel_i0(x):
    """The modified Bessel function I_0."""
    return gamma.bessel_i0e(x) * fn.exp(abs(x)) if type(x) is not Special else abs(x)


def bessel_i1(x):
    """The modified Bessel function I_1."""
    return gamma.bessel_i1e(x) * fn.exp(abs(x)) if type(x) is not Special else x


def rising(z, m):
    """Pochhammer's symbol, Gamma(z + m) / Gamma(z)."""
    return gamma_function(z + m) / gamma_function(z)


def is_negative(x):
    """Whether the sign bit is set: no bits are looked at, and zero counts as positive."""
    return (type(x) is not Special and compare(x, ZERO) == -1) or x is NEG_INF


def _jax(name, meaning, arity=1, order_matters=False, outputs=1):
    callee = getattr(jax.scipy.special, name, None)
    return Twin(
        name,
        meaning,
        arity,
        "/jax/_src/",
        order_matters=order_matters,
        callee=callee,
        outputs=outputs,
    )


TWINS = (
    _jax("log_ndtr", log_ndtr),
    _jax("ndtri", ndtri),
    _jax("betaln", log_beta, 2),
    _jax("beta", beta, 2),
    _jax("gamma", gamma_function),
    _jax("expi", _ei),
    _jax("exp1", exp1),
    _jax("expn", expn, 2, order_matters=True),
    _jax("spence", _spence),
    _jax("dawsn", dawson),
    _jax("erfcx", erfcx),
    _jax("poch", rising, 2, order_matters=True),
    _jax("fresnel", integrals.fresnel, outputs=2),
    _jax("sici", integrals.sici, outputs=2),
    _jax("owens_t", integrals.owens_t, 2, order_matters=True),
    _jax("hyp1f1", hypergeometric.hyp1f1, 3, order_matters=True),
    _jax("hyp2f1", hypergeometric.hyp2f1, 4, order_matters=True),
    Twin("expm", matrix_exponential, 1, "/jax/_src/", whole=True),
    _jax("signbit", is_negative),
    *own.TWINS,
)
