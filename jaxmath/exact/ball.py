"""Balls: real numbers with a proven radius (Arb, by python-flint), and how numbers become balls.

python-flint is an extra. This module is the only door to it, so its absence is told once, here.
"""

import importlib
from typing import Any

try:
    _flint: Any = importlib.import_module("flint")
except ImportError as missing:
    raise ImportError(
        "The exact reference needs python-flint: pip install 'jaxmath[verify]'"
    ) from missing

acb, arb, arb_mat, arb_series = _flint.acb, _flint.arb, _flint.arb_mat, _flint.arb_series
ctx = _flint.ctx

__all__ = ["ONE", "UNKNOWN", "ZERO", "acb", "arb", "arb_mat", "arb_series", "between", "ctx"]

ZERO, ONE = arb(0), arb(1)
UNKNOWN = arb.nan()
"""A number of which nothing is known: not IEEE's NaN, which is a proven result."""


def between(low: float, high: float) -> Any:
    """The ball that holds all numbers from one to another, exact where they are the same."""
    return arb(low) if low == high else arb(low).union(arb(high))
