"""Commands that make runs and look at them."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from contextlib import redirect_stdout, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from jaxmath.config.errors import Exit
from jaxmath.config.statuses import going_on, hush, statuses
from jaxmath.lab.cli_shared import EPILOG, Json, Words, remember, say, say_json, split_words

if TYPE_CHECKING:
    from jaxmath.lab.job import Job

app = typer.Typer()

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no summary.")]
Events = Annotated[
    bool, typer.Option("--json", help="Print events, one JSON object a line, and no summary.")
]
NoCache = Annotated[bool, typer.Option("--no-cache", help="Keep nothing in the cache folder.")]
SaveEvery = Annotated[
    float,
    typer.Option(metavar="SECONDS", min=0.0, help="Save the state of a training about this often."),
]

Distributed = Annotated[
    bool,
    typer.Option(
        "--distributed",
        help="This is one of several processes that share the work: under srun, mpirun or "
        "Kubernetes, or with the three options below.",
    ),
]
Coordinator = Annotated[
    str | None,
    typer.Option(metavar="HOST:PORT", help="Process 0's machine, and a free port there."),
]
Processes = Annotated[int | None, typer.Option(metavar="N", min=1, help="How many there are.")]
Process = Annotated[int | None, typer.Option(metavar="I", min=0, help="Which this is, from 0.")]
Devices = Annotated[
    int | None, typer.Option(metavar="N", min=1, help="Use so many devices; all, unless said.")
]


@app.command(epilog=EPILOG)
def run(
    words: Words,
    smoke: Annotated[bool, typer.Option("--smoke", help="Use the [smoke] values: short.")] = False,
    out: Annotated[
        str | None,
        typer.Option(help="Where run folders are made; runs, unless said.", show_default=False),
    ] = None,
    quiet: Quiet = False,
    no_cache: NoCache = False,
    save_every: SaveEvery = 60.0,
    deterministic: Annotated[
        bool,
        typer.Option(
            "--deterministic", help="The same bits on any number of cores: pins all threads."
        ),
    ] = False,
    keep_going: Annotated[
        bool,
        typer.Option("--keep-going", "-k", help="After a config that fails, run the others."),
    ] = False,
    devices: Devices = None,
    distributed: Distributed = False,
    coordinator: Coordinator = None,
    processes: Processes = None,
    process: Process = None,
    as_json: Events = False,
) -> None:
    """Run configs: train, judge the claims, draw, and write a report."""
    with statuses():
        from jaxmath.lab import threads

        threads.inline()
        if deterministic:
            threads.pin()
        job = _job(devices, distributed, coordinator, processes, process)
        if job.index:
            with suppress(Exception):  # what is wrong with a config, process 0 says
                _import_what_is_needed(words, smoke)
            _serve(job, no_cache, save_every)
        from jaxmath.config import reading

        configs, overrides = split_words(words)
        worst = Exit.PASS
        # All are read before any is run, so that a slip in the last does not cost the others.
        studies = []
        for config in configs:
            with going_on(keep_going) as ended:
                studies.append(reading.read(config, overrides, smoke))
            worst = max(worst, ended.status)
        if not no_cache:
            remember(*studies)
        gc.enable()
        for study in studies:
            with going_on(keep_going) as ended:
                from jaxmath.lab import session

                work = partial(session.run, study, out, quiet, not no_cache, save_every, job=job)
                ended.status = _told(work, quiet, as_json)
            worst = max(worst, ended.status)
        raise SystemExit(int(worst))


@app.command(epilog=EPILOG)
def resume(
    folder: Annotated[
        str, typer.Argument(metavar="RUN", help="The folder of a run.", show_default=False)
    ],
    quiet: Quiet = False,
    no_cache: NoCache = False,
    save_every: SaveEvery = 60.0,
    devices: Devices = None,
    distributed: Distributed = False,
    coordinator: Coordinator = None,
    processes: Processes = None,
    process: Process = None,
    as_json: Events = False,
) -> None:
    """Go on with a run that was interrupted; the numbers are the same, bit for bit."""
    with statuses():
        from jaxmath.lab import threads

        threads.inline()
        threads.pin_like(Path(folder))
        job = _job(devices, distributed, coordinator, processes, process)
        if job.index:
            _serve(job, no_cache, save_every)
        gc.enable()
        from jaxmath.lab import session

        work = partial(session.resume, folder, quiet, not no_cache, save_every, job=job)
        raise SystemExit(int(_told(work, quiet, as_json)))


def _job(devices: int | None, distributed: bool, *where: Any) -> Job:
    """The job that this process belongs to; a parent of one waits here for its child, and ends."""
    from jaxmath.lab import launch

    settings = launch.settings(distributed, *where)
    if distributed:
        return launch.join(settings, devices)
    from jaxmath.lab.job import Job

    return Job(devices)


def _serve(job: Any, no_cache: bool, save_every: float) -> NoReturn:
    """Do a member's part; what there is to say, process 0 says."""
    gc.enable()
    from jaxmath.lab import member

    raise SystemExit(member.serve(job, not no_cache, save_every))


def _import_what_is_needed(words: list[str], smoke: bool) -> None:
    """Read the configs while process 0 reads them, so that it has not to wait for imports."""
    from jaxmath.config import reading

    configs, overrides = split_words(words)
    for config in configs:
        reading.read(config, overrides, smoke)


def _told(work: Callable[..., Any], quiet: bool, as_json: bool) -> Exit:
    """Work, and tell a person or a program what it came to."""
    from jaxmath.report import summary

    if as_json:
        from jaxmath.lab.events import Events

        events = Events()
        with redirect_stdout(sys.stderr):  # what an experiment prints is no event
            finished = work(progress=events)
        events.ended(finished)
        return finished.exit
    finished = work()
    if not quiet:
        try:
            summary.show(finished)
            sys.stdout.flush()
        except BrokenPipeError:
            hush()  # the run is done and on disk; its status stands
    return finished.exit


@app.command(epilog=EPILOG)
def check(
    words: Words,
    smoke: Annotated[bool, typer.Option("--smoke", help="With the [smoke] values.")] = False,
    as_json: Json = False,
) -> None:
    """Validate configs and print what running them would take; run nothing."""
    with statuses():
        from jaxmath.config import reading

        configs, overrides = split_words(words)
        studies = [reading.read(config, overrides, smoke) for config in configs]
        remember(*studies)
        gc.enable()
        from jaxmath.lab import forecast

        if as_json:
            say_json([forecast.planned(study)._asdict() for study in studies])
            return
        for study in studies:
            say(forecast.forecast(study))


@app.command()
def compare(
    runs: Annotated[
        list[str], typer.Argument(metavar="RUN", help="Folders of runs.", show_default=False)
    ],
    html: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write a page with the curves as well.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Compare runs: settings, metrics, curves, claims.

    It says whether the arrays of each should be equal to those of the first, bit for bit or to
    some digits, and whether they are.

    Exit status: 0; 2 where a folder is no finished run.
    """
    with statuses():
        from jaxmath.report import comparison_page, comparison_text
        from jaxmath.runs import comparison

        found = comparison.read(runs)
        if html:
            comparison_page.write(found, Path(html))
        if as_json:
            say(comparison.json(found).rstrip("\n"))
        else:
            comparison_text.show(found)
            if html:
                say(f"Page: {html}")


@app.command()
def index(
    folder: Annotated[
        str, typer.Argument(metavar="RUNS", help="The folder in which runs are.")
    ] = "runs",
    out: Annotated[
        str | None, typer.Option(metavar="FILE", help="The page; RUNS/index.html, unless said.")
    ] = None,
) -> None:
    """Write a page over all runs, to sort and to search."""
    with statuses():
        from jaxmath.report import index_page
        from jaxmath.runs import overview

        found = overview.entries(Path(folder))
        place = Path(out) if out else Path(folder) / "index.html"
        index_page.put(found, Path(folder), place)
        say(f"{overview.told(found)}\nIndex: {place}")


@app.command()
def export(
    run: Annotated[str, typer.Argument(metavar="RUN", help="The folder of a run.")],
    to: Annotated[str, typer.Option(metavar="FORMAT", help="csv, tensorboard or mlflow.")],
    out: Annotated[
        str | None,
        typer.Option(
            metavar="DIR",
            help="Where it goes. By default RUN/csv, RUN/tensorboard, or MLflow's own settings.",
        ),
    ] = None,
) -> None:
    """Write a run for other programs: CSV, TensorBoard, MLflow."""
    with statuses():
        from jaxmath.runs import exporting

        say(exporting.export(run, to, out))
