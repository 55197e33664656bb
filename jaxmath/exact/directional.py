"""Derivatives of a traced function at a point: the value, and what each side says."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import jax
import numpy as np

from jaxmath.exact.differences import by_differences
from jaxmath.exact.enclosure import Number, overlap
from jaxmath.exact.ieee import Special, element
from jaxmath.exact.infinity import at_infinity
from jaxmath.exact.points import BUDGET, Value, evaluated
from jaxmath.exact.program import Program, Truth
from jaxmath.exact.sides import Question, Side, at, by_series

Behaviour = Literal["smooth", "kink", "jump", "end", "undefined", "undecided"]


@dataclass(frozen=True)
class Derivatives:
    """The value at a point, and the derivatives along directions from both sides.

    Attributes:
        value: the value, with all real results flat in `value.flat`.
        right, left: arrays of `Number` of shape `(order + 1, directions, results)`: the limit and
            the derivatives for t > 0 and for t < 0 of f(x + t v), both counted along v, so that
            they are equal where f is smooth. An infinite slope is an infinite `Number`.
        behaviour: `(directions, results)`: "smooth" (to the order asked for), "kink" (the sides
            differ in a derivative), "jump" (value and limits differ), "end" (only one side
            exists: the boundary of the domain), "undefined" (NaN, or an infinite value),
            "undecided".
        kink_order: the first order in which the sides differ, 0 if none.
        notes: what was noticed, such as "stop_gradient", "tie assumed", "twin betaln".
    """

    value: Value
    right: np.ndarray
    left: np.ndarray
    behaviour: np.ndarray
    kink_order: np.ndarray
    notes: Mapping[str, Any]

    def derivative(self, order: int = 1) -> np.ndarray:
        """The derivatives of an order from the right, `(directions, results)`: those of a smooth
        function.
        """
        return self.right[order]


def derivatives(
    program: Program,
    args: tuple[Any, ...],
    directions: Any = None,
    order: int = 1,
    truth: Truth = "meaning",
    stop_gradients: bool = False,
    method: Literal["series", "differences"] = "series",
    budget: float = BUDGET,
    extra: int = 0,
) -> Derivatives:
    """Differentiate a traced function at a point along directions.

    Args:
        program: from `trace`.
        args: the point, in the dtypes of the program.
        directions: a matrix `(directions, coordinates)` over all real elements of the arguments in
            their order; None for the unit vectors, that is the whole gradient.
        order: up to which order.
        truth: of the "program" as it is written, or of its "meaning", twins in place.
        stop_gradients: whether stop_gradient makes a constant, as in the program's own derivative;
            by default it is the identity that its value is.
        method: "series" proves, and falls back to differences where it cannot; "differences" is
            the independent check of it.
        budget: processor seconds for each direction, so that a busy machine changes no answer.
        extra: so many bits beyond those of the dtype, for what is subtracted later.
    """
    with jax.enable_x64(program.x64):
        values = program.values(args)
        coordinates = program.coordinates()
        value = evaluated(program, values, truth, time.thread_time() + budget)
        sides = []
        for moves in _moves(directions, coordinates):
            deadline = time.thread_time() + budget
            question = Question(
                program, values, moves, order, truth, stop_gradients, deadline, extra
            )
            sides.append(_both(question, method, len(value.flat)))
    shape = (len(sides), len(value.flat))
    right, left = np.empty((order + 1, *shape), object), np.empty((order + 1, *shape), object)
    behaviour, kinks = np.empty(shape, object), np.zeros(shape, int)
    notes = dict(value.notes)
    for d, (after, before) in enumerate(sides):
        notes |= after.notes
        notes |= before.notes
        for i, number in enumerate(value.flat):
            for k in range(order + 1):
                right[k, d, i], left[k, d, i] = after.terms[i][k], before.terms[i][k]
            behaviour[d, i], kinks[d, i] = judge(
                number, after.terms[i], before.terms[i], after.sided
            )
    return Derivatives(value, right, left, behaviour, kinks, notes)


def _moves(directions, coordinates):
    """For each direction the coordinates that move, and their speeds."""
    if directions is None:
        return [[(c, element(1))] for c in coordinates]
    matrix = np.atleast_2d(np.asarray(directions, np.float64))
    if matrix.shape[1] != len(coordinates):
        raise ValueError(
            f"A direction has {matrix.shape[1]} entries, the arguments {len(coordinates)}."
        )
    return [
        [(c, element(v)) for c, v in zip(coordinates, row.tolist(), strict=True) if v]
        for row in matrix
    ]


def _both(question: Question, method, count: int) -> tuple[Side, Side]:
    """Both sides, by series where they reach, by differences elsewhere."""
    ends = [c for c, _ in question.moves if isinstance(at(question.values, *c), Special)]
    if ends:
        side = at_infinity(question, ends)
        return side, side
    if method == "differences":
        empty = Side([[]] * count, True)
        right, left = (_filled(empty, question, s, range(count)) for s in (1, -1))
        return right, left
    after = by_series(question, 1)
    if not after.sided and all(after.known(i) for i in range(count)):
        return after, after
    before = by_series(question, -1) if after.sided else after
    result = []
    for side, sign in ((after, 1), (before, -1)):
        unknown = [i for i in range(count) if not side.known(i)]
        result.append(_filled(side, question, sign, unknown) if unknown else side)
    return result[0], result[1]


def _filled(side: Side, question: Question, sign: int, unknown: Sequence[int]) -> Side:
    found = by_differences(question, sign, unknown)
    terms = list(side.terms)
    for i, estimates in found.items():
        known = terms[i] or estimates
        terms[i] = [
            e if n.proof == "undecided" else n for n, e in zip(known, estimates, strict=True)
        ]
    return Side(terms, True, side.notes)


def judge(
    value: Number, after: Sequence[Number], before: Sequence[Number], sided: bool = True
) -> tuple[Behaviour, int]:
    """How a function behaves at a point, from its value, its limits and its derivatives."""
    if isinstance(value.value, Special):
        return "undefined", 0
    if not sided and all(n.proof in ("proven", "estimated") for n in after):
        return ("undefined" if _no_number(after) else "smooth"), 0
    missing = [_no_number(side) for side in (after, before)]
    if all(missing):
        return "undefined", 0
    everything = [
        value,
        *(n for side, gone in zip((after, before), missing, strict=True) if not gone for n in side),
    ]
    if any(n.proof == "undecided" for n in everything):
        return "undecided", 0
    if any(missing):
        return "end", 0
    if not (overlap(value.value, after[0].value) and overlap(value.value, before[0].value)):
        return "jump", 0
    for k in range(1, len(after)):
        if not overlap(after[k].value, before[k].value):
            return "kink", k
    return "smooth", 0


def _no_number(side: Sequence[Number]) -> bool:
    """Whether a side does not exist: its limit is NaN."""
    limit = side[0].value
    return isinstance(limit, Special) and limit.value != limit.value
