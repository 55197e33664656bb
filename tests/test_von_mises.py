"""The von Mises distribution, beside what every family is tested for: on the whole circle."""

import itertools

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
import scipy.stats

from jaxmath import special
from jaxmath.distributions import von_mises
from tests.marks import long_but


def test_log_prob_has_the_period_of_the_circle():
    x = np.linspace(-3, 3, 13)
    np.testing.assert_allclose(
        von_mises.log_prob(x + 2 * np.pi, 3.0, 2.5), von_mises.log_prob(x, 3.0, 2.5), rtol=1e-13
    )


@pytest.mark.parametrize("concentration", [1e-8, 0.3, 9.99, 10.01, 700.0, 1e12])
def test_density_to_the_last_digits(concentration):
    x = np.array([1e-12, 1e-6, 0.01, 1.0, 3.1])
    k = mp.mpf(concentration)
    for each in x:
        with mp.workdps(50):
            exact = k * (mp.cos(mp.mpf(float(each))) - 1) - mp.log(2 * mp.pi)
            exact -= mp.log(mp.besseli(0, k)) - k
        np.testing.assert_allclose(
            von_mises.log_prob(each, 0.0, concentration), float(exact), rtol=4e-15
        )


@pytest.mark.parametrize("concentration", [1e-4, 0.7, 30.0, 1e6])
def test_draws_far_from_the_middle_and_narrow(concentration):
    draws = np.asarray(von_mises.sample(jax.random.key(2), 3.0, concentration, (20_000,)))
    assert np.all((draws > -np.pi) & (draws <= np.pi))
    turned = np.angle(np.exp(1j * (draws - 3.0)))
    assert scipy.stats.kstest(turned, scipy.stats.vonmises(concentration).cdf).pvalue > 1e-6


@pytest.mark.full
@pytest.mark.parametrize("concentration", [2.3, 300.0])
def test_draws_move_with_the_parameters(concentration):
    """The probability of being beyond a draw, seen from the mean direction, stays."""

    def draw(loc, concentration):
        return von_mises.sample(jax.random.key(3), loc, concentration, (12,))

    k = mp.mpf(concentration)
    turn, change = jax.jit(jax.jacfwd(draw, (0, 1)))(0.0, concentration)
    np.testing.assert_allclose(turn, 1, rtol=1e-15)
    length = mp.besseli(1, k) / mp.besseli(0, k)
    for x, moved in zip(draw(0.0, concentration).tolist(), np.asarray(change), strict=True):

        def slope(t, x=x):
            return (mp.cos(t) - length) * mp.exp(k * (mp.cos(t) - mp.cos(x)))

        np.testing.assert_allclose(moved, float(-mp.quad(slope, [0, x])), rtol=1e-10)


@pytest.mark.full
def test_mean_of_draws_moves_as_the_mean_direction():
    """The slope of the expected cosine is that of the ratio of Bessel functions."""

    def mean(concentration):
        draws = von_mises.sample(jax.random.key(4), 0.0, concentration, (20_000,))
        return jnp.mean(jnp.cos(draws))

    value, slope = jax.value_and_grad(mean)(2.0)
    np.testing.assert_allclose(value, special.bessel_ratio(2.0), atol=0.015)
    np.testing.assert_allclose(slope, jax.grad(special.bessel_ratio)(2.0), atol=0.01)


def test_fit_across_the_cut():
    x = np.array([3.0, -3.1, 3.1, -2.9, 2.8])
    loc, concentration = von_mises.fit(x).estimate
    turned = von_mises.fit(x - 3 + 2 * np.pi * (x < 0)).estimate
    np.testing.assert_allclose(np.angle(np.exp(1j * (loc - 3))), turned.loc, rtol=1e-12)
    np.testing.assert_allclose(concentration, turned.concentration, rtol=1e-12)
    length = np.abs(np.mean(np.exp(1j * x)))
    np.testing.assert_allclose(special.bessel_ratio(concentration), length, rtol=1e-13)


def test_divergence_of_distant_directions():
    x, weight = np.polynomial.legendre.leggauss(120)
    x, weight = np.pi * x, np.pi * weight
    log_p, log_q = von_mises.log_prob(x, 3.0, 2.3), von_mises.log_prob(x, -2.5, 0.8)
    expected = np.sum(weight * np.exp(log_p) * (log_p - log_q))
    np.testing.assert_allclose(von_mises.kl(3.0, 2.3, -2.5, 0.8), expected, rtol=1e-11)
    expected = -np.sum(weight * np.exp(log_p) * log_q)
    found = von_mises.cross_entropy(3.0, 2.3, -2.5, 0.8)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def _part(start, end, k, ratio):
    """Over angles [start, end] of [0, pi]: the falling density, and its times cosine less mean."""
    step = min(1 / mp.sqrt(k), 1 / (k * mp.sin(start)) if 0 < start < mp.pi else mp.inf)
    cuts = [start]
    while start + step < end and k * (mp.cos(start) - mp.cos(start + step)) < 110:
        cuts.append(start + step)
        step *= 2
    cuts.append(min(end, start + step))

    def density(t):
        return mp.exp(-2 * k * mp.sin((t + start) / 2) * mp.sin((t - start) / 2))

    def change(t):
        return (mp.cos(t) - ratio) * density(t)

    # What is small beside one would be summed to few digits.
    height = mp.exp(-2 * k * mp.sin(start / 2) ** 2)
    return [height * mp.quad(fn, cuts, method="gauss-legendre") for fn in (density, change)]


def _tails(x, loc, k):
    """Lower and upper tail and their slopes in the concentration, and densities at x and the cut.

    Of narrow distributions the Bessel functions are asymptotic series.
    """
    if k < 1000:
        i0, i1 = (mp.besseli(n, k) * mp.exp(-k) for n in (0, 1))
    else:
        root = mp.sqrt(2 * mp.pi * k)
        i0, i1 = (mp.hyp2f0(0.5 - n, 0.5 + n, 1 / (2 * k)) / root for n in (0, 1))
    whole = 2 * mp.pi * i0
    found = []
    for low, high in ((-mp.pi - loc, x - loc), (x - loc, mp.pi - loc)):
        edges = [low, *(n * mp.pi for n in range(-2, 3) if low < n * mp.pi < high), high]
        parts = []
        for one, two in itertools.pairwise(edges):
            turn = 2 * mp.pi * mp.floor((one + two) / 4 / mp.pi + 0.5)
            span = sorted(abs(edge - turn) for edge in (one, two))
            parts.append([each / whole for each in _part(*span, k, i1 / i0)])
        found.append([mp.fsum(column) for column in zip(*parts, strict=True)])
    (below, below_dk), (above, above_dk) = found
    assert abs(below + above - 1) < 1e-35
    change = below_dk if below < above else -above_dk
    densities = (mp.exp(k * (mp.cos(t) - 1)) / whole for t in (x - loc, mp.pi - loc))
    return below, above, change, *densities


def _truth(x, loc, k):
    below, above, change, at_x, at_cut = _tails(x, loc, k)
    logs = (
        mp.log(tail) if tail < 0.5 else mp.log1p(-other)
        for tail, other in ((below, above), (above, below))
    )
    slopes = dict(x=at_x, loc=at_cut - at_x, concentration=change)
    truth = dict(zip(("cdf", "sf", "log_cdf", "log_sf"), (below, above, *logs), strict=True))
    truth |= {("cdf", name): slope for name, slope in slopes.items()}
    truth |= {("sf", name): -slope for name, slope in slopes.items()}
    truth |= {("log_cdf", name): slope / below for name, slope in slopes.items()}
    return truth | {("log_sf", name): -slope / above for name, slope in slopes.items()}


def _judged(point):
    """The truth at a point, and how much each entry weighs: itself and what inputs move it by."""
    with mp.workdps(45):
        point = [mp.mpf(float(each)) for each in point]
        truth, h = _truth(*point), mp.mpf(10) ** -17
        size = {name: abs(value) for name, value in truth.items()}
        for place, value in enumerate(point):
            if value:
                moved = _truth(*point[:place], value * (1 - h), *point[place + 1 :])
                for name in truth:
                    size[name] += abs(moved[name] - truth[name]) / h
        return truth, size


def _points(k, loc, dtype):
    """On the whole circle, both ends and one number inside of them, and around the mode."""
    last = np.nextafter(dtype(np.pi), dtype(0))
    around = [loc + share / np.sqrt(k) for share in (-40, -10, -1, 1, 10, 40)]
    x = [-last, last, -1.0, 2.5, *(each for each in around if abs(each) < 3.14)]
    if loc == 0.5:  # around where it is as far from the mode as the cut is
        x += [loc - np.pi + 0.01, loc - np.pi - 0.01]
    return [tuple(map(dtype, (each, loc, k))) for each in x]


WIDTHS = (2.0**-30, 0.1, 1.0, 10.0, 1e3, 1e6, 1e10)
TAILS = ("cdf", "sf", "log_cdf", "log_sf")
QUICK = ((1.0, 0.5),)


@pytest.mark.parametrize("dtype", long_but([np.float64], [np.float64, np.float32]))
@pytest.mark.parametrize(
    ("concentration", "loc"),
    [
        pytest.param(k, loc, marks=() if (k, loc) in QUICK else pytest.mark.full)
        for k in WIDTHS
        for loc in (0.0, 0.5, 3.0, -3.1)
    ],
)
def test_tails_and_their_slopes_to_the_last_digits(concentration, loc, dtype):
    points = _points(concentration, loc, dtype)
    arguments = [jnp.asarray(column) for column in zip(*points, strict=True)]
    found = {}
    for name in TAILS:
        fn = getattr(von_mises, name)
        found[name] = fn(*arguments)
        slopes = jax.vmap(jax.grad(fn, (0, 1, 2)))(*arguments)
        for argument, slope in zip(("x", "loc", "concentration"), slopes, strict=True):
            found[name, argument] = slope
    limits = np.finfo(dtype)
    for place, point in enumerate(points):
        truth, size = _judged(point)
        for name, exact in truth.items():
            value = found[name][place]
            assert value.dtype == dtype
            if abs(exact) > limits.max:
                continue
            error = abs(mp.mpf(float(value)) - exact)
            assert error <= 8 * limits.eps * size[name] + 2 * limits.tiny, (name, point)


def test_tails_as_scipy_has_them():
    """To the 13 digits after the point that SciPy's sum has, which is zero or 1e-13 far out."""
    x = np.linspace(-3.1, 3.1, 41)
    for k in (0.01, 2.3, 40.0):
        truth = scipy.stats.vonmises(k)
        np.testing.assert_allclose(von_mises.cdf(x, 0.0, k), truth.cdf(x), 1e-13, 1e-12)


@pytest.mark.full
def test_tails_at_and_beyond_the_ends():
    x = np.array([-np.inf, -4.0, -np.pi, np.pi, 4.0, np.inf])
    for loc in (-np.pi, -1.0, 0.0, 3.0, np.pi):
        for k in (2.0**-40, 3.0, 2.0**40):
            np.testing.assert_array_equal(von_mises.cdf(x, loc, k), [0, 0, 0, 1, 1, 1])
            np.testing.assert_array_equal(von_mises.sf(x, loc, k), [1, 1, 1, 0, 0, 0])
            np.testing.assert_array_equal(von_mises.log_cdf(x, loc, k), [-np.inf] * 3 + [0.0] * 3)
            np.testing.assert_array_equal(von_mises.log_sf(x, loc, k), [0.0] * 3 + [-np.inf] * 3)
    for name in TAILS:
        fn = getattr(von_mises, name)
        assert np.isnan(fn(0.3, 0.2, -1.0))
        assert np.isnan(fn(0.3, 0.2, 0.0))
        assert np.isnan(fn(np.nan, 0.2, 1.0))
        assert np.isnan(fn(4.0, 0.2, -1.0))
        slopes = jax.vmap(jax.grad(fn, (0, 1, 2)), (0, None, None))(x, 0.3, 2.0)
        np.testing.assert_array_equal(np.stack(slopes)[:, [0, 1, 4, 5]], 0)


def test_tails_of_directions_many_turns_away():
    x = np.linspace(-3, 3, 7)
    turned = von_mises.cdf(x, 0.4 - 20 * np.pi, 2.5)
    np.testing.assert_allclose(turned, von_mises.cdf(x, 0.4, 2.5), 1e-13)


@pytest.mark.full
@pytest.mark.parametrize("name", TAILS)
def test_second_slopes_of_tails(name):
    """Against central differences of the first ones, which are compared with 45 digits above."""
    first = jax.jit(jax.vmap(jax.grad(getattr(von_mises, name), (0, 1, 2))))
    x = np.array([-2.9, -1.2, 0.1, 0.6, 2.0, 3.0])
    for loc, k in ((0.4, 2.5), (-2.0, 0.3), (3.0, 30.0)):
        at = [x, np.full_like(x, loc), np.full_like(x, k)]
        found = jax.vmap(jax.hessian(getattr(von_mises, name), (0, 1, 2)))(*at)
        for place in range(3):
            up, down = ([*at], [*at])
            up[place], down[place] = at[place] + 1e-5, at[place] - 1e-5
            for one, (high, low) in enumerate(zip(first(*up), first(*down), strict=True)):
                differences = (np.asarray(high) - np.asarray(low)) / 2e-5
                np.testing.assert_allclose(found[one][place], differences, 1e-5, 1e-8)


@pytest.mark.parametrize("dtype", long_but([np.float64], [np.float64, np.float32]))
def test_quantiles_invert_both_tails(dtype):
    """To 16 eps beyond what numbers next to the arguments differ by."""
    smallest = np.arange(-300 if dtype == np.float64 else -36, 0, 6.0)
    p = np.concatenate([10.0**smallest, np.linspace(0.03, 0.99, 25), 1 - 10.0 ** -np.arange(3, 7)])
    loc = [0.0, 1e-12, 1e-3, 0.5, 3.0, np.pi, -np.pi, -3.1, -0.5]
    grid = np.meshgrid(p, loc, [2.0**-40, 0.1, 0.5, 2.3, 30.0, 1e3, 1e10, 2.0**40], indexing="ij")
    p, loc, k = (jnp.asarray(each.ravel(), dtype) for each in grid)
    for inverse, tail in ((von_mises.quantile, von_mises.cdf), (von_mises.isf, von_mises.sf)):
        x = inverse(p, loc, k)
        assert x.dtype == dtype
        assert np.all(np.abs(x) <= dtype(np.pi))
        hazard = von_mises.prob(x, loc, k) / p
        depth = 1 + 2 * k * jnp.sin((x - loc) / 2) ** 2
        allowed = np.finfo(dtype).eps * (depth + hazard * (jnp.abs(x) + jnp.abs(loc)))
        inside = np.abs(x) < dtype(np.pi)
        error = np.abs(tail(x, loc, k) / p - 1)
        assert np.all(error[inside] <= 16 * np.asarray(allowed)[inside])


@pytest.mark.full
def test_quantiles_at_the_ends_and_of_no_probability():
    p = np.array([0.0, 1.0, -0.1, 1.1, np.nan])
    expected = [-np.pi, np.pi, np.nan, np.nan, np.nan]
    for loc in (-2.0, 0.0, 0.3):
        np.testing.assert_array_equal(von_mises.quantile(p, loc, 2.0), expected)
        np.testing.assert_array_equal(von_mises.isf(p, loc, 2.0), -np.array(expected))
        assert np.isnan(von_mises.quantile(0.3, loc, -1.0))
        assert np.isnan(von_mises.isf(0.3, loc, 0.0))


def test_quantiles_move_as_the_tails_say():
    at = 0.5, 2.3
    x = von_mises.quantile(0.2, *at)
    of_p, of_loc, of_k = jax.grad(von_mises.quantile, (0, 1, 2))(0.2, *at)
    dx, dloc, dk = jax.grad(von_mises.cdf, (0, 1, 2))(x, *at)
    np.testing.assert_allclose([of_p, of_loc, of_k], [1 / dx, -dloc / dx, -dk / dx], 1e-13)
    above = jax.grad(von_mises.isf, (0, 1, 2))(0.8, *at)
    np.testing.assert_allclose(above, [-of_p, of_loc, of_k], 1e-12)


@pytest.mark.full
def test_median_where_the_circle_is_cut():
    for k in (2.0**-40, 1.0, 1e8):
        assert von_mises.median(0.0, k) == 0
        np.testing.assert_allclose(
            jax.grad(von_mises.median)(0.0, k), 1 - np.exp(-2 * k), 1e-12, 1e-12
        )
    middle = von_mises.median(0.5, 2.0)
    np.testing.assert_allclose(von_mises.cdf(middle, 0.5, 2.0), 0.5, 1e-15)
    np.testing.assert_allclose(von_mises.median(-0.5, 2.0), -middle, 1e-15)
    step = 1e-6
    for place in range(2):
        up, down = [0.5, 2.0], [0.5, 2.0]
        up[place], down[place] = up[place] + step, down[place] - step
        difference = (von_mises.median(*up) - von_mises.median(*down)) / 2 / step
        slope = jax.grad(von_mises.median, place)(0.5, 2.0)
        np.testing.assert_allclose(slope, difference, 1e-7)
