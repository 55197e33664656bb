r"""Projections entry by entry: on non-negative numbers, on a box, on the ball of the largest entry.

At a bound of an orthant or a box the slope is that of an entry beyond, zero; at that of a ball it
is one, as within.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.domains import POSITIVE, REAL
from jaxmath.formula import Bounded, Break, Formula, Increasing, Lipschitz, Odd, Source
from jaxmath.typing import Real

_BECK = "beck2017first"


def nonnegative(x: Real) -> Float[Array, "..."]:
    """The positive part of each entry: the next point of the non-negative orthant."""
    x = jnp.asarray(x)
    return jnp.where(x <= 0, jnp.zeros_like(x), x)


def nonnegative_dx(x: Real) -> Float[Array, "..."]:
    """One to the right of zero, else zero."""
    return jnp.heaviside(x, 0.0)


NONNEGATIVE_ORTHANT = Formula(
    fn=nonnegative,
    label="projections.nonnegative",
    domain=dict(x=REAL),
    partials=dict(x=nonnegative_dx),
    seconds={("x", "x"): jnp.zeros_like},
    breaks=(Break(lambda x: x, order=1, convention="zero"),),
    facts=(Increasing("x"), Lipschitz("x", 1.0), Bounded("x", low=0.0)),
    tex=r"P_{\mathbb{R}^n_+}(x) = \max(x, 0)",
    source=Source(_BECK, "lemma 6.26"),
    topic="O16",
)


def box(x: Real, low: Real, high: Real) -> Float[Array, "..."]:
    """Each entry, or the bound that it is beyond; for low <= high, which may be infinite."""
    x, low, high = jnp.asarray(x), jnp.asarray(low), jnp.asarray(high)
    within = jnp.where((x >= high) | jnp.isnan(high), high, x)
    return jnp.where((x <= low) | jnp.isnan(low), low, within)


def box_dx(x: Real, low: Real, high: Real) -> Float[Array, "..."]:
    """One strictly between the bounds, else zero."""
    return 1 - box_dlow(x, low, high) - box_dhigh(x, low, high)


def box_dlow(x: Real, low: Real, high: Real) -> Float[Array, "..."]:
    """One at the lower bound and below, else zero."""
    x = jnp.asarray(x)
    return (x <= low).astype(x.dtype)


def box_dhigh(x: Real, low: Real, high: Real) -> Float[Array, "..."]:
    """One at the upper bound and above, else zero."""
    x = jnp.asarray(x)
    return ((x >= high) & (x > low)).astype(x.dtype)


BOX = Formula(
    fn=box,
    label="projections.box",
    domain=dict(x=REAL, low=REAL, high=REAL),
    where=lambda x, low, high: low < high,
    partials=dict(x=box_dx, low=box_dlow, high=box_dhigh),
    breaks=(
        Break(lambda x, low, high: x - low, order=1, convention="left"),
        Break(lambda x, low, high: high - x, order=1, convention="left"),
    ),
    facts=(
        *(Increasing(name) for name in ("x", "low", "high")),
        Lipschitz("x", 1.0),
    ),
    tex=r"P_{[l, h]}(x) = \min(\max(x, l), h)",
    source=Source(_BECK, "lemma 6.26"),
    topic="O16",
)


def linf_ball(x: Real, radius: Real) -> Float[Array, "..."]:
    """Each entry clipped to at most the radius in size."""
    x = jnp.asarray(x)
    return jnp.where((jnp.abs(x) > radius) | jnp.isnan(radius), jnp.sign(x) * radius, x)


def linf_ball_dx(x: Real, radius: Real) -> Float[Array, "..."]:
    """One within the radius, zero beyond."""
    return 1 - jnp.abs(linf_ball_dradius(x, radius))


def linf_ball_dradius(x: Real, radius: Real) -> Float[Array, "..."]:
    """The sign of what is clipped, zero within the radius."""
    x = jnp.asarray(x)
    return jnp.where(jnp.abs(x) > radius, jnp.sign(x), 0.0)


LINF_BALL = Formula(
    fn=linf_ball,
    label="projections.linf_ball",
    domain=dict(x=REAL, radius=POSITIVE),
    partials=dict(x=linf_ball_dx, radius=linf_ball_dradius),
    breaks=(
        Break(lambda x, radius: x - radius, order=1, convention="left"),
        Break(lambda x, radius: -x - radius, order=1, convention="left"),
    ),
    facts=(Increasing("x"), Odd("x"), Lipschitz("x", 1.0), Lipschitz("radius", 1.0)),
    tex=r"P_{\lVert u \rVert_\infty \le r}(x) = \operatorname{sign}(x) \min(|x|, r)",
    source=Source(_BECK, "table 6.1"),
    topic="O16",
)

BOUNDS = (NONNEGATIVE_ORTHANT, BOX, LINF_BALL)
