r"""The gamma distribution with shape `concentration` > 0 and `rate` > 0.

Elementwise functions of arrays or numbers. A parameter that isn't positive gives NaN; below zero
the density is zero.
"""

from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.distributions.family import Family
from jaxmath.distributions.fitting import Fit, observations, with_errors
from jaxmath.distributions.gamma_density import BENDS, DENSITY, LOG_PROB, log_prob, prob
from jaxmath.distributions.gamma_divergences import (
    DIVERGENCES,
    cross_entropy,
    entropy,
    kl,
    renyi,
    squared_hellinger,
)
from jaxmath.distributions.gamma_draws import gamma_parts
from jaxmath.distributions.gamma_quantiles import QUANTILES, isf, quantile
from jaxmath.distributions.gamma_tails import TAILS, cdf, log_cdf, log_sf, sf
from jaxmath.distributions.location_scale import positive
from jaxmath.distributions.shapes import float_dtype, sample_shape
from jaxmath.domains import NONNEGATIVE, Interval
from jaxmath.formula import Concave, Decreasing, Increasing, Source
from jaxmath.special.gamma import (
    digamma,
    gammaln,
    stirling_error_dx,
    stirling_error_dx_dx,
    trigamma,
)
from jaxmath.special.ratio import log_ratio, quotient
from jaxmath.typing import PRNGKey, Real


class Params(NamedTuple):
    """Shape and rate; also the shape of what belongs to each, such as the score."""

    concentration: Any
    rate: Any


SHAPES = Interval(2.0**-14, 2.0**27, closed=(True, True))
"""Of concentrations: where all digits are promised."""
RATES = Interval(2.0**-40, 2.0**40, closed=(True, True))


def score(x: Real, concentration: Real, rate: Real) -> Params:
    """The slopes of `log_prob` in the parameters."""
    args = (x, concentration, rate)
    return Params(LOG_PROB["concentration"](*args), LOG_PROB["rate"](*args))


def hessian(x: Real, concentration: Real, rate: Real) -> Float[Array, "... 2 2"]:
    """The second derivatives of `log_prob` in the parameters."""
    names = ("concentration", "concentration"), ("concentration", "rate"), ("rate", "rate")
    aa, ab, bb = jnp.broadcast_arrays(*(BENDS[pair](x, concentration, rate) for pair in names))
    return jnp.stack([jnp.stack([aa, ab], -1), jnp.stack([ab, bb], -1)], -2)


def _parts(key, concentration, rate, shape):
    """Draws of rate one, but for a factor, and the logarithm of that."""
    size = sample_shape(shape, concentration, rate)
    a = jnp.broadcast_to(positive(concentration), size).astype(float_dtype(concentration, rate))
    draws, log_factor = gamma_parts(key, jnp.where(a > 0, a, 1.0))
    return jnp.where(a > 0, draws, jnp.nan), log_factor


def log_sample(key: PRNGKey, concentration: Real, rate: Real, shape: tuple[int, ...] = ()) -> Array:
    """The logarithms of draws, which for a small concentration may underflow themselves."""
    draws, log_factor = _parts(key, concentration, rate, shape)
    return jnp.log(draws) + log_factor - jnp.log(positive(rate))


def sample(key: PRNGKey, concentration: Real, rate: Real, shape: tuple[int, ...] = ()) -> Array:
    """Draw `shape` times the common shape of the parameters, differentiable in them."""
    draws, log_factor = _parts(key, concentration, rate, shape)
    return draws / positive(rate) * jnp.exp(log_factor)


def mean(concentration: Real, rate: Real) -> Float[Array, "..."]:
    """The concentration over the rate."""
    return quotient(positive(concentration), positive(rate))


def median(concentration: Real, rate: Real) -> Float[Array, "..."]:
    """The quantile of one half."""
    a = positive(concentration)
    return quantile(jnp.full_like(a, 0.5), a, rate)


def mode(concentration: Real, rate: Real) -> Float[Array, "..."]:
    """One less than the concentration over the rate; zero for concentrations below one."""
    return jnp.maximum(positive(concentration) - 1, 0.0) / positive(rate)


def variance(concentration: Real, rate: Real) -> Float[Array, "..."]:
    """The mean over the rate."""
    return quotient(mean(concentration, rate), positive(rate))


def std(concentration: Real, rate: Real) -> Float[Array, "..."]:
    """The square root of the concentration over the rate."""
    return jnp.sqrt(positive(concentration)) / positive(rate)


def skewness(concentration: Real, rate: Real) -> Float[Array, "..."]:
    """Two over the square root of the concentration."""
    return 2 / jnp.sqrt(positive(concentration)) + 0.0 * positive(rate)


def kurtosis(concentration: Real, rate: Real) -> Float[Array, "..."]:
    """Six over the concentration."""
    return 6 / positive(concentration) + 0.0 * positive(rate)


def fisher_information(concentration: Real, rate: Real) -> Float[Array, "... 2 2"]:
    """Minus the expected `hessian`, which does not depend on x."""
    a, b = positive(concentration), positive(rate)
    rows = jnp.broadcast_arrays(trigamma(a), -1 / b, a / b / b)
    return jnp.stack([jnp.stack(rows[:2], -1), jnp.stack(rows[1:], -1)], -2)


def sufficient(x: Real) -> Float[Array, "... 2"]:
    """The logarithm of x, and x."""
    x = jnp.asarray(x)
    return jnp.stack([jnp.log(x), x], -1)


def natural(concentration: Real, rate: Real) -> Float[Array, "... 2"]:
    """The concentration less one, and minus the rate."""
    parts = jnp.broadcast_arrays(positive(concentration) - 1, -positive(rate))
    return jnp.stack(parts, -1)


def mean_parameters(concentration: Real, rate: Real) -> Float[Array, "... 2"]:
    """The expected logarithm, and the mean."""
    a, b = positive(concentration), positive(rate)
    return jnp.stack(jnp.broadcast_arrays(digamma(a) - jnp.log(b), a / b), -1)


def log_partition(eta: Float[Array, "... 2"]) -> Float[Array, "..."]:
    """Of the natural parameters."""
    eta = jnp.asarray(eta)
    a = eta[..., 0] + 1
    return gammaln(a) - a * jnp.log(-eta[..., 1])


NEWTON_STEPS = 8


def likeliest_concentration(gap: Real) -> Float[Array, "..."]:
    r"""The a > 0 with $\log a - \psi(a)$ = gap > 0, by Newton's method for 1 / a (Minka 2002)."""
    gap = jnp.asarray(gap)
    a = (3 - gap + jnp.sqrt(jnp.square(gap - 3) + 24 * gap)) / (12 * gap)
    for _ in range(NEWTON_STEPS):
        error = 1 / (2 * a) - stirling_error_dx(a) - gap
        slope = -(0.5 / a) / a - stirling_error_dx_dx(a)
        a = 1 / jnp.maximum(1 / a + error / slope / jnp.square(a), 0.1 / a)
    return a


def fit(x: Real, weights: Real | None = None) -> Fit:
    """The likeliest concentration, and the rate that gives the mean of the observations (n,)."""
    x, share, total = observations(x, weights)
    centre = jnp.sum(share * x)
    gap = -jnp.sum(share * jnp.where(share > 0, log_ratio(x, centre), 0.0))
    a = likeliest_concentration(gap)
    return with_errors(GAMMA, Params(a, a / centre), x, share, total)


def _of(concentration, rate):
    """Partials of a function of both parameters."""
    made = lambda fn: lambda concentration, rate: fn(positive(concentration), positive(rate))  # noqa: E731
    return dict(concentration=made(concentration), rate=made(rate))


_MEDIAN = "the quantile of one half"
NEAR_ONE = {
    "second_derivatives/concentration, concentration": "right to 3e-12 next to concentration one,"
    " which is more than the roundings that the law grants"
}
OF_QUANTILES = {
    "second_derivatives/p, concentration": "right to 1e-12 for concentrations above 1e4",
    "second_derivatives/concentration, concentration": "right to 1e-11 next to concentration one"
    " and to 1e-12 above 1e4, where it is a small rest",
}
_FAR_OUT = dict.fromkeys(
    (
        *("second_derivatives/x, x", "second_derivatives/x, concentration"),
        *("second_derivatives/concentration, rate", "second_derivatives/rate, rate"),
    ),
    "12 digits far out, where the hazard's slope is a small difference; 10 digits of quotients"
    " of small tails for concentrations of 1e-4",
)
_RULES = DENSITY | TAILS | QUANTILES | DIVERGENCES

GAMMA = Family(
    name="gamma",
    parameters=Params(concentration=SHAPES, rate=RATES),
    support=NONNEGATIVE,
    functions=(
        *(log_prob, prob, cdf, log_cdf, sf, log_sf, quantile, isf, sample),
        *(mean, median, mode, variance, std, skewness, kurtosis, entropy, cross_entropy, kl),
        *(squared_hellinger, renyi, score, hessian, fisher_information),
        *(sufficient, natural, log_partition, mean_parameters, fit),
    ),
    partials=dict(
        **{name: rule.partials for name, rule in _RULES.items()},
        mean=_of(lambda a, b: 1 / b + 0.0 * a, lambda a, b: -a / b / b),
        variance=_of(lambda a, b: 1 / b / b + 0.0 * a, lambda a, b: -2 * a / b / b / b),
        std=_of(lambda a, b: 0.5 / jnp.sqrt(a) / b, lambda a, b: -jnp.sqrt(a) / b / b),
        skewness=_of(lambda a, b: -1 / jnp.sqrt(a) / a + 0.0 * b, lambda a, b: 0.0 * (a + b)),
        kurtosis=_of(lambda a, b: -6 / a / a + 0.0 * b, lambda a, b: 0.0 * (a + b)),
        mode=_of(
            lambda a, b: jnp.where(a > 1, 1.0, 0.0) / b,
            lambda a, b: -jnp.maximum(a - 1, 0.0) / b / b,
        ),
    ),
    seconds={name: rule.seconds for name, rule in _RULES.items()},
    exceptions=dict(
        log_cdf=NEAR_ONE,
        log_sf=NEAR_ONE
        | _FAR_OUT
        | dict.fromkeys(
            ("finite/x, concentration", "finite/concentration, x"),
            "a product overflows for concentrations of 1e-4 at the smallest normal number",
        ),
        **dict.fromkeys(("quantile", "isf"), OF_QUANTILES),
        mode={
            "second_derivatives/concentration, rate": "at concentration one its slope jumps",
        },
    ),
    unrecorded={"median": _MEDIAN},
    plain={name: rule.plain for name, rule in _RULES.items()},
    facts=dict(
        log_prob=(Concave("concentration"), Concave("rate")),
        entropy=(Increasing("concentration"), Decreasing("rate")),
    ),
    tex=dict(
        log_prob=r"\log p(x) = a \log \beta + (a - 1) \log x - \beta x - \log\Gamma(a)",
        prob=r"p(x) = \beta^a x^{a - 1} e^{-\beta x} / \Gamma(a)",
        cdf=r"F(x) = P(a, \beta x)",
        sf=r"S(x) = Q(a, \beta x)",
        mean=r"\mu = a / \beta",
        variance=r"\sigma^2 = a / \beta^2",
        skewness=r"2 / \sqrt a",
        kurtosis=r"6 / a",
        entropy=r"H = a - \log \beta + \log\Gamma(a) + (1 - a) \psi(a)",
    ),
    source=Source("casella2002inference", "section 3.3"),
    topic="P10",
)
__getattr__ = GAMMA.function
