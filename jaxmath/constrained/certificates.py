"""Proofs that a quadratic program has no solution: a contradiction of its constraints, or a ray."""

import jax.numpy as jnp

from jaxmath.constrained.lanes import dot, largest, times, transposed_times
from jaxmath.constrained.program import (
    Program,
    Scale,
    Sides,
    both,
    columns,
    joined,
    only,
    rows,
    support,
    twice,
    violation,
)


def reach(dtype):
    """Within this distance of zero a certificate says that there is no feasible point, or no end.

    No multipliers sum rounded constraints to exactly nothing, and no direction keeps an objective's
    curvature at exactly zero: what is left is at most one over this.
    """
    return jnp.finfo(dtype).eps ** -0.5


def contradictory(program: Program, side: Sides, scale: Scale, y, z):
    r"""Whether multipliers sum the constraints to a contradiction (Farkas 1902).

    Where $A^\top y + C^\top z = 0$, no feasible x exists if the largest value that
    $y \cdot A x + z \cdot C x$ can take is below zero. Multipliers of missing ends are dropped.
    """
    most = support(program, side, y, z)
    pull = largest((transposed_times(program.A, y) + columns(program, z)) / scale.columns)
    return (most < 0) & (pull * reach(y.dtype) < -most)


def possible(side: Sides, z):
    """The multipliers without those of ends that are missing."""
    return joined(only(jnp.maximum(both(z), 0), side.some))


def falls(program: Program, side: Sides, scale: Scale, x):
    """Whether the objective falls along x without end, and no constraint is in the way."""
    level = side._replace(ends=jnp.zeros_like(side.ends))
    outside = violation(level, rows(program, x)) / twice(scale.rows)
    across = jnp.maximum(largest(outside), largest(times(program.A, x) / scale.equalities))
    size, slope = largest(x * scale.columns), dot(program.q, x)
    bend, far = dot(x, times(program.P, x)), reach(x.dtype)
    return (slope < 0) & (across * far <= size) & (bend * far <= -slope * size)
