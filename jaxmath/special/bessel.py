r"""The Bessel functions of the von Mises distribution: log I_0 and the ratio I_1 / I_0.

The ratio $A = I_1 / I_0$ is the mean length of a direction with concentration x, and its slope
$A' = 1 - A / x - A^2$ the variance, both of which cancel as written: the slope for large x, one
less the ratio too. Here the slope comes first. Up to ten, with $q = x^2 / 4$,

$$A'(x) = \frac{1}{2\,I_0(x)^2} \sum_k \frac{(2k)!}{(k!\,(k + 1)!)^2}\, q^k,$$

whose terms are all positive, as are those of $-A''$; beyond, $2 x^2 A'$ is a polynomial in 1 / x.
The rest $1 - A$ solves a quadratic equation in the slope, without a difference.
"""

import math
from fractions import Fraction

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.domains import NONNEGATIVE, REAL, Interval
from jaxmath.formula import (
    Bounded,
    Convex,
    Decreasing,
    Even,
    Formula,
    Increasing,
    Lipschitz,
    Odd,
    Smooth,
    Source,
    with_rule,
)
from jaxmath.special.logarithm import log1p
from jaxmath.special.partials import minus
from jaxmath.special.polynomial import polynomial
from jaxmath.typing import Real

FAR = 10.0
"""Up to here the power series serve."""
STEPS = 3
"""Of Halley's method, each of which trebles the digits of a guess right to four percent."""


def _series(coefficient, count: int) -> tuple[float, ...]:
    """The coefficients in (x / 8)^2 of a series whose coefficients in q are fractions."""
    return tuple(float(coefficient(k) * 16**k) for k in range(count))


def _inverse_factorials(k: int, other: int) -> Fraction:
    return Fraction(1, math.factorial(k) * math.factorial(other))


# The terms that are left out are below 1e-17 of the sums at ten.
_I0 = _series(lambda k: _inverse_factorials(k, k), 31)
_I0_REST = _I0[1:]
_I1 = _series(lambda k: _inverse_factorials(k, k + 1), 31)  # of 2 I_1 / x
_SQUARED = _series(  # of A' I_0^2
    lambda k: math.comb(2 * k, k) * _inverse_factorials(k + 1, k + 1) / 2, 37
)
# Of -2 A'' I_0^3 / x: products of the series above, computed exactly.
_CUBED = (
    0.75, 9.333333333333334, 56.0, 230.4, 714.9037037037037, 1724.2209523809524,
    3300.2057142857143, 5113.0592402228385, 6529.712686654909, 6984.155396647248,
    6343.788448683809, 4952.236828085981, 3357.3656504538903, 1994.8213653005937,
    1047.1565804406325, 489.12726776301224, 204.5985913168095, 77.07951335320553,
    26.288970769663653, 8.155305561424605, 2.3109537631751196, 0.6005104420846936,
    0.14360944325898245, 0.031711051852099055, 0.006485250260302743, 0.0012318491677594937,
    0.0002178926360360479, 3.597853094369606e-05, 5.558422909193107e-06, 8.051837119339798e-07,
    1.0958319555830947e-07, 1.4038362961186874e-08, 1.6958311647193375e-09, 1.9349455425790427e-10,
    2.0886279073177227e-11, 2.1360376099782257e-12, 2.0726571924970028e-13, 1.9107359801021318e-14,
    1.6756499132253524e-15, 1.3995973761646546e-16, 1.1147127092689809e-17, 8.475049805651476e-19,
    6.15742011570511e-20,
)  # fmt: skip

# Coefficients in t = 20 / x - 1 of 2 x^2 A'(x), and of 8 x (log I_0(x) - x + log(2 pi x) / 2), for
# x >= 10: the Chebyshev expansions, cut where their terms fall below 2e-18 and 2e-17, computed
# with 60 digits.
_SLOPE = (
    1.027100524268055, 0.029462745828956416, 0.0026675265994535353, 0.000358275316088005,
    6.489164326167473e-05, 1.5377355282659902e-05, 4.769062142221556e-06, 1.987024273646202e-06,
    1.116965508654496e-06, 7.216551359994617e-07, 3.1747386715549465e-07, -2.0786059552231823e-07,
    -5.965383271966361e-07, -4.277816865855151e-07, 2.324605718466283e-07, 5.62002486745337e-07,
    4.580732070657776e-08, -4.907127718683392e-07, -1.497536950688816e-07, 3.7119925210856556e-07,
    1.4144400021233423e-07, -2.4384641812850065e-07, -8.744250392760412e-08,
    1.2933553787915715e-07, 3.660014851257868e-08, -5.0119190446423045e-08, -9.417568177308811e-09,
    1.2322843206007156e-08, 1.1229006781170543e-09, -1.4240582136518984e-09,
)  # fmt: skip
_LOGARITHM = (
    1.0264157161508047, 0.027959036466392567, 0.00168718163861615, 0.0001628877350501914,
    2.2409814783753032e-05, 4.173745694331261e-06, 1.0330067903046682e-06, 3.430778411108578e-07,
    1.5660140461194795e-07, 9.253173638752568e-08, 5.2523306817021675e-08, 5.341626093041678e-09,
    -4.1555388719045086e-08, -5.0331013110785044e-08, -5.541404249655976e-09,
    3.7425806914854245e-08, 2.077234651917945e-08, -1.8454693310102686e-08,
    -1.6614903419763088e-08, 6.716749967079451e-09, 8.047265791926356e-09, -1.6358617224565037e-09,
    -2.3413705645800533e-09, 1.9631611678556992e-10, 3.1339386160744475e-10,
)  # fmt: skip
_SLOPE_SLOPE = tuple(k * c for k, c in enumerate(_SLOPE))[1:]


def _parts(x):
    """The size of x; x below ten and the square of its eighth; the size from ten on."""
    x = jnp.asarray(x)
    size = jnp.abs(x)
    near = size < FAR
    inner = jnp.where(near, x, 1.0)
    return size, near, inner, jnp.square(inner / 8), jnp.where(near, FAR, size)


def _log_scaled(size):
    """The logarithm of exp(-x) I_0(x) for x >= 10."""
    return log_rest(size) - (jnp.log(size) + math.log(2 * math.pi)) / 2


def _plus_growth(growth, scaled):
    """Their sum, where infinite growth outdoes all else."""
    return jnp.where(growth < jnp.inf, growth + scaled, growth)


def log_rest(size):
    """The logarithm of exp(-x) sqrt(2 pi x) I_0(x) for x >= 10, 1 / (8x) and more."""
    return polynomial(_LOGARITHM, 2 * FAR / size - 1) / (8 * size)


def _i0e(x: Real) -> Float[Array, "..."]:
    r"""The modified Bessel function $e^{-x} I_0(x)$, for x >= 0 between zero and one."""
    x = jnp.asarray(x)
    _, near, inner, u, far = _parts(x)
    grown = (
        jnp.exp(jnp.where(x < 0, -2 * x, 0.0) + log_rest(far))
        / jnp.sqrt(2 * math.pi)
        / jnp.sqrt(far)
    )
    return jnp.where(near, jnp.exp(-inner) * polynomial(_I0, u), grown)


def _log_i0(x: Real) -> Float[Array, "..."]:
    """The logarithm of the modified Bessel function I_0: x^2 / 4 near zero, |x| far out."""
    size, near, _, u, far = _parts(x)
    value = _plus_growth(size, _log_scaled(far))
    return jnp.where(near, log1p(u * polynomial(_I0_REST, u)), value)


def _log_i0e(x: Real) -> Float[Array, "..."]:
    r"""The logarithm of $e^{-x} I_0(x)$, which for x > 0 has no linear growth."""
    x = jnp.asarray(x)
    _, near, inner, u, far = _parts(x)
    value = _plus_growth(jnp.where(x < 0, -2 * x, 0.0), _log_scaled(far))
    return jnp.where(near, log1p(u * polynomial(_I0_REST, u)) - inner, value)


def _bessel_ratio(x: Real) -> Float[Array, "..."]:
    """The ratio I_1 / I_0: x / 2 near zero, one far out, and odd."""
    x = jnp.asarray(x)
    _, near, inner, u, far = _parts(x)
    below = inner / 2 * (polynomial(_I1, u) / polynomial(_I0, u))
    return jnp.where(near, below, jnp.where(x < 0, -1.0, 1.0) * (1 - _rest(far)))


def _rest(size):
    """One less the ratio, for x >= 0."""
    slope = bessel_ratio_dx(size)
    # Times x below one, so that nothing overflows at either end.
    small = size < 1
    low, inverse = jnp.where(small, size, 1.0), 1 / jnp.where(small, 1.0, size)
    root = jnp.sqrt(jnp.square(inverse) + 4 * jnp.square(low) * (1 - slope))
    return 2 * (low * slope + inverse) / (2 * low + inverse + root)


def _bessel_ratio_complement(x: Real) -> Float[Array, "..."]:
    """One less the ratio I_1 / I_0, to all digits: 1 / (2x) far to the right."""
    x = jnp.asarray(x)
    rest = _rest(jnp.abs(x))
    return jnp.where(x < 0, 2 - rest, rest)


def _slope_times(factor: Real, x: Real) -> Float[Array, "..."]:
    """A factor times the slope of the ratio, which may be too small alone."""
    _, near, _, u, far = _parts(x)
    below = factor * (polynomial(_SQUARED, u) / jnp.square(polynomial(_I0, u)))
    inverse = 1 / far
    beyond = (factor * inverse) * inverse * (polynomial(_SLOPE, 2 * FAR * inverse - 1) / 2)
    return jnp.where(near, below, beyond)


def curvature_times(factor: Real, x: Real) -> Float[Array, "..."]:
    """A factor times the curvature of the ratio, which may be too small alone."""
    x = jnp.asarray(x)
    _, near, inner, u, far = _parts(x)
    i0 = polynomial(_I0, u)
    below = factor * (-inner / 2 * (polynomial(_CUBED, u) / i0 / i0 / i0))
    inverse = 1 / far
    t = 2 * FAR * inverse - 1
    beyond = polynomial(_SLOPE, t) + FAR * inverse * polynomial(_SLOPE_SLOPE, t)
    beyond = (factor * inverse) * inverse * inverse * beyond
    return jnp.where(near, below, jnp.where(x < 0, beyond, -beyond))


def _bessel_ratio_dx(x: Real) -> Float[Array, "..."]:
    r"""The slope $1 - A / x - A^2$ of the ratio A: a half at zero, 1 / (2x^2) far out."""
    return _slope_times(1.0, x)


def bessel_ratio_dx_dx(x: Real) -> Float[Array, "..."]:
    """Its curvature: -3x / 8 near zero, minus 1 / x^3 far to the right."""
    return curvature_times(1.0, x)


def _ratio_times(factor: Real, x: Real) -> Float[Array, "..."]:
    """A factor times the ratio, which may be too small alone."""
    x = jnp.asarray(x)
    _, near, inner, u, _ = _parts(x)
    below = (factor * inner) / 2 * (polynomial(_I1, u) / polynomial(_I0, u))
    return jnp.where(near, below, factor * bessel_ratio(x))


bessel_ratio_dx = with_rule(_bessel_ratio_dx, x=bessel_ratio_dx_dx)
bessel_ratio = with_rule(_bessel_ratio, x=bessel_ratio_dx)
slope_times = with_rule(
    _slope_times,
    factor=lambda factor, x: bessel_ratio_dx(x) + 0 * jnp.asarray(factor),
    x=curvature_times,
)
ratio_times = with_rule(
    _ratio_times,
    factor=lambda factor, x: bessel_ratio(x) + 0 * jnp.asarray(factor),
    x=slope_times,
)
bessel_ratio_complement = with_rule(_bessel_ratio_complement, x=minus(bessel_ratio_dx))
log_i0 = with_rule(_log_i0, x=bessel_ratio)
log_i0e_dx = minus(bessel_ratio_complement)
log_i0e = with_rule(_log_i0e, x=log_i0e_dx)


def i0e_dx(x: Real) -> Float[Array, "..."]:
    """Minus itself times the rest of the ratio."""
    return -bessel_ratio_complement(x) * i0e(x)


def i0e_dx_dx(x: Real) -> Float[Array, "..."]:
    """Itself times the slope of the ratio and the square of its rest."""
    return i0e(x) * (bessel_ratio_dx(x) + jnp.square(bessel_ratio_complement(x)))


i0e = with_rule(_i0e, x=i0e_dx)


def _bessel_ratio_inverse(r: Real) -> Float[Array, "..."]:
    """The x with I_1(x) / I_0(x) = r, for r between -1 and 1, where it is infinite."""
    r = jnp.asarray(r)
    size = jnp.abs(r)
    inside = size < 1
    ratio = jnp.where(inside, size, 0.5)
    rest = 1 - ratio
    x = ratio * (2 - jnp.square(ratio)) / (rest * (1 + ratio))
    for _ in range(STEPS):
        slope = bessel_ratio_dx(x)
        excess = jnp.where(ratio < 0.5, bessel_ratio(x) - ratio, rest - bessel_ratio_complement(x))
        step = excess / slope
        x = x - step / (1 - step * bessel_ratio_dx_dx(x) / slope / 2)
    x = jnp.where(inside, x, jnp.where(size == 1, jnp.inf, jnp.nan))
    return jnp.where(r < 0, -x, x)


def _bessel_ratio_inverse_dr(r: Real) -> Float[Array, "..."]:
    """One over the slope of the ratio there."""
    return 1 / bessel_ratio_dx(bessel_ratio_inverse(r))


def bessel_ratio_inverse_dr_dr(r: Real) -> Float[Array, "..."]:
    """Minus the curvature of the ratio there over the cube of its slope."""
    x = bessel_ratio_inverse(r)
    slope = bessel_ratio_dx(x)
    return -bessel_ratio_dx_dx(x) / slope / slope / slope


bessel_ratio_inverse_dr = with_rule(_bessel_ratio_inverse_dr, r=bessel_ratio_inverse_dr_dr)
bessel_ratio_inverse = with_rule(_bessel_ratio_inverse, r=bessel_ratio_inverse_dr)

HANDBOOK = "abramowitz1964handbook"
MARDIA = "mardia2000directional"

BESSEL = (
    Formula(
        fn=log_i0,
        plain=_log_i0,
        domain=dict(x=REAL),
        partials=dict(x=bessel_ratio),
        seconds={("x", "x"): bessel_ratio_dx},
        facts=(Convex("x"), Even("x"), Lipschitz("x", 1.0), Smooth("x", 0.5)),
        tex=r"\log I_0(x) = \log\frac1\pi\int_0^\pi e^{x\cos\theta}\,d\theta",
        source=Source(HANDBOOK, "9.6.16"),
        topic="P10",
    ),
    Formula(
        fn=i0e,
        plain=_i0e,
        domain=dict(x=NONNEGATIVE),
        partials=dict(x=i0e_dx),
        seconds={("x", "x"): i0e_dx_dx},
        facts=(Convex("x"), Decreasing("x"), Bounded("x", 0.0, 1.0), Lipschitz("x", 1.0)),
        tex=r"e^{-x} I_0(x) = \frac1\pi\int_0^\pi e^{-x (1 - \cos\theta)}\,d\theta",
        source=Source(HANDBOOK, "9.6.16"),
        topic="P10",
    ),
    Formula(
        fn=log_i0e,
        plain=_log_i0e,
        domain=dict(x=REAL),
        partials=dict(x=log_i0e_dx),
        seconds={("x", "x"): bessel_ratio_dx},
        facts=(Convex("x"), Decreasing("x"), Smooth("x", 0.5)),
        tex=r"\log(e^{-x} I_0(x))",
        source=Source(HANDBOOK, "9.6.16"),
        topic="P10",
    ),
    Formula(
        fn=bessel_ratio,
        plain=_bessel_ratio,
        domain=dict(x=REAL),
        partials=dict(x=bessel_ratio_dx),
        seconds={("x", "x"): bessel_ratio_dx_dx},
        facts=(Increasing("x"), Odd("x"), Bounded("x", -1.0, 1.0), Lipschitz("x", 0.5)),
        tex=r"A(x) = \frac{I_1(x)}{I_0(x)}",
        source=Source(MARDIA, "appendix 1"),
        topic="P10",
    ),
    Formula(
        fn=bessel_ratio_complement,
        plain=_bessel_ratio_complement,
        domain=dict(x=REAL),
        partials=dict(x=minus(bessel_ratio_dx)),
        seconds={("x", "x"): minus(bessel_ratio_dx_dx)},
        facts=(Decreasing("x"), Bounded("x", 0.0, 2.0), Lipschitz("x", 0.5)),
        tex=r"1 - \frac{I_1(x)}{I_0(x)}",
        source=Source(MARDIA, "appendix 1"),
        topic="P10",
    ),
    Formula(
        fn=bessel_ratio_inverse,
        plain=_bessel_ratio_inverse,
        domain=dict(r=Interval(-1.0, 1.0)),
        partials=dict(r=bessel_ratio_inverse_dr),
        seconds={("r", "r"): bessel_ratio_inverse_dr_dr},
        facts=(Increasing("r"), Odd("r")),
        tex=r"A^{-1}(r)",
        source=Source(MARDIA, "section 5.3"),
        topic="P10",
    ),
)
