import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from experiments import logistic_regression
from jaxmath.config import reading
from jaxmath.lab import engine
from tests.experiments.measuring import CONFIGS, claims, measured, red


def test_every_claim_passes():
    assert red(claims("logistic_regression")) == set()


def test_its_fault_turns_each_claim_red_and_no_other():
    for name, claim in claims("logistic_regression").items():
        assert red(claims("logistic_regression", claim.breaks_if.plant)) == {name}


def test_the_optimum_is_that_of_a_general_minimiser():
    """SciPy's quasi-Newton method on the objective in NumPy, without any of our derivatives."""
    _, measurement = measured("logistic_regression")
    data = measurement.data

    def objective(theta):
        margins = (1 - 2 * data.targets) * (data.features @ theta[:-1] + theta[-1])
        return np.mean(np.logaddexp(0, margins)) + 0.01 * theta[:-1] @ theta[:-1]

    found = minimize(objective, np.zeros(31), method="BFGS", options={"gtol": 1e-7})
    newton = measurement.measured["newton"][-1]
    np.testing.assert_allclose(newton, found.x, atol=1e-4)
    assert objective(newton) <= found.fun + 1e-12


def test_without_a_penalty_scikit_learn_finds_ever_longer_weights():
    features, targets = load_breast_cancer(return_X_y=True)
    features = StandardScaler().fit_transform(features)
    lengths = [
        np.linalg.norm(LogisticRegression(C=C, max_iter=10_000).fit(features, targets).coef_)
        for C in (1.0, 1e3, 1e6)
    ]
    assert lengths[0] < lengths[1] < lengths[2]


def test_classes_that_overlap_have_no_plane():
    design = np.array([[0.0, 1.0], [1.0, 1.0], [2.0, 1.0]])
    assert np.all(np.isnan(logistic_regression.separating_plane(design, np.array([0, 1, 0]))))
    plane = logistic_regression.separating_plane(design, np.array([0, 1, 1]))
    np.testing.assert_allclose(np.min(np.array([-1, 1, 1]) * (design @ plane)), 1.0)


@pytest.mark.full
def test_a_sweep_of_strengths_holds_each_against_its_own_optimum():
    overrides = ["sweep.strength=[0.003, 0.03]", "steps=200", "records=20"]
    study = reading.read(CONFIGS / "logistic_regression.toml", overrides)
    measurement = engine.measure(study)
    judged = engine.judge(study, measurement.data, measurement.measured).claims
    outcomes = {claim.name: claim.outcome() for claim in judged}
    assert outcomes["newton_reaches_the_optimum"] == "PASS"
    assert outcomes["within_the_bound_of_convex_descent"] == "PASS"
    assert outcomes["descent_reaches_the_optimum"] == "FAIL"  # 200 steps are too few
