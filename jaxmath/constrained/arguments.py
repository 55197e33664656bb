"""The data of a quadratic program as a user gives them, looked at once."""

from typing import Any, NamedTuple

import jax.numpy as jnp

from jaxmath.constrained.matrices import as_matrix, empty, is_sparse


class Arguments(NamedTuple):
    """All parts, empty or infinite where they were left out; bounds as they were, None or both."""

    P: Any
    q: Any
    A: Any
    b: Any
    G: Any
    lower: Any
    upper: Any
    bounds: Any


def read(P, q, A, b, G, lower, upper, bounds) -> Arguments:
    """Every part in the shape and dtype that q says.

    Raises:
        ValueError: if the shapes do not fit each other, or ends come without a G.
    """
    q = jnp.asarray(q)
    if not jnp.issubdtype(q.dtype, jnp.floating):
        q = q.astype(float)
    if q.ndim != 1:
        raise ValueError(f"q is a vector of n numbers, and has the shape {q.shape}.")
    n, dtype = q.size, q.dtype
    P = _matrix("P", P, n, dtype, rows=n)
    if (A is None) != (b is None):
        raise ValueError("Equalities A x = b need both A and b.")
    if G is None and not (lower is None and upper is None):
        raise ValueError("Ends without a matrix G: the ends of x itself are `bounds`.")
    A, G = _matrix("A", A, n, dtype), _matrix("G", G, n, dtype)
    b = vector("b", b, A.shape[0], dtype, 0)
    low = vector("lower", lower, G.shape[0], dtype, -jnp.inf)
    high = vector("upper", upper, G.shape[0], dtype, jnp.inf)
    if bounds is not None:
        least, most = bounds
        least = vector("bounds[0]", least, n, dtype, -jnp.inf)
        bounds = least, vector("bounds[1]", most, n, dtype, jnp.inf)
    return Arguments(P, q, A, b, G, low, high, bounds)


def dense(data: Arguments) -> Arguments:
    """The same, for a solver that takes no sparse matrix.

    Raises:
        ValueError: if one is sparse.
    """
    for name in "PAG":
        if is_sparse(getattr(data, name)):
            raise ValueError(f"{name} is sparse: `pdhg` takes it so, and this its `todense()`.")
    return data


def guess(start, q, b, rows: int):
    """The point of a solution and its multipliers of so many equalities and rows."""
    given, dtype = start.multipliers, q.dtype
    return (
        vector("start.x", start.x, q.size, dtype, 0),
        vector("start.multipliers.equality", given.equality, b.size, dtype, 0),
        vector("start.multipliers.inequality", given.inequality, rows, dtype, 0),
    )


def _matrix(name, value, n, dtype, rows=None):
    value = empty(rows or 0, n, dtype) if value is None else as_matrix(name, value, dtype)
    if value.ndim != 2 or value.shape[1] != n or rows not in (None, value.shape[0]):
        wanted = f"{'rows' if rows is None else rows} by {n}"
        raise ValueError(f"{name} is a matrix of {wanted}, as q says, and has {value.shape}.")
    return value


def vector(name, value, size, dtype, otherwise):
    """So many numbers; one stands for all."""
    value = jnp.asarray(otherwise if value is None else value, dtype)
    if value.shape not in ((), (size,)):
        raise ValueError(f"{name} is {size} numbers or one, and has the shape {value.shape}.")
    return jnp.broadcast_to(value, (size,))
