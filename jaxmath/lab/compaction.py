"""The rounds of a tile, in fewer rows and columns when enough of its lanes have ended.

A row or a column of a tile is left out when none of its lanes runs any more. The whole tile's state
is put together again where it is saved and at the end, so that neither knows of any of this.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from jaxmath.lab import plan
from jaxmath.lab.sizes import COMPILING, Sizes, fit
from jaxmath.runs.journal import restored, stored


class Rounds:
    """The rounds of one tile.

    Attributes:
        state: what goes from round to round, of the lanes that are left.
        memory: which rows and columns are left, as numbers of the tile's, and the operations spent
            on what has ended since; it belongs to the whole state.
    """

    def __init__(
        self,
        tile: Any,
        sizes: Sizes,
        arguments: tuple[Any, ...],
        state: Any,
        memory: Sequence[np.ndarray] = (),
    ):
        """Of a tile with the arguments of its `proceed`."""
        self._tile, self._sizes = tile, sizes
        self._program = tile.program
        self._fixed, self._arrays, self._every = arguments
        self._settings = self._every
        self.state = state
        self._whole: list[np.ndarray] = []
        self._rows, self._columns = np.arange(len(tile.rows)), np.arange(len(tile.columns))
        self._spent = 0.0
        if memory:
            rows, columns, spent = memory
            if (len(rows), len(columns)) != (len(self._rows), len(self._columns)):
                self._leave(rows, columns)
            self._spent = float(spent)

    @property
    def memory(self) -> list[np.ndarray]:
        return [self._rows, self._columns, np.asarray(self._spent)]

    def next(self, record: Any, left: int) -> Any:
        """Go on by one round, of so many that are left; from the last round's record the new one.

        Where all lanes have ended, nothing runs.
        """
        if record is not None and self._program.status:
            status = self._program.status(self._fixed, self._settings, self.state)
            running = np.asarray(status) == 0
            if not running.any():
                return record
            self._compact(running, left)
        self.state, found = self._program.proceed(
            self._fixed, self._arrays, self._settings, self.state
        )
        if not self._whole:
            return found
        return jax.tree.map(
            lambda old, new: self._scatter(np.array(old), new, False), record, found
        )

    def whole(self) -> Any:
        """The state of all lanes of the tile."""
        if not self._whole:
            return self.state
        leaves, tree = jax.tree.flatten(self.state)
        made = []
        for old, new, shared in zip(self._whole, leaves, self._program.shared, strict=True):
            new, kind = stored(new)
            made.append(restored(self._scatter(old.copy(), new, shared), kind))
        return jax.tree.unflatten(tree, made)

    def _compact(self, running: np.ndarray, left: int) -> None:
        """Go on in a smaller shape once as much was spent on what has ended as a program costs.

        What a tile spends in vain, on ended lanes or on programs, is then at most twice the least
        possible. Others may need the same program, but nobody knows that beforehand.
        """
        rows, columns = (np.flatnonzero(running.any(axis)) for axis in (1, 0))
        now = self._program.tiling
        then = plan.Tiling(fit(len(rows), now.rows), fit(len(columns), now.columns))
        spared = now.rows * now.columns - then.rows * then.columns
        if not spared:
            return
        each = spared * self._sizes.operations(self._tile)
        self._spent += each
        if self._spent >= COMPILING and left * each >= COMPILING:
            self._leave(
                self._rows[_padded(rows, then.rows)], self._columns[_padded(columns, then.columns)]
            )
            self._spent = 0.0

    def _leave(self, rows: np.ndarray, columns: np.ndarray) -> None:
        """Go on with these rows and columns of the tile alone."""
        state, tree = jax.tree.flatten(self.whole())
        self._whole, kept = [], []
        for leaf, shared in zip(state, self._program.shared, strict=True):
            array, kind = stored(leaf)
            self._whole.append(np.array(array))
            part = array[rows] if shared else array[np.ix_(rows, columns)]
            kept.append(jax.numpy.asarray(restored(part, kind)))
        self.state = jax.tree.unflatten(tree, kept)
        self._settings = {path: values[columns] for path, values in self._every.items()}
        self._rows, self._columns = rows, columns
        tiling = plan.Tiling(len(rows), len(columns))
        self._program = self._sizes.program(self._tile, tiling)

    def _scatter(self, whole: np.ndarray, part: Any, shared: bool) -> np.ndarray:
        """Put what is left of an array back among the rest; what was padding comes once."""
        rows, i = np.unique(self._rows, return_index=True)
        columns, j = np.unique(self._columns, return_index=True)
        if shared:
            whole[rows] = np.asarray(part)[i]
        else:
            whole[np.ix_(rows, columns)] = np.asarray(part)[np.ix_(i, j)]
        return whole


def _padded(places: np.ndarray, size: int) -> np.ndarray:
    return np.pad(places, (0, size - len(places)), mode="edge")
