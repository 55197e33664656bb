"""The engine against programs run one at a time, without it."""

import functools
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
import studies
from studies import LONG, SHORT, Optimizer, axis, study

from jaxmath.lab import engine


@functools.cache
def _alone(steps):
    def run(rate, key):
        config = studies.Config(steps=steps, optimizer=Optimizer(learning_rate=rate))
        data = studies.load(config)
        data = data._replace(x=jnp.asarray(data.x), y=jnp.asarray(data.y))
        return studies.measure(config, data, key)

    return jax.jit(run)


def alone(rate, seed, steps=20):
    """One run by JAX itself, without vmap and without the lab."""
    return jax.device_get(_alone(steps)(rate, jax.random.key(seed)))


def test_a_single_run_is_the_experiment_itself():
    measured = engine.measure(study(SHORT, seed=3)).measured
    expected = alone(0.1, 3)
    assert measured["loss"].shape == ()
    np.testing.assert_allclose(measured["loss"], expected["loss"], rtol=1e-12)
    np.testing.assert_allclose(measured["params"].weights, expected["params"].weights, rtol=1e-12)


@pytest.mark.parametrize("made", [SHORT, LONG], ids=["measure", "rounds"])
@pytest.mark.parametrize("seed_first", [True, False])
def test_a_lane_of_a_sweep_equals_the_run_alone(made, seed_first):
    rates, seeds = [0.01, 0.03, 0.1, 0.2, 0.05], [0, 1, 7]
    axes = [axis("seed", seeds), axis("optimizer.learning_rate", rates)]
    found = engine.measure(study(made, axes=axes if seed_first else axes[::-1]))
    assert found.programs == 1
    assert found.measured["params"].weights.shape[:2] == ((3, 5) if seed_first else (5, 3))
    for i, seed in enumerate(seeds):
        for j, rate in enumerate(rates):
            at = (i, j) if seed_first else (j, i)
            expected = alone(rate, seed)
            np.testing.assert_allclose(found.measured["loss"][at], expected["loss"], rtol=1e-12)
            np.testing.assert_allclose(
                found.measured["params"].weights[at], expected["params"].weights, rtol=1e-12
            )
