"""The quantiles of the gamma distribution from either end, with their slopes in closed form.

Those of the inverse gamma distribution are one over these, and have their slopes from here.
"""

import inspect

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.distributions.location_scale import positive
from jaxmath.special.gamma import gammaln
from jaxmath.special.inverse_gamma import (
    IN_A,
    IN_A_A,
    IN_P,
    IN_P_A,
    IN_P_P,
    Part,
    answer,
    gammainccinv,
    gammaincinv,
    lifted,
)
from jaxmath.special.logarithm import log1p
from jaxmath.special.loops import if_any
from jaxmath.special.partials import with_answer
from jaxmath.typing import Real


def inverted(quantile, lower: bool, power: int):
    """A quantile bound to its slopes: the inverse of the lower or the upper tail.

    To the power 1, of that over a rate, or -1, of a scale over that. Its arguments are p, the
    concentration and that rate or scale.
    """
    scale = list(inspect.signature(quantile).parameters)[2]

    def solved(p, concentration, scale):
        a, s, p = jnp.broadcast_arrays(positive(concentration), positive(scale), p)
        return answer(a, p, lower), a, s

    def slope(part: Part | None, order: int = 0):
        """A slope that is differentiated in the scale as well, `order` times."""

        def of(solution, *_):
            at, a, s = solution
            one = jnp.ones_like(at.x)
            root, sign = (one, one) if part is None else part.halves(at, power)
            at_end = at.end if part is None else part.at_end(a, at.end)
            at_end = jnp.where(part is IN_P and not lower, -at_end, at_end)
            at_end = at_end / s if power == 1 else sign * jnp.square(root) * (s / at.end)
            for step in range(order):
                change = -(step + 1) / s if power == 1 else (1 - step) / s
                root, sign = root * jnp.sqrt(jnp.abs(change)), sign * jnp.sign(change)
                at_end = at_end * change
            half = root * (jnp.sqrt(s) / jnp.sqrt(at.x))
            usual = (at.x * root) * (root / s) if power == 1 else jnp.square(half)
            value = sign * jnp.where(at.tiny, lifted(power * (at.log - jnp.log(s)), root), usual)
            return jnp.where(at.usual | at.tiny, value, at_end)

        return of

    shape = "concentration"
    partials = {"p": slope(IN_P), shape: slope(IN_A), scale: slope(None, 1)}
    seconds = {
        ("p", "p"): slope(IN_P_P),
        ("p", shape): slope(IN_P_A),
        ("p", scale): slope(IN_P, 1),
        (shape, shape): slope(IN_A_A),
        (shape, scale): slope(IN_A, 1),
        (scale, scale): slope(None, 2),
    }
    return with_answer(quantile, solved, partials, seconds)


def _of_rate_one(p, concentration, rate, fn, log_lower):
    """A quantile, also where that of rate one leaves the dtype; `log_lower` as the tail has it."""
    a, b, p = positive(concentration), positive(rate), jnp.asarray(p)
    standard = fn(a, p)
    tiny = standard < 4 * jnp.finfo(standard.dtype).tiny

    def first(a, b):
        """The first term of the series at zero."""
        return jnp.exp((log_lower + gammaln(1 + a)) / a - jnp.log(b))

    return jnp.where(tiny, if_any(tiny, first, a, b), standard / b)


def _quantile(p: Real, concentration: Real, rate: Real) -> Float[Array, "..."]:
    """The x below which lies probability p; NaN for p outside [0, 1]."""
    return _of_rate_one(p, concentration, rate, gammaincinv, jnp.log(p))


def _isf(p: Real, concentration: Real, rate: Real) -> Float[Array, "..."]:
    """The x above which lies probability p; NaN for p outside [0, 1]."""
    return _of_rate_one(p, concentration, rate, gammainccinv, log1p(-jnp.asarray(p)))


quantile, _QUANTILE = inverted(_quantile, lower=True, power=1)
isf, _ISF = inverted(_isf, lower=False, power=1)
QUANTILES = dict(quantile=_QUANTILE, isf=_ISF)
"""Their derivatives, by name."""
