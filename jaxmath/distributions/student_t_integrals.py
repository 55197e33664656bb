r"""How the tails of Student's distribution change with its degrees of freedom.

In $\tau = \log(1 + t^2/\nu)$ and with h half of $\nu$ the tail above t is, but for a factor of h,
$\int_\tau^\infty e^{-h s} (1 - e^{-s})^{-1/2} ds$, and the logarithm of the density grows with
$\nu$ by minus half of

$$G(\tau) = (\tau - q) - q / \nu - \lambda'(h), \qquad q = 1 - e^{-\tau} = t^2 / (\nu + t^2).$$

Of both incomplete beta functions' slopes nothing would be left for large $\nu$; the integral of G
over the density up to where it turns positive, and from there on, cancels nowhere. It is taken by
Gauss's rule from zero, and by the double exponential one (Takahasi and Mori 1974) outwards.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from jaxmath.special.exponential import bernoulli_ratio, expm1_gap, expm1_gap_near
from jaxmath.special.gamma_half_step import log_half_step, log_half_step_dh
from jaxmath.special.loops import loop

OUTER = 1.5
"""From this size of t on G is positive, but for a little."""

_places = np.arange(-36, 40) / 10
_distances = np.exp(_places - np.exp(-_places))
_weights = 0.1 * _distances * (1 + np.exp(-_places)) * np.exp(-_distances)
_OUTWARDS = tuple(zip(_distances.tolist(), _weights.tolist(), strict=True))
_nodes, _shares = np.polynomial.legendre.leggauss(24)
_INWARDS = tuple(zip(((_nodes + 1) / 2).tolist(), (_shares / 2).tolist(), strict=True))


class Moments(NamedTuple):
    """Of the tail above t, seen from its edge; expectations given that T exceeds t.

    Attributes:
        mass: the tail, over that of the same edge with $(1 - e^{-s})^{-1/2}$ one; above one.
        edge: G at t itself.
        rise: the expectation of G less that.
        odds: the expectation of $1 / (e^s - 1)$, over exp(-tau).
    """

    mass: Array
    edge: Array
    rise: Array
    odds: Array


def growth(tau, q, df):
    """The function G."""
    return expm1_gap_near(-tau, -q) - q / df - log_half_step_dh(df / 2)


def moments(tau, df) -> Moments:
    """Those of the tail beyond `OUTER`, for tau > 0."""
    h = df / 2
    q, p = -jnp.expm1(-tau), jnp.exp(-tau)

    def step(carry, distance, weight):
        mass, rise, odds = carry
        way = distance / h
        share = -jnp.expm1(-(tau + way))
        weight = weight / jnp.sqrt(share)
        gap = expm1_gap(-way) - jnp.expm1(-way) * (q - p / df)
        return mass + weight, rise + weight * gap, odds + weight * (jnp.exp(-way) / share)

    start = (jnp.zeros_like(tau + h),) * 3
    mass, rise, odds = loop(step, start, _OUTWARDS, rolled=True)
    return Moments(mass, growth(tau, q, df), rise / mass, odds / mass)


def height(df):
    """The density at zero, over that of a normal variable."""
    return jnp.exp(log_half_step(df / 2))


def from_centre(size, df):
    """By how much the probability between zero and a small size of t grows with `df`."""
    h = df / 2
    z = size / jnp.sqrt(df)
    tiny = z < 1e-9
    root = jnp.where(tiny, z, jnp.sqrt(jnp.log1p(jnp.square(jnp.where(tiny, 1.0, z)))))

    def step(total, node, weight):
        tau = jnp.square(root * node)
        q = -jnp.expm1(-tau)
        ratio = 1 + tau * bernoulli_ratio(tau)  # tau / q, whose slope would underflow
        return total + weight * jnp.exp(-h * tau) * jnp.sqrt(ratio) * growth(tau, q, df)

    total = loop(step, jnp.zeros_like(root + h), _INWARDS, rolled=True)
    return -height(df) * jnp.sqrt(h / jnp.pi) * (root * total) / 2
