"""Curves of the same name from several runs, laid over each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from jaxmath.runs.comparison import Comparison
from jaxmath.runs.experiment import Line, Plot

PANELS = 6
"""As many curves of a plot are laid over those of other runs, each in a picture of its own."""


def overlays(found: Comparison) -> tuple[Plot, ...]:
    """A picture for each curve that several runs drew under the same name; a colour for each run.

    Of many curves some are chosen, evenly in their order.
    """
    return tuple(
        panel
        for name in dict.fromkeys(plot.name for run in found.runs for plot in run.plots)
        for panel in _panels([_plot(run.plots, name) for run in found.runs], found.labels)
    )


def _plot(plots: Sequence[Plot], name: str) -> Plot | None:
    return next((plot for plot in plots if plot.name == name and plot.lines), None)


def _panels(plots: Sequence[Plot | None], labels: Sequence[str]) -> list[Plot]:
    drawn = [plot for plot in plots if plot is not None]
    if len(drawn) < 2:
        return []
    curves = [_named(plot.lines) if plot is not None else {} for plot in plots]
    names = [
        n for n in dict.fromkeys(n for c in curves for n in c) if sum(n in c for c in curves) > 1
    ]
    chosen = np.unique(np.linspace(0, len(names) - 1, min(len(names), PANELS)).astype(int))
    rest = f" {len(chosen)} of {len(names)} curves are shown." if len(names) > len(chosen) else ""
    return [
        replace(
            drawn[0],
            name=f"{drawn[0].name}-{number}",
            title=drawn[0].title + (f": {names[at]}" if names[at] and len(names) > 1 else ""),
            alt=f"{names[at] or drawn[0].title} of the runs {', '.join(labels)}, a curve each.",
            lines=tuple(
                replace(found[names[at]], label=label, hue=hue, value=None)
                for hue, (label, found) in enumerate(zip(labels, curves, strict=True))
                if names[at] in found
            ),
            color=None,
            caption=drawn[0].caption + rest,
        )
        for number, at in enumerate(chosen, 1)
    ]


def _named(lines: Sequence[Line]) -> dict[str, Line]:
    """The curves by their labels; of several with one label each has its number beside it."""
    found: dict[str, Line] = {}
    for line in lines:
        name, number = line.label, 2
        while name in found:
            name, number = f"{line.label} ({number})", number + 1
        found[name] = line
    return found
