"""A conic program as its solver sees it: its residuals, and what proves that it has no solution."""

from typing import Any, NamedTuple

import jax.numpy as jnp

from jaxmath.constrained.cones import Cones, spectrum
from jaxmath.constrained.kkt import ConePart, Part, Residuals
from jaxmath.constrained.kkt import residuals as kkt
from jaxmath.constrained.program import Program, Scale
from jaxmath.optimize.flat import largest


class Root(NamedTuple):
    """A point and its multipliers."""

    x: Any
    y: Any
    z: Any


class Judged(NamedTuple):
    """How far a root is from optimal."""

    left: Residuals
    gap: Any  # relative
    error: Any  # the largest relative residual
    loose: Any  # the same, relative to terms that may cancel in the gradient as well


def conic(P, q, A, b, G, h) -> Program:
    """The data; the ends of the rows of G are h."""
    return Program(P, q, A, b, G, h, h)


def judge(program: Program, cones: Cones, root: Root) -> Judged:
    """The residuals of the judge from outside, and the gap between objective and dual."""
    P, q, A, b, G, _, h = program
    x, y, z = root
    Px, pulls, none = P @ x, (y @ A, z @ G), jnp.zeros_like(b)
    parts = [Part(A @ x - b, none, none, y, pulls[0]), ConePart(G @ x - h, cones, z, pulls[1])]
    left, loose = kkt(Px + q, parts), kkt(Px + q, parts, (Px, q))
    curved, linear, ends = x @ Px, q @ x, b @ y + h @ z
    values = jnp.maximum(jnp.abs(curved / 2 + linear), jnp.abs(curved / 2 + ends))
    gap = jnp.abs(curved + linear + ends) / (1 + values)
    return Judged(left, gap, jnp.maximum(left.error, gap), jnp.maximum(loose.error, gap))


def unscaled(root: Root, scale: Scale) -> Root:
    """The root of the program as it was given."""
    d, e, r, c = scale
    return Root(root.x * d, root.y * e / c, root.z * r / c)


def refuted(program: Program, root: Root):
    """What is left of a contradiction, by Farkas: below one over `reach` it is one."""
    most = program.b @ root.y + program.upper @ root.z
    pull = largest(root.y @ program.A + root.z @ program.G)
    return jnp.where(most < 0, pull / jnp.where(most < 0, -most, 1), jnp.inf)


def falling(program: Program, cones: Cones, x):
    """What is in the way of the objective falling along x; below one over `reach` nothing is."""
    slope, size = program.q @ x, largest(x)
    outside = jnp.max(-spectrum(cones, -program.G @ x), initial=0)
    outside = jnp.maximum(outside, largest(program.A @ x))
    falls = (slope < 0) & (size > 0)
    fall = jnp.where(falls, -slope, 1)
    way = jnp.maximum(outside / size, outside * largest(program.q) / fall)
    return jnp.where(falls, jnp.maximum(way, x @ program.P @ x / (fall * size)), jnp.inf)
