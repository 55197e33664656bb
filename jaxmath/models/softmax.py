r"""Softmax regression: $P(y = k \mid x) = \mathrm{softmax}(W x + b)_k$, its likelihood by hand.

The model predicts the logits. Parameters are those of the linear model with an output a class;
adding one vector to the weights of all classes changes nothing, so the Hessian is singular.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.domains import Box, Integers
from jaxmath.formula import Convex, Formula, Source
from jaxmath.losses.classification import (
    softmax_cross_entropy,
    softmax_cross_entropy_dlogits,
)
from jaxmath.models.linear import ORDINARY, Params, apply, init, predict, with_ones
from jaxmath.models.model import Model
from jaxmath.special import softmax_jacobian
from jaxmath.typing import Label, Real


def mean_loss(params: Params, features: Real, targets: Label) -> Float[Array, ""]:
    """Minus the mean log-likelihood of class indices, in nats."""
    return jnp.mean(jax.vmap(softmax_cross_entropy)(predict(params, features), targets))


def gradient(params: Params, features: Real, targets: Label) -> Params:
    r"""$\frac1n (P - Y)^\top X$ and the column means of $P - Y$, $Y$ the one-hot labels."""
    slope = _dlogits(params, features, targets)
    return Params(slope.T @ jnp.asarray(features), jnp.sum(slope, axis=0))


def gradient_features(params: Params, features: Real, targets: Label) -> Float[Array, "n d"]:
    r"""$\frac1n (P - Y) W$, a row for each example."""
    return _dlogits(params, features, targets) @ jnp.asarray(params.weights)


def hessian(params: Params, features: Real, targets: Label) -> Float[Array, "p p"]:
    r"""Blocks $\frac1n \sum_i p_{ij}(\delta_{jk} - p_{ik})\,\tilde x_i \tilde x_i^\top$.

    Rows and columns are the weights, class by class, and then the biases.
    """
    del targets
    curvature = jax.vmap(softmax_jacobian)(predict(params, features))
    design = with_ones(features)
    n, k, _ = curvature.shape
    d = design.shape[1] - 1
    blocks = jnp.einsum("nij,na,nb->iajb", curvature, design, design) / n
    weights, bias = slice(0, d), d
    return jnp.block(
        [
            [blocks[:, weights, :, weights].reshape(k * d, k * d),
             blocks[:, weights, :, bias].reshape(k * d, k)],
            [blocks[:, bias, :, weights].reshape(k, k * d), blocks[:, bias, :, bias]],
        ]
    )  # fmt: skip


def _dlogits(params, features, targets) -> Float[Array, "n k"]:
    logits = predict(params, features)
    return jax.vmap(softmax_cross_entropy_dlogits)(logits, targets) / len(logits)


MODEL = Model("softmax", init, apply)

FORMULAS = (
    Formula(
        fn=mean_loss,
        label="softmax.mean_loss",
        domain=dict(
            params=Params(Box((3, 2), ORDINARY), Box((3,), ORDINARY)),
            # Of three classes two examples: at equal probabilities no sum over rows cancels.
            features=Box((2, 2), ORDINARY),
            targets=Box((2,), Integers(0, 2)),
        ),
        partials=dict(params=gradient, features=gradient_features),
        seconds={("params", "params"): hessian},
        facts=(Convex("params"),),
        tex=r"L(W, b) = -\frac1n \sum_i \log \mathrm{softmax}(W x_i + b)_{y_i}",
        source=Source("bishop2006prml", "eq. 4.108 to 4.110"),
        topic="M4",
    ),
)
