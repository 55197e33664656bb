"""The truth of one function at points: values and derivatives in exact arithmetic."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxmath.exact import Number, derivatives, evaluate, trace
from jaxmath.exact.ball import arb
from jaxmath.exact.directional import Derivatives
from jaxmath.exact.enclosure import digits, narrow, unit
from jaxmath.exact.program import Truth
from jaxmath.exact.work import Proof, Work, working
from jaxmath.formula import Formula
from jaxmath.verify import probes
from jaxmath.verify.flat import Layout, ends, layout, places
from jaxmath.verify.reference import numerical

SECONDS, PATIENCE = 0.25, 3.0
"""What one direction at one point may take, and where it matters."""

KNOWN = ("proven", "estimated")
"""The proofs of a number that counts as known."""

CANCELLED = 2048
"""Bits beyond those of the dtype for a mixed derivative that is small beside the others."""

MOST = 6
"""Of how many other coordinates the conditioning is asked."""


@dataclass(frozen=True)
class Second:
    """A second derivative of each flat result from both sides, and how the function behaves."""

    right: list[Number]
    left: list[Number]
    behaviour: list[str]
    kink_order: list[int]
    notes: Mapping[str, Any]


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
        self.places = places(formula, lay, point)
        self.width = len(self.program.coordinates())
        # What is not differentiated is rounded all the same: its coordinates come after the others.
        fixed = tuple(name for name in formula.differentiable if name not in lay.wrt)
        lays = [lay, layout(formula, fixed)] if fixed else [lay]
        self.inputs = [place for part in lays for place in places(formula, part, point)]
        both = [ends(formula, part) for part in lays]
        self.low, self.high = (np.concatenate(part) for part in zip(*both, strict=True))
        self.dtype = np.result_type(*(a.dtype for a in self.program.outputs))
        self.seconds, self.deadline = SECONDS, math.inf

    def patient(self) -> Truths:
        """The same with more time for each question."""
        other = copy.copy(self)
        other.seconds = PATIENCE
        return other

    def known(self, point) -> bool:
        """Whether any value is known; of a function without values no slopes are asked."""
        found = evaluate(self.program, point, budget=self._budget()).flat
        return any(n.proof in KNOWN for n in found)

    def along(self, point, columns, stop: bool = False, of: Truth = "meaning") -> Derivatives:
        """The value and the first derivatives along some coordinates."""
        return self._ask(point, [[(column, 1.0)] for column in columns], 1, stop, of)

    def second(self, point, i: int, j: int, stop: bool = False, of: Truth = "meaning") -> Second:
        """The derivative in coordinates i and j; mixed ones by D_(u+v) - D_(u-v) = 4 D_uv."""
        if i == j:
            found = self._ask(point, [[(i, 1.0)]], 2, stop, of)
            right, left = (list(terms[2, 0]) for terms in (found.right, found.left))
            behaviour, kinks = found.behaviour[0].tolist(), found.kink_order[0].tolist()
            return Second(right, left, behaviour, kinks, found.notes)
        theta = self._floats(point, self.inputs).astype(np.float64)
        ordinary = np.where(np.isfinite(theta) & (theta != 0), theta, 1.0)
        scale = np.ldexp(1.0, np.frexp(ordinary)[1] - 1)  # each moves in proportion to its size
        u, v = float(scale[i]), float(scale[j])
        for extra in (0, CANCELLED):
            moves = [[(i, u), (j, v)], [(i, u), (j, -v)]]
            found = self._ask(point, moves, 2, stop, of, extra)
            right, left = (_mixed(terms[2], u, v) for terms in (found.right, found.left))
            if all(_narrow(n, self.dtype) for n in (*right, *left)):
                break
        behaviour = [_together(column) for column in found.behaviour.T]
        kinks = [min((k for k in column if k), default=0) for column in found.kink_order.T]
        return Second(right, left, behaviour, kinks, found.notes)

    def number(
        self, point, columns: Sequence[int], result: int, stop: bool = False, of: Truth = "meaning"
    ) -> tuple[Number, Mapping[str, Any]]:
        """The value, or the derivative in one or two coordinates, and what was noticed."""
        if len(columns) == 2:
            second = self.second(point, columns[0], columns[1], stop, of)
            return second.right[result], second.notes
        found = self.along(point, columns or [0], stop, of)
        return (found.right[1, 0, result] if columns else found.value.flat[result]), found.notes

    def _ask(self, point, moves, order, stop, of: Truth, extra: int = 0) -> Derivatives:
        rows = np.zeros((len(moves), self.width))
        for row, pairs in zip(rows, moves, strict=True):
            for column, speed in pairs:
                row[self.inputs[column]] = speed
        return derivatives(
            self.program, point, rows, order, of, stop or self.stopped,
            budget=self._budget(), extra=extra,
        )  # fmt: skip

    def _budget(self) -> float:
        """What one direction may take: no more than is left until the deadline."""
        return max(min(self.seconds, self.deadline - time.thread_time()), 0.0)

    def estimated(self, point, column: int, result: int) -> tuple[float, float]:
        """A first derivative by differences of floats, and how sure it is: for what is no function
        of real numbers.
        """
        args = dict(zip(self.formula.arguments, point, strict=True))
        args = jax.tree.map(lambda leaf: np.asarray(leaf)[None], args)
        first, _ = numerical(self.formula, args, self.lay.wrt, False)
        return float(first.value[0, result, column]), float(first.error[0, result, column])

    # How much the rounding of the inputs moves a number.

    def conditioning(self, point, columns: Sequence[int], result: int, number: Number):
        """Sum over j of |dg/dx_j| ulp(x_j) / 2 of the value or a first derivative g; None if it is
        not known, as of second derivatives.
        """
        if len(columns) == 2:
            return None
        theta, least, most = self._floats(point, self.inputs), arb(0), arb(0)
        for j in self._near(columns):
            if columns:
                slopes = [self.second(point, columns[0], j).right[result]]
            else:
                found = self.along(point, [j])
                slopes = [found.right[1, 0, result], found.left[1, 0, result]]
            largest = _largest(slopes)
            if largest is None:
                return None
            with working(Work(192)):
                least = least + largest.lower() * _half(theta[j])
                most = most + largest.upper() * _half(theta[j])
        with working(Work(192)):
            sure = most <= 2 * least + unit(number.value, self.dtype)
        return most if sure else None

    def spread(self, point, columns: Sequence[int], result: int, number: Number):
        """Sum over j of half of what a number changes by at most when x_j is the next float; None
        if it is not known.

        The same as the conditioning where the function is smooth between floats; it goes through
        kinks and jumps, which are as near as the input is known.
        """
        total = arb(0)
        for j in self._near(columns):
            others = [
                other
                for near in self._next_floats(point, j)
                for other in self._both_sides(near, columns, result)
            ]
            with working(Work(192)):
                gaps = [
                    Number(n.value - number.value, n.proof, n.digits) if type(n.value) is arb else n
                    for n in others
                ]
                largest = _largest(gaps)
                if largest is None and others:
                    return None
                total = total + (arb(0) if largest is None else largest.upper()) / 2
        return total

    def _near(self, columns) -> list[int]:
        """The coordinates themselves, and some of the others."""
        others = [j for j in range(len(self.inputs)) if j not in columns]
        return [*dict.fromkeys(columns), *others[:: -(-len(others) // MOST) or 1]]

    def _both_sides(self, point, columns, result) -> Iterable[Number]:
        if len(columns) == 2:
            second = self.second(point, columns[0], columns[1])
            return second.right[result], second.left[result]
        found = self.along(point, columns or [0])
        if not columns:
            return (found.value.flat[result],)
        return found.right[1, 0, result], found.left[1, 0, result]

    def _next_floats(self, point, column: int) -> Iterable[Any]:
        """The point with one coordinate a float lower, and a float higher, within the domain."""
        x = self._floats(point, self.inputs[column : column + 1])
        tiny = float(jnp.finfo(x.dtype).tiny)
        for step in (-1, 1):
            moved = probes.of_bits(probes.bits_of(x) + step, x.dtype)
            moved = np.where(np.abs(moved) < tiny, step * tiny * (x == 0), moved).astype(x.dtype)
            if self.low[column] <= moved[0] <= self.high[column] and np.isfinite(moved[0]):
                yield self._with(point, self.inputs[column], moved[0])

    @staticmethod
    def _with(point, place: int, x):
        leaves, tree = jax.tree.flatten(tuple(point))
        start = 0
        for k, leaf in enumerate(leaves):
            if _floating(leaf):
                flat = np.array(leaf).ravel()
                if start <= place < start + flat.size:
                    flat[place - start] = x
                    leaves[k] = flat.reshape(np.shape(leaf))
                start += flat.size
        return jax.tree.unflatten(tree, leaves)

    def theta(self, point) -> np.ndarray:
        """The coordinates of a point."""
        return self._floats(point, self.places)

    def _floats(self, point, places: Sequence[int]) -> np.ndarray:
        flat = [np.asarray(leaf).ravel() for leaf in jax.tree.leaves(point) if _floating(leaf)]
        return np.concatenate(flat)[np.array(places)].astype(self.dtype)

    def side(self, point, column: int) -> int:
        """1 at the lower end of the domain, -1 at the upper: what lies outside is not judged."""
        x = float(self.theta(point)[column])
        return 1 if x == self.low[column] else (-1 if x == self.high[column] else 0)


def _mixed(terms, u: float, v: float) -> list[Number]:
    """D_uv from second derivatives along u + v and u - v."""
    found = []
    for plus, minus in zip(*terms, strict=True):
        if type(plus.value) is not arb or type(minus.value) is not arb:
            found.append(Number(arb.nan(), "undecided", 0.0))
            continue
        with working(Work(4 * CANCELLED)):
            value = (plus.value - minus.value) / (4 * arb(u) * arb(v))
        order: tuple[Proof, ...] = ("undecided", "assumed", "estimated", "proven")
        proof: Proof = next(p for p in order if p in (plus.proof, minus.proof))
        found.append(Number(value, proof, digits(value)))
    return found


def _narrow(number: Number, dtype) -> bool:
    info = jnp.finfo(dtype)
    return narrow(number.value, int(info.nmant) + 7, arb(2) ** int(info.minexp))


def _together(behaviour: Iterable[str]) -> str:
    """How a function behaves in several directions at once: as in the worst of them."""
    every = list(behaviour)
    worst = ("undefined", "undecided", "jump", "end", "kink", "smooth")
    return min(every, key=worst.index)


def _largest(numbers: Iterable[Number]):
    known = [n.value for n in numbers if n.proof in KNOWN]
    sizes = [abs(v) for v in known if type(v) is arb and v.is_finite()]
    return max(sizes, key=lambda v: float(v.upper())) if sizes else None


def _half(x):
    return arb(float(np.spacing(np.abs(x)))) / 2 if np.isfinite(x) else arb(0)


def _floating(leaf) -> bool:
    return jnp.issubdtype(jnp.asarray(leaf).dtype, jnp.floating)
