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
from jaxmath.lab.derivatives import load as load
from jaxmath.lab.experiment import Axis, Claim, Fault, Line, Plot, Result, Table
from jaxmath.lab.measured import Measured
from jaxmath.verify.accuracy import OURS, Accuracy, accuracies
from jaxmath.verify.examine import LIMIT

TOPICS = ("C1",)

DRAWN = 120
"""So many entries of each answer are kept for the picture: the worst of their neighbours."""

CLOSE = 1000.0
"""Pictures show coordinates of at most this size; beyond, the table has the worst."""

ALIKE = 8.0
"""Excesses below this are as good as each other."""

LOWEST = 0.25
"""Where an error of nothing is drawn on a logarithmic axis."""

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
        _nobody_is_better(rows),
        _the_same_function(rows),
        _enough_is_judged(measured),
        _no_formula_is_missing(data, rows),
    )
    series = {name: rows[name] for name in ("at_x", "at_ulps")}
    return Result(claims, (ranking(rows), answers(rows)), series)


def compared(rows) -> list[tuple[int, np.ndarray]]:
    """For each answer of ours that others give as well, its row and theirs."""
    places: dict[Any, list[int]] = {}
    for place in np.flatnonzero(rows["answer"] != "closed form"):
        key = tuple(str(rows[name][place]) for name in ("formula", "dtype", "quantity"))
        places.setdefault(key, []).append(int(place))
    pairs = []
    for group in places.values():
        ours = [p for p in group if rows["library"][p] == OURS]
        others = [p for p in group if rows["library"][p] != OURS]
        if ours and others:
            pairs.append((ours[0], np.array(others)))
    return pairs


def _good(excess, best) -> np.ndarray:
    """Whether a worst excess is small, or no more than twice the best one."""
    return np.asarray(excess <= np.maximum(ALIKE, 2 * best))


def ranking(rows) -> Table:
    """Who is how accurate, where at least two libraries answer."""
    found: dict[str, list[tuple[float, bool, float]]] = {}
    for ours, others in compared(rows):
        every = np.array([ours, *others])
        best = np.min(rows["excess"][every])
        for place in every:
            excess = float(rows["excess"][place])
            lost = rows["lost"][place] / max(rows["judged"][place], 1)
            one = (excess, bool(_good(excess, best)), float(lost))
            found.setdefault(str(rows["library"][place]), []).append(one)
    columns = {
        library: (
            len(each),
            100 * np.mean([good for _, good, _ in each]),
            100 * np.mean([excess <= ALIKE for excess, _, _ in each]),
            100 * np.mean([lost for *_, lost in each]),
        )
        for library, each in found.items()
    }
    order = sorted(columns, key=lambda library: (-columns[library][1], -columns[library][2]))
    numbers = np.array([columns[library] for library in order]).reshape(len(order), 4).T
    return Table(
        name="ranking",
        title="Who is how accurate, over the answers that at least two libraries give",
        columns={
            "library": np.array(order),
            "answers": numbers[0].astype(int),
            "as good as the best (%)": np.round(numbers[1], 1),
            f"excess at most {ALIKE:g} everywhere (%)": np.round(numbers[2], 1),
            "entries without a right digit (%)": np.round(numbers[3], 2),
        },
        best=0 if order else None,
    )


def answers(rows) -> Table:
    """Every answer with its worst point, the worst first."""
    order = np.argsort(-rows["excess"], kind="stable")
    names = {
        "formula": "formula",
        "dtype": "dtype",
        "quantity": "quantity",
        "library": "library",
        "answer": "answer",
        "judged": "judged",
        "worst (ulp)": "ulps",
        "median (ulp)": "median",
        "worst excess": "excess",
        "no right digit": "lost",
        "worst at": "worst_at",
        "answered": "worst_answer",
        "truth": "worst_truth",
    }
    columns = {title: rows[name][order] for title, name in names.items()}
    for title in ("worst (ulp)", "median (ulp)", "worst excess"):
        columns[title] = np.array([float(f"{x:.3g}") for x in columns[title]])
    columns["row"] = order
    return Table(
        name="answers", title="Each answer of each library, and its worst point", columns=columns
    )


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


def _nobody_is_better(rows) -> Claim:
    def plant(arrays):
        excess = np.array(arrays["excess"])
        ours = np.asarray(arrays["library"]) == OURS
        return {**arrays, "excess": np.where(ours, 1e6, np.where(excess > 0, 1.0, 0.0))}

    worse = [
        not _good(rows["excess"][ours], rows["excess"][others].min())
        for ours, others in compared(rows)
    ]
    return Claim(
        name="nobody_is_better",
        statement="Where another library computes the same, its worst excess is not half of ours "
        f"or less, unless ours is at most {ALIKE:g}.",
        measured=sum(worse) if worse else None,
        relation="=",
        expected=0,
        source="the same points, the same truth",
        breaks_if=Fault("ours without accuracy, theirs exact", plant),
    )


def _the_same_function(rows) -> Claim:
    def plant(arrays):
        theirs = np.asarray(arrays["library"]) != OURS
        return {**arrays, "median": np.where(theirs, 1e18, arrays["median"])}

    theirs = rows["library"] != OURS
    digits = np.array([DIGITS[str(dtype)] for dtype in rows["dtype"]])
    return Claim(
        name="counterparts_are_the_same_function",
        statement="At half of the points at least the counterpart of each formula has half of its "
        "digits right: it is the same function.",
        measured=np.log2(1 + rows["median"][theirs]) / digits[theirs],
        relation="<=",
        expected=0.5,
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


def draw(result: Result) -> tuple[Plot, ...]:
    """The ranking as curves, and each compared value and slope over its domain."""
    table = result.tables[1].columns
    order = np.argsort(np.asarray(table["row"]))
    rows = {name: np.asarray(column)[order] for name, column in table.items()}
    rows |= {"excess": rows["worst excess"]}
    pairs = compared(rows)
    plots = [_ranked(rows, pairs)] if pairs else []
    seen = set()
    for ours, others in pairs:
        formula, dtype = str(rows["formula"][ours]), str(rows["dtype"][ours])
        kind = "value" if rows["quantity"][ours] == "value" else "slope"
        if (formula, dtype, kind) not in seen:  # of several slopes the first
            seen.add((formula, dtype, kind))
            plots.append(_over_domain(rows, result.series, np.array([ours, *others]), kind))
    return tuple(plots)


def _ranked(rows, pairs) -> Plot:
    every = np.array(sorted({p for ours, others in pairs for p in (ours, *others)}))
    lines = []
    for library in dict.fromkeys([OURS, *rows["library"][every].tolist()]):
        excess = np.sort(rows["excess"][every[rows["library"][every] == library]])
        share = 100 * (np.arange(excess.size) + 1) / excess.size
        lines.append(Line(library, np.maximum(excess, LOWEST), share))
    return Plot(
        name="ranking",
        title="How large the worst excess of an answer is, by library",
        alt="For each library the share of its answers whose worst excess is at most so large.",
        x=Axis("worst excess over the domain", "", "log"),
        y=Axis("answers with at most so much", "%", "linear"),
        lines=tuple(lines),
        caption="An answer is a value or a slope of one formula in one precision. Far left: "
        "rounding alone; far right: somewhere no digit is right.",
    )


def _over_domain(rows, series, places, kind: str) -> Plot:
    formula, dtype = str(rows["formula"][places[0]]), str(rows["dtype"][places[0]])
    slopes = rows["quantity"][(rows["formula"] == formula) & (rows["quantity"] != "value")]
    quantity = slopes[0] if kind == "value" else str(rows["quantity"][places[0]])
    alike: dict[bytes, list[int]] = {}
    for place in places:
        alike.setdefault(np.nan_to_num(series["at_ulps"][place]).tobytes(), []).append(place)
    lines = [
        Line(
            ", ".join(rows["library"][group].tolist()),
            series["at_x"][group[0]],
            np.maximum(series["at_ulps"][group[0]], LOWEST),
            style="points",
            hue=hue,
        )
        for hue, group in enumerate(alike.values())
    ]
    words = "value" if kind == "value" else f"slope {quantity}, in reverse mode"
    return Plot(
        name=f"{kind}-{formula.replace('.', '-')}-{dtype}",
        title=f"{formula} in {dtype}: the error of its {words}",
        alt=f"The error in ulp of the {kind} of {formula} over its domain, for each library.",
        x=Axis(quantity.removeprefix("d/d"), "", "symlog"),
        y=Axis("error", "ulp", "log"),
        lines=tuple(reversed(lines)),
        caption="The worst of neighbouring points. Correctly rounded answers are drawn at "
        f"{LOWEST:g}; at the top no digit is right.",
    )
