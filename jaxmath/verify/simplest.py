"""The same fault at a simpler point, in smaller arrays where the function takes any."""

from __future__ import annotations

import dataclasses
import functools
import math
import time
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxmath import domains
from jaxmath.domains import Box
from jaxmath.exact import Missing
from jaxmath.formula import Formula
from jaxmath.verify.answers import PIECE, Asked
from jaxmath.verify.explaining import Explainer, answers_of
from jaxmath.verify.flat import layout
from jaxmath.verify.judging import Judge
from jaxmath.verify.shrink import Point, shrink
from jaxmath.verify.truths import Truths
from jaxmath.verify.verdict import Finding

TRIES = 100
"""At how many simpler points the truth is asked for one fault."""

SHORT = 2
"""So many entries has an axis that is cut."""

STARTS = 3
"""At so many places of an axis the entries that stay are taken from."""


class Simplest:
    """Looks for the simplest point at which a function fails in the same way.

    Args:
        explainer: that has named the kinds of its faults.
        deadline: of this thread's own time, after which nothing is looked for.
    """

    def __init__(self, explainer: Explainer, deadline: float):
        self.explainer, self.judge, self.truths = explainer, explainer.judge, explainer.truths
        self.asked, self.lay, self.formula = explainer.asked, explainer.lay, explainer.asked.formula
        self.deadline = deadline

    def shrunk(self, finding: Finding) -> Finding | None:
        """The same fault at the simplest point found, None if it is this one."""
        failed: list[Finding] = []
        budget = iter(range(TRIES))

        def failing(points: list[Point]) -> Iterator[bool]:
            for again in self.again(finding, points, budget):
                if again is not None:
                    failed.append(again)
                yield again is not None

        shrink(dict(finding.point), failing)
        return failed[-1] if failed else None

    def again(
        self, finding: Finding, points: list[Point], budget: Iterator[int]
    ) -> Iterator[Finding | None]:
        """The same fault at other points, in turn, for as long as the budget lasts; None where it
        is not the same.
        """
        if not points or time.thread_time() > self.deadline:
            return
        columns = self.lay.unnamed(finding.argument, finding.place[1:])
        args = _batch((points + [points[-1]] * PIECE)[:PIECE])  # of one size, to compile once
        inside = _allowed(self.formula, args)
        answers = answers_of(finding, self.asked(args), columns)
        for k, point in enumerate(points[:PIECE]):
            answer = float(answers[k])
            alike = math.isfinite(answer) == math.isfinite(finding.answer)
            alike &= (answer == 0) == (finding.answer == 0)
            if not alike or not inside[k]:
                yield None
            elif next(budget, None) is None or time.thread_time() > self.deadline:
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

    def smaller(self, finding: Finding) -> tuple[Simplest, Finding]:
        """The same fault in arrays of two entries along an axis, if the function takes them."""
        for size in sorted(_sizes(self.formula), reverse=True):
            try:
                found = self._cut(finding, size)
            except Exception:  # whatever the function raises at another shape
                continue
            if found is not None:
                return found[0].smaller(found[1])
        return self, finding

    def _cut(self, finding: Finding, size: int) -> tuple[Simplest, Finding] | None:
        """With each axis of a size cut to two entries, if the fault is still there."""
        names = (finding.argument.split(", ") * finding.order)[: finding.order]
        outputs = jax.eval_shape(self.formula.fn, *finding.point.values())
        trees = (outputs, *(finding.point[name] for name in names))
        spots = [_spot(tree, place) for tree, place in zip(trees, finding.place, strict=True)]
        used = jax.tree.map(lambda leaf: np.asarray(leaf) != 0, dict(finding.point))
        starts = dict.fromkeys(
            min(at, size - SHORT) for tree in (*spots, used) for at in _along(tree, size)
        )
        for start in list(starts)[:STARTS]:
            if time.thread_time() > self.deadline:
                return None
            cut = functools.partial(_piece, size=size, start=start)
            place = tuple(int(np.argmax(_flat(jax.tree.map(cut, spot)))) for spot in spots)
            point = jax.tree.map(cut, dict(finding.point))
            search = self._of_shape(point, size)
            moved = dataclasses.replace(finding, place=place)
            again = next(search.again(moved, [point], iter(range(1))), None)
            if again is not None:
                return search, again
        return None

    def _of_shape(self, point: Point, size: int) -> Simplest:
        """The search among points with the axes of a size cut."""
        domain = jax.tree.map(
            lambda leaf: _shorter(leaf, size), dict(self.formula.domain), is_leaf=domains.is_domain
        )
        formula = dataclasses.replace(self.formula, domain=domain)
        lay, values = layout(formula, self.lay.wrt), tuple(point[n] for n in formula.arguments)
        truths = Truths(formula, lay, values, self.truths.program.twins, self.truths.stopped)
        asked = Asked(formula, lay, self.asked.order)
        return Simplest(Explainer(Judge(truths, self.judge.limit), asked), self.deadline)


def _sizes(formula: Formula) -> set[int]:
    """The lengths of axes that could be shorter."""
    leaves = jax.tree.leaves(dict(formula.domain), is_leaf=domains.is_domain)
    return {n for leaf in leaves if isinstance(leaf, Box) for n in leaf.shape if n > SHORT}


def _shorter(domain: Any, size: int) -> Any:
    if not isinstance(domain, Box):
        return domain
    shape = tuple(SHORT if n == size else n for n in domain.shape)
    return dataclasses.replace(domain, shape=shape)


def _spot(tree, place: int):
    """A tree of zeros with a one at a flat place."""
    leaves, structure = jax.tree.flatten(tree)
    ends = np.cumsum([np.prod(np.shape(leaf), dtype=int) for leaf in leaves])
    flat = np.split(np.arange(ends[-1]) == place, ends[:-1])
    shaped = [f.reshape(np.shape(leaf)) for f, leaf in zip(flat, leaves, strict=True)]
    return jax.tree.unflatten(structure, shaped)


def _along(spot, size: int) -> Iterator[int]:
    """Where the one stands on each axis of a size."""
    for leaf in jax.tree.leaves(spot):
        for index in np.argwhere(leaf):
            yield from (int(i) for i, n in zip(index, np.shape(leaf), strict=True) if n == size)


def _piece(array, size: int, start: int) -> np.ndarray:
    whole, part = slice(None), slice(start, start + SHORT)
    array = np.asarray(array)
    return np.asarray(array[tuple(part if n == size else whole for n in array.shape)])


def _flat(tree) -> np.ndarray:
    return np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(tree)])


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
