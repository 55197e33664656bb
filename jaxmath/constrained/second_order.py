r"""One second-order cone: Nesterov-Todd scaling, its products, and how far a step stays inside.

With $J = \operatorname{diag}(1, -1, \dots, -1)$ the scaling of s and z is
$W = \beta (2 v v^\top - J)$, for which $W^{-1} s = W z = \lambda$ (Vandenberghe 2010, section 4.2).
"""

from typing import Any, NamedTuple

import jax.numpy as jnp


class Scaling(NamedTuple):
    """Of a pair of points inside: W, and the point on which it takes both."""

    beta: Any
    v: Any
    point: Any


def mirrored(u):
    """J u."""
    return jnp.concatenate([u[:1], -u[1:]])


def determinant(u):
    """The product of the spectral values."""
    size = jnp.linalg.norm(u[1:])
    return (u[0] - size) * (u[0] + size)


def scaling(s, z) -> Scaling:
    """The scaling of a slack and a multiplier."""
    slack, price = determinant(s), determinant(z)
    s, z = s / jnp.sqrt(slack), z / jnp.sqrt(price)
    gamma = jnp.sqrt((1 + s @ z) / 2)
    w = (s + mirrored(z)) / (2 * gamma)
    v = w.at[0].add(1) / jnp.sqrt(2 * (w[0] + 1))
    beta = jnp.sqrt(jnp.sqrt(slack / price))
    rest = ((gamma + z[0]) * s[1:] + (gamma + s[0]) * z[1:]) / (s[0] + z[0] + 2 * gamma)
    size = jnp.sqrt(jnp.sqrt(slack * price))
    return Scaling(beta, v, size * jnp.concatenate([gamma[None], rest]))


def slack(scaling: Scaling, u):
    """W u: the slack of a scaled one."""
    return scaling.beta * (2 * scaling.v * (scaling.v @ u) - mirrored(u))


def multiplier(scaling: Scaling, u):
    """The multiplier of a scaled one, which is also the scaled one of a slack."""
    v = mirrored(scaling.v)
    return (2 * v * (v @ u) - mirrored(u)) / scaling.beta


scaled_slack = multiplier


def point(scaling: Scaling):
    """Where slack and multiplier meet."""
    return scaling.point


def product(u, v):
    """Of the cone's algebra."""
    return jnp.concatenate([(u @ v)[None], u[0] * v[1:] + v[0] * u[1:]])


def quotient(scaling: Scaling, u):
    """What the point times it is u."""
    at = scaling.point
    first = (mirrored(at) @ u) / determinant(at)
    return jnp.concatenate([first[None], (u[1:] - first * at[1:]) / at[0]])


def shrinkage(scaling: Scaling, u):
    """One over the step along u, from the point, at which the boundary is; negative if never."""
    at = scaling.point
    size = jnp.sqrt(determinant(at))
    at = at / size
    first = mirrored(at) @ u
    rest = u[1:] - (first + u[0]) / (at[0] + 1) * at[1:]
    return (jnp.linalg.norm(rest) - first) / size
