"""Matrices with given sums, and simplices of a divergence, against closed forms and conditions."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize

from jaxmath.constrained import solve_qp
from jaxmath.proximal import projections

EPS = float(np.finfo(np.float64).eps)
FOUR, THREE = (np.array(sums) / 10 for sums in ((1.0, 4.0, 2.0, 3.0), (5.0, 2.0, 3.0)))


def scores(shape=(4, 3), scale=1.0, seed=0):
    return scale * np.random.default_rng(seed).normal(size=shape)


def by_quadratic_program(x, rows, columns):
    m, n = x.shape
    A = np.vstack([np.kron(np.eye(m), np.ones(n)), np.kron(np.ones(m), np.eye(n))])
    sums = np.concatenate([rows, columns])
    found = solve_qp(jnp.eye(m * n), -x.ravel(), A, sums, bounds=(0.0, None), tolerance=1e-13)
    return np.asarray(found.x).reshape(m, n)


@pytest.mark.parametrize("scale", [0.01, 1.0, 30.0])
def test_next_matrices_with_given_sums_are_those_of_the_quadratic_program(scale):
    for shape, rows, columns in (((4, 3), FOUR, THREE), ((3, 4), THREE, FOUR)):
        for seed in range(3):
            x = scores(shape, scale, seed)
            found = np.asarray(projections.transport(x, rows, columns))
            true = by_quadratic_program(x, rows, columns)
            np.testing.assert_allclose(found, true, rtol=0, atol=1e-9)  # what the program gives
            np.testing.assert_allclose(found.sum(1), rows, rtol=0, atol=1e-14 * (1 + scale))
            np.testing.assert_allclose(found.sum(0), columns, rtol=0, atol=1e-14 * (1 + scale))
            assert found.min() >= 0


def check_of_divergence(found, x, rows, columns):
    """Its sums; and log p - x is a sum of a number for each row and one for each column."""
    np.testing.assert_allclose(found.sum(1), rows, rtol=0, atol=1e-12)
    np.testing.assert_allclose(found.sum(0), columns, rtol=0, atol=1e-12)
    prices = np.log(found) - x
    left = prices - prices.mean(0) - prices.mean(1)[:, None] + prices.mean()
    np.testing.assert_allclose(left, 0, atol=1e-13 * (1 + np.abs(x).max()))


@pytest.mark.parametrize("scale", [0.1, 1.0, 100.0])
def test_entropic_transport_meets_its_conditions(scale):
    for shape, rows, columns in (((4, 3), FOUR, THREE), ((3, 4), THREE, FOUR)):
        x = scores(shape, scale)
        found = np.asarray(projections.kl_transport(x, rows, columns))
        check_of_divergence(found, x, rows, columns)


@pytest.mark.full
@pytest.mark.parametrize("scale", [1.0, 30.0, 1000.0])
def test_doubly_stochastic_matrices_of_fifty_are_solved_to_rounding(scale):
    """At a thousand, where the program is one of assignment, Sinkhorn alone takes 1e5 sweeps."""
    for seed in range(2):
        x = scores((50, 50), scale, seed)
        for name in ("birkhoff", "kl_birkhoff"):
            found = np.asarray(getattr(projections, name)(x))
            assert found.min() >= 0
            np.testing.assert_allclose(found.sum(0), 1, rtol=0, atol=1e-14)
            np.testing.assert_allclose(found.sum(1), 1, rtol=0, atol=1e-12)


def test_two_by_two_in_closed_form_and_all_derivatives():
    """Half plus a quarter of x11 + x22 - x12 - x21, cut; and the sigmoid of half of it."""

    def corner(fn, gap):
        return fn(jnp.array([[0.7, 0.4], [0.1, 0.0]]) + jnp.array([[1.0, 0], [0, 0]]) * gap)[0, 0]

    gaps = np.array([-3.0, -0.5, 0.0, 1.2])
    d = gaps + 0.2
    truths = {
        "birkhoff": (np.clip(0.5 + d / 4, 0, 1), 0.25 * (np.abs(d) < 2), 0 * d),
        "kl_birkhoff": sigmoid(d / 2, 0.5),
    }
    for name, truth in truths.items():
        fn = functools.partial(corner, getattr(projections, name))
        slope = jax.jacrev(fn)
        orders = jax.jit(jax.vmap(lambda g, f=fn, s=slope: (f(g), s(g), jax.jacfwd(s)(g))))(gaps)
        for found, true in zip(orders, truth, strict=True):
            np.testing.assert_allclose(found, true, rtol=0, atol=1e-14)


def sigmoid(u, share):
    p = 1 / (1 + np.exp(-u))
    return p, share * p * (1 - p), share**2 * p * (1 - p) * (1 - 2 * p)


def test_far_apart_scores_give_the_assignment_of_scipy():
    for seed in range(3):
        x = scores((7, 7), 1e3, seed)
        rows, columns = scipy.optimize.linear_sum_assignment(x, maximize=True)
        true = np.zeros((7, 7))
        true[rows, columns] = 1
        np.testing.assert_allclose(projections.birkhoff(x), true, rtol=0, atol=1e-11)
        np.testing.assert_allclose(projections.kl_birkhoff(x), true, rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", ["transport", "kl_transport"])
def test_slopes_in_scores_and_sums_are_those_of_differences(name):
    """Along changes that keep both totals equal; forward and reverse."""
    fn = jax.jit(getattr(projections, name))
    rng = np.random.default_rng(1)
    args = scores(scale=0.3), FOUR, THREE
    ways = [rng.normal(size=np.shape(arg)) for arg in args]
    ways = (ways[0], *(way - way.mean() for way in ways[1:]))
    slope = jax.jit(lambda *args: jax.jvp(fn, args, ways)[1])(*args)
    cotangent = rng.normal(size=slope.shape)
    back = jax.jit(lambda *args: jax.vjp(fn, *args)[1](jnp.asarray(cotangent)))(*args)
    both = sum(np.sum(part * way) for part, way in zip(back, ways, strict=True))
    assert both == pytest.approx(np.sum(cotangent * slope), rel=1e-11)

    def at(h):
        return np.asarray(fn(*(arg + h * way for arg, way in zip(args, ways, strict=True))))

    h = 1e-4
    outer, inner = (at(2 * h) - at(-2 * h)) / (4 * h), (at(h) - at(-h)) / (2 * h)
    np.testing.assert_allclose(slope, (4 * inner - outer) / 3, rtol=0, atol=1e-8)


def test_at_an_assignment_scores_have_a_slope_of_zero_and_sums_none():
    def spread(x, rows):
        return jnp.sum(jnp.sin(projections.transport(x, rows, jnp.ones(3)) * 3 + x))

    x = 10 * np.eye(3) + scores((3, 3), 0.1)
    in_scores, in_sums = jax.grad(spread, (0, 1))(x, np.ones(3))
    np.testing.assert_allclose(in_scores, np.cos(3 * np.eye(3) + x), rtol=1e-13)
    assert np.isnan(in_sums).all()
    forward = jax.jvp(lambda x: projections.birkhoff(x), (x,), (x,))[1]
    np.testing.assert_array_equal(forward, 0)


def test_each_lane_is_its_own_and_what_does_not_exist_is_not_a_number():
    x = np.stack([np.zeros((2, 2)), np.full((2, 2), np.nan), 5 * np.eye(2), np.zeros((2, 2))])
    rows = np.array([[1.0, 1.0], [1.0, 1.0], [1.0, 1.0], [1.0, 1.5]])
    for name in ("transport", "kl_transport"):
        fn = jax.vmap(getattr(projections, name), (0, 0, None))
        found = np.asarray(fn(x, rows, np.ones(2)))
        assert np.isnan(found[[1, 3]]).all()
        np.testing.assert_allclose(found[0], 0.5, rtol=1e-15)
        np.testing.assert_allclose(found[2], np.eye(2), rtol=0, atol=0.01)
    negative = projections.transport(np.zeros((2, 2)), np.array([-0.5, 1.5]), np.array([0.5, 0.5]))
    assert np.isnan(negative).all()


@pytest.mark.parametrize("name", ["transport", "kl_transport"])
def test_empty_rows_and_columns_and_forbidden_entries(name):
    fn = getattr(projections, name)
    found = fn(
        np.array([[0.0, 1.0, 3.0], [1.0, 2.0, 4.0]]),
        np.array([0.0, 1.0]),
        np.array([0.5, 0.5, 0.0]),
    )
    np.testing.assert_allclose(found, [[0, 0, 0], [0.5, 0.5, 0]], rtol=0, atol=1e-15)
    none = fn(np.zeros((2, 2)), np.zeros(2), np.zeros(2))
    np.testing.assert_array_equal(none, 0)
    if name == "kl_transport":
        x = np.array([[0.0, -np.inf], [1.0, 2.0]])
        found = fn(x, np.array([0.3, 0.7]), np.array([0.5, 0.5]))
        np.testing.assert_allclose(found, [[0.3, 0.0], [0.2, 0.5]], rtol=0, atol=1e-15)


def test_float32_stays_and_shapes_are_told():
    found = projections.kl_transport(*(np.float32(one) for one in (scores(), FOUR, THREE)))
    assert found.dtype == np.float32
    check = projections.kl_transport(scores(), FOUR, THREE)
    np.testing.assert_allclose(found, check, rtol=0, atol=1e-6)
    with pytest.raises(ValueError, match="as many rows and columns"):
        projections.transport(scores(), THREE, FOUR)
    with pytest.raises(ValueError, match="is square"):
        projections.kl_birkhoff(scores())


@pytest.mark.parametrize("total", [0.0, 0.3, 1.0, 2.5, 3.0, 3.7, 4.0])
def test_capped_simplices_of_the_divergence_meet_their_conditions(total):
    """p = min(c w, 1) for one c, and p sums to the total; the slope in x is symmetric."""
    rng = np.random.default_rng(2)
    rows = [rng.normal(size=4) * scale for scale in (0.1, 1.0, 10.0)]
    rows += [np.array([1.0, 1.0, 0.0, 0.0]), np.zeros(4), np.array([700.0, -700.0, 0.0, 1.0])]
    answer = jax.jit(projections.kl_capped_simplex)
    for x in rows:
        p = np.asarray(answer(x, total))
        assert p.sum() == pytest.approx(total, rel=8 * EPS)
        assert p.min() >= 0
        assert p.max() <= 1 + EPS
        free = (p < 1 - 1e-12) & (p > 0)
        level = np.log(p[free]) - x[free]
        np.testing.assert_allclose(level, level[:1].repeat(level.size), rtol=1e-13, atol=1e-13)
        if free.any():
            assert np.all(x[~free & (p > 0)] + level[0] >= -1e-12)
    x = np.log(np.array([4.0, 3.0, 2.0, 1.0]))
    if total == 2.5:  # 4 c is capped, the others share one and a half
        np.testing.assert_allclose(answer(x, total), [1, 0.75, 0.5, 0.25], rtol=4 * EPS)


def test_a_simplex_of_the_divergence_is_normalisation():
    w = np.array([4.0, 3.0, 2.0, 0.0])
    with np.errstate(divide="ignore"):
        found = projections.kl_simplex(np.log(w), 3.0)
    np.testing.assert_allclose(found, w / 3, rtol=4 * EPS)
