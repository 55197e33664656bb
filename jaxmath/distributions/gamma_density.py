r"""The density of the gamma distribution, its logarithm, and what others make of it.

With $z = \beta x$ they rest on $a \log(a / z) - a + z$ and on what Stirling's formula leaves over
(Loader 2000), so that large concentrations cost no digits.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.distributions.location_scale import positive
from jaxmath.formula import with_rule
from jaxmath.special import incomplete_gamma
from jaxmath.special.entropy import near_divergence
from jaxmath.special.gamma import (
    HALF_LOG_TAU,
    digamma,
    stirling_error,
    trigamma,
)
from jaxmath.special.logarithm import near_zero
from jaxmath.special.partials import Rule, with_partials
from jaxmath.special.ratio import balanced_product, relative_excess
from jaxmath.typing import Real


def parts(x, concentration, rate):
    """The value times the rate, the value, one below the support, and both parameters."""
    a, b = positive(concentration), positive(rate)
    x = jnp.asarray(x)
    inner = jnp.where(x > 0, x, jnp.where(x <= 0, 1.0, jnp.nan))
    return b * inner, inner, a, b


def supported(x, inside, outside):
    """The entry above zero, or below; at zero what `outside` says of it."""
    return jnp.where(jnp.asarray(x) <= 0, outside, inside)


def fits(z):
    """Where a product or a ratio has not left an end of the dtype."""
    info = jnp.finfo(z.dtype)
    return (z > 2 * info.tiny) & (z < info.max)


def log_product(z, x, log_b):
    """The logarithm of z = b x, which may have left the dtype."""
    inside = fits(z)
    return jnp.log(jnp.where(inside, z, x)) + jnp.where(inside, 0.0, log_b)


def log_of_z(z, x, b):
    """The logarithm of z = b x."""
    return log_product(z, x, jnp.log(b))


def log_density(z, a, log_z):
    """Of the standard distribution, times the value itself, in nats."""
    u = relative_excess(a, z)
    close = near_zero(u)
    near = near_divergence(z, jnp.where(close, u, 0.0))
    return (
        jnp.log(a) / 2 - HALF_LOG_TAU - stirling_error(a)
        - jnp.where(close, near, a * (jnp.log(a) - log_z) - a + z)
    )  # fmt: skip


def log_excess(z, a, log_z):
    """The logarithm of z less the digamma function of a, whose terms cancel for large a."""
    inside = fits(z)
    return incomplete_gamma.log_excess(a, jnp.where(inside, z, 1.0)) + jnp.where(inside, 0.0, log_z)


def at_zero(a, one, other):
    """The limit at zero: infinite for a < 1, `one` for a = 1, `other` above."""
    return jnp.where(a < 1, jnp.inf, jnp.where(a == 1, one, other))


def _log_prob(x: Real, concentration: Real, rate: Real) -> Float[Array, "..."]:
    """The logarithm of the density, in nats."""
    z, inner, a, b = parts(x, concentration, rate)
    edge = jnp.where(jnp.asarray(x) == 0, at_zero(a, jnp.log(b), -jnp.inf), -jnp.inf)
    return supported(
        x, log_density(z, a, log_of_z(z, inner, b)) - jnp.log(inner), edge + 0.0 * (a + b)
    )


def _log_prob_dx(x, concentration, rate):
    _, inner, a, b = parts(x, concentration, rate)
    edge = jnp.where((jnp.asarray(x) == 0) & (a == 1), -b, 0.0 * (a + b))
    return supported(x, (a - 1) / inner - b, edge)


def _log_prob_dconcentration(x, concentration, rate):
    z, inner, a, b = parts(x, concentration, rate)
    return supported(x, log_excess(z, a, log_of_z(z, inner, b)), 0.0 * (a + b))


def _log_prob_drate(x, concentration, rate):
    _, inner, a, b = parts(x, concentration, rate)
    edge = jnp.where((jnp.asarray(x) == 0) & (a == 1), 1 / b, 0.0 * (a + b))
    return supported(x, a / b - inner, edge)


def _flat(fn):
    """A second derivative inside the support; zero outside."""

    def second(x, concentration, rate):
        _, inner, a, b = parts(x, concentration, rate)
        return supported(x, fn(inner, a, b) + 0.0 * (inner + a + b), 0.0 * (a + b))

    return second


BENDS = {
    ("x", "x"): _flat(lambda x, a, b: ((1 - a) * (1 / x)) * (1 / x)),
    ("x", "concentration"): _flat(lambda x, a, b: 1 / x),
    ("x", "rate"): _flat(lambda x, a, b: -jnp.ones_like(x)),
    ("concentration", "concentration"): _flat(lambda x, a, b: -trigamma(a)),
    ("concentration", "rate"): _flat(lambda x, a, b: 1 / b),
    ("rate", "rate"): _flat(lambda x, a, b: -a / b / b),
}


def _row(name):
    order = {**BENDS, **{(two, one): bend for (one, two), bend in BENDS.items()}}
    return {other: order[name, other] for other in ("x", "concentration", "rate")}


log_prob_dx = with_rule(_log_prob_dx, **_row("x"))
log_prob_dconcentration = with_rule(_log_prob_dconcentration, **_row("concentration"))
log_prob_drate = with_rule(_log_prob_drate, **_row("rate"))
LOG_PROB = dict(x=log_prob_dx, concentration=log_prob_dconcentration, rate=log_prob_drate)
log_prob = with_rule(_log_prob, **LOG_PROB)


def times_density(factor, over=1, zero=lambda a, b: 0.0 * a):
    """The density times x, times a factor, over a power of x; at zero what `zero` says of it.

    A number of ordinary size may be made of a density that underflows and a power that overflows.
    """

    def product(x, concentration, rate):
        z, inner, a, b = parts(x, concentration, rate)
        part = jnp.exp(log_density(z, a, log_of_z(z, inner, b)) / 4)
        first, second, third = (part / inner if over > k else part for k in (0, 2, 1))
        there = jnp.where(part > 0, factor(z, inner, a, b), 0.0)
        value = balanced_product(first * part, second * third, there)
        edge = jnp.where(jnp.asarray(x) == 0, zero(a, b), 0.0) + 0.0 * (a + b)
        return supported(x, value, edge)

    return product


def _prob(x: Real, concentration: Real, rate: Real) -> Float[Array, "..."]:
    """The density; its unit is one over that of x."""
    ones = times_density(lambda z, x, a, b: jnp.ones_like(z), zero=lambda a, b: at_zero(a, b, 0.0))
    return ones(x, concentration, rate)


def square(z, a):
    """The second derivative in the rate, or scale, over the density, times its square."""
    return a * (a - 1) - z * (2 * a - z)


def excess(z, x, a, b):
    """`log_excess`, of the entries that a factor of `times_density` takes."""
    return log_excess(z, a, log_of_z(z, x, b))


def excess_bend(z, a, log_z):
    """The square of the excess less trigamma(a); for small a without both their 1 / a^2."""
    small = a < 1
    more = jnp.where(small, 1 + a, 2.0)
    e = log_z - digamma(more)
    large = jnp.square(log_excess(z, a, log_z)) - trigamma(a)
    return jnp.where(small, e * (2 / a + e) - trigamma(more), large)


PROB_BENDS = {
    ("x", "x"): times_density(lambda z, x, a, b: (a - 1) * (a - 2) - z * (2 * (a - 1) - z), over=3),
    ("x", "concentration"): times_density(
        lambda z, x, a, b: ((a - 1) - z) * excess(z, x, a, b) + 1, over=2
    ),
    ("x", "rate"): times_density(lambda z, x, a, b: square(z, a) / z),
    ("concentration", "concentration"): times_density(
        lambda z, x, a, b: excess_bend(z, a, log_of_z(z, x, b))
    ),
    ("concentration", "rate"): times_density(
        lambda z, x, a, b: ((a - z) * excess(z, x, a, b) + 1) / b
    ),
    ("rate", "rate"): times_density(lambda z, x, a, b: square(z, a) / b / b),
}
prob, PROB = with_partials(
    _prob,
    dict(
        x=times_density(lambda z, x, a, b: a - 1 - z, over=2),
        concentration=times_density(excess),
        rate=times_density(lambda z, x, a, b: (a - z) / b),
    ),
    PROB_BENDS,
)
DENSITY = dict(log_prob=Rule(LOG_PROB, BENDS, _log_prob), prob=Rule(PROB, PROB_BENDS, _prob))
"""Their derivatives, by name."""
