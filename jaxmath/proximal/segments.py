"""Vectors that are constant on segments: their means and lengths."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, Int

from jaxmath.special.ratio import safe_unit

Labels = Int[Array, " n"]
"""The segment of each entry; they are numbered from zero, in their order."""


def total(values, labels: Labels) -> Float[Array, " n"]:
    """Of each entry the sum over its segment."""
    return jax.ops.segment_sum(values, labels, values.size)[labels]


def average(values, labels: Labels) -> Float[Array, " n"]:
    """Of each entry the mean over its segment; linear, as a rule of derivatives must be."""
    values = jnp.asarray(values)
    return total(values, labels) / total(jnp.ones_like(values), labels)


def unit_of(size, count: int):
    """A power of two: times it, sums of so many numbers up to `size` keep within the dtype."""
    few = 2.0 ** -count.bit_length()
    large = size > few * jnp.finfo(size.dtype).max
    return jnp.where(large, few, safe_unit(size)).astype(size.dtype)


def mean(values: Float[ArrayLike, " n"], labels: Labels) -> Float[Array, " n"]:
    """The same, where no sum of large numbers overflows."""
    values = jnp.asarray(values)
    unit = unit_of(jnp.max(jnp.abs(values), initial=0), values.size)
    return average(values * unit, labels) / unit
