r"""Convex quadratic programs, and linear ones: many at once, differentiable, with certificates.

$$ \min_x \tfrac12 x^\top P x + q^\top x \quad\text{subject to}\quad
   A x = b, \quad l \le G x \le u, \quad x_l \le x \le x_u. $$

The Lagrangian is $\tfrac12 x^\top P x + q^\top x + y \cdot (A x - b) + z \cdot G x + \dots$, where
$z > 0$ says that the upper end holds x back, and $z < 0$ the lower one. As an end is raised the
optimal value changes by $-z$, and by $-y$ as b is: their shadow prices.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.custom_batching import custom_vmap

from jaxmath.constrained import interior_point, lanes
from jaxmath.constrained.arguments import dense, guess, read, vector
from jaxmath.constrained.kkt import complementarity
from jaxmath.constrained.program import (
    Program,
    Sides,
    bounded,
    columns,
    net,
    only,
    residuals,
    rows,
    sides,
    support,
    unscaled,
    violation,
)
from jaxmath.optimize.flat import TIGHT
from jaxmath.optimize.implicit import differentiable_if, implicit_root
from jaxmath.optimize.solution import Info, Kind, Solution, Status

SMALL = 24
"""Up to so many unknowns lanes are solved side by side; larger problems one after the other."""
TILE = 32
"""How many lanes go side by side: the slowest of a tile keeps the others waiting."""

APART = 100
"""By this factor a multiplier and its slack differ at least, or both may be zero."""


class Multipliers(NamedTuple):
    """Of the equalities, of the rows of G, and of the bounds."""

    equality: Any
    inequality: Any
    bounds: Any


class Certificate(NamedTuple):
    """Why a program has no solution; zeros where it has one, or where none was found.

    Attributes:
        direction: of an unbounded program, along which the objective falls and no constraint is in
            the way; its largest entry is one.
        multipliers: of an infeasible program, that sum its constraints to a contradiction: nothing
            is left of A'y + G'z + (those of the bounds), and the largest value that
            y . A x + z . G x + ... can take under the constraints is -1.
    """

    direction: Any
    multipliers: Multipliers


def solve_qp(
    P: Any,
    q: Any,
    A: Any = None,
    b: Any = None,
    G: Any = None,
    lower: Any = None,
    upper: Any = None,
    bounds: Any = None,
    *,
    start: Solution | None = None,
    tolerance: Any = None,
    max_iterations: Any = 100,
) -> Solution:
    """Minimise x'Px / 2 + q'x where A x = b, lower <= G x <= upper and bounds[0] <= x <= bounds[1].

    Args:
        P: an n by n positive semidefinite matrix, of which the symmetric part counts; zeros make a
            linear program.
        q: n numbers, whose dtype is that of the solve.
        A: p by n, the left side of equalities, whose rows may depend on each other.
        b: p numbers, their right side.
        G: m by n, whose products with x have ends.
        lower: m numbers or one for all; minus infinity, or left out, where there is no lower end.
        upper: the same of the upper ends. A row whose ends agree is an equality; in A it is solved
            more accurately.
        bounds: the pair of the ends of x, each n numbers or a scalar.
        start: the solution of a program like this one, of the same shapes, to begin near. It saves
            steps where little has changed; the answer and its derivatives do not depend on it.
        tolerance: the largest residual, relative to one plus the size of the terms that it sums;
            by default the dtype's spacing to the power 3/5: 4e-10 in float64, 7e-5 in float32.
        max_iterations: the number of steps after which to give up.

    Returns:
        A `Solution`: x, its `Multipliers`, and an `Info` that `describe` puts in words, with the
        `Certificate` of an infeasible or unbounded program. Under `vmap` each lane has its own.

    The point, its multipliers and `info.objective` can be differentiated in all the data, to any
    order and in both modes, by the implicit function theorem. It asks that `info.regular` holds:
    independent gradients of the constraints that hold x back, curvature along them, and no
    multiplier that is zero beside a slack that is zero; elsewhere the derivatives are NaN.

    Raises:
        ValueError: if the shapes do not fit each other, ends come without a G, or a matrix is
            sparse.
    """
    P, q, A, b, G, low, high, bounds = dense(read(P, q, A, b, G, lower, upper, bounds))
    if bounds is not None:
        low, high = jnp.append(low, bounds[0]), jnp.append(high, bounds[1])
    if tolerance is None:
        tolerance = jnp.finfo(q.dtype).eps ** TIGHT
    program = Program((P + P.T) / 2, q, A, b, G, low, high)
    begin = None
    if start is not None:
        begin = guess(start, program.q, program.b, program.G.shape[0])
        if bounded(program):
            most = vector("start.multipliers.bounds", start.multipliers.bounds, q.size, q.dtype, 0)
            begin = *begin[:2], jnp.append(begin[2], most)
        begin = jax.lax.stop_gradient(begin)
    return _solve(program, jnp.asarray(tolerance, q.dtype), jnp.asarray(max_iterations), begin)


@jax.jit
def _solve(program: Program, tolerance, max_iterations, guess) -> Solution:
    own = program.G.shape[0]

    def conditions(root):
        x, y, z = root
        left = program.P @ x + program.q + y @ program.A + columns(program, z)
        return (
            left,
            program.A @ x - program.b,
            complementarity(z, rows(program, x), program.lower, program.upper),
        )

    def search(root):
        fixed = jax.lax.stop_gradient(program)
        *root, info, certificate = _one(fixed, tolerance, max_iterations, guess)
        return tuple(root), (info, certificate)

    like = tuple(map(jnp.zeros_like, (program.q, program.b, program.lower)))
    root, (info, (direction, *proof)) = implicit_root(conditions, like, search)
    smooth = (info.status == Status.OPTIMAL) & info.regular
    x, y, z = (differentiable_if(value, smooth) for value in root)
    info = jax.lax.stop_gradient(info)._replace(
        objective=x @ program.P @ x / 2 + program.q @ x,
        certificate=Certificate(direction, Multipliers(proof[0], proof[1][:own], proof[1][own:])),
    )
    return Solution(x, Multipliers(y, z[:own], z[own:]), info)


def _found(program: Program, tolerance, max_iterations, guess):
    """Solve one program, or lanes of them: x, y, z, what is known of them, and certificates."""
    tolerance, max_iterations = tolerance[None], max_iterations[None]
    found, scale = interior_point.search(program, tolerance, max_iterations, guess)
    side, at = sides(program), unscaled(found.at, scale)
    status = jnp.where(
        convex(program.P) | (found.status == Status.NOT_FINITE), found.status, Status.NOT_CONVEX
    )
    z = net(at)
    left, terms = residuals(program, side, at)
    info = Info(
        status=status,
        kind=jnp.where(status == Status.OPTIMAL, Kind.GLOBAL, Kind.UNDECIDED),
        regular=_regular(program, side, at, z),
        iterations=found.iterations,
        objective=lanes.dot(at.x, terms.Px) / 2 + lanes.dot(program.q, at.x),
        stationarity=lanes.largest(left.dual),
        primal=jnp.maximum(lanes.largest(violation(side, terms.Cx)), lanes.largest(left.equality)),
        complementarity=lanes.largest(at.s * at.z),
        gap=found.judged.gap,
        error=found.judged.error,
        tolerance=jnp.broadcast_to(tolerance, status.shape),
    )
    ray, broken = found.ray * scale.columns, status == Status.INFEASIBLE
    size = lanes.largest(ray)
    ray = only(ray / jnp.where(size > 0, size, 1), status == Status.UNBOUNDED)
    most = support(program, side, at.y, z)
    size = jnp.where(most < 0, -most, 1)
    proof = (only(one / size, broken & (most < 0)) for one in (at.y, z))
    return at.x, at.y, z, jax.tree.map(lambda number: number[0], info), (ray, *proof)


def _positive(matrix, share):
    """Whether a symmetric matrix is positive definite, with so much of its diagonal to spare."""
    shifted = lanes.add_diagonal(matrix, -share * lanes.diagonal(matrix))
    return jnp.all(jnp.isfinite(lanes.factor(shifted)), axis=(0, 1))[None]


def convex(P):
    """Whether P has no negative eigenvalue that is more than rounding."""
    info = jnp.finfo(P.dtype)
    size = jnp.max(jnp.abs(P), axis=(0, 1), initial=0)[None]
    shift = jnp.maximum(1e-10, 10 * P.shape[0] * info.eps) * size + info.tiny
    return _positive(lanes.add_diagonal(P, shift), 0)


def _regular(program: Program, side: Sides, at, z):
    """Whether the solution is a smooth function of the data."""
    price = at.z / (1 + lanes.largest(z))
    room = at.s / (1 + lanes.largest(at.x))
    size, pushed = len(side.equal), side.there & (price > room)
    held = side.equal | pushed[:size] | pushed[size:]
    # Where neither is much smaller both may be zero: their product alone is known to be.
    apart = jnp.maximum(price, room) >= APART * jnp.minimum(price, room)
    clear = lanes.every(apart | ~side.there)
    own = program.G.shape[0]
    weights = held.astype(program.q.dtype)
    matrix = program.P + lanes.gram(program.G, weights[:own])
    if program.A.shape[0]:
        matrix = matrix + lanes.gram(program.A, jnp.ones_like(program.b))
    if bounded(program):
        matrix = lanes.add_diagonal(matrix, weights[own:])
    share = 100 * program.q.shape[0] * jnp.finfo(program.q.dtype).eps
    return clear & _positive(matrix, share) & _independent(program, weights, share)


def _independent(program: Program, weights, share):
    """Whether the gradients of the constraints that hold x back are independent."""
    own = program.G.shape[0]
    active = [program.A, program.G * weights[:own, None]]
    if bounded(program):
        active.append(lanes.add_diagonal(jnp.zeros_like(program.P), weights[own:]))
    active = jnp.concatenate(active)
    gram = lanes.outer(active, active)
    empty = jnp.concatenate([jnp.ones_like(program.b) > 1, weights == 0])
    return _positive(lanes.add_diagonal(gram, empty.astype(gram.dtype)), share)


@custom_vmap
def _one(program, tolerance, max_iterations, guess):
    return _found(program, tolerance, max_iterations, guess)


@_one.def_vmap
def _lanes(size, batched, *args):
    found = _many(*broadcast(size, batched, args))
    return found, jax.tree.map(lambda _: True, found)


def broadcast(size, batched, args):
    """The arguments of a rule for lanes, all with lanes along their first axis."""
    return jax.tree.map(
        lambda own, array: array if own else jnp.broadcast_to(array, (size, *array.shape)),
        tuple(batched),
        args,
    )


@custom_vmap
def _many(program, tolerance, max_iterations, guess):
    """Lanes along the first axis: small problems in tiles, larger ones one after the other."""
    args = (program, tolerance, max_iterations, guess)
    if program.q.shape[1] > SMALL:
        return jax.lax.map(lambda one: _found(*one), args)
    count = program.q.shape[0]
    tile = min(TILE, count)
    tiles = -(-count // tile)
    pad = tiles * tile - count

    def tiled(array):
        array = jnp.concatenate([array, jnp.broadcast_to(array[:1], (pad, *array.shape[1:]))])
        return jnp.moveaxis(array.reshape(tiles, tile, *array.shape[1:]), 1, -1)

    def whole(array):
        array = jnp.moveaxis(array, -1, 1)
        return array.reshape(tiles * tile, *array.shape[2:])[:count]

    found = jax.lax.map(lambda one: _found(*one), jax.tree.map(tiled, args))
    return jax.tree.map(whole, found)


@_many.def_vmap
def _more(size, batched, *args):
    args = broadcast(size, batched, args)
    flat = jax.tree.map(lambda a: a.reshape(size * a.shape[1], *a.shape[2:]), args)
    found = jax.tree.map(lambda a: a.reshape(size, len(a) // size, *a.shape[1:]), _many(*flat))
    return found, jax.tree.map(lambda _: True, found)
