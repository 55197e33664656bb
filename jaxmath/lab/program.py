"""A cell's program: the experiment's functions, vectorised over settings inside seeds.

The key of a seed is not mapped over its settings. What depends on the key alone, such as the order
of the data, is then computed and gathered once for all settings of a seed, without any planner.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax

from jaxmath.lab import plan
from jaxmath.lab.errors import theirs
from jaxmath.lab.loading import split
from jaxmath.lab.plan import DTYPES
from jaxmath.lab.study import Study


class Stages(NamedTuple):
    """The parts of a measurement: one for a short one, rounds of the second for a long one."""

    begin: Callable[..., Any]
    proceed: Callable[..., Any] | None
    finish: Callable[..., Any] | None
    rounds: int


def stages(module, config) -> Stages:
    """Find the functions of an experiment: `measure`, or begin, proceed and finish."""
    if hasattr(module, "begin"):
        return Stages(module.begin, module.proceed, module.finish, module.rounds(config))
    return Stages(module.measure, None, None, 0)


@dataclass(frozen=True)
class Program:
    """One cell's compiled stages, for tiles of one shape."""

    begin: Any
    proceed: Any
    finish: Any
    rounds: int
    tiling: plan.Tiling

    @property
    def pieces(self) -> int:
        """After how many calls a tile is done."""
        return 1 + self.rounds


def compiled(study: Study, cell: plan.Cell, data) -> Program:
    """Compile a cell's stages for tiles that fit memory and cache."""
    arrays, join = split(data)
    with theirs(study.experiment, "measure"):
        parts = stages(study.module, cell.config)

    def begin(fixed, key, arrays, swept):
        return parts.begin(plan.fill(cell.config, fixed | swept), join(arrays), key)

    def proceed(fixed, arrays, swept, carry):
        assert parts.proceed
        return parts.proceed(plan.fill(cell.config, fixed | swept), join(arrays), carry)

    def finish(fixed, arrays, swept, carry, records):
        assert parts.finish
        return parts.finish(plan.fill(cell.config, fixed | swept), join(arrays), carry, records)

    with theirs(study.experiment, "measure"):
        fixed, key, swept = abstract(study, cell)
        lane = jax.make_jaxpr(begin, return_shape=True)(fixed, key, arrays, swept)
        lane_bytes, carry = plan.live_bytes(lane[0].jaxpr), lane[1]
        if parts.rounds:
            inner = jax.make_jaxpr(proceed)(fixed, arrays, swept, carry)
            lane_bytes = max(lane_bytes, plan.live_bytes(inner.jaxpr))
        threads = workers()
        budget = plan.budget(threads, jax.default_backend())
        tiling = plan.tiling(*cell.lanes.shape, lane_bytes, threads, budget)
        return _compile(begin, proceed, finish, parts.rounds, tiling, fixed, key, arrays, swept)


def _compile(begin, proceed, finish, rounds, tiling, fixed, key, arrays, swept) -> Program:
    shape = (tiling.rows, tiling.columns)
    keys = jax.ShapeDtypeStruct(shape[:1], key.dtype)
    columns = {path: jax.ShapeDtypeStruct(shape[1:], x.dtype) for path, x in swept.items()}
    # An empty dict maps no axis: without swept floats the axis of settings has length one.
    width = shape[1]

    def grid(fn, inside, outside, out_inside, out_outside):
        inner = jax.vmap(fn, in_axes=inside, out_axes=out_inside, axis_size=width)
        return jax.jit(
            jax.vmap(inner, in_axes=outside, out_axes=out_outside, axis_size=shape[0]),
        )

    if not rounds:
        whole = grid(begin, (None, None, None, 0), (None, 0, None, None), 0, 0)
        return Program(whole.lower(fixed, keys, arrays, columns).compile(), None, None, 0, tiling)

    shared = _shared(begin, proceed, width, fixed, key, arrays, columns)
    own = jax.tree.map(lambda same: None if same else 0, shared)
    starting = grid(begin, (None, None, None, 0), (None, 0, None, None), own, 0)
    stepping = grid(proceed, (None, None, 0, own), (None, None, None, 0), (own, 0), 0)
    ending = grid(finish, (None, None, 0, own, 0), (None, None, None, 0, 0), 0, 0)
    carry = jax.eval_shape(starting, fixed, keys, arrays, columns)
    _, record = jax.eval_shape(stepping, fixed, arrays, columns, carry)
    records = jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct((*shape, rounds, *leaf.shape[2:]), leaf.dtype), record
    )
    return Program(
        starting.lower(fixed, keys, arrays, columns).compile(),
        stepping.lower(fixed, arrays, columns, carry).compile(),
        ending.lower(fixed, arrays, columns, carry, records).compile(),
        rounds,
        tiling,
    )


def _shared(begin, proceed, width, fixed, key, arrays, columns):
    """Which leaves of the carry are the same for all settings of a seed, now and in every round.

    A leaf that depends on the key alone must not be copied for each setting, or the gather of a
    batch would be repeated for each. `vmap` itself knows: a leaf that it does not map stays what
    it was outside.
    """
    found: dict[str, Any] = {}

    def watch(fn, swept):
        mapped = type(jax.tree.leaves(swept)[0]) if jax.tree.leaves(swept) else ()
        carry = fn(swept)
        found["same"] = jax.tree.map(lambda leaf: not isinstance(leaf, mapped), carry)
        found["shape"] = carry
        return carry

    if not columns:
        return jax.tree.map(lambda _: True, jax.eval_shape(begin, fixed, key, arrays, {}))

    def start(fixed, key, arrays, columns):
        return jax.vmap(
            lambda swept: watch(lambda s: begin(fixed, key, arrays, s), swept), axis_size=width
        )(columns)

    jax.eval_shape(start, fixed, key, arrays, columns)
    same = found["same"]
    lane = jax.eval_shape(
        begin,
        fixed,
        key,
        arrays,
        {p: jax.ShapeDtypeStruct((), c.dtype) for p, c in columns.items()},
    )
    while True:
        own = jax.tree.map(lambda s: None if s else 0, same)
        carry = jax.tree.map(
            lambda s, leaf: leaf if s else jax.ShapeDtypeStruct((width, *leaf.shape), leaf.dtype),
            same,
            lane,
        )

        def step(fixed, arrays, columns, carry, own=own):
            return jax.vmap(
                lambda swept, carry: watch(lambda s: proceed(fixed, arrays, s, carry)[0], swept),
                in_axes=(0, own),
                axis_size=width,
            )(columns, carry)

        jax.eval_shape(step, fixed, arrays, columns, carry)
        after = jax.tree.map(lambda a, b: a and b, same, found["same"])
        if after == same:
            return same
        same = after


def abstract(study: Study, cell: plan.Cell):
    dtype = DTYPES[study.precision]
    scalar = jax.ShapeDtypeStruct((), dtype)
    fixed = {
        path: dtype(value)
        for path, value in plan.floats(cell.config).items()
        if path not in cell.settings
    }
    key = jax.eval_shape(lambda: jax.random.key(0))
    return fixed, key, dict.fromkeys(cell.settings, scalar)


def workers() -> int:
    """Threads that run tiles: XLA for CPU runs small operations on one core."""
    return plan.cores() if jax.default_backend() == "cpu" else 1
