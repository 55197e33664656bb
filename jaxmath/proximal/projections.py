"""Projections: the point of a set next to x, in the Euclidean norm, of one example."""

from jaxmath.proximal.affine import affine
from jaxmath.proximal.balls import BALLS, l2_ball, l2_sphere
from jaxmath.proximal.bounds import BOUNDS, box, linf_ball, nonnegative
from jaxmath.proximal.cones import SECOND_ORDER_CONE, second_order_cone
from jaxmath.proximal.isotonic import ISOTONIC, isotonic
from jaxmath.proximal.planes import PLANES, halfspace, hyperplane
from jaxmath.proximal.sections import CAPPED_SIMPLEX, capped_simplex
from jaxmath.proximal.simplices import SIMPLICES, l1_ball, simplex
from jaxmath.proximal.sparsity import TOP_K, top_k
from jaxmath.proximal.spectra import nuclear_ball, positive_semidefinite

PROJECTIONS = (
    *BOUNDS,
    *PLANES,
    *BALLS,
    *SIMPLICES,
    CAPPED_SIMPLEX,
    SECOND_ORDER_CONE,
    ISOTONIC,
    TOP_K,
)

__all__ = [
    "PROJECTIONS",
    "affine",
    "box",
    "capped_simplex",
    "halfspace",
    "hyperplane",
    "isotonic",
    "l1_ball",
    "l2_ball",
    "l2_sphere",
    "linf_ball",
    "nonnegative",
    "nuclear_ball",
    "positive_semidefinite",
    "second_order_cone",
    "simplex",
    "top_k",
]
