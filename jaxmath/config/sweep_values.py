"""The values of an axis as a [sweep] states them: a list, or a form that stands for one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from jaxmath.config.designs import cube, marginal
from jaxmath.config.document import Keys, dotted, show
from jaxmath.config.schema import Validation
from jaxmath.config.spelling import suggest
from jaxmath.config.sweep_table import DRAWN_FORMS, FORMS, MAX_SEED, SETTINGS, is_setting

MAX_VALUES = 1_000_000
"""Values of one axis: beyond that, a slip of the finger rather than a sweep."""


class Drawn(list):
    """The values of one path of a design, already numbers."""


def listed(path: str, keys: Keys, raw: Any, check: Validation) -> list[Any] | None:
    """A list as it is, or the numbers that a form stands for; None, with the problem noted."""
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
    form = _form(keys, raw, check, FORMS, ("seed",))
    if form is None:
        return None
    numbers, where = raw[form], (*keys, form)
    lengths = (2, 3) if form == "range" else (3,)
    if not _are_numbers(numbers) or len(numbers) not in lengths:
        shape = "[start, end] or [start, end, step]" if form == "range" else "[start, end, count]"
        if form in DRAWN_FORMS:
            shape = "[mean, deviation, count]" if form == "normal" else "[low, high, count]"
        check.problem(where, f"{name}: {form} takes numbers {shape}, got {show(numbers)}")
        return None
    if form == "range":
        return _range(numbers, where, name, check)
    start, end, count = numbers
    if not _is_count(count):
        told = f"a whole number from 1 to {MAX_VALUES}, got {show(count)}"
        check.problem(where, f"{name}: the third number of {form} is a count, {told}")
        return None
    if form == "logspace":
        if not (start > 0 and end > 0):
            told = f"its ends themselves, both > 0, got {show(numbers)}"
            check.problem(where, f"{name}: logspace takes {told}", "not their exponents")
            return None
        return [float(value) for value in np.geomspace(start, end, count)]
    if form == "linspace":
        return [float(value) for value in np.linspace(start, end, count)]
    seed = _seed(raw.get("seed", 0), (*keys, "seed"), name, check)
    if seed is None or not _marginal(form, numbers, where, name, check):
        return None
    (places,) = cube("random", [path], count, seed)
    return marginal(form, float(start), float(end), places)


def designed(
    design: str, entries: Sequence[tuple[str, Keys, Any]], check: Validation
) -> list[tuple[str, Keys, Any]]:
    """The entries of a design with their values in place of what states them."""
    table = check.document.values["sweep"][design]
    before = len(check.problems)
    place, name = ("sweep", design), f"`sweep.{design}`"
    given = settings(design, table)
    count = given["count"]
    if not _is_count(count):
        told = f"{name} needs a count, a whole number from 1 to {MAX_VALUES}, got {show(count)}"
        if count is None:
            told = f"{name} needs a count, such as count = 64"
        check.problem((*place, "count") if "count" in table else place, told)
    seed = _seed(given["seed"], (*place, "seed"), name, check)
    scrambled = given.get("scrambled", True)
    if not isinstance(scrambled, bool):
        told = f"{name}: scrambled is true or false, got {show(scrambled)}"
        check.problem((*place, "scrambled"), told)
    for path, keys, raw in entries:
        if not isinstance(raw, Mapping):
            check.problem(
                keys,
                f"`{dotted(keys)}` should be a distribution, got {show(raw)}",
                suggest(path, SETTINGS, every=False) or "such as { loguniform = [1e-4, 1.0] }",
            )
            continue
        form = _form(keys, raw, check, DRAWN_FORMS, ())
        if form is None:
            continue
        numbers, where = raw[form], (*keys, form)
        if not _are_numbers(numbers) or len(numbers) != 2:
            shape = "[mean, deviation]" if form == "normal" else "[low, high]"
            hint = f"the count is the design's: {name.strip('`')}.count"
            told = f"`{dotted(keys)}`: {form} takes {shape} here, got {show(numbers)}"
            check.problem(where, told, hint)
        elif not _marginal(form, numbers, where, f"`{dotted(keys)}`", check):
            continue
        elif form == "normal" and design == "sobol" and not scrambled:
            told = f"`{dotted(keys)}`: Sobol's first point is 0, where a normal is infinite"
            check.problem(where, told, f"leave out {name.strip('`')}.scrambled")
    if len(check.problems) > before or count is None:
        return [(path, keys, Drawn()) for path, keys, _ in entries]
    places = cube(design, [path for path, _, _ in entries], count, seed or 0, scrambled)
    made = []
    for (path, keys, raw), column in zip(entries, places, strict=True):
        form, (first, second) = next(iter(raw.items()))
        made.append((path, keys, Drawn(marginal(form, float(first), float(second), column))))
    return made


def settings(design: str, table: Mapping[str, Any]) -> dict[str, Any]:
    """What a design says of itself, with what it leaves out."""
    given = {key: value for key, value in table.items() if is_setting(design, key, value)}
    found = {"count": None, "seed": 0, **given}
    return {**found, "scrambled": given.get("scrambled", True)} if design != "random" else found


def one_form(
    keys: Keys, raw: Mapping[str, Any], check: Validation, forms: Sequence[str]
) -> str | None:
    """The one form that a table names, with nothing beside it."""
    return _form(keys, raw, check, forms, ())


def _form(
    keys: Keys, raw: Mapping[str, Any], check: Validation, forms: Sequence[str], beside: Sequence
) -> str | None:
    """The one form that a table names."""
    named = [key for key in raw if key in forms]
    others = [key for key in raw if key not in forms]
    if beside and len(named) == 1 and named[0] in DRAWN_FORMS:
        others = [key for key in others if key not in beside]
    if len(named) == 1 and not others:
        return named[0]
    shown = ", ".join(forms[:-1]) + f" or {forms[-1]}"
    listed = "a list or " if beside else ""
    hint = suggest(others[0], forms) if others else "one of them at a time"
    told = f"`{dotted(keys)}` should be {listed}one of {shown}, got {show(raw)}"
    check.problem(keys, told, hint)
    return None


def _are_numbers(numbers: Any) -> bool:
    return isinstance(numbers, (list, tuple)) and all(type(n) in (int, float) for n in numbers)


def _is_count(count: Any) -> bool:
    return type(count) is int and 1 <= count <= MAX_VALUES


def _seed(seed: Any, keys: Keys, name: str, check: Validation) -> int | None:
    if type(seed) is int and 0 <= seed <= MAX_SEED:
        return seed
    told = f"{name}: a seed is a whole number from 0 to {MAX_SEED}, got {show(seed)}"
    check.problem(keys, told)
    return None


def _marginal(form: str, numbers: Any, where: Keys, name: str, check: Validation) -> bool:
    """Whether the numbers are those of a distribution."""
    first, second = numbers[:2]
    if form == "normal":
        right, wanted = second > 0, "a deviation > 0"
    else:
        right, wanted = first < second, "its low end before its high one"
        if form == "loguniform" and not (first > 0 and second > 0):
            right, wanted = False, "its ends themselves, both > 0"
    if not right:
        check.problem(where, f"{name}: {form} takes {wanted}, got {show(numbers)}")
    return right


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
