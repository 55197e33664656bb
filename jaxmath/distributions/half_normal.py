r"""The half-normal distribution: the size of a normal number of mean zero and this `scale` > 0.

Elementwise functions of arrays or numbers. A scale that isn't positive gives NaN; below zero the
density is zero. Most functions are the normal's at location zero.
"""

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.distributions import normal
from jaxmath.distributions.family import Family
from jaxmath.distributions.fitting import Fit, observations, with_errors
from jaxmath.distributions.inversion import standard_normal
from jaxmath.distributions.location_scale import chance, positive
from jaxmath.distributions.normal import LOG_SQRT_TAU, NORMAL
from jaxmath.distributions.shapes import float_dtype, sample_shape
from jaxmath.domains import NONNEGATIVE, POSITIVE
from jaxmath.formula import Concave, Increasing, Source, with_rule
from jaxmath.special.logarithm import log1p
from jaxmath.special.normal_tail import (
    inverse_mills,
    log_ndtr,
    mills_ratio,
    ndtr,
    ndtri,
    ndtri_dp,
)
from jaxmath.typing import PRNGKey, Real

LOG_2 = math.log(2)


class Params(NamedTuple):
    """The scale; also the shape of what belongs to it, such as the score."""

    scale: Any


def _supported(x, inside, outside):
    """The entry inside or outside of the support, NaN for NaN."""
    x = jnp.asarray(x)
    return jnp.where(x >= 0, inside, jnp.where(x < 0, outside, jnp.nan))


def _size(x):
    """The value itself, zero below zero."""
    x = jnp.asarray(x)
    return jnp.where(x < 0, 0.0, x)


def _of_normal(fn, factor=1.0):
    """So many times a function of the normal, zero below zero."""
    return lambda x, scale: _supported(x, factor * fn(_size(x), 0.0, scale), 0.0 * positive(scale))


def _partials(name, factor=1.0):
    """So many times the normal's partials in x and the scale."""
    stated = NORMAL.partials[name]
    return {key: _of_normal(stated[key], factor) for key in ("x", "scale")}


def _log_prob(x: Real, scale: Real) -> Float[Array, "..."]:
    """The logarithm of the density, in nats."""
    inside = normal.log_prob(_size(x), 0.0, scale) + LOG_2
    return _supported(x, inside, -jnp.inf + 0.0 * positive(scale))


_LOG_PROB = _partials("log_prob")
_SECONDS = {
    (one, two): _of_normal(NORMAL.seconds["log_prob"][one, two])
    for one, two in (("x", "x"), ("x", "scale"), ("scale", "scale"))
}
log_prob = with_rule(_log_prob, **_LOG_PROB)


def score(x: Real, scale: Real) -> Params:
    """The slope of `log_prob` in the scale."""
    return Params(scale=_LOG_PROB["scale"](x, scale))


def hessian(x: Real, scale: Real) -> Float[Array, "... 1 1"]:
    """The second derivative of `log_prob` in the scale, as a matrix over the one parameter."""
    return _SECONDS["scale", "scale"](x, scale)[..., None, None]


def _prob(x: Real, scale: Real) -> Float[Array, "..."]:
    """Twice the normal density; its unit is one over that of x."""
    return _of_normal(normal.prob, 2.0)(x, scale)


def _cdf(x: Real, scale: Real) -> Float[Array, "..."]:
    """The probability of at most x, accurate where it is tiny: the error function."""
    z = _size(x) / positive(scale)
    return _supported(x, jax.lax.erf(z / math.sqrt(2)), 0.0 * z)


def _sf(x: Real, scale: Real) -> Float[Array, "..."]:
    """The probability of more than x, accurate where it is tiny."""
    z = _size(x) / positive(scale)
    return _supported(x, 2 * ndtr(-z), 1 + 0.0 * positive(scale))


_PROB, _CDF, _SF = (_partials("prob", 2.0), _partials("cdf", 2.0), _partials("sf", 2.0))
prob = with_rule(_prob, **_PROB)
cdf = with_rule(_cdf, **_CDF)
sf = with_rule(_sf, **_SF)


def _log_sf(x: Real, scale: Real) -> Float[Array, "..."]:
    """The logarithm of `sf`, accurate in both tails."""
    z = _size(x) / positive(scale)
    near = z < 1
    small = log1p(-jax.lax.erf(jnp.where(near, z, 0.0) / math.sqrt(2)))
    inside = jnp.where(near, small, log_ndtr(-z) + LOG_2)
    return _supported(x, inside, 0.0 * positive(scale))


_LOG_SF = _partials("log_sf")
log_sf = with_rule(_log_sf, **_LOG_SF)


def _log_cdf(x: Real, scale: Real) -> Float[Array, "..."]:
    """The logarithm of `cdf`, accurate in both tails; minus infinity up to zero."""
    x, scale = _size(x), positive(scale)
    z = x / scale
    tiny, large = z < 1e-18, z > 1
    some = jnp.where(tiny | large, 1.0, z)
    middle = jnp.log(jax.lax.erf(some / math.sqrt(2)))
    # The last term counts in second derivatives alone.
    first = jnp.log(x) - jnp.log(scale) + (LOG_2 - LOG_SQRT_TAU) - jnp.square(z) / 6
    last = log1p(-2 * ndtr(-jnp.where(large, z, 1.0)))
    return jnp.where(tiny, first, jnp.where(large, last, middle))


def _elasticity(x, scale):
    r"""How `log_cdf` grows with log z, and its fall below one over z squared, for z < 1.

    With $T = \sum_n z^{2n} / (2n + 1)!!$ they are 1 / T and (T - 1) / (T z^2).
    """
    z = _size(x) / positive(scale)
    small = z < 1
    square = jnp.square(jnp.where(small, z, 0.0))
    series = jnp.zeros_like(square)
    for n in range(18, 0, -1):
        series = (1 + square * series) / (2 * n + 1)
    growth = 1 / (1 + square * series)
    return small, z, growth, series * growth


def _beyond(x, scale):
    """The arguments where z > 1, others where it isn't, and the distribution function there."""
    z = _size(x) / positive(scale)
    small, far = z < 1, z > normal.FAR  # where all slopes are zero
    x = jnp.where(small, 1.0, jnp.where(far, normal.FAR, x))
    scale = jnp.where(small | far, 1.0, scale)
    return x, scale, _cdf(x, scale)


def _log_cdf_dx(x, scale):
    small, _, growth, _ = _elasticity(x, scale)
    far, wide, below = _beyond(x, scale)
    return jnp.where(small, growth * (1 / _size(x)), prob(far, wide) / below) + 0 * positive(scale)


def _log_cdf_dscale(x, scale):
    small, _, growth, _ = _elasticity(x, scale)
    far, wide, below = _beyond(x, scale)
    return jnp.where(small, -growth * (1 / positive(scale)), _CDF["scale"](far, wide) / below)


def _log_cdf_dx_dx(x, scale):
    small, z, growth, _ = _elasticity(x, scale)
    far, wide, below = _beyond(x, scale)
    near = growth * (1 / _size(x)) * ((growth + jnp.square(jnp.minimum(z, 1.0))) * (1 / _size(x)))
    rate = prob(far, wide) / below
    return -jnp.where(small, near, rate * rate - _PROB["x"](far, wide) / below)


def _far_dx_dscale(x, scale, below):
    slope = _PROB["scale"](x, scale) - (prob(x, scale) / below) * _CDF["scale"](x, scale)
    return slope / below


def _log_cdf_dx_dscale(x, scale):
    small, z, growth, fall = _elasticity(x, scale)
    far, wide, below = _beyond(x, scale)
    rate = 1 / positive(scale)
    near = (growth * (1 - fall) * jnp.minimum(z, 1.0) * rate) * rate
    return jnp.where(small, near, _far_dx_dscale(far, wide, below))


def _log_cdf_dscale_dscale(x, scale):
    small, z, growth, _ = _elasticity(x, scale)
    far, wide, below = _beyond(x, scale)
    rate = 1 / positive(scale)
    near = (growth * rate) * ((2 - jnp.square(jnp.minimum(z, 1.0)) - growth) * rate)
    slope = _CDF["scale"](far, wide) / below
    # It depends on x over the scale alone.
    bend = -(far / wide) * _far_dx_dscale(far, wide, below) - slope / wide
    return jnp.where(small, near, bend)


log_cdf_dx = with_rule(_log_cdf_dx, x=_log_cdf_dx_dx, scale=_log_cdf_dx_dscale)
log_cdf_dscale = with_rule(_log_cdf_dscale, x=_log_cdf_dx_dscale, scale=_log_cdf_dscale_dscale)
_LOG_CDF = dict(x=log_cdf_dx, scale=log_cdf_dscale)
log_cdf = with_rule(_log_cdf, **_LOG_CDF)


def _upper(p):
    """The standard z above which lies probability p."""
    p = chance(p)
    central = p > 0.5
    near = math.sqrt(2) * jax.lax.erf_inv(jnp.where(central, 1 - p, 0.0))
    tiny = (p > 0) & (p < 4 * jnp.finfo(p.dtype).tiny)  # whose half may be no normal number
    far = jnp.where(tiny, p, 0.25)
    z = -ndtri(far)
    for _ in range(3):
        z = z + (log_ndtr(-z) - (jnp.log(far) - LOG_2)) / inverse_mills(-z)
    outer = -ndtri(jnp.where(central | tiny, 0.5, p) / 2)
    return jnp.where(central, near, jnp.where(tiny, z, outer))


def _lower(p):
    """The standard z below which lies probability p."""
    p = chance(p)
    low = p < 0.5
    near = math.sqrt(2) * jax.lax.erf_inv(jnp.where(low, p, 0.0))
    # The second term counts in second derivatives alone.
    series = math.sqrt(math.pi / 2) * p * (1 + math.pi / 12 * jnp.square(p))
    near = jnp.where(p < 1e-9, series, near)
    return jnp.where(low, near, -ndtri((1 - jnp.where(low, 0.5, p)) / 2))


def _quantile(p: Real, scale: Real) -> Float[Array, "..."]:
    """The x below which lies probability p; infinite at one, NaN for p outside [0, 1]."""
    return positive(scale) * _lower(p)


def _isf(p: Real, scale: Real) -> Float[Array, "..."]:
    """The x above which lies probability p, accurate where p is tiny."""
    return positive(scale) * _upper(p)


def _inverse(value, slope):
    def dp_dp(p, scale):
        return (positive(scale) * slope(p)) * (value(p) * slope(p))

    def dp_dscale(p, scale):
        return slope(p) + 0.0 * positive(scale)

    dp = with_rule(lambda p, scale: positive(scale) * slope(p), p=dp_dp, scale=dp_dscale)
    dscale = with_rule(lambda p, scale: value(p) + 0.0 * positive(scale), p=dp_dscale)
    return dict(p=dp, scale=dscale), {("p", "p"): dp_dp, ("p", "scale"): dp_dscale}


def _upper_slope(p):
    """Minus Mills' ratio over the probability, or over what it lacks to one."""
    p = chance(p)
    low = p < 0.5
    far = -mills_ratio(_upper(jnp.where(low, p, 0.5))) / jnp.where(low, p, 0.5)
    return jnp.where(low, far, -ndtri_dp(jnp.where(low, 0.5, p) / 2) / 2)


_QUANTILE, _QUANTILE_SECONDS = _inverse(_lower, lambda p: ndtri_dp((1 - chance(p)) / 2) / 2)
_ISF, _ISF_SECONDS = _inverse(_upper, _upper_slope)
quantile = with_rule(_quantile, **_QUANTILE)
isf = with_rule(_isf, **_ISF)


def sample(key: PRNGKey, scale: Real, shape: tuple[int, ...] = ()) -> Array:
    """Draw `shape` times the shape of the scale, differentiable in it."""
    size = sample_shape(shape, scale)
    noise = jnp.abs(standard_normal(key, size, float_dtype(scale)))
    return jnp.broadcast_to(positive(scale), size) * noise


MEAN = math.sqrt(2 / math.pi)
VARIANCE = 1 - 2 / math.pi
MEDIAN = 0.6744897501960817
SKEWNESS = math.sqrt(2) * (4 - math.pi) / (math.pi - 2) ** 1.5
KURTOSIS = 8 * (math.pi - 3) / (math.pi - 2) ** 2


def mean(scale: Real) -> Float[Array, "..."]:
    """The scale times the root of two over pi."""
    return MEAN * positive(scale)


def median(scale: Real) -> Float[Array, "..."]:
    """The probable error: 0.674 scales."""
    return MEDIAN * positive(scale)


def mode(scale: Real) -> Float[Array, "..."]:
    """Zero."""
    return 0.0 * positive(scale)


def variance(scale: Real) -> Float[Array, "..."]:
    """The squared scale times one minus two over pi."""
    return VARIANCE * jnp.square(positive(scale))


def std(scale: Real) -> Float[Array, "..."]:
    """The root of the variance."""
    return math.sqrt(VARIANCE) * positive(scale)


def skewness(scale: Real) -> Float[Array, "..."]:
    """A constant: the third moment of the standardised variable."""
    return SKEWNESS + 0.0 * positive(scale)


def kurtosis(scale: Real) -> Float[Array, "..."]:
    """A constant: the excess of the fourth standardised moment over the normal's 3."""
    return KURTOSIS + 0.0 * positive(scale)


def entropy(scale: Real) -> Float[Array, "..."]:
    """The normal's less log 2, in nats; negative for a small scale."""
    return jnp.log(positive(scale)) + (LOG_SQRT_TAU + 0.5 - LOG_2)


def _multiple(constant):
    return dict(scale=lambda scale: constant + 0.0 * positive(scale))


def _of_both(fn):
    return lambda scale, scale_q: fn(0.0, scale, 0.0, scale_q)


def _cross_entropy(scale: Real, scale_q: Real) -> Float[Array, "..."]:
    """The expected value under the first of minus the second's `log_prob`, in nats."""
    return normal.cross_entropy(0.0, scale, 0.0, scale_q) - LOG_2


def _kl(scale: Real, scale_q: Real) -> Float[Array, "..."]:
    """The Kullback-Leibler divergence of the second from the first, the normals', in nats."""
    return normal.kl(0.0, scale, 0.0, scale_q)


_CROSS_ENTROPY, _KL = (
    {key: _of_both(NORMAL.partials[name][key]) for key in ("scale", "scale_q")}
    for name in ("cross_entropy", "kl")
)
cross_entropy = with_rule(_cross_entropy, **_CROSS_ENTROPY)
kl = with_rule(_kl, **_KL)


def squared_hellinger(scale: Real, scale_q: Real) -> Float[Array, "..."]:
    """One minus the integral of the geometric mean of both densities: the normals'."""
    return normal.squared_hellinger(0.0, scale, 0.0, scale_q)


def renyi(order: Real, scale: Real, scale_q: Real) -> Float[Array, "..."]:
    """The divergence of order alpha, the normals'; it may be infinite for alpha > 1."""
    return normal.renyi(order, 0.0, scale, 0.0, scale_q)


def squared_wasserstein(scale: Real, scale_q: Real) -> Float[Array, "..."]:
    """The squared distance of the scales."""
    return jnp.square(positive(scale) - positive(scale_q))


def fisher_information(scale: Real) -> Float[Array, "... 1 1"]:
    """Two over the squared scale, as a matrix over the one parameter."""
    return 2 * jnp.square(1 / positive(scale))[..., None, None]


def sufficient(x: Real) -> Float[Array, "... 1"]:
    """The square of x."""
    return jnp.square(jnp.asarray(x))[..., None]


def natural(scale: Real) -> Float[Array, "... 1"]:
    """Minus half of one over the squared scale."""
    return -jnp.square(1 / positive(scale))[..., None] / 2


def mean_parameters(scale: Real) -> Float[Array, "... 1"]:
    """The mean of the square of x."""
    return jnp.square(positive(scale))[..., None]


def log_partition(eta: Float[Array, "... 1"]) -> Float[Array, "..."]:
    r"""The function $A(\eta) = \tfrac12 \log(-\pi / 4 \eta)$."""
    return jnp.log(-math.pi / 4 / jnp.asarray(eta)[..., 0]) / 2


def fit(x: Real, weights: Real | None = None) -> Fit:
    """The root mean square of the observations, shape (n,)."""
    x, share, total = observations(x, weights)
    scale = jnp.sqrt(jnp.sum(share * jnp.square(x)))
    return with_errors(HALF_NORMAL, Params(scale), x, share, total)


HALF_NORMAL = Family(
    name="half_normal",
    parameters=Params(scale=POSITIVE),
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
        mean=_multiple(MEAN),
        median=_multiple(MEDIAN),
        mode=_multiple(0.0),
        std=_multiple(math.sqrt(VARIANCE)),
        variance=dict(scale=lambda scale: 2 * VARIANCE * positive(scale)),
        skewness=_multiple(0.0),
        kurtosis=_multiple(0.0),
        entropy=dict(scale=lambda scale: 1 / positive(scale)),
        cross_entropy=_CROSS_ENTROPY,
        kl=_KL,
    ),
    seconds=dict(log_prob=_SECONDS, quantile=_QUANTILE_SECONDS, isf=_ISF_SECONDS),
    plain=dict(
        log_prob=_log_prob,
        prob=_prob,
        cdf=_cdf,
        sf=_sf,
        log_cdf=_log_cdf,
        log_sf=_log_sf,
        quantile=_quantile,
        isf=_isf,
        cross_entropy=_cross_entropy,
        kl=_kl,
    ),
    facts=dict(
        log_prob=(Concave("x"),),
        log_cdf=(Concave("x"),),
        log_sf=(Concave("x"),),
        entropy=(Concave("scale"), Increasing("scale")),
    ),
    tex=dict(
        log_prob=r"\log p(x) = -\frac{x^2}{2 \sigma^2} - \log \sigma + \tfrac12 \log \tfrac2\pi",
        prob=r"p(x) = \sqrt{\tfrac2\pi}\, e^{-x^2 / 2 \sigma^2} / \sigma",
        cdf=r"F(x) = \operatorname{erf}(x / \sigma \sqrt2)",
        sf=r"S(x) = 2\, \Phi(-x / \sigma)",
        mean=r"\mu = \sigma \sqrt{2 / \pi}",
        variance=r"\sigma^2 (1 - 2 / \pi)",
        entropy=r"H = \tfrac12 \log \tfrac{\pi e \sigma^2}{2}",
        kl=r"\operatorname{KL} = \log \frac{\sigma_q}{\sigma}"
        r" + \frac{\sigma^2}{2 \sigma_q^2} - \tfrac12",
    ),
    source=Source("johnson1994continuous", "chapter 13"),
    topic="P10",
)
__getattr__ = HALF_NORMAL.function
