r"""Softmax, its logarithm and its normaliser, of one vector of logits.

The largest logits carry weight one and are set apart, here called `top`: the sum of all the others
is what $1 - p$ means for a probability next to one, and no digits of it are lost. Derivatives
measure tangents from the top's: $\dot z - \langle p, \dot z\rangle$ for a unit tangent would
cancel where $p$ is next to one, while its difference from the top's tangent is exact.

A weight below the least normal number counts as zero, in every sum.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Bool, Float

from jaxmath.domains import REAL, Box
from jaxmath.formula import (
    Bounded,
    Convex,
    Formula,
    Lipschitz,
    Smooth,
    Source,
    with_rule,
)

Logits = Float[ArrayLike, " n"]


class _Split(NamedTuple):
    """What the functions of this file share."""

    top: Bool[Array, " n"]  # the entries that equal the maximum
    gap: Float[Array, " n"]  # logits minus the maximum
    weights: Float[Array, " n"]  # exp(gap), exactly one at the top
    others: Float[Array, ""]  # sum of all weights but one of the top


def one_vector(logits: ArrayLike) -> Float[Array, " n"]:
    """The logits as an array, refused if they are not one vector."""
    logits = jnp.asarray(logits)
    if logits.ndim != 1:
        raise ValueError(
            f"Expected one vector of logits, got an array of shape {logits.shape}; "
            "map over a batch with jax.vmap."
        )
    return logits


def _split(logits: Logits) -> _Split:
    logits = one_vector(logits)
    largest = jnp.max(logits)
    top = logits == largest
    gap = jnp.where(top, 0.0, logits - largest)
    weights = jnp.exp(gap)
    ties = jnp.sum(top) - 1
    return _Split(top, gap, weights, jnp.sum(jnp.where(top, 0.0, weights)) + ties)


@jax.custom_jvp
def softmax(logits: Logits) -> Float[Array, " n"]:
    """Logits (in nats, up to a common constant) to probabilities that sum to one.

    Raises:
        ValueError: if the logits are not one vector.
    """
    split = _split(logits)
    return split.weights / (1 + split.others)


@softmax.defjvp
def _softmax_jvp(primals, tangents):
    value = softmax(*primals)
    return value, value * _centred(*primals, *tangents)


def softmax_vjp(logits: Logits, cotangent: Logits) -> tuple[Float[Array, " n"]]:
    """The centred cotangent times the probabilities, entry by entry: the Jacobian is symmetric."""
    return (softmax(logits) * _centred(logits, cotangent),)


@jax.custom_jvp
def softmax_complement(logits: Logits) -> Float[Array, " n"]:
    """One minus `softmax`, to all digits: the probability of every class but this one."""
    split = _split(logits)
    total = 1 + split.others
    return jnp.where(split.top, split.others, total - split.weights) / total


@softmax_complement.defjvp
def _softmax_complement_jvp(primals, tangents):
    return softmax_complement(*primals), -_softmax_jvp(primals, tangents)[1]


SOFTMAX_COMPLEMENT = Formula(
    fn=softmax_complement,
    domain=dict(logits=Box((4,), REAL)),
    vjp=lambda logits, cotangent: (-softmax_vjp(logits, cotangent)[0],),
    facts=(Bounded("logits", 0.0, 1.0), Lipschitz("logits", 0.5)),
    tex=r"1 - \operatorname{softmax}(z)_k = \frac{\sum_{j \ne k} e^{z_j}}{\sum_j e^{z_j}}",
    source=Source("bishop2006prml", "eq. 4.62"),
    topic="P11",
)


def _gaps(z):
    """By how much each exceeds each other; equal infinities by nothing."""
    return jnp.where(z[:, None] == z[None, :], 0.0, z[:, None] - z[None, :])


@jax.custom_jvp
def softmax_difference(logits: Logits, others: Logits) -> Float[Array, " n"]:
    r"""The softmax p of one vector of logits less that, q, of another; small where both are close.

    Since both sum to one it is $\sum_j (p_i q_j - q_i p_j)$, and the two products are in the ratio
    of the exponential of how much more i and j differ in one than in the other.
    """
    p, q = softmax(logits), softmax(others)
    more = _gaps(one_vector(logits)) - _gaps(one_vector(others))
    most = jnp.where(more > 0, p[:, None] * q[None, :], q[:, None] * p[None, :])
    return jnp.sum(jnp.sign(more) * most * -jnp.expm1(-jnp.abs(more)), axis=1)


@softmax_difference.defjvp
def _softmax_difference_jvp(primals, tangents):
    changes = [
        jax.jvp(softmax, (at,), (tangent,))[1]
        for at, tangent in zip(primals, tangents, strict=True)
    ]
    return softmax_difference(*primals), changes[0] - changes[1]


def softmax_jacobian(logits: Logits) -> Float[Array, "n n"]:
    r"""The covariance of one draw, $\operatorname{diag} p - p p^\top$."""
    p = softmax(logits)
    own = jnp.diag(p * softmax_complement(logits))
    return jnp.where(jnp.eye(p.size, dtype=bool), own, -jnp.outer(p, p))


SOFTMAX = Formula(
    fn=softmax,
    domain=dict(logits=Box((4,), REAL)),
    vjp=softmax_vjp,
    facts=(Bounded("logits", 0.0, 1.0), Lipschitz("logits", 0.5)),
    tex=r"\operatorname{softmax}(z)_k = \frac{e^{z_k}}{\sum_j e^{z_j}}",
    source=Source("bishop2006prml", "eq. 4.62"),
    topic="C5",
)


@jax.custom_jvp
def log_softmax(logits: Logits) -> Float[Array, " n"]:
    """The logarithm of `softmax`, in nats; accurate also for a probability next to one.

    Raises:
        ValueError: if the logits are not one vector.
    """
    split = _split(logits)
    return split.gap - jnp.log1p(split.others)


@log_softmax.defjvp
def _log_softmax_jvp(primals, tangents):
    return log_softmax(*primals), _centred(*primals, *tangents)


def log_softmax_vjp(logits: Logits, cotangent: Logits) -> tuple[Float[Array, " n"]]:
    """The cotangent minus its sum times the probabilities.

    The result sums to zero, since a common shift of the logits changes nothing; that gives the
    entry of a single top from the others.
    """
    result = jnp.asarray(cotangent) - softmax(logits) * jnp.sum(cotangent)
    top = _split(logits).top
    single = top & (jnp.sum(top) == 1)
    return (jnp.where(single, -jnp.sum(jnp.where(single, 0.0, result)), result),)


LOG_SOFTMAX = Formula(
    fn=log_softmax,
    domain=dict(logits=Box((4,), REAL)),
    vjp=log_softmax_vjp,
    facts=(Bounded("logits", high=0.0), Lipschitz("logits", lambda logits: logits.size**0.5)),
    tex=r"\log\operatorname{softmax}(z)_k = z_k - \log\sum_j e^{z_j}",
    source=Source("goodfellow2016deep", "eq. 6.30"),
    topic="P11",
)


def _logsumexp(logits: Logits) -> Float[Array, ""]:
    """The logarithm of the sum of the exponentials, in nats; the normaliser of `softmax`.

    Raises:
        ValueError: if the logits are not one vector.
    """
    return jnp.max(logits) + jnp.log1p(_split(logits).others)


logsumexp = with_rule(_logsumexp, logits=softmax)

LOGSUMEXP = Formula(
    fn=logsumexp,
    plain=_logsumexp,
    domain=dict(logits=Box((4,), REAL)),
    partials=dict(logits=softmax),
    seconds={("logits", "logits"): softmax_jacobian},
    facts=(Convex("logits"), Lipschitz("logits", 1.0), Smooth("logits", 0.5)),
    tex=r"\operatorname{logsumexp}(z) = \log\sum_j e^{z_j}",
    source=Source("boyd2004convex", "section 3.1.5"),
    topic="P11",
)


def _centred(logits: Logits, tangent: Logits) -> Float[Array, " n"]:
    """The tangent minus its mean under `softmax`, both measured from the tangent of the top.

    Where one probability is next to one its own difference is exactly zero, and the mean is a sum
    over the others.
    """
    top, tangent = _split(logits).top, jnp.asarray(tangent)
    relative = tangent - jnp.sum(jnp.where(top, tangent, 0.0)) / jnp.sum(top)
    return relative - jnp.sum(softmax(logits) * relative)
