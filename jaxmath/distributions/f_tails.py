r"""Both tails of Fisher's F distribution, their logarithms, and all their derivatives.

Those of a beta variable whose odds are $\tfrac{a}{b} x$; all slopes move these as well.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array

from jaxmath.distributions.f_density import (
    DENSITY,
    LOG_PROB,
    above_zero,
    or_one,
    place,
    prob,
)
from jaxmath.distributions.location_scale import positive
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
from jaxmath.special.partials import along, minus, with_answer
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


class _Answer(NamedTuple):
    """What the slopes at an x above zero are made of; below it, that x is one.

    Attributes:
        args: x and both degrees of freedom.
        tail: the one that is computed.
        rate: the slope of its logarithm in log x.
        moves: by degrees of freedom, what `moves` says.
        low, high: where x is so near to zero or so large that the first term of a series is all.
    """

    args: tuple[Array, Array, Array]
    tail: Tail
    rate: Array
    moves: dict[str, tuple[Array, Array]]
    low: Array
    high: Array

    def in_parameter(self, key: str, lower: bool, *, log: bool):
        """The slope of a tail, or of its logarithm, in one of the degrees of freedom."""
        return tails.moved(self.tail, self.moves[key][0], lower, log)


def _answer(x, dfn, dfd) -> _Answer:
    args = or_one(jnp.asarray(x)), positive(dfn), positive(dfd)
    moved = {key: moves(key, *args) for key in ("dfn", "dfd")}
    at = _place(*args, squared=True)
    return _Answer(
        args, computed(*args), in_x(*args), moved, at.tiny & at.under, at.tiny & ~at.under
    )


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

    def made(inner):
        """Of the answer above zero, and zero below it."""

        def slope(at, x, dfn, dfd):
            *_, n, d = at.args
            return jnp.where(jnp.asarray(x) <= 0, 0.0, inner(at)) + 0.0 * (n + d)

        return slope

    def plain(fn):
        return lambda _, *args: fn(*args)

    def in_log_x(at):
        """The slope of the logarithm in x."""
        return tails.moved(at.tail, at.rate, lower, True, at.args[0])

    def bend(at):
        """In x, of the logarithm: by the ratio, or of the tail that isn't computed by density."""
        slope = in_log_x(at)
        own = slope / at.args[0] * (-1 - ratio_bend(*at.args))
        density = DENSITY["prob"].partials["x"](*at.args)
        density = (density if lower else -density) / tails.side(at.tail, lower)
        return jnp.where(at.tail.lower == lower, own, density - jnp.square(slope))

    def mixed(key):
        """In x and a parameter, of the logarithm: the slope in x is the height over the tail."""

        def inner(at):
            other = LOG_PROB[key](*at.args) - at.in_parameter(key, lower, log=True)
            value = in_log_x(at) * jnp.where(at.tail.lower == lower, -at.moves[key][1], other)
            if key == ("dfd" if lower else "dfn"):
                # The second term of the series, so small beside one that the ratio has lost it.
                _, *shapes = at.args
                own, other = shapes if lower else shapes[::-1]
                least = own / (own + 2) / 2 * jnp.square(own / other)
                over = 1 / at.args[0]
                least = least if lower else -(least * over) * over
                value = jnp.where(at.low if lower else at.high, least, value)
            return value

        return made(inner)

    def in_both(one, argnum):
        def slope(*args):
            return tails.moved(computed(*args), MOVED[one](*args), lower, log)

        return made(lambda at: along(slope, argnum)(*at.args))

    tail.__name__ = tail.__qualname__ = f"_{name}"
    tail.__doc__ = doc
    if log:
        rise = made(in_log_x)
        of_rise = dict(x=made(bend), dfn=mixed("dfn"), dfd=mixed("dfd"))
    else:
        bends = DENSITY["prob"].partials
        rise = plain(prob if lower else minus(prob))
        of_rise = {key: plain(fn if lower else minus(fn)) for key, fn in bends.items()}
    partials = dict(
        x=rise,
        dfn=made(lambda at: at.in_parameter("dfn", lower, log=log)),
        dfd=made(lambda at: at.in_parameter("dfd", lower, log=log)),
    )
    seconds = {
        **{("x", key): bend for key, bend in of_rise.items()},
        ("dfn", "dfn"): in_both("dfn", 1),
        ("dfn", "dfd"): in_both("dfn", 2),
        ("dfd", "dfd"): in_both("dfd", 2),
    }
    return with_answer(tail, _answer, partials, seconds)


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
