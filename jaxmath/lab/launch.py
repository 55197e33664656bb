"""The parent of a process of a distributed run, which never imports JAX.

When a process of a job dies, JAX's runtime aborts the others in C++, where Python has no say. So a
child does the work, and its parent holds the lock of the run, passes signals on, and turns the
abort into one sentence and a status. They speak in lines of JSON. The child says

    {"joined": [1, 4]}       it is process 1 of 4
    {"folder": FOLDER}       it works on this run
    {"hold": FOLDER}         the same, and the parent is to lock it and to answer null, or what
                             raised: the name of the exception and its words
    {"released": FOLDER}     the lock is to be let go of
    {"ended": STATUS}        all is done and told

and reads answers until the parent ends, which ends it too.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from jaxmath.config.errors import Exit, InputError, LockedError, Problem, StorageError
from jaxmath.runs import files, lock

if TYPE_CHECKING:
    from jaxmath.lab.job import Job
    from jaxmath.lab.worker import Pipe

HEARTBEAT = 10
"""Seconds without a sign of life after which a process counts as dead."""

PATIENCE = 150
"""Seconds in which all processes of a job must have been started; JAX takes up to twice that."""

GRACE = 10.0
"""Seconds that a child may take to leave the job after its last word."""

BY_ANOTHER = "JAX distributed service detected fatal errors"
"""What the runtime says when it aborts a process because of another."""

UNHEALTHY = re.compile(r"unhealthy \(stopped sending heartbeats\):\n(\d+)\n")
"""How the coordinator names the process that died."""

pipe: Pipe | None = None
"""The way to the parent, in a child."""


class Settings(NamedTuple):
    """Where the job's coordinator is, how many processes it has, and which this is, if given."""

    coordinator: str | None = None
    processes: int | None = None
    process: int | None = None


def settings(
    distributed: bool, coordinator: str | None, processes: int | None, process: int | None
) -> Settings:
    """The settings of the command line, checked.

    Raises:
        InputError: they do not fit each other.
    """
    given = Settings(coordinator, processes, process)
    for name, value in given._asdict().items():
        if value is not None and not distributed:
            hint = "the processes of one run are each started with --distributed"
            raise InputError(Problem(f"`--{name}` belongs to `--distributed`", hint=hint))
    address = re.fullmatch(r"(\[[\w:.]+\]|[^\s:\[\]]+):(\d{1,5})", coordinator or "host:1")
    if not address or not 0 < int(address[2]) < 65536:
        told = f"`--coordinator {coordinator}` is no address with a port"
        raise InputError(Problem(told, hint="such as --coordinator node1:9876"))
    if process is not None and processes is not None and process >= processes:
        told = f"`--process {process}` is none of {processes} processes: they count from 0"
        raise InputError(Problem(told, hint=f"at most --process {processes - 1}"))
    return given


def join(given: Settings, devices: int | None) -> Job:
    """The job, for a child; a parent starts one here, and ends with it."""
    if os.name != "posix":
        raise InputError(Problem("`--distributed` needs a POSIX system, such as Linux"))
    if pipe is None:
        raise SystemExit(Parent(given).work())
    return pipe.join(given, devices)


class Parent:
    """Starts a child, and has the last word."""

    def __init__(self, given: Settings):
        self._given = given
        self._place: list[int] = []  # which process, of how many, once it has joined
        self._folder: Path | None = None
        self._lock = contextlib.ExitStack()
        self._is_holding = False
        self._signal = 0
        self._child: Any = None

    def work(self) -> int:
        """Let the child work; the status to end with."""
        with tempfile.TemporaryFile() as log, self._lock:
            ended = self._follow(log)
            code = self._child.wait()
            if ended is not None:
                return ended
            if self._signal:
                self._status(f"INTERRUPTED {128 + self._signal}\nkilled\n")
                return 128 + self._signal
            if code > 0 and code != Exit.LOST:
                return code  # it could not even begin, and has said why
            log.seek(0)
            self._tell(code, log.read().decode(errors="replace"))
            return Exit.LOST

    def _follow(self, log) -> int | None:
        """Start the child and answer it until it ends; its status, if it came to tell one."""
        ears, mouth = os.pipe()
        command = [sys.executable, "-m", "jaxmath.lab.worker", str(mouth), str(log.fileno())]
        self._child = subprocess.Popen(
            [*command, *sys.argv[1:]],
            stdin=subprocess.PIPE,
            pass_fds=(mouth, log.fileno()),
            start_new_session=True,  # Ctrl-C in a terminal is for the parent, which passes it on
        )
        os.close(mouth)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._pass_on)
        with os.fdopen(ears, "rb") as lines:
            for line in lines:
                ((word, value),) = json.loads(line).items()
                if word == "ended":
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        self._child.wait(GRACE)
                    self._child.kill()
                    return value
                self._hear(word, value)
        return None

    def _pass_on(self, number: int, frame: object) -> None:
        """Let the child stop at a safe point; the second time, or outside a job, at once."""
        if self._signal or not self._place:
            self._child.kill()
        else:
            self._child.send_signal(number)
        self._signal = self._signal or number

    def _hear(self, word: str, value: Any) -> None:
        if word == "joined":
            self._place = value
        elif word in ("folder", "hold"):
            self._folder = Path(value)
        if word == "hold":
            refused = None
            try:
                with files.disk(Path(value)):
                    self._lock.enter_context(lock.hold(Path(value)))
                self._is_holding = True
            except (LockedError, StorageError) as error:
                refused = [type(error).__name__, str(error)]
            with contextlib.suppress(BrokenPipeError):
                self._child.stdin.write(json.dumps(refused).encode() + b"\n")
                self._child.stdin.flush()
        elif word == "released":
            self._lock.close()
            self._is_holding = False

    def _tell(self, code: int, trace: str) -> None:
        """Say in one sentence what happened and how to go on; the runtime's trace goes to a log."""
        why = self._why(code, trace)
        self._status(f"ERROR {int(Exit.LOST)}\n{why}\n")
        more = ""
        if self._folder:
            log = self._folder / f"log-{self._place[0]}.txt"
            with contextlib.suppress(OSError):
                if trace:
                    files.write(log, trace)
                    more = f"; the runtime's last words are in {log}"
            more = f"; go on with it: jaxmath resume {self._folder} --distributed{more}"
        with contextlib.suppress(OSError):
            sys.stderr.write(f"error: {why}{more}\n")
            sys.stderr.flush()

    def _why(self, code: int, trace: str) -> str:
        by_another = code == Exit.LOST or BY_ANOTHER in trace
        if not self._place and by_another:
            at = f" at {self._given.coordinator}" if self._given.coordinator else ""
            return (
                f"the processes of the job did not find each other{at} in time: all "
                f"{self._given.processes or ''} must be started, and reach process 0"
            ).replace("  ", " ")
        if not self._place:
            return f"the process was ended by {_signalled(code)} before it had joined the job"
        who = "process {} of {}".format(*self._place)
        if not by_another:
            return f"{who} was ended by {_signalled(code)}, and the others end with it"
        found = UNHEALTHY.search(trace)
        other = f"process {found[1]}" if found else "process 0"
        if not found and self._place[0] == 0:
            other = "another process"
        return f"{other} died, and {who} ended with it"

    def _status(self, text: str) -> None:
        """Write how the run ended, if this process held it: the child could not."""
        if self._is_holding and self._folder:
            with contextlib.suppress(OSError, StorageError):
                files.write(self._folder / "STATUS", text)


def _signalled(code: int) -> str:
    if code >= 0:
        return f"status {code}"
    name = signal.Signals(-code).name
    return f"{name} (which a lack of memory sends)" if name == "SIGKILL" else name
