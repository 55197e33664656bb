r"""Both tails of Fisher's F distribution, their logarithms, and all their derivatives.

Those of a beta variable whose odds are $\tfrac{a}{b} x$; all slopes move these as well.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array

from jaxmath.distributions.f_density import DENSITY, LOG_PROB, above_zero, place, prob
from jaxmath.formula import with_rule
from jaxmath.special import tails
from jaxmath.special.beta_tail import moved_logarithm, ratio_in_x, tail_and_ratio, tail_of
from jaxmath.special.incomplete_beta import (
    betainc_shares,
    betaincc_shares,
    log_betainc_shares,
    log_betaincc_shares,
)
from jaxmath.special.inverse_beta import log_lead
from jaxmath.special.loops import if_any
from jaxmath.special.partials import Rule, along, minus, with_partials
from jaxmath.special.ratio import log_ratio
from jaxmath.special.tails import Tail


def _share(name, sign):
    """One of both shares, with slopes that no square of a share or of x takes out of the dtype."""

    def share(x, dfn, dfd):
        return getattr(place(x, dfn, dfd), name)

    def spread(x, dfn, dfd):
        return sign * _SHARE["y"](x, dfn, dfd) * _SHARE["rest"](x, dfn, dfd)

    return with_rule(
        share,
        x=lambda x, dfn, dfd: spread(x, dfn, dfd) / x,
        dfn=lambda x, dfn, dfd: spread(x, dfn, dfd) / dfn,
        dfd=lambda x, dfn, dfd: -spread(x, dfn, dfd) / dfd,
    )


_SHARE = {name: _share(name, sign) for name, sign in (("y", 1), ("rest", -1))}


class _Place(NamedTuple):
    """A place above zero: whether its smaller share is tiny, the shapes and shares, replaced then.

    `under` tells whether the share of a is the smaller one.
    """

    tiny: Array
    under: Array
    shares: tuple[Array, Array, Array, Array]


def _place(x, dfn, dfd, *, squared: bool = False) -> _Place:
    """Tiny is a share that leaves the dtype, or one whose square does."""
    at = place(x, dfn, dfd)
    info = jnp.finfo(at.small.dtype)
    tiny = at.small < (info.tiny**0.4 if squared else info.tiny / info.eps)
    y, rest = (_SHARE[name](x, dfn, dfd) for name in ("y", "rest"))
    y, rest = jnp.where(tiny, 0.25, y), jnp.where(tiny, 0.75, rest)
    a, b, y, rest = jnp.broadcast_arrays(at.a, at.b, y, rest)
    return _Place(tiny, at.log_odds <= 0, (a, b, y, rest))


def _first(x, a, b):
    """A tiny share's tail by the first term of its series, which is all of it."""
    log_odds = jnp.log(x) + log_ratio(a, b)
    under = log_odds <= 0
    own, other = jnp.where(under, a, b), jnp.where(under, b, a)
    level = -own * jnp.abs(log_odds) - log_lead(own, other)
    return Tail(level, jnp.ones_like(level), own, under, jnp.full_like(under, True))


def computed(x, dfn, dfd):
    """The tail that is computed."""
    at = _place(x, dfn, dfd)
    first = if_any(at.tiny, _first, x, at.shares[0], at.shares[1])
    tail = tail_of(*at.shares, rolled=True)
    return Tail(*(jnp.where(at.tiny, *both) for both in zip(first, tail, strict=True)))


def moves(name, x, dfn, dfd):
    """The slopes in `dfn` or `dfd` of the logarithms of the tail that is computed and its ratio.

    The tail is the height, of which that is the score, times that ratio; of a tiny share the ratio
    is one over its shape.
    """
    at = _place(x, dfn, dfd, squared=True)
    a, b, y, rest = at.shares
    in_a = name == "dfn"
    score, shape = LOG_PROB[name](x, dfn, dfd), a if in_a else b
    turn = y * rest / (shape if in_a else -shape)
    one, none = jnp.ones_like(turn), jnp.zeros_like(turn)
    way = (one, none, turn, -turn) if in_a else (none, one, turn, -turn)
    _, in_log, in_ratio = moved_logarithm(at.shares, way, 2 * score)
    own = jnp.where(at.under == in_a, -0.5 / shape, 0.0)
    return jnp.where(at.tiny, score + own, in_log / 2), jnp.where(at.tiny, own, in_ratio / 2)


def _in_dfn(x, dfn, dfd):
    return moves("dfn", x, dfn, dfd)[0]


def _in_dfd(x, dfn, dfd):
    return moves("dfd", x, dfn, dfd)[0]


def in_x(x, dfn, dfd):
    """The slope in log x of the logarithm of the tail that is computed: one over the ratio."""
    at = _place(x, dfn, dfd, squared=True)
    tail, ratio = tail_and_ratio(*at.shares, rolled=True)
    ratio = jnp.where(at.tiny, 1 / jnp.where(at.under, at.shares[0], at.shares[1]), ratio)
    return jnp.where(jnp.where(at.tiny, at.under, tail.lower), 1 / ratio, -1 / ratio)


MOVED = dict(x=in_x, dfn=_in_dfn, dfd=_in_dfd)


def ratio_bend(x, dfn, dfd):
    """The slope in log x of the logarithm of the ratio."""
    at = _place(x, dfn, dfd, squared=True)
    y, rest = at.shares[2:]
    return jnp.where(at.tiny, 0.0, y * rest * ratio_in_x(at.shares))


def _tail(of_shares, name, doc, *, lower: bool, log: bool = False):
    """A tail, a function of both shapes and both shares, with its slopes and second derivatives."""
    side = tails.log_side if log else tails.side
    none, all_ = (-jnp.inf, 0.0) if log else (0.0, 1.0)

    def inner(x, dfn, dfd):
        at = _place(x, dfn, dfd)
        a, b, *_ = at.shares
        first = if_any(at.tiny, lambda *args: side(_first(*args), lower), x, a, b)
        return jnp.where(at.tiny, first, of_shares(*at.shares))

    tail = above_zero(inner, lambda x, a, b: (none if lower else all_) + 0.0 * (a + b))

    def slope(key):
        def moved(*args):
            over = args[:1] if key == "x" else ()
            return tails.moved(computed(*args), MOVED[key](*args), lower, log, *over)

        return above_zero(moved)

    def bend(x, dfn, dfd):
        """In x, of the logarithm: by the ratio, or of the tail that isn't computed by density."""
        tail = computed(x, dfn, dfd)
        slope = tails.moved(tail, in_x(x, dfn, dfd), lower, True, x)
        own = slope / x * (-1 - ratio_bend(x, dfn, dfd))
        density = DENSITY["prob"].partials["x"](x, dfn, dfd)
        density = (density if lower else -density) / tails.side(tail, lower)
        other = density - jnp.square(slope)
        return jnp.where(tail.lower == lower, own, other)

    def bend_in(key):
        """In x and a parameter, of the logarithm: the slope in x is the height over the tail."""

        def mixed(*args):
            tail = computed(*args)
            slope = tails.moved(tail, in_x(*args), lower, True, args[0])
            in_log, in_ratio = moves(key, *args)
            other = LOG_PROB[key](*args) - tails.moved(tail, in_log, lower, True)
            return slope * jnp.where(tail.lower == lower, -in_ratio, other)

        return above_zero(mixed)

    tail.__name__ = tail.__qualname__ = f"_{name}"
    tail.__doc__ = doc
    firsts = {key: slope(key) for key in ("x", "dfn", "dfd")}
    if log:
        of_x = {
            ("x", "x"): above_zero(bend),
            ("x", "dfn"): bend_in("dfn"),
            ("x", "dfd"): bend_in("dfd"),
        }
    else:
        firsts["x"] = prob if lower else minus(prob)
        of_x = {
            ("x", key): fn if lower else minus(fn) for key, fn in DENSITY["prob"].partials.items()
        }
    seconds = of_x | {
        ("dfn", "dfn"): along(firsts["dfn"], 1),
        ("dfn", "dfd"): along(firsts["dfn"], 2),
        ("dfd", "dfd"): along(firsts["dfd"], 2),
    }
    bound, partials = with_partials(tail, firsts, seconds)
    return bound, Rule(partials, seconds, tail)


cdf, _CDF = _tail(betainc_shares, "cdf", "The probability of at most x.", lower=True)
sf, _SF = _tail(betaincc_shares, "sf", "The probability of more than x, the p-value.", lower=False)
log_cdf, _LOG_CDF = _tail(
    log_betainc_shares,
    "log_cdf",
    "The logarithm of `cdf`, accurate in both tails.",
    lower=True,
    log=True,
)
log_sf, _LOG_SF = _tail(
    log_betaincc_shares,
    "log_sf",
    "The logarithm of `sf`, accurate in both tails.",
    lower=False,
    log=True,
)


TAILS = dict(cdf=_CDF, sf=_SF, log_cdf=_LOG_CDF, log_sf=_LOG_SF)
"""Their derivatives, by name."""
