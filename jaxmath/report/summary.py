"""What a run came to, on a terminal: the verdict, its claims, the best of a sweep, the report."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxmath.config.errors import Exit
from jaxmath.report import tex, words
from jaxmath.report.numbers import number
from jaxmath.report.terminal import Printer
from jaxmath.runs.experiment import Outcome, Table
from jaxmath.runs.run import Run
from jaxmath.runs.sweep import best_by

if TYPE_CHECKING:
    from rich.console import Console

STYLES = {
    Outcome.PASS: "bold green",
    Outcome.FAIL: "bold red",
    Outcome.UNDECIDED: "bold yellow",
    Outcome.SKIPPED: "dim",
}
FAILED = 3
"""As many failed lanes are named; the report has them all."""


def show(run: Run, console: Console | None = None) -> None:
    """Print the end of a run; in plain ASCII where the terminal knows no more.

    Nothing that a config or an experiment says is read as markup or as control characters.
    """
    _Printer(console).run(run)


class _Printer(Printer):
    """Prints a run."""

    def run(self, run: Run) -> None:
        self.line()
        self.line(tex.plain(run.title), "bold")
        if run.smoke:
            self.line("Smoke run: shortened by the config's [smoke] values.")
        self.line()
        rows = [words.row(run, claim) for claim in run.claims]
        if self.narrow:
            for row in rows:
                self.stacked(row)
        elif rows:
            self.console.print(self.claims(rows))
            self.line()
        self.sweep(run)
        good = run.exit is Exit.PASS
        self.line(words.verdict(run), "bold green" if good else "bold red")
        self.whole(f"Report: {place(run.folder / 'report.html')}")

    def claims(self, rows: list[words.Row]) -> Any:
        grid = self.grid()
        grid.add_column("Result", no_wrap=True)
        grid.add_column("Claim", ratio=1, overflow="fold")
        grid.add_column("Measured", max_width=18)
        grid.add_column("Should be", max_width=16)
        grid.add_column("Tolerance", max_width=14)
        for row in rows:
            measured = self.text(row.measured)
            if row.note:
                measured.append("\n").append(self.text(row.note, "dim"))
            grid.add_row(
                self.text(row.outcome.value, STYLES[row.outcome]),
                self.text(tex.plain(row.claim.statement)),
                measured,
                self.text(row.expected),
                self.text(row.tolerance),
            )
        return grid

    def stacked(self, row: words.Row) -> None:
        self.line(row.outcome.value, STYLES[row.outcome])
        self.line(tex.plain(row.claim.statement), indent=2)
        tolerance = f" (tolerance {row.tolerance})" if row.tolerance else ""
        note = f", {row.note}" if row.note else ""
        self.line(
            f"measured {row.measured}{note}; should be {row.expected}{tolerance}", "dim", indent=2
        )

    def sweep(self, run: Run) -> None:
        """The best cell of a sweep, and lanes that failed, in a few lines."""
        tables = {table.name: table for table in run.tables}
        cells, failed = tables.get("sweep"), tables.get("failed lanes")
        if cells is not None:
            columns = {name: np.asarray(c).ravel().tolist() for name, c in cells.columns.items()}
            count = max(map(len, columns.values()), default=0)
            lanes = int(np.prod([len(axis) for axis in run.axes])) if run.axes else count
            said = f"{lanes:,} runs" + (f" in {count:,} settings" if count != lanes else "")
            self.line(f"Sweep: {said}.")
            if cells.best is not None:
                self.line(f"Best: {best(cells, columns, run)}", indent=2)
        if failed is not None:
            self.failed(failed)
        if cells is not None or failed is not None:
            self.line()

    def failed(self, table: Table) -> None:
        columns = {name: np.asarray(c).ravel().tolist() for name, c in table.columns.items()}
        count = max(map(len, columns.values()), default=0)
        plural = "lane" if count == 1 else "lanes"
        self.line(f"{count:,} {plural} failed; the others are not affected:", "yellow")
        for index in range(min(count, FAILED)):
            self.line(_named(columns, index), indent=2)
        if count > FAILED:
            self.line(f"and {count - FAILED:,} more, in the report", indent=2)


def best(cells: Table, columns: dict[str, list], run: Run) -> str:
    """The setting of the best cell, then what it measured, with the interval of its mean."""
    index = cells.best or 0
    paths = [path for axis in run.axes for path in axis.paths if path in columns]
    setting = ", ".join(f"{path} = {number(columns[path][index])}" for path in paths)
    told = {}
    for name, column in columns.items():
        metric = name.removesuffix(" mean")
        if name in (*paths, "runs", "failed") or name.endswith((" sd", " 95% low", " 95% high")):
            continue
        told[metric] = f"{name} {number(column[index])}"
        if f"{metric} 95% low" in columns:
            ends = (columns[f"{metric} 95% {end}"][index] for end in ("low", "high"))
            told[metric] += f" (95%: {' to '.join(map(number, ends))})"
    # The metric that was decisive is told first.
    decisive = told.pop(best_by(cells) or "", None)
    measured = ", ".join([*([decisive] if decisive else []), *told.values()][:3])
    return ": ".join(part for part in (setting, measured) if part)


def _named(columns: dict[str, list], index: int) -> str:
    """A failed lane: its setting, and its reason at last."""
    *setting, (_, reason) = columns.items()
    where = ", ".join(f"{name} = {number(column[index])}" for name, column in setting)
    return f"{where}: {reason[index]}" if where else str(reason[index])


def place(path: Path) -> str:
    """The path as one would type it here."""
    try:
        return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)
    except (OSError, ValueError):
        return str(path)
