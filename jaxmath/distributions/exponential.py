r"""The exponential distribution of the time between events that occur at a `rate` > 0.

Elementwise functions of arrays or numbers. A rate that isn't positive gives NaN; below zero the
density is zero.
"""

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.distributions.family import Family
from jaxmath.distributions.fitting import Fit, observations, with_errors
from jaxmath.distributions.location_scale import chance, positive
from jaxmath.distributions.ratios import overlap_gap, rates_gap, ratio_gap, ratio_renyi
from jaxmath.distributions.shapes import float_dtype, sample_shape
from jaxmath.domains import NONNEGATIVE, POSITIVE
from jaxmath.formula import Concave, Convex, Decreasing, Source, with_rule
from jaxmath.special.exponential import bernoulli_ratio, log1mexp
from jaxmath.special.logarithm import log1p
from jaxmath.special.partials import minus
from jaxmath.typing import PRNGKey, Real


class Params(NamedTuple):
    """The rate; also the shape of what belongs to it, such as the score."""

    rate: Any


FAR = 1500.0
"""Beyond so many mean distances the density is zero in every dtype."""


def _z(x, rate):
    """The distance in means, zero below zero; and the rate, NaN where it isn't positive."""
    x, rate = jnp.asarray(x), positive(rate)
    return rate * jnp.where(x < 0, 0.0, x), rate


def _supported(x, inside, outside):
    """The entry inside or outside of the support, NaN for NaN."""
    x = jnp.asarray(x)
    return jnp.where(x >= 0, inside, jnp.where(x < 0, outside, jnp.nan))


def _constant(value):
    return lambda x, rate: value + 0.0 * jnp.asarray(x) + 0.0 * positive(rate)


def _log_prob(x: Real, rate: Real) -> Float[Array, "..."]:
    """The logarithm of the density, in nats."""
    z, rate = _z(x, rate)
    return _supported(x, jnp.log(rate) - z, -jnp.inf + 0.0 * rate)


def log_prob_dx(x: Real, rate: Real) -> Float[Array, "..."]:
    """Minus the rate."""
    return _supported(x, -positive(rate), 0.0 * positive(rate))


def log_prob_drate(x: Real, rate: Real) -> Float[Array, "..."]:
    """The mean less x."""
    return _supported(x, 1 / positive(rate) - x, 0.0 * positive(rate))


def _bend(x, rate):
    return _supported(x, -jnp.square(1 / positive(rate)), 0.0 * positive(rate))


_LOG_PROB = dict(x=log_prob_dx, rate=log_prob_drate)
log_prob = with_rule(_log_prob, **_LOG_PROB)


def score(x: Real, rate: Real) -> Params:
    """The slope of `log_prob` in the rate."""
    return Params(rate=log_prob_drate(x, rate))


def hessian(x: Real, rate: Real) -> Float[Array, "... 1 1"]:
    """Minus one over the squared rate, as a matrix over the one parameter."""
    return _bend(x, rate)[..., None, None]


def _times(factor, order_x, order_rate):
    """A function of z times the exponential of -z, the rate and x to some powers."""

    def product(x, rate):
        z, rate = _z(x, rate)
        within = jnp.minimum(z, FAR)
        root = jnp.exp(-within / 2)
        value = root * factor(within)
        for _ in range(order_rate):
            value, root = root * rate, value
        for _ in range(order_x):
            value, root = root * jnp.minimum(jnp.asarray(x), FAR / rate), value
        return _supported(x, value * root, 0.0 * rate)

    return product


_decay = _times(jnp.ones_like, 0, 1)
prob_dx = with_rule(
    _times(lambda z: -jnp.ones_like(z), 0, 2),
    x=_times(jnp.ones_like, 0, 3),
    rate=_times(lambda z: z - 2, 0, 1),
)
prob_drate = with_rule(
    _times(lambda z: 1 - z, 0, 0),
    x=_times(lambda z: z - 2, 0, 1),
    rate=_times(lambda z: z - 2, 1, 0),
)
_PROB = dict(x=prob_dx, rate=prob_drate)


def _prob(x: Real, rate: Real) -> Float[Array, "..."]:
    """The density; its unit is that of the rate."""
    return _decay(x, rate)


prob = with_rule(_prob, **_PROB)


def _cdf(x: Real, rate: Real) -> Float[Array, "..."]:
    """The probability of at most x."""
    return _supported(x, -jnp.expm1(-_z(x, rate)[0]), 0.0 * positive(rate))


def _sf(x: Real, rate: Real) -> Float[Array, "..."]:
    """The probability of more than x, accurate where it is tiny."""
    return _supported(x, jnp.exp(-_z(x, rate)[0]), 1 + 0.0 * positive(rate))


_x_decay = with_rule(
    _times(jnp.ones_like, 1, 0), x=prob_drate, rate=_times(lambda z: -jnp.ones_like(z), 2, 0)
)
_CDF = dict(x=prob, rate=_x_decay)
_SF = dict(x=minus(prob), rate=minus(_x_decay))
cdf = with_rule(_cdf, **_CDF)
sf = with_rule(_sf, **_SF)


def _log_cdf(x: Real, rate: Real) -> Float[Array, "..."]:
    """The logarithm of `cdf`, accurate in both tails; minus infinity up to zero."""
    z, rate = _z(x, rate)
    x = jnp.asarray(x)
    tiny = z < jnp.finfo(z.dtype).tiny * 2**60  # the product may be too small for a normal number
    near = jnp.log(jnp.where(x < 0, 0.0, x)) + jnp.log(rate) - z / 2
    return jnp.where(tiny, near, log1mexp(jnp.where(tiny, 1.0, z)))


def log_sf(x: Real, rate: Real) -> Float[Array, "..."]:
    """The logarithm of `sf`: minus the rate times x."""
    return _supported(x, -_z(x, rate)[0], 0.0 * positive(rate))


def _odds(x, rate):
    """What the slopes of `log_cdf` are made of: for z < 1 and, in two factors, beyond.

    Whether z < 1, that z, and z over $e^z - 1$; the z beyond, and the factors of $1 / (e^z - 1)$.
    """
    z, rate = _z(x, rate)
    small = z < 1
    near, far = jnp.where(small, z, 0.5), jnp.clip(z, 1.0, FAR)
    ratio = jnp.exp(-near) * (1 + near * bernoulli_ratio(near))
    root = jnp.exp(-far / 2)
    return (small, near, ratio), (far, root, root / -jnp.expm1(-far))


def _log_cdf_dx(x: Real, rate: Real) -> Float[Array, "..."]:
    """The rate times the odds of at most x."""
    (small, _, ratio), (_, root, rest) = _odds(x, rate)
    return jnp.where(small, ratio * (1 / jnp.asarray(x)), (root * positive(rate)) * rest)


def _log_cdf_drate(x: Real, rate: Real) -> Float[Array, "..."]:
    """The value x times the odds of at most it."""
    (small, _, ratio), (_, root, rest) = _odds(x, rate)
    return jnp.where(small, ratio * (1 / positive(rate)), (root * x) * rest)


def _log_cdf_dx_dx(x, rate):
    (small, z, ratio), (_, _, rest) = _odds(x, rate)
    near = ratio * (1 / jnp.asarray(x))
    return -jnp.where(small, near * near * jnp.exp(z), jnp.square(rest * positive(rate)))


def _log_cdf_dx_drate(x, rate):
    (small, z, ratio), (far, root, rest) = _odds(x, rate)
    beyond = root * rest * far * bernoulli_ratio(far)
    return -jnp.where(small, ratio * bernoulli_ratio(z), beyond)


def _log_cdf_drate_drate(x, rate):
    (small, z, ratio), (_, _, rest) = _odds(x, rate)
    near = ratio * (1 / positive(rate))
    return -jnp.where(small, near * near * jnp.exp(z), jnp.square(rest * x))


log_cdf_dx = with_rule(_log_cdf_dx, x=_log_cdf_dx_dx, rate=_log_cdf_dx_drate)
log_cdf_drate = with_rule(_log_cdf_drate, x=_log_cdf_dx_drate, rate=_log_cdf_drate_drate)
_LOG_CDF = dict(x=log_cdf_dx, rate=log_cdf_drate)
_LOG_SF = dict(x=log_prob_dx, rate=lambda x, rate: -jnp.asarray(x) + 0.0 * positive(rate))
log_cdf = with_rule(_log_cdf, **_LOG_CDF)


def _quantile(p: Real, rate: Real) -> Float[Array, "..."]:
    """The x below which lies probability p; infinite at one, NaN for p outside [0, 1]."""
    return -log1p(-chance(p)) / positive(rate)


def _isf(p: Real, rate: Real) -> Float[Array, "..."]:
    """The x above which lies probability p, accurate where p is tiny."""
    return -jnp.log(chance(p)) / positive(rate)


def _inverse(value, slope, growth):
    """The partials of a function of p over the rate."""

    def dp_dp(p, rate):
        return dp(p, rate) * growth(chance(p))

    def dp_drate(p, rate):
        return -dp(p, rate) / positive(rate)

    def drate_drate(p, rate):
        return -2 * drate(p, rate) / positive(rate)

    def _dp(p, rate):
        # XLA joins both divisions, whose divisor may underflow; one over the rate may as well.
        rate = positive(rate)
        large = slope(chance(p)) / jnp.maximum(rate, 1.0)
        return jnp.where(rate > 1, large, slope(chance(p)) * (1 / jnp.minimum(rate, 1.0)))

    dp = with_rule(_dp, p=dp_dp, rate=dp_drate)
    drate = with_rule(
        lambda p, rate: -value(p, rate) / positive(rate), p=dp_drate, rate=drate_drate
    )
    return dict(p=dp, rate=drate), {
        ("p", "p"): dp_dp,
        ("p", "rate"): dp_drate,
        ("rate", "rate"): drate_drate,
    }


_QUANTILE, _QUANTILE_SECONDS = _inverse(_quantile, lambda p: 1 / (1 - p), lambda p: 1 / (1 - p))
_ISF, _ISF_SECONDS = _inverse(_isf, lambda p: -1 / p, lambda p: -1 / p)
quantile = with_rule(_quantile, **_QUANTILE)
isf = with_rule(_isf, **_ISF)


def sample(key: PRNGKey, rate: Real, shape: tuple[int, ...] = ()) -> Array:
    """Draw `shape` times the shape of the rate, differentiable in it."""
    size = sample_shape(shape, rate)
    noise = jax.random.exponential(key, size, float_dtype(rate))
    return noise / jnp.broadcast_to(positive(rate), size)


def mean(rate: Real) -> Float[Array, "..."]:
    """One over the rate."""
    return 1 / positive(rate)


def std(rate: Real) -> Float[Array, "..."]:
    """One over the rate."""
    return mean(rate)


def median(rate: Real) -> Float[Array, "..."]:
    """The half-life: log 2 over the rate."""
    return math.log(2) / positive(rate)


def mode(rate: Real) -> Float[Array, "..."]:
    """Zero."""
    return 0.0 * positive(rate)


def variance(rate: Real) -> Float[Array, "..."]:
    """One over the squared rate."""
    return jnp.square(mean(rate))


def skewness(rate: Real) -> Float[Array, "..."]:
    """Two: the third moment of the standardised variable."""
    return 2.0 + 0.0 * positive(rate)


def kurtosis(rate: Real) -> Float[Array, "..."]:
    """Six: the excess of the fourth standardised moment over the normal's 3."""
    return 6.0 + 0.0 * positive(rate)


def entropy(rate: Real) -> Float[Array, "..."]:
    """The expected value of minus `log_prob`, in nats; negative for a large rate."""
    return 1 - jnp.log(positive(rate))


def _power(constant, power):
    def partial(rate):
        value = constant + 0.0 * positive(rate)
        for _ in range(power):
            value = value / positive(rate)
        return value

    return dict(rate=partial)


def _cross_entropy(rate: Real, rate_q: Real) -> Float[Array, "..."]:
    """The expected value under the first rate of minus the second's `log_prob`, in nats."""
    return positive(rate_q) / positive(rate) - jnp.log(positive(rate_q))


def _kl(rate: Real, rate_q: Real) -> Float[Array, "..."]:
    """The Kullback-Leibler divergence of the second distribution from the first, in nats."""
    return ratio_gap(positive(rate_q), positive(rate))


def _dd(rate, rate_q):
    """Twice the second rate over the cube of the first."""
    mean = 1 / positive(rate)
    return 2 * (positive(rate_q) * mean) * mean * mean


def _kl_dd(rate, rate_q):
    mean = 1 / positive(rate)
    return mean * (mean * (2 * (positive(rate_q) * mean) - 1))


def _d_dq(rate, rate_q):
    return -jnp.square(1 / positive(rate)) + 0.0 * positive(rate_q)


def _dq_dq(rate, rate_q):
    return jnp.square(1 / positive(rate_q)) + 0.0 * positive(rate)


def _cross_entropy_drate(rate, rate_q):
    return -(positive(rate_q) / positive(rate)) / positive(rate)


def _kl_drate(rate, rate_q):
    ratio = positive(rate_q) / positive(rate)
    close = jnp.abs(ratio - 1) < 0.5
    gap = rates_gap(positive(rate), jnp.where(close, positive(rate_q), positive(rate)))
    near = gap * ratio
    return jnp.where(close, near, (1 - ratio) / positive(rate))


def _drate_q(rate, rate_q):
    return -rates_gap(positive(rate), positive(rate_q))


cross_entropy_drate = with_rule(_cross_entropy_drate, rate=_dd, rate_q=_d_dq)
kl_drate = with_rule(_kl_drate, rate=_kl_dd, rate_q=_d_dq)
drate_q = with_rule(_drate_q, rate=_d_dq, rate_q=_dq_dq)
_CROSS_ENTROPY = dict(rate=cross_entropy_drate, rate_q=drate_q)
_KL = dict(rate=kl_drate, rate_q=drate_q)
_PAIR = {("rate", "rate_q"): _d_dq, ("rate_q", "rate_q"): _dq_dq}
cross_entropy = with_rule(_cross_entropy, **_CROSS_ENTROPY)
kl = with_rule(_kl, **_KL)


def squared_hellinger(rate: Real, rate_q: Real) -> Float[Array, "..."]:
    """One minus the ratio of the rates' geometric mean to their arithmetic one."""
    return overlap_gap(positive(rate), positive(rate_q))


def renyi(order: Real, rate: Real, rate_q: Real) -> Float[Array, "..."]:
    """The divergence of order alpha; infinite where alpha rate + (1 - alpha) rate_q <= 0."""
    return ratio_renyi(order, positive(rate), positive(rate_q))


def squared_wasserstein(rate: Real, rate_q: Real) -> Float[Array, "..."]:
    """Twice the squared distance of the means."""
    return 2 * jnp.square(rates_gap(positive(rate), positive(rate_q)))


def fisher_information(rate: Real) -> Float[Array, "... 1 1"]:
    """One over the squared rate, as a matrix over the one parameter."""
    return variance(rate)[..., None, None]


def sufficient(x: Real) -> Float[Array, "... 1"]:
    """The value x itself."""
    return jnp.asarray(x)[..., None]


def natural(rate: Real) -> Float[Array, "... 1"]:
    """Minus the rate."""
    return -positive(rate)[..., None]


def mean_parameters(rate: Real) -> Float[Array, "... 1"]:
    """The mean, one over the rate."""
    return mean(rate)[..., None]


def log_partition(eta: Float[Array, "... 1"]) -> Float[Array, "..."]:
    """Minus the logarithm of minus the natural parameter."""
    return -jnp.log(-jnp.asarray(eta)[..., 0])


def fit(x: Real, weights: Real | None = None) -> Fit:
    """One over the mean of the observations, shape (n,)."""
    x, share, total = observations(x, weights)
    return with_errors(EXPONENTIAL, Params(1 / jnp.sum(share * x)), x, share, total)


EXPONENTIAL = Family(
    name="exponential",
    parameters=Params(rate=POSITIVE),
    support=NONNEGATIVE,
    functions=(
        *(log_prob, prob, cdf, log_cdf, sf, log_sf, quantile, isf, sample),
        *(mean, median, mode, variance, std, skewness, kurtosis, entropy, cross_entropy, kl),
        *(squared_hellinger, renyi, squared_wasserstein, score, hessian, fisher_information),
        *(sufficient, natural, log_partition, mean_parameters, fit),
    ),
    partials=dict(
        log_prob=_LOG_PROB,
        prob=_PROB,
        cdf=_CDF,
        sf=_SF,
        log_cdf=_LOG_CDF,
        log_sf=_LOG_SF,
        quantile=_QUANTILE,
        isf=_ISF,
        mean=_power(-1.0, 2),
        std=_power(-1.0, 2),
        median=_power(-math.log(2), 2),
        mode=_power(0.0, 0),
        variance=_power(-2.0, 3),
        skewness=_power(0.0, 0),
        kurtosis=_power(0.0, 0),
        entropy=_power(-1.0, 1),
        cross_entropy=_CROSS_ENTROPY,
        kl=_KL,
    ),
    seconds=dict(
        log_prob={
            ("x", "x"): _constant(0.0),
            ("x", "rate"): _constant(-1.0),
            ("rate", "rate"): _bend,
        },
        quantile=_QUANTILE_SECONDS,
        isf=_ISF_SECONDS,
        cross_entropy={("rate", "rate"): _dd, **_PAIR},
        kl={("rate", "rate"): _kl_dd, **_PAIR},
    ),
    plain=dict(
        log_prob=_log_prob,
        prob=_prob,
        cdf=_cdf,
        sf=_sf,
        log_cdf=_log_cdf,
        quantile=_quantile,
        isf=_isf,
        cross_entropy=_cross_entropy,
        kl=_kl,
    ),
    facts=dict(
        log_prob=(Concave("rate"),),
        log_cdf=(Concave("x"), Concave("rate")),
        entropy=(Decreasing("rate"), Convex("rate")),
        kl=(Convex("rate_q"),),
    ),
    tex=dict(
        log_prob=r"\log p(x) = \log \lambda - \lambda x",
        prob=r"p(x) = \lambda e^{-\lambda x}",
        cdf=r"F(x) = 1 - e^{-\lambda x}",
        sf=r"S(x) = e^{-\lambda x}",
        log_cdf=r"\log F(x) = \log(1 - e^{-\lambda x})",
        log_sf=r"\log S(x) = -\lambda x",
        quantile=r"F^{-1}(p) = -\log(1 - p) / \lambda",
        isf=r"S^{-1}(p) = -\log(p) / \lambda",
        mean=r"\mu = 1 / \lambda",
        variance=r"\sigma^2 = 1 / \lambda^2",
        entropy=r"H = 1 - \log \lambda",
        cross_entropy=r"H(p, q) = \lambda_q / \lambda - \log \lambda_q",
        kl=r"\operatorname{KL} = \log \frac{\lambda}{\lambda_q} + \frac{\lambda_q}{\lambda} - 1",
    ),
    source=Source("casella2002inference", "section 3.3"),
    topic="P9",
)
__getattr__ = EXPONENTIAL.function
