"""How a tile lies over the devices of a process.

Lanes lie over the devices: each device runs its own by the program that it would run alone, and
they say nothing to each other. Only where there are fewer lanes than devices, and every step of the
experiment reads all rows of large data (`full_batch`), the rows lie over the devices, and XLA adds
the sums over devices that a gradient then needs.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from jaxmath.config.errors import InputError, Problem
from jaxmath.lab.plan import Tiling

LANES, DATA = "lanes", "data"

PART_BYTES = 1 << 20
"""Data are divided where each device gets at least so much of an array: a sum over devices costs
about what a pass over this does."""


class Layout(NamedTuple):
    """Over which axis of a tile its devices lie: "seeds", "settings", "data", or "" for one device.

    Attributes:
        rows: for each array of the data its number of rows if they lie over the devices, else 0.
    """

    over: str = ""
    devices: tuple[Any, ...] = ()
    rows: tuple[int, ...] = ()

    def jit(
        self, fn: Callable, seeds: tuple, settings: tuple, out: Any, data: int, donate: tuple = ()
    ) -> Any:
        """Jit a stage of a tile, mapped over seeds and, inside them, over settings.

        `fn` is what `vmap` made of it over `part` of a tile; `seeds` and `settings` are the axes of
        its arguments, `out` those of its results over settings, all of which have that of seeds.
        `data` is the position of the arrays of the data among the arguments, `donate` those of what
        is written over.
        """
        if not self.over:
            return jax.jit(fn, donate_argnums=donate)
        if self.over == DATA:
            one = NamedSharding(self._mesh(), PartitionSpec())
            places: list[Any] = [one] * len(seeds)
            places[data] = [NamedSharding(self._mesh(), spec) for spec in self._specs()]

            def whole(*args):
                arrays = [x[:n] if n else x for x, n in zip(args[data], self.rows, strict=True)]
                return fn(*args[:data], arrays, *args[data + 1 :])

            return jax.jit(
                whole, in_shardings=tuple(places), out_shardings=one, donate_argnums=donate
            )
        into = tuple(map(self._lanes, settings, seeds))
        over = jax.shard_map(
            fn, mesh=self._mesh(), in_specs=into, out_specs=self._lanes(out, 0), check_vma=False
        )
        return jax.jit(over, donate_argnums=donate)

    def part(self, tiling: Tiling) -> Tiling:
        """What one device has of a tile."""
        count = len(self.devices)
        if self.over == "seeds":
            return Tiling(tiling.rows // count, tiling.columns)
        if self.over == "settings":
            return Tiling(tiling.rows, tiling.columns // count)
        return tiling

    def shapes(self, arrays: list[Any]) -> list[Any]:
        """The arrays of the data as a stage is lowered for: padded where they are divided."""
        if self.over != DATA:
            return arrays
        return [
            jax.ShapeDtypeStruct((self._padded(n), *x.shape[1:]), x.dtype) if n else x
            for x, n in zip(arrays, self.rows, strict=True)
        ]

    def place(self, arrays: list[Any]) -> list[Any]:
        """The arrays of the data on the devices, once for all calls."""
        if not self.over:
            return arrays
        whole = [
            np.concatenate([x, np.repeat(x[-1:], self._padded(n) - n, axis=0)]) if n else x
            for x, n in zip(arrays, self.rows or [0] * len(arrays), strict=True)
        ]
        specs = self._specs() or [PartitionSpec()] * len(arrays)
        return [
            jax.device_put(x, NamedSharding(self._mesh(), spec))
            for x, spec in zip(whole, specs, strict=True)
        ]

    def _mesh(self) -> Mesh:
        return Mesh(np.array(self.devices), (DATA if self.over == DATA else LANES,))

    def _specs(self) -> list[PartitionSpec]:
        return [PartitionSpec(DATA) if n else PartitionSpec() for n in self.rows]

    def _padded(self, rows: int) -> int:
        return math.ceil(rows / len(self.devices)) * len(self.devices)

    def _lanes(self, settings: Any, seeds: int | None) -> Any:
        """The part of an argument, or of each of its leaves, that a device has."""

        def spec(axis):
            if self.over == "seeds":
                return PartitionSpec(LANES) if seeds == 0 else PartitionSpec()
            if axis is None:
                return PartitionSpec()
            return PartitionSpec(None, LANES) if seeds == 0 else PartitionSpec(LANES)

        return jax.tree.map(spec, settings, is_leaf=lambda axis: axis is None)


ALONE = Layout()


def devices(limit: int | None) -> tuple[Any, ...]:
    """The devices that this process works on: all of its own, or so many.

    Raises:
        InputError: it has not so many.
    """
    own = tuple(jax.local_devices())
    if limit is not None and limit > len(own):
        told = f"`--devices {limit}` is more than there are: {len(own)} ({own[0].device_kind})"
        raise InputError(Problem(told, hint=f"at most --devices {len(own)}"))
    return own[:limit]


def divided(
    full_batch: bool, arrays: list[Any], lanes: int, devices: tuple[Any, ...]
) -> tuple[int, ...]:
    """The rows of each array that lies over the devices by rows, 0 for others; () if none does.

    An array of that kind is large, or has as many rows as one that is, such as the targets.
    """
    count = len(devices)
    if not full_batch or lanes >= count:
        return ()
    shaped = [x for x in arrays if x.ndim and len(x) >= count]
    long = {len(x) for x in shaped if x.nbytes >= count * PART_BYTES}
    rows = tuple(len(x) if x.ndim and len(x) in long else 0 for x in arrays)
    return rows if any(rows) else ()


def layout(tiling: Tiling, rows: tuple[int, ...], devices: tuple[Any, ...]) -> Layout:
    """How tiles of a shape lie over devices: as many of them as divide one of its sides."""
    if len(devices) == 1:
        return ALONE
    if rows:
        return Layout(DATA, devices, rows)
    by_seeds, by_settings = (
        max(n for n in range(1, len(devices) + 1) if side % n == 0)
        for side in (tiling.rows, tiling.columns)
    )
    most = max(by_seeds, by_settings)
    if most == 1:
        return ALONE
    return Layout("seeds" if by_seeds == most else "settings", devices[:most])
