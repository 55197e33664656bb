r"""Newton's method for as many equations as unknowns, held back far from the root.

The step solves $F + J s = 0$; where it leaves the ball on which the linear model has proved good,
the step that minimises $|F + J s|$ within the ball replaces it (Nocedal and Wright 2006, section
11.2): the steps are those of `least_squares`, and Newton's near the root.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from jaxmath.optimize.least_squares import Local, search_squares
from jaxmath.optimize.minimum import tests_second_order
from jaxmath.optimize.root import flat_equations, root_of
from jaxmath.optimize.solution import Solution, Status


@functools.partial(jax.jit, static_argnames=("equations", "second_look"))
def newton(
    equations: Callable[[Any, Any], Any],
    start: Any,
    args: Any = None,
    *,
    tolerance: Any = None,
    max_iterations: Any = 500,
    second_look: bool | None = None,
) -> Solution:
    """Find a point where `equations(x, args)` is zero.

    Args:
        equations: a function of the point and the parameters, differentiable; an array or a
            pytree with as many entries as the point.
        start: where to begin, any pytree of floating-point arrays, whose dtype is that of the
            solve.
        args: the parameters of the equations, in which the root can be differentiated.
        tolerance: the largest entry of F, each relative to 1 plus |J| |x|, what rounding x may
            change; by default the dtype's spacing to the power 3/4: 2e-12 in float64, 6e-6 in
            float32.
        max_iterations: the number of steps, refused ones included, after which to give up.
        second_look: whether to ask in the end if the Jacobian is regular; by default up to 200
            unknowns.

    Returns:
        A `Solution` without multipliers: the last finite point, and an `Info` that `describe` puts
        in words. `info.objective` is half the sum of squares; the status is INFEASIBLE where that
        has a local minimum which is no root.

    Derivatives in `args` are those of the implicit function theorem, to any order and in both
    modes; where the Jacobian is singular (`info.regular` is false) or no root is found they are
    NaN. Derivatives in `start` are zero.

    Raises:
        TypeError: if `start` holds anything but real floating-point numbers.
        ValueError: if there are more or fewer equations than unknowns.
    """
    f, x, unravel, tolerance = flat_equations(equations, start, args, tolerance)

    def search(x):
        return search_squares(f, x, tolerance, max_iterations, _error, _verdict)

    return root_of(f, x, search, tolerance, unravel, tests_second_order(second_look, x.size))


def _error(local: Local):
    terms = 1 + jnp.abs(local.jacobian) @ jnp.abs(local.x)
    return jnp.max(jnp.abs(local.residuals) / terms)


def _verdict(local: Local, tolerance):
    """Whether no small change of x brings the equations closer to holding."""
    pull = jnp.linalg.norm(local.gradient) * (1 + jnp.linalg.norm(local.x))
    contradictory = pull <= jnp.sqrt(tolerance) * 2 * local.objective
    return contradictory, Status.INFEASIBLE
