"""NaN traps: branches that are not taken, and spoil the gradient all the same."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from jaxmath.verify.branches import Branches
from jaxmath.verify.cures import CALLS, cure
from jaxmath.verify.sources import Line, call_at, line_of, name_of

NAMES = {
    "select_n": "where", "max": "maximum", "min": "minimum", "clamp": "clip",
    "reduce_max": "max", "reduce_min": "min",
}  # fmt: skip


@dataclass(frozen=True)
class Trap:
    """A branch whose slope is infinite or undefined where it is not taken.

    Attributes:
        name: the selection, such as "where".
        line: where it was written; None if no source is known.
        point: the arguments at the simplest point met at which reverse mode gives no number.
        count: at how many points it does.
        cure: code that may take its place, or a sentence.
        site: which branch of the program it is.
    """

    name: str
    line: Line | None
    point: Mapping[str, Any]
    count: int
    cure: str
    site: int

    @property
    def cause(self) -> str:
        """The line, and what happens there."""
        return (
            f"{self.line or f'a {self.name} without source'}\n"
            f"  a branch of this {self.name} is not taken there, but its slope is infinite or "
            "undefined; reverse mode multiplies that slope by zero, which is nan"
        )

    title = "NaN trap in reverse mode"

    @property
    def why(self) -> str:
        """The cause and the cure."""
        cure = "\n" + textwrap.indent(self.cure, "  ") if "\n" in self.cure else f" {self.cure}"
        return f"cause: {self.cause}\ncure:{cure}"


def traps(branches: Branches, points) -> tuple[Trap, ...]:
    """The traps of a function among points at which reverse mode has been asked.

    Only a branch at whose trap reverse mode does answer NaN or infinity is one.
    """
    answers = points.answers.first.get("reverse mode")
    if answers is None:
        return ()
    states, known = branches(points.args)[1], np.isfinite(points.answers.value).all(axis=1)
    spoilt = ~np.isfinite(answers).all(axis=(1, 2)) & known
    found: dict[Any, Trap] = {}
    for k, state in enumerate(states.T):
        index = np.flatnonzero((state == 1) & spoilt)
        if len(index):
            trap = _trap(branches, points, k, np.where(known, state, 2), index)
            found.setdefault((trap.name, trap.line, trap.cure), trap)
    return tuple(found.values())


def _trap(branches: Branches, points, k: int, state: np.ndarray, index: np.ndarray) -> Trap:
    assert branches.sites is not None
    site = branches.sites[k]
    theta, _ = branches.lay.flatten(points.args)
    size = np.where(np.isfinite(theta), np.abs(theta), np.inf).sum(axis=1)
    line = line_of(site.path, branches.formula.fn)
    order = np.argsort(state, kind="stable")  # where it is taken first, where it is NaN last
    scalars = {
        name: theta[:, branches.lay.columns(name)][:, 0]
        for name in branches.lay.wrt
        if branches.lay.columns(name).stop - branches.lay.columns(name).start == 1
    }
    good = {name: values[order][np.sort(state) < 1] for name, values in scalars.items()}
    bad = {name: values[state == 1] for name, values in scalars.items()}
    primitive = site.eqn.primitive.name
    call = call_at(line, CALLS[primitive]) if line is not None else None
    return Trap(
        name=name_of(call.func) if call is not None else NAMES[primitive],
        line=line,
        point=points.named(int(index[np.argmin(size[index])])),
        count=len(index),
        cure=cure(line, primitive, site.operand, good, bad),
        site=k,
    )
