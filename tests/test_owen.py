"""Owen's T function, against integrals with 40 digits."""

import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest

from jaxmath.special import owens_t
from jaxmath.special.owen import OWENS_T
from tests.accuracy import routes, worst


def tail(x):
    return mp.erfc(x / mp.sqrt(2)) / 2


def wedge(h, a):
    """By definition, with the integrand cut off where it has fallen by 50 digits."""
    if h < 0 or a < 0:
        return mp.sign(a) * wedge(abs(h), abs(a))
    if a > 1 and a * h > 1:  # a narrow peak: the rest up to infinity
        rest = [a + (16 / h - a) * k / 8 for k in range(9)] if a < 16 / h else [a, a + 16 / h]
        return tail(h) / 2 - _integral(h, rest)
    end = min(a, 16 / h) if h else a
    return _integral(h, [0, *(end * mp.mpf(2) ** -k for k in range(8, -1, -1))])


def _integral(h, places):
    def integrand(t):
        return mp.exp(-h * h * (1 + t * t) / 2) / (1 + t * t)

    return mp.quad(integrand, places) / (2 * mp.pi)


def both(h, a):
    return mp.npdf(h) * mp.npdf(a * h)


def between(h, a):
    return mp.npdf(h) * mp.erf(a * h / mp.sqrt(2)) / 2


TRUTHS = {
    (): wedge,
    ("h",): lambda h, a: -between(h, a),
    ("a",): lambda h, a: both(h, a) / (1 + a * a),
    ("h", "h"): lambda h, a: h * between(h, a) - a * both(h, a),
    ("h", "a"): lambda h, a: -h * both(h, a),
    ("a", "a"): lambda h, a: -a * both(h, a) / (1 + a * a) * (h * h + 2 / (1 + a * a)),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_accuracy(dtype):
    rng = np.random.default_rng(10)
    h = np.concatenate([10.0 ** rng.uniform(-3, 1.1, 20), rng.uniform(-9, 9, 20), [0, 2, 2]])
    a = np.concatenate([10.0 ** rng.uniform(-3, 1.5, 20), rng.uniform(-3, 3, 20), [0.7, 1, 0]])
    h, a = np.append(h, [9, 10, 12]), np.append(a, [0.95, 0.9, 1])  # where the integrand is cut off
    h, a = h.astype(dtype), a.astype(dtype)
    with mp.workdps(35):
        answers = routes(OWENS_T)(h, a)
        for order, truth in TRUTHS.items():
            error, where = worst(answers[order], truth, (h, a), conditioned=True)
            assert error <= 8, (order, error, where)


def test_closed_values():
    h, a = np.array([0.0, 0.5, 3.0]), np.array([0.3, 1.0, 40.0])
    np.testing.assert_allclose(owens_t(0.0, a), np.arctan(a) / (2 * np.pi), rtol=4e-16)
    below = np.array([float(mp.ncdf(x)) for x in h])
    np.testing.assert_allclose(owens_t(h, 1.0), below * (1 - below) / 2, rtol=1e-14)
    np.testing.assert_allclose(owens_t(h, np.inf), (1 - below) / 2, rtol=1e-13)


def test_ends_and_nan():
    assert owens_t(jnp.inf, 2.0) == owens_t(jnp.inf, 0.0) == owens_t(jnp.inf, jnp.inf) == 0
    assert owens_t(0.0, jnp.inf) == 0.25 == -owens_t(0.0, -jnp.inf)
    assert np.isnan(owens_t(jnp.nan, 1.0))
    assert np.isnan(owens_t(1.0, jnp.nan))
