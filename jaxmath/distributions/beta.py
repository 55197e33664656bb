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

from jaxmath.distributions import beta_divergences
from jaxmath.distributions.beta_divergences import (
    cross_entropy,
    entropy,
    kl,
    renyi,
    squared_hellinger,
)
from jaxmath.distributions.beta_draws import odds_parts
from jaxmath.distributions.family import Family
from jaxmath.distributions.fitting import Fit, observations, with_errors
from jaxmath.distributions.gamma import SHAPES
from jaxmath.distributions.gamma_density import at_zero
from jaxmath.distributions.location_scale import positive
from jaxmath.distributions.shapes import float_dtype, sample_shape, two_by_two
from jaxmath.domains import OPEN_UNIT
from jaxmath.formula import Concave, Formula, Source, with_rule
from jaxmath.special.entropy import divergence
from jaxmath.special.gamma import (
    HALF_LOG_TAU,
    betaln,
    digamma_difference,
    stirling_error,
    trigamma,
    trigamma_difference,
)
from jaxmath.special.incomplete_beta import (
    INCOMPLETE_BETA,
    betainc,
    betaincc,
    log_betainc,
    log_betaincc,
    log_excess,
)
from jaxmath.special.inverse_beta import INVERSE_BETA, betainccinv, betaincinv
from jaxmath.special.logarithm import log1p
from jaxmath.special.partials import Rule, along, with_partials
from jaxmath.special.ratio import balanced_product
from jaxmath.typing import PRNGKey, Real


class Params(NamedTuple):
    """Both shapes; also the shape of what belongs to each, such as the score."""

    a: Any
    b: Any


NAMES = ("x", "a", "b")
_TAILS = {formula.name: formula.partials for formula in INCOMPLETE_BETA}


def _parts(x, a, b):
    """The value, a half outside of (0, 1), what it lacks to one, and both shapes."""
    a, b = positive(a), positive(b)
    x = jnp.asarray(x)
    inner = jnp.where((x <= 0) | (x >= 1), 0.5, x)
    return inner, 1 - inner, a, b


def _inside(fn, below=0.0, above=0.0):
    """A function of x, 1 - x and both shapes between zero and one; constants outside."""

    def function(x, a, b):
        inner, y, a, b = _parts(x, a, b)
        rest = jnp.where(jnp.asarray(x) <= 0, below, above) + 0.0 * (a + b)
        outside = (jnp.asarray(x) <= 0) | (jnp.asarray(x) >= 1)
        return jnp.where(outside, rest, fn(inner, y, a, b) + 0.0 * inner)

    return function


def _log_height(x, y, a, b):
    """The logarithm of x^a y^b / B(a, b), at x = 1 - y."""
    n = a + b
    low, high = jnp.minimum(a, b), jnp.maximum(a, b)
    one, two = a / n, b / n
    gap = one * y - two * x
    away = n * (divergence(one, x, gap, gap / x) + divergence(two, y, -gap, -gap / y))
    errors = stirling_error(n) - stirling_error(a) - stirling_error(b)
    return (jnp.log(low) + jnp.log(high / n)) / 2 - HALF_LOG_TAU + errors - away


def _with_ends(fn, outside, at_zero, at_one):
    """As `_inside`, but with values of both shapes at zero and one themselves."""

    def function(x, a, b):
        inner, y, a, b = _parts(x, a, b)
        x = jnp.asarray(x)
        end = jnp.where(x == 0, at_zero(a, b), jnp.where(x == 1, at_one(a, b), outside))
        return jnp.where((x <= 0) | (x >= 1), end + 0.0 * (a + b), fn(inner, y, a, b))

    return function


def _slope(x, y, a, b):
    return (a - 1) / x - (b - 1) / y


def _in_a(x, y, a, b):
    return log_excess(a, b, x, y)


def _in_b(x, y, a, b):
    return log_excess(b, a, y, x)


def _log_prob(x: Real, a: Real, b: Real) -> Float[Array, "..."]:
    """The logarithm of the density, in nats."""
    value = _with_ends(
        lambda x, y, a, b: _log_height(x, y, a, b) - jnp.log(x) - log1p(-x),
        -jnp.inf,
        lambda a, b: at_zero(a, jnp.log(b), -jnp.inf),
        lambda a, b: at_zero(b, jnp.log(a), -jnp.inf),
    )
    return value(x, a, b)


_BENDS = {
    ("x", "x"): _inside(lambda x, y, a, b: (1 - a) * (1 / x) * (1 / x) - (b - 1) / y / y),
    ("x", "a"): _inside(lambda x, y, a, b: 1 / x + 0.0 * (a + b)),
    ("x", "b"): _inside(lambda x, y, a, b: -1 / y + 0.0 * (a + b)),
    ("a", "a"): _inside(lambda x, y, a, b: trigamma_difference(a, b)),
    ("a", "b"): _inside(lambda x, y, a, b: trigamma(a + b)),
    ("b", "b"): _inside(lambda x, y, a, b: trigamma_difference(b, a)),
}
log_prob, _LOG_PROB = with_partials(
    _log_prob,
    dict(
        x=_with_ends(
            _slope,
            0.0,
            lambda a, b: jnp.where(a == 1, 1 - b, 0.0),
            lambda a, b: jnp.where(b == 1, a - 1, 0.0),
        ),
        a=_with_ends(_in_a, 0.0, lambda a, b: 0.0, lambda a, b: jnp.where(b == 1, 1 / a, 0.0)),
        b=_with_ends(_in_b, 0.0, lambda a, b: jnp.where(a == 1, 1 / b, 0.0), lambda a, b: 0.0),
    ),
    _BENDS,
)


def score(x: Real, a: Real, b: Real) -> Params:
    """The slopes of `log_prob` in the shapes."""
    return Params(_LOG_PROB["a"](x, a, b), _LOG_PROB["b"](x, a, b))


def hessian(x: Real, a: Real, b: Real) -> Float[Array, "... 2 2"]:
    """The second derivatives of `log_prob` in the shapes."""
    return two_by_two(*(_BENDS[pair](x, a, b) for pair in (("a", "a"), ("a", "b"), ("b", "b"))))


def _height(factor, over=1):
    """The density times x y, times a factor, over a power of x y.

    A number of ordinary size may be made of a density that underflows and a power that overflows.
    """

    def product(x, y, a, b):
        part = jnp.exp(_log_height(x, y, a, b) / 4)
        first, second, third = (part / x if over > k else part for k in (0, 2, 1))
        there = jnp.where(part > 0, factor(x, y, a, b) / y**over, 0.0)
        return balanced_product(first * part, second * third, there)

    return product


def _prob(x: Real, a: Real, b: Real) -> Float[Array, "..."]:
    """The density."""
    height = _with_ends(
        _height(lambda x, y, a, b: jnp.ones_like(x)),
        0.0,
        lambda a, b: at_zero(a, b, 0.0),
        lambda a, b: at_zero(b, a, 0.0),
    )
    return height(x, a, b)


def _rise(x, y, a, b):
    """The slope in x over the density, times x y."""
    return (a - 1) * y - (b - 1) * x


def _bend(x, y, a, b):
    """The second derivative in x over the density, times the square of x y."""
    own = (a - 1) * y * ((a - 2) * y) + (b - 1) * x * ((b - 2) * x)
    return own - 2 * ((a - 1) * y) * ((b - 1) * x)


def excess_bend(x, y, a, b):
    """The square of the slope in a and the second derivative; for small a without their 1 / a^2."""
    s, more = a + b, jnp.where(a < 1, a, 1.0) + 1
    e = jnp.where(x < 0.5, jnp.log(x), log1p(-y)) + digamma_difference(more, b)
    small = 2 * (b / s / a) * (e - 1 / s) + jnp.square(e) + trigamma_difference(more, b)
    return jnp.where(a < 1, small, jnp.square(_in_a(x, y, a, b)) + trigamma_difference(a, b))


_DENSITY_BENDS = {
    ("x", "x"): _inside(_height(_bend, 3)),
    ("x", "a"): _inside(_height(lambda *at: _rise(*at) * _in_a(*at) + at[1], 2)),
    ("x", "b"): _inside(_height(lambda *at: _rise(*at) * _in_b(*at) - at[0], 2)),
    ("a", "a"): _inside(_height(excess_bend)),
    ("a", "b"): _inside(_height(lambda *at: _in_a(*at) * _in_b(*at) + trigamma(at[2] + at[3]))),
    ("b", "b"): _inside(_height(lambda x, y, a, b: excess_bend(y, x, b, a))),
}
prob, _PROB = with_partials(
    _prob,
    dict(x=_inside(_height(_rise, 2)), a=_inside(_height(_in_a)), b=_inside(_height(_in_b))),
    _DENSITY_BENDS,
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

    return {key: made(_TAILS[name][key]) for key in NAMES}


def quantile(p: Real, a: Real, b: Real) -> Float[Array, "..."]:
    """The x below which lies probability p; NaN for p outside [0, 1]."""
    return betaincinv(positive(a), positive(b), p)


def isf(p: Real, a: Real, b: Real) -> Float[Array, "..."]:
    """The x above which lies probability p; NaN for p outside [0, 1]."""
    return betainccinv(positive(a), positive(b), p)


def _inverse(inverse: Formula) -> Rule:
    """Of a function of the shapes and the probability, which come in another order here."""

    def made(slope):
        return lambda p, a, b: slope(positive(a), positive(b), p)

    def named(key):
        return key if key in NAMES else "p"

    partials = {named(key): made(slope) for key, slope in inverse.partials.items()}
    seconds = {(named(k), named(m)): made(bend) for (k, m), bend in inverse.seconds.items()}
    return Rule(partials, seconds, made(inverse.plain))


_QUANTILE, _ISF = map(_inverse, INVERSE_BETA)


def _odds_parts(key, a, b, shape):
    size = sample_shape(shape, a, b)
    dtype = float_dtype(a, b)
    a, b = (jnp.broadcast_to(positive(part), size).astype(dtype) for part in (a, b))
    valid = (a > 0) & (b > 0)
    odds, log_factor = odds_parts(key, jnp.where(valid, a, 1.0), jnp.where(valid, b, 1.0))
    return jnp.where(valid, odds, jnp.nan), log_factor


def sample_log_odds(key: PRNGKey, a: Real, b: Real, shape: tuple[int, ...] = ()) -> Array:
    """The logarithms of x / (1 - x) of draws, which for small shapes may be rounded to an end."""
    odds, log_factor = _odds_parts(key, a, b, shape)
    return jnp.log(odds) + log_factor


def sample(key: PRNGKey, a: Real, b: Real, shape: tuple[int, ...] = ()) -> Array:
    """Draw `shape` times the common shape of a and b, differentiable in them."""
    odds, log_factor = _odds_parts(key, a, b, shape)
    small, factor = log_factor < 0, jnp.exp(-jnp.abs(log_factor))  # never more than one
    odds = jnp.where(small, odds * factor, odds)
    return odds / (odds + jnp.where(small, 1.0, factor))


def _mean(a: Real, b: Real) -> Float[Array, "..."]:
    """The share of a in the sum of both shapes."""
    a, b = positive(a), positive(b)
    return a / (a + b)


def _share_slope(a, b):
    return b / (a + b) / (a + b)


_MEAN = dict(
    a=lambda a, b: _share_slope(positive(a), positive(b)),
    b=lambda a, b: -_share_slope(positive(b), positive(a)),
)
mean = with_rule(_mean, **_MEAN)


def median(a: Real, b: Real) -> Float[Array, "..."]:
    """The quantile of one half."""
    return quantile(0.5 + 0.0 * (positive(a) + positive(b)), a, b)


def _mode(a: Real, b: Real) -> Float[Array, "..."]:
    """The share of a - 1 in the sum of both less one; an end where one isn't above one.

    Where both ends are as good it is that of the smaller shape, and zero if they are equal.
    """
    inner, one, two = _less_one(a, b)
    end = jnp.where(positive(a) <= positive(b), 0.0, 1.0)
    return jnp.where(inner, one / (one + two), end) + 0.0 * (positive(a) + positive(b))


def _less_one(a, b):
    a, b = positive(a), positive(b)
    inner = (a > 1) & (b > 1)
    return inner, jnp.where(inner, a - 1, 1.0), jnp.where(inner, b - 1, 1.0)


def _mode_da(a, b):
    inner, one, two = _less_one(a, b)
    return jnp.where(inner, _share_slope(one, two), 0.0 * (positive(a) + positive(b)))


_MODE = dict(a=_mode_da, b=lambda a, b: -_mode_da(b, a))
mode = with_rule(_mode, **_MODE)


def variance(a: Real, b: Real) -> Float[Array, "..."]:
    """The product of both shares over one more than the sum."""
    a, b = positive(a), positive(b)
    n = a + b
    return (a / n) * (b / n) / (n + 1)


def std(a: Real, b: Real) -> Float[Array, "..."]:
    """The root of the variance."""
    return jnp.sqrt(variance(a, b))


def _skewness(a: Real, b: Real) -> Float[Array, "..."]:
    """The third moment of the standardised variable."""
    a, b = positive(a), positive(b)
    n = a + b
    return 2 * (b - a) / (n + 2) * jnp.sqrt((n + 1) / b / a)


def _skewness_da(a, b):
    a, b = positive(a), positive(b)
    n = a + b
    root = jnp.sqrt((n + 1) / b / a)
    return -root * (n / (n + 2)) * ((3 * a + b + 2) / (n + 2)) * ((b + 1) / (n + 1)) / a


def _kurtosis(a: Real, b: Real) -> Float[Array, "..."]:
    """The excess of the fourth standardised moment over the normal's 3."""
    a, b = positive(a), positive(b)
    n = a + b
    return 6 * ((a - b) / a * ((a - b) / b) * ((n + 1) / (n + 2)) - 1) / (n + 3)


def _kurtosis_da(a, b):
    """A polynomial, of which the terms of either sign are summed alone, over n cubed."""
    a, b = positive(a), positive(b)
    n = a + b
    s, t, u = a / n, b / n, 1 / n
    more = s * (2 * s * (2 * s + t + 6 * u) + 6 * u * u)
    less = t * (s * (3 * t + 5 * u) + (t + 2 * u) * (t + 3 * u))
    return 6 * (b + 1) / b * (more - less) * jnp.square(n / (n + 2) / s / (n + 3))


def _skewness_da_db(a, b):
    a, b = positive(a), positive(b)
    n = a + b
    own = -(3 * n + 2) / (n + 1) / (n + 2) / (4 * a) / b
    return _skewness(a, b) * (own + (0.75 * n * n - 1) / jnp.square((n + 1) * (n + 2)))


def _kurtosis_da_db(a, b):
    """Of $n^2 (n + 1) / (ab (n + 2)(n + 3)) - (5n + 6) / ((n + 2)(n + 3))$, six times."""
    a, b = positive(a), positive(b)
    n = a + b
    u, v, over = 1 / (n + 2), 1 / (n + 3), 1 / a / b
    once = (n * u) * (n * v) * (((4 * n + 12) * n + 6) * u * v)
    # Cubes of their own: six factors together would leave float32.
    cubes = u * u * u, v * v * v
    twice = (((28 * n + 144) * n + 216) * n + 72) * cubes[0] * cubes[1]
    rest = ((10 * n + 36) * n * n - 72) * cubes[0] * cubes[1]
    return 6 * (over * (twice - over * once) - rest)


def _seconds(own, mixed, sign):
    """Of a function that changes by the sign where both shapes change places."""
    return {
        ("a", "a"): along(own, 0),
        ("a", "b"): mixed,
        ("b", "b"): lambda a, b: sign * along(own, 0)(b, a),
    }


_SKEWNESS_BENDS = _seconds(_skewness_da, _skewness_da_db, -1)
_KURTOSIS_BENDS = _seconds(_kurtosis_da, _kurtosis_da_db, 1)
skewness, _SKEWNESS = with_partials(
    _skewness, dict(a=_skewness_da, b=lambda a, b: -_skewness_da(b, a)), _SKEWNESS_BENDS
)
kurtosis, _KURTOSIS = with_partials(
    _kurtosis, dict(a=_kurtosis_da, b=lambda a, b: _kurtosis_da(b, a)), _KURTOSIS_BENDS
)


def fisher_information(a: Real, b: Real) -> Float[Array, "... 2 2"]:
    """Minus the expected `hessian`, which does not depend on x."""
    a, b = positive(a), positive(b)
    return -two_by_two(trigamma_difference(a, b), trigamma(a + b), trigamma_difference(b, a))


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


def _mirrored(slope):
    """Partials of a function that turns into itself with both shapes exchanged."""
    in_a = lambda a, b: slope(positive(a), positive(b))  # noqa: E731
    return dict(a=in_a, b=lambda a, b: in_a(b, a))


def _variance_da(a, b):
    n = a + b
    return (b / n) / n / (n + 1) * ((b - a) / n - a / (n + 1))


_MEDIAN = "the quantile of one half"
_LARGE = dict.fromkeys(
    (f"second_derivatives/{pair}" for pair in ("a, a", "a, b", "b, b", "p, a", "p, b")),
    "right to 1e-12, in float32 to 1e-4, where a shape is above 1e6",
)
_SMALL: dict[str, str] = dict.fromkeys(
    ("second_derivatives/a, a", "second_derivatives/b, b"),
    "right to 11 digits where a shape is as small as 1e-4",
)
_NESTED = {
    "second_derivatives": "forward mode through the continued fraction keeps 11 digits where a"
    " shape is as small as 1e-4",
    "hessian_symmetric": "as its second derivatives",
}
_SQUARES = dict.fromkeys(
    ("finite/x, x", "finite/x, b", "finite/b, x"), "in float32 the square of a tiny x underflows"
)

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
    partials=beta_divergences.PARTIALS
    | dict(
        log_prob=_LOG_PROB,
        prob=_PROB,
        cdf=_chain("betainc"),
        sf=_chain("betaincc"),
        log_cdf=_chain("log_betainc"),
        log_sf=_chain("log_betaincc"),
        quantile=_QUANTILE.partials,
        isf=_ISF.partials,
        mean=_MEAN,
        mode=_MODE,
        variance=_mirrored(_variance_da),
        std=_mirrored(lambda a, b: _variance_da(a, b) / (2 * std(a, b))),
        skewness=_SKEWNESS,
        kurtosis=_KURTOSIS,
    ),
    seconds=beta_divergences.SECONDS
    | dict(
        log_prob=_BENDS,
        prob=_DENSITY_BENDS,
        quantile=_QUANTILE.seconds,
        isf=_ISF.seconds,
        skewness=_SKEWNESS_BENDS,
        kurtosis=_KURTOSIS_BENDS,
    ),
    plain=beta_divergences.PLAIN
    | dict(
        log_prob=_log_prob,
        prob=_prob,
        quantile=_QUANTILE.plain,
        isf=_ISF.plain,
        mean=_mean,
        mode=_mode,
        skewness=_skewness,
        kurtosis=_kurtosis,
    ),
    unrecorded={"median": _MEDIAN},
    exceptions=dict(
        **dict.fromkeys(("cdf", "sf"), _SMALL),
        log_cdf=_NESTED | _SQUARES,
        log_sf=_NESTED,
        **dict.fromkeys(("quantile", "isf"), _LARGE),
        kurtosis={"second_derivatives/a, a": "13 digits next to the place where it vanishes"},
    ),
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
