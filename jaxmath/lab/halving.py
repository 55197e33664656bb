"""Runs a sweep by successive halving or Hyperband, rung by rung, on tiles of the same engine.

All lanes begin in the tiles of the whole sweep. At a rung the settings that are left go on in
tiles made of them alone, and are compared by the mean of a metric over their seeds. A lane that is
dropped is finished from where it stands. Every piece is kept in the journal like any other tile,
and which settings are left follows from what the pieces recorded, so that a run goes on in the
middle of it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxmath.config.errors import InputError, Problem
from jaxmath.config.halving import Halving
from jaxmath.config.spelling import suggest
from jaxmath.config.study import Study
from jaxmath.lab import tiles
from jaxmath.lab.held import Held
from jaxmath.lab.job import Job
from jaxmath.lab.program import Lane
from jaxmath.lab.progress import Progress
from jaxmath.lab.sizes import Sizes
from jaxmath.runs.experiment import Table
from jaxmath.runs.journal import Journal
from jaxmath.runs.rungs import Compared, table


class Searched(NamedTuple):
    """What a sweep by halving came to.

    Attributes:
        parts: lanes and their results, for `gather`.
        rounds: how many rounds each lane took, over the sweep's grid.
        table: what was compared at each rung.
        programs, tiles: how many were compiled for rungs, and how many pieces of work there were.
    """

    parts: list[Any]
    rounds: np.ndarray
    table: Table
    programs: int
    tiles: int


def check_metric(method: Halving, one: Lane) -> None:
    """Hold the metric of a method against what a lane records.

    Raises:
        InputError: a round records no such number.
    """
    carry = jax.eval_shape(one.begin, one.fixed, one.key, one.arrays, one.swept)
    _, record = jax.eval_shape(one.proceed, one.fixed, one.arrays, one.swept, carry)
    found = record if isinstance(record, dict) else {}
    names = [name for name, value in found.items() if getattr(value, "shape", None) == ()]
    if method.metric not in names:
        path = f"sweep.{method.name}.metric"
        told = f"`{path}` is {method.metric}, and a round records no such number"
        raise InputError(Problem(told, path=path, hint=suggest(method.metric, names)))


def run(
    study: Study, work: list[tiles.Tile], progress: Progress, journal: Journal | None, job: Job
) -> Searched:
    """Run a sweep, given all of its tiles with their programs compiled."""
    method: Any = study.method
    sizes = Sizes(study)
    of_cell = {id(tile.cell): tile for tile in work}
    held = [Held(study, tile, sizes) for tile in of_cell.values()]
    first = len(work)

    def go(pieces: list[tuple[Held, tiles.Tile]], phase: str) -> list[Any]:
        nonlocal first
        numbered = [tile._replace(number=first + i) for i, (_, tile) in enumerate(pieces)]
        first += len(pieces)
        return tiles.run_kept(study, numbered, progress, journal, job, sizes, phase)

    def keep(pieces: list[tuple[Held, tiles.Tile]], phase: str) -> None:
        for (one, _), part in zip(pieces, go(pieces, phase), strict=True):
            one.keep(*part)

    keep([(one, piece) for one in held for piece in one.begun()], "beginning")
    grid = _Settings(study, method, held)
    rounds = held[0].rounds
    brackets = method.brackets(len(grid.order), rounds)
    starts = np.cumsum([0, *(rungs[0].settings for rungs in brackets)])
    left = [grid.order[a:b] for a, b in itertools.pairwise(starts)]
    taken = np.zeros(len(grid.order), int)
    compared: list[Compared] = []
    # Brackets differ in where they compare, so that all that is left goes on together.
    levels = sorted({rung.rounds for rungs in brackets for rung in rungs})
    for level, (since, until) in enumerate(itertools.pairwise([0, *levels])):
        alive = np.concatenate(left)
        keep(list(grid.pieces(alive, since, until)), f"rung {level + 1} of {len(levels)}")
        taken[alive] = until
        for b, rungs in enumerate(brackets):
            step = next((i for i, rung in enumerate(rungs) if rung.rounds == until), None)
            if step is None:
                continue
            values = grid.metric(left[b], until)
            best = np.argsort(np.where(np.isfinite(values), values, np.inf), kind="stable")
            kept = rungs[step + 1].settings if until < rounds else 0
            compared.append(Compared(b, step, rungs[step], kept, left[b][best], values[best]))
            left[b] = left[b][best][:kept]
    parts = go(list(grid.finished(taken)), "finishing")
    return Searched(
        parts,
        grid.over_lanes(taken),
        table(study, method, compared, rounds),
        len(sizes),
        first - len(work),
    )


class _Settings:
    """The settings of a sweep by number, the order in which a method takes them, their lanes."""

    def __init__(self, study: Study, method: Halving, held: list[Held]):
        self._method, self._held = method, held
        lengths = [len(axis) for axis in study.axes]
        lanes = np.arange(int(np.prod(lengths))).reshape(lengths)
        last = [i for i, axis in enumerate(study.axes) if axis.is_repeat]
        others = [axis for axis in study.axes if not axis.is_repeat]
        first = [i for i in range(len(lengths)) if i not in last]
        lanes = np.transpose(lanes, first + last)
        lanes = lanes.reshape(*lanes.shape[: len(first)], -1)
        numbers = np.arange(int(np.prod(lanes.shape[:-1]))).reshape(lanes.shape[:-1])
        design = [i for i, axis in enumerate(others) if method.first in axis.paths]
        self.order = np.moveaxis(numbers, design[0], 0).ravel() if design else numbers.ravel()
        self._lanes = lanes.reshape(len(self.order), -1)
        number_of = np.empty(lanes.size, int)
        number_of[self._lanes] = np.arange(len(self.order))[:, None]
        self._grid = lengths
        self._place: dict[int, list[tuple[Held, int]]] = {}
        for one in held:
            for column, lane_ in enumerate(one.lanes[0]):
                self._place.setdefault(int(number_of[lane_]), []).append((one, column))

    def _columns(self, numbers: np.ndarray) -> Iterator[tuple[Held, np.ndarray]]:
        """The columns of each cell that belong to some settings."""
        for one in self._held:
            columns = [c for n in numbers for which, c in self._place[int(n)] if which is one]
            if columns:
                yield one, np.array(sorted(columns))

    def pieces(self, numbers: np.ndarray, since: int, until: int):
        """The tiles in which some settings go on from one rung to the next."""
        for one, columns in self._columns(numbers):
            yield from ((one, piece) for piece in one.going_on(columns, since, until))

    def finished(self, taken: np.ndarray):
        """The tiles in which all settings are finished, after as many rounds as each took."""
        for rounds in np.unique(taken):
            for one, columns in self._columns(np.flatnonzero(taken == rounds)):
                yield from ((one, piece) for piece in one.finished(columns, int(rounds)))

    def metric(self, numbers: np.ndarray, rounds: int) -> np.ndarray:
        """The mean over seeds after so many rounds, turned so that less is better; NaN: failed."""
        sign = -1.0 if self._method.maximize else 1.0
        found = [
            [one.metric(self._method.metric, column, rounds) for one, column in self._place[int(n)]]
            for n in numbers
        ]
        return sign * np.array([np.mean(np.concatenate(values)) for values in found])

    def over_lanes(self, taken: np.ndarray) -> np.ndarray:
        """A number of each setting as a number of each lane of the sweep's grid."""
        whole = np.empty(self._lanes.size, int)
        whole[self._lanes] = taken[:, None]
        return whole.reshape(self._grid)
