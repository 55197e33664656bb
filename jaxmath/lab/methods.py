"""The ways of a sweep: all settings to the end, some dropped before, or asked for in batches."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jaxmath.config.asking import Asking
from jaxmath.config.errors import InputError, Problem, theirs
from jaxmath.config.halving import Halving
from jaxmath.config.study import Study, SweepAxis
from jaxmath.lab import asking, halving, plan, tiles
from jaxmath.lab.job import Job
from jaxmath.lab.loading import Loader
from jaxmath.lab.program import Lane, lane
from jaxmath.lab.progress import Progress
from jaxmath.runs.experiment import Table
from jaxmath.runs.journal import Journal
from jaxmath.runs.sweep import ROUNDS


@dataclass(frozen=True)
class Ran:
    """What a sweep came to.

    Attributes:
        parts: lanes and their results, for `gather`.
        axes: of the sweep, with all values.
        ready: when everything was compiled that is known beforehand, by `time.perf_counter`.
        programs, tiles: how many were compiled, and how many pieces of work they ran.
        tables: what the way has to tell.
        arrays: what it adds to the results.
    """

    parts: list[Any]
    axes: tuple[SweepAxis, ...]
    ready: float
    programs: int = 0
    tiles: int = 0
    tables: tuple[Table, ...] = ()
    arrays: Mapping[str, Any] = field(default_factory=dict)


def run(
    study: Study,
    cells: list[plan.Cell],
    loader: Loader,
    progress: Progress,
    journal: Journal | None,
    job: Job,
) -> Ran:
    """Run all lanes of a sweep that a journal does not have.

    Raises:
        InputError: several processes cannot share it, or its metric is not measured.
    """
    check(study, cells, loader)
    if study.method and job.count > 1:
        hint = "leave --distributed out, or the method"
        told = f"`sweep.{study.method.name}` compares its settings on the way, in one process"
        raise InputError(Problem(told, hint=hint))
    job = Job(devices=1) if study.method else job
    if isinstance(study.method, Asking):
        ready = time.perf_counter()
        asked = asking.run(study, loader, progress, journal, job)
        return Ran(asked.parts, asked.axes, ready, asked.programs, asked.tiles, (asked.table,))
    work, elsewhere, parts = tiles.prepare(study, cells, loader, progress, journal, job)
    ready = time.perf_counter()
    programs = len({id(tile.program) for tile in work})
    if not study.method:
        parts += tiles.run(study, work, progress, journal, job)
        parts += tiles.collect(elsewhere, progress, journal, job)
        return Ran(parts, study.axes, ready, programs, len(work))
    found = halving.run(study, work, progress, journal, job)
    return Ran(
        found.parts,
        study.axes,
        ready,
        programs + found.programs,
        found.tiles,
        (found.table,),
        {ROUNDS: found.rounds},
    )


def check(study: Study, cells: list[plan.Cell], loader: Loader) -> None:
    """Hold the metric of a method, where there is one, against what every cell measures.

    Raises:
        InputError: it measures no such number.
    """
    seen = set()
    for cell in cells if study.method else ():
        if plan.signature(cell.config) not in seen:
            seen.add(plan.signature(cell.config))
            with theirs(study.experiment, "measure"):
                check_lane(study, lane(study, cell, loader(cell.config)))


def check_lane(study: Study, one: Lane) -> None:
    """Hold the metric of a method, where there is one, against what a lane measures."""
    if isinstance(study.method, Halving):
        halving.check_metric(study.method, one)
    elif study.method:
        asking.check_metric(study.method, one)
