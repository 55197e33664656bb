"""Linear algebra of one small problem, or of many whose lanes are the last axis.

With the lanes last every operation runs along them, which is what a processor's vectors want: a
library's factorisation of a matrix of ten rows spends its time on being called. A number of a
problem is a vector of one entry, so that it meets vectors with and without lanes.
"""

import jax
import jax.numpy as jnp
from jax.scipy.linalg import cho_solve


def dot(u, v):
    """The inner product."""
    return total(u * v)


def largest(v):
    """The largest size of an entry; zero if there is none."""
    return jnp.max(jnp.abs(v), axis=0, keepdims=True, initial=0)


def total(v):
    """The sum."""
    return jnp.sum(v, axis=0, keepdims=True)


def least(v):
    """The least entry; infinite if there is none."""
    return jnp.min(v, axis=0, keepdims=True, initial=jnp.inf)


def every(condition):
    """Whether all entries are true."""
    return jnp.all(condition, axis=0, keepdims=True)


def times(matrix, x):
    """The matrix times a vector."""
    return matrix @ x if matrix.ndim == 2 else jnp.sum(matrix * x[None], axis=1)


def transposed_times(matrix, y):
    """The transpose of the matrix times a vector."""
    return y @ matrix if matrix.ndim == 2 else jnp.sum(matrix * y[:, None], axis=0)


def gram(matrix, weights):
    """The matrix of inner products of its columns, its rows weighted."""
    if matrix.ndim == 2:  # a plain product takes half the time of one with a transpose
        return jax.lax.optimization_barrier(matrix.T * weights[None]) @ matrix
    return jnp.sum((matrix * weights[:, None])[:, :, None] * matrix[:, None], axis=0)


def add_diagonal(matrix, diagonal):
    """The matrix with something added to its diagonal."""
    i = jnp.arange(matrix.shape[0])
    return matrix.at[i, i].add(diagonal)


def diagonal(matrix):
    """The entries of the diagonal."""
    return jnp.diagonal(matrix) if matrix.ndim == 2 else jnp.moveaxis(jnp.diagonal(matrix), -1, 0)


def factor(matrix):
    """What `solve` needs of a symmetric positive definite matrix; NaN where it is not.

    Of one matrix the Cholesky factor L. Of lanes its inverse: products are one operation where
    substitutions would be one for each row. The inverse of the matrix itself would lose twice as
    many digits.
    """
    if matrix.ndim == 2:
        return jnp.linalg.cholesky(matrix, symmetrize_input=False)
    index = jnp.arange(matrix.shape[0])

    def eliminate(j, rest):
        """Row operations; below the diagonal stands what they make of the identity."""
        pivot = rest[j, j][None]
        share = rest[:, j] / jnp.where(pivot > 0, pivot, jnp.nan)
        below = jnp.where((index > j)[:, None], share, 0)
        outer = rest - below[:, None] * rest[j][None]
        own = (index[:, None] > j) & (index[None] == j)
        return jnp.where(own[:, :, None], -below[:, None], outer)

    found = jax.lax.fori_loop(0, matrix.shape[0], eliminate, matrix)
    lower, one = index[:, None] > index[None], index[:, None] == index[None]
    unit = jnp.where(lower[:, :, None], found, one[:, :, None].astype(matrix.dtype))
    pivots = diagonal(found)
    return unit * jax.lax.rsqrt(jnp.where(pivots > 0, pivots, jnp.nan))[:, None]


def solve(factor, right):
    """Solve with what `factor` found; the right side is a vector."""
    if factor.ndim == 2:
        return cho_solve((factor, True), right)
    return transposed_times(factor, times(factor, right))


def solve_rows(factor, matrix):
    """Solve for each row of a matrix."""
    if factor.ndim == 2:
        return cho_solve((factor, True), matrix.T).T
    half = jnp.sum(matrix[:, None] * factor[None], axis=2)
    return jnp.sum(half[:, :, None] * factor[None], axis=1)


def outer(left, right):
    """Inner products of the rows of two matrices."""
    return left @ right.T if left.ndim == 2 else jnp.sum(left[:, None] * right[None], axis=2)
