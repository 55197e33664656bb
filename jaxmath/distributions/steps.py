"""Quantiles of discrete families: the first whole number at which something holds."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.typing import Real


def first_whole(
    reached: Callable[[Array], Array], guess: Float[Array, "..."], high: Real
) -> Float[Array, "..."]:
    """The least k in 0, 1, ..., high with `reached(k)`, which stays true; walks from a guess.

    A guess that is right costs two evaluations, and a far one a step each: all entries wait for
    the last. Where the guess is no number the answer is none.
    """
    lost = jnp.isnan(guess)
    start = jnp.clip(jnp.where(lost, 0.0, guess), 0.0, high)

    def walk(state):
        k, _ = state
        # Compiled once, and one after the other: together they could not be looked up.
        here, before = jax.lax.map(reached, jnp.stack([k, k - 1]))
        step = jnp.where(before & (k > 0), -1.0, jnp.where(~here & (k < high), 1.0, 0.0))
        step = jnp.where(lost | (k + step == k), 0.0, step)
        return k + step, jnp.any(step != 0)

    k, _ = jax.lax.while_loop(lambda state: state[1], walk, (start, jnp.asarray(True)))
    return jnp.where(lost, jnp.nan, k)
