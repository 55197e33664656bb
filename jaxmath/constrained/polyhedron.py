r"""The projection on a polyhedron, as the quadratic program that it is.

The point next to x minimises $\tfrac12 u^\top u - x^\top u$ (Boyd and Vandenberghe 2004, section
8.1.1); its multipliers say by how much the squared distance, halved, changes with the sides.
"""

from typing import Any

import jax.numpy as jnp

from jaxmath.constrained.quadratic import solve_qp
from jaxmath.optimize.solution import Solution


def project_polyhedron(
    x: Any,
    A: Any = None,
    b: Any = None,
    G: Any = None,
    lower: Any = None,
    upper: Any = None,
    bounds: Any = None,
    *,
    tolerance: Any = None,
    max_iterations: Any = 100,
) -> Solution:
    """The next point u with A u = b, lower <= G u <= upper and bounds[0] <= u <= bounds[1].

    Args:
        x: n numbers, whose dtype is that of the solve.
        A: p by n, the left side of the equalities.
        b: p numbers, their right side.
        G: m by n, whose products with u have ends.
        lower: m numbers or one for all; minus infinity, or left out, where there is no lower end.
        upper: the same of the upper ends.
        bounds: the pair of the ends of u, each n numbers or a scalar.
        tolerance: as in `solve_qp`.
        max_iterations: the number of steps after which to give up.

    Returns:
        The `Solution` of `solve_qp`, with derivatives, status and proof as there; `info.objective`
        is half the squared distance.

    Raises:
        ValueError: if x is not a vector, or the shapes do not fit each other.
    """
    x = jnp.asarray(x)
    if x.ndim != 1:
        raise ValueError(f"A point of a polyhedron is a vector, and x has the shape {x.shape}.")
    if not jnp.issubdtype(x.dtype, jnp.floating):
        x = x.astype(float)
    eye, limits = jnp.eye(x.size, dtype=x.dtype), dict(max_iterations=max_iterations)
    found = solve_qp(eye, -x, A, b, G, lower, upper, bounds, tolerance=tolerance, **limits)
    distance = jnp.sum(jnp.square(found.x - x)) / 2
    return found._replace(info=found.info._replace(objective=distance))
