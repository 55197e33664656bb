"""What a page says of an object: its signature as it was written, its docstring as Markdown."""

import ast
import inspect
import re
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any

import jaxmath.typing

_SECTIONS = ("Args", "Attributes", "Raises", "Returns")


class _Word(str):
    """Text that stands in a signature without quotes."""

    __repr__ = str.__str__


def signature(function: Callable[..., Any], public: Mapping[type, str]) -> str:
    """Arguments, defaults and annotations, with links to the classes of which a page speaks."""
    try:
        found = inspect.signature(function)
    except ValueError:
        return "(...)"
    shown = [
        parameter.replace(
            annotation=_annotation(parameter.annotation, public), default=_default(parameter.default)
        )
        for parameter in found.parameters.values()
    ]
    returned = _annotation(found.return_annotation, public)
    return str(found.replace(parameters=shown, return_annotation=returned))


def _annotation(kind: Any, public: Mapping[type, str]) -> Any:
    return kind if kind is inspect.Signature.empty else _Word(_named(kind, public))


def _named(kind: Any, public: Mapping[type, str]) -> str:
    for name, alias in vars(jaxmath.typing).items():
        if not name.startswith("_") and kind == alias:
            return name
    if isinstance(kind, types.UnionType) or typing.get_origin(kind) is typing.Union:
        return " | ".join(_named(part, public) for part in typing.get_args(kind))
    if kind is types.NoneType:
        return "None"
    # An alias such as tuple[int, str] passes for a type and has the name of `tuple`.
    if isinstance(kind, type) and not typing.get_origin(kind):
        return f"~{public[kind]}" if kind in public else kind.__name__
    text = kind if isinstance(kind, str) else repr(kind)
    return re.sub(r"\b(?:[A-Za-z_]\w*\.)+(?=[A-Za-z_])", "", text).replace("NoneType", "None")


def _default(value: Any) -> Any:
    if value is inspect.Signature.empty:
        return value
    if callable(value):
        return _Word(getattr(value, "__name__", "..."))
    try:
        ast.parse(repr(value))
    except SyntaxError:
        return _Word("...")
    return value


def markdown(documented: Any) -> str:
    """The docstring, with "Args:" and its kin as lists."""
    lines, made, section = (inspect.getdoc(documented) or "").splitlines(), [], None
    for line in lines:
        if line.removesuffix(":") in _SECTIONS and line.endswith(":"):
            section = line.removesuffix(":")
            made += [f"**{section}**", ""]
        elif section and line and not line.startswith(" "):
            section = None
            made.append(line)
        elif section and (entry := re.match(r" {4}(\w[\w, .*]*): (.*)", line)) and (
            section != "Returns"
        ):
            names = ", ".join(f"`{name.strip()}`" for name in entry[1].split(","))
            made.append(f"- {names}: {entry[2]}")
        elif section:
            made.append(line.removeprefix("    ") if section == "Returns" else line[2:])
        else:
            made.append(line)
    return "\n".join(made)
