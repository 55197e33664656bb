r"""Lower triangular factors of covariance matrices, $\Sigma = L L^\top$, and solves with them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.linalg import solve_triangular
from jax.typing import DTypeLike


@dataclass(frozen=True)
class Lower:
    """Lower triangular matrices of one size with a positive diagonal.

    Samples have rows whose units differ by up to `units` either way, and correlations of all
    sizes.
    """

    size: int
    units: float = 2.0**6

    differentiable = True

    def __str__(self) -> str:
        return f"lower triangular {self.size}×{self.size}"

    @property
    def shape(self) -> tuple[int, ...]:
        """One matrix."""
        return (self.size, self.size)

    def contains(self, value):
        """Whether nothing stands above the diagonal, and only positive numbers on it."""
        value = jnp.asarray(value)
        return jnp.all(jnp.triu(value, 1) == 0) & jnp.all(jnp.diagonal(value) > 0)

    def sample(self, rng: np.random.Generator, count: int, dtype: DTypeLike) -> np.ndarray:
        """Draw units, and in them entries of ordinary size around a diagonal of about one."""
        most = math.log2(self.units)
        units = np.exp2(rng.uniform(-most, most, (count, self.size, 1)))
        below = np.tril(rng.normal(size=(count, *self.shape)), -1)
        own = np.exp2(rng.uniform(-2.0, 2.0, (count, self.size, 1))) * np.eye(self.size)
        return (units * (below + own)).astype(dtype)

    def edges(self, dtype: DTypeLike) -> np.ndarray:
        """The identity, a graded diagonal, and a strong correlation."""
        graded = np.diag(np.geomspace(1 / self.units, self.units, self.size))
        close = np.tril(np.ones(self.shape)) - (1 - 2.0**-6) * np.diag(np.arange(self.size) > 0)
        return np.stack([np.eye(self.size), graded, close]).astype(dtype)


def checked(factor):
    """The lower triangle, NaN where a number on its diagonal isn't positive."""
    factor = jnp.asarray(factor)
    return jnp.tril(factor) + jnp.where(jnp.all(jnp.diagonal(factor) > 0), 0.0, jnp.nan)


def every(factors):
    """Each of a batch of factors, checked."""
    return jnp.vectorize(checked, signature="(n,n)->(n,n)")(factors)


def rows(factors, vectors):
    """Each factor times its vector, in batches of one shape."""
    return jnp.einsum("...ij,...j->...i", every(factors), vectors)


def solve(factor, right):
    r"""The product $L^{-1} b$."""
    return solve_triangular(factor, right, lower=True)


def solve_transposed(factor, right):
    r"""The product $L^{-\top} b$."""
    return solve_triangular(factor, right, lower=True, trans=1)


def log_det(factor):
    """The logarithm of the determinant of the factor, half of that of its product."""
    return jnp.sum(jnp.log(jnp.diagonal(factor)))


def inverse_diagonal(factor):
    """The slope of `log_det`: one over each entry of the diagonal."""
    return jnp.diag(1 / jnp.diagonal(factor))


def product(factor):
    """The factor times its transpose."""
    return factor @ factor.T


def precision(factor):
    """The inverse of the product."""
    inverse = solve(factor, jnp.eye(factor.shape[-1], dtype=factor.dtype))
    return inverse.T @ inverse


def reversed_cholesky(matrix):
    r"""The lower factor L of the inverse, $L L^\top = A^{-1}$, of a positive definite A."""
    # With A = U U', U upper triangular, it is U^-T; U is the lower factor of A turned around.
    upper = jnp.linalg.cholesky(matrix[::-1, ::-1])[::-1, ::-1]
    return jax.scipy.linalg.solve_triangular(
        upper, jnp.eye(matrix.shape[-1], dtype=matrix.dtype), lower=False, trans=1
    )


def factor_information(factor):
    r"""Minus the expected second derivatives in L of a normal density, zero above the diagonal.

    For the entries ij and kl it is $P_{ik} \delta_{jl}$, P the precision, with the square of each
    $1 / L_{ii}$ once more on the diagonal: $\tfrac12 \operatorname{tr} P\, d\Sigma\, P\, d\Sigma$.
    """
    d = factor.shape[-1]
    block = jnp.einsum("ik,jl->ijkl", precision(factor), jnp.eye(d, dtype=factor.dtype))
    index = jnp.arange(d)
    block = block.at[index, index, index, index].add(jnp.square(1 / jnp.diagonal(factor)))
    below = jnp.tril(jnp.ones((d, d), factor.dtype))
    inside = below[:, :, None, None] * below[None, None, :, :]
    return (block * inside).reshape(d * d, d * d)


def between_precisions(share, factor, factor_q):
    """A square root of the covariance whose precision is linear in both; not triangular."""
    M = solve(factor_q, factor)
    # The covariance is L (s I + (1 - s) M' M)^-1 L', with s the share.
    rest = share * jnp.eye(M.shape[-1], dtype=M.dtype) + (1 - share) * M.T @ M
    return factor @ reversed_cholesky(rest)


@dataclass(frozen=True)
class Stacked:
    """So many elements of another domain along a first axis."""

    of: Lower
    count: int

    differentiable = True

    def __str__(self) -> str:
        return f"{self.count} of {self.of}"

    @property
    def shape(self) -> tuple[int, ...]:
        """All of them."""
        return (self.count, *self.of.shape)

    def contains(self, value):
        """Whether each is."""
        return jnp.all(jax.vmap(self.of.contains)(jnp.asarray(value)))

    def sample(self, rng: np.random.Generator, count: int, dtype: DTypeLike) -> np.ndarray:
        """Draw each."""
        drawn = self.of.sample(rng, count * self.count, dtype)
        return drawn.reshape(count, *self.shape)

    def edges(self, dtype: DTypeLike) -> np.ndarray:
        """All at the same edge."""
        edges = self.of.edges(dtype)
        return np.stack([edges] * self.count, axis=1)
