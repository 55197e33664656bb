"""Families made of families: against scipy.stats, mpmath and sums by hand, and their laws."""

import dataclasses
import itertools
import math

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
import scipy.optimize
import scipy.stats as st

from jaxmath import distributions as d
from jaxmath.distributions import FUNCTIONS, NotDefinedError, bijectors, vector_bijectors
from jaxmath.distributions.coverage import coverage
from jaxmath.distributions.truncated_normal import TRUNCATED_NORMAL, hazards
from jaxmath.domains import OPEN_UNIT, Interval
from jaxmath.verify.laws import LAWS
from tests.families import RAYLEIGH
from tests.marks import long_but

EXP, AFFINE, POWER = bijectors.EXP, bijectors.AFFINE, bijectors.POWER
LOGNORMAL = d.transformed(d.NORMAL, EXP, name="lognormal")
WEIBULL = d.transformed(d.EXPONENTIAL, POWER, name="weibull")
LEFT_GUMBEL = d.transformed(d.GUMBEL, bijectors.NEGATION)
INVERSE_RAYLEIGH = d.transformed(
    d.transformed(d.EXPONENTIAL, bijectors.LOG), bijectors.chain(EXP, bijectors.RECIPROCAL)
)
TRUNCATED = d.truncated(d.NORMAL)
LATE = d.truncated(d.EXPONENTIAL)
ZERO = d.zero_inflated(d.GEOMETRIC)
TWO = d.mixture(d.NORMAL, d.NORMAL)
SPIKE = d.mixture(d.NORMAL, d.EXPONENTIAL)
WEIGHTS = np.array([0.3, 0.7])
X = np.array([-60.0, -2.0, 0.1, 1.0, 2.5, 4.0])
P = np.array([1e-250, 1e-9, 0.05, 0.49, 0.51, 0.93])


def maps(bijector):
    return (1.7,) if bijector is POWER else (0.7, 1.7)[: len(bijector.parameters)]


@pytest.mark.parametrize("bijector", bijectors.MONOTONE, ids=lambda b: b.name)
def test_maps_of_numbers_return_and_have_their_slopes(bijector):
    own = maps(bijector)
    high = 6.0 if bijector is bijectors.SIGMOID else 30.0
    low = 0.0 if bijector.domain.low == 0 else -high
    for x in np.linspace(low, high, 40)[1:]:
        y = bijector.forward(x, *own)
        np.testing.assert_allclose(bijector.inverse(y, *own), x, 2e-13)
        for there, slope, back in (
            (bijector.forward, bijector.forward_log_det, x),
            (bijector.inverse, bijector.inverse_log_det, y),
        ):
            expected = np.log(abs(jax.grad(there)(jnp.asarray(back), *own)))
            np.testing.assert_allclose(slope(back, *own), expected, 2e-13, 2e-13)
        assert (bijector.forward(x + 0.01, *own) > y) == bijector.increasing
    if bijector.line is not None:
        a, b = bijector.line(*own)
        np.testing.assert_allclose(bijector.forward(2.3, *own), a + b * 2.3, 1e-15)


def test_maps_keep_their_digits_in_the_tails():
    with mp.workdps(350):
        for y in (1e-300, 1e-20, 0.3, 0.5 - 1e-9, 0.5 + 1e-9, 1 - 1e-12):
            odds = mp.log(mp.mpf(y) / (1 - mp.mpf(y)))
            np.testing.assert_allclose(bijectors.logit(y), float(odds), 1e-15)
        for y in (1e-300, 1e-9, 0.5, 1.0, 40.0, 700.0):
            inverse = mp.log(mp.expm1(mp.mpf(y)))
            np.testing.assert_allclose(bijectors.softplus_inverse(y), float(inverse), 3e-15)
        for x in (-700.0, -40.0, 1e-9, 40.0, 700.0):
            slope = -mp.log(2 + mp.exp(mp.mpf(x)) + mp.exp(-mp.mpf(x)))
            np.testing.assert_allclose(bijectors.sigmoid_log_det(x), float(slope), 1e-15)


VECTORS = {
    "ordered": (vector_bijectors.ordered(4), lambda y: y),
    "softmax": (vector_bijectors.additive_softmax(4), lambda y: y[:-1]),
    "stick_breaking": (vector_bijectors.stick_breaking(4), lambda y: y[:-1]),
    "triangular": (vector_bijectors.triangular(3), lambda y: y[np.tril_indices(3)]),
    "cholesky": (vector_bijectors.cholesky(3), lambda y: y[np.tril_indices(3)]),
}


@pytest.mark.parametrize("name", VECTORS)
def test_maps_of_vectors_return_and_have_their_determinants(name):
    bijector, free = VECTORS[name]
    x = jnp.asarray(np.random.default_rng(3).normal(size=(3, *bijector.domain.shape)))
    y = bijector.forward(x)
    np.testing.assert_allclose(bijector.inverse(y), x, 1e-12)
    assert all(bijector.image.contains(each) for each in y)
    for one, image in zip(x, y, strict=True):
        jacobian = jax.jacfwd(lambda x: free(bijector.forward(x)))(one)
        expected = np.linalg.slogdet(jacobian)[1]
        np.testing.assert_allclose(bijector.forward_log_det(one), expected, 1e-11)
        np.testing.assert_allclose(bijector.inverse_log_det(image), -expected, 1e-11)
    np.testing.assert_allclose(
        bijector.forward_log_det(x)[1], bijector.forward_log_det(x[1]), 1e-14
    )


# Against SciPy

SCIPY = {
    "lognormal": (LOGNORMAL, (0.7, 0.6), st.lognorm(0.6, scale=np.exp(0.7))),
    "weibull": (WEIBULL, (2.5, 1.7), st.weibull_min(1 / 1.7, scale=2.5**-1.7)),
    "left_gumbel": (LEFT_GUMBEL, (0.7, 2.3), st.gumbel_l(-0.7, 2.3)),
    "reciprocal": (INVERSE_RAYLEIGH, (2.5,), st.invgamma(1.0, scale=2.5)),
    "truncated_normal": (
        TRUNCATED_NORMAL,
        (0.7, 2.3, -1.0, 4.0),
        st.truncnorm(-1.7 / 2.3, 3.3 / 2.3, 0.7, 2.3),
    ),
    "truncated": (TRUNCATED, (0.7, 2.3, -1.0, 4.0), st.truncnorm(-1.7 / 2.3, 3.3 / 2.3, 0.7, 2.3)),
    "late": (LATE, (2.5, 0.2, 3.0), st.truncexpon(7.0, 0.2, 1 / 2.5)),
}
slow = pytest.mark.full


HEAVY = ("truncated", "late")
"""Programs that take long to compile: two in the quick tests are enough."""


def some(names):
    return long_but(set(names) - set(HEAVY), names)


@pytest.mark.parametrize("name", some(SCIPY))
@pytest.mark.full
def test_agrees_with_scipy(name):
    family, params, truth = SCIPY[name]
    pairs = dict(log_prob="logpdf", cdf="cdf", sf="sf", log_cdf="logcdf", log_sf="logsf")
    low, high = truth.support()
    for function, method in pairs.items():
        x = np.append(X, truth.ppf([0.1, 0.5, 0.9]))
        x = x[(x > low) & (x < high)] if name in ("reciprocal", "late") else x
        with np.errstate(all="ignore"):
            expected = getattr(truth, method)(x)
        close = 1e-12 if name in (*HEAVY, "reciprocal", "truncated_normal") else 2e-14
        found = getattr(family, function)(x, *params)
        np.testing.assert_allclose(found, expected, close, 1e-15, err_msg=function)
    p = P if name not in ("late", "reciprocal") else P[2:]
    np.testing.assert_allclose(family.quantile(p, *params), truth.ppf(p), 1e-13)
    np.testing.assert_allclose(family.isf(p, *params), truth.isf(p), 1e-13)
    np.testing.assert_allclose(family.median(*params), truth.median(), 1e-14)
    assert np.isnan(family.quantile(np.array([-0.1, 1.1, np.nan]), *params)).all()
    assert np.isnan(family.cdf(np.nan, *params))
    positive = [isinstance(own, Interval) and own.low >= 0 for own in family.parameters]
    bad = [-1.0 if own else value for own, value in zip(positive, params, strict=True)]
    assert np.isnan(family.log_prob(float(truth.median()), *bad))


@pytest.mark.full
@pytest.mark.parametrize("name", [name for name in SCIPY if name != "reciprocal"])
def test_moments_agree_with_scipy(name):
    family, params, truth = SCIPY[name]
    stats = dict(mean="m", variance="v", skewness="s", kurtosis="k")
    for function in ("mean", "variance") if name in HEAVY else stats:
        expected = float(truth.stats(stats[function]))
        np.testing.assert_allclose(getattr(family, function)(*params), expected, 1e-8)
    np.testing.assert_allclose(family.entropy(*params), truth.entropy(), 1e-9)
    draws = np.asarray(family.sample(jax.random.key(1), *params, shape=(20_000,)))
    assert st.kstest(draws, truth.cdf).pvalue > 1e-6


def mass(family, params, low, high, points=400, pieces=(), fn=None):
    """The integral of the density, times a function, between two ends cut at some points."""
    unit, weight = np.polynomial.legendre.leggauss(points)
    edges = np.unique([low, *pieces, high])
    total = 0.0
    for a, b in itertools.pairwise(edges):
        x = a + (b - a) * (unit + 1) / 2
        values = np.exp(family.log_prob(x, *params)) * (1.0 if fn is None else fn(x))
        total += values @ weight * (b - a) / 2
    return total


CONTINUOUS = {
    "lognormal": (LOGNORMAL, (0.7, 0.6), ()),
    "affine_exponential": (d.transformed(d.EXPONENTIAL, AFFINE), (2.0, 1.0, 3.0), ()),
    "exp_uniform": (d.transformed(d.UNIFORM, EXP), (-1.0, 1.0), ()),
    "softplus_laplace": (d.transformed(d.LAPLACE, bijectors.SOFTPLUS), (0.7, 0.5), (1.103,)),
    "truncated_laplace": (d.truncated(d.LAPLACE), (0.7, 2.3, -4.0, 6.0), (0.7,)),
    "truncated_twice": (d.truncated(TRUNCATED), (0.0, 1.0, -1.0, 2.0, 0.0, 1.5), ()),
    "truncated_lognormal": (d.truncated(LOGNORMAL), (0.7, 0.6, 0.5, 9.0), ()),
    "two": (TWO, (WEIGHTS, -2.0, 0.5, 3.0, 1.2), (-3.0, -1.0, 1.0)),
    "exp_two": (d.transformed(TWO, EXP), (WEIGHTS, -2.0, 0.5, 1.0, 0.4), ()),
    "spike": (SPIKE, (WEIGHTS, 0.0, 1.0, 2.0), (0.0,)),
}


@pytest.mark.parametrize(
    "name",
    long_but(("lognormal", "two", "spike"), CONTINUOUS),
)
@pytest.mark.full
def test_densities_integrate_to_one_and_quantiles_invert(name):
    family, params, cuts = CONTINUOUS[name]
    p = np.array([1e-12, 0.05, 0.3, 0.5, 0.8, 1 - 1e-9])
    x = np.asarray(family.quantile(p, *params))
    np.testing.assert_allclose(family.cdf(x, *params), p, 1e-11, 1e-15)  # x is rounded at an end
    np.testing.assert_allclose(family.cdf(x, *params) + family.sf(x, *params), 1, 1e-14)
    np.testing.assert_allclose(np.exp(family.log_cdf(x, *params)), p, 1e-11, 1e-15)
    low = float(family.quantile(1e-16, *params))
    total = mass(family, params, low, x[-1], pieces=[*cuts, *x[1:-1]])
    np.testing.assert_allclose(total, 1 - 1e-9, 1e-11)
    slopes = jax.vmap(lambda x: jax.grad(family.cdf)(x, *params))(x[1:-1])
    np.testing.assert_allclose(slopes, family.prob(x[1:-1], *params), 1e-10)
    slopes = jax.vmap(lambda p: jax.grad(family.quantile)(p, *params))(p[1:-1])
    np.testing.assert_allclose(slopes, 1 / family.prob(x[1:-1], *params), 1e-9)


@pytest.mark.parametrize("name", some(["lognormal", "truncated", "late", "two"]))
@pytest.mark.full
def test_jit_vmap_and_gradients(name):
    family, params = {k: v[:2] for k, v in (SCIPY | CONTINUOUS).items()}[name]
    x = np.array([0.3, 0.8, 1.4])
    one = np.array([family.log_prob(each, *params) for each in x])
    axes = (0, *(None for _ in params))
    np.testing.assert_allclose(jax.jit(jax.vmap(family.log_prob, axes))(x, *params), one, 1e-14)
    np.testing.assert_allclose(family.log_prob(x, *params), one, 1e-14)
    np.testing.assert_allclose(family.log_prob(x=x, **family.params(*params)._asdict()), one, 1e-14)
    slopes = jax.vmap(jax.grad(family.log_prob, tuple(range(len(params) + 1))), axes)(x, *params)
    assert all(np.isfinite(each).all() for each in slopes)
    score = jax.vmap(family.score, axes)(x, *params)
    for one, other in zip(score, slopes[1:], strict=True):
        np.testing.assert_allclose(one, other, 1e-12, 1e-14)
    single = [np.float32(each) for each in params]
    assert family.log_prob(np.float32(0.3), *single).dtype == np.float32


# Transformed


def test_what_a_map_leaves_unchanged():
    p, q = (0.7, 0.6), (0.4, 0.9)
    x = np.array([0.2, 1.0, 7.0])
    for function in ("kl", "squared_hellinger"):
        own, base = (getattr(family, function)(*p, *q) for family in (LOGNORMAL, d.NORMAL))
        assert own == base
    assert LOGNORMAL.renyi(0.7, *p, *q) == d.NORMAL.renyi(0.7, *p, *q)
    np.testing.assert_array_equal(LOGNORMAL.hessian(x, *p), d.NORMAL.hessian(np.log(x), *p))
    np.testing.assert_allclose(LOGNORMAL.entropy(*p), st.lognorm(0.6, scale=np.exp(0.7)).entropy())
    ratio = LOGNORMAL.log_prob(x, *p) - LOGNORMAL.log_prob(x, *q)
    base = d.NORMAL.log_prob(np.log(x), *p) - d.NORMAL.log_prob(np.log(x), *q)
    np.testing.assert_allclose(ratio, base, 1e-13)
    fit = LOGNORMAL.fit(x)
    assert isinstance(fit.estimate, LOGNORMAL.params)
    np.testing.assert_allclose(fit.estimate, d.NORMAL.fit(np.log(x)).estimate)
    cross = LOGNORMAL.cross_entropy(*p, *q)
    np.testing.assert_allclose(cross, LOGNORMAL.entropy(*p) + LOGNORMAL.kl(*p, *q), 1e-14)


@pytest.mark.full
def test_moments_follow_a_line():
    family, params = d.transformed(d.GUMBEL, AFFINE), (0.7, 2.3, 1.5, 0.4)
    truth = st.gumbel_r(1.5 + 0.4 * 0.7, 0.4 * 2.3)
    mean, variance, skewness, kurtosis = map(float, truth.stats("mvsk"))
    expected = dict(mean=mean, variance=variance, skewness=skewness, kurtosis=kurtosis)
    expected |= dict(median=truth.median(), entropy=float(truth.entropy()), std=truth.std())
    for function, value in expected.items():
        np.testing.assert_allclose(getattr(family, function)(*params), value, 1e-12)


@pytest.mark.full
def test_vectors_through_a_map():
    one = d.transformed(d.product(d.NORMAL, d.LOGISTIC), vector_bijectors.stick_breaking(3))
    params = (0.3, 1.2, -0.4, 0.7)
    y = one.sample(jax.random.key(0), *params, shape=(5,))
    np.testing.assert_allclose(y.sum(axis=-1), 1, 1e-15)
    first, second = y[:, 0], y[:, 1] / (1 - y[:, 0])
    # Shares of what is left: the first entry's logit is shifted by the logarithm of two.
    logit = np.log(first / (1 - first)) + np.log(2)
    own = st.norm(0.3, 1.2).logpdf(logit) - np.log(first * (1 - first))
    other = st.logistic(-0.4, 0.7).logpdf(np.log(second / (1 - second)))
    other = other - np.log(second * (1 - second)) - np.log(1 - first)
    np.testing.assert_allclose(one.log_prob(y, *params), own + other, 1e-12)
    assert one.kl(*params, *params) == 0
    with pytest.raises(NotDefinedError, match=r"quantile is not defined"):
        one.quantile(0.3, *params)


# Truncated, fixed and censored

FAR = [(30.0, 35.0), (-35.0, -30.0), (40.0, 41.0), (-60.0, -55.0), (1e-8, 2e-8), (-5.0, 31.0)]


@pytest.mark.parametrize("family", [TRUNCATED_NORMAL, pytest.param(TRUNCATED, marks=slow)])
@pytest.mark.full
def test_truncated_thirty_scales_out(family):
    """Against 60 digits; where x is rounded in the tail, so is what depends on it."""

    def between(a, b):
        return mp.ncdf(-a) - mp.ncdf(-b) if a > 0 else mp.ncdf(b) - mp.ncdf(a)

    def nearly(p, q):
        return mp.log(p) if p < 0.5 else mp.log1p(-q)

    with mp.workdps(60):
        for low, high in FAR:
            ends = mp.mpf(low), mp.mpf(high)
            whole = between(*ends)
            params = (0.0, 1.0, low, high)
            x = low + (high - low) * np.array([0.1, 0.5, 0.9])
            below = [between(ends[0], mp.mpf(each)) / whole for each in x]
            above = [between(mp.mpf(each), ends[1]) / whole for each in x]
            exact = dict(
                log_prob=[mp.log(mp.npdf(mp.mpf(each)) / whole) for each in x],
                cdf=below,
                sf=above,
                log_cdf=[nearly(b, a) for a, b in zip(above, below, strict=True)],
                log_sf=[nearly(a, b) for a, b in zip(above, below, strict=True)],
            )
            bar = 1e-15 * (10 + max(abs(low), abs(high)) ** 2)
            for function, values in exact.items():
                found = getattr(family, function)(x, *params)
                expected = np.array([float(value) for value in values])
                np.testing.assert_allclose(found, expected, bar, 1e-300, err_msg=function)
            p = np.array([0.1, 0.3, 0.9])
            found = [between(ends[0], mp.mpf(float(q))) for q in family.quantile(p, *params)]
            np.testing.assert_allclose(np.array([float(f / whole) for f in found]), p, 2e-12)
            found = [between(mp.mpf(float(q)), ends[1]) for q in family.isf(p, *params)]
            np.testing.assert_allclose(np.array([float(f / whole) for f in found]), p, 2e-12)


@pytest.mark.parametrize("family", [TRUNCATED_NORMAL, pytest.param(TRUNCATED, marks=slow)])
@pytest.mark.full
def test_gradients_thirty_scales_out(family):
    slopes = jax.grad(family.log_prob, (0, 1, 2, 3, 4))(30.1, 0.0, 1.0, 30.0, 35.0)
    with mp.workdps(40):
        whole = mp.ncdf(-30) - mp.ncdf(-35)
        first, last = mp.npdf(30) / whole, mp.npdf(35) / whole
        exact = [-30.1, 30.1 - (first - last), 30.1**2 - 1 - (30 * first - 35 * last), first, -last]
    np.testing.assert_allclose(slopes, [float(each) for each in exact], 1e-11)
    np.testing.assert_allclose(family.score(30.1, 0.0, 1.0, 30.0, 35.0), slopes[1:], 1e-11)


def truncated_divergence(loc, scale, low, high, loc_q, scale_q, low_q, high_q):
    """By the textbook's moments, which cancel."""

    def mass(a, b):
        return mp.ncdf(-a) - mp.ncdf(-b) if a > 0 else mp.ncdf(b) - mp.ncdf(a)

    a, b = (low - loc) / scale, (high - loc) / scale
    own, other = mass(a, b), mass((low_q - loc_q) / scale_q, (high_q - loc_q) / scale_q)
    mean = (mp.npdf(a) - mp.npdf(b)) / own
    square = 1 + (a * mp.npdf(a) - b * mp.npdf(b)) / own
    ratio, shift = scale / scale_q, (loc - loc_q) / scale_q
    square_q = ratio**2 * square + 2 * ratio * shift * mean + shift**2
    return mp.log(other / own / ratio) + (square_q - square) / 2


@pytest.mark.parametrize(
    "params",
    [
        (0.0, 1.0, -1.0, 2.0, 1e-8, 1.0, -1.0, 2.0),
        (0.0, 1.0, -1.0, 2.0, 0.0, 1.0 + 1e-8, -1.0, 2.0),
        (0.0, 1.0, -1.0, 2.0, 0.5, 1.3, -1.5, 2.5),
        (0.0, 1.0, -1.0, 2.0, 0.0, 1.0, -1.0, 2.0 + 1e-9),
        (0.0, 1.0, 30.0, 35.0, 1e-3, 1.0, 30.0, 36.0),
        (0.0, 1.0, 30.0, 35.0, 5.0, 3.0, 29.0, 40.0),
    ],
)
def test_divergence_of_truncated_normals_near_and_far(params):
    with mp.workdps(60):
        exact = truncated_divergence(*map(mp.mpf, params))
    np.testing.assert_allclose(TRUNCATED_NORMAL.kl(*params), float(exact), 1e-13)


def test_divergence_of_normals_as_truncated_ones_without_ends():
    kl, open_ends = TRUNCATED_NORMAL.kl, (-np.inf, np.inf)
    for loc_q, scale_q in ((0.1, 1.0), (0.0, 1.5), (4.0, 0.3), (0.0, 1.0)):
        found = kl(0.0, 1.0, *open_ends, loc_q, scale_q, *open_ends)
        np.testing.assert_allclose(found, d.normal.kl(0.0, 1.0, loc_q, scale_q), 1e-13)
    assert kl(0.0, 1.0, -1.0, 2.0, 0.0, 1.0, -0.5, 2.0) == np.inf
    assert kl(0.0, 1.0, -1.0, 2.0, 0.0, 1.0, -1.0, 2.0) == 0


def test_truncated_normal_has_nothing_beyond_an_open_end():
    open_ends = (0.1, 1.0, -np.inf, np.inf)
    assert TRUNCATED_NORMAL.cdf(-np.inf, *open_ends) == TRUNCATED_NORMAL.sf(np.inf, *open_ends) == 0
    assert TRUNCATED_NORMAL.cdf(np.inf, *open_ends) == TRUNCATED_NORMAL.sf(-np.inf, *open_ends) == 1


ENDS = [*FAR, (-1e6, 1e6), (30.0, np.inf), (-np.inf, -8.0), (-np.inf, np.inf), (300.0, 1e5)]


@pytest.mark.parametrize("ends", ENDS)
@pytest.mark.full
def test_truncated_normal_has_its_moments_to_the_last_digits(ends):
    """Against the textbook's formulas in 60 digits, of which up to 20 cancel."""
    low, high = ends
    with mp.workdps(60):
        # The upper tail on the right of zero: 1 would swallow it.
        lower, upper = (mp.ncdf(-high), mp.ncdf(-low)) if low > 0 else (mp.ncdf(low), mp.ncdf(high))
        whole = upper - lower
        first, last = (mp.npdf(end) / whole if np.isfinite(end) else mp.mpf(0) for end in ends)
        a, b = (mp.mpf(end if np.isfinite(end) else 0.0) for end in ends)
        mean = first - last
        variance = 1 + a * first - b * last - mean**2
        entropy = mp.log(whole) + (a * first - b * last) / 2 + mp.log(2 * mp.pi * mp.e) / 2
    params = (0.0, 1.0, low, high)
    atol = 1e-15 if low < 0 < high else 0
    np.testing.assert_allclose(TRUNCATED_NORMAL.mean(*params), float(mean), 1e-15, atol)
    np.testing.assert_allclose(TRUNCATED_NORMAL.variance(*params), float(variance), 4e-15)
    np.testing.assert_allclose(TRUNCATED_NORMAL.std(*params), float(mp.sqrt(variance)), 4e-15)
    np.testing.assert_allclose(TRUNCATED_NORMAL.entropy(*params), float(entropy), 2e-15)
    moved = (30.0, 2.0, 30 + 2 * low, 30 + 2 * high)
    if np.isfinite(ends).all() and high - low > 1e-3:
        np.testing.assert_allclose(TRUNCATED_NORMAL.variance(*moved), 4 * float(variance), 1e-12)


@pytest.mark.parametrize("family", [TRUNCATED_NORMAL, pytest.param(TRUNCATED, marks=slow)])
def test_ends_in_the_wrong_order_give_nan(family):
    for low, high in ((1.0, 1.0), (2.0, 1.0), (1.0, -1.0), (np.nan, 1.0)):
        for function in ("log_prob", "cdf", "log_sf"):
            assert np.isnan(getattr(family, function)(0.5, 0.0, 1.0, low, high)), function
        assert np.isnan(family.quantile(0.5, 0.0, 1.0, low, high))


@pytest.mark.full
def test_truncated_normal_agrees_with_truncated():
    """The family of its own and the one that the combinator makes of the normal."""
    params, other = (0.7, 2.3, -1.0, 4.0), (0.2, 1.7, -1.5, 5.0)
    x = np.array([-0.9, 0.3, 3.9])
    for function in ("log_prob",):
        ours, made = (getattr(f, function)(x, *params) for f in (TRUNCATED_NORMAL, TRUNCATED))
        np.testing.assert_allclose(ours, made, 1e-14)
    slopes = jax.grad(TRUNCATED_NORMAL.log_prob, (1, 2, 3, 4))(0.3, *params)
    np.testing.assert_allclose(TRUNCATED_NORMAL.score(0.3, *params), slopes, 1e-13)
    slopes = jax.grad(TRUNCATED_NORMAL.mean, (0, 1, 2, 3))(*params)
    std, mean = TRUNCATED_NORMAL.std(*params), TRUNCATED_NORMAL.mean(*params)
    first, last = hazards(*params)
    np.testing.assert_allclose(slopes[0], std**2 / 2.3**2, 1e-13)
    np.testing.assert_allclose(slopes[2], first / 2.3 * (mean + 1), 1e-13)
    np.testing.assert_allclose(slopes[3], last / 2.3 * (4 - mean), 1e-13)
    for name in ("mean", "variance"):
        for k in range(4):
            ends = [(*params[:k], params[k] + step, *params[k + 1 :]) for step in (-1e-4, 1e-4)]
            below, above = (getattr(TRUNCATED_NORMAL, name)(*each) for each in ends)
            slope = jax.grad(getattr(TRUNCATED_NORMAL, name), k)(*params)
            np.testing.assert_allclose(slope, (above - below) / 2e-4, 1e-7, err_msg=name)
    ends = TRUNCATED_NORMAL.prob(np.asarray(params[2:]), *params)
    np.testing.assert_allclose(ends, np.stack([first, last]) / 2.3, 1e-14)
    unit, weight = np.polynomial.legendre.leggauss(60)
    x, weight = -1 + 5 * (unit + 1) / 2, 5 / 2 * weight
    p = weight * np.asarray(TRUNCATED_NORMAL.prob(x, *params))
    gap = TRUNCATED_NORMAL.log_prob(x, *params) - TRUNCATED_NORMAL.log_prob(x, *other)
    np.testing.assert_allclose(TRUNCATED_NORMAL.kl(*params, *other), p @ gap, 1e-11)
    single = [np.float32(each) for each in (0.0, 1.0, 30.0, 35.0)]
    found = TRUNCATED_NORMAL.variance(*single)
    assert found.dtype == np.float32
    expected = TRUNCATED_NORMAL.variance(0.0, 1.0, 30.0, 35.0)
    np.testing.assert_allclose(found, expected, 1e-6)


@pytest.mark.full
def test_moments_of_truncated_far_out():
    with mp.workdps(60):
        for low, high in ((30.0, 35.0), (-1e6, 1e6), (30.0, 1e6), (-1e6, -8.0)):
            whole = mp.ncdf(-low) - mp.ncdf(-high) if low > 0 else mp.ncdf(high) - mp.ncdf(low)
            mean = (mp.npdf(low) - mp.npdf(high)) / whole
            found = TRUNCATED.mean(0.0, 1.0, low, high)
            np.testing.assert_allclose(found, float(mean), 1e-13, 1e-14)


@pytest.mark.full
def test_truncated_counts():
    family, params = d.truncated(d.GEOMETRIC), (0.3, 2.0, 5.0)
    k = np.arange(9.0)
    expected = np.where((k >= 2) & (k <= 5), st.geom(0.3, loc=-1).pmf(k), 0)
    expected /= expected.sum()
    np.testing.assert_allclose(family.prob(k, *params), expected, 1e-14)
    np.testing.assert_allclose(family.cdf(k, *params), np.cumsum(expected), 1e-14)
    np.testing.assert_allclose(family.mean(*params), k @ expected, 1e-14)
    np.testing.assert_array_equal(family.quantile(np.array([0.1, 0.5, 0.99]), *params), [2, 3, 5])
    draws = np.asarray(family.sample(jax.random.key(0), *params, shape=(4000,)))
    seen = np.bincount(draws.astype(int), minlength=9) / 4000
    np.testing.assert_allclose(seen, expected, atol=0.04)


@pytest.mark.full
@pytest.mark.parametrize("base", [TRUNCATED, TRUNCATED_NORMAL])
def test_fit_of_a_truncated_normal(base):
    family = d.fixed(base, low=0.0, high=math.inf)
    assert family.params._fields == ("loc", "scale")
    assert (family.support.low, family.support.high) == (0.0, math.inf)
    x = np.asarray(family.sample(jax.random.key(0), 0.5, 1.2, shape=(500,)))
    fit = family.fit(x)

    def loss(u):
        scale = np.exp(u[1])
        return -np.sum(st.truncnorm(-u[0] / scale, np.inf, u[0], scale).logpdf(x))

    best = scipy.optimize.minimize(loss, [0.5, 0.2], tol=1e-10).x
    np.testing.assert_allclose(fit.estimate, [best[0], np.exp(best[1])], 1e-4)
    assert np.isfinite(np.stack([*fit.standard_errors, *fit.robust_errors])).all()
    with pytest.raises(NotDefinedError, match="hold them by `fixed`"):
        base.fit(x)


def test_fixed_parameters_do_not_move():
    family = d.fixed(d.NORMAL, loc=0.5)
    x = np.array([0.1, 0.4, 2.0])
    assert family.params._fields == ("scale",)
    np.testing.assert_array_equal(family.log_prob(x, 1.2), d.NORMAL.log_prob(x, 0.5, 1.2))
    np.testing.assert_allclose(family.score(0.1, 1.2).scale, d.NORMAL.score(0.1, 0.5, 1.2).scale)
    np.testing.assert_allclose(family.fisher_information(1.2), [[2 / 1.44]], 1e-14)
    np.testing.assert_allclose(family.kl(1.2, 0.7), d.NORMAL.kl(0.5, 1.2, 0.5, 0.7), 1e-15)
    np.testing.assert_allclose(family.fit(x).estimate.scale, np.sqrt(np.mean((x - 0.5) ** 2)), 1e-9)
    shifted = d.fixed(d.transformed(d.EXPONENTIAL, AFFINE), shift=1.0, factor=2.0)
    assert shifted.support.low == 1.0
    np.testing.assert_allclose(shifted.mean(4.0), 1.5, 1e-14)


@pytest.mark.full
def test_censored_is_a_normal_clipped():
    family, params, base = d.censored(d.NORMAL), (0.5, 1.2, 0.0, 2.0), st.norm(0.5, 1.2)
    x = np.array([-1.0, 0.0, 0.5, 2.0, 3.0])
    expected = [-np.inf, base.logcdf(0), base.logpdf(0.5), base.logsf(2), -np.inf]
    np.testing.assert_allclose(family.log_prob(x, *params), expected, 1e-14)
    np.testing.assert_allclose(family.cdf(x, *params), [0, base.cdf(0), 0.5, 1, 1], 1e-14)
    np.testing.assert_allclose(family.sf(x, *params), [1, base.sf(0), 0.5, 0, 0], 1e-14)
    np.testing.assert_array_equal(family.quantile(np.array([0.1, 0.5, 0.99]), *params), [0, 0.5, 2])
    draws = np.asarray(family.sample(jax.random.key(0), *params, shape=(100,)))
    assert draws.min() == 0
    assert draws.max() == 2
    slopes = jax.grad(family.log_prob, (1, 2, 3, 4))(0.0, *params)
    ratio = base.pdf(0) / base.cdf(0)
    np.testing.assert_allclose(slopes, [-ratio, ratio * 0.5 / 1.2, ratio, 0], 1e-13)
    slopes = jax.grad(family.log_prob, (1, 2, 3, 4))(2.0, *params[:2], -math.inf, 2.0)
    assert np.isfinite(slopes).all()


@pytest.mark.full
def test_moments_of_censored():
    family, params = d.censored(d.NORMAL), (0.5, 1.2, 0.0, 2.0)
    unit, weight = np.polynomial.legendre.leggauss(100)
    base = st.norm(0.5, 1.2)
    x, inner = unit + 1, weight * base.pdf(unit + 1)

    def mean(fn):
        return (
            inner @ fn(x) + base.cdf(0) * fn(np.zeros(1))[0] + base.sf(2) * fn(np.full(1, 2.0))[0]
        )

    centre = mean(lambda x: x)
    variance = mean(lambda x: (x - centre) ** 2)
    np.testing.assert_allclose(family.mean(*params), centre, 1e-12)
    np.testing.assert_allclose(family.variance(*params), variance, 1e-12)
    skewness = mean(lambda x: (x - centre) ** 3) / variance**1.5
    np.testing.assert_allclose(family.skewness(*params), skewness, 1e-11)
    entropy = -mean(lambda x: np.asarray(family.log_prob(x, *params)))
    np.testing.assert_allclose(family.entropy(*params), entropy, 1e-12)
    other = (0.7, 1.0, 0.0, 2.0)
    gap = mean(lambda x: np.asarray(family.log_prob(x, *params) - family.log_prob(x, *other)))
    np.testing.assert_allclose(family.kl(*params, *other), gap, 1e-11)
    assert family.kl(*params, 0.7, 1.0, -1.0, 2.0) == np.inf


@pytest.mark.full
def test_fit_of_a_tobit_model():
    family = d.fixed(d.censored(d.NORMAL), low=0.0, high=math.inf)
    x = np.maximum(st.norm(0.5, 1.2).rvs(600, random_state=1), 0)

    def loss(u):
        base = st.norm(u[0], np.exp(u[1]))
        return -np.sum(np.where(x > 0, base.logpdf(x), base.logcdf(0)))

    best = scipy.optimize.minimize(loss, [0.5, 0.2], tol=1e-10).x
    fit = family.fit(x)
    np.testing.assert_allclose(fit.estimate, [best[0], np.exp(best[1])], 1e-4)
    np.testing.assert_allclose(np.stack(fit.standard_errors), np.stack(fit.robust_errors), 0.15)


@pytest.mark.full
def test_the_likelihood_of_an_interval():
    log_between = d.log_between(d.NORMAL)
    low, high = np.array([1.0, 40.0, -np.inf, 0.3]), np.array([2.0, np.inf, 0.5, 0.3 + 1e-10])
    with mp.workdps(50):
        exact = [mp.log(mp.ncdf(-mp.mpf(a)) - mp.ncdf(-mp.mpf(b))) if a > 0 and np.isfinite(b)
                 else mp.log(mp.ncdf(-mp.mpf(a))) if a > 0 else mp.log(mp.ncdf(mp.mpf(b)))
                 for a, b in zip(low, high, strict=True)]  # fmt: skip
    found = log_between(low, high, 0.0, 1.0)
    np.testing.assert_allclose(found, [float(each) for each in exact], 1e-14)
    assert log_between(2.0, 1.0, 0.0, 1.0) == -np.inf
    assert np.isfinite(jax.grad(log_between, (2, 3))(1.0, np.inf, 0.0, 1.0)).all()


# Mixtures


def test_mixture_by_hand():
    a, b = st.norm(-2, 0.5), st.norm(3, 1.2)
    params = (WEIGHTS, -2.0, 0.5, 3.0, 1.2)
    log_w = np.log(WEIGHTS)
    for function in ("logpdf", "logcdf", "logsf"):
        ours = dict(logpdf="log_prob", logcdf="log_cdf", logsf="log_sf")[function]
        terms = [log_w[k] + getattr(part, function)(X) for k, part in enumerate((a, b))]
        found = getattr(TWO, ours)(X, *params)
        np.testing.assert_allclose(found, np.logaddexp(*terms), 1e-13, 1e-15)
    parts = np.stack([a.pdf(X), b.pdf(X)], -1) * WEIGHTS
    with np.errstate(all="ignore"):
        expected = parts / parts.sum(axis=-1, keepdims=True)
    found = TWO.responsibilities(X, *params)
    np.testing.assert_allclose(found[1:], expected[1:], 1e-12)
    np.testing.assert_allclose(found.sum(axis=-1), 1, 1e-14)
    np.testing.assert_allclose(TWO.mean(*params), 1.5, 1e-15)
    within, apart = WEIGHTS @ [0.25, 1.44], WEIGHTS @ np.square([-3.5, 1.5])
    np.testing.assert_allclose(TWO.variance(*params), within + apart, 1e-15)
    for power, function, normal in ((3, "skewness", 0), (4, "kurtosis", 3)):
        moment = mass(TWO, params, -12.0, 20.0, pieces=(-2.0, 3.0), fn=lambda x: (x - 1.5) ** power)  # noqa: B023
        expected = moment / (within + apart) ** (power / 2) - normal
        np.testing.assert_allclose(getattr(TWO, function)(*params), expected, 1e-10)
    draws = TWO.sample(jax.random.key(2), *params, shape=(20_000,))
    assert st.kstest(draws, lambda x: np.asarray(TWO.cdf(x, *params))).pvalue > 1e-6
    # A component without weight has a slope in it, and no other says anything.
    slopes = jax.grad(TWO.log_prob, (1, 2))(3.0, jnp.asarray([0.0, 1.0]), *params[1:])
    np.testing.assert_allclose(slopes[0], [a.pdf(3.0) / b.pdf(3.0), 1.0], 1e-12)
    assert slopes[1] == 0


@pytest.mark.full
def test_expectations_of_mixtures_far_apart():
    parts = [st.norm.entropy(0, s) for s in (0.5, 1.2)]
    expected = WEIGHTS @ parts - WEIGHTS @ np.log(WEIGHTS)
    found = TWO.entropy(WEIGHTS, -1e5, 0.5, 1e6, 1.2)
    np.testing.assert_allclose(found, expected, 1e-9)
    np.testing.assert_allclose(TWO.mode(WEIGHTS, -2.0, 0.5, 3.0, 1.2), -2.0, 1e-3)
    family, params = d.mixture(d.GEOMETRIC, d.GEOMETRIC), (WEIGHTS, 0.2, 0.6)
    np.testing.assert_allclose(family.mean(*params), WEIGHTS @ [4, 2 / 3], 1e-14)
    assert family.quantile(0.7, *params) == 2
    assert family.kinks is None


@pytest.mark.full
def test_expectation_and_maximisation_climb():
    params = (WEIGHTS, -2.0, 0.5, 3.0, 1.2)
    x = np.asarray(TWO.sample(jax.random.key(0), *params, shape=(1500,)))
    found = TWO.em(x, iterations=60)
    gains = np.diff(found.log_likelihoods)
    assert gains.min() > -1e-13
    assert found.log_likelihoods[-1] > found.log_likelihoods[0] + 1e-3
    np.testing.assert_allclose(found.log_likelihoods[-1], np.mean(TWO.log_prob(x, *found.estimate)))
    # Where it stands still the score of the weights, less the multiplier of their sum, is zero.
    score = TWO.responsibilities(x, *found.estimate).mean(axis=0) - found.estimate.weights
    np.testing.assert_allclose(score, 0, atol=1e-9)
    again = TWO.em(x, start=found.estimate, iterations=2).estimate
    np.testing.assert_allclose(again.loc_1, found.estimate.loc_1, 1e-9)


@pytest.mark.full
def test_fit_of_a_mixture_and_its_errors():
    params = (WEIGHTS, -2.0, 0.5, 3.0, 1.2)
    x = np.asarray(TWO.sample(jax.random.key(0), *params, shape=(1500,)))
    fit = TWO.fit(x)
    flat, errors, robust = (np.concatenate([np.ravel(v) for v in part]) for part in fit)
    np.testing.assert_allclose(errors, robust, 0.1)
    assert np.all(np.abs(flat - np.concatenate([np.ravel(v) for v in params])) < 4 * errors)
    assert errors[0] == pytest.approx(errors[1])
    # Nearly those of a binomial share, since the components hardly overlap.
    assert errors[0] == pytest.approx(np.sqrt(flat[0] * flat[1] / 1500), rel=0.02)


# Products and counts


@pytest.mark.full
def test_products_add_up():
    family, params = d.product(d.NORMAL, d.EXPONENTIAL), (0.3, 1.2, 2.0)
    a, b = st.norm(0.3, 1.2), st.expon(scale=0.5)
    assert family.params._fields == ("loc", "scale", "rate")
    x = np.asarray(family.sample(jax.random.key(0), *params, shape=(400,)))
    assert x.shape == (400, 2)
    np.testing.assert_allclose(
        family.log_prob(x, *params), a.logpdf(x[:, 0]) + b.logpdf(x[:, 1]), 1e-13
    )
    np.testing.assert_allclose(family.entropy(*params), a.entropy() + b.entropy(), 1e-14)
    np.testing.assert_allclose(family.mean(*params), [0.3, 0.5])
    kl = d.NORMAL.kl(0.3, 1.2, 0.0, 1.0) + d.EXPONENTIAL.kl(2.0, 1.0)
    np.testing.assert_allclose(family.kl(*params, 0.0, 1.0, 1.0), kl, 1e-14)
    fit = family.fit(x)
    np.testing.assert_allclose(fit.estimate, [x[:, 0].mean(), x[:, 0].std(), 1 / x[:, 1].mean()])
    score = family.score(x[0], *params)
    slopes = jax.grad(family.log_prob, (1, 2, 3))(jnp.asarray(x[0]), *params)
    np.testing.assert_allclose(score, slopes, 1e-14)
    bends = jax.hessian(lambda theta: family.log_prob(x[0], *theta))(jnp.asarray(params))
    np.testing.assert_allclose(family.hessian(x[0], *params), bends, 1e-13, 1e-14)
    eta = family.natural(*params)
    slope = jax.grad(family.log_partition)(eta)
    np.testing.assert_allclose(slope, family.mean_parameters(*params), 1e-13)
    assert family.support.contains(x[0])
    assert not family.support.contains(-x[0])
    same = d.product(d.NORMAL, d.NORMAL)
    assert same.params._fields == ("loc_0", "scale_0", "loc_1", "scale_1")


@pytest.mark.parametrize("make", [d.zero_inflated, d.hurdle])
@pytest.mark.full
def test_counts_with_a_chance_of_zero(make):
    family, params = make(d.GEOMETRIC), (0.3, 0.4)
    k = np.arange(150.0)
    base = st.geom(0.4, loc=-1).pmf(k)
    if make is d.hurdle:
        expected = np.where(k == 0, 0.3, 0.7 * base / (1 - 0.4))
    else:
        expected = 0.7 * base + np.where(k == 0, 0.3, 0)
    np.testing.assert_allclose(family.prob(k, *params), expected, 1e-13)
    np.testing.assert_allclose(family.cdf(k[:20], *params), np.cumsum(expected)[:20], 1e-14)
    tail = np.cumsum(expected[::-1])[::-1]
    np.testing.assert_allclose(family.sf(k[:20], *params), tail[1:21], 1e-12)
    np.testing.assert_allclose(family.log_sf(k[:20], *params), np.log(tail[1:21]), 1e-12)
    np.testing.assert_allclose(family.log_cdf(k[:20], *params), np.log1p(-tail[1:21]), 1e-13)
    np.testing.assert_allclose(family.mean(*params), k @ expected, 1e-12)
    np.testing.assert_allclose(family.cdf(-1.0, *params), 0)
    reached = np.cumsum(expected)
    for p in (0.2, 0.45, 0.61, 0.9, 0.9999):
        assert family.quantile(p, *params) == np.argmax(reached >= p)
        assert family.isf(1 - p, *params) == np.argmax(reached >= p)
    draws = np.asarray(family.sample(jax.random.key(1), *params, shape=(5000,))).astype(int)
    seen = np.bincount(draws, minlength=150)[:12]
    excess = (seen - 5000 * expected[:12]) / np.sqrt(5000 * expected[:12])
    assert np.abs(excess).max() < 5
    slopes = jax.grad(lambda *theta: family.log_prob(0.0, *theta), (0, 1))(*params)
    assert np.isfinite(slopes).all()


@pytest.mark.full
def test_fit_of_zero_inflated_counts():
    family, params = d.zero_inflated(d.GEOMETRIC), (0.3, 0.4)
    x = np.asarray(family.sample(jax.random.key(1), *params, shape=(3000,)))
    fit = family.fit(x)
    score = jax.vmap(lambda x: jnp.stack(family.score(x, *fit.estimate)))(x).mean(axis=0)
    np.testing.assert_allclose(score, 0, atol=1e-7)
    assert np.all(np.abs(np.stack(fit.estimate) - params) < 4 * np.stack(fit.standard_errors))
    k = np.arange(150.0)
    pmf = np.asarray(family.prob(k, *params))
    np.testing.assert_allclose(family.variance(*params), k**2 @ pmf - (k @ pmf) ** 2, 1e-12)
    np.testing.assert_allclose(family.entropy(*params), -pmf @ np.log(pmf), 1e-12)


# What all have in common

ALL = (
    *(
        LOGNORMAL,
        WEIBULL,
        LEFT_GUMBEL,
        TRUNCATED,
        TRUNCATED_NORMAL,
        LATE,
        TWO,
        SPIKE,
        d.censored(d.LOGISTIC),
    ),
    *(d.product(d.NORMAL, d.NORMAL), d.zero_inflated(d.GEOMETRIC), d.hurdle(d.GEOMETRIC)),
    *(d.fixed(TRUNCATED, low=0.0), d.truncated(RAYLEIGH), d.mixture(RAYLEIGH, d.EXPONENTIAL)),
)


@pytest.mark.parametrize("family", ALL, ids=lambda family: family.name)
def test_coverage_has_no_blank_and_every_gap_a_reason(family):
    row = coverage([family])[family.name]
    assert list(row) == list(FUNCTIONS)
    for cell in row.values():
        assert bool(cell.reason) == (cell.origin == "not defined")
        assert not cell.reason or len(cell.reason.split()) >= 4
    for formula in family.formulas:
        assert formula.name.startswith(f"{family.name}.")
        if (
            family not in (TWO, SPIKE)
            and len(family.support.shape) == 0
            and (not isinstance(family, d.Mixture))
        ):
            assert set(formula.partials) == set(formula.differentiable)


def test_combinators_of_the_same_parts_are_one_object():
    assert d.truncated(d.NORMAL) is TRUNCATED
    assert d.mixture(d.NORMAL, d.NORMAL) is TWO
    assert TRUNCATED.cdf is TRUNCATED.cdf


ERRORS = {
    "its values have the shape": lambda: d.truncated(d.product(d.NORMAL, d.NORMAL)),
    "its parameter 'weights' has the shape": lambda: d.truncated(TWO),
    "of mixture_of_normal_normal is not": lambda: d.log_between(TWO),
    "its values are labels": lambda: d.truncated(d.BERNOULLI),
    "some are discrete, some have densities": lambda: d.mixture(d.NORMAL, d.GEOMETRIC),
    "two families at least": lambda: d.mixture(d.NORMAL),
    "values must be single numbers": lambda: d.mixture(d.NORMAL, d.product(d.NORMAL, d.NORMAL)),
    "it is discrete": lambda: d.censored(d.GEOMETRIC),
    "has no density": lambda: d.transformed(d.GEOMETRIC, EXP),
    "is defined in": lambda: d.transformed(d.NORMAL, bijectors.LOG),
    "takes values of shape": lambda: d.transformed(d.NORMAL, vector_bijectors.ordered(3)),
    "the whole numbers from zero on": lambda: d.zero_inflated(d.BERNOULLI),
    "has no parameter 'location'": lambda: d.fixed(d.NORMAL, location=1.0),
    "lies in": lambda: d.fixed(d.NORMAL, scale=-1.0),
    "one at least must move": lambda: d.fixed(d.EXPONENTIAL, rate=1.0),
    "must be single numbers": lambda: d.product(d.NORMAL, TWO),
    "is a chain only where": lambda: bijectors.chain(bijectors.SIGMOID, bijectors.RECIPROCAL),
}


@pytest.mark.parametrize("words", ERRORS)
def test_wrong_combinations_say_why_in_one_sentence(words):
    with pytest.raises(ValueError, match=words) as caught:
        ERRORS[words]()
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


def moderate(formula):
    """The formula where people look: chains of rules are not made for the ends of a dtype."""
    real, positive = (Interval(low, 8.0, (True, True)) for low in (-8.0, 1 / 8))

    def narrowed(domain):
        if not isinstance(domain, Interval):
            return domain
        if domain == OPEN_UNIT:
            return Interval(1 / 64, 63 / 64, (True, True))
        return positive if domain.low == 0 else real

    domains = {name: narrowed(domain) for name, domain in formula.domain.items()}
    return dataclasses.replace(formula, domain=domains)


@pytest.mark.full
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    "formula",
    [*LOGNORMAL.formulas, *WEIBULL.formulas, *ZERO.formulas],
    ids=lambda formula: formula.name,
)
def test_laws_hold_in_moderate_ranges(formula, dtype):
    formula = moderate(formula)
    findings = [finding for law in LAWS for finding in law(formula, dtype)]
    assert not findings, "\n".join(map(str, findings))
