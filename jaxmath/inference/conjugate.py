r"""Conjugate pairs: posterior, evidence and prediction in closed form, at once or one by one.

The observations count by a few sums alone, which are added up as data arrive, so that any order and
any division into batches ends in the same posterior. The evidence is the probability of the
observations under the prior, in nats; its slopes in the prior's parameters choose a prior.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.domains import Fixed, Interval
from jaxmath.formula import Concave, Formula, Source, with_rule
from jaxmath.special.gamma import digamma, digamma_difference, gammaln, gammaln_difference
from jaxmath.special.logarithm import log1p
from jaxmath.typing import Real

MURPHY = Source("murphy2022probabilistic", "section 4.6")
LOG_TAU = 1.8378770664093453


class Beta(NamedTuple):
    """Beliefs about a probability, as numbers of successes and failures seen before."""

    successes: Any
    failures: Any


class Gamma(NamedTuple):
    """Beliefs about a rate, as a number of events and an exposure seen before."""

    concentration: Any
    rate: Any


class Normal(NamedTuple):
    """Beliefs about a mean."""

    loc: Any
    scale: Any


class Conjugate(NamedTuple):
    """A prior and a likelihood that go together.

    Attributes:
        summary: the sums by which observations (n,) count; those of batches add up.
        update: the posterior from a prior and a summary.
        log_evidence: the log probability of the observations behind a summary, given the prior.
        log_predictive: the log probability of a further observation x, given the beliefs.
    """

    summary: Callable[..., Any]
    update: Callable[..., Any]
    log_evidence: Callable[..., Any]
    log_predictive: Callable[..., Any]


def posterior(pair: Conjugate, prior: Any, x: Real) -> Any:
    """The beliefs after observations (n,)."""
    return pair.update(prior, pair.summary(jnp.asarray(x)))


def posteriors(pair: Conjugate, prior: Any, x: Real) -> Any:
    """The beliefs after each of n observations, along the first axis of every parameter."""
    x = jnp.asarray(x)
    dtype = jnp.result_type(float, x, *jax.tree.leaves(prior))
    start = jax.tree.map(lambda leaf: jnp.asarray(leaf, dtype), prior)

    def learn(belief, one):
        belief = pair.update(belief, pair.summary(one[None]))
        return belief, belief

    return jax.lax.scan(learn, start, x)[1]


def _binary_log_evidence(
    successes: Real, failures: Real, ones: Real, zeros: Real
) -> Float[Array, "..."]:
    """The log probability of a sequence of ones and zeros under a beta prior of their chance."""
    a, b, s, f = (jnp.asarray(part) for part in (successes, failures, ones, zeros))
    return (
        gammaln_difference(a, s) + gammaln_difference(b, f) - gammaln_difference(a + b, s + f)
    )  # fmt: skip


def binary_log_evidence_dsuccesses(successes, failures, ones, zeros):
    """What the ones say less what all say, or what the failures add with the data and without.

    The same number, from the pair of differences that is smaller and cancels less.
    """
    a, b, s, f = (jnp.asarray(part) for part in (successes, failures, ones, zeros))
    by_data = digamma_difference(a, s) - digamma_difference(a + b, s + f)
    by_prior = digamma_difference(a, b) - digamma_difference(a + s, b + f)
    return jnp.where(s < b, by_data, by_prior)


def binary_log_evidence_dfailures(successes, failures, ones, zeros):
    """What the zeros say less what all say."""
    return binary_log_evidence_dsuccesses(failures, successes, zeros, ones)


def _dcount(a, b, s, f):
    """The slope in one count."""
    return digamma(a + s) - digamma(a + b + s + f)


_BINARY = dict(
    successes=binary_log_evidence_dsuccesses,
    failures=binary_log_evidence_dfailures,
    # Counts count as real numbers where they are differentiated: the posterior's in their place.
    ones=lambda successes, failures, ones, zeros: _dcount(successes, failures, ones, zeros),
    zeros=lambda successes, failures, ones, zeros: _dcount(failures, successes, zeros, ones),
)
binary_log_evidence = with_rule(_binary_log_evidence, **_BINARY)


def event_log_evidence(
    concentration: Real, rate: Real, events: Real, exposure: Real
) -> Float[Array, "..."]:
    """The log density of so many events within an exposure, under a gamma prior of their rate.

    Of the times of the events. That of counts has their log factorials subtracted.
    """
    a, b, k, t = (jnp.asarray(part) for part in (concentration, rate, events, exposure))
    return gammaln_difference(a, k) - a * log1p(t / b) - k * jnp.log(b + t)


def event_log_evidence_dconcentration(concentration, rate, events, exposure):
    """What the events say less what the exposure does."""
    a, b, k, t = (jnp.asarray(part) for part in (concentration, rate, events, exposure))
    return digamma_difference(a, k) - log1p(t / b)


def event_log_evidence_drate(concentration, rate, events, exposure):
    """The events that the prior expects within the exposure less those seen, over all exposure."""
    a, b, k, t = (jnp.asarray(part) for part in (concentration, rate, events, exposure))
    return (a * (t / b) - k) / (b + t)


def _observed(x):
    """The observations, their sum and their number, of one floating type."""
    x = jnp.asarray(x, jnp.result_type(float, x))
    return x, jnp.sum(x), jnp.asarray(x.shape[0], x.dtype)


def _bernoulli_summary(x):
    """How many are ones and how many zeros."""
    _, ones, count = _observed(x)
    return ones, count - ones


def _poisson_summary(x):
    """The sum of the counts, their number, and the sum of their log factorials."""
    x, total, count = _observed(x)
    return total, count, jnp.sum(gammaln(x + 1))


BETA_BERNOULLI = Conjugate(
    summary=_bernoulli_summary,
    update=lambda prior, seen: Beta(prior.successes + seen[0], prior.failures + seen[1]),
    log_evidence=lambda prior, seen: binary_log_evidence(
        prior.successes, prior.failures, seen[0], seen[1]
    ),
    log_predictive=lambda x, belief: (
        jnp.log(jnp.where(x == 1, belief.successes, belief.failures))
        - jnp.log(belief.successes + belief.failures)
    ),
)
"""Ones and zeros, whose chance has a beta prior."""


def _add(prior, events, exposure):
    return Gamma(prior.concentration + events, prior.rate + exposure)


GAMMA_POISSON = Conjugate(
    summary=_poisson_summary,
    update=lambda prior, seen: _add(prior, *seen[:2]),
    log_evidence=lambda prior, seen: (
        event_log_evidence(prior.concentration, prior.rate, seen[0], seen[1]) - seen[2]
    ),
    log_predictive=lambda x, belief: (
        event_log_evidence(belief.concentration, belief.rate, x, 1.0)
        - gammaln(jnp.asarray(x, jnp.result_type(float, x)) + 1)
    ),
)
"""Poisson counts, whose rate has a gamma prior; a further one is negative binomial."""

GAMMA_EXPONENTIAL = Conjugate(
    summary=lambda x: _observed(x)[:0:-1],
    update=lambda prior, seen: _add(prior, *seen),
    log_evidence=lambda prior, seen: event_log_evidence(
        prior.concentration, prior.rate, seen[0], seen[1]
    ),
    log_predictive=lambda x, belief: event_log_evidence(belief.concentration, belief.rate, 1.0, x),
)
"""Exponential times, whose rate has a gamma prior; a further one has Lomax's distribution."""


def normal_log_evidence(
    loc: Real, scale: Real, count: Real, mean: Real, squares: Real, noise: Real
) -> Float[Array, "..."]:
    """The log density of observations with known noise, under a normal prior of their mean.

    They count by their number, their mean and the sum of squares around it.
    """
    m, tau, n, x, s, sigma = map(jnp.asarray, (loc, scale, count, mean, squares, noise))
    gain = n * jnp.square(tau / sigma)
    distance = (x - m) / sigma
    fit = s / sigma / sigma + n * distance * distance / (1 + gain)
    return -n * (LOG_TAU / 2 + jnp.log(sigma)) - (log1p(gain) + fit) / 2


def normal_log_evidence_dloc(loc, scale, count, mean, squares, noise):
    """The distance of the mean of the observations, in units of what is expected of it."""
    del squares
    gain = count * jnp.square(scale / noise)
    return count * ((mean - loc) / noise) / noise / (1 + gain)


def normal_log_evidence_dscale(loc, scale, count, mean, squares, noise):
    """The squared distance less what is expected of it."""
    del squares
    gain = count * jnp.square(scale / noise)
    excess = count * jnp.square((mean - loc) / noise) / (1 + gain) - 1
    return count * (scale / noise) / noise * excess / (1 + gain)


def normal_normal(noise: Real) -> Conjugate:
    """Normal observations with this standard deviation, whose mean has a normal prior."""

    def summary(x):
        x, total, count = _observed(x)
        return count, total / count, jnp.sum(jnp.square(x - total / count))

    def update(prior, seen):
        gain = seen[0] * jnp.square(prior.scale / noise)
        moved = prior.loc + (seen[1] - prior.loc) * gain / (1 + gain)
        return Normal(moved, prior.scale / jnp.sqrt(1 + gain))

    return Conjugate(
        summary=summary,
        update=update,
        log_evidence=lambda prior, seen: normal_log_evidence(
            prior.loc, prior.scale, seen[0], seen[1], seen[2], noise
        ),
        log_predictive=lambda x, belief: normal_log_evidence(
            belief.loc, belief.scale, 1.0, x, 0.0, noise
        ),
    )


_SHAPE = Interval(1e-3, 1e6)
_SUM = Fixed(Interval(0.0, 1e6, closed=(True, True)))
_COUNT = Fixed(Interval(1.0, 100.0, closed=(True, True)))
_FEW = Interval(1.0, 20.0)
_ORDINARY = Interval(0.01, 100.0)

CONJUGATE = (
    Formula(
        fn=binary_log_evidence,
        plain=_binary_log_evidence,
        domain=dict(successes=_FEW, failures=_FEW, ones=Fixed(_FEW), zeros=Fixed(_FEW)),
        partials={name: _BINARY[name] for name in ("successes", "failures")},
        tex=r"\log \frac{B(a + s, b + f)}{B(a, b)}",
        source=MURPHY,
        topic="P17",
    ),
    Formula(
        fn=event_log_evidence,
        domain=dict(concentration=_SHAPE, rate=_SHAPE, events=_SUM, exposure=_SUM),
        partials=dict(
            concentration=event_log_evidence_dconcentration, rate=event_log_evidence_drate
        ),
        tex=r"\log \frac{\Gamma(a + k)}{\Gamma(a)} \frac{\beta^a}{(\beta + t)^{a + k}}",
        source=MURPHY,
        topic="P17",
    ),
    Formula(
        fn=normal_log_evidence,
        domain=dict(
            loc=Interval(-100.0, 100.0),
            scale=_ORDINARY,
            count=_COUNT,
            mean=Fixed(Interval(-100.0, 100.0)),
            squares=_COUNT,
            noise=Fixed(_ORDINARY),
        ),
        partials=dict(loc=normal_log_evidence_dloc, scale=normal_log_evidence_dscale),
        facts=(Concave("loc"),),
        tex=r"\log \int \mathcal N(\theta; m, \tau^2) \prod_i \mathcal N(x_i; \theta, \sigma^2)"
        r" \,d\theta",
        source=MURPHY,
        topic="P17",
    ),
)
