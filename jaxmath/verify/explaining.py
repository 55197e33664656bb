"""What a fault comes from: the one place where a finding is given its cause."""

from __future__ import annotations

import dataclasses
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
        if finding.kind in ("not available", "cost of the dtype"):
            return finding
        point = tuple(finding.point[name] for name in self.asked.formula.arguments)
        column = 0
        if finding.order:
            column = self.lay.columns(finding.argument).start + finding.place[1]
        finding = self._caused(finding, point, column)
        args = {n: jax.tree.map(lambda x: np.asarray(x)[None], v) for n, v in finding.point.items()}
        if finding.order and finding.kind in ("inaccurate", "vanished"):
            finding = self._isolated(finding, args, column)
        if self.truths.dtype.itemsize < 8 and finding.kind in ROUNDED:
            answer = _answer(finding, self.asked.wide(args), column)[0]
            truth = number_of(finding.truth)
            near = abs(float(answer) - truth) <= 1e-6 * abs(truth)
            finding = dataclasses.replace(finding, dtype_alone=bool(near))
        return finding

    def _caused(self, finding: Finding, point, column: int) -> Finding:
        """Whether stop_gradient, an approximation inside, or a rule is to blame."""
        result = finding.place[0]
        found = self.truths.along(point, [column])
        if finding.order and "stop_gradient" in found.notes:
            stopped = self.truths.along(point, [column], stop=True).right[1, 0, result]
            changed = not self.judge.near(stopped, number_of(finding.truth))
            if changed and self.judge.near(stopped, finding.answer):
                words = "it is right if stop_gradient is meant to make a constant: declare it"
                return dataclasses.replace(
                    finding, kind="stop_gradient changes the derivative", note=words
                )
        own = None
        twins = sorted(n.removeprefix("twin ") for n in found.notes if n.startswith("twin "))
        approximation = f"approximation error of {', '.join(twins)}"
        if twins:
            finding = dataclasses.replace(finding, truth_of="its meaning")
            program = self.truths.along(point, [column], of="program")
            own = program.value.flat[result]
            if finding.order:
                own = program.right[1, 0, result]
            if self.judge.near(own, finding.answer):
                return dataclasses.replace(finding, kind="approximation error", note=approximation)
        if finding.order == 0 or not self.ruled or not math.isfinite(finding.answer):
            return finding
        said = self.rules.said(finding.who, point, column, result)
        if said is None or self.judge.near(said, float(found.right[1, 0, result])):
            return finding
        words = f"the rule itself, evaluated exactly, says {words_of(said)}"
        if "loop on real numbers" in found.notes and self.judge.near(said, finding.answer):
            words += ", and the program is a loop that ends by a condition on numbers"
            return dataclasses.replace(finding, kind="depends on rounding", note=words)
        if own is not None and self.judge.near(said, float(own)):
            words = f"{approximation}; {words}"
            return dataclasses.replace(finding, kind="approximation error", note=words)
        return dataclasses.replace(finding, kind="wrong rule", note=words)

    def _isolated(self, finding: Finding, args, column: int) -> Finding:
        """A derivative that is wrong at one point alone, and right next to it."""
        theta, _ = self.lay.flatten(args)
        bits = probes.bits_of(theta)
        steps = np.array([[8], [-8], [1 << 12], [-(1 << 12)]])
        moved = probes.of_bits(bits + steps, theta.dtype)
        moved = np.where(theta == 0, np.sign(steps) * 1e-3, moved).astype(theta.dtype)
        near = with_coordinates(self.lay, args, np.zeros(4, int), moved)
        answers = _answer(finding, self.asked(near), column)
        truth = number_of(finding.truth)
        off = abs(finding.answer - truth) > 0.05 * abs(truth)
        if off and (np.abs(answers - truth) <= 0.02 * abs(truth)).sum() >= 3:
            words = f"next to it the answers are right, such as {answers[0]:.6g}"
            return dataclasses.replace(finding, kind="smooth but treated as a kink", note=words)
        return finding


def _answer(finding: Finding, answers: Answers, column: int) -> np.ndarray:
    """What the one who is at fault answers at other points."""
    result = finding.place[0]
    if finding.order == 0:
        return answers.value[:, result]
    return answers.first[finding.who][:, result, column]
