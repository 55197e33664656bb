r"""The delta method: how uncertain a function of fitted parameters is.

To first order the variance of $g(\hat\theta)$ is $\nabla g^\top \Sigma \nabla g$, where $\Sigma$ is
the covariance of the estimate.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float

from jaxmath.distributions.family import Family
from jaxmath.distributions.fitting import Fit
from jaxmath.special.normal_tail import ndtri
from jaxmath.typing import Scalar


class Delta(NamedTuple):
    """A value, its standard error, and the interval around it, all of the function's shape."""

    value: Any
    error: Any
    low: Any
    high: Any


def covariance(family: Family, fit: Fit) -> Float[Array, "k k"]:
    """That of a maximum-likelihood estimate, over the parameters that are differentiated in.

    The inverse of the Fisher information at the estimate, in the scale of the standard errors. NaN
    where the family has no regular likelihood.
    """
    information = family.fisher_information(*fit.estimate)
    size = jnp.sqrt(jnp.diag(information))
    inverse = jnp.linalg.inv(information / size[:, None] / size[None, :])
    root = jnp.sqrt(jnp.diag(inverse))
    moving = [jnp.asarray(getattr(fit.standard_errors, name)) for name in family.moving]
    errors, _ = ravel_pytree(moving)
    return inverse / root[:, None] / root[None, :] * errors[:, None] * errors[None, :]


def delta(fn: Callable[..., Any], family: Family, fit: Fit, level: Scalar = 0.95) -> Delta:
    """The function `fn(*params)` at a fit of the family, with its standard error and interval.

    `level` is the probability with which the interval covers the truth, for many observations. The
    error is zero where the slope is: there the first order says nothing.
    """
    start, unravel = ravel_pytree(tuple(getattr(fit.estimate, name) for name in family.moving))

    def of_vector(theta):
        moved = dict(zip(family.moving, unravel(theta), strict=True))
        return jnp.asarray(fn(*fit.estimate._replace(**moved)))

    value, jacobian = of_vector(start), jax.jacfwd(of_vector)(start)
    sigma = covariance(family, fit)
    error = jnp.sqrt(jnp.sum((jacobian @ sigma) * jacobian, axis=-1))
    times = ndtri((1 + jnp.asarray(level, value.dtype)) / 2)
    return Delta(value, error, value - times * error, value + times * error)
