"""The JSON Schema of a project's configs, by which an editor completes and checks them.

It is draft 7, the one that editors of TOML read. It says what can be said of a file by itself:
keys, types, bounds, names with their own options, forms of a sweep. What `extends` may bring from
elsewhere is not required here, and relations between values are left to `jaxmath check`.

Which keys are right depends on a name, of the experiment or of a choice. A search by halves
(`_dispatch`) leads from it to the one right table, so that an editor underlines the wrong key;
the keys of all names stand beside it, since many editors offer nothing that lies behind an `if`.
"""

from __future__ import annotations

import dataclasses
import inspect
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING
from typing import Any

from pydantic import PydanticUserError, TypeAdapter

from jaxmath.config.choices import TUPLES, Choice, available, options_of
from jaxmath.config.errors import theirs
from jaxmath.config.json_sweep import DISTRIBUTION, SEED, STATED, Schema, reference, sweep_schema
from jaxmath.config.project import Project
from jaxmath.config.schema import choice_of, describe, plain
from jaxmath.config.writing import attributes

CONFIG = r"^[^/].*\.toml$"

PRECISION: Schema = {
    "enum": ["float64", "float32"],
    "default": "float64",
    "description": "The precision of all arithmetic.",
}


def project_schema(project: Project) -> Schema:
    """The schema of every config of a project; its experiments are imported.

    Raises:
        ExperimentError: an experiment's own code raised.
    """
    names = list(project.experiments)
    definitions: Schema = {"forms": STATED, "distribution": DISTRIBUTION}
    for name in names:
        definitions |= experiment_definitions(name, project)
    shared = _union({name: definitions[name]["properties"] for name in names}, reference)
    shared["experiment"] = {
        "enum": names,
        "description": "What runs: built in, or a module of the project's experiments folder.",
    }
    closed = {"properties": dict.fromkeys(shared, True), "additionalProperties": False}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "A config of jaxmath",
        "type": "object",
        "properties": shared,
        "anyOf": [{"required": ["experiment"]}, {"required": ["extends"]}],
        **_by_name("experiment", names, reference, closed),
        "definitions": definitions,
    }


def experiment_definitions(name: str, project: Project) -> Schema:
    """The definition of one experiment, and of the choices that it names."""
    with theirs(name, "import"):
        module = project.load(name)
    definitions: Schema = {}
    config = module.Config
    fields = _fields(config, project, definitions)
    sweep = f"sweep of {name}"
    definitions[sweep] = sweep_schema(fields, definitions, sweep)
    about = " ".join((module.__doc__ or "").partition("\n\n")[0].split())
    laid = (*fields, "seed", "precision", "sweep")
    definitions[name] = {
        "type": "object",
        "description": about,
        "properties": {
            "experiment": {"const": name, "description": about},
            "extends": {
                "type": ["string", "array"],
                "pattern": CONFIG,
                "items": {"type": "string", "pattern": CONFIG},
                "description": "Configs that this one is laid over, as paths from this file.",
            },
            "seed": {**SEED, "default": 0, "description": "All randomness follows from it."},
            "precision": PRECISION,
            **fields,
            "sweep": {
                "allOf": [reference(sweep)],
                "description": "What varies: every path is an axis of a grid.",
            },
            "smoke": {
                "type": "object",
                "description": "Values for a short run, `--smoke`.",
                "properties": {key: reference(name, "properties", key) for key in laid},
                "patternProperties": {rf"^({'|'.join(laid)})\.": True},
                "additionalProperties": False,
            },
        },
        "additionalProperties": False,
    }
    return definitions


def _fields(cls: type, project: Project, definitions: Schema) -> dict[str, Schema]:
    """The schema of each field of a dataclass."""
    hints = typing.get_type_hints(cls, include_extras=True)
    notes = attributes(cls)
    found = {}
    for item in dataclasses.fields(cls):
        if not item.init:
            continue
        schema = _value(hints[item.name], project, definitions)
        said = "; ".join(filter(None, (notes.get(item.name, ""), describe(hints[item.name]))))
        default = item.default
        if item.default_factory is not MISSING:
            default = item.default_factory()
        beside = {"description": said[:1].upper() + said[1:]}
        if default is None and choice_of(hints[item.name]):
            beside["default"] = "none"
        elif default is not MISSING and default is not None:
            beside["default"] = plain(default)
        # Beside a reference draft 7 reads nothing.
        found[item.name] = {"allOf": [schema], **beside} if "$ref" in schema else schema | beside
    return found


def _value(hint: Any, project: Project, definitions: Schema) -> Schema:
    choice = choice_of(hint)
    if choice:
        return _choice(choice, project, definitions)
    if dataclasses.is_dataclass(hint):
        fields = _fields(typing.cast(type, hint), project, definitions)
        return {"type": "object", "properties": fields, "additionalProperties": False}
    try:
        schema = TypeAdapter(hint).json_schema()
    except PydanticUserError:  # a type of one's own, of which nothing can be said
        return {}
    return _draft_7(schema, schema.get("$defs", {}))


def _draft_7(schema: Any, defined: Schema) -> Any:
    """A schema of pydantic's in the words of draft 7, without titles, references and null."""
    if isinstance(schema, list):
        return [_draft_7(inner, defined) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _draft_7(defined[schema["$ref"].rpartition("/")[2]], defined)
    beside = ("title", "default", "$defs")
    found = {key: _draft_7(inner, defined) for key, inner in schema.items() if key not in beside}
    if "prefixItems" in found:
        found["items"] = found.pop("prefixItems")
    if "anyOf" in found:
        variants = [inner for inner in found.pop("anyOf") if inner != {"type": "null"}]
        found |= variants[0] if len(variants) == 1 else {"anyOf": variants}
    return found


def _choice(choice: Choice, project: Project, definitions: Schema) -> Schema:
    """A name, or a table with a name and the options of what it names."""
    key = f"{choice.kind} or none" if choice.optional else choice.kind
    if key not in definitions:
        definitions[key] = {}  # the names of a kind may have options of the same kind
        known = available(choice.kind, "", project)
        own = [
            n for module in project.modules for n in project.offers(module, TUPLES[choice.kind][1])
        ]
        options = {}
        for name in known:
            cls = options_of(choice.kind, name, project)
            said = (inspect.getdoc(cls) or "").partition("\n\n")[0]
            options[name] = {
                "type": "object",
                "description": " ".join(said.split()),
                "properties": _fields(cls, project, definitions)
                | {"name": {"const": name, "description": " ".join(said.split())}},
                "additionalProperties": False,
            }
            definitions[f"{choice.kind} {name}"] = options[name]
        names = [*known, *own, *["none"] * choice.optional]
        by_kind = lambda name: reference(f"{choice.kind} {name}")  # noqa: E731
        shared = _union({name: option["properties"] for name, option in options.items()}, by_kind)
        named: Schema = {"anyOf": [{"enum": names}]}
        if project.modules:  # which of their functions are listed, only importing them would tell
            modules = "|".join(project.modules)
            named["anyOf"].append({"type": "string", "pattern": rf"^({modules})\.[A-Za-z]\w*$"})
        definitions[key] = {
            "type": ["string", "object"],
            "anyOf": [{"type": "object"}, *named["anyOf"]],
            "properties": shared | {"name": {**named, "description": f"Which {choice.kind}."}},
            **_by_name("name", list(known), by_kind, True, {"type": "object"}),
        }
    return reference(key)


def _by_name(
    key: str,
    names: Sequence[str],
    definition: Callable[[str], Schema],
    other: Any,
    what: Any = True,
) -> Schema:
    """The definition that belongs to the name under a key, and `other` where it is none of them."""
    known = {"required": [key], "properties": {key: {"enum": list(names)}}}
    condition = known if what is True else {**what, **known}
    return {"if": condition, "then": _dispatch(key, names, definition), "else": other}


def _dispatch(key: str, names: Sequence[str], definition: Callable[[str], Schema]) -> Schema:
    if len(names) == 1:
        return definition(names[0])
    half = len(names) // 2
    return {
        "if": {"properties": {key: {"enum": list(names[:half])}}},
        "then": _dispatch(key, names[:half], definition),
        "else": _dispatch(key, names[half:], definition),
    }


def _union(
    tables: Mapping[str, Mapping[str, Schema]], definition: Callable[[str], Schema]
) -> dict[str, Schema]:
    """The keys of all tables, each as its tables have it."""
    found: dict[str, list[tuple[Schema, Schema]]] = {}
    for name, properties in tables.items():
        for key, schema in properties.items():
            known = found.setdefault(key, [])
            if schema not in [one for one, _ in known]:
                reference = {"$ref": f"{definition(name)['$ref']}/properties/{key}"}
                known.append((schema, reference))
    return {
        key: known[0][1] if len(known) == 1 else {"anyOf": [reference for _, reference in known]}
        for key, known in found.items()
    }
