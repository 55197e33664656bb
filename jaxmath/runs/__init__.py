"""What an experiment hands over (claims, tables, plots), and the folder of a run that keeps it."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jaxmath.runs.experiment import Axis, Claim, Fault, Line, Outcome, Plot, Result, Table
    from jaxmath.runs.measured import Measured

__all__ = ["Axis", "Claim", "Fault", "Line", "Measured", "Outcome", "Plot", "Result", "Table"]


def __getattr__(name: str) -> Any:
    """The records load JAX, which listing runs must not."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    room = "measured" if name == "Measured" else "experiment"
    return getattr(importlib.import_module(f"{__name__}.{room}"), name)
