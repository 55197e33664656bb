r"""Constraints without slopes, such as rates, through proxies with slopes: a game of two players.

$$ \min_\theta f(\theta) \quad\text{subject to}\quad g(\theta) \le 0, $$

where g may be flat almost everywhere. The point descends $f + \lambda \cdot \tilde g$ with the
proxy $\tilde g$, the multipliers ascend $\lambda \cdot g$ with the true constraint (Cotter, Jiang,
Gupta, Wang, Narayan, You and Sridharan 2019, algorithm 2). Such a game need not settle: its answer
is a distribution over the points of the way. The best one is a linear program, and a vertex of it
has at most one point more than there are constraints (their section 4.2, lemma 2).
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from jaxmath.constrained.quadratic import solve_qp
from jaxmath.optimize.flat import TIGHT, flatten
from jaxmath.optimize.solution import Kind, Solution, Status

SLACK = 100.0
"""What constraints that cannot hold may lose beyond the least, in units of the tolerance."""


class Mixture(NamedTuple):
    """A distribution over points, of which one is drawn for each use.

    Attributes:
        points: the pytree of a point, with a first axis of candidates.
        weights: their probabilities.
        constraints: the expected value of each constraint.
    """

    points: Any
    weights: Any
    constraints: Any


@functools.partial(
    jax.jit,
    static_argnames=("objective", "constraints", "proxies", "optimizer", "steps", "candidates"),
)
def proxy_lagrangian(
    objective: Callable[[Any, Any], Any],
    constraints: Callable[[Any, Any], Any],
    proxies: Callable[[Any, Any], Any],
    start: Any,
    args: Any = None,
    *,
    optimizer: Any,
    multiplier_rate: Any = 0.1,
    radius: Any = 100.0,
    steps: int = 1000,
    candidates: int = 100,
    tolerance: Any = None,
) -> Solution:
    """Find a distribution over points with the least objective whose expected constraints hold.

    Args:
        objective: a scalar function of the point and the parameters, differentiable.
        constraints: a function of the same, whose m numbers shall be at most zero; never
            differentiated.
        proxies: m differentiable numbers in their place, most useful where they are no less.
        start: where to begin, any pytree of floating-point arrays.
        args: the parameters.
        optimizer: an optax gradient transformation, for the point.
        multiplier_rate: the step of the multipliers.
        radius: the largest multiplier.
        steps: how often both move.
        candidates: how many points of the way, evenly spaced, the distribution may choose from.
        tolerance: of the linear program.

    Returns:
        A `Solution` whose x is a `Mixture`, whose multipliers are the m prices of the constraints
        among the candidates, and whose `info` is that of the linear program: OPTIMAL where the
        constraints hold in expectation, INFEASIBLE where no mixture of the candidates does that,
        and x has the least violation; NOT_FINITE where a value of a candidate is not. There are no
        derivatives.

    Raises:
        ValueError: if proxies and constraints differ in number, or there are fewer steps than
            candidates.
    """
    x, unravel, tolerance = flatten(start, tolerance, TIGHT)

    def vector(function):
        return lambda x: jnp.ravel(function(unravel(x), args)).astype(x.dtype)

    true, soft = vector(constraints), vector(proxies)
    count = jax.eval_shape(true, x).shape[0]
    if jax.eval_shape(soft, x).shape[0] != count:
        raise ValueError(f"There are {count} constraints, and as many proxies are needed.")
    if not 1 <= candidates <= steps:
        raise ValueError(f"Of {steps} steps there cannot be {candidates} candidates.")

    def lagrangian(x, multipliers):
        return objective(unravel(x), args) + multipliers @ soft(x)

    def move(state, _):
        x, multipliers, inner = state
        slope = unravel(jax.grad(lagrangian)(x, multipliers))
        change, inner = optimizer.update(slope, inner, unravel(x))
        ahead = jnp.clip(multipliers + multiplier_rate * true(x), 0, radius)
        return (x + ravel_pytree(change)[0], ahead, inner), None

    def stretch(state, _):
        x = state[0]
        values = jnp.asarray(objective(unravel(x), args), x.dtype), true(x)
        return jax.lax.scan(move, state, length=steps // candidates)[0], (x, *values)

    begin = x, jnp.zeros(count, x.dtype), optimizer.init(unravel(x))
    _, (points, cost, rates) = jax.lax.scan(stretch, begin, length=candidates)
    points, cost, rates = jax.lax.stop_gradient((points, cost, rates))
    found, violation = _best(cost, rates.T, tolerance)
    mixture = Mixture(jax.vmap(unravel)(points), found.x, found.x @ rates)
    status = jnp.where(
        (found.info.status == Status.OPTIMAL) & (violation > 0),
        Status.INFEASIBLE,
        found.info.status,
    )
    info = found.info._replace(status=status, kind=jnp.asarray(Kind.UNTESTED))
    return Solution(mixture, found.multipliers.inequality, jax.lax.stop_gradient(info))


def _best(cost, rates, tolerance):
    """The weights with the least cost among those with the least violation, and that."""
    count, size = rates.shape
    one, dtype = jnp.ones((1, size), cost.dtype), cost.dtype
    # Its last unknown is the violation, which is never below zero.
    least = solve_qp(
        jnp.zeros((size + 1, size + 1), dtype),
        jnp.append(jnp.zeros(size, dtype), 1),
        jnp.append(one, jnp.zeros((1, 1), dtype), 1),
        jnp.ones(1, dtype),
        jnp.append(rates, -jnp.ones((count, 1), dtype), 1),
        upper=0.0,
        bounds=(0.0, jnp.inf),
        tolerance=tolerance,
    ).x[-1]
    rounding = SLACK * tolerance * (1 + jnp.max(jnp.abs(rates)))
    violation = jnp.where(least > rounding, least, 0)
    found = solve_qp(
        jnp.zeros((size, size), dtype),
        cost,
        one,
        jnp.ones(1, dtype),
        rates,
        upper=jnp.where(violation > 0, violation + rounding, 0),
        bounds=(0.0, jnp.inf),
        tolerance=tolerance,
    )
    return found, violation
