"""What can go wrong by a person's hand, as sentences, and the exit status of each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from unicodedata import category


class Exit(IntEnum):
    """The exit status of every command.

    0 every claim passes, 1 a bug of jaxmath, 2 bad input, 3 a claim failed or is undecided,
    4 the experiment's own code raised, 74 disk or permissions, 75 another process is at work there,
    76 a process of a distributed run died, 130 and 143 interrupted.
    """

    PASS = 0
    BUG = 1
    INPUT = 2
    FAIL = 3
    EXPERIMENT = 4
    IO = 74
    LOCKED = 75
    LOST = 76
    INTERRUPTED = 130
    TERMINATED = 143


@dataclass(frozen=True)
class Problem:
    """One thing wrong with an input: where it stands, what is wrong, and what would be right.

    Attributes:
        sentence: what is wrong and what was expected.
        file, line: where, for an input from a file.
        path: the dotted path in a config.
        hint: what would be right, such as the nearest valid name.
        text: the line itself, or the word of the command line.
        mark: the part of `text` to underline.
    """

    sentence: str
    file: Path | None = None
    line: int | None = None
    path: str = ""
    hint: str = ""
    text: str = ""
    mark: str = ""

    def __str__(self) -> str:
        place = str(self.file) if self.file else ""
        if self.file and self.line:
            place += f":{self.line}"
        lines = [f"{place}: error: {self.sentence}" if place else f"error: {self.sentence}"]
        if self.text:
            margin = f"  {self.line} | " if self.line else "  command line | "
            lines.append(margin + self.text)
            start = self.text.find(self.mark)
            if self.mark and start >= 0:
                lines.append(" " * (len(margin) + start) + "^" * len(self.mark))
        if self.hint:
            lines.append(f"    {self.hint}")
        return "\n".join(visible(line) for line in lines)


def visible(text: str, limit: int = 200) -> str:
    """Text as one printable line: control characters escaped, so that no input moves a cursor."""
    shown = "".join(c if c.isprintable() or category(c) == "Zs" else repr(c)[1:-1] for c in text)
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


class InputError(Exception):
    """Bad input from a person: every problem found, all at once. Exit status 2."""

    def __init__(self, *problems: Problem | str):
        self.problems = tuple(
            problem if isinstance(problem, Problem) else Problem(problem) for problem in problems
        )
        super().__init__("\n".join(map(str, self.problems)))


class ExperimentError(Exception):
    """The experiment's own code raised; the cause is its exception. Exit status 4."""

    def __init__(self, experiment: str, doing: str):
        self.experiment, self.doing = experiment, doing
        super().__init__(f"`{doing}` of the experiment {experiment} raised.")


@contextmanager
def theirs(experiment: str, doing: str) -> Iterator[None]:
    """Name what raises inside as the experiment's own doing; bad input stays bad input."""
    try:
        yield
    except (ExperimentError, InputError):
        raise
    except Exception as error:
        raise ExperimentError(experiment, doing) from error


class StorageError(Exception):
    """The disk is full, or a folder may not be written; what was finished stays. Exit status 74."""


class LockedError(Exception):
    """Another process is at work in the folder of a run. Exit status 75."""


class LostError(Exception):
    """The job of this process has lost another; the parent process says so. Exit status 76."""


class ElsewhereError(Exception):
    """Another process of the job ended the run, with this status and these words."""

    def __init__(self, status: Exit, words: str):
        self.status = status
        super().__init__(words)
