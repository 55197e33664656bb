"""The [sweep] part of the JSON Schema: an axis for every path, dotted or nested, and the groups."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from jaxmath.config.asking import SAMPLERS
from jaxmath.config.sweep_table import MAX_SEED
from jaxmath.config.sweep_values import MAX_VALUES

Schema = dict[str, Any]

SEED: Schema = {"type": "integer", "minimum": 0, "maximum": MAX_SEED}
COUNT: Schema = {"type": "integer", "minimum": 1, "maximum": MAX_VALUES}
NUMBER: Schema = {"type": "number"}
FORMS: dict[str, tuple[Schema, ...]] = {
    "range": (NUMBER, NUMBER, NUMBER),
    "linspace": (NUMBER, NUMBER, COUNT),
    "logspace": (NUMBER, NUMBER, COUNT),
    "uniform": (NUMBER, NUMBER, COUNT),
    "loguniform": (NUMBER, NUMBER, COUNT),
    "normal": (NUMBER, NUMBER, COUNT),
}
SAID = {
    "range": "[start, end] or [start, end, step]; the end is not part of it",
    "linspace": "[start, end, count], evenly spaced",
    "logspace": "[start, end, count], the ends themselves, evenly spaced in their logarithm",
    "uniform": "[low, high, count], drawn",
    "loguniform": "[low, high, count], drawn, uniform in the logarithm",
    "normal": "[mean, deviation, count], drawn",
}

DESIGNS = {
    "random": "Paths drawn jointly.",
    "sobol": "Paths placed jointly by Sobol's sequence.",
    "halton": "Paths placed jointly by Halton's sequence.",
}

METHODS = {
    "halving": "Successive halving: settings are dropped round by round, the best run to the end.",
    "hyperband": "Hyperband: successive halving in brackets, from many settings of few rounds to "
    "few of all rounds.",
}
MAXIMIZE: Schema = {
    "type": "boolean",
    "default": False,
    "description": "Whether more is better.",
}
METHOD: Schema = {
    "metric": {"type": "string", "description": "What of a round's records settings compare by."},
    "factor": {
        "type": "integer",
        "minimum": 2,
        "default": 3,
        "description": "Of so many settings one is kept.",
    },
    "min_rounds": {
        "type": "integer",
        "minimum": 1,
        "default": 1,
        "description": "The least number of rounds before settings are compared.",
    },
    "maximize": MAXIMIZE,
}
ASKED: Schema = {
    "metric": {"type": "string", "description": "The result of a run that Optuna goes by."},
    "count": {**COUNT, "description": "How many settings."},
    "batch": {**COUNT, "default": 16, "description": "How many of them at a time."},
    "sampler": {"enum": list(SAMPLERS), "default": "tpe", "description": "Which of Optuna's."},
    "seed": {**SEED, "default": 0, "description": "Of the sampler."},
    "maximize": MAXIMIZE,
}


def _numbers(items: Sequence[Schema], said: str, least: int) -> Schema:
    shape = {"items": list(items), "minItems": least, "maxItems": len(items)}
    return {"type": "array", "description": said, **shape}


DISTRIBUTION: Schema = {
    "type": "object",
    "properties": {
        "uniform": _numbers((NUMBER, NUMBER), "[low, high]", 2),
        "loguniform": _numbers((NUMBER, NUMBER), "[low, high]", 2),
        "normal": _numbers((NUMBER, NUMBER), "[mean, deviation]", 2),
    },
    "minProperties": 1,
    "maxProperties": 1,
    "additionalProperties": False,
}


STATED: Schema = {
    "properties": {
        **{form: _numbers(FORMS[form], SAID[form], 2 + (form != "range")) for form in FORMS},
        "seed": {**SEED, "description": "Of what is drawn."},
    },
    "minProperties": 1,
    "additionalProperties": False,
}


def reference(name: str, *parts: str) -> Schema:
    """A reference to a definition, or to what lies in it."""
    path = "/".join((name, *parts)).replace(" ", "%20")
    return {"$ref": f"#/definitions/{path}"}


def sweep_schema(fields: Mapping[str, Schema], definitions: Schema, name: str) -> Schema:
    """The [sweep] of an experiment: its paths, dotted or as nested tables, and its groups."""
    nested = {key: _axis(schema, definitions) for key, schema in fields.items()}
    nested["seed"] = _listed(SEED, ("range",))
    drawn = [path for path, axis, _ in _flat(nested) if "allOf" in axis]
    heads = sorted({path.partition(".")[0] for path in drawn})
    axes: Schema = dict(nested)
    for path, _, parts in _flat(nested):
        if len(parts) > 1:
            axes[path] = reference(name, "properties", *parts)
    groups: Schema = {
        "zip": {
            "type": "object",
            "description": "Paths that vary together.",
            "properties": {path: reference(name, "properties", path) for path in axes},
            "patternProperties": _open(nested),
            "additionalProperties": False,
        }
    }
    for design, said in DESIGNS.items():
        groups[design] = {
            "type": "object",
            "description": said,
            "required": ["count"],
            "properties": {
                "count": {**COUNT, "description": "How many; powers of two are the most even."},
                "seed": {**SEED, "default": 0, "description": "What draws or shifts the points."},
                "scrambled": {"type": "boolean", "default": True},
                **dict.fromkeys(drawn, reference("distribution")),
            },
            "patternProperties": _below(heads, {"type": "object"}),
            "additionalProperties": False,
        }
    groups["optuna"] = {
        "type": "object",
        "description": "Paths that Optuna asks for, a batch at a time.",
        "required": ["metric", "count"],
        "properties": {**ASKED, **dict.fromkeys(drawn, reference("distribution"))},
        "patternProperties": _below(heads, {"type": "object"}),
        "additionalProperties": False,
    }
    for method, said in METHODS.items():
        groups[method] = {
            "type": "object",
            "description": said,
            "required": ["metric"],
            "properties": METHOD,
            "additionalProperties": False,
        }
    return {
        "type": "object",
        "properties": axes | groups,
        "patternProperties": _open(nested),
        "additionalProperties": False,
    }


def _below(heads: Sequence[str], schema: Any) -> Schema:
    """Whatever begins with one of some keys."""
    return {rf"^({'|'.join(heads)})(\.|$)": schema} if heads else {}


def _open(nested: Mapping[str, Schema]) -> Schema:
    """Paths below a choice, which may be something of one's own with any options."""
    return _below([key for key, axis in nested.items() if axis.get("additionalProperties")], True)


def _axis(schema: Schema, definitions: Schema) -> Schema:
    """What varies a field: a list of its values, a form, or a table of what lies in it."""
    inner = schema["allOf"][0] if "allOf" in schema else schema
    if "$ref" in inner:
        kind = definitions[inner["$ref"].rpartition("/")[2].replace("%20", " ")]
        options: dict[str, Schema] = {}
        for name in _names(kind, definitions):
            below = definitions[name]["properties"].items()
            options |= {key: _axis(s, definitions) for key, s in below if key != "name"}
        options["name"] = {"type": "array", "items": kind["properties"]["name"], "minItems": 1}
        return {
            "type": ["array", "object"],
            "items": inner,
            "minItems": 1,
            "properties": options,
            "additionalProperties": True,
        }
    if inner.get("type") == "object":
        fields = {key: _axis(s, definitions) for key, s in inner["properties"].items()}
        return {"type": "object", "properties": fields, "additionalProperties": False}
    if inner.get("type") == "number":
        return _listed(inner, tuple(FORMS))
    return _listed(inner, ("range",) if inner.get("type") == "integer" else ())


def _names(kind: Schema, definitions: Schema) -> Iterator[str]:
    """The definitions of everything that a choice can name."""
    todo: list[Any] = [kind["then"]]
    while todo:
        one = todo.pop()
        if "$ref" in one:
            yield one["$ref"].rpartition("/")[2].replace("%20", " ")
        else:
            todo += [one["else"], one["then"]]


def _listed(schema: Schema, forms: Sequence[str]) -> Schema:
    item = {key: value for key, value in schema.items() if key not in ("default", "description")}
    found: Schema = {"type": "array", "items": item, "minItems": 1}
    if len(forms) > 1:
        return found | {"type": ["array", "object"], "allOf": [reference("forms")]}
    if forms:
        stated = {form: STATED["properties"][form] for form in forms}
        found |= {"type": ["array", "object"], "properties": stated, "minProperties": 1}
    return found


def _flat(
    nested: Mapping[str, Schema], keys: tuple[str, ...] = ()
) -> Iterator[tuple[str, Schema, tuple[str, ...]]]:
    """Everything swept: its dotted path, its axis, and where that stands."""
    for key, axis in nested.items():
        where = (*keys, key)
        if "items" in axis:
            yield ".".join(where), axis, tuple("/properties/".join(where).split("/"))
        if "items" not in axis or axis.get("additionalProperties"):
            yield from _flat(axis.get("properties", {}), where)
