"""Bayes' theorem against exact fractions, and against the predictive values of a medical test."""

from fractions import Fraction

import jax
import numpy as np

from jaxmath import inference

PRIOR = [Fraction(1, 8), Fraction(3, 8), Fraction(1, 2)]
LIKELIHOOD = [Fraction(1, 4), Fraction(1, 16), Fraction(1, 32)]


def test_posterior_is_that_of_exact_fractions():
    joint = [p * like for p, like in zip(PRIOR, LIKELIHOOD, strict=True)]
    truth = np.array([float(j / sum(joint)) for j in joint])
    prior, like = np.array(PRIOR, float), np.array(LIKELIHOOD, float)
    with jax.enable_x64(True):
        assert np.allclose(inference.bayes(prior, like), truth, rtol=1e-15, atol=0)
        logs = inference.log_bayes(np.log(prior), np.log(like) - 5000)
        assert np.allclose(np.exp(logs), truth, rtol=1e-12, atol=0)


def test_odds_after_an_answer_are_those_of_the_predictive_values():
    p, s, c = 0.01, 0.9, 0.95
    with jax.enable_x64(True):
        plus = inference.odds_update(p / (1 - p), inference.positive_likelihood_ratio(s, c))
        minus = inference.odds_update(p / (1 - p), inference.negative_likelihood_ratio(s, c))
        assert np.isclose(float(plus), 90 / 495, rtol=1e-13)
        assert np.isclose(float(minus), 10 / 9405, rtol=1e-13)


def test_tables():
    joint = np.array([[1, 2, 3], [4, 0, 6]]) / 16
    with jax.enable_x64(True):
        assert np.array_equal(inference.marginal(joint, 0), [6 / 16, 10 / 16])
        assert np.array_equal(inference.marginal(joint, -1), [5 / 16, 2 / 16, 9 / 16])
        given = inference.conditional(joint, 1)
        assert np.allclose(given, [[1 / 5, 1, 1 / 3], [4 / 5, 0, 2 / 3]], rtol=1e-15)
