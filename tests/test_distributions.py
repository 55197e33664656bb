"""The families against 50 digits, scipy.stats and the laws of probability."""

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
import scipy.stats

from jaxmath import distributions
from jaxmath.distributions import FAMILIES, FUNCTIONS, Family, NotDefinedError, bernoulli, normal
from jaxmath.distributions.family import KINDS
from jaxmath.distributions.shapes import float_dtype, sample_shape
from jaxmath.domains import OPEN_UNIT, POSITIVE, REAL, Box, Integers, Interval
from jaxmath.formula import Source
from tests.accuracy import routes, worst

FORMULAS = {formula.name: formula for formula in distributions.FORMULAS}
HALF_LOG_TAU = mp.log(2 * mp.pi) / 2


# A third family, as short as one can land


class Params(NamedTuple):
    rate: Any


def log_prob(x, rate):
    """Rate times exp(-rate x) for x >= 0."""
    inside = jnp.log(rate) - rate * jnp.maximum(x, 0.0)
    return jnp.where(x >= 0, inside, -jnp.inf)


def sample(key, rate, shape=()):
    """Minus the logarithm of a uniform number, over the rate."""
    size = sample_shape(shape, rate)
    return jax.random.exponential(key, size, float_dtype(rate)) / jnp.broadcast_to(rate, size)


EXPONENTIAL = Family(
    name="exponential",
    parameters=Params(rate=POSITIVE),
    support=Interval(0.0, closed=(True, False)),
    functions=(log_prob, sample),
    source=Source("casella2002inference", "section 3.3"),
    topic="P9",
)
exponential = EXPONENTIAL.function  # what a module binds to __getattr__


class Chance(NamedTuple):
    chance: Any


def geometric_log_prob(x, chance):
    inside = jnp.log(chance) + x * jnp.log1p(-chance)
    return jnp.where(x >= 0, inside, -jnp.inf)


def geometric_sample(key, chance, shape=()):
    size = sample_shape(shape, chance)
    return jnp.floor(jax.random.exponential(key, size, float_dtype(chance)) / -jnp.log1p(-chance))


def renamed(fn, name):
    fn.__name__ = name
    return fn


GEOMETRIC = Family(
    name="geometric",
    parameters=Chance(chance=OPEN_UNIT),
    support=Integers(0, 2**31 - 1),
    functions=(renamed(geometric_log_prob, "log_prob"), renamed(geometric_sample, "sample")),
    source=Source("casella2002inference", "section 3.2"),
    topic="P10",
    undefined={"mode": "left out on purpose, to see what is said."},
)

# Each family at one setting, and what SciPy calls it.
CASES = {
    "normal": (distributions.NORMAL, (0.7, 2.3), (1.4, 1.9), scipy.stats.norm(0.7, 2.3)),
    "bernoulli": (distributions.BERNOULLI, (0.3,), (0.45,), scipy.stats.bernoulli(0.3)),
    "exponential": (EXPONENTIAL, (2.5,), (1.5,), scipy.stats.expon(scale=1 / 2.5)),
    "geometric": (GEOMETRIC, (0.3,), (0.45,), scipy.stats.geom(0.3, loc=-1)),
}


def families(*quick):
    """All families; those that are not quick in the long tests."""
    return pytest.mark.parametrize(
        "name", [pytest.param(n, marks=() if n in quick else pytest.mark.full) for n in CASES]
    )


everywhere = families("normal", "bernoulli", "exponential")
shipped = families("normal", "bernoulli")


@shipped
def test_every_function_is_there_and_says_where_it_comes_from(name):
    family, params, other, _ = CASES[name]
    for function in FUNCTIONS:
        fn = getattr(family, function)
        assert fn is family.function(function)  # one object: jit of it traces once
        if family.origin(function) == "not defined":
            with pytest.raises(NotDefinedError, match=rf"{name}\.{function} is not defined: \w+"):
                fn(*params)
        elif function not in ("sample", "fit"):
            takes = KINDS[function].takes if function in KINDS else "x" * (function == "score")
            first = {"x": (1.0,), "p": (0.4,)}.get(takes, ())
            second = other if function in ("kl", "cross_entropy") else ()
            for leaf in jax.tree.leaves(fn(*first, *params, *second)):
                assert jnp.all(jnp.isfinite(leaf)) or (name, function) == ("bernoulli", "log_sf")
    generic = [function for function in FUNCTIONS if family.origin(function) == "generic"]
    assert bool(generic) == (name in ("exponential", "geometric"))


@shipped
def test_agrees_with_scipy(name):
    family, params, _, truth = CASES[name]
    x = np.array([-1.5, 0.0, 0.4, 1.0, 2.0, 9.0])
    p = np.array([1e-250, 1e-9, 0.05, 0.49, 0.51, 0.93, 1 - 1e-12])
    pairs = {"cdf": truth.cdf, "sf": truth.sf, "log_cdf": truth.logcdf, "log_sf": truth.logsf}
    for function, exact in pairs.items():
        with np.errstate(divide="ignore"):
            expected = exact(x)
        np.testing.assert_allclose(getattr(family, function)(x, *params), expected, 2e-13, 1e-300)
    np.testing.assert_allclose(family.quantile(p, *params), truth.ppf(p), 3e-13)
    np.testing.assert_allclose(family.isf(p[2:], *params), truth.isf(p[2:]), 3e-13)
    density = truth.pmf if family.discrete else truth.pdf
    outcomes = np.array([0.0, 1.0]) if family.discrete else x
    np.testing.assert_allclose(family.prob(outcomes, *params), density(outcomes), 1e-13)
    mean, variance, skewness, kurtosis = map(float, truth.stats("mvsk"))
    expected = dict(mean=mean, variance=variance, std=math.sqrt(variance), skewness=skewness)
    expected |= dict(kurtosis=kurtosis, median=truth.median(), entropy=float(truth.entropy()))
    for function, value in expected.items():
        np.testing.assert_allclose(getattr(family, function)(*params), value, 1e-12, 1e-14)


def nodes(family, params):
    """Points and weights that integrate, or sum, over all but 1e-20 of the mass; NumPy's."""
    if family.discrete:
        x = np.arange(2.0 if family.name == "bernoulli" else 400.0)
        return x, np.ones_like(x)
    low, high = (0, 25) if family.name == "exponential" else (-25, 25)
    x, weight = np.polynomial.legendre.leggauss(100)
    return low + (high - low) * (x + 1) / 2, weight * (high - low) / 2


@everywhere
def test_laws_of_probability(name):
    family, params, other, _ = CASES[name]
    x, weight = nodes(family, params)
    log_p, log_q = family.log_prob(x, *params), family.log_prob(x, *other)
    mass = weight * np.exp(log_p)
    np.testing.assert_allclose(mass.sum(), 1, 1e-12)
    score = np.stack(jax.tree.leaves(family.score(x, *params)))
    autodiff = jax.vmap(jax.grad(family.log_prob, tuple(range(1, len(params) + 1))), (0, None)
                        if len(params) == 1 else (0, None, None))(x, *params)  # fmt: skip
    np.testing.assert_allclose(score, np.stack(autodiff), 1e-13, 1e-15)
    np.testing.assert_allclose(score @ mass, 0, atol=1e-12)
    information = family.fisher_information(*params)
    np.testing.assert_allclose((score * mass) @ score.T, information, 1e-11, 1e-13)
    np.testing.assert_allclose(family.mean(*params), x @ mass, 1e-12)
    np.testing.assert_allclose(family.entropy(*params), -log_p @ mass, 1e-12)
    np.testing.assert_allclose(family.cross_entropy(*params, *other), -log_q @ mass, 1e-12)
    kl = family.kl(*params, *other)
    np.testing.assert_allclose(kl, (log_p - log_q) @ mass, 1e-10)
    assert kl > 0
    assert family.kl(*params, *params) == 0


@shipped
def test_cdf_sf_and_quantile_belong_together(name):
    family, params, _, _ = CASES[name]
    p = np.array([0.01, 0.2, 0.5, 0.77, 0.999])
    x = np.asarray(family.quantile(p, *params))
    if family.discrete:  # the smallest outcome at which the distribution function reaches p
        assert np.all(family.cdf(x, *params) >= p)
        assert np.all(family.cdf(x - 1, *params) < p)
        for between in (0.3, 0.9):
            np.testing.assert_array_equal(family.cdf(x + between, *params), family.cdf(x, *params))
    else:
        np.testing.assert_allclose(family.cdf(x, *params), p, 1e-12)
        np.testing.assert_allclose(family.sf(family.isf(p, *params), *params), p, 1e-12)
        slope = jax.vmap(lambda x: jax.grad(family.cdf)(x, *params))(x)
        np.testing.assert_allclose(slope, family.prob(x, *params), 1e-11)
        slope = jax.vmap(lambda p: jax.grad(family.quantile)(p, *params))(p)
        np.testing.assert_allclose(slope, 1 / family.prob(x, *params), 1e-11)
        for i in range(1, len(params) + 1):
            # Along a quantile the distribution function stands still.
            moved = jax.vmap(lambda p, i=i: jax.grad(family.quantile, i)(p, *params))(p)
            change = jax.vmap(lambda x, i=i: jax.grad(family.cdf, i)(x, *params))(x)
            np.testing.assert_allclose(change, -family.prob(x, *params) * moved, 1e-11)
    total = family.cdf(x, *params) + family.sf(x, *params)
    np.testing.assert_allclose(total, 1, 1e-15)
    assert np.isnan(family.cdf(np.nan, *params))
    assert np.isnan(family.quantile(np.array([-0.1, 1.1, np.nan]), *params)).all()


@shipped
def test_invalid_parameters_give_nan(name):
    family, params, other, _ = CASES[name]
    for function in KINDS:
        if family.origin(function) == "not defined" or (
            name in ("exponential", "geometric") and family.origin(function) == "own"
        ):
            continue
        first = {"x": (1.0,), "p": (0.4,)}.get(KINDS[function].takes, ())
        second = other if KINDS[function].takes == "q" else ()
        bad = np.array([-1.0, np.nan])
        assert np.isnan(getattr(family, function)(*first, *params[:-1], bad, *second)).all()


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


@everywhere
def test_draws_follow_the_distribution(name):
    family, params, _, truth = CASES[name]
    draws = np.asarray(family.sample(jax.random.key(7), *params, shape=(20_000,)), np.float64)
    np.testing.assert_allclose(
        draws.mean(), truth.mean(), atol=5 * truth.std() / math.sqrt(draws.size)
    )
    if family.discrete:
        seen = np.bincount(draws.astype(int), minlength=20)[:20]
        expected = draws.size * truth.pmf(np.arange(20))
        held = expected > 5
        excess = (seen[held] - expected[held]) / np.sqrt(expected[held])
        assert np.all(np.abs(excess) < 5)
        assert set(np.unique(draws % 1)) == {0.0}
    else:
        assert scipy.stats.kstest(draws, truth.cdf).pvalue > 1e-6


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


@pytest.mark.parametrize(
    "name", [*list(CASES)[:3], pytest.param("geometric", marks=pytest.mark.full)]
)
def test_fits_find_the_likeliest_parameters(name):
    family, params, _, _ = CASES[name]
    x = family.sample(jax.random.key(11), *params, shape=(400,))
    fit = family.fit(x)
    assert isinstance(fit.estimate, family.params)
    total = [np.sum(part) for part in family.score(x, *fit.estimate)]
    size = np.sqrt(np.diag(400 * np.asarray(family.fisher_information(*fit.estimate))))
    np.testing.assert_allclose(total / size, 0, atol=1e-6)
    errors = np.stack(fit.standard_errors)
    np.testing.assert_allclose(errors, 1 / size, 1e-10)
    assert np.all(np.abs(np.stack(fit.estimate) - params) < 5 * errors)
    # A weight is a number of repetitions; weight zero hides even NaN.
    weights = np.resize([1.0, 2.0, 0.0], 400)
    masked = np.where(weights == 0, np.nan, x)
    repeated = family.fit(np.repeat(np.asarray(x), weights.astype(int)))
    for found, expected in zip(
        jax.tree.leaves(family.fit(masked, weights)), jax.tree.leaves(repeated), strict=True
    ):
        np.testing.assert_allclose(found, expected, 1e-7)


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
    assert [family.name for family in FAMILIES] == ["normal", "bernoulli"]


@pytest.mark.full
def test_generic_derivatives_of_any_order():
    rate, p = 2.5, 0.3
    quantile = exponential("quantile")
    exact = -math.log1p(-p) / rate
    np.testing.assert_allclose(jax.grad(quantile, 1)(p, rate), -exact / rate, 1e-12)
    second = jax.grad(jax.grad(quantile, 1), 1)(p, rate)
    np.testing.assert_allclose(second, 2 * exact / rate**2, 1e-11)
    assert jax.grad(exponential("mode"))(rate) == 0
    np.testing.assert_allclose(jax.grad(exponential("entropy"))(rate), -1 / rate, 1e-12)
    np.testing.assert_allclose(EXPONENTIAL.mean(jnp.float32(2.5)), 0.4, 1e-6)
    scales = jnp.array([1e-200, 1.0, 1e200])
    np.testing.assert_allclose(EXPONENTIAL.mean(scales), 1 / scales, 1e-12)


def test_what_has_no_route_says_why():
    assert GEOMETRIC.origin("mode") == "not defined"
    assert GEOMETRIC.why_not("mode").startswith("left out")
    pair = Family(
        "pair", Params(REAL), Box((2,)), (log_prob, sample), Source("casella2002inference"), "P10"
    )
    assert pair.origin("prob") == "generic"
    with pytest.raises(NotDefinedError, match=r"pair.cdf .* values of shape \(2,\)"):
        pair.cdf(jnp.zeros(2), 1.0)
    with pytest.raises(AttributeError, match="no attribute 'cdff'"):
        EXPONENTIAL.cdff  # noqa: B018
    with pytest.raises(ValueError, match="needs a function sample"):
        Family("x", Params(REAL), REAL, (log_prob,), Source("casella2002inference"), "P10")


def test_an_expectation_that_misses_mass_is_nan():
    def leaky(x, rate):
        return log_prob(x, rate) - 0.1

    family = Family(
        "leaky", Params(POSITIVE), POSITIVE, (renamed(leaky, "log_prob"), sample),
        Source("casella2002inference"), "P9",
    )  # fmt: skip
    assert np.isnan(family.mean(2.0))
