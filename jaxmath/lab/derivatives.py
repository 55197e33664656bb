"""Every formula of the library: each slope and curvature by hand, by JAX, and by exact arithmetic.

Closed form, reverse mode and forward mode are compared with each other and with a reference that
carries its own error bar, in every argument, over the whole domain: tails, edges and the neighbours
of breaks included. The reference is exact where python-flint is installed, else differences. Errors
are counted in units in the last place (ulp).
"""

from __future__ import annotations

import difflib
import math
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Annotated, Any

import jax
import jax.numpy as jnp
import numpy as np
from annotated_types import Ge

from jaxmath import verify
from jaxmath.config.errors import InputError, Problem
from jaxmath.formula import Source
from jaxmath.lab.program import workers
from jaxmath.runs.experiment import Axis, Claim, Fault, Line, Plot, Result, Table
from jaxmath.runs.measured import Measured

TOPICS = ("C1", "C2")

BATCH = 16
"""After so many formulas their compiled programs, some hundred megabytes, are forgotten."""
COUNTS = ("agree", "disagree", "undecided", "zeros", "kinks")


@dataclass(frozen=True)
class Config:
    """Which formulas are compared, and at how many points.

    Attributes:
        formulas: their names; empty for all.
        points: how many for each formula, edges apart.
        seconds: whether second derivatives are compared as well.
    """

    formulas: tuple[str, ...] = ()
    points: Annotated[int, Ge(8)] = 256
    seconds: bool = True


def load(config: Config) -> dict[str, Any]:
    """The names of the formulas to compare.

    Raises:
        InputError: there is no formula of a name.
    """
    known = [formula.name for formula in verify.FORMULAS]
    for name in config.formulas:
        if name not in known:
            close = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean {close[0]!r}?" if close else "`jaxmath list` prints all"
            raise InputError(Problem(f"there is no formula {name!r}", path="formulas", hint=hint))
    return dict(names=tuple(config.formulas) or tuple(known))


def survey(config: Config, data, seed: int, progress) -> dict[str, Any]:
    """Compare each formula, and count how its derivatives ended, a row a derivative."""
    precision = np.dtype(jnp.result_type(float))  # as the study chose
    by_name = {formula.name: formula for formula in verify.FORMULAS}
    progress.phase("comparing", len(data["names"]))

    def compare(name: str):
        report = verify.derivatives(
            by_name[name],
            dtype=precision,
            points=config.points,
            seed=seed,
            seconds=config.seconds,
        )
        progress.advance()
        return report.rows

    with warnings.catch_warnings(), ThreadPoolExecutor(workers()) as pool:
        # At the edges of a domain numbers overflow on purpose.
        warnings.simplefilter("ignore", RuntimeWarning)
        # Nearly all of the work is compiling, which Python's lock does not hold up.
        found: list[Any] = []
        for start in range(0, len(data["names"]), BATCH):
            found += pool.map(compare, data["names"][start : start + BATCH])
            jax.clear_caches()
    rows = [(name, row) for name, one in zip(data["names"], found, strict=True) for row in one]
    return dict(
        formula=np.array([name for name, _ in rows]),
        derivative=np.array([row.name for _, row in rows]),
        order=np.array([row.order for _, row in rows]),
        digits=np.array([row.digits for _, row in rows]),
        ulps=np.array([_ulps(row, precision) for _, row in rows]),
        **{count: np.array([getattr(row, count) for _, row in rows]) for count in COUNTS},
    )


def _ulps(row: verify.Row, precision: np.dtype) -> float:
    """How far apart the opinions are where they agree, at the worst entry."""
    sure = row.data["verdict"] == 0
    names = ["closed form", "reverse mode", "forward mode", "forward over reverse"]
    values = np.array([row.data[name][sure] for name in names if name in row.data])
    if not values.size:
        return math.nan
    size = np.spacing(np.abs(values).max(axis=0).astype(precision)).astype(float)
    return float(np.max(np.ptp(values, axis=0) / size))


def judge(config: Config, data, measured: Measured) -> Result:
    """No derivative disagrees anywhere, enough of each is decided, and no formula is left out."""
    order = np.asarray(measured["order"])
    disagree = np.asarray(measured["disagree"])
    claims = [
        _nothing_disagrees(1, "slope", order, disagree),
        *([_nothing_disagrees(2, "curvature", order, disagree)] if config.seconds else []),
        _enough_is_decided(measured),
        _no_formula_is_missing(data, measured),
    ]
    first = {
        name: np.asarray(values).reshape(-1, order.shape[-1])[0]
        for name, values in measured.items()
    }
    settled = first["agree"] + first["zeros"]
    judged = settled + first["disagree"] + first["undecided"]
    verdict = np.where(
        first["disagree"] > 0, "disagree", np.where(_share(first) < 0.25, "undecided", "agree")
    )
    table = Table(
        name="derivatives",
        title="Each derivative of each formula: closed form, reverse and forward mode, reference",
        columns={
            "formula": first["formula"],
            "derivative": first["derivative"],
            "verdict": verdict,
            "digits": np.round(first["digits"], 1),
            "opinions apart (ulp)": np.round(first["ulps"], 2),
            "compared": judged,
            "undecided (share)": np.round(first["undecided"] / np.maximum(judged, 1), 4),
            "at a kink": first["kinks"],
        },
    )
    return Result(tuple(claims), (table,), {name: first[name] for name in ("order", "digits")})


def _nothing_disagrees(order: int, what: str, orders, disagree) -> Claim:
    def plant(arrays):
        changed = np.array(arrays["disagree"])
        rows = np.asarray(arrays["order"]) == order
        changed[rows] = np.where(np.arange(rows.sum()) == 0, 1, changed[rows])
        return {**arrays, "disagree": changed}

    return Claim(
        name=f"every_{what}_agrees",
        statement=f"In every argument of every formula the {what} by hand, in reverse mode and in "
        "forward mode is the same, and the reference contradicts it nowhere.",
        measured=disagree[orders == order],
        relation="=",
        expected=0,
        source=Source("griewank2008evaluating", "chapter 3"),
        breaks_if=Fault(f"one {what} wrong at one point", plant),
    )


def _enough_is_decided(measured) -> Claim:
    def plant(arrays):
        changed = {name: np.array(arrays[name]) for name in ("agree", "zeros")}
        for values in changed.values():
            values[..., 0] = 0
        undecided = np.array(arrays["undecided"])
        undecided[..., 0] = 100
        return {**arrays, **changed, "undecided": undecided}

    return Claim(
        name="enough_is_decided",
        statement="Of each derivative the reference decides at least a quarter of the points; what "
        "it cannot decide is no pass.",
        measured=_share(measured),
        relation=">=",
        expected=0.25,
        source="the error bar of the reference",
        breaks_if=Fault("one derivative undecided at every point", plant),
    )


def _share(arrays) -> np.ndarray:
    """Which share of what is no kink and does not disagree is settled."""
    settled = np.asarray(arrays["agree"]) + np.asarray(arrays["zeros"])
    return settled / np.maximum(settled + np.asarray(arrays["undecided"]), 1)


def _no_formula_is_missing(data, measured) -> Claim:
    def plant(arrays):
        names = np.array(arrays["formula"])
        names[names == names.flat[0]] = names.flat[-1]
        return {**arrays, "formula": names}

    return Claim(
        name="no_formula_is_missing",
        statement="Every formula that was asked for has been compared.",
        measured=len(np.unique(measured["formula"])),
        relation="=",
        expected=len(data["names"]),
        source="the list of formulas",
        breaks_if=Fault("the rows of one formula under another's name", plant),
    )


def draw(result: Result) -> tuple[Plot, ...]:
    """To how many digits each derivative agrees, from the worst to the best."""
    order, digits = np.asarray(result.series["order"]), np.asarray(result.series["digits"])
    lines = []
    for each, words in ((1, "slopes"), (2, "curvatures")):
        values = np.sort(digits[order == each])
        if len(values):
            share = 100 * (np.arange(len(values)) + 1) / len(values)
            lines.append(Line(words, values, share))
    return (
        Plot(
            name="digits",
            title="To how many digits the opinions agree",
            alt="The share of derivatives that agree to at most so many digits, for slopes and "
            "for curvatures.",
            x=Axis("digits on which all opinions agree", "", "linear"),
            y=Axis("derivatives with at most so many", "%", "linear"),
            lines=tuple(lines),
        ),
    )
