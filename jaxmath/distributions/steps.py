"""Quantiles of discrete families: the first whole number at which something holds."""

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.distributions.table import LONG, SIZE
from jaxmath.special.loops import if_any
from jaxmath.typing import Real


class Root(NamedTuple):
    """At a count: the signed root of twice the deviance, and what that is made of.

    Attributes:
        place: where it is, inside of the range.
        signed: the root itself.
        odds: the slope of the deviance.
        wide: the standard deviation where that is the mean.
    """

    place: Array
    signed: Array
    odds: Array
    wide: Array


def near_root(root: Callable[[Array], Root], z: Array, start: Array, bounds, slope, skew) -> Array:
    """About one half above the count at which a distribution function is that of a normal one at z.

    By Newton's method for the signed root from a start near z; `bounds` keep each step in them,
    `slope` is that of the root at the mean and `skew` a sixth of the third moment over the second.
    Then the first correction of the root, of the saddlepoint for lattices (Daniels 1987).
    """

    def improve(state):
        k, steps, _ = state
        at = root(k)
        far = jnp.abs(at.signed) > 1e-2
        rise = jnp.where(far, at.odds / jnp.where(far, at.signed, 1.0), slope)
        better = jnp.clip(at.place + (z - at.signed) / rise, *bounds(at.place))
        return better, steps + 1, jnp.any(jnp.abs(better - k) > 1)

    first = start, 0, jnp.asarray(True)
    k, *_ = jax.lax.while_loop(lambda state: state[2] & (state[1] < 6), improve, first)
    _, signed, odds, wide = root(k)
    ratio = 2 * jnp.sinh(odds / 2) * wide / jnp.where(signed == 0, 1.0, signed)
    some = (jnp.abs(signed) > jnp.finfo(signed.dtype).eps ** 0.2) & (ratio > 0)
    return k - jnp.where(some, jnp.log(jnp.where(some, ratio, 1.0)) / odds, skew)


def guessed(
    near: Callable[[Array], Array], tail: Callable[[Array], Array], p: Array, *, rising: bool
) -> Array:
    """Whole numbers beside the first ones at which a tail, `rising` or falling, has reached p.

    That is `near(p)`; where the parameters are numbers, so that it has the shape of p, those of a
    long array are looked up in a table of the tail, which begins beside the first of all.
    """
    if jnp.size(p) < LONG or jax.eval_shape(near, jax.ShapeDtypeStruct((), p.dtype)).shape:
        return near(p)
    first = near(jnp.min(p) if rising else jnp.max(p))
    counts = jnp.maximum(first - 2, 0.0) + jnp.arange(SIZE, dtype=p.dtype)
    sign = 1.0 if rising else -1.0
    place = jnp.searchsorted(sign * tail(counts), sign * p)
    return jnp.where(place < SIZE, counts[0] + place, if_any(place >= SIZE, near, p))


def first_whole(
    reached: Callable[..., Array], guess: Float[Array, "..."], high: Real, *args: Array
) -> Float[Array, "..."]:
    """The least k in 0, 1, ..., high with `reached(k, *args)`, which stays true; from a guess.

    A guess that is right costs two evaluations, a far one more for each step. All entries wait for
    the last one; but if of many, whose `args` are given, few are to move, then these go on alone.
    Where the guess is no number the answer is none.
    """

    def step(k, high, lost, args):
        # Compiled once, and one after the other: together they could not be looked up.
        here, before = jax.lax.map(lambda k: reached(k, *args), jnp.stack([k, k - 1]))
        step = jnp.where(before & (k > 0), -1.0, jnp.where(~here & (k < high), 1.0, 0.0))
        return jnp.where(lost | (k + step == k), 0.0, step)

    def walk(k, *rest):
        def on(state):
            k, moved = state
            k = k + moved
            return k, step(k, *rest)

        moved = step(k, *rest)
        return jax.lax.while_loop(lambda state: jnp.any(state[1] != 0), on, (k, moved))[0]

    lost = jnp.isnan(guess)
    start = jnp.clip(jnp.where(lost, 0.0, guess), 0.0, high)
    if jnp.size(start) < LONG or not args:
        return jnp.where(lost, jnp.nan, walk(start, high, lost, args))

    most = jnp.size(start) // 16

    def few(k, moved, *rest):
        which = jnp.nonzero(moved.ravel(), size=most, fill_value=0)[0]

        def some(each):
            return jnp.broadcast_to(each, k.shape).ravel()[which] if jnp.ndim(each) else each

        found = walk(some(k + moved), *jax.tree.map(some, rest))
        return k.ravel().at[which].set(found).reshape(k.shape)

    def many(k, moved, *rest):
        return walk(k + moved, *rest)

    moved = step(start, high, lost, args)
    size = jnp.sum(moved != 0)
    way = jnp.where(size == 0, 0, jnp.where(size <= most, 1, 2))
    ways = (lambda k, *_: k), few, many
    found = jax.lax.switch(way, ways, start, moved, high, lost, args)
    return jnp.where(lost, jnp.nan, found)


def first_count(
    side: Callable[..., Array],
    p: Array,
    params: tuple[Array, ...],
    near: Callable[[Array], Array],
    inner: Array,
    high: Real,
    *,
    rising: bool,
) -> Float[Array, "..."]:
    """The first count at which a tail `side(k, *params)`, `rising` or falling, has reached p.

    From `near(p)`, about the same; zero where p is not in its `inner` part, NaN where one is NaN.
    """
    guess = guessed(near, lambda k: side(k, *params), jnp.where(inner, p, 0.5), rising=rising)
    none = functools.reduce(jnp.logical_or, map(jnp.isnan, (p, *params)))
    guess = jnp.where(inner, guess, jnp.where(none, jnp.nan, 0.0))

    def reached(k, p, *params):
        return side(k, *params) >= p if rising else side(k, *params) <= p

    return first_whole(reached, guess, high, p, *params)
