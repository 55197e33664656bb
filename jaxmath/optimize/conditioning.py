r"""How steep and how flat a function is at a point, and what that promises methods of fixed steps.

With curvatures between $\mu$ and $L$, and $\kappa = L / \mu$, the error in each eigendirection of a
quadratic contracts in the long run by $\rho$ a step of

$$ v \leftarrow \beta v - \eta \nabla f(x + \gamma \beta v), \qquad x \leftarrow x + v: $$

- gradient descent, $\beta = 0$: $\rho = (\kappa - 1) / (\kappa + 1)$ at $\eta = 2 / (L + \mu)$;
- Nesterov's method, $\gamma = 1$: $\rho = 1 - 1 / \sqrt\kappa$ at $\eta = 1 / L$,
  $\beta = (\sqrt\kappa - 1) / (\sqrt\kappa + 1)$;
- the heavy ball, $\gamma = 0$: $\rho = (\sqrt\kappa - 1) / (\sqrt\kappa + 1)$ at
  $\eta = 4 / (\sqrt L + \sqrt\mu)^2$, $\beta = \rho^2$.

(Polyak 1964; Nesterov 2004, theorems 2.1.15 and 2.2.3; Lessard, Recht and Packard 2016, proposition
1, whose constants for Nesterov's method on quadratics alone are a little better.)
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree


class Pace(NamedTuple):
    """The constants of a method of fixed steps, and the factor of the error in a step."""

    step: Any
    momentum: Any
    rate: Any


class Conditioning(NamedTuple):
    """The curvature of a function at a point.

    Attributes:
        strong_convexity: the least curvature, mu.
        smoothness: the largest, L.
        number: the condition number L / mu; infinite where mu is not positive.
        gradient_descent, nesterov, heavy_ball: what they imply. Where mu is not positive the rate
            is one: nothing is promised. Where L is not positive either, the steps are NaN.
    """

    strong_convexity: Any
    smoothness: Any
    number: Any
    gradient_descent: Pace
    nesterov: Pace
    heavy_ball: Pace


def conditioning(objective: Callable[[Any, Any], Any], x: Any, args: Any = None) -> Conditioning:
    """Find the least and the largest curvature of `objective(x, args)` at x, and what they imply.

    Args:
        objective: a scalar function of the point and the parameters, twice differentiable.
        x: any pytree of floating-point arrays; their Hessian is formed.
        args: the parameters.
    """
    flat, unravel = ravel_pytree(x)
    hessian = jax.hessian(lambda flat: objective(unravel(flat), args))(flat)
    values = jnp.linalg.eigvalsh(hessian)
    return implied_by(values[0], values[-1])


def implied_by(strong_convexity: Any, smoothness: Any) -> Conditioning:
    """What curvatures between two numbers imply."""
    most = jnp.asarray(smoothness, jnp.result_type(float, smoothness))
    most = jnp.where(most > 0, most, jnp.nan)
    least = jnp.clip(strong_convexity, 0, most)
    share = least / most
    root = jnp.sqrt(jnp.where(share > 0, share, 1)) * (share > 0)
    momentum = (1 - root) / (1 + root)
    return Conditioning(
        jnp.asarray(strong_convexity),
        jnp.asarray(smoothness),
        jnp.where(share > 0, 1 / jnp.where(share > 0, share, 1), jnp.inf),
        Pace(2 / (most + least), jnp.zeros_like(share), (1 - share) / (1 + share)),
        Pace(1 / most, momentum, 1 - root),
        Pace(4 / (most * (1 + root) ** 2), momentum**2, momentum),
    )
