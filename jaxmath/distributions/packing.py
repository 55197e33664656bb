"""Entries that need more work, packed together: a few, without a pass over all for each."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Integer

WORD = 32


def first_places(mask: Bool[Array, " n"], count: int) -> Integer[Array, " count"]:
    """Where `count` entries are true, in no order; n where there are no more.

    Entries that lie n / 32 apart are the bits of one word. Words are counted one after the other,
    and a bit of a word is found by halving it.
    """
    rows = -(-mask.size // WORD)
    bits = jnp.pad(mask, (0, WORD * rows - mask.size)).reshape(WORD, rows).astype(jnp.uint32)
    word = bits[0]
    for place in range(1, WORD):
        word = word | (bits[place] << place)
    held = jax.lax.population_count(word).astype(jnp.int32)
    ends = jnp.cumsum(held)
    row = jnp.repeat(jnp.arange(rows), held, total_repeat_length=count)
    number = jnp.arange(count)
    rank, word, bit = number - (ends - held)[row], word[row], jnp.zeros(count, jnp.int32)
    half = WORD // 2
    while half:
        low = word & (2**half - 1)
        below = jax.lax.population_count(low).astype(jnp.int32)
        above = rank >= below
        rank, bit = jnp.where(above, rank - below, rank), jnp.where(above, bit + half, bit)
        word = jnp.where(above, word >> half, low)
        half //= 2
    return jnp.where(number < ends[-1], bit * rows + row, mask.size)


def settled(
    found: Array,
    is_open: Callable[[Array], Array],
    settle: Callable[[Integer[Array, ""], Array, Array], Any],
    share: int,
) -> Array:
    """A vector without its open entries, of which one in `share` are settled at once.

    `settle(turn, places, entries)` gives the entries there anew; what is open still has another
    turn.
    """
    few = min(found.size, max(found.size // share, 64))

    def more(state):
        turn, found = state
        places = first_places(is_open(found), few)
        at = jnp.minimum(places, found.size - 1)
        return turn + 1, found.at[places].set(settle(turn, at, found[at]), mode="drop")

    start = jnp.zeros((), jnp.int32), found
    return jax.lax.while_loop(lambda state: jnp.any(is_open(state[1])), more, start)[1]
