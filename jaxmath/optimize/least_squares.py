r"""Levenberg's and Marquardt's method: a sum of squares by the slopes of what is squared.

With the Jacobian J of the residuals r, the step minimises $|r + J s|$ among all with
$|D s| \le \Delta$, where D holds the lengths of the columns of J (Moré 1978; Nocedal and Wright
2006, section 10.3). The singular values of $J D^{-1}$ give it: the matrix $J^T J$, whose
condition number is the square of J's, is never formed.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array

from jaxmath.optimize.flat import SHARP, all_finite, choose, flatten
from jaxmath.optimize.minimum import RUNNING, Found, solution_of, tests_second_order
from jaxmath.optimize.secular import within_ball
from jaxmath.optimize.solution import Solution, Status


class Local(NamedTuple):
    """What is known of the residuals r at a point."""

    x: Array
    residuals: Array
    jacobian: Array
    objective: Array  # |r|^2 / 2
    gradient: Array  # J' r
    reach: Array  # |J|' (|r| + |J| |x|): the terms of the gradient
    error: Array


class Search(NamedTuple):
    """What the loop needs."""

    here: Local
    scale: Array  # the greatest length of each column so far
    radius: Array
    iterations: Array
    status: Array


@functools.partial(jax.jit, static_argnames=("residuals", "second_order"))
def least_squares(
    residuals: Callable[[Any, Any], Any],
    start: Any,
    args: Any = None,
    *,
    tolerance: Any = None,
    max_iterations: Any = 500,
    second_order: bool | None = None,
) -> Solution:
    """Find a local minimum of half the sum of squares of `residuals(x, args)`.

    Args:
        residuals: a function of the point and the parameters, differentiable; twice where the
            solution is differentiated or tested. An array or a pytree; there may be fewer of them
            than unknowns.
        start: where to begin, any pytree of floating-point arrays, whose dtype is that of the
            solve.
        args: the parameters of the problem, in which the solution can be differentiated.
        tolerance: the largest entry of the gradient, each relative to 1 plus the terms that it
            sums; by default the dtype's spacing to the power 3/4: 2e-12 in float64, 6e-6 in
            float32.
        max_iterations: the number of steps, refused ones included, after which to give up.
        second_order: whether to look at the Hessian in the end, to say of what kind the point is;
            by default up to 200 unknowns.

    Returns:
        A `Solution` without multipliers: the last finite point, and an `Info` that `describe` puts
        in words; `info.objective` is half the sum of squares.

    Where the residuals stay large and bend, the method needs many steps; `trust_region` on the sum
    of squares needs fewer. Derivatives in `args` are those of the root of the full gradient, with
    second derivatives of the residuals, to any order and in both modes; NaN where its Jacobian is
    singular or nothing is solved. Derivatives in `start` are zero.

    Raises:
        TypeError: if `start` holds anything but real floating-point numbers.
    """
    r, f, x, unravel, tolerance = flat_residuals(residuals, start, args, tolerance, SHARP)

    def search(x):
        return search_squares(r, x, tolerance, max_iterations)

    tested = tests_second_order(second_order, x.size)
    return solution_of(f, x, search, tolerance, unravel, tested)


def flat_residuals(residuals, start, args, tolerance, power: float):
    """The residuals as a function of a vector, half their squares, and what `flatten` gives."""
    x, unravel, tolerance = flatten(start, tolerance, power)

    def r(x):
        return ravel_pytree(residuals(unravel(x), args))[0].astype(x.dtype)

    def f(x):
        return 0.5 * jnp.sum(jnp.square(r(x)))

    return r, f, x, unravel, tolerance


def error_of(local: Local):
    """The largest entry of the gradient, each relative to 1 plus the terms that it sums."""
    return jnp.max(jnp.abs(local.gradient) / (1 + local.reach))


def never(local: Local, tolerance):
    """No further end of a search, and the status that it would have."""
    return jnp.asarray(False), RUNNING


def search_squares(
    r: Callable[[Array], Array],
    x: Array,
    tolerance: Array,
    max_iterations: Any,
    error: Callable[[Local], Array] = error_of,
    verdict: Callable[[Local, Array], tuple[Array, int]] = never,
) -> Found:
    """Step, look, judge by an error and another verdict; until there is a status."""
    here = _look(r, x, error)
    status = jnp.where(max_iterations <= 0, Status.ITERATION_LIMIT, RUNNING)
    status = jnp.where(here.error <= tolerance, Status.OPTIMAL, status)
    status = jnp.where(_finite(here), status, Status.NOT_FINITE)
    scale = _lengths(here)
    reach = jnp.linalg.norm(scale * x)
    # A hundred times the size of the start, as MINPACK begins.
    radius = jnp.where(reach > 0, 100 * reach, 100)

    def repeat(search: Search) -> Search:
        new, stuck = _advance(r, search, error)
        status = jnp.where(new.iterations >= max_iterations, Status.ITERATION_LIMIT, RUNNING)
        status = jnp.where(stuck, Status.STALLED, status)
        ended, other = verdict(new.here, tolerance)
        status = jnp.where(ended, other, status)
        status = jnp.where(new.here.error <= tolerance, Status.OPTIMAL, status)
        return new._replace(status=status)

    start = Search(here, scale, radius, jnp.asarray(0), status)
    end = jax.lax.while_loop(lambda search: search.status == RUNNING, repeat, start)
    here = end.here
    return Found(here.x, here.objective, here.gradient, here.error, end.iterations, end.status)


def _look(r, x, error) -> Local:
    residuals, jacobian = r(x), jax.jacfwd(r)(x)
    gradient, sizes = residuals @ jacobian, jnp.abs(jacobian)
    reach = (jnp.abs(residuals) + sizes @ jnp.abs(x)) @ sizes
    objective = 0.5 * jnp.sum(jnp.square(residuals))
    local = Local(x, residuals, jacobian, objective, gradient, reach, objective)
    return local._replace(error=error(local))


def _finite(local: Local):
    return all_finite(local.objective, local.reach)


def _lengths(local: Local):
    lengths = jnp.linalg.norm(local.jacobian, axis=0)
    return jnp.where(lengths > 0, lengths, 1)


def _advance(r, search: Search, error) -> tuple[Search, Array]:
    """Try the best step of the model; the state after it, and whether no step can help."""
    here, radius = search.here, search.radius
    eps = jnp.finfo(here.x.dtype).eps
    scale = jnp.maximum(search.scale, _lengths(here))
    left, sizes, right = jnp.linalg.svd(here.jacobian / scale[None, :], full_matrices=False)
    negligible = eps * max(here.jacobian.shape) * sizes[0]
    sizes = jnp.where(sizes > negligible, sizes, 0)
    shares = here.residuals @ left
    p = within_ball(jnp.square(sizes), sizes * shares, radius)
    step = (p @ right) / scale
    moved = jnp.where(sizes > 0, sizes * p, 0)
    promised = -moved @ (shares + 0.5 * moved)
    there = _look(r, here.x + step, error)
    finite = _finite(there)
    # The fall of half the squares, without their cancellation.
    fall = 0.5 * (here.residuals - there.residuals) @ (here.residuals + there.residuals)
    # Rounding moves residuals by what x moves them.
    unsure = jnp.abs(here.residuals) + jnp.abs(here.jacobian) @ jnp.abs(here.x)
    noise = eps * jnp.abs(here.residuals) @ unsure + jnp.square(eps) * unsure @ unsure
    faint = promised <= noise
    share = fall / jnp.where(promised > 0, promised, 1)
    accept = finite & jnp.where(faint, there.error < here.error, share > 1e-4)
    length = jnp.linalg.norm(p)
    # Below rounding the share says nothing.
    bold = ~accept | (~faint & (share < 0.25))
    timid = ~faint & (share > 0.75) & (length > 0.9 * radius)
    radius = jnp.where(bold, 0.25 * length, jnp.where(timid, 3 * radius, radius))
    idle = jnp.all(jnp.abs(step) <= eps * jnp.abs(here.x))
    stuck = (length == 0) | (~accept & idle)
    here = choose(accept, there, here)
    return Search(here, scale, radius, search.iterations + 1, search.status), stuck
