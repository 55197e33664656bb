r"""The entropy of the gamma distribution, and divergences of two."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.distributions import exponential_family
from jaxmath.distributions.location_scale import positive
from jaxmath.formula import with_rule
from jaxmath.special.gamma import (
    HALF_LOG_TAU,
    digamma,
    gammaln,
    stirling_error,
    stirling_error_dx,
    stirling_error_dx_dx,
    stirling_error_gap,
    trigamma,
    trigamma_dx,
)
from jaxmath.special.logarithm import log1p_gap
from jaxmath.special.partials import Rule, along, with_partials
from jaxmath.special.ratio import log_ratio, relative_excess
from jaxmath.typing import Real


def _entropy(concentration: Real, rate: Real) -> Float[Array, "..."]:
    """The expected value of minus `log_prob`, in nats."""
    a = positive(concentration)
    rest = stirling_error(a) + (1 - a) * stirling_error_dx(a)
    large = jnp.log(a) / 2 + HALF_LOG_TAU + 0.5 - 1 / (2 * a) + rest
    small = jnp.where(a < 1, a, 1.0)
    return (
        jnp.where(a < 1, small + gammaln(small) + (1 - small) * digamma(small), large)
        - jnp.log(positive(rate))
    )  # fmt: skip


def _entropy_dconcentration(concentration, rate):
    a = positive(concentration)
    large = (1 + 1 / a) / (2 * a) + (1 - a) * stirling_error_dx_dx(a)
    small = jnp.where(a < 1, a, 1.0)
    return jnp.where(a < 1, 1 + (1 - small) * trigamma(small), large) + 0.0 * positive(rate)


_ENTROPY = dict(
    concentration=_entropy_dconcentration,
    rate=lambda concentration, rate: -1 / positive(rate) + 0.0 * positive(concentration),
)
entropy = with_rule(_entropy, **_ENTROPY)


def _pair(concentration, rate, concentration_q, rate_q):
    """All parameters, and by how much the second mean is exceeded, relative to it."""
    a, b = positive(concentration), positive(rate)
    c, d = positive(concentration_q), positive(rate_q)
    return a, b, c, d, relative_excess(a / b, c / d)


def _gap(x, y, excess):
    """The gap x / y - 1 - log(x / y), given the excess of x over y relative to y."""
    close = jnp.abs(excess) < 0.5
    near = log1p_gap(jnp.where(close, excess, 0.0))
    return jnp.where(close, near, excess - log_ratio(x, y))


def _kl(
    concentration: Real, rate: Real, concentration_q: Real, rate_q: Real
) -> Float[Array, "..."]:
    """The Kullback-Leibler divergence of the second distribution from the first, in nats.

    A sum of three gaps that are not negative: of the means, of the concentrations, and of what
    Stirling's formula leaves over of these.
    """
    a, b, c, d, u = _pair(concentration, rate, concentration_q, rate_q)
    shapes = _gap(c, a, relative_excess(c, a)) / 2 + stirling_error_gap(a, c)
    return c * _gap(a / b, c / d, u) + shapes


def _kl_dconcentration(concentration, rate, concentration_q, rate_q):
    a, b, c, d, u = _pair(concentration, rate, concentration_q, rate_q)
    rest = (0.5 / a) / a + stirling_error_dx_dx(a)
    return (a - c) * rest + c * u / a + 0.0 * (b + d)


def _kl_drate(concentration, rate, concentration_q, rate_q):
    _, b, c, _, u = _pair(concentration, rate, concentration_q, rate_q)
    return -c * u / b


def _kl_dconcentration_q(concentration, rate, concentration_q, rate_q):
    a, b, c, d, _ = _pair(concentration, rate, concentration_q, rate_q)
    half = relative_excess(c, a) / c / 2
    return half - log_ratio(a / b, c / d) + (stirling_error_dx(c) - stirling_error_dx(a))


def _kl_drate_q(concentration, rate, concentration_q, rate_q):
    _, _, c, d, u = _pair(concentration, rate, concentration_q, rate_q)
    return c * u / d


def _whole(fn):
    """A second derivative, in the shape of all four parameters."""

    def second(concentration, rate, concentration_q, rate_q):
        a, b, c, d = map(positive, (concentration, rate, concentration_q, rate_q))
        return fn(a, b, c, d) + 0.0 * (a + b + c + d)

    return second


SHARED = {
    ("concentration", "rate"): _whole(lambda a, b, c, d: -(d / b) / b),
    ("concentration", "concentration_q"): _whole(lambda a, b, c, d: -trigamma(a)),
    ("concentration", "rate_q"): _whole(lambda a, b, c, d: 1 / b),
    ("rate", "concentration_q"): _whole(lambda a, b, c, d: 1 / b),
    ("rate", "rate_q"): _whole(lambda a, b, c, d: -(a / b) / b),
    ("concentration_q", "concentration_q"): _whole(lambda a, b, c, d: trigamma(c)),
    ("concentration_q", "rate_q"): _whole(lambda a, b, c, d: -1 / d),
    ("rate_q", "rate_q"): _whole(lambda a, b, c, d: (c / d) / d),
}
_bend_dx = along(stirling_error_dx_dx, 0)


def of_shape(a):
    """The trigamma function plus a times its slope, which nearly cancel for large a."""
    small, large = jnp.where(a < 1, a, 1.0), jnp.where(a < 1, 1.0, a)
    rest = stirling_error_dx_dx(large) + large * _bend_dx(large)
    return jnp.where(
        a < 1, trigamma(small) + small * trigamma_dx(small), rest - (0.5 / large) / large
    )


_KL_SECONDS = SHARED | {
    ("concentration", "concentration"): _whole(lambda a, b, c, d: of_shape(a) - c * trigamma_dx(a)),
    ("rate", "rate"): _whole(lambda a, b, c, d: (2 * a * (d / b) - c) / b / b),
}
_CROSS_SECONDS = SHARED | {
    ("concentration", "concentration"): _whole(lambda a, b, c, d: (1 - c) * trigamma_dx(a)),
    ("rate", "rate"): _whole(lambda a, b, c, d: (2 * a * (d / b) + 1 - c) / b / b),
}
kl, _KL = with_partials(
    _kl,
    dict(
        concentration=_kl_dconcentration,
        rate=_kl_drate,
        concentration_q=_kl_dconcentration_q,
        rate_q=_kl_drate_q,
    ),
    _KL_SECONDS,
)


def _cross_entropy(
    concentration: Real, rate: Real, concentration_q: Real, rate_q: Real
) -> Float[Array, "..."]:
    """The expected value under the first of minus the second's `log_prob`, in nats."""
    first = (concentration, rate)
    return entropy(*first) + kl(*first, concentration_q, rate_q)


cross_entropy, _CROSS_ENTROPY = with_partials(
    _cross_entropy, exponential_family.cross_entropy(_ENTROPY, _KL), _CROSS_SECONDS
)
squared_hellinger = exponential_family.squared_hellinger(kl, exponential_family.linear)
renyi = exponential_family.renyi(kl, exponential_family.linear)
DIVERGENCES = dict(
    entropy=Rule(_ENTROPY, {}, _entropy),
    cross_entropy=Rule(_CROSS_ENTROPY, _CROSS_SECONDS, _cross_entropy),
    kl=Rule(_KL, _KL_SECONDS, _kl),
)
"""Their derivatives, by name."""
