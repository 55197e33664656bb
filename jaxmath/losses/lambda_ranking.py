r"""LambdaRank: the pairwise logistic loss, each pair weighed by what its exchange would cost.

The weights depend on the order of the list and are held fixed, so that the gradient is that of
the pairs alone: the "lambdas".
"""

import jax.numpy as jnp
from jax.lax import stop_gradient
from jaxtyping import Array, Float, Integer

from jaxmath.domains import REAL, Box, Integers
from jaxmath.formula import Bounded, Convex, Formula, Lipschitz, Smooth, Source
from jaxmath.losses.listwise_softmax import gains
from jaxmath.losses.soft_labels import same_length
from jaxmath.special import sigmoid, sigmoid_dx, softplus
from jaxmath.special.normalized import Logits
from jaxmath.typing import Label


def places(scores: Logits) -> Integer[Array, " n"]:
    """The place of each thing in the list sorted by falling score, from one."""
    order = jnp.argsort(-jnp.asarray(scores), stable=True)
    return jnp.argsort(order) + 1


def ndcg_exchange(relevance: Label, ranks: Label) -> Float[Array, "n n"]:
    """By how much the normalised discounted gain changes where two things exchange their places."""
    gain, best = gains(relevance)
    discount = 1 / jnp.log2(1.0 + jnp.asarray(ranks, gain.dtype))
    apart = (gain[:, None] - gain[None, :]) * (discount[:, None] - discount[None, :])
    return jnp.abs(apart) / best


def _pairs(scores: Logits, relevance: Label, ranks: Label | None):
    """How far each thing lies above every other one, and the weight where it should."""
    scores, relevance = same_length(scores, relevance)
    ranks = places(stop_gradient(scores)) if ranks is None else ranks
    weight = ndcg_exchange(relevance, ranks)
    better = relevance[:, None] > relevance[None, :]
    return scores[:, None] - scores[None, :], jnp.where(better, weight, 0.0)


def lambdarank(scores: Logits, relevance: Label, ranks: Label | None = None) -> Float[Array, ""]:
    """The logistic losses, in nats, of all pairs of unequal relevance, weighed and summed.

    The weight is by how much the discounted gain (of a relevance y, two to the power y less one)
    changes where both exchange their places, which are `ranks`, from one; those of the scores
    themselves by default.
    """
    lead, weight = _pairs(scores, relevance, ranks)
    return jnp.sum(weight * softplus(-lead))


def lambdarank_dscores(
    scores: Logits, relevance: Label, ranks: Label | None = None
) -> Float[Array, " n"]:
    """Every pair pushes its better one up and the other one down."""
    lead, weight = _pairs(scores, relevance, ranks)
    push = weight * sigmoid(-lead)
    return jnp.sum(push, axis=0) - jnp.sum(push, axis=1)


def lambdarank_dscores_dscores(
    scores: Logits, relevance: Label, ranks: Label | None = None
) -> Float[Array, "n n"]:
    """The weighted variances of the pairs: minus those beside, their sums on the diagonal."""
    lead, weight = _pairs(scores, relevance, ranks)
    bend = weight * sigmoid_dx(lead)
    bend = bend + bend.T
    return jnp.diag(jnp.sum(bend, axis=1)) - bend


def _weight(scores, relevance, ranks) -> Float[Array, ""]:
    return jnp.sum(_pairs(scores, relevance, ranks)[1])


LAMBDARANK = Formula(
    fn=lambdarank,
    domain=dict(
        scores=Box((2,), REAL), relevance=Box((2,), Integers(0, 2)), ranks=Box((2,), Integers(1, 4))
    ),
    partials=dict(scores=lambdarank_dscores),
    seconds={("scores", "scores"): lambdarank_dscores_dscores},
    facts=(
        Convex("scores"),
        Bounded("scores", low=0.0),
        Lipschitz("scores", lambda *args: 2**0.5 * _weight(*args)),
        Smooth("scores", lambda *args: 0.5 * _weight(*args)),
    ),
    tex=r"\ell(s) = \sum_{y_i > y_j} |\Delta_{ij} \mathrm{NDCG}|\, \log(1 + e^{s_j - s_i})",
    source=Source("burges2006nonsmooth", "section 4"),
    topic="P19",
)

LAMBDA_RANKING = (LAMBDARANK,)
