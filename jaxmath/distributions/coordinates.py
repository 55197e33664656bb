"""Coordinates without ends for the parameters of a family, and likelihoods searched in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp

from jaxmath.distributions.quadrature import is_infinite
from jaxmath.domains import Interval

if TYPE_CHECKING:
    from jaxmath.distributions.family import Family


def without_coordinates(family: Family) -> str:
    """The reason why the parameters have no such coordinates; nothing if they have."""
    if all(isinstance(domain, Interval) for domain in family.parameters):
        return ""
    return "no generic route for parameters that are not single real numbers."


def constrained(family: Family, u):
    """The parameters with these free coordinates: logarithms of distances from an end."""
    return family.params(
        *(_inside(domain, value) for domain, value in zip(family.parameters, u, strict=True))
    )


def free(family: Family, params):
    """The free coordinates of parameters."""
    pairs = zip(family.parameters, params, strict=True)
    return jnp.stack([_freed(domain, value) for domain, value in pairs])


def mean_loss(family: Family, x, share):
    """The mean negative log likelihood of observations as a function of free coordinates."""

    def loss(u):
        values = jax.vmap(lambda x: family.log_prob(x, *constrained(family, u)))(x)
        return -jnp.sum(jnp.where(share > 0, share * values, 0.0))

    return loss


def newton(u, gradient, hessian, damping):
    """The point after a Newton step by the Hessian's absolute eigenvalues, damped."""
    values, vectors = jnp.linalg.eigh(hessian)
    return u - vectors @ ((vectors.T @ gradient) / (jnp.abs(values) + damping))


def _inside(domain, u):
    if is_infinite(domain.low) and is_infinite(domain.high):
        return u
    if is_infinite(domain.high):
        return domain.low + jnp.exp(u)
    if is_infinite(domain.low):
        return domain.high - jnp.exp(-u)
    return domain.low + (domain.high - domain.low) * jax.nn.sigmoid(u)


def _freed(domain, value):
    if is_infinite(domain.low) and is_infinite(domain.high):
        return value
    if is_infinite(domain.high):
        return jnp.log(value - domain.low)
    if is_infinite(domain.low):
        return -jnp.log(domain.high - value)
    return jnp.log(value - domain.low) - jnp.log(domain.high - value)
