"""Predictive values of a medical test against exact fractions and slopes counted by hand."""

from fractions import Fraction

import jax
import numpy as np
import pytest

from jaxmath import inference

TESTS = [("1/100", "9/10", "19/20"), ("1/1000000", "99/100", "1/3"), ("4/5", "1/7", "999/1000")]


def exact(prevalence, sensitivity, specificity):
    p, s, c = prevalence, sensitivity, specificity
    return s * p / (s * p + (1 - c) * (1 - p)), c * (1 - p) / (c * (1 - p) + (1 - s) * p)


@pytest.mark.parametrize("test", TESTS)
def test_predictive_values_are_those_of_exact_fractions(test):
    with jax.enable_x64(True):
        floats = [float(Fraction(x)) for x in test]
        ppv, npv = exact(*(Fraction(x) for x in floats))
        assert np.isclose(float(inference.ppv(*floats)), float(ppv), rtol=1e-15, atol=0)
        assert np.isclose(float(inference.npv(*floats)), float(npv), rtol=1e-15, atol=0)


def test_one_in_a_hundred():
    """Of 10,000 people 90 of 100 ill and 495 of 9,900 well answer positive."""
    with jax.enable_x64(True):
        assert np.isclose(float(inference.ppv(0.01, 0.9, 0.95)), 90 / 585, rtol=1e-14)
        assert np.isclose(float(inference.npv(0.01, 0.9, 0.95)), 9405 / 9415, rtol=1e-14)
        slope = float(inference.PPV.partials["specificity"](0.01, 0.9, 0.95))
        assert np.isclose(slope, 0.9 * 0.01 * 0.99 / 0.0585**2, rtol=1e-13)


def test_slopes_of_the_rarest_disease():
    """Whose parts are normal numbers only in the right order."""
    at = np.finfo(np.float64).tiny, 0.86, 0.13
    tiny, sensitivity, specificity = map(Fraction, at)
    answers = sensitivity * tiny + (1 - specificity) * (1 - tiny)
    slope = float(sensitivity * tiny * (1 - tiny) / answers**2)
    with jax.enable_x64(True):
        assert np.isclose(float(jax.grad(inference.ppv, 2)(*at)), slope, rtol=1e-15, atol=0)


def test_a_test_that_says_nothing_leaves_the_prevalence():
    with jax.enable_x64(True):
        assert np.isclose(float(inference.ppv(0.3, 0.6, 0.4)), 0.3, rtol=1e-15)
        assert np.isclose(float(inference.npv(0.3, 0.6, 0.4)), 0.7, rtol=1e-15)
