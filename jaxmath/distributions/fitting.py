"""What a maximum-likelihood fit returns, and the weights of its observations."""

from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.typing import Real


class Fit(NamedTuple):
    """Maximum-likelihood estimate and standard errors, each shaped as the family's parameters.

    The errors are the square roots of the diagonal of the inverse Fisher information of the whole
    sample, taken at the estimate.
    """

    estimate: Any
    standard_errors: Any


def observations(
    x: Real, weights: Real | None
) -> tuple[Float[Array, " n"], Float[Array, " n"], Float[Array, ""]]:
    """The data, each one's share of the weight, and the total weight.

    A weight says how many times its observation counts; with weight zero it may be anything, NaN
    included, and counts for nothing.
    """
    x = jnp.asarray(x)
    if x.ndim != 1 or x.size == 0:
        raise ValueError(f"A fit needs one axis of at least one observation, got shape {x.shape}.")
    if weights is None:
        return x, jnp.full_like(x, 1 / x.size), jnp.asarray(x.size, x.dtype)
    weights = jnp.asarray(weights, x.dtype)
    if weights.shape != x.shape:
        raise ValueError(f"{x.shape[0]} observations, but weights of shape {weights.shape}.")
    total = jnp.sum(weights)
    return jnp.where(weights == 0, 0.0, x), weights / total, total
