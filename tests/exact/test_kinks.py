"""Kinks in several arguments: the pieces that meet, and subgradients among vectors."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize

from jaxmath import exact

pytest.importorskip("flint")
from jaxmath.exact.kinks import nonnegative_least_squares


def pieces(fn, *args):
    found = exact.active_gradients(exact.trace(fn, *args), args)
    return found, sorted(tuple(float(n) for n in row) for row in found)


def test_the_maximum_of_two_has_two_pieces_and_not_their_sum():
    table, rows = pieces(jnp.maximum, 0.3, 0.3)
    np.testing.assert_allclose(rows, [(0, 1), (1, 0)], atol=1e-25)
    assert {n.proof for n in table.ravel()} == {"estimated"}
    for inside in ([0.5, 0.5], [1, 0], [0, 1], [0.2, 0.8]):
        assert exact.in_hull(inside, table)
    for outside in ([1, 1], [0, 0], [0.5, 0.4], [-0.1, 1.1], [np.nan, 1]):
        assert not exact.in_hull(outside, table)


def test_ties_of_a_vector():
    x = np.array([2.0, -1.0, 2.0, 2.0])
    table, rows = pieces(jnp.max, x)
    np.testing.assert_allclose(rows, np.eye(4)[[3, 2, 0]], atol=1e-25)
    assert exact.in_hull(jax.grad(jnp.max)(jnp.asarray(x)), table)


def test_absolute_values_at_the_origin_have_all_signs():
    x = np.zeros(2)
    table, rows = pieces(lambda x: jnp.abs(x).sum(), x)
    assert rows == [(-1, -1), (-1, 1), (1, -1), (1, 1)]
    assert exact.in_hull([0.0, 0.0], table)
    assert not exact.in_hull([1.1, 0.0], table)


def test_relu_of_a_linear_function_at_its_kink():
    w, x = np.array([1.0, -2.0]), np.array([2.0, 1.0])
    fn = jax.nn.relu
    table, rows = pieces(lambda x: fn(x @ w), x)
    np.testing.assert_allclose(rows, [(0, 0), (1, -2)], atol=1e-25)
    assert exact.in_hull([0.5, -1.0], table)
    assert not exact.in_hull([1.0, 0.0], table)


def test_a_smooth_point_has_one_piece():
    x = np.array([0.3, 0.8])
    _, rows = pieces(lambda x: jnp.sin(x[0]) * x[1], x)
    np.testing.assert_allclose(rows, [(0.8 * np.cos(0.3), np.sin(0.3))], rtol=1e-14)


def test_nonnegative_least_squares_is_that_of_scipy():
    rng = np.random.default_rng(0)
    for _ in range(50):
        a, b = rng.standard_normal((4, 7)), rng.standard_normal(4)
        ours, theirs = nonnegative_least_squares(a, b), scipy.optimize.nnls(a, b)[0]
        assert (ours >= 0).all()
        assert np.linalg.norm(a @ ours - b) <= np.linalg.norm(a @ theirs - b) + 1e-12
