"""From a function and its domain to a verdict: points, answers, truth, and a search for the worst.

Answers in floats are cheap and are asked for at many points at once; the truth is asked for where
they look suspicious first, then where functions usually fail, then everywhere in turn. The search
starts from the worst and climbs in bit space.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import jax
import numpy as np
from jax.typing import DTypeLike

from jaxmath.verify.answers import Asked
from jaxmath.verify.branches import Branches
from jaxmath.verify.choosing import Points
from jaxmath.verify.compare import describe
from jaxmath.verify.flat import Layout, layout
from jaxmath.verify.given import Given, as_formula
from jaxmath.verify.linearity import nonlinear
from jaxmath.verify.numerical import estimated
from jaxmath.verify.traps import traps
from jaxmath.verify.verdict import RIGHT, Convention, Finding, Verdict, told, worst

if TYPE_CHECKING:
    from jaxmath.verify.pointwise import Said

LIMIT = 64.0
"""The excess from which an answer is a fault."""

BUDGET, SECONDS = 400, 20.0
"""Points at which the truth is asked; processor seconds for all of them."""

WORK = 4e6
"""How many elementary operations in balls are spent on one function."""

EXPLAINED = 4
"""Of how many faults of one kind the cause is looked for."""

CAUSES = 10.0
"""Seconds after which no simpler points of faults are looked for."""


def examine(
    function: Given,
    *,
    domain: Mapping[str, Any] | None = None,
    wrt: tuple[str, ...] | str | None = None,
    dtype: DTypeLike = np.float64,
    points: Mapping[str, Any] | None = None,
    budget: int = BUDGET,
    seconds: float = SECONDS,
    seed: int = 0,
    order: int = 1,
    analytic: Mapping[str, Callable[..., Any]] | None = None,
    twins: tuple[Any, ...] = (),
    stop_gradients: bool = False,
    convention: Convention | None = None,
    limit: float = LIMIT,
) -> Verdict:
    """Judge the value and the derivatives of a function by the truth.

    Args:
        function: a Formula, or any function of one example.
        domain: the set of each argument, by name; by default the reals where the value is finite.
        wrt: the arguments to differentiate in; by default all that can be, () for the value alone.
        dtype: the precision that is judged.
        points: points to look at first, by argument along axis 0, such as worst ones known before.
        budget: at how many points the truth is asked, fewer of large programs.
        seconds: of the processor, after which the truth is asked no more; how far it came is told.
        seed: of points and search.
        order: 1 for first derivatives, 2 for second ones too.
        analytic: partial derivatives in closed form, by argument.
        twins: high-precision meanings of functions called inside (`jaxmath.exact.Twin`).
        stop_gradients: whether stop_gradient is meant to make constants.
        convention: which slope is meant at kinks; by default any subgradient is right.
        limit: the excess from which an answer is a fault.
    """
    formula, assumed = as_formula(function, domain)
    if analytic:
        formula = dataclasses.replace(formula, partials=dict(analytic))
    wrt = (wrt,) if isinstance(wrt, str) else wrt
    with jax.enable_x64(True), np.errstate(all="ignore"):
        return _Examination(
            formula, assumed, wrt, np.dtype(dtype), budget, seconds, seed, order, twins,
            stop_gradients, convention, limit, points,
        ).verdict()  # fmt: skip


class _Examination:
    def __init__(self, formula, assumed, wrt, dtype, budget, seconds, seed, order, twins, stopped,
                 convention, limit, given):  # fmt: skip
        from jaxmath.exact.own import TWINS
        from jaxmath.verify.explaining import Explainer
        from jaxmath.verify.judging import Judge
        from jaxmath.verify.pointwise import COLUMNS, Pointwise
        from jaxmath.verify.truths import Truths

        self.formula, self.assumed, self.dtype = formula, assumed, dtype
        self.order, self.convention = 0 if wrt == () else order, convention
        self.lay: Layout = layout(formula, wrt or None)
        self.asked = Asked(formula, self.lay, self.order)
        rng = np.random.default_rng(seed)
        self.branches = Branches(formula, self.lay)
        self.points = Points(
            formula, self.lay, self.asked, dtype, given, seed, rng,
            self.branches if self.order else None,
        )  # fmt: skip
        self.deadline = time.thread_time() + seconds
        self.truths = Truths(formula, self.lay, self.points.at(0), (*twins, *TWINS), stopped)
        self.truths.deadline = self.deadline
        judge = Judge(self.truths, limit)
        self.explainer = Explainer(judge, self.asked)
        self.pointwise = Pointwise(self.points, self.asked, judge, self.deadline, rng)
        each = self.truths.program.operations * (1 + min(self.lay.size, COLUMNS))
        self.budget = int(np.clip(WORK / max(each, 1), min(24, budget), budget))
        self.findings: list[Finding] = []
        self.errors: list[tuple[Any, ...]] = []
        self.scores: dict[int, float] = {}
        self.counts: Counter[str] = Counter()
        self.proofs: Counter[str] = Counter()

    def verdict(self) -> Verdict:
        from jaxmath.exact import Missing
        from jaxmath.verify.causes import Causes

        reference, judged = "exact arithmetic", 0
        self._refused()
        try:
            if self.order:
                self._nonlinear()
            most = max(self.budget * 3 // 4, 1)
            for index in self.points.order()[:most]:
                self._judge(int(index))
                judged += 1
                if time.thread_time() > self.deadline:
                    break
            judged += self._climb(self.budget - most)
            self.truths.deadline = math.inf  # the few faults that are told have time of their own
            found = [
                self.explainer.explained(f) if f.fault else f
                for f in worst(self.findings, EXPLAINED)
            ]
        except Missing as missing:
            reference = f"numerical, not proven ({str(missing).split(';')[0]})"
            judged, found = self._estimated(), self.findings
        met = traps(self.branches, self.points) if self.order else ()
        causes = Causes(self.explainer, self.branches, met, CAUSES)
        total = sum(self.proofs.values()) or 1
        return Verdict(
            name=self.formula.name,
            domain=describe(self.formula),
            assumed=self.assumed,
            dtype=self.dtype.name,
            findings=tuple(causes.told(f) if f.fault else f for f in told(found)),
            counts=dict(self.counts),
            shares={k: self.proofs[k] / total for k in ("proven", "estimated", "undecided")},
            points=len(self.points),
            judged=judged,
            reference=reference,
            traps=met,
            data=self._data(),
        )

    def _judge(self, index: int) -> None:
        said = self.pointwise.said(index)
        self.scores[index] = max(self._note(index, s) for s in said)

    def _note(self, index: int, said: Said) -> float:
        """Count an answer, keep it if it is more than right, and return its excess."""
        told = {"ulps": math.nan, "excess": math.nan, **self._as_declared(said.told)}
        argument, own = self.lay.named(said.columns)
        column = said.columns[0] if said.columns else 0
        order = len(said.columns)
        self.errors.append((said.who, argument, order, index, column, told["ulps"], told["excess"]))
        self.counts[told["kind"]] += 1
        self.proofs["estimated" if told["proof"] == "assumed" else told["proof"]] += 1
        if told["kind"] not in RIGHT:
            self.findings.append(
                Finding(
                    who=said.who, argument=argument, order=order,
                    place=(said.result, *own), point=self.points.named(index),
                    answer=said.answer, **told,
                )
            )  # fmt: skip
        return told["excess"] if math.isfinite(told["excess"]) else 0.0

    def _as_declared(self, told: dict[str, Any]) -> dict[str, Any]:
        """A kink answered by another convention than the declared one is a fault."""
        if told["kind"] != "kink" or self.convention in (None, *told.get("conventions", ())):
            return told
        words = f"{told.get('note', '')}, declared: {self.convention}"
        return dict(told, kind="another convention", note=words)

    def _data(self) -> dict[str, np.ndarray]:
        """What was judged: by whom, at which number of the argument, and how far off."""
        names = ("who", "argument", "order", "point", "column", "ulps", "excess")
        columns = zip(*self.errors, strict=True) if self.errors else ((),) * len(names)
        data = {name: np.array(c) for name, c in zip(names, columns, strict=True)}
        theta, _ = self.lay.flatten(self.points.args)
        data["x"] = theta[data["point"].astype(int), data.pop("column").astype(int)]
        if self.lay.size > 1:  # a value belongs to no one of several coordinates
            data["x"] = np.where(data["order"] == 0, np.nan, data["x"])
        return data

    def _refused(self) -> None:
        """Derivatives that JAX does not offer, each with the truth at one point."""
        for argument, reason in self.asked.refused.items():
            self.counts["not available"] += 1
            columns = (self.lay.columns(argument).start,) if argument else (0, 0)
            at, truth, proof = self._sample(columns)
            name, own = self.lay.named(columns)
            self.findings.append(
                Finding(
                    kind="not available", who="all", argument=name, order=len(columns),
                    place=(0, *own), point=self.points.named(at), answer=math.nan, truth=truth,
                    ulps=math.inf, excess=math.inf, proof=proof, note=reason,
                )
            )  # fmt: skip

    def _sample(self, columns: tuple[int, ...]) -> tuple[int, str, str]:
        """A point at which a derivative is known, and what it is."""
        from jaxmath.exact import Missing

        until = time.thread_time() + 4.0
        for index in range(min(len(self.points), 40)):
            if not np.isfinite(self.points.answers.value[index]).all():
                continue
            try:
                number, _ = self.truths.number(self.points.at(index), columns, 0)
            except Missing:
                break
            if number.proof in ("proven", "estimated") and math.isfinite(float(number)):
                return index, number.decimal(), number.proof
            if time.thread_time() > until:
                break
        return 0, "not decided", "undecided"

    def _climb(self, budget: int) -> int:
        """Move the worst points by bits, keep what is worse; returns how many were judged."""
        used = 0
        best = [i for i in self._worst() if np.isfinite(self.truths.theta(self.points.at(i))).all()]
        while used < budget and best and time.thread_time() < self.deadline:
            added = self.points.moved(best)[: budget - used]
            for index in added:
                self._judge(int(index))
            used += max(len(added), 1)
            best = self._worst()
        return used

    def _worst(self) -> list[int]:
        ranked = sorted(self.scores, key=lambda i: -self.scores[i])
        return [i for i in ranked[:6] if self.scores[i] > 0]

    def _estimated(self) -> int:
        """Where a primitive has no exact rule: judge by numbers alone, at fewer points."""
        judged = set()
        for index, said in estimated(self.formula, self.points) if self.order else ():
            judged.add(index)
            self._note(index, said)
        return len(judged)

    def _nonlinear(self) -> None:
        """Custom rules that are not linear in what they are given."""
        if self.explainer.ruled:
            for index, said in nonlinear(self.asked, self.points):
                self._note(index, said)
