"""Second derivatives in several coordinates, by directions: exact where each of them is."""

from __future__ import annotations

from typing import Any

import numpy as np

from jaxmath.exact.directional import derivatives
from jaxmath.exact.enclosure import Number, digits
from jaxmath.exact.ieee import NAN, Special
from jaxmath.exact.points import BUDGET, MOST_BITS
from jaxmath.exact.program import Program, Truth
from jaxmath.exact.work import Work, working


def hessian(
    program: Program,
    args: tuple[Any, ...],
    truth: Truth = "meaning",
    stop_gradients: bool = False,
    budget: float = BUDGET,
) -> np.ndarray:
    """The second derivatives of each flat result: `Number`s of shape `(results, n, n)`.

    Of mixed ones by D_uv = (D_(u+v) - D_u - D_v) / 2. Where the function is not smooth along one
    of the directions, the entry is undecided.
    """
    n = len(program.coordinates())
    pairs = [(i, j) for i in range(n) for j in range(i, n)]
    unit = np.eye(n)
    rows = np.array([unit[i] if i == j else unit[i] + unit[j] for i, j in pairs])
    found = derivatives(program, args, rows, 2, truth, stop_gradients, budget=budget)
    place = {pair: k for k, pair in enumerate(pairs)}
    result = np.empty((len(found.value.flat), n, n), object)
    for r in range(len(found.value.flat)):

        def second(i, j, r=r):
            k = place[i, j]
            number = found.right[2, k, r]
            if found.behaviour[k, r] != "smooth":
                return Number(NAN, "undecided", 0.0)
            return number

        for i, j in pairs:
            if i == j:
                result[r, i, j] = second(i, j)
                continue
            parts = [second(i, j), second(i, i), second(j, j)]
            result[r, i, j] = result[r, j, i] = _mixed(*parts)
    return result


def _mixed(both: Number, first: Number, second: Number) -> Number:
    parts = (both, first, second)
    if any(isinstance(p.value, Special) for p in parts):
        return Number(NAN, "undecided", 0.0)
    with working(Work(MOST_BITS)):
        value = (both.value - first.value - second.value) / 2
    proofs = {p.proof for p in parts}
    order = ("undecided", "assumed", "estimated", "proven")
    return Number(value, next(p for p in order if p in proofs), digits(value))
