r"""One semidefinite cone: Nesterov-Todd scaling, its products, and how far a step stays inside.

With the factors $s = L_1 L_1^\top$, $z = L_2 L_2^\top$ and $L_2^\top L_1 = U \Lambda V^\top$ the
scaling is by $R = L_1 V \Lambda^{-1/2}$: $R^{-1} s R^{-\top} = R^\top z R = \Lambda$ (Vandenberghe
2010, section 4.3). Members are matrices here.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp


class Scaling(NamedTuple):
    """Of a pair of points inside: R, its inverse, and the diagonal on which they take both."""

    root: Any
    inverse: Any
    point: Any


def scaling(s, z) -> Scaling:
    """The scaling of a slack and a multiplier."""
    low, high = (jnp.linalg.cholesky(one, symmetrize_input=False) for one in (s, z))
    U, values, Vh = jnp.linalg.svd(high.T @ low)
    roots = jax.lax.rsqrt(values)
    return Scaling(low @ Vh.T * roots[None], (U * roots[None]).T @ high.T, values)


def slack(scaling: Scaling, u):
    """The slack of a scaled one."""
    return scaling.root @ u @ scaling.root.T


def multiplier(scaling: Scaling, u):
    """The multiplier of a scaled one."""
    return scaling.inverse.T @ u @ scaling.inverse


def scaled_slack(scaling: Scaling, u):
    """The scaled one of a slack."""
    return scaling.inverse @ u @ scaling.inverse.T


def point(scaling: Scaling):
    """Where slack and multiplier meet."""
    return jnp.diag(scaling.point)


def product(u, v):
    """Of the cone's algebra."""
    found = u @ v
    return (found + found.T) / 2


def quotient(scaling: Scaling, u):
    """What the point times it is u."""
    return 2 * u / (scaling.point[:, None] + scaling.point[None])


def shrinkage(scaling: Scaling, u):
    """One over the step along u, from the point, at which the boundary is; negative if never."""
    roots = jax.lax.rsqrt(scaling.point)
    return -jnp.linalg.eigvalsh(u * roots[:, None] * roots[None])[0]
