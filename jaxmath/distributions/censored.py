r"""Values that are seen only between two ends: what lies beyond is known to do so, no more.

$y = \min(\max(x, a), b)$. Between the ends y has the density of the base, and at them the
probabilities $F(a)$ and $S(b)$; `log_prob` is the logarithm of either, so that its sum is the
likelihood of a Tobit model (Tobin 1958). An end that is infinite censors nothing.
"""

from __future__ import annotations

import dataclasses
import functools

import jax
import jax.numpy as jnp

from jaxmath.distributions.between import larger, smaller
from jaxmath.distributions.composing import (
    broadcast,
    composed,
    joined,
    like_draws,
    needs_densities,
)
from jaxmath.distributions.expectation import ends as base_ends
from jaxmath.distributions.expectation import expect
from jaxmath.distributions.family import Family
from jaxmath.distributions.truncated import EXTENDED
from jaxmath.formula import Source

_ATOMS = "it has probabilities at the ends, which an integral of densities would miss."
_KNOWN = "the ends are known, not estimated; hold them by `fixed`."


@functools.cache
def censored(family: Family, name: str | None = None) -> Family:
    """The family of values of a continuous base, clipped to [low, high].

    Its parameters are those of the base, `low` and `high`; for a fit of the others, hold the ends:
    `fixed(censored(family), low=0.0, high=math.inf)`. The likelihood of an interval in which an
    observation is known to lie is `log_between(family)`. Formulas of x hold between the ends.

    Raises:
        ValueError: if the family is discrete, or its values are not single numbers.
    """
    needs_densities(family, "A censored version")
    domains = joined(
        [
            (family.name, family.parameters._asdict()),
            ("censored", dict(low=EXTENDED, high=EXTENDED)),
        ]
    )

    def ends(*params):
        *theta, low, high = params
        first, last = base_ends(family, theta)
        return larger(low, first), smaller(high, last)

    def where(*params):
        *theta, low, high = params
        ordered = jnp.asarray(low) < high
        return ordered if family.where is None else ordered & family.where(*theta)

    missing = ("jensen_shannon", "squared_hellinger", "renyi", "squared_wasserstein", "mode")
    return composed(
        name or f"censored_{family.name}",
        domains,
        _tails(family) | _quantiles(family) | _moments(family, domains),
        support=family.support,
        ends=ends,
        where=where,
        start=_start(family),
        undefined=dict.fromkeys(missing, _ATOMS)
        | dict.fromkeys(("fit", "interval", "profile"), _KNOWN),
        source=Source("tobin1958estimation"),
        topic="P10",
    )


def _start(family):
    if family.origin("fit") == "not defined":
        return None
    return lambda x, share: (*family.fit(x, share).estimate, jnp.min(x), jnp.max(x))


def _tails(family):
    def clipped(x, params):
        x, *params = jnp.broadcast_arrays(x, *params)
        *theta, low, high = params
        at_low, at_high = x <= low, x >= high
        # Each formula gets a value at which it is finite: an end, or the middle of the base.
        centre = jax.lax.stop_gradient(family.median(*theta)).astype(x.dtype)
        inner = jnp.where(at_low | at_high, jnp.clip(centre, low, high), x)
        down = jnp.where(at_low & jnp.isfinite(low), low, centre)
        up = jnp.where(at_high & jnp.isfinite(high), high, centre)
        return (at_low, at_high), (x < low, x > high), (inner, down, up), theta

    def log_prob(x, *params):
        """The logarithm of the density, in nats; at an end that of the probability beyond it."""
        (at_low, at_high), beyond, (inner, down, up), theta = clipped(x, params)
        value = family.log_prob(inner, *theta)
        value = jnp.where(at_low, family.log_cdf(down, *theta), value)
        value = jnp.where(at_high, family.log_sf(up, *theta), value)
        return jnp.where(beyond[0] | beyond[1], -jnp.inf, value)

    def tail(name, below, above):
        fn = family.function(name)

        def function(x, *params):
            x, *params = jnp.broadcast_arrays(x, *params)
            *theta, low, high = params
            outside = (x < low) | (x >= high)
            centre = jax.lax.stop_gradient(family.median(*theta)).astype(x.dtype)
            value = fn(jnp.where(outside, centre, x), *theta)
            return jnp.where(x < low, below, jnp.where(x >= high, above, value))

        return function

    return dict(
        log_prob=log_prob,
        cdf=tail("cdf", 0.0, 1.0),
        sf=tail("sf", 1.0, 0.0),
        log_cdf=tail("log_cdf", -jnp.inf, 0.0),
        log_sf=tail("log_sf", 0.0, -jnp.inf),
    )


def _quantiles(family):
    def clip(fn):
        def function(*args):
            *rest, low, high = args
            return jnp.clip(fn(*rest), low, high)

        return function

    def sample(key, *params_and_shape):
        """Draws of the base, clipped."""
        *params, shape = params_and_shape
        *theta, low, high = broadcast(params)
        draws = family.sample(key, *theta, shape=shape)
        return jnp.clip(draws, *like_draws((low, high), draws))

    return dict(
        quantile=clip(family.quantile),
        isf=clip(family.isf),
        median=clip(family.median),
        sample=sample,
    )


def _moments(family, domains):
    """Expectations: those of functions of the clipped value under the base, cut at the ends."""
    count = len(family.parameters)

    def inner(fn):
        """A function of the base's parameters, for all of them."""
        return None if fn is None else lambda *params: fn(*params[:count])

    def kinks(*params):
        *theta, low, high = params
        own = () if family.kinks is None else tuple(family.kinks(*theta))
        median = family.median(*theta)
        return (*own, *(jnp.where(jnp.isfinite(end), end, median) for end in (low, high)))

    def log_prob(x, *params):
        return family.log_prob(x, *params[:count])

    def sample(key, *params, shape=()):
        return family.sample(key, *params[:count], shape=shape)

    record = dataclasses.replace(
        family,
        parameters=tuple(domains.values()),
        functions=(log_prob, sample),
        ends=inner(family.ends),
        kinks=kinks,
        marks=inner(family.marks),
        where=None,
        partials={},
        seconds={},
        plain={},
        tex={},
        breaks={},
        undefined={},
    )
    own = _tails(family)

    def expected(fn, *params):
        low, high = params[-2:]
        return expect(record, params, lambda x: fn(jnp.clip(x, low, high)))

    def one(fn):
        """For single numbers, lifted to arrays of them."""

        def function(*params):
            shape = jnp.broadcast_shapes(*(jnp.shape(each) for each in params))
            flat = [jnp.broadcast_to(each, shape).ravel() for each in params]
            found = jax.vmap(fn)(*flat)
            return found.reshape(*shape, *found.shape[1:])

        return function

    def mean(*params):
        return expected(lambda y: y, *params)

    def variance(*params):
        centre = mean(*params)
        return expected(lambda y: jnp.square(y - centre), *params)

    def standard(power, normal):
        def moment(*params):
            centre, spread = mean(*params), jnp.sqrt(variance(*params))
            return expected(lambda y: ((y - centre) / spread) ** power, *params) - normal

        return moment

    def entropy(*params):
        """In nats, of the mixed measure: lengths between the ends, and counts at them."""
        return -expected(lambda y: own["log_prob"](y, *params), *params)

    def cross_entropy(*params):
        """In nats; infinite where the ends differ."""
        p, q = params[: count + 2], params[count + 2 :]
        found = -expected(lambda y: own["log_prob"](y, *q), *p)
        return jnp.where((p[-2] == q[-2]) & (p[-1] == q[-1]), found, jnp.inf)

    def kl(*params):
        """In nats; infinite where the ends differ."""
        p, q = params[: count + 2], params[count + 2 :]
        found = expected(lambda y: own["log_prob"](y, *p) - own["log_prob"](y, *q), *p)
        return jnp.where((p[-2] == q[-2]) & (p[-1] == q[-1]), found, jnp.inf)

    def fisher_information(*params):
        """The mean square of the score of the base's parameters; NaN for the ends, given data."""
        theta, others = params[:count], params[count:]
        slopes = jax.grad(lambda theta, y: own["log_prob"](y, *theta, *others))

        def square(y):
            score = jnp.stack(slopes(theta, y))
            return score[:, None] * score[None, :]

        found = expected(square, *params)
        return jnp.pad(found, ((0, 2), (0, 2)), constant_values=jnp.nan)

    return dict(
        fisher_information=one(fisher_information),
        mean=one(mean),
        variance=one(variance),
        std=one(lambda *params: jnp.sqrt(variance(*params))),
        skewness=one(standard(3, 0.0)),
        kurtosis=one(standard(4, 3.0)),
        entropy=one(entropy),
        cross_entropy=one(cross_entropy),
        kl=one(kl),
    )
