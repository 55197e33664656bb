r"""The inverse gamma distribution with shape `concentration` > 0 and `scale` > 0.

Of one over a gamma variable whose rate is the scale: with $z = \beta / x$ its densities and tails
are made of the same parts, divergences and entropies follow from those of the gamma distribution.
Elementwise functions of arrays or numbers. A parameter that isn't positive gives NaN; up to zero
the density is zero.
"""

from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.distributions import exponential_family, gamma
from jaxmath.distributions.family import Family
from jaxmath.distributions.fitting import Fit, observations, with_errors
from jaxmath.distributions.gamma import GAMMA, NEAR_ONE, OF_QUANTILES, RATES, SHAPES
from jaxmath.distributions.gamma_quantiles import inverted
from jaxmath.distributions.inverse_gamma_density import DENSITY, LOG_PROB, log_prob, prob
from jaxmath.distributions.inverse_gamma_tails import TAILS, cdf, log_cdf, log_sf, sf
from jaxmath.distributions.location_scale import positive
from jaxmath.domains import POSITIVE
from jaxmath.formula import Concave, Source, with_rule
from jaxmath.special.gamma import (
    HALF_LOG_TAU,
    digamma,
    gammaln,
    stirling_error,
    stirling_error_dx,
    stirling_error_dx_dx,
    trigamma,
)
from jaxmath.special.ratio import log_ratio
from jaxmath.typing import PRNGKey, Real


class Params(NamedTuple):
    """Shape and scale; also the shape of what belongs to each, such as the score."""

    concentration: Any
    scale: Any


def score(x: Real, concentration: Real, scale: Real) -> Params:
    """The slopes of `log_prob` in the parameters."""
    return Params(*(LOG_PROB[name](x, concentration, scale) for name in ("concentration", "scale")))


def hessian(x: Real, concentration: Real, scale: Real) -> Float[Array, "... 2 2"]:
    """The second derivatives of `log_prob` in the parameters: the gamma distribution's."""
    return gamma.hessian(x, concentration, scale)


def _quantile(p: Real, concentration: Real, scale: Real) -> Float[Array, "..."]:
    """The x below which lies probability p; NaN for p outside [0, 1]."""
    return 1 / gamma.isf(p, concentration, scale)


def _isf(p: Real, concentration: Real, scale: Real) -> Float[Array, "..."]:
    """The x above which lies probability p; NaN for p outside [0, 1]."""
    return 1 / gamma.quantile(p, concentration, scale)


quantile, _QUANTILE = inverted(_quantile, lower=False, power=-1)
isf, _ISF = inverted(_isf, lower=True, power=-1)


def log_sample(
    key: PRNGKey, concentration: Real, scale: Real, shape: tuple[int, ...] = ()
) -> Array:
    """The logarithms of draws, which for a small concentration may overflow themselves."""
    return -gamma.log_sample(key, concentration, scale, shape)


def sample(key: PRNGKey, concentration: Real, scale: Real, shape: tuple[int, ...] = ()) -> Array:
    """Draw `shape` times the common shape of the parameters, differentiable in them."""
    return jnp.exp(log_sample(key, concentration, scale, shape))


def _above(order, a, b, value):
    """A moment that is infinite for concentrations up to its order."""
    return jnp.where(a > order, value, jnp.inf) + 0.0 * (a + b)


def mean(concentration: Real, scale: Real) -> Float[Array, "..."]:
    """The scale over one less than the concentration; infinite for concentrations up to one."""
    a, b = positive(concentration), positive(scale)
    return _above(1, a, b, b / jnp.where(a > 1, a - 1, 1.0))


def median(concentration: Real, scale: Real) -> Float[Array, "..."]:
    """The quantile of one half."""
    a = positive(concentration)
    return quantile(jnp.full_like(a, 0.5), a, scale)


def mode(concentration: Real, scale: Real) -> Float[Array, "..."]:
    """The scale over one more than the concentration."""
    return positive(scale) / (positive(concentration) + 1)


def variance(concentration: Real, scale: Real) -> Float[Array, "..."]:
    """The squared mean over two less than the concentration; infinite up to two."""
    return jnp.square(std(concentration, scale))


def std(concentration: Real, scale: Real) -> Float[Array, "..."]:
    """The root of the variance."""
    a, b = positive(concentration), positive(scale)
    some = jnp.where(a > 2, a, 3.0)
    return _above(2, a, b, b / (some - 1) / jnp.sqrt(some - 2))


def skewness(concentration: Real, scale: Real) -> Float[Array, "..."]:
    """Of the standardised variable; infinite for concentrations up to three."""
    a, b = positive(concentration), positive(scale)
    some = jnp.where(a > 3, a, 4.0)
    return _above(3, a, b, 4 * jnp.sqrt(some - 2) / (some - 3))


def kurtosis(concentration: Real, scale: Real) -> Float[Array, "..."]:
    """The excess over the normal's 3; infinite for concentrations up to four."""
    a, b = positive(concentration), positive(scale)
    some = jnp.where(a > 4, a, 5.0)
    return _above(4, a, b, 6 * (5 * some - 11) / (some - 3) / (some - 4))


def _entropy(concentration: Real, scale: Real) -> Float[Array, "..."]:
    """The expected value of minus `log_prob`, in nats.

    That of the logarithm, which is the gamma distribution's too, and the expected logarithm.
    """
    a, s = positive(concentration), positive(scale)
    rest = stirling_error(a) - (a + 1) * stirling_error_dx(a)
    wide = (a > 1) & (s > 1)  # where the logarithms of both cancel
    lead = log_ratio(jnp.where(wide, s / jnp.sqrt(a), 1.0), jnp.where(wide, a, 1.0))
    lead = jnp.where(wide, lead, jnp.log(s) - 1.5 * jnp.log(a))
    large = lead + (HALF_LOG_TAU + 0.5 + 1 / (2 * a) + rest)
    small = jnp.where(a < 1, a, 1.0)
    log = small + gammaln(small) - (1 + small) * digamma(small)
    return jnp.where(a < 1, log + jnp.log(s), large)


def _entropy_dconcentration(concentration, scale):
    a = positive(concentration)
    large = -(1.5 + 0.5 / a) / a - (1 + a) * stirling_error_dx_dx(a)
    small = jnp.where(a < 1, a, 1.0)
    return jnp.where(a < 1, 1 - (1 + small) * trigamma(small), large) + 0.0 * positive(scale)


_ENTROPY = dict(
    concentration=_entropy_dconcentration,
    scale=lambda concentration, scale: 1 / positive(scale) + 0.0 * positive(concentration),
)
entropy = with_rule(_entropy, **_ENTROPY)


def kl(
    concentration: Real, scale: Real, concentration_q: Real, scale_q: Real
) -> Float[Array, "..."]:
    """The Kullback-Leibler divergence of the second from the first, the gamma's, in nats."""
    return gamma.kl(concentration, scale, concentration_q, scale_q)


def cross_entropy(
    concentration: Real, scale: Real, concentration_q: Real, scale_q: Real
) -> Float[Array, "..."]:
    """The expected value under the first of minus the second's `log_prob`, in nats."""
    first = (concentration, scale)
    return entropy(*first) + kl(*first, concentration_q, scale_q)


def _renamed(names):
    return tuple(name.replace("rate", "scale") for name in names)


_KL = dict(zip(_renamed(GAMMA.partials["kl"]), GAMMA.partials["kl"].values(), strict=True))
_KL_SECONDS = {
    (_renamed(pair)[0], _renamed(pair)[1]): bend for pair, bend in GAMMA.seconds["kl"].items()
}
_CROSS_ENTROPY = exponential_family.cross_entropy(_ENTROPY, _KL)


def squared_hellinger(
    concentration: Real, scale: Real, concentration_q: Real, scale_q: Real
) -> Float[Array, "..."]:
    """One minus the overlap of both densities: the gamma distribution's."""
    return gamma.squared_hellinger(concentration, scale, concentration_q, scale_q)


def renyi(
    order: Real, concentration: Real, scale: Real, concentration_q: Real, scale_q: Real
) -> Float[Array, "..."]:
    """The divergence of order alpha: the gamma distribution's."""
    return gamma.renyi(order, concentration, scale, concentration_q, scale_q)


def fisher_information(concentration: Real, scale: Real) -> Float[Array, "... 2 2"]:
    """Minus the expected `hessian`, which does not depend on x."""
    return gamma.fisher_information(concentration, scale)


def sufficient(x: Real) -> Float[Array, "... 2"]:
    """The logarithm of x, and one over x."""
    x = jnp.asarray(x)
    return jnp.stack([jnp.log(x), 1 / x], -1)


def natural(concentration: Real, scale: Real) -> Float[Array, "... 2"]:
    """Minus the concentration less one, and minus the scale."""
    parts = jnp.broadcast_arrays(-positive(concentration) - 1, -positive(scale))
    return jnp.stack(parts, -1)


def mean_parameters(concentration: Real, scale: Real) -> Float[Array, "... 2"]:
    """The expected logarithm, and the expected inverse."""
    log, mean = jnp.moveaxis(gamma.mean_parameters(concentration, scale), -1, 0)
    return jnp.stack([-log, mean], -1)


def log_partition(eta: Float[Array, "... 2"]) -> Float[Array, "..."]:
    """Of the natural parameters."""
    eta = jnp.asarray(eta)
    a = -eta[..., 0] - 1
    return gammaln(a) - a * jnp.log(-eta[..., 1])


def fit(x: Real, weights: Real | None = None) -> Fit:
    """The likeliest parameters of observations (n,): the gamma distribution's of one over them."""
    x, share, total = observations(x, weights)
    centre = jnp.sum(share / x)
    gap = -jnp.sum(share * jnp.where(share > 0, log_ratio(1 / x, centre), 0.0))
    a = gamma.likeliest_concentration(gap)
    return with_errors(INVERSE_GAMMA, Params(a, a / centre), x, share, total)


def _of(concentration, scale, least=0.0):
    """Partials of a function of both parameters, zero where it is infinite."""

    def made(slope):
        def partial(concentration, scale):
            a, b = positive(concentration), positive(scale)
            some = jnp.where(a > least, a, least + 1.0)
            return jnp.where(a > least, slope(some, b), 0.0) + 0.0 * (a + b)

        return partial

    return dict(concentration=made(concentration), scale=made(scale))


def _std_slopes(power):
    """Of the standard deviation to a power."""

    def std(a):
        return 1 / (a - 1) / jnp.sqrt(a - 2)

    return _of(
        lambda a, b: -power * (b * std(a)) ** power * (1 / (a - 1) + 0.5 / (a - 2)),
        lambda a, b: power * std(a) ** power * b ** (power - 1),
        2.0,
    )


_RULES = DENSITY | TAILS | dict(quantile=_QUANTILE, isf=_ISF)
_INFINITE = {
    "finite": "up to a concentration of one or two it is infinite, as it must be",
    "nan_propagates/concentration": "of NaN the value is NaN, the slope that of infinity",
}
_CANCELS = {
    "second_derivatives/concentration, concentration": "keeps 12.5 digits for concentrations below"
    " one next to z = 3, where the terms of the smaller tail cancel",
}
_BELOW_ONE = (
    dict.fromkeys(
        (
            *("second_derivatives/x, concentration", "second_derivatives/x, scale"),
            *("second_derivatives/concentration, scale", "second_derivatives/scale, scale"),
        ),
        "quotients of small tails: 9 digits for concentrations of 1e-4 next to z = 3",
    )
    | dict.fromkeys(
        ("first_derivatives/concentration", "first_derivatives/scale"),
        "right to 20 roundings for concentrations of 1e-4 next to z = 3, where the law grants 16",
    )
    | {
        "second_derivatives/x, x": "in float32 that of `cdf` underflows where that of its"
        " logarithm does not",
    }
)

INVERSE_GAMMA = Family(
    name="inverse_gamma",
    parameters=Params(concentration=SHAPES, scale=RATES),
    support=POSITIVE,
    functions=(
        *(log_prob, prob, cdf, log_cdf, sf, log_sf, quantile, isf, sample),
        *(mean, median, mode, variance, std, skewness, kurtosis, entropy, cross_entropy, kl),
        *(squared_hellinger, renyi, score, hessian, fisher_information),
        *(sufficient, natural, log_partition, mean_parameters, fit),
    ),
    partials=dict(
        **{name: rule.partials for name, rule in _RULES.items()},
        entropy=_ENTROPY,
        cross_entropy=_CROSS_ENTROPY,
        kl=_KL,
        mean=_of(lambda a, b: -b / (a - 1) / (a - 1), lambda a, b: 1 / (a - 1), 1.0),
        mode=_of(lambda a, b: -b / (a + 1) / (a + 1), lambda a, b: 1 / (a + 1)),
        variance=_std_slopes(2),
        std=_std_slopes(1),
        skewness=_of(
            lambda a, b: -2 * (a - 1) / jnp.sqrt(a - 2) / jnp.square(a - 3),
            lambda a, b: 0.0 * a,
            3.0,
        ),
        kurtosis=_of(
            lambda a, b: -6 * (a - 1) * (5 * a - 17) / jnp.square(a - 3) / jnp.square(a - 4),
            lambda a, b: 0.0 * a,
            4.0,
        ),
    ),
    seconds=dict(
        **{name: rule.seconds for name, rule in _RULES.items()},
        kl=_KL_SECONDS,
    ),
    plain=dict(
        **{name: rule.plain for name, rule in _RULES.items()},
        entropy=_entropy,
    ),
    exceptions=dict(
        **dict.fromkeys(("mean", "variance", "std"), _INFINITE),
        cdf=_CANCELS,
        sf=_CANCELS,
        log_cdf=NEAR_ONE | _BELOW_ONE,
        log_sf=NEAR_ONE,
        **dict.fromkeys(("quantile", "isf"), OF_QUANTILES),
    ),
    unrecorded=GAMMA.unrecorded,
    facts=dict(log_prob=(Concave("concentration"), Concave("scale"))),
    tex=dict(
        log_prob=r"\log p(x) = a \log \beta - (a + 1) \log x - \beta / x - \log\Gamma(a)",
        cdf=r"F(x) = Q(a, \beta / x)",
        sf=r"S(x) = P(a, \beta / x)",
        mean=r"\mu = \beta / (a - 1)",
        mode=r"\beta / (a + 1)",
        variance=r"\sigma^2 = \frac{\beta^2}{(a - 1)^2 (a - 2)}",
        skewness=r"\frac{4 \sqrt{a - 2}}{a - 3}",
        kurtosis=r"\frac{6 (5 a - 11)}{(a - 3)(a - 4)}",
        entropy=r"H = a + \log \beta + \log\Gamma(a) - (1 + a) \psi(a)",
    ),
    source=Source("johnson1994continuous", "chapter 17"),
    topic="P10",
)
__getattr__ = INVERSE_GAMMA.function
