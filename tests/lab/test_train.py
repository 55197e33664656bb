"""The experiment `train`: claims hold, and each planted fault turns its claim red, alone."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from jaxmath.config import reading
from jaxmath.config.errors import InputError
from jaxmath.lab import engine, train
from jaxmath.runs.experiment import Outcome

SMALL = {"experiment": "train", "steps": 30, "records": 3}
CASES = {
    "linear": {},
    "huber": {"loss": {"name": "huber", "delta": 20.0}, "penalty": {"name": "l1", "strength": 0.1}},
    "logistic": {
        "data": {"name": "breast_cancer", "standardize": True},
        "model": "logistic",
        "loss": "logistic",
        "batch_size": 32,
    },
    "hinge": {"data": {"name": "breast_cancer", "standardize": True}, "loss": "hinge"},
    "mlp": {
        "data": {"name": "iris", "standardize": True},
        "model": {"name": "mlp", "hidden": [4]},
        "loss": "softmax_cross_entropy",
        "optimizer": {"name": "adam", "learning_rate": 0.05},
    },
    "sweep": {"sweep": {"seed": [0, 1], "optimizer.learning_rate": [0.5, 1e200]}},
}


@pytest.fixture(scope="module", params=CASES)
def case(request):
    study = reading.read({**SMALL, **CASES[request.param]}, (), False)
    return study, engine.measure(study)


def test_every_claim_passes_and_its_fault_turns_it_red_alone(case):
    study, found = case
    result = engine.judge(study, found.data, found.measured)
    assert {claim.outcome() for claim in result.claims} == {Outcome.PASS}
    assert result.claims[0].name == "gradient_by_hand_equals_autodiff"
    for claim in result.claims:
        planted = claim.breaks_if.plant(dict(found.measured))
        again = engine.judge(study, found.data, planted).claims
        red = {c.name for c in again if c.outcome() is Outcome.FAIL}
        if claim.name == "a_run_finishes":  # without a run that counts nothing else can hold
            assert claim.name in red
        else:
            assert red == {claim.name}


def test_there_is_something_to_see(case):
    study, found = case
    plots = train.draw(engine.judge(study, found.data, found.measured))
    assert plots[0].name == "loss"
    for plot in plots:
        for line in plot.lines:
            assert np.isfinite(line.y).any()


def test_ridge_regression_is_scikit_learns():
    config = {
        **SMALL,
        "data": {"name": "diabetes", "standardize": True},
        "penalty": {"name": "l2", "strength": 0.5},
        "optimizer": {"name": "sgd", "learning_rate": 0.1},
        "steps": 5000,
        "stop": {"gradient": 1e-9},
    }
    study = reading.read(config, (), False)
    found = engine.measure(study)
    rows = found.data.train
    # scikit-learn sums the squares that we average.
    truth = Ridge(alpha=0.5 * len(rows.targets)).fit(rows.features, rows.targets)
    np.testing.assert_allclose(found.measured["params"].weights, truth.coef_, rtol=1e-9)
    np.testing.assert_allclose(found.measured["params"].bias, truth.intercept_, rtol=1e-9)
    claims = {c.name: c for c in engine.judge(study, found.data, found.measured).claims}
    assert claims["converged_as_asked"].outcome() is Outcome.PASS


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"loss": "logistic"}, "needs two classes"),
        ({"loss": "softmax_cross_entropy"}, "needs classes"),
        ({"data": {"name": "iris"}}, "needs numbers as targets"),
        ({"batch_size": 1000}, "rows to train on"),
    ],
)
def test_what_does_not_belong_together_is_a_sentence(changes, words):
    study = reading.read({**SMALL, **changes}, (), False)
    with pytest.raises(InputError, match=words):
        engine.measure(study)
