r"""What a maximum-likelihood fit returns, its errors, and the weights of its observations.

With the score $s_i$ and the Hessian $H_i$ of each observation's log likelihood at the estimate, the
covariance of the estimate is the inverse of the Fisher information of the whole sample if the
family is true, and the sandwich $A^{-1} B A^{-1}$, $A = \sum w_i H_i$,
$B = \sum w_i s_i s_i^\top$, whether or not it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float

from jaxmath.typing import Real

if TYPE_CHECKING:
    from jaxmath.distributions.family import Family


class Fit(NamedTuple):
    """Maximum-likelihood estimate and its errors, each shaped as the family's parameters.

    The standard errors are the square roots of the diagonal of the inverse Fisher information of
    the whole sample, taken at the estimate; the robust ones those of the sandwich.
    """

    estimate: Any
    standard_errors: Any
    robust_errors: Any


def observations(
    x: Real, weights: Real | None
) -> tuple[Float[Array, " n"], Float[Array, " n"], Float[Array, ""]]:
    """The data, each one's share of the weight, and the total weight.

    A weight says how many times its observation counts; with weight zero it may be anything, NaN
    included, and counts for nothing.
    """
    x = jnp.asarray(x)
    if x.ndim != 1 or x.size == 0:
        raise ValueError(f"A fit needs one axis of at least one observation, got shape {x.shape}.")
    if weights is None:
        return x, jnp.full_like(x, 1 / x.size), jnp.asarray(x.size, x.dtype)
    weights = jnp.asarray(weights, x.dtype)
    if weights.shape != x.shape:
        raise ValueError(f"{x.shape[0]} observations, but weights of shape {weights.shape}.")
    total = jnp.sum(weights)
    some = x[jnp.argmax(weights > 0)]  # at which likelihoods are finite
    return jnp.where(weights == 0, some, x), weights / total, total


def with_errors(family: Family, estimate, x, share, total) -> Fit:
    """The fit with both kinds of standard errors, at an estimate from these observations.

    Parameters that cannot be differentiated in are known, and have no error.
    """
    # A tuple: a dictionary would be raveled in the order of the alphabet.
    flat, unravel = ravel_pytree(tuple(jnp.asarray(getattr(estimate, n)) for n in family.moving))
    known = {name: jnp.zeros_like(value) for name, value in estimate._asdict().items()}

    def terms(x):
        score, _ = ravel_pytree(family.score(x, *estimate))
        return score[:, None] * score[None, :], family.hessian(x, *estimate)

    squares, hessians = jax.vmap(terms)(x)
    counted = jnp.where(share > 0, share, 0.0)[:, None, None]
    inner, outer = (
        jnp.sum(jnp.where(counted > 0, counted * each, 0.0), axis=0) for each in (squares, hessians)
    )
    bread = _inverse(outer)
    information = family.fisher_information(*estimate)
    errors = (
        jnp.sqrt(jnp.diag(covariance) / total)
        for covariance in (_inverse(information), bread @ inner @ bread)
    )

    def named(error):
        parts = unravel(error.astype(flat.dtype))
        return estimate._replace(**(known | dict(zip(family.moving, parts, strict=True))))

    return Fit(estimate, *(named(error) for error in errors))


def _inverse(matrix):
    """The inverse, scaled to a unit diagonal: parameters have units of their own."""
    size = jnp.sqrt(jnp.abs(jnp.diag(matrix)))
    if matrix.shape == (1, 1):
        return 1 / matrix
    return jnp.linalg.inv(matrix / size[:, None] / size[None, :]) / size[:, None] / size[None, :]
