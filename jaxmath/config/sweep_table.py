"""The [sweep] of a config as a table: its keys, before anyone knows what they name."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from jaxmath.config.document import Document, Keys

FORMS = ("range", "linspace", "logspace")


def flatten(table: Mapping[str, Any], keys: Keys = ()) -> Iterator[tuple[str, Keys, Any]]:
    """The entries of a sweep by dotted path, whether its keys are quoted or nested."""
    for key, value in table.items():
        where = (*keys, key)
        if isinstance(value, Mapping) and value and not any(map(_is_form, value)):
            yield from flatten(value, where)
        else:
            yield ".".join(map(str, where)), where, value


def _is_form(key: str) -> bool:
    """Whether a key is `range`, `linspace` or `logspace`, or a slip for one of them."""
    return bool(difflib.get_close_matches(key, FORMS, 1, 0.79))


def normalize(document: Document) -> None:
    """Write the document's sweep with dotted keys alone, the entries of a zip below "zip"."""
    table = document.values.get("sweep")
    if not isinstance(table, dict):
        return
    tables: list[tuple[Keys, Mapping[str, Any]]] = [
        ((), {k: v for k, v in table.items() if k != "zip"})
    ]
    if isinstance(table.get("zip"), Mapping):
        tables.append((("zip",), table["zip"]))
    flat: dict[str, Any] = {}
    for prefix, entries in tables:
        into = flat.setdefault("zip", {}) if prefix else flat
        for path, keys, value in flatten(entries):
            into[path] = value
            old, new = ("sweep", *prefix, *keys), ("sweep", *prefix, path)
            if old != new:
                document.origins[new] = document.origins.get(old, old)
    if "zip" in table and "zip" not in flat:
        flat["zip"] = table["zip"]
    document.values["sweep"] = flat


def drop(document: Document, path: str) -> None:
    """Take a path out of the sweep: a later, single value has replaced it."""
    table = document.values.get("sweep")
    if isinstance(table, dict):
        table.pop(path, None)
        if isinstance(table.get("zip"), dict):
            table["zip"].pop(path, None)
            if not table["zip"]:
                del table["zip"]
