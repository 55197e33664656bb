r"""Sequential quadratic programming with a line search, for nonlinear programs.

Each step minimises a convex quadratic model of the Lagrangian under linearised constraints
(`subproblem`), and goes as far as the merit

$$ \phi(x) = f(x) + \mu \sum | c(x) - [l, u] | $$

falls (Nocedal and Wright 2006, algorithm 18.3), if need be along an `arc`, without which the merit
refuses good steps near the solution.
Where linearised constraints contradict each other, or no step is left, half the squared violation
takes the place of the merit, and no row holds the step back, until it has fallen enough.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxmath.constrained import arc, frame, subproblem
from jaxmath.constrained.active import normalised
from jaxmath.constrained.arc import bend
from jaxmath.constrained.frame import Known, slopes_of
from jaxmath.constrained.local import divide
from jaxmath.constrained.newton_step import negligible
from jaxmath.constrained.scaled import (
    End,
    Scaled,
    astray,
    by_rows,
    hopeless,
    status_of,
)
from jaxmath.constrained.subproblem import Model, Move
from jaxmath.optimize.flat import all_finite, bottom, choose, largest
from jaxmath.optimize.minimum import RUNNING
from jaxmath.optimize.solution import Solution

FAR = 1e3
"""No step goes farther than this, in units of one plus the size of x."""
STUBBORN = 0.99
"""Linearised constraints contradict each other where this share of the violation stays."""
RESCUES = 5
"""How many steps in a row may fail, or be too short to matter."""
RESTORED = 0.1
"""The share of its violation with which a point is as good as restored."""


class Search(NamedTuple):
    """What the loop carries."""

    x: Any
    y: Any  # multipliers of the rows
    zb: Any
    held: Any  # the working set: rows, then bounds
    known: Known  # of the last point that was looked at
    hessian: Any
    penalty: Any  # the price of a unit of violation in the merit
    radius: Any  # how far a step may go
    restoring: Any
    before: Any  # the violation where restoring began
    idle: Any  # how many steps in a row were too short to matter, or failed
    lost: Any  # whether restoring found no way either
    iterations: Any
    status: Any


@functools.partial(jax.jit, static_argnames=("objective", "eq", "ineq"))
def sqp(
    objective: Callable[[Any, Any], Any],
    start: Any,
    args: Any = None,
    *,
    eq: Callable[[Any, Any], Any] | None = None,
    ineq: Callable[[Any, Any], Any] | None = None,
    lower: Any = None,
    upper: Any = None,
    bounds: Any = None,
    tolerance: Any = None,
    max_iterations: Any = 200,
) -> Solution:
    """Find a local minimum of `objective(x, args)` under constraints, by quadratic programs.

    Arguments, result, derivatives and errors are those of `solve_nlp`. Points satisfy the bounds,
    so the functions are evaluated on them. It needs few steps, each of them dear, and gains from a
    start that is near the solution; by default it gives up after 200.
    """
    find = by_rows(_search)
    return frame.solution(
        find, objective, start, args, eq, ineq, lower, upper, bounds, tolerance, max_iterations
    )


def _search(scaled: Scaled, x, known: Known, tolerance, max_iterations) -> End:
    dtype, rows = x.dtype, known.values.size - 1
    low, high = scaled.ends()

    def repeat(now: Search) -> Search:
        values, slopes = slopes_of(scaled.values, now.x, 1 + rows)
        known = Known(values, slopes[0], slopes[1:])
        outside = astray(values[1:], low, high)
        restored = jnp.sum(jnp.abs(outside)) <= RESTORED * now.before
        now = now._replace(restoring=now.restoring & ~restored)
        weights = jnp.where(now.restoring, jnp.append(0, outside), jnp.append(1, now.y))
        hessian = jax.hessian(lambda x: weights @ scaled.values(x))(now.x)
        root, own, left = scaled.given(now.x, now.y, now.zb, known)
        primal = frame.violation(left, root[0], own)

        stuck = now.lost | (now.idle > RESCUES)
        pull = outside @ known.jacobian
        contradiction = hopeless(outside, pull, now.x, *scaled.flat.bounds, tolerance)
        contradiction &= primal > jnp.sqrt(tolerance)
        falls = (values[0] < bottom(dtype)) & (primal <= tolerance)
        status = status_of(
            exhausted=now.iterations >= max_iterations,
            stuck=stuck,
            infeasible=(stuck | now.restoring) & contradiction,
            unbounded=falls & ~now.restoring,
            solved=(left.error <= tolerance) & ~now.restoring,
            finite=all_finite(values, slopes, hessian),
        )
        now = now._replace(known=known, hessian=hessian, status=status)
        return choose(status == RUNNING, _advance(scaled, now, outside), now)

    zero, none, no = jnp.zeros((), dtype), jnp.asarray(0), jnp.asarray(False)
    first = Search(
        x=x,
        y=jnp.zeros(rows, dtype),
        zb=jnp.zeros_like(x),
        held=jnp.append(low == high, jnp.equal(*scaled.flat.bounds)),
        known=known,
        hessian=jnp.zeros((x.size, x.size), dtype),
        penalty=zero + 1,
        radius=zero + FAR,
        restoring=no,
        before=zero,
        idle=none,
        lost=no,
        iterations=none,
        status=none + RUNNING,
    )
    end = jax.lax.while_loop(lambda now: now.status == RUNNING, repeat, first)
    return End(end.x, end.y, end.zb, end.known, end.hessian, end.status, end.iterations)


def _advance(scaled: Scaled, now: Search, outside) -> Search:
    """Take a step, or change the goal."""
    x, known, restoring = now.x, now.known, now.restoring
    values, violation = known.values[1:], jnp.sum(jnp.abs(outside))
    low, high = scaled.ends()
    eps = jnp.finfo(x.dtype).eps

    move, slope = _move(scaled, now, outside)
    ahead = values + known.jacobian @ move.d
    relief = violation - jnp.sum(jnp.abs(astray(ahead, low, high)))
    penalty = jnp.maximum(now.penalty, _price(now, move, slope, relief))
    decrease = jnp.where(restoring, 0, penalty * relief) - slope @ move.d

    def merit(values):
        outside = astray(values[1:], low, high)
        l1 = values[0] + penalty * jnp.sum(jnp.abs(outside))
        return jnp.where(restoring, outside @ outside / 2, l1)

    here, follow = merit(known.values), jnp.where(restoring, 0, bend(known.jacobian, move.held))
    trial = arc.search(
        values=scaled.values,
        x=x,
        bounds=scaled.flat.bounds,
        merit=merit,
        here=here,
        step=move.d,
        ahead=ahead,
        follow=follow,
        decrease=jnp.maximum(decrease, 0),
        rounding=10 * eps * (jnp.abs(here) + jnp.abs(known.values[0])),
    )

    tiny, failed = negligible(x, move.d), ~trial.done
    near = violation <= 1e-2 * jnp.sqrt(eps) * jnp.maximum(1, largest(x))
    size = largest(move.d) / (1 + largest(x))
    longer = jnp.maximum(now.radius, 4 * size)
    radius = jnp.where(trial.length < 0.25, 2 * trial.length * size, longer)
    short = jnp.where(failed, 1e-2 * size, radius)
    after = now._replace(
        x=jnp.where(trial.done, trial.x, x),
        y=jnp.where(restoring, 0, move.y),
        zb=jnp.where(restoring, 0, move.zb),
        held=jnp.where(restoring, now.held, move.held),
        penalty=penalty,
        radius=jnp.clip(short, eps, FAR),
        idle=jnp.where(tiny | failed, now.idle + 1, 0),
        lost=restoring & failed,
        iterations=now.iterations + 1,
    )
    turn = ~restoring & ~near & ((move.share > STUBBORN) | (failed & ~tiny))
    turned = now._replace(
        restoring=jnp.asarray(True),
        before=violation,
        radius=jnp.full_like(now.radius, FAR),
        idle=jnp.asarray(0),
        iterations=now.iterations + 1,
    )
    return choose(turn, turned, after)


def _move(scaled: Scaled, now: Search, outside) -> tuple[Move, Any]:
    """The step, and the slope of what it lowers."""
    known, restoring, p = now.known, now.restoring, scaled.p
    low, high = scaled.ends()
    rows, _ = normalised(known.jacobian)
    broken = known.jacobian * (outside != 0)[:, None]
    hessian = now.hessian + jnp.where(restoring, broken.T @ broken, 0)
    held = now.held & ~(restoring & (jnp.arange(now.held.size) < outside.size))
    slope = jnp.where(restoring, outside @ known.jacobian, known.slope)
    silent = restoring | (jnp.isinf(low) & jnp.isinf(high))
    unit = 1 + largest(now.x)  # of the step, or that of a large x is poorly scaled
    reach = now.radius * unit
    least, most = (end - now.x for end in scaled.flat.bounds)
    model = Model(
        hessian=jnp.square(unit) * subproblem.convexified(hessian, rows, held),
        slope=unit * slope,
        jacobian=jnp.where(silent[:, None], 0, unit * known.jacobian),
        values=jnp.where(silent, 0, known.values[1:]),
        low=jnp.where(silent, jnp.where(low == high, 0, -jnp.inf), low),
        high=jnp.where(silent, jnp.where(low == high, 0, jnp.inf), high),
        bounds=(jnp.maximum(least, -reach) / unit, jnp.minimum(most, reach) / unit),
        p=p,
    )
    worth = jnp.sum(jnp.abs(outside)) * (1 + largest(now.y) + largest(known.slope))
    move = subproblem.solve(model, 10 * (1 + worth))
    none = jax.tree.map(jnp.zeros_like, move)
    # Where the radius holds it back x has no multiplier.
    own = jnp.where(move.zb > 0, most <= reach, least >= -reach)
    held = move.held & jnp.append(jnp.ones(outside.size, bool), own)
    move = move._replace(d=unit * move.d, zb=jnp.where(own, move.zb / unit, 0), held=held)
    return choose(all_finite(move.d, move.y, move.zb), move, none), slope


def _price(now: Search, move: Move, slope, relief):
    """A price of violation with which the merit falls along the step (eq. 18.32 and 18.36)."""
    curvature = jnp.maximum(move.d @ now.hessian @ move.d, 0)
    needed = divide(2 * (slope @ move.d + curvature / 2), jnp.maximum(relief, 0))
    return jnp.where(now.restoring, 0, jnp.minimum(needed, 2 * largest(move.y)))
