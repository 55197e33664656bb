"""What an examination found: each kind of answer, where, how far from the truth, and who is wrong.

Errors are counted in units in the last place of the truth, and in *excess*: as multiples of what
the rounding of the answer and of the inputs explains,
|answer - truth| / (ulp(truth)/2 + sum_j |dg/dx_j| ulp(x_j)/2).
"""

from __future__ import annotations

import dataclasses
import math
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import jax
import numpy as np

from jaxmath.verify.shrink import complexity
from jaxmath.verify.traps import Trap

Kind = Literal[
    "exact to rounding",
    "inaccurate",
    "ill-conditioned as expected",
    "vanished",
    "NaN or infinite",
    "kink",
    "another convention",
    "not a subgradient",
    "smooth but treated as a kink",
    "jump",
    "boundary",
    "out of range",
    "wrong rule",
    "stop_gradient changes the derivative",
    "not available",
    "depends on rounding",
    "approximation error",
    "cost of the dtype",
    "undecided",
]

Convention = Literal["left", "right", "middle", "zero"]
"""Which slope an answer at a kink is: that of one side, the middle of both, or zero."""

FAULTS = frozenset(
    {
        "inaccurate",
        "vanished",
        "NaN or infinite",
        "another convention",
        "not a subgradient",
        "smooth but treated as a kink",
        "wrong rule",
        "stop_gradient changes the derivative",
        "not available",
        "approximation error",
        "cost of the dtype",
    }
)

OPEN = frozenset({"undecided", "depends on rounding"})
"""What nothing is known of: neither a fault nor green."""

RIGHT = frozenset({"exact to rounding", "ill-conditioned as expected", "out of range"})
"""What needs no word."""

GRAVE = (
    "wrong rule",
    "stop_gradient changes the derivative",
    "NaN or infinite",
    "vanished",
    "smooth but treated as a kink",
    "not a subgradient",
    "another convention",
    "not available",
    "cost of the dtype",
    "approximation error",
    "inaccurate",
)
"""The faults in the order in which they are told."""


@dataclass(frozen=True)
class Finding:
    """One answer to one question at one point.

    Attributes:
        kind: what it is.
        who: "the program", "closed form", "reverse mode", "forward mode", of second order "forward
            over reverse", "reverse over reverse"; "all" of not available.
        argument: the one differentiated in, "" for the value; "x, y" of a mixed derivative.
        order: 0 for the value, 1 for a first derivative, 2 for a second one.
        place: the flat output and, of a derivative, the coordinate within each argument.
        point: the arguments.
        answer: what was computed, NaN where nothing was.
        truth: to 20 digits, in words where it is no number.
        ulps, excess: the error, infinite for what is not finite.
        proof: of the truth: proven, estimated or undecided.
        truth_of: "the program", or "its meaning" where an approximation inside has a twin.
        note: more in words: the slopes at a kink, the convention, the reason.
        conventions: of a kink: which conventions the answer agrees with.
        count: how many answers of the kind were met (this is the worst of them).
        dtype_alone: whether float64 answers right at the same point.
        cause: of a fault, the line that it comes from and what happens there; "" if not found.
        cure: code or a sentence that mends it, "" if none is known.
        simplest: the same fault at the simplest point found, None if it is this one.
        reproducer: of a fault, a few lines of Python that show it.
    """

    kind: Kind
    who: str
    argument: str
    order: int
    place: tuple[int, ...]
    point: Mapping[str, Any]
    answer: float
    truth: str
    ulps: float
    excess: float
    proof: str
    truth_of: str = "the program"
    note: str = ""
    conventions: tuple[Convention, ...] = ()
    count: int = 1
    dtype_alone: bool = False
    cause: str = ""
    cure: str = ""
    simplest: Finding | None = None
    reproducer: str = ""

    @property
    def fault(self) -> bool:
        """Whether something is wrong, conventions and conditioning aside."""
        return self.kind in FAULTS

    @property
    def name(self) -> str:
        """What was asked, such as "d/dx" or "the value"."""
        if self.order < 2:
            return f"d/d{self.argument}" if self.order else "the value"
        first, _, second = self.argument.partition(", ")
        return f"d²/d{first}d{second}" if second else f"d²/d{first}²"

    @property
    def at(self) -> str:
        """The point in words."""
        return ", ".join(f"{name}={shown(value)}" for name, value in self.point.items())

    def __str__(self) -> str:
        who = f" by {self.who}" if self.order else ""
        text = f"{self.name}{who}: {self.kind} at {self.at}"
        if self.kind == "not available":
            text += f"; truth {self.truth}"
        else:
            text += f": answers {self.answer:.17g}, truth {self.truth} ({self.proof})"
        if math.isfinite(self.ulps) and self.fault:
            text += f", {self.ulps:.3g} ulp, {self.excess:.3g} times what rounding explains"
        if self.dtype_alone:
            text += "; float64 is right there"
        return text + (f"; {self.note}" if self.note else "")

    @property
    def explanation(self) -> str:
        """Lines that say where the fault comes from, how to mend it, and its simplest point."""
        parts = []
        if self.cause:
            parts.append(f"cause: {self.cause}")
        if "\n" in self.cure:
            parts.append("cure:\n" + textwrap.indent(self.cure, "  "))
        elif self.cure:
            parts.append(f"cure: {self.cure}")
        if self.simplest is not None:
            s = self.simplest
            parts.append(f"simplest: {s.at}: answers {s.answer:.17g}, truth {s.truth} ({s.proof})")
        return "\n".join(parts)


@dataclass(frozen=True)
class Verdict:
    """All that an examination found; plain data.

    Attributes:
        name, domain, assumed, dtype: what was examined, where; `assumed` if no domain was given.
        findings: the worst of each kind for each opinion and argument, faults first.
        counts: how many answers were of each kind.
        shares: which part of the questions was proven, estimated, undecided.
        points: how many points were looked at in floats; `judged`, at how many the truth was asked.
        reference: words for what judged.
        traps: branches that spoil the gradient where they are not taken.
        data: arrays over all that was judged: "who", "argument", "order", "point" (its index), "x"
            (the coordinate), "ulps", "excess".
    """

    name: str
    domain: str
    assumed: bool
    dtype: str
    findings: tuple[Finding, ...]
    counts: Mapping[str, int]
    shares: Mapping[str, float]
    points: int
    judged: int
    reference: str
    traps: tuple[Trap, ...] = ()
    data: Mapping[str, np.ndarray] = field(default_factory=dict, repr=False, compare=False)

    @property
    def faults(self) -> tuple[Finding, ...]:
        """What is wrong."""
        return tuple(f for f in self.findings if f.fault)

    @property
    def ok(self) -> bool:
        """Nothing is wrong, and nothing was left undecided."""
        return not self.faults and not self.open

    @property
    def open(self) -> tuple[Finding, ...]:
        """What could not be decided."""
        return tuple(f for f in self.findings if f.kind in OPEN)

    def __str__(self) -> str:
        lines = [
            f"{self.name} on {self.domain}"
            + (" (assumed: where the value is finite)" if self.assumed else "")
            + f", {self.dtype}"
        ]
        if not self.faults:
            lines.append(
                "  Nothing is wrong: value and slopes are as exact as rounding allows."
                if self.ok else "  Nothing wrong was found, but not all could be decided."
            )  # fmt: skip
        for title, why in self.explanations():
            lines.append(f"  {title}")
            lines += [textwrap.indent(why, "    ")] if why else []
        lines += [f"  {finding}" for finding in self.open]
        others = [f for f in self.findings if f.kind in ("kink", "jump", "boundary")]
        lines += [f"  {finding}" for finding in others[:6]]
        counts = ", ".join(f"{n} {kind}" for kind, n in sorted(self.counts.items()))
        shares = ", ".join(f"{100 * s:.3g}% {word}" for word, s in self.shares.items() if s)
        lines.append(f"  {self.points} points, the truth asked at {self.judged}: {counts}")
        lines.append(f"  {self.reference}: {shares}")
        return "\n".join(lines)

    def explanations(self) -> list[tuple[str, str]]:
        """Of each fault what it is, and the lines that explain it, each cause once; then the traps
        that lie behind none of them.
        """
        told: set[str] = set()
        found = []
        for finding in self.faults:
            again = dataclasses.replace(finding, cause="the same as before", cure="")
            found.append((str(finding), (again if finding.cause in told else finding).explanation))
            told |= {finding.cause} - {""}
        return found + [(trap.title, trap.why) for trap in self.traps if trap.cause not in told]

    def reproducer(self) -> str:
        """A few lines of Python that show the gravest fault, "" if there is none."""
        return next((f.reproducer for f in self.faults if f.reproducer), "")

    def _repr_html_(self) -> str:
        """The table that a notebook shows."""
        from jaxmath.verify.notebook import html_of

        return html_of(self)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON: everything but the arrays."""
        found = dataclasses.asdict(dataclasses.replace(self, data={}))
        del found["data"]
        found["ok"] = self.ok
        simplest = [f["simplest"] for f in found["findings"] if f["simplest"] is not None]
        for finding in (*found["findings"], *simplest):
            finding["answer"], finding["ulps"], finding["excess"] = (
                repr(float(finding[key])) for key in ("answer", "ulps", "excess")
            )
        for told in (*found["findings"], *simplest, *found["traps"]):
            told["point"] = {k: _plain(v) for k, v in told["point"].items()}
        return found


def worst(findings: Iterable[Finding], most: int) -> list[Finding]:
    """The worst few findings of each kind, opinion and argument, each with the number of all."""
    groups: dict[tuple, list[Finding]] = {}
    for finding in findings:
        key = finding.kind, finding.who, finding.argument, finding.order
        groups.setdefault(key, []).append(finding)
    kept = []
    for group in groups.values():
        ranked = sorted(group, key=_rank)
        kept += [dataclasses.replace(f, count=max(f.count, len(group))) for f in ranked[:most]]
    return kept


def _rank(finding: Finding) -> tuple[Any, ...]:
    """The worst first; of those beyond all measure the one at the simplest point."""
    severity = _severity(finding)
    simple = complexity(dict(finding.point)) if math.isinf(severity) else ()
    return finding.proof == "undecided", -severity, simple


def told(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The worst of each kind, opinion and argument, in the order in which they are told."""
    rank = {kind: k for k, kind in enumerate(GRAVE)}
    return tuple(
        sorted(worst(findings, 1), key=lambda f: (rank.get(f.kind, 99), _rank(f), f.order))
    )


def _severity(finding: Finding) -> float:
    return math.inf if math.isnan(finding.excess) else finding.excess


def _plain(value):
    return jax.tree.map(lambda leaf: np.asarray(leaf).tolist(), value)


def shown(value) -> str:
    """A number or an array, so that it can be typed in again."""
    leaves = jax.tree.leaves(value)
    if len(leaves) > 1:
        return "(" + ", ".join(map(shown, leaves)) + ")"
    array = np.asarray(leaves[0])
    if array.ndim == 0:
        return repr(array.item())
    text = np.array2string(
        array, separator=", ", max_line_width=200, threshold=32, floatmode="unique"
    )
    return text.replace("\n", "")
