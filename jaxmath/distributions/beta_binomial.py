r"""The beta-binomial distribution: the successes of `count` trials whose probability is a beta one.

The probability of a trial is the same for all and drawn from the beta distribution with shapes
a, b > 0. Elementwise functions of arrays or numbers. The number of trials n is whole and known:
derivatives are those in the shapes. It gives NaN where it isn't whole or is negative, as a shape
that isn't positive does. With k successes, m failures and q = n / (n + a + b) the probability is
made of what Stirling's formula leaves over (Loader 2000) and of the divergences of k from
(k + a) q, of m from (m + b) q, of a and of b from the rest, so that it keeps its digits however
large they are. Probabilities of tails are sums, by the generic route.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.distributions import beta
from jaxmath.distributions.family import Family
from jaxmath.distributions.fitting import Fit, observations, with_errors
from jaxmath.distributions.gamma import SHAPES
from jaxmath.distributions.location_scale import positive
from jaxmath.distributions.shapes import float_dtype, sample_shape
from jaxmath.domains import Integers
from jaxmath.formula import Source, with_rule
from jaxmath.special.entropy import divergence
from jaxmath.special.gamma import (
    HALF_LOG_TAU,
    digamma_difference,
    stirling_error,
    trigamma_difference,
)
from jaxmath.special.gamma_twice import digamma_twice, gammaln_twice, trigamma_twice
from jaxmath.special.partials import with_partials
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

    return function


def _ways(k, a):
    r"""What $\log(\Gamma(k + a) / k! / \Gamma(a))$ has beside the entropy of both shares."""
    some = jnp.where(k > 0, k, 1.0)
    n = some + a
    rest = stirling_error(n) - stirling_error(a) - stirling_error(some)
    rest = rest + (jnp.log(a / n) - jnp.log(some)) / 2 - HALF_LOG_TAU
    return jnp.where(k > 0, rest, 0.0)


def _excess(twice, difference):
    """The difference from a to a + k, less that from a + b to the sum of all.

    In two parts, each of which has one sign whatever the values are.
    """
    return lambda k, m, a, b: -twice(a, b, k) - difference(a + b + k, m)


def _log_mass(k, m, a, b):
    """Of so many successes and failures."""
    n, s = k + m, a + b
    p, q = s / (n + s), n / (n + s)
    gap = (a * m - k * b) / (n + s)

    def away(k, a, gap):
        """How far a is from its share of k + a by as much as the gap, and k from its own."""
        own, other = (k + a) * p, (k + a) * q
        some, part = jnp.where(k > 0, k, 1.0), jnp.where(k > 0, other, 1.0)
        far = divergence(some, part, -gap, -gap / part)
        return divergence(a, own, gap, gap / own) + jnp.where(k > 0, far, other)

    ways = _ways(k, a) + _ways(m, b) - _ways(n, s)
    value = ways - away(k, a, gap) - away(m, b, -gap)
    # Of one outcome alone, whose probability may be near one.
    none = k == 0
    x, h = jnp.where(none, b, a), jnp.where(none, a, b)
    alone = (none | (m == 0)) & (jnp.minimum(h, n) <= x)
    steps = (jnp.where(alone, each, 1.0) for each in (x, h, n))
    return jnp.where(alone, -gammaln_twice(*steps), value)


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
        root = jnp.exp(_log_mass(k, m, a, b) / 2)
        return root * (jnp.where(root > 0, factor(k, m, a, b), 0.0) * root)

    return _where_whole(product)


def _prob(x: Label, count: Label, a: Real, b: Real) -> Float[Array, "..."]:
    """The probability of x successes."""
    return _mass(lambda k, m, a, b: jnp.ones_like(a + b))(x, count, a, b)


_MASS_BENDS = {
    ("a", "a"): _mass(lambda *at: jnp.square(_in_a(*at)) + _bend_a(*at)),
    ("a", "b"): _mass(lambda *at: _in_a(*at) * _in_b(*at) + _bend_both(*at)),
    ("b", "b"): _mass(lambda *at: jnp.square(_in_b(*at)) + _bend_b(*at)),
}
prob, _PROB = with_partials(_prob, dict(a=_mass(_in_a), b=_mass(_in_b)), _MASS_BENDS)


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
    draws = jax.random.binomial(two, jnp.where(valid, n, 1.0), rare, size)
    draws = jnp.where(valid, jnp.where(odds > 0, n - draws, draws), jnp.nan)
    return draws.astype(float_dtype(a, b))


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
        *(log_prob, prob, sample, mean, variance, std, skewness, kurtosis),
        *(score, hessian, fit),
    ),
    partials=dict(
        log_prob=_LOG_PROB,
        prob=_PROB,
        mean=_both(lambda n, a, b: n * (b / (a + b)) / (a + b), -1),
        variance=_both(_variance_da),
        std=_both(_std_da),
        skewness=_SKEWNESS,
        kurtosis=_KURTOSIS,
    ),
    seconds=dict(log_prob=_BENDS, prob=_MASS_BENDS),
    unrecorded=dict(kurtosis="value and slopes are compared with 90 digits by a test of its own"),
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
