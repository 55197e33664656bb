"""The lanes of a cell between two rungs, and the tiles in which they begin, go on and end."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np

from jaxmath.config.study import Study
from jaxmath.lab import plan, tiles
from jaxmath.lab.sizes import COMPILING, Sizes, fit
from jaxmath.runs.journal import restored, stored


class Held:
    """What each lane of a cell carries from round to round, and what it has recorded.

    Attributes:
        lanes: the place in the sweep's grid of each lane, (seeds, settings).
        rounds: how many rounds a lane takes that is never dropped.
    """

    def __init__(self, study: Study, tile: tiles.Tile, sizes: Sizes):
        """Of a cell, by one of its tiles."""
        self._study, self._tile, self._sizes = study, tile, sizes
        self.lanes, self.rounds = tile.cell.lanes, tile.program.rounds
        self._data = tiles.data_hash(tile.data)
        self._shapes = set[plan.Tiling]()
        self._carry: list[np.ndarray] = []
        self._records: list[np.ndarray] = []
        carry, record = sizes.carried(tile)
        self._kinds = [_kind(leaf) for leaf in jax.tree.leaves(carry)]
        self._places = jax.tree.unflatten(
            jax.tree.structure(record), range(tile.program.record.num_leaves)
        )
        self._status = np.zeros(self.lanes.shape, int)
        self._order = np.argsort(self.lanes, axis=None)

    def begun(self) -> Iterator[tiles.Tile]:
        """The tiles in which all lanes begin."""
        program = self._tile.program

        def begin(*arguments):
            return self._packed(program.begin(*arguments), program.tiling)

        for rows, columns in program.tiling.tiles(*self.lanes.shape):
            yield self._piece(rows, columns, "begin", begin=begin, rounds=0)

    def going_on(self, columns: np.ndarray, since: int, until: int) -> Iterator[tiles.Tile]:
        """The tiles in which some settings go on from one round to another."""
        whole, seeds = self._tile.program.tiling, len(self.lanes)
        blocks = -(-seeds // whole.rows)
        for start in range(0, len(columns), whole.columns):
            some = columns[start : start + whole.columns]
            shape = plan.Tiling(whole.rows, fit(len(some), whole.columns))
            spared = (whole.columns - shape.columns) * whole.rows * blocks * (until - since)
            if shape not in self._shapes:
                if spared * self._sizes.operations(self._tile) < COMPILING:
                    shape = whole
                self._shapes.add(shape)
            yield from self._in_rows(some, shape, since, until)

    def _in_rows(self, columns, shape: plan.Tiling, since: int, until: int):
        program = self._sizes.program(self._tile, shape)
        for rows, places in shape.tiles(len(self.lanes), len(columns)):
            chosen = columns[places]

            def begin(*_, rows=rows, chosen=chosen):
                return self._state(rows, chosen)

            def finish(fixed, arrays, settings, state, records):
                del arrays
                status = program.status and program.status(fixed, settings, state)
                found = self._packed(state, shape)
                found["records"] = [np.asarray(leaf) for leaf in jax.tree.leaves(records)]
                zero = np.zeros((shape.rows, shape.columns), int)
                return found | dict(
                    since=zero + since, status=zero if status is None else np.asarray(status)
                )

            yield self._piece(
                rows, chosen, f"{since} {until} {shape}",
                begin=begin, proceed=program.proceed, finish=finish, status=program.status,
                rounds=until - since, tiling=shape,
            )  # fmt: skip

    def finished(self, columns: np.ndarray, rounds: int) -> Iterator[tiles.Tile]:
        """The tiles in which some settings end, after so many rounds."""
        program = self._tile.program
        for rows, places in program.tiling.tiles(len(self.lanes), len(columns)):
            chosen = columns[places]

            def begin(fixed, seeds, arrays, settings, rows=rows, chosen=chosen):
                del seeds
                records = jax.tree.unflatten(
                    program.record, [leaf[np.ix_(rows, chosen)] for leaf in self._records]
                )
                state = self._state(rows, chosen)
                return program.finish(fixed, arrays, settings, state, records)

            said = f"finish {rounds}"
            yield self._piece(rows, chosen, said, begin=begin, rounds=0, results=program.results)

    def keep(self, lanes: np.ndarray, found: dict[str, Any]) -> None:
        """Take what came out of a tile."""
        where = np.unravel_index(
            self._order[np.searchsorted(self.lanes.ravel()[self._order], lanes)], self.lanes.shape
        )
        if not self._carry:
            self._carry = [
                np.zeros((*self.lanes.shape, *leaf.shape[1:]), leaf.dtype)
                for leaf in found["carry"]
            ]
        for whole, leaf in zip(self._carry, found["carry"], strict=True):
            whole[where] = leaf
        if "records" not in found:
            return
        if not self._records:
            self._records = [self._unrecorded(leaf) for leaf in found["records"]]
        since = int(found["since"][0])
        for whole, leaf in zip(self._records, found["records"], strict=True):
            whole[(*where, slice(since, since + leaf.shape[1]))] = leaf
        self._status[where] = found["status"]

    def metric(self, name: str, column: int, rounds: int) -> np.ndarray:
        """What each seed of a setting recorded in a round; NaN where its run has failed."""
        values = self._records[self._places[name]][:, column, rounds - 1].astype(float)
        reasons = list(getattr(self._study.module, "REASONS", {}))
        return np.where(np.isin(self._status[:, column], reasons), np.nan, values)

    def _unrecorded(self, leaf: np.ndarray) -> np.ndarray:
        shape = (*self.lanes.shape, self.rounds, *leaf.shape[2:])
        return np.full(shape, np.nan if leaf.dtype.kind == "f" else 0, leaf.dtype)

    def _packed(self, state: Any, tiling: plan.Tiling) -> dict[str, Any]:
        """A state as arrays of one entry a lane; what settings share is there for each of them."""
        packed = []
        for leaf, shared in zip(jax.tree.leaves(state), self._tile.program.shared, strict=True):
            array = stored(leaf)[0]
            if shared:
                shape = (tiling.rows, tiling.columns, *array.shape[1:])
                array = np.broadcast_to(array[:, None], shape)
            packed.append(array)
        return dict(carry=packed)

    def _state(self, rows: np.ndarray, columns: np.ndarray) -> Any:
        """The state of some lanes, as a program takes it."""
        leaves = []
        for whole, shared, kind in zip(
            self._carry, self._tile.program.shared, self._kinds, strict=True
        ):
            part = whole[rows, columns[0]] if shared else whole[np.ix_(rows, columns)]
            leaves.append(jax.numpy.asarray(restored(part, kind)))
        return jax.tree.unflatten(self._tile.program.carry, leaves)

    def _piece(self, rows, columns, said: str, results: Any = None, **stages: Any) -> tiles.Tile:
        """A tile of some lanes, with other stages in its program."""
        tile = self._tile
        if results is None:
            some = dict(carry=[0] * len(self._kinds))
            if stages["rounds"]:
                some |= dict(records=[0] * tile.program.record.num_leaves, since=0, status=0)
            results = jax.tree.structure(some)
        key = tiles.key(self._study, tile.cell, tile.program, rows, columns, self._data)
        return tile._replace(
            number=-1,
            program=tile.program._replace(results=results, **stages),
            rows=rows,
            columns=columns,
            key=hashlib.sha256(f"{key} {said}".encode()).hexdigest(),
        )


def _kind(leaf: Any) -> dict[str, str] | None:
    """How a leaf of some shape and dtype is stored."""
    if jax.numpy.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        return stored(jax.random.key(0))[1]
    return stored(np.zeros((), leaf.dtype))[1]
