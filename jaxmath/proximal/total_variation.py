r"""The proximal map of total variation: a signal made of steps.

With the segments between its jumps known, the answer on one of m entries is their mean plus
$\lambda (j_r - j_l) / m$, where the jumps on its right and left are 1 (up), -1 (down) or 0 (none,
at an end). A walk along the signal finds them (Condat 2013): it keeps the lowest and the highest
level that the running segment may have, and by how much each has moved the taut string.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, Int

from jaxmath.proximal.segments import average, mean, unit_of

Vector = Float[ArrayLike, " n"]
Scalar = Float[ArrayLike, ""]


class Side(NamedTuple):
    """One of the two levels of the running segment."""

    level: Array
    sum: Array  # of what the entries exceed it by, within the strength to both sides
    end: Int[Array, ""]  # the entry up to which the segment has it for sure


class Walk(NamedTuple):
    """The state of the walk."""

    place: Int[Array, ""]
    first: Int[Array, ""]  # where the running segment begins
    low: Side
    high: Side
    done: Array


def _jumps(x, strength) -> Float[Array, " n"]:
    """After which entries the answer jumps, and whether up (1) or down (-1)."""
    last = x.size - 1
    unit = unit_of(jnp.maximum(jnp.max(jnp.abs(x)), strength), x.size)
    y, t = x * unit, strength * unit

    def step(state):
        walk, jumps = state
        place, _, low, high, _ = walk
        end = place == last
        entry = y[jnp.minimum(place + 1, last)]
        # At the end the string is fixed, and what is left of a side decides.
        down, up = low.sum + entry - low.level, high.sum + entry - high.level
        fall = jnp.where(end, low.sum < 0, down < -t)
        rise = ~fall & jnp.where(end, high.sum > 0, up > t)

        def after(edge: Side, new_low, new_high):
            """The walk begun anew behind the end of one side."""
            behind = jnp.minimum(edge.end + 1, last)
            return Walk(behind, behind, new_low(behind), new_high(behind), jnp.asarray(False))

        def fallen():
            def above(there):
                kept = Side(high.level, y[there] + t - high.level, jnp.maximum(high.end, there))
                return _either(end, kept, Side(y[there] + 2 * t, -t, there))

            return after(low, lambda there: Side(y[there], t, there), above)

        def risen():
            def below(there):
                kept = Side(low.level, y[there] - t - low.level, jnp.maximum(low.end, there))
                return _either(end, kept, Side(y[there] - 2 * t, t, there))

            return after(high, below, lambda there: Side(y[there], -t, there))

        def longer():
            """The next entry is taken in, and each side gives way if it must."""
            new, count = jnp.minimum(place + 1, last), (place + 2 - walk.first).astype(y.dtype)
            lifted = Side(low.level + (down - t) / count, t, new)
            lowered = Side(high.level + (up + t) / count, -t, new)
            return Walk(
                new,
                walk.first,
                _either(down >= t, lifted, Side(low.level, down, low.end)),
                _either(up <= -t, lowered, Side(high.level, up, high.end)),
                end,
            )

        # One entry is written, so that no step copies them all.
        edge = jnp.where(fall, low.end, high.end)
        jump = jnp.where(fall, -1, jnp.where(rise, 1, jumps[edge]))
        walk = _either(fall, fallen(), _either(rise, risen(), longer()))
        return walk, jumps.at[edge].set(jump)

    zero = jnp.asarray(0)
    low, high = Side(y[0] - t, t, zero), Side(y[0] + t, -t, zero)
    begin = Walk(zero, zero, low, high, jnp.asarray(False)), jnp.zeros_like(y)
    return jax.lax.while_loop(lambda state: ~state[0].done, step, begin)[1]


def _either(condition, one, other):
    return jax.tree.map(lambda one, other: jnp.where(condition, one, other), one, other)


def _segments(x, strength):
    """The segment of each entry, and how the strength moves it: (jump right - jump left) / m."""
    x = jnp.asarray(x)
    jumps = jax.lax.stop_gradient(_jumps(x, jnp.asarray(strength, x.dtype)))
    before = jnp.concatenate([jnp.zeros(1, x.dtype), jumps[:-1]])
    labels = jnp.cumsum(before != 0)
    return labels, average(jumps - before, labels)


@jax.custom_jvp
def total_variation(x: Vector, strength: Scalar) -> Float[Array, " n"]:
    """Of the strength times the sum of the sizes of differences of neighbours.

    Steps of the signal stay steps, lower by what the strength takes; noise between them goes. Also
    known as fused lasso signal approximation, or 1-D denoising.
    """
    x = jnp.asarray(x)
    labels, pull = _segments(x, strength)
    return mean(x, labels) + strength * pull


@total_variation.defjvp
def _total_variation_jvp(primals, tangents):
    labels, pull = _segments(*primals)
    change, more = tangents
    return total_variation(*primals), average(change, labels) + more * pull
