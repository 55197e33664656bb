r"""The proximal map of the logistic loss of a margin, $\lambda \log(1 + e^{-u})$.

The answer u is the root of $u = x + \lambda \sigma(-u)$, between x and $x + \lambda$. That map p
mirrors itself, $p(x) = -p(-x - \lambda)$, so that a root v > 0 is all that is sought:

$$ h(v) = v - c - \lambda \sigma(-v) = v + \tfrac{\lambda}{2} \tanh \tfrac{v}{2} -
   (c + \tfrac{\lambda}{2}), $$

of which the second form keeps all digits near zero. There h is concave, and Newton's method climbs
to the root from below. It begins at the larger of two bounds: $(c + \lambda / 2) / (1 + \lambda /
4)$, and, since $\sigma(-v) \ge e^{-v} / 2$, what $d = \tfrac{\lambda}{2} e^{-c - d}$ gives.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.domains import POSITIVE, REAL
from jaxmath.formula import Formula, Increasing, Lipschitz, Source, with_rule
from jaxmath.special.logistic import sigmoid, sigmoid_dx
from jaxmath.special.ratio import quotient
from jaxmath.typing import Real

STEPS = 6
"""From the bounds as many steps of Newton's reach every digit of float64; five do, measured."""


def _mirror(x, strength):
    """Whether the answer is negative; and c, of which it is the map but for the sign."""
    x, strength = jnp.asarray(x), jnp.asarray(strength)
    mirrored = x < -strength / 2
    return mirrored, jnp.where(mirrored, -(x + strength), x)


def _size(c, strength):
    """The root v."""
    # By halves, of which none overflows, and which are exact where they cancel.
    half = c / 2 + strength / 4
    log = jnp.log(strength / 2)
    y = log - c
    # Where d is less than e^y, and less than y if that is large.
    least = jnp.where(y > 1, log - jnp.log(jnp.maximum(y, 1)), c + jnp.exp(jnp.minimum(y, 1) - 1))
    v = jnp.maximum(jnp.maximum(quotient(half, 0.5 + strength / 8), least), 0)
    for _ in range(STEPS):
        near = 2 * (v / 2 + strength / 4 * jnp.tanh(v / 2) - half)
        left = jnp.where(v < 1, near, (v - c) - strength * sigmoid(-v))
        v = v - quotient(left, 1 + strength * sigmoid_dx(v))
    return v


def _logistic(x: Real, strength: Real) -> Float[Array, "..."]:
    """Of the strength times log(1 + exp(-u)): a margin moved up by part of the strength."""
    mirrored, c = _mirror(x, strength)
    v = _size(c, jnp.asarray(strength))
    return jnp.where(mirrored, -v, v)


class _Local(NamedTuple):
    """What the derivatives are made of, at the answer u of size v."""

    total: Array  # one plus the strength times the curvature of the loss
    slope: Array  # sigma(-u), minus the slope of the loss, over the total
    bend: Array  # its curvature over the total
    share: Array  # the strength times that
    tanh: Array  # of u / 2
    rest: Array  # one less tanh times the strength times the slope


def _local(x, strength) -> _Local:
    mirrored, c = _mirror(x, strength)
    strength = jnp.asarray(strength)
    v = _size(c, strength)
    # Far out an exponential of v has lost the digits that its distance from c keeps.
    near, far = sigmoid(-v), sigmoid(v)
    distant = (strength * near > 1) & (v > 1)
    pull = jnp.where(distant, v - c, strength * near)
    near = jnp.where(distant, quotient(pull, strength), near)
    total = 1 + pull * far
    tanh = jnp.tanh(v / 2)
    moved = quotient(jnp.where(mirrored, strength * far, 0.0), total)
    return _Local(
        total=total,
        slope=quotient(jnp.where(mirrored, far, near), total),
        bend=quotient(near * far, total),
        share=quotient(pull * far, total),
        tanh=jnp.where(mirrored, -tanh, tanh),
        rest=jnp.where(mirrored, 1 + tanh * moved, quotient(1 + pull * sigmoid(-v), total)),
    )


def _slope(x: Real, strength: Real) -> Float[Array, "..."]:
    """One over one plus the strength times the curvature of the loss at the answer."""
    return 1 / _local(x, strength).total


def _slope_strength(x: Real, strength: Real) -> Float[Array, "..."]:
    """Minus the slope of the loss at the answer, over the same."""
    return _local(x, strength).slope


def logistic_dx_dx(x: Real, strength: Real) -> Float[Array, "..."]:
    """Minus the strength times the third derivative of the loss, over the cube."""
    at = _local(x, strength)
    return at.share * at.tanh / at.total / at.total


def logistic_dx_dstrength(x: Real, strength: Real) -> Float[Array, "..."]:
    """Minus the curvature, and what it loses as the answer moves, over the square."""
    at = _local(x, strength)
    return -at.bend * at.rest / at.total


def logistic_dstrength_dstrength(x: Real, strength: Real) -> Float[Array, "..."]:
    """Minus slope times curvature, twice, and what they lose as the answer moves."""
    at = _local(x, strength)
    return -at.slope * at.bend * (1 + at.rest)


logistic_dx = with_rule(_slope, x=logistic_dx_dx, strength=logistic_dx_dstrength)
logistic_dstrength = with_rule(
    _slope_strength, x=logistic_dx_dstrength, strength=logistic_dstrength_dstrength
)
logistic = with_rule(_logistic, x=logistic_dx, strength=logistic_dstrength)

PROX_LOGISTIC = Formula(
    fn=logistic,
    plain=_logistic,
    label="proximal.logistic",
    domain=dict(x=REAL, strength=POSITIVE),
    partials=dict(x=logistic_dx, strength=logistic_dstrength),
    seconds={
        ("x", "x"): logistic_dx_dx,
        ("x", "strength"): logistic_dx_dstrength,
        ("strength", "strength"): logistic_dstrength_dstrength,
    },
    facts=(Increasing("x"), Increasing("strength"), Lipschitz("x", 1.0)),
    tex=r"u = \operatorname{prox}(x): \quad u = x + \lambda / (1 + e^u)",
    source=Source("beck2017first", "definition 6.1"),
    topic="O8",
)
