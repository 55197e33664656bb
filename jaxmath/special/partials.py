"""Partial derivatives made of functions: by forward mode, and with the sign turned."""

import inspect
from typing import Any

import jax
import jax.numpy as jnp


def along(fn, argnum: int):
    """The partial derivative of an elementwise program that is exact enough as it stands."""

    def partial(*args):
        args = jnp.broadcast_arrays(*(jnp.asarray(part) for part in args))

        def at(value):
            return fn(*args[:argnum], value, *args[argnum + 1 :])

        return jax.jvp(at, (args[argnum],), (jnp.ones_like(args[argnum]),))[1]

    return partial


def minus(fn):
    """The function with its sign turned, of the same arguments."""

    def negative(*args):
        return -fn(*args)

    # By no more than that: its name and meaning are not those of `fn`.
    result: Any = negative
    result.__signature__ = inspect.signature(fn)
    return result
