"""Derivatives at infinite inputs: what they tend to along ever larger finite ones; estimated."""

from __future__ import annotations

from jaxmath.exact.ball import UNKNOWN, arb
from jaxmath.exact.enclosure import Number, overlap
from jaxmath.exact.ieee import NAN, Special
from jaxmath.exact.jet import infinity
from jaxmath.exact.points import MOST_BITS
from jaxmath.exact.program import replaced
from jaxmath.exact.sides import Question, Side, at, by_series
from jaxmath.exact.work import Work, working

SUBSTITUTES = (1100, 1500, 2000)
"""Binary orders of the numbers that stand for infinity: beyond every format."""


def at_infinity(question: Question, ends) -> Side:
    """The one side from which an infinite input can be approached; of NaN nothing is said."""
    order, values, target = question.order, question.values, question.target
    count = len(target.bits)
    if any(at(values, *c) is NAN for c in ends):
        return Side([[Number(NAN, "undecided", 0.0)] * (order + 1)] * count, True)
    tables = []
    for size in SUBSTITUTES:
        changes = {c: arb(2) ** size * at(values, *c).sign() for c in ends}  # powers of two: exact
        tables.append(by_series(question._replace(values=replaced(values, changes)), 1).terms)
    with working(Work(MOST_BITS)):
        terms = [
            [_limit([table[i][k] for table in tables], target, i) for k in range(order + 1)]
            for i in range(count)
        ]
    return Side(terms, True, {"estimated at infinity": True})


def _limit(row, target, i) -> Number:
    values = [n.value for n in row]
    if any(n.proof == "undecided" for n in row):
        return Number(UNKNOWN, "undecided", 0.0)
    if all(isinstance(v, Special) for v in values):
        return Number(values[-1], "estimated", 0.0)
    if any(isinstance(v, Special) for v in values):
        return Number(UNKNOWN, "undecided", 0.0)
    _, middle, last = values
    near = abs(last).max(target.smallest[i]) * arb(2) ** (-target.bits[i])
    if abs(last - middle) <= near or overlap(last, middle) or abs(last) < target.smallest[i]:
        if abs(last) < target.smallest[i]:
            return Number(arb(0, abs(last).upper()), "estimated", 0.0)
        return Number(last, "estimated", target.bits[i] * 0.30103)
    if abs(last) > abs(middle) * 1.5:
        return Number(infinity(1 if last > 0 else -1), "estimated", 0.0)
    return Number(UNKNOWN, "undecided", 0.0)
