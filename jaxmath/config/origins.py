"""Where each value of a config came from, written beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from jaxmath.config.document import Document, Keys, Place
from jaxmath.config.errors import visible
from jaxmath.config.study import Study
from jaxmath.config.sweep_table import GROUPS
from jaxmath.config.writing import COLUMN, spelt, toml

WIDTH = 80
"""Of a line with its comment, as a terminal has it."""


def with_origins(study: Study, document: Document) -> str:
    """A whole config as TOML, and at the end of each line where its value came from."""
    origin = origins(document)
    tables = {k: v for k, v in study.resolved.items() if isinstance(v, Mapping) and k != "sweep"}
    single = {k: v for k, v in study.resolved.items() if k not in tables and k != "sweep"}
    sweep = study.resolved.get("sweep", {})
    groups = {group: sweep[group] for group in GROUPS if group in sweep}
    parts = [
        ((), single),
        *(((name,), table) for name, table in tables.items()),
        *[(("sweep",), {k: v for k, v in sweep.items() if k not in groups})] * bool(sweep),
        *((("sweep", group), table) for group, table in groups.items()),
    ]
    lines: list[str] = []
    for keys, table in parts:
        if keys and not table:
            continue
        lines += ["", f"[{'.'.join(map(spelt, keys))}]"] if keys else []
        for inner, value in table.items() if keys[:1] == ("sweep",) else _leaves(table):
            where = (inner,) if isinstance(inner, str) else inner
            text = f"{'.'.join(map(spelt, where))} = {toml(value)}"
            lines += _told(text, origin((*keys, *where)))
    return "\n".join(lines) + "\n"


def _leaves(table: Mapping[str, Any], keys: tuple[str, ...] = ()) -> list[tuple[Any, Any]]:
    found = []
    for key, value in table.items():
        where = (*keys, key)
        found += _leaves(value, where) if isinstance(value, Mapping) else [(where, value)]
    return found


def _told(text: str, origin: str) -> list[str]:
    """A line with its comment, which goes above where the line is too long for both."""
    for line in (f"{text:<{COLUMN}}  # {origin}", f"{text}  # {origin}"):
        if len(line) <= WIDTH:
            return [line]
    return [f"# {origin}", text]


def origins(document: Document) -> Callable[[Keys], str]:
    """A function that says where the value at a path came from."""
    values = document.values

    def origin(keys: Keys) -> str:
        given: Any = values
        for i, key in enumerate(keys):
            if isinstance(given, str) and key == "name":  # `loss = "huber"`
                keys = keys[:i]
                break
            # The sweep of a choice may be written by its name.
            named = f"{key}.name"
            if isinstance(given, Mapping) and key not in given and named in given:
                key, keys = named, (*keys[:i], named)
            if not isinstance(given, Mapping) or key not in given:
                return "default"
            given = given[key]
        place = document.place(keys)
        if not isinstance(place, Place):
            return f"command line: {visible(place, 100)}"
        if place.document.file is None:
            return "given"
        smoke = "[smoke] " if place.keys[0] == "smoke" else ""
        return visible(f"{smoke}{place.document.file}:{place.line}")

    return origin
