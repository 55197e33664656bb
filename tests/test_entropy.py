"""Terms of entropies and divergences, against 50 digits and at zero."""

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest

from jaxmath.special import entropy as special
from tests.accuracy import routes, worst
from tests.marks import long_but

FORMULAS = {formula.name: formula for formula in special.ENTROPY}


def log_ratio(x, y):
    with mp.workdps(100):
        return mp.log(x / y)


def divergence(x, y):
    with mp.workdps(100):
        return x * mp.log(x / y) - x + y


TRUTHS = {
    "xlogy": (lambda x, y: x * mp.log(y), lambda x, y: mp.log(y), lambda x, y: x / y),
    "xlog1py": (lambda x, y: x * mp.log1p(y), lambda x, y: mp.log1p(y), lambda x, y: x / (1 + y)),
    "entr": (lambda x: -x * mp.log(x), lambda x: -mp.log(x) - 1),
    "rel_entr": (
        lambda x, y: x * log_ratio(x, y), lambda x, y: log_ratio(x, y) + 1, lambda x, y: -x / y
    ),
    "kl_div": (divergence, log_ratio, lambda x, y: 1 - x / y),
}  # fmt: skip


@pytest.mark.parametrize("dtype", long_but([np.float64], [np.float32, np.float64]))
@pytest.mark.parametrize("name", TRUTHS)
def test_accuracy(name, dtype):
    random = np.random.default_rng(8)
    x = np.concatenate([10.0 ** random.uniform(-12, 12, 60), np.ones(20)]).astype(dtype)
    close = 1 + 10.0 ** random.uniform(-6, 0, 80) * random.choice([-0.9, 1], 80)
    y = np.where(np.arange(80) % 2, 10.0 ** random.uniform(-12, 12, 80), x * close).astype(dtype)
    args = (x, y)[: len(FORMULAS[name].arguments)]
    answers = routes(FORMULAS[name])(*args)
    for key, truth in zip([(), ("x",), ("y",)], TRUTHS[name], strict=False):
        error, where = worst(answers[key], truth, args, conditioned=True)
        assert error <= 8, (key, error, where)


def test_a_divergence_of_neighbours_keeps_its_digits():
    """Given x and y exactly, whatever their own rounding would change."""
    random = np.random.default_rng(9)
    x = 10.0 ** random.uniform(-3, 3, 60)
    y = x * (1 + 10.0 ** random.uniform(-12, -1, 60) * random.choice([-1, 1], 60))
    error, where = worst([special.kl_div(x, y)], divergence, (x, y))
    assert error <= 8, where


def test_nothing_times_the_logarithm_of_zero_is_nothing():
    assert special.xlogy(0.0, 0.0) == special.xlog1py(0.0, -1.0) == special.entr(0.0) == 0
    assert special.rel_entr(0.0, 0.0) == special.kl_div(0.0, 0.0) == 0
    assert special.kl_div(0.0, 2.0) == 2
    assert special.rel_entr(1.0, 0.0) == special.kl_div(1.0, 0.0) == jnp.inf
    assert special.entr(-1.0) == -jnp.inf
    assert jax.grad(special.xlogy, 1)(0.0, 0.0) == jax.grad(special.rel_entr, 1)(0.0, 0.0) == 0


@pytest.mark.parametrize("fn", [special.xlogy, special.xlog1py, special.rel_entr, special.kl_div])
def test_nan_and_what_lies_outside_are_told(fn):
    for args in ((np.nan, 1.0), (1.0, np.nan), (0.0, np.nan), (1.0, -2.0), (0.0, -2.0)):
        assert np.isnan(fn(*args)), args
