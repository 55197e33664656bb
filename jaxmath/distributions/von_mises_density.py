"""The density of the von Mises distribution and its logarithm, with their slopes.

All have the period of the circle.
"""

import math

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.distributions.location_scale import positive
from jaxmath.distributions.standard import Differentiable
from jaxmath.formula import with_rule
from jaxmath.special.bessel import (
    bessel_ratio_complement,
    bessel_ratio_dx,
    i0e,
    log_i0e,
    slope_times,
)
from jaxmath.special.partials import minus
from jaxmath.typing import Real

LOG_TAU = math.log(2 * math.pi)


def half(x, loc):
    """Half of the angle from `loc` to x."""
    return (jnp.asarray(x) - loc) / 2


def rise(x, loc):
    """One less the cosine of the angle from `loc` to x."""
    return 2 * jnp.square(jnp.sin(half(x, loc)))


def sine(x, loc):
    """The sine of the angle from `loc` to x."""
    return jnp.sin(jnp.asarray(x) - loc)


def cosine(x, loc):
    """The cosine of the angle from `loc` to x."""
    return jnp.cos(jnp.asarray(x) - loc)


def _log_prob(x: Real, loc: Real, concentration: Real) -> Float[Array, "..."]:
    """The logarithm of the density per radian, in nats."""
    concentration = positive(concentration)
    s = jnp.sin(half(x, loc))
    return -2 * (concentration * s) * s - log_i0e(concentration) - LOG_TAU


def log_prob_dx(x: Real, loc: Real, concentration: Real) -> Float[Array, "..."]:
    """Minus the concentration times the sine of the angle."""
    return -positive(concentration) * sine(x, loc)


def log_prob_dloc(x: Real, loc: Real, concentration: Real) -> Float[Array, "..."]:
    """The concentration times the sine of the angle."""
    return positive(concentration) * sine(x, loc)


def log_prob_dconcentration(x: Real, loc: Real, concentration: Real) -> Float[Array, "..."]:
    """The cosine of the angle less its mean."""
    return bessel_ratio_complement(positive(concentration)) - rise(x, loc)


def bend(x, loc, concentration):
    """The second derivative of `log_prob` in x."""
    return -positive(concentration) * cosine(x, loc)


def twist(x, loc, concentration):
    """The second derivative of `log_prob` in x and the concentration."""
    return -sine(x, loc) + 0 * positive(concentration)


def narrowing(x, loc, concentration):
    """The second derivative of `log_prob` in the concentration."""
    return -bessel_ratio_dx(positive(concentration)) + 0 * sine(x, loc)


def with_loc(bend, twist, narrowing):
    """The second derivatives of a function of x - loc, from those in x and concentration."""
    return {
        ("x", "x"): bend,
        ("x", "loc"): minus(bend),
        ("x", "concentration"): twist,
        ("loc", "loc"): bend,
        ("loc", "concentration"): minus(twist),
        ("concentration", "concentration"): narrowing,
    }


_LOG_PROB = dict(x=log_prob_dx, loc=log_prob_dloc, concentration=log_prob_dconcentration)
log_prob = with_rule(_log_prob, **_LOG_PROB)
LOG_PROB = Differentiable(log_prob, _log_prob, _LOG_PROB, with_loc(bend, twist, narrowing))


def _times_density(at, *factors):
    """The density times factors, of which none is out of range before the product is."""
    x, loc, concentration = at
    k = positive(concentration)
    s = jnp.sin(half(x, loc))
    root = jnp.exp(-(k * s) * s) / jnp.sqrt(2 * jnp.pi * i0e(k))
    value = root
    for factor in factors:
        value, root = root, value * factor
    return value * root


def _prob(x: Real, loc: Real, concentration: Real) -> Float[Array, "..."]:
    """The density per radian."""
    return _times_density((x, loc, concentration))


def _prob_dx(x, loc, concentration):
    at = (x, loc, concentration)
    return _times_density(at, log_prob_dx(*at))


def _prob_dconcentration(x, loc, concentration):
    at = (x, loc, concentration)
    return _times_density(at, log_prob_dconcentration(*at))


def _prob_dx_dx(x, loc, concentration):
    at = (x, loc, concentration)
    slope = log_prob_dx(*at)
    return _times_density(at, slope, slope) + _times_density(at, bend(*at))


def _prob_dx_dconcentration(x, loc, concentration):
    at = (x, loc, concentration)
    change = log_prob_dx(*at) * log_prob_dconcentration(*at) + twist(*at)
    return _times_density(at, change)


def _prob_dconcentration_dconcentration(x, loc, concentration):
    at = (x, loc, concentration)
    slope = log_prob_dconcentration(*at)
    return _times_density(at, slope, slope) - slope_times(prob(*at), positive(concentration))


prob_dx = with_rule(
    _prob_dx, x=_prob_dx_dx, loc=minus(_prob_dx_dx), concentration=_prob_dx_dconcentration
)
prob_dconcentration = with_rule(
    _prob_dconcentration,
    x=_prob_dx_dconcentration,
    loc=minus(_prob_dx_dconcentration),
    concentration=_prob_dconcentration_dconcentration,
)
_PROB = dict(x=prob_dx, loc=minus(prob_dx), concentration=prob_dconcentration)
prob = with_rule(_prob, **_PROB)
PROB = Differentiable(
    prob,
    _prob,
    _PROB,
    with_loc(_prob_dx_dx, _prob_dx_dconcentration, _prob_dconcentration_dconcentration),
)
