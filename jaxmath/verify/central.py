"""Central differences that know how far they can be trusted, and where a kink has no slope."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

EPS = float(np.finfo(np.float64).eps)
STEP = EPS ** (1 / 3)
"""The step of a central difference, as a share of the size of a coordinate."""

TILE = 512
"""So many coordinates are differenced in one call, so that asking again for a few is cheap."""

SEEN = 2.0**-10
"""Differences decide where their bar is below this share of the derivative."""


def scatter(centre, answers) -> Any:
    """By how much an answer, in float64, moves at points a few roundings away along axis 0."""
    return np.max(np.abs(answers - centre), axis=0) + EPS * np.abs(centre)


class Differences(NamedTuple):
    """Slopes by central differences, how far they can be trusted, and where a kink has none."""

    slope: np.ndarray
    bar: np.ndarray
    kink: np.ndarray

    def over(self, scale: np.ndarray) -> Differences:
        """The same for moves of size one."""
        return Differences(self.slope / scale, self.bar / scale, self.kink)


def central(centre, values, noise, step: Any = STEP) -> Differences:
    """Differences from the values at +h, -h, +2h and -2h along each move.

    What differences of both steps have in common at a kink is told by the sum of both sides, which
    is of the order of h there and of h^2 elsewhere.
    """
    up, down, twice_up, twice_down = np.split(values, 4)
    near, far = (up - down) / (2 * step), (twice_up - twice_down) / (4 * step)
    bend = np.abs(up + down - 2 * centre) / step
    twice = np.abs(twice_up + twice_down - 2 * centre) / (2 * step)
    kink = (bend > 16 * noise / step) & (twice < 1.5 * bend)
    bar = 3 * np.abs(far - near) + 8 * noise / step
    return Differences(near, np.where(np.isfinite(bar) & ~kink, bar, np.inf), kink)


def tiled(difference, theta, args, index, step) -> np.ndarray:
    """The loss a step up, then a step down, from each coordinate, tile by tile."""
    rest = -len(index) % TILE
    index, step = (np.pad(part, (0, rest), mode="edge").reshape(-1, TILE) for part in (index, step))
    tiles = [difference(theta, args, *tile) for tile in zip(index, step, strict=True)]
    return np.concatenate([np.array(tile) for tile in tiles], axis=1)[:, : index.size - rest]


def every(ask, centre, slope, noise, theta, scale) -> Differences:
    """Differences in every coordinate.

    Where they differ from the slope by more than rounding, the error of the difference itself is
    measured by a second step; and where that is large as well, at a kink or near the end of the
    domain, with steps of the coordinate's own size and far smaller ones.
    """
    step = STEP * scale
    up, down = ask(np.arange(theta.size), step)
    found = Differences((up - down) / (2 * step), 8 * noise / step, np.zeros(theta.size, bool))
    suspect = np.flatnonzero(~(np.abs(found.slope - slope) <= found.bar))
    found.bar[suspect] = np.inf
    own = np.where(theta == 0, scale, np.abs(theta.astype(np.float64)))
    for steps in (step, STEP * own, 2.0**-8 * STEP * own):
        if not suspect.size:
            break
        h = steps[suspect]
        values = np.concatenate([*ask(suspect, h), *ask(suspect, 2 * h)])
        fresh = central(centre, values, noise, h)
        better = ~(fresh.bar > found.bar[suspect])
        for kept, new in zip(found, fresh, strict=True):
            kept[suspect] = np.where(better, new, kept[suspect])
        suspect = suspect[~(found.bar[suspect] <= SEEN * np.abs(found.slope[suspect]))]
    return found
