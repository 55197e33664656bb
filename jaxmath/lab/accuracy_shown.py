"""What a survey of accuracy shows: who is how accurate, where it is worst, and pictures of it."""

from __future__ import annotations

from typing import Any

import numpy as np

from jaxmath.runs.experiment import Axis, Line, Plot, Result, Table
from jaxmath.verify.accuracy import OURS

ALIKE = 8.0
"""Excesses below this are as good as each other."""

TROUBLE = 1e4
"""What is compared is drawn where somebody's worst excess is beyond this."""

LOWEST = 0.25
"""Where an error of nothing is drawn on a logarithmic axis."""


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


def good(excess, best) -> np.ndarray:
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
            one = (excess, bool(good(excess, best)), float(lost))
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


def behind(rows) -> Table:
    """The answers of ours that another library gives better, and whose is best."""
    columns: dict[str, list[Any]] = {
        name: []
        for name in ("formula", "dtype", "quantity", "ours", "best", "its excess", "worst at")
    }
    for ours, others in compared(rows):
        best = others[np.argmin(rows["excess"][others])]
        if not good(rows["excess"][ours], rows["excess"][best]):
            named = [str(rows[name][ours]) for name in ("formula", "dtype", "quantity")]
            sizes = [float(f"{rows['excess'][place]:.3g}") for place in (ours, best)]
            row = (
                *named,
                sizes[0],
                str(rows["library"][best]),
                sizes[1],
                str(rows["worst_at"][ours]),
            )
            for column, cell in zip(columns.values(), row, strict=True):
                column.append(cell)
    return Table(
        name="behind",
        title="The answers that another library gives better",
        columns={name: np.array(column) for name, column in columns.items()},
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


def draw(result: Result) -> tuple[Plot, ...]:
    """The ranking as curves, and over the domain each value and slope that somebody gets wrong."""
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
        every = np.array([ours, *others])
        trouble = np.max(rows["excess"][every]) > TROUBLE
        if trouble and (formula, dtype, kind) not in seen:  # of several slopes the first
            seen.add((formula, dtype, kind))
            plots.append(_over_domain(rows, result.series, every, kind))
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
