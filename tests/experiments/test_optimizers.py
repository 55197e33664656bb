import numpy as np
import pytest

from experiments import optimizers
from jaxmath.config import reading
from jaxmath.lab import engine
from tests.experiments.measuring import CONFIGS, claims, measured, red


@pytest.mark.full
def test_every_claim_passes():
    assert red(claims("optimizers")) == set()


@pytest.mark.full
def test_its_fault_turns_each_claim_red_and_no_other():
    for name, claim in claims("optimizers").items():
        assert red(claims("optimizers", claim.breaks_if.plant)) == {name}


def test_the_variance_formula_is_that_of_all_batches():
    """All 10 batches of 2 of 5 numbers, listed: their variance is (1 - 2/5) S^2 / 2."""
    numbers = np.array([1.0, 4.0, -2.0, 7.0, 0.5])
    means = [(numbers[i] + numbers[j]) / 2 for i in range(5) for j in range(i)]
    np.testing.assert_allclose(np.var(means), (1 - 2 / 5) * np.var(numbers, ddof=1) / 2)
    repeated = [(a + b) / 2 for a in numbers for b in numbers]
    np.testing.assert_allclose(np.var(repeated), 4 / 5 * np.var(numbers, ddof=1) / 2)


@pytest.mark.full
def test_the_variance_of_the_examples_is_that_of_their_gradients_one_by_one():
    _, measurement = measured("optimizers")
    data = measurement.data
    n, k = len(data.targets), len(data.classes)
    rows = [
        np.append(
            np.outer(np.full(k, 1 / k) - np.eye(k)[y], x).ravel(), np.full(k, 1 / k) - np.eye(k)[y]
        )
        for x, y in zip(data.features, data.targets, strict=True)
    ]
    gradients = np.array(rows)
    variance = np.sum((gradients - gradients.mean(axis=0)) ** 2, axis=0) / (n - 1)
    np.testing.assert_allclose(optimizers.per_example_variance(data), variance, atol=1e-14)
    np.testing.assert_allclose(measurement.measured["full"], gradients.mean(axis=0), atol=1e-14)


@pytest.mark.parametrize("count", [2, 8])
def test_the_interval_is_students(count):
    values = np.random.default_rng(0).normal(size=(4000, count))
    mean, half = optimizers.interval(values, axis=1)
    covered = np.mean(np.abs(mean) <= half)
    assert abs(covered - 0.95) < 4 * np.sqrt(0.95 * 0.05 / 4000)


@pytest.mark.full
def test_a_run_that_diverges_is_no_best_rate():
    overrides = ["learning_rates=[0.1, 1e30]", "seeds=2", "epochs=1", "draws=100"]
    study = reading.read(CONFIGS / "optimizers.toml", overrides)
    measurement = engine.measure(study)
    result = engine.judge(study, measurement.data, measurement.measured)
    table = next(table for table in result.tables if table.name == "best_rates")
    assert set(np.asarray(table.columns["best learning rate"]).tolist()) == {0.1}
