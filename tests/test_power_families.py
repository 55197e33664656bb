"""The Weibull and Pareto families against 60 digits: divergences, moments, all their slopes."""

import functools
import itertools

import jax
import mpmath as mp
import numpy as np
import pytest

from jaxmath.distributions import pareto, weibull


def within(found, exact, slack, ulps=8):
    """Whether the answer is right to some units, beyond what half a unit of each input changes."""
    # Zero is only as good as differences of 60 digits.
    return abs(mp.mpf(float(found)) - exact) <= ulps * (abs(exact) * 2.0**-53 + slack) + 1e-30


def jet(fn, args):
    """Value, slopes and second derivatives in high precision, by orders."""
    count = len(args)
    orders = [o for o in itertools.product(range(3), repeat=count) if sum(o) <= 2]
    return {o: mp.diff(fn, args, o) if sum(o) else fn(*args) for o in orders}


def compare(fn, exact, params):
    """Each derivative to second order, with the slack from the next order's size."""
    every = tuple(range(len(params)))
    value = fn(*params)
    first = np.array(jax.grad(fn, every)(*params), float)
    second = np.array(jax.hessian(fn, every)(*params), float)
    with mp.workdps(60):
        args = tuple(map(mp.mpf, params))
        truths = jet(exact, args)
        moved = [
            jet(exact, tuple(a * (1 + (k == j) * mp.mpf(2) ** -53) for k, a in enumerate(args)))
            for j in every
        ]
        for orders, truth in truths.items():
            slack = sum(abs(each[orders] - truth) for each in moved)
            places = tuple(k for k, order in enumerate(orders) for _ in range(order))
            found = (value, first, second)[len(places)]
            assert within(np.asarray(found)[places], truth, slack), (orders, params)


def kl_of_weibulls(k, s, k_q, s_q):
    b = k_q * mp.log(s / s_q) + mp.loggamma(1 + k_q / k)
    return mp.expm1(b) - b + mp.loggamma(k_q / k) + mp.euler * (k_q / k - 1)


def cross_entropy_of_weibulls(k, s, k_q, s_q):
    entropy = mp.log(s / k) + 1 + mp.euler - mp.euler / k
    return kl_of_weibulls(k, s, k_q, s_q) + entropy


@pytest.mark.full
@pytest.mark.parametrize(
    "params",
    [
        (2.3, 1.5, 2.0, 1.9),
        (2.3, 1.5, 2.3000001, 1.5000002),
        (1e3, 1.5, 0.07, 4.0),
        (0.3, 2.0, 0.9, 1e-3),
        (50.0, 1.0, 60.0, 1.1),
        (1e6, 2.0, 1.0000001e6, 2.000001),
        (2.0, 1.0, 0.2, 1.0),
        (1e6, 4.8, 0.0625, 1e12),
        (3.0, 1e-12, 0.7, 5.0),
    ],
)
def test_divergences_of_weibulls(params):
    compare(weibull.kl, kl_of_weibulls, params)
    compare(weibull.cross_entropy, cross_entropy_of_weibulls, params)


@pytest.mark.full
@pytest.mark.parametrize("k", [2.0**-5, 0.3, 0.9, 1.0, 1.9, 2.1, 8.0, 1e3, 1e6])
def test_moments_of_weibulls(k):
    def spread(k, s):
        return s * mp.sqrt(mp.gamma(1 + 2 / k) - mp.gamma(1 + 1 / k) ** 2)

    compare(weibull.mean, lambda k, s: s * mp.gamma(1 + 1 / k), (k, 1.5))
    compare(weibull.std, spread, (k, 1.5))
    compare(weibull.variance, lambda k, s: spread(k, s) ** 2, (k, 1.5))


def standardized(order, k):
    """The central moment of a Weibull distribution over that power of its deviation."""
    with mp.extradps(90):
        u = 1 / k
        ways = ((-1) ** (order - n) * mp.binomial(order, n) for n in range(order + 1))
        terms = [w * mp.gamma(1 + n * u) for n, w in enumerate(ways)]
        mean = mp.gamma(1 + u)
        central = sum(t * mean ** (order - n) for n, t in enumerate(terms))
        return central / (mp.gamma(1 + 2 * u) - mean**2) ** (mp.mpf(order) / 2)


@pytest.mark.full
@pytest.mark.parametrize("k", [2.0**-7, 0.3, 1.0, 1.9, 2.9, 3.1, 3.6, 8.0, 1e3, 1e6, 2.0**27])
def test_the_shape_of_weibulls(k):
    for fn, order, normal in ((weibull.skewness, 3, 0), (weibull.kurtosis, 4, 3)):
        value, slope = jax.jit(jax.value_and_grad(fn))(k, 1.5)
        with mp.workdps(60):
            # Over powers of the mean, so that three derivatives keep 40 digits.
            exact, first, second = mp.taylor(functools.partial(standardized, order), mp.mpf(k), 2)
            slack = (abs(exact) + abs(first * k)) * 2.0**-53
            assert within(value, exact - normal, slack, 64)
            assert within(slope, first, abs(2 * second * k) * 2.0**-53, 64)


@pytest.mark.parametrize("k", [0.3, 1.0, 1.0 + 2.0**-50, 1.9, 2.0, 1e3, 2.0**27])
def test_the_mode_of_weibulls(k):
    def top(k, s):
        return s * ((k - 1) / k) ** (1 / k) if k > 1 else mp.mpf(0)

    compare(weibull.mode, top, (k, 1.5)) if k != 1 else None
    assert weibull.mode(k, 1.5) == 0 or k > 1


MOMENTS = {
    "mean": (1, np.inf, lambda s, k: s * k / (k - 1)),
    "std": (2, np.inf, lambda s, k: s * mp.sqrt(k / (k - 2)) / (k - 1)),
    "variance": (2, np.inf, lambda s, k: s * s * k / ((k - 1) ** 2 * (k - 2))),
    "skewness": (3, np.nan, lambda s, k: 2 * (1 + k) / (k - 3) * mp.sqrt((k - 2) / k)),
    "kurtosis": (
        4, np.nan, lambda s, k: 6 * (k**3 + k**2 - 6 * k - 2) / (k * (k - 3) * (k - 4))
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MOMENTS)
def test_moments_of_paretos(name):
    order, beyond, exact = MOMENTS[name]
    fn = getattr(pareto, name)
    for k in (order + 2.0**-10, order + 0.5, order + 3.0, 1e3, 1e7):
        compare(fn, exact, (1.5, k))
    np.testing.assert_equal(float(fn(1.5, float(order))), beyond)
    assert np.isnan(fn(1.5, -1.0))


@pytest.mark.parametrize(
    "params", [(1.5, 6.5, 1.2, 5.0), (1.2, 6.5, 1.5, 5.0), (1.5, 6.5, 1.4999999, 6.5000001)]
)
def test_divergences_of_paretos(params):
    with mp.workdps(60):
        s, k, s_q, k_q = map(mp.mpf, params)

        def overlap(order):
            mixed = order * k + (1 - order) * k_q
            tops = (k * s**k) ** order * (k_q * s_q**k_q) ** (1 - order)
            return tops * max(s, s_q) ** -mixed / mixed

        half = 1 - overlap(mp.mpf(1) / 2)
        np.testing.assert_allclose(pareto.squared_hellinger(*params), float(half), 1e-13)
        for order in (0.3, 0.8):
            exact = mp.log(overlap(mp.mpf(order))) / (mp.mpf(order) - 1)
            np.testing.assert_allclose(pareto.renyi(order, *params), float(exact), 1e-12)
        middle = 2 * s * s_q / (1 - 1 / k - 1 / k_q)
        apart = s * s * k / (k - 2) + s_q * s_q * k_q / (k_q - 2) - middle
        np.testing.assert_allclose(pareto.squared_wasserstein(*params), float(apart), 1e-9)
    more = float(pareto.renyi(1.2, *params))
    assert np.isinf(more) == np.isinf(float(pareto.kl(*params))) == (params[0] < params[2])
    assert np.isinf(pareto.squared_wasserstein(1.5, 2.0, 1.2, 5.0))


def test_the_least_of_a_pareto_sample_is_its_scale():
    x = np.asarray(pareto.sample(jax.random.key(3), 1.5, 6.5, (400,)))
    fit = pareto.fit(x)
    assert float(fit.estimate.scale) == x.min()
    np.testing.assert_allclose(fit.estimate.concentration, 1 / np.log(x / x.min()).mean(), 1e-12)
    for found, truth, error in zip(fit.estimate, (1.5, 6.5), fit.standard_errors, strict=True):
        assert abs(found - truth) < 5 * error
    weights = np.resize([1.0, 2.0, 0.0], 400)
    repeated = pareto.fit(np.repeat(x, weights.astype(int)))
    weighted = pareto.fit(np.where(weights == 0, np.nan, x), weights)
    np.testing.assert_allclose(np.stack(weighted.estimate), np.stack(repeated.estimate), 1e-12)
    np.testing.assert_allclose(
        np.stack(weighted.standard_errors), np.stack(repeated.standard_errors), 1e-9
    )
