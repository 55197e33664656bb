"""What a study would take: its axes, cells, programs and memory, without running any of it."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import jax

from jaxmath.config.asking import Asking
from jaxmath.config.document import show
from jaxmath.config.errors import theirs
from jaxmath.config.halving import Halving
from jaxmath.config.study import Study
from jaxmath.lab import mesh, plan
from jaxmath.lab.job import Job
from jaxmath.lab.loading import Loader, read_by_load, static_part
from jaxmath.lab.methods import check_lane
from jaxmath.lab.program import lane, size, tiling, workers
from jaxmath.runs import rungs


class Plan(NamedTuple):
    """What a study would take; memory in bytes, of which `data` for the data.

    `method` has the rungs of each bracket, (settings, rounds), where settings are dropped.
    """

    config: str
    experiment: str
    precision: str
    axes: dict[str, list[Any]]
    runs: int
    cells: int
    programs: int
    memory: int
    data: int
    method: dict[str, Any] | None = None


def planned(study: Study) -> Plan:
    """The plan of a study. Its data are loaded and its code is traced, not compiled."""
    with jax.enable_x64(study.precision == "float64"):
        loader = Loader(study)
        loader(study.config)
        cells = plan.cells(study, read_by_load(study, loader))
        programs: dict[Any, tuple[int, plan.Tiling]] = {}
        arrays = 0
        for cell in cells:
            values = loader(cell.config)
            key = (plan.signature(cell.config), static_part(values), cell.lanes.shape)
            if key not in programs and not hasattr(study.module, "survey"):
                with theirs(study.experiment, "measure"):
                    one = lane(study, cell, values)
                    check_lane(study, one)
                    each = size(one)
                programs[key] = each.peak, tiling(cell, each, Job(), len(mesh.devices(None)))
                arrays = max(arrays, sum(leaf.nbytes for leaf in jax.tree.leaves(one.arrays)))
    runs = sum(cell.lanes.size for cell in cells)
    peak = arrays + max(
        (
            bytes_each * tiling.rows * tiling.columns * min(workers(), runs)
            for bytes_each, tiling in programs.values()
        ),
        default=0,
    )
    return Plan(
        config=str(study.source) if study.source else study.experiment,
        experiment=study.experiment,
        precision=study.precision,
        axes={axis.name: [row[0] for row in axis.values] for axis in study.axes},
        runs=runs,
        cells=len(cells),
        programs=len(programs),
        memory=peak,
        data=arrays,
        method=_method(study),
    )


def _method(study: Study) -> dict[str, Any] | None:
    method = study.method
    if method is None:
        return None
    if not isinstance(method, Halving):
        batches = f"{method.count // method.batch} batches of {method.batch}"
        return dict(name=method.name, said=f"{batches}, by {method.metric}", brackets=[])
    rounds = study.module.rounds(study.config)
    settings = math.prod(len(axis) for axis in study.axes if not axis.is_repeat)
    brackets = [[list(rung) for rung in rungs] for rungs in method.brackets(settings, rounds)]
    return dict(name=method.name, said=rungs.said(method, settings, rounds), brackets=brackets)


def forecast(study: Study) -> str:
    """The plan of a study in words."""
    plan = planned(study)
    rows = [(name, _values(values)) for name, values in plan.axes.items()]
    if isinstance(study.method, Asking):
        asked = [
            (s.path, f"{study.method.count} values from {s.low} to {s.high}")
            for s in study.method.spaces
        ]
        name = " & ".join(path for path, _ in asked)
        rows = [row for row in rows if row[0] != name] + asked
    # Programs of one text are compiled once, and nobody has written them yet.
    most = "at most " if plan.programs > 1 else ""
    rows += [
        ("runs", f"{plan.runs}"),
        ("cells", f"{plan.cells}, the combinations of values that are not numbers or seeds"),
        ("programs", f"{most}{plan.programs} to compile, in {plan.precision}"),
        ("memory", f"about {_bytes(plan.memory)}, of which the data {_bytes(plan.data)}"),
    ]
    if plan.method:
        rows.append(("rungs" if plan.method["brackets"] else "asked for", plan.method["said"]))
        for rungs_ in plan.method["brackets"]:
            told = (f"{n:,} for {r:,} round{'s' * (r > 1)}" for n, r in rungs_)
            rows.append(("", ", then ".join(told)))
    width = max(len(name) for name, _ in rows)
    lines = [f"{plan.config}: valid, experiment {plan.experiment}"]
    return "\n".join(lines + [f"  {name:<{width}}  {words}" for name, words in rows])


def _values(values: list[Any]) -> str:
    shown = [str(v) if hasattr(v, "name") else show(v, 30) for v in values]
    told = ", ".join(shown) if len(shown) <= 4 else f"{shown[0]}, {shown[1]}, ..., {shown[-1]}"
    return f"{len(shown)} value{'s' * (len(shown) > 1)}: {told}"


def _bytes(count: int) -> str:
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count = round(count / 1000, 3)  # pyright: ignore[reportAssignmentType]
    return f"{count:.3g} GB"
