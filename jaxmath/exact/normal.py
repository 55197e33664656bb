"""The normal distribution's tails on elements: what the functions of `special.normal_tail` mean.

A difference that cancels in floats is left to the precision, which is raised until it stands.
"""

from __future__ import annotations

from jaxmath.exact import functions as fn
from jaxmath.exact import gamma
from jaxmath.exact.ball import ONE, ZERO, arb
from jaxmath.exact.ieee import INF, NAN, NEG_INF, Special


def log_ndtr(z):
    """The logarithm of the normal distribution function."""
    return fn.log(ndtr(z))


def ndtr(z):
    """The normal distribution function, half the complementary error function of -z / sqrt(2)."""
    return fn.erfc(-z / arb(2).sqrt()) / 2


def ndtri(p):
    """The normal quantile."""
    return -gamma.erfc_inv(2 * p) * arb(2).sqrt()


def erfcx(x):
    """The scaled complementary error function."""
    if type(x) is Special:
        return x if x is NAN else (ZERO if x is INF else INF)
    return fn.exp(x * x) * fn.erfc(x)


def mills_ratio(x):
    """The upper tail over the density."""
    return erfcx(x / arb(2).sqrt()) * (arb.pi() / 2).sqrt()


def first_moment(x):
    """One less x times Mills' ratio."""
    return ZERO if x is INF else (x if x is NAN else ONE - x * mills_ratio(x))


def second_moment(x):
    """(1 + x^2) times Mills' ratio, less x."""
    return ZERO if x is INF else (x if x is NAN else (1 + x * x) * mills_ratio(x) - x)


def inverse_mills(z):
    """The density over the distribution function."""
    return INF if z is NEG_INF else 1 / mills_ratio(-z)


def inverse_mills_dz(z):
    """The slope of `inverse_mills`."""
    if type(z) is Special:
        return z if z is NAN else (ZERO if z is INF else -ONE)
    h = inverse_mills(z)
    return -h * (z + h)


def ndtri_dp(p):
    """The slope of the quantile: one over the density there."""
    z = ndtri(p)
    return INF if type(z) is Special else fn.exp(z * z / 2) * (2 * arb.pi()).sqrt()


def gelu(x):
    """X times the normal distribution function."""
    return ZERO if x is NEG_INF else x * ndtr(x)


def gelu_dx(x):
    """The slope of `gelu`."""
    if type(x) is Special:
        return x if x is NAN else (ONE if x is INF else ZERO)
    return ndtr(x) + x * fn.exp(-x * x / 2) / (2 * arb.pi()).sqrt()
