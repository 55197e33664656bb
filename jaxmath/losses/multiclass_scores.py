r"""Scores of the probabilities of several classes against the class that came; less is better.

All are proper: the expected score is least for who states what he believes.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from jaxmath.domains import Box, Integers, Interval
from jaxmath.formula import (
    Bounded,
    Conjugate,
    Convex,
    Formula,
    Lipschitz,
    Minimizer,
    Proper,
    Prox,
    Smooth,
    Source,
    StronglyConvex,
)
from jaxmath.losses.duality import half_square_prox, one_hot, where_allowed
from jaxmath.special.norm import direction, direction_vjp
from jaxmath.typing import Label, Scalar

GNEITING = "gneiting2007strictly"
Probabilities = Float[ArrayLike, " k"]
_DOMAIN = dict(
    probabilities=Box((3,), Interval(2.0**-10, 1.0, closed=(True, True))), label=Integers(0, 2)
)


def _came(probabilities, label):
    """The probabilities, and one for the class that came."""
    p = jnp.asarray(probabilities)
    if p.ndim != 1:
        raise ValueError(f"Expected one vector of probabilities, got shape {p.shape}.")
    return p, jax.nn.one_hot(label, p.size, dtype=p.dtype)


def multiclass_brier(probabilities: Probabilities, label: Label) -> Float[Array, ""]:
    """The squared distance of the probabilities from certainty of the class; from zero to two."""
    p, came = _came(probabilities, label)
    return jnp.sum(jnp.square(p - came))


def multiclass_brier_dprobabilities(
    probabilities: Probabilities, label: Label
) -> Float[Array, " k"]:
    """Twice the probabilities less certainty."""
    p, came = _came(probabilities, label)
    return 2 * (p - came)


def _shares(weights: Probabilities) -> Float[Array, " k"]:
    """The weights over their sum."""
    return jnp.asarray(weights) / jnp.sum(weights)


MULTICLASS_BRIER = Formula(
    fn=multiclass_brier,
    domain=_DOMAIN,
    partials=dict(probabilities=multiclass_brier_dprobabilities),
    seconds={
        ("probabilities", "probabilities"): lambda probabilities, label: (
            2 * jnp.eye(probabilities.size, dtype=probabilities.dtype)
        )
    },
    facts=(
        Convex("probabilities"),
        StronglyConvex("probabilities", 2.0),
        Smooth("probabilities", 2.0),
        Bounded("probabilities", low=0.0),
        Lipschitz("probabilities", lambda probabilities, label: 2 * probabilities.size**0.5),
        Minimizer("probabilities", one_hot),
        Proper("probabilities", probability=_shares, labels=(0.0, 1.0, 2.0), onto=_shares),
        Conjugate(
            "probabilities",
            fn=lambda probabilities, label: (
                jnp.sum(jnp.square(probabilities)) / 4
                + jnp.sum(probabilities * one_hot(probabilities, label))
            ),
        ),
        Prox(
            "probabilities",
            fn=lambda step, probabilities, label: half_square_prox(
                2 * step, probabilities, one_hot(probabilities, label)
            ),
        ),
    ),
    tex=r"\ell(p, y) = \sum_k (p_k - [y = k])^2",
    source=Source("brier1950verification"),
    topic="P18",
)


def spherical_score(probabilities: Probabilities, label: Label) -> Float[Array, ""]:
    """Minus the cosine between the probabilities and certainty of the class that came."""
    p, came = _came(probabilities, label)
    return -jnp.sum(direction(p) * came)


def spherical_score_dprobabilities(
    probabilities: Probabilities, label: Label
) -> Float[Array, " k"]:
    """Minus the part of certainty across the probabilities, over their length."""
    p, came = _came(probabilities, label)
    return -direction_vjp(p, came)[0]


SPHERICAL_SCORE = Formula(
    fn=spherical_score,
    domain=_DOMAIN,
    partials=dict(probabilities=spherical_score_dprobabilities),
    facts=(
        Bounded("probabilities", -1.0, 0.0),
        Minimizer("probabilities", one_hot),
        Proper("probabilities", probability=_shares, labels=(0.0, 1.0, 2.0), onto=_shares),
    ),
    tex=r"\ell(p, y) = -p_y / \lVert p \rVert",
    source=Source(GNEITING, "section 3"),
    topic="P18",
)


def log_score(probabilities: Probabilities, label: Label) -> Float[Array, ""]:
    """Minus the logarithm, in nats, of the probability of the class that came."""
    p, _ = _came(probabilities, label)
    return -jnp.log(p[label])


def log_score_dprobabilities(probabilities: Probabilities, label: Label) -> Float[Array, " k"]:
    """Minus one over the probability of the class that came; zero of the others."""
    p, came = _came(probabilities, label)
    return -came / jnp.where(came > 0, p, 1.0)


def _log_score_conjugate(probabilities: Probabilities, label: Label) -> Float[Array, ""]:
    """Over positive numbers: minus one and the logarithm of minus the slope at the label."""
    slopes, came = _came(probabilities, label)
    own = -jnp.sum(slopes * came)
    allowed = (own > 0) & jnp.all((came > 0) | (slopes <= 0))
    return where_allowed(-1 - jnp.log(jnp.where(own > 0, own, 1.0)), allowed)


def _log_score_prox(step: Scalar, probabilities: Probabilities, label: Label):
    r"""At the label, the positive root of $u^2 - p u - t$."""
    p, came = _came(probabilities, label)
    return jnp.where(came > 0, (p + jnp.sqrt(jnp.square(p) + 4 * step)) / 2, p)


LOG_SCORE = Formula(
    fn=log_score,
    domain=_DOMAIN,
    partials=dict(probabilities=log_score_dprobabilities),
    seconds={
        ("probabilities", "probabilities"): lambda probabilities, label: jnp.diag(
            jnp.square(log_score_dprobabilities(probabilities, label))
        )
    },
    facts=(
        Convex("probabilities"),
        Minimizer("probabilities", one_hot),
        Proper("probabilities", probability=_shares, labels=(0.0, 1.0, 2.0), onto=_shares),
        Conjugate("probabilities", fn=_log_score_conjugate),
        Prox("probabilities", fn=_log_score_prox),
    ),
    tex=r"\ell(p, y) = -\log p_y",
    source=Source(GNEITING, "section 3"),
    topic="P18",
)

MULTICLASS_SCORES = (MULTICLASS_BRIER, SPHERICAL_SCORE, LOG_SCORE)
