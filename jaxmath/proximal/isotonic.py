r"""The projection on vectors that do not decrease: isotonic regression.

The answer is the mean over blocks, which pooling adjacent violators finds in one walk. On a block
of m entries the Jacobian is 1/m at each pair of them.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from jaxmath.domains import REAL, Box
from jaxmath.formula import Break, Formula, Increasing, Lipschitz, Source
from jaxmath.proximal.segments import Labels, average, mean, unit_of

Vector = Float[ArrayLike, " n"]


class Blocks(NamedTuple):
    """A stack of blocks, each with a mean above the last."""

    read: Array  # how many entries are in them
    top: Array  # the place of the last block
    sums: Array
    counts: Array

    def violated(self):
        """Whether the last block is not above the one before."""
        last, before = self.top, self.top - 1
        above, below = (self.sums[k] / self.counts[k] for k in (last, before))
        # Means of more than one entry are rounded; equal entries shall be one block.
        many = self.counts[last] + self.counts[before] > 2
        rounding = 2 * jnp.finfo(above.dtype).eps * jnp.abs(above)
        return (last > 0) & ~(below < above - jnp.where(many, rounding, 0))


def _pooled(x) -> Labels:
    """To which block each entry belongs (pool adjacent violators)."""
    n = x.size
    y = x * unit_of(jnp.max(jnp.abs(x)), n)

    def step(blocks: Blocks) -> Blocks:
        """Make the last two blocks one, or else the next entry a block."""
        read, top, sums, counts = blocks
        pool = blocks.violated()
        place = jnp.where(pool, top - 1, top + 1)
        entry = jnp.where(pool, sums[top - 1] + sums[top], y[jnp.minimum(read, n - 1)])
        count = jnp.where(pool, counts[top - 1] + counts[top], 1)
        # One entry of each array is written, so that no step copies them.
        sums, counts = sums.at[place].set(entry), counts.at[place].set(count)
        return Blocks(jnp.where(pool, read, read + 1), place, sums, counts)

    one = jnp.ones_like(y)
    begin = Blocks(jnp.asarray(1), jnp.asarray(0), (0 * one).at[0].set(y[0]), one)
    end = jax.lax.while_loop(lambda blocks: (blocks.read < n) | blocks.violated(), step, begin)
    place = jnp.arange(n)
    ends = jnp.cumsum(jnp.where(place <= end.top, end.counts, 0))
    return jnp.searchsorted(ends, place.astype(y.dtype), side="right")


@jax.custom_jvp
def isotonic(x: Vector) -> Float[Array, " n"]:
    """The next vector whose entries do not decrease: isotonic regression.

    Entries that are equal count as one block.
    """
    x = jnp.asarray(x)
    return mean(x, _pooled(x))


@isotonic.defjvp
def _isotonic_jvp(primals, tangents):
    (x,), (change,) = primals, tangents
    labels = _pooled(jnp.asarray(x))
    return mean(x, labels), average(change, labels)


def isotonic_vjp(x: Vector, cotangent: Vector) -> tuple[Float[Array, " n"]]:
    """The mean of the cotangent over each block: the Jacobian is symmetric."""
    return (average(cotangent, _pooled(jnp.asarray(x))),)


ISOTONIC = Formula(
    fn=isotonic,
    label="projections.isotonic",
    domain=dict(x=Box((3,), REAL)),
    vjp=isotonic_vjp,
    breaks=(
        Break(lambda x: x[0] - x[1], order=1, convention="right"),
        Break(lambda x: x[1] - x[2], order=1, convention="right"),
        Break(lambda x: (x[0] - x[1]) + (x[0] - x[2]), order=1, convention="right"),
        Break(lambda x: (x[0] - x[2]) + (x[1] - x[2]), order=1, convention="right"),
    ),
    facts=(Increasing("x"), Lipschitz("x", 1.0)),
    tex=r"P_{u_1 \le \dots \le u_n}(x)_i = \max_{j \le i} \min_{k \ge i} "
    r"\frac{x_j + \dots + x_k}{k - j + 1}",
    source=Source("best1990active", "section 3"),
    topic="O16",
)
