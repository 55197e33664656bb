r"""Mirror descent on the simplex: exponentiated gradients.

$$ x_i \leftarrow x_i \, e^{-t\, \partial_i f(x)} \Big/ \sum_j x_j \, e^{-t\, \partial_j f(x)}, $$

which minimises $\nabla f(x) \cdot u + \operatorname{KL}(u, x) / t$ (Beck and Teboulle 2003, eq.
5.1; Kivinen and Warmuth 1997). The step is as long as f allows that is measured by that divergence
(relative smoothness: Bauschke, Bolte and Teboulle 2017, lemma 1), and is found by backtracking.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array

from jaxmath.optimize.backtracking import backtrack, first_length
from jaxmath.optimize.composite import composite_solution
from jaxmath.optimize.flat import PLAIN, all_finite, flatten
from jaxmath.optimize.minimum import RUNNING, Found
from jaxmath.optimize.progress import Progress, after_step, at_start
from jaxmath.optimize.solution import Solution
from jaxmath.proximal.projections import simplex

PATIENCE = 1000
"""So many steps in a row may bring no smaller gap."""


class Search(NamedTuple):
    """What the loop needs."""

    x: Array
    logarithm: Array  # of x, also where that is zero in its dtype
    value: Array
    slope: Array
    step: Array
    progress: Progress


@functools.partial(jax.jit, static_argnames=("objective", "second_look"))
def mirror_descent(
    objective: Callable[[Any, Any], Any],
    start: Any,
    args: Any = None,
    *,
    tolerance: Any = None,
    max_iterations: Any = 10_000,
    second_look: bool | None = None,
) -> Solution:
    """Minimise `objective(x, args)` over non-negative numbers that sum to one.

    With a convex objective the value after k steps is within KL(x*, x0) / (t k) of the least one,
    for the least step t; KL is at most log n from a uniform start, whatever n.

    Args:
        objective: a scalar function of the point and the parameters, differentiable; twice where
            the solution is differentiated or looked at.
        start: where to begin, any pytree of positive floating-point arrays, whose dtype is that of
            the solve; all entries together are divided by their sum.
        args: the parameters of the problem, in which the solution can be differentiated.
        tolerance: the duality gap x . g - min(g) for the gradient g, relative to 1 plus the size of
            g; by default the dtype's spacing to the power 2/3: 4e-11 in float64, 2e-5 in float32.
        max_iterations: the number of steps after which to give up.
        second_look: whether to ask in the end if the solution is regular: unique, and no entry zero
            whose slope is that of the others; by default up to 200 unknowns.

    Returns:
        A `Solution`: x; for multipliers -grad f(x); and an `Info` that `describe` puts in words.
        `info.gap` bounds how far a convex objective is from its minimum, relative like `error`.

    Derivatives in `args` are those of the implicit function theorem, on x = P(x - grad f(x)) with
    the Euclidean projection P, to any order and in both modes; they are NaN where the solution is
    not regular. Derivatives in `start` are zero.

    Raises:
        TypeError: if `start` holds anything but real floating-point numbers.
    """
    x, unravel, tolerance = flatten(start, tolerance, PLAIN)

    def f(x, args):
        return jnp.asarray(objective(unravel(x), args), x.dtype)

    def near(v, step, args):
        del step, args
        return simplex(v, jnp.ones((), v.dtype))

    still = jax.lax.stop_gradient(args)
    end = _search(lambda x: f(x, still), jax.lax.stop_gradient(x), tolerance, max_iterations)
    error, iterations, status = end.progress.error, end.progress.iterations, end.progress.status
    left = end.x * (end.slope - jnp.min(end.slope))
    found = Found(end.x, end.value, left, error, iterations, status)
    one = jnp.ones((), x.dtype)
    return composite_solution(f, near, found, one, args, tolerance, unravel, second_look, gap=error)


def _search(f, x, tolerance, max_iterations) -> Search:
    logarithm = jnp.log(x / jnp.sum(x))
    x = jnp.exp(logarithm)
    value, slope = jax.value_and_grad(f)(x)
    begin = Search(
        x=x,
        logarithm=logarithm,
        value=value,
        slope=slope,
        step=first_length(f, x, slope),
        progress=at_start(all_finite(logarithm, value, slope), max_iterations, x.dtype),
    )
    return jax.lax.while_loop(
        lambda here: here.progress.status == RUNNING,
        lambda here: _advance(f, here, tolerance, max_iterations),
        begin,
    )


def _advance(f, here: Search, tolerance, max_iterations) -> Search:
    lift = here.slope - jnp.min(here.slope)  # the same step, and no overflow

    def turned(length):
        return jax.nn.log_softmax(here.logarithm - length * lift)

    def divergences(x, y):
        later = jnp.where(x > 0, jnp.log(jnp.where(x > 0, x, 1)), 0)
        change = jnp.where(x > 0, later - here.logarithm, 0)
        both = jnp.sum((x - y) * change)
        return jnp.sum(x * change), both - jnp.sum(x * change)

    new = backtrack(
        f,
        lambda length: jnp.exp(turned(length)),
        divergences,
        here.x,
        here.value,
        here.slope,
        here.step,
    )
    x = jnp.where(new.good, new.x, here.x)
    value, slope = jax.value_and_grad(f)(x)
    gap = jnp.sum(x * (slope - jnp.min(slope)))
    wider = new.longer()
    progress = after_step(
        here.progress,
        gap / (1 + jnp.max(jnp.abs(slope))),
        tolerance,
        max_iterations,
        PATIENCE,
        stuck=~new.good,
        lost=~all_finite(value, slope),
        unbounded=jnp.asarray(False),
    )
    return Search(
        x=x,
        logarithm=jnp.where(new.good, turned(new.length), here.logarithm),
        value=value,
        slope=slope,
        step=jnp.where(new.good, wider, here.step),
        progress=progress,
    )
