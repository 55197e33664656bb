r"""Logistic regression: $P(y = 1 \mid x) = \sigma(w^\top x + b)$, its likelihood by hand.

The model predicts the logit; `probability` is its sigmoid. Parameters are those of the linear
model. On data that a plane separates, the likelihood has no maximum: add a penalty.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.domains import BINARY, Box
from jaxmath.formula import Convex, Formula, Source
from jaxmath.losses.classification import (
    logistic,
    logistic_dlogit,
    logistic_dlogit_dlogit,
)
from jaxmath.models.linear import ORDINARY, Params, apply, init, predict, with_ones
from jaxmath.models.model import Model
from jaxmath.special import sigmoid
from jaxmath.typing import Label, Real


def probability(params: Params, features: Real) -> Float[Array, "n *outputs"]:
    """The probability of label 1 for each example of a batch."""
    return sigmoid(predict(params, features))


def mean_loss(params: Params, features: Real, targets: Label) -> Float[Array, ""]:
    """Minus the mean log-likelihood of labels in {0, 1}, in nats."""
    return jnp.mean(logistic(predict(params, features), targets))


def gradient(params: Params, features: Real, targets: Label) -> Params:
    r"""$\frac1n (\sigma - y)^\top X$ and the mean of $\sigma - y$."""
    slope = _dlogits(params, features, targets)
    return Params(slope.T @ jnp.asarray(features), jnp.sum(slope, axis=0))


def gradient_features(params: Params, features: Real, targets: Label) -> Float[Array, "n d"]:
    r"""$\frac1n (\sigma - y) w^\top$, a row for each example."""
    slope = _dlogits(params, features, targets)
    return slope.reshape(len(slope), -1) @ jnp.atleast_2d(params.weights)


def hessian(params: Params, features: Real, targets: Label) -> Float[Array, "p p"]:
    r"""$\frac1n \tilde X^\top R \tilde X$ for one output, $R = \mathrm{diag}\,\sigma(1 - \sigma)$.

    Rows and columns are the weights and then the bias.
    """
    curvature = logistic_dlogit_dlogit(predict(params, features), targets)
    design = with_ones(features)
    return (curvature[:, None] * design).T @ design / len(design)


def _dlogits(params, features, targets) -> Float[Array, "n *outputs"]:
    logits = predict(params, features)
    return logistic_dlogit(logits, targets) / logits.size


MODEL = Model("logistic", init, apply)

FORMULAS = (
    Formula(
        fn=mean_loss,
        label="logistic.mean_loss",
        domain=dict(
            params=Params(Box((2,), ORDINARY), ORDINARY),
            features=Box((3, 2), ORDINARY),
            targets=Box((3,), BINARY),
        ),
        partials=dict(params=gradient, features=gradient_features),
        seconds={("params", "params"): hessian},
        facts=(Convex("params"),),
        tex=r"L(w, b) = -\frac1n \sum_i y_i \log\sigma(z_i) + (1 - y_i) \log\sigma(-z_i),"
        r"\quad z_i = w^\top x_i + b",
        source=Source("bishop2006prml", "eq. 4.90, 4.91, 4.97"),
        topic="M2",
    ),
)
