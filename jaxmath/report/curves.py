"""The curves of a plot as matplotlib draws them: gaps, bands, colours, no more points than show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from jaxmath.report.scales import is_log
from jaxmath.report.themes import Theme
from jaxmath.runs.experiment import Axis, Plot

POINTS = 30_000
"""As many points as all curves of a plot share out among them."""


@dataclass(frozen=True)
class Curve:
    """A line ready to be drawn: what cannot be on its axes is NaN, which leaves a gap."""

    label: str
    x: np.ndarray
    y: np.ndarray
    band: tuple[np.ndarray, np.ndarray] | None
    style: str
    color: str
    scaled: bool
    dashes: Any = "-"

    @property
    def end(self) -> tuple[float, float] | None:
        """The last point there is."""
        here = np.flatnonzero(np.isfinite(self.x) & np.isfinite(self.y))
        return (float(self.x[here[-1]]), float(self.y[here[-1]])) if here.size else None


def prepare(plot: Plot, theme: Theme, log_x: bool, log_y: bool, legend: int) -> list[Curve]:
    """The plot's lines as curves, with their colours; more than `legend` share a scale."""
    lines = plot.lines
    crowd = len({line.label for line in lines if line.label}) > legend
    scaled = [line.value is not None or (crowd and line.hue is None) for line in lines]
    shades = iter(scale_colors(positions(plot, scaled), theme))
    budget = int(np.clip(POINTS // max(len(lines), 1), 150, 1000))
    curves, hue = [], 0
    for line, on_scale in zip(lines, scaled, strict=True):
        dashes: Any = {"points": "none", "dashed": "--"}.get(line.style, "-")
        if on_scale:
            color = next(shades)
        else:
            own = hue if line.hue is None else line.hue
            hue += line.hue is None
            color = theme.hues[own % len(theme.hues)]
            if own >= len(theme.hues) and dashes == "-":
                dashes = (0, (1, 1.2))  # the second time round
        x, y = possible(line.x, log_x), possible(line.y, log_y)
        band = None
        if line.low is not None and line.high is not None:
            low, high = (np.asarray(edge, float).ravel() for edge in (line.low, line.high))
            band = (low, possible(high, log_y))
        if x.size > budget and line.style != "points" and np.all(np.diff(x) > 0):
            kept = thinned(np.log10(x) if log_x else x, y, budget // 4)
            x, y = x[kept], y[kept]
            band = (band[0][kept], band[1][kept]) if band else None
        curves.append(Curve(line.label, x, y, band, line.style, color, on_scale, dashes))
    return curves


def possible(values: Any, log: bool) -> np.ndarray:
    """The values as floats, NaN where they cannot be drawn."""
    values = np.asarray(values, float).ravel()
    # Far enough from the ends of float64 for the margins of the axes.
    fits = np.isfinite(values) & (np.abs(values) < 1e300)
    if log:
        fits &= (values > 1e-250) & (values < 1e250)
    return np.where(fits, values, np.nan)


def thinned(x: np.ndarray, y: np.ndarray, bins: int) -> np.ndarray:
    """The indices of the first, last, lowest and highest point in each of equal bins of x."""
    place = np.floor((x - x[0]) / (x[-1] - x[0]) * bins)
    starts = np.flatnonzero(np.diff(place, prepend=-1))
    ends = np.append(starts[1:], x.size) - 1
    lowest = np.lexsort((np.where(np.isnan(y), np.inf, y), place))[starts]
    highest = np.lexsort((np.where(np.isnan(y), -np.inf, y), place))[ends]
    return np.unique(np.concatenate([starts, ends, lowest, highest]))


def positions(plot: Plot, scaled: Sequence[bool]) -> np.ndarray:
    """Where each line of the scale lies on it, from 0 to 1."""
    values = scale_values(plot, scaled)
    if values.size and is_log(plot.color or Axis(""), [values]):
        values = np.log10(values)
    low, high = (np.nanmin(values), np.nanmax(values)) if values.size else (0.0, 1.0)
    return (values - low) / ((high - low) or 1.0)


def scale_values(plot: Plot, scaled: Sequence[bool]) -> np.ndarray:
    """What each line of the scale stands for: its value, or its place in the order."""
    lines = [line for line, on_scale in zip(plot.lines, scaled, strict=True) if on_scale]
    if any(line.value is None for line in lines):
        return np.arange(1.0, len(lines) + 1)
    return np.array([line.value for line in lines], float)


def scale_colors(shares: np.ndarray, theme: Theme) -> list[str]:
    """The colours at these places, from 0 to 1, of the theme's scale for lines."""
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    start, stop = theme.scale
    return [to_hex(colormaps["plasma"](start + (stop - start) * share)) for share in shares]


def add(axes, curve: Curve, slim: bool) -> None:
    """Draw a curve with its band; a point without neighbours is drawn as a dot."""
    x, y = curve.x, curve.y
    here = np.isfinite(x) & np.isfinite(y)
    if curve.band is not None:
        low, high = curve.band
        floor = low
        if axes.get_yscale() == "log":
            least = np.nanmin(np.where(here & (low > 0), np.fmin(y, low), y))
            floor = np.where(low > 0, low, least / 2)
        axes.fill_between(
            x, floor, high, where=here & np.isfinite(low) & np.isfinite(high),
            color=curve.color, alpha=0.16, linewidth=0, gid=f"band {curve.label}",
        )  # fmt: skip
    if curve.style == "points":
        axes.plot(
            x, y, linestyle="none", marker="o", color=curve.color,
            markersize=3.6 if x.size <= 300 else 2, markeredgewidth=0,
            rasterized=x.size > 1000,
        )  # fmt: skip
        return
    before, after = np.append(False, here[:-1]), np.append(here[1:], False)
    alone = np.flatnonzero(here & ~before & ~after)
    axes.plot(
        x, y, color=curve.color, linestyle=curve.dashes,
        linewidth=0.9 if slim else 1.6, marker="o", markersize=3, markevery=alone.tolist(),
    )  # fmt: skip
