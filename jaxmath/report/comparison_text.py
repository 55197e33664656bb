"""A comparison of runs on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jaxmath.report import comparison_words as told
from jaxmath.report.summary import place
from jaxmath.report.terminal import Printer
from jaxmath.runs.comparison import Comparison

if TYPE_CHECKING:
    from rich.console import Console

ROWS = 12
"""As many metrics are shown; page and JSON have them all."""


def show(found: Comparison, console: Console | None = None) -> None:
    """Print what to expect and what differs; in plain ASCII where the terminal knows no more."""
    out = Printer(console)
    for label, run in zip(found.labels, found.runs, strict=True):
        out.whole(f"{label}  {place(run.folder)}  {run.exit.name}")
    for label, expectation in zip(found.labels[1:], found.expectations, strict=True):
        out.line()
        out.line(told.expected(found.labels[0], label, expectation))
        style = {True: "bold green", False: "bold red", None: ""}[expectation.kept]
        out.line(f"{told.came(expectation)} {told.judged(expectation)}".strip(), style)
    _section(out, "Configs", told.settings(found), "The configs are the same.")
    best = told.metrics(found, best=True)
    same = told.metrics(found, best=False)
    if best.rows:
        _section(out, f"Metrics at the best: {'; '.join(told.best_settings(found))}", best)
    _section(out, "Metrics", same, "No metric was measured at a setting that two runs share.")
    if same.rows or best.rows:
        out.line(told.about_metrics(found), "dim")
    _section(out, "Claims", told.claims(found), "None of the runs makes a claim.")


def _section(out: Printer, title: str, grid: told.Grid, empty: str = "") -> None:
    out.line()
    if not grid.rows:
        out.line(empty)
        return
    out.line(title, "bold")
    out.table(grid.header, grid.rows[:ROWS])
    if len(grid.rows) > ROWS:
        out.line(f"and {len(grid.rows) - ROWS:,} more: --html FILE or --json has them all", "dim")
