"""Runs a study: a program a cell, lanes side by side in it, and a folder of what came out.

Lanes are vectorised over settings inside seeds, and the seed's key is not mapped over the settings.
What depends on the key alone, such as the order of the data, is then computed and gathered once for
all settings of a seed, without any planner.
"""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
import time
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jaxmath.config.errors import theirs
from jaxmath.config.study import Study
from jaxmath.lab import methods, plan, provenance
from jaxmath.lab.job import Job
from jaxmath.lab.loading import Loader, read_by_load
from jaxmath.lab.progress import Progress
from jaxmath.runs import encoding, store, sweep
from jaxmath.runs.cache import switch_on
from jaxmath.runs.experiment import Result, Table
from jaxmath.runs.journal import Journal
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
        tables: what is to be told of how settings were chosen.
    """

    data: Any
    measured: Measured
    seconds: dict[str, float]
    programs: int
    tiles: int
    tables: tuple[Table, ...] = ()


def measure(
    study: Study,
    progress: Progress | None = None,
    journal: Journal | None = None,
    job: Job | None = None,
) -> Measurement:
    """Load the data, compile one program a cell, and run all lanes that a journal does not have."""
    progress, job = progress or Progress(quiet=True), job or Job()
    with jax.enable_x64(study.precision == "float64"):
        started = time.perf_counter()
        loader = Loader(study)
        data = loader(study.config)
        cells = plan.cells(study, read_by_load(study, loader))
        loaded = time.perf_counter()
        if hasattr(study.module, "survey"):
            parts = list(_survey_all(study, cells, loader, progress, journal, job))
            ran = methods.Ran(parts, study.axes, loaded)
        else:
            ran = methods.run(study, cells, loader, progress, journal, job)
        done = time.perf_counter()
    return Measurement(
        data=data,
        measured=Measured({**gather(ran.parts, ran.axes), **ran.arrays}, ran.axes),
        seconds={"load": loaded - started, "compile": ran.ready - loaded, "run": done - ran.ready},
        programs=ran.programs,
        tiles=ran.tiles,
        tables=ran.tables,
    )


def contribute(study: Study, journal: Journal, job: Job) -> None:
    """Do a member's part of a run, and leave it in the journal."""
    progress = Progress(quiet=True)
    with jax.enable_x64(study.precision == "float64"):
        loader = Loader(study)
        cells = plan.cells(study, read_by_load(study, loader))
        if hasattr(study.module, "survey"):
            list(_survey_all(study, cells, loader, progress, journal, job))
        else:
            methods.run(study, cells, loader, progress, journal, job)


def judge(study: Study, data, arrays: Mapping[str, Any]) -> Result:
    """Let the experiment judge measured arrays, as they were measured or with a fault planted."""
    with theirs(study.experiment, "judge"):
        return study.module.judge(study.config, data, Measured(arrays, study.axes))


def execute(
    study: Study,
    out: Path | str | None = None,
    quiet: bool = False,
    cache: bool = True,
    journal: Journal | None = None,
    progress: Progress | None = None,
    job: Job | None = None,
) -> Run:
    """Run a study and write its folder, all but figures, report and STATUS (`session` does those).

    In a new folder below `out`, or in that of a journal, which has what is finished already.
    """
    folder = journal.folder if journal else store.create(study, out)
    switch_on(cache)
    with Progress(quiet) if progress is None else nullcontext(progress) as progress:
        measurement = measure(study, progress, journal, job)
    study = dataclasses.replace(study, axes=measurement.measured.axes)
    return _conclude(study, folder, measurement, job)


def _conclude(study: Study, folder: Path, measurement: Measurement, job: Job | None = None) -> Run:
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
    title, description = _documented(study)
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
        tables=(
            *sweep.tables(study.module, measured, study.method),
            *measurement.tables,
            *result.tables,
        ),
        series=arrays | dict(result.series),
        plots=plots,
        params=encoding.nested(measured["params"]) if "params" in measured else None,
        provenance=provenance.collect(
            study, measurement.seconds, measurement.programs, measurement.tiles, job
        ),
        smoke=study.smoke,
    )
    store.save(run)
    return run


def _documented(study: Study) -> tuple[str, str]:
    """The first sentence of an experiment's docstring, or its name, and the rest."""
    first, _, rest = inspect.cleandoc(study.module.__doc__ or study.experiment).partition("\n\n")
    return " ".join(first.split()).rstrip("."), rest.strip()


def _survey_all(
    study: Study,
    cells: list[plan.Cell],
    loader: Loader,
    progress: Progress,
    journal: Journal | None,
    job: Job,
):
    """Lane by lane, what an experiment measures that is no single program of JAX.

    Its `survey(config, data, seed, progress)` stands in the place of `measure`, runs on the host
    and counts its own progress.
    """
    lanes = {}
    for cell in cells:
        for (row, column), place in np.ndenumerate(cell.lanes):
            swept = {path: float(values[column]) for path, values in cell.settings.items()}
            config, seed = plan.fill(cell.config, swept), cell.seeds[row]
            lanes[int(place)] = (cell, config, seed, _survey_key(study, config, seed))
    keys = {place: key for place, (*_, key) in lanes.items()}
    done = {place for place, key in keys.items() if journal and journal.finished(place, key)}
    ours = job.share(journal, None, keys, done) or set()
    for place in sorted(ours):
        cell, config, seed, key = lanes[place]
        job.check()
        with theirs(study.experiment, "survey"):
            found = study.module.survey(config, loader(cell.config), seed, progress)
        if journal:
            arrays, tree = encoding.flatten(encoding.nested(found))
            names = list(arrays)
            journal.keep(place, key, list(arrays.values()), names=names, tree=tree)
        yield _part(place, found)
    job.others(progress)
    if journal and job.index == 0:
        for place in sorted(set(lanes) - ours):
            kept = job.await_piece(partial(journal.finished, place, keys[place]), place)
            leaves = dict(zip(kept.notes["names"], kept.leaves, strict=True))
            yield _part(place, encoding.unflatten(kept.notes["tree"], leaves))


def _part(place: int, found):
    return np.array([place]), jax.tree.map(lambda leaf: np.asarray(leaf)[None], found)


def _survey_key(study: Study, config, seed: int) -> str:
    """A hash of what a survey depends on, and of its code."""
    file = getattr(study.module, "__file__", None)
    source = Path(file).read_bytes() if file else b""
    values = [(path, encoding.plain(value)) for path, value in plan.values(config)]
    said = (values, seed, study.precision, source)
    return hashlib.sha256(repr(said).encode()).hexdigest()
