r"""The method of Gauss and Newton: a sum of squares by the slopes of what is squared, for large n.

Of the Hessian $J^T J + \sum_i r_i \nabla^2 r_i$ of half the squares the first part alone is kept
(Nocedal and Wright 2006, section 10.3). It has no negative curvature, and its products take those
with J and its transpose: the truncated method of `newton_cg` does the rest.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax

from jaxmath.optimize.descent import search_along
from jaxmath.optimize.flat import PLAIN
from jaxmath.optimize.least_squares import flat_residuals
from jaxmath.optimize.minimum import solution_of, tests_second_order
from jaxmath.optimize.newton_cg import truncated_newton
from jaxmath.optimize.solution import Solution


@functools.partial(jax.jit, static_argnames=("residuals", "second_order"))
def gauss_newton(
    residuals: Callable[[Any, Any], Any],
    start: Any,
    args: Any = None,
    *,
    tolerance: Any = None,
    max_iterations: Any = 500,
    second_order: bool | None = None,
) -> Solution:
    """Find a local minimum of half the sum of squares of `residuals(x, args)`; for large sizes.

    Args:
        residuals: a function of the point and the parameters, differentiable; twice where the
            solution is differentiated or tested. An array or a pytree; there may be fewer of them
            than unknowns.
        start: where to begin, any pytree of floating-point arrays, whose dtype is that of the
            solve.
        args: the parameters of the problem, in which the solution can be differentiated.
        tolerance: the largest entry of the gradient, relative to 1 plus the terms that it sums, as
            the changes seen lately tell; by default the dtype's spacing to the power 2/3: 4e-11 in
            float64, 2e-5 in float32.
        max_iterations: the number of steps after which to give up.
        second_order: whether to look at the whole Hessian in the end, to say of what kind the point
            is; by default up to 200 unknowns.

    Returns:
        A `Solution` without multipliers: the last finite point, and an `Info` that `describe` puts
        in words; `info.objective` is half the sum of squares.

    Up to some hundred unknowns `least_squares` is more exact, since J is not squared there, and
    bears with a poor start. Where the residuals stay large and bend, `newton_cg` on half the sum of
    squares needs fewer steps. Derivatives in `args` are those of the root of the full gradient, as
    in `newton_cg`.

    Raises:
        TypeError: if `start` holds anything but real floating-point numbers.
    """
    r, f, x, unravel, tolerance = flat_residuals(residuals, start, args, tolerance, PLAIN)

    def bend(x):
        push = jax.linearize(r, x)[1]
        pull = jax.linear_transpose(push, x)
        return lambda v: pull(push(v))[0]

    def search(x):
        return search_along(truncated_newton(bend), f, x, tolerance, max_iterations)

    tested = tests_second_order(second_order, x.size)
    return solution_of(f, x, search, tolerance, unravel, tested)
