"""How a notebook shows a run: claims, numbers and figures, without scripts and in any colours."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import NamedTuple
from urllib.parse import quote

import numpy as np

from jaxmath.config.errors import Exit
from jaxmath.report import figures, summary, tex, words
from jaxmath.report.numbers import number, pretty
from jaxmath.report.pictures import url
from jaxmath.report.templating import environment
from jaxmath.report.themes import DARK
from jaxmath.runs.estimates import metrics_of
from jaxmath.runs.experiment import Plot
from jaxmath.runs.files import file_name
from jaxmath.runs.run import Run

ROOM = 180_000
"""Bytes that the figures may take; the rest of a cell is a few thousand."""


class Image(NamedTuple):
    """A figure as URLs that hold it; `dark` is empty where there was no room for two."""

    plot: Plot
    light: str
    dark: str


@dataclass(frozen=True, repr=False)
class Shown(Run):
    """A run that a notebook shows as a table with its figures."""

    def __repr__(self) -> str:
        return f"<run of {self.name} in {self.folder}: {words.verdict(self)}>"

    def _repr_html_(self) -> str:
        return html_of(self)


def shown(run: Run) -> Shown:
    """The run, as a notebook shows it."""
    return Shown(**{field.name: getattr(run, field.name) for field in fields(Run)})


def html_of(run: Run) -> str:
    """A piece of HTML for a notebook, which takes its colours from what surrounds it."""
    images = list(_images(run))
    pages = environment()
    pages.filters |= dict(plain=tex.plain, number=pretty)
    report = os.path.relpath(run.folder / "report.html")
    return pages.get_template("notebook.html").render(
        run=run,
        passed=run.exit is Exit.PASS,
        verdict=words.verdict(run),
        rows=[words.row(run, claim) for claim in run.claims],
        numbers=_numbers(run),
        images=images,
        missing=len(run.plots) - len(images),
        link=quote(report),
        report=report,
    )


def _numbers(run: Run) -> list[str]:
    """The metrics of a single run; of a sweep the best of its settings."""
    if not run.axes:
        return [f"{name} {number(value.item())}" for name, value in metrics_of(run).items()]
    cells = next((table for table in run.tables if table.name == "sweep"), None)
    if cells is None or cells.best is None:
        return []
    columns = {name: np.asarray(column).ravel().tolist() for name, column in cells.columns.items()}
    return [f"best: {summary.best(cells, columns, run)}"]


def _images(run: Run) -> Iterator[Image]:
    """As many figures as there is room for, each as SVG or as pixels, whichever is smaller."""
    room = ROOM
    for plot in run.plots:
        files = _files(run, plot)
        light, dark = (
            min((url(files[f"{end}.svg"]), url(files[f"{end}.png"], "png")), key=len)
            for end in ("", f"-{DARK.name}")
        )
        if len(light) > room:
            return
        dark = dark if len(light) + len(dark) <= room else ""
        room -= len(light) + len(dark)
        yield Image(plot, light, dark)


def _files(run: Run, plot: Plot) -> dict[str, bytes]:
    """The four pictures of a plot by their endings: those of the run's folder, or drawn anew."""
    ends = [f"{theme}.{kind}" for theme in ("", f"-{DARK.name}") for kind in ("svg", "png")]
    stem = run.folder / "figures" / file_name(plot.name)
    try:
        return {end: stem.with_name(stem.name + end).read_bytes() for end in ends}
    except OSError:
        return {
            name.removeprefix("plot"): content
            for name, content in figures.pictures(plot, "plot").items()
        }
