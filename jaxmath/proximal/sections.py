r"""The projection on the capped simplex: entries between zero and one that sum to a total.

One threshold is subtracted from all entries, then each is cut to [0, 1]. For a total in (m - 1, m]
the threshold lies at most one below the m-th largest entry and not above it. Measured from there
entries that are further away than one are cut whatever it is, and the others are of ordinary size;
so the threshold is found by halving among the 2 n places where an entry meets a cut, and measured
from the nearer of the two that it lies between.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Bool, Float

from jaxmath.domains import REAL, Box, Interval
from jaxmath.formula import Bounded, Break, Formula, Lipschitz, Source
from jaxmath.special.ratio import two_difference

Vector = Float[ArrayLike, " n"]
Scalar = Float[ArrayLike, ""]


def _heights(x):
    """Cut at zero and one."""
    return jnp.clip(x, 0.0, 1.0)


def _split(x: Vector, total: Scalar) -> tuple[Float[Array, " n"], Bool[Array, " n"]]:
    """Each entry less the threshold, and which are neither zero nor one for it: the free ones."""
    x = jnp.asarray(x)
    order = jnp.clip(jnp.ceil(jnp.asarray(total)).astype(int) - 1, 0, x.size - 1)
    pivot = (-jnp.sort(-x))[order]
    gap, lost = two_difference(jnp.where(jnp.abs(x - pivot) < 2, x, pivot), pivot)
    y = jnp.where(jnp.abs(x - pivot) < 2, gap + lost, 2 * jnp.sign(x - pivot))
    y = jnp.where(jnp.isnan(x), x, y)
    places = jnp.sort(jnp.concatenate([y, y - 1]))
    low, high = jnp.zeros((), int), jnp.full((), places.size - 1, int)
    for _ in range(places.size.bit_length()):  # of the places the last where enough is left
        middle = (low + high + 1) // 2
        enough = jnp.sum(_heights(y - places[middle])) >= total
        low, high = jnp.where(enough, middle, low), jnp.where(enough, high, middle - 1)
    left, right = y - places[low], y - places[jnp.minimum(low + 1, places.size - 1)]
    free = (left > 0) & (left <= 1)
    size = jnp.maximum(jnp.sum(free), 1)
    down = (jnp.sum(_heights(left)) - total) / size
    up = (total - jnp.sum(_heights(right))) / size
    return jnp.where(down <= up, left - down, right + up), free


@jax.custom_jvp
def capped_simplex(x: Vector, total: Scalar) -> Float[Array, " n"]:
    """The next vector of entries in [0, 1] with this sum, which lies between zero and their number.

    A soft choice of `total` entries, of the largest.
    """
    return _heights(_split(x, total)[0])


@capped_simplex.defjvp
def _capped_simplex_jvp(primals, tangents):
    change, more = tangents
    free = _split(*primals)[1]
    level = (jnp.sum(jnp.where(free, change, 0.0)) - more) / jnp.maximum(jnp.sum(free), 1)
    return capped_simplex(*primals), jnp.where(free, change - level, 0.0)


def capped_simplex_vjp(x: Vector, total: Scalar, cotangent: Vector):
    """The cotangent of the free entries less its mean over them, and that mean."""
    free = _split(x, total)[1]
    mean = jnp.sum(jnp.where(free, cotangent, 0.0)) / jnp.maximum(jnp.sum(free), 1)
    return jnp.where(free, cotangent - mean, 0.0), mean


def _above(cut: float):
    """How far each entry lies above the threshold and the cut: zero where it starts to move."""
    return lambda x, total: _split(x, total)[0] - cut


CAPPED_SIMPLEX = Formula(
    fn=capped_simplex,
    label="projections.capped_simplex",
    domain=dict(x=Box((3,), REAL), total=Interval(0.0, 3.0)),
    vjp=capped_simplex_vjp,
    breaks=(
        Break(_above(0.0), order=1, convention="left"),
        Break(_above(1.0), order=1, convention="right"),
    ),
    facts=(Lipschitz("x", 1.0), Bounded("x", 0.0, 1.0)),
    tex=r"P(x) = \min(\max(x - \tau, 0), 1), \quad \sum_i \min(\max(x_i - \tau, 0), 1) = s",
    source=Source("wang2015projection", "section 2"),
    exceptions={
        "breaks_follow_convention": "no drawn float lies exactly on the threshold of the others"
    },
    topic="O14",
)
