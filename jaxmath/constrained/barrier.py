r"""The barrier problem of a nonlinear program, and all that its method knows at one point.

With a slack s for each inequality and v = (x, s) a program is

$$ \min_v f(x) \quad\text{subject to}\quad c(v) = (h(x),\, g(x) - s) = 0,
   \quad v_l \le v \le v_u, $$

and its barrier problem, solved for a falling $\mu$, has no ends any more:

$$ \min_v f(x) - \mu \sum \log (v - v_l) - \mu \sum \log (v_u - v)
   \quad\text{subject to}\quad c(v) = 0. $$

Where no step leads on, the constraints are restored first: the objective is then the distance from
where that began, and $|c|^2 / 2 \rho$ takes the place of c = 0. Both problems have the conditions

$$ \nabla f + A^\top y - z_l + z_u = 0, \qquad c = \delta y, \qquad
   z_l (v - v_l) = z_u (v_u - v) = \mu, $$

with $\delta$ = 0 in the first and $\rho$ in the second (Wachter and Biegler 2006, section 3.3, who
restore in the l1 norm).
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxmath.constrained.frame import slopes_of
from jaxmath.optimize.flat import largest

DAMPING = 1e-5
"""Share of the barrier that keeps v from running off where it has one end (section 3.7)."""


class Box(NamedTuple):
    """The ends of v, and which of them there are; where they agree v stays."""

    low: Any  # zero where there is none
    high: Any
    below: Any
    above: Any
    fixed: Any


class Program(NamedTuple):
    """The program in one vector: `values` of x are f, h and g, scaled, with lanes of none."""

    values: Callable
    box: Box
    idle: Any  # rows of c that say nothing, since the inequality has no end
    n: int  # unknowns
    m: int  # inequalities


class Iterate(NamedTuple):
    """A point and its multipliers, zero where an end is missing."""

    v: Any
    y: Any
    low: Any
    high: Any


class Goal(NamedTuple):
    """What is minimised: the objective, or, while `restoring`, the violation near `origin`."""

    restoring: Any
    origin: Any
    rho: Any
    mu: Any

    def pull(self):
        """The weights of the squared distances from the origin."""
        return jnp.sqrt(self.mu) / jnp.square(jnp.maximum(1, jnp.abs(self.origin)))


class Local(NamedTuple):
    """What is known of the program at a point; derivatives in x, or in v where it says so."""

    values: Any  # of f, h and g
    slope: Any  # (n,), of f
    c: Any
    jacobian: Any  # (p + m, n); that in s is minus the identity
    hessian: Any  # (n, n), of the Lagrangian of the goal
    gradient: Any  # (n + m,), of the goal, the barrier left out
    weights: Any  # (n + m,), a diagonal that comes to the Hessian

    @property
    def objective(self):
        """f(x)."""
        return self.values[0]


def box_of(low, high) -> Box:
    """Sort the ends."""
    fixed = low == high
    below, above = jnp.isfinite(low) & ~fixed, jnp.isfinite(high) & ~fixed
    return Box(
        jnp.where(below | fixed, low, 0), jnp.where(above | fixed, high, 0), below, above, fixed
    )


def gaps(box: Box, v):
    """The distances to the ends, one where there is none."""
    return jnp.where(box.below, v - box.low, 1), jnp.where(box.above, box.high - v, 1)


def inside(box: Box, v, share):
    """Move v inside its ends, by at least a share of their size, or of what lies between them."""
    both = box.below & box.above
    between = jnp.where(both, box.high - box.low, jnp.inf)
    low = box.low + jnp.minimum(share * jnp.maximum(1, jnp.abs(box.low)), share * between)
    high = box.high - jnp.minimum(share * jnp.maximum(1, jnp.abs(box.high)), share * between)
    v = jnp.clip(v, jnp.where(box.below, low, -jnp.inf), jnp.where(box.above, high, jnp.inf))
    return jnp.where(box.fixed, box.low, v)


def constraints(program: Program, values, v):
    """c, from the values of f, h and g."""
    s = v[program.n :]
    rest = jnp.zeros(values.size - 1 - program.m, v.dtype)
    return jnp.where(program.idle, 0, values[1:] - jnp.append(rest, s))


def transposed(program: Program, jacobian, y):
    """A'y, in v."""
    return jnp.append(y @ jacobian, -y[y.size - program.m :])


def look(program: Program, at: Iterate, goal: Goal) -> tuple[Local, Iterate]:
    """Evaluate everything; while restoring the multipliers are those that c gives."""
    x = at.v[: program.n]
    values, slopes = slopes_of(program.values, x, at.y.size + 1)
    c = constraints(program, values, at.v)
    y = jnp.where(goal.restoring, c / goal.rho, at.y)
    one = jnp.where(goal.restoring, 0, jnp.ones_like(values[:1]))
    hessian = jax.hessian(lambda x: jnp.append(one, y) @ program.values(x))(x)
    weights = jnp.where(goal.restoring, goal.pull(), 0)
    slope = jnp.append(slopes[0], jnp.zeros(program.m, x.dtype))
    gradient = jnp.where(goal.restoring, weights * (at.v - goal.origin), slope)
    jacobian = jnp.where(program.idle[:, None], 0, slopes[1:])
    local = Local(values, slopes[0], c, jacobian, hessian, gradient, weights)
    return local, at._replace(y=y)


def drift(box: Box, mu):
    """The slope of the damping of unknowns with one end."""
    one = box.below.astype(mu.dtype) - box.above.astype(mu.dtype)
    return DAMPING * mu * one


def barrier(box: Box, v, mu):
    """The barrier's value."""
    a, b = gaps(box, v)
    return drift(box, mu) @ (v - box.low - box.high) - mu * jnp.sum(jnp.log(a) + jnp.log(b))


def barrier_slope(box: Box, v, mu):
    """And its gradient."""
    a, b = gaps(box, v)
    return drift(box, mu) - mu * box.below / a + mu * box.above / b


def measures(program: Program, goal: Goal, values, v):
    """The violation, and what is to fall, given the values of f, h and g at v."""
    c = constraints(program, values, v)
    violation, wall = jnp.sum(jnp.abs(c)), barrier(program.box, v, goal.mu)
    near = goal.pull() @ jnp.square(v - goal.origin) / 2 + c @ c / (2 * goal.rho)
    falling = jnp.where(goal.restoring, near, values[0]) + wall
    return jnp.where(goal.restoring, 0, violation), falling


def error(program: Program, local: Local, at: Iterate, goal: Goal, mu):
    """How far the conditions of the barrier problem are from holding (eq. 5 and 6 there)."""
    box = program.box
    a, b = gaps(box, at.v)
    left = local.gradient + transposed(program, local.jacobian, at.y) - at.low + at.high
    left = jnp.where(box.fixed, 0, left + drift(box, mu))
    products = jnp.append(
        jnp.where(box.below, at.low * a - mu, 0), jnp.where(box.above, at.high * b - mu, 0)
    )
    prices = jnp.sum(at.low) + jnp.sum(at.high)
    ends = jnp.maximum(1, jnp.sum(box.below) + jnp.sum(box.above))
    typical = (jnp.sum(jnp.abs(at.y)) + prices) / (ends + at.y.size)
    dual = largest(left) / jnp.maximum(1, typical / 100)
    complementarity = largest(products) / jnp.maximum(1, prices / ends / 100)
    primal = jnp.where(goal.restoring, 0, largest(local.c))
    return jnp.maximum(jnp.maximum(dual, complementarity), primal)
