r"""The Weibull distribution of lifetimes with shape `concentration` > 0 and `scale` > 0.

Elementwise functions of arrays or numbers. A parameter that isn't positive gives NaN; up to zero
the density is zero. With $a = k \log(x / \lambda)$ the hazard so far is $t = e^a$.
"""

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.distributions.family import Family
from jaxmath.distributions.fitting import Fit, observations, with_errors
from jaxmath.distributions.gumbel import EULER
from jaxmath.distributions.location_scale import chance, positive
from jaxmath.distributions.shapes import float_dtype, sample_shape
from jaxmath.domains import POSITIVE, Interval
from jaxmath.formula import Source, with_rule
from jaxmath.special.exponential import bernoulli_ratio, expm1_gap, log1mexp
from jaxmath.special.gamma import (
    _NODES,
    digamma,
    digamma_difference,
    gammaln,
    gammaln_difference,
    trigamma,
)
from jaxmath.special.logarithm import log1p
from jaxmath.special.partials import with_partials
from jaxmath.special.ratio import log_ratio, relative_excess
from jaxmath.typing import PRNGKey, Real


class Params(NamedTuple):
    """Shape and scale; also the shape of what belongs to each, such as the score."""

    concentration: Any
    scale: Any


FAR = 8.0
"""Beyond so large a logarithm of the hazard the density is zero in every dtype."""


def _parts(x, concentration, scale):
    """The value, one up to zero; both parameters; the logarithms of x over the scale, and of t."""
    x, k, s = jnp.asarray(x), positive(concentration), positive(scale)
    inner = jnp.where(x > 0, x, 1.0)
    log_x = log_ratio(inner, s + jnp.zeros_like(inner))
    return inner, k, s, log_x, k * log_x


def _supported(x, inside, outside):
    """The entry inside or outside of the support, NaN for NaN."""
    x = jnp.asarray(x)
    return jnp.where(x > 0, inside, jnp.where(x <= 0, outside, jnp.nan))


def _of_parts(fn, outside=0.0):
    """A function of the parts, and what it is up to zero."""

    def function(x, concentration, scale):
        parts = _parts(x, concentration, scale)
        return _supported(x, fn(*parts), outside + 0.0 * (parts[1] + parts[2]))

    return function


def _times(halves, factor, over_x=0, over_s=0):
    """A function of k, w and a times one of a in two halves, over powers of x and of the scale.

    Each half is divided by x on its own: it leaves the range only where the product does.
    """

    def product(x, k, s, w, a):
        one, two = halves(a)
        one, two = one * factor(k, w, a if halves in _UNBOUNDED else jnp.minimum(a, FAR)), two
        for _ in range(over_s):
            one, two = two, one * (1 / s)
        for power in range(over_x):
            one, two = two, one / x if power < 2 else one * (1 / x)
        return one * two

    return _of_parts(product)


def _hazard(a):
    """The halves of t."""
    return jnp.exp(a / 2), jnp.exp(a / 2)


def _growth(a):
    """Those of t - 1."""
    a = jnp.maximum(a, -100.0)
    return jnp.exp(a / 2), 2 * jnp.sinh(a / 2)


def _mass(a):
    """Those of t exp(-t)."""
    a = jnp.minimum(a, FAR)
    root = jnp.exp((a - jnp.exp(a)) / 2)
    return root, root


def _odds(a):
    """Those of t / (exp(t) - 1)."""
    t = jnp.exp(jnp.minimum(a, FAR))
    return jnp.exp(-t / 2), jnp.exp(-t / 2) * (1 + t * bernoulli_ratio(t))


_UNBOUNDED = (_hazard, _growth)


def _log_prob(x: Real, concentration: Real, scale: Real) -> Float[Array, "..."]:
    """The logarithm of the density, in nats."""
    value = _of_parts(lambda x, k, s, w, a: jnp.log(k) - jnp.log(x) + a - jnp.exp(a), -jnp.inf)
    return value(x, concentration, scale)


def _plus(*parts):
    return lambda x, concentration, scale: sum(part(x, concentration, scale) for part in parts)


_SECONDS = {
    ("x", "x"): _plus(
        _of_parts(lambda x, k, s, w, a: (1 - k) * (1 / x) * (1 / x)),
        _times(_hazard, lambda k, w, a: (1 - k) * k, 2),
    ),
    ("x", "concentration"): _plus(
        _times(_growth, lambda k, w, a: -1.0, 1), _times(_hazard, lambda k, w, a: -a, 1)
    ),
    ("x", "scale"): _times(_hazard, lambda k, w, a: k * k, 1, 1),
    ("concentration", "concentration"): _plus(
        _of_parts(lambda x, k, s, w, a: -jnp.square(1 / k)),
        _times(_hazard, lambda k, w, a: -w * w),
    ),
    ("concentration", "scale"): _plus(
        _times(_growth, lambda k, w, a: 1.0, 0, 1), _times(_hazard, lambda k, w, a: a, 0, 1)
    ),
    ("scale", "scale"): _plus(
        _times(_growth, lambda k, w, a: -k, 0, 2), _times(_hazard, lambda k, w, a: -k * k, 0, 2)
    ),
}
log_prob, _LOG_PROB = with_partials(
    _log_prob,
    dict(
        x=_plus(_times(_growth, lambda k, w, a: -k, 1), _of_parts(lambda x, k, s, w, a: -1 / x)),
        concentration=_plus(
            _times(_growth, lambda k, w, a: -w), _of_parts(lambda x, k, s, w, a: 1 / k)
        ),
        scale=_times(_growth, lambda k, w, a: k, 0, 1),
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


def _prob(x: Real, concentration: Real, scale: Real) -> Float[Array, "..."]:
    """The density; its unit is one over that of x."""
    return _times(_mass, lambda k, w, a: k, 1)(x, concentration, scale)


def _fall(a):
    """The slope of the logarithm of t exp(-t) in a."""
    return -jnp.expm1(a)


def _bend(a):
    """The second derivative of t exp(-t) in a over it."""
    return jnp.square(jnp.expm1(a)) - jnp.exp(a)


prob, _PROB = with_partials(
    _prob,
    dict(
        x=_times(_mass, lambda k, w, a: k * (k * _fall(a) - 1), 2),
        concentration=_times(_mass, lambda k, w, a: 1 + a * _fall(a), 1),
        scale=_times(_mass, lambda k, w, a: -k * k * _fall(a), 1, 1),
    ),
    {
        ("x", "x"): _times(_mass, lambda k, w, a: k * (k * (k * _bend(a) - 3 * _fall(a)) + 2), 3),
        ("x", "concentration"): _times(
            _mass, lambda k, w, a: k * (2 * _fall(a) + a * _bend(a)) - (1 + a * _fall(a)), 2
        ),
        ("x", "scale"): _times(_mass, lambda k, w, a: -k * k * (k * _bend(a) - _fall(a)), 2, 1),
        ("concentration", "concentration"): _times(
            _mass, lambda k, w, a: w * (2 * _fall(a) + a * _bend(a)), 1
        ),
        ("concentration", "scale"): _times(
            _mass, lambda k, w, a: -k * (2 * _fall(a) + a * _bend(a)), 1, 1
        ),
        ("scale", "scale"): _times(_mass, lambda k, w, a: k * k * (_fall(a) + k * _bend(a)), 1, 2),
    },
)


def _of_a(fn, halves, rise, sign=1.0):
    """A function of a bound to its partials: its slope, and the slope of the slope's logarithm."""
    partials = dict(
        x=_times(halves, lambda k, w, a: sign * k, 1),
        concentration=_times(halves, lambda k, w, a: sign * w),
        scale=_times(halves, lambda k, w, a: -sign * k, 0, 1),
    )
    seconds = {
        ("x", "x"): _times(halves, lambda k, w, a: sign * k * (k * rise(a) - 1), 2),
        ("x", "concentration"): _times(halves, lambda k, w, a: sign * (1 + a * rise(a)), 1),
        ("x", "scale"): _times(halves, lambda k, w, a: -sign * k * k * rise(a), 1, 1),
        ("concentration", "concentration"): _times(
            halves, lambda k, w, a: sign * w * (w * rise(a))
        ),
        ("concentration", "scale"): _times(halves, lambda k, w, a: -sign * (1 + a * rise(a)), 0, 1),
        ("scale", "scale"): _times(halves, lambda k, w, a: sign * k * (1 + k * rise(a)), 0, 2),
    }
    return with_partials(fn, partials, seconds)


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


def _odds_fall(a):
    t = jnp.exp(a)
    return -t * bernoulli_ratio(t)


cdf, _CDF = _of_a(_cdf, _mass, _fall)
sf, _SF = _of_a(_sf, _mass, _fall, -1.0)
log_cdf, _LOG_CDF = _of_a(_log_cdf, _odds, _odds_fall)
log_sf, _LOG_SF = _of_a(_log_sf, _hazard, jnp.ones_like, -1.0)


def _raised(hazard, concentration, scale):
    """The x at which the hazard so far is this."""
    root = jnp.exp(jnp.log(hazard) * (0.5 / positive(concentration)))
    return (positive(scale) * root) * root


def _quantile(p: Real, concentration: Real, scale: Real) -> Float[Array, "..."]:
    """The x below which lies probability p; infinite at one, NaN for p outside [0, 1]."""
    return _raised(-log1p(-chance(p)), concentration, scale)


def _isf(p: Real, concentration: Real, scale: Real) -> Float[Array, "..."]:
    """The x above which lies probability p, accurate where p is tiny."""
    return _raised(-jnp.log(chance(p)), concentration, scale)


def _inverse(fn, hazard, slope):
    """A quantile bound to its partials, from a hazard whose slope squared is its curvature."""

    def times(factor, order=0, with_scale=True):
        def product(p, concentration, scale):
            u, h = 1 / positive(concentration), hazard(chance(p))
            log_h = jnp.log(h)
            rise = slope(chance(p)) / h if order else jnp.ones_like(h)
            root = jnp.exp(u * log_h / 2)
            one = root * rise * factor(u, log_h, h)
            two = root * (rise if order == 2 else 1.0)
            return one * (two * positive(scale) if with_scale else two + 0.0 * positive(scale))

        return product

    partials = dict(
        p=times(lambda u, log_h, h: u, 1),
        concentration=times(lambda u, log_h, h: -u * (u * log_h)),
        scale=times(lambda u, log_h, h: 1.0, 0, False),
    )
    seconds = {
        ("p", "p"): times(lambda u, log_h, h: u * (u - 1 + h), 2),
        ("p", "concentration"): times(lambda u, log_h, h: -u * u * (1 + u * log_h), 1),
        ("p", "scale"): times(lambda u, log_h, h: u, 1, False),
        ("concentration", "concentration"): times(
            lambda u, log_h, h: u * u * (u * log_h) * (2 + u * log_h)
        ),
        ("concentration", "scale"): times(lambda u, log_h, h: -u * (u * log_h), 0, False),
        ("scale", "scale"): times(lambda u, log_h, h: 0.0, 0, False),
    }
    return with_partials(fn, partials, seconds)


quantile, _QUANTILE = _inverse(_quantile, lambda p: -log1p(-p), lambda p: 1 / (1 - p))
isf, _ISF = _inverse(_isf, lambda p: -jnp.log(p), lambda p: -1 / p)


def sample(key: PRNGKey, concentration: Real, scale: Real, shape: tuple[int, ...] = ()) -> Array:
    """Draw `shape` times the common shape of the parameters, differentiable in them."""
    size = sample_shape(shape, concentration, scale)
    noise = jax.random.exponential(key, size, float_dtype(concentration, scale))
    return _raised(noise, jnp.broadcast_to(concentration, size), jnp.broadcast_to(scale, size))


def _spread(u):
    r"""The excess $\log\Gamma(1 + 2u) - 2 \log\Gamma(1 + u)$.

    For small u a double integral of the trigamma function, from which nothing cancels.
    """
    small = u < 0.5
    near, far = jnp.where(small, u, 0.0), jnp.where(small, 1.0, u)
    inner = sum(
        weight * (trigamma(1 + near * (1 - node)) + trigamma(1 + near * (1 + node)))
        for node, weight in _NODES
    )
    outer = gammaln_difference(1.0, 2 * far) - 2 * gammaln_difference(1.0, far)
    return jnp.where(small, jnp.square(near) * inner, outer)


def _mean(concentration: Real, scale: Real) -> Float[Array, "..."]:
    """The scale times the gamma function at one and one over the concentration."""
    return positive(scale) * jnp.exp(gammaln_difference(1.0, 1 / positive(concentration)))


def _variance(concentration: Real, scale: Real) -> Float[Array, "..."]:
    """The squared mean times a function of the concentration that keeps its digits."""
    spread = jnp.expm1(_spread(1 / positive(concentration)))
    return jnp.square(_mean(concentration, scale)) * spread


def _std(concentration: Real, scale: Real) -> Float[Array, "..."]:
    """The root of the variance, in range where that isn't."""
    spread = jnp.expm1(_spread(1 / positive(concentration)))
    return _mean(concentration, scale) * jnp.sqrt(spread)


def _mean_dconcentration(concentration, scale):
    u = 1 / positive(concentration)
    return -_mean(concentration, scale) * (u * u * digamma(1 + u))


def _std_growth(concentration):
    """How the logarithm of the standard deviation grows with the concentration."""
    u = 1 / positive(concentration)
    rise = digamma_difference(1 + u, u) / -jnp.expm1(-_spread(u))
    return -u * u * (digamma(1 + u) + rise)


_MEAN = dict(
    concentration=_mean_dconcentration,
    scale=lambda concentration, scale: _mean(concentration, 1.0 + 0.0 * positive(scale)),
)
_VARIANCE = dict(
    concentration=lambda c, s: 2 * _variance(c, s) * _std_growth(c),
    scale=lambda c, s: 2 * _variance(c, 1.0 + 0.0 * positive(s)) * s,
)
_STD = dict(
    concentration=lambda c, s: _std(c, s) * _std_growth(c),
    scale=lambda c, s: _std(c, 1.0 + 0.0 * positive(s)),
)


def _renamed(partials):
    """Of partials of short names."""

    def named(fn):
        return lambda concentration, scale: fn(concentration, scale)

    return {key: named(fn) for key, fn in partials.items()}


_VARIANCE, _STD = _renamed(_VARIANCE), _renamed(_STD)
mean = with_rule(_mean, **_MEAN)
variance = with_rule(_variance, **_VARIANCE)
std = with_rule(_std, **_STD)


def median(concentration: Real, scale: Real) -> Float[Array, "..."]:
    """The quantile of one half."""
    return positive(scale) * jnp.exp(math.log(math.log(2)) * (1 / positive(concentration)))


def entropy(concentration: Real, scale: Real) -> Float[Array, "..."]:
    """The expected value of minus `log_prob`, in nats; negative for a narrow density."""
    k = positive(concentration)
    return jnp.log(positive(scale)) - jnp.log(k) + (1 + EULER - EULER / k)


def _median_dconcentration(concentration, scale):
    return (
        -median(concentration, scale)
        * math.log(math.log(2))
        * jnp.square(1 / positive(concentration))
    )


def _entropy_dconcentration(concentration, scale):
    u = 1 / positive(concentration)
    return u * (EULER * u - 1) + 0.0 * positive(scale)


def _entropy_dscale(concentration, scale):
    return 1 / positive(scale) + 0.0 * positive(concentration)


def _pair(concentration, scale, concentration_q, scale_q):
    """Both concentrations, the excess of their ratio, log s / s_q, and the exponent."""
    k, other = positive(concentration), positive(concentration_q)
    excess = relative_excess(other, k)
    length = log_ratio(positive(scale), positive(scale_q))
    return k, other, excess, length, other * length + gammaln_difference(2.0, excess)


def _shape_gap(k, other, excess):
    r"""The amount $\log\Gamma(\rho) + \gamma (\rho - 1)$ with the ratio of concentrations."""
    small = jnp.abs(excess) < 0.5
    near = jnp.where(small, excess, 0.0)
    inner = sum(weight * trigamma(1 + node * near) for node, weight in _NODES)
    far = gammaln(jnp.where(small, 1.0, other / k)) + EULER * excess
    return jnp.where(small, jnp.square(near) * inner, far)


def _cross_entropy(
    concentration: Real, scale: Real, concentration_q: Real, scale_q: Real
) -> Float[Array, "..."]:
    """The expected value under the first of minus the second's `log_prob`, in nats."""
    k, other, _, length, power = _pair(concentration, scale, concentration_q, scale_q)
    rest = jnp.log(positive(scale)) - jnp.log(other) - other * length
    return rest + EULER * ((other - 1) / k) + jnp.exp(power)


def _kl(
    concentration: Real, scale: Real, concentration_q: Real, scale_q: Real
) -> Float[Array, "..."]:
    """The Kullback-Leibler divergence of the second from the first, in nats: two gaps."""
    k, other, excess, _, power = _pair(concentration, scale, concentration_q, scale_q)
    return expm1_gap(power) + _shape_gap(k, other, excess)


def _kl_dconcentration(concentration, scale, concentration_q, scale_q):
    k, other, excess, _, power = _pair(concentration, scale, concentration_q, scale_q)
    slope = jnp.expm1(power) * digamma(2 + excess) + digamma_difference(1.0, excess)
    return -(other / k) * slope / k


def _kl_dscale(concentration, scale, concentration_q, scale_q):
    _, other, _, _, power = _pair(concentration, scale, concentration_q, scale_q)
    return jnp.expm1(power) * (other / positive(scale))


def _dconcentration_q(concentration, scale, concentration_q, scale_q):
    k, _, excess, length, power = _pair(concentration, scale, concentration_q, scale_q)
    slope = jnp.expm1(power) * (length + digamma(2 + excess) / k)
    return slope + digamma_difference(1.0, excess) / k


def _dscale_q(concentration, scale, concentration_q, scale_q):
    _, other, _, _, power = _pair(concentration, scale, concentration_q, scale_q)
    return -jnp.expm1(power) * (other / positive(scale_q))


_KL = dict(
    concentration=_kl_dconcentration,
    scale=_kl_dscale,
    concentration_q=_dconcentration_q,
    scale_q=_dscale_q,
)
_CROSS_ENTROPY = _KL | dict(
    concentration=lambda *args: _kl_dconcentration(*args) + _entropy_dconcentration(*args[:2]),
    scale=lambda *args: _kl_dscale(*args) + _entropy_dscale(*args[:2]),
)
cross_entropy = with_rule(_cross_entropy, **_CROSS_ENTROPY)
kl = with_rule(_kl, **_KL)


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
        concentration=Interval(2.0**-4, 2.0**20, closed=(True, True)),
        scale=Interval(2.0**-40, 2.0**40, closed=(True, True)),
    ),
    support=POSITIVE,
    functions=(
        *(log_prob, prob, cdf, log_cdf, sf, log_sf, quantile, isf, sample),
        *(mean, median, variance, std, entropy, cross_entropy, kl),
        *(score, hessian, fisher_information, fit),
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
        mean=_MEAN,
        variance=_VARIANCE,
        std=_STD,
        median=dict(
            concentration=_median_dconcentration,
            scale=lambda concentration, scale: median(concentration, 1.0 + 0.0 * positive(scale)),
        ),
        entropy=dict(concentration=_entropy_dconcentration, scale=_entropy_dscale),
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
        mean=_mean,
        variance=_variance,
        std=_std,
        cross_entropy=_cross_entropy,
        kl=_kl,
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
