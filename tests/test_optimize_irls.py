"""Iteratively reweighted least squares against closed forms and scikit-learn."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from jaxmath.losses import logistic
from jaxmath.optimize import Kind, Status, describe, irls


def sample(seed=0, n=60, d=3):
    random = np.random.default_rng(seed)
    X = random.normal(size=(n, d))
    X[:, 0] = 1
    return X, (random.random(n) < 1 / (1 + np.exp(-X @ np.arange(1.0, d + 1)))).astype(float)


@pytest.mark.parametrize("mixed", [True, pytest.param(False, marks=pytest.mark.full)])
def test_logistic_regression_equals_scikit_learn_in_either_precision(mixed):
    X, y = sample()
    penalty = 1e-2
    other = LogisticRegression(
        C=1 / (len(X) * penalty), fit_intercept=False, solver="newton-cholesky", tol=1e-12
    ).fit(X, y)
    found = irls(logistic, jnp.array(X), jnp.array(y), penalty, mixed=mixed)
    assert Status(int(found.info.status)) is Status.OPTIMAL, describe(found.info)
    assert Kind(int(found.info.kind)) is Kind.MINIMUM
    assert found.x.dtype == jnp.float64
    np.testing.assert_allclose(found.x, other.coef_[0], rtol=1e-8)
    # Steps that keep the Hessian are many and cheap.
    assert int(found.info.iterations) <= 2 * int(other.n_iter_[0])
    moments = X.T @ (1 / (1 + np.exp(-X @ found.x)) - y) / len(X) + penalty * found.x
    np.testing.assert_allclose(moments, 0, atol=float(found.info.tolerance))


def half_square(score, target):
    return 0.5 * (score - target) ** 2


def test_ridge_regression_and_its_derivative_in_closed_form():
    """w = (X'X / n + D)^-1 X'y / n with the intercept free; dw/dD_j = -R[:, j] w_j."""
    X, _ = sample()
    y = np.random.default_rng(1).normal(size=len(X))
    penalty = jnp.array([0.0, 0.3, 0.7])

    def w(penalty):
        x = irls(half_square, jnp.array(X), jnp.array(y), penalty).x
        return x, x

    R = np.linalg.inv(X.T @ X / len(X) + np.diag(penalty))
    closed = R @ X.T @ y / len(X)
    slope, found = jax.jacrev(w, has_aux=True)(penalty)
    np.testing.assert_allclose(found, closed, rtol=1e-10)
    np.testing.assert_allclose(slope, -R * closed[None, :], rtol=1e-9)


def test_separated_data_have_no_minimum_and_no_derivative_without_a_penalty():
    X = jnp.array([[-2.0], [-1.0], [1.0], [3.0]])
    y = jnp.array([0.0, 0.0, 1.0, 1.0])

    def w(penalty):
        found = irls(logistic, X, y, penalty)
        return found.x[0], found

    (_, found), slope = jax.vmap(jax.value_and_grad(w, has_aux=True))(jnp.array([0.0, 0.1]))
    kinds = [Kind(int(code)) for code in found.info.kind]
    assert kinds == [Kind.UNDECIDED, Kind.MINIMUM]
    assert np.isnan(slope[0])
    assert slope[1] < 0


@pytest.mark.full
def test_poisson_regression_in_float32_and_from_a_bad_start():
    X, _ = sample()
    y = np.random.default_rng(2).poisson(np.exp(0.3 * X[:, 1] + 0.5))

    def deviance(score, count):
        return jnp.exp(score) - count * score

    def solve(dtype, start):
        X_, y_ = jnp.array(X, dtype), jnp.array(y, dtype)
        return irls(deviance, X_, y_, start=jnp.full(3, start))

    exact = solve(jnp.float64, 0.0)
    far = solve(jnp.float64, 4.0)
    short = solve(jnp.float32, 0.0)
    assert Status(int(far.info.status)) is Status.OPTIMAL, describe(far.info)
    np.testing.assert_allclose(far.x, exact.x, rtol=1e-9)
    assert short.x.dtype == jnp.float32
    np.testing.assert_allclose(short.x, exact.x, rtol=1e-3, atol=1e-4)
    moments = X.T @ (np.exp(X @ np.asarray(exact.x)) - y) / len(X)
    np.testing.assert_allclose(moments, 0, atol=1e-11)
