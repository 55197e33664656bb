"""The projection on the vectors with at most k entries other than zero."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Bool, Float, Int

from jaxmath.domains import REAL, Box, Integers
from jaxmath.formula import Formula, Odd, Source

Vector = Float[ArrayLike, " n"]


def _largest(x, k) -> Bool[Array, " n"]:
    """Which k entries are the largest in size; of equal ones those that come first."""
    x = jnp.asarray(x)
    sizes = jnp.where(jnp.isnan(x), jnp.inf, jnp.abs(x))  # NaN is kept
    order = jnp.argsort(-sizes, stable=True)
    return jnp.argsort(order) < k


@jax.custom_jvp
def top_k(x: Vector, k: Int[ArrayLike, ""]) -> Float[Array, " n"]:
    """A next vector with at most k entries other than zero: the k largest in size are kept.

    Also known as hard thresholding. The set is not convex: where sizes are equal there are several
    such vectors, and those entries are kept that come first.
    """
    x = jnp.asarray(x)
    return jnp.where(_largest(x, k), x, jnp.zeros_like(x))


@top_k.defjvp
def _top_k_jvp(primals, tangents):
    return top_k(*primals), jnp.where(_largest(*primals), tangents[0], 0.0)


def top_k_vjp(x: Vector, k: Int[ArrayLike, ""], cotangent: Vector) -> tuple[Float[Array, " n"]]:
    """The cotangent of what is kept, else zero."""
    return (jnp.where(_largest(x, k), jnp.asarray(cotangent), 0.0),)


def _different(x, k):
    """Whether sizes are apart, so that the answer is continuous."""
    sizes = jnp.sort(jnp.abs(jnp.asarray(x)))
    return jnp.all(sizes[1:] > 1.001 * sizes[:-1])


TOP_K = Formula(
    fn=top_k,
    label="projections.top_k",
    domain=dict(x=Box((3,), REAL), k=Integers(1, 3)),
    where=_different,
    vjp=top_k_vjp,
    facts=(Odd("x"),),
    tex=r"P_{\lVert u \rVert_0 \le k}(x)_i = x_i \text{ if } |x_i| \text{ is among the } k "
    r"\text{ largest, else } 0",
    source=Source("beck2017first", "example 6.9"),
    topic="O16",
)
