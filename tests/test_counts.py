"""Families of counts: draws against quantiles, tails against many digits, what is steep or far."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from jaxmath.distributions import binomial, poisson
from jaxmath.distributions.count_draws import binomial_draw, poisson_draw
from jaxmath.distributions.inversion import sided, words
from tests.marks import long_but

KEY = jax.random.key(20)


@pytest.mark.parametrize("dtype", long_but(["float64"], ["float64", "float32"]))
def test_a_poisson_draw_is_the_quantile_of_its_uniform_number(dtype):
    rates = np.array([1e-3, 0.5, 3.999, 4.0, 4.3, 7.5, 11.0, 30.0, 900.0, 1e5], dtype)
    rate = jnp.asarray(np.repeat(rates, 400))
    found = poisson_draw(KEY, rate, rate.shape)
    u, upper = sided(words(KEY, rate.shape, rate.dtype))
    exact = jnp.where(upper, poisson.isf(u, rate), poisson.quantile(u, rate))
    if dtype == "float64":
        np.testing.assert_array_equal(found, exact)
    else:  # where the distribution function itself is rounded
        assert np.mean(found != exact) < 2e-3
        assert np.max(np.abs(found - exact)) <= 1


@pytest.mark.parametrize("dtype", long_but(["float32"], ["float64", "float32"]))
def test_a_binomial_draw_is_the_quantile_of_its_uniform_number(dtype):
    pairs = [(0, 0.3), (1, 0.5), (7, 1e-4), (16, 0.5), (17, 0.5), (40, 0.3), (2000, 0.002)]
    pairs += [(90, 0.05), (300, 0.41), (10**6, 0.1), (500, 0.0), (3, 1.0), (10**6, 1e-6)]
    n, p = (jnp.asarray(np.repeat(part, 400), dtype) for part in zip(*pairs, strict=True))
    found = binomial_draw(KEY, n, p, p.shape)
    u, upper = sided(words(KEY, p.shape, p.dtype))
    exact = jnp.where(upper, binomial.isf(u, n, p), binomial.quantile(u, n, p))
    if dtype == "float64":
        np.testing.assert_array_equal(found, jnp.where(p == 1, n, exact))
    else:  # where the distribution function itself is rounded
        assert np.mean(found != exact) < 2e-3
        assert np.max(np.abs(found - exact)) <= 1


def follows(draws, truth):
    """Whether so many draws lie between the quantiles of a distribution of scipy."""
    edges = np.unique(truth.ppf(np.linspace(0.001, 0.999, 40)))
    chances = np.diff([0.0, *truth.cdf(edges), 1.0])
    seen = np.diff([0, *(np.sum(draws <= edge) for edge in edges), draws.size])
    kept = chances > 1e-9
    fit = scipy.stats.chisquare(seen[kept], draws.size * chances[kept])
    return not seen[~kept].any() and fit.pvalue > 1e-6


def test_binomial_draws_follow_scipy_in_both_regimes_at_once():
    n, p = jnp.asarray([5.0, 12.0, 70.0, 70.0, 1e6]), jnp.asarray([0.8, 0.1, 0.35, 0.9, 0.999])
    draws = np.asarray(binomial.sample(KEY, n, p, (200_000,)))
    for column, one, other in zip(draws.T, np.asarray(n), np.asarray(p), strict=True):
        assert follows(column, scipy.stats.binom(one, other))


@pytest.mark.full
def test_poisson_draws_follow_scipy_in_both_regimes_at_once():
    rates = jnp.asarray([0.2, 3.0, 4.5, 60.0, 1e6])
    draws = np.asarray(poisson.sample(KEY, rates, (200_000,)))
    assert draws.shape == (200_000, 5)
    for column, rate in zip(draws.T, np.asarray(rates), strict=True):
        assert follows(column, scipy.stats.poisson(rate))
    assert np.isnan(poisson.sample(KEY, jnp.asarray([-1.0, 0.0, np.inf, np.nan]))).all()


@pytest.mark.full
def test_poisson_draws_under_vmap_are_those_of_each_key():
    keys, rates = jax.random.split(KEY, 3), jnp.asarray([0.7, 12.0, 5e3])
    together = jax.vmap(lambda key, rate: poisson.sample(key, rate, (50,)))(keys, rates)
    for key, rate, row in zip(keys, rates, together, strict=True):
        np.testing.assert_array_equal(poisson.sample(key, rate, (50,)), row)
