r"""Bayes' theorem on finitely many hypotheses, in logarithms, in probabilities and in odds."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.typing import Real


def log_bayes(log_prior: Real, log_likelihood: Real) -> Float[Array, "... n"]:
    """The log posterior (nats) of hypotheses along the last axis, normalized.

    Neither argument has to be normalized. A hypothesis at minus infinity stays there; the answer is
    NaN where all of them are, since the observation was then impossible.
    """
    return jax.nn.log_softmax(jnp.asarray(log_prior) + jnp.asarray(log_likelihood), axis=-1)


def bayes(prior: Real, likelihood: Real) -> Float[Array, "... n"]:
    """The posterior probabilities of hypotheses along the last axis.

    Each argument may be scaled; NaN where no hypothesis allows the observation. Likelihoods that
    underflow belong in `log_bayes`.
    """
    p, like = jnp.asarray(prior), jnp.asarray(likelihood)
    scaled = (p / p.max(-1, keepdims=True)) * (like / like.max(-1, keepdims=True))
    return scaled / scaled.sum(-1, keepdims=True)


def odds_update(odds: Real, likelihood_ratio: Real) -> Float[Array, "..."]:
    """Posterior odds: prior odds times the likelihood ratio of the observation."""
    return jnp.asarray(odds) * jnp.asarray(likelihood_ratio)


def positive_likelihood_ratio(sensitivity: Real, specificity: Real) -> Float[Array, "..."]:
    """The factor by which a positive answer of a medical test multiplies the odds of disease.

    Infinite at specificity 1, where no positive answer is false.
    """
    return jnp.asarray(sensitivity) / (1 - jnp.asarray(specificity))


def negative_likelihood_ratio(sensitivity: Real, specificity: Real) -> Float[Array, "..."]:
    """The factor by which a negative answer of a medical test multiplies the odds of disease."""
    return (1 - jnp.asarray(sensitivity)) / jnp.asarray(specificity)


def _others(joint, axis):
    kept = {a % joint.ndim for a in ((axis,) if isinstance(axis, int) else axis)}
    return tuple(a for a in range(joint.ndim) if a not in kept)


def marginal(joint: Real, axis: int | tuple[int, ...]) -> Float[Array, "..."]:
    """The table of the variables on `axis` alone: the joint table summed over all other axes."""
    table = jnp.asarray(joint)
    return table.sum(_others(table, axis))


def conditional(joint: Real, axis: int | tuple[int, ...]) -> Float[Array, "..."]:
    """The table of the other variables given those on `axis`, in the shape of the joint table.

    NaN where the value that is given has probability zero.
    """
    table = jnp.asarray(joint)
    return table / table.sum(_others(table, axis), keepdims=True)
