"""Where a formula is looked at: samples, every edge of its domain, and both sides of its breaks."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike

from jaxmath import domains
from jaxmath.domains import Choices, Integers
from jaxmath.formula import Formula
from jaxmath.verify.given import QuestionError


def draw(formula: Formula, count: int, dtype: DTypeLike, seed: int = 0) -> dict[str, Any]:
    """Draw `count` points of the formula's domain (more, if its edges alone are more).

    Returns NumPy arrays by argument, points along the first axis: first the edges of each argument
    among ordinary values of the others, then all arguments at edges at once, then points on both
    sides of each break and on it, then samples up to `count`.
    """
    with jax.enable_x64(True):
        pool = _samples(formula, max(count, 64), dtype, seed)
        special = _join([*_edges(formula, pool, dtype), *_near_breaks(formula, pool)])
        special = inside(formula, special)
        rest = max(count - _count(special), count // 4)
        pool = inside(formula, pool)
        if _count(pool) == 0:
            raise QuestionError(f"No point was found in the domain of {formula.name}.")
        index = np.arange(rest) % _count(pool)
        return _join([special, _take(pool, index)])


def inside(formula: Formula, args: dict[str, Any]) -> dict[str, Any]:
    """Those of the points that lie in the formula's domain and satisfy `where`."""

    def holds(*args):
        whole = domains.contains(dict(formula.domain), dict(zip(formula.domain, args, strict=True)))
        return whole if formula.where is None else whole & jnp.all(formula.where(*args))

    with jax.enable_x64(True):
        inner = jax.jit(jax.vmap(holds))(*(args[name] for name in formula.arguments))
    return _take(args, np.flatnonzero(np.asarray(inner)))


def ordinary(formula: Formula, args: dict[str, Any]) -> np.ndarray:
    """Which points have every differentiable coordinate zero or between 1e-3 and 10 in size."""
    near = np.ones(_count(args), bool)
    for name in formula.differentiable:
        for leaf in jax.tree.leaves(args[name]):
            size = np.abs(np.asarray(leaf, np.float64)).reshape(len(leaf), -1)
            near &= np.all((size >= 1e-3) & (size <= domains.ORDINARY), axis=1)
    return near


def _samples(formula, count, dtype, seed) -> dict[str, Any]:
    return domains.sample(dict(formula.domain), np.random.default_rng(seed), count, dtype)


def _edges(formula, pool, dtype) -> list[dict[str, Any]]:
    """Each argument at its edges, others as sampled; then all at their edges together."""
    groups, every = [], {}
    for name, domain in formula.domain.items():
        leaves, structure = jax.tree.flatten(domain, is_leaf=domains.is_domain)
        sampled = jax.tree.leaves(pool[name])
        edges = [np.asarray(leaf.edges(dtype)) for leaf in leaves]
        every[name] = (structure, edges)
        for place, edge in enumerate(edges):
            group = _take(pool, np.arange(len(edge)) % _count(pool))
            swapped = [
                edge if i == place else leaf[np.arange(len(edge)) % len(leaf)]
                for i, leaf in enumerate(sampled)
            ]
            group = {**group, name: jax.tree.unflatten(structure, swapped)}
            groups += [group, *_with_each_label(formula, group, dtype)]
    if len(formula.domain) > 1:
        length = max(len(e) for _, edges in every.values() for e in edges)
        together = {}
        for stride, (name, (structure, edges)) in enumerate(every.items()):
            index = np.arange(length) * (2 * stride + 1) + stride
            picked = [edge[index % len(edge)] for edge in edges]
            together[name] = jax.tree.unflatten(structure, picked)
        groups.append(together)
    return groups


def _with_each_label(formula, group, dtype) -> list[dict[str, Any]]:
    """The same points with each label, where there is one label of a few values."""
    labels = [n for n, d in formula.domain.items() if isinstance(d, Choices | Integers)]
    if len(labels) != 1:
        return []
    values = formula.domain[labels[0]].edges(dtype)[:4]
    count = _count(group)
    return [{**group, labels[0]: np.full(count, value, values.dtype)} for value in values]


def _near_breaks(formula, pool, count: int = 8) -> list[dict[str, Any]]:
    """Points exactly on a break and next to it, found by bisection between samples."""
    groups = []
    for jump in formula.breaks:
        program = _distance(jump.distance)

        def side(points, program=program):
            return np.asarray(program(*(points[name] for name in formula.arguments)))

        distance = side(pool)
        nearest = np.argsort(np.where(distance == 0, np.inf, np.abs(distance)), kind="stable")
        below = nearest[distance[nearest] < 0][:count]
        above = nearest[distance[nearest] > 0][:count]
        pairs = min(len(below), len(above))
        if pairs == 0:
            continue
        low, high = _take(pool, below[:pairs]), _take(pool, above[:pairs])
        # The labels of both ends must be the same for the points between them to be points.
        for name in formula.arguments:
            if name not in formula.differentiable:
                low = {**low, name: high[name]}
        kept = np.flatnonzero((side(low) < 0) & (side(high) >= 0))
        if len(kept) == 0:
            continue
        low, high = _take(low, kept), _take(high, kept)
        for _ in range(160):
            middle = {
                name: jax.tree.map(_middle, low[name], high[name])
                if name in formula.differentiable
                else high[name]
                for name in low
            }
            if jax.tree.all(jax.tree.map(_settled, low, middle, high)):
                break
            below_zero = side(middle) < 0
            low = jax.tree.map(lambda m, e, b=below_zero: _where(b, m, e), middle, low)
            high = jax.tree.map(lambda m, e, b=below_zero: _where(b, e, m), middle, high)
        groups += [jax.tree.map(_normal, low), jax.tree.map(_normal, high)]
    return groups


def _normal(leaf):
    """Subnormal numbers, which the processor may take for zero, become the smallest normal."""
    if not np.issubdtype(leaf.dtype, np.floating):
        return leaf
    tiny = np.finfo(leaf.dtype).tiny
    return np.where((leaf != 0) & (np.abs(leaf) < tiny), np.copysign(tiny, leaf), leaf)


@functools.lru_cache(maxsize=256)
def _distance(distance):
    return jax.jit(jax.vmap(lambda *args: jnp.ravel(distance(*args))[0]))


def _middle(low, high):
    return low / 2 + high / 2 if np.issubdtype(low.dtype, np.floating) else low


def _settled(low, middle, high) -> bool:
    return bool(np.all((middle == low) | (middle == high)))


def _where(chosen, left, right):
    return np.where(chosen.reshape(-1, *(1 for _ in left.shape[1:])), left, right)


def _count(points) -> int:
    return len(jax.tree.leaves(points)[0])


def _take(points, index):
    return jax.tree.map(lambda leaf: leaf[index], points)


def _join(groups):
    return jax.tree.map(lambda *parts: np.concatenate(parts), *groups)
