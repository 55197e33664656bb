"""The quantiles of Student's t distribution, and their slopes by the implicit function theorem."""

import math
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array

from jaxmath.distributions.location_scale import chance, positive
from jaxmath.distributions.standard import Differentiable
from jaxmath.distributions.student_t_density import FAR, GROWTH, Place, half_power, place
from jaxmath.distributions.student_t_integrals import from_centre, height
from jaxmath.distributions.student_t_tails import beyond, size_of
from jaxmath.formula import with_rule
from jaxmath.special.gamma_half_step import log_half_step
from jaxmath.special.inverse_beta import betainccinv_shares, rolled_betainccinv_shares
from jaxmath.special.partials import along, with_answer


def _plain_quantile(p, df, scale, *, shares=betainccinv_shares):
    """The x - loc below which lies probability p."""
    p, df, scale = chance(p), positive(df), positive(scale)
    h, wide = df / 2, jnp.sqrt(df) * scale
    both = 2 * jnp.where(p < 0.5, p, 1 - p)
    inner = jnp.where((both > 0) & (both < 1), both, 0.5)
    log_x = (jnp.log(jnp.pi * h) / 2 + jnp.log(inner) - log_half_step(h)) / h
    far = log_x < 2 * math.log(FAR)
    y, x = shares(0.5, h, jnp.where(far, 0.5, inner))
    root = jnp.exp(-log_x / 4)  # of a t that may be beyond the dtype
    size = jnp.where(far, root * wide * root, wide * jnp.sqrt(y / x))
    size = jnp.where(both == 0, jnp.inf, jnp.where(both == 1, 0.0, size))
    return jnp.where(jnp.isnan(p), p, jnp.where(p < 0.5, -size, size))


def _standard_density(at):
    return height(at.df) / jnp.sqrt(2 * jnp.pi) * jnp.square(half_power(at)) * at.c


def _by_density(at, p):
    """The slope in p: one over the density there."""
    outer, tail = beyond(at)
    small = jnp.where(p < 0.5, p, 1 - p)
    wide = (at.hypotenuse / at.unit) * (tail.mass / at.df) / small
    return jnp.where(outer, wide, at.scale / jnp.where(outer, 1.0, _standard_density(at)))


def drift(away, df, scale):
    """How fast x at a fixed probability moves with the degrees of freedom, `away` from loc."""
    return _drift(place(away, df, 0.0 * away, scale))


def _drift(at: Place):
    outer, tail = beyond(at)
    fall = tail.mass / at.df * ((tail.edge + tail.rise) / 2)
    size = jnp.where(outer, 1.0, size_of(at)[0])
    inner = from_centre(size, at.df) / jnp.where(outer, 1.0, _standard_density(at)) * at.scale
    change = jnp.where(outer, fall * (at.hypotenuse / at.unit), inner)
    return jnp.where(at.n < 0, change, -change)


class _Answer(NamedTuple):
    """The x below which lies p: how far it is from loc, its place, its slopes in p and in df."""

    away: Array
    at: Place
    rise: Array
    drift: Array


def _answer(p, df, scale) -> _Answer:
    away = _away(p, df, scale)
    outside = jnp.isinf(away) & (p > 0) & (p < 1)  # of the dtype, and so are its slopes
    at = place(jnp.where(outside, 0.0, away), df, jnp.zeros_like(away), scale)
    rise = jnp.where(outside, jnp.inf, _by_density(at, p))
    return _Answer(away, at, rise, jnp.where(outside, -away, _drift(at)))


def _rise(p, df, scale):
    return _answer(p, df, scale).rise


def _fall(p, df, scale):
    return _answer(p, df, scale).drift


def _rise_in_p(own: _Answer):
    value = -(own.rise * GROWTH.x(own.at)) * own.rise
    return jnp.where(jnp.isinf(own.away), own.away, value)


def _rise_in_df(own: _Answer):
    value = -(GROWTH.df(own.at) + GROWTH.x(own.at) * own.drift) * own.rise
    return jnp.where(jnp.isinf(own.away), -jnp.inf, value)


def _of_one(fn):
    """A function at scale one, which is its slope in the scale."""

    def function(p, df, scale):
        return fn(p, df, jnp.ones_like(scale)) + 0.0 * scale

    return function


def _rolled_quantile(p, df, scale):
    """The same as slopes compute it, which compiles soon."""
    return _plain_quantile(p, df, scale, shares=rolled_betainccinv_shares)


_away = with_rule(
    _rolled_quantile,
    p=with_rule(
        _rise,
        p=lambda p, df, scale: _rise_in_p(_answer(p, df, scale)),
        df=lambda p, df, scale: _rise_in_df(_answer(p, df, scale)),
        scale=_of_one(_rise),
    ),
    df=_fall,
    scale=_of_one(_rolled_quantile),
)


def _inverse(name: str, sign: int, doc: str) -> Differentiable:
    def inverse(p, df, loc, scale):
        return jnp.asarray(loc) + sign * _plain_quantile(p, df, scale)

    inverse.__name__ = inverse.__qualname__ = f"_{name}"
    inverse.__doc__ = doc

    def answer(p, df, loc, scale):
        """That at its scale, and that at scale one, whose slopes are those in the scale."""
        args = jnp.broadcast_arrays(jnp.asarray(p), positive(df), jnp.asarray(loc), positive(scale))
        p, df, loc, scale = args
        return _answer(p, df, scale), _answer(p, df, jnp.ones_like(scale))

    def of(fn, which: int = 0):
        return lambda answers, p, df, loc, scale: sign * fn(answers[which]) + 0.0 * jnp.asarray(loc)

    def of_one(fn):
        return of(fn, 1)

    def zero(_, p, df, loc, scale):
        return 0.0 * (chance(p) + positive(df) + jnp.asarray(loc) + positive(scale))

    def fall_in_df(_, p, df, loc, scale):
        p, df, scale = jnp.broadcast_arrays(jnp.asarray(p), positive(df), positive(scale))
        return sign * along(_fall, 1)(p, df, scale) + 0.0 * jnp.asarray(loc)

    firsts = dict(
        p=of(lambda own: own.rise),
        df=of(lambda own: own.drift),
        loc=lambda *args: 1 + zero(*args),
        scale=of_one(lambda one: one.away),
    )
    seconds = {
        ("p", "p"): of(_rise_in_p),
        ("p", "df"): of(_rise_in_df),
        ("p", "scale"): of_one(lambda one: one.rise),
        ("df", "df"): fall_in_df,
        ("df", "scale"): of_one(lambda one: one.drift),
        ("scale", "scale"): zero,
        **{(one, "loc"): zero for one in ("p", "df", "loc")},
        ("loc", "scale"): zero,
    }
    fn, rule = with_answer(inverse, answer, firsts, seconds)
    return Differentiable(fn, inverse, dict(rule.partials), dict(rule.seconds))


QUANTILE = _inverse("quantile", 1, "The x below which lies probability p; NaN outside [0, 1].")
ISF = _inverse("isf", -1, "The x above which lies probability p, accurate where p is tiny.")
