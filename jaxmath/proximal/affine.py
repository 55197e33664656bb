r"""The projection on the solutions of linear equations, A u = b with independent rows.

With the factors $A^\top = Q R$, N = I - Q Q^T the part across all rows, the multipliers
$\lambda = (A A^\top)^{-1} (A x - b)$ and the point $p = x - A^\top \lambda$,
$\dot p = N (\dot x - \dot A^\top \lambda) - A^+ (\dot A p - \dot b)$ (Parikh and Boyd 2014, section
6.2). Its digits are those of the largest entry.
"""

import jax
import jax.numpy as jnp
from jax.scipy.linalg import solve_triangular
from jaxtyping import Array, ArrayLike, Float

Vector = Float[ArrayLike, " n"]
Rows = Float[ArrayLike, "m n"]
Sides = Float[ArrayLike, " m"]


def _split(x, A, b):
    """Both factors of A', and how far x is from the planes along each column of Q."""
    Q, R = jnp.linalg.qr(jnp.asarray(A).T)
    return Q, R, Q.T @ jnp.asarray(x) - solve_triangular(R, b, trans=1)


@jax.custom_jvp
def affine(x: Vector, A: Rows, b: Sides) -> Float[Array, " n"]:
    """The next point u with A u = b; the rows of A, fewer than the entries, are independent.

    Of rows that are nearly dependent the answer means little.
    """
    Q, _, gap = _split(x, A, b)
    return jnp.asarray(x) - Q @ gap


@affine.defjvp
def _affine_jvp(primals, tangents):
    x, A, b = primals
    change, turn, further = tangents
    Q, R, gap = _split(x, A, b)
    p, moved = jnp.asarray(x) - Q @ gap, change - turn.T @ solve_triangular(R, gap)
    along = solve_triangular(R, turn @ p - further, trans=1)
    return p, moved - Q @ (Q.T @ moved + along)
