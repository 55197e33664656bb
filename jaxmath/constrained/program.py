r"""A quadratic program as its solver sees it: its sides, its residuals, and its scales.

$$ \min_x \tfrac12 x^\top P x + q^\top x, \quad A x = b, \quad l \le C x \le u, $$

where the rows of C are those of G, and of the identity where x itself has bounds. Its rows have
ends: those below, of all rows, and then those above, in one vector of twice the length. With slacks
$s = (C x - l, u - C x)$ and multipliers $z = (z_l, z_u) \ge 0$ of them the conditions are

$$ P x + q + A^\top y + C^\top (z_u - z_l) = 0, \qquad s z = 0. $$

All arrays may have a last axis of lanes.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxmath.constrained.lanes import dot, largest, times, transposed_times

EVEN = 0.5
"""Rows and columns whose largest entry is so near to one are scaled well enough."""


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
    """A point, its multipliers and slacks; zero where an end is missing."""

    x: Any
    y: Any
    u: Any  # multipliers of the rows whose ends agree
    z: Any  # of the other ends: those below, then those above
    s: Any  # their slacks


class Sides(NamedTuple):
    """Which ends the rows have; a row whose ends agree is an equality."""

    equal: Any  # rows
    there: Any  # ends that are inequalities
    some: Any  # all ends
    ends: Any  # a row is within -C x <= the first half, C x <= the second; zero where there is none

    @property
    def value(self):
        """Of the rows that are equalities."""
        return only(self.ends[len(self.equal) :], self.equal)


def only(value, condition):
    """The value where the condition holds, and zero elsewhere."""
    return jnp.where(condition, value, 0)


def both(row):
    """What the ends below and above see of each row."""
    return jnp.concatenate([-row, row])


def twice(row):
    """The same number for both ends of a row."""
    return jnp.concatenate([row, row])


def joined(ends):
    """What the ends below and above make of each row."""
    size = len(ends) // 2
    return ends[size:] - ends[:size]


def sides(program: Program) -> Sides:
    """Sort the ends."""
    equal = program.lower == program.upper
    ends = jnp.concatenate([-program.lower, program.upper])
    some = jnp.isfinite(ends)
    return Sides(equal, some & ~twice(equal), some, only(ends, some))


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


def net(at: Iterate):
    """The multipliers of the rows, positive where the upper end holds x back."""
    return at.u + joined(at.z)


def support(program: Program, side: Sides, y, z):
    """The largest value that y . A x + z . C x can take under the constraints."""
    return dot(program.b, y) + dot(side.ends, jnp.maximum(both(z), 0))


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
    ends: Any


def residuals(program: Program, side: Sides, at: Iterate) -> tuple[Residuals, Terms]:
    """What is left of the conditions, and the terms that were summed."""
    terms = Terms(
        times(program.P, at.x),
        times(program.A, at.x),
        rows(program, at.x),
        transposed_times(program.A, at.y),
        columns(program, net(at)),
    )
    left = Residuals(
        terms.Px + program.q + terms.Ay + terms.Cz,
        terms.Ax - program.b,
        only(terms.Cx - side.value, side.equal),
        only(side.ends - both(terms.Cx) - at.s, side.there),
    )
    return left, terms


def violation(side: Sides, Cx):
    """By how much each row is beyond each of its ends."""
    return jnp.maximum(only(both(Cx) - side.ends, side.some), 0)


class Scale(NamedTuple):
    """Factors of the columns, of the equalities, of the rows, and of the objective."""

    columns: Any
    equalities: Any
    rows: Any
    objective: Any


def scaled(program: Program, sweeps: int = 10, tied=lambda row: row) -> tuple[Program, Scale]:
    """The program whose rows and columns have a largest entry near one (Ruiz 2001).

    `tied` takes sizes of the rows to those that count, where some have to share a factor.
    """
    own = program.G.shape[0]
    P, A, G = (jnp.abs(matrix) for matrix in (program.P, program.A, program.G))

    def most(matrix, axis):
        return jnp.max(matrix, axis=axis, initial=0)

    def sizes(d, e, r):
        parts = P * d[:, None] * d[None], A * e[:, None] * d[None], G * r[:own, None] * d[None]
        column = jnp.maximum(jnp.maximum(most(parts[0], 0), most(parts[1], 0)), most(parts[2], 0))
        row = most(parts[2], 1)
        if bounded(program):
            column, row = jnp.maximum(column, r[own:] * d), jnp.append(row, r[own:] * d, 0)
        return column, most(parts[1], 1), tied(row)

    def uneven(state):
        count, *_, found = state
        apart = [jnp.any((size > 0) & (jnp.abs(size - 1) > EVEN)) for size in found]
        return (count < sweeps) & jax.tree.reduce(jnp.logical_or, apart)

    def sweep(state):
        count, factors, found = state
        roots = (jax.lax.rsqrt(jnp.where(size > 0, size, 1)) for size in found)
        factors = tuple(factor * root for factor, root in zip(factors, roots, strict=True))
        return count + 1, factors, sizes(*factors)

    ones = jnp.ones_like(program.q), jnp.ones_like(program.b), jnp.ones_like(program.lower)
    _, (d, e, r), _ = jax.lax.while_loop(uneven, sweep, (0, ones, sizes(*ones)))
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
    ends = twice(r)
    return Iterate(at.x * d, at.y * e / c, at.u * r / c, at.z * ends / c, at.s / ends)


class Judged(NamedTuple):
    """Residuals of the program as it was given, each relative to one plus what it sums."""

    primal: Any
    dual: Any
    gap: Any
    sharp: Any  # the dual one, relative to the gradient and not to the terms that cancel in it

    @property
    def error(self):
        """The largest of them."""
        return jnp.maximum(self.primal, jnp.maximum(self.dual, self.gap))


def judge(program: Program, side: Sides, scale: Scale, at: Iterate, found) -> Judged:
    """How far the conditions are from holding, given what `residuals` found at a scaled point."""
    d, e, r, c = scale
    left, terms = found
    outside = jnp.maximum(largest(violation(side, terms.Cx) / twice(r)), largest(left.equality / e))
    primal = outside / (1 + jnp.maximum(largest(terms.Cx / r), largest(terms.Ax / e)))
    pulls = jnp.maximum(jnp.abs(terms.Ay), jnp.abs(terms.Cz))
    summed = jnp.maximum(jnp.maximum(jnp.abs(terms.Px), jnp.abs(program.q)), pulls)
    rest = largest(left.dual / d)
    dual = rest / (c + largest(summed / d))
    sharp = rest / (c + largest(jnp.maximum(jnp.abs(terms.Px + program.q), pulls) / d))
    curved, linear = dot(at.x, terms.Px), dot(program.q, at.x)
    ends = support(program, side, at.y, net(at))
    values = jnp.maximum(jnp.abs(curved / 2 + linear), jnp.abs(curved / 2 + ends))
    return Judged(primal, dual, jnp.abs(curved + linear + ends) / (c + values), sharp)
