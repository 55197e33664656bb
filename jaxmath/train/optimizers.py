"""Optimisers by name: optax's gradient transformations as functions of their hyper-parameters.

Each is built anew inside the compiled step from traced numbers, so that a new learning rate
compiles nothing and a sweep over it is one program. What each does to the parameters stands as a
plain formula of the same name in `jaxmath.train.recursions`.
"""

from typing import TypeAlias

import optax
from jaxtyping import Array

Rate: TypeAlias = float | Array
"""A number, traced or not."""


def sgd(learning_rate: Rate) -> optax.GradientTransformation:
    """A step against the gradient."""
    return optax.sgd(learning_rate)


def momentum(learning_rate: Rate, decay: Rate = 0.9) -> optax.GradientTransformation:
    """A step along the decaying sum of past gradients (Polyak's heavy ball)."""
    return optax.sgd(learning_rate, momentum=decay)


def nesterov(learning_rate: Rate, decay: Rate = 0.9) -> optax.GradientTransformation:
    """Momentum whose gradient is taken where the momentum alone would lead.

    The parameters are that point ahead, as in optax; the two differ by `decay` times the velocity.
    """
    return optax.sgd(learning_rate, momentum=decay, nesterov=True)


def rmsprop(
    learning_rate: Rate, decay: Rate = 0.9, eps: Rate = 1e-8
) -> optax.GradientTransformation:
    """The gradient over the root of its decaying mean square; `eps` is added to the root."""
    return optax.rmsprop(learning_rate, decay=decay, eps=eps, eps_in_sqrt=False)


def adam(
    learning_rate: Rate, b1: Rate = 0.9, b2: Rate = 0.999, eps: Rate = 1e-8
) -> optax.GradientTransformation:
    """The gradient's decaying mean over its root mean square, both freed of their bias."""
    return optax.adam(learning_rate, b1=b1, b2=b2, eps=eps)


def adamw(
    learning_rate: Rate,
    b1: Rate = 0.9,
    b2: Rate = 0.999,
    eps: Rate = 1e-8,
    weight_decay: Rate = 1e-4,
) -> optax.GradientTransformation:
    """Adam, with every parameter also shrunk by learning_rate * weight_decay at each step."""
    return optax.adamw(learning_rate, b1=b1, b2=b2, eps=eps, weight_decay=weight_decay)


OPTIMIZERS = (sgd, momentum, nesterov, rmsprop, adam, adamw)
