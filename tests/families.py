"""The families of the tests at one setting each: ours, and two as short as they can be."""

import itertools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from jaxmath import distributions as d
from jaxmath.distributions import Family
from jaxmath.distributions.shapes import float_dtype, sample_shape
from jaxmath.domains import OPEN_UNIT, POSITIVE, Integers, Interval
from jaxmath.formula import Source
from tests.marks import long_but

# A whole family in a few lines: everything else is filled in by generic routes.


class Params(NamedTuple):
    scale: Any


def log_prob(x, scale):
    """The logarithm of x / scale^2 exp(-x^2 / 2 scale^2) for x >= 0."""
    z = jnp.maximum(x, 0.0) / scale
    inside = jnp.log(z) - jnp.log(scale) - jnp.square(z) / 2
    return jnp.where(x >= 0, inside, -jnp.inf)


def sample(key, scale, shape=()):
    """The root of twice an exponential number, times the scale."""
    size = sample_shape(shape, scale)
    noise = jax.random.exponential(key, size, float_dtype(scale))
    return jnp.sqrt(2 * noise) * jnp.broadcast_to(scale, size)


RAYLEIGH = Family(
    name="rayleigh",
    parameters=Params(scale=POSITIVE),
    support=Interval(0.0, closed=(True, False)),
    functions=(log_prob, sample),
    source=Source("johnson1994continuous", "chapter 18"),
    topic="P10",
)


class Chance(NamedTuple):
    chance: Any


def renamed(fn, name):
    fn.__name__ = name
    return fn


def series_log_prob(x, chance):
    some = jnp.maximum(x, 1.0)
    inside = some * jnp.log(chance) - jnp.log(some) - jnp.log(-jnp.log1p(-chance))
    return jnp.where(x >= 1, inside, -jnp.inf)


def series_sample(key, chance, shape=()):
    """Kemp's: a geometric number of a random chance."""
    size, keys = sample_shape(shape, chance), jax.random.split(key)
    one, two = (jax.random.uniform(k, size, float_dtype(chance)) for k in keys)
    return jnp.floor(1 + jnp.log(one) / jnp.log(-jnp.expm1(two * jnp.log1p(-chance))))


LOG_SERIES = Family(
    name="log_series",
    parameters=Chance(chance=OPEN_UNIT),
    support=Integers(1, 2**31 - 1),
    functions=(renamed(series_log_prob, "log_prob"), renamed(series_sample, "sample")),
    source=Source("johnson1994continuous"),
    topic="P10",
    undefined={"mode": "left out on purpose, to see what is said."},
)
HEAVY = ("cauchy", "inverse_gamma", "student_t", "f")
"""Those whose tails are powers of x."""
ROUGH = (*HEAVY, "weibull", "pareto")
"""Those and one whose density is no smooth function at its end."""

IRREGULAR = ("uniform", "discrete_uniform", "pareto")
"""Those whose support moves with a parameter: their likelihood has no slope of zero."""

TOYS = ("rayleigh", "log_series")


class Case(NamedTuple):
    """A family, two settings of it, and what SciPy calls the first."""

    family: Family
    params: tuple[float, ...]
    other: tuple[float, ...]
    truth: Any

    @property
    def moving(self):
        """The places of the parameters that are not known."""
        return [self.params_names.index(name) for name in self.family.moving]

    @property
    def params_names(self):
        return self.family.parameters._fields

    def fit(self, x, weights=None):
        """The fit, which takes what is known before the weights."""
        known = [p for k, p in enumerate(self.params) if k not in self.moving]
        return self.family.fit(x, *known, weights=weights)

    def of_moving(self, values):
        """Of a pytree as the parameters are, those that are not known."""
        return np.stack([np.asarray(values[k]) for k in self.moving])


def _f(dfn, dfd):
    """SciPy's, whose isf is infinite from 1e-17 on; the reciprocal's ppf is not."""
    truth = scipy.stats.f(dfn, dfd)
    truth.isf = lambda p: 1 / scipy.stats.f(dfd, dfn).ppf(p)
    return truth


CASES = {
    case.family.name: case
    for case in (
        Case(d.NORMAL, (0.7, 2.3), (1.4, 1.9), scipy.stats.norm(0.7, 2.3)),
        Case(d.BERNOULLI, (0.3,), (0.45,), scipy.stats.bernoulli(0.3)),
        Case(d.UNIFORM, (-1.0, 2.5), (-2.0, 3.5), scipy.stats.uniform(-1.0, 3.5)),
        Case(d.EXPONENTIAL, (2.5,), (1.5,), scipy.stats.expon(scale=1 / 2.5)),
        Case(d.GEOMETRIC, (0.3,), (0.45,), scipy.stats.geom(0.3, loc=-1)),
        Case(d.DISCRETE_UNIFORM, (-2.0, 5.0), (-4.0, 6.0), scipy.stats.randint(-2, 6)),
        Case(d.LAPLACE, (0.7, 2.3), (1.4, 1.9), scipy.stats.laplace(0.7, 2.3)),
        Case(d.LOGISTIC, (0.7, 2.3), (1.4, 1.9), scipy.stats.logistic(0.7, 2.3)),
        Case(d.GUMBEL, (0.7, 2.3), (1.4, 1.9), scipy.stats.gumbel_r(0.7, 2.3)),
        Case(d.POISSON, (3.4,), (2.6,), scipy.stats.poisson(3.4)),
        Case(d.BINOMIAL, (12.0, 0.3), (12.0, 0.45), scipy.stats.binom(12, 0.3)),
        Case(d.GAMMA, (7.0, 1.5), (8.0, 1.9), scipy.stats.gamma(7, scale=1 / 1.5)),
        Case(d.CAUCHY, (0.7, 2.3), (1.4, 1.9), scipy.stats.cauchy(0.7, 2.3)),
        Case(d.HALF_NORMAL, (2.3,), (1.9,), scipy.stats.halfnorm(scale=2.3)),
        Case(d.F, (7.0, 11.5), (8.0, 13.5), _f(7.0, 11.5)),
        Case(d.CHI2, (7.0,), (8.5,), scipy.stats.chi2(7)),
        Case(d.INVERSE_GAMMA, (7.0, 1.5), (8.0, 1.9), scipy.stats.invgamma(7, scale=1.5)),
        Case(d.BETA, (7.0, 4.0), (8.0, 5.0), scipy.stats.beta(7, 4)),
        Case(d.NEGATIVE_BINOMIAL, (5.5, 0.4), (6.5, 0.45), scipy.stats.nbinom(5.5, 0.4)),
        Case(
            d.BETA_BINOMIAL, (12.0, 3.0, 4.5), (12.0, 3.5, 4.0), scipy.stats.betabinom(12, 3, 4.5)
        ),
        Case(
            d.TRUNCATED_NORMAL,
            (0.7, 2.3, -1.0, 4.0),
            (1.4, 1.9, -2.0, 5.0),
            scipy.stats.truncnorm(-1.7 / 2.3, 3.3 / 2.3, 0.7, 2.3),
        ),
        Case(d.VON_MISES, (0.0, 2.3), (0.4, 1.9), scipy.stats.vonmises(2.3)),
        Case(d.LOG_NORMAL, (0.7, 0.4), (0.8, 0.5), scipy.stats.lognorm(0.4, scale=np.exp(0.7))),
        Case(d.WEIBULL, (2.3, 1.5), (2.5, 1.4), scipy.stats.weibull_min(2.3, scale=1.5)),
        Case(d.PARETO, (1.5, 16.5), (1.5, 19.0), scipy.stats.pareto(16.5, scale=1.5)),
        Case(d.STUDENT_T, (5.5, 0.7, 2.3), (6.5, 1.4, 1.9), scipy.stats.t(5.5, 0.7, 2.3)),
        Case(RAYLEIGH, (2.3,), (1.9,), scipy.stats.rayleigh(scale=2.3)),
        Case(LOG_SERIES, (0.3,), (0.45,), scipy.stats.logser(0.3)),
    )
}
SHIPPED = [name for name in CASES if name not in TOYS]


def over(names, quick=()):
    """Parametrised over families; those that are not quick in the long tests."""
    return pytest.mark.parametrize("name", long_but(quick, names))


def nodes(case):
    """Points and weights that integrate, or sum, over all but 1e-18 of the mass; NumPy's."""
    if case.family.discrete:
        x = np.arange(-10.0, 400.0)
        x = x[case.truth.pmf(x) > 0]
        return x, np.ones_like(x)
    if case.family.name in ROUGH:  # the probability itself, denser at its ends, is the variable
        t = np.arange(-3.3, 3.3, 1 / 64)
        logit = np.pi * np.sinh(t)
        low, high = 1 / (1 + np.exp(-logit)), 1 / (1 + np.exp(logit))
        x = np.where(low < 0.5, case.truth.ppf(low), case.truth.isf(high))
        return x, low * high * np.pi * np.cosh(t) / 64 / case.truth.pdf(x)
    edges = [case.truth.ppf(1e-20), case.truth.median(), case.truth.isf(1e-20)]
    if case.family.kinks:
        edges = sorted([*edges, *case.family.kinks(*case.other)])
    unit, weight = np.polynomial.legendre.leggauss(150)
    pieces = [
        (low + (high - low) * (unit + 1) / 2, weight * (high - low) / 2)
        for low, high in itertools.pairwise(edges)
    ]
    return tuple(np.concatenate(parts) for parts in zip(*pieces, strict=True))


def ordinary(case):
    """Values where the mass is."""
    if case.family.discrete:
        return nodes(case)[0][:6]
    return np.asarray(case.truth.ppf([1e-9, 0.05, 0.3, 0.49, 0.7, 0.93, 1 - 1e-9]))
