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
from jaxmath.inference.medical_test import MEDICAL_TEST, NPV, PPV, npv, ppv

FORMULAS = (*MEDICAL_TEST,)

__all__ = [
    "FORMULAS",
    "MEDICAL_TEST",
    "NPV",
    "PPV",
    "bayes",
    "conditional",
    "log_bayes",
    "marginal",
    "negative_likelihood_ratio",
    "npv",
    "odds_update",
    "positive_likelihood_ratio",
    "ppv",
]
