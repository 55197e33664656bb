r"""A distribution restricted to an interval.

Between `low` and `high` the density is that of the base over the probability between them, outside
it is zero. All is formed in the tail of the base in which the interval lies, by `log_between`, so
that an interval thirty scales out is as good as one in the middle.
"""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp

from jaxmath.distributions.between import (
    larger,
    log_between,
    on_lower_side,
    representable,
    smaller,
)
from jaxmath.distributions.composing import (
    broadcast,
    composed,
    implicit,
    joined,
    like_draws,
    needs_numbers,
    picked,
)
from jaxmath.distributions.expectation import ends as base_ends
from jaxmath.distributions.family import Family
from jaxmath.distributions.shapes import float_dtype, sample_shape
from jaxmath.domains import Choices, Interval
from jaxmath.formula import Source
from jaxmath.special.exponential import log1mexp
from jaxmath.special.partials import along

EXTENDED = Interval(closed=(True, True))
"""The ends of an interval: real numbers, and the infinities where a side is open."""

NEWTON_STEPS = 16
POLISHING_STEPS = 3

EXTREMES = (
    "the likeliest ends are the extreme observations, where the likelihood has no slope of zero; "
    "hold them by `fixed`."
)


@functools.cache
def truncated(family: Family, name: str | None = None) -> Family:
    """The family of values of the base, given that they lie in [low, high].

    Its parameters are those of the base, `low` and `high`; either may be infinite. For a fit, hold
    them: `fixed(truncated(family), low=0.0, high=math.inf)`.

    Raises:
        ValueError: if the values are not single numbers, or have no order of their own.
    """
    needs_numbers(family, "A truncated version")
    if isinstance(family.support, Choices):
        raise ValueError(
            f"A truncated version of {family.name} is not possible: its values are labels."
        )
    domains = joined(
        [
            (family.name, family.parameters._asdict()),
            ("truncated", dict(low=EXTENDED, high=EXTENDED)),
        ]
    )
    functions, logs = _tails(family)
    functions |= _quantiles(family, functions, logs)
    if family.origin("mode") == "own":
        functions["mode"] = _mode(family)

    def ends(*params):
        *theta, low, high = params
        first, last = (
            float(end) if isinstance(end, int) else end for end in base_ends(family, theta)
        )
        return larger(low, first), smaller(high, last)

    def where(*params):
        *theta, low, high = params
        first, last = base_ends(family, theta)
        inside = (jnp.asarray(low) < high) & (low < jnp.asarray(last)) & (jnp.asarray(high) > first)
        return inside if family.where is None else inside & family.where(*theta)

    return composed(
        name or f"truncated_{family.name}",
        domains,
        functions,
        support=family.support,
        ends=ends,
        where=where,
        kinks=picked(family.kinks, lambda params: params[:-2]),
        marks=_marks(family),
        start=_start(family),
        undefined=dict(
            fit=EXTREMES,
            interval=EXTREMES,
            profile=EXTREMES,
            fisher_information="the support moves with the ends; hold them by `fixed`.",
        ),
        source=Source("johnson1994continuous", "chapter 1"),
        topic="P10",
    )


def _marks(family):
    """Where the mass may be: around the median of the base, and near the end of a tail.

    All of it but 1e-17 lies within forty times the length in which the density falls by e.
    """
    slope = along(family.log_prob, 0)

    def marks(*params):
        *theta, low, high = params
        median = family.median(*theta)
        p = jnp.asarray(1e-17, jnp.result_type(median))
        found = [median, family.quantile(p, *theta), family.isf(p, *theta)]
        for end, sign in ((low, 1), (high, -1)):
            finite = jnp.isfinite(end)
            some = jnp.where(finite, end, median).astype(median.dtype)
            reach = some + sign * 40 / jnp.abs(slope(some, *theta))
            found.append(jnp.where(finite & ~jnp.isnan(reach), reach, median))
        more = () if family.marks is None else tuple(family.marks(*theta))
        return tuple(jax.lax.stop_gradient(each) for each in (*found, *more))

    return None if family.discrete else marks


def _start(family):
    if family.origin("fit") == "not defined":
        return None

    def start(x, share):
        estimate = family.fit(x, share).estimate
        return (*estimate, jnp.min(x), jnp.max(x))

    return start


def _mode(family):
    def mode(*params):
        """That of the base where it lies in between, else the nearer end."""
        *theta, low, high = params
        return jnp.clip(family.mode(*theta), low, high)

    return mode


def _tails(family):
    log_mass = log_between(family)

    def some(log_total):
        """NaN where there is nothing between the ends."""
        return jnp.where(jnp.isneginf(log_total), jnp.nan, log_total)

    def log_prob(x, *params):
        """The logarithm of the base's density, less that of the probability between the ends."""
        *theta, low, high = params
        x = jnp.asarray(x)
        outside = (x < low) | (x > high)
        inside = jnp.where(outside, jnp.clip(x, low, high), x)
        value = family.log_prob(inside, *theta) - some(log_mass(low, high, *theta))
        return jnp.where(outside, jnp.where(jnp.isnan(value), jnp.nan, -jnp.inf), value)

    def logs(x, *params):
        """The logarithms of the probabilities of at most x and of more, each from its own side.

        Before both, that of the probability between the ends under the base.
        """
        x, *params = jnp.broadcast_arrays(x, *params)
        *theta, low, high = params
        after = jnp.floor(x) + 1 if family.discrete else x
        starts = jnp.stack([low, low, jnp.maximum(after, low)])
        stops = jnp.stack([high, jnp.minimum(x, high), high])
        theta = (jnp.broadcast_to(each, starts.shape) for each in theta)
        total, below, above = log_mass(starts, stops, *theta)
        total = some(total)
        below, above = below - total, above - total
        valid = ~jnp.isnan(total)
        below = jnp.where(valid & (x < low), -jnp.inf, below)
        return total, below, jnp.where(valid & (x >= high), -jnp.inf, above)

    def exact(one, other):
        """A logarithm, from the other side where that is the smaller probability."""
        large = other < -0.7
        return jnp.where(large, log1mexp(jnp.where(large, -other, 1.0)), jnp.minimum(one, 0.0))

    def probability(one, other):
        """One probability from its logarithm, or from that of the other if that is small."""
        return jnp.where(other < -0.7, -jnp.expm1(other), jnp.exp(jnp.minimum(one, 0.0)))

    def log_cdf(x, *params):
        """The logarithm of `cdf`, accurate at both ends."""
        return exact(*logs(x, *params)[1:])

    def log_sf(x, *params):
        """The logarithm of `sf`, accurate at both ends."""
        return exact(*logs(x, *params)[:0:-1])

    def cdf(x, *params):
        """The probability of at most x."""
        return probability(*logs(x, *params)[1:])

    def sf(x, *params):
        """The probability of more than x, accurate where it is tiny."""
        return probability(*logs(x, *params)[:0:-1])

    return dict(log_prob=log_prob, cdf=cdf, log_cdf=log_cdf, sf=sf, log_sf=log_sf), logs


def _quantiles(family, functions, logs):
    """By the base's quantile of a probability on the side of the interval."""
    log_prob, cdf = functions["log_prob"], functions["cdf"]

    def prob(x, *params):
        return jnp.exp(log_prob(x, *params))

    def start(p, low, high, theta, upper):
        """The base's value, by a search in logarithms where the probabilities underflow."""
        lower = on_lower_side(family, low, high, theta)
        near = ~lower if upper else lower
        share = jnp.where(near, p, 1 - p)  # of the end with the larger probability
        rest = jnp.where(near, 1 - p, p)
        one, two = jnp.where(lower, high, low), jnp.where(lower, low, high)

        def tail(x, down, up):
            return jnp.where(lower, down(x, *theta), up(x, *theta))

        a, b = (tail(x, family.cdf, family.sf) for x in (one, two))
        target = share * a + rest * b
        plain = representable(a * share)
        some = jnp.where(plain, target, 0.5)
        x = jnp.where(lower, family.quantile(some, *theta), family.isf(some, *theta))
        log_a, log_b = (tail(x, family.log_cdf, family.log_sf) for x in (one, two))
        log_target = jnp.logaddexp(jnp.log(share) + log_a, jnp.log(rest) + log_b)

        def step(_, x):
            log_tail = tail(x, family.log_cdf, family.log_sf)
            slope = jnp.exp(family.log_prob(x, *theta) - log_tail)
            change = (log_tail - log_target) / slope
            moved = jnp.clip(x + jnp.where(lower, -change, change), low, high)
            return jnp.where(jnp.isnan(moved), x, moved)

        searched = jax.lax.fori_loop(0, NEWTON_STEPS, step, one)
        return jnp.clip(jnp.where(plain, x, searched), low, high)

    def find(upper):
        def search(p, params):
            *theta, low, high = params
            first, last = base_ends(family, theta)
            low, high = larger(low, first), smaller(high, last)
            x = start(p, low, high, theta, upper)
            below, above = (1 - p, p) if upper else (p, 1 - p)

            def polish(_, x):
                """A Newton step on the smaller of both probabilities."""
                total, log_below, log_above = logs(x, *params)
                error = jnp.where(
                    below < 0.5, jnp.exp(log_below) - below, above - jnp.exp(log_above)
                )
                moved = x - error * jnp.exp(total - family.log_prob(x, *theta))
                return jnp.where(jnp.isnan(moved), x, jnp.clip(moved, low, high))

            x = jax.lax.fori_loop(0, POLISHING_STEPS, polish, x)
            at_low, at_high = (p == 1, p == 0) if upper else (p == 0, p == 1)
            x = jnp.where(at_low, low, jnp.where(at_high, high, x))
            bad = ~((p >= 0) & (p <= 1)) | jnp.isnan(log_prob(x, *params))
            return jnp.where(bad, jnp.nan, x)

        return search

    if family.discrete:
        quantile, isf = (_counted(family, functions, upper) for upper in (False, True))
    else:
        quantile = implicit(find(False), cdf, prob, 1)
        isf = implicit(find(True), cdf, prob, -1)

    def median(*params):
        """The quantile of one half."""
        return quantile(jnp.full((), 0.5, float_dtype(*params)), *params)

    def sample(key, *params_and_shape):
        """The quantile of uniform numbers; it moves with the parameters as that does."""
        *params, shape = params_and_shape
        params = broadcast(params)
        size = sample_shape(shape, *params)
        share = jax.random.uniform(key, size, float_dtype(*params))
        return quantile(share, *like_draws(params, share))

    return dict(quantile=quantile, isf=isf, median=median, sample=sample)


def _counted(family, functions, upper):
    """The smallest whole number in between that has reached the probability, by bisection."""

    def inverse(p, *params):
        p, *params = broadcast([jnp.asarray(p), *(jnp.asarray(each) for each in params)])
        *theta, low, high = params
        first, last = (jnp.asarray(end, low.dtype) for end in base_ends(family, theta))
        least = jnp.ceil(jnp.maximum(low, first))
        largest = 1 / jnp.finfo(least.dtype).eps
        most = jnp.minimum(jnp.floor(jnp.minimum(high, last)), least + largest)

        def reached(x):
            if upper:
                few = functions["sf"](x, *params) <= p
                return jnp.where(p < 0.5, few, functions["cdf"](x, *params) >= 1 - p)
            few = functions["cdf"](x, *params) >= p
            return jnp.where(p < 0.5, few, functions["sf"](x, *params) <= 1 - p)

        def halve(_, bracket):
            below, above = bracket
            middle = jnp.floor((below + above) / 2)
            found = reached(middle)
            return jnp.where(found, below, middle), jnp.where(found, middle, above)

        _, x = jax.lax.fori_loop(0, 64, halve, (least - 1, most))
        bad = ~((p >= 0) & (p <= 1)) | jnp.isnan(functions["cdf"](x, *params))
        return jax.lax.stop_gradient(jnp.where(bad, jnp.nan, x))

    return inverse
