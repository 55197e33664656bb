"""Runs a sweep whose settings Optuna asks for: a batch, what came of it, the next batch.

Every batch is a sweep of equal shape, so that one program serves all; its tiles are kept like any
others, and what is asked for follows from what was kept.
"""

from __future__ import annotations

import dataclasses
import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxmath.config.asking import Asking
from jaxmath.config.errors import InputError, Problem
from jaxmath.config.spelling import suggest
from jaxmath.config.study import Study, SweepAxis
from jaxmath.lab import plan, tiles
from jaxmath.lab.job import Job
from jaxmath.lab.loading import Loader, read_by_load
from jaxmath.lab.program import Lane
from jaxmath.lab.progress import Progress
from jaxmath.runs import sweep
from jaxmath.runs.experiment import Table
from jaxmath.runs.journal import Journal
from jaxmath.runs.measured import Measured, gather

SAMPLERS = {
    "tpe": "TPESampler",
    "gp": "GPSampler",
    "cmaes": "CmaEsSampler",
    "qmc": "QMCSampler",
    "random": "RandomSampler",
}


class Asked(NamedTuple):
    """What a sweep came to.

    Attributes:
        parts: lanes and their results, for `gather`.
        axes: those of the study, with the values that were asked for.
        table: how good the best was after each batch.
        programs, tiles: how many were compiled, and how many pieces of work they ran.
    """

    parts: list[Any]
    axes: tuple[SweepAxis, ...]
    table: Table
    programs: int
    tiles: int


def check_metric(method: Asking, one: Lane) -> None:
    """Hold the metric against what a lane results in.

    Raises:
        InputError: it is no number of a lane.
    """
    found = jax.eval_shape(one.begin, one.fixed, one.key, one.arrays, one.swept)
    if one.rounds:
        carry, record = jax.eval_shape(one.proceed, one.fixed, one.arrays, one.swept, found)
        records = jax.tree.map(
            lambda x: jax.ShapeDtypeStruct((one.rounds, *x.shape), x.dtype), record
        )
        found = jax.eval_shape(one.finish, one.fixed, one.arrays, one.swept, carry, records)
    names = [name for name, value in found.items() if getattr(value, "shape", None) == ()]
    if method.metric not in names:
        told = f"`sweep.optuna.metric` is {method.metric}, and no run results in such a number"
        hint = suggest(method.metric, names)
        raise InputError(Problem(told, path="sweep.optuna.metric", hint=hint))


def run(
    study: Study, loader: Loader, progress: Progress, journal: Journal | None, job: Job
) -> Asked:
    """Ask for settings, run them, tell what came of them, until there are as many as wanted."""
    method: Any = study.method
    paths = tuple(space.path for space in method.spaces)
    position = next(i for i, axis in enumerate(study.axes) if axis.paths == paths)
    host = read_by_load(study, loader)
    search, rows, first = _Search(method), [], 0
    parts, programs, bests = [], set(), []
    for batch in range(method.count // method.batch):
        values = search.ask()
        axes = list(study.axes)
        axes[position] = SweepAxis(paths, tuple(values))
        part = dataclasses.replace(study, axes=tuple(axes))
        cells = plan.cells(part, host)
        work, _, done = tiles.prepare(part, cells, loader, progress, journal, job, first)
        first += len(work) + len(done)
        programs |= {id(tile.program) for tile in work}
        phase = f"batch {batch + 1} of {method.count // method.batch}"
        found = done + tiles.run(part, work, progress, journal, job, phase=phase)
        bests.append(search.tell(part, gather(found, part.axes)))
        rows += values
        shape = [len(axis) for axis in axes]
        whole = [method.count if i == position else n for i, n in enumerate(shape)]
        for lanes, results in found:
            places = list(np.unravel_index(lanes, shape))
            places[position] = places[position] + batch * method.batch
            parts.append((np.ravel_multi_index(places, whole), results))
    axes = list(study.axes)
    axes[position] = SweepAxis(paths, tuple(rows))
    return Asked(parts, tuple(axes), _table(method, bests), len(programs), first)


def _table(method: Asking, bests: list[float]) -> Table:
    better = np.fmax if method.maximize else np.fmin
    return Table(
        "asked",
        f"Asked for by Optuna's {SAMPLERS[method.sampler]}: {method.count} settings in "
        f"{len(bests)} batches of {method.batch}",
        {
            "batch": np.arange(1, len(bests) + 1),
            f"best {method.metric}": np.array(bests),
            "best so far": better.accumulate(bests),
        },
    )


class _Search:
    """Optuna's own study, in memory: it follows from its seed and from what it was told."""

    def __init__(self, method: Asking):
        try:
            import optuna  # pyright: ignore[reportMissingImports]
        except ImportError as error:
            hint = "pip install 'jaxmath[optuna]'"
            raise InputError(Problem(f"Optuna cannot be loaded: {error}", hint=hint)) from error
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._optuna, self._method, self._trials = optuna, method, []
        options: dict[str, Any] = dict(seed=method.seed)
        if method.sampler == "tpe":
            options |= dict(constant_liar=True)  # a batch should not be one point many times
        with _needed(method), warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            sampler = getattr(optuna.samplers, SAMPLERS[method.sampler])(**options)
        direction = "maximize" if method.maximize else "minimize"
        self._study = optuna.create_study(sampler=sampler, direction=direction)
        self._spaces = {
            space.path: optuna.distributions.FloatDistribution(space.low, space.high, log=space.log)
            for space in method.spaces
        }

    def ask(self) -> list[tuple[float, ...]]:
        """The settings of the next batch."""
        with _needed(self._method):
            self._trials = [self._study.ask(self._spaces) for _ in range(self._method.batch)]
        return [tuple(trial.params[path] for path in self._spaces) for trial in self._trials]

    def tell(self, study: Study, measured: Measured) -> float:
        """Say what came of them: means over seeds, and which have failed; the best of them."""
        metrics = sweep.scalars(measured)
        good = sweep.by_cell(measured, sweep.failures(study.module, measured, metrics)) == ""
        values = sweep.by_cell(measured, metrics[self._method.metric]).astype(float).mean(axis=1)
        values = np.where(good.all(axis=1), values, np.nan)
        failed = self._optuna.trial.TrialState.FAIL
        for trial, value in zip(self._trials, values.tolist(), strict=True):
            told = dict(state=failed) if math.isnan(value) else dict(values=value)
            self._study.tell(trial, **told)
        best = np.fmax if self._method.maximize else np.fmin
        return float(best.reduce(values))


@contextmanager
def _needed(method: Asking) -> Iterator[None]:
    """Name what a sampler of Optuna's needs and does not bring."""
    try:
        yield
    except ImportError as error:
        told = f"Optuna's sampler {method.sampler} needs a package that is not installed"
        raise InputError(f"{told}: {str(error).splitlines()[0]}") from error
