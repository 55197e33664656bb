r"""Conic programs with a convex quadratic objective: second-order and semidefinite ones among them.

$$ \min_x \tfrac12 x^\top P x + q^\top x \quad\text{subject to}\quad A x = b, \quad
   h - G x \in K, $$

where K is a product of non-negative numbers, second-order cones and positive semidefinite matrices.
The Lagrangian is $\tfrac12 x^\top P x + q^\top x + y \cdot (A x - b) + z \cdot (G x - h)$ with z in
K as well. As b or h is raised the optimal value changes by $-y$ and $-z$, their shadow prices.

What `embedding` finds is refined by Newton's method on the conditions

$$ P x + q + A^\top y + G^\top z = 0, \quad A x = b, \quad s = \Pi_K(s - z), \quad s = h - G x, $$

which hold at a solution and only there (Moreau 1962; Busseti, Moursi and Boyd 2019). The solution
is differentiated by them as well (Agrawal, Barratt, Boyd, Busseti and Moursi 2019).
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jax.custom_batching import custom_vmap

from jaxmath.constrained import embedding
from jaxmath.constrained.arguments import dense, read, vector
from jaxmath.constrained.cones import Cones, project, spectrum
from jaxmath.constrained.conic_program import Root, conic, judge, unscaled
from jaxmath.constrained.program import Program, only
from jaxmath.constrained.quadratic import (
    Certificate,
    Multipliers,
    broadcast,
    convex,
)
from jaxmath.optimize.flat import TIGHT, all_finite, choose, largest
from jaxmath.optimize.implicit import differentiable_if, implicit_root, solve_or_nan
from jaxmath.optimize.minimum import RUNNING
from jaxmath.optimize.solution import Info, Kind, Solution, Status

REFINEMENTS = 4
"""So many of Newton's steps at most: from a solution to half of its digits two are enough."""
APART = 10
"""By this factor the spectral values of s - z exceed the root of the error, or may be zero."""


def solve_cone(
    P: Any,
    q: Any,
    A: Any = None,
    b: Any = None,
    G: Any = None,
    h: Any = None,
    cones: Cones | None = None,
    *,
    tolerance: Any = None,
    max_iterations: Any = 100,
) -> Solution:
    """Minimise x'Px / 2 + q'x where A x = b and h - G x is in a product of cones.

    Args:
        P: an n by n positive semidefinite matrix, of which the symmetric part counts; zeros make a
            linear objective.
        q: n numbers, whose dtype is that of the solve.
        A: p by n, the left side of equalities, whose rows may depend on each other.
        b: p numbers, their right side.
        G: m by n. Of the rows that are one semidefinite cone's each column is the `svec` of a
            symmetric matrix.
        h: m finite numbers.
        cones: what the m rows are, in this order: so many non-negative numbers, second-order cones
            that begin with the height, semidefinite cones. By default all are non-negative.
        tolerance: the largest residual, relative to one plus the size of the terms that it sums;
            by default the dtype's spacing to the power 3/5: 4e-10 in float64, 7e-5 in float32.
        max_iterations: the number of steps after which to give up.

    Returns:
        A `Solution`: x, its `Multipliers` of equalities and (as `inequality`) of the cones, and an
        `Info` that `describe` puts in words, with the `Certificate` of an infeasible or unbounded
        program. Under `vmap` each lane has its own. `kkt_residuals` of `conic_problem` judges it.

    The point, its multipliers and `info.objective` can be differentiated in all the data, in both
    modes, by the implicit function theorem; a second time where no eigenvalues of a semidefinite
    slack or multiplier agree. It asks that `info.regular` holds: one solution with one set of
    multipliers, whose sum with the slacks is inside the cones; elsewhere the derivatives are NaN.

    Raises:
        ValueError: if the shapes do not fit each other.
    """
    if (G is None) != (h is None):
        raise ValueError("Cones of h - G x need both G and h.")
    P, q, A, b, G, *_ = dense(read(P, q, A, b, G, None, None, None))
    dtype = q.dtype
    cones = Cones(G.shape[0]) if cones is None else Cones(*cones)
    if cones.size != G.shape[0] or min((0, *cones.second_order, *cones.semidefinite)) < 0:
        raise ValueError(f"{cones} has {cones.size} rows, and G has {G.shape[0]}.")
    h = vector("h", h, G.shape[0], dtype, 0)
    if tolerance is None:
        tolerance = jnp.finfo(dtype).eps ** TIGHT
    program = conic((P + P.T) / 2, q, A, b, G, h)
    return _solve(program, cones, jnp.asarray(tolerance, dtype), jnp.asarray(max_iterations))


def _conditions(program: Program, cones: Cones, root):
    """Zero at a solution."""
    x, y, z = root
    s = program.upper - program.G @ x
    return (
        program.P @ x + program.q + y @ program.A + z @ program.G,
        program.A @ x - program.b,
        s - project(cones, s - z),
    )


@functools.partial(jax.jit, static_argnames="cones")
def _solve(program: Program, cones: Cones, tolerance, max_iterations) -> Solution:
    def search(_):
        fixed = jax.lax.stop_gradient(program)
        root, info, certificate = _lanes(cones)(fixed, tolerance, max_iterations)
        return tuple(root), (info, certificate)

    guess = tuple(map(jnp.zeros_like, (program.q, program.b, program.upper)))
    conditions = functools.partial(_conditions, program, cones)
    root, (info, certificate) = implicit_root(conditions, guess, search)
    smooth = (info.status == Status.OPTIMAL) & info.regular
    x, y, z = (differentiable_if(value, smooth) for value in root)
    info = jax.lax.stop_gradient(info)._replace(
        objective=x @ program.P @ x / 2 + program.q @ x, certificate=certificate
    )
    return Solution(x, Multipliers(y, z, None), info)


def _lanes(cones: Cones):
    """The search, which takes lanes one after the other, for the reason of `one_by_one`."""

    @custom_vmap
    def one(*args):
        return _found(cones, *args)

    @one.def_vmap
    def _(size, batched, *args):
        found = jax.lax.map(lambda lane: one(*lane), broadcast(size, batched, args))
        return found, jax.tree.map(lambda _: True, found)

    return one


def _found(cones: Cones, given: Program, tolerance, max_iterations):
    """Search, refine, judge: the root, what is known of it, and certificates."""
    known = all_finite(*given)
    sound = jnp.where(convex(given.P)[0], RUNNING, Status.NOT_CONVEX)
    sound = jnp.where(known, sound, Status.NOT_FINITE)
    found, program, scale = embedding.search(given, cones, sound, tolerance, max_iterations)
    status, unbounded = found.status, jnp.any(found.ray != 0)
    wanted = given._replace(P=only(given.P, ~unbounded), q=only(given.q, ~unbounded))
    goal = program._replace(P=only(program.P, ~unbounded), q=only(program.q, ~unbounded))
    root, judged, regular = _refined(goal, wanted, cones, found.best, scale)
    left = judged.left
    # What cancels in the gradient excuses it only where no step makes it smaller.
    ended = (status == Status.STALLED) | (status == Status.ITERATION_LIMIT)
    solved = ended & (judged.loose <= tolerance)
    error = jnp.where(solved, judged.loose, judged.error)
    status = jnp.where(solved, jnp.where(unbounded, Status.UNBOUNDED, Status.OPTIMAL), status)
    info = Info(
        status=status,
        kind=jnp.where(status == Status.OPTIMAL, Kind.GLOBAL, Kind.UNDECIDED),
        regular=regular & _clear(given, cones, root, error),
        iterations=found.iterations,
        objective=root.x @ given.P @ root.x / 2 + given.q @ root.x,
        stationarity=left.stationarity,
        primal=left.primal,
        error=error,
        tolerance=tolerance,
        complementarity=left.complementarity,
        gap=judged.gap,
    )
    away = only(found.ray, status == Status.UNBOUNDED)
    size = largest(away)
    direction = away / jnp.where(size > 0, size, 1)
    most = -(given.b @ found.proof.y + given.upper @ found.proof.z)
    size = jnp.where(most > 0, most, 1)
    proof = Multipliers(found.proof.y / size, found.proof.z / size, None)
    return root, info, Certificate(direction, proof)


def _refined(program: Program, given: Program, cones: Cones, root: Root, scale):
    """Newton's steps as long as they lower the error.

    Returns:
        The root of the given program, how it is judged, and whether the equations were regular.
    """
    conditions = functools.partial(_conditions, program, cones)

    def step(state):
        count, here, best, judged, regular, _ = state
        there = judge(given, cones, unscaled(here, scale))
        better = there.error < judged.error
        left, linear = jax.linearize(conditions, tuple(here))
        move = solve_or_nan(linear, tuple(-part for part in left))
        regular = jnp.where(better, all_finite(*move), regular)
        best, judged = choose(better, (here, there), (best, judged))
        moved = Root(*(old + new for old, new in zip(here, move, strict=True)))
        return count + 1, moved, best, judged, regular, better

    def more(state):
        count, *_, regular, better = state
        return (count <= REFINEMENTS) & regular & better

    none = jax.eval_shape(lambda root: judge(given, cones, unscaled(root, scale)), root)
    none = jax.tree.map(lambda leaf: jnp.full(leaf.shape, jnp.inf, leaf.dtype), none)
    yes = jnp.asarray(True)
    _, _, root, judged, regular, _ = jax.lax.while_loop(
        more, step, (jnp.asarray(0), root, root, none, yes, yes)
    )
    return unscaled(root, scale), judged, regular


def _clear(program: Program, cones: Cones, root: Root, error):
    """Whether the projection is smooth at s - z: none of the spectral values there is zero."""
    s = program.upper - program.G @ root.x
    values = spectrum(cones, s - root.z)
    size = 1 + jnp.where(values > 0, largest(s), largest(root.z))
    least = APART * jnp.sqrt(jnp.maximum(error, jnp.finfo(error.dtype).eps))
    return jnp.all(jnp.abs(values) > least * size)
