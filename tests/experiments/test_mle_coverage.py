import numpy as np
import pytest
from scipy import stats

from experiments import mle_coverage
from tests.experiments.measuring import claims, measured, red


@pytest.mark.full
def test_every_claim_passes():
    assert red(claims("mle_coverage")) == set()


@pytest.mark.full
def test_its_fault_turns_each_claim_red_and_no_other():
    for name, claim in claims("mle_coverage").items():
        assert red(claims("mle_coverage", claim.breaks_if.plant)) == {name}


@pytest.mark.full
def test_a_wrong_family_covers_as_the_ratio_of_variances_says():
    """The standard error is sqrt(p) of the right one, for p = 0.3."""
    share = measured("mle_coverage")[1].measured["wrong"][0]
    truth = 1 - 2 * stats.norm.sf(1.96 * np.sqrt(0.3))
    assert abs(share - truth) < 0.02


def test_exact_coverages_by_simulation_in_numpy():
    rng, n, z = np.random.default_rng(0), 60, stats.norm.ppf(0.95)
    known, other = mle_coverage.exact(n, 0.9)
    x = rng.normal(2, 2, (40_000, n))
    mean, deviation = x.mean(1), x.std(1)
    shares = [
        np.abs(mean - 2) <= z * deviation / np.sqrt(n),
        np.abs(deviation - 2) <= z * deviation / np.sqrt(2 * n),
    ]
    rate = 1 / rng.exponential(0.5, (40_000, n)).mean(1)
    shares.append(np.abs(rate - 2) <= z * rate / np.sqrt(n))
    counts = rng.poisson(2, (40_000, n)).mean(1)
    shares.append(np.abs(counts - 2) <= z * np.sqrt(counts / n))
    p = rng.binomial(n, 0.3, 40_000) / n
    shares.append(np.abs(p - 0.3) <= z * np.sqrt(p * (1 - p) / n))
    p = 1 / rng.geometric(0.3, (40_000, n)).mean(1)
    shares.append(np.abs(p - 0.3) <= z * p * np.sqrt((1 - p) / n))
    half = np.sqrt(np.mean((2 * rng.normal(size=(40_000, n))) ** 2, axis=1))
    shares.append(np.abs(half - 2) <= z * half / np.sqrt(2 * n))
    x = np.log(np.exp(rng.normal(2, 2, (40_000, n))))
    mean, deviation = x.mean(1), x.std(1)
    shares.append(np.abs(mean - 2) <= z * deviation / np.sqrt(n))
    shares.append(np.abs(deviation - 2) <= z * deviation / np.sqrt(2 * n))
    found = np.mean(shares, axis=1)
    assert np.all(np.abs(found - known) < 5 * np.sqrt(known * (1 - known) / 40_000))
    ratio = 2 * n * (2 / rate - 1 - np.log(2 / rate)) <= z * z
    by_delta = np.abs(np.exp(-rate) - np.exp(-2)) <= z * np.exp(-rate) * rate / np.sqrt(n)
    found = np.array([ratio.mean(), by_delta.mean()])
    assert np.all(np.abs(found - other) < 5 * np.sqrt(other * (1 - other) / 40_000))
