"""A comparison of runs in a reader's words, shared by the page and the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from jaxmath.config.document import show
from jaxmath.report import tex, words
from jaxmath.report.numbers import number
from jaxmath.runs.comparison import ABSENT, Comparison
from jaxmath.runs.estimates import Estimate
from jaxmath.runs.expectation import Expectation, Promise


class Grid(NamedTuple):
    """A table in words; of columns from `numbers` on, cells are numbers."""

    header: list[str]
    rows: list[list[str]]
    numbers: int = 1


def expected(one: str, other: str, found: Expectation) -> str:
    """What is to be expected of two runs, and why."""
    why = "; ".join(found.reasons)
    if found.promise is Promise.NONE:
        return f"{one} and {other} compute different things, so that nothing is promised: {why}."
    if found.promise is Promise.BITS:
        told = (
            f"{one} and {other} should be equal to the last bit: config, versions, device and "
            "threads are the same. That holds on one machine; another one may round differently."
        )
    else:
        told = (
            f"{one} and {other} should agree to {number(found.tolerance)}, relative, and "
            f"not to the last bit: {why}. Runs that diverge or never settle may drift further."
        )
    if found.unless:
        told += f" All this unless the code changed: {'; '.join(found.unless)}."
    return told


def came(found: Expectation) -> str:
    """What came of it."""
    if found.worst is None:
        return f"All {found.arrays} arrays are equal to the last bit."
    told = f"{found.equal} of {found.arrays} arrays are equal to the last bit"
    if found.promise is Promise.NONE:
        return f"{told}."
    worst = found.worst
    told += f"; furthest apart is {worst.name}" + (f" at {worst.place}" if worst.place else "")
    if worst.note:
        return f"{told}: {worst.note}."
    return f"{told}: by {number(worst.difference, 2)}, relative."


def judged(found: Expectation) -> str:
    """Whether that is as expected; nothing where nothing was."""
    if found.promise is Promise.NONE:
        return ""
    return {None: "Whether it should, cannot be told.", True: "This is as expected."}.get(
        found.kept, "This is NOT as expected."
    )


def settings(found: Comparison) -> Grid:
    """The values in which the configs differ."""
    rows = [[path, *map(_value, values)] for path, values in found.settings.items()]
    return Grid(["setting", *found.labels], rows)


def metrics(found: Comparison, best: bool) -> Grid:
    """The metrics at each shared setting, or with each run at its own best one."""
    chosen = [row for row in found.metrics if row.best is best]
    settings = [next(s for s in row.settings if s is not None) for row in chosen]
    paths = [] if best else list(dict.fromkeys(path for s in settings for path in s))
    first = found.labels[0]
    header = [*found.labels, *(f"{label} − {first}" for label in found.labels[1:])]
    rows = [
        [
            row.metric,
            *(number(setting[path]) for path in paths),
            *map(estimate, row.values),
            *map(difference, row.differences[1:]),
        ]
        for row, setting in zip(chosen, settings, strict=True)
    ]
    return Grid(["metric", *paths, *header], rows)


def best_settings(found: Comparison) -> list[str]:
    """Where each run is at its best."""
    row = next(row for row in found.metrics if row.best)
    told = []
    for label, setting in zip(found.labels, row.settings, strict=True):
        known = [f"{p} = {number(v)}" for p, v in (setting or {}).items() if v is not None]
        told += [f"{label} at {', '.join(known)}"] if known else []
    return told


def estimate(value: Estimate | None) -> str:
    """A mean, with half the width of its interval where there is one."""
    if value is None:
        return "–"
    told = number(value.mean)
    if value.high - value.low >= 0:
        told += f" ± {number((value.high - value.low) / 2, 2)}"
    return told + (f" ({value.failed} failed)" if value.failed else "")


def difference(value: Estimate | None) -> str:
    """A difference with its sign, and a star where its interval leaves zero out."""
    if value is None:
        return "–"
    told = estimate(value._replace(failed=0))
    if value.mean > 0:
        told = f"+{told}"
    return f"{told} *" if value.low > 0 or value.high < 0 else told


def about_metrics(found: Comparison) -> str:
    """How to read the numbers, as far as they occur."""
    values = [value.seeds for row in found.metrics for value in row.values if value is not None]
    pairs = [pair.seeds for row in found.metrics for pair in row.differences if pair is not None]
    if max(values, default=1) < 2:
        return "One seed each: no interval can be given."
    told = "Means over seeds ± half the width of their 95% interval."
    if max(pairs, default=1) > 1:
        told += (
            f" Differences are taken seed by seed, over {max(pairs)} that both have; * marks those "
            "whose interval leaves zero out."
        )
    return told


def claims(found: Comparison) -> Grid:
    """How each claim ended in each run, and what it measured."""
    rows = []
    for every in found.claims.values():
        statement = next(tex.plain(claim.statement) for claim in every if claim is not None)
        cells = []
        for run, claim in zip(found.runs, every, strict=True):
            row = words.row(run, claim) if claim is not None else None
            cells.append(f"{row.outcome.value} {row.measured}" if row else "–")
        rows.append([statement, *cells])
    return Grid(["claim", *found.labels], rows)


def _value(value: Any) -> str:
    return value if value == ABSENT else _short(value)


def _short(value: Any) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str) and len(value) > 4:
        return f"[{_short(value[0])}, {_short(value[1])}, ..., {_short(value[-1])}] ({len(value)})"
    if isinstance(value, list):
        return f"[{', '.join(map(_short, value))}]"
    return show(value, 60)
