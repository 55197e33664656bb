r"""A quadratic program as a saddle point, scaled for first-order methods, and how it is judged.

$$ \min_{x_l \le x \le x_u} \max_z \tfrac12 x^\top P x + q^\top x + z \cdot K x - h(z), \qquad
   h(z) = \max_{l \le v \le u} z \cdot v, $$

where the rows of K are those of the equalities and of the inequalities. What is finite of the
saddle point gives the multipliers of x's own bounds: they balance what pulls at a bound.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxmath.constrained import kkt
from jaxmath.constrained.certificates import reach
from jaxmath.constrained.matrices import largest_entries, rescaled, total_sizes
from jaxmath.optimize.flat import all_finite, largest

SWEEPS = 10
"""Of the scaling of rows and columns by their largest entries (Ruiz 2001)."""
POWER_STEPS = 40
"""Of the power method: a norm that it misses costs some steps, and a curvature that it does not see
turns up later."""


class Saddle(NamedTuple):
    """The data; ends are infinite where there is none."""

    P: Any
    q: Any
    K: Any
    lower: Any
    upper: Any
    least: Any
    most: Any


class Scale(NamedTuple):
    """Factors of the unknowns, of the rows, and of the objective."""

    columns: Any
    rows: Any
    objective: Any


def scaled(data: Saddle) -> tuple[Saddle, Scale]:
    r"""The program in other units, in which $P + K^\top K$ has no eigenvalue above one.

    Ruiz's sweeps, then the diagonal step sizes of Pock and Chambolle (2011, lemma 2 with alpha = 1)
    with the row sums of P among those of its columns: $x^\top P x \le \sum_j x_j^2 \sum_i |P_ij|$.
    """

    def inverse_root(size):
        return jax.lax.rsqrt(jnp.where(size > 0, size, 1))

    def sweep(_, factors):
        d, r = factors
        P, K = rescaled(data.P, d, d), rescaled(data.K, r, d)
        column = jnp.maximum(largest_entries(P, 0), largest_entries(K, 0))
        return d * inverse_root(column), r * inverse_root(largest_entries(K, 1))

    ones = jnp.ones_like(data.q), jnp.ones_like(data.lower)
    d, r = jax.lax.fori_loop(0, SWEEPS, sweep, ones)
    P = rescaled(data.P, d, d)
    size = jnp.maximum(largest(data.q * d), jnp.mean(largest_entries(P, 0)))
    c = 1 / jnp.where(size > 0, size, 1)
    P, K = rescaled(P, jnp.broadcast_to(c, d.shape), jnp.ones_like(d)), rescaled(data.K, r, d)
    e, s = inverse_root(total_sizes(P, 0) + total_sizes(K, 0)), inverse_root(total_sizes(K, 1))
    d, r = d * e, r * s
    found = Saddle(
        rescaled(P, e, e),
        c * d * data.q,
        rescaled(K, s, e),
        r * data.lower,
        r * data.upper,
        data.least / d,
        data.most / d,
    )
    return found, Scale(d, r, c)


def finite(data: Saddle):
    """Whether the data are numbers, and no row or unknown has its ends beyond infinity."""
    ends = data.lower, data.upper, data.least, data.most
    low, high = (jnp.concatenate(ends[i::2]) for i in (0, 1))
    numbers = all_finite(*jax.tree.leaves((data.P, data.q, data.K)))
    return numbers & ~jnp.any(jnp.isnan(low) | jnp.isnan(high))


def at_ends(pull, low, high):
    """The part of the multipliers that points at an end which exists."""
    up = jnp.where(jnp.isfinite(high), jnp.maximum(pull, 0), 0)
    return up + jnp.where(jnp.isfinite(low), jnp.minimum(pull, 0), 0)


def support(z, low, high):
    """The largest value that z . v can take between the ends."""
    end = jnp.where(z > 0, high, low)
    return jnp.sum(jnp.where(z == 0, 0, z) * jnp.where((z == 0) | jnp.isinf(end), 0, end))


class Judged(NamedTuple):
    """A point in the units of the program, with what is known of it."""

    x: Any
    z: Any
    bounds: Any  # the multipliers of x's own bounds
    objective: Any
    residuals: kkt.Residuals
    gap: Any
    rows: Any  # K x
    primal: Any  # the violation, relative to one plus the size of K x

    @property
    def error(self):
        """The largest relative residual, or the gap."""
        return jnp.maximum(self.residuals.error, self.gap)


def judge(data: Saddle, x, z) -> Judged:
    """Judge a point whose entries at a bound are exactly there, as `kkt_residuals` does.

    The multiplier of a bound is what balances the gradient of the Lagrangian at it.
    """
    curved, rows, pull = data.P @ x, data.K @ x, z @ data.K
    rest = -(curved + data.q + pull)
    low = jnp.where(x == data.least, data.least, -jnp.inf)
    held = at_ends(rest, low, jnp.where(x == data.most, data.most, jnp.inf))
    parts = [
        kkt.Part(rows, data.lower, data.upper, z, pull),
        kkt.Part(x, data.least, data.most, held, held),
    ]
    value = x @ curved / 2
    primal = value + data.q @ x
    dual = -value - support(z, data.lower, data.upper) - support(held, data.least, data.most)
    gap = jnp.abs(primal - dual) / (1 + jnp.maximum(jnp.abs(primal), jnp.abs(dual)))
    left = kkt.residuals(curved + data.q, parts)
    return Judged(x, z, held, primal, left, gap, rows, left.primal / (1 + largest(rows)))


class Ray(NamedTuple):
    """A direction that stays within the bounds, and what it proves."""

    direction: Any
    falls: Any  # whether the objective falls along it without end, and no constraint is in the way
    bends: Any  # whether P is negative along it


def direction(data: Saddle, change) -> Ray:
    """What a change of x proves, made to stay within the bounds, its largest entry one."""
    low = jnp.where(jnp.isfinite(data.least), 0, -jnp.inf)
    d = jnp.clip(change, low, jnp.where(jnp.isfinite(data.most), 0, jnp.inf))
    size = largest(d)
    d = d / jnp.where(size > 0, size, 1)
    across = largest(at_ends(data.K @ d, data.lower, data.upper))
    slope, bend, far = data.q @ d, d @ (data.P @ d), reach(d.dtype)
    falls = (slope < 0) & (across * far <= 1) & (bend * far <= -slope)
    return Ray(d, falls, bend < -convexity_slack(data.P) * (d @ d))


def convexity_slack(P):
    """An eigenvalue of P that is not below minus this is not negative by more than rounding."""
    share = max(1e-10, 10 * P.shape[0] * float(jnp.finfo(P.dtype).eps))
    return share * largest(total_sizes(P, 0))


def _quotient(product, like):
    """Of a positive semidefinite map, from below, the largest eigenvalue: the power method."""

    def repeat(_, state):
        v, _ = state
        u = product(v)
        size = jnp.linalg.norm(u)
        return u / jnp.where(size > 0, size, 1), v @ u / (v @ v)

    start = 1 + jnp.cos(jnp.arange(like.shape[1], dtype=like.dtype)) / 2
    return jax.lax.fori_loop(0, POWER_STEPS, repeat, (start, jnp.zeros((), like.dtype)))[1]


def largest_eigenvalue(P, K):
    """Of P + K'K, from below."""
    return _quotient(lambda v: P @ v + (K @ v) @ K, P)


def least_quotient(P):
    """One of v'Pv / v'v that is near the least: P has an eigenvalue that is not above it."""
    size = largest(total_sizes(P, 0))
    return size - _quotient(lambda v: size * v - P @ v, P)


def contradicts(data: Saddle, change):
    """Multipliers of the rows and bounds, and whether they prove that no point is feasible.

    They sum the constraints to a contradiction (Farkas 1902), and are in units of it.
    """
    z = at_ends(change, data.lower, data.upper)
    pull = -(z @ data.K)
    bounds = at_ends(pull, data.least, data.most)
    most = support(z, data.lower, data.upper) + support(bounds, data.least, data.most)
    unit = jnp.where(most < 0, -most, 1)
    proven = (most < 0) & (largest(pull - bounds) * reach(z.dtype) < -most)
    return z / unit, bounds / unit, proven
