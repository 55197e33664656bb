r"""Losses of the whole distribution of returns: on fixed atoms, or as quantiles.

The target is data, as it is in `temporal_difference`.
"""

import jax.numpy as jnp
from jax.lax import stop_gradient
from jaxtyping import Array, ArrayLike, Float

from jaxmath.domains import REAL, UNIT, Box, Choices, Fixed, Interval, Simplex
from jaxmath.formula import (
    Bounded,
    Break,
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
from jaxmath.losses.soft_labels import soft_cross_entropy, soft_cross_entropy_dlogits
from jaxmath.special import softmax_jacobian
from jaxmath.special.normalized import Logits
from jaxmath.special.ratio import sum_of_products
from jaxmath.typing import Scalar

Vector = Float[ArrayLike, " n"]
_ATOM = Interval(-10.0, 10.0, closed=(True, True))


def categorical_projection(
    atoms: Vector, probabilities: Float[ArrayLike, " m"], points: Float[ArrayLike, " m"]
) -> Float[Array, " n"]:
    """Masses at any points, moved to increasing atoms: each to both neighbours, by nearness.

    The mean is kept, but for points beyond the outer atoms, which go to these.
    """
    points = jnp.asarray(points)
    return _shared(jnp.asarray(atoms), probabilities, lambda origins: points - origins)


def _shared(atoms, probabilities, points_from):
    """The projection of masses whose points are given by how far they lie above any origins."""
    points = points_from(jnp.zeros_like(atoms, shape=()))
    right = jnp.clip(jnp.searchsorted(atoms, points, side="right"), 1, atoms.size - 1)
    # A point that rounding moved onto an atom may lie below it.
    right = jnp.where(points_from(atoms[right - 1]) < 0, jnp.maximum(right - 1, 1), right)
    width = atoms[right] - atoms[right - 1]
    up = jnp.clip(points_from(atoms[right - 1]) / width, 0.0, 1.0)
    down = jnp.clip(-points_from(atoms[right]) / width, 0.0, 1.0)
    masses = jnp.asarray(probabilities, atoms.dtype)
    moved = jnp.zeros_like(atoms).at[right].add(masses * up)
    return moved.at[right - 1].add(masses * down)


def categorical_td(
    logits: Logits, atoms: Vector, reward: Scalar, discount: Scalar, next_probabilities: Vector
) -> Float[Array, ""]:
    """The cross-entropy, in nats, of a distribution on atoms with the target's projection.

    The target has the next state's probabilities at the reward plus the discounted atoms (C51).
    """
    return soft_cross_entropy(logits, _projected(atoms, reward, discount, next_probabilities))


def _projected(atoms, reward, discount, next_probabilities) -> Float[Array, " n"]:
    atoms = jnp.asarray(atoms)
    one = jnp.ones((), atoms.dtype)

    def points_from(origins):
        return sum_of_products((discount, atoms), (origins, -one), (reward, one))

    return stop_gradient(_shared(atoms, next_probabilities, points_from))


def categorical_td_dlogits(
    logits: Logits, atoms: Vector, reward: Scalar, discount: Scalar, next_probabilities: Vector
) -> Float[Array, " n"]:
    """The probabilities minus the projected ones."""
    target = _projected(atoms, reward, discount, next_probabilities)
    return soft_cross_entropy_dlogits(logits, target)


def _atoms_increase(logits, atoms, *others):
    del logits, others
    return jnp.all(jnp.diff(atoms) > 0)


CATEGORICAL_TD = Formula(
    fn=categorical_td,
    domain=dict(
        logits=Box((2,), REAL),
        atoms=Fixed(Box((2,), _ATOM)),
        reward=Fixed(_ATOM),
        discount=Fixed(UNIT),
        next_probabilities=Fixed(Simplex(2)),
    ),
    where=_atoms_increase,
    partials=dict(logits=categorical_td_dlogits),
    seconds={("logits", "logits"): lambda logits, *others: softmax_jacobian(logits)},
    facts=(
        Convex("logits"),
        Lipschitz("logits", 2**0.5),
        Smooth("logits", 0.5),
        Minimizer("logits", lambda logits, *others: jnp.log(_projected(*others))),
        Conjugate(
            "logits",
            fn=lambda logits, *others: cross_entropy_conjugate(logits, _projected(*others)),
        ),
    ),
    tex=r"\ell(z) = -\sum_i \bigl(\Phi (r + \gamma Z')\bigr)_i \log\operatorname{softmax}(z)_i",
    source=Source("bellemare2017distributional", "eq. 7"),
    topic="M13",
)


def _quantile_td(
    quantiles: Vector, targets: Float[ArrayLike, " m"], delta: Scalar = 1.0
) -> Float[Array, ""]:
    r"""The quantile Huber loss of the quantiles of a distribution against samples of the target.

    The i-th of n quantiles stands for the level $(i + \tfrac12)/n$. Summed over them, the mean over
    the targets, whose residuals below zero weigh one minus the level.
    """
    residual, weight = _pairs(quantiles, targets)
    size = jnp.abs(residual)
    inside = size < delta
    inner = jnp.where(inside, size, 0.0)
    each = jnp.where(inside, jnp.square(inner) / delta / 2, size - jnp.asarray(delta) / 2)
    return jnp.sum(weight * each) / jnp.size(targets)


def _pairs(quantiles, targets):
    """Every target minus every quantile, and the weight by its sign."""
    quantiles, targets = jnp.asarray(quantiles), stop_gradient(jnp.asarray(targets))
    level = (jnp.arange(quantiles.size, dtype=quantiles.dtype) + 0.5) / quantiles.size
    residual = targets[None, :] - quantiles[:, None]
    return residual, jnp.where(residual < 0, 1 - level[:, None], level[:, None])


def quantile_td_dquantiles(
    quantiles: Vector, targets: Float[ArrayLike, " m"], delta: Scalar = 1.0
) -> Float[Array, " n"]:
    """Minus the weighted, clipped residuals over delta, as a mean over the targets."""
    residual, weight = _pairs(quantiles, targets)
    clipped = jnp.clip(residual, -jnp.asarray(delta), delta) / delta
    return -jnp.sum(weight * clipped, axis=1) / jnp.size(targets)


# A target of zero stands for all: only differences count.
_NOTHING = Choices((0.0,))


def _quantile_td_ddelta(
    quantiles: Vector, targets: Float[ArrayLike, " m"], delta: Scalar = 1.0
) -> Float[Array, ""]:
    """Minus half the squared share of delta that the residuals take, at most one."""
    residual, weight = _pairs(quantiles, targets)
    share = jnp.minimum(jnp.abs(residual) / delta, 1.0)
    return -jnp.sum(weight * jnp.square(share)) / 2 / jnp.size(targets)


quantile_td = with_rule(_quantile_td, quantiles=quantile_td_dquantiles, delta=_quantile_td_ddelta)

QUANTILE_TD = Formula(
    fn=quantile_td,
    plain=_quantile_td,
    domain=dict(
        quantiles=Box((2,), REAL), targets=Box((1,), _NOTHING), delta=Choices((0.5, 1.0, 2.0))
    ),
    partials=dict(quantiles=quantile_td_dquantiles),
    breaks=(
        Break(lambda quantiles, targets, delta: targets[0] - quantiles, order=2),
        Break(lambda quantiles, targets, delta: jnp.abs(targets[0] - quantiles) - delta, order=2),
    ),
    facts=(
        Convex("quantiles"),
        Bounded("quantiles", low=0.0),
        Lipschitz("quantiles", lambda quantiles, targets, delta: quantiles.size**0.5),
        Smooth("quantiles", lambda quantiles, targets, delta: 1 / delta),
    ),
    tex=r"\ell(\theta) = \frac1m \sum_{ij} \bigl|\tau_i - [t_j < \theta_i]\bigr|"
    r" \frac{h_\delta(t_j - \theta_i)}{\delta}",
    source=Source("dabney2018distributional", "eq. 10"),
    topic="M13",
)

DISTRIBUTIONAL = (CATEGORICAL_TD, QUANTILE_TD)
