"""How a domain of all float64 numbers is divided into boxes, and how much of it they are."""

from __future__ import annotations

import math

from jaxmath.verify.proof import Box

ORDINARY = 2.0**-10
"""A proof has to hold at least where numbers are between this and one in size."""


def _position(x: float) -> float:
    """Where a number lies: its size up to one, its logarithm beyond."""
    return math.copysign(math.log1p(abs(x)), x)


def width(low: float, high: float) -> float:
    """How wide an interval is, in powers of two where it does not hold zero."""
    if low > 0 or high < 0:
        return abs(math.log2(abs(high)) - math.log2(abs(low)))
    return _position(high) - _position(low)


def cut(low: float, high: float, ended: bool) -> float | None:
    """Where to divide an interval; None if no float lies between.

    `ended` says that the domain ends at zero, where functions may be singular.
    """
    if low < 0 < high:
        return 0.0
    if high <= 0:
        place = cut(-high, -low, ended)
        return None if place is None else -place
    top = math.frexp(high)[1]
    if low == 0:  # far from one by halving the exponent, towards an end by doubling it
        power = (top - 1) // 2 if top > 3 else (2 * min(top, 0) - 2 if ended else top - 2)
        place = math.ldexp(1.0, max(power, -1022))
        return place if place < high else None
    bottom = math.frexp(low)[1]
    if top - bottom > 2:
        return math.ldexp(1.0, (top + bottom) // 2)
    place = low + (high - low) / 2
    return place if low < place < high else None


def depth(box: Box) -> float:
    """In which order boxes are looked at: ordinary numbers first, and large boxes."""
    total = 0.0
    for low, high in box:
        near, size = sorted((abs(low), abs(high)))
        far = math.log2(near) if low * high > 0 and near > 1 else 0.0
        small = -math.log2(size) / 16 if size < 1 else 0.0
        total += far + small - min(math.log2((high - low) / size), 0.0)
    return total


def share(box: Box, root: Box) -> float:
    """The part of the root that a box is, as `_position` counts."""
    parts = [
        (_position(high) - _position(low)) / (_position(b) - _position(a))
        for (low, high), (a, b) in zip(box, root, strict=True)
    ]
    return math.prod(parts)


def covered(root: Box, left: list[Box]) -> Box | None:
    """A box of the domain without any that is left; None if it would miss ordinary numbers."""
    region = list(root)
    for box in sorted(left, key=depth, reverse=True):
        if any(b <= low or high <= a for (a, b), (low, high) in zip(box, region, strict=True)):
            continue
        cuts = []
        for j, ((a, b), (low, high)) in enumerate(zip(box, region, strict=True)):
            for ends in ((low, a), (b, high)):
                if ends[0] < ends[1]:
                    kept = (_position(ends[1]) - _position(ends[0])) / (
                        _position(high) - _position(low)
                    )
                    cuts.append((kept, j, ends))
        if not cuts:
            return None
        _, j, ends = max(cuts)
        region[j] = ends
    for (low, high), (a, b) in zip(region, root, strict=True):
        if low > max(a, -1.0) + ORDINARY or high < min(b, 1.0) - ORDINARY:
            return None
    return region
