"""The colours of figures and reports, for light and for dark surroundings.

Text stands out from the paper by a contrast of at least 4.5, lines by at least 3 (WCAG 2), and the
six hues stay apart for the three kinds of colour blindness; tests hold both.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Theme:
    """One set of colours.

    Attributes:
        name: "light" or "dark".
        paper, wash: the ground, and the same a shade off, for code and for marked rows.
        ink, muted: text, and text that stands back.
        rule, grid: lines of an axis; hairlines behind the data.
        good, bad, open: a claim that passes, fails, is undecided or skipped.
        link: links.
        hues: the colours of single curves, in their order.
        scale: the part of the "plasma" colour map that stands out from the paper.
    """

    name: str
    paper: str
    wash: str
    ink: str
    muted: str
    rule: str
    grid: str
    good: str
    bad: str
    open: str
    link: str
    hues: tuple[str, ...]
    scale: tuple[float, float]


LIGHT = Theme(
    name="light",
    paper="#ffffff",
    wash="#f5f4f1",
    ink="#1c1e22",
    muted="#5c6068",
    rule="#83878f",
    grid="#e6e6e3",
    good="#17663c",
    bad="#b3261e",
    open="#7a5300",
    link="#1f4fbf",
    hues=("#1f4fbf", "#c94f0a", "#12826a", "#93388f", "#6b1f12", "#2b2e38"),
    scale=(0.0, 0.62),
)

DARK = Theme(
    name="dark",
    paper="#15171b",
    wash="#1f2228",
    ink="#e7e6e3",
    muted="#a3a7af",
    rule="#7c818b",
    grid="#2b2f36",
    good="#6fd49a",
    bad="#ff8f85",
    open="#e6bd62",
    link="#a5d3f7",
    hues=("#a5d3f7", "#dd7d3c", "#55dba0", "#b878dc", "#ead54f", "#8592a3"),
    scale=(0.40, 1.0),
)

THEMES = (LIGHT, DARK)


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours "#rrggbb", from 1 to 21, as WCAG 2 defines it."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(color: str) -> float:
    parts = (int(color[place : place + 2], 16) / 255 for place in (1, 3, 5))
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
