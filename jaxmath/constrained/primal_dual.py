r"""A primal-dual interior-point method for nonlinear programs, with a filter line search.

Each step is Newton's on the conditions of the barrier problem of `barrier`; mu falls whenever they
hold to ten times mu (Wachter and Biegler 2006). A step that the filter refuses is corrected for the
bend of the constraints before it is shortened. Where none is left the violation is lowered first,
near the point, by the same steps on the other goal of `barrier`.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxmath.constrained import barrier, filters
from jaxmath.constrained.barrier import Goal, Iterate, Local, Program, gaps
from jaxmath.constrained.newton_step import line_search, negligible, newton_of
from jaxmath.constrained.scaled import hopeless, status_of
from jaxmath.optimize.flat import all_finite, bottom, choose, largest
from jaxmath.optimize.minimum import RUNNING

RESCUES = 5
"""How many steps in a row may fail near the constraints."""
PRICE = 1e3
"""Multipliers of ends are cut to this once the constraints are restored."""


class Search(NamedTuple):
    """What the loop carries."""

    at: Iterate
    local: Local  # of the last point that was looked at
    goal: Goal
    kept: Any  # the barrier's mu while the goal has its own
    before: Any  # the violation where restoring began
    filter: filters.Filter
    shift: Any  # of the last step that needed one
    floor: Any  # of shifts, after steps that failed near the constraints
    idle: Any  # how many steps in a row were too short to matter
    failures: Any  # how many in a row failed near the constraints
    lost: Any  # whether restoring found no way either
    iterations: Any
    status: Any


def search(
    program: Program, start: Iterate, values, judge, tolerance, least, max_iterations
) -> Search:
    """Step until there is a status.

    Args:
        program: what is to be solved.
        start: a point inside its ends, and multipliers.
        values: of f, h and g there.
        judge: from a point and what is known there to (error, primal): the residual that is
            compared with the tolerance, and the violation's part of it.
        tolerance: of the residual.
        least: where mu ends.
        max_iterations: after which to give up.
    """
    dtype = start.v.dtype
    zero, none, no = jnp.zeros((), dtype), jnp.asarray(0), jnp.asarray(False)
    goal = Goal(no, start.v, zero + 1, zero + 0.1)
    violation, _ = barrier.measures(program, goal, values, start.v)

    def repeat(now: Search) -> Search:
        local, at = barrier.look(program, now.at, now.goal)
        error, primal = judge(at, local)
        goal = now.goal
        stuck = now.lost | (now.idle > 3) | (now.failures > RESCUES)
        contradiction = _hopeless(program, local, at, tolerance) & (primal > jnp.sqrt(tolerance))
        falls = (local.objective < bottom(dtype)) & (primal <= tolerance)
        status = status_of(
            exhausted=now.iterations >= max_iterations,
            stuck=stuck,
            infeasible=(stuck | goal.restoring) & contradiction,
            unbounded=falls & ~goal.restoring,
            solved=(error <= tolerance) & ~goal.restoring,
            finite=all_finite(local.values, local.slope, local.jacobian, local.hessian),
        )
        now = now._replace(at=at, local=local, status=status)
        moved = _advance(program, _lowered(program, local, now, least), local)
        return choose(status == RUNNING, moved, now)

    blank = jax.tree.map(
        lambda leaf: jnp.zeros(leaf.shape, leaf.dtype),
        jax.eval_shape(lambda: barrier.look(program, start, goal)[0]),
    )
    first = Search(
        at=start,
        local=blank,
        goal=goal,
        kept=goal.mu,
        before=violation,
        filter=filters.empty(violation),
        shift=zero,
        floor=zero,
        idle=none,
        failures=none,
        lost=no,
        iterations=none,
        status=none + RUNNING,
    )
    return jax.lax.while_loop(lambda now: now.status == RUNNING, repeat, first)


def _hopeless(program: Program, local: Local, at: Iterate, tolerance):
    """Whether no small change of v lowers the violation."""
    box = program.box
    low = jnp.where(box.below | box.fixed, box.low, -jnp.inf)
    high = jnp.where(box.above | box.fixed, box.high, jnp.inf)
    pull = barrier.transposed(program, local.jacobian, local.c)
    return hopeless(local.c, pull, at.v, low, high, tolerance)


def _lowered(program: Program, local: Local, now: Search, least) -> Search:
    """Lower mu as long as the conditions hold well enough for it; the filter then begins anew."""

    def ready(mu):
        solved = barrier.error(program, local, now.at, now.goal, mu) <= 10 * mu
        return (mu > least) & (solved | ((now.idle > 0) & (mu == now.goal.mu)))

    def lower(mu):
        return jnp.maximum(least, jnp.minimum(0.2 * mu, mu**1.5))

    mu = jax.lax.while_loop(ready, lower, now.goal.mu)
    fresh = (mu < now.goal.mu) & ~now.goal.restoring
    kept = choose(fresh, filters.cleared(now.filter), now.filter)
    return now._replace(goal=now.goal._replace(mu=mu), filter=kept)


def _advance(program: Program, now: Search, local: Local) -> Search:
    """Take a step, as far as the filter lets it; where it does not, change the goal."""
    box, at, goal = program.box, now.at, now.goal
    eps = jnp.finfo(at.v.dtype).eps
    newton = newton_of(program, local, at, goal, now.shift, now.floor)
    full, trial, here, slope = line_search(program, newton, local, at, goal, now.filter)
    moved = _reset(box, newton.moved(trial, full), goal.mu)
    fast = filters.promising(now.filter, here[0], slope, trial.length)
    kept = choose(~goal.restoring & ~fast, filters.augmented(now.filter, *here), now.filter)
    tiny = negligible(at.v, full.v)
    after = now._replace(
        at=moved,
        filter=kept,
        shift=jnp.where(newton.factors.shift > 0, newton.factors.shift, now.shift),
        floor=jnp.where(goal.restoring, 0, now.floor / 10),
        idle=jnp.where(tiny, now.idle + 1, 0),
        failures=jnp.asarray(0),
        iterations=now.iterations + 1,
    )
    after = _resumed(program, after, trial.values)
    near = here[0] <= 1e-2 * jnp.sqrt(eps) * jnp.maximum(1, largest(at.v))
    failed = choose(near | goal.restoring, _rescued(now), _restoring(now, local, here))
    return choose(trial.done, after, failed)


def _reset(box, at: Iterate, mu) -> Iterate:
    """Keep the multipliers of the ends within a factor of what the gaps call for (eq. 16)."""
    a, b = gaps(box, at.v)

    def clipped(z, gap, some):
        return jnp.where(some, jnp.clip(z, mu / (1e10 * gap), 1e10 * mu / gap), 0)

    return at._replace(low=clipped(at.low, a, box.below), high=clipped(at.high, b, box.above))


def _restoring(now: Search, local: Local, here) -> Search:
    """Turn to the violation."""
    rho = jnp.maximum(largest(local.c), jnp.finfo(here[0].dtype).tiny) / 10
    goal = Goal(jnp.asarray(True), now.at.v, rho, now.goal.mu)
    return now._replace(
        goal=goal,
        kept=now.goal.mu,
        before=here[0],
        filter=filters.augmented(now.filter, *here),
        iterations=now.iterations + 1,
        idle=jnp.asarray(0),
    )


def _resumed(program: Program, after: Search, values) -> Search:
    """Turn back to the objective where the violation has fallen enough."""
    goal = Goal(jnp.asarray(False), after.at.v, jnp.ones_like(after.kept), after.kept)
    violation, value = barrier.measures(program, goal, values, after.at.v)
    enough = (violation <= 0.9 * after.before) & filters.allows(after.filter, violation, value)
    at = after.at._replace(
        y=jnp.zeros_like(after.at.y),
        low=jnp.minimum(after.at.low, PRICE),
        high=jnp.minimum(after.at.high, PRICE),
    )
    back = after._replace(at=_reset(program.box, at, after.kept), goal=goal)
    turn = after.goal.restoring & enough
    return choose(turn, back, after)


def _rescued(now: Search) -> Search:
    """Near the constraints a step failed: forget the filter, and shorten the next by its shift."""
    return now._replace(
        filter=filters.cleared(now.filter),
        floor=jnp.where(now.floor > 0, 100 * now.floor, 1e-4),
        failures=now.failures + 1,
        lost=now.goal.restoring,
        iterations=now.iterations + 1,
    )
