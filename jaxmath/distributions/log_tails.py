"""Slopes of the logarithm of a tail in the last parameter, from the density that is its slope."""

import inspect
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp

from jaxmath.formula import with_rule
from jaxmath.special.partials import along

Function = Callable[..., Any]


def slope_of_log(
    tail: Function, slope: Function, growth: Function, outer: Function, larger: Function
) -> Function:
    """The slope of the logarithm of `tail` in its last argument, which knows its own slope.

    All take the same arguments. `slope` is that of the tail and `growth` that of the slope's
    logarithm; `outer` is the slope of the tail's logarithm as it is formed far out, without an
    exponential; `larger` says where the tail is the larger of both.
    """
    names = tuple(inspect.signature(tail).parameters)
    bend = along(outer, len(names) - 1)

    def first(*args):
        value = tail(*args)
        usual = value > 1e-5  # below, the exponents of both have lost digits
        ratio = slope(*args) / jnp.where(usual, value, 1.0)
        return jnp.where(usual, ratio, outer(*args))

    def second(*args):
        h = first(*args)
        # The logarithm of the smaller tail grows as that of its slope does, but for a little.
        return jnp.where(larger(*args), h * (growth(*args) - h), bend(*args))

    named: Any = first
    named.__signature__ = inspect.signature(tail)
    return with_rule(named, **{names[-1]: second})
