r"""Fenchel-Young losses: a loss for every way to turn scores into probabilities by a maximum."""

from collections.abc import Callable

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.losses.soft_labels import same_length
from jaxmath.special.normalized import Logits
from jaxmath.typing import Label


def fenchel_young(max_fn: Callable[[Logits], Float[Array, ""]]):
    r"""The loss $\Omega^*(z) - \langle z, q \rangle$ of scores z and a probability vector q.

    `max_fn` is the conjugate $\Omega^*(z) = \max_p \langle p, z \rangle - \Omega(p)$ of a convex
    function of probabilities; its gradient is the prediction, and that of the loss the prediction
    minus q. Of `logsumexp` it makes the cross-entropy. The constant $\Omega(q)$ is left out, as it
    is in optax: with it the loss would be zero at best. (Blondel, Martins and
    Niculae, Learning with Fenchel-Young losses, JMLR 21, 2020, definition 2.)
    """

    def loss(scores: Logits, labels: Label) -> Float[Array, ""]:
        scores, labels = same_length(scores, labels)
        return max_fn(scores) - jnp.sum(jnp.where(labels == 0, 0.0, scores) * labels)

    return loss
