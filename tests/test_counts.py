"""Families of counts: draws against quantiles, tails against many digits, what is steep or far."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from jaxmath.distributions import poisson
from jaxmath.distributions.poisson_draws import poisson_draw, sided_uniform

KEY = jax.random.key(20)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_poisson_draw_is_the_quantile_of_its_uniform_number(dtype):
    rates = np.array([1e-3, 0.5, 3.999, 4.0, 4.3, 7.5, 11.0, 30.0, 900.0, 1e5], dtype)
    rate = jnp.asarray(np.repeat(rates, 400))
    found = poisson_draw(KEY, rate, rate.shape)
    u, upper = sided_uniform(KEY, rate.shape, rate.dtype)
    exact = jnp.where(upper, poisson.isf(u, rate), poisson.quantile(u, rate))
    if dtype == "float64":
        np.testing.assert_array_equal(found, exact)
    else:  # where the distribution function itself is rounded
        assert np.mean(found != exact) < 2e-3
        assert np.max(np.abs(found - exact)) <= 1


def test_poisson_draws_follow_scipy_in_both_regimes_at_once():
    n = 200_000
    rates = jnp.asarray([0.2, 3.0, 4.5, 60.0, 1e6])
    draws = np.asarray(poisson.sample(KEY, rates, (n,)))
    assert draws.shape == (n, 5)
    for column, rate in zip(draws.T, np.asarray(rates), strict=True):
        edges = np.unique(scipy.stats.poisson.ppf(np.linspace(0.001, 0.999, 40), rate))
        chances = np.diff([0.0, *scipy.stats.poisson.cdf(edges, rate), 1.0])
        seen = np.diff([0, *(np.sum(column <= edge) for edge in edges), n])
        assert scipy.stats.chisquare(seen, n * chances).pvalue > 1e-6
    assert np.isnan(poisson.sample(KEY, jnp.asarray([-1.0, 0.0, np.inf, np.nan]))).all()


def test_poisson_draws_under_vmap_are_those_of_each_key():
    keys, rates = jax.random.split(KEY, 3), jnp.asarray([0.7, 12.0, 5e3])
    together = jax.vmap(lambda key, rate: poisson.sample(key, rate, (50,)))(keys, rates)
    for key, rate, row in zip(keys, rates, together, strict=True):
        np.testing.assert_array_equal(poisson.sample(key, rate, (50,)), row)
