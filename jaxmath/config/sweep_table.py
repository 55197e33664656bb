"""The [sweep] of a config as a table: its keys, before anyone knows what they name.

In normal form its keys are dotted paths. What varies together stands in a table of its own, a
zip or a design, again by dotted paths.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from jaxmath.config.document import Document, Keys, Origin, below, dotted
from jaxmath.config.spelling import distance

GRID_FORMS = ("range", "linspace", "logspace")
DRAWN_FORMS = ("uniform", "loguniform", "normal")
FORMS = (*GRID_FORMS, *DRAWN_FORMS)

MAX_SEED = 2**32 - 1

DESIGNS = ("random", "sobol", "halton")
"""Tables of paths that vary together, each value drawn or placed jointly."""

ASKED = ("metric", "count", "batch", "sampler", "seed", "maximize")
"""What [sweep.optuna] says of itself, beside its paths."""

METHODS = ("halving", "hyperband")
"""Tables that say which settings run to the end; they vary nothing."""

GROUPS = ("zip", *DESIGNS, "optuna", *METHODS)
SETTINGS = ("count", "seed", "scrambled")
"""What a design says of itself, beside its paths."""


def flatten(table: Mapping[str, Any], keys: Keys = ()) -> Iterator[tuple[str, Keys, Any]]:
    """The entries of a sweep by dotted path, whether its keys are quoted or nested."""
    for key, value in table.items():
        where = (*keys, key)
        if isinstance(value, Mapping) and value and not any(map(_is_form, value)):
            yield from flatten(value, where)
        else:
            yield ".".join(map(str, where)), where, value


def _is_form(key: str) -> bool:
    """Whether a key is `range`, `linspace` and so on, or a slip for one of them."""
    return any(abs(len(key) - len(form)) < 2 and distance(key, form) < 2 for form in FORMS)


def entries(table: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """The group ("" for the grid), path and value of everything swept in a normal table."""
    for key, value in table.items():
        if key not in GROUPS:
            yield "", key, value
        elif isinstance(value, Mapping):
            for path, inner in value.items():
                if not is_setting(key, path, inner):
                    yield key, path, inner


def is_setting(group: str, path: str, value: Any) -> bool:
    """Whether an entry of a group says something of it, rather than what varies."""
    if group in METHODS:
        return True
    known = ASKED if group == "optuna" else SETTINGS if group in DESIGNS else ()
    return path in known and not isinstance(value, (Mapping, list))


def normalize(document: Document) -> None:
    """Write the document's sweep with dotted keys alone, those of a group below its name."""
    table = document.values.get("sweep")
    if not isinstance(table, dict):
        return
    normal: dict[str, Any] = {}
    grid = {key: value for key, value in table.items() if key not in GROUPS}
    tables: list[tuple[Keys, Any]] = [((), grid)]
    tables += [((group,), table[group]) for group in GROUPS if group in table]
    for prefix, given in tables:
        if not isinstance(given, Mapping):
            normal[str(prefix[0])] = given
            continue
        into = normal.setdefault(str(prefix[0]), {}) if prefix else normal
        for path, keys, value in flatten(given):
            into[path] = value
            old, new = ("sweep", *prefix, *keys), ("sweep", *prefix, path)
            if old != new:
                document.origins[new] = document.origins.get(old, old)
    document.values["sweep"] = normal


def lay(document: Document, keys: Keys, value: Any, origin: Origin) -> None:
    """Lay a value over the document, and keep its sweep in normal form.

    A single value takes its path out of an earlier sweep, and a path that is swept anew out of
    the group in which it was.
    """
    if keys[0] != "sweep" or (len(keys) == 1 and not isinstance(value, Mapping)):
        document.overlay(keys, value, origin)
        for path in _leaves(keys, value):
            drop(document, path)
        return
    inner: Any = value
    for key in map(str, reversed(keys[1:])):
        inner = {key: inner}
    for name, group in inner.items():
        in_group = name in GROUPS and isinstance(group, Mapping)
        for path, given, entry in flatten(group if in_group else {name: group}):
            full = (name, *given) if in_group else given
            where = ("sweep", name, path) if in_group else ("sweep", path)
            if not (in_group and is_setting(name, path, entry)):
                drop(document, path, but=name if in_group else "")
            document.overlay(where, entry, below(origin, *full[len(keys) - 1 :]), whole=True)


def _leaves(keys: Keys, value: Any) -> list[str]:
    if not isinstance(value, Mapping):
        return [dotted(keys)]
    return [path for key, inner in value.items() for path in _leaves((*keys, key), inner)]


def drop(document: Document, path: str, but: str | None = None) -> None:
    """Take a path out of the sweep, save out of the group `but`."""
    table = document.values.get("sweep")
    if not isinstance(table, dict):
        return
    if but != "":
        table.pop(path, None)
    for group in GROUPS:
        inner = table.get(group)
        if group == but or not isinstance(inner, dict) or path not in inner:
            continue
        if not is_setting(group, path, inner[path]):
            del inner[path]
            if not any(name == group for name, _, _ in entries(table)):
                del table[group]
