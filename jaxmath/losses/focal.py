r"""Cross-entropies reshaped by how probable the label already is: focal loss and poly-1.

All are functions of the log-odds of the label, $v = \log p_y / (1 - p_y)$: with two classes that
is the logit or minus it, with more the label's logit minus the logsumexp of the others. Neither
$p_y$ nor $1 - p_y$ is ever formed as a difference.
"""

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.domains import BINARY, REAL, UNIT, Box, Integers, Interval
from jaxmath.formula import Bounded, Convex, Formula, Lipschitz, Smooth, Source, with_rule
from jaxmath.losses.classification import _alike
from jaxmath.special import logsumexp, sigmoid, sigmoid_dx, softmax, softplus, tanh
from jaxmath.special.normalized import Logits, one_vector
from jaxmath.typing import Label, Real, Scalar

FOCUS = Interval(0.0, 100.0, closed=(True, True))


def _focal(odds: Float[Array, "..."], gamma: Real) -> Float[Array, "..."]:
    r"""The loss $-(1 - p)^\gamma \log p$ of a label with these log-odds."""
    return _focus(odds, gamma) * softplus(-odds)


def _focus(odds: Float[Array, "..."], gamma: Real) -> Float[Array, "..."]:
    r"""The factor $(1 - p)^\gamma$."""
    return jnp.exp(-jnp.asarray(gamma) * softplus(odds))


def _focal_dodds(odds: Float[Array, "..."], gamma: Real) -> Float[Array, "..."]:
    """What the cross-entropy and the focus lose with the log-odds: terms of one sign."""
    odds = jnp.asarray(odds)
    lost = gamma * sigmoid(odds) * softplus(-odds) + sigmoid(-odds)
    return -_focus(odds, gamma) * lost


def _focal_dgamma(odds: Float[Array, "..."], gamma: Real) -> Float[Array, "..."]:
    """The loss times the logarithm of the probability of all that is not the label."""
    return -softplus(odds) * _focal(odds, gamma)


def _focal_dodds_dodds(odds: Float[Array, "..."], gamma: Real) -> Float[Array, "..."]:
    right, wrong = sigmoid(odds), sigmoid(-odds)
    nats = right * softplus(-odds)
    bend = gamma * (gamma * right * nats + (2 * right - nats) * wrong) + right * wrong
    return _focus(odds, gamma) * bend


def _focal_dodds_dgamma(odds: Float[Array, "..."], gamma: Real) -> Float[Array, "..."]:
    r"""With $s = -\log p$, $t = -\log(1 - p)$: the focus times $\gamma t p s + (1-p) t - p s$.

    The last difference is odd in the log-odds v, and for v > 0 equals $(1 - p) v - (2p - 1) s$.
    """
    nats, size = sigmoid(odds) * softplus(-odds), jnp.abs(odds)
    gap = size * sigmoid(-size) - tanh(size / 2) * softplus(-size)
    focus = _focus(odds, gamma)
    return focus * softplus(odds) * gamma * nats + focus * jnp.sign(odds) * gap


def _focal_dgamma_dgamma(odds: Float[Array, "..."], gamma: Real) -> Float[Array, "..."]:
    return -softplus(odds) * _focal_dgamma(odds, gamma)


def _focal_bend_less(odds: Float[Array, "..."], gamma: Real) -> Float[Array, "..."]:
    """The second slope in the log-odds plus the first, which cancel where the label is sure."""
    right, wrong = sigmoid(odds), sigmoid(-odds)
    nats = right * softplus(-odds)
    bend = gamma * (gamma * right * nats + (2 * right - nats) * wrong - nats) - wrong * wrong
    return _focus(odds, gamma) * bend


focal_dodds = with_rule(_focal_dodds, odds=_focal_dodds_dodds, gamma=_focal_dodds_dgamma)
focal_dgamma = with_rule(_focal_dgamma, odds=_focal_dodds_dgamma, gamma=_focal_dgamma_dgamma)
focal_of_odds = with_rule(_focal, odds=focal_dodds, gamma=focal_dgamma)


def sigmoid_focal(
    logit: Real, label: Label, gamma: Real = 2.0, alpha: Real = 0.5
) -> Float[Array, "..."]:
    r"""The logistic loss times $(1 - p)^\gamma$, p the probability of the label in {0, 1}.

    `alpha` is the weight of the label 1, and one minus it the weight of 0. With gamma = 0 and
    alpha = 1/2 it is half the logistic loss.
    """
    odds, weight, _ = _of_label(logit, label, alpha)
    return weight * focal_of_odds(odds, gamma)


def _of_label(logit, label, alpha):
    """The log-odds of the label, its weight, and the sign that turns a logit into the former."""
    logit, label = _alike(logit, label)
    sign = 2 * label - 1
    return sign * logit, jnp.where(label > 0, alpha, 1 - jnp.asarray(alpha)), sign


def sigmoid_focal_dlogit(
    logit: Real, label: Label, gamma: Real = 2.0, alpha: Real = 0.5
) -> Float[Array, "..."]:
    """Towards the label, the more the less probable it is."""
    odds, weight, sign = _of_label(logit, label, alpha)
    return weight * sign * focal_dodds(odds, gamma)


def sigmoid_focal_dgamma(
    logit: Real, label: Label, gamma: Real = 2.0, alpha: Real = 0.5
) -> Float[Array, "..."]:
    """The loss times the log-probability of the other label."""
    odds, weight, _ = _of_label(logit, label, alpha)
    return weight * focal_dgamma(odds, gamma)


def sigmoid_focal_dalpha(
    logit: Real, label: Label, gamma: Real = 2.0, alpha: Real = 0.5
) -> Float[Array, "..."]:
    """The unweighted loss, with a minus for the label 0."""
    odds, _, sign = _of_label(logit, label, alpha)
    return sign * focal_of_odds(odds, gamma)


def _bend_bound(gamma: Real) -> Float[Array, "..."]:
    r"""No second slope in the log-odds is larger: of $p^2 \log p$, $p (1 - p)$ the largest."""
    return jnp.square(jnp.asarray(gamma)) / (2 * math.e) + jnp.asarray(gamma) / 2 + 0.25


_WORST_BEND = 0.5856
r"""Above the largest $-\log p \, \log^2 (1 - p)$, the bend in gamma at zero."""


SIGMOID_FOCAL = Formula(
    fn=sigmoid_focal,
    domain=dict(logit=REAL, label=BINARY, gamma=FOCUS, alpha=UNIT),
    partials=dict(
        logit=sigmoid_focal_dlogit, gamma=sigmoid_focal_dgamma, alpha=sigmoid_focal_dalpha
    ),
    seconds={
        ("alpha", "alpha"): lambda logit, label, gamma, alpha: 0.0 * logit * gamma * alpha,
    },
    facts=(
        Bounded("logit", low=0.0),
        Lipschitz(
            "logit",
            lambda logit, label, gamma, alpha: jnp.maximum(alpha, 1 - alpha) * (1 + gamma / math.e),
        ),
        Smooth(
            "logit",
            lambda logit, label, gamma, alpha: jnp.maximum(alpha, 1 - alpha) * _bend_bound(gamma),
        ),
        Convex("gamma"),
        Lipschitz("gamma", math.log(2) ** 2),
        Smooth("gamma", _WORST_BEND),
        Convex("alpha"),
        Smooth("alpha", 0.0),
        Lipschitz(
            "alpha",
            lambda logit, label, gamma, alpha: focal_of_odds((2 * label - 1) * logit, gamma),
        ),
    ),
    tex=r"\ell(z, y) = -\alpha_y (1 - p)^\gamma \log p, \quad p = \sigma((2y - 1) z)",
    source=Source("lin2017focal", "eq. 5"),
    topic="P19",
)


def _label_odds(logits: Logits, label: Label) -> Float[Array, ""]:
    """The log-odds of a class index against all others; NaN for an index that is no class."""
    logits = one_vector(logits)
    hot = jnp.arange(logits.size) == label
    own = jnp.where(jnp.any(hot), jnp.sum(jnp.where(hot, logits, 0.0)), jnp.nan)
    return -logsumexp(jnp.where(hot, -jnp.inf, logits - own))


def _odds_dlogits(logits: Logits, label: Label) -> Float[Array, " n"]:
    """One at the label, elsewhere minus the probabilities given that it is not the label."""
    hot = jnp.arange(jnp.size(logits)) == label
    return jnp.where(hot, 1.0, -softmax(jnp.where(hot, -jnp.inf, jnp.asarray(logits))))


label_odds = with_rule(_label_odds, logits=_odds_dlogits)


def _softmax_focal(logits: Logits, label: Label, gamma: Scalar = 2.0) -> Float[Array, ""]:
    r"""The softmax cross-entropy times $(1 - p)^\gamma$, p the probability of a class index."""
    return focal_of_odds(label_odds(logits, label), gamma)


def _through_odds(logits, label, change, slope, bend, less):
    """The Hessian of a function of the log-odds of the label, times a change of the logits.

    Given are its slope, its second slope `bend`, and `less`, their sum to all digits.
    """
    hot = jnp.arange(jnp.size(logits)) == label
    masked = jnp.where(hot, -jnp.inf, logits)
    change = jnp.asarray(change)
    own, rest = jnp.sum(jnp.where(hot, change, 0.0)), jnp.where(hot, 0.0, change)
    p, centred = jax.jvp(softmax, (masked,), (rest,))
    mean = jnp.sum(p * rest)
    sure = p * (less * mean - slope * rest - bend * own)
    unsure = bend * (p * (mean - own)) - slope * centred
    others = jnp.where(slope + 2 * bend > 0, sure, unsure)
    return jnp.where(hot, bend * (own - mean), others)


@jax.custom_jvp
def softmax_focal_dlogits(logits: Logits, label: Label, gamma: Scalar = 2.0) -> Float[Array, " n"]:
    """The slope in the log-odds of the label, times theirs."""
    return focal_dodds(label_odds(logits, label), gamma) * _odds_dlogits(logits, label)


@softmax_focal_dlogits.defjvp
def _softmax_focal_jvp(primals, tangents):
    logits, label, gamma = primals
    odds = label_odds(logits, label)
    curves = [f(odds, gamma) for f in (focal_dodds, _focal_dodds_dodds, _focal_bend_less)]
    change = _through_odds(logits, label, tangents[0], *curves)
    mixed = _focal_dodds_dgamma(odds, gamma) * _odds_dlogits(logits, label) * tangents[2]
    return softmax_focal_dlogits(*primals), change + mixed


def softmax_focal_dgamma(logits: Logits, label: Label, gamma: Scalar = 2.0) -> Float[Array, ""]:
    """The loss times the log-probability of all other classes together."""
    return focal_dgamma(label_odds(logits, label), gamma)


softmax_focal = with_rule(_softmax_focal, logits=softmax_focal_dlogits, gamma=softmax_focal_dgamma)

SOFTMAX_FOCAL = Formula(
    fn=softmax_focal,
    plain=_softmax_focal,
    domain=dict(logits=Box((3,), REAL), label=Integers(0, 2), gamma=FOCUS),
    partials=dict(logits=softmax_focal_dlogits, gamma=softmax_focal_dgamma),
    facts=(
        Bounded("logits", low=0.0),
        Lipschitz("logits", lambda logits, label, gamma: 2**0.5 * (1 + gamma / math.e)),
        Smooth(
            "logits",
            lambda logits, label, gamma: 2 * _bend_bound(gamma) + 0.5 * (1 + gamma / math.e),
        ),
        Convex("gamma"),
        Lipschitz("gamma", math.log(2) ** 2),
        Smooth("gamma", _WORST_BEND),
    ),
    tex=r"\ell(z, y) = -(1 - p_y)^\gamma \log p_y, \quad p = \operatorname{softmax}(z)",
    source=Source("lin2017focal", "eq. 4"),
    topic="P19",
)


def _poly1(logits: Logits, label: Label, epsilon: Scalar = 1.0) -> Float[Array, ""]:
    """The softmax cross-entropy plus `epsilon` times the probability that is not the label's.

    That changes the first coefficient of the cross-entropy's series in one minus the probability.
    """
    odds = label_odds(logits, label)
    return softplus(-odds) + epsilon * sigmoid(-odds)


@jax.custom_jvp
def poly1_dlogits(logits: Logits, label: Label, epsilon: Scalar = 1.0) -> Float[Array, " n"]:
    """The slope of the cross-entropy, amplified where the label is undecided."""
    odds = label_odds(logits, label)
    slope = -sigmoid(-odds) - epsilon * sigmoid_dx(odds)
    return slope * _odds_dlogits(logits, label)


@poly1_dlogits.defjvp
def _poly1_jvp(primals, tangents):
    logits, label, epsilon = primals
    odds = label_odds(logits, label)
    wrong, both = sigmoid(-odds), sigmoid_dx(odds)
    slope = -wrong - epsilon * both
    bend = both + epsilon * both * tanh(odds / 2)
    less = -wrong * wrong - 2 * epsilon * (both * wrong)
    change = _through_odds(logits, label, tangents[0], slope, bend, less)
    mixed = -both * _odds_dlogits(logits, label) * tangents[2]
    return poly1_dlogits(*primals), change + mixed


def poly1_depsilon(logits: Logits, label: Label, epsilon: Scalar = 1.0) -> Float[Array, ""]:
    """The probability of the other classes."""
    del epsilon
    return sigmoid(-label_odds(logits, label))


poly1 = with_rule(_poly1, logits=poly1_dlogits, epsilon=poly1_depsilon)

POLY1 = Formula(
    fn=poly1,
    plain=_poly1,
    domain=dict(
        logits=Box((3,), REAL),
        label=Integers(0, 2),
        epsilon=Interval(-1.0, 100.0, closed=(True, True)),
    ),
    partials=dict(logits=poly1_dlogits, epsilon=poly1_depsilon),
    seconds={("epsilon", "epsilon"): lambda logits, label, epsilon: 0.0 * epsilon},
    # The size of the slope in the log-odds, times that of their slope in the logits.
    facts=(
        Lipschitz("logits", lambda logits, label, epsilon: 2**0.5 * (1 + jnp.abs(epsilon) / 4)),
        Lipschitz("epsilon", 1.0),
        Smooth(
            "logits",
            lambda logits, label, epsilon: 1 + jnp.abs(epsilon) * (0.125 + 1 / (3 * 3**0.5)),
        ),
        Convex("epsilon"),
        Smooth("epsilon", 0.0),
    ),
    tex=r"\ell(z, y) = -\log p_y + \epsilon (1 - p_y), \quad p = \operatorname{softmax}(z)",
    source=Source("leng2022polyloss", "eq. 7"),
    topic="P19",
)
