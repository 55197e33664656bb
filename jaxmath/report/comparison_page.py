"""A comparison of runs as a page that opens from disk without a network."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from jaxmath.report import comparison_words as told
from jaxmath.report import figures, run_page, tex
from jaxmath.report.numbers import pretty
from jaxmath.report.overlays import overlays
from jaxmath.report.templating import environment
from jaxmath.report.themes import DARK, LIGHT
from jaxmath.runs import store
from jaxmath.runs.comparison import Comparison
from jaxmath.runs.experiment import Plot
from jaxmath.runs.run import Run

ROWS = 200
"""As many rows of a table are shown; `--json` has them all."""


class Entry(NamedTuple):
    """A run as the page names it."""

    label: str
    run: Run
    place: str
    link: str
    when: str


class Judged(NamedTuple):
    """What to expect of a run, and what came of it; `kept` as in `Expectation`."""

    label: str
    kept: bool | None
    expected: str
    came: str
    verdict: str


def write(found: Comparison, path: Path) -> None:
    """Write the page; raises StorageError where that cannot be done."""
    with store.disk(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        store.write(path, page(found, path.parent))


def page(found: Comparison, beside: Path) -> str:
    """The whole page as text, to lie in the folder `beside`, from where it links to the reports."""
    pages = environment()
    pages.filters |= dict(tex=tex.html, plain=tex.plain, number=pretty)
    first = found.labels[0]
    entries = [
        Entry(
            label,
            run,
            str(run.folder),
            quote(os.path.relpath(run.folder / "report.html", beside)),
            run_page.when(run.provenance),
        )
        for label, run in zip(found.labels, found.runs, strict=True)
    ]
    judged = [
        Judged(label, e.kept, told.expected(first, label, e), told.came(e), told.judged(e))
        for label, e in zip(found.labels[1:], found.expectations, strict=True)
    ]
    titles = dict.fromkeys(run.title for run in found.runs)
    best = told.metrics(found, best=True)
    return pages.get_template("comparison.html").render(
        title=" and ".join(titles) if len(titles) < 3 else "Several experiments",
        entries=entries,
        judged=judged,
        settings=told.settings(found),
        metrics=told.metrics(found, best=False),
        best=best,
        best_settings=told.best_settings(found) if best.rows else [],
        about_metrics=told.about_metrics(found),
        claims=told.claims(found),
        pictures=_pictures(found),
        most=ROWS,
        light=LIGHT,
        dark=DARK,
    )


def _pictures(found: Comparison) -> list[run_page.Picture]:
    """The curves, as many as the page has room for."""
    pictures, room = [], run_page.PAGE
    for number, plot in enumerate(overlays(found), 1):
        picture = run_page.drawn(number, plot, "curve", _files(plot))
        room -= picture.size
        if room < 0:
            break
        pictures.append(picture)
    return pictures


def _files(plot: Plot) -> dict[str, bytes]:
    """The picture in both themes as SVG; as pixels only where that is what the page takes."""
    files = {}
    for theme, name in ((LIGHT, "curve"), (DARK, f"curve-{DARK.name}")):
        figure = figures.draw(plot, theme)
        files[f"{name}.svg"] = figures.svg(figure, plot, theme)
        if len(files[f"{name}.svg"]) > run_page.PICTURE:
            files[f"{name}.png"] = figures.png(figure, plot, theme)
    return files
