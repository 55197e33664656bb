r"""Fisher's F distribution with `dfn` and `dfd` degrees of freedom above and below.

Of the ratio of two chi-squared variables, each over its degrees of freedom. With a and b half of
these, $u = \tfrac{a}{b} x$ are the odds of a beta variable with the shapes a and b, whose
functions serve here; all slopes move u as well. Elementwise functions of arrays or numbers. Degrees
of freedom that aren't positive give NaN; below zero the density is zero.
"""

from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.distributions.beta_draws import log_odds_draw
from jaxmath.distributions.f_density import (
    DENSITY,
    LOG_PROB,
    LOG_PROB_BENDS,
    above_zero,
    log_prob,
    place,
    prob,
)
from jaxmath.distributions.family import LATER, Family
from jaxmath.distributions.location_scale import chance, positive
from jaxmath.distributions.shapes import float_dtype, sample_shape, two_by_two
from jaxmath.domains import NONNEGATIVE, Interval
from jaxmath.formula import Source, with_rule
from jaxmath.special import tails
from jaxmath.special.beta_tail import moved_logarithm, ratio_in_x, tail_and_ratio, tail_of
from jaxmath.special.gamma import (
    HALF_LOG_TAU,
    stirling_error,
    stirling_error_dx,
    stirling_error_dx_dx,
    trigamma,
    trigamma_difference,
)
from jaxmath.special.incomplete_beta import (
    betainc_shares,
    betaincc_shares,
    log_betainc_shares,
    log_betaincc_shares,
)
from jaxmath.special.inverse_beta import betainccinv_shares, betaincinv_shares, log_lead
from jaxmath.special.loops import if_any
from jaxmath.special.partials import Rule, along, minus, with_partials
from jaxmath.special.ratio import log_ratio
from jaxmath.special.tails import Tail
from jaxmath.typing import PRNGKey, Real


class Params(NamedTuple):
    """Both degrees of freedom; also the shape of what belongs to each, such as the score."""

    dfn: Any
    dfd: Any


FREEDOM = Interval(2.0**-4, 2.0**10, closed=(True, True))
"""Degrees of freedom for which all digits are promised; far above, slopes of tails lose some."""


def score(x: Real, dfn: Real, dfd: Real) -> Params:
    """The slopes of `log_prob` in the degrees of freedom."""
    return Params(LOG_PROB["dfn"](x, dfn, dfd), LOG_PROB["dfd"](x, dfn, dfd))


def hessian(x: Real, dfn: Real, dfd: Real) -> Float[Array, "... 2 2"]:
    """The second derivatives of `log_prob` in the degrees of freedom; zero outside the support."""
    pairs = ("dfn", "dfn"), ("dfn", "dfd"), ("dfd", "dfd")
    return two_by_two(*(LOG_PROB_BENDS[pair](x, dfn, dfd) for pair in pairs))


def _share(name, sign):
    """One of both shares, with slopes that no square of a share or of x takes out of the dtype."""

    def share(x, dfn, dfd):
        return getattr(place(x, dfn, dfd), name)

    def spread(x, dfn, dfd):
        return sign * _SHARE["y"](x, dfn, dfd) * _SHARE["rest"](x, dfn, dfd)

    return with_rule(
        share,
        x=lambda x, dfn, dfd: spread(x, dfn, dfd) / x,
        dfn=lambda x, dfn, dfd: spread(x, dfn, dfd) / dfn,
        dfd=lambda x, dfn, dfd: -spread(x, dfn, dfd) / dfd,
    )


_SHARE = {name: _share(name, sign) for name, sign in (("y", 1), ("rest", -1))}


class _Place(NamedTuple):
    """A place above zero: whether its smaller share is tiny, the shapes and shares, replaced then.

    `under` tells whether the share of a is the smaller one.
    """

    tiny: Array
    under: Array
    shares: tuple[Array, Array, Array, Array]


def _place(x, dfn, dfd, *, squared: bool = False) -> _Place:
    """Tiny is a share that leaves the dtype, or one whose square does."""
    at = place(x, dfn, dfd)
    info = jnp.finfo(at.small.dtype)
    tiny = at.small < (info.tiny**0.4 if squared else info.tiny / info.eps)
    y, rest = (_SHARE[name](x, dfn, dfd) for name in ("y", "rest"))
    y, rest = jnp.where(tiny, 0.25, y), jnp.where(tiny, 0.75, rest)
    a, b, y, rest = jnp.broadcast_arrays(at.a, at.b, y, rest)
    return _Place(tiny, at.log_odds <= 0, (a, b, y, rest))


def _first(x, a, b):
    """A tiny share's tail by the first term of its series, which is all of it."""
    log_odds = jnp.log(x) + log_ratio(a, b)
    under = log_odds <= 0
    own, other = jnp.where(under, a, b), jnp.where(under, b, a)
    level = -own * jnp.abs(log_odds) - log_lead(own, other)
    return Tail(level, jnp.ones_like(level), own, under, jnp.full_like(under, True))


def _computed(x, dfn, dfd):
    """The tail that is computed."""
    at = _place(x, dfn, dfd)
    first = if_any(at.tiny, _first, x, at.shares[0], at.shares[1])
    tail = tail_of(*at.shares, rolled=True)
    return Tail(*(jnp.where(at.tiny, *both) for both in zip(first, tail, strict=True)))


def _in_parameter(name):
    """The slope in `dfn` or `dfd` of the logarithm of the tail that is computed.

    It is the height, of which that is the score, times a ratio; of a tiny share one over its shape.
    """
    in_a = name == "dfn"

    def moved(x, dfn, dfd):
        at = _place(x, dfn, dfd, squared=True)
        a, b, y, rest = at.shares
        score, shape = LOG_PROB[name](x, dfn, dfd), a if in_a else b
        turn = y * rest / (shape if in_a else -shape)
        one, none = jnp.ones_like(turn), jnp.zeros_like(turn)
        way = (one, none, turn, -turn) if in_a else (none, one, turn, -turn)
        _, in_log = moved_logarithm(at.shares, way, 2 * score)
        own = jnp.where(at.under == in_a, 0.5 / shape, 0.0)
        return jnp.where(at.tiny, score - own, in_log / 2)

    return moved


def _in_x(x, dfn, dfd):
    """The slope in log x of the logarithm of the tail that is computed: one over the ratio."""
    at = _place(x, dfn, dfd, squared=True)
    tail, ratio = tail_and_ratio(*at.shares, rolled=True)
    ratio = jnp.where(at.tiny, 1 / jnp.where(at.under, at.shares[0], at.shares[1]), ratio)
    return jnp.where(jnp.where(at.tiny, at.under, tail.lower), 1 / ratio, -1 / ratio)


_MOVED = dict(x=_in_x, dfn=_in_parameter("dfn"), dfd=_in_parameter("dfd"))


def _tail(of_shares, name, doc, *, lower: bool, log: bool = False):
    """A tail, a function of both shapes and both shares, with its slopes and second derivatives."""
    side = tails.log_side if log else tails.side
    none, all_ = (-jnp.inf, 0.0) if log else (0.0, 1.0)

    def inner(x, dfn, dfd):
        at = _place(x, dfn, dfd)
        a, b, *_ = at.shares
        first = if_any(at.tiny, lambda *args: side(_first(*args), lower), x, a, b)
        return jnp.where(at.tiny, first, of_shares(*at.shares))

    tail = above_zero(inner, lambda x, a, b: (none if lower else all_) + 0.0 * (a + b))

    def slope(key):
        def moved(*args):
            over = args[:1] if key == "x" else ()
            return tails.moved(_computed(*args), _MOVED[key](*args), lower, log, *over)

        return above_zero(moved)

    def bend(x, dfn, dfd):
        """In x, of the logarithm: by the ratio, or of the tail that isn't computed by density."""
        at = _place(x, dfn, dfd, squared=True)
        tail, in_x = _computed(x, dfn, dfd), _in_x(x, dfn, dfd)
        slope = tails.moved(tail, in_x, lower, True, x)
        y, rest = at.shares[2:]
        own = slope / x * jnp.where(at.tiny, -1.0, -1 - y * rest * ratio_in_x(at.shares))
        density = DENSITY["prob"].partials["x"](x, dfn, dfd)
        density = (density if lower else -density) / tails.side(tail, lower)
        other = density - jnp.square(slope)
        return jnp.where(tail.lower == lower, own, other)

    tail.__name__ = tail.__qualname__ = f"_{name}"
    tail.__doc__ = doc
    firsts = {key: slope(key) for key in ("x", "dfn", "dfd")}
    if log:
        in_x = {
            ("x", "x"): above_zero(bend),
            ("x", "dfn"): along(firsts["x"], 1),
            ("x", "dfd"): along(firsts["x"], 2),
        }
    else:
        firsts["x"] = prob if lower else minus(prob)
        in_x = {
            ("x", key): fn if lower else minus(fn) for key, fn in DENSITY["prob"].partials.items()
        }
    seconds = in_x | {
        ("dfn", "dfn"): along(firsts["dfn"], 1),
        ("dfn", "dfd"): along(firsts["dfn"], 2),
        ("dfd", "dfd"): along(firsts["dfd"], 2),
    }
    bound, partials = with_partials(tail, firsts, seconds)
    return bound, Rule(partials, seconds, tail)


cdf, _CDF = _tail(betainc_shares, "cdf", "The probability of at most x.", lower=True)
sf, _SF = _tail(betaincc_shares, "sf", "The probability of more than x, the p-value.", lower=False)
log_cdf, _LOG_CDF = _tail(
    log_betainc_shares,
    "log_cdf",
    "The logarithm of `cdf`, accurate in both tails.",
    lower=True,
    log=True,
)
log_sf, _LOG_SF = _tail(
    log_betaincc_shares,
    "log_sf",
    "The logarithm of `sf`, accurate in both tails.",
    lower=False,
    log=True,
)


def _inverse(shares, lower: bool, doc, name):
    """The x whose lower or upper tail is p."""

    def inverse(p, dfn, dfd):
        p = chance(p)
        a, b = positive(dfn) / 2, positive(dfd) / 2
        y, rest = shares(a, b, p + 0.0 * (a + b))
        return b / a * (y / rest)

    inverse.__name__ = inverse.__qualname__ = f"_{name}"
    inverse.__doc__ = doc

    def slope(key):
        def partial(p, dfn, dfd):
            x = bound(p, dfn, dfd)
            inside = (x > 0) & (x < jnp.inf)
            args = jnp.broadcast_arrays(jnp.where(inside, x, 1.0), positive(dfn), positive(dfd))
            rise = args[0] / _in_x(*args)
            if key == "p":
                value = tails.of_quantile(_computed(*args), rise, jnp.where(inside, p, 0.5), lower)
            else:
                value = -_MOVED[key](*args) * rise
            return jnp.where(inside, value, jnp.where(jnp.isnan(x), jnp.nan, 0.0))

        return partial

    partials = {key: slope(key) for key in ("p", "dfn", "dfd")}
    bound = with_rule(inverse, **partials)
    return bound, partials


quantile, _QUANTILE = _inverse(
    betaincinv_shares,
    True,
    "The x below which lies probability p; NaN outside [0, 1].",
    "quantile",
)
isf, _ISF = _inverse(
    betainccinv_shares,
    False,
    "The x above which lies probability p; NaN outside [0, 1].",
    "isf",
)


def median(dfn: Real, dfd: Real) -> Float[Array, "..."]:
    """The quantile of one half."""
    return quantile(0.5 + 0.0 * positive(dfn), dfn, dfd)


def log_sample(key: PRNGKey, dfn: Real, dfd: Real, shape: tuple[int, ...] = ()) -> Array:
    """The logarithms of draws, which for few degrees of freedom may leave the dtype themselves."""
    size = sample_shape(shape, dfn, dfd)
    dtype = float_dtype(dfn, dfd)
    a, b = (jnp.broadcast_to(positive(df) / 2, size).astype(dtype) for df in (dfn, dfd))
    valid = (a > 0) & (b > 0)
    draws = log_odds_draw(key, jnp.where(valid, a, 1.0), jnp.where(valid, b, 1.0))
    return jnp.where(valid, draws, jnp.nan) + jnp.log(b) - jnp.log(a)


def sample(key: PRNGKey, dfn: Real, dfd: Real, shape: tuple[int, ...] = ()) -> Array:
    """Draw `shape` times the common shape of both, differentiable in them."""
    return jnp.exp(log_sample(key, dfn, dfd, shape))


def _above(order, dfd, fn, otherwise):
    """A moment of half that order, where it exists."""
    exists = dfd > order
    value = fn(jnp.where(exists, dfd, order + 1.0))
    return jnp.where(exists, value, jnp.where(dfd > 0, otherwise, jnp.nan))


def mean(dfn: Real, dfd: Real) -> Float[Array, "..."]:
    """Of `dfd` alone; infinite for two of them or fewer."""
    n, d = positive(dfn), positive(dfd)
    return _above(2, d, lambda d: 1 + 2 / (d - 2), jnp.inf) + 0.0 * n


def _mode(dfn: Real, dfd: Real) -> Float[Array, "..."]:
    """Zero for `dfn` of two or fewer."""
    n, d = positive(dfn), positive(dfd)
    return jnp.maximum(n - 2, 0.0) / n * (d / (d + 2))


def _mode_dfn(dfn, dfd):
    n, d = positive(dfn), positive(dfd)
    return jnp.where(n > 2, 2.0, 0.0) / n / n * (d / (d + 2))


def _mode_dfd(dfn, dfd):
    n, d = positive(dfn), positive(dfd)
    return 2 * jnp.maximum(n - 2, 0.0) / n / (d + 2) / (d + 2)


def _above_two(fn):
    """A second derivative of the mode where that is not zero."""

    def second(dfn, dfd):
        n, d = positive(dfn), positive(dfd)
        return jnp.where(n > 2, fn(jnp.where(n > 2, n, 3.0), d + 2), 0.0 * (n + d))

    return second


_MODE_BENDS = {
    ("dfn", "dfn"): _above_two(lambda n, e: -4 / n / n / n * ((e - 2) / e)),
    ("dfn", "dfd"): _above_two(lambda n, e: 4 / n / n / e / e),
    ("dfd", "dfd"): _above_two(lambda n, e: -4 * ((n - 2) / n) / e / e / e),
}
mode, _MODE = with_partials(_mode, dict(dfn=_mode_dfn, dfd=_mode_dfd), _MODE_BENDS)


def variance(dfn: Real, dfd: Real) -> Float[Array, "..."]:
    """Infinite for `dfd` of four or fewer, undefined for two or fewer."""
    n, d = positive(dfn), positive(dfd)
    rest = jnp.where(d > 2, jnp.inf, jnp.nan)

    def value(d):
        return 2 * jnp.square(d / (d - 2)) * ((n + (d - 2)) / n) / (d - 4)

    return _above(4, d, value, rest)


def std(dfn: Real, dfd: Real) -> Float[Array, "..."]:
    """The root of the variance."""
    return jnp.sqrt(variance(dfn, dfd))


def skewness(dfn: Real, dfd: Real) -> Float[Array, "..."]:
    """Infinite for `dfd` of six or fewer, undefined for four or fewer."""
    n, d = positive(dfn), positive(dfd)
    rest = jnp.where(d > 4, jnp.inf, jnp.nan)

    def value(d):
        return (2 * n + (d - 2)) / (d - 6) * jnp.sqrt(8 * (d - 4) / n / (n + (d - 2)))

    return _above(6, d, value, rest)


def kurtosis(dfn: Real, dfd: Real) -> Float[Array, "..."]:
    """Infinite for `dfd` of eight or fewer, undefined for four or fewer."""
    n, d = positive(dfn), positive(dfd)
    rest = jnp.where(d > 4, jnp.inf, jnp.nan)

    def value(d):
        both = n + (d - 2)
        return 12 / (d - 6) / (d - 8) * (5 * d - 22 + (d - 4) / n * ((d - 2) / both * (d - 2)))

    return _above(8, d, value, rest)


def _entropy(dfn: Real, dfd: Real) -> Float[Array, "..."]:
    """The expected value of minus `log_prob`, in nats: of the logarithm, and its mean."""
    a, b = positive(dfn) / 2, positive(dfd) / 2
    n = a + b

    def beyond(z):
        """What Stirling's formula leaves over of z - z digamma(z) + log gamma(z)."""
        return stirling_error(z) - z * stirling_error_dx(z)

    low, high = jnp.minimum(a, b), jnp.maximum(a, b)
    spread = -(jnp.log(low) + jnp.log(high / n)) / 2 + HALF_LOG_TAU + 0.5
    of_log = spread + beyond(a) + beyond(b) - beyond(n)
    below = 1 / (2 * b) - stirling_error_dx(b)
    return of_log + below - (1 / (2 * a) - stirling_error_dx(a))


def _entropy_dfn(dfn, dfd):
    a, b = positive(dfn) / 2, positive(dfd) / 2
    n = a + b
    rest = n * stirling_error_dx_dx(n) + (1 - a) * stirling_error_dx_dx(a)
    return (0.5 / a / a - 0.5 * b / n / a + rest) / 2


def _entropy_dfd(dfn, dfd):
    a, b = positive(dfn) / 2, positive(dfd) / 2
    n = a + b
    rest = n * stirling_error_dx_dx(n) - (1 + b) * stirling_error_dx_dx(b)
    return (rest - 0.5 / b / b - 0.5 * a / n / b) / 2


_bent_error = along(stirling_error_dx_dx, 0)


def _beyond(n, z):
    """What Stirling's formula leaves over, bent: of n for the shape z."""
    return n * _bent_error(z) + stirling_error_dx_dx(z)


def _entropy_own(sign):
    """In one shape, of it and the other; the sign is that of its logarithm's mean."""

    def second(a, b):
        n = a + b
        spread = 0.5 * (b / n) * ((a + n) / n) / a / a
        return _beyond(n, n) - _beyond(a - sign, a) + spread - sign / a / a / a

    return second


def _halved(fn):
    return lambda dfn, dfd: fn(positive(dfn) / 2, positive(dfd) / 2) / 4


_ENTROPY_BENDS = {
    ("dfn", "dfn"): _halved(_entropy_own(1)),
    ("dfn", "dfd"): _halved(lambda a, b: _beyond(a + b, a + b) - 0.5 / (a + b) / (a + b)),
    ("dfd", "dfd"): _halved(lambda a, b: _entropy_own(-1)(b, a)),
}
entropy, _ENTROPY = with_partials(
    _entropy, dict(dfn=_entropy_dfn, dfd=_entropy_dfd), _ENTROPY_BENDS
)


def fisher_information(dfn: Real, dfd: Real) -> Float[Array, "... 2 2"]:
    """The covariance of the score, from those of log y, log(1 - y) and y of a beta variable y."""
    a, b = positive(dfn) / 2, positive(dfd) / 2
    n = a + b
    one = b / a * (1 / (n + 1) - 2 / n) - trigamma_difference(a, b)
    two = a / b * (1 / (n + 1) - 2 / n) - trigamma_difference(b, a)
    both = 2 / n - 1 / (n + 1) - trigamma(n)
    return two_by_two(one / 4, both / 4, two / 4)


_INFINITE = "infinite or undefined for few degrees of freedom; a test of its own knows its values"
_MEDIAN = "the quantile of one half"
_RULES = DENSITY | dict(cdf=_CDF, sf=_SF, log_cdf=_LOG_CDF, log_sf=_LOG_SF)

F = Family(
    name="f",
    parameters=Params(dfn=FREEDOM, dfd=FREEDOM),
    support=NONNEGATIVE,
    functions=(
        *(log_prob, prob, cdf, log_cdf, sf, log_sf, quantile, isf, sample),
        *(mean, median, mode, variance, std, skewness, kurtosis, entropy),
        *(score, hessian, fisher_information),
    ),
    partials=dict(
        **{name: rule.partials for name, rule in _RULES.items()},
        **dict(quantile=_QUANTILE, isf=_ISF),
        mode=_MODE,
        entropy=_ENTROPY,
    ),
    seconds=dict(
        **{name: rule.seconds for name, rule in _RULES.items()},
        mode=_MODE_BENDS,
        entropy=_ENTROPY_BENDS,
    ),
    unrecorded={
        **dict.fromkeys(("cdf", "sf", "log_cdf", "log_sf", "quantile", "isf"), LATER),
        "median": _MEDIAN,
        **dict.fromkeys(("mean", "variance", "std", "skewness", "kurtosis"), _INFINITE),
    },
    plain={name: rule.plain for name, rule in DENSITY.items()} | dict(mode=_mode, entropy=_entropy),
    tex=dict(
        log_prob=r"\log p(x) = a \log \tfrac{a}{b} + (a - 1) \log x"
        r" - (a + b) \log(1 + \tfrac{a}{b} x) - \log B(a, b),"
        r" \quad a = \tfrac{d_n}{2}, b = \tfrac{d_d}{2}",
        cdf=r"F(x) = I_y(a, b), \quad y = \frac{a x}{a x + b}",
        mode=r"\frac{d_n - 2}{d_n} \frac{d_d}{d_d + 2}, \quad d_n > 2",
        entropy=r"H = \log \tfrac{b}{a} + \log B(a, b) + (1 - a) \psi(a) - (1 + b) \psi(b)"
        r" + (a + b) \psi(a + b)",
    ),
    source=Source("johnson1995continuous", "chapter 27"),
    topic="P10",
)
__getattr__ = F.function
