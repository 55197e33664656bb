"""The table of a sweep: mean, spread and confidence over seeds, the best cell, failed lanes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

import numpy as np

from jaxmath.config.asking import Asking
from jaxmath.config.halving import Halving
from jaxmath.config.study import SweepAxis
from jaxmath.runs.experiment import Table
from jaxmath.runs.measured import Measured

LEVEL = 0.95
"""Coverage of the confidence intervals."""


ROUNDS = "rounds"
"""The array of how many rounds each lane took, where a sweep drops settings before their last."""


def tables(
    module: ModuleType, measured: Measured, method: Halving | Asking | None = None
) -> tuple[Table, ...]:
    """The tables of a sweep: a row a cell, and a row a failed lane; none without a sweep.

    A *metric* is a measured number of each lane. A lane failed if its `status` is a key of the
    module's `REASONS` (a code -> a reason in words), or one of its metrics is not finite; it
    counts in no mean. `METRIC` of the module names the metric that is best where it is smallest,
    or several of which the first that was measured counts. Where a method drops settings, the best
    by its metric among those that ran to the end is best.
    """
    if not measured.axes:
        return ()
    metrics = scalars(measured)
    reasons = failures(module, measured, metrics)
    best, sign = metric(module, metrics), 1.0
    if method and method.metric in metrics:
        best, sign = method.metric, -1.0 if method.maximize else 1.0
    cells = _cells(measured, metrics, reasons, best, sign)
    failed = _failed(measured, reasons)
    return (cells, failed) if failed else (cells,)


def metric(module: ModuleType, metrics: dict[str, np.ndarray]) -> str | None:
    """The metric by which the best setting is chosen."""
    named = getattr(module, "METRIC", ())
    return next((m for m in ((named,) if isinstance(named, str) else named) if m in metrics), None)


def scalars(measured: Measured) -> dict[str, np.ndarray]:
    """The metrics: real numbers or counts, one a lane."""
    return {
        name: array
        for name, array in measured.items()
        if isinstance(array, np.ndarray)
        and array.shape == measured.shape
        and array.dtype.kind in "fiu"
        and name not in ("status", ROUNDS)
    }


def failures(module: ModuleType, measured: Measured, metrics: dict[str, Any]) -> np.ndarray:
    """Why each lane failed, in words; empty where it did not."""
    reasons = np.full(measured.shape, "", object)
    whole = _whole(measured)
    for name, values in metrics.items():
        reasons[~np.isfinite(values) & (reasons == "") & whole] = f"{name} is not finite"
    status = measured.get("status")
    if isinstance(status, np.ndarray) and status.shape == measured.shape:
        for code, words in getattr(module, "REASONS", {}).items():
            reasons[status == code] = str(words)
    return reasons


def _whole(measured: Measured) -> np.ndarray:
    """Which lanes took all rounds."""
    rounds = measured.get(ROUNDS)
    if not isinstance(rounds, np.ndarray) or rounds.shape != measured.shape:
        return np.ones(measured.shape, bool)
    return rounds == rounds.max()


def interval(values, good, shared: float = 0.0) -> tuple[np.ndarray, ...]:
    """Mean, standard deviation and the ends of Student's interval of the mean, along the last axis.

    Of the entries where `good` alone. NaN where there are too few: no mean of none, no spread of
    one. `shared` is how much of their variance the mean keeps since its entries share data; see
    the function of that name.
    """
    from scipy.special import stdtrit

    values = np.where(good, np.asarray(values, float), 0.0)
    n = np.broadcast_to(np.sum(good, axis=-1), values.shape[:-1]).astype(float)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        mean = np.where(n > 0, values.sum(-1) / n, np.nan)
        squares = np.where(good, values - mean[..., None], 0.0) ** 2
        spread = np.where(n > 1, np.sqrt(squares.sum(-1) / (n - 1)), np.nan)
        half = stdtrit(np.maximum(n - 1, 1), (1 + LEVEL) / 2) * spread * np.sqrt(1 / n + shared)
    return tuple(np.asarray(x) for x in (mean, spread, mean - half, mean + half))


def shared(axes: Sequence[SweepAxis]) -> float:
    """The rows of a fold over those that it is trained on; zero without folds.

    Trainings on folds share most of their rows, so that their mean varies by this share of their
    variance, however many there are (Nadeau and Bengio 2003, section 3).
    """
    folds = [len(axis) for axis in axes if axis.is_fold]
    return max((1 / (count - 1) for count in folds if count > 1), default=0.0)


def by_cell(measured: Measured, array: np.ndarray) -> np.ndarray:
    """An array of all lanes as (cells, ..., repeats): a row a setting, its repeats at last."""
    depth = len(measured.axes)
    last = [i for i, axis in enumerate(measured.axes) if axis.is_repeat]
    first = [i for i in range(depth) if i not in last]
    array = np.transpose(array, [*first, *range(depth, array.ndim), *last])
    inner = array.shape[len(first) : array.ndim - len(last)]
    cells = int(np.prod(array.shape[: len(first)]))
    return array.reshape(cells, *inner, -1)


def settings(measured: Measured) -> dict[str, np.ndarray]:
    """The swept values but those of repeats, by path: one entry a cell."""
    return grid([axis for axis in measured.axes if not axis.is_repeat])


def grid(axes: Sequence[SweepAxis]) -> dict[str, np.ndarray]:
    """The values of swept paths: an entry a lane, in the order of the grid."""
    places = list(np.ndindex(*(len(axis) for axis in axes)))
    return {
        path: _column([axis.values[place[a]][p] for place in places])
        for a, axis in enumerate(axes)
        for p, path in enumerate(axis.paths)
    }


def best_by(cells: Table) -> str | None:
    """The metric by which the best row of a sweep's table was chosen."""
    return cells.title.rpartition("best by ")[2] if cells.best is not None else None


def _cells(measured: Measured, metrics, reasons, metric: str | None, sign: float) -> Table:
    good = by_cell(measured, reasons) == ""
    repeats = good.shape[1]
    columns: dict[str, Any] = dict(settings(measured))
    columns["runs"] = np.full(len(good), repeats)
    columns["failed"] = np.sum(~good, axis=1)
    whole = by_cell(measured, _whole(measured))[:, 0]
    if not whole.all():
        columns["rounds"] = by_cell(measured, measured[ROUNDS])[:, 0]
    best = None
    for name, array in metrics.items():
        mean, spread, low, high = interval(by_cell(measured, array), good, shared(measured.axes))
        if name == metric and np.isfinite(mean[whole]).any():
            best = int(np.nanargmin(np.where(whole, sign * mean, np.nan)))
        if repeats == 1:
            columns[name] = mean
        else:
            columns |= {
                f"{name} mean": mean,
                f"{name} sd": spread,
                f"{name} 95% low": low,
                f"{name} 95% high": high,
            }
    title = "The sweep: a row a setting"
    if repeats > 1:
        kinds = [axis for axis in measured.axes if axis.is_repeat]
        told = " and ".join("folds" if axis.is_fold else "seeds" for axis in kinds)
        title += f", means over {told}"
    if best is not None:
        title += f"; best by {metric}"
    return Table("sweep", title, columns, best=best)


def _failed(measured: Measured, reasons) -> Table | None:
    if not np.any(reasons != ""):
        return None
    columns: dict[str, Any] = {
        path: values[np.ravel(reasons != "")] for path, values in grid(measured.axes).items()
    }
    stopped = measured.get("stopped_at")
    if isinstance(stopped, np.ndarray) and stopped.shape == measured.shape:
        columns["step"] = stopped[reasons != ""]
    columns["reason"] = reasons[reasons != ""]
    return Table("failed lanes", "Lanes that failed, and why", columns)


def _column(values: list) -> np.ndarray:
    """Swept values as a column: numbers as they are, choices by name, the rest as text."""
    if all(isinstance(value, (int, float, str)) for value in values):
        return np.array(values)
    return np.array([named(value) for value in values])


def named(value: Any) -> str:
    """A choice by its name, as an experiment has it or as a folder keeps it; the rest as text."""
    return str(
        value.get("name", value) if isinstance(value, Mapping) else getattr(value, "name", value)
    )
