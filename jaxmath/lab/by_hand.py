"""The gradient of the mean loss over a batch by the chain rule, without automatic differentiation.

The slope of the loss in the prediction is the closed form of its `Formula`; that of the prediction
in the parameters is the model's own, derived by hand in `jaxmath.models`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from jaxmath.config.choices import Option, arguments, entry
from jaxmath.formula import Formula
from jaxmath.models import linear, logistic, mlp, softmax


def by_hand(model: Option, loss: Option) -> Callable[..., Any] | None:
    """`(params, features, targets) -> gradient`, or None where a closed form is missing."""
    dloss = _dloss(loss)
    if dloss is None:
        return None
    if entry(model) is mlp.MODEL:
        return lambda params, features, targets: mlp.gradient(params, features, targets, dloss)
    if entry(model) in (linear.MODEL, logistic.MODEL, softmax.MODEL):
        return lambda params, features, targets: _affine(params, features, targets, dloss)
    return None


def _affine(params: linear.Params, features, targets, dloss) -> linear.Params:
    """The outer products of slopes and examples, and the slopes themselves, averaged."""
    predictions = linear.predict(params, features)
    slope = jax.vmap(dloss)(predictions, targets) / len(features)
    return linear.Params(slope.T @ jnp.asarray(features), jnp.sum(slope, axis=0))


def _dloss(loss: Option) -> Callable[..., Any] | None:
    """The slope of a loss in the prediction of one example, from its closed form."""
    formula = entry(loss)
    if not isinstance(formula, Formula):
        return None
    first = next(iter(inspect.signature(formula.fn).parameters))
    partial, options = formula.partials.get(first), arguments(loss)
    if partial is None:
        return None
    if first == "residual":
        return lambda prediction, target: -partial(target - prediction, **options)
    return lambda prediction, target: partial(prediction, target, **options)
