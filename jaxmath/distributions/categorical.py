r"""The categorical distribution of labels 0, 1, ..., n - 1, with a vector of `logits`.

Logits lie along the last axis and count up to a common constant, $p = \operatorname{softmax}(z)$;
logarithms of probabilities are logits too. The order of labels is that of numbers: distribution
functions, quantiles and moments mean something where the labels do. No label but these has any
probability.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.distributions import exponential_family
from jaxmath.distributions.family import Family
from jaxmath.distributions.fitting import Fit, observations
from jaxmath.distributions.location_scale import chance
from jaxmath.distributions.vectors import batch_of, lifted
from jaxmath.domains import REAL, Box, Integers
from jaxmath.formula import Bounded, Concave, Source, with_rule
from jaxmath.special.exponential import expm1_gap
from jaxmath.special.logarithm import log1p
from jaxmath.special.normalized import (
    log_softmax,
    logsumexp,
    softmax,
    softmax_complement,
    softmax_jacobian,
)
from jaxmath.typing import Label, PRNGKey, Real


class Params(NamedTuple):
    """The logits; also the shape of what belongs to them, such as the score."""

    logits: Any


def _labels(logits):
    return jnp.arange(logits.size, dtype=logits.dtype)


def _is(x, logits):
    """Which label x is, as a mask; none if it is no label."""
    return _labels(logits) == x


def _of_label(x, logits, values, nothing):
    """The entry of a vector at label x; `nothing` of no label, NaN where logits are."""
    here = _is(x, logits)
    value = jnp.sum(jnp.where(here, values, 0.0))
    return jnp.where(jnp.any(here), value, nothing) + 0.0 * jnp.where(
        jnp.isnan(x) | jnp.any(jnp.isnan(logits)), jnp.nan, 0.0
    )


def _log_prob(x: Label, logits: Real) -> Float[Array, ""]:
    """The logarithm of the probability of label x, in nats; minus infinity of no label."""
    return _of_label(x, logits, log_softmax(logits), -jnp.inf)


def _log_prob_dlogits(x, logits):
    """The one-hot vector of the label less the probabilities."""
    here = _is(x, logits)
    slope = jnp.where(here, softmax_complement(logits), -softmax(logits))
    return jnp.where(jnp.any(here), slope, 0.0 * slope)


def _log_prob_bend(x, logits):
    return -softmax_jacobian(logits) * jnp.where(jnp.any(_is(x, logits)), 1.0, 0.0)


def _prob(x: Label, logits: Real) -> Float[Array, ""]:
    """The probability of label x."""
    return _of_label(x, logits, softmax(logits), 0.0)


def _prob_dlogits(x, logits):
    return jnp.sum(jnp.where(_is(x, logits)[:, None], softmax_jacobian(logits), 0.0), axis=0)


_LOG_PROB = dict(logits=_log_prob_dlogits)
_PROB = dict(logits=_prob_dlogits)
log_prob = lifted(0, 1)(with_rule(_log_prob, **_LOG_PROB))
prob = lifted(0, 1)(with_rule(_prob, **_PROB))


@lifted(0, 1)
def score(x: Label, logits: Real) -> Params:
    """The one-hot vector of the label less the probabilities."""
    return Params(_log_prob_dlogits(x, logits))


@lifted(0, 1)
def hessian(x: Label, logits: Real) -> Float[Array, "n n"]:
    """Minus the covariance of the one-hot vector."""
    return _log_prob_bend(x, logits)


@lifted(1)
def fisher_information(logits: Real) -> Float[Array, "n n"]:
    r"""The matrix $\operatorname{diag} p - p p^\top$; its rows add up to zero."""
    return softmax_jacobian(logits)


def _part(logits, inside):
    """The share of some labels, and their probabilities among themselves; of none zero."""
    some = jnp.where(jnp.any(inside), inside, True)
    own = softmax(jnp.where(some, logits, -jnp.inf))
    share = jnp.sum(jnp.where(inside, softmax(logits), 0.0))
    # Of all labels the sum is one to the last digit.
    share = jnp.where(jnp.all(inside), 1.0 + 0.0 * share, jnp.minimum(share, 1.0))
    return share, jnp.where(inside, own, 0.0)


def _sides(x, logits):
    """Which labels are at most x; the shares of these and of the others, and both within."""
    below = _labels(logits) <= x
    lower, own = _part(logits, below)
    upper, other = _part(logits, ~below)
    lost = jnp.where(jnp.isnan(x), jnp.nan, 0.0)
    return below, lower + lost, upper + lost, own, other


def _cdf(x: Label, logits: Real) -> Float[Array, ""]:
    """The probability of at most x."""
    return _sides(x, logits)[1]


def _sf(x: Label, logits: Real) -> Float[Array, ""]:
    """The probability of more than x, accurate where it is tiny."""
    return _sides(x, logits)[2]


def _cdf_dlogits(x, logits):
    below, lower, upper, _, _ = _sides(x, logits)
    return softmax(logits) * jnp.where(below, upper, -lower)


def _log_share(share, rest, inside, logits):
    """The logarithm of a share, from the other one where that is the smaller."""
    most = share > 0.5
    some = jnp.where(jnp.any(inside), inside, True)
    few = logsumexp(jnp.where(some, logits, -jnp.inf)) - logsumexp(logits)
    # The logarithm of no tiny share: the largest logits swallow what they differ by.
    sure = share > jnp.finfo(share.dtype).eps
    few = jnp.where(sure, jnp.log(jnp.where(sure, share, 1.0)), few)
    few = jnp.where(jnp.any(inside), few, -jnp.inf)
    return jnp.where(most, log1p(-jnp.where(most, rest, 0.0)), few + 0.0 * share)


def _log_cdf(x: Label, logits: Real) -> Float[Array, ""]:
    """The logarithm of `cdf`, accurate in both tails."""
    below, lower, upper, _, _ = _sides(x, logits)
    return _log_share(lower, upper, below, logits)


def _log_sf(x: Label, logits: Real) -> Float[Array, ""]:
    """The logarithm of `sf`, accurate in both tails; minus infinity from the last label on."""
    below, lower, upper, _, _ = _sides(x, logits)
    return _log_share(upper, lower, ~below, logits)


def _log_cdf_dlogits(x, logits):
    below, _, upper, own, _ = _sides(x, logits)
    slope = jnp.where(below, own * upper, -softmax(logits))
    return jnp.where(jnp.any(below), slope, 0.0 * slope)


def _log_sf_dlogits(x, logits):
    below, lower, _, _, other = _sides(x, logits)
    slope = jnp.where(below, -softmax(logits), other * lower)
    return jnp.where(jnp.any(~below), slope, 0.0 * slope)


_CDF = dict(logits=_cdf_dlogits)
_SF = dict(logits=lambda x, logits: -_cdf_dlogits(x, logits))
_LOG_CDF = dict(logits=_log_cdf_dlogits)
_LOG_SF = dict(logits=_log_sf_dlogits)
cdf = lifted(0, 1)(with_rule(_cdf, **_CDF))
sf = lifted(0, 1)(with_rule(_sf, **_SF))
log_cdf = lifted(0, 1)(with_rule(_log_cdf, **_LOG_CDF))
log_sf = lifted(0, 1)(with_rule(_log_sf, **_LOG_SF))


def _first(reached, logits):
    """The first label at which something holds, the last one if it does nowhere."""
    last = logits.size - 1
    found = jnp.where(jnp.any(reached), jnp.argmax(reached), last).astype(logits.dtype)
    return found + jnp.where(jnp.any(jnp.isnan(logits)), jnp.nan, 0.0)


@lifted(0, 1)
def quantile(p: Real, logits: Real) -> Float[Array, ""]:
    """The first label up to which the probability is p at least; NaN for p outside [0, 1]."""
    below = jnp.cumsum(softmax(logits))
    return _first(below >= p, logits) + 0.0 * chance(p)


@lifted(0, 1)
def isf(p: Real, logits: Real) -> Float[Array, ""]:
    """The first label beyond which the probability is p at most."""
    beyond = jnp.append(jnp.cumsum(softmax(logits)[:0:-1])[::-1], 0.0)
    return _first(beyond <= p, logits) + 0.0 * chance(p)


def sample(key: PRNGKey, logits: Real, shape: tuple[int, ...] = ()) -> Array:
    """Draw `shape` labels for each vector of logits, in their dtype.

    The draws are steps of the logits: their derivative is zero, and no estimate of any other.
    """
    (z,) = batch_of(shape, (jax.lax.stop_gradient(jnp.asarray(logits)),), (1,))
    draws = jax.random.categorical(key, z, axis=-1)
    return jnp.where(jnp.any(jnp.isnan(z), axis=-1), jnp.nan, draws.astype(z.dtype))


def _centred(logits):
    """The distance of each label from the mean, a sum of distances of labels."""
    labels = _labels(logits)
    return (labels[:, None] - labels[None, :]) @ softmax(logits)


def _mean(logits: Real) -> Float[Array, ""]:
    """The expected label."""
    return jnp.sum(_labels(logits) * softmax(logits))


_MEAN = dict(logits=lambda logits: softmax(logits) * _centred(logits))
mean = lifted(1)(with_rule(_mean, **_MEAN))


@lifted(1)
def median(logits: Real) -> Float[Array, ""]:
    """The quantile of one half."""
    return quantile(0.5, logits)


@lifted(1)
def mode(logits: Real) -> Float[Array, ""]:
    """The likeliest label, the first of equals."""
    return _first(logits == jnp.max(logits), logits)


def _moment(logits, power):
    return jnp.sum(softmax(logits) * _centred(logits) ** power)


@lifted(1)
def variance(logits: Real) -> Float[Array, ""]:
    """Of the label."""
    return _moment(logits, 2)


@lifted(1)
def std(logits: Real) -> Float[Array, ""]:
    """The root of the variance of the label."""
    return jnp.sqrt(_moment(logits, 2))


@lifted(1)
def skewness(logits: Real) -> Float[Array, ""]:
    """The third moment of the standardised label."""
    return _moment(logits, 3) / _moment(logits, 2) ** 1.5


@lifted(1)
def kurtosis(logits: Real) -> Float[Array, ""]:
    """The excess of the fourth moment of the standardised label over the normal's 3."""
    return _moment(logits, 4) / jnp.square(_moment(logits, 2)) - 3


def _balanced(p, slope):
    """A slope that adds up to zero: the entry of a probability above one half from the others."""
    likely = p > 0.5
    return jnp.where(likely, -jnp.sum(jnp.where(likely, 0.0, slope)), slope)


def _expected(p, values):
    """The sum of values times probabilities; what is impossible counts for nothing."""
    return jnp.sum(jnp.where(p > 0, p * jnp.where(p > 0, values, 0.0), 0.0 * p))


def _entropy(logits: Real) -> Float[Array, ""]:
    """The expected value of minus `log_prob`, in nats; at most that of equal probabilities."""
    return _expected(softmax(logits), -log_softmax(logits))


def _centred_slope(logits, values):
    """The slope of an expected value in the logits: each less the mean, times its probability."""
    p, root = softmax(logits), jnp.exp(log_softmax(logits) / 2)
    possible = jnp.where(root > 0, values, 0.0)
    apart = possible - _expected(p, possible)
    # The square of the root where that is no normal number, but its product may be one.
    tiny = p < jnp.finfo(p.dtype).tiny / jnp.finfo(p.dtype).eps
    return _balanced(p, jnp.where(tiny, (root * apart) * root, p * apart))


def _above(logits, p):
    """By how much each logit exceeds that of the likeliest label."""
    top = jnp.argmax(p)
    return jnp.where(jnp.arange(p.size) == top, 0.0, logits - logits[top])


_ENTROPY = dict(logits=lambda logits: _centred_slope(logits, -_above(logits, softmax(logits))))
entropy = lifted(1)(with_rule(_entropy, **_ENTROPY))


def _step(logits, logits_q):
    """By how much more one does so in the first logits, whatever both have in common."""
    p, apart = softmax(logits), logits - logits_q
    # Numbers within a factor two of each other have an exact difference.
    exact = jnp.abs(apart) <= jnp.minimum(jnp.abs(logits), jnp.abs(logits_q))
    exact = exact & exact[jnp.argmax(p)]
    return jnp.where(exact, _above(apart, p), _above(logits, p) - _above(logits_q, p))


def _gap(logits, logits_q):
    """The logarithm of p over q, for each label."""
    p, step = softmax(logits), _step(logits, logits_q)
    close = jnp.all(jnp.abs(step) < 0.5)
    near = jnp.where(close, step, 0.0)
    # One over the expected value of exp(-step) under p.
    near = near + log1p(jnp.sum(p * jnp.expm1(-near)))
    return jnp.where(close, near, log_softmax(logits) - log_softmax(logits_q))


def _kl(logits: Real, logits_q: Real) -> Float[Array, ""]:
    """The Kullback-Leibler divergence of the second distribution from the first, in nats."""
    p, q, gap = softmax(logits), softmax(logits_q), _gap(logits, logits_q)
    near = jnp.abs(gap) < 1
    close = p * expm1_gap(jnp.where(near, -gap, 0.0))
    far = jnp.where(p > 0, p * jnp.where(near | (p == 0), 0.0, gap), 0.0) + q - p
    return jnp.sum(jnp.where(near, close, far))


def _kl_dlogits(logits, logits_q):
    return _centred_slope(logits, _step(logits, logits_q))


def _dlogits_q(logits, logits_q):
    """How much more probable each label is under the second distribution."""
    p, q, gap = softmax(logits), softmax(logits_q), _gap(logits, logits_q)
    near = jnp.abs(gap) < 1
    return jnp.where(near, p * jnp.expm1(jnp.where(near, -gap, 0.0)), q - p)


def _cross_entropy(logits: Real, logits_q: Real) -> Float[Array, ""]:
    """The expected value under the first distribution of minus the second's `log_prob`, in nats."""
    return _expected(softmax(logits), -log_softmax(logits_q))


_KL = dict(logits=_kl_dlogits, logits_q=_dlogits_q)
_CROSS_ENTROPY = dict(
    logits=lambda logits, logits_q: _centred_slope(logits, -_above(logits_q, softmax(logits))),
    logits_q=_dlogits_q,
)
_bound_kl = with_rule(_kl, **_KL)
kl = lifted(1, 1)(_bound_kl)
cross_entropy = lifted(1, 1)(with_rule(_cross_entropy, **_CROSS_ENTROPY))


squared_hellinger = lifted(1, 1)(
    exponential_family.squared_hellinger(_bound_kl, exponential_family.linear)
)
renyi = lifted(0, 1, 1)(exponential_family.renyi(_bound_kl, exponential_family.linear))


@lifted(1, 1)
def jensen_shannon(logits: Real, logits_q: Real) -> Float[Array, ""]:
    """Half the divergences of both from their mixture; at most log 2."""
    middle = jnp.logaddexp(log_softmax(logits), log_softmax(logits_q))
    return (_bound_kl(logits, middle) + _bound_kl(logits_q, middle)) / 2


def natural(logits: Real) -> Float[Array, "... n"]:
    """The logits."""
    return jnp.asarray(logits)


@lifted(1)
def log_partition(eta: Real) -> Float[Array, ""]:
    """The logarithm of the sum of the exponentials."""
    return logsumexp(eta)


@lifted(1)
def mean_parameters(logits: Real) -> Float[Array, " n"]:
    """The probabilities."""
    return softmax(logits)


def fit(x: Label, size: int, weights: Real | None = None) -> Fit:
    """The logarithms of the shares of `size` labels among observations, shape (n,).

    They are errors of logarithms of probabilities, minus infinity of a label that never occurs.
    """
    x, share, total = observations(jnp.asarray(x) * 1.0, weights)
    each = (x[:, None] == jnp.arange(size)[None, :]).astype(share.dtype)
    p = jnp.sum(jnp.where(share[:, None] > 0, share[:, None] * each, 0.0), axis=0)
    # The family is saturated: the sandwich's errors are the same.
    errors = Params(jnp.sqrt((1 - p) / p / total))
    return Fit(Params(jnp.log(p)), errors, errors)


_MOMENT = "a moment of labels, compared with sums by tests of its own"

_FAR_APART: dict[str, str] = dict.fromkeys(
    ("second_derivatives/logits, logits", "hessian_symmetric"),
    "where logits beyond 1e70 meet ordinary ones small differences of them are lost",
)
_ALIKE: dict[str, str] = dict.fromkeys(
    ("first_derivatives", "second_derivatives", "hessian_symmetric", "finite"),
    "a slope that vanishes between labels alike is left with the rounding of its terms",
)
_SMALL: dict[str, str] = dict.fromkeys(
    ("second_derivatives", "hessian_symmetric", "finite"),
    "of probabilities below 1e-9 both nestings differ by their roundings",
)

CATEGORICAL = Family(
    name="categorical",
    parameters=Params(logits=Box((3,), REAL)),
    support=Integers(0, 2),
    functions=(
        *(log_prob, prob, cdf, log_cdf, sf, log_sf, quantile, isf, sample),
        *(mean, median, mode, variance, std, skewness, kurtosis, entropy, cross_entropy, kl),
        *(jensen_shannon, squared_hellinger, renyi, score, hessian, fisher_information),
        *(natural, log_partition, mean_parameters, fit),
    ),
    partials=dict(
        log_prob=_LOG_PROB,
        prob=_PROB,
        cdf=_CDF,
        sf=_SF,
        log_cdf=_LOG_CDF,
        log_sf=_LOG_SF,
        mean=_MEAN,
        entropy=_ENTROPY,
        kl=_KL,
        cross_entropy=_CROSS_ENTROPY,
    ),
    seconds=dict(log_prob={("logits", "logits"): _log_prob_bend}),
    plain=dict(
        log_prob=_log_prob,
        prob=_prob,
        cdf=_cdf,
        sf=_sf,
        log_cdf=_log_cdf,
        log_sf=_log_sf,
        mean=_mean,
        entropy=_entropy,
        kl=_kl,
        cross_entropy=_cross_entropy,
    ),
    facts=dict(
        log_prob=(Concave("logits"),),
        prob=(Bounded("logits", 0.0, 1.0),),
        entropy=(Bounded("logits", 0.0),),
        kl=(Bounded("logits", 0.0),),
    ),
    undefined=dict(
        sufficient="a label alone does not say how long its one-hot vector is.",
    ),
    unrecorded=dict.fromkeys(("variance", "std", "skewness", "kurtosis"), _MOMENT),
    exceptions=dict(
        kl=_FAR_APART,
        cross_entropy=_FAR_APART,
        log_cdf=_SMALL,
        log_sf=_SMALL,
        mean=_ALIKE,
    ),
    tex=dict(
        log_prob=r"\log p(x) = z_x - \log\sum_k e^{z_k}",
        prob=r"p(x) = \operatorname{softmax}(z)_x",
        mean=r"\mu = \sum_k k\, p_k",
        entropy=r"H = -\sum_k p_k \log p_k",
        kl=r"\operatorname{KL} = \sum_k p_k \log(p_k / q_k)",
        fisher_information=r"I = \operatorname{diag} p - p p^\top",
    ),
    source=Source("bishop2006prml", "section 2.2"),
    topic="P11",
)
__getattr__ = CATEGORICAL.function
