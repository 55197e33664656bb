r"""The normal distribution with mean `loc` and standard deviation `scale` > 0.

Elementwise functions of arrays or numbers. A scale that isn't positive gives NaN.
"""

import math
from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.distributions.family import Family
from jaxmath.distributions.fitting import Fit, observations, with_errors
from jaxmath.distributions.inversion import standard_normal
from jaxmath.distributions.location_scale import along, positive, standardize, within
from jaxmath.distributions.ratios import excess_renyi
from jaxmath.distributions.shapes import float_dtype, sample_shape, two_by_two
from jaxmath.domains import POSITIVE, REAL
from jaxmath.formula import Concave, Convex, Increasing, Source, with_rule
from jaxmath.special.logarithm import log1p, log1p_gap
from jaxmath.special.normal_tail import (
    SQRT_TAU,
    inverse_mills,
    inverse_mills_dz,
    log_ndtr,
    ndtr,
    ndtri,
    ndtri_dp,
)
from jaxmath.special.partials import minus
from jaxmath.special.ratio import log_ratio
from jaxmath.typing import PRNGKey, Real

LOG_SQRT_TAU = math.log(2 * math.pi) / 2


class Params(NamedTuple):
    """Mean and standard deviation; also the shape of what belongs to each, such as the score."""

    loc: Any
    scale: Any


def _rate(scale):
    """One over the scale, to multiply by.

    XLA turns two divisions into one by the product of the divisors, which under- or overflows.
    """
    return 1 / positive(scale)


def _log_prob(x: Real, loc: Real, scale: Real) -> Float[Array, "..."]:
    """The logarithm of the density, in nats."""
    z = standardize(x, loc, scale)
    return -z * (z / 2) - jnp.log(positive(scale)) - LOG_SQRT_TAU


def _log_prob_dx(x: Real, loc: Real, scale: Real) -> Float[Array, "..."]:
    """Minus the standardised x over the scale."""
    return -standardize(x, loc, scale) * _rate(scale)


def _log_prob_dscale(x: Real, loc: Real, scale: Real) -> Float[Array, "..."]:
    """The square of the standardised x, less one, over the scale."""
    z, rate = standardize(x, loc, scale), _rate(scale)
    return z * (z * rate) - rate


# Second derivatives, factor by factor: the square of a rate may be out of range, not the product.
def _bend(x, loc, scale):
    return jnp.square(_rate(scale)) + jnp.zeros_like(standardize(x, loc, scale))


def _bend_scale(x, loc, scale):
    return -(2 * _rate(scale)) * log_prob_dx(x, loc, scale)


def _bend_scale_scale(x, loc, scale):
    return _bend(x, loc, scale) - 3 * jnp.square(log_prob_dx(x, loc, scale))


log_prob_dx = with_rule(_log_prob_dx, x=minus(_bend), loc=_bend, scale=_bend_scale)
log_prob_dscale = with_rule(
    _log_prob_dscale, x=_bend_scale, loc=minus(_bend_scale), scale=_bend_scale_scale
)
_LOG_PROB = dict(x=log_prob_dx, loc=minus(log_prob_dx), scale=log_prob_dscale)
_SECONDS = {
    ("x", "x"): minus(_bend),
    ("x", "loc"): _bend,
    ("x", "scale"): _bend_scale,
    ("loc", "loc"): minus(_bend),
    ("loc", "scale"): minus(_bend_scale),
    ("scale", "scale"): _bend_scale_scale,
}
log_prob = with_rule(_log_prob, **_LOG_PROB)


def score(x: Real, loc: Real, scale: Real) -> Params:
    """The slope of `log_prob` in each parameter."""
    return Params(loc=-log_prob_dx(x, loc, scale), scale=log_prob_dscale(x, loc, scale))


FAR = 100.0
"""Beyond so many scales from the location the density is zero in every dtype."""


def _roots(x, loc, scale):
    """The square root of the density's exponential, the same over the scale, and z, bounded.

    In two factors neither underflows before the density does, nor overflows after it.
    """
    x, loc, scale = within(x, loc, scale, -FAR, FAR)
    z = standardize(x, loc, scale)
    root = jnp.exp(-jnp.square(z / 2))
    return root, root * _rate(scale), z


def _prob(x: Real, loc: Real, scale: Real) -> Float[Array, "..."]:
    """The density; its unit is one over that of x."""
    root, narrow, _ = _roots(x, loc, scale)
    return root * narrow / SQRT_TAU


def _prob_bend(factor):
    """A second derivative of `prob`: a polynomial in z times it, over the square of the scale."""

    def second(x, loc, scale):
        _, narrow, z = _roots(x, loc, scale)
        _, _, scale = within(x, loc, scale, -FAR, FAR)
        return (narrow / SQRT_TAU * factor(z)) * (narrow * _rate(scale))

    return second


_prob_dx_dx = _prob_bend(lambda z: (z - 1) * (z + 1))
_prob_dx_dscale = _prob_bend(lambda z: z * (3 - jnp.square(z)))
_prob_dscale_dscale = _prob_bend(lambda z: jnp.square(z) * (jnp.square(z) - 5) + 2)


def _prob_dx(x: Real, loc: Real, scale: Real) -> Float[Array, "..."]:
    """Minus the standardised x times the density, over the scale."""
    _, narrow, z = _roots(x, loc, scale)
    return -(narrow / SQRT_TAU * z) * narrow


def _prob_dscale(x: Real, loc: Real, scale: Real) -> Float[Array, "..."]:
    """The square of the standardised x, less one, times the density, over the scale."""
    _, narrow, z = _roots(x, loc, scale)
    return (narrow / SQRT_TAU * (z - 1)) * (narrow * (z + 1))


prob_dx = with_rule(_prob_dx, x=_prob_dx_dx, loc=minus(_prob_dx_dx), scale=_prob_dx_dscale)
prob_dscale = with_rule(
    _prob_dscale,
    x=_prob_dx_dscale,
    loc=minus(_prob_dx_dscale),
    scale=_prob_dscale_dscale,
)


def _z_prob(x, loc, scale):
    root, narrow, z = _roots(x, loc, scale)
    return (root * z) * narrow / SQRT_TAU


def _z_prob_dscale(x, loc, scale):
    _, narrow, z = _roots(x, loc, scale)
    return (narrow / SQRT_TAU * z) * (narrow * (jnp.square(z) - 2))


_prob_times_z = with_rule(_z_prob, x=minus(prob_dscale), loc=prob_dscale, scale=_z_prob_dscale)
_PROB = dict(x=prob_dx, loc=minus(prob_dx), scale=prob_dscale)
prob = with_rule(_prob, **_PROB)


def _cdf(x: Real, loc: Real, scale: Real) -> Float[Array, "..."]:
    """The probability of at most x."""
    return ndtr(standardize(x, loc, scale))


def _sf(x: Real, loc: Real, scale: Real) -> Float[Array, "..."]:
    """The probability of more than x, accurate where it is tiny."""
    return ndtr(-standardize(x, loc, scale))


def _log_cdf(x: Real, loc: Real, scale: Real) -> Float[Array, "..."]:
    """The logarithm of `cdf`, accurate in both tails."""
    return log_ndtr(standardize(x, loc, scale))


def _log_sf(x: Real, loc: Real, scale: Real) -> Float[Array, "..."]:
    """The logarithm of `sf`, accurate in both tails."""
    return log_ndtr(-standardize(x, loc, scale))


def sf_dx(x: Real, loc: Real, scale: Real) -> Float[Array, "..."]:
    """Minus the density."""
    return -prob(x, loc, scale)


def _halves(x, loc, scale):
    """The arguments as the formula left of the location takes them, and as that on the right."""
    return within(x, loc, scale, -jnp.inf, 0.0), within(x, loc, scale, 0.0, FAR)


def _left_dx_plain(x, loc, scale):
    return inverse_mills(standardize(x, loc, scale)) * _rate(scale)


def _left_dx_z_plain(x, loc, scale):
    z = standardize(x, loc, scale)
    return z * (inverse_mills(z) * _rate(scale))


def _left_bend(factor, other=jnp.ones_like):
    """A function of z and of the slope h and curvature h' of log Phi there, over scale squared.

    In two factors, each over the scale, neither of which is out of range before the product is.
    """

    def second(x, loc, scale):
        z, rate = standardize(x, loc, scale), _rate(scale)
        return (factor(z, inverse_mills(z), inverse_mills_dz(z)) * rate) * (other(z) * rate)

    return second


_left_dx_dx = _left_bend(lambda z, h, dh: dh)
_left_dx_z = _left_bend(lambda z, h, dh: h + z * dh)
_left_z_z = _left_bend(lambda z, h, dh: 2 * h + z * dh, other=lambda z: z)
_left_dx = with_rule(_left_dx_plain, x=_left_dx_dx, loc=minus(_left_dx_dx), scale=minus(_left_dx_z))
_left_dx_times_z = with_rule(
    _left_dx_z_plain, x=_left_dx_z, loc=minus(_left_dx_z), scale=minus(_left_z_z)
)


def log_cdf_dx(x: Real, loc: Real, scale: Real) -> Float[Array, "..."]:
    """The density over the distribution function."""
    left, right = _halves(x, loc, scale)
    # On the right the density over the scale may be normal where the density itself isn't.
    above = prob(*right) / ndtr(standardize(*right))
    return jnp.where(standardize(x, loc, scale) < 0, _left_dx(*left), above)


def _log_cdf_dx_times_z(x, loc, scale):
    left, right = _halves(x, loc, scale)
    above = _prob_times_z(*right) / ndtr(standardize(*right))
    return jnp.where(standardize(x, loc, scale) < 0, _left_dx_times_z(*left), above)


def log_sf_dx(x: Real, loc: Real, scale: Real) -> Float[Array, "..."]:
    """Minus the hazard rate, the density over the survival function."""
    return -log_cdf_dx(-jnp.asarray(x), -jnp.asarray(loc), scale)


def _log_sf_dx_times_z(x, loc, scale):
    return _log_cdf_dx_times_z(-jnp.asarray(x), -jnp.asarray(loc), scale)


_CDF = along(prob, _prob_times_z)
_SF = along(sf_dx, minus(_prob_times_z))
_LOG_CDF = along(log_cdf_dx, _log_cdf_dx_times_z)
_LOG_SF = along(log_sf_dx, _log_sf_dx_times_z)

cdf = with_rule(_cdf, **_CDF)
sf = with_rule(_sf, **_SF)
log_cdf = with_rule(_log_cdf, **_LOG_CDF)
log_sf = with_rule(_log_sf, **_LOG_SF)


def _quantile(p: Real, loc: Real, scale: Real) -> Float[Array, "..."]:
    """The x below which lies probability p; infinite at 0 and 1, NaN for p outside [0, 1]."""
    return jnp.asarray(loc) + positive(scale) * ndtri(p)


def _isf(p: Real, loc: Real, scale: Real) -> Float[Array, "..."]:
    """The x above which lies probability p, accurate where p is tiny."""
    return jnp.asarray(loc) - positive(scale) * ndtri(p)


def _quantile_dp(p: Real, loc: Real, scale: Real) -> Float[Array, "..."]:
    """The scale times the slope of the standard quantile: one over the density there."""
    return positive(scale) * ndtri_dp(p) + jnp.zeros_like(loc)


def _quantile_dp_dp(p, loc, scale):
    return quantile_dp(p, loc, scale) * ndtri(p) * ndtri_dp(p)


quantile_dp = with_rule(_quantile_dp, p=_quantile_dp_dp, scale=lambda p, loc, scale: ndtri_dp(p))

_QUANTILE = dict(
    p=quantile_dp,
    loc=lambda p, loc, scale: jnp.ones_like(quantile(p, loc, scale)),
    scale=lambda p, loc, scale: ndtri(p),
)
_ISF = _QUANTILE | dict(
    p=minus(quantile_dp),
    scale=lambda p, loc, scale: -ndtri(p),
)

quantile = with_rule(_quantile, **_QUANTILE)
isf = with_rule(_isf, **_ISF)


def sample(key: PRNGKey, loc: Real, scale: Real, shape: tuple[int, ...] = ()) -> Array:
    """Draw `shape` times the common shape of the parameters, differentiable in them."""
    size = sample_shape(shape, loc, scale)
    noise = standard_normal(key, size, float_dtype(loc, scale))
    return jnp.broadcast_to(loc, size) + jnp.broadcast_to(positive(scale), size) * noise


def velocity(x: Real, loc: Real, scale: Real) -> Params:
    """How a quantile at x, or a draw there, moves with each parameter."""
    z = standardize(x, loc, scale)
    return Params(loc=jnp.ones_like(z), scale=z)


def mean(loc: Real, scale: Real) -> Float[Array, "..."]:
    """The location."""
    return jnp.where(jnp.isnan(positive(scale)), jnp.nan, loc)


def median(loc: Real, scale: Real) -> Float[Array, "..."]:
    """The location."""
    return mean(loc, scale)


def mode(loc: Real, scale: Real) -> Float[Array, "..."]:
    """The location."""
    return mean(loc, scale)


def std(loc: Real, scale: Real) -> Float[Array, "..."]:
    """The scale."""
    return positive(scale) + jnp.zeros_like(loc)


def variance(loc: Real, scale: Real) -> Float[Array, "..."]:
    """The square of the scale."""
    return jnp.square(std(loc, scale))


def skewness(loc: Real, scale: Real) -> Float[Array, "..."]:
    """Zero: the third moment of the standardised variable."""
    return 0 * std(loc, scale)


def kurtosis(loc: Real, scale: Real) -> Float[Array, "..."]:
    """Zero: the excess of the fourth standardised moment over the normal's 3."""
    return 0 * std(loc, scale)


def entropy(loc: Real, scale: Real) -> Float[Array, "..."]:
    """The expected value of minus `log_prob`, in nats; negative for a small scale."""
    return jnp.log(std(loc, scale)) + (LOG_SQRT_TAU + 0.5)


def _zero(loc, scale):
    return 0 * std(loc, scale)


def _one(loc, scale):
    return 1 + _zero(loc, scale)


_LOCATION = dict(loc=_one, scale=_zero)
_CONSTANT = dict(loc=_zero, scale=_zero)
_MOMENTS = dict(
    mean=_LOCATION,
    median=_LOCATION,
    mode=_LOCATION,
    std=dict(loc=_zero, scale=_one),
    variance=dict(loc=_zero, scale=lambda loc, scale: 2 * std(loc, scale)),
    skewness=_CONSTANT,
    kurtosis=_CONSTANT,
    entropy=dict(loc=_zero, scale=lambda loc, scale: _rate(scale) + jnp.zeros_like(loc)),
)


def _gaps(loc, scale, loc_q, scale_q):
    """Distance of the means, and excess of the first scale, both in units of the second."""
    scale_q = positive(scale_q)
    return standardize(loc, loc_q, scale_q), standardize(positive(scale), scale_q, scale_q)


def _cross_entropy(loc: Real, scale: Real, loc_q: Real, scale_q: Real) -> Float[Array, "..."]:
    """The expected value under the first normal of minus the second's `log_prob`, in nats."""
    ratio = positive(scale) / positive(scale_q)
    distance = standardize(loc, loc_q, scale_q)
    surprise = _half_square(ratio) + _half_square(distance)
    return surprise + jnp.log(positive(scale_q)) + LOG_SQRT_TAU


def _kl(loc: Real, scale: Real, loc_q: Real, scale_q: Real) -> Float[Array, "..."]:
    r"""The Kullback-Leibler divergence of the second normal from the first, in nats.

    With the scales' ratio $1 + e$ and the distance d of the means it is
    $(d^2 + e^2)/2 + e - \log(1 + e)$: three terms that are never negative.
    """
    distance, excess = _gaps(loc, scale, loc_q, scale_q)
    ratio = positive(scale) / positive(scale_q)
    much_less = excess < -0.5
    log_ratio = jnp.where(
        ratio < jnp.finfo(ratio.dtype).tiny,
        jnp.log(positive(scale)) - jnp.log(positive(scale_q)),
        jnp.log(ratio),
    )
    spread = jnp.where(
        much_less,
        (jnp.square(ratio) - 1) / 2 - log_ratio,
        _half_square(excess) + log1p_gap(jnp.where(much_less, 0.0, excess)),
    )
    return _half_square(distance) + spread


def _half_square(x):
    """Half the square, finite wherever it can be."""
    return x * (x / 2)


def _ratio(loc, scale, loc_q, scale_q):
    return positive(scale) / positive(scale_q) + jnp.zeros_like(loc)


def _dloc(loc, scale, loc_q, scale_q):
    return _gaps(loc, scale, loc_q, scale_q)[0] * _rate(scale_q)


def _dscale(loc, scale, loc_q, scale_q):
    return _ratio(loc, scale, loc_q, scale_q) * _rate(scale_q)


def _kl_dscale(loc, scale, loc_q, scale_q):
    _, excess = _gaps(loc, scale, loc_q, scale_q)
    return excess * ((excess + 2) / positive(scale))


def _dscale_q(loc, scale, loc_q, scale_q):
    distance, excess = _gaps(loc, scale, loc_q, scale_q)
    rate = _rate(scale_q)
    return -(distance * (distance * rate) + excess * ((excess + 2) * rate))


# Their own slopes, factor by factor: the square of a rate may be out of range, the product not.
def _curve(loc, scale, loc_q, scale_q):
    return jnp.square(_rate(scale_q)) + jnp.zeros_like(loc)


def _twice_dloc(*args):
    return -(2 * _rate(args[-1])) * dloc(*args)


def _twice_dscale(*args):
    return -(2 * _rate(args[-1])) * dscale(*args)


def _dscale_q_dscale_q(loc, scale, loc_q, scale_q):
    args = loc, scale, loc_q, scale_q
    return 3 * (jnp.square(dloc(*args)) + jnp.square(dscale(*args))) - _curve(*args)


dloc = with_rule(_dloc, loc=_curve, loc_q=minus(_curve), scale_q=_twice_dloc)
dscale = with_rule(_dscale, scale=_curve, scale_q=_twice_dscale)
kl_dscale = with_rule(
    _kl_dscale,
    scale=lambda *args: _curve(*args) + jnp.square(_rate(args[1])),
    scale_q=_twice_dscale,
)
dscale_q = with_rule(
    _dscale_q,
    loc=_twice_dloc,
    scale=_twice_dscale,
    loc_q=minus(_twice_dloc),
    scale_q=_dscale_q_dscale_q,
)

_CROSS_ENTROPY = dict(loc=dloc, scale=dscale, loc_q=minus(dloc), scale_q=dscale_q)
_KL = _CROSS_ENTROPY | dict(scale=kl_dscale)

cross_entropy = with_rule(_cross_entropy, **_CROSS_ENTROPY)
kl = with_rule(_kl, **_KL)


def fisher_information(loc: Real, scale: Real) -> Float[Array, "... 2 2"]:
    """The variance of the score: one and two over the squared scale, on the diagonal.

    A matrix over the parameters in their order, because its inverse, its eigenvalues and its
    quadratic forms are what it is for.
    """
    rate = _rate(scale) + jnp.zeros_like(loc)
    return jnp.square(rate)[..., None, None] * jnp.diag(jnp.asarray([1.0, 2.0], rate.dtype))


def hessian(x: Real, loc: Real, scale: Real) -> Float[Array, "... 2 2"]:
    """The second derivatives of `log_prob` in mean and standard deviation, as a matrix."""
    pairs = ("loc", "loc"), ("loc", "scale"), ("scale", "scale")
    return two_by_two(*(_SECONDS[pair](x, loc, scale) for pair in pairs))


def _log_cosh(t):
    size = jnp.abs(t)
    near = log1p(2 * jnp.square(jnp.sinh(jnp.minimum(size, 1.0) / 2)))
    return jnp.where(size < 1, near, size + log1p(jnp.exp(-2 * size)) - math.log(2))


def squared_hellinger(loc: Real, scale: Real, loc_q: Real, scale_q: Real) -> Float[Array, "..."]:
    """One minus the integral of the geometric mean of both densities."""
    wide = jnp.hypot(positive(scale), positive(scale_q))
    spread = _log_cosh(log_ratio(positive(scale), positive(scale_q)))
    return -jnp.expm1(-(spread + jnp.square(standardize(loc, loc_q, wide)) / 2) / 2)


def renyi(order: Real, loc: Real, scale: Real, loc_q: Real, scale_q: Real) -> Float[Array, "..."]:
    """The divergence of order alpha; infinite where alpha scale_q^2 + (1 - alpha) scale^2 <= 0."""
    order = jnp.asarray(order)
    distance, excess = _gaps(loc, scale, loc_q, scale_q)
    _, back = _gaps(loc_q, scale_q, loc, scale)
    squares = excess * (2 + excess), back * (2 + back)
    mixed = 1 + (1 - order) * squares[0]
    inside = ~(mixed <= 0)
    apart = order * _half_square(distance) / jnp.where(inside, mixed, 1.0)
    return jnp.where(inside, excess_renyi(order, *squares) / 2 + apart, jnp.inf)


def squared_wasserstein(loc: Real, scale: Real, loc_q: Real, scale_q: Real) -> Float[Array, "..."]:
    """The squared distances of the means and of the standard deviations."""
    wider = positive(scale) - positive(scale_q)
    return jnp.square(jnp.asarray(loc) - loc_q) + jnp.square(wider)


def sufficient(x: Real) -> Float[Array, "... 2"]:
    """The value x and its square."""
    x = jnp.asarray(x)
    return jnp.stack([x, jnp.square(x)], axis=-1)


def natural(loc: Real, scale: Real) -> Float[Array, "... 2"]:
    """The mean over the variance, and minus half of one over the variance."""
    rate = _rate(scale) + jnp.zeros_like(loc)
    return jnp.stack([loc * rate * rate, -jnp.square(rate) / 2], axis=-1)


def log_partition(eta: Float[Array, "... 2"]) -> Float[Array, "..."]:
    r"""The function $A(\eta) = -\eta_1^2 / 4\eta_2 + \tfrac12 \log(-\pi / \eta_2)$."""
    first, second = jnp.asarray(eta)[..., 0], jnp.asarray(eta)[..., 1]
    return -first * (first / (4 * second)) + jnp.log(-math.pi / second) / 2


def mean_parameters(loc: Real, scale: Real) -> Float[Array, "... 2"]:
    """The means of x and of its square."""
    mean = jnp.asarray(loc) + 0 * positive(scale)
    return jnp.stack([mean, jnp.square(mean) + jnp.square(positive(scale))], axis=-1)


def fit(x: Real, weights: Real | None = None) -> Fit:
    """Mean and root mean squared deviation (divided by n) of the observations, shape (n,)."""
    x, share, total = observations(x, weights)
    loc = jnp.sum(share * x)
    scale = jnp.sqrt(jnp.sum(share * jnp.square(x - loc)))
    return with_errors(NORMAL, Params(loc, scale), x, share, total)


NORMAL = Family(
    name="normal",
    parameters=Params(loc=REAL, scale=POSITIVE),
    support=REAL,
    functions=(
        *(log_prob, prob, cdf, log_cdf, sf, log_sf, quantile, isf, sample),
        *(mean, median, mode, variance, std, skewness, kurtosis),
        *(entropy, cross_entropy, kl, squared_hellinger, renyi, squared_wasserstein),
        *(score, hessian, fisher_information),
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
        **_MOMENTS,
        cross_entropy=_CROSS_ENTROPY,
        kl=_KL,
    ),
    seconds=dict(log_prob=_SECONDS),
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
        log_prob=(Concave("x"), Concave("loc")),
        log_cdf=(Concave("x"),),
        log_sf=(Concave("x"),),
        entropy=(Concave("scale"), Increasing("scale")),
        kl=(Convex("loc"), Convex("scale"), Convex("loc_q")),
    ),
    tex=dict(
        log_prob=r"\log p(x) = -\tfrac12 z^2 - \log \sigma - \tfrac12 \log 2\pi,"
        r" \quad z = (x - \mu) / \sigma",
        prob=r"p(x) = \frac{1}{\sigma\sqrt{2\pi}}\, e^{-(x - \mu)^2 / 2\sigma^2}",
        cdf=r"F(x) = \Phi\left(\frac{x - \mu}{\sigma}\right)",
        sf=r"S(x) = \Phi\left(\frac{\mu - x}{\sigma}\right)",
        log_cdf=r"\log F(x) = \log \Phi\left(\frac{x - \mu}{\sigma}\right)",
        log_sf=r"\log S(x) = \log \Phi\left(\frac{\mu - x}{\sigma}\right)",
        quantile=r"F^{-1}(p) = \mu + \sigma\, \Phi^{-1}(p)",
        isf=r"S^{-1}(p) = \mu - \sigma\, \Phi^{-1}(p)",
        entropy=r"H = \tfrac12 \log 2 \pi e \sigma^2",
        cross_entropy=r"H(p, q) = \log \sigma_q + \tfrac12 \log 2\pi"
        r" + \frac{\sigma^2 + (\mu - \mu_q)^2}{2 \sigma_q^2}",
        kl=r"\operatorname{KL} = \log \frac{\sigma_q}{\sigma}"
        r" + \frac{\sigma^2 + (\mu - \mu_q)^2}{2 \sigma_q^2} - \tfrac12",
    ),
    source=Source("bishop2006prml", "appendix B"),
    topic="P8",
)
__getattr__ = NORMAL.function
