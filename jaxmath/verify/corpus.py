"""Worst points ever found, as plain data: kept in a JSON file, and looked at first the next time.

The caller reads and writes the file, `json.dump(collected(verdict, known), file)`; the next
examination takes `points=replayed(known)`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np

from jaxmath.verify.verdict import RIGHT, Verdict

Point = Mapping[str, Any]


def collected(verdict: Verdict, known: Sequence[Point] = ()) -> list[Point]:
    """The known points and those of a verdict's findings, each once, without what is right."""
    found = [
        {name: jax.tree.map(lambda leaf: np.asarray(leaf).tolist(), value) for name, value in
         finding.point.items()}
        for finding in verdict.findings
        if finding.kind not in RIGHT
    ]  # fmt: skip
    return list({repr(point): point for point in [*known, *found]}.values())


def replayed(known: Sequence[Point]) -> dict[str, Any] | None:
    """The points by argument along axis 0, as `examine` takes them; None if there are none.

    Of arguments that are numbers, arrays or dictionaries of them.
    """
    if not known:
        return None
    is_array = lambda value: not isinstance(value, dict)  # noqa: E731
    return jax.tree.map(lambda *values: np.stack([np.asarray(v) for v in values]), *known,
                        is_leaf=is_array)  # fmt: skip
