r"""The binomial distribution: the successes of `count` trials, each one with `probability`.

Elementwise functions of arrays or numbers. The number of trials n is whole and known: derivatives
are those in the probability. It gives NaN where it isn't whole or is negative, as a probability
outside [0, 1] does. Probabilities of the values rest on what Stirling's formula leaves over (Loader
2000), so that they keep their digits however large n is.
"""

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.distributions.count_draws import binomial_draw
from jaxmath.distributions.family import Family
from jaxmath.distributions.fitting import Fit, observations, with_errors
from jaxmath.distributions.location_scale import chance
from jaxmath.distributions.log_tails import slope_of_log
from jaxmath.distributions.shapes import sample_shape
from jaxmath.distributions.steps import Root, first_count, near_root
from jaxmath.distributions.table import tabled
from jaxmath.domains import Integers, Interval
from jaxmath.formula import Concave, Decreasing, Increasing, Source, with_rule
from jaxmath.special.entropy import kl_div, xlog1py, xlog1py_dy, xlogy, xlogy_dy
from jaxmath.special.gamma import stirling_error_from_one as error
from jaxmath.special.incomplete_beta import (
    betainc,
    betainc_dx,
    betainc_dx_dx,
    betaincc,
    log_betainc,
    log_betainc_dx,
    log_betaincc,
    log_betaincc_dx,
)
from jaxmath.special.logarithm import log1p
from jaxmath.special.normal_tail import ndtri
from jaxmath.special.partials import minus
from jaxmath.special.ratio import log_ratio
from jaxmath.typing import Label, PRNGKey, Real

LOG_TAU = math.log(2 * math.pi)


class Params(NamedTuple):
    """The number of trials, and the probability of each."""

    count: Any
    probability: Any


class Score(NamedTuple):
    """What belongs to the parameters that can be differentiated in."""

    probability: Any


def _parameters(count, probability):
    """Both in the dtype of the probability, NaN where the pair is none."""
    p = chance(probability)
    n = jnp.asarray(count).astype(p.dtype)
    wrong = jnp.where((n >= 0) & (n == jnp.floor(n)) & (n < jnp.inf), 0.0, jnp.nan)
    return n, p + wrong


def _value(x, count, probability):
    """Successes, failures, the probability, and whether x is a number of successes.

    NaN stays NaN in the probability.
    """
    n, p = _parameters(count, probability)
    x = jnp.asarray(x).astype(p.dtype)
    inside = (x >= 0) & (x <= n) & (x == jnp.floor(x))
    k = jnp.where(inside, x, 0.0)
    return k, n - k, p + jnp.where(jnp.isnan(x), jnp.nan, 0.0), inside


def _log_mass(k, rest, p):
    """Of so many successes and failures."""
    n, both = k + rest, (k > 0) & (rest > 0)
    one, other = jnp.where(both, k, 1.0), jnp.where(both, rest, 1.0)
    ways = error(one + other) - error(one) - error(other)
    ways = ways - (jnp.log(one) + jnp.log(other / (one + other)) + LOG_TAU) / 2
    inner = jnp.where(both, p, 0.5)
    middle = ways - kl_div(one, (one + other) * inner) - kl_div(other, (one + other) * (1 - inner))
    return jnp.where(both, middle, jnp.where(k > 0, xlogy(n, p), xlog1py(n, -p)))


@tabled
def _log_prob(x: Label, count: Label, probability: Real) -> Float[Array, "..."]:
    """The logarithm of the probability of x successes; minus infinity of no such number."""
    k, rest, p, inside = _value(x, count, probability)
    value = _log_mass(k, rest, p)
    return jnp.where(inside | jnp.isnan(p), value, -jnp.inf)


def _log_prob_dprobability(x: Label, count: Label, probability: Real) -> Float[Array, "..."]:
    """The successes over the probability, less the failures over that of one."""
    k, rest, p, inside = _value(x, count, probability)
    return jnp.where(inside, xlogy_dy(k, p) - xlog1py_dy(rest, -p), 0.0 * p)


def _log_prob_bend(x, count, probability):
    k, rest, p, inside = _value(x, count, probability)
    square = xlogy_dy(xlogy_dy(k, p), p) + xlog1py_dy(xlog1py_dy(rest, -p), -p)
    return jnp.where(inside, -square, 0.0 * p)


log_prob_dprobability = with_rule(_log_prob_dprobability, probability=_log_prob_bend)
_LOG_PROB = dict(probability=log_prob_dprobability)
log_prob = with_rule(_log_prob, **_LOG_PROB)


def score(x: Label, count: Label, probability: Real) -> Score:
    """The slope of `log_prob` in the probability."""
    return Score(probability=log_prob_dprobability(x, count, probability))


def hessian(x: Label, count: Label, probability: Real) -> Float[Array, "... 1 1"]:
    """The second derivative of `log_prob` in the probability, as a matrix."""
    return _log_prob_bend(x, count, probability)[..., None, None]


@tabled
def _prob(x: Label, count: Label, probability: Real) -> Float[Array, "..."]:
    """The probability of x successes."""
    k, rest, p, inside = _value(x, count, probability)
    return jnp.where(inside, jnp.exp(_log_mass(k, rest, p)), 0.0 * p)


def _fewer(k, rest, p, successes, failures, ways):
    """The probability of the same trials without some of each, so many times; zero without them."""
    there = (k >= successes) & (rest >= failures)
    less = jnp.where(there, k - successes, 0.0), jnp.where(there, rest - failures, 0.0)
    root = jnp.exp(_log_mass(*less, p) / 2)  # alone the probability might underflow
    return jnp.where(there, (root * ways) * root, 0.0)


def _prob_dprobability(x: Label, count: Label, probability: Real) -> Float[Array, "..."]:
    """The trials, times what one less makes of one success less, and of one failure less."""
    k, rest, p, inside = _value(x, count, probability)
    n = k + rest
    return jnp.where(inside, _fewer(k, rest, p, 1, 0, n) - _fewer(k, rest, p, 0, 1, n), 0.0 * p)


def _prob_bend(x, count, probability):
    k, rest, p, inside = _value(x, count, probability)
    pairs = (k + rest) * (k + rest - 1)
    ends = _fewer(k, rest, p, 2, 0, pairs) + _fewer(k, rest, p, 0, 2, pairs)
    return jnp.where(inside, ends - _fewer(k, rest, p, 1, 1, 2 * pairs), 0.0 * p)


prob_dprobability = with_rule(_prob_dprobability, probability=_prob_bend)
_PROB = dict(probability=prob_dprobability)
prob = with_rule(_prob, **_PROB)


def _tail(fn, none, every):
    """A function of the tails by one more than the successes, the failures, the probability."""

    def tail(x, count, probability):
        n, p = _parameters(count, probability)
        k = jnp.floor(jnp.asarray(x).astype(p.dtype))
        inner = (k >= 0) & (k < n)
        value = fn(jnp.where(inner, k + 1, 1.0), jnp.where(inner, n - k, 1.0), p)
        outer = jnp.where(k < 0, none, jnp.where(k >= n, every, jnp.nan)) + 0.0 * p
        return jnp.where(inner, value, outer)

    return tabled(tail, steps=True)


def _cdf(x: Label, count: Label, probability: Real) -> Float[Array, "..."]:
    """The probability of at most x successes, for any real x."""
    return _tail(betaincc, 0.0, 1.0)(x, count, probability)


def _sf(x: Label, count: Label, probability: Real) -> Float[Array, "..."]:
    """The probability of more than x successes, for any real x."""
    return _tail(betainc, 1.0, 0.0)(x, count, probability)


def _log_cdf(x: Label, count: Label, probability: Real) -> Float[Array, "..."]:
    """The logarithm of `cdf`, accurate in both tails; minus infinity below zero."""
    return _tail(log_betaincc, -jnp.inf, 0.0)(x, count, probability)


def _log_sf(x: Label, count: Label, probability: Real) -> Float[Array, "..."]:
    """The logarithm of `sf`, accurate in both tails; minus infinity from the last number on."""
    return _tail(log_betainc, 0.0, -jnp.inf)(x, count, probability)


_density = _tail(betainc_dx, 0.0, 0.0)
sf_dprobability = with_rule(_density, probability=_tail(betainc_dx_dx, 0.0, 0.0))
_SF = dict(probability=sf_dprobability)
_CDF = dict(probability=minus(sf_dprobability))
cdf, sf = with_rule(_cdf, **_CDF), with_rule(_sf, **_SF)


def _growth(x, count, probability):
    n, p = _parameters(count, probability)
    k = jnp.clip(jnp.floor(jnp.asarray(x).astype(p.dtype)), 0.0, n)
    return xlogy_dy(k, p) - xlog1py_dy(n - k - 1, -p)


def _many(x, count, probability):
    n, p = _parameters(count, probability)
    return jnp.floor(jnp.asarray(x).astype(p.dtype)) + 1 > n * p


log_cdf_dprobability = slope_of_log(
    cdf, _CDF["probability"], _growth, _tail(log_betaincc_dx, 0.0, 0.0),
    lambda x, count, probability: _many(x, count, probability),
)  # fmt: skip
log_sf_dprobability = slope_of_log(
    sf, _SF["probability"], _growth, _tail(log_betainc_dx, 0.0, 0.0),
    lambda x, count, probability: ~_many(x, count, probability),
)  # fmt: skip
_LOG_CDF = dict(probability=log_cdf_dprobability)
_LOG_SF = dict(probability=log_sf_dprobability)
log_cdf, log_sf = with_rule(_log_cdf, **_LOG_CDF), with_rule(_log_sf, **_LOG_SF)


def _near(z, n, p):
    """About where `cdf` is that of the normal distribution at z."""
    mean, spread = n * p, jnp.sqrt(n * p * (1 - p))

    def root(k):
        inner = jnp.clip(k, 1e-3, n - 1e-3)
        deviance = kl_div(inner, mean) + kl_div(n - inner, n - mean)
        sign = jnp.where(inner < mean, -1.0, 1.0)
        odds = log_ratio(inner, mean) - log_ratio(n - inner, n - mean)
        return Root(inner, sign * jnp.sqrt(2 * deviance), odds, jnp.sqrt(inner * (1 - inner / n)))

    skew = (1 - 2 * p) / 6
    start = mean + z * spread + (jnp.square(z) - 1) * skew
    return near_root(
        *(root, z, start, lambda k: (k / 8, n - (n - k) / 8)),
        *(1 / jnp.maximum(spread, 1e-3), skew),
    )


def _step(p, count, probability, side, least):
    """The least number at which a tail has reached p, and the ends of p's range."""
    p, (n, chance_) = jax.lax.stop_gradient((chance(p), _parameters(count, probability)))
    spread = (chance_ > 0) & (chance_ < 1) & (n > 0)
    inner = (p > 0) & (p < 1) & spread
    some = jnp.where(spread, n, 2.0), jnp.where(spread, chance_, 0.5)

    def near(p):
        z = ndtri(p)
        return jnp.ceil(_near(z if least else -z, *some) - 0.5)

    return first_count(side, p, (n, chance_), near, inner, n, rising=least)


def quantile(p: Real, count: Label, probability: Real) -> Float[Array, "..."]:
    """The smallest number with cdf >= p; NaN for p outside [0, 1]."""
    return _step(p, count, probability, cdf, True)


def isf(p: Real, count: Label, probability: Real) -> Float[Array, "..."]:
    """The smallest number with sf <= p; NaN for p outside [0, 1]."""
    return _step(p, count, probability, sf, False)


def sample(key: PRNGKey, count: Label, probability: Real, shape: tuple[int, ...] = ()) -> Array:
    """Draw `shape` times the common shape of the parameters, whole numbers in the dtype of p.

    The draws are steps of the probability: their derivative is zero, and no estimate of any other.
    """
    size = sample_shape(shape, count, probability)
    n, p = jax.lax.stop_gradient(_parameters(count, probability))
    valid = ~jnp.isnan(p)
    draws = binomial_draw(key, jnp.where(valid, n, 1.0), jnp.where(valid, p, 0.5), size)
    return jnp.where(jnp.broadcast_to(valid, size), draws, jnp.nan)


def mean(count: Label, probability: Real) -> Float[Array, "..."]:
    """The trials times the probability."""
    n, p = _parameters(count, probability)
    return n * p


def median(count: Label, probability: Real) -> Float[Array, "..."]:
    """The quantile of one half."""
    return quantile(0.5 + 0.0 * chance(probability), count, probability)


def mode(count: Label, probability: Real) -> Float[Array, "..."]:
    """The whole part of one more trial times the probability, at most the trials."""
    n, p = jax.lax.stop_gradient(_parameters(count, probability))
    return jnp.minimum(jnp.floor((n + 1) * p), n)


def variance(count: Label, probability: Real) -> Float[Array, "..."]:
    """The trials times the probabilities of both outcomes."""
    n, p = _parameters(count, probability)
    return n * p * (1 - p)


def std(count: Label, probability: Real) -> Float[Array, "..."]:
    """The square root of the variance."""
    n, p = _parameters(count, probability)
    return jnp.sqrt(n * p * (1 - p))


def skewness(count: Label, probability: Real) -> Float[Array, "..."]:
    """The third moment of the standardised value."""
    return (1 - 2 * jnp.asarray(probability)) / std(count, probability)


def kurtosis(count: Label, probability: Real) -> Float[Array, "..."]:
    """The excess of the fourth standardised moment over the normal's 3."""
    n, p = _parameters(count, probability)
    return 1 / (n * p * (1 - p)) - 6 / n


def fisher_information(count: Label, probability: Real) -> Float[Array, "... 1 1"]:
    """The trials over the probabilities of both outcomes, as a matrix."""
    n, p = _parameters(count, probability)
    return (n / p / (1 - p))[..., None, None]


def sufficient(x: Real) -> Float[Array, "... 1"]:
    """The value x itself."""
    return jnp.asarray(x)[..., None]


def natural(count: Label, probability: Real) -> Float[Array, "... 1"]:
    """The logarithm of the odds."""
    _, p = _parameters(count, probability)
    return (jnp.log(p) - log1p(-p))[..., None]


def mean_parameters(count: Label, probability: Real) -> Float[Array, "... 1"]:
    """The mean."""
    return mean(count, probability)[..., None]


def fit(x: Label, count: Label, weights: Real | None = None) -> Fit:
    """The mean of the observations, shape (n,), over the number of trials of each."""
    x, share, total = observations(x, weights)
    n = jnp.asarray(count).astype(x.dtype)
    return with_errors(BINOMIAL, Params(n, jnp.sum(share * x) / n), x, share, total)


def _of(fn):
    return dict(probability=lambda count, probability: fn(*_parameters(count, probability)))


BINOMIAL = Family(
    name="binomial",
    parameters=Params(
        count=Integers(1, 2**20),
        probability=Interval(2.0**-20, 1 - 2.0**-20, closed=(True, True)),
    ),
    support=Integers(0, 2**20),
    ends=lambda count, probability: (0.0, count),
    functions=(
        *(log_prob, prob, cdf, log_cdf, sf, log_sf, quantile, isf, sample),
        *(mean, median, mode, variance, std, skewness, kurtosis),
        *(score, hessian, fisher_information, sufficient, natural, mean_parameters, fit),
    ),
    partials=dict(
        log_prob=_LOG_PROB,
        prob=_PROB,
        cdf=_CDF,
        sf=_SF,
        log_cdf=_LOG_CDF,
        log_sf=_LOG_SF,
        mean=_of(lambda n, p: n + 0.0 * p),
        variance=_of(lambda n, p: n * (1 - 2 * p)),
        std=_of(lambda n, p: (0.5 - p) * jnp.sqrt(n / p / (1 - p))),
        skewness=_of(lambda n, p: -0.5 / jnp.sqrt(n * p * (1 - p)) / p / (1 - p)),
        kurtosis=_of(lambda n, p: (2 * p - 1) / n / jnp.square(p * (1 - p))),
    ),
    plain=dict(log_prob=_log_prob, prob=_prob, cdf=_cdf, sf=_sf, log_cdf=_log_cdf, log_sf=_log_sf),
    facts=dict(
        log_prob=(Concave("probability"),),
        cdf=(Decreasing("probability"),),
        sf=(Increasing("probability"),),
    ),
    undefined=dict(log_partition="it needs the number of trials beside the natural parameter."),
    tex=dict(
        log_prob=r"\log p(x) = \log \binom n x + x \log \pi + (n - x) \log(1 - \pi)",
        prob=r"p(x) = \binom n x \pi^x (1 - \pi)^{n - x}",
        cdf=r"F(x) = I_{1 - \pi}(n - \lfloor x \rfloor, \lfloor x \rfloor + 1)",
        sf=r"S(x) = I_\pi(\lfloor x \rfloor + 1, n - \lfloor x \rfloor)",
        mean=r"\mu = n \pi",
        variance=r"\sigma^2 = n \pi (1 - \pi)",
        skewness=r"(1 - 2 \pi) / \sigma",
        kurtosis=r"1 / \sigma^2 - 6 / n",
    ),
    source=Source("casella2002inference", "section 3.2"),
    topic="P5",
)
__getattr__ = BINOMIAL.function
