"""Families of vectors and matrices: SciPy, 50 digits, draws with limits, and one by another."""

import itertools

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
import scipy.linalg
import scipy.stats
from jax.flatten_util import ravel_pytree

from jaxmath import distributions as d
from jaxmath.distributions import VECTOR_FAMILIES, multivariate_normal
from jaxmath.distributions.contract import FUNCTIONS
from jaxmath.distributions.coverage import coverage
from tests.marks import long_but

L = np.array([[1.2, 0.0], [-0.4, 0.7]])
M = np.array([[0.9, 0.0], [0.3, 1.1]])
LOC, NEAR = np.array([0.3, -1.1]), np.array([0.1, -0.8])

CASES = {
    "dirichlet": (([0.8, 2.5, 4.0],), ([1.5, 2.0, 3.0],)),
    "multivariate_normal": ((LOC, L), (NEAR, M)),
    "categorical": (([0.3, -1.2, 2.0],), ([1.0, 0.2, -0.3],)),
    "multinomial": ((12.0, [0.3, -1.2, 0.9]), (12.0, [1.0, 0.2, -0.3])),
    "wishart": ((5.5, L), (7.0, M)),
    "inverse_wishart": ((9.5, L), (11.0, M)),
    "gaussian_mixture": (([0.3, 0.7], [LOC, 4 - LOC], [L, M]), None),
    "normal_inverse_gamma": ((0.3, 2.0, 5.5, 1.7), (0.5, 1.2, 4.0, 2.0)),
    "multivariate_t": ((6.5, LOC, L), None),
    "normal_inverse_wishart": ((LOC, 2.0, 9.5, L), (NEAR, 1.2, 11.0, M)),
}
CASES = {
    name: tuple(None if p is None else tuple(np.asarray(v, float) for v in p) for p in pair)
    for name, pair in CASES.items()
}
FAMILIES = {family.name: family for family in VECTOR_FAMILIES}
DISCRETE = ("categorical", "multinomial")
COUNT = 20_000


def over(names, quick=("multivariate_normal",)):
    """Parametrised over families; those that are not quick in the long tests."""
    return pytest.mark.parametrize("name", long_but(quick, names))


def having(*functions):
    return [
        name
        for name, family in FAMILIES.items()
        if all(family.origin(function) == "own" for function in functions)
    ]


def draws(name):
    family, (params, _) = FAMILIES[name], CASES[name]
    drawn = jax.jit(lambda key: family.sample(key, *params, shape=(COUNT,)))(jax.random.key(7))
    return np.asarray(drawn)


def outcomes(name):
    """Every value of a discrete family, or draws; and the probability that each stands for."""
    family, (params, _) = FAMILIES[name], CASES[name]
    if name == "categorical":
        x = np.arange(3.0)
    elif name == "multinomial":
        x = np.array([v for v in itertools.product(range(13), repeat=3) if sum(v) == 12], float)
    else:
        return draws(name), np.full(COUNT, 1 / COUNT)
    return x, np.asarray(family.prob(x, *params))


def assert_means(values, mass, expected, name, limit=5.0):
    """The mean of values, exact in a discrete family, else by draws within so many deviations."""
    values = np.asarray(values, float).reshape(len(mass), -1)
    expected = np.ravel(np.asarray(expected, float))
    mean = mass @ values
    if name in DISCRETE:
        np.testing.assert_allclose(mean, expected, 1e-11, 1e-12)
    else:
        spread = limit * values.std(axis=0) / np.sqrt(len(mass)) + 1e-12
        assert np.all(np.abs(mean - expected) <= spread), (mean, expected, spread)


def flat_score(name):
    family, (params, _) = FAMILIES[name], CASES[name]
    return jax.jit(jax.vmap(lambda x: ravel_pytree(family.score(x, *params))[0]))


def test_every_family_has_a_case_and_every_cell_a_reason():
    assert list(FAMILIES) == list(CASES)
    for row in coverage(VECTOR_FAMILIES).values():
        assert list(row) == list(FUNCTIONS)
        for cell in row.values():
            assert bool(cell.reason) == (cell.origin == "not defined")
            assert not cell.reason or len(cell.reason.split()) >= 4


def frozen(name):
    """The distribution in SciPy."""
    s, params = scipy.stats, CASES[name][0]
    if name == "categorical":
        return s.rv_discrete(values=(np.arange(3), np.exp(params[0]) / np.exp(params[0]).sum()))
    if name == "multinomial":
        return s.multinomial(12, np.exp(params[1]) / np.exp(params[1]).sum())
    if name == "multivariate_t":
        return s.multivariate_t(params[1], L @ L.T, df=params[0])
    return {
        "dirichlet": lambda: s.dirichlet(*params),
        "multivariate_normal": lambda: s.multivariate_normal(LOC, L @ L.T),
        "wishart": lambda: s.wishart(float(params[0]), L @ L.T),
        "inverse_wishart": lambda: s.invwishart(float(params[0]), L @ L.T),
    }[name]()


IN_SCIPY = [n for n in CASES if n not in ("gaussian_mixture",) and "normal_inverse" not in n]


@pytest.mark.parametrize("name", long_but(set(IN_SCIPY) - {"multinomial", "wishart"}, IN_SCIPY))
def test_agrees_with_scipy(name):
    family, (params, _), truth = FAMILIES[name], CASES[name], frozen(name)
    x = np.asarray(outcomes(name)[0][:40])
    log = truth.logpmf if name in DISCRETE else truth.logpdf
    if name == "dirichlet":
        expected = [log(each / each.sum()) for each in x]
    elif "wishart" in name:
        expected = [log(each) for each in x]
    else:
        expected = log(x)
    np.testing.assert_allclose(family.log_prob(x, *params), expected, 1e-12, 1e-12)
    np.testing.assert_allclose(family.prob(x, *params), np.exp(expected), 1e-11)
    if name != "inverse_wishart":  # SciPy 1.16 takes the logarithm of two once for all rows
        np.testing.assert_allclose(family.entropy(*params), truth.entropy(), 1e-12)
    for function in ("mean", "var", "mode"):
        if function == "mean" and name in ("multivariate_normal", "multivariate_t"):
            continue
        if hasattr(truth, function):
            value = getattr(truth, function)
            found = getattr(family, "variance" if function == "var" else function)(*params)
            np.testing.assert_allclose(found, value() if callable(value) else value, 1e-12)


def test_of_labels_in_order():
    family, (params, _), truth = (
        FAMILIES["categorical"],
        CASES["categorical"],
        frozen("categorical"),
    )
    k, p = np.arange(3), np.array([0.01, 0.2, 0.5, 0.97])
    with np.errstate(divide="ignore"):
        for ours, theirs in dict(cdf="cdf", sf="sf", log_cdf="logcdf", log_sf="logsf").items():
            expected = getattr(truth, theirs)(k)
            found = getattr(family, ours)(k, *params)
            if ours == "log_sf":
                assert found[-1] == -np.inf
                found, expected = found[:-1], expected[:-1]
            np.testing.assert_allclose(found, expected, 1e-13, 1e-15)
    np.testing.assert_array_equal(family.quantile(p, *params), truth.ppf(p))
    np.testing.assert_array_equal(family.isf(p, *params), truth.isf(p))
    np.testing.assert_allclose(family.skewness(*params), truth.stats(moments="s"), 1e-12)
    np.testing.assert_allclose(family.kurtosis(*params), truth.stats(moments="k"), 1e-12)
    assert family.median(*params) == truth.median()
    assert family.mode(*params) == 2
    tail = family.log_sf(1, np.array([0.0, 0.0, -800.0]))  # where probabilities are zero
    np.testing.assert_allclose(tail, -800 - np.log(2), 1e-15)
    for bad in (-1.0, 3.0, 0.5):
        assert family.prob(bad, *params) == 0
        assert family.log_prob(bad, *params) == -np.inf


@over(CASES)
def test_moments_are_those_of_draws_and_sums(name):
    family, (params, _) = FAMILIES[name], CASES[name]
    x, mass = outcomes(name)
    if family.origin("mean") == "own":
        mean = np.asarray(family.mean(*params))
        assert_means(x, mass, mean, name)
        assert_means(np.square(x - mean), mass, family.variance(*params), name)
        np.testing.assert_allclose(family.std(*params), np.sqrt(family.variance(*params)), 1e-14)
        if hasattr(module(name), "covariance"):
            away = np.asarray(x) - mean
            found = module(name).covariance(*params)
            assert_means(away[:, :, None] * away[:, None, :], mass, found, name)
    if family.origin("entropy") == "own":
        assert_means(-family.log_prob(x, *params), mass, family.entropy(*params), name)
    if name in DISCRETE:
        seen = np.asarray(draws(name))
        mean, error = np.asarray(family.mean(*params)), np.asarray(family.std(*params))
        assert np.all(np.abs(seen.mean(axis=0) - mean) < 5 * error / np.sqrt(COUNT))
        if name == "multinomial":
            assert np.all(seen.sum(axis=1) == 12)
        return
    if family.origin("mode") == "own" and name != "dirichlet":
        slope = jax.grad(family.log_prob)(jnp.asarray(family.mode(*params)), *params)
        np.testing.assert_allclose(slope, 0, atol=1e-12)


def module(name):
    return getattr(d, name)


@over(CASES)
def test_scores_have_mean_zero_and_the_fisher_information(name):
    family, (params, _) = FAMILIES[name], CASES[name]
    x, mass = outcomes(name)
    score = np.asarray(flat_score(name)(x))
    moving = [p for p, key in zip(params, family.parameters._fields, strict=True)
              if key in family.moving]  # fmt: skip
    assert score.shape[1] == sum(np.size(p) for p in moving)
    if name != "gaussian_mixture":  # whose weights are taken as free of their sum
        assert_means(score, mass, np.zeros(score.shape[1]), name)
    if family.origin("fisher_information") == "own":
        information = np.asarray(family.fisher_information(*params))
        squares = score[:, :, None] * score[:, None, :]
        assert_means(squares, mass, information, name)
        bend = -family.hessian(x[:2000], *params)
        assert_means(bend, mass[:2000] / mass[:2000].sum(), information, name)
    one = jax.tree.map(lambda leaf: leaf[1], x)
    places = [k + 1 for k, key in enumerate(family.parameters._fields) if key in family.moving]
    auto = jax.grad(family.plain["log_prob"], places)(one, *map(jnp.asarray, params))
    np.testing.assert_allclose(score[1], ravel_pytree(auto)[0], 1e-11, 1e-12)


@over(having("kl"))
def test_divergences(name):
    family, (p, q) = FAMILIES[name], CASES[name]
    x, mass = outcomes(name)
    gap = np.asarray(family.log_prob(x, *p) - family.log_prob(x, *q))
    assert_means(gap, mass, family.kl(*p, *q), name)
    cross, own = family.cross_entropy(*p, *q), family.entropy(*p)
    np.testing.assert_allclose(cross, own + family.kl(*p, *q), 1e-12)
    assert_means(1 - np.exp(-gap / 2), mass, family.squared_hellinger(*p, *q), name)
    for order in (0.3, 0.8):
        power = np.exp((order - 1) * gap)
        expected = np.exp((order - 1) * family.renyi(order, *p, *q))
        assert_means(power, mass, expected, name)
    half = -2 * np.log1p(-family.squared_hellinger(*p, *q))
    np.testing.assert_allclose(family.renyi(0.5, *p, *q), half, 1e-12)
    np.testing.assert_allclose(family.renyi(1.0, *p, *q), family.kl(*p, *q), 1e-13)
    # Of neighbours each is a multiple of the squared length of the step.
    flat, unravel = ravel_pytree(tuple(map(jnp.asarray, p)))
    places = moving_places(name)
    step = np.zeros(flat.size)
    step[places] = 1e-7 * np.linspace(1, 0.4, len(places)) * (flat[places] != 0)
    near = unravel(flat + step)
    length = step[places] @ np.asarray(family.fisher_information(*p)) @ step[places]
    for function, share in dict(kl=1 / 2, squared_hellinger=1 / 8, renyi=0.35).items():
        order = (0.7,) if function == "renyi" else ()
        found = getattr(family, function)(*order, *p, *near)
        np.testing.assert_allclose(found, share * length, 2e-6, err_msg=function)
        assert abs(getattr(family, function)(*order, *p, *p)) < 1e-28


def moving_places(name):
    """Where the parameters that move lie among all numbers."""
    family, (params, _) = FAMILIES[name], CASES[name]
    known = np.concatenate(
        [np.full(np.size(p), key in family.moving)
         for key, p in zip(family.parameters._fields, params, strict=True)]
    )  # fmt: skip
    return np.flatnonzero(known)


def test_bures_distance_of_normal_distributions():
    family = FAMILIES["multivariate_normal"]
    S, T = L @ L.T, M @ M.T
    root = scipy.linalg.sqrtm(S)
    expected = np.sum((LOC - NEAR) ** 2) + np.trace(S + T - 2 * scipy.linalg.sqrtm(root @ T @ root))
    np.testing.assert_allclose(family.squared_wasserstein(LOC, L, NEAR, M), expected, 1e-12)
    h = 1e-6 * np.array([[0, 0], [1.0, 0]])
    far = [family.squared_wasserstein(LOC, L + s * h, NEAR, M) for s in (1, -1)]
    slope = jax.grad(family.squared_wasserstein, 1)(LOC, L, NEAR, M)
    np.testing.assert_allclose(slope[1, 0], (far[0] - far[1]) / 2e-6, 1e-7)
    assert slope[0, 1] == 0
    # Of close ones the distance is that of the standard deviations: nothing cancels.
    found = family.squared_wasserstein(LOC, np.eye(2), LOC, (1 + 1e-9) * np.eye(2))
    np.testing.assert_allclose(found, 2e-18, 1e-6)


@over(having("log_partition"), ("dirichlet", "multivariate_normal", "categorical"))
def test_exponential_families_are_such(name):
    family, (p, q) = FAMILIES[name], CASES[name]
    eta = family.natural(*p)
    slope = jax.grad(family.log_partition)(eta)
    np.testing.assert_allclose(slope, family.mean_parameters(*p), 1e-11, 1e-13)
    if name == "categorical":
        assert family.origin("sufficient") == "not defined"
        return
    x = draws(name)[:50]

    def base(params):
        eta = family.natural(*params)
        return family.log_prob(x, *params) - family.sufficient(x) @ eta + family.log_partition(eta)

    np.testing.assert_allclose(base(p), base(q), 1e-10, 1e-10)


KNOWN = {"categorical": (3,), "multinomial": (12.0,), "gaussian_mixture": (2,)}


@over(CASES)
def test_fits_find_the_likeliest_parameters(name):
    family, (params, _) = FAMILIES[name], CASES[name]
    x = np.asarray(draws(name))[:1500]
    fit = family.fit(x, *KNOWN.get(name, ()))
    assert isinstance(fit.estimate, family.params)
    found, errors = (np.asarray(ravel_pytree(part)[0]) for part in fit[:2])
    truth = np.asarray(ravel_pytree(tuple(map(jnp.asarray, params)))[0])
    if name in DISCRETE:  # the logits that are logarithms of probabilities
        logits = params[-1] - np.log(np.exp(params[-1]).sum())
        truth = np.concatenate([truth[: truth.size - 3], logits])
    assert np.all(np.abs(found - truth) <= 5 * errors + 1e-12)
    ends = family.interval(fit, 0.9)
    assert jax.tree.structure(ends.low) == jax.tree.structure(fit.estimate)
    if name in DISCRETE:
        slope = family.score(x, *fit.estimate)
        np.testing.assert_allclose(np.stack(slope).mean(axis=1), 0, atol=1e-13)
    elif name != "gaussian_mixture":
        score = jax.vmap(lambda x: ravel_pytree(family.score(x, *fit.estimate))[0])(x)
        size = np.sqrt(np.diag(1500 * np.asarray(family.fisher_information(*fit.estimate))))
        relative = np.sum(score, axis=0) / np.where(size > 0, size, 1.0)
        np.testing.assert_allclose(relative, 0, atol=1e-6)
        # Truly of the family: both kinds of errors agree.
        robust = np.asarray(ravel_pytree(fit.robust_errors)[0])
        np.testing.assert_allclose(robust[errors > 0], errors[errors > 0], 0.25)
    # A weight is a number of repetitions; weight zero hides even NaN.
    weights = np.resize([1.0, 2.0, 0.0], 1500)
    masked = np.where(weights.reshape(-1, *(1 for _ in x.shape[1:])) == 0, np.nan, x)
    known = KNOWN.get(name, ())
    repeated = family.fit(np.repeat(x, weights.astype(int), axis=0), *known)
    for one, other in zip(
        jax.tree.leaves(family.fit(masked, *known, weights=weights)),
        jax.tree.leaves(repeated),
        strict=True,
    ):
        np.testing.assert_allclose(one, other, 1e-5, 1e-9)


@pytest.mark.full
def test_expectation_and_maximisation_never_loses():
    module = d.gaussian_mixture
    x = draws("gaussian_mixture")[:800]
    trace = module.em(x, 2, iterations=40)
    assert np.all(np.diff(trace.log_likelihoods) > -1e-12)
    shares = module.responsibilities(x, *trace.estimate)
    np.testing.assert_allclose(np.sum(shares, axis=1), 1, 1e-13)
    np.testing.assert_allclose(np.mean(shares, axis=0), trace.estimate.weights, 1e-3)
    once, twice = module.fit(x, 2), module.fit(np.concatenate([x, x]), 2)
    for few, many in zip(once.standard_errors, twice.standard_errors, strict=True):
        np.testing.assert_allclose(np.sqrt(2) * np.asarray(many), few, 1e-3, 1e-9)
    one = module.log_prob(x, np.array([1.0, 0.0]), *trace.estimate[1:])
    other = multivariate_normal.log_prob(x, trace.estimate.locs[0], trace.estimate.factors[0])
    np.testing.assert_allclose(one, other, 1e-13)


@over(CASES)
def test_batches_dtypes_and_transforms(name):
    family, (params, other) = FAMILIES[name], CASES[name]
    second = other if other is not None else params
    both = [np.stack(pair) for pair in zip(params, second, strict=True)]
    x = np.asarray(draws(name))[:6]
    pairs = family.log_prob(x[:, None], *both)
    assert pairs.shape == (6, 2)
    np.testing.assert_allclose(pairs[:, 0], family.log_prob(x, *params), 1e-13)
    mapped = jax.vmap(lambda x: family.log_prob(x, *second))(x)
    np.testing.assert_allclose(pairs[:, 1], mapped, 1e-13)
    assert family.sample(jax.random.key(0), *both, shape=(5,)).shape[:2] == (5, 2)
    narrow = [np.float32(p) for p in params]
    for function, args in (("log_prob", (np.float32(x[0]),)), ("entropy", ()), ("kl", narrow)):
        if family.origin(function) != "own":
            continue
        values = (*args, *narrow) if function != "kl" else (*narrow, *narrow)
        found = jax.jit(getattr(family, function))(*values)
        assert found.dtype == np.float32
        wide = getattr(family, function)(*(np.float64(v) for v in values))
        np.testing.assert_allclose(found, wide, 1e-5, 1e-5)
    assert family.sample(jax.random.key(0), *narrow).dtype == np.float32
    with pytest.raises(ValueError, match="needs an argument of"):
        family.log_prob(*(np.float64(1.0) for _ in (x, *params)))


@over([n for n in CASES if n not in ("gaussian_mixture", *DISCRETE)], ("multivariate_normal",))
def test_draws_move_with_the_parameters(name):
    """The slope of an expected value is the mean of slopes of draws."""
    family, (params, _) = FAMILIES[name], CASES[name]

    def value(key, *params):
        return jnp.sum(jnp.log1p(jnp.square(family.sample(key, *params))))

    keys = jax.random.split(jax.random.key(3), 4000)
    places = tuple(range(len(params)))

    def slope(key):
        moved = jax.grad(lambda *theta: value(key, *theta), places)(*map(jnp.asarray, params))
        return ravel_pytree(moved)[0]

    slopes = jax.jit(jax.vmap(slope))(keys)
    assert np.all(np.isfinite(slopes))
    x = draws(name)[:COUNT]
    gain = np.log1p(np.square(x)).reshape(COUNT, -1).sum(axis=1)
    by_score = (gain - gain.mean())[:, None] * np.asarray(flat_score(name)(x))
    gap = np.mean(slopes, axis=0) - np.mean(by_score, axis=0)
    spread = np.std(slopes, axis=0) / np.sqrt(4000) + np.std(by_score, axis=0) / np.sqrt(COUNT)
    assert np.all(np.abs(gap) <= 5 * spread + 1e-12)


def one(value):
    return np.full((1, 1), value)


def test_of_size_one_they_are_families_of_numbers():
    n, v = scipy.stats, 1.3**2
    pairs = [
        (d.MULTIVARIATE_NORMAL.log_prob(np.array([0.4]), np.array([1.1]), one(1.3)),
         n.norm(1.1, 1.3).logpdf(0.4)),
        (d.MULTIVARIATE_T.log_prob(np.array([0.4]), 3.5, np.array([1.1]), one(1.3)),
         n.t(3.5, 1.1, 1.3).logpdf(0.4)),
        (d.WISHART.log_prob(one(2.0), 3.0, one(1.3)), n.gamma(1.5, scale=2 * v).logpdf(2.0)),
        (d.INVERSE_WISHART.log_prob(one(2.0), 3.0, one(1.3)),
         n.invgamma(1.5, scale=v / 2).logpdf(2.0)),
        (d.INVERSE_WISHART.entropy(3.0, one(1.3)), n.invgamma(1.5, scale=v / 2).entropy()),
        (d.DIRICHLET.log_prob(np.array([0.3, 0.7]), np.array([1.5, 2.5])),
         n.beta(1.5, 2.5).logpdf(0.3)),
        (d.MULTINOMIAL.log_prob(np.array([3.0, 4.0]), 7, np.array([0.0, 0.7])),
         n.binom(7, 1 / (1 + np.exp(-0.7))).logpmf(4)),
        (d.NORMAL_INVERSE_GAMMA.log_prob(np.array([0.2, 1.9]), 0.5, 2.0, 3.0, 1.7),
         n.norm(0.5, np.sqrt(1.9 / 2)).logpdf(0.2) + n.invgamma(3.0, scale=1.7).logpdf(1.9)),
        (d.NORMAL_INVERSE_WISHART.log_prob(np.array([[0.2, 1.9]]), np.array([0.5]), 2.0, 6.0,
                                           one(np.sqrt(3.4))),
         d.NORMAL_INVERSE_GAMMA.log_prob(np.array([0.2, 1.9]), 0.5, 2.0, 3.0, 1.7)),
    ]  # fmt: skip
    for found, expected in pairs:
        np.testing.assert_allclose(found, expected, 1e-13)
    one_kl = d.NORMAL_INVERSE_WISHART.kl(
        np.array([0.5]), 2.0, 6.0, one(1.3), np.array([0.1]), 1.0, 5.0, one(0.9)
    )
    same = d.NORMAL_INVERSE_GAMMA.kl(0.5, 2.0, 3.0, v / 2, 0.1, 1.0, 2.5, 0.81 / 2)
    np.testing.assert_allclose(one_kl, same, 1e-13)


def test_parameters_of_other_kinds():
    S = L @ L.T
    for made in (
        multivariate_normal.from_covariance(LOC, S),
        multivariate_normal.from_precision(LOC, np.linalg.inv(S)),
    ):
        np.testing.assert_allclose(made.factor, L, 1e-13, 1e-15)
    scales = multivariate_normal.from_scales(LOC, np.array([2.0, 3.0])).factor
    np.testing.assert_array_equal(scales, np.diag([2.0, 3.0]))


# 50 digits


def logs(values):
    return [mp.mpf(float(v)) for v in values]


def log_beta(a):
    return mp.fsum(mp.loggamma(v) for v in a) - mp.loggamma(mp.fsum(a))


def dirichlet_truths(x, a, b):
    """The logarithm of the density, its slope, the entropy and the divergence."""
    x, a, b = logs(x), logs(a), logs(b)
    total = mp.fsum(a)
    means = [mp.psi(0, v) - mp.psi(0, total) for v in a]
    log_prob = mp.fsum((v - 1) * mp.log(u) for u, v in zip(x, a, strict=True)) - log_beta(a)
    slope = [mp.log(u) - m for u, m in zip(x, means, strict=True)]
    entropy = log_beta(a) - mp.fsum((v - 1) * m for v, m in zip(a, means, strict=True))
    kl = mp.fsum((v - w) * m for v, w, m in zip(a, b, means, strict=True))
    return log_prob, slope, entropy, log_beta(b) - log_beta(a) + kl


def test_dirichlet_to_the_last_digits():
    """Concentrations of 1e-4 to 1e8, proportional ones and values next to the mean among them."""
    family, random = FAMILIES["dirichlet"], np.random.default_rng(0)
    eps = np.finfo(float).eps
    with mp.workdps(50):
        for k in range(30):
            a = 2.0 ** random.uniform(-13, 26, 3)
            if k % 3 == 0:
                a = 2.0 ** random.uniform(20, 26) * random.dirichlet(np.ones(3))
            b = a * 2.0 ** random.uniform(-1, 1) if k % 2 else 2.0 ** random.uniform(-13, 26, 3)
            x = np.clip(random.dirichlet(a if k % 4 else np.ones(3)), 1e-300, 1)
            log_prob, slope, entropy, kl = dirichlet_truths(x, a, b)
            room = 2 * eps * (abs(float(log_prob)) + np.sum(np.abs(a - 1)))
            assert abs(float(family.log_prob(x, a) - np.float64(log_prob))) < room
            np.testing.assert_allclose(family.entropy(a), float(entropy), 1e-14)
            np.testing.assert_allclose(family.kl(a, b), float(kl), 1e-14)
            found = family.score(x, a).concentration
            np.testing.assert_allclose(found, np.array(slope, float), 1e-13, 4 * eps)


def multivariate_gamma(n):
    return mp.log(mp.pi) / 2 + mp.loggamma(n / 2) + mp.loggamma((n - 1) / 2)


def test_many_degrees_of_freedom_cost_no_digits():
    with mp.workdps(60):
        for n, m in ((1e6, 2e6), (3e5, 3e5 + 1), (40.0, 20.0)):
            V, U = (mp.matrix(each.tolist()) * mp.matrix(each.tolist()).T for each in (L, M))
            n_, m_ = mp.mpf(n), mp.mpf(m)
            psi = mp.psi(0, n_ / 2) + mp.psi(0, (n_ - 1) / 2)
            ratio = U**-1 * V
            kl = (n_ - m_) / 2 * psi - multivariate_gamma(n_) + multivariate_gamma(m_)
            kl += m_ / 2 * mp.log(mp.det(U) / mp.det(V))
            kl += n_ / 2 * (ratio[0, 0] + ratio[1, 1] - 2)
            np.testing.assert_allclose(d.WISHART.kl(n, L, m, M), float(kl), 1e-13)
            entropy = 1.5 * mp.log(mp.det(V)) + 3 * mp.log(2) + multivariate_gamma(n_)
            entropy += -(n_ - 3) / 2 * psi + n_
            np.testing.assert_allclose(d.WISHART.entropy(n, L), float(entropy), 1e-13)
            entropy = 1.5 * mp.log(mp.det(V)) - 3 * mp.log(2) + multivariate_gamma(n_)
            entropy += -(n_ + 3) / 2 * psi + n_
            np.testing.assert_allclose(d.INVERSE_WISHART.entropy(n, L), float(entropy), 1e-13)
        x, n = np.array([2.0, -1.5]), mp.mpf(2.0**20)
        X = mp.matrix((x - LOC).tolist())
        q = (X.T * (mp.matrix(L.tolist()) * mp.matrix(L.tolist()).T) ** -1 * X)[0]
        log_det = mp.log(mp.mpf(L[0, 0]) * mp.mpf(L[1, 1]))

        def log_prob(n):
            constant = mp.loggamma((n + 2) / 2) - mp.loggamma(n / 2) - mp.log(n * mp.pi)
            return constant - log_det - (n + 2) / 2 * mp.log1p(q / n)

        found = d.MULTIVARIATE_T.log_prob(x, 2.0**20, LOC, L)
        np.testing.assert_allclose(found, float(log_prob(n)), 1e-14)
        slope = d.MULTIVARIATE_T.score(x, 2.0**20, LOC, L).df
        np.testing.assert_allclose(
            slope, float(mp.diff(log_prob, n, h=n * mp.mpf(10) ** -12)), 1e-9
        )


def test_many_trials_cost_no_digits():
    x = np.array([123456789.0, 1000.0, 3e8])
    count = x.sum()
    z = np.log(x / count) + np.array([1e-5, -0.1, 0.0])
    with mp.workdps(50):
        whole = mp.log(mp.fsum(mp.exp(v) for v in logs(z)))
        log_p = [v - whole for v in logs(z)]
        truth = mp.loggamma(count + 1) - mp.fsum(mp.loggamma(v + 1) for v in logs(x))
        truth += mp.fsum(k * v for k, v in zip(logs(x), log_p, strict=True))
        # Rounding of logits, of size ten and less, moves it by counts less those expected.
        np.testing.assert_allclose(d.MULTINOMIAL.log_prob(x, count, z), float(truth), 1e-12)


# Edges


def test_at_the_edges():
    dirichlet = FAMILIES["dirichlet"]
    edge = np.array([0.0, 0.4, 0.6])
    flat = np.array([1.0, 2.0, 3.0])
    expected = scipy.stats.dirichlet(flat).logpdf([1e-300, 0.4, 0.6])
    np.testing.assert_allclose(dirichlet.log_prob(edge, flat), expected, 1e-13)
    assert np.all(np.isfinite(jax.grad(dirichlet.log_prob)(edge, flat)))
    assert dirichlet.log_prob(edge, flat + np.array([0.5, 0, 0])) == -np.inf
    assert dirichlet.log_prob(edge, flat - np.array([0.5, 0, 0])) == np.inf
    assert dirichlet.log_prob(np.array([-0.1, 0.5, 0.6]), flat) == -np.inf
    multinomial = FAMILIES["multinomial"]
    z = np.array([0.0, -800.0, -np.inf])
    assert multinomial.log_prob(np.array([7, 0, 0]), 7, z) == 0
    assert multinomial.log_prob(np.array([6, 0, 1]), 7, z) == -np.inf
    assert multinomial.log_prob(np.array([6, 0, 0]), 7, z) == -np.inf
    assert multinomial.log_prob(np.array([0, 0, 0]), 0, z) == 0
    assert multinomial.kl(7, z, 8, z) == np.inf
    # Nearly singular: correlations of one less 1e-14.
    thin = np.array([[1.0, 0.0], [1.0, 1e-7]])
    x = np.array([0.5, 0.5 + 2e-7])
    found = d.MULTIVARIATE_NORMAL.log_prob(x, np.zeros(2), thin)
    z = (x[1] - x[0]) / 1e-7
    expected = -(0.25 + z * z) / 2 - np.log(2 * np.pi) - np.log(1e-7)
    np.testing.assert_allclose(found, expected, 1e-14)


ANY_SIGN = ("loc", "locs", "logits", "weights")


@over(CASES, ("dirichlet", "multivariate_normal"))
def test_invalid_parameters_give_nan(name):
    family, (params, _) = FAMILIES[name], CASES[name]
    x = np.asarray(draws(name))[0]
    for place, key in enumerate(family.parameters._fields):
        for bad in (-3.0, np.nan) if key not in ANY_SIGN else (np.nan,):
            wrong = [np.array(p) for p in params]
            wrong[place].flat[0] = bad
            for function, args in (("log_prob", (x,)), ("entropy", ()), ("mean", ())):
                if family.origin(function) == "own" and (key, function) != ("loc", "entropy"):
                    value = getattr(family, function)(*args, *wrong)
                    assert np.isnan(value).any(), (function, key, bad)
