"""Last steps of Newton's, from a point that is as good as asked for to one with all its digits.

What holds x back at the point is taken for what holds it back at the solution, so that the
conditions are equations; their matrix is made of what a search has formed anyway.
"""

import jax.numpy as jnp


def newton_step(root, known, hessian, ends, bounds):
    """The root after a step; not finite where what holds x back does not determine it.

    Args:
        root: x, and the multipliers of equalities, of inequalities, and of x itself.
        known: the values of f and the constraints at x, the slope of f, and the Jacobian.
        hessian: of the Lagrangian there.
        ends: the pair of the ends of the inequalities.
        bounds: those of x.
    """
    x, y, z, zb = root
    n, p, jacobian = x.size, y.size, known.jacobian
    slope = known.slope + jnp.append(y, z) @ jacobian
    held, beyond = _held(z, known.values[1 + p :], *ends)
    fixed, outside = _held(zb, x, *bounds)
    held, beyond = jnp.append(y == y, held), jnp.append(known.values[1 : 1 + p], beyond)
    # A row that holds nothing back has no multiplier, and an entry that is fixed is where its end
    # is; what it costs follows from its own equation afterwards.
    top = jnp.where(fixed[:, None], jnp.eye(n, dtype=x.dtype), hessian)
    side, idle = _only(jacobian.T, ~fixed), jnp.diag((~held).astype(x.dtype))
    matrix = jnp.block([[top, side], [_only(jacobian, held), idle]])
    right = jnp.where(fixed, outside, slope), jnp.where(held, beyond, jnp.append(y, z))
    step = jnp.linalg.solve(matrix, -jnp.concatenate(right))
    dx, dy = step[:n], step[n:]
    price = -(slope + hessian @ dx + dy @ jacobian)
    x = jnp.clip(x + dx, *bounds)
    return x, y + dy[:p], z + dy[p:], jnp.where(fixed, price, 0)


def _only(matrix, some):
    """Some of its rows, and zeros in place of the others."""
    return jnp.where(some[:, None], matrix, 0)


def _held(multipliers, value, low, high):
    """Which values an end holds back, and by how much those are beyond it."""
    above, below = multipliers + value > high, multipliers + value < low
    held = above | below | (low == high)
    return held, jnp.where(held, value - jnp.where(above, high, low), 0)
