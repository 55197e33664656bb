r"""Counts with too many zeros, or too few: a chance of zero apart from a family of counts.

Zero-inflated (Lambert 1992): with probability $\pi$ the count is zero, else it is drawn from the
base, so that zeros have two causes. Hurdle (Mullahy 1986): with probability $\pi$ it is zero, else
drawn from the base given that it isn't.
"""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp

from jaxmath.distributions.composing import (
    broadcast,
    composed,
    defined,
    joined,
    like_draws,
    needs_numbers,
    picked,
)
from jaxmath.distributions.family import Family
from jaxmath.distributions.shapes import float_dtype, sample_shape
from jaxmath.domains import OPEN_UNIT, Integers
from jaxmath.formula import Source
from jaxmath.special.logarithm import log1p


def _needs_counts(family, what):
    needs_numbers(family, f"A {what} version")
    support = family.support
    if not isinstance(support, Integers) or support.low != 0 or family.ends is not None:
        raise ValueError(
            f"A {what} version of {family.name} is not possible: its values must be the whole "
            f"numbers from zero on, not {support}."
        )


def _log(chance):
    """The logarithms of a chance and of the contrary; NaN where it is none."""
    return jnp.log(_chance(chance)), log1p(-_chance(chance))


def _chance(chance):
    """The chance itself where it is one, NaN where it isn't."""
    chance = jnp.asarray(chance)
    return chance + jnp.where((chance >= 0) & (chance <= 1), 0.0, jnp.nan)


def _settled(reached, x):
    """The smallest count at which a probability is reached, of x and both its neighbours."""
    return jnp.where(reached(x), jnp.where(reached(x - 1), x - 1, x), x + 1)


def _start(family):
    if family.origin("fit") == "not defined":
        return None

    def start(x, share):
        """Half of the zeros are taken as extra ones."""
        zero = jnp.clip(jnp.sum(jnp.where(x == 0, share, 0.0)), 0.1, 0.9)
        return (zero / 2, *family.fit(x, share).estimate)

    return start


@functools.cache
def zero_inflated(family: Family, name: str | None = None) -> Family:
    """The family of counts that are zero with a chance `zero`, else from the base.

    Its parameters are `zero` and those of the base.

    Raises:
        ValueError: if the values of the base are not the whole numbers from zero on.
    """
    _needs_counts(family, "zero-inflated")
    domains = joined([("zero_inflated", dict(zero=OPEN_UNIT)), (family.name, _named(family))])

    def log_prob(x, zero, *theta):
        """The logarithm of the probability, in nats."""
        x, zero, *theta = jnp.broadcast_arrays(x, zero, *theta)
        none = jnp.zeros_like(x)
        # Of both causes together, so that it is never less than that of the base.
        at_zero = family.prob(none, *theta) + _chance(zero) * family.sf(none, *theta)
        return jnp.where(x == 0, jnp.log(at_zero), _log(zero)[1] + family.log_prob(x, *theta))

    def cdf(x, zero, *theta):
        """The probability of at most x."""
        value = family.cdf(x, *theta) + _chance(zero) * family.sf(x, *theta)
        return jnp.where(jnp.asarray(x) < 0, 0.0, value)

    def sf(x, zero, *theta):
        """The probability of more than x, accurate where it is tiny."""
        value = (1 - jnp.asarray(zero)) * family.sf(x, *theta)
        return jnp.where(jnp.asarray(x) < 0, 1.0, value)

    def log_cdf(x, zero, *theta):
        """The logarithm of `cdf`, from `sf` where that is the smaller one."""
        x, zero, *theta = jnp.broadcast_arrays(x, zero, *theta)
        negative = x < 0
        inside = jnp.where(negative, 0, x)
        extra, rest = _log(zero)
        below = jnp.logaddexp(extra, rest + family.log_cdf(inside, *theta))
        few = jnp.minimum(sf(inside, zero, *theta), 0.5)
        value = jnp.where(few < 0.5, log1p(-few), below)
        return jnp.where(negative, -jnp.inf, value)

    def log_sf(x, zero, *theta):
        """The logarithm of `sf`, accurate in the tail."""
        value = _log(zero)[1] + family.log_sf(x, *theta)
        return jnp.where(jnp.asarray(x) < 0, 0.0, value)

    def quantile(p, zero, *theta):
        """The smallest count at which `cdf` has reached p."""
        p, zero, *theta = jnp.broadcast_arrays(p, zero, *theta)
        more = (p > zero) & (p <= 1)
        # Of p near one the contrary is what keeps its digits.
        rest = family.isf(jnp.where(more, (1 - p) / (1 - zero), 0.5), *theta)
        rest = _settled(lambda x: cdf(x, zero, *theta) >= p, rest)
        return jnp.where(more, rest, jnp.where((p >= 0) & (p <= zero), 0.0, jnp.nan))

    def isf(p, zero, *theta):
        """The smallest count at which `sf` has fallen to p."""
        p, zero, *theta = jnp.broadcast_arrays(p, zero, *theta)
        more = (p < 1 - zero) & (p >= 0)
        rest = family.isf(jnp.where(more, p / (1 - zero), 0.5), *theta)
        rest = _settled(lambda x: sf(x, zero, *theta) <= p, rest)
        return jnp.where(more, rest, jnp.where((p <= 1) & (p >= 0), 0.0, jnp.nan))

    def sample(key, *params_and_shape):
        """Zeros where a uniform number says so, else draws of the base."""
        *params, shape = params_and_shape
        zero, *theta = broadcast(params)
        first, second = jax.random.split(key)
        draws = family.sample(second, *theta, shape=shape)
        uniform = jax.random.uniform(first, jnp.shape(draws), float_dtype(*params))
        return jnp.where(uniform < like_draws((zero,), draws)[0], 0, draws)

    def mean(zero, *theta):
        """That of the base times the chance of it."""
        return (1 - jnp.asarray(zero)) * family.mean(*theta)

    def variance(zero, *theta):
        """That of the base, and the spread of its mean against zero, times the chance of it."""
        square = jnp.asarray(zero) * jnp.square(family.mean(*theta))
        return (1 - jnp.asarray(zero)) * (family.variance(*theta) + square)

    functions = dict(log_prob=log_prob, cdf=cdf, sf=sf, log_cdf=log_cdf, log_sf=log_sf)
    functions |= dict(quantile=quantile, isf=isf, sample=sample)
    functions |= {"mean": mean} if defined(family, "mean") else {}
    functions |= {"variance": variance} if defined(family, "variance") else {}
    return composed(
        name or f"zero_inflated_{family.name}",
        domains,
        functions,
        support=family.support,
        where=picked(family.where, lambda params: params[1:]),
        start=_start(family),
        source=Source("lambert1992zero"),
        topic="P10",
    )


@functools.cache
def hurdle(family: Family, name: str | None = None) -> Family:
    """The family of counts that are zero with a chance `zero`, else from the base but not zero.

    Its parameters are `zero` and those of the base.

    Raises:
        ValueError: if the values of the base are not the whole numbers from zero on.
    """
    _needs_counts(family, "hurdle")
    domains = joined([("hurdle", dict(zero=OPEN_UNIT)), (family.name, _named(family))])

    def log_some(theta):
        """The logarithm of the probability of the base that the count isn't zero."""
        return family.log_sf(jnp.zeros_like(theta[0]), *theta)

    def log_prob(x, zero, *theta):
        """The logarithm of the probability, in nats."""
        x, zero, *theta = jnp.broadcast_arrays(x, zero, *theta)
        extra, rest = _log(zero)
        positive = jnp.where(x == 0, 1, x)
        other = rest + family.log_prob(positive, *theta) - log_some(theta)
        return jnp.where(x == 0, extra, other)

    def log_sf(x, zero, *theta):
        """The logarithm of `sf`, accurate in the tail."""
        x, zero, *theta = jnp.broadcast_arrays(x, zero, *theta)
        inside = jnp.where(x < 0, 0, x)
        value = _log(zero)[1] + family.log_sf(inside, *theta) - log_some(theta)
        return jnp.where(x < 0, 0.0, value)

    def sf(x, zero, *theta):
        """The probability of more than x."""
        return jnp.exp(log_sf(x, zero, *theta))

    def cdf(x, zero, *theta):
        """The probability of at most x."""
        return -jnp.expm1(log_sf(x, zero, *theta))

    def sample(key, *params_and_shape):
        """Zeros where a uniform number says so, else positive counts of the base, by inversion."""
        *params, shape = params_and_shape
        zero, *theta = broadcast(params)
        size = sample_shape(shape, zero)
        uniform = jax.random.uniform(key, size, float_dtype(*params))
        zero, *theta = like_draws((zero, *theta), uniform)
        more = uniform >= zero
        share = jnp.where(more, (1 - uniform) / (1 - zero), 1.0)
        draws = family.isf(share * jnp.exp(log_some(theta)), *theta)
        return jnp.where(more, jnp.maximum(draws, 1.0), 0.0)

    def mean(zero, *theta):
        """That of the base above zero, times the chance of it."""
        return jnp.exp(_log(zero)[1] - log_some(theta)) * family.mean(*theta)

    functions = dict(log_prob=log_prob, cdf=cdf, sf=sf, log_sf=log_sf, sample=sample)
    functions |= {"mean": mean} if defined(family, "mean") else {}
    return composed(
        name or f"hurdle_{family.name}",
        domains,
        functions,
        support=family.support,
        where=picked(family.where, lambda params: params[1:]),
        start=_start(family),
        source=Source("mullahy1986specification"),
        topic="P10",
    )


def _named(family):
    return family.parameters._asdict()
