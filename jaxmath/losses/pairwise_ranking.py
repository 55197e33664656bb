r"""Losses of two scores of which the first should be the higher one, or the lower."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.domains import REAL, SIGN
from jaxmath.formula import (
    Break,
    Conjugate,
    Convex,
    Formula,
    Lipschitz,
    Minimizer,
    Prox,
    Smooth,
    Source,
)
from jaxmath.losses.duality import between, softplus_conjugate
from jaxmath.special import relu, relu_dx, sigmoid, sigmoid_dx, softplus
from jaxmath.special.ratio import two_difference
from jaxmath.typing import Label, Real


def pairwise_logistic(better: Real, worse: Real) -> Float[Array, "..."]:
    """Minus the log-probability, in nats, that the better of two wins (Bradley and Terry).

    The difference of the scores is the log-odds: RankNet's loss, and that of a reward model.
    """
    return softplus(jnp.asarray(worse) - better)


def pairwise_logistic_dbetter(better: Real, worse: Real) -> Float[Array, "..."]:
    """Minus the probability that the worse wins."""
    return -sigmoid(jnp.asarray(worse) - better)


def pairwise_logistic_dworse(better: Real, worse: Real) -> Float[Array, "..."]:
    """The probability that the worse wins."""
    return sigmoid(jnp.asarray(worse) - better)


def _variance(better: Real, worse: Real) -> Float[Array, "..."]:
    return sigmoid_dx(jnp.asarray(worse) - better)


PAIRWISE_LOGISTIC = Formula(
    fn=pairwise_logistic,
    domain=dict(better=REAL, worse=REAL),
    partials=dict(better=pairwise_logistic_dbetter, worse=pairwise_logistic_dworse),
    seconds={
        ("better", "better"): _variance,
        ("better", "worse"): lambda better, worse: -_variance(better, worse),
        ("worse", "worse"): _variance,
    },
    facts=(
        Convex("better"),
        Convex("worse"),
        Lipschitz("better", 1.0),
        Lipschitz("worse", 1.0),
        Smooth("better", 0.25),
        Smooth("worse", 0.25),
        Conjugate("better", fn=lambda better, worse: better * worse + softplus_conjugate(-better)),
        Conjugate("worse", fn=lambda better, worse: worse * better + softplus_conjugate(worse)),
    ),
    tex=r"\ell(s, t) = \log(1 + e^{t - s})",
    source=Source("burges2005learning", "section 3"),
    topic="O8",
)


def _short(first: Real, second: Real, label: Label, margin: Real) -> Float[Array, "..."]:
    """By how much the lead of the right one of two falls short of the margin."""
    gap, lost = two_difference(first, second)
    label = jnp.asarray(label, gap.dtype)
    return (jnp.asarray(margin) - label * gap) - label * jnp.where(jnp.isinf(gap), 0.0, lost)


def margin_ranking(
    first: Real, second: Real, label: Label, margin: Real = 1.0
) -> Float[Array, "..."]:
    """By how much the first score fails to exceed the second by a margin, if the label is 1.

    If it is -1, the second should exceed the first. Where it just does, the slope is taken as zero.
    """
    return relu(_short(first, second, label, margin))


def margin_ranking_dfirst(
    first: Real, second: Real, label: Label, margin: Real = 1.0
) -> Float[Array, "..."]:
    """Minus the label where the lead falls short."""
    short = _short(first, second, label, margin)
    return -jnp.asarray(label, short.dtype) * relu_dx(short)


def margin_ranking_dsecond(
    first: Real, second: Real, label: Label, margin: Real = 1.0
) -> Float[Array, "..."]:
    """The label where the lead falls short."""
    return -margin_ranking_dfirst(first, second, label, margin)


def margin_ranking_dmargin(
    first: Real, second: Real, label: Label, margin: Real = 1.0
) -> Float[Array, "..."]:
    """One where the lead falls short."""
    return relu_dx(_short(first, second, label, margin))


def _past(place: Real, side: Label, margin: Real) -> Float[Array, "..."]:
    """Beyond a place by the margin and more than rounding: there the loss is zero."""
    place, side = jnp.asarray(place), jnp.asarray(side)
    return place + side * (1.25 * jnp.maximum(margin, 0.0) + 0.5 * jnp.abs(place))


MARGIN_RANKING = Formula(
    fn=margin_ranking,
    domain=dict(first=REAL, second=REAL, label=SIGN, margin=REAL),
    partials=dict(
        first=margin_ranking_dfirst, second=margin_ranking_dsecond, margin=margin_ranking_dmargin
    ),
    breaks=(Break(_short, order=1, convention="zero"),),
    facts=(
        Convex("first"),
        Convex("second"),
        Lipschitz("first", 1.0),
        Lipschitz("second", 1.0),
        Lipschitz("margin", 1.0),
        Convex("margin"),
        Minimizer("first", lambda first, second, label, margin: _past(second, label, margin)),
        Minimizer("second", lambda first, second, label, margin: _past(first, -label, margin)),
        Conjugate(
            "first",
            fn=lambda first, second, label, margin: between(
                first * (second + label * margin), label * first, -1.0, 0.0
            ),
        ),
        Conjugate(
            "second",
            fn=lambda first, second, label, margin: between(
                second * (first - label * margin), label * second, 0.0, 1.0
            ),
        ),
        Prox(
            "first",
            fn=lambda step, first, second, label, margin: (
                first + label * jnp.clip(label * (second - first) + margin, 0.0, step)
            ),
        ),
        Prox(
            "second",
            fn=lambda step, first, second, label, margin: (
                second - label * jnp.clip(label * (second - first) + margin, 0.0, step)
            ),
        ),
    ),
    tex=r"\ell(s, t, y) = \max(0, \mu - y (s - t))",
    source=Source("herbrich2000large", "section 7.3"),
    topic="M5",
)

PAIRWISE_RANKING = (PAIRWISE_LOGISTIC, MARGIN_RANKING)
