r"""Losses whose gradient improves a policy: of one action that was taken in one state.

Advantages are data: they are not differentiated. A discrete policy is given by logits, one for
each action; an action that is not allowed has a logit of minus infinity.
"""

import jax
import jax.numpy as jnp
from jax.lax import stop_gradient
from jaxtyping import Array, ArrayLike, Float

from jaxmath.domains import OPEN_UNIT, POSITIVE, REAL, Box, Fixed, Integers, Interval
from jaxmath.formula import (
    Bounded,
    Break,
    Conjugate,
    Convex,
    Formula,
    Lipschitz,
    Minimizer,
    Prox,
    Smooth,
    Source,
    with_rule,
)
from jaxmath.losses.classification import (
    softmax_cross_entropy,
    softmax_cross_entropy_dlogits,
    softmax_cross_entropy_dlogits_dlogits,
)
from jaxmath.losses.duality import where_allowed
from jaxmath.special import log_softmax, softmax
from jaxmath.special.norm import norm
from jaxmath.special.normalized import Logits
from jaxmath.typing import Label, Real, Scalar


def policy_gradient(logits: Logits, action: Label, advantage: Scalar) -> Float[Array, ""]:
    """Minus the log-probability, in nats, of the action, times the advantage (REINFORCE)."""
    return jnp.asarray(stop_gradient(advantage)) * softmax_cross_entropy(logits, action)


def policy_gradient_dlogits(logits: Logits, action: Label, advantage: Scalar) -> Float[Array, " n"]:
    """The advantage times the probabilities, less one at the action."""
    return jnp.asarray(advantage) * softmax_cross_entropy_dlogits(logits, action)


def policy_gradient_dlogits_dlogits(
    logits: Logits, action: Label, advantage: Scalar
) -> Float[Array, "n n"]:
    """The advantage times the covariance of the action."""
    return jnp.asarray(advantage) * softmax_cross_entropy_dlogits_dlogits(logits, action)


_ADVANTAGE = Fixed(REAL)
# Only a factor; a large one would show that probabilities below the normal numbers count as zero.
_UNIT = Interval(-1.0, 1.0, closed=(True, True))

POLICY_GRADIENT = Formula(
    fn=policy_gradient,
    domain=dict(logits=Box((3,), REAL), action=Integers(0, 2), advantage=Fixed(_UNIT)),
    partials=dict(logits=policy_gradient_dlogits),
    seconds={("logits", "logits"): policy_gradient_dlogits_dlogits},
    facts=(
        Lipschitz("logits", lambda logits, action, advantage: 2**0.5 * jnp.abs(advantage)),
        Smooth("logits", lambda logits, action, advantage: 0.5 * jnp.abs(advantage)),
    ),
    tex=r"\ell(z, a) = -A \log\operatorname{softmax}(z)_a",
    source=Source("sutton2018reinforcement", "section 13.3"),
    topic="M13",
)


def all_action_policy_gradient(logits: Logits, values: Logits) -> Float[Array, ""]:
    """Minus the mean value of the actions under the policy: the all-actions policy gradient.

    The values of all actions are data, and a baseline taken from all of them changes nothing.
    """
    return -jnp.sum(softmax(logits) * stop_gradient(jnp.asarray(values)))


def _softmax_entropy(logits: Logits) -> Float[Array, ""]:
    """The entropy, in nats, of the softmax of logits; a bonus to be subtracted from a loss."""
    p = softmax(logits)
    return jnp.sum(jnp.where(p == 0, 0.0, -p * log_softmax(logits)))


def softmax_entropy_dlogits(logits: Logits) -> Float[Array, " n"]:
    """The probabilities times how far below the mean logit each one is."""
    possible = jnp.where(softmax(logits) == 0, 0.0, logits - jnp.max(logits))
    return -jax.jvp(softmax, (logits,), (possible,))[1]


softmax_entropy = with_rule(_softmax_entropy, logits=softmax_entropy_dlogits)

SOFTMAX_ENTROPY = Formula(
    fn=softmax_entropy,
    plain=_softmax_entropy,
    domain=dict(logits=Box((2,), REAL)),
    partials=dict(logits=softmax_entropy_dlogits),
    facts=(
        Bounded("logits", 0.0),
        Lipschitz("logits", lambda logits: (jnp.log(logits.size - 1.0) ** 2 / 4 + 1) ** 0.5),
    ),
    tex=r"H(z) = -\sum_a p_a \log p_a, \quad p = \operatorname{softmax}(z)",
    source=Source("williams1991function", "section 3"),
    topic="M13",
)


def clipped_surrogate(ratio: Real, advantage: Real, epsilon: Real = 0.2) -> Float[Array, "..."]:
    """Minus the lesser of the advantage times the ratio and times the clipped ratio (PPO).

    The ratio is that of the action's probabilities under the new and the old policy; it is clipped
    to within `epsilon` of one. Where clipping begins the slope is taken as zero.
    """
    advantage = stop_gradient(1.0 * jnp.asarray(advantage))
    clipped = _clips(ratio, advantage, epsilon)
    bound = 1 + jnp.sign(advantage) * epsilon
    return -advantage * jnp.where(clipped, bound, ratio)


def _clips(ratio, advantage, epsilon):
    """Whether the ratio has gone as far as it may in the direction of the advantage."""
    beyond = jnp.sign(advantage) * ((jnp.asarray(ratio) - 1) - jnp.sign(advantage) * epsilon)
    return beyond >= 0


def clipped_surrogate_dratio(
    ratio: Real, advantage: Real, epsilon: Real = 0.2
) -> Float[Array, "..."]:
    """Minus the advantage, unless clipped."""
    return jnp.where(_clips(ratio, advantage, epsilon), 0.0, -jnp.asarray(advantage) + 0.0 * ratio)


def _clipped_conjugate(ratio: Real, advantage: Real, epsilon: Real) -> Float[Array, "..."]:
    """The slope plus the advantage, times the ratio at which clipping begins."""
    side = jnp.sign(advantage)
    value = (ratio + advantage) * (1 + side * epsilon)
    return where_allowed(value, (side * ratio <= 0) & (side * ratio >= -jnp.abs(advantage)))


def _clipped_prox(step: Real, ratio: Real, advantage: Real, epsilon: Real) -> Float[Array, "..."]:
    """The ratio moved by step times advantage, but no farther than to where clipping begins."""
    advantage = jnp.asarray(advantage)
    moved, bound = ratio + step * advantage, 1 + jnp.sign(advantage) * epsilon
    moved = jnp.where(advantage > 0, jnp.minimum(moved, bound), jnp.maximum(moved, bound))
    return jnp.where(_clips(ratio, advantage, epsilon), ratio, moved)


CLIPPED_SURROGATE = Formula(
    fn=clipped_surrogate,
    domain=dict(ratio=POSITIVE, advantage=_ADVANTAGE, epsilon=Fixed(OPEN_UNIT)),
    partials=dict(ratio=clipped_surrogate_dratio),
    seconds={("ratio", "ratio"): lambda ratio, advantage, epsilon: 0.0 * ratio},
    breaks=(
        Break(
            lambda ratio, advantage, epsilon: (ratio - 1) - jnp.sign(advantage) * epsilon,
            order=1,
            convention="zero",
        ),
    ),
    facts=(
        Convex("ratio"),
        Lipschitz("ratio", lambda ratio, advantage, epsilon: jnp.abs(advantage)),
        Minimizer(
            "ratio",
            lambda ratio, advantage, epsilon: 1 + jnp.sign(advantage) * epsilon + 0.0 * ratio,
        ),
        Conjugate("ratio", fn=_clipped_conjugate),
        Prox("ratio", fn=_clipped_prox),
    ),
    tex=r"\ell(\rho) = -\min\bigl(\rho A, \operatorname{clip}(\rho, 1 - \epsilon, 1 + \epsilon) A"
    r"\bigr)",
    source=Source("schulman2017proximal", "eq. 7"),
    topic="M13",
)


def dpg(action: Float[ArrayLike, " n"], slope: Float[ArrayLike, " n"]) -> Float[Array, ""]:
    """A function of the action whose gradient is minus the slope of its value.

    For the deterministic policy gradient; the value of this function itself means nothing.
    """
    return -jnp.sum(stop_gradient(slope) * action)


def dpg_daction(
    action: Float[ArrayLike, " n"], slope: Float[ArrayLike, " n"]
) -> Float[Array, " n"]:
    """Minus the slope of the value in the action."""
    return -jnp.asarray(slope) + 0.0 * action


DPG = Formula(
    fn=dpg,
    domain=dict(action=Box((2,), REAL), slope=Fixed(Box((2,), REAL))),
    partials=dict(action=dpg_daction),
    facts=(
        Convex("action"),
        Lipschitz("action", lambda action, slope: norm(slope)),
        Smooth("action", 0.0),
        Conjugate("action", fn=lambda action, slope: where_allowed(0.0, jnp.all(action == -slope))),
        Prox("action", fn=lambda step, action, slope: action + step * slope),
    ),
    tex=r"\ell(a) = -\langle a, \nabla_a Q(s, a) \rangle",
    source=Source("silver2014deterministic", "eq. 9"),
    topic="M13",
)

POLICY = (POLICY_GRADIENT, SOFTMAX_ENTROPY, CLIPPED_SURROGATE, DPG)
