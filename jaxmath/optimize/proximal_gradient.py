r"""Proximal gradient steps, accelerated: FISTA with backtracking and restarts.

$$ x_{k} = \operatorname{prox}_{t g}(y_k - t \nabla f(y_k)), \qquad
   y_{k+1} = x_k + \frac{\theta_k - 1}{\theta_{k+1}} (x_k - x_{k-1}), \qquad
   \theta_{k+1} = \frac{1 + \sqrt{1 + 4 r \theta_k^2}}{2} $$

(Beck and Teboulle 2009, eqs. 4.1 to 4.3), where r, the last step t over the next one, lets steps
grow as well as shrink (Scheinberg, Goldfarb and Bai 2014, section 3). The momentum is dropped when
it points uphill, $(y_k - x_k) \cdot (x_k - x_{k-1}) > 0$ (O'Donoghue and Candes 2015, section 3.2).
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array

from jaxmath.optimize.backtracking import backtrack, first_length, half_square
from jaxmath.optimize.composite import composite_solution
from jaxmath.optimize.flat import PLAIN, all_finite, bottom, flatten, largest
from jaxmath.optimize.minimum import RUNNING, Found
from jaxmath.optimize.progress import Progress, after_step, at_start
from jaxmath.optimize.solution import Solution

GROWTH = 1.1
"""By how much a step grows where the curvature seen is less than half of what it allows."""
PATIENCE = 1000
"""So many steps in a row may bring no smaller residual: accelerated steps go up and down."""


class Search(NamedTuple):
    """What the loop needs."""

    x: Array
    y: Array  # the extrapolated point, from which the next step goes
    momentum: Array  # theta
    step: Array
    rest: Array  # of the last step, (y - x) / t
    progress: Progress


@functools.partial(jax.jit, static_argnames=("objective", "prox", "acceleration", "second_look"))
def proximal_gradient(
    objective: Callable[[Any, Any], Any],
    prox: Callable[[Any, Any, Any], Any],
    start: Any,
    args: Any = None,
    *,
    tolerance: Any = None,
    max_iterations: Any = 10_000,
    acceleration: bool = True,
    second_look: bool | None = None,
) -> Solution:
    """Minimise `objective(x, args)` plus a penalty that is known by its proximal map.

    With convex parts the value after k steps is within a few L |x0 - x*|^2 / k^2 of the least one,
    for a gradient with Lipschitz constant L, which need not be known; without acceleration, / k.

    Args:
        objective: the smooth part, a scalar function of the point and the parameters; twice
            differentiable where the solution is differentiated or looked at.
        prox: of (v, step, args) the point u that minimises step * penalty(u, args) + |u - v|^2 / 2.
        start: where to begin, any pytree of floating-point arrays, whose dtype is that of the
            solve.
        args: the parameters of both parts, in which the solution can be differentiated.
        tolerance: the largest entry of (x - prox(x - t grad, t)) / t, relative to 1 plus the sizes
            of the gradient and of x / t, for the step t that was found; by default the dtype's
            spacing to the power 2/3: 4e-11 in float64, 2e-5 in float32.
        max_iterations: the number of steps after which to give up.
        acceleration: whether steps begin at an extrapolated point.
        second_look: whether to ask in the end if the solution is regular: unique, and not on a kink
            of the proximal map; by default up to 200 unknowns.

    Returns:
        A `Solution`: x; for multipliers -grad f(x), which the penalty's subgradient balances; and
        an `Info` that `describe` puts in words. `info.objective` is the smooth part alone.

    Derivatives in `args` are those of the implicit function theorem on x = prox(x - t grad f(x)),
    to any order and in both modes; they are NaN where the solution is not regular. Derivatives in
    `start` are zero.

    Raises:
        TypeError: if `start` holds anything but real floating-point numbers.
    """
    return _solve(
        objective, prox, start, args, tolerance, max_iterations, acceleration, second_look
    )


@functools.partial(
    jax.jit, static_argnames=("objective", "projection", "acceleration", "second_look")
)
def projected_gradient(
    objective: Callable[[Any, Any], Any],
    projection: Callable[[Any, Any], Any],
    start: Any,
    args: Any = None,
    *,
    tolerance: Any = None,
    max_iterations: Any = 10_000,
    acceleration: bool = True,
    second_look: bool | None = None,
) -> Solution:
    """Minimise `objective(x, args)` over the set on which `projection(v, args)` projects.

    This is `proximal_gradient` with an indicator for penalty; all else stands there. The
    multipliers are -grad f(x), which points out of the set, at a right angle to it.
    """

    def prox(v, step, args):
        del step
        return projection(v, args)

    return _solve(
        objective, prox, start, args, tolerance, max_iterations, acceleration, second_look
    )


def _solve(objective, prox, start, args, tolerance, max_iterations, acceleration, second_look):
    x, unravel, tolerance = flatten(start, tolerance, PLAIN)

    def f(x, args):
        return jnp.asarray(objective(unravel(x), args), x.dtype)

    def near(v, step, args):
        return ravel_pytree(prox(unravel(v), step, args))[0].astype(v.dtype)

    still = jax.lax.stop_gradient(args)
    end = _search(
        lambda x: f(x, still),
        lambda v, step: near(v, step, still),
        jax.lax.stop_gradient(x),
        tolerance,
        max_iterations,
        acceleration,
    )
    error, iterations, status = end.progress.error, end.progress.iterations, end.progress.status
    found = Found(end.x, f(end.x, still), end.rest, error, iterations, status)
    return composite_solution(f, near, found, end.step, args, tolerance, unravel, second_look)


def _search(f, prox, x, tolerance, max_iterations, acceleration) -> Search:
    value, slope = jax.value_and_grad(f)(x)
    begin = Search(
        x=x,
        y=x,
        momentum=jnp.ones((), x.dtype),
        step=first_length(f, x, slope),
        rest=slope,
        progress=at_start(all_finite(value, slope), max_iterations, x.dtype),
    )
    return jax.lax.while_loop(
        lambda here: here.progress.status == RUNNING,
        lambda here: _advance(f, prox, here, tolerance, max_iterations, acceleration),
        begin,
    )


def _advance(f, prox, here: Search, tolerance, max_iterations, acceleration) -> Search:
    value, slope = jax.value_and_grad(f)(here.y)

    def move(length):
        return prox(here.y - length * slope, length)

    new = backtrack(f, move, half_square, here.y, value, slope, here.step)
    step, good, change = new.length, new.good, new.x - here.y
    x = jnp.where(good, new.x, here.x)
    uphill = change @ (x - here.x) < 0
    momentum = jnp.where(uphill | ~good | (not acceleration), 1, here.momentum)
    wider = new.longer(GROWTH)
    wider = jnp.where(good, wider, here.step)
    later = (1 + jnp.sqrt(1 + 4 * (step / wider) * jnp.square(momentum))) / 2
    part = jnp.where(momentum > 1, (momentum - 1) / later, 0)
    error = largest(change) / (step * (1 + largest(slope)) + largest(new.x))
    alone = jnp.all(here.y == here.x)  # there was no momentum to blame
    progress = after_step(
        here.progress,
        jnp.where(good, error, here.progress.error),
        tolerance,
        max_iterations,
        PATIENCE,
        stuck=~good & alone,
        lost=~all_finite(value, slope) & alone,
        unbounded=good & (new.value < bottom(x.dtype)),
    )
    return Search(
        x=x,
        y=x + part * (x - here.x) if acceleration else x,
        momentum=jnp.where(good, later, 1),
        step=wider,
        rest=jnp.where(good, change / step, here.rest),
        progress=progress,
    )
