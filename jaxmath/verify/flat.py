"""A formula seen as a map between vectors, so that one piece of code serves every shape.

All differentiable arguments of a formula, numbers, arrays or pytrees, are laid end to end in one
vector of coordinates; its value is laid out as a vector too. Derivatives are then plain arrays:
`(points, outputs, coordinates)` of first order, `(points, outputs, coordinates, coordinates)` of
second.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxmath import domains
from jaxmath.formula import Formula
from jaxmath.verify.given import QuestionError


@dataclass(frozen=True)
class Layout:
    """Where each argument's entries lie among the coordinates.

    Attributes:
        names: all arguments, in their order.
        wrt: the arguments that are differentiated, in their order.
        shapes: for each of `wrt`, the shapes of its leaves.
        structures: for each of `wrt`, its tree structure.
    """

    names: tuple[str, ...]
    wrt: tuple[str, ...]
    shapes: tuple[tuple[tuple[int, ...], ...], ...]
    structures: tuple[Any, ...]

    @property
    def sizes(self) -> tuple[int, ...]:
        """The number of coordinates of each differentiated argument."""
        return tuple(sum(math.prod(shape) for shape in leaves) for leaves in self.shapes)

    @property
    def size(self) -> int:
        """The number of coordinates in all."""
        return sum(self.sizes)

    def columns(self, name: str) -> slice:
        """The coordinates that belong to one argument."""
        index = self.wrt.index(name)
        start = sum(self.sizes[:index])
        return slice(start, start + self.sizes[index])

    def argument(self, column: int) -> tuple[str, int]:
        """The argument that a coordinate belongs to, and its place within."""
        name = next(n for n in self.wrt if column < self.columns(n).stop)
        return name, column - self.columns(name).start

    def named(self, columns: tuple[int, ...]) -> tuple[str, tuple[int, ...]]:
        """The arguments that coordinates belong to, such as "x" or "x, y", and places within."""
        pairs = [self.argument(column) for column in columns]
        return ", ".join(dict.fromkeys(n for n, _ in pairs)), tuple(own for _, own in pairs)

    def unnamed(self, names: str, places: tuple[int, ...]) -> tuple[int, ...]:
        """The coordinates back from what `named` says."""
        split = names.split(", ")
        return tuple(
            self.columns(split[min(k, len(split) - 1)]).start + place
            for k, place in enumerate(places)
        )

    def flatten(self, args: Mapping[str, Any]) -> tuple[np.ndarray, tuple[Any, ...]]:
        """Points as a matrix `(points, coordinates)`, and the arguments that stay as they are."""
        parts = []
        for name in self.wrt:
            for leaf in jax.tree.leaves(args[name]):
                leaf = np.asarray(leaf)
                parts.append(leaf.reshape(len(leaf), -1))
        fixed = tuple(
            jax.tree.map(np.asarray, args[name]) for name in self.names if name not in self.wrt
        )
        return np.concatenate(parts, axis=1), fixed

    def vectors(self, theta) -> tuple[Any, ...]:
        """Cut the last axis of the coordinates into one vector for each argument."""
        return tuple(theta[..., self.columns(name)] for name in self.wrt)

    def arguments(self, vectors, fixed) -> list[Any]:
        """The arguments of one point, in their order, from its vectors."""
        given, others = iter(zip(vectors, self.shapes, self.structures, strict=True)), iter(fixed)
        return [
            self._unravel(*next(given)) if name in self.wrt else next(others) for name in self.names
        ]

    @staticmethod
    def _unravel(vector, shapes, structure):
        leaves, start = [], 0
        for shape in shapes:
            stop = start + math.prod(shape)
            leaves.append(jnp.reshape(vector[start:stop], shape))
            start = stop
        return jax.tree.unflatten(structure, leaves)


def layout(formula: Formula, wrt: tuple[str, ...] | None = None) -> Layout:
    """Lay out the arguments of a formula that are differentiated (all that can be, by default)."""
    chosen = tuple(n for n in formula.differentiable if wrt is None or n in wrt)
    if not chosen:
        raise QuestionError(
            f"{formula.name} has nothing to differentiate: of its arguments "
            f"{formula.arguments}, {formula.differentiable} are differentiable"
            + (f" and {wrt} were asked for." if wrt is not None else ".")
        )
    flat = [jax.tree.flatten(formula.domain[name], is_leaf=domains.is_domain) for name in chosen]
    return Layout(
        names=formula.arguments,
        wrt=chosen,
        shapes=tuple(tuple(leaf.shape for leaf in leaves) for leaves, _ in flat),
        structures=tuple(structure for _, structure in flat),
    )


def bounds(formula: Formula, where: Layout) -> tuple[np.ndarray, np.ndarray]:
    """The smallest and largest float64 of each coordinate in its domain, infinite if unbounded."""
    low, high = ends(formula, where)
    for name in where.wrt:
        for leaf, own in _intervals(formula, where, name):
            limits = leaf.limits(np.float64)
            low[own] = np.where(np.isfinite(low[own]), limits[0], low[own])
            high[own] = np.where(np.isfinite(high[own]), limits[1], high[own])
    return low, high


def ends(formula: Formula, where: Layout) -> tuple[np.ndarray, np.ndarray]:
    """The ends of the set of each coordinate, whether or not they belong to it."""
    low, high = np.full(where.size, -math.inf), np.full(where.size, math.inf)
    for name in where.wrt:
        for leaf, own in _intervals(formula, where, name):
            low[own], high[own] = leaf.low, leaf.high
    return low, high


def _intervals(formula: Formula, where: Layout, name: str):
    """Each interval among an argument's leaves, with its coordinates; a simplex has [0, ∞)."""
    start = where.columns(name).start
    for leaf in jax.tree.leaves(formula.domain[name], is_leaf=domains.is_domain):
        stop = start + math.prod(leaf.shape)
        interval = leaf.of if isinstance(leaf, domains.Box) else leaf
        if isinstance(interval, domains.Simplex):
            interval = domains.NONNEGATIVE
        if isinstance(interval, domains.Interval):
            yield interval, slice(start, stop)
        start = stop


def places(formula: Formula, where: Layout, point) -> list[int]:
    """Where each coordinate of the layout lies among the real elements of the arguments."""
    found, start = [], 0
    for name, arg in zip(formula.arguments, point, strict=True):
        for leaf in jax.tree.leaves(arg):
            leaf = np.asarray(leaf)
            if jnp.issubdtype(leaf.dtype, jnp.floating):
                if name in where.wrt:
                    found += range(start, start + leaf.size)
                start += leaf.size
    return found


def flat_function(fn: Callable[..., Any], where: Layout) -> Callable[..., Any]:
    """The function of one point as `(*vectors, fixed) -> vector`."""

    def function(*vectors_and_fixed):
        *vectors, fixed = vectors_and_fixed
        value = fn(*where.arguments(vectors, fixed))
        return jnp.concatenate([jnp.ravel(jnp.asarray(leaf)) for leaf in jax.tree.leaves(value)])

    return function


CHUNK = 4096


@functools.lru_cache(maxsize=1024)
def _program(fn: Callable[..., Any], where: Layout):
    function = flat_function(fn, where)
    return jax.jit(jax.vmap(lambda theta, fixed: function(*where.vectors(theta), fixed)))


def evaluate(fn: Callable[..., Any], where: Layout, theta: np.ndarray, fixed) -> np.ndarray:
    """The values `(points, outputs)` of a function at many points, in the dtype of `theta`.

    Works through the points in pieces of one size, so that a function compiles once.
    """
    program, count = _program(fn, where), len(theta)
    size = CHUNK if count > CHUNK // 8 else CHUNK // 8
    padding = -count % size
    index = np.concatenate([np.arange(count), np.zeros(padding, int)])
    pieces = []
    for piece in index.reshape(-1, size):
        part = jax.tree.map(lambda leaf, piece=piece: leaf[piece], fixed)
        pieces.append(np.asarray(program(theta[piece], part)))
    return np.concatenate(pieces)[:count]


def as_dtype(fixed, dtype):
    """Cast the floating arrays among fixed arguments; labels of integer dtype stay."""

    def cast(leaf):
        return leaf.astype(dtype) if jnp.issubdtype(leaf.dtype, jnp.floating) else leaf

    return jax.tree.map(cast, fixed)
