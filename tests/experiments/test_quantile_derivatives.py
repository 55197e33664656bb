import numpy as np
import pytest
from scipy import stats

from experiments import quantile_derivatives
from tests.experiments.measuring import claims, measured, red


@pytest.mark.full
def test_every_claim_passes():
    assert red(claims("quantile_derivatives")) == set()


def test_differences_of_scipy_by_hand():
    """Of a normal quantile: one in the location, z in the scale."""
    p = np.array([1e-9, 0.1, 0.5])
    for side, sign in ((0, 1), (1, -1)):
        found = quantile_derivatives.by_differences(("normal", "exponential"), side, p)
        np.testing.assert_allclose(found[0], 1, rtol=1e-10)
        np.testing.assert_allclose(found[1], sign * stats.norm.ppf(p), rtol=1e-10, atol=1e-10)
    # The upper quantile of an exponential distribution is -log(p) / rate, with rate 2.
    np.testing.assert_allclose(found[2], np.log(p) / 4, rtol=1e-10)


@pytest.mark.full
def test_spread_by_the_slope_of_an_exponential_quantile():
    """Its slope is 1 / (rate (1 - p))."""
    found = measured("quantile_derivatives")[1].measured["by_slope"]
    place = list(quantile_derivatives.SETTINGS).index("exponential")
    truth = np.sqrt(0.8 * 0.2 / 500) / (2 * 0.2)
    np.testing.assert_allclose(np.ravel(found)[place], truth, rtol=1e-13)
