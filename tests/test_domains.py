"""Domains: what they contain, what they sample, and where their edges are."""

import math

import jax
import numpy as np
import pytest

from jaxmath import domains
from jaxmath.domains import (
    BINARY,
    NEGATIVE,
    NONNEGATIVE,
    OPEN_UNIT,
    POSITIVE,
    REAL,
    SIGN,
    UNIT,
    Box,
    Integers,
    Interval,
    PositiveDefinite,
    Simplex,
)

ALL = [
    REAL, POSITIVE, NONNEGATIVE, NEGATIVE, UNIT, OPEN_UNIT, BINARY, SIGN,
    Interval(1e6, 1e7), Interval(-3.0, 2.0, (True, False)), Integers(0, 3), Integers(-5, 10**6),
    Box((4,)), Box((2, 3), UNIT), Box((3,), BINARY), Simplex(3), Simplex(10), PositiveDefinite(3),
]  # fmt: skip
DTYPES = [np.float32, np.float64]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("domain", ALL, ids=str)
def test_samples_and_edges_lie_inside_and_have_their_dtype(domain, dtype):
    drawn = domain.sample(np.random.default_rng(0), 500, dtype)
    edges = domain.edges(dtype)
    assert drawn.shape == (500, *domain.shape)
    assert edges.shape[1:] == domain.shape
    for values in (drawn, edges):
        assert bool(np.all(jax.vmap(domain.contains)(values)))
        if domain.differentiable:
            assert values.dtype == dtype
            size = np.abs(np.asarray(values))
            assert ((size == 0) | (size >= np.finfo(dtype).tiny)).all()
            assert np.isfinite(size).all()


@pytest.mark.parametrize("domain", ALL, ids=str)
def test_the_same_seed_draws_the_same(domain):
    one, two, other = (domain.sample(np.random.default_rng(k), 64, np.float64) for k in (1, 1, 2))
    np.testing.assert_array_equal(one, two)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("domain", [d for d in ALL if d.differentiable], ids=str)
def test_nan_lies_in_no_domain(domain):
    assert not bool(domain.contains(np.full(domain.shape, np.nan)))


def test_ends_belong_to_the_set_if_closed():
    half = Interval(0.0, 1.0, closed=(True, False))
    assert [bool(half.contains(x)) for x in (-1e-300, 0.0, 0.5, 1.0, 2.0)] == [
        False, True, True, False, False,
    ]  # fmt: skip
    assert half.limits(np.float64) == (0.0, np.nextafter(1.0, 0.0))
    assert OPEN_UNIT.limits(np.float32)[0] == float(np.finfo(np.float32).tiny)
    assert str(half) == "[0, 1)"
    assert str(REAL) == "(-∞, ∞)"


def test_edges_hold_ends_neighbours_and_extremes():
    edges = UNIT.edges(np.float64)
    assert {0.0, 1.0, np.nextafter(1.0, 0.0), np.finfo(float).tiny} <= set(edges)
    assert np.nextafter(1.0, 2.0) not in edges
    assert {np.finfo(np.float32).max, -np.finfo(np.float32).max} <= set(REAL.edges(np.float32))
    open_ends = OPEN_UNIT.edges(np.float64)
    assert 0.0 not in open_ends
    assert 1.0 not in open_ends


def test_half_of_the_samples_are_ordinary_and_half_spread_over_the_exponents():
    drawn = np.abs(REAL.sample(np.random.default_rng(0), 20_000, np.float64))
    ordinary = (drawn > 0.01) & (drawn < 10)
    assert 0.45 < ordinary.mean() < 0.56
    exponents = np.log10(drawn[~ordinary])
    counts, _ = np.histogram(exponents, np.linspace(-307, 308, 6))
    assert counts.min() > 0.8 * counts.max() - 100
    signs = REAL.sample(np.random.default_rng(1), 1000, np.float64) > 0
    assert signs.mean() == pytest.approx(0.5, abs=0.06)


def test_samples_come_close_to_every_finite_end():
    drawn = UNIT.sample(np.random.default_rng(0), 4000, np.float64)
    assert drawn[drawn > 0].min() < 1e-200
    assert (1 - drawn[drawn < 1]).min() < 1e-14


def test_a_box_has_ties_and_its_edges_one_at_a_time():
    box = Box((3,), REAL)
    drawn = box.sample(np.random.default_rng(0), 800, np.float64)
    assert 0.05 < (np.ptp(drawn, axis=1) == 0).mean() < 0.25
    edges = box.edges(np.float64)
    assert (np.ptp(edges, axis=1) == 0).any()
    assert (np.ptp(edges, axis=1) > 0).any()


def test_simplex_and_positive_definite_are_judged_by_what_they_are():
    assert bool(Simplex(3).contains(np.array([0.2, 0.3, 0.5])))
    assert not bool(Simplex(3).contains(np.array([0.2, 0.3, 0.6])))
    assert not bool(Simplex(3).contains(np.array([-0.2, 0.7, 0.5])))
    assert bool(PositiveDefinite(2).contains(np.array([[2.0, 1.0], [1.0, 2.0]])))
    assert not bool(PositiveDefinite(2).contains(np.array([[1.0, 2.0], [2.0, 1.0]])))
    assert not bool(PositiveDefinite(2).contains(np.array([[2.0, 1.0], [0.5, 2.0]])))


def test_integers_and_choices():
    assert [bool(Integers(0, 3).contains(x)) for x in (0, 3, 4, 1.5, -1)] == [
        True, True, False, False, False,
    ]  # fmt: skip
    assert set(Integers(0, 3).sample(np.random.default_rng(0), 100, np.float64)) == {
        0,
        1,
        2,
        3,
    }
    assert set(SIGN.sample(np.random.default_rng(0), 100, np.float32)) == {-1.0, 1.0}
    assert not bool(BINARY.contains(0.5))


def test_a_pytree_of_domains_draws_a_pytree():
    domain = {"weight": Box((2,), REAL), "scale": POSITIVE}
    drawn = domains.sample(domain, np.random.default_rng(0), 5, np.float64)
    assert drawn["weight"].shape == (5, 2)
    point = jax.tree.map(lambda leaf: leaf[0], drawn)
    assert bool(domains.contains(domain, point))
    assert not bool(domains.contains(domain, {**point, "scale": -1.0}))


def test_an_empty_interval_is_refused():
    for low, high in ((1.0, 1.0), (2.0, 1.0), (math.nan, 1.0)):
        with pytest.raises(ValueError, match="low < high"):
            Interval(low, high)
