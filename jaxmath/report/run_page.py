"""The report of a run: a page that opens from disk without a network, and its figures beside it."""

from __future__ import annotations

import base64
import datetime
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup

from jaxmath.config.errors import Exit, theirs
from jaxmath.report import figures, plot_data, tex, words
from jaxmath.report.numbers import number, pretty
from jaxmath.report.templating import environment
from jaxmath.report.themes import DARK, LIGHT
from jaxmath.runs import store
from jaxmath.runs.experiment import Plot, Table
from jaxmath.runs.run import Run

ROWS = 30
"""As many rows of a table are shown; the rest is in its CSV file."""

PICTURE = 150_000
"""Bytes above which a figure is shown as pixels rather than as SVG."""

PAGE = 1_700_000
"""Bytes that a page's figures may have in all; the remaining ones are linked."""


def write(run: Run) -> Path:
    """Draw the figures into the run's folder, write its report.html, and return the path of that.

    Raises `ExperimentError` for a plot that is no plot, `StorageError` where the folder cannot be
    written.
    """
    pictures, room = [], PAGE
    for at, plot in enumerate(run.plots, 1):
        with theirs(run.experiment, "draw"):
            figures.check(plot)
        stem = store.file_name(plot.name)
        files = figures.pictures(plot, stem) | {f"{stem}.csv": plot_data.csv(plot).encode()}
        with store.disk(run.folder):
            (run.folder / "figures").mkdir(exist_ok=True)
            for name, content in files.items():
                store.write(run.folder / "figures" / name, content)
        picture = drawn(at, plot, stem, files)
        if picture.size > room:
            picture = Picture(at, plot, stem)
        room -= picture.size
        pictures.append(picture)
    path = run.folder / "report.html"
    with store.disk(run.folder):
        store.write(path, page(run, pictures))
    return path


@dataclass(frozen=True)
class Picture:
    """A figure as the page shows it: data URLs for light and dark, or none when it is linked."""

    number: int
    plot: Plot
    stem: str
    light: str = ""
    dark: str = ""

    @property
    def size(self) -> int:
        """What it adds to the page, in bytes."""
        return len(self.light) + len(self.dark)


def drawn(number: int, plot: Plot, stem: str, files: Mapping[str, bytes]) -> Picture:
    """A figure from its files, as SVG, or as pixels where that is smaller."""

    def url(name: str) -> str:
        kind, content = "svg+xml", files[f"{name}.svg"]
        if len(content) > PICTURE:
            kind, content = "png", files[f"{name}.png"]
        return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"

    return Picture(number, plot, stem, url(stem), url(f"{stem}-{DARK.name}"))


def page(run: Run, pictures: Sequence[Picture] = ()) -> str:
    """The whole page as text."""
    pages = environment()
    pages.filters |= dict(tex=tex.html, plain=tex.plain, number=pretty, paragraphs=tex.paragraphs)
    return pages.get_template("report.html").render(
        run=run,
        passed=run.exit is Exit.PASS,
        verdict=words.verdict(run),
        rows=[words.row(run, claim) for claim in run.claims],
        citation=words.citation,
        pictures=pictures,
        tables=[shown(table) for table in run.tables],
        command=command(run),
        alone=words.alone(run),
        config=_config(run),
        summary=when(run.provenance),
        version=_version(run.provenance),
        provenance=list(_provenance(run.provenance)),
        light=LIGHT,
        dark=DARK,
    )


def command(run: Run) -> str:
    """The command that runs it again, from the folder where it was run."""
    parts = ["jaxmath", "run", str(run.folder / "config.toml"), *(["--smoke"] if run.smoke else [])]
    return shlex.join(parts)


@dataclass(frozen=True)
class Shown:
    """A table as the page shows it: cells in words, the exact values behind them, cut if long."""

    table: Table
    header: list[str]
    numeric: list[bool]
    rows: list[tuple[int, list[tuple[Markup, str]]]]
    total: int
    file: str
    note: str = ""


def shown(table: Table) -> Shown:
    """Put a table into words; a mean and the ends of its interval share a column."""
    columns = {name: np.asarray(c).ravel().tolist() for name, c in table.columns.items()}
    total = max(map(len, columns.values()), default=0)
    indices = list(range(min(total, ROWS)))
    if table.best is not None and table.best >= ROWS:
        indices = [*indices[:-1], table.best]
    header, numeric, cells = [], [], []
    means = {name.removesuffix(" mean") for name in columns if f"{name[:-5]} 95% high" in columns}
    for name, column in columns.items():
        metric = name.removesuffix(" mean")
        if metric in means:
            parts = [columns[f"{metric} {part}"] for part in ("mean", "sd", "95% low", "95% high")]
            header.append(metric)
            numeric.append(True)
            cells.append([_mean(*(part[i] for part in parts)) for i in indices])
        elif name.rpartition(" sd")[0] not in means and name.partition(" 95% ")[0] not in means:
            header.append(name)
            numeric.append(_is_numeric(column))
            cells.append([_cell(column[i]) for i in indices])
    return Shown(
        table=table,
        header=header,
        numeric=numeric,
        rows=[(i, [column[row] for column in cells]) for row, i in enumerate(indices)],
        total=total,
        file=f"tables/{store.file_name(table.name)}.csv",
        note="Means over seeds ± half the width of their 95% interval. " if means else "",
    )


def _is_numeric(column: list) -> bool:
    return all(isinstance(value, (int, float)) or value is None for value in column)


def _mean(mean: float, sd: float, low: float, high: float) -> tuple[Markup, str]:
    """A mean with the half width of its (symmetric) interval; all four behind it."""
    exact = f"mean {mean!r}, standard deviation {sd!r}, 95% interval {low!r} to {high!r}"
    if not high - low >= 0:
        return pretty(mean), exact
    return pretty(mean) + " ± " + pretty(number((high - low) / 2, 2)), exact


def _cell(value: Any) -> tuple[Markup, str]:
    """A value in a few digits, and in all of them where those are more."""
    if isinstance(value, str):
        return tex.html(value), ""
    exact = repr(value) if isinstance(value, float) and value != float(f"{value:.4g}") else ""
    return pretty(value), exact


def _config(run: Run) -> str:
    """The resolved config as TOML: the file's text, or the values where there is no file."""
    path = run.folder / "config.toml"
    if path.exists():
        text = path.read_text(encoding="utf-8")
    else:
        import tomli_w

        text = tomli_w.dumps(_without_none(run.config))
    # A list of plain values, which the writer spreads over as many lines, reads better on one.
    return re.sub(
        r"\[\n((?:    [^\[\]{}\n]+,\n)+)\]",
        lambda m: f"[{', '.join(line.strip().rstrip(',') for line in m[1].splitlines())}]",
        text,
    ).strip()


def _without_none(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _without_none(v) for k, v in value.items() if v is not None}
    return [*map(_without_none, value)] if isinstance(value, (list, tuple)) else value


def when(provenance: Mapping[str, Any]) -> str:
    """When it was run and how long it took, in a line."""
    parts = []
    try:
        finished = datetime.datetime.fromisoformat(str(provenance.get("finished")))
        parts.append(f"{finished.day} {finished:%B %Y, %H:%M} UTC")
    except ValueError:
        pass
    seconds = provenance.get("seconds")
    if isinstance(seconds, Mapping) and seconds:
        parts.append(f"{number(sum(map(float, seconds.values())), 2)} seconds")
    device = provenance.get("device")
    if isinstance(device, Mapping):
        parts.append(str(device.get("kind", device.get("platform", ""))).upper())
    if "dtype" in provenance:
        parts.append(str(provenance["dtype"]))
    return " · ".join(part for part in parts if part)


def _version(provenance: Mapping[str, Any]) -> str:
    versions = provenance.get("versions")
    found = versions.get("jaxmath") if isinstance(versions, Mapping) else None
    return f" {found}" if found else ""


def _provenance(provenance: Mapping[str, Any]):
    """What was recorded, a line each, in words."""
    for name, value in provenance.items():
        yield name.replace("_", " "), _in_words(value)


def _in_words(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key.replace('_', ' ')} {_in_words(v)}" for key, v in value.items())
    if isinstance(value, (list, tuple)):
        if len(value) > 8:
            return f"{_in_words(value[0])} to {_in_words(value[-1])} ({len(value)} values)"
        return ", ".join(map(_in_words, value))
    return "none" if value is None else number(value)
