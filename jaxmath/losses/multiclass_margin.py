r"""Losses of class scores that ask for a margin between the label's score and the others.

The scores are logits without a meaning as probabilities; only their differences matter. Where two
classes other than the label are the largest, the slope is shared between them.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.domains import REAL, Box, Integers
from jaxmath.formula import Break, Convex, Formula, Lipschitz, Source
from jaxmath.special import relu, relu_dx
from jaxmath.special.normalized import Logits, one_vector
from jaxmath.typing import Label


def _against(logits: Logits, label: Label):
    """Where the label is, its logit (NaN for an index that is no class), the largest other one."""
    logits = one_vector(logits)
    hot = jnp.arange(logits.size) == label
    own = jnp.where(jnp.any(hot), jnp.sum(jnp.where(hot, logits, 0.0)), jnp.nan)
    return hot, own, jnp.max(jnp.where(hot, -jnp.inf, logits))


def _towards(logits: Logits, label: Label) -> Float[Array, " n"]:
    """The slope of the largest other logit minus the label's: shared among equals, and -1."""
    hot, _, top = _against(logits, label)
    tied = ~hot & (jnp.asarray(logits) == top)
    return jnp.where(tied, 1.0, 0.0) / jnp.sum(tied) - jnp.where(hot, 1.0, 0.0)


def crammer_singer(logits: Logits, label: Label) -> Float[Array, ""]:
    """By how much the label's logit fails to exceed every other one by one; for a class index.

    Where it just does, the slope is taken as zero.
    """
    _, own, top = _against(logits, label)
    return relu(1 + (top - own))


def crammer_singer_dlogits(logits: Logits, label: Label) -> Float[Array, " n"]:
    """One at the largest other class and minus one at the label, where the margin is below one."""
    _, own, top = _against(logits, label)
    return relu_dx(1 + (top - own)) * _towards(logits, label)


def _flat(logits: Logits, label: Label) -> Float[Array, "n n"]:
    """No curvature, away from the kinks."""
    del label
    return jnp.zeros((jnp.size(logits),) * 2, jnp.asarray(logits).dtype)


def _rivals(margin: float):
    """Of three classes, how far the two others are apart where both violate the margin."""

    def distance(logits, label):
        one, two = logits[(label + 1) % 3], logits[(label + 2) % 3]
        counts = margin + (jnp.maximum(one, two) - logits[label]) > 0
        return jnp.where(counts, one - two, 1.0)

    return distance


_DOMAIN = dict(logits=Box((3,), REAL), label=Integers(0, 2))


def _excess(margin: float):
    def distance(logits, label):
        _, own, top = _against(logits, label)
        return margin + (top - own)

    return distance


CRAMMER_SINGER = Formula(
    fn=crammer_singer,
    domain=_DOMAIN,
    partials=dict(logits=crammer_singer_dlogits),
    seconds={("logits", "logits"): _flat},
    breaks=(
        Break(_excess(1.0), order=1, convention="zero"),
        Break(_rivals(1.0), order=1, convention="middle"),
    ),
    facts=(Convex("logits"), Lipschitz("logits", 2**0.5)),
    tex=r"\ell(z, y) = \max(0, 1 + \max_{j \ne y} z_j - z_y)",
    source=Source("crammer2001algorithmic", "section 3"),
    topic="M5",
)


def weston_watkins(logits: Logits, label: Label) -> Float[Array, ""]:
    """The sum over all other classes of how much the label's logit fails to exceed theirs by one.

    Where it just does, the slope of that term is taken as zero. Torch's multi-margin loss is this
    sum divided by the number of classes.
    """
    hot, own, _ = _against(logits, label)
    return jnp.sum(jnp.where(hot, 0.0, relu(1 + (jnp.asarray(logits) - own))))


def weston_watkins_dlogits(logits: Logits, label: Label) -> Float[Array, " n"]:
    """One at every class that violates the margin, minus their number at the label."""
    hot, own, _ = _against(logits, label)
    others = jnp.where(hot, 0.0, relu_dx(1 + (jnp.asarray(logits) - own)))
    return jnp.where(hot, -jnp.sum(others), others)


def _rival(step: int):
    def distance(logits, label):
        return 1 + (logits[(label + step) % 3] - logits[label])

    return distance


WESTON_WATKINS = Formula(
    fn=weston_watkins,
    domain=_DOMAIN,
    partials=dict(logits=weston_watkins_dlogits),
    seconds={("logits", "logits"): _flat},
    breaks=(
        Break(_rival(1), order=1, convention="left"),
        Break(_rival(2), order=1, convention="left"),
    ),
    facts=(
        Convex("logits"),
        Lipschitz("logits", lambda logits, label: (logits.size * (logits.size - 1)) ** 0.5),
    ),
    tex=r"\ell(z, y) = \sum_{j \ne y} \max(0, 1 + z_j - z_y)",
    source=Source("weston1999support", "section 3"),
    topic="M5",
)


def multiclass_perceptron(logits: Logits, label: Label) -> Float[Array, ""]:
    """By how much the label's logit lies below the largest; for a class index.

    Where the label is one of several largest, the slope is taken as zero.
    """
    _, own, top = _against(logits, label)
    return relu(top - own)


def multiclass_perceptron_dlogits(logits: Logits, label: Label) -> Float[Array, " n"]:
    """One at the largest class and minus one at the label, where these differ."""
    _, own, top = _against(logits, label)
    return relu_dx(top - own) * _towards(logits, label)


MULTICLASS_PERCEPTRON = Formula(
    fn=multiclass_perceptron,
    domain=_DOMAIN,
    partials=dict(logits=multiclass_perceptron_dlogits),
    seconds={("logits", "logits"): _flat},
    breaks=(
        Break(_excess(0.0), order=1, convention="zero"),
        Break(_rivals(0.0), order=1, convention="middle"),
    ),
    facts=(Convex("logits"), Lipschitz("logits", 2**0.5)),
    tex=r"\ell(z, y) = \max_j z_j - z_y",
    source=Source("collins2002discriminative", "section 2"),
    topic="M5",
)

MULTICLASS_MARGIN = (CRAMMER_SINGER, WESTON_WATKINS, MULTICLASS_PERCEPTRON)
