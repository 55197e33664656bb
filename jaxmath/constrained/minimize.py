"""A minimum under any constraints, by the method that suits them."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from jaxmath.constrained.nonlinear import solve_nlp
from jaxmath.constrained.quadratic import Multipliers
from jaxmath.optimize import minimize as unconstrained
from jaxmath.optimize.solution import Solution

METHODS = ("interior_point", "unconstrained")


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

    Without constraints this is `jaxmath.optimize.minimize`, with any of them `solve_nlp`; there
    stand arguments, result, derivatives and errors. A `method` names one of the two:
    "unconstrained" or "interior_point". The multipliers are always `Multipliers`, empty or zero
    where there is no constraint, so that `kkt_residuals` takes every solution.

    Raises:
        ValueError: if the method is none of these, or leaves constraints out.
    """
    free = all(part is None for part in (eq, ineq, lower, upper, bounds))
    if method is None:
        method = "unconstrained" if free else "interior_point"
    if method not in METHODS:
        raise ValueError(f"The methods are {' and '.join(METHODS)}, not {method}.")
    limit = {} if max_iterations is None else {"max_iterations": max_iterations}
    if method == "interior_point":
        return solve_nlp(
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
    if not free:
        raise ValueError("The method unconstrained knows no constraints.")
    found = unconstrained(objective, start, args, tolerance=tolerance, **limit)
    none = jax.tree.map(jnp.zeros_like, found.x)
    return found._replace(multipliers=Multipliers((), (), none))
