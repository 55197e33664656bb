"""Lambert's W function on both branches, against 50 digits, up to the branch point."""

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest

from jaxmath.special import lambert, lambertw, lambertw_minus1
from tests.accuracy import routes, worst

FORMULAS = {0: lambert.LAMBERT[0], -1: lambert.LAMBERT[1]}


def truths(branch):
    def value(x):
        with mp.workdps(80):
            return mp.lambertw(x, branch).real

    def slope(x):
        with mp.workdps(80):
            w = value(x)
            return mp.exp(-w) / (1 + w)

    def curvature(x):
        with mp.workdps(80):
            w = value(x)
            return -((mp.exp(-w) / (1 + w)) ** 2) * (w + 2) / (w + 1)

    return value, slope, curvature


def batch(branch, dtype):
    rng = np.random.default_rng(9)
    least = float(np.nextafter(dtype(lambert.BRANCH), dtype(0)))
    size = 290 if dtype == np.float64 else 36
    from_branch = least - lambert.BRANCH + 10.0 ** rng.uniform(-15, -0.5, 40)
    x = np.concatenate([lambert.BRANCH + from_branch, -(10.0 ** rng.uniform(-size, -0.5, 40))])
    x = np.concatenate([x, rng.uniform(-0.36, -0.2, 30)])
    if branch == 0:
        x = np.concatenate([x, 10.0 ** rng.uniform(-size, size, 60), rng.uniform(0, 5, 20)])
    x = x.astype(dtype)
    return np.append(x[(x >= least) & ((x < 0) | (branch == 0))], dtype(least))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("branch", FORMULAS)
def test_accuracy(branch, dtype):
    x = batch(branch, dtype)
    answers = routes(FORMULAS[branch])(x)
    for order, truth in enumerate(truths(branch)):
        # At W = -2 the curvature is zero, and its digits are those of the argument.
        error, where = worst(answers[("x",) * order], truth, (x,), conditioned=order == 2)
        assert error <= (4, 6, 16)[order], (order, error, where)


def test_ends_and_outside():
    ends = jnp.array([lambert.BRANCH, 0.0, jnp.inf, -0.4, jnp.nan])
    expected = [-1, 0, np.inf, np.nan, np.nan]
    np.testing.assert_array_equal(lambertw(ends), expected)
    np.testing.assert_array_equal(lambertw_minus1(ends), [-1, -np.inf, np.nan, np.nan, np.nan])
    assert jax.grad(lambertw)(0.0) == 1
    assert jax.grad(lambertw)(lambert.BRANCH) == np.inf
    assert jax.grad(lambertw_minus1)(lambert.BRANCH) == -np.inf


def test_solves_its_equation():
    w = np.linspace(-0.9, 5, 50)
    np.testing.assert_allclose(lambertw(w * np.exp(w)), w, rtol=1e-13, atol=1e-15)
    w = np.linspace(-30, -1.1, 50)
    np.testing.assert_allclose(lambertw_minus1(w * np.exp(w)), w, rtol=1e-13)
