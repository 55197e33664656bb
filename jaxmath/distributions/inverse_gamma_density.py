r"""The density of the inverse gamma distribution and its logarithm, with all their derivatives.

With $z = \beta / x$ they are made of the parts of the gamma distribution's.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.distributions.gamma_density import (
    excess_bend,
    log_density,
    log_excess,
    square,
)
from jaxmath.distributions.location_scale import positive
from jaxmath.special.gamma import trigamma
from jaxmath.special.partials import Rule, with_partials
from jaxmath.special.ratio import log_ratio
from jaxmath.typing import Real


def parts(x, concentration, scale):
    """The scale over the value, the value, one up to zero, and both parameters."""
    a, b = positive(concentration), positive(scale)
    x = jnp.asarray(x)
    inner = jnp.where(x > 0, x, jnp.where(x <= 0, 1.0, jnp.nan))
    return b / inner, inner, a, b


def inside(fn, outside=0.0):
    """A function of z, x and both parameters where x is positive; a constant up to zero."""

    def function(x, concentration, scale):
        z, inner, a, b = parts(x, concentration, scale)
        rest = outside + 0.0 * (a + b)
        return jnp.where(jnp.asarray(x) <= 0, rest, fn(z, inner, a, b) + 0.0 * (inner + a + b))

    return function


def log_of_z(z, x, b):
    """The logarithm of z = b / x."""
    return log_ratio(b, x)


def _density(z, x, a, b):
    """The logarithm of the density times x."""
    return log_density(z, a, log_of_z(z, x, b))


def excess(z, x, a, b):
    """`log_excess`, of the entries that a factor of `times_density` takes."""
    return log_excess(z, a, log_of_z(z, x, b))


def _log_prob(x: Real, concentration: Real, scale: Real) -> Float[Array, "..."]:
    """The logarithm of the density, in nats."""
    value = inside(lambda z, x, a, b: _density(z, x, a, b) - jnp.log(x), -jnp.inf)
    return value(x, concentration, scale)


BENDS = {
    ("x", "x"): inside(lambda z, x, a, b: (a + 1 - 2 * z) / x / x),
    ("x", "concentration"): inside(lambda z, x, a, b: -1 / x),
    ("x", "scale"): inside(lambda z, x, a, b: 1 / x / x),
    ("concentration", "concentration"): inside(lambda z, x, a, b: -trigamma(a)),
    ("concentration", "scale"): inside(lambda z, x, a, b: 1 / b),
    ("scale", "scale"): inside(lambda z, x, a, b: -a / b / b),
}
log_prob, LOG_PROB = with_partials(
    _log_prob,
    dict(
        x=inside(lambda z, x, a, b: (z - a - 1) / x),
        concentration=inside(excess),
        scale=inside(lambda z, x, a, b: a / b - 1 / x),
    ),
    BENDS,
)


def times_density(factor, over=1):
    """The density times x, times a factor, over a power of x: large where the density underflows.

    In this order no product is beyond an end of the dtype before the last one is.
    """

    def product(z, x, a, b):
        part = jnp.exp(_density(z, x, a, b) / 4)
        few, many = jnp.where(x < 1, 1 / x, 1.0), jnp.where(x < 1, 1.0, x)
        first, second, third = (part * few if over > k else part for k in (0, 2, 1))
        there = jnp.where(part > 0, factor(z, x, a, b), 0.0)
        value, rest = first * part, there * third
        value = value * second * rest if over > 2 else value * (rest * second)
        for k in range(over):
            value = value / many if k == 0 else value * (1 / many)
        return value

    return inside(product)


def _prob(x: Real, concentration: Real, scale: Real) -> Float[Array, "..."]:
    """The density; its unit is one over that of x."""
    return times_density(lambda z, x, a, b: jnp.ones_like(z))(x, concentration, scale)


PROB_BENDS = {
    ("x", "x"): times_density(lambda z, x, a, b: square(z, a + 2), 3),
    ("x", "concentration"): times_density(
        lambda z, x, a, b: (z - a - 1) * excess(z, x, a, b) - 1, 2
    ),
    ("x", "scale"): times_density(lambda z, x, a, b: -square(z, a + 1) / b, 2),
    ("concentration", "concentration"): times_density(
        lambda z, x, a, b: excess_bend(z, a, log_of_z(z, x, b))
    ),
    ("concentration", "scale"): times_density(
        lambda z, x, a, b: ((a - z) * excess(z, x, a, b) + 1) / b
    ),
    ("scale", "scale"): times_density(lambda z, x, a, b: square(z, a) / b / b),
}
prob, PROB = with_partials(
    _prob,
    dict(
        x=times_density(lambda z, x, a, b: z - a - 1, 2),
        concentration=times_density(excess),
        scale=times_density(lambda z, x, a, b: (a - z) / b),
    ),
    PROB_BENDS,
)
DENSITY = dict(log_prob=Rule(LOG_PROB, BENDS, _log_prob), prob=Rule(PROB, PROB_BENDS, _prob))
"""Their derivatives, by name."""
