r"""The gamma distribution with shape `concentration` > 0 and `rate` > 0.

Elementwise functions of arrays or numbers. A parameter that isn't positive gives NaN; below zero
the density is zero. With $z = \beta x$ densities rest on $a \log(a / z) - a + z$ and on what
Stirling's formula leaves over (Loader 2000), so that large concentrations cost no digits.
"""

from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.distributions import exponential_family
from jaxmath.distributions.family import Family
from jaxmath.distributions.fitting import Fit, observations, with_errors
from jaxmath.distributions.gamma_draws import log_gamma_draw
from jaxmath.distributions.location_scale import positive
from jaxmath.distributions.shapes import float_dtype, sample_shape
from jaxmath.domains import NONNEGATIVE, Interval
from jaxmath.formula import Concave, Decreasing, Increasing, Source, with_rule
from jaxmath.special.entropy import kl_div
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
from jaxmath.special.incomplete_gamma import (
    INCOMPLETE_GAMMA,
    gammainc,
    gammaincc,
    log_gammainc,
    log_gammaincc,
)
from jaxmath.special.inverse_gamma import gammainccinv, gammaincinv
from jaxmath.special.logarithm import log1p, log1p_gap
from jaxmath.special.partials import along, minus, with_partials
from jaxmath.special.ratio import log_ratio, relative_excess
from jaxmath.typing import PRNGKey, Real


class Params(NamedTuple):
    """Shape and rate; also the shape of what belongs to each, such as the score."""

    concentration: Any
    rate: Any


SHAPES = Interval(2.0**-14, 2.0**27, closed=(True, True))
"""Of concentrations: where all digits are promised."""
RATES = Interval(2.0**-40, 2.0**40, closed=(True, True))

_SPECIAL = {formula.name: formula.partials for formula in INCOMPLETE_GAMMA}


def _parts(x, concentration, rate):
    """The value times the rate, the value, one below the support, and both parameters."""
    a, b = positive(concentration), positive(rate)
    x = jnp.asarray(x)
    inner = jnp.where(x > 0, x, jnp.where(x <= 0, 1.0, jnp.nan))
    return b * inner, inner, a, b


def _supported(x, inside, outside):
    """The entry above zero, or below; at zero what `outside` says of it."""
    return jnp.where(jnp.asarray(x) <= 0, outside, inside)


def _log_z(z, x, b):
    """The logarithm of z = b x, also where the product is beyond an end of the dtype."""
    info = jnp.finfo(z.dtype)
    inside = (z > 2 * info.tiny) & (z < info.max)
    return jnp.where(inside, jnp.log(jnp.where(inside, z, 1.0)), jnp.log(x) + jnp.log(b))


def log_density(z, a, log_z):
    """Of the standard distribution, times the value itself, in nats."""
    far = (z < a / 8) | (z > 8 * a)
    near = kl_div(jnp.where(far, 1.0, a), jnp.where(far, 1.0, z))
    away, log_away = jnp.where(far, z, a), jnp.where(far, log_z, 0.0)
    return (
        jnp.log(a) / 2 - HALF_LOG_TAU - stirling_error(a)
        - jnp.where(far, a * (jnp.log(a) - log_away) - a + away, near)
    )  # fmt: skip


def log_excess(z, a, log_z):
    """The logarithm of z less the digamma function of a, whose terms cancel for large a."""
    small = a < 1
    large = jnp.where(small, 1.0, a)
    far = (z < large / 2) | jnp.isinf(z)
    log_share = log1p(jnp.where(far, 0.0, (z - large) / large))
    log_share = jnp.where(far, log_z - jnp.log(large), log_share)
    near = log_share + 1 / (2 * large) - stirling_error_dx(large)
    return jnp.where(small, log_z - digamma(a), near)


def _at_zero(a, one, other):
    """The limit at zero: infinite for a < 1, `one` for a = 1, `other` above."""
    return jnp.where(a < 1, jnp.inf, jnp.where(a == 1, one, other))


def _log_prob(x: Real, concentration: Real, rate: Real) -> Float[Array, "..."]:
    """The logarithm of the density, in nats."""
    z, inner, a, b = _parts(x, concentration, rate)
    edge = jnp.where(jnp.asarray(x) == 0, _at_zero(a, jnp.log(b), -jnp.inf), -jnp.inf)
    return _supported(
        x, log_density(z, a, _log_z(z, inner, b)) - jnp.log(inner), edge + 0.0 * (a + b)
    )


def _log_prob_dx(x, concentration, rate):
    _, inner, a, b = _parts(x, concentration, rate)
    edge = jnp.where((jnp.asarray(x) == 0) & (a == 1), -b, 0.0 * (a + b))
    return _supported(x, (a - 1) / inner - b, edge)


def _log_prob_dconcentration(x, concentration, rate):
    z, inner, a, b = _parts(x, concentration, rate)
    return _supported(x, log_excess(z, a, _log_z(z, inner, b)), 0.0 * (a + b))


def _log_prob_drate(x, concentration, rate):
    _, inner, a, b = _parts(x, concentration, rate)
    edge = jnp.where((jnp.asarray(x) == 0) & (a == 1), 1 / b, 0.0 * (a + b))
    return _supported(x, a / b - inner, edge)


def _flat(fn):
    """A second derivative inside the support; zero outside."""

    def second(x, concentration, rate):
        _, inner, a, b = _parts(x, concentration, rate)
        return _supported(x, fn(inner, a, b) + 0.0 * (inner + a + b), 0.0 * (a + b))

    return second


_BENDS = {
    ("x", "x"): _flat(lambda x, a, b: ((1 - a) * (1 / x)) * (1 / x)),
    ("x", "concentration"): _flat(lambda x, a, b: 1 / x),
    ("x", "rate"): _flat(lambda x, a, b: -jnp.ones_like(x)),
    ("concentration", "concentration"): _flat(lambda x, a, b: -trigamma(a)),
    ("concentration", "rate"): _flat(lambda x, a, b: 1 / b),
    ("rate", "rate"): _flat(lambda x, a, b: -a / b / b),
}


def _row(name):
    order = {**_BENDS, **{(two, one): bend for (one, two), bend in _BENDS.items()}}
    return {other: order[name, other] for other in ("x", "concentration", "rate")}


log_prob_dx = with_rule(_log_prob_dx, **_row("x"))
log_prob_dconcentration = with_rule(_log_prob_dconcentration, **_row("concentration"))
log_prob_drate = with_rule(_log_prob_drate, **_row("rate"))
_LOG_PROB = dict(x=log_prob_dx, concentration=log_prob_dconcentration, rate=log_prob_drate)
log_prob = with_rule(_log_prob, **_LOG_PROB)


def score(x: Real, concentration: Real, rate: Real) -> Params:
    """The slopes of `log_prob` in the parameters."""
    args = (x, concentration, rate)
    return Params(log_prob_dconcentration(*args), log_prob_drate(*args))


def hessian(x: Real, concentration: Real, rate: Real) -> Float[Array, "... 2 2"]:
    """The second derivatives of `log_prob` in the parameters."""
    names = ("concentration", "concentration"), ("concentration", "rate"), ("rate", "rate")
    aa, ab, bb = jnp.broadcast_arrays(*(_BENDS[pair](x, concentration, rate) for pair in names))
    return jnp.stack([jnp.stack([aa, ab], -1), jnp.stack([ab, bb], -1)], -2)


def _times_density(factor, over=1, zero=lambda a, b: 0.0 * a):
    """The density times x, times a factor, over a power of x; at zero what `zero` says of it.

    A number of ordinary size may be made of a density that underflows and a power that overflows.
    """

    def product(x, concentration, rate):
        z, inner, a, b = _parts(x, concentration, rate)
        part = jnp.exp(log_density(z, a, _log_z(z, inner, b)) / 4)
        first, second, third = (part / inner if over > k else part for k in (0, 2, 1))
        there = jnp.where(part > 0, factor(z, inner, a, b), 0.0)
        # In this order no product is beyond an end of the dtype before the last one is.
        value = (first * part * second) * (there * third)
        edge = jnp.where(jnp.asarray(x) == 0, zero(a, b), 0.0) + 0.0 * (a + b)
        return _supported(x, value, edge)

    return product


def _prob(x: Real, concentration: Real, rate: Real) -> Float[Array, "..."]:
    """The density; its unit is one over that of x."""
    ones = _times_density(
        lambda z, x, a, b: jnp.ones_like(z), zero=lambda a, b: _at_zero(a, b, 0.0)
    )
    return ones(x, concentration, rate)


def _square(z, a):
    """The second derivative in the rate over the density, times the square of the rate."""
    return a * (a - 1) - z * (2 * a - z)


def _excess(z, x, a, b):
    return log_excess(z, a, _log_z(z, x, b))


def _excess_bend(z, x, a, b):
    """The square of the excess less trigamma(a); for small a without both their 1 / a^2."""
    small = a < 1
    more = jnp.where(small, 1 + a, 2.0)
    e = _log_z(z, x, b) - digamma(more)
    return jnp.where(
        small,
        e * (2 / a + e) - trigamma(more),
        jnp.square(_excess(z, x, a, b)) - trigamma(a),
    )


_DENSITY_BENDS = {
    ("x", "x"): _times_density(
        lambda z, x, a, b: (a - 1) * (a - 2) - z * (2 * (a - 1) - z), over=3
    ),
    ("x", "concentration"): _times_density(
        lambda z, x, a, b: ((a - 1) - z) * _excess(z, x, a, b) + 1, over=2
    ),
    ("x", "rate"): _times_density(lambda z, x, a, b: _square(z, a) / z),
    ("concentration", "concentration"): _times_density(_excess_bend),
    ("concentration", "rate"): _times_density(
        lambda z, x, a, b: ((a - z) * _excess(z, x, a, b) + 1) / b
    ),
    ("rate", "rate"): _times_density(lambda z, x, a, b: _square(z, a) / b / b),
}
prob, _PROB = with_partials(
    _prob,
    dict(
        x=_times_density(lambda z, x, a, b: a - 1 - z, over=2),
        concentration=_times_density(_excess),
        rate=_times_density(lambda z, x, a, b: (a - z) / b),
    ),
    _DENSITY_BENDS,
)


def _finite(z):
    """Where z overflows both tails have long been what they are at the largest number."""
    return jnp.minimum(z, jnp.finfo(z.dtype).max)


def _tail(fn, none):
    """A function of concentration and value times rate; `none` below zero."""

    def tail(x, concentration, rate):
        z, _, a, b = _parts(x, concentration, rate)
        return _supported(x, fn(a, _finite(z)), none + 0.0 * (a + b))

    return tail


def _cdf(x: Real, concentration: Real, rate: Real) -> Float[Array, "..."]:
    """The probability of at most x."""
    return _tail(gammainc, 0.0)(x, concentration, rate)


def _sf(x: Real, concentration: Real, rate: Real) -> Float[Array, "..."]:
    """The probability of more than x, accurate where it is tiny."""
    return _tail(gammaincc, 1.0)(x, concentration, rate)


def log_cdf(x: Real, concentration: Real, rate: Real) -> Float[Array, "..."]:
    """The logarithm of `cdf`, accurate in both tails."""
    return _tail(log_gammainc, -jnp.inf)(x, concentration, rate)


def log_sf(x: Real, concentration: Real, rate: Real) -> Float[Array, "..."]:
    """The logarithm of `sf`, accurate in both tails."""
    return _tail(log_gammaincc, 0.0)(x, concentration, rate)


def _in_shape(partial):
    """A derivative in the concentration, of concentration and value times rate."""
    return _tail(partial, 0.0)


_TAIL_BENDS = {
    ("x", "x"): _PROB["x"],
    ("x", "concentration"): _PROB["concentration"],
    ("x", "rate"): _PROB["rate"],
    ("concentration", "rate"): _times_density(lambda z, x, a, b: _excess(z, x, a, b) / b, over=0),
    ("rate", "rate"): _times_density(lambda z, x, a, b: (a - 1 - z) / b / b, over=0),
}
_drate = _times_density(lambda z, x, a, b: jnp.ones_like(z) / b, over=0)


def _with_slopes(fn, name, turned):
    """A tail bound to its slopes: those of `cdf` in x and rate, or these `turned`."""
    dconcentration = _SPECIAL[name]["a"]
    bends = {pair: turned(bend) for pair, bend in _TAIL_BENDS.items()}
    bends["concentration", "concentration"] = _in_shape(along(dconcentration, 0))
    slopes = dict(x=turned(prob), concentration=_in_shape(dconcentration), rate=turned(_drate))
    return *with_partials(fn, slopes, bends), bends


cdf, _CDF, _CDF_BENDS = _with_slopes(_cdf, "gammainc", lambda fn: fn)
sf, _SF, _SF_BENDS = _with_slopes(_sf, "gammaincc", minus)


def _chain(partials):
    """The slopes of a function of concentration and value times rate."""

    def made(fn):
        def partial(x, concentration, rate):
            z, inner, a, b = _parts(x, concentration, rate)
            return _supported(x, fn(_finite(z), inner, a, b), 0.0 * (a + b))

        return partial

    return dict(
        x=made(lambda z, x, a, b: partials["x"](a, z) * b),
        concentration=made(lambda z, x, a, b: partials["a"](a, z)),
        rate=made(lambda z, x, a, b: partials["x"](a, z) * x),
    )


def quantile(p: Real, concentration: Real, rate: Real) -> Float[Array, "..."]:
    """The x below which lies probability p; NaN for p outside [0, 1]."""
    return gammaincinv(positive(concentration), p) / positive(rate)


def isf(p: Real, concentration: Real, rate: Real) -> Float[Array, "..."]:
    """The x above which lies probability p; NaN for p outside [0, 1]."""
    return gammainccinv(positive(concentration), p) / positive(rate)


def log_sample(key: PRNGKey, concentration: Real, rate: Real, shape: tuple[int, ...] = ()) -> Array:
    """The logarithms of draws, which for a small concentration may underflow themselves."""
    size = sample_shape(shape, concentration, rate)
    dtype = float_dtype(concentration, rate)
    a = jnp.broadcast_to(positive(concentration), size).astype(dtype)
    valid = a > 0
    draws = log_gamma_draw(key, jnp.where(valid, a, 1.0))
    return jnp.where(valid, draws, jnp.nan) - jnp.log(positive(rate))


def sample(key: PRNGKey, concentration: Real, rate: Real, shape: tuple[int, ...] = ()) -> Array:
    """Draw `shape` times the common shape of the parameters, differentiable in them."""
    return jnp.exp(log_sample(key, concentration, rate, shape))


def mean(concentration: Real, rate: Real) -> Float[Array, "..."]:
    """The concentration over the rate."""
    return positive(concentration) / positive(rate)


def median(concentration: Real, rate: Real) -> Float[Array, "..."]:
    """The quantile of one half."""
    a = positive(concentration)
    return quantile(jnp.full_like(a, 0.5), a, rate)


def mode(concentration: Real, rate: Real) -> Float[Array, "..."]:
    """One less than the concentration over the rate; zero for concentrations below one."""
    return jnp.maximum(positive(concentration) - 1, 0.0) / positive(rate)


def variance(concentration: Real, rate: Real) -> Float[Array, "..."]:
    """The mean over the rate."""
    return mean(concentration, rate) / positive(rate)


def std(concentration: Real, rate: Real) -> Float[Array, "..."]:
    """The square root of the concentration over the rate."""
    return jnp.sqrt(positive(concentration)) / positive(rate)


def skewness(concentration: Real, rate: Real) -> Float[Array, "..."]:
    """Two over the square root of the concentration."""
    return 2 / jnp.sqrt(positive(concentration)) + 0.0 * positive(rate)


def kurtosis(concentration: Real, rate: Real) -> Float[Array, "..."]:
    """Six over the concentration."""
    return 6 / positive(concentration) + 0.0 * positive(rate)


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


_SHARED = {
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


def _of_shape(a):
    """The trigamma function plus a times its slope, which nearly cancel for large a."""
    small, large = jnp.where(a < 1, a, 1.0), jnp.where(a < 1, 1.0, a)
    rest = stirling_error_dx_dx(large) + large * _bend_dx(large)
    return jnp.where(
        a < 1, trigamma(small) + small * trigamma_dx(small), rest - (0.5 / large) / large
    )


_KL_SECONDS = _SHARED | {
    ("concentration", "concentration"): _whole(
        lambda a, b, c, d: _of_shape(a) - c * trigamma_dx(a)
    ),
    ("rate", "rate"): _whole(lambda a, b, c, d: (2 * a * (d / b) - c) / b / b),
}
_CROSS_SECONDS = _SHARED | {
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


def _of_cross_entropy(name):
    def partial(concentration, rate, concentration_q, rate_q):
        first = (concentration, rate)
        return _ENTROPY[name](*first) + _KL[name](*first, concentration_q, rate_q)

    return partial


cross_entropy, _CROSS_ENTROPY = with_partials(
    _cross_entropy,
    dict(
        concentration=_of_cross_entropy("concentration"),
        rate=_of_cross_entropy("rate"),
        concentration_q=_kl_dconcentration_q,
        rate_q=_kl_drate_q,
    ),
    _CROSS_SECONDS,
)


def _between(share, p, q):
    """Natural parameters are linear in both."""
    return tuple(share * jnp.asarray(one) + (1 - share) * jnp.asarray(two)
                 for one, two in zip(p, q, strict=True))  # fmt: skip


squared_hellinger = exponential_family.squared_hellinger(kl, _between)
renyi = exponential_family.renyi(kl, _between)


def fisher_information(concentration: Real, rate: Real) -> Float[Array, "... 2 2"]:
    """Minus the expected `hessian`, which does not depend on x."""
    a, b = positive(concentration), positive(rate)
    rows = jnp.broadcast_arrays(trigamma(a), -1 / b, a / b / b)
    return jnp.stack([jnp.stack(rows[:2], -1), jnp.stack(rows[1:], -1)], -2)


def sufficient(x: Real) -> Float[Array, "... 2"]:
    """The logarithm of x, and x."""
    x = jnp.asarray(x)
    return jnp.stack([jnp.log(x), x], -1)


def natural(concentration: Real, rate: Real) -> Float[Array, "... 2"]:
    """The concentration less one, and minus the rate."""
    parts = jnp.broadcast_arrays(positive(concentration) - 1, -positive(rate))
    return jnp.stack(parts, -1)


def mean_parameters(concentration: Real, rate: Real) -> Float[Array, "... 2"]:
    """The expected logarithm, and the mean."""
    a, b = positive(concentration), positive(rate)
    return jnp.stack(jnp.broadcast_arrays(digamma(a) - jnp.log(b), a / b), -1)


def log_partition(eta: Float[Array, "... 2"]) -> Float[Array, "..."]:
    """Of the natural parameters."""
    eta = jnp.asarray(eta)
    a = eta[..., 0] + 1
    return gammaln(a) - a * jnp.log(-eta[..., 1])


NEWTON_STEPS = 8


def likeliest_concentration(gap: Real) -> Float[Array, "..."]:
    r"""The a > 0 with $\log a - \psi(a)$ = gap > 0, by Newton's method for 1 / a (Minka 2002)."""
    gap = jnp.asarray(gap)
    a = (3 - gap + jnp.sqrt(jnp.square(gap - 3) + 24 * gap)) / (12 * gap)
    for _ in range(NEWTON_STEPS):
        error = 1 / (2 * a) - stirling_error_dx(a) - gap
        slope = -(0.5 / a) / a - stirling_error_dx_dx(a)
        a = 1 / jnp.maximum(1 / a + error / slope / jnp.square(a), 0.1 / a)
    return a


def fit(x: Real, weights: Real | None = None) -> Fit:
    """The likeliest concentration, and the rate that gives the mean of the observations (n,)."""
    x, share, total = observations(x, weights)
    centre = jnp.sum(share * x)
    gap = -jnp.sum(share * jnp.where(share > 0, log_ratio(x, centre), 0.0))
    a = likeliest_concentration(gap)
    return with_errors(GAMMA, Params(a, a / centre), x, share, total)


def _of(concentration, rate):
    """Partials of a function of both parameters."""
    made = lambda fn: lambda concentration, rate: fn(positive(concentration), positive(rate))  # noqa: E731
    return dict(concentration=made(concentration), rate=made(rate))


_PAIRS: dict[str, str] = {
    f"second_derivatives/{one}, {other}": "the reference of the laws cannot tell; those of "
    "60 digits are compared by a test of its own"
    for one, other in _SHARED
    if one != other
}

_INVERSE = "the inverse incomplete gamma function, compared with 60 digits by tests of its own"

GAMMA = Family(
    name="gamma",
    parameters=Params(concentration=SHAPES, rate=RATES),
    support=NONNEGATIVE,
    functions=(
        *(log_prob, prob, cdf, log_cdf, sf, log_sf, quantile, isf, sample),
        *(mean, median, mode, variance, std, skewness, kurtosis, entropy, cross_entropy, kl),
        *(squared_hellinger, renyi, score, hessian, fisher_information),
        *(sufficient, natural, log_partition, mean_parameters, fit),
    ),
    partials=dict(
        log_prob=_LOG_PROB,
        prob=_PROB,
        cdf=_CDF,
        sf=_SF,
        log_cdf=_chain(_SPECIAL["log_gammainc"]),
        log_sf=_chain(_SPECIAL["log_gammaincc"]),
        entropy=_ENTROPY,
        cross_entropy=_CROSS_ENTROPY,
        kl=_KL,
        mean=_of(lambda a, b: 1 / b + 0.0 * a, lambda a, b: -a / b / b),
        variance=_of(lambda a, b: 1 / b / b + 0.0 * a, lambda a, b: -2 * a / b / b / b),
        std=_of(lambda a, b: 0.5 / jnp.sqrt(a) / b, lambda a, b: -jnp.sqrt(a) / b / b),
        skewness=_of(lambda a, b: -1 / jnp.sqrt(a) / a + 0.0 * b, lambda a, b: 0.0 * (a + b)),
        kurtosis=_of(lambda a, b: -6 / a / a + 0.0 * b, lambda a, b: 0.0 * (a + b)),
        mode=_of(
            lambda a, b: jnp.where(a > 1, 1.0, 0.0) / b,
            lambda a, b: -jnp.maximum(a - 1, 0.0) / b / b,
        ),
    ),
    seconds=dict(
        log_prob=_BENDS,
        prob=_DENSITY_BENDS,
        cdf=_CDF_BENDS,
        sf=_SF_BENDS,
        kl=_KL_SECONDS,
        cross_entropy=_CROSS_SECONDS,
    ),
    exceptions=dict(
        kl=_PAIRS,
        cross_entropy=_PAIRS,
        mode={
            "second_derivatives/concentration, rate": "at concentration one its slope jumps",
        },
    ),
    unrecorded=dict.fromkeys(("quantile", "isf", "median"), _INVERSE),
    plain=dict(
        log_prob=_log_prob,
        prob=_prob,
        cdf=_cdf,
        sf=_sf,
        entropy=_entropy,
        cross_entropy=_cross_entropy,
        kl=_kl,
    ),
    facts=dict(
        log_prob=(Concave("concentration"), Concave("rate")),
        entropy=(Increasing("concentration"), Decreasing("rate")),
    ),
    tex=dict(
        log_prob=r"\log p(x) = a \log \beta + (a - 1) \log x - \beta x - \log\Gamma(a)",
        prob=r"p(x) = \beta^a x^{a - 1} e^{-\beta x} / \Gamma(a)",
        cdf=r"F(x) = P(a, \beta x)",
        sf=r"S(x) = Q(a, \beta x)",
        mean=r"\mu = a / \beta",
        variance=r"\sigma^2 = a / \beta^2",
        skewness=r"2 / \sqrt a",
        kurtosis=r"6 / a",
        entropy=r"H = a - \log \beta + \log\Gamma(a) + (1 - a) \psi(a)",
    ),
    source=Source("casella2002inference", "section 3.3"),
    topic="P10",
)
__getattr__ = GAMMA.function
