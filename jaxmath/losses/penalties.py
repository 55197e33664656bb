r"""Penalties of one array of weights; the caller sums over arrays and scales by a strength."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.domains import REAL, Box
from jaxmath.formula import (
    Break,
    Conjugate,
    Convex,
    Even,
    Formula,
    Lipschitz,
    Minimizer,
    Prox,
    Smooth,
    Source,
    StronglyConvex,
    with_rule,
)
from jaxmath.losses.duality import zero_between
from jaxmath.typing import Real


def _l1(weights: Real) -> Float[Array, ""]:
    """The sum of the absolute values; the slope at a weight of zero is taken as zero."""
    return jnp.sum(jnp.abs(weights))


def l1_dweights(weights: Real) -> Float[Array, "..."]:
    """The signs of the weights, zero at zero."""
    return jnp.sign(weights)


# The slope of JAX's `abs` is one at zero and finite at NaN.
l1 = with_rule(_l1, weights=l1_dweights)

L1 = Formula(
    fn=l1,
    plain=_l1,
    domain=dict(weights=Box((3,), REAL)),
    partials=dict(weights=l1_dweights),
    seconds={("weights", "weights"): lambda weights: _diagonal(jnp.zeros_like(weights))},
    breaks=(Break(lambda weights: weights, order=1, convention="zero"),),
    facts=(
        Convex("weights"),
        Even("weights"),
        Lipschitz("weights", lambda weights: weights.size**0.5),
        Minimizer("weights", 0.0),
        Conjugate("weights", fn=lambda weights: jnp.sum(zero_between(weights, -1.0, 1.0))),
        Prox("weights", fn=lambda step, weights: weights - jnp.clip(weights, -step, step)),
    ),
    tex=r"\lVert w \rVert_1 = \sum_i |w_i|",
    source=Source("hastie2009esl", "section 3.4.2"),
    topic="O18",
)


def l2(weights: Real) -> Float[Array, ""]:
    """The sum of the squares, without a half, as in ridge regression."""
    return jnp.sum(jnp.square(weights))


def l2_dweights(weights: Real) -> Float[Array, "..."]:
    """Twice the weights."""
    return 2 * jnp.asarray(weights)


L2 = Formula(
    fn=l2,
    domain=dict(weights=Box((3,), REAL)),
    partials=dict(weights=l2_dweights),
    seconds={("weights", "weights"): lambda weights: _diagonal(jnp.full_like(weights, 2))},
    facts=(
        Convex("weights"),
        Even("weights"),
        Smooth("weights", 2.0),
        StronglyConvex("weights", 2.0),
        Minimizer("weights", 0.0),
        Conjugate("weights", fn=lambda weights: jnp.sum(jnp.square(weights)) / 4),
        Prox("weights", fn=lambda step, weights: weights / (1 + 2 * step)),
    ),
    tex=r"\lVert w \rVert_2^2 = \sum_i w_i^2",
    source=Source("hastie2009esl", "section 3.4.1"),
    topic="O17",
)


def _diagonal(entries: Float[Array, "..."]) -> Float[Array, "..."]:
    """An array of shape `(*shape, *shape)` with `entries` where both indices are equal."""
    return jnp.diag(jnp.ravel(entries)).reshape(*entries.shape, *entries.shape)


PENALTIES = (L1, L2)
