import math

import numpy as np
import pytest

from experiments import gradient_estimators
from tests.experiments.measuring import claims, red


@pytest.mark.full
def test_every_claim_passes():
    assert red(claims("gradient_estimators")) == set()


def test_exact_moments_are_those_found_by_hand():
    """Of f(x) = x^2 the variances of reparametrisation are 4 s^2 and 4 mu^2 + 8 s^2, of measures
    8 mu^2 (2 - pi/2) / pi and 4 mu^2 + 4 s^2."""
    mu, s = 0.7, 1.9
    exact = gradient_estimators.exact_normal(mu, s)
    np.testing.assert_allclose(exact[..., 0], np.tile([2 * mu, 2 * s], (4, 1)), rtol=1e-11)
    by_hand = [
        [4 * s**2, 4 * mu**2 + 8 * s**2],
        [8 * mu**2 * (2 - math.pi / 2) / math.pi, 4 * mu**2 + 4 * s**2],
    ]
    np.testing.assert_allclose(exact[2:, :, 1], by_hand, rtol=1e-11)
    np.testing.assert_allclose(
        gradient_estimators.exact_poisson(2.5)[1, :2], [0.0, 10.0], atol=1e-11
    )
