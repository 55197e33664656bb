r"""Logarithms of the odds of beta variables: differences of logarithms of two gamma variables."""

import jax
import jax.numpy as jnp
from jaxtyping import Array

from jaxmath.distributions.gamma_draws import log_gamma_draw
from jaxmath.special.gamma import digamma_difference
from jaxmath.special.incomplete_beta import INCOMPLETE_BETA, betainc_dx
from jaxmath.typing import PRNGKey

FAR = 60.0
"""Where the logarithm of the odds is larger, the first term of the series is all there is."""
_BETAINC = next(f.partials for f in INCOMPLETE_BETA if f.name == "betainc")


@jax.custom_jvp
def _log_odds_draw(key, a, b):
    one, two = jax.random.split(key)
    return log_gamma_draw(one, a) - log_gamma_draw(two, b)


@_log_odds_draw.defjvp
def _rule(primals, tangents):
    """The implicit derivative: along it the distribution function stands still."""
    key, a, b = primals
    t = _log_odds_draw(key, a, b)
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
    return t, sign * (in_a * tangents[1] + in_b * tangents[2])


def log_odds_draw(key: PRNGKey, a: Array, b: Array) -> Array:
    """The logarithm of x / (1 - x) of one beta variable x for each entry of arrays of shapes.

    Differentiable in both, by implicit reparameterisation (Figurnov, Mohamed and Mnih 2018).
    """
    return _log_odds_draw(key, a, b)
