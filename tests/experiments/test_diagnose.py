import numpy as np
import pytest

from experiments import diagnose
from jaxmath.config import reading
from jaxmath.lab import engine
from jaxmath.train import Diagnosis
from tests.experiments.measuring import CONFIGS, claims, measured, red


@pytest.mark.full
def test_every_claim_passes():
    assert red(claims("diagnose")) == set()


@pytest.mark.full
def test_its_fault_turns_each_claim_red_and_no_other():
    for name, claim in claims("diagnose").items():
        assert red(claims("diagnose", claim.breaks_if.plant)) == {name}


@pytest.mark.full
def test_there_is_something_to_see():
    study, measurement = measured("diagnose")
    result = engine.judge(study, measurement.data, measurement.measured)
    assert [plot.name for plot in diagnose.draw(result)] == [
        "sharpness", "update_ratio", "dead_units",
    ]  # fmt: skip


@pytest.mark.full
@pytest.mark.parametrize(
    "overrides",
    [
        ('precision="float32"',),
        ("seed=7", "seeds=8"),
        ('data={ name="iris", standardize=true }',),
        ("learning_rate=0.02", "step_factor=1000.0"),
        ("feature_factor=200.0", "bias=-50.0"),
        ("batch_size=8", "hidden=32"),
    ],
    ids=" ".join,
)
def test_the_names_do_not_depend_on_one_setting(overrides):
    study = reading.read(CONFIGS / "diagnose.toml", ["draws=100", *overrides])
    found = diagnose.named(engine.measure(study).measured)
    for codes, expected in zip(found, diagnose.EXPECTED.values(), strict=True):
        assert set(codes.tolist()) == {expected}


@pytest.mark.full
def test_nothing_is_named_that_was_not_planted():
    overrides = ["step_factor=1.0", "bias=0.0", "feature_factor=1.0", "draws=100"]
    study = reading.read(CONFIGS / "diagnose.toml", overrides)
    found = diagnose.named(engine.measure(study).measured)
    assert set(np.unique(found[:4])) == {Diagnosis.HEALTHY}
