"""Numbers and claims in a reader's words, shared by the report and the terminal."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

import numpy as np

from jaxmath.formula import Source
from jaxmath.report.numbers import number
from jaxmath.runs.expectation import TOLERANCE
from jaxmath.runs.experiment import Claim, Outcome
from jaxmath.runs.run import Run
from jaxmath.sources import SOURCES

SYMBOLS = {
    Outcome.PASS: "✓",
    Outcome.FAIL: "✗",
    Outcome.UNDECIDED: "?",
    Outcome.SKIPPED: "–",
}
RELATIONS = {"=": "=", "<=": "≤", ">=": "≥", "in": "in", "true": "true"}


def citation(source: Source | str) -> str:
    """The full citation of a work with the place in it, or the words given."""
    if isinstance(source, str):
        return source
    work = SOURCES.get(source.key, source.key)
    return f"{work}, {source.place}" if source.place else work


def verdict(run: Run) -> str:
    """How the claims ended, in one sentence: "5 of 6 claims pass; 1 fails."."""
    if not run.claims:
        return "This run makes no claims."
    count = Counter(run.outcome(claim) for claim in run.claims)
    total, skipped = len(run.claims), count[Outcome.SKIPPED]
    judged = total - skipped
    rest = []
    if failed := count[Outcome.FAIL]:
        rest.append(f"{failed} {'fails' if failed == 1 else 'fail'}")
    if undecided := count[Outcome.UNDECIDED]:
        rest.append(f"{undecided} {'is' if undecided == 1 else 'are'} undecided")
    if skipped:
        rest.append(
            f"{skipped} {'needs' if skipped == 1 else 'need'} a full run and "
            f"{'was' if skipped == 1 else 'were'} skipped in this smoke run"
        )
    sentence = (
        f"{count[Outcome.PASS]} of {judged} {'claim passes' if judged == 1 else 'claims pass'}"
    )
    return "; ".join([sentence, *rest]) + "."


def alone(run: Run) -> str:
    """What a lane of a sweep has to do with a run of its setting alone; nothing without a sweep."""
    if not run.axes:
        return ""
    precision = str(run.config.get("precision", "float64"))
    told = f"about {number(TOLERANCE[precision])}, relative"
    if precision == "float32":
        told += ", since in float32 it grows over the steps of a training"
    return (
        f"A run of one of these settings alone differs from what stands here by rounding: {told}."
    )


@dataclass(frozen=True)
class Row:
    """One claim as a reader sees it; numbers to a few digits, `exact` to the last."""

    outcome: Outcome
    claim: Claim
    measured: str
    expected: str
    tolerance: str
    note: str = ""
    exact: str = ""

    @property
    def symbol(self) -> str:
        """A mark that goes before the word of the outcome."""
        return SYMBOLS[self.outcome]


def row(run: Run, claim: Claim) -> Row:
    """Put one claim of a run into words, by the entry of it that is furthest off."""
    outcome = run.outcome(claim)
    if outcome is Outcome.SKIPPED:
        return Row(outcome, claim, "–", _expected(claim, None), _tolerance(claim), "full runs only")
    if claim.measured is None:
        return Row(outcome, claim, "–", _expected(claim, None), _tolerance(claim), "not decided")
    size = int(np.size(claim.measured))
    if size == 0:
        return Row(outcome, claim, "nothing", _expected(claim, None), "", "no entry was measured")
    if claim.relation == "true":
        held = int(np.sum(np.asarray(claim.measured, bool)))
        measured = number(held == size) if size == 1 else f"{held:,} of {size:,}"
        return Row(outcome, claim, measured, "true", "", "" if size == 1 else "entries hold")
    worst, target = claim.worst()
    note = f"worst of {size:,}" if size > 1 else ""
    digits = 4
    if claim.relation == "=":
        gap = abs(worst - target) / (abs(target) if claim.relative and target else 1.0)
        off = f"off by {number(gap, 2)}" if gap else "no difference"
        note = f"{note}, {off}" if note else off
        # A failure shows two numbers to the digit where they differ; a pass shows two equal ones,
        # though rounding to four digits may have parted them.
        failed = outcome is Outcome.FAIL
        if worst != target:
            digits = next(
                (
                    d
                    for d in range(4, 18 if failed else 8)
                    if (number(worst, d) != number(target, d)) is failed
                ),
                4,
            )
    exact = f"measured {worst!r}" + ("" if math.isnan(target) else f", expected {target!r}")
    return Row(
        outcome,
        claim,
        number(worst, digits),
        _expected(claim, target, digits),
        _tolerance(claim),
        note,
        exact,
    )


def _expected(claim: Claim, target: float | None, digits: int = 4) -> str:
    """The relation with what stands on its right side."""
    if claim.relation == "true":
        return "true"
    if claim.relation == "in":
        low, high = (np.asarray(end).ravel() for end in claim.expected)
        if low.size == high.size == 1:
            return f"in [{number(low[0])}, {number(high[0])}]"
        return "in its interval"
    sign = RELATIONS[claim.relation]
    if target is None or math.isnan(target):
        entries = np.asarray(claim.expected, float).ravel()
        if entries.size != 1:
            return f"{sign} its own value"
        target = float(entries[0])
    return f"{sign} {number(target, digits)}"


def _tolerance(claim: Claim) -> str:
    if claim.relation in ("in", "true"):
        return ""
    if not claim.tolerance:
        return "exact" if claim.relation == "=" else ""
    size = number(claim.tolerance, 3)
    return f"{size} relative" if claim.relative else size
