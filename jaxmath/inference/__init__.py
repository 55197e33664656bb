"""What data say: probabilities after an observation, and what they are worth."""

from jaxmath.inference.medical_test import MEDICAL_TEST, NPV, PPV, npv, ppv

FORMULAS = (*MEDICAL_TEST,)

__all__ = ["FORMULAS", "MEDICAL_TEST", "NPV", "PPV", "npv", "ppv"]
