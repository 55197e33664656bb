"""Robust losses, deviances and scores against 40 digits."""

import jax
import mpmath as mp
import numpy as np
import pytest
from sklearn.metrics import mean_tweedie_deviance

from jaxmath import losses

RESIDUALS = (-1e9, -30.0, -1.0, -0.25, -1e-9, 0.0, 0.1, 0.5, 3.0)
ROBUST = {
    "cauchy": lambda r, c: c**2 / 2 * mp.log(1 + (r / c) ** 2),
    "geman_mcclure": lambda r, c: r**2 / 2 / (1 + (r / c) ** 2),
    "welsch": lambda r, c: c**2 / 2 * (1 - mp.exp(-((r / c) ** 2))),
    "tukey_biweight": lambda r, c: c**2 / 6 * (1 - max(0, 1 - (r / c) ** 2) ** 3),
}


@pytest.mark.parametrize("name", ROBUST)
@pytest.mark.parametrize("scale", [0.5, 2.0, 1e6])
def test_robust_losses_to_the_last_digits(name, scale):
    with mp.workdps(60):
        truth = [float(ROBUST[name](mp.mpf(r), mp.mpf(scale))) for r in RESIDUALS]
    found = getattr(losses, name)(np.array(RESIDUALS), scale)
    np.testing.assert_allclose(found, truth, 2e-15)


def test_slopes_of_welsch_at_the_largest_number():
    most = np.finfo(np.float32).max
    slopes = jax.grad(losses.welsch, (0, 1))(most, most)
    np.testing.assert_allclose(slopes, [float(most) / np.e, float(most) * (1 - 2 / np.e)], 1e-6)


@pytest.mark.parametrize("count", [0, 1, 2, 9])
@pytest.mark.parametrize("log_mean", [-8.0, -1.0, 1.7, 8.0])
@pytest.mark.parametrize("shape", [0.4, 2.75, 1e6])
def test_the_slope_of_counts_in_their_concentration(count, log_mean, shape):
    with mp.workdps(60):
        mean, r, y = mp.exp(mp.mpf(log_mean)), mp.mpf(shape), count
        rest = mp.psi(0, r + y) - mp.psi(0, r)
        truth = mp.log1p(mean / r) + (y - mean) / (r + mean) - rest
    found = jax.grad(losses.negative_binomial_nll, 1)(log_mean, shape, count)
    np.testing.assert_allclose(found, float(truth), 1e-14)


@pytest.mark.parametrize("power", [1.0, 1.0 + 1e-12, 1.5, 2.0 - 1e-12, 2.0])
def test_tweedie_deviance_is_its_integral_and_that_of_scikit_learn(power):
    for mean, target in ((1.5, 1.4), (3.0, 100.0), (50.0, 0.2), (1.0, 1.0000001)):
        with mp.workdps(40):
            m, y, rho = map(mp.mpf, (mean, target, power))
            ends = [m * (y / m) ** (mp.mpf(k) / 4) for k in range(5)]
            truth = float(2 * mp.quad(lambda s, y=y, rho=rho: (y - s) * s**-rho, ends))
        found = float(losses.tweedie_deviance(mean, target, power))
        np.testing.assert_allclose(found, truth, 3e-15)
        if power in (1.0, 1.5, 2.0):
            theirs = mean_tweedie_deviance([target], [mean], power=power)
            np.testing.assert_allclose(found, theirs, 1e-9, 1e-14)


@pytest.mark.parametrize("z", [0.0, 0.1, -1.0, 8.0, -40.0, 1e6])
def test_the_ranked_probability_score_in_both_tails(z):
    with mp.workdps(60):
        x = mp.mpf(z)
        truth = x * (2 * mp.ncdf(x) - 1) + 2 * mp.npdf(x) - 1 / mp.sqrt(mp.pi)
    np.testing.assert_allclose(losses.crps_normal(0.0, 1.0, z), float(truth), 1e-15)
    np.testing.assert_allclose(losses.crps_normal(1.0, 2.0, 1 + 2 * z), 2 * float(truth), 1e-14)


@pytest.mark.parametrize("power", [1.0, 1.3, 2.0])
@pytest.mark.parametrize(("mean", "target"), [(1.5, 1.4), (3.0, 100.0), (50.0, 0.2), (0.7, 0.71)])
def test_mixed_second_derivatives_of_the_tweedie_deviance(mean, target, power):
    seconds = losses.TWEEDIE_DEVIANCE.seconds
    with mp.workdps(40):
        m, y, rho = map(mp.mpf, (mean, target, power))
        truths = {
            ("prediction", "target"): -2 * m**-rho,
            ("prediction", "power"): 2 * (y - m) * m**-rho * mp.log(m),
            ("target", "power"): -2
            * mp.quad(lambda s: s**-rho * mp.log(s), [m, mp.sqrt(m * y), y]),
        }
    for pair, truth in truths.items():
        np.testing.assert_allclose(seconds[pair](mean, target, power), float(truth), 1e-13)
