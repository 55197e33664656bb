r"""The logarithm of a weighted sum of exponentials, and its slopes: a mask where weights are zero.

Measured from the largest term, as in `normalized`: with $s_j = w_j e^{z_j} / (w_t e^{z_t})$, of
which the term t itself is exactly one, nothing cancels where one term outweighs all others. A term
of weight zero has no part in the value, whatever its logit; the slope in its weight is still there.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Bool, Float

from jaxmath.domains import REAL, Box, Interval
from jaxmath.formula import Concave, Convex, Formula, Increasing, Lipschitz, Source, with_rule
from jaxmath.special.normalized import Logits, one_vector

Weights = Float[ArrayLike, " n"]


class _Split(NamedTuple):
    """What the functions of this file share."""

    top: Bool[Array, " n"]  # the largest term alone, the first of equals
    logit: Float[Array, ""]  # its logit and its weight
    weight: Float[Array, ""]
    shares: Float[Array, " n"]  # the terms over the largest
    rates: Float[Array, " n"]  # the exponentials over the largest term
    others: Float[Array, ""]  # the sum of all shares but that of the top


def _split(logits: Logits, weights: Weights) -> _Split:
    logits, weights = one_vector(logits), one_vector(weights)
    some = weights > 0
    level = jnp.where(some, logits + jnp.log(jnp.where(some, weights, 1.0)), -jnp.inf)
    level = jnp.where(jnp.isnan(weights) | (some & jnp.isnan(logits)), jnp.inf, level)
    top = jnp.arange(logits.size) == jnp.argmax(level)
    logit, weight = jnp.sum(jnp.where(top, logits, 0.0)), jnp.sum(jnp.where(top, weights, 0.0))
    # In two halves: the exponential of a term with a small weight may overflow alone.
    gap = jnp.where(top, 0.0, logits - logit)
    half = jnp.exp(gap / 2)
    whole = jnp.where(weight == 0, 1.0, weight)
    grown = jnp.where(some & (gap > 0), half, 1.0)
    ratio = jnp.minimum(grown * weights / whole, jnp.finfo(half.dtype).max)
    shares = jnp.where(some, ratio * jnp.where(gap > 0, 1.0, half) * half, 0.0)
    shares, rates = jnp.where(top, 1.0, shares), half / whole * half
    return _Split(top, logit, weight, shares, rates, jnp.sum(jnp.where(top, 0.0, shares)))


def _weighted_logsumexp(logits: Logits, weights: Weights) -> Float[Array, ""]:
    """The logarithm of the sum of the exponentials times their weights >= 0, in nats.

    A weight of zero takes its entry out, so that a mask is a vector of weights; minus infinity
    where all are zero.

    Raises:
        ValueError: if either is not one vector.
    """
    split = _split(logits, weights)
    value = split.logit + jnp.log(split.weight) + jnp.log1p(split.others)
    return jnp.where(split.weight == 0, -jnp.inf, value)


@jax.custom_jvp
def weighted_softmax(logits: Logits, weights: Weights) -> Float[Array, " n"]:
    """The terms over their sum: probabilities, zero where the weight is."""
    split = _split(logits, weights)
    return split.shares / (1 + split.others)


@jax.custom_jvp
def weighted_rates(logits: Logits, weights: Weights) -> Float[Array, " n"]:
    """The exponentials over the weighted sum of them: the slope in the weights."""
    split = _split(logits, weights)
    return split.rates / (1 + split.others)


def _changes(logits, weights, change, growth):
    """The top; tangents of logits less that of the top's term; the sum's, measured likewise."""
    split = _split(logits, weights)
    own = jnp.sum(jnp.where(split.top, change, 0.0))
    own = own + jnp.sum(jnp.where(split.top, growth, 0.0)) / split.weight
    change = change - own
    parts = weighted_softmax(logits, weights) * change + weighted_rates(logits, weights) * growth
    return split, change, jnp.sum(jnp.where(split.top, 0.0, parts))


@weighted_softmax.defjvp
def _weighted_softmax_jvp(primals, tangents):
    p, rates = weighted_softmax(*primals), weighted_rates(*primals)
    split, change, mean = _changes(*primals, *tangents)
    moved = jnp.where(split.top, 0.0, p * change + rates * tangents[1])
    return p, moved - p * mean


@weighted_rates.defjvp
def _weighted_rates_jvp(primals, tangents):
    rates = weighted_rates(*primals)
    split, change, mean = _changes(*primals, *tangents)
    change = jnp.where(split.top, -tangents[1] / split.weight, change)
    return rates, rates * (change - mean)


def _complement(logits, weights):
    """One less the probabilities."""
    split = _split(logits, weights)
    total = 1 + split.others
    return jnp.where(split.top, split.others, total - split.shares) / total


def _on_diagonal(diagonal, elsewhere):
    return jnp.where(jnp.eye(diagonal.size, dtype=bool), diagonal, elsewhere)


def weighted_logsumexp_seconds(logits: Logits, weights: Weights):
    """The second derivatives in the logits, in both, and in the weights."""
    p, rates = weighted_softmax(logits, weights), weighted_rates(logits, weights)
    rest = _complement(logits, weights)
    return (
        _on_diagonal(p * rest, -jnp.outer(p, p)),
        _on_diagonal(rates * rest, -jnp.outer(p, rates)),
        -jnp.outer(rates, rates),
    )


_WEIGHTED = dict(logits=weighted_softmax, weights=weighted_rates)
weighted_logsumexp = with_rule(_weighted_logsumexp, **_WEIGHTED)


def _second(k: int):
    return lambda logits, weights: weighted_logsumexp_seconds(logits, weights)[k]


# Beyond these weights, products with them leave the range of the dtype before the sum does.
_CLAIMED = Interval(2.0**-10, 2.0**10)

WEIGHTED_LOGSUMEXP = Formula(
    fn=weighted_logsumexp,
    plain=_weighted_logsumexp,
    domain=dict(logits=Box((3,), REAL), weights=Box((3,), _CLAIMED)),
    partials=_WEIGHTED,
    seconds={
        ("logits", "logits"): _second(0),
        ("logits", "weights"): _second(1),
        ("weights", "weights"): _second(2),
    },
    facts=(
        Convex("logits"),
        Lipschitz("logits", 1.0),
        Concave("weights"),
        Increasing("weights"),
    ),
    tex=r"\log\sum_j w_j e^{z_j}",
    source=Source("boyd2004convex", "section 3.1.5"),
    topic="P11",
)
