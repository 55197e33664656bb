r"""Losses of the margin $m = y s$: label times score, with a label in {-1, 1}.

A positive margin is a right answer, and its size is how sure. `hinge` stands with the logistic
losses in `classification`.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.domains import REAL, SIGN
from jaxmath.formula import (
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
)
from jaxmath.losses.classification import _alike, _margin
from jaxmath.losses.duality import (
    between,
    exponential_conjugate,
    exponential_prox,
    of_margin,
    prox_of_margin,
    softplus_conjugate,
    where_allowed,
    zero_between,
)
from jaxmath.special import log_sigmoid, relu, relu_dx, sigmoid, sigmoid_dx
from jaxmath.typing import Label, Real


def squared_hinge(score: Real, label: Label) -> Float[Array, "..."]:
    """The square, without a half, of what the margin falls short of one; label in {-1, 1}."""
    return jnp.square(relu(1 - _margin(score, label)))


def squared_hinge_dscore(score: Real, label: Label) -> Float[Array, "..."]:
    """Minus twice the shortfall, times the label."""
    score, label = _alike(score, label)
    return -2 * label * relu(1 - label * score)


SQUARED_HINGE = Formula(
    fn=squared_hinge,
    domain=dict(score=REAL, label=SIGN),
    partials=dict(score=squared_hinge_dscore),
    seconds={("score", "score"): lambda score, label: 2 * relu_dx(1 - _margin(score, label))},
    breaks=(Break(lambda score, label: 1 - _margin(score, label), order=2),),
    facts=(
        Convex("score"),
        Smooth("score", 2.0),
        Minimizer("score", lambda score, label: label + 0.0 * score),
        Proper(
            "score", probability=lambda score: jnp.clip((1 + score) / 2, 0, 1), labels=(-1.0, 1.0)
        ),
        Conjugate(
            "score", fn=of_margin(lambda slope: where_allowed(slope * (1 + slope / 4), slope <= 0))
        ),
        Prox(
            "score",
            fn=prox_of_margin(
                lambda step, margin: margin + relu(1 - margin) * (2 * step / (1 + 2 * step))
            ),
        ),
    ),
    tex=r"\ell(s, y) = \max(0, 1 - y s)^2",
    source=Source("bartlett2006convexity", "example 2"),
    topic="O8",
)


def _above(margin: Float[Array, "..."], bend: float) -> Float[Array, "..."]:
    """The margin where it lies above the bend, and there alone its square is wanted; else zero."""
    return jnp.where(margin < bend, 0.0, margin)


def smoothed_hinge(score: Real, label: Label) -> Float[Array, "..."]:
    """The hinge loss with its corner rounded: a half of the square of the shortfall up to one.

    For a margin below zero it is a half less than `hinge`; label in {-1, 1}.
    """
    margin = _margin(score, label)
    parabola = 0.5 * jnp.square(relu(1 - _above(margin, 0.0)))
    return jnp.where(margin < 0, 0.5 - margin, parabola)


def smoothed_hinge_dscore(score: Real, label: Label) -> Float[Array, "..."]:
    """Minus the label times the shortfall, which counts at most one."""
    score, label = _alike(score, label)
    return -label * jnp.minimum(relu(1 - label * score), 1.0)


def smoothed_hinge_dscore_dscore(score: Real, label: Label) -> Float[Array, "..."]:
    """One for a margin between zero and one, else zero."""
    margin = _margin(score, label)
    return relu_dx(1 - margin) * relu_dx(margin)


def _smoothed_hinge_chance(score: Real) -> Float[Array, "..."]:
    """The probability of the label 1 of which a score is the best one."""
    size = jnp.minimum(jnp.abs(score), 1.0)
    likelier = 1 / (2 - size)
    return jnp.where(jnp.asarray(score) < 0, 1 - likelier, likelier)


SMOOTHED_HINGE = Formula(
    fn=smoothed_hinge,
    domain=dict(score=REAL, label=SIGN),
    partials=dict(score=smoothed_hinge_dscore),
    seconds={("score", "score"): smoothed_hinge_dscore_dscore},
    breaks=(
        Break(lambda score, label: 1 - _margin(score, label), order=2),
        Break(lambda score, label: _margin(score, label), order=2),
    ),
    facts=(
        Convex("score"),
        Lipschitz("score", 1.0),
        Smooth("score", 1.0),
        Minimizer("score", lambda score, label: label + 0.0 * score),
        Proper("score", probability=_smoothed_hinge_chance, labels=(-1.0, 1.0)),
        Conjugate(
            "score", fn=of_margin(lambda slope: between(slope * (1 + slope / 2), slope, -1.0, 0.0))
        ),
        Prox(
            "score",
            fn=prox_of_margin(
                lambda step, margin: (
                    margin + jnp.clip((1 - margin) * (step / (1 + step)), 0.0, step)
                )
            ),
        ),
    ),
    tex=r"\ell(s, y) = \begin{cases} \frac12 \max(0, 1 - ys)^2 & ys \ge 0 \\"
    r" \frac12 - ys & ys < 0 \end{cases}",
    source=Source("rennie2005loss", "section 2"),
    topic="O8",
)


def modified_huber(score: Real, label: Label) -> Float[Array, "..."]:
    """The squared hinge for a margin above minus one, and its tangent below; label in {-1, 1}."""
    margin = _margin(score, label)
    return jnp.where(margin < -1, -4 * margin, jnp.square(relu(1 - _above(margin, -1.0))))


def modified_huber_dscore(score: Real, label: Label) -> Float[Array, "..."]:
    """Minus twice the label times the shortfall, which counts at most two."""
    score, label = _alike(score, label)
    return -2 * label * jnp.minimum(relu(1 - label * score), 2.0)


def modified_huber_dscore_dscore(score: Real, label: Label) -> Float[Array, "..."]:
    """Two for a margin between minus one and one, else zero."""
    margin = _margin(score, label)
    return 2 * relu_dx(1 - margin) * relu_dx(1 + margin)


MODIFIED_HUBER = Formula(
    fn=modified_huber,
    domain=dict(score=REAL, label=SIGN),
    partials=dict(score=modified_huber_dscore),
    seconds={("score", "score"): modified_huber_dscore_dscore},
    breaks=(
        Break(lambda score, label: 1 - _margin(score, label), order=2),
        Break(lambda score, label: 1 + _margin(score, label), order=2),
    ),
    facts=(
        Convex("score"),
        Lipschitz("score", 4.0),
        Smooth("score", 2.0),
        Minimizer("score", lambda score, label: label + 0.0 * score),
        Proper(
            "score", probability=lambda score: jnp.clip((1 + score) / 2, 0, 1), labels=(-1.0, 1.0)
        ),
        Conjugate(
            "score", fn=of_margin(lambda slope: between(slope * (1 + slope / 4), slope, -4.0, 0.0))
        ),
        Prox(
            "score",
            fn=prox_of_margin(
                lambda step, margin: (
                    margin + jnp.clip((1 - margin) * (2 * step / (1 + 2 * step)), 0.0, 4 * step)
                )
            ),
        ),
    ),
    tex=r"\ell(s, y) = \begin{cases} \max(0, 1 - ys)^2 & ys \ge -1 \\ -4ys & ys < -1 \end{cases}",
    source=Source("zhang2004solving", "section 2"),
    topic="O8",
)


def exponential(score: Real, label: Label) -> Float[Array, "..."]:
    """The exponential of minus the margin, which AdaBoost minimises; label in {-1, 1}."""
    return jnp.exp(-_margin(score, label))


def exponential_dscore(score: Real, label: Label) -> Float[Array, "..."]:
    """Minus the label times the loss."""
    score, label = _alike(score, label)
    return -label * exponential(score, label)


EXPONENTIAL = Formula(
    fn=exponential,
    domain=dict(score=REAL, label=SIGN),
    partials=dict(score=exponential_dscore),
    seconds={("score", "score"): exponential},
    facts=(
        Convex("score"),
        Proper("score", probability=lambda score: sigmoid(2 * score), labels=(-1.0, 1.0)),
        Conjugate("score", fn=of_margin(lambda slope: exponential_conjugate(-slope))),
        Prox("score", fn=prox_of_margin(lambda step, margin: -exponential_prox(step, -margin))),
    ),
    tex=r"\ell(s, y) = e^{-y s}",
    source=Source("hastie2009esl", "eq. 10.8"),
    topic="O8",
)


def perceptron(score: Real, label: Label) -> Float[Array, "..."]:
    """By how much the margin lies below zero; label in {-1, 1}.

    At a margin of exactly zero the slope is taken as zero.
    """
    return relu(-_margin(score, label))


def perceptron_dscore(score: Real, label: Label) -> Float[Array, "..."]:
    """Minus the label where the margin is negative, else zero."""
    score, label = _alike(score, label)
    return -label * relu_dx(-label * score)


PERCEPTRON = Formula(
    fn=perceptron,
    domain=dict(score=REAL, label=SIGN),
    partials=dict(score=perceptron_dscore),
    seconds={("score", "score"): lambda score, label: jnp.zeros_like(score)},
    breaks=(Break(lambda score, label: _margin(score, label), order=1, convention="zero"),),
    facts=(
        Convex("score"),
        Lipschitz("score", 1.0),
        Minimizer("score", 0.0),
        Conjugate("score", fn=of_margin(lambda slope: zero_between(slope, -1.0, 0.0))),
        Prox(
            "score", fn=prox_of_margin(lambda step, margin: margin + jnp.clip(-margin, 0.0, step))
        ),
    ),
    tex=r"\ell(s, y) = \max(0, -y s)",
    source=Source("bishop2006prml", "eq. 4.54"),
    topic="M5",
)


def logistic_margin(score: Real, label: Label) -> Float[Array, "..."]:
    """The logistic loss of a margin, in nats: `logistic` with a label in {-1, 1}."""
    return -log_sigmoid(_margin(score, label))


def logistic_margin_dscore(score: Real, label: Label) -> Float[Array, "..."]:
    """Minus the label times the probability of the other one."""
    score, label = _alike(score, label)
    return -label * sigmoid(-label * score)


LOGISTIC_MARGIN = Formula(
    fn=logistic_margin,
    domain=dict(score=REAL, label=SIGN),
    partials=dict(score=logistic_margin_dscore),
    seconds={("score", "score"): lambda score, label: sigmoid_dx(_margin(score, label))},
    facts=(
        Convex("score"),
        Lipschitz("score", 1.0),
        Smooth("score", 0.25),
        Proper("score", probability=sigmoid, labels=(-1.0, 1.0)),
        Conjugate("score", fn=of_margin(lambda slope: softplus_conjugate(-slope))),
    ),
    tex=r"\ell(s, y) = \log(1 + e^{-y s})",
    source=Source("hastie2009esl", "eq. 10.18"),
    topic="O8",
)

MARGIN = (
    SQUARED_HINGE,
    SMOOTHED_HINGE,
    MODIFIED_HUBER,
    EXPONENTIAL,
    PERCEPTRON,
    LOGISTIC_MARGIN,
)
