"""The simplest input at which something still fails, in numbers of its own dtype."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

PLAIN = (0.0, 1.0, -1.0, 2.0, -2.0)
"""What every number is tried as first."""

Point = dict[str, Any]


def shrink(
    point: Point,
    failing: Callable[[list[Point]], Iterator[bool]],
    seconds: float = 2.0,
) -> Point:
    """The simplest point found that fails as this one does.

    Numbers become zero, then small integers, then fewer digits; entries of arrays become zero or
    all the same. Integers and labels stay as they are.

    Args:
        point: the arguments by name, arrays or pytrees of them.
        failing: says of points, in turn, whether they fail; asked until the first does.
        seconds: wall-clock time.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        tries = sorted(simpler(point), key=complexity)
        for tried, fails in zip(tries, failing(tries), strict=False):
            if fails:
                point = tried
                break
            if time.monotonic() > deadline:
                return point
        else:
            return point
    return point


def complexity(point: Point) -> tuple[int, int, float]:
    """Entries that are not zero, then digits, then size."""
    used = [v for leaf in _floats(point) for v in np.ravel(leaf) if v != 0]
    digits = sum(_digits(v) for v in used)
    large = sum(abs(np.log10(abs(float(v)))) for v in used if np.isfinite(v))
    return len(used), digits, large + 0.1 * sum(v < 0 for v in used)


def simpler(point: Point) -> list[Point]:
    """Points that are a step simpler: one entry, or one whole array, or all of them changed."""
    leaves, tree = jax.tree.flatten(point)
    now, found = complexity(point), {}
    for k, leaf in enumerate(leaves):
        if not _floating(leaf):
            continue
        for new in _arrays(np.asarray(leaf)):
            candidate = jax.tree.unflatten(tree, [*leaves[:k], new, *leaves[k + 1 :]])
            if complexity(candidate) < now:
                key = b"".join(np.asarray(x).tobytes() for x in jax.tree.leaves(candidate))
                found.setdefault(key, candidate)
    return list(found.values())


def _arrays(leaf: np.ndarray) -> Iterator[np.ndarray]:
    if leaf.ndim == 0:
        yield from (np.asarray(v, leaf.dtype) for v in _numbers(leaf[()]))
        return
    for value in (*PLAIN, *np.unique(leaf[np.isfinite(leaf)])[:2].tolist()):
        yield np.full_like(leaf, value)
    flat = leaf.ravel()
    half = len(flat) // 2
    for part in (slice(0, half), slice(half, None)):
        new = flat.copy()
        new[part] = 0
        yield new.reshape(leaf.shape)
    for most in range(1, 4):
        yield _rounded(flat, most).reshape(leaf.shape)
    for k in range(len(flat)) if len(flat) <= 64 else ():
        for value in _numbers(flat[k]):
            new = flat.copy()
            new[k] = value
            yield new.reshape(leaf.shape)


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
