r"""The Laplace distribution: two exponential tails, of mean length `scale` > 0, from `loc`.

Elementwise functions of arrays or numbers. A scale that isn't positive gives NaN. The density has a
kink at the location, where slopes in it are taken as the middle of both sides, zero.
"""

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.distributions.fitting import Fit, observations
from jaxmath.distributions.location_scale import positive, standardize
from jaxmath.distributions.ratios import rates_gap, ratio_gap, ratio_renyi
from jaxmath.distributions.standard import (
    Differentiable,
    Params,
    Slopes,
    location_scale_family,
    quartiles,
    symmetric,
)
from jaxmath.formula import Break, Concave, Convex, Source, with_rule
from jaxmath.special.exponential import expm1_gap
from jaxmath.special.logarithm import log1p_gap_ratio
from jaxmath.special.partials import minus
from jaxmath.special.ratio import relative_excess
from jaxmath.typing import Real


def _slopes(z):
    size, sign = jnp.abs(z), jnp.sign(z)
    return Slopes(-sign, 0 * z, 1 - size, -sign, 1 - 2 * size)


def _cdf(z):
    tail = jnp.exp(-jnp.abs(z)) / 2
    return jnp.where(z < 0, tail, 1 - tail)


def _log_cdf(z):
    tail = jnp.exp(-jnp.abs(z)) / 2
    # Of large tails one minus it is rounded harmlessly, and `log1p` by XLA is not.
    right = jnp.where(tail > 0.25, jnp.log(1 - tail), jnp.log1p(-tail))
    # Not the constant, which is rounded: both sides meet at the location.
    return jnp.where(z < 0, z + jnp.log(jnp.full_like(z, 0.5)), right)


def _quantile(p):
    tail = jnp.minimum(p, 1 - p)
    return jnp.where(p < 0.5, jnp.log(2 * tail), -jnp.log(2 * tail))


def _quantile_dp(p):
    return 1 / jnp.minimum(p, 1 - p)


def _quantile_growth(p):
    return jnp.sign(p - 0.5) * _quantile_dp(p)


STANDARD = symmetric(
    log_density=lambda z: -jnp.abs(z) - math.log(2),
    root=lambda z: jnp.exp(-jnp.abs(z) / 2) / math.sqrt(2),
    slopes=_slopes,
    cdf=_cdf,
    log_cdf=_log_cdf,
    below=lambda z: (jnp.ones_like(z), jnp.zeros_like(z)),
    quantile=(_quantile, _quantile_dp, _quantile_growth),
    draw=lambda key, shape, dtype: jax.random.laplace(key, shape, dtype),
    information=(1.0, 0.0, 1.0),
    variance=2.0,
    kurtosis=3.0,
    entropy=1 + math.log(2),
)


def _distance(loc, scale, loc_q):
    """The distance of both locations in scales, where exp(-d) isn't zero; and its sign."""
    d = standardize(loc_q, loc, scale)
    return jnp.minimum(jnp.abs(d), 4000.0), jnp.sign(d)


def _outside(loc, scale, loc_q, scale_q):
    """The expected |x - loc_q| less `scale`, over `scale_q`: what the distance adds.

    It is the distance over the second scale, times $1 - (1 - e^{-d}) / d$.
    """
    d = jnp.abs(standardize(loc_q, loc, scale))
    near, far = jnp.where((d > 0) & (d < 1), d, 0.5), jnp.where(d < 1, 1.0, d)
    share = jnp.where(d < 1, expm1_gap(-near) / near, 1 + jnp.expm1(-far) / far)
    return jnp.where(d > 0, jnp.abs(standardize(loc_q, loc, scale_q)) * share, 0.0 * d)


def _kl(loc: Real, scale: Real, loc_q: Real, scale_q: Real) -> Float[Array, "..."]:
    r"""The Kullback-Leibler divergence of the second distribution from the first, in nats.

    With the scales' ratio $1 + e$ and the distance d of the locations in units of the first scale
    it is $e - \log(1 + e) + (1 + e)(e^{-d} - 1 + d)$: two terms that are never negative.
    """
    return ratio_gap(positive(scale), positive(scale_q)) + _outside(loc, scale, loc_q, scale_q)


def _cross_entropy(loc: Real, scale: Real, loc_q: Real, scale_q: Real) -> Float[Array, "..."]:
    """The expected value under the first of minus the second's `log_prob`, in nats."""
    surprise = positive(scale) / positive(scale_q) + _outside(loc, scale, loc_q, scale_q)
    return surprise + jnp.log(positive(scale_q)) + math.log(2)


# Slopes and curvatures, with the root of exp(-d). Rates are multiplied one by one.
def _parts(loc, scale, loc_q, scale_q):
    d, sign = _distance(loc, scale, loc_q)
    return d, sign, jnp.exp(-d / 2), 1 / positive(scale), 1 / positive(scale_q)


def _dloc(loc, scale, loc_q, scale_q):
    d, sign, _, _, rate_q = _parts(loc, scale, loc_q, scale_q)
    return sign * jnp.expm1(-d) * rate_q


def _dscale(loc, scale, loc_q, scale_q):
    d, _, root, _, rate_q = _parts(loc, scale, loc_q, scale_q)
    return ((1 + d) * root * rate_q) * root


def _kl_dscale(loc, scale, loc_q, scale_q):
    d, _, root, rate, rate_q = _parts(loc, scale, loc_q, scale_q)
    lost = jnp.exp(-jnp.minimum(d, 1.0)) * expm1_gap(jnp.minimum(d, 1.0))
    near = rates_gap(positive(scale), positive(scale_q)) - lost * rate_q
    return jnp.where(d < 1, near, ((1 + d) * root * rate_q) * root - rate)


def _dscale_q(loc, scale, loc_q, scale_q):
    outside = _outside(loc, scale, loc_q, scale_q)
    return -(relative_excess(scale, scale_q) + outside) / positive(scale_q)


def _dloc_dloc(loc, scale, loc_q, scale_q):
    _, _, root, rate, rate_q = _parts(loc, scale, loc_q, scale_q)
    return (root * jnp.maximum(rate, rate_q)) * jnp.minimum(rate, rate_q) * root


def _dloc_dscale(loc, scale, loc_q, scale_q):
    d, sign, root, rate, rate_q = _parts(loc, scale, loc_q, scale_q)
    return sign * (d * root * jnp.maximum(rate, rate_q)) * jnp.minimum(rate, rate_q) * root


def _dloc_dscale_q(loc, scale, loc_q, scale_q):
    return -dloc(loc, scale, loc_q, scale_q) / positive(scale_q)


def _dscale_dscale(loc, scale, loc_q, scale_q):
    d, _, root, rate, rate_q = _parts(loc, scale, loc_q, scale_q)
    return (d * root * jnp.maximum(rate, rate_q)) * jnp.minimum(rate, rate_q) * (d * root)


def _kl_dscale_dscale(loc, scale, loc_q, scale_q):
    return _dscale_dscale(loc, scale, loc_q, scale_q) + jnp.square(1 / positive(scale))


def _dscale_dscale_q(loc, scale, loc_q, scale_q):
    return -dscale(loc, scale, loc_q, scale_q) / positive(scale_q)


def _dscale_q_dscale_q(loc, scale, loc_q, scale_q):
    more = relative_excess(scale, scale_q) + _outside(loc, scale, loc_q, scale_q)
    rate_q = 1 / positive(scale_q)
    return (1 + 2 * more) * rate_q * rate_q


dloc = with_rule(
    _dloc, loc=_dloc_dloc, scale=_dloc_dscale, loc_q=minus(_dloc_dloc), scale_q=_dloc_dscale_q
)
dscale = with_rule(
    _dscale,
    loc=_dloc_dscale,
    scale=_dscale_dscale,
    loc_q=minus(_dloc_dscale),
    scale_q=_dscale_dscale_q,
)
kl_dscale = with_rule(
    _kl_dscale,
    loc=_dloc_dscale,
    scale=_kl_dscale_dscale,
    loc_q=minus(_dloc_dscale),
    scale_q=_dscale_dscale_q,
)
dscale_q = with_rule(
    _dscale_q,
    loc=_dloc_dscale_q,
    scale=_dscale_dscale_q,
    loc_q=minus(_dloc_dscale_q),
    scale_q=_dscale_q_dscale_q,
)
_CROSS_ENTROPY = dict(loc=dloc, scale=dscale, loc_q=minus(dloc), scale_q=dscale_q)
_KL = _CROSS_ENTROPY | dict(scale=kl_dscale)
cross_entropy = with_rule(_cross_entropy, **_CROSS_ENTROPY)
kl = with_rule(_kl, **_KL)


def _mean_tail(y):
    r"""The mean $(1 - e^{-y}) / y$ of an exponential over its first y, and one minus it."""
    some = jnp.where(y == 0, 1.0, y)
    mean = jnp.where(y == 0, 1.0, -jnp.expm1(-some) / some)
    return mean, jnp.where(y == 0, 0.0, expm1_gap(-some) / some)


def renyi(order: Real, loc: Real, scale: Real, loc_q: Real, scale_q: Real) -> Float[Array, "..."]:
    r"""The divergence of order alpha; infinite where the tails of its integral do not vanish.

    To that of exponential distributions the distance d of the locations adds
    $T - \log(1 + c T \phi) / c$ with $T = d / \sigma_q$, c = 1 - alpha and
    $\phi = (1 - e^{-y}) / y$, $y = \alpha d / \sigma - c T$.
    """
    order = jnp.asarray(order)
    scale, scale_q = positive(scale), positive(scale_q)
    swap = order < 0.5  # that of the order c with both exchanged, times alpha / c
    c = jnp.where(swap, order, 1 - order)
    first, second = jnp.where(swap, scale_q, scale), jnp.where(swap, scale, scale_q)
    apart = jnp.abs(standardize(loc_q, loc, second))
    inside = ~(c / second + (1 - c) / first <= 0)
    y = jnp.where(inside, (1 - c) * jnp.abs(standardize(loc_q, loc, first)) - c * apart, 0.0)
    mean, rest = _mean_tail(y)
    share = jnp.where(inside, apart * mean, 0.0)
    more = apart * rest + c * jnp.square(share) * log1p_gap_ratio(c * share)
    more = more * jnp.where(swap, order / (1 - jnp.where(swap, order, 0.0)), 1.0)
    return ratio_renyi(order, scale_q, scale) + jnp.where(inside, more, jnp.inf)


def squared_hellinger(loc: Real, scale: Real, loc_q: Real, scale_q: Real) -> Float[Array, "..."]:
    """One minus the integral of the geometric mean of both densities."""
    return -jnp.expm1(-renyi(0.5, loc, scale, loc_q, scale_q) / 2)


def fit(x: Real, weights: Real | None = None) -> Fit:
    """The weighted median, and the mean distance from it, of the observations, shape (n,).

    The log likelihood of the location has a kink at each observation and no curvature, so that its
    robust error is not a number.
    """
    x, share, total = observations(x, weights)
    loc, _ = quartiles(x, share)
    size = jnp.abs(x - loc)
    scale = jnp.sum(share * size)
    error = scale / jnp.sqrt(total)
    spread = jnp.sqrt(jnp.sum(share * jnp.square(size - scale)) / total)
    return Fit(Params(loc, scale), Params(error, error), Params(jnp.nan * error, spread))


_AT_LOC = (Break(lambda x, loc, scale: jnp.asarray(x) - loc, 1, "zero", ("x", "loc")),)
_CURVED_AT_LOC = (Break(lambda x, loc, scale: jnp.asarray(x) - loc, 2, arguments=("x", "loc")),)
_AT_HALF = (Break(lambda p, loc, scale: jnp.asarray(p) - 0.5, 2, arguments=("p",)),)

LAPLACE = location_scale_family(
    "laplace",
    STANDARD,
    Differentiable(cross_entropy, _cross_entropy, _CROSS_ENTROPY, {}),
    Differentiable(kl, _kl, _KL, {}),
    renyi,
    squared_hellinger,
    fit,
    kinks=lambda loc, scale: (loc,),
    breaks=dict(
        **dict.fromkeys(("log_prob", "prob"), _AT_LOC),
        **dict.fromkeys(("cdf", "sf", "log_cdf", "log_sf"), _CURVED_AT_LOC),
        **dict.fromkeys(("quantile", "isf"), _AT_HALF),
    ),
    facts=dict(
        log_prob=(Concave("x"), Concave("loc")),
        log_cdf=(Concave("x"),),
        log_sf=(Concave("x"),),
        kl=(Convex("loc"), Convex("loc_q")),
    ),
    tex=dict(
        log_prob=r"\log p(x) = -|x - \mu| / \sigma - \log 2 \sigma",
        prob=r"p(x) = \frac{1}{2 \sigma}\, e^{-|x - \mu| / \sigma}",
        entropy=r"H = 1 + \log 2 \sigma",
        kl=r"\operatorname{KL} = \log \frac{\sigma_q}{\sigma} - 1"
        r" + \frac{\sigma e^{-|\mu - \mu_q| / \sigma} + |\mu - \mu_q|}{\sigma_q}",
    ),
    source=Source("johnson1995continuous", "chapter 24"),
    topic="P10",
)
__getattr__ = LAPLACE.function
