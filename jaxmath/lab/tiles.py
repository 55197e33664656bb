"""Tiles: pieces of a sweep that one call runs, several at once, each kept when it is finished."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxmath.config.errors import theirs
from jaxmath.config.study import Study
from jaxmath.lab import mesh, plan, threads
from jaxmath.lab.compaction import Rounds
from jaxmath.lab.job import Job
from jaxmath.lab.loading import Loader, split, static_part
from jaxmath.lab.program import (
    STAGES,
    Program,
    arguments,
    at_once,
    compiled,
    lane,
    lowered,
    size,
    tiling,
    workers,
)
from jaxmath.lab.progress import Progress
from jaxmath.lab.sizes import Sizes
from jaxmath.runs.journal import Journal, stored


class Tile(NamedTuple):
    """A piece of work: some seeds (rows) and settings (columns) of a cell.

    `key` is a hash of all that its numbers depend on.
    """

    number: int
    program: Program
    cell: plan.Cell
    data: Any
    rows: np.ndarray
    columns: np.ndarray
    key: str

    @property
    def lanes(self) -> np.ndarray:
        """The place in the sweep's grid of each of its lanes, row by row."""
        return self.cell.lanes[np.ix_(self.rows, self.columns)].ravel()


WAKE = 0.1
"""Seconds between looks at whether a signal has arrived."""

KEPT = 64
"""Compiled programs that a process keeps, so that the next run with other numbers needs none."""

_programs: OrderedDict[Any, Program] = OrderedDict()


def prepare(
    study: Study,
    cells: list[plan.Cell],
    loader: Loader,
    progress: Progress,
    journal: Journal | None,
    job: Job,
    first: int = 0,
) -> tuple[list[Tile], list[Tile], list[Any]]:
    """The tiles that are left for this process, their programs compiled; those that are left for
    others; and the parts that are finished.

    One program serves all cells that differ in arrays alone. A sweep that goes on is cut as it was.
    Tiles are numbered from `first`.
    """
    cut = job.cut(journal)
    planned = [plan.Tiling(*sides) for sides in cut] if cut else [None] * len(cells)
    devices = mesh.devices(job.devices)
    keys, lower = [], {}
    for cell, cut in zip(cells, planned, strict=True):
        data = loader(cell.config)
        keys.append((*_identity(study, cell, data), len(cells), devices, cut))
        if keys[-1] in _programs:
            _programs.move_to_end(keys[-1])
        else:
            lower.setdefault(keys[-1], (cell, data, cut))
    with theirs(study.experiment, "measure"):
        for key, (cell, data, cut) in lower.items():
            one = lane(study, cell, data)
            whole = hasattr(study.module, "full_batch") and study.module.full_batch(cell.config)
            rows = mesh.divided(whole, one.arrays, cell.lanes.size, devices)
            cut = cut or tiling(cell, size(one), job, 1 if rows else len(devices))
            made = lowered(one, cut, mesh.layout(cut, rows, devices))
            count = len(cells) * len(cut.tiles(*cell.lanes.shape))
            lower[key] = made._replace(one_core=count >= at_once(job) > 1)
    programs = dict(_programs) | lower
    work = _tiles(study, cells, loader, [programs[key] for key in keys], first)
    cuts = [programs[key].tiling for key in keys]
    done = {tile.number: part for tile in work if (part := _finished(tile, journal))}
    named = {tile.number: tile.key for tile in work}
    ours = job.share(journal, [[cut.rows, cut.columns] for cut in cuts], named, set(done))
    if ours is None:
        return prepare(study, cells, loader, progress, journal, job, first)
    left = [tile for tile in work if tile.number in ours]
    elsewhere = [tile for tile in work if tile.number not in ours and tile.number not in done]
    needed = {id(tile.program) for tile in left}
    wanted = {key: program for key, program in lower.items() if id(program) in needed}
    # Cells whose values only `load` reads, such as folds, have programs of one text.
    alike = {program.alike: program for program in wanted.values()}
    progress.phase("compiling", len(alike))
    made = dict(zip(alike, compiled([*alike.values()], progress.advance), strict=True))
    made = {key: made[program.alike] for key, program in wanted.items()}
    _programs.update(made)
    while len(_programs) > KEPT:
        _programs.popitem(last=False)
    ready = {id(wanted[key]): program for key, program in made.items()}
    left = [t._replace(program=ready.get(id(t.program), t.program)) for t in left]
    return left, elsewhere, list(done.values())


def _identity(study: Study, cell: plan.Cell, data):
    """All that a program depends on: whatever is no number of a config and no array of the data."""
    code = tuple(getattr(study.module, name, None) for name in STAGES)
    swept = tuple(cell.settings)
    static = (plan.signature(cell.config), static_part(data))
    machine = plan.CACHE_BYTES, threads.pinned()
    return code, study.precision, swept, cell.lanes.shape, machine, static


def _tiles(
    study: Study, cells: list[plan.Cell], loader: Loader, programs, first: int
) -> list[Tile]:
    """All tiles of the sweep, numbered, each with its key."""
    work: list[Tile] = []
    hashes: dict[int, bytes] = {}
    for cell, program in zip(cells, programs, strict=True):
        data = loader(cell.config)
        if id(data) not in hashes:
            hashes[id(data)] = data_hash(data)
        for rows, columns in program.tiling.tiles(*cell.lanes.shape):
            name = key(study, cell, program, rows, columns, hashes[id(data)])
            work.append(Tile(first + len(work), program, cell, data, rows, columns, name))
    return work


def key(study: Study, cell: plan.Cell, program: Program, rows, columns, data: bytes) -> str:
    """A hash of all that the numbers of some lanes depend on; of the data it takes their hash."""
    fixed, _ = arguments(study, cell)
    said = (program.digest, sorted((path, float(x).hex()) for path, x in fixed.items()))
    seeds = [cell.seeds[row] for row in rows]
    swept = [(path, values[columns].tobytes()) for path, values in cell.settings.items()]
    return hashlib.sha256(repr((said, seeds, swept)).encode() + data).hexdigest()


def data_hash(data) -> bytes:
    """A hash of all arrays of the data."""
    whole = hashlib.sha256()
    for array in split(data)[0]:
        array, _ = stored(array)
        whole.update(repr((array.shape, str(array.dtype))).encode())
        whole.update(array.tobytes())
    return whole.digest()


def _finished(tile: Tile, journal: Journal | None):
    """The part of a tile that an earlier session finished, or None."""
    found = journal.finished(tile.number, tile.key) if journal else None
    return found and _part(tile, found.leaves)


def _part(tile: Tile, leaves: list[Any]):
    """A tile's lanes and their results, for `gather`; the padding of a last tile is taken once."""
    lanes, first = np.unique(tile.lanes, return_index=True)
    return lanes, jax.tree.unflatten(tile.program.results, [leaf[first] for leaf in leaves])


def collect(
    elsewhere: list[Tile], progress: Progress, journal: Journal | None, job: Job
) -> list[Any]:
    """The parts of tiles that other processes run, when all are done; nothing for a member."""
    job.others(progress)
    if job.index:
        return []
    return [job.await_piece(partial(_finished, tile, journal), tile.number) for tile in elsewhere]


def run_kept(study: Study, work: list[Tile], progress: Progress, journal, *rest) -> list[Any]:
    """The parts of tiles in their order, of which a journal may have some; the others are run."""
    parts = {tile.number: _finished(tile, journal) for tile in work}
    left = [tile for tile in work if parts[tile.number] is None]
    found = run(study, left, progress, journal, *rest)
    parts |= {tile.number: part for tile, part in zip(left, found, strict=True)}
    return [parts[tile.number] for tile in work]


def run(
    study: Study,
    work: list[Tile],
    progress: Progress,
    journal: Journal | None,
    job: Job,
    sizes: Sizes | None = None,
    phase: str = "running",
) -> list[Any]:
    """Run tiles, several at once; the parts for `gather`."""
    progress.phase(phase, sum(tile.program.pieces for tile in work))
    if not work:
        return []
    sizes = sizes or Sizes(study)
    stop = threading.Event()
    keys = {seed: jax.random.key(seed) for tile in work for seed in tile.cell.seeds}
    needed = {(id(tile.data), tile.program.layout): tile for tile in work}
    data = {at: at[1].place(split(tile.data)[0]) for at, tile in needed.items()}
    together = 1 if any(tile.program.layout.over for tile in work) else workers()

    def one(tile: Tile):
        # JAX's settings belong to a thread, so each enters the precision for itself.
        with jax.enable_x64(study.precision == "float64"):
            return _run_tile(study, tile, keys, data, progress, stop, journal, sizes)

    with ThreadPoolExecutor(max_workers=min(together, len(work))) as pool:
        futures = [pool.submit(one, tile) for tile in work]
        try:
            while True:
                job.check()
                done, waiting = wait(futures, WAKE, FIRST_EXCEPTION)
                for future in done:
                    future.result()  # raises what a tile raised
                if not waiting:
                    return [future.result() for future in futures]
        finally:
            stop.set()  # only matters if one raised, or a person interrupts
            for future in futures:
                future.cancel()


def _run_tile(
    study: Study,
    tile: Tile,
    keys,
    data,
    progress: Progress,
    stop: threading.Event,
    journal: Journal | None,
    sizes: Sizes,
):
    program, cell = tile.program, tile.cell
    arrays = data[id(tile.data), program.layout]
    fixed, swept = arguments(study, cell)
    settings = {
        path: cell.settings[path][tile.columns].astype(x.dtype) for path, x in swept.items()
    }
    state, records, memory = _resumed(tile, journal)
    if state is None:
        seeds = jax.numpy.stack([keys[cell.seeds[row]] for row in tile.rows])
        state = program.begin(fixed, seeds, arrays, settings)
    rounds = Rounds(tile, sizes, (fixed, arrays, settings), state, memory)
    saved, saved_at = len(records), time.monotonic()
    progress.advance(len(records))
    while len(records) < program.rounds:
        jax.block_until_ready(rounds.state)
        progress.advance()
        is_due = journal and time.monotonic() - saved_at >= journal.save_seconds
        if journal and len(records) > saved and (is_due or stop.is_set()):
            leaves = jax.tree.leaves(rounds.whole()) + jax.tree.leaves(_stacked(records))
            journal.keep_state(tile.number, tile.key, len(records), leaves + rounds.memory)
            saved, saved_at = len(records), time.monotonic()
        if stop.is_set():
            return None
        last = records[-1] if records else None
        records.append(rounds.next(last, program.rounds - len(records)))
    state = rounds.whole()
    if program.rounds:
        state = program.finish(fixed, arrays, settings, state, _stacked(records))
    results = [np.asarray(leaf).reshape(-1, *leaf.shape[2:]) for leaf in jax.tree.leaves(state)]
    if journal:
        journal.keep(tile.number, tile.key, results)
    progress.advance()
    return _part(tile, results)


def _stacked(records: list[Any]):
    return jax.tree.map(lambda *leaves: np.stack(leaves, axis=2), *records)


def _resumed(tile: Tile, journal: Journal | None) -> tuple[Any, list[Any], list[Any]]:
    """A tile's state as an earlier session saved it, its records, and what `Rounds` remembers."""
    found = journal.state(tile.number, tile.key) if journal else None
    if found is None:
        return None, [], []
    carry, record = tile.program.carry, tile.program.record
    state, rest = found.leaves[: carry.num_leaves], found.leaves[carry.num_leaves :]
    columns, memory = rest[: record.num_leaves], rest[record.num_leaves :]
    records = [
        jax.tree.unflatten(record, [column[:, :, i] for column in columns])
        for i in range(found.notes["round"])
    ]
    return jax.tree.unflatten(carry, list(map(jax.numpy.asarray, state))), records, memory
