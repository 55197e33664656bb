"""Bisection: a root between two points at which a function has different signs."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from jaxmath.optimize.flat import interval
from jaxmath.optimize.minimum import RUNNING, Found
from jaxmath.optimize.root import root_of
from jaxmath.optimize.solution import Solution, Status


@functools.partial(jax.jit, static_argnames=("equation",))
def bisect(
    equation: Callable[[Any, Any], Any],
    low: Any,
    high: Any,
    args: Any = None,
    *,
    tolerance: Any = None,
    max_iterations: Any = 2000,
) -> Solution:
    """Find a number between `low` and `high` where `equation(x, args)` changes its sign.

    Args:
        equation: a scalar function of the number and the parameters, continuous in between;
            differentiable where the root is differentiated.
        low: one end, a floating-point number, whose dtype is that of the solve.
        high: the other end.
        args: the parameters of the equation, in which the root can be differentiated.
        tolerance: the width of the last interval, relative to 1 plus the size of x; by default the
            dtype's spacing, so that the interval ends with neighbours.
        max_iterations: the number of halvings after which to give up.

    Returns:
        A `Solution` without multipliers: the end of the last interval with the smaller value. The
        status is INFEASIBLE where the signs at both ends are the same. `info.error` is the width,
        `info.primal` the size of the value.

    Derivatives in `args` are those of the implicit function theorem, to any order and in both
    modes; where the slope is zero or no root is found they are NaN. Those in the ends are zero.
    """
    low, high, tolerance = interval(low, high, tolerance, 1.0)

    def f(x):
        return jnp.asarray(equation(x[0], args), low.dtype)[None]

    def search(x):
        del x
        return _search(lambda x: f(x[None])[0], low, high, tolerance, max_iterations)

    middle = jnp.atleast_1d(low)
    return root_of(f, middle, search, tolerance, lambda x: x[0], True)


def _search(f, low, high, tolerance, max_iterations) -> Found:
    bottom, top = f(low), f(high)

    def ends(low, high, bottom, top, count):
        """Whether and how the interval is the last."""
        width = jnp.abs(high - low) / (1 + jnp.minimum(jnp.abs(low), jnp.abs(high)))
        status = jnp.where(count >= max_iterations, Status.ITERATION_LIMIT, RUNNING)
        middle = low + 0.5 * (high - low)
        narrow = (width <= tolerance) | (middle == low) | (middle == high)
        status = jnp.where(narrow | (bottom == 0) | (top == 0), Status.OPTIMAL, status)
        status = jnp.where(bottom * jnp.sign(top) > 0, Status.INFEASIBLE, status)
        finite = jnp.isfinite(bottom) & jnp.isfinite(top)
        return jnp.where(finite, status, Status.NOT_FINITE), width

    def halve(state):
        low, high, bottom, top, count, _, _ = state
        middle = low + 0.5 * (high - low)
        value = f(middle)
        left = jnp.sign(value) == jnp.sign(bottom)
        known = jnp.isfinite(value)
        low, bottom = (
            jnp.where(left & known, new, old) for new, old in ((middle, low), (value, bottom))
        )
        high, top = (
            jnp.where(left | ~known, old, new) for new, old in ((middle, high), (value, top))
        )
        status, width = ends(low, high, bottom, top, count + 1)
        status = jnp.where(known, status, Status.NOT_FINITE)
        return low, high, bottom, top, count + 1, status, width

    status, width = ends(low, high, bottom, top, 0)
    start = low, high, bottom, top, jnp.asarray(0), status, width
    end = jax.lax.while_loop(lambda state: state[5] == RUNNING, halve, start)
    low, high, bottom, top, count, status, width = end
    nearer = (jnp.abs(bottom) <= jnp.abs(top)) | ~jnp.isfinite(top)
    x, value = jnp.where(nearer, low, high), jnp.where(nearer, bottom, top)
    return Found(x[None], 0.5 * jnp.square(value), value[None], width, count, status)
