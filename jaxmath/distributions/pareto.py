r"""The Pareto distribution of what exceeds a least value, the `scale` > 0, as a power.

Elementwise functions of arrays or numbers. The logarithm of x over the scale is exponential with
the rate `concentration` > 0. A parameter that isn't positive gives NaN; below the scale the density
is zero. All digits are promised for scales between 2^-40 and 2^40 and concentrations between 2^-14
and 2^27.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.distributions import exponential
from jaxmath.distributions.family import Family
from jaxmath.distributions.fitting import Fit, observations
from jaxmath.distributions.location_scale import chance, positive
from jaxmath.distributions.power import Curve, Start, inverse, raised
from jaxmath.distributions.shapes import float_dtype, sample_shape, two_by_two
from jaxmath.distributions.standard import Differentiable
from jaxmath.domains import POSITIVE, Interval
from jaxmath.formula import Decreasing, Increasing, Source
from jaxmath.special.exponential import bernoulli_ratio, log1mexp
from jaxmath.special.logarithm import log1p
from jaxmath.special.partials import with_partials
from jaxmath.special.ratio import log_ratio
from jaxmath.typing import PRNGKey, Real


class Params(NamedTuple):
    """Scale and shape; also the shape of what belongs to each, such as the score."""

    scale: Any
    concentration: Any


def _decay(t):
    """The factors of exp(-t)."""
    root = jnp.exp(-t / 4)
    return root, root, root, root


def _odds(t):
    """Those of 1 / (exp(t) - 1)."""
    root = jnp.exp(-t / 2)
    return root, 1.0, root / -jnp.expm1(-t), 1.0


DECAY, ODDS = Curve(_decay, 3000.0), Curve(_odds, 3000.0)
FROM_SCALE = Start(at_scale=True)


def _exchanged(fn, of_p=False):
    """A function of x or p and both parameters in the other order."""

    def of_quantity(x, scale, concentration):
        return fn(x, concentration, scale)

    def of_probability(p, scale, concentration):
        return fn(p, concentration, scale)

    return of_probability if of_p else of_quantity


def _in_order(made: Differentiable, of_p=False) -> Differentiable:
    """The same with the scale first."""
    return Differentiable(
        _exchanged(made.fn, of_p),
        _exchanged(made.plain, of_p),
        {name: _exchanged(fn, of_p) for name, fn in made.partials.items()},
        {pair: _exchanged(fn, of_p) for pair, fn in made.seconds.items()},
    )


def _of_parts(fn, outside=0.0):
    return _exchanged(FROM_SCALE.of_parts(fn, outside))


def _log_prob(x: Real, scale: Real, concentration: Real) -> Float[Array, "..."]:
    """The logarithm of the density, in nats."""
    value = _of_parts(lambda x, k, s, w, t: jnp.log(k) - jnp.log(x) - t, -jnp.inf)
    return value(x, scale, concentration)


_SECONDS = {
    ("x", "x"): _of_parts(lambda x, k, s, w, t: ((1 + k) * (1 / x)) / x),
    ("x", "scale"): _of_parts(lambda x, k, s, w, t: jnp.zeros_like(t)),
    ("x", "concentration"): _of_parts(lambda x, k, s, w, t: -1 / x + 0.0 * k),
    ("scale", "scale"): _of_parts(lambda x, k, s, w, t: -k / s * (1 / s)),
    ("scale", "concentration"): _of_parts(lambda x, k, s, w, t: 1 / s),
    ("concentration", "concentration"): _of_parts(lambda x, k, s, w, t: -jnp.square(1 / k)),
}
log_prob, _LOG_PROB = with_partials(
    _log_prob,
    dict(
        x=_of_parts(lambda x, k, s, w, t: -(1 + k) / x),
        scale=_of_parts(lambda x, k, s, w, t: k / s),
        concentration=_of_parts(lambda x, k, s, w, t: 1 / k - w),
    ),
    _SECONDS,
)


def score(x: Real, scale: Real, concentration: Real) -> Params:
    """The slope of `log_prob` in each parameter."""
    return Params(*(_LOG_PROB[name](x, scale, concentration) for name in Params._fields))


def hessian(x: Real, scale: Real, concentration: Real) -> Float[Array, "... 2 2"]:
    """The second derivatives of `log_prob` in scale and concentration, as a matrix."""
    one, two = Params._fields
    pairs = (one, one), (one, two), (two, two)
    return two_by_two(*(_SECONDS[pair](x, scale, concentration) for pair in pairs))


def _tail(fn, outside):
    """A function of t in the order of `power`."""
    return FROM_SCALE.of_parts(lambda x, k, s, w, t: fn(t), outside)


def _minus_one(t):
    return -jnp.ones_like(t)


_PROB = _in_order(FROM_SCALE.density(DECAY, _minus_one, jnp.ones_like))
_CDF = _in_order(FROM_SCALE.through(_tail(lambda t: -jnp.expm1(-t), 0.0), DECAY, _minus_one))
_SF = _in_order(FROM_SCALE.through(_tail(lambda t: jnp.exp(-t), 1.0), DECAY, _minus_one, sign=-1.0))
_LOG_CDF = _in_order(
    FROM_SCALE.through(
        _tail(log1mexp, -jnp.inf),
        ODDS,
        lambda t: 1 / jnp.expm1(-t),
        turn=lambda t: -t * bernoulli_ratio(t),
    )
)


def prob(x: Real, scale: Real, concentration: Real) -> Float[Array, "..."]:
    """The density; its unit is one over that of x."""
    return _PROB.fn(x, scale, concentration)


def cdf(x: Real, scale: Real, concentration: Real) -> Float[Array, "..."]:
    """The probability of at most x."""
    return _CDF.fn(x, scale, concentration)


def sf(x: Real, scale: Real, concentration: Real) -> Float[Array, "..."]:
    """The probability of more than x, accurate where it is tiny: a power of x."""
    return _SF.fn(x, scale, concentration)


def log_cdf(x: Real, scale: Real, concentration: Real) -> Float[Array, "..."]:
    """The logarithm of `cdf`, accurate in both tails; minus infinity up to the scale."""
    return _LOG_CDF.fn(x, scale, concentration)


def _log_sf(x: Real, scale: Real, concentration: Real) -> Float[Array, "..."]:
    """The logarithm of `sf`: a line in the logarithm of x."""
    return _of_parts(lambda x, k, s, w, t: -t)(x, scale, concentration)


_LOG_SF_SECONDS = {
    ("x", "x"): _of_parts(lambda x, k, s, w, t: (k * (1 / x)) / x),
    ("concentration", "concentration"): _of_parts(lambda x, k, s, w, t: 0.0 * k),
} | {pair: _SECONDS[pair] for pair in _SECONDS if "scale" in pair or pair == ("x", "concentration")}
log_sf, _LOG_SF = with_partials(
    _log_sf,
    dict(
        x=_of_parts(lambda x, k, s, w, t: -k / x),
        scale=_LOG_PROB["scale"],
        concentration=_of_parts(lambda x, k, s, w, t: -w + 0.0 * k),
    ),
    _LOG_SF_SECONDS,
)


def _below(p):
    """The t below which lies probability p."""
    return -log1p(-p)


def _above(p):
    return -jnp.log(p)


def _raised(fn):
    return lambda p, concentration, scale: raised(fn(chance(p)), concentration, scale)


_QUANTILE = _in_order(inverse(_raised(_below), _below, lambda p: 1 / (1 - p), jnp.ones_like), True)
_ISF = _in_order(inverse(_raised(_above), _above, lambda p: -1 / p, jnp.ones_like), True)


def quantile(p: Real, scale: Real, concentration: Real) -> Float[Array, "..."]:
    """The x below which lies probability p; infinite at one, NaN for p outside [0, 1]."""
    return _QUANTILE.fn(p, scale, concentration)


def isf(p: Real, scale: Real, concentration: Real) -> Float[Array, "..."]:
    """The x above which lies probability p, accurate where p is tiny."""
    return _ISF.fn(p, scale, concentration)


def sample(key: PRNGKey, scale: Real, concentration: Real, shape: tuple[int, ...] = ()) -> Array:
    """Draw `shape` times the common shape of the parameters, differentiable in them."""
    size = sample_shape(shape, scale, concentration)
    noise = jax.random.exponential(key, size, float_dtype(scale, concentration))
    return raised(noise, jnp.broadcast_to(concentration, size), jnp.broadcast_to(scale, size))


def _above_order(k, order, value, beyond):
    """A moment of that order where it exists, and what it is else; NaN for no concentration."""
    return jnp.where(k > order, value, jnp.where(k <= order, beyond, jnp.nan))


def _excess(k, order):
    """By how much the concentration exceeds the order, one where it doesn't."""
    return jnp.where(k > order, k - order, 1.0)


def mean(scale: Real, concentration: Real) -> Float[Array, "..."]:
    """The scale times k / (k - 1) with the concentration k; infinite for k up to one."""
    s, k = positive(scale), positive(concentration)
    return _above_order(k, 1, s + s / _excess(k, 1), jnp.inf) + 0.0 * s


def std(scale: Real, concentration: Real) -> Float[Array, "..."]:
    """The root of the variance; infinite for concentrations up to two, NaN up to one."""
    s, k = positive(scale), positive(concentration)
    value = s * (jnp.sqrt(1 + 2 / _excess(k, 2)) / _excess(k, 1))
    return _above_order(k, 2, value, jnp.where(k > 1, jnp.inf, jnp.nan)) + 0.0 * s


def variance(scale: Real, concentration: Real) -> Float[Array, "..."]:
    """The squared scale times k / ((k - 1)^2 (k - 2)); infinite for k <= 2, NaN for k <= 1."""
    return jnp.square(std(scale, concentration))


def skewness(scale: Real, concentration: Real) -> Float[Array, "..."]:
    """The third moment of the standardised variable; NaN for concentrations up to three."""
    s, k = positive(scale), positive(concentration)
    value = 2 * (1 + 4 / _excess(k, 3)) * jnp.sqrt(1 - 2 / jnp.maximum(k, 3.0))
    return _above_order(k, 3, value, jnp.nan) + 0.0 * s


def kurtosis(scale: Real, concentration: Real) -> Float[Array, "..."]:
    """The excess of the fourth standardised moment over the normal's 3; NaN up to four."""
    s, k = positive(scale), positive(concentration)
    some = jnp.maximum(k, 4.0)
    rest = (8 - 18 / some - 2 / some / some) / (some - 3)
    return _above_order(k, 4, 6 + 6 * rest * (some / _excess(k, 4)), jnp.nan) + 0.0 * s


def median(scale: Real, concentration: Real) -> Float[Array, "..."]:
    """The quantile of one half."""
    s = positive(scale)
    return quantile(jnp.full_like(s, 0.5), s, concentration)


def mode(scale: Real, concentration: Real) -> Float[Array, "..."]:
    """The scale."""
    return positive(scale) + 0.0 * positive(concentration)


def entropy(scale: Real, concentration: Real) -> Float[Array, "..."]:
    """The expected value of minus `log_prob`, in nats; negative for a narrow density."""
    s, k = positive(scale), positive(concentration)
    return log_ratio(s, k) + 1 / k + 1


def _constant(value):
    return lambda scale, concentration: value + 0.0 * (positive(scale) + positive(concentration))


def _median_slope(name):
    def partial(scale, concentration):
        s = positive(scale)
        return _QUANTILE.partials[name](jnp.full_like(s, 0.5), s, concentration)

    return partial


def _entropy_dconcentration(scale, concentration):
    u = 1 / positive(concentration)
    return -u * (1 + u) + 0.0 * positive(scale)


def _length(scale, concentration_q, scale_q):
    """The second concentration times the logarithm of the first scale over the second."""
    return positive(concentration_q) * log_ratio(positive(scale), positive(scale_q))


def _among(scale, scale_q, value):
    """The divergence where the second has mass wherever the first has, else infinite."""
    return jnp.where(jnp.asarray(scale) < jnp.asarray(scale_q), jnp.inf, value)


def kl(
    scale: Real, concentration: Real, scale_q: Real, concentration_q: Real
) -> Float[Array, "..."]:
    """The Kullback-Leibler divergence of the second from the first, in nats.

    Infinite if the second scale exceeds the first.
    """
    gap = exponential.kl(concentration, concentration_q)
    return _among(scale, scale_q, _length(scale, concentration_q, scale_q) + gap)


def cross_entropy(
    scale: Real, concentration: Real, scale_q: Real, concentration_q: Real
) -> Float[Array, "..."]:
    """The expected value under the first of minus the second's `log_prob`, in nats."""
    rest = exponential.cross_entropy(concentration, concentration_q) + jnp.log(positive(scale))
    value = _length(scale, concentration_q, scale_q) + (rest + 1 / positive(concentration))
    return _among(scale, scale_q, value)


def _of_pair(name, own, extra=0.0):
    """The partials of a divergence whose part of the concentrations is the exponential's."""
    inner = exponential.EXPONENTIAL.partials[name]

    def dscale(scale, concentration, scale_q, concentration_q):
        return (positive(concentration_q) + extra) * (1 / positive(scale)) + 0.0 * (
            positive(scale_q) + positive(concentration)
        )

    def dconcentration(scale, concentration, scale_q, concentration_q):
        slope = inner["rate"](concentration, concentration_q) + own(positive(concentration))
        return slope + 0.0 * (positive(scale) + positive(scale_q))

    def dscale_q(scale, concentration, scale_q, concentration_q):
        return -positive(concentration_q) * (1 / positive(scale_q)) + 0.0 * (
            positive(scale) + positive(concentration)
        )

    def dconcentration_q(scale, concentration, scale_q, concentration_q):
        length = log_ratio(positive(scale), positive(scale_q))
        return length + inner["rate_q"](concentration, concentration_q)

    return dict(
        scale=dscale,
        concentration=dconcentration,
        scale_q=dscale_q,
        concentration_q=dconcentration_q,
    )


_KL = _of_pair("kl", lambda k: 0.0 * k)
_CROSS_ENTROPY = _of_pair("cross_entropy", lambda k: -jnp.square(1 / k), 1.0)


def squared_hellinger(
    scale: Real, concentration: Real, scale_q: Real, concentration_q: Real
) -> Float[Array, "..."]:
    """One minus the integral of the geometric mean of both densities."""
    length = log_ratio(positive(scale), positive(scale_q))
    rate = jnp.where(length > 0, positive(concentration_q), -positive(concentration))
    shapes = exponential.squared_hellinger(concentration, concentration_q)
    return shapes - (1 - shapes) * jnp.expm1(-rate * length / 2)


def renyi(
    order: Real, scale: Real, concentration: Real, scale_q: Real, concentration_q: Real
) -> Float[Array, "..."]:
    """The divergence of order alpha > 0; infinite where the integral is, or p has mass q lacks."""
    order = jnp.asarray(order)
    length = log_ratio(positive(scale), positive(scale_q))
    rest = jnp.where(order < 1, 1 - order, 1.0)
    beyond = jnp.where(order < 1, order / rest * positive(concentration) * -length, jnp.inf)
    apart = jnp.where(length < 0, beyond, positive(concentration_q) * length)
    return apart + exponential.renyi(order, concentration, concentration_q)


def squared_wasserstein(
    scale: Real, concentration: Real, scale_q: Real, concentration_q: Real
) -> Float[Array, "..."]:
    """The squared distance of the quantiles; infinite for concentrations up to two."""
    s, k, s_q, k_q = map(positive, (scale, concentration, scale_q, concentration_q))
    u, v = 1 / k, 1 / k_q
    exists = (u < 0.5) & (v < 0.5)
    a, b = 1 - 2 * jnp.where(exists, u, 0.0), 1 - 2 * jnp.where(exists, v, 0.0)
    root, middle = jnp.sqrt(a * b), (a + b) / 2
    sizes = jnp.square(s / jnp.sqrt(a) - s_q / jnp.sqrt(b))
    shapes = 2 * s * s_q * jnp.square((a - b) / 2) / (root * middle * (root + middle))
    return jnp.where(exists, sizes + shapes, jnp.inf + 0.0 * (s + k + s_q + k_q))


def fit(x: Real, weights: Real | None = None) -> Fit:
    """The least of the observations, shape (n,), and one over the mean logarithm over it.

    The standard errors are the spread of the least of n, whose error is one-sided, and that of the
    concentration for large n; there is no robust one.
    """
    x, share, total = observations(x, weights)
    scale = jnp.min(jnp.where(share > 0, x, jnp.inf))
    concentration = 1 / jnp.sum(share * log_ratio(x, jnp.full_like(x, scale)))
    rate = total * concentration
    least = scale * jnp.sqrt(rate / jnp.where(rate > 2, rate - 2, jnp.nan)) / (rate - 1)
    missing = jnp.full_like(scale, jnp.nan)
    return Fit(
        Params(scale, concentration),
        Params(least, concentration / jnp.sqrt(total)),
        Params(missing, missing),
    )


_NOT_REGULAR = "the support moves with the scale, in which the likelihood has no slope of zero."
_INFINITE = "infinite or undefined for small concentrations; a test of its own knows its values"

PARETO = Family(
    name="pareto",
    parameters=Params(
        scale=Interval(2.0**-40, 2.0**40, closed=(True, True)),
        concentration=Interval(2.0**-14, 2.0**27, closed=(True, True)),
    ),
    support=POSITIVE,
    ends=lambda scale, concentration: (scale, float("inf")),
    functions=(
        *(log_prob, prob, cdf, log_cdf, sf, log_sf, quantile, isf, sample),
        *(mean, median, mode, variance, std, skewness, kurtosis, entropy, cross_entropy, kl),
        *(squared_hellinger, renyi, squared_wasserstein, score, hessian, fit),
    ),
    partials=dict(
        log_prob=_LOG_PROB,
        prob=_PROB.partials,
        cdf=_CDF.partials,
        sf=_SF.partials,
        log_cdf=_LOG_CDF.partials,
        log_sf=_LOG_SF,
        quantile=_QUANTILE.partials,
        isf=_ISF.partials,
        median={name: _median_slope(name) for name in Params._fields},
        mode=dict(scale=_constant(1.0), concentration=_constant(0.0)),
        entropy=dict(
            scale=lambda scale, concentration: 1 / positive(scale) + 0.0 * positive(concentration),
            concentration=_entropy_dconcentration,
        ),
        cross_entropy=_CROSS_ENTROPY,
        kl=_KL,
    ),
    seconds=dict(
        log_prob=_SECONDS,
        prob=_PROB.seconds,
        cdf=_CDF.seconds,
        sf=_SF.seconds,
        log_cdf=_LOG_CDF.seconds,
        log_sf=_LOG_SF_SECONDS,
        quantile=_QUANTILE.seconds,
        isf=_ISF.seconds,
    ),
    plain=dict(
        log_prob=_log_prob,
        prob=_PROB.plain,
        cdf=_CDF.plain,
        sf=_SF.plain,
        log_cdf=_LOG_CDF.plain,
        log_sf=_log_sf,
        quantile=_QUANTILE.plain,
        isf=_ISF.plain,
    ),
    unrecorded=dict.fromkeys(("mean", "variance", "std", "skewness", "kurtosis"), _INFINITE),
    exceptions=dict(
        isf={
            "first_derivatives/scale": "where its own slope in the concentration overflows the "
            "laws cannot tell what rounding of the exponent explains",
        },
    ),
    facts=dict(
        log_cdf=(Decreasing("scale"), Increasing("concentration")),
        entropy=(Increasing("scale"), Decreasing("concentration")),
    ),
    tex=dict(
        log_prob=r"\log p(x) = \log k - \log x - k \log(x / m), \quad x \ge m",
        prob=r"p(x) = \frac{k}{x} (m / x)^k, \quad x \ge m",
        cdf=r"F(x) = 1 - (m / x)^k",
        sf=r"S(x) = (m / x)^k",
        log_sf=r"\log S(x) = -k \log(x / m)",
        quantile=r"F^{-1}(p) = m (1 - p)^{-1/k}",
        isf=r"S^{-1}(p) = m p^{-1/k}",
        mean=r"\mu = m k / (k - 1), \quad k > 1",
        variance=r"\sigma^2 = \frac{m^2 k}{(k - 1)^2 (k - 2)}, \quad k > 2",
        entropy=r"H = \log(m / k) + 1 / k + 1",
        kl=r"\operatorname{KL} = k_q \log \frac{m}{m_q} + \frac{k_q}{k} - 1 - \log \frac{k_q}{k},"
        r" \quad m_q \le m",
    ),
    undefined=dict(fisher_information=_NOT_REGULAR, interval=_NOT_REGULAR, profile=_NOT_REGULAR),
    source=Source("johnson1994continuous", "chapter 20"),
    topic="P10",
)
__getattr__ = PARETO.function
