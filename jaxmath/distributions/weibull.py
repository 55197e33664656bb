r"""The Weibull distribution of lifetimes with shape `concentration` > 0 and `scale` > 0.

Elementwise functions of arrays or numbers. A parameter that isn't positive gives NaN; up to zero
the density is zero. With $a = k \log(x / \lambda)$ the hazard so far is $t = e^a$. All digits are
promised for concentrations between 2^-14 and 2^27 and scales between 2^-40 and 2^40.
"""

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.distributions.family import Family
from jaxmath.distributions.fitting import Fit, observations, with_errors
from jaxmath.distributions.gumbel import EULER
from jaxmath.distributions.location_scale import chance, positive
from jaxmath.distributions.power import Curve, Params, Start, inverse, raised
from jaxmath.distributions.shapes import float_dtype, sample_shape
from jaxmath.distributions.weibull_divergences import CROSS_ENTROPY, KL, squared_wasserstein
from jaxmath.distributions.weibull_moments import MODE, MODE_SECONDS, kurtosis, mode, skewness
from jaxmath.domains import POSITIVE, Interval
from jaxmath.formula import Source
from jaxmath.special.exponential import bernoulli_ratio, log1mexp
from jaxmath.special.gamma import (
    digamma,
    digamma_difference,
    gammaln_difference,
    trigamma,
)
from jaxmath.special.gamma_gap import gammaln_spread
from jaxmath.special.logarithm import log1p
from jaxmath.special.partials import with_partials
from jaxmath.special.ratio import log_ratio
from jaxmath.typing import PRNGKey, Real

FAR = 8.0
"""Beyond so large a logarithm of the hazard the density is zero in every dtype."""


def _hazard(a):
    """The factors of t."""
    root = jnp.exp(a / 4)
    return root, root, root, root


def _growth(a):
    """Those of t - 1, which is no large number below one."""
    small = a < 0
    part = jnp.expm1(jnp.where(small, a, a / 4))
    half, root = part * (2 + part), jnp.where(small, 1.0, 1 + part)
    return root, root, jnp.where(small, part, half * (1 + 1 / (1 + half))), 1.0


def _mass(a):
    """Those of t exp(-t)."""
    root = jnp.exp((a - jnp.exp(a)) / 4)
    return root, root, root, root


def _odds(a):
    """Those of t / (exp(t) - 1)."""
    t = jnp.exp(a)
    root = jnp.exp(-t / 2)
    return root, 1.0, root * (1 + t * bernoulli_ratio(t)), 1.0


def _odds_slope(a):
    """Those of the slope of the last in a."""
    t = jnp.exp(a)
    root, part = jnp.exp(-t / 2), jnp.exp(a / 4)
    return -part * bernoulli_ratio(t), part, part * root, part * root * (1 + t * bernoulli_ratio(t))


HAZARD, GROWTH, MASS = Curve(_hazard), Curve(_growth), Curve(_mass, FAR)
ODDS, ODDS_SLOPE = Curve(_odds, FAR), Curve(_odds_slope, FAR)
ABOVE_ZERO = Start()
_of_parts, _times = ABOVE_ZERO.of_parts, ABOVE_ZERO.times


def _log_prob(x: Real, concentration: Real, scale: Real) -> Float[Array, "..."]:
    """The logarithm of the density, in nats."""

    def inside(x, k, s, w, a):
        return jnp.log(k) - jnp.log(x) + jnp.minimum(a, 1e4) - jnp.exp(a)  # no number less itself

    return _of_parts(inside, -jnp.inf)(x, concentration, scale)


def _plus(*parts):
    return lambda x, concentration, scale: sum(part(x, concentration, scale) for part in parts)


_SECONDS = {
    ("x", "x"): _plus(
        _of_parts(lambda x, k, s, w, a: (1 - k) * (1 / x) * (1 / x)),
        _times(HAZARD, lambda k, w, a: (1 - k) * k, 2),
    ),
    ("x", "concentration"): _plus(
        _times(GROWTH, lambda k, w, a: -1.0, 1), _times(HAZARD, lambda k, w, a: -a, 1)
    ),
    ("x", "scale"): _times(HAZARD, lambda k, w, a: k * k, 1, 1),
    ("concentration", "concentration"): _plus(
        _of_parts(lambda x, k, s, w, a: -jnp.square(1 / k)),
        _times(HAZARD, lambda k, w, a: -w * w),
    ),
    ("concentration", "scale"): _plus(
        _times(GROWTH, lambda k, w, a: 1.0, 0, 1), _times(HAZARD, lambda k, w, a: a, 0, 1)
    ),
    ("scale", "scale"): _plus(
        _times(GROWTH, lambda k, w, a: -k, 0, 2), _times(HAZARD, lambda k, w, a: -k * k, 0, 2)
    ),
}
log_prob, _LOG_PROB = with_partials(
    _log_prob,
    dict(
        x=_plus(_times(GROWTH, lambda k, w, a: -k, 1), _of_parts(lambda x, k, s, w, a: -1 / x)),
        concentration=_plus(
            _times(GROWTH, lambda k, w, a: -w), _of_parts(lambda x, k, s, w, a: 1 / k)
        ),
        scale=_times(GROWTH, lambda k, w, a: k, 0, 1),
    ),
    _SECONDS,
)


def score(x: Real, concentration: Real, scale: Real) -> Params:
    """The slope of `log_prob` in each parameter."""
    return Params(*(_LOG_PROB[name](x, concentration, scale) for name in Params._fields))


def _matrix(a, b, c):
    a, b, c = jnp.broadcast_arrays(a, b, c)
    return jnp.stack([jnp.stack([a, b], axis=-1), jnp.stack([b, c], axis=-1)], axis=-2)


def hessian(x: Real, concentration: Real, scale: Real) -> Float[Array, "... 2 2"]:
    """The second derivatives of `log_prob` in concentration and scale, as a matrix."""
    one, two = Params._fields
    pairs = (one, one), (one, two), (two, two)
    return _matrix(*(_SECONDS[pair](x, concentration, scale) for pair in pairs))


def _fall(a):
    """The slope of the logarithm of t exp(-t) in a."""
    return -jnp.expm1(a)


def _cdf(x: Real, concentration: Real, scale: Real) -> Float[Array, "..."]:
    """The probability of at most x."""
    value = _of_parts(lambda x, k, s, w, a: -jnp.expm1(-jnp.exp(a)))
    return value(x, concentration, scale)


def _sf(x: Real, concentration: Real, scale: Real) -> Float[Array, "..."]:
    """The probability of more than x, accurate where it is tiny."""
    value = _of_parts(lambda x, k, s, w, a: jnp.exp(-jnp.exp(a)), 1.0)
    return value(x, concentration, scale)


def _log_below(x, k, s, w, a):
    far = a < -40
    return jnp.where(far, a - jnp.exp(a) / 2, log1mexp(jnp.exp(jnp.where(far, 0.0, a))))


def _log_cdf(x: Real, concentration: Real, scale: Real) -> Float[Array, "..."]:
    """The logarithm of `cdf`, accurate in both tails; minus infinity up to zero."""
    return _of_parts(_log_below, -jnp.inf)(x, concentration, scale)


def _log_sf(x: Real, concentration: Real, scale: Real) -> Float[Array, "..."]:
    """The logarithm of `sf`: minus the hazard so far."""
    return _of_parts(lambda x, k, s, w, a: -jnp.exp(a))(x, concentration, scale)


PROB = ABOVE_ZERO.density(MASS, _fall, lambda a: jnp.square(jnp.expm1(a)) - jnp.exp(a))
CDF = ABOVE_ZERO.through(_cdf, MASS, _fall)
SF = ABOVE_ZERO.through(_sf, MASS, _fall, sign=-1.0)
LOG_CDF = ABOVE_ZERO.through(
    _log_cdf, ODDS, lambda a: -jnp.exp(a) * bernoulli_ratio(jnp.exp(a)), ODDS_SLOPE
)
LOG_SF = ABOVE_ZERO.through(_log_sf, HAZARD, jnp.ones_like, sign=-1.0)
prob, cdf, sf, log_cdf, log_sf = PROB.fn, CDF.fn, SF.fn, LOG_CDF.fn, LOG_SF.fn


def _below(p):
    """The hazard up to the value below which lies probability p."""
    return -log1p(-p)


def _above(p):
    return -jnp.log(p)


def _quantile(p: Real, concentration: Real, scale: Real) -> Float[Array, "..."]:
    """The x below which lies probability p; infinite at one, NaN for p outside [0, 1]."""
    return raised(jnp.log(_below(chance(p))), concentration, scale)


def _isf(p: Real, concentration: Real, scale: Real) -> Float[Array, "..."]:
    """The x above which lies probability p, accurate where p is tiny."""
    return raised(jnp.log(_above(chance(p))), concentration, scale)


QUANTILE = inverse(
    _quantile,
    lambda p: jnp.log(_below(p)),
    lambda p: 1 / (1 - p) / _below(p),
    lambda p: _below(p) - 1,
)
ISF = inverse(
    _isf,
    lambda p: jnp.log(_above(p)),
    lambda p: -1 / p / _above(p),
    lambda p: _above(p) - 1,
)
quantile, isf = QUANTILE.fn, ISF.fn


def sample(key: PRNGKey, concentration: Real, scale: Real, shape: tuple[int, ...] = ()) -> Array:
    """Draw `shape` times the common shape of the parameters, differentiable in them."""
    size = sample_shape(shape, concentration, scale)
    noise = jax.random.exponential(key, size, float_dtype(concentration, scale))
    return raised(
        jnp.log(noise), jnp.broadcast_to(concentration, size), jnp.broadcast_to(scale, size)
    )


def _mean(concentration: Real, scale: Real) -> Float[Array, "..."]:
    """The scale times the gamma function at one and one over the concentration."""
    return positive(scale) * jnp.exp(gammaln_difference(1.0, 1 / positive(concentration)))


def _std(concentration: Real, scale: Real) -> Float[Array, "..."]:
    """The root of the variance, in range where that isn't."""
    spread = jnp.expm1(gammaln_spread(1 / positive(concentration)))
    return _mean(concentration, scale) * jnp.sqrt(spread)


def _mean_rise(u):
    """The first and second derivatives in u of the gamma function at 1 + u, over it."""
    rise = digamma(1 + u)
    return rise, jnp.square(rise) + trigamma(1 + u)


def _std_rise(u):
    """Those of the standard deviation."""
    spread, slope = gammaln_spread(u), 2 * digamma_difference(1 + u, u)
    odds = 1 / jnp.expm1(spread)
    rise = digamma(1 + u) + slope * (1 + odds) / 2
    bend = trigamma(1 + u) + ((4 * trigamma(1 + 2 * u) - 2 * trigamma(1 + u)) * (1 + odds)) / 2
    return rise, jnp.square(rise) + bend - jnp.square(slope) * (odds * (1 + odds)) / 2


def _moment(fn, rise):
    """A moment in proportion to the scale bound to its partials: how it grows with u = 1 / k."""

    def of_u(factor, with_scale):
        def partial(concentration, scale):
            u = 1 / positive(concentration)
            unit = positive(scale) if with_scale else 1.0 + 0.0 * positive(scale)
            return fn(concentration, unit) * factor(u, *rise(u))

        return partial

    partials = dict(
        concentration=of_u(lambda u, first, second: -u * (u * first), True),
        scale=of_u(lambda u, first, second: 1.0, False),
    )
    seconds = {
        ("concentration", "concentration"): of_u(
            lambda u, first, second: u * u * (u * (u * second + 2 * first)), True
        ),
        ("concentration", "scale"): of_u(lambda u, first, second: -u * (u * first), False),
        ("scale", "scale"): of_u(lambda u, first, second: 0.0, False),
    }
    return (*with_partials(fn, partials, seconds), seconds)


mean, _MEAN, _MEAN_SECONDS = _moment(_mean, _mean_rise)
std, _STD, _STD_SECONDS = _moment(_std, _std_rise)


def variance(concentration: Real, scale: Real) -> Float[Array, "..."]:
    """The squared mean times a function of the concentration that keeps its digits."""
    return jnp.square(std(concentration, scale))


_VARIANCE = dict(
    concentration=lambda concentration, scale: (
        2 * std(concentration, scale) * _STD["concentration"](concentration, scale)
    ),
    scale=lambda concentration, scale: (
        2 * std(concentration, scale) * _STD["scale"](concentration, scale)
    ),
)


def median(concentration: Real, scale: Real) -> Float[Array, "..."]:
    """The quantile of one half."""
    k = positive(concentration)
    return quantile(jnp.full_like(k, 0.5), k, scale)


def _median_slope(name):
    def partial(concentration, scale):
        k = positive(concentration)
        return QUANTILE.partials[name](jnp.full_like(k, 0.5), k, scale)

    return partial


def entropy(concentration: Real, scale: Real) -> Float[Array, "..."]:
    """The expected value of minus `log_prob`, in nats; negative for a narrow density."""
    k = positive(concentration)
    return log_ratio(positive(scale), k) + (1 + EULER - EULER / k)


def _entropy_dconcentration(concentration, scale):
    u = 1 / positive(concentration)
    return u * (EULER * u - 1) + 0.0 * positive(scale)


def _entropy_dscale(concentration, scale):
    return 1 / positive(scale) + 0.0 * positive(concentration)


cross_entropy, kl = CROSS_ENTROPY.fn, KL.fn


def fisher_information(concentration: Real, scale: Real) -> Float[Array, "... 2 2"]:
    """The variance of the score, as a matrix over concentration and scale."""
    k, s = positive(concentration), positive(scale)
    constant = math.pi**2 / 6 + (1 - EULER) ** 2
    return _matrix(constant * jnp.square(1 / k), (EULER - 1) / s, jnp.square(k / s))


ITERATIONS = 40


def fit(x: Real, weights: Real | None = None) -> Fit:
    """The likeliest concentration and scale of the observations, shape (n,), by Newton's method."""
    x, share, total = observations(x, weights)
    log_x = jnp.log(x)
    centre = jnp.sum(share * log_x)
    width = jnp.sqrt(jnp.sum(share * jnp.square(log_x - centre)))
    y = (log_x - centre) / width

    def powers(k):
        top = jnp.max(jnp.where(share > 0, k * y, -jnp.inf))
        mass = share * jnp.exp(k * y - top)
        return mass / jnp.sum(mass), top + jnp.log(jnp.sum(mass))

    def step(_, k):
        mass, _ = powers(k)
        mean = jnp.sum(mass * y)
        slope = jnp.sum(mass * jnp.square(y - mean)) + jnp.square(1 / k)
        return jnp.clip(k - (mean - 1 / k) / slope, k / 2, 2 * k)

    start = jnp.asarray(math.pi / math.sqrt(6), x.dtype)
    k = jax.lax.fori_loop(0, ITERATIONS, step, start)
    estimate = Params(k / width, jnp.exp(centre + width * powers(k)[1] / k))
    return with_errors(WEIBULL, estimate, x, share, total)


WEIBULL = Family(
    name="weibull",
    parameters=Params(
        concentration=Interval(2.0**-14, 2.0**27, closed=(True, True)),
        scale=Interval(2.0**-40, 2.0**40, closed=(True, True)),
    ),
    support=POSITIVE,
    functions=(
        *(log_prob, prob, cdf, log_cdf, sf, log_sf, quantile, isf, sample),
        *(mean, median, mode, variance, std, skewness, kurtosis, entropy, cross_entropy, kl),
        *(squared_wasserstein, score, hessian, fisher_information, fit),
    ),
    partials=dict(
        log_prob=_LOG_PROB,
        prob=PROB.partials,
        cdf=CDF.partials,
        sf=SF.partials,
        log_cdf=LOG_CDF.partials,
        log_sf=LOG_SF.partials,
        quantile=QUANTILE.partials,
        isf=ISF.partials,
        mean=_MEAN,
        variance=_VARIANCE,
        std=_STD,
        median={name: _median_slope(name) for name in Params._fields},
        mode=MODE,
        entropy=dict(concentration=_entropy_dconcentration, scale=_entropy_dscale),
        cross_entropy=CROSS_ENTROPY.partials,
        kl=KL.partials,
    ),
    seconds=dict(
        log_prob=_SECONDS,
        prob=PROB.seconds,
        quantile=QUANTILE.seconds,
        isf=ISF.seconds,
        mean=_MEAN_SECONDS,
        std=_STD_SECONDS,
        mode=MODE_SECONDS,
        cross_entropy=CROSS_ENTROPY.seconds,
        kl=KL.seconds,
    ),
    plain=dict(
        log_prob=_log_prob,
        prob=PROB.plain,
        cdf=CDF.plain,
        sf=SF.plain,
        log_cdf=LOG_CDF.plain,
        log_sf=LOG_SF.plain,
        quantile=QUANTILE.plain,
        isf=ISF.plain,
        mean=_mean,
        std=_std,
        cross_entropy=CROSS_ENTROPY.plain,
        kl=KL.plain,
    ),
    unrecorded=dict.fromkeys(
        ("skewness", "kurtosis"), "of one parameter; compared with 60 digits by a test of its own"
    ),
    exceptions=dict(
        cross_entropy={
            "second_derivatives/concentration, concentration_q": "more than roundings at 3 of 67 "
            "points",
        },
        prob={
            "first_derivatives/x": "where its own slope in the concentration overflows the laws "
            "cannot tell what rounding of the exponent explains",
        },
    ),
    tex=dict(
        log_prob=r"\log p(x) = \log k - \log x + a - e^a, \quad a = k \log(x / \lambda)",
        prob=r"p(x) = \frac{k}{\lambda} (x / \lambda)^{k - 1} e^{-(x / \lambda)^k}",
        cdf=r"F(x) = 1 - e^{-(x / \lambda)^k}",
        sf=r"S(x) = e^{-(x / \lambda)^k}",
        log_sf=r"\log S(x) = -(x / \lambda)^k",
        quantile=r"F^{-1}(p) = \lambda (-\log(1 - p))^{1/k}",
        isf=r"S^{-1}(p) = \lambda (-\log p)^{1/k}",
        mean=r"\lambda\, \Gamma(1 + 1/k)",
        mode=r"\lambda\, (1 - 1/k)^{1/k}, \quad k > 1",
        variance=r"\lambda^2 (\Gamma(1 + 2/k) - \Gamma(1 + 1/k)^2)",
        entropy=r"H = \gamma (1 - 1/k) + \log(\lambda / k) + 1",
        kl=r"\operatorname{KL} = e^b - 1 - b + \log\Gamma(\rho) + \gamma (\rho - 1),"
        r" \quad b = k_q \log\frac{\lambda}{\lambda_q} + \log\Gamma(1 + \rho),"
        r" \quad \rho = k_q / k",
    ),
    source=Source("johnson1994continuous", "chapter 21"),
    topic="P10",
)
__getattr__ = WEIBULL.function
