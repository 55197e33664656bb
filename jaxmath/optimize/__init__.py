"""Problems without constraints: minima, least squares, roots and fixed points, one contract."""

from jaxmath.optimize.bfgs import bfgs
from jaxmath.optimize.gradient_descent import gradient_descent
from jaxmath.optimize.lbfgs import lbfgs
from jaxmath.optimize.minimize import minimize
from jaxmath.optimize.nonlinear_cg import nonlinear_cg
from jaxmath.optimize.solution import Info, Kind, Solution, Status, describe
from jaxmath.optimize.trust_region import trust_region
