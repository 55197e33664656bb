"""The von Mises distribution, beside what every family is tested for: on the whole circle."""

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
import scipy.stats

from jaxmath import special
from jaxmath.distributions import von_mises


def test_log_prob_has_the_period_of_the_circle():
    x = np.linspace(-3, 3, 13)
    np.testing.assert_allclose(
        von_mises.log_prob(x + 2 * np.pi, 3.0, 2.5), von_mises.log_prob(x, 3.0, 2.5), rtol=1e-13
    )


@pytest.mark.parametrize("concentration", [1e-8, 0.3, 9.99, 10.01, 700.0, 1e12])
def test_density_to_the_last_digits(concentration):
    x = np.array([1e-12, 1e-6, 0.01, 1.0, 3.1])
    k = mp.mpf(concentration)
    for each in x:
        with mp.workdps(50):
            exact = k * (mp.cos(mp.mpf(float(each))) - 1) - mp.log(2 * mp.pi)
            exact -= mp.log(mp.besseli(0, k)) - k
        np.testing.assert_allclose(
            von_mises.log_prob(each, 0.0, concentration), float(exact), rtol=4e-15
        )


@pytest.mark.parametrize("concentration", [1e-4, 0.7, 30.0, 1e6])
def test_draws_far_from_the_middle_and_narrow(concentration):
    draws = np.asarray(von_mises.sample(jax.random.key(2), 3.0, concentration, (20_000,)))
    assert np.all((draws > -np.pi) & (draws <= np.pi))
    turned = np.angle(np.exp(1j * (draws - 3.0)))
    assert scipy.stats.kstest(turned, scipy.stats.vonmises(concentration).cdf).pvalue > 1e-6


@pytest.mark.full
@pytest.mark.parametrize("concentration", [2.3, 300.0])
def test_draws_move_with_the_parameters(concentration):
    """The probability of being beyond a draw, seen from the mean direction, stays."""

    def draw(loc, concentration):
        return von_mises.sample(jax.random.key(3), loc, concentration, (12,))

    k = mp.mpf(concentration)
    turn, change = jax.jit(jax.jacfwd(draw, (0, 1)))(0.0, concentration)
    np.testing.assert_allclose(turn, 1, rtol=1e-15)
    length = mp.besseli(1, k) / mp.besseli(0, k)
    for x, moved in zip(draw(0.0, concentration).tolist(), np.asarray(change), strict=True):

        def slope(t, x=x):
            return (mp.cos(t) - length) * mp.exp(k * (mp.cos(t) - mp.cos(x)))

        np.testing.assert_allclose(moved, float(-mp.quad(slope, [0, x])), rtol=1e-10)


@pytest.mark.full
def test_mean_of_draws_moves_as_the_mean_direction():
    """The slope of the expected cosine is that of the ratio of Bessel functions."""

    def mean(concentration):
        draws = von_mises.sample(jax.random.key(4), 0.0, concentration, (20_000,))
        return jnp.mean(jnp.cos(draws))

    value, slope = jax.value_and_grad(mean)(2.0)
    np.testing.assert_allclose(value, special.bessel_ratio(2.0), atol=0.015)
    np.testing.assert_allclose(slope, jax.grad(special.bessel_ratio)(2.0), atol=0.01)


def test_fit_across_the_cut():
    x = np.array([3.0, -3.1, 3.1, -2.9, 2.8])
    loc, concentration = von_mises.fit(x).estimate
    turned = von_mises.fit(x - 3 + 2 * np.pi * (x < 0)).estimate
    np.testing.assert_allclose(np.angle(np.exp(1j * (loc - 3))), turned.loc, rtol=1e-12)
    np.testing.assert_allclose(concentration, turned.concentration, rtol=1e-12)
    length = np.abs(np.mean(np.exp(1j * x)))
    np.testing.assert_allclose(special.bessel_ratio(concentration), length, rtol=1e-13)


def test_divergence_of_distant_directions():
    x, weight = np.polynomial.legendre.leggauss(120)
    x, weight = np.pi * x, np.pi * weight
    log_p, log_q = von_mises.log_prob(x, 3.0, 2.3), von_mises.log_prob(x, -2.5, 0.8)
    expected = np.sum(weight * np.exp(log_p) * (log_p - log_q))
    np.testing.assert_allclose(von_mises.kl(3.0, 2.3, -2.5, 0.8), expected, rtol=1e-11)
    expected = -np.sum(weight * np.exp(log_p) * log_q)
    found = von_mises.cross_entropy(3.0, 2.3, -2.5, 0.8)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
