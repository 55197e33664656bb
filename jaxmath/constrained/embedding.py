r"""The homogeneous embedding of a conic program, and an interior-point method for it.

Of the program

$$ \min_x \tfrac12 x^\top P x + q^\top x, \quad A x = b, \quad s = h - G x \in K $$

with the multipliers y and z the conditions are made homogeneous by $\tau \ge 0$ and
$\kappa \ge 0$:

$$ P x + A^\top y + G^\top z + q \tau = 0, \quad A x = b \tau, \quad G x + s = h \tau, \quad
   x^\top P x / \tau + q^\top x + b^\top y + h^\top z + \kappa = 0. $$

They always have an answer: a solution divided by $\tau > 0$, or with $\kappa > 0$ a proof that
there is none (Goulart and Chen 2024, section 2; Andersen, Roos and Terlaky 2003). Steps are
Newton's in the coordinates of `scaling`, predicted first and then corrected (Mehrotra 1992).

An objective that falls without end says nothing of the constraints: a search that finds such a ray
goes on without its objective, until there is a feasible point or a contradiction.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.scipy.linalg import lu_factor, lu_solve

from jaxmath.constrained.certificates import reach
from jaxmath.constrained.cones import Cones, largest_of_each, spectrum, unit
from jaxmath.constrained.conic_program import Root, falling, judge, refuted, unscaled
from jaxmath.constrained.program import Program, only, scaled
from jaxmath.constrained.scaling import product, scaling
from jaxmath.optimize.flat import all_finite, choose
from jaxmath.optimize.minimum import RUNNING
from jaxmath.optimize.solution import Status

PATIENCE = 10
"""After so many steps without progress the search ends."""
PROGRESS = 0.9
"""By this factor what is left falls at least, or there is no progress."""


class Iterate(NamedTuple):
    """A point of the embedding, whose s and z are inside the cones."""

    x: Any
    y: Any
    z: Any
    s: Any
    tau: Any
    kappa: Any


class Found(NamedTuple):
    """What the loop carries."""

    at: Iterate
    best: Root  # of the scaled program
    error: Any  # of the best one
    ray: Any  # along which the objective falls without end; zero as long as none is known
    proof: Root  # whose multipliers contradict the constraints
    status: Any
    iterations: Any
    nearest: Any  # the least that was left of an answer, a contradiction and a ray
    idle: Any  # how many steps in a row brought no progress


class System(NamedTuple):
    """Factors of the matrix of a step: P and the equalities with a small regularisation."""

    program: Program  # with scaled rows
    factors: Any
    rho: Any

    def once(self, rx, ry, rz):
        """Solve (P + rho) dx + A'dy + G'dz = rx, A dx - rho dy = ry, G dx - dz = rz, roughly."""
        G = self.program.G
        found = lu_solve(self.factors, jnp.append(rx + rz @ G, ry))
        dx, dy = found[: rx.size], found[rx.size :]
        return dx, dy, G @ dx - rz

    def solve(self, rx, ry, rz):
        """The same, refined."""
        P, _, A, _, G, *_ = self.program
        dx, dy, dz = self.once(rx, ry, rz)
        left = rx - P @ dx - self.rho * dx - dy @ A - dz @ G
        more = self.once(left, ry - A @ dx + self.rho * dy, rz - G @ dx + dz)
        return tuple(map(jnp.add, (dx, dy, dz), more))


def system(program: Program, rho) -> System:
    """Eliminate the rows of G, and factor what is left: with pivots, as P may be singular.

    A diagonal in which rounding has swallowed rho is raised by its own rounding.
    """
    P, _, A, b, G, *_ = program
    top = P + G.T @ G
    top = top + jnp.diag(rho + 4 * jnp.finfo(P.dtype).eps * jnp.diagonal(top))
    bottom = -rho * jnp.eye(b.size, dtype=P.dtype)
    return System(program, lu_factor(jnp.block([[top, A.T], [A, bottom]])), rho)


def start(program: Program, cones: Cones) -> Iterate:
    """The least-squares answer, moved inside (Vandenberghe 2010, section 5.3)."""
    dtype = program.q.dtype
    solver = system(program, jnp.finfo(dtype).eps ** 0.5)
    x, y, z = solver.once(-program.q, program.b, program.upper)

    def inside(u):
        least = jnp.min(spectrum(cones, u), initial=1)
        return u + (1 - least) * unit(cones, dtype)

    one = jnp.ones((), dtype)
    return Iterate(x, y, inside(z), inside(-z), one, one)


def anywhere(program: Program, cones: Cones) -> Iterate:
    """A start that knows nothing of the objective."""
    one, e = jnp.ones((), program.q.dtype), unit(cones, program.q.dtype)
    return Iterate(jnp.zeros_like(program.q), jnp.zeros_like(program.b), e, e, one, one)


def step(program: Program, cones: Cones, at: Iterate) -> tuple[Iterate, Any]:
    """Predict, then correct; the step, and the share of it that stays inside."""
    P, q, A, b, G, _, h = program
    x, y, z, s, tau, kappa = at
    W = scaling(cones, s, z)
    point = W.point()
    mu = (point @ point + tau * kappa) / (cones.degree + 1)
    left = P @ x + y @ A + z @ G + q * tau
    missing, outside = A @ x - b * tau, G @ x + s - h * tau
    value = kappa + x @ P @ x / tau + q @ x + b @ y + h @ z

    columns = jnp.concatenate([G, h[:, None], outside[:, None]], axis=1)
    columns = jax.vmap(W.scaled_slack, 1, 1)(columns)
    rows, ends, outside = columns[:, :-2], columns[:, -2], columns[:, -1]
    rho = jnp.finfo(q.dtype).eps ** 0.625
    solver = system(program._replace(G=rows), rho)
    right = [(-q, -left), (b, -missing), (ends, point - outside)]
    both = jax.vmap(solver.solve)(*map(jnp.stack, right))
    fixed, first = ([part[i] for part in both] for i in range(2))
    bent = x / tau
    apart, slope = fixed[0] - bent, 2 * P @ bent + q
    curvature = apart @ P @ apart + fixed[2] @ fixed[2]
    curvature = curvature + rho * (fixed[0] @ fixed[0] + fixed[1] @ fixed[1]) + kappa / tau

    def direction(found, share, products, product):
        """To that share less of the residuals; slacks and multipliers are scaled ones."""
        dx, dy, dz = found
        dtau = share * value - product / tau + slope @ dx + b @ dy + ends @ dz
        dtau = dtau / curvature
        dx, dy, dz = (own + dtau * more for own, more in zip(found, fixed, strict=True))
        return Iterate(dx, dy, dz, -products - dz, dtau, -(product + kappa * dtau) / tau)

    def room(move):
        shrinks = W.shrinkage(move.z), W.shrinkage(move.s), -move.tau / tau, -move.kappa / kappa
        return 1 / jnp.max(jnp.stack(shrinks))

    first = direction(first, 1, point, tau * kappa)
    stays = jnp.minimum(1, room(first))
    centre = jnp.clip((1 - stays) ** 3, 0, 1)
    bend = product(cones, first.s, first.z) - centre * mu * unit(cones, q.dtype)
    products = tau * kappa + first.tau * first.kappa - centre * mu
    bend, keep = point + W.quotient(bend), 1 - centre
    second = solver.solve(-keep * left, -keep * missing, bend - keep * outside)
    second = direction(second, keep, bend, products)
    share = jnp.minimum(1, 0.99 * room(second))
    return second._replace(z=W.multiplier(second.z), s=W.slack(second.s)), share


def search(given: Program, cones: Cones, sound, tolerance, max_iterations):
    """Step until there is a status; what is found is of the scaled program.

    Args:
        given: the program.
        cones: in whose product the slacks are.
        sound: a status that is known before, or `RUNNING`.
        tolerance: of the error.
        max_iterations: after which to give up.
    """
    program, scale = scaled(given, tied=lambda sizes: largest_of_each(cones, sizes))
    fresh = anywhere(program, cones)
    dtype = program.q.dtype
    close = 1 / reach(dtype)

    def repeat(found: Found) -> Found:
        at, astray = found.at, jnp.any(found.ray != 0)  # then the objective counts no more
        goal = program._replace(P=only(program.P, ~astray), q=only(program.q, ~astray))
        wanted = given._replace(P=only(given.P, ~astray), q=only(given.q, ~astray))
        root = Root(at.x, at.y, at.z)
        here = Root(*(part / at.tau for part in root))
        error = judge(wanted, cones, unscaled(here, scale)).error
        proof = unscaled(root, scale)
        blocked = falling(wanted, cones, proof.x)
        move, share = step(goal, cones, at)
        works = all_finite(*move) & jnp.isfinite(share)
        broken = refuted(wanted, proof)
        better = error < found.error
        best, error = choose(better, here, found.best), jnp.minimum(error, found.error)

        nearest = jnp.stack([error, broken, blocked])
        forward = jnp.any(nearest <= PROGRESS * found.nearest)
        idle = jnp.where(forward, 0, found.idle + 1)
        status = jnp.where(found.iterations >= max_iterations, Status.ITERATION_LIMIT, RUNNING)
        stuck = (idle >= PATIENCE) | ~works
        status = jnp.where(stuck, Status.STALLED, status)
        status = jnp.where(broken < close, Status.INFEASIBLE, status)
        solved = jnp.where(astray, Status.UNBOUNDED, Status.OPTIMAL)
        status = jnp.where(error <= tolerance, solved, status)
        leaves = (blocked < close) & (status == RUNNING)

        moved = jax.tree.map(lambda old, new: old + share * new, at, move)
        size = jnp.maximum(moved.tau, moved.kappa)  # any multiple says the same
        moved = jax.tree.map(lambda part: part / size, moved)
        after = choose(leaves, fresh, moved)
        return Found(
            at=choose(status == RUNNING, after, at),
            best=best,
            error=jnp.where(leaves, jnp.inf, error),
            ray=jnp.where(leaves, proof.x, found.ray),
            proof=choose(status == Status.INFEASIBLE, proof, found.proof),
            status=status,
            iterations=found.iterations + (status == RUNNING),
            nearest=jnp.where(leaves, jnp.inf, jnp.fmin(nearest, found.nearest)),
            idle=jnp.where(leaves, 0, idle),
        )

    zero = jax.tree.map(jnp.zeros_like, Root(fresh.x, fresh.y, fresh.z))
    far, none = jnp.full((), jnp.inf, dtype), jnp.asarray(0)
    found = Found(
        at=start(program, cones),
        best=zero,
        error=far,
        ray=zero.x,
        proof=zero,
        status=sound,
        iterations=none,
        nearest=jnp.stack([far, far, far]),
        idle=none,
    )
    found = jax.lax.while_loop(lambda found: found.status == RUNNING, repeat, found)
    return found, program, scale
