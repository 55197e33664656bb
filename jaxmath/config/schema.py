"""Strict typed validation: a table of a config against a frozen dataclass.

Tables are walked here, so that every problem is found at once and named by its place; each single
value is validated by pydantic, strictly: no text is taken for a number, no boolean for an integer,
while a whole number may stand for a float.
"""

from __future__ import annotations

import dataclasses
import json
import os
import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field
from typing import Annotated, Any, Literal

from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from jaxmath.config.choices import TUPLES, Choice, DataFile, Option, available, options_of
from jaxmath.config.document import Document, Keys, dotted, show
from jaxmath.config.errors import InputError, Problem
from jaxmath.config.project import Project
from jaxmath.config.spelling import nearest, suggest


@dataclass
class Validation:
    """One reading of one config: the document, where names resolve, and the problems so far."""

    document: Document
    project: Project
    problems: list[Problem] = field(default_factory=list)

    def problem(self, keys: Keys, sentence: str, hint: str = "") -> None:
        """Note a problem and go on."""
        self.problems.append(self.document.problem(keys, sentence, hint))

    def table(self, cls: type, given: Any, keys: Keys, default: Any = MISSING) -> Any:
        """An instance of a dataclass from a table; what is missing comes from `default`.

        Returns MISSING, with the problems noted, where the table is wrong.
        """
        if not isinstance(given, Mapping):
            expected = ", ".join(f.name for f in dataclasses.fields(cls))
            self.problem(
                keys, f"`{dotted(keys)}` should be a table with {expected}, got {show(given)}"
            )
            return MISSING
        hints = typing.get_type_hints(cls, include_extras=True)
        names = [f.name for f in dataclasses.fields(cls) if f.init]
        for key in given:
            if key not in names:
                self.unknown((*keys, key), cls, names)
        values = {}
        for item in dataclasses.fields(cls):
            if not item.init:
                continue
            where = (*keys, item.name)
            fallback = _default(item) if default is MISSING else getattr(default, item.name)
            if item.name in given:
                value = self.value(hints[item.name], given[item.name], where, fallback)
            elif choice_of(hints[item.name]) and isinstance(fallback, (str, Mapping)):
                value = self.value(hints[item.name], fallback, where)
            elif fallback is MISSING:
                self.problem(
                    keys or where,
                    f"`{dotted(where)}` is missing",
                    f"it should be {describe(hints[item.name])}",
                )
                value = MISSING
            else:
                value = fallback
            # A wrong value gives way to the default, so that the sweep can be checked as well.
            values[item.name] = fallback if value is MISSING else value
        if any(value is MISSING for value in values.values()):
            return MISSING
        try:
            return cls(**values)
        except ValueError as error:  # a relation between fields, checked by the dataclass itself
            if not self.problems:
                self.problem(keys or ("experiment",), str(error))
            return MISSING

    def value(self, hint: Any, given: Any, keys: Keys, default: Any = MISSING) -> Any:
        """A value of a field, whatever kind of field it is; MISSING where it is wrong."""
        choice = choice_of(hint)
        if choice:
            return self.choice(choice, given, keys, default)
        if dataclasses.is_dataclass(hint):
            start = default if isinstance(default, typing.cast(type, hint)) else MISSING
            return self.table(typing.cast(type, hint), given, keys, start)
        return self.leaf(hint, given, keys, default)

    def choice(self, choice: Choice, given: Any, keys: Keys, default: Any = MISSING) -> Any:
        """An option by name, given as the name alone or as a table with its options."""
        table = {"name": given} if isinstance(given, str) else given
        if not isinstance(table, Mapping):
            sentence = f"`{dotted(keys)}` should be the name of a {choice.kind}"
            self.problem(keys, f"{sentence}, or a table with its name, got {show(given)}")
            return MISSING
        previous = default if isinstance(default, Option) else None
        name = table.get("name", previous.name if previous else MISSING)
        where = (*keys, "name") if "name" in table and not isinstance(given, str) else keys
        if choice.optional and name == "none":
            for key in table:
                if key != "name":
                    self.problem((*keys, key), f"`{dotted(keys)}` is none, which has no options")
            return None
        if name is MISSING:
            slip = next((key for key in table if nearest(key, ["name"])), None)
            if slip is not None:
                told = f"unknown key `{dotted((*keys, slip))}`"
                self.problem((*keys, slip), told, "did you mean `name`?")
            else:
                self.problem(keys, f"`{dotted(keys)}.name` is missing", self.names(choice, ""))
            return MISSING
        if not isinstance(name, str):
            self.problem(where, f"`{dotted(where)}` should be text, got {show(name)}")
            return MISSING
        known = available(choice.kind, name, self.project)
        if name not in known:
            sentence = f"there is no {choice.kind} {show(name)}"
            self.problem(where, sentence, self.names(choice, name))
            return MISSING
        options = options_of(choice.kind, name, self.project)
        start = previous if previous and isinstance(previous, options) else MISSING
        return self.table(options, {**table, "name": name}, keys, start)

    def names(self, choice: Choice, name: str) -> str:
        """The hint for a wrong name of a choice."""
        known = [*available(choice.kind, name, self.project), *(["none"] * choice.optional)]
        own, dot, _ = name.partition(".")
        if dot and own not in self.project.modules and self.project.modules:
            close = nearest(own, self.project.modules)
            if close:
                return f"did you mean the module `{close}` of {self.project.folder}?"
        if dot and own in self.project.modules:
            listed = TUPLES[choice.kind][1]
            missing = f"{self.project.modules[own].name} should list it in {listed}"
            return suggest(name, self.project.offers(own, listed)) or missing
        return suggest(name, known)

    def leaf(self, hint: Any, given: Any, keys: Keys, default: Any = MISSING) -> Any:
        """A single value, or a list of them, validated by pydantic."""
        expected = describe(hint)
        if default is not MISSING and default is not None:
            expected += f" (default {show(default)})"
        try:
            value = TypeAdapter(hint).validate_json(json.dumps(given), strict=True)
        except ValidationError as error:
            first = error.errors()[0]
            inside = tuple(part for part in first["loc"] if isinstance(part, int))[:1]
            said = f"`{dotted(keys)}` should be {expected}, got {show(given)}"
            hints = [close for option in _literals(hint) if (close := nearest(given, [option]))]
            if first["type"] == "value_error":
                said = f"`{dotted(keys)}`: {first['msg'].removeprefix('Value error, ')}"
            if not hints and isinstance(given, (list, tuple)) and _is_number(hint):
                advice = f"to vary it: [sweep] {dotted(keys)} = {show(given)}"
            elif not hints and isinstance(given, str) and _is_number(hint) and _numeric(given):
                advice = f"without quotes: {given.strip()}"
            else:
                advice = f'did you mean "{hints[0]}"?' if hints else ""
            item = (*keys, *inside)
            self.problem(item if item in self.document.lines else keys, said, advice)
            return MISSING
        if any(isinstance(mark, DataFile) for mark in _metadata(hint)):
            return self.file(value, keys)
        return value

    def file(self, name: str, keys: Keys) -> Any:
        """The absolute name of a data file, which must be there."""
        try:
            path = (self.document.folder_of(keys) / name).resolve()
            there = path.is_file()
        except (OSError, ValueError, RuntimeError):
            self.problem(keys, f"`{dotted(keys)}` is no file name: {show(name)}")
            return MISSING
        if there:
            return str(path)
        close = ""
        if path.parent.is_dir():
            files = [p.name for p in sorted(path.parent.iterdir()) if p.is_file()][:1000]
            close = nearest(path.name, files)
        hint = f"did you mean {show(os.path.join(os.path.dirname(name), close))}?" if close else ""
        what = "is a folder" if path.is_dir() else "does not exist"
        self.problem(keys, f"the file {show(str(path), 120)} of `{dotted(keys)}` {what}", hint)
        return MISSING

    def unknown(self, keys: Keys, cls: type, names: list[str]) -> None:
        """Note a key that its table does not have."""
        key = keys[-1]
        hint = suggest(key, names)
        close = nearest(key, names)
        if close:
            hints = typing.get_type_hints(cls, include_extras=True)
            item = next(f for f in dataclasses.fields(cls) if f.name == close)
            default = _default(item)
            hint += f" ({describe(hints[close])}"
            hint += ")" if default is MISSING else f", default {show(plain(default))})"
        self.problem(keys, f"unknown key `{dotted(keys)}`", hint)

    def finish(self) -> None:
        """Raise all problems found.

        Raises:
            InputError: there are any.
        """
        if self.problems:
            raise InputError(*self.problems)


def describe(hint: Any) -> str:
    """What a field takes, in words: "a number > 0", "a whole number", 'one of "a", "b"'."""
    choice = choice_of(hint)
    if choice:
        return f"the name of {'an' if choice.kind[0] in 'aeiou' else 'a'} {choice.kind}"
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        bounds = " and ".join(b for mark in _metadata(hint) if (b := _bound(mark)))
        return f"{describe(args[0])} {bounds}".strip()
    if origin is Literal:
        return "one of " + ", ".join(show(arg) for arg in args)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(describe(arg) for arg in args if arg is not type(None))
    if origin is tuple:
        kinds = [arg for arg in args if arg is not Ellipsis]
        plural = describe(kinds[0]).removeprefix("a ").replace("number", "numbers", 1)
        count = "" if Ellipsis in args else f"{len(kinds)} "
        return f"a list of {count}{plural}"
    if dataclasses.is_dataclass(hint):
        return "a table with " + ", ".join(f.name for f in dataclasses.fields(hint))
    words = {float: "a number", int: "a whole number", bool: "true or false", str: "text"}
    return words.get(hint, getattr(hint, "__name__", str(hint)))


def hint_at(config: Any, keys: Keys) -> Any:
    """The type of the field at a path of nested dataclasses, and the names beside it.

    Raises:
        KeyError: there is no such field; its arguments are the wrong part's path and the names
            that stand there.
    """
    hint: Any = type(config)
    for position, key in enumerate(keys):
        names = [f.name for f in dataclasses.fields(config)] if _is_instance(config) else []
        if key not in names:
            raise KeyError(keys[: position + 1], names)
        hint = typing.get_type_hints(type(config), include_extras=True)[key]
        config = getattr(config, str(key))
    return hint


def plain(value: Any) -> Any:
    """Validated values as TOML holds them: dataclasses as tables, tuples as lists.

    What is None is left out, save for a choice, where it is written "none".
    """
    if _is_instance(value):
        hints = typing.get_type_hints(type(value), include_extras=True)
        table = {}
        for item in dataclasses.fields(value):
            inner = getattr(value, item.name)
            if inner is not None:
                table[item.name] = plain(inner)
            elif choice_of(hints[item.name]):
                table[item.name] = "none"
        return table
    if isinstance(value, (tuple, list)):
        return [plain(inner) for inner in value]
    return value


def _is_instance(value: Any) -> bool:
    return dataclasses.is_dataclass(value) and not isinstance(value, type)


def _default(item: dataclasses.Field) -> Any:
    if item.default_factory is not MISSING:
        return item.default_factory()
    return item.default


def choice_of(hint: Any) -> Choice | None:
    """The mark of a field that is chosen by name."""
    return next((mark for mark in _metadata(hint) if isinstance(mark, Choice)), None)


def _metadata(hint: Any) -> list[Any]:
    """The annotations of a type; those of a pydantic `Field` taken out of it."""
    if typing.get_origin(hint) is not Annotated:
        return []
    marks: list[Any] = []
    for mark in typing.get_args(hint)[1:]:
        marks += mark.metadata if isinstance(mark, FieldInfo) else [mark]
    return marks


def _bound(mark: Any) -> str:
    words = [
        f"{sign} {getattr(mark, name):.12g}"
        for name, sign in (("gt", ">"), ("ge", ">="), ("lt", "<"), ("le", "<="))
        if getattr(mark, name, None) is not None
    ]
    if getattr(mark, "min_length", None):
        words.append(f"(at least {mark.min_length})")
    if getattr(mark, "max_length", None):
        words.append(f"(at most {mark.max_length})")
    return " and ".join(words)


def _literals(hint: Any) -> list[Any]:
    if typing.get_origin(hint) is Literal:
        return list(typing.get_args(hint))
    return [one for arg in typing.get_args(hint) for one in _literals(arg)]


def _is_number(hint: Any) -> bool:
    base = typing.get_args(hint)[0] if typing.get_origin(hint) is Annotated else hint
    return base in (int, float)


def _numeric(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
