r"""Fixed points by Anderson's acceleration: a secant through the last few points.

With the residual $g = f(x) - x$, the next point is $x + g - (\Delta X + \Delta G)^T \gamma$, where
$\gamma$ minimises $|g - \Delta G^T \gamma|$ over the last m differences of points and residuals
(Walker and Ni 2011, eq. 2.1 and algorithm AA). For linear f it does what GMRES does.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array

from jaxmath.optimize.flat import SHARP, all_finite, flatten
from jaxmath.optimize.minimum import RUNNING, Found, tests_second_order
from jaxmath.optimize.root import root_of
from jaxmath.optimize.solution import Solution, Status

GROWTH = 10.0
"""A point whose residual is so many times the least is left, and the memory with it."""

PATIENCE = 50
"""So many steps in a row may bring no smaller residual."""


class Search(NamedTuple):
    """What the loop needs."""

    x: Array
    residual: Array
    steps: Array  # (m, n), of the points
    changes: Array  # (m, n), of the residuals
    best: Array  # the point with the least residual
    rest: Array  # its residual
    error: Array
    idle: Array
    iterations: Array
    status: Array


@functools.partial(jax.jit, static_argnames=("function", "memory", "second_look"))
def fixed_point(
    function: Callable[[Any, Any], Any],
    start: Any,
    args: Any = None,
    *,
    tolerance: Any = None,
    max_iterations: Any = 1000,
    memory: int = 5,
    second_look: bool | None = None,
) -> Solution:
    """Find a point that `function(x, args)` maps to itself.

    Args:
        function: from the point and the parameters to a pytree like the point; where it contracts,
            the method converges. Differentiable where the fixed point is differentiated or looked
            at.
        start: where to begin, any pytree of floating-point arrays, whose dtype is that of the
            solve.
        args: the parameters of the function, in which the fixed point can be differentiated.
        tolerance: the largest entry of f(x) - x, each relative to 1 plus the size of x; by default
            the dtype's spacing to the power 3/4: 2e-12 in float64, 6e-6 in float32.
        max_iterations: the number of evaluations after which to give up.
        memory: how many differences to keep; zero gives the plain repetition x <- f(x).
        second_look: whether to ask in the end if the fixed point is regular; by default up to 200
            unknowns.

    Returns:
        A `Solution` without multipliers: the point with the least residual, and an `Info` that
        `describe` puts in words; `info.objective` is half the square of that residual.

    Derivatives in `args` are those of the implicit function theorem, to any order and in both
    modes; where df/dx has the eigenvalue one or nothing is found they are NaN. Derivatives in
    `start` are zero.

    Raises:
        TypeError: if `start` holds anything but real floating-point numbers.
    """
    x, unravel, tolerance = flatten(start, tolerance, SHARP)

    def rest(x):
        return ravel_pytree(function(unravel(x), args))[0].astype(x.dtype) - x

    def search(x):
        return _search(rest, x, tolerance, max_iterations, memory)

    return root_of(rest, x, search, tolerance, unravel, tests_second_order(second_look, x.size))


def _error(x, residual):
    return jnp.max(jnp.abs(residual) / (1 + jnp.abs(x)))


def _search(rest, x, tolerance, max_iterations, memory) -> Found:
    residual, none = rest(x), jnp.asarray(0)
    error = _error(x, residual)
    status = jnp.where(max_iterations <= 0, Status.ITERATION_LIMIT, RUNNING)
    status = jnp.where(error <= tolerance, Status.OPTIMAL, status)
    status = jnp.where(all_finite(residual), status, Status.NOT_FINITE)
    empty = jnp.zeros((memory, x.size), x.dtype)
    begin = Search(x, residual, empty, empty, x, residual, error, none, none, status)

    def repeat(search: Search) -> Search:
        new = _step(rest, search)
        status = jnp.where(new.iterations >= max_iterations, Status.ITERATION_LIMIT, RUNNING)
        status = jnp.where(new.idle >= PATIENCE, Status.STALLED, status)
        status = jnp.where(new.error <= tolerance, Status.OPTIMAL, status)
        # A memory that was emptied has led to the plain step; where that fails nothing is left.
        lost = (new.status == Status.NOT_FINITE) & (status != Status.OPTIMAL)
        return new._replace(status=jnp.where(lost, Status.NOT_FINITE, status))

    end = jax.lax.while_loop(lambda search: search.status == RUNNING, repeat, begin)
    value = 0.5 * jnp.sum(jnp.square(end.rest))
    return Found(end.best, value, end.rest, end.error, end.iterations, end.status)


def _step(rest, here: Search) -> Search:
    """Go to the accelerated point; from one that is much worse, back to the best one."""
    gamma = jnp.linalg.lstsq(here.changes.T, here.residual)[0] if len(here.changes) else None
    x = here.x + here.residual
    if gamma is not None:
        x = x - gamma @ (here.steps + here.changes)
    residual = rest(x)
    finite = all_finite(x, residual)
    error = _error(x, residual)
    plain = ~jnp.any(here.changes != 0)
    worse = ~(error <= GROWTH * here.error) & ~plain
    forget = worse | ~finite

    def add(old, new):
        return jnp.where(forget, 0, jnp.roll(old, -1, axis=0).at[-1:].set(new[None]))

    better = finite & (error < here.error)
    return Search(
        x=jnp.where(forget, here.best, x),
        residual=jnp.where(forget, here.rest, residual),
        steps=add(here.steps, x - here.x) if here.steps.size else here.steps,
        changes=add(here.changes, residual - here.residual) if here.steps.size else here.changes,
        best=jnp.where(better, x, here.best),
        rest=jnp.where(better, residual, here.rest),
        error=jnp.where(better, error, here.error),
        idle=jnp.where(better, 0, here.idle + 1),
        iterations=here.iterations + 1,
        status=jnp.where(~finite & plain, Status.NOT_FINITE, here.status),
    )
