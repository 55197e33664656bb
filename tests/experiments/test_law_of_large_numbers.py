import numpy as np
from scipy import stats

from experiments import law_of_large_numbers
from tests.experiments.measuring import claims, measured, red


def test_every_claim_passes():
    assert red(claims("law_of_large_numbers")) == set()


def test_the_distance_is_that_of_scipy():
    values = np.random.default_rng(0).normal(size=(3, 200))
    truth = [stats.kstest(row, "norm").statistic for row in values]
    found = law_of_large_numbers.furthest(values, stats.norm.cdf)
    np.testing.assert_allclose(found, truth, rtol=1e-13)


def test_third_moments():
    """E|X - 1|^3 = 12/e - 2 of exponential draws, and 2 sqrt(2/pi) times that of the deviation."""
    third = measured("law_of_large_numbers")[1].measured["third"]
    truth = [12 / np.e - 2, 0.1 * 0.9 * (0.01 + 0.81), 8 * 2 * np.sqrt(2 / np.pi)]
    np.testing.assert_allclose(third, truth, rtol=1e-13)
