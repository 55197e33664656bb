"""What the members of a distributed run do: their pieces of each run, in silence."""

from __future__ import annotations

import io
import socket
import time
from contextlib import redirect_stderr
from pathlib import Path

from jaxmath.config import signals
from jaxmath.config.errors import Exit, InputError, LostError, Problem
from jaxmath.config.statuses import statuses
from jaxmath.lab import engine, session
from jaxmath.lab.job import SEEN, Cancelled, Member
from jaxmath.runs.cache import switch_on
from jaxmath.runs.journal import Journal


def serve(job: Member, cache: bool, save_seconds: float) -> int:
    """Do this process's part of all runs of the job; the status that the leader ends with."""
    switch_on(cache)
    while folder := job.next():
        try:
            _work(job, folder, save_seconds)
        except Cancelled:
            continue
        except (LostError, SystemExit):
            raise
        except BaseException as error:
            status, words = _told(error)
            job.failed(status, words)
            if isinstance(error, KeyboardInterrupt):
                return job.wait_for_end()
    return job.status


def _work(job: Member, folder: Path, save_seconds: float) -> None:
    until = time.monotonic() + SEEN
    while not (folder / "plan.json").is_file():
        if time.monotonic() > until:
            told = f"process {job.index} on {socket.gethostname()} does not see {folder}"
            hint = "all processes of a run need the same folder: --out, on a shared file system"
            raise InputError(Problem(told, hint=hint))
        signals.check()
        time.sleep(0.1)
    job.works_on(folder)
    journal = Journal(folder, save_seconds)
    engine.contribute(session.reopen(journal), journal, job)


def _told(error: BaseException) -> tuple[int, str]:
    """The status that an exception would end with here, and the words for a person."""
    words = io.StringIO()
    try:
        with redirect_stderr(words), statuses():
            raise error
    except SystemExit as ended:
        return int(ended.code or Exit.BUG), words.getvalue().rstrip()
    return Exit.BUG, str(error)
