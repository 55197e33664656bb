r"""The Dice loss of a segmentation: one minus twice the overlap over the sum of both sizes."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.domains import UNIT, Box, Choices
from jaxmath.formula import Bounded, Formula, Source, with_rule
from jaxmath.typing import Label, Real


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
    facts=(Bounded("probabilities", 0.0, 1.0),),
    tex=r"\ell(p, y) = 1 - \frac{2 \sum_i p_i y_i}{\sum_i p_i + y_i}",
    source=Source("milletari2016vnet", "section 3"),
    topic="S9",
)
