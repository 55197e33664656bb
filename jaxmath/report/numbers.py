"""Numbers as a person reads them: on a page, on a terminal, on one that knows ASCII alone."""

from __future__ import annotations

import math
import re
import unicodedata
from itertools import groupby
from typing import Any

import numpy as np
from markupsafe import Markup, escape

_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_FLAT = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
_POWER = re.compile("(×?)10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)")
_TRUE = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "−0123456789")


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
    """The text in the characters of the oldest terminal: 1.25e-7, <=, +-, x^2, lambda_max."""
    text = _POWER.sub(lambda m: ("e" if m.group(1) else "1e") + m.group(2).translate(_FLAT), text)
    for fine, coarse in _COARSE.items():
        text = text.replace(fine, coarse)
    return "".join(_in_ascii(kind, "".join(run)) for kind, run in groupby(text, _kind))


def _kind(character: str) -> str:
    """Whether it is raised (<super>), lowered (<sub>), a Greek letter, another, or plain ASCII."""
    if character.isascii():
        return ""
    raised = unicodedata.decomposition(character).partition(" ")[0]
    if raised in ("<super>", "<sub>"):
        return raised
    return "GREEK" if unicodedata.name(character, "").startswith("GREEK") else "other"


def _in_ascii(kind: str, run: str) -> str:
    if not kind:
        return run
    if kind == "GREEK":
        return "".join(map(_spelled, run))
    plain = unicodedata.normalize("NFKD", run).replace("−", "-").encode("ascii", "ignore").decode()
    return {"<super>": "^", "<sub>": "_"}.get(kind, "") + (plain or "?" * len(run))


def _spelled(letter: str) -> str:
    name = unicodedata.name(letter)
    word = name.partition(" LETTER ")[2].partition(" ")[0].lower() or "?"
    word = "lambda" if word == "lamda" else word
    return word.title() if "CAPITAL" in name else word


_COARSE = {
    "\N{NARROW NO-BREAK SPACE}": "", "≤": "<=", "≥": ">=", "±": "+-", "∞": "inf", "−": "-",
    "–": "-", "—": "-", "…": "...", "×": "x", "·": "*", "✓": "", "✗": "", "∂": "d", "∇": "grad ",
    "∑": "sum", "√": "sqrt", "ℓ": "l", "‖": "|", "∣": "|", "→": "->", "←": "<-", "≈": "~",
    "≠": "!=", "∈": " in ", "∫": "integral ", "∏": "product ", "∘": "*", "⋅": "*", "∗": "*",
    "∧": "and", "∨": "or", "⊤": "^T", "′": "'", "≪": "<<", "≫": ">>", "∝": "~", "⟨": "<",
    "⟩": ">", "⌊": "floor(", "⌋": ")", "ϵ": "epsilon", "ϕ": "phi", "\u0302": "^", "\u0304": "_",
    "“": '"', "”": '"', "’": "'", "‘": "'", "│": "|", "─": "-",
}  # fmt: skip


def pretty(text: Any) -> Markup:
    """A number in words as HTML: powers of ten raised."""
    shown = escape(number(text))
    powers = _POWER.sub(
        lambda m: f"{' × ' if m[1] else ''}10<sup>{m[2].translate(_TRUE)}</sup>",
        shown,
    )
    return Markup(powers)
