"""Proximal maps of penalties and losses, and projections on sets, of one example."""

from jaxmath.proximal import projections
from jaxmath.proximal.balls import PROX_GROUP_LASSO, group_lasso
from jaxmath.proximal.logistic import PROX_LOGISTIC, logistic
from jaxmath.proximal.pointwise import POINTWISE, hinge, huber, log_barrier
from jaxmath.proximal.projections import PROJECTIONS
from jaxmath.proximal.shrinkage import SHRINKAGE, elastic_net, l1, nonnegative_l1, squared_l2
from jaxmath.proximal.simplices import PROX_LINF, linf
from jaxmath.proximal.spectra import nuclear_norm
from jaxmath.proximal.total_variation import total_variation

PROXIMAL = (
    *SHRINKAGE,
    *POINTWISE,
    PROX_LOGISTIC,
    PROX_GROUP_LASSO,
    PROX_LINF,
)
FORMULAS = (*PROXIMAL, *PROJECTIONS)

__all__ = [
    "FORMULAS",
    "PROJECTIONS",
    "PROXIMAL",
    "elastic_net",
    "group_lasso",
    "hinge",
    "huber",
    "l1",
    "linf",
    "log_barrier",
    "logistic",
    "nonnegative_l1",
    "nuclear_norm",
    "projections",
    "squared_l2",
    "total_variation",
]
