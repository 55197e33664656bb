r"""The sum of two functions, each known by its proximal map alone: ADMM.

$$ x \leftarrow \operatorname{prox}_{t f}(z - u), \qquad z \leftarrow \operatorname{prox}_{t g}
   (x + u), \qquad u \leftarrow u + x - z $$

(Boyd, Parikh, Chu, Peleato and Eckstein 2011, section 5, in scaled form). In $s = z + u$ this is
the method of Douglas and Rachford: $z = \operatorname{prox}_{t g}(s)$ and
$s \leftarrow s + \operatorname{prox}_{t f}(2 z - s) - z$ (Eckstein and Bertsekas 1992, section 5).
The residuals x - z and (z - z') / t are those of their section 3.3; t is doubled or halved where
one of them is ten times the other (section 3.4.1), the more seldom the longer the search is.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array

from jaxmath.optimize.composite import differentiable_root
from jaxmath.optimize.flat import PLAIN, all_finite, flatten, largest
from jaxmath.optimize.minimum import RUNNING
from jaxmath.optimize.progress import Progress, after_step, at_start
from jaxmath.optimize.solution import Info, Kind, Solution

IMBALANCE = 10.0
"""By how much one relative residual may exceed the other."""
PATIENCE = 2000
"""So many steps in a row may bring no smaller residual."""


class Search(NamedTuple):
    """What the loop needs."""

    x: Array
    z: Array
    u: Array  # the multipliers times t
    step: Array  # t
    due: Array  # the iteration from which t may change again
    primal: Array
    dual: Array
    progress: Progress


@functools.partial(jax.jit, static_argnames=("prox_f", "prox_g", "second_look"))
def admm(
    prox_f: Callable[[Any, Any, Any], Any],
    prox_g: Callable[[Any, Any, Any], Any],
    start: Any,
    args: Any = None,
    *,
    step: Any = 1.0,
    tolerance: Any = None,
    max_iterations: Any = 10_000,
    second_look: bool | None = None,
) -> Solution:
    """Minimise f(x, args) + g(x, args), both convex; neither need be smooth.

    An indicator's proximal map is the projection on its set, so that this finds points of an
    intersection, and minima over one. Also known as Douglas-Rachford splitting.

    Args:
        prox_f: of (v, step, args) the point u that minimises step * f(u, args) + |u - v|^2 / 2.
        prox_g: the same of g; the answer is one of its values, so that it lies in g's domain.
        start: where to begin, any pytree of floating-point arrays, whose dtype is that of the
            solve.
        args: the parameters of both, in which the solution can be differentiated.
        step: the first step t, one over the penalty rho of the augmented Lagrangian.
        tolerance: the largest entry of x - z, relative to 1 plus the size of both, and of
            (z - z') / t, relative to 1 plus the size of the multipliers; by default the dtype's
            spacing to the power 2/3: 4e-11 in float64, 2e-5 in float32.
        max_iterations: the number of steps after which to give up.
        second_look: whether to ask in the end if the solution is regular: it and its multipliers
            unique, and not on a kink of a proximal map; by default up to 200 unknowns.

    Returns:
        A `Solution`: x; for multipliers an element of the subdifferential of g at x, whose negative
        is one of f; and an `Info` that `describe` puts in words. `info.objective` is NaN, since no
        value of f or g is known; `info.primal` and `info.stationarity` are the two residuals. Of a
        problem without solution the multipliers grow, and the search stalls.

    Derivatives in `args` are those of the implicit function theorem on the fixed point in s, to any
    order and in both modes; they are NaN where that is not regular. Derivatives in `start` and
    `step` are zero.

    Raises:
        TypeError: if `start` holds anything but real floating-point numbers.
    """
    x, unravel, tolerance = flatten(start, tolerance, PLAIN)

    def flat(prox):
        return lambda v, t, args: ravel_pytree(prox(unravel(v), t, args))[0].astype(v.dtype)

    f, g, still = flat(prox_f), flat(prox_g), jax.lax.stop_gradient(args)
    first = jax.lax.stop_gradient(jnp.asarray(step, x.dtype))
    x = jax.lax.stop_gradient(x)
    end = _search(
        lambda v, t: f(v, t, still),
        lambda v, t: g(v, t, still),
        x,
        first,
        tolerance,
        max_iterations,
    )
    t, status = end.step, end.progress.status

    def rest(s, args, shift):
        z = g(s + shift, t, args)
        return z - f(2 * z - s + shift, t, args)

    s, regular = differentiable_root(rest, end.z + end.u, args, status, tolerance, second_look)
    z = g(s, t, args)
    info = Info(
        status=status,
        kind=jnp.asarray(Kind.UNTESTED),
        regular=regular,
        iterations=end.progress.iterations,
        objective=jnp.full((), jnp.nan, z.dtype),
        stationarity=end.dual,
        primal=end.primal,
        error=end.progress.error,
        tolerance=tolerance,
    )
    return Solution(unravel(z), unravel((s - z) / t), jax.lax.stop_gradient(info))


def _search(f, g, x, step, tolerance, max_iterations) -> Search:
    zero, none = jnp.zeros((), x.dtype), jnp.asarray(0)
    ready = all_finite(x, step) & (step > 0)
    begin = Search(
        x=x,
        z=x,
        u=jnp.zeros_like(x),
        step=step,
        due=none,
        primal=zero,
        dual=zero,
        progress=at_start(ready, max_iterations, x.dtype),
    )
    return jax.lax.while_loop(
        lambda here: here.progress.status == RUNNING,
        lambda here: _advance(f, g, here, tolerance, max_iterations),
        begin,
    )


def _advance(f, g, here: Search, tolerance, max_iterations) -> Search:
    t = here.step
    x = f(here.z - here.u, t)
    z = g(x + here.u, t)
    u = here.u + x - z
    primal, dual = largest(x - z), largest(z - here.z) / t
    relative = primal / (1 + jnp.maximum(largest(x), largest(z)))
    slanted = dual / (1 + largest(u) / t)
    finite = all_finite(x, z, u)
    progress = after_step(
        here.progress,
        jnp.maximum(relative, slanted),
        tolerance,
        max_iterations,
        PATIENCE,
        stuck=jnp.asarray(False),
        lost=~finite,
        unbounded=jnp.asarray(False),
    )
    count = progress.iterations
    change = jnp.where(slanted > IMBALANCE * relative, 2.0, 1.0)
    change = jnp.where(relative > IMBALANCE * slanted, 0.5, change)
    change = jnp.where((count >= here.due) & (progress.status == RUNNING), change, 1.0)
    change = change.astype(t.dtype)

    def kept(new, old):
        return jnp.where(finite, new, old)

    return Search(
        x=kept(x, here.x),
        z=kept(z, here.z),
        u=kept(u * change, here.u),
        step=t * change,
        # Each change waits a third longer than the one before: finitely many in any search.
        due=jnp.where(change != 1, count + count // 3 + 5, here.due),
        primal=primal,
        dual=dual,
        progress=progress,
    )
