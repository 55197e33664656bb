r"""Losses of the scores of a list of things, given how relevant each is."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.domains import REAL, Box, Integers
from jaxmath.formula import Bounded, Convex, Formula, Lipschitz, Smooth, Source
from jaxmath.losses.classification import (
    softmax_cross_entropy,
    softmax_cross_entropy_dlogits,
    softmax_cross_entropy_dlogits_dlogits,
)
from jaxmath.losses.soft_labels import (
    same_length,
)
from jaxmath.special.normalized import Logits
from jaxmath.typing import Label


def _stages(scores: Logits, relevance: Label):
    """For each place, most relevant first, the scores of what is left, and which is chosen."""
    scores, relevance = same_length(scores, relevance)
    order = jnp.argsort(-relevance, stable=True)
    place = jnp.argsort(order)
    left = place[None, :] >= jnp.arange(scores.size)[:, None]
    return jnp.where(left, scores[None, :], -jnp.inf), order


def listmle(scores: Logits, relevance: Label) -> Float[Array, ""]:
    """Minus the log-probability, in nats, of the right order in the Plackett-Luce model.

    The right order is by falling relevance, of equals by place: one after the other is chosen from
    those that are left, by the softmax of the scores.
    """
    return jnp.sum(jax.vmap(softmax_cross_entropy)(*_stages(scores, relevance)))


def listmle_dscores(scores: Logits, relevance: Label) -> Float[Array, " n"]:
    """The sum over all choices of the probabilities minus what was chosen."""
    return jnp.sum(jax.vmap(softmax_cross_entropy_dlogits)(*_stages(scores, relevance)), axis=0)


def listmle_dscores_dscores(scores: Logits, relevance: Label) -> Float[Array, "n n"]:
    """The sum over all choices of the covariances."""
    stages = _stages(scores, relevance)
    return jnp.sum(jax.vmap(softmax_cross_entropy_dlogits_dlogits)(*stages), axis=0)


LISTMLE = Formula(
    fn=listmle,
    domain=dict(scores=Box((2,), REAL), relevance=Box((2,), Integers(0, 2))),
    partials=dict(scores=listmle_dscores),
    seconds={("scores", "scores"): listmle_dscores_dscores},
    facts=(
        Convex("scores"),
        Bounded("scores", low=0.0),
        Lipschitz("scores", lambda scores, relevance: 2**0.5 * (scores.size - 1)),
        Smooth("scores", lambda scores, relevance: 0.5 * (scores.size - 1)),
    ),
    tex=r"\ell(s) = -\sum_i \log \frac{e^{s_{\pi_i}}}{\sum_{j \ge i} e^{s_{\pi_j}}}",
    source=Source("xia2008listwise", "section 4"),
    topic="P19",
)

LISTWISE_RANKING = (LISTMLE,)
