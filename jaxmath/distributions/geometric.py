r"""The geometric distribution: failures before the first success, each of chance `probability`.

Values are 0, 1, 2, ...; the probability lies in (0, 1], and what doesn't gives NaN. Elementwise
functions of arrays or numbers.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.distributions import bernoulli
from jaxmath.distributions.family import Family
from jaxmath.distributions.fitting import Fit, observations, with_errors
from jaxmath.distributions.location_scale import chance
from jaxmath.distributions.ratios import rates_gap
from jaxmath.distributions.shapes import float_dtype, sample_shape
from jaxmath.distributions.steps import first_whole
from jaxmath.domains import Integers, Interval
from jaxmath.formula import Concave, Decreasing, Increasing, Source, with_rule
from jaxmath.special.entropy import xlog1py, xlog1py_dy
from jaxmath.special.exponential import expm1_gap, log1mexp
from jaxmath.special.logarithm import log1p, log1p_gap
from jaxmath.special.ratio import log_ratio, relative_excess
from jaxmath.typing import Label, PRNGKey, Real


class Params(NamedTuple):
    """The chance of a success; also the shape of what belongs to it, such as the score."""

    probability: Any


def _valid(probability: Real) -> Float[Array, "..."]:
    """The probability itself where it is one and not zero, NaN where it isn't."""
    p = jnp.asarray(probability)
    return p + jnp.where((p > 0) & (p <= 1), 0.0, jnp.nan)


def _count(x, probability):
    """The value as a number of the probability's dtype, and whether it is one of 0, 1, 2, ..."""
    x = jnp.asarray(x).astype(jnp.result_type(float, probability))
    x = x.astype(jnp.result_type(probability))
    whole = (x >= 0) & (x == jnp.floor(x))
    return jnp.where(whole, x, 0.0), whole, jnp.where(jnp.isnan(x), jnp.nan, 0.0).astype(x.dtype)


def _log_prob(x: Label, probability: Real) -> Float[Array, "..."]:
    """The logarithm of the probability of x failures, in nats; minus infinity of no such number."""
    p = _valid(probability)
    count, whole, missing = _count(x, p)
    value = jnp.log(p) + xlog1py(count, -p)
    return jnp.where(whole | jnp.isnan(value), value, -jnp.inf) + missing


def _log_prob_dprobability(x: Label, probability: Real) -> Float[Array, "..."]:
    """One over the probability, less x over that of a failure."""
    p = _valid(probability)
    count, whole, missing = _count(x, p)
    failures = jnp.where(count == 0, 0.0, count * (1 / (1 - p)))
    return jnp.where(whole, 1 / p - failures, 0.0 * p) + missing


def _log_prob_bend(x, probability):
    p = _valid(probability)
    count, whole, missing = _count(x, p)
    square = xlog1py_dy(xlog1py_dy(count, -p), -p)
    return jnp.where(whole, -jnp.square(1 / p) - square, 0.0 * p) + missing


log_prob_dprobability = with_rule(_log_prob_dprobability, probability=_log_prob_bend)
_LOG_PROB = dict(probability=log_prob_dprobability)
log_prob = with_rule(_log_prob, **_LOG_PROB)


def score(x: Label, probability: Real) -> Params:
    """The slope of `log_prob` in the probability."""
    return Params(probability=log_prob_dprobability(x, probability))


def hessian(x: Label, probability: Real) -> Float[Array, "... 1 1"]:
    """The second derivative of `log_prob`, as a matrix over the one parameter."""
    return _log_prob_bend(x, probability)[..., None, None]


def _prob(x: Label, probability: Real) -> Float[Array, "..."]:
    """The probability of x failures before the first success."""
    p = _valid(probability)
    count, whole, missing = _count(x, p)
    return jnp.where(whole, p * jnp.exp(xlog1py(count, -p)), 0.0 * p) + missing


def _prob_dprobability(x: Label, probability: Real) -> Float[Array, "..."]:
    """The probability of x failures, less x p times that of one failure less."""
    p = _valid(probability)
    count, whole, missing = _count(x, p)
    some = jnp.where(count > 0, _failures(count - 1, p, 1 - p - count * p), 1.0)
    return jnp.where(whole, some, 0.0 * p) + missing


def _failures(count: Array, p: Array, factor: Array, other: Array | float = 1.0) -> Array:
    """The probability that so many trials fail, times two factors, each with a root of it."""
    root = jnp.exp(xlog1py(jnp.maximum(count, 0.0), -p) / 2)
    return (root * factor) * (root * other)


def _prob_bend(x, probability):
    p = _valid(probability)
    count, whole, missing = _count(x, p)
    some = _failures(count - 2, p, count, count * p + p - 2)
    some = jnp.where(count > 1, some, jnp.where(count == 1, -2.0, 0.0))
    return jnp.where(whole, some, 0.0 * p) + missing


_PROB = dict(probability=with_rule(_prob_dprobability, probability=_prob_bend))
prob = with_rule(_prob, **_PROB)


def _trials(x, probability):
    """How many trials must all fail for more than x failures; none below zero. And the chance."""
    p = _valid(probability)
    x = jnp.asarray(x).astype(p.dtype)
    return jnp.maximum(jnp.floor(x) + 1, 0.0), p


def _sf(x: Label, probability: Real) -> Float[Array, "..."]:
    """The probability of more than x failures, for any real x."""
    trials, p = _trials(x, probability)
    return jnp.exp(xlog1py(trials, -p))


def _sf_dprobability(x: Label, probability: Real) -> Float[Array, "..."]:
    """Minus the number of trials, times the probability that all but one of them fail."""
    trials, p = _trials(x, probability)
    return -_failures(trials - 1, p, trials)


def _sf_bend(x, probability):
    trials, p = _trials(x, probability)
    return _failures(trials - 2, p, trials, trials - 1)


sf_dprobability = with_rule(_sf_dprobability, probability=_sf_bend)
_SF = dict(probability=sf_dprobability)
sf = with_rule(_sf, **_SF)


def log_sf(x: Label, probability: Real) -> Float[Array, "..."]:
    """The logarithm of `sf`, accurate in both tails."""
    trials, p = _trials(x, probability)
    return xlog1py(trials, -p)


def log_sf_dprobability(x: Label, probability: Real) -> Float[Array, "..."]:
    """Minus the number of trials over the probability of a failure."""
    trials, p = _trials(x, probability)
    return -xlog1py_dy(trials, -p)


def _cdf(x: Label, probability: Real) -> Float[Array, "..."]:
    """The probability of at most x failures, for any real x."""
    trials, p = _trials(x, probability)
    return -jnp.expm1(xlog1py(trials, -p))


def cdf_dprobability(x: Label, probability: Real) -> Float[Array, "..."]:
    """The number of trials, times the probability that all but one of them fail."""
    return -sf_dprobability(x, probability)


_CDF = dict(probability=cdf_dprobability)
cdf = with_rule(_cdf, **_CDF)


def _depth(x, probability):
    """Minus the logarithm of `sf`, of a half where there are no trials; and whether there are."""
    trials, p = _trials(x, probability)
    some = trials > 0
    return jnp.where(some, -xlog1py(trials, -p), 0.7 + 0.0 * p), trials, p, some


def _log_cdf(x: Label, probability: Real) -> Float[Array, "..."]:
    """The logarithm of `cdf`, accurate in both tails; minus infinity below zero."""
    depth, trials, p, some = _depth(x, probability)
    value = jnp.where(some, log1mexp(depth), -jnp.inf + 0.0 * p)
    return jnp.where(jnp.isnan(trials), jnp.nan, value)


def _log_cdf_dprobability(x: Label, probability: Real) -> Float[Array, "..."]:
    """The trials over the chance of a failure, times the odds of `sf`; zero below zero."""
    depth, trials, p, some = _depth(x, probability)
    others = _failures(trials - 1, p, trials, 1 / -jnp.expm1(-depth))
    value = jnp.where(some, others, 0.0 * p)
    return jnp.where(jnp.isnan(trials), jnp.nan, value)


def _log_cdf_bend(x, probability):
    depth, trials, p, some = _depth(x, probability)
    chance = -jnp.expm1(-depth)
    single = -jnp.square(1 / p)
    many = -_failures(trials - 2, p, trials, (trials / chance - 1) * (1 / chance))
    value = jnp.where(some, jnp.where(trials == 1, single, many), 0.0 * p)
    return jnp.where(jnp.isnan(trials), jnp.nan, value)


log_cdf_dprobability = with_rule(_log_cdf_dprobability, probability=_log_cdf_bend)
_LOG_CDF = dict(probability=log_cdf_dprobability)
log_cdf = with_rule(_log_cdf, **_LOG_CDF)


def quantile(p: Real, probability: Real) -> Float[Array, "..."]:
    """The smallest number with cdf >= p; infinite at one, NaN for p outside [0, 1]."""
    p, success = jax.lax.stop_gradient((chance(p), _valid(probability)))
    guess = jnp.ceil(jnp.where(success < 1, log1p(-p) / log1p(-success), 0.0)) - 1

    def reached(k, p, success):
        return cdf(k, success) >= p

    found = first_whole(reached, guess, jnp.inf, p, success)
    return jnp.where(jnp.isnan(p + success), jnp.nan, jnp.where(p < 1, found, guess))


def isf(p: Real, probability: Real) -> Float[Array, "..."]:
    """The smallest number with sf <= p; infinite at zero, NaN for p outside [0, 1]."""
    p, success = jax.lax.stop_gradient((chance(p), _valid(probability)))
    guess = jnp.ceil(jnp.where(success < 1, jnp.log(p) / log1p(-success), 0.0)) - 1

    def reached(k, p, success):
        return sf(k, success) <= p

    found = first_whole(reached, guess, jnp.inf, p, success)
    return jnp.where(jnp.isnan(p + success), jnp.nan, jnp.where(p > 0, found, guess))


def sample(key: PRNGKey, probability: Real, shape: tuple[int, ...] = ()) -> Array:
    """Draw `shape` times the shape of the probability, whole numbers in its dtype.

    The draws are steps of the probability: their derivative is zero, and no estimate of any other.
    """
    size = sample_shape(shape, probability)
    p = jnp.broadcast_to(jax.lax.stop_gradient(_valid(probability)), size)
    noise = jax.random.exponential(key, size, float_dtype(probability))
    return jnp.floor(noise / -log1p(-p))


def mean(probability: Real) -> Float[Array, "..."]:
    """The odds of a failure."""
    p = _valid(probability)
    return (1 - p) / p


def median(probability: Real) -> Float[Array, "..."]:
    """The quantile of one half."""
    return quantile(jnp.full_like(_valid(probability), 0.5), probability)


def mode(probability: Real) -> Float[Array, "..."]:
    """Zero."""
    return 0.0 * _valid(probability)


def _variance(probability: Real) -> Float[Array, "..."]:
    """The odds of a failure over the probability."""
    return mean(probability) / _valid(probability)


def variance_dprobability(probability: Real) -> Float[Array, "..."]:
    """Minus two less the probability, over its cube, which may underflow."""
    p = _valid(probability)
    rate = 1 / p
    return (((p - 2) * rate) * rate) * rate


_VARIANCE = dict(probability=variance_dprobability)
variance = with_rule(_variance, **_VARIANCE)


def std(probability: Real) -> Float[Array, "..."]:
    """The square root of the probability of a failure, over that of a success."""
    p = _valid(probability)
    return jnp.sqrt(1 - p) / p


def _skewness(probability: Real) -> Float[Array, "..."]:
    """The third moment of the standardised value."""
    p = _valid(probability)
    return (2 - p) / jnp.sqrt(1 - p)


def skewness_dprobability(probability: Real) -> Float[Array, "..."]:
    """Half the odds of a success, over the root of the chance of a failure."""
    p = _valid(probability)
    return p / 2 / (1 - p) / jnp.sqrt(1 - p)


_SKEWNESS = dict(probability=skewness_dprobability)
skewness = with_rule(_skewness, **_SKEWNESS)


def kurtosis(probability: Real) -> Float[Array, "..."]:
    """The excess of the fourth standardised moment over the normal's 3."""
    p = _valid(probability)
    return 6 + p * (p / (1 - p))


# One over the probability is multiplied by: XLA would join two divisions into one.
def _entropy(probability: Real) -> Float[Array, "..."]:
    """That of one trial over the probability, in nats: so many trials are expected."""
    p = _valid(probability)
    return bernoulli.entropy(p) / p


def _entropy_dprobability(probability: Real) -> Float[Array, "..."]:
    """The logarithm of the chance of a failure, over the squared probability."""
    trials = 1 / _valid(probability)
    return (log1p(-_valid(probability)) * trials) * trials


def _entropy_bend(probability):
    p = _valid(probability)
    trials = 1 / p
    return -((1 / (1 - p) + 2 * (log1p(-p) * trials)) * trials) * trials


entropy_dprobability = with_rule(_entropy_dprobability, probability=_entropy_bend)
_ENTROPY = dict(probability=entropy_dprobability)
entropy = with_rule(_entropy, **_ENTROPY)


def _cross_entropy(probability: Real, probability_q: Real) -> Float[Array, "..."]:
    """The expected value under the first probability of minus the second's `log_prob`, in nats."""
    p, q = _valid(probability), _valid(probability_q)
    return bernoulli.cross_entropy(p, q) / p


def _kl(probability: Real, probability_q: Real) -> Float[Array, "..."]:
    """The Kullback-Leibler divergence of the second distribution from the first, in nats."""
    p, q = _valid(probability), _valid(probability_q)
    return bernoulli.kl(p, q) / p


def _cross_entropy_dprobability(probability: Real, probability_q: Real) -> Float[Array, "..."]:
    """The logarithm of the second chance of a failure, over the first probability squared."""
    trials = 1 / _valid(probability)
    return (log1p(-_valid(probability_q)) * trials) * trials


def _log_failures(p, q):
    """The logarithm of the ratio of both chances of a failure, second over first, over p."""
    gap = -relative_excess(q, p)  # of p and q over p, which is representable where p - q isn't
    close = jnp.abs(gap) * p < (1 - p) / 2
    small = jnp.where(close, gap * p / (1 - p), 0.0)
    tiny = jnp.abs(small) < jnp.finfo(small.dtype).eps ** 2
    near = jnp.where(tiny, gap / (1 - p), log1p(small) / p)
    return jnp.where(close, near, (log1p(-q) - log1p(-p)) / p)


def _kl_dprobability(probability: Real, probability_q: Real) -> Float[Array, "..."]:
    """The logarithm of the ratio of both chances of a failure, over the squared probability."""
    p, q = _valid(probability), _valid(probability_q)
    return _log_failures(p, q) * (1 / p)


def _dprobability_q(probability: Real, probability_q: Real) -> Float[Array, "..."]:
    """The excess of the second probability, over both and the second chance of a failure."""
    p, q = _valid(probability), _valid(probability_q)
    return rates_gap(q, p) * (1 / (1 - q))


def _bend(probability, probability_q):
    p, trials = _valid(probability), 1 / _valid(probability)
    return -2 * ((log1p(-_valid(probability_q)) * trials) * trials) * trials + 0.0 * p


def _kl_bend(probability, probability_q):
    p, q = _valid(probability), _valid(probability_q)
    trials = 1 / p
    return ((1 / (1 - p) - 2 * _log_failures(p, q)) * trials) * trials


def _twist(probability, probability_q):
    return -jnp.square(1 / _valid(probability)) / (1 - _valid(probability_q))


def _bend_q(probability, probability_q):
    p, q = _valid(probability), _valid(probability_q)
    return jnp.square(1 / q) + (1 - p) / jnp.square(1 - q) * (1 / p)


cross_entropy_dprobability = with_rule(
    _cross_entropy_dprobability, probability=_bend, probability_q=_twist
)
kl_dprobability = with_rule(_kl_dprobability, probability=_kl_bend, probability_q=_twist)
dprobability_q = with_rule(_dprobability_q, probability=_twist, probability_q=_bend_q)
_CROSS_ENTROPY = dict(probability=cross_entropy_dprobability, probability_q=dprobability_q)
_KL = dict(probability=kl_dprobability, probability_q=dprobability_q)
cross_entropy = with_rule(_cross_entropy, **_CROSS_ENTROPY)
kl = with_rule(_kl, **_KL)


def squared_hellinger(probability: Real, probability_q: Real) -> Float[Array, "..."]:
    """One minus the geometric mean of both probabilities over its own complement's.

    The excess of $1 - \\sqrt{(1 - p)(1 - q)}$ over $\\sqrt{pq}$ is half of the sum of both squared
    differences of the roots, $\\sqrt p - \\sqrt q$ and $\\sqrt{1 - p} - \\sqrt{1 - q}$.
    """
    p, q = _valid(probability), _valid(probability_q)
    one = (p - q) / (jnp.sqrt(p) + jnp.sqrt(q))
    roots = jnp.sqrt(1 - p) + jnp.sqrt(1 - q)
    zero = (p - q) / jnp.where(roots > 0, roots, 1.0)
    whole = -jnp.expm1((log1p(-p) + log1p(-q)) / 2)
    return (jnp.square(one) + jnp.square(zero)) / 2 / whole


def renyi(order: Real, probability: Real, probability_q: Real) -> Float[Array, "..."]:
    """The divergence of order alpha; infinite where the sum over all values is."""
    p, q = _valid(probability), _valid(probability_q)
    power = jnp.asarray(order) - 1
    some = jnp.where(power == 0, 1.0, power)
    odds, step = (1 - p) / p, -power * _log_failures(p, q) * p
    growth = odds * jnp.expm1(step)
    # Near order one, or near each other, the terms of first order are the divergence itself.
    close = (jnp.abs(growth) < 0.5) & (jnp.abs(step) < 1)
    small, slow = jnp.where(close, growth, 0.0), jnp.where(close, step, 0.0)
    near = kl(p, q) + (log1p_gap(-small) + odds * expm1_gap(slow)) / some
    finite = ~(growth >= 1)
    rest = log1p(-jnp.where(finite & ~close, growth, 0.0)) / some
    far = jnp.where(finite, log_ratio(p, q) - rest, jnp.inf)
    return jnp.where(power == 0, kl(p, q), jnp.where(close, near, far))


def fisher_information(probability: Real) -> Float[Array, "... 1 1"]:
    """One over the squared probability and the chance of a failure, as a matrix."""
    p = _valid(probability)
    return (1 / p / p / (1 - p))[..., None, None]


def sufficient(x: Real) -> Float[Array, "... 1"]:
    """The value x itself."""
    return jnp.asarray(x)[..., None]


def natural(probability: Real) -> Float[Array, "... 1"]:
    """The logarithm of the chance of a failure."""
    return log1p(-_valid(probability))[..., None]


def mean_parameters(probability: Real) -> Float[Array, "... 1"]:
    """The mean, the odds of a failure."""
    return mean(probability)[..., None]


def log_partition(eta: Float[Array, "... 1"]) -> Float[Array, "..."]:
    """Minus the logarithm of one minus the exponential of the natural parameter."""
    return -log1mexp(-jnp.asarray(eta)[..., 0])


def fit(x: Label, weights: Real | None = None) -> Fit:
    """One over one plus the mean of the observations, shape (n,)."""
    x, share, total = observations(x, weights)
    return with_errors(GEOMETRIC, Params(1 / (1 + jnp.sum(share * x))), x, share, total)


def _of_chance(fn):
    return dict(probability=lambda probability: fn(_valid(probability)))


GEOMETRIC = Family(
    name="geometric",
    parameters=Params(probability=Interval(0.0, 1.0)),
    support=Integers(0, 2**31 - 1),
    functions=(
        *(log_prob, prob, cdf, log_cdf, sf, log_sf, quantile, isf, sample),
        *(mean, median, mode, variance, std, skewness, kurtosis, entropy, cross_entropy, kl),
        *(squared_hellinger, renyi, score, hessian, fisher_information),
        *(sufficient, natural, log_partition, mean_parameters, fit),
    ),
    partials=dict(
        log_prob=_LOG_PROB,
        prob=_PROB,
        cdf=_CDF,
        sf=_SF,
        log_cdf=_LOG_CDF,
        log_sf=dict(probability=log_sf_dprobability),
        mean=_of_chance(lambda p: -1 / p / p),
        variance=_VARIANCE,
        std=_of_chance(lambda p: (p / 2 - 1) / jnp.sqrt(1 - p) / p / p),
        skewness=_SKEWNESS,
        kurtosis=_of_chance(lambda p: p * (2 - p) / jnp.square(1 - p)),
        entropy=_ENTROPY,
        cross_entropy=_CROSS_ENTROPY,
        kl=_KL,
    ),
    plain=dict(
        log_prob=_log_prob,
        prob=_prob,
        cdf=_cdf,
        sf=_sf,
        log_cdf=_log_cdf,
        skewness=_skewness,
        entropy=_entropy,
        cross_entropy=_cross_entropy,
        kl=_kl,
    ),
    facts=dict(
        log_prob=(Concave("probability"),),
        cdf=(Increasing("probability"),),
        sf=(Decreasing("probability"),),
        entropy=(Decreasing("probability"),),
    ),
    tex=dict(
        log_prob=r"\log p(x) = \log \pi + x \log(1 - \pi)",
        prob=r"p(x) = \pi (1 - \pi)^x",
        cdf=r"F(x) = 1 - (1 - \pi)^{\lfloor x \rfloor + 1}",
        sf=r"S(x) = (1 - \pi)^{\lfloor x \rfloor + 1}",
        mean=r"\mu = (1 - \pi) / \pi",
        variance=r"\sigma^2 = (1 - \pi) / \pi^2",
        entropy=r"H = -\log \pi - \frac{1 - \pi}{\pi} \log(1 - \pi)",
        kl=r"\operatorname{KL} = \log \frac{\pi}{\pi_q}"
        r" + \frac{1 - \pi}{\pi} \log \frac{1 - \pi}{1 - \pi_q}",
    ),
    source=Source("casella2002inference", "section 3.2"),
    topic="P10",
)
__getattr__ = GEOMETRIC.function
