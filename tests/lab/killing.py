"""A command that is killed, or whose disk fails, at a given moment: `python -m tests.lab.killing`.

    python -m tests.lab.killing EVENT N run CONFIG ...

EVENT is what is counted, N how often it happens before the process kills itself: "imported" (the
config is about to be read), "folder" (run folders made), "opened", "half", "flushed", "renamed"
(of a file that is written: empty, half there, whole but not in its place, in its place), "kept"
(pieces finished), "round" (states saved), "report" (files of the report).
"""

import os
import signal
import sys
from pathlib import Path

from jaxmath.lab import cli


def main(event: str, count: int, words: list[str]) -> None:
    left = count

    def happened(name: str) -> None:
        nonlocal left
        if name == event:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    from jaxmath.config import reading
    from jaxmath.report import run_page
    from jaxmath.runs import journal, store

    def watched(module, function: str, before: str = "", after: str = "") -> None:
        real = getattr(module, function)

        def call(*args, **options):
            happened(before)
            found = real(*args, **options)
            happened(after)
            return found

        setattr(module, function, call)

    watched(reading, "read", "imported", "imported")
    watched(store, "create", "folder", "folder")
    watched(journal.Journal, "keep", "kept", "kept")
    watched(journal.Journal, "keep_state", "round", "round")
    watched(run_page, "page", "report", "report")
    watched(run_page, "write", "report", "report")
    watched(store, "seal", "report", "report")
    real = Path.open

    class Half:
        """A file of which half is written, and then perhaps nothing more."""

        def __init__(self, file):
            self.file = file
            happened("opened")

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.file.close()
            happened("flushed")

        def write(self, data):
            self.file.write(data[: len(data) // 2])
            self.file.flush()
            happened("half")
            self.file.write(data[len(data) // 2 :])

        def __getattr__(self, name):
            return getattr(self.file, name)

    def opened(path, mode="r", *args, **options):
        file = real(path, mode, *args, **options)
        return Half(file) if mode == "xb" else file

    Path.open = opened
    watched(Path, "replace", "", "renamed")
    sys.argv = ["jaxmath", *words]
    cli.main()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3:])
