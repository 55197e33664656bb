"""Conjugate posteriors, evidences and predictions against numerical integrals and SciPy."""

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
from scipy import integrate, stats

from jaxmath import inference

NOISE = 1.7
CASES = {
    "beta and bernoulli": (
        inference.BETA_BERNOULLI, inference.Beta(1.5, 2.5),
        np.array([1.0, 0.0, 1.0, 1.0, 0.0, 1.0]),
        lambda prior: stats.beta(*prior), lambda x, t: stats.bernoulli.pmf(x, t),
    ),
    "gamma and poisson": (
        inference.GAMMA_POISSON, inference.Gamma(2.5, 0.8), np.array([3.0, 0.0, 5.0, 2.0]),
        lambda prior: stats.gamma(prior[0], scale=1 / prior[1]),
        lambda x, t: stats.poisson.pmf(x, t),
    ),
    "gamma and exponential": (
        inference.GAMMA_EXPONENTIAL, inference.Gamma(2.5, 0.8), np.array([0.3, 2.1, 0.9]),
        lambda prior: stats.gamma(prior[0], scale=1 / prior[1]),
        lambda x, t: stats.expon.pdf(x, scale=1 / t),
    ),
    "normal and normal": (
        inference.normal_normal(NOISE), inference.Normal(0.4, 2.0), np.array([1.3, -0.7, 2.9]),
        lambda prior: stats.norm(*prior), lambda x, t: stats.norm.pdf(x, t, NOISE),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_evidence_prediction_and_posterior_are_integrals(name):
    pair, prior, x, family, likelihood = CASES[name]
    before = family(prior)
    low, high = before.ppf([0, 1]) if name.startswith("beta") else before.ppf([1e-16, 1 - 1e-16])

    def integral(fn):
        return integrate.quad(fn, low, high, epsabs=0, epsrel=1e-12, limit=200)[0]

    def joint(t):
        return before.pdf(t) * np.prod([likelihood(v, t) for v in x])

    evidence = integral(joint)
    assert np.isclose(pair.log_evidence(prior, pair.summary(x)), np.log(evidence), rtol=1e-9)
    after = inference.posterior(pair, prior, x)
    assert np.isclose(integral(lambda t: t * joint(t)) / evidence, family(after).mean(), rtol=1e-9)
    at = family(after).mean()
    assert np.isclose(joint(at) / evidence, family(after).pdf(at), rtol=1e-8)
    new = x[0]
    truth = integral(lambda t: likelihood(new, t) * joint(t)) / evidence
    assert np.isclose(pair.log_predictive(new, after), np.log(truth), rtol=1e-9)


@pytest.mark.parametrize("name", CASES)
def test_one_by_one_is_all_at_once(name):
    pair, prior, x, *_ = CASES[name]
    path = inference.posteriors(pair, prior, x)
    whole = inference.posterior(pair, prior, x)
    for step, end in zip(path, whole, strict=True):
        assert step.shape == x.shape
        assert np.isclose(step[-1], end, rtol=1e-14)
    beliefs = [type(prior)(*prior), *[type(prior)(*row) for row in zip(*path, strict=True)]]
    total = sum(
        float(pair.log_predictive(v, belief)) for v, belief in zip(x, beliefs[:-1], strict=True)
    )
    assert np.isclose(pair.log_evidence(prior, pair.summary(x)), total, rtol=1e-13)


def test_predictions_are_known_distributions():
    belief = inference.Gamma(2.5, 0.8)
    count = np.arange(6.0)
    truth = stats.nbinom.logpmf(count, 2.5, 0.8 / 1.8)
    assert np.allclose(inference.GAMMA_POISSON.log_predictive(count, belief), truth, rtol=1e-13)
    time = np.array([0.1, 1.0, 30.0])
    truth = stats.lomax.logpdf(time, 2.5, scale=0.8)
    answer = inference.GAMMA_EXPONENTIAL.log_predictive(time, belief)
    assert np.allclose(answer, truth, rtol=1e-13)


def test_evidence_keeps_its_digits_under_a_strong_prior():
    """A difference of two logarithms of beta functions of 1e6 would lose eight of them."""
    a, b, s, f = 1e6, 2e6, 3.0, 5.0
    with mp.workdps(50):
        truth = mp.log(mp.beta(a + s, b + f) / mp.beta(a, b))
        slope = mp.psi(0, a + s) - mp.psi(0, mp.mpf(a)) - mp.psi(0, a + b + s + f)
        slope += mp.psi(0, mp.mpf(a + b))
    assert np.isclose(inference.binary_log_evidence(a, b, s, f), float(truth), rtol=1e-14)
    answer = jax.grad(inference.binary_log_evidence)(a, b, s, f)
    assert np.isclose(answer, float(slope), rtol=1e-9)


def test_the_evidence_chooses_a_prior():
    """The slope in the prior's mean is zero where the prior's mean is that of the data."""
    pair, x = inference.normal_normal(NOISE), np.array([1.0, 2.0, 4.5])
    value = lambda loc: pair.log_evidence(inference.Normal(loc, 2.0), pair.summary(x))  # noqa: E731
    assert abs(float(jax.grad(value)(jnp.mean(x)))) < 1e-15
