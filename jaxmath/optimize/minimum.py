"""From a search to a solution: the second-order test, and derivatives in the parameters."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array

from jaxmath.optimize.conjugate import conjugate_or_nan
from jaxmath.optimize.curvature import kind_at
from jaxmath.optimize.flat import largest
from jaxmath.optimize.implicit import differentiable_if, implicit_root, solve_or_nan
from jaxmath.optimize.solution import Info, Kind, Solution, Status

RUNNING = -1
FEW = 200
"""Up to so many unknowns a method that uses slopes alone looks at the Hessian in the end."""


MANY = 1000
"""Beyond so many unknowns no solution is differentiated by a matrix, but by its products."""


class Found(NamedTuple):
    """Where a search ended; the status is RUNNING until it has."""

    x: Array
    objective: Array
    gradient: Array
    error: Array
    iterations: Array
    status: Array


def solution_of(
    f: Callable[[Array], Array],
    x: Array,
    search: Callable[[Array], Found],
    tolerance: Array,
    unravel: Callable[[Array], Any],
    second_order: bool,
) -> Solution:
    """Search for a minimum of f from x, and make a `Solution` of what is found.

    Where `second_order` is set the Hessian there decides of what kind the point is. Derivatives
    are those of the root of the gradient (the implicit function theorem), and NaN where the
    Hessian is singular; of more than a thousand unknowns where it is not positive definite.
    """
    slope = jax.grad(f)

    def find(x):
        found = search(x)
        status, kind = found.status, jnp.asarray(Kind.UNTESTED)
        if second_order:
            kind, falls = kind_at(jax.hessian(f), found.x, found.gradient)
            status = jnp.where((status == Status.OPTIMAL) & falls, Status.STATIONARY, status)
        info = Info(
            status=status,
            kind=kind,
            regular=jnp.asarray(True),
            iterations=found.iterations,
            objective=found.objective,
            stationarity=largest(found.gradient),
            primal=jnp.zeros((), x.dtype),
            error=found.error,
            tolerance=tolerance,
        )
        return found.x, info

    solve_linear = solve_or_nan if x.size <= MANY else conjugate_or_nan
    x, info = implicit_root(slope, x, find, solve_linear)
    solved = (info.status == Status.OPTIMAL) | (info.status == Status.STATIONARY)
    x = differentiable_if(x, solved & (info.kind != Kind.UNDECIDED))
    info = jax.lax.stop_gradient(info)._replace(objective=f(x))
    return Solution(unravel(x), (), info)


def tests_second_order(second_order: bool | None, size: int) -> bool:
    """What was asked for; if nothing was, whether the unknowns are few."""
    return size <= FEW if second_order is None else second_order
