r"""The exponential of a matrix of elements.

Of a matrix of series $\sum A_k t^k$ it is read from the exponential of the block Toeplitz matrix
with $A_{j-i}$ in block (i, j), whose first row holds the coefficients of $e^{A(t)}$. Source:
Higham, Functions of Matrices, sections 3.1 and 10.
"""

from __future__ import annotations

import numpy as np

from jaxmath.exact.arrays import boxed, filled
from jaxmath.exact.ball import arb_mat, arb_series
from jaxmath.exact.eigen import layers
from jaxmath.exact.functions import unknown
from jaxmath.exact.ieee import NAN
from jaxmath.exact.jet import Jet
from jaxmath.exact.linear import has_special


def matrix_exponential(a, *rest):
    """The exponential of a matrix, or of each of a batch."""
    a = boxed(a)
    n = a.shape[-1]
    rows = [x for block in a.reshape(-1, n, n) for x in _one(block.tolist())]
    return filled(rows, a.shape)


def _one(a):
    n = len(a)
    if has_special(a):
        return [NAN] * (n * n)
    parts = layers(a)
    if parts is None:
        return [unknown()] * (n * n)
    length = len(parts)
    whole = np.full((n * length, n * length), 0, object)
    for i in range(length):
        for j in range(i, length):
            for p in range(n):
                for q in range(n):
                    whole[i * n + p, j * n + q] = parts[j - i][p][q]
    size = n * length
    found = arb_mat(size, size, whole.ravel().tolist()).exp()
    if length == 1:
        return [found[p, q] for p in range(n) for q in range(n)]
    return [
        Jet(arb_series([found[p, k * n + q] for k in range(length)], length))
        for p in range(n)
        for q in range(n)
    ]
