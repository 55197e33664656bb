"""Which family has which function: its own, a generic one, or none and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from jaxmath.distributions.contract import FUNCTIONS
from jaxmath.distributions.family import Family


class Cell(NamedTuple):
    """Where a function comes from: "own", "generic" or "not defined"; the latter with a reason."""

    origin: str
    reason: str


def coverage(families: Sequence[Family] | None = None) -> dict[str, dict[str, Cell]]:
    """A cell for each family, by default all, and each function of the contract."""
    if families is None:
        from jaxmath.distributions import FAMILIES

        families = FAMILIES
    return {
        family.name: {name: Cell(family.origin(name), family.why_not(name)) for name in FUNCTIONS}
        for family in families
    }
