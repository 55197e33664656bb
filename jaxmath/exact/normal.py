"""The normal distribution's tails on elements: what the functions of `special.normal_tail` mean.

A difference that cancels in floats is left to the precision, which is raised until it stands.
"""

from __future__ import annotations

from jaxmath.exact import functions as fn
from jaxmath.exact import gamma
from jaxmath.exact.ball import ONE, ZERO, arb
from jaxmath.exact.ieee import INF, NAN, NEG_INF, Special
from jaxmath.exact.jet import Jet
from jaxmath.exact.work import finer, now, worth


def ndtr(z):
    """The normal distribution function, half the complementary error function of -z / sqrt(2)."""
    return fn.erfc(-z / arb(2).sqrt()) / 2


def ndtri(p):
    """The normal quantile."""
    return -gamma.erfc_inv(2 * p) * arb(2).sqrt()


def erfcx(x):
    """The scaled complementary error function; far to the right it is a power series in 1/x."""
    if type(x) is Special:
        return x if x is NAN else (ZERO if x is INF else INF)
    if middle(x) < 2:
        return fn.exp(x * x) * fn.erfc(x)
    return _tricomi(x * x) / arb.pi().sqrt()


def _tricomi(z):
    """U(1/2, 1/2, z) for z > 0, whose derivatives are others of the kind."""
    if type(z) is arb:
        return _tricomis(z, 1)[0]
    series = z.regular()
    if series is None:
        return fn.unknown()
    terms, factor = [], arb(1)
    for k, value in enumerate(_tricomis(series[0], series.prec)):
        terms.append(factor * value)
        factor = -factor * (arb(1) / 2 + k) / (k + 1)
    return Jet(fn.taylor(terms, series))


def _tricomis(z, count: int):
    r"""U(a, a, z) for a = 1/2, 3/2, ...

    Where the asymptotic series does not reach the precision, from the complementary error function
    and $a\,U(a + 1, a + 1, z) = z^{-a} - U(a, a, z)$, which cancels the size of z each time.
    """
    half = arb(1) / 2
    size = float(z.mid())
    if 1.4 * size > now().bits:
        with worth(z):
            return [z.hypgeom_u(half + k, half + k) for k in range(count)]
    with finer(bits=now().bits + count * (16 + max(int(size), 1).bit_length())):
        values = [arb.pi().sqrt() * z.exp() * z.sqrt().erfc()]
        for k in range(count - 1):
            values.append((z ** -(half + k) - values[-1]) / (half + k))
        return values


def middle(x):
    """The middle of a ball, or of the constant term of a jet."""
    return x.series[0].mid() if type(x) is Jet and not x.shift else getattr(x, "mid", arb)()


def log_ndtr(z):
    """The logarithm of the normal distribution function."""
    if type(z) is Special or not middle(z) < -2:
        return fn.log(ndtr(z))
    return -z * z / 2 + fn.log(mills_ratio(-z)) - (2 * arb.pi()).log() / 2


def log_erfc(x):
    """The logarithm of the complementary error function."""
    if type(x) is Special or not middle(x) > 2:
        return fn.log1p(-fn.erf(x))
    return fn.log(erfcx(x)) - x * x


def density(z):
    """The normal density."""
    return fn.exp(-z * z / 2) / (2 * arb.pi()).sqrt()


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
    if z is NEG_INF:
        return INF
    if type(z) is Special or not middle(z) < -2:
        return density(z) / ndtr(z)
    return 1 / mills_ratio(-z)


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
    return ndtr(x) + x * density(x)
