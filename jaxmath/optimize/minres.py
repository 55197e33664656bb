r"""Symmetric linear systems without a matrix: the method of minimal residuals.

The Lanczos process $A V_k = V_{k+1} T_k$ makes T tridiagonal; its columns are triangularised by
rotations as they come, and x moves along $D_k = V_k R_k^{-1}$, of which three columns are needed
(Paige and Saunders 1975, section 6). The matrix may be indefinite.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array

EXACT, ENOUGH = 0.75, 0.5
"""The residual to reach, and that above which there is no answer: powers of the dtype's spacing."""
REFINEMENTS = 3
"""How often the equation is solved for what is left of it: Lanczos vectors lose orthogonality."""
LONGEST = 20_000
"""Steps, if four for each unknown are more."""


class Sweep(NamedTuple):
    """What the loop needs."""

    x: Array
    v: Array
    before: Array  # the v of the step before
    beta: Array  # the length of what v was made of
    direction: Array
    earlier: Array  # the direction of the step before
    cosine: Array
    sine: Array
    older: Array  # the pair of the rotation before
    left: Array  # the length of the residual
    steps: Array


def solve_symmetric(
    linear: Callable[[Any], Any], right: Any, units: Any, max_steps: int | None = None
):
    """Solve `linear(z) = right` for pytrees, where the function is symmetric.

    NaN where that fails, as it does for nearly every right-hand side of a singular function.

    Args:
        linear: the function.
        right: the right-hand side.
        units: factors d, shaped like z, for which d * linear(d * z) has entries of similar sizes.
        max_steps: of each of the refinements.
    """
    scale, unravel = ravel_pytree(units)
    limit = min(4 * scale.size, LONGEST) if max_steps is None else max_steps

    def scaled(v):
        return scale * ravel_pytree(linear(unravel(scale * v)))[0]

    def solve(product, b):
        eps, size = jnp.finfo(b.dtype).eps, jnp.linalg.norm(b)

        def unfinished(state):
            count, _, rest = state
            return (count < REFINEMENTS) & (jnp.linalg.norm(rest) > eps**EXACT * size)

        def refine(state):
            count, x, rest = state
            x = x + _minres(product, rest, eps**EXACT * size, limit)
            return count + 1, x, b - product(x)

        _, x, rest = jax.lax.while_loop(unfinished, refine, (0, jnp.zeros_like(b), b))
        return jnp.where(jnp.linalg.norm(rest) <= eps**ENOUGH * size, x, jnp.nan)

    # One vector, since a right side of which JAX knows some parts alone is not transposed.
    right = scale * ravel_pytree(right)[0]
    return unravel(scale * jax.lax.custom_linear_solve(scaled, right, solve, symmetric=True))


def _minres(product, b, wanted, limit):
    beta = jnp.linalg.norm(b)
    zero, none = jnp.zeros_like(b), jnp.zeros((), b.dtype)

    def unit(v, size):
        return v / jnp.where(size > 0, size, 1)

    def repeat(at: Sweep) -> Sweep:
        u = product(at.v) - at.beta * at.before
        alpha = u @ at.v
        u = u - alpha * at.v
        beta = jnp.linalg.norm(u)
        # The new column of T, through the two rotations before, and the one that it asks for.
        far = at.older[1] * at.beta
        middle = at.older[0] * at.beta
        near = at.cosine * middle + at.sine * alpha
        corner = at.cosine * alpha - at.sine * middle
        size = jnp.hypot(corner, beta)
        cosine, sine = unit(corner, size), unit(beta, size)
        direction = unit(at.v - near * at.direction - far * at.earlier, size)
        return Sweep(
            x=at.x + cosine * at.left * direction,
            v=unit(u, beta),
            before=at.v,
            beta=beta,
            direction=direction,
            earlier=at.direction,
            cosine=cosine,
            sine=sine,
            older=jnp.stack([at.cosine, at.sine]),
            left=-sine * at.left,
            steps=at.steps + 1,
        )

    one = jnp.ones((), b.dtype)
    begin = Sweep(
        x=zero,
        v=unit(b, beta),
        before=zero,
        beta=none,
        direction=zero,
        earlier=zero,
        cosine=one,
        sine=none,
        older=jnp.stack([one, none]),
        left=beta,
        steps=jnp.asarray(0),
    )
    return jax.lax.while_loop(
        lambda at: (jnp.abs(at.left) > wanted) & (at.steps < limit), repeat, begin
    ).x
