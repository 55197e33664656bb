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
from jaxmath.distributions.family import Family
from jaxmath.distributions.gamma_density import at_zero, log_within
from jaxmath.distributions.location_scale import chance, positive
from jaxmath.distributions.shapes import float_dtype, sample_shape
from jaxmath.domains import NONNEGATIVE, Interval
from jaxmath.formula import Source, with_rule
from jaxmath.special.entropy import divergence
from jaxmath.special.gamma import (
    HALF_LOG_TAU,
    stirling_error,
    stirling_error_dx,
    stirling_error_dx_dx,
    trigamma,
    trigamma_difference,
)
from jaxmath.special.incomplete_beta import (
    INCOMPLETE_BETA,
    betainc,
    betaincc,
    log_betainc,
    log_betaincc,
)
from jaxmath.special.inverse_beta import shares
from jaxmath.special.logarithm import log1p, log1p_gap
from jaxmath.special.partials import along, with_partials
from jaxmath.special.ratio import log_ratio
from jaxmath.typing import PRNGKey, Real


class Params(NamedTuple):
    """Both degrees of freedom; also the shape of what belongs to each, such as the score."""

    dfn: Any
    dfd: Any


FREEDOM = Interval(2.0**-4, 2.0**10, closed=(True, True))
"""Degrees of freedom for which all digits are promised; far above, slopes of tails lose some."""
_SPECIAL = {formula.name: formula.partials for formula in INCOMPLETE_BETA}


class _Place(NamedTuple):
    """Where x is: both shapes, the odds, the share y of a and what it lacks to one."""

    x: Any
    a: Any
    b: Any
    small: Any
    y: Any
    rest: Any
    log_odds: Any

    @property
    def gap(self):
        """By how much a exceeds its share of both shapes."""
        near = self.x <= 1
        inner = jnp.where(near, self.x, 1.0)
        below = self.a * (1 - inner) * self.rest
        return jnp.where(near, below, -self.b * ((self.x - 1) / self.x) * self.y)

    @property
    def log_shares(self):
        """The logarithms of both shares, over what is expected of them."""
        a, b, lack, under = self.a, self.b, -log1p(self.small), self.log_odds <= 0
        in_a, in_b = jnp.where(under, self.log_odds, 0.0), jnp.where(under, 0.0, -self.log_odds)
        return log1p(b / a) + in_a + lack, log1p(a / b) + in_b + lack


def _place(x, dfn, dfd):
    a, b = positive(dfn) / 2, positive(dfd) / 2
    x = jnp.asarray(x)
    inner = jnp.where(x > 0, x, jnp.where(x <= 0, 1.0, jnp.nan))
    u = a / b * inner
    under = u <= 1
    small = jnp.where(under, u, 1 / jnp.where(under, 1.0, u))
    share, other = small / (1 + small), 1 / (1 + small)
    y, rest = jnp.where(under, share, other), jnp.where(under, other, share)
    log_odds = log_within(u, jnp.log(inner) + log_ratio(a, b))
    return _Place(inner, a, b, small, y, rest, log_odds)


def _inside(fn, below=lambda x, a, b: 0.0 * (a + b)):
    """A function of a place above zero; below it, and at zero, what `below` says."""

    def function(x, dfn, dfd):
        at = _place(x, dfn, dfd)
        x = jnp.asarray(x)
        return jnp.where(x <= 0, below(x, at.a, at.b), fn(at) + 0.0 * (at.a + at.b))

    return function


def _log_height(at):
    """The logarithm of x times the density."""
    n, gap, tiny = at.a + at.b, at.gap, jnp.finfo(at.y.dtype).tiny
    # Where a share leaves the dtype, both terms by their logarithms.
    extreme = at.small < tiny / jnp.finfo(at.y.dtype).eps
    in_a, in_b = at.log_shares
    one, two = (jnp.where(extreme, 1.0, n * share) for share in (at.y, at.rest))
    near = divergence(at.a, one, gap, gap / one) + divergence(at.b, two, -gap, -gap / two)
    away = jnp.where(extreme, -at.a * in_a - at.b * in_b, near)
    low, high = jnp.minimum(at.a, at.b), jnp.maximum(at.a, at.b)
    errors = stirling_error(n) - stirling_error(at.a) - stirling_error(at.b)
    return (jnp.log(low) + jnp.log(high / n)) / 2 - HALF_LOG_TAU + errors - away


def _growth(at):
    """How fast the logarithm of the density moves with x."""
    return (at.gap - 1) / at.x


def _gap(t, log_rest):
    """The gap t - log(1 + t), where t nearly is minus one by the logarithm of what is left."""
    near = t < -0.5
    return jnp.where(near, t - log_rest, log1p_gap(jnp.where(near, 0.0, t)))


def _in_dfn(at):
    a, b = at.a, at.b
    gap = _gap(-at.gap / a, at.log_shares[0])
    more = stirling_error_dx(a + b) - stirling_error_dx(a)
    return (b / (2 * a * (a + b)) - gap + more) / 2


def _in_dfd(at):
    a, b = at.a, at.b
    gap = _gap(at.gap / b, at.log_shares[1])
    more = stirling_error_dx(a + b) - stirling_error_dx(b)
    return (a / (2 * b * (a + b)) - gap + more) / 2


def _at_end(fn):
    """A function of the density's limit at zero; below it of no density."""

    def end(x, a, b):
        return fn(jnp.where(x == 0, at_zero(a, 1.0, 0.0), 0.0)) + 0.0 * (a + b)

    return end


def _log_prob(x: Real, dfn: Real, dfd: Real) -> Float[Array, "..."]:
    """The logarithm of the density, in nats."""
    value = _inside(lambda at: _log_height(at) - jnp.log(at.x), _at_end(jnp.log))
    return value(x, dfn, dfd)


def _own_bend(a, b, gap):
    """The second derivative of the logarithm in a shape, by how far it is from its share."""
    n = a + b
    more = stirling_error_dx_dx(n) - stirling_error_dx_dx(a)
    return jnp.square(gap / a) / n - b / n * ((a + n) / n) / (2 * a) / a + more


def _mixed_bend(at):
    n = at.a + at.b
    return 0.5 / n / n + stirling_error_dx_dx(n) - at.gap / at.a * (at.gap / at.b) / n


_BENDS = {
    ("x", "x"): lambda at: 1 - at.gap - (at.a + at.b) * at.y * at.rest,
    ("x", "dfn"): lambda at: at.rest * (at.gap / at.a) / 2,
    ("x", "dfd"): lambda at: at.y * (at.gap / at.b) / 2,
    ("dfn", "dfn"): lambda at: _own_bend(at.a, at.b, at.gap) / 4,
    ("dfn", "dfd"): lambda at: _mixed_bend(at) / 4,
    ("dfd", "dfd"): lambda at: _own_bend(at.b, at.a, at.gap) / 4,
}
"""The second derivatives of the logarithm, times x for each time that they are taken in it."""


def _y_over_x(at):
    return jnp.where(at.log_odds <= 0, at.a / at.b * at.rest, at.y / at.x)


_LOG_PROB_BENDS = {
    pair: _inside(bend)
    for pair, bend in {
        **_BENDS,
        ("x", "x"): lambda at: _BENDS["x", "x"](at) / at.x / at.x,
        ("x", "dfn"): lambda at: _BENDS["x", "dfn"](at) / at.x,
        ("x", "dfd"): lambda at: _y_over_x(at) * (at.gap / at.b) / 2,
    }.items()
}
log_prob, _LOG_PROB = with_partials(
    _log_prob,
    dict(x=_inside(_growth), dfn=_inside(_in_dfn), dfd=_inside(_in_dfd)),
    _LOG_PROB_BENDS,
)


def score(x: Real, dfn: Real, dfd: Real) -> Params:
    """The slopes of `log_prob` in the degrees of freedom."""
    return Params(_LOG_PROB["dfn"](x, dfn, dfd), _LOG_PROB["dfd"](x, dfn, dfd))


def _matrix(one, both, two):
    one, both, two = jnp.broadcast_arrays(one, both, two)
    return jnp.stack([jnp.stack([one, both], -1), jnp.stack([both, two], -1)], -2)


def hessian(x: Real, dfn: Real, dfd: Real) -> Float[Array, "... 2 2"]:
    """The second derivatives of `log_prob` in the degrees of freedom; zero outside the support."""
    pairs = ("dfn", "dfn"), ("dfn", "dfd"), ("dfd", "dfd")
    return _matrix(*(_LOG_PROB_BENDS[pair](x, dfn, dfd) for pair in pairs))


def _times_density(factor, over=1):
    """The density times x and a factor, over a power of x.

    A number of ordinary size may be made of a density that underflows and a power that overflows.
    """

    def product(at):
        part = jnp.exp(_log_height(at) / 4)
        first, second, third = (part / at.x if over > k else part for k in (0, 2, 1))
        there = jnp.where(part > 0, factor(at), 0.0)
        return (first * part * there) * (second * third)

    return product


def _one(at):
    return jnp.ones_like(at.y)


def _prob(x: Real, dfn: Real, dfd: Real) -> Float[Array, "..."]:
    """The density."""
    return _inside(_times_density(_one), _at_end(lambda limit: limit))(x, dfn, dfd)


def _bent(one, two, over):
    """A second derivative of the density from both slopes of its logarithm and its bend."""
    bend = _BENDS[one, two]
    slopes = dict(x=lambda at: at.gap - 1, dfn=_in_dfn, dfd=_in_dfd)

    def factor(at):
        return bend(at) + slopes[one](at) * slopes[two](at)

    return _inside(_times_density(factor, over))


prob, _PROB = with_partials(
    _prob,
    dict(
        x=_inside(_times_density(lambda at: at.gap - 1, 2)),
        dfn=_inside(_times_density(_in_dfn)),
        dfd=_inside(_times_density(_in_dfd)),
    ),
    _PROB_BENDS := {pair: _bent(*pair, 1 + pair.count("x")) for pair in _BENDS},
)


def _sides(at):
    """The shapes with that of the smaller share first, that share, and whether it is that of a."""
    under = at.log_odds <= 0
    own, other = jnp.where(under, at.a, at.b), jnp.where(under, at.b, at.a)
    return own, other, jnp.where(under, at.y, at.rest), under


def _tail(near, far, below, doc, name):
    """A tail: a function of both shapes and the smaller share, `near` zero or `far` out."""

    def value(at):
        own, other, share, under = _sides(at)
        return jnp.where(under, near(own, other, share), far(own, other, share))

    def tail(x, dfn, dfd):
        return _inside(value, lambda x, a, b: below + 0.0 * (a + b))(x, dfn, dfd)

    tail.__name__ = tail.__qualname__ = f"_{name}"
    tail.__doc__ = doc
    slopes, others = _SPECIAL[near.__name__], _SPECIAL[far.__name__]

    def moved(key):
        def slope(at):
            own, other, share, under = _sides(at)
            low, high = ("a", "b") if key == "a" else ("b", "a")
            args = own, other, share
            by_shape = jnp.where(under, slopes[low](*args), others[high](*args))
            # The share of a moves with the odds, that of b against them.
            turn = jnp.where(under, slopes["x"](*args), -others["x"](*args)) * at.y * at.rest
            return by_shape, turn

        return slope

    in_a, in_b = moved("a"), moved("b")

    def by_dfn(at):
        by_shape, turn = in_a(at)
        return (by_shape + turn / at.a) / 2

    def by_dfd(at):
        by_shape, turn = in_b(at)
        return (by_shape - turn / at.b) / 2

    partials = dict(
        x=_inside(lambda at: in_a(at)[1] / at.x), dfn=_inside(by_dfn), dfd=_inside(by_dfd)
    )
    return with_rule(tail, **partials), partials


cdf, _CDF = _tail(betainc, betaincc, 0.0, "The probability of at most x.", "cdf")
sf, _SF = _tail(betaincc, betainc, 1.0, "The probability of more than x, the p-value.", "sf")
log_cdf, _LOG_CDF = _tail(
    *(log_betainc, log_betaincc, -jnp.inf, "The logarithm of `cdf`, accurate in both tails."),
    "log_cdf",
)
log_sf, _LOG_SF = _tail(
    *(log_betaincc, log_betainc, 0.0, "The logarithm of `sf`, accurate in both tails."), "log_sf"
)


def _inverse(lower, slopes, doc, name):
    """The x whose lower or upper tail is p."""

    def inverse(p, dfn, dfd):
        p = chance(p)
        a, b = positive(dfn) / 2, positive(dfd) / 2
        y, rest = shares(a, b, p + 0.0 * (a + b), lower)
        return b / a * (y / rest)

    inverse.__name__ = inverse.__qualname__ = f"_{name}"
    inverse.__doc__ = doc

    def slope(key):
        def partial(p, dfn, dfd):
            x = inverse(p, dfn, dfd)
            inside = (x > 0) & (x < jnp.inf)
            args = jnp.where(inside, x, 1.0), dfn, dfd
            if key == "p":
                value = 1 / (jnp.where(inside, p, 0.5) * slopes["x"](*args))
            else:
                value = -slopes[key](*args) / slopes["x"](*args)
            return jnp.where(inside, value, jnp.where(jnp.isnan(x), jnp.nan, 0.0))

        return partial

    return with_rule(inverse, **{key: slope(key) for key in ("p", "dfn", "dfd")})


quantile = _inverse(
    *(True, _LOG_CDF, "The x below which lies probability p; NaN outside [0, 1]."),
    "quantile",
)
isf = _inverse(
    *(False, _LOG_SF, "The x above which lies probability p; NaN outside [0, 1]."), "isf"
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
    return _matrix(one / 4, both / 4, two / 4)


_INFINITE = "infinite or undefined for few degrees of freedom; a test of its own knows its values"
_INVERSE = "the inverse incomplete beta function, compared with 60 digits by tests of its own"
_TAILS = "incomplete beta functions, which are compared themselves, in shapes that move their odds"

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
        log_prob=_LOG_PROB,
        prob=_PROB,
        mode=_MODE,
        entropy=_ENTROPY,
    ),
    seconds=dict(
        log_prob=_LOG_PROB_BENDS,
        prob=_PROB_BENDS,
        mode=_MODE_BENDS,
        entropy=_ENTROPY_BENDS,
    ),
    unrecorded={
        **dict.fromkeys(("quantile", "isf", "median"), _INVERSE),
        **dict.fromkeys(("cdf", "sf", "log_cdf", "log_sf"), _TAILS),
        **dict.fromkeys(("mean", "variance", "std", "skewness", "kurtosis"), _INFINITE),
    },
    plain=dict(log_prob=_log_prob, prob=_prob, mode=_mode, entropy=_entropy),
    tex=dict(
        log_prob=r"\log p(x) = a \log \tfrac{a}{b} + (a - 1) \log x"
        r" - (a + b) \log(1 + \tfrac{a}{b} x) - \log B(a, b),"
        r" \quad a = \tfrac{d_n}{2}, b = \tfrac{d_d}{2}",
        mode=r"\frac{d_n - 2}{d_n} \frac{d_d}{d_d + 2}, \quad d_n > 2",
        entropy=r"H = \log \tfrac{b}{a} + \log B(a, b) + (1 - a) \psi(a) - (1 + b) \psi(b)"
        r" + (a + b) \psi(a + b)",
    ),
    source=Source("johnson1995continuous", "chapter 27"),
    topic="P10",
)
__getattr__ = F.function
