"""Exact arithmetic for JAX programs: every result is an enclosure with a proven radius.

`trace` a function once, then `evaluate` it or take its `derivatives` at points, in ball arithmetic
of as many bits as the point needs. python-flint, of the extra `verify`, is loaded on first use.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jaxmath.exact.agreement import agrees, excess
    from jaxmath.exact.arrays import Missing
    from jaxmath.exact.directional import Derivatives, derivatives
    from jaxmath.exact.enclosure import Number
    from jaxmath.exact.hessians import hessian
    from jaxmath.exact.kinks import active_gradients, in_hull
    from jaxmath.exact.mpmath_twins import from_mpmath
    from jaxmath.exact.own import meaning_of
    from jaxmath.exact.points import Value, evaluate
    from jaxmath.exact.program import Program, trace
    from jaxmath.exact.twins import Twin

_HOMES = {
    "Derivatives": "directional",
    "Missing": "arrays",
    "Number": "enclosure",
    "active_gradients": "kinks",
    "agrees": "agreement",
    "excess": "agreement",
    "from_mpmath": "mpmath_twins",
    "in_hull": "kinks",
    "meaning_of": "own",
    "Program": "program",
    "Twin": "twins",
    "Value": "points",
    "derivatives": "directional",
    "evaluate": "points",
    "hessian": "hessians",
    "trace": "program",
}

__all__ = [
    "Derivatives",
    "Missing",
    "Number",
    "Program",
    "Twin",
    "Value",
    "active_gradients",
    "agrees",
    "derivatives",
    "evaluate",
    "excess",
    "from_mpmath",
    "hessian",
    "in_hull",
    "meaning_of",
    "trace",
]


def __getattr__(name: str):
    """Load a part, and with it python-flint, when it is first asked for."""
    if name in _HOMES:
        return getattr(importlib.import_module(f"jaxmath.exact.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'jaxmath.exact' has no attribute {name!r}")
