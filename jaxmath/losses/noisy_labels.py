r"""Cross-entropies corrected for labels that were flipped by a known transition matrix.

`transition[i, j]` is the probability that a label i is seen as j: its rows sum to one. The forward
correction flips the prediction as the labels were, and its minimiser is that of clean labels; the
backward correction weighs the losses of all labels so that the mean over the flips is the clean
loss, and may be negative.
"""

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from jaxmath.domains import REAL, Box, Choices, Fixed, Integers, PositiveDefinite
from jaxmath.formula import Bounded, Convex, Formula, Lipschitz, Smooth, Source, with_rule
from jaxmath.losses.soft_labels import soft_cross_entropy, soft_cross_entropy_dlogits
from jaxmath.special import log_softmax, logsumexp, softmax, softmax_jacobian
from jaxmath.special.normalized import Logits
from jaxmath.typing import Label

Transition = Float[ArrayLike, "n n"]
_CHANCES = Choices((0.0625, 0.25, 0.75, 0.9375))


def _chances(transition: Transition, label: Label) -> Float[Array, " n"]:
    """How probable the seen label is given each true one; NaN for an index that is no class."""
    transition = jnp.asarray(transition)
    hot = jnp.arange(transition.shape[1]) == label
    chosen = jnp.sum(jnp.where(hot[None, :], transition, 0.0), axis=1)
    return jnp.where(jnp.any(hot), chosen, jnp.nan)


def _forward_corrected(logits: Logits, label: Label, transition: Transition) -> Float[Array, ""]:
    """Minus the log-probability, in nats, of the seen label, a class index."""
    return -logsumexp(log_softmax(logits) + jnp.log(_chances(transition, label)))


def forward_corrected_dlogits(
    logits: Logits, label: Label, transition: Transition
) -> Float[Array, " n"]:
    r"""The probabilities minus those given the seen label.

    With chances $t_i$ of it they are $p_i \sum_j p_j (t_j - t_i)$ over its own probability
    $\sum_j p_j t_j$, unless that is too small to divide by.
    """
    p, chances = softmax(logits), _chances(transition, label)
    largest = jnp.max(chances)
    seen = jnp.sum(p * (chances / largest))
    enough = ~(seen < jnp.cbrt(jnp.finfo(p.dtype).tiny))
    lead = (chances[None, :] - chances[:, None]) / largest
    close = p * jnp.sum(p[None, :] * lead, axis=1) / jnp.where(enough, seen, 1.0)
    return jnp.where(enough, close, p - softmax(logits + jnp.log(chances)))


def _forward_corrected_dtransition(
    logits: Logits, label: Label, transition: Transition
) -> Float[Array, "n n"]:
    """In the column of the seen label, minus the probabilities over that of the seen label."""
    log_p, transition = log_softmax(logits), jnp.asarray(transition)
    share = jnp.exp(log_p - logsumexp(log_p + jnp.log(_chances(transition, label))))
    hot = jnp.arange(transition.shape[1]) == label
    return jnp.where(hot[None, :], -share[:, None], 0.0)


forward_corrected = with_rule(
    _forward_corrected,
    logits=forward_corrected_dlogits,
    transition=_forward_corrected_dtransition,
)

FORWARD_CORRECTED = Formula(
    fn=forward_corrected,
    plain=_forward_corrected,
    domain=dict(logits=Box((2,), REAL), label=Integers(0, 1), transition=Box((2, 2), _CHANCES)),
    partials=dict(logits=forward_corrected_dlogits),
    facts=(
        Lipschitz("logits", 2**0.5),
        Bounded("logits", low=0.0),
        Smooth("logits", 0.5),
    ),
    tex=r"\ell(z, y) = -\log \sum_i T_{iy} \operatorname{softmax}(z)_i",
    source=Source("patrini2017making", "theorem 2"),
    topic="R3",
)


def backward_corrected(logits: Logits, label: Label, transition: Transition) -> Float[Array, ""]:
    """The cross-entropies of all labels, weighed by the seen label's row of the inverse."""
    return soft_cross_entropy(logits, _weights(transition, label))


def _weights(transition: Transition, label: Label) -> Float[Array, " n"]:
    """The row of the inverse transition matrix that belongs to the seen label."""
    transition = jnp.asarray(transition)
    hot = jnp.arange(transition.shape[1]) == label
    return jnp.linalg.solve(transition.T, hot.astype(transition.dtype))


def backward_corrected_dlogits(
    logits: Logits, label: Label, transition: Transition
) -> Float[Array, " n"]:
    """The probabilities times the sum of the weights, minus the weights."""
    return soft_cross_entropy_dlogits(logits, _weights(transition, label))


def _steepest(weights: Float[Array, " n"]) -> Float[Array, ""]:
    """The largest length of the probabilities times the weights' sum, minus the weights."""
    ends = jnp.sum(weights) * jnp.eye(weights.size, dtype=weights.dtype) - weights[None]
    return jnp.max(jnp.linalg.norm(ends, axis=1))


BACKWARD_CORRECTED = Formula(
    fn=backward_corrected,
    domain=dict(
        logits=Box((2,), REAL),
        label=Integers(0, 1),
        # The rows of its inverse have positive sums, as those of every transition have.
        transition=Fixed(PositiveDefinite(2, condition=5.0)),
    ),
    partials=dict(logits=backward_corrected_dlogits),
    seconds={
        ("logits", "logits"): lambda logits, label, transition: (
            softmax_jacobian(logits) * jnp.sum(_weights(transition, label))
        )
    },
    facts=(
        Convex("logits"),
        Lipschitz(
            "logits", lambda logits, label, transition: _steepest(_weights(transition, label))
        ),
        Smooth(
            "logits", lambda logits, label, transition: 0.5 * jnp.sum(_weights(transition, label))
        ),
    ),
    tex=r"\ell(z, y) = -\sum_j (T^{-1})_{yj} \log\operatorname{softmax}(z)_j",
    source=Source("patrini2017making", "theorem 1"),
    topic="R3",
)

NOISY_LABELS = (FORWARD_CORRECTED, BACKWARD_CORRECTED)
