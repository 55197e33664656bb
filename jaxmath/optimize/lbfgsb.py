r"""Minima between bounds by slopes: L-BFGS on the entries that are free, along projected steps.

Entries at a bound, or next to it, whose slope points out go along that slope; the others go along
the L-BFGS direction of their own parts of the last steps and changes. Of such a direction d the
points $P(x + a d)$ fall for small a (two-metric projection, Bertsekas 1982, proposition 1), which
need not be so if the matrix mixes both kinds. The limited memory is that of Byrd, Lu, Nocedal and
Zhu (1995); their Cauchy point is not needed here.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array

from jaxmath.optimize.composite import composite_solution
from jaxmath.optimize.flat import PLAIN, all_finite, bottom, choose, flatten, largest
from jaxmath.optimize.lbfgs import Pairs, no_pairs, remember, two_loops
from jaxmath.optimize.line_search import SHARE, SHARE_NEAR
from jaxmath.optimize.minimum import RUNNING, Found
from jaxmath.optimize.progress import Progress, after_step, at_start
from jaxmath.optimize.solution import Solution, Status
from jaxmath.proximal.projections import box

PATIENCE = 100
"""So many steps in a row may leave the residual where it is."""
NEAR = 1e-3
"""An entry is next to a bound at most so far from it, relative to its own size."""


class BoundMultipliers(NamedTuple):
    """Of the bounds, shaped like the point: positive where the upper one holds it back."""

    bounds: Any
    equality: Any = ()
    inequality: Any = ()


class Ends(NamedTuple):
    """What x lies between."""

    low: Array
    high: Array

    def project(self, v):
        """The next point between the ends."""
        return box(v, self.low, self.high)

    def reduce(self, x, step):
        """Of a step what the ends leave."""
        return box(step, self.low - x, self.high - x)


class Search(NamedTuple):
    """What the loop needs."""

    x: Array
    value: Array
    slope: Array
    pairs: Pairs
    scale: Array  # gamma of the memory; without curvature, what to try next
    reach: Array  # a lower bound of |H| |x|, the terms of the slope
    progress: Progress


class _Trial(NamedTuple):
    x: Array
    value: Array
    slope: Array
    good: Array


@functools.partial(jax.jit, static_argnames=("objective", "memory", "second_look"))
def lbfgsb(
    objective: Callable[[Any, Any], Any],
    start: Any,
    args: Any = None,
    *,
    bounds: Any,
    tolerance: Any = None,
    max_iterations: Any = 2000,
    memory: int = 10,
    second_look: bool | None = None,
) -> Solution:
    """Find a local minimum of `objective(x, args)` between bounds, for any number of unknowns.

    Args:
        objective: a scalar function of the point and the parameters, differentiable; twice where
            the solution is differentiated or looked at.
        start: where to begin, any pytree of floating-point arrays, whose dtype is that of the
            solve; what lies outside is moved to its bound first.
        args: the parameters of the problem, in which the solution can be differentiated.
        bounds: the pair of the ends, each shaped like the point or a number; infinite, or None,
            where there is none. The solution can be differentiated in them as well.
        tolerance: the largest entry of P(x - grad) - x, where P moves to the bounds, relative to 1
            plus the terms that the gradient sums, as the changes seen lately tell; by default the
            dtype's spacing to the power 2/3: 4e-11 in float64, 2e-5 in float32.
        max_iterations: the number of steps after which to give up.
        memory: how many pairs of steps and changes to keep.
        second_look: whether to ask in the end if the solution is regular: its Hessian along the
            free entries, and no multiplier zero at a bound; by default up to 200 unknowns.

    Returns:
        A `Solution`: x, `multipliers.bounds`, as `constrained.kkt_residuals` expects them, and an
        `Info` that `describe` puts in words; INFEASIBLE where a lower end exceeds the upper one.
        A minimum is not told from another stationary point.

    Derivatives are those of the implicit function theorem, to any order and in both modes; they are
    NaN where the solution is not regular. Derivatives in `start` are zero.

    Raises:
        TypeError: if `start` holds anything but real floating-point numbers.
        ValueError: if a bound has neither the structure of the start nor is a number.
    """
    x, unravel, tolerance = flatten(start, tolerance, PLAIN)
    low, high = (_end(end, x, fill) for end, fill in zip(bounds, (-jnp.inf, jnp.inf), strict=True))

    def f(x, given):
        return jnp.asarray(objective(unravel(x), given[0]), x.dtype)

    def near(v, step, given):
        del step
        return box(v, given[1], given[2])

    given = args, low, high
    still, least, most = jax.lax.stop_gradient(given)

    ends = Ends(least, most)
    end = _search(lambda x: f(x, (still, least, most)), ends, x, tolerance, max_iterations, memory)
    status = jnp.where(jnp.any(least > most), Status.INFEASIBLE, end.progress.status)
    moved = ends.reduce(end.x, -end.slope)
    error, iterations = end.progress.error, end.progress.iterations
    found = Found(end.x, end.value, moved, error, iterations, status)
    one = jnp.ones((), x.dtype)
    solution = composite_solution(f, near, found, one, given, tolerance, unravel, second_look)
    return solution._replace(multipliers=BoundMultipliers(_held(solution, low, high, unravel)))


def _end(end, x, fill):
    flat = ravel_pytree(fill if end is None else end)[0].astype(x.dtype)
    if flat.shape not in ((1,), x.shape):
        raise ValueError(f"A bound has {x.size} numbers or one, as the start has, not {flat.size}.")
    return jnp.broadcast_to(flat, x.shape)


def _held(solution, low, high, unravel):
    """Of the slope what a bound takes up: nothing of entries that could still follow it."""
    x, pull = ravel_pytree(solution.x)[0], ravel_pytree(solution.multipliers)[0]
    at = ((pull > 0) & (x + pull > high)) | ((pull < 0) & (x + pull < low))
    return unravel(jnp.where(at, pull, jnp.where(jnp.isnan(pull), pull, 0)))


def _search(f, ends, x, tolerance, max_iterations, memory) -> Search:
    x = ends.project(jax.lax.stop_gradient(x))
    value, slope = jax.value_and_grad(f)(x)
    reach = largest(x)
    start = jnp.where(reach > 0, 0.01 * reach, 1) / largest(slope)
    error = largest(ends.reduce(x, -slope))
    progress = at_start(all_finite(value, slope), max_iterations, x.dtype)
    done = (error <= tolerance) & (progress.status == RUNNING)
    begin = Search(
        x=x,
        value=value,
        slope=slope,
        pairs=no_pairs(memory, x),
        scale=jnp.where(jnp.isfinite(start), start, 1),
        reach=jnp.zeros_like(x),
        progress=progress._replace(
            error=error, best=error, status=jnp.where(done, Status.OPTIMAL, progress.status)
        ),
    )
    return jax.lax.while_loop(
        lambda here: here.progress.status == RUNNING,
        lambda here: _advance(f, ends, here, tolerance, max_iterations),
        begin,
    )


def _advance(f, ends, here: Search, tolerance, max_iterations) -> Search:
    direction = _direction(ends, here)
    trial = _backtrack(f, ends, here, direction)
    step, change = trial.x - here.x, trial.slope - here.slope
    kept = remember(here.pairs, step, here.slope, trial.slope, direction)
    bent = jnp.any(kept.steps != here.pairs.steps)
    fallen = here.value - trial.value > _noise(here.value)
    # Where nothing bends the next step follows the slope further.
    further = jnp.where(fallen, 4 * here.scale, here.scale)
    told = trial.good & (bent | ~fallen)
    empty = no_pairs(len(here.pairs.steps), here.x)
    fresh = ~jnp.any(here.pairs.steps)
    # |y| = |H s| <= t |H| |x|, where no entry of s is more than t times that of x.
    part = jnp.max(jnp.abs(step) / jnp.maximum(jnp.abs(trial.x), jnp.finfo(step.dtype).tiny))
    seen = jnp.where(part > 0, jnp.abs(change) / jnp.where(part > 0, part, 1), 0)
    reach = jnp.maximum(0.9 * here.reach, seen)
    left = jnp.max(jnp.abs(ends.reduce(trial.x, -trial.slope)) / (1 + reach))
    progress = after_step(
        here.progress,
        left,
        tolerance,
        max_iterations,
        PATIENCE,
        stuck=~trial.good & fresh,
        lost=jnp.asarray(False),
        unbounded=trial.value < bottom(trial.value.dtype),
    )
    progress = progress._replace(idle=jnp.where(fallen, 0, progress.idle))
    return Search(
        x=trial.x,
        value=trial.value,
        slope=trial.slope,
        pairs=choose(told, kept, empty),
        scale=jnp.where(bent, kept.scale, further),
        reach=reach,
        progress=progress,
    )


def _noise(value):
    return 10 * jnp.finfo(value.dtype).eps * jnp.abs(value)


def _direction(ends, here: Search):
    """Of entries next to a bound that they are pushed at the slope, of the others L-BFGS."""
    x, slope, pairs = here.x, here.slope, here.pairs
    # The nearer the solution, the fewer entries count as next to a bound.
    near = jnp.minimum(NEAR * jnp.maximum(jnp.abs(x), 1), largest(ends.reduce(x, -slope)))
    held = ((slope > 0) & (x - ends.low <= near)) | ((slope < 0) & (ends.high - x <= near))
    steps, changes = (jnp.where(held, 0, part) for part in (pairs.steps, pairs.changes))
    products = jnp.sum(steps * changes, axis=1)
    squares = jnp.sum(jnp.square(changes), axis=1)
    sizes = jnp.linalg.norm(steps, axis=1) * jnp.sqrt(squares)
    bent = products > jnp.finfo(x.dtype).eps * sizes
    inverses = jnp.where(bent, 1 / jnp.where(bent, products, 1), 0)
    scales = jnp.where(bent, products / jnp.where(bent, squares, 1), 0)
    latest = jnp.max(jnp.where(bent, jnp.arange(len(bent)), -1), initial=-1)
    scale = jnp.where(latest >= 0, scales[latest], here.scale) if len(bent) else here.scale
    free = two_loops(Pairs(steps, changes, inverses, scale), jnp.where(held, 0, slope))
    direction = jnp.where(held, -here.scale * slope, free)
    usable = all_finite(direction) & (direction @ slope < 0)
    return jnp.where(usable, direction, -here.scale * slope)


def _backtrack(f, ends, here: Search, direction) -> _Trial:
    """The first of ever shorter projected steps where the value has fallen enough."""
    noise = _noise(here.value)

    def attempt(length):
        x = ends.project(here.x + length * direction)
        value, slope = jax.value_and_grad(f)(x)
        predicted = here.slope @ (x - here.x)
        fallen = value <= here.value + SHARE * predicted
        # Where values are noise, slopes tell (see `line_search`).
        later = slope @ (x - here.x)
        near = (value <= here.value + noise) & (later <= (2 * SHARE_NEAR - 1) * predicted)
        good = (fallen | near) & (predicted < 0) & all_finite(value, slope)
        return _Trial(x, value, slope, good)

    def repeat(state):
        tries, length, _ = state
        return tries + 1, length / 2, attempt(length / 2)

    one = jnp.ones((), here.x.dtype)
    state = jnp.asarray(0), one, attempt(one)
    _, _, end = jax.lax.while_loop(lambda s: ~s[2].good & (s[0] < 40), repeat, state)
    stay = _Trial(here.x, here.value, here.slope, end.good)
    return choose(end.good, end, stay)
