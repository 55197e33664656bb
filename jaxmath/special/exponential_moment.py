r"""The moments $\int_0^1 v^{n-1} e^{wv}\,dv$ of an exponential on the unit interval, n = 1, 2, 3.

They are what is left of $(e^w - 1) / w$ and its derivatives where w passes through zero.
"""

import math

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.special.polynomial import polynomial
from jaxmath.typing import Real

_SMALL = 2.0
_TERMS = 26
"""Of both series for |w| <= 2: what is left out is below 1e-17 of the sum."""


def exponential_moment(order: int, w: Real) -> Float[Array, "..."]:
    """The moment of the given order; its slope in w is the next moment.

    A power series of positive terms for small w of either sign, the closed form beyond.
    """
    w = jnp.asarray(w)
    small, right = jnp.abs(w) <= _SMALL, w > 0
    up = jnp.where(small & right, w, 0.0)
    down = jnp.where(small & ~right, -w, 0.0)
    powers = tuple(1 / (math.factorial(k) * (k + order)) for k in range(_TERMS))
    above = polynomial(powers, up)
    rising = tuple(math.factorial(order) / math.factorial(order + k) for k in range(_TERMS))
    below = jnp.exp(-down) * (polynomial(rising, down) / order)
    far = jnp.where(small, _SMALL, w)
    moment = jnp.expm1(far) / far
    for n in range(1, order):
        moment = (jnp.exp(far) - n * moment) / far
    return jnp.where(small, jnp.where(right, above, below), moment)
