"""Whether a gradient at a kink in several arguments is one of the generalised gradients there.

The slopes along the coordinates alone span a box that is too large: (1, 1) lies in that of
max(x, y) and is no subgradient. The convex hull of the gradients of the pieces that meet is what
counts. Pieces are found along random directions, then along the way by which the answer misses
their hull: of a convex function that is the piece that reaches farthest towards the answer.
Source: Clarke, Optimization and Nonsmooth Analysis, theorem 2.5.1.
"""

from __future__ import annotations

import numpy as np

from jaxmath.exact.kinks import gradients_along, hull_gap
from jaxmath.verify.judging import SAME
from jaxmath.verify.truths import Truths

MOST, LOOKS = 12, 24
"""Up to how many coordinates; how often one looks for another piece."""


def is_subgradient(truths: Truths, point, result: int, answer: np.ndarray) -> bool | None:
    """Whether an answer lies in the convex hull of the gradients close by; None if unknown."""
    n = len(answer)
    sides = [truths.side(point, column) for column in range(n)]
    if n > MOST or any(sides) or not np.isfinite(answer).all():
        return None
    rng = np.random.default_rng(0)

    def gradients(directions) -> np.ndarray:
        rows = np.zeros((len(directions), truths.width))
        rows[:, truths.places] = directions
        table = gradients_along(truths.program, point, rows, result, stop_gradients=truths.stopped)
        found = [[float(x) for x in row] for row in table[:, truths.places]]
        return np.array(found).reshape(-1, n)

    random = rng.standard_normal((4 + n, n))
    pieces = gradients(np.concatenate([random, -random]))
    for _ in range(LOOKS):
        if not len(pieces) or not np.isfinite(pieces).all():
            return None
        gap = hull_gap(answer.astype(np.float64), pieces)
        size = max(float(np.abs(pieces).max()), float(np.abs(answer).max()))
        if np.linalg.norm(gap) <= SAME * size:
            return True
        way = gap[:-1] / max(float(np.abs(gap[:-1]).max()), 1e-300)
        jitter = rng.uniform(-1e-3, 1e-3, (4, n))
        more = gradients(np.array([way, way, -way, -way]) + jitter)
        new = [g for g in more if not any(np.allclose(g, p, rtol=1e-9) for p in pieces)]
        if not new:
            return False
        pieces = np.concatenate([pieces, new])
    return False
