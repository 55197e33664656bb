r"""BFGS: an inverse Hessian from the steps that were taken.

$$ H \leftarrow (I - \rho s y^T) H (I - \rho y s^T) + \rho s s^T, \qquad \rho = 1 / s^T y $$

begun from $(s^T y / y^T y) I$ (Nocedal and Wright 2006, eq. 6.17 and 6.20).
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array

from jaxmath.optimize.descent import Method, descend
from jaxmath.optimize.solution import Solution


class Inverse(NamedTuple):
    """The inverse Hessian, and whether it knows of a step yet."""

    matrix: Array
    seen: Array


@functools.partial(jax.jit, static_argnames=("objective", "second_order"))
def bfgs(
    objective: Callable[[Any, Any], Any],
    start: Any,
    args: Any = None,
    *,
    tolerance: Any = None,
    max_iterations: Any = 2000,
    second_order: bool | None = None,
) -> Solution:
    """Find a local minimum of `objective(x, args)` by its gradient; for up to a thousand unknowns.

    Arguments, result, derivatives and errors are those of `lbfgs`, which keeps no matrix.
    """
    method = Method(_start, _direction, _remember, True, 0.9)
    return descend(method, objective, start, args, tolerance, max_iterations, second_order)


def _start(x) -> Inverse:
    return Inverse(jnp.eye(x.size, dtype=x.dtype), jnp.asarray(False))


def _direction(inverse: Inverse, gradient):
    return -inverse.matrix @ gradient


def _remember(inverse: Inverse, step, before, after, _) -> Inverse:
    change = after - before
    product, square = step @ change, change @ change
    eps = jnp.finfo(step.dtype).eps
    bent = product > eps * jnp.linalg.norm(step) * jnp.sqrt(square)
    rho = 1 / jnp.where(bent, product, 1)
    first = product / jnp.where(square > 0, square, 1)
    H = jnp.where(inverse.seen, inverse.matrix, first * jnp.eye(step.size, dtype=step.dtype))
    Hy = H @ change
    cross = jnp.outer(step, Hy)
    new = H - rho * (cross + cross.T) + rho * (1 + rho * (change @ Hy)) * jnp.outer(step, step)
    return Inverse(jnp.where(bent, new, inverse.matrix), inverse.seen | bent)
