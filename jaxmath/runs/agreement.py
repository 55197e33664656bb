"""How far the arrays of two runs are apart: equal bits, or the largest difference and its place."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from jaxmath.runs import encoding, sweep
from jaxmath.runs.run import Run


@dataclass(frozen=True)
class Agreement:
    """An array of one run beside that of the same name in another.

    Attributes:
        name: as in `series.npz`; those of `params.npz` begin with "params/".
        equal: whether all bits are the same.
        difference: the largest difference of two entries, relative to the largest entry of the
            array, or to one where that is smaller: what is zero but for rounding has no size of
            its own. Infinite where one is finite and the other is not, and where `note` says why
            the two can't be held against each other.
        place: the entry where that is: the values of the sweep, then indices.
        note: why there is nothing to subtract.
    """

    name: str
    equal: bool
    difference: float = 0.0
    place: str = ""
    note: str = ""


def agreements(first: Run, other: Run) -> tuple[Agreement, ...]:
    """Every array of the two runs, held against its namesake."""
    one, two = dict(arrays(first)), dict(arrays(other))
    return tuple(_held(name, one.get(name), two.get(name), first) for name in {**one, **two})


def arrays(run: Run) -> Iterator[tuple[str, np.ndarray]]:
    """All arrays of a run by name."""
    yield from encoding.flatten(dict(run.series))[0].items()
    if run.params is not None:
        params = encoding.flatten(run.params, "params/")[0]
        yield from (params if "params" not in params else {"params/": params["params"]}).items()


def _held(name: str, one: np.ndarray | None, two: np.ndarray | None, run: Run) -> Agreement:
    if one is None or two is None:
        return Agreement(name, False, math.inf, note="only one of the two has it")
    if one.shape != two.shape:
        return Agreement(name, False, math.inf, note=f"shapes {one.shape} and {two.shape}")
    if one.dtype == two.dtype and one.tobytes() == two.tobytes():
        return Agreement(name, True)
    if not all(array.dtype.kind in "biufc" for array in (one, two)):
        same = one.tolist() == two.tolist()
        return Agreement(name, same, 0.0 if same else math.inf, note="" if same else "other words")
    gap, scale = _gaps(one, two)
    at = np.unravel_index(int(np.argmax(gap)), gap.shape)
    difference = float(gap[at]) / max(scale, 1.0) if gap[at] < math.inf else math.inf
    return Agreement(name, False, difference, _place(at, one.shape, run) if gap[at] else "")


def _gaps(one: np.ndarray, two: np.ndarray) -> tuple[np.ndarray, float]:
    """|one - two| entry by entry, infinite where one alone is finite; and the largest entry."""
    kind = complex if "c" in (one.dtype.kind, two.dtype.kind) else float
    one, two = one.astype(kind), two.astype(kind)
    same = (one == two) | (np.isnan(one) & np.isnan(two))
    with np.errstate(invalid="ignore", over="ignore"):
        gap = np.where(same, 0.0, np.abs(one - two))
    sizes = np.abs(np.concatenate([one.ravel(), two.ravel()]))
    return np.where(np.isnan(gap), np.inf, gap), float(
        np.max(sizes[np.isfinite(sizes)], initial=0.0)
    )


def _place(at: tuple, shape: tuple[int, ...], run: Run) -> str:
    """An entry in words: "seed 3, optimizer.learning_rate 0.1, [12]"."""
    lanes = tuple(len(axis) for axis in run.axes)
    swept = run.axes if shape[: len(lanes)] == lanes else ()
    words = [
        f"{path} {value}"
        for axis, i in zip(swept, at, strict=False)
        for path, value in zip(axis.paths, map(_short, axis.values[i]), strict=True)
    ]
    rest = [str(int(i)) for i in at[len(swept) :]]
    return ", ".join([*words, *([f"[{', '.join(rest)}]"] if rest else [])])


def _short(value) -> str:
    if isinstance(value, Mapping):
        return sweep.named(value)
    return f"{value:.4g}" if isinstance(value, float) else str(value)
