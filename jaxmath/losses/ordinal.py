r"""The loss of an ordered label under the proportional-odds model: cumulative logits.

A score s and thresholds $\theta_0 < \dots < \theta_{K-2}$ make $P(y \le k) = \sigma(\theta_k - s)$.
A label between thresholds a and b has the probability
$\sigma(b - s)\,\sigma(s - a)\,(1 - e^{a - b})$, in which nothing cancels.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from jaxmath.domains import REAL, Box, Integers
from jaxmath.formula import Bounded, Convex, Formula, Lipschitz, Smooth, Source, with_rule
from jaxmath.special import sigmoid, sigmoid_dx, softplus, tanh
from jaxmath.typing import Label, Scalar

Thresholds = Float[ArrayLike, " n"]


def _ends(thresholds: Thresholds, label: Label):
    """Which threshold is the upper end of a class, and which the lower; none for the outer ones."""
    places = jnp.arange(jnp.size(thresholds))
    return places == label, places == jnp.asarray(label) - 1


def _past(score: Scalar, thresholds: Thresholds) -> Float[Array, " n"]:
    """How far the score lies above each threshold."""
    return jnp.asarray(score) - jnp.asarray(thresholds)


def _pick(hot, values):
    """The one value that is marked, zero if none is."""
    return jnp.sum(jnp.where(hot, values, 0.0))


def _width(thresholds: Thresholds, label: Label) -> Float[Array, ""]:
    """How far apart the ends of a class are, infinite for the first and the last class."""
    upper, lower = _ends(thresholds, label)
    inner = jnp.any(upper) & jnp.any(lower)
    return jnp.where(inner, _pick(upper, thresholds) - _pick(lower, thresholds), jnp.inf)


def _log1mexp(x: Float[Array, ""]) -> Float[Array, ""]:
    r"""The logarithm of $1 - e^{-x}$ for x > 0."""
    near = jnp.minimum(x, 0.5)
    far = jnp.maximum(x, 0.5)
    return jnp.where(x < 0.5, jnp.log(-jnp.expm1(-near)), jnp.log1p(-jnp.exp(-far)))


def _ordinal_logistic(score: Scalar, label: Label, thresholds: Thresholds) -> Float[Array, ""]:
    """Minus the log-probability, in nats, of a class index from 0 to the number of thresholds.

    The thresholds are increasing; NaN for an index that is no class.
    """
    upper, lower = _ends(thresholds, label)
    known = (jnp.asarray(label) >= 0) & (jnp.asarray(label) <= jnp.size(thresholds))
    ends = jnp.where(upper, softplus(_past(score, thresholds)), 0.0)
    ends = ends + jnp.where(lower, softplus(-_past(score, thresholds)), 0.0)
    return jnp.where(known, jnp.sum(ends) - _log1mexp(_width(thresholds, label)), jnp.nan)


def _ordinal_logistic_dscore(
    score: Scalar, label: Label, thresholds: Thresholds
) -> Float[Array, ""]:
    """The probability above the upper end minus that below the lower one.

    Between two near ends, as half the sum of two hyperbolic tangents, each small.
    """
    upper, lower = _ends(thresholds, label)
    above, below = sigmoid(_past(score, thresholds)), sigmoid(-_past(score, thresholds))
    half = jnp.where(upper | lower, (_past(score, thresholds)) / 2, 0.0)
    near = jnp.any(upper) & jnp.any(lower) & (jnp.max(jnp.abs(half)) < 1)
    both = jnp.sum(tanh(jnp.where(near, half, 0.0))) / 2
    return jnp.where(near, both, _pick(upper, above) - _pick(lower, below))


def ordinal_logistic_dscore_dscore(
    score: Scalar, label: Label, thresholds: Thresholds
) -> Float[Array, ""]:
    """The logistic densities at both ends."""
    upper, lower = _ends(thresholds, label)
    return _pick(upper | lower, sigmoid_dx(_past(score, thresholds)))


def ordinal_logistic_dscore_dthresholds(
    score: Scalar, label: Label, thresholds: Thresholds
) -> Float[Array, " n"]:
    """Minus the logistic densities at both ends."""
    upper, lower = _ends(thresholds, label)
    return -jnp.where(upper | lower, sigmoid_dx(_past(score, thresholds)), 0.0)


@jax.custom_jvp
def ordinal_logistic_dthresholds(
    score: Scalar, label: Label, thresholds: Thresholds
) -> Float[Array, " n"]:
    """At the upper end it falls, at the lower it rises: by what moves in or out, and the width."""
    upper, lower = _ends(thresholds, label)
    narrow = 1 / jnp.expm1(_width(thresholds, label))
    above, below = sigmoid(_past(score, thresholds)), sigmoid(-_past(score, thresholds))
    return jnp.where(lower, below + narrow, 0.0) - jnp.where(upper, above + narrow, 0.0)


@ordinal_logistic_dthresholds.defjvp
def _dthresholds_jvp(primals, tangents):
    score, label, thresholds = primals
    moved_score, _, moved = tangents
    upper, lower = _ends(thresholds, label)
    width = _width(thresholds, label)
    bend = 1 / jnp.expm1(width) / -jnp.expm1(-width)
    wider = bend * (_pick(upper, moved) - _pick(lower, moved))
    ends = jnp.where(upper | lower, sigmoid_dx(_past(score, thresholds)), 0.0) * (
        moved - moved_score
    )
    change = ends + jnp.where(upper, wider, 0.0) - jnp.where(lower, wider, 0.0)
    return ordinal_logistic_dthresholds(*primals), change


ordinal_logistic_dscore = with_rule(
    _ordinal_logistic_dscore,
    score=ordinal_logistic_dscore_dscore,
    thresholds=ordinal_logistic_dscore_dthresholds,
)
ordinal_logistic = with_rule(
    _ordinal_logistic, score=ordinal_logistic_dscore, thresholds=ordinal_logistic_dthresholds
)

ORDINAL_LOGISTIC = Formula(
    fn=ordinal_logistic,
    plain=_ordinal_logistic,
    domain=dict(score=REAL, label=Integers(0, 2), thresholds=Box((2,), REAL)),
    where=lambda score, label, thresholds: jnp.all(jnp.diff(thresholds) > 0),
    partials=dict(score=ordinal_logistic_dscore, thresholds=ordinal_logistic_dthresholds),
    seconds={
        ("score", "score"): ordinal_logistic_dscore_dscore,
        ("score", "thresholds"): ordinal_logistic_dscore_dthresholds,
    },
    facts=(
        Convex("score"),
        Lipschitz("score", 1.0),
        Smooth("score", 0.5),
        Bounded("score", low=0.0),
        Convex("thresholds"),
    ),
    tex=r"\ell(s, y) = -\log\bigl(\sigma(\theta_y - s) - \sigma(\theta_{y-1} - s)\bigr)",
    source=Source("mccullagh1980regression", "section 2.3"),
    topic="P19",
)
