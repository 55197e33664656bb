r"""Losses of the scores of a list, smooth in all of them: ListNet, and a discounted gain."""

import math

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.domains import Box, Integers, Interval
from jaxmath.formula import (
    Bounded,
    Conjugate,
    Convex,
    Formula,
    Lipschitz,
    Minimizer,
    Smooth,
    Source,
)
from jaxmath.losses.duality import cross_entropy_conjugate
from jaxmath.losses.soft_labels import (
    same_length,
    soft_cross_entropy,
    soft_cross_entropy_dlogits,
)
from jaxmath.special import sigmoid, sigmoid_dx, softmax
from jaxmath.special.normalized import Logits
from jaxmath.typing import Label, Real

_SCORES = Interval(-30.0, 30.0, closed=(True, True))


def listnet(scores: Logits, relevance: Label) -> Float[Array, ""]:
    """The cross-entropy, in nats, between who would be first by relevance and by score."""
    scores, relevance = same_length(scores, relevance)
    return soft_cross_entropy(scores, softmax(relevance))


def listnet_dscores(scores: Logits, relevance: Label) -> Float[Array, " n"]:
    """The softmax of the scores less that of the relevances."""
    scores, relevance = same_length(scores, relevance)
    return soft_cross_entropy_dlogits(scores, softmax(relevance))


LISTNET = Formula(
    fn=listnet,
    domain=dict(scores=Box((3,), _SCORES), relevance=Box((3,), Integers(0, 2))),
    partials=dict(scores=listnet_dscores),
    facts=(
        Convex("scores"),
        Bounded("scores", low=0.0),
        Smooth("scores", 0.5),
        Minimizer("scores", lambda scores, relevance: relevance + 0.0 * scores),
        Lipschitz("scores", 2**0.5),
        Conjugate(
            "scores",
            fn=lambda scores, relevance: cross_entropy_conjugate(
                scores, softmax(relevance.astype(scores.dtype))
            ),
        ),
    ),
    exceptions=dict.fromkeys(
        ("first_derivatives", "finite"),
        "a difference of probabilities, right to a rounding of either",
    ),
    tex=r"\ell(s) = -\sum_i \operatorname{softmax}(y)_i \log \operatorname{softmax}(s)_i",
    source=Source("cao2007listnet", "section 4"),
    topic="P19",
)


def gains(relevance: Label) -> tuple[Float[Array, " n"], Float[Array, ""]]:
    """What each thing is worth at the first place, and the most that a list of them is worth."""
    gain = jnp.exp2(1.0 * jnp.asarray(relevance)) - 1
    places = jnp.arange(1, gain.size + 1, dtype=gain.dtype)
    best = jnp.sum(jnp.sort(gain)[::-1] / jnp.log2(1 + places))
    return gain, jnp.where(best > 0, best, 1.0)


def _gains(scores, relevance):
    scores, relevance = same_length(scores, relevance)
    return scores, *gains(relevance)


def _ranks(scores, temperature):
    """One more than how many are ahead of each, the others counted by how surely they are."""
    ahead = sigmoid((scores[None, :] - scores[:, None]) / temperature)
    return 0.5 + jnp.sum(ahead, axis=1)  # of itself it is a half


def approx_ndcg(scores: Logits, relevance: Label, temperature: Real = 1.0) -> Float[Array, ""]:
    """One less the normalised discounted cumulative gain, with ranks that are smooth.

    The colder, the closer to the gain of the sorted list; zero relevance everywhere costs one.
    """
    scores, gain, best = _gains(scores, relevance)
    return 1 - jnp.sum(gain / jnp.log2(1 + _ranks(scores, temperature))) / best


def approx_ndcg_dscores(
    scores: Logits, relevance: Label, temperature: Real = 1.0
) -> Float[Array, " n"]:
    """Each is pushed by what its own rank is worth, and pulled by the ranks of the others."""
    scores, gain, best = _gains(scores, relevance)
    rank = 1 + _ranks(scores, temperature)
    worth = gain / best * math.log(2) / (rank * jnp.square(jnp.log(rank)))
    close = sigmoid_dx((scores[None, :] - scores[:, None]) / temperature) / temperature
    close = jnp.where(jnp.eye(scores.size, dtype=bool), 0.0, close)
    return close.T @ worth - jnp.sum(close, axis=1) * worth


def _dtemperature(scores, relevance, temperature):
    scores, gain, best = _gains(scores, relevance)
    rank = 1 + _ranks(scores, temperature)
    worth = gain / best * math.log(2) / (rank * jnp.square(jnp.log(rank)))
    gaps = scores[None, :] - scores[:, None]
    change = jnp.sum(sigmoid_dx(gaps / temperature) * gaps, axis=1)
    return -jnp.sum(worth * change) / jnp.square(temperature)


APPROX_NDCG = Formula(
    fn=approx_ndcg,
    domain=dict(
        scores=Box((3,), Interval(-4.0, 4.0, closed=(True, True))),
        relevance=Box((3,), Integers(0, 2)),
        temperature=Interval(0.25, 4.0, closed=(True, True)),
    ),
    partials=dict(scores=approx_ndcg_dscores, temperature=_dtemperature),
    facts=(Bounded("scores", low=0.0, high=1.0),),
    exceptions=dict.fromkeys(
        ("first_derivatives", "second_derivatives", "hessian_symmetric", "finite"),
        "sums over pairs of both signs, right to a rounding of the largest of these",
    ),
    tex=r"\ell(s) = 1 - \frac{1}{N} \sum_i \frac{2^{y_i} - 1}{\log_2(1 + \hat r_i)},"
    r" \quad \hat r_i = 1 + \sum_{j \ne i} \sigma((s_j - s_i) / T)",
    source=Source("qin2010approximation", "section 4"),
    topic="P19",
)

LISTWISE_SOFTMAX = (LISTNET, APPROX_NDCG)
