r"""The chi-squared distribution with `df` > 0 degrees of freedom.

Of the sum of `df` squared standard normal variables: the gamma distribution with half as many as
its shape and the rate one half, whose functions it has. Elementwise functions of arrays or numbers.
"""

import math
from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.distributions import gamma
from jaxmath.distributions.contract import KINDS
from jaxmath.distributions.family import Family
from jaxmath.distributions.fitting import Fit, observations, with_errors
from jaxmath.distributions.gamma import GAMMA
from jaxmath.distributions.location_scale import positive
from jaxmath.domains import NONNEGATIVE, Interval
from jaxmath.formula import Concave, Increasing, Source
from jaxmath.special.gamma import digamma, gammaln, trigamma
from jaxmath.typing import PRNGKey, Real


class Params(NamedTuple):
    """The degrees of freedom; also the shape of what belongs to them, such as the score."""

    df: Any


FREEDOM = Interval(2.0**-13, 2.0**28, closed=(True, True))
"""Twice the gamma distribution's concentrations: where all digits are promised."""
RATE = 0.5


def _gamma(df):
    """The parameters of the gamma distribution."""
    return positive(df) / 2, RATE


_AS_GAMMA = dict(
    x=("x", 1.0), p=("p", 1.0), df=("concentration", 0.5), df_q=("concentration_q", 0.5)
)
"""What the gamma distribution calls each argument, and how fast that moves with it."""


def _chained(name):
    """The gamma distribution's partials and second derivatives, in x and in our parameters."""
    given = 1 if KINDS[name].takes in ("x", "p") else 0
    slopes, bends = GAMMA.partials[name], GAMMA.seconds.get(name, {})

    def times(share, fn):
        def chained(*args):
            return share * fn(*args[:given], *(p for df in args[given:] for p in _gamma(df)))

        return chained

    return (
        {
            ours: times(share, slopes[theirs])
            for ours, (theirs, share) in _AS_GAMMA.items()
            if theirs in slopes
        },
        {
            (one, two): times(share * other, bends[first, second])
            for one, (first, share) in _AS_GAMMA.items()
            for two, (second, other) in _AS_GAMMA.items()
            if (first, second) in bends
        },
    )


_CHAINED = {
    name: _chained(name)
    for name in (
        *("log_prob", "prob", "cdf", "sf", "log_cdf", "log_sf", "quantile", "isf"),
        *("entropy", "cross_entropy", "kl"),
    )
}


def log_prob(x: Real, df: Real) -> Float[Array, "..."]:
    """The logarithm of the density, in nats."""
    return gamma.log_prob(x, *_gamma(df))


def score(x: Real, df: Real) -> Params:
    """The slope of `log_prob` in the degrees of freedom."""
    return Params(gamma.score(x, *_gamma(df)).concentration / 2)


def hessian(x: Real, df: Real) -> Float[Array, "... 1 1"]:
    """Minus a quarter of the trigamma function at half of `df`, as a matrix."""
    return gamma.hessian(x, *_gamma(df))[..., :1, :1] / 4


def prob(x: Real, df: Real) -> Float[Array, "..."]:
    """The density."""
    return gamma.prob(x, *_gamma(df))


def cdf(x: Real, df: Real) -> Float[Array, "..."]:
    """The probability of at most x."""
    return gamma.cdf(x, *_gamma(df))


def sf(x: Real, df: Real) -> Float[Array, "..."]:
    """The probability of more than x, accurate where it is tiny: the p-value of a test."""
    return gamma.sf(x, *_gamma(df))


def log_cdf(x: Real, df: Real) -> Float[Array, "..."]:
    """The logarithm of `cdf`, accurate in both tails."""
    return gamma.log_cdf(x, *_gamma(df))


def log_sf(x: Real, df: Real) -> Float[Array, "..."]:
    """The logarithm of `sf`, accurate in both tails."""
    return gamma.log_sf(x, *_gamma(df))


def quantile(p: Real, df: Real) -> Float[Array, "..."]:
    """The x below which lies probability p; NaN for p outside [0, 1]."""
    return gamma.quantile(p, *_gamma(df))


def isf(p: Real, df: Real) -> Float[Array, "..."]:
    """The x above which lies probability p; NaN for p outside [0, 1]."""
    return gamma.isf(p, *_gamma(df))


def sample(key: PRNGKey, df: Real, shape: tuple[int, ...] = ()) -> Array:
    """Draw `shape` times the shape of `df`, differentiable in it."""
    return gamma.sample(key, *_gamma(df), shape)


def mean(df: Real) -> Float[Array, "..."]:
    """The degrees of freedom."""
    return positive(df)


def median(df: Real) -> Float[Array, "..."]:
    """The quantile of one half."""
    return gamma.median(*_gamma(df))


def mode(df: Real) -> Float[Array, "..."]:
    """Two less than the degrees of freedom; zero if there are fewer."""
    return jnp.maximum(positive(df) - 2, 0.0)


def variance(df: Real) -> Float[Array, "..."]:
    """Twice the degrees of freedom."""
    return 2 * positive(df)


def std(df: Real) -> Float[Array, "..."]:
    """The root of the variance."""
    return jnp.sqrt(2 * positive(df))


def skewness(df: Real) -> Float[Array, "..."]:
    """The root of eight over the degrees of freedom."""
    return math.sqrt(8) / jnp.sqrt(positive(df))


def kurtosis(df: Real) -> Float[Array, "..."]:
    """Twelve over the degrees of freedom."""
    return 12 / positive(df)


def entropy(df: Real) -> Float[Array, "..."]:
    """The expected value of minus `log_prob`, in nats."""
    return gamma.entropy(*_gamma(df))


def cross_entropy(df: Real, df_q: Real) -> Float[Array, "..."]:
    """The expected value under the first of minus the second's `log_prob`, in nats."""
    return gamma.cross_entropy(*_gamma(df), *_gamma(df_q))


def kl(df: Real, df_q: Real) -> Float[Array, "..."]:
    """The Kullback-Leibler divergence of the second distribution from the first, in nats."""
    return gamma.kl(*_gamma(df), *_gamma(df_q))


def squared_hellinger(df: Real, df_q: Real) -> Float[Array, "..."]:
    """One minus the overlap of both densities."""
    return gamma.squared_hellinger(*_gamma(df), *_gamma(df_q))


def renyi(order: Real, df: Real, df_q: Real) -> Float[Array, "..."]:
    """The divergence of order alpha; infinite where alpha df + (1 - alpha) df_q <= 0."""
    return gamma.renyi(order, *_gamma(df), *_gamma(df_q))


def fisher_information(df: Real) -> Float[Array, "... 1 1"]:
    """A quarter of the trigamma function at half of `df`, as a matrix."""
    return trigamma(positive(df) / 2)[..., None, None] / 4


def sufficient(x: Real) -> Float[Array, "... 1"]:
    """The logarithm of x."""
    return jnp.log(jnp.asarray(x))[..., None]


def natural(df: Real) -> Float[Array, "... 1"]:
    """Half of the degrees of freedom less one."""
    return (positive(df) / 2 - 1)[..., None]


def mean_parameters(df: Real) -> Float[Array, "... 1"]:
    """The expected logarithm."""
    return (digamma(positive(df) / 2) + math.log(2))[..., None]


def log_partition(eta: Float[Array, "... 1"]) -> Float[Array, "..."]:
    """Of the natural parameter."""
    half = jnp.asarray(eta)[..., 0] + 1
    return gammaln(half) + half * math.log(2)


NEWTON_STEPS = 8


def fit(x: Real, weights: Real | None = None) -> Fit:
    r"""The `df` whose expected logarithm is the mean one of the observations, shape (n,).

    Newton's method for $\psi(h) = y$, whose start is good to a few percent (Minka 2000); the slope
    falls with h, so that from above it may not step below zero.
    """
    x, share, total = observations(x, weights)
    y = jnp.sum(share * jnp.where(share > 0, jnp.log(x / 2), 0.0))
    half = jnp.where(y > -2.22, jnp.exp(y) + 0.5, -1 / (y + float(jnp.euler_gamma)))
    for _ in range(NEWTON_STEPS):
        half = jnp.maximum(half - (digamma(half) - y) / trigamma(half), half / 8)
    return with_errors(CHI2, Params(2 * half), x, share, total)


def _of(slope):
    return dict(df=lambda df: slope(positive(df)))


_TAIL: dict[str, str] = dict.fromkeys(
    (
        *("second_derivatives/df, df", "second_derivatives/x, df"),
        *("finite/x, df", "finite/df, x"),
    ),
    "as of the gamma distribution: a digit or two are lost near its concentration one",
)

_CANCELS = {
    "second_derivatives/df, df": "keeps 12.5 digits for few degrees of freedom next to x = 6,"
    " where the terms of the smaller tail cancel",
}

_OF_QUANTILES = {
    "second_derivatives/p, df": "right to 1e-12 for more than 1e4 degrees of freedom",
    "second_derivatives/df, df": "right to 1e-12 for more than 1e4 degrees of freedom, where it is"
    " a small rest",
}

CHI2 = Family(
    name="chi2",
    parameters=Params(df=FREEDOM),
    support=NONNEGATIVE,
    functions=(
        *(log_prob, prob, cdf, log_cdf, sf, log_sf, quantile, isf, sample),
        *(mean, median, mode, variance, std, skewness, kurtosis, entropy, cross_entropy, kl),
        *(squared_hellinger, renyi, score, hessian, fisher_information),
        *(sufficient, natural, log_partition, mean_parameters, fit),
    ),
    partials={name: partials for name, (partials, _) in _CHAINED.items()}
    | dict(
        mean=_of(jnp.ones_like),
        mode=_of(lambda df: jnp.where(df > 2, 1.0, 0.0 * df)),
        variance=_of(lambda df: 2 + 0.0 * df),
        std=_of(lambda df: math.sqrt(0.5) / jnp.sqrt(df)),
        skewness=_of(lambda df: -math.sqrt(2) / jnp.sqrt(df) / df),
        kurtosis=_of(lambda df: -12 / df / df),
    ),
    unrecorded=GAMMA.unrecorded,
    exceptions=dict(
        **dict.fromkeys(("cdf", "sf"), _CANCELS),
        **dict.fromkeys(("log_cdf", "log_sf"), _TAIL),
        **dict.fromkeys(("quantile", "isf"), _OF_QUANTILES),
    ),
    seconds={name: seconds for name, (_, seconds) in _CHAINED.items() if seconds},
    facts=dict(log_prob=(Concave("df"),), entropy=(Increasing("df"), Concave("df"))),
    tex=dict(
        log_prob=r"\log p(x) = (\tfrac\nu2 - 1) \log x - \tfrac x2 - \tfrac\nu2 \log 2"
        r" - \log\Gamma(\tfrac\nu2)",
        cdf=r"F(x) = P(\tfrac\nu2, \tfrac x2)",
        sf=r"S(x) = Q(\tfrac\nu2, \tfrac x2)",
        mean=r"\mu = \nu",
        mode=r"\max(\nu - 2, 0)",
        variance=r"\sigma^2 = 2 \nu",
        skewness=r"\sqrt{8 / \nu}",
        kurtosis=r"12 / \nu",
    ),
    source=Source("johnson1994continuous", "chapter 18"),
    topic="P10",
)
__getattr__ = CHI2.function
