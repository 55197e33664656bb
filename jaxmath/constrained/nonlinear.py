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
from typing import Any

import jax
import jax.numpy as jnp

from jaxmath.constrained import barrier, frame, primal_dual
from jaxmath.constrained.barrier import Iterate, Local, Program
from jaxmath.constrained.frame import Flat, Known
from jaxmath.constrained.scaled import Scaled, scale
from jaxmath.optimize.solution import Solution


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
            evaluated lies strictly between them, but for the last steps, which may be on them.
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
    return frame.solution(
        _find, objective, start, args, eq, ineq, lower, upper, bounds, tolerance, max_iterations
    )


def _find(flat: Flat, x, tolerance, max_iterations):
    """Search, and say how it ended: x, y, z, z_b and the info."""
    scaled, program, start, values = _begun(flat, x)

    def judge(at: Iterate, local: Local):
        root, known, found = _given(scaled, program, at, local)
        return found.error, frame.violation(found, root[0], known)

    least = tolerance * scaled.scale[0] / 10
    found = primal_dual.search(program, start, values, judge, tolerance, least, max_iterations)
    root, known, _ = _given(scaled, program, found.at, found.local)
    hessian, count = found.local.hessian / scaled.scale[0], found.iterations
    return frame.ended(flat, root, known, hessian, found.status, count, tolerance)


def _given(scaled: Scaled, program: Program, at: Iterate, local: Local):
    """What `Scaled.given` says: the slacks' multipliers are those of their rows."""
    n, p, fixed = program.n, scaled.p, program.box.fixed
    held = at.high - at.low
    y = jnp.append(at.y[:p], jnp.where(fixed[n:], at.y[p:], held[n:]))
    y = jnp.where(program.idle, 0, y)
    zb = jnp.where(fixed[:n], -(local.slope + y @ local.jacobian), held[:n])
    return scaled.given(at.v[:n], y, zb, Known(local.values, local.slope, local.jacobian))


def _begun(flat: Flat, x) -> tuple[Scaled, Program, Iterate, Any]:
    """The program in its scales and with slacks, a point inside its ends, its values."""
    x = barrier.inside(barrier.box_of(*flat.bounds), x, 1e-2)
    scaled, known = scale(flat, x)
    n, p, m = x.size, scaled.p, flat.ends[0].size
    low, high = (end[p:] for end in scaled.ends())
    without = jnp.isinf(low) & jnp.isinf(high)
    low, high = jnp.where(without, 0, low), jnp.where(without, 0, high)
    low, high = jnp.append(flat.bounds[0], low), jnp.append(flat.bounds[1], high)
    box, idle = barrier.box_of(low, high), jnp.append(jnp.zeros(p, bool), without)
    program = Program(scaled.values, box, idle, n, m)
    v = barrier.inside(box, jnp.append(x, known.values[1 + p :]), 1e-2)
    prices = box.below.astype(x.dtype), box.above.astype(x.dtype)
    at = Iterate(v, jnp.zeros(p + m, x.dtype), *prices)
    at = at._replace(y=jnp.where(idle, 0, _fit(known, at, m)))
    return scaled, program, at, known.values


def _fit(known: Known, at: Iterate, m):
    """The multipliers of the constraints that bring the conditions closest to holding at first."""
    rest, dtype = known.jacobian.shape[0] - m, known.slope.dtype
    slacks = jnp.vstack([jnp.zeros((rest, m), dtype), -jnp.eye(m, dtype=dtype)])
    matrix = jnp.hstack([known.jacobian, slacks])
    target = jnp.append(known.slope, jnp.zeros(m, dtype)) - at.low + at.high
    gram = matrix @ matrix.T
    size = 1 + jnp.max(jnp.abs(jnp.diag(gram)), initial=0)
    ridge = jnp.finfo(gram.dtype).eps ** 0.75 * size * jnp.eye(gram.shape[0], dtype=gram.dtype)
    y = jnp.linalg.solve(gram + ridge, -matrix @ target)
    return jnp.where(jnp.all(jnp.abs(y) <= 1e3), y, 0)
