"""A session: one process at work on a run, from its folder to its STATUS, at first or again.

The folder is made first, so that a full disk or a lack of rights is known before hours of work. If
something raises later, or a person interrupts, what was finished stays there, `STATUS` says why,
and `resume` goes on: the same numbers, bit for bit, as if nothing had happened.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import os
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jaxmath.config import reading, signals
from jaxmath.config.errors import (
    ElsewhereError,
    Exit,
    ExperimentError,
    InputError,
    LostError,
    Problem,
    StorageError,
)
from jaxmath.config.signals import Terminated
from jaxmath.config.study import Study
from jaxmath.lab import engine, mesh, provenance
from jaxmath.lab.job import Job
from jaxmath.lab.progress import Progress
from jaxmath.report import run_page
from jaxmath.runs import encoding, files, store
from jaxmath.runs.expectation import reasons_of
from jaxmath.runs.journal import SAVE_SECONDS, Journal
from jaxmath.runs.run import Run


def run(
    study: Study,
    out: Path | str | None = None,
    quiet: bool = False,
    cache: bool = True,
    save_seconds: float = SAVE_SECONDS,
    progress: Progress | None = None,
    job: Job | None = None,
) -> Run:
    """Run a study in a new folder below `out`.

    The state of a training is saved about every `save_seconds`. Other processes of the `job` share
    the work.
    """
    job = job or Job()
    mesh.devices(job.devices)  # a slip there is known before there is a folder
    folder = store.create(study, out)
    with _working(folder, job):
        journal = Journal(folder, save_seconds)
        source = study.source and os.path.relpath(study.source, folder)
        journal.note(
            study=dict(
                source=source and Path(source).as_posix(),
                smoke=study.smoke,
                overrides=study.overrides,
                config=encoding.toml(study),
            )
        )
        return _work(study, journal, progress or Progress(quiet), cache, job)


def resume(
    folder: Path | str,
    quiet: bool = False,
    cache: bool = True,
    save_seconds: float = SAVE_SECONDS,
    progress: Progress | None = None,
    job: Job | None = None,
) -> Run:
    """Go on with a run where it ended; one that is finished is read and returned.

    Raises:
        InputError: the folder is no run, or its config is not what the run began with.
        LockedError: another process is at work on it.
    """
    job = job or Job()
    folder = Path(folder)
    if not (folder / "config.toml").is_file() and not any(folder.glob("plan*.json")):
        hint = "name the folder that `jaxmath run` made, such as runs/NAME/20260102T030405Z-a1b2c3"
        raise InputError(Problem(f"{folder} is no folder of a run", hint=hint))
    with job.hold(folder):
        journal = Journal(folder, save_seconds)
        files.sweep_up(folder)
        if finished(folder):
            journal.clear()
            return store.load(folder)
        study = reopen(journal)
        with _ending(folder):
            (folder / "STATUS").unlink(missing_ok=True)
            return _work(study, journal, progress or Progress(quiet), cache, job)


def finished(folder: Path) -> bool:
    """Whether a run has come to its end, be it PASS or FAIL."""
    return files.outcome(folder) in (Exit.PASS.name, Exit.FAIL.name)


@contextmanager
def _working(folder: Path, job: Job) -> Iterator[None]:
    with store.disk(folder), job.hold(folder), _ending(folder):
        yield


def _work(study: Study, journal: Journal, progress: Progress, cache: bool, job: Job) -> Run:
    sessions = journal.plan().get("sessions", [])
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    environment = encoding.plain(provenance.environment(job))
    journal.note(sessions=[*sessions, dict(started=now, **environment)])
    progress.began(journal.folder)
    job.began(journal.folder)
    with progress:
        journal.say = progress.say
        if sessions and (changed := list(reasons_of(sessions[0], environment))):
            progress.say(
                f"{journal.folder} was begun in other surroundings ({', '.join(changed)}): the "
                "last digits of what is left may differ from those of a run in one go"
            )
        found = engine.execute(study, cache=cache, journal=journal, progress=progress, job=job)
    signals.check()
    run_page.write(found)
    signals.check()
    store.seal(found)
    journal.clear()
    return found


@contextmanager
def _ending(folder: Path) -> Iterator[None]:
    """Write down why a run did not come to its end, and how to go on with it."""
    try:
        yield
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            word = "INTERRUPTED"
            status = Exit.TERMINATED if isinstance(error, Terminated) else Exit.INTERRUPTED
        else:
            word, status = "ERROR", Exit.BUG
            for kind, known in KINDS.items():
                if isinstance(error, kind):
                    status = known
            if isinstance(error, ElsewhereError):
                status = error.status
        with contextlib.suppress(StorageError):  # where the disk is full, the folder says nothing
            told = str(error) or type(error).__name__
            store.status(folder, f"{word} {int(status)}\n{told}\n")
        if not isinstance(error, InputError):
            error.add_note(f"go on with it: jaxmath resume {folder}")
        raise


KINDS: dict[type[BaseException], Exit] = {
    InputError: Exit.INPUT,
    ExperimentError: Exit.EXPERIMENT,
    OSError: Exit.IO,
    StorageError: Exit.IO,
    LostError: Exit.LOST,
}


def reopen(journal: Journal) -> Study:
    """The study of a run, from what it began with."""
    folder = journal.folder
    plan = journal.plan()
    if "study" not in plan:
        hint = f"run it anew: jaxmath run {folder / 'config.toml'}"
        raise InputError(Problem(f"{folder} holds nothing to go on with", hint=hint))
    known = plan["study"]
    config = folder / "config.toml"
    if not config.exists():
        with store.disk(folder):
            store.write(config, known["config"])
    elif config.read_bytes() != known["config"].encode():
        hint = f"run it as a new one, or delete it: then `resume` goes on with what {folder} has"
        told = f"{config} is not what the run began with"
        raise InputError(Problem(told, hint=hint))
    source = (folder / known["source"]).resolve() if known["source"] else None
    study = reading.read(
        tomllib.loads(known["config"]), folder=source.parent if source else Path.cwd()
    )
    return dataclasses.replace(
        study, source=source, smoke=known["smoke"], overrides=tuple(known["overrides"])
    )
