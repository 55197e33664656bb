r"""Derivatives enclosed over whole boxes: every point of the box, in one evaluation.

The coordinates of a box are wide balls, and power series along directions enclose the derivatives
of a program at all points of the box together. Where a maximum, minimum or absolute value is open
on the box, the program is a continuous function glued of smooth branches, which are evaluated one
by one, each over the whole box. Almost everywhere its derivatives are those of a branch; what its
second derivative holds beside them, on the seam itself, is a positive multiple of the derivative
of the result by the maximum (`seams`): with a mollified maximum,
$D^2 \max(a, b) = \text{that of a branch} + \lambda\, (Da - Db)^2$ with $\lambda \ge 0$.

Any other comparison that is open leaves the box undecided. Source: Neumaier, Interval Methods for
Systems of Equations, chapters 1 and 2 (natural and mean value enclosures).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax

from jaxmath.exact.ball import UNKNOWN, arb, arb_series, between
from jaxmath.exact.ieee import Special
from jaxmath.exact.jet import Jet
from jaxmath.exact.own import TWINS
from jaxmath.exact.program import Program, flat_elements, replaced, trace
from jaxmath.exact.rules_box import ON_BOXES, SOUND_NOTES, STANDARDIZED, Branch, OnBox, series_of
from jaxmath.exact.work import MoreTerms, Ramified, Undecided, Work, working

MOST_OPEN = 4
"""Boxes on which more comparisons are open are left to be divided."""


LOST = (Undecided, MoreTerms, Ramified, ValueError, ZeroDivisionError)


class Local(NamedTuple):
    """Enclosures over a box, of one smooth branch of a program with m flat results.

    `values[i]`, `slopes[i][j]` and `bends[i][j][k]` enclose the results and their first and second
    partial derivatives; `thirds[i]` the third derivative where there is one coordinate only.
    """

    values: list[Any]
    slopes: list[list[Any]]
    bends: list[list[list[Any]]]
    thirds: list[Any]


class Boxed:
    """A program at arguments of which some coordinates range over boxes.

    `places` are those coordinates, (argument, element); `runs` counts evaluations along one
    direction, the measure of work. `Missing` is raised by an
    evaluation whose primitives are not sound on boxes.
    """

    def __init__(self, fn: Callable[..., Any], args: tuple[Any, ...], places):
        with jax.enable_x64(True):
            twins = (STANDARDIZED, *TWINS)
            self.program: Program = trace(fn, *args, rules=ON_BOXES, twins=twins)
            self.start = self.program.values(args)
        self.places = list(places)
        self.runs = 0

    def branches(self, box, order: int, pairs) -> list[tuple[dict[int, int], Local]]:
        """The smooth branches over a box, each with its choices; `Undecided` if there are others.

        A box is a list of (low, high), floats, one for each coordinate; `pairs` as in `local`.
        """
        found, waiting = [], [{}]
        while waiting:
            choices = waiting.pop()
            try:
                found.append((choices, self.local(box, order, choices, pairs)))
            except Branch as fork:
                if len(choices) >= MOST_OPEN:
                    raise Undecided from fork
                waiting += [{**choices, fork.number: side} for side in (-1, 1)]
        return found

    def local(self, box, order: int, choices: Mapping[int, int], pairs=()) -> Local:
        """The enclosures of one branch, to an order of 0 to 3; beyond 2 of one coordinate only.

        `pairs` of coordinates are those whose second derivatives are asked for, (j, j) for the
        first and second derivative in j; what is not asked for is unknown.
        """
        n = len(self.places)
        if order == 0:
            return Local([r[0] for r in self._along(box, {}, 0, choices)], [], [], [])
        scale = [_scale(low, high) for low, high in box]
        moving = sorted({j for pair in pairs for j in pair})
        unit = {j: self._along(box, {j: scale[j]}, order, choices) for j in moving}
        first = unit[moving[0]]
        m = len(first)
        values = [row[0] for row in first]
        slopes = [[UNKNOWN] * n for _ in range(m)]
        bends = [[[UNKNOWN] * n for _ in range(n)] for _ in range(m)] if order > 1 else []
        for i in range(m):
            for j in moving:
                slopes[i][j] = unit[j][i][1] / scale[j]
                if order > 1:
                    bends[i][j][j] = unit[j][i][2] / scale[j] ** 2
        for j, k in pairs if order > 1 else ():
            if j != k:  # D_uv = (D_(u+v) - D_u - D_v) / 2
                both = self._along(box, {j: scale[j], k: scale[k]}, 2, choices)
                for i in range(m):
                    mixed = (both[i][2] - unit[j][i][2] - unit[k][i][2]) / 2
                    bends[i][j][k] = bends[i][k][j] = mixed / (scale[j] * scale[k])
        thirds = [row[3] / scale[0] ** 3 for row in first] if order > 2 and n == 1 else []
        return Local(values, slopes, bends, thirds)

    def along(self, box, speeds: Mapping[int, Any], order: int, choices: Mapping[int, int]):
        """For each flat result its value and its derivatives along a direction."""
        return self._along(box, {j: arb(v) for j, v in speeds.items()}, order, choices)

    def _along(self, box, speeds, order, choices):
        with working(work := OnBox(order + 1, choices)):
            found = [_terms(e, order) for e in self._run(box, speeds, order + 1)]
        _check(work)
        return found

    def _run(self, box, speeds, terms):
        self.runs += 1
        changes = {}
        for j, (place, (low, high)) in enumerate(zip(self.places, box, strict=True)):
            ball = between(low, high)  # one object for each coordinate: no other one is equal to it
            moves = j in speeds
            changes[place] = Jet(arb_series([ball, speeds[j]], terms)) if moves else ball
        with jax.enable_x64(self.program.x64):
            machine = self.program.machine()
            return flat_elements(machine(*replaced(self.start, changes)), self.program.outputs)

    def seams(self, box) -> list[tuple[int, list[Any]]]:
        """For each open maximum (1) or minimum (-1) how each result moves with it.

        The enclosures hold with the maximum mollified, at all points of the box.
        """
        with working(work := OnBox(2, {}, probe=-1)):
            self._run(box, {}, 2)
        _check(work)
        found = []
        for number, kind in work.opened.items():
            with working(probed := OnBox(2, {}, probe=number)):
                moved = [_terms(e, 1)[1] for e in self._run(box, {}, 2)]
            _check(probed)
            found.append((kind, moved))
        return found


def _check(work: Work) -> None:
    if set(work.notes) - SOUND_NOTES or work.singular:
        raise Undecided


def _scale(low: float, high: float):
    """A power of two of the size of a coordinate."""
    size = max(abs(low), abs(high))
    return arb(2) ** (math.frexp(size)[1] if size else 0)


def _terms(element, order: int) -> list[Any]:
    """The value and the derivatives of a result; `Undecided` if one of them is not finite."""
    if type(element) is Special:
        raise Undecided
    series = series_of(element)
    found = [series[k] * math.factorial(k) for k in range(order + 1)]
    if not all(x.is_finite() for x in found):
        raise Undecided
    return found
