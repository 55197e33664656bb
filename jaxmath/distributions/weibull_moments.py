r"""Mode, skewness and kurtosis of the Weibull distribution, without cancelling.

The moments are $\Gamma(1 + n u)$ with $u = 1 / k$. Their logarithms enter as differences in n:
with the second one s, the third $c_3$ and the fourth $c_4$ the third central moment over the cubed
mean is $e^{3s + c_3} - 3 e^s + 2$, the fourth $e^{6s + 4c_3 + c_4} - 4 e^{3s + c_3} + 6 e^s - 3$,
whose terms of lower order in u cancel: written in $e^s - 1$, $e^{c_3} - 1$ and $e^{c_4} - 1$, each
over its power of u, they are not there.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.distributions.location_scale import positive
from jaxmath.special.exponential import expm1_gap
from jaxmath.special.gamma_gap import gammaln_differences
from jaxmath.special.logarithm import log1p
from jaxmath.special.partials import with_partials
from jaxmath.typing import Real

WIDE = 1.0
"""From this s on nothing cancels, and powers of its exponential may leave the dtype."""


def _log_share(k):
    """The logarithm of 1 - 1 / k for k > 1."""
    return jnp.where(k > 2, log1p(-1 / jnp.maximum(k, 2.0)), jnp.log((k - 1) / k))


def _above_one(factor):
    """The highest point times a factor, for a concentration above one; zero for others."""

    def function(concentration, scale):
        k, s = positive(concentration), positive(scale)
        inner = jnp.where(k > 1, k, 2.0)
        value = s * jnp.exp(_log_share(inner) / inner) * factor(inner, s)
        return jnp.where(k > 1, value, 0.0 * (k + s))

    return function


def _mode(concentration: Real, scale: Real) -> Float[Array, "..."]:
    """Where the density is highest: zero for a concentration of one or less."""
    return _above_one(lambda k, s: 1.0)(concentration, scale)


def _growth(k, s):
    """The slope of its logarithm in the concentration."""
    return (1 / (k - 1) - _log_share(k)) / k / k


def _curve(k, s):
    """Its second derivative over it, without the square of 1 / (k - 1), which cancels."""
    h, log_share = 1 / (k - 1), _log_share(k)
    own = jnp.square(log_share) - h * (2 * k + 1 + 2 * log_share)
    return own / k / k / k / k - 2 * _growth(k, s) / k


MODE_SECONDS = {
    ("concentration", "concentration"): _above_one(_curve),
    ("concentration", "scale"): _above_one(lambda k, s: _growth(k, s) / s),
    ("scale", "scale"): _above_one(lambda k, s: 0.0 * s),
}
mode, MODE = with_partials(
    _mode,
    dict(concentration=_above_one(_growth), scale=_above_one(lambda k, s: 1 / s)),
    MODE_SECONDS,
)


def _share(z):
    """The share (e^z - 1) / z."""
    tiny = jnp.abs(z) < jnp.finfo(z.dtype).eps
    return 1 + jnp.where(tiny, z / 2, expm1_gap(z) / jnp.where(tiny, 1.0, z))


class _Moments(NamedTuple):
    """For the narrow form u and the exponentials less one over its powers, then differences."""

    u: Array
    second: Array
    third: Array
    fourth: Array
    wide: Array
    s: Array
    c3: Array
    c4: Array


def _moments(concentration, scale):
    u = 1 / positive(concentration) + 0.0 * positive(scale)
    shares = gammaln_differences(u)
    differences = [share * u**order for order, share in enumerate(shares, start=2)]
    wide = differences[0] > WIDE
    u = jnp.where(wide, 0.5, u)
    shares = [jnp.where(wide, 0.5, share) for share in shares]
    two, three, four = (
        share * _share(share * u**order) for order, share in enumerate(shares, start=2)
    )
    s, c3, c4 = (jnp.where(wide, each, 1.0) for each in differences)
    return _Moments(u, two, three, four, wide, s, c3, c4)


def skewness(concentration: Real, scale: Real) -> Float[Array, "..."]:
    """The third central moment over the cubed standard deviation, of the concentration alone."""
    u, e, rise, _, wide, s, third, _ = _moments(concentration, scale)
    near = ((1 + u * u * e) ** 3 * rise + u * e * e * (3 + u * u * e)) / (e * jnp.sqrt(e))
    # The moments over the largest of them.
    power = 3 * s + third
    rest = 1 - 3 * jnp.exp(s - power) + 2 * jnp.exp(-power)
    far = jnp.exp(power - 1.5 * s) * rest / (-jnp.expm1(-s)) ** 1.5
    return jnp.where(wide, far, near)


def kurtosis(concentration: Real, scale: Real) -> Float[Array, "..."]:
    """The fourth central moment over the squared variance, less three: of the concentration."""
    u, e, rise, last, wide, s, third, fourth = _moments(concentration, scale)
    spread, lift, share = u * u * e, u**3 * rise, u * (rise / e)
    cube = (1 + spread) ** 3
    own = jnp.square(cube * jnp.square(1 + lift) / e) * last
    mixed = 4 * (3 + spread * (3 + spread)) + cube * share * (6 + lift * (4 + lift))
    rest = spread * (16 + spread * (15 + spread * (6 + spread)))
    near = own + cube * share * mixed + rest
    three = 3 * s + third
    power = 6 * s + 4 * third + fourth
    rest = 1 - 4 * jnp.exp(three - power) + 6 * jnp.exp(s - power) - 3 * jnp.exp(-power)
    far = jnp.exp(power - 2 * s) * rest / jnp.square(jnp.expm1(-s)) - 3
    return jnp.where(wide, far, near)
