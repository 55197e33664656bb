"""The mathematics of machine learning as pure functions on JAX, each with its derivatives.

Submodules load on first use: ``import jaxmath`` costs little more than ``import jax``.
"""

import importlib
from typing import TYPE_CHECKING

__version__ = "0.1.0.dev0"

if TYPE_CHECKING:
    from . import (
        constrained,
        distributions,
        domains,
        exact,
        formula,
        inference,
        lab,
        losses,
        models,
        optimize,
        proximal,
        runs,
        special,
        train,
        verify,
    )

__all__ = [
    "constrained",
    "distributions",
    "domains",
    "exact",
    "formula",
    "inference",
    "lab",
    "losses",
    "models",
    "optimize",
    "proximal",
    "runs",
    "special",
    "train",
    "verify",
]


def __getattr__(name: str):
    """Import a submodule when it is first asked for."""
    if name in __all__:
        return importlib.import_module(f"jaxmath.{name}")
    raise AttributeError(f"module 'jaxmath' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
