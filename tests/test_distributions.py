"""The families against 50 digits, and what generic routes fill in."""

import math

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest

from jaxmath import distributions
from jaxmath.distributions import Family, NotDefinedError, bernoulli, normal
from jaxmath.domains import POSITIVE, REAL, Box
from jaxmath.formula import Source
from tests.accuracy import routes, worst
from tests.families import LOG_SERIES, RAYLEIGH, Params, renamed

FORMULAS = {formula.name: formula for formula in distributions.FORMULAS}
HALF_LOG_TAU = mp.log(2 * mp.pi) / 2


# 50 digits and more


def z(x, loc, scale):
    return (x - loc) / scale


def log_below(z):
    return mp.log(mp.ncdf(z)) if z < 0 else mp.log1p(-mp.ncdf(-z))


def term(p, q):
    return p * mp.log(p / q) if p else mp.mpf(0)


def cross(loc, scale, loc_q, scale_q):
    return mp.log(scale_q) + HALF_LOG_TAU + (scale**2 + (loc - loc_q) ** 2) / (2 * scale_q**2)


def bernoulli_cross(p, q):
    return -(p * mp.log(q) if p else 0) - ((1 - p) * mp.log1p(-q) if p != 1 else 0)


TRUTHS = {
    "normal.log_prob": lambda x, m, s: -(z(x, m, s) ** 2) / 2 - mp.log(s) - HALF_LOG_TAU,
    "normal.prob": lambda x, m, s: mp.npdf(z(x, m, s)) / s,
    "normal.cdf": lambda x, m, s: mp.ncdf(z(x, m, s)),
    "normal.sf": lambda x, m, s: mp.ncdf(-z(x, m, s)),
    "normal.log_cdf": lambda x, m, s: log_below(z(x, m, s)),
    "normal.log_sf": lambda x, m, s: log_below(-z(x, m, s)),
    "normal.entropy": lambda m, s: mp.log(s) + HALF_LOG_TAU + 0.5,
    "normal.cross_entropy": cross,
    "normal.kl": lambda m, s, a, b: cross(m, s, a, b) - mp.log(s) - HALF_LOG_TAU - 0.5,
    "bernoulli.log_prob": lambda x, p: mp.log(p) if x else mp.log1p(-p),
    "bernoulli.prob": lambda x, p: p if x else 1 - p,
    "bernoulli.cdf": lambda x, p: mp.mpf(1) if x else 1 - p,
    "bernoulli.log_cdf": lambda x, p: mp.mpf(0) if x else mp.log1p(-p),
    "bernoulli.std": lambda p: mp.sqrt(p * (1 - p)),
    "bernoulli.skewness": lambda p: (1 - 2 * p) / mp.sqrt(p * (1 - p)),
    "bernoulli.kurtosis": lambda p: 1 / (p * (1 - p)) - 6,
    "bernoulli.entropy": lambda p: bernoulli_cross(p, p),
    "bernoulli.cross_entropy": bernoulli_cross,
    "bernoulli.kl": lambda p, q: term(p, q) + term(1 - p, 1 - q),
}


def wide(dtype, random, count):
    """Positive numbers over half of the exponents of the dtype, and ordinary ones."""
    half = math.log2(float(np.finfo(dtype).max)) / 2
    return np.concatenate([2.0 ** random.uniform(-half, half, count // 2),
                           random.uniform(0.1, 10, count - count // 2)])  # fmt: skip


def arguments(name, dtype, count=12):
    """Settings of a formula: forty standard deviations out, and nearly equal pairs."""
    random = np.random.default_rng(5)
    names = FORMULAS[name].arguments
    if name.startswith("bernoulli"):
        tiny = float(np.finfo(dtype).tiny)
        p = np.concatenate([tiny ** random.uniform(0, 0.98, count), random.uniform(0, 1, count),
                            1 - random.uniform(0, 1, 4) * 1e-3])  # fmt: skip
        if "x" in names:
            return np.resize([0.0, 1.0], p.size).astype(dtype), p.astype(dtype)
        if "probability_q" not in names:
            return (p.astype(dtype),)
        near = p * (1 + random.choice([-1, 1], p.size) * 10.0 ** random.uniform(-7, -1, p.size))
        q = np.where(random.random(p.size) < 0.6, np.clip(near, tiny, 0.999), p[::-1])
        return p.astype(dtype), q.astype(dtype)
    scale = wide(dtype, random, count)
    far = 40 if dtype == np.float64 else 13
    loc = np.where(random.random(count) < 0.5, 0, random.normal(size=count) * scale)
    if "x" in names:
        x = loc + scale * np.concatenate([random.uniform(-far, far, count - 4), [0, 1, -1, 1e-9]])
        return tuple(value.astype(dtype) for value in (x, loc, scale))
    if "loc_q" not in names:
        return loc.astype(dtype), scale.astype(dtype)
    ratio = 1 + random.choice([-0.5, 1], count) * 10.0 ** random.uniform(-7, 0, count)
    pairs = (loc, scale, loc + scale * random.normal(size=count) * (ratio - 1), scale * ratio)
    return tuple(value.astype(dtype) for value in pairs)


def digits(name):
    """So many that differences of one and 1e-300 keep 50; the step of a difference costs 40."""
    if name.startswith("bernoulli"):
        return 700
    return 420 if name in ("normal.cdf", "normal.sf") else 90


def slope(truth, name, i):
    """The partial derivative by differences of fourth order, relative step 1e-15."""

    def partial(*args):
        with mp.workdps(digits(name)):
            *_, last = args
            unit = last  # the scale, or the probability
            if "probability" in FORMULAS[name].arguments:
                unit = min(args[i], 1 - args[i])
            elif "x" in FORMULAS[name].arguments:
                unit = last / (1 + z(*args) ** 2)
            elif FORMULAS[name].arguments[i].startswith("scale"):
                unit = args[i]

            def moved(k):
                return truth(*args[:i], args[i] + k * unit * mp.mpf(10) ** -15, *args[i + 1 :])

            difference = 8 * (moved(1) - moved(-1)) - (moved(2) - moved(-2))
            return difference / (12 * unit * mp.mpf(10) ** -15)

    return partial


# In float32 every run tests those with a path of their own there.
IN_BOTH = ("normal.prob", "normal.log_cdf", "normal.kl", "bernoulli.log_prob", "bernoulli.kl")
DOUBLE = [pytest.param(name, np.float64) for name in TRUTHS]
SINGLE = [
    pytest.param(name, np.float32, marks=[] if name in IN_BOTH else [pytest.mark.full])
    for name in TRUTHS
]


@pytest.mark.parametrize(("name", "dtype"), [*DOUBLE, *SINGLE])
def test_accuracy(name, dtype):
    formula, truth = FORMULAS[name], TRUTHS[name]
    batch = arguments(name, dtype)

    def exact(*args):
        with mp.workdps(digits(name)):
            return truth(*args)

    answers = routes(formula)(*batch)
    for order, found in answers.items():
        if len(order) == 2:
            i, j = (formula.arguments.index(key) for key in order)
            meaning = slope(slope(truth, name, i), name, j)
        else:
            meaning = slope(truth, name, formula.arguments.index(order[0])) if order else exact
        error, where = worst(found, meaning, batch, conditioned=True)
        assert error <= 10, (order, where)


def test_far_quantiles():
    for p in (1e-300, 1e-20, 0.3):
        with mp.workdps(340):
            exact = float(mp.sqrt(2) * mp.erfinv(2 * mp.mpf(p) - 1))
        np.testing.assert_allclose(normal.quantile(p, 1.0, 3.0), 1 + 3 * exact, 1e-15)
        np.testing.assert_allclose(normal.isf(p, 1.0, 3.0), 1 - 3 * exact, 1e-15)
        density = float(mp.npdf(mp.mpf(exact)))
        np.testing.assert_allclose(jax.grad(normal.isf)(p, 0.0, 1.0), -1 / density, 1e-12)
    assert normal.quantile(np.array([0.0, 1.0]), 0.0, 1.0).tolist() == [-np.inf, np.inf]


def test_divergences_near_the_largest_number():
    """Half of 1.8e308 is a number, and so is half of the square of 1.9e154."""
    for far in (1.4e154, 1.8e154):
        expected = float(mp.mpf(far) ** 2 / 2)
        for divergence in (normal.kl, normal.cross_entropy):
            np.testing.assert_allclose(divergence(far, 1.0, 0.0, 1.0), expected, 1e-15)
            np.testing.assert_allclose(divergence(0.0, far, 0.0, 1.0), expected, 1e-15)
            np.testing.assert_allclose(jax.grad(divergence)(far, 1.0, 0.0, 1.0), far, 1e-15)


def test_the_edges_of_bernoulli():
    sure, never = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    assert bernoulli.log_prob(sure, sure).tolist() == [0, 0]
    assert bernoulli.log_prob(sure, never).tolist() == [-np.inf, -np.inf]
    slopes = jax.jit(jax.vmap(jax.grad(bernoulli.log_prob, 1)))
    assert slopes(sure, sure).tolist() == [1, -1]
    assert slopes(sure, never).tolist() == [np.inf, -np.inf]
    for fn in (bernoulli.entropy, bernoulli.variance, bernoulli.std):
        assert fn(sure).tolist() == [0, 0]
    assert bernoulli.kl(sure, sure).tolist() == [0, 0]
    assert bernoulli.kl(sure, never).tolist() == [np.inf, np.inf]
    np.testing.assert_allclose(bernoulli.kl(sure, np.array([0.2, 0.2])), -np.log([0.2, 0.8]))
    inward = jax.jit(jax.vmap(jax.grad(bernoulli.kl, 1)))
    assert inward(sure, sure).tolist() == [-1, 1]
    assert jax.jit(jax.grad(bernoulli.kl))(0.3, 0.3) == 0
    assert bernoulli.log_prob(0.5, 0.3) == -np.inf
    assert bernoulli.prob(2.0, 0.3) == 0
    assert np.isnan(bernoulli.log_prob(np.nan, 0.3))
    # 0 is answered for p = 0 although nothing lies at or below -1: the least possible outcome.
    assert bernoulli.quantile(np.array([0.0, 0.7, 0.71, 1.0]), 0.3).tolist() == [0, 0, 1, 1]


def test_a_saturated_divergence_in_single_precision():
    logit = jnp.float32(30.0)
    slope = jax.grad(lambda z: bernoulli.kl(jax.nn.sigmoid(-z), jnp.float32(0.5)))(logit)
    np.testing.assert_allclose(slope, 2.807286890651526990828988e-12, 1e-6)


# Draws and fits


def test_draws_have_shape_and_dtype_of_what_is_asked():
    loc, scale = jnp.zeros((2, 1), jnp.float32), jnp.ones(3, jnp.float32)
    draws = normal.sample(jax.random.key(0), loc, scale[None, :], shape=(5,))
    assert draws.shape == (5, 2, 3)
    assert draws.dtype == np.float32
    assert len(np.unique(draws)) == 30
    draws = bernoulli.sample(jax.random.key(0), jnp.full(3, 0.5, jnp.float32), shape=(4,))
    assert draws.shape == (4, 3)
    assert draws.dtype == np.float32
    rare = bernoulli.sample(jax.random.key(1), jnp.float32(1e-9), shape=(1_000_000,))
    assert rare.sum() == 0  # 23 random bits would give a tenth of one, and more for 1e-7


def test_normal_draws_move_with_the_parameters():
    def draw(loc, scale):
        return normal.sample(jax.random.key(3), loc, scale)

    x = draw(0.5, 2.0)
    slopes = jax.grad(draw, (0, 1))(0.5, 2.0)
    np.testing.assert_allclose(slopes, normal.velocity(x, 0.5, 2.0), 1e-15)


def test_standard_errors_are_the_spread_of_fits():
    keys = jax.random.split(jax.random.key(5), 4000)
    fits = jax.jit(jax.vmap(lambda key: normal.fit(normal.sample(key, 3.0, 2.0, (200,)))))(keys)
    for estimates, errors in zip(fits.estimate, fits.standard_errors, strict=True):
        spread = np.std(estimates)
        np.testing.assert_allclose(np.mean(errors), spread, rtol=5 / math.sqrt(2 * 4000))


def test_a_fit_refuses_what_it_cannot_read(monkeypatch):
    import jaxtyping

    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    with pytest.raises(ValueError, match=r"one axis.*\(2, 3\)"):
        normal.fit(np.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"3 observations.*\(2,\)"):
        normal.fit(np.zeros(3), np.ones(2))


# The record


def test_formulas_are_named_by_family_and_function():
    assert len(FORMULAS) == len(distributions.FORMULAS)
    assert set(TRUTHS) <= set(FORMULAS)
    assert {"normal.cdf", "bernoulli.cdf"} <= set(FORMULAS)
    assert "bernoulli.quantile" not in FORMULAS  # a step: nothing to differentiate


@pytest.mark.full
def test_generic_derivatives_of_any_order():
    scale, p = 2.5, 0.3
    exact = math.sqrt(-2 * math.log1p(-p))
    slope = jax.grad(RAYLEIGH.quantile, 1)
    np.testing.assert_allclose(slope(p, scale), exact, 1e-12)
    second = jax.grad(slope)(p, scale)
    np.testing.assert_allclose(second, 1 / (1 - p) / exact, 1e-11)
    np.testing.assert_allclose(jax.grad(RAYLEIGH.mode)(scale), 1, 1e-12)
    np.testing.assert_allclose(jax.grad(RAYLEIGH.entropy)(scale), 1 / scale, 1e-9)
    mean = math.sqrt(math.pi / 2)
    np.testing.assert_allclose(RAYLEIGH.mean(jnp.float32(2.5)), 2.5 * mean, 1e-6)
    scales = jnp.array([1e-200, 1.0, 1e200])
    np.testing.assert_allclose(RAYLEIGH.mean(scales), scales * mean, 1e-12)


def test_what_has_no_route_says_why():
    assert LOG_SERIES.origin("mode") == "not defined"
    assert LOG_SERIES.why_not("mode").startswith("left out")
    log_prob, sample = RAYLEIGH.functions
    source = Source("casella2002inference")
    pair = Family("pair", Params(REAL), Box((2,)), (log_prob, sample), source, "P10")
    assert pair.origin("prob") == "generic"
    with pytest.raises(NotDefinedError, match=r"pair.cdf .* values of shape \(2,\)"):
        pair.cdf(jnp.zeros(2), 1.0)
    with pytest.raises(AttributeError, match="no attribute 'cdff'"):
        RAYLEIGH.cdff  # noqa: B018
    with pytest.raises(ValueError, match="needs a function sample"):
        Family("x", Params(REAL), REAL, (log_prob,), source, "P10")


def test_relations_of_arguments_follow_from_where_and_ends():
    """Between the ends lies x, and a second uniform distribution encloses the first."""
    formulas = {formula.name: formula for formula in distributions.UNIFORM.formulas}
    holds = formulas["uniform.cdf"].where
    assert [bool(holds(x, 0.0, 1.0)) for x in (-0.1, 0.0, 0.5, 1.0)] == [False, False, True, False]
    assert not holds(0.5, 1.0, 0.0)
    assert not formulas["uniform.mean"].where(1.0, 1.0)
    holds = formulas["uniform.kl"].where
    assert holds(0.0, 1.0, -1.0, 1.0)
    assert not holds(0.0, 1.0, 0.1, 2.0)
    assert FORMULAS["normal.cdf"].where is None


def test_an_expectation_that_misses_mass_is_nan():
    log_prob, sample = RAYLEIGH.functions

    def leaky(x, scale):
        return log_prob(x, scale) - 0.1

    functions = (renamed(leaky, "log_prob"), sample)
    source = Source("casella2002inference")
    family = Family("leaky", Params(POSITIVE), POSITIVE, functions, source, "P10")
    assert np.isnan(family.mean(2.0))
