"""Projections and proximal maps of matrices, planes, steps and orders, against other programs."""

import itertools
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
from sklearn.isotonic import isotonic_regression

from jaxmath import proximal
from jaxmath.constrained import solve_qp
from jaxmath.proximal import projections

RNG = np.random.default_rng(3)


def exact(x):
    return [Fraction(float(entry)) for entry in x]


def nearest_in_order(x):
    """The minimax formula of isotonic regression, in rationals."""
    n = len(x)

    def mean(j, k):
        return sum(x[j : k + 1], Fraction(0)) / (k + 1 - j)

    return [max(min(mean(j, k) for k in range(i, n)) for j in range(i + 1)) for i in range(n)]


def test_isotonic_regression_is_that_of_rationals_and_of_scikit_learn():
    answer = jax.jit(projections.isotonic)
    rows = [RNG.normal(size=6) for _ in range(30)]
    rows += [RNG.integers(-2, 3, 6).astype(float) for _ in range(30)]  # ties
    rows += [1e9 + RNG.integers(-2, 3, 6) / 4 for _ in range(5)]
    for x in rows:
        true = np.array([float(entry) for entry in nearest_in_order(exact(x))])
        np.testing.assert_allclose(answer(x), true, rtol=0, atol=8e-16 * np.abs(x).max())
    x = RNG.normal(size=1000) + np.arange(1000) / 300
    np.testing.assert_allclose(answer(x), isotonic_regression(x), rtol=0, atol=1e-13)
    largest = np.finfo(float).max
    np.testing.assert_allclose(answer(np.full(6, largest)), largest, rtol=1e-15)
    slope = jax.jacfwd(projections.isotonic)(np.full(6, 0.1))
    np.testing.assert_allclose(slope, 1 / 6, rtol=1e-15)  # one block


def total_variation_by_dual(x, strength):
    """x - D'z with the z that solves the dual program, by the interior-point method."""
    D = np.diff(np.eye(len(x)), axis=0)
    ends = (-strength, strength)
    found = solve_qp(jnp.asarray(D @ D.T), jnp.asarray(-D @ x), bounds=ends, tolerance=1e-12)
    return x - D.T @ np.asarray(found.x)


@pytest.mark.parametrize("strength", [0.05, 0.4, 3.0])
def test_steps_of_a_signal_are_those_of_the_dual_program(strength):
    answer = jax.jit(proximal.total_variation)
    for _ in range(6):
        x = RNG.normal(size=25) + 2 * (np.arange(25) > 12)
        true = total_variation_by_dual(x, strength)
        np.testing.assert_allclose(answer(x, strength), true, rtol=0, atol=1e-9)


def test_steps_of_a_signal_meet_their_conditions_to_the_last_digit():
    """Sums of x - u stay within the strength, and reach it with the sign of each jump."""
    answer = jax.jit(proximal.total_variation)
    for size, strength in itertools.product((2, 7, 400), (1e-3, 0.3, 5.0)):
        x = np.cumsum(RNG.normal(size=size)) * 0.3
        u = np.asarray(answer(x, strength))
        string = np.cumsum(x - u)
        slack = 1e-13 * size * (1 + np.abs(x).max())
        assert abs(string[-1]) <= slack
        assert np.all(np.abs(string[:-1]) <= strength + slack)
        jump = np.sign(np.where(np.abs(np.diff(u)) > slack, np.diff(u), 0))
        np.testing.assert_allclose(jump * string[:-1], -strength * np.abs(jump), atol=slack)


def test_affine_sets_agree_with_least_squares():
    A, b, x = RNG.normal(size=(3, 7)), RNG.normal(size=3), RNG.normal(size=7)
    found = np.asarray(projections.affine(x, A, b))
    np.testing.assert_allclose(A @ found, b, rtol=0, atol=1e-14)
    true = x + np.linalg.lstsq(A, b - A @ x)[0]
    np.testing.assert_allclose(found, true, rtol=0, atol=1e-14)
    one = projections.hyperplane(x, A[0], b[0])
    np.testing.assert_allclose(projections.affine(x, A[:1], b[:1]), one, rtol=0, atol=1e-14)


def test_semidefinite_matrices_and_their_polar_cone_share_a_matrix():
    """Moreau: X is its projection less that of -X, at a right angle; NumPy's eigenvalues agree."""
    x = RNG.normal(size=(5, 5))
    x = x + x.T
    up, down = (np.asarray(projections.positive_semidefinite(part)) for part in (x, -x))
    np.testing.assert_allclose(up - down, x, rtol=0, atol=1e-13)
    assert abs(np.sum(up * down)) <= 1e-12
    true = np.maximum(np.linalg.eigvalsh(x), 0)
    np.testing.assert_allclose(np.linalg.eigvalsh(up), true, rtol=0, atol=1e-13)


@pytest.mark.parametrize("shape", [(4, 2), (2, 4), (3, 3)])
def test_singular_values_are_shrunk_as_vectors_are(shape):
    x = RNG.normal(size=shape)
    U, s, Vh = np.linalg.svd(x, full_matrices=False)
    soft = (U * np.maximum(s - 0.7, 0)) @ Vh
    np.testing.assert_allclose(proximal.nuclear_norm(x, 0.7), soft, rtol=0, atol=1e-14)
    ball = (U * np.asarray(projections.l1_ball(s, 1.1))) @ Vh
    np.testing.assert_allclose(projections.nuclear_ball(x, 1.1), ball, rtol=0, atol=1e-14)
    np.testing.assert_array_equal(projections.nuclear_ball(x, 100.0), x)


def test_correlation_matrices_are_those_that_higham_published():
    """Higham (2002), section 4: the second differences of four points, and the first example."""
    four = 2 * np.eye(4) - np.eye(4, k=1) - np.eye(4, k=-1)
    found = np.asarray(projections.correlation(four))
    first = [1.0, -0.8084, 0.1916, 0.1068]
    np.testing.assert_allclose(found[0], first, rtol=0, atol=5e-5)
    np.testing.assert_allclose(found[1, 2], -0.6562, rtol=0, atol=5e-5)
    three = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 1.0], [0.0, 1.0, 1.0]])
    found = np.asarray(projections.correlation(three))
    np.testing.assert_allclose(found[0], [1.0, 0.7607, 0.1573], rtol=0, atol=5e-5)
    assert np.linalg.norm(found - three) == pytest.approx(0.5278, abs=5e-5)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_correlation_matrices_meet_their_conditions(scale):
    """With S = X - x - diag y: X and S are semidefinite with S X = 0, and X has ones (NumPy)."""
    x = scale * RNG.normal(size=(8, 8))
    x = x + x.T
    X = np.asarray(projections.correlation(x))
    unit = 1e-14 * (1 + scale) * 8
    np.testing.assert_allclose(np.diag(X), 1, rtol=0, atol=unit)
    np.testing.assert_allclose(X, X.T, rtol=0, atol=unit)
    y = np.diag((X - x) @ X)
    S = X - x - np.diag(y)
    assert np.linalg.eigvalsh(X)[0] >= -unit
    assert np.linalg.eigvalsh(S)[0] >= -8 * unit
    # X is known to `unit`, and S is of the size of x.
    np.testing.assert_allclose(S @ X, 0, atol=8 * unit * (1 + scale))


def test_a_correlation_matrix_stays_in_float32_and_lanes_are_their_own():
    one = np.array([[1.0, 0.5], [0.5, 1.0]])
    lanes = np.stack([one, np.full((2, 2), np.nan), np.array([[0.0, 3.0], [3.0, -5.0]])])
    found = np.asarray(jax.vmap(projections.correlation)(lanes.astype(np.float32)))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[0], one, rtol=0, atol=1e-6)
    assert np.isnan(found[1]).all()
    np.testing.assert_allclose(found[2], 1, rtol=0, atol=1e-6)
    with pytest.raises(ValueError, match="square"):
        projections.correlation(np.ones((2, 3)))


@pytest.mark.parametrize("shape", [(4, 3), (3, 4), (3, 3)])
def test_orthonormal_matrices_are_the_polar_factors_of_scipy(shape):
    x = RNG.normal(size=shape)
    true = scipy.linalg.polar(x)[0]
    np.testing.assert_allclose(projections.stiefel(x), true, rtol=0, atol=1e-14)


SMOOTH = {
    "correlation": (projections.correlation, ((4, 4),)),
    "stiefel, tall": (projections.stiefel, ((4, 3),)),
    "stiefel, wide": (projections.stiefel, ((2, 3),)),
    "affine": (projections.affine, ((5,), (2, 5), (2,))),
    "positive_semidefinite": (projections.positive_semidefinite, ((4, 4),)),
    "nuclear_norm": (proximal.nuclear_norm, ((4, 3), ())),
    "nuclear_ball": (projections.nuclear_ball, ((3, 4), ())),
    "isotonic": (projections.isotonic, ((6,),)),
    "total_variation": (proximal.total_variation, ((6,), ())),
}


@pytest.mark.parametrize("name", SMOOTH)
def test_slopes_of_matrices_are_those_of_differences(name):
    """In a direction of all arguments, at sizes that the laws do not try."""
    fn, shapes = SMOOTH[name]
    args = [RNG.normal(size=shape) if shape else 0.9 for shape in shapes]
    ways = [RNG.normal(size=shape) if shape else 1.0 for shape in shapes]
    value, slope = jax.jvp(fn, args, ways)
    cotangent = RNG.normal(size=value.shape)
    back = jax.vjp(fn, *args)[1](jnp.asarray(cotangent))
    both = sum(np.sum(part * way) for part, way in zip(back, ways, strict=True))
    assert both == pytest.approx(np.sum(cotangent * slope), rel=1e-12)

    def at(h):
        return np.asarray(fn(*(arg + h * way for arg, way in zip(args, ways, strict=True))))

    h = 1e-4
    outer, inner = (at(2 * h) - at(-2 * h)) / (4 * h), (at(h) - at(-h)) / (2 * h)
    np.testing.assert_allclose(slope, (4 * inner - outer) / 3, rtol=0, atol=1e-8)


def test_the_largest_entries_are_kept():
    x = jnp.array([0.5, -3.0, 2.0, -2.0, 0.0])
    for k, kept in ((0, []), (1, [1]), (2, [1, 2]), (3, [1, 2, 3]), (5, [0, 1, 2, 3])):
        found = jax.jit(projections.top_k)(x, k)
        np.testing.assert_array_equal(np.flatnonzero(found), kept)
        np.testing.assert_array_equal(found[np.array(kept, int)], x[np.array(kept, int)])
