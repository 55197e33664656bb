"""Sweeps that do not run all their settings to the end, or do not know them beforehand."""

from __future__ import annotations

from jaxmath.config.errors import theirs
from jaxmath.config.halving import Halving
from jaxmath.config.study import Study
from jaxmath.lab import asking, halving, plan
from jaxmath.lab.loading import Loader
from jaxmath.lab.program import Lane, lane


def check(study: Study, cells: list[plan.Cell], loader: Loader) -> None:
    """Hold the metric of a method, where there is one, against what every cell measures.

    Raises:
        InputError: it measures no such number.
    """
    seen = set()
    for cell in cells if study.method else ():
        if plan.signature(cell.config) not in seen:
            seen.add(plan.signature(cell.config))
            with theirs(study.experiment, "measure"):
                check_lane(study, lane(study, cell, loader(cell.config)))


def check_lane(study: Study, one: Lane) -> None:
    """Hold the metric of a method, where there is one, against what a lane measures."""
    if isinstance(study.method, Halving):
        halving.check_metric(study.method, one)
    elif study.method:
        asking.check_metric(study.method, one)
