"""Gradient descent with a line search: the plainest method, for comparison and for teaching."""

import functools
from collections.abc import Callable
from typing import Any

import jax

from jaxmath.optimize.descent import Method, descend
from jaxmath.optimize.solution import Solution


@functools.partial(jax.jit, static_argnames=("objective", "second_order"))
def gradient_descent(
    objective: Callable[[Any, Any], Any],
    start: Any,
    args: Any = None,
    *,
    tolerance: Any = None,
    max_iterations: Any = 10_000,
    second_order: bool | None = None,
) -> Solution:
    """Go down along the gradient, each time as far as Wolfe's conditions ask.

    Its error shrinks by (kappa - 1) / (kappa + 1) a step, for a condition number kappa of the
    Hessian (Nocedal and Wright 2006, theorem 3.4). Arguments, result, derivatives and errors are
    those of `lbfgs`, which is much faster.
    """
    method = Method(lambda x: (), lambda _, gradient: -gradient, lambda *_: (), False, 0.9)
    return descend(method, objective, start, args, tolerance, max_iterations, second_order)
