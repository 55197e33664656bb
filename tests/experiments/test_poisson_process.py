import numpy as np
from scipy import stats

from experiments import poisson_process
from tests.experiments.measuring import claims, measured, red


def test_every_claim_passes():
    assert red(claims("poisson_process")) == set()


def test_its_fault_turns_each_claim_red():
    for name, claim in claims("poisson_process").items():
        assert name in red(claims("poisson_process", claim.breaks_if.plant))


def test_no_history_runs_out_of_gaps():
    counts = np.asarray(measured("poisson_process")[1].measured["counts"])
    assert counts.max() < 80
    assert stats.poisson.sf(79, 20) * len(counts) < 1e-12


def test_pooled_cells_hold_everyone():
    counts = np.random.default_rng(1).poisson(3.0, 500)
    statistic, bound = poisson_process.chi_squared(counts, stats.poisson.pmf(np.arange(60), 3.0))
    cells = np.bincount(np.clip(counts, 0, 7), minlength=8)
    mean = 500 * np.append(stats.poisson.pmf(np.arange(7), 3.0), stats.poisson.sf(6, 3.0))
    truth = stats.chisquare(cells, mean).statistic
    np.testing.assert_allclose(statistic, truth, rtol=1e-12)
    np.testing.assert_allclose(bound, stats.chi2.isf(1e-8, 7))


def test_the_fixed_seeds_are_not_lucky():
    """Other seeds pass as well: a claim that chance breaks now and then would show here."""
    rng = np.random.default_rng(2)
    far = [poisson_process.distance(rng.exponential(size=300), stats.expon.cdf) for _ in range(200)]
    assert max(far) < 1
