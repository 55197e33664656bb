"""Every formula of the library, and the public functions that are none, each with the reason."""

from __future__ import annotations

from jaxmath import losses, special
from jaxmath.formula import Formula

FORMULAS: tuple[Formula, ...] = (
    *special.SPECIAL,
    *losses.LOSSES,
    *losses.PENALTIES,
)

EXEMPT: dict[str, str] = {}
