"""What an experiment hands over: claims, tables and plots, as plain data.

An experiment is one module with `Config` (a frozen dataclass with complete defaults),
`load(config) -> data`, `measure(config, data, key) -> arrays`, `judge(config, data, measured) ->
Result`, and `draw(result) -> tuple[Plot, ...]` where there is something to see.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

import numpy as np

from jaxmath.formula import Source


class Outcome(StrEnum):
    """How a claim ended. Only PASS is a pass; SKIPPED happens in smoke runs alone."""

    PASS = "PASS"
    FAIL = "FAIL"
    UNDECIDED = "UNDECIDED"
    SKIPPED = "SKIPPED"


@dataclass(frozen=True)
class Fault:
    """A mistake, in words, and how to plant it: a function from measured arrays to wrong ones."""

    words: str
    plant: Callable[[dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True)
class Claim:
    """A statement that a run confirms or refutes.

    Attributes:
        name: short and unique within its experiment, such as "gradient_equals_autodiff".
        statement: one sentence for a person; TeX between dollar signs.
        measured: a number, or an array each of whose entries must satisfy the relation; a boolean
            for the relation "true". What is not finite satisfies no relation; None is UNDECIDED.
        relation: how `measured` must stand to `expected`.
        expected: a number or an array like `measured`; a pair of ends for "in"; unused for "true".
        tolerance: how far from `expected` is still equal (or beyond the bound still within).
        relative: whether the tolerance is multiplied by |expected|.
        source: where the truth comes from: a work, or words such as "NumPy's least squares".
        breaks_if: a planted fault that turns this claim red; a test plants it.
        full_only: whether a smoke run is too short to decide it.
    """

    name: str
    statement: str
    measured: Any
    relation: Literal["=", "<=", ">=", "in", "true"]
    expected: Any
    breaks_if: Fault
    source: Source | str
    tolerance: float = 0.0
    relative: bool = False
    full_only: bool = False

    def outcome(self, smoke: bool = False) -> Outcome:
        """Judge the claim; a smoke run skips those that need the full length."""
        if smoke and self.full_only:
            return Outcome.SKIPPED
        if self.measured is None:
            return Outcome.UNDECIDED
        return Outcome.PASS if bool(np.all(self.holds())) else Outcome.FAIL

    def holds(self) -> np.ndarray:
        """Whether the relation holds, entry by entry; an empty array holds nowhere."""
        measured = np.atleast_1d(np.asarray(self.measured, float))
        if measured.size == 0:
            return np.array([False])
        finite = np.isfinite(measured)
        measured = np.where(finite, measured, 0.0)
        if self.relation == "true":
            return finite & (measured != 0)
        if self.relation == "in":
            low, high = self.expected
            return finite & (measured >= low) & (measured <= high)
        expected = np.asarray(self.expected, float)
        known, expected = np.isfinite(expected), np.nan_to_num(expected)
        slack = self.tolerance * (np.abs(expected) if self.relative else 1.0)
        within = {
            "=": np.abs(measured - expected) <= slack,
            "<=": measured <= expected + slack,
            ">=": measured >= expected - slack,
        }
        return finite & known & within[self.relation]

    def worst(self) -> tuple[float, float]:
        """The entry furthest from satisfying the relation, and what was expected of it."""
        measured = np.asarray(self.measured, float)
        if self.relation in ("true", "in") or measured.size == 0:
            expected = math.nan
            index = int(np.argmin(self.holds().ravel()))
            return (float(measured.flat[index]) if measured.size else math.nan), expected
        measured, expected = (
            array.ravel()
            for array in np.broadcast_arrays(measured, np.asarray(self.expected, float))
        )
        gap = {
            "=": np.abs(measured - expected),
            "<=": measured - expected,
            ">=": expected - measured,
        }[self.relation]
        if self.relative:
            with np.errstate(divide="ignore", invalid="ignore"):
                gap = gap / np.abs(expected)
        index = int(np.argmax(np.where(np.isnan(gap), np.inf, gap)))
        return float(measured[index]), float(expected[index])


@dataclass(frozen=True)
class Table:
    """Columns of equal length, by name; units stand in the column's name in brackets.

    `best` is the index of the row to mark as the best, where one is.
    """

    name: str
    title: str
    columns: Mapping[str, Any]
    best: int | None = None


@dataclass(frozen=True)
class Axis:
    """One axis of a plot: what it shows, its unit ("" for a pure number), and its scale.

    It is drawn as "label [unit]", a pure number's as "label [1]". With the scale "auto" it is
    logarithmic where all values are positive and span more than two decades, unless the points
    along x are evenly spaced. "symlog" is logarithmic on both sides of zero and linear close to it.
    """

    label: str
    unit: str = ""
    scale: Literal["linear", "log", "symlog", "auto"] = "auto"


@dataclass(frozen=True)
class Line:
    """One curve, with an optional band around it.

    Attributes:
        label: what it is, in a word or three, drawn beside its end; "" for none. TeX between
            dollar signs.
        x, y: its points; a value that is not finite leaves a gap.
        low, high: the edges of the band.
        style: "points" draws markers in place of a line.
        hue: which colour of the palette, counted from 0, so that two curves can share one (a
            measurement and its prediction); by default each curve takes the next.
        value: where the curve lies on the plot's colour axis, when there are many.
    """

    label: str
    x: Any
    y: Any
    low: Any = None
    high: Any = None
    style: Literal["line", "dashed", "points"] = "line"
    hue: int | None = None
    value: float | int | None = None


@dataclass(frozen=True)
class Plot:
    """A picture described as data: curves over two axes, or one image.

    Attributes:
        name: the file's name, without ending.
        title: one line above the picture: what it shows, best as a sentence.
        alt: what the picture shows, in a sentence, for someone who cannot see it.
        x, y: the axes.
        lines: the curves; empty for an image. Up to six are labelled where they end, up to ten in
            a legend; more are coloured along the colour axis by their `value`, or by their order.
        image: a matrix (rows along y) drawn as a heat map, or None.
        x_values, y_values: the edges of its cells, or their centres, or their names.
        color: the colour axis: what the colours of an image or of many lines mean.
        marks: vertical reference positions by label, such as a stability limit.
        caption: what a reader should see in it, in a sentence or two; TeX between dollar signs.
    """

    name: str
    title: str
    alt: str
    x: Axis
    y: Axis
    lines: tuple[Line, ...] = ()
    image: Any = None
    x_values: Any = None
    y_values: Any = None
    color: Axis | None = None
    marks: Mapping[str, float | int] = field(default_factory=dict)
    caption: str = ""


@dataclass(frozen=True)
class Result:
    """What `judge` returns: claims first, then what supports them.

    `series` are named arrays kept beside the tables (NPZ and CSV), such as the loss of each lane
    at each recorded step; `draw` and a reader's own scripts use them.
    """

    claims: tuple[Claim, ...]
    tables: tuple[Table, ...] = ()
    series: Mapping[str, Any] = field(default_factory=dict)
