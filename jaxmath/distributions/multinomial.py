r"""The multinomial distribution: how often each of n outcomes occurs in `count` trials.

Logits lie along the last axis and count up to a common constant, $p = \operatorname{softmax}(z)$.
The number of trials N is whole and known: derivatives are those in the logits. Vectors whose
entries are not whole numbers that add up to it have no probability. The logarithm of a probability
rests on a divergence of the shares x / N from p and on what Stirling's formula leaves over, so that
many trials cost no digits.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike
from jaxtyping import Array, Float

from jaxmath.distributions import categorical
from jaxmath.distributions.binomial import BINOMIAL
from jaxmath.distributions.count_draws import binomial_draw
from jaxmath.distributions.expectation import expect
from jaxmath.distributions.family import Family
from jaxmath.distributions.fitting import Fit
from jaxmath.distributions.shapes import float_dtype
from jaxmath.distributions.vector_fit import arrays
from jaxmath.distributions.vectors import (
    UNRECORDED,
    WITHOUT_ORDER,
    Given,
    batch_of,
    exponential,
    lifted,
)
from jaxmath.domains import REAL, Box, Integers
from jaxmath.formula import Concave, Source, with_rule
from jaxmath.special.entropy import kl_div
from jaxmath.special.gamma import HALF_LOG_TAU, gammaln, stirling_error
from jaxmath.special.normalized import (
    log_softmax,
    softmax,
    softmax_complement,
    softmax_jacobian,
)
from jaxmath.typing import Label, PRNGKey, Real


@dataclass(frozen=True)
class Counts:
    """Vectors of whole numbers that are not negative and add up to `total`: a domain."""

    size: int
    total: int

    differentiable = False

    @property
    def shape(self) -> tuple[int, ...]:
        """One vector."""
        return (self.size,)

    def __str__(self) -> str:
        return f"{self.size} counts of {self.total} in all"

    def contains(self, value):
        """Whether it is such a vector."""
        value = jnp.asarray(value)
        whole = jnp.all((value >= 0) & (value == jnp.floor(value)))
        return whole & (jnp.sum(value) == self.total)

    def sample(self, rng: np.random.Generator, count: int, dtype: DTypeLike) -> np.ndarray:
        """Draw the counts of trials whose chances are random."""
        chances = rng.dirichlet(np.ones(self.size), count)
        return rng.multinomial(self.total, chances).astype(dtype)

    def edges(self, dtype: DTypeLike) -> np.ndarray:
        """One outcome alone, and all as often as can be."""
        even = np.full(self.size, self.total // self.size)
        even[0] += self.total - even.sum()
        return np.stack([*(self.total * np.eye(self.size)), even]).astype(dtype)


class Params(NamedTuple):
    """The number of trials, and the logits of the outcomes."""

    count: Any
    logits: Any


class Score(NamedTuple):
    """What belongs to the parameters that can be differentiated in."""

    logits: Any


def _trials(count) -> Array:
    """The number of trials, NaN where it isn't a whole number."""
    count = jnp.asarray(count)
    return count + jnp.where((count >= 0) & (count == jnp.floor(count)), 0.0, jnp.nan)


def _possible(x, count):
    return jnp.all((x >= 0) & (x == jnp.floor(x))) & (jnp.sum(x) == count)


def _size(x):
    """What the logarithm of x! has beside x log x - x, for whole x; zero at zero."""
    some = jnp.where(x > 0, x, 1.0)
    return jnp.where(x > 0, jnp.log(some) / 2 + HALF_LOG_TAU + stirling_error(some), 0.0)


def _log_prob(x: Label, count: Label, logits: Given) -> Float[Array, ""]:
    """The logarithm of the probability of the counts x, in nats."""
    n = _trials(count)
    possible = _possible(x, count)
    x = jnp.where(possible, x, jnp.where(_labels(x) == 0, n, 0.0))
    p, log_p = softmax(logits), log_softmax(logits)
    expected = n * p
    near = (x > expected / 2) & (x < 2 * expected)
    close = kl_div(jnp.where(near, x, 1.0), jnp.where(near, expected, 1.0))
    some = (x > 0) & ~near
    share = jnp.where(some, x, 1.0)
    log_share = jnp.log(share) - jnp.log(jnp.where(n > 0, n, 1.0))
    away = jnp.where(some, share * (log_share - jnp.where(some, log_p, 0.0)) - share, 0.0)
    value = _size(n) - jnp.sum(_size(x)) - jnp.sum(jnp.where(near, close, away + expected))
    return jnp.where(possible | jnp.isnan(value), value, -jnp.inf)


def _labels(x):
    return jnp.arange(x.size)


def _log_prob_dlogits(x, count, logits):
    """The counts less those that are expected."""
    n, p = _trials(count), softmax(logits)
    # Of a likely outcome the difference is that of all others, turned around.
    rest = jnp.sum(x) - x
    slope = jnp.where(p > 0.5, n * softmax_complement(logits) - rest, x - n * p)
    return jnp.where(_possible(x, count), slope, 0.0 * slope)


def _log_prob_bend(x, count, logits):
    return -_trials(count) * softmax_jacobian(logits) * jnp.where(_possible(x, count), 1.0, 0.0)


_LOG_PROB = dict(logits=_log_prob_dlogits)
log_prob = lifted(1, 0, 1)(with_rule(_log_prob, **_LOG_PROB))
prob = exponential(log_prob)


@lifted(1, 0, 1)
def score(x: Label, count: Label, logits: Given) -> Score:
    """The counts less those that are expected."""
    return Score(_log_prob_dlogits(x, count, logits))


@lifted(1, 0, 1)
def hessian(x: Label, count: Label, logits: Given) -> Float[Array, "n n"]:
    """Minus the covariance of the counts."""
    return _log_prob_bend(x, count, logits)


@lifted(0, 1)
def covariance(count: Label, logits: Given) -> Float[Array, "n n"]:
    """Of all pairs of counts; rows add up to zero."""
    return _trials(count) * softmax_jacobian(logits)


@lifted(0, 1)
def fisher_information(count: Label, logits: Given) -> Float[Array, "n n"]:
    """The covariance of the counts; its rows add up to zero."""
    return covariance(count, logits)


def _draws(key, n, p):
    """One outcome after the other, each a binomial variable of the trials that are left."""
    beyond = jnp.cumsum(p[..., ::-1], axis=-1)[..., ::-1]
    shares = jnp.moveaxis(p / jnp.where(beyond > 0, beyond, 1.0), -1, 0)

    def step(left, given):
        key, share = given
        found = binomial_draw(key, left, share, left.shape)
        return left - found, found

    keys = jax.random.split(key, len(shares))
    # The last takes what is left, though its probability may be zero.
    left, found = jax.lax.scan(step, n, (keys[:-1], shares[:-1]))
    return jnp.moveaxis(jnp.concatenate([found, left[None]]), 0, -1)


def sample(key: PRNGKey, count: Label, logits: Real, shape: tuple[int, ...] = ()) -> Array:
    """Draw `shape` vectors of counts for each of the parameters, in the dtype of the logits.

    The draws are steps of the logits: their derivative is zero, and no estimate of any other.
    """
    dtype = float_dtype(logits)
    given = jnp.asarray(count, dtype), jnp.asarray(logits, dtype)
    n, z = batch_of(shape, jax.lax.stop_gradient(given), (0, 1))
    n = _trials(n)
    valid = ~(jnp.isnan(n) | jnp.any(jnp.isnan(z), axis=-1))
    p = jax.nn.softmax(jnp.where(valid[..., None], z, 0.0), axis=-1)
    draws = _draws(key, jnp.where(valid, n, 0.0), p)
    return jnp.where(valid[..., None], draws, jnp.nan)


@lifted(0, 1)
def mean(count: Label, logits: Given) -> Float[Array, " n"]:
    """The number of trials times the probabilities."""
    return _trials(count) * softmax(logits)


@lifted(0, 1)
def variance(count: Label, logits: Given) -> Float[Array, " n"]:
    """Of each count."""
    return _trials(count) * softmax(logits) * softmax_complement(logits)


@lifted(0, 1)
def std(count: Label, logits: Given) -> Float[Array, " n"]:
    """The root of the variance of each count."""
    return jnp.sqrt(variance(count, logits))


@lifted(0, 1)
def entropy(count: Label, logits: Given) -> Float[Array, ""]:
    """The expected value of minus `log_prob`, in nats, by sums over each count alone."""
    n = _trials(count)
    p = softmax(logits)
    each = jax.vmap(lambda p: expect(BINOMIAL, (n, p), lambda x: gammaln(x + 1)))(p)
    return n * categorical.entropy(logits) - gammaln(n + 1) + jnp.sum(each)


def _same(count, count_q, value, other):
    """A divergence of distributions of as many trials, another where they differ."""
    n, m = _trials(count), _trials(count_q)
    return jnp.where(n == m, value, other + 0.0 * (n + m))


def _kl(count: Label, logits: Given, count_q: Label, logits_q: Given) -> Float[Array, ""]:
    """The Kullback-Leibler divergence of the second distribution from the first, in nats.

    Infinite if they have different numbers of trials.
    """
    value = _trials(count) * categorical.kl(logits, logits_q)
    return _same(count, count_q, value, jnp.inf)


def _of_kl(name):
    def partial(count, logits, count_q, logits_q):
        slope = _trials(count) * categorical.CATEGORICAL.partials["kl"][name](logits, logits_q)
        return _same(count, count_q, slope, 0.0)

    return partial


_KL = dict(logits=_of_kl("logits"), logits_q=_of_kl("logits_q"))
_bound_kl = with_rule(_kl, **_KL)
kl = lifted(0, 1, 0, 1)(_bound_kl)


@lifted(0, 1, 0, 1)
def cross_entropy(count: Label, logits: Given, count_q: Label, logits_q: Given) -> Float[Array, ""]:
    """The expected value under the first distribution of minus the second's `log_prob`, in nats."""
    return entropy(count, logits) + _bound_kl(count, logits, count_q, logits_q)


@lifted(0, 1, 0, 1)
def squared_hellinger(
    count: Label, logits: Given, count_q: Label, logits_q: Given
) -> Float[Array, ""]:
    """One minus the overlap of both, a power of that of one trial."""
    one = categorical.squared_hellinger(logits, logits_q)
    return _same(count, count_q, -jnp.expm1(_trials(count) * jnp.log1p(-one)), 1.0)


@lifted(0, 0, 1, 0, 1)
def renyi(
    order: Given, count: Label, logits: Given, count_q: Label, logits_q: Given
) -> Float[Array, ""]:
    """The divergence of order alpha: that of one trial times their number."""
    one = categorical.renyi(order, logits, logits_q)
    return _same(count, count_q, _trials(count) * one, jnp.inf)


def sufficient(x: Label) -> Float[Array, "... n"]:
    """The counts."""
    return 1.0 * jnp.asarray(x)


@lifted(0, 1)
def natural(count: Label, logits: Given) -> Float[Array, " n"]:
    """The logits."""
    return logits + 0.0 * _trials(count)


@lifted(0, 1)
def mean_parameters(count: Label, logits: Given) -> Float[Array, " n"]:
    """The expected counts."""
    return mean(count, logits)


def fit(x: Label, count: Label, weights: Real | None = None) -> Fit:
    """The logarithms of the shares of outcomes, of counts of shape (observations, n).

    Errors are those of logarithms of probabilities; the robust ones hold where counts spread more
    than trials that are independent.
    """
    values, share, total = arrays(x, weights, 1)
    n = jnp.asarray(count, values.dtype)
    expected = share @ values
    p = expected / n
    spread = share @ jnp.square(values - expected[None])
    logits = jnp.log(p)

    def with_count(errors):
        return Params(jnp.zeros_like(n), errors)

    return Fit(
        Params(n, logits),
        with_count(jnp.sqrt((1 - p) / p / n / total)),
        with_count(jnp.sqrt(spread / total) / expected),
    )


_SUM = "a sum over all values of each count, compared with that over all vectors of counts"

MULTINOMIAL = Family(
    name="multinomial",
    parameters=Params(count=Integers(12, 12), logits=Box((3,), REAL)),
    support=Counts(3, 12),
    functions=(
        *(log_prob, prob, sample, mean, variance, std, entropy, cross_entropy, kl),
        *(squared_hellinger, renyi, score, hessian, fisher_information),
        *(sufficient, natural, mean_parameters, fit),
    ),
    partials=dict(log_prob=_LOG_PROB, kl=_KL),
    seconds=dict(log_prob={("logits", "logits"): _log_prob_bend}),
    plain=dict(log_prob=_log_prob, kl=_kl),
    facts=dict(log_prob=(Concave("logits"),)),
    undefined=WITHOUT_ORDER
    | dict(
        mode="found by search alone, and often not the only one.",
        log_partition="it needs the number of trials beside the natural parameters.",
    ),
    unrecorded=UNRECORDED | dict.fromkeys(("entropy", "cross_entropy"), _SUM),
    exceptions=dict(kl=categorical.CATEGORICAL.exceptions["kl"]),
    tex=dict(
        log_prob=r"\log p(x) = \log N! - \sum_k \log x_k! + \sum_k x_k \log p_k",
        mean=r"\mu = N p",
        variance=r"N p_k (1 - p_k)",
        entropy=r"H = N H(p) - \log N! + \sum_k \operatorname{E} \log X_k!",
        kl=r"\operatorname{KL} = N \sum_k p_k \log(p_k / q_k)",
        fisher_information=r"I = N (\operatorname{diag} p - p p^\top)",
    ),
    source=Source("bishop2006prml", "section 2.2"),
    topic="P10",
)
__getattr__ = MULTINOMIAL.function
