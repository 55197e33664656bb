r"""Random words, the uniform variables that they hold, and the normal variables of these.

A uniform variable is known by its distance u from its nearer end and by which end that is, so that
both tails have all their digits. The normal quantile of u comes from two rational functions, of
the square of $\tfrac12 - u$ in the middle and of $\sqrt{-\log u}$ beyond, fitted to 60 digits:
$10^{-14}$ near the truth for every u that a word can hold, which is not the whole range of the
dtype.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from jaxmath.special.polynomial import polynomial
from jaxmath.typing import PRNGKey

SPARE = {"float64": 11, "float32": 7}
"""How many bits of a word its distance need not have: they are good for a choice."""

MIDDLE = 0.16
_MIDDLE_ABOVE = (
    *(3.203878913861497, 90.52730427566655, 939.992301762745, 4410.014906231509),
    *(9248.455385607338, 7300.434465728925, 1194.4902784908168, -55.94646510223963),
)
_MIDDLE_BELOW = (
    *(1.0, 30.688307006491065, 354.0877870677227, 1911.6178763093665),
    *(4891.601589006265, 5293.182863449351, 1711.294405062022),
)
_TAIL_ABOVE = (
    *(2.0898499829712573, 5.362807945675235, 5.554457451756014, 3.0549109731025466),
    *(0.9780535061685514, 0.18607244684302457, 0.020292835211096302),
    *(0.0011273383610433036, 2.315081949858164e-05),
)
_TAIL_BELOW = (
    *(1.0, 1.785856977100617, 1.300363128959625, 0.4979858029876542),
    *(0.10748395189017676, 0.012867946358043541, 0.0007645301481668864),
    *(1.6369073599902298e-05, 7.435743489515024e-12),
)


def words(key: PRNGKey, shape: tuple[int, ...], dtype) -> Array:
    """Random bits, as many as a number of the dtype has."""
    return jax.random.bits(key, shape, jnp.uint64 if dtype == jnp.float64 else jnp.uint32)


def sided(words: Array, spare: int = 0) -> tuple[Array, Array]:
    """The distance of a uniform variable from its nearer end, in (0, 1/2], and if that is 1.

    Without the `spare` bits above the lowest one, where those above them are enough.
    """
    upper = (words & 1) == 1
    if words.dtype == jnp.uint64:
        one = np.array(1.0).view(np.uint64)
        unit = jax.lax.bitcast_convert_type((words >> 12) | one, jnp.float64)
        return (unit - (1 - 2.0**-53)) / 2, upper
    return ((words >> (1 + spare)).astype(jnp.float32) + 0.5) * 2.0 ** (spare - 32), upper


def log_of_normal(x: Array) -> Array:
    """The logarithm of a normal number > 0, an ulp or two from the truth.

    In float64 the compiler takes numbers one by one to their logarithms; this takes them abreast.
    """
    if x.dtype != jnp.float64:
        return jnp.log(x)
    half, one = (np.array(number).view(np.uint64) for number in (np.sqrt(0.5), 1.0))
    bits = jax.lax.bitcast_convert_type(x, jnp.uint64) + (one - half)
    fraction = (bits & np.uint64(2**52 - 1)) + half
    m = jax.lax.bitcast_convert_type(fraction, jnp.float64)  # from sqrt(1/2) to sqrt(2)
    whole = (bits >> 52) | np.array(2.0**52).view(np.uint64)
    exponent = jax.lax.bitcast_convert_type(whole, jnp.float64) - (2.0**52 + 1023)
    s = (m - 1) / (m + 1)
    series = polynomial(tuple(2 / k for k in range(1, 21, 2)), jnp.square(s))
    return s * series + exponent * np.log(2)


def normal_beyond(u: Array) -> Array:
    """The z >= 0 beyond which lies a share u of all normal variables, for u of `sided`."""
    away = 0.5 - u
    square = jnp.square(away)
    t = jnp.sqrt(-log_of_normal(u)) - 2
    middle, r = square < MIDDLE, MIDDLE - square
    above = jnp.where(middle, away * polynomial(_MIDDLE_ABOVE, r), polynomial(_TAIL_ABOVE, t))
    return above / jnp.where(middle, polynomial(_MIDDLE_BELOW, r), polynomial(_TAIL_BELOW, t))


def normal_of(words: Array, spare: int = 0) -> Array:
    """A normal variable for each word."""
    u, upper = sided(words, spare)
    z = normal_beyond(u)
    return jnp.where(upper, z, -z)


def standard_normal(key: PRNGKey, shape: tuple[int, ...], dtype) -> Array:
    """Normal variables, with tails as far as a word of the dtype reaches."""
    return normal_of(words(key, shape, dtype))
