r"""The minimum of a function of one number in an interval, by Brent's method.

A parabola through three points where it fits, a golden section where it does not (Brent 1973,
section 5.8). Values alone give the minimum to half the digits only; the rest comes from Newton
steps on the slope.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array

from jaxmath.optimize.flat import SHARP, all_finite, interval
from jaxmath.optimize.minimum import RUNNING, Found, solution_of
from jaxmath.optimize.solution import Solution, Status

GOLDEN = 0.3819660112501051
"""(3 - sqrt 5) / 2."""


class Search(NamedTuple):
    """The interval, and the best, second and third best points in it."""

    low: Array
    high: Array
    x: Array
    w: Array
    v: Array
    fx: Array
    fw: Array
    fv: Array
    last: Array  # the last step
    before: Array  # the one before it
    iterations: Array
    status: Array


@functools.partial(jax.jit, static_argnames=("objective",))
def minimize_scalar(
    objective: Callable[[Any, Any], Any],
    low: Any,
    high: Any,
    args: Any = None,
    *,
    tolerance: Any = None,
    max_iterations: Any = 200,
) -> Solution:
    """Find a local minimum of `objective(x, args)` between `low` and `high`.

    Args:
        objective: a scalar function of the number and the parameters, twice differentiable near
            the minimum; where it is not finite it counts as infinitely high.
        low: the lower end, a floating-point number, whose dtype is that of the solve.
        high: the upper end.
        args: the parameters of the problem, in which the minimum can be differentiated.
        tolerance: the slope relative to 1 plus |f''| |x|, below which the point is a minimum
            inside; by default the dtype's spacing to the power 3/4.
        max_iterations: the number of evaluations after which to give up.

    Returns:
        A `Solution` without multipliers. Where the objective falls towards an end, the point is
        close to that end, the status STALLED, and `info.stationarity` the slope there.

    Derivatives in `args` are those of the root of the slope, to any order and in both modes; NaN
    where the curvature is zero there or the minimum is an end. Those in the ends are zero.
    """
    low, high, tolerance = interval(low, high, tolerance, SHARP)

    def f(x):
        return jnp.asarray(objective(x[0], args), low.dtype)

    def search(x):
        del x
        return _search(lambda x: f(x[None]), low, high, tolerance, max_iterations)

    return solution_of(f, low[None], search, tolerance, lambda x: x[0], second_order=True)


def _search(f, low, high, tolerance, max_iterations) -> Found:
    def value(x):
        there = f(x)
        return jnp.where(jnp.isnan(there), jnp.inf, there)

    x, zero = low + GOLDEN * (high - low), jnp.zeros_like(low)
    fx = value(x)
    status = jnp.where(max_iterations <= 0, Status.ITERATION_LIMIT, RUNNING)
    start = Search(low, high, x, x, x, fx, fx, fx, zero, zero, jnp.asarray(0), status)
    end = jax.lax.while_loop(
        lambda s: s.status == RUNNING, lambda s: _step(value, s, max_iterations), start
    )
    slope, curvature = jax.grad(f), jax.grad(jax.grad(f))

    def polish(_, x):
        bend = curvature(x)
        new = x - slope(x) / jnp.where(bend > 0, bend, 1)
        closer = (bend > 0) & (new > low) & (new < high)
        closer &= jnp.abs(slope(new)) < jnp.abs(slope(x))
        return jnp.where(closer, new, x)

    x = jax.lax.fori_loop(0, 3, polish, end.x)
    gradient = slope(x)
    error = jnp.abs(gradient) / (1 + jnp.abs(curvature(x) * x))
    limit = end.status == Status.ITERATION_LIMIT
    status = jnp.where(limit, Status.ITERATION_LIMIT, Status.STALLED)
    status = jnp.where(error <= tolerance, Status.OPTIMAL, status)
    status = jnp.where(all_finite(f(x), gradient), status, Status.NOT_FINITE)
    return Found(x[None], f(x), gradient[None], error, end.iterations, status)


def _step(value, s: Search, max_iterations) -> Search:
    """Evaluate one point, by the parabola or the golden section, and put it in its place."""
    eps = jnp.sqrt(jnp.finfo(s.x.dtype).eps)
    middle, near = 0.5 * (s.low + s.high), eps * (jnp.abs(s.x) + eps)
    # The vertex of the parabola through x, w and v is x + p / q.
    r, q = (s.x - s.w) * (s.fx - s.fv), (s.x - s.v) * (s.fx - s.fw)
    p, q = (s.x - s.v) * q - (s.x - s.w) * r, 2 * (q - r)
    p, q = jnp.where(q > 0, -p, p), jnp.abs(q)
    fits = jnp.abs(p) < jnp.abs(0.5 * q * s.before)
    fits &= (p > q * (s.low - s.x)) & (p < q * (s.high - s.x)) & jnp.isfinite(p)
    larger = jnp.where(s.x < middle, s.high - s.x, s.low - s.x)
    step = jnp.where(fits, p / jnp.where(q > 0, q, 1), GOLDEN * larger)
    edge = (s.x + step - s.low < 2 * near) | (s.high - s.x - step < 2 * near)
    step = jnp.where(fits & edge, jnp.where(s.x < middle, near, -near), step)
    before = jnp.where(fits, s.last, larger)
    u = s.x + jnp.where(jnp.abs(step) >= near, step, jnp.where(step > 0, near, -near))
    fu = value(u)
    better = fu <= s.fx
    left = u < s.x
    low = jnp.where(better, jnp.where(left, s.low, s.x), jnp.where(left, u, s.low))
    high = jnp.where(better, jnp.where(left, s.x, s.high), jnp.where(left, s.high, u))
    second = ~better & ((fu <= s.fw) | (s.w == s.x))
    third = ~better & ~second & ((fu <= s.fv) | (s.v == s.x) | (s.v == s.w))

    def ranked(new, x, w, v):
        return (
            jnp.where(better, new, x),
            jnp.where(better, x, jnp.where(second, new, w)),
            jnp.where(better | second, w, jnp.where(third, new, v)),
        )

    x, w, v = ranked(u, s.x, s.w, s.v)
    fx, fw, fv = ranked(fu, s.fx, s.fw, s.fv)
    count = s.iterations + 1
    done = jnp.abs(x - 0.5 * (low + high)) <= 2 * near - 0.5 * (high - low)
    status = jnp.where(count >= max_iterations, Status.ITERATION_LIMIT, RUNNING)
    status = jnp.where(done, Status.OPTIMAL, status)
    return Search(low, high, x, w, v, fx, fw, fv, step, before, count, status)
