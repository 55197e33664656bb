"""The simplest input at which something still fails, in numbers of its own dtype."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

PLAIN = (0.0, 1.0, -1.0, 2.0, -2.0)
"""What every number is tried as first."""

ENTRIES = 64
"""Arrays of more entries are simplified by halves alone."""

Point = dict[str, Any]


def shrink(point: Point, failing: Callable[[list[Point]], Iterable[bool]]) -> Point:
    """The simplest point found that fails as this one does.

    Arrays as a whole, their halves, then single entries become zero, small integers, or numbers of
    fewer digits, for as long as that helps. Integers and labels stay as they are.

    Args:
        point: the arguments by name, arrays or pytrees of them.
        failing: says of points, in turn, whether they fail; it may stop early.
    """
    before = None
    while before is None or complexity(point) < before:
        before = complexity(point)
        for leaf, part in _parts(point):
            tries = simpler(point, leaf, part)
            found = zip(tries, failing(tries), strict=False)
            point = next((tried for tried, fails in found if fails), point)
    return point


def complexity(point: Point) -> tuple[int, int, float]:
    """Entries that are not zero, then digits, then size."""
    used = [v for leaf in _floats(point) for v in np.ravel(leaf) if v != 0]
    digits = sum(_digits(v) for v in used)
    large = sum(abs(np.log10(abs(float(v)))) for v in used if np.isfinite(v))
    return len(used), digits, large + 0.1 * sum(v < 0 for v in used)


def simpler(point: Point, leaf: int, part: slice) -> list[Point]:
    """Points with something simpler in a part of one leaf, the simplest first."""
    leaves, tree = jax.tree.flatten(point)
    old, found = np.asarray(leaves[leaf]), {}
    for values in _values(old.ravel()[part]):
        new = old.ravel().copy()
        new[part] = values
        put = [*leaves[:leaf], new.reshape(old.shape)[()], *leaves[leaf + 1 :]]
        found.setdefault(new.tobytes(), jax.tree.unflatten(tree, put))
    now = complexity(point)
    return sorted((p for p in found.values() if complexity(p) < now), key=complexity)


def _parts(point: Point) -> Iterator[tuple[int, slice]]:
    """Of each leaf of floats the whole, the halves, and the entries."""
    for k, leaf in enumerate(jax.tree.leaves(point)):
        size = np.size(leaf)
        if _floating(leaf):
            yield k, slice(0, size)
            if size > 3:
                yield from ((k, slice(0, size // 2)), (k, slice(size // 2, size)))
            if 1 < size <= ENTRIES:
                yield from ((k, slice(i, i + 1)) for i in range(size))


def _values(old: np.ndarray) -> Iterator[Any]:
    """What may stand in place of some entries."""
    if len(old) == 1:
        yield from _numbers(old[0])
        return
    yield from (old.dtype.type(v) for v in (*PLAIN, *old[np.isfinite(old)][:1]))
    yield from (_rounded(old, digits) for digits in range(1, 4))


def _numbers(x) -> Iterator[Any]:
    """Simpler numbers than one: plain ones, with fewer digits, powers of two and of ten."""
    yield from (x.dtype.type(v) for v in PLAIN)
    if not np.isfinite(x) or x == 0:
        return
    for most in range(1, 17):
        yield from (v[0] for v in (_rounded(np.array([x]), most), _outward(x, most)))
    power = np.log2(abs(float(x)))
    for k in (np.floor(power), np.ceil(power)):
        with np.errstate(over="ignore"):
            yield x.dtype.type(np.sign(x) * np.ldexp(1.0, int(k)))


def _rounded(values: np.ndarray, digits: int) -> np.ndarray:
    """Values to so many significant decimal digits."""
    return np.array([float(f"{float(v):.{digits - 1}e}") for v in values]).astype(values.dtype)


def _outward(x, digits: int) -> np.ndarray:
    """The next number of so few digits that is larger in size."""
    text = f"{float(x):.{digits - 1}e}"
    mantissa, exponent = text.split("e")
    step = Fraction(10) ** (int(exponent) - digits + 1)
    moved = Fraction(mantissa) * Fraction(10) ** int(exponent)
    moved += step if x > 0 else -step
    try:
        return np.array([float(moved)]).astype(x.dtype)
    except OverflowError:
        return np.array([x])


def _digits(value) -> int:
    """How many digits of a number have to be typed in, in its own dtype; an exponent is one."""
    if not np.isfinite(value):
        return 3
    mantissa, _, exponent = np.format_float_scientific(value, trim="-").partition("e")
    return sum(c.isdigit() for c in mantissa) + (abs(int(exponent)) > 3)


def _floating(leaf) -> bool:
    return jnp.issubdtype(np.asarray(leaf).dtype, jnp.floating)


def _floats(point: Point) -> list[Any]:
    return [np.asarray(leaf) for leaf in jax.tree.leaves(point) if _floating(leaf)]
