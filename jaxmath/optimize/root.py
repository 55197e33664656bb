"""From a search for a root to a solution: whether the root is regular, and its derivatives."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array

from jaxmath.optimize.flat import SHARP, all_finite, flatten, largest
from jaxmath.optimize.implicit import differentiable_if, implicit_root, solve_or_nan
from jaxmath.optimize.minimum import Found
from jaxmath.optimize.solution import Info, Kind, Solution, Status


def flat_equations(equations: Callable[[Any, Any], Any], start: Any, args: Any, tolerance: Any):
    """The equations as a function of a vector, and what `flatten` makes of the start.

    Raises:
        ValueError: if there are more or fewer equations than unknowns.
    """
    x, unravel, tolerance = flatten(start, tolerance, SHARP)

    def f(x):
        return ravel_pytree(equations(unravel(x), args))[0].astype(x.dtype)

    count = jax.eval_shape(f, x).size
    if count != x.size:
        raise ValueError(f"{count} equations do not determine {x.size} unknowns.")
    return f, x, unravel, tolerance


def root_of(
    F: Callable[[Array], Array],
    x: Array,
    search: Callable[[Array], Found],
    tolerance: Array,
    unravel: Callable[[Array], Any],
    second_look: bool,
) -> Solution:
    """Search for a root of F from x, and make a `Solution` of what is found.

    Where `second_look` is set the Jacobian there decides whether the root is regular. Derivatives
    are those of the implicit function theorem, and NaN where the Jacobian is singular.
    """

    def find(x):
        found = search(x)
        regular = is_regular(F, found.x) if second_look else jnp.asarray(True)
        info = Info(
            status=found.status,
            kind=jnp.asarray(Kind.ROOT),
            regular=regular,
            iterations=found.iterations,
            objective=found.objective,
            stationarity=largest(found.gradient),
            primal=largest(F(found.x)),
            error=found.error,
            tolerance=tolerance,
        )
        return found.x, info

    x, info = implicit_root(F, x, find, solve_or_nan)
    x = differentiable_if(x, (info.status == Status.OPTIMAL) & info.regular)
    return Solution(unravel(x), (), jax.lax.stop_gradient(info))


def is_regular(F, x):
    """Whether the Jacobian is regular, and hardly another one Newton step further.

    This is the condition of Kantorovich's theorem: near a double root the Jacobian is regular, and
    halves with every step.
    """
    jacobian = jax.jacobian(F)
    here = jacobian(x)
    step = jnp.linalg.solve(here, F(x))
    change = jnp.linalg.solve(here, jacobian(x - step) - here)
    small = jnp.sum(jnp.square(change)) <= 0.25**2
    # The sizes of columns are units of the unknowns.
    lengths = jnp.linalg.norm(here, axis=0)
    sizes = jnp.linalg.svd(here / jnp.where(lengths > 0, lengths, 1)[None, :], compute_uv=False)
    clear = sizes[-1] > 10 * x.size * jnp.finfo(x.dtype).eps * sizes[0]
    return small & clear & all_finite(change)
