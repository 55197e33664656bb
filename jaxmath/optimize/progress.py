"""When a first-order search ends: what every loop of proximal and projected methods asks."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array

from jaxmath.optimize.minimum import RUNNING
from jaxmath.optimize.solution import Status


class Progress(NamedTuple):
    """How far a search has come."""

    error: Array
    best: Array  # the least error so far
    idle: Array  # steps in a row that did not lower it
    iterations: Array
    status: Array


def at_start(finite: Array, max_iterations, dtype) -> Progress:
    """Before the first step, which alone can tell an error."""
    unknown = jnp.asarray(jnp.inf, dtype)
    status = jnp.where(max_iterations <= 0, Status.ITERATION_LIMIT, RUNNING)
    status = jnp.where(finite, status, Status.NOT_FINITE)
    none = jnp.asarray(0)
    return Progress(unknown, unknown, none, none, status)


def after_step(
    before: Progress,
    error,
    tolerance,
    max_iterations,
    patience,
    *,
    stuck,
    lost,
    unbounded,
    steps: int = 1,
) -> Progress:
    """The progress after a step, or several, that ended with this error.

    Args:
        before: the progress before.
        error: what is compared with the tolerance; the step's own, not the least.
        tolerance: what to reach.
        max_iterations: how many steps to take at most.
        patience: how many of them may pass without a new least error.
        stuck: whether no step was found.
        lost: whether there are no finite numbers to go on with.
        unbounded: whether the objective has fallen below any bound.
        steps: how many were taken since the error was looked at before.
    """
    better = error < before.best
    idle = jnp.where(better, 0, before.idle + steps)
    iterations = before.iterations + steps
    status = jnp.where(iterations >= max_iterations, Status.ITERATION_LIMIT, RUNNING)
    status = jnp.where(stuck | (idle >= patience), Status.STALLED, status)
    status = jnp.where(error <= tolerance, Status.OPTIMAL, status)
    status = jnp.where(unbounded, Status.UNBOUNDED, status)
    status = jnp.where(lost, Status.NOT_FINITE, status)
    return Progress(error, jnp.minimum(before.best, error), idle, iterations, status)
