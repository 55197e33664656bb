"""The loop of every method that chooses a direction by slopes, and searches along it."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array

from jaxmath.optimize.flat import PLAIN, all_finite, bottom, choose, flatten, largest
from jaxmath.optimize.line_search import Trial, line_search
from jaxmath.optimize.minimum import RUNNING, Found, solution_of, tests_second_order
from jaxmath.optimize.solution import Solution, Status

PATIENCE = 10
"""So many steps in a row may leave value and residual where they are."""


class Method(NamedTuple):
    """How a method chooses its direction.

    Attributes:
        start: from x to what the method remembers at first.
        direction: from the memory and the gradient to the direction.
        remember: from the memory, the step, the old and the new gradient, and the direction, to
            the new memory.
        whole: whether a step of length one is the natural one, once something is remembered.
        flat: how much of the first slope a line search may leave.
        prompt: whether a step of length one is the natural one before that, too.
    """

    start: Callable[[Array], Any]
    direction: Callable[[Any, Array], Array]
    remember: Callable[[Any, Array, Array, Array, Array], Any]
    whole: bool
    flat: float
    prompt: bool = False


class Search(NamedTuple):
    """What the loop needs."""

    x: Array
    objective: Array
    gradient: Array
    memory: Any
    fresh: Array  # whether the memory is empty
    fall: Array  # slope times length of the last step
    reach: Array  # a lower bound of |H| |x|, the terms of the gradient
    error: Array
    best: Array  # the least error
    idle: Array  # steps in a row without progress
    iterations: Array
    status: Array


def descend(
    method: Method,
    objective: Callable[[Any, Any], Any],
    start: Any,
    args: Any,
    tolerance: Any,
    max_iterations: Any,
    second_order: bool | None,
) -> Solution:
    """Solve a problem by a method; the arguments are those of the public solvers."""
    x, unravel, tolerance = flatten(start, tolerance, PLAIN)

    def f(x):
        return jnp.asarray(objective(unravel(x), args), x.dtype)

    def search(x):
        return search_along(method, f, x, tolerance, max_iterations)

    tested = tests_second_order(second_order, x.size)
    return solution_of(f, x, search, tolerance, unravel, tested)


def search_along(method: Method, f, x, tolerance, max_iterations) -> Found:
    """Take the steps of a method until there is a status."""
    value, gradient = jax.value_and_grad(f)(x)
    zero, none = jnp.zeros((), x.dtype), jnp.asarray(0)
    error = largest(gradient)
    status = jnp.where(max_iterations <= 0, Status.ITERATION_LIMIT, RUNNING)
    status = jnp.where(error <= tolerance, Status.OPTIMAL, status)
    status = jnp.where(all_finite(value, gradient), status, Status.NOT_FINITE)
    begin = Search(
        x=x,
        objective=value,
        gradient=gradient,
        memory=method.start(x),
        fresh=jnp.asarray(True),
        fall=zero,
        reach=jnp.zeros_like(x),
        error=error,
        best=error,
        idle=none,
        iterations=none,
        status=status,
    )
    end = jax.lax.while_loop(
        lambda search: search.status == RUNNING,
        lambda search: _judge(_step(method, f, search), tolerance, max_iterations),
        begin,
    )
    return Found(end.x, end.objective, end.gradient, end.error, end.iterations, end.status)


def _step(method: Method, f, here: Search) -> Search:
    """Choose a direction, search along it, remember."""
    eps = jnp.finfo(here.x.dtype).eps
    direction = method.direction(here.memory, here.gradient)
    slope = here.gradient @ direction
    size = jnp.linalg.norm(here.gradient)
    # A direction that hardly leads down, or is not finite, is replaced by the steepest.
    steepest = ~(slope < -eps * size * jnp.linalg.norm(direction))
    direction = jnp.where(steepest, -here.gradient, direction)
    slope = jnp.where(steepest, -jnp.square(size), slope)
    fresh = here.fresh | steepest
    memory = choose(fresh, method.start(here.x), here.memory)

    def evaluate(length) -> Trial:
        value, gradient = jax.value_and_grad(f)(here.x + length * direction)
        return Trial(length, value, gradient @ direction, gradient)

    # At first a change of 1% of x, or of one where x is zero; later as far as the last step fell.
    reach = largest(here.x)
    first = jnp.where(reach > 0, 0.01 * reach, 1) / largest(direction)
    like_the_last = jnp.where(here.fall < 0, here.fall / slope, first)
    usual = 1.0 if method.whole else like_the_last
    length = jnp.where(steepest | (fresh & (not method.prompt)), first, usual).astype(slope.dtype)
    noise = 10 * eps * jnp.abs(here.objective)
    start = Trial(jnp.zeros_like(length), here.objective, slope, here.gradient)
    end = line_search(evaluate, start, length, noise, method.flat)
    moved = end.length > 0
    step = end.length * direction
    change = end.gradient - here.gradient
    x = here.x + step
    # |y| = |H s| <= t |H| |x|, where no entry of s is more than t times that of x.
    part = jnp.max(jnp.abs(step) / jnp.maximum(jnp.abs(x), jnp.finfo(x.dtype).tiny))
    seen = jnp.where(part > 0, jnp.abs(change) / jnp.where(part > 0, part, 1), 0)
    reach = jnp.maximum(0.9 * here.reach, seen)
    error = jnp.max(jnp.abs(end.gradient) / (1 + reach))
    progress = (here.objective - end.value > noise) | (error < 0.9 * here.best)
    later = method.remember(memory, step, here.gradient, end.gradient, direction)
    return Search(
        x=x,
        objective=end.value,
        gradient=end.gradient,
        memory=choose(moved, later, method.start(x)),
        fresh=~moved,
        fall=slope * end.length,
        reach=reach,
        error=error,
        best=jnp.minimum(here.best, error),
        # Without a memory to blame, a search that fails is the end.
        idle=jnp.where(progress, 0, here.idle + jnp.where(~moved & fresh, PATIENCE, 1)),
        iterations=here.iterations + 1,
        status=here.status,
    )


def _judge(search: Search, tolerance, max_iterations) -> Search:
    status = jnp.where(search.iterations >= max_iterations, Status.ITERATION_LIMIT, RUNNING)
    status = jnp.where(search.idle >= PATIENCE, Status.STALLED, status)
    status = jnp.where(search.error <= tolerance, Status.OPTIMAL, status)
    unbounded = search.objective < bottom(search.objective.dtype)
    return search._replace(status=jnp.where(unbounded, Status.UNBOUNDED, status))
