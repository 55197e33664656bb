r"""Maximum likelihood for any family: Newton's method in coordinates without ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from jaxmath.distributions.fitting import Fit, observations
from jaxmath.distributions.quadrature import is_infinite
from jaxmath.domains import Interval

if TYPE_CHECKING:
    from jaxmath.distributions.family import Family

ITERATIONS = 100


def no_fit(family: Family) -> str:
    """The reason why a family cannot be fitted this way; nothing if it can."""
    if all(isinstance(domain, Interval) for domain in family.parameters):
        return ""
    return "no generic route for parameters that are not single real numbers."


def fit(family: Family):
    """The function that fits a family to observations; NaN where it doesn't converge.

    In free coordinates u (logarithms of distances from an end) the negative log likelihood is
    minimised from u = 0 by Newton steps with the Hessian's absolute eigenvalues, damped until each
    step improves.
    """

    @jax.jit
    def fit(x, weights=None) -> Fit:
        x, share, total = observations(x, weights)

        def loss(u):
            values = jax.vmap(lambda x: family.log_prob(x, *_constrained(family, u)))(x)
            return -jnp.sum(jnp.where(share > 0, share * values, 0.0))

        gradient, hessian = jax.grad(loss), jax.hessian(loss)

        def step(_, state):
            u, damping = state
            values, vectors = jnp.linalg.eigh(hessian(u))
            curvature = jnp.abs(values) + damping
            moved = u - vectors @ ((vectors.T @ gradient(u)) / curvature)
            better = loss(moved) <= loss(u)
            return (
                jnp.where(better, moved, u),
                jnp.where(better, damping / 8, 8 * jnp.maximum(damping, 1e-3)),
            )

        start = jnp.zeros(len(family.parameters), x.dtype)
        u, _ = jax.lax.fori_loop(0, ITERATIONS, step, (start, jnp.ones((), x.dtype)))
        values, vectors = jnp.linalg.eigh(hessian(u))
        decrement = jnp.square(vectors.T @ gradient(u)) / values
        converged = jnp.all(decrement >= 0) & (jnp.sum(decrement) < jnp.finfo(x.dtype).eps)
        estimate = _constrained(family, jnp.where(converged, u, jnp.nan))
        information = total * family.fisher_information(*estimate)
        _, unravel = ravel_pytree(estimate)
        return Fit(estimate, unravel(jnp.sqrt(jnp.diag(jnp.linalg.inv(information)))))

    return fit


def _constrained(family, u):
    """The parameters with these free coordinates."""
    return family.params(
        *(_inside(domain, value) for domain, value in zip(family.parameters, u, strict=True))
    )


def _inside(domain, u):
    if is_infinite(domain.low) and is_infinite(domain.high):
        return u
    if is_infinite(domain.high):
        return domain.low + jnp.exp(u)
    if is_infinite(domain.low):
        return domain.high - jnp.exp(-u)
    return domain.low + (domain.high - domain.low) * jax.nn.sigmoid(u)
