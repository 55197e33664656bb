"""Rules of the factorisations and solves of small real matrices, each over leading batch axes.

Signs that a definition leaves open (of eigenvectors and singular vectors) are those that JAX itself
gives at the nearest floats.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from jaxmath.exact import eigen, linear
from jaxmath.exact.arrays import boxed, filled, is_real
from jaxmath.exact.ball import ZERO, arb
from jaxmath.exact.ieee import NAN
from jaxmath.exact.rules_elementwise import rounded
from jaxmath.exact.work import ONE_CHOICE, note


def batched(function, *ranks):
    """A rule of `function(*blocks, params)` on the last axes of each operand, `ranks` of them."""

    def rule(eqn, build):
        avals = [v.aval for v in eqn.outvars]
        lead = eqn.invars[0].aval.shape[: len(eqn.invars[0].aval.shape) - ranks[0]]
        count = int(np.prod(lead, dtype=int))

        def run(*values):
            blocks = []
            for value, rank in zip(values, ranks, strict=True):
                array = boxed(value)
                tail = array.shape[array.ndim - rank :]
                blocks.append(array.reshape(count, *tail))
            found = [function(*(_listed(b[k]) for b in blocks), eqn.params) for k in range(count)]
            columns = zip(*found, strict=True) if found else [[] for _ in avals]
            results = [_joined(column, aval) for column, aval in zip(columns, avals, strict=True)]
            return results[0] if len(results) == 1 else tuple(results)

        return run

    return rule


def _listed(block):
    return block.tolist() if isinstance(block, np.ndarray) else block


def _joined(blocks, aval):
    flat = [x for block in blocks for x in _flat(block)]
    if is_real(aval):
        return filled(flat, aval.shape)
    return np.array(flat, aval.dtype).reshape(aval.shape)[()]


def _flat(block):
    if not isinstance(block, list):
        return [block]
    return [x for part in block for x in _flat(part)]


def cholesky(a, params):
    """The lower factor."""
    return (linear.cholesky(a),)


def lu(a, params):
    """Both factors in one matrix, the swaps and the permutation."""
    factors, pivots = linear.eliminated(a)
    return factors, pivots, linear.swapped(pivots, len(a))


def lu_pivots_to_permutation(pivots, params):
    """The permutation that the swaps make."""
    return (linear.swapped(pivots, params["permutation_size"]),)


def geqrf(a, params):
    """R and reflectors in one matrix, and their factors."""
    return linear.householder(a)


def householder_product(a, taus, params):
    """The product of the reflectors: as many columns as there are."""
    start = linear.identity(len(a))
    return (linear.reflected(a, taus, [row[: len(a[0])] for row in start]),)


def ormqr(a, taus, c, params):
    """Q or Q^T times a matrix, from the left or the right."""
    flip = params["transpose"]
    if params["left"]:
        return (linear.reflected(a, taus, c, flip),)
    return (linear.transposed(linear.reflected(a, taus, linear.transposed(c), not flip)),)


def triangular_solve(a, b, params):
    """The solution of a triangular system, on either side, the matrix transposed or not."""
    left, lower = params["left_side"], params["lower"]
    if params["transpose_a"]:
        a, lower = linear.transposed(a), not lower
    if not left:  # X A = B is A^T X^T = B^T
        a, b, lower = linear.transposed(a), linear.transposed(b), not lower
    function = linear.forward if lower else linear.backward
    x = function(a, b, params["unit_diagonal"])
    return (x if left else linear.transposed(x),)


def tridiagonal_solve(below, diagonal, above, b, params):
    """The solution of a tridiagonal system, the first of `below` and the last of `above` unused."""
    n = len(diagonal)
    a = linear.filled_with(ZERO, n, n)
    for i in range(n):
        a[i][i] = diagonal[i]
        if i:
            a[i][i - 1], a[i - 1][i] = below[i], above[i - 1]
    return (linear.solved(a, b),)


def symmetric_product(a, c, params):
    """Alpha A A^T + beta C."""
    square = linear.product(a, linear.transposed(a))
    alpha, beta = arb(float(params["alpha"])), arb(float(params["beta"]))
    pairs = zip(square, c, strict=True)
    return ([[alpha * x + beta * y for x, y in zip(*rows, strict=True)] for rows in pairs],)


def qr(a, params):
    """Q and R; with pivoting the columns as well, in the order of LAPACK."""
    if not params["pivoting"]:
        return linear.orthogonal(a, params["full_matrices"])
    order = _column_order(a)
    moved = [[row[k] for k in order] for row in a]
    return (*linear.orthogonal(moved, params["full_matrices"]), order)


def _column_order(a) -> list[int]:
    """At each step the column whose rest is longest."""
    order = list(range(len(a[0])))
    for k in range(min(len(a), len(order))):
        rest = [[row[c] for c in order] for row in a]
        if k:
            reflectors, taus = linear.householder([row[:k] for row in rest])
            rest = linear.reflected(reflectors, taus, rest, transpose=True)
        lengths = []
        for j in range(k, len(order)):
            column = [linear.start(row[j]) for row in rest[k:]]
            lengths.append(linear.dot(column, column).mid())
        best = k + max(range(len(lengths)), key=lambda i: (lengths[i], -i))
        order[k], order[best] = order[best], order[k]
    return order


def _aligned(vectors, computed):
    """Rows with the sign that the computed ones have."""
    result = []
    for row, near in zip(vectors, computed, strict=True):
        starts = [linear.start(x) for x in row]
        along = sum(
            (float(s.mid()) * y for s, y in zip(starts, near, strict=True) if s.is_finite()), 0.0
        )
        result.append([-x for x in row] if along < 0 else row)
    return result


def _constants(a):
    return [[linear.start(x) for x in row] for row in a]


def _computed(eqn, a):
    """What JAX computes at the nearest floats, one array a result."""
    dtype = eqn.invars[0].aval.dtype
    shape = (len(a), len(a[0]))
    floats = rounded(filled([x for row in _constants(a) for x in row], shape), dtype)
    found = eqn.primitive.bind(floats, **eqn.params)
    return [np.asarray(f, float) for f in found]


def eigh(eqn, build):
    """Eigenvectors as columns and eigenvalues in ascending order; one triangle is read."""
    lower, part = eqn.params["lower"], eqn.params["subset_by_index"]

    def run(a, params):
        n = len(a)
        first, last = part or (0, n)
        if linear.has_special(a):
            return linear.filled_with(NAN, n, last - first), [NAN] * (last - first)
        whole = [
            [a[max(i, j)][min(i, j)] if lower else a[min(i, j)][max(i, j)] for j in range(n)]
            for i in range(n)
        ]
        values, vectors = eigen.eigenpairs(whole)
        vectors = _aligned(vectors[first:last], _computed(eqn, a)[0].T)
        return linear.transposed(vectors), values[first:last]

    return batched(run, 2)(eqn, build)


def svd(eqn, build):
    """Singular values in descending order, left vectors as columns, right ones as rows."""
    wanted, full = eqn.params["compute_uv"], eqn.params["full_matrices"]

    def run(a, params):
        rows, columns = len(a), len(a[0])
        count = min(rows, columns)
        if linear.has_special(a):
            values, left = [NAN] * count, linear.filled_with(NAN, count, rows)
            right = linear.filled_with(NAN, count, columns)
        else:
            values, left, right = eigen.singular_triples(a)
        if not wanted:
            return (values,)
        if not linear.has_special(a):
            _, u, v = _computed(eqn, a)
            both = [[*x, *y] for x, y in zip(left, right, strict=True)]
            both = _aligned(both, np.concatenate([u.T[:count], v[:count]], 1))
            left, right = [r[:rows] for r in both], [r[rows:] for r in both]
        if full:
            left, right = _completed(left, rows), _completed(right, columns)
        return values, linear.transposed(left), right

    return batched(run, 2)(eqn, build)


def _completed(vectors, size: int):
    """Orthonormal rows, and further ones that make a basis: any such."""
    if len(vectors) == size:
        return vectors
    q, _ = linear.orthogonal(linear.transposed(vectors), full=True)
    note(ONE_CHOICE)
    return [*vectors, *linear.transposed(q)[len(vectors) :]]


def custom_linear_solve(eqn, build):
    """What the solver given computes."""
    jaxprs, lengths = eqn.params["jaxprs"], eqn.params["const_lengths"]
    solve, given = build(jaxprs.solve), sum(lengths)
    first = lengths.matvec + lengths.vecmat

    def run(*values):
        found: Any = solve(*values[first : first + lengths.solve], *values[given:])
        return found[0] if len(found) == 1 else found

    return run


RULES = {
    "cholesky": batched(cholesky, 2),
    "custom_linear_solve": custom_linear_solve,
    "eigh": eigh,
    "geqrf": batched(geqrf, 2),
    "householder_product": batched(householder_product, 2, 1),
    "lu": batched(lu, 2),
    "lu_pivots_to_permutation": batched(lu_pivots_to_permutation, 1),
    "ormqr": batched(ormqr, 2, 1, 2),
    "qr": batched(qr, 2),
    "svd": svd,
    "symmetric_product": batched(symmetric_product, 2, 2),
    "triangular_solve": batched(triangular_solve, 2, 2),
    "tridiagonal_solve": batched(tridiagonal_solve, 1, 1, 1, 2),
}
