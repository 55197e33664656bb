"""Programs for tiles of other shapes than a sweep is cut into: its rounds for fewer lanes.

A shape is the tile's own or made of it by halving rows or columns, so that few programs exist.
Which shape is worth its compilation follows from counts of operations, never from a clock: the
shape of a program decides the last bits of what it computes, and a run that is repeated must have
the same.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from typing import Any

import jax

from jaxmath.config.errors import theirs
from jaxmath.config.study import Study
from jaxmath.lab import plan
from jaxmath.lab.program import Lane, Program, compiled, lane, lowered

COMPILING = 1e11
"""Operations that one more lane may take in the time in which a program is compiled.

Two to three seconds of one core, whose vector units have a use for more lanes.
"""


class Sizes:
    """The programs of one sweep by their shape, each compiled when it is first asked for.

    A tile is known by the digest of its program, and is asked for again with whatever program.
    """

    def __init__(self, study: Study):
        self._study = study
        self._programs: dict[Any, Program] = {}
        self._lanes: dict[str, Lane] = {}
        self._work: dict[str, float] = {}
        self._lock = threading.RLock()
        self._locks: dict[Any, threading.Lock] = defaultdict(threading.Lock)

    def __len__(self) -> int:
        return len(self._programs)

    def operations(self, tile: Any) -> float:
        """The operations of a round of one lane."""
        key = tile.program.digest
        with self._lock:
            if key not in self._work:
                one = self._lane(tile)
                carry, _ = self.carried(tile)
                jaxpr = jax.make_jaxpr(one.proceed)(one.fixed, one.arrays, one.swept, carry)
                self._work[key] = plan.operations(jaxpr.jaxpr)
            return self._work[key]

    def carried(self, tile: Any) -> tuple[Any, Any]:
        """The shapes of what one lane carries from round to round, and of what it records."""
        one = self._lane(tile)
        carry = jax.eval_shape(one.begin, one.fixed, one.key, one.arrays, one.swept)
        return jax.eval_shape(one.proceed, one.fixed, one.arrays, one.swept, carry)

    def program(self, tile: Any, tiling: plan.Tiling) -> Program:
        """A tile's program for tiles of another shape: of its stages, `proceed` and `status`."""
        whole: Program = tile.program
        if tiling == whole.tiling:
            return whole
        key = whole.digest, tiling
        with self._locks[key]:
            if key not in self._programs:
                with theirs(self._study.experiment, "proceed"):
                    made = lowered(self._lane(tile), tiling, base=whole)
                (self._programs[key],) = compiled([made], lambda: None)
            return self._programs[key]

    def _lane(self, tile: Any) -> Lane:
        key = tile.program.digest
        with self._lock:
            if key not in self._lanes:
                self._lanes[key] = lane(self._study, tile.cell, tile.data)
            return self._lanes[key]


def fit(count: int, size: int) -> int:
    """The smallest among a size and its halves that holds so many."""
    while size > 1 and -(-size // 2) >= count:
        size = -(-size // 2)
    return size
