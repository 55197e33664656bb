r"""Products of cones: the non-negative numbers, second-order cones, positive semidefinite matrices.

A member is one vector. Its entries are first those that are non-negative, then of each second-order
cone a height t and the v with $\lVert v \rVert \le t$, then of each semidefinite cone the `svec` of
its matrix. Each of these cones is its own dual. Cones of one size are treated together, as one
array of them; a non-negative number is a second-order cone of one entry.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from jaxmath.proximal.cones import second_order_cone
from jaxmath.proximal.spectra import positive_semidefinite


class Cones(NamedTuple):
    """A product of cones by their sizes, all of them whole numbers that a compiled program fixes.

    Attributes:
        nonnegative: how many entries are at least zero.
        second_order: of each second-order cone how many entries it has, with the height.
        semidefinite: of each semidefinite cone how many rows its matrices have: r rows make
            r (r + 1) / 2 entries.
    """

    nonnegative: int = 0
    second_order: tuple[int, ...] = ()
    semidefinite: tuple[int, ...] = ()

    @property
    def size(self) -> int:
        """How many entries a member has."""
        return self.nonnegative + sum(self.second_order) + sum(map(triangle, self.semidefinite))

    @property
    def degree(self) -> int:
        """How many spectral values a member has: one of a number, two of a second-order cone."""
        pairs = sum(min(size, 2) for size in self.second_order)
        return self.nonnegative + pairs + sum(self.semidefinite)


class Block(NamedTuple):
    """Cones of one kind and size: which entries are theirs, a row for each cone."""

    index: Any
    rows: int  # of the matrices; zero of second-order cones


def triangle(rows: int) -> int:
    """How many entries the lower triangle of a matrix has."""
    return rows * (rows + 1) // 2


def svec(matrix: Float[ArrayLike, "r r"]) -> Float[Array, " k"]:
    r"""The lower triangle of a symmetric matrix row by row, off the diagonal times $\sqrt 2$.

    The inner product of two of them is the trace of the product of the matrices (Vandenberghe 2010,
    section 2). Of the matrix its symmetric part counts.
    """
    matrix = jnp.asarray(matrix)
    matrix = matrix.astype(jnp.result_type(matrix, 0.5))
    i, j = np.tril_indices(matrix.shape[0])
    weights = np.where(i == j, 0.5, np.sqrt(0.5)).astype(matrix.dtype)
    return (matrix + matrix.T)[i, j] * weights


def smat(vector: Float[ArrayLike, " k"]) -> Float[Array, "r r"]:
    """The symmetric matrix of which a vector is the `svec`."""
    vector = jnp.asarray(vector)
    rows = (int(np.sqrt(8 * vector.size + 1)) - 1) // 2
    i, j = np.indices((rows, rows))
    low, high = np.maximum(i, j), np.minimum(i, j)
    share = np.where(i == j, 1.0, np.sqrt(0.5)).astype(vector.dtype)
    return vector[low * (low + 1) // 2 + high] * share


def blocks(cones: Cones) -> list[Block]:
    """The cones sorted by kind and size."""
    first = cones.nonnegative
    groups: dict[tuple[int, int], list] = {}
    if first:
        groups[1, 0] = list(np.arange(first)[:, None])
    for sizes, flat in ((cones.second_order, True), (cones.semidefinite, False)):
        for size in sizes:
            entries = size if flat else triangle(size)
            own = np.arange(first, first + entries)
            groups.setdefault((entries, 0 if flat else size), []).append(own)
            first += entries
    return [Block(np.stack(index), rows) for (_, rows), index in groups.items()]


def split(cones: Cones, vector):
    """The members of each block: vectors, or matrices."""
    parts = [(block, vector[block.index]) for block in blocks(cones)]
    return [jax.vmap(smat)(part) if block.rows else part for block, part in parts]


def joined(cones: Cones, parts):
    """The vector that was split."""
    own = blocks(cones)
    if not own:
        return jnp.zeros(0, jnp.float32)  # whose dtype gives way to any other
    flat = [
        (jax.vmap(svec)(part) if block.rows else part).ravel()
        for block, part in zip(own, parts, strict=True)
    ]
    order = np.concatenate([block.index.ravel() for block in own])
    return jnp.concatenate(flat)[np.argsort(order)]


def one_by_one(function, *parts):
    """A function of each member of a block, one after the other.

    What calls LAPACK is not made a batch: jaxlib hands parts of one to its threads, and two batches
    at the same time, each on a thread, may wait for ever for a third.
    """
    if len(parts[-1]) == 1:
        only = jax.tree.map(lambda leaf: leaf[0], parts)
        return jax.tree.map(lambda leaf: leaf[None], function(*only))
    return jax.lax.map(lambda members: function(*members), parts)


def project(cones: Cones, vector):
    """The nearest member."""

    def nearest(block, part):
        if block.rows:
            return one_by_one(positive_semidefinite, part)
        if part.shape[1] == 1:
            return jnp.maximum(part, 0)
        return jax.vmap(second_order_cone)(part)

    parts = zip(blocks(cones), split(cones, vector), strict=True)
    return joined(cones, [nearest(block, part) for block, part in parts]).astype(vector.dtype)


def spectrum(cones: Cones, vector):
    """The spectral values of a vector, none of them negative if and only if it is a member."""

    def values(block, part):
        if block.rows:
            return one_by_one(jnp.linalg.eigvalsh, part)
        if part.shape[1] == 1:
            return part
        size = jnp.linalg.norm(part[:, 1:], axis=1)
        return jnp.stack([part[:, 0] - size, part[:, 0] + size])

    parts = zip(blocks(cones), split(cones, vector), strict=True)
    found = [values(block, part).ravel() for block, part in parts]
    return jnp.concatenate([jnp.zeros(0, vector.dtype), *found])


def unit(cones: Cones, dtype):
    """The member whose spectral values are one."""
    found = np.zeros(cones.size)
    for block in blocks(cones):
        diagonal = np.arange(block.rows)
        places = diagonal * (diagonal + 3) // 2 if block.rows else np.arange(1)
        found[block.index[:, places]] = 1
    return jnp.asarray(found, dtype)


def largest_of_each(cones: Cones, sizes):
    """Of numbers, one for each entry, the largest of the cone that the entry belongs to."""
    for block in blocks(cones):
        most = jnp.max(sizes[block.index], axis=1, keepdims=True)
        sizes = sizes.at[block.index].set(jnp.broadcast_to(most, block.index.shape))
    return sizes
