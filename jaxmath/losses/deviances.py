r"""Deviances: twice the log-likelihood that a mean loses against the target itself as the mean.

Of a variance that is the mean to a power, up to a factor: power 0 is normal, 1 Poisson, 2 gamma, 3
the inverse Gaussian distribution,

$$D(\mu, y) = 2 \int_\mu^y \frac{y - s}{s^\rho}\,ds,$$

zero where both are equal and never negative; `prediction` is the mean.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.domains import POSITIVE, Interval
from jaxmath.formula import Bounded, Conjugate, Convex, Formula, Minimizer, Prox, Source
from jaxmath.losses.relative import WIDE
from jaxmath.special.entropy import kl_div, xlog1py, xlogy_dy
from jaxmath.special.exponential_moment import exponential_moment
from jaxmath.special.gauss import gauss_legendre
from jaxmath.special.logarithm import log1p_gap
from jaxmath.special.partials import with_partials
from jaxmath.special.ratio import log_ratio, relative_excess
from jaxmath.typing import Real

MODELS = "mccullagh1989generalized"
_AT_TARGET = Minimizer("prediction", lambda prediction, target, *_: target)


def _poisson_deviance(prediction: Real, target: Real) -> Float[Array, "..."]:
    r"""Twice $y \log(y / \mu) - y + \mu$; a target of zero is allowed."""
    return 2 * kl_div(target, prediction)


def _poisson_dprediction(prediction: Real, target: Real) -> Float[Array, "..."]:
    """Twice the excess of the mean over the target, relative to the mean."""
    return -2 * relative_excess(target, prediction)


def _poisson_dtarget(prediction: Real, target: Real) -> Float[Array, "..."]:
    """Twice the logarithm of target over mean."""
    return 2 * log_ratio(target, prediction)


_POISSON_SECONDS = {
    ("prediction", "prediction"): lambda prediction, target: (
        2 * xlogy_dy(xlogy_dy(target, prediction), prediction)
    ),
    ("prediction", "target"): lambda prediction, target: -2 / prediction + 0.0 * target,
    ("target", "target"): lambda prediction, target: 2 / target + 0.0 * prediction,
}
poisson_deviance, _POISSON = with_partials(
    _poisson_deviance,
    dict(prediction=_poisson_dprediction, target=_poisson_dtarget),
    _POISSON_SECONDS,
)


def _poisson_prox(step: Real, prediction: Real, target: Real) -> Float[Array, "..."]:
    r"""The positive root of $u^2 + (2t - \mu) u - 2 t y$, without a difference."""
    middle = (jnp.asarray(prediction) - 2 * step) / 2
    product = 2 * step * jnp.asarray(target)
    reach = jnp.hypot(middle, jnp.sqrt(product)) + jnp.abs(middle)
    return jnp.where(middle > 0, reach, product / reach)


POISSON_DEVIANCE = Formula(
    fn=poisson_deviance,
    plain=_poisson_deviance,
    domain=dict(prediction=POSITIVE, target=POSITIVE),
    partials=_POISSON,
    seconds=_POISSON_SECONDS,
    facts=(
        Convex("prediction"),
        Convex("target"),
        Bounded("prediction", low=0.0),
        _AT_TARGET,
        Conjugate(
            "prediction", fn=lambda prediction, target: -2 * xlog1py(target, -prediction / 2)
        ),
        Prox("prediction", fn=_poisson_prox),
        Minimizer("target", lambda prediction, target: prediction),
        Conjugate("target", fn=lambda prediction, target: 2 * prediction * jnp.expm1(target / 2)),
    ),
    tex=r"D(\mu, y) = 2 \bigl(y \log(y / \mu) - y + \mu\bigr)",
    source=Source(MODELS, "section 2.3"),
    topic="P19",
)


def _gamma_deviance(prediction: Real, target: Real) -> Float[Array, "..."]:
    r"""Twice $y / \mu - 1 - \log(y / \mu)$, of the ratio alone."""
    excess = relative_excess(target, prediction)
    close = jnp.abs(excess) < 0.5
    near = log1p_gap(jnp.where(close, excess, 0.0))
    return 2 * jnp.where(close, near, excess - log_ratio(target, prediction))


def _gamma_dprediction(prediction: Real, target: Real) -> Float[Array, "..."]:
    """Twice the excess of the mean over the target, over the squared mean."""
    return -2 * (relative_excess(target, prediction) * (1 / jnp.asarray(prediction)))


def _gamma_dtarget(prediction: Real, target: Real) -> Float[Array, "..."]:
    """Twice the difference of one over each."""
    prediction, target = jnp.asarray(prediction), jnp.asarray(target)
    above = target > prediction
    share = relative_excess(
        jnp.where(above, prediction, target), jnp.where(above, target, prediction)
    )
    # The difference over the larger, and that over the smaller.
    return 2 * jnp.where(above, -share * (1 / prediction), share * (1 / target))


def gamma_dprediction_dprediction(prediction: Real, target: Real) -> Float[Array, "..."]:
    """Positive up to where the mean is twice the target."""
    excess = relative_excess(target, prediction)
    # Of a / b / c XLA makes a / (b c), which may overflow.
    inverse = 1 / jnp.asarray(prediction)
    return (2 * (1 + 2 * excess) * inverse) * inverse


_GAMMA_SECONDS = {
    ("prediction", "prediction"): gamma_dprediction_dprediction,
    ("prediction", "target"): lambda prediction, target: (
        -2 * (1 / prediction) * (1 / prediction) + 0.0 * target
    ),
    ("target", "target"): lambda prediction, target: (
        2 * (1 / target) * (1 / target) + 0.0 * prediction
    ),
}
gamma_deviance, _GAMMA = with_partials(
    _gamma_deviance, dict(prediction=_gamma_dprediction, target=_gamma_dtarget), _GAMMA_SECONDS
)

GAMMA_DEVIANCE = Formula(
    fn=gamma_deviance,
    plain=_gamma_deviance,
    domain=dict(prediction=WIDE, target=WIDE),
    partials=_GAMMA,
    seconds=_GAMMA_SECONDS,
    facts=(
        Convex("target"),
        Bounded("prediction", low=0.0),
        _AT_TARGET,
        Minimizer("target", lambda prediction, target: prediction),
    ),
    tex=r"D(\mu, y) = 2 \Bigl(\frac{y}{\mu} - 1 - \log\frac{y}{\mu}\Bigr)",
    source=Source(MODELS, "section 2.3"),
    topic="P19",
)

_MIDDLE = Interval(1e-6, 1e6, closed=(True, True))
"""Where no power of a mean or a target up to three over- or underflows, in float32 neither."""


def _inverse_gaussian_deviance(prediction: Real, target: Real) -> Float[Array, "..."]:
    r"""The squared relative error over the target, $(y - \mu)^2 / (\mu^2 y)$."""
    excess = relative_excess(target, prediction)
    return excess * (excess / target)


def _inverse_gaussian_dprediction(prediction: Real, target: Real) -> Float[Array, "..."]:
    """Minus twice the excess of the target over the mean, over the cube of the mean."""
    return -2 * relative_excess(target, prediction) / jnp.square(prediction)


def _inverse_gaussian_dtarget(prediction: Real, target: Real) -> Float[Array, "..."]:
    """The squared inverse of the mean less that of the target."""
    excess = relative_excess(target, prediction) / target
    return excess * (1 / jnp.asarray(prediction) + 1 / jnp.asarray(target))


def inverse_gaussian_dprediction_dprediction(prediction: Real, target: Real) -> Float[Array, "..."]:
    """Positive up to where the mean is three halves of the target."""
    cube = jnp.square(prediction) * prediction
    return (2 + 6 * relative_excess(target, prediction)) / cube


_INVERSE_GAUSSIAN_SECONDS = {
    ("prediction", "prediction"): inverse_gaussian_dprediction_dprediction,
    ("prediction", "target"): lambda prediction, target: (
        -2 / (jnp.square(prediction) * prediction) + 0.0 * target
    ),
    ("target", "target"): lambda prediction, target: (
        2 / (jnp.square(target) * target) + 0.0 * prediction
    ),
}
inverse_gaussian_deviance, _INVERSE_GAUSSIAN = with_partials(
    _inverse_gaussian_deviance,
    dict(prediction=_inverse_gaussian_dprediction, target=_inverse_gaussian_dtarget),
    _INVERSE_GAUSSIAN_SECONDS,
)

INVERSE_GAUSSIAN_DEVIANCE = Formula(
    fn=inverse_gaussian_deviance,
    plain=_inverse_gaussian_deviance,
    domain=dict(prediction=_MIDDLE, target=_MIDDLE),
    partials=_INVERSE_GAUSSIAN,
    seconds=_INVERSE_GAUSSIAN_SECONDS,
    facts=(
        Convex("target"),
        Bounded("prediction", low=0.0),
        _AT_TARGET,
        Minimizer("target", lambda prediction, target: prediction),
    ),
    tex=r"D(\mu, y) = \frac{(y - \mu)^2}{\mu^2 y}",
    source=Source(MODELS, "section 2.3"),
    topic="P19",
)

_NODES, _WEIGHTS = gauss_legendre(20)


def _integrals(prediction, target, power, logs):
    r"""The integral from the mean to the target of $(y - s) s^{-\rho} \log(s / \mu)^k$, k = `logs`.

    In units of $\mu^{2 - \rho}$. Near the mean by Gauss's rule, all of whose terms are positive or
    of one sign; elsewhere as a difference of moments of an exponential, in which no power is
    divided by one that may be zero.
    """
    prediction, target, power = map(jnp.asarray, (prediction, target, power))
    prediction, target, power = jnp.broadcast_arrays(prediction, target, power)
    excess = relative_excess(target, prediction)
    close = (excess > -0.7) & (excess < 2)
    u = jnp.where(close, excess, 0.0)
    total = jnp.zeros_like(u)
    for node, weight in zip(_NODES.tolist(), _WEIGHTS.tolist(), strict=True):
        log = jnp.log1p(node * u)
        total = total + (weight * (1 - node)) * (jnp.exp(-power * log) * log**logs)
    near = jnp.square(u) * total
    log = jnp.where(close, 1.0, log_ratio(target, prediction))
    first = exponential_moment(logs + 1, (1 - power) * log)
    second = exponential_moment(logs + 1, (2 - power) * log)
    ratio = jnp.where(close, 1.0, target / prediction)
    far = log ** (logs + 1) * (ratio * first - second)
    return jnp.where(close, near, far)


def _mean_power(prediction, power):
    return jnp.exp((2 - jnp.asarray(power)) * jnp.log(prediction))


def _tweedie_deviance(prediction: Real, target: Real, power: Real = 1.5) -> Float[Array, "..."]:
    r"""The deviance of a variance $\mu^\rho$, the power $\rho$ from 1 (Poisson) to 2 (gamma).

    Both ends are limits that are reached. Between them the target is that of a sum of gamma
    variables whose number is Poisson's. The target is positive.
    """
    return 2 * _mean_power(prediction, power) * _integrals(prediction, target, power, 0)


def _tweedie_dprediction(prediction: Real, target: Real, power: Real = 1.5) -> Float[Array, "..."]:
    r"""Twice the excess of the mean over the target, over $\mu^\rho$."""
    gap = jnp.asarray(prediction) - target
    return 2 * gap * jnp.exp(-jnp.asarray(power) * jnp.log(prediction))


def _tweedie_dtarget(prediction: Real, target: Real, power: Real = 1.5) -> Float[Array, "..."]:
    r"""Twice the integral of $s^{-\rho}$ from the mean to the target."""
    rest, log = 1 - jnp.asarray(power), log_ratio(target, prediction)
    scale = jnp.exp(rest * jnp.log(prediction))
    return 2 * (scale * (log * exponential_moment(1, rest * log)))


def _tweedie_dpower(prediction: Real, target: Real, power: Real = 1.5) -> Float[Array, "..."]:
    r"""Minus twice the integral of $(y - s) s^{-\rho} \log s$ from the mean to the target."""
    first = _integrals(prediction, target, power, 1)
    whole = _integrals(prediction, target, power, 0)
    return -2 * _mean_power(prediction, power) * (first + jnp.log(prediction) * whole)


def tweedie_dprediction_dprediction(
    prediction: Real, target: Real, power: Real = 1.5
) -> Float[Array, "..."]:
    r"""Twice $(\rho y + (1 - \rho) \mu) / \mu^{\rho + 1}$."""
    prediction, power = jnp.asarray(prediction), jnp.asarray(power)
    excess = relative_excess(target, prediction)
    return 2 * (1 + power * excess) * jnp.exp(-power * jnp.log(prediction))


def tweedie_dprediction_dtarget(
    prediction: Real, target: Real, power: Real = 1.5
) -> Float[Array, "..."]:
    r"""Minus two over $\mu^\rho$."""
    return -2 * jnp.exp(-jnp.asarray(power) * jnp.log(prediction)) + 0.0 * jnp.asarray(target)


def tweedie_dprediction_dpower(
    prediction: Real, target: Real, power: Real = 1.5
) -> Float[Array, "..."]:
    r"""Minus the slope in the mean times the logarithm of the mean."""
    return -jnp.log(prediction) * _tweedie_dprediction(prediction, target, power)


def tweedie_dtarget_dtarget(
    prediction: Real, target: Real, power: Real = 1.5
) -> Float[Array, "..."]:
    r"""Two over $y^\rho$."""
    return 2 * jnp.exp(-jnp.asarray(power) * jnp.log(target)) + 0.0 * jnp.asarray(prediction)


def tweedie_dtarget_dpower(
    prediction: Real, target: Real, power: Real = 1.5
) -> Float[Array, "..."]:
    r"""Minus twice the integral of $s^{-\rho} \log s$ from the mean to the target."""
    rest, log = 1 - jnp.asarray(power), log_ratio(target, prediction)
    start = jnp.log(prediction)
    first, second = exponential_moment(1, rest * log), exponential_moment(2, rest * log)
    return -2 * jnp.exp(rest * start) * (log * (start * first + log * second))


def tweedie_dpower_dpower(prediction: Real, target: Real, power: Real = 1.5) -> Float[Array, "..."]:
    r"""Twice the integral of $(y - s) s^{-\rho} \log^2 s$ from the mean to the target."""
    none, one, two = (_integrals(prediction, target, power, k) for k in range(3))
    start = jnp.log(prediction)
    return 2 * _mean_power(prediction, power) * (two + start * (2 * one + start * none))


_TWEEDIE_SECONDS = {
    ("prediction", "prediction"): tweedie_dprediction_dprediction,
    ("prediction", "target"): tweedie_dprediction_dtarget,
    ("prediction", "power"): tweedie_dprediction_dpower,
    ("target", "target"): tweedie_dtarget_dtarget,
    ("target", "power"): tweedie_dtarget_dpower,
    ("power", "power"): tweedie_dpower_dpower,
}
tweedie_deviance, _TWEEDIE = with_partials(
    _tweedie_deviance,
    dict(prediction=_tweedie_dprediction, target=_tweedie_dtarget, power=_tweedie_dpower),
    _TWEEDIE_SECONDS,
)

TWEEDIE_DEVIANCE = Formula(
    fn=tweedie_deviance,
    plain=_tweedie_deviance,
    domain=dict(prediction=_MIDDLE, target=_MIDDLE, power=Interval(1.0, 2.0, closed=(True, True))),
    partials=_TWEEDIE,
    seconds=_TWEEDIE_SECONDS,
    facts=(
        Convex("target"),
        Bounded("prediction", low=0.0),
        _AT_TARGET,
        Minimizer("target", lambda prediction, target, power: prediction),
        Convex("power"),
    ),
    exceptions={
        "second_derivatives/prediction, target": "more than roundings at 1 of 26 points, where the "
        "prediction is 1e12 times the target"
    },
    tex=r"D_\rho(\mu, y) = 2 \int_\mu^y \frac{y - s}{s^\rho}\,ds",
    source=Source("jorgensen1987exponential", "section 2"),
    topic="P19",
)

DEVIANCES = (POISSON_DEVIANCE, GAMMA_DEVIANCE, INVERSE_GAUSSIAN_DEVIANCE, TWEEDIE_DEVIANCE)
