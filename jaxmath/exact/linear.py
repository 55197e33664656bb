"""Textbook linear algebra on elements: factorisations and solves of one small matrix.

Matrices are lists of rows. Any entry may be a ball or a power series, so the derivatives of a
factorisation are those of its own steps. Source: Golub and Van Loan, Matrix Computations, sections
3.2 to 3.4, 4.2 and 5.2.
"""

from __future__ import annotations

from typing import Any

from jaxmath.exact.ball import ONE, ZERO, arb
from jaxmath.exact.ieee import NAN, Special
from jaxmath.exact.jet import Jet, infinity
from jaxmath.exact.powers import sqrt
from jaxmath.exact.rules_reduce import dot
from jaxmath.exact.work import note

Matrix = list[list[Any]]


def transposed(a: Matrix) -> Matrix:
    """Rows as columns."""
    return [list(column) for column in zip(*a, strict=True)]


def product(a: Matrix, b: Matrix) -> Matrix:
    """The product of two matrices."""
    columns = transposed(b)
    return [[dot(row, column) for column in columns] for row in a]


def filled_with(x, rows: int, columns: int) -> Matrix:
    """A matrix of one element."""
    return [[x] * columns for _ in range(rows)]


def identity(n: int) -> Matrix:
    """Ones on the diagonal."""
    return [[ONE if i == j else ZERO for j in range(n)] for i in range(n)]


def has_special(*matrices: Matrix) -> bool:
    """Whether an entry is NaN or infinite, after which a factorisation is NaN throughout."""
    return any(type(x) is Special for a in matrices for row in a for x in row)


def start(x):
    """The ball at t = 0."""
    if type(x) is not Jet:
        return x
    series = x.regular()
    return arb.nan() if series is None else series[0]


def is_zero(x) -> bool:
    """Whether an element is exactly zero, as far as its series is known."""
    if type(x) is arb:
        return x.is_zero()
    return type(x) is Jet and all(c.is_zero() for c in x.series.coeffs())


def cholesky(a: Matrix) -> Matrix:
    """The lower factor of a symmetric matrix, of which the lower triangle is read.

    NaN throughout if the matrix is not positive definite, as in JAX.
    """
    n = len(a)
    if has_special(a):
        return filled_with(NAN, n, n)
    factor = filled_with(ZERO, n, n)
    for j in range(n):
        square = a[j][j] - dot(factor[j][:j], factor[j][:j])
        first = start(square)
        if first < 0 or (type(square) is arb and square.is_zero()):
            return filled_with(NAN, n, n)
        root: Any = sqrt(square)
        if type(root) is Special:
            return filled_with(NAN, n, n)
        factor[j][j] = root
        for i in range(j + 1, n):
            factor[i][j] = (a[i][j] - dot(factor[i][:j], factor[j][:j])) / root
    return factor


def forward(a: Matrix, b: Matrix, unit: bool = False) -> Matrix:
    """The solution of a lower triangular system for several right sides."""
    x: Matrix = []
    columns = range(len(b[0])) if b else ()
    for i, row in enumerate(b):
        rest = [row[c] - dot(a[i][:i], [x[k][c] for k in range(i)]) for c in columns]
        x.append(rest if unit else [quotient(r, a[i][i]) for r in rest])
    return x


def quotient(a, b):
    """A / b; infinite or NaN over an exact zero."""
    if type(a) is arb and type(b) is arb and b.is_zero():
        return NAN if a.is_zero() else infinity(1 if a > 0 else -1)
    return a / b


def backward(a: Matrix, b: Matrix, unit: bool = False) -> Matrix:
    """The solution of an upper triangular system for several right sides."""
    flipped = [row[::-1] for row in a[::-1]]
    return forward(flipped, b[::-1], unit)[::-1]


def eliminated(a: Matrix) -> tuple[Matrix, list[int]]:
    """Both factors of LU in one matrix, and for each step the row that was swapped in.

    The pivot is the largest entry of its column, as LAPACK chooses it: at ties the first.
    """
    a = [list(row) for row in a]
    rows, columns = len(a), len(a[0]) if a else 0
    count = min(rows, columns)
    if has_special(a):
        return filled_with(NAN, rows, columns), list(range(count))
    pivots = []
    for k in range(count):
        p = _pivot([a[i][k] for i in range(k, rows)]) + k
        pivots.append(p)
        a[k], a[p] = a[p], a[k]
        if is_zero(a[k][k]):
            continue
        for i in range(k + 1, rows):
            if is_zero(a[i][k]):
                continue
            factor = a[i][k] / a[k][k]
            a[i][k] = factor
            for j in range(k + 1, columns):
                a[i][j] = a[i][j] - factor * a[k][j]
    return a, pivots


def _pivot(column) -> int:
    sizes = [abs(start(x)) for x in column]
    best = 0
    for k, size in enumerate(sizes):
        if size.mid() > sizes[best].mid():
            best = k
    if sizes[best].is_zero():  # at t = 0 all are zero; the first that moves
        moving = [k for k, x in enumerate(column) if not is_zero(x)]
        return min(moving, key=lambda k: column[k].order() or 0) if moving else 0
    if any(k != best and size.overlaps(sizes[best]) for k, size in enumerate(sizes)):
        note("tie of pivots")
    return best


def swapped(order: list[int], size: int) -> list[int]:
    """The permutation that a list of row swaps makes."""
    rows = list(range(size))
    for k, p in enumerate(order):
        rows[k], rows[p] = rows[p], rows[k]
    return rows


def solved(a: Matrix, b: Matrix) -> Matrix:
    """The solution of a square system for several right sides, by LU."""
    factors, pivots = eliminated(a)
    order = swapped(pivots, len(a))
    return backward(factors, forward(factors, [b[k] for k in order], unit=True))


def householder(a: Matrix) -> tuple[Matrix, list[Any]]:
    """R above and the reflectors below the diagonal, and their factors tau, as LAPACK's geqrf.

    Reflector k is 1 - tau v v^T with v_k = 1; the diagonal of R has the sign opposite to its pivot.
    """
    a = [list(row) for row in a]
    rows, columns = len(a), len(a[0]) if a else 0
    count = min(rows, columns)
    if has_special(a):
        return filled_with(NAN, rows, columns), [NAN] * count
    taus: list[Any] = []
    for k in range(count):
        below = [a[i][k] for i in range(k + 1, rows)]
        if all(is_zero(x) for x in below):
            taus.append(ZERO)
            continue
        head = a[k][k]
        norm: Any = sqrt(dot(below, below) + head * head)
        # LAPACK gives beta the sign opposite to the head's; that of a zero head is positive.
        beta = norm if start(head).mid() < 0 else -norm
        taus.append((beta - head) / beta)
        for i, x in enumerate(below):
            a[k + 1 + i][k] = x / (head - beta)
        a[k][k] = beta
        _reflect(a, a, taus[k], k, range(k + 1, columns))
    return a, taus


def _reflect(c: Matrix, reflectors: Matrix, tau, k: int, columns) -> None:
    rows = range(k + 1, len(c))
    v = [reflectors[i][k] for i in rows]
    for j in columns:
        along = tau * (c[k][j] + dot(v, [c[i][j] for i in rows]))
        c[k][j] = c[k][j] - along
        for i in rows:
            c[i][j] = c[i][j] - along * reflectors[i][k]


def reflected(reflectors: Matrix, taus, c: Matrix, transpose: bool = False) -> Matrix:
    """Q times a matrix (Q^T with `transpose`), Q being the product of the reflectors in order."""
    c = [list(row) for row in c]
    order = range(len(taus)) if transpose else range(len(taus) - 1, -1, -1)
    for k in order:
        _reflect(c, reflectors, taus[k], k, range(len(c[0])))
    return c


def orthogonal(a: Matrix, full: bool = False) -> tuple[Matrix, Matrix]:
    """Q and R of a QR factorisation; all columns of Q with `full`."""
    rows, columns = len(a), len(a[0]) if a else 0
    inner = rows if full else min(rows, columns)
    packed, taus = householder(a)
    start_ = [[ONE if i == j else ZERO for j in range(inner)] for i in range(rows)]
    q = reflected(packed, taus, start_)
    r = [[packed[i][j] if i <= j else ZERO for j in range(columns)] for i in range(inner)]
    return q, r
