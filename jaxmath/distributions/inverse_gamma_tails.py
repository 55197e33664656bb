r"""Both tails of the inverse gamma distribution, their logarithms, and all their derivatives.

They are those of the gamma distribution at $z = \beta / x$, turned round: the lower one is Q.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.distributions import gamma_tail_parts as shared
from jaxmath.distributions.gamma_tail_parts import PLAIN, Reach, hazard, logarithm, over
from jaxmath.distributions.inverse_gamma_density import (
    PROB,
    excess,
    log_of_z,
    parts,
    prob,
    times_density,
)
from jaxmath.special.incomplete_gamma import log_growth, log_hazard
from jaxmath.special.partials import Rule, minus, with_partials
from jaxmath.typing import Real

_REACH = Reach(parts, lambda x, b, least: b / (x * least), log_of_z)


def _cdf(x: Real, concentration: Real, scale: Real) -> Float[Array, "..."]:
    """The probability of at most x, accurate where it is tiny."""
    return shared.tail(_REACH, shared.upper_tail, 0.0)(x, concentration, scale)


def _sf(x: Real, concentration: Real, scale: Real) -> Float[Array, "..."]:
    """The probability of more than x, accurate where it is tiny."""
    return shared.tail(_REACH, shared.lower_tail, 1.0)(x, concentration, scale)


def _log_cdf(x: Real, concentration: Real, scale: Real) -> Float[Array, "..."]:
    """The logarithm of `cdf`, accurate in both tails."""
    return shared.tail(_REACH, shared.log_upper_tail, -jnp.inf)(x, concentration, scale)


def _log_sf(x: Real, concentration: Real, scale: Real) -> Float[Array, "..."]:
    """The logarithm of `sf`, accurate in both tails."""
    return shared.tail(_REACH, shared.log_lower_tail, 0.0)(x, concentration, scale)


_CDF_BENDS = {
    ("x", "x"): PROB["x"],
    ("x", "concentration"): PROB["concentration"],
    ("x", "scale"): PROB["scale"],
    ("concentration", "concentration"): minus(shared.tail(_REACH, shared.lower_tail_da_da, 0.0)),
    ("concentration", "scale"): times_density(lambda z, x, a, b: -excess(z, x, a, b) / b, 0),
    ("scale", "scale"): times_density(lambda z, x, a, b: (z - a + 1) / b / b, 0),
}
_SF_BENDS = {pair: minus(bend) for pair, bend in _CDF_BENDS.items()}
_in_shape = minus(shared.tail(_REACH, shared.lower_tail_da, 0.0))
_dscale = times_density(lambda z, x, a, b: -jnp.ones_like(z) / b, 0)
cdf, _CDF = with_partials(_cdf, dict(x=prob, concentration=_in_shape, scale=_dscale), _CDF_BENDS)
sf, _SF = with_partials(_sf, {name: minus(slope) for name, slope in _CDF.items()}, _SF_BENDS)

_LOWER = {
    ("x",): lambda z, x, a, b, rest: over(-log_growth(a, z), x),
    ("concentration",): lambda z, x, a, b, rest: shared.log_lower_da(a, z) + rest,
    ("scale",): lambda z, x, a, b, rest: log_growth(a, z) / b,
    ("x", "x"): lambda z, x, a, b, rest: over(over(shared.growth(a, z) + log_growth(a, z), x), x),
    ("x", "concentration"): lambda z, x, a, b, rest: over(-shared.growth_da(a, z), x),
    ("x", "scale"): lambda z, x, a, b, rest: over(over(-shared.growth_dz(a, z), x), x),
    ("concentration", "concentration"): lambda z, x, a, b, rest: shared.log_lower_da_da(a, z),
    ("concentration", "scale"): lambda z, x, a, b, rest: shared.growth_da(a, z) / b,
    ("scale", "scale"): lambda z, x, a, b, rest: (shared.growth(a, z) - log_growth(a, z)) / b / b,
}
"""The slopes of log P where it is the smaller tail."""
_UPPER = {
    ("x",): lambda z, x, a, b, rest: over(log_hazard(a, z) * (b / x), x),
    ("concentration",): lambda z, x, a, b, rest: shared.log_upper_da(a, z) + rest,
    ("scale",): lambda z, x, a, b, rest: over(-log_hazard(a, z), x),
    ("x", "x"): lambda z, x, a, b, rest: over(
        over(-(shared.bend(a, z) + 2 * log_hazard(a, z) * (b / x)), x), x
    ),
    ("x", "concentration"): lambda z, x, a, b, rest: over(shared.bend_da(a, z), x),
    ("x", "scale"): lambda z, x, a, b, rest: over(over(log_hazard(a, z) + hazard(a, z), x), x),
    ("concentration", "concentration"): lambda z, x, a, b, rest: shared.log_upper_da_da(a, z),
    ("concentration", "scale"): lambda z, x, a, b, rest: -shared.bend_da(a, z) / b,
    ("scale", "scale"): lambda z, x, a, b, rest: -shared.bend(a, z) / b / b,
}
"""The slopes of log Q where it is the smaller tail."""
log_cdf, _LOG_CDF, _LOG_CDF_BENDS = logarithm(
    _REACH, _log_cdf, cdf, _CDF, _CDF_BENDS, _UPPER, lower=False
)
log_sf, _LOG_SF, _LOG_SF_BENDS = logarithm(_REACH, _log_sf, sf, _SF, _SF_BENDS, _LOWER, lower=True)
TAILS = dict(
    cdf=Rule(_CDF, _CDF_BENDS, shared.unclipped(_REACH, PLAIN["gammaincc"], 0.0)),
    sf=Rule(_SF, _SF_BENDS, shared.unclipped(_REACH, PLAIN["gammainc"], 1.0)),
    log_cdf=Rule(
        _LOG_CDF, _LOG_CDF_BENDS, shared.unclipped(_REACH, PLAIN["log_gammaincc"], -jnp.inf)
    ),
    log_sf=Rule(_LOG_SF, _LOG_SF_BENDS, shared.unclipped(_REACH, PLAIN["log_gammainc"], 0.0)),
)
"""Their derivatives, by name."""
