"""What the searches of nonlinear programs share: units in which no slope is steep, and statuses."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxmath.constrained.frame import Flat, Known, ended, left
from jaxmath.optimize.minimum import RUNNING
from jaxmath.optimize.solution import Status

STEEP = 100.0
"""Functions are scaled at the start to have no slope beyond this (Wachter and Biegler, 3.8)."""


class Scaled(NamedTuple):
    """The program as a search sees it: f, h and g have factors. Rows are those of h and g."""

    flat: Flat
    scale: Any
    p: int  # equalities

    def values(self, x):
        """Of f, h and g."""
        return self.scale * self.flat.every(x)

    def ends(self):
        """Of the rows; those of h are zero."""
        zero, rows = jnp.zeros(self.p, self.scale.dtype), self.scale[1 + self.p :]
        return tuple(jnp.append(zero, end * rows) for end in self.flat.ends)

    def given(self, x, y, zb, known: Known):
        """The root and what is known there, of the program as it was given, and its residuals.

        Args:
            x: the point.
            y: the multipliers of the rows, scaled.
            zb: those of x itself, scaled as the objective is.
            known: what is known at the point, scaled.
        """
        y, zb = y * self.scale[1:] / self.scale[0], zb / self.scale[0]
        known = Known(
            known.values / self.scale,
            known.slope / self.scale[0],
            known.jacobian / self.scale[1:, None],
        )
        root = x, y[: self.p], y[self.p :], zb
        return root, known, left(self.flat, root, known)


def scale(flat: Flat, x) -> tuple[Scaled, Known]:
    """The program with no slope beyond STEEP at the point, and what is known there."""
    p, known = jax.eval_shape(flat.h, x).shape[0], flat.look(x)
    slopes = jnp.concatenate([known.slope[None], known.jacobian])
    steepest = jnp.max(jnp.abs(slopes), axis=1)
    steepest = jnp.where(jnp.isfinite(steepest), jnp.maximum(steepest, STEEP), STEEP)
    factors = jnp.maximum(STEEP / steepest, 1e-8)
    slopes = factors[:, None] * slopes
    return Scaled(flat, factors, p), Known(factors * known.values, slopes[0], slopes[1:])


def astray(values, low, high):
    """By how much each value is beyond its ends."""
    return values - jnp.clip(values, low, high)


def hopeless(outside, pull, v, low, high, tolerance):
    """Whether no small change of v between its ends lowers the violation.

    As in `local.contradictory`; the pull is the slope of half the squared violation.
    """
    change = jnp.clip(-pull, low - v, high - v)
    size = 1 + jnp.linalg.norm(v)
    return jnp.linalg.norm(change) * size <= jnp.sqrt(tolerance) * (outside @ outside)


def status_of(*, exhausted, stuck, infeasible, unbounded, solved, finite):
    """The status of a search; what comes later counts more."""
    status = jnp.where(exhausted, Status.ITERATION_LIMIT, RUNNING)
    status = jnp.where(stuck, Status.STALLED, status)
    status = jnp.where(infeasible, Status.INFEASIBLE, status)
    status = jnp.where(unbounded, Status.UNBOUNDED, status)
    status = jnp.where(solved, Status.OPTIMAL, status)
    return jnp.where(finite, status, Status.NOT_FINITE)


class End(NamedTuple):
    """Where a search between the bounds ended, scaled: the point, its multipliers, and so on."""

    x: Any
    y: Any  # of the rows
    zb: Any
    known: Known
    hessian: Any
    status: Any
    iterations: Any


def by_rows(search):
    """A solver as `solution` takes it, of (scaled, x, known, tolerance, max_iterations) to End."""

    def find(flat: Flat, x, tolerance, max_iterations):
        x = jnp.clip(x, *flat.bounds)
        program, known = scale(flat, x)
        end = search(program, x, known, tolerance, max_iterations)
        root, known, _ = program.given(end.x, end.y, end.zb, end.known)
        hessian = end.hessian / program.scale[0]
        return ended(flat, root, known, hessian, end.status, end.iterations, tolerance)

    return find
