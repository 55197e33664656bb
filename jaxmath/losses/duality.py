r"""What conjugates and proximal maps of losses are made of.

The conjugate of f is $f^*(s) = \max_x s x - f(x)$, its proximal map
$\operatorname{prox}_{t f}(x) = \arg\min_u f(u) + (u - x)^2 / (2 t)$. They stand in the records of
the losses as facts, and are reached through these: `SQUARED_ERROR.facts`.
"""

from collections.abc import Callable

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Bool, Float

from jaxmath.special import lambertw
from jaxmath.special.entropy import xlog1py, xlogy
from jaxmath.typing import Label, Real

Vector = Float[ArrayLike, " n"]


def where_allowed(value: Real, allowed: Bool[ArrayLike, "..."]) -> Float[Array, "..."]:
    """The value where it is allowed, infinite elsewhere."""
    return jnp.where(allowed, value, jnp.inf)


def between(value: Real, slope: Real, low: Real, high: Real) -> Float[Array, "..."]:
    """The value where the slope lies between two ends, infinite beyond."""
    return where_allowed(value, (jnp.asarray(slope) >= low) & (jnp.asarray(slope) <= high))


def zero_between(slope: Real, low: Real, high: Real) -> Float[Array, "..."]:
    """Zero between two ends, infinite beyond: the conjugate of a hinge at zero."""
    return between(0.0 * jnp.asarray(slope), slope, low, high)


def of_margin(conjugate: Callable) -> Callable:
    """The conjugate of a loss of the margin, as one of the score, with a label in {-1, 1}."""
    return lambda score, label: conjugate(jnp.asarray(label) * score)


def prox_of_margin(prox: Callable) -> Callable:
    """The proximal map of a loss of the margin, as one of the score."""
    return lambda step, score, label: label * prox(step, jnp.asarray(label) * score)


def exponential_conjugate(slope: Real) -> Float[Array, "..."]:
    r"""Of $e^x$: $s \log s - s$ for s >= 0."""
    slope = jnp.asarray(slope)
    return where_allowed(xlogy(slope, jnp.maximum(slope, 0.0)) - slope, slope >= 0)


def exponential_prox(step: Real, x: Real) -> Float[Array, "..."]:
    r"""Of $e^x$: x less the solution w of $w + \log w = x + \log t$."""
    w = omega(jnp.asarray(x) + jnp.log(step))
    return jnp.where(w > 1, jnp.log(w) - jnp.log(step), x - w)


def omega(x: Real) -> Float[Array, "..."]:
    r"""The number w with $w + \log w = x$: Lambert's W of $e^x$, which may overflow."""
    x = jnp.asarray(x)
    small = jnp.minimum(x, 10.0)
    large = jnp.maximum(x, 10.0)
    w = large
    for _ in range(4):  # Newton's method doubles the digits
        w = w * ((1 + large - jnp.log(w)) / (1 + w))
    return jnp.where(x < 10, lambertw(jnp.exp(small)), w)


def softplus_conjugate(slope: Real) -> Float[Array, "..."]:
    r"""Of $\log(1 + e^x)$: minus the entropy, in nats, of a coin of this probability."""
    slope = jnp.asarray(slope)
    share = jnp.clip(slope, 0.0, 1.0)
    return where_allowed(xlogy(share, share) + xlog1py(1 - share, -share), slope == share)


def logsumexp_conjugate(slope: Vector, total: Real = 1.0) -> Float[Array, ""]:
    r"""Of $Q$ times the logsumexp: $\sum_k w_k \log(w_k / Q)$ of slopes w with the sum Q.

    Minus the entropy, in nats, if that is one; infinite off the simplex. The largest slope is what
    the others leave.
    """
    shares = on_simplex(slope, total)
    top = jnp.arange(shares.size) == jnp.argmax(shares)
    others = jnp.where(top, 0.0, shares)
    some = jnp.where(jnp.asarray(total) > 0, total, 1.0)
    rest = jnp.sum(others) / some
    value = jnp.sum(xlogy(others, others / some)) + xlog1py(some * (1 - rest), -rest)
    return jnp.where(all_allowed(shares), jnp.where(jnp.asarray(total) > 0, value, 0.0), jnp.inf)


def on_simplex(slope: Vector, total: Real = 1.0) -> Float[Array, " n"]:
    """The slopes as shares: a rounding below zero is zero; NaN if they do not sum to the total."""
    slope, total = jnp.asarray(slope), jnp.asarray(total)
    rounding = 16 * slope.size * jnp.finfo(slope.dtype).eps * jnp.maximum(total, 1.0)
    shares = jnp.where((slope < 0) & (slope > -rounding), 0.0, slope)
    return jnp.where(jnp.abs(jnp.sum(shares) - total) <= rounding, shares, jnp.nan)


def one_hot(vector: Vector, label: Label) -> Float[Array, " n"]:
    """One at the label, zero elsewhere, in the shape and dtype of the vector."""
    vector = jnp.asarray(vector)
    return jnp.where(jnp.arange(vector.size) == label, 1.0, jnp.zeros_like(vector))


def at(vector: Vector, label: Label) -> Float[Array, ""]:
    """The entry at the label."""
    return jnp.sum(jnp.where(one_hot(vector, label) > 0, vector, 0.0))


def all_allowed(shares: Vector) -> Bool[Array, ""]:
    """Whether these are shares, none negative and none NaN."""
    return jnp.all(jnp.asarray(shares) >= 0)


def cross_entropy_conjugate(logits: Vector, labels: Vector) -> Float[Array, ""]:
    """Of the cross-entropy with any weights as labels: at the slopes plus these."""
    return logsumexp_conjugate(
        jnp.asarray(logits) + jnp.asarray(labels), jnp.sum(jnp.asarray(labels))
    )


def label_cross_entropy_conjugate(logits: Vector, label: Label) -> Float[Array, ""]:
    """Minus the entropy of the slopes plus one at the label."""
    return logsumexp_conjugate(jnp.asarray(logits) + one_hot(logits, label))


def lead_over_label(logits: Vector, label: Label) -> Float[Array, " n"]:
    """How far each logit lies above the label's, zero at the label."""
    return jnp.asarray(logits) - at(logits, label)


def moved_to_label(logits: Vector, label: Label, shares: Vector) -> Float[Array, " n"]:
    """The logits, each less its share, and the label's plus all that the others lose."""
    others = jnp.where(one_hot(logits, label) > 0, 0.0, shares)
    return jnp.where(one_hot(logits, label) > 0, logits + jnp.sum(others), logits - others)


def half_square_conjugate(slope: Real, centre: Real) -> Float[Array, "..."]:
    r"""Of $(x - c)^2 / 2$: $s^2 / 2 + s c$."""
    slope = jnp.asarray(slope)
    return slope * (slope / 2 + centre)


def half_square_prox(step: Real, x: Real, centre: Real) -> Float[Array, "..."]:
    """Of half the squared distance from a centre: between x and the centre."""
    return jnp.asarray(x) / (1 + step) + jnp.asarray(centre) * (step / (1 + step))
