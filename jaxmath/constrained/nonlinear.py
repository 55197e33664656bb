r"""Nonlinear programs: a local minimum with multipliers, differentiable, a status for each lane.

$$ \min_x f(x) \quad\text{subject to}\quad h(x) = 0, \quad l \le g(x) \le u, \quad
   x_l \le x \le x_u. $$

The Lagrangian is $f + y \cdot h + z \cdot g + z_b \cdot x$, where z > 0 says that the upper end
holds x back, and z < 0 the lower one. As an end is raised the optimal value changes by -z, and by
-y as c is in h(x) - c = 0: their shadow prices. Section and equation numbers in this method are
those of Wachter and Biegler (2006), which it follows but for its restoration and its inertia.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from jaxmath.constrained import barrier, primal_dual
from jaxmath.constrained.active import second_order
from jaxmath.constrained.barrier import Iterate, Local, Program
from jaxmath.constrained.kkt import Part, complementarity, ends_or_default, residuals
from jaxmath.constrained.quadratic import Multipliers
from jaxmath.optimize.flat import all_finite, flatten, largest
from jaxmath.optimize.implicit import differentiable_if, implicit_root, solve_or_nan
from jaxmath.optimize.solution import Info, Kind, Solution, Status

TOLERANCE = 0.6
"""The default tolerance, as a power of the dtype's spacing."""
STEEP = 100.0
"""Functions are scaled at the start to have no slope beyond this (section 3.8)."""


class Flat(NamedTuple):
    """The program in vectors: functions of x, the ends of g, and those of x."""

    f: Callable
    h: Callable
    g: Callable
    ends: tuple
    bounds: tuple


@functools.partial(jax.jit, static_argnames=("objective", "eq", "ineq"))
def solve_nlp(
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
    max_iterations: Any = 500,
) -> Solution:
    """Find a local minimum of `objective(x, args)` under constraints, by an interior-point method.

    Args:
        objective: a scalar function of the point and the parameters, twice differentiable.
        start: where to begin, any pytree of floating-point arrays, whose dtype is that of the
            solve; it need not be feasible, and is moved inside the bounds.
        args: the parameters of the problem, in which the solution can be differentiated.
        eq: a function of the same whose value, any pytree, shall be zero.
        ineq: a function of the same whose value, any pytree, has ends.
        lower: the lower ends: a pytree like the value of `ineq`, or one number for all; minus
            infinity, or left out, where there is none.
        upper: the upper ends. If both are left out the values shall be at most zero, the sign of
            the Lagrangian (SciPy's is the other one). Where two ends agree the constraint is an
            equality.
        bounds: the pair of the ends of x, each a pytree like `start`, or one number. What is
            evaluated lies strictly between them.
        tolerance: the largest residual of the first-order conditions, relative to one plus the size
            of the terms that it sums (`kkt_residuals`); by default the dtype's spacing to the power
            3/5: 4e-10 in float64, 7e-5 in float32.
        max_iterations: the number of steps after which to give up.

    Returns:
        A `Solution`: the last point, its `Multipliers` in the shapes of the values of `eq` and
        `ineq` and of x, and an `Info` that `describe` puts in words.

    The point, its multipliers and `info.objective` can be differentiated in `args`, the ends and
    the bounds, to any order and in both modes, by the implicit function theorem. It asks that
    `info.regular` holds: independent gradients of the constraints that hold x back, curvature along
    them, and no multiplier that is zero beside a slack that is zero; elsewhere the derivatives are
    NaN. Derivatives in `start` are zero.

    Raises:
        TypeError: if `start` holds anything but real floating-point numbers.
        ValueError: if the ends or bounds do not have the shape of what they bound.
    """
    x, unravel, tolerance = flatten(start, tolerance, TOLERANCE)
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

    def find(root):
        return _find(flat, root[0], tolerance, max_iterations)

    sizes = (jax.eval_shape(part, x).shape for part in (flat.h, flat.g))
    guess = (x, *(jnp.zeros(size, x.dtype) for size in sizes), jnp.zeros_like(x))
    root, info = implicit_root(conditions, guess, find, solve_or_nan)
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


class Scaled(NamedTuple):
    """The program as the search sees it, and the factors of f, h and g that made it so."""

    program: Program
    flat: Flat
    scale: Any
    p: int  # equalities

    def given(self, at: Iterate, local: Local):
        """The multipliers of the program as it was given, its residuals, and its Jacobian."""
        (ends, bounds), n, p = (self.flat.ends, self.flat.bounds), self.program.n, self.p
        scale, fixed = self.scale / self.scale[0], self.program.box.fixed
        held = at.high - at.low
        z = jnp.where(fixed[n:], at.y[p:], held[n:])
        z = jnp.where(self.program.idle[p:], 0, z) * scale[1 + p :]
        y, zb = at.y[:p] * scale[1 : 1 + p], held[:n] / self.scale[0]
        slope = local.slope / self.scale[0]
        jacobian = local.jacobian / self.scale[1:, None]
        pulls = y @ jacobian[:p], z @ jacobian[p:]
        zb = jnp.where(fixed[:n], -(slope + pulls[0] + pulls[1]), zb)
        x, values, none = at.v[:n], local.values[1:] / self.scale[1:], jnp.zeros_like(y)
        parts = [
            Part(values[:p], none, none, y, pulls[0]),
            Part(values[p:], ends[0], ends[1], z, pulls[1]),
            Part(x, bounds[0], bounds[1], zb, zb),
        ]
        return (x, y, z, zb), residuals(slope, parts), jacobian

    def judge(self, at: Iterate, local: Local):
        """The largest relative residual, and that of the constraints alone."""
        _, found, _ = self.given(at, local)
        sizes = largest(at.v[: self.program.n]), largest(local.values[1:] / self.scale[1:])
        return found.error, found.primal / (1 + jnp.maximum(*sizes))


def _scaled(flat: Flat, x) -> tuple[Scaled, Iterate, Any]:
    """The program with no slope beyond STEEP at its start, a point inside its ends, its values."""
    n, m, p = x.size, flat.ends[0].size, jax.eval_shape(flat.h, x).shape[0]

    def every(x):
        return jnp.concatenate([flat.f(x)[None], flat.h(x), flat.g(x)])

    x = barrier.inside(barrier.box_of(*flat.bounds), x, 1e-2)
    values, slopes = barrier.slopes_of(every, x, 1 + p + m)
    steepest = jnp.max(jnp.abs(slopes), axis=1)
    steepest = jnp.where(jnp.isfinite(steepest), jnp.maximum(steepest, STEEP), STEEP)
    scale = jnp.maximum(STEEP / steepest, 1e-8)
    values, slopes, rows = scale * values, scale[:, None] * slopes, scale[1 + p :]
    low, high = flat.ends[0] * rows, flat.ends[1] * rows
    without = jnp.isinf(low) & jnp.isinf(high)
    low, high = jnp.where(without, 0, low), jnp.where(without, 0, high)
    low, high = jnp.append(flat.bounds[0], low), jnp.append(flat.bounds[1], high)
    box, idle = barrier.box_of(low, high), jnp.append(jnp.zeros(p, bool), without)
    program = Program(lambda x: scale * every(x), box, idle, n, m)
    v = barrier.inside(box, jnp.append(x, values[1 + p :]), 1e-2)
    prices = box.below.astype(x.dtype), box.above.astype(x.dtype)
    at = Iterate(v, jnp.zeros(p + m, x.dtype), *prices)
    at = at._replace(y=jnp.where(idle, 0, _fit(slopes, at, m)))
    return Scaled(program, flat, scale, p), at, values


def _find(flat: Flat, x, tolerance, max_iterations):
    """Search, and say how it ended: x, y, z, z_b and the info."""
    ends, bounds = jax.lax.stop_gradient((flat.ends, flat.bounds))
    scaled, start, values = _scaled(flat._replace(ends=ends, bounds=bounds), x)
    least = tolerance * scaled.scale[0] / 10
    found = primal_dual.search(
        scaled.program, start, values, scaled.judge, tolerance, least, max_iterations
    )
    local = found.local
    root, left, jacobian = scaled.given(found.at, local)
    x, y, z, zb = root
    kind, falls, regular = second_order(
        local.hessian / scaled.scale[0],
        jacobian,
        (y, z, zb),
        ((local.values / scaled.scale)[1 + y.size :], x),
        (ends, bounds),
        tolerance,
    )
    status = jnp.where((found.status == Status.OPTIMAL) & falls, Status.STATIONARY, found.status)
    low, high = (jnp.append(ends[side], bounds[side]) for side in (0, 1))
    crossed = jnp.any((low > high) | (low == jnp.inf) | (high == -jnp.inf))
    status = jnp.where(crossed, Status.INFEASIBLE, status)
    unknown = jnp.any(jnp.isnan(low) | jnp.isnan(high))
    info = Info(
        status=jnp.where(unknown, Status.NOT_FINITE, status),
        kind=jnp.where(all_finite(local.hessian, jacobian), kind, Kind.UNDECIDED),
        regular=regular,
        iterations=found.iterations,
        objective=local.objective / scaled.scale[0],
        stationarity=left.stationarity,
        primal=left.primal,
        error=left.error,
        tolerance=tolerance,
        complementarity=left.complementarity,
    )
    return root, info


def _fit(slopes, at: Iterate, m):
    """The multipliers of the constraints that bring the conditions closest to holding at first."""
    rest = slopes.shape[0] - 1 - m
    matrix = jnp.block(
        [[slopes[1 : 1 + rest], jnp.zeros((rest, m))], [slopes[1 + rest :], -jnp.eye(m)]]
    ).astype(slopes.dtype)
    target = jnp.append(slopes[0], jnp.zeros(m, slopes.dtype)) - at.low + at.high
    gram = matrix @ matrix.T
    size = 1 + jnp.max(jnp.abs(jnp.diag(gram)), initial=0)
    ridge = jnp.finfo(gram.dtype).eps ** 0.75 * size * jnp.eye(gram.shape[0], dtype=gram.dtype)
    y = jnp.linalg.solve(gram + ridge, -matrix @ target)
    return jnp.where(jnp.all(jnp.abs(y) <= 1e3), y, 0)
