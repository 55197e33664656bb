"""Numbers and claims in a reader's words, shared by the report and the terminal."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from jaxmath.formula import Source
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

_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_FLAT = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
_POWER = re.compile("(×?)10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)")


def number(value: Any, digits: int = 4) -> str:
    """A value to a few significant digits: 0.3452, 12 346, 1.25×10⁻⁷; words stay as they are."""
    if value is None:
        return "–"
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    if isinstance(value, (int, np.integer)) and abs(int(value)) < 10**15:
        return grouped(str(int(value)))
    if not isinstance(value, (int, float, np.integer, np.floating)):
        return str(value)
    value = float(value)
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    if value == 0 or -4 <= int(exponent) < 6:
        places = max(0, digits - 1 - int(exponent))
        text = f"{value:.{places}f}"
        return grouped(text.rstrip("0").rstrip(".") if "." in text else text)
    mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    power = "10" + str(int(exponent)).translate(_RAISED)
    if mantissa in ("1", "-1"):
        return power if value > 0 else f"−{power}"
    return f"{mantissa}×{power}".replace("-", "−", 1)


def grouped(text: str) -> str:
    """Digits before the point in threes where there are five or more; a true minus sign."""
    sign, text = ("−", text[1:]) if text.startswith("-") else ("", text)
    whole, point, rest = text.partition(".")
    if len(whole) > 4:
        whole = f"{int(whole):,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
    return sign + whole + point + rest


def ascii_only(text: str) -> str:
    """The text in the characters of the oldest terminal: 1.25e-7, <=, +-."""
    text = _POWER.sub(lambda m: ("e" if m.group(1) else "1e") + m.group(2).translate(_FLAT), text)
    for fine, coarse in _COARSE.items():
        text = text.replace(fine, coarse)
    return text.encode("ascii", "replace").decode()


_COARSE = {
    "\N{NARROW NO-BREAK SPACE}": "", "≤": "<=", "≥": ">=", "±": "+-", "∞": "inf", "−": "-",
    "–": "-", "—": "-", "…": "...", "×": "x", "·": "*", "✓": "", "✗": "", "²": "^2", "³": "^3",
    "⁻¹": "^-1", "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "epsilon",
    "η": "eta", "θ": "theta", "κ": "kappa", "λ": "lambda", "μ": "mu", "π": "pi", "ρ": "rho",
    "σ": "sigma", "τ": "tau", "φ": "phi", "ω": "omega", "Σ": "Sigma", "Δ": "Delta", "∂": "d",
    "∇": "grad ", "∑": "sum", "√": "sqrt", "ℓ": "l", "‖": "|", "→": "->", "←": "<-", "≈": "~",
    "ᵀ": "^T", "ₖ": "_k", "ᵢ": "_i", "ⱼ": "_j", "ₙ": "_n", "ₜ": "_t", "₀": "_0", "₁": "_1",
    "₂": "_2", "\u0302": "^", "\u0304": "_", "“": '"', "”": '"', "’": "'",
}  # fmt: skip


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
