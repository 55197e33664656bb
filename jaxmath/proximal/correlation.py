r"""The correlation matrix next to a symmetric one: semidefinite, with a diagonal of ones.

It is $X = (x + \operatorname{diag} y)_+$ with the multipliers y that make the diagonal right, the
minimum of a convex function whose Hessian is
$V = \operatorname{diag} \circ\, \dot P_+ \circ \operatorname{diag}$ with the derivative of the
projection $P_+$ on the semidefinite cone (Qi and Sun 2006, algorithm 5.1; the problem is that of
Higham 2002).
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from jaxmath.proximal.dual import minimise_dual, solver_where_seen
from jaxmath.proximal.spectra import positive_semidefinite, share_between, symmetric

Matrix = Float[ArrayLike, "m n"]


def _projected(x, y):
    return positive_semidefinite(x + jnp.diag(y))


def _bend(x, y):
    """How the diagonal of the projection moves with the multipliers; row by row."""
    values, Q = jnp.linalg.eigh(x + jnp.diag(y), symmetrize_input=False)
    share = share_between(values)
    return jax.lax.map(
        lambda row: jnp.sum(((row[None, :] * Q) @ share) * (row[None, :] * Q), axis=1), Q
    )


@jax.custom_jvp
def _multipliers(x):
    """What is added to the diagonal."""
    return minimise_dual(
        lambda y: jnp.diag(_projected(x, y)) - 1, lambda y: _bend(x, y), 1 - jnp.diag(x)
    )


@_multipliers.defjvp
def _multipliers_jvp(primals, tangents):
    """By the implicit function theorem: V dy is what the diagonal lacks."""
    (x,), (change,) = primals, tangents
    y = _multipliers(x)
    _, moved = jax.jvp(lambda x: jnp.diag(_projected(x, y)), (x,), (change,))
    solve, _ = solver_where_seen(_bend(x, y))
    return y, solve(-moved)


def correlation(x: Matrix) -> Float[Array, "m n"]:
    """The next correlation matrix, in the Frobenius norm; of x its symmetric part counts.

    For up to some hundred variables: a step costs n^4 operations. Its digits are those of the
    largest entry of x. Where an eigenvalue lies at zero it counts as cut.

    Raises:
        ValueError: if x is not a square matrix.
    """
    x = jnp.asarray(x)
    if x.ndim != 2 or x.shape[0] != x.shape[1]:
        raise ValueError(f"A correlation matrix is square, and not of shape {x.shape}.")
    return _nearest(symmetric(x))


@jax.jit
def _nearest(x):
    return _projected(x, _multipliers(x))
