r"""How long a step may be: halved until the curvature that it meets allows it.

With the distance D(x, y) of a method, half the squared length or a divergence, a step t is short
enough where

$$ f(x) \le f(y) + \nabla f(y) \cdot (x - y) + D(x, y) / t $$

(Beck and Teboulle 2009, section 4). Where the fall drowns in the rounding of values the gradients
are asked instead, $(\nabla f(x) - \nabla f(y)) \cdot (x - y) \le (D(x, y) + D(y, x)) / t$, which
is the same for a parabola.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array

from jaxmath.optimize.flat import all_finite, largest

DROWNED = 1e5
"""Values tell the curvature where it moves them by so many roundings, and then to three digits."""
SLACK = 1.001


class Step(NamedTuple):
    """A step, and whether it is any good."""

    x: Array
    length: Array  # t
    bend: Array  # the curvature met times t: at most one
    value: Array
    good: Array

    def longer(self, growth: float = 1.25):
        """What to try next: more where the curvature that was met allows twice as much."""
        return jnp.where(self.bend < 0.5, growth * self.length, self.length)


def half_square(x, y):
    """The Euclidean distance, twice: each way."""
    square = jnp.sum(jnp.square(x - y))
    return square / 2, square / 2


def backtrack(
    f: Callable[[Array], Array],
    move: Callable[[Array], Array],
    distances: Callable[[Array, Array], tuple[Any, Any]],
    y: Array,
    value: Array,
    slope: Array,
    length: Array,
) -> Step:
    """The first of `length`, its half, its quarter ... that is short enough; sixty are tried.

    Args:
        f: the smooth part of the objective.
        move: from a length to the point where such a step ends.
        distances: of two points, D(x, y) and D(y, x).
        y: where the steps begin.
        value: of f at y.
        slope: its gradient there.
        length: what to try first.
    """
    eps = jnp.finfo(y.dtype).eps

    def attempt(length) -> Step:
        x = move(length)
        new, change = f(x), x - y
        there, back = distances(x, y)
        noise = eps * (jnp.abs(value) + jnp.abs(new))
        drowned = there / length < DROWNED * noise
        bend = jax.lax.cond(
            drowned,
            lambda: (jax.grad(f)(x) - slope) @ change,
            lambda: new - value - slope @ change,
        )
        # Gradients that differ by their own rounding alone do not bend.
        bend = bend - 10 * eps * jnp.linalg.norm(slope) * jnp.linalg.norm(change)
        size = jnp.where(drowned, there + back, there)
        bend = jnp.where(size > 0, length * bend / jnp.where(size > 0, size, 1), 0)
        finite = all_finite(new, x, value, slope)
        return Step(x, length, bend, new, finite & (bend <= SLACK))

    def repeat(state):
        tries, step = state
        return tries + 1, attempt(step.length / 2)

    state = jnp.asarray(0), attempt(length)
    return jax.lax.while_loop(lambda s: ~s[1].good & (s[0] < 60), repeat, state)[1]


def first_length(f, x, slope):
    """One over the curvature along the gradient, which is at most the largest curvature."""
    square = slope @ slope
    bend = slope @ jax.jvp(jax.grad(f), (x,), (slope,))[1]
    # Without curvature a change of one percent, or of one.
    plain = jnp.where(largest(x) > 0, 0.01 * largest(x), 1) / largest(slope)
    length = jnp.where(bend > 0, square / bend, plain)
    return jnp.where(jnp.isfinite(length) & (length > 0), length, 1).astype(x.dtype)
