"""Both tails of a distribution from the one that is computed, and their logarithms."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array

from jaxmath.special.exponential import log1mexp


class Tail(NamedTuple):
    """One tail is exp(exponent) times factor, where `lower` the lower one; the other is the rest.

    Where `both`, the factor is one and the exponent so exact that the other tail has all digits as
    well; elsewhere the one that is computed is the smaller one, or not much larger. The density,
    in units of the family's own, is exp(exponent) times rate.
    """

    exponent: Array
    factor: Array
    rate: Array
    lower: Array
    both: Array


def times_exponential(tail: Tail, factor, *over):
    """The factor times the exponential, which alone might underflow, over small numbers."""
    part = jnp.exp(tail.exponent / 2)
    value = part * factor
    for divisor in over:
        value = value / divisor
    return value * part


def side(tail: Tail, lower):
    """The probability of the lower or the upper tail."""
    own = times_exponential(tail, tail.factor)
    # Far from zero the slope of expm1, which is made of its value, would lose its digits.
    near = tail.both & (tail.exponent > -1)
    close = jnp.where(near, -jnp.expm1(jnp.where(near, tail.exponent, -1.0)), 1 - own)
    return jnp.where(tail.lower == lower, own, close)


def log_side(tail: Tail, lower: bool):
    """The logarithm of the probability of the lower or the upper tail."""
    log = tail.exponent + jnp.log(tail.factor)
    return jnp.where(tail.lower == lower, log, log1mexp(-log))


def off(tail: Tail, lower, small):
    """By how much the logarithm of a tail is above that of `small`, and its slope.

    The slope in the unit in which the tail's rate is that of the density; `lower` may be an array.
    """
    value, own = side(tail, lower), tail.lower == lower
    log = jnp.where(own, tail.exponent, 0.0) + jnp.log(jnp.where(own, tail.factor, value))
    rest = times_exponential(tail, tail.rate) / jnp.where(own, 1.0, value)
    rate = jnp.where(own, tail.rate / tail.factor, rest)
    return log - jnp.log(small), jnp.where(lower, rate, -rate)


def step_to(small, lower, tail: Tail, lead, fall):
    """What Householder's method of the fourth order takes from the place of a quantile.

    Of the logarithm of the tail, in a place where that of the height has the slope `lead`, which
    falls at the rate `fall`. Its digits are four times those of the place.
    """
    away, rate = off(tail, lower, small)
    step = jnp.clip(away / rate, -3.0, 3.0)
    bend = lead - rate
    twist = bend * (bend - rate) - fall  # both in parts of the rate
    halley = jnp.clip(1 - step * bend / 2, 0.5, 2.0)
    more = jnp.square(step) * (twist / 6 - jnp.square(bend) / 4) / halley
    return step / (halley + jnp.clip(more, -0.25, 0.25))


def unfinished(step, lead, fall):
    """Whether what a step of `step_to` has left, a part of its fourth power, is to be seen."""
    bend = jnp.abs(lead) + jnp.sqrt(fall)  # the inverse of how far the tail is like its tangents
    close = jnp.abs(step) * bend <= jnp.finfo(step.dtype).eps ** 0.25
    return ~(close & (jnp.abs(step) <= 1))


def moved(tail: Tail, in_log, lower: bool, log: bool, *over):
    """The slope of a tail, or of its logarithm, from that of the logarithm of the computed one.

    That is in parts of `over`, small numbers such as the place itself.
    """
    own = tail.lower == lower
    change = times_exponential(tail, tail.factor * in_log, *over)
    if not log:
        return jnp.where(own, change, -change)
    for divisor in over:
        # Of a / b / c XLA makes a / (b c), which underflows where c does; one over a large c, too.
        in_log = jnp.where(divisor > 1, in_log / divisor, in_log * (1 / divisor))
    return jnp.where(own, in_log, -change / side(tail, ~tail.lower))


def of_quantile(tail: Tail, rise, p, lower: bool):
    """The slope of a quantile in its probability p, given that in the computed tail's logarithm.

    Of the tail that is p, or the rest of p, and not of its exponential, which has lost some digits.
    """
    return rise * (1 / jnp.where(tail.lower == lower, p, p - 1))  # as in `moved`


def rounded_off(tail: Tail, p, lower: bool):
    """How far a rounded quantile is beyond the true one of p, in the unit of the tail's rate.

    Where a tail is steep in units of a rounding, slopes at the true place have digits that those
    at the rounded one lack.
    """
    above, rate = off(tail, tail.lower, jnp.where(tail.lower == lower, p, 1 - p))
    rounding = 4 * jnp.finfo(above.dtype).eps
    return jnp.clip(above / rate, -rounding, rounding)


class Way(NamedTuple):
    """How a parameter moves a quantile's place, and the logarithm of the height there."""

    place: Array
    height: Array


def crossed(bend, rate, lead, one: Way, other: Way):
    """The second slope of a quantile's place in two parameters, by the implicit function theorem.

    `rate` and `bend` are the slope in the place of the logarithm of the tail that is computed and
    its second slope in both parameters, `lead` is the slope in the place of that of the height.
    """
    both = one.height * other.place + other.height * one.place
    return -(bend / rate + both + (rate - lead) * (one.place * other.place))


def log_slope(tail: Tail, lower: bool, unit, density, larger):
    """The slope of `log_side` in x: the density over the tail, without underflow.

    `unit` is what the rate is divided by, `larger` the tail itself where it is not computed.
    """
    own = tail.lower == lower
    over = 1 / tail.factor  # of a / b / c XLA makes a / (b c), which underflows
    value = jnp.where(own, tail.rate * over / unit, density / jnp.where(own, 1.0, larger))
    return value if lower else -value


def at_limits(limit, value, at_zero, at_one):
    """The value, or what it tends to where the lower tail is zero or one; NaN outside the domain.

    `limit` is 0 or 1 there, NaN outside, a half elsewhere.
    """
    value = jnp.where(limit == 0, at_zero, jnp.where(limit == 1, at_one, value))
    return value * jnp.where(jnp.isnan(limit), jnp.nan, 1.0)  # a product, for the slopes as well


def sides(inside, tail_of):
    """Both tails and their logarithms of a family, written out and rolled up as in `loops`.

    `inside(*args)` are the arguments, replaced where a limit is taken, and the limit; of these
    `tail_of(*args, rolled)` makes the tail.
    """

    def made(make, least, most):
        def of(lower: bool, *, rolled: bool = False):
            at_zero, at_one = (least, most) if lower else (most, least)

            def function(*args):
                *args, limit = inside(*args)
                return at_limits(limit, make(tail_of(*args, rolled=rolled), lower), at_zero, at_one)

            return function

        return of

    return made(side, 0.0, 1.0), made(log_side, -jnp.inf, 0.0)
