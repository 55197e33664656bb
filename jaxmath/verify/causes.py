"""The last word on a fault: the line that it comes from, its cure, its simplest point, its proof.

Faults are found at points in their thousands; this is done for the few that are told.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend import core

from jaxmath import domains
from jaxmath.exact import Missing, Program
from jaxmath.exact.meanings import Meanings
from jaxmath.formula import Formula
from jaxmath.verify.answers import PIECE
from jaxmath.verify.branches import Branches
from jaxmath.verify.explaining import Explainer, answers_of
from jaxmath.verify.localise import localise
from jaxmath.verify.reproducer import reproducer
from jaxmath.verify.shrink import Point, shrink
from jaxmath.verify.sources import line_of
from jaxmath.verify.suspects import suspects
from jaxmath.verify.ties import tie
from jaxmath.verify.traps import Trap
from jaxmath.verify.verdict import Finding

TRIES = 100
"""At how many simpler points the truth is asked for one fault."""

ROUNDED = ("inaccurate", "vanished", "NaN or infinite", "not a subgradient")
"""The faults that come from the floats of one equation."""


class Causes:
    """Completes faults of one function.

    Args:
        explainer: that has named the kinds of these faults.
        branches: of the function.
        traps: that were found.
        seconds: after which no simpler points are looked for.
    """

    def __init__(
        self, explainer: Explainer, branches: Branches, traps: tuple[Trap, ...], seconds: float
    ):
        self.explainer, self.judge, self.truths = explainer, explainer.judge, explainer.truths
        self.asked, self.lay, self.formula = explainer.asked, explainer.lay, explainer.asked.formula
        self.branches, self.traps = branches, traps
        self.deadline = time.monotonic() + seconds

    def told(self, finding: Finding) -> Finding:
        """A fault with its cause, cure, simplest point and reproducer."""
        simplest = self._shrunk(finding)
        cause, cure = self._cause(simplest or finding)
        return dataclasses.replace(
            finding,
            cause=cause,
            cure=cure,
            simplest=simplest,
            reproducer=reproducer(simplest or finding, self.formula),
        )

    # Where it comes from.

    def _cause(self, finding: Finding) -> tuple[str, str]:
        point = tuple(finding.point[name] for name in self.formula.arguments)
        if finding.kind == "wrong rule":
            return self._rules(finding, point), ""
        if finding.kind == "stop_gradient changes the derivative":
            return _first(self.truths.program, "stop_gradient", self.formula.fn), ""
        if finding.kind == "approximation error":
            return _meant(self.truths.program, self.formula.fn), ""
        if finding.kind == "smooth but treated as a kink":
            return tie(self.truths.program, point, self.formula.fn), ""
        if finding.kind not in ROUNDED:
            return "", ""
        if finding.order and finding.who == "reverse mode" and not math.isfinite(finding.answer):
            states = self.branches(_batch([dict(finding.point)]))[1][0] if self.traps else ()
            for trap in self.traps:
                if states[trap.site] == 1:
                    return trap.cause, trap.cure
        return self._equation(finding, point), ""

    def _equation(self, finding: Finding, point) -> str:
        program, args, place = self.truths.program, point, finding.place[0]
        try:
            if finding.order:
                columns, place = self._columns(finding), 0
                found = self.explainer.rules.program(finding.who, point, columns, finding.place[0])
                if found is None:
                    return ""
                program, args = found
            culprit = localise(program, args, place, self.formula.fn)
        except (Missing, TypeError, ValueError):
            return ""
        return str(culprit) if culprit is not None else ""

    def _rules(self, finding: Finding, point) -> str:
        """What the rules inside have wrong, in the argument asked for if that is theirs too."""
        found = suspects(self.truths.program, point)
        own = [s for s in found if s.argument.split("[")[0].split(".")[0] == finding.argument]
        return "\n".join(str(s) for s in (own or found)[:3])

    def _columns(self, finding: Finding) -> tuple[int, ...]:
        return self.lay.unnamed(finding.argument, finding.place[1:])

    # How small it is.

    def _shrunk(self, finding: Finding) -> Finding | None:
        if finding.kind in ("not available", "cost of the dtype"):
            return None
        failed: list[Finding] = []
        budget = iter(range(TRIES))

        def failing(points: list[Point]) -> Iterator[bool]:
            for again in self._again(finding, points, budget):
                if again is not None:
                    failed.append(again)
                yield again is not None

        shrink(dict(finding.point), failing)
        return failed[-1] if failed else None

    def _again(
        self, finding: Finding, points: list[Point], budget: Iterator[int]
    ) -> Iterator[Finding | None]:
        """The same fault at other points, in turn, for as long as the budget lasts; None where it
        is not the same.
        """
        if not points or time.monotonic() > self.deadline:
            return
        columns = self._columns(finding)
        args = _batch((points + [points[-1]] * PIECE)[:PIECE])  # of one size, to compile once
        inside = _allowed(self.formula, args)
        answers = answers_of(finding, self.asked(args), columns)
        for k, point in enumerate(points[:PIECE]):
            answer = float(answers[k])
            alike = math.isfinite(answer) == math.isfinite(finding.answer)
            alike &= (answer == 0) == (finding.answer == 0)
            if not alike or not inside[k]:
                yield None
            elif next(budget, None) is None or time.monotonic() > self.deadline:
                return
            else:
                yield self._judged(finding, point, columns, answer)

    def _judged(self, finding: Finding, point: Point, columns, answer: float) -> Finding | None:
        values, result = tuple(point[n] for n in self.formula.arguments), finding.place[0]
        try:
            if finding.order == 2:
                second = self.truths.second(values, *sorted(columns))
                said = self.judge.second(values, second, columns, result, answer)
            else:
                found = self.truths.along(values, columns or [0])
                said = self.judge.value(values, found, result, answer) if not columns else (
                    self.judge.first(values, found, 0, columns[0], result, answer))  # fmt: skip
        except Missing:
            return None
        said = {"ulps": math.nan, "excess": math.nan, "note": "", **said}
        ordered = dict(zip(self.formula.arguments, values, strict=True))
        again = dataclasses.replace(finding, point=ordered, answer=answer, count=1, **said)
        if not again.fault:
            return None
        again = self.explainer.explained(again)
        return again if again.kind == finding.kind else None


def _batch(points: list[Point]) -> Point:
    return {
        name: jax.tree.map(lambda *leaves: np.stack([np.asarray(v) for v in leaves]), *column)
        for name, column in ((n, [p[n] for p in points]) for n in points[0])
    }


def _allowed(formula: Formula, args: Point) -> np.ndarray:
    """Which points lie in the domain of a formula, arguments related as they must."""

    def allowed(args):
        inside = jnp.all(domains.contains(dict(formula.domain), args))
        related = formula.where(*(args[n] for n in formula.arguments)) if formula.where else True
        return inside & jnp.all(related)

    return np.asarray(jax.vmap(allowed)(args))


def _first(program: Program, name: str, fn) -> str:
    """Where the first equation of a primitive is written."""
    lines = (line_of(path, fn) for path in _equations(program.jaxpr.jaxpr, None)
             if path[-1].primitive.name == name)  # fmt: skip
    return str(next(lines, None) or "")


def _meant(program: Program, fn) -> str:
    """Where functions are called that JAX approximates."""
    meanings = Meanings(program.twins)
    paths = (p for p in _equations(program.jaxpr.jaxpr, meanings) if meanings.of(p[-1]) is not None)
    lines = (line_of(path, fn) for path in paths)
    return "\n".join(dict.fromkeys(str(line) for line in lines if line is not None))


def _equations(jaxpr, meanings: Meanings | None, path=()) -> Iterator[tuple[Any, ...]]:
    """All equations of a program, each after those that call it."""
    for eqn in meanings.equations(jaxpr) if meanings is not None else jaxpr.eqns:
        here = (*path, eqn)
        yield here
        if meanings is None or meanings.of(eqn) is None:
            for inner in core.jaxprs_in_params(eqn.params):
                yield from _equations(inner, meanings, here)
