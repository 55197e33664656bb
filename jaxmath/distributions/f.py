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
    log_prob,
    prob,
)
from jaxmath.distributions.f_quantiles import QUANTILES, isf, quantile
from jaxmath.distributions.f_tails import TAILS, cdf, log_cdf, log_sf, sf
from jaxmath.distributions.family import Family
from jaxmath.distributions.location_scale import positive
from jaxmath.distributions.shapes import float_dtype, sample_shape, two_by_two
from jaxmath.domains import NONNEGATIVE, Interval
from jaxmath.formula import Source
from jaxmath.special.gamma import (
    HALF_LOG_TAU,
    stirling_error,
    stirling_error_dx,
    stirling_error_dx_dx,
    trigamma,
    trigamma_difference,
)
from jaxmath.special.partials import along, with_partials
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
_MANY: dict[str, str] = dict.fromkeys(
    (
        *("first_derivatives/dfn", "first_derivatives/dfd", "second_derivatives/dfn, dfn"),
        *("second_derivatives/dfn, dfd", "second_derivatives/dfd, dfd", "hessian_symmetric"),
    ),
    "right to 1e-12, in float32 to 1e-3, for a thousand degrees of freedom beside few",
)
_MANY_IN_P = dict.fromkeys(
    ("second_derivatives/p, dfn", "second_derivatives/p, dfd"),
    "right to 1e-11, in float32 to 1e-3, for a thousand degrees of freedom beside few",
)
_MANY_IN_X = dict.fromkeys(
    ("second_derivatives/x, dfn", "second_derivatives/x, dfd"),
    "in float32 right to 1e-2 for a thousand degrees of freedom beside few",
)
_MEDIAN = "the quantile of one half"
_RULES = DENSITY | TAILS | QUANTILES

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
        mode=_MODE,
        entropy=_ENTROPY,
    ),
    seconds=dict(
        **{name: rule.seconds for name, rule in _RULES.items()},
        mode=_MODE_BENDS,
        entropy=_ENTROPY_BENDS,
    ),
    unrecorded={
        "median": _MEDIAN,
        **dict.fromkeys(("mean", "variance", "std", "skewness", "kurtosis"), _INFINITE),
    },
    exceptions=dict(
        **dict.fromkeys(("cdf", "sf"), _MANY),
        **dict.fromkeys(("log_cdf", "log_sf"), _MANY | _MANY_IN_X),
        **dict.fromkeys(("quantile", "isf"), _MANY | _MANY_IN_P),
    ),
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
