r"""Newton's method with its equations solved in part, by products with the Hessian: for large n.

The direction solves $H p = -g$ by conjugate gradients until the residual is a share

$$ \eta = \min(\tfrac12, \sqrt{|g| / |g_0|}) $$

of |g|, so that far from the solution little is spent and near it convergence is superlinear; a
direction of no positive curvature ends it (Nocedal and Wright 2006, algorithm 7.1; the share as
there in section 7.1, in units of the first gradient). No matrix is formed.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array

from jaxmath.optimize.conjugate import conjugate_gradients
from jaxmath.optimize.descent import Method, search_along
from jaxmath.optimize.flat import PLAIN, flatten
from jaxmath.optimize.minimum import solution_of, tests_second_order
from jaxmath.optimize.solution import Solution


class Place(NamedTuple):
    """Where the method is, which is all that its direction depends on."""

    x: Array
    first: Array  # the norm of the first gradient, zero before that is known


@functools.partial(jax.jit, static_argnames=("objective", "second_order"))
def newton_cg(
    objective: Callable[[Any, Any], Any],
    start: Any,
    args: Any = None,
    *,
    tolerance: Any = None,
    max_iterations: Any = 500,
    second_order: bool | None = None,
) -> Solution:
    """Find a local minimum of `objective(x, args)` by products with its Hessian; for large sizes.

    Args:
        objective: a scalar function of the point and the parameters, twice differentiable.
        start: where to begin, any pytree of floating-point arrays, whose dtype is that of the
            solve.
        args: the parameters of the problem, in which the solution can be differentiated.
        tolerance: the largest entry of the gradient, relative to 1 plus the terms that it sums, as
            the changes seen lately tell; by default the dtype's spacing to the power 2/3: 4e-11 in
            float64, 2e-5 in float32.
        max_iterations: the number of steps after which to give up; a step takes as many products
            with the Hessian as it needs.
        second_order: whether to look at the whole Hessian in the end, to say of what kind the point
            is; by default up to 200 unknowns.

    Returns:
        A `Solution` without multipliers: the last finite point, and an `Info` that `describe` puts
        in words.

    The point and `info.objective` can be differentiated in `args`, to any order and in both modes,
    by the implicit function theorem; beyond 1000 unknowns that takes products alone as well. Where
    the Hessian is singular or nothing is solved, the derivatives are NaN. Derivatives in `start`
    are zero.

    Raises:
        TypeError: if `start` holds anything but real floating-point numbers.
    """
    x, unravel, tolerance = flatten(start, tolerance, PLAIN)

    def f(x):
        return jnp.asarray(objective(unravel(x), args), x.dtype)

    def bend(x):
        return jax.linearize(jax.grad(f), x)[1]

    def search(x):
        return search_along(truncated_newton(bend), f, x, tolerance, max_iterations)

    tested = tests_second_order(second_order, x.size)
    return solution_of(f, x, search, tolerance, unravel, tested)


def truncated_newton(bend: Callable[[Array], Callable[[Array], Array]]) -> Method:
    """The method whose matrix is given by its products: `bend(x)` maps v to B(x) v."""

    def direction(place: Place, gradient):
        size = jnp.linalg.norm(gradient)
        first = jnp.maximum(place.first, size)
        share = jnp.minimum(0.5, jnp.sqrt(size / jnp.where(first > 0, first, 1)))
        return conjugate_gradients(bend(place.x), -gradient, share).z

    def move(place: Place, step, before, after, way):
        del after, way
        return Place(place.x + step, jnp.maximum(place.first, jnp.linalg.norm(before)))

    def begin(x):
        return Place(x, jnp.zeros((), x.dtype))

    return Method(begin, direction, move, whole=True, flat=0.9, prompt=True)
