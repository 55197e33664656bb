r"""The beta-binomial distribution: the successes of `count` trials whose probability is a beta one.

The probability of a trial is the same for all and drawn from the beta distribution with shapes
a, b > 0. Elementwise functions of arrays or numbers. The number of trials n is whole and known:
derivatives are those in the shapes. It gives NaN where it isn't whole or is negative, as a shape
that isn't positive does. With k successes, m failures and q = n / (n + a + b) the probability is
made of what Stirling's formula leaves over (Loader 2000) and of the divergences of k from
(k + a) q, of m from (m + b) q, of a and of b from the rest, so that it keeps its digits however
large they are. Probabilities of tails are sums, with as many steps as terms.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.distributions import beta
from jaxmath.distributions import beta_binomial_tails as tails
from jaxmath.distributions.count_draws import binomial_draw
from jaxmath.distributions.expectation import expect
from jaxmath.distributions.family import Family
from jaxmath.distributions.fitting import Fit, observations, with_errors
from jaxmath.distributions.gamma import SHAPES
from jaxmath.distributions.location_scale import chance, positive
from jaxmath.distributions.shapes import batched, sample_shape
from jaxmath.distributions.table import tabled
from jaxmath.domains import Integers
from jaxmath.formula import Source, with_rule
from jaxmath.special.entropy import divergence
from jaxmath.special.gamma import (
    HALF_LOG_TAU,
    digamma_difference,
    gammaln_difference,
    stirling_error,
    trigamma_difference,
)
from jaxmath.special.gamma_twice import digamma_twice, gammaln_twice, trigamma_twice
from jaxmath.special.partials import along, with_partials
from jaxmath.typing import Label, PRNGKey, Real


class Params(NamedTuple):
    """The number of trials, and both shapes of their probability."""

    count: Any
    a: Any
    b: Any


class Score(NamedTuple):
    """What belongs to the parameters that can be differentiated in."""

    a: Any
    b: Any


def _parameters(count, a, b):
    """The trials and both shapes in one dtype; the shapes NaN where the count is none."""
    a, b = positive(a), positive(b)
    dtype = jnp.result_type(a, b)
    n = jnp.asarray(count).astype(dtype)
    wrong = jnp.where((n >= 0) & (n == jnp.floor(n)) & (n < jnp.inf), 0.0, jnp.nan)
    return n, a.astype(dtype) + wrong, b.astype(dtype) + wrong


def _where_whole(fn, outside=0.0):
    """A function of successes, failures and both shapes at whole numbers; a constant elsewhere."""

    def function(x, count, a, b):
        n, a, b = _parameters(count, a, b)
        x = jnp.asarray(x).astype(n.dtype)
        inside = (x >= 0) & (x <= n) & (x == jnp.floor(x))
        k = jnp.where(inside, x, 0.0)
        value = fn(k, jnp.where(inside, n - x, 1.0), a, b)
        rest = jnp.where(jnp.isnan(x), jnp.nan, outside) + 0.0 * (a + b)
        return jnp.where(inside, value, rest)

    return tabled(function)


def _ways(k, a):
    r"""What $\Gamma(k + a) / k! / \Gamma(a)$ has beside the entropy of both shares.

    The first, times the exponential of the second. Of a small a the first has all of the root.
    """
    some = jnp.where(k > 0, k, 1.0)
    n, small = some + a, a < 1
    less, more = jnp.where(small, a, 0.5), jnp.where(small, 1.0, a)
    own = jnp.where(
        small,
        less - less * jnp.log(less) + gammaln_difference(1.0, less),
        stirling_error(more) + HALF_LOG_TAU,
    )
    share = jnp.sqrt(a / n / some) * jnp.sqrt(jnp.where(small, less, 1.0))
    rest = stirling_error(n) - stirling_error(some) - own
    return jnp.where(k > 0, share, 1.0), jnp.where(k > 0, rest, 0.0)


def _excess(twice, difference):
    """The difference from a to a + k, less that from a + b to the sum of all.

    In two parts, each of which has one sign whatever the values are.
    """
    return lambda k, m, a, b: -twice(a, b, k) - difference(a + b + k, m)


def _factors(k, m, a, b):
    """The probability of so many successes and failures: a factor, and the logarithm of another."""
    n, s = k + m, a + b
    p, q = s / (n + s), n / (n + s)
    gap = (a * m - k * b) / (n + s)

    def away(k, a, gap):
        """How far a is from its share of k + a by as much as the gap, and k from its own."""
        own, other = (k + a) * p, (k + a) * q
        some, part = jnp.where(k > 0, k, 1.0), jnp.where(k > 0, other, 1.0)
        far = divergence(some, part, -gap, -gap / part)
        return divergence(a, own, gap, gap / own) + jnp.where(k > 0, far, other)

    (one, two, all_), (first, last, less) = zip(_ways(k, a), _ways(m, b), _ways(n, s), strict=True)
    value = first + last - less - away(k, a, gap) - away(m, b, -gap)
    # Of one outcome alone, whose probability may be near one.
    none = k == 0
    x, h = jnp.where(none, b, a), jnp.where(none, a, b)
    alone = (none | (m == 0)) & (jnp.minimum(h, n) <= x)
    steps = (jnp.where(alone, each, 1.0) for each in (x, h, n))
    ratio = jnp.where(alone, 1.0, one * (two / all_))
    return ratio, jnp.where(alone, -gammaln_twice(*steps), value)


def _log_mass(k, m, a, b):
    """Of so many successes and failures."""
    ratio, value = _factors(k, m, a, b)
    return jnp.log(ratio) + value


def _turned(fn):
    return lambda k, m, a, b: fn(m, k, b, a)


_in_a = _excess(digamma_twice, digamma_difference)
_bend_a = _excess(trigamma_twice, trigamma_difference)
_in_b, _bend_b = _turned(_in_a), _turned(_bend_a)


def _bend_both(k, m, a, b):
    return -trigamma_difference(a + b, k + m)


def _log_prob(x: Label, count: Label, a: Real, b: Real) -> Float[Array, "..."]:
    """The logarithm of the probability of x successes; minus infinity of no such number."""
    return _where_whole(_log_mass, -jnp.inf)(x, count, a, b)


_BENDS = {
    ("a", "a"): _where_whole(_bend_a),
    ("a", "b"): _where_whole(_bend_both),
    ("b", "b"): _where_whole(_bend_b),
}
log_prob, _LOG_PROB = with_partials(
    _log_prob, dict(a=_where_whole(_in_a), b=_where_whole(_in_b)), _BENDS
)


def score(x: Label, count: Label, a: Real, b: Real) -> Score:
    """The slopes of `log_prob` in both shapes."""
    return Score(*(_LOG_PROB[name](x, count, a, b) for name in Score._fields))


def hessian(x: Label, count: Label, a: Real, b: Real) -> Float[Array, "... 2 2"]:
    """The second derivatives of `log_prob` in both shapes."""
    one, both, two = jnp.broadcast_arrays(*(bend(x, count, a, b) for bend in _BENDS.values()))
    return jnp.stack([jnp.stack([one, both], -1), jnp.stack([both, two], -1)], -2)


def _mass(factor):
    """The probability times a factor, which may be large where it is small."""

    def product(k, m, a, b):
        ratio, value = _factors(k, m, a, b)
        root = jnp.sqrt(ratio) * jnp.exp(value / 2)
        return root * (jnp.where(root > 0, factor(k, m, a, b), 0.0) * root)

    return _where_whole(product)


def _prob(x: Label, count: Label, a: Real, b: Real) -> Float[Array, "..."]:
    """The probability of x successes."""
    return _mass(lambda k, m, a, b: jnp.ones_like(a + b))(x, count, a, b)


def _square_a(k, m, a, b):
    """The square of the slope in a and the second derivative; for small a without their 1 / a^2."""
    small = (a < 1) & (k > 0)
    less, lower, s = jnp.where(small, k - 1, 1.0), jnp.where(small, a, 0.5), a + b
    at = (less, m, lower + 1, b)
    e = _in_a(*at)
    near = 2 * (b / s / lower) * (e - 1 / s) + jnp.square(e) + _bend_a(*at)
    return jnp.where(small, near, jnp.square(_in_a(k, m, a, b)) + _bend_a(k, m, a, b))


_MASS_BENDS = {
    ("a", "a"): _mass(_square_a),
    ("a", "b"): _mass(lambda *at: _in_a(*at) * _in_b(*at) + _bend_both(*at)),
    ("b", "b"): _mass(_turned(_square_a)),
}
prob, _PROB = with_partials(_prob, dict(a=_mass(_in_a), b=_mass(_in_b)), _MASS_BENDS)


def _tail(fn, none, every):
    """A function of the smaller tail, for any real x; constants before zero and from the count."""

    def tail(x, count, a, b):
        n, a, b = _parameters(count, a, b)
        k = jnp.floor(jnp.asarray(x).astype(n.dtype))
        inner = (k >= 0) & (k < n)
        some, most = jnp.where(inner, k, 0.0), jnp.where(inner, n, 1.0)
        value = fn(tails.smaller_tail(some, most, a, b, _log_mass, _in_a, _in_b))
        outer = jnp.where(k < 0, none, jnp.where(k >= n, every, jnp.nan)) + 0.0 * (a + b)
        return jnp.where(inner, value, outer)

    return tabled(tail, steps=True)


def _bound(fn, slope, below):
    """The function with its slopes, and these with theirs in forward mode."""
    partials = {}
    for name in Score._fields:
        plain = _tail(lambda tail, name=name: slope(tail, below, name), 0.0, 0.0)
        bends = {other: along(plain, k) for k, other in ((2, "a"), (3, "b"))}
        partials[name] = with_rule(plain, **bends)
    return with_rule(fn, **partials), partials


def _cdf(x: Label, count: Label, a: Real, b: Real) -> Float[Array, "..."]:
    """The probability of at most x successes, for any real x."""
    return _tail(lambda tail: tails.side(tail, True), 0.0, 1.0)(x, count, a, b)


def _sf(x: Label, count: Label, a: Real, b: Real) -> Float[Array, "..."]:
    """The probability of more than x successes, for any real x."""
    return _tail(lambda tail: tails.side(tail, False), 1.0, 0.0)(x, count, a, b)


def _log_cdf(x: Label, count: Label, a: Real, b: Real) -> Float[Array, "..."]:
    """The logarithm of `cdf`, accurate in both tails; minus infinity below zero."""
    return _tail(lambda tail: tails.log_side(tail, True), -jnp.inf, 0.0)(x, count, a, b)


def _log_sf(x: Label, count: Label, a: Real, b: Real) -> Float[Array, "..."]:
    """The logarithm of `sf`, accurate in both tails; minus infinity from the last number on."""
    return _tail(lambda tail: tails.log_side(tail, False), 0.0, -jnp.inf)(x, count, a, b)


cdf, _CDF = _bound(_cdf, tails.side_slope, True)
sf, _SF = _bound(_sf, tails.side_slope, False)
log_cdf, _LOG_CDF = _bound(_log_cdf, tails.log_side_slope, True)
log_sf, _LOG_SF = _bound(_log_sf, tails.log_side_slope, False)


def _step(p, count, a, b, reached):
    """The least number at which a tail has reached p, which lies in [0, 1]."""
    p, (n, a, b) = jax.lax.stop_gradient((chance(p), _parameters(count, a, b)))
    p, n, a, b = jnp.broadcast_arrays(p, n, a, b)
    lost = jnp.isnan(p + n + a + b)
    n, a, b = jnp.where(lost, 0.0, n), jnp.where(lost, 1.0, a), jnp.where(lost, 1.0, b)
    return jnp.where(lost, jnp.nan, tails.first_number(lambda k: reached(k, n, a, b, p), n))


def quantile(p: Real, count: Label, a: Real, b: Real) -> Float[Array, "..."]:
    """The smallest number with cdf >= p; NaN for p outside [0, 1]."""
    return _step(p, count, a, b, lambda k, n, a, b, p: cdf(k, n, a, b) >= p)


def isf(p: Real, count: Label, a: Real, b: Real) -> Float[Array, "..."]:
    """The smallest number with sf <= p; NaN for p outside [0, 1]."""
    return _step(p, count, a, b, lambda k, n, a, b, p: sf(k, n, a, b) <= p)


def median(count: Label, a: Real, b: Real) -> Float[Array, "..."]:
    """The quantile of one half."""
    return quantile(0.5 + 0.0 * positive(a), count, a, b)


def mode(count: Label, a: Real, b: Real) -> Float[Array, "..."]:
    """The likeliest number, the smaller of two alike: an end where the likelihoods have a valley.

    One more success is likelier than x where $x (a + b - 2) < n (a - 1) - b + 1$.
    """
    n, a, b = jax.lax.stop_gradient(_parameters(count, a, b))
    slope, level = (a - 1) + (b - 1), n * (a - 1) - (b - 1)
    peak = jnp.clip(jnp.ceil(level / jnp.where(slope > 0, slope, 1.0)), 0.0, n)
    return jnp.where(slope > 0, peak, jnp.where(a > b, n, 0.0 * n)) + 0.0 * (a + b)


def sample(key: PRNGKey, count: Label, a: Real, b: Real, shape: tuple[int, ...] = ()) -> Array:
    """Draw `shape` times the common shape of the parameters, whole numbers in the shapes' dtype.

    The draws are steps of the shapes: their derivative is zero, and no estimate of any other.
    """
    size = sample_shape(shape, count, a, b)
    n, a, b = (jnp.broadcast_to(each, size) for each in jax.lax.stop_gradient((count, a, b)))
    n, a, b = _parameters(n, a, b)
    one, two = jax.random.split(key)
    odds = beta.sample_log_odds(one, a, b)
    valid = ~jnp.isnan(odds + a)
    # Of the rarer outcome, whose probability keeps its digits.
    rare = jax.nn.sigmoid(-jnp.abs(jnp.where(valid, odds, 0.0)))
    draws = binomial_draw(two, jnp.where(valid, n, 1.0), rare, size)
    return jnp.where(valid, jnp.where(odds > 0, n - draws, draws), jnp.nan)


def mean(count: Label, a: Real, b: Real) -> Float[Array, "..."]:
    """The trials times the share of a in the sum of both shapes."""
    n, a, b = _parameters(count, a, b)
    return n * beta.mean(a, b)


def variance(count: Label, a: Real, b: Real) -> Float[Array, "..."]:
    """The binomial's at the mean probability, times (a + b + n) / (a + b + 1)."""
    n, a, b = _parameters(count, a, b)
    s = a + b
    return n * (a / s) * (b / s) * ((s + n) / (s + 1))


def std(count: Label, a: Real, b: Real) -> Float[Array, "..."]:
    """The square root of the variance."""
    return jnp.sqrt(variance(count, a, b))


def _skewness_scale(n, a, b):
    s = a + b
    return (s + 2 * n) / (s + 2) * jnp.sqrt((1 + s) / (s + n) / n / a / b)


def _skewness(count: Label, a: Real, b: Real) -> Float[Array, "..."]:
    """The third moment of the standardised value."""
    n, a, b = _parameters(count, a, b)
    return (b - a) * _skewness_scale(n, a, b)


def _skewness_da(n, a, b):
    """A polynomial whose terms are all positive."""
    s = a + b
    most = n * (2 * n + 3 * s) * (b * (b + 3 * a) + 3 * s + 2)
    most = most + s**4 + (3 * s + 2) * (a * (2 * a + b) + b * b)
    share = most / (1 + s) / (n + s) / (s + 2) / (s + 2 * n)
    return -_skewness_scale(n, a, b) * s / (2 * a) * share


def _second_kurtosis(n, a, b):
    """What falls as one over the number of trials, over its factor that may be zero."""
    s = a + b
    return (1 + s) / (s + 2) * (s / (s + 3)) * (s / (s + n)) / n / a / b


def _kurtosis(count: Label, a: Real, b: Real) -> Float[Array, "..."]:
    """The excess of the fourth standardised moment over the normal's 3.

    The beta distribution's, and what falls as one over the number of trials.
    """
    n, a, b = _parameters(count, a, b)
    return beta.kurtosis(a, b) + _second_kurtosis(n, a, b) * (a * (a - 1) + b * (b - 1) - 4 * a * b)


def _kurtosis_da(n, a, b):
    s = a + b
    factor = a * (a - 1) + b * (b - 1) - 4 * a * b
    growth = 1 / (1 + s) + 2 / s - 1 / a - 1 / (s + 2) - 1 / (s + 3) - 1 / (s + n)
    own = 2 * a - 4 * b - 1 + factor * growth
    return beta.BETA.partials["kurtosis"]["a"](a, b) + _second_kurtosis(n, a, b) * own


def _both(in_a, sign=1):
    """Partials of a function that turns into itself, or its negative, with shapes exchanged."""

    def other(count, a, b):
        n, a, b = _parameters(count, a, b)
        return sign * in_a(n, b, a)

    return dict(a=lambda count, a, b: in_a(*_parameters(count, a, b)), b=other)


def _variance_da(n, a, b):
    s = a + b
    grown = (s + n) / (s + 1)
    return n * (b / s) / s * ((b - a) / s * grown - a * (n - 1) / (s + 1) / (s + 1))


def _std_da(n, a, b):
    return _variance_da(n, a, b) / (2 * std(n, a, b))


_SKEWNESS, _KURTOSIS = _both(_skewness_da, -1), _both(_kurtosis_da)
skewness, kurtosis = with_rule(_skewness, **_SKEWNESS), with_rule(_kurtosis, **_KURTOSIS)


def _information(count, a, b):
    return expect(BETA_BINOMIAL, (count, a, b), lambda x: -hessian(x, count, a, b))


def fisher_information(count: Label, a: Real, b: Real) -> Float[Array, "... 2 2"]:
    """Minus the expected `hessian`, summed term by term; NaN where 4096 are not enough."""
    return batched(_information, [0, 0, 0])(*_parameters(count, a, b))


NEWTON_STEPS = 40


def fit(x: Label, count: Label, weights: Real | None = None) -> Fit:
    """The likeliest shapes of observations (n,), by Newton's method for their logarithms.

    From the shapes with the moments of the observations. They grow to the largest that are promised
    where the variance is no larger than the binomial distribution's.
    """
    x, share, total = observations(x, weights)
    n = jnp.asarray(count).astype(x.dtype)
    centre = jnp.sum(share * x) / n
    spread = jnp.sum(share * jnp.square(x / n - centre))
    own = centre * (1 - centre)
    surplus = spread - own / n
    size = jnp.where(surplus > 0, (own - spread) / jnp.where(surplus > 0, surplus, 1.0), 64.0)
    start = jnp.log(jnp.clip(size, 1e-2, 1e6)) + jnp.log(jnp.stack([centre, 1 - centre]))

    def loss(logs):
        return -jnp.sum(share * jnp.where(share > 0, log_prob(x, n, *jnp.exp(logs)), 0.0))

    ends = jnp.log(jnp.asarray([SHAPES.low, SHAPES.high], x.dtype))

    def step(_, logs):
        values, vectors = jnp.linalg.eigh(jax.hessian(loss)(logs))
        curvature = jnp.maximum(jnp.abs(values), jnp.finfo(x.dtype).eps)
        move = vectors @ (vectors.T @ jax.grad(loss)(logs) / curvature)
        return jnp.clip(logs - jnp.clip(move, -1.5, 1.5), *ends)

    logs = jax.lax.fori_loop(0, NEWTON_STEPS, step, start)
    return with_errors(BETA_BINOMIAL, Params(n, *jnp.exp(logs)), x, share, total)


BETA_BINOMIAL = Family(
    name="beta_binomial",
    parameters=Params(count=Integers(1, 2**20), a=SHAPES, b=SHAPES),
    support=Integers(0, 2**20),
    ends=lambda count, a, b: (0.0, count),
    functions=(
        *(log_prob, prob, cdf, log_cdf, sf, log_sf, quantile, isf, median, sample),
        *(mean, mode, variance, std, skewness, kurtosis),
        *(score, hessian, fisher_information, fit),
    ),
    partials=dict(
        log_prob=_LOG_PROB,
        prob=_PROB,
        cdf=_CDF,
        sf=_SF,
        log_cdf=_LOG_CDF,
        log_sf=_LOG_SF,
        mean=_both(lambda n, a, b: n * (b / (a + b)) / (a + b), -1),
        variance=_both(_variance_da),
        std=_both(_std_da),
        skewness=_SKEWNESS,
        kurtosis=_KURTOSIS,
    ),
    seconds=dict(log_prob=_BENDS, prob=_MASS_BENDS),
    unrecorded=dict.fromkeys(
        ("cdf", "sf", "log_cdf", "log_sf"),
        "loops over as many terms as there are; compared with 60 digits by a test of their own",
    )
    | dict(kurtosis="value and slopes are compared with 90 digits by a test of its own"),
    exceptions=dict(
        skewness=dict.fromkeys(
            ("second_derivatives/a, b", "hessian_symmetric"),
            "slopes of a polynomial cancel, to 1e-11, where one shape is far larger",
        )
    ),
    plain=dict(log_prob=_log_prob, prob=_prob, skewness=_skewness),
    tex=dict(
        log_prob=r"\log p(x) = \log \binom n x + \log B(x + a, n - x + b) - \log B(a, b)",
        prob=r"p(x) = \binom n x \frac{B(x + a, n - x + b)}{B(a, b)}",
        mean=r"\mu = \frac{n a}{a + b}",
        variance=r"\sigma^2 = \frac{n a b\, (a + b + n)}{(a + b)^2 (a + b + 1)}",
        skewness=r"\frac{(a + b + 2 n)(b - a)}{a + b + 2}"
        r" \sqrt{\frac{1 + a + b}{n a b\, (n + a + b)}}",
        kurtosis=r"\operatorname{E}(X - \mu)^4 / \sigma^4 - 3",
    ),
    source=Source("johnson2005univariate", "chapter 6"),
    topic="P10",
)
__getattr__ = BETA_BINOMIAL.function
