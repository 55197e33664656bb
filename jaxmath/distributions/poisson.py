r"""The Poisson distribution: how many events of a constant `rate` > 0 fall into one unit of time.

Elementwise functions of arrays or numbers. The probability of no whole number is zero; a rate that
isn't positive gives NaN. Probabilities are those of Stirling's formula with what it leaves over
(Loader 2000), so that they keep their digits however large x and the rate are.
"""

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.distributions.count_draws import poisson_draw
from jaxmath.distributions.family import Family
from jaxmath.distributions.fitting import Fit, observations, with_errors
from jaxmath.distributions.location_scale import chance, positive
from jaxmath.distributions.log_tails import slope_of_log
from jaxmath.distributions.shapes import sample_shape
from jaxmath.distributions.steps import first_count
from jaxmath.distributions.table import tabled
from jaxmath.domains import Integers, Interval
from jaxmath.formula import Concave, Decreasing, Increasing, Source, with_rule
from jaxmath.special.entropy import kl_div, xlogy_dy
from jaxmath.special.exponential import expm1_gap
from jaxmath.special.gamma import stirling_error_from_one
from jaxmath.special.incomplete_gamma import (
    gammainc,
    gammaincc,
    log_gammainc,
    log_gammainc_dx,
    log_gammaincc,
    log_gammaincc_dx,
)
from jaxmath.special.normal_tail import ndtri
from jaxmath.special.partials import minus
from jaxmath.special.polynomial import polynomial
from jaxmath.special.ratio import log_ratio, relative_excess
from jaxmath.typing import Label, PRNGKey, Real

LOG_TAU = math.log(2 * math.pi)


class Params(NamedTuple):
    """The rate; also the shape of what belongs to it, such as the score."""

    rate: Any


def _count(x, rate):
    """The value as a number of the rate's dtype, whether it is one of 0, 1, 2, ..., and the rate.

    NaN stays NaN in the rate.
    """
    rate = positive(rate)
    x = jnp.asarray(x).astype(rate.dtype)
    whole = (x >= 0) & (x == jnp.floor(x)) & (x < jnp.inf)
    return jnp.where(whole, x, 0.0), whole, rate + jnp.where(jnp.isnan(x), jnp.nan, 0.0)


def _log_mass(count, rate):
    """Of a whole number."""
    some = jnp.where(count > 0, count, 1.0)
    stirling = stirling_error_from_one(some) + (jnp.log(some) + LOG_TAU) / 2
    return -kl_div(count, rate) - jnp.where(count > 0, stirling, 0.0)


@tabled
def _log_prob(x: Label, rate: Real) -> Float[Array, "..."]:
    """The logarithm of the probability of x events, in nats; minus infinity of no such number."""
    count, whole, rate = _count(x, rate)
    value = _log_mass(count, rate)
    return jnp.where(whole | jnp.isnan(value), value, -jnp.inf)


def _log_prob_drate(x: Label, rate: Real) -> Float[Array, "..."]:
    """The excess of x over the rate, relative to it."""
    count, whole, rate = _count(x, rate)
    return jnp.where(whole, relative_excess(count, rate), 0.0 * rate)


def _log_prob_bend(x, rate):
    count, whole, rate = _count(x, rate)
    return jnp.where(whole, -xlogy_dy(xlogy_dy(count, rate), rate), 0.0 * rate)


log_prob_drate = with_rule(_log_prob_drate, rate=_log_prob_bend)
_LOG_PROB = dict(rate=log_prob_drate)
log_prob = with_rule(_log_prob, **_LOG_PROB)


def score(x: Label, rate: Real) -> Params:
    """The slope of `log_prob` in the rate."""
    return Params(rate=log_prob_drate(x, rate))


def hessian(x: Label, rate: Real) -> Float[Array, "... 1 1"]:
    """The second derivative of `log_prob`, as a matrix over the one parameter."""
    return _log_prob_bend(x, rate)[..., None, None]


def _mass(count, rate, *factors):
    """The probability of a whole number times two factors, which may be large where it is small."""
    root = jnp.exp(_log_mass(count, rate) / 2)
    one, other = (root * jnp.where(root > 0, factor, 0.0) for factor in factors)
    return one * other


@tabled
def _prob(x: Label, rate: Real) -> Float[Array, "..."]:
    """The probability of x events."""
    count, whole, rate = _count(x, rate)
    return jnp.where(whole, _mass(count, rate, 1.0, 1.0), 0.0 * rate)


def _prob_drate(x: Label, rate: Real) -> Float[Array, "..."]:
    """The probability of one event less, minus that of x."""
    count, whole, rate = _count(x, rate)
    return jnp.where(whole, _mass(count, rate, relative_excess(count, rate), 1.0), 0.0 * rate)


def _prob_bend(x, rate):
    count, whole, rate = _count(x, rate)
    over, spread = relative_excess(count, rate), jnp.sqrt(count) / rate
    many = _mass(count, rate, over - spread, over + spread)
    few = jnp.exp(-rate / 2)
    few = few * (few * jnp.where(count > 0, rate - 2, 1.0))
    return jnp.where(whole, jnp.where(count > 1, many, few), 0.0 * rate)


prob_drate = with_rule(_prob_drate, rate=_prob_bend)
_PROB = dict(rate=prob_drate)
prob = with_rule(_prob, **_PROB)


def _floor(x, rate):
    """The whole number at or below x, minus one below zero; NaN stays NaN."""
    return jnp.maximum(jnp.floor(jnp.asarray(x).astype(positive(rate).dtype)), -1.0)


def _tail(fn, none):
    """A function of the shape, one more than the events counted, and the rate."""

    def tail(x, rate):
        count, rate = _floor(x, rate), positive(rate)
        shape = count + 1
        value = fn(jnp.where(shape > 0, shape, 1.0), rate)
        return jnp.where(shape > 0, value, jnp.where(shape == 0, none + 0.0 * rate, jnp.nan))

    return tabled(tail, steps=True)


def _cdf(x: Label, rate: Real) -> Float[Array, "..."]:
    """The probability of at most x events, for any real x."""
    return _tail(gammaincc, 0.0)(x, rate)


def _sf(x: Label, rate: Real) -> Float[Array, "..."]:
    """The probability of more than x events, for any real x."""
    return _tail(gammainc, 1.0)(x, rate)


def _log_cdf(x: Label, rate: Real) -> Float[Array, "..."]:
    """The logarithm of `cdf`, accurate in both tails; minus infinity below zero."""
    return _tail(log_gammaincc, -jnp.inf)(x, rate)


def _log_sf(x: Label, rate: Real) -> Float[Array, "..."]:
    """The logarithm of `sf`, accurate in both tails."""
    return _tail(log_gammainc, 0.0)(x, rate)


def _sf_drate(x: Label, rate: Real) -> Float[Array, "..."]:
    """The probability of x events, rounded down."""
    return prob(_floor(x, rate), rate)


def _sf_bend(x, rate):
    return prob_drate(_floor(x, rate), rate)


sf_drate = with_rule(_sf_drate, rate=_sf_bend)
_SF = dict(rate=sf_drate)
_CDF = dict(rate=minus(sf_drate))
cdf, sf = with_rule(_cdf, **_CDF), with_rule(_sf, **_SF)


def _growth(x, rate):
    return relative_excess(jnp.maximum(_floor(x, rate), 0.0), positive(rate))


def _many(x, rate):
    return _floor(x, rate) + 1 > positive(rate)


log_cdf_drate = slope_of_log(
    cdf, _CDF["rate"], _growth, _tail(log_gammaincc_dx, 0.0), lambda x, rate: _many(x, rate)
)
log_sf_drate = slope_of_log(
    sf, _SF["rate"], _growth, _tail(log_gammainc_dx, 0.0), lambda x, rate: ~_many(x, rate)
)
_LOG_CDF, _LOG_SF = dict(rate=log_cdf_drate), dict(rate=log_sf_drate)
log_cdf, log_sf = with_rule(_log_cdf, **_LOG_CDF), with_rule(_log_sf, **_LOG_SF)


def _near(z, rate):
    r"""About where `cdf` is that of the normal distribution at z.

    The count k with $2 (k \log(k / \lambda) - k + \lambda) = z^2$ on the side of z, and the first
    correction of the normal approximation to the signed root.
    """
    # With k = rate w the equation is w log(w) - w + 1 = h: from the side of a cube root or, far
    # out, of a logarithm, then Newton's method.
    h = jnp.square(z) / 2 / rate
    s = jnp.where(z < 0, -1.0, 1.0) * jnp.sqrt(2 * h)
    w = jnp.maximum(1 + s + jnp.square(s) / 6, 0.05 * jnp.exp(-2 * jnp.maximum(h, 1.0)))
    far = h > 2
    big = h / jnp.log(jnp.where(far, h, 9.0))
    w = jnp.where((z > 0) & far, jnp.maximum(big, 2.7), jnp.where((z < 0) & (h >= 1), 0.0, w))
    inner = (w > 0) & (jnp.abs(s) > 1e-2)
    for _ in range(6):
        some = jnp.where(inner, w, 2.0)
        log = jnp.log(some)
        moved = some - (some * log - some + 1 - h) / jnp.where(log == 0, 1.0, log)
        w = jnp.where(inner, jnp.maximum(moved, some / 8), w)
    some = jnp.where(inner, w, 2.0)
    shift = jnp.log(jnp.abs(some - 1) / jnp.where(inner, jnp.abs(s), 1.0))
    shift = jnp.where(inner, shift / jnp.log(some), 1 / 6)
    return rate * w - shift


def _step(p, rate, side, least):
    """The least number at which a tail has reached p; infinite where it never does."""
    p, rate = jax.lax.stop_gradient((chance(p), positive(rate)))
    inner = (p > 0) & (p < 1)

    def near(p):
        z = ndtri(p)
        return jnp.ceil(_near(z if least else -z, rate) - 0.5)

    high = jnp.where(inner, jnp.inf, 0.0)
    found = first_count(side, p, (rate,), near, inner, high, rising=least)
    return jnp.where(p == (1.0 if least else 0.0), jnp.inf + 0 * rate, found)


def quantile(p: Real, rate: Real) -> Float[Array, "..."]:
    """The smallest number with cdf >= p; infinite at one, NaN for p outside [0, 1]."""
    return _step(p, rate, cdf, True)


def isf(p: Real, rate: Real) -> Float[Array, "..."]:
    """The smallest number with sf <= p; infinite at zero, NaN for p outside [0, 1]."""
    return _step(p, rate, sf, False)


def sample(key: PRNGKey, rate: Real, shape: tuple[int, ...] = ()) -> Array:
    """Draw `shape` times the shape of the rate, whole numbers in its dtype.

    The draws are steps of the rate: their derivative is zero, and no estimate of any other.
    """
    size = sample_shape(shape, rate)
    rate = jax.lax.stop_gradient(positive(rate))
    valid = rate < jnp.inf
    draws = poisson_draw(key, jnp.where(valid, rate, 1.0), size)
    return jnp.where(jnp.broadcast_to(valid, size), draws, jnp.nan)


def mean(rate: Real) -> Float[Array, "..."]:
    """The rate."""
    return positive(rate)


def median(rate: Real) -> Float[Array, "..."]:
    """The quantile of one half."""
    return quantile(jnp.full_like(positive(rate), 0.5), rate)


def mode(rate: Real) -> Float[Array, "..."]:
    """The whole number at or below the rate; if it is one, that below is as probable."""
    return jnp.floor(jax.lax.stop_gradient(positive(rate)))


def variance(rate: Real) -> Float[Array, "..."]:
    """The rate."""
    return positive(rate)


def std(rate: Real) -> Float[Array, "..."]:
    """The square root of the rate."""
    return jnp.sqrt(positive(rate))


def skewness(rate: Real) -> Float[Array, "..."]:
    """One over the square root of the rate."""
    return 1 / jnp.sqrt(positive(rate))


def kurtosis(rate: Real) -> Float[Array, "..."]:
    """One over the rate."""
    return 1 / positive(rate)


FEW = 8.0
"""Below this rate the entropy is summed."""
TERMS = 64

# Coefficients in 16 / rate - 1 of rate (H - log(2 pi e rate) / 2) for rates from 8 on: the
# Chebyshev expansion, cut where its terms fall below 1e-19, computed with 50 digits.
_EXCESS = (
    -0.08617836733053565, -0.003131341452515509, -0.0003492746693081943, -9.371387568676362e-05,
    -5.3293182799050114e-05, -2.972568340209546e-05, 6.370884733688868e-06, 2.660774890896452e-05,
    3.1383179379707817e-06, -2.102115616125231e-05, 8.871886846728285e-07, 1.7064040219542497e-05,
    -8.823187558296795e-06, -9.311907620755435e-06, 1.4243506301444696e-05,
    -2.7422840401669545e-06, -1.1475805030666448e-05, 1.1362851824935244e-05,
    5.055968688284895e-06, -8.19631051283037e-06, -1.6041480958007247e-05, 1.516771346636843e-06,
    6.593651543474872e-05, -1.884076709682355e-05, -0.00014475339920392528, 7.61207459834216e-05,
    0.00020483512738785802, -0.00014531419200916335, -0.00020262230642477283,
    0.00017364204420359844, 0.00014336359945811135, -0.0001407826192518942,
    -7.171688522801673e-05, 7.831817326184231e-05, 2.422471695398088e-05, -2.8865976101746328e-05,
    -4.974300966943213e-06, 6.384237770807119e-06, 4.70054617346205e-07, -6.437236028206246e-07,
)  # fmt: skip


def _derivative(coefficients):
    return tuple(k * c for k, c in enumerate(coefficients))[1:]


_PER_RATE = tuple(
    (low + high) / (2 * FEW) for low, high in zip((*_EXCESS, 0.0), (0.0, *_EXCESS), strict=True)
)
"""The same over the rate: times (1 + t) / 16."""
_SLOPE = _derivative(_PER_RATE)
_BEND = _derivative(_SLOPE)


def _summed(rate, term):
    """The expected value of term(k), k the number of events, for rates up to `FEW`."""
    mass, total = jnp.exp(-rate), jnp.zeros_like(rate)
    for k in range(TERMS):
        total = total + mass * term(k, rate)
        mass = mass * (rate / (k + 1))
    return total


def _parts(rate):
    rate = positive(rate)
    few = rate < FEW
    return few, jnp.where(few, rate, 1.0), jnp.where(few, 2 * FEW, rate)


def _entropy(rate: Real) -> Float[Array, "..."]:
    """The expected value of minus `log_prob`, in nats."""
    few, small, large = _parts(rate)
    summed = _summed(small, lambda k, rate: math.lgamma(k + 1)) - small * (jnp.log(small) - 1)
    smooth = (jnp.log(large) + LOG_TAU + 1) / 2 + polynomial(_PER_RATE, 2 * FEW / large - 1)
    return jnp.where(few, summed, smooth)


def _entropy_drate(rate: Real) -> Float[Array, "..."]:
    """The expected logarithm of one event more, over the rate."""
    few, small, large = _parts(rate)
    summed = _summed(small, lambda k, rate: log_ratio(k + 1.0, rate))
    smooth = (0.5 - 2 * FEW / large * polynomial(_SLOPE, 2 * FEW / large - 1)) / large
    return jnp.where(few, summed, smooth)


def _rest(large):
    """Of the second derivative at a large rate, times the square of it."""
    t, step = 2 * FEW / large - 1, 2 * FEW / large
    return step * (2 * polynomial(_SLOPE, t) + step * polynomial(_BEND, t)) - 0.5


def _log_steps(rate):
    """The expected logarithm of (k + 2) / (k + 1), k the number of events."""
    few, small, large = _parts(rate)
    summed = _summed(small, lambda k, rate: math.log1p(1 / (k + 1)))
    return jnp.where(few, summed, (1 + _rest(large) / large) / large)


def _entropy_bend(rate):
    few, small, large = _parts(rate)
    return jnp.where(few, _log_steps(small) - 1 / small, _rest(large) / large / large)


entropy_drate = with_rule(_entropy_drate, rate=_entropy_bend)
_ENTROPY = dict(rate=entropy_drate)
entropy = with_rule(_entropy, **_ENTROPY)


def _cross_entropy(rate: Real, rate_q: Real) -> Float[Array, "..."]:
    """The expected value under the first rate of minus the second's `log_prob`, in nats."""
    return entropy(rate) + kl(rate, rate_q)


def _kl(rate: Real, rate_q: Real) -> Float[Array, "..."]:
    """The Kullback-Leibler divergence of the second distribution from the first, in nats."""
    return kl_div(positive(rate), positive(rate_q))


def _cross_entropy_drate(rate: Real, rate_q: Real) -> Float[Array, "..."]:
    """The expected logarithm of one event more, over the second rate."""
    return entropy_drate(rate) + kl_drate(rate, rate_q)


def kl_drate(rate: Real, rate_q: Real) -> Float[Array, "..."]:
    """The logarithm of the ratio of both rates."""
    return log_ratio(positive(rate), positive(rate_q))


def drate_q(rate: Real, rate_q: Real) -> Float[Array, "..."]:
    """The excess of the second rate over the first, relative to itself."""
    return -relative_excess(positive(rate), positive(rate_q))


_KL = dict(rate=kl_drate, rate_q=drate_q)
kl = with_rule(_kl, **_KL)
cross_entropy_drate = with_rule(
    _cross_entropy_drate,
    rate=lambda rate, rate_q: _log_steps(rate) + 0 * rate_q,
    rate_q=lambda rate, rate_q: -1 / positive(rate_q) + 0 * rate,
)
_CROSS_ENTROPY = dict(rate=cross_entropy_drate, rate_q=drate_q)
cross_entropy = with_rule(_cross_entropy, **_CROSS_ENTROPY)


def squared_hellinger(rate: Real, rate_q: Real) -> Float[Array, "..."]:
    r"""One minus the overlap $e^{-(\sqrt\lambda - \sqrt{\lambda_q})^2 / 2}$."""
    p, q = positive(rate), positive(rate_q)
    gap = (p - q) / (jnp.sqrt(p) + jnp.sqrt(q))
    return -jnp.expm1(-jnp.square(gap) / 2)


def renyi(order: Real, rate: Real, rate_q: Real) -> Float[Array, "..."]:
    """The divergence of order alpha, in nats."""
    p, q = positive(rate), positive(rate_q)
    power = jnp.asarray(order) - 1
    some = jnp.where(power == 0, 1.0, power)
    return kl(p, q) + p * expm1_gap(power * log_ratio(p, q)) / some


def fisher_information(rate: Real) -> Float[Array, "... 1 1"]:
    """One over the rate, as a matrix."""
    return (1 / positive(rate))[..., None, None]


def sufficient(x: Real) -> Float[Array, "... 1"]:
    """The value x itself."""
    return jnp.asarray(x)[..., None]


def natural(rate: Real) -> Float[Array, "... 1"]:
    """The logarithm of the rate."""
    return jnp.log(positive(rate))[..., None]


def mean_parameters(rate: Real) -> Float[Array, "... 1"]:
    """The mean, the rate."""
    return positive(rate)[..., None]


def log_partition(eta: Float[Array, "... 1"]) -> Float[Array, "..."]:
    """The exponential of the natural parameter."""
    return jnp.exp(jnp.asarray(eta)[..., 0])


def fit(x: Label, weights: Real | None = None) -> Fit:
    """The mean of the observations, shape (n,)."""
    x, share, total = observations(x, weights)
    return with_errors(POISSON, Params(jnp.sum(share * x)), x, share, total)


def _of_rate(fn):
    return dict(rate=lambda rate: fn(positive(rate)))


POISSON = Family(
    name="poisson",
    parameters=Params(rate=Interval(2.0**-20, 2.0**40, closed=(True, True))),
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
        log_sf=_LOG_SF,
        mean=_of_rate(jnp.ones_like),
        variance=_of_rate(jnp.ones_like),
        std=_of_rate(lambda rate: 0.5 / jnp.sqrt(rate)),
        skewness=_of_rate(lambda rate: -0.5 / jnp.sqrt(rate) / rate),
        kurtosis=_of_rate(lambda rate: -jnp.square(1 / rate)),
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
        log_sf=_log_sf,
        entropy=_entropy,
        cross_entropy=_cross_entropy,
        kl=_kl,
    ),
    facts=dict(
        log_prob=(Concave("rate"),),
        cdf=(Decreasing("rate"),),
        sf=(Increasing("rate"),),
        entropy=(Increasing("rate"), Concave("rate")),
    ),
    exceptions=dict(
        cross_entropy={
            "second_derivatives/rate, rate_q": "that of the divergence, which is compared; beside "
            "the entropy the reference cannot see it",
        },
        log_cdf=dict(
            second_derivatives="far above the mean it is a small difference of slopes: 14 digits",
        ),
    ),
    tex=dict(
        log_prob=r"\log p(x) = x \log \lambda - \lambda - \log x!",
        prob=r"p(x) = \lambda^x e^{-\lambda} / x!",
        cdf=r"F(x) = Q(\lfloor x \rfloor + 1, \lambda)",
        sf=r"S(x) = P(\lfloor x \rfloor + 1, \lambda)",
        mean=r"\mu = \lambda",
        variance=r"\sigma^2 = \lambda",
        skewness=r"\lambda^{-1/2}",
        kurtosis=r"1 / \lambda",
        entropy=r"H = \lambda (1 - \log \lambda) + \operatorname{E} \log X!",
        kl=r"\operatorname{KL} = \lambda \log (\lambda / \lambda_q) - \lambda + \lambda_q",
    ),
    source=Source("casella2002inference", "section 3.2"),
    topic="P6",
)
__getattr__ = POISSON.function
