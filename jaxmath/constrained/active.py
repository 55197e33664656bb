"""The constraints that hold a point back, and the second-order conditions along them.

At a point that satisfies the first-order conditions a constraint is *held* where its multiplier is
not zero, and *touched* where only its slack is zero. The curvature of the Lagrangian along what is
held decides whether the point is a strict minimum, and along what is held or touched whether it is
none (Nocedal and Wright 2006, theorems 12.5 and 12.6).
"""

import jax.numpy as jnp
import numpy as np

from jaxmath.optimize.flat import largest
from jaxmath.optimize.solution import Kind


def second_order(hessian, jacobian, multipliers, values, ends, tolerance):
    """The kind of the point, whether the objective falls along what is active, and regularity.

    Args:
        hessian: n by n, of the Lagrangian.
        jacobian: of the equalities, then of the inequalities.
        multipliers: of the equalities, the inequalities and the bounds.
        values: of the inequalities, and x.
        ends: the pairs of the ends of the two.
        tolerance: of the residuals; what is smaller than its root counts as zero.
    """
    root = jnp.sqrt(tolerance)
    rows, lengths = normalised(jacobian)
    # A multiplier counts by its pull on x, which does not depend on the unit of its row.
    pulls = jnp.abs(jnp.concatenate(multipliers)) * lengths
    strong = pulls > root * (1 + largest(pulls))
    strong = jnp.split(strong, np.cumsum([part.size for part in multipliers])[:-1])
    held, touched = [], []
    for pushed, value, (low, high) in zip(strong[1:], values, ends, strict=True):
        close = jnp.minimum(value - low, high - value) <= root * (1 + jnp.abs(value))
        held.append((low == high) | (close & pushed))
        touched.append(close | held[-1])
    always = jnp.ones(multipliers[0].size, bool)
    held, touched = jnp.concatenate([always, *held]), jnp.concatenate([always, *touched])
    independent, up, _, full = _along(hessian, rows, held)
    _, _, down, _ = _along(hessian, rows, touched)
    kind = jnp.where(up, Kind.MINIMUM, jnp.where(down, Kind.SADDLE, Kind.UNDECIDED))
    clear = jnp.all(held == touched)
    return kind, down, clear & independent & full


def split(hessian, rows, active):
    """An orthonormal basis, which of its directions are across the active rows, and the Hessian."""
    root = jnp.sqrt(jnp.finfo(hessian.dtype).eps)
    chosen = rows * active[:, None]
    sizes, directions = jnp.linalg.eigh(chosen.T @ chosen)
    across = sizes > root * jnp.maximum(sizes[-1], root)
    inside = directions.T @ hessian @ directions
    return directions, across, (inside + inside.T) / 2


def normalised(jacobian):
    """The gradients of the constraints and of x itself, of length one."""
    rows = jnp.concatenate([jacobian, jnp.eye(jacobian.shape[1], dtype=jacobian.dtype)])
    length = jnp.linalg.norm(rows, axis=1, keepdims=True)
    return rows / jnp.where(length > 0, length, 1), length[:, 0]


def _along(hessian, rows, active):
    """Of the active rows: independent; curvature along them: all positive, one negative, none 0."""
    n, root = hessian.shape[0], jnp.sqrt(jnp.finfo(hessian.dtype).eps)
    _, across, inside = split(hessian, rows, active)
    inside = jnp.where(across[:, None] | across[None], 0, inside)
    most = jnp.max(jnp.abs(hessian)) + jnp.finfo(hessian.dtype).tiny
    curvature = jnp.linalg.eigvalsh(inside / most + jnp.diag(2.0 * n * across))
    flat = 10 * root
    independent = jnp.sum(across) == jnp.sum(active)
    up, down = jnp.all(curvature > flat), jnp.any(curvature < -flat)
    return independent, up, down, jnp.all(jnp.abs(curvature) > flat)
