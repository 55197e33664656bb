"""The experiment `derivatives`, on a few formulas."""

import pytest

from jaxmath.config import reading
from jaxmath.config.errors import InputError
from jaxmath.lab import engine
from tests.experiments.measuring import CONFIGS, red

FEW = ['formulas=["huber", "softplus"]', "points=32"]


@pytest.fixture(scope="module")
def few():
    study = reading.read(CONFIGS / "derivatives.toml", FEW)
    return study, engine.measure(study)


def judged(few, plant=lambda arrays: arrays):
    study, found = few
    result = engine.judge(study, found.data, plant(dict(found.measured)))
    return {claim.name: claim for claim in result.claims}


def test_every_claim_passes_and_its_fault_turns_it_red_alone(few):
    assert red(judged(few)) == set()
    for claim in judged(few).values():
        assert red(judged(few, claim.breaks_if.plant)) == {claim.name}


def test_huber_has_two_slopes_and_three_curvatures(few):
    _, found = few
    names = found.measured["derivative"][found.measured["formula"] == "huber"]
    assert sorted(names.ravel()) == sorted(
        ["d/dresidual", "d/ddelta", "d²/dresidual²", "d²/dresidual ddelta", "d²/ddelta²"]
    )


def test_an_unknown_formula_is_refused_with_the_nearest_name():
    study = reading.read(CONFIGS / "derivatives.toml", ['formulas=["hubber"]'])
    with pytest.raises(InputError, match="did you mean 'huber'"):
        engine.measure(study)
