r"""Second differences $\Delta_h \Delta_k f(x)$ of log-gamma and of its derivatives.

$f(x + h + k) - f(x + h) - f(x + k) + f(x)$ for x > 0 and h, k >= 0 is the integral of a first
difference of the slope over either step. Over the shorter one the rule of Gauss takes it, where
that is no longer than x: the pole at zero is then as far away as the rule needs. Where both are
longer the terms are of different size.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.formula import with_rule
from jaxmath.special.gamma import digamma_difference, gammaln_difference, trigamma_difference
from jaxmath.special.gauss import gauss_legendre
from jaxmath.special.loops import loop
from jaxmath.special.partials import along
from jaxmath.typing import Real

_RULE = list(zip(*(each.tolist() for each in gauss_legendre(12)), strict=True))
_tetragamma_difference = along(trigamma_difference, 0)


def _twice(difference, slope, x, h, k):
    """The second difference of a function with these differences, and these ones of its slope."""
    x, h, k = (jnp.asarray(each) for each in (x, h, k))
    least, most = jnp.minimum(h, k), jnp.maximum(h, k)
    close = least <= x
    step = jnp.where(close, least, 0.0)

    def add(total, place, weight):
        return total + weight * slope(x + step * place, most)

    near = loop(add, 0.0 * (x + step + most), _RULE, rolled=True)
    return jnp.where(close, step * near, difference(x + least, most) - difference(x, most))


def _gammaln_twice(x: Real, h: Real, k: Real) -> Float[Array, "..."]:
    """Of the logarithm of the gamma function; never negative."""
    return _twice(gammaln_difference, digamma_difference, x, h, k)


def _digamma_twice(x: Real, h: Real, k: Real) -> Float[Array, "..."]:
    """Of its slope; never positive."""
    return _twice(digamma_difference, trigamma_difference, x, h, k)


def _trigamma_twice(x: Real, h: Real, k: Real) -> Float[Array, "..."]:
    """Of its curvature; never negative."""
    return _twice(trigamma_difference, _tetragamma_difference, x, h, k)


def _in_steps(difference):
    """The slopes in both steps: differences over the other one."""
    return dict(
        h=lambda x, h, k: difference(x + h, k) + 0.0 * h,
        k=lambda x, h, k: difference(x + k, h) + 0.0 * k,
    )


trigamma_twice = with_rule(
    _trigamma_twice, x=along(_trigamma_twice, 0), **_in_steps(_tetragamma_difference)
)
digamma_twice = with_rule(_digamma_twice, x=trigamma_twice, **_in_steps(trigamma_difference))
gammaln_twice = with_rule(_gammaln_twice, x=digamma_twice, **_in_steps(digamma_difference))
