r"""Eigenvalues of a symmetric matrix and singular values, with proven radii, and their series.

Rotations diagonalise the midpoints; what is left over gives the radii. With $Q^\top Q = I + F$ and
$Q^\top A Q = D + E$, each eigenvalue lies within $(d_i \pm \|E\|) / (1 \mp \|F\|)$ (Weyl and
Ostrowski), however close they are, and the angle to an eigenvector is at most its residual over its
gap (Davis and Kahan). Source: Horn and Johnson, Matrix Analysis, sections 4.3 to 4.5; Parlett, The
Symmetric Eigenvalue Problem, section 11.7. A singular triple of A is an eigenpair of
[[0, A], [A^T, 0]].

Series stand at simple eigenvalues, coefficient by coefficient from the bordered linear system.
"""

from __future__ import annotations

from typing import Any

from jaxmath.exact.ball import ONE, UNKNOWN, ZERO, arb, arb_series
from jaxmath.exact.functions import unknown
from jaxmath.exact.jet import Jet
from jaxmath.exact.linear import Matrix, identity, product, solved, transposed
from jaxmath.exact.rules_reduce import dot
from jaxmath.exact.work import ONE_CHOICE, note, now

SWEEPS = 40
CHOOSING_BITS = 512
"""Eigenvalues that so many bits do not tell apart are taken as equal where vectors are wanted."""


def norm(a: Matrix):
    """An upper bound of the largest singular value: the Frobenius norm."""
    return _length([x for row in a for x in row])


def _length(row):
    """An upper bound of the Euclidean norm."""
    sizes = [abs(x).upper() for x in row]
    return dot(sizes, sizes).sqrt().upper()


def middles(a: Matrix) -> Matrix:
    """The midpoints of balls."""
    return [[x.mid() for x in row] for row in a]


def rotated(a: Matrix) -> Matrix:
    """Rows that nearly are orthonormal eigenvectors of a symmetric matrix of numbers (Jacobi)."""
    n = len(a)
    small = norm(a) ** 2 * arb(2) ** (-2 * now().bits)  # the radii are no smaller than that
    a, q = [list(row) for row in a], transposed(identity(n))
    for _ in range(SWEEPS):
        moved = False
        for i in range(n - 1):
            now().clock()
            for j in range(i + 1, n):
                off = a[i][j]
                if off * off <= small:
                    continue
                moved = True
                c, s = _angle(a[i][i], off, a[j][j])
                a[i], a[j] = _turn(a[i], a[j], c, s)
                for row in a:
                    x, y = row[i], row[j]
                    row[i], row[j] = (c * x - s * y).mid(), (s * x + c * y).mid()
                q[i], q[j] = _turn(q[i], q[j], c, s)
        if not moved:
            break
    return q  # row i is the i-th vector


def _angle(p, off, r):
    ratio = ((r - p) / (2 * off)).mid()
    size = 1 / (abs(ratio) + (ratio * ratio + 1).sqrt())
    t = (size if ratio >= 0 else -size).mid()
    c = (1 / (t * t + 1).sqrt()).mid()
    return c, (t * c).mid()


def _turn(x, y, c, s):
    first = [(c * u - s * v).mid() for u, v in zip(x, y, strict=True)]
    return first, [(s * u + c * v).mid() for u, v in zip(x, y, strict=True)]


class Pairs:
    """Eigenvalues in ascending order, eigenvectors as rows, and which are proven simple."""

    def __init__(self, values, vectors, simple):
        self.values, self.vectors, self.simple = values, vectors, simple


def symmetric(a: Matrix) -> Pairs:
    """Of a symmetric matrix of balls."""
    n = len(a)
    q = rotated(middles(a))
    turned = product(product(q, a), transposed(q))
    order = sorted(range(n), key=lambda i: turned[i][i].mid())
    q = [q[i] for i in order]
    d = [turned[i][i].mid() for i in order]
    rest = product(product(q, a), transposed(q))
    for i in range(n):
        rest[i][i] = rest[i][i] - d[i]
    defect = product(q, transposed(q))
    for i in range(n):
        defect[i][i] = defect[i][i] - 1
    e, f = norm(rest), norm(defect)
    spread = 1 / (1 + arb(0, f))
    values = [(x + arb(0, e)) * spread for x in d]
    return Pairs(values, *_vectors(a, q, d, values))


def _vectors(a, q, d, values):
    """Enclosures of eigenvectors of length one, by residual over gap."""
    vectors, simple = [], []
    for i, (x, row) in enumerate(zip(d, q, strict=True)):
        gaps = [abs(values[j] - x).lower() for j in range(len(d)) if j != i]
        gap = min(gaps, default=ONE, key=float)
        size = dot(row, row).sqrt()
        row = [v / size for v in row]
        residual = [dot(line, row) - x * v for line, v in zip(a, row, strict=True)]
        length = _length(residual)
        alone = bool(gap > 0)
        simple.append(alone)
        vectors.append(_widened(row, length, gap, alone))
    return vectors, simple


def _widened(row, length, gap, alone):
    if alone:
        off = (length / gap * 1.5).upper()  # |v - q| <= 2 sin(angle / 2) <= sqrt(2) sin(angle)
        return [v + arb(0, off) for v in row]
    if now().bits < CHOOSING_BITS:
        return [UNKNOWN] * len(row)
    note(ONE_CHOICE)
    return [v + arb(0, arb(2) ** (-now().bits // 2)) for v in row]


def eigenpairs(a: Matrix) -> tuple[list[Any], Matrix]:
    """Eigenvalues (ascending) and eigenvectors (rows) of a symmetric matrix of elements."""
    parts = layers(a)
    if parts is None:
        return [unknown()] * len(a), [[unknown()] * len(a) for _ in a]
    pairs = symmetric(parts[0])
    if len(parts) == 1:
        return pairs.values, pairs.vectors
    found = [
        continued(parts, x, v) if alone else _beyond(len(a))
        for x, v, alone in zip(pairs.values, pairs.vectors, pairs.simple, strict=True)
    ]
    return [value for value, _ in found], [vector for _, vector in found]


def _beyond(n):
    return unknown(), [unknown()] * n


def layers(a: Matrix) -> list[Matrix] | None:
    """The coefficients of a matrix of series, one matrix each; None at a pole."""
    if all(type(x) is arb for row in a for x in row):
        return [a]
    series: Any = [[_series(x) for x in row] for row in a]
    if any(s is None for row in series for s in row):
        return None
    length = min(s.prec for row in series for s in row)
    return [[[s[k] for s in row] for row in series] for k in range(max(length, 1))]


def _series(x):
    if type(x) is Jet:
        return x.regular()
    return arb_series([x])


def continued(parts: list[Matrix], value, vector):
    r"""The series of a simple eigenpair, its vector of length one.

    Coefficient k solves $(A_0 - \lambda_0) v_k - \lambda_k v_0 = \sum_{j \ge 1}^{k} (\ldots)$ and
    $2 v_0^\top v_k = -\sum v_j^\top v_{k-j}$.
    """
    n = len(vector)
    border = [[*row, -v] for row, v in zip(parts[0], vector, strict=True)]
    for i in range(n):
        border[i][i] = border[i][i] - value
    border.append([*(2 * v for v in vector), ZERO])
    values, vectors = [value], [vector]
    inverse = solved(border, identity(n + 1))
    for k in range(1, len(parts)):
        right = []
        for i in range(n):
            total = ZERO
            for j in range(1, k + 1):
                total -= dot(parts[j][i], vectors[k - j])
                if j < k:
                    total += values[j] * vectors[k - j][i]
            right.append(total)
        right.append(-sum((dot(vectors[j], vectors[k - j]) for j in range(1, k)), ZERO))
        found = [dot(row, right) for row in inverse]
        vectors.append(found[:n])
        values.append(found[n])
    return _jet(values), [_jet([v[i] for v in vectors]) for i in range(n)]


def _jet(coefficients):
    return Jet(arb_series(coefficients, len(coefficients)))


def singular_triples(a: Matrix) -> tuple[list[Any], Matrix, Matrix]:
    """Singular values (descending), left and right singular vectors (rows) of a matrix."""
    rows, columns = len(a), len(a[0])
    count = min(rows, columns)
    whole = [[ZERO] * rows + list(row) for row in a]
    whole += [list(column) + [ZERO] * columns for column in transposed(a)]
    values, vectors = eigenpairs(whole)
    root = arb(2).sqrt()
    values, vectors = values[::-1][:count], vectors[::-1][:count]
    left = [[x * root for x in v[:rows]] for v in vectors]
    right = [[x * root for x in v[rows:]] for v in vectors]
    return [_clipped(v) for v in values], left, right


def _clipped(x):
    """A singular value is not negative."""
    if type(x) is arb and x.is_finite() and not x >= 0:
        return x.nonnegative_part() if hasattr(x, "nonnegative_part") else x.max(ZERO)
    return x
