"""Constrained problems: solutions with multipliers, residuals and a status for each lane."""

from jaxmath.constrained.equality import solve_equality
from jaxmath.constrained.kkt import Problem, Residuals, kkt_residuals, quadratic_problem
from jaxmath.constrained.minimize import minimize
from jaxmath.constrained.nonlinear import solve_nlp
from jaxmath.constrained.pdhg import pdhg
from jaxmath.constrained.quadratic import Certificate, Multipliers, solve_qp
from jaxmath.optimize.solution import Info, Kind, Solution, Status, describe
