r"""L-BFGS: the curvature of the last few steps, without a matrix.

The direction is $-H g$ with the matrix H that BFGS would have made of the last m pairs of steps s
and changes of the gradient y, begun from $\gamma I$, $\gamma = s^T y / y^T y$ (Nocedal and Wright
2006, algorithm 7.4 and eq. 7.20).
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array

from jaxmath.optimize.descent import Method, descend
from jaxmath.optimize.solution import Solution


class Pairs(NamedTuple):
    """The last pairs, the latest at the end; those not yet made are zero."""

    steps: Array  # (m, n), s
    changes: Array  # (m, n), y
    inverses: Array  # (m,), 1 / s.y
    scale: Array  # gamma


@functools.partial(jax.jit, static_argnames=("objective", "memory", "second_order"))
def lbfgs(
    objective: Callable[[Any, Any], Any],
    start: Any,
    args: Any = None,
    *,
    tolerance: Any = None,
    max_iterations: Any = 2000,
    memory: int = 10,
    second_order: bool | None = None,
) -> Solution:
    """Find a local minimum of `objective(x, args)` by its gradient; for any number of unknowns.

    Args:
        objective: a scalar function of the point and the parameters, differentiable; twice where
            the solution is differentiated or tested.
        start: where to begin, any pytree of floating-point arrays, whose dtype is that of the
            solve.
        args: the parameters of the problem, in which the solution can be differentiated.
        tolerance: the largest entry of the gradient, relative to 1 plus the terms that it sums, as
            the changes seen lately tell; by default the dtype's spacing to the power 2/3: 4e-11 in
            float64, 2e-5 in float32.
        max_iterations: the number of steps after which to give up.
        memory: how many pairs to keep.
        second_order: whether to look at the Hessian in the end, to say of what kind the point is;
            by default up to 200 unknowns.

    Returns:
        A `Solution` without multipliers: the last finite point, and an `Info` that `describe` puts
        in words.

    The point and `info.objective` can be differentiated in `args`, to any order and in both modes,
    by the implicit function theorem, which solves with the full Hessian, beyond 1000 unknowns by
    products with it; where that is singular or nothing is solved, the derivatives are NaN.
    Derivatives in `start` are zero.

    Raises:
        TypeError: if `start` holds anything but real floating-point numbers.
    """
    method = Method(functools.partial(no_pairs, memory), two_loops, remember, True, 0.9)
    return descend(method, objective, start, args, tolerance, max_iterations, second_order)


def no_pairs(memory, x) -> Pairs:
    """An empty memory."""
    empty = jnp.zeros((memory, x.size), x.dtype)
    return Pairs(empty, empty, empty[:, 0], jnp.ones((), x.dtype))


def two_loops(pairs: Pairs, gradient):
    """The direction: from the latest pair to the first, and back."""

    def down(q, pair):
        s, y, inverse = pair
        share = inverse * (s @ q)
        return q - share * y, share

    def up(r, pair):
        (s, y, inverse), share = pair
        return r + (share - inverse * (y @ r)) * s, None

    kept = pairs[:3]
    q, shares = jax.lax.scan(down, gradient, kept, reverse=True)
    r, _ = jax.lax.scan(up, pairs.scale * q, (kept, shares))
    return -r


def remember(pairs: Pairs, step, before, after, _) -> Pairs:
    """Add a pair, unless its curvature is not positive."""
    change = after - before
    product, square = step @ change, change @ change
    eps = jnp.finfo(step.dtype).eps
    bent = product > eps * jnp.linalg.norm(step) * jnp.sqrt(square)
    safe = jnp.where(bent, product, 1)

    def add(old, new):
        return jnp.where(bent, jnp.roll(old, -1, axis=0).at[-1].set(new), old)

    return Pairs(
        add(pairs.steps, step),
        add(pairs.changes, change),
        add(pairs.inverses, 1 / safe),
        jnp.where(bent, product / jnp.where(square > 0, square, 1), pairs.scale),
    )
