"""Derivatives of a solution; they live in `jaxmath.optimize.implicit`, a floor below."""

from jaxmath.optimize.implicit import differentiable_if as differentiable_if
from jaxmath.optimize.implicit import implicit_root as implicit_root
