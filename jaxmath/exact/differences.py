"""Derivatives from one side by differences of values at high precision.

They go through whatever can be evaluated, and prove nothing: three step sizes, each the square of
the one before relative to x, say how many digits stand, or that a slope grows without bound.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Sequence
from fractions import Fraction

from jaxmath.exact.ball import UNKNOWN, arb
from jaxmath.exact.enclosure import Number, narrow
from jaxmath.exact.ieee import Special
from jaxmath.exact.jet import infinity
from jaxmath.exact.program import replaced
from jaxmath.exact.sides import Question, at
from jaxmath.exact.work import Late, Undecided, Work, working

STEPS = (64, 128, 256)
"""Steps are 2^-k of x."""
MOST_BITS = 8192
NEAR_ZERO = 1100
"""At x = 0 the step lies so many binary orders below 1: beneath every threshold of a float."""
VANISHING = 2.0**-4
"""Estimates that shrink so fast from step to step go to zero."""
AGREEMENT = 30
"""Estimates that agree in fewer bits than this are none."""


def by_differences(question: Question, sign: int, wanted: Sequence[int]) -> dict[int, list[Number]]:
    """The limit and the derivatives of the results `wanted`, as far as differences show them."""
    tables = []
    for step in STEPS:
        try:
            tables.append(_table(question, sign, step, wanted))
        except (Late, Undecided):
            break
        if time.thread_time() > question.deadline:
            break
    smallest = question.target.smallest
    orders = range(question.order + 1)
    with working(Work(MOST_BITS)):
        return {
            i: [_judge([table[place][k] for table in tables], smallest[i]) for k in orders]
            for place, i in enumerate(wanted)
        }


def _table(question, sign, step, wanted):
    """Estimates of all derivatives with one step size, for each wanted result."""
    scale = _scale(question.values, question.moves)
    bits = min((question.order + 1) * (step + max(scale, 0)) + 256, MOST_BITS)
    while True:
        table = _estimates(question, sign, step, scale, bits, wanted)
        smallest = question.target.smallest
        resolved = all(
            narrow(e, 2 * AGREEMENT, smallest[i])
            for i, row in zip(wanted, table, strict=True)
            for e in row
        )
        if resolved or bits >= MOST_BITS or time.thread_time() > question.deadline:
            return table
        bits = min(2 * bits, MOST_BITS)


def _estimates(question, sign, step, scale, bits, wanted):
    weights = one_sided_weights(question.order)
    work = Work(bits, 1, stop=question.stop, deadline=question.deadline)
    with working(work):
        h = arb(2) ** (-step - scale)
        rows = []
        for j in range(1, len(weights[0]) + 1):
            changes = {
                c: x + h * speed * (j * sign)
                for c, speed in question.moves
                if type(x := at(question.values, *c)) is arb
            }
            elements = question.elements(replaced(question.values, changes))
            rows.append([elements[i] for i in wanted])
        columns = [[row[place] for row in rows] for place in range(len(wanted))]
        return [
            [_weighted(column, w, h, k, sign) for k, w in enumerate(weights)] for column in columns
        ]


def _scale(values, direction) -> int:
    """How many binary orders the step starts below 1: the size of the smallest moving x."""
    orders = []
    for (k, e), speed in direction:
        x = at(values, k, e)
        if type(x) is not arb:
            continue
        size = abs(x / speed)
        if size.is_zero():
            orders.append(NEAR_ZERO)
        else:
            mantissa, exponent = size.mid().man_exp()
            orders.append(max(-(int(exponent) + int(mantissa).bit_length()), -1100))
    return max(orders, default=0)


def _weighted(column, weights, h, k, sign):
    if any(isinstance(e, Special) for e in column):
        return column[0] if k == 0 else Special(float("nan"))
    total = arb(0)
    for e, w in zip(column, weights, strict=True):
        total = total + e * (arb(w.numerator) / w.denominator)
    return total / h**k * sign**k


@functools.lru_cache
def one_sided_weights(order: int) -> tuple[tuple[Fraction, ...], ...]:
    """For each derivative at 0 the weights of values at 1, 2, ..., order + 2 (step 1)."""
    nodes = range(1, order + 3)
    size = len(nodes)
    # The value at j of a polynomial with coefficients c_k / k! is sum c_k j^k / k!; invert it.
    factorial = [Fraction(1)]
    for k in range(1, size):
        factorial.append(factorial[-1] * k)
    rows = [
        [Fraction(j) ** k / factorial[k] for k in range(size)]
        + [Fraction(int(i == j - 1)) for i in range(size)]
        for j in nodes
    ]
    for k in range(size):
        pivot = next(i for i in range(k, size) if rows[i][k])
        rows[k], rows[pivot] = rows[pivot], rows[k]
        rows[k] = [v / rows[k][k] for v in rows[k]]
        for i in range(size):
            if i != k and rows[i][k]:
                factor = rows[i][k]
                rows[i] = [a - factor * b for a, b in zip(rows[i], rows[k], strict=True)]
    return tuple(tuple(rows[k][size:]) for k in range(order + 1))


def _judge(estimates, smallest) -> Number:
    """What a row of estimates with ever smaller steps amounts to."""
    unknown = Number(UNKNOWN, "undecided", 0.0)
    if not estimates:
        return unknown
    last = estimates[-1]
    if isinstance(last, Special):
        return Number(last, "estimated", 0.0)
    if len(estimates) < 2 or any(isinstance(e, Special) or not e.is_finite() for e in estimates):
        return unknown
    gap = abs(last - estimates[-2])
    ball = last.mid() + arb(0, gap.upper())
    if narrow(ball, AGREEMENT, smallest):
        return Number(ball, "estimated", max(ball.rel_accuracy_bits(), 0) * 0.30103)
    if len(estimates) == len(STEPS):
        sizes = [abs(e) for e in estimates]
        if sizes[1] < sizes[0] * VANISHING and sizes[2] < sizes[1] * VANISHING:
            return Number(arb(0, sizes[2].upper()), "estimated", 0.0)
        # A limit is approached by ever shorter ways; a logarithm goes twice as far each time.
        before = abs(estimates[1] - estimates[0])
        if gap > before * 1.5 and gap > sizes[2] * 2.0**-AGREEMENT:
            return Number(infinity(1 if last > estimates[1] else -1), "estimated", 0.0)
    return Number(ball, "undecided", 0.0)
