r"""The sparsemax loss: what `softmax_cross_entropy` is to softmax, and zero at a margin of one."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.domains import REAL, Box, Integers
from jaxmath.formula import (
    Bounded,
    Break,
    Conjugate,
    Convex,
    Formula,
    Lipschitz,
    Minimizer,
    Proper,
    Prox,
    Smooth,
    Source,
    with_rule,
)
from jaxmath.losses.duality import (
    all_allowed,
    at,
    lead_over_label,
    moved_to_label,
    on_simplex,
    one_hot,
    where_allowed,
)
from jaxmath.special.normalized import Logits, one_vector
from jaxmath.special.sparsemax import SUPPORT, sparsemax, sparsemax_jacobian, split
from jaxmath.typing import Label, Scalar


def _sparsemax_loss(logits: Logits, label: Label) -> Float[Array, ""]:
    r"""The conjugate of half the square on the simplex, minus the label's logit, plus a half.

    With $p = \operatorname{sparsemax}(z)$ and its threshold $\tau$ it is
    $\tfrac12 \lVert p - e_y \rVert^2 + \max(0, \tau - z_y)$, in which nothing cancels. For a class
    index; NaN for an index that is no class.
    """
    excess, support = split(logits)
    hot = _hot(logits, label)
    rest = jnp.where(support & ~hot, excess, 0.0)  # p but at the label, where it is 1 - sum(rest)
    square = jnp.square(jnp.sum(rest)) + jnp.sum(jnp.square(rest))
    short = jnp.sum(jnp.where(hot & ~support, -_deep_excess(logits), 0.0))
    return jnp.where(jnp.any(hot), square / 2 + short, jnp.nan)


def _hot(logits, label):
    """Where the label is."""
    return jnp.arange(one_vector(logits).size) == label


def _deep_excess(logits):
    """How far each logit lies above the threshold, however far below it is."""
    logits = jnp.asarray(logits)
    excess, _ = split(logits)
    largest = jnp.max(logits)
    at_top = jnp.max(excess)
    return jnp.where(logits < largest - 1, (logits - largest) + at_top, excess)


@jax.custom_jvp
def sparsemax_loss_dlogits(logits: Logits, label: Label) -> Float[Array, " n"]:
    """`sparsemax` of the logits, minus one at the label: there, minus the sum of the others."""
    hot = _hot(logits, label)
    rest = jnp.where(hot, 0.0, sparsemax(logits))
    return jnp.where(jnp.any(hot), jnp.where(hot, -jnp.sum(rest), rest), jnp.nan)


@sparsemax_loss_dlogits.defjvp
def _dlogits_jvp(primals, tangents):
    _, change = jax.jvp(sparsemax, primals[:1], tangents[:1])
    return sparsemax_loss_dlogits(*primals), change


def sparsemax_loss_dlogits_dlogits(logits: Logits, label: Label) -> Float[Array, "n n"]:
    """The Jacobian of `sparsemax`, whatever the label."""
    del label
    return sparsemax_jacobian(logits)


sparsemax_loss = with_rule(_sparsemax_loss, logits=sparsemax_loss_dlogits)


def _prox(step: Scalar, logits: Logits, label: Label) -> Float[Array, " n"]:
    """The logits less the step times the probabilities at a share of the way to the label."""
    # Measured so that the label stands at one, from which nothing is taken away.
    nearer = (1 + lead_over_label(logits, label)) / (1 + step)
    nearer = jnp.where(one_hot(logits, label) > 0, 1.0, nearer)
    return moved_to_label(logits, label, step * sparsemax(nearer))


SPARSEMAX_LOSS = Formula(
    fn=sparsemax_loss,
    plain=_sparsemax_loss,
    domain=dict(logits=Box((3,), REAL), label=Integers(0, 2)),
    partials=dict(logits=sparsemax_loss_dlogits),
    seconds={("logits", "logits"): sparsemax_loss_dlogits_dlogits},
    breaks=tuple(Break(joins, order=2) for joins in SUPPORT),
    facts=(
        Convex("logits"),
        Lipschitz("logits", 2**0.5),
        Smooth("logits", 1.0),
        Bounded("logits", low=0.0),
        Minimizer("logits", one_hot),
        Proper("logits", probability=sparsemax, labels=(0.0, 1.0, 2.0)),
        Conjugate(
            "logits",
            fn=lambda logits, label: where_allowed(
                at(logits, label) + jnp.sum(jnp.square(logits)) / 2,
                all_allowed(on_simplex(logits + one_hot(logits, label))),
            ),
        ),
        Prox("logits", fn=_prox),
    ),
    exceptions={
        "breaks_follow_convention": "no drawn float lies exactly on the threshold of the others",
        "second_derivatives": "where logits tie or lie at ends of the dtype the reference cannot "
        "see through their order; they are the slopes of `sparsemax`, which are compared",
    },
    tex=r"\ell(z, y) = \max_{p \in \Delta} \left( \langle p, z \rangle"
    r" - \tfrac12 \lVert p \rVert^2 \right) + \tfrac12 - z_y",
    source=Source("martins2016sparsemax", "section 3.2"),
    topic="P19",
)
