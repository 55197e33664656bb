r"""Losses of a score and a label, of one example.

Two conventions of labels, told apart by the name of the first argument: a `logit` (log-odds, in
nats) or `logits` go with a label in {0, 1} or a class index, a `score` with a label in {-1, 1}.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.domains import BINARY, REAL, SIGN, Box, Integers
from jaxmath.formula import (
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
    with_rule,
)
from jaxmath.losses.duality import (
    between,
    label_cross_entropy_conjugate,
    of_margin,
    prox_of_margin,
    softplus_conjugate,
)
from jaxmath.special import (
    relu,
    relu_dx,
    sigmoid,
    sigmoid_dx,
    softmax,
    softmax_jacobian,
)
from jaxmath.special.normalized import Logits, one_vector
from jaxmath.typing import Label, Real


def _logistic(logit: Real, label: Label) -> Float[Array, "..."]:
    """Minus the log-probability, in nats, of a label in {0, 1} when `logit` is the log-odds of 1.

    A label between 0 and 1 is read as the probability of 1. The label's own side is never formed
    as a difference of large numbers.
    """
    logit, label = _alike(logit, label)
    weight = jnp.where(logit > 0, 1 - label, -label)
    # A weight of zero silences an infinite logit too: certain and right costs nothing.
    linear = jnp.where(weight == 0, 0.0, weight * logit)
    return linear + jnp.log1p(jnp.exp(-jnp.abs(logit)))


def logistic_dlogit(logit: Real, label: Label) -> Float[Array, "..."]:
    """The probability of 1 minus the label, as two terms, one of which a hard label silences."""
    logit, label = _alike(logit, label)
    return (1 - label) * sigmoid(logit) - label * sigmoid(-logit)


def _alike(number: Real, label: Label) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
    """Both as arrays of one real dtype: an unsigned or boolean label cannot be negated."""
    number, label = 1.0 * jnp.asarray(number), jnp.asarray(label)
    dtype = jnp.result_type(number, label) if number.weak_type else number.dtype
    return number.astype(dtype), label.astype(dtype)


logistic = with_rule(_logistic, logit=logistic_dlogit)


def logistic_dlogit_dlogit(logit: Real, label: Label) -> Float[Array, "..."]:
    """The variance of the label under the model, whatever the label."""
    del label
    return sigmoid_dx(logit)


def _logistic_conjugate(slope: Real, label: Label) -> Float[Array, "..."]:
    """Minus the entropy, in nats, of a probability of 1 that is the label plus the slope."""
    slope, label = _alike(slope, label)
    # The share of the label itself and that of the other one, which is the size of the slope.
    other = jnp.where(label > 0, -slope, slope)
    return softplus_conjugate(other)


LOGISTIC = Formula(
    fn=logistic,
    plain=_logistic,
    domain=dict(logit=REAL, label=BINARY),
    partials=dict(logit=logistic_dlogit),
    seconds={("logit", "logit"): logistic_dlogit_dlogit},
    facts=(
        Convex("logit"),
        Lipschitz("logit", 1.0),
        Smooth("logit", 0.25),
        Proper("logit", probability=sigmoid),
        Conjugate("logit", fn=_logistic_conjugate),
    ),
    tex=r"\ell(z, y) = \log(1 + e^z) - y z",
    source=Source("bishop2006prml", "eq. 4.90"),
    topic="O8",
)


def _softmax_cross_entropy(logits: Logits, label: Label) -> Float[Array, ""]:
    """Minus the log-probability, in nats, of a class index; NaN for an index that is no class.

    Raises:
        ValueError: if the logits are not one vector.
    """
    _, _, others, own, short = _against_label(logits, label)
    # Of a label at the top own is exactly one; of another one the sum of the rest is at least one.
    return short + jnp.log1p(others + (own - 1))


@jax.custom_jvp
def softmax_cross_entropy_dlogits(logits: Logits, label: Label) -> Float[Array, " n"]:
    """The probabilities, minus one at the label: there, minus the probability of the others."""
    hot, weights, others, own, _ = _against_label(logits, label)
    return jnp.where(hot, -others, weights) / (others + own)


@softmax_cross_entropy_dlogits.defjvp
def _dlogits_jvp(primals, tangents):
    _, change = jax.jvp(softmax, primals[:1], tangents[:1])
    return softmax_cross_entropy_dlogits(*primals), change


softmax_cross_entropy = with_rule(_softmax_cross_entropy, logits=softmax_cross_entropy_dlogits)


def softmax_cross_entropy_dlogits_dlogits(logits: Logits, label: Label) -> Float[Array, "n n"]:
    """The covariance of the label under the model, whatever the label."""
    del label
    return softmax_jacobian(logits)


def _against_label(logits, label):
    """Where the label is, all weights, the sum of the others', the label's, how far it is from top.

    The weights are exponentials of the distance from the largest logit. The label's own is NaN
    for an index that is no class.
    """
    logits = one_vector(logits)
    hot = jnp.arange(logits.size) == label
    gap = logits - jnp.max(logits)
    weights = jnp.exp(gap)
    others = jnp.sum(jnp.where(hot, 0.0, weights))
    short = jnp.where(jnp.any(hot), -jnp.sum(jnp.where(hot, gap, 0.0)), jnp.nan)
    return hot, weights, others, jnp.exp(-short), short


SOFTMAX_CROSS_ENTROPY = Formula(
    fn=softmax_cross_entropy,
    plain=_softmax_cross_entropy,
    domain=dict(logits=Box((4,), REAL), label=Integers(0, 3)),
    partials=dict(logits=softmax_cross_entropy_dlogits),
    seconds={("logits", "logits"): softmax_cross_entropy_dlogits_dlogits},
    facts=(
        Convex("logits"),
        Lipschitz("logits", 2**0.5),
        Smooth("logits", 0.5),
        Proper("logits", probability=softmax, labels=(0.0, 1.0, 2.0, 3.0)),
        Conjugate("logits", fn=label_cross_entropy_conjugate),
    ),
    tex=r"\ell(z, y) = \log\sum_j e^{z_j} - z_y",
    source=Source("bishop2006prml", "eq. 4.108"),
    topic="P19",
)


def hinge(score: Real, label: Label) -> Float[Array, "..."]:
    """By how much the margin, label times score, falls short of one; label in {-1, 1}.

    At a margin of exactly one the slope is taken as zero.
    """
    return relu(1 - _margin(score, label))


def hinge_dscore(score: Real, label: Label) -> Float[Array, "..."]:
    """Minus the label where the margin is below one, else zero."""
    score, label = _alike(score, label)
    return -label * relu_dx(1 - label * score)


def _margin(score: Real, label: Label) -> Float[Array, "..."]:
    score, label = _alike(score, label)
    return label * score


HINGE = Formula(
    fn=hinge,
    domain=dict(score=REAL, label=SIGN),
    partials=dict(score=hinge_dscore),
    seconds={("score", "score"): lambda score, label: jnp.zeros_like(score)},
    breaks=(Break(lambda score, label: 1 - _margin(score, label), order=1, convention="zero"),),
    facts=(
        Convex("score"),
        Lipschitz("score", 1.0),
        Minimizer("score", lambda score, label: label + 0.0 * score),
        Conjugate("score", fn=of_margin(lambda slope: between(slope, slope, -1.0, 0.0))),
        Prox(
            "score",
            fn=prox_of_margin(lambda step, margin: margin + jnp.clip(1 - margin, 0.0, step)),
        ),
    ),
    tex=r"\ell(s, y) = \max(0, 1 - y s)",
    source=Source("hastie2009esl", "eq. 12.25"),
    topic="M5",
)

CLASSIFICATION = (LOGISTIC, SOFTMAX_CROSS_ENTROPY, HINGE)
