r"""Sets on which formulas hold: what lies inside, how to sample it, and where its edges are.

A domain describes one argument of one example. A pytree of domains describes a pytree of
arguments; `sample` and `edges` of a single domain return a leading axis of points.

Sampling covers the *representable* range and not only the ordinary one: half of the points are
spread over the exponents of the dtype, measured from zero and from each finite end, because that
is where formulas lose their digits. The other half lies where people look.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike
from jaxtyping import Array, Bool

ORDINARY = 10.0
"""Half-width of the ordinary scale: where most inputs of most programs lie."""


@runtime_checkable
class Domain(Protocol):
    """What `verify` needs to know of the set of values of one argument."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one element."""
        ...

    @property
    def differentiable(self) -> bool:
        """Whether derivatives with respect to this argument make sense."""
        ...

    def contains(self, value) -> Bool[Array, ""]:
        """Whether one value lies in the set; NaN never does."""
        ...

    def sample(self, rng: np.random.Generator, count: int, dtype: DTypeLike) -> np.ndarray:
        """Draw `count` elements, half over the exponents of the dtype, half in ordinary range."""
        ...

    def edges(self, dtype: DTypeLike) -> np.ndarray:
        """The extreme elements and their neighbours, stacked along the first axis."""
        ...


@dataclass(frozen=True)
class Interval:
    """The real numbers between `low` and `high`; an end belongs to the set if it is closed.

    `extra` names what else a function has to answer for, of the infinities and NaN. It is not
    sampled: only an examination (`jaxmath.verify.examine`) goes there.
    """

    low: float = -math.inf
    high: float = math.inf
    closed: tuple[bool, bool] = (False, False)
    extra: tuple[float, ...] = ()

    shape = ()
    differentiable = True

    def __post_init__(self):
        if not self.low < self.high:
            raise ValueError(f"An interval needs low < high, got {self.low} and {self.high}.")

    def __str__(self) -> str:
        left, right = "[" if self.closed[0] else "(", "]" if self.closed[1] else ")"
        more = "".join(f" | {value:g}" for value in self.extra)
        return f"{left}{self.low:g}, {self.high:g}{right}{more}".replace("inf", "∞")

    def contains(self, value) -> Bool[Array, ""]:
        """Whether one number lies in the interval; NaN never does."""
        value = jnp.asarray(value)
        above = value >= self.low if self.closed[0] else value > self.low
        below = value <= self.high if self.closed[1] else value < self.high
        return above & below

    def limits(self, dtype: DTypeLike) -> tuple[float, float]:
        """The smallest and the largest element that the dtype can represent as normal numbers."""
        info = jnp.finfo(dtype)
        one = np.dtype(dtype).type

        def inside(end: float, towards: float, closed: bool) -> float:
            rounded = one(np.clip(end, float(info.min), float(info.max)))
            if math.isinf(end) or closed:
                return float(rounded)
            if rounded == 0:
                return math.copysign(float(info.tiny), towards)
            return float(np.nextafter(rounded, one(towards)))

        return (
            inside(self.low, math.inf, self.closed[0]),
            inside(self.high, -math.inf, self.closed[1]),
        )

    def sample(self, rng: np.random.Generator, count: int, dtype: DTypeLike) -> np.ndarray:
        """Draw numbers: half uniform in ordinary range, half uniform in the exponent."""
        info = jnp.finfo(dtype)
        low, high = self.limits(dtype)
        ordinary_low, ordinary_high = max(low, -ORDINARY), min(high, ORDINARY)
        if ordinary_low >= ordinary_high:  # the whole interval lies outside the ordinary scale
            ordinary_low, ordinary_high = low, high
        # Distances on a logarithmic scale start from zero and from every finite end.
        anchors = [0.0] if self.low <= 0.0 <= self.high else []
        anchors += [end for end in (self.low, self.high) if math.isfinite(end) and end != 0.0]

        ordinary = rng.uniform(ordinary_low, ordinary_high, count).astype(dtype)
        anchor = rng.choice(np.array(anchors, dtype), count)
        smallest = np.log2(np.maximum(np.abs(anchor) * info.eps, info.tiny))
        largest = math.log2(min(2 * max(abs(low), abs(high)), float(info.max)))
        sign = rng.choice(np.array([-1, 1], dtype), count)
        with np.errstate(over="ignore"):
            distance = np.exp2(rng.uniform(smallest, largest)).astype(dtype)
            distance = np.minimum(distance, info.max)
            # A step out of the interval is reflected into it where the other side has room.
            spread = anchor + sign * distance
            outside = (spread < low) | (spread > high)
            spread = np.where(outside, anchor - sign * distance, spread)
        spread = np.where((spread < low) | (spread > high), ordinary, spread)
        chosen = np.where(rng.random(count) < 0.5, spread, ordinary)
        return np.clip(chosen, low, high).astype(dtype)

    def edges(self, dtype: DTypeLike) -> np.ndarray:
        """The ends, zero, one, the dtype's limits, and the floats next to each, where inside."""
        info, one = jnp.finfo(dtype), np.dtype(dtype).type
        low, high = self.limits(dtype)
        tiny, eps = float(info.tiny), float(info.eps)
        points = {low, high, 0.0, tiny, -tiny, eps, -eps, 1.0, -1.0, *self._finite_ends()}
        values = np.array(sorted(points), dtype)
        with np.errstate(over="ignore"):  # the neighbour of the largest number is infinite
            around = np.concatenate(
                [np.nextafter(values, one(-np.inf)), values, np.nextafter(values, one(np.inf))]
            )
        normal = (np.abs(around) >= tiny) | (around == 0)
        return np.unique(around[(around >= low) & (around <= high) & normal])

    def _finite_ends(self) -> list[float]:
        return [end for end in (self.low, self.high) if math.isfinite(end)]


REAL = Interval()
POSITIVE = Interval(0.0)
NONNEGATIVE = Interval(0.0, closed=(True, False))
NEGATIVE = Interval(high=0.0)
UNIT = Interval(0.0, 1.0, closed=(True, True))
OPEN_UNIT = Interval(0.0, 1.0)


@dataclass(frozen=True)
class Choices:
    """A finite set of numbers, such as the labels {0, 1}; not differentiated."""

    values: tuple[float, ...]

    shape = ()
    differentiable = False

    def __str__(self) -> str:
        return "{" + ", ".join(f"{value:g}" for value in self.values) + "}"

    def contains(self, value) -> Bool[Array, ""]:
        """Whether one number is among the values."""
        return jnp.any(jnp.asarray(value) == jnp.asarray(self.values))

    def sample(self, rng: np.random.Generator, count: int, dtype: DTypeLike) -> np.ndarray:
        """Draw values uniformly, in the dtype of the formula's other arguments."""
        return rng.choice(np.asarray(self.values, dtype), count)

    def edges(self, dtype: DTypeLike) -> np.ndarray:
        """All values."""
        return np.asarray(self.values, dtype)


@dataclass(frozen=True)
class Integers:
    """Whole numbers from `low` to `high`, both included, of integer dtype; not differentiated."""

    low: int
    high: int

    shape = ()
    differentiable = False

    def __str__(self) -> str:
        return f"{{{self.low}, …, {self.high}}}"

    def contains(self, value) -> Bool[Array, ""]:
        """Whether one number is whole and in range."""
        value = jnp.asarray(value)
        return (value >= self.low) & (value <= self.high) & (value == jnp.floor(value))

    def sample(self, rng: np.random.Generator, count: int, dtype: DTypeLike) -> np.ndarray:
        """Draw integers uniformly, of a wide range half by the exponent of their distance from low.

        `dtype` is that of the other arguments and not used.
        """
        drawn = rng.integers(self.low, self.high + 1, count)
        if self.high - self.low > 64:
            spread = np.exp2(rng.uniform(0, np.log2(self.high - self.low + 1), count)) - 1
            drawn = np.where(rng.random(count) < 0.5, self.low + spread.astype(np.int64), drawn)
        return drawn.astype(np.int32)

    def edges(self, dtype: DTypeLike) -> np.ndarray:
        """Both ends and their neighbours inside."""
        ends = {self.low, min(self.low + 1, self.high), max(self.high - 1, self.low), self.high}
        return np.array(sorted(ends), np.int32)


@dataclass(frozen=True)
class Fixed:
    """The elements of another domain as data: not differentiated, like a label."""

    of: Domain

    differentiable = False

    def __str__(self) -> str:
        return f"{self.of}, fixed"

    @property
    def shape(self) -> tuple[int, ...]:
        """That of the other domain."""
        return self.of.shape

    def contains(self, value) -> Bool[Array, ""]:
        """Whether the other domain does."""
        return self.of.contains(value)

    def sample(self, rng: np.random.Generator, count: int, dtype: DTypeLike) -> np.ndarray:
        """Draw from the other domain."""
        return self.of.sample(rng, count, dtype)

    def edges(self, dtype: DTypeLike) -> np.ndarray:
        """Those of the other domain."""
        return self.of.edges(dtype)


BINARY = Choices((0.0, 1.0))
SIGN = Choices((-1.0, 1.0))


@dataclass(frozen=True)
class Box:
    """Arrays of one shape, each entry in the domain `of`."""

    shape: tuple[int, ...]
    of: Interval | Choices | Integers = REAL

    def __str__(self) -> str:
        return f"{self.of}^{'×'.join(map(str, self.shape))}"

    @property
    def differentiable(self) -> bool:
        """Whether the entries are."""
        return self.of.differentiable

    def contains(self, value) -> Bool[Array, ""]:
        """Whether every entry lies in `of`."""
        return jnp.all(jax.vmap(self.of.contains)(jnp.ravel(jnp.asarray(value))))

    def sample(self, rng: np.random.Generator, count: int, dtype: DTypeLike) -> np.ndarray:
        """Draw the entries independently; one draw in eight has all entries equal."""
        entries = self.of.sample(rng, count * math.prod(self.shape), dtype)
        equal = self.of.sample(rng, count, dtype).reshape(count, *(1 for _ in self.shape))
        tied = rng.random(equal.shape) < 1 / 8
        return np.where(tied, equal, entries.reshape(count, *self.shape))

    def edges(self, dtype: DTypeLike) -> np.ndarray:
        """Each edge of `of` in all entries at once, and in one entry among ordinary ones."""
        values = self.of.edges(dtype)
        ordinary = values[np.argsort(np.abs(values - values.dtype.type(0.5)), kind="stable")[0]]
        everywhere = np.broadcast_to(
            values.reshape(-1, *(1 for _ in self.shape)), (len(values), *self.shape)
        )
        alone = np.full((len(values), *self.shape), ordinary, values.dtype)
        alone.reshape(len(values), -1)[:, 0] = values
        return np.concatenate([everywhere, alone])


@dataclass(frozen=True)
class Simplex:
    """Probability vectors: `size` non-negative numbers with sum one."""

    size: int

    differentiable = True

    def __str__(self) -> str:
        return f"simplex of {self.size}"

    @property
    def shape(self) -> tuple[int, ...]:
        """One vector."""
        return (self.size,)

    def contains(self, value) -> Bool[Array, ""]:
        """Whether the entries are non-negative and sum to one up to rounding."""
        value = jnp.asarray(value)
        slack = 4 * self.size * jnp.finfo(value.dtype).eps
        return jnp.all(value >= 0) & (jnp.abs(jnp.sum(value) - 1) <= slack)

    def sample(self, rng: np.random.Generator, count: int, dtype: DTypeLike) -> np.ndarray:
        """Draw softmax images of logits, some nearly uniform and some nearly at a vertex."""
        widest = -math.log(float(jnp.finfo(dtype).tiny)) / 4
        spread = np.exp2(rng.uniform(-8.0, math.log2(widest), (count, 1)))
        logits = spread * rng.normal(size=(count, self.size))
        weights = np.exp(logits - logits.max(axis=1, keepdims=True))
        drawn = (weights / weights.sum(axis=1, keepdims=True)).astype(dtype)
        return np.where(drawn < jnp.finfo(dtype).tiny, 0, drawn)

    def edges(self, dtype: DTypeLike) -> np.ndarray:
        """The vertices, the centre, and a point next to a vertex."""
        tiny = float(jnp.finfo(dtype).eps)
        near = np.full(self.size, tiny, dtype)
        near[0] = 1 - (self.size - 1) * tiny
        centre = np.full(self.size, 1 / self.size, dtype)
        return np.stack([*np.eye(self.size, dtype=dtype), centre, near])


@dataclass(frozen=True)
class PositiveDefinite:
    """Symmetric positive definite matrices of one size, condition number at most `condition`."""

    size: int
    condition: float = 1e6

    differentiable = True

    def __str__(self) -> str:
        return f"positive definite {self.size}×{self.size}"

    @property
    def shape(self) -> tuple[int, ...]:
        """One matrix."""
        return (self.size, self.size)

    def contains(self, value) -> Bool[Array, ""]:
        """Whether the matrix is symmetric and its smallest eigenvalue positive."""
        value = jnp.asarray(value)
        return jnp.all(value == value.T) & (jnp.linalg.eigvalsh(value)[0] > 0)

    def sample(self, rng: np.random.Generator, count: int, dtype: DTypeLike) -> np.ndarray:
        """Draw random eigenvectors and eigenvalues spread over the exponents."""
        basis, _ = np.linalg.qr(rng.normal(size=(count, *self.shape)))
        half = math.log2(self.condition) / 2
        values = np.exp2(rng.uniform(-half, half, (count, 1, self.size)))
        matrix = (basis * values) @ np.swapaxes(basis, -1, -2)
        return ((matrix + np.swapaxes(matrix, -1, -2)) / 2).astype(dtype)

    def edges(self, dtype: DTypeLike) -> np.ndarray:
        """The identity, a graded diagonal, repeated eigenvalues, and the worst condition."""
        n = self.size
        half = math.sqrt(self.condition)
        graded = np.diag(np.geomspace(1 / half, half, n))
        repeated = np.eye(n) + np.ones((n, n))
        return np.stack([np.eye(n), graded, repeated]).astype(dtype)


def like(tree, of: Interval | Choices | Integers = REAL):
    """The domain of a pytree such as this one: a `Box` of its shape for each array in it.

    A number becomes `of` itself; what is no array of numbers stays away (None), as it does where a
    model keeps functions or settings among its parameters.
    """

    def leaf(value):
        if not hasattr(value, "dtype") and not isinstance(value, (int, float)):
            return None
        return Box(np.shape(value), of) if np.shape(value) else of

    return jax.tree.map(leaf, tree)


def is_domain(node) -> bool:
    """Whether a node of a pytree is a domain, that is a leaf of a pytree of domains."""
    # Boxes of other libraries pass on what is asked of their content; they are branches.
    return isinstance(node, Domain) and jax.tree_util.all_leaves([node])


def sample(domain, rng: np.random.Generator, count: int, dtype: DTypeLike):
    """Draw `count` elements of a domain or of a pytree of domains, leaf by leaf."""
    leaves, structure = jax.tree.flatten(domain, is_leaf=is_domain)
    return jax.tree.unflatten(structure, [leaf.sample(rng, count, dtype) for leaf in leaves])


def contains(domain, value) -> Bool[Array, ""]:
    """Whether one value, or a pytree of values, lies in its domain."""
    inside = jax.tree.map(lambda leaf, part: leaf.contains(part), domain, value, is_leaf=is_domain)
    return jnp.all(jnp.stack(jax.tree.leaves(inside)))
