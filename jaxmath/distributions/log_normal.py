r"""The log-normal distribution of a positive number whose logarithm is normal.

Elementwise functions of arrays or numbers: `loc` and `scale` > 0 are the logarithm's mean and
standard deviation. A scale that isn't positive gives NaN; up to zero the density is zero. Most
functions are the normal's at log x. All digits are promised for locations within 128 of zero and
scales between 2^-14 and 8.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.distributions import normal
from jaxmath.distributions.family import Family
from jaxmath.distributions.fitting import Fit, observations, with_errors
from jaxmath.distributions.location_scale import positive, standardize, within
from jaxmath.distributions.normal import FAR, NORMAL, Params
from jaxmath.distributions.shapes import two_by_two
from jaxmath.domains import POSITIVE, Interval
from jaxmath.formula import Concave, Convex, Increasing, Source
from jaxmath.special.exponential import bernoulli_ratio, expm1
from jaxmath.special.normal_tail import SQRT_TAU, ndtri, ndtri_dp
from jaxmath.special.partials import along, minus, with_partials
from jaxmath.typing import PRNGKey, Real


def _inside(x):
    """The value where it is positive, one elsewhere."""
    x = jnp.asarray(x)
    return jnp.where(x > 0, x, 1.0)


def _supported(x, inside, outside):
    """The entry inside or outside of the support, NaN for NaN."""
    x = jnp.asarray(x)
    return jnp.where(x > 0, inside, jnp.where(x <= 0, outside, jnp.nan))


def _zero(loc, scale):
    return 0.0 * jnp.asarray(loc) + 0.0 * positive(scale)


def _over(fn, order=0):
    """A function of log x over a power of x, zero outside of the support."""

    def quotient(x, loc, scale):
        inner = _inside(x)
        value = fn(jnp.log(inner), loc, scale)
        for _ in range(order - 1):  # XLA would join two divisions, whose divisor may underflow
            value = value * (1 / inner)
        return _supported(x, value / inner if order else value, _zero(loc, scale))

    return quotient


def _at_log(name, slope=0.0):
    """The partials and seconds of a function of the normal at log x, and of a multiple of log x."""
    first = NORMAL.partials[name]
    order = ("x", "loc", "scale")

    def bend(one, other):
        return along(first[one], order.index(other))

    def dx(*args):
        return first["x"](*args) + slope

    def dx_dx(*args):
        return bend("x", "x")(*args) - dx(*args)

    firsts = dict(x=_over(dx, 1), loc=_over(first["loc"]), scale=_over(first["scale"]))
    seconds = {
        ("x", "x"): _over(dx_dx, 2),
        ("x", "loc"): _over(bend("x", "loc"), 1),
        ("x", "scale"): _over(bend("x", "scale"), 1),
        ("loc", "loc"): _over(bend("loc", "loc")),
        ("loc", "scale"): _over(bend("loc", "scale")),
        ("scale", "scale"): _over(bend("scale", "scale")),
    }
    return firsts, seconds


def _log_prob(x: Real, loc: Real, scale: Real) -> Float[Array, "..."]:
    """The logarithm of the density, in nats."""
    log_x = jnp.log(_inside(x))
    return _supported(x, normal.log_prob(log_x, loc, scale) - log_x, -jnp.inf + _zero(loc, scale))


def _cdf(x: Real, loc: Real, scale: Real) -> Float[Array, "..."]:
    """The probability of at most x."""
    return _over(normal.cdf)(x, loc, scale)


def _sf(x: Real, loc: Real, scale: Real) -> Float[Array, "..."]:
    """The probability of more than x, accurate where it is tiny."""
    return _supported(x, normal.sf(jnp.log(_inside(x)), loc, scale), 1.0 + _zero(loc, scale))


def _log_cdf(x: Real, loc: Real, scale: Real) -> Float[Array, "..."]:
    """The logarithm of `cdf`, accurate in both tails; minus infinity up to zero."""
    inside = normal.log_cdf(jnp.log(_inside(x)), loc, scale)
    return _supported(x, inside, -jnp.inf + _zero(loc, scale))


def _log_sf(x: Real, loc: Real, scale: Real) -> Float[Array, "..."]:
    """The logarithm of `sf`, accurate in both tails."""
    return _over(normal.log_sf)(x, loc, scale)


log_prob, _LOG_PROB = with_partials(_log_prob, *_at_log("log_prob", -1.0))
_SECONDS = _at_log("log_prob", -1.0)[1]


def score(x: Real, loc: Real, scale: Real) -> Params:
    """The slope of `log_prob` in each parameter: the normal's at log x."""
    return Params(*(_LOG_PROB[name](x, loc, scale) for name in Params._fields))


def hessian(x: Real, loc: Real, scale: Real) -> Float[Array, "... 2 2"]:
    """The second derivatives of `log_prob` in loc and scale, as a matrix: the normal's at log x."""
    pairs = ("loc", "loc"), ("loc", "scale"), ("scale", "scale")
    return two_by_two(*(_SECONDS[pair](x, loc, scale) for pair in pairs))


def _density(factor, over_x=0, over_scale=0):
    """A function of z and of one over the scale, times the density over powers of x and scale.

    The density is a product of four roots, each of which stands beside one over x at most: none is
    out of range where their product isn't.
    """

    def product(x, loc, scale):
        inner = _inside(x)
        log_x, near, wide = within(jnp.log(inner), loc, scale, -FAR, FAR)
        z, rate = standardize(log_x, near, wide), 1 / positive(wide)
        root, factors = jnp.exp(-jnp.square(z) / 8), [1 / inner, 1.0, 1.0, 1.0]
        factors[2 : 2 + over_x] = [1 / inner] * over_x
        one, two, three, four = (root * each for each in factors)
        one, three = one * rate / SQRT_TAU, three * factor(z, rate)
        for _ in range(over_scale):
            three = three * rate
        return _supported(x, (one * two) * (three * four), _zero(loc, scale)) + _zero(loc, scale)

    return product


def _prob(x: Real, loc: Real, scale: Real) -> Float[Array, "..."]:
    """The density; its unit is one over that of x."""
    return _density(lambda z, rate: 1.0)(x, loc, scale)


_PROB_SECONDS = {
    ("x", "x"): _density(lambda z, rate: (1 + z * rate) * (2 + z * rate) - rate * rate, 2),
    ("x", "loc"): _density(lambda z, rate: rate - z * (1 + z * rate), 1, 1),
    ("x", "scale"): _density(
        lambda z, rate: 2 * z * rate - (z - 1) * (z + 1) * (1 + z * rate), 1, 1
    ),
    ("loc", "loc"): _density(lambda z, rate: (z - 1) * (z + 1), 0, 2),
    ("loc", "scale"): _density(lambda z, rate: z * (jnp.square(z) - 3), 0, 2),
    ("scale", "scale"): _density(lambda z, rate: jnp.square(z) * (jnp.square(z) - 5) + 2, 0, 2),
}
prob, _PROB = with_partials(
    _prob,
    dict(
        x=_density(lambda z, rate: -(1 + z * rate), 1),
        loc=_density(lambda z, rate: z, 0, 1),
        scale=_density(lambda z, rate: (z - 1) * (z + 1), 0, 1),
    ),
    _PROB_SECONDS,
)


def _with_slope(name, slope, bends):
    """What `_at_log` says, but for x."""
    firsts, seconds = _at_log(name)
    return firsts | dict(x=slope), seconds | {("x", other): bends[other] for other in firsts}


def _of_logarithm(name, tail, slopes, bends, larger):
    """The partials and seconds of the logarithm of a tail; where it is the larger, by the ratio."""
    firsts, seconds = _at_log(name)

    def ratio(*args):
        return slopes["x"](*args) / tail(*args)

    def bend(other):
        return lambda *args: (
            (bends[other](*args) - ratio(*args) * slopes[other](*args)) / tail(*args)
        )

    def chosen(far, near):
        return lambda x, loc, scale: jnp.where(
            larger(jnp.log(_inside(x)), loc), far(x, loc, scale), near(x, loc, scale)
        )

    partials = firsts | dict(x=chosen(ratio, firsts["x"]))
    return partials, seconds | {
        ("x", other): chosen(bend(other), seconds["x", other]) for other in firsts
    }


cdf, _CDF = with_partials(_cdf, *_with_slope("cdf", prob, _PROB))
_FALL = {name: minus(slope) for name, slope in _PROB.items()}
sf, _SF = with_partials(_sf, *_with_slope("sf", minus(prob), _FALL))
log_cdf, _LOG_CDF = with_partials(
    _log_cdf, *_of_logarithm("log_cdf", cdf, _CDF, _PROB, lambda log_x, loc: log_x > loc)
)
log_sf, _LOG_SF = with_partials(
    _log_sf, *_of_logarithm("log_sf", sf, _SF, _FALL, lambda log_x, loc: log_x < loc)
)


def _quantile(p: Real, loc: Real, scale: Real) -> Float[Array, "..."]:
    """The x below which lies probability p: zero at 0; NaN for p outside [0, 1]."""
    return jnp.exp(normal.quantile(p, loc, scale))


def _isf(p: Real, loc: Real, scale: Real) -> Float[Array, "..."]:
    """The x above which lies probability p, accurate where p is tiny."""
    return jnp.exp(normal.isf(p, loc, scale))


def _inverse(inner, sign):
    """The partials and seconds of the exponential of a normal quantile of p, or of 1 - p."""

    def times(factor, order=0):
        # The slope of the normal quantile may be out of range where a root of x makes up for it.
        def product(p, loc, scale):
            root = jnp.exp(inner(p, loc, scale) / 4)
            z, rise = sign * ndtri(p), sign * ndtri_dp(p)
            one = (root * rise if order else root) * root
            two = (root * rise if order == 2 else root) * root
            return (one * factor(z, positive(scale))) * two

        return product

    firsts = dict(
        p=times(lambda z, s: s, 1),
        loc=times(lambda z, s: 1.0),
        scale=times(lambda z, s: z),
    )
    seconds = {
        ("p", "p"): times(lambda z, s: s * (s + z), 2),
        ("p", "loc"): firsts["p"],
        ("p", "scale"): times(lambda z, s: 1 + s * z, 1),
        ("loc", "loc"): firsts["loc"],
        ("loc", "scale"): firsts["scale"],
        ("scale", "scale"): times(lambda z, s: z * z),
    }
    return firsts, seconds


quantile, _QUANTILE = with_partials(_quantile, *_inverse(normal.quantile, 1))
isf, _ISF = with_partials(_isf, *_inverse(normal.isf, -1))


def sample(key: PRNGKey, loc: Real, scale: Real, shape: tuple[int, ...] = ()) -> Array:
    """Draw `shape` times the common shape of the parameters, differentiable in them."""
    return jnp.exp(normal.sample(key, loc, scale, shape))


def _square(loc, scale):
    return jnp.square(positive(scale)) + 0.0 * jnp.asarray(loc)


def mean(loc: Real, scale: Real) -> Float[Array, "..."]:
    """The median times the exponential of half of the squared scale."""
    return jnp.exp(loc + _square(loc, scale) / 2)


def _median(loc: Real, scale: Real) -> Float[Array, "..."]:
    """The exponential of the location."""
    return jnp.exp(loc + _zero(loc, scale))


def mode(loc: Real, scale: Real) -> Float[Array, "..."]:
    """The median over the exponential of the squared scale."""
    return jnp.exp(loc - _square(loc, scale))


def _std(loc: Real, scale: Real) -> Float[Array, "..."]:
    """The root of the variance, in range where that isn't."""
    square = _square(loc, scale)
    return jnp.exp(loc + square) * jnp.sqrt(-jnp.expm1(-square))


def _skewness(loc: Real, scale: Real) -> Float[Array, "..."]:
    """The third moment of the standardised variable: of the scale alone, and small as it is."""
    square = _square(loc, scale)
    return jnp.exp(1.5 * square) * (1 + 2 * jnp.exp(-square)) * jnp.sqrt(-jnp.expm1(-square))


def _kurtosis(loc: Real, scale: Real) -> Float[Array, "..."]:
    """The excess of the fourth standardised moment over the normal's 3: of the scale alone."""
    square = _square(loc, scale)
    return jnp.expm1(4 * square) + 2 * jnp.expm1(3 * square) + 3 * jnp.expm1(2 * square)


def entropy(loc: Real, scale: Real) -> Float[Array, "..."]:
    """The expected value of minus `log_prob`, in nats: the normal's, and the location."""
    return jnp.asarray(loc) + normal.entropy(loc, scale)


def _odds(square):
    r"""With q the square, $q / (e^q - 1)$, and what it lacks to one, over q: a half for small q."""
    rest = bernoulli_ratio(square)
    return jnp.exp(-square) * (1 + square * rest), 1 - rest


def _std_dscale(loc, scale):
    square = _square(loc, scale)
    return _std(loc, scale) * ((2 * square + _odds(square)[0]) / positive(scale))


def _std_dscale_dscale(loc, scale):
    square = _square(loc, scale)
    odds, lack = _odds(square)
    return _std(loc, scale) * (4 * square + 2 * odds + 2 + odds * lack)


def _skewness_dscale(loc, scale):
    square = _square(loc, scale)
    return 3 * positive(scale) * jnp.exp(1.5 * square) / jnp.sqrt(-jnp.expm1(-square))


def _skewness_dscale_dscale(loc, scale):
    growth = positive(scale) * (4 - bernoulli_ratio(_square(loc, scale)))
    return _skewness_dscale(loc, scale) * growth


def _kurtosis_dscale(loc, scale):
    square = _square(loc, scale)
    terms = 8 * jnp.exp(4 * square) + 12 * jnp.exp(3 * square) + 12 * jnp.exp(2 * square)
    return positive(scale) * terms


def _kurtosis_dscale_dscale(loc, scale):
    square = _square(loc, scale)
    powers = ((4, 8 + 64 * square), (3, 12 + 72 * square), (2, 12 + 48 * square))
    return sum(jnp.exp(power * square) * factor for power, factor in powers)


def _of_scale(fn, first, second):
    """A function of the scale alone with its partials."""
    nothing = {("loc", "loc"): _zero, ("loc", "scale"): _zero}
    return with_partials(fn, dict(loc=_zero, scale=first), nothing | {("scale", "scale"): second})


std, _STD = with_partials(
    _std,
    dict(loc=_std, scale=_std_dscale),
    {
        ("loc", "loc"): _std,
        ("loc", "scale"): _std_dscale,
        ("scale", "scale"): _std_dscale_dscale,
    },
)


def variance(loc: Real, scale: Real) -> Float[Array, "..."]:
    """The squared mean times the exponential of the squared scale less one."""
    return jnp.square(std(loc, scale))


median, _MEDIAN = with_partials(
    _median,
    dict(loc=_median, scale=_zero),
    {("loc", "loc"): _median, ("loc", "scale"): _zero, ("scale", "scale"): _zero},
)
kurtosis, _KURTOSIS = _of_scale(_kurtosis, _kurtosis_dscale, _kurtosis_dscale_dscale)
skewness, _SKEWNESS = _of_scale(_skewness, _skewness_dscale, _skewness_dscale_dscale)
_MOMENTS = dict(
    mean=dict(loc=mean, scale=lambda loc, scale: positive(scale) * mean(loc, scale)),
    median=_MEDIAN,
    mode=dict(loc=mode, scale=lambda loc, scale: -2 * positive(scale) * mode(loc, scale)),
    variance=dict(
        loc=lambda loc, scale: 2 * variance(loc, scale),
        scale=lambda loc, scale: 2 * std(loc, scale) * _std_dscale(loc, scale),
    ),
    std=_STD,
    skewness=_SKEWNESS,
    kurtosis=_KURTOSIS,
    entropy=dict(
        loc=lambda loc, scale: 1 + _zero(loc, scale),
        scale=lambda loc, scale: 1 / positive(scale) + _zero(loc, scale),
    ),
)


def cross_entropy(loc: Real, scale: Real, loc_q: Real, scale_q: Real) -> Float[Array, "..."]:
    """The expected value under the first of minus the second's `log_prob`, in nats."""
    return normal.cross_entropy(loc, scale, loc_q, scale_q) + loc


def kl(loc: Real, scale: Real, loc_q: Real, scale_q: Real) -> Float[Array, "..."]:
    """The Kullback-Leibler divergence of the second from the first, in nats: the normals'."""
    return normal.kl(loc, scale, loc_q, scale_q)


def _cross_entropy_dloc(loc, scale, loc_q, scale_q):
    return 1 + NORMAL.partials["cross_entropy"]["loc"](loc, scale, loc_q, scale_q)


def squared_wasserstein(loc: Real, scale: Real, loc_q: Real, scale_q: Real) -> Float[Array, "..."]:
    r"""The expected squared distance of $e^{\mu + \sigma z}$ and $e^{\mu_q + \sigma_q z}$.

    With $a = \mu + \sigma^2$ it is
    $(e^a - e^{a_q})^2 + 2 e^{a + a_q} (1 - e^{-(\sigma - \sigma_q)^2 / 2})$.
    """
    s, t = positive(scale), positive(scale_q)
    a, b = jnp.asarray(loc) + jnp.square(s), jnp.asarray(loc_q) + jnp.square(t)
    # As differences of both, which may be close.
    apart = (jnp.asarray(loc) - loc_q) + (s - t) * (s + t)
    high = jnp.exp(jnp.maximum(a, b))
    decay = jnp.exp(-jnp.abs(apart))
    gap, spread = -expm1(-jnp.abs(apart)), -expm1(-jnp.square(s - t) / 2)
    return high * (high * (jnp.square(gap) + 2 * decay * spread))


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
    parameters=Params(
        loc=Interval(-128.0, 128.0, closed=(True, True)),
        scale=Interval(2.0**-14, 8.0, closed=(True, True)),
    ),
    support=POSITIVE,
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
        cross_entropy={**NORMAL.partials["cross_entropy"], "loc": _cross_entropy_dloc},
        kl=NORMAL.partials["kl"],
    ),
    seconds=dict(log_prob=_SECONDS, prob=_PROB_SECONDS),
    plain=dict(
        log_prob=_log_prob,
        prob=_prob,
        cdf=_cdf,
        sf=_sf,
        log_cdf=_log_cdf,
        log_sf=_log_sf,
        quantile=_quantile,
        isf=_isf,
        std=_std,
        skewness=_skewness,
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
