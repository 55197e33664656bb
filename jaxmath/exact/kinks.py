"""Kinks in several arguments: the gradients of the pieces that meet, and what lies between them.

The generalised gradient of Clarke is the convex hull of the limits of gradients from nearby points
of smoothness; the slopes along the coordinates alone span a box that is too large. Source: Clarke,
Optimization and Nonsmooth Analysis, theorem 2.5.1; the membership test is non-negative least
squares by Lawson and Hanson, Solving Least Squares Problems, chapter 23.
"""

from __future__ import annotations

import time
from typing import Any

import jax
import numpy as np

from jaxmath.exact.ball import arb
from jaxmath.exact.enclosure import Number
from jaxmath.exact.points import BUDGET, MOST_BITS
from jaxmath.exact.program import Program, Truth, replaced
from jaxmath.exact.sides import Question, Side, at, by_series
from jaxmath.exact.work import Work, working

STEP = 120
"""Neighbours are 2^-120 away, relative to the point: the limits of gradients to 30 digits."""


def active_gradients(
    program: Program,
    args: tuple[Any, ...],
    result: int = 0,
    directions: int | None = None,
    seed: int = 0,
    truth: Truth = "meaning",
    stop_gradients: bool = False,
    budget: float = 10 * BUDGET,
) -> np.ndarray:
    """The different gradients of one flat result close by, as `Number`s `(pieces, coordinates)`.

    Found along random directions (8 + 4 n of them by default) and both ways along each coordinate:
    a piece whose cone is narrow may be missed, so they are estimated.
    """
    n = len(program.coordinates())
    rows = np.concatenate([np.eye(n), -np.eye(n), _random(n, directions, seed)])
    return gradients_along(program, args, rows, result, truth, stop_gradients, budget)


def gradients_along(
    program: Program,
    args: tuple[Any, ...],
    rows: np.ndarray,
    result: int = 0,
    truth: Truth = "meaning",
    stop_gradients: bool = False,
    budget: float = 10 * BUDGET,
) -> np.ndarray:
    """The different gradients of one flat result close by in the directions of some rows."""
    with jax.enable_x64(program.x64):
        values, coordinates = program.values(args), program.coordinates()
        deadline = time.thread_time() + budget
        pieces: list[list[Number]] = []
        for row in rows:
            near = _neighbour(values, coordinates, row)
            found = _gradient(program, near, coordinates, result, truth, stop_gradients, deadline)
            if found is not None and not any(_same(found, piece) for piece in pieces):
                pieces.append(found)
            if time.thread_time() > deadline:
                break
    table = np.empty((len(pieces), len(coordinates)), object)
    for k, piece in enumerate(pieces):
        table[k] = piece
    return table


def _random(n: int, count: int | None, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((8 + 4 * n if count is None else count, n))


def _neighbour(values, coordinates, row):
    """A point close by in the direction of a row of floats, exactly."""
    changes = {}
    with working(Work(MOST_BITS)):
        sizes = [abs(x) for c in coordinates if type(x := at(values, *c)) is arb]
        scale = max([s for s in sizes if not s.is_zero()], default=arb(1), key=float)
        for c, move in zip(coordinates, row.tolist(), strict=True):
            x = at(values, *c)
            if type(x) is arb and move:
                changes[c] = x + scale * arb(move) * arb(2) ** (-STEP)
    return replaced(values, changes)


def _gradient(program, values, coordinates, result, truth, stop, deadline):
    """The gradient at a point where the function is smooth, else None."""
    found = []
    for c in coordinates:
        question = Question(program, values, [(c, arb(1))], 1, truth, stop, deadline)
        side: Side = by_series(question, 1)
        number = side.terms[result][1]
        if side.sided or number.proof == "undecided":
            back = by_series(question, -1).terms[result][1]
            if number.proof == "undecided" or not number.overlaps(back):
                return None
        found.append(Number(number.value, "estimated", min(number.digits, 30.0)))
    return found


def _same(a, b) -> bool:
    """Whether two gradients are one up to the distance of the points."""
    close = arb(2) ** (-STEP // 2)
    for x, y in zip(a, b, strict=True):
        if type(x.value) is not arb or type(y.value) is not arb:
            if not x.overlaps(y):
                return False
        elif abs(x.value - y.value) > close * (1 + abs(x.value)):
            return False
    return True


def in_hull(vector: Any, gradients: Any, tolerance: float = 1e-9) -> bool:
    """Whether a vector is a convex combination of gradients, to a tolerance relative to them."""
    rows = np.array([[float(x) for x in row] for row in gradients])
    size = max(1.0, float(np.abs(rows).max(initial=0.0)))
    return hull_distance(vector, rows) <= tolerance * size


def hull_distance(vector: Any, rows: Any) -> float:
    """How far a vector is from the convex hull of rows, up to a small factor; NaN is far."""
    vector, rows = np.asarray(vector, float).ravel(), np.asarray(rows, float)
    if not len(rows) or not (np.isfinite(vector).all() and np.isfinite(rows).all()):
        return float("inf")
    return float(np.linalg.norm(hull_gap(vector, rows)))


def hull_gap(vector: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The way to a vector from a point of the convex hull of rows that is close to it.

    The last entry, one more than the vector has, is how far the weights are from summing to one.
    """
    # Weights w >= 0 with rows^T w = vector and sum w = 1, both as least squares.
    scale = max(float(np.abs(rows).max()), float(np.abs(vector).max()), 1e-300)
    a = np.vstack([rows.T / scale, np.ones(len(rows))])
    b = np.append(vector / scale, 1.0)
    return scale * (b - a @ nonnegative_least_squares(a, b))


def nonnegative_least_squares(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The x >= 0 that brings a x closest to b."""
    n = a.shape[1]
    x, passive = np.zeros(n), np.zeros(n, bool)
    for _ in range(10 * n + 10):
        slope = a.T @ (b - a @ x)
        slope[passive] = -np.inf
        if passive.all() or slope.max() <= 1e-14:
            break
        passive[np.argmax(slope)] = True
        while True:
            best = np.zeros(n)
            best[passive] = np.linalg.lstsq(a[:, passive], b, rcond=None)[0]
            if (best[passive] > 0).all():
                break
            going = passive & (best <= 0)
            step = np.min(x[going] / np.maximum(x[going] - best[going], 1e-300))
            x = x + step * (best - x)
            passive &= x > 1e-15
            x[~passive] = 0.0
            if not passive.any():
                return x
        x = best
    return x
