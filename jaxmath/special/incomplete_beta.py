r"""The regularised incomplete beta function: both tails and their logarithms, with all slopes.

A tail is the height $x^a y^b / B(a, b)$ times a ratio of ordinary size. Slopes are those of the
logarithm of the tail that is computed: of the height, without cancelling, and of the ratio.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.domains import OPEN_UNIT
from jaxmath.formula import Bounded, Decreasing, Formula, Increasing, Source, with_rule
from jaxmath.special import tails
from jaxmath.special.beta_tail import (
    in_log_odds,
    moved_logarithm,
    ratio_in_x,
    tail_of,
)
from jaxmath.special.gamma import (
    digamma_difference,
    stirling_error_dx,
    trigamma,
    trigamma_difference,
)
from jaxmath.special.incomplete_gamma import SHAPE
from jaxmath.special.logarithm import log1p_or_log
from jaxmath.special.partials import along, minus, with_partials
from jaxmath.special.ratio import balanced_product
from jaxmath.special.tails import Tail
from jaxmath.typing import Real

NAMES = ("a", "b", "x")


def _inside(a, b, x):
    """The arguments, replaced where each is outside, and which limit to take: 0, 1 or none.

    Each for itself: what is made of numbers alone is made once for an array of places.
    """
    a, b, x = jnp.asarray(a), jnp.asarray(b), jnp.asarray(x)
    dtype = jnp.result_type(a, b, x)
    a, b, x = a.astype(dtype), b.astype(dtype), x.astype(dtype)
    right = (a > 0) & (b > 0) & (x >= 0) & (x <= 1) & ~((a == jnp.inf) & (b == jnp.inf))
    zero = right & ((x == 0) & (b < jnp.inf) | (a == jnp.inf) & (x < 1))
    one = right & ((x == 1) & (a < jnp.inf) | (b == jnp.inf) & (x > 0))
    valid = right & ~zero & ~one & (a < jnp.inf) & (b < jnp.inf)
    inner = (
        *(jnp.where((part > 0) & (part < jnp.inf), part, 2.0) for part in (a, b)),
        jnp.where((x > 0) & (x < 1), x, 0.25),
    )
    return *inner, jnp.where(zero, 0.0, jnp.where(one, 1.0, jnp.where(valid, 0.5, jnp.nan)))


def _at(a, b, x, *, rolled: bool) -> Tail:
    return tail_of(a, b, x, 1 - x, rolled=rolled)


_side, _log_side = tails.sides(_inside, _at)


def _betainc(a: Real, b: Real, x: Real) -> Float[Array, "..."]:
    r"""The regularised incomplete beta function $I_x(a, b)$, for a, b > 0 and x in [0, 1]."""
    return _side(True)(a, b, x)


def _betaincc(a: Real, b: Real, x: Real) -> Float[Array, "..."]:
    r"""The complement $1 - I_x(a, b) = I_{1-x}(b, a)$."""
    return _side(False)(a, b, x)


def _log_betainc(a: Real, b: Real, x: Real) -> Float[Array, "..."]:
    r"""The logarithm $\log I_x(a, b)$; minus infinity at x = 0."""
    return _log_side(True)(a, b, x)


def _log_betaincc(a: Real, b: Real, x: Real) -> Float[Array, "..."]:
    r"""The logarithm $\log(1 - I_x(a, b))$; minus infinity at x = 1."""
    return _log_side(False)(a, b, x)


def _betainc_dx(a: Real, b: Real, x: Real) -> Float[Array, "..."]:
    r"""The density $x^{a-1} (1 - x)^{b-1} / B(a, b)$ of the beta distribution."""
    first, second, place = (jnp.asarray(part) for part in (a, b, x))
    a, b, x, limit = _inside(a, b, x)
    y = 1 - x
    tail = tail_of(a, b, x, y)
    value = tails.times_exponential(tail, tail.rate, x, y)

    def at_end(own, other, there):
        height = jnp.where(own < 1, jnp.inf, jnp.where(own == 1, other, 0.0))
        return jnp.where(there, height, 0.0)

    at_zero, at_one = at_end(first, second, place == 0), at_end(second, first, place == 1)
    return tails.at_limits(limit, value, at_zero, at_one)


def betainc_dx_dx(a: Real, b: Real, x: Real) -> Float[Array, "..."]:
    """The slope of the density in x, which may be of ordinary size where the density is not."""
    first, second, place = (jnp.asarray(part) for part in (a, b, x))
    a, b, x, limit = _inside(a, b, x)
    y = 1 - x
    tail = tail_of(a, b, x, y, rolled=True)
    part = jnp.exp(tail.exponent / 4)
    rise = (a - 1) * y - (b - 1) * x
    value = balanced_product(part / x * part / y, part / x * part / y, tail.rate * rise)

    def at_end(own, other, there):
        steep = jnp.where(own > 1, jnp.inf, -jnp.inf)
        rise = jnp.where(own == 1, -other * (other - 1), jnp.where(own < 2, steep, 0.0))
        rise = jnp.where(own == 2, other * (other + 1), rise)
        return jnp.where(there, rise, 0.0)

    at_zero, at_one = at_end(first, second, place == 0), -at_end(second, first, place == 1)
    return tails.at_limits(limit, value, at_zero, at_one)


def betainc_dx_da(a: Real, b: Real, x: Real) -> Float[Array, "..."]:
    r"""The density times $\log x - \psi(a) + \psi(a + b)$."""
    a, b, x = (jnp.asarray(part) for part in (a, b, x))
    y = 1 - x
    return betainc_dx(a, b, x) * log_excess(a, b, x, y)


def betainc_dx_db(a: Real, b: Real, x: Real) -> Float[Array, "..."]:
    r"""The density times $\log(1 - x) - \psi(b) + \psi(a + b)$."""
    a, b, x = (jnp.asarray(part) for part in (a, b, x))
    y = 1 - x
    return betainc_dx(a, b, x) * log_excess(b, a, y, x)


def _log_excess(a, b, x, y):
    """log(x) - digamma(a) + digamma(a + b), whose terms cancel for large a near the mean.

    From these terms or, where they are smaller, from those of another sum.
    """
    small = a < 1
    large = jnp.where(small, 1.0, a)
    log_x = log1p_or_log(x >= 0.5, -y, x)
    way = digamma_difference(a, b)
    excess = b / large * (x - y * (large / b))
    near = log1p_or_log(excess >= -0.5, excess, x * (1 + b / large))
    total = large + b
    ends = stirling_error_dx(total), stirling_error_dx(large)
    plain = small | (jnp.abs(log_x) + jnp.abs(way) < jnp.abs(near) + jnp.abs(ends[1]))
    return jnp.where(plain, log_x + way, near + (b / total / large / 2 + ends[0] - ends[1]))


log_excess = with_rule(
    _log_excess,
    a=lambda a, b, x, y: trigamma_difference(a, b) + 0.0 * x,
    b=lambda a, b, x, y: trigamma(a + b) + 0.0 * x,
    x=lambda a, b, x, y: 1 / x + 0.0 * (a + b),
    y=lambda a, b, x, y: 0.0 * (a + b + y),
)
"""The slope in a of the logarithm of the height; its x and y move together."""
betainc_dx = with_rule(_betainc_dx, a=betainc_dx_da, b=betainc_dx_db, x=betainc_dx_dx)


def _in_height(argnum: int, place):
    """The slope in a (0) or in b (1) of the logarithm of the height."""
    a, b, x, y = place
    return log_excess(b, a, y, x) if argnum else log_excess(a, b, x, y)


def in_shape(argnum: int, place):
    """The tail that is computed, the slopes in a (0) or b (1) of its logarithm and the ratio's."""
    one, none = jnp.ones_like(place[2]), jnp.zeros_like(place[2])
    way = (none, one, none, none) if argnum else (one, none, none, none)
    return moved_logarithm(place, way, _in_height(argnum, place))


def _moved(argnum: int, lower: bool, log: bool, a, b, x, y):
    """The slope of one tail, or of its logarithm, in a shape or in x = 1 - y."""
    place = jnp.broadcast_arrays(a, b, x, y)
    if argnum == 2:
        return tails.moved(*in_log_odds(place), lower, log, *place[2:])
    return tails.moved(*in_shape(argnum, place)[:2], lower, log)


def _slope(argnum: int, *, lower: bool, log: bool = False):
    def slope(a, b, x):
        a, b, x, limit = _inside(a, b, x)
        at_end = jnp.nan if argnum == 2 else 0.0
        return tails.at_limits(limit, _moved(argnum, lower, log, a, b, x, 1 - x), at_end, at_end)

    return slope


def _log_bend(lower: bool):
    """The second derivative in x of the logarithm of one tail.

    Of the tail that is computed by its ratio to the height, of the other one by the density.
    """

    def bend(a, b, x):
        density = betainc_dx_dx(a, b, x) if lower else -betainc_dx_dx(a, b, x)
        a, b, x, limit = _inside(a, b, x)
        place = jnp.broadcast_arrays(a, b, x, 1 - x)
        x, y = place[2:]
        tail, in_odds = in_log_odds(place)
        slope = tails.moved(tail, in_odds, lower, True, x, y)
        other = density / tails.side(tail, lower) - jnp.square(slope)
        own = slope * (1 / y - 1 / x - ratio_in_x(place))
        return tails.at_limits(limit, jnp.where(tail.lower == lower, own, other), jnp.nan, jnp.nan)

    return bend


def _log_bend_in(argnum: int, lower: bool):
    """The second derivative in a shape and x of the logarithm: that in x is height over tail."""

    def bend(a, b, x):
        a, b, x, limit = _inside(a, b, x)
        place = jnp.broadcast_arrays(a, b, x, 1 - x)
        slope = tails.moved(*in_log_odds(place), lower, True, *place[2:])
        tail, in_log, in_ratio = in_shape(argnum, place)
        other = _in_height(argnum, place) - tails.moved(tail, in_log, lower, True)
        value = slope * jnp.where(tail.lower == lower, -in_ratio, other)
        return tails.at_limits(limit, value, jnp.nan, jnp.nan)

    return bend


_SECONDS = {
    ("x", "x"): betainc_dx_dx,
    ("a", "x"): betainc_dx_da,
    ("b", "x"): betainc_dx_db,
}


def _named(fn):
    return lambda a, b, x: fn(a, b, x)


def _bound(fn, partials, seconds):
    """Bound to its partials, and these to theirs: by forward mode alone, which compiles soon."""
    partials = {name: _named(partial) for name, partial in partials.items()}
    shapes = {
        (one, two): along(partials[one], NAMES.index(two))
        for one, two in (("a", "a"), ("a", "b"), ("b", "b"))
    }
    return with_partials(fn, partials, shapes | dict(seconds))


def _side_bound(fn, lower: bool, seconds):
    firsts = {name: _slope(k, lower=lower) for k, name in enumerate(NAMES[:2])}
    return _bound(fn, firsts | dict(x=betainc_dx if lower else minus(betainc_dx)), seconds)


def _log_bound(fn, lower: bool):
    firsts = {name: _slope(k, lower=lower, log=True) for k, name in enumerate(NAMES)}
    seconds = {
        ("a", "x"): _log_bend_in(0, lower),
        ("b", "x"): _log_bend_in(1, lower),
        ("x", "x"): _log_bend(lower),
    }
    return _bound(fn, firsts, seconds)


_UPPER_SECONDS = {pair: minus(second) for pair, second in _SECONDS.items()}
betainc, _BETAINC = _side_bound(_betainc, True, _SECONDS)
betaincc, _BETAINCC = _side_bound(_betaincc, False, _UPPER_SECONDS)
log_betainc, _LOG_BETAINC = _log_bound(_log_betainc, True)
log_betaincc, _LOG_BETAINCC = _log_bound(_log_betaincc, False)
log_betainc_dx, log_betaincc_dx = _LOG_BETAINC["x"], _LOG_BETAINCC["x"]


def _inside_shares(a, b, x, y):
    """As `_inside`, of both shares x = 1 - y: the larger one alone would not tell the other."""
    x, y = jnp.asarray(x), jnp.asarray(y)
    ends = (x > 0) & (y > 0)
    a, b, _, limit = _inside(a, b, jnp.where(ends, 0.5 + 0.0 * x, x))
    return a, b, jnp.where(ends, x, 0.25), jnp.where(ends, y, 0.75), limit


_shares_side, _log_shares_side = tails.sides(_inside_shares, tail_of)


def _betainc_shares(a, b, x, y):
    return _shares_side(True)(a, b, x, y)


def _betaincc_shares(a, b, x, y):
    return _shares_side(False)(a, b, x, y)


def _log_betainc_shares(a, b, x, y):
    return _log_shares_side(True)(a, b, x, y)


def _log_betaincc_shares(a, b, x, y):
    return _log_shares_side(False)(a, b, x, y)


def _of_shares(fn, lower: bool, log: bool):
    """A tail at x = 1 - y, with its slopes; their slope in x is that with y its rest."""

    def slope(argnum):
        def partial(a, b, x, y):
            a, b, x, y, limit = _inside_shares(a, b, x, y)
            return tails.at_limits(limit, _moved(argnum, lower, log, a, b, x, y), 0.0, 0.0)

        return partial

    slopes = {name: slope(k) for k, name in enumerate(NAMES)}
    return with_rule(fn, **slopes, y=lambda a, b, x, y: 0.0 * (x + y))


betainc_shares = _of_shares(_betainc_shares, True, False)
betaincc_shares = _of_shares(_betaincc_shares, False, False)
log_betainc_shares = _of_shares(_log_betainc_shares, True, True)
log_betaincc_shares = _of_shares(_log_betaincc_shares, False, True)

DIDONATO = "didonato1992beta"
_DOMAIN = dict(a=SHAPE, b=SHAPE, x=OPEN_UNIT)

INCOMPLETE_BETA = (
    Formula(
        fn=betainc,
        plain=_side(True, rolled=True),
        domain=_DOMAIN,
        partials=_BETAINC,
        seconds=_SECONDS,
        facts=(Increasing("x"), Decreasing("a"), Increasing("b"), Bounded("x", 0.0, 1.0)),
        tex=r"I_x(a, b) = \frac{1}{B(a, b)} \int_0^x t^{a-1} (1 - t)^{b-1}\,dt",
        source=Source(DIDONATO, "eq. 9"),
        topic="P10",
    ),
    Formula(
        fn=betaincc,
        plain=_side(False, rolled=True),
        domain=_DOMAIN,
        partials=_BETAINCC,
        seconds=_UPPER_SECONDS,
        facts=(Decreasing("x"), Increasing("a"), Decreasing("b"), Bounded("x", 0.0, 1.0)),
        tex=r"1 - I_x(a, b) = I_{1-x}(b, a)",
        source=Source(DIDONATO, "eq. 9"),
        topic="P10",
    ),
    Formula(
        fn=log_betainc,
        plain=_log_side(True, rolled=True),
        domain=_DOMAIN,
        partials=_LOG_BETAINC,
        facts=(Increasing("x"),),
        tex=r"\log I_x(a, b)",
        source=Source(DIDONATO, "eq. 9"),
        topic="P10",
    ),
    Formula(
        fn=log_betaincc,
        plain=_log_side(False, rolled=True),
        domain=_DOMAIN,
        partials=_LOG_BETAINCC,
        facts=(Decreasing("x"),),
        tex=r"\log(1 - I_x(a, b))",
        source=Source(DIDONATO, "eq. 9"),
        topic="P10",
    ),
)
