r"""The eigenvalues of a Hessian in units of its own, and what they say of a point.

With the diagonal scale D of a symmetric matrix H, the eigenvalues of $D^{-1} H D^{-1}$ have the
signs of those of H (Sylvester's law of inertia), and do not depend on the units of the unknowns: a
curvature of 2 beside one of 1e12 is not lost.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array

from jaxmath.optimize.flat import all_finite
from jaxmath.optimize.solution import Kind


class Curvature(NamedTuple):
    """A Hessian H = D Q diag(values) Q' D."""

    scale: Array  # (n,), the diagonal of D
    values: Array  # (n,), ascending
    vectors: Array  # (n, n), Q


def scale_of(hessian):
    """The square roots of the diagonal; where that is small, of what stands beside it.

    In a positive semi-definite matrix H_ij^2 <= H_ii H_jj, and the diagonal decides alone.
    """
    sizes = jnp.abs(hessian)
    diagonal = jnp.diag(sizes)
    beside = jnp.square(sizes) / jnp.where(diagonal > 0, diagonal, 1)[None, :]
    beside = jnp.where((diagonal > 0)[None, :], jnp.minimum(sizes, beside), sizes)
    square = jnp.maximum(diagonal, jnp.max(beside, axis=1))
    most = jnp.max(square)
    floor = jnp.finfo(hessian.dtype).eps ** 0.75 * most
    return jnp.sqrt(jnp.where(most > 0, jnp.maximum(square, floor), 1))


def curvature_of(hessian) -> Curvature:
    """Scale, and find the eigenvalues."""
    scale = scale_of(hessian)
    values, vectors = jnp.linalg.eigh(hessian / (scale[:, None] * scale[None, :]))
    return Curvature(scale, values, vectors)


def downhill(curvature: Curvature):
    """Whether the curvature is negative in some direction, by more than rounding."""
    values = curvature.values
    return values[0] < -10 * jnp.sqrt(jnp.finfo(values.dtype).eps) * jnp.max(jnp.abs(values))


def kind_at(hessian: Callable, x, gradient):
    """The second-order test at a point where the gradient is small, and whether it goes downhill.

    It holds where the stationary point nearby has the same curvature: the Hessian there, one
    Newton step further, may differ by a small part of itself only (the condition of Kantorovich's
    theorem). Near a minimum such as that of x^4, and far out along exp(-x), it does not.
    """
    here = hessian(x)
    scale, values, vectors = curvature = curvature_of(here)
    size = jnp.maximum(jnp.abs(values), jnp.finfo(x.dtype).tiny)
    step = vectors @ ((vectors.T @ (gradient / scale)) / values) / scale
    change = vectors.T @ ((hessian(x - step) - here) / (scale[:, None] * scale[None, :])) @ vectors
    change = change / jnp.sqrt(size[:, None] * size[None, :])
    negligible = 10 * x.size * jnp.finfo(x.dtype).eps * jnp.max(size)
    certain = jnp.all(size > negligible) & all_finite(change)
    certain &= jnp.sum(jnp.square(change)) <= 0.25**2
    kind = jnp.where(values[-1] < 0, Kind.MAXIMUM, Kind.SADDLE)
    kind = jnp.where(values[0] > 0, Kind.MINIMUM, kind)
    return jnp.where(certain, kind, Kind.UNDECIDED), downhill(curvature)
