"""The quantiles of the gamma distribution from either end, with their slopes in closed form.

Those of the inverse gamma distribution are one over these, and have their slopes from here.
"""

import inspect
from typing import Any

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
from jaxmath.special.partials import Rule, with_partials
from jaxmath.typing import Real


def inverted(lower: bool, power: int, scale: str):
    """The slopes of a quantile of rate one over `scale`, or of that scale over one, and theirs.

    Of the inverse of the lower or the upper tail, to the power 1 or -1. By argument: p,
    concentration and the scale.
    """

    def slope(part: Part | None, order: int = 0):
        """A slope that is differentiated in the scale as well, `order` times."""

        def of(p, concentration, scale):
            a, s, p = jnp.broadcast_arrays(positive(concentration), positive(scale), p)
            at = answer(a, p, lower)
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

        result: Any = of
        names = ("p", "concentration", scale)
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        result.__signature__ = inspect.Signature([inspect.Parameter(n, kind) for n in names])
        return result

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
    return partials, seconds


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


_QUANTILE_SLOPES, _QUANTILE_BENDS = inverted(True, 1, "rate")
_ISF_SLOPES, _ISF_BENDS = inverted(False, 1, "rate")
quantile, _QUANTILE = with_partials(_quantile, _QUANTILE_SLOPES, _QUANTILE_BENDS)
isf, _ISF = with_partials(_isf, _ISF_SLOPES, _ISF_BENDS)
QUANTILES = dict(
    quantile=Rule(_QUANTILE, _QUANTILE_BENDS, _quantile), isf=Rule(_ISF, _ISF_BENDS, _isf)
)
"""Their derivatives, by name."""
