"""Large and sparse quadratic and linear programs, by products with their matrices alone."""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxmath.constrained import halpern
from jaxmath.constrained.arguments import guess, read
from jaxmath.constrained.matrices import stacked, symmetric_part
from jaxmath.constrained.quadratic import APART, Certificate, Multipliers
from jaxmath.constrained.saddle import Judged, Saddle, Scale
from jaxmath.optimize.flat import TIGHT, largest
from jaxmath.optimize.implicit import (
    differentiable_if,
    implicit_root,
    is_regular,
    solve_or_nan,
)
from jaxmath.optimize.minimum import tests_second_order
from jaxmath.optimize.minres import solve_symmetric
from jaxmath.optimize.solution import Info, Kind, Solution, Status


def pdhg(
    P: Any,
    q: Any,
    A: Any = None,
    b: Any = None,
    G: Any = None,
    lower: Any = None,
    upper: Any = None,
    bounds: Any = None,
    *,
    start: Solution | None = None,
    tolerance: Any = None,
    max_iterations: Any = 100_000,
    second_look: bool | None = None,
) -> Solution:
    """Minimise x'Px / 2 + q'x where A x = b, lower <= G x <= upper and bounds[0] <= x <= bounds[1].

    A step costs a product with each matrix and one with the transposes of A and G, and nothing is
    factored: the primal-dual hybrid gradient method, restarted, with Halpern's anchor (Lu and Yang
    2024). It takes hundreds to many thousands of steps, the more the worse the program is
    conditioned; `solve_qp` is faster and more accurate where its dense factors are affordable.

    Args:
        P: an n by n positive semidefinite matrix, of which the symmetric part counts; None makes a
            linear program. Each matrix is an array, or a `jax.experimental.sparse.BCOO`.
        q: n numbers, whose dtype is that of the solve.
        A: p by n, the left side of equalities, whose rows may depend on each other.
        b: p numbers, their right side.
        G: m by n, whose products with x have ends.
        lower: m numbers or one for all; minus infinity, or left out, where there is no lower end.
        upper: the same of the upper ends.
        bounds: the pair of the ends of x, each n numbers or a scalar.
        start: a solution of a similar program to begin with.
        tolerance: the largest residual, relative to one plus the size of the terms that it sums,
            and duality gap; by default the dtype's spacing to the power 3/5: 4e-10 in float64, 7e-5
            in float32.
        max_iterations: the number of steps after which to give up, looked at every forty.
        second_look: whether to ask in the end if the solution is regular, by the dense matrix of
            the constraints that hold x back, and to differentiate by that; by default up to 200
            unknowns and rows together.

    Returns:
        A `Solution` like that of `solve_qp`, with its `Multipliers` and `Certificate`. A row or
        bound that does not hold x back has a multiplier of exactly zero. A P that is not positive
        semidefinite is found out where a direction along which it is negative turns up.

    The point, its multipliers and `info.objective` can be differentiated in all the data, to any
    order and in both modes, by the implicit function theorem; without a second look iteratively, by
    minimal residuals. Derivatives are NaN where `info.regular` is false, which without a second
    look says only that no multiplier is zero beside a slack that is zero, and where the linear
    system has no solution. Derivatives in `start` are zero.

    Raises:
        ValueError: if the shapes do not fit each other, ends come without a G, or a matrix is
            sparse in another way.
    """
    P, q, A, b, G, low, high, bounds = read(P, q, A, b, G, lower, upper, bounds)
    n, dtype, own = q.size, q.dtype, b.size
    least, most = (jnp.full(n, -jnp.inf, dtype), jnp.full(n, jnp.inf, dtype))
    least, most = (least, most) if bounds is None else bounds
    program = Saddle(
        symmetric_part(P),
        q,
        stacked(A, G),
        jnp.concatenate([b, low]),
        jnp.concatenate([b, high]),
        least,
        most,
    )
    x, z = jnp.zeros_like(q), jnp.zeros_like(program.lower)
    if start is not None:
        x, y, z = guess(start, q, b, low.size)
        z = jnp.concatenate([y, z])
    if tolerance is None:
        tolerance = jnp.finfo(dtype).eps ** TIGHT
    dense = tests_second_order(second_look, n + z.size)
    x, z, held, info = _solve(
        program,
        *jax.lax.stop_gradient((x, z)),
        jnp.asarray(tolerance, dtype),
        jnp.asarray(max_iterations),
        dense,
    )
    direction, (rows, ends) = info.certificate
    proof = Certificate(direction, Multipliers(rows[:own], rows[own:], ends))
    ends = held if bounds is not None else held[:0]
    multipliers = Multipliers(z[:own], z[own:], ends)
    if bounds is None:
        proof = proof._replace(multipliers=proof.multipliers._replace(bounds=ends))
    return Solution(x, multipliers, info._replace(certificate=proof))


class Active(NamedTuple):
    """What holds x back: the bounds of x, and rows of K, each at the end that its sign names."""

    bounds: Any
    rows: Any
    upper_bounds: Any
    upper_rows: Any


@functools.partial(jax.jit, static_argnames="dense")
def _solve(program: Saddle, x, z, tolerance, max_iterations, dense: bool):
    still = jax.lax.stop_gradient(program)
    end, scale = halpern.search(still, x, z, tolerance, max_iterations)
    found, status = end.judged, end.progress.status
    active = Active(
        (found.bounds != 0) | (still.least == still.most),
        (found.z != 0) | (still.lower == still.upper),
        found.bounds > 0,
        found.z > 0,
    )
    conditions = _conditions(program, active, scale)
    root, solve_linear = (found.x, found.z), solve_or_nan
    regular = _clear(still, active, found)
    if dense:
        linear = jax.linearize(_conditions(still, active, scale), root)[1]
        regular &= is_regular(linear, root)
    else:
        units = scale.columns, scale.rows
        solve_linear = functools.partial(solve_symmetric, units=units)
    root, _ = implicit_root(conditions, root, lambda root: (root, ()), solve_linear)
    smooth = (status == Status.OPTIMAL) & regular
    x, z = (differentiable_if(part, smooth) for part in root)
    curved = program.P @ x
    held = jnp.where(active.bounds, -(curved + program.q + z @ program.K), 0)
    info = Info(
        status=status,
        kind=jnp.where(status == Status.OPTIMAL, Kind.GLOBAL, Kind.UNDECIDED),
        regular=regular,
        iterations=end.progress.iterations,
        objective=found.objective,
        stationarity=found.residuals.stationarity,
        primal=found.residuals.primal,
        complementarity=found.residuals.complementarity,
        gap=found.gap,
        error=found.error,
        tolerance=tolerance,
        certificate=(
            jnp.where(status == Status.UNBOUNDED, end.direction, 0),
            tuple(jnp.where(status == Status.INFEASIBLE, part, 0) for part in end.proof),
        ),
    )
    info = jax.lax.stop_gradient(info)._replace(objective=x @ curved / 2 + program.q @ x)
    return x, z, held, info


def _conditions(program: Saddle, active: Active, scale: Scale):
    """Equations that x and z solve near the solution, whose Jacobian is symmetric.

    What is held is put where its end is, and rows that hold nothing back have no multiplier.
    """
    bounds = jnp.where(active.upper_bounds, program.most, program.least)
    ends = jnp.where(active.upper_rows, program.upper, program.lower)
    bounds = jnp.where(active.bounds, bounds, 0)
    ends = jnp.where(active.rows, ends, 0)

    def conditions(root):
        x, z = root
        there = jnp.where(active.bounds, bounds, x)
        price = jnp.where(active.rows, z, 0)
        slope = program.P @ there + program.q + price @ program.K
        slack = program.K @ there - ends
        return (
            jnp.where(active.bounds, (x - bounds) / scale.columns**2, slope),
            jnp.where(active.rows, slack, -z / scale.rows**2),
        )

    return conditions


def _clear(program: Saddle, active: Active, found: Judged):
    """Whether no multiplier is as small as its slack."""

    def apart(value, low, high, price, fixed):
        room = jnp.minimum(value - low, high - value) / (1 + largest(value))
        price = jnp.abs(price) / (1 + largest(price))
        # What the search leaves of both is no more than its error.
        least = jnp.maximum(jnp.minimum(price, room), found.error)
        return jnp.all(fixed | (jnp.maximum(price, room) >= APART * least))

    rows = found.rows, program.lower, program.upper, found.z, program.lower == program.upper
    ends = found.x, program.least, program.most, found.bounds, program.least == program.most
    return apart(*rows) & apart(*ends)
