r"""The odds of beta variables: ratios of two gamma variables."""

import jax
import jax.numpy as jnp
from jaxtyping import Array

from jaxmath.distributions.gamma_draws import gamma_parts
from jaxmath.special.gamma import digamma_difference
from jaxmath.special.incomplete_beta import INCOMPLETE_BETA, betainc_dx
from jaxmath.typing import PRNGKey

FAR = 60.0
"""Where the logarithm of the odds is larger, the first term of the series is all there is."""
_BETAINC = next(f.partials for f in INCOMPLETE_BETA if f.name == "betainc")


@jax.custom_jvp
def _parts(key, a, b):
    """The odds, but for a factor, and the logarithm of that."""
    one, two = jax.random.split(key)
    (size, log_factor), (other, log_other) = gamma_parts(one, a), gamma_parts(two, b)
    return size / other, log_factor - log_other


@_parts.defjvp
def _rule(primals, tangents):
    """The implicit derivative: along it the distribution function stands still."""
    key, a, b = primals
    odds, log_factor = _parts(key, a, b)
    t = jnp.log(odds) + log_factor
    turn = t > 0  # seen from the nearer end
    own, other = jnp.where(turn, b, a), jnp.where(turn, a, b)
    size = jnp.abs(t)
    end = size > FAR
    x = jax.nn.sigmoid(jnp.where(end, -1.0, -size))
    rate = betainc_dx(own, other, x) * (x * (1 - x))
    first = (-size - 1 / own + digamma_difference(own, other)) / own
    second = digamma_difference(other, own) / own
    d_own = jnp.where(end, first, _BETAINC["a"](own, other, x) / rate)
    d_other = jnp.where(end, second, _BETAINC["b"](own, other, x) / rate)
    sign = jnp.where(turn, 1.0, -1.0)
    in_a, in_b = jnp.where(turn, d_other, d_own), jnp.where(turn, d_own, d_other)
    change = sign * (in_a * tangents[1] + in_b * tangents[2])
    return (odds, log_factor), (odds * change, jnp.zeros_like(log_factor))


def odds_parts(key: PRNGKey, a: Array, b: Array) -> tuple[Array, Array]:
    """The odds x / (1 - x) of one beta variable for each entry of arrays of shapes, in two parts.

    They are the first times the exponential of the second, which alone may overflow or underflow.
    Differentiable in both, by implicit reparameterisation (Figurnov, Mohamed and Mnih 2018).
    """
    return _parts(key, a, b)


def log_odds_draw(key: PRNGKey, a: Array, b: Array) -> Array:
    """The logarithm of such odds."""
    odds, log_factor = _parts(key, a, b)
    return jnp.log(odds) + log_factor
