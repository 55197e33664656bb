"""Derivatives enclosed by exact arithmetic: what judges where python-flint is installed.

The function is traced in the dtype of the points and evaluated in balls (`jaxmath.exact`),
approximate series taken for what they mean. Where a point defeats the balls, differences at high
precision answer, and the entry is "estimated"; where neither decides, its bar is infinite. A
function that holds a primitive without a rule is left to the numerical reference, and the report
says so.
"""

from __future__ import annotations

import functools
import importlib.util
import itertools
import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxmath.formula import Formula
from jaxmath.verify.flat import Layout, ends, layout, places
from jaxmath.verify.reference import MOST, Estimate, Reference, numerical

SECONDS = 0.3
"""What one direction at one point may take."""

WORK = 4e5
"""How many elementary operations are spent on one formula before points ask for less."""

PAIRED = 4
"""Of so many points one is asked for a pair of coordinates, however long the program is."""

UNASKED, PROVEN, ESTIMATED, OPEN = range(4)
"""The entries of `Estimate.proof`."""


@dataclass(frozen=True)
class Proven:
    """Enclosures of the derivatives of a function, in the dtype of the points."""

    name: str = "proven"

    def __call__(self, formula: Formula, args, wrt=None, seconds=True):
        """Enclose first and, if asked for, second derivatives."""
        from jaxmath.exact import Missing

        with jax.enable_x64(True), np.errstate(all="ignore"):
            try:
                return _Points(formula, args, layout(formula, wrt), seconds).enclosed()
            except Missing:
                return numerical(formula, args, wrt, seconds)


@functools.lru_cache
def best() -> Reference:
    """The exact reference where python-flint is installed, the numerical one elsewhere."""
    return Proven() if importlib.util.find_spec("flint") else numerical


class _Points:
    """One formula at many points: which directions each is asked for, and what they answer."""

    def __init__(self, formula: Formula, args, lay: Layout, seconds: bool):
        from jaxmath import exact
        from jaxmath.exact.own import TWINS

        self.formula, self.lay, self.seconds = formula, lay, seconds
        self.args = [args[name] for name in formula.arguments]
        twins = TWINS
        if formula.twin is not None:
            own = formula.fn.__name__.lstrip("_")
            twins = (exact.Twin(own, formula.twin), *TWINS)
        self.program = exact.trace(formula.fn, *self._at(0), twins=twins)
        self.places = places(formula, lay, self._at(0))
        self.theta, _ = lay.flatten(args)
        self.low, self.high = ends(formula, lay)
        self.outputs = sum(int(np.prod(aval.shape, dtype=int)) for aval in self.program.outputs)

    def _at(self, point: int) -> tuple[Any, ...]:
        return tuple(jax.tree.map(lambda leaf: leaf[point], arg) for arg in self.args)

    def enclosed(self) -> tuple[Estimate, Estimate | None]:
        """The enclosures at all points."""
        points, size = self.theta.shape
        centre = np.full((points, self.outputs), np.nan)
        first = _unasked((points, self.outputs, size), centre)
        second = _unasked((points, self.outputs, size, size), centre) if self.seconds else None
        most = self._most(points)
        for point in range(points):
            asked, pairs = self._asked(point, size, most)
            found = self._directions(point, asked, pairs)
            values = found.derivatives.value.flat
            centre[point] = [math.nan if n.proof == "undecided" else float(n) for n in values]
            for place, j in enumerate(asked):
                side = self._side(point, j)
                for r in range(self.outputs):
                    terms = found.at(place, r)
                    _fill(first, (point, r, j), terms.of(1, side))
                    if second is not None:
                        _fill(second, (point, r, j, j), terms.of(2, side))
            if second is not None:
                self._mixed(second, point, asked, pairs, found)
        return first, second

    def _most(self, points: int) -> int:
        """How many coordinates a point is asked for."""
        each = WORK / points / max(self.program.operations, 1)
        return int(np.clip(each / (2 if self.seconds else 1), 1, MOST))

    def _asked(self, point: int, size: int, most: int):
        """The coordinates and pairs of them that a point is asked for: all, or in turns."""
        chance = np.random.default_rng(point)
        if self.seconds and most < size and point % PAIRED == 0:
            asked = self._two(point // PAIRED, chance)
        elif size <= most:
            asked = list(range(size))
        else:
            asked = sorted(chance.permutation(size)[:most].tolist())
        pairs = list(itertools.combinations(range(len(asked)), 2))
        if len(pairs) > max(most, 1):
            chosen = chance.permutation(len(pairs))[:most]
            pairs = [pairs[k] for k in sorted(chosen.tolist())]
        return asked, pairs

    def _two(self, turn: int, chance) -> list[int]:
        """Coordinates of two arguments, of each two in turn: chance would leave some out."""
        names = self.lay.wrt
        both = list(itertools.combinations(names, 2)) or [(names[0], names[0])]
        taken: list[int] = []
        for name in both[turn % len(both)]:
            own = range(self.lay.size)[self.lay.columns(name)]
            taken.append(int(chance.choice([j for j in own if j not in taken])))
        return sorted(taken)

    def _directions(self, point, asked, pairs) -> _Found:
        from jaxmath.exact import derivatives

        # Mixed derivatives by directions that move each coordinate in proportion to its size.
        size = np.abs(self.theta[point].astype(np.float64))
        scale = np.ldexp(1.0, np.frexp(np.where(size > 0, size, 1.0))[1] - 1)
        rows = [{j: 1.0} for j in asked]
        if self.seconds:
            rows += [{asked[a]: scale[asked[a]], asked[b]: scale[asked[b]]} for a, b in pairs]
        matrix = np.zeros((len(rows), len(self.program.coordinates())))
        for row, moves in zip(matrix, rows, strict=True):
            for j, speed in moves.items():
                row[self.places[j]] = speed
        order = 2 if self.seconds else 1
        found = derivatives(self.program, self._at(point), matrix, order, budget=SECONDS)
        return _Found(found, scale)

    def _side(self, point: int, j: int) -> int:
        """1 at the lower end of the domain, -1 at the upper: what lies outside is not judged."""
        x = float(self.theta[point, j])
        return 1 if x == self.low[j] else (-1 if x == self.high[j] else 0)

    def _mixed(self, second: Estimate, point, asked, pairs, found: _Found) -> None:
        for k, (a, b) in enumerate(pairs):
            i, j = asked[a], asked[b]
            for r in range(self.outputs):
                parts = [
                    found.at(place, r).smooth(self._side(point, i) or self._side(point, j))
                    for place in (len(asked) + k, a, b)
                ]
                result = _polarised(parts, float(found.scale[i]), float(found.scale[j]))
                _fill(second, (point, r, i, j), result)
                _fill(second, (point, r, j, i), result)


class _Found(NamedTuple):
    """What the directions at a point answered, and the scale of each coordinate."""

    derivatives: Any
    scale: np.ndarray

    def at(self, place: int, r: int) -> _Terms:
        d = self.derivatives
        return _Terms(d.value.flat[r], d.right[:, place, r], d.left[:, place, r])


class _Answer(NamedTuple):
    """A derivative and both one-sided ones, each a `Number` or None where it is not known.

    `none` says that there is no derivative, since one of a lower order jumps.
    """

    value: Any
    left: Any
    right: Any
    none: bool = False


class _Terms(NamedTuple):
    """Value, right and left limits and derivatives of one result along one direction."""

    value: Any
    right: np.ndarray
    left: np.ndarray

    def of(self, order: int, side: int) -> _Answer:
        """The derivative of an order, from one side only if `side` is not 0."""
        right, left = _known(self.right[order]), _known(self.left[order])
        if side:
            chosen = right if side > 0 else left
            return _Answer(chosen, None, None)
        if self.right[order] is self.left[order]:
            return _Answer(right, right, right)
        if _nan(self.right[0]) != _nan(self.left[0]):  # the end of the function itself
            return _Answer(left if _nan(self.right[0]) else right, None, None)
        if right is None or left is None:
            return _Answer(None, None, None)
        if self._breaks(order):
            return _Answer(None, None, None, none=True)
        return _Answer(right if right.overlaps(left) else None, left, right)

    def _breaks(self, order: int) -> bool:
        """Whether the value or a derivative before this one jumps."""
        limits = self.value.overlaps(self.right[0]) and self.value.overlaps(self.left[0])
        return not limits or any(not self.right[k].overlaps(self.left[k]) for k in range(1, order))

    def smooth(self, side: int):
        """The second derivative, None where one before it jumps."""
        return self.of(2, side).value


def _known(number):
    return number if number.proof in ("proven", "estimated") else None


def _nan(number) -> bool:
    value = getattr(number.value, "value", 0.0)
    return isinstance(value, float) and value != value


def _polarised(parts, one: float, two: float) -> _Answer:
    """D_uv from the second derivatives along u + v, u and v; `one`, `two` are their lengths."""
    from jaxmath.exact import Number
    from jaxmath.exact.ball import arb
    from jaxmath.exact.work import Work, working

    if any(p is None or type(p.value) is not arb for p in parts):
        return _Answer(None, None, None)
    both, first, second = (p.value for p in parts)
    with working(Work(256)):
        s, t = arb(one), arb(two)
        value = (both - first * s * s - second * t * t) / (2 * s * t)
    sure = all(p.proof == "proven" for p in parts)
    return _Answer(Number(value, "proven" if sure else "estimated", 0.0), None, None)


def _fill(estimate: Estimate, place, answer: _Answer) -> None:
    for number, value, error in (
        (answer.value, estimate.value, estimate.error),
        (answer.left, estimate.left, estimate.left_error),
        (answer.right, estimate.right, estimate.right_error),
    ):
        value[place], error[place] = _float_and_bar(number)
    assert estimate.proof is not None
    if answer.value is not None:
        estimate.proof[place] = PROVEN if answer.value.proof == "proven" else ESTIMATED
    else:
        sides = [n.proof for n in (answer.left, answer.right) if n is not None]
        sure = answer.none or sides == ["proven", "proven"]
        estimate.proof[place] = PROVEN if sure else (ESTIMATED if len(sides) == 2 else OPEN)


def _float_and_bar(number) -> tuple[float, float]:
    """The nearest float64 and how far from it the truth may be."""
    from jaxmath.exact.ball import arb

    if number is None:
        return math.nan, math.inf
    value = float(number.nearest())
    if type(number.value) is not arb:
        return value, math.inf if math.isnan(value) else 0.0
    if not math.isfinite(value):
        return value, 0.0
    return value, float(abs(number.value - arb(value)).upper())


def _unasked(shape, centre) -> Estimate:
    numbers = [np.full(shape, np.nan) for _ in range(6)]
    return Estimate(*numbers, proof=np.zeros(shape, np.int8), centre=centre)
