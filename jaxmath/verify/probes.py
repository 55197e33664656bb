"""Where functions fail: special numbers, arrays with structure, every decade, every bit pattern."""

from __future__ import annotations

import itertools
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxmath import domains
from jaxmath.domains import Box, Choices, Integers, Interval
from jaxmath.formula import Formula

INTEGERS = (*range(1, 13), 15, 16, 20, 25, 30, 32, 40, 50, 64, 100, 128, 256, 1000, 1024)
HALVES = (0.5, 1.5, 2.5, 3.5, 7.5, 10.5, 16.5, 22.5, 50.5)

MOST_TOGETHER = 128
"""How many combinations of the first special values of all arguments are looked at."""


def numbers(domain, dtype, rng: np.random.Generator, count: int) -> np.ndarray:
    """Numbers of a set: the special ones first, then decades, then random ones."""
    if isinstance(domain, Choices | Integers):
        edges = np.asarray(domain.edges(dtype))
        return edges if isinstance(domain, Integers) else edges.astype(dtype)
    info = jnp.finfo(dtype)
    eps, tiny, largest = float(info.eps), float(info.tiny), float(info.max)
    ends = [e for e in (domain.low, domain.high) if math.isfinite(e)]
    special = [0.0, 1.0, -1.0, *INTEGERS, *HALVES, 1 / 3, 0.1, 0.3, 0.7, 0.9, 0.99]
    special += [eps, eps**2, math.sqrt(eps), tiny, math.sqrt(tiny), largest, math.sqrt(largest)]
    special += [1 + eps, 1 - eps / 2, 1 + 4 * eps, 1 - 64 * eps, 1 + 1e-3, 1 - 1e-3, largest / 2]
    special = [s * x for x in special for s in (1.0, -1.0)]
    for end in ends:
        unit = max(abs(end) * eps, tiny)
        special += [end, *(end + s * unit * k for s in (1, -1) for k in (1, 16, 1 << 12))]
    low, high = math.log10(tiny), math.log10(largest)
    step = max((high - low) / 80, 0.5)
    decades = [s * 10.0**k for k in np.arange(low, high, step) for s in (1, -1)]
    scale = np.exp2(rng.uniform(-4, 11, count)) * rng.choice([-1.0, 1.0], count)
    bits = np.exp2(rng.uniform(math.log2(tiny), math.log2(largest), count))
    near = [e + s * b for e in ends for s in (1, -1) for b in bits[: count // 4] / largest**0.5]
    ordinary = max(domain.low, -10.0), min(domain.high, 10.0)
    if ordinary[0] >= ordinary[1]:  # the whole interval lies outside the ordinary scale
        ordinary = domain.limits(dtype)
    spread = rng.uniform(ordinary[0], ordinary[1], count)
    drawn = np.concatenate([scale, spread, bits * rng.choice([-1.0, 1.0], count), near])
    with np.errstate(all="ignore"):
        every = np.array([*special, *decades, *drawn]).astype(dtype)
    every = every[inside(domain, every)]
    every = np.concatenate([np.array(domain.extra, dtype), every])
    return every[np.sort(np.unique(every, return_index=True)[1])]


def inside(domain: Interval, values: np.ndarray) -> np.ndarray:
    """Which finite numbers, zero or normal, lie in an interval."""
    wide = values.astype(np.float64)
    low, high = domain.limits(values.dtype)
    tiny = float(jnp.finfo(values.dtype).tiny)
    return (wide >= low) & (wide <= high) & ((np.abs(wide) >= tiny) | (wide == 0))


def arrays(domain: Box, dtype, rng: np.random.Generator, count: int) -> np.ndarray:
    """Arrays of a shape: constant, tied, one entry special, singular, of low rank, random."""
    pool = numbers(domain.of, dtype, rng, 64)
    size = math.prod(domain.shape)
    index = np.arange(size)
    found = [np.full(size, v) for v in pool[:40]]
    ordinary = pool[np.abs(pool - 0.75) < 3] if len(pool) else pool
    ordinary = ordinary if len(ordinary) else pool
    for value in pool[:60]:
        for where in (0, size - 1):
            row = rng.choice(ordinary, size)
            row[where] = value
            found.append(row)
        row = np.full(size, ordinary[0])
        row[0] = value
        found.append(row)
    found += [np.where(index % 2 == 0, 0, v) for v in pool[:60]]
    structured = [index, index % 2, index + 1.0, -index, 10.0 * index, 17.0 * (index % 2)]
    if len(domain.shape) == 2:
        rows, columns = domain.shape
        eye = np.eye(rows, columns)
        diagonal = np.diag([1.0, 1.0, *range(2, rows)])[:rows] if rows > 1 else eye
        ladder = np.outer(np.arange(1, rows + 1), np.arange(1, columns + 1))
        square = [eye, 2 * eye, ladder, eye + 1, np.ones(domain.shape)]
        structured += [m.ravel() for m in square]
        if rows == columns:
            structured.append(diagonal.ravel())
    found += structured
    while len(found) < count:
        kind = len(found) % 4
        if kind == 0:
            row = rng.choice(pool, size)
        elif kind == 1:
            row = rng.normal(size=size) * 2.0 ** rng.uniform(-3, 8)
        elif kind == 2:
            row = rng.integers(-3, 4, size).astype(float)
        else:
            row = rng.choice(ordinary, size) * 2.0 ** rng.uniform(-40, 10)
        found.append(row)
    rows = np.stack([np.asarray(row, np.float64) for row in found]).astype(dtype)
    if isinstance(domain.of, Interval):
        finite = inside(domain.of, rows.ravel()).reshape(rows.shape)
        known = np.isin(rows, np.array(domain.of.extra, dtype)) if domain.of.extra else False
        known = known | (np.isnan(rows) & any(math.isnan(v) for v in domain.of.extra))
        rows = rows[(finite | known).all(axis=1)]
    else:
        rows = rows[np.isin(rows, np.asarray(domain.of.edges(dtype))).all(axis=1)]
    return rows.reshape(-1, *domain.shape)


def candidates(formula: Formula, dtype, count: int, seed: int) -> dict[str, Any]:
    """Points of the domain, by argument along axis 0: each argument's special values among
    ordinary ones, all arguments at special values, random ones.
    """
    rng = np.random.default_rng(seed)
    pools = []
    names = list(formula.domain)
    structure = []
    for name in names:
        leaves, tree = jax.tree.flatten(formula.domain[name], is_leaf=domains.is_domain)
        structure.append((tree, len(leaves)))
        pools += [_pool(leaf, dtype, rng, count) for leaf in leaves]
    rows: list[list[int]] = []
    ordinary = [_ordinary(pool) for pool in pools]
    for k, pool in enumerate(pools):
        most = max(count // (2 * len(pools)), 8)
        for i in range(min(len(pool), most if len(pools) > 1 else count)):
            row = [int(rng.choice(o)) for o in ordinary]
            row[k] = i
            rows.append(row)
    if len(pools) > 1:
        rows += _together([len(pool) for pool in pools], rng)[: count // 2]
        while len(rows) < count:
            rows.append(
                [
                    int(rng.choice(o)) if rng.random() < 0.5 else int(rng.integers(len(pool)))
                    for o, pool in zip(ordinary, pools, strict=True)
                ]
            )
    index = np.array(rows)
    leaves = [pool[index[:, k]] for k, pool in enumerate(pools)]
    points, start = {}, 0
    for name, (tree, size) in zip(names, structure, strict=True):
        points[name] = jax.tree.unflatten(tree, leaves[start : start + size])
        start += size
    return kept(formula, points)


def _together(sizes: list[int], rng: np.random.Generator) -> list[list[int]]:
    """Several arguments at special values at once: the first of each with one another, and more."""
    first = int(MOST_TOGETHER ** (1 / len(sizes)))
    grid = list(itertools.product(*(range(min(size, first)) for size in sizes)))
    if len(sizes) == 2:
        others = itertools.product(*(range(min(size, 28)) for size in sizes))
        more = [row for row in others if max(row) >= first]
        rng.shuffle(more)
        grid += more
    return [list(row) for row in grid]


def kept(formula: Formula, points: dict[str, Any]) -> dict[str, Any]:
    """The points at which the arguments are related as they must."""
    where = formula.where
    if where is None:
        return points
    values = [points[name] for name in formula.arguments]
    related = np.asarray(jax.vmap(lambda *args: jnp.all(where(*args)))(*values))
    chosen = np.flatnonzero(related)
    return jax.tree.map(lambda leaf: leaf[chosen], points)


def _pool(leaf, dtype, rng, count):
    if isinstance(leaf, Box):
        return arrays(leaf, dtype, rng, count)
    if isinstance(leaf, Interval | Choices | Integers):
        return numbers(leaf, dtype, rng, max(count // 4, 32))
    return np.concatenate([leaf.edges(dtype), leaf.sample(rng, count, dtype)])


def _ordinary(pool: np.ndarray) -> np.ndarray:
    """Which values have the usual size."""
    size = np.abs(pool.astype(np.float64)).reshape(len(pool), -1).max(axis=1)
    found = np.flatnonzero((size <= 30) & (size >= 1e-2))
    return found if len(found) else np.arange(len(pool))


def bits_of(x: np.ndarray) -> np.ndarray:
    """Floats as integers in their order, so that neighbours differ by one."""
    kind = {2: np.int16, 4: np.int32, 8: np.int64}[x.dtype.itemsize]
    raw = x.view(kind).astype(np.int64)
    lowest = -(1 << (8 * x.dtype.itemsize - 1))
    return np.where(raw < 0, lowest - raw, raw)


def of_bits(bits: np.ndarray, dtype) -> np.ndarray:
    """The inverse of `bits_of`."""
    dtype = np.dtype(dtype)
    kind = {2: np.int16, 4: np.int32, 8: np.int64}[dtype.itemsize]
    lowest = -(1 << (8 * dtype.itemsize - 1))
    return np.where(bits < 0, lowest - bits, bits).astype(kind).view(dtype)
