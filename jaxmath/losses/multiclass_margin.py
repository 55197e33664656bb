r"""Losses of class scores that ask for a margin between the label's score and the others.

The scores are logits without a meaning as probabilities; only their differences matter. Where two
classes other than the label are the largest, the slope is shared between them.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.domains import REAL, Box, Choices, Integers
from jaxmath.formula import (
    Bounded,
    Break,
    Conjugate,
    Convex,
    Formula,
    Lipschitz,
    Minimizer,
    Prox,
    Source,
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
from jaxmath.special import relu, relu_dx
from jaxmath.special.normalized import Logits, one_vector
from jaxmath.special.sparsemax import sparsemax
from jaxmath.typing import Label, Scalar


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


def _label_margin_prox(step: Scalar, logits: Logits, label: Label, margin: float):
    """The logits moved by what the step allows: a projection of the violations on its simplex."""
    hot = one_hot(logits, label) > 0
    violations = jnp.where(hot, step, margin + lead_over_label(logits, label))
    return moved_to_label(logits, label, step * sparsemax(violations / step))


CRAMMER_SINGER = Formula(
    fn=crammer_singer,
    domain=_DOMAIN,
    partials=dict(logits=crammer_singer_dlogits),
    seconds={("logits", "logits"): _flat},
    breaks=(
        Break(_excess(1.0), order=1, convention="zero"),
        Break(_rivals(1.0), order=1, convention="middle"),
    ),
    facts=(
        Convex("logits"),
        Lipschitz("logits", 2**0.5),
        Minimizer("logits", one_hot),
        Conjugate(
            "logits",
            fn=lambda logits, label: where_allowed(
                at(logits, label), all_allowed(on_simplex(logits + one_hot(logits, label)))
            ),
        ),
        Prox("logits", fn=lambda step, logits, label: _label_margin_prox(step, logits, label, 1.0)),
    ),
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


def _weston_watkins_conjugate(logits: Logits, label: Label) -> Float[Array, ""]:
    """The slope at the label, where the others lie between zero and one and the sum is zero."""
    hot = one_hot(logits, label) > 0
    others = jnp.where(hot, 0.0, logits)
    allowed = jnp.all((others >= 0) & (others <= 1)) & (jnp.sum(others) == -at(logits, label))
    return where_allowed(at(logits, label), allowed)


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
        Minimizer("logits", one_hot),
        Conjugate("logits", fn=_weston_watkins_conjugate),
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
    facts=(
        Convex("logits"),
        Lipschitz("logits", 2**0.5),
        Minimizer("logits", 0.0),
        Conjugate(
            "logits",
            fn=lambda logits, label: where_allowed(
                0.0, all_allowed(on_simplex(logits + one_hot(logits, label)))
            ),
        ),
        Prox(
            "logits",
            fn=lambda step, logits, label: _label_margin_prox(step, logits, label, 0.0),
        ),
    ),
    tex=r"\ell(z, y) = \max_j z_j - z_y",
    source=Source("collins2002discriminative", "section 2"),
    topic="M5",
)


def _violations(logits: Logits, labels: Label) -> Float[Array, "n n"]:
    """One less the lead of every class that is there (row) over every one that is not."""
    logits, labels = one_vector(logits), jnp.asarray(labels)
    if labels.shape != logits.shape:
        raise ValueError(f"Expected {logits.size} labels, got shape {labels.shape}.")
    counts = (labels[:, None] > 0) & (labels[None, :] <= 0)
    return jnp.where(counts, 1 + (logits[None, :] - logits[:, None]), 0.0)


def multilabel_margin(logits: Logits, labels: Label) -> Float[Array, ""]:
    """The sum, over classes that are there and classes that are not, of their margin violations.

    A label in {0, 1} for each class; a class that is there should exceed each that is not by one.
    Where it just does, the slope of that term is taken as zero. Torch's multi-label margin loss is
    this sum divided by the number of classes.

    Raises:
        ValueError: if there is not one label for each logit.
    """
    return jnp.sum(relu(_violations(logits, labels)))


def multilabel_margin_dlogits(logits: Logits, labels: Label) -> Float[Array, " n"]:
    """The number of classes against which each one violates the margin, up or down."""
    each = relu_dx(_violations(logits, labels))
    return jnp.sum(each, axis=0) - jnp.sum(each, axis=1)


def _one_there(logits, labels):
    """Of two classes, one of which is there, by how much it fails to exceed the other one."""
    sign = labels[0] - labels[1]
    return jnp.where(sign == 0, jnp.inf, 1 - sign * (logits[0] - logits[1]))


MULTILABEL_MARGIN = Formula(
    fn=multilabel_margin,
    domain=dict(logits=Box((2,), REAL), labels=Box((2,), Choices((0.0, 1.0)))),
    partials=dict(logits=multilabel_margin_dlogits),
    seconds={("logits", "logits"): _flat},
    breaks=(Break(_one_there, order=1, convention="zero"),),
    facts=(
        Convex("logits"),
        Bounded("logits", low=0.0),
        Lipschitz("logits", lambda logits, labels: (logits.size * (logits.size - 1)) ** 0.5),
        Minimizer("logits", lambda logits, labels: labels),
    ),
    exceptions={
        "breaks_follow_convention": "no drawn point with one label alone lies exactly on the margin"
    },
    tex=r"\ell(z, y) = \sum_{y_j = 1,\, y_k = 0} \max(0, 1 - z_j + z_k)",
    source=Source("crammer2003family", "section 2"),
    topic="M5",
)

MULTICLASS_MARGIN = (CRAMMER_SINGER, WESTON_WATKINS, MULTICLASS_PERCEPTRON)
