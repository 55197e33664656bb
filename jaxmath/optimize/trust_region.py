r"""Newton's method within a ball that follows how well its model has predicted.

The step minimises $g \cdot s + \tfrac12 s^T H s$ among all with $|D s| \le \Delta$, whatever the
signs of the eigenvalues of H: near a saddle it leaves along negative curvature. The radius grows
where the model predicts well and shrinks where it does not (Nocedal and Wright 2006, algorithm
4.1; the subproblem to the end as in section 4.3).
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array

from jaxmath.optimize.curvature import Curvature, curvature_of, downhill
from jaxmath.optimize.flat import SHARP, all_finite, bottom, choose, flatten
from jaxmath.optimize.minimum import RUNNING, Found, solution_of
from jaxmath.optimize.secular import within_ball
from jaxmath.optimize.solution import Solution, Status


class Local(NamedTuple):
    """What is known of the objective at a point."""

    x: Array
    objective: Array
    gradient: Array
    reach: Array  # |H| |x|: the terms of the gradient, as far as rounding x moves them
    error: Array
    curvature: Curvature


@functools.partial(jax.jit, static_argnames=("objective",))
def trust_region(
    objective: Callable[[Any, Any], Any],
    start: Any,
    args: Any = None,
    *,
    tolerance: Any = None,
    max_iterations: Any = 500,
) -> Solution:
    """Find a local minimum of `objective(x, args)` by its Hessian; for up to some hundred unknowns.

    Args:
        objective: a scalar function of the point and the parameters, twice differentiable.
        start: where to begin, any pytree of floating-point arrays, whose dtype is that of the
            solve.
        args: the parameters of the problem, in which the solution can be differentiated.
        tolerance: the largest entry of the gradient, each relative to 1 plus the terms that it
            sums; by default the dtype's spacing to the power 3/4: 2e-12 in float64, 6e-6 in
            float32.
        max_iterations: the number of steps, refused ones included, after which to give up.

    Returns:
        A `Solution` without multipliers: the last finite point, and an `Info` that `describe` puts
        in words.

    The point and `info.objective` can be differentiated in `args`, to any order and in both modes,
    by the implicit function theorem; where the Hessian is singular (`info.kind` is UNDECIDED) or
    nothing is solved, the derivatives are NaN. Derivatives in `start` are zero.

    Raises:
        TypeError: if `start` holds anything but real floating-point numbers.
    """
    x, unravel, tolerance = flatten(start, tolerance, SHARP)

    def f(x):
        return jnp.asarray(objective(unravel(x), args), x.dtype)

    def search(x):
        return _search(f, x, tolerance, max_iterations)

    return solution_of(f, x, search, tolerance, unravel, second_order=True)


def _search(f, x, tolerance, max_iterations) -> Found:
    """Step, look, judge; until there is a status."""
    here = _look(f, x)
    status = jnp.where(max_iterations <= 0, Status.ITERATION_LIMIT, RUNNING)
    status = jnp.where(_converged(here, tolerance), Status.OPTIMAL, status)
    status = jnp.where(_finite(here), status, Status.NOT_FINITE)
    radius = 0.1 * jnp.maximum(1, jnp.linalg.norm(here.curvature.scale * here.x))
    size = jnp.abs(here.objective)  # of the terms that cancel in a small value, at most

    def repeat(carry):
        here, radius, count, status = carry
        there, radius, stuck = _advance(f, here, radius, size)
        count = count + 1
        status = jnp.where(count >= max_iterations, Status.ITERATION_LIMIT, RUNNING)
        status = jnp.where(stuck, Status.STALLED, status)
        # A point that cannot be left though it is a saddle is stationary; the last test tells.
        solved = (there.error <= tolerance) & (stuck | ~downhill(there.curvature))
        status = jnp.where(solved, Status.OPTIMAL, status)
        unbounded = there.objective < bottom(x.dtype)
        status = jnp.where(unbounded, Status.UNBOUNDED, status)
        return there, radius, count, status

    start = here, radius, jnp.asarray(0), status
    here, _, count, status = jax.lax.while_loop(lambda carry: carry[3] == RUNNING, repeat, start)
    return Found(here.x, here.objective, here.gradient, here.error, count, status)


def _look(f, x) -> Local:
    objective, gradient = jax.value_and_grad(f)(x)
    hessian = jax.hessian(f)(x)
    reach = jnp.abs(hessian) @ jnp.abs(x)
    error = jnp.max(jnp.abs(gradient) / (1 + reach))
    return Local(x, objective, gradient, reach, error, curvature_of(hessian))


def _finite(local: Local):
    return all_finite(local.objective, local.gradient, local.reach, local.curvature.values)


def _converged(local: Local, tolerance):
    return (local.error <= tolerance) & ~downhill(local.curvature)


def _advance(f, here: Local, radius, size):
    """Try the best step of the model; say where that leads, the new radius, and if it is idle."""
    eps = jnp.finfo(here.x.dtype).eps
    scale, values, vectors = here.curvature
    slopes = vectors.T @ (here.gradient / scale)
    p = within_ball(values, slopes, radius)
    promised = -(slopes @ p + 0.5 * values @ jnp.square(p))
    move = (vectors @ p) / scale
    there = _look(f, here.x + move)
    finite = _finite(there)
    # Near the end the decrease drowns in rounding, that of the value or of terms which cancel in
    # it, and the gradient alone can tell.
    noise = 10 * eps * jnp.abs(here.objective)
    rest = 10 * eps * jnp.abs(here.x) @ here.reach
    faint = promised <= noise
    share = (here.objective - there.objective + noise) / (promised + noise)
    falls = ~faint & (share > 1e-4) & (there.objective <= here.objective)
    level = jnp.abs(there.objective - here.objective) <= 10 * eps * size
    sloping = -move @ (here.gradient + there.gradient) / 2 > 0.1 * promised
    calmer = there.error < here.error
    accept = finite & (falls | (calmer & ((promised <= noise + rest) | (level & sloping))))
    length = jnp.linalg.norm(p)
    bold = ~accept | (share < 0.25)
    timid = (share > 0.75) & (length > 0.9 * radius)
    radius = jnp.where(bold, 0.25 * length, jnp.where(timid, 3 * radius, radius))
    idle = jnp.all(jnp.abs(move) <= eps * jnp.abs(here.x))
    stuck = idle | (~accept & faint & finite) | (length == 0)
    there = choose(accept, there, here)
    return there, radius, stuck
