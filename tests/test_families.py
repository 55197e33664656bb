"""Every family: against scipy.stats, against sums and integrals, and one function by another."""

import itertools

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
import scipy.stats

from jaxmath.distributions import FAMILIES, FUNCTIONS, VECTOR_FAMILIES, NotDefinedError
from jaxmath.distributions.contract import EXPONENTIAL_FAMILY, KINDS, PAIRS
from jaxmath.distributions.coverage import coverage
from tests.families import (
    CASES,
    HEAVY,
    IRREGULAR,
    ROUGH,
    SHIPPED,
    TOYS,
    nodes,
    ordinary,
    over,
)

OF_DATA = ("fit", "interval", "profile")
DIVERGENCES = ("kl", "jensen_shannon", "squared_hellinger", "renyi")
quick = ("exponential",)


def defined(family, *names):
    return [name for name in names if family.origin(name) != "not defined"]


def test_every_family_has_a_case():
    assert {family.name for family in FAMILIES if family not in VECTOR_FAMILIES} == set(SHIPPED)


def arguments(case, function):
    """One set of arguments of a function that is not of data."""
    x, params = float(ordinary(case)[1]), case.params
    if function in EXPONENTIAL_FAMILY:
        eta = getattr(case.family, "natural")(*params)  # noqa: B009
        return {"sufficient": (x,), "log_partition": (eta,)}.get(function, params)
    first = {"x": (x,), "p": (0.4,)}.get(KINDS[function].takes if function in KINDS else "", ())
    if function in ("score", "hessian"):
        first = (x,)
    if function == "renyi":
        first = (0.7,)
    return (*first, *params, *(case.other if function in PAIRS else ()))


@over(CASES)
def test_every_function_is_there_and_says_where_it_comes_from(name):
    case = CASES[name]
    for function in FUNCTIONS:
        fn = getattr(case.family, function)
        assert fn is case.family.function(function)  # one object: jit of it traces once
        if case.family.origin(function) == "not defined":
            with pytest.raises(NotDefinedError, match=rf"{name}\.{function} is not defined: \w+"):
                fn(*case.params)
        elif function not in (*OF_DATA, "sample"):
            for leaf in jax.tree.leaves(fn(*arguments(case, function))):
                finite = jnp.all(jnp.isfinite(leaf))
                assert finite or (name, function) == ("bernoulli", "log_sf"), function


def test_coverage_has_no_blank_and_every_gap_a_reason():
    table = coverage()
    assert list(table) == [family.name for family in FAMILIES]
    for family, row in table.items():
        assert list(row) == list(FUNCTIONS), family
        for cell in row.values():
            assert cell.origin in ("own", "generic", "not defined")
            assert bool(cell.reason) == (cell.origin == "not defined")
            assert not cell.reason or len(cell.reason.split()) >= 4
    toys = coverage([CASES[name].family for name in TOYS])
    origins = [cell.origin for cell in toys["rayleigh"].values()]
    assert origins.count("own") == 2
    assert origins.count("generic") == len(FUNCTIONS) - 2 - len(EXPONENTIAL_FAMILY)
    assert toys["log_series"]["mode"].reason.startswith("left out")


FITTED = [n for n in CASES if "uniform" not in n and CASES[n].family.origin("fit") != "not defined"]
ENDED = ("uniform", "von_mises", "truncated_normal")
"""Those with ends that are not zero."""


@over(SHIPPED, quick)
def test_agrees_with_scipy(name):
    family, params, _, truth = case = CASES[name]
    x = np.concatenate([ordinary(case), [-1.5, 0.4, 2.0, 90.0]])
    # SciPy's tails of some are subtracted from one.
    if name in (*ENDED, "geometric", "poisson", "pareto"):
        x = x[1:6]
    if name == "half_normal":  # SciPy's logarithm of its tail is that of zero
        x = x[:-1]
    p = np.array([1e-250, 1e-9, 0.05, 0.49, 0.51, 0.93])
    pairs = {"cdf": truth.cdf, "sf": truth.sf, "log_cdf": truth.logcdf, "log_sf": truth.logsf}
    for function, exact in pairs.items():
        with np.errstate(all="ignore"):
            expected = exact(x)
        np.testing.assert_allclose(getattr(family, function)(x, *params), expected, 2e-13, 1e-300)
    if name in ("poisson", "f"):  # SciPy's starts at 1e-250 with no number
        p = p[1:]
    if name == "half_normal":  # whose small quantiles are those of one half in SciPy
        p = p[2:]
    np.testing.assert_allclose(family.quantile(p, *params), truth.ppf(p), 3e-13)
    if name != "geometric":  # whose quantile there is divided by zero in SciPy
        np.testing.assert_allclose(family.isf(p, *params), truth.isf(p), 3e-13, 1e-300)
    density = truth.pmf if family.discrete else truth.pdf
    outcomes = ordinary(case) if family.discrete else x
    np.testing.assert_allclose(family.prob(outcomes, *params), density(outcomes), 1e-13, 1e-300)
    mean, variance, skewness, kurtosis = map(float, truth.stats("mvsk"))
    expected = dict(mean=mean, variance=variance, std=variance**0.5, skewness=skewness)
    expected |= dict(kurtosis=kurtosis, median=truth.median(), entropy=float(truth.entropy()))
    for function in defined(family, *expected):
        found = getattr(family, function)(*params)
        np.testing.assert_allclose(found, expected[function], 1e-12, 1e-14)


LOG_TAILS = {
    "laplace": (lambda z: mp.log(mp.exp(z) / 2 if z < 0 else 1 - mp.exp(-z) / 2), None),
    "logistic": (lambda z: -mp.log1p(mp.exp(-z)), None),
    "gumbel": (lambda z: -mp.exp(-z), lambda z: mp.log1p(-mp.exp(-mp.exp(-z)))),
    "exponential": (lambda z: mp.log1p(-mp.exp(-z)) if z > 0 else -mp.inf, lambda z: -z),
}


@pytest.mark.parametrize("name", LOG_TAILS)
def test_tails_to_the_last_digits(name):
    """Against 400 digits, from 1e-300 to 700 units out, where probabilities are normal numbers."""
    family, below, above = CASES[name].family, *LOG_TAILS[name]
    above = above or (lambda z: below(-z))
    z = np.array(
        [1e-300, 1e-20, 1e-9, 0.1, 0.4, 0.69, 0.7, 1.0, 3.0, 36.0, 38.0, 41.0, 300.0, 690.0]
    )
    if name != "exponential":
        z = np.concatenate([-z, z]) if name != "gumbel" else np.concatenate([-z[:9], z])
    params = (1.0,) if name == "exponential" else (0.0, 1.0)
    with mp.workdps(400):
        logs = [[tail(mp.mpf(float(each))) for each in z] for tail in (below, above)]
        values = [np.array([float(mp.exp(log)) for log in side]) for side in logs]
    for function, expected in zip(("log_cdf", "log_sf"), logs, strict=True):
        found = getattr(family, function)(z, *params)
        np.testing.assert_allclose(found, np.array(expected, float), 4e-15, err_msg=function)
    for function, expected in zip(("cdf", "sf"), values, strict=True):
        spread = np.maximum(np.abs(z), 1) if name != "gumbel" else np.maximum(np.abs(z), np.exp(-z))
        error = np.abs(getattr(family, function)(z, *params) - expected) / expected
        assert np.all(error <= 4e-16 * (3 + spread)), function


@over(CASES, quick)
def test_laws_of_probability(name):
    family, params, other, _ = case = CASES[name]
    x, weight = nodes(case)
    log_p, log_q = family.log_prob(x, *params), family.log_prob(x, *other)
    mass = weight * np.exp(log_p)
    np.testing.assert_allclose(mass.sum(), 1, 1e-12)
    for function, values in (("mean", x), ("entropy", -log_p)):
        if function not in defined(family, "mean", "entropy"):
            continue
        # The rule meets the singular logarithm at a Rayleigh density's end.
        close = 1e-9 if name == "rayleigh" else 1e-12
        np.testing.assert_allclose(getattr(family, function)(*params), values @ mass, close)
    np.testing.assert_allclose(family.cross_entropy(*params, *other), -log_q @ mass, close)
    kl = family.kl(*params, *other)
    np.testing.assert_allclose(kl, (log_p - log_q) @ mass, 1e-9)
    assert kl > 0


@over([n for n in CASES if CASES[n].family.origin("score") != "not defined"], quick)
def test_scores_and_hessians_are_derivatives_and_have_their_moments(name):
    family, params, _, _ = case = CASES[name]
    x, weight = nodes(case)
    mass = weight * np.exp(family.log_prob(x, *params))
    score = np.stack(jax.tree.leaves(family.score(x, *params)))
    places = tuple(k + 1 for k in case.moving)
    axes = (0, *(None for _ in params))
    slopes = jax.vmap(jax.grad(family.log_prob, places), axes)(x, *params)
    np.testing.assert_allclose(score, np.stack(slopes), 1e-13, 1e-15)
    if family.origin("fisher_information") != "not defined":
        np.testing.assert_allclose(score @ mass, 0, atol=1e-12)
        information = family.fisher_information(*params)
        np.testing.assert_allclose((score * mass) @ score.T, information, 1e-10, 1e-12)
    bends = jax.vmap(jax.jacfwd(jax.grad(family.log_prob, places), places), axes)(x, *params)
    bends = np.stack([np.stack(row) for row in bends])
    found = np.moveaxis(np.asarray(family.hessian(x, *params)), 0, -1)
    np.testing.assert_allclose(found, bends, 1e-12, 1e-14)


@over(CASES)
def test_divergences_are_what_they_are_defined_as(name):
    family, params, other, _ = case = CASES[name]
    x, weight = nodes(case)
    # The rule covers the first; the second is asked for where it has mass of its own.
    if family.discrete:
        first = -10.0 if name == "discrete_uniform" else 0.0
        x, weight = np.arange(first, 2.0 if name == "bernoulli" else 2000.0), 1.0
    elif name in ROUGH:
        x, weight = nodes(case)
    else:
        reach = [family.quantile(1e-17, *params), family.quantile(1e-17, *other)]
        reach += [family.isf(1e-17, *params), family.isf(1e-17, *other)]
        kinks = [params[0], other[0]] if name == "laplace" else []
        kinks += [*params, *other] if name == "uniform" else []
        edges = np.unique(np.concatenate([reach, kinks]))
        unit, size = np.polynomial.legendre.leggauss(200)
        spans = list(itertools.pairwise(edges))
        x = np.concatenate([low + (high - low) * (unit + 1) / 2 for low, high in spans])
        weight = np.concatenate([size * (high - low) / 2 for low, high in spans])
    p, q = np.exp(family.log_prob(x, *params)), np.exp(family.log_prob(x, *other))
    with np.errstate(all="ignore"):
        halves = [np.where(r > 0, r * np.log(2 * r / (p + q)), 0) for r in (p, q)]
    expected = np.sum(weight * (halves[0] + halves[1])) / 2
    np.testing.assert_allclose(family.jensen_shannon(*params, *other), expected, 1e-9)
    expected = np.sum(weight * np.square(np.sqrt(p) - np.sqrt(q))) / 2
    np.testing.assert_allclose(family.squared_hellinger(*params, *other), expected, 1e-9)
    for order in (0.3, 0.8, 1.2):
        with np.errstate(all="ignore"):
            terms = np.where((p > 0) & (q > 0), p * np.exp((order - 1) * np.log(p / q)), 0)
        expected = np.log(np.sum(weight * terms)) / (order - 1)
        np.testing.assert_allclose(family.renyi(order, *params, *other), expected, 1e-8)
    np.testing.assert_allclose(family.renyi(1.0, *params, *other), family.kl(*params, *other), 1e-9)
    near = family.renyi(1 + 1e-9, *params, *other)
    np.testing.assert_allclose(near, family.kl(*params, *other), 1e-6)
    if family.origin("squared_wasserstein") == "own":
        u = (np.arange(200_000) + 0.5) / 200_000
        far = np.square(family.quantile(u, *params) - family.quantile(u, *other))
        found = family.squared_wasserstein(*params, *other)
        np.testing.assert_allclose(found, far.mean(), 1e-3)
    elif name == "rayleigh":
        found = family.squared_wasserstein(*params, *other)
        np.testing.assert_allclose(found, 2 * (params[0] - other[0]) ** 2, 1e-9)


@over(SHIPPED, quick)
def test_divergences_of_neighbours_are_the_fisher_metric(name):
    """Each is a multiple of the squared length of the step, and none loses its digits there."""
    family, params, _, _ = case = CASES[name]
    if family.origin("fisher_information") == "not defined":
        pytest.skip("there is no metric")
    step = 1e-7 * np.array([1.0, 0.6, 0.3])[: len(case.moving)]
    length = step @ np.asarray(family.fisher_information(*params)) @ step
    near = np.array(params)
    near[case.moving] += step
    halves = dict(kl=1 / 2, jensen_shannon=1 / 8, squared_hellinger=1 / 8, renyi=0.7 / 2)
    for function, share in halves.items():
        order = (0.7,) if function == "renyi" else ()
        if family.origin(function) == "own":
            found = getattr(family, function)(*order, *params, *near)
            np.testing.assert_allclose(found, share * length, 2e-6, err_msg=function)
            assert getattr(family, function)(*order, *params, *params) == 0


@over(SHIPPED, quick)
def test_cdf_sf_and_quantile_belong_together(name):
    family, params, _, _ = CASES[name]
    p = np.array([0.01, 0.2, 0.5, 0.77, 0.999])
    x = np.asarray(family.quantile(p, *params))
    if family.discrete:  # the smallest outcome at which the distribution function reaches p
        assert np.all(family.cdf(x, *params) >= p)
        assert np.all(family.cdf(x - 1, *params) < p)
        assert np.all(family.sf(family.isf(p, *params), *params) <= p)
        for between in (0.3, 0.9):
            np.testing.assert_array_equal(family.cdf(x + between, *params), family.cdf(x, *params))
    else:
        np.testing.assert_allclose(family.cdf(x, *params), p, 1e-12)
        np.testing.assert_allclose(family.sf(family.isf(p, *params), *params), p, 1e-12)
        tiny = np.array([1e-300, 1e-30])
        small = np.log(tiny)
        if name not in (*ENDED, "pareto"):  # where x is rounded to the end
            inverse = family.log_cdf(family.quantile(tiny, *params), *params)
            np.testing.assert_allclose(inverse, small, 1e-13)
        if name not in (*ENDED, "beta"):  # likewise
            inverse = family.log_sf(family.isf(tiny, *params), *params)
            np.testing.assert_allclose(inverse, small, 1e-13)
        slope = jax.vmap(lambda x: jax.grad(family.cdf)(x, *params))(x)
        np.testing.assert_allclose(slope, family.prob(x, *params), 1e-11)
        slope = jax.vmap(lambda p: jax.grad(family.quantile)(p, *params))(p)
        np.testing.assert_allclose(slope, 1 / family.prob(x, *params), 1e-11)
        for i in range(1, len(params) + 1):
            # Along a quantile the distribution function stands still.
            moved = jax.vmap(lambda p, i=i: jax.grad(family.quantile, i)(p, *params))(p)
            change = jax.vmap(lambda x, i=i: jax.grad(family.cdf, i)(x, *params))(x)
            np.testing.assert_allclose(change, -family.prob(x, *params) * moved, 1e-11, 1e-15)
    total = family.cdf(x, *params) + family.sf(x, *params)
    np.testing.assert_allclose(total, 1, 1e-15)
    assert np.isnan(family.cdf(np.nan, *params))
    assert np.isnan(family.quantile(np.array([-0.1, 1.1, np.nan]), *params)).all()
    assert np.isnan(family.isf(np.array([-0.1, 1.1, np.nan]), *params)).all()


@over(SHIPPED, quick)
def test_invalid_parameters_give_nan(name):
    case = CASES[name]
    bad = np.array([-5.0, np.nan])  # below the lower end, too, of those that have ends
    for function in (*KINDS, "squared_hellinger", "renyi", "squared_wasserstein"):
        if case.family.origin(function) == "own":
            args = list(arguments(case, function))
            place = len(args) - len(case.params) * (1 + (function in PAIRS)) + len(case.params) - 1
            args[place] = bad
            assert np.isnan(getattr(case.family, function)(*args)).all(), function


@over([n for n in SHIPPED if CASES[n].family.origin("log_partition") == "own"], quick)
def test_exponential_families_are_such(name):
    family, params, other, _ = case = CASES[name]
    x = ordinary(case)

    def base(params):
        """The logarithm of the base measure, which does not depend on the parameters."""
        eta = family.natural(*params)
        return family.log_prob(x, *params) - family.sufficient(x) @ eta + family.log_partition(eta)

    np.testing.assert_allclose(base(params), base(other), 1e-12, 1e-12)
    eta = family.natural(*params)
    slope = jax.grad(family.log_partition)(eta)
    np.testing.assert_allclose(slope, family.mean_parameters(*params), 1e-13)
    x, weight = nodes(case)
    statistics, mass = np.asarray(family.sufficient(x)), weight * family.prob(x, *params)
    slope = np.asarray(slope)
    np.testing.assert_allclose(mass @ statistics, slope, 1e-12, 1e-16)
    spread = (statistics - slope).T @ (mass[:, None] * (statistics - slope))
    np.testing.assert_allclose(jax.hessian(family.log_partition)(eta), spread, 1e-10, 1e-15)


@over(CASES, quick)
def test_draws_follow_the_distribution(name):
    family, params, _, truth = CASES[name]
    draws = np.asarray(family.sample(jax.random.key(7), *params, shape=(20_000,)), np.float64)
    if name not in HEAVY:
        spread = 5 * truth.std() / np.sqrt(draws.size)
        np.testing.assert_allclose(draws.mean(), truth.mean(), atol=spread)
    if family.discrete:
        seen = np.bincount(draws.astype(int) + 5, minlength=25)[:25]
        expected = draws.size * truth.pmf(np.arange(-5, 20))
        held = expected > 5
        excess = (seen[held] - expected[held]) / np.sqrt(expected[held])
        assert np.all(np.abs(excess) < 5)
        assert set(np.unique(draws % 1)) == {0.0}
    else:
        assert scipy.stats.kstest(draws, truth.cdf).pvalue > 1e-6


@over(  # those of a circle turn with its direction, whatever the cut; they have a test of their own
    [n for n in SHIPPED if not CASES[n].family.discrete and n != "von_mises"], ("laplace",)
)
def test_draws_move_with_the_parameters(name):
    """As the quantile of the same probability does."""
    family, params, _, _ = CASES[name]
    places = tuple(range(len(params)))

    def draw(*params):
        return family.sample(jax.random.key(3), *params)

    p = family.cdf(draw(*params), *params)
    slopes = jax.grad(draw, places)(*params)
    expected = jax.grad(family.quantile, tuple(i + 1 for i in places))(p, *params)
    np.testing.assert_allclose(slopes, expected, 1e-9)


@over([n for n in FITTED if n not in IRREGULAR])
def test_fits_find_the_likeliest_parameters(name):
    family, params, _, _ = case = CASES[name]
    x = np.asarray(family.sample(jax.random.key(11), *params, shape=(401,)))
    fit = case.fit(x)
    assert isinstance(fit.estimate, family.params)
    score = np.stack(family.score(x, *fit.estimate))
    size = np.sqrt(np.diag(401 * np.asarray(family.fisher_information(*fit.estimate))))
    np.testing.assert_allclose(score.sum(axis=1) / size, 0, atol=1e-6)
    inverse = np.linalg.inv(401 * np.asarray(family.fisher_information(*fit.estimate)))
    errors = case.of_moving(fit.standard_errors)
    np.testing.assert_allclose(errors, np.sqrt(np.diag(inverse)), 1e-9)
    found = case.of_moving(fit.estimate)
    assert np.all(np.abs(found - case.of_moving(params)) < 5 * errors)
    if name != "laplace":  # whose likelihood has no curvature in the location
        bread = np.linalg.inv(np.asarray(family.hessian(x, *fit.estimate)).sum(axis=0))
        robust = np.sqrt(np.diag(bread @ (score @ score.T) @ bread))
        np.testing.assert_allclose(case.of_moving(fit.robust_errors), robust, 1e-6)
    # A weight is a number of repetitions; weight zero hides even NaN.
    weights = np.resize([1.0, 2.0, 0.0], 401)
    masked = np.where(weights == 0, np.nan, x)
    repeated = case.fit(np.repeat(x, weights.astype(int)))
    for found, expected in zip(
        jax.tree.leaves(case.fit(masked, weights)), jax.tree.leaves(repeated), strict=True
    ):
        np.testing.assert_allclose(found, expected, 1e-6)


@over([n for n in FITTED if n != "laplace" and n in SHIPPED and n not in IRREGULAR], quick)
def test_intervals_of_a_fit(name):
    family, params, _, _ = case = CASES[name]
    x = np.asarray(family.sample(jax.random.key(13), *params, shape=(200,)))
    fit = case.fit(x)
    times = scipy.stats.norm.ppf(0.95)
    for errors, robust in ((fit.standard_errors, False), (fit.robust_errors, True)):
        ends = family.interval(fit, 0.9, robust)
        np.testing.assert_allclose(
            np.stack(ends.high), np.stack(fit.estimate) + times * np.stack(errors), 1e-9
        )
        np.testing.assert_allclose(np.stack(ends.low) + np.stack(ends.high),
                                   2 * np.stack(fit.estimate), 1e-9)  # fmt: skip
    if family.origin("profile") == "not defined":
        return
    ends = family.profile(fit, x, 0.9)
    best = np.sum(family.log_prob(x, *fit.estimate))
    for k in range(len(params)):
        for end in (ends.low[k], ends.high[k]):
            candidates = np.tile(np.stack(fit.estimate)[:, None], 4001)
            candidates[1 - k if len(params) == 2 else k] += (
                np.linspace(-3, 3, 4001) * fit.standard_errors[len(params) - 1 - k]
            )
            candidates[k] = end
            columns = [np.asarray(c)[:, None] for c in candidates]
            likelihoods = np.sum(family.log_prob(x[None, :], *columns), axis=1)
            drop = 2 * (best - likelihoods.max())
            np.testing.assert_allclose(drop, scipy.stats.chi2.ppf(0.9, 1), 1e-4)


@pytest.mark.full
@pytest.mark.parametrize("name", ["normal", "exponential", "logistic"])
def test_intervals_cover_as_they_promise(name):
    family, params, _, _ = CASES[name]
    keys = jax.random.split(jax.random.key(5), 1000)

    def ends(key):
        x = family.sample(key, *params, (60,))
        fit = family.fit(x)
        return family.interval(fit), family.profile(fit, x)

    for found in jax.jit(jax.vmap(ends))(keys):
        for low, high, truth in zip(found.low, found.high, params, strict=True):
            covered = np.mean((np.asarray(low) <= truth) & (truth <= np.asarray(high)))
            assert 0.90 <= covered <= 0.98
