"""The optimisers that training uses against the formulas of the papers, in extended precision."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxmath.train import recursions
from jaxmath.train.optimizers import OPTIMIZERS

STEPS = 1000
rng = np.random.default_rng(0)
CURVATURE = np.diag([0.05, 1.0, 3.0]) + 0.01
START = np.array([1.0, -2.0, 0.5])
# A gradient that never vanishes, as with mini-batches, keeps every recursion a contraction, so
# that what is measured is the formula and not the growth of rounding errors.
NOISE = rng.normal(size=(STEPS, 3))

SETTINGS = {
    "sgd": [{}],
    "momentum": [{}, {"decay": 0.5}],
    "nesterov": [{"decay": 0.9}, {"decay": 0.5}],
    "rmsprop": [{}, {"decay": 0.99, "eps": 1e-3}],
    "adam": [{}, {"b1": 0.5, "b2": 0.9, "eps": 1e-3}],
    "adamw": [{}, {"b1": 0.8, "weight_decay": 0.3}],
}
CASES = [
    (optimizer, hyper | {"learning_rate": rate})
    for optimizer in OPTIMIZERS
    for hyper in SETTINGS[optimizer.__name__]
    for rate in (0.1, 1e-3)
]


def by_optax(optimizer, hyper):
    def step(carry, noise):
        x, memory = carry
        gradient = jnp.asarray(CURVATURE) @ x + x**3 / 50 + noise
        updates, memory = optimizer(**hyper).update(gradient, memory, x)
        x = optax.apply_updates(x, updates)
        return (x, memory), x

    start = jnp.asarray(START)
    return np.asarray(jax.lax.scan(step, (start, optimizer(**hyper).init(start)), NOISE)[1])


def by_paper(recursion, hyper, kind=np.longdouble):
    hyper = {name: kind(value) for name, value in hyper.items()}
    x, memory, path = START.astype(kind), (), []
    for k, noise in enumerate(NOISE.astype(kind), 1):

        def slope(x, noise=noise):
            return CURVATURE.astype(kind) @ x + x**3 / 50 + noise

        x, memory = recursion(slope, x, memory, k, **hyper)
        # Optax keeps the point ahead, where the paper takes the gradient.
        ahead = recursion is recursions.nesterov
        path.append(x + hyper["decay"] * memory[0] if ahead else x)
    return np.array(path)


def ident(value):
    return str(value) if isinstance(value, dict) else value.__name__


@pytest.mark.parametrize(("optimizer", "hyper"), CASES, ids=ident)
def test_a_thousand_steps_of_optax_are_those_of_the_paper(optimizer, hyper):
    found = by_optax(optimizer, hyper)
    truth = by_paper(getattr(recursions, optimizer.__name__), hyper)
    ulp = np.finfo(float).eps * np.max(np.abs(truth))
    assert np.max(np.abs(found - truth)) <= 16 * ulp


@pytest.mark.parametrize("name", ["adam", "adamw"])
def test_the_first_step_of_adam_is_the_sign_of_the_gradient(name):
    recursion = getattr(recursions, name)
    x = np.array([3.0, -1e-3, 5e4])
    hyper = {} if name == "adam" else {"weight_decay": 0.0}
    new, _ = recursion(lambda x: x, x, (), 1, learning_rate=0.01, **hyper)
    np.testing.assert_allclose(new - x, -0.01 * np.sign(x) / (1 + 1e-8 / np.abs(x)), rtol=1e-9)


def test_every_optimizer_has_its_recursion():
    assert [f.__name__ for f in recursions.RECURSIONS] == [f.__name__ for f in OPTIMIZERS]
