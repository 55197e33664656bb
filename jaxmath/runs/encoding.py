"""Runs as text and arrays: JSON without NaN literals, TOML, and pytrees without pickle."""

from __future__ import annotations

import dataclasses
import io
import json
import math
import tomllib
import zipfile
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jaxmath.config.study import Study, SweepAxis
from jaxmath.formula import Source
from jaxmath.runs.experiment import Axis, Claim, Fault, Line, Plot, Table
from jaxmath.runs.run import Run

FORMAT = 1
"""The version of the layout of a run folder; a reader refuses a higher one."""

NON_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
"""JSON has no such numbers, so they are written as these words."""


def plain(value) -> Any:
    """Data as JSON knows it: dicts, lists, strings, numbers, booleans, None."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Source):
        return value._asdict()
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, (np.ndarray, np.generic, jax.Array)):
        return plain(np.asarray(value).tolist())
    if isinstance(value, (list, tuple)):
        return [plain(entry) for entry in value]
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value)


def numbers(value) -> Any:
    """What `plain` made of a number or an array: a number, an array, or words as they are."""
    if isinstance(value, str):
        return NON_FINITE.get(value, value)
    if not isinstance(value, list):
        return value
    entries = [numbers(entry) for entry in value]
    if any(isinstance(entry, (str, dict)) or entry is None for entry in entries):
        return np.array(value, object)
    return np.array(entries)


def json_text(value) -> str:
    """Strict JSON, readable by eye."""
    return json.dumps(value, indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def read_json(path: Path) -> Any:
    """Read strict JSON."""
    return json.loads(path.read_text(encoding="utf-8"))


def toml(study: Study) -> str:
    """The complete config of a study as TOML; running it gives the same study."""
    import tomli_w

    return tomli_w.dumps(config_of(study))


def read_toml(path: Path) -> dict[str, Any]:
    """Read a config back."""
    with path.open("rb") as file:
        return tomllib.load(file)


def config_of(study: Study) -> dict[str, Any]:
    """The resolved config of a study; for one made by hand in Python, put together here."""
    if study.resolved:
        return dict(study.resolved)
    whole: dict[str, Any] = dict(
        experiment=study.experiment, seed=study.seed, precision=study.precision
    )
    whole |= _without_none(_tables(study.config))
    sweep = {
        path: [_tables(row[position]) for row in axis.values]
        for axis in study.axes
        for position, path in enumerate(axis.paths)
    }
    return whole | ({"sweep": sweep} if sweep else {})


def _tables(value):
    if dataclasses.is_dataclass(value):
        return {f.name: _tables(getattr(value, f.name)) for f in dataclasses.fields(value)}
    return list(map(_tables, value)) if isinstance(value, (tuple, list)) else value


def _without_none(table):
    return {
        key: _without_none(value) if isinstance(value, dict) else value
        for key, value in table.items()
        if value is not None
    }


def nested(tree) -> Any:
    """Any pytree as dicts (by key or attribute), tuples (by position) and NumPy arrays."""
    pairs, _ = jax.tree_util.tree_flatten_with_path(tree)
    return _nest([(tuple(path), leaf) for path, leaf in pairs])


def _nest(pairs):
    if len(pairs) == 1 and not pairs[0][0]:
        leaf = np.asarray(pairs[0][1])
        if leaf.dtype != object:
            return leaf
        flat = [nested(entry) for entry in leaf.ravel()]
        whole = np.empty(leaf.size, object)
        whole[:] = flat
        return whole.reshape(leaf.shape)
    groups: dict[Any, list] = {}
    for path, leaf in pairs:
        groups.setdefault(path[0], []).append((path[1:], leaf))
    parts = {_key(key): _nest(group) for key, group in groups.items()}
    if all(isinstance(key, jax.tree_util.SequenceKey) for key in groups):
        return tuple(parts.values())
    return parts


def _key(entry) -> str:
    for attribute in ("key", "name", "idx"):
        if hasattr(entry, attribute):
            return str(getattr(entry, attribute))
    return str(entry)


def flatten(tree, prefix: str = "") -> tuple[dict[str, np.ndarray], Any]:
    """The arrays of nested dicts and tuples by name, such as "layers/0/weights", and their tree.

    An array of objects, one a lane, becomes {"lanes": shape, "entries": [...]}.
    """
    if isinstance(tree, Mapping):
        parts = {key: flatten(part, f"{prefix}{key}/") for key, part in tree.items()}
        return _merged(parts.values()), {
            key: description for key, (_, description) in parts.items()
        }
    if isinstance(tree, (tuple, list)):
        items = [flatten(part, f"{prefix}{i}/") for i, part in enumerate(tree)]
        return _merged(items), [description for _, description in items]
    array = np.asarray(tree)
    if array.dtype == object:
        entries = [flatten(nested(part), f"{prefix}{i}/") for i, part in enumerate(array.ravel())]
        return _merged(entries), {
            "lanes": list(array.shape),
            "entries": [description for _, description in entries],
        }
    name = prefix.rstrip("/") or "value"
    return {name: array}, name


def _merged(parts) -> dict[str, np.ndarray]:
    return {name: array for arrays, _ in parts for name, array in arrays.items()}


def unflatten(tree, arrays: Mapping[str, np.ndarray]) -> Any:
    """The inverse of `flatten`."""
    if isinstance(tree, str):
        return arrays[tree]
    if isinstance(tree, list):
        return tuple(unflatten(part, arrays) for part in tree)
    if set(tree) == {"lanes", "entries"}:
        whole = np.empty(len(tree["entries"]), object)
        for i, part in enumerate(tree["entries"]):
            whole[i] = unflatten(part, arrays)
        return whole.reshape(tree["lanes"])
    return {key: unflatten(part, arrays) for key, part in tree.items()}


def fill_like(like, arrays: Mapping[str, np.ndarray]):
    """Hang arrays by name into a pytree whose leaves have the same names."""
    pairs, structure = jax.tree_util.tree_flatten_with_path(like)
    names = ["/".join(map(_key, path)) or "value" for path, _ in pairs]
    if set(names) != set(arrays):
        missing, extra = sorted(set(names) - set(arrays)), sorted(set(arrays) - set(names))
        raise ValueError(
            "The trees differ: "
            + "; ".join(
                f"{words} {', '.join(found)}"
                for words, found in (("not saved:", missing), ("saved, not asked for:", extra))
                if found
            )
            + "."
        )
    return jax.tree.unflatten(structure, [arrays[name] for name in names])


def npz(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Named arrays as an uncompressed NPZ file, the same bytes for the same arrays."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, array in arrays.items():
            part = io.BytesIO()
            np.lib.format.write_array(part, np.asarray(array), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), part.getvalue())
    return buffer.getvalue()


def result(run: Run) -> dict[str, Any]:
    """What `result.json` holds."""
    return dict(
        format=FORMAT,
        name=run.name,
        experiment=run.experiment,
        title=run.title,
        description=run.description,
        topics=list(run.topics),
        smoke=run.smoke,
        exit=run.exit.name,
        axes=[plain(axis) for axis in run.axes],
        claims=[
            plain(claim) | dict(breaks_if=claim.breaks_if.words, outcome=run.outcome(claim).value)
            for claim in run.claims
        ],
        tables=[plain(table) for table in run.tables],
    )


def run_of(found: Mapping[str, Any], plots: list, **rest) -> Run:
    """A run from what `result` wrote; `rest` are the fields that other files hold."""
    if found["format"] > FORMAT:
        raise ValueError("it was written by a newer jaxmath")
    return Run(
        name=found["name"],
        experiment=found["experiment"],
        title=found["title"],
        description=found["description"],
        topics=tuple(found["topics"]),
        smoke=found["smoke"],
        axes=tuple(
            SweepAxis(tuple(axis["paths"]), tuple(tuple(row) for row in axis["values"]))
            for axis in found["axes"]
        ),
        claims=tuple(map(_claim, found["claims"])),
        tables=tuple(
            Table(**{**t, "columns": {k: numbers(v) for k, v in t["columns"].items()}})
            for t in found["tables"]
        ),
        plots=tuple(map(_plot, plots)),
        **rest,
    )


def _claim(found: dict[str, Any]) -> Claim:
    found = {key: value for key, value in found.items() if key != "outcome"}
    source = found["source"]
    return Claim(
        **found
        | dict(
            measured=numbers(found["measured"]),
            expected=numbers(found["expected"]),
            source=Source(**source) if isinstance(source, dict) else source,
            breaks_if=Fault(found["breaks_if"], _not_stored),
        )
    )


def _not_stored(measured):
    raise NotImplementedError("A stored claim keeps the words of its fault, not the function.")


def _plot(found: dict[str, Any]) -> Plot:
    def part(name: str, value) -> Any:
        if name == "lines":
            return tuple(Line(**{key: part(key, entry) for key, entry in v.items()}) for v in value)
        if name == "marks":
            return {label: numbers(at) for label, at in value.items()}
        if isinstance(value, dict):
            return Axis(**value)
        return value if isinstance(value, str) else numbers(value)

    return Plot(**{name: part(name, value) for name, value in found.items()})
