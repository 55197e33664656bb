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
import numpy as np
from jax.extend import core

from jaxmath.exact import Missing, Program
from jaxmath.exact.meanings import Meanings
from jaxmath.verify.branches import Branches
from jaxmath.verify.explaining import Explainer
from jaxmath.verify.localise import localise
from jaxmath.verify.reproducer import reproducer
from jaxmath.verify.simplest import Simplest
from jaxmath.verify.sources import line_of
from jaxmath.verify.suspects import suspects
from jaxmath.verify.ties import tie
from jaxmath.verify.traps import Trap
from jaxmath.verify.verdict import Finding

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
        self.branches, self.traps = branches, traps
        self.search = Simplest(explainer, time.thread_time() + seconds)

    def told(self, finding: Finding) -> Finding:
        """A fault with its cause, cure, simplest point and reproducer."""
        search, again = self.search, finding
        if finding.kind not in ("not available", "cost of the dtype"):
            again = search.shrunk(finding) or finding
            search, again = search.smaller(again)
            if search is not self.search:
                again = search.shrunk(again) or again
        cause, cure = self._cause(search, again)
        return dataclasses.replace(
            finding,
            cause=cause,
            cure=cure,
            simplest=again if again is not finding else None,
            reproducer=reproducer(again, search.formula),
        )

    def _cause(self, search: Simplest, finding: Finding) -> tuple[str, str]:
        """The line and what happens there, and the cure."""
        program, fn = search.truths.program, search.formula.fn
        point = tuple(finding.point[name] for name in search.formula.arguments)
        if finding.kind == "wrong rule":
            return _rules(program, finding, point), ""
        if finding.kind == "stop_gradient changes the derivative":
            return _first(program, "stop_gradient", fn), ""
        if finding.kind == "approximation error":
            return _meant(program, fn), ""
        if finding.kind == "smooth but treated as a kink":
            return tie(program, point, fn), ""
        if finding.kind not in ROUNDED:
            return "", ""
        if finding.order and finding.who == "reverse mode" and not math.isfinite(finding.answer):
            for trap in self._sprung(search, finding):
                return trap.cause, trap.cure
        return _equation(search, finding, point), ""

    def _sprung(self, search: Simplest, finding: Finding) -> Iterator[Trap]:
        """The traps that a point lies in."""
        if not self.traps:
            return
        branches = self.branches
        if search is not self.search:
            branches = Branches(search.formula, search.lay)
        one = {n: jax.tree.map(lambda leaf: np.asarray(leaf)[None], v)
               for n, v in finding.point.items()}  # fmt: skip
        states = branches(one)[1][0]
        yield from (trap for trap in self.traps if states[trap.site] == 1)


def _equation(search: Simplest, finding: Finding, point) -> str:
    """The equation that the error comes from, of the derivative's own program."""
    program, args, place = search.truths.program, point, finding.place[0]
    try:
        if finding.order:
            columns, place = search.lay.unnamed(finding.argument, finding.place[1:]), 0
            rules = search.explainer.rules
            found = rules.program(finding.who, point, columns, finding.place[0])
            if found is None:
                return ""
            program, args = found
        culprit = localise(program, args, place, search.formula.fn)
    except (Missing, TypeError, ValueError):
        return ""
    return str(culprit) if culprit is not None else ""


def _rules(program: Program, finding: Finding, point) -> str:
    """What the rules inside have wrong, in the argument asked for if that is theirs too."""
    found = suspects(program, point)
    own = [s for s in found if s.argument.split("[")[0].split(".")[0] == finding.argument]
    return "\n".join(str(s) for s in (own or found)[:3])


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
