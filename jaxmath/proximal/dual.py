r"""The minimum of a convex function of multipliers, by Newton's method and by slopes alone.

A projection on a set $\{u \in C : A u = b\}$ has as many unknowns as equations once the projection
on C is known: the dual function is convex and once differentiable, its gradient is what the
equations leave, and almost everywhere it has a second derivative (Qi and Sun 2006, section 3).
Steps are tried by the slope along them, since near the end values drown in rounding.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

SHIFT = 1e-3
"""So much is added to the eigenvalues of the matrix for a gradient of one, and less as it falls."""
SEARCHES = 60
"""So many lengths are tried along a direction: sixty halvings use up a float's digits."""
IDLE = 3
"""So many steps in a row may leave a small gradient where it is, in its rounding."""
STEPS = 200


class Search(NamedTuple):
    """What the loop needs."""

    y: Array
    gradient: Array
    error: Array  # the largest entry of the gradient
    best: Array  # the y of the least error
    least: Array
    idle: Array
    steps: Array


def minimise_dual(
    slope: Callable[[Array], Array],
    bend: Callable[[Array], Array],
    start: Float[Array, " m"],
    tolerance: Any = 0.0,
    relax: Callable[[Array], Array] = lambda y: y,
) -> Float[Array, " m"]:
    """Where the gradient `slope` of a convex function is least; `bend` is its Jacobian.

    Both are of order one where nothing is solved. Without a tolerance the search goes on until
    rounding ends it. After each step `relax` may move on to where the function is lower still.
    """
    eps = jnp.finfo(start.dtype).eps

    def step(here: Search) -> Search:
        shift = SHIFT * jnp.minimum(here.error, 1)
        direction = _newton(bend(here.y), -here.gradient, shift)
        y = relax(here.y + _length(slope, here, direction) * direction)
        gradient = slope(y)
        error = jnp.max(jnp.abs(gradient))
        closer = error < here.least
        # Far away a convex function may fall while its gradient grows.
        far = ~(error < jnp.sqrt(eps))
        return Search(
            y=y,
            gradient=gradient,
            error=error,
            best=jnp.where(closer, y, here.best),
            least=jnp.minimum(here.least, error),
            idle=jnp.where(far | (error < 0.9 * here.least), 0, here.idle + 1),
            steps=here.steps + 1,
        )

    def unfinished(here: Search):
        return (here.least > tolerance) & (here.idle < IDLE) & (here.steps < STEPS)

    gradient = slope(start)
    error = jnp.max(jnp.abs(gradient))
    none = jnp.asarray(0)
    begin = Search(start, gradient, error, start, error, none, none)
    return jax.lax.while_loop(unfinished, step, begin).best


def _newton(matrix, right, shift):
    """Newton's step with a shifted matrix, without a part in directions that it does not see."""
    values, vectors = jnp.linalg.eigh(matrix)
    values = jnp.maximum(values, 0) + shift
    seen = values > right.size * jnp.finfo(right.dtype).eps * values[-1]
    return vectors @ jnp.where(seen, right @ vectors / jnp.where(seen, values, 1), 0)


def _length(slope, here: Search, direction):
    """A length after which the slope along the direction is small, by doubling and halving."""
    first = here.gradient @ direction

    def search(state):
        low, high, length, tries, _ = state
        after = slope(here.y + length * direction) @ direction
        over = ~(after <= -0.1 * first)  # also where it is not a number
        short = after < 0.9 * first
        low, high = jnp.where(short, length, low), jnp.where(over, length, high)
        middle = jnp.where(jnp.isfinite(high), (low + high) / 2, 2 * length)
        return low, high, jnp.where(over | short, middle, length), tries + 1, ~(over | short)

    zero, one = jnp.zeros_like(first), jnp.ones_like(first)
    start = zero, one * jnp.inf, one, jnp.asarray(0), jnp.asarray(False)
    _, _, length, _, _ = jax.lax.while_loop(
        lambda state: ~state[4] & (state[3] < SEARCHES), search, start
    )
    return length


def solver_where_seen(matrix):
    """A solver with a symmetric positive semidefinite matrix; and its rank, as rounding tells it.

    For right sides in the range of the matrix; answers have no part across that. Differentiable
    where the directions that the matrix does not see are the same nearby.
    """
    diagonal = jax.lax.stop_gradient(jnp.diag(matrix))
    scale = jnp.sqrt(jnp.where(diagonal > 0, diagonal, 1))
    scaled = matrix / (scale[:, None] * scale[None, :])
    values, vectors = jnp.linalg.eigh(jax.lax.stop_gradient(scaled))
    seen = values > 10 * len(matrix) * jnp.finfo(matrix.dtype).eps
    unseen = jnp.where(seen[None, :], 0, vectors)
    full = scaled + unseen @ unseen.T
    return lambda right: jnp.linalg.solve(full, right / scale) / scale, jnp.sum(seen)
