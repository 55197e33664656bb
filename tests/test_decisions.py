"""Decisions against a textbook example worked with fractions; the delta method against formulas."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from jaxmath import distributions, inference

# An umbrella or none, in rain or sun, and a forecast that is right in 80% of the cases.
LOSSES = np.array([[1.0, 2.0], [10.0, 0.0]])
BELIEF = np.array([0.3, 0.7])
FORECAST = np.array([[0.8, 0.2], [0.2, 0.8]])


def test_an_umbrella():
    assert np.allclose(inference.expected_loss(LOSSES, BELIEF), [1.7, 3.0], rtol=1e-15)
    assert int(inference.optimal_action(LOSSES, BELIEF)) == 0
    assert np.isclose(inference.bayes_risk(LOSSES, BELIEF), 1.7, rtol=1e-15)
    # Knowing the weather costs 0.3 * 1 + 0.7 * 0.
    worth = inference.value_of_perfect_information(LOSSES, BELIEF)
    assert np.isclose(worth, 1.7 - 0.3, rtol=1e-14)
    # After "rain" (0.38) the umbrella costs 0.24 + 0.28, after "sun" none costs 0.6.
    worth = inference.value_of_information(LOSSES, BELIEF, FORECAST)
    assert np.isclose(worth, 1.7 - (0.24 + 0.28 + 0.6), rtol=1e-13)


def test_information_is_worth_what_lies_between_nothing_and_all():
    rng = np.random.default_rng(0)
    losses, belief = rng.normal(size=(4, 3)), rng.dirichlet(np.ones(3))
    for _ in range(50):
        likelihood = rng.dirichlet(np.ones(5), size=3).T
        worth = float(inference.value_of_information(losses, belief, likelihood))
        most = float(inference.value_of_perfect_information(losses, belief))
        assert -1e-15 <= worth <= most + 1e-15
    assert np.isclose(inference.value_of_information(losses, belief, np.eye(3)), most, rtol=1e-13)
    useless = np.full((2, 3), 0.5)
    assert abs(float(inference.value_of_information(losses, belief, useless))) < 1e-15
    always = np.stack([losses[0], losses[0] + 1])
    assert float(inference.value_of_perfect_information(always, belief)) == 0.0


def test_beliefs_come_in_batches_and_rule_states_out():
    beliefs = np.stack([BELIEF, [1.0, 0.0]])
    assert inference.expected_loss(LOSSES, beliefs).shape == (2, 2)
    assert np.array_equal(inference.optimal_action(LOSSES, beliefs), [0, 0])
    never = np.array([[1.0, np.inf], [2.0, 0.0]])
    assert float(inference.bayes_risk(never, np.array([1.0, 0.0]))) == 1.0


def test_revenue_and_auctions():
    assert float(inference.expected_revenue(0.02, 1.5)) == 0.03
    profit = inference.second_price_profit(0.03, 0.03, np.array([0.01, 0.03, 0.05]))
    assert np.allclose(profit, [0.02, 0.0, 0.0], rtol=1e-14)


def test_delta_of_one_parameter():
    """1 / rate has the variance of the mean; the log odds have 1 / (n p (1 - p))."""
    x = distributions.EXPONENTIAL.sample(jax.random.key(0), 2.0, shape=(400,))
    fit = distributions.EXPONENTIAL.fit(x)
    found = inference.delta(lambda rate: 1 / rate, distributions.EXPONENTIAL, fit)
    assert np.isclose(found.value, jnp.mean(x), rtol=1e-14)
    assert np.isclose(found.error, jnp.mean(x) / 20, rtol=1e-12)
    assert np.isclose(found.high - found.value, stats.norm.ppf(0.975) * found.error, rtol=1e-12)
    ones = jnp.array([1.0] * 30 + [0.0] * 70)
    fit = distributions.BERNOULLI.fit(ones)
    found = inference.delta(lambda p: jnp.log(p / (1 - p)), distributions.BERNOULLI, fit, 0.9)
    assert np.isclose(found.error, 1 / np.sqrt(100 * 0.3 * 0.7), rtol=1e-12)
    assert np.isclose(found.low, found.value - stats.norm.ppf(0.95) * found.error, rtol=1e-12)


@pytest.mark.full
def test_delta_of_several_parameters_knows_their_covariance():
    """Of a gamma fit the mean a / b has the error s / sqrt(n) of a family that is true to it."""
    family = distributions.GAMMA
    x = family.sample(jax.random.key(1), 3.0, 0.5, shape=(1000,))
    fit = family.fit(x)
    found = inference.delta(family.mean, family, fit)
    assert np.isclose(found.error, family.std(*fit.estimate) / np.sqrt(1000), rtol=1e-10)
    both = inference.delta(lambda a, b: jnp.stack([a / b, a]), family, fit)
    assert np.isclose(both.error[0], found.error, rtol=1e-12)
    assert np.isclose(both.error[1], fit.standard_errors.concentration, rtol=1e-12)
    sigma = inference.covariance(family, fit)
    truth = np.linalg.inv(np.asarray(family.fisher_information(*fit.estimate))) / 1000
    assert np.allclose(sigma, truth, rtol=1e-9)


def test_delta_of_the_normal_quantile():
    """The error of mu + z s is s sqrt((1 + z^2 / 2) / n); names are in no alphabetical order."""
    family = distributions.NORMAL
    x = family.sample(jax.random.key(2), 1.0, 3.0, shape=(500,))
    fit = jax.jit(family.fit)(x)
    z = stats.norm.ppf(0.9)
    found = jax.jit(
        lambda fit: inference.delta(lambda *params: family.quantile(0.9, *params), family, fit)
    )(fit)
    truth = float(fit.estimate.scale) * np.sqrt((1 + z * z / 2) / 500)
    assert np.isclose(found.error, truth, rtol=1e-10)


@pytest.mark.parametrize("level", [0.5, 0.95])
def test_the_interval_covers(level):
    family = distributions.EXPONENTIAL
    x = family.sample(jax.random.key(3), 2.0, shape=(4000, 200))

    def once(x):
        found = inference.delta(lambda rate: jnp.log(rate), family, family.fit(x), level)
        return (found.low <= jnp.log(2.0)) & (jnp.log(2.0) <= found.high)

    share = float(jnp.mean(jax.vmap(once)(x)))
    assert abs(share - level) < 5 * np.sqrt(level * (1 - level) / 4000) + 0.01
