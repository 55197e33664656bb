"""Shapes and dtypes: what a draw looks like, and functions of numbers applied to arrays."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp


def float_dtype(*parameters) -> jnp.dtype:
    """The floating dtype that the parameters have in common."""
    return jnp.result_type(float, *parameters) if not parameters else jnp.result_type(*parameters)


def sample_shape(shape: tuple[int, ...], *parameters) -> tuple[int, ...]:
    """The shape of `shape` draws for each entry of the parameters' common shape."""
    return (*shape, *jnp.broadcast_shapes(*(jnp.shape(parameter) for parameter in parameters)))


def two_by_two(one: Any, both: Any, two: Any) -> jax.Array:
    """The symmetric matrices of two rows with these entries, in the entries' common shape."""
    one, both, two = jnp.broadcast_arrays(one, both, two)
    return jnp.stack([jnp.stack([one, both], -1), jnp.stack([both, two], -1)], -2)


def batched(fn: Callable[..., Any], ranks: Sequence[int]) -> Callable[..., Any]:
    """Lift a function of single arguments, of these ranks, to arrays of them with one batch shape.

    The leading axes of the arguments broadcast against each other; the result, an array or a
    pytree, has them in front.
    """

    def lifted(*args):
        args = [jnp.asarray(arg) for arg in args]
        dtype = jnp.result_type(*args)
        cores = [arg.shape[arg.ndim - rank :] for arg, rank in zip(args, ranks, strict=True)]
        batches = [arg.shape[: arg.ndim - rank] for arg, rank in zip(args, ranks, strict=True)]
        batch = jnp.broadcast_shapes(*batches)
        flat = [
            jnp.broadcast_to(
                arg.reshape(*(1 for _ in range(len(batch) - len(own))), *own, *core),
                (*batch, *core),
            )
            .reshape(math.prod(batch), *core)
            .astype(dtype)
            for arg, core, own in zip(args, cores, batches, strict=True)
        ]
        result = jax.vmap(fn)(*flat)
        return jax.tree.map(lambda leaf: leaf.reshape(*batch, *leaf.shape[1:]), result)

    return lifted
