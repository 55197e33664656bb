r"""Block coordinate descent: proximal steps in one row of the unknowns after another.

With $z = A x$ kept up to date, a step in the row $x_j$ costs the gradient of the loss in z and one
column of A,

$$ x_j \leftarrow \operatorname{prox}_{t_j g}(x_j - t_j\, a_j^\top \nabla \phi(z)), $$

(Tseng 2001; Friedman, Hastie and Tibshirani 2010, section 2.1), where each row has a step $t_j$ of
its own, one over its curvature: of a sum of squares the exact minimum in $x_j$.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array

from jaxmath.optimize.backtracking import backtrack, first_length, half_square
from jaxmath.optimize.composite import composite_solution
from jaxmath.optimize.flat import PLAIN, all_finite, bottom, flatten, largest
from jaxmath.optimize.minimum import RUNNING, Found
from jaxmath.optimize.progress import Progress, after_step, at_start
from jaxmath.optimize.solution import Solution

PATIENCE = 100
"""So many sweeps in a row may bring no smaller residual."""


class Search(NamedTuple):
    """What the loop needs."""

    x: Array  # (d, k)
    steps: Array  # (d,)
    rest: Array  # (d, k), (x - prox(x - t grad)) / t
    step: Array  # its t
    progress: Progress


@functools.partial(jax.jit, static_argnames=("loss", "prox", "second_look"))
def block_coordinate_descent(
    loss: Callable[[Any, Any], Any],
    prox: Callable[[Any, Any, Any], Any],
    start: Any,
    matrix: Any,
    args: Any = None,
    *,
    tolerance: Any = None,
    max_iterations: Any = 2000,
    second_look: bool | None = None,
) -> Solution:
    """Minimise `loss(matrix @ x, args)` plus a penalty of each row of x.

    Args:
        loss: the smooth part, of the product (n, or n by k) and the parameters; twice
            differentiable.
        prox: of (v, step, args), with v a row of x (a number, or k numbers), the u that minimises
            step * penalty(u, args) + |u - v|^2 / 2.
        start: where to begin: d numbers, or a d by k matrix, whose dtype is that of the solve.
        matrix: n by d, in which the solution can be differentiated as well.
        args: the parameters of both parts, in which the solution can be differentiated.
        tolerance: the largest entry of (x - prox(x - t grad, t)) / t after a sweep, relative to 1
            plus the sizes of the gradient and of x / t, for the least step t of a row; by default
            the dtype's spacing to the power 2/3: 4e-11 in float64, 2e-5 in float32.
        max_iterations: the number of sweeps over all rows after which to give up.
        second_look: whether to ask in the end if the solution is regular; see `proximal_gradient`.

    Returns:
        A `Solution` like that of `proximal_gradient`, and with its derivatives; the iterations are
        sweeps.

    Raises:
        TypeError: if `start` holds anything but real floating-point numbers.
        ValueError: if the shapes do not fit.
    """
    x, unravel, tolerance = flatten(start, tolerance, PLAIN)
    shape = jnp.shape(start)
    A = jnp.asarray(matrix, x.dtype)
    if len(shape) not in (1, 2) or A.ndim != 2 or A.shape[1] != shape[0]:
        raise ValueError(f"A matrix of {A.shape} has no product with unknowns of {shape}.")

    def f(x, given):
        A, args = given
        return jnp.asarray(loss(A @ x.reshape(shape), args), x.dtype)

    def near(v, step, given):
        rows = jax.vmap(lambda row: prox(row, step, given[1]))(v.reshape(shape))
        return rows.astype(v.dtype).ravel()

    given = A, args
    still = jax.lax.stop_gradient(given)
    start = jax.lax.stop_gradient(x).reshape(shape)
    end = _search(loss, prox, start, still, tolerance, max_iterations)
    error, iterations, status = end.progress.error, end.progress.iterations, end.progress.status
    x = end.x.ravel()
    found = Found(x, f(x, still), end.rest.ravel(), error, iterations, status)
    return composite_solution(f, near, found, end.step, given, tolerance, unravel, second_look)


def _search(loss, prox, x, given, tolerance, max_iterations) -> Search:
    A, args = given

    def f(z):
        return jnp.asarray(loss(z.reshape(A.shape[:1] + x.shape[1:]), args), x.dtype)

    z = (A @ x).ravel()
    value, slope = jax.value_and_grad(f)(z)
    squares = jnp.sum(jnp.square(A), axis=0)
    steps = first_length(f, z, slope) / jnp.where(squares > 0, squares, 1)
    begin = Search(
        x=x,
        steps=steps,
        rest=jnp.zeros_like(x),
        step=jnp.min(steps),
        progress=at_start(all_finite(value, slope, A), max_iterations, x.dtype),
    )
    return jax.lax.while_loop(
        lambda here: here.progress.status == RUNNING,
        lambda here: _sweep(f, prox, here, A, args, tolerance, max_iterations),
        begin,
    )


def _sweep(f, prox, here: Search, A, args, tolerance, max_iterations) -> Search:
    """One step in each row, and then the residual of all."""

    def step_in_row(z, row):
        x, column, length = row
        value, slope = jax.value_and_grad(lambda x: f(z + _spread(column, x)))(jnp.zeros_like(x))

        def along(change):
            return f(z + _spread(column, change.reshape(x.shape)))

        def move(length):
            return (prox(x - length * slope, length, args).astype(x.dtype) - x).ravel()

        zero = jnp.zeros(x.size, x.dtype)
        new = backtrack(along, move, half_square, zero, value, slope.ravel(), length)
        change = jnp.where(new.good, new.x, 0).reshape(x.shape)
        wider = new.longer()
        kept = jnp.where(new.good, wider, length)
        return z + _spread(column, change), (x + change, kept)

    z, (x, steps) = jax.lax.scan(step_in_row, (A @ here.x).ravel(), (here.x, A.T, here.steps))
    z = (A @ x).ravel()
    value, pull = jax.value_and_grad(f)(z)
    slope = (A.T @ pull.reshape(A.shape[:1] + x.shape[1:])).reshape(x.shape)
    least = jnp.min(steps)
    near = jax.vmap(lambda row: prox(row, least, args))(x - least * slope).astype(x.dtype)
    error = largest(x - near) / (least * (1 + largest(slope)) + largest(x))
    progress = after_step(
        here.progress,
        error,
        tolerance,
        max_iterations,
        PATIENCE,
        stuck=jnp.all(x == here.x),
        lost=~all_finite(value, slope),
        unbounded=value < bottom(x.dtype),
    )
    return Search(x, steps, (x - near) / least, least, progress)


def _spread(column, row):
    """What a change of one row adds to the product, as a vector."""
    return jnp.outer(column, row).ravel()
