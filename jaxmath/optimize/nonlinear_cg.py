r"""Nonlinear conjugate gradients: the last direction, and nothing else, is remembered.

$$ d \leftarrow -g + \beta d, \qquad
\beta = \frac{1}{d^T y} \left(y - 2 d \frac{y^T y}{d^T y}\right)^T g $$

with the change y of the gradient; every such d leads down (Hager and Zhang 2005, eq. 1.3 to 1.6,
with their lower bound of beta).
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array

from jaxmath.optimize.descent import Method, descend
from jaxmath.optimize.solution import Solution


class Last(NamedTuple):
    """The last direction, and its share in the next."""

    direction: Array
    share: Array


@functools.partial(jax.jit, static_argnames=("objective", "second_order"))
def nonlinear_cg(
    objective: Callable[[Any, Any], Any],
    start: Any,
    args: Any = None,
    *,
    tolerance: Any = None,
    max_iterations: Any = 10_000,
    second_order: bool | None = None,
) -> Solution:
    """Find a local minimum of `objective(x, args)` by its gradient, in four vectors of memory.

    Arguments, result, derivatives and errors are those of `lbfgs`, which needs fewer steps.
    """
    method = Method(_start, _direction, _remember, False, 0.1)
    return descend(method, objective, start, args, tolerance, max_iterations, second_order)


def _start(x) -> Last:
    return Last(jnp.zeros_like(x), jnp.zeros((), x.dtype))


def _direction(last: Last, gradient):
    return -gradient + last.share * last.direction


def _remember(last: Last, step, before, after, direction) -> Last:
    del last, step
    change = after - before
    bend = direction @ change
    safe = jnp.where(bend > 0, bend, 1)
    share = (change - 2 * direction * ((change @ change) / safe)) @ after / safe
    size = jnp.linalg.norm(direction)
    bound = -1 / (size * jnp.minimum(0.01, jnp.linalg.norm(before)))
    return Last(direction, jnp.where(bend > 0, jnp.maximum(share, bound), 0))
