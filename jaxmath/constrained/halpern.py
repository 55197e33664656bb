r"""The primal-dual hybrid gradient method with Halpern's anchor, reflected and restarted.

With w for the points at which the gradient of $\tfrac12 x^\top P x$ is taken, that is
$\max_w w^\top P x - \tfrac12 w^\top P w$, a quadratic program is bilinear and its step T is

$$ x' = \operatorname{clip}(x - \tau (q + P w + K^\top z)), \quad
   w' = \frac{w + \sigma \bar x}{1 + \sigma}, \quad
   z' = \operatorname{prox}_{\sigma h}(z + \sigma K \bar x), \quad \bar x = 2 x' - x $$

(Chambolle and Pock 2011, algorithm 1 with the rows $P^{1/2}$ above K; w is a running mean of the
points, as in Lu and Yang 2023). From an anchor $s_0$ follows
$s_{k+1} = \frac{k+1}{k+2} (2 T s_k - s_k) + \frac{1}{k+2} s_0$ (Lu and Yang 2024, section 6). The
anchor moves, and $\tau = \eta / \omega$ and $\sigma = \eta\omega$ with it, when the length of
$T s - s$ in the norm of the method has fallen by enough (Applegate et al. 2021, section 5; on that
length Lu and Yang 2024). T s - s itself becomes a ray or a contradiction of a program without
solution (Applegate et al. 2024; Park and Ryu 2023 with anchor).
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxmath.constrained.matrices import rescaled
from jaxmath.constrained.saddle import (
    Judged,
    Saddle,
    Scale,
    contradicts,
    convexity_slack,
    direction,
    finite,
    judge,
    largest_eigenvalue,
    least_quotient,
    scaled,
)
from jaxmath.optimize.flat import all_finite, choose
from jaxmath.optimize.minimum import RUNNING
from jaxmath.optimize.progress import Progress, after_step, at_start
from jaxmath.optimize.solution import Status

CHECK = 40
"""Steps between two looks at the residuals, which cost as much as two or three."""
SUFFICIENT, NECESSARY, LONG = 0.2, 0.8, 0.36
"""Restart when T s - s has shrunk so much; or so much and grows again; or after so large a share
of all steps (Lu and Yang 2024)."""
PATIENCE = 10_000
"""Without a new least error for so many steps, or half of all if they are more, it stalls."""
FAR = 1e6
"""The weight stays within this factor of one: a ray or a contradiction has no other."""
ROOM = 1.05
"""By so much the power method may have missed the norm."""


class Point(NamedTuple):
    """Unknowns, where their gradient is taken, and multipliers; in scaled units."""

    x: Any
    w: Any
    z: Any


class Search(NamedTuple):
    """What the loop needs, and what it has found."""

    at: Point
    there: Point  # T of it; or the same, where the anchor has moved there
    anchor: Point
    age: Any  # steps since the anchor moved
    weight: Any  # omega
    norm: Any  # 1 / eta
    begun: Any  # the length of the first step since then
    length: Any  # of the last step that was looked at
    judged: Judged
    falling: Any  # whether a ray was found, and now a feasible point is looked for
    direction: Any
    proof: Any
    progress: Progress


def step(data: Saddle, at: Point, weight, norm) -> Point:
    """T."""
    tau, sigma = 1 / (norm * weight), weight / norm
    x = jnp.clip(at.x - tau * (data.q + data.P @ at.w + at.z @ data.K), data.least, data.most)
    ahead = 2 * x - at.x
    w = (at.w + sigma * ahead) / (1 + sigma)
    rows = at.z / sigma + data.K @ ahead
    # In this form a multiplier of what is between its ends is exactly zero.
    return Point(x, w, sigma * (rows - jnp.clip(rows, data.lower, data.upper)))


def anchored(at: Point, there: Point, anchor: Point, age) -> Point:
    """The next point, between the reflected step and the anchor, where all begins at age zero."""
    share = 1 / (age.astype(at.x.dtype) + 1)
    return jax.tree.map(lambda s, t, a: (1 - share) * (2 * t - s) + share * a, at, there, anchor)


def squared_length(data: Saddle, at: Point, there: Point, weight, norm):
    """Of a step in the norm of the method; negative only where `norm` is too small."""
    x, w, z = jax.tree.map(jnp.subtract, there, at)
    Pw = data.P @ w
    sizes = weight * (x @ x) + (w @ Pw + z @ z) / weight
    return norm * sizes - 2 * x @ (Pw + z @ data.K)


def search(given: Saddle, x, z, tolerance, max_iterations) -> tuple[Search, Scale]:
    """Minimise, from a point and multipliers of the rows, both in the units of the program."""
    data, scale = scaled(given)
    d, r, c = scale
    size = largest_eigenvalue(data.P, data.K)
    norm = jnp.sqrt(jnp.clip(ROOM**2 * size, jnp.finfo(x.dtype).eps, 1))
    x = jnp.clip(x / d, data.least, data.most)
    start = Point(x, x, c * z / r)
    ends = jnp.concatenate([data.lower, data.upper])
    ends = jnp.linalg.norm(jnp.where(jnp.isfinite(ends), ends, 0))
    pull = jnp.linalg.norm(data.q)
    weight = jnp.where((ends > 0) & (pull > 0), pull / jnp.where(ends > 0, ends, 1), 1)
    progress = at_start(finite(given), max_iterations, x.dtype)
    crossed = jnp.any(given.lower > given.upper) | jnp.any(given.least > given.most)
    saddle = least_quotient(data.P) < -convexity_slack(data.P)
    progress = ended(progress, Status.INFEASIBLE, crossed)
    progress = ended(progress, Status.NOT_CONVEX, saddle)
    unknown = jnp.asarray(jnp.inf, x.dtype)
    begin = Search(
        at=start,
        there=start,
        anchor=start,
        age=jnp.asarray(0),
        weight=weight,
        norm=norm,
        begun=unknown,
        length=unknown,
        judged=_unjudged(given, _unscaled(given, data, scale, start), z),
        falling=jnp.asarray(False),
        direction=jnp.zeros_like(x),
        proof=(jnp.zeros_like(z), jnp.zeros_like(x)),
        progress=progress,
    )
    end = jax.lax.while_loop(
        lambda here: here.progress.status == RUNNING,
        lambda here: _advance(given, data, scale, here, tolerance, max_iterations),
        begin,
    )
    return end, scale


def _unjudged(given: Saddle, x, z) -> Judged:
    """What is known of a point before the first step."""
    shapes = jax.eval_shape(judge, given, x, z)
    unknown = jax.tree.map(lambda part: jnp.full(part.shape, jnp.nan, part.dtype), shapes)
    return unknown._replace(x=x, z=z)


def _unscaled(given: Saddle, data: Saddle, scale: Scale, at: Point):
    """The x of the program; at a bound exactly where it is there in scaled units."""
    x = jnp.clip(at.x * scale.columns, given.least, given.most)
    x = jnp.where(at.x == data.least, given.least, x)
    return jnp.where(at.x == data.most, given.most, x)


def _advance(given, data, scale, here: Search, tolerance, max_iterations) -> Search:
    d, r, c = scale
    weight, norm, falling = here.weight, here.norm, here.falling
    given, data = (_without_objective(program, falling) for program in (given, data))

    def repeat(_, state):
        at, there, age = state
        at = anchored(at, there, here.anchor, age)
        return at, step(data, at, weight, norm), age + 1

    def stretch(part, state):
        *points, squares = state
        steps = jnp.where(part == 0, 1, CHECK - 1)
        at, there, age = jax.lax.fori_loop(0, steps, repeat, tuple(points))
        square = squared_length(data, at, there, weight, norm)
        return at, there, age, squares.at[part].set(square)

    # The first step and the others, in one loop, so that the step is compiled once.
    begin = here.at, here.there, here.age, jnp.zeros(2, norm.dtype)
    at, there, age, squares = jax.lax.fori_loop(0, 2, stretch, begin)
    first, length = jnp.sqrt(jnp.maximum(squares, 0))
    wrong = squares[1] < 0
    begun = jnp.where(here.age == 0, first, here.begun)
    judged = judge(given, _unscaled(given, data, scale, there), there.z * r / c)
    ray = direction(given, (there.x - at.x) * d)
    *proof, broken = contradicts(given, (there.z - at.z) * r / c)

    count = here.progress.iterations + CHECK
    progress = after_step(
        here.progress,
        judged.error,
        tolerance,
        max_iterations,
        jnp.maximum(PATIENCE, count // 2),
        stuck=jnp.asarray(False),
        lost=~all_finite(there.x, there.w, there.z),
        unbounded=falling & (judged.primal <= tolerance),
        steps=CHECK,
    )
    progress = ended(progress, Status.INFEASIBLE, broken & (judged.error > tolerance))
    progress = ended(progress, Status.NOT_CONVEX, ray.bends)

    again = (length <= SUFFICIENT * begun) | (age >= LONG * count) | wrong
    again |= (length <= NECESSARY * begun) & (length > here.length)
    found = Search(
        at=choose(again, there, at),
        there=there,
        anchor=choose(again, there, here.anchor),
        age=jnp.where(again, 0, age),
        weight=jnp.where(again & ~wrong, _reweighted(data, here, there), weight),
        norm=jnp.where(wrong, 1, norm),
        begun=begun,
        length=jnp.where(again, jnp.inf, length),
        judged=judged,
        falling=falling | ray.falls,
        direction=jnp.where(falling, here.direction, ray.direction),
        proof=tuple(proof),
        progress=progress,
    )
    search_point = ray.falls & ~falling & (progress.status == RUNNING)
    return choose(search_point, _from_zero(data, found), found)


def _reweighted(data: Saddle, here: Search, there: Point):
    """Half way, on a logarithmic scale, to how far the multipliers moved over how far x did.

    The points w are among the multipliers, in the norm of P (Applegate et al. 2021, section 6).
    """
    x, w, z = jax.tree.map(jnp.subtract, there, here.anchor)
    own = jnp.linalg.norm(x)
    other = jnp.sqrt(jnp.maximum(w @ (data.P @ w), 0) + z @ z)
    known = (own > 0) & (other > 0)
    ratio = jnp.where(known, other / jnp.where(own > 0, own, 1), here.weight)
    return jnp.sqrt(here.weight * jnp.clip(ratio, 1 / FAR, FAR))


def _from_zero(data: Saddle, found: Search) -> Search:
    """The search begun anew: x is far out on a ray."""
    x = jnp.clip(jnp.zeros_like(data.q), data.least, data.most)
    near = jax.tree.map(jnp.zeros_like, found.there)._replace(x=x)
    return found._replace(
        at=near,
        there=near,
        anchor=near,
        age=jnp.zeros_like(found.age),
        weight=jnp.ones_like(found.weight),
        length=jnp.full_like(found.length, jnp.inf),
    )


def _without_objective(program: Saddle, without) -> Saddle:
    """The program, or where the condition holds the question for any point within its ends."""
    factor = jnp.where(without, 0, jnp.ones_like(program.q))
    return program._replace(P=rescaled(program.P, factor, factor), q=program.q * factor)


def ended(progress: Progress, status: Status, condition) -> Progress:
    """With this status where the condition holds, unless the data or the numbers are not finite."""
    condition = condition & (progress.status != Status.NOT_FINITE)
    return progress._replace(status=jnp.where(condition, status, progress.status))
