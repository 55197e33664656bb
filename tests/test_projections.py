"""Projections against exact rationals: the next point by enumeration, on and next to boundaries."""

import itertools
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxmath.proximal import projections
from jaxmath.special.norm import norm_excess

EPS = float(np.finfo(np.float64).eps)
RNG = np.random.default_rng(20)
VECTORS = np.concatenate(
    [
        RNG.normal(size=(40, 4)) * 10.0 ** RNG.integers(-3, 4, (40, 1)),
        RNG.integers(-3, 4, (40, 4)).astype(float),  # ties, and points on the boundary
        1e9 + RNG.integers(-2, 3, (8, 4)) / 4,  # far away: differences are all that matters
    ]
)


def exact(x):
    return [Fraction(float(entry)) for entry in x]


def on_plane(x, total, free, ones=()):
    """The free entries moved together so that all sum to the total; `ones` are one, others zero."""
    shift = (sum(x[i] for i in free) + len(ones) - total) / len(free) if free else None
    if shift is None and total != len(ones):
        return None
    return [x[i] - shift if i in free else Fraction(i in ones) for i in range(len(x))]


def nearest(x, candidates, inside):
    """Of the candidates that lie in the set the one next to x, in exact arithmetic."""
    fit = [c for c in candidates if c is not None and inside(c)]
    return min(fit, key=lambda c: sum((a - b) ** 2 for a, b in zip(c, x, strict=True)))


def subsets(items):
    return itertools.chain.from_iterable(
        itertools.combinations(items, k) for k in range(len(items) + 1)
    )


def simplex(x, radius):
    return nearest(
        x,
        (on_plane(x, radius, set(free)) for free in subsets(range(len(x)))),
        lambda p: min(p) >= 0,
    )


def capped(x, total):
    every = range(len(x))
    return nearest(
        x,
        (
            on_plane(x, total, set(free), set(ones))
            for free in subsets(every)
            for ones in subsets([i for i in every if i not in free])
        ),
        lambda p: min(p) >= 0 and max(p) <= 1,
    )


def l1_ball(x, radius):
    if sum(map(abs, x)) <= radius:
        return x
    sizes = simplex([abs(entry) for entry in x], radius)
    return [size if entry >= 0 else -size for size, entry in zip(sizes, x, strict=True)]


@pytest.mark.parametrize(
    ("name", "truth", "numbers"),
    [
        ("simplex", simplex, (1.0, 0.375, 2.0**40)),
        ("l1_ball", l1_ball, (1.0, 6.0, 0.375)),
        ("capped_simplex", capped, (1.0, 2.0, 0.375, 3.75)),
    ],
)
def test_next_points_of_polyhedra_are_those_of_exact_enumeration(name, truth, numbers):
    answer = jax.jit(jax.vmap(getattr(projections, name)))
    rows = VECTORS if name != "capped_simplex" else VECTORS[::3]
    for number in numbers:
        found = np.asarray(answer(rows, np.full(len(rows), number)))
        for x, p in zip(rows, found, strict=True):
            true = np.array([float(c) for c in truth(exact(x), Fraction(number))])
            # Rounding of what is large in the answer, and none of x itself.
            np.testing.assert_allclose(p, true, rtol=8 * EPS, atol=8 * EPS * np.abs(true).max())


def test_planes_agree_with_rationals():
    rng = np.random.default_rng(3)
    x, normal = rng.normal(size=(2, 30, 3))
    offset = rng.normal(size=30)
    onto = np.asarray(jax.jit(jax.vmap(projections.hyperplane))(x, normal, offset))
    within = np.asarray(jax.jit(jax.vmap(projections.halfspace))(x, normal, offset))
    for point, a, b, p, q in zip(x, normal, offset, onto, within, strict=True):
        u, a, b = exact(point), exact(a), Fraction(float(b))
        gap = sum(s * t for s, t in zip(u, a, strict=True)) - b
        step = gap / sum(t * t for t in a)
        true = [float(s - step * t) for s, t in zip(u, a, strict=True)]
        np.testing.assert_allclose(p, true, rtol=0, atol=32 * EPS * np.abs(true).max())
        np.testing.assert_allclose(
            q, true if gap > 0 else point, rtol=0, atol=32 * EPS * np.abs(true).max()
        )


def test_the_length_of_a_normal_does_not_matter():
    x, normal = jnp.array([1.5, -2.0, 0.25]), jnp.array([3.0, 4.0, -1.0])
    answer = jax.jit(projections.hyperplane)
    for power in (2.0**-900, 2.0**900):
        np.testing.assert_array_equal(
            answer(x, power * normal, power * 5.0), answer(x, normal, 5.0)
        )


@pytest.mark.parametrize("dtype", ["float64", pytest.param("float32", marks=pytest.mark.full)])
def test_sizes_at_both_ends_of_the_range_stay_numbers(dtype):
    """What is scaled by a power of two is answered by the same digits."""
    x = np.array([3.0, -4.0, 1.5], dtype)
    ends = 2.0 ** np.array([-1000.0, 1018.0] if dtype == "float64" else [-120.0, 122.0])
    for name in ("l2_ball", "l2_sphere", "l1_ball", "simplex", "linf_ball"):
        answer = jax.jit(getattr(projections, name))
        one = np.asarray(answer(x, np.asarray(2.5, dtype)))
        assert one.dtype == dtype
        for end in ends.astype(dtype):
            np.testing.assert_array_equal(answer(x * end, np.asarray(2.5 * end, dtype)), one * end)
    one = np.asarray(jax.jit(projections.second_order_cone)(x))
    for end in ends.astype(dtype):
        np.testing.assert_array_equal(jax.jit(projections.second_order_cone)(x * end), one * end)


def test_balls_and_cones_by_pythagorean_triples():
    x = jnp.array([3.0, 4.0])
    ball, sphere, cone = (
        jax.jit(getattr(projections, name))
        for name in ("l2_ball", "l2_sphere", "second_order_cone")
    )
    np.testing.assert_allclose(ball(x, 2.5), [1.5, 2.0], rtol=2 * EPS)
    np.testing.assert_array_equal(ball(x, 5.0), x)  # on the boundary
    np.testing.assert_allclose(sphere(x, 10.0), [6.0, 8.0], rtol=2 * EPS)
    np.testing.assert_array_equal(sphere(0 * x, 10.0), [10.0, 0.0])
    np.testing.assert_allclose(cone(jnp.array([1.0, 3.0, 4.0])), [3.0, 1.8, 2.4], rtol=2 * EPS)
    np.testing.assert_array_equal(cone(jnp.array([5.0, 3.0, 4.0])), [5.0, 3.0, 4.0])
    np.testing.assert_array_equal(cone(jnp.array([-5.0, 3.0, 4.0])), [0.0, 0.0, 0.0])


def test_a_cone_and_its_mirror_image_share_a_vector():
    """Moreau: a vector is its projection less that of its negative, at a right angle."""
    x = np.random.default_rng(5).normal(size=(50, 4))
    answer = jax.jit(jax.vmap(projections.second_order_cone))
    up, down = np.asarray(answer(x)), np.asarray(answer(-x))
    np.testing.assert_allclose(up - down, x, rtol=0, atol=8 * EPS * np.abs(x).max())
    assert np.all(np.abs(np.sum(up * down, axis=1)) <= 16 * EPS * np.sum(x * x, axis=1))


def test_the_side_of_a_sphere_is_told_to_the_last_digit():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 3)) * 8
    radius = np.sqrt((x**2).sum(axis=1)) * (1 + rng.integers(-1, 2, 400) * EPS)
    found = np.asarray(jax.jit(jax.vmap(norm_excess))(x, radius))
    for row, r, sign in zip(x, radius, np.sign(found), strict=True):
        gap = sum(entry**2 for entry in exact(row)) - Fraction(float(r)) ** 2
        assert sign == (gap > 0) - (gap < 0)


def test_jacobians_are_projections_on_the_face():
    """On a simplex the slope takes the mean off the support; it is symmetric and idempotent."""
    x = jnp.array([0.9, 0.8, -0.6, 0.1])
    for name in ("simplex", "capped_simplex", "l1_ball"):
        slope = np.asarray(jax.jit(jax.jacrev(getattr(projections, name)))(x, 1.0))
        np.testing.assert_allclose(slope, slope.T, atol=EPS)
        np.testing.assert_allclose(slope @ slope, slope, atol=4 * EPS)
        assert round(np.trace(slope)) in (1, 2)


@pytest.mark.full
@pytest.mark.parametrize("size", [1, 2, 1000])
def test_large_vectors_meet_the_conditions_of_the_next_point(size):
    """In exact sums: what is kept exceeds one threshold, what is cut does not."""
    rng = np.random.default_rng(size)
    for scale in (1e-9, 1.0, 1e9):
        x = rng.normal(size=size) * scale
        p = np.asarray(projections.simplex(x, 1.0))
        assert abs(sum(exact(p)) - 1) <= 4 * EPS * size
        level = (x - p)[p > 0]
        slack = 4 * EPS * max(np.abs(x).max(), 1.0)
        assert np.ptp(level) <= slack
        assert np.all(x[p == 0] <= level.max() + slack)
        total = 0.3 * size
        p = np.asarray(projections.capped_simplex(x, total))
        assert abs(float(sum(exact(p))) - total) <= 16 * EPS * size


def test_a_simplex_near_the_end_of_the_dtype():
    """Two of three entries are left, each with half of the rest, which no sum may exceed."""
    radius = np.float64(1.5e308)
    found = projections.simplex(np.array([1.2e308, 1.0e308, -1.0e308]), radius)
    np.testing.assert_allclose(found, [8.5e307, 6.5e307, 0.0], rtol=1e-12)
