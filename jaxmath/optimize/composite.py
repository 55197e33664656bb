r"""From a search with proximal maps to a solution: derivatives, and whether there are any.

A minimum of f + g, with f smooth and g known by its proximal map, is a fixed point
$x = \operatorname{prox}_{t g}(x - t \nabla f(x))$ for every step t > 0 (Parikh and Boyd 2014,
section 4.2.1). The implicit function theorem applies where the map is differentiable there and the
Jacobian of x minus it is regular: not where an entry lies on the edge of its threshold.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

from jaxmath.optimize.flat import all_finite, largest
from jaxmath.optimize.implicit import differentiable_if, implicit_root, solve_or_nan
from jaxmath.optimize.minimum import Found, tests_second_order
from jaxmath.optimize.solution import Info, Kind, Solution, Status

Rest = Callable[[Array, Any, Array], Array]
"""Of a root, the parameters, and what is added to the argument of every proximal map."""


def gradient_map(f: Callable[[Array, Any], Array], prox, step) -> Rest:
    """What x and its proximal gradient step differ by."""

    def rest(x, args, shift):
        return x - prox(x - step * jax.grad(f)(x, args) + shift, step, args)

    return rest


def differentiable_root(rest: Rest, root, args, status, tolerance, second_look: bool | None):
    """A root that was found, with its derivatives in `args`, and whether it is regular.

    Whether it is regular is looked at if so asked, by default up to 200 unknowns. Derivatives are
    NaN where it is not, where the matrix of the theorem is singular, and where nothing was found.
    """
    still = jax.lax.stop_gradient(args)
    regular = jnp.asarray(True)
    if tests_second_order(second_look, root.size):
        regular = _smooth(lambda x, shift: rest(x, still, shift), root, tolerance)
    zero = jnp.zeros_like(root)
    root, _ = implicit_root(
        lambda x: rest(x, args, zero), root, lambda found: (found, ()), solve_or_nan
    )
    return differentiable_if(root, (status == Status.OPTIMAL) & regular), regular


def _smooth(rest, x, tolerance):
    """Whether the Jacobian is regular, and the same on both sides of the arguments.

    They are moved by ten times as much as x is unknown by: the tolerance and a Newton step. A kink
    that is nearer than that cannot be told from one that x lies on.
    """
    jacobian, zero = jax.jacfwd(rest), jnp.zeros_like(x)
    here = jacobian(x, zero)
    unknown = jnp.abs(jnp.linalg.solve(here, rest(x, zero))) + tolerance * (1 + jnp.abs(x))
    # Along a direction that no kink of use is parallel to: entries of all sizes and both signs.
    aside = 10 * jnp.max(unknown) * jnp.cos(1 + jnp.arange(x.size, dtype=x.dtype))
    change = jnp.linalg.solve(here, jacobian(x, aside) - jacobian(x, -aside))
    return (jnp.sum(jnp.square(change)) <= 0.25**2) & all_finite(change)


def composite_solution(
    f: Callable[[Array, Any], Array],
    prox: Callable[[Array, Any, Any], Array],
    found: Found,
    step,
    args: Any,
    tolerance,
    unravel: Callable[[Array], Any],
    second_look: bool | None,
    *,
    gap: Any = None,
) -> Solution:
    """Make a `Solution` of where a search ended; all but its derivatives is in `found`.

    The multipliers are an element of the subdifferential of g, -grad f(x), up to the residual.
    """
    rest = gradient_map(f, prox, step)
    x, regular = differentiable_root(rest, found.x, args, found.status, tolerance, second_look)
    pull = -jax.grad(f)(x, args)
    info = Info(
        status=found.status,
        kind=jnp.asarray(Kind.UNTESTED),
        regular=regular,
        iterations=found.iterations,
        objective=found.objective,
        stationarity=largest(found.gradient),
        primal=jnp.zeros((), x.dtype),
        error=found.error,
        tolerance=tolerance,
        gap=gap,
    )
    info = jax.lax.stop_gradient(info)._replace(objective=f(x, args))
    return Solution(unravel(x), unravel(pull), info)
