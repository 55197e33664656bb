r"""How accurate values and derivatives are over a whole domain, ours and those of other libraries.

The truth is what the function means, enclosed by `jaxmath.exact` at numbers that the dtype
represents and rounded to the dtype. An error counts units in the last place of it (ulp), at most
2^53 in float64 and 2^24 in float32, which is also that of NaN; an *excess* divides the error by
what is explained: half a unit, and what half a unit of each input changes. A correctly rounded
answer has error and excess zero. The slopes of a function of many coordinates, such as the loss of
a model, are sums in which anything may cancel: their units are those of the largest slope at the
point.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.typing import DTypeLike

from jaxmath.domains import Interval
from jaxmath.formula import Formula
from jaxmath.verify import opinions, points
from jaxmath.verify.counterparts import counterparts
from jaxmath.verify.evidence import conditioning, on_break
from jaxmath.verify.family_counterparts import Outside
from jaxmath.verify.flat import as_dtype, layout
from jaxmath.verify.proven import UNASKED, Proven

OURS = "jaxmath"

UNANSWERED = (ImportError, OverflowError, RuntimeError, TypeError, ValueError)
"""What another library may say to a function that it only names, or to points of its domain."""

MANY = 8
"""Slopes in more coordinates than these are measured in units of the largest of them."""


@dataclass(frozen=True)
class Accuracy:
    """The errors of one answer of one library: a value, or the slopes in one argument.

    Attributes:
        formula, library, dtype: whose answer, to what, in which precision.
        quantity: "value", or the derivative in symbols such as "d/dx".
        answer: "value", "closed form" or "reverse mode".
        x: over judged entries, the coordinate that is differentiated in (of a value, the first).
        ulps, excess: over judged entries.
        open: how many entries that were asked for have no truth in range: slopes on kinks,
            infinities, what is undecided.
        worst: of the entry with the largest excess, the point, the answer and the truth.
    """

    formula: str
    library: str
    dtype: str
    quantity: str
    answer: str
    x: np.ndarray
    ulps: np.ndarray
    excess: np.ndarray
    open: int
    worst: Mapping[str, Any]


def accuracies(
    formula: Formula, dtype: DTypeLike = np.float64, count: int = 200, seed: int = 0
) -> list[Accuracy]:
    """Measure our formula and its counterparts at the same points against the same truth.

    Nothing is measured of a function with a primitive that the exact reference does not know.

    Raises:
        ImportError: python-flint, of the extra `verify`, is not installed.
    """
    dtype = np.dtype(dtype)
    args = spread(formula, count, dtype, seed)
    lay = layout(formula)
    theta, fixed = lay.flatten(args)
    wide = {name: as_dtype(value, np.float64) for name, value in args.items()}
    with np.errstate(all="ignore"):
        truth, _ = Proven()(formula, wide, None, False)
        if truth.centre is None or truth.proof is None:
            return []
        bend, _ = conditioning(formula, lay, theta, fixed, False)
        reverse = opinions.autodiff(formula.fn, lay, theta, fixed, False).first["reverse mode"]
        kinked = on_break(formula, lay, theta, fixed)[1]
        known = np.where(kinked[:, None, None], np.nan, truth.value)
        slope = np.where(truth.proof == UNASKED, reverse, truth.value)
        pull = np.abs(slope * theta[:, None, :].astype(np.float64))
        pull = np.where(np.isfinite(pull), pull, 0.0).sum(axis=-1)
        asked, least = truth.proof != UNASKED, np.zeros(truth.value.shape)
        if lay.size > MANY:
            sizes = np.abs(slope)
            least += np.max(np.where(np.isfinite(sizes), sizes, 0.0), axis=-1, keepdims=True)
        slopes = {
            name: _Truth(known[own], bend[own], least[own], asked[own], lay.columns(name).start)
            for name in lay.wrt
            for own in [(slice(None), slice(None), lay.columns(name))]
        }
        none = np.zeros(truth.centre.shape)
        values = _Truth(truth.centre, pull, none, none == 0, 0)
        found = []
        for library, function in {OURS: formula.fn, **counterparts().get(formula.name, {})}.items():
            closed = opinions.closed_first(formula, lay, args) if library == OURS else {}
            try:
                value, reverse = _answered(function, formula, args, theta, fixed, lay)
            except UNANSWERED:
                if library == OURS:
                    raise
                continue
            answers = [("value", "value", value, values)]
            for name, true in slopes.items():
                if name in closed:
                    answers.append((f"d/d{name}", "closed form", closed[name], true))
                if reverse is not None:
                    own = reverse[:, :, lay.columns(name)]
                    answers.append((f"d/d{name}", "reverse mode", own, true))
            for quantity, kind, answer, true in answers:
                result = _judged(answer, true, args, theta, dtype)
                found.append(Accuracy(formula.name, library, dtype.name, quantity, kind, *result))
    return found


def _answered(function, formula, args, theta, fixed, lay):
    """Value and slopes in reverse mode, `(points, outputs, coordinates)`; None without slopes."""
    if not isinstance(function, Outside):
        auto = opinions.autodiff(function, lay, theta, fixed, False)
        return auto.value, auto.first["reverse mode"]
    # Of numbers: one output, and a coordinate for each argument that is differentiated in.
    batches = [np.asarray(args[name]) for name in formula.arguments]
    value = np.reshape(function.value(*batches), (len(theta), 1))
    if function.slopes is None:
        return value, None
    places = [formula.arguments.index(name) for name in lay.wrt]
    slopes = np.stack(function.slopes(places, *batches), axis=-1)
    return value, slopes[:, None, :]


def spread(formula: Formula, count: int, dtype: np.dtype, seed: int) -> dict[str, Any]:
    """Points of the whole domain, edges and breaks; half of them where functions bend.

    Those are spread over three decades on both sides of zero in the first argument, if it is a
    number of an unbounded set.
    """
    first = formula.differentiable[0]
    domain = formula.domain[first]
    if not isinstance(domain, Interval) or not np.isinf([domain.low, domain.high]).any():
        return points.draw(formula, count, dtype, seed)
    half = points.draw(formula, count // 2, dtype, seed)
    ordinary = np.flatnonzero(points.ordinary(formula, half))
    steps = np.linspace(0, 1, max(count // 4, 2)) ** 3 * 1000
    grid = np.concatenate([-steps[:0:-1], steps]).astype(dtype)
    if np.isfinite(domain.low):
        grid = domain.low + np.abs(grid)
    pick = np.resize(ordinary, grid.size)
    middle = {name: jax.tree.map(lambda leaf: leaf[pick], value) for name, value in half.items()}
    middle[first] = grid.astype(dtype)
    middle = points.inside(formula, middle)
    return jax.tree.map(lambda *parts: np.concatenate(parts), half, middle)


class _Truth(NamedTuple):
    """What is true of some entries `(points, outputs, ...)`.

    `change` is what half a unit of each input changes, relative to it; units are at least those of
    `least`; `start` is the coordinate that the last axis begins at.
    """

    value: np.ndarray
    change: np.ndarray
    least: np.ndarray
    asked: np.ndarray
    start: int


def _judged(answer, known: _Truth, args, theta, dtype: np.dtype):
    """The fields of `Accuracy` from x on: errors against the truth, entry by entry.

    A truth below the normal range may be answered by zero.
    """
    truth, change, least, asked, start = known
    info = np.finfo(dtype)
    rounded = truth.astype(dtype)
    size = np.maximum(np.abs(rounded), np.maximum(least, info.tiny).astype(dtype))
    unit = np.spacing(size).astype(np.float64)
    answer, rounded = np.asarray(answer, np.float64), rounded.astype(np.float64)
    zero = (np.abs(rounded) <= info.tiny) & (np.abs(answer) < info.tiny)
    none = 2.0 ** (info.nmant + 1)
    error = np.where((answer == rounded) | zero, 0.0, np.abs(answer - rounded) / unit)
    error = np.where(np.isnan(error), np.inf, error)
    explained = np.where(np.isfinite(change), change, 0.0) * (info.eps / unit)
    ulps, excess = np.fmin(error, none), np.fmin(2 * error / (1 + explained), none)
    there = np.isfinite(rounded)
    judged = np.argwhere(there)
    x = theta[judged[:, 0], start + (judged[:, 2] if truth.ndim == 3 else 0)].astype(np.float64)
    entries = tuple(judged.T)
    ulps, excess = ulps[entries], excess[entries]
    worst: dict[str, Any] = {}
    if len(judged):
        last = int(np.lexsort((ulps, excess))[-1])
        where = tuple(judged[last])
        point = {n: jax.tree.map(lambda leaf: leaf[where[0]], v) for n, v in args.items()}
        worst = dict(point=point, answer=float(answer[where]), truth=float(rounded[where]))
    return x, ulps, excess, int((asked & ~there).sum()), worst
