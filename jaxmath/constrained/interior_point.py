r"""A primal-dual interior-point method for convex quadratic programs.

Each step is Newton's on the conditions of `program` with the products of slacks and multipliers
set to a falling mu, predicted first and then corrected (Mehrotra 1992). The multipliers get a
small compliance delta, and P a small rho, as in the proximal method of multipliers (Schwan, Jiang,
Kuhn and Jones 2023): dependent rows, free variables and P = 0 then need nothing of their own.
Steps are refined until the compliance of the factors is no longer seen.

An objective that falls without end says nothing of the constraints: a lane that finds such a ray
goes on without its objective, until there is a feasible point or a contradiction.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxmath.constrained import lanes
from jaxmath.constrained.certificates import contradictory, falls, possible
from jaxmath.constrained.lanes import dot, times, transposed_times
from jaxmath.constrained.program import (
    Iterate,
    Judged,
    Program,
    Residuals,
    Scale,
    Sides,
    bounded,
    columns,
    judge,
    net,
    only,
    residuals,
    rows,
    scaled,
    sides,
)
from jaxmath.optimize.solution import Status

RUNNING = -1


class Found(NamedTuple):
    """What the loop carries."""

    at: Iterate
    status: Any
    iterations: Any
    judged: Judged
    ray: Any  # along which the objective falls without end; zero as long as none is known


class System(NamedTuple):
    """Factors of the matrix of a step."""

    program: Program
    factor: Any
    cross: Any
    schur: Any
    weights: Any
    compliance: Any
    rho: Any
    delta: Any

    def once(self, r1, ry, rz):
        """Solve P dx + A'dy + C'dz = r1, A dx = ry, C dx - compliance dz = rz, roughly."""
        program = self.program
        dx = lanes.solve(self.factor, r1 + columns(program, self.weights * rz))
        dy = ry
        if program.A.shape[0]:
            dy = lanes.solve(self.schur, times(program.A, dx) - ry)
            dx = dx - transposed_times(self.cross, dy)
        return dx, dy, self.weights * (rows(program, dx) - rz)

    def solve(self, r1, ry, rz):
        """The same, refined once."""
        program = self.program
        dx, dy, dz = first = self.once(r1, ry, rz)
        left = r1 - times(program.P, dx) - self.rho * dx
        left = left - transposed_times(program.A, dy) - columns(program, dz)
        ey = ry - times(program.A, dx) + self.delta * dy
        ez = only(rz - rows(program, dx) + self.compliance * dz, self.weights > 0)
        return jax.tree.map(jnp.add, first, self.once(left, ey, ez))


def _factor(matrix):
    """Cholesky's, with as much added to the diagonal, relative to it, as it takes."""
    eps, size = jnp.finfo(matrix.dtype).eps, lanes.diagonal(matrix)
    first = lanes.factor(lanes.add_diagonal(matrix, 2 * eps * size))
    sound = jnp.isfinite(first[-1:, -1:])

    def more(_):
        return jnp.where(sound, first, lanes.factor(lanes.add_diagonal(matrix, eps**0.8 * size)))

    return jax.lax.cond(jnp.all(sound), lambda _: first, more, None)


def system(program: Program, weights, rho, delta) -> System:
    """Factor P + rho + C'WC, and the Schur complement of the equalities."""
    own = program.G.shape[0]
    matrix = program.P + lanes.gram(program.G, weights[:own])
    extra = weights[own:] if bounded(program) else 0
    factor = _factor(lanes.add_diagonal(matrix, extra + rho))
    cross = schur = None
    if program.A.shape[0]:
        cross = lanes.solve_rows(factor, program.A)
        schur = _factor(lanes.add_diagonal(lanes.outer(cross, program.A), delta))
    some = weights > 0
    compliance = only(1 / jnp.where(some, weights, 1), some)
    return System(program, factor, cross, schur, weights, compliance, rho, delta)


def _kept(side: Sides, a, b):
    """Values of lower and of upper ends, zero where there is none."""
    return only(a, side.below), only(b, side.above)


def start(program: Program, side: Sides) -> Iterate:
    """The least change from the ends nearest to zero, moved inside (Mehrotra 1992)."""
    one = jnp.ones_like(program.q[:1])
    low = jnp.where(side.below, program.lower, -jnp.inf)
    high = jnp.where(side.above, program.upper, jnp.inf)
    target = jnp.where(side.equal, side.lower, jnp.clip(0, low, high))
    some = (side.below | side.above).astype(program.q.dtype)
    solver = system(program, jnp.where(side.equal, 1e4, some), 1e-8 * one, 1e-4 * one)
    x, y, z = solver.once(-program.q, program.b, target)
    Cx = rows(program, x)
    slacks = _kept(side, Cx - side.lower, side.upper - Cx)
    multipliers = _kept(side, jnp.maximum(-z, 0), jnp.maximum(z, 0))

    def moved(pair, step):
        return _kept(side, pair[0] + step, pair[1] + step)

    def inside(pair):
        ends = jnp.where(side.below, pair[0], 0), jnp.where(side.above, pair[1], 0)
        least = jnp.minimum(lanes.least(jnp.minimum(*ends)), 0)
        return moved(pair, 1e-2 - 1.5 * least)

    def total(pair):
        found = lanes.total(pair[0] + pair[1])
        return jnp.where(found > 0, found, 1)

    slacks, multipliers = inside(slacks), inside(multipliers)
    product = sum(dot(a, b) for a, b in zip(slacks, multipliers, strict=True)) / 2
    further = product / total(multipliers), product / total(slacks)
    (s, t), (v, w) = moved(slacks, further[0]), moved(multipliers, further[1])
    return Iterate(x, y, v, jnp.where(side.equal, z, w), s, t)


def anywhere(program: Program, side: Sides) -> Iterate:
    """A start that knows nothing of the objective."""
    x, y, ones = jnp.zeros_like(program.q), jnp.zeros_like(program.b), jnp.ones_like(side.lower)
    s, t = _kept(side, jnp.maximum(-side.lower, ones), jnp.maximum(side.upper, ones))
    return Iterate(x, y, *_kept(side, ones, ones), s, t)


def length(v, dv):
    """How far along dv the entries stay positive."""
    falling = dv < 0
    share = jnp.where(falling, -v / jnp.where(falling, dv, -1), jnp.inf)
    return lanes.least(share)


def reach(side: Sides, at: Iterate, step: Iterate):
    """How far a step stays inside."""
    inner = jnp.minimum(length(at.s, step.s), length(at.t, step.t))
    upper = length(only(at.w, ~side.equal), only(step.w, ~side.equal))
    return jnp.minimum(inner, jnp.minimum(length(at.v, step.v), upper))


def direction(
    solver: System, side: Sides, at: Iterate, left: Residuals, products, *, refined: bool
):
    """Newton's step to s v = t w = 0 less what the products, of now or ahead, are known to be."""
    delta = solver.delta
    ds = jnp.where(side.below, at.s + delta * at.v, 1)
    dt = jnp.where(side.above, at.t + delta * at.w, 1)
    a, c = _kept(
        side, (products[0] + at.v * left.below) / ds, (products[1] + at.w * left.above) / dt
    )
    right = only((c - a) * solver.compliance, solver.weights > 0)
    right = jnp.where(side.equal, -left.rows, right)
    solve = solver.solve if refined else solver.once
    dx, dy, dz = solve(-left.dual, -left.equality, right)
    move = rows(solver.program, dx)
    dv, dw = _kept(side, -a - at.v / ds * move, -c + at.w / dt * move)
    ds, dt = _kept(side, move + left.below + delta * dv, -move + left.above + delta * dw)
    return Iterate(dx, dy, dv, jnp.where(side.equal, dz, dw), ds, dt)


def step(program: Program, side: Sides, at: Iterate, left: Residuals, count):
    """Predict, then correct; the step, and the share of it that stays inside."""
    eps = jnp.finfo(program.q.dtype).eps

    def complementarity(at):
        return (dot(at.s, at.v) + dot(at.t, only(at.w, ~side.equal))) / count

    mu = complementarity(at)
    rho = delta = jnp.clip(mu * 1e-2, eps**0.625, eps**0.5)
    low = at.v / jnp.where(side.below, at.s + delta * at.v, 1)
    high = at.w / jnp.where(side.above, at.t + delta * at.w, 1)
    weights = jnp.where(side.equal, 1 / delta, sum(_kept(side, low, high)))
    solver = system(program, weights, rho, delta)
    products = at.s * at.v, at.t * at.w
    first = direction(solver, side, at, left, products, refined=False)
    share = jnp.minimum(1, reach(side, at, first))
    ahead = complementarity(jax.tree.map(lambda v, dv: v + share * dv, at, first))
    centre = jnp.clip((ahead / jnp.where(mu > 0, mu, 1)) ** 3, 0, 1) * mu
    bend = share
    products = _kept(
        side,
        products[0] + bend * first.s * first.v - centre,
        products[1] + bend * first.t * first.w - centre,
    )
    second = direction(solver, side, at, left, products, refined=True)
    return second, jnp.minimum(1, reach(side, at, second) * jnp.maximum(0.99, 1 - mu))


def _known(program: Program):
    """Whether no number is NaN, and none but the ends infinite."""
    lanes_at = program.q.ndim - 1

    def all_of(array):
        return jnp.all(array, axis=tuple(range(array.ndim - lanes_at)))[None]

    ends = ~(jnp.isnan(program.lower) | jnp.isnan(program.upper))
    known = [all_of(jnp.isfinite(array)) for array in program[:5]]
    return jax.tree.reduce(jnp.logical_and, known, all_of(ends))


def search(given: Program, tolerance, max_iterations) -> tuple[Found, Scale]:
    """Step until there is a status; what is found is of the scaled program."""
    program, scale = scaled(given)
    side = sides(program)
    count = jnp.maximum(lanes.total(side.below) + lanes.total(side.above), 1)
    lower, upper = program.lower, program.upper
    empty = ~lanes.every((lower <= upper) & (lower < jnp.inf) & (upper > -jnp.inf))
    known = _known(program)

    def repeat(found: Found) -> Found:
        at = found.at
        astray = ~lanes.every(found.ray == 0)  # and the objective counts no more
        goal = program._replace(P=only(program.P, ~astray[None]), q=only(program.q, ~astray))
        left, terms = residuals(goal, side, at)
        judged = judge(goal, side, scale, at, (left, terms))
        move, share = step(goal, side, at, left, count)

        def first_of(proves, *candidates):
            """Whether either proves something, and the one that does."""
            good = [proves(*candidate) for candidate in candidates]
            some = jax.tree.map(lambda a, b: jnp.where(good[0], a, only(b, good[1])), *candidates)
            return good[0] | good[1], some

        ray, (away,) = first_of(lambda x: falls(goal, side, scale, x), (at.x,), (move.x,))
        contradiction, (y, z) = first_of(
            lambda y, z: contradictory(goal, side, scale, y, z),
            *((one.y, possible(side, net(one, side))) for one in (at, move)),
        )
        later, running = found.iterations > 0, found.status == RUNNING
        status = jnp.where(found.iterations >= max_iterations, Status.ITERATION_LIMIT, RUNNING)
        status = jnp.where(lanes.every(jnp.isfinite(move.x)), status, Status.STALLED)
        refuted = later & contradiction
        status = jnp.where(refuted | empty, Status.INFEASIBLE, status)
        solved = judged.error <= tolerance
        status = jnp.where(solved, jnp.where(astray, Status.UNBOUNDED, Status.OPTIMAL), status)
        status = jnp.where(running, jnp.where(known, status, Status.NOT_FINITE), found.status)
        leaves = later & ray & (status == RUNNING)
        moved = jax.tree.map(lambda v, dv: v + share * dv, at, move)
        proof = at._replace(y=y, v=only(-z, z < 0), w=jnp.where(side.equal, z, only(z, z > 0)))

        def choose(was, moved, proof, again):
            value = jnp.where(status == RUNNING, moved, was)
            value = jnp.where(running & refuted & (status == Status.INFEASIBLE), proof, value)
            return jnp.where(leaves, again, value)

        return Found(
            jax.tree.map(choose, at, moved, proof, anywhere(program, side)),
            status,
            found.iterations + (status == RUNNING),
            jax.tree.map(lambda new, old: jnp.where(running, new, old), judged, found.judged),
            jnp.where(leaves, away, found.ray),
        )

    zero = jnp.zeros_like(program.q[:1])
    none = jnp.zeros(zero.shape, jnp.int32)
    judged, ray = Judged(zero, zero, zero), jnp.zeros_like(program.q)
    found = Found(start(program, side), none + RUNNING, none, judged, ray)
    found = jax.lax.while_loop(lambda found: jnp.any(found.status == RUNNING), repeat, found)
    return found, scale
