"""All answers at one point, judged: value, first and second derivatives, gradients at kinks."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Iterator

import numpy as np

from jaxmath.exact import evaluate, trace
from jaxmath.verify.answers import Asked, as_dtype_tree
from jaxmath.verify.choosing import Points
from jaxmath.verify.judging import Judge
from jaxmath.verify.said import Said
from jaxmath.verify.subgradient import is_subgradient

COLUMNS, OUTPUTS = 8, 8
"""How many coordinates and results of one point are judged, the suspicious first."""

HULLS = 12
"""How many gradients at kinks are judged as a whole."""

OUTSIDE = "the gradient as a whole is no average of those of the pieces that meet here"


class Pointwise:
    """Asks for the truth at one point after the other.

    Args:
        points, asked, judge: where, who answered, and who compares.
        deadline: after which nothing more is asked; of the point that is under way then, what
            was judged before counts.
        rng: which pairs of many coordinates are judged.
    """

    def __init__(self, points: Points, asked: Asked, judge: Judge, deadline: float, rng):
        self.points, self.asked, self.lay = points, asked, asked.lay
        self.judge, self.patient = judge, judge.patient()
        self.deadline, self.rng, self.hulls = deadline, rng, HULLS

    def said(self, index: int) -> list[Said]:
        """Of what kind each answer at a point is."""
        columns, outputs = self.points.chosen(index, COLUMNS, OUTPUTS)
        said = self._in_time(self.judge, index, columns, outputs)
        if not all(map(_decided, said)) and time.thread_time() < self.deadline:
            again = self._in_time(self.patient, index, columns, outputs)
            said = max(said, again, key=lambda every: sum(map(_decided, every)))
        return self._hulled(index, said or [self._open(index, outputs[0])])

    def _in_time(self, judge: Judge, index: int, columns, outputs) -> list[Said]:
        """What was judged before the deadline: later, questions find no time for their answers."""
        said = self._said(judge, index, columns, outputs)
        return list(itertools.takewhile(lambda _: time.thread_time() < self.deadline, said))

    def _open(self, index: int, result: int) -> Said:
        words = dict(kind="undecided", truth="not decided", proof="undecided")
        return Said(
            "the program", (), result, float(self.points.answers.value[index, result]), words
        )

    def _said(self, judge: Judge, index: int, columns, outputs) -> Iterator[Said]:
        point, answers, truths = self.points.at(index), self.points.answers, judge.truths
        if not truths.known(point):
            yield self._open(index, outputs[0])
            return
        found = truths.along(point, columns)
        for r in outputs:
            answer = float(answers.value[index, r])
            told = self._dtype_cost(point, r, judge.value(point, found, r, answer))
            yield Said("the program", (), r, answer, told)
            for k, column in enumerate(columns):
                for who, jacobian in answers.first.items():
                    if (who, self.lay.argument(column)[0]) not in self.asked.silent:
                        answer = float(jacobian[index, r, column])
                        told = judge.first(point, found, k, column, r, answer)
                        yield Said(who, (column,), r, answer, told)
        for i, j in self._pairs(columns) if answers.second else []:
            second = truths.second(point, i, j)
            for who, hessian in answers.second.items():
                for pair in ((i, j), (j, i))[: 1 + (i != j)]:
                    for r in outputs:
                        answer = float(hessian[(index, r, *pair)])
                        if who != "closed form" or not math.isnan(answer):
                            told = judge.second(point, second, pair, r, answer)
                            yield Said(who, pair, r, answer, told)

    def _pairs(self, columns) -> list[tuple[int, int]]:
        """Each coordinate with itself and, in turns, with others."""
        mixed = list(itertools.combinations(columns, 2))
        if len(mixed) > COLUMNS:
            mixed = [mixed[k] for k in self.rng.permutation(len(mixed))[:COLUMNS]]
        return [*((i, i) for i in columns), *mixed]

    def _hulled(self, index: int, said: list[Said]) -> list[Said]:
        """Of several arguments at a kink, each gradient as a whole."""
        kinks = {
            (s.who, s.result) for s in said if len(s.columns) == 1 and s.told["kind"] == "kink"
        }
        outside = set()
        for who, result in sorted(kinks) if self.lay.size > 1 else ():
            if self.hulls > 0:
                self.hulls -= 1
                gradient = self.points.answers.first[who][index, result]
                point = self.points.at(index)
                if is_subgradient(self.judge.truths, point, result, gradient) is False:
                    outside.add((who, result))
        wrong = {"kind": "not a subgradient"}
        return [
            s._replace(
                told=s.told | wrong | {"note": f"{s.told['note'].split('; ')[0]}; {OUTSIDE}"}
            )
            if s.told["kind"] == "kink" and len(s.columns) == 1 and (s.who, s.result) in outside
            else s
            for s in said
        ]

    def _dtype_cost(self, point, r: int, told):
        """A value that the dtype's own constants spoil, although float64 has one."""
        if self.points.dtype.itemsize == 8 or told["truth"] != "nan":
            return told
        wide = tuple(as_dtype_tree(p, np.float64) for p in point)
        value = evaluate(trace(self.asked.formula.fn, *wide), wide).flat[r]
        if value.proof != "proven" or not math.isfinite(float(value)):
            return told
        words = f"the same program in float64 has the value {value.decimal(12)}"
        return dict(told, kind="cost of the dtype", excess=math.inf, note=words)


def _decided(said: Said) -> bool:
    return said.told["proof"] != "undecided"
