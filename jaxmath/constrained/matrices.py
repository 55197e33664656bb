"""What a first-order solver asks of a matrix, be it dense or sparse (`jax.experimental.sparse`)."""

import jax.numpy as jnp
from jax.experimental import sparse


def is_sparse(matrix) -> bool:
    """Whether it is a BCOO matrix."""
    return isinstance(matrix, sparse.BCOO)


def as_matrix(name: str, value, dtype):
    """A dense array or a BCOO matrix, in the dtype of the solve.

    Raises:
        ValueError: if it is sparse in another way.
    """
    if is_sparse(value) and value.n_batch + value.n_dense == 0:
        return sparse.BCOO((value.data.astype(dtype), value.indices), shape=value.shape)
    if hasattr(value, "nnz") or isinstance(value, sparse.JAXSparse):
        raise ValueError(
            f"{name} is a sparse matrix of a kind that is not known here: a BCOO matrix without "
            "batch or dense dimensions is, such as `BCOO.from_scipy_sparse` makes."
        )
    return jnp.asarray(value, dtype)


def empty(rows: int, columns: int, dtype):
    """A matrix of zeros, that takes no room if there are rows."""
    if rows == 0:
        return jnp.zeros((0, columns), dtype)
    return sparse.empty((rows, columns), dtype=dtype)


def symmetric_part(matrix):
    """Half the sum of a matrix and its transpose."""
    if not is_sparse(matrix):
        return (matrix + matrix.T) / 2
    data = jnp.concatenate([matrix.data, matrix.data]) / 2
    indices = jnp.concatenate([matrix.indices, matrix.indices[:, ::-1]])
    return sparse.BCOO((data, indices), shape=matrix.shape)


def stacked(above, below):
    """One matrix of the rows of two; sparse if one of them is."""
    if not is_sparse(above) and not is_sparse(below):
        return jnp.concatenate([above, below])
    above, below = _sparse(above), _sparse(below)
    down = jnp.array([above.shape[0], 0], below.indices.dtype)
    data = jnp.concatenate([above.data, below.data])
    indices = jnp.concatenate([above.indices, below.indices + down[None]])
    return sparse.BCOO((data, indices), shape=(above.shape[0] + below.shape[0], above.shape[1]))


def _sparse(matrix):
    if is_sparse(matrix):
        return matrix
    index = jnp.indices(matrix.shape, jnp.int32).reshape(2, -1).T
    return sparse.BCOO((matrix.reshape(-1), index), shape=matrix.shape)


def largest_entries(matrix, axis):
    """The largest size of an entry along an axis; zero where there is none."""
    if not is_sparse(matrix):
        return jnp.max(jnp.abs(matrix), axis=axis, initial=0)
    zero = jnp.zeros(matrix.shape[1 - axis], matrix.dtype)
    return zero.at[matrix.indices[:, 1 - axis]].max(jnp.abs(matrix.data), mode="drop")


def total_sizes(matrix, axis):
    """The sum of the sizes of the entries along an axis."""
    if not is_sparse(matrix):
        return jnp.sum(jnp.abs(matrix), axis=axis)
    zero = jnp.zeros(matrix.shape[1 - axis], matrix.dtype)
    return zero.at[matrix.indices[:, 1 - axis]].add(jnp.abs(matrix.data), mode="drop")


def rescaled(matrix, rows, columns):
    """The matrix whose rows and columns are multiplied by these numbers."""
    if not is_sparse(matrix):
        return matrix * rows[:, None] * columns[None]
    factors = rows[matrix.indices[:, 0]] * columns[matrix.indices[:, 1]]
    return sparse.BCOO((matrix.data * factors, matrix.indices), shape=matrix.shape)
