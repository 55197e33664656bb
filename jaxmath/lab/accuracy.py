"""How accurate every formula is over its whole domain, and how accurate other libraries are there.

Value, closed form and reverse mode are compared with the truth, which exact arithmetic encloses: of
our formulas, and of the same functions in jax.nn, jax.scipy, optax and what else is installed.
Errors are counted in units in the last place (ulp); the excess divides them by what the rounding
of the inputs and of the answer explains.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import jax
import numpy as np
from annotated_types import Ge

from jaxmath import verify
from jaxmath.lab import derivatives
from jaxmath.lab.accuracy_shown import ALIKE, answers, behind, compared, draw, ranking
from jaxmath.runs.experiment import Claim, Fault, Result
from jaxmath.runs.measured import Measured
from jaxmath.verify.accuracy import OURS, Accuracy, accuracies
from jaxmath.verify.examine import LIMIT

TOPICS = ("C1",)

DRAWN = 120
"""So many entries of each answer are kept for the picture: the worst of their neighbours."""

CLOSE = 1000.0
"""Pictures show coordinates of at most this size; beyond, the table has the worst."""

DIGITS = {"float64": 53, "float32": 24}


@dataclass(frozen=True)
class Config:
    """Which formulas are measured, at how many points, in which precisions.

    Attributes:
        formulas: their names; empty for all.
        points: how many for each formula, edges apart.
        dtypes: the precisions.
    """

    formulas: tuple[str, ...] = ()
    points: Annotated[int, Ge(16)] = 200
    dtypes: tuple[Literal["float64", "float32"], ...] = ("float64", "float32")


def load(config: Config) -> dict[str, Any]:
    """The names of the formulas to measure.

    Raises:
        InputError: there is no formula of a name.
    """
    return derivatives.load(derivatives.Config(formulas=config.formulas))


def survey(config: Config, data, seed: int, progress) -> dict[str, Any]:
    """Measure each formula and its counterparts, a row for each answer of each library."""
    by_name = {formula.name: formula for formula in verify.FORMULAS}
    progress.phase("measuring", len(data["names"]) * len(config.dtypes))
    found: list[Accuracy] = []
    with warnings.catch_warnings(), jax.enable_x64(True):
        # At the edges of a domain numbers overflow on purpose.
        warnings.simplefilter("ignore", RuntimeWarning)
        for name in data["names"]:
            for dtype in config.dtypes:
                found += accuracies(by_name[name], dtype, config.points, seed)
                progress.advance()
    texts = ("formula", "library", "dtype", "quantity", "answer")
    columns = {name: np.array([getattr(row, name) for row in found]) for name in texts}
    summaries = [summary(row) for row in found]
    columns |= {name: np.array([one[name] for one in summaries]) for name in summaries[0]}
    kept = [_kept(row) for row in found]
    return columns | {name: np.array([k[name] for k in kept]) for name in ("at_x", "at_ulps")}


def summary(row: Accuracy) -> dict[str, Any]:
    """The numbers of a row that are kept and compared."""
    judged = row.ulps.size
    none = 2.0 ** DIGITS[row.dtype]
    return dict(
        judged=judged,
        open=row.open,
        ulps=float(np.max(row.ulps, initial=0.0)),
        excess=float(np.max(row.excess, initial=0.0)),
        tenth=float(np.quantile(row.ulps, 0.1)) if judged else 0.0,
        median=float(np.median(row.ulps)) if judged else 0.0,
        lost=int(np.sum(row.ulps >= none / 2)),
        worst_at=", ".join(f"{name}={_short(x)}" for name, x in row.worst.get("point", {}).items()),
        worst_answer=repr(row.worst.get("answer", np.nan)),
        worst_truth=repr(row.worst.get("truth", np.nan)),
    )


def _short(value) -> str:
    leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(value)]
    numbers = [f"{x:.9g}" for leaf in leaves for x in leaf.ravel().astype(float)]
    return numbers[0] if leaves[0].ndim == 0 else f"[{', '.join(numbers[:8])}]"


def _kept(row: Accuracy) -> dict[str, np.ndarray]:
    """The worst entry of each of some groups of neighbours, padded with NaN."""
    near = np.flatnonzero(np.abs(row.x) <= CLOSE)
    near = near[np.argsort(row.x[near], kind="stable")]
    groups = [group for group in np.array_split(near, DRAWN) if group.size]
    chosen = [group[np.argmax(row.ulps[group])] for group in groups]
    blank = np.full(DRAWN, np.nan)
    x, ulps = blank.copy(), blank.copy()
    x[: len(chosen)], ulps[: len(chosen)] = row.x[chosen], row.ulps[chosen]
    return dict(at_x=x, at_ulps=ulps)


def judge(config: Config, data, measured: Measured) -> Result:
    """Ours are exact to what conditioning explains, nobody does better, and all is measured."""
    lanes = np.ndim(measured["ulps"]) - 1
    rows = {name: np.asarray(values)[(0,) * lanes] for name, values in measured.items()}
    claims = (
        _no_excess(measured),
        _seldom_better(rows),
        _the_same_function(rows),
        _enough_is_judged(measured),
        _no_formula_is_missing(data, rows),
    )
    series = {name: rows[name] for name in ("at_x", "at_ulps")}
    return Result(claims, (ranking(rows), answers(rows), behind(rows)), series)


def _no_excess(measured) -> Claim:
    def plant(arrays):
        excess = np.array(arrays["excess"])
        excess[np.asarray(arrays["library"]) == OURS] = 1e6
        return {**arrays, "excess": excess}

    return Claim(
        name="ours_have_no_excess",
        statement="No value, closed form or slope of ours is further from the truth than rounding "
        "and conditioning explain, up to a small factor.",
        measured=np.asarray(measured["excess"])[np.asarray(measured["library"]) == OURS],
        relation="<=",
        expected=LIMIT,
        source="Higham, Accuracy and Stability of Numerical Algorithms, sections 1.5 and 1.6",
        breaks_if=Fault("errors of ours far beyond their conditioning", plant),
    )


def _seldom_better(rows) -> Claim:
    def plant(arrays):
        excess = np.array(arrays["excess"])
        ours = np.asarray(arrays["library"]) == OURS
        return {**arrays, "excess": np.where(ours, 1e6, np.where(excess > 0, 1.0, 0.0))}

    given = len(compared(rows))
    return Claim(
        name="others_are_seldom_better",
        statement="Of the answers that another library gives as well, its worst excess is half of "
        f"ours or less, and ours more than {ALIKE:g}, for one in twenty at most.",
        measured=len(behind(rows).columns["formula"]) / given if given else None,
        relation="<=",
        expected=0.05,
        source="the same points, the same truth",
        breaks_if=Fault("ours without accuracy, theirs exact", plant),
    )


def _the_same_function(rows) -> Claim:
    def plant(arrays):
        theirs = np.asarray(arrays["library"]) != OURS
        return {**arrays, "tenth": np.where(theirs, 1e18, arrays["tenth"])}

    theirs = rows["library"] != OURS
    digits = np.array([DIGITS[str(dtype)] for dtype in rows["dtype"]])
    return Claim(
        name="counterparts_are_the_same_function",
        statement="At a tenth of the points at least the counterpart of each formula has a third "
        "of its digits right: it is the same function.",
        measured=np.log2(1 + rows["tenth"][theirs]) / digits[theirs],
        relation="<=",
        expected=2 / 3,  # differences of lgamma lose more than half for counts of a million
        source="exact arithmetic",
        breaks_if=Fault("another function as the counterpart", plant),
    )


def _enough_is_judged(measured) -> Claim:
    def plant(arrays):
        judged = np.array(arrays["judged"])
        judged[..., 0] = 0
        return {**arrays, "judged": judged}

    judged = np.asarray(measured["judged"])
    return Claim(
        name="enough_is_judged",
        statement="Of each answer at least a quarter of the entries have a truth that is known and "
        "in range.",
        measured=judged / np.maximum(judged + np.asarray(measured["open"]), 1),
        relation=">=",
        expected=0.25,
        source="exact arithmetic",
        breaks_if=Fault("nothing judged of one answer", plant),
    )


def _no_formula_is_missing(data, rows) -> Claim:
    def plant(arrays):
        names = np.array(arrays["formula"])
        names[names == names.flat[0]] = "another"
        return {**arrays, "formula": names}

    return Claim(
        name="no_formula_is_missing",
        statement="Every formula that was asked for has been measured.",
        measured=len(set(data["names"]) & set(rows["formula"].tolist())),
        relation="=",
        expected=len(data["names"]),
        source="the list of formulas",
        breaks_if=Fault("the rows of one formula under another's name", plant),
    )


__all__ = ["TOPICS", "Config", "draw", "judge", "load", "survey"]
