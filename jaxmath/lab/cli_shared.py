"""What commands share: words of the command line, and how a result is printed."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from jaxmath.config import user_cache
from jaxmath.config.errors import InputError, Problem

EPILOG = """
Exit status: 0 every claim passes; 2 bad input; 3 a claim failed or is undecided; 4 the
experiment's own code raised; 74 disk or permissions; 75 another process is at work there; 76 a
process of a distributed run died; 130 and 143 interrupted; 1 a bug of jaxmath.
"""


Words = Annotated[
    list[str],
    typer.Argument(
        metavar="CONFIG|path=value",
        help="Config files, and values laid over theirs, such as optimizer.learning_rate=0.1.",
        show_default=False,
    ),
]

Json = Annotated[bool, typer.Option("--json", help="Print strict JSON.")]


def remember(*studies: Any) -> None:
    """Keep for completion what has just been imported."""
    from jaxmath.config.project import Project
    from jaxmath.lab import completion_cache

    if not user_cache.is_allowed():
        return
    with suppress(Exception):  # suggestions are no reason to fail
        completion_cache.remember_commands()
        for study in studies:
            folder = study.source.parent if study.source else Path.cwd()
            completion_cache.remember(study.experiment, Project(folder))


def split_words(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Tell config files from overrides: `path=value`, unless there is a file of that name."""
    overrides = [
        word
        for word in words
        if re.match(r"[A-Za-z_][\w.-]*\s*=", word) and not Path(word).is_file()
    ]
    configs = [word for word in words if word not in overrides]
    if not configs:
        hint = "jaxmath run CONFIG [path=value ...]"
        raise InputError(Problem("no config is named, only values", hint=hint))
    return configs, overrides


def say(text: str) -> None:
    """Print a result on stdout, in plain ASCII where its encoding cannot show it."""
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        from jaxmath.report.numbers import ascii_only

        text = ascii_only(text)
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def say_json(value: Any) -> None:
    from jaxmath.runs import encoding

    say(encoding.json_text(encoding.plain(value)).rstrip("\n"))
