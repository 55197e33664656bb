r"""The log-normal distribution of a positive number whose logarithm is normal.

Elementwise functions of arrays or numbers: `loc` and `scale` > 0 are the logarithm's mean and
standard deviation. A scale that isn't positive gives NaN; up to zero the density is zero. Most
functions are the normal's at log x.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.distributions import normal
from jaxmath.distributions.family import Family
from jaxmath.distributions.fitting import Fit, observations, with_errors
from jaxmath.distributions.location_scale import positive, standardize, within
from jaxmath.distributions.normal import FAR, LOG_SQRT_TAU, NORMAL, Params
from jaxmath.domains import POSITIVE, Interval
from jaxmath.formula import Concave, Convex, Increasing, Source, with_rule
from jaxmath.special.normal_tail import SQRT_TAU, ndtri, ndtri_dp
from jaxmath.special.partials import minus
from jaxmath.typing import PRNGKey, Real


def _inside(x):
    """The value where it is positive, one elsewhere."""
    x = jnp.asarray(x)
    return jnp.where(x > 0, x, 1.0)


def _supported(x, inside, outside):
    """The entry inside or outside of the support, NaN for NaN."""
    x = jnp.asarray(x)
    return jnp.where(x > 0, inside, jnp.where(x <= 0, outside, jnp.nan))


def _zero(*args):
    *rest, scale = args
    return sum(0.0 * jnp.asarray(arg) for arg in rest) + 0.0 * positive(scale)


def _of_log(fn, outside=0.0):
    """A function of the normal at log x, and another value up to zero."""
    return lambda x, loc, scale: _supported(
        x, fn(jnp.log(_inside(x)), loc, scale), outside + _zero(loc, scale)
    )


def _partials(name):
    """Those of a function of the normal at log x."""
    stated = NORMAL.partials[name]

    def dx(x, loc, scale):
        inner = _inside(x)
        slope = stated["x"](jnp.log(inner), loc, scale) * (1 / inner)
        return _supported(x, slope, _zero(loc, scale))

    return dict(x=dx, loc=_of_log(stated["loc"]), scale=_of_log(stated["scale"]))


def _log_prob(x: Real, loc: Real, scale: Real) -> Float[Array, "..."]:
    """The logarithm of the density, in nats."""
    log_x = jnp.log(_inside(x))
    return _supported(x, normal.log_prob(log_x, loc, scale) - log_x, -jnp.inf + _zero(loc, scale))


def _log_prob_dx(x, loc, scale):
    inner = _inside(x)
    slope = (normal.log_prob_dx(jnp.log(inner), loc, scale) - 1) * (1 / inner)
    return _supported(x, slope, _zero(loc, scale))


def _log_prob_dx_dx(x, loc, scale):
    inner = _inside(x)
    slope = normal.log_prob_dx(jnp.log(inner), loc, scale)
    bend = (1 - slope - jnp.square(1 / positive(scale))) * (1 / inner) * (1 / inner)
    return _supported(x, bend, _zero(loc, scale))


_CROSS = _partials("log_prob")
_SECONDS = {
    (one, two): _of_log(NORMAL.seconds["log_prob"][one, two])
    for one, two in (("loc", "loc"), ("loc", "scale"), ("scale", "scale"))
}


def _over_x(second):
    def mixed(x, loc, scale):
        inner = _inside(x)
        slope = second(jnp.log(inner), loc, scale) * (1 / inner)
        return _supported(x, slope, _zero(loc, scale))

    return mixed


_SECONDS |= {
    ("x", "x"): _log_prob_dx_dx,
    **{("x", other): _over_x(NORMAL.seconds["log_prob"]["x", other]) for other in Params._fields},
}
log_prob_dx = with_rule(
    _log_prob_dx, x=_log_prob_dx_dx, **{other: _SECONDS["x", other] for other in Params._fields}
)
_LOG_PROB = dict(
    x=log_prob_dx,
    loc=with_rule(
        _CROSS["loc"],
        x=_SECONDS["x", "loc"],
        loc=_SECONDS["loc", "loc"],
        scale=_SECONDS["loc", "scale"],
    ),
    scale=with_rule(
        _CROSS["scale"],
        x=_SECONDS["x", "scale"],
        loc=_SECONDS["loc", "scale"],
        scale=_SECONDS["scale", "scale"],
    ),
)
log_prob = with_rule(_log_prob, **_LOG_PROB)


def score(x: Real, loc: Real, scale: Real) -> Params:
    """The slope of `log_prob` in each parameter: the normal's at log x."""
    return Params(*(_LOG_PROB[name](x, loc, scale) for name in Params._fields))


def hessian(x: Real, loc: Real, scale: Real) -> Float[Array, "... 2 2"]:
    """The second derivatives of `log_prob` in loc and scale, as a matrix: the normal's at log x."""
    pairs = ("loc", "loc"), ("loc", "scale"), ("scale", "scale")
    entries = (_SECONDS[pair](x, loc, scale) for pair in pairs)
    a, b, c = jnp.broadcast_arrays(*entries)
    return jnp.stack([jnp.stack([a, b], axis=-1), jnp.stack([b, c], axis=-1)], axis=-2)


def _density(factor, over_x, over_scale):
    """A function of z and the scale times the density, over x and the scale to some powers."""

    def product(x, loc, scale):
        inner, scale = _inside(x), positive(scale)
        log_x, near, wide = within(jnp.log(inner), loc, scale, -FAR, FAR)
        z = standardize(log_x, near, wide)
        root = jnp.exp(-jnp.square(z / 2))
        one, two = root * (1 / wide) * (1 / inner) / SQRT_TAU, root * factor(z, wide)
        if over_x:
            two = two * (1 / inner)
        if over_scale:
            two = two * (1 / wide)
        return _supported(x, one * two, _zero(loc, scale)) + _zero(loc, scale)

    return product


def _prob(x: Real, loc: Real, scale: Real) -> Float[Array, "..."]:
    """The density; its unit is one over that of x."""
    return _density(lambda z, scale: 1.0, 0, 0)(x, loc, scale)


_PROB = dict(
    x=_density(lambda z, scale: -(1 + z / scale), 1, 0),
    loc=_density(lambda z, scale: z, 0, 1),
    scale=_density(lambda z, scale: (z - 1) * (z + 1), 0, 1),
)
prob = with_rule(_prob, **_PROB)


def _cdf(x: Real, loc: Real, scale: Real) -> Float[Array, "..."]:
    """The probability of at most x."""
    return _of_log(normal.cdf)(x, loc, scale)


def _sf(x: Real, loc: Real, scale: Real) -> Float[Array, "..."]:
    """The probability of more than x, accurate where it is tiny."""
    return _of_log(normal.sf, 1.0)(x, loc, scale)


def _log_cdf(x: Real, loc: Real, scale: Real) -> Float[Array, "..."]:
    """The logarithm of `cdf`, accurate in both tails; minus infinity up to zero."""
    return _of_log(normal.log_cdf, -jnp.inf)(x, loc, scale)


def _log_sf(x: Real, loc: Real, scale: Real) -> Float[Array, "..."]:
    """The logarithm of `sf`, accurate in both tails."""
    return _of_log(normal.log_sf)(x, loc, scale)


_CDF = _partials("cdf") | dict(x=prob)
_SF = _partials("sf") | dict(x=minus(prob))
_LOG_CDF, _LOG_SF = _partials("log_cdf"), _partials("log_sf")
cdf = with_rule(_cdf, **_CDF)
sf = with_rule(_sf, **_SF)
log_cdf = with_rule(_log_cdf, **_LOG_CDF)
log_sf = with_rule(_log_sf, **_LOG_SF)


def _quantile(p: Real, loc: Real, scale: Real) -> Float[Array, "..."]:
    """The x below which lies probability p: zero at 0; NaN for p outside [0, 1]."""
    return jnp.exp(normal.quantile(p, loc, scale))


def _isf(p: Real, loc: Real, scale: Real) -> Float[Array, "..."]:
    """The x above which lies probability p, accurate where p is tiny."""
    return jnp.exp(normal.isf(p, loc, scale))


def _inverse(inner, sign):
    def dp(p, loc, scale):
        root = jnp.exp(inner(p, loc, scale) / 2)
        return sign * (root * ndtri_dp(p)) * (positive(scale) * root)

    def dloc(p, loc, scale):
        return jnp.exp(inner(p, loc, scale))

    def dscale(p, loc, scale):
        return sign * ndtri(p) * jnp.exp(inner(p, loc, scale))

    return dict(p=dp, loc=dloc, scale=dscale)


_QUANTILE, _ISF = _inverse(normal.quantile, 1), _inverse(normal.isf, -1)
quantile = with_rule(_quantile, **_QUANTILE)
isf = with_rule(_isf, **_ISF)


def sample(key: PRNGKey, loc: Real, scale: Real, shape: tuple[int, ...] = ()) -> Array:
    """Draw `shape` times the common shape of the parameters, differentiable in them."""
    return jnp.exp(normal.sample(key, loc, scale, shape))


def _square(scale):
    return jnp.square(positive(scale))


def _excess(scale):
    r"""The logarithm's slope $s / (e^{s^2} - 1)$."""
    square = _square(scale)
    return positive(scale) * jnp.exp(-square) / -jnp.expm1(-square)


def mean(loc: Real, scale: Real) -> Float[Array, "..."]:
    """The median times the exponential of half of the squared scale."""
    return jnp.exp(loc + _square(scale) / 2)


def median(loc: Real, scale: Real) -> Float[Array, "..."]:
    """The exponential of the location."""
    return jnp.exp(loc + 0.0 * positive(scale))


def mode(loc: Real, scale: Real) -> Float[Array, "..."]:
    """The median over the exponential of the squared scale."""
    return jnp.exp(loc - _square(scale))


def variance(loc: Real, scale: Real) -> Float[Array, "..."]:
    """The squared mean times the exponential of the squared scale less one."""
    square = _square(scale)
    return jnp.exp(2 * (loc + square)) * -jnp.expm1(-square)


def std(loc: Real, scale: Real) -> Float[Array, "..."]:
    """The root of the variance, in range where that isn't."""
    square = _square(scale)
    return jnp.exp(loc + square) * jnp.sqrt(-jnp.expm1(-square))


def _skewness(loc: Real, scale: Real) -> Float[Array, "..."]:
    """The third moment of the standardised variable: of the scale alone, and small as it is."""
    square = _square(scale) + 0.0 * jnp.asarray(loc)
    return jnp.exp(1.5 * square) * (1 + 2 * jnp.exp(-square)) * jnp.sqrt(-jnp.expm1(-square))


def _skewness_dscale(loc, scale):
    square = _square(scale) + 0.0 * jnp.asarray(loc)
    return 3 * positive(scale) * jnp.exp(1.5 * square) / jnp.sqrt(-jnp.expm1(-square))


def kurtosis(loc: Real, scale: Real) -> Float[Array, "..."]:
    """The excess of the fourth standardised moment over the normal's 3: of the scale alone."""
    square = _square(scale) + 0.0 * jnp.asarray(loc)
    return jnp.expm1(4 * square) + 2 * jnp.expm1(3 * square) + 3 * jnp.expm1(2 * square)


def _kurtosis_dscale(loc, scale):
    square = _square(scale) + 0.0 * jnp.asarray(loc)
    terms = 8 * jnp.exp(4 * square) + 12 * jnp.exp(3 * square) + 12 * jnp.exp(2 * square)
    return positive(scale) * terms


def entropy(loc: Real, scale: Real) -> Float[Array, "..."]:
    """The expected value of minus `log_prob`, in nats: the normal's, and the location."""
    return loc + jnp.log(positive(scale)) + (LOG_SQRT_TAU + 0.5)


skewness = with_rule(_skewness, loc=_zero, scale=_skewness_dscale)
_MOMENTS = dict(
    mean=dict(loc=mean, scale=lambda loc, scale: positive(scale) * mean(loc, scale)),
    median=dict(loc=median, scale=_zero),
    mode=dict(loc=mode, scale=lambda loc, scale: -2 * positive(scale) * mode(loc, scale)),
    variance=dict(
        loc=lambda loc, scale: 2 * variance(loc, scale),
        scale=lambda loc, scale: variance(loc, scale) * (4 * positive(scale) + 2 * _excess(scale)),
    ),
    std=dict(
        loc=std,
        scale=lambda loc, scale: std(loc, scale) * (2 * positive(scale) + _excess(scale)),
    ),
    skewness=dict(loc=_zero, scale=_skewness_dscale),
    kurtosis=dict(loc=_zero, scale=_kurtosis_dscale),
    entropy=dict(
        loc=lambda loc, scale: 1 + _zero(loc, scale),
        scale=lambda loc, scale: 1 / positive(scale) + _zero(loc, scale),
    ),
)


def _cross_entropy(loc: Real, scale: Real, loc_q: Real, scale_q: Real) -> Float[Array, "..."]:
    """The expected value under the first of minus the second's `log_prob`, in nats."""
    return normal.cross_entropy(loc, scale, loc_q, scale_q) + loc


def _kl(loc: Real, scale: Real, loc_q: Real, scale_q: Real) -> Float[Array, "..."]:
    """The Kullback-Leibler divergence of the second from the first, in nats: the normals'."""
    return normal.kl(loc, scale, loc_q, scale_q)


_KL = dict(NORMAL.partials["kl"])
_CROSS_ENTROPY = dict(NORMAL.partials["cross_entropy"])
_CROSS_ENTROPY["loc"] = lambda *args: 1 + NORMAL.partials["cross_entropy"]["loc"](*args)
cross_entropy = with_rule(_cross_entropy, **_CROSS_ENTROPY)
kl = with_rule(_kl, **_KL)


def squared_hellinger(loc: Real, scale: Real, loc_q: Real, scale_q: Real) -> Float[Array, "..."]:
    """One minus the integral of the geometric mean of both densities: the normals'."""
    return normal.squared_hellinger(loc, scale, loc_q, scale_q)


def renyi(order: Real, loc: Real, scale: Real, loc_q: Real, scale_q: Real) -> Float[Array, "..."]:
    """The divergence of order alpha: the normals'; it may be infinite for alpha > 1."""
    return normal.renyi(order, loc, scale, loc_q, scale_q)


def fisher_information(loc: Real, scale: Real) -> Float[Array, "... 2 2"]:
    """The variance of the score: the normal's."""
    return normal.fisher_information(loc, scale)


def sufficient(x: Real) -> Float[Array, "... 2"]:
    """The logarithm of x and its square."""
    return normal.sufficient(jnp.log(jnp.asarray(x)))


def natural(loc: Real, scale: Real) -> Float[Array, "... 2"]:
    """The mean over the variance of the logarithm, and minus half of one over that variance."""
    return normal.natural(loc, scale)


def log_partition(eta: Float[Array, "... 2"]) -> Float[Array, "..."]:
    """The normal's."""
    return normal.log_partition(eta)


def mean_parameters(loc: Real, scale: Real) -> Float[Array, "... 2"]:
    """The means of the logarithm and of its square."""
    return normal.mean_parameters(loc, scale)


def fit(x: Real, weights: Real | None = None) -> Fit:
    """Mean and root mean squared deviation of the observations' logarithms, shape (n,)."""
    x, share, total = observations(x, weights)
    log_x = jnp.log(x)
    loc = jnp.sum(share * log_x)
    scale = jnp.sqrt(jnp.sum(share * jnp.square(log_x - loc)))
    return with_errors(LOG_NORMAL, Params(loc, scale), x, share, total)


LOG_NORMAL = Family(
    name="log_normal",
    parameters=Params(loc=Interval(-64.0, 64.0), scale=Interval(2.0**-7, 4.0)),
    support=POSITIVE,
    functions=(
        *(log_prob, prob, cdf, log_cdf, sf, log_sf, quantile, isf, sample),
        *(mean, median, mode, variance, std, skewness, kurtosis),
        *(entropy, cross_entropy, kl, squared_hellinger, renyi),
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
        skewness=_skewness,
        cross_entropy=_cross_entropy,
        kl=_kl,
    ),
    facts=dict(
        log_prob=(Concave("loc"),),
        log_cdf=(Concave("x"),),
        entropy=(Concave("scale"), Increasing("scale")),
        kl=(Convex("loc"), Convex("scale"), Convex("loc_q")),
    ),
    tex=dict(
        log_prob=r"\log p(x) = -\tfrac12 z^2 - \log x - \log \sigma - \tfrac12 \log 2\pi,"
        r" \quad z = (\log x - \mu) / \sigma",
        prob=r"p(x) = \frac{1}{x \sigma\sqrt{2\pi}}\, e^{-(\log x - \mu)^2 / 2\sigma^2}",
        cdf=r"F(x) = \Phi\left(\frac{\log x - \mu}{\sigma}\right)",
        sf=r"S(x) = \Phi\left(\frac{\mu - \log x}{\sigma}\right)",
        quantile=r"F^{-1}(p) = e^{\mu + \sigma\, \Phi^{-1}(p)}",
        isf=r"S^{-1}(p) = e^{\mu - \sigma\, \Phi^{-1}(p)}",
        mean=r"e^{\mu + \sigma^2 / 2}",
        median=r"e^\mu",
        mode=r"e^{\mu - \sigma^2}",
        variance=r"e^{2 \mu + \sigma^2} (e^{\sigma^2} - 1)",
        skewness=r"(e^{\sigma^2} + 2) \sqrt{e^{\sigma^2} - 1}",
        kurtosis=r"e^{4 \sigma^2} + 2 e^{3 \sigma^2} + 3 e^{2 \sigma^2} - 6",
        entropy=r"H = \mu + \tfrac12 \log 2 \pi e \sigma^2",
        kl=r"\operatorname{KL} = \log \frac{\sigma_q}{\sigma}"
        r" + \frac{\sigma^2 + (\mu - \mu_q)^2}{2 \sigma_q^2} - \tfrac12",
    ),
    source=Source("johnson1994continuous", "chapter 14"),
    topic="P10",
)
__getattr__ = LOG_NORMAL.function
