"""The derivatives of the digamma function, of orders told at run time, against 50 digits."""

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest

from jaxmath import special
from jaxmath.special.polygamma import MOST, POLYGAMMA
from tests.accuracy import routes, worst


def batch(dtype):
    rng = np.random.default_rng(4)
    limit = 8 if dtype == np.float64 else 3
    x = np.concatenate([
        10.0 ** rng.uniform(-limit, limit, 60), rng.uniform(0.1, 60, 60), [0.5, 1, 2, 16, 1e3]
    ]).astype(dtype)  # fmt: skip
    n = rng.integers(0, MOST + 1, len(x)).astype(np.int32)
    n[::4] = n[::4] % 3
    return n, x


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_accuracy(dtype):
    n, x = batch(dtype)
    answers = routes(POLYGAMMA)(n, x)
    for order in range(3):

        def truth(x, n, order=order):
            return mp.psi(int(n) + order, x)

        error, where = worst(answers[("x",) * order], truth, (x, n), conditioned=True)
        assert error <= 4, (order, error, where)


def test_low_orders_are_those_that_have_names():
    x = jnp.array([0.3, 1.0, 7.0, 200.0])
    np.testing.assert_allclose(special.polygamma(0, x), special.digamma(x), rtol=1e-15)
    np.testing.assert_allclose(special.polygamma(1, x), special.trigamma(x), rtol=2e-15)


def test_orders_are_traced():
    @jax.jit
    def table(n, x):
        return special.polygamma(n[:, None], x)

    n, x = np.arange(12), np.array([0.5, 3.0])
    exact = [[float(mp.psi(int(order), mp.mpf(place))) for place in x] for order in n]
    np.testing.assert_allclose(table(n, x), exact, rtol=1e-14)


def test_ends_and_outside():
    n = jnp.array([0, 1, 2, 3])
    assert special.polygamma(n, 0.0).tolist() == [-np.inf, np.inf, -np.inf, np.inf]
    assert special.polygamma(n, jnp.inf).tolist() == [np.inf, 0, 0, 0]
    assert np.isnan(special.polygamma(n, -1.5)).all()
    assert np.isnan(special.polygamma(n, jnp.nan)).all()
    assert np.isnan(special.polygamma(jnp.array([-1, MOST + 3]), 1.0)).all()
