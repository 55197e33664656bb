"""Student's t: closed forms of one and two degrees of freedom, 60 digits, and the normal limit."""

import itertools

import jax
import mpmath as mp
import numpy as np
import pytest
from scipy import special

from jaxmath.distributions import cauchy, student_t
from jaxmath.distributions.student_t_quantiles import QUANTILE
from jaxmath.distributions.student_t_tails import CDF, LOG_SF
from tests.marks import long_but

cdf, log_cdf, quantile = map(jax.jit, (student_t.cdf, student_t.log_cdf, student_t.quantile))
cdf_rise, log_sf_rise = (
    jax.jit(jax.vmap(jax.grad(fn, (0, 1)), (0, None, None, None)))
    for fn in (student_t.cdf, student_t.log_sf)
)
quantile_in_df = jax.jit(jax.grad(student_t.quantile, 1))
SIZES = [1e-9, 0.2, 1.49, 1.51, 3.0, 30.0, 1e5]


def chance(t, df):
    """The probability of at most t <= 0."""
    return mp.betainc(df / 2, mp.mpf(1) / 2, 0, df / (df + t * t), regularized=True) / 2


@pytest.mark.parametrize("df", long_but([40.0], [2.0**-6, 0.3, 2.5, 40.0]))
def test_tails_and_their_slopes_to_60_digits(df):
    t = -np.array(SIZES[1:])
    rise, log_rise = cdf_rise(t, df, 0.0, 1.0), log_sf_rise(-t, df, 0.0, 1.0)
    with mp.workdps(60):
        exact = [chance(mp.mpf(x), mp.mpf(df)) for x in t]
        slopes = [
            [mp.diff(chance, (mp.mpf(x), mp.mpf(df)), order) for x in t]
            for order in ((1, 0), (0, 1))
        ]
        ratios = [[b / a for a, b in zip(exact, row, strict=True)] for row in slopes]
        logs = [float(mp.log(value)) for value in exact]
    np.testing.assert_allclose(cdf(t, df, 0.0, 1.0), np.array(exact, float), 2e-13)
    np.testing.assert_allclose(log_cdf(t, df, 0.0, 1.0), logs, 1e-14)
    np.testing.assert_allclose(rise, np.array(slopes, float), 2e-13)
    np.testing.assert_allclose(log_rise, np.array([[-1.0], [1.0]]) * np.array(ratios, float), 2e-14)


def nearly_normal(t, df):
    """Fisher's expansion in one over df, to second order."""
    first = t * (t**2 + 1) / 4
    second = t * (3 * t**6 - 7 * t**4 - 5 * t**2 - 3) / 96
    return mp.ncdf(t) - mp.npdf(t) * (first / df + second / df**2)


@pytest.mark.full
def test_slopes_in_many_degrees_of_freedom():
    t, df = np.array([-3.0, -1.6, -0.3, 1e-8, 1.4, 2.5]), 2.0**27
    with mp.workdps(60):
        exact = np.array(
            [mp.diff(lambda n, x=x: nearly_normal(mp.mpf(x), n), df) for x in t], float
        )
        value = np.array([nearly_normal(mp.mpf(x), mp.mpf(df)) for x in t], float)
    found = cdf_rise(t, df, 0.0, 1.0)[1]
    np.testing.assert_allclose(found, exact, 3e-14)
    np.testing.assert_allclose(cdf(t, df, 0.0, 1.0), value, 3e-14)
    single = cdf_rise(t.astype(np.float32), *map(np.float32, (df, 0.0, 1.0)))[1]
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, exact, 1e-5)
    for x, slope in zip(t[[0, 2, 4]], exact[[0, 2, 4]], strict=True):
        moved = quantile_in_df(cdf(x, df, 0.0, 1.0), df, 0.0, 1.0)
        np.testing.assert_allclose(moved, -slope / student_t.prob(x, df, 0.0, 1.0), 1e-13)


@pytest.mark.full
def test_one_and_two_degrees_of_freedom():
    x = np.array([-1e200, -1e7, -3.0, -0.4, 0.7, 2.0, 9.0])
    names = ("log_prob", "prob", "cdf", "sf", "log_cdf", "log_sf")
    for name, place in itertools.product(names, ("value", "slope")):
        ours, theirs = getattr(student_t, name), getattr(cauchy, name)
        if place == "slope":
            ours, theirs = (
                jax.vmap(jax.grad(ours), (0, None, None, None)),
                jax.vmap(jax.grad(theirs), (0, None, None)),
            )
        np.testing.assert_allclose(ours(x, 1.0, 0.7, 2.3), theirs(x, 0.7, 2.3), 1e-12, 1e-300)
    size = np.array([1e7, 9.0, 3.0, 0.4])
    share = size / np.sqrt(2 + size * size)
    lower = 1 / (2 + size * size) / (1 + share)
    np.testing.assert_allclose(cdf(-size, 2.0, 0.0, 1.0), lower, 1e-13)
    p = np.array([1e-200, 1e-9, 0.2, 0.5, 0.9])
    two = (2 * p - 1) / np.sqrt(2 * p * (1 - p))
    np.testing.assert_allclose(quantile(p, 2.0, 0.0, 1.0), two, 1e-13, 1e-15)
    np.testing.assert_allclose(student_t.isf(p, 1.0, 0.7, 2.3), cauchy.isf(p, 0.7, 2.3), 1e-13)


MOMENTS = {
    "mean": (1, np.nan, lambda df: 0 * df),
    "variance": (2, np.inf, lambda df: df / (df - 2)),
    "std": (2, np.inf, lambda df: mp.sqrt(df / (df - 2))),
    "skewness": (3, np.nan, lambda df: 0 * df),
    "kurtosis": (4, np.inf, lambda df: 6 / (df - 4)),
}


@pytest.mark.parametrize("name", MOMENTS)
def test_moments(name):
    order, beyond, exact = MOMENTS[name]
    fn = getattr(student_t, name)
    for df in (order + 2.0**-10, order + 3.0, 1e3, 2.0**27):
        with mp.workdps(40):
            value, slope = exact(mp.mpf(df)), mp.diff(exact, mp.mpf(df))
        np.testing.assert_allclose(fn(df, 0.0, 1.0), float(value), 1e-15)
        np.testing.assert_allclose(jax.grad(fn)(df, 0.0, 1.0), float(slope), 1e-14)
    np.testing.assert_equal(float(fn(float(order), 0.0, 1.0)), beyond)
    assert np.isnan(fn(-1.0, 0.0, 1.0))
    assert np.isnan(fn(9.0, 0.0, -1.0))


@pytest.mark.parametrize("df", [0.05, 1.7, 30.0, 1e3, 2.0**27])
def test_entropy_and_information(df):
    with mp.workdps(80):
        n = mp.mpf(df)

        def entropy(n):
            gap = mp.digamma((n + 1) / 2) - mp.digamma(n / 2)
            return (n + 1) / 2 * gap + mp.log(mp.sqrt(n) * mp.beta(n / 2, mp.mpf(1) / 2))

        gap = mp.psi(1, n / 2) - mp.psi(1, (n + 1) / 2)
        own = (gap - 2 * (n + 5) / (n * (n + 1) * (n + 3))) / 4
        value, slope = entropy(n), mp.diff(entropy, n)
    np.testing.assert_allclose(student_t.entropy(df, 0.0, 1.0), float(value), 1e-14)
    np.testing.assert_allclose(jax.grad(student_t.entropy)(df, 0.0, 1.0), float(slope), 1e-13)
    np.testing.assert_allclose(student_t.fisher_information(df, 0.3, 1.0)[0, 0], float(own), 1e-12)


@pytest.mark.full
def test_second_derivatives_far_out_are_those_of_the_power_of_the_tail():
    """There log F = df (log scale - log |x|) and a function of df."""
    bends = jax.hessian(student_t.log_cdf, (0, 1, 2, 3))(-1e100, 5.0, 0.0, 2.0)
    found = np.array([[float(entry) for entry in row] for row in bends])
    np.testing.assert_allclose(found[3, [0, 1, 3]], [0.0, 1 / 2, -5 / 4], 1e-12, 1e-90)
    np.testing.assert_allclose(found[0, 1] * 1e100, 1.0, 1e-12)


def test_slope_in_the_degrees_of_freedom_where_the_tail_underflows():
    with mp.workdps(40):
        t = mp.mpf(1.75) * mp.mpf(2) ** 1023

        def tail(df):  # the first term of its series: of the next nothing is left
            df = mp.mpf(df)
            power = mp.gamma((df + 1) / 2) / mp.gamma(df / 2) / mp.sqrt(mp.pi)
            return power * df ** (df / 2 - 1) * t**-df

        truth = float(-mp.diff(tail, 1))
    slope = jax.grad(student_t.cdf, 1)(float(t), 1.0, 0.0, 1.0)
    np.testing.assert_allclose(slope, truth, rtol=2e-13)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_tails_near_two_of_many_degrees_of_freedom(dtype):
    """The upper tail is what the series lacks to one, whose terms are not to be large ones."""
    df, t = np.meshgrid([1e4, 1e6, 1e8], [1.75, 2.0, 2.25, 2.5])
    with mp.workdps(30):
        truth = [
            float(mp.betainc(n / 2, 0.5, 0, n / (n + s * s), regularized=True) / 2)
            for n, s in zip(map(mp.mpf, df.flat), map(mp.mpf, t.flat), strict=True)
        ]
    found = student_t.sf(t.ravel().astype(dtype), df.ravel().astype(dtype), dtype(0), dtype(1))
    np.testing.assert_allclose(found, truth, 80 * np.finfo(dtype).eps)


@pytest.mark.full
def test_quantiles_where_only_the_standard_one_leaves_the_dtype():
    """For one degree the quantile of p is nearly -1 / (pi p)."""
    p, least = np.float32(2.0**-70), np.float32(2.0**-30)
    slope = jax.jit(jax.grad(student_t.quantile))
    found = slope(p, np.float32(1), np.float32(0), least)
    np.testing.assert_allclose(found, 2.0**110 / np.pi, rtol=1e-5)


@pytest.mark.parametrize("p", [0.4, 1e-3])
def test_slopes_of_quantiles_are_of_the_scale(p):
    slopes = jax.jit(jax.grad(student_t.quantile, (0, 1)))
    one, four = (np.array(slopes(p, 3.0, 0.5, scale)) for scale in (1.0, 4.0))
    np.testing.assert_allclose(four, 4 * one, rtol=1e-14)


@pytest.mark.full
def test_slopes_of_a_quantile_beyond_the_dtype_are_infinite():
    at = {key: slope(1e-200, 0.5, 0.0, 1.0) for key, slope in QUANTILE.partials.items()}
    assert at == {"p": np.inf, "df": np.inf, "loc": 1.0, "scale": -np.inf}


@pytest.mark.parametrize("legs", [(1.5e25, 1e14), (1e-21, 5e13)])
def test_the_triangle_of_a_far_or_near_x_has_slopes(legs):
    """In float32 the square of its hypotenuse is beyond the dtype, or a slope in a leg below."""
    d, s = np.float32(legs)
    moves = (np.float32(40 * d), np.float32(0)), (np.float32(0), np.float32(s / 5))
    for fn in (cauchy._sine, cauchy._cosine, cauchy._hypotenuse):
        for move in moves:
            found = jax.jit(lambda *args, fn=fn: jax.jvp(fn, args[:2], args[2:])[1])(d, s, *move)
            wide = [(float(d), float(s)), tuple(map(float, move))]
            truth = jax.jvp(fn, *wide)[1]
            np.testing.assert_allclose(found, truth, 1e-6, np.finfo(np.float32).tiny)


@pytest.mark.full
@pytest.mark.parametrize("df", [0.25, 0.5, 1.0])
def test_second_slope_of_a_far_quantile_in_df(df):
    p = np.float32(2.0**-23)

    def quantile(df):
        def off(log):
            return mp.log(chance(-mp.exp(log), df)) - mp.log(mp.mpf(float(p)))

        return -mp.exp(mp.findroot(off, -mp.log(mp.mpf(float(p))) / df))

    with mp.workdps(40):
        truth = float(mp.diff(quantile, mp.mpf(df), 2))
    slope = QUANTILE.seconds["df", "df"]
    found = jax.jit(slope)(p, np.float32(df), np.float32(0), np.float32(1))
    np.testing.assert_allclose(found, truth, 1e-5)


def test_second_slope_of_a_quantile_near_the_centre_of_many_degrees_of_freedom():
    """By two terms of the expansion in 1 / df (Abramowitz and Stegun 1964, 26.7.5)."""
    p, df = np.float32(0.4873846), np.float32(2.0**27)
    z = special.ndtri(float(p))
    truth = z * (1 + z**2) / 2 / float(df) ** 3
    found = jax.jit(QUANTILE.seconds["df", "df"])(p, df, np.float32(0), np.float32(2.0**40))
    np.testing.assert_allclose(found, truth * 2.0**40, 2e-6)


def test_mixed_slope_of_a_far_tail():
    """Of -df / 2 log(1 + t^2 / df) alone: what else the series at infinity has is a df-th of it."""
    x, df, loc, scale = np.float32([-1.0, 2.0**27, -(2.0**40), 2.0**-40])
    away = float(x) - float(loc)
    truth = 2 * float(df) ** 2 * float(scale) / away**3
    found = jax.jit(LOG_SF.seconds["x", "scale"])(x, df, loc, scale)
    np.testing.assert_allclose(found, truth, rtol=1e-5)


def test_second_slope_in_a_scale_far_above_the_distance():
    """That of the normal cdf, which is the limit: z (2 - z^2) over the square of the scale."""
    x, loc, scale = np.float32([-7.6, 6.36, 2.0**40])
    z = (float(x) - float(loc)) / float(scale)
    truth = z * (2 - z**2) / float(scale) ** 2 / np.sqrt(2 * np.pi)
    found = jax.jit(CDF.seconds["scale", "scale"])(x, np.float32(2.0**27), loc, scale)
    np.testing.assert_allclose(found, truth, 2e-6)
