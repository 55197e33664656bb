r"""Maximum likelihood for any family: Newton's method in coordinates without ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp

from jaxmath.distributions.coordinates import constrained, free, mean_loss, newton
from jaxmath.distributions.fitting import Fit, observations, with_errors

if TYPE_CHECKING:
    from jaxmath.distributions.family import Family

ITERATIONS = 100


def fit(family: Family):
    """The function that fits a family to observations; NaN where it doesn't converge."""

    @jax.jit
    def fit(x, weights=None) -> Fit:
        x, share, total = observations(x, weights)
        return with_errors(family, likeliest(family, x, share), x, share, total)

    return fit


def likeliest(family: Family, x, share):
    """The parameters that maximise the mean log likelihood; NaN where it doesn't converge.

    In free coordinates u (logarithms of distances from an end) the negative log likelihood is
    minimised by Newton steps with the Hessian's absolute eigenvalues, damped until each step
    improves, from u = 0 or from where the family says.
    """
    loss = mean_loss(family, x, share)
    gradient, hessian = jax.grad(loss), jax.hessian(loss)

    def step(_, state):
        u, damping = state
        moved = newton(u, gradient(u), hessian(u), damping)
        better = loss(moved) <= loss(u)
        return (
            jnp.where(better, moved, u),
            jnp.where(better, damping / 8, 8 * jnp.maximum(damping, 1e-3)),
        )

    start = jnp.zeros(len(family.parameters), x.dtype)
    if family.start is not None:
        begin = free(family, family.start(x, share))
        start = jnp.where(jnp.all(jnp.isfinite(begin)), begin, start)
    u, _ = jax.lax.fori_loop(0, ITERATIONS, step, (start, jnp.ones((), x.dtype)))
    values, vectors = jnp.linalg.eigh(hessian(u))
    decrement = jnp.square(vectors.T @ gradient(u)) / values
    converged = jnp.all(decrement >= 0) & (jnp.sum(decrement) < jnp.finfo(x.dtype).eps)
    return constrained(family, jnp.where(converged, u, jnp.nan))
