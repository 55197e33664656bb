"""The [sweep] of a config: which values vary, as axes of a grid.

`seed = [0, 1, 2]`, `"optimizer.learning_rate" = { logspace = [1e-4, 1.0, 16] }`. All axes form a
grid; what stands under [sweep.zip] varies together.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import MISSING
from typing import Any

import numpy as np

from jaxmath.config.choices import Option, available, options_of
from jaxmath.config.document import Keys, dotted, show, suggest
from jaxmath.config.schema import Validation, choice_of, hint_at, plain
from jaxmath.config.study import SweepAxis, replace_path
from jaxmath.config.sweep_table import FORMS

MAX_VALUES = 1_000_000
"""Values of one axis: beyond that, a slip of the finger rather than a sweep."""

SEED = (0, 2**32 - 1)


def sweep_axes(config: Any, check: Validation) -> tuple[SweepAxis, ...]:
    """The axes of the document's sweep, every value validated like a value of its field."""
    table = check.document.values.get("sweep", {})
    groups: list[list[tuple[str, Keys, Any]]] = [
        [(_path(path, config), ("sweep", path), value)]
        for path, value in table.items()
        if path != "zip"
    ]
    if zipped := table.get("zip", {}):
        groups.append(
            [(_path(path, config), ("sweep", "zip", path), v) for path, v in zipped.items()]
        )
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
        if any(column is None for column in found):
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

    grid = spelt({path: value for path, value in table.items() if path != "zip"})
    return {**grid, "zip": spelt(table["zip"])} if "zip" in table else grid


def _column(
    path: str, keys: Keys, raw: Any, variants: list[Any], check: Validation
) -> list[Any] | None:
    """The validated values of one path; None, with the problems noted, where any is wrong."""
    values = _listed(keys, raw, check)
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
                told = f"the sweep names `{path}`, and there is no `{dotted(wrong)}`"
                if not names:
                    told = f"the sweep names `{path}`, but `{dotted(wrong[:-1])}` has no fields"
                check.problem(keys, told, suggest(wrong[-1], [*names, *["seed"] * (not wrong[1:])]))
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
    low, high = SEED
    if type(value) is int and low <= value <= high:
        return value
    check.problem(keys, f"a seed should be a whole number from 0 to {high}, got {show(value)}")
    return MISSING


def _listed(keys: Keys, raw: Any, check: Validation) -> list[Any] | None:
    """A list as it is, or the numbers of a range, linspace or logspace."""
    name = f"`{dotted(keys)}`"
    if isinstance(raw, (list, tuple)):
        if not raw:
            check.problem(keys, f"{name} is empty", "a sweep needs at least one value")
            return None
        return list(raw)
    if not isinstance(raw, Mapping):
        hint = f"write [{show(raw)}], or {{ linspace = [0.0, 1.0, 11] }}"
        check.problem(keys, f"{name} should be a list of values, got {show(raw)}", hint)
        return None
    forms = "range = [start, end], linspace = [start, end, count] or logspace = [...]"
    if len(raw) != 1 or next(iter(raw)) not in FORMS:
        wrong = next((key for key in raw if key not in FORMS), "")
        hint = suggest(wrong, FORMS) if wrong else "one of them at a time"
        check.problem(keys, f"{name} should be a list or one of {forms}, got {show(raw)}", hint)
        return None
    form, numbers = next(iter(raw.items()))
    where = (*keys, form)
    if (
        not isinstance(numbers, (list, tuple))
        or not all(type(number) in (int, float) for number in numbers)
        or len(numbers) not in ((2, 3) if form == "range" else (3,))
    ):
        shape = "[start, end] or [start, end, step]" if form == "range" else "[start, end, count]"
        check.problem(where, f"{name}: {form} takes numbers {shape}, got {show(numbers)}")
        return None
    if form == "range":
        return _range(numbers, where, name, check)
    start, end, count = numbers
    if type(count) is not int or not 1 <= count <= MAX_VALUES:
        told = f"a whole number from 1 to {MAX_VALUES}, got {show(count)}"
        check.problem(where, f"{name}: the third number of {form} is a count, {told}")
        return None
    if form == "logspace":
        if not (start > 0 and end > 0):
            told = f"its ends themselves, both > 0, got {show(numbers)}"
            check.problem(where, f"{name}: logspace takes {told}", "not their exponents")
            return None
        return [float(value) for value in np.geomspace(start, end, count)]
    return [float(value) for value in np.linspace(start, end, count)]


def _range(numbers: Any, where: Keys, name: str, check: Validation) -> list[Any] | None:
    start, end, step = (*numbers, 1)[:3]
    if step == 0:
        check.problem(where, f"{name}: the step of a range is not zero")
        return None
    count = int(np.ceil((end - start) / step))
    if count < 1:
        told = f"`range = {show(numbers)}` is empty"
        check.problem(where, f"{name}: {told}", "the end itself is not part of it")
        return None
    if count > MAX_VALUES:
        check.problem(where, f"{name}: a range has at most {MAX_VALUES} values, got {count}")
        return None
    return [start + i * step for i in range(count)]
