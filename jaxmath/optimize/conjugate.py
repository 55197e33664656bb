r"""Conjugate gradients for H z = b by products with H alone, and what they see of its curvature.

Along each direction d of the method $d^T H d / d^T d$ lies between the least and the largest
eigenvalue of H. A direction of no positive curvature ends it (Nocedal and Wright 2006, algorithm
7.1): what was found until then leads downhill still.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array


class Conjugate(NamedTuple):
    """Where conjugate gradients ended.

    Attributes:
        z: what was found: the solution, or where curvature ended the search the last iterate, and b
            itself if there was none.
        solved: whether the residual became as small as was asked.
        least: the least curvature along a direction.
        greatest: the largest.
    """

    z: Array
    solved: Array
    least: Array
    greatest: Array


class Search(NamedTuple):
    """What the loop needs."""

    z: Array
    residual: Array
    direction: Array
    square: Array  # of the residual
    least: Array
    greatest: Array
    steps: Array
    ended: Array


def conjugate_gradients(product: Callable[[Array], Array], right: Array, share: Any) -> Conjugate:
    """Solve until this share of the right side is left, in at most twice as many steps as numbers.

    In exact arithmetic they would be as many as the numbers; rounding asks for some more.
    """
    eps, limit = jnp.finfo(right.dtype).eps, 2 * right.size
    enough = jnp.square(share) * (right @ right)

    def step(here: Search) -> Search:
        d = here.direction
        bent = product(d)
        curvature, square = d @ bent, d @ d
        down = curvature > eps * jnp.sqrt(square) * jnp.linalg.norm(bent)
        length = here.square / jnp.where(down, curvature, 1)
        z = jnp.where(down, here.z + length * d, jnp.where(here.steps == 0, right, here.z))
        residual = jnp.where(down, here.residual - length * bent, here.residual)
        left = residual @ residual
        quotient = curvature / square
        return Search(
            z=z,
            residual=residual,
            direction=residual + (left / here.square) * d,
            square=left,
            least=jnp.minimum(here.least, quotient),
            greatest=jnp.maximum(here.greatest, jnp.abs(quotient)),
            steps=here.steps + 1,
            ended=~down,
        )

    none = jnp.zeros_like(right)
    start = Search(
        none, right, right, right @ right, enough + jnp.inf, 0 * enough, jnp.asarray(0), enough < 0
    )
    end = jax.lax.while_loop(
        lambda here: (here.square > enough) & ~here.ended & (here.steps < limit), step, start
    )
    return Conjugate(end.z, (end.square <= enough) & ~end.ended, end.least, end.greatest)


def conjugate_or_nan(linear, right):
    """Solve `linear(z) = right` with a symmetric map of vectors, no matrix formed.

    NaN where it is not positive definite, or singular to its rounding, or where conjugate gradients
    do not get there. A right side may happen not to see a direction without curvature, so a second
    one that has all directions is solved as well.
    """

    def solve(product, right):
        n, eps = right.size, jnp.finfo(right.dtype).eps
        every = jnp.cos(1 + jnp.arange(n, dtype=right.dtype))
        found = jax.vmap(lambda one: conjugate_gradients(product, one, eps))(
            jnp.stack([right, every])
        )
        regular = jnp.min(found.least) > 10 * n * eps * jnp.max(found.greatest)
        # A right side of nothing is solved by nothing, whatever the curvature along it.
        return jnp.where(jnp.all(found.solved) & regular, found.z[0], jnp.nan)

    return jax.lax.custom_linear_solve(linear, right, solve, symmetric=True)
