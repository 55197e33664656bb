r"""The least and the largest eigenvalue of a symmetric matrix that is known by its products alone.

The Lanczos process $A V_k = V_k T_k + \beta_k v_{k+1} e_k^\top$ makes T tridiagonal, and the ends
of its spectrum approach those of A from inside (Golub and Van Loan 2013, section 10.1). Each new
vector is made orthogonal to all before it, twice, so that no eigenvalue appears a second time by
rounding. Where the vectors so far span an invariant subspace, the next is drawn at random: T falls
into blocks, and eigenvalues that are equal, or all zero, are found like others.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.custom_batching import sequential_vmap
from jaxtyping import Array, Float

from jaxmath.train.stopping import norm
from jaxmath.typing import PRNGKey


class Extreme(NamedTuple):
    """One end of a spectrum.

    Attributes:
        value: the Rayleigh quotient of `direction`; never outside of the spectrum but by rounding.
        residual: the length of A v - value v. Some eigenvalue lies no further than this from
            `value`; that it is the last one is likely, since the start is random, and not certain.
        direction: the unit vector v.
    """

    value: Float[Array, ""]
    residual: Float[Array, ""]
    direction: Float[Array, " size"]


class Extremes(NamedTuple):
    """Both ends of a spectrum, in the algebraic order."""

    smallest: Extreme
    largest: Extreme


def extreme_eigenvalues(
    product: Callable[[Float[Array, " size"]], Float[Array, " size"]],
    start: Float[Array, " size"],
    key: PRNGKey,
    iterations: int = 20,
) -> Extremes:
    """Both ends of the spectrum of a symmetric `product`, by so many products and two more.

    No more are made than there are dimensions. The values have the slopes of eigenvalues, v' dA v,
    in whatever `product` depends on; residuals and directions have none.

    Args:
        product: the matrix times a vector.
        start: a vector of the right shape and dtype; its entries do not matter.
        key: of the random vectors.
        iterations: dimensions of the subspace that is searched.

    Raises:
        ValueError: there is no dimension, or no iteration.
    """
    size, dtype = start.size, start.dtype
    steps = min(iterations, size)
    if steps < 1:
        raise ValueError(
            f"Eigenvalues take a dimension and an iteration at least, got {size} and {iterations}."
        )
    eps = jnp.finfo(dtype).eps

    def orthogonal(vector, basis):
        for _ in range(2):
            vector = vector - (basis @ vector) @ basis
        return vector

    spare = jax.random.uniform(key, (steps, size), dtype, -1, 1)

    def drawn(number, basis):
        vector = orthogonal(spare[number], basis)
        return vector / norm(vector)

    def extend(number, at):
        basis, diagonal, beside = at
        last = basis[number]
        image = jax.lax.stop_gradient(product(last))  # directions have no slope
        alpha = last @ image
        rest = orthogonal(image, basis)
        beta = norm(rest)
        diagonal = diagonal.at[number].set(alpha)
        scale = jnp.maximum(jnp.max(jnp.abs(diagonal)), jnp.max(beside))
        invariant = beta <= 4 * eps * scale
        beta = jnp.where(invariant, 0, beta)
        new = jnp.where(invariant, drawn(number + 1, basis), rest / jnp.where(invariant, 1, beta))
        # The last vector and the last beta would stand outside, and are dropped.
        return (
            basis.at[number + 1].set(new, mode="drop"),
            diagonal,
            beside.at[number].set(beta, mode="drop"),
        )

    empty = jnp.zeros((steps, size), dtype)
    begun = (
        empty.at[0].set(drawn(0, empty)),
        jnp.zeros(steps, dtype),
        jnp.zeros(steps, dtype),
    )
    basis, diagonal, beside = jax.lax.fori_loop(0, steps, extend, begun)
    beside = beside[:-1]
    tridiagonal = jnp.diag(diagonal) + jnp.diag(beside, 1) + jnp.diag(beside, -1)
    vectors = jax.vmap(lambda vector: vector / norm(vector))(_ends(tridiagonal).T @ basis)
    images = jax.vmap(product)(vectors)
    values = jnp.sum(vectors * images, axis=1)
    residuals = jax.lax.stop_gradient(jax.vmap(norm)(images - values[:, None] * vectors))
    return Extremes(*(Extreme(*end) for end in zip(values, residuals, vectors, strict=True)))


@sequential_vmap
def _ends(matrix):
    """The eigenvectors of the least and the largest eigenvalue, as columns.

    Lanes go one after the other: two batches of LAPACK's at the same time, each on a thread, may
    wait for ever for a third.
    """
    vectors = jnp.linalg.eigh(matrix, symmetrize_input=False)[1]
    return vectors[:, jnp.array([0, -1])]
