"""What was found as a heading, a table and a few remarks, for a notebook or any other page."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Literal, NamedTuple

from jaxmath.verify.report import Report, Row
from jaxmath.verify.verdict import Finding, Verdict, shown

State = Literal["right", "wrong", "undecided"]

MOST = 12
"""As many rows are shown."""

WORDS = {
    "inaccurate": "has lost digits",
    "vanished": "is 0 where the truth is not",
    "NaN or infinite": "is NaN or infinite where the truth is a number",
    "another convention": "follows another convention at a kink than the declared one",
    "not a subgradient": "is no subgradient at a kink",
    "smooth but treated as a kink": "is wrong at one point alone, where the function is smooth",
    "wrong rule": "comes from a rule that is not the derivative",
    "stop_gradient changes the derivative": "is changed by stop_gradient",
    "not available": "is not available",
    "approximation error": "is off because a function inside is only approximated",
    "cost of the dtype": "is lost in this dtype and not in float64",
}
"""What each kind of fault says of an answer, in plain words."""

HEADER = ("what", "verdict", "where", "answer", "truth", "error")
MARK = {"right": "✓", "wrong": "✗", "undecided": "?"}

REMARKABLE = ("undecided", "depends on rounding", "kink", "jump", "boundary")


class Entry(NamedTuple):
    """A row of the table: one derivative, its worst point, and what is wrong with it there."""

    state: State
    what: str
    kind: str
    where: str
    answer: str
    truth: str
    error: str
    note: str


class Summary(NamedTuple):
    """What was found of one function.

    `title` is its name, `place` the domain and the dtype, `sentence` the verdict in plain words;
    `why` are lines about where the faults come from, `reproducer` is code that shows the gravest.
    """

    title: str
    place: str
    state: State
    sentence: str
    entries: tuple[Entry, ...]
    remarks: tuple[str, ...]
    why: str = ""
    reproducer: str = ""


def summary(found: Verdict | Report) -> Summary:
    """The heading, the table and the remarks of a verdict or of a report."""
    return _of_verdict(found) if isinstance(found, Verdict) else _of_report(found)


def _of_verdict(verdict: Verdict) -> Summary:
    assumed = ", assumed: where the value is finite" if verdict.assumed else ""
    others = [f for kind in REMARKABLE for f in verdict.findings if f.kind == kind]
    counts = ", ".join(f"{n} {kind}" for kind, n in sorted(verdict.counts.items()))
    shares = ", ".join(f"{100 * s:.3g}% {word}" for word, s in verdict.shares.items() if s)
    state: State = "right" if verdict.ok else "wrong" if verdict.faults else "undecided"
    if state == "right":
        sentence = "Nothing is wrong: value and slopes are as exact as rounding allows."
    elif state == "wrong":
        sentence = _wrong(verdict.faults)
    else:
        sentence = f"Not decided: {_listed([_what(f) for f in verdict.open])}."
    return Summary(
        title=verdict.name,
        place=f"{verdict.domain}{assumed}; {verdict.dtype}",
        state=state,
        sentence=sentence,
        entries=tuple(_entry(f) for f in (*verdict.faults, *others)[:MOST]),
        remarks=(
            f"{verdict.points} points, the truth asked at {verdict.judged}: {counts}.",
            f"How sure: {verdict.reference}, {shares}.",
        ),
        why="\n\n".join(f"{title}\n{why}" for title, why in verdict.explanations() if why),
        reproducer=verdict.reproducer(),
    )


def _wrong(faults: Iterable[Finding]) -> str:
    """Who is wrong and how, each kind once."""
    subjects: dict[str, list[str]] = {}
    for fault in faults:
        who = (
            fault.name if not fault.order or fault.who == "all" else f"{fault.name} by {fault.who}"
        )
        subjects.setdefault(fault.kind, []).append(who)
    told = [f"{_listed(who)} {WORDS.get(kind, kind)}" for kind, who in subjects.items()]
    return "Wrong: " + "; ".join(told) + "."


def _what(finding: Finding) -> str:
    by = f" by {finding.who}" if finding.order and finding.who != "all" else ""
    return finding.name + by


def _listed(names: list[str]) -> str:
    """Such as "d/dx by reverse mode and by forward mode"."""
    heads: dict[str, list[str]] = {}
    for name in dict.fromkeys(names):
        head, by, who = name.partition(" by ")
        heads.setdefault(head, []).append(f"by {who}" if by else "")
    return ", ".join(f"{head} {' and '.join(who)}".strip() for head, who in heads.items())


def _entry(finding: Finding) -> Entry:
    parts = []
    if math.isfinite(finding.ulps) and finding.ulps:
        parts.append(f"{finding.ulps:.3g} ulp")
    if math.isfinite(finding.excess) and finding.excess:
        parts.append(f"{finding.excess:.3g} times what rounding explains")
    note = [finding.note] if finding.note else []
    note += ["float64 is right there"] if finding.dtype_alone else []
    note += [f"one of {finding.count}, the worst"] if finding.count > 1 else []
    return Entry(
        state="wrong" if finding.fault else "undecided" if finding.kind == "undecided" else "right",
        what=_what(finding),
        kind=finding.kind,
        where=", ".join(f"{name}={shown(value)}" for name, value in finding.point.items()),
        answer="none" if finding.kind == "not available" else f"{finding.answer:.17g}",
        truth=_middle(finding.truth),
        error=", ".join(parts),
        note="; ".join(note),
    )


def _middle(truth: str) -> str:
    """The number without the radius of its ball, which is below the last digit shown."""
    ball = re.fullmatch(r"\[(\S+) \+/- \S+\]", truth)
    return ball[1] if ball else truth


def _of_report(report: Report) -> Summary:
    state: dict[str, State] = {"agree": "right", "disagree": "wrong", "undecided": "undecided"}
    assumed = ", assumed: the reals where the value is finite" if report.assumed else ""

    def entry(row: Row) -> Entry:
        worst = row.worst if row.verdict != "agree" else None
        answers = worst.answers if worst else {}
        return Entry(
            state=state[row.verdict],
            what=row.name,
            kind=row.verdict,
            where=str(worst).partition(": ")[0].removeprefix("at ") if worst else "",
            answer="; ".join(f"{name} {value:.17g}" for name, value in answers.items()),
            truth=f"{worst.reference:.10g} ± {worst.reference_error:.1g}" if worst else "",
            error=f"agree to {row.digits:.1f} digits" if not worst else f"{worst.ulps:.3g} ulp",
            note="wrong: " + ", ".join(f"{who} ({n})" for who, n in row.blame.items())
            if row.blame
            else "",
        )

    return Summary(
        title=report.name,
        place=f"{report.domain}{assumed}; {report.dtype}",
        state=state[report.verdict],
        sentence=report.sentence(),
        entries=tuple(entry(row) for row in report.rows),
        remarks=(*report.notes, f"{report.points} points; {report.reference}."),
    )
