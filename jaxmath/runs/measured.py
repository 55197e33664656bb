"""The arrays of all lanes of a study, gathered under the named axes of its sweep."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import jax
import numpy as np

from jaxmath.config.study import SweepAxis


class Measured(dict[str, Any]):
    """What was measured, by name: NumPy arrays, or pytrees of them, over the axes of the sweep.

    The leading axes of every array are those of `axes`, in their order; a study without a sweep
    has none. Where a structural axis changes an array's shape, shorter arrays of numbers are
    padded with NaN at their ends; pytrees of unequal shape stand in an array of objects, one a
    lane.
    """

    def __init__(self, arrays: Mapping[str, Any], axes: tuple[SweepAxis, ...] = ()):
        super().__init__(arrays)
        self.axes = axes

    @property
    def shape(self) -> tuple[int, ...]:
        """The lengths of the sweep's axes."""
        return tuple(len(axis) for axis in self.axes)

    def axis(self, path: str) -> int | None:
        """The position of the axis that varies a path, None if it is not swept."""
        return next((i for i, axis in enumerate(self.axes) if path in axis.paths), None)

    def swept(self, path: str) -> np.ndarray:
        """The values of a swept path along its axis."""
        axis = self.axes[self._position(path)]
        at = axis.paths.index(path)
        return np.array([row[at] for row in axis.values])

    def _position(self, path: str) -> int:
        position = self.axis(path)
        if position is None:
            raise KeyError(f"{path} is not swept")
        return position


def gather(
    parts: Iterable[tuple[np.ndarray, Mapping[str, Any]]], axes: tuple[SweepAxis, ...]
) -> Measured:
    """Put the results of tiles in their places of the grid.

    Each part is the flat indices of some lanes, shape (lanes,), and their results, each leaf with
    that leading axis. Every lane of the grid must be in exactly one part.
    """
    parts = list(parts)
    shape = tuple(len(axis) for axis in axes)
    names = list(dict.fromkeys(name for _, results in parts for name in results))
    return Measured(
        {
            name: _gather([(lanes, r[name]) for lanes, r in parts if name in r], shape)
            for name in names
        },
        axes,
    )


def _gather(parts, shape: tuple[int, ...]):
    lanes = [index for index, _ in parts]
    trees = [tree for _, tree in parts]
    structure = jax.tree.structure(trees[0])
    if any(jax.tree.structure(tree) != structure for tree in trees):
        return _objects(parts, shape)
    columns = [
        [np.asarray(leaf) for leaf in column]
        for column in zip(*map(jax.tree.leaves, trees), strict=True)
    ]
    complete = sum(map(len, lanes)) == math.prod(shape)
    equal = all(len({leaf.shape[1:] for leaf in column}) == 1 for column in columns)
    curve = len(columns) == 1 and all(leaf.dtype.kind == "f" for leaf in columns[0])
    ranks = {leaf.ndim for column in columns for leaf in column}
    if (complete and equal) or (curve and len(ranks) == 1):
        return jax.tree.unflatten(structure, [_scatter(lanes, c, shape) for c in columns])
    return _objects(parts, shape)


def _scatter(lanes, column, shape):
    trailing = tuple(map(max, zip(*(leaf.shape[1:] for leaf in column), strict=True)))
    dtype = np.result_type(*column)
    whole = np.full((math.prod(shape), *trailing), np.nan if dtype.kind == "f" else 0, dtype)
    for index, leaf in zip(lanes, column, strict=True):
        whole[(index, *(slice(0, size) for size in leaf.shape[1:]))] = leaf
    return whole.reshape((*shape, *trailing))


def _objects(parts, shape):
    whole = np.empty(math.prod(shape), object)
    for lanes, tree in parts:
        for row, lane in enumerate(lanes):
            whole[lane] = jax.tree.map(lambda leaf, row=row: np.asarray(leaf)[row], tree)
    return whole.reshape(shape)
