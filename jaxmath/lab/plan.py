"""From a study to programs: what is traced, which lanes share a program, how lanes are tiled.

A *lane* is one point of the sweep: one training, one measurement. Every float of a config is a
traced argument of the program, so a sweep over floats and seeds is one program; everything else is
part of the program, and each combination of such values is a *cell* with a program of its own.
"""

from __future__ import annotations

import copy
import dataclasses
import itertools
import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from jaxmath.config.study import Study, SweepAxis, replace_path

DTYPES = {"float64": np.float64, "float32": np.float32}

CACHE_BYTES = 3 << 20
"""What the innermost loops of a tile may occupy on a CPU: about one core's own cache.

The bound counts what fusion never stores, so that somewhat more than a cache is no loss.
"""

MEMORY_SHARE = 0.25
"""The part of the machine's memory that all running tiles may fill together."""

PINNED_MEMORY = 4 << 30
"""The memory in bytes by which a deterministic run is cut, whatever the machine has."""


def values(config, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The leaves of nested dataclasses with their dotted paths."""
    for field in dataclasses.fields(config):
        path, value = prefix + field.name, getattr(config, field.name)
        if dataclasses.is_dataclass(value):
            yield from values(value, path + ".")
        else:
            yield path, value


def floats(config) -> dict[str, float]:
    """The values that a program takes as arguments: all floats, by dotted path."""
    return {path: value for path, value in values(config) if isinstance(value, float)}


def signature(config) -> tuple:
    """What is part of a program: the types of the tables and all values that are not floats."""
    kinds = [type(config)]
    fixed = []
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if dataclasses.is_dataclass(value):
            fixed.append((field.name, signature(value)))
        else:
            fixed.append((field.name, type(value) if isinstance(value, float) else repr(value)))
    return (*kinds, *fixed)


def fill(config, traced: Mapping[str, Any]):
    """A copy of the config with traced values at the dotted paths.

    No `__init__` runs: a tracer is not a float, and a config may check that its fields are.
    """
    for path, value in traced.items():
        head, _, rest = path.partition(".")
        changed = copy.copy(config)
        object.__setattr__(
            changed, head, fill(getattr(config, head), {rest: value}) if rest else value
        )
        config = changed
    return config


@dataclass(frozen=True)
class Cell:
    """The lanes that run in one program: a grid of seeds by settings.

    Attributes:
        config: its values that are not swept as arguments.
        label: the values of the structural axes by path, such as {"model.hidden": (16,)}.
        seeds: one seed a row.
        settings: the swept floats by path, an entry a column.
        lanes: the flat index, in the sweep's grid, of each lane (rows, columns).
    """

    config: Any
    label: dict[str, Any]
    seeds: tuple[int, ...]
    settings: dict[str, np.ndarray]
    lanes: np.ndarray


def kind(study: Study, axis: SweepAxis, host: frozenset[str] = frozenset()) -> str:
    """How an axis is run: as a "seed", as a traced "setting", or as a "structural" value.

    `host` names floats that `load` reads: their data differ, so that each is a cell.
    """
    if axis.paths == ("seed",):
        return "seed"
    if host.isdisjoint(axis.paths) and all(
        isinstance(value, float) for row in axis.values for value in row
    ):
        return "setting"
    return "structural"


def cells(study: Study, host: frozenset[str] = frozenset()) -> list[Cell]:
    """Cut the sweep into cells, in the order of its grid."""
    kinds = [kind(study, axis, host) for axis in study.axes]
    grid = np.arange(math.prod(map(len, study.axes))).reshape([len(axis) for axis in study.axes])
    by_kind = {
        name: [i for i, k in enumerate(kinds) if k == name]
        for name in ("structural", "seed", "setting")
    }
    grid = grid.transpose([i for name in by_kind for i in by_kind[name]])
    structural = [study.axes[i] for i in by_kind["structural"]]
    seeds = [row[0] for i in by_kind["seed"] for row in study.axes[i].values]
    swept = [study.axes[i] for i in by_kind["setting"]]
    columns = list(itertools.product(*(axis.values for axis in swept)))
    settings = {
        path: np.array([column[a][p] for column in columns])
        for a, axis in enumerate(swept)
        for p, path in enumerate(axis.paths)
    }
    found = []
    for index in np.ndindex(*(len(axis) for axis in structural)):
        config, seed, label = study.config, study.seed, {}
        for axis, at in zip(structural, index, strict=True):
            for path, value in zip(axis.paths, axis.values[at], strict=True):
                label[path] = value
                if path == "seed":
                    seed = value
                else:
                    config = replace_path(config, path, value)
        rows = tuple(seeds) if by_kind["seed"] else (seed,)
        lanes = grid[index].reshape(len(rows), len(columns))
        found.append(Cell(config, label, rows, settings, lanes))
    return found


@dataclass(frozen=True)
class Tiling:
    """How a cell's grid is cut: all tiles have one shape, so that one program serves them."""

    rows: int
    columns: int

    def tiles(self, seeds: int, settings: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """Row and column indices of each tile; the last repeats its last index as padding."""
        return [
            (
                np.minimum(np.arange(row, row + self.rows), seeds - 1),
                np.minimum(np.arange(column, column + self.columns), settings - 1),
            )
            for row in range(0, seeds, self.rows)
            for column in range(0, settings, self.columns)
        ]


def tiling(seeds: int, settings: int, most: int, workers: int) -> Tiling:
    """Cut a grid into tiles of at most `most` lanes, so that every worker has work.

    Settings of one seed stay together as long as they fit, since they share the order of the data.
    """
    columns = _even(settings, most)
    across = math.ceil(settings / columns)
    if seeds * across < workers:
        return Tiling(1, math.ceil(settings / math.ceil(workers / seeds)))

    def lanes_in_turn(rows: int) -> int:
        return math.ceil(math.ceil(seeds / rows) * across / workers) * rows

    # Among those that end soonest, the largest.
    rows = range(min(seeds, max(1, most // columns)), 0, -1)
    return Tiling(min(rows, key=lanes_in_turn), columns)


def over_devices(seeds: int, settings: int, most: int, devices: int, workers: int) -> Tiling:
    """Cut a grid into tiles that several devices run together, at most `most` lanes on each.

    The devices lie over seeds or over settings, whichever is sooner done, by the padding that the
    lengths need; every worker has such tiles.
    """
    options = []
    for down, across in ((devices, 1), (1, devices)):
        part = tiling(math.ceil(seeds / down), math.ceil(settings / across), most, workers)
        rows = part.rows * min(down, math.ceil(seeds / part.rows))
        columns = part.columns * min(across, math.ceil(settings / part.columns))
        count = math.ceil(seeds / rows) * math.ceil(settings / columns)
        options.append((count * part.rows * part.columns, Tiling(rows, columns)))
    return min(options, key=lambda option: option[0])[1]


def _even(count: int, most: int) -> int:
    """The size of equal pieces, none larger than `most`."""
    return math.ceil(count / math.ceil(count / most))


def cores() -> int:
    """The processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def memory() -> int:
    """The machine's memory in bytes."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 4 << 30


class Size(NamedTuple):
    """What one lane occupies: `peak` bytes at its largest, `hot` bytes in its innermost loop."""

    peak: int
    hot: int


def most_lanes(size: Size, workers: int, platform: str, memory: int) -> int:
    """How many lanes a tile may hold: by memory, and on a CPU so that its loop stays in cache."""
    most = int(MEMORY_SHARE * memory) // workers // max(size.peak, 1)
    if platform == "cpu":
        most = min(most, CACHE_BYTES // max(size.hot, 1))
    return max(most, 1)


def hot_bytes(jaxpr) -> int:
    """The bytes alive in the largest innermost loop; of the whole if there is no loop.

    What runs once may leave the cache, what runs a thousand times should not.
    """
    return max(_hot(jaxpr), default=0) or live_bytes(jaxpr)


def _hot(jaxpr) -> Iterator[int]:
    for eqn in jaxpr.eqns:
        looping = eqn.primitive.name in ("scan", "while")
        for inner in _inner(eqn.params):
            deeper = list(_hot(inner))
            yield from deeper or ([live_bytes(inner)] if looping else [])


def live_bytes(jaxpr) -> int:
    """The most bytes alive at once when a jaxpr runs operation by operation.

    A bound from above of what a compiled program needs, since fused operations store less; it
    takes milliseconds where compiling takes a second.
    """
    last: dict[Any, int] = {}
    for i, eqn in enumerate(jaxpr.eqns):
        last |= {var: i for var in eqn.invars if not hasattr(var, "val")}
    last |= {var: len(jaxpr.eqns) for var in jaxpr.outvars if not hasattr(var, "val")}
    alive = peak = 0
    sizes: dict[Any, int] = {}
    for i, eqn in enumerate(jaxpr.eqns):
        inner = max((live_bytes(sub) for sub in _inner(eqn.params)), default=0)
        for var in eqn.outvars:
            sizes[var] = _bytes(var.aval)
            alive += sizes[var]
            last.setdefault(var, i)
        peak = max(peak, alive + inner)
        ended = {v for v in (*eqn.invars, *eqn.outvars) if not hasattr(v, "val") and last[v] == i}
        alive -= sum(sizes.get(var, 0) for var in ended)
    return peak


def operations(jaxpr) -> float:
    """About how many additions and multiplications a jaxpr does.

    One turn counts for a loop of which nobody knows the length.
    """
    count = 0.0
    for eqn in jaxpr.eqns:
        inner = [operations(sub) for sub in _inner(eqn.params)]
        size = sum(math.prod(getattr(var.aval, "shape", ())) for var in eqn.outvars)
        if inner:
            chosen = max(inner) if eqn.primitive.name == "cond" else sum(inner)
            count += chosen * eqn.params.get("length", 1)
        elif eqn.primitive.name == "dot_general":
            (contracted, _), _ = eqn.params["dimension_numbers"]
            count += 2.0 * size * math.prod(eqn.invars[0].aval.shape[i] for i in contracted)
        else:
            count += size
    return count


def _inner(params) -> Iterator[Any]:
    for param in params.values():
        for part in param if isinstance(param, (tuple, list)) else (param,):
            part = getattr(part, "jaxpr", part)
            if hasattr(part, "eqns"):
                yield part


def _bytes(aval) -> int:
    size = getattr(aval, "dtype", None)
    return math.prod(getattr(aval, "shape", ())) * getattr(size, "itemsize", 4)
