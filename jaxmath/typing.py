"""The few array types that signatures share; shapes are checked under pytest."""

from typing import TypeAlias

from jaxtyping import Array, Bool, Float, Integer, Key
from jaxtyping import ArrayLike as ArrayLike

Real: TypeAlias = Float[ArrayLike, "..."]
"""A real number, or an array of them to which an elementwise function applies entry by entry."""

Scalar: TypeAlias = Float[ArrayLike, ""]
"""One real number."""

Label: TypeAlias = Float[ArrayLike, "..."] | Integer[ArrayLike, "..."] | Bool[ArrayLike, "..."]
"""A label: 0 or 1, -1 or 1, or a class index, in whatever dtype the data has."""

PRNGKey: TypeAlias = Key[Array, ""]
"""A typed random key, as `jax.random.key` makes it."""
