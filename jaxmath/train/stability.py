r"""How close a step is to the edge beyond which it amplifies errors: rate times sharpness.

On a quadratic of curvature $\lambda$ gradient descent multiplies the error by $1 - \eta\lambda$ at
each step, so it converges if and only if $\eta\lambda < 2$. The limits of the others follow in the
same way, with the curvature of $P^{-1/2} H P^{-1/2}$ where a step is divided by P. Training of a
network often settles close to the limit, by itself, and goes on well (Cohen et al. 2021): beyond
the limit is where a step is too large only if the loss rises as well.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import optax

from jaxmath.train import optimizers

LIMITS: dict[Callable[..., Any], Callable[[Mapping[str, Any]], Any]] = {
    optimizers.sgd: lambda hyper: 2.0,
    optimizers.momentum: lambda hyper: 2 + 2 * hyper["decay"],
    optimizers.nesterov: lambda hyper: (2 + 2 * hyper["decay"]) / (1 + 2 * hyper["decay"]),
    optimizers.rmsprop: lambda hyper: 2.0,
    optimizers.adam: lambda hyper: (2 + 2 * hyper["b1"]) / (1 - hyper["b1"]),
    optimizers.adamw: lambda hyper: (2 + 2 * hyper["b1"]) / (1 - hyper["b1"]),
}
"""The largest rate times curvature that is stable, by optimiser (Cohen et al. 2021, equation 1, and
2022, section 2; P is held fixed, which is exact on a quadratic once it has settled)."""


def stability_limit(optimizer: Callable[..., Any], hyper: Mapping[str, Any]) -> Any:
    """The largest stable rate times sharpness; None of an optimiser for which none is known."""
    limit = LIMITS.get(optimizer)
    return None if limit is None else limit(_complete(optimizer, hyper))


def preconditioner(optimizer: Callable[..., Any], hyper: Mapping[str, Any], memory: Any) -> Any:
    """By what an optimiser with such a memory divides its next step; None if by nothing.

    Args:
        optimizer: of `train.OPTIMIZERS`; of another nothing is known.
        hyper: its hyper-parameters.
        memory: its state after an update, in which a gradient was seen.
    """
    if optimizer not in (optimizers.rmsprop, optimizers.adam, optimizers.adamw):
        return None
    hyper = _complete(optimizer, hyper)
    squares = optax.tree_utils.tree_get(memory, "nu")
    if "b2" in hyper:
        freed = 1 - hyper["b2"] ** optax.tree_utils.tree_get(memory, "count")
        squares = jax.tree.map(lambda v: v / freed, squares)
    return jax.tree.map(lambda v: jnp.sqrt(v) + hyper["eps"], squares)


def _complete(optimizer, hyper) -> dict[str, Any]:
    """The hyper-parameters with the defaults of those that are not given."""
    bound = inspect.signature(optimizer).bind(**hyper)
    bound.apply_defaults()
    return bound.arguments
