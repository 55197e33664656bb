"""The truth of one function at points: values and derivatives in exact arithmetic."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from jaxmath.exact import derivatives, evaluate, trace
from jaxmath.exact.ball import arb
from jaxmath.exact.directional import Derivatives
from jaxmath.exact.program import Truth
from jaxmath.exact.work import Work, working
from jaxmath.formula import Formula
from jaxmath.verify.flat import Layout, ends
from jaxmath.verify.proven import _places

SECONDS = 0.25
"""What one direction at one point may take."""

KNOWN = ("proven", "estimated")
"""The proofs of a number that counts as known."""


class Truths:
    """One traced function, and what it is at points.

    Args:
        formula, lay: the function, and which coordinates are differentiated.
        point: one point, for shapes and dtypes.
        twins: what calls inside mean.
        stopped: whether the caller has declared that stop_gradient makes constants.
    """

    def __init__(self, formula: Formula, lay: Layout, point, twins, stopped: bool):
        self.formula, self.lay, self.stopped = formula, lay, stopped
        self.program = trace(formula.fn, *point, twins=twins)
        self.places = _places(formula, lay, point)
        self.width = len(self.program.coordinates())
        self.low, self.high = ends(formula, lay)
        self.dtype = np.result_type(*(a.dtype for a in self.program.outputs))

    def rows(self, *moves) -> np.ndarray:
        """Directions over all coordinates of the program, from (column, speed) pairs for each."""
        rows = np.zeros((len(moves), self.width))
        for row, pairs in zip(rows, moves, strict=True):
            for column, speed in pairs:
                row[self.places[column]] = speed
        return rows

    def along(self, point, columns, stop: bool = False, of: Truth = "meaning") -> Derivatives:
        """The value and the first derivatives along some coordinates."""
        rows = self.rows(*([(column, 1.0)] for column in columns))
        return derivatives(self.program, point, rows, 1, of, stop or self.stopped, budget=SECONDS)

    def known(self, point) -> bool:
        """Whether any value is known; of a function without values no slopes are asked."""
        found = evaluate(self.program, point, budget=SECONDS).flat
        return any(n.proof in KNOWN for n in found)

    def conditioning(self, point, column: int, result: int, order: int):
        """Sum over j of |dg/dx_j| ulp(x_j) / 2 for the value or a first derivative g; or None."""
        size = self.lay.size
        theta = self.theta(point)
        with working(Work(192)):
            total = arb(0)
            if order == 0:
                found = self.along(point, list(range(size)))
                for j in range(size):
                    slope = _steepest(found, 1, j, result)
                    if slope is None:
                        return None
                    total = total + slope * _half(theta[j])
                return total
        mine = self._second(point, [[(column, 1.0)]], result)
        if mine[0] is None:
            return None
        with working(Work(192)):
            total = abs(mine[0]) * _half(theta[column])
        scale = np.ldexp(1.0, np.frexp(np.where(theta == 0, 1.0, theta))[1] - 1)
        others = [j for j in range(size) if j != column]
        if len(others) > 6:
            others = others[:: -(-len(others) // 6)]
        for j in others:
            s, t = float(scale[column]), float(scale[j])
            along = [[(column, s), (j, t)], [(column, s), (j, -t)]]
            up, down = self._second(point, along, result)
            if up is None or down is None:
                return None
            with working(Work(192)):
                total = total + abs((up - down) / (4 * arb(s) * arb(t))) * _half(theta[j])
        return total

    def _second(self, point, directions, result):
        rows = self.rows(*directions)
        found = derivatives(self.program, point, rows, 2, "meaning", self.stopped, budget=SECONDS)
        numbers = found.right[2, :, result]
        return [n.value if n.proof in KNOWN and type(n.value) is arb else None for n in numbers]

    def theta(self, point) -> np.ndarray:
        """The coordinates of a point."""
        flat = [np.asarray(leaf).ravel() for leaf in jax.tree.leaves(point) if _floating(leaf)]
        return np.concatenate(flat)[np.array(self.places)].astype(self.dtype)

    def side(self, point, column: int) -> int:
        """1 at the lower end of the domain, -1 at the upper: what lies outside is not judged."""
        x = float(self.theta(point)[column])
        return 1 if x == self.low[column] else (-1 if x == self.high[column] else 0)


def _steepest(found: Derivatives, order: int, k: int, result: int):
    sides = [found.right[order, k, result], found.left[order, k, result]]
    known = [n.value for n in sides if n.proof in KNOWN]
    balls = [abs(v) for v in known if type(v) is arb]
    return max(balls, key=float) if balls else None


def _half(x):
    return arb(float(np.spacing(np.abs(x)))) / 2 if np.isfinite(x) else arb(0)


def _floating(leaf) -> bool:
    return jnp.issubdtype(jnp.asarray(leaf).dtype, jnp.floating)
