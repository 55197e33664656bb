r"""Expectations from draws, with their standard errors: at random, or on a shifted lattice.

The mean of n independent values has the standard error $s / \sqrt n$. The points
$\{k z / n + \Delta\}$ of a lattice fill the unit cube more evenly than random ones do, so that the
mean of a smooth function converges nearly as fast as one over the square of n. Independent random
shifts $\Delta$ keep it unbiased, and how its values differ between them gives its error.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxmath.typing import PRNGKey


class Estimate(NamedTuple):
    """A value and its standard error, of the same shape."""

    value: Any
    error: Any


def monte_carlo(fn: Callable[..., Any], draws: Any) -> Estimate:
    """The mean of `fn`, an array or a pytree of them, over independent draws along the first axis.

    With one draw alone the error is NaN.
    """
    values = jax.vmap(fn)(draws)
    return Estimate(
        jax.tree.map(lambda leaf: jnp.mean(leaf, axis=0), values),
        jax.tree.map(_error, values),
    )


def _error(values):
    return jnp.std(values, axis=0, ddof=1) / np.sqrt(values.shape[0])


def quasi_monte_carlo(
    fn: Callable[..., Any], key: PRNGKey, points: int, dimension: int, shifts: int = 16
) -> Estimate:
    """The integral of `fn(u)` over the unit cube: its mean over so many shifts of a lattice.

    It takes `points` times `shifts` evaluations. The error has as many degrees of freedom as there
    are shifts, less one. With u put through the quantiles of distributions it is an expectation
    under these; no coordinate is ever 0 or 1.
    """
    moved = jax.random.uniform(key, (shifts, 1, dimension), float)
    cubes = folded(jnp.asarray(lattice(points, dimension), moved.dtype)[None] + moved)
    # Shift by shift, so that no more than one lattice is in memory.
    means = jax.lax.map(
        lambda cube: jax.tree.map(lambda leaf: jnp.mean(leaf, axis=0), jax.vmap(fn)(cube)), cubes
    )
    return Estimate(
        jax.tree.map(lambda leaf: jnp.mean(leaf, axis=0), means), jax.tree.map(_error, means)
    )


def folded(u: Float[Array, "..."]) -> Float[Array, "..."]:
    """The tent over the fractional part, inside (0, 1): it joins both ends of any function.

    A lattice sees functions as periodic; folded, each of them is (Hickernell 2002).
    """
    tent = 1 - jnp.abs(2 * (u - jnp.floor(u)) - 1)
    eps = jnp.finfo(tent.dtype).eps
    return jnp.clip(tent, eps / 2, 1 - eps / 2)


def lattice(points: int, dimension: int) -> np.ndarray:
    """The multiples k z / n of a generator z modulo 1, shape (points, dimension)."""
    if points < 2 or dimension < 1:
        raise ValueError(
            f"A lattice needs two points and one dimension, got {points} and {dimension}."
        )
    k = np.arange(points)[:, None]
    return (k * np.array(generator(points, dimension))[None, :] % points) / points


@functools.cache
def generator(points: int, dimension: int) -> tuple[int, ...]:
    """The generator of a good lattice, one coordinate after the other (Sloan and Reztsov 2002).

    Each coordinate is the one that makes the worst error least over periodic functions of square
    integrable mixed derivatives, among which the j-th coordinate matters with weight $1 / j^2$. The
    search takes the square of `points` steps for each.
    """
    x = np.arange(points) / points
    kernel = 2 * np.pi**2 * (x * x - x + 1 / 6)  # the periodic kernel of such functions
    units = [z for z in range(1, points // 2 + 1) if np.gcd(z, points) == 1]
    product, chosen = np.ones(points), []
    for j in range(1, dimension + 1):
        weighted = 1 + kernel / j**2
        errors = [product @ weighted[np.arange(points) * z % points] for z in units]
        best = units[int(np.argmin(errors))] if j > 1 else 1
        product = product * weighted[np.arange(points) * best % points]
        chosen.append(best)
    return tuple(chosen)
