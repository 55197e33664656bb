r"""The linear system of a step, made such that the step leads downhill.

$$ \begin{pmatrix} W + \delta_w I & A^\top \\ A & -C \end{pmatrix}
   \begin{pmatrix} dx \\ dy \end{pmatrix} = \begin{pmatrix} r \\ q \end{pmatrix} $$

With n unknowns and p constraints the step is one of descent if the matrix has n positive and p
negative eigenvalues. Otherwise $\delta_w$ grows until it has (Wachter and Biegler 2006, algorithm
IC); dependent constraints get a compliance $\delta_c$. The matrix is small: its eigenvalues, in
units that make its rows alike, are counted, and its eigenvectors are its factors.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp


class System(NamedTuple):
    """A matrix S Q diag(values) Q' S, with what was added to it."""

    matrix: Any
    scale: Any
    values: Any
    vectors: Any
    shift: Any  # delta_w
    compliance: Any  # delta_c
    right: Any  # whether the eigenvalues have the signs they should

    def solve(self, right):
        """The solution, refined twice."""

        def once(right):
            return self.scale * (
                self.vectors @ ((self.vectors.T @ (self.scale * right)) / self.values)
            )

        found = once(right)
        for _ in range(2):
            found = found + once(right - self.matrix @ found)
        return found


def _equilibrated(matrix, sweeps=4):
    """Factors of rows and columns that make the largest entry of each about one."""
    scale = jnp.ones(matrix.shape[0], matrix.dtype)
    for _ in range(sweeps):
        most = jnp.max(jnp.abs(matrix * scale[:, None] * scale[None]), axis=1)
        scale = scale / jnp.sqrt(jnp.where(most > 0, most, 1))
    return scale


def system(assemble, positive: int, compliance, last, floor) -> System:
    """Factor `assemble(shift, compliance)`, with as much added as it takes.

    Args:
        assemble: from the two to the matrix.
        positive: how many eigenvalues are to be positive, and all others negative.
        compliance: what dependent constraints get.
        last: the shift that an earlier step took, zero if none did.
        floor: the least shift to begin with.
    """

    def factored(shift, soft):
        matrix = assemble(shift, soft)
        scale = _equilibrated(matrix)
        values, vectors = jnp.linalg.eigh(matrix * scale[:, None] * scale[None])
        finest = 4 * values.size * jnp.finfo(values.dtype).eps * jnp.max(jnp.abs(values))
        above, below = jnp.sum(values > finest), jnp.sum(values < -finest)
        right = (above == positive) & (below == values.size - positive)
        values = jnp.where(values == 0, finest, values)
        return System(matrix, scale, values, vectors, shift, soft, right), above + below

    first = jnp.where(last > 0, jnp.maximum(last / 3, jnp.finfo(last.dtype).tiny), 1e-4)
    first = first.astype(last.dtype)

    def more(carry):
        one, known, count = carry
        dependent = (known < one.values.size) & (one.compliance == 0)
        soft = jnp.where(dependent, compliance, one.compliance)
        stays = dependent & (count == 0) & (jnp.sum(one.values > 0) >= positive)
        grown = jnp.where(last > 0, 8, 100) * one.shift
        shift = jnp.where(stays, one.shift, jnp.where(one.shift == 0, first, grown))
        return *factored(shift, soft), count + 1

    def wrong(carry):
        return ~carry[0].right & (carry[0].shift < 1e30) & (carry[2] < 40)

    begun = (*factored(floor, jnp.zeros_like(last)), 0)
    one, _, _ = jax.lax.while_loop(wrong, more, begun)
    return one
