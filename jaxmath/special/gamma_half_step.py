r"""How the logarithm of the gamma function grows over half a step, beside half a logarithm.

$$\lambda(h) = \log\Gamma(h + \tfrac12) - \log\Gamma(h) - \tfrac12 \log h,$$

which is minus 1/(8h) and less for large h, and its derivatives, none of which cancels. With
$u = 1 / 2h$ it is $-h (u - \log(1 + u)) + \delta(h + \tfrac12) - \delta(h)$, where $\delta$ is what
Stirling's formula leaves over; below one the recurrence leads there.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.formula import with_rule
from jaxmath.special.gamma import stirling_error, stirling_error_dx, stirling_error_dx_dx
from jaxmath.special.logarithm import log1p, log1p_gap
from jaxmath.typing import Real

FAR = 64.0
"""From here on Stirling's series has all digits of what follows in five terms."""


def _upwards(h):
    """The argument from one on, h + 1 below; and h itself where it is below, one elsewhere."""
    h = jnp.asarray(h)
    below = h < 1
    return jnp.where(below, h + 1, h), jnp.where(below, h, 1.0), below


def _log_half_step(h: Real) -> Float[Array, "..."]:
    r"""The function $\lambda(h)$ for h > 0."""
    y, inner, below = _upwards(h)
    value = stirling_error(y + 0.5) - stirling_error(y) - y * log1p_gap(0.5 / y)
    lifted = (jnp.log(4 * inner) + log1p(inner)) / 2 - log1p(2 * inner)
    return value + jnp.where(below, lifted, 0.0)


def _log_half_step_dh(h: Real) -> Float[Array, "..."]:
    r"""The slope of $\lambda$, positive: 1/(8h²) and less for large h."""
    y, inner, below = _upwards(h)
    errors = stirling_error_dx(y + 0.5) - stirling_error_dx(y)
    lifted = 1 / (2 * inner * (inner + 1) * (2 * inner + 1))
    return log1p_gap(-1 / (2 * y + 1)) + errors + jnp.where(below, lifted, 0.0)


def log_half_step_dh_dh(h: Real) -> Float[Array, "..."]:
    r"""The second derivative of $\lambda$, negative: -1/(4h³) and less for large h."""
    y, inner, below = _upwards(h)
    errors = stirling_error_dx_dx(y + 0.5) - stirling_error_dx_dx(y)
    value = errors - 1 / y / jnp.square(2 * y + 1)
    product = 2 * inner * (inner + 1) * (2 * inner + 1)
    lifted = -(12 * inner * (inner + 1) + 2) / product / product
    return value + jnp.where(below, lifted, 0.0)


log_half_step_dh = with_rule(_log_half_step_dh, h=log_half_step_dh_dh)
log_half_step = with_rule(_log_half_step, h=log_half_step_dh)

_SERIES = ((3, 1 / 6), (5, -1 / 30), (7, 1 / 42), (9, -1 / 30), (11, 5 / 66))


def stirling_bend_fall(h: Real) -> Float[Array, "..."]:
    r"""By how much $\delta''$ is smaller at $h + \tfrac12$ than at h: 1/(4h⁴) for large h."""
    h = jnp.asarray(h)
    near = jnp.minimum(h, FAR)
    far = jnp.maximum(h, FAR)
    close = stirling_error_dx_dx(near) - stirling_error_dx_dx(near + 0.5)
    step = log1p(0.5 / far)
    series = sum(
        coefficient * -jnp.expm1(-power * step) * (1 / far) ** power
        for power, coefficient in _SERIES
    )
    return jnp.where(h < FAR, close, series)
