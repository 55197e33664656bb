"""The words of a plot, set where they overlap neither the data nor each other."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

import numpy as np

from jaxmath.report.curves import Curve
from jaxmath.report.scales import set_ticks
from jaxmath.report.themes import Theme
from jaxmath.runs.experiment import Axis

GAP = 2.0
"""Points left free between two texts."""

BESIDE = 22
"""As many characters make a line of a name beside the axes."""


def shown(text: str) -> str:
    """The text as matplotlib may read it: formulas where they parse, else dollars as such."""
    from matplotlib.mathtext import MathTextParser

    bare = text.replace(r"\$", "$").replace("$", r"\$")
    if text.count("$") - text.count(r"\$") < 2:
        return bare
    try:
        MathTextParser("path").parse(text)
    except (ValueError, RuntimeError, RecursionError):
        return bare
    return text


def wrapped(text: str, width: int, most: int = 4) -> str:
    """The text in lines of at most `width` characters, formulas kept whole, cut after `most`."""
    lines = [""]
    for word in re.findall(r"(?:\$[^$]*\$|\S)+", text):
        while len(word) > width and "$" not in word:
            lines.append(word[:width])
            word = word[width:]
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    lines = [line for line in lines if line]
    if len(lines) > most:
        lines = [*lines[: most - 1], lines[most - 1][: width - 1] + "…"]
    return "\n".join(shown(line) for line in lines)


def balanced(text: str, width: int) -> str:
    """The text in as few lines as `wrapped` needs, and these about equally long."""
    rows = wrapped(text, width).count("\n") + 1
    words = re.findall(r"(?:\$[^$]*\$|\S)+", text)
    least = max(map(len, words), default=1)
    narrow = range(min(max(least, len(text) // rows), width), width)
    return next(
        (tried for w in narrow if (tried := wrapped(text, w)).count("\n") < rows),
        wrapped(text, width),
    )


def of_axis(axis: Axis, width: int) -> str:
    """An axis as "label [unit]", [1] for a pure number; a label too long is cut, its unit not."""
    unit = axis.unit or "1"
    unit = f"[{unit[: width - 3]}…]" if len(unit) > width - 2 else f"[{unit}]"
    whole = f"{axis.label} {unit}"
    if len(whole) <= width or axis.label.count("$") > 1:
        rows = wrapped(whole, width, most=99)
        if rows.count("\n") < 3:
            return rows
    return f"{wrapped(axis.label, width, most=2)}\n{shown(unit)}"


def add_ends(axes, curves: Sequence[Curve]) -> list[tuple[object, Curve]]:
    """Name each curve right of the axes, in its colour; `settle` moves the names apart."""
    return [
        (
            axes.text(
                1.025,
                0.5,
                wrapped(curve.label, BESIDE),
                transform=axes.transAxes,
                color=curve.color,
                va="center",
                ha="left",
                fontsize=8.5,
                linespacing=1.1,
            ),
            curve,
        )
        for curve in curves
    ]


def end_together(axes, curves: Sequence[Curve]) -> bool:
    """Whether the curves all reach the right side, so that a name there belongs to one."""
    to_axes = axes.transData + axes.transAxes.inverted()
    return all(curve.end and to_axes.transform(curve.end)[0] > 0.9 for curve in curves)


def add_legend(figure, curves: Sequence[Curve], note: str, theme: Theme) -> None:
    """Name the curves below the axes, in columns that fit, under a remark."""
    from matplotlib.lines import Line2D

    longest = max(len(curve.label) for curve in curves)
    columns = int(np.clip(84 // (longest + 8), 1, 4))
    rows = -(-len(curves) // columns)
    grow(figure, 1.2 * rows)
    handles = [
        Line2D(
            [],
            [],
            color=curve.color,
            linewidth=1.8,
            linestyle=curve.dashes,
            marker="o" if curve.style == "points" else "none",
            markersize=4,
        )
        for curve in curves
    ]
    names = [wrapped(curve.label, 76, most=2) for curve in curves]
    heading = wrapped(note, 84)
    grow(figure, heading.count("\n") + 1 if note else 0)
    legend = figure.legend(
        handles,
        names,
        loc="outside lower left",
        ncols=columns,
        handlelength=1.6,
        title=heading or None,
        title_fontsize=8,
        alignment="left",
    )
    legend.get_title().set_color(theme.muted)


def add_note(figure, text: str, theme: Theme) -> None:
    """A remark in small print below everything."""
    words = wrapped(text, 84)
    grow(figure, words.count("\n") + 1)
    figure.supxlabel(words, x=0.018, ha="left", fontsize=8, color=theme.muted)


def grow(figure, rows: float | int) -> None:
    """Make the figure higher by so many rows of text, so that the axes keep their size."""
    figure.set_figheight(figure.get_figheight() + 0.16 * rows)


def add_marks(axes, marks, theme: Theme) -> list[object]:
    """Vertical lines at positions worth knowing, each named above the axes."""
    texts = []
    for name, position in sorted(marks.items(), key=lambda item: item[1]):
        if not np.isfinite(position) or (axes.get_xscale() == "log" and position <= 0):
            continue
        axes.axvline(position, color=theme.muted, linewidth=1, linestyle=(0, (3, 2)), zorder=1)
        texts.append(
            axes.annotate(
                shown(name),
                (position, 1),
                xycoords=("data", "axes fraction"),
                xytext=(0, 3),
                textcoords="offset points",
                ha="center",
                va="bottom",
                fontsize=8.5,
                color=theme.muted,
                annotation_clip=False,
            )
        )
    return texts


def settle(figure, axes, log: tuple[bool, bool], ends, marks) -> None:
    """Lay the figure out and move its texts apart; afterwards nothing moves any more."""
    figure.draw_without_rendering()
    renderer = figure.canvas.get_renderer()
    changed = _stack_marks(figure, axes, marks, renderer)
    for _ in range(5):
        crowded = _thin_ticks(axes, log, renderer)
        if not (changed or crowded):
            break
        changed = False
        figure.draw_without_rendering()
    figure.set_layout_engine("none")
    _spread_ends(axes, log, ends, renderer)


def _thin_ticks(axes, log, renderer) -> bool:
    """Set fewer ticks on an axis whose labels touch; whether any was."""
    crowded = False
    for axis, is_log, along in ((axes.xaxis, log[0], 0), (axes.yaxis, log[1], 1)):
        boxes = [text.get_window_extent(renderer) for text in drawn_ticks(axis)]
        spans = sorted((box.min[along], box.max[along]) for box in boxes)
        pad = 6 if along == 0 else 1
        if any(b[0] - a[1] < pad for a, b in itertools.pairwise(spans)):
            set_ticks(axis, is_log, max(1, len(spans) - 2))
            crowded = True
    return crowded


def drawn_ticks(axis) -> list:
    """The labels of the ticks inside the view, which are those that are drawn."""
    places = axis.get_transform().transform
    low, high = sorted(places(np.asarray(axis.get_view_interval(), float)))
    ticks = places(np.asarray(axis.get_majorticklocs(), float))
    slack = 1e-9 * (high - low)
    return [
        text
        for at, text in zip(ticks, axis.get_ticklabels(), strict=False)
        if low - slack <= at <= high + slack and text.get_text()
    ]


def _stack_marks(figure, axes, marks, renderer) -> bool:
    """Shift the names of marks into the picture, and into rows where they touch."""
    rows: list[float] = []
    scale = figure.dpi / 72
    edge = figure.bbox
    for text in marks:
        box = text.get_window_extent(renderer)
        shift = max(0.0, edge.x0 + 4 - box.x0) - max(0.0, box.x1 - edge.x1 + 4)
        start, stop = box.x0 + shift, box.x1 + shift
        row = next((i for i, taken in enumerate(rows) if start > taken + 6), len(rows))
        if row == len(rows):
            rows.append(stop)
        rows[row] = stop
        text.set_position((shift / scale, 3 + 12 * row))
    return len(rows) > 1 or any(text.get_position()[0] for text in marks)


def _spread_ends(axes, log, ends, renderer) -> None:
    """Move the names of the curves up and down until each has its own room."""
    if not ends:
        return
    box = axes.get_window_extent(renderer)
    wanted, heights = [], []
    for text, curve in ends:
        at = axes.transData.transform(curve.end)[1]
        wanted.append(float(np.clip((at - box.y0) / box.height, 0, 1)))
        heights.append((text.get_window_extent(renderer).height + GAP) / box.height)
    for (text, curve), place, want in zip(ends, spread(wanted, heights), wanted, strict=True):
        text.set_y(place)
        x = (axes.transData.transform(curve.end)[0] - box.x0) / box.width
        if x > 0.9 and curve.style != "points":
            axes.plot(
                [x, 1.005, 1.018], [want, want, place], transform=axes.transAxes, clip_on=False,
                color=curve.color, linewidth=0.6, solid_capstyle="butt", zorder=1,
            )  # fmt: skip


def spread(wanted: Sequence[float], heights: Sequence[float]) -> list[float]:
    """Centres of boxes in the column [0, 1], as near to the wanted ones as they go without overlap.

    Boxes that touch are pooled and set around their mean, as in isotonic regression.
    """
    pools: list[tuple[float, float, list[int]]] = []  # centre, height, members from below

    def pool(members: list[int]) -> tuple[float, float, list[int]]:
        height = sum(heights[i] for i in members)
        mean = sum(wanted[i] for i in members) / len(members)
        return min(max(mean, height / 2), 1 - height / 2), height, members

    for index in np.argsort(wanted, kind="stable"):
        pools.append(pool([int(index)]))
        while len(pools) > 1 and pools[-1][0] - pools[-2][0] < (pools[-1][1] + pools[-2][1]) / 2:
            above, below = pools.pop(), pools.pop()
            pools.append(pool(below[2] + above[2]))
    centres = [0.0] * len(wanted)
    for centre, height, members in pools:
        bottom = centre - height / 2
        for index in members:
            centres[index] = bottom + heights[index] / 2
            bottom += heights[index]
    return centres
