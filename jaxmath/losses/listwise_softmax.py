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
    with_rule,
)
from jaxmath.losses.duality import cross_entropy_conjugate
from jaxmath.losses.soft_labels import same_length, soft_cross_entropy
from jaxmath.special import log1p, sigmoid, sigmoid_dx, softmax
from jaxmath.special.normalized import Logits, softmax_difference
from jaxmath.typing import Label, Real

_SCORES = Interval(-30.0, 30.0, closed=(True, True))


def _listnet(scores: Logits, relevance: Label) -> Float[Array, ""]:
    """The cross-entropy, in nats, between who would be first by relevance and by score."""
    scores, relevance = same_length(scores, relevance)
    return soft_cross_entropy(scores, softmax(relevance))


def listnet_dscores(scores: Logits, relevance: Label) -> Float[Array, " n"]:
    """The softmax of the scores less that of the relevances."""
    return softmax_difference(*same_length(scores, relevance))


listnet = with_rule(_listnet, scores=listnet_dscores)

LISTNET = Formula(
    fn=listnet,
    plain=_listnet,
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


def _ahead(scores, temperature):
    """In temperatures, how far j scores above i."""
    return (scores[None, :] - scores[:, None]) / temperature


def _places(scores, relevance):
    """Whether j stands before i in a list without loss, equals by score; and the place of each."""
    i, j = jnp.arange(scores.size)[:, None], jnp.arange(scores.size)[None, :]
    higher = (scores[j] > scores[i]) | ((scores[j] == scores[i]) & (j < i))
    before = (relevance[j] > relevance[i]) | ((relevance[j] == relevance[i]) & higher)
    return before, 1 + jnp.sum(before, axis=1, dtype=scores.dtype)


def _approx_ndcg(scores: Logits, relevance: Label, temperature: Real = 1.0) -> Float[Array, ""]:
    """One less the normalised discounted cumulative gain, with ranks that are smooth.

    The colder, the closer to the gain of the sorted list; zero relevance everywhere costs one.
    """
    scores, gain, best = _gains(scores, relevance)
    before, place = _places(scores, jnp.asarray(relevance))
    ahead = _ahead(scores, temperature)
    wrong = jnp.where(before, -sigmoid(-ahead), sigmoid(ahead))
    late = jnp.sum(jnp.where(jnp.eye(scores.size, dtype=bool), 0.0, wrong), axis=1)
    # Of the discounts 1 / log2 the difference between its place and its rank.
    lost = log1p(late / (1 + place)) / (jnp.log2(1 + place) * jnp.log(1 + place + late))
    return jnp.where(jnp.any(gain > 0), jnp.sum(gain * lost) / best, 1.0)


def _rank_gaps(scores, temperature):
    """By how much the rank of j exceeds that of i: a sum of falls from score to score."""
    order = jnp.argsort(scores)
    sorted_scores = scores[order]
    above = (scores[:, None] - sorted_scores[None, :]) / temperature
    steps = jnp.diff(sorted_scores) / temperature
    # The difference of the sigmoid at a and at b is that at a, that at -b, and 1 - exp(b - a).
    falls = jnp.sum(sigmoid(above[:, :-1]) * sigmoid(-above[:, 1:]), axis=0) * -jnp.expm1(-steps)
    since = jnp.arange(steps.size)[None, :] >= jnp.arange(scores.size)[:, None]
    total = jnp.cumsum(jnp.where(since, falls[None, :], 0.0), axis=1)
    total = jnp.pad(total, ((0, 0), (1, 0)))
    place = jnp.argsort(order)
    return (total.T - total)[place][:, place]


def _worth_gaps(scores, relevance, temperature):
    """By how much a step of the rank of j costs more than one of i."""
    scores, gain, best = _gains(scores, relevance)
    ranks = 0.5 + jnp.sum(sigmoid(_ahead(scores, temperature)), axis=1)  # of itself it is a half
    rank, gaps = 1 + ranks, _rank_gaps(scores, temperature)
    log = jnp.log(rank)
    cost = rank * jnp.square(log)
    rise = gaps * jnp.square(log[None, :])
    rise = rise + rank[:, None] * log1p(gaps / rank[:, None]) * (log[:, None] + log[None, :])
    # XLA may round the same power of two in two ways.
    alike = relevance[None, :] == relevance[:, None]
    more = jnp.where(alike, 0.0, gain[None, :] - gain[:, None])
    more = more - gain[:, None] * rise / cost[:, None]
    return more * (math.log(2) / best) / cost[None, :]


def approx_ndcg_dscores(
    scores: Logits, relevance: Label, temperature: Real = 1.0
) -> Float[Array, " n"]:
    """Each is pushed by what its own rank is worth, and pulled by the ranks of the others."""
    scores, relevance = same_length(scores, relevance)
    close = sigmoid_dx(_ahead(scores, temperature)) / temperature
    return jnp.sum(close * _worth_gaps(scores, relevance, temperature), axis=1)


def _dtemperature(scores, relevance, temperature):
    scores, relevance = same_length(scores, relevance)
    ahead = _ahead(scores, temperature)
    change = sigmoid_dx(ahead) * ahead * _worth_gaps(scores, relevance, temperature)
    return jnp.sum(change) / 2 / temperature


_APPROX_NDCG = dict(scores=approx_ndcg_dscores, temperature=_dtemperature)
approx_ndcg = with_rule(_approx_ndcg, **_APPROX_NDCG)

APPROX_NDCG = Formula(
    fn=approx_ndcg,
    plain=_approx_ndcg,
    domain=dict(
        scores=Box((3,), Interval(-4.0, 4.0, closed=(True, True))),
        relevance=Box((3,), Integers(0, 2)),
        temperature=Interval(0.25, 4.0, closed=(True, True)),
    ),
    partials=_APPROX_NDCG,
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
