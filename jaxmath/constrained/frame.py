"""What the solvers of nonlinear programs share: the program in vectors, and its solution.

A solver finds the point and the multipliers of the program in vectors. What is said of them here is
said alike for each: how far the conditions are from holding, of what kind the point is, and how it
changes with the data.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from jaxmath.constrained import polish
from jaxmath.constrained.active import second_order
from jaxmath.constrained.kkt import Part, Residuals, complementarity, ends_or_default, residuals
from jaxmath.constrained.quadratic import Multipliers
from jaxmath.optimize.flat import TIGHT, all_finite, choose, flatten, largest
from jaxmath.optimize.implicit import differentiable_if, implicit_root, solve_or_nan
from jaxmath.optimize.solution import Info, Kind, Solution, Status

STEPS = 3
"""How many last steps are tried."""


class Flat(NamedTuple):
    """The program in vectors: functions of x, the ends of g, and those of x."""

    f: Callable
    h: Callable
    g: Callable
    ends: tuple[Any, Any]
    bounds: tuple[Any, Any]

    def every(self, x):
        """The values of f, h and g in one vector."""
        return jnp.concatenate([self.f(x)[None], self.h(x), self.g(x)])

    def look(self, x) -> "Known":
        """What is known at a point."""
        values, slopes = slopes_of(self.every, x, jax.eval_shape(self.every, x).size)
        return Known(values, slopes[0], slopes[1:])


class Known(NamedTuple):
    """What is known at a point: the values of f, h and g, the slope of f, and the Jacobian."""

    values: Any
    slope: Any
    jacobian: Any


class End(NamedTuple):
    """Where a search may end."""

    root: Any
    known: Known
    left: Residuals


def solution(
    find, objective, start, args, eq, ineq, lower, upper, bounds, tolerance, max_iterations
) -> Solution:
    """The solution that a solver finds, as the user sees it.

    The solver goes from (flat, x, tolerance, max_iterations) to the root (x, y, z, z_b) of the
    first-order conditions and the info of `ended`; the rest are the arguments of `solve_nlp`.
    """
    x, unravel, tolerance = flatten(start, tolerance, TIGHT)
    flat, shapes = _flat(x, unravel, args, objective, eq, ineq, lower, upper, bounds)

    def conditions(root):
        x, y, z, zb = root
        slope = jax.grad(lambda x: flat.f(x) + y @ flat.h(x) + z @ flat.g(x))(x) + zb
        return (
            slope,
            flat.h(x),
            complementarity(z, flat.g(x), *flat.ends),
            complementarity(zb, x, *flat.bounds),
        )

    def search(root):
        ends, bounds = jax.lax.stop_gradient((flat.ends, flat.bounds))
        still = flat._replace(ends=ends, bounds=bounds)
        limit = jnp.where(jnp.stack(_senseless(still)).any(), 0, max_iterations)
        return find(still, root[0], tolerance, limit)

    sizes = (jax.eval_shape(part, x).shape for part in (flat.h, flat.g))
    guess = (x, *(jnp.zeros(size, x.dtype) for size in sizes), jnp.zeros_like(x))
    root, info = implicit_root(conditions, guess, search, solve_or_nan)
    solved = (info.status == Status.OPTIMAL) | (info.status == Status.STATIONARY)
    x, y, z, zb = (differentiable_if(part, solved & info.regular) for part in root)
    info = jax.lax.stop_gradient(info)._replace(objective=flat.f(x))
    multipliers = Multipliers(shapes[0](y), shapes[1](z), unravel(zb))
    return Solution(unravel(x), multipliers, info)


def _flat(x, unravel, args, objective, eq, ineq, lower, upper, bounds) -> tuple[Flat, tuple]:
    """Everything in vectors, and the ways back to the pytrees of the constraints."""
    point = unravel(x)

    def vector(function):
        if function is None:
            return (lambda x: jnp.zeros(0, x.dtype)), (lambda _: ()), jnp.zeros(0, x.dtype)
        value = jax.tree.map(
            lambda leaf: jnp.zeros(leaf.shape, x.dtype), jax.eval_shape(function, point, args)
        )
        like, back = ravel_pytree(value)
        found = lambda x: ravel_pytree(function(unravel(x), args))[0].astype(x.dtype)  # noqa: E731
        return found, back, like

    if ineq is None and not (lower is None and upper is None):
        raise ValueError("Ends without inequalities: the ends of x itself are `bounds`.")
    h, back_h, _ = vector(eq)
    g, back_g, like = vector(ineq)
    lower, upper = ends_or_default(lower, upper)
    ends = _end("lower", lower, like, -jnp.inf), _end("upper", upper, like, jnp.inf)
    least, most = (None, None) if bounds is None else bounds
    around = _end("bounds[0]", least, x, -jnp.inf), _end("bounds[1]", most, x, jnp.inf)

    def f(x):
        return jnp.asarray(objective(unravel(x), args), x.dtype)

    return Flat(f, h, g, ends, around), (back_h, back_g)


def _end(name, value, like, otherwise):
    value = ravel_pytree(otherwise if value is None else value)[0].astype(like.dtype)
    if value.size not in (1, like.size):
        raise ValueError(f"{name} is {like.size} numbers or one, and has {value.size}.")
    return jnp.broadcast_to(value, like.shape)


def slopes_of(function, x, size):
    """The value of a vector of so many functions, and their Jacobian."""

    def twice(x):
        value = function(x)
        return value, value

    derivative = jax.jacfwd if x.size <= size else jax.jacrev
    jacobian, values = derivative(twice, has_aux=True)(x)
    return values, jacobian


def left(flat: Flat, root, known: Known) -> Residuals:
    """How far the conditions are from holding, as `kkt_residuals` says it."""
    x, y, z, zb = root
    p, none = y.size, jnp.zeros_like(y)
    values, pulls = known.values[1:], (y @ known.jacobian[:p], z @ known.jacobian[p:])
    parts = [
        Part(values[:p], none, none, y, pulls[0]),
        Part(values[p:], *flat.ends, z, pulls[1]),
        Part(x, *flat.bounds, zb, zb),
    ]
    return residuals(known.slope, parts)


def violation(found: Residuals, x, known: Known):
    """The largest violation, relative to one plus the size of what has ends."""
    return found.primal / (1 + jnp.maximum(largest(x), largest(known.values[1:])))


def _senseless(flat: Flat):
    """Whether ends leave no room, and whether one is NaN."""
    low, high = (jnp.append(flat.ends[side], flat.bounds[side]) for side in (0, 1))
    crossed = jnp.any((low > high) | (low == jnp.inf) | (high == -jnp.inf))
    return crossed, jnp.any(jnp.isnan(low) | jnp.isnan(high))


def ended(flat: Flat, root, known: Known, hessian, status, iterations, tolerance):
    """The root, after last steps, and how the search ended.

    Args:
        flat: the program.
        root: where the search ended: x, and the multipliers of h, of g and of x itself.
        known: what is known there.
        hessian: of the Lagrangian there.
        status: that of the search.
        iterations: its steps.
        tolerance: of the residual.
    """

    def step(_, state):
        now, best = state
        moved = polish.newton_step(now.root, now.known, hessian, flat.ends, flat.bounds)
        there = End(moved, known := flat.look(moved[0]), left(flat, moved, known))
        better = (status == Status.OPTIMAL) & (there.left.error < best.left.error)
        return there, choose(better, there, best)

    first = End(root, known, left(flat, root, known))
    _, (root, known, found) = jax.lax.fori_loop(0, STEPS, step, (first, first))
    x, y, z, zb = root
    kind, falls, regular = second_order(
        hessian,
        known.jacobian,
        (y, z, zb),
        (known.values[1 + y.size :], x),
        (flat.ends, flat.bounds),
        tolerance,
    )
    status = jnp.where((status == Status.OPTIMAL) & falls, Status.STATIONARY, status)
    crossed, unknown = _senseless(flat)
    status = jnp.where(crossed, Status.INFEASIBLE, status)
    info = Info(
        status=jnp.where(unknown, Status.NOT_FINITE, status),
        kind=jnp.where(all_finite(hessian, known.jacobian), kind, Kind.UNDECIDED),
        regular=regular,
        iterations=iterations,
        objective=known.values[0],
        stationarity=found.stationarity,
        primal=found.primal,
        error=found.error,
        tolerance=tolerance,
        complementarity=found.complementarity,
    )
    return root, info
