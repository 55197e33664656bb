"""Every multiplier beside the derivative of the optimal value in its right side: a shadow price."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from jaxmath.constrained import Multipliers, Solution


def priced(solve: Callable[[Multipliers], Solution], ends: Multipliers) -> tuple[Solution, float]:
    """The solution, and how far its multipliers are from what differentiating the solver says.

    Args:
        solve: the problem as a function of its right sides.
        ends: of the equalities, the inequalities and x; of the last two a pair of ends, or ().

    Returns:
        The solution, and the largest difference relative to one plus the largest multiplier: NaN
        where the solution has no derivative, zero where there is no constraint.
    """

    def value(ends):
        found = solve(ends)
        return found.info.objective, found

    if not jax.tree.leaves(ends):
        return jax.jit(solve)(ends), 0.0
    slopes, found = jax.jit(jax.grad(value, has_aux=True))(ends)
    slopes = jax.tree.map(lambda slope, end: jnp.where(jnp.isinf(end), 0, slope), slopes, ends)
    summed = (
        slopes.equality,
        *(jax.tree.map(jnp.add, *part) if part else () for part in slopes[1:]),
    )
    pairs = [
        (ravel_pytree(price)[0], ravel_pytree(slope)[0])
        for price, slope in zip(found.multipliers, summed, strict=True)
        if jax.tree.leaves(slope)
    ]
    prices, slopes = (np.concatenate(part) for part in zip(*pairs, strict=True))
    return found, float(np.max(np.abs(prices + slopes)) / (1 + np.max(np.abs(prices))))


def told(rows: list[dict]) -> str:
    """The worst residual and the worst price of what was solved, in a sentence."""
    prices = [row["prices"] for row in rows if row["regular"]]
    residual = max((row["residual"] for row in rows), default=np.nan)
    return (
        f"The largest residual of those solved is {residual:.1e}; the {len(prices)} of them that"
        f" have derivatives have multipliers within {max(prices, default=np.nan):.1e} of them"
    )
