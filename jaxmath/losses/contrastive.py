r"""Contrastive losses of the similarities of an anchor with candidates, of which some belong to it.

All are cross-entropies of `similarities / temperature`: with one positive candidate InfoNCE, with
several the supervised contrastive loss. A candidate that a mask takes away, such as the anchor
itself, has a similarity of minus infinity. With `cosine_similarity` they are NT-Xent (SimCLR).
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from jaxmath.domains import Box, Fixed, Integers, Interval
from jaxmath.formula import (
    Bounded,
    Conjugate,
    Convex,
    Formula,
    Lipschitz,
    Smooth,
    Source,
    with_rule,
)
from jaxmath.losses.classification import (
    softmax_cross_entropy,
    softmax_cross_entropy_dlogits,
    softmax_cross_entropy_dlogits_dlogits,
)
from jaxmath.losses.duality import label_cross_entropy_conjugate
from jaxmath.losses.embedding import cosine_similarity
from jaxmath.special.normalized import Logits
from jaxmath.typing import Label, Scalar

_SIMILARITY = Interval(-1.0, 1.0, closed=(True, True))
_TEMPERATURE = Fixed(Interval(0.05, 20.0, closed=(True, True)))


def _info_nce(similarities: Logits, label: Label, temperature: Scalar = 1.0) -> Float[Array, ""]:
    """Minus the log-probability, in nats, of the positive; `label` is its index."""
    return softmax_cross_entropy(_scaled(similarities, temperature), label)


def _scaled(similarities: Logits, temperature: Scalar) -> Float[Array, " n"]:
    """The logits, measured from the largest, which remains exactly zero."""
    similarities = jnp.asarray(similarities)
    return (similarities - jnp.max(similarities)) / temperature


def info_nce_dsimilarities(
    similarities: Logits, label: Label, temperature: Scalar = 1.0
) -> Float[Array, " n"]:
    """The probabilities of the candidates, minus one at the positive, over the temperature."""
    slope = softmax_cross_entropy_dlogits(_scaled(similarities, temperature), label)
    return slope / temperature


def info_nce_dsimilarities_dsimilarities(
    similarities: Logits, label: Label, temperature: Scalar = 1.0
) -> Float[Array, "n n"]:
    """The covariance of the candidates, over the square of the temperature."""
    scaled = _scaled(similarities, temperature)
    return softmax_cross_entropy_dlogits_dlogits(scaled, label) / temperature / temperature


def _info_nce_dtemperature(
    similarities: Logits, label: Label, temperature: Scalar = 1.0
) -> Float[Array, ""]:
    """Minus the slopes times the logits, over the temperature."""
    scaled = _scaled(similarities, temperature)
    slope = softmax_cross_entropy_dlogits(scaled, label)
    return -jnp.sum(jnp.where(slope == 0, 0.0, scaled) * slope) / temperature


info_nce = with_rule(
    _info_nce, similarities=info_nce_dsimilarities, temperature=_info_nce_dtemperature
)

INFO_NCE = Formula(
    fn=info_nce,
    plain=_info_nce,
    domain=dict(
        similarities=Box((3,), _SIMILARITY), label=Integers(0, 2), temperature=_TEMPERATURE
    ),
    partials=dict(similarities=info_nce_dsimilarities),
    seconds={("similarities", "similarities"): info_nce_dsimilarities_dsimilarities},
    facts=(
        Convex("similarities"),
        Bounded("similarities", low=0.0),
        Lipschitz("similarities", lambda s, label, temperature: 2**0.5 / temperature),
        Smooth("similarities", lambda s, label, temperature: 0.5 / temperature**2),
        Conjugate(
            "similarities",
            fn=lambda similarities, label, temperature: label_cross_entropy_conjugate(
                temperature * similarities, label
            ),
        ),
    ),
    tex=r"\ell(s, y) = -\log \frac{e^{s_y / \tau}}{\sum_j e^{s_j / \tau}}",
    source=Source("oord2018representation", "eq. 4"),
    topic="L3",
)


def nt_xent(
    anchor: Float[ArrayLike, " d"],
    positive: Float[ArrayLike, " d"],
    negatives: Float[ArrayLike, "n d"],
    temperature: Scalar = 0.5,
) -> Float[Array, ""]:
    """`info_nce` of the cosines of an anchor with its positive and with the negatives.

    SimCLR's loss of one view: the positive is the other view of the same image, the negatives are
    both views of all others.
    """
    cosines = jax.vmap(cosine_similarity, (None, 0))
    candidates = jnp.concatenate([jnp.asarray(positive)[None, :], jnp.asarray(negatives)])
    return info_nce(cosines(anchor, candidates), 0, temperature)


def supervised_contrastive(
    similarities: Logits, positives: Label, temperature: Scalar = 1.0
) -> Float[Array, ""]:
    """The mean of `info_nce` over all positives, marked by one in a mask; zero without any.

    The mean stands outside the logarithm (Khosla et al., Supervised contrastive learning, NeurIPS
    2020, eq. 2).
    """
    similarities = jnp.asarray(similarities)
    share = jnp.asarray(positives, similarities.dtype) / jnp.maximum(jnp.sum(positives), 1)
    each = jax.vmap(info_nce, (None, 0, None))
    losses = each(similarities, jnp.arange(similarities.size), temperature)
    return jnp.sum(jnp.where(share > 0, share * losses, 0.0))


CONTRASTIVE = (INFO_NCE,)
