"""What is known of a fact: a proof over a part of the domain, a witness against it, or trials."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from jaxmath.formula import (
    Concave,
    Convex,
    Decreasing,
    Fact,
    Increasing,
    Lipschitz,
    Smooth,
    StronglyConvex,
)

CURVED = (Convex, Concave, StronglyConvex, Smooth)
SLOPED = (Increasing, Decreasing, Lipschitz)
"""Facts that are inequalities of second and of first derivatives."""

Outcome = Literal["proven", "refuted", "no counterexample"]
Box = list[tuple[float, float]]
"""The range of each coordinate."""


class Witness(NamedTuple):
    """Where a fact is broken, by proof.

    At one point: the derivative along `direction`, of first or second order, is `measured`. At two
    points: the change of the value between them, or for convexity by how much the middle lies
    above (concavity: below) the chord. `allowed` is what the fact allows at most (a sign: 0).
    """

    points: tuple[Mapping[str, list[float]], ...]
    direction: tuple[float, ...]
    measured: float
    allowed: float

    def __str__(self) -> str:
        where = " and ".join(
            ", ".join(f"{k} = {v[0] if len(v) == 1 else v}" for k, v in point.items())
            for point in self.points
        )
        along = f" along {list(self.direction)}" if len(self.direction) > 1 else ""
        return f"at {where}{along}: {self.measured:.6g}, allowed {self.allowed:.6g}"


class Proof(NamedTuple):
    """What is known of one fact of a formula.

    Attributes:
        formula, fact: the fact and whose it is.
        outcome: "proven" over all of `covered`; "refuted" by the `witness`; else "no
            counterexample" in so many `trials`.
        covered: for each coordinate its argument and the range over which the fact is proven.
        undecided: the share of the domain that stayed undecided, numbers beyond one counted by
            their logarithms.
        boxes, trials: how many boxes and points were evaluated.
        closed_form: whether the closed-form partial derivative was taken for the derivative.
        witness: where a refuted fact is broken.
        why: why no proof was tried.
    """

    formula: str
    fact: Fact
    outcome: Outcome
    covered: tuple[tuple[str, float, float], ...] = ()
    undecided: float = 1.0
    boxes: int = 0
    trials: int = 0
    closed_form: bool = False
    witness: Witness | None = None
    why: str = ""

    def __str__(self) -> str:
        lead = f"{self.formula} {self.fact.name} in {self.fact.argument}: "
        if self.witness is not None:
            return f"{lead}refuted {self.witness}"
        ranges = ", ".join(f"{name} in [{a:.12g}, {b:.12g}]" for name, a, b in self.covered)
        given = ", given the closed form of the slope" if self.closed_form else ""
        if self.outcome == "proven":
            rest = "" if not self.trials else f"; elsewhere none in {self.trials} trials"
            return f"{lead}proven for {ranges}{given} ({self.boxes} boxes){rest}"
        rest = self.why or f"{self.undecided:.2g} of the domain undecided after {self.boxes} boxes"
        return f"{lead}no counterexample in {self.trials} trials ({rest})"


def centre(box: Box) -> Box:
    """The point in the middle of a box, as a box."""
    middles = [low / 2 + high / 2 for low, high in box]
    return [(x, x) for x in middles]
