"""What a comparison of derivatives found, as plain data and as a short text."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import jax
import numpy as np

Verdict = Literal["agree", "disagree", "undecided"]

BLAMED = "closed form or JAX"
"""Who is wrong where opinions differ by less than the reference can tell."""


@dataclass(frozen=True)
class Worst:
    """One entry of one derivative at one point: what each opinion answers there."""

    point: Mapping[str, Any]
    answers: Mapping[str, float]
    reference: float
    reference_error: float
    relative: float
    ulps: float

    def __str__(self) -> str:
        at = ", ".join(f"{name}={_short(value)}" for name, value in self.point.items())
        said = ", ".join(f"{name} {value:.17g}" for name, value in self.answers.items())
        truth = (
            f"reference {self.reference:.10g} ± {self.reference_error:.1g}"
            if math.isfinite(self.reference_error)
            else "the reference cannot tell"
        )
        return f"at {at}: {said}; {truth}"


@dataclass(frozen=True)
class Row:
    """One derivative: of first order in one argument, or of second order in a pair.

    Attributes:
        arguments: one name, or two for a second derivative.
        agree, disagree, undecided: how many entries (points times coordinates) ended so.
        zeros: entries where all opinions are exactly zero and the reference sees nothing either,
            as far as it can: neither proof nor doubt.
        kinks: entries at a kink, where there is no derivative and none is judged.
        unasked: entries of long vectors where the reference did not look; the opinions agree.
        blame: how often each opinion was wrong, by name; empty when nothing disagrees.
        digits: to how many digits the opinions agree with each other at the worst entry where
            nothing disagrees, beyond what the conditioning explains: 15.9 is all of float64.
        worst: the entry with the largest error among those of the worst verdict, or None.
        data: by name, arrays over entries: "point" (its index), "coordinate", "x" (the coordinate's
            value), each opinion, "reference", "reference error", "allowed" (the rounding that
            conditioning explains), "verdict" (0 agree, 1 disagree, 2 undecided, 3 kink, 4 zero,
            5 not asked).
    """

    arguments: tuple[str, ...]
    agree: int
    disagree: int
    undecided: int
    zeros: int
    kinks: int
    unasked: int
    blame: Mapping[str, int]
    digits: float
    worst: Worst | None
    data: Mapping[str, np.ndarray]

    @property
    def order(self) -> int:
        """One, or two for a second derivative."""
        return len(self.arguments)

    @property
    def name(self) -> str:
        """The derivative in symbols, such as "d/dx" or "d²/dx dy"."""
        if self.order == 1:
            return f"d/d{self.arguments[0]}"
        one, two = self.arguments
        return f"d²/d{one}²" if one == two else f"d²/d{one} d{two}"

    @property
    def judged(self) -> int:
        """The number of entries that have a derivative."""
        return self.agree + self.disagree + self.undecided + self.zeros + self.unasked

    @property
    def verdict(self) -> Verdict:
        """Disagree if any entry does; agree if at least a quarter agrees and no entry disagrees."""
        if self.disagree:
            return "disagree"
        settled = self.agree + self.zeros
        decided = settled >= max(1, (settled + self.undecided) / 4)
        return "agree" if decided else "undecided"

    def __str__(self) -> str:
        counts = [f"{self.agree} agree"]
        for count, word in (
            (self.disagree, "disagree"),
            (self.undecided, "undecided"),
            (self.zeros, "zero"),
            (self.kinks, "at a kink"),
            (self.unasked, "agree unseen by the reference"),
        ):
            if count:
                counts.append(f"{count} {word}")
        text = f"{self.name}: {self.verdict}, to {self.digits:.1f} digits ({', '.join(counts)})"
        if self.blame:
            text += "; wrong: " + ", ".join(f"{who} ({n})" for who, n in self.blame.items())
        return text


@dataclass(frozen=True)
class Report:
    """The comparison of every opinion on every derivative of one function.

    `ok` is true if every row agrees. `str(report)` is a short text whose first line says on which
    domain; `to_dict()` is plain data for JSON, without the arrays.
    """

    name: str
    domain: str
    assumed: bool
    dtype: str
    points: int
    reference: str
    opinions: tuple[str, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """The worst of the rows' verdicts."""
        verdicts = {row.verdict for row in self.rows}
        if "disagree" in verdicts:
            return "disagree"
        return "undecided" if "undecided" in verdicts or not self.rows else "agree"

    @property
    def ok(self) -> bool:
        """Whether every derivative agrees; an undecided one is not a pass."""
        return self.verdict == "agree"

    def row(self, *arguments: str) -> Row:
        """The row of one argument, or of a pair in either order."""
        for row in self.rows:
            if row.arguments in (arguments, arguments[::-1]):
                return row
        raise KeyError(f"{self.name} has no derivative in {arguments}.")

    def sentence(self) -> str:
        """The finding in plain words."""
        digits = min((row.digits for row in self.rows), default=math.nan)
        hand = "closed form" in self.opinions
        order = "slopes and curvatures" if any(r.order == 2 for r in self.rows) else "slopes"
        if self.ok:
            who = (
                f"The {order} written by hand equal those computed by JAX"
                if hand
                else f"The {order} computed by JAX, forward and reverse, equal each other"
            )
            return (
                f"{who}, to {math.floor(digits)} digits, "
                "and both equal those measured by differences."
            )
        if self.verdict == "undecided":
            rows = ", ".join(row.name for row in self.rows if row.verdict == "undecided")
            return f"Not decided: too few points where the reference can tell ({rows})."
        rows = [row for row in self.rows if row.verdict == "disagree"]
        return (
            "Wrong: "
            + "; ".join(
                f"{row.name} by {', '.join(row.blame)} at {row.disagree} of {row.judged} places"
                for row in rows
            )
            + "."
        )

    def __str__(self) -> str:
        lines = [
            f"{self.name} on {self.domain}"
            + (" (assumed: the reals where the value is finite)" if self.assumed else "")
            + f", {self.dtype}"
            + (f", {self.points} points" if self.points > 1 else ""),
            self.sentence(),
        ]
        for row in self.rows:
            lines.append(f"  {row}")
            if row.verdict != "agree" and row.worst:
                lines.append(f"    worst {row.worst}")
        lines += [f"  note: {note}" for note in self.notes]
        return "\n".join([*lines, f"  reference: {self.reference}"])

    def _repr_html_(self) -> str:
        """The table that a notebook shows."""
        from jaxmath.verify.notebook import html_of

        return html_of(self)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON: everything but the arrays."""
        return dict(
            name=self.name,
            domain=self.domain,
            assumed=self.assumed,
            dtype=self.dtype,
            points=self.points,
            reference=self.reference,
            opinions=list(self.opinions),
            verdict=self.verdict,
            ok=self.ok,
            notes=list(self.notes),
            rows=[
                dict(
                    name=row.name,
                    arguments=list(row.arguments),
                    order=row.order,
                    verdict=row.verdict,
                    agree=row.agree,
                    disagree=row.disagree,
                    undecided=row.undecided,
                    zeros=row.zeros,
                    kinks=row.kinks,
                    unasked=row.unasked,
                    digits=row.digits,
                    blame=dict(row.blame),
                    worst=None if row.worst is None else str(row.worst),
                )
                for row in self.rows
            ],
        )


def _short(value) -> str:
    leaves = jax.tree.leaves(value)
    if len(leaves) > 1:
        return "(" + ", ".join(map(_short, leaves)) + ")"
    array = np.asarray(*leaves)
    if array.ndim == 0:
        return f"{array.item()!r}"
    return np.array2string(array, separator=", ", max_line_width=200, threshold=8)
