"""Draws: the parts that they are made of, and a million of each of a thousand distributions."""

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
import scipy.special
import scipy.stats

from jaxmath.distributions import beta, binomial, gamma, poisson, student_t
from jaxmath.distributions.inversion import log_of_normal, normal_beyond, sided, standard_normal
from jaxmath.distributions.packing import first_places
from tests.marks import long_but

KEY = jax.random.key(404)


@pytest.mark.parametrize(
    ("size", "share", "count"),
    [(1000, 0.1, 200), (1000, 0.5, 200), (33, 0.5, 20), (5, 0.9, 8), (64, 0.0, 4), (64, 1.0, 64)],
)
def test_places_are_those_of_true_entries(size, share, count):
    mask = np.random.default_rng(size).random(size) < share
    found = np.asarray(first_places(jnp.asarray(mask), count))
    there = found[found < size]
    assert len(set(there)) == len(there) == min(count, mask.sum())
    assert mask[there].all()
    assert (found[found >= size] == size).all()


def test_uniform_variables_reach_both_ends_of_a_word():
    for dtype, word, least in (
        (np.float64, np.uint64, 2.0**-54),
        (np.float32, np.uint32, 2.0**-33),
    ):
        u, upper = sided(jnp.asarray([0, 1, np.iinfo(word).max], word))
        assert u.dtype == dtype
        np.testing.assert_allclose(u, [least, least, 0.5], 1e-15)
        assert np.all(u <= 0.5)
        np.testing.assert_array_equal(upper, [False, True, True])


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_normal_quantiles_of_words_are_right(dtype):
    least = 2.0**-54 if dtype == "float64" else 2.0**-33
    u = np.concatenate([np.geomspace(least, 0.5, 300), np.linspace(0.05, 0.4999, 300)])
    u = np.minimum(u, 0.5).astype(dtype)
    found = np.asarray(normal_beyond(jnp.asarray(u)))
    assert found.dtype == dtype
    with mp.workdps(40):
        exact = [mp.sqrt(2) * mp.erfinv(1 - 2 * mp.mpf(float(each))) for each in u]
    exact = np.array([float(each) for each in exact])
    np.testing.assert_allclose(found, exact, 3e-14 if dtype == "float64" else 4e-6, 1e-15)
    logs = np.asarray(log_of_normal(jnp.asarray(u)))
    np.testing.assert_allclose(logs, np.log(u.astype(float)), 1e-15 if dtype == "float64" else 3e-7)


def test_standard_normal_draws_are_normal():
    for dtype in (jnp.float64, jnp.float32):
        draws = np.asarray(standard_normal(KEY, (200_000,), dtype), float)
        assert scipy.stats.kstest(draws, scipy.stats.norm.cdf).pvalue > 1e-6


@pytest.mark.parametrize("dtype", long_but(["float64"], ["float64", "float32"]))
@pytest.mark.parametrize("shape", long_but([1e-3], [1e-3, 0.3, 1.0, 1.2, 7.0, 1e6]))
def test_gamma_draws_of_any_shape_follow_the_distribution(shape, dtype):
    n = 100_000
    logs = np.asarray(gamma.log_sample(KEY, jnp.asarray(shape, dtype), jnp.asarray(1, dtype), (n,)))
    assert logs.dtype == dtype
    assert scipy.stats.kstest(share_below(logs.astype(float), shape), "uniform").pvalue > 1e-6
    draws = gamma.sample(KEY, jnp.asarray(shape, dtype), jnp.asarray(1, dtype), (n,))
    usual = np.abs(logs) < 80
    np.testing.assert_allclose(
        draws[usual], np.exp(logs[usual]), 1e-4 if dtype == "float32" else 1e-12
    )


@pytest.mark.full
def test_beta_draws_of_tiny_shapes_have_finite_slopes():
    def total(a, b):
        return jnp.sum(beta.sample(KEY, a, b, (1000,)))

    for a, b in ((1e-4, 2.0), (2.0, 1e-4), (1e-4, 1e-4)):
        assert np.all(np.isfinite(jax.grad(total, (0, 1))(a, b)))


def share_below(logs, shape):
    """Of gamma variables by their logarithms, far below by the first term of the series."""
    far = logs < -50
    first = np.exp(shape * np.where(far, logs, 0.0) - scipy.special.gammaln(shape + 1))
    return np.where(far, first, scipy.special.gammainc(shape, np.exp(logs)))


def continuous(share, mean, variance, draws):
    """How unlikely the draws are: by Kolmogorov and Smirnov, and by either moment."""
    n, chances = draws.size, [scipy.stats.kstest(share, "uniform").pvalue]
    for values, middle in ((draws, mean), (np.square(draws - mean), variance)):
        if np.isfinite(middle):
            spread = np.std(values) / np.sqrt(n)
            chances.append(2 * scipy.stats.norm.sf(np.abs(np.mean(values) - middle) / spread))
    return chances


def discrete(draws, truth):
    edges = np.unique(truth.ppf(np.linspace(0.001, 0.999, 60)))
    chances = np.diff([0.0, *truth.cdf(edges), 1.0])
    below = np.searchsorted(np.sort(draws), edges, "right")
    seen = np.diff([0, *below, draws.size])
    kept = chances > 1e-5
    rest = [draws.size * chances[~kept].sum(), seen[~kept].sum()]
    expected = np.append(draws.size * chances[kept], rest[0])
    found = np.append(seen[kept], rest[1])
    some = expected > 1
    if some.sum() < 2:
        return []
    chi = np.sum(np.square(found[some] - expected[some]) / expected[some])
    spread = np.sqrt(truth.var() / draws.size)
    return [
        scipy.stats.chi2.sf(chi, some.sum() - 1),
        2 * scipy.stats.norm.sf(abs(draws.mean() - truth.mean()) / spread),
    ]


SETTINGS, MILLION = 200, 10**6


def settings(name, rng):
    """Parameters over many orders of magnitude."""
    size = lambda low, high: float(np.exp(rng.uniform(np.log(low), np.log(high))))  # noqa: E731
    if name == "beta":
        return size(0.05, 1e6), size(0.05, 1e6)
    if name == "binomial":
        return float(np.floor(size(1, 1e7))), float(rng.choice([size(1e-7, 0.5), rng.uniform()]))
    return (size(*dict(gamma=(1e-4, 1e8), student_t=(0.5, 1e6), poisson=(1e-4, 1e8))[name]),)


@pytest.mark.full
@pytest.mark.parametrize("name", ["gamma", "beta", "student_t", "poisson", "binomial"])
def test_a_million_draws_of_many_settings(name):
    """All chances together are those of right draws: none is too small, and they are uniform."""
    rng = np.random.default_rng(2000)
    # Compiled once for all settings of a family.
    draw = jax.jit(
        dict(
            gamma=lambda key, a: gamma.log_sample(key, a, 1.0, (MILLION,)),
            beta=lambda key, a, b: beta.sample_log_odds(key, a, b, (MILLION,)),
            student_t=lambda key, df: student_t.sample(key, df, 0.0, 1.0, (MILLION,)),
            poisson=lambda key, rate: poisson.sample(key, rate, (MILLION,)),
            binomial=lambda key, n, p: binomial.sample(key, n, p, (MILLION,)),
        )[name]
    )
    chances = []
    for number in range(SETTINGS):
        params = settings(name, rng)
        draws = np.asarray(draw(jax.random.fold_in(KEY, number), *params))
        if name == "gamma":
            a = params[0]
            mean, variance = (a, a) if a > 0.05 else (np.nan, np.nan)
            chances += continuous(share_below(draws, a), mean, variance, np.exp(draws))
        elif name == "poisson":
            chances += discrete(draws, scipy.stats.poisson(*params))
        elif name == "binomial":
            chances += discrete(draws, scipy.stats.binom(*params))
        elif name == "beta":
            a, b = sorted(params)  # from the end where most of it is
            x = scipy.special.expit(draws if params[0] == a else -draws)
            y = scipy.special.expit(-draws if params[0] == a else draws)
            far = scipy.special.betainc(b, a, np.minimum(y, 0.5))
            share = np.where(x < 0.5, scipy.special.betainc(a, b, np.minimum(x, 0.5)), 1 - far)
            chances += continuous(share, *scipy.stats.beta(a, b).stats("mv"), x)
        else:
            truth = scipy.stats.t(*params)
            usual = params[0] > 8  # of which the variance has a spread
            chances += continuous(
                truth.cdf(draws), *((np.nan,) * 2, truth.stats("mv"))[usual], draws
            )
    assert len(chances) > SETTINGS
    assert min(chances) > 1e-4 / len(chances)
    assert scipy.stats.kstest(chances, "uniform").pvalue > 1e-4
