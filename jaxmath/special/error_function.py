r"""The error function, its complement, and the logarithm of that, to all digits in both tails.

The complement is $e^{-x^2}$ times a function that is nowhere steep, and the square is taken in two
parts of which one is exact: so the tail keeps the digits that rounding the square would take. The
logarithm is that of the normal distribution function at $-\sqrt2\,x$, and has its derivatives.
"""

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.domains import REAL
from jaxmath.formula import (
    Bounded,
    Concave,
    Decreasing,
    Formula,
    Increasing,
    Odd,
    Source,
    with_rule,
)
from jaxmath.special.logarithm import log1p
from jaxmath.special.normal_tail import erfcx, half_square, inverse_mills, inverse_mills_dz
from jaxmath.special.partials import minus
from jaxmath.typing import Real

ROOT_TWO = math.sqrt(2)
PEAK = 2 / math.sqrt(math.pi)
"""The slope of the error function at zero."""


def _bell_times(factor, x):
    """A factor times exp(-x^2), a normal number where the product is one."""
    exact, rest = half_square(x)
    # In two halves, with something between them: XLA joins adjacent exponentials into one.
    half = jnp.exp(-exact)
    return (half * factor) * half * jnp.exp(-2 * rest)


def _erf(x: Real) -> Float[Array, "..."]:
    """The error function: the probability that a normal variable of variance 1/2 lies within x."""
    return jax.lax.erf(jnp.asarray(x))


def _erf_dx(x: Real) -> Float[Array, "..."]:
    r"""The bell $2 e^{-x^2} / \sqrt\pi$."""
    return _bell_times(PEAK, jnp.asarray(x))


def erf_dx_dx(x: Real) -> Float[Array, "..."]:
    """Minus 2x times the slope; zero far out, at infinity too."""
    x = jnp.asarray(x)
    return _bell_times(-2 * PEAK * jnp.clip(x, -100.0, 100.0), x)


erf_dx = with_rule(_erf_dx, x=erf_dx_dx)
erf = with_rule(_erf, x=erf_dx)


def _erfc(x: Real) -> Float[Array, "..."]:
    """One minus the error function, with relative accuracy in the right tail."""
    x = jnp.asarray(x)
    right = x > 0.5
    tail = _bell_times(erfcx(jnp.where(right, x, 1.0)), jnp.where(right, x, 1.0))
    return jnp.where(right, tail, 1 - erf(jnp.where(right, 0.0, x)))


erfc_dx, erfc_dx_dx = minus(erf_dx), minus(erf_dx_dx)
erfc = with_rule(_erfc, x=erfc_dx)


def _log_erfc(x: Real) -> Float[Array, "..."]:
    """The logarithm of `erfc`, in nats: zero at zero, log 2 far to the left, -x^2 to the right."""
    x = jnp.asarray(x)
    right = x > 0.5
    far = jnp.where(right, x, 1.0)
    near = log1p(-erf(jnp.where(right, 0.0, x)))
    return jnp.where(right, jnp.log(erfcx(far)) - jnp.square(far), near)


def log_erfc_dx(x: Real) -> Float[Array, "..."]:
    r"""Its slope $-2 / (\sqrt\pi \operatorname{erfcx}(x))$, from the inverse Mills ratio."""
    return -ROOT_TWO * inverse_mills(-ROOT_TWO * jnp.asarray(x))


def log_erfc_dx_dx(x: Real) -> Float[Array, "..."]:
    """Its curvature: between -2 and 0."""
    return 2 * inverse_mills_dz(-ROOT_TWO * jnp.asarray(x))


log_erfc = with_rule(_log_erfc, x=log_erfc_dx)

HANDBOOK = "abramowitz1964handbook"

ERROR_FUNCTION = (
    Formula(
        fn=erf,
        plain=_erf,
        domain=dict(x=REAL),
        partials=dict(x=erf_dx),
        seconds={("x", "x"): erf_dx_dx},
        facts=(Increasing("x"), Odd("x"), Bounded("x", -1.0, 1.0)),
        tex=r"\operatorname{erf}(x) = \frac{2}{\sqrt\pi}\int_0^x e^{-t^2}\,dt",
        source=Source(HANDBOOK, "7.1.1"),
        topic="P8",
    ),
    Formula(
        fn=erfc,
        plain=_erfc,
        domain=dict(x=REAL),
        partials=dict(x=erfc_dx),
        seconds={("x", "x"): erfc_dx_dx},
        facts=(Decreasing("x"), Bounded("x", 0.0, 2.0)),
        tex=r"\operatorname{erfc}(x) = \frac{2}{\sqrt\pi}\int_x^\infty e^{-t^2}\,dt",
        source=Source(HANDBOOK, "7.1.2"),
        topic="P8",
    ),
    Formula(
        fn=log_erfc,
        plain=_log_erfc,
        domain=dict(x=REAL),
        partials=dict(x=log_erfc_dx),
        seconds={("x", "x"): log_erfc_dx_dx},
        facts=(Decreasing("x"), Concave("x")),
        tex=r"\log\operatorname{erfc}(x)",
        source=Source(HANDBOOK, "7.1.2"),
        topic="P8",
    ),
)
