"""Projections: the point of a set next to x, of one example.

Next in the Euclidean norm; those named `kl_...` in Kullback and Leibler's divergence, next to the
exponential of x.
"""

from jaxmath.proximal.affine import affine
from jaxmath.proximal.balls import BALLS, l2_ball, l2_sphere
from jaxmath.proximal.bounds import BOUNDS, box, linf_ball, nonnegative
from jaxmath.proximal.cones import SECOND_ORDER_CONE, second_order_cone
from jaxmath.proximal.correlation import correlation
from jaxmath.proximal.divergence import DIVERGENCE, kl_capped_simplex, kl_simplex
from jaxmath.proximal.isotonic import ISOTONIC, isotonic
from jaxmath.proximal.planes import PLANES, halfspace, hyperplane
from jaxmath.proximal.sections import CAPPED_SIMPLEX, capped_simplex
from jaxmath.proximal.simplices import SIMPLICES, l1_ball, simplex
from jaxmath.proximal.sparsity import TOP_K, top_k
from jaxmath.proximal.spectra import nuclear_ball, positive_semidefinite, stiefel
from jaxmath.proximal.transport import birkhoff, kl_birkhoff, kl_transport, transport

PROJECTIONS = (
    *BOUNDS,
    *PLANES,
    *BALLS,
    *SIMPLICES,
    CAPPED_SIMPLEX,
    SECOND_ORDER_CONE,
    ISOTONIC,
    TOP_K,
    *DIVERGENCE,
)

__all__ = [
    "PROJECTIONS",
    "affine",
    "birkhoff",
    "box",
    "capped_simplex",
    "correlation",
    "halfspace",
    "hyperplane",
    "isotonic",
    "kl_birkhoff",
    "kl_capped_simplex",
    "kl_simplex",
    "kl_transport",
    "l1_ball",
    "l2_ball",
    "l2_sphere",
    "linf_ball",
    "nonnegative",
    "nuclear_ball",
    "positive_semidefinite",
    "second_order_cone",
    "simplex",
    "stiefel",
    "top_k",
    "transport",
]
