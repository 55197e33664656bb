r"""Scores of a stated probability, interval or ensemble against what came true; less is better.

All are proper: the expected score is least for who states what he believes.
"""

import math

import jax.numpy as jnp
from jax.scipy.special import erf
from jaxtyping import Array, Float

from jaxmath.domains import BINARY, REAL, UNIT, Interval
from jaxmath.formula import (
    Bounded,
    Break,
    Conjugate,
    Convex,
    Formula,
    Lipschitz,
    Minimizer,
    Proper,
    Prox,
    Smooth,
    Source,
    StronglyConvex,
)
from jaxmath.losses.duality import between, half_square_prox, where_allowed
from jaxmath.special import log1p, relu, relu_dx, sigmoid, sigmoid_dx
from jaxmath.special.logarithm import log1p_gap
from jaxmath.special.normal_tail import mills_ratio_dx, ndtr_dz, ndtri
from jaxmath.special.partials import with_partials
from jaxmath.typing import Label, Real

GNEITING = "gneiting2007strictly"


def brier(probability: Real, label: Label) -> Float[Array, "..."]:
    """The squared gap between the stated probability of 1 and a label in {0, 1}."""
    return jnp.square(_surprise(probability, label))


def _surprise(probability, label):
    probability = 1.0 * jnp.asarray(probability)
    return probability - jnp.asarray(label, probability.dtype)


def brier_dprobability(probability: Real, label: Label) -> Float[Array, "..."]:
    """Twice the probability less the label."""
    return 2 * _surprise(probability, label)


def _brier_conjugate(probability: Real, label: Label) -> Float[Array, "..."]:
    """Over the probabilities: reached half a slope from the label, or at an end."""
    slope = jnp.asarray(probability)
    best = jnp.clip(label + slope / 2, 0.0, 1.0)
    return slope * best - jnp.square(best - label)


BRIER = Formula(
    fn=brier,
    domain=dict(probability=UNIT, label=BINARY),
    partials=dict(probability=brier_dprobability),
    seconds={
        ("probability", "probability"): lambda probability, label: jnp.full_like(probability, 2)
    },
    facts=(
        Convex("probability"),
        StronglyConvex("probability", 2.0),
        Smooth("probability", 2.0),
        Lipschitz("probability", 2.0),
        Bounded("probability", 0.0, 1.0),
        Proper("probability"),
        Minimizer("probability", lambda probability, label: label),
        Conjugate("probability", fn=_brier_conjugate),
        Prox(
            "probability",
            fn=lambda step, probability, label: half_square_prox(2 * step, probability, label),
        ),
    ),
    tex=r"\ell(p, y) = (p - y)^2",
    source=Source("brier1950verification"),
    topic="P18",
)


def _log_loss(probability: Real, label: Label) -> Float[Array, "..."]:
    """Minus the log-probability, in nats, of a label in {0, 1} by its stated probability of 1.

    Of a logit, `logistic` loses no digits where the probability is nearly one.
    """
    probability = 1.0 * jnp.asarray(probability)
    yes = jnp.asarray(label) > 0
    chance = jnp.log(jnp.where(yes, probability, 1.0))
    return -jnp.where(yes, chance, log1p(-jnp.where(yes, 0.0, probability)))


def _log_loss_dprobability(probability: Real, label: Label) -> Float[Array, "..."]:
    """Minus one over the probability of the label, with a plus for the label 0."""
    return -_inverse(probability, label)


def _inverse(probability, label):
    """One over the probability of the label, with a minus for the label 0."""
    probability = 1.0 * jnp.asarray(probability)
    return 1 / jnp.where(jnp.asarray(label) > 0, probability, probability - 1)


_LOG_LOSS_SECONDS = {
    ("probability", "probability"): lambda probability, label: jnp.square(
        _inverse(probability, label)
    )
}
log_loss, _LOG_LOSS = with_partials(
    _log_loss, dict(probability=_log_loss_dprobability), _LOG_LOSS_SECONDS
)


def _log_loss_conjugate(probability: Real, label: Label) -> Float[Array, "..."]:
    """Over the probabilities: beyond a slope of one, by the logarithm of its size."""
    slope, label = jnp.asarray(probability), jnp.asarray(label)
    size = jnp.where(label > 0, -slope, slope)
    beyond = jnp.maximum(size - 1, 0.0)
    own = jnp.where(size > 1, -1 - log1p(beyond), slope)
    return jnp.where(label > 0, own, log1p_gap(beyond))


def _log_loss_prox(step: Real, probability: Real, label: Label) -> Float[Array, "..."]:
    r"""With q the label's probability, the positive root of $u^2 - q u - t$, at most one."""
    label = jnp.asarray(label)
    q = jnp.where(label > 0, probability, 1 - jnp.asarray(probability))
    moved = jnp.minimum((q + jnp.sqrt(jnp.square(q) + 4 * step)) / 2, 1.0)
    return jnp.where(label > 0, moved, 1 - moved)


LOG_LOSS = Formula(
    fn=log_loss,
    plain=_log_loss,
    domain=dict(probability=Interval(1e-15, 1.0, closed=(True, False)), label=BINARY),
    partials=_LOG_LOSS,
    seconds=_LOG_LOSS_SECONDS,
    facts=(
        Convex("probability"),
        StronglyConvex("probability", 1.0),
        Bounded("probability", low=0.0),
        Minimizer("probability", lambda probability, label: label),
        Proper("probability"),
        Conjugate("probability", fn=_log_loss_conjugate),
        Prox("probability", fn=_log_loss_prox),
    ),
    tex=r"\ell(p, y) = -y \log p - (1 - y) \log(1 - p)",
    source=Source(GNEITING, "section 3"),
    topic="P18",
)


def _brier_logit(logit: Real, label: Label) -> Float[Array, "..."]:
    """The Brier score of the probability whose log-odds are the logit, in nats."""
    return jnp.square(_wrong(logit, label)[0])


def _wrong(logit, label):
    """The probability of the other label, and the sign of its slope in the logit."""
    logit = 1.0 * jnp.asarray(logit)
    sign = jnp.where(jnp.asarray(label) > 0, -1.0, 1.0).astype(logit.dtype)
    return sigmoid(sign * logit), sign


def _brier_logit_dlogit(logit: Real, label: Label) -> Float[Array, "..."]:
    """Twice the gap times the variance of the label under the model."""
    wrong, sign = _wrong(logit, label)
    return 2 * sign * (wrong * sigmoid_dx(logit))


def brier_logit_dlogit_dlogit(logit: Real, label: Label) -> Float[Array, "..."]:
    """Positive up to where the other label has a probability of two thirds."""
    wrong, sign = _wrong(logit, label)
    right = sigmoid(-sign * jnp.asarray(logit))
    return 2 * (wrong * (2 * right - wrong)) * sigmoid_dx(logit)


_BRIER_LOGIT_SECONDS = {("logit", "logit"): brier_logit_dlogit_dlogit}
brier_logit, _BRIER_LOGIT = with_partials(
    _brier_logit, dict(logit=_brier_logit_dlogit), _BRIER_LOGIT_SECONDS
)

BRIER_LOGIT = Formula(
    fn=brier_logit,
    plain=_brier_logit,
    domain=dict(logit=REAL, label=BINARY),
    partials=_BRIER_LOGIT,
    seconds=_BRIER_LOGIT_SECONDS,
    facts=(
        Bounded("logit", 0.0, 1.0),
        Lipschitz("logit", 8 / 27),
        Smooth("logit", 0.155),
        Proper("logit", probability=sigmoid),
    ),
    tex=r"\ell(z, y) = (\sigma(z) - y)^2",
    source=Source("brier1950verification"),
    topic="P18",
)

_SCALES = Interval(1e-9, 1e9, closed=(True, True))
_PLACES = Interval(-1e9, 1e9, closed=(True, True))


def _standard(loc, scale, target):
    """The error in units of the scale."""
    return (jnp.asarray(target) - jnp.asarray(loc)) / jnp.asarray(scale)


def _crps_normal(loc: Real, scale: Real, target: Real) -> Float[Array, "..."]:
    r"""The continuous ranked probability score of a normal distribution, in units of the target.

    The integral of the squared gap between the distribution function and the step at the target.
    Written as the absolute error plus two positive tails, less the scale over the root of pi.
    """
    scale = jnp.asarray(scale)
    z = jnp.abs(_standard(loc, scale, target))
    # What the density exceeds z times the tail by: the density times a moment of Mills' ratio.
    excess = ndtr_dz(z) * -mills_ratio_dx(z)
    return scale * (z - 1 / math.sqrt(math.pi) + 2 * excess)


def _crps_dtarget(loc: Real, scale: Real, target: Real) -> Float[Array, "..."]:
    """Twice the probability below the target, less one: the probability within |z|, signed."""
    z = _standard(loc, scale, target)
    return _within(z)


def _within(z):
    r"""The error function of $z / \sqrt2$."""
    return erf(z / math.sqrt(2))


def _crps_dloc(loc: Real, scale: Real, target: Real) -> Float[Array, "..."]:
    """Minus the slope in the target."""
    return -_crps_dtarget(loc, scale, target)


def _crps_dscale(loc: Real, scale: Real, target: Real) -> Float[Array, "..."]:
    r"""Twice the density of the standardised error, less one over the root of pi."""
    return 2 * ndtr_dz(_standard(loc, scale, target)) - 1 / math.sqrt(math.pi)


def _crps_bend(loc: Real, scale: Real, target: Real) -> Float[Array, "..."]:
    """Twice the density at the target."""
    return 2 * ndtr_dz(_standard(loc, scale, target)) / jnp.asarray(scale)


def _crps_drift(loc: Real, scale: Real, target: Real) -> Float[Array, "..."]:
    """Twice the density at the target times the standardised error."""
    return _standard(loc, scale, target) * _crps_bend(loc, scale, target)


def _minus_crps_bend(loc: Real, scale: Real, target: Real) -> Float[Array, "..."]:
    return -_crps_bend(loc, scale, target)


def _minus_crps_drift(loc: Real, scale: Real, target: Real) -> Float[Array, "..."]:
    return -_crps_drift(loc, scale, target)


def crps_normal_dscale_dscale(loc: Real, scale: Real, target: Real) -> Float[Array, "..."]:
    """Twice the density at the target times the squared standardised error."""
    return _standard(loc, scale, target) * _crps_drift(loc, scale, target)


_CRPS_SECONDS = {
    ("loc", "loc"): _crps_bend,
    ("loc", "scale"): _crps_drift,
    ("loc", "target"): _minus_crps_bend,
    ("scale", "scale"): crps_normal_dscale_dscale,
    ("scale", "target"): _minus_crps_drift,
    ("target", "target"): _crps_bend,
}
crps_normal, _CRPS = with_partials(
    _crps_normal, dict(loc=_crps_dloc, scale=_crps_dscale, target=_crps_dtarget), _CRPS_SECONDS
)


def _crps_conjugate(loc: Real, scale: Real, target: Real) -> Float[Array, "..."]:
    """The target times the slope, plus the scale times what the density there falls short."""
    slope = jnp.asarray(loc)
    tail = jnp.maximum((1 - jnp.abs(slope)) / 2, 0.0)
    density = jnp.where(tail > 0, ndtr_dz(ndtri(jnp.where(tail > 0, tail, 0.5))), 0.0)
    value = slope * target + scale * (1 / math.sqrt(math.pi) - 2 * density)
    return where_allowed(value, jnp.abs(slope) <= 1)


CRPS_NORMAL = Formula(
    fn=crps_normal,
    plain=_crps_normal,
    domain=dict(loc=_PLACES, scale=_SCALES, target=_PLACES),
    partials=_CRPS,
    seconds=_CRPS_SECONDS,
    facts=(
        Convex("loc"),
        Convex("scale"),
        Convex("target"),
        Lipschitz("loc", 1.0),
        Lipschitz("target", 1.0),
        Bounded("loc", low=0.0),
        Minimizer("loc", lambda loc, scale, target: target),
        Smooth("loc", lambda loc, scale, target: math.sqrt(2 / math.pi) / scale),
        Conjugate("loc", fn=_crps_conjugate),
        Minimizer(
            "scale",
            lambda loc, scale, target: jnp.clip(
                jnp.abs(target - loc) / math.sqrt(math.log(2)), 1e-9, 1e9
            ),
        ),
        Lipschitz("scale", 1 / math.sqrt(math.pi)),
        Smooth(
            "scale",
            lambda loc, scale, target: (
                6 * math.sqrt(1.5 / math.pi) * math.exp(-1.5) / jnp.abs(target - loc)
            ),
        ),
        Smooth("target", lambda loc, scale, target: math.sqrt(2 / math.pi) / scale),
        Minimizer("target", lambda loc, scale, target: loc),
    ),
    tex=r"\operatorname{CRPS}(\mu, \sigma, y) = \sigma \Bigl(z (2\Phi(z) - 1) + 2\varphi(z)"
    r" - \frac{1}{\sqrt\pi}\Bigr), \quad z = \frac{y - \mu}{\sigma}",
    source=Source(GNEITING, "section 4.2"),
    topic="P18",
)


def interval_score(low: Real, high: Real, target: Real, alpha: Real = 0.1) -> Float[Array, "..."]:
    r"""The width of a stated interval, plus $2 / \alpha$ times by how much the target misses it.

    Least in expectation for the interval between the quantiles of level $\alpha / 2$ and
    $1 - \alpha / 2$. At an end the slope is taken as if the target lay inside.
    """
    low, high, target = map(jnp.asarray, (low, high, target))
    missed = relu(low - target) + relu(target - high)
    return (high - low) + 2 * (missed / jnp.asarray(alpha))


def interval_score_dlow(
    low: Real, high: Real, target: Real, alpha: Real = 0.1
) -> Float[Array, "..."]:
    r"""Minus one, and $2 / \alpha$ more where the target lies below."""
    del high
    return 2 * (relu_dx(jnp.asarray(low) - target) / jnp.asarray(alpha)) - 1


def interval_score_dhigh(
    low: Real, high: Real, target: Real, alpha: Real = 0.1
) -> Float[Array, "..."]:
    r"""One, and $2 / \alpha$ less where the target lies above."""
    del low
    return 1 - 2 * (relu_dx(jnp.asarray(target) - high) / jnp.asarray(alpha))


def interval_score_dtarget(
    low: Real, high: Real, target: Real, alpha: Real = 0.1
) -> Float[Array, "..."]:
    r"""$2 / \alpha$ above the interval, minus that below."""
    above, below = relu_dx(jnp.asarray(target) - high), relu_dx(jnp.asarray(low) - target)
    return 2 * ((above - below) / jnp.asarray(alpha))


def interval_score_dalpha(
    low: Real, high: Real, target: Real, alpha: Real = 0.1
) -> Float[Array, "..."]:
    r"""Minus $2 / \alpha^2$ times by how much the target misses the interval."""
    low, high, target = map(jnp.asarray, (low, high, target))
    missed = relu(low - target) + relu(target - high)
    return -2 * (missed / jnp.square(jnp.asarray(alpha)))


def _interval_low_conjugate(low: Real, high: Real, target: Real, alpha: Real):
    """Of a slope, in the lower end's place, between minus one and that beyond the target."""
    high, target = jnp.asarray(high), jnp.asarray(target)
    value = (low + 1) * target - high - 2 * (relu(target - high) / alpha)
    return between(value, low, -1.0, 2 / alpha - 1)


def _interval_high_conjugate(low: Real, high: Real, target: Real, alpha: Real):
    """As of the lower end, seen in a mirror."""
    low, target = jnp.asarray(low), jnp.asarray(target)
    value = (high - 1) * target + low - 2 * (relu(low - target) / alpha)
    return between(value, high, 1 - 2 / alpha, 1.0)


def _interval_low_prox(step: Real, low: Real, high: Real, target: Real, alpha: Real):
    """Upwards by a step, or down to the target by at most what lies beyond it costs."""
    del high
    low = jnp.asarray(low)
    return jnp.clip(target, low - step * (2 / alpha - 1), low + step)


def _interval_high_prox(step: Real, low: Real, high: Real, target: Real, alpha: Real):
    """As of the lower end, seen in a mirror."""
    del low
    high = jnp.asarray(high)
    return jnp.clip(target, high - step, high + step * (2 / alpha - 1))


INTERVAL_SCORE = Formula(
    fn=interval_score,
    domain=dict(
        low=_PLACES, high=_PLACES, target=_PLACES, alpha=Interval(1e-6, 1.0, closed=(True, False))
    ),
    where=lambda low, high, target, alpha: low < high,
    partials=dict(
        low=interval_score_dlow,
        high=interval_score_dhigh,
        target=interval_score_dtarget,
        alpha=interval_score_dalpha,
    ),
    breaks=(
        Break(
            lambda low, high, target, alpha: low - target,
            order=1,
            convention="left",
            arguments=("low", "target"),
        ),
        Break(
            lambda low, high, target, alpha: target - high,
            order=1,
            convention="left",
            arguments=("high", "target"),
        ),
    ),
    facts=(
        Convex("low"),
        Convex("high"),
        Convex("target"),
        Convex("alpha"),
        Lipschitz("low", lambda low, high, target, alpha: 2 / alpha - 1),
        Lipschitz("high", lambda low, high, target, alpha: 2 / alpha - 1),
        Lipschitz("target", lambda low, high, target, alpha: 2 / alpha),
        Minimizer("low", lambda low, high, target, alpha: target),
        Minimizer("high", lambda low, high, target, alpha: target),
        Conjugate("low", fn=_interval_low_conjugate),
        Conjugate("high", fn=_interval_high_conjugate),
        Prox("low", fn=_interval_low_prox),
        Prox("high", fn=_interval_high_prox),
    ),
    tex=r"S_\alpha(l, u; y) = (u - l) + \frac{2}{\alpha} \max(0, l - y)"
    r" + \frac{2}{\alpha} \max(0, y - u)",
    source=Source(GNEITING, "section 6.2"),
    topic="P18",
)

SCORING = (BRIER, LOG_LOSS, BRIER_LOGIT, CRPS_NORMAL, INTERVAL_SCORE)
