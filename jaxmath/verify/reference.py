r"""A second opinion on derivatives that knows nothing of calculus, with its own error bar.

`numerical` evaluates the function alone, in float64, on ladders of steps that shrink by halves, and
extrapolates the difference quotients to step zero (Richardson; the bar is Ridders'). Each estimate
has a bar made of what extrapolation still changes and of what rounding can do. Small steps have
wide but honest bars and large steps narrow ones that may overlook a feature, so an estimate at a
larger step is believed only while it agrees with those at smaller steps.

Nothing is evaluated outside the domain or across a declared break: where one side is missing, the
quotient is one-sided. Where both sides exist and differ, the point is a kink.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np

from jaxmath.formula import Formula
from jaxmath.verify.flat import Layout, as_dtype, bounds, ends, evaluate, layout
from jaxmath.verify.richardson import LOPSIDED, TINY, Table, believe, both_ways, coarser

EPS = float(np.finfo(np.float64).eps)
STEPS = 28
ROUNDING = 4.0
"""How many roundings a value is granted where float32 shows no more."""
MOST = 12
"""Of how many coordinates, or pairs of them, each point is asked; longer vectors take turns."""
MOST_PAIRS = 120


@dataclass(frozen=True)
class Estimate:
    """A derivative at many points: |value - truth| <= error, where error is infinite if unknown.

    An entry that was not looked at has the error NaN: of long vectors each point is asked for some
    coordinates only.

    `left` and `right` are the one-sided derivatives with their bars `left_error`, `right_error`
    (None for mixed and second derivatives where they were not formed); `kink` says where they are
    certainly different. First order: `(points, outputs, coordinates)`; second order has another
    axis of coordinates. `proof`, of a reference that proves, says how each entry is known: 0 not
    asked, 1 proven, 2 estimated, 3 not decided; `centre` holds the values `(points, outputs)` of
    the function itself, NaN where they are not known.
    """

    value: np.ndarray
    error: np.ndarray
    left: np.ndarray
    left_error: np.ndarray
    right: np.ndarray
    right_error: np.ndarray
    proof: np.ndarray | None = None
    centre: np.ndarray | None = None

    @property
    def kink(self) -> np.ndarray:
        """Where the left and the right derivative are certainly different."""
        with np.errstate(invalid="ignore"):
            return np.abs(self.left - self.right) > self.left_error + self.right_error


@runtime_checkable
class Reference(Protocol):
    """What judges derivatives. Exchangeable: one that is proven can stand in for the numerical."""

    @property
    def name(self) -> str:
        """Words for the report, such as "numerical, not proven"."""
        ...

    def __call__(
        self, formula: Formula, args: Mapping[str, Any], wrt: tuple[str, ...] | None, seconds: bool
    ) -> tuple[Estimate, Estimate | None]:
        """Estimate the first and, if asked for, second derivatives of `formula.fn` at points."""
        ...


@dataclass(frozen=True)
class Numerical:
    """Extrapolated differences of the function in float64, whatever the dtype of the points."""

    name: str = "numerical, not proven"

    def __call__(self, formula, args, wrt=None, seconds=True):
        """Estimate first and, if asked for, second derivatives."""
        with jax.enable_x64(True), np.errstate(all="ignore"):
            lay = layout(formula, wrt)
            theta, fixed = lay.flatten(args)
            probe = _Probe(formula, lay, theta.astype(np.float64), as_dtype(fixed, np.float64))
            first, second, steps = probe.straight()
            return first, probe.mixed(first, second, steps) if seconds else None


numerical: Reference = Numerical()


def described(reference: Reference, estimates: Sequence[Estimate | None]) -> str:
    """The words for a reference and for what it said: which share is proven, estimated, open."""
    proofs = [e.proof.ravel() for e in estimates if e is not None and e.proof is not None]
    if not proofs:
        return numerical.name if reference.name == "proven" else reference.name
    entries = np.concatenate(proofs)
    shares = np.bincount(entries[entries > 0], minlength=4)[1:] / max((entries > 0).sum(), 1)
    named = zip(("proven", "estimated", "not decided"), shares, strict=True)
    words = ", ".join(f"{100 * share:.3g}% {word}" for word, share in named if share)
    return f"exact arithmetic: {words}"


class _Probe:
    """One formula at one set of points: evaluates stencils and extrapolates."""

    def __init__(self, formula: Formula, lay: Layout, theta: np.ndarray, fixed):
        self.formula, self.lay, self.theta, self.fixed = formula, lay, theta, fixed
        self.low, self.high = bounds(formula, lay)
        self.ends = ends(formula, lay)
        self.centre, self.sides = self._values(theta[:, None, :])
        self.noise = self._noise()

    def straight(self) -> tuple[Estimate, Estimate, np.ndarray]:
        """First and second derivatives along each coordinate, and the steps that served best."""
        points, size = self.theta.shape
        outputs = self.centre.shape[-1]
        first = _unknown((points, outputs, size))
        second = _unknown((points, outputs, size, size))
        best = np.full((points, size), np.nan)
        for j, rows in _turns(list(range(size)), points):
            one, two, step = self._at(rows)._along(j)
            best[rows, j] = step
            for name in ("value", "error", "left", "left_error", "right", "right_error"):
                getattr(first, name)[rows, :, j] = one[name]
                getattr(second, name)[rows, :, j, j] = two[name]
        return first, second, best

    def _at(self, rows: np.ndarray) -> _Probe:
        """The same at some of the points."""
        part = copy.copy(self)
        part.theta, part.centre = self.theta[rows], self.centre[rows]
        part.sides, part.noise = self.sides[rows], self.noise[rows]
        part.fixed = jax.tree.map(lambda leaf: leaf[rows], self.fixed)
        return part

    def _along(self, j: int):
        step = self._ladder(j)  # (points, scales, steps), steps shrink along the last axis
        shape = step.shape
        flat = step.reshape(len(step), -1)
        moved = np.repeat(self.theta[:, None, :], 2 * flat.shape[1], axis=1)
        moved[:, : flat.shape[1], j] += flat
        moved[:, flat.shape[1] :, j] -= flat
        values, sides = self._values(moved)
        usable = self._usable(moved, sides) & np.isfinite(values).all(axis=-1)
        # A moved point is rounded, too: by how much it misses its step adds to the noise.
        offset = np.abs(np.abs(moved[..., j] - self.theta[:, [j]]) - np.tile(flat, 2))
        usable &= offset <= np.tile(flat, 2) / 8
        values = np.where(usable[..., None], values, np.nan)
        plus, minus = (v.reshape(*shape, -1) for v in np.split(values, 2, axis=1))
        # A step from a peak to the flat land around it has stepped over what it looks for.
        over = np.fmax(np.abs(plus), np.abs(minus)) < 1e-3 * np.abs(self.centre[:, None, None])
        plus, minus = np.where(over, np.nan, plus), np.where(over, np.nan, minus)
        offset = [part.reshape(*shape, 1) for part in np.split(offset, 2, axis=1)]

        centre, h = self.centre[:, None, None], step[..., None]
        noise = self._noise_of(plus, minus)
        slope = np.fmax(np.abs(plus - centre), np.abs(minus - centre)) / h
        shifted = noise + slope * np.fmax(*offset)
        one = both_ways(
            Table((plus - minus) / (2 * h), shifted / h, 4.0, 5),
            Table((centre - minus) / h, 2 * shifted / h, 2.0, 7),
            Table((plus - centre) / h, 2 * shifted / h, 2.0, 7),
            step,
        )

        def bent(side):
            """The one-sided second quotient needs the step before, twice as large."""
            return (coarser(side) - 2 * side + centre) / area

        # So has a step whose slope is another than the one that smaller steps have found.
        found = one["value"][:, None, None], one["error"][:, None, None]
        other = np.abs((plus - minus) / (2 * h) - found[0]) > slope / 2 + found[1]
        area = np.where(other, np.nan, _normal(h * h))
        two = both_ways(
            Table((plus - 2 * centre + minus) / area, 4 * shifted / area, 4.0, 5),
            Table(bent(minus), 4 * shifted / area, 2.0, 7),
            Table(bent(plus), 4 * shifted / area, 2.0, 7),
            step,
        )
        kink = np.abs(one["left"] - one["right"]) > one["left_error"] + one["right_error"]
        two["error"] = np.where(kink, np.inf, two["error"])
        return one, two, np.nanmin(one["step"], axis=1, initial=np.inf)

    def mixed(self, first: Estimate, second: Estimate, best: np.ndarray) -> Estimate:
        """Fill in the second derivatives in two different coordinates, from nine-point stencils."""
        points, size = self.theta.shape
        pairs = [(i, j) for i in range(size) for j in range(i + 1, size)]
        pairs = [pairs[k] for k in _some(len(pairs), MOST_PAIRS)]
        for (i, j), rows in _turns(pairs, points):
            value, error = self._at(rows)._across(i, j, best[rows])
            # A kink of the function has no second derivative, whatever the quotients say.
            kink = first.kink[rows]
            error = np.where(kink[:, :, i] | kink[:, :, j], np.inf, error)
            for a, b in ((i, j), (j, i)):
                second.value[rows, :, a, b] = value
                second.error[rows, :, a, b] = error
        return second

    def _across(self, i: int, j: int, best: np.ndarray):
        halvings = np.exp2(3.0 - np.arange(20))
        sizes = []
        for k in (i, j):
            fallback = np.where(self.theta[:, k] == 0, 1.0, np.abs(self.theta[:, k]))
            size = np.where(np.isfinite(best[:, k]), best[:, k], _power(fallback / 16))
            size = np.fmin(size, _power(self._nearest_end(k) / 16))
            sizes.append(size[:, None] * halvings)
        h, k = sizes
        corners = {}
        for a in (-1, 0, 1):
            for b in (-1, 0, 1):
                moved = np.repeat(self.theta[:, None, :], h.shape[1], axis=1)
                moved[..., i] += a * h
                moved[..., j] += b * k
                values, sides = self._values(moved)
                usable = self._usable(moved, sides) & np.isfinite(values).all(axis=-1)
                corners[a, b] = np.where(usable[..., None], values, np.nan)
        h, k = h[..., None], k[..., None]
        spread = functools.reduce(np.fmax, [np.abs(v - corners[0, 0]) for v in corners.values()])
        # Moved points are rounded: an ulp of x in a step h changes f by that share of its change.
        ulp = EPS * np.fmax(
            np.abs(self.theta[:, None, [i]]) / h, np.abs(self.theta[:, None, [j]]) / k
        )
        area = _normal(h * k)
        noise = (self._noise_of(*corners.values()) + spread * ulp) / area
        square = corners[1, 1] - corners[1, -1] - corners[-1, 1] + corners[-1, -1]
        step = sizes[0][:, None]
        tables = [Table((square / (4 * area))[:, None], noise[:, None], 4.0, 5)]
        for a in (-1, 1):
            for b in (-1, 1):
                quarter = corners[a, b] - corners[a, 0] - corners[0, b] + corners[0, 0]
                tables.append(Table((a * b * quarter / area)[:, None], 4 * noise[:, None], 2.0, 6))
        sides = functools.reduce(np.fmin, [table.bar for table in tables[1:]])
        tables[0].bar = np.fmax(tables[0].bar, LOPSIDED * sides)
        value, error, _ = believe(tables[0], step)
        lowest, highest = value - error, value + error
        for table in tables[1:]:
            other, bar, _ = believe(table, step)
            better = bar < error
            value, error = np.where(better, other, value), np.where(better, bar, error)
            lowest, highest = np.fmax(lowest, other - bar), np.fmin(highest, other + bar)
        error = np.where(lowest > highest, np.inf, error)  # two of them exclude each other
        return value, error

    def _ladder(self, j: int) -> np.ndarray:
        """Steps in powers of two below the sizes on which the function may vary along x_j."""
        size = np.abs(self.theta)
        others = np.delete(size, j, axis=1)
        known = [np.where(others > 0, others, np.nan), np.full((len(size), 1), np.nan)]
        known = np.concatenate(known, axis=1)
        ends = np.fmin.reduce(known, axis=1), np.fmin(np.fmax.reduce(known, axis=1), 1.0)
        near = self._nearest_end(j)
        scales = [np.fmin(s, near) for s in (size[:, j], np.ones(len(size)), *ends)]
        scales = np.stack(scales, axis=1)
        scales = np.where((scales > 0) & np.isfinite(scales), scales, np.nan)
        return _power(scales / 2)[..., None] * np.exp2(-np.arange(STEPS))

    def _nearest_end(self, j: int) -> np.ndarray:
        """How far the nearest end of the domain is: what happens there is not to be stepped over.

        From an end itself, the distance of the other.
        """
        low, high = self.ends[0][j], self.ends[1][j]
        distance = np.stack([self.theta[:, j] - low, high - self.theta[:, j]])
        return np.where(distance > 0, distance, np.inf).min(axis=0)

    def _values(self, moved: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The function and the sides of its breaks at `(points, stencil, coordinates)`."""
        points, stencil, size = moved.shape
        fixed = jax.tree.map(lambda leaf: np.repeat(leaf, stencil, axis=0), self.fixed)
        theta = moved.reshape(-1, size)
        values = evaluate(self.formula.fn, self.lay, theta, fixed)
        sides = self._sides(theta, fixed)
        if stencil == 1:
            return values, sides
        return values.reshape(points, stencil, -1), sides.reshape(points, stencil, -1)

    def _sides(self, theta, fixed) -> np.ndarray:
        """The relation between arguments (1 if it holds), then the side of each break."""
        if self.formula.where is None and not self.formula.breaks:
            return np.ones((len(theta), 1))
        program = sides_of(self.formula.where, self.formula.breaks)
        return evaluate(program, self.lay, theta, fixed)

    def _usable(self, moved: np.ndarray, sides: np.ndarray) -> np.ndarray:
        """Stencil points inside the domain and on the same side of every break as the centre."""
        inside = (moved >= self.low) & (moved <= self.high) & np.isfinite(moved)
        inside &= (np.abs(moved) >= TINY) | (moved == 0)  # XLA may take a subnormal number for zero
        inside = inside.all(axis=-1)
        related, breaks = sides[..., 0] > 0, sides[..., 1:]
        centre = self.sides[:, None, 1:]
        same = ((breaks == centre) | (centre == 0)).all(axis=-1)
        return inside & related & same

    def _noise(self) -> np.ndarray:
        """What rounding does to the value at each point: absolute, (points, outputs).

        Two things show how much worse than one rounding the program is. Its values at neighbouring
        floats scatter. And its distance from float32, at points that both can represent, scaled to
        the precision of float64; where float32 has lost all its digits nothing is known. What
        is too small for float32 is zero there.
        """
        noise = ROUNDING * EPS * np.abs(self.centre) + TINY
        finest = None
        floats = np.random.default_rng(0).choice(
            [-3.0, -2.0, -1.0, 1.0, 2.0, 3.0], self.theta.shape[1]
        )
        for stride in (1, 1021, 1 << 20):
            unit = stride * floats * np.spacing(np.abs(self.theta))
            moved = self.theta[:, None, :] + np.arange(-3, 4)[:, None] * unit[:, None, :]
            values, sides = self._values(moved)
            scatter = np.abs(np.diff(values, 3, axis=1)).max(axis=1) / 2
            if stride == 1:  # next to a root, what moving by one float changes is noise as well
                scatter = np.fmax(scatter, np.abs(np.diff(values, 2, axis=1)).max(axis=1))
            inside = ((moved >= self.low) & (moved <= self.high)).all(axis=(1, 2))
            smooth = (inside & (sides == self.sides[:, None]).all(axis=(1, 2)))[:, None]
            if stride < 1 << 20:
                noise = np.where(np.isfinite(scatter) & smooth, np.fmax(noise, scatter), noise)
                finest = scatter if finest is None else np.fmax(finest, scatter)
            else:  # as large over a few floats as over a million: the function is not resolved
                wild = smooth & (finest > 1e-3 * np.abs(values).max(axis=1) + TINY)
                noise = np.where(wild, np.inf, noise)
        fixed = as_dtype(self.fixed, np.float32)
        ratio = float(np.finfo(np.float32).eps) / EPS
        for factor in (1.0, 1.001, 0.9985):
            size = np.abs(self.theta)
            theta = np.where(size > 1e-36, self.theta * factor, 0.0).astype(np.float32)
            exact = np.all(size < 1e36, axis=1)
            fixed64 = as_dtype(fixed, np.float64)
            coarse = evaluate(self.formula.fn, self.lay, theta, fixed).astype(np.float64)
            fine = evaluate(self.formula.fn, self.lay, theta.astype(np.float64), fixed64)
            gap = np.abs(coarse - fine)
            normal = (np.abs(fine) > 1e-30) & (np.abs(fine) < 1e36) & np.isfinite(coarse)
            known = exact[:, None] & normal
            lost = known & (gap > 1e-4 * np.abs(fine))
            noise = np.where(known, np.fmax(noise, 2 * gap / ratio), noise)
            noise = np.where(lost, np.inf, noise)
        return noise

    def _noise_of(self, *values: np.ndarray) -> np.ndarray:
        """The noise of a stencil, given its values: that of the centre or of its largest value."""
        largest = functools.reduce(np.fmax, map(np.abs, values))
        middle = self.noise.reshape(len(self.noise), *(1 for _ in largest.shape[1:-1]), -1)
        return np.fmax(middle, ROUNDING * EPS * largest)


@functools.lru_cache(maxsize=1024)
def sides_of(where, breaks):
    """A function of all arguments: 1 if they are related as they must, then each break's side."""

    def sides(*args):
        related = True if where is None else jnp.all(where(*args))
        signs = [jnp.ravel(jnp.sign(b.distance(*args))) for b in breaks]
        return [jnp.asarray(related, float), *(s.astype(float) for s in signs)]

    return sides


def _unknown(shape) -> Estimate:
    return Estimate(*(np.full(shape, np.nan) for _ in range(6)))


def _turns(what: list, points: int) -> list[tuple[Any, np.ndarray]]:
    """Which points are asked for what: all for everything if it is little, else in turns."""
    stride = -(-len(what) // MOST) or 1
    return [(item, np.arange(k % stride, points, stride)) for k, item in enumerate(what)]


def _normal(area):
    """A product of steps, NaN where it has left the range of normal numbers."""
    return np.where((area > TINY / EPS) & np.isfinite(area), area, np.nan)


def _power(size):
    """The largest power of two not above each number."""
    return np.exp2(np.floor(np.log2(size)))


def _some(count: int, most: int) -> list[int]:
    """At most so many of the indices below `count`, spread evenly."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int)).tolist()
