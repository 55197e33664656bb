"""A config written out in full: every value, and beside it what it may be."""

from __future__ import annotations

import dataclasses
import inspect
import json
import re
import typing
from collections.abc import Mapping
from typing import Any

from jaxmath.config.choices import Option, available
from jaxmath.config.project import Project
from jaxmath.config.schema import choice_of, describe, plain
from jaxmath.config.sweep_table import GROUPS

COLUMN = 34
"""Where comments begin, if the line is short enough."""


def toml(value: Any) -> str:
    """A value as TOML on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, Mapping):
        inner = ", ".join(f"{spelt(key)} = {toml(item)}" for key, item in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(toml, value)) + "]"
    return repr(value)


def written(
    experiment: str,
    title: str,
    config: Any,
    project: Project,
    seed: int = 0,
    precision: str = "float64",
    sweep: Mapping[str, Any] | None = None,
) -> str:
    """A whole config as TOML, ready to be redirected into a file and run."""
    lines = [*(f"# {line}" for line in title.splitlines()), f"experiment = {toml(experiment)}"]
    lines.append(_line("seed", seed, "whole number; all randomness follows from it"))
    lines.append(_line("precision", precision, '"float64" or "float32"'))
    notes = attributes(type(config))
    hints = typing.get_type_hints(type(config), include_extras=True)
    single, tables = [], []
    for item in dataclasses.fields(config):
        value, hint = getattr(config, item.name), hints[item.name]
        note = notes.get(item.name, "")
        if dataclasses.is_dataclass(value):
            tables += ["", *_table(item.name, value, hint, note, project)]
        else:
            single += _single(item.name, value, hint, note, project)
    lines += ["", *single] if single else []
    lines += tables
    if sweep:
        lines += ["", "[sweep]"]
        lines += [f"{spelt(k)} = {toml(v)}" for k, v in sweep.items() if k not in GROUPS]
        for group in filter(sweep.__contains__, GROUPS):
            lines += ["", f"[sweep.{group}]"]
            lines += [f"{spelt(k)} = {toml(v)}" for k, v in sweep[group].items()]
    else:
        lines += ["", *_sweep_example(config)]
    return "\n".join(lines) + "\n"


def _single(name: str, value: Any, hint: Any, note: str, project: Project) -> list[str]:
    about = _about(hint, note, project)
    if value is None and choice_of(hint) is None:
        return [_line(f"# {name}", "", about)]
    return [_line(name, "none" if value is None else plain(value), about)]


def _table(name: str, value: Any, hint: Any, note: str, project: Project) -> list[str]:
    """A nested table; what is nested in it stands on one line each."""
    lines = [f"[{name}]" + (f"  # {note}" if note else "")]
    hints = typing.get_type_hints(type(value), include_extras=True)
    notes = attributes(type(value))
    for item in dataclasses.fields(value):
        inner = getattr(value, item.name)
        if item.name == "name" and isinstance(value, Option):
            lines.append(_line("name", inner, _about(hint, "", project)))
        elif dataclasses.is_dataclass(inner):
            lines.append(_line(item.name, plain(inner), notes.get(item.name, "")))
        else:
            found = notes.get(item.name, "")
            lines += _single(item.name, inner, hints[item.name], found, project)
    return lines


def _about(hint: Any, note: str, project: Project) -> str:
    choice = choice_of(hint)
    if choice:
        names = [*available(choice.kind, "", project), *(["none"] * choice.optional)]
        return "; ".join(filter(None, (note, ", ".join(names))))
    kind = describe(hint)
    return "; ".join(filter(None, (note, kind.removeprefix("a "))))


def _line(name: str, value: Any, comment: str) -> str:
    text = f"{name} = {toml(value)}" if value != "" or not name.startswith("#") else f"{name} ="
    return f"{text:<{COLUMN}}  # {comment}" if comment else text


def _sweep_example(config: Any) -> list[str]:
    """How a sweep would be written, with a float of this very config."""
    path = next((p for p, value in _floats(config)), "")
    lines = ["# [sweep]", "# seed = { range = [0, 8] }"]
    if path:
        lines.append(f"# {spelt(path)} = {{ logspace = [0.001, 1.0, 16] }}")
    return lines


def _floats(config: Any, prefix: str = "") -> list[tuple[str, float]]:
    found = []
    for item in dataclasses.fields(config):
        value = getattr(config, item.name)
        if dataclasses.is_dataclass(value):
            found += _floats(value, f"{prefix}{item.name}.")
        elif isinstance(value, float):
            found.append((prefix + item.name, value))
    return sorted(found, key=lambda entry: "rate" not in entry[0])


def spelt(key: str) -> str:
    """A key as TOML, in quotes where it needs them."""
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else toml(key)


def attributes(cls: type) -> dict[str, str]:
    """What the `Attributes:` of a docstring say of each field, first sentence."""
    _, _, text = (inspect.getdoc(cls) or "").partition("Attributes:\n")
    found: dict[str, str] = {}
    for name, words in re.findall(r"^\s{4}(\w+): (.*(?:\n\s{8}.*)*)", text, re.MULTILINE):
        found[name] = " ".join(words.split()).rstrip(".")
    return found
