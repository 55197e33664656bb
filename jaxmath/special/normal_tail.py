r"""The tails of the normal distribution: no cancellation, and derivatives as good as the values.

Everything rests on the moments of a half-normal tilted by x,

$$M_n(x) = \int_0^\infty t^n e^{-xt - t^2/2}\,dt, \qquad M_n' = -M_{n+1},$$

of which $M_0$ is Mills' ratio, the upper tail over the density. They are positive, and their
recurrence $M_{n+1} + x M_n = n M_{n-1}$ gives the ratios $r_n = M_n / M_{n-1} = n / (x + r_{n+1})$:
downward from a known $r_4$ nothing is ever subtracted. So one short polynomial for $r_4$ is all
that is approximated, and each derivative is a product of ratios.
"""

import math

import jax.numpy as jnp
import jax.scipy.special
from jaxtyping import Array, Float

from jaxmath.domains import OPEN_UNIT, REAL
from jaxmath.formula import (
    Bounded,
    Concave,
    Convex,
    Decreasing,
    Formula,
    Increasing,
    Source,
    with_rule,
)
from jaxmath.special.logarithm import log1p
from jaxmath.special.polynomial import polynomial
from jaxmath.typing import Real

SQRT_TAU = math.sqrt(2 * math.pi)

# Coefficients in t = 2u - 1, u = x / s, s = sqrt(x^2 + 28), of r_4(x) (x + s) / 8 for x >= 0: the
# Chebyshev expansion, cut where its terms fall below 1e-17, computed with 60 digits.
_FOURTH_RATIO = (
    1.0916752525492832,
    -0.11624053047458562,
    0.029561145506977082,
    -0.005666275294745018,
    0.0006151862100182842,
    0.00012660122241095288,
    -0.00010088560327405463,
    3.727702908551025e-05,
    -9.052058036212941e-06,
    1.171029941339571e-06,
    2.7647699161925386e-07,
    -2.482071951309138e-07,
    1.0646458616704288e-07,
    -3.08820210511604e-08,
    6.427906070066202e-09,
    -1.4213025857529865e-10,
    -4.902693321457601e-10,
    3.0912833193451e-10,
    -1.1325694916246823e-10,
    3.918510712794286e-11,
)


def _far(x):
    """Where 4 / x squared has become a quarter of a rounding."""
    return 4 / math.sqrt(float(jnp.finfo(jnp.result_type(x, 1.0)).eps))


def _ratios(x):
    """The ratios r_1, r_2, r_3 of successive moments, for x >= 0."""
    # Beyond 1e9, r_4 is lost against x; and the square must not overflow, in half precision either.
    bounded = jnp.minimum(x, min(1e9, float(jnp.finfo(jnp.result_type(x, 1.0)).max) ** 0.5 / 2))
    s = jnp.sqrt(jnp.square(bounded) + 28)
    t = 2 * bounded / s - 1
    third = 3 / (x + 8 * polynomial(_FOURTH_RATIO, t) / (bounded + s))
    second = 2 / (x + third)
    return 1 / (x + second), second, third


def half_square(x):
    """Half the square of x in two parts, the first exact; x beyond 100 is taken as 100."""
    size = jnp.minimum(jnp.abs(x), 100.0)  # exp(-5000) is zero, exp(5000) infinite
    near = jnp.floor(size * 16) / 16
    return jnp.square(near) / 2, (size - near) * (size + near) / 2


def _moments(x, scale=1.0):
    """The moments M_0, M_1, M_2, M_3 for any x, times a scale."""
    # Not `abs`, whose slope at zero would be zero.
    size = jnp.where(x < 0, -x, x)
    r1, r2, r3 = _ratios(size)
    m0 = scale / (size + r1)
    right = (m0, m0 * r1, m0 * r1 * r2, m0 * r1 * r2 * r3)
    # On the left the recurrence adds only positive numbers.
    exact, rest = half_square(size)
    n0 = (scale * SQRT_TAU * jnp.exp(exact)) * jnp.exp(rest) - m0
    n1 = scale + size * n0
    n2 = n0 + size * n1
    left = (n0, n1, n2, 2 * n1 + size * n2)
    return tuple(jnp.where(x < 0, n, m) for n, m in zip(left, right, strict=True))


def _second_moment(x):
    return _moments(x)[2]


def _first_moment(x):
    return _moments(x)[1]


def _mills_ratio(x: Real) -> Float[Array, "..."]:
    r"""Mills' ratio $(1 - \Phi(x)) / \varphi(x)$ of the standard normal; near 1/x far to the right.

    Overflows left of -37.6 in float64, of -13.2 in float32, as the true value does.
    """
    return _moments(jnp.asarray(x))[0]


_m2 = with_rule(_second_moment, x=lambda x: -_moments(x)[3])
_m1 = with_rule(_first_moment, x=lambda x: -_m2(x))


def mills_ratio_dx(x: Real) -> Float[Array, "..."]:
    """Mills' ratio times x, less one, without the cancellation."""
    return -_m1(jnp.asarray(x))


mills_ratio = with_rule(_mills_ratio, x=mills_ratio_dx)

MILLS_RATIO = Formula(
    fn=mills_ratio,
    plain=_mills_ratio,
    domain=dict(x=REAL),
    partials=dict(x=mills_ratio_dx),
    seconds={("x", "x"): lambda x: _m2(jnp.asarray(x))},
    facts=(Convex("x"), Decreasing("x")),
    tex=r"R(x) = \frac{1 - \Phi(x)}{\varphi(x)} = \int_0^\infty e^{-xt - t^2/2}\,dt",
    source=Source("gautschi1967recurrence", "section 5"),
    topic="P8",
)


def _erfcx(x: Real) -> Float[Array, "..."]:
    r"""The scaled complementary error function $e^{x^2} \operatorname{erfc}(x)$."""
    return _moments(math.sqrt(2) * jnp.asarray(x), math.sqrt(2 / math.pi))[0]


def erfcx_dx(x: Real) -> Float[Array, "..."]:
    r"""Its slope $2x\operatorname{erfcx}(x) - 2/\sqrt\pi$, without the cancellation."""
    return -2 / math.sqrt(math.pi) * _m1(math.sqrt(2) * jnp.asarray(x))


def erfcx_dx_dx(x: Real) -> Float[Array, "..."]:
    r"""Its curvature, $2\sqrt{2/\pi}\,M_2(\sqrt2 x)$."""
    return 2 * math.sqrt(2 / math.pi) * _m2(math.sqrt(2) * jnp.asarray(x))


erfcx = with_rule(_erfcx, x=erfcx_dx)

ERFCX = Formula(
    fn=erfcx,
    plain=_erfcx,
    domain=dict(x=REAL),
    partials=dict(x=erfcx_dx),
    seconds={("x", "x"): erfcx_dx_dx},
    facts=(Convex("x"), Decreasing("x")),
    tex=r"\operatorname{erfcx}(x) = e^{x^2}\,\frac{2}{\sqrt\pi}\int_x^\infty e^{-t^2}\,dt",
    source=Source("gautschi1967recurrence", "section 5"),
    topic="P8",
)


def density_times(factor, z):
    """A factor times the normal density at z, normal numbers where the product is one."""
    exact, rest = half_square(z)
    # In two halves, with something between them: XLA joins adjacent exponentials into one.
    half = jnp.exp(-exact / 2)
    return (half * factor) * (half / SQRT_TAU) * jnp.exp(-rest)


def _density(z: Real) -> Float[Array, "..."]:
    return density_times(1.0, jnp.asarray(z))


def ndtr_dz_dz(z: Real) -> Float[Array, "..."]:
    """Minus z times the density; zero far out, at infinity too."""
    return density_times(-jnp.clip(z, -100.0, 100.0), jnp.asarray(z))


ndtr_dz = with_rule(_density, z=ndtr_dz_dz)


def _tail(size):
    """The probability beyond `size` >= 0."""
    r1, _, _ = _ratios(size)
    return ndtr_dz(size) / (size + r1)


def _ndtr(z: Real) -> Float[Array, "..."]:
    """The standard normal distribution function; relative accuracy in the left tail."""
    z = jnp.asarray(z)
    tail = _tail(jnp.abs(z))
    return jnp.where(z < 0, tail, 1 - tail)


ndtr = with_rule(_ndtr, z=ndtr_dz)

NDTR = Formula(
    fn=ndtr,
    plain=_ndtr,
    domain=dict(z=REAL),
    partials=dict(z=ndtr_dz),
    seconds={("z", "z"): ndtr_dz_dz},
    facts=(Increasing("z"), Bounded("z", 0.0, 1.0)),
    tex=r"\Phi(z) = \int_{-\infty}^z \varphi(t)\,dt",
    source=Source("casella2002inference", "section 3.3"),
    topic="P8",
)


def _log_ndtr(z: Real) -> Float[Array, "..."]:
    """The logarithm of the standard normal distribution function, accurate in both tails."""
    z = jnp.asarray(z)
    size = jnp.abs(z)
    r1, _, _ = _ratios(size)
    left = -size * (size / 2) - jnp.log(SQRT_TAU * (size + r1))
    right = log1p(-ndtr_dz(size) / (size + r1))
    return jnp.where(z < 0, left, right)


def _inverse_mills(z: Real) -> Float[Array, "..."]:
    r"""The slope of $\log\Phi$: the standard normal density over the distribution function."""
    z = jnp.asarray(z)
    size = jnp.abs(z)
    r1, _, _ = _ratios(size)
    density = ndtr_dz(size)
    return jnp.where(z < 0, size + r1, density / (1 - density / (size + r1)))


def _right(factor, z):
    """A factor times the slope of the logarithm, for z >= 0, where the density may underflow."""
    z = jnp.clip(z, 0.0, 100.0)
    return density_times(factor, z) / ndtr(z)


def _inverse_mills_dz(z: Real) -> Float[Array, "..."]:
    r"""Its slope $-h(z)\,(z + h(z))$, where the sum is the ratio r_1 to the left of zero."""
    z = jnp.asarray(z)
    z = jnp.clip(z, -_far(z), 100.0)  # beyond, the slope is -1 or 0
    r1, _, _ = _ratios(jnp.abs(z))
    h = inverse_mills(z)
    return jnp.where(z < 0, -h * r1, _right(-(z + h), z))


def inverse_mills_dz_dz(z: Real) -> Float[Array, "..."]:
    r"""Its curvature $h\,(s^2 + hs - 1)$ with $s = z + h$."""
    z = jnp.asarray(z)
    size = jnp.where(z < 0, -z, z)  # not `abs`, whose slope at zero would be zero
    r1, r2, r3 = _ratios(size)
    h = jnp.minimum(inverse_mills(z), jnp.finfo(z.dtype).max)  # infinity times zero is no number
    s = jnp.minimum(size, 100.0) + h
    right = _right(jnp.minimum(s, 200.0) * (s + h) - 1, z)
    return jnp.where(z < 0, h * (r1 * r1) * r2 * (r3 - r2), right)


inverse_mills_dz = with_rule(_inverse_mills_dz, z=inverse_mills_dz_dz)
inverse_mills = with_rule(_inverse_mills, z=inverse_mills_dz)
log_ndtr = with_rule(_log_ndtr, z=inverse_mills)

INVERSE_MILLS = Formula(
    fn=inverse_mills,
    plain=_inverse_mills,
    domain=dict(z=REAL),
    partials=dict(z=inverse_mills_dz),
    seconds={("z", "z"): inverse_mills_dz_dz},
    facts=(Convex("z"), Decreasing("z")),
    tex=r"h(z) = \frac{\varphi(z)}{\Phi(z)}",
    source=Source("gautschi1967recurrence", "section 5"),
    topic="P8",
)

LOG_NDTR = Formula(
    fn=log_ndtr,
    plain=_log_ndtr,
    domain=dict(z=REAL),
    partials=dict(z=inverse_mills),
    seconds={("z", "z"): inverse_mills_dz},
    facts=(Concave("z"), Increasing("z")),
    tex=r"\log \Phi(z)",
    source=Source("casella2002inference", "section 3.3"),
    topic="P8",
)


def _ndtri(p: Real) -> Float[Array, "..."]:
    """The standard normal quantile of probability p; infinite at 0 and 1, NaN outside [0, 1]."""
    return jax.scipy.special.ndtri(p)


def _ndtri_dp(p: Real) -> Float[Array, "..."]:
    r"""One over the density there: Mills' ratio of the quantile over the smaller tail.

    The density at a rounded quantile z would be off by z squared roundings.
    """
    p = jnp.asarray(p)
    return mills_ratio(jnp.abs(ndtri(p))) / jnp.minimum(p, 1 - p)


def ndtri_dp_dp(p: Real) -> Float[Array, "..."]:
    """The quantile times the square of the slope."""
    return ndtri(p) * jnp.square(ndtri_dp(p))


ndtri_dp = with_rule(_ndtri_dp, p=ndtri_dp_dp)
ndtri = with_rule(_ndtri, p=ndtri_dp)

NDTRI = Formula(
    fn=ndtri,
    plain=_ndtri,
    domain=dict(p=OPEN_UNIT),
    partials=dict(p=ndtri_dp),
    seconds={("p", "p"): ndtri_dp_dp},
    facts=(Increasing("p"),),
    tex=r"\Phi^{-1}(p)",
    source=Source("casella2002inference", "section 3.3"),
    topic="P8",
)

NORMAL_TAIL = (NDTR, LOG_NDTR, NDTRI, INVERSE_MILLS, MILLS_RATIO, ERFCX)
