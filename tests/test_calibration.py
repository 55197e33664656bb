"""Temperature and calibration against SciPy's minimiser, loops in NumPy, and cases by hand."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import optimize, special, stats

from jaxmath import inference

RNG = np.random.default_rng(3)


def held_out(n=400, k=4, temperature=2.5, spread=2.0):
    truth = spread * RNG.normal(size=(n, k))
    labels = np.array([RNG.choice(k, p=p) for p in special.softmax(truth, axis=1)])
    return temperature * truth, labels


def loss(beta, logits, labels):
    return -np.sum(special.log_softmax(beta * logits, axis=1)[np.arange(len(labels)), labels])


@pytest.mark.parametrize("temperature", [0.01, 0.7, 2.5, 1e3])
def test_temperature_is_that_of_least_loss(temperature):
    logits, labels = held_out(temperature=temperature)
    found = inference.fit_temperature(logits, labels, 0.9)
    around = np.array([0.3, 3.0]) / temperature
    best = optimize.minimize_scalar(
        lambda b: loss(b, logits, labels), bounds=around, method="bounded",
        options=dict(xatol=1e-12 / temperature),
    ).x  # fmt: skip
    np.testing.assert_allclose(found.value, 1 / best, rtol=1e-6)
    h = 1e-3 * best
    curvature = (
        loss(best + h, logits, labels)
        - 2 * loss(best, logits, labels)
        + loss(best - h, logits, labels)
    ) / h**2
    np.testing.assert_allclose(found.log_error, 1 / best / np.sqrt(curvature), rtol=1e-4)
    reach = np.exp(stats.norm.ppf(0.95) * np.asarray(found.log_error))
    np.testing.assert_allclose(found.low, found.value / reach, rtol=1e-13)
    np.testing.assert_allclose(found.high, found.value * reach, rtol=1e-13)


def test_temperature_of_two_classes_is_a_logistic_slope_by_hand():
    """Of equal gaps z a share q of labels is above: sigmoid(z / T) = q."""
    logits = jnp.array([[0.0, 3.0]] * 10)
    labels = jnp.array([1] * 8 + [0] * 2)
    found = inference.fit_temperature(logits, labels)
    np.testing.assert_allclose(found.value, 3 / np.log(4), rtol=1e-14)
    np.testing.assert_allclose(found.log_error, 1 / np.log(4) / np.sqrt(1.6), rtol=1e-13)


def test_an_outlier_does_not_stop_newton():
    logits, labels = held_out()
    logits[0] *= 1e4
    labels[0] = np.argmax(logits[0])
    found = inference.fit_temperature(logits, labels)
    rest = inference.fit_temperature(logits[1:], labels[1:])
    np.testing.assert_allclose(found.value, rest.value, rtol=1e-12)


def test_without_a_best_temperature_it_is_nan():
    logits = jnp.array([[0.0, 1.0], [2.0, 0.0], [0.0, 3.0]])
    for labels in ([1, 0, 1], [0, 1, 0]):  # always right, always wrong
        assert np.isnan(inference.fit_temperature(logits, jnp.array(labels))).all()
    assert np.isnan(inference.fit_temperature(jnp.zeros((3, 2)), jnp.array([0, 1, 0])).value)


def test_many_at_once_and_in_single_precision():
    logits, labels = held_out(n=600)
    stacks = logits.reshape(3, 200, -1), labels.reshape(3, 200)
    found = jax.jit(jax.vmap(inference.fit_temperature))(*stacks)
    for i in range(3):
        one = inference.fit_temperature(stacks[0][i], stacks[1][i])
        np.testing.assert_allclose(found.value[i], one.value, rtol=1e-13)
    single = inference.fit_temperature(jnp.asarray(stacks[0][0], jnp.float32), stacks[1][0])
    assert single.value.dtype == jnp.float32
    np.testing.assert_allclose(single.value, found.value[0], rtol=3e-6)


def test_calibration_error_against_a_loop():
    confidence = RNG.uniform(size=1000)
    confidence[:4] = [0.0, 1.0, 0.2, 0.8]
    correct = RNG.uniform(size=1000) < confidence**2
    edges, total = np.linspace(0, 1, 11), 0.0
    for low, high in itertools.pairwise(edges):
        inside = (low <= confidence) & ((confidence < high) | (high == 1))
        if inside.any():
            total += inside.mean() * abs(correct[inside].mean() - confidence[inside].mean())
    found = inference.calibration_error(confidence, correct, 10)
    np.testing.assert_allclose(found, total, rtol=1e-12)


def test_brier_partition_adds_up():
    group = RNG.integers(0, 9, size=500)
    probability = (group / 8) ** 2
    label = RNG.uniform(size=500) < group / 8
    parts = inference.brier_partition(probability, label, group, 12)
    score = np.mean((probability - label) ** 2)
    total = parts.reliability - parts.resolution + parts.uncertainty
    np.testing.assert_allclose(total, score, rtol=1e-13)
    frequency = np.array([label[group == g].mean() for g in range(9)])
    share = np.bincount(group, minlength=9) / 500
    np.testing.assert_allclose(parts.resolution, share @ (frequency - label.mean()) ** 2, 1e-13)
