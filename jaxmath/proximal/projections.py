"""Projections: the point of a set next to x, in the Euclidean norm, of one example."""

from jaxmath.proximal.balls import BALLS, l2_ball, l2_sphere
from jaxmath.proximal.bounds import BOUNDS, box, linf_ball, nonnegative
from jaxmath.proximal.cones import SECOND_ORDER_CONE, second_order_cone
from jaxmath.proximal.planes import PLANES, halfspace, hyperplane
from jaxmath.proximal.sections import CAPPED_SIMPLEX, capped_simplex
from jaxmath.proximal.simplices import SIMPLICES, l1_ball, simplex

PROJECTIONS = (*BOUNDS, *PLANES, *BALLS, *SIMPLICES, CAPPED_SIMPLEX, SECOND_ORDER_CONE)

__all__ = [
    "PROJECTIONS",
    "box",
    "capped_simplex",
    "halfspace",
    "hyperplane",
    "l1_ball",
    "l2_ball",
    "l2_sphere",
    "linf_ball",
    "nonnegative",
    "second_order_cone",
    "simplex",
]
