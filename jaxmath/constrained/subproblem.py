r"""The quadratic program of a step: convex, and feasible whatever the constraints say.

$$ \min_{d,\,t} \; \nabla f \cdot d + \tfrac12 d^\top B d + \nu t \quad\text{subject to}\quad
   l \le c + A d + t r \le u, \quad 0 \le t \le 1, $$

where $r$ moves c between its ends: the violation is removed but for a share t, which is zero where
constraints allow it and the price $\nu$ is high enough (Powell 1978, section 4; Nocedal and Wright
2006, eq. 18.12, relax each row by itself). B is the Hessian of the Lagrangian W where W is positive
definite, and otherwise differs from it across the working set alone: the step is then the same,
wherever the curvature along the working set is positive (Nocedal and Wright, section 18.3).
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxmath.constrained import interior_point, lanes
from jaxmath.constrained.active import split
from jaxmath.constrained.program import (
    Iterate,
    Program,
    judge,
    net,
    residuals,
    scaled,
    sides,
    unscaled,
)
from jaxmath.constrained.scaled import astray
from jaxmath.optimize.flat import choose, largest

LIMIT = 50
"""Steps of the interior point method; it needs ten to twenty."""


class Model(NamedTuple):
    """What a step is made of; the first p rows are equalities."""

    hessian: Any
    slope: Any
    jacobian: Any
    values: Any  # of the rows
    low: Any
    high: Any
    bounds: tuple  # of d
    p: int


class Move(NamedTuple):
    """A step, the multipliers of rows and bounds, and which of them hold it back."""

    d: Any
    y: Any
    zb: Any
    share: Any  # of the violation that stays
    held: Any  # rows, then bounds


def solve(model: Model, price) -> Move:
    """The step."""
    n, p, dtype = model.slope.size, model.p, model.slope.dtype
    room = -astray(model.values, model.low, model.high)
    matrix = jnp.append(model.jacobian, room[:, None], 1)
    square = jnp.zeros((n + 1, n + 1), dtype).at[:n, :n].set(model.hessian)
    low, high = ((end - model.values)[p:] for end in (model.low, model.high))
    program = Program(
        square,
        jnp.append(model.slope, price),
        matrix[:p],
        (model.low - model.values)[:p],
        matrix[p:],
        jnp.concatenate([low, model.bounds[0], jnp.zeros(1, dtype)]),
        jnp.concatenate([high, model.bounds[1], jnp.ones(1, dtype)]),
    )
    at, pushed = _minimum(program)
    z = net(at)
    held = jnp.append(jnp.ones(p, bool), pushed[:-1])
    rows = model.values.size - p
    return Move(at.x[:n], jnp.append(at.y, z[:rows]), z[rows:-1], at.x[n], held)


def _minimum(given: Program) -> tuple[Iterate, Any]:
    """The best iterate of `interior_point`, and the rows that hold it back; there is a solution."""
    program, scale = scaled(given)
    side, eps = sides(program), jnp.finfo(given.q.dtype).eps
    count = jnp.maximum(lanes.total(side.there), 1)
    tolerance, least, most = eps**0.75, 2 * eps, interior_point.safe(given.q.dtype)

    def repeat(now):
        at, best, least_error, last, steps, shift, _ = now
        left, terms = residuals(program, side, at)
        found = judge(program, side, scale, at, (left, terms))
        better = found.error[0] < least_error
        best = choose(better, at, best)
        sharp = (found.sharp <= tolerance) | (found.sharp > 0.9 * last)
        solved = ((found.error <= tolerance) & sharp)[0]
        move, share = interior_point.step(program, side, at, left, count, shift)
        sound = jnp.all(jnp.isfinite(move.x))
        at = jax.tree.map(lambda v, dv: jnp.where(sound, v + share * dv, v), at, move)
        over = solved | (steps >= LIMIT) | ~(sound | (shift[0] < most))
        error = jnp.minimum(found.error[0], least_error)
        shift = jnp.where(sound, shift, most)
        return at, best, error, found.sharp, steps + 1, shift, over

    at, one = interior_point.start(program, side), jnp.ones(1, given.q.dtype)
    first = at, at, jnp.inf * one[0], jnp.inf * one, jnp.asarray(0), least * one, jnp.asarray(False)
    _, best, *_ = jax.lax.while_loop(lambda now: ~now[-1], repeat, first)
    # Of a row that holds the step back the multiplier is not small, and the slack is.
    pushed = side.there & (best.z / (1 + largest(best.z)) > best.s / (1 + largest(best.x)))
    size = len(side.equal)
    return unscaled(best, scale), side.equal | pushed[:size] | pushed[size:]


def convexified(hessian, rows, held):
    """The Hessian, made positive definite: along the working set by sizes, across it by adding.

    Args:
        hessian: n by n.
        rows: normalised gradients of the constraints.
        held: which of them are in the working set.
    """
    basis, across, inside = split(hessian, rows, held)
    root = jnp.sqrt(jnp.finfo(hessian.dtype).eps)
    floor, weights = root * largest(inside), across.astype(hessian.dtype)
    own, free = across[:, None] & across[None], ~across[:, None] & ~across[None]
    values, vectors = jnp.linalg.eigh(jnp.where(free, inside, 0) + jnp.diag(weights))
    values = jnp.maximum(jnp.abs(values), floor)
    inverse = jnp.where(free, (vectors / jnp.where(values > 0, values, 1)[None]) @ vectors.T, 0)
    mixed = jnp.where(across[:, None] & ~across[None], inside, 0)
    rest = jnp.where(own, inside, 0) - mixed @ inverse @ mixed.T
    sizes = jnp.linalg.eigvalsh(rest + jnp.diag(jnp.where(across, 0, largest(rest))))
    extra = jnp.where(sizes[0] > floor, 0, largest(sizes) - sizes[0] + floor)
    along = jnp.where(free, (vectors * values[None]) @ vectors.T, inside)
    found = basis @ (along + jnp.diag(extra * weights)) @ basis.T
    return (found + found.T) / 2
