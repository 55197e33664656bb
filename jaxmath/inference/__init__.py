"""What data say: probabilities after an observation, and what they are worth."""

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

FORMULAS = (*MEDICAL_TEST, *INFORMATION)

__all__ = [
    "FORMULAS",
    "INFORMATION",
    "MEDICAL_TEST",
    "NPV",
    "PPV",
    "bayes",
    "chi2",
    "conditional",
    "conditional_entropy",
    "cross_entropy",
    "entropy",
    "f_divergence",
    "jensen_shannon",
    "kl",
    "log_bayes",
    "marginal",
    "mutual_information",
    "negative_likelihood_ratio",
    "npv",
    "odds_update",
    "positive_likelihood_ratio",
    "ppv",
    "total_variation",
]
