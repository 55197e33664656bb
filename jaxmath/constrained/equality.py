r"""Minimise f(x) subject to g(x) = 0 by Newton's method on the gradient of L = f + lambda . g.

At a solution the gradient of the Lagrangian

$$ L(x, \lambda) = f(x) + \lambda \cdot g(x) $$

vanishes in x and in lambda (Lagrange's multiplier rule). A Newton step splits in two: one across
the constraints, which removes their violation to first order, and one along them, which minimises
the quadratic model of L. The singular values of the constraints' Jacobian separate the two, and say
whether the constraints are independent; the eigenvalues of the Hessian of L along the constraints
say whether the point is a minimum, a maximum or a saddle. (Nocedal and Wright 2006, chapters 12
and 18.)

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

from jaxmath.constrained.solution import Info, Kind, Solution, Status

RUNNING = -1
ARMIJO = 1e-4
"""The share of its predicted decrease that a step must deliver (Armijo's condition)."""


class Local(NamedTuple):
    """The problem seen from one point: values, slopes, curvature, and the best multipliers."""

    objective: Array
    gradient: Array
    violation: Array
    jacobian: Array
    multipliers: Array
    hessian: Array  # of the Lagrangian
    independent: Array  # the constraints' gradients are
    vanishing: Array  # the constraints' gradients are, while their curvature is not


class State(NamedTuple):
    """What the loop needs."""

    x: Array
    local: Local
    penalty: Array  # what a unit of violation costs in the merit function
    damping: Array  # shortens the step across the constraints where Newton's is too bold
    iterations: Array
    status: Array


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
        start: where to begin, any pytree of floating-point arrays; it need not be feasible.
        args: the parameters of the problem, in which the solution can be differentiated.
        tolerance: the largest relative residual of the first-order conditions; by default the
            dtype's spacing to the power 3/4: 2e-12 in float64, 6e-6 in float32.
        max_iterations: the number of steps after which to give up.

    Returns:
        A `Solution`: the last finite point, the multipliers in the shape of the constraint's value
        and with the sign of L = f + lambda . g, and an `Info` that `describe` puts in words.

    The point, the multipliers and `info.objective` can be differentiated in `args`, to any order
    and in both modes, by the implicit function theorem. Its conditions are a solution with
    independent constraint gradients and curvature in every direction along them; elsewhere the
    derivatives are NaN. Derivatives in `start` are zero.

    Raises:
        TypeError: if `start` holds anything but real floating-point numbers.
    """
    leaves = jax.tree.leaves(start)
    if not leaves or not all(jnp.issubdtype(jnp.result_type(x), jnp.floating) for x in leaves):
        raise TypeError("A solve starts from real floating-point numbers.")
    x0, unravel = ravel_pytree(start)
    value = jax.eval_shape(constraint, start, args)
    lam0, unravel_multipliers = ravel_pytree(
        jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, x0.dtype), value)
    )
    tolerance = jnp.finfo(x0.dtype).eps ** 0.75 if tolerance is None else tolerance
    tolerance = jnp.asarray(tolerance, x0.dtype)

    def f(x):
        return jnp.asarray(objective(unravel(x), args))

    def g(x):
        return ravel_pytree(constraint(unravel(x), args))[0]

    def conditions(root):
        return jax.grad(lambda x, lam: f(x) + lam @ g(x))(*root), g(root[0])

    def search(_, root):
        state = _search(f, g, root[0], tolerance, max_iterations)
        return (state.x, state.local.multipliers), _inform(state, tolerance)

    (x, lam), info = jax.lax.custom_root(conditions, (x0, lam0), search, _solve_dense, has_aux=True)
    solved = (info.status == Status.OPTIMAL) | (info.status == Status.STATIONARY)
    smooth = solved & info.regular & (info.kind != Kind.UNDECIDED)
    x, lam = _differentiable_if(x, smooth), _differentiable_if(lam, smooth)
    info = jax.lax.stop_gradient(info)._replace(objective=f(x))
    return Solution(unravel(x), unravel_multipliers(lam), info)


def _search(f, g, x, tolerance, max_iterations) -> State:
    """Newton steps with a line search on f + penalty |g|, until a status other than RUNNING."""

    def proceed(state: State) -> State:
        across, along = _newton(state.local, state.x, state.damping)
        step = across + along
        violation = _norm(state.local.violation)
        predicted = _norm(state.local.violation + state.local.jacobian @ step)
        slope = state.local.gradient @ step
        model = slope + 0.5 * jnp.maximum(step @ state.local.hessian @ step, 0)
        # The penalty must make the step a descent direction (Nocedal and Wright, eq. 18.36).
        relief = violation - predicted
        needed = jnp.where(relief > 0, model / jnp.where(relief > 0, 0.5 * relief, 1), 0)
        penalty = jnp.maximum(state.penalty, needed)
        decrease = penalty * relief - slope
        length, x = _line_search(f, g, state, step, penalty, decrease)
        local = _look(f, g, x, tolerance)
        moved = length > 0
        finite = _finite(local)
        local = jax.tree.map(lambda new, old: jnp.where(finite, new, old), local, state.local)
        x = jnp.where(finite, x, state.x)
        # Damp where the full step failed; a full step that succeeds restores Newton's.
        scale = jnp.finfo(x.dtype).eps ** 0.25 * _norm(state.local.jacobian)
        damping = jnp.where(
            length < 0.1,
            jnp.maximum(4 * state.damping, scale),
            jnp.where(state.damping > scale, state.damping / 4, 0),
        )
        iterations = state.iterations + 1
        new = State(x, local, penalty, damping, iterations, jnp.asarray(RUNNING))
        eps = jnp.finfo(x.dtype).eps
        noise = decrease <= 10 * eps * (jnp.abs(state.local.objective) + penalty * violation)
        better = _error(local, x) < 0.5 * _error(state.local, state.x)
        tiny = _largest(step) <= eps * (1 + _largest(state.x))
        # A violation that no longer falls, where its slope is nearly zero.
        share = jnp.sqrt(tolerance)
        flat = _norm(local.violation) > (1 - share) * violation
        stuck = ~moved | tiny | (noise & ~better) | (flat & _contradicts(local, x, tolerance))
        status = _judge(new, tolerance, stuck, iterations >= max_iterations)
        return new._replace(status=jnp.where(finite, status, Status.NOT_FINITE))

    local = _look(f, g, x, tolerance)
    state = State(
        x,
        local,
        penalty=jnp.ones((), x.dtype),
        damping=jnp.zeros((), x.dtype),
        iterations=jnp.asarray(0),
        status=jnp.asarray(RUNNING),
    )
    status = _judge(state, tolerance, jnp.asarray(False), 0 >= jnp.asarray(max_iterations))
    state = state._replace(status=jnp.where(_finite(local), status, Status.NOT_FINITE))
    return jax.lax.while_loop(lambda state: state.status == RUNNING, proceed, state)


def _look(f, g, x, tolerance) -> Local:
    """Evaluate everything at a point; the multipliers are those that fit the gradient best."""
    objective, gradient = jax.value_and_grad(f)(x)
    violation, jacobian = g(x), jax.jacobian(g)(x)
    # Rows of length one: dependence is a matter of directions, not of units.
    length = jnp.linalg.norm(jacobian, axis=1)
    length = jnp.where(length > 0, length, 1)
    rows = jacobian / length[:, None]
    # Where gradients become dependent, a residual of t is reached sqrt(t) away from that point.
    multipliers, _, rank, _ = jnp.linalg.lstsq(rows.T, -gradient, rcond=10 * jnp.sqrt(tolerance))
    multipliers = multipliers / length
    bending = jax.hessian(lambda x: multipliers @ g(x))(x)
    change = 10 * jnp.sqrt(tolerance) * (1 + _norm(x)) * _norm(bending)
    return Local(
        objective,
        gradient,
        violation,
        jacobian,
        multipliers,
        hessian=jax.hessian(f)(x) + bending,
        independent=rank == violation.size,
        vanishing=change > jnp.abs(multipliers) @ length,
    )


def _newton(local: Local, x, damping):
    """The step across the constraints and the step along them."""
    eps = jnp.finfo(local.gradient.dtype).eps
    left, sizes, basis, across = _split(local.jacobian)
    kept = across[: sizes.size]
    inverse = jnp.where(kept, sizes, 0) / jnp.where(kept, sizes**2 + damping**2, 1)
    removal = -basis[: sizes.size].T @ (inverse * (left[:, : sizes.size].T @ local.violation))
    curvature, directions = _curvature(local.hessian, basis, across)
    slope = directions.T @ jnp.where(across, 0, basis @ (local.gradient + local.hessian @ removal))
    # A negative curvature is taken by its size, so that the step leads downhill, and one that
    # vanishes is replaced by a small one, so that an unbounded objective is soon seen as such.
    size = jnp.abs(curvature)
    free = jnp.arange(size.size) < size.size - jnp.sum(across)
    largest = jnp.max(jnp.where(free, size, 0))
    unit = _largest(slope) / (1 + _norm(x))
    floor = jnp.sqrt(eps) * jnp.maximum(largest, unit)
    newton = slope / jnp.where(floor > 0, jnp.maximum(size, floor), 1)
    return removal, -basis.T @ (directions @ newton)


def _split(jacobian):
    """Singular vectors and values; which rows of the basis point across the constraints."""
    left, sizes, basis = jnp.linalg.svd(jacobian, full_matrices=True)
    cut = max(jacobian.shape) * jnp.finfo(jacobian.dtype).eps * jnp.max(sizes)
    across = jnp.zeros(basis.shape[0], bool).at[: sizes.size].set(sizes > cut)
    return left, sizes, basis, across


def _curvature(hessian, basis, across):
    """Eigenvalues and eigenvectors of the Hessian along the constraints, those across last."""
    inside = jnp.where(across[:, None] | across[None, :], 0, basis @ hessian @ basis.T)
    # Directions across get a curvature beyond all others, which sorts them to the end.
    beyond = 2 * _norm(inside) + jnp.finfo(hessian.dtype).tiny
    inside = 0.5 * (inside + inside.T) + jnp.diag(jnp.where(across, beyond, 0))
    return jnp.linalg.eigh(inside)


def _line_search(f, g, state: State, step, penalty, decrease):
    """Halve the step until the merit falls as it should; length zero if it never does."""
    eps = jnp.finfo(step.dtype).eps
    left, sizes, basis, across = _split(state.local.jacobian)

    def merit(x):
        return f(x) + penalty * _norm(g(x))

    # Follow the constraints' bend to second order, or a good step is refused (Maratos' effect).
    kept = across[: sizes.size]
    inverse = jnp.where(kept, 1, 0) / jnp.where(kept, sizes, 1)
    bend = -basis[: sizes.size].T @ (inverse * (left[:, : sizes.size].T @ g(state.x + step)))
    bend = jnp.where(_norm(bend) <= _norm(step), bend, 0)

    def point(length):
        return state.x + length * step + length**2 * bend

    here = state.local.objective + penalty * _norm(state.local.violation)
    noise = 10 * eps * (jnp.abs(state.local.objective) + penalty * _norm(state.local.violation))

    def falls(length):
        there = merit(point(length))
        return jnp.isfinite(there) & (there <= here - ARMIJO * length * decrease + noise)

    def refused(length):
        return (length > eps) & ~falls(length)

    length = jax.lax.while_loop(refused, lambda length: length / 2, jnp.ones((), step.dtype))
    length = jnp.where(length > eps, length, 0)
    return length, jnp.where(length > 0, point(length), state.x)


def _residuals(local: Local):
    """The largest entry of the gradient of L, and the largest violation."""
    lagrangian = local.gradient + local.multipliers @ local.jacobian
    return _largest(lagrangian), _largest(local.violation)


def _error(local: Local, x):
    """Both residuals relative to the terms that they sum, x being known to a rounding only."""
    stationarity, primal = _residuals(local)
    terms = (
        _largest(local.gradient)
        + _largest(jnp.abs(local.multipliers) @ jnp.abs(local.jacobian))
        + _largest(jnp.abs(local.hessian) @ jnp.abs(x))
    )
    reach = _largest(jnp.abs(local.jacobian) @ jnp.abs(x))
    return jnp.maximum(stationarity / (1 + terms), primal / (1 + reach))


def _kind(local: Local, tolerance):
    """The second-order test: the kind of point, and whether some direction leads down."""
    _, _, basis, across = _split(local.jacobian)
    curvature, _ = _curvature(local.hessian, basis, across)
    free = jnp.arange(curvature.size) < curvature.size - jnp.sum(across)
    # Where a curvature vanishes, a slope of t is reached where it is still sqrt(t).
    zero = 10 * jnp.sqrt(tolerance) * (1 + jnp.max(jnp.where(free, jnp.abs(curvature), 0)))
    zero = jnp.minimum(zero, 10 * jnp.sqrt(tolerance))
    up, down = free & (curvature > zero), free & (curvature < -zero)
    kind = jnp.where(
        jnp.all(up == free),
        Kind.MINIMUM,
        jnp.where(
            jnp.any(up) & jnp.any(down),
            Kind.SADDLE,
            jnp.where(jnp.any(down) & jnp.all(down == free), Kind.MAXIMUM, Kind.UNDECIDED),
        ),
    )
    return kind, jnp.any(down)


def _judge(state: State, tolerance, stuck, exhausted):
    """The status of the search at a finite point."""
    local, x = state.local, state.x
    converged = (_error(local, x) <= tolerance) & ~local.vanishing
    _, down = _kind(local, tolerance)
    feasible = _feasible(local, x, tolerance)
    unbounded = feasible & (local.objective < -(jnp.finfo(x.dtype).eps ** -2.0))
    status = jnp.where(exhausted, Status.ITERATION_LIMIT, RUNNING)
    status = jnp.where(stuck, Status.STALLED, status)
    over = stuck | exhausted
    status = jnp.where(over & feasible & ~_regular(local), Status.SINGULAR, status)
    status = jnp.where(over & _contradicts(local, x, tolerance), Status.INFEASIBLE, status)
    status = jnp.where(unbounded, Status.UNBOUNDED, status)
    return jnp.where(converged, jnp.where(down, Status.STATIONARY, Status.OPTIMAL), status)


def _regular(local: Local):
    """The linear independence constraint qualification: multipliers exist and are unique."""
    return local.independent & ~local.vanishing


def _feasible(local: Local, x, tolerance):
    _, primal = _residuals(local)
    return primal <= tolerance * (1 + _largest(jnp.abs(local.jacobian) @ jnp.abs(x)))


def _contradicts(local: Local, x, tolerance):
    """The constraints do not hold, and no small change of x brings them closer to holding."""
    pull = _norm(local.violation @ local.jacobian) * (1 + _norm(x))
    level = jnp.sqrt(tolerance) * _norm(local.violation) ** 2
    return ~_feasible(local, x, tolerance) & (pull <= level)


def _inform(state: State, tolerance) -> Info:
    local = state.local
    stationarity, primal = _residuals(local)
    kind, _ = _kind(local, tolerance)
    return Info(
        status=state.status,
        kind=kind,
        regular=_regular(local),
        iterations=state.iterations,
        objective=local.objective,
        stationarity=stationarity,
        primal=primal,
        error=_error(local, state.x),
        tolerance=tolerance,
    )


def _solve_dense(linear, right):
    """Solve `linear(z) = right`, a pytree, by its matrix: the derivative of the conditions."""
    flat, unravel = ravel_pytree(right)
    matrix = jax.vmap(lambda column: ravel_pytree(linear(unravel(column)))[0], out_axes=1)(
        jnp.eye(flat.size, dtype=flat.dtype)
    )
    return unravel(jnp.linalg.solve(matrix, flat))


@jax.custom_jvp
def _differentiable_if(x, condition):
    """The value itself; its derivative where the condition holds, and NaN elsewhere."""
    del condition
    return x


@_differentiable_if.defjvp
def _differentiable_if_jvp(primals, tangents):
    (x, condition), (slope, _) = primals, tangents
    return x, slope * jnp.where(condition, 1, jnp.nan).astype(x.dtype)


def _finite(local: Local):
    return jnp.all(jnp.stack([jnp.all(jnp.isfinite(leaf)) for leaf in local]))


def _largest(vector):
    return jnp.max(jnp.abs(vector), initial=0)


def _norm(array):
    return jnp.sqrt(jnp.sum(jnp.square(array)))
