"""The quantiles of Fisher's F distribution from either end, with their slopes in closed form."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array

from jaxmath.distributions.f_density import LOG_PROB, place
from jaxmath.distributions.f_tails import MOVED, computed, in_x, moves, ratio_bend
from jaxmath.distributions.location_scale import chance, positive
from jaxmath.formula import with_rule
from jaxmath.special import tails
from jaxmath.special.inverse_beta import (
    betainccinv_shares,
    betaincinv_shares,
    rolled_betainccinv_shares,
    rolled_betaincinv_shares,
)
from jaxmath.special.partials import along, with_answer


class _Answer(NamedTuple):
    """An x with a tail of p, and how its logarithm moves with p and both degrees of freedom.

    Attributes:
        args: x and both degrees of freedom; x is one where it is zero, infinite or NaN.
        inside: where it is none of these.
        rate, lead: the slopes in log x of the logarithms of the tail that is computed and of the
            density times x.
        in_p: the slope of log x in p.
        ways: by degrees of freedom, how log x and the logarithm of the density move with them.
        end: x itself.
    """

    args: tuple[Array, Array, Array]
    inside: Array
    rate: Array
    lead: Array
    in_p: Array
    ways: dict[str, tails.Way]
    end: Array


def _answer(x, p, dfn, dfd, lower: bool) -> _Answer:
    x, p, n, d = jnp.broadcast_arrays(x, p, positive(dfn), positive(dfd))
    inside = (x > 0) & (x < jnp.inf)
    args = jnp.where(inside, x, 1.0), n, d
    rate, lead, in_place = in_x(*args), place(*args).gap, ratio_bend(*args)
    in_p = tails.of_quantile(computed(*args), 1 / rate, jnp.where(inside, p, 0.5), lower)

    def way(name):
        in_log, in_ratio = moves(name, *args)
        height = tails.followed(rate, lead, LOG_PROB[name](*args), in_place, in_ratio)
        return tails.Way(-in_log / rate, height)

    ways = {name: way(name) for name in ("dfn", "dfd")}
    return _Answer(args, inside, rate, lead, in_p, ways, x)


def _inverse(shares, rolled, lower: bool, doc, name):
    """The x whose lower or upper tail is p, by both shares; in slopes by those that are rolled."""

    def by(shares):
        def inverse(p, dfn, dfd):
            p = chance(p)
            a, b = positive(dfn) / 2, positive(dfd) / 2
            y, rest = shares(a, b, p + 0.0 * (a + b))
            return b / a * (y / rest)

        return inverse

    inverse = by(shares)
    inverse.__name__ = inverse.__qualname__ = f"_{name}"
    inverse.__doc__ = doc

    def made(inner, at_end=lambda x, n: 0.0 * n):
        """A slope of x from what it is made of at an answer, or at its ends."""

        def slope(at, *_):
            end = jnp.where(jnp.isnan(at.end), jnp.nan, at_end(at.end, at.args[1]))
            return jnp.where(at.inside, inner(at), end)

        return slope

    def rise_at_end(x, n):
        at_zero = jnp.where(n < 2, 0.0, jnp.where(n == 2, 1.0, jnp.inf))
        value = jnp.where(x == 0, at_zero, jnp.inf)
        return value if lower else -value

    def in_p(at):
        return at.args[0] * at.in_p

    def bend(at):
        return (at.args[0] * at.in_p) * (1 - at.lead) * at.in_p

    def in_parameter(key):
        return made(lambda at: at.args[0] * at.ways[key].place)

    def in_p_and(key):
        def inner(at):
            way = at.ways[key]
            return at.args[0] * at.in_p * (way.place - way.height)

        return made(inner)

    def in_both(one, other):
        own = along(MOVED[one], 1 if other == "dfn" else 2)

        def inner(at):
            ways = at.ways[one], at.ways[other]
            value = tails.crossed(own(*at.args), at.rate, at.lead, *ways)
            return at.args[0] * (value + ways[0].place * ways[1].place)

        return made(inner)

    partials = dict(p=made(in_p, rise_at_end), dfn=in_parameter("dfn"), dfd=in_parameter("dfd"))
    seconds = {
        ("p", "p"): made(bend),
        ("p", "dfn"): in_p_and("dfn"),
        ("p", "dfd"): in_p_and("dfd"),
        ("dfn", "dfn"): in_both("dfn", "dfn"),
        ("dfn", "dfd"): in_both("dfn", "dfd"),
        ("dfd", "dfd"): in_both("dfd", "dfd"),
    }

    def answer(p, dfn, dfd):
        return _answer(within(p, dfn, dfd), p, dfn, dfd, lower)

    bound, rule = with_answer(inverse, answer, partials, seconds)
    within = with_rule(by(rolled), **rule.partials)
    return bound, rule


quantile, _QUANTILE = _inverse(
    betaincinv_shares,
    rolled_betaincinv_shares,
    True,
    "The x below which lies probability p; NaN outside [0, 1].",
    "quantile",
)
isf, _ISF = _inverse(
    betainccinv_shares,
    rolled_betainccinv_shares,
    False,
    "The x above which lies probability p; NaN outside [0, 1].",
    "isf",
)


QUANTILES = dict(quantile=_QUANTILE, isf=_ISF)
"""Their derivatives, by name."""
