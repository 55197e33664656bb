r"""Negative log-likelihoods, in nats, of predictions on the scale that a model gives them.

`nll` makes one of any family's `log_prob`; those below take logarithms of means, as a linear or a
neural model predicts them, and lose no digits where exponentials would.
"""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.domains import Integers, Interval
from jaxmath.formula import (
    Bounded,
    Conjugate,
    Convex,
    Formula,
    Lipschitz,
    Minimizer,
    Prox,
    Smooth,
    Source,
    StronglyConvex,
    with_rule,
)
from jaxmath.losses.duality import (
    exponential_conjugate,
    exponential_prox,
    omega,
    where_allowed,
)
from jaxmath.special.entropy import xlogy
from jaxmath.special.exponential import expm1_gap, expm1_gap_dx
from jaxmath.special.gamma import (
    HALF_LOG_TAU,
    betaln,
    gammaln,
    stirling_error,
    stirling_error_dx,
)
from jaxmath.special.logarithm import log1p_gap, log1p_gap_near
from jaxmath.special.logistic import sigmoid, softplus
from jaxmath.special.partials import with_partials
from jaxmath.typing import Label, Real

MODELS = "mccullagh1989generalized"
LOGS = Interval(-30.0, 30.0, closed=(True, True))
SHAPES = Interval(2.0**-10, 2.0**20, closed=(True, True))


def nll(log_prob: Callable[..., Any]) -> Callable[..., Any]:
    """The loss of a family's parameters for an observation: minus `log_prob(x, *parameters)`."""

    def loss(x, *parameters):
        return -log_prob(x, *parameters)

    return loss


def _poisson_nll(log_mean: Real, count: Label) -> Float[Array, "..."]:
    """Of a count, given the logarithm of its mean."""
    log_mean = jnp.asarray(log_mean)
    count = jnp.asarray(count).astype(log_mean.dtype)
    return jnp.exp(log_mean) - count * log_mean + gammaln(count + 1)


def _poisson_dlog_mean(log_mean: Real, count: Label) -> Float[Array, "..."]:
    """The mean less the count, from the mean less one where a count is near it."""
    log_mean = jnp.asarray(log_mean)
    count = jnp.asarray(count).astype(log_mean.dtype)
    return jnp.where(count > 0, jnp.expm1(log_mean) - (count - 1), jnp.exp(log_mean))


poisson_nll, _POISSON = with_partials(
    _poisson_nll,
    dict(log_mean=_poisson_dlog_mean),
    {("log_mean", "log_mean"): lambda log_mean, count: jnp.exp(log_mean)},
)

POISSON_NLL = Formula(
    fn=poisson_nll,
    plain=_poisson_nll,
    domain=dict(log_mean=LOGS, count=Integers(0, 1000)),
    partials=_POISSON,
    seconds={("log_mean", "log_mean"): lambda log_mean, count: jnp.exp(log_mean)},
    facts=(
        Convex("log_mean"),
        Bounded("log_mean", low=0.0),
        Minimizer("log_mean", lambda log_mean, count: jnp.log(count) + 0.0 * log_mean),
        Conjugate(
            "log_mean",
            fn=lambda log_mean, count: (
                exponential_conjugate(log_mean + count) - gammaln(1.0 * count + 1)
            ),
        ),
        Prox(
            "log_mean",
            fn=lambda step, log_mean, count: exponential_prox(step, log_mean + step * count),
        ),
    ),
    tex=r"\ell(\eta, y) = e^\eta - y \eta + \log y!",
    source=Source(MODELS, "section 2.2"),
    topic="P6",
)


def _gaussian_nll(residual: Real, log_scale: Real) -> Float[Array, "..."]:
    """Of a residual, given the logarithm of its standard deviation."""
    log_scale = jnp.asarray(log_scale)
    return jnp.square(residual * jnp.exp(-log_scale)) / 2 + log_scale + HALF_LOG_TAU


def _gaussian_dresidual(residual: Real, log_scale: Real) -> Float[Array, "..."]:
    """The residual over the variance."""
    return jnp.asarray(residual) * jnp.exp(-2 * jnp.asarray(log_scale))


def _gaussian_dlog_scale(residual: Real, log_scale: Real) -> Float[Array, "..."]:
    """One less the squared residual over the variance."""
    return 1 - jnp.square(residual * jnp.exp(-jnp.asarray(log_scale)))


_GAUSSIAN_SECONDS = {
    ("residual", "residual"): lambda residual, log_scale: jnp.exp(-2 * log_scale) + 0 * residual,
    ("residual", "log_scale"): lambda residual, log_scale: (
        -2 * _gaussian_dresidual(residual, log_scale)
    ),
    ("log_scale", "log_scale"): lambda residual, log_scale: (
        2 * jnp.square(residual * jnp.exp(-log_scale))
    ),
}
gaussian_nll, _GAUSSIAN = with_partials(
    _gaussian_nll,
    dict(residual=_gaussian_dresidual, log_scale=_gaussian_dlog_scale),
    _GAUSSIAN_SECONDS,
)


def _gaussian_scale_conjugate(residual: Real, log_scale: Real) -> Float[Array, "..."]:
    r"""Of a slope s up to one: where $r^2 e^{-2 u} = 1 - s$."""
    rest = 1 - jnp.asarray(log_scale)
    root = xlogy(rest, jnp.abs(residual)) - xlogy(rest, jnp.maximum(rest, 0.0)) / 2
    return where_allowed(-root - rest / 2 - HALF_LOG_TAU, rest >= 0)


def _gaussian_scale_prox(step: Real, residual: Real, log_scale: Real) -> Float[Array, "..."]:
    r"""The solution u of $u + t = s + t r^2 e^{-2 u}$."""
    fallen = jnp.asarray(log_scale) - step
    return fallen + omega(jnp.log(2 * step) + 2 * (jnp.log(jnp.abs(residual)) - fallen)) / 2


GAUSSIAN_NLL = Formula(
    fn=gaussian_nll,
    plain=_gaussian_nll,
    domain=dict(residual=Interval(-1e9, 1e9, closed=(True, True)), log_scale=LOGS),
    partials=_GAUSSIAN,
    seconds=_GAUSSIAN_SECONDS,
    facts=(
        Convex("residual"),
        Convex("log_scale"),
        Smooth("residual", lambda residual, log_scale: jnp.exp(-2 * log_scale)),
        StronglyConvex("residual", lambda residual, log_scale: jnp.exp(-2 * log_scale)),
        Minimizer("residual", 0.0),
        Minimizer("log_scale", lambda residual, log_scale: jnp.log(jnp.abs(residual))),
        Conjugate(
            "residual",
            fn=lambda residual, log_scale: (
                jnp.square(residual * jnp.exp(log_scale)) / 2 - log_scale - HALF_LOG_TAU
            ),
        ),
        Prox(
            "residual",
            fn=lambda step, residual, log_scale: residual / (1 + step * jnp.exp(-2 * log_scale)),
        ),
        Conjugate("log_scale", fn=_gaussian_scale_conjugate),
        Prox("log_scale", fn=_gaussian_scale_prox),
    ),
    tex=r"\ell(r, s) = \tfrac12 (r e^{-s})^2 + s + \tfrac12 \log 2\pi",
    source=Source("bishop2006prml", "eq. 1.46"),
    topic="P8",
)


def _gamma_nll(log_mean: Real, concentration: Real, target: Label) -> Float[Array, "..."]:
    """Of a positive number, given the logarithm of its mean, and the shape of its distribution."""
    concentration = jnp.asarray(concentration)
    target = jnp.asarray(target).astype(concentration.dtype)
    gap = jnp.log(target) - log_mean
    rest = stirling_error(concentration) + HALF_LOG_TAU - jnp.log(concentration) / 2
    return concentration * expm1_gap(gap) + rest + jnp.log(target)


def _gamma_dlog_mean(log_mean: Real, concentration: Real, target: Label) -> Float[Array, "..."]:
    """The concentration times one less the ratio of target and mean."""
    concentration = jnp.asarray(concentration)
    target = jnp.asarray(target).astype(concentration.dtype)
    return -concentration * expm1_gap_dx(jnp.log(target) - log_mean)


def _gamma_dconcentration(
    log_mean: Real, concentration: Real, target: Label
) -> Float[Array, "..."]:
    """How far the target is from the mean, less what is expected."""
    concentration = jnp.asarray(concentration)
    target = jnp.asarray(target).astype(concentration.dtype)
    rest = stirling_error_dx(concentration) - 0.5 / concentration
    return expm1_gap(jnp.log(target) - log_mean) + rest


_GAMMA = dict(log_mean=_gamma_dlog_mean, concentration=_gamma_dconcentration)
gamma_nll = with_rule(_gamma_nll, **_GAMMA)


def _gamma_conjugate(log_mean: Real, concentration: Real, target: Label) -> Float[Array, "..."]:
    """Of a slope, which is less than the concentration: that of an exponential, scaled."""
    slope, concentration = jnp.asarray(log_mean), jnp.asarray(concentration)
    share = (concentration - slope) / concentration
    lead = slope * jnp.log(1.0 * target) + concentration * exponential_conjugate(share)
    return lead + concentration - gamma_nll(jnp.log(1.0 * target), concentration, target)


def _gamma_prox(step: Real, log_mean: Real, concentration: Real, target: Label):
    """The mean moved towards the target."""
    gap = jnp.log(1.0 * target) - log_mean
    pull = step * concentration
    return jnp.log(1.0 * target) - exponential_prox(pull, gap + pull)


GAMMA_NLL = Formula(
    fn=gamma_nll,
    plain=_gamma_nll,
    domain=dict(
        log_mean=LOGS,
        concentration=SHAPES,
        target=Integers(1, 1000),
    ),
    partials=_GAMMA,
    facts=(
        Convex("log_mean"),
        Convex("concentration"),
        Minimizer(
            "log_mean", lambda log_mean, concentration, target: jnp.log(target) + 0.0 * log_mean
        ),
        Conjugate("log_mean", fn=_gamma_conjugate),
        Prox("log_mean", fn=_gamma_prox),
    ),
    tex=r"\ell(\eta, a, y) = a (\eta - \log(a y) + y e^{-\eta}) + \log\Gamma(a) + \log y",
    source=Source(MODELS, "section 8.3"),
    topic="P10",
)


def _negative_binomial_nll(
    log_mean: Real, concentration: Real, count: Label
) -> Float[Array, "..."]:
    r"""Of a count, given the logarithm of its mean; its variance is $\mu + \mu^2 / r$.

    The concentration r > 0 is large where the count is nearly of a Poisson distribution.
    """
    odds, r, y = _odds(log_mean, concentration, count)
    some = y > 0
    least = jnp.where(some, y, 1.0)
    ways = jnp.where(some, -jnp.log(least) - betaln(r, least), 0.0)
    return r * softplus(odds) + y * softplus(-odds) - ways


def _odds(log_mean, concentration, count):
    r = jnp.asarray(concentration)
    return log_mean - jnp.log(r), r, jnp.asarray(count).astype(r.dtype)


def _negative_binomial_dlog_mean(
    log_mean: Real, concentration: Real, count: Label
) -> Float[Array, "..."]:
    """The mean less the count, where the variance is larger than the mean times less."""
    odds, r, y = _odds(log_mean, concentration, count)
    gap = log_mean - jnp.log(jnp.where(y > 0, y, 1.0))
    close = (y > 0) & (gap < 1)
    near = sigmoid(-odds) * y * expm1_gap_dx(jnp.where(close, gap, 0.0))
    return jnp.where(close, near, r * sigmoid(odds) - y * sigmoid(-odds))


def _negative_binomial_dconcentration(
    log_mean: Real, concentration: Real, count: Label
) -> Float[Array, "..."]:
    """The slope at a fixed mean."""
    odds, r, y = _odds(log_mean, concentration, count)
    small = odds < 0
    near, far = jnp.where(small, odds, 0.0), jnp.where(small, 0.0, odds)
    gap = jnp.where(small, log1p_gap(-sigmoid(near)), softplus(far) - sigmoid(far))
    few = (y == 0) | (y == 1)
    # Of more counts by how far they are from the mean, less what is expected.
    many = jnp.where(few, 2.0, y)
    mean = jnp.exp(log_mean)
    apart, log = (many - mean) / (r + mean), jnp.log((r + many) / (r + mean))
    rest = stirling_error_dx(r + many) - stirling_error_dx(r) + many / (r + many) * (0.5 / r)
    return jnp.where(few, gap - y / r * sigmoid(odds), log1p_gap_near(apart, log) - rest)


_NEGATIVE_BINOMIAL = dict(
    log_mean=_negative_binomial_dlog_mean, concentration=_negative_binomial_dconcentration
)
negative_binomial_nll = with_rule(_negative_binomial_nll, **_NEGATIVE_BINOMIAL)


NEGATIVE_BINOMIAL_NLL = Formula(
    fn=negative_binomial_nll,
    plain=_negative_binomial_nll,
    domain=dict(
        log_mean=Interval(-8.0, 8.0, closed=(True, True)),
        concentration=Interval(2.0**-4, 2.0**4, closed=(True, True)),
        count=Integers(0, 1000),
    ),
    partials=_NEGATIVE_BINOMIAL,
    facts=(
        Convex("log_mean"),
        Bounded("log_mean", low=0.0),
        Minimizer(
            "log_mean", lambda log_mean, concentration, count: jnp.log(count) + 0.0 * log_mean
        ),
        Lipschitz(
            "log_mean", lambda log_mean, concentration, count: jnp.maximum(concentration, count)
        ),
        Smooth("log_mean", lambda log_mean, concentration, count: (concentration + count) / 4),
    ),
    exceptions=dict.fromkeys(
        ("first_derivatives/concentration", "second_derivatives", "hessian_symmetric"),
        "those in the concentration are small differences near the Poisson limit: 14 digits",
    )
    | {"finite/concentration, log_mean": "it vanishes where one event is expected and seen"},
    tex=r"\ell(\eta, r, y) = (y + r) \log(1 + e^\eta / r) - y (\eta - \log r)"
    r" - \log \frac{\Gamma(y + r)}{\Gamma(r)\, y!}",
    source=Source("hilbe2011negative", "section 8.2"),
    topic="P10",
)

LIKELIHOODS = (POISSON_NLL, GAUSSIAN_NLL, GAMMA_NLL, NEGATIVE_BINOMIAL_NLL)
