"""Gradient estimators: their means against derivatives of expectations in closed form."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from jaxmath import distributions, inference

DRAWS = 100_000
Z = 6.0
LOC, SCALE, RATE = 0.6, 1.3, 1.7
KEYS = jax.random.split(jax.random.key(7), DRAWS)


def smooth(x):
    return jnp.sin(x) + jnp.square(x)


def jump(x):
    return jnp.where(x > 1.0, 1.0, 0.0)


def exact_normal(fn):
    """E sin X = sin(mu) exp(-s^2/2), E X^2 = mu^2 + s^2; P(X > 1) = 1 - Phi((1 - mu)/s)."""
    decay, z = np.exp(-(SCALE**2) / 2), (1 - LOC) / SCALE
    if fn is smooth:
        return np.cos(LOC) * decay + 2 * LOC, -SCALE * np.sin(LOC) * decay + 2 * SCALE
    return stats.norm.pdf(z) / SCALE, z * stats.norm.pdf(z) / SCALE


def agrees(estimates, truth):
    for found, exact in zip(estimates, truth, strict=True):
        mean, error = inference.monte_carlo(lambda v: v, found)
        assert abs(float(mean) - exact) < Z * float(error), (float(mean), exact, float(error))


@pytest.mark.parametrize("fn", [smooth, jump])
def test_normal(fn):
    d, params = distributions.NORMAL, (LOC, SCALE)
    truth = exact_normal(fn)
    x = d.sample(jax.random.key(1), *params, shape=(DRAWS,))
    agrees(jax.vmap(lambda v: inference.score_function(fn, d.log_prob, v, params))(x), truth)
    agrees(jax.vmap(lambda v: inference.score_function(fn, d.log_prob, v, params, 2.0))(x), truth)
    agrees(jax.vmap(lambda key: inference.normal_measures(fn, key, *params))(KEYS), truth)
    through = jax.vmap(lambda key: inference.reparametrised(fn, d.sample, key, params))(KEYS)
    if fn is smooth:
        agrees(through, truth)
    else:  # which sees nothing of the jump
        assert not np.any(through[0])
        assert not np.any(through[1])


def test_exponential():
    """E X^2 = 2 / rate^2."""
    d, truth = distributions.EXPONENTIAL, (-4 / RATE**3,)
    x = d.sample(jax.random.key(2), RATE, shape=(DRAWS,))
    score = jax.vmap(lambda v: inference.score_function(jnp.square, d.log_prob, v, (RATE,)))
    agrees(score(x), truth)
    agrees(jax.vmap(lambda key: inference.exponential_measures(jnp.square, key, RATE))(KEYS), truth)
    agrees(
        jax.vmap(lambda k: inference.reparametrised(jnp.square, d.sample, k, (RATE,)))(KEYS), truth
    )


def test_counts_and_ones():
    """E X^3 = r^3 + 3 r^2 + r of a Poisson count."""
    x = distributions.POISSON.sample(jax.random.key(3), RATE, shape=(DRAWS,))
    truth = (3 * RATE**2 + 6 * RATE + 1,)
    agrees(jax.vmap(lambda v: inference.poisson_measures(lambda k: k**3, v))(x), truth)
    assert np.isclose(inference.bernoulli_measures(lambda k: 3 * k + 1)[0], 3.0)


def test_baselines():
    d, params = distributions.NORMAL, (LOC, SCALE)
    x = d.sample(jax.random.key(4), *params, shape=(DRAWS,))
    values = jnp.square(x)
    others = inference.leave_one_out(values)
    assert np.isclose(others[5], np.delete(values, 5).mean(), rtol=1e-12)
    score = jax.vmap(lambda v: d.score(v, *params).loc)(x)
    # E f s^2 / E s^2 with f = x^2 and s = (x - mu) / s^2: mu^2 + 3 s^2.
    best = inference.best_baseline(values, score)
    assert np.isclose(best, LOC**2 + 3 * SCALE**2, rtol=0.03)
    spread = [np.var((values - b) * score) for b in (0.0, best - 0.5, best, best + 0.5)]
    assert spread[2] == min(spread)
    agrees(((values - others) * score,), (2 * LOC,))
