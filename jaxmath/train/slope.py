"""Whether the gradient is that of the loss: its slope along directions against differences.

Differences of the loss know of no rule for its derivative, neither JAX's nor a user's own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float

from jaxmath.train.stopping import norm
from jaxmath.typing import PRNGKey

RANDOM = 3
"""Random directions beside the gradient's own."""


def slope_gap(
    objective: Callable[..., Any], params: Any, batch: Any, key: PRNGKey
) -> Float[Array, ""]:
    """How far the gradient is from the slope of the loss, over its length, beyond what is in doubt.

    Along the gradient and along random unit vectors, against central differences. Zero if all
    agree; about one for a wrong sign, or for a forgotten term as long as the rest. Taken off is an
    error bar: the rounding of the loss, and four times what halving the step changes, so that a
    kink of the loss is not called a wrong gradient.
    """
    batch = jax.tree.map(jnp.asarray, batch)
    flat, unravel = ravel_pytree(params)

    def loss(flat):
        return objective(unravel(flat), batch).astype(flat.dtype)

    value, gradient = jax.value_and_grad(loss)(flat)
    eps, length = jnp.finfo(flat.dtype).eps, norm(gradient)
    random = jax.random.normal(key, (RANDOM, flat.size), flat.dtype)
    random = random / jax.vmap(norm)(random)[:, None]
    along = jnp.where(length > 0, gradient / jnp.where(length > 0, length, 1), random[0])
    step = eps ** (1 / 3) * jnp.maximum(1, norm(flat))
    steps = step * jnp.array([1, -1, 0.5, -0.5], flat.dtype)

    def gap(direction):
        up, down, near, under = values = jax.lax.map(lambda h: loss(flat + h * direction), steps)
        half = (near - under) / step
        doubt = 4 * jnp.abs((up - down) / (2 * step) - half)
        doubt = doubt + 16 * eps * jnp.max(jnp.abs(values)) / step
        return jnp.maximum(jnp.abs(gradient @ direction - half) - doubt, 0)

    # A random direction sees a share of 1 / sqrt(size) of an error's length.
    seen = jnp.full(RANDOM + 1, flat.size**0.5, flat.dtype).at[0].set(1)
    gaps = jax.lax.map(gap, jnp.concatenate([along[None], random])) * seen
    return jnp.max(gaps) / jnp.where(length > 0, length, jnp.maximum(jnp.abs(value), 1))
