r"""The judge of every constrained solver: how far a point and its multipliers are from optimal.

$$ \min_x f(x) \quad\text{subject to}\quad h(x) = 0, \quad l \le g(x) \le u, \quad
   x_l \le x \le x_u. $$

With the multipliers y of h, z of g and z_b of the bounds, positive where the upper end holds x
back and negative where the lower one does, the first-order conditions (Karush 1939; Kuhn and
Tucker 1951) are

$$ \nabla f + y \cdot \nabla h + z \cdot \nabla g + z_b = 0, $$

that the constraints hold, that no multiplier points at an end that is missing, and that each
vanishes, or the slack of its end. Instead of having ends -g(x) may be in a product of `Cones`, as z
then is, and their product vanishes. It is computed from the problem alone, and not from anything
that a solver says of itself.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from jaxmath.constrained.cones import Cones, spectrum
from jaxmath.constrained.matrices import is_sparse
from jaxmath.optimize.solution import Solution


class Problem(NamedTuple):
    """A problem in functions of x, any pytree; parts that are left out are absent.

    Attributes:
        objective: x to a number.
        equality: x to the pytree of numbers that shall be zero.
        inequality: x to the array of m numbers that have ends.
        lower, upper: the ends, m numbers or one, infinite or left out where there is none; if both
            are left out the numbers shall be at most zero.
        bounds: the pair of the ends of x itself, each shaped like x or a number.
        cones: where the numbers shall be once their signs are turned; they then have no ends.
    """

    objective: Callable[[Any], Any]
    equality: Callable[[Any], Any] | None = None
    inequality: Callable[[Any], Any] | None = None
    lower: Any = None
    upper: Any = None
    bounds: Any = None
    cones: Cones | None = None


class Residuals(NamedTuple):
    """How far the first-order conditions are from holding; all zero at an exact solution.

    Attributes:
        stationarity: the largest entry of the gradient of the Lagrangian.
        primal: the largest violation of a constraint; of cones by how much the least spectral value
            is below zero, which is the distance in the norm of the largest spectral value.
        dual: the largest multiplier that points at an end that is missing; of cones as above.
        complementarity: the largest product of a multiplier and the slack of its end; of cones the
            inner product.
        error: the largest of the four, each relative to one plus the size of the terms it sums.
    """

    stationarity: Any
    primal: Any
    dual: Any
    complementarity: Any
    error: Any


class Part(NamedTuple):
    """A block of constraints: its value, the ends of that, its multipliers and their pull on x."""

    value: Any
    lower: Any
    upper: Any
    multipliers: Any
    pull: Any

    def outside(self):
        """By how much each value is beyond its ends."""
        return jnp.maximum(jnp.maximum(self.lower - self.value, self.value - self.upper), 0)

    def astray(self):
        """The multipliers that point at ends which are missing."""
        end = jnp.where(self.multipliers > 0, self.upper, self.lower)
        return jnp.where(jnp.isfinite(end), 0, self.multipliers)

    def products(self):
        """Of multipliers and the slacks of their ends; what is outside counts as a violation."""
        above, below = self.upper - self.value, self.value - self.lower
        far = jnp.where(self.multipliers > 0, above, below)
        known = jnp.isfinite(far) & (self.multipliers != 0)
        return self.multipliers * jnp.where(known, jnp.maximum(far, 0), 0)


class ConePart(NamedTuple):
    """A block whose values are in cones once their signs are turned, and its multipliers are."""

    value: Any
    cones: Cones
    multipliers: Any
    pull: Any

    def outside(self):
        """By how much spectral values are below zero."""
        return jnp.maximum(-spectrum(self.cones, -self.value), 0)

    def astray(self):
        """The same of the multipliers."""
        return jnp.maximum(-spectrum(self.cones, self.multipliers), 0)

    def products(self):
        """The inner product."""
        return jnp.sum(self.multipliers * self.value)


def quadratic_problem(P, q, A=None, b=None, G=None, lower=None, upper=None, bounds=None) -> Problem:
    """The quadratic program that `solve_qp` and `pdhg` take, as a problem."""
    P, A, G = (part if is_sparse(part) or part is None else jnp.asarray(part) for part in (P, A, G))
    q = jnp.asarray(q)
    equality = None if A is None else (lambda x: A @ x - jnp.asarray(b))
    inequality = None if G is None else (lambda x: G @ x)
    lower = -jnp.inf if lower is None else lower

    def objective(x):
        return q @ x if P is None else x @ (P @ x) / 2 + q @ x

    return Problem(objective, equality, inequality, lower, upper, bounds)


def conic_problem(P, q, A=None, b=None, G=None, h=None, cones=None) -> Problem:
    """The conic program that `solve_cone` takes, as a problem."""
    problem = quadratic_problem(P, q, A, b)
    if G is None:
        return problem
    cones = Cones(len(jnp.asarray(h))) if cones is None else cones
    return problem._replace(inequality=lambda x: jnp.asarray(G) @ x - jnp.asarray(h), cones=cones)


def kkt_residuals(problem: Problem, solution: Solution) -> Residuals:
    """Judge a solution from outside.

    Args:
        problem: what was to be solved.
        solution: its point, and multipliers with the attributes `equality`, `inequality` and
            `bounds`, or those of the equalities alone.

    Returns:
        The residuals, in the units of the problem, and the largest relative one.
    """
    x, unravel = ravel_pytree(solution.x)
    given = solution.multipliers
    multipliers = given if hasattr(given, "equality") else _Only(given, None, None)

    def flat(function):
        return lambda x: ravel_pytree(function(unravel(x)))[0]

    gradient = jax.grad(lambda x: problem.objective(unravel(x)))(x)
    parts = []
    if problem.equality is not None:
        value, pull = jax.vjp(flat(problem.equality), x)
        y = ravel_pytree(multipliers.equality)[0]
        zero = jnp.zeros_like(value)
        parts.append(Part(value, zero, zero, y, pull(y)[0]))
    if problem.inequality is not None:
        value, pull = jax.vjp(flat(problem.inequality), x)
        z = ravel_pytree(multipliers.inequality)[0]
        if problem.cones is not None:
            parts.append(ConePart(value, problem.cones, z, pull(z)[0]))
        else:
            low, high = _ends(*ends_or_default(problem.lower, problem.upper), value)
            parts.append(Part(value, low, high, z, pull(z)[0]))
    if problem.bounds is not None:
        z = ravel_pytree(multipliers.bounds)[0]
        least, most = problem.bounds
        low, high = _ends(least, most, x)
        parts.append(Part(x, low, high, z, z))
    return residuals(gradient, parts)


class _Only(NamedTuple):
    equality: Any
    inequality: Any
    bounds: Any


def ends_or_default(lower, upper):
    """The ends of inequalities; g(x) <= 0 where none are given."""
    return (None, 0.0) if lower is None and upper is None else (lower, upper)


def complementarity(z, value, low, high):
    """Zero where z is zero between the ends, or the value at the end that z points at."""
    held = jnp.where(jnp.isfinite(high), jnp.maximum(z + value - high, 0), 0)
    held = held + jnp.where(jnp.isfinite(low), jnp.minimum(z + value - low, 0), 0)
    return jnp.where(low == high, value - low, z - held)


def _ends(lower, upper, like) -> tuple[Any, Any]:
    def end(value, otherwise):
        flat = ravel_pytree(otherwise if value is None else value)[0]
        return jnp.broadcast_to(flat.astype(like.dtype), like.shape)

    return end(lower, -jnp.inf), end(upper, jnp.inf)


def residuals(gradient, parts: list[Any], summed=()) -> Residuals:
    """What is left, given the gradient of the objective and each block of constraints.

    `summed` are terms that cancelled in the gradient, if they are to count as well.
    """

    def largest(values):
        """Of what is made of each part; NaN if any is."""
        found = [jnp.max(jnp.abs(value), initial=0) for value in values]
        return jnp.max(jnp.stack([jnp.zeros((), gradient.dtype), *found]))

    stationarity = largest([gradient + sum(part.pull for part in parts)])
    primal = largest(part.outside() for part in parts)
    dual = largest(part.astray() for part in parts)
    complementarity = largest(part.products() for part in parts)
    terms = largest([gradient, *summed, *(part.pull for part in parts)])
    size, price = largest(part.value for part in parts), largest(p.multipliers for p in parts)
    relative = (
        stationarity / (1 + terms),
        primal / (1 + size),
        dual / (1 + price),
        complementarity / (1 + size * price),
    )
    return Residuals(stationarity, primal, dual, complementarity, largest(relative))
