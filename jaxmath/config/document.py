"""A config as nested values, each of which knows the line that it came from.

A problem with a value is told with its file, its line and its dotted path, or with the word of the
command line that brought it.
"""

from __future__ import annotations

import datetime
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from jaxmath.config.errors import InputError, Problem, visible
from jaxmath.config.toml_lines import Keys, key_lines

MAX_DEPTH = 16


@dataclass(frozen=True)
class Place:
    """A path in a file: where a value stands that another file extends."""

    document: Document
    keys: Keys

    @property
    def line(self) -> int | None:
        """The line of the value, or of the table that holds it."""
        lines = self.document.lines
        parts = (self.keys[:n] for n in range(len(self.keys), 0, -1))
        return next((lines[part] for part in parts if part in lines), None)


Origin = Keys | str | Place
"""What brought a value: a path of the same file ([smoke]), a word, or a place in a file."""


def below(origin: Origin, *keys: str | int) -> Origin:
    """The origin of what lies in a table of that origin."""
    if isinstance(origin, str):
        return origin
    if isinstance(origin, Place):
        return Place(origin.document, (*origin.keys, *keys))
    return (*origin, *keys)


@dataclass
class Document:
    """Nested values, the text they were read from, and where later values came from.

    `origins` holds, for what was laid over the file, the path of the [smoke] value or the word of
    the command line that brought it; of a config that extends others, the place of every value.
    """

    values: dict[str, Any]
    file: Path | None = None
    text: str = ""
    origins: dict[Keys, Origin] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """The folder of the file, or the current one."""
        return self.file.parent if self.file else Path.cwd()

    def folder_of(self, keys: Keys) -> Path:
        """What a path that stands in the config is relative to: the folder of its very file."""
        place = self.place(keys)
        return place.document.folder if isinstance(place, Place) else self.folder

    @cached_property
    def lines(self) -> dict[Keys, int]:
        """The line of every key and table of the text."""
        found: dict[Keys, int] = {}
        for keys, line in key_lines(self.text):
            found.setdefault(keys, line)
        return found

    def place(self, keys: Keys) -> Place | str:
        """Where a value stands: its file and path, or the word that brought it."""
        for length in range(len(keys), 0, -1):
            origin = self.origins.get(keys[:length])
            if origin is None:
                continue
            found = below(origin, *keys[length:])
            if isinstance(found, Place):
                return found.document.place(found.keys)
            return found if isinstance(found, str) else self.place(found)
        if keys not in self.lines:  # a table that came about by what was laid into it
            inner = next((known for known in self.origins if known[: len(keys)] == keys), None)
            if inner:
                return self.place(inner)
        return Place(self, keys)

    def problem(self, keys: Keys, sentence: str, hint: str = "") -> Problem:
        """A problem with the value at a path, with the line or the word where it stands."""
        place = self.place(keys)
        if isinstance(place, str):
            word = visible(place, 100)
            mark = word.partition("=")[0]
            return Problem(sentence, None, None, dotted(keys), hint, word, mark)
        path, line = dotted(place.keys), place.line
        if line is None:
            return Problem(sentence, place.document.file, None, path, hint)
        text = visible(place.document.text.split("\n")[line - 1].strip(), 100)
        names = (str(k) for k in reversed(place.keys) if isinstance(k, str))
        mark = next((name for name in names if name in text), "")
        return Problem(sentence, place.document.file, line, path, hint, text, mark)

    def overlay(self, keys: Keys, value: Any, origin: Origin, whole: bool = False) -> None:
        """Lay a value over the config; a table is laid over a table key by key, unless `whole`."""
        table: dict[Any, Any] = self.values
        for key in keys[:-1]:
            inner = table.get(key)
            if not isinstance(inner, dict):
                # `loss = "huber"` is short for a table with that name.
                inner = table[key] = {"name": inner} if isinstance(inner, str) else {}
            table = inner
        present = table.get(keys[-1])
        if isinstance(value, dict) and isinstance(present, str):
            present = table[keys[-1]] = {"name": present}
        # Under another name the old options mean nothing: then the whole table is replaced.
        if (
            not whole
            and isinstance(value, dict)
            and isinstance(present, dict)
            and value.get("name", present.get("name")) == present.get("name")
        ):
            for key, inner in value.items():
                self.overlay((*keys, key), inner, below(origin, key))
            return
        for known in [known for known in self.origins if known[: len(keys)] == keys]:
            del self.origins[known]
        table[keys[-1]] = value
        self.origins[keys] = origin


def dotted(keys: Keys) -> str:
    """A path as people write it: `optimizer.learning_rate`, `sweep.seed[2]`."""
    words = ""
    for key in keys:
        words += f"[{key + 1}]" if isinstance(key, int) else f".{key}" if words else key
    return words


def show(value: Any, limit: int = 60) -> str:
    """A value as the config would write it, on one short line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return visible(json.dumps(value, ensure_ascii=False), limit)
    if isinstance(value, Mapping):
        return visible("{ " + ", ".join(f"{k} = {show(v)}" for k, v in value.items()) + " }", limit)
    if isinstance(value, (list, tuple)):
        return visible("[" + ", ".join(show(v) for v in value[:20]) + "]", limit)
    if isinstance(value, int) and abs(value) >= 10**40:
        return f"a whole number of {math.floor(math.log10(abs(value))) + 1} digits"
    return visible(str(value), limit)


def refuse_code(document: Document) -> None:
    """Refuse a table that names code, such as a project's functions to verify."""
    tool = document.values.get("tool")
    if isinstance(tool, Mapping) and isinstance(tool.get("jaxmath"), Mapping):
        told = "`tool.jaxmath` names code, and a config never does"
        hint = "write it into the pyproject.toml of a project, where `jaxmath verify` reads it"
        raise InputError(document.problem(("tool", "jaxmath"), told, hint))


def check_values(document: Document) -> None:
    """Refuse what no field of any config takes: NaN, infinities, dates, depths, empty keys."""
    problems: list[Problem] = []
    todo: list[tuple[Keys, Any]] = [((), document.values)]
    while todo:
        keys, value = todo.pop()
        if len(keys) > MAX_DEPTH:
            raise InputError(
                document.problem(keys[:1], f"`{keys[0]}` is nested deeper than {MAX_DEPTH} levels.")
            )
        if isinstance(value, Mapping):
            todo += [((*keys, key), inner) for key, inner in reversed(list(value.items()))]
        elif isinstance(value, (list, tuple)):
            todo += [((*keys, i), inner) for i, inner in reversed(list(enumerate(value)))]
        elif isinstance(value, float) and not math.isfinite(value):
            sentence = f"`{dotted(keys)}` should be a finite number, got {value}"
            hint = "the largest number is about 1.8e308" if math.isinf(value) else ""
            problems.append(document.problem(keys, sentence, hint))
        elif isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 2**63:
            sentence = f"`{dotted(keys)}` is beyond the largest whole number, {2**63 - 1}"
            problems.append(document.problem(keys, sentence, "write it as a decimal, such as 1e20"))
        elif isinstance(value, (datetime.date, datetime.time)):
            sentence = f"`{dotted(keys)}` is a date, which no setting takes"
            problems.append(document.problem(keys, sentence, f'as text, write "{value}"'))
        elif not isinstance(value, (bool, int, float, str)):
            sentence = f"`{dotted(keys)}` is a {type(value).__name__}, which no setting takes"
            problems.append(document.problem(keys, sentence))
    if problems:
        raise InputError(*problems)
