r"""Minimise f(x) subject to g(x) = 0 by Newton's method on the gradient of L = f + lambda . g.

At a solution the gradient of the Lagrangian

$$ L(x, \lambda) = f(x) + \lambda \cdot g(x) $$

vanishes in x and in lambda (Lagrange's multiplier rule). A Newton step has two parts: one across
the constraints, which removes their violation to first order, and one along them, which minimises
the quadratic model of L (Nocedal and Wright 2006, chapter 18).

The sign of a multiplier: for g(x) = h(x) - c the optimal value changes by df*/dc = -lambda as the
right-hand side c is raised, its shadow price; for g(x) = c - h(x) by +lambda.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array

from jaxmath.constrained import local as at
from jaxmath.constrained.local import Local, divide, norm
from jaxmath.optimize.flat import SHARP, choose, flatten, largest
from jaxmath.optimize.implicit import differentiable_if, implicit_root
from jaxmath.optimize.minimum import RUNNING
from jaxmath.optimize.solution import Info, Kind, Solution, Status

ARMIJO = 1e-4
"""The share of its predicted decrease that a step must deliver (Armijo's condition)."""


class Search(NamedTuple):
    """What the loop needs."""

    x: Array  # the point to look at next
    penalty: Array  # the price of a unit of violation in the merit f + penalty |g|
    damping: Array  # shortens the step across the constraints where Newton's is too bold
    idle: Array  # whether the last step is too short to matter
    faint: Array  # whether its promised gain was below rounding


class Found(NamedTuple):
    """What a person wants to know: the last point, and how it stands."""

    x: Array
    multipliers: Array
    violation: Array
    info: Info


@functools.partial(jax.jit, static_argnames=("objective", "constraint"))
def solve_equality(
    objective: Callable[[Any, Any], Any],
    constraint: Callable[[Any, Any], Any],
    start: Any,
    args: Any = None,
    *,
    tolerance: Any = None,
    max_iterations: Any = 100,
) -> Solution:
    """Find a local minimum of `objective(x, args)` where `constraint(x, args)` is zero.

    Args:
        objective: a scalar function of the point and the parameters, twice differentiable.
        constraint: a function of the same, twice differentiable: a scalar, an array or a pytree.
        start: where to begin, any pytree of floating-point arrays, whose dtype is that of the
            solve; it need not be feasible.
        args: the parameters of the problem, in which the solution can be differentiated.
        tolerance: the largest relative residual of the first-order conditions; by default the
            dtype's spacing to the power 3/4: 2e-12 in float64, 6e-6 in float32.
        max_iterations: the number of steps after which to give up.

    Returns:
        A `Solution`: the last finite point, the multipliers in the shape of the constraint's value
        and with the sign of L = f + lambda . g, and an `Info` that `describe` puts in words.

    The point, the multipliers and `info.objective` can be differentiated in `args`, to any order
    and in both modes, by the implicit function theorem. It asks for a solution with independent
    constraint gradients and curvature in every direction along them; elsewhere the derivatives
    are NaN. Derivatives in `start` are zero.

    Raises:
        TypeError: if `start` holds anything but real floating-point numbers.
    """
    x, unravel, tolerance = flatten(start, tolerance, SHARP)
    value = jax.eval_shape(constraint, start, args)
    multipliers, unravel_multipliers = ravel_pytree(
        jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, x.dtype), value)
    )

    def f(x):
        return jnp.asarray(objective(unravel(x), args), x.dtype)

    def g(x):
        return ravel_pytree(constraint(unravel(x), args))[0].astype(x.dtype)

    def conditions(root):
        x, multipliers = root
        return jax.grad(lambda x: f(x) + multipliers @ g(x))(x), g(x)

    def search(root):
        found = _search(f, g, root[0], root[1], tolerance, max_iterations)
        return (found.x, found.multipliers), found.info

    (x, multipliers), info = implicit_root(conditions, (x, multipliers), search)
    solved = (info.status == Status.OPTIMAL) | (info.status == Status.STATIONARY)
    smooth = solved & info.regular & (info.kind != Kind.UNDECIDED)
    x = differentiable_if(x, smooth)
    multipliers = differentiable_if(multipliers, smooth)
    info = jax.lax.stop_gradient(info)._replace(objective=f(x))
    return Solution(unravel(x), unravel_multipliers(multipliers), info)


def _search(f, g, x, multipliers, tolerance, max_iterations) -> Found:
    """Look, judge, step; until there is a status."""

    def repeat(carry: tuple[Search, Found]) -> tuple[Search, Found]:
        search, found = carry
        local = at.look(f, g, search.x, tolerance)
        violation, count = norm(local.violation), found.info.iterations
        # The violation stays, or the gain drowns in rounding and the residual does not fall.
        stays = violation > (1 - jnp.sqrt(tolerance)) * found.violation
        vain = search.faint & (at.error(local) > 0.5 * found.info.error)
        stuck = search.idle | vain | (stays & at.contradictory(local, tolerance))
        status = _judge(local, tolerance, stuck & (count > 0), count >= max_iterations)
        finite = at.finite(local)
        status = jnp.where(finite, status, Status.NOT_FINITE)
        new = Found(local.x, local.multipliers, violation, _inform(local, status, tolerance))
        keep = finite | (count == 0)
        new = choose(keep, new, found)
        count = count + (status == RUNNING)
        info = new.info._replace(status=status, iterations=count)
        return _step(f, g, local, search), new._replace(info=info)

    zero, no = jnp.zeros((), x.dtype), jnp.asarray(False)
    none = jnp.asarray(0)
    info = Info(none + RUNNING, none, no, none, zero, zero, zero, zero, tolerance)
    start = Search(x, zero + 1, zero, no, no), Found(x, multipliers, zero, info)
    _, found = jax.lax.while_loop(lambda carry: carry[1].info.status == RUNNING, repeat, start)
    return found


def _step(f, g, local: Local, search: Search) -> Search:
    """Take a Newton step, as far as the merit f + penalty |g| falls."""
    eps = jnp.finfo(local.x.dtype).eps
    step = _newton(local, search.damping)
    violation = norm(local.violation)
    relief = violation - norm(local.violation + local.jacobian @ step)
    slope = local.gradient @ step
    # The price of violation that makes the step lead downhill (Nocedal and Wright, eq. 18.36).
    model = slope + 0.5 * jnp.maximum(step @ local.hessian @ step, 0)
    penalty = jnp.maximum(search.penalty, divide(2 * model, jnp.maximum(relief, 0)))
    decrease = penalty * relief - slope
    rounding = 10 * eps * (jnp.abs(local.objective) + penalty * violation)
    length, x = _line_search(f, g, local, step, penalty, decrease, rounding)
    unit = eps**0.25 * norm(local.jacobian)
    eased = jnp.where(search.damping > unit, search.damping / 4, 0)
    return Search(
        x=x,
        penalty=penalty,
        damping=jnp.where(length < 0.1, jnp.maximum(4 * search.damping, unit), eased),
        idle=(length == 0) | (largest(step) <= eps * (1 + largest(local.x))),
        faint=decrease <= rounding,
    )


def _newton(local: Local, damping):
    """The step across the constraints plus the step along them."""
    rows = local.basis[: local.sizes.size]
    shares = divide(local.sizes, jnp.square(local.sizes) + jnp.square(damping))
    shares = jnp.where(local.sizes > 0, shares, 0)
    across = -rows.T @ (shares * (local.left.T @ local.violation))
    slope = local.directions.T @ (local.basis @ (local.gradient + local.hessian @ across))
    slope = jnp.where(local.along, slope, 0)
    # A negative curvature is taken by its size, so that the step leads downhill, and one that
    # vanishes is replaced by a small one, so that an unbounded objective soon shows as such.
    size = jnp.abs(local.curvature)
    ordinary = jnp.max(jnp.where(local.along, size, 0))
    floor = jnp.maximum(ordinary, largest(slope) / (1 + norm(local.x)))
    floor = jnp.sqrt(jnp.finfo(size.dtype).eps) * floor
    return across - local.basis.T @ (local.directions @ divide(slope, jnp.maximum(size, floor)))


def _line_search(f, g, local: Local, step, penalty, decrease, rounding):
    """Halve the step until the merit falls as it should; length zero if it never does."""
    # Follow the bend of the constraints, or good steps are refused (the Maratos effect).
    bend = -local.inverse @ g(local.x + step)
    bend = jnp.where(norm(bend) <= norm(step), bend, 0)

    def point(length):
        return local.x + length * step + jnp.square(length) * bend

    def merit(x):
        return f(x) + penalty * norm(g(x))

    here = local.objective + penalty * norm(local.violation)

    def refused(length):
        there = merit(point(length))
        falls = there <= here - ARMIJO * length * decrease + rounding
        return (length > eps) & ~(jnp.isfinite(there) & falls)

    eps = jnp.finfo(step.dtype).eps
    length = jax.lax.while_loop(refused, lambda length: length / 2, jnp.ones((), step.dtype))
    length = jnp.where(length > eps, length, 0)
    return length, jnp.where(length > 0, point(length), local.x)


def _judge(local: Local, tolerance, stuck, exhausted):
    """The status of the search at a finite point."""
    _, primal = at.relative_residuals(local)
    converged = (at.error(local) <= tolerance) & ~local.vanishing
    unbounded = at.feasible(local, tolerance) & (
        local.objective < -(jnp.finfo(local.x.dtype).eps ** -2.0)
    )
    singular = ~at.regular(local) & (primal <= jnp.sqrt(tolerance))
    over = stuck | exhausted
    status = jnp.where(exhausted, Status.ITERATION_LIMIT, RUNNING)
    status = jnp.where(stuck, Status.STALLED, status)
    status = jnp.where(over & singular, Status.SINGULAR, status)
    status = jnp.where(over & at.contradictory(local, tolerance), Status.INFEASIBLE, status)
    status = jnp.where(unbounded, Status.UNBOUNDED, status)
    success = jnp.where(at.downhill(local, tolerance), Status.STATIONARY, Status.OPTIMAL)
    return jnp.where(converged, success, status)


def _inform(local: Local, status, tolerance) -> Info:
    stationarity, primal = at.residuals(local)
    return Info(
        status=status,
        kind=at.kind(local, tolerance),
        regular=at.regular(local),
        iterations=jnp.asarray(0),
        objective=local.objective,
        stationarity=stationarity,
        primal=primal,
        error=at.error(local),
        tolerance=tolerance,
    )
