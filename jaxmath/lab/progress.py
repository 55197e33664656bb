"""How far a run has come, on stderr, for whatever takes more than two seconds."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path
from typing import Any

PATIENCE = 2.0
"""Seconds before anything is shown."""

INTERVAL = 10.0
"""Seconds between plain lines where the output is no terminal."""


class Progress:
    """Counts finished pieces of work, and shows them from a thread of its own.

    A bar where the stream is a terminal, else a plain line now and then; nothing at all for work
    that is done within two seconds, or if quiet. Any thread may count.
    """

    def __init__(self, quiet: bool = False, stream: Any = None):
        self._quiet = quiet
        self._stream = stream or sys.stderr
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._shower = threading.Thread(target=self._watch, daemon=True)
        self._phase, self._done, self._total = "loading", 0, 0

    def __enter__(self) -> Progress:
        if not self._quiet:
            self._shower.start()
        return self

    def __exit__(self, *_) -> None:
        self._over.set()
        if self._shower.is_alive():
            self._shower.join()

    def began(self, folder: Path) -> None:
        """Take note of the folder of a run whose work begins."""

    def phase(self, name: str, total: int) -> None:
        """Begin a phase, such as "compiling", made of so many pieces of work."""
        with self._lock:
            self._phase, self._done, self._total = name, 0, total

    def advance(self, pieces: int = 1) -> None:
        """Count finished pieces."""
        with self._lock:
            self._done += pieces

    def say(self, sentence: str) -> None:
        """Tell at once what a person should know, quiet or not."""
        print(f"warning: {sentence}", file=self._stream, flush=True)

    def _watch(self) -> None:
        started = time.monotonic()
        if self._over.wait(PATIENCE):
            return
        if self._stream.isatty():
            self._draw()
        else:
            while True:
                with self._lock:
                    state = self._phase
                    if self._total:
                        state += f": {self._done} of {self._total}"
                print(
                    f"{state} ({time.monotonic() - started:.0f} s)", file=self._stream, flush=True
                )
                if self._over.wait(INTERVAL):
                    return

    def _draw(self) -> None:
        from rich import progress
        from rich.console import Console

        columns: list[Any] = [
            progress.TextColumn("{task.description}"),
            progress.BarColumn(),
            progress.MofNCompleteColumn(),
            progress.TimeRemainingColumn(),
        ]
        console = Console(file=self._stream)
        with progress.Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task("")
            while not self._over.wait(0.1):
                with self._lock:
                    state = dict(
                        description=self._phase, completed=self._done, total=self._total or None
                    )
                bar.update(task, **state)  # pyright: ignore[reportArgumentType]
