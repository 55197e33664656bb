r"""The multi-layer perceptron, and backpropagation written out layer by layer.

Layer $l$ computes $z_l = W_l a_{l-1} + b_l$ and $a_l = h(z_l)$, with $a_0 = x$; the last layer has
no activation. In a batch, examples are rows.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.domains import Box, Integers
from jaxmath.formula import Formula, Source
from jaxmath.losses.classification import (
    softmax_cross_entropy,
    softmax_cross_entropy_dlogits,
)
from jaxmath.models.linear import ORDINARY
from jaxmath.models.model import Model
from jaxmath.special import ACTIVATIONS
from jaxmath.typing import ArrayLike, Label, PRNGKey, Real, Scalar

_ACTIVATIONS = {activation.name: activation for activation in ACTIVATIONS}


class Layer(NamedTuple):
    """Weights (outputs, inputs) and bias (outputs,); of a single number, (inputs,) and ()."""

    weights: Any
    bias: Any


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Params:
    """The layers from the input on, and the name of the activation between them (static)."""

    layers: tuple[Any, ...]
    activation: str = field(default="tanh", metadata={"static": True})


class Pass(NamedTuple):
    """What each layer saw and computed: its inputs `a[l]`, and `z[l]` before the activation."""

    inputs: tuple[Float[Array, "n inputs"], ...]
    sums: tuple[Float[Array, "n *outputs"], ...]


def init(
    key: PRNGKey,
    features: int,
    outputs: int | None = None,
    *,
    hidden: tuple[int, ...] = (32,),
    activation: str = "tanh",
    scale: Scalar = 1.0,
) -> Params:
    """Normal weights of standard deviation scale / sqrt(inputs), biases zero.

    Raises:
        ValueError: the activation has no such name.
    """
    if activation not in _ACTIVATIONS:
        raise ValueError(f"An activation is one of {', '.join(_ACTIVATIONS)}, got {activation!r}.")
    several = () if outputs is None else (outputs,)
    sizes = [(features,), *((width,) for width in hidden), several]
    shapes = [(*fan_out, *fan_in) for fan_in, fan_out in pairwise(sizes)]
    layers = []
    for each, shape in zip(jax.random.split(key, len(shapes)), shapes, strict=True):
        weights = scale / shape[-1] ** 0.5 * jax.random.normal(each, shape)
        layers.append(Layer(weights, jnp.zeros(shape[:-1], weights.dtype)))
    return Params(tuple(layers), activation)


def apply(params: Params, x: Float[ArrayLike, " features"]) -> Float[Array, "*outputs"]:
    """The prediction for one example: the last layer's z."""
    activation = _ACTIVATIONS[params.activation].fn
    *hidden, last = params.layers
    x = jnp.asarray(x)
    for layer in hidden:
        x = activation(layer.weights @ x + layer.bias)
    return last.weights @ x + last.bias


def forward(params: Params, features: Real) -> Pass:
    """Every layer's inputs and sums for a batch."""
    activation = _ACTIVATIONS[params.activation].fn
    inputs, sums = [jnp.asarray(features)], []
    for layer in params.layers:
        if sums:
            inputs.append(activation(sums[-1]))
        z = inputs[-1] @ jnp.asarray(layer.weights).T
        sums.append(z + jnp.broadcast_to(layer.bias, z.shape))
    return Pass(tuple(inputs), tuple(sums))


def deltas(params: Params, seen: Pass, last: Float[Array, "n *outputs"]) -> tuple[Array, ...]:
    r"""$\delta_l = \partial L / \partial z_l$ of every layer, from that of the last.

    $\delta_l = h'(z_l) \circ \delta_{l+1} W_{l+1}$ (PRML eq. 5.56).
    """
    slope = _ACTIVATIONS[params.activation].partials["x"]
    found = [last]
    for layer, z in zip(params.layers[:0:-1], seen.sums[-2::-1], strict=True):
        found.append(slope(z) * _through(found[-1], layer))
    return tuple(reversed(found))


def backpropagate(params: Params, seen: Pass, last: Float[Array, "n *outputs"]) -> Params:
    r"""The gradient from the last layer's delta: $\delta_l^\top a_{l-1}$, $1^\top\delta_l$."""
    layers = [
        Layer(delta.T @ a, jnp.sum(delta, axis=0))
        for delta, a in zip(deltas(params, seen, last), seen.inputs, strict=True)
    ]
    return Params(tuple(layers), params.activation)


def mean_loss(params: Params, features: Real, targets: Label) -> Float[Array, ""]:
    """The mean softmax cross-entropy of class indices over a batch, in nats."""
    logits = jax.vmap(apply, (None, 0))(params, jnp.asarray(features))
    return jnp.mean(jax.vmap(softmax_cross_entropy)(logits, targets))


def gradient(
    params: Params,
    features: Real,
    targets: Real | Label,
    dloss: Callable[..., Any] = softmax_cross_entropy_dlogits,
) -> Params:
    """Backpropagation of a mean loss over a batch.

    `dloss(prediction, target)` is the loss's slope in the prediction of one example; the default
    belongs to `mean_loss`.
    """
    seen = forward(params, features)
    return backpropagate(params, seen, _last(seen, targets, dloss))


def gradient_features(params: Params, features: Real, targets: Label) -> Float[Array, "n d"]:
    """The slope of `mean_loss` in each entry of the design matrix: one layer further back."""
    seen = forward(params, features)
    first = deltas(params, seen, _last(seen, targets, softmax_cross_entropy_dlogits))[0]
    return _through(first, params.layers[0])


def _last(seen: Pass, targets, dloss) -> Float[Array, "n *outputs"]:
    """The last layer's delta: the loss's slope in each prediction, over the number of examples."""
    return jax.vmap(dloss)(seen.sums[-1], targets) / len(seen.sums[-1])


def _through(delta: Float[Array, "n *outputs"], layer: Layer) -> Float[Array, "n inputs"]:
    """A layer's delta carried back to its inputs."""
    return delta.reshape(len(delta), -1) @ jnp.atleast_2d(layer.weights)


MODEL = Model("mlp", init, apply)

FORMULAS = (
    Formula(
        fn=mean_loss,
        label="mlp.mean_loss",
        domain=dict(
            params=Params(
                (
                    Layer(Box((3, 2), ORDINARY), Box((3,), ORDINARY)),
                    Layer(Box((2, 3), ORDINARY), Box((2,), ORDINARY)),
                )
            ),
            features=Box((3, 2), ORDINARY),
            targets=Box((3,), Integers(0, 1)),
        ),
        partials=dict(params=gradient, features=gradient_features),
        tex=r"L = -\frac1n \sum_i \log \mathrm{softmax}(W_2 \tanh(W_1 x_i + b_1) + b_2)_{y_i}",
        source=Source("bishop2006prml", "section 5.3"),
        topic="C4",
    ),
)
