"""Closed form, reverse mode, forward mode and the reference, against each other, everywhere.

Two opinions in one dtype are equal if they differ by no more than rounding explains: a few ulps of
the derivative and of what moving each input by its last digit changes (its conditioning). The
reference has fewer digits and is independent: it says whether what they agree on is true, and who
is wrong where they do not agree. NaN equals nothing. What the reference cannot decide is undecided.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike

from jaxmath import domains
from jaxmath.formula import Formula
from jaxmath.verify import points as points_
from jaxmath.verify.evidence import Evidence, gather
from jaxmath.verify.flat import Layout, as_dtype
from jaxmath.verify.given import Given, as_formula
from jaxmath.verify.opinions import Opinions
from jaxmath.verify.reference import Estimate, Reference
from jaxmath.verify.report import BLAMED, Report, Row, Worst

ROUNDINGS = 16
"""How many roundings, each amplified by the conditioning, an opinion is granted at first order."""

NEEDED = 2.0**-22
"""The reference decides where its bar is below this share of the derivative (or in float32, below
the rounding granted): enough to see an error of one in a million."""

PLAIN = "without the rule"
"""The function as JAX differentiates it without the custom rule: a witness, not judged."""

LEAVES = 8
"""As many arrays of a pytree are named in a line."""

AGREE, DISAGREE, UNDECIDED, KINK, ZERO, UNASKED = range(6)


def derivatives(
    function: Given,
    *,
    domain: Mapping[str, Any] | None = None,
    wrt: tuple[str, ...] | str | None = None,
    dtype: DTypeLike = np.float64,
    points: int | Mapping[str, Any] = 256,
    seed: int = 0,
    seconds: bool = True,
    reference: Reference | None = None,
    analytic: Mapping[str, Callable[..., Any]] | None = None,
) -> Report:
    """Compare every opinion on the first and second derivatives of a function.

    Args:
        function: a Formula, or any function of one example. Of a plain function without `domain`,
            each argument without a default is taken as a real number, wherever the value is finite.
        domain: the set of each argument, by name.
        wrt: the arguments to differentiate in; by default all that can be.
        dtype: float64 or float32, the precision that is judged.
        points: how many, or the points themselves as arrays by argument, points along axis 0.
        seed: of the random points.
        seconds: whether to compare second derivatives.
        reference: what judges: exact arithmetic where python-flint is installed, by default.
        analytic: partial derivatives in closed form, by argument, in place of those of a Formula.
    """
    formula, assumed = as_formula(function, domain)
    if analytic:
        formula = dataclasses.replace(formula, partials=dict(analytic), seconds={})
    wrt = (wrt,) if isinstance(wrt, str) else wrt
    if isinstance(points, int):
        args = points_.draw(formula, points, dtype, seed)
    else:
        args = {name: jax.tree.map(np.asarray, points[name]) for name in formula.arguments}
        args = {name: as_dtype(value, np.dtype(dtype)) for name, value in args.items()}
    return compare(gather(formula, args, wrt, seconds, reference), assumed)


def compare(evidence: Evidence, assumed: bool = False) -> Report:
    """Judge every first derivative, and every second if it was gathered."""
    e, lay = evidence, evidence.lay
    judge = _Judge(lay, e.args, e.theta, e.auto)
    rows = []
    with np.errstate(all="ignore"):
        for name in lay.wrt:
            block = (slice(None), slice(None), lay.columns(name))
            answers = _answers(e.closed.get(name), e.auto.first, block)
            if e.plain is not None:
                answers[PLAIN] = e.plain.first["reverse mode"][block]
            rows.append(judge((name,), answers, e.first, block, e.slopes[0][block], e.kinks[1]))
        for i, one in enumerate(lay.wrt):
            if e.second is None or e.slopes[1] is None:
                break
            for two in lay.wrt[i:]:
                block = (slice(None), slice(None), lay.columns(one), lay.columns(two))
                answers = _answers(e.closed_seconds.get((one, two)), e.auto.second, block)
                kinks = e.kinks[1] | e.kinks[2]
                rows.append(judge((one, two), answers, e.second, block, e.slopes[1][block], kinks))
    return Report(
        name=e.formula.name,
        domain=describe(e.formula),
        assumed=assumed,
        dtype=e.theta.dtype.name,
        points=len(e.theta),
        reference=e.reference,
        opinions=(
            *(("closed form",) if e.closed else ()),
            *e.auto.first,
            *((PLAIN,) if e.plain else ()),
        ),
        rows=tuple(rows),
        notes=tuple(_note(row) for row in rows if PLAIN in row.data and _loses(row)),
    )


def _loses(row: Row) -> list[int]:
    """Where JAX without the custom rule would be wrong while the opinions agree."""
    with np.errstate(invalid="ignore", over="ignore"):
        gap = np.abs(row.data[PLAIN] - row.data["reverse mode"])
    fine = np.isfinite(row.data["reverse mode"]) & (row.data["verdict"] != DISAGREE)
    return np.flatnonzero(fine & ~(gap <= row.data["allowed"])).tolist()


def _note(row: Row) -> str:
    return (
        f"without its own rule {row.name} would differ at {len(_loses(row))} of "
        f"{len(row.data['x'])} places"
    )


def describe(formula: Formula) -> str:
    """The domain in a line, such as "residual in (-∞, ∞), delta in (0, ∞)"."""
    parts = [f"{name} in {_domain_text(domain)}" for name, domain in formula.domain.items()]
    return ", ".join(parts)


def _domain_text(domain) -> str:
    if domains.is_domain(domain):
        return str(domain)
    leaves = jax.tree_util.tree_leaves_with_path(domain, is_leaf=domains.is_domain)
    parts = [
        f"{jax.tree_util.keystr(path, simple=True, separator='.')}: {leaf}"
        for path, leaf in leaves[:LEAVES]
    ]
    more = f", and {len(leaves) - LEAVES} more" if len(leaves) > LEAVES else ""
    return "{" + ", ".join(parts) + more + "}"


def _answers(closed, auto: Mapping[str, np.ndarray], block) -> dict[str, np.ndarray]:
    answers = {} if closed is None else {"closed form": closed}
    return answers | {name: value[block] for name, value in auto.items()}


class _Judge:
    """Turns the answers on one derivative into a row."""

    def __init__(self, lay: Layout, args: Mapping[str, Any], theta: np.ndarray, auto: Opinions):
        self.lay, self.args, self.theta = lay, args, theta
        self.value, self.slope = np.abs(auto.value), np.abs(auto.first["reverse mode"])
        bend = auto.second.get("forward over reverse", np.zeros((*self.slope.shape, 1)))
        self.steep = np.isinf(bend).any(axis=(-2, -1))
        info = jnp.finfo(theta.dtype)
        self.eps, self.tiny, self.largest = float(info.eps), float(info.tiny), float(info.max)
        self.terms = max(lay.sizes)

    def __call__(self, arguments, answers, estimate: Estimate, block, slopes, kink):
        # Four times as many roundings at second order; a sum of n terms has n of them.
        roundings = ROUNDINGS * 4 ** (len(arguments) - 1) * self.terms
        answers = {name: np.asarray(a, np.float64) for name, a in answers.items()}
        voices = {name: a for name, a in answers.items() if name != PLAIN}
        truth, bar = estimate.value[block], estimate.error[block]
        bar = np.where(np.abs(truth) >= self.largest, np.inf, bar)
        shape = truth.shape
        kink = kink.reshape(-1, *(1 for _ in shape[1:])) | estimate.kink[block]

        def allowed(*values):
            size = np.max([np.where(np.isfinite(v), np.abs(v), 0.0) for v in values], axis=0)
            return roundings * (self.eps * (size + slopes) + self.tiny)

        full = self._full(len(arguments), estimate.centre)
        full = full.reshape(*self.value.shape, *(1 for _ in shape[2:]))
        spokesman = self._excuse(voices, full, estimate.centre is None and len(arguments) == 1)
        stack = list(voices.values())
        apart = np.zeros(shape)
        equal = np.ones(shape, bool)
        for i, one in enumerate(stack):
            for two in stack[i + 1 :]:
                gap = np.where(one == two, 0.0, np.abs(one - two))
                equal &= gap <= allowed(one, two)
                apart = np.fmax(apart, gap / allowed(one, two))
        finite = np.all([np.isfinite(v) for v in stack], axis=0)

        scale = np.abs(truth) + slopes
        needed = np.maximum(NEEDED * scale, allowed(truth)) + self.tiny
        decisive = np.isfinite(bar) & (bar <= needed)
        wrong = {
            name: np.isnan(v) | (np.isfinite(bar) & (np.abs(v - truth) > bar + allowed(truth)))
            for name, v in voices.items()
        }
        # Where the truth is out of range, what arithmetic makes of infinities says nothing.
        beyond = np.any([np.isinf(v) for v in stack], axis=0) & (~decisive | full)
        equal |= beyond
        silent = full & np.isnan(spokesman) & (len(arguments) == 2)  # all of them
        equal |= silent
        wrong = {name: w & ~beyond & ~silent for name, w in wrong.items()}
        any_wrong = np.any(list(wrong.values()), axis=0)
        state = np.where(equal & decisive & finite, AGREE, UNDECIDED)
        state = np.where(~equal | any_wrong, DISAGREE, state)
        # A zero has no digits. It is measured against what a derivative of this order could be.
        natural = self._natural(arguments)
        zero = np.all([v == 0 for v in stack], axis=0) & (np.abs(truth) <= bar)
        zero &= bar <= NEEDED * natural
        state = np.where((state == UNDECIDED) & zero, ZERO, state)
        state = np.where((state == UNDECIDED) & np.isnan(bar), UNASKED, state)
        state = np.where(kink, KINK, state)
        red = state == DISAGREE

        blame = {name: int((red & w).sum()) for name, w in wrong.items() if (red & w).any()}
        unknown = int((red & ~any_wrong).sum())
        if unknown:
            blame[BLAMED] = unknown
        good = (state == AGREE) | (state == UNDECIDED)
        excess = np.max(apart, axis=None, where=good & finite, initial=0.0)
        digits = -math.log10(self.eps * max(excess * roundings, 1.0))
        return Row(
            arguments=arguments,
            agree=int((state == AGREE).sum()),
            disagree=int(red.sum()),
            undecided=int((state == UNDECIDED).sum()),
            zeros=int((state == ZERO).sum()),
            kinks=int((state == KINK).sum()),
            unasked=int((state == UNASKED).sum()),
            blame=blame,
            digits=digits,
            worst=self._worst(state, answers, truth, bar, allowed(truth), roundings),
            data=self._data(arguments, state, answers, truth, bar, allowed(*stack)),
        )

    def _full(self, order: int, truth: np.ndarray | None) -> np.ndarray:
        """Where infinity times zero may stand in a derivative.

        Where the value is out of range, unless the truth is known and is not; at second order also
        where a slope or another second derivative is.
        """
        full = np.isinf(self.value)
        if truth is not None:
            full = full & ~(np.abs(truth) < self.largest)
        return full if order == 1 else full | np.isinf(self.slope).any(axis=-1) | self.steep

    @staticmethod
    def _excuse(voices: dict[str, np.ndarray], full: np.ndarray, unsure: bool) -> np.ndarray:
        """Let one opinion that is a number speak, there alone, for those that answer NaN.

        Where nobody knows whether the value had to be infinite, reverse mode speaks for forward
        mode only, which meets the infinite value first. Returns what the speaker says.
        """
        excused = ("forward mode",) if unsure else tuple(voices)
        spokesman = voices["reverse mode"] if unsure else np.full(full.shape, np.nan)
        for voice in () if unsure else voices.values():
            spokesman = np.where(np.isnan(spokesman), voice, spokesman)
        for name in excused:
            if name in voices:
                voice = voices[name]
                voices[name] = np.where(full & np.isnan(voice), spokesman, voice)
        return spokesman

    def _natural(self, arguments) -> np.ndarray:
        """The size of a derivative of a power of each argument: f / x; (df/dx) / y and the like."""
        theta = np.abs(self.theta.astype(np.float64))
        theta = np.where(theta > 0, theta, 1.0)
        value = self.value if self.value.any() else np.ones_like(self.value)  # zero everywhere
        columns = [self.lay.columns(name) for name in arguments]
        x = theta[:, None, columns[0]]
        if len(arguments) == 1:
            return value[..., None] / x
        y = theta[:, None, None, columns[1]]
        by_x = self.slope[..., columns[0]][..., None] / y
        by_y = self.slope[..., columns[1]][:, :, None] / x[..., None]
        both = value[..., None, None] / x[..., None] / y
        return np.fmax(np.fmax(by_x, by_y), both)

    def _worst(self, state, answers, truth, bar, allowance, roundings) -> Worst | None:
        for kind in (DISAGREE, UNDECIDED, AGREE, ZERO, UNASKED):
            chosen = np.flatnonzero(state == kind)
            if len(chosen) == 0:
                continue
            values = np.stack([a.ravel()[chosen] for n, a in answers.items()])
            centre = np.where(np.isfinite(bar.ravel()[chosen]), truth.ravel()[chosen], values[0])
            error = np.max(np.abs(values - centre), axis=0)
            excess = error / allowance.ravel()[chosen]
            excess = np.where(np.isfinite(excess), excess, np.inf)
            best = int(np.argmax(excess))
            entry = chosen[best]
            point = int(np.unravel_index(entry, state.shape)[0])
            size = abs(centre[best])
            return Worst(
                point={
                    name: jax.tree.map(lambda leaf, i=point: leaf[i], self.args[name])
                    for name in self.lay.names
                },
                answers={name: float(a.ravel()[entry]) for name, a in answers.items()},
                reference=float(truth.ravel()[entry]),
                reference_error=float(bar.ravel()[entry]),
                relative=float(error[best] / size) if size else math.inf,
                ulps=float(excess[best] * roundings),
            )
        return None

    def _data(self, arguments, state, answers, truth, bar, allowance) -> dict[str, np.ndarray]:
        point, *place = np.indices(state.shape).reshape(state.ndim, -1)
        column = self.lay.columns(arguments[0]).start + place[1]
        return dict(
            point=point,
            coordinate=place[1],
            x=self.theta[point, column].astype(np.float64),
            verdict=state.ravel(),
            reference=truth.ravel(),
            allowed=allowance.ravel(),
            **{"reference error": bar.ravel()},
            **{name: a.ravel() for name, a in answers.items()},
        )
