"""What holds of every formula: each law is a function `(formula, dtype) -> findings`.

A finding is a sentence about one argument; no finding means that the law holds. The laws share the
evidence gathered once for a formula and dtype. An exception stands in `formula.exceptions`, under
the law's name, or under "law/argument" where it concerns one argument alone, with its reason.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike

from jaxmath import domains
from jaxmath.formula import Formula
from jaxmath.verify import points
from jaxmath.verify.compare import ROUNDINGS, compare
from jaxmath.verify.evidence import Evidence, gather
from jaxmath.verify.facts import broken_facts
from jaxmath.verify.finite import early_infinities, lost_in_float32, nans
from jaxmath.verify.opinions import autodiff
from jaxmath.verify.reference import sides_of
from jaxmath.verify.sampling import gaps

POINTS = 256


class Finding(NamedTuple):
    """One thing that does not hold, in words, with the formula, law, argument and dtype named."""

    formula: str
    law: str
    argument: str
    dtype: str
    words: str

    def __str__(self) -> str:
        where = f" in {self.argument}" if self.argument else ""
        return f"{self.formula}, {self.law}{where} ({self.dtype}): {self.words}"


Law = Callable[[Formula, DTypeLike], list[Finding]]
_gathered: dict[tuple[int, str], tuple[Formula, Evidence]] = {}


def evidence(formula: Formula, dtype: DTypeLike) -> Evidence:
    """The opinions on a formula at its standard points, gathered once per formula and dtype."""
    key = (id(formula), np.dtype(dtype).name)
    if key not in _gathered:
        args = points.draw(formula, POINTS, dtype)
        _gathered[key] = (formula, gather(formula, args))
    return _gathered[key][1]


def _findings(
    law: str, formula: Formula, dtype: DTypeLike, found: Iterable[tuple[str, str]]
) -> list[Finding]:
    """Sentences by argument as findings, without those that the record excepts."""
    return [
        Finding(formula.name, law, argument, np.dtype(dtype).name, words)
        for argument, words in found
        if law not in formula.exceptions and f"{law}/{argument}" not in formula.exceptions
    ]


def first_derivatives(formula: Formula, dtype: DTypeLike) -> list[Finding]:
    """Closed form, reverse and forward mode and the reference agree on every first derivative."""
    return _derivatives("first_derivatives", formula, dtype, order=1)


def second_derivatives(formula: Formula, dtype: DTypeLike) -> list[Finding]:
    """Closed form, both nestings of modes and the reference agree on every second derivative."""
    return _derivatives("second_derivatives", formula, dtype, order=2)


def _derivatives(law, formula, dtype, order):
    e = evidence(formula, dtype)
    missing = [name for name in e.lay.wrt if name not in e.closed]
    found = [(name, "has no closed form") for name in missing if order == 1]
    rows = [row for row in compare(e).rows if row.order == order and row.verdict != "agree"]
    found += [(", ".join(row.arguments), f"{row}; worst {row.worst}") for row in rows]
    return _findings(law, formula, dtype, found)


def hessian_symmetric(formula: Formula, dtype: DTypeLike) -> list[Finding]:
    """Derivatives in two coordinates do not depend on their order, in every nesting of modes."""
    e = evidence(formula, dtype)
    answers = dict(e.auto.second)
    for (one, two), block in e.closed_seconds.items():
        if one == two:
            answers[f"closed form in {one}"] = block
    found = []
    slopes = e.slopes[1] if e.slopes[1] is not None else np.zeros(())
    eps, tiny = float(np.finfo(dtype).eps), float(np.finfo(dtype).tiny)
    for name, hessian in answers.items():
        hessian = hessian.astype(np.float64)
        other = np.swapaxes(hessian, -1, -2)
        change = slopes
        if name.startswith("closed form"):
            own = e.lay.columns(name.removeprefix("closed form in "))
            change = slopes[..., own, own]
        with np.errstate(invalid="ignore", over="ignore"):
            size = np.fmax(np.abs(hessian), np.abs(other)) + change
            size = np.fmax(size, np.swapaxes(size, -1, -2))
            allowed = 8 * ROUNDINGS * max(e.lay.sizes) * (eps * size + tiny)
            bad = np.isfinite(hessian) & np.isfinite(other) & ~(np.abs(hessian - other) <= allowed)
        if bad.any():
            found.append(("", f"{name} is not symmetric at {int(bad.sum())} places"))
    return _findings("hessian_symmetric", formula, dtype, found)


def traces_once(formula: Formula, dtype: DTypeLike) -> list[Finding]:
    """`jit(fn)` called twice with new values of the same shape traces once."""
    e, count = evidence(formula, dtype), 0

    def counted(*args):
        nonlocal count
        count += 1
        return formula.fn(*args)

    jitted = jax.jit(counted)
    with jax.enable_x64(True):
        for point in (0, len(e.theta) - 1):
            jitted(*_point(e, point))
    found = [] if count == 1 else [("", f"was traced {count} times for one shape")]
    return _findings("traces_once", formula, dtype, found)


def transforms_agree(formula: Formula, dtype: DTypeLike) -> list[Finding]:
    """One point alone, jitted, and in a batch give the same value, in the dtype of the inputs."""
    e, found = evidence(formula, dtype), []
    eps, tiny = float(np.finfo(dtype).eps), float(np.finfo(dtype).tiny)
    jitted = jax.jit(formula.fn)
    batch = e.auto.value
    with np.errstate(all="ignore"):
        slopes = np.abs(e.auto.first["reverse mode"] * e.theta[:, None, :]).sum(axis=-1)
        slopes = np.where(np.isfinite(slopes), slopes, 0.0)
    for point in np.linspace(0, len(e.theta) - 1, 12).astype(int).tolist():
        with jax.enable_x64(True):
            values = {"alone": formula.fn(*_point(e, point)), "jitted": jitted(*_point(e, point))}
        for name, value in values.items():
            leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(value)]
            if any(leaf.dtype != e.theta.dtype for leaf in leaves):
                found.append(("", f"answers in {leaves[0].dtype}"))
            flat = np.concatenate([leaf.ravel() for leaf in leaves])
            with np.errstate(all="ignore"):
                allowed = ROUNDINGS * (eps * (np.abs(flat) + slopes[point]) + tiny)
                same = (flat == batch[point]) | (np.abs(flat - batch[point]) <= allowed)
            same |= np.isnan(flat) & np.isnan(batch[point])  # which other laws judge
            if not same.all():
                found.append(("", f"{name} gives {flat} and in a batch {batch[point]}"))
    for name, value in {**e.auto.first, **e.auto.second}.items():
        if value.dtype != e.theta.dtype:
            found.append(("", f"{name} answers in {value.dtype}"))
    for name, value in e.closed.items():
        if value.dtype != e.theta.dtype:
            found.append((name, f"the closed form answers in {value.dtype}"))
    return _findings("transforms_agree", formula, dtype, found)


def finite(formula: Formula, dtype: DTypeLike) -> list[Finding]:
    """Inside the domain nothing is NaN, nor infinite or lost where the truth is representable."""
    e = evidence(formula, dtype)
    found = nans(e)
    if np.dtype(dtype) == np.float64:
        found += early_infinities(e)
    else:
        found += lost_in_float32(e)
    return _findings("finite", formula, dtype, found)


def nan_propagates(formula: Formula, dtype: DTypeLike) -> list[Finding]:
    """NaN in a differentiated argument gives NaN out, in every value that depends on it."""
    e, found = evidence(formula, dtype), []
    usual = np.flatnonzero(points.ordinary(formula, dict(e.args)))
    point = int(usual[-1]) if len(usual) else len(e.theta) - 1
    slopes = np.abs(e.auto.first["reverse mode"][point])
    bends = np.abs(np.nan_to_num(e.auto.second["forward over reverse"])).max(axis=(0, 1)).diagonal()
    for name in e.lay.wrt:
        for j in range(e.lay.columns(name).start, e.lay.columns(name).stop):
            theta = e.theta.copy()
            theta[point, j] = np.nan
            answer = _again(e, theta)
            matters = slopes[:, j] > 0
            if not np.isnan(answer.value[point][matters]).all():
                found.append((name, f"NaN in it gives {answer.value[point]}"))
            # A slope that is the same everywhere need not know where it is asked.
            slope = answer.first["reverse mode"][point, :, j]
            if bends[j] > 0 and not np.isnan(slope[matters]).all():
                found.append((name, f"NaN in it gives the slope {slope}"))
    return _findings("nan_propagates", formula, dtype, found)


def breaks_follow_convention(formula: Formula, dtype: DTypeLike) -> list[Finding]:
    """At a break of order 1 every answer is the slope that the record's convention names."""
    e, found = evidence(formula, dtype), []
    for jump in formula.breaks:
        at = np.flatnonzero(e.kinks[jump.order] & _on(e, jump))
        estimate = e.first if jump.order == 1 else e.second
        kink = estimate.kink[at] if estimate is not None else np.zeros(0, bool)
        if not kink.any():
            found.append(("", f"no jump was found at its break of order {jump.order}"))
        if jump.order == 1:
            found += _conventions(e, jump, at)
    return _findings("breaks_follow_convention", formula, dtype, found)


def _conventions(e: Evidence, jump, at) -> list[tuple[str, str]]:
    estimate, found = e.first, []
    answers = dict(e.auto.first)
    for name in e.lay.wrt:
        own = e.lay.columns(name)
        opinions = {n: a[:, :, own] for n, a in answers.items()}
        if name in e.closed:
            opinions["closed form"] = e.closed[name]
        kink = estimate.kink[:, :, own]
        for point, output, column in np.argwhere(kink).tolist():
            if point not in at:
                continue
            j = own.start + column
            left, right = estimate.left[point, output, j], estimate.right[point, output, j]
            bar = estimate.left_error[point, output, j] + estimate.right_error[point, output, j]
            bar += 4 * float(np.finfo(e.theta.dtype).eps) * (abs(left) + abs(right))
            below, above = (left, right) if _ascends(e, jump, point, j) else (right, left)
            expected = {
                "left": below,
                "right": above,
                "middle": (below + above) / 2,
                "zero": 0.0,
            }[jump.convention]
            for who, answer in opinions.items():
                value = float(answer[point, output, column])
                between = min(left, right) - bar <= value <= max(left, right) + bar
                if not (between and abs(value - expected) <= bar):
                    words = (
                        f"{who} answers {value:g} at a break whose slopes are {left:g} and "
                        f"{right:g}; the convention is {jump.convention}"
                    )
                    found.append((name, words))
    return found[:3]


def _on(e: Evidence, jump) -> np.ndarray:
    """Which points lie exactly on this break."""
    with jax.enable_x64(True):
        values = [e.args[name] for name in e.formula.arguments]
        distance = np.asarray(jax.vmap(sides_of(None, (jump,)))(*values)[1])
    return (distance.reshape(len(distance), -1) == 0).any(axis=1)


def _ascends(e: Evidence, jump, point: int, j: int) -> bool:
    """Whether the distance to the break grows with coordinate j."""
    theta = e.theta[point].astype(np.float64)
    with np.errstate(over="ignore"):
        theta[j] += max(abs(theta[j]), 1.0) * 1e-3
    fixed = jax.tree.map(lambda leaf: leaf[point], e.fixed)
    with jax.enable_x64(True):
        sides = sides_of(None, (jump,))(*e.lay.arguments(e.lay.vectors(theta), fixed))[1:]
    return bool(np.sum([np.sum(np.asarray(s)) for s in sides]) > 0)


def facts_hold(formula: Formula, dtype: DTypeLike) -> list[Finding]:
    """Convexity, bounds and the like hold in the argument that they name, over the whole domain."""
    e = evidence(formula, dtype)
    found = [(fact.argument, words) for fact, words in broken_facts(e)]
    return _findings("facts_hold", formula, dtype, found)


def sampler_covers(formula: Formula, dtype: DTypeLike) -> list[Finding]:
    """The sampler reaches every decade of its domain, both signs, every end; edges lie inside."""
    found = []
    for name, domain in formula.domain.items():
        for leaf in jax.tree.leaves(domain, is_leaf=domains.is_domain):
            found += [(name, words) for words in gaps(leaf, dtype)]
    return _findings("sampler_covers", formula, dtype, found)


LAWS: tuple[Law, ...] = (
    first_derivatives,
    second_derivatives,
    hessian_symmetric,
    traces_once,
    transforms_agree,
    finite,
    nan_propagates,
    breaks_follow_convention,
    facts_hold,
    sampler_covers,
)


def _point(e: Evidence, point: int) -> list:
    pick = functools.partial(jax.tree.map, lambda leaf: jnp.asarray(leaf[point]))
    return [pick(e.args[name]) for name in e.formula.arguments]


def _again(e: Evidence, theta: np.ndarray):
    return autodiff(e.formula.fn, e.lay, theta, e.fixed, e.second is not None)
