"""The table of a sweep: mean, spread and confidence over seeds, the best cell, failed lanes."""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any

import numpy as np

from jaxmath.lab.experiment import Table
from jaxmath.lab.measured import Measured

LEVEL = 0.95
"""Coverage of the confidence intervals."""


def tables(module: ModuleType, measured: Measured) -> tuple[Table, ...]:
    """The tables of a sweep: a row a cell, and a row a failed lane; none without a sweep.

    A *metric* is a measured number of each lane. A lane failed if its `status` is a key of the
    module's `REASONS` (a code -> a reason in words), or one of its metrics is not finite; it
    counts in no mean. `METRIC` of the module names the metric that is best where it is smallest.
    """
    if not measured.axes:
        return ()
    metrics = scalars(measured)
    reasons = failures(module, measured, metrics)
    cells = _cells(measured, metrics, reasons, getattr(module, "METRIC", None))
    failed = _failed(measured, reasons)
    return (cells, failed) if failed else (cells,)


def scalars(measured: Measured) -> dict[str, np.ndarray]:
    """The metrics: real numbers or counts, one a lane."""
    return {
        name: array
        for name, array in measured.items()
        if isinstance(array, np.ndarray)
        and array.shape == measured.shape
        and array.dtype.kind in "fiu"
        and name != "status"
    }


def failures(module: ModuleType, measured: Measured, metrics: dict[str, Any]) -> np.ndarray:
    """Why each lane failed, in words; empty where it did not."""
    reasons = np.full(measured.shape, "", object)
    for name, values in metrics.items():
        reasons[~np.isfinite(values) & (reasons == "")] = f"{name} is not finite"
    status = measured.get("status")
    if isinstance(status, np.ndarray) and status.shape == measured.shape:
        for code, words in getattr(module, "REASONS", {}).items():
            reasons[status == code] = str(words)
    return reasons


def interval(values: np.ndarray) -> tuple[float, float, float, float]:
    """Mean, standard deviation, and the ends of Student's interval for the mean.

    NaN where there are too few values: no mean of none, no spread of one.
    """
    from scipy.special import stdtrit

    n = len(values)
    if n == 0:
        return (math.nan,) * 4
    mean = float(np.mean(values))
    if n == 1:
        return mean, math.nan, math.nan, math.nan
    spread = float(np.std(values, ddof=1))
    half = float(stdtrit(n - 1, (1 + LEVEL) / 2)) * spread / math.sqrt(n)
    return mean, spread, mean - half, mean + half


def _cells(measured: Measured, metrics, reasons, best_by: str | None) -> Table:
    seed = next((i for i, axis in enumerate(measured.axes) if axis.paths == ("seed",)), None)
    others = [axis for i, axis in enumerate(measured.axes) if i != seed]

    def rows(array):
        """One row a cell, one column a seed."""
        if seed is None:
            return array.reshape(-1, 1)
        return np.moveaxis(array, seed, -1).reshape(-1, array.shape[seed])

    good = rows(reasons) == ""
    columns: dict[str, Any] = {}
    grid = list(np.ndindex(*(len(axis) for axis in others)))
    for a, axis in enumerate(others):
        for p, path in enumerate(axis.paths):
            columns[path] = _column([axis.values[index[a]][p] for index in grid])
    columns["lanes"] = np.full(len(grid), good.shape[1])
    columns["failed"] = np.sum(~good, axis=1)
    means = {}
    for name, array in metrics.items():
        found = [
            interval(np.asarray(row[ok], float)) for row, ok in zip(rows(array), good, strict=True)
        ]
        mean, spread, low, high = np.array(found).T
        means[name] = mean
        if good.shape[1] == 1:
            columns[name] = mean
        else:
            columns |= {
                f"{name} mean": mean,
                f"{name} sd": spread,
                f"{name} 95% low": low,
                f"{name} 95% high": high,
            }
    best = None
    if best_by in means and np.isfinite(means[best_by]).any():
        best = int(np.nanargmin(means[best_by]))
    title = "The sweep: a row a setting"
    if good.shape[1] > 1:
        title += ", mean and 95% interval over seeds"
    if best is not None:
        title += f"; best by {best_by}"
    return Table("sweep", title, columns, best=best)


def _failed(measured: Measured, reasons) -> Table | None:
    places = np.argwhere(reasons != "")
    if not len(places):
        return None
    columns: dict[str, Any] = {}
    for a, axis in enumerate(measured.axes):
        for p, path in enumerate(axis.paths):
            columns[path] = _column([axis.values[place[a]][p] for place in places])
    stopped = measured.get("stopped_at")
    if isinstance(stopped, np.ndarray) and stopped.shape == measured.shape:
        columns["step"] = stopped[reasons != ""]
    columns["reason"] = reasons[reasons != ""]
    return Table("failed lanes", "Lanes that failed, and why", columns)


def _column(values: list) -> np.ndarray:
    """Swept values as a column: numbers as they are, choices by name, the rest as text."""
    if all(isinstance(value, (int, float, str)) for value in values):
        return np.array(values)
    return np.array([str(getattr(value, "name", value)) for value in values])
