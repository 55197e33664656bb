r"""Losses that are zero for residuals up to a tolerance: those of support vector regression."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.domains import POSITIVE, REAL
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
)
from jaxmath.losses.duality import between
from jaxmath.losses.regression import huber_ddelta, huber_dresidual_ddelta
from jaxmath.losses.regression import huber_ddelta_ddelta as minus_beyond
from jaxmath.typing import Real

VAPNIK = "vapnik1995nature"


def epsilon_insensitive(residual: Real, tolerance: Real = 0.1) -> Float[Array, "..."]:
    """By how much the size of the residual exceeds the tolerance; at it the middle slope."""
    return huber_ddelta(residual, tolerance)


EPSILON_INSENSITIVE = Formula(
    fn=epsilon_insensitive,
    domain=dict(residual=REAL, tolerance=POSITIVE),
    partials=dict(residual=huber_dresidual_ddelta, tolerance=minus_beyond),
    seconds={
        ("residual", "residual"): lambda residual, tolerance: jnp.zeros_like(residual),
        ("residual", "tolerance"): lambda residual, tolerance: jnp.zeros_like(residual),
        ("tolerance", "tolerance"): lambda residual, tolerance: jnp.zeros_like(residual),
    },
    breaks=(Break(lambda residual, tolerance: jnp.abs(residual) - tolerance, order=1),),
    facts=(
        Convex("residual"),
        Even("residual"),
        Convex("tolerance"),
        Lipschitz("residual", 1.0),
        Lipschitz("tolerance", 1.0),
        Minimizer("residual", 0.0),
        Conjugate(
            "residual",
            fn=lambda residual, tolerance: between(
                tolerance * jnp.abs(residual), residual, -1.0, 1.0
            ),
        ),
        Prox(
            "residual",
            fn=lambda step, residual, tolerance: (
                jnp.sign(residual)
                * (jnp.abs(residual) - jnp.clip(jnp.abs(residual) - tolerance, 0.0, step))
            ),
        ),
    ),
    tex=r"\ell_\varepsilon(r) = \max(0, |r| - \varepsilon)",
    source=Source(VAPNIK, "eq. 6.1"),
    topic="O8",
)


def squared_epsilon_insensitive(residual: Real, tolerance: Real = 0.1) -> Float[Array, "..."]:
    """The square of what exceeds the tolerance, without a half."""
    return jnp.square(huber_ddelta(residual, tolerance))


def squared_epsilon_insensitive_dresidual(
    residual: Real, tolerance: Real = 0.1
) -> Float[Array, "..."]:
    """Twice what exceeds the tolerance, with the sign of the residual."""
    return 2 * jnp.sign(residual) * huber_ddelta(residual, tolerance)


def _twice_beyond(residual, tolerance):
    return -2 * minus_beyond(residual, tolerance)


SQUARED_EPSILON_INSENSITIVE = Formula(
    fn=squared_epsilon_insensitive,
    domain=dict(residual=REAL, tolerance=POSITIVE),
    partials=dict(
        residual=squared_epsilon_insensitive_dresidual,
        tolerance=lambda residual, tolerance: -2 * huber_ddelta(residual, tolerance),
    ),
    seconds={
        ("residual", "residual"): _twice_beyond,
        ("residual", "tolerance"): lambda residual, tolerance: (
            -jnp.sign(residual) * _twice_beyond(residual, tolerance)
        ),
        ("tolerance", "tolerance"): _twice_beyond,
    },
    breaks=(Break(lambda residual, tolerance: jnp.abs(residual) - tolerance, order=2),),
    facts=(
        Convex("residual"),
        Even("residual"),
        Convex("tolerance"),
        Smooth("residual", 2.0),
        Smooth("tolerance", 2.0),
        Lipschitz("tolerance", lambda residual, tolerance: 2 * jnp.abs(residual)),
        Minimizer("residual", 0.0),
        Conjugate(
            "residual",
            fn=lambda residual, tolerance: jnp.abs(residual) * (tolerance + jnp.abs(residual) / 4),
        ),
        Prox(
            "residual",
            fn=lambda step, residual, tolerance: (
                residual
                - jnp.sign(residual)
                * (huber_ddelta(residual, tolerance) * (2 * step / (1 + 2 * step)))
            ),
        ),
    ),
    tex=r"\ell_\varepsilon(r) = \max(0, |r| - \varepsilon)^2",
    source=Source(VAPNIK, "section 6.1"),
    topic="O8",
)

TOLERANT = (EPSILON_INSENSITIVE, SQUARED_EPSILON_INSENSITIVE)
