"""All that is known of the derivatives of one formula at one set of points, before it is judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from jaxmath.formula import Formula
from jaxmath.verify import opinions
from jaxmath.verify.flat import Layout, as_dtype, bounds, evaluate, layout
from jaxmath.verify.opinions import Opinions
from jaxmath.verify.proven import best
from jaxmath.verify.reference import Estimate, Reference, described, sides_of


@dataclass(frozen=True)
class Evidence:
    """The opinions and the reference at the same points.

    Attributes:
        formula: of what.
        lay: how its arguments lie among the coordinates.
        args: the points, by argument.
        theta: the points as a matrix `(points, coordinates)`; its dtype is the one judged.
        fixed: the arguments that are not differentiated.
        first, second: the reference, `second` None if not asked for; `reference` is its name.
        auto: what JAX says of `formula.fn`.
        plain: what JAX says of `formula.plain`, first order only, or None.
        closed: the closed form, by argument.
        closed_seconds: the second derivatives in closed form, by pair of arguments.
        slopes: sum over j of |x_j dg/dx_j| for each first and second derivative g.
        kinks: which points lie exactly on a break, by its order.
    """

    formula: Formula
    lay: Layout
    args: Mapping[str, Any]
    theta: np.ndarray
    fixed: tuple[Any, ...]
    reference: str
    first: Estimate
    second: Estimate | None
    auto: Opinions
    plain: Opinions | None
    closed: Mapping[str, np.ndarray]
    closed_seconds: Mapping[tuple[str, str], np.ndarray]
    slopes: tuple[np.ndarray, np.ndarray | None]
    kinks: Mapping[int, np.ndarray]


def gather(
    formula: Formula,
    args: Mapping[str, Any],
    wrt: tuple[str, ...] | None = None,
    seconds: bool = True,
    reference: Reference | None = None,
) -> Evidence:
    """Ask everyone, at given points; the reference is the best that is installed, by default."""
    reference = reference or best()
    lay = layout(formula, wrt)
    theta, fixed = lay.flatten(args)
    with np.errstate(all="ignore"):
        first, second = reference(formula, args, wrt, seconds)
        return Evidence(
            formula=formula,
            lay=lay,
            args=args,
            theta=theta,
            fixed=fixed,
            reference=described(reference, (first, second)),
            first=first,
            second=second,
            auto=opinions.autodiff(formula.fn, lay, theta, fixed, seconds),
            plain=opinions.autodiff(formula.plain, lay, theta, fixed, False)
            if formula.plain
            else None,
            closed=opinions.closed_first(formula, lay, args),
            closed_seconds=opinions.closed_second(formula, lay, args) if seconds else {},
            slopes=conditioning(formula, lay, theta, fixed, seconds),
            kinks=on_break(formula, lay, theta, fixed),
        )


def conditioning(formula: Formula, lay: Layout, theta, fixed, seconds: bool):
    """By how much each derivative changes for a relative change of each input: sum |x_j dg/dx_j|.

    Measured in float64 by moving one coordinate at a time by a relative 2^-20, inwards where an
    edge or a break is near. With more than twelve coordinates all move at once, by random signs.
    Of a vector that maps to a vector, such as logits, coordinates near zero move by 2^-20 of one:
    the results are what differences of coordinates make, and those are not known any better.
    """
    theta64, fixed64 = theta.astype(np.float64), as_dtype(fixed, np.float64)

    def look(at):
        found = opinions.autodiff(formula.fn, lay, at, fixed64, seconds)
        second = [found.second["forward over reverse"]] if seconds else []
        return [found.first["reverse mode"], *second]

    def side(at):
        with jax.enable_x64(True):
            return evaluate(sides_of(formula.where, formula.breaks), lay, at, fixed64)

    low, high = bounds(formula, lay)
    centre, home = look(theta64), side(theta64)
    # In the widest numbers there are: near the end of float64 the quotient is beyond it.
    totals = [np.zeros(c.shape, np.longdouble) for c in centre]
    if lay.size <= 12:
        directions = list(np.eye(lay.size))
    else:
        signs = np.random.default_rng(0).choice([-1.0, 1.0], (8, lay.size))
        directions = list(signs)
    share = 2.0**-20
    size = np.abs(theta64)
    if centre[0].shape[1] > 1 and lay.size > 1:
        size = np.maximum(size, np.minimum(size.max(axis=1, keepdims=True), 1.0))
    for direction in directions:
        moved = theta64 + share * direction * size
        other = theta64 - share * direction * size
        crossed = (side(moved) != home).any(axis=1) | ((moved < low) | (moved > high)).any(axis=1)
        moved = np.where(crossed[:, None], other, moved)
        crossed = (side(moved) != home).any(axis=1)
        for total, before, after in zip(totals, centre, look(moved), strict=True):
            change = np.abs(after.astype(np.longdouble) - before) / share
            alone = crossed.reshape(-1, *(1 for _ in change.shape[1:]))
            total += np.where(np.isfinite(change) & ~alone, change, 0.0)
    return totals[0], totals[1] if seconds else None


def on_break(formula: Formula, lay: Layout, theta, fixed) -> dict[int, np.ndarray]:
    """Which points lie exactly on a break, by the order of the break."""
    found = {order: np.zeros(len(theta), bool) for order in (1, 2)}
    for jump in formula.breaks:
        with jax.enable_x64(True):
            sides = evaluate(
                sides_of(None, (jump,)), lay, theta.astype(np.float64), as_dtype(fixed, np.float64)
            )[:, 1:]
        found[jump.order] |= (sides == 0).any(axis=1)
    return found
