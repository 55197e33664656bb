"""The value of a program at one point, to the precision that its dtype asks for."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxmath.exact.arrays import boxed, filled, is_real
from jaxmath.exact.ball import arb, ctx
from jaxmath.exact.enclosure import Number, Proof, digits, narrow, overlap
from jaxmath.exact.ieee import Special
from jaxmath.exact.program import Program, Truth
from jaxmath.exact.work import Late, Undecided, Work, notes_of, working

START_BITS, MOST_BITS = 128, 4096
GUARD_BITS = 7
"""So many bits beyond the target's are asked for: a radius below 1/64 of an ulp."""
BUDGET = 2.0
"""Seconds that a point may take."""


@dataclass(frozen=True)
class Value:
    """What a program returns at a point.

    Attributes:
        results: the tree of what the function returns, with arrays of `Number` (one `Number` for
            shape ()) in place of real arrays.
        flat: all real numbers of it, in row order.
        bits: the precision that was needed.
        notes: what the evaluation noticed, such as "tie assumed", "depends on rounding",
            "twin log_ndtr".
    """

    results: Any
    flat: tuple[Number, ...]
    bits: int
    notes: Mapping[str, Any]


class Target:
    """How narrow the balls of each flat result have to be, with some bits more if asked for."""

    def __init__(self, avals, extra: int = 0):
        self.bits: list[int] = []
        self.smallest: list[Any] = []
        for aval in avals:
            if is_real(aval):
                info = jnp.finfo(aval.dtype)
                count = int(np.prod(aval.shape, dtype=int))
                self.bits += [int(info.nmant) + 1 + GUARD_BITS + extra] * count
                self.smallest += [arb(2) ** int(info.minexp)] * count

    def met(self, elements) -> bool:
        """Whether all balls are narrow enough."""
        return all(
            narrow(e, bits, smallest)
            for e, bits, smallest in zip(elements, self.bits, self.smallest, strict=True)
        )


def ladder(bits: int = START_BITS) -> Iterator[int]:
    """The precisions to try, one after the other."""
    while bits <= MOST_BITS:
        yield bits
        bits *= 2


def settle(
    attempt: Callable[[Work], Any],
    met: Callable[[Any], bool],
    terms: int,
    stop: bool,
    deadline: float,
):
    """Raise the precision until comparisons are decided and results narrow.

    Where a comparison stays open to the end, it is taken for a tie and for either side of one. If
    the results may be the same, the tie did no harm. Returns the result, the proof and the work;
    the result is None where nothing was found in time.
    """
    best = None
    for bits in ladder():
        work = Work(bits, terms, stop=stop, deadline=deadline)
        try:
            with working(work):
                result = attempt(work)
                done = met(result)
            best = result, work.strength if done else "undecided", work
            if done or work.singular:
                return best
        except (Undecided, ValueError, ZeroDivisionError):  # Arb's, of 1 / (0 +/- r)
            if work.singular:
                return None, "undecided", work
            continue
        except Late:
            return best or (None, "undecided", work)
        if time.thread_time() > deadline:
            return best
    if best is not None:
        return best
    return _assumed(attempt, terms, stop)


def _assumed(attempt, terms, stop):
    tries = []
    for tie in (0, 1, -1):
        work = Work(MOST_BITS // 2, terms, tie=tie, stop=stop, deadline=time.thread_time() + BUDGET)
        try:
            with working(work):
                tries.append((attempt(work), work))
        except (Late, Undecided, ValueError, ZeroDivisionError):  # Arb's, of 1 / (0 +/- r)
            return (tries[0][0] if tries else None), "assumed" if tries else "undecided", work
    results, works = zip(*tries, strict=True)
    same = all(_agree(results[0], other) for other in results[1:])
    if same:
        works[0].notes["tie harmless"] = True
    return results[0], works[0].strength if same else "assumed", works[0]


def _agree(a, b) -> bool:
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(_agree(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, arb | Special):
        return overlap(a, b)
    return bool(np.array_equal(a, b))


def numbers(elements, proof: Proof) -> list[Number]:
    """Balls as results; one that is not finite is undecided."""
    return [
        Number(e, proof if isinstance(e, Special) or e.is_finite() else "undecided", digits(e))
        for e in elements
    ]


def evaluate(
    program: Program,
    args: tuple[Any, ...],
    truth: Truth = "meaning",
    budget: float = BUDGET,
) -> Value:
    """The value of a traced function at arguments that its dtypes represent."""
    with jax.enable_x64(program.x64):
        return evaluated(program, program.values(args), truth, time.thread_time() + budget)


def evaluated(program: Program, values: list[Any], truth: Truth, deadline: float) -> Value:
    """The value at a point that is given in elements."""
    machine = program.machine(truth)
    avals = program.outputs
    target = Target(avals)

    def attempt(work):
        results = machine(*values)
        return [
            boxed(r).ravel().tolist() if is_real(a) else r
            for r, a in zip(results, avals, strict=True)
        ]

    def met(rows):
        reals = [row for row, a in zip(rows, avals, strict=True) if is_real(a)]
        return target.met([e for row in reals for e in row])

    rows, proof, work = settle(attempt, met, 1, False, deadline)
    leaves, flat = [], []
    for k, aval in enumerate(avals):
        if not is_real(aval):
            leaves.append(None if rows is None else rows[k])
            continue
        count = int(np.prod(aval.shape, dtype=int))
        row = [arb.nan()] * count if rows is None else rows[k]
        found = numbers(row, proof)
        found = [_narrow(n, target, len(flat) + j, work) for j, n in enumerate(found)]
        flat += found
        leaves.append(filled(found, aval.shape))
    results = jax.tree.unflatten(program.results, leaves)
    notes = notes_of(work)
    if truth == "meaning":
        notes |= {f"no twin for this call of {name}": True for name in program.missed}
    return Value(results, tuple(flat), work.bits, notes)


def _narrow(number: Number, target: Target, place: int, work: Work) -> Number:
    """A number of a vector of which another was not narrow enough is proven all the same."""
    if number.proof != "undecided":
        return number
    if narrow(number.value, target.bits[place], target.smallest[place]):
        return Number(number.value, work.strength, number.digits)
    return number


__all__ = ["Target", "Value", "ctx", "evaluate", "evaluated", "ladder", "numbers", "settle"]
