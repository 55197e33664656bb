r"""Both tails of the gamma distribution, their logarithms, and all their derivatives.

The slopes of the tails are the density and multiples of it. The logarithm of the smaller tail has
slopes that need no exponential: with $z = \beta x$ they are made of $h = z\, \partial_z \log P$
below, of the hazard $-\partial_z \log Q$ above; those of the larger tail are quotients.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.distributions.gamma_density import (
    PROB,
    excess,
    log_of_z,
    parts,
    prob,
    supported,
    times_density,
)
from jaxmath.special.incomplete_gamma import (
    INCOMPLETE_GAMMA,
    RIGHT,
    gammainc,
    gammaincc,
    log_gammainc,
    log_gammaincc,
    log_growth,
    log_hazard,
)
from jaxmath.special.partials import Rule, along, minus, with_partials
from jaxmath.typing import Real

_PLAIN = {formula.name: formula.plain for formula in INCOMPLETE_GAMMA}
_SPECIAL = {formula.name: formula.partials["a"] for formula in INCOMPLETE_GAMMA}


def _least(z):
    """The least number that z is taken for; below it P is proportional to the power z^a."""
    return 4 * jnp.finfo(z.dtype).tiny


def _most(a):
    """The number from which on the upper tail is that of an exponential variable, to all digits."""
    return 8 / jnp.finfo(a.dtype).eps * jnp.maximum(a, 1.0)


def _tail(fn, none):
    """A function of concentration, value times rate, and what that is of the least number below it.

    `none` is the value below zero.
    """

    def tail(x, concentration, rate):
        z, inner, a, b = parts(x, concentration, rate)
        least = _least(z)
        rest = jnp.where(z < least, (inner / least) * b, 1.0)
        return supported(x, fn(a, jnp.maximum(z, least), rest), none + 0.0 * (a + b))

    return tail


def _unclipped(fn, none):
    """The same of value times rate as it is, whose slopes in it are meant everywhere."""

    def tail(x, concentration, rate):
        z, _, a, b = parts(x, concentration, rate)
        return supported(x, fn(a, z), none + 0.0 * (a + b))

    return tail


def _cdf(x: Real, concentration: Real, rate: Real) -> Float[Array, "..."]:
    """The probability of at most x."""
    return _tail(lambda a, z, rest: gammainc(a, z) * rest**a, 0.0)(x, concentration, rate)


def _sf(x: Real, concentration: Real, rate: Real) -> Float[Array, "..."]:
    """The probability of more than x, accurate where it is tiny."""

    def upper(a, z, rest):
        return gammaincc(a, z) - gammainc(a, z) * jnp.expm1(a * jnp.log(rest))

    return _tail(upper, 1.0)(x, concentration, rate)


def _log_cdf(x: Real, concentration: Real, rate: Real) -> Float[Array, "..."]:
    """The logarithm of `cdf`, accurate in both tails."""

    def lower(a, z, rest):
        # The last term is nothing but for second derivatives.
        return (
            log_gammainc(a, z) + a * jnp.log(rest) - a / (a + 1) * jnp.minimum(z, 1.0) * (rest - 1)
        )

    return _tail(lower, -jnp.inf)(x, concentration, rate)


def _log_sf(x: Real, concentration: Real, rate: Real) -> Float[Array, "..."]:
    """The logarithm of `sf`, accurate in both tails."""

    def upper(a, z, rest):
        below, near = rest < 1, jnp.minimum(z, _most(a))
        log_share = jnp.log(jnp.where(jnp.isinf(z), near, z) / near)
        more = gammaincc(a, z) - gammainc(a, z) * jnp.expm1(a * jnp.log(rest))
        log = log_gammaincc(a, near) - (z - near) + (a - 1) * log_share
        return jnp.where(below, jnp.log(jnp.where(below, more, 1.0)), log)

    return _tail(upper, 0.0)(x, concentration, rate)


_dshape = along(lambda a, z, rest: gammainc(a, z) * rest**a, 0)
_in_shape = _tail(_dshape, 0.0)
_CDF_BENDS = {
    ("x", "x"): PROB["x"],
    ("x", "concentration"): PROB["concentration"],
    ("x", "rate"): PROB["rate"],
    ("concentration", "concentration"): _tail(along(_dshape, 0), 0.0),
    ("concentration", "rate"): times_density(lambda z, x, a, b: excess(z, x, a, b) / b, over=0),
    ("rate", "rate"): times_density(lambda z, x, a, b: (a - 1 - z) / b / b, over=0),
}
_SF_BENDS = {pair: minus(bend) for pair, bend in _CDF_BENDS.items()}
_drate = times_density(lambda z, x, a, b: jnp.ones_like(z) / b, over=0)
cdf, _CDF = with_partials(_cdf, dict(x=prob, concentration=_in_shape, rate=_drate), _CDF_BENDS)
sf, _SF = with_partials(_sf, {name: minus(slope) for name, slope in _CDF.items()}, _SF_BENDS)


def _relative(fn):
    """How fast a function of shape and z moves with the logarithm of z."""

    def slope(a, z):
        one = jnp.ones_like(z)
        return jax.jvp(lambda share: fn(a, z * share), (one,), (one,))[1]

    return slope


_growth, _hazard = _relative(log_growth), _relative(log_hazard)
_growth_dz, _growth_da, _hazard_da = (
    along(log_growth, 1),
    along(log_growth, 0),
    along(log_hazard, 0),
)
_lower_da, _upper_da = _SPECIAL["log_gammainc"], _SPECIAL["log_gammaincc"]
_lower_da_da, _upper_da_da = along(_lower_da, 0), along(_upper_da, 0)
# A quotient over x would be merged with those inside it, whose product may underflow.
_LOWER = {
    ("x",): lambda z, x, a, b, rest: log_growth(a, z) * (1 / x),
    ("concentration",): lambda z, x, a, b, rest: _lower_da(a, z) + rest,
    ("rate",): lambda z, x, a, b, rest: log_growth(a, z) / b,
    ("x", "x"): lambda z, x, a, b, rest: (_growth(a, z) - log_growth(a, z)) * (1 / x) * (1 / x),
    ("x", "concentration"): lambda z, x, a, b, rest: _growth_da(a, z) * (1 / x),
    ("x", "rate"): lambda z, x, a, b, rest: _growth_dz(a, z),
    ("concentration", "concentration"): lambda z, x, a, b, rest: _lower_da_da(a, z),
    ("concentration", "rate"): lambda z, x, a, b, rest: _growth_da(a, z) / b,
    ("rate", "rate"): lambda z, x, a, b, rest: (_growth(a, z) - log_growth(a, z)) / b / b,
}
"""The slopes of log P where it is the smaller tail.

In z well inside the dtype; `rest` is the logarithm of what the true one is of that.
"""
_UPPER = {
    ("x",): lambda z, x, a, b, rest: -log_hazard(a, z) * b,
    ("concentration",): lambda z, x, a, b, rest: _upper_da(a, z) + rest,
    ("rate",): lambda z, x, a, b, rest: -log_hazard(a, z) * x,
    ("x", "x"): lambda z, x, a, b, rest: -z * _hazard(a, z) * (1 / x) * (1 / x),
    ("x", "concentration"): lambda z, x, a, b, rest: -z * _hazard_da(a, z) * (1 / x),
    ("x", "rate"): lambda z, x, a, b, rest: -log_hazard(a, z) - _hazard(a, z),
    ("concentration", "concentration"): lambda z, x, a, b, rest: _upper_da_da(a, z),
    ("concentration", "rate"): lambda z, x, a, b, rest: -z * _hazard_da(a, z) / b,
    ("rate", "rate"): lambda z, x, a, b, rest: -z * _hazard(a, z) / b / b,
}
"""The slopes of log Q where it is the smaller tail."""


def _logarithm(fn, tail, slopes, bends, outer, *, below):
    """The logarithm of a tail and its slopes: the `outer` ones where it is the smaller, quotients.

    `below` says of the lower tail; the upper one counts as the smaller from the mean on.
    """

    def slope(*names):
        def partial(x, concentration, rate):
            args = x, concentration, rate
            z, inner, a, b = jnp.broadcast_arrays(*parts(*args))
            value = tail(*args)
            both = (a < 1) & (z < RIGHT)  # there both tails have all digits
            large = (value > 0.5) & ~both if below else (z < a) | both
            value = jnp.where(large, value, 1.0)
            first = [slopes[name](*args) / value for name in names]
            quotient = first[0]
            if len(names) == 2:
                quotient = bends[names](*args) / value - first[0] * first[1]
            near = jnp.clip(z, _least(z), _most(a))
            rest = jnp.where(z == near, 0.0, log_of_z(z, inner, b) - jnp.log(near))
            own = outer[names](near, inner, a, b, rest)
            return supported(x, jnp.where(large, quotient, own), 0.0 * (a + b))

        return partial

    seconds = {pair: slope(*pair) for pair in bends}
    return *with_partials(fn, {name: slope(name) for name in slopes}, seconds), seconds


log_cdf, _LOG_CDF, _LOG_CDF_BENDS = _logarithm(_log_cdf, cdf, _CDF, _CDF_BENDS, _LOWER, below=True)
log_sf, _LOG_SF, _LOG_SF_BENDS = _logarithm(_log_sf, sf, _SF, _SF_BENDS, _UPPER, below=False)
TAILS = dict(
    cdf=Rule(_CDF, _CDF_BENDS, _unclipped(_PLAIN["gammainc"], 0.0)),
    sf=Rule(_SF, _SF_BENDS, _unclipped(_PLAIN["gammaincc"], 1.0)),
    log_cdf=Rule(_LOG_CDF, _LOG_CDF_BENDS, _unclipped(_PLAIN["log_gammainc"], -jnp.inf)),
    log_sf=Rule(_LOG_SF, _LOG_SF_BENDS, _unclipped(_PLAIN["log_gammaincc"], 0.0)),
)
"""Their derivatives, by name."""
