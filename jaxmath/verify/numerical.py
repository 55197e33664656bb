"""Judging without exact arithmetic: only gross faults, by the numerical reference."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np

from jaxmath.formula import Formula
from jaxmath.verify.choosing import Points
from jaxmath.verify.reference import numerical
from jaxmath.verify.said import Said

MOST = 96
"""How many coordinates of all points are judged."""


def estimated(formula: Formula, points: Points) -> Iterator[tuple[int, Said]]:
    """All first derivatives at some of the points, judged."""
    lay = points.lay
    theta, _ = lay.flatten(points.args)
    finite = np.isfinite(np.concatenate([theta, points.answers.value], axis=1))
    usable = np.asarray(finite.all(axis=1))
    index = np.array([i for i in points.order() if usable[i]][: max(MOST // lay.size, 6)], int)
    if not len(index):
        return
    args = jax.tree.map(lambda leaf: leaf[index], points.args)
    first, _ = numerical(formula, args, lay.wrt, False)
    for p, r, column in np.ndindex(*first.value.shape):
        truth, bar = float(first.value[p, r, column]), float(first.error[p, r, column])
        for who, jacobian in points.answers.first.items():
            answer = float(jacobian[index[p], r, column])
            yield int(index[p]), Said(who, (column,), r, answer, _kind(answer, truth, bar))


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
