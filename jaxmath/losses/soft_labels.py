r"""Losses of logits and a vector of labels: probabilities of the classes, or a label for each.

The classes that a mask takes away have a logit of minus infinity and the label zero: they add
nothing to the loss, and their slopes are zero.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.domains import REAL, UNIT, Box, Choices
from jaxmath.formula import (
    Bounded,
    Conjugate,
    Convex,
    Formula,
    Lipschitz,
    Minimizer,
    Smooth,
    Source,
    with_rule,
)
from jaxmath.losses.classification import logistic, logistic_dlogit, logistic_dlogit_dlogit
from jaxmath.losses.duality import cross_entropy_conjugate, softplus_conjugate
from jaxmath.special import log_softmax, softmax, softmax_complement, softmax_jacobian
from jaxmath.special.normalized import Logits, one_vector
from jaxmath.typing import Label, Scalar

Probabilities = Float[Array, " n"]


def same_length(logits: Logits, labels: Label):
    """Both as vectors of one length and dtype, refused if they are not."""
    logits, labels = one_vector(logits), jnp.asarray(labels)
    if labels.shape != logits.shape:
        raise ValueError(
            f"Expected a label for each of {logits.size} logits, got labels of shape "
            f"{labels.shape}."
        )
    return logits, labels.astype(logits.dtype)


def smooth_labels(labels: Label, smoothing: Scalar) -> Float[Array, " n"]:
    """A probability vector moved towards the uniform one by the share `smoothing`.

    Of a one-hot vector it makes the target of label smoothing, for `soft_cross_entropy`.
    """
    labels = 1.0 * jnp.asarray(labels)
    return (1 - jnp.asarray(smoothing, labels.dtype)) * labels + smoothing / labels.size


def smooth_labels_vjp(labels: Label, smoothing: Scalar, cotangent: Logits):
    """The cotangent shrunk, and its product with the way to the uniform vector."""
    labels, cotangent = jnp.asarray(labels), jnp.asarray(cotangent)
    return (1 - smoothing) * cotangent, jnp.sum(cotangent * (1 / labels.size - labels))


SMOOTH_LABELS = Formula(
    fn=smooth_labels,
    domain=dict(labels=Box((3,), UNIT), smoothing=UNIT),
    vjp=smooth_labels_vjp,
    facts=(
        Lipschitz("labels", 1.0),
        Bounded("labels", 0.0, 1.0),
        Lipschitz("smoothing", lambda labels, smoothing: jnp.linalg.norm(labels - 1 / labels.size)),
        Smooth("labels", 0.0),
        Smooth("smoothing", 0.0),
    ),
    tex=r"(1 - \epsilon)\, y + \frac{\epsilon}{n}",
    source=Source("szegedy2016rethinking", "section 7"),
    topic="P19",
)


def _soft_cross_entropy(logits: Logits, labels: Label) -> Float[Array, ""]:
    """The cross-entropy, in nats, of a probability vector with the softmax of logits.

    Any weights are allowed as labels: it is the sum of them times minus the log-probabilities. Of
    the scores of a list, with the chances of being first as labels, it is the ranking loss ListNet.

    Raises:
        ValueError: if there is not one label for each logit.
    """
    logits, labels = same_length(logits, labels)
    nats = jnp.where(labels == 0, 0.0, -log_softmax(logits))
    return jnp.sum(labels * nats)


@jax.custom_jvp
def soft_cross_entropy_dlogits(logits: Logits, labels: Label) -> Float[Array, " n"]:
    """The probabilities times the sum of the labels, minus the labels.

    It sums to zero; that gives the entry of a probability next to one from the others.
    """
    logits, labels = same_length(logits, labels)
    p = softmax(logits)
    slope = p * jnp.sum(labels) - labels
    likely = (p > 0.5) & (labels > 0)
    return jnp.where(likely, -jnp.sum(jnp.where(likely, 0.0, slope)), slope)


@soft_cross_entropy_dlogits.defjvp
def _dlogits_jvp(primals, tangents):
    logits, labels = same_length(*primals)
    p, change = jax.jvp(softmax, (logits,), tangents[:1])
    change = change * jnp.sum(labels)
    if jnp.issubdtype(jnp.asarray(primals[1]).dtype, jnp.floating):
        top = p > 0.5
        own, rest = (jnp.where(side, tangents[1], 0.0) for side in (top, ~top))
        at_top = p * jnp.sum(rest) - softmax_complement(logits) * own
        change = change + jnp.where(top, at_top, p * (jnp.sum(rest) + jnp.sum(own)) - rest)
    return soft_cross_entropy_dlogits(*primals), change


def soft_cross_entropy_dlabels(logits: Logits, labels: Label) -> Float[Array, " n"]:
    """Minus the log-probabilities."""
    del labels
    return -log_softmax(logits)


soft_cross_entropy = with_rule(
    _soft_cross_entropy, logits=soft_cross_entropy_dlogits, labels=soft_cross_entropy_dlabels
)

SOFT_CROSS_ENTROPY = Formula(
    fn=soft_cross_entropy,
    plain=_soft_cross_entropy,
    domain=dict(logits=Box((3,), REAL), labels=Box((3,), UNIT)),
    partials=dict(logits=soft_cross_entropy_dlogits, labels=soft_cross_entropy_dlabels),
    seconds={
        ("logits", "logits"): lambda logits, labels: jnp.sum(labels) * softmax_jacobian(logits)
    },
    facts=(
        Convex("logits"),
        Lipschitz("logits", lambda logits, labels: 2**0.5 * jnp.sum(labels)),
        Smooth("logits", lambda logits, labels: 0.5 * jnp.sum(labels)),
        Minimizer("logits", lambda logits, labels: jnp.log(labels)),
        Conjugate("logits", fn=cross_entropy_conjugate),
        Convex("labels"),
        Smooth("labels", 0.0),
        Lipschitz("labels", lambda logits, labels: jnp.linalg.norm(log_softmax(logits))),
    ),
    tex=r"\ell(z, q) = -\sum_k q_k \log\operatorname{softmax}(z)_k",
    source=Source("bishop2006prml", "eq. 4.108"),
    topic="P19",
)


def multilabel_logistic(logits: Logits, labels: Label) -> Float[Array, ""]:
    """The sum of the logistic losses of several labels in {0, 1}, each with a logit of its own.

    Torch's multi-label soft margin loss is this sum divided by the number of labels.

    Raises:
        ValueError: if there is not one label for each logit.
    """
    return jnp.sum(logistic(*same_length(logits, labels)))


def multilabel_logistic_dlogits(logits: Logits, labels: Label) -> Float[Array, " n"]:
    """The probability of each label minus the label."""
    return logistic_dlogit(*same_length(logits, labels))


MULTILABEL_LOGISTIC = Formula(
    fn=multilabel_logistic,
    domain=dict(logits=Box((3,), REAL), labels=Box((3,), Choices((0.0, 1.0)))),
    partials=dict(logits=multilabel_logistic_dlogits),
    seconds={
        ("logits", "logits"): lambda logits, labels: jnp.diag(
            logistic_dlogit_dlogit(logits, labels)
        )
    },
    facts=(
        Convex("logits"),
        Lipschitz("logits", lambda logits, labels: logits.size**0.5),
        Smooth("logits", 0.25),
        Conjugate("logits", fn=lambda logits, labels: jnp.sum(softplus_conjugate(logits + labels))),
    ),
    tex=r"\ell(z, y) = \sum_k \log(1 + e^{z_k}) - y_k z_k",
    source=Source("bishop2006prml", "eq. 4.90"),
    topic="P19",
)


SOFT_LABELS = (SMOOTH_LABELS, SOFT_CROSS_ENTROPY, MULTILABEL_LOGISTIC)
