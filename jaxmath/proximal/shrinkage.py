r"""Soft thresholding and its relatives: the proximal maps of penalties that add up over entries.

The proximal map of f is $\operatorname{prox}_f(x) = \arg\min_u f(u) + \lVert u - x \rVert^2 / 2$.
Penalties are those of `losses`, times a strength: squares come without a half. For a step t of a
gradient method the strength is that of the penalty times t. An entry that is as large as the
threshold becomes zero, with slope zero.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.domains import POSITIVE, REAL
from jaxmath.formula import Bounded, Break, Formula, Increasing, Lipschitz, Odd, Source
from jaxmath.special.ratio import quotient
from jaxmath.typing import Real


def l1(x: Real, strength: Real) -> Float[Array, "..."]:
    """Each entry shrunk towards zero by the strength (soft thresholding), at most to zero."""
    x = jnp.asarray(x)
    shrunk = x - jnp.sign(x) * strength
    return jnp.where(jnp.abs(x) <= strength, jnp.zeros_like(shrunk), shrunk)


def l1_dx(x: Real, strength: Real) -> Float[Array, "..."]:
    """One beyond the threshold, else zero."""
    return jnp.abs(l1_dstrength(x, strength))


def l1_dstrength(x: Real, strength: Real) -> Float[Array, "..."]:
    """Minus the sign beyond the threshold, else zero."""
    return jnp.where(jnp.abs(x) <= strength, 0.0, -jnp.sign(x))


PROX_L1 = Formula(
    fn=l1,
    label="proximal.l1",
    domain=dict(x=REAL, strength=POSITIVE),
    partials=dict(x=l1_dx, strength=l1_dstrength),
    breaks=(Break(lambda x, strength: jnp.abs(x) - strength, order=1, convention="zero"),),
    facts=(Odd("x"), Increasing("x"), Lipschitz("x", 1.0), Lipschitz("strength", 1.0)),
    tex=r"\operatorname{prox}_{\lambda |\cdot|}(x) = \operatorname{sign}(x) \max(|x| - \lambda, 0)",
    source=Source("beck2017first", "example 6.8"),
    topic="O18",
)


def nonnegative_l1(x: Real, strength: Real) -> Float[Array, "..."]:
    """Soft thresholding of non-negative weights: each entry less the strength, at least zero."""
    shrunk = jnp.asarray(x) - strength
    return jnp.where(x <= jnp.asarray(strength), jnp.zeros_like(shrunk), shrunk)


def nonnegative_l1_dx(x: Real, strength: Real) -> Float[Array, "..."]:
    """One beyond the threshold, else zero."""
    x = jnp.asarray(x)
    return (x > strength).astype(x.dtype)


PROX_NONNEGATIVE_L1 = Formula(
    fn=nonnegative_l1,
    label="proximal.nonnegative_l1",
    domain=dict(x=REAL, strength=POSITIVE),
    partials=dict(
        x=nonnegative_l1_dx,
        strength=lambda x, strength: -nonnegative_l1_dx(x, strength),
    ),
    breaks=(Break(lambda x, strength: x - strength, order=1, convention="zero"),),
    facts=(Increasing("x"), Lipschitz("x", 1.0), Bounded("x", low=0.0)),
    tex=r"\operatorname{prox}(x) = \max(x - \lambda, 0)",
    source=Source("beck2017first", "lemma 6.5"),
    topic="O18",
)


def squared_l2(x: Real, strength: Real) -> Float[Array, "..."]:
    """Each entry divided by one plus twice the strength, for the sum of squares without a half."""
    # Of a large strength in halves, which do not overflow.
    half = jnp.where(jnp.asarray(strength) > 1, 0.5, 1.0)
    return quotient(half * x, half + 2 * half * strength)


def squared_l2_dx(x: Real, strength: Real) -> Float[Array, "..."]:
    """The factor, the same for all entries."""
    return squared_l2(jnp.ones_like(x), strength)


def squared_l2_dstrength(x: Real, strength: Real) -> Float[Array, "..."]:
    """Minus twice the answer times the factor."""
    return -squared_l2(x, strength) * (2 * squared_l2_dx(x, strength))


def squared_l2_dx_dstrength(x: Real, strength: Real) -> Float[Array, "..."]:
    """Minus twice the square of the factor."""
    factor = squared_l2_dx(x, strength)
    return -factor * (2 * factor)


def squared_l2_dstrength_dstrength(x: Real, strength: Real) -> Float[Array, "..."]:
    """Eight times the answer times the square of the factor."""
    factor = squared_l2_dx(x, strength)
    return squared_l2(x, strength) * (2 * factor) * (4 * factor)


PROX_SQUARED_L2 = Formula(
    fn=squared_l2,
    label="proximal.squared_l2",
    domain=dict(x=REAL, strength=POSITIVE),
    partials=dict(x=squared_l2_dx, strength=squared_l2_dstrength),
    seconds={
        ("x", "x"): lambda x, strength: 0.0 * x,
        ("x", "strength"): squared_l2_dx_dstrength,
        ("strength", "strength"): squared_l2_dstrength_dstrength,
    },
    facts=(Odd("x"), Increasing("x"), Lipschitz("x", 1.0)),
    tex=r"\operatorname{prox}_{\lambda (\cdot)^2}(x) = x / (1 + 2 \lambda)",
    source=Source("beck2017first", "section 6.2.3"),
    topic="O17",
)


def elastic_net(x: Real, l1_strength: Real, l2_strength: Real) -> Float[Array, "..."]:
    """Soft thresholding, then the factor of the squares: of `l1` plus `l2` by their strengths."""
    return squared_l2(l1(x, l1_strength), l2_strength)


def elastic_net_dx(x: Real, l1_strength: Real, l2_strength: Real) -> Float[Array, "..."]:
    """The factor of the squares beyond the threshold, else zero."""
    return squared_l2(l1_dx(x, l1_strength), l2_strength)


def elastic_net_dl1_strength(x: Real, l1_strength: Real, l2_strength: Real) -> Float[Array, "..."]:
    """Minus the sign times the factor beyond the threshold, else zero."""
    return squared_l2(l1_dstrength(x, l1_strength), l2_strength)


def elastic_net_dl2_strength(x: Real, l1_strength: Real, l2_strength: Real) -> Float[Array, "..."]:
    """Minus twice the answer times the factor."""
    return squared_l2_dstrength(l1(x, l1_strength), l2_strength)


PROX_ELASTIC_NET = Formula(
    fn=elastic_net,
    label="proximal.elastic_net",
    domain=dict(x=REAL, l1_strength=POSITIVE, l2_strength=POSITIVE),
    partials=dict(
        x=elastic_net_dx,
        l1_strength=elastic_net_dl1_strength,
        l2_strength=elastic_net_dl2_strength,
    ),
    seconds={
        ("l2_strength", "l2_strength"): lambda x, l1_strength, l2_strength: (
            squared_l2_dstrength_dstrength(l1(x, l1_strength), l2_strength)
        )
    },
    breaks=(
        Break(
            lambda x, l1_strength, l2_strength: jnp.abs(x) - l1_strength,
            order=1,
            convention="zero",
            arguments=("x", "l1_strength"),
        ),
    ),
    facts=(Odd("x"), Increasing("x"), Lipschitz("x", 1.0)),
    tex=r"\operatorname{prox}(x) = "
    r"\operatorname{sign}(x) \max(|x| - \lambda_1, 0) / (1 + 2 \lambda_2)",
    source=Source("parikh2014proximal", "section 6.5"),
    topic="O18",
)

SHRINKAGE = (PROX_L1, PROX_NONNEGATIVE_L1, PROX_SQUARED_L2, PROX_ELASTIC_NET)
