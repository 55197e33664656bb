r"""The negative binomial distribution of the failures before the `total_count`-th success.

The count r > 0 may be any real number, and can be differentiated in: of a Poisson variable whose
rate is a gamma variable with shape r and mean r (1 - p) / p. Elementwise functions of arrays or
numbers. The probability of no whole number is zero, a parameter that is none gives NaN.
Probabilities are the binomial's of r successes in x + r trials (Loader 2000), times the share
r / (x + r), so that large counts cost no digits.
"""

import functools
import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.distributions import gamma
from jaxmath.distributions.beta import excess_bend
from jaxmath.distributions.count_draws import poisson_draw
from jaxmath.distributions.family import Family
from jaxmath.distributions.fitting import Fit, observations, with_errors
from jaxmath.distributions.gamma import SHAPES
from jaxmath.distributions.location_scale import chance, positive
from jaxmath.distributions.shapes import sample_shape, two_by_two
from jaxmath.distributions.steps import Root, first_count, near_root
from jaxmath.distributions.table import tabled
from jaxmath.domains import Integers, Interval
from jaxmath.formula import Concave, Decreasing, Increasing, Source
from jaxmath.special.entropy import divergence, kl_div, xlog1py_dy, xlogy_dy
from jaxmath.special.gamma import (
    digamma_difference,
    gammaln_difference,
    stirling_error,
    trigamma_difference,
)
from jaxmath.special.incomplete_beta import (
    INCOMPLETE_BETA,
    betainc,
    betaincc,
    log_betainc,
    log_betaincc,
    log_excess,
)
from jaxmath.special.logarithm import log1p
from jaxmath.special.normal_tail import ndtri
from jaxmath.special.partials import with_partials
from jaxmath.typing import Label, PRNGKey, Real


class Params(NamedTuple):
    """The number of successes, and the probability of each; also the shape of the score."""

    total_count: Any
    probability: Any


NAMES = Params._fields
_SPECIAL = {formula.name: formula.partials for formula in INCOMPLETE_BETA}


def _value(x, total_count, probability):
    """The failures as a number, whether they are one of 0, 1, 2, ..., and both parameters.

    NaN stays NaN in the probability.
    """
    r, p = positive(total_count), chance(probability)
    x = jnp.asarray(x).astype(jnp.result_type(r, p))
    whole = (x >= 0) & (x == jnp.floor(x)) & (x < jnp.inf)
    return jnp.where(whole, x, 0.0), whole, r, p + jnp.where(jnp.isnan(x), jnp.nan, 0.0)


def _mass_parts(k, r, p):
    """The probability of so many failures: one factor, and the logarithm of the other.

    For r below one it is r / k times a power of k that is nearly one.
    """
    some, few, many = jnp.where(k > 0, k, 1.0), jnp.minimum(r, 1.0), jnp.maximum(r, 1.0)
    ways = gammaln_difference(some, few) - gammaln_difference(1.0, few)
    close = ways + few * jnp.log(p) + some * log1p(-p)
    n = some + many
    ways = stirling_error(n) - stirling_error(many) - stirling_error(some)
    far = ways - kl_div(many, n * p) - kl_div(some, n * (1 - p))
    share = jnp.where(r < 1, few / some, jnp.sqrt(many / n / some) * (2 * math.pi) ** -0.5)
    rest = jnp.where(r < 1, close, far)
    return jnp.where(k > 0, share, 1.0), jnp.where(k > 0, rest, r * jnp.log(p))


def _log_mass(k, r, p):
    """The logarithm of the probability of so many failures."""
    share, rest = _mass_parts(k, r, p)
    return jnp.log(share) + rest


def _slope(k, r, p):
    return xlogy_dy(r, p) - xlog1py_dy(k, -p)


def _excess(k, r, p):
    some = jnp.where(k > 0, k, 1.0)
    return jnp.where(k > 0, log_excess(r, some, p, 1 - p), jnp.log(p))


def _bend_count(k, r, p):
    return trigamma_difference(r, k) + 0.0 * p


def _bend(k, r, p):
    return -xlogy_dy(xlogy_dy(r, p), p) - xlog1py_dy(xlog1py_dy(k, -p), -p)


def _where_whole(fn, outside=0.0):
    """A function of the failures and of both parameters at whole numbers; a constant elsewhere."""

    def function(x, total_count, probability):
        k, whole, r, p = _value(x, total_count, probability)
        value = fn(k, r, p)
        return jnp.where(whole | jnp.isnan(value), value, outside + 0.0 * (r + p))

    return function


@tabled
def _log_prob(x: Label, total_count: Real, probability: Real) -> Float[Array, "..."]:
    """The logarithm of the probability of x failures; minus infinity of no such number."""
    return _where_whole(_log_mass, -jnp.inf)(x, total_count, probability)


_BENDS = {
    ("total_count", "total_count"): tabled(_where_whole(_bend_count)),
    ("total_count", "probability"): _where_whole(lambda k, r, p: 1 / p + 0.0 * (k + r)),
    ("probability", "probability"): _where_whole(_bend),
}
log_prob, _LOG_PROB = with_partials(
    _log_prob,
    dict(total_count=tabled(_where_whole(_excess)), probability=_where_whole(_slope)),
    _BENDS,
)


def score(x: Label, total_count: Real, probability: Real) -> Params:
    """The slopes of `log_prob` in the parameters."""
    return Params(*(_LOG_PROB[name](x, total_count, probability) for name in NAMES))


def hessian(x: Label, total_count: Real, probability: Real) -> Float[Array, "... 2 2"]:
    """The second derivatives of `log_prob` in the parameters."""
    return two_by_two(*(_BENDS[pair](x, total_count, probability) for pair in _BENDS))


def _mass(factor):
    """The probability times a factor, which may be large where it is small."""

    def product(k, r, p):
        share, rest = _mass_parts(k, r, p)
        root = jnp.sqrt(share) * jnp.exp(rest / 2)
        return root * (jnp.where(root > 0, factor(k, r, p), 0.0) * root)

    return tabled(_where_whole(product))


def _prob(x: Label, total_count: Real, probability: Real) -> Float[Array, "..."]:
    """The probability of x failures."""
    return _mass(lambda k, r, p: jnp.ones_like(k))(x, total_count, probability)


def _square_count(k, r, p):
    """The square of the slope in the count and the second derivative."""
    some = jnp.where(k > 0, k, 1.0)
    return jnp.where(k > 0, excess_bend(p, 1 - p, r, some), jnp.square(jnp.log(p)))


def _square(k, r, p):
    """The square of the slope in the probability and the second derivative."""
    q = 1 - p
    return r / p * ((r - 1) / p - 2 * k / q) + k / q * ((k - 1) / q)


_MASS_BENDS = {
    ("total_count", "total_count"): _mass(_square_count),
    ("total_count", "probability"): _mass(lambda *at: _excess(*at) * _slope(*at) + 1 / at[2]),
    ("probability", "probability"): _mass(_square),
}
prob, _PROB = with_partials(
    _prob, dict(total_count=_mass(_excess), probability=_mass(_slope)), _MASS_BENDS
)


def _tail(fn, none):
    """A function of the count, one more than the failures, and the probability; below zero `none`.

    At most x failures came before the r-th success if x + r trials have r successes or more.
    """

    def tail(x, total_count, probability):
        r, p = positive(total_count), chance(probability)
        k = jnp.floor(jnp.asarray(x).astype(jnp.result_type(r, p)))
        value = fn(r, jnp.where(k >= 0, k + 1, 1.0), p)
        outside = jnp.where(k < 0, none, jnp.nan) + 0.0 * (r + p)
        return jnp.where(k >= 0, value, outside)

    return tabled(tail, steps=True)


def cdf(x: Label, total_count: Real, probability: Real) -> Float[Array, "..."]:
    """The probability of at most x failures, for any real x."""
    return _tail(betainc, 0.0)(x, total_count, probability)


def sf(x: Label, total_count: Real, probability: Real) -> Float[Array, "..."]:
    """The probability of more than x failures, for any real x."""
    return _tail(betaincc, 1.0)(x, total_count, probability)


def log_cdf(x: Label, total_count: Real, probability: Real) -> Float[Array, "..."]:
    """The logarithm of `cdf`, accurate in both tails; minus infinity below zero."""
    return _tail(log_betainc, -jnp.inf)(x, total_count, probability)


def log_sf(x: Label, total_count: Real, probability: Real) -> Float[Array, "..."]:
    """The logarithm of `sf`, accurate in both tails."""
    return _tail(log_betaincc, 0.0)(x, total_count, probability)


def _chain(name):
    slopes = _SPECIAL[name]
    return dict(total_count=_tail(slopes["a"], 0.0), probability=_tail(slopes["x"], 0.0))


def _near(z, r, p):
    """About where `cdf` is that of the normal distribution at z, of many successes."""
    q = 1 - p
    mean, spread = r * q / p, jnp.sqrt(r * q) / p

    def root(k):
        inner = jnp.maximum(k, 1e-3)
        own, other, gap = (inner + r) * q, (inner + r) * p, inner * p - r * q
        half = divergence(inner, own, gap, gap / own) + divergence(r, other, -gap, -gap / other)
        signed, wide = jnp.sign(gap) * jnp.sqrt(2 * half), jnp.sqrt(inner * (1 + inner / r))
        return Root(inner, signed, log1p(gap / own), wide)

    skew = (2 - p) / (6 * p)
    start = mean + z * spread + (jnp.square(z) - 1) * skew
    return near_root(root, z, start, lambda k: (k / 8, k * 8), 1 / jnp.maximum(spread, 1e-3), skew)


@functools.partial(jax.jit, static_argnums=3)
def _step(p, total_count, probability, least):
    """The least number at which a tail has reached p; infinite where it never does."""
    args = chance(p), positive(total_count), chance(probability)
    p, r, c = jax.lax.stop_gradient(args)
    side, spread = cdf if least else sf, (r > 0) & (c > 0) & (c < 1)
    inner = (p > 0) & (p < 1) & spread
    m, s = jnp.where(spread, r, 1.0), jnp.where(spread, c, 0.5)

    def near(p):
        # Where failures are many for each success they are nearly a gamma variable (Wise 1950).
        few = m * s < 2
        shape = jnp.where(few, m, 1.0)
        value = (gamma.quantile if least else gamma.isf)(p, shape, -log1p(-s)) - (shape + 1) / 2
        z = ndtri(p)
        value = jnp.where(few, value, _near(z if least else -z, jnp.where(few, 4.0, m), s))
        return jnp.maximum(jnp.ceil(value - 0.5), 0.0)

    high = jnp.where(inner, jnp.inf, 0.0)
    found = first_count(side, p, (r, c), near, inner, high, rising=least)
    never = (c < 1) & (p == (1.0 if least else 0.0)) | (c == 0) & (p > 0 if least else p < 1)
    return jnp.where(never & ~jnp.isnan(found), jnp.inf, found)


def quantile(p: Real, total_count: Real, probability: Real) -> Float[Array, "..."]:
    """The smallest number with cdf >= p; infinite at one, NaN for p outside [0, 1]."""
    return _step(p, total_count, probability, True)


def isf(p: Real, total_count: Real, probability: Real) -> Float[Array, "..."]:
    """The smallest number with sf <= p; infinite at zero, NaN for p outside [0, 1]."""
    return _step(p, total_count, probability, False)


def median(total_count: Real, probability: Real) -> Float[Array, "..."]:
    """The quantile of one half."""
    r, p = positive(total_count), chance(probability)
    return quantile(jnp.full((), 0.5, jnp.result_type(r, p)), r, p)


def sample(
    key: PRNGKey, total_count: Real, probability: Real, shape: tuple[int, ...] = ()
) -> Array:
    """Draw `shape` times the common shape of the parameters, whole numbers in their dtype.

    The draws are steps of the parameters: their derivative is zero, and no estimate of any other.
    """
    size = sample_shape(shape, total_count, probability)
    r, p = jax.lax.stop_gradient((positive(total_count), chance(probability)))
    one, two = jax.random.split(key)
    rate = gamma.sample(one, r, p / jnp.where(p < 1, 1 - p, 1.0), size[: len(shape)])
    rate = jnp.where(p < 1, jnp.broadcast_to(rate, size), 0.0 * rate)
    valid = ~jnp.isnan(rate)
    draws = poisson_draw(two, jnp.where(valid & (rate > 0), rate, 1.0), size)
    return jnp.where(valid, jnp.where(rate > 0, draws, 0.0), jnp.nan)


def _moments(total_count, probability):
    """Both parameters and the probability of a failure."""
    r, p = positive(total_count), chance(probability)
    return r, p, 1 - p


def _moved(fn):
    """A derivative, a function of both parameters and the probability of a failure."""
    return lambda total_count, probability: fn(*_moments(total_count, probability))


def _of(total_count, probability):
    """Both partials of such a function."""
    return dict(total_count=_moved(total_count), probability=_moved(probability))


def mean(total_count: Real, probability: Real) -> Float[Array, "..."]:
    """The count times the odds of a failure."""
    r, p, q = _moments(total_count, probability)
    return r * q / p


def mode(total_count: Real, probability: Real) -> Float[Array, "..."]:
    """The whole part of one success less times the odds; zero for a count up to one."""
    r, p, q = jax.lax.stop_gradient(_moments(total_count, probability))
    return jnp.floor(jnp.maximum(r - 1, 0.0) * q / p)


def variance(total_count: Real, probability: Real) -> Float[Array, "..."]:
    """The mean over the probability."""
    r, p, q = _moments(total_count, probability)
    return r * q / p / p


def std(total_count: Real, probability: Real) -> Float[Array, "..."]:
    """The square root of the variance."""
    r, p, q = _moments(total_count, probability)
    return jnp.sqrt(r * q) / p


def _skewness(total_count: Real, probability: Real) -> Float[Array, "..."]:
    """One more than the probability of a failure, over the root of its product with the count."""
    r, p, q = _moments(total_count, probability)
    return (2 - p) / jnp.sqrt(r * q)


_SKEWNESS = _of(
    lambda r, p, q: (p - 2) / jnp.sqrt(r * q) / r / 2,
    lambda r, p, q: p / jnp.sqrt(r * q) / q / 2,
)
_SKEWNESS_BENDS = {
    ("total_count", "total_count"): _moved(
        lambda r, p, q: (2 - p) / jnp.sqrt(r * q) / r / r * 0.75
    ),
    ("total_count", "probability"): _moved(lambda r, p, q: -p / jnp.sqrt(r * q) / q / r / 4),
    ("probability", "probability"): _moved(lambda r, p, q: (2 + p) / jnp.sqrt(r * q) / q / q / 4),
}
skewness, _SKEWNESS = with_partials(_skewness, _SKEWNESS, _SKEWNESS_BENDS)


def kurtosis(total_count: Real, probability: Real) -> Float[Array, "..."]:
    """Six over the count, and one over the variance."""
    r, p, q = _moments(total_count, probability)
    return 6 / r + p * p / (r * q)


NEWTON_STEPS = 40


def fit(x: Label, weights: Real | None = None) -> Fit:
    r"""The likeliest parameters of observations (n,), whose mean the distribution has.

    The count solves the equation that the mean of $\psi(r + x) - \psi(r)$ is $\log(1 + m / r)$,
    m the mean, by Newton's method for log r, from the moments. It grows to the largest that is
    promised where the variance of the observations is no larger than their mean.
    """
    x, share, total = observations(x, weights)
    m = jnp.sum(share * x)
    surplus = jnp.sum(share * jnp.square(x - m)) - m
    start = jnp.where(surplus > 0, m * m / jnp.where(surplus > 0, surplus, 1.0), 64 * m)

    def step(_, r):
        gap = jnp.sum(share * digamma_difference(r, x)) - log1p(m / r)
        slope = r * jnp.sum(share * trigamma_difference(r, x)) + m / (r + m)
        move = jnp.where(slope < 0, -gap / jnp.where(slope < 0, slope, -1.0), jnp.sign(gap))
        return jnp.clip(r * jnp.exp(jnp.clip(move, -1.5, 1.5)), SHAPES.low, SHAPES.high)

    r = jax.lax.fori_loop(0, NEWTON_STEPS, step, jnp.clip(start, SHAPES.low, SHAPES.high))
    return with_errors(NEGATIVE_BINOMIAL, Params(r, r / (r + m)), x, share, total)


NEGATIVE_BINOMIAL = Family(
    name="negative_binomial",
    parameters=Params(
        total_count=SHAPES,
        probability=Interval(2.0**-20, 1 - 2.0**-20, closed=(True, True)),
    ),
    support=Integers(0, 2**20),
    functions=(
        *(log_prob, prob, cdf, log_cdf, sf, log_sf, quantile, isf, sample),
        *(mean, median, mode, variance, std, skewness, kurtosis, score, hessian, fit),
    ),
    partials=dict(
        log_prob=_LOG_PROB,
        prob=_PROB,
        cdf=_chain("betainc"),
        sf=_chain("betaincc"),
        log_cdf=_chain("log_betainc"),
        log_sf=_chain("log_betaincc"),
        mean=_of(lambda r, p, q: q / p + 0.0 * r, lambda r, p, q: -r / p / p),
        variance=_of(lambda r, p, q: q / p / p + 0.0 * r, lambda r, p, q: r * (p - 2) / p / p / p),
        std=_of(
            lambda r, p, q: jnp.sqrt(q / r) / p / 2,
            lambda r, p, q: jnp.sqrt(r / q) * (p / 2 - 1) / p / p,
        ),
        skewness=_SKEWNESS,
        kurtosis=_of(
            lambda r, p, q: -(6 + p * p / q) / r / r,
            lambda r, p, q: p * (2 - p) / q / q / r,
        ),
    ),
    unrecorded=dict.fromkeys(
        ("cdf", "sf", "log_cdf", "log_sf"),
        "incomplete beta functions, compared with 60 digits by tests of their own",
    ),
    seconds=dict(log_prob=_BENDS, prob=_MASS_BENDS, skewness=_SKEWNESS_BENDS),
    plain=dict(log_prob=_log_prob, prob=_prob, skewness=_skewness),
    facts=dict(
        log_prob=(Concave("probability"),),
        cdf=(Decreasing("total_count"), Increasing("probability")),
        sf=(Increasing("total_count"), Decreasing("probability")),
    ),
    tex=dict(
        log_prob=r"\log p(x) = \log \frac{\Gamma(x + r)}{x!\,\Gamma(r)}"
        r" + r \log \pi + x \log(1 - \pi)",
        prob=r"p(x) = \frac{\Gamma(x + r)}{x!\,\Gamma(r)} \pi^r (1 - \pi)^x",
        cdf=r"F(x) = I_\pi(r, \lfloor x \rfloor + 1)",
        sf=r"S(x) = I_{1 - \pi}(\lfloor x \rfloor + 1, r)",
        mean=r"\mu = r (1 - \pi) / \pi",
        mode=r"\lfloor (r - 1)(1 - \pi) / \pi \rfloor",
        variance=r"\sigma^2 = r (1 - \pi) / \pi^2",
        skewness=r"(2 - \pi) / \sqrt{r (1 - \pi)}",
        kurtosis=r"6 / r + \pi^2 / (r (1 - \pi))",
    ),
    source=Source("casella2002inference", "section 3.2"),
    topic="P10",
)
__getattr__ = NEGATIVE_BINOMIAL.function
