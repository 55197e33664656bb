r"""Proximal maps of losses of one number: Huber's, the hinge, and the barrier of the logarithm.

Each is $\arg\min_u \lambda f(u) + (u - x)^2 / 2$ for a strength $\lambda$.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.domains import POSITIVE, REAL
from jaxmath.formula import Bounded, Break, Formula, Increasing, Lipschitz, Odd, Source, with_rule
from jaxmath.special.ratio import quotient, sum_of_products, two_difference
from jaxmath.typing import Real


def huber(x: Real, strength: Real, delta: Real) -> Float[Array, "..."]:
    """Of the strength times Huber's loss: a factor within delta (1 + strength), a shift beyond."""
    x = jnp.asarray(x)
    inside = _within(x, strength, delta) <= 0
    # The slopes of the side that is not taken are finite too.
    inner = quotient(jnp.where(inside, x, 0.0), 1 + jnp.asarray(strength))
    outer = x - jnp.sign(x) * (jnp.asarray(strength) * delta)
    return jnp.where(inside, inner, outer)


def _within(x, strength, delta):
    """How far x lies beyond the place where the loss of the answer becomes linear."""
    size, delta, strength = jnp.abs(x), jnp.asarray(delta), jnp.asarray(strength)
    rough = size - delta * (1 + strength)
    unit = jnp.where(size > 1, 0.25, 1.0).astype(size.dtype)  # no half of the digits overflows
    exact = sum_of_products((unit * size, 1.0), (-delta, unit), (-delta, unit * strength))
    return jnp.where(jnp.abs(rough) < 1e-3 * size, exact, rough)


def huber_dx(x: Real, strength: Real, delta: Real) -> Float[Array, "..."]:
    """The factor within, one beyond."""
    inner = 1 / (1 + jnp.asarray(strength))
    return jnp.where(_within(x, strength, delta) <= 0, inner, jnp.ones_like(inner))


def huber_dstrength(x: Real, strength: Real, delta: Real) -> Float[Array, "..."]:
    """Minus the answer times the factor within, minus delta with the sign of x beyond."""
    total = 1 + jnp.asarray(strength)
    inner = -quotient(jnp.asarray(x), total) * (1 / total)
    return jnp.where(_within(x, strength, delta) <= 0, inner, -jnp.sign(x) * delta)


def huber_ddelta(x: Real, strength: Real, delta: Real) -> Float[Array, "..."]:
    """Zero within, minus the strength with the sign of x beyond."""
    outer = -jnp.sign(x) * strength
    return jnp.where(_within(x, strength, delta) <= 0, jnp.zeros_like(outer), outer)


PROX_HUBER = Formula(
    fn=huber,
    label="proximal.huber",
    domain=dict(x=REAL, strength=POSITIVE, delta=POSITIVE),
    partials=dict(x=huber_dx, strength=huber_dstrength, delta=huber_ddelta),
    breaks=(Break(_within, order=1, convention="left"),),
    facts=(Odd("x"), Increasing("x"), Lipschitz("x", 1.0)),
    tex=r"\operatorname{prox}_{\lambda h_\delta}(x) = \begin{cases} x / (1 + \lambda) & "
    r"|x| \le \delta (1 + \lambda) \\ x - \lambda \delta \operatorname{sign}(x) & "
    r"\text{otherwise} \end{cases}",
    source=Source("beck2017first", "example 6.66"),
    exceptions={"breaks_follow_convention": "no drawn float lies exactly on the break"},
    topic="O8",
)


def hinge(x: Real, strength: Real) -> Float[Array, "..."]:
    """Of the strength times max(0, 1 - u): a margin moved up by the strength, at most to one."""
    x = jnp.asarray(x)
    moved = jnp.where(_short(x, strength) <= 0, jnp.ones_like(x + strength), x + strength)
    return jnp.where(x > 1, x, moved)


def _short(x, strength):
    """By how much x lies further below one than the strength, its sign exact."""
    total, lost = two_difference(x, -jnp.asarray(strength))
    return (1 - total) - lost


def hinge_dx(x: Real, strength: Real) -> Float[Array, "..."]:
    """Zero where the answer is one, else one."""
    x = jnp.asarray(x)
    return jnp.where(x > 1, jnp.ones_like(x), hinge_dstrength(x, strength))


def hinge_dstrength(x: Real, strength: Real) -> Float[Array, "..."]:
    """One where the answer is less than one, else zero."""
    x = jnp.asarray(x)
    return ((x < 1) & (_short(x, strength) > 0)).astype(x.dtype)


PROX_HINGE = Formula(
    fn=hinge,
    label="proximal.hinge",
    domain=dict(x=REAL, strength=POSITIVE),
    partials=dict(x=hinge_dx, strength=hinge_dstrength),
    breaks=(
        Break(lambda x, strength: x - 1, order=1, convention="zero", arguments=("x",)),
        Break(_short, order=1, convention="zero"),
    ),
    facts=(Increasing("x"), Lipschitz("x", 1.0), Lipschitz("strength", 1.0)),
    tex=r"\operatorname{prox}(x) = \max(x, \min(x + \lambda, 1))",
    source=Source("beck2017first", "definition 6.1"),
    topic="O8",
)


def _parts(x: Real, strength: Real):
    """The answer of `log_barrier`, the half distance of the roots, and the root of the strength."""
    x, strength = jnp.asarray(x), jnp.asarray(strength)
    root = jnp.sqrt(strength)
    half = jnp.hypot(x / 2, root)
    size = half + jnp.abs(x) / 2
    return jnp.where(x >= 0, size, quotient(root, size) * root), half, root


def _log_barrier(x: Real, strength: Real) -> Float[Array, "..."]:
    """Of minus the strength times the logarithm: the positive root u of u (u - x) = strength."""
    return _parts(x, strength)[0]


def _slope(x: Real, strength: Real) -> Float[Array, "..."]:
    """The answer over the distance of the roots."""
    value, half, _ = _parts(x, strength)
    return 0.5 * quotient(value, half)


def _slope_strength(x: Real, strength: Real) -> Float[Array, "..."]:
    """One over the distance of the roots."""
    return 0.5 / _parts(x, strength)[1]


def log_barrier_dx_dx(x: Real, strength: Real) -> Float[Array, "..."]:
    """The strength over twice the square, times the distance of the roots."""
    _, half, root = _parts(x, strength)
    return 0.25 * jnp.square(quotient(root, half)) * (1 / half)


def log_barrier_dx_dstrength(x: Real, strength: Real) -> Float[Array, "..."]:
    """Minus x over the cube of the distance of the roots."""
    _, half, _ = _parts(x, strength)
    once = 1 / half  # of quotients XLA makes one, by a product that overflows
    return -0.125 * quotient(jnp.asarray(x), half) * once * once


def log_barrier_dstrength_dstrength(x: Real, strength: Real) -> Float[Array, "..."]:
    """Minus two over the cube of the distance of the roots."""
    _, half, _ = _parts(x, strength)
    once = 1 / half
    return -0.25 * once * once * once


log_barrier_dx = with_rule(_slope, x=log_barrier_dx_dx, strength=log_barrier_dx_dstrength)
log_barrier_dstrength = with_rule(
    _slope_strength, x=log_barrier_dx_dstrength, strength=log_barrier_dstrength_dstrength
)
log_barrier = with_rule(_log_barrier, x=log_barrier_dx, strength=log_barrier_dstrength)

PROX_LOG_BARRIER = Formula(
    fn=log_barrier,
    plain=_log_barrier,
    label="proximal.log_barrier",
    domain=dict(x=REAL, strength=POSITIVE),
    partials=dict(x=log_barrier_dx, strength=log_barrier_dstrength),
    seconds={
        ("x", "x"): log_barrier_dx_dx,
        ("x", "strength"): log_barrier_dx_dstrength,
        ("strength", "strength"): log_barrier_dstrength_dstrength,
    },
    facts=(Increasing("x"), Increasing("strength"), Lipschitz("x", 1.0), Bounded("x", low=0.0)),
    tex=r"\operatorname{prox}_{-\lambda \log}(x) = \frac{x + \sqrt{x^2 + 4 \lambda}}{2}",
    source=Source("beck2017first", "lemma 6.5"),
    topic="O12",
)

POINTWISE = (PROX_HUBER, PROX_HINGE, PROX_LOG_BARRIER)
