import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier

from jaxmath.config import reading
from jaxmath.lab import engine
from tests.experiments.measuring import CONFIGS, claims, measured, red


@pytest.mark.full
def test_every_claim_passes():
    assert red(claims("backpropagation")) == set()


@pytest.mark.full
def test_its_fault_turns_each_claim_red_and_no_other():
    for name, claim in claims("backpropagation").items():
        assert red(claims("backpropagation", claim.breaks_if.plant)) == {name}


@pytest.mark.full
def test_scikit_learn_recognises_as_many():
    """The bound on the accuracy is one that another implementation reaches too."""
    _, measurement = measured("backpropagation")
    data = measurement.data
    model = MLPClassifier((32, 16), "tanh", learning_rate_init=0.003, batch_size=32, alpha=0,
                          max_iter=30, tol=0, random_state=0)  # fmt: skip
    with pytest.warns(match="Maximum iterations"):
        model.fit(data.features, data.targets)
    reached = model.score(data.test_features, data.test_targets)
    assert reached >= 0.95
    assert abs(reached - float(measurement.measured["test_accuracy"])) < 0.03


@pytest.mark.full
@pytest.mark.parametrize("activation", ["sigmoid", "gelu"])
def test_other_activations_are_differentiated_as_well(activation):
    overrides = [f'activation="{activation}"', "epochs=1", "steps_by_hand=20", "hidden=[8]"]
    study = reading.read(CONFIGS / "backpropagation.toml", overrides)
    measurement = engine.measure(study)
    result = engine.judge(study, measurement.data, measurement.measured)
    outcomes = {claim.name: claim.outcome() for claim in result.claims}
    for name in ("each_layer_equals_autodiff", "slope_equals_differences"):
        assert outcomes[name] == "PASS"
    assert outcomes["training_by_hand_is_training_by_autodiff"] == "PASS"
    assert np.shape(measurement.measured["gap"]) == (2, 2, 2)
