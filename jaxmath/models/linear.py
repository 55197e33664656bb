r"""Linear regression: $\hat y = W x + b$, least squares, its gradient and Hessian by hand."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.domains import Box, Interval
from jaxmath.formula import Convex, Formula, Source
from jaxmath.models.model import Model
from jaxmath.typing import ArrayLike, PRNGKey, Real, Scalar

ORDINARY = Interval(-1.0, 1.0, closed=(True, True))
"""Where the formulas of whole models are compared: the size of standardised data and of weights.

A model's derivative is a sum over examples whose terms cancel, and saturate where weights are
large; the functions that it is made of are compared over their whole range by themselves.
"""


class Params(NamedTuple):
    """Weights (features,) and bias () for one output; (outputs, features), (outputs,) for more."""

    weights: Any
    bias: Any


def init(key: PRNGKey, features: int, outputs: int | None = None, *, scale: Scalar = 0.0) -> Params:
    """Normal weights of standard deviation `scale`, bias zero; at zero all settings start alike."""
    several = () if outputs is None else (outputs,)
    weights = scale * jax.random.normal(key, (*several, features))
    return Params(weights, jnp.zeros(several, weights.dtype))


def apply(params: Params, x: Float[ArrayLike, " features"]) -> Float[Array, "*outputs"]:
    """The prediction for one example."""
    return jnp.asarray(params.weights) @ x + params.bias


def predict(params: Params, features: Real) -> Float[Array, "n *outputs"]:
    """The predictions for a batch."""
    return jax.vmap(apply, (None, 0))(params, jnp.asarray(features))


def mean_loss(params: Params, features: Real, targets: Real) -> Float[Array, ""]:
    """The mean squared residual over the batch, and over the outputs if there are several."""
    return jnp.mean(jnp.square(jnp.asarray(targets) - predict(params, features)))


def gradient(params: Params, features: Real, targets: Real) -> Params:
    r"""$-\frac2n r^\top X$ and $-\frac2n 1^\top r$, with $r$ the residuals."""
    slope = _dpredictions(params, features, targets)
    return Params(slope.T @ jnp.asarray(features), jnp.sum(slope, axis=0))


def gradient_features(params: Params, features: Real, targets: Real) -> Float[Array, "n d"]:
    """The slope in each entry of the design matrix: minus twice residual times weight over n."""
    slope = _dpredictions(params, features, targets)
    return slope.reshape(len(slope), -1) @ jnp.atleast_2d(params.weights)


def gradient_targets(params: Params, features: Real, targets: Real) -> Float[Array, "n *outputs"]:
    """Twice the residuals over their number."""
    return -_dpredictions(params, features, targets)


def hessian(params: Params, features: Real, targets: Real) -> Float[Array, "p p"]:
    r"""$\frac2n \tilde X^\top \tilde X$ for one output, $\tilde X$ ending in a column of ones.

    Rows and columns are the weights and then the bias, as `jax.flatten_util.ravel_pytree` orders
    them. The same for all parameters and targets.
    """
    del params, targets
    design = with_ones(features)
    return 2 * design.T @ design / len(design)


def with_ones(features: Real) -> Float[Array, "n d"]:
    """The design matrix with a last column of ones, whose weight is the bias."""
    features = jnp.asarray(features)
    return jnp.concatenate([features, jnp.ones((len(features), 1), features.dtype)], axis=1)


def _dpredictions(params, features, targets) -> Float[Array, "n *outputs"]:
    residual = jnp.asarray(targets) - predict(params, features)
    return -2 * residual / residual.size


MODEL = Model("linear", init, apply)

FORMULAS = (
    Formula(
        fn=mean_loss,
        label="linear.mean_loss",
        domain=dict(
            params=Params(Box((2,), ORDINARY), ORDINARY),
            features=Box((3, 2), ORDINARY),
            targets=Box((3,), ORDINARY),
        ),
        partials=dict(params=gradient, features=gradient_features, targets=gradient_targets),
        seconds={("params", "params"): hessian},
        facts=(Convex("params"),),
        tex=r"L(w, b) = \frac1n \sum_i (y_i - w^\top x_i - b)^2",
        source=Source("hastie2009esl", "eq. 3.2"),
        topic="M1",
    ),
)
