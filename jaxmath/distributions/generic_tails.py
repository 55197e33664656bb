r"""Generic probabilities on either side of a value, and the quantiles that invert them."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from jaxmath.distributions import quadrature
from jaxmath.distributions.expectation import ends, masses, place, rule_of
from jaxmath.distributions.quadrature import Rule, is_infinite
from jaxmath.domains import Choices

STEPS_OF_BISECTION = 80


def prob(family):
    """The exponential of `log_prob`."""
    return lambda x, *params: jnp.exp(family.log_prob(x, *params))


def _beyond(family, x, params, sign, where):
    """The probability of at most x (sign -1), or of more (+1), summed from x outwards."""
    if isinstance(family.support, Choices):
        rule, inside = rule_of(family, params)
        weight = rule.x > x if sign > 0 else rule.x <= x
        rule = Rule(rule.x, weight.astype(rule.x.dtype))
    else:
        low, high = ends(family, params)
        inside, width = where
        marks = () if family.discrete or family.marks is None else family.marks(*params)
        beyond = _whole_beyond if family.discrete else _line_beyond
        rule = beyond(jnp.clip(x, low, high), x < low, (low, high), sign, inside, width, marks)
    return jnp.sum(masses(family, params, rule, inside)[1])


def _whole_beyond(x, before, ends, sign, inside, width, marks):
    """The whole numbers at most x, or above x; `before` says that x was below them all."""
    del width, marks
    # Above a value before the first whole number lies the first one itself.
    first = jnp.floor(x) + jnp.where(before, 0.0, 1.0 if sign > 0 else 0.0)
    points = first + sign * jnp.arange(quadrature.TERMS, dtype=inside.dtype)
    counts = (points >= ends[0]) & (points <= ends[1]) & (~before if sign < 0 else True)
    return Rule(jnp.where(counts, points, inside), counts.astype(inside.dtype))


def _line_beyond(x, before, ends, sign, inside, width, marks):
    """The numbers below x, or above x; between two ends cut where mass may be narrow."""
    del before
    low, high = ends
    if is_infinite(high if sign > 0 else low):
        return quadrature.half_line(x, width, sign, inside.dtype)
    span = (x, high) if sign > 0 else (low, x)
    if not marks:
        return quadrature.segment(*span, inside.dtype)
    cuts = jnp.stack([jnp.clip(jnp.asarray(mark, inside.dtype), *span) for mark in marks])
    return quadrature.pieces(*span, jnp.sort(cuts), width, inside.dtype)


def _sides(family, params):
    """The function of x that gives the probabilities of at most x and of more than x.

    The smaller of the two is summed from its own end. Where the mass lies is asked once.
    """
    if family.origin("cdf") == family.origin("sf") == "own":
        return lambda x: (family.cdf(x, *params), family.sf(x, *params))
    where = place(family, params)

    def sides(x):
        left = x < where[0]
        below, above = (_beyond(family, x, params, sign, where) for sign in (-1, 1))
        small = jnp.where(jnp.isnan(x), jnp.nan, jnp.where(left, below, above))
        return jnp.where(left, small, 1 - small), jnp.where(left, 1 - small, small)

    return sides


def cdf(family):
    """Summed or integrated from the nearer end."""
    return lambda x, *params: _sides(family, params)(x)[0]


def sf(family):
    """Summed or integrated from the nearer end."""
    return lambda x, *params: _sides(family, params)(x)[1]


def _log(small, other):
    """The logarithm of a probability, from that of the contrary where that is the smaller one."""
    few = small < 0.5
    return jnp.where(few, jnp.log(jnp.where(few, small, 0.5)), jnp.log1p(-other))


def log_cdf(family):
    """The logarithm of `cdf`, or of one minus `sf` where that is smaller."""
    return lambda x, *params: _log(*_sides(family, params)(x))


def log_sf(family):
    """The logarithm of `sf`, or of one minus `cdf` where that is smaller."""
    return lambda x, *params: _log(*_sides(family, params)(x)[::-1])


def _along(low, high, centre, width):
    """A monotone map of the numbers s in [-700, 700] on the interval, fine at its ends."""
    if is_infinite(low) and is_infinite(high):
        return lambda s: centre + width * jnp.sinh(s)
    if is_infinite(high):
        return lambda s: low + jnp.maximum(centre - low, width) * jnp.exp(s)
    if is_infinite(low):
        return lambda s: high - jnp.maximum(high - centre, width) * jnp.exp(-s)
    return lambda s: jnp.where(
        s < 0, low + (high - low) * jax.nn.sigmoid(s), high - (high - low) * jax.nn.sigmoid(-s)
    )


def first_point(holds, low, high, middle=lambda low, high: (low + high) / 2):
    """Bisect for the smallest point at which `holds`, which stays true once it is."""

    def halve(_, bracket):
        below, above = bracket
        point = middle(below, above)
        found = holds(point)
        return jnp.where(found, below, point), jnp.where(found, point, above)

    return jax.lax.fori_loop(0, STEPS_OF_BISECTION, halve, (low, high))[1]


def _inverse(family, upper):
    """The smallest x at which `cdf` has reached p; `upper`: at which `sf` has fallen to p."""

    def find(p, params):
        sides = _sides(family, params)
        low, high = ends(family, params)

        def reached(x):
            below, above = sides(x)
            if upper:
                return jnp.where(p < 0.5, above <= p, below >= 1 - p)
            return jnp.where(p < 0.5, below >= p, above <= 1 - p)

        if isinstance(family.support, Choices):
            values = jnp.sort(jnp.asarray(family.support.values, jnp.result_type(p)))
            x = values[jnp.argmax(jax.vmap(reached)(values))]
        elif family.discrete:
            x = _first_whole(reached, low, high, jnp.result_type(p))
        else:
            centre, width = place(family, params)
            reach = jnp.asarray(0.999 * np.log(float(jnp.finfo(centre.dtype).max)), centre.dtype)
            x_of = _along(low, high, centre, width)
            x = x_of(first_point(lambda s: reached(x_of(s)), -reach, reach))
        return jnp.where((p >= 0) & (p <= 1), x, jnp.nan)

    if family.discrete:
        return lambda p, *params: jax.lax.stop_gradient(find(p, params))

    @jax.custom_jvp
    def inverse(p, params):
        return find(p, params)

    @inverse.defjvp
    def rule(primals, tangents):
        (p, params), (dp, dparams) = primals, tangents
        x = inverse(p, params)
        _, change = jax.jvp(lambda *theta: family.cdf(x, *theta), params, dparams)
        return x, ((-dp if upper else dp) - change) / family.prob(x, *params)

    return lambda p, *params: inverse(p, params)


def _first_whole(holds, low, high, dtype):
    """The smallest whole number from `low` on at which `holds`: doubling, then bisection."""
    largest = jnp.asarray(1 / jnp.finfo(dtype).eps, dtype)  # whole numbers are exact up to here
    reach = jnp.minimum(jnp.asarray(high, dtype) - low, largest)
    offset = first_point(
        lambda k: holds(low + k),
        jnp.asarray(-1.0, dtype),
        reach,
        lambda a, b: jnp.floor((a + b) / 2),
    )
    return low + offset


def quantile(family):
    """Where `cdf` reaches p, or where `sf` has fallen to 1 - p."""
    return _inverse(family, upper=False)


def isf(family):
    """Where `sf` has fallen to p, or where `cdf` reaches 1 - p."""
    return _inverse(family, upper=True)


def median(family):
    """The quantile of one half."""
    return lambda *params: family.quantile(jnp.asarray(0.5, jnp.result_type(*params)), *params)
