"""The inverses of the incomplete gamma functions, put back into mpmath's own at 60 digits."""

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
import scipy.special

from jaxmath.special import gammainccinv, gammaincinv

BAR = 64
"""In units of what half an epsilon of shape, probability and answer explains."""


def batch(dtype, count=120):
    """Shapes of all sizes; probabilities of all sizes on both sides of the median."""
    rng = np.random.default_rng(7)
    a = 10.0 ** rng.uniform(-2, 3, count)
    least = -290 if dtype == np.float64 else -30
    p = np.where(rng.random(count) < 0.5, rng.random(count), 10.0 ** rng.uniform(least, 0, count))
    return a.astype(dtype), p.astype(dtype)


def excess(lower, a, p, x, eps):
    """How far the tail at the answer is from p."""
    a, p, x = (mp.mpf(float(part)) for part in (a, p, x))
    with mp.workdps(60):

        def tail(a, x):
            ends = (0, x) if lower else (x, mp.inf)
            return mp.gammainc(a, *ends, regularized=True)

        density = mp.exp((a - 1) * mp.log(x) - x - mp.loggamma(a))
        step = a * mp.mpf(10) ** -20
        moved = abs(tail(a + step, x) - tail(a - step, x)) / (2 * step)
        return float(abs(tail(a, x) - p) / (eps / 2 * (p + x * density + a * moved)))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("fn", "lower"), [(gammaincinv, True), (gammainccinv, False)])
def test_the_tail_at_the_answer_is_the_probability(fn, lower, dtype):
    a, p = batch(dtype)
    answers = np.asarray(fn(a, p))
    assert answers.dtype == dtype
    info = np.finfo(dtype)
    kept = answers > info.tiny
    assert kept.mean() > 0.8
    found = [
        (excess(lower, *args, float(info.eps)), args)
        for args in zip(a[kept], p[kept], answers[kept], strict=True)
    ]
    worst = max(found)
    assert worst[0] <= BAR, worst


def test_underflow_is_zero():
    assert gammaincinv(1e-3, 0.3) == 0
    assert gammainccinv(1e-4, 0.5) == 0


def test_limits():
    inf, nan = jnp.inf, jnp.nan
    assert gammaincinv(2.5, 0.0) == gammainccinv(2.5, 1.0) == 0
    assert gammaincinv(2.5, 1.0) == gammainccinv(2.5, 0.0) == inf
    for fn in (gammaincinv, gammainccinv):
        for args in ((nan, 0.5), (1.0, nan), (-1.0, 0.5), (1.0, -0.1), (1.0, 1.1), (inf, 0.5)):
            assert np.isnan(fn(*args)), args


def test_agrees_with_scipy():
    a = np.array([0.05, 0.4, 1.0, 3.0, 50.0, 1e3, 1e5])[:, None] + np.zeros(5)
    p = np.array([1e-3, 0.1, 0.5, 0.9, 1 - 1e-9]) + np.zeros((7, 1))
    truth = scipy.special.gammaincinv(a, p), scipy.special.gammainccinv(a, p)
    np.testing.assert_allclose(gammaincinv(a, p), truth[0], 1e-11)
    np.testing.assert_allclose(gammainccinv(a, p), truth[1], 1e-11)


@pytest.mark.full
@pytest.mark.parametrize("fn", [gammaincinv, gammainccinv])
def test_slopes_against_differences_of_scipy(fn):
    other = scipy.special.gammaincinv if fn is gammaincinv else scipy.special.gammainccinv
    for a, p in ((0.7, 0.2), (3.0, 0.6), (40.0, 0.01)):
        h = 1e-6
        slopes = (
            (other(a + h, p) - other(a - h, p)) / (2 * h),
            (other(a, p + h * p) - other(a, p - h * p)) / (2 * h * p),
        )
        np.testing.assert_allclose(jax.grad(fn, (0, 1))(a, p), slopes, 1e-7)
