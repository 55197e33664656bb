r"""Frank and Wolfe's method: towards the point of a set that is best for the slope here.

With s the point of the set where $\nabla f(x) \cdot s$ is least, $\nabla f(x) \cdot (x - s)$ bounds
how far a convex f is from its minimum (Jaggi 2013, eq. 2): the duality gap. The step towards s is
as long as the curvature allows that is found by backtracking (Pedregosa, Negiar, Askari and Jaggi
2020, algorithm 2).
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array

from jaxmath.optimize.backtracking import backtrack, first_length, half_square
from jaxmath.optimize.flat import SLOW, all_finite, flatten, largest
from jaxmath.optimize.implicit import without_derivative
from jaxmath.optimize.minimum import RUNNING
from jaxmath.optimize.progress import Progress, after_step, at_start
from jaxmath.optimize.solution import Info, Kind, Solution, Status


class Search(NamedTuple):
    """What the loop needs."""

    x: Array
    value: Array
    slope: Array
    corner: Array  # s
    step: Array  # one over the curvature
    progress: Progress


@functools.partial(jax.jit, static_argnames=("objective", "linear_minimizer"))
def frank_wolfe(
    objective: Callable[[Any, Any], Any],
    linear_minimizer: Callable[[Any, Any], Any],
    start: Any,
    args: Any = None,
    *,
    tolerance: Any = None,
    max_iterations: Any = 10_000,
) -> Solution:
    """Minimise a convex `objective(x, args)` over a convex set that is known by its corners.

    The gap after k steps is within a few L |s - s'|^2 / k, for a gradient with Lipschitz constant L
    and the largest distance in the set; it suits sets onto which it is hard to project.

    Args:
        objective: a scalar function of the point and the parameters, differentiable.
        linear_minimizer: of (c, args) the point s of the set at which c . s is least.
        start: a point of the set, any pytree of floating-point arrays, whose dtype is that of the
            solve.
        args: the parameters of both.
        tolerance: the duality gap, relative to 1 plus the size of the objective; by default the
            cube root of the dtype's spacing: 6e-6 in float64, 5e-3 in float32.
        max_iterations: the number of steps after which to give up.

    Returns:
        A `Solution`: x; for multipliers -grad f(x), which points out of the set; and an `Info` that
        `describe` puts in words, with the gap. OPTIMAL says that no point of the set is better by
        more than the gap, if f is convex.

    All derivatives are NaN: corners alone do not tell how a solution moves; `projected_gradient`
    has them.

    Raises:
        TypeError: if `start` holds anything but real floating-point numbers.
    """
    x, unravel, tolerance = flatten(start, tolerance, SLOW)
    still = jax.lax.stop_gradient(args)

    def f(x):
        return jnp.asarray(objective(unravel(x), still), x.dtype)

    def corner(slope):
        return ravel_pytree(linear_minimizer(unravel(slope), still))[0].astype(slope.dtype)

    end = _search(f, corner, jax.lax.stop_gradient(x), tolerance, max_iterations)
    error = end.progress.error
    info = Info(
        status=end.progress.status,
        kind=jnp.where(end.progress.status == Status.OPTIMAL, Kind.GLOBAL, Kind.UNDECIDED),
        regular=jnp.asarray(False),
        iterations=end.progress.iterations,
        objective=end.value,
        stationarity=largest(end.slope),
        primal=jnp.zeros((), x.dtype),
        error=error,
        tolerance=tolerance,
        gap=error,
    )

    info = jax.lax.stop_gradient(info)._replace(objective=without_derivative(end.value, args))
    x, pull = without_derivative(end.x, args), without_derivative(-end.slope, args)
    return Solution(unravel(x), unravel(pull), info)


def _search(f, corner, x, tolerance, max_iterations) -> Search:
    value, slope = jax.value_and_grad(f)(x)
    begin = Search(
        x=x,
        value=value,
        slope=slope,
        corner=corner(slope),
        step=first_length(f, x, slope),
        progress=at_start(all_finite(value, slope), max_iterations, x.dtype),
    )
    return jax.lax.while_loop(
        lambda here: here.progress.status == RUNNING,
        lambda here: _advance(f, corner, here, tolerance, max_iterations),
        begin,
    )


def _advance(f, corner, here: Search, tolerance, max_iterations) -> Search:
    way = here.corner - here.x
    fall = -(here.slope @ way)
    square = way @ way

    def move(length):
        share = jnp.where(square > 0, fall * length / jnp.where(square > 0, square, 1), 0)
        return here.x + jnp.clip(share, 0, 1) * way

    new = backtrack(f, move, half_square, here.x, here.value, here.slope, here.step)
    x = jnp.where(new.good, new.x, here.x)
    value, slope = jax.value_and_grad(f)(x)
    to = corner(slope)
    gap = slope @ (x - to)
    wider = new.longer()
    progress = after_step(
        here.progress,
        jnp.abs(gap) / (1 + jnp.abs(value)),
        tolerance,
        max_iterations,
        max_iterations,  # The gap goes up and down, and may be small by luck.
        stuck=~new.good,
        lost=~all_finite(value, slope, to),
        unbounded=jnp.asarray(False),
    )
    return Search(x, value, slope, to, jnp.where(new.good, wider, here.step), progress)
