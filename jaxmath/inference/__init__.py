"""What data say: probabilities after an observation, and what they are worth."""

from jaxmath.inference.adaptive import Integral, integrate
from jaxmath.inference.bayes import (
    bayes,
    conditional,
    log_bayes,
    marginal,
    negative_likelihood_ratio,
    odds_update,
    positive_likelihood_ratio,
)
from jaxmath.inference.information import (
    INFORMATION,
    chi2,
    conditional_entropy,
    cross_entropy,
    entropy,
    f_divergence,
    jensen_shannon,
    kl,
    mutual_information,
    total_variation,
)
from jaxmath.inference.medical_test import MEDICAL_TEST, NPV, PPV, npv, ppv
from jaxmath.inference.monte_carlo import Estimate, lattice, monte_carlo, quasi_monte_carlo
from jaxmath.inference.quadrature import (
    expect,
    gauss_hermite,
    gauss_laguerre,
    gauss_legendre,
    table,
    variance,
)

FORMULAS = (*MEDICAL_TEST, *INFORMATION)

__all__ = [
    "FORMULAS",
    "INFORMATION",
    "MEDICAL_TEST",
    "NPV",
    "PPV",
    "Estimate",
    "Integral",
    "bayes",
    "chi2",
    "conditional",
    "conditional_entropy",
    "cross_entropy",
    "entropy",
    "expect",
    "f_divergence",
    "gauss_hermite",
    "gauss_laguerre",
    "gauss_legendre",
    "integrate",
    "jensen_shannon",
    "kl",
    "lattice",
    "log_bayes",
    "marginal",
    "monte_carlo",
    "mutual_information",
    "negative_likelihood_ratio",
    "npv",
    "odds_update",
    "positive_likelihood_ratio",
    "ppv",
    "quasi_monte_carlo",
    "table",
    "total_variation",
    "variance",
]
