r"""One minus an exponential, where it cancels: its logarithm, and what the tangent leaves."""

import math

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.domains import POSITIVE, REAL
from jaxmath.formula import Concave, Convex, Formula, Increasing, Source, with_rule
from jaxmath.special.logarithm import log1p
from jaxmath.special.polynomial import polynomial
from jaxmath.typing import Real

HANDBOOK = "abramowitz1964handbook"


def _log1mexp(x: Real) -> Float[Array, "..."]:
    r"""The logarithm of $1 - e^{-x}$ for x > 0; minus infinity at zero."""
    x = jnp.asarray(x)
    small = x < math.log(2)
    near, far = jnp.where(small, x, 1.0), jnp.where(small, 1.0, x)
    return jnp.where(small, jnp.log(-jnp.expm1(-near)), log1p(-jnp.exp(-far)))


def _log1mexp_dx(x: Real) -> Float[Array, "..."]:
    r"""The odds $1 / (e^x - 1)$ of the exponential."""
    x = jnp.asarray(x)
    return jnp.exp(-x) / -jnp.expm1(-x)


def log1mexp_dx_dx(x: Real) -> Float[Array, "..."]:
    r"""Minus the odds over $1 - e^{-x}$."""
    x = jnp.asarray(x)
    return log1mexp_dx(x) / jnp.expm1(-x)


log1mexp_dx = with_rule(_log1mexp_dx, x=log1mexp_dx_dx)
log1mexp = with_rule(_log1mexp, x=log1mexp_dx)

LOG1MEXP = Formula(
    fn=log1mexp,
    plain=_log1mexp,
    domain=dict(x=POSITIVE),
    partials=dict(x=log1mexp_dx),
    seconds={("x", "x"): log1mexp_dx_dx},
    facts=(Concave("x"), Increasing("x")),
    tex=r"\log(1 - e^{-x})",
    source=Source(HANDBOOK, "4.1.24"),
    topic="P9",
)

_FACTORIALS = tuple(1 / math.factorial(k) for k in range(2, 21))


def expm1_gap_near(x: Array, excess: Array) -> Array:
    """`expm1_gap` by its series where |x| < 1, elsewhere by the excess $e^x - 1$ that is given."""
    small = jnp.abs(x) < 1  # what is left out is below 1e-18 of the sum
    near = jnp.where(small, x, 0.0)
    return jnp.where(small, near * (near * polynomial(_FACTORIALS, near)), excess - x)


def _expm1_gap(x: Real) -> Float[Array, "..."]:
    """The amount e^x - 1 - x by which the exponential lies above its tangent at zero."""
    x = jnp.asarray(x)
    return expm1_gap_near(x, jnp.expm1(jnp.where(jnp.abs(x) < 1, 1.0, x)))


def expm1_gap_dx(x: Real) -> Float[Array, "..."]:
    """The exponential less one."""
    return expm1(x)


expm1 = with_rule(jnp.expm1, x=jnp.exp)
expm1_gap = with_rule(_expm1_gap, x=expm1_gap_dx)

EXPM1_GAP = Formula(
    fn=expm1_gap,
    plain=_expm1_gap,
    domain=dict(x=REAL),
    partials=dict(x=expm1_gap_dx),
    seconds={("x", "x"): jnp.exp},
    facts=(Convex("x"),),
    tex=r"e^x - 1 - x",
    source=Source(HANDBOOK, "4.2.1"),
    topic="P19",
)

# B_2k / (2k)! of Bernoulli's numbers.
_BERNOULLI = (
    0.08333333333333333, -0.001388888888888889, 3.306878306878307e-05, -8.267195767195768e-07,
    2.08767569878681e-08, -5.284190138687493e-10, 1.3382536530684679e-11, -3.3896802963225827e-13,
    8.586062056277845e-15, -2.174868698558062e-16, 5.5090028283602295e-18,
)  # fmt: skip


def bernoulli_ratio(x: Float[Array, "..."]) -> Float[Array, "..."]:
    r"""The ratio to x of the excess over one of $x / (1 - e^{-x})$, for x >= 0; a half at zero."""
    small = x < 1
    near, far = jnp.where(small, x, 0.0), jnp.where(small, 1.0, x)
    series = 0.5 + near * polynomial(_BERNOULLI, jnp.square(near))
    return jnp.where(small, series, 1 / -jnp.expm1(-far) - 1 / far)


EXPONENTIAL = (LOG1MEXP, EXPM1_GAP)
