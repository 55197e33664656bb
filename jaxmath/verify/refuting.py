"""Where a fact is broken, by proof: at a point, or between two."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from jaxmath.exact import Missing
from jaxmath.exact.ball import ZERO, arb
from jaxmath.exact.boxes import LOST, Branch, Local
from jaxmath.exact.work import Work, working
from jaxmath.formula import (
    Concave,
    Convex,
    Decreasing,
    Increasing,
    Lipschitz,
    Smooth,
    StronglyConvex,
)
from jaxmath.verify.inequalities import TINY, Inequality, total
from jaxmath.verify.proof import Box, Witness

ROUNDING = 2.0**-50
"""A constant is refuted beyond this share of it: it is itself a rounded number. So are those in the
program, pi for one: where two branches meet, a step of this share of the values refutes nothing."""


def broken_at(inequality: Inequality, point: list[float], direction=None) -> Witness | None:
    """A proof that the fact does not hold at a point, from the derivatives there."""
    box = [(x, x) for x in point]
    try:
        if direction is None:
            local = inequality.function.local(
                box, inequality.level, {}, inequality.pairs(inequality.level, False)
            )
            with working(Work(128)):
                ways = list(_ways(inequality, local))
        else:
            ways = [direction]
        for way in ways:
            if found := _along(inequality, box, way):
                return found
    except (Branch, Missing, *LOST):
        return None
    return None


def _ways(inequality: Inequality, local: Local) -> Iterator[list[float]]:
    """Directions in the argument along which the fact may be broken."""
    size = len(inequality.own)
    if isinstance(inequality.fact, Increasing | Decreasing) or size == 1:
        yield from np.eye(size).tolist()
        return
    matrix = np.array([[float(x) for x in row] for row in inequality.matrix(local)])
    if not np.isfinite(matrix).all():
        return
    if inequality.level == 1:
        yield from np.linalg.svd(matrix)[2].tolist()
    else:
        yield from np.linalg.eigh(matrix)[1].T.tolist()


def _along(inequality: Inequality, box: Box, way: list[float]) -> Witness | None:
    speeds = {j: v for j, v in zip(inequality.own, way, strict=True) if v}
    rows = inequality.function.along(box, speeds, inequality.level, {})
    limit = inequality.constant.local(box, 0, {}).values[0] if inequality.constant else ZERO
    with working(Work(128)):
        length = total(arb(v) * arb(v) for v in way).sqrt()
        changes = [row[inequality.level] / length**inequality.level for row in rows]
        for change in changes:
            if not inequality.constant:
                if change * inequality.sign < -TINY:
                    return _witness(inequality.names, [box], way, change, ZERO)
                continue
            if isinstance(inequality.fact, StronglyConvex):
                if change < limit * (1 - ROUNDING) - TINY:
                    return _witness(inequality.names, [box], way, change, limit)
                continue
            size = total(c * c for c in changes).sqrt()
            if size > limit * (1 + ROUNDING) + TINY:
                return _witness(inequality.names, [box], way, size, limit)
    return None


def broken_between(inequality: Inequality, low: list[float], high: list[float]) -> Witness | None:
    """A proof that the fact does not hold between two points that differ in the argument."""
    if isinstance(inequality.fact, Smooth):
        return None
    between = [a / 2 + b / 2 for a, b in zip(low, high, strict=True)]
    boxes = [[(x, x) for x in point] for point in (low, high, between)]
    try:
        first, last, middle = (inequality.function.local(box, 0, {}).values for box in boxes)
        limit = (
            inequality.constant.local(boxes[0], 0, {}).values[0] if inequality.constant else ZERO
        )
    except (Branch, Missing, *LOST):
        return None
    with working(Work(128)):
        gaps = [arb(b) - arb(a) for a, b in zip(low, high, strict=True)]
        far = total(g * g for g in gaps).sqrt()
        changes = [b - a for a, b in zip(first, last, strict=True)]
        if isinstance(inequality.fact, Lipschitz):
            size = total(c * c for c in changes).sqrt()
            if size > limit * far * (1 + ROUNDING) + TINY:
                return _witness(inequality.names, boxes[:2], [], size, limit * far)
            return None
        if isinstance(inequality.fact, Convex | Concave | StronglyConvex):
            changes = [(a + b) / 2 - m for a, b, m in zip(first, last, middle, strict=True)]
            if any(abs(a + b - 2 * m) > 0 for a, b, m in _exact(low, high, between)):
                return None
        least = limit * far * far / 8 if isinstance(inequality.fact, StronglyConvex) else ZERO
        for change, *values in zip(changes, first, last, strict=True):
            step = arb(ROUNDING) * max(abs(value).upper() for value in (*values, least))
            if change * inequality.sign < least - TINY - step:
                return _witness(inequality.names, boxes[:2], [], change, least)
    return None


def _witness(names, boxes, way, measured, allowed) -> Witness:
    points = []
    for box in boxes:
        point: dict[str, list[float]] = {}
        for name, (x, _) in zip(names, box, strict=True):
            point.setdefault(name, []).append(x)
        points.append(point)
    return Witness(tuple(points), tuple(way), float(measured), float(allowed))


def _exact(low, high, between):
    return [(arb(a), arb(b), arb(m)) for a, b, m in zip(low, high, between, strict=True)]
