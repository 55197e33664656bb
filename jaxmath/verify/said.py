"""One answer and what was found of it."""

from __future__ import annotations

from typing import Any, NamedTuple


class Said(NamedTuple):
    """An answer to one question at one point.

    Attributes:
        who: the program itself or a mode of differentiation.
        columns: the coordinates differentiated in: none for the value, two for second order.
        result: the flat output.
        answer: what was computed.
        told: what it is: `kind`, `truth`, `proof`, and what else a `Finding` holds.
    """

    who: str
    columns: tuple[int, ...]
    result: int
    answer: float
    told: dict[str, Any]
