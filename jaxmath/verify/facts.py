"""Checks of what a record claims of its function, on pairs of points over the whole domain.

Only the named argument moves; the others, labels too, stay those of a drawn point. Each inequality
is granted the rounding of the values it compares, and no more.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import jax
import numpy as np

from jaxmath.formula import (
    Bounded,
    Concave,
    Conjugate,
    Convex,
    Decreasing,
    Even,
    Fact,
    Formula,
    Increasing,
    Lipschitz,
    Minimizer,
    Odd,
    Proper,
    Prox,
    Smooth,
    StronglyConvex,
)
from jaxmath.verify import points
from jaxmath.verify.claims import CLAIMS
from jaxmath.verify.flat import Layout, evaluate, layout
from jaxmath.verify.opinions import autodiff

ROUNDINGS = 16


@runtime_checkable
class Points(Protocol):
    """Points of a formula's domain, as `evidence` has them."""

    @property
    def formula(self) -> Formula:
        """Of what."""
        ...

    @property
    def lay(self) -> Layout:
        """How its arguments lie among the coordinates."""
        ...

    @property
    def theta(self) -> np.ndarray:
        """The coordinates, in the dtype judged."""
        ...

    @property
    def fixed(self) -> tuple[Any, ...]:
        """The arguments that are not differentiated."""
        ...


@dataclass(frozen=True)
class _Drawn:
    formula: Formula
    lay: Layout
    theta: np.ndarray
    fixed: tuple[Any, ...]


def counterexample(formula: Formula, fact: Fact, count: int = 1024) -> str | None:
    """In words, two points in float64 that refute a fact of a formula; None if none is found.

    Besides the pairs on which facts of records are checked, it looks for a jump of the slope
    between two of them, by halving.
    """
    bare = dataclasses.replace(formula, facts=(fact,))
    lay = layout(bare)
    theta, fixed = lay.flatten(points.draw(bare, count, "float64"))
    drawn = _Drawn(bare, lay, theta, fixed)
    for _, words in broken_facts(drawn):
        return words
    if isinstance(fact, Smooth):
        with np.errstate(all="ignore"):
            pairs = _Pairs(drawn, fact.argument)
            pairs.close_in()
            return _words(fact, pairs)
    return None


class _Pairs:
    """Two points that differ in one argument, and a third between them."""

    def __init__(self, e: Points, argument: str):
        self.e, self.own = e, e.lay.columns(argument)
        theta = e.theta.astype(np.float64)
        rng = np.random.default_rng(0)
        count = len(theta)
        # A third of the pairs lie far apart, a third close in the exponent, a third side by side.
        other = theta[rng.permutation(count)][:, self.own]
        near = theta[:, self.own] * rng.uniform(0.5, 2.0, (count, 1))
        close = theta[:, self.own] + rng.normal(size=(count, theta[:, self.own].shape[1]))
        kind = (np.arange(count) % 3)[:, None]
        moved = np.where(kind == 0, other, np.where(kind == 1, near, close))
        for instead in (other, theta[:, self.own]):  # a relation between arguments may not hold
            there = (moved == 0) | (np.abs(moved) >= np.finfo(e.theta.dtype).tiny)
            fits = self.inside(theta, moved) & there.all(axis=1)
            moved = np.where(fits[:, None], moved, instead)
        self.share = rng.choice([0.5, 0.5, 0.25, 0.1, 0.9], (count, 1))
        self.x = theta.astype(e.theta.dtype)
        self.y = self.x.copy()
        self.y[:, self.own] = moved.astype(e.theta.dtype)
        between = (1 - self.share) * self.x[:, self.own] + self.share * self.y[:, self.own]
        self.z = self.x.copy()
        self.z[:, self.own] = between.astype(e.theta.dtype)
        info = np.finfo(e.theta.dtype)
        self.eps, self.tiny = float(info.eps), float(info.tiny)

    def inside(self, theta, moved) -> np.ndarray:
        """Whether each point stays in the domain when its argument takes another value."""
        e, trial = self.e, theta.copy()
        trial[:, self.own] = moved

        def contained(vector, fixed):
            args = dict(
                zip(
                    e.lay.names,
                    e.lay.arguments(e.lay.vectors(vector), fixed),
                    strict=True,
                )
            )
            return _contains(e.formula, args)

        with jax.enable_x64(True):
            return np.asarray(jax.vmap(contained)(trial, e.fixed))

    def value(self, theta, fixed=None) -> np.ndarray:
        fixed = self.e.fixed if fixed is None else fixed
        with jax.enable_x64(True):
            return evaluate(self.e.formula.fn, self.e.lay, theta, fixed).astype(np.float64)

    def noise(self, theta, value, fixed=None) -> np.ndarray:
        """What rounding of the value and of the moved coordinates does to the value."""
        fixed = self.e.fixed if fixed is None else fixed
        found = autodiff(self.e.formula.fn, self.e.lay, theta, fixed, True)
        slope = np.abs(found.first["reverse mode"].astype(np.float64) * theta[:, None, :]).sum(-1)
        return ROUNDINGS * (self.eps * (np.abs(value) + slope) + self.tiny)

    def slope(self, theta) -> tuple[np.ndarray, np.ndarray]:
        """The gradient in the argument, and its rounding."""
        found = autodiff(self.e.formula.fn, self.e.lay, theta, self.e.fixed, True)
        gradient = found.first["reverse mode"][:, :, self.own].astype(np.float64)
        bend = found.second["forward over reverse"][:, :, self.own].astype(np.float64)
        change = np.abs(bend * theta[:, None, None, :]).sum(axis=-1)
        over = np.isinf(change) & np.isfinite(bend).all(axis=-1)
        change = np.where(np.isfinite(change), change, 0.0)
        change = np.where(over, np.finfo(np.float64).max / ROUNDINGS, change)
        return gradient, ROUNDINGS * (self.eps * (np.abs(gradient) + change) + self.tiny)

    def close_in(self) -> None:
        """Bring both points of each pair together, where the slope between them changes most."""
        for _ in range(30):
            middle = self.x.copy()
            middle[:, self.own] = self.x[:, self.own] / 2 + self.y[:, self.own] / 2
            left, here, right = (self.slope(at)[0] for at in (self.x, middle, self.y))
            first, second = (
                np.nan_to_num(_norm((a - here).reshape(len(a), -1))) for a in (left, right)
            )
            lower = (first >= second)[:, None]
            self.x, self.y = np.where(lower, self.x, middle), np.where(lower, middle, self.y)
        self.eps *= 2.0**20  # a jump stands far above rounding


def _contains(formula, args):
    from jaxmath import domains

    inside = domains.contains(dict(formula.domain), args)
    return inside if formula.where is None else inside & formula.where(*args.values())


def broken_facts(e: Points) -> Iterator[tuple[Fact, str]]:
    """Each fact of the record that does not hold, with a counterexample in words."""
    pairs: dict[str, _Pairs] = {}
    with np.errstate(all="ignore"):
        for fact in e.formula.facts:
            if fact.argument not in e.lay.wrt:
                yield fact, f"{fact.name} in an argument that is not differentiated"
                continue
            if fact.argument not in pairs:
                pairs[fact.argument] = _Pairs(e, fact.argument)
            p = pairs[fact.argument]
            if words := _words(fact, p):
                yield fact, words


def _words(fact: Fact, p: _Pairs) -> str | None:
    """The worst of the pairs that break a fact, None if none does."""
    excess, bad = map(np.asarray, _excess(fact, p))
    if not bad.any():
        return None
    worst = int(np.argmax(np.where(bad, excess, -np.inf)))
    return (
        f"not {fact.name}: between {p.x[worst, p.own]} and {p.y[worst, p.own]} "
        f"(all arguments: {p.x[worst]}) it fails by {excess[worst]:.3g}"
    )


def _excess(fact: Fact, p: _Pairs) -> tuple[Any, Any]:
    """By how much each pair breaks the fact, and whether that is more than rounding."""
    fx, fy = p.value(p.x), p.value(p.y)
    noise = p.noise(p.x, fx) + p.noise(p.y, fy)
    if isinstance(fact, Convex | Concave | StronglyConvex):
        fz = p.value(p.z)
        excess = fz - ((1 - p.share) * fx + p.share * fy)
        excess = -excess if isinstance(fact, Concave) else excess
        noise = noise + p.noise(p.z, fz)
        if isinstance(fact, StronglyConvex):
            square = _numbers(fact.constant, p) * np.square(_distance(p))[:, None]
            # The point between is rounded, and so is its share.
            excess = excess + 0.5 * square * (p.share * (1 - p.share))
            noise = noise + ROUNDINGS * p.eps * square
    elif isinstance(fact, Minimizer | Proper | Conjugate | Prox):
        return CLAIMS[type(fact)](fact, p, fx, noise)
    elif isinstance(fact, Increasing | Decreasing):
        up = np.all(p.x[:, p.own] <= p.y[:, p.own], axis=1, keepdims=True)
        down = np.all(p.x[:, p.own] >= p.y[:, p.own], axis=1, keepdims=True)
        rise = np.where(up, fy - fx, np.where(down, fx - fy, np.nan))
        excess = -rise if isinstance(fact, Increasing) else rise
    elif isinstance(fact, Even | Odd):
        mirrored = p.x.copy()
        mirrored[:, p.own] *= -1
        image = p.value(mirrored)
        excess = np.abs(image - fx if isinstance(fact, Even) else image + fx)
    elif isinstance(fact, Bounded):
        low, high = _numbers(fact.low, p), _numbers(fact.high, p)
        excess = np.fmax(low - fx, fx - high)
        noise = np.fmin(noise, ROUNDINGS * p.eps * np.fmax(np.abs(fx), 0.0))
    elif isinstance(fact, Lipschitz):
        excess = _norm(fx - fy) - _constant(fact.constant, p) * _distance(p)
        noise = _norm(noise) + ROUNDINGS * p.eps * _distance(p) * _constant(fact.constant, p)
        return excess, np.isfinite(excess) & (excess > noise)
    elif isinstance(fact, Smooth):
        (gx, nx), (gy, ny) = p.slope(p.x), p.slope(p.y)
        size = _constant(fact.constant, p) * _distance(p)
        gap = _norm((gx - gy).reshape(len(gx), -1))
        noise = _norm((nx + ny).reshape(len(gx), -1)) + ROUNDINGS * p.eps * size
        excess = gap - size
        return excess, np.isfinite(excess) & (excess > noise)
    else:
        raise TypeError(f"No check is written for the fact {fact.name}.")
    bad = (np.isfinite(excess) & (excess > noise)).any(axis=1)
    return np.nan_to_num(excess, nan=-np.inf).max(axis=1), bad


def _norm(vectors) -> np.ndarray:
    """The lengths of rows, whose squares might under- or overflow."""
    size = np.max(np.abs(vectors), axis=1, initial=0.0, keepdims=True)
    unit = np.where((size > 0) & np.isfinite(size), size, 1.0)
    return np.linalg.norm(vectors / unit, axis=1) * unit[:, 0]


def _distance(p: _Pairs) -> np.ndarray:
    return _norm(p.x[:, p.own].astype(np.float64) - p.y[:, p.own])


def _constant(constant: float | Callable, p: _Pairs) -> np.ndarray:
    return _numbers(constant, p).reshape(len(p.x), -1)[:, 0]


def _numbers(constant, p: _Pairs) -> np.ndarray:
    """A constant, or a function of the arguments, at each point; the larger of both ends."""
    if not callable(constant):
        return np.full((len(p.x), 1), float(constant))
    e = p.e
    with jax.enable_x64(True):
        function = jax.vmap(
            lambda vector, fixed: constant(*e.lay.arguments(e.lay.vectors(vector), fixed))
        )
        return np.asarray(function(p.x, e.fixed), np.float64).reshape(len(p.x), -1)
