"""Curvatures at a point, and the promises of Polyak (1964) and Nesterov (2004) from them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxmath.losses import logistic
from jaxmath.optimize import conditioning, implied_by


def test_the_curvatures_of_ridge_regression_are_singular_values_squared():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 4))

    def objective(x, strength):
        w = jnp.append(x["w"], x["b"])
        return jnp.sum((X @ w) ** 2) / 2 + strength * w @ w / 2

    found = conditioning(objective, {"b": jnp.ones(()), "w": jnp.zeros(3)}, 0.5)
    sizes = np.linalg.svd(X, compute_uv=False)
    np.testing.assert_allclose(found.smoothness, sizes[0] ** 2 + 0.5, rtol=1e-13)
    np.testing.assert_allclose(found.strong_convexity, sizes[-1] ** 2 + 0.5, rtol=1e-13)
    np.testing.assert_allclose(found.number, np.linalg.cond(X.T @ X + 0.5 * np.eye(4)), rtol=1e-12)


def test_each_lane_has_its_own_and_slopes_are_those_of_the_formula():
    """The logistic loss at a logit x has the curvature p (1 - p)."""

    def number(x, strength):
        return conditioning(
            lambda w, _: logistic(w[0], 1.0) + strength * w @ w / 2, jnp.stack([x, x])
        ).number

    x, strength = jnp.array([-2.0, 0.3, 5.0]), 0.1
    p = 1 / (1 + np.exp(-np.asarray(x)))
    found, slopes = jax.jit(jax.vmap(jax.value_and_grad(number, 1), (0, None)))(x, strength)
    np.testing.assert_allclose(found, 1 + p * (1 - p) / strength, rtol=1e-12)
    np.testing.assert_allclose(slopes, -p * (1 - p) / strength**2, rtol=1e-10)


@pytest.mark.parametrize("method", ["gradient_descent", "nesterov", "heavy_ball"])
def test_the_rates_are_the_spectral_radii_of_the_steps(method):
    """Of the matrix that takes (x, the last x) to the next, along both extreme curvatures."""
    least, most = 0.2, 3.0
    step, momentum, rate = getattr(implied_by(least, most), method)
    radii = []
    for curvature in (least, most):
        look = momentum if method == "nesterov" else 0
        one = 1 - step * curvature
        first = one * (1 + momentum) if look else one + momentum
        second = -one * momentum if look else -momentum
        radii.append(np.max(np.abs(np.linalg.eigvals([[first, second], [1, 0]]))))
    # Both curvatures of the heavy ball meet in a double root, which is found to half the digits.
    np.testing.assert_allclose(max(radii), rate, rtol=1e-7)


def test_without_strong_convexity_nothing_is_promised():
    for least in (0.0, -1.0):
        found = implied_by(least, 2.0)
        assert found.number == np.inf
        paces = found.gradient_descent, found.nesterov, found.heavy_ball
        assert [float(pace.rate) for pace in paces] == [1, 1, 1]
        np.testing.assert_allclose([pace.step for pace in paces], [1, 0.5, 2], rtol=1e-15)
    assert np.isnan(implied_by(-2.0, -1.0).gradient_descent.step)
    assert implied_by(np.float32(1), np.float32(4)).number.dtype == np.float32
