"""Where in the domain a value and its derivatives are how exact, as plots."""

from __future__ import annotations

from collections.abc import Iterator

import jax.numpy as jnp
import numpy as np

from jaxmath.runs.experiment import Axis, Line, Plot
from jaxmath.verify import Report, Verdict

EXACT = 0.1
"""Units in the last place below which an answer is drawn as exact."""

ORDINARY = 1e4
"""A wider domain is drawn on a logarithmic axis, its two signs in two colours."""

WINDOW = (1e-20, 1e20)
"""What is shown of it, unless something worse lies outside."""


def plots(found: Verdict | Report) -> tuple[Plot, ...]:
    """A plot for each argument: the error at each number at which an answer was judged."""
    whole = 1 / float(jnp.finfo(found.dtype).eps)
    return tuple(
        _plot(found.name, argument, found.dtype, parts, whole)
        for argument, parts in _errors(found).items()
    )


def _errors(found: Verdict | Report) -> dict[str, dict[str, tuple[np.ndarray, np.ndarray]]]:
    """By argument and by what was asked: the numbers, and the worst error of any answer there."""
    errors: dict[str, dict[str, tuple[np.ndarray, np.ndarray]]] = {}
    told = _of_verdict(found) if isinstance(found, Verdict) else _of_report(found)
    for argument, what, x, ulps in told:
        known = np.isfinite(x) & ~np.isnan(ulps)
        x, ulps = x[known].astype(float), ulps[known]
        if x.size:
            numbers, place = np.unique(x, return_inverse=True)
            worst = np.zeros(numbers.size)
            np.maximum.at(worst, place, ulps)
            errors.setdefault(argument, {})[what] = numbers, worst
    return errors


def _of_verdict(verdict: Verdict) -> Iterator[tuple[str, str, np.ndarray, np.ndarray]]:
    data = verdict.data
    if not data:
        return
    for name in dict.fromkeys(n for n in data["argument"] if n and ", " not in n):
        for order, what in enumerate(("value", "slope", "curvature")):
            chosen = (data["order"] == order) & np.isin(data["argument"], (name, ""))
            yield str(name), what, data["x"][chosen], data["ulps"][chosen]


def _of_report(report: Report) -> Iterator[tuple[str, str, np.ndarray, np.ndarray]]:
    for row in report.rows:
        if len(set(row.arguments)) > 1:
            continue
        truth = row.data["reference"]
        unit = np.spacing(np.abs(truth).astype(report.dtype)).astype(float)
        names = [*report.opinions, "forward over reverse", "reverse over reverse"]
        answers = [row.data[name] for name in names if name in row.data]
        with np.errstate(all="ignore"):
            gaps = np.abs(np.array(answers, float) - truth) / unit
        told = np.isin(row.data["verdict"], (0, 1, 4)) & np.isfinite(truth)
        gaps = np.where(np.isnan(gaps), np.inf, gaps).max(axis=0)
        what = "slope" if row.order == 1 else "curvature"
        yield row.arguments[0], what, row.data["x"][told], gaps[told]


def _in_window(parts):
    """The points of usual size; all of them if another one is worse."""
    within = {what: (WINDOW[0] <= abs(x)) & (abs(x) <= WINDOW[1]) for what, (x, _) in parts.items()}
    for what, (_, ulps) in parts.items():
        inside = within[what]
        if np.max(ulps[~inside], initial=0) > np.max(ulps[inside], initial=1):
            return parts
    return {what: (x[within[what]], ulps[within[what]]) for what, (x, ulps) in parts.items()}


def _plot(name: str, argument: str, dtype: str, parts, whole: float) -> Plot:
    wide = max(np.max(np.abs(x)) for x, _ in parts.values()) > ORDINARY
    if wide:
        parts = _in_window(parts)
    lines = []
    for what, (x, ulps) in parts.items():
        y = np.clip(ulps, EXACT, whole)
        if not wide:
            lines.append(Line(what, x, y, style="points"))
            continue
        for sign, words in ((1, "> 0"), (-1, "< 0")):
            chosen = sign * x > 0
            if chosen.any():
                lines.append(
                    Line(f"{what}, {argument} {words}", abs(x[chosen]), y[chosen], style="points")
                )
    what = " and ".join(parts)
    return Plot(
        name=f"{name}-{argument}",
        title=f"How far {what} of {name} are from the truth"
        if len(parts) > 1
        else f"How far the {what} of {name} is from the truth",
        alt=f"The error of {what} of {name} in units in the last place of {dtype}, against "
        f"{argument}: at most {min(max(u.max() for _, u in parts.values()), whole):.3g}.",
        x=Axis(f"|{argument}|" if wide else argument, "", "log" if wide else "linear"),
        y=Axis("error, worst answer", "ulp", "log"),
        lines=tuple(lines),
        caption=f"Each point is a number at which the truth was asked. Below {EXACT:g} ulp stands "
        f"what is exact; at the top, {whole:.2g} ulp, an answer of which no digit is right, NaN "
        "and infinity included.",
    )
