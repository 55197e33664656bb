import inspect

import jax.numpy as jnp
import numpy as np
import optax
import pytest

from experiments import own_optimizer
from jaxmath.config import reading
from jaxmath.config.errors import InputError
from jaxmath.lab import engine
from tests.experiments.measuring import claims, measured, red

NEEDS_THE_SWEEP = {"lion_wants_a_smaller_rate", "adam_wins", "lion_comes_within_a_factor"}


def test_an_optimizer_of_ones_own_takes_six_lines():
    lines = inspect.getsource(own_optimizer.lion).splitlines()
    assert len([line for line in lines if line.strip() and '"""' not in line]) == 6


def test_it_is_the_lion_of_optax():
    ours, theirs = own_optimizer.lion(0.03), optax.lion(0.03, weight_decay=0.0)
    params = jnp.array([1.0, -2.0, 0.5])
    ours_memory, theirs_memory = ours.init(params), theirs.init(params)
    rng = np.random.default_rng(0)
    for _ in range(50):
        gradient = jnp.asarray(rng.normal(size=3))
        step, ours_memory = ours.update(gradient, ours_memory, params)
        expected, theirs_memory = theirs.update(gradient, theirs_memory, params)
        np.testing.assert_allclose(step, expected, rtol=1e-15)
        assert np.unique(np.abs(step)).tolist() == [0.03]


def test_without_a_sweep_nothing_is_said_of_adam():
    optimizer = {"name": "own_optimizer.lion", "learning_rate": 0.01}
    config = {"experiment": "own_optimizer", "steps": 20, "records": 1, "optimizer": optimizer}
    study = reading.read(config, (), False)
    measurement = engine.measure(study)
    judged = engine.judge(study, measurement.data, measurement.measured)
    assert not NEEDS_THE_SWEEP & {claim.name for claim in judged.claims}
    assert judged.claims[0].name == "the_update_is_its_recursion"
    assert red({claim.name: claim for claim in judged.claims}) == set()
    assert [plot.name for plot in own_optimizer.draw(judged)] == ["loss"]


@pytest.mark.full
def test_every_claim_passes():
    assert red(claims("own_optimizer")) == set()
    assert set(claims("own_optimizer")) >= NEEDS_THE_SWEEP


@pytest.mark.full
def test_its_fault_turns_each_claim_red_and_no_other():
    for name, claim in claims("own_optimizer").items():
        if name == "a_run_finishes":  # without a run that counts nothing else can hold
            continue
        assert red(claims("own_optimizer", claim.breaks_if.plant)) == {name}


@pytest.mark.full
def test_both_optimizers_have_their_best_rate_inside_of_the_sweep():
    _, measurement = measured("own_optimizer")
    both = own_optimizer.duel(measurement.measured)
    for name in (own_optimizer.OWN, own_optimizer.PEER):
        assert 0 < both.best(name) < len(both.rates[name]) - 1


def test_losses_on_rows_held_out_need_such_rows():
    data = {"name": "iris", "standardize": True}
    study = reading.read({"experiment": "own_optimizer", "data": data}, (), False)
    with pytest.raises(InputError, match="no rows are held out"):
        engine.measure(study)
