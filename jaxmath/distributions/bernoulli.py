r"""The Bernoulli distribution: one with probability `probability` in [0, 1], zero otherwise.

Elementwise functions of arrays or numbers. A probability outside [0, 1] gives NaN. At its ends
the conventions are the limits: $0 \log 0 = 0$.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.distributions.family import Family
from jaxmath.distributions.fitting import Fit, observations
from jaxmath.distributions.location_scale import chance
from jaxmath.distributions.shapes import sample_shape
from jaxmath.domains import BINARY, UNIT
from jaxmath.formula import Bounded, Concave, Convex, Source, with_rule
from jaxmath.special.entropy import divergence, xlog1py, xlogy
from jaxmath.special.exponential import expm1_gap
from jaxmath.special.logarithm import log1p
from jaxmath.special.logistic import softplus
from jaxmath.special.ratio import log_ratio, relative_excess
from jaxmath.typing import Label, PRNGKey, Real


class Params(NamedTuple):
    """The probability of one; also the shape of what belongs to it, such as the score."""

    probability: Any


def _by_outcome(x, one, zero, never):
    """The entry for the outcome x; `never` for what is neither zero nor one, NaN for NaN."""
    x = jnp.asarray(x)
    value = jnp.where(x == 1, one, jnp.where(x == 0, zero, never))
    return jnp.where(x != x, jnp.nan, value)


def _chance(x, probability):
    """The probability, replaced by a half where it isn't x's own: unused slopes stay finite."""
    p, x = chance(probability), jnp.asarray(x)
    return jnp.where(x == 1, p, 0.5), jnp.where(x == 1, 0.5, p)


def _log_prob(x: Label, probability: Real) -> Float[Array, "..."]:
    """The logarithm of the probability of the outcome x, in nats."""
    p = chance(probability)
    return _by_outcome(x, jnp.log(p), log1p(-p), -jnp.inf + 0.0 * p)


def _log_prob_dprobability(x: Label, probability: Real) -> Float[Array, "..."]:
    """One over the probability of the outcome, with its sign."""
    p = chance(probability)
    return _by_outcome(x, 1 / p, -1 / (1 - p), 0.0 * p)


def _log_prob_bend(x, probability):
    one, zero = _chance(x, probability)
    never = 0.0 * one * zero
    return _by_outcome(x, -jnp.square(1 / one), -jnp.square(1 / (1 - zero)), never)


log_prob_dprobability = with_rule(_log_prob_dprobability, probability=_log_prob_bend)
_LOG_PROB = dict(probability=log_prob_dprobability)
log_prob = with_rule(_log_prob, **_LOG_PROB)


def score(x: Label, probability: Real) -> Params:
    """The slope of `log_prob` in the probability; zero for an outcome that never occurs."""
    return Params(probability=log_prob_dprobability(x, probability))


def prob(x: Label, probability: Real) -> Float[Array, "..."]:
    """The probability of the outcome x."""
    p = chance(probability)
    return _by_outcome(x, p, 1 - p, 0.0 * p)


def _between(x, below, inside, above):
    """A step function of x, with steps at zero and one; NaN for NaN."""
    x = jnp.asarray(x)
    value = jnp.where(x < 0, below, jnp.where(x < 1, inside, above))
    return jnp.where(x != x, jnp.nan, value)


def _inside(x, probability):
    """The probability, replaced by a half where x lies beyond both steps; and a valid zero."""
    p, x = chance(probability), jnp.asarray(x)
    return jnp.where((x >= 0) & (x < 1), p, 0.5), 0.0 * p


def cdf(x: Label, probability: Real) -> Float[Array, "..."]:
    """The probability of at most x, for any real x."""
    p = chance(probability)
    return _between(x, 0.0 * p, 1 - p, 1.0 + 0.0 * p)


def sf(x: Label, probability: Real) -> Float[Array, "..."]:
    """The probability of more than x, for any real x."""
    p = chance(probability)
    return _between(x, 1.0 + 0.0 * p, p, 0.0 * p)


def log_cdf(x: Label, probability: Real) -> Float[Array, "..."]:
    """The logarithm of `cdf`; minus infinity below zero."""
    p, zero = _inside(x, probability)
    return _between(x, zero - jnp.inf, log1p(-p), zero)


def log_sf(x: Label, probability: Real) -> Float[Array, "..."]:
    """The logarithm of `sf`; minus infinity from one on."""
    p, zero = _inside(x, probability)
    return _between(x, zero, jnp.log(p), zero - jnp.inf)


def log_cdf_dprobability(x: Label, probability: Real) -> Float[Array, "..."]:
    """Minus one over the probability of zero, between the steps; zero beyond them."""
    p, zero = _inside(x, probability)
    return _between(x, zero, -1 / (1 - p), zero)


def log_sf_dprobability(x: Label, probability: Real) -> Float[Array, "..."]:
    """One over the probability, between the steps; zero beyond them."""
    p, zero = _inside(x, probability)
    return _between(x, zero, 1 / p, zero)


def quantile(p: Real, probability: Real) -> Float[Array, "..."]:
    """The smallest outcome x with cdf(x) >= p; NaN for p outside [0, 1]."""
    p, probability = chance(p), chance(probability)
    return _step(p > 1 - probability, p + probability)


def isf(p: Real, probability: Real) -> Float[Array, "..."]:
    """The smallest outcome x with sf(x) <= p; NaN for p outside [0, 1]."""
    p, probability = chance(p), chance(probability)
    return _step(probability > p, p + probability)


def _step(one, valid):
    """One where it is, zero elsewhere, NaN where `valid` is."""
    return jnp.where(jnp.isnan(valid), jnp.nan, jnp.where(one, 1.0, 0.0).astype(valid.dtype))


def sample(key: PRNGKey, probability: Real, shape: tuple[int, ...] = ()) -> Array:
    """Draw `shape` times the shape of the probability, zeros and ones in its dtype.

    The draws are steps of the probability: their derivative is zero, and no estimate of any other.
    """
    size = sample_shape(shape, probability)
    p = jnp.broadcast_to(jax.lax.stop_gradient(chance(probability)), size)
    # With too few random bits a probability below 1e-7 would occur too often in float32.
    return _step(jax.random.bernoulli(key, p, mode="high"), p)


def mean(probability: Real) -> Float[Array, "..."]:
    """The probability of one."""
    return chance(probability)


def median(probability: Real) -> Float[Array, "..."]:
    """The quantile of one half: zero up to probability one half, one above."""
    p = chance(probability)
    return _step(p > 0.5, p)


def mode(probability: Real) -> Float[Array, "..."]:
    """The likelier outcome; zero for probability one half."""
    return median(probability)


def variance(probability: Real) -> Float[Array, "..."]:
    """The probability of one times that of zero."""
    p = chance(probability)
    return p * (1 - p)


def variance_dprobability(probability: Real) -> Float[Array, "..."]:
    """One minus twice the probability."""
    return 1 - 2 * chance(probability)


def _std(probability: Real) -> Float[Array, "..."]:
    """The square root of the variance; its slope is infinite at both ends."""
    return jnp.sqrt(variance(probability))


def std_dprobability(probability: Real) -> Float[Array, "..."]:
    """The slope of the variance over twice the standard deviation."""
    return variance_dprobability(probability) / (2 * std(probability))


_STD = dict(probability=std_dprobability)
std = with_rule(_std, **_STD)


def _skewness(probability: Real) -> Float[Array, "..."]:
    """The third moment of the standardised outcome; infinite at both ends, by its limits."""
    return variance_dprobability(probability) / std(probability)


def skewness_dprobability(probability: Real) -> Float[Array, "..."]:
    """Minus half the cube of one over the standard deviation."""
    rate = 1 / std(probability)
    return -rate * rate * rate / 2


def _kurtosis(probability: Real) -> Float[Array, "..."]:
    """The excess of the fourth standardised moment over the normal's 3; infinite at both ends."""
    return 1 / variance(probability) - 6


def kurtosis_dprobability(probability: Real) -> Float[Array, "..."]:
    """The slope of one over the variance."""
    rate = 1 / variance(probability)
    return -variance_dprobability(probability) * rate * rate


_SKEWNESS = dict(probability=skewness_dprobability)
_KURTOSIS = dict(probability=kurtosis_dprobability)

skewness = with_rule(_skewness, **_SKEWNESS)
kurtosis = with_rule(_kurtosis, **_KURTOSIS)


def _entropy(probability: Real) -> Float[Array, "..."]:
    """The expected value of minus `log_prob`, in nats; zero at both ends."""
    return _cross_entropy(probability, probability)


def entropy_dprobability(probability: Real) -> Float[Array, "..."]:
    """Minus the log odds, formed without cancellation near one half."""
    p = chance(probability)
    central = (p > 0.25) & (p < 0.75)
    inner = jnp.where(central, p, 0.5)
    outer = jnp.where(central, 0.25, p)
    return jnp.where(central, log1p((1 - 2 * inner) / inner), log1p(-outer) - jnp.log(outer))


def _cross_entropy(probability: Real, probability_q: Real) -> Float[Array, "..."]:
    """The expected value under the first probability of minus the second's `log_prob`, in nats."""
    p, q = chance(probability), chance(probability_q)
    return -xlogy(p, q) - xlog1py(1 - p, -q)


def cross_entropy_dprobability(probability: Real, probability_q: Real) -> Float[Array, "..."]:
    """Minus the log odds of the second probability."""
    return entropy_dprobability(chance(probability_q)) + 0.0 * chance(probability)


def cross_entropy_dprobability_q(probability: Real, probability_q: Real) -> Float[Array, "..."]:
    """The difference of the probabilities over the second's variance.

    Where both are zero, or both one, the slope from inside.
    """
    p, q = chance(probability), chance(probability_q)
    certain = (p == q) & (variance(q) == 0)
    inner = jnp.where(certain, 0.5, q)
    return jnp.where(certain, 1 - 2 * p, -relative_excess(p, inner) / (1 - inner))


def _kl(probability: Real, probability_q: Real) -> Float[Array, "..."]:
    """The Kullback-Leibler divergence of the second distribution from the first, in nats.

    Infinite where the second excludes what the first allows.
    """
    p, q = chance(probability), chance(probability_q)
    gap = p - q
    one = divergence(p, q, gap, relative_excess(p, jnp.where(q > 0, q, 1.0)))
    return one + divergence(1 - p, 1 - q, -gap, -gap / jnp.where(q < 1, 1 - q, 1.0))


def kl_dprobability(probability: Real, probability_q: Real) -> Float[Array, "..."]:
    """The log odds of the first probability less those of the second."""
    p, q = chance(probability), chance(probability_q)
    close = (jnp.abs(p - q) < q / 2) & (jnp.abs(p - q) < (1 - q) / 2)
    first, second = jnp.where(close, p, 0.5), jnp.where(close, q, 0.5)
    near = log1p(relative_excess(first, second)) - log1p((second - first) / (1 - second))
    far = entropy_dprobability(q) - entropy_dprobability(p)
    return jnp.where(close, near, jnp.where(p == q, 0.0, far))


_ENTROPY = dict(probability=entropy_dprobability)
_CROSS_ENTROPY = dict(
    probability=cross_entropy_dprobability, probability_q=cross_entropy_dprobability_q
)
_KL = dict(probability=kl_dprobability, probability_q=cross_entropy_dprobability_q)

entropy = with_rule(_entropy, **_ENTROPY)
cross_entropy = with_rule(_cross_entropy, **_CROSS_ENTROPY)
kl = with_rule(_kl, **_KL)


def jensen_shannon(probability: Real, probability_q: Real) -> Float[Array, "..."]:
    """The mean divergence of both from their mixture, in nats; at most log 2."""
    p, q = chance(probability), chance(probability_q)
    middle, total = (p + q) / 2, jnp.zeros_like(p * q)
    for each, gap in ((p, (p - q) / 2), (q, (q - p) / 2)):
        one, zero = jnp.where(middle > 0, middle, 1.0), jnp.where(middle < 1, 1 - middle, 1.0)
        total = total + divergence(each, middle, gap, gap / one)
        total = total + divergence(1 - each, 1 - middle, -gap, -gap / zero)
    return total / 2


def squared_hellinger(probability: Real, probability_q: Real) -> Float[Array, "..."]:
    """Half of the squared differences of the roots of both outcomes' probabilities."""
    p, q = chance(probability), chance(probability_q)
    ones, zeros = jnp.sqrt(p) + jnp.sqrt(q), jnp.sqrt(1 - p) + jnp.sqrt(1 - q)
    one = (p - q) / jnp.where(ones > 0, ones, 1.0)
    zero = (p - q) / jnp.where(zeros > 0, zeros, 1.0)
    return (jnp.square(one) + jnp.square(zero)) / 2


def renyi(order: Real, probability: Real, probability_q: Real) -> Float[Array, "..."]:
    """The divergence of order alpha, of order one Kullback and Leibler's."""
    p, q = chance(probability), chance(probability_q)
    power = jnp.asarray(order) - 1
    some = jnp.where(power == 0, 1.0, power)
    one = power * log_ratio(p, q)
    zero = power * log_ratio(1 - p, 1 - q)
    # Near order one, or near each other, the terms of first order are the divergence itself.
    close = jnp.maximum(jnp.abs(one), jnp.abs(zero)) < 1
    small = [expm1_gap(jnp.where(close, part, 0.0)) for part in (one, zero)]
    near = log1p(power * kl(p, q) + p * small[0] + (1 - p) * small[1]) / some
    terms = (
        jnp.where(p == 0, -jnp.inf, jnp.log(p) + one),
        jnp.where(p == 1, -jnp.inf, log1p(-p) + zero),
    )
    far = jnp.logaddexp(*terms) / some
    return jnp.where(power == 0, kl(p, q), jnp.where(close, near, far))


def squared_wasserstein(probability: Real, probability_q: Real) -> Float[Array, "..."]:
    """The distance of the probabilities: so much mass moves, by one."""
    return jnp.abs(chance(probability) - chance(probability_q))


def hessian(x: Label, probability: Real) -> Float[Array, "... 1 1"]:
    """Minus the square of the score, as a matrix over the one parameter."""
    return _log_prob_bend(x, probability)[..., None, None]


def sufficient(x: Real) -> Float[Array, "... 1"]:
    """The outcome itself."""
    return jnp.asarray(x)[..., None]


def natural(probability: Real) -> Float[Array, "... 1"]:
    """The log odds."""
    return -entropy_dprobability(probability)[..., None]


def log_partition(eta: Float[Array, "... 1"]) -> Float[Array, "..."]:
    """The logarithm of one plus the odds, `softplus` of the log odds."""
    return softplus(jnp.asarray(eta)[..., 0])


def mean_parameters(probability: Real) -> Float[Array, "... 1"]:
    """The probability itself."""
    return chance(probability)[..., None]


def fisher_information(probability: Real) -> Float[Array, "... 1 1"]:
    """One over the variance, as a matrix over the one parameter; infinite at both ends."""
    return (1 / variance(probability))[..., None, None]


def fit(x: Label, weights: Real | None = None) -> Fit:
    """The share of ones among the outcomes, shape (n,); no error where all are equal.

    Both errors are the same: the family holds whatever there is to two outcomes.
    """
    x, share, total = observations(x, weights)
    p = jnp.sum(share * x)
    error = Params(std(p) / jnp.sqrt(total))
    return Fit(Params(p), error, error)


def _for_outcome(one, zero):
    """A partial in the probability that depends on whether x is one or zero."""
    return lambda x, probability: _by_outcome(x, one, zero, 0.0) + 0.0 * chance(probability)


BERNOULLI = Family(
    name="bernoulli",
    parameters=Params(probability=UNIT),
    support=BINARY,
    functions=(
        *(log_prob, prob, cdf, log_cdf, sf, log_sf, quantile, isf, sample),
        *(mean, median, mode, variance, std, skewness, kurtosis),
        *(entropy, cross_entropy, kl, jensen_shannon, squared_hellinger, renyi),
        *(squared_wasserstein, score, hessian, fisher_information),
        *(sufficient, natural, log_partition, mean_parameters, fit),
    ),
    partials=dict(
        log_prob=_LOG_PROB,
        prob=dict(probability=_for_outcome(1.0, -1.0)),
        cdf=dict(probability=_for_outcome(0.0, -1.0)),
        sf=dict(probability=_for_outcome(0.0, 1.0)),
        log_cdf=dict(probability=log_cdf_dprobability),
        log_sf=dict(probability=log_sf_dprobability),
        mean=dict(probability=lambda probability: 1.0 + 0.0 * chance(probability)),
        std=_STD,
        variance=dict(probability=variance_dprobability),
        skewness=_SKEWNESS,
        kurtosis=_KURTOSIS,
        entropy=_ENTROPY,
        cross_entropy=_CROSS_ENTROPY,
        kl=_KL,
    ),
    plain=dict(
        log_prob=_log_prob,
        std=_std,
        skewness=_skewness,
        kurtosis=_kurtosis,
        entropy=_entropy,
        cross_entropy=_cross_entropy,
        kl=_kl,
    ),
    facts=dict(
        log_prob=(Concave("probability"),),
        prob=(Bounded("probability", 0.0, 1.0),),
        variance=(Concave("probability"), Bounded("probability", 0.0, 0.25)),
        entropy=(Concave("probability"),),
        kl=(Convex("probability"), Convex("probability_q")),
    ),
    tex=dict(
        log_prob=r"\log p(x) = x \log \pi + (1 - x) \log(1 - \pi)",
        prob=r"p(x) = \pi^x (1 - \pi)^{1 - x}",
        variance=r"\sigma^2 = \pi (1 - \pi)",
        skewness=r"\frac{1 - 2\pi}{\sqrt{\pi (1 - \pi)}}",
        kurtosis=r"\frac{1}{\pi (1 - \pi)} - 6",
        entropy=r"H = -\pi \log \pi - (1 - \pi) \log(1 - \pi)",
        cross_entropy=r"H(p, q) = -\pi \log \pi_q - (1 - \pi) \log(1 - \pi_q)",
        kl=r"\operatorname{KL} = \pi \log \frac{\pi}{\pi_q}"
        r" + (1 - \pi) \log \frac{1 - \pi}{1 - \pi_q}",
    ),
    source=Source("casella2002inference", "section 3.2"),
    topic="P4",
)
__getattr__ = BERNOULLI.function
