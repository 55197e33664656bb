r"""Rectifiers: the positive part of a number, sharp (`relu`) and smoothed by a normal (`gelu`)."""

import math

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.domains import REAL
from jaxmath.formula import (
    Bounded,
    Break,
    Convex,
    Formula,
    Increasing,
    Lipschitz,
    Smooth,
    Source,
    with_rule,
)
from jaxmath.special.normal_tail import SQRT_TAU, _ratios, half_square
from jaxmath.typing import Real


def _relu(x: Real) -> Float[Array, "..."]:
    """The positive part; its slope at zero is taken as zero."""
    return jnp.maximum(x, 0.0)


def relu_dx(x: Real) -> Float[Array, "..."]:
    """One to the right of zero, else zero."""
    return jnp.heaviside(x, 0.0)


relu = with_rule(_relu, x=relu_dx)

RELU = Formula(
    fn=relu,
    plain=_relu,
    domain=dict(x=REAL),
    partials=dict(x=relu_dx),
    seconds={("x", "x"): jnp.zeros_like},
    breaks=(Break(lambda x: x, order=1, convention="zero"),),
    facts=(Convex("x"), Increasing("x"), Lipschitz("x", 1.0)),
    tex=r"\operatorname{relu}(x) = \max(x, 0)",
    source=Source("goodfellow2016deep", "section 6.3.1"),
    topic="C5",
)


def _gelu(x: Real) -> Float[Array, "..."]:
    r"""The argument times the normal probability of lying below it: a smooth `relu`, exact form.

    The probability of a tail is formed as the density times Mills' ratio $1 / (|x| + r_1)$, so
    that the left tail keeps its digits down to the last normal number.
    """
    x = jnp.asarray(x)
    size = jnp.minimum(jnp.abs(x), _FAR)
    mills = _mills(size)
    left = _density_times(-size * mills, size)
    right = x * (1 - _density_times(mills, size))
    return jnp.where(x < 0, left, right)


def _gelu_dx(x: Real) -> Float[Array, "..."]:
    r"""The normal probability below plus the argument times the normal density there."""
    x = jnp.asarray(x)
    size = jnp.minimum(jnp.abs(x), _FAR)
    tail = _density_times(_mills(size) - size, size)
    return jnp.where(x < 0, tail, 1 - tail)


def gelu_dx_dx(x: Real) -> Float[Array, "..."]:
    r"""The normal density times $2 - x^2$."""
    near = jnp.clip(x, -_FAR, _FAR)
    return _density_times(2 - jnp.square(near), near)


gelu_dx = with_rule(_gelu_dx, x=gelu_dx_dx)
gelu = with_rule(_gelu, x=gelu_dx)

GELU = Formula(
    fn=gelu,
    plain=_gelu,
    domain=dict(x=REAL),
    partials=dict(x=gelu_dx),
    seconds={("x", "x"): gelu_dx_dx},
    # The least value is at -0.7518; the steepest slope, 1.1289, at the square root of two.
    facts=(Bounded("x", low=-0.17), Lipschitz("x", 1.129), Smooth("x", math.sqrt(2 / math.pi))),
    tex=r"\operatorname{gelu}(x) = x\,\Phi(x)",
    source=Source("hendrycks2016gelu", "section 2"),
    topic="C5",
)

_FAR = 64.0
"""Where the normal tail has vanished in every dtype, also times a square."""


def _mills(size):
    """The tail beyond `size` >= 0 over the density there."""
    first, _, _ = _ratios(size)
    return 1 / (size + first)


def _density_times(factor, x):
    """The standard normal density at x times a factor, which may be large.

    The root of the exponential is multiplied in twice: in the far tail the exponential underflows
    where its product with the factor does not.
    """
    exact, rest = half_square(x)
    root = jnp.exp(-exact / 2)
    return root * (root * (jnp.exp(-rest) * (factor / SQRT_TAU)))
