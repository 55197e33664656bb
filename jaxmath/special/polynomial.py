"""Polynomials whose coefficients are known when the program is written."""

import jax.numpy as jnp
from jaxtyping import Array, Float


def polynomial(coefficients: tuple[float, ...], t: Float[Array, "..."]) -> Float[Array, "..."]:
    """The polynomial with these coefficients, the constant one first, by Horner's rule."""
    value = jnp.zeros_like(t)
    for coefficient in reversed(coefficients):
        value = value * t + coefficient
    return value
