"""What can go wrong by a person's hand, as sentences, and the exit status of each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path


class Exit(IntEnum):
    """The exit status of every command.

    0 every claim passes, 1 a bug of jaxmath, 2 bad input, 3 a claim failed or is undecided,
    4 the experiment's own code raised, 74 disk or permissions, 130 and 143 interrupted.
    """

    PASS = 0
    BUG = 1
    INPUT = 2
    FAIL = 3
    EXPERIMENT = 4
    IO = 74
    INTERRUPTED = 130
    TERMINATED = 143


@dataclass(frozen=True)
class Problem:
    """One thing wrong with an input: where it stands, what is wrong, and what would be right."""

    sentence: str
    file: Path | None = None
    line: int | None = None
    path: str = ""
    hint: str = ""

    def __str__(self) -> str:
        place = f"{self.file}" if self.file else ""
        if self.file and self.line:
            place += f":{self.line}"
        return "\n".join(
            part
            for part in (
                f"{place}: error: {self.sentence}" if place else f"error: {self.sentence}",
                f"    {self.hint}" if self.hint else "",
            )
            if part
        )


class InputError(Exception):
    """Bad input from a person: every problem found, all at once. Exit status 2."""

    def __init__(self, *problems: Problem | str):
        self.problems = tuple(
            problem if isinstance(problem, Problem) else Problem(problem) for problem in problems
        )
        super().__init__("\n".join(map(str, self.problems)))
