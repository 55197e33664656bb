"""The minimum of a function, by the method that suits its size."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from jaxmath.optimize.lbfgs import lbfgs
from jaxmath.optimize.solution import Solution
from jaxmath.optimize.trust_region import trust_region

SMALL = 100
"""Up to so many unknowns the Hessian and its eigenvalues cost little beside what they save."""


def minimize(
    objective: Callable[[Any, Any], Any],
    start: Any,
    args: Any = None,
    *,
    tolerance: Any = None,
    max_iterations: Any = None,
) -> Solution:
    """Find a local minimum of `objective(x, args)`, whatever its size.

    Up to 100 unknowns this is `trust_region`, beyond `lbfgs`; there stand arguments, result,
    derivatives and errors. `max_iterations` is theirs too where it is not given. Of many unknowns
    whose curvatures differ a million-fold `lbfgs` gives up where `newton_cg` takes a dozen steps.
    """
    unknowns = sum(jnp.size(leaf) for leaf in jax.tree.leaves(start))
    method = trust_region if unknowns <= SMALL else lbfgs
    limit = {} if max_iterations is None else {"max_iterations": max_iterations}
    return method(objective, start, args, tolerance=tolerance, **limit)
