r"""The Dice loss of a segmentation: one minus twice the overlap over the sum of both sizes.

And Tversky's, which weighs false alarms and misses.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.domains import UNIT, Box, Choices, Interval
from jaxmath.formula import (
    Bounded,
    Concave,
    Formula,
    Increasing,
    Lipschitz,
    Minimizer,
    Smooth,
    Source,
    with_rule,
)
from jaxmath.typing import Label, Real, Scalar


def _sums(probabilities: Real, labels: Label):
    """What the two do not have in common, the sum of both, and the labels as numbers."""
    p = 1.0 * jnp.asarray(probabilities)
    y = jnp.asarray(labels, p.dtype)
    return jnp.sum(p * (1 - y) + (1 - p) * y), jnp.sum(p + y), y


def _dice(probabilities: Real, labels: Label) -> Float[Array, ""]:
    r"""One minus the soft Dice coefficient $2 \sum p y / \sum (p + y)$ of an array of pixels.

    The labels are in {0, 1}. Where nothing is predicted and nothing is there it is zero, and its
    slope too; no constant is added to either sum.
    """
    apart, total, _ = _sums(probabilities, labels)
    return apart / jnp.where(total == 0, 1.0, total)


def dice_dprobabilities(probabilities: Real, labels: Label) -> Float[Array, "..."]:
    """By label: up where there is nothing, down where there is something, less the loss itself."""
    apart, total, y = _sums(probabilities, labels)
    both = 2 * jnp.sum(probabilities * y)
    some = jnp.where(total == 0, 1.0, total)
    slope = jnp.where(y > 0, -(apart / some + 1), both / some) / some
    return jnp.where(total == 0, 0.0, slope)


dice = with_rule(_dice, probabilities=dice_dprobabilities)

DICE = Formula(
    fn=dice,
    plain=_dice,
    domain=dict(probabilities=Box((3,), UNIT), labels=Box((3,), Choices((0.0, 1.0)))),
    where=lambda probabilities, labels: jnp.sum(labels) > 0,
    partials=dict(probabilities=dice_dprobabilities),
    facts=(
        Bounded("probabilities", 0.0, 1.0),
        Lipschitz("probabilities", lambda p, labels: 2 * p.size**0.5),
        Smooth("probabilities", lambda p, labels: 4 * (p.size + p.size**0.5)),
        Minimizer("probabilities", lambda p, labels: labels),
    ),
    tex=r"\ell(p, y) = 1 - \frac{2 \sum_i p_i y_i}{\sum_i p_i + y_i}",
    source=Source("milletari2016vnet", "section 3"),
    topic="S9",
)


class _Counts(NamedTuple):
    """What is there and predicted, the weighed mistakes, both kinds of mistakes, the labels."""

    right: Array
    wrong: Array
    false_alarms: Array
    misses: Array
    labels: Array

    @property
    def unit(self) -> Array:
        """One over the sum of hits and weighed mistakes; one where there is nothing."""
        total = self.right + self.wrong
        return 1 / jnp.where(total == 0, 1.0, total)


def _counts(probabilities, labels, alpha, beta) -> _Counts:
    p = 1.0 * jnp.asarray(probabilities)
    y = jnp.asarray(labels, p.dtype)
    alarms, misses = jnp.sum(p * (1 - y)), jnp.sum((1 - p) * y)
    return _Counts(jnp.sum(p * y), alpha * alarms + beta * misses, alarms, misses, y)


def _tversky(
    probabilities: Real, labels: Label, alpha: Scalar = 0.5, beta: Scalar = 0.5
) -> Float[Array, ""]:
    """The share of mistakes among mistakes and hits: false alarms weigh `alpha`, misses `beta`.

    At a half each it is `dice`, at one each one minus the soft Jaccard index. No constant is added.
    """
    counts = _counts(probabilities, labels, alpha, beta)
    return counts.wrong * counts.unit


def tversky_dprobabilities(
    probabilities: Real, labels: Label, alpha: Scalar = 0.5, beta: Scalar = 0.5
) -> Float[Array, "..."]:
    """Up where there is nothing, down where there is something."""
    counts = _counts(probabilities, labels, alpha, beta)
    down = -(beta * counts.right + counts.wrong)
    return jnp.where(counts.labels > 0, down, alpha * counts.right) * jnp.square(counts.unit)


def tversky_dalpha(
    probabilities: Real, labels: Label, alpha: Scalar = 0.5, beta: Scalar = 0.5
) -> Float[Array, ""]:
    """The shares of false alarms and of hits, multiplied."""
    counts = _counts(probabilities, labels, alpha, beta)
    return (counts.false_alarms * counts.unit) * (counts.right * counts.unit)


def tversky_dbeta(
    probabilities: Real, labels: Label, alpha: Scalar = 0.5, beta: Scalar = 0.5
) -> Float[Array, ""]:
    """The shares of misses and of hits, multiplied."""
    counts = _counts(probabilities, labels, alpha, beta)
    return (counts.misses * counts.unit) * (counts.right * counts.unit)


_TVERSKY = dict(probabilities=tversky_dprobabilities, alpha=tversky_dalpha, beta=tversky_dbeta)
tversky = with_rule(_tversky, **_TVERSKY)
_WEIGHT = Interval(0.0625, 16.0, closed=(True, True))

TVERSKY = Formula(
    fn=tversky,
    plain=_tversky,
    domain=dict(
        probabilities=Box((3,), UNIT),
        labels=Box((3,), Choices((0.0, 1.0))),
        alpha=_WEIGHT,
        beta=_WEIGHT,
    ),
    where=lambda probabilities, labels, alpha, beta: jnp.sum(labels) > 0,
    partials=_TVERSKY,
    facts=(
        Bounded("probabilities", 0.0, 1.0),
        Minimizer("probabilities", lambda p, labels, alpha, beta: labels),
        Lipschitz(
            "probabilities",
            lambda p, labels, alpha, beta: (
                p.size**0.5 * jnp.maximum(jnp.maximum(alpha, beta), 1.0) / jnp.minimum(beta, 1.0)
            ),
        ),
        Lipschitz(
            "alpha", lambda p, labels, alpha, beta: tversky_dalpha(p, labels, 0.0 * alpha, beta)
        ),
        Lipschitz(
            "beta", lambda p, labels, alpha, beta: tversky_dbeta(p, labels, alpha, 0.0 * beta)
        ),
        Concave("alpha"),
        Increasing("alpha"),
        Concave("beta"),
        Increasing("beta"),
    ),
    tex=r"\ell(p, y) = 1 - \frac{\sum p y}{\sum p y + \alpha \sum p (1 - y)"
    r" + \beta \sum (1 - p) y}",
    source=Source("salehi2017tversky", "section 2"),
    topic="P19",
)
