r"""The augmented Lagrangian method for nonlinear programs, with bounds kept apart.

With rows c(x) that shall lie in [l, u], equalities among them, multipliers y and a price $\rho$,

$$ L(x) = f(x) + \frac{\rho}{2} \left| c + y / \rho - [l, u] \right|^2 $$

is minimised between the bounds of x, where |v - [l, u]| is the distance from the ends (Powell 1969;
Hestenes 1969; Rockafellar 1974 for inequalities). What v = c + y / rho lacks or exceeds, times rho,
are the next multipliers; if they did not change enough the price rises (Conn, Gould and Toint 1991;
Nocedal and Wright 2006, algorithm 17.4). Minimising is Newton's method along projected steps, with
the entries at a bound, or next to it, apart (Bertsekas 1982, proposition 1).
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxmath.constrained import frame
from jaxmath.constrained.arc import ARMIJO
from jaxmath.constrained.frame import Known, slopes_of
from jaxmath.constrained.newton_step import negligible
from jaxmath.constrained.scaled import (
    End,
    Scaled,
    astray,
    by_rows,
    hopeless,
    status_of,
)
from jaxmath.optimize.flat import all_finite, bottom, choose, largest
from jaxmath.optimize.minimum import RUNNING
from jaxmath.optimize.solution import Solution

PRICE = 10.0
"""The price of violation at first, and the factor by which it rises."""
NEAR = 1e-3
"""An entry is next to a bound at most so far from it, relative to its own size."""
FAR = 1e3
"""No step goes farther than this along a flat direction, in units of one plus the size of x."""
FAINT = 2
"""After so many steps in a row that promise no more than rounding, minimising has ended."""
PATIENCE = 5
"""How often in a row it may end so."""
HIGHEST, HIGH = 0.6, 0.4
"""Prices that are given up, and from which on constraints may be found to contradict each other,
as powers of one over the spacing of the dtype."""


class Search(NamedTuple):
    """What the loop carries."""

    x: Any
    y: Any  # multipliers of the rows
    known: Known  # of the last point that was looked at
    hessian: Any
    next: Any  # the multipliers of the rows that the point suggests
    zb: Any  # and of the bounds
    price: Any
    inner: Any  # the slope at which minimising ends
    outer: Any  # the change of the constraints with which the multipliers are accepted
    origin: Any  # where minimising began
    damping: Any  # shortens Newton's steps where they failed
    faint: Any  # how many steps in a row promised no more than rounding, or failed
    vain: Any  # how often in a row minimising ended so
    iterations: Any
    status: Any


class Local(NamedTuple):
    """The augmented Lagrangian at a point."""

    value: Any
    slope: Any
    hessian: Any
    pull: Any  # the step to where -slope points, between the bounds


@functools.partial(jax.jit, static_argnames=("objective", "eq", "ineq"))
def augmented_lagrangian(
    objective: Callable[[Any, Any], Any],
    start: Any,
    args: Any = None,
    *,
    eq: Callable[[Any, Any], Any] | None = None,
    ineq: Callable[[Any, Any], Any] | None = None,
    lower: Any = None,
    upper: Any = None,
    bounds: Any = None,
    tolerance: Any = None,
    max_iterations: Any = 1000,
) -> Solution:
    """Find a local minimum of `objective(x, args)` under constraints, by a price of violation.

    Arguments, result, derivatives and errors are those of `solve_nlp`. Points satisfy the bounds,
    so the functions are evaluated on them. Its steps are cheap and it takes more of them, by
    default up to 1000; rows that depend on each other do it no harm.
    """
    find = by_rows(_search)
    return frame.solution(
        find, objective, start, args, eq, ineq, lower, upper, bounds, tolerance, max_iterations
    )


def _search(scaled: Scaled, x, known: Known, tolerance, max_iterations) -> End:
    dtype, rows = x.dtype, known.values.size - 1
    low, high = scaled.ends()
    bounds = scaled.flat.bounds
    eps, least = jnp.finfo(dtype).eps, tolerance * jnp.min(scaled.scale) / 10

    def repeat(now: Search) -> Search:
        values, slopes = slopes_of(scaled.values, now.x, 1 + rows)
        known = Known(values, slopes[0], slopes[1:])
        y = now.price * astray(values[1:] + now.y / now.price, low, high)
        hessian = jax.hessian(lambda x: jnp.append(1, y) @ scaled.values(x))(now.x)
        slope = known.slope + y @ known.jacobian
        room = bounds[0] - now.x, bounds[1] - now.x
        pull = jnp.clip(-slope, *room)
        active = known.jacobian * (y != 0)[:, None]
        curved = hessian + now.price * active.T @ active
        value = values[0] + y @ y / (2 * now.price)
        local = Local(value, slope, curved, pull)
        beyond = (-slope < room[0]) | (-slope > room[1])
        zb = jnp.where(beyond, -slope, 0)
        root, own, left = scaled.given(now.x, y, zb, known)
        primal = frame.violation(left, root[0], own)

        outside = astray(values[1:], low, high)
        contradiction = hopeless(outside, outside @ known.jacobian, now.x, *bounds, tolerance)
        contradiction &= primal > jnp.sqrt(tolerance)
        stuck = (now.vain > PATIENCE) | (now.price > eps**-HIGHEST)
        exhausted = now.iterations >= max_iterations
        status = status_of(
            exhausted=exhausted,
            stuck=stuck,
            infeasible=(stuck | exhausted | (now.price > eps**-HIGH)) & contradiction,
            unbounded=(values[0] < bottom(dtype)) & (primal <= tolerance),
            solved=left.error <= tolerance,
            finite=all_finite(values, slopes, hessian),
        )
        now = now._replace(known=known, hessian=hessian, next=y, zb=zb, status=status)
        solved = (largest(pull) <= now.inner) | (now.faint >= FAINT)
        runs_off = value < bottom(dtype)
        moved = choose(
            runs_off | solved,
            _priced(now, y, runs_off, least),
            _advance(scaled, now, local),
        )
        return choose(status == RUNNING, moved, now)

    zero, none = jnp.zeros((), dtype), jnp.asarray(0)
    first = Search(
        x=x,
        y=jnp.zeros(rows, dtype),
        known=known,
        hessian=jnp.zeros((x.size, x.size), dtype),
        next=jnp.zeros(rows, dtype),
        zb=jnp.zeros_like(x),
        price=zero + PRICE,
        inner=zero + 1 / PRICE,
        outer=zero + PRICE**-0.1,
        origin=x,
        damping=zero,
        faint=none,
        vain=none,
        iterations=none,
        status=none + RUNNING,
    )
    end = jax.lax.while_loop(lambda now: now.status == RUNNING, repeat, first)
    return End(end.x, end.next, end.zb, end.known, end.hessian, end.status, end.iterations)


def _priced(now: Search, y, runs_off, least) -> Search:
    """Accept the multipliers, or raise the price."""
    change = largest(y - now.y) / now.price
    good = (change <= now.outer) & ~runs_off
    price = jnp.where(good, now.price, PRICE * now.price)
    inner = jnp.where(good, now.inner, 1) / price
    outer = jnp.where(good, now.outer / price**0.9, price**-0.1)
    x = jnp.where(runs_off, now.origin, now.x)
    return now._replace(
        x=x,
        y=jnp.where(good, y, now.y),
        price=price,
        inner=jnp.maximum(inner, least),
        outer=jnp.maximum(outer, least),
        origin=x,
        damping=jnp.zeros_like(now.damping),
        faint=jnp.asarray(0),
        vain=jnp.where(now.faint >= FAINT, now.vain + 1, 0),
        iterations=now.iterations + 1,
    )


def _advance(scaled: Scaled, now: Search, local: Local) -> Search:
    """A projected Newton step, as far as the augmented Lagrangian falls."""
    low, high = scaled.ends()
    bounds, eps = scaled.flat.bounds, jnp.finfo(now.x.dtype).eps
    step = _newton(now, local, bounds)
    rounding = 10 * eps * (jnp.abs(local.value) + jnp.abs(now.known.values[0]))

    def value(values):
        gap = astray(values[1:] + now.y / now.price, low, high)
        return values[0] + now.price / 2 * (gap @ gap)

    def attempt(carry):
        length, _, _ = carry
        x = jnp.clip(now.x + length * step, *bounds)
        there, promised = value(scaled.values(x)), local.slope @ (x - now.x)
        good = jnp.isfinite(there) & (there <= local.value + ARMIJO * promised + rounding)
        good &= promised < 0
        return jnp.where(good, length, length / 2), x, good

    begun = jnp.ones((), eps.dtype), now.x, jnp.asarray(False)
    length, x, good = jax.lax.while_loop(lambda carry: ~carry[2] & (carry[0] > eps), attempt, begun)
    tiny = negligible(now.x, step)
    unit = eps**0.5 * largest(local.hessian)
    eased = jnp.where(now.damping > unit, now.damping / 10, 0)
    return now._replace(
        x=jnp.where(good, x, now.x),
        damping=jnp.where(length < 0.1, jnp.maximum(10 * now.damping, unit), eased),
        faint=jnp.where(tiny | ~good | (-local.slope @ step <= rounding), now.faint + 1, 0),
        iterations=now.iterations + 1,
    )


def _newton(now: Search, local: Local, bounds):
    """Of entries next to a bound that they are pushed at the slope, of the others Newton's step."""
    x, slope = now.x, local.slope
    near = jnp.minimum(NEAR * jnp.maximum(1, jnp.abs(x)), largest(local.pull))
    at_low, at_high = x - bounds[0] <= near, bounds[1] - x <= near
    held = ((slope > 0) & at_low) | ((slope < 0) & at_high) | (bounds[0] == bounds[1])
    free = ~held[:, None] & ~held[None]
    sizes, basis = jnp.linalg.eigh(jnp.where(free, local.hessian, 0))
    # A curvature that vanishes is replaced by one that lets x grow, but not without measure.
    floor = largest(slope) / (FAR * (1 + largest(x)))
    floor = jnp.maximum(floor, jnp.finfo(x.dtype).eps * largest(sizes))
    floor = jnp.where(floor > 0, floor, 1)
    sizes = jnp.maximum(jnp.abs(sizes), floor) + now.damping
    step = -basis @ ((basis.T @ jnp.where(held, 0, slope)) / sizes)
    own = jnp.maximum(jnp.abs(jnp.diagonal(local.hessian)), floor)
    return jnp.where(held, -slope / own, step)
