r"""The beta distribution of a share between zero and one, with shapes a, b > 0.

The names are those of $I_x(a, b)$, which is its distribution function. Elementwise functions of
arrays or numbers; a shape that isn't positive gives NaN, outside of (0, 1) the density is zero.
Densities rest on $n \operatorname{KL}(a / n \,\|\, x)$, n = a + b, and on what Stirling's formula
leaves over (Loader 2000), so that large shapes cost no digits.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.distributions import exponential_family
from jaxmath.distributions.family import Family
from jaxmath.distributions.fitting import Fit, observations, with_errors
from jaxmath.distributions.gamma import SHAPES, _between
from jaxmath.distributions.gamma_draws import log_gamma_draw
from jaxmath.distributions.location_scale import positive
from jaxmath.distributions.ratios import ratio_gap
from jaxmath.distributions.shapes import float_dtype, sample_shape
from jaxmath.domains import OPEN_UNIT
from jaxmath.formula import Concave, Source, with_rule
from jaxmath.special.entropy import divergence
from jaxmath.special.gamma import (
    HALF_LOG_TAU,
    betaln,
    digamma_difference,
    stirling_error,
    stirling_error_dx,
    stirling_error_dx_dx,
    stirling_error_gap,
    trigamma,
    trigamma_difference,
    trigamma_dx,
)
from jaxmath.special.incomplete_beta import (
    INCOMPLETE_BETA,
    _log_excess,
    betainc,
    betaincc,
    log_betainc,
    log_betaincc,
)
from jaxmath.special.inverse_beta import betainccinv, betaincinv
from jaxmath.special.logarithm import log1p
from jaxmath.special.partials import with_partials
from jaxmath.typing import PRNGKey, Real


class Params(NamedTuple):
    """Both shapes; also the shape of what belongs to each, such as the score."""

    a: Any
    b: Any


NAMES = ("x", "a", "b")
_SPECIAL = {formula.name: formula.partials for formula in INCOMPLETE_BETA}


def _parts(x, a, b):
    """The value, a half outside of (0, 1), what it lacks to one, and both shapes."""
    a, b = positive(a), positive(b)
    x = jnp.asarray(x)
    inner = jnp.where((x > 0) & (x < 1), x, jnp.where(jnp.isnan(x), jnp.nan, 0.5))
    return inner, 1 - inner, a, b


def _inside(fn, below=0.0, above=0.0):
    """A function of x, 1 - x and both shapes between zero and one; constants outside."""

    def function(x, a, b):
        inner, y, a, b = _parts(x, a, b)
        rest = jnp.where(jnp.asarray(x) <= 0, below, above) + 0.0 * (a + b)
        outside = (jnp.asarray(x) <= 0) | (jnp.asarray(x) >= 1)
        return jnp.where(outside, rest, fn(inner, y, a, b) + 0.0 * inner)

    return function


def log_density(x, y, gap, a, b):
    """The logarithm of x^a y^b / B(a, b), at x = 1 - y, given gap = a y - b x to all digits."""
    n = a + b
    low, high = jnp.minimum(a, b), jnp.maximum(a, b)
    one, two = n * x, n * y
    away = divergence(a, one, gap, gap / one) + divergence(b, two, -gap, -gap / two)
    errors = stirling_error(n) - stirling_error(a) - stirling_error(b)
    return (jnp.log(low) + jnp.log(high / n)) / 2 - HALF_LOG_TAU + errors - away


def _log_height(x, y, a, b):
    return log_density(x, y, a * y - b * x, a, b)


def _at_end(own, other, zero, one):
    """The density at the end of a shape: infinite below one, `one(other)` at one, else `zero`."""
    return jnp.where(own < 1, jnp.inf, jnp.where(own == 1, one(other), zero))


def _with_ends(fn, zero, one):
    """Outside of [0, 1] `zero`, at each end its limit."""

    def function(x, a, b):
        inner, y, a, b = _parts(x, a, b)
        x = jnp.asarray(x)
        end = jnp.where(x == 0, _at_end(a, b, zero, one), zero)
        end = jnp.where(x == 1, _at_end(b, a, zero, one), end) + 0.0 * (a + b)
        return jnp.where((x <= 0) | (x >= 1), end, fn(inner, y, a, b))

    return function


def _log_prob(x: Real, a: Real, b: Real) -> Float[Array, "..."]:
    """The logarithm of the density, in nats."""
    value = _with_ends(
        lambda x, y, a, b: _log_height(x, y, a, b) - jnp.log(x) - log1p(-x), -jnp.inf, jnp.log
    )
    return value(x, a, b)


_BENDS = {
    ("x", "x"): _inside(lambda x, y, a, b: -(a - 1) / x / x - (b - 1) / y / y),
    ("x", "a"): _inside(lambda x, y, a, b: 1 / x + 0.0 * (a + b)),
    ("x", "b"): _inside(lambda x, y, a, b: -1 / y + 0.0 * (a + b)),
    ("a", "a"): _inside(lambda x, y, a, b: trigamma_difference(a, b)),
    ("a", "b"): _inside(lambda x, y, a, b: trigamma(a + b)),
    ("b", "b"): _inside(lambda x, y, a, b: trigamma_difference(b, a)),
}
log_prob, _LOG_PROB = with_partials(
    _log_prob,
    dict(
        x=_inside(lambda x, y, a, b: (a - 1) / x - (b - 1) / y),
        a=_inside(lambda x, y, a, b: _log_excess(a, b, x, y)),
        b=_inside(lambda x, y, a, b: _log_excess(b, a, y, x)),
    ),
    _BENDS,
)


def score(x: Real, a: Real, b: Real) -> Params:
    """The slopes of `log_prob` in the shapes."""
    return Params(_LOG_PROB["a"](x, a, b), _LOG_PROB["b"](x, a, b))


def _matrix(one, both, two):
    one, both, two = jnp.broadcast_arrays(one, both, two)
    return jnp.stack([jnp.stack([one, both], -1), jnp.stack([both, two], -1)], -2)


def hessian(x: Real, a: Real, b: Real) -> Float[Array, "... 2 2"]:
    """The second derivatives of `log_prob` in the shapes."""
    return _matrix(*(_BENDS[pair](x, a, b) for pair in (("a", "a"), ("a", "b"), ("b", "b"))))


def _height(factor):
    """The density times a factor, which may be large where it is small."""

    def product(x, y, a, b):
        root = jnp.exp(_log_height(x, y, a, b) / 2)
        there = jnp.where(root > 0, factor(x, y, a, b), 0.0)
        return (root / x) * (there * (root / y))

    return product


def _prob(x: Real, a: Real, b: Real) -> Float[Array, "..."]:
    """The density."""
    height = _height(lambda x, y, a, b: jnp.ones_like(x))
    return _with_ends(height, 0.0, lambda other: other)(x, a, b)


def _slope(x, y, a, b):
    return (a - 1) / x - (b - 1) / y


def _bend(x, y, a, b):
    """The second derivative in x over the density."""
    own = (a - 1) / x * ((a - 2) / x) + (b - 1) / y * ((b - 2) / y)
    return own - 2 * ((a - 1) / x) * ((b - 1) / y)


def _excesses(x, y, a, b):
    return _log_excess(a, b, x, y), _log_excess(b, a, y, x)


_DENSITY_BENDS = {
    ("x", "x"): _bend,
    ("x", "a"): lambda *args: _slope(*args) * _excesses(*args)[0] + 1 / args[0],
    ("x", "b"): lambda *args: _slope(*args) * _excesses(*args)[1] - 1 / args[1],
    ("a", "a"): lambda x, y, a, b: jnp.square(_excesses(x, y, a, b)[0]) + trigamma_difference(a, b),
    ("a", "b"): lambda x, y, a, b: (
        _excesses(x, y, a, b)[0] * _excesses(x, y, a, b)[1] + trigamma(a + b)
    ),
    ("b", "b"): lambda x, y, a, b: jnp.square(_excesses(x, y, a, b)[1]) + trigamma_difference(b, a),
}
prob, _PROB = with_partials(
    _prob,
    dict(
        x=_inside(_height(_slope)),
        a=_inside(_height(lambda *args: _excesses(*args)[0])),
        b=_inside(_height(lambda *args: _excesses(*args)[1])),
    ),
    {pair: _inside(_height(bend)) for pair, bend in _DENSITY_BENDS.items()},
)


def cdf(x: Real, a: Real, b: Real) -> Float[Array, "..."]:
    """The probability of at most x."""
    return _inside(lambda x, y, a, b: betainc(a, b, x), 0.0, 1.0)(x, a, b)


def sf(x: Real, a: Real, b: Real) -> Float[Array, "..."]:
    """The probability of more than x, accurate where it is tiny."""
    return _inside(lambda x, y, a, b: betaincc(a, b, x), 1.0, 0.0)(x, a, b)


def log_cdf(x: Real, a: Real, b: Real) -> Float[Array, "..."]:
    """The logarithm of `cdf`, accurate in both tails."""
    return _inside(lambda x, y, a, b: log_betainc(a, b, x), -jnp.inf, 0.0)(x, a, b)


def log_sf(x: Real, a: Real, b: Real) -> Float[Array, "..."]:
    """The logarithm of `sf`, accurate in both tails."""
    return _inside(lambda x, y, a, b: log_betaincc(a, b, x), 0.0, -jnp.inf)(x, a, b)


def _chain(name):
    """The slopes of a function of the shapes and x."""

    def made(slope):
        return _inside(lambda x, y, a, b: slope(a, b, x))

    return {key: made(_SPECIAL[name][key]) for key in NAMES}


def quantile(p: Real, a: Real, b: Real) -> Float[Array, "..."]:
    """The x below which lies probability p; NaN for p outside [0, 1]."""
    return betaincinv(positive(a), positive(b), p)


def isf(p: Real, a: Real, b: Real) -> Float[Array, "..."]:
    """The x above which lies probability p; NaN for p outside [0, 1]."""
    return betainccinv(positive(a), positive(b), p)


@jax.custom_jvp
def _log_odds_draw(key, a, b):
    one, two = jax.random.split(key)
    return log_gamma_draw(one, a) - log_gamma_draw(two, b)


FAR = 60.0
"""Where the logarithm of the odds is larger, the first term of the series is all there is."""


@_log_odds_draw.defjvp
def _rule(primals, tangents):
    """The implicit derivative: along it the distribution function stands still."""
    key, a, b = primals
    t = _log_odds_draw(key, a, b)
    turn = t > 0  # seen from the nearer end
    own, other = jnp.where(turn, b, a), jnp.where(turn, a, b)
    size = jnp.abs(t)
    end = size > FAR
    x = jax.nn.sigmoid(jnp.where(end, -1.0, -size))
    rate = jnp.exp(_log_height(x, 1 - x, own, other))
    d_own, d_other = (_SPECIAL["betainc"][name](own, other, x) for name in ("a", "b"))
    first = (-size - 1 / own + digamma_difference(own, other)) / own
    second = digamma_difference(other, own) / own
    d_own, d_other = jnp.where(end, first, d_own / rate), jnp.where(end, second, d_other / rate)
    sign = jnp.where(turn, 1.0, -1.0)
    in_a, in_b = jnp.where(turn, d_other, d_own), jnp.where(turn, d_own, d_other)
    return t, sign * (in_a * tangents[1] + in_b * tangents[2])


def sample_log_odds(key: PRNGKey, a: Real, b: Real, shape: tuple[int, ...] = ()) -> Array:
    """The logarithms of x / (1 - x) of draws, which for small shapes may be rounded to an end."""
    size = sample_shape(shape, a, b)
    dtype = float_dtype(a, b)
    a, b = (jnp.broadcast_to(positive(part), size).astype(dtype) for part in (a, b))
    valid = (a > 0) & (b > 0)
    draws = _log_odds_draw(key, jnp.where(valid, a, 1.0), jnp.where(valid, b, 1.0))
    return jnp.where(valid, draws, jnp.nan)


def sample(key: PRNGKey, a: Real, b: Real, shape: tuple[int, ...] = ()) -> Array:
    """Draw `shape` times the common shape of a and b, differentiable in them."""
    return jax.nn.sigmoid(sample_log_odds(key, a, b, shape))


def mean(a: Real, b: Real) -> Float[Array, "..."]:
    """The share of a in the sum of both shapes."""
    a, b = positive(a), positive(b)
    return a / (a + b)


def median(a: Real, b: Real) -> Float[Array, "..."]:
    """The quantile of one half."""
    return quantile(0.5 + 0.0 * (positive(a) + positive(b)), a, b)


def mode(a: Real, b: Real) -> Float[Array, "..."]:
    """The share of a - 1 in the sum of both less one; an end where one isn't above one.

    Where both ends are as good it is that of the smaller shape, and zero if they are equal.
    """
    a, b = positive(a), positive(b)
    inner = (a > 1) & (b > 1)
    one, two = jnp.where(inner, a - 1, 1.0), jnp.where(inner, b - 1, 1.0)
    return jnp.where(inner, one / (one + two), jnp.where(a <= b, 0.0, 1.0)) + 0.0 * (a + b)


def variance(a: Real, b: Real) -> Float[Array, "..."]:
    """The product of both shares over one more than the sum."""
    a, b = positive(a), positive(b)
    n = a + b
    return (a / n) * (b / n) / (n + 1)


def std(a: Real, b: Real) -> Float[Array, "..."]:
    """The root of the variance."""
    return jnp.sqrt(variance(a, b))


def skewness(a: Real, b: Real) -> Float[Array, "..."]:
    """The third moment of the standardised variable."""
    a, b = positive(a), positive(b)
    n = a + b
    return 2 * (b - a) / (n + 2) * jnp.sqrt((n + 1) / b / a)


def kurtosis(a: Real, b: Real) -> Float[Array, "..."]:
    """The excess of the fourth standardised moment over the normal's 3."""
    a, b = positive(a), positive(b)
    n = a + b
    return 6 * ((a - b) / a * ((a - b) / b) * ((n + 1) / (n + 2)) - 1) / (n + 3)


def _entropy(a: Real, b: Real) -> Float[Array, "..."]:
    """The expected value of minus `log_prob`, in nats; never positive."""
    a, b = positive(a), positive(b)
    n = a + b
    low, high = jnp.minimum(a, b), jnp.maximum(a, b)
    rest = stirling_error(a) + stirling_error(b) - stirling_error(n)
    slopes = (1 - a) * stirling_error_dx(a) + (1 - b) * stirling_error_dx(b)
    return (
        (jnp.log(low / n) + jnp.log(high / n) - jnp.log(n)) / 2 + HALF_LOG_TAU + 0.5
        - 0.5 / a - 0.5 / b + 1 / n + rest + slopes + (n - 2) * stirling_error_dx(n)
    )  # fmt: skip


def _entropy_da(a, b):
    a, b = positive(a), positive(b)
    n = a + b
    own = (0.5 + 0.5 / a) / a + (1 - a) * stirling_error_dx_dx(a)
    return own - (1.5 + 1 / n) / n + (n - 2) * stirling_error_dx_dx(n)


_ENTROPY = dict(a=_entropy_da, b=lambda a, b: _entropy_da(b, a))
entropy = with_rule(_entropy, **_ENTROPY)


def _pair(a, b, a_q, b_q):
    return tuple(map(positive, (a, b, a_q, b_q)))


def _kl(a: Real, b: Real, a_q: Real, b_q: Real) -> Float[Array, "..."]:
    """The Kullback-Leibler divergence of the second distribution from the first, in nats.

    That of two Bernoulli variables with their means, times the sum of the second's shapes; and what
    the gaps of log and of Stirling's remainder leave over.
    """
    a, b, c, d = _pair(a, b, a_q, b_q)
    n, m = a + b, c + d
    gap = (b * (c - a) - a * (d - b)) / n
    one, two = m * (a / n), m * (b / n)
    means = divergence(c, one, gap, gap / one) + divergence(d, two, -gap, -gap / two)
    logs = ratio_gap(c, a) + ratio_gap(d, b) - ratio_gap(m, n)
    rest = stirling_error_gap(a, c) + stirling_error_gap(b, d) - stirling_error_gap(n, m)
    return means + logs / 2 + rest


def _kl_da(a, b, a_q, b_q):
    a, b, c, d = _pair(a, b, a_q, b_q)
    return (d - b) * trigamma(a + b) + (c - a) * trigamma_difference(a, b)


def _kl_da_q(a, b, a_q, b_q):
    a, b, c, d = _pair(a, b, a_q, b_q)
    step = c - a
    return digamma_difference(a, step) - digamma_difference(a + b, step + (d - b))


def _turned(fn):
    return lambda a, b, a_q, b_q: fn(b, a, b_q, a_q)


def _second(fn):
    def second(a, b, a_q, b_q):
        a, b, c, d = _pair(a, b, a_q, b_q)
        return fn(a, b, c, d) + 0.0 * (a + b + c + d)

    return second


def _bend_of_sum(a, b, c, d):
    return (d - b + c - a) * trigamma_dx(a + b)


_kl_da_da = _second(
    lambda a, b, c, d: (
        _bend_of_sum(a, b, c, d) - (c - a) * trigamma_dx(a) - trigamma_difference(a, b)
    )
)
_KL_SECONDS = {
    ("a", "a"): _kl_da_da,
    ("a", "b"): _second(lambda a, b, c, d: _bend_of_sum(a, b, c, d) - trigamma(a + b)),
    ("b", "b"): _turned(_kl_da_da),
    ("a", "a_q"): _second(lambda a, b, c, d: trigamma_difference(a, b)),
    ("a", "b_q"): _second(lambda a, b, c, d: trigamma(a + b)),
    ("b", "a_q"): _second(lambda a, b, c, d: trigamma(a + b)),
    ("b", "b_q"): _second(lambda a, b, c, d: trigamma_difference(b, a)),
    ("a_q", "a_q"): _second(lambda a, b, c, d: -trigamma_difference(c, d)),
    ("a_q", "b_q"): _second(lambda a, b, c, d: -trigamma(c + d)),
    ("b_q", "b_q"): _second(lambda a, b, c, d: -trigamma_difference(d, c)),
}
kl, _KL = with_partials(
    _kl,
    dict(a=_kl_da, b=_turned(_kl_da), a_q=_kl_da_q, b_q=_turned(_kl_da_q)),
    _KL_SECONDS,
)


def cross_entropy(a: Real, b: Real, a_q: Real, b_q: Real) -> Float[Array, "..."]:
    """The expected value under the first of minus the second's `log_prob`, in nats."""
    return entropy(a, b) + kl(a, b, a_q, b_q)


_CROSS_ENTROPY = _KL | {
    name: lambda a, b, a_q, b_q, name=name: _ENTROPY[name](a, b) + _KL[name](a, b, a_q, b_q)
    for name in ("a", "b")
}
squared_hellinger = exponential_family.squared_hellinger(kl, _between)
renyi = exponential_family.renyi(kl, _between)


def fisher_information(a: Real, b: Real) -> Float[Array, "... 2 2"]:
    """Minus the expected `hessian`, which does not depend on x."""
    a, b = positive(a), positive(b)
    return -_matrix(trigamma_difference(a, b), trigamma(a + b), trigamma_difference(b, a))


def sufficient(x: Real) -> Float[Array, "... 2"]:
    """The logarithms of x and of 1 - x."""
    x = jnp.asarray(x)
    return jnp.stack([jnp.log(x), log1p(-x)], -1)


def natural(a: Real, b: Real) -> Float[Array, "... 2"]:
    """Both shapes less one."""
    return jnp.stack(jnp.broadcast_arrays(positive(a) - 1, positive(b) - 1), -1)


def mean_parameters(a: Real, b: Real) -> Float[Array, "... 2"]:
    """The expected logarithms of x and of 1 - x."""
    a, b = positive(a), positive(b)
    parts = jnp.broadcast_arrays(-digamma_difference(a, b), -digamma_difference(b, a))
    return jnp.stack(parts, -1)


def log_partition(eta: Float[Array, "... 2"]) -> Float[Array, "..."]:
    """Of the natural parameters: the logarithm of the beta function."""
    eta = jnp.asarray(eta)
    return betaln(eta[..., 0] + 1, eta[..., 1] + 1)


NEWTON_STEPS = 24


def fit(x: Real, weights: Real | None = None) -> Fit:
    """The shapes whose expected logarithms are the mean ones of the observations, shape (n,).

    From the shapes with the moments of the observations by Newton's method, which the likelihood,
    concave in the shapes, leads to its maximum (Minka 2000).
    """
    x, share, total = observations(x, weights)
    centre = jnp.sum(share * x)
    spread = jnp.sum(share * jnp.square(x - centre))
    size = jnp.maximum(centre * (1 - centre) / spread - 1, 0.1)
    logs = jnp.log(x), log1p(-x)
    log_x, log_y = (jnp.sum(jnp.where(share > 0, share * log, 0.0)) for log in logs)

    def step(_, shapes):
        a, b = shapes
        slope = jnp.stack([log_x + digamma_difference(a, b), log_y + digamma_difference(b, a)])
        one, both, two = trigamma_difference(a, b), trigamma(a + b), trigamma_difference(b, a)
        move = jnp.stack([two * slope[0] - both * slope[1], one * slope[1] - both * slope[0]])
        return jnp.clip(shapes - move / (one * two - both * both), shapes / 8, shapes * 8)

    start = jnp.stack([centre * size, (1 - centre) * size])
    a, b = jax.lax.fori_loop(0, NEWTON_STEPS, step, start)
    return with_errors(BETA, Params(a, b), x, share, total)


def _of(a, b):
    """Partials of a function of both shapes."""
    made = lambda fn: lambda a, b: fn(positive(a), positive(b))  # noqa: E731
    return dict(a=made(a), b=made(b))


def _mirrored(slope, sign=1.0):
    """Partials of a function that turns into itself, or minus itself, with both exchanged."""
    return _of(slope, lambda a, b: sign * slope(b, a))


def _variance_da(a, b):
    n = a + b
    return (b / n) / n / (n + 1) * ((b - a) / n - a / (n + 1))


def _skewness_da(a, b):
    n = a + b
    root = jnp.sqrt((n + 1) / b / a)
    way = (b - a) / (n + 2)
    return 2 * root * (-1 / (n + 2) - way / (n + 2) + way / 2 * (1 / (n + 1) - 1 / a))


def _kurtosis_da(a, b):
    n = a + b
    shape = (n + 1) / (n + 2)
    way = (a - b) / a * ((a - b) / b)
    grow = (n / a) * ((a - b) / a / b) * shape + way / (n + 2) / (n + 2)
    return 6 * (grow - (way * shape - 1) / (n + 3)) / (n + 3)


def _mode_da(a, b):
    inner = (a > 1) & (b > 1)
    one, two = jnp.where(inner, a - 1, 1.0), jnp.where(inner, b - 1, 1.0)
    return jnp.where(inner, two / (one + two) / (one + two), 0.0)


_INVERSE = "the inverse incomplete beta function, compared with 60 digits by tests of its own"

BETA = Family(
    name="beta",
    parameters=Params(a=SHAPES, b=SHAPES),
    support=OPEN_UNIT,
    functions=(
        *(log_prob, prob, cdf, log_cdf, sf, log_sf, quantile, isf, sample),
        *(mean, median, mode, variance, std, skewness, kurtosis, entropy, cross_entropy, kl),
        *(squared_hellinger, renyi, score, hessian, fisher_information),
        *(sufficient, natural, log_partition, mean_parameters, fit),
    ),
    partials=dict(
        log_prob=_LOG_PROB,
        prob=_PROB,
        cdf=_chain("betainc"),
        sf=_chain("betaincc"),
        log_cdf=_chain("log_betainc"),
        log_sf=_chain("log_betaincc"),
        entropy=_ENTROPY,
        cross_entropy=_CROSS_ENTROPY,
        kl=_KL,
        mean=_mirrored(lambda a, b: b / (a + b) / (a + b), -1.0),
        mode=_mirrored(_mode_da, -1.0),
        variance=_mirrored(_variance_da),
        std=_mirrored(lambda a, b: _variance_da(a, b) / (2 * std(a, b))),
        skewness=_mirrored(_skewness_da, -1.0),
        kurtosis=_mirrored(_kurtosis_da),
    ),
    seconds=dict(log_prob=_BENDS, kl=_KL_SECONDS),
    plain=dict(log_prob=_log_prob, prob=_prob, entropy=_entropy, kl=_kl),
    unrecorded=dict.fromkeys(("quantile", "isf", "median"), _INVERSE),
    facts=dict(log_prob=(Concave("a"), Concave("b"))),
    tex=dict(
        log_prob=r"\log p(x) = (a - 1) \log x + (b - 1) \log(1 - x) - \log B(a, b)",
        prob=r"p(x) = x^{a - 1} (1 - x)^{b - 1} / B(a, b)",
        cdf=r"F(x) = I_x(a, b)",
        sf=r"S(x) = I_{1 - x}(b, a)",
        mean=r"\mu = \frac{a}{a + b}",
        mode=r"\frac{a - 1}{a + b - 2}",
        variance=r"\sigma^2 = \frac{a b}{(a + b)^2 (a + b + 1)}",
        skewness=r"\frac{2 (b - a) \sqrt{a + b + 1}}{(a + b + 2) \sqrt{a b}}",
        kurtosis=r"6\, \frac{(a - b)^2 (a + b + 1) - a b (a + b + 2)}"
        r"{a b (a + b + 2)(a + b + 3)}",
        entropy=r"H = \log B(a, b) - (a - 1) \psi(a) - (b - 1) \psi(b) + (a + b - 2) \psi(a + b)",
    ),
    source=Source("johnson1995continuous", "chapter 25"),
    topic="P10",
)
__getattr__ = BETA.function
