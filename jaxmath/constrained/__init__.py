"""Constrained problems: solutions with multipliers, residuals and a status for each lane."""

from jaxmath.constrained.augmented_lagrangian import augmented_lagrangian
from jaxmath.constrained.cones import Cones, smat, svec
from jaxmath.constrained.conic import solve_cone
from jaxmath.constrained.equality import solve_equality
from jaxmath.constrained.kkt import (
    Problem,
    Residuals,
    conic_problem,
    kkt_residuals,
    quadratic_problem,
)
from jaxmath.constrained.minimize import minimize
from jaxmath.constrained.nonlinear import solve_nlp
from jaxmath.constrained.pdhg import pdhg
from jaxmath.constrained.polyhedron import project_polyhedron
from jaxmath.constrained.proxy import Mixture, proxy_lagrangian
from jaxmath.constrained.quadratic import Certificate, Multipliers, solve_qp
from jaxmath.constrained.sqp import sqp
from jaxmath.optimize.solution import Info, Kind, Solution, Status, describe
