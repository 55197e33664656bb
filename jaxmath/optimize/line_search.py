r"""How far to go along a direction: Wolfe's conditions, to the last digits.

A step a is good enough where the value has fallen and the slope has flattened,

$$ \phi(a) \le \phi(0) + c_1 a \phi'(0), \qquad |\phi'(a)| \le c_2 |\phi'(0)| $$

(strong Wolfe conditions, Nocedal and Wright 2006, eq. 3.7). Close to a minimum the fall drowns in
the rounding of the values while slopes are still good, and the first is replaced by its equivalent
for slopes of a parabola, $\phi'(a) \le (2 c_1 - 1) \phi'(0)$ (the approximate Wolfe conditions of
Hager and Zhang 2005, eq. 4.1).
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array

from jaxmath.optimize.flat import all_finite, bottom, choose

SHARE = 1e-4
"""c1, the share of the fall predicted by the slope that must come true."""

SHARE_NEAR = 0.1
"""c1 where slopes are asked instead of values."""


class Trial(NamedTuple):
    """The objective at some length along the direction."""

    length: Array
    value: Array
    slope: Array
    gradient: Array  # of the objective, in all unknowns


class Bracket(NamedTuple):
    """Between low and high lies a good length; the high end may still be missing."""

    low: Trial
    high: Trial
    bounded: Array
    next: Array
    tries: Array
    done: Array


def line_search(
    evaluate: Callable[[Array], Trial], start: Trial, length: Array, noise: Array, flat: float
) -> Trial:
    """Find a good length, or the best that forty evaluations gave; length zero if there is none.

    Args:
        evaluate: from a length to the objective there.
        start: the trial of length zero; its slope is negative.
        length: what to try first.
        noise: how far values may be off by rounding.
        flat: c2, how much of the first slope may remain.
    """
    eps = jnp.finfo(start.value.dtype).eps

    def repeat(state: Bracket) -> Bracket:
        new = evaluate(state.next)
        finite = all_finite(new.value, new.slope, new.gradient)
        fallen = new.value <= start.value + SHARE * new.length * start.slope
        near = new.value <= start.value + noise
        fallen |= near & (new.slope <= (2 * SHARE_NEAR - 1) * start.slope)
        fallen &= finite
        good = fallen & (jnp.abs(new.slope) <= flat * jnp.abs(start.slope))
        good |= fallen & (new.value < bottom(new.value.dtype))
        # Beyond the minimum only slopes tell; a fall and a negative slope say: go on.
        over = ~good & (~fallen | (new.slope >= 0))
        low, high = choose(~over, new, state.low), choose(over, new, state.high)
        bounded, tries = state.bounded | over, state.tries + 1
        between = _between(low, high, noise, tries)
        length = jnp.where(bounded, between, _beyond(start, low))
        narrow = bounded & (high.length - low.length <= eps * high.length)
        return Bracket(low, high, bounded, length, tries, good | narrow | (tries >= 40))

    no = jnp.asarray(False)
    state = Bracket(start, start, no, length, jnp.asarray(0), no)
    return jax.lax.while_loop(lambda state: ~state.done, repeat, state).low


def _beyond(start: Trial, low: Trial):
    """Where the slope would vanish if it went on changing as it has."""
    change = low.slope - start.slope
    reach = jnp.where(change > 0, -start.slope / jnp.where(change > 0, change, 1), jnp.inf)
    return low.length * jnp.clip(reach, 1.5, 10)


def _between(low: Trial, high: Trial, noise, tries):
    """The minimum of the cubic through both ends, away from them; every third time the middle."""
    width = high.length - low.length
    chord = (high.value - low.value) / jnp.where(width > 0, width, 1)
    a = low.slope + high.slope - 3 * chord
    b = jnp.sqrt(jnp.square(a) - low.slope * high.slope)
    cubic = 1 - (high.slope + b - a) / (high.slope - low.slope + 2 * b)
    # Where values are noise, the zero of the slope on the line between both ends.
    secant = -low.slope / (high.slope - low.slope)
    drowned = (jnp.abs(high.value - low.value) <= noise) & (high.slope > 0)
    part = jnp.where(drowned, secant, cubic)
    usable = jnp.isfinite(part) & (tries % 3 != 0)
    return low.length + width * jnp.where(usable, jnp.clip(part, 0.05, 0.95), 0.5)
