"""Constraints without slopes: distributions with known best objectives, rates of a classifier."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxmath.constrained import Status, proxy_lagrangian
from jaxmath.losses import logistic

SGD = optax.sgd(0.05)


def away(x, _):
    return (x - 2) ** 2


def above(x, most):
    """How often x may exceed one: a step, flat elsewhere."""
    return jnp.where(x > 1, 1.0, 0.0) - most


def hinge(x, most):
    return jnp.maximum(x, 0) - most


@jax.jit
@jax.vmap
def solve(start, most):
    return proxy_lagrangian(away, above, hinge, start, most, optimizer=SGD)


def test_a_mixture_does_better_than_every_point():
    """A quarter of x = 2, which is free, and the rest of x = 1, which costs one, is the best.

    Lanes: as said; no point may exceed one; none can have what is asked; a start that is NaN.
    """
    start, most = jnp.array([2.0, 2.0, 2.0, jnp.nan]), jnp.array([0.25, 0.0, -0.5, 0.25])
    found = solve(start, most)
    wanted = Status.OPTIMAL, Status.OPTIMAL, Status.INFEASIBLE, Status.NOT_FINITE
    np.testing.assert_array_equal(found.info.status, wanted)
    np.testing.assert_allclose(found.info.objective[:2], [0.75, 1.0], atol=0.05)
    assert np.all(np.asarray(found.info.objective[:2]) >= np.array([0.75, 1]) - 1e-8)
    np.testing.assert_allclose(found.x.constraints[:3, 0], [0, 0, 0.5], atol=1e-6)
    np.testing.assert_allclose(jnp.sum(found.x.weights[:3], axis=1), 1, atol=1e-8)
    assert np.all(np.sum(found.x.weights[0] > 1e-6) <= 2)
    # To allow one per cent more of x = 2 saves a hundredth.
    np.testing.assert_allclose(found.multipliers[0], 1, atol=0.05)


def test_a_recall_that_is_asked_for_is_reached_on_the_data():
    """The rate itself has no slope; without the constraint the recall is below what is asked."""
    rng = np.random.default_rng(0)
    y = rng.random(400) < 0.2
    X = np.c_[rng.normal(size=(400, 2)) + y[:, None], np.ones(400)]

    def loss(w, _):
        return jnp.mean(logistic(X @ w["w"], jnp.asarray(y, float)))

    def missing(w, recall):
        return recall - jnp.sum(jnp.where(y & (X @ w["w"] > 0), 1.0, 0.0)) / y.sum()

    def soft(w, recall):
        return recall - 1 + jnp.sum(jnp.where(y, jnp.maximum(1 - X @ w["w"], 0), 0)) / y.sum()

    start = {"w": jnp.zeros(3)}
    found = proxy_lagrangian(loss, missing, soft, start, 0.9, optimizer=optax.adam(0.05))
    assert Status(int(found.info.status)) is Status.OPTIMAL
    recall = np.sum((X[y] @ found.x.points["w"].T > 0) @ found.x.weights) / y.sum()
    assert recall >= 0.9 - 1e-8
    free = proxy_lagrangian(loss, missing, soft, start, 0.0, optimizer=optax.adam(0.05))
    assert np.max(missing({"w": free.x.points["w"][-1]}, 0.9)) > 0.2
    assert free.info.objective < found.info.objective


def test_what_does_not_fit_is_named():
    with pytest.raises(ValueError, match="There are 1 constraints, and as many proxies are needed"):
        proxy_lagrangian(away, above, lambda x, _: jnp.stack([x, x]), 1.0, 0.2, optimizer=SGD)
    with pytest.raises(ValueError, match="Of 5 steps there cannot be 100 candidates"):
        proxy_lagrangian(away, above, hinge, 1.0, 0.2, optimizer=SGD, steps=5)
