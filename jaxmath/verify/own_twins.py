"""What the series of `jaxmath.special` mean: they are cut where rounding no longer sees the rest.

The derivative of what is cut off is no part of the truth, nor are the joints of two expansions.
Each meaning is a function of elements (see `jaxmath.exact.twins`).
"""

from __future__ import annotations

from jaxmath.exact import Twin
from jaxmath.exact import functions as fn
from jaxmath.exact.ball import arb
from jaxmath.exact.ieee import INF, NAN, ZERO, Special
from jaxmath.exact.jet import Jet
from jaxmath.exact.twins import ndtr, ndtri


def mills_ratio(x):
    """The upper tail of the normal distribution over its density."""
    return erfcx(x / arb(2).sqrt()) * (arb.pi() / 2).sqrt()


def erfcx(x):
    """The scaled complementary error function; far to the right it is a power series in 1/x."""
    if type(x) is Special:
        return NAN if x is NAN else (ZERO if x is INF else INF)
    if _middle(x) < 2:
        return fn.exp(x * x) * fn.erfc(x)
    return _tricomi(x * x) / arb.pi().sqrt()


def _tricomi(z):
    """U(1/2, 1/2, z) for z > 0, whose derivatives are others of the kind."""
    half = arb(1) / 2
    if type(z) is arb:
        return z.hypgeom_u(half, half)
    series = z.regular()
    if series is None:
        return fn.unknown()
    terms, factor = [], arb(1)
    for k in range(series.prec):
        terms.append(factor * series[0].hypgeom_u(half + k, half + k))
        factor = -factor * (half + k) / (k + 1)
    return Jet(fn.taylor(terms, series))


def _middle(x):
    return x.series[0].mid() if type(x) is Jet and not x.shift else getattr(x, "mid", arb)()


def log_ndtr(z):
    """The logarithm of the normal distribution function."""
    if type(z) is Special or not _middle(z) < -2:
        return fn.log(ndtr(z))
    return -z * z / 2 + fn.log(mills_ratio(-z)) - (2 * arb.pi()).log() / 2


def inverse_mills(z):
    """The normal density over the distribution function: the slope of its logarithm."""
    if type(z) is Special or not _middle(z) < -2:
        return density(z) / ndtr(z)
    return 1 / mills_ratio(-z)


def inverse_mills_slope(z):
    """The slope of the inverse of Mills' ratio."""
    h = inverse_mills(z)
    if type(z) is Special:
        return NAN if z is NAN else (ZERO if z is INF else arb(-1))
    return -h * (z + h)


def density(z):
    """The normal density."""
    return fn.exp(-z * z / 2) / (2 * arb.pi()).sqrt()


def ndtri_slope(p):
    """One over the density at the quantile."""
    return 1 / density(ndtri(p))


def log1p_gap(x):
    """The amount x - log(1 + x)."""
    return x - fn.log1p(x)


def _own(name, meaning):
    return Twin(name, meaning, 1, place="jaxmath/special/")


OWN = (
    _own("ndtr", ndtr),
    _own("log_ndtr", log_ndtr),
    _own("ndtri", ndtri),
    _own("density", density),
    _own("ndtri_dp", ndtri_slope),
    _own("mills_ratio", mills_ratio),
    _own("inverse_mills", inverse_mills),
    _own("inverse_mills_dz", inverse_mills_slope),
    _own("erfcx", erfcx),
    _own("log1p", fn.log1p),
    _own("log1p_gap", log1p_gap),
)
