r"""Intervals of confidence around a fit, for the parameters of any family.

A fit is a maximum $\hat\theta$ of the log likelihood $\ell$. Wald's interval takes $\ell$ for a
parabola; the likelihood ratio's walks along the ridge of $\ell$, over which the other parameters
are refitted, until $2(\ell(\hat\theta) - \ell)$ has reached the quantile of the $\chi^2_1$
distribution. The second keeps inside the parameters' domain, and moves with them when they are
transformed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxmath.distributions.coordinates import constrained, free, mean_loss, newton
from jaxmath.distributions.fitting import Fit, observations
from jaxmath.special.normal_tail import ndtri
from jaxmath.typing import Scalar

if TYPE_CHECKING:
    from jaxmath.distributions.family import Family

NEWTON_STEPS = 12
HALVINGS = 48
DOUBLINGS = 24


class Ends(NamedTuple):
    """The lower and the upper end of intervals, each shaped as the family's parameters."""

    low: Any
    high: Any


def interval(family: Family):
    """Wald's interval: the estimate and so many standard errors to both sides."""
    del family

    def interval(fit: Fit, level: Scalar = 0.95, robust: bool = False) -> Ends:
        """The estimate and so many standard errors to both sides.

        `level` is the probability to cover the truth; `robust` takes the sandwich's errors. It may
        reach out of the parameters' domain.
        """
        errors = fit.robust_errors if robust else fit.standard_errors
        times = ndtri((1 + jnp.asarray(level, jnp.result_type(*fit.estimate))) / 2)
        low = jax.tree.map(lambda value, error: value - times * error, fit.estimate, errors)
        high = jax.tree.map(lambda value, error: value + times * error, fit.estimate, errors)
        return Ends(low, high)

    return interval


def profile(family: Family):
    """The interval of the likelihood ratio, the other parameters refitted."""

    @jax.jit
    def profile(fit: Fit, x, level: Scalar = 0.95, weights=None) -> Ends:
        """The parameters whose profile likelihood is not too far below that of the fit to x.

        `level` is the probability to cover the truth. NaN where the fit is.
        """
        x, share, total = observations(x, weights)
        centre = free(family, fit.estimate)
        threshold = jnp.square(ndtri((1 + jnp.asarray(level, x.dtype)) / 2)) / 2 / total
        loss = mean_loss(family, x, share)
        least = loss(centre)

        def drop(k, distance):
            """How far the mean profile lies below the maximum, so far from it in coordinate k."""
            start = centre.at[k].add(distance)
            held = jnp.arange(centre.size) == k

            def step(_, u):
                gradient, hessian = jax.grad(loss)(u), jax.hessian(loss)(u)
                gradient = jnp.where(held, 0.0, gradient)
                hessian = jnp.where(
                    held[:, None] | held[None, :], jnp.diag(jnp.ones_like(u)), hessian
                )
                moved = newton(u, gradient, hessian, 0.0)
                return jnp.where(loss(moved) <= loss(u), moved, u)

            steps = NEWTON_STEPS if centre.size > 1 else 0
            return loss(jax.lax.fori_loop(0, steps, step, start)) - least

        unit = 1 / jnp.sqrt(total * jnp.abs(jnp.diag(jax.hessian(loss)(centre))))

        def end(k, sign):
            def reach(_, width):
                return jnp.where(drop(k, sign * width) < threshold, 2 * width, width)

            def halve(_, bracket):
                below, above = bracket
                middle = (below + above) / 2
                over = ~(drop(k, sign * middle) < threshold)
                return jnp.where(over, below, middle), jnp.where(over, middle, above)

            width = jax.lax.fori_loop(0, DOUBLINGS, reach, unit[k])
            found, _ = jax.lax.fori_loop(0, HALVINGS, halve, (jnp.zeros_like(width), width))
            return constrained(family, centre.at[k].add(sign * found))[k]

        ends = [[end(k, sign) for k in range(centre.size)] for sign in (-1.0, 1.0)]
        return Ends(*(family.params(*values) for values in ends))

    return profile
