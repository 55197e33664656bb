"""The metrics of several runs beside each other: means over seeds, and differences of pairs."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from jaxmath.runs import sweep
from jaxmath.runs.experiment import Table
from jaxmath.runs.measured import Measured
from jaxmath.runs.run import Run


class Estimate(NamedTuple):
    """A mean over so many seeds, with the ends of its 95% interval; NaN with one seed."""

    mean: float
    low: float
    high: float
    seeds: int
    failed: int = 0


@dataclass(frozen=True)
class Row:
    """A metric of several runs, each at a setting of its sweep.

    Attributes:
        metric: its name.
        best: whether each run stands at its own best setting, else all at the same.
        settings: the swept values of each run, by path; None where a run has no such setting.
        values: the mean of each.
        differences: of each run from the first, in pairs of the seeds that both have; None for
            the first itself, and where no seed is shared.
    """

    metric: str
    best: bool
    settings: tuple[Mapping[str, Any] | None, ...]
    values: tuple[Estimate | None, ...]
    differences: tuple[Estimate | None, ...]


class Cell(NamedTuple):
    """What one setting of a run measured: by metric and by repeat, NaN where the lane failed.

    Attributes:
        shared: how much of their variance the means keep, see `sweep.shared`.
    """

    setting: Mapping[str, Any]
    measured: Mapping[str, Mapping[Any, float]]
    shared: float


def rows(runs: Sequence[Run]) -> tuple[Row, ...]:
    """All metrics at every setting that two of the runs share, then each at its best."""
    paths = list(dict.fromkeys(path for run in runs for path in _swept(run)))
    cells = [_cells(run, paths) for run in runs]
    best = [_best(run, found) for run, found in zip(runs, cells, strict=True)]
    metrics = dict.fromkeys(
        [metric for run in runs if (metric := _decisive(run))]
        + [metric for found in cells for cell in found for metric in cell.measured]
    )
    keyed = [{_key(cell, paths): cell for cell in found} for found in cells]
    keys = dict.fromkeys(key for found in keyed for key in found)
    shared = [key for key in keys if sum(key in found for found in keyed) > 1]
    told = []
    for metric in metrics:
        told += [_row(metric, False, [found.get(key) for found in keyed]) for key in shared]
    if any(len(found) > 1 for found in cells) and all(best):
        told += [_row(metric, True, best) for metric in metrics]
    return tuple(row for row in told if sum(value is not None for value in row.values) > 1)


def _swept(run: Run) -> list[str]:
    return [path for axis in run.axes if not axis.is_repeat for path in axis.paths]


def _table(run: Run, name: str) -> Table | None:
    return next((table for table in run.tables if table.name == name), None)


def _decisive(run: Run) -> str | None:
    table = _table(run, "sweep")
    return sweep.best_by(table) if table is not None else None


def metrics_of(run: Run) -> dict[str, np.ndarray]:
    """The numbers of each lane that its table shows; of a single run, all its single numbers."""
    found = sweep.scalars(Measured(run.series, run.axes))
    table = _table(run, "sweep")
    if table is None:
        return found
    return {n: a for n, a in found.items() if n in table.columns or f"{n} mean" in table.columns}


def failed_lanes(run: Run) -> np.ndarray:
    """Which lanes failed, over the axes of the sweep."""
    failed, table = np.zeros([len(axis) for axis in run.axes], bool), _table(run, "failed lanes")
    if table is not None:
        lanes = sweep.grid(run.axes)
        columns = [np.asarray(table.columns[path]).tolist() for path in lanes]
        bad = set(zip(*columns, strict=True))
        every = zip(*(values.tolist() for values in lanes.values()), strict=True)
        failed = np.array([lane in bad for lane in every]).reshape(failed.shape)
    return failed


def _cells(run: Run, paths: Sequence[str]) -> list[Cell]:
    """The settings of a run; a path that only other runs sweep has its config's value."""
    measured = Measured(run.series, run.axes)
    good = ~sweep.by_cell(measured, failed_lanes(run))
    metrics = {
        name: np.where(good, sweep.by_cell(measured, np.asarray(array, float)), np.nan)
        for name, array in metrics_of(run).items()
    }
    settings = sweep.settings(measured)
    repeats = [axis.values for axis in run.axes if axis.is_repeat]
    seeds = [*itertools.product(*repeats)] if repeats else [((run.config.get("seed", 0),),)]
    fixed = {path: _value(run.config, path) for path in paths if path not in settings}
    return [
        Cell(
            {path: settings[path][i].item() if path in settings else fixed[path] for path in paths},
            {
                name: dict(zip(seeds, values[i].tolist(), strict=True))
                for name, values in metrics.items()
            },
            sweep.shared(run.axes),
        )
        for i in range(len(good))
    ]


def _value(config: Mapping[str, Any], path: str) -> Any:
    value: Any = config
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value if value is None or isinstance(value, (int, float, str)) else sweep.named(value)


def _best(run: Run, cells: Sequence[Cell]) -> Cell | None:
    table = _table(run, "sweep")
    if len(cells) == 1:
        return cells[0]
    return cells[table.best] if table is not None and table.best is not None else None


def _key(cell: Cell, paths: Sequence[str]) -> tuple:
    return tuple(cell.setting[path] for path in paths)


def _row(metric: str, best: bool, cells: Sequence[Cell | None]) -> Row:
    measured = [cell.measured.get(metric) if cell else None for cell in cells]
    first = measured[0]
    shared = max(cell.shared for cell in cells if cell)
    told = [None if v is None else _estimate([*v.values()], shared) for v in measured]
    pairs = [
        [values[seed] - first[seed] for seed in first if seed in values]
        if first is not None and values is not None
        else []
        for values in measured[1:]
    ]
    return Row(
        metric,
        best,
        tuple(cell.setting if cell else None for cell in cells),
        tuple(told),
        (None, *(_estimate(pair, shared) if pair else None for pair in pairs)),
    )


def _estimate(values: Sequence[float], shared: float) -> Estimate:
    """The mean of the values that are finite."""
    numbers = np.asarray(values, float)
    good = np.isfinite(numbers)
    mean, _, low, high = (float(x) for x in sweep.interval(numbers, good, shared))
    return Estimate(mean, low, high, int(good.sum()), int((~good).sum()))
