"""Difference quotients extrapolated to step zero, and how far the result is to be believed."""

from __future__ import annotations

import functools

import numpy as np

TINY = float(np.finfo(np.float64).tiny)

LOPSIDED = 1e-5
"""How much narrower a central bar may be than the one-sided bar at the same step."""

FINER = 4
"""How many smaller steps must confirm the one that is believed."""


class Table:
    """Richardson's table along the axis of steps: for each step, its best value and bar.

    Quotients `(points, scales, steps, outputs)` whose error is a series in the step (`base` 2) or
    in its square (`base` 4); `rounding` is their bar at each step.
    """

    def __init__(self, quotient, rounding, base: float, columns: int):
        self.quotient, self.rounding = quotient, rounding
        table, noise = quotient, rounding
        self.value, self.bar = quotient, np.full_like(quotient, np.inf)
        for column in range(1, columns + 1):
            weight = base**column - 1
            improved = table + (table - coarser(table)) / weight
            noise = noise + (noise + coarser(noise)) / weight
            changes = (improved - table, improved - coarser(table), improved - coarser(improved))
            bar = 4 * functools.reduce(np.maximum, map(np.abs, changes)) + noise
            better = bar < self.bar  # never where a step is missing: its change is NaN
            self.value = np.where(better, improved, self.value)
            self.bar = np.where(better, bar, self.bar)
            table = improved


def coarser(table):
    """Each entry's neighbour at twice the step."""
    return np.concatenate([np.full_like(table[:, :, :1], np.nan), table[:, :, :-1]], axis=2)


def believe(table: Table, step: np.ndarray):
    """From small steps to large, keep the narrowest bar for as long as the bars overlap.

    Returns value and bar `(points, outputs)`, and the step at which the kept estimate was found.
    """
    points, outputs = len(step), table.value.shape[-1]
    step = step.reshape(points, -1)
    order = np.argsort(step, axis=1, kind="stable")  # NaN steps come last
    step = np.take_along_axis(step, order, axis=1)
    value, bar, quotient, rounding = (
        np.take_along_axis(
            np.broadcast_to(part, table.value.shape).reshape(points, -1, outputs),
            order[..., None],
            axis=1,
        )
        for part in (table.value, table.bar, table.quotient, table.rounding)
    )
    best, width = np.full((points, outputs), np.nan), np.full((points, outputs), np.inf)
    rough, at = np.full((points, outputs), np.nan), np.full((points, outputs), np.nan)
    stopped = np.zeros((points, outputs), bool)
    for k in range(value.shape[1]):
        known = np.isfinite(bar[:, k]) & ~stopped
        gap = np.abs(value[:, k] - best)
        conflict = known & (gap > bar[:, k] + width)
        # A near miss says that a bar was too narrow, a far one that a feature was stepped over.
        near = conflict & (gap <= 4 * (bar[:, k] + width))
        width = np.where(near, np.fmax(width, gap), width)
        stopped |= conflict
        confirmed = np.isfinite(quotient[:, :k]).sum(axis=1) >= FINER
        better = known & ~conflict & confirmed & (bar[:, k] <= width)
        best, width = np.where(better, value[:, k], best), np.where(better, bar[:, k], width)
        rough = np.where(better, quotient[:, k], rough)
        at = np.where(better, step[:, [k]], at)
    # Towards zero the plain quotients come closer, but for rounding; if not, nothing is resolved.
    farther = np.abs(quotient - best[:, None]) > (
        2 * np.abs(rough - best)[:, None] + 8 * rounding + width[:, None]
    )
    finer = step[..., None] < at[:, None]
    unresolved = (farther & finer).any(axis=1)
    return best, np.where(unresolved, np.inf, width + TINY), at


def both_ways(middle: Table, left: Table, right: Table, step) -> dict[str, np.ndarray]:
    """One estimate from three: the narrowest, if both sides agree; none at a kink."""
    # By symmetry central differences can look converged where the function is not resolved.
    middle.bar = np.fmax(middle.bar, LOPSIDED * np.fmin(left.bar, right.bar))
    value, error, at = believe(middle, step)
    below, below_error, below_at = believe(left, step)
    above, above_error, above_at = believe(right, step)
    kink = np.abs(below - above) > below_error + above_error
    for other, bar, other_at in (
        (below, below_error, below_at),
        (above, above_error, above_at),
    ):
        better = bar < error
        value, error = np.where(better, other, value), np.where(better, bar, error)
        at = np.where(better, other_at, at)
    return dict(
        value=value,
        error=np.where(kink, np.inf, error),
        left=below,
        left_error=below_error,
        right=above,
        right_error=above_error,
        step=at,
    )
