"""Quantiles of counts: the first whole number at which something holds, and the guess of it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
import scipy.stats

from jaxmath.distributions import binomial, negative_binomial, poisson
from jaxmath.distributions.steps import first_whole
from jaxmath.distributions.table import LONG

P = np.concatenate([np.linspace(0.005, 0.995, 199), 10.0 ** -np.linspace(1, 12, 50)])
NEAR = {
    "binomial": (binomial, scipy.stats.binom, [(3, 0.3), (40, 0.9), (1000, 1e-3), (10**6, 0.5)]),
    "poisson": (poisson, scipy.stats.poisson, [(0.1,), (1.0,), (30.0,), (1e6,)]),
    "negative_binomial": (negative_binomial, scipy.stats.nbinom, [(10.0, 0.3), (1e4, 0.03)]),
}


@pytest.mark.parametrize("name", NEAR)
def test_the_guess_of_a_count_is_seldom_wrong(name):
    """And nowhere by more than one."""
    family, other, cases = NEAR[name]
    z = jnp.asarray(scipy.special.ndtri(P))
    for params in cases:
        guess = np.ceil(family._near(z, *jnp.array(params, float)) - 0.5)
        wrong = np.abs(np.maximum(guess, 0) - other.ppf(P, *params))
        assert wrong.max() <= 1, params
        assert wrong.mean() < 0.04, params


@pytest.mark.parametrize("wrong", [0, 7, LONG // 2])
@pytest.mark.parametrize("away", [-3.0, 1.0])
def test_the_first_whole_number_from_any_guess(wrong, away):
    """Right, or a few of many wrong, which go on alone, or many."""
    sizes = []

    def reached(k, target, offset):
        jax.debug.callback(lambda k: sizes.append(k.size), k)
        return k - offset >= target - 0.5

    target = np.arange(LONG * 1.0) % 100
    guess = target + 2
    guess[: 3 * wrong : 3] += away
    guess[50], expected = np.nan, np.minimum(target + 2, 90)
    expected[50] = np.nan
    found = jax.jit(lambda *args: first_whole(reached, args[0], 90.0, *args[1:]))
    np.testing.assert_array_equal(found(guess, target, jnp.asarray(2.0)), expected)
    jax.effects_barrier()
    steps = 1 + abs(int(away)) if wrong else 0
    rest = LONG // 16 if wrong == 7 else LONG
    assert sizes[:2] == [LONG] * 2
    assert set(sizes[2:]) <= {rest}
    assert len(sizes) >= 2 * steps


def test_first_whole_numbers_under_vmap():
    target = np.arange(3 * LONG, dtype=float).reshape(3, LONG) % 37

    def first(target):
        return first_whole(lambda k, target: k >= target, target + target % 3, 1e9, target)

    np.testing.assert_array_equal(jax.vmap(first)(target), target)
