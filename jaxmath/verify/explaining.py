"""What a fault comes from: the one place where a finding is given its cause."""

from __future__ import annotations

import dataclasses
import functools
import math

import jax
import numpy as np

from jaxmath.verify import probes
from jaxmath.verify.answers import Answers, Asked
from jaxmath.verify.choosing import with_coordinates
from jaxmath.verify.judging import Judge, number_of, words_of
from jaxmath.verify.rules import Rules
from jaxmath.verify.verdict import Finding

ROUNDED = ("inaccurate", "vanished", "NaN or infinite")
"""The faults that float64 may not have."""


class Explainer:
    """Names causes, by further questions to the truth and to the function.

    Args:
        judge: of the function.
        asked: who answers in floats.
    """

    def __init__(self, judge: Judge, asked: Asked):
        self.judge, self.truths, self.asked, self.lay = judge, judge.truths, asked, asked.lay
        self.rules = Rules(asked.formula, asked.lay)
        self.ruled = "custom_" in str(self.truths.program.jaxpr)

    def explained(self, finding: Finding) -> Finding:
        """A fault with its cause, where there is one to be named."""
        plain = ("not available", "cost of the dtype", "wrong rule", "another convention")
        if finding.kind in plain:
            return finding
        point = tuple(finding.point[name] for name in self.asked.formula.arguments)
        columns = self.lay.unnamed(finding.argument, finding.place[1:])
        finding = self._caused(finding, point, columns)
        args = {n: jax.tree.map(lambda x: np.asarray(x)[None], v) for n, v in finding.point.items()}
        if finding.order and finding.kind in ("inaccurate", "vanished"):
            finding = self._isolated(finding, args, columns)
        if self.truths.dtype.itemsize < 8 and finding.kind in ROUNDED:
            answer = answers_of(finding, self.asked.wide(args), columns)[0]
            truth = number_of(finding.truth)
            near = abs(float(answer) - truth) <= 1e-6 * abs(truth)
            finding = dataclasses.replace(finding, dtype_alone=bool(near))
        return finding

    def _caused(self, finding: Finding, point, columns: tuple[int, ...]) -> Finding:
        """Whether stop_gradient, an approximation inside, or a rule is to blame."""
        result, near = finding.place[0], self.judge.near
        number = functools.partial(self.truths.number, point, columns, result)
        truth, notes = number()
        if finding.order and "stop_gradient" in notes:
            stopped, _ = number(stop=True)
            if near(stopped, finding.answer) and not near(stopped, number_of(finding.truth)):
                words = "it is right if stop_gradient is meant to make a constant: declare it"
                return dataclasses.replace(
                    finding, kind="stop_gradient changes the derivative", note=words
                )
        own = truth
        twins = sorted(n.removeprefix("twin ") for n in notes if n.startswith("twin "))
        approximation = f"approximation error of {', '.join(twins)}"
        if twins:
            finding = dataclasses.replace(finding, truth_of="its meaning")
            own, _ = number(of="program")
            if near(own, finding.answer):
                return dataclasses.replace(finding, kind="approximation error", note=approximation)
        ruled = self.ruled or finding.who == "closed form"
        if not finding.order or not ruled or not math.isfinite(finding.answer):
            return finding
        said = self.rules.said(finding.who, point, columns, result)
        if said is None or near(said, float(truth)):
            return finding
        words = f"the rule itself, evaluated exactly, says {words_of(said)}"
        if twins and near(said, float(own)):
            words = f"{approximation}; {words}"
            return dataclasses.replace(finding, kind="approximation error", note=words)
        return dataclasses.replace(finding, kind="wrong rule", note=words)

    def _isolated(self, finding: Finding, args, columns: tuple[int, ...]) -> Finding:
        """A derivative that is wrong at one point alone, and right next to it."""
        theta, _ = self.lay.flatten(args)
        bits = probes.bits_of(theta)
        steps = np.array([[8], [-8], [1 << 12], [-(1 << 12)]])
        moved = probes.of_bits(bits + steps, theta.dtype)
        moved = np.where(theta == 0, np.sign(steps) * 1e-3, moved).astype(theta.dtype)
        near = with_coordinates(self.lay, args, np.zeros(4, int), moved)
        answers = answers_of(finding, self.asked(near), columns)
        truth = number_of(finding.truth)
        off = abs(finding.answer - truth) > 0.05 * abs(truth)
        if off and (np.abs(answers - truth) <= 0.02 * abs(truth)).sum() >= 3:
            words = f"next to it the answers are right, such as {answers[0]:.6g}"
            return dataclasses.replace(finding, kind="smooth but treated as a kink", note=words)
        return finding


def answers_of(finding: Finding, answers: Answers, columns: tuple[int, ...]) -> np.ndarray:
    """What the one who is at fault answers at other points."""
    by_order = (answers.value, answers.first.get(finding.who), answers.second.get(finding.who))
    said = np.asarray(by_order[finding.order])
    return said[(slice(None), finding.place[0], *columns)]
