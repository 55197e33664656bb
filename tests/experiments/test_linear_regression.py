import numpy as np
import pytest
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LinearRegression
from sklearn.preprocessing import StandardScaler

from jaxmath.config import reading
from jaxmath.lab import engine
from tests.experiments.measuring import CONFIGS, claims, measured, red


def test_every_claim_passes():
    assert red(claims("linear_regression")) == set()


def test_the_solution_is_that_of_scikit_learn():
    features, targets = load_diabetes(return_X_y=True)
    model = LinearRegression().fit(StandardScaler().fit_transform(features), targets)
    _, measurement = measured("linear_regression")
    np.testing.assert_allclose(
        measurement.measured["theta"], [*model.coef_, model.intercept_], rtol=1e-8
    )


def test_the_condition_number_is_that_of_the_data():
    _, measurement = measured("linear_regression")
    eigenvalues = measurement.data.eigenvalues
    assert 465 < eigenvalues[-1] / eigenvalues[0] < 475


@pytest.mark.parametrize("rate", [0.1, 0.99])
def test_other_rates_keep_the_pace_that_theory_says(rate):
    study = reading.read(CONFIGS / "linear_regression.toml", [f"relative_rate={rate}"])
    measurement = engine.measure(study)
    judged = engine.judge(study, measurement.data, measurement.measured).claims
    outcomes = {claim.name: claim.outcome() for claim in judged}
    assert outcomes["each_component_shrinks_as_predicted"] == "PASS"
    assert outcomes["the_slowest_component_sets_the_pace"] == "PASS"
