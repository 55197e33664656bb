"""Which examples each step sees: the order of the data, a function of one key and the step alone.

Nothing here depends on parameters or settings, so that runs which share a key share their batches:
under `vmap` over settings, with the key unbatched, an example is gathered once for all of them.
"""

from __future__ import annotations

import functools
import zlib
from typing import Literal, TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int

from jaxmath.typing import ArrayLike, PRNGKey

Sampling: TypeAlias = Literal["epochs", "replacement"]


def fold_in_name(key: PRNGKey, name: str) -> PRNGKey:
    """The key for one use of randomness, so that a new use shifts nobody else's numbers."""
    return jax.random.fold_in(key, zlib.crc32(name.encode()))


def steps_per_epoch(examples: int, batch_size: int | None) -> int:
    """How many steps see each example once: full batches only, the remainder is left out.

    Raises:
        ValueError: the batch is empty or larger than the data.
    """
    if batch_size is None:
        return 1
    if not 1 <= batch_size <= examples:
        raise ValueError(
            f"The batch size must lie between 1 and the {examples} examples, got {batch_size}."
        )
    return examples // batch_size


def shuffle(key: PRNGKey, size: int, number: Int[ArrayLike, ""] = 0) -> Int[Array, " size"]:
    """Draw a uniformly random order of 0, ..., size - 1, the one of this number.

    Sorts words whose high bits are random and whose low bits hold the position, as often as it
    takes for 3 log2(size) random bits, so that a tie decides an order with probability below
    1 / size. XLA on a processor sorts single words six times as fast as `jax.random.permutation`
    sorts pairs.
    """
    low = max((size - 1).bit_length(), 1)
    passes = -(-3 * low // (32 - low))
    position = jnp.arange(size, dtype=jnp.uint32)
    order = position.astype(jnp.int32)
    for pair in range(0, passes, 2):
        words = _words(key, position + jnp.uint32(pair // 2 * size), jnp.uint32(number))
        for random in words[: passes - pair]:
            words = jnp.sort((random >> low << low) | position)
            order = order[(words & ((1 << low) - 1)).astype(jnp.int32)]
    return order


ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))


def _words(key: PRNGKey, low, high):
    """Two random words for each counter of 64 bits: Threefry-2x32 of 20 rounds.

    Salmon, Moraes, Dror and Shaw 2011, section 4.2. These are JAX's own words; written out, XLA
    compiles them in a sixth of the time and runs them in half of it.
    """
    first, second = _key_words(key)
    keys = first, second, first ^ second ^ jnp.uint32(0x1BD11BDA)
    low, high = low + keys[0], high + keys[1]
    for five in range(5):
        for rotation in ROTATIONS[five % 2]:
            low = low + high
            high = ((high << rotation) | (high >> (32 - rotation))) ^ low
        low = low + keys[(five + 1) % 3]
        high = high + keys[(five + 2) % 3] + jnp.uint32(five + 1)
    return low, high


def _key_words(key: PRNGKey):
    """Two words of a key: all of one of Threefry's, and every bit counts of any other's."""
    data = jax.random.key_data(key).astype(jnp.uint32).reshape(-1, 2)
    return functools.reduce(jnp.bitwise_xor, data)


def order(
    key: PRNGKey,
    first: Int[Array, ""],
    steps: int,
    examples: int,
    batch_size: int,
    sampling: Sampling = "epochs",
) -> Int[Array, "steps batch_size"]:
    """The examples of the batches number `first` to `first + steps - 1`.

    With "epochs", each epoch is a fresh random order cut into full batches; the
    `examples % batch_size` examples at its end are left out of that epoch. With "replacement",
    every example of every batch is drawn independently.

    Raises:
        ValueError: the batch is empty or larger than the data, or the sampling has no such name.
    """
    per_epoch = steps_per_epoch(examples, batch_size)
    if sampling == "replacement":
        number = first + jnp.arange(steps)
        keys = jax.vmap(jax.random.fold_in, (None, 0))(key, number)
        return jax.vmap(lambda key: jax.random.randint(key, (batch_size,), 0, examples))(keys)
    if sampling != "epochs":
        raise ValueError(f"Sampling is 'epochs' or 'replacement', got {sampling!r}.")
    # An interval of this many steps touches at most so many epochs, wherever it begins.
    touched = (per_epoch - 1 + steps - 1) // per_epoch + 1
    epochs = first // per_epoch + jnp.arange(touched)
    orders = jax.vmap(lambda epoch: shuffle(key, examples, epoch))(epochs)
    batches = orders[:, : per_epoch * batch_size].reshape(touched * per_epoch, batch_size)
    return jax.lax.dynamic_slice_in_dim(batches, first % per_epoch, steps)
