"""A line search along an arc that follows the bend of the constraints.

The whole step is tried first. Where the merit refuses it, it may be for the bend of what holds the
step back, to second order (Maratos 1978; Nocedal and Wright 2006, section 15.6): then the arc
x + a d + a^2 b is tried, whose b takes away what the rows gained, and after that shorter parts.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxmath.constrained.active import normalised
from jaxmath.optimize.flat import all_finite, largest

ARMIJO = 1e-4
"""The share of its predicted decrease that a step must deliver (Armijo's condition)."""


class Trial(NamedTuple):
    """What the search carries: the next point to try, and the last that was tried."""

    length: Any  # of the step
    bent: Any  # what comes to it, times the length squared
    first: Any
    x: Any
    done: Any


def search(values, x, bounds, merit, here, step, ahead, follow, decrease, rounding) -> Trial:
    """Shorten the step until the merit falls enough; the trial is not `done` if it never does.

    Args:
        values: of f and the rows, a function of x.
        x: where the step begins.
        bounds: the ends of x, between which every trial lies.
        merit: a function of the values.
        here: the merit at x.
        step: d.
        ahead: the rows after the step, to first order.
        follow: from what the rows gained beyond that to b.
        decrease: of the merit, to first order.
        rounding: of the merit.
    """
    eps = jnp.finfo(x.dtype).eps

    def attempt(last: Trial) -> Trial:
        length = last.length
        point = jnp.clip(x + length * step + jnp.square(length) * last.bent, *bounds)
        found = values(point)
        there = merit(found)
        good = jnp.isfinite(there) & (there <= here - ARMIJO * length * decrease + rounding)
        bent = follow @ (ahead - found[1:])
        fits = all_finite(bent) & (largest(bent) <= largest(step))
        return Trial(
            length=jnp.where(good | last.first, length, length / 2),
            bent=jnp.where(last.first & fits & ~good, bent, last.bent),
            first=jnp.asarray(False),
            x=point,
            done=good,
        )

    yes, one = jnp.asarray(True), jnp.ones((), x.dtype)
    first = Trial(one, jnp.zeros_like(x), yes, x, ~yes)
    return jax.lax.while_loop(lambda last: ~last.done & (last.length > eps), attempt, first)


def bend(jacobian, held):
    """The matrix from changes of the rows to the least move that makes those held do so."""
    rows, length = normalised(jacobian)
    chosen, size = rows * held[:, None], rows.shape[1]
    ridge = jnp.finfo(rows.dtype).eps ** 0.75 * jnp.eye(size, dtype=rows.dtype)
    found = jnp.linalg.solve(chosen.T @ chosen + ridge, chosen.T)
    own = jacobian.shape[0]
    return found[:, :own] / jnp.where(length > 0, length, 1)[None, :own]
