"""What the reference says of each primitive of JAX: proven, estimated or missing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

from jaxmath.exact.interpreter import WHOLE
from jaxmath.exact.rules import RULES

Status = Literal["proven", "estimated", "by JAX itself", "missing", "complex"]

ESTIMATED = {
    "bitcast_convert_type": "the bits of the nearest float; the result depends on rounding",
    "nextafter": "taken as the identity; the result depends on rounding",
    "reduce_precision": "taken as the identity; the result depends on rounding",
    "rng_uniform": "drawn by JAX itself",
}
REMARKS = {
    "eigh": "at equal eigenvalues derivatives are estimated, and vectors one choice of many",
    "svd": "at equal singular values derivatives are estimated, and vectors one choice of many",
    "polygamma": "proven for whole orders",
    "random_gamma": "the draw is JAX's own, its derivative proven",
}


class Row(NamedTuple):
    """One primitive: its name, what is said of it, and a remark."""

    name: str
    status: Status
    remark: str


def primitives_table(emitted: Mapping[str, Iterable[str]]) -> list[Row]:
    """A row for each emitted primitive, given the kinds of number that take part in it.

    Kinds are "real", "whole" (integers, conditions, keys) and "complex". Whole numbers are computed
    by JAX or NumPy with the same bits; a primitive met with complex numbers alone is outside.
    """
    rows = []
    for name, kinds in sorted(emitted.items()):
        kinds = set(kinds)
        if kinds == {"complex"}:
            status: Status = "complex"
        elif name in ESTIMATED:
            status = "estimated"
        elif name in RULES:
            status = "proven"
        elif "real" not in kinds or name in WHOLE:
            status = "by JAX itself"
        else:
            status = "missing"
        rows.append(Row(name, status, ESTIMATED.get(name) or REMARKS.get(name, "")))
    return rows


def share(rows: Iterable[Row]) -> float:
    """The part of the primitives of real arrays that is proven, estimated or whole."""
    counted = [row for row in rows if row.status != "complex"]
    return sum(row.status != "missing" for row in counted) / len(counted)
