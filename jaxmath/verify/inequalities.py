r"""A fact as an inequality of derivatives: by how much it holds on a box, and where it is broken.

With D the gradient and H the Hessian in the named argument: increasing is $D_j \ge 0$, Lipschitz
$L - |D| \ge 0$, smooth $L - \|H\| \ge 0$, convex $\lambda_{\min}(H) \ge 0$, strongly convex
$\lambda_{\min}(H) - \mu \ge 0$. Where the function itself leaves a box undecided at a seam of its
branches, its closed-form partial is asked, whose own slopes are H; the laws hold that partial to
the truth.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from jaxmath.exact import Missing
from jaxmath.exact.ball import ZERO, arb, between
from jaxmath.exact.boxes import LOST, Boxed, Local
from jaxmath.exact.work import Work, working
from jaxmath.formula import (
    Concave,
    Convex,
    Decreasing,
    Fact,
    Formula,
    Increasing,
    Lipschitz,
    Smooth,
    StronglyConvex,
)
from jaxmath.verify.proof import CURVED, Box, centre

SLACK = 2.0**-20
"""A constant is proven up to this share of it, since a bound that is attained has no margin."""
TINY = 2.0**-1022
"""A sign is proven up to the smallest normal number: float64 knows no smaller slope."""


class Inequality:
    """One fact of one formula, at one set of labels; `places` are the coordinates that range."""

    def __init__(self, formula: Formula, fact: Fact, args, places, names: list[str]):
        self.fact, self.names = fact, names
        self.own = [j for j, name in enumerate(names) if name == fact.argument]
        self.sign = -1 if isinstance(fact, Concave | Decreasing) else 1
        boxed = functools.partial(Boxed, args=args, places=places)
        self.function = boxed(formula.fn)
        self.constant = None
        if isinstance(fact, Lipschitz | Smooth | StronglyConvex):
            given = fact.constant
            constant = given if callable(given) else lambda *_: np.float64(given)
            self.constant = boxed(constant)
        self.level = 2 if isinstance(fact, CURVED) else 1
        self.routes = [(self.function, 0)]
        partial = formula.partials.get(fact.argument)
        if partial is not None:
            self.routes.append((boxed(partial), 1))

    @property
    def runs(self) -> int:
        """How often a program was evaluated so far, along one direction each time."""
        return sum(boxed.runs for boxed, _ in self.routes)

    def margin(self, box: Box) -> tuple[float, bool]:
        """At least by how much the fact holds on a box, and whether the closed form says so."""
        best = -math.inf
        for boxed, done in self.routes:
            try:
                best = max(best, self._margin(boxed, done, box))
            except (*LOST, Missing):
                continue
            if best >= 0:
                return best, done > 0
        return best, False

    def _margin(self, boxed: Boxed, done: int, box: Box) -> float:
        """The margin by a program that is the derivative of order `done` of the function."""
        level = self.level - done
        found = -math.inf
        if len(box) > 1 or level == 0:
            found = self._natural_or_mean(boxed, done, box, level, self.pairs(level, False))
        if found < 0 and (level < 2 or len(box) == 1):
            mean = self._natural_or_mean(boxed, done, box, level + 1, self.pairs(level, True))
            found = max(found, mean)
        return found

    def pairs(self, level: int, mean: bool) -> list[tuple[int, int]]:
        """The pairs of coordinates in which derivatives are asked for."""
        own, n = self.own, len(self.names)
        single = [(j, j) for j in (range(n) if mean else own)]
        if level == 2:
            return [(j, j) for j in own] + [(j, k) for j in own for k in own if j < k]
        if level == 1 and mean:
            both = {(min(j, k), max(j, k)) for j in own for k in range(n) if j != k}
            return single + sorted(both)
        return single

    def _natural_or_mean(self, boxed: Boxed, done: int, box: Box, order: int, pairs) -> float:
        """The margin by enclosures of this order, which is one more for the mean value form."""
        level, point = self.level - done, centre(box)
        worst, middle, away = math.inf, None, []
        branches = boxed.branches(box, order, pairs)
        for choices, local in branches:
            if order > level:
                middle = boxed.local(point, order - 1, choices, pairs)
                with working(Work(128)):
                    away = [
                        between(*ends) - arb(x) for ends, (x, _) in zip(box, point, strict=True)
                    ]
                    local = _refined(local, middle, away)
            if done:
                local = self._lifted(local)
                middle = middle and self._lifted(middle)
            for chosen, bound in self._bounds(box):
                known = self.constant.local(point, 0, chosen) if self.constant else None
                still = isinstance(self.fact, Convex | Concave) and self._still(
                    boxed, level, box, choices
                )
                with working(Work(128)):
                    found = self._lowest(local, middle, bound, known, away, still)
                worst = min(worst, found)
        if len(branches) > 1 and level == 2 and worst >= 0:
            worst = min(worst, self._seams(boxed, box))
        return worst

    def _still(self, boxed: Boxed, level: int, box: Box, choices) -> bool:
        """Whether the gradient is the same along (1, ..., 1), as that of a softmax: H 1 = 0."""
        if len(self.own) == 1:
            return False
        rows = boxed.along(box, dict.fromkeys(self.own, 1), level, choices)
        zero = all(row[level].is_zero() for row in rows)
        return zero and all(row[k].is_exact() for row in rows for k in range(1, level))

    def _bounds(self, box: Box):
        """The branches of the constant."""
        if self.constant is None:
            return [({}, None)]
        return self.constant.branches(box, 1, [(j, j) for j in range(len(box))])

    def _lifted(self, local: Local) -> Local:
        """Enclosures of a function's derivatives by those of its partial in the argument."""
        n = len(self.names)
        if len(local.values) != len(self.own):
            raise ValueError("A partial has the shape of its argument.")
        slopes: list[Any] = [arb.nan()] * n
        bends: list[list[Any]] = [[arb.nan()] * n for _ in range(n)]
        for row, j in enumerate(self.own):
            slopes[j] = local.values[row]
            if local.slopes:
                bends[j] = local.slopes[row]
        return Local([arb.nan()], [slopes], [bends], [])

    def _lowest(self, local: Local, middle, bound, known, away, still: bool) -> float:
        own, s = self.own, self.sign
        if isinstance(self.fact, Increasing | Decreasing):
            return min(_low(row[j] * s + TINY) for row in local.slopes for j in own)
        matrix = self.matrix(local)
        if isinstance(self.fact, Convex | Concave):
            kept = len(own) - still  # of a matrix with M 1 = 0 the rest has the sign of the whole
            return _low(_lowest_eigenvalue([[x * s for x in row[:kept]] for row in matrix[:kept]]))
        limit, room = bound.values[0], bound.values[0] * (1 + SLACK)
        if isinstance(self.fact, StronglyConvex):
            return _low(_lowest_eigenvalue(_shifted(matrix, 1, limit * (SLACK - 1))))
        if len(own) == 1 and len(local.values) == 1:
            # L - s D in the mean value form: terms that are the same in L and D cancel.
            j, least = own[0], math.inf
            first = isinstance(self.fact, Lipschitz)
            plain_slope = local.slopes[0][j] if first else local.bends[0][j][j]
            for s in (1, -1):
                plain = _low(room - s * plain_slope)
                if first and middle is not None:
                    rows = local.bends[0][j]
                    mean = known.values[0] - s * middle.slopes[0][j] + limit * SLACK
                    for slope, row, step in zip(bound.slopes[0], rows, away, strict=True):
                        mean += (slope - s * row) * step
                    plain = max(plain, _low(mean))
                least = min(least, plain)
            return least
        norm = _low(room - _norm(matrix, isinstance(self.fact, Smooth)))
        if norm >= 0 or isinstance(self.fact, Lipschitz):
            return norm
        return min(_low(_lowest_eigenvalue(_shifted(matrix, sign, room))) for sign in (1, -1))

    def matrix(self, local: Local):
        """The Jacobian or, of facts of second order, the Hessian, in the argument."""
        own = self.own
        if self.level == 1:
            return [[row[j] for j in own] for row in local.slopes]
        if len(local.bends) > 1:
            raise ValueError("Facts of second order need one result.")
        bends = local.bends[0]
        return [[(bends[i][j] + bends[j][i]) / 2 for j in own] for i in own]

    def _seams(self, boxed: Boxed, box: Box) -> float:
        """What the second derivative holds on the seams of branches has to have the sign."""
        worst = math.inf
        for kind, moved in boxed.seams(box):
            if isinstance(self.fact, Smooth):
                worst = min(worst, 0.0 if moved[0].is_zero() else -math.inf)
            else:
                worst = min(worst, _low(moved[0] * (kind * self.sign) + TINY))
        return worst


def total(terms) -> Any:
    """The sum of balls."""
    return sum(terms, ZERO)


def _low(ball) -> float:
    """A float below a ball; minus infinity if nothing is known."""
    if not ball.is_finite():
        return -math.inf
    if ball >= 0:
        return max(float(ball.lower()), 0.0)
    return min(float(ball.lower()), -math.ulp(0.0))


def _both(a, b):
    """What two enclosures of one number leave of it."""
    return a.intersection(b) if b.is_finite() and a.overlaps(b) else a


def _mean(middle, row, away):
    """A function in a box by its value in the middle and its slopes in the box."""
    return middle + total(b * step for b, step in zip(row, away, strict=True))


def _refined(local: Local, middle: Local, away) -> Local:
    """The enclosures within those of the mean value theorem, about the middle of the box."""
    slopes, bends = local.slopes, local.bends
    if local.thirds:
        bends = [
            [[_both(b[0][0], c[0][0] + third * away[0])]]
            for b, c, third in zip(bends, middle.bends, local.thirds, strict=True)
        ]
    elif not middle.slopes:
        values = [
            _both(x, _mean(c, row, away))
            for x, c, row in zip(local.values, middle.values, slopes, strict=True)
        ]
        return local._replace(values=values)
    elif not middle.bends:
        slopes = [
            [_both(x, _mean(c, row, away)) for x, c, row in zip(xs, cs, rows, strict=True)]
            for xs, cs, rows in zip(slopes, middle.slopes, bends, strict=True)
        ]
    return local._replace(slopes=slopes, bends=bends)


def _shifted(matrix, sign: int, shift):
    """The matrix, or its opposite, with something added to its diagonal."""
    return [[sign * x + shift * (i == j) for j, x in enumerate(r)] for i, r in enumerate(matrix)]


def _norm(matrix, symmetric: bool):
    """A bound of the spectral norm: Frobenius's, of symmetric ones the largest row as well."""
    frobenius = total(x * x for row in matrix for x in row)
    frobenius = frobenius.max(ZERO).sqrt()
    if not symmetric:
        return frobenius
    rows = [total(abs(x) for x in row) for row in matrix]
    return frobenius.min(functools.reduce(lambda a, b: a.max(b), rows))


def _lowest_eigenvalue(matrix):
    """A number that is negative if an eigenvalue is; its sign is that of the lowest eigenvalue.

    The matrix is scaled and turned into the eigenvectors of its middle, where Gershgorin's discs
    hardly overlap: a congruence, which keeps the signs of eigenvalues (Sylvester).
    """
    n = len(matrix)
    matrix = [[x + TINY if i == j else x for j, x in enumerate(r)] for i, r in enumerate(matrix)]
    if n == 1:
        return matrix[0][0]
    sizes = [abs(matrix[i][i]).upper() for i in range(n)]
    scale = [1 / s.sqrt() if s > 0 else arb(1) for s in sizes]
    scaled = [[scale[i] * matrix[i][j] * scale[j] for j in range(n)] for i in range(n)]
    middle = np.array([[float(x.mid()) for x in row] for row in scaled])
    if not np.isfinite(middle).all():
        return arb.nan()
    turn = [[arb(v) for v in row] for row in np.linalg.eigh((middle + middle.T) / 2)[1].tolist()]
    cells = range(n)
    discs = [
        [total(turn[k][i] * scaled[k][m] * turn[m][j] for k in cells for m in cells) for j in cells]
        for i in cells
    ]
    ends = [
        row[i] - total(abs(x) for j, x in enumerate(row) if j != i) for i, row in enumerate(discs)
    ]
    lowest = functools.reduce(lambda a, b: a.min(b), ends)
    # Were the turn not invertible, the turned matrix would be singular and no disc beyond zero.
    return lowest if lowest > 0 or not lowest >= 0 else arb.nan()
