"""A problem in one vector: what every solver does before it begins."""

from typing import Any

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

SHARP = 0.75
"""The tolerance of a method that converges quadratically, as a power of the dtype's spacing."""

TIGHT = 0.6
"""That of a solver under constraints, whose residuals sum many terms."""

PLAIN = 2 / 3
"""The tolerance of a method that converges linearly, or a little better than that."""

SLOW = 1 / 3
"""The tolerance of a method whose error falls like one over the number of steps."""


def flatten(start: Any, tolerance: Any, power: float):
    """The start as a vector, the way back to its pytree, and the tolerance in its dtype.

    Raises:
        TypeError: if the start holds anything but real floating-point numbers.
    """
    leaves = jax.tree.leaves(start)
    if not leaves or not all(jnp.issubdtype(jnp.result_type(x), jnp.floating) for x in leaves):
        raise TypeError("A solve starts from real floating-point numbers.")
    x, unravel = ravel_pytree(start)
    if tolerance is None:
        tolerance = jnp.finfo(x.dtype).eps ** power
    return x, unravel, jnp.asarray(tolerance, x.dtype)


def interval(low: Any, high: Any, tolerance: Any, power: float):
    """Both ends and the tolerance in the dtype of the ends."""
    dtype = jnp.result_type(low, high)
    if not jnp.issubdtype(dtype, jnp.floating):
        dtype = jnp.result_type(float)
    if tolerance is None:
        tolerance = jnp.finfo(dtype).eps ** power
    return jnp.asarray(low, dtype), jnp.asarray(high, dtype), jnp.asarray(tolerance, dtype)


def bottom(dtype):
    """A value so low that an objective which reaches it is taken as unbounded."""
    return -(float(jnp.finfo(dtype).eps) ** -2.0)


def largest(vector):
    """The largest size of an entry; zero if there is none."""
    return jnp.max(jnp.abs(vector), initial=0)


def all_finite(*arrays):
    """Whether every entry is finite."""
    return jnp.all(jnp.stack([jnp.all(jnp.isfinite(array)) for array in arrays]))


def choose(condition, these, those):
    """One of two pytrees."""
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), these, those)
