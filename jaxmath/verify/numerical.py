"""Judging without exact arithmetic: only gross faults, by the numerical reference."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np

from jaxmath.formula import Formula
from jaxmath.verify.choosing import Points
from jaxmath.verify.flat import Layout
from jaxmath.verify.reference import numerical

MOST = 96
"""How many coordinates of all points are judged."""


def estimated(
    formula: Formula, lay: Layout, points: Points, order
) -> Iterator[tuple[int, list[tuple[str, str, tuple[int, int], float, dict[str, Any]]]]]:
    """For some of the points all first derivatives: who, argument, place, answer, what it is."""
    theta, _ = lay.flatten(points.args)
    finite = np.isfinite(np.concatenate([theta, points.answers.value], axis=1))
    usable = np.asarray(finite.all(axis=1))
    index = np.array([i for i in order if usable[i]][: max(MOST // lay.size, 6)], int)
    if not len(index):
        return
    first, _ = numerical(
        formula, jax.tree.map(lambda leaf: leaf[index], points.args), lay.wrt, False
    )
    for p, i in enumerate(index.tolist()):
        said = []
        for r, column in np.ndindex(*first.value.shape[1:]):
            argument, own = lay.argument(column)
            truth, bar = float(first.value[p, r, column]), float(first.error[p, r, column])
            for who, jacobian in points.answers.first.items():
                answer = float(jacobian[i, r, column])
                said.append((who, argument, (r, own), answer, _kind(answer, truth, bar)))
        yield i, said


def _kind(answer: float, truth: float, bar: float) -> dict[str, Any]:
    if not math.isfinite(bar):
        return dict(kind="undecided", truth="not decided", proof="undecided")
    told: dict[str, Any] = dict(truth=f"{truth:.12g} ± {bar:.1g}", proof="estimated")
    if not math.isfinite(answer):
        return dict(kind="NaN or infinite", ulps=math.inf, excess=math.inf, **told)
    gap = abs(answer - truth)
    if gap > 1e3 * bar + 1e-4 * abs(truth):
        return dict(kind="inaccurate", excess=gap / bar, **told)
    return dict(kind="exact to rounding", **told)
