"""The empirical risk: the mean loss of a model over a batch, plus a penalty of its parameters."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.formula import Formula
from jaxmath.train.columns import columns

LABEL_LOSSES = ("logit", "logits", "score")
"""First arguments of losses that take the prediction and a label; `residual` is the other."""


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Risk:
    """A callable pytree `(params, batch) -> scalar`; numbers are leaves, functions are static.

    Building it again from the same functions gives an equal structure, so nothing is traced again.
    """

    apply: Callable[..., Any] = field(metadata={"static": True})
    loss: Callable[..., Any] = field(metadata={"static": True})
    penalty: Callable[..., Any] | None = field(metadata={"static": True})
    exempt: tuple[str, ...] = field(metadata={"static": True})
    loss_args: dict[str, Any]
    strength: Any

    def __call__(self, params, batch) -> Float[Array, ""]:
        """The mean loss over a batch (features, targets), plus the penalty."""
        features, targets = batch
        risk = jnp.mean(columns(self.example, params, features, targets, axes=(None, 0, 0)))
        if self.penalty is None:
            return risk
        return risk + jnp.asarray(self.strength, risk.dtype) * self.regularity(params)

    def example(self, params, x, target) -> Float[Array, ""]:
        """The loss of one example; the mean over its components if it has several residuals."""
        prediction = jnp.asarray(self.apply(params, x))
        target = jnp.asarray(target)
        arguments = {
            name: jnp.asarray(value, prediction.dtype) for name, value in self.loss_args.items()
        }
        first = next(iter(inspect.signature(self.loss).parameters))
        if first != "logits" and prediction.shape != target.shape:
            raise ValueError(
                f"The model predicts an array of shape {prediction.shape} for one example, whose "
                f"target has shape {target.shape}; {_called(self.loss)} needs them equal."
            )
        if first == "residual":
            return jnp.mean(self.loss(target - prediction, **arguments))
        return jnp.mean(self.loss(prediction, target, **arguments))

    def regularity(self, params) -> Float[Array, ""]:
        """The penalty, summed over the arrays of parameters that are not exempt."""
        assert self.penalty is not None
        terms = [
            self.penalty(leaf)
            for path, leaf in jax.tree_util.tree_leaves_with_path(params)
            if not any(_name(entry) in self.exempt for entry in path)
        ]
        return jnp.sum(jnp.stack(terms)) if terms else jnp.zeros(())


def empirical_risk(
    apply: Callable[..., Any],
    loss: Callable[..., Any] | Formula,
    penalty: Callable[..., Any] | Formula | None = None,
    *,
    loss_args: Mapping[str, Any] | None = None,
    strength: Any = 0.0,
    exempt: tuple[str, ...] = ("bias",),
) -> Risk:
    """The objective of training: mean loss over a batch plus `strength` times the penalty.

    Args:
        apply: `(params, x) -> prediction` for one example.
        loss: of one example. If its first argument is named `residual` it gets target minus
            prediction; if `logit`, `logits` or `score`, the prediction and the target.
        penalty: of one array of parameters; summed over all arrays but the exempt.
        loss_args: the loss's other arguments by name, such as `{"delta": 1.0}`; traced.
        strength: the factor of the penalty; traced.
        exempt: fields of the parameters that are not penalised; `()` penalises everything.

    Raises:
        ValueError: the loss's first argument has none of these names.
    """
    loss = loss.fn if isinstance(loss, Formula) else loss
    penalty = penalty.fn if isinstance(penalty, Formula) else penalty
    first = next(iter(inspect.signature(loss).parameters), "nothing")
    if first not in ("residual", *LABEL_LOSSES):
        raise ValueError(
            f"The first argument of a loss is named residual, {', '.join(LABEL_LOSSES)}; "
            f"that of {_called(loss)} is {first}."
        )
    return Risk(apply, loss, penalty, exempt, dict(loss_args or {}), strength)


def _name(entry) -> str:
    """The name in one entry of a pytree path: a field or a key."""
    return str(getattr(entry, "name", getattr(entry, "key", "")))


def _called(function) -> str:
    """What a function is called, also where it has no name."""
    return getattr(function, "__name__", repr(function))
