"""The [sweep] of a config: which values vary, as axes of a grid.

`seed = [0, 1, 2]`, `"optimizer.learning_rate" = { logspace = [1e-4, 1.0, 16] }`. All axes form a
grid; what stands under [sweep.zip] varies together, and so does what stands under [sweep.random],
[sweep.sobol] or [sweep.halton], where `count` points are drawn or placed in all paths jointly.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import MISSING
from itertools import groupby
from typing import Any

from jaxmath.config import sweep_table
from jaxmath.config.asking import asked
from jaxmath.config.choices import Option, available, options_of
from jaxmath.config.document import Keys, dotted, show
from jaxmath.config.schema import Validation, choice_of, hint_at, plain
from jaxmath.config.spelling import suggest
from jaxmath.config.study import SweepAxis, replace_path
from jaxmath.config.sweep_table import FORMS, MAX_SEED
from jaxmath.config.sweep_values import Drawn, designed, listed, settings


def sweep_axes(config: Any, check: Validation) -> tuple[SweepAxis, ...]:
    """The axes of the document's sweep, every value validated like a value of its field."""
    table = check.document.values.get("sweep", {})
    groups: list[list[tuple[str, Keys, Any]]] = []
    # Whatever the order in which they came together: first the grid, then group by group.
    order = ("", *sweep_table.GROUPS)
    swept = sorted(sweep_table.entries(table), key=lambda entry: order.index(entry[0]))
    for group, entries in groupby(swept, key=lambda entry: entry[0]):
        place: Keys = ("sweep", group) if group else ("sweep",)
        given: list[tuple[str, Keys, Any]] = [
            (_path(path, config), (*place, path), raw) for _, path, raw in entries
        ]
        if group in sweep_table.DESIGNS:
            given = designed(group, given, check)
        elif group == "optuna":
            given = asked(given, check)
        groups += [given] if group else [[entry] for entry in given]
    for design in sweep_table.DESIGNS:
        if design in table and not any(name == design for name, _, _ in sweep_table.entries(table)):
            told = f"`sweep.{design}` names nothing to vary"
            hint = 'such as "optimizer.learning_rate" = { loguniform = [1e-4, 1.0] }'
            check.problem(("sweep", design), told, hint)
    # A choice comes before its own options, which are checked under each of its values.
    columns: dict[str, list[Any] | None] = {}
    variants = [config]
    flat = [entry for group in groups for entry in group]
    for path, keys, raw in sorted(flat, key=lambda entry: entry[0].count(".")):
        if path in columns:
            check.problem(keys, f"`{path}` is swept twice")
            continue
        columns[path] = _column(path, keys, raw, variants, check)
        found = columns[path]
        if found and isinstance(found[0], Option):
            variants = [replace_path(v, path, option) for v in variants for option in found]
    made = []
    for group in groups:
        paths = tuple(path for path, _, _ in group)
        found = [columns[path] for path in paths]
        if not all(found):
            continue
        lengths = {path: len(column or ()) for path, column in zip(paths, found, strict=True)}
        if len(set(lengths.values())) > 1:
            told = ", ".join(f"{path} has {length}" for path, length in lengths.items())
            check.problem(("sweep", "zip"), f"what is zipped needs equal lengths: {told} values")
            continue
        values = tuple(zip(*(column or () for column in found), strict=True))
        made.append(SweepAxis(paths, values))
    made.sort(key=lambda axis: not any(isinstance(v, Option) for v in axis.values[0]))
    return tuple(made)


def written(table: Mapping[str, Any], axes: tuple[SweepAxis, ...]) -> dict[str, Any]:
    """A sweep as its file has it, with every choice spelt out in full."""
    full = {
        path: [plain(row[i]) for row in axis.values]
        for axis in axes
        for i, path in enumerate(axis.paths)
        if isinstance(axis.values[0][i], Option)
    }

    def spelt(entries: Mapping[str, Any]) -> dict[str, Any]:
        paths = {path: path.removesuffix(".name") for path in entries}
        return {
            paths[path] if paths[path] in full else path: full.get(paths[path], value)
            for path, value in entries.items()
        }

    grid = spelt({path: value for path, value in table.items() if path not in sweep_table.GROUPS})
    groups = {name: spelt(inner) for name, inner in table.items() if name in sweep_table.GROUPS}
    for design in sweep_table.DESIGNS:
        if design in groups:
            groups[design] = {**settings(design, table[design]), **groups[design]}
    return {**grid, **groups}


def _column(
    path: str, keys: Keys, raw: Any, variants: list[Any], check: Validation
) -> list[Any] | None:
    """The validated values of one path; None, with the problems noted, where any is wrong."""
    values = raw if isinstance(raw, Drawn) else listed(path, keys, raw, check)
    if values is None:
        return None
    before = len(check.problems)
    found: list[Any] = []
    for i, value in enumerate(values):
        where = (*keys, i)
        if path == "seed":
            found.append(_seed(value, where, check))
            continue
        one: Any = MISSING
        for config in variants:
            try:
                hint = hint_at(config, tuple(path.split(".")))
            except KeyError as error:
                wrong, names = error.args
                known = [*names, *["seed"] * (not wrong[1:])]
                told = f"the sweep names `{path}`, and there is no `{dotted(wrong)}`"
                if not names:
                    told = f"the sweep names `{path}`, but `{dotted(wrong[:-1])}` has no fields"
                    known = FORMS
                check.problem(keys, told, suggest(wrong[-1], known, every=bool(names)))
                return None
            present = _option_at(config, path)
            if present is not None:
                value = _with_shared(value, hint, present, path, check)
            one = check.value(hint, value, where, present or MISSING)
            if len(check.problems) > before + 4:
                return None  # one slip, such as text for numbers: the first few say it all
            if one is MISSING:
                break
        else:
            found.append(one)
    return found if len(check.problems) == before else None


def _path(path: str, config: Any) -> str:
    """To sweep the name of a choice is to sweep the choice."""
    above = path.removesuffix(".name")
    return above if _option_at(config, above) is not None else path


def _option_at(config: Any, path: str) -> Option | None:
    for part in path.split("."):
        config = getattr(config, part, None)
    return config if isinstance(config, Option) else None


def _with_shared(value: Any, hint: Any, present: Option, path: str, check: Validation) -> Any:
    """A swept name, with those options that it needs or that the file's own table gives."""
    choice = choice_of(hint)
    if not isinstance(value, str) or not choice:
        return value
    if value not in available(choice.kind, value, check.project):
        return value
    table: Any = check.document.values
    for part in path.split("."):
        table = table.get(part, {}) if isinstance(table, Mapping) else {}
    given = dict(table) if isinstance(table, Mapping) else {}
    shared = {"name": value}
    for item in dataclasses.fields(options_of(choice.kind, value, check.project)):
        needed = item.default is MISSING and item.default_factory is MISSING
        if item.name != "name" and hasattr(present, item.name) and (needed or item.name in given):
            shared[item.name] = plain(getattr(present, item.name))
    return shared


def _seed(value: Any, keys: Keys, check: Validation) -> Any:
    if type(value) is int and 0 <= value <= MAX_SEED:
        return value
    check.problem(keys, f"a seed should be a whole number from 0 to {MAX_SEED}, got {show(value)}")
    return MISSING
