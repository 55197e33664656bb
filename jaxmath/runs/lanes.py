"""The lanes of a run one by one, as other programs take them: a setting, numbers, curves."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from jaxmath.runs import sweep
from jaxmath.runs.comparison import flat
from jaxmath.runs.estimates import metrics_of
from jaxmath.runs.run import Run


class Lane(NamedTuple):
    """One run of a sweep; all there is, where nothing is swept.

    Attributes:
        number: its place in the grid, from 0.
        setting: its swept values by dotted path.
        metrics: its single numbers by name.
        curves: numbers at each of `steps`, by name.
    """

    number: int
    setting: Mapping[str, Any]
    metrics: Mapping[str, float]
    curves: Mapping[str, np.ndarray]

    @property
    def name(self) -> str:
        """Its number and setting, such as "3 seed=1 rate=0.1"."""
        told = (f"{path}={_short(value)}" for path, value in self.setting.items())
        return " ".join([str(self.number), *told])


def lanes(run: Run) -> Iterator[Lane]:
    """Every lane, in the order of the grid."""
    shape = tuple(len(axis) for axis in run.axes)
    settings = sweep.grid(run.axes)
    metrics = {name: np.ravel(array) for name, array in metrics_of(run).items()}
    over = {name: array.reshape(-1, array.shape[-1]) for name, array in _curves(run, shape).items()}
    for number in range(int(np.prod(shape))):
        yield Lane(
            number,
            {path: values[number].item() for path, values in settings.items()},
            {name: values[number].item() for name, values in metrics.items()},
            {name: values[number] for name, values in over.items()},
        )


def steps(run: Run) -> np.ndarray:
    """The steps at which curves were recorded; their places where the run has no "step"."""
    found = _steps(run)
    if found is not None:
        return found
    shape = tuple(len(axis) for axis in run.axes)
    return np.arange(max((a.shape[-1] for a in _curves(run, shape).values()), default=0))


def _steps(run: Run) -> np.ndarray | None:
    step = run.series.get("step")
    known = isinstance(step, np.ndarray) and step.ndim == 1 and step.dtype.kind in "iuf"
    return step if known else None


def _curves(run: Run, shape: tuple[int, ...]) -> dict[str, np.ndarray]:
    """Real arrays with one axis behind those of the sweep, as long as the steps.

    What a training records ends in "_curve": where there is such, nothing else is a curve. Of a run
    without steps only what calls itself a curve is one.
    """
    step = _steps(run)
    found = {
        name: array
        for name, array in run.series.items()
        if isinstance(array, np.ndarray)
        and array.dtype.kind in "fiu"
        and array.ndim == len(shape) + 1
        and array.shape[:-1] == shape
        and (name.endswith("curve") if step is None else array.shape[-1] == len(step))
        and name != "step"
    }
    recorded = {n.removesuffix("_curve"): a for n, a in found.items() if n.endswith("_curve")}
    return recorded or found


def settings(run: Run, lane: Lane) -> dict[str, Any]:
    """Every value of the config that is a number, a word or a truth value, as the lane had it."""
    config = {
        path: value
        for path, value in flat(run.config).items()
        if isinstance(value, (bool, int, float, str)) and not path.startswith("sweep.")
    }
    return config | dict(lane.setting)


def moment(run: Run) -> float:
    """When the run was finished, in seconds since 1970; zero where nobody knows."""
    try:
        return datetime.datetime.fromisoformat(str(run.provenance.get("finished"))).timestamp()
    except ValueError:
        return 0.0


def _short(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
