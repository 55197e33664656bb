"""Polynomials by Horner's rule."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.typing import Real


def polynomial(coefficients: tuple[Real, ...], t: Float[Array, "..."]) -> Float[Array, "..."]:
    """The polynomial with these coefficients, the constant one first."""
    value = jnp.zeros_like(t)
    for coefficient in reversed(coefficients):
        value = value * t + coefficient
    return value
