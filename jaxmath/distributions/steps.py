"""Quantiles of discrete families: the first whole number at which something holds."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.distributions.table import LONG, SIZE
from jaxmath.special.loops import if_any
from jaxmath.typing import Real


def guessed(
    near: Callable[[Array], Array], tail: Callable[[Array], Array], p: Array, *, rising: bool
) -> Array:
    """Whole numbers beside the first ones at which a tail, `rising` or falling, has reached p.

    That is `near(p)`; where the parameters are numbers, so that it has the shape of p, those of a
    long array are looked up in a table of the tail, which begins beside the first of all.
    """
    if jnp.size(p) < LONG or jax.eval_shape(near, jax.ShapeDtypeStruct((), p.dtype)).shape:
        return near(p)
    first = near(jnp.min(p) if rising else jnp.max(p))
    counts = jnp.maximum(first - 2, 0.0) + jnp.arange(SIZE, dtype=p.dtype)
    sign = 1.0 if rising else -1.0
    place = jnp.searchsorted(sign * tail(counts), sign * p)
    return jnp.where(place < SIZE, counts[0] + place, if_any(place >= SIZE, near, p))


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
