r"""A Newton step of the barrier problem, and how far it goes.

The slacks are eliminated, so that n + p + m equations remain; the multipliers of the ends follow
from the step (Wachter and Biegler 2006, eq. 12 and 13).
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxmath.constrained import barrier, filters
from jaxmath.constrained.barrier import Goal, Iterate, Local, Program, gaps
from jaxmath.constrained.inertia import System, system
from jaxmath.optimize.flat import largest

CORRECTIONS = 4
"""How often a step is corrected for the bend of the constraints."""


class Step(NamedTuple):
    """A direction in v and y, and how far it may go."""

    v: Any
    y: Any
    reach: Any


class Newton(NamedTuple):
    """The system of a step, of which the values of c may change."""

    program: Program
    at: Iterate
    mu: Any
    tau: Any  # the share of a gap that a step may take
    factors: System
    slack: Any  # the curvature of the slacks, infinite where one is fixed
    slope: Any  # of the objective and the barrier, in v
    right: Any  # what is left of the conditions, in v

    def toward(self, c) -> Step:
        """The step after which, to first order, c is gone."""
        n, m, right = self.program.n, self.program.m, self.right
        rest = jnp.zeros(c.size - m, c.dtype)
        found = self.factors.solve(
            jnp.append(right[:n], jnp.append(rest, right[n:] / self.slack) - c)
        )
        dx, dy = found[:n], found[n:]
        dv = jnp.append(dx, (right[n:] + dy[dy.size - m :]) / self.slack)
        box = self.program.box
        a, b = gaps(box, self.at.v)
        low = _share(a, jnp.where(box.below, dv, 0), self.tau)
        return Step(dv, dy, jnp.minimum(low, _share(b, jnp.where(box.above, -dv, 0), self.tau)))

    def moved(self, trial: "Trial", step: Step) -> Iterate:
        """The next point; the multipliers of the ends go their own way."""
        at, box, mu = self.at, self.program.box, self.mu
        a, b = gaps(box, at.v)
        low = jnp.where(box.below, mu / a - at.low - at.low / a * step.v, 0)
        high = jnp.where(box.above, mu / b - at.high + at.high / b * step.v, 0)
        dual = jnp.minimum(_share(at.low, low, self.tau), _share(at.high, high, self.tau))
        y = at.y + trial.length * step.y
        return Iterate(trial.v, y, at.low + dual * low, at.high + dual * high)


class Trial(NamedTuple):
    """What the line search carries: the next point to try, and the last that was tried."""

    length: Any  # of the step
    move: Any  # to the next point: a part of the step, or the whole one corrected
    share: Any  # how far the correction goes
    corrections: Any
    target: Any  # what is left of the constraints after the last correction
    violation: Any  # at the point before
    v: Any
    values: Any
    done: Any


def negligible(v, step):
    """Whether a step is below rounding."""
    return largest(step / (1 + jnp.abs(v))) <= 10 * jnp.finfo(v.dtype).eps


def newton_of(program: Program, local: Local, at: Iterate, goal: Goal, last, floor) -> Newton:
    """Assemble and factor; `last` and `floor` are the shifts of `inertia.system`."""
    box, n, m = program.box, program.n, program.m
    a, b = gaps(box, at.v)
    diagonal = local.weights + at.low / a + at.high / b
    free = ~box.fixed[:n]
    jacobian = jnp.where(free, local.jacobian, 0)
    hessian = jnp.where(free[:, None] & free[None], local.hessian, 0)
    soft = jnp.where(goal.restoring, goal.rho, 0)

    def slack(shift):
        return jnp.where(box.fixed[n:], jnp.inf, diagonal[n:] + shift)

    def assemble(shift, compliance):
        top = hessian + jnp.diag(jnp.where(free, diagonal[:n] + shift, 1))
        give = jnp.append(jnp.zeros(local.c.size - m, top.dtype), 1 / slack(shift))
        give = jnp.where(program.idle, 1, give + jnp.maximum(soft, compliance))
        return jnp.block([[top, jacobian.T], [jacobian, -jnp.diag(give)]])

    factors = system(assemble, n, 1e-8 * goal.mu**0.25, last, floor)
    slope = local.gradient + barrier.barrier_slope(box, at.v, goal.mu)
    right = -(slope + barrier.transposed(program, local.jacobian, at.y))
    right = jnp.where(box.fixed, 0, right)
    tau = jnp.maximum(0.99, 1 - goal.mu)
    return Newton(program, at, goal.mu, tau, factors, slack(factors.shift), slope, right)


def line_search(program: Program, newton: Newton, local: Local, at: Iterate, goal: Goal, kept):
    """Try the whole step, then corrected for the bend of the constraints, then shorter.

    Returns:
        The step, the last trial, which failed unless it is `done`, the (violation, value) of
        the point, and the slope of the value along the step.
    """
    box, eps = program.box, jnp.finfo(at.v.dtype).eps
    full = newton.toward(jnp.where(goal.restoring, 0, local.c))
    here = barrier.measures(program, goal, local.values, at.v)
    pull = barrier.transposed(program, local.jacobian, local.c) / goal.rho
    slope = (newton.slope + jnp.where(goal.restoring, pull, 0)) @ full.v
    tiny = negligible(at.v, full.v)
    least = jnp.clip(filters.shortest(kept, here[0], slope), 1e-14, 1e-6)

    def attempt(last: Trial) -> Trial:
        v = barrier.inside(box, at.v + last.move, eps)
        values = program.values(v[: program.n])
        there = barrier.measures(program, goal, values, v)
        c = barrier.constraints(program, values, v)
        known = jnp.isfinite(there[0]) & jnp.isfinite(there[1])
        good = filters.better(kept, here, there, slope, last.length)
        good &= goal.restoring | filters.allows(kept, *there)
        # A whole step that raises the violation bends away from the constraints (section 2.4).
        first = last.corrections == 0
        helps = jnp.where(first, there[0] >= here[0], there[0] <= 0.99 * last.violation)
        bends = helps & known & ~goal.restoring & (last.corrections < CORRECTIONS)
        target = jnp.where(bends, last.share * last.target + c, last.target)
        bent = newton.toward(target)
        length = jnp.where(good | bends, last.length, last.length / 2)
        return Trial(
            length=length,
            move=jnp.where(bends, bent.reach * bent.v, length * full.v),
            share=bent.reach,
            corrections=jnp.where(bends, last.corrections + 1, CORRECTIONS),
            target=target,
            violation=there[0],
            v=v,
            values=values,
            done=good | (tiny & known),
        )

    first = Trial(
        length=full.reach,
        move=full.reach * full.v,
        share=full.reach,
        corrections=jnp.asarray(0),
        target=local.c,
        violation=here[0],
        v=at.v,
        values=local.values,
        done=jnp.asarray(False),
    )
    trial = jax.lax.while_loop(lambda trial: ~trial.done & (trial.length >= least), attempt, first)
    return full, trial, here, slope


def _share(value, change, tau):
    """How far a change keeps a share of 1 - tau of each value; one at most."""
    falling = change < 0
    share = jnp.where(falling, -tau * value / jnp.where(falling, change, -1), 1)
    return jnp.min(share, initial=1)
