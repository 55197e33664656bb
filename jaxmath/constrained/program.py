r"""A quadratic program as its solver sees it: its sides, its residuals, and its scales.

$$ \min_x \tfrac12 x^\top P x + q^\top x, \quad A x = b, \quad l \le C x \le u, $$

where the rows of C are those of G, and of the identity where x itself has bounds. With slacks
$s = C x - l$ and $t = u - C x$ and multipliers v, w >= 0 of them the conditions are

$$ P x + q + A^\top y + C^\top (w - v) = 0, \qquad s v = t w = 0. $$

All arrays may have a last axis of lanes.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxmath.constrained.lanes import dot, largest, times, total, transposed_times


class Program(NamedTuple):
    """The data; `lower` and `upper` are of the rows of G, then of x if it has bounds."""

    P: Any
    q: Any
    A: Any
    b: Any
    G: Any
    lower: Any
    upper: Any


class Iterate(NamedTuple):
    """A point, its multipliers and slacks; zero where a side is missing."""

    x: Any
    y: Any
    v: Any  # multipliers of the lower ends
    w: Any  # of the upper ends, and of rows whose ends agree
    s: Any  # slack above the lower ends
    t: Any  # below the upper ends


class Sides(NamedTuple):
    """Which ends the rows have; a row whose ends agree is an equality."""

    equal: Any
    below: Any
    above: Any
    lower: Any  # the ends, zero where there is none
    upper: Any


def only(value, condition):
    """The value where the condition holds, and zero elsewhere."""
    return jnp.where(condition, value, 0)


def sides(program: Program) -> Sides:
    """Sort the rows."""
    equal = program.lower == program.upper
    below = jnp.isfinite(program.lower) & ~equal
    above = jnp.isfinite(program.upper) & ~equal
    ends = only(program.lower, below | equal), only(program.upper, above)
    return Sides(equal, below, above, *ends)


def bounded(program: Program) -> bool:
    """Whether x itself has bounds."""
    return program.lower.shape[0] > program.G.shape[0]


def rows(program: Program, x):
    """C x."""
    own = times(program.G, x)
    return jnp.concatenate([own, x]) if bounded(program) else own


def columns(program: Program, z):
    """C' z."""
    own = program.G.shape[0]
    found = transposed_times(program.G, z[:own])
    return found + z[own:] if bounded(program) else found


def net(at: Iterate, side: Sides):
    """The multipliers of the rows, positive where the upper end holds x back."""
    return jnp.where(side.equal, at.w, at.w - at.v)


def support(program: Program, side: Sides, y, z):
    """The largest value that y . A x + z . C x can take under the constraints."""
    ends = side.upper * only(z, z > 0) + side.lower * only(z, z < 0)
    ends = jnp.where(side.equal, side.lower * z, ends)
    return dot(program.b, y) + total(ends)


class Terms(NamedTuple):
    """What the residuals sum."""

    Px: Any
    Ax: Any
    Cx: Any
    Ay: Any
    Cz: Any


class Residuals(NamedTuple):
    """What is left of each condition."""

    dual: Any
    equality: Any
    rows: Any  # of rows that are equalities
    below: Any
    above: Any


def residuals(program: Program, side: Sides, at: Iterate) -> tuple[Residuals, Terms]:
    """What is left of the conditions, and the terms that were summed."""
    terms = Terms(
        times(program.P, at.x),
        times(program.A, at.x),
        rows(program, at.x),
        transposed_times(program.A, at.y),
        columns(program, net(at, side)),
    )
    left = Residuals(
        terms.Px + program.q + terms.Ay + terms.Cz,
        terms.Ax - program.b,
        only(terms.Cx - side.lower, side.equal),
        only(terms.Cx - side.lower - at.s, side.below),
        only(side.upper - terms.Cx - at.t, side.above),
    )
    return left, terms


def violation(side: Sides, Cx):
    """By how much each row is outside its ends."""
    low, high = only(side.lower - Cx, side.below), only(Cx - side.upper, side.above)
    outside = jnp.maximum(jnp.maximum(low, high), 0)
    return jnp.where(side.equal, jnp.abs(Cx - side.lower), outside)


class Scale(NamedTuple):
    """Factors of the columns, of the equalities, of the rows, and of the objective."""

    columns: Any
    equalities: Any
    rows: Any
    objective: Any


def scaled(program: Program, sweeps: int = 10) -> tuple[Program, Scale]:
    """The program whose rows and columns have a largest entry of one (Ruiz 2001)."""
    own = program.G.shape[0]
    P, A, G = (jnp.abs(matrix) for matrix in (program.P, program.A, program.G))

    def inverse_root(size):
        return jnp.where(size > 0, jax.lax.rsqrt(jnp.where(size > 0, size, 1)), 1)

    def most(matrix, axis):
        return jnp.max(matrix, axis=axis, initial=0)

    def sweep(_, factors):
        d, e, r = factors
        parts = P * d[:, None] * d[None], A * e[:, None] * d[None], G * r[:own, None] * d[None]
        column = jnp.maximum(jnp.maximum(most(parts[0], 0), most(parts[1], 0)), most(parts[2], 0))
        row = most(parts[2], 1)
        if bounded(program):
            column, row = jnp.maximum(column, r[own:] * d), jnp.append(row, r[own:] * d, 0)
        more = inverse_root(column), inverse_root(most(parts[1], 1)), inverse_root(row)
        return jax.tree.map(jnp.multiply, factors, more)

    ones = jnp.ones_like(program.q), jnp.ones_like(program.b), jnp.ones_like(program.lower)
    d, e, r = jax.lax.fori_loop(0, sweeps, sweep, ones)
    if bounded(program):  # the scaled unknowns are x / d, and their rows those of the identity
        r = jnp.append(r[:own], 1 / d, 0)
    P, q = program.P * d[:, None] * d[None], program.q * d
    size = jnp.maximum(largest(q), jnp.mean(most(jnp.abs(P), 0), axis=0, keepdims=True))
    c = 1 / jnp.where(size > 0, size, 1)
    A, G = program.A * e[:, None] * d[None], program.G * r[:own, None] * d[None]
    found = Program(P * c[None], q * c, A, program.b * e, G, program.lower * r, program.upper * r)
    return found, Scale(d, e, r, c)


def unscaled(at: Iterate, scale: Scale) -> Iterate:
    """The iterate of the program as it was given."""
    d, e, r, c = scale
    return Iterate(at.x * d, at.y * e / c, at.v * r / c, at.w * r / c, at.s / r, at.t / r)


class Judged(NamedTuple):
    """Residuals of the program as it was given, each relative to one plus what it sums."""

    primal: Any
    dual: Any
    gap: Any

    @property
    def error(self):
        """The largest of them."""
        return jnp.maximum(self.primal, jnp.maximum(self.dual, self.gap))


def judge(program: Program, side: Sides, scale: Scale, at: Iterate, found) -> Judged:
    """How far the conditions are from holding, given what `residuals` found at a scaled point."""
    d, e, r, c = scale
    left, terms = found
    primal = jnp.maximum(largest(violation(side, terms.Cx) / r), largest(left.equality / e))
    primal = primal / (1 + jnp.maximum(largest(terms.Cx / r), largest(terms.Ax / e)))
    summed = [largest(term / d) for term in (terms.Px, program.q, terms.Ay, terms.Cz)]
    dual = largest(left.dual / d) / (c + jax.tree.reduce(jnp.maximum, summed))
    curved, linear = dot(at.x, terms.Px), dot(program.q, at.x)
    ends = support(program, side, at.y, net(at, side))
    values = jnp.maximum(jnp.abs(curved / 2 + linear), jnp.abs(curved / 2 + ends))
    return Judged(primal, dual, jnp.abs(curved + linear + ends) / (c + values))
