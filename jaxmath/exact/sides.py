"""Derivatives from one side by power series in the distance t > 0 along a direction."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from jaxmath.exact.ball import ONE, UNKNOWN, ZERO, arb, arb_series
from jaxmath.exact.enclosure import Number, Proof, digits, narrow
from jaxmath.exact.ieee import NAN, Special
from jaxmath.exact.jet import Jet, infinity
from jaxmath.exact.points import Target, settle
from jaxmath.exact.program import Program, Truth, flat_elements, replaced
from jaxmath.exact.work import MOST_TERMS, MoreTerms, Ramified, Work

LARGEST_DEGREE = 12


@dataclass
class Side:
    """What one side says: `terms[i][k]` is the k-th derivative of flat result i, 0 its limit.

    `sided` is false where the function is proven analytic round the point, so that the other side
    says the same. An element that is not finite is one that series do not reach.
    """

    terms: list[list[Number]]
    sided: bool
    notes: dict[str, Any] = field(default_factory=dict)

    def known(self, i: int) -> bool:
        """Whether the series reached all derivatives of a result."""
        return all(n.proof != "undecided" for n in self.terms[i])


class Question(NamedTuple):
    """What is asked of a program at a point.

    `moves` lists the coordinates that move along the direction, (argument, element), with their
    speeds; `extra` bits are wanted beyond those of the dtype.
    """

    program: Program
    values: list[Any]
    moves: Sequence[tuple[tuple[int, int], Any]]
    order: int
    truth: Truth
    stop: bool
    deadline: float
    extra: int = 0

    @property
    def target(self) -> Target:
        """How narrow the results have to be."""
        return Target(self.program.outputs, self.extra)

    def elements(self, inputs) -> list[Any]:
        """All real results at these arguments, flat."""
        return flat_elements(self.program.machine(self.truth)(*inputs), self.program.outputs)


def by_series(question: Question, sign: int) -> Side:
    """The derivatives for t > 0 along `sign` times the direction, counted along the direction."""
    order, deadline = question.order, question.deadline
    target = question.target
    count = len(target.bits)
    terms, degree = order + 1, 1
    while True:
        inputs = _moved(question.values, question.moves, sign, degree, terms * degree)

        def attempt(work, inputs=inputs, degree=degree):
            return [_derivatives(e, order, degree, sign) for e in question.elements(inputs)]

        def met(rows):
            return all(
                narrow(e, target.bits[i], target.smallest[i])
                for i, row in enumerate(rows)
                for e in row
            )

        try:
            rows, proof, work = settle(attempt, met, terms * degree, question.stop, deadline)
        except MoreTerms:
            if terms >= MOST_TERMS or time.thread_time() > deadline:
                rows, proof, work = None, "undecided", Work()
            else:
                terms = min(2 * terms + 1, MOST_TERMS)
                continue
        except Ramified as root:
            if degree * root.degree > LARGEST_DEGREE:
                rows, proof, work = None, "undecided", Work()
            else:
                degree *= root.degree
                continue
        if rows is None:
            return Side([[_unknown()] * (order + 1)] * count, True, work.notes)
        if "equal to all terms looked at" in work.notes and proof == "proven":
            proof = "assumed"
        found = [
            [_number(e, proof, work, target.bits[i], target.smallest[i]) for e in row]
            for i, row in enumerate(rows)
        ]
        return Side(found, work.sided or degree > 1, work.notes)


def _unknown() -> Number:
    return Number(UNKNOWN, "undecided", 0.0)


def _number(element, proof: Proof, work: Work, bits: int, smallest) -> Number:
    if not isinstance(element, Special):
        if not element.is_finite():
            return Number(element, "undecided", 0.0)
        if proof == "undecided" and narrow(element, bits, smallest):
            proof = work.strength
    return Number(element, proof, digits(element))


def _moved(values, direction, sign, degree, terms):
    """The arguments with the coordinates of a direction as jets x + sign v t^degree."""
    changes = {}
    jets: dict[Any, Jet] = {}  # coordinates that move together are one jet, and so proven equal
    for (k, j), speed in direction:
        x = at(values, k, j)
        if type(x) is arb:
            step = speed if sign > 0 else -speed
            same = (*x.mid().man_exp(), *step.mid().man_exp())
            if same not in jets:
                jets[same] = Jet(arb_series([x, *([ZERO] * (degree - 1)), step], terms))
            changes[k, j] = jets[same]
    return replaced(values, changes)


def at(values, k, j):
    """One real element of the arguments."""
    value = values[k]
    return value.ravel()[j] if hasattr(value, "ravel") else value


def _derivatives(element, order, degree, sign):
    """The limit and the derivatives of a result at t = 0, along the direction itself."""
    if type(element) is arb:
        return [element] + [ZERO if element.is_finite() else UNKNOWN] * order
    if type(element) is Special:
        return [element] + [NAN] * order
    series = element.regular()
    if series is None:
        side = element.sign()  # c t^-k: the derivatives grow with alternating signs
        return [infinity(side * ((-1) ** k) * sign**k) for k in range(order + 1)]
    if series.prec < order * degree + 1:
        raise MoreTerms
    found = []
    for k in range(order + 1):
        grown = _infinite(series, k, degree)
        if grown is not None:
            found.append(infinity(grown * sign**k) if isinstance(grown, int) else UNKNOWN)
        else:
            found.append(series[k * degree] * (math.factorial(k) * sign**k))
    return found


def _infinite(series, k, degree):
    """The sign with which the k-th derivative of a series in t^(1/degree) grows, if it does."""
    for j in range(1, k * degree):
        if j % degree and not series[j].is_zero():
            c = series[j]
            if c.contains(0):
                return UNKNOWN
            power = ONE
            for m in range(k):  # (j/q) (j/q - 1) ... : the sign of the k-th derivative
                power = power * (arb(j) / degree - m)
            return 1 if (c > 0) == (power > 0) else -1
    return None
