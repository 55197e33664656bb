"""Runs a study: a program a cell, lanes side by side in it, and a folder of what came out.

Lanes are vectorised over settings inside seeds, and the seed's key is not mapped over the settings.
What depends on the key alone, such as the order of the data, is then computed and gathered once for
all settings of a seed, without any planner.
"""

from __future__ import annotations

import inspect
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxmath.config.errors import Exit, ExperimentError, theirs
from jaxmath.config.study import Study
from jaxmath.lab import plan, provenance
from jaxmath.lab.loading import Loader, read_by_load, split, static_part
from jaxmath.lab.program import STAGES, Program, arguments, compiled, lane, lowered, size, workers
from jaxmath.lab.progress import Progress
from jaxmath.runs import encoding, store, sweep
from jaxmath.runs.cache import switch_on
from jaxmath.runs.experiment import Result
from jaxmath.runs.measured import Measured, gather
from jaxmath.runs.run import Run


@dataclass(frozen=True)
class Measurement:
    """What a study measured, before anyone judged it.

    Attributes:
        data: what `load` returned for the study's own config.
        measured: the arrays of all lanes.
        seconds: wall time of "load", "compile" and "run".
        programs, tiles: how many were compiled, and how many pieces of work they ran; zero for
            what runs on the host.
    """

    data: Any
    measured: Measured
    seconds: dict[str, float]
    programs: int
    tiles: int


class Tile(NamedTuple):
    """A piece of work: some seeds (rows) and settings (columns) of a cell."""

    program: Program
    cell: plan.Cell
    data: Any
    rows: np.ndarray
    columns: np.ndarray


def tiling(cell: plan.Cell, each: plan.Size) -> plan.Tiling:
    """How a cell is cut for this machine."""
    threads = workers()
    most = plan.most_lanes(each, threads, jax.default_backend())
    seeds, settings = cell.lanes.shape
    return plan.tiling(seeds, settings, most, threads)


def measure(study: Study, progress: Progress | None = None) -> Measurement:
    """Load the data, compile one program a cell, and run all lanes."""
    progress = progress or Progress(quiet=True)
    with jax.enable_x64(study.precision == "float64"):
        started = time.perf_counter()
        loader = Loader(study)
        data = loader(study.config)
        cells = plan.cells(study, read_by_load(study, loader))
        loaded = time.perf_counter()
        if hasattr(study.module, "survey"):
            work, ready = [], loaded
            parts = list(_survey_all(study, cells, loader, progress))
        else:
            work = _compile_all(study, cells, loader, progress)
            ready = time.perf_counter()
            parts = _run_all(study, work, progress)
        done = time.perf_counter()
    return Measurement(
        data=data,
        measured=gather(parts, study.axes),
        seconds={"load": loaded - started, "compile": ready - loaded, "run": done - ready},
        programs=len({id(tile.program) for tile in work}),
        tiles=len(work),
    )


def judge(study: Study, data, arrays: Mapping[str, Any]) -> Result:
    """Let the experiment judge measured arrays, as they were measured or with a fault planted."""
    with theirs(study.experiment, "judge"):
        return study.module.judge(study.config, data, Measured(arrays, study.axes))


def execute(
    study: Study, out: Path | str | None = None, quiet: bool = False, cache: bool = True
) -> Run:
    """Run a study and write its folder, all but figures, report and STATUS.

    The folder is made first, so that a full disk or a lack of rights is known before hours of
    work. If something raises later, or the run is interrupted, what was finished stays there and
    `STATUS` says why.
    """
    folder = store.create(study, out)
    switch_on(cache)
    try:
        with Progress(quiet) as progress:
            measurement = measure(study, progress)
        return _conclude(study, folder, measurement)
    except KeyboardInterrupt:
        store.status(folder, "INTERRUPTED 130\n")
        raise
    except ExperimentError as error:
        store.status(folder, f"ERROR {int(Exit.EXPERIMENT)}\n{error}\n")
        raise


def _conclude(study: Study, folder: Path, measurement: Measurement) -> Run:
    measured = measurement.measured
    arrays = {name: value for name, value in measured.items() if name != "params"}
    try:
        result = judge(study, measurement.data, measured)
        draw = getattr(study.module, "draw", None)
        with theirs(study.experiment, "draw"):
            plots = tuple(draw(result)) if draw else ()
    except BaseException:
        # What took hours must not be lost to a slip in `judge`.
        store.series(folder, arrays, study.axes)
        raise
    title, description = _documented(study.module)
    run = Run(
        name=study.name,
        experiment=study.experiment,
        title=title,
        description=description,
        topics=tuple(getattr(study.module, "TOPICS", ())),
        folder=folder,
        config=encoding.config_of(study),
        axes=study.axes,
        claims=tuple(result.claims),
        tables=(*sweep.tables(study.module, measured), *result.tables),
        series=arrays | dict(result.series),
        plots=plots,
        params=encoding.nested(measured["params"]) if "params" in measured else None,
        provenance=provenance.collect(
            study, measurement.seconds, measurement.programs, measurement.tiles
        ),
        smoke=study.smoke,
    )
    store.save(run)
    return run


def _documented(module) -> tuple[str, str]:
    """The first sentence of a module's docstring, and the rest."""
    first, _, rest = inspect.cleandoc(module.__doc__ or module.__name__).partition("\n\n")
    return " ".join(first.split()).rstrip("."), rest.strip()


def _survey_all(study: Study, cells: list[plan.Cell], loader: Loader, progress: Progress):
    """Lane by lane, what an experiment measures that is no single program of JAX.

    Its `survey(config, data, seed, progress)` stands in the place of `measure`, runs on the host
    and counts its own progress.
    """
    for cell in cells:
        data = loader(cell.config)
        for (row, column), place in np.ndenumerate(cell.lanes):
            swept = {path: float(values[column]) for path, values in cell.settings.items()}
            config = plan.fill(cell.config, swept)
            with theirs(study.experiment, "survey"):
                found = study.module.survey(config, data, cell.seeds[row], progress)
            yield np.array([place]), jax.tree.map(lambda leaf: np.asarray(leaf)[None], found)


def _compile_all(study: Study, cells: list[plan.Cell], loader: Loader, progress: Progress):
    """One program for all cells that differ in arrays alone, and the tiles to run."""
    keys, new = [], {}
    for cell in cells:
        data = loader(cell.config)
        keys.append(_identity(study, cell, data))
        if keys[-1] in _programs:
            _programs.move_to_end(keys[-1])
        else:
            new.setdefault(keys[-1], (cell, data))
    progress.phase("compiling", len(new))
    traced = []
    with theirs(study.experiment, "measure"):
        for cell, data in new.values():
            one = lane(study, cell, data)
            traced.append(lowered(one, tiling(cell, size(one))))
    _programs.update(zip(new, compiled(traced, progress.advance), strict=True))
    work = [
        Tile(_programs[key], cell, loader(cell.config), rows, columns)
        for key, cell in zip(keys, cells, strict=True)
        for rows, columns in _programs[key].tiling.tiles(*cell.lanes.shape)
    ]
    while len(_programs) > KEPT:
        _programs.popitem(last=False)
    return work


KEPT = 64
"""Compiled programs that a process keeps, so that the next run with other numbers needs none."""

_programs: OrderedDict[Any, Program] = OrderedDict()


def _identity(study: Study, cell: plan.Cell, data):
    """All that a program depends on: whatever is no number of a config and no array of the data."""
    code = tuple(getattr(study.module, name, None) for name in STAGES)
    swept = tuple(cell.settings)
    static = (plan.signature(cell.config), static_part(data))
    return code, study.precision, swept, cell.lanes.shape, plan.CACHE_BYTES, static


def _run_all(study: Study, work: list[Tile], progress: Progress) -> list:
    """Run all tiles, several at once; the parts for `gather`."""
    progress.phase("running", sum(tile.program.pieces for tile in work))
    stop = threading.Event()
    keys = {seed: jax.random.key(seed) for tile in work for seed in tile.cell.seeds}

    def one(tile: Tile):
        # JAX's settings belong to a thread, so each enters the precision for itself.
        with jax.enable_x64(study.precision == "float64"):
            return _run_tile(study, tile, keys, progress, stop)

    with ThreadPoolExecutor(max_workers=min(workers(), len(work))) as pool:
        futures = [pool.submit(one, tile) for tile in work]
        try:
            return [future.result() for future in futures]
        finally:
            stop.set()  # only matters if one raised, or a person interrupts
            for future in futures:
                future.cancel()


def _run_tile(study: Study, tile: Tile, keys, progress: Progress, stop: threading.Event):
    program, cell = tile.program, tile.cell
    arrays, _ = split(tile.data)
    fixed, swept = arguments(study, cell)
    settings = {
        path: cell.settings[path][tile.columns].astype(x.dtype) for path, x in swept.items()
    }
    seeds = jax.numpy.stack([keys[cell.seeds[row]] for row in tile.rows])
    state = program.begin(fixed, seeds, arrays, settings)
    records = []
    for _ in range(program.rounds):
        jax.block_until_ready(state)
        progress.advance()
        if stop.is_set():
            return None
        state, record = program.proceed(fixed, arrays, settings, state)
        records.append(record)
    if program.rounds:
        stacked = jax.tree.map(lambda *leaves: np.stack(leaves, axis=2), *records)
        state = program.finish(fixed, arrays, settings, state, stacked)
    results = jax.tree.map(
        lambda leaf: np.asarray(leaf).reshape(-1, *leaf.shape[2:]), jax.device_get(state)
    )
    progress.advance()
    # The padding of a last tile repeats lanes; each is taken once.
    lanes, first = np.unique(cell.lanes[np.ix_(tile.rows, tile.columns)], return_index=True)
    return lanes, jax.tree.map(lambda leaf: leaf[first], results)
