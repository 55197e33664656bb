r"""Maximum likelihood for families of vectors and matrices.

Coordinates without ends: logarithms of positive numbers, and for a triangular factor those that
`vector_bijectors.triangular` gives. In them the negative log likelihood is minimised by damped
Newton steps. Errors are those of `fitting`, over the entries that are free to move.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from jaxmath.distributions.coordinates import newton
from jaxmath.distributions.factors import Lower
from jaxmath.distributions.fitting import Fit
from jaxmath.distributions.quadrature import is_infinite
from jaxmath.distributions.vector_bijectors import triangular
from jaxmath.domains import Box, Interval

if TYPE_CHECKING:
    from jaxmath.distributions.family import Family

ITERATIONS = 100


def arrays(x: Any, weights: Any, rank: int):
    """The data with one example along each first index, the shares of the weight, the total.

    With weight zero an example may be anything, NaN included, and counts for nothing.
    """
    x = jnp.asarray(x)
    if not jnp.issubdtype(x.dtype, jnp.floating):
        x = x.astype(float)
    if x.ndim != rank + 1 or x.shape[0] == 0:
        raise ValueError(f"A fit needs observations of {rank} axes each, got shape {x.shape}.")
    if weights is None:
        count = x.shape[0]
        return x, jnp.full(count, 1 / count, x.dtype), jnp.asarray(count, x.dtype)
    weights = jnp.asarray(weights, x.dtype)
    if weights.shape != x.shape[:1]:
        raise ValueError(f"{x.shape[0]} observations, but weights of shape {weights.shape}.")
    total = jnp.sum(weights)
    nothing = jnp.expand_dims(weights == 0, tuple(range(1, x.ndim)))
    return jnp.where(nothing, x[jnp.argmax(weights > 0)][None], x), weights / total, total


def _maps(domain):
    """From free coordinates to a parameter of this domain, and back."""
    if isinstance(domain, Lower):

        def inside(u, shape):
            return triangular(shape[-1]).forward(u)

        return inside, lambda value: triangular(value.shape[-1]).inverse(value)
    interval = domain.of if isinstance(domain, Box) else domain
    if not isinstance(interval, Interval):
        raise ValueError(f"A fit moves numbers, lower triangles and boxes, not {domain}.")
    if interval.low < 0 or is_infinite(interval.low):
        return (lambda u, shape: u.reshape(shape)), jnp.ravel
    # Domains of positive numbers may end where digits do; a fit may go beyond.
    low = interval.low if interval.low >= 0.5 else 0.0
    return (
        lambda u, shape: (low + jnp.exp(u)).reshape(shape),
        lambda value: jnp.log(jnp.ravel(value) - low),
    )


def free(family: Family, params):
    """The free coordinates of parameters, and the way back from them."""
    parts = [
        _maps(domain)[1](value) for domain, value in zip(family.parameters, params, strict=True)
    ]
    ends = np.cumsum([part.size for part in parts])[:-1].tolist()
    shapes = [jnp.shape(value) for value in params]

    def back(u):
        pieces = jnp.split(u, ends)
        return family.params(
            *(
                _maps(domain)[0](piece, shape)
                for domain, piece, shape in zip(family.parameters, pieces, shapes, strict=True)
            )
        )

    return jnp.concatenate(parts), back


def likeliest(family: Family, start, x, share):
    """The parameters that maximise the mean log likelihood of examples; NaN if none were found."""
    u, back = free(family, start)

    def loss(u):
        values = jax.vmap(lambda x: family.log_prob(x, *back(u)))(x)
        return -jnp.sum(jnp.where(share > 0, share * values, 0.0))

    gradient, hessian = jax.grad(loss), jax.hessian(loss)
    slack = 8 * jnp.finfo(x.dtype).eps

    def step(_, state):
        u, damping = state
        slope = gradient(u)
        moved = newton(u, slope, hessian(u), damping)
        now, then = loss(u), loss(moved)
        # Where the loss is flat to its last digits the slope says which point is better.
        flat = jnp.abs(then - now) <= slack * (1 + jnp.abs(now))
        better = jnp.where(flat, jnp.sum(gradient(moved) ** 2) <= jnp.sum(slope**2), then <= now)
        return (
            jnp.where(better, moved, u),
            jnp.where(better, damping / 8, 8 * jnp.maximum(damping, 1e-3)),
        )

    u, _ = jax.lax.fori_loop(0, ITERATIONS, step, (u, jnp.ones((), x.dtype)))
    values, vectors = jnp.linalg.eigh(hessian(u))
    decrement = jnp.square(vectors.T @ gradient(u)) / values
    converged = jnp.all(decrement >= 0) & (jnp.sum(decrement) < jnp.finfo(x.dtype).eps)
    return back(jnp.where(converged, u, jnp.nan))


def entries(family: Family, estimate) -> np.ndarray:
    """Which of all entries of the parameters, one after the other, are free to move."""
    kept = []
    for domain, value in zip(family.parameters, estimate, strict=True):
        shape = jnp.shape(value)
        whole = np.ones(shape, bool)
        kept.append(np.ravel(np.tril(whole) if isinstance(domain, Lower) else whole))
    return np.flatnonzero(np.concatenate(kept))


def with_errors(family: Family, estimate, x, share, total, places=None) -> Fit:
    """The fit with both kinds of standard errors; entries above a diagonal have none."""
    flat, unravel = ravel_pytree(estimate)
    if places is None:
        places = entries(family, estimate)

    def terms(x):
        score, _ = ravel_pytree(family.score(x, *estimate))
        score = score[places]
        bend = family.hessian(x, *estimate)[places[:, None], places[None, :]]
        return score[:, None] * score[None, :], bend

    squares, bends = jax.vmap(terms)(x)
    counted = share[:, None, None]
    inner, outer = (
        jnp.sum(jnp.where(counted > 0, counted * each, 0.0), axis=0) for each in (squares, bends)
    )
    information = family.fisher_information(*estimate)[places[:, None], places[None, :]]
    bread = _inverse(outer)
    found = []
    for covariance in (_inverse(information), bread @ inner @ bread):
        errors = jnp.sqrt(jnp.diag(covariance) / total)
        found.append(unravel(jnp.zeros_like(flat).at[places].set(errors)))
    return Fit(estimate, *found)


def _inverse(matrix):
    """The inverse, scaled to a unit diagonal: parameters have units of their own."""
    size = jnp.sqrt(jnp.abs(jnp.diag(matrix)))
    return jnp.linalg.inv(matrix / size[:, None] / size[None, :]) / size[:, None] / size[None, :]


def matrix_size(count: int) -> int:
    """The d of which so many numbers are a vector and a matrix: d + d * d."""
    return (math.isqrt(1 + 4 * count) - 1) // 2
