"""The processes of a run: one alone, or a leader and members that share its tiles.

A sweep needs no collectives. The leader, process 0, makes the folder, says how the sweep is cut and
which pieces are missing, and judges at the end; the pieces go round in turn, and each process keeps
its own in the run's folder. What is said goes through the key-value store of JAX's own
coordinator: the leader's events in their order, and of each member that it is done, or why not.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from jaxmath.config import signals
from jaxmath.config.errors import (
    ElsewhereError,
    Exit,
    InputError,
    LockedError,
    LostError,
    Problem,
    StorageError,
)
from jaxmath.config.signals import Terminated
from jaxmath.runs import lock

if TYPE_CHECKING:
    from jaxmath.runs.journal import Journal

LOOK = 0.5
"""Seconds between looks at what the others have said."""

SEEN = 60.0
"""Seconds that a shared folder may take to show what another machine has written there."""


class Cancelled(BaseException):
    """The leader has ended the run that this member works on."""


@runtime_checkable
class Store(Protocol):
    """Words that all processes of a job can read. Each function raises `LostError`."""

    def put(self, key: str, value: Any) -> None: ...
    def get(self, key: str, seconds: float = 0.0) -> Any:
        """The value, once it is there; None if it is not within so many seconds."""

    def below(self, prefix: str) -> dict[str, Any]: ...


@runtime_checkable
class Line(Protocol):
    """The way to the parent process."""

    def tell(self, **message: Any) -> None: ...
    def ask(self, **message: Any) -> Any: ...


class Job:
    """A process alone.

    Attributes:
        index, count: which process this is, of how many.
        mates: how many of them are on this machine.
        devices: how many devices it may use; None for all.
    """

    index, count, mates = 0, 1, 1

    def __init__(self, devices: int | None = None):
        self.devices = devices

    def hold(self, folder: Path) -> AbstractContextManager[None]:
        """Hold the folder of a run.

        Raises:
            LockedError: another job has it.
        """
        return lock.hold(folder)

    def began(self, folder: Path) -> None:
        """The run in a folder has begun: its study stands in the plan."""

    def check(self) -> None:
        """Stop here if someone wants that: by a signal, or another process."""
        signals.check()

    def cut(self, journal: Journal | None) -> Any:
        """How the sweep of a run was cut, if it was."""
        return journal.plan().get("tiles") if journal else None

    def share(
        self, journal: Journal | None, cut: Any, keys: Mapping[int, str], done: set[int]
    ) -> set[int] | None:
        """Which of the numbered pieces this process does, of those that are not done.

        None where the sweep is cut otherwise than this process has guessed: then `cut` knows how.
        """
        if journal and cut is not None:
            journal.note(tiles=cut)
        return set(keys) - done

    def others(self, progress: Any) -> None:
        """Say that the pieces of this process are done, or wait until those of all others are."""

    def await_piece(self, read: Callable[[], Any], number: int) -> Any:
        """A piece that another process has finished, once the file system shows it.

        Raises:
            StorageError: it does not.
        """
        until = time.monotonic() + SEEN
        while not (found := read()):
            if time.monotonic() > until:
                raise StorageError(
                    f"Piece {number} of the run is finished in another process, and not to be read "
                    "here: do all processes have the same folder, on a file system that they share?"
                )
            self.check()
            time.sleep(LOOK)
        return found


class Leader(Job):
    """Process 0 of several: the only one that speaks, and that writes the plan and the results."""

    def __init__(self, store: Store, line: Line, count: int, mates: int, devices: int | None):
        super().__init__(devices)
        self.count, self.mates = count, mates
        self._store, self._line = store, line
        self._events = self._run = self._plans = 0
        self._looked = 0.0

    def hold(self, folder: Path) -> AbstractContextManager[None]:
        return self._hold(folder)

    @contextmanager
    def _hold(self, folder: Path) -> Iterator[None]:
        """Let the parent hold it: it is there to write STATUS when the runtime aborts this one."""
        if refused := self._line.ask(hold=str(folder)):
            kind, words = refused
            raise LockedError(words) if kind == LockedError.__name__ else StorageError(words)
        self._run += 1
        try:
            yield
        finally:
            with suppress(LostError):
                self._tell(ended=self._run)
            self._line.tell(released=str(folder))

    def began(self, folder: Path) -> None:
        self._tell(run=self._run, folder=str(folder.resolve()))

    def check(self) -> None:
        super().check()
        if time.monotonic() - self._looked >= LOOK:
            self._look()

    def share(self, journal, cut, keys, done):
        super().share(journal, cut, keys, done)
        left = [number for number in keys if number not in done]
        self._plans += 1
        self._tell(plan=dict(number=self._plans, cut=cut, left=left, keys=_digest(keys)))
        return set(left[:: self.count])

    def others(self, progress: Any) -> None:
        progress.phase("waiting for the other processes", self.count - 1)
        known = 0
        while known < self.count - 1:
            super().check()
            self._look()
            known, before = len(self._store.below(f"done/{self._plans}/")), known
            progress.advance(known - before)
            time.sleep(LOOK / 5)

    def over(self, status: int) -> None:
        """The job is over, all its runs done or not."""
        self._tell(over=status)
        self._store.put("over", status)

    def _tell(self, **event: Any) -> None:
        self._store.put(f"event/{self._events}", event)
        self._events += 1

    def _look(self) -> None:
        """Stop here if a member could not do its part, or a person has interrupted it.

        Raises:
            ElsewhereError, KeyboardInterrupt: so it is.
        """
        self._looked = time.monotonic()
        for who, (status, words) in self._store.below(f"failed/{self._run}/").items():
            if status == Exit.TERMINATED:
                raise Terminated
            if status == Exit.INTERRUPTED:
                raise KeyboardInterrupt
            place = f"process {who} of {self.count}"
            raise ElsewhereError(Exit(status), f"{place} could not do its part:\n{words}")


class Member(Job):
    """Any other process: it does its pieces, and is silent."""

    def __init__(
        self, store: Store, line: Line, index: int, count: int, mates: int, devices: int | None
    ):
        super().__init__(devices)
        self.index, self.count, self.mates = index, count, mates
        self._store, self._line = store, line
        self._events = self._run = 0
        self._plan: Any = None
        self._looked = 0.0
        self.status = int(Exit.LOST)

    def next(self) -> Path | None:
        """The folder of the next run; None when the job is over, and `status` is how it ended."""
        while True:
            event = self._event()
            if "over" in event:
                self.status = event["over"]
                return None
            if "run" in event:
                self._run, self._plan = event["run"], None
                return Path(event["folder"])

    def works_on(self, folder: Path) -> None:
        """Let the parent know where the run is."""
        self._line.tell(folder=str(folder))

    def wait_for_end(self) -> int:
        """Wait until the job is over; how it ended. Any thread may do so."""
        while True:
            with suppress(LostError):
                if (status := self._store.get("over", 1.0)) is not None:
                    return status

    def over(self, status: int) -> None:
        """Only the leader says this."""

    def failed(self, status: int, words: str) -> None:
        """Tell the leader that this process could not do its part, and why."""
        self._store.put(f"failed/{self._run}/{self.index}", [status, words])

    def others(self, progress: Any) -> None:
        self._store.put(f"done/{self._plan['number']}/{self.index}", True)
        self._plan = None

    def check(self) -> None:
        super().check()
        if time.monotonic() - self._looked >= LOOK:
            self._looked = time.monotonic()
            if self._store.get(f"event/{self._events}"):
                raise Cancelled  # the plan was the last word that work waits for

    def cut(self, journal: Journal | None) -> Any:
        # Until the leader has said how it is, this process prepares what it would have said.
        return self._plan["cut"] if self._plan else super().cut(journal)

    def share(self, journal, cut, keys, done):
        if self._plan is None:
            event = self._event()
            if "plan" not in event:
                raise Cancelled
            self._plan = event["plan"]
            if self._plan["cut"] != cut:
                return None
        if self._plan["keys"] != _digest(keys):
            told = f"process {self.index} would compute other numbers than process 0"
            hint = "let all have the same versions of jaxmath and JAX, the same code and data"
            raise InputError(Problem(told, hint=hint))
        return set(self._plan["left"][self.index :: self.count])

    def _event(self) -> dict[str, Any]:
        while True:
            signals.check()
            if event := self._store.get(f"event/{self._events}", LOOK):
                self._events += 1
                return event


def _digest(keys: Mapping[int, str]) -> str:
    return hashlib.sha256(repr(sorted(keys.items())).encode()).hexdigest()
