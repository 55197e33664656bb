"""A cell's program: the experiment's functions, vectorised over settings inside seeds.

The key of a seed is not mapped over its settings. What depends on the key alone, such as the order
of the data, is then computed and gathered once for all settings of a seed, without any planner.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, NamedTuple

import jax

from jaxmath.config.study import Study
from jaxmath.lab import mesh, plan, threads
from jaxmath.lab.job import Job
from jaxmath.lab.loading import split
from jaxmath.lab.plan import DTYPES

STAGES = ("measure", "rounds", "begin", "proceed", "finish", "status")
"""The functions of an experiment that a program is made of.

`status(config, carry)` is optional: 0 as long as a lane runs. What has ended keeps its status, and
records in every later round what it did in its last.
"""


class Lane(NamedTuple):
    """The stages of one lane as functions of arrays alone, and the shapes of their arguments.

    Each is jitted, so that the experiment's code is traced once however often it is transformed.
    A short measurement has no rounds: its `begin` is all of it.
    """

    begin: Callable[..., Any]
    proceed: Callable[..., Any]
    finish: Callable[..., Any]
    status: Callable[..., Any] | None
    rounds: int
    fixed: dict[str, Any]
    key: Any
    arrays: list[Any]
    swept: dict[str, Any]


def lane(study: Study, cell: plan.Cell, data) -> Lane:
    """The experiment's functions: `measure`, or `rounds`, `begin`, `proceed` and `finish`."""
    module: Any = study.module
    arrays, join = split(data)
    long = hasattr(module, "begin")

    def config(fixed, swept):
        return plan.fill(cell.config, fixed | swept)

    @jax.jit
    def begin(fixed, key, arrays, swept):
        first = module.begin if long else module.measure
        return first(config(fixed, swept), join(arrays), key)

    @jax.jit
    def proceed(fixed, arrays, swept, carry):
        return module.proceed(config(fixed, swept), join(arrays), carry)

    @jax.jit
    def finish(fixed, arrays, swept, carry, records):
        return module.finish(config(fixed, swept), join(arrays), carry, records)

    @jax.jit
    def status(fixed, swept, carry):
        return module.status(config(fixed, swept), carry)

    fixed, swept = arguments(study, cell)
    key = jax.eval_shape(lambda: jax.random.key(0))
    rounds = module.rounds(cell.config) if long else 0
    told = status if hasattr(module, "status") else None
    return Lane(begin, proceed, finish, told, rounds, fixed, key, arrays, swept)


def arguments(study: Study, cell: plan.Cell) -> tuple[dict[str, Any], dict[str, Any]]:
    """The floats that no lane varies, and the shapes of those that the sweep varies."""
    dtype = DTYPES[study.precision]
    values = plan.floats(cell.config)
    fixed = {path: dtype(v) for path, v in values.items() if path not in cell.settings}
    return fixed, {path: jax.ShapeDtypeStruct((), dtype) for path in cell.settings}


def size(one: Lane) -> plan.Size:
    """The memory of one lane, from above, without compiling or running anything."""
    jaxpr, carry = jax.make_jaxpr(one.begin, return_shape=True)(
        one.fixed, one.key, one.arrays, one.swept
    )
    found = [plan.Size(plan.live_bytes(jaxpr.jaxpr), plan.hot_bytes(jaxpr.jaxpr))]
    if one.rounds:
        jaxpr = jax.make_jaxpr(one.proceed)(one.fixed, one.arrays, one.swept, carry)
        inner = plan.Size(plan.live_bytes(jaxpr.jaxpr), plan.hot_bytes(jaxpr.jaxpr))
        found = [plan.Size(max(found[0].peak, inner.peak), inner.hot)]
    return found[0]


class Program(NamedTuple):
    """One cell's stages for tiles of one shape: lowered first, then compiled.

    Attributes:
        carry, record, results: the trees of what goes from round to round, of what a round
            records, and of what comes out.
        digest: a hash of the stages' text, the same in every process and over any devices.
        status: what each lane's carry says of it, where an experiment can tell.
        shared: for each leaf of the carry, whether all settings of a seed have one.
        one_core: whether every core has a tile of its own.
    """

    begin: Any
    proceed: Any
    finish: Any
    rounds: int
    tiling: plan.Tiling
    carry: Any
    record: Any
    results: Any
    digest: str
    status: Any = None
    shared: tuple[bool, ...] = ()
    layout: mesh.Layout = mesh.ALONE
    one_core: bool = False

    @property
    def pieces(self) -> int:
        """After how many calls a tile is done."""
        return 1 + self.rounds

    @property
    def alike(self) -> tuple:
        """What programs have in common of which one serves for all."""
        trees = self.begin.in_tree, self.carry, self.record, self.results
        return self.digest, self.tiling, self.layout, self.one_core, trees


def lowered(
    one: Lane,
    tiling: plan.Tiling,
    layout: mesh.Layout = mesh.ALONE,
    base: Program | None = None,
) -> Program:
    """The stages of a lane for a tile of lanes, settings inside seeds, ready to be compiled.

    Given the program of whole tiles, only what runs in every round, for tiles of another shape.
    """
    if layout.over:
        alone = lowered(one, tiling)
        one = one._replace(arrays=layout.shapes(one.arrays), status=None)
        return _lowered(one, tiling, layout, None)._replace(digest=alone.digest, layout=layout)
    return _lowered(one, tiling, layout, base)


def _lowered(one: Lane, tiling: plan.Tiling, layout: mesh.Layout, base: Program | None) -> Program:
    rows, width = tiling.rows, tiling.columns
    part = layout.part(tiling)
    keys = jax.ShapeDtypeStruct((rows,), one.key.dtype)
    columns = {path: jax.ShapeDtypeStruct((width,), x.dtype) for path, x in one.swept.items()}

    def grid(fn, over_settings, over_seeds, out_settings: Any = 0):
        inner = jax.vmap(fn, in_axes=over_settings, out_axes=out_settings, axis_size=part.columns)
        outer = jax.vmap(inner, in_axes=over_seeds, axis_size=part.rows)
        data = 2 if fn is one.begin else 1
        # What goes from round to round is not needed any more once the next round has begun.
        donate = (3,) if fn is one.proceed else ()
        return layout.jit(outer, over_seeds, over_settings, out_settings, data, donate)

    if not one.rounds:
        whole = grid(one.begin, (None, None, None, 0), (None, 0, None, None))
        return _program(tiling, 0, None, whole.lower(one.fixed, keys, one.arrays, columns))

    own = _axes(one, columns, width)
    begin = grid(one.begin, (None, None, None, 0), (None, 0, None, None), own)
    proceed = grid(one.proceed, (None, None, 0, own), (None, None, None, 0), (own, 0))
    finish = grid(one.finish, (None, None, 0, own, 0), (None, None, None, 0, 0))
    carry = jax.eval_shape(begin, one.fixed, keys, one.arrays, columns)
    _, record = jax.eval_shape(proceed, one.fixed, one.arrays, columns, carry)
    records = jax.tree.map(
        lambda x: jax.ShapeDtypeStruct((rows, width, one.rounds, *x.shape[2:]), x.dtype), record
    )
    status = one.status and grid(one.status, (None, 0, own), (None, None, 0))
    told = status and status.lower(one.fixed, columns, carry)
    round_ = proceed.lower(one.fixed, one.arrays, columns, carry)
    if base:
        return base._replace(begin=None, proceed=round_, finish=None, tiling=tiling, status=told)
    return _program(
        tiling,
        one.rounds,
        jax.tree.structure(record),
        begin.lower(one.fixed, keys, one.arrays, columns),
        round_,
        finish.lower(one.fixed, one.arrays, columns, carry, records),
    )._replace(
        status=told,
        shared=tuple(axis is None for axis in jax.tree.structure(carry).flatten_up_to(own)),
    )


def _program(tiling: plan.Tiling, rounds: int, record, begin, proceed=None, finish=None) -> Program:
    texts = [stage.as_text() for stage in (begin, proceed, finish) if stage]
    digest = hashlib.sha256("\n".join(texts).encode()).hexdigest()
    trees = begin.out_tree, record, (finish or begin).out_tree
    return Program(begin, proceed, finish, rounds, tiling, *trees, digest)


ONCE = {
    "xla_backend_optimization_level": 0,
    "xla_cpu_use_fusion_emitters": False,
    "xla_cpu_parallel_codegen_split_count": 1,
}
"""Options of XLA for what a tile begins with, and for what asks how its lanes are: the code is
several times slower, and there in a fifth of the time."""

ROUNDS = {
    "xla_backend_optimization_level": 1,
    "xla_cpu_experimental_ynn_fusion_type": "LIBRARY_FUSION_TYPE_INDIVIDUAL_DOT",
}
"""For rounds: as fast as by all that LLVM can do, and there in two thirds of the time. XLA would
also hand sums and what stands between them to the library that has its products of matrices, which
takes a fifth longer."""

ONE_CORE = {
    "xla_cpu_multi_thread_eigen": False,
    "xla_disable_hlo_passes": "cpu-parallel-task-assigner",
}
"""For tiles of which every core has one: an operation cut into a piece for each core waits for the
cores of other tiles."""


def compiled(programs: list[Program], done: Callable[[], None]) -> list[Program]:
    """Compile all stages, several at once; `done` is called after each program."""
    with ThreadPoolExecutor(workers()) as pool:
        begun = [
            [
                stage and pool.submit(_compile, stage, _options(program, stage))
                for stage in (*program[:3], program.status)
            ]
            for program in programs
        ]
        made = []
        for program, stages in zip(programs, begun, strict=True):
            begin, proceed, finish, status = (stage and stage.result() for stage in stages)
            made.append(
                program._replace(begin=begin, proceed=proceed, finish=finish, status=status)
            )
            done()
        return made


def _options(program: Program, stage) -> dict[str, Any]:
    if program.rounds and stage in (program.begin, program.status):
        return ONCE
    return (ROUNDS if program.rounds else {}) | (ONE_CORE if program.one_core else {})


def _compile(stage, options: dict[str, Any]):
    if options and jax.default_backend() == "cpu":
        # A version of XLA that has other options than these compiles as it does by default.
        with suppress(jax.errors.JaxRuntimeError):
            return stage.compile(options)
    return stage.compile()


def _axes(one: Lane, columns, width: int):
    """For each leaf of the carry: None if all settings of a seed share it in every round, else 0.

    A leaf that depends on the key alone must not be copied for each setting, or the gather of a
    batch would be repeated for each. `vmap` itself knows: inside it, a leaf that it does not map
    is no tracer of its own. What is shared at the start may differ after a round, so rounds are
    traced until nothing more changes.
    """
    seen: dict[str, Any] = {}

    def watched(carry, mapped):
        tracer = type(mapped)
        seen["axes"] = jax.tree.map(lambda x: 0 if type(x) is tracer else None, carry)
        return carry

    def begin(swept, probe, fixed, key, arrays):
        return watched(one.begin(fixed, key, arrays, swept), probe)

    def proceed(swept, probe, carry, fixed, arrays):
        return watched(one.proceed(fixed, arrays, swept, carry)[0], probe)

    probe = jax.ShapeDtypeStruct((width,), bool)
    over = jax.vmap(begin, in_axes=(0, 0, None, None, None), axis_size=width)
    jax.eval_shape(over, columns, probe, one.fixed, one.key, one.arrays)
    lane_carry = jax.eval_shape(one.begin, one.fixed, one.key, one.arrays, one.swept)
    axes = seen["axes"]
    while True:
        carry = _tree_map(
            lambda axis, x: x if axis is None else jax.ShapeDtypeStruct((width, *x.shape), x.dtype),
            axes,
            lane_carry,
        )
        over = jax.vmap(proceed, in_axes=(0, 0, axes, None, None), axis_size=width)
        jax.eval_shape(over, columns, probe, carry, one.fixed, one.arrays)
        after = _tree_map(lambda a, b: None if a is b is None else 0, axes, seen["axes"])
        if after == axes:
            return axes
        axes = after


def _tree_map(fn, *trees):
    """`jax.tree.map` with None as a leaf."""
    return jax.tree.map(fn, *trees, is_leaf=lambda node: node is None)


def workers() -> int:
    """Threads that run tiles: XLA for CPU runs small operations on one core."""
    return plan.cores() if jax.default_backend() == "cpu" else 1


def at_once(job: Job) -> int:
    """How many tiles all processes run at once; where threads are pinned, whatever they are."""
    return _here() if threads.pinned() else workers() * job.count


def _here() -> int:
    pinned = threads.pinned() and jax.default_backend() == "cpu"
    return threads.pool() if pinned else workers()


def tiling(cell: plan.Cell, each: plan.Size, job: Job, devices: int) -> plan.Tiling:
    """How a cell is cut: for all processes and devices, or where threads are pinned for any."""
    memory = plan.PINNED_MEMORY if threads.pinned() else plan.memory() // job.mates
    most = plan.most_lanes(each, _here(), jax.default_backend(), memory)
    seeds, settings = cell.lanes.shape
    if threads.pinned() or devices == 1:
        return plan.tiling(seeds, settings, most, at_once(job))
    return plan.over_devices(seeds, settings, most, devices, job.count)
