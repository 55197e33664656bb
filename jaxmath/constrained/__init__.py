"""Constrained problems: solutions with multipliers, residuals and a status for each lane."""

from jaxmath.constrained.equality import solve_equality
from jaxmath.optimize.solution import Info, Kind, Solution, Status, describe
