"""A run as tidy tables: curves with a row a lane and step, metrics and claims with a row each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from jaxmath.runs import encoding
from jaxmath.runs.files import csv_text, disk, write
from jaxmath.runs.lanes import lanes, steps
from jaxmath.runs.run import Run


def write_csv(run: Run, folder: Path) -> list[Path]:
    """Write curves.csv, metrics.csv and claims.csv, those that are not empty."""
    paths = [path for axis in run.axes for path in axis.paths]
    every = list(lanes(run))
    names = list(every[0].curves) if every else []
    tables = {
        "curves": (["lane", *paths, "step", *names], _curves(run, names) if names else iter(())),
        "metrics": (["lane", *paths, "metric", "value"], _metrics(run)),
        "claims": (
            ["claim", "outcome", "relation", "measured", "expected", "tolerance", "statement"],
            _claims(run),
        ),
    }
    written = []
    with disk(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for name, (header, rows) in tables.items():
            if first := next(rows, None):
                written.append(folder / f"{name}.csv")
                write(written[-1], csv_text(header, _chained(first, rows)))
    return written


def _chained(first: list, rest: Iterator[list]) -> Iterator[list]:
    yield first
    yield from rest


def _curves(run: Run, names: list[str]) -> Iterator[list]:
    at = steps(run).tolist()
    for lane in lanes(run):
        curves = [lane.curves[name].tolist() for name in names]
        for step, *values in zip(at, *curves, strict=True):
            yield [lane.number, *lane.setting.values(), step, *values]


def _metrics(run: Run) -> Iterator[list]:
    for lane in lanes(run):
        for name, value in lane.metrics.items():
            yield [lane.number, *lane.setting.values(), name, value]


def _claims(run: Run) -> Iterator[list]:
    """Each claim by the entry of it that is furthest off."""
    for claim in run.claims:
        measured, expected = ("", "") if claim.measured is None else claim.worst()
        if claim.relation == "in":
            expected = encoding.plain(claim.expected)
        outcome = run.outcome(claim).value
        yield [
            claim.name, outcome, claim.relation, measured, expected, claim.tolerance,
            claim.statement,
        ]  # fmt: skip
