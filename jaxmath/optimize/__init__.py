"""Minima, proximal and projected ones too, least squares, roots and fixed points: one contract."""

from jaxmath.optimize.admm import admm
from jaxmath.optimize.bfgs import bfgs
from jaxmath.optimize.bisect import bisect
from jaxmath.optimize.block_coordinate_descent import block_coordinate_descent
from jaxmath.optimize.broyden import broyden
from jaxmath.optimize.conditioning import Conditioning, Pace, conditioning, implied_by
from jaxmath.optimize.custom import custom_fixed_point, custom_root
from jaxmath.optimize.fixed_point import fixed_point
from jaxmath.optimize.frank_wolfe import frank_wolfe
from jaxmath.optimize.gauss_newton import gauss_newton
from jaxmath.optimize.gradient_descent import gradient_descent
from jaxmath.optimize.irls import irls
from jaxmath.optimize.lbfgs import lbfgs
from jaxmath.optimize.lbfgsb import lbfgsb
from jaxmath.optimize.least_squares import least_squares
from jaxmath.optimize.minimize import minimize
from jaxmath.optimize.mirror_descent import mirror_descent
from jaxmath.optimize.newton import newton
from jaxmath.optimize.newton_cg import newton_cg
from jaxmath.optimize.nonlinear_cg import nonlinear_cg
from jaxmath.optimize.proximal_gradient import projected_gradient, proximal_gradient
from jaxmath.optimize.scalar import minimize_scalar
from jaxmath.optimize.solution import Info, Kind, Solution, Status, describe
from jaxmath.optimize.trust_region import trust_region
