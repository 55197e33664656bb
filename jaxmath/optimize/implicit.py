"""Derivatives of a solution in the parameters of its problem, by the implicit function theorem.

Where F(z, args) = 0 defines z, its derivative solves (dF/dz) dz = -(dF/dargs) dargs: no iteration
of the solver is differentiated, and the solver may be anything.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree


def implicit_root(
    conditions: Callable[[Any], Any],
    guess: Any,
    search: Callable[[Any], Any],
    solve_linear: Callable[[Any, Any], Any] | None = None,
):
    """Find a root by `search`, and differentiate it by `conditions`, which hold at the root.

    Args:
        conditions: a function of a pytree of arrays, returning a pytree of the same structure and
            shapes. The derivatives are in the values over which it closes.
        guess: where to begin; the root has no derivative in it.
        search: from a guess to (root, aux); the derivative of aux is zero.
        solve_linear: from a linear function and a right-hand side to what it maps there; by
            default by the function's matrix.

    Returns:
        (root, aux). Derivatives exist to any order, in forward and reverse mode.
    """
    dtypes = []

    def solve(_, start):
        root, aux = search(start)
        leaves, structure = jax.tree.flatten(aux)
        dtypes[:] = [leaf.dtype for leaf in leaves]
        # Whole numbers pass as floats: `custom_root` gives every aux a tangent of its own dtype.
        floats = [leaf if _floating(leaf) else leaf.astype(jnp.float32) for leaf in leaves]
        return root, structure.unflatten(floats)

    root, aux = jax.lax.custom_root(
        conditions, guess, solve, solve_linear or _solve_dense, has_aux=True
    )
    leaves, structure = jax.tree.flatten(aux)
    restored = [leaf.astype(dtype) for leaf, dtype in zip(leaves, dtypes, strict=True)]
    return root, structure.unflatten(restored)


def _floating(leaf) -> bool:
    return jnp.issubdtype(leaf.dtype, jnp.floating)


def _solve_dense(linear, right):
    """Solve `linear(z) = right` for pytrees, by the matrix of the linear function."""
    flat, unravel = ravel_pytree(right)
    return unravel(jnp.linalg.solve(_matrix(linear, right), flat))


def _matrix(linear, like):
    """The matrix of a linear function of pytrees."""
    flat, unravel = ravel_pytree(like)
    eye = jnp.eye(flat.size, dtype=flat.dtype)
    return jax.vmap(lambda column: ravel_pytree(linear(unravel(column)))[0], out_axes=1)(eye)


def solve_or_nan(linear, right):
    """Solve `linear(z) = right` for pytrees; NaN where the matrix is singular to its rounding.

    Rows and columns are scaled first, so that units do not count.
    """
    flat, unravel = ravel_pytree(right)
    scaled, rows, columns = _balanced(_matrix(linear, right))
    solution = jnp.linalg.solve(scaled, flat / rows) / columns
    # A product is linear in reverse mode too, a choice would give zero there.
    return unravel(solution * jnp.where(_regular(scaled), 1, jnp.nan).astype(flat.dtype))


def is_regular(linear, like):
    """Whether the matrix of a linear function of pytrees is regular by more than its rounding."""
    return _regular(_balanced(_matrix(linear, like))[0])


def _regular(scaled):
    inverse = jnp.linalg.inv(jax.lax.stop_gradient(scaled))
    condition = jnp.linalg.norm(inverse, 1) * jnp.linalg.norm(scaled, 1)
    return condition * 10 * len(scaled) * jnp.finfo(scaled.dtype).eps < 1


def _balanced(matrix):
    """The matrix whose rows and columns have a largest entry of one, nearly, and their factors."""
    rows = _sizes(matrix, 1)
    columns = _sizes(matrix / rows[:, None], 0)
    return matrix / (rows[:, None] * columns[None, :]), rows, columns


def _sizes(matrix, axis):
    """The largest entry of each row or column; one where there is none."""
    sizes = jax.lax.stop_gradient(jnp.max(jnp.abs(matrix), axis=axis))
    return jnp.where(sizes > 0, sizes, 1)


@jax.custom_jvp
def differentiable_if(value, condition):
    """The value itself; its derivative where the condition holds, and NaN elsewhere.

    A derivative whose theorem does not apply is no number; silence would pass it on.
    """
    del condition
    return value


@differentiable_if.defjvp
def _differentiable_if_jvp(primals, tangents):
    value, condition = primals
    slope, _ = tangents
    factor = jnp.where(condition, 1, jnp.nan).astype(value.dtype)
    return differentiable_if(value, condition), slope * factor


@jax.custom_jvp
def without_derivative(value, given):
    """The value, an array made of what is given; its derivative in any of that is NaN."""
    del given
    return value


@without_derivative.defjvp
def _without_derivative_jvp(primals, tangents):
    value, given = primals
    changes = zip(jax.tree.leaves(given), jax.tree.leaves(tangents[1]), strict=True)
    moved = sum(jnp.sum(change) for leaf, change in changes if _floating(jnp.asarray(leaf)))
    nothing = jnp.full_like(value, jnp.nan) * jnp.asarray(moved, value.dtype)
    return without_derivative(value, given), nothing
