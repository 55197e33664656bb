"""The points of an examination: which are looked at, and at which the truth is asked first."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxmath import domains
from jaxmath.formula import Formula
from jaxmath.verify import probes
from jaxmath.verify.answers import Answers, Asked
from jaxmath.verify.branches import Branches
from jaxmath.verify.flat import Layout
from jaxmath.verify.given import QuestionError

POINTS = 768
"""How many points are looked at in floats."""


class Points:
    """Points of a domain, by argument along axis 0, with what is answered at each.

    Args:
        formula, lay, asked: the function, its coordinates, and who answers.
        dtype: of the points.
        given: points that come first, by argument.
        rng: where points between these are drawn from.
        branches: tells how the comparisons of the function come out, if given.
    """

    def __init__(
        self,
        formula: Formula,
        lay: Layout,
        asked: Asked,
        dtype: np.dtype,
        given: Mapping[str, Any] | None,
        seed: int,
        rng: np.random.Generator,
        branches: Branches | None = None,
    ):
        self.formula, self.lay, self.asked, self.dtype, self.rng = formula, lay, asked, dtype, rng
        self.branches = branches
        self.args = probes.candidates(formula, dtype, POINTS, seed)
        if len(self) == 0:
            raise QuestionError(f"No point was found in the domain of {formula.name}.")
        self.given = 0
        if given is not None:
            self.given = len(jax.tree.leaves(given)[0])
            first = {n: jax.tree.map(np.asarray, given[n]) for n in formula.arguments}
            self.args = _joined(_cast(first, self.args), self.args)
        self.answers: Answers = asked(self.args)
        self.first_edge = len(self)
        self._find_edges()

    def __len__(self) -> int:
        return len(jax.tree.leaves(self.args)[0])

    def at(self, index: int) -> tuple[Any, ...]:
        """The arguments at one point."""
        return tuple(
            jax.tree.map(lambda leaf: np.asarray(leaf)[index], self.args[name])
            for name in self.formula.arguments
        )

    def named(self, index: int) -> dict[str, Any]:
        """The arguments at one point, by name."""
        return dict(zip(self.formula.arguments, self.at(index), strict=True))

    def order(self) -> np.ndarray:
        """All points: those given, then suspicious, special and edge ones in turns."""
        a = self.answers
        score = np.zeros(len(self))
        fine = np.isfinite(a.value).all(axis=1)
        score += np.where(np.isnan(a.value).any(axis=1), 3.0, 0.0)
        modes = a.derivatives()
        for mode in modes:
            score += np.where(fine & ~np.isfinite(mode).all(axis=1), 4.0, 0.0)
            score += np.where(fine & (mode == 0).any(axis=1), 1.0, 0.0)
        for said in (a.first, a.second):
            for other in list(said.values())[1:]:
                one = next(iter(said.values()))
                gap = np.abs(other - one) > 1e-6 * np.abs(one)
                score += np.where(gap.reshape(len(gap), -1).any(axis=1), 2.0, 0.0)
        if self.dtype.itemsize < 8:
            wide = self.asked.wide(self.args)
            pairs = zip([a.value, *modes], [wide.value, *wide.derivatives()], strict=True)
            for narrow, other in pairs:
                gap = np.abs(narrow - other) > 1e-3 * np.abs(other)
                score += np.where((gap | np.isnan(narrow) & ~np.isnan(other)).any(axis=1), 3.0, 0.0)
        score[: self.given] = np.inf
        suspicious = np.argsort(-score, kind="stable")
        edges = np.arange(self.first_edge, len(self))
        return _interleaved(suspicious, np.arange(len(self)), self._spread(), edges)

    def _spread(self) -> np.ndarray:
        """All over the domain from the start: both ends, then between, by the golden ratio."""
        ranked = np.argsort(self.lay.flatten(self.args)[0][:, 0], kind="stable")
        steps = np.arange(len(ranked)) * (math.sqrt(5) - 1) / 2 % 1
        return ranked[np.append([0, len(ranked) - 1], (steps * len(ranked)).astype(int))]

    def chosen(self, index: int, columns: int, outputs: int) -> tuple[list[int], list[int]]:
        """The most suspicious coordinates and results at a point."""
        odd = np.zeros((self.answers.value.shape[1], self.lay.size))
        for said in (*self.answers.first.values(), *self.answers.second.values()):
            strange = ~np.isfinite(said[index]) * 4.0 + (said[index] == 0) * 1.0
            odd += strange if strange.ndim == 2 else strange.max(axis=2)
        odd += self.rng.uniform(0, 0.5, odd.shape)
        few = np.argsort(-odd.max(axis=0))[:columns], np.argsort(-odd.max(axis=1))[:outputs]
        return sorted(few[0].tolist()), sorted(few[1].tolist())

    def moved(self, index: list[int]) -> np.ndarray:
        """Take in points whose bits differ a little from some; returns their places."""
        bits = probes.bits_of(self.lay.flatten(self.args)[0][index])
        room = 8 * self.dtype.itemsize - 10
        steps = np.exp2(self.rng.uniform(0, room, bits.shape)).astype(np.int64)
        steps *= self.rng.choice([-1, 1], bits.shape)
        steps *= self.rng.random(bits.shape) < max(0.5, 1 / bits.shape[1])
        moved = probes.of_bits(bits + steps, self.dtype)
        keep = np.isfinite(moved).all(axis=1)
        return self._add(with_coordinates(self.lay, self.args, np.array(index)[keep], moved[keep]))

    def _find_edges(self) -> None:
        """Points on both sides of where answers become NaN, infinite or zero, or a comparison of
        the function comes out differently, by bisection.
        """
        theta, fixed = self.lay.flatten(self.args)
        kinds = self._kinds(self.args)
        finite = np.flatnonzero(np.isfinite(theta).all(axis=1))
        if self.lay.size == 1:
            row = finite[np.argsort(theta[finite, 0], kind="stable")]
            pairs = np.stack([row[:-1], row[1:]], axis=1)
        else:
            pairs = self.rng.choice(finite, (256, 2)) if len(finite) else np.zeros((0, 2), int)
        for leaf in jax.tree.leaves(fixed):  # labels stay the same between the two
            rows = leaf.reshape(len(leaf), -1)
            pairs = pairs[(rows[pairs[:, 0]] == rows[pairs[:, 1]]).all(axis=1)]
        pairs = pairs[(kinds[pairs[:, 0]] != kinds[pairs[:, 1]]).any(axis=1)][:96]
        if len(pairs) == 0:
            return
        low, high = (probes.bits_of(theta[pairs[:, k]]) for k in (0, 1))
        at_low = kinds[pairs[:, 0]]
        for _ in range(8 * self.dtype.itemsize + 2):
            middle = low // 2 + high // 2 + (low % 2 + high % 2) // 2
            if ((middle == low) | (middle == high)).all():
                break
            args = self._between(pairs[:, 0], middle)
            moved = (self._kinds(args) != at_low).any(axis=1)[:, None]
            low, high = np.where(moved, low, middle), np.where(moved, middle, high)
        for bits in (low, high):
            self._add(self._between(pairs[:, 0], bits))

    def _kinds(self, args) -> np.ndarray:
        classes = _classes(self.asked(args, closed=False))
        if self.branches is None:
            return classes
        return np.concatenate([classes, self.branches(args)[0]], axis=1)

    def _between(self, index, bits) -> dict[str, Any]:
        return with_coordinates(self.lay, self.args, index, probes.of_bits(bits, self.dtype))

    def _add(self, args) -> np.ndarray:
        """Take in those points that lie in the domain; returns their places."""
        args = probes.kept(self.formula, self._inside(args))
        start, count = len(self), len(jax.tree.leaves(args)[0])
        if count:
            more = self.asked(args)
            self.args = _joined(self.args, args)
            self.answers = self.answers.joined(more)
        return np.arange(start, start + count)

    def _inside(self, args):
        names = self.formula.arguments
        check = jax.vmap(
            lambda *a: domains.contains(dict(self.formula.domain), dict(zip(names, a, strict=True)))
        )
        inside = np.asarray(check(*(args[n] for n in names)))
        return jax.tree.map(lambda leaf: leaf[np.flatnonzero(inside)], args)


def with_coordinates(lay: Layout, args, index, theta) -> dict[str, Any]:
    """The points of an index with other coordinates; subnormal ones become zero."""
    tiny = float(jnp.finfo(theta.dtype).tiny)
    theta = np.where(np.abs(theta) < tiny, 0, theta).astype(theta.dtype)
    args = jax.tree.map(lambda leaf: leaf[index], args)
    for k, name in enumerate(lay.wrt):
        block, leaves, start = theta[:, lay.columns(name)], [], 0
        for shape in lay.shapes[k]:
            stop = start + math.prod(shape)
            leaves.append(block[:, start:stop].reshape(len(block), *shape))
            start = stop
        args[name] = jax.tree.unflatten(lay.structures[k], leaves)
    return args


def _classes(a: Answers) -> np.ndarray:
    """Whether each answer is NaN, infinite, zero, or an ordinary number."""
    both = np.concatenate([a.value, *a.derivatives()], axis=1)[:, :64]
    return np.isnan(both) * 3 + np.isinf(both) * 2 + (both == 0) * 1


def _joined(one, two):
    return {name: jax.tree.map(lambda a, b: np.concatenate([a, b]), one[name], two[name])
            for name in two}  # fmt: skip


def _cast(given, like):
    return {name: jax.tree.map(lambda a, b: a.astype(b.dtype), given[name], like[name])
            for name in like}  # fmt: skip


def _interleaved(*orders: np.ndarray) -> np.ndarray:
    """One after the other from each order, each point once."""
    length = max(map(len, orders))
    rows = [np.pad(o, (0, length - len(o)), constant_values=-1) for o in orders]
    flat = np.stack(rows, axis=1).ravel()
    flat = flat[flat >= 0]
    return flat[np.sort(np.unique(flat, return_index=True)[1])]
