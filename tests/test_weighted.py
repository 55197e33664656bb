"""The weighted logarithm of a sum of exponentials, and the distance of vectors, with 50 digits."""

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest

from jaxmath import special
from jaxmath.special.weighted import WEIGHTED_LOGSUMEXP
from tests.accuracy import routes, vectors, worst

DTYPES = (np.float32, np.float64)


def parts(z, w):
    terms = [b * mp.exp(a) for a, b in zip(z, w, strict=True)]
    total = mp.fsum(terms)
    return total, [term / total for term in terms], [mp.exp(a) / total for a in z]


def covariance(z, w):
    _, p, _ = parts(z, w)
    rest = [mp.fsum(q for j, q in enumerate(p) if j != i) for i in range(len(p))]
    return [[p[i] * rest[i] if i == j else -p[i] * p[j] for j in range(len(p))]
            for i in range(len(p))]  # fmt: skip


def mixed(z, w):
    _, p, rates = parts(z, w)
    rest = [mp.fsum(q for j, q in enumerate(p) if j != i) for i in range(len(p))]
    return [[rates[i] * rest[i] if i == j else -p[i] * rates[j] for j in range(len(p))]
            for i in range(len(p))]  # fmt: skip


def of_weights(z, w):
    _, _, rates = parts(z, w)
    return [[-a * b for b in rates] for a in rates]


TRUTHS = {
    (): lambda z, w: mp.log(parts(z, w)[0]),
    ("logits",): lambda z, w: parts(z, w)[1],
    ("weights",): lambda z, w: parts(z, w)[2],
    ("logits", "logits"): covariance,
    ("logits", "weights"): mixed,
    ("weights", "weights"): of_weights,
}


@pytest.mark.parametrize("dtype", DTYPES)
def test_accuracy(dtype):
    rng = np.random.default_rng(12)
    z = vectors(dtype, size=3, count=15)
    # Where a slope is no normal number, neither is a second derivative that it is part of.
    z = z[np.ptp(z, axis=1) < -np.log(float(np.finfo(dtype).tiny)) / 2]
    w = (10.0 ** rng.uniform(-3, 3, z.shape)).astype(dtype)
    answers = routes(WEIGHTED_LOGSUMEXP)(z, w)
    for order, truth in TRUTHS.items():
        error, where = worst(answers[order], truth, (z, w), conditioned=True)
        assert error <= 8, (order, error, where)


def test_a_weight_of_zero_is_a_mask():
    z, mask = jnp.array([1.0, 700.0, -2.0, jnp.nan]), jnp.array([1.0, 0.0, 1.0, 0.0])
    assert special.weighted_logsumexp(z, mask) == special.logsumexp(z[jnp.array([0, 2])])
    slope = jax.grad(special.weighted_logsumexp)(z, mask)
    np.testing.assert_array_equal(slope[jnp.array([1, 3])], 0)
    np.testing.assert_allclose(slope[0], special.softmax(z[jnp.array([0, 2])])[0], rtol=1e-15)
    assert special.weighted_logsumexp(z, 0 * mask) == -jnp.inf


def test_equal_weights_and_nan():
    z = jnp.array([3.0, 2.0, -1.0])
    np.testing.assert_allclose(
        special.weighted_logsumexp(z, jnp.full(3, 0.25)),
        special.logsumexp(z) - np.log(4),
        rtol=1e-15,
    )
    assert np.isnan(special.weighted_logsumexp(z.at[2].set(jnp.nan), jnp.ones(3)))
    assert np.isnan(special.weighted_logsumexp(z, jnp.array([1.0, jnp.nan, 1.0])))


def test_distance():
    x, y = np.array([1e200, 3.0]), np.array([1e200, -1.0])
    assert special.distance(x, y) == 4
    np.testing.assert_array_equal(jax.grad(special.distance, 1)(x, y), [0, -1])
    for argnum in (0, 1):
        np.testing.assert_array_equal(jax.grad(special.distance, argnum)(x, x), [0, 0])


def test_directions_along_an_axis_are_exact():
    """Opposite ones cancel: the slope of an energy score between its members is zero."""
    x = np.random.default_rng(4).uniform(-100, 100, (200, 2)).astype(np.float32)
    x[:, 1] = 1e-30
    slopes = jax.vmap(jax.grad(special.distance), (0, None))(x, np.zeros(2, np.float32))
    np.testing.assert_array_equal(slopes[:, 0], np.sign(x[:, 0]))
