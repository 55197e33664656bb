"""The child of a distributed run: the command line once more, under the eyes of its parent.

    python -m jaxmath.lab.worker PIPE LOG run CONFIG --distributed ...

What the runtime writes on stderr goes to the log, since it is for those who look for a cause; what
Python writes there goes where the parent's does. When the parent ends, so does this process.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import sys
import threading
import time
from typing import IO, Any

from jaxmath.config import signals
from jaxmath.config.errors import Exit
from jaxmath.lab import cli, launch

LAST_WORDS = 5.0
"""Seconds that the runtime has to abort this process itself, and to say why."""

WAITING = 10.0
"""Seconds after which a process says that it waits for others."""

LEAVING = 5.0
"""Seconds that a member has to end by itself when the job is over."""


class Pipe:
    """The way to the parent, and the job that this process has joined."""

    def __init__(self, out: IO[str]):
        self._out = out
        self._lock = threading.Lock()
        self._answers: queue.Queue[Any] = queue.Queue()
        self.job: Any = None

    def tell(self, **message: Any) -> None:
        """Tell the parent something; where it is gone, this process is about to end."""
        with self._lock, contextlib.suppress(OSError):
            self._out.write(json.dumps(message) + "\n")
            self._out.flush()

    def ask(self, **message: Any) -> Any:
        """Tell the parent something that it answers."""
        self.tell(**message)
        return self._answers.get()

    def listen(self) -> None:
        """Take answers until the parent ends, and end with it."""
        with os.fdopen(os.dup(0), "rb") as lines:
            for line in lines:
                self._answers.put(json.loads(line))
        os._exit(Exit.LOST)

    def join(self, given: launch.Settings, devices: int | None) -> Any:
        """Join the job; a member is silent from now on."""
        from jaxmath.lab import cluster

        signals.listen(once=True)
        waiting = threading.Timer(WAITING, _say_waiting, [given])
        waiting.daemon = True
        waiting.start()
        self.job = cluster.connect(given, self, devices)
        waiting.cancel()
        if self.job.index:
            sys.stdout = sys.stderr = open(2, "w", buffering=1, closefd=False)  # noqa: SIM115
            threading.Thread(target=self._leave_when_over, daemon=True).start()
        return self.job

    def _leave_when_over(self) -> None:
        """End a member that is somewhere deep, such as in a compilation, when the job is over."""
        status = self.job.wait_for_end()
        self.tell(ended=status)
        time.sleep(LEAVING)
        os._exit(status)

    def end(self, status: int) -> None:
        """Say the last word, and leave the job."""
        if status == Exit.LOST:
            time.sleep(LAST_WORDS)
            os._exit(status)
        if self.job is not None:
            import jax

            self.job.over(status)
            self.tell(ended=status)
            with contextlib.suppress(RuntimeError):  # another did not wait to be let go
                jax.distributed.shutdown()


def _say_waiting(given: launch.Settings) -> None:
    """A launcher starts all processes at once, a person may have forgotten one."""
    if given.process is not None:
        at = f" at {given.coordinator}" if given.coordinator else ""
        sys.stderr.write(f"waiting until all {given.processes or 'processes'} have come{at}\n")


def main() -> None:
    """Run the command, and tell the parent how it ended."""
    out, log = map(int, sys.argv[1:3])
    del sys.argv[1:3]
    terminal = os.dup(2)
    os.dup2(log, 2)
    sys.stderr = open(terminal, "w", buffering=1, errors="backslashreplace")  # noqa: SIM115
    launch.pipe = pipe = Pipe(os.fdopen(out, "w"))
    threading.Thread(target=pipe.listen, daemon=True).start()
    status = 0
    try:
        cli.main()
    except SystemExit as ended:
        status = int(ended.code or 0)
    pipe.end(status)
    raise SystemExit(status)


if __name__ == "__main__":
    main()
