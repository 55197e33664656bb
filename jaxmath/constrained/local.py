r"""A problem min f(x), g(x) = 0 seen from one point: slopes, curvature, multipliers, residuals.

The singular vectors of the constraints' Jacobian split space into the directions *across* the
constraints, along which g changes, and those *along* them, along which it does not. The
eigenvalues of the Hessian of the Lagrangian along the constraints decide of what kind a stationary
point is (Nocedal and Wright 2006, section 12.5).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array

from jaxmath.optimize.flat import all_finite, largest
from jaxmath.optimize.solution import Kind


class Local(NamedTuple):
    """What is known of the problem at the point x, for n unknowns and m constraints."""

    x: Array  # (n,)
    objective: Array
    gradient: Array  # (n,), of the objective
    violation: Array  # (m,), the value of the constraints
    jacobian: Array  # (m, n), of the constraints
    multipliers: Array  # (m,), those that bring the gradient of L closest to zero
    hessian: Array  # (n, n), of the Lagrangian
    inverse: Array  # (n, m), pseudo-inverse of the Jacobian
    left: Array  # (m, k), k = min(m, n): left singular vectors of the Jacobian
    sizes: Array  # (k,), its singular values, zero where negligible
    basis: Array  # (n, n), its right singular vectors, a row each
    curvature: Array  # (n,), eigenvalues of the Hessian along the constraints, those across last
    directions: Array  # (n, n), their eigenvectors, a column each
    along: Array  # (n,), which of the eigenvalues belong to directions along the constraints
    independent: Array  # whether the gradients of the constraints are
    vanishing: Array  # whether a gradient is negligible beside the constraint's own curvature


def look(f, g, x, tolerance) -> Local:
    """Evaluate everything at a point; two evaluations of second derivatives and an SVD."""
    objective, gradient = jax.value_and_grad(f)(x)
    violation, jacobian = g(x), jax.jacobian(g)(x)
    multipliers, independent, length = _multipliers(jacobian, gradient, tolerance)
    bending = jax.hessian(lambda x: multipliers @ g(x))(x)
    hessian = jax.hessian(f)(x) + bending
    left, sizes, basis = jnp.linalg.svd(jacobian, full_matrices=True)
    left, rows = left[:, : sizes.size], basis[: sizes.size]
    negligible = max(jacobian.shape) * jnp.finfo(x.dtype).eps * jnp.max(sizes)
    sizes = jnp.where(sizes > negligible, sizes, 0)
    across = jnp.zeros(x.size, bool).at[: sizes.size].set(sizes > 0)
    curvature, directions = _curvature(hessian, basis, across)
    change = 10 * jnp.sqrt(tolerance) * (1 + norm(x)) * norm(bending)
    return Local(
        x=x,
        objective=objective,
        gradient=gradient,
        violation=violation,
        jacobian=jacobian,
        multipliers=multipliers,
        hessian=hessian,
        inverse=rows.T @ (divide(1, sizes)[:, None] * left.T),
        left=left,
        sizes=sizes,
        basis=basis,
        curvature=curvature,
        directions=directions,
        along=jnp.arange(x.size) < x.size - jnp.sum(across),
        independent=independent,
        vanishing=change > jnp.abs(multipliers) @ length,
    )


def _multipliers(jacobian, gradient, tolerance):
    """Fit the gradient by those of the constraints, each taken with length one.

    Near a point where they become dependent, a residual of t is reached sqrt(t) away from it, so
    that gradients which are nearer to dependence than that are taken as dependent.
    """
    length = jnp.linalg.norm(jacobian, axis=1)
    length = jnp.where(length > 0, length, 1)
    directions = jacobian / length[:, None]
    left, sizes, right = jnp.linalg.svd(directions, full_matrices=False)
    sizes = jnp.where(sizes > 10 * jnp.sqrt(tolerance) * jnp.max(sizes), sizes, 0)
    fit = left @ (divide(1, sizes) * (right @ -gradient))
    return fit / length, jnp.sum(sizes > 0) == length.size, length


def _curvature(hessian, basis, across):
    """Eigenvalues and eigenvectors of the Hessian along the constraints, in the given basis."""
    inside = jnp.where(across[:, None] | across[None, :], 0, basis @ hessian @ basis.T)
    # Directions across get a curvature beyond all others, which sorts them to the end.
    beyond = 2 * norm(inside) + jnp.finfo(hessian.dtype).tiny
    inside = 0.5 * (inside + inside.T) + jnp.diag(jnp.where(across, beyond, 0))
    return jnp.linalg.eigh(inside)


def residuals(local: Local):
    """The largest entry of the gradient of L, and the largest violation."""
    return largest(local.gradient + local.multipliers @ local.jacobian), largest(local.violation)


def relative_residuals(local: Local):
    """The residuals over 1 plus the terms that they sum, x being known to a rounding only."""
    stationarity, primal = residuals(local)
    terms = (
        largest(local.gradient)
        + largest(jnp.abs(local.multipliers) @ jnp.abs(local.jacobian))
        + largest(jnp.abs(local.hessian) @ jnp.abs(local.x))
    )
    reach = largest(jnp.abs(local.jacobian) @ jnp.abs(local.x))
    return stationarity / (1 + terms), primal / (1 + reach)


def error(local: Local):
    """The larger of the relative residuals."""
    return jnp.maximum(*relative_residuals(local))


def finite(local: Local):
    """Whether values and derivatives are finite; what follows from them is then finite too."""
    known = (local.objective, local.gradient, local.violation, local.jacobian, local.hessian)
    return all_finite(*known)


def feasible(local: Local, tolerance):
    """Whether the constraints hold."""
    return relative_residuals(local)[1] <= tolerance


def contradictory(local: Local, tolerance):
    """Whether the constraints do not hold, and no small change of x brings them closer to it."""
    pull = norm(local.violation @ local.jacobian) * (1 + norm(local.x))
    level = jnp.sqrt(tolerance) * jnp.square(norm(local.violation))
    return ~feasible(local, tolerance) & (pull <= level)


def regular(local: Local):
    """The linear independence qualification: multipliers exist, and are unique."""
    return local.independent & ~local.vanishing


def downhill(local: Local, tolerance):
    """Whether the curvature is negative in some direction along the constraints."""
    return jnp.any(local.along & (local.curvature < -_flat(tolerance)))


def kind(local: Local, tolerance):
    """The second-order test."""
    up = ~local.along | (local.curvature > _flat(tolerance))
    down = ~local.along | (local.curvature < -_flat(tolerance))
    mixed = jnp.any(local.along & up) & jnp.any(local.along & down)
    otherwise = jnp.where(mixed, Kind.SADDLE, Kind.UNDECIDED)
    return jnp.where(jnp.all(up), Kind.MINIMUM, jnp.where(jnp.all(down), Kind.MAXIMUM, otherwise))


def _flat(tolerance):
    """A curvature that counts as none: a slope of t is reached where it may still be sqrt(t)."""
    return 10 * jnp.sqrt(tolerance)


def divide(numerator, denominator):
    """The quotient, and zero where the denominator is zero."""
    zero = denominator == 0
    return jnp.where(zero, 0, numerator / jnp.where(zero, 1, denominator))


def norm(array):
    """The Euclidean norm."""
    return jnp.sqrt(jnp.sum(jnp.square(array)))
