"""What one evaluation may spend and assume, and what it noticed on its way.

Arb's precision and the length of its series are global in python-flint; they are set here alone, in
a context manager, together with the record of the evaluation that is under way.
"""

from __future__ import annotations

import contextlib
import time
from typing import Any, Literal

import numpy as np

from jaxmath.exact.ball import ctx

Proof = Literal["proven", "estimated", "assumed", "undecided"]

MOST_TERMS = 24
"""Two series that agree in so many terms are taken as equal, and that is noted."""

TIE = "tie assumed"
"""The note of a comparison that no precision decided."""
ESTIMATED_INSIDE = "estimated inside"
"""The note of a step whose radius is an estimate; its result is one as well."""
ONE_CHOICE = "eigenvectors of equal eigenvalues: one choice of many"
WEAKENING: dict[str, Proof] = {ONE_CHOICE: "assumed", ESTIMATED_INSIDE: "estimated"}
"""Notes after which a result is not proven, and what it is instead."""


class Undecided(Exception):  # noqa: N818  (a question left open, not a mistake)
    """A comparison could not be decided at this precision."""


class MoreTerms(Exception):  # noqa: N818
    """A comparison of series, or a quotient, needs more terms."""


class Ramified(Exception):  # noqa: N818
    """A root of the small parameter t appears: t has to be replaced by t to the power `degree`."""

    def __init__(self, degree: int):
        super().__init__(f"a root of degree {degree} of the small parameter")
        self.degree = degree


class Late(Exception):  # noqa: N818
    """The time for this point is over."""


class Work:
    """One evaluation: `bits` of precision and `terms` of each series.

    `tie` is what an undecided comparison is taken for: None raises `Undecided`; -1, 0, 1 assume
    less, equal, greater. `sided` becomes true once anything depends on the side from which the
    point is approached, so that the value and the two sides have to be looked at separately.
    `singular` becomes true where a function has no power series; what follows is unknown.
    """

    __slots__ = ("bits", "deadline", "notes", "sided", "singular", "stop", "terms", "tie")

    def __init__(
        self,
        bits: int = 128,
        terms: int = 1,
        tie: int | None = None,
        stop: bool = False,
        deadline: float | None = None,
    ):
        self.bits = bits
        self.terms = terms
        self.tie = tie
        self.stop = stop
        self.deadline = deadline
        self.sided = False
        self.singular = False
        self.notes: dict[str, Any] = {}

    def undecided(self) -> int:
        """The outcome of a comparison that the balls leave open."""
        if self.tie is None:
            raise Undecided
        self.notes[TIE] = True
        return self.tie

    @property
    def strength(self) -> Proof:
        """What a narrow result of this evaluation is: proven, unless a step of it was not."""
        for note_, proof in WEAKENING.items():
            if note_ in self.notes:
                return proof
        return "proven"

    def clock(self) -> None:
        """Raise `Late` once the time for this point is over; loops call it."""
        if self.deadline is not None and time.thread_time() > self.deadline:
            raise Late


_stack = [Work()]


def now() -> Work:
    """The evaluation that is under way."""
    return _stack[-1]


def note(what: str, detail: Any = True) -> None:
    """Write down something that the reader of the result should know."""
    _stack[-1].notes[what] = detail


@contextlib.contextmanager
def working(work: Work):
    """Compute at the precision and series length of `work`, and restore both afterwards."""
    before = ctx.prec, ctx.cap
    _stack.append(work)
    ctx.prec, ctx.cap = work.bits, max(work.terms, 1)
    try:
        with np.errstate(all="ignore"):  # NumPy looks at flags that Arb has set
            yield work
    finally:
        ctx.prec, ctx.cap = before
        _stack.pop()


@contextlib.contextmanager
def finer(bits: int | None = None, terms: int | None = None):
    """Compute a part of the evaluation under way at another precision or series length."""
    before = ctx.prec, ctx.cap
    ctx.prec, ctx.cap = bits or ctx.prec, terms or ctx.cap
    try:
        yield
    finally:
        ctx.prec, ctx.cap = before


def worth(*balls):
    """Compute a part at no more bits than these balls hold, and some: more would only cost time."""
    known = min(int(x.rel_accuracy_bits()) for x in balls)
    return finer(bits=min(ctx.prec, max(known, 0) + 64))


def notes_of(*runs: Work) -> dict[str, Any]:
    """The notes of several evaluations of one point, together."""
    return {key: value for run in runs for key, value in run.notes.items()}
