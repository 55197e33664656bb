"""A minimum under any constraints, by the method that suits them."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from jaxmath.constrained.augmented_lagrangian import augmented_lagrangian
from jaxmath.constrained.equality import solve_equality
from jaxmath.constrained.nonlinear import solve_nlp
from jaxmath.constrained.quadratic import Multipliers
from jaxmath.constrained.sqp import sqp
from jaxmath.optimize import minimize as unconstrained
from jaxmath.optimize.solution import Solution

SOLVERS = {"interior_point": solve_nlp, "sqp": sqp, "augmented_lagrangian": augmented_lagrangian}
METHODS = (*SOLVERS, "equality", "unconstrained")


def minimize(
    objective: Callable[[Any, Any], Any],
    start: Any,
    args: Any = None,
    *,
    eq: Callable[[Any, Any], Any] | None = None,
    ineq: Callable[[Any, Any], Any] | None = None,
    lower: Any = None,
    upper: Any = None,
    bounds: Any = None,
    method: str | None = None,
    tolerance: Any = None,
    max_iterations: Any = None,
) -> Solution:
    """Find a local minimum of `objective(x, args)` where `eq` is zero and `ineq` and x in bounds.

    Arguments, result, derivatives and errors are those of `solve_nlp`, but `tolerance` and
    `max_iterations`, whose defaults are those of the method:

    - "unconstrained", `jaxmath.optimize.minimize`: the choice where there are no constraints.
    - "interior_point", `solve_nlp`: the choice where there are any, since its scores over all
      published problems are known. Its points lie strictly between bounds but for the last.
    - "sqp": fewer steps where the start is near the solution, as it is when data change a little.
    - "augmented_lagrangian": where constraints depend on each other, or have no interior.
    - "equality", `solve_equality`: Newton's method on the Lagrangian, for `eq` alone.

    The multipliers are always `Multipliers`, empty or zero where there is no constraint, so that
    `kkt_residuals` takes every solution.

    Raises:
        ValueError: if the method is none of these, or leaves constraints out.
    """
    free = all(part is None for part in (ineq, lower, upper, bounds))
    if method is None:
        method = "unconstrained" if free and eq is None else "interior_point"
    if method not in METHODS:
        raise ValueError(f"The methods are {', '.join(METHODS)}, not {method}.")
    limit = {} if max_iterations is None else {"max_iterations": max_iterations}
    if method in SOLVERS:
        return SOLVERS[method](
            objective,
            start,
            args,
            eq=eq,
            ineq=ineq,
            lower=lower,
            upper=upper,
            bounds=bounds,
            tolerance=tolerance,
            **limit,
        )
    if method == "equality":
        if not free or eq is None:
            raise ValueError("The method equality takes the constraint eq, and no other.")
        found = solve_equality(objective, eq, start, args, tolerance=tolerance, **limit)
        y = found.multipliers
    else:
        if not free or eq is not None:
            raise ValueError("The method unconstrained knows no constraints.")
        found, y = unconstrained(objective, start, args, tolerance=tolerance, **limit), ()
    none = jax.tree.map(jnp.zeros_like, found.x)
    return found._replace(multipliers=Multipliers(y, (), none))
