r"""The uniform distribution between `low` and `high`, low < high.

Elementwise functions of arrays or numbers. Ends that are not in order give NaN. Both ends belong
to the support, beyond which the density is zero.

Its likelihood has no maximum with slope zero: it grows until an end meets an observation. So the
Fisher information does not apply, and estimates of the ends are not nearly normal.
"""

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.distributions.family import Family
from jaxmath.distributions.fitting import Fit, observations
from jaxmath.distributions.location_scale import chance
from jaxmath.distributions.shapes import float_dtype, sample_shape
from jaxmath.domains import REAL
from jaxmath.formula import Concave, Source, with_rule
from jaxmath.special.logarithm import log1p
from jaxmath.special.logistic import softplus
from jaxmath.special.partials import minus
from jaxmath.special.ratio import safe_unit
from jaxmath.typing import PRNGKey, Real


class Params(NamedTuple):
    """The ends; also the shape of what belongs to each, such as the score."""

    low: Any
    high: Any


def _scaled(low, high, *others):
    """The width, and by how much each other value exceeds `low`, times a power of two; and that.

    So no difference over- or underflows. NaN where the ends are not in order.
    """
    low, high = jnp.asarray(low), jnp.asarray(high)
    unit = safe_unit(jnp.maximum(jnp.abs(low), jnp.abs(high)))
    width = high * unit - low * unit
    width = width + jnp.where(width > 0, 0.0, jnp.nan)
    return unit, width, *(jnp.asarray(other) * unit - low * unit for other in others)


def _rate(low, high):
    """One over the width."""
    unit, width = _scaled(low, high)
    return unit / width


def _log_width(low, high):
    unit, width = _scaled(low, high)
    return jnp.log(width) - jnp.log(unit)


def _shares(x, low, high):
    """The shares of the width below and above x, each to all digits, cut to [0, 1]."""
    unit, width, below = _scaled(low, high, x)
    above = jnp.asarray(high) * unit - jnp.asarray(x) * unit
    return tuple(jnp.clip(part / width, 0.0, 1.0) for part in (below, above))


def _where_supported(x, low, high, inside, outside):
    x = jnp.asarray(x)
    within = (x >= low) & (x <= high)
    return jnp.where(within, inside, jnp.where(jnp.isnan(x + inside), jnp.nan, outside))


def _gated(sign, power, times=1.0):
    """A multiple of a power of one over the width, zero outside of the support."""

    def derivative(x, low, high):
        rate = _rate(low, high)
        value = sign * rate
        for _ in range(power - 1):
            value = value * rate
        return _where_supported(x, low, high, times * value, 0.0)

    return derivative


def _flat(x, low, high):
    return 0.0 * jnp.asarray(x) * jnp.sign(_rate(low, high))


def _log_prob(x: Real, low: Real, high: Real) -> Float[Array, "..."]:
    """Minus the logarithm of the width, in nats; minus infinity outside."""
    return _where_supported(x, low, high, -_log_width(low, high), -jnp.inf)


def _prob(x: Real, low: Real, high: Real) -> Float[Array, "..."]:
    """One over the width; zero outside."""
    return _where_supported(x, low, high, _rate(low, high), 0.0)


def _ends(first, second, third, power):
    """Partials that are multiples of powers of one over the width, and theirs."""
    low = with_rule(
        _gated(1, power), x=_flat, low=_gated(first, power + 1), high=_gated(second, power + 1)
    )
    high = with_rule(
        _gated(-1, power), x=_flat, low=_gated(second, power + 1), high=_gated(third, power + 1)
    )
    partials = dict(x=_flat, low=low, high=high)
    seconds = {
        ("low", "low"): _gated(first, power + 1),
        ("low", "high"): _gated(second, power + 1),
        ("high", "high"): _gated(third, power + 1),
    }
    return partials, seconds


_LOG_PROB, _LOG_PROB_SECONDS = _ends(1, -1, 1, 1)
_PROB, _PROB_SECONDS = _ends(2, -2, 2, 2)
log_prob = with_rule(_log_prob, **_LOG_PROB)
prob = with_rule(_prob, **_PROB)


def score(x: Real, low: Real, high: Real) -> Params:
    """The slope of `log_prob` in each end, inside of the support; its mean is not zero."""
    return Params(low=_LOG_PROB["low"](x, low, high), high=_LOG_PROB["high"](x, low, high))


def hessian(x: Real, low: Real, high: Real) -> Float[Array, "... 2 2"]:
    """The second derivatives of `log_prob` in both ends, inside of the support, as a matrix."""
    square = _gated(1, 2)(x, low, high)
    signs = jnp.asarray([[1.0, -1.0], [-1.0, 1.0]], square.dtype)
    return jnp.stack([jnp.stack([sign * square for sign in row], axis=-1) for row in signs], -2)


def _cdf(x: Real, low: Real, high: Real) -> Float[Array, "..."]:
    """The share of the width below x."""
    return _shares(x, low, high)[0]


def _sf(x: Real, low: Real, high: Real) -> Float[Array, "..."]:
    """The share of the width above x."""
    return _shares(x, low, high)[1]


def _share_times(factor, power):
    """A function of both shares, times powers of one over the width."""

    def derivative(x, low, high):
        rate = _rate(low, high)
        value = factor(*_shares(x, low, high)) * rate
        return _where_supported(x, low, high, value * rate if power == 2 else value, 0.0)

    return derivative


_cdf_dlow = with_rule(
    _share_times(lambda s, t: -t, 1),
    x=_gated(1, 2),
    low=_share_times(lambda s, t: -2 * t, 2),
    high=_share_times(lambda s, t: t - s, 2),
)
_cdf_dhigh = with_rule(
    _share_times(lambda s, t: -s, 1),
    x=_gated(-1, 2),
    low=_share_times(lambda s, t: t - s, 2),
    high=_share_times(lambda s, t: 2 * s, 2),
)


_CDF = dict(x=prob, low=_cdf_dlow, high=_cdf_dhigh)
_SF = {name: minus(partial) for name, partial in _CDF.items()}
cdf = with_rule(_cdf, **_CDF)
sf = with_rule(_sf, **_SF)


def _log_share(x, low, high, lower):
    """The logarithm of the share below (or above) x, from the other one where that is smaller."""
    unit, width, below = _scaled(low, high, x)
    above = jnp.asarray(high) * unit - jnp.asarray(x) * unit
    part, rest = (below, above) if lower else (above, below)
    share = part / width
    tiny = share < jnp.finfo(share.dtype).tiny  # where the quotient is no normal number
    some = jnp.where(tiny, 1.0, jnp.minimum(share, 0.5))
    few = jnp.where(tiny, jnp.log(jnp.maximum(part, 0.0)) - jnp.log(width), jnp.log(some))
    return jnp.where(share < 0.5, few, log1p(-jnp.clip(rest / width, 0.0, 0.5)))


def _log_cdf(x: Real, low: Real, high: Real) -> Float[Array, "..."]:
    """The logarithm of `cdf`, accurate near both ends."""
    return _log_share(x, low, high, lower=True)


def _log_sf(x: Real, low: Real, high: Real) -> Float[Array, "..."]:
    """The logarithm of `sf`, accurate near both ends."""
    return _log_share(x, low, high, lower=False)


def _nearness(factor, power, lower):
    """A function of both shares, times powers of one over the distance from an end."""

    def derivative(x, low, high):
        unit, _, below = _scaled(low, high, x)
        above = jnp.asarray(high) * unit - jnp.asarray(x) * unit
        rate = unit / (below if lower else above)
        value = factor(*_shares(x, low, high)) * rate
        return _where_supported(x, low, high, value * rate if power == 2 else value, 0.0)

    return derivative


def _log_tail(lower):
    """The partials of the logarithm of the share below (or above) x."""
    sign = 1 if lower else -1
    near, far = ("low", "high") if lower else ("high", "low")

    def own(factor):
        return factor if lower else lambda s, t: factor(t, s)

    square = _nearness(lambda s, t: 1.0 + 0.0 * s, 2, lower)
    dx = with_rule(
        _nearness(lambda s, t: sign + 0.0 * s, 1, lower),
        **{"x": minus(square), near: square, far: _flat},
    )
    dnear = with_rule(
        _nearness(own(lambda s, t: -sign * t), 1, lower),
        **{
            "x": square,
            near: _nearness(own(lambda s, t: -t * (1 + s)), 2, lower),
            far: _gated(-1, 2),
        },
    )
    dfar = with_rule(_gated(-sign, 1), **{"x": _flat, near: _gated(-1, 2), far: _gated(1, 2)})
    return {"x": dx, near: dnear, far: dfar}


_LOG_CDF = _log_tail(lower=True)
_LOG_SF = _log_tail(lower=False)
log_cdf = with_rule(_log_cdf, **_LOG_CDF)
log_sf = with_rule(_log_sf, **_LOG_SF)


def _ordered(low, high):
    """Zero, NaN where the ends are not in order."""
    return jnp.where(jnp.asarray(low) < high, 0.0, jnp.nan).astype(jnp.result_type(low, high))


def quantile(p: Real, low: Real, high: Real) -> Float[Array, "..."]:
    """The x below which lies the share p of the width."""
    p = chance(p) + _ordered(low, high)
    return jnp.asarray(low) * (1 - p) + jnp.asarray(high) * p


def isf(p: Real, low: Real, high: Real) -> Float[Array, "..."]:
    """The x above which lies the share p of the width."""
    p = chance(p) + _ordered(low, high)
    return jnp.asarray(low) * p + jnp.asarray(high) * (1 - p)


def sample(key: PRNGKey, low: Real, high: Real, shape: tuple[int, ...] = ()) -> Array:
    """Draw `shape` times the common shape of the ends, differentiable in them."""
    size = sample_shape(shape, low, high)
    share = jax.random.uniform(key, size, float_dtype(low, high))
    return quantile(share, jnp.broadcast_to(low, size), jnp.broadcast_to(high, size))


def mean(low: Real, high: Real) -> Float[Array, "..."]:
    """The middle."""
    return jnp.asarray(low) / 2 + jnp.asarray(high) / 2 + _ordered(low, high)


def median(low: Real, high: Real) -> Float[Array, "..."]:
    """The middle."""
    return mean(low, high)


def _width_plain(low, high):
    unit, width = _scaled(low, high)
    return width / unit


_width = with_rule(
    _width_plain,
    low=lambda low, high: _ordered(low, high) - 1,
    high=lambda low, high: _ordered(low, high) + 1,
)


def std(low: Real, high: Real) -> Float[Array, "..."]:
    """The width over the square root of twelve."""
    return _width(low, high) / math.sqrt(12)


def variance(low: Real, high: Real) -> Float[Array, "..."]:
    """A twelfth of the squared width."""
    return jnp.square(std(low, high))


def skewness(low: Real, high: Real) -> Float[Array, "..."]:
    """Zero: the third moment of the standardised variable."""
    return _ordered(low, high)


def kurtosis(low: Real, high: Real) -> Float[Array, "..."]:
    """Minus 1.2: the excess of the fourth standardised moment over the normal's 3."""
    return _ordered(low, high) - 1.2


def entropy(low: Real, high: Real) -> Float[Array, "..."]:
    """The logarithm of the width, in nats."""
    return _log_width(low, high)


def _multiple(constant, of=lambda low, high: 1.0):
    return lambda low, high: constant * of(low, high) + _ordered(low, high)


def _moment(low, high):
    return dict(low=low, high=high)


def _overlap(low, high, low_q, high_q):
    """The length that both supports share, as a share of the first's and of the second's width."""
    both = jnp.minimum(high, high_q) - jnp.maximum(low, low_q)
    both = jnp.maximum(both, 0.0)
    return both * _rate(low, high), both * _rate(low_q, high_q)


def _encloses(low, high, low_q, high_q):
    """Whether the second distribution allows whatever the first does."""
    return (low_q <= jnp.asarray(low)) & (jnp.asarray(high) <= high_q)


def _log_widths_ratio(low, high, low_q, high_q):
    """The logarithm of the second width over the first, close ones from what lies outside."""
    rate = _rate(low, high)
    excess = (high_q - jnp.asarray(high)) * rate + (jnp.asarray(low) - low_q) * rate
    close = jnp.abs(excess) < 0.5
    near = log1p(jnp.where(close, excess, 0.0))
    return jnp.where(close, near, _log_width(low_q, high_q) - _log_width(low, high))


def _cross_entropy(low: Real, high: Real, low_q: Real, high_q: Real) -> Float[Array, "..."]:
    """The logarithm of the second width; infinite where the second does not enclose the first."""
    value = _log_width(low_q, high_q) + _ordered(low, high)
    return jnp.where(_encloses(low, high, low_q, high_q) | jnp.isnan(value), value, jnp.inf)


def _kl(low: Real, high: Real, low_q: Real, high_q: Real) -> Float[Array, "..."]:
    """The logarithm of the widths' ratio; infinite where the second does not enclose the first."""
    value = _log_widths_ratio(low, high, low_q, high_q)
    return jnp.where(_encloses(low, high, low_q, high_q) | jnp.isnan(value), value, jnp.inf)


def _one_width(sign, second):
    """The slope of the logarithm of one of both widths in its lower (sign 1) or upper end."""

    def power(count):
        def value(low, high, low_q, high_q):
            rate = _rate(low_q, high_q) if second else _rate(low, high)
            enclosed = _encloses(low, high, low_q, high_q)
            value = jnp.where(enclosed, rate if count == 1 else rate * rate, 0.0)
            return value + _ordered(low, high) + _ordered(low_q, high_q)

        return value

    one, two = power(1), power(2)
    ends = ("low_q", "high_q") if second else ("low", "high")
    signs = (1, -1) if sign > 0 else (-1, 1)
    slopes = {
        name: (lambda *args, s=s, second=second: (-s if second else s) * two(*args))
        for name, s in zip(ends, signs, strict=True)
    }
    outer = -sign if second else sign

    def slope(low, high, low_q, high_q):
        return outer * one(low, high, low_q, high_q)

    return with_rule(slope, **slopes)


def _still(low, high, low_q, high_q):
    return _ordered(low, high) + _ordered(low_q, high_q)


_OF_Q = dict(low_q=_one_width(1, True), high_q=_one_width(-1, True))
_CROSS_ENTROPY = dict(low=_still, high=_still, **_OF_Q)
_KL = dict(low=_one_width(1, False), high=_one_width(-1, False), **_OF_Q)
cross_entropy = with_rule(_cross_entropy, **_CROSS_ENTROPY)
kl = with_rule(_kl, **_KL)


def jensen_shannon(low: Real, high: Real, low_q: Real, high_q: Real) -> Float[Array, "..."]:
    """The mean divergence of both from their mixture, in nats; log 2 where they do not meet."""
    share, share_q = _overlap(low, high, low_q, high_q)
    t = _log_width(low, high) - _log_width(low_q, high_q)
    return math.log(2) - (share * softplus(t) + share_q * softplus(-t)) / 2


def squared_hellinger(low: Real, high: Real, low_q: Real, high_q: Real) -> Float[Array, "..."]:
    """One minus the common length over the geometric mean of both widths."""
    share, share_q = _overlap(low, high, low_q, high_q)
    return 1 - jnp.sqrt(share) * jnp.sqrt(share_q)


def renyi(order: Real, low: Real, high: Real, low_q: Real, high_q: Real) -> Float[Array, "..."]:
    """The divergence of order alpha; from one on infinite where the second doesn't enclose."""
    share, _ = _overlap(low, high, low_q, high_q)
    order = jnp.asarray(order)
    enclosed = _encloses(low, high, low_q, high_q)
    below = jnp.where(order < 1, order, 0.5)
    loss = jnp.where(order < 1, jnp.log(share) / (below - 1), jnp.inf)
    ratio = _log_widths_ratio(low, high, low_q, high_q)
    return jnp.where(jnp.isnan(ratio), ratio, ratio + jnp.where(enclosed, 0.0, loss))


def squared_wasserstein(low: Real, high: Real, low_q: Real, high_q: Real) -> Float[Array, "..."]:
    """A third of the sum of both squared distances of the ends, and of their product."""
    a, b = jnp.asarray(low) - low_q, jnp.asarray(high) - high_q
    return (a * a + a * b + b * b) / 3 + _ordered(low, high) + _ordered(low_q, high_q)


def fit(x: Real, weights: Real | None = None) -> Fit:
    """The least and the largest of the observations, shape (n,).

    The standard error is the spread of an extreme of n uniform numbers; it is not half the length
    of an interval, since the errors are one-sided. There is no robust one.
    """
    x, share, total = observations(x, weights)
    low = jnp.min(jnp.where(share > 0, x, jnp.inf))
    high = jnp.max(jnp.where(share > 0, x, -jnp.inf))
    error = (high - low) / (total + 1) * jnp.sqrt(total / (total + 2))
    missing = jnp.full_like(error, jnp.nan)
    return Fit(Params(low, high), Params(error, error), Params(missing, missing))


_NOT_REGULAR = "the support moves with the parameters, and the likelihood has no slope of zero."

UNIFORM = Family(
    name="uniform",
    parameters=Params(low=REAL, high=REAL),
    support=REAL,
    ends=lambda low, high: (low, high),
    where=lambda low, high: jnp.asarray(low) < high,
    functions=(
        *(log_prob, prob, cdf, log_cdf, sf, log_sf, quantile, isf, sample),
        *(mean, median, variance, std, skewness, kurtosis, entropy, cross_entropy, kl),
        *(jensen_shannon, squared_hellinger, renyi, squared_wasserstein, score, hessian, fit),
    ),
    partials=dict(
        log_prob=_LOG_PROB,
        prob=_PROB,
        cdf=_CDF,
        sf=_SF,
        log_cdf=_LOG_CDF,
        log_sf=_LOG_SF,
        quantile=dict(
            p=lambda p, low, high: _width(low, high) + 0.0 * chance(p),
            low=lambda p, low, high: 1 - chance(p) + _ordered(low, high),
            high=lambda p, low, high: chance(p) + _ordered(low, high),
        ),
        isf=dict(
            p=lambda p, low, high: -_width(low, high) + 0.0 * chance(p),
            low=lambda p, low, high: chance(p) + _ordered(low, high),
            high=lambda p, low, high: 1 - chance(p) + _ordered(low, high),
        ),
        mean=_moment(_multiple(0.5), _multiple(0.5)),
        median=_moment(_multiple(0.5), _multiple(0.5)),
        std=_moment(_multiple(-(12**-0.5)), _multiple(12**-0.5)),
        variance=_moment(_multiple(-1 / 6, _width), _multiple(1 / 6, _width)),
        skewness=_moment(_multiple(0.0), _multiple(0.0)),
        kurtosis=_moment(_multiple(0.0), _multiple(0.0)),
        entropy=_moment(_multiple(-1.0, _rate), _multiple(1.0, _rate)),
        cross_entropy=_CROSS_ENTROPY,
        kl=_KL,
    ),
    seconds=dict(log_prob=_LOG_PROB_SECONDS, prob=_PROB_SECONDS),
    plain=dict(
        log_prob=_log_prob,
        prob=_prob,
        cdf=_cdf,
        sf=_sf,
        log_cdf=_log_cdf,
        log_sf=_log_sf,
        cross_entropy=_cross_entropy,
        kl=_kl,
    ),
    facts=dict(log_cdf=(Concave("x"),), log_sf=(Concave("x"),), entropy=(Concave("high"),)),
    tex=dict(
        log_prob=r"\log p(x) = -\log(b - a), \quad a \le x \le b",
        prob=r"p(x) = 1 / (b - a), \quad a \le x \le b",
        cdf=r"F(x) = \frac{x - a}{b - a}",
        sf=r"S(x) = \frac{b - x}{b - a}",
        quantile=r"F^{-1}(p) = a + p (b - a)",
        isf=r"S^{-1}(p) = b - p (b - a)",
        mean=r"\mu = (a + b) / 2",
        variance=r"\sigma^2 = (b - a)^2 / 12",
        entropy=r"H = \log(b - a)",
        cross_entropy=r"H(p, q) = \log(b_q - a_q), \quad a_q \le a < b \le b_q",
        kl=r"\operatorname{KL} = \log \frac{b_q - a_q}{b - a}, \quad a_q \le a < b \le b_q",
    ),
    undefined=dict(
        mode="every value between the ends is one.",
        fisher_information=_NOT_REGULAR,
        interval=_NOT_REGULAR,
        profile=_NOT_REGULAR,
    ),
    source=Source("casella2002inference", "section 3.3"),
    topic="P7",
)
__getattr__ = UNIFORM.function
