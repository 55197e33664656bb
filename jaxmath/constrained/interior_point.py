r"""A primal-dual interior-point method for convex quadratic programs.

Each step is Newton's on the conditions of `program` with the products of slacks and multipliers
set to a falling mu, predicted first and then corrected (Mehrotra 1992). The multipliers get a
small compliance delta, and P a small rho, as in the proximal method of multipliers (Schwan, Jiang,
Kuhn and Jones 2023): dependent rows, free variables and P = 0 then need nothing of their own.
Steps are refined, so that the compliance of the factors is not seen.

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
    both,
    bounded,
    columns,
    joined,
    judge,
    net,
    only,
    residuals,
    rows,
    scaled,
    sides,
)
from jaxmath.optimize.flat import choose
from jaxmath.optimize.minimum import RUNNING
from jaxmath.optimize.solution import Status

PATIENCE = 8
"""After so many steps proofs are looked for that there is no solution: most are found by then."""
FEW = 64
"""Up to so many unknowns a step is refined once."""
WARM = 0.999
"""The share of a guess in the point to start at; the rest keeps it away from the ends."""


def safe(dtype):
    """What is added to a diagonal, relative to it, where rounding made a matrix indefinite."""
    return jnp.finfo(dtype).eps ** 0.8


class Found(NamedTuple):
    """What the loop carries."""

    at: Iterate
    status: Any
    iterations: Any
    judged: Judged
    ray: Any  # along which the objective falls without end; zero as long as none is known
    shift: Any  # added to the diagonals that are factored, relative to them


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
        """The same, refined: once, and of large matrices, whose factors cost much more, twice."""
        program, found = self.program, self.once(r1, ry, rz)
        for _ in range(1 if len(r1) <= FEW else 2):
            dx, dy, dz = found
            left = r1 - times(program.P, dx) - self.rho * dx
            left = left - transposed_times(program.A, dy) - columns(program, dz)
            ey = ry - times(program.A, dx) + self.delta * dy
            ez = only(rz - rows(program, dx) + self.compliance * dz, self.weights > 0)
            found = jax.tree.map(jnp.add, found, self.once(left, ey, ez))
        return found


def system(program: Program, weights, rho, delta, shift) -> System:
    """Factor P + rho + C'WC, and the Schur complement of the equalities."""

    def factored(matrix, more):
        matrix = lanes.add_diagonal(matrix, more)
        return lanes.factor(lanes.add_diagonal(matrix, shift * lanes.diagonal(matrix)))

    own = program.G.shape[0]
    matrix = program.P + lanes.gram(program.G, weights[:own])
    extra = weights[own:] if bounded(program) else 0
    factor = factored(matrix, extra + rho)
    cross = schur = None
    if program.A.shape[0]:
        cross = lanes.solve_rows(factor, program.A)
        schur = factored(lanes.outer(cross, program.A), delta)
    some = weights > 0
    compliance = only(1 / jnp.where(some, weights, 1), some)
    return System(program, factor, cross, schur, weights, compliance, rho, delta)


def start(program: Program, side: Sides) -> Iterate:
    """The least change from the ends nearest to zero, moved inside (Mehrotra 1992)."""
    one = jnp.ones_like(program.q[:1])
    target = jnp.clip(0, program.lower, program.upper)
    size = len(side.equal)
    some = (side.some[:size] | side.some[size:]).astype(program.q.dtype)
    weights = jnp.where(side.equal, 1e4, some)
    shift = safe(program.q.dtype) * one
    solver = system(program, weights, 1e-8 * one, 1e-4 * one, shift)
    x, y, z = solver.once(-program.q, program.b, only(target, some > 0))

    def inside(ends):
        return only(ends + 1e-2 - 1.5 * jnp.minimum(lanes.least(ends), 0), side.there)

    def total(ends):
        found = lanes.total(ends)
        return jnp.where(found > 0, found, 1)

    slacks = inside(only(side.ends - both(rows(program, x)), side.there))
    multipliers = inside(only(jnp.maximum(both(z), 0), side.there))
    product = dot(slacks, multipliers) / 2
    s = only(slacks + product / total(multipliers), side.there)
    return Iterate(
        x, y, only(z, side.equal), only(multipliers + product / total(slacks), side.there), s
    )


def nearby(program: Program, side: Sides, scale: Scale, guess, cold: Iterate) -> Iterate:
    """A start near a guess of the given program, a little inside (Skajaa, Andersen and Ye 2013)."""
    d, e, r, c = scale
    x, y, z = guess[0] / d, guess[1] * c / e, guess[2] * c / r
    slacks = only(jnp.maximum(side.ends - both(rows(program, x)), 0), side.there)
    multipliers = only(jnp.maximum(both(z), 0), side.there)
    warm = Iterate(x, y, only(z, side.equal), multipliers, slacks)
    known = jax.tree.reduce(
        jnp.logical_and, jax.tree.map(lambda part: lanes.every(jnp.isfinite(part)), warm)
    )
    share = jnp.where(known, WARM, 0)
    return jax.tree.map(lambda a, b: only(share * a, known) + (1 - share) * b, warm, cold)


def anywhere(program: Program, side: Sides) -> Iterate:
    """A start that knows nothing of the objective."""
    x, y, u = map(jnp.zeros_like, (program.q, program.b, program.lower))
    one = jnp.ones_like(side.ends)
    return Iterate(x, y, u, only(one, side.there), only(jnp.maximum(side.ends, one), side.there))


def reach(at: Iterate, step: Iterate):
    """How far a step stays inside: slacks and multipliers stay positive."""
    v, dv = jnp.concatenate([at.s, at.z]), jnp.concatenate([step.s, step.z])
    falling = dv < 0
    return lanes.least(jnp.where(falling, -v / jnp.where(falling, dv, -1), jnp.inf))


def direction(
    solver: System, side: Sides, at: Iterate, left: Residuals, products, *, refined: bool
):
    """Newton's step to s z = 0 less what the products, of now or ahead, are known to be."""
    delta = solver.delta
    slack = jnp.where(side.there, at.s + delta * at.z, 1)
    fixed = only((products + at.z * left.ends) / slack, side.there)
    right = only(joined(fixed) * solver.compliance, solver.weights > 0)
    right = jnp.where(side.equal, -left.rows, right)
    solve = solver.solve if refined else solver.once
    dx, dy, du = solve(-left.dual, -left.equality, right)
    move = both(rows(solver.program, dx))
    dz = only(at.z / slack * move - fixed, side.there)
    ds = only(left.ends + delta * dz - move, side.there)
    return Iterate(dx, dy, only(du, side.equal), dz, ds)


def step(program: Program, side: Sides, at: Iterate, left: Residuals, count, shift):
    """Predict, then correct; the step, and the share of it that stays inside."""
    eps, size = jnp.finfo(program.q.dtype).eps, len(side.equal)

    def complementarity(at):
        return dot(at.s, at.z) / count

    mu = complementarity(at)
    rho = delta = jnp.clip(mu * 1e-2, eps**0.625, eps**0.5)
    pull = only(at.z / jnp.where(side.there, at.s + delta * at.z, 1), side.there)
    weights = jnp.where(side.equal, 1 / delta, pull[:size] + pull[size:])
    solver = system(program, weights, rho, delta, shift)
    products = at.s * at.z
    first = direction(solver, side, at, left, products, refined=False)
    share = jnp.minimum(1, reach(at, first))
    ahead = complementarity(jax.tree.map(lambda v, dv: v + share * dv, at, first))
    centre = jnp.clip((ahead / jnp.where(mu > 0, mu, 1)) ** 3, 0, 1) * mu
    products = only(products + share * first.s * first.z - centre, side.there)
    second = direction(solver, side, at, left, products, refined=True)
    return second, jnp.minimum(1, reach(at, second) * jnp.maximum(0.99, 1 - mu))


def _known(program: Program):
    """Whether no number is NaN, and none but the ends infinite."""
    lanes_at = program.q.ndim - 1

    def all_of(array):
        return jnp.all(array, axis=tuple(range(array.ndim - lanes_at)))[None]

    ends = ~(jnp.isnan(program.lower) | jnp.isnan(program.upper))
    known = [all_of(jnp.isfinite(array)) for array in program[:5]]
    return jax.tree.reduce(jnp.logical_and, known, all_of(ends))


def search(given: Program, tolerance, max_iterations, guess=None) -> tuple[Found, Scale]:
    """Step until there is a status; what is found is of the scaled program."""
    program, scale = scaled(given)
    side = sides(program)
    count = jnp.maximum(lanes.total(side.there), 1)
    lower, upper = program.lower, program.upper
    empty = ~lanes.every((lower <= upper) & (lower < jnp.inf) & (upper > -jnp.inf))
    known, fresh = _known(program), anywhere(program, side)
    no, least, most = jnp.zeros_like(empty), jnp.finfo(lower.dtype).eps, safe(lower.dtype)

    def repeat(found: Found) -> Found:
        at, running = found.at, found.status == RUNNING
        astray = ~lanes.every(found.ray == 0)  # and the objective counts no more
        goal = program._replace(P=only(program.P, ~astray[None]), q=only(program.q, ~astray))
        left, terms = residuals(goal, side, at)
        judged = judge(goal, side, scale, at, (left, terms))
        move, share = step(goal, side, at, left, count, found.shift)

        def proofs():
            """Whether iterate or step is a ray or a contradiction, and the one that is."""

            def first_of(proves, *candidates):
                good = [proves(*candidate) for candidate in candidates]
                some = jax.tree.map(
                    lambda a, b: jnp.where(good[0], a, only(b, good[1])), *candidates
                )
                return good[0] | good[1], some

            along = first_of(lambda x: falls(goal, side, scale, x), (at.x,), (move.x,))
            pairs = [(one.y, possible(side, net(one))) for one in (at, move)]
            return *along, *first_of(lambda y, z: contradictory(goal, side, scale, y, z), *pairs)

        def none():
            return no, (jnp.zeros_like(at.x),), no, (jnp.zeros_like(at.y), jnp.zeros_like(at.u))

        late = jnp.any(running & (found.iterations >= PATIENCE))
        ray, (away,), contradiction, (y, z) = jax.lax.cond(late, proofs, none)
        status = jnp.where(found.iterations >= max_iterations, Status.ITERATION_LIMIT, RUNNING)
        sound = lanes.every(jnp.isfinite(move.x))
        status = jnp.where(sound | (found.shift < most), status, Status.STALLED)
        status = jnp.where(contradiction | empty, Status.INFEASIBLE, status)
        # What cancels in the gradient does not excuse it, as long as steps make it smaller.
        sharp = (judged.sharp <= tolerance) | (judged.sharp > 0.9 * found.judged.sharp)
        solved = (judged.error <= tolerance) & sharp
        status = jnp.where(solved, jnp.where(astray, Status.UNBOUNDED, Status.OPTIMAL), status)
        status = jnp.where(running, jnp.where(known, status, Status.NOT_FINITE), found.status)
        leaves = ray & (status == RUNNING)
        proof = Iterate(
            at.x, y, only(z, side.equal), only(jnp.maximum(both(z), 0), side.there), at.s
        )
        refuted = running & contradiction & (status == Status.INFEASIBLE)

        def taken(was, change, proof, again):
            value = jnp.where((status == RUNNING) & sound, was + share * change, was)
            return jnp.where(leaves, again, jnp.where(refuted, proof, value))

        return Found(
            jax.tree.map(taken, at, move, proof, fresh),
            status,
            found.iterations + (status == RUNNING),
            choose(running, judged, found.judged),
            jnp.where(leaves, away, found.ray),
            jnp.where(sound, 2 * least, most),
        )

    zero = jnp.zeros_like(program.q[:1])
    none = jnp.zeros(zero.shape, jnp.int32)
    judged, ray = Judged(zero, zero, zero, zero + jnp.inf), jnp.zeros_like(program.q)
    begin = start(program, side)
    if guess is not None:
        begin = nearby(program, side, scale, guess, begin)
    found = Found(begin, none + RUNNING, none, judged, ray, zero + 2 * least)
    found = jax.lax.while_loop(lambda found: jnp.any(found.status == RUNNING), repeat, found)
    return found, scale
