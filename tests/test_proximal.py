"""Proximal maps against 50 digits: the condition of optimality, Moreau, and ties."""

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest

from jaxmath import losses, proximal
from jaxmath.formula import Prox
from jaxmath.proximal import projections

EPS = float(np.finfo(np.float64).eps)


def numbers(count, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=count) * 10.0 ** rng.uniform(-6, 6, count)


def soft(x, s):
    return mp.sign(x) * max(abs(x) - s, mp.mpf(0))


def barrier(x, s):
    root = mp.sqrt(x * x + 4 * s)
    return (x + root) / 2 if x > 0 else 2 * s / (root - x)


def between(x, s):
    """The root of u = x + s / (1 + e^u), by halving."""
    low, high = x, x + s
    for _ in range(220):
        middle = (low + high) / 2
        if middle - x > s / (1 + mp.exp(middle)):
            high = middle
        else:
            low = middle
    return low


TRUTHS = {
    "l1": soft,
    "nonnegative_l1": lambda x, s: max(x - s, mp.mpf(0)),
    "squared_l2": lambda x, s: x / (1 + 2 * s),
    "elastic_net": lambda x, s, t: soft(x, s) / (1 + 2 * t),
    # The least of convex pieces lies at the stationary point of a piece, cut to its ends.
    "huber": lambda x, s, d: x - s * max(-d, min(d, x / (1 + s))),
    "hinge": lambda x, s: max(x, min(x + s, mp.mpf(1))),
    "log_barrier": barrier,
    "logistic": between,
}


@pytest.mark.parametrize("name", TRUTHS)
def test_maps_of_one_number_have_all_their_digits(name):
    """Up to the rounding of a difference of the arguments, and for the barrier to every digit."""
    count = 3 if name in ("elastic_net", "huber") else 2
    args = [numbers(200, 0), *(np.abs(numbers(200, k)) for k in range(1, count))]
    found = np.asarray(jax.jit(getattr(proximal, name))(*args))
    with mp.workdps(60):
        for value, *row in zip(found, *args, strict=True):
            true = TRUTHS[name](*map(mp.mpf, map(float, row)))
            size = 0 if name in ("log_barrier", "logistic", "squared_l2") else abs(row[0])
            assert abs(mp.mpf(float(value)) - true) <= 4 * EPS * max(abs(true), size), row


def test_the_barrier_keeps_the_condition_of_its_root_at_both_ends():
    """u (u - x) = strength, where u is next to zero and next to x."""
    x = np.array([-1e150, -1e8, -1.0, 0.0, 1.0, 1e8, 1e150])
    strength = 1e-3
    found = np.asarray(jax.jit(proximal.log_barrier)(x, np.full(7, strength)))
    with mp.workdps(400):
        for u, at in zip(found, x, strict=True):
            true = barrier(mp.mpf(float(at)), mp.mpf(strength))
            assert abs(mp.mpf(float(u)) / true - 1) <= 4 * EPS


PENALTIES = {"l1": losses.penalties.L1, "squared_l2": losses.penalties.L2}


@pytest.mark.parametrize("name", PENALTIES)
def test_penalties_claim_the_same_map(name):
    claimed = next(fact for fact in PENALTIES[name].facts if isinstance(fact, Prox))
    x = numbers(50, 4)
    np.testing.assert_allclose(
        getattr(proximal, name)(x, 0.7), claimed.fn(0.7, x), rtol=4 * EPS, atol=EPS
    )


def test_moreau_divides_a_vector_between_a_norm_and_the_ball_of_its_dual():
    """x is the map of a norm plus the projection on the ball of the dual norm."""
    x = np.random.default_rng(1).normal(size=(60, 4))
    strength = np.random.default_rng(2).uniform(0.1, 4, 60)
    for norm, ball in (("l1", "linf_ball"), ("group_lasso", "l2_ball"), ("linf", "l1_ball")):
        parts = [
            np.asarray(jax.jit(jax.vmap(fn))(x, strength))
            for fn in (getattr(proximal, norm), getattr(projections, ball))
        ]
        np.testing.assert_allclose(sum(parts), x, rtol=0, atol=16 * EPS * np.abs(x).max())


def test_groups_and_largest_entries_by_hand():
    x = jnp.array([3.0, -4.0])
    group, largest = jax.jit(proximal.group_lasso), jax.jit(proximal.linf)
    np.testing.assert_allclose(group(x, 2.5), [1.5, -2.0], rtol=4 * EPS)
    np.testing.assert_array_equal(group(x, 5.0), [0.0, 0.0])  # at the threshold
    np.testing.assert_array_equal(largest(x, 2.0), [2.5, -2.5])
    np.testing.assert_array_equal(largest(x, 0.5), [3.0, -3.5])
    np.testing.assert_array_equal(largest(x, 7.0), [0.0, 0.0])


@pytest.mark.parametrize("name", ["l1", "group_lasso", "linf", "nonnegative_l1"])
def test_at_zero_and_in_batches_slopes_are_numbers(name):
    fn = getattr(proximal, name)
    x = jnp.array([[0.0, 0.0], [1.0, 1.0], [1e-300, -1e-300], [1e300, 1.0]])
    slopes = jax.jit(jax.vmap(jax.jacrev(fn, (0, 1)), (0, None)))(x, 0.5)
    assert all(np.isfinite(part).all() for part in slopes)
