r"""Broyden's method: Newton's for equations, with a Jacobian made of the steps that were taken.

$$ J^{-1} \leftarrow J^{-1} + \frac{(s - J^{-1} y) s^T J^{-1}}{s^T J^{-1} y} $$

for a step s that changed the equations by y (Broyden 1965, eq. 4.5, the first or good method),
begun from the true Jacobian and from there again where a step fails (Nocedal and Wright 2006,
algorithm 11.3).
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array

from jaxmath.optimize.flat import all_finite
from jaxmath.optimize.minimum import RUNNING, Found, tests_second_order
from jaxmath.optimize.root import flat_equations, root_of
from jaxmath.optimize.solution import Solution, Status


class Search(NamedTuple):
    """What the loop needs."""

    x: Array
    value: Array
    inverse: Array
    fresh: Array  # whether the inverse is the true one
    error: Array
    iterations: Array
    status: Array


@functools.partial(jax.jit, static_argnames=("equations", "second_look"))
def broyden(
    equations: Callable[[Any, Any], Any],
    start: Any,
    args: Any = None,
    *,
    tolerance: Any = None,
    max_iterations: Any = 500,
    second_look: bool | None = None,
) -> Solution:
    """Find a point where `equations(x, args)` is zero, from a good start, with few Jacobians.

    Arguments, result, derivatives and errors are those of `newton`, which is safer far from the
    root; the tolerance is for entries relative to 1 plus the size of x. The status is STALLED
    where even a step by the true Jacobian brings nothing.
    """
    f, x, unravel, tolerance = flat_equations(equations, start, args, tolerance)

    def search(x):
        return _search(f, x, tolerance, max_iterations)

    return root_of(f, x, search, tolerance, unravel, tests_second_order(second_look, x.size))


def _error(x, value):
    return jnp.max(jnp.abs(value)) / (1 + jnp.max(jnp.abs(x)))


def _search(f, x, tolerance, max_iterations) -> Found:
    value = f(x)
    inverse = jnp.linalg.inv(jax.jacobian(f)(x))
    error = _error(x, value)
    status = jnp.where(max_iterations <= 0, Status.ITERATION_LIMIT, RUNNING)
    status = jnp.where(all_finite(inverse), status, Status.SINGULAR)
    status = jnp.where(error <= tolerance, Status.OPTIMAL, status)
    status = jnp.where(all_finite(value), status, Status.NOT_FINITE)
    yes = jnp.asarray(True)
    begin = Search(x, value, inverse, yes, error, jnp.asarray(0), status)

    def repeat(search: Search) -> Search:
        new, failed = _step(f, search)
        status = jnp.where(new.iterations >= max_iterations, Status.ITERATION_LIMIT, RUNNING)
        status = jnp.where(failed, Status.STALLED, status)
        return new._replace(status=jnp.where(new.error <= tolerance, Status.OPTIMAL, status))

    end = jax.lax.while_loop(lambda search: search.status == RUNNING, repeat, begin)
    half = 0.5 * jnp.sum(jnp.square(end.value))
    return Found(end.x, half, end.value, end.error, end.iterations, end.status)


def _step(f, here: Search) -> tuple[Search, Array]:
    """Halve the step until |F| falls; where it never does, look at the true Jacobian."""
    direction = -here.inverse @ here.value
    size = jnp.linalg.norm(here.value)
    eps = jnp.finfo(here.x.dtype).eps

    def refused(state):
        length, value = state
        falls = jnp.linalg.norm(value) <= (1 - 1e-4 * length) * size
        return ~falls & (length > 1e-3)

    def shorter(state):
        length = 0.5 * state[0]
        return length, f(here.x + length * direction)

    one = jnp.ones((), here.x.dtype)
    length, value = jax.lax.while_loop(refused, shorter, (one, f(here.x + direction)))
    step = length * direction
    change = value - here.value
    good = all_finite(value) & (jnp.linalg.norm(value) < size)
    image = here.inverse @ change
    product = step @ image
    update = jnp.outer(step - image, step @ here.inverse) / jnp.where(product == 0, 1, product)
    usable = good & (jnp.abs(product) > eps * (step @ step))
    x = jnp.where(good, here.x + step, here.x)
    failed = ~good & here.fresh
    inverse = jax.lax.cond(
        usable, lambda: here.inverse + update, lambda: jnp.linalg.inv(jax.jacobian(f)(x))
    )
    value = jnp.where(good, value, here.value)
    failed |= ~all_finite(inverse)
    error = _error(x, value)
    new = Search(x, value, inverse, ~usable, error, here.iterations + 1, here.status)
    return new, failed
