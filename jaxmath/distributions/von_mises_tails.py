r"""Both tails of the von Mises distribution, of a circle that is cut opposite to zero.

Seen from the mean direction, turned or mirrored so that the cut lies $\pi - \mu$ after it, the
circle has three parts on each of which the density is monotone: from the cut back to the opposite
point (A), from there to the mode (B), and on to the cut (C). A tail is a sum of at most two
integrals and a half, all positive. Each is Gauss's rule from where the density is highest to
where it has fallen by $e^{-38}$, and the height is left out as an exponent, so that no tail is too
small for its logarithm.

With the concentration a tail moves by integrals of $\cos\theta - A(\kappa)$ times the density.
Over half of the circle that is zero, so it is summed from the mode or from the opposite point,
whichever side has one sign.
"""

import math
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxmath.distributions.location_scale import positive
from jaxmath.distributions.shapes import float_dtype
from jaxmath.distributions.standard import Differentiable
from jaxmath.distributions.von_mises_density import (
    log_prob_dconcentration,
    log_prob_dx,
    prob,
    prob_dconcentration,
    prob_dx,
)
from jaxmath.special.bessel import bessel_ratio_complement, i0e
from jaxmath.special.gauss import gauss_legendre
from jaxmath.special.logarithm import log1p
from jaxmath.special.loops import loop
from jaxmath.special.partials import along, minus, with_partials
from jaxmath.typing import Real

END = 38.0
"""Where the density has fallen by 3e-17."""
_RULE = list(zip(*(column.tolist() for column in gauss_legendre(32)), strict=True))
PI_REST = 1.2246467991473532e-16
"""What pi exceeds its float64 by."""


class Place(NamedTuple):
    """A place on half of the circle: how far from the mode, and from the opposite point."""

    ahead: Any
    back: Any


class Circle(NamedTuple):
    """Where x lies; `loc` and `upper` are those of the mirror image where `loc` is negative."""

    low: Any  # from the cut up to x
    high: Any  # from x up to the cut
    x: Place
    cut: Place
    in_a: Any
    in_c: Any
    upper: Any
    k: Any


def pi_of(dtype) -> tuple[Any, Any]:
    """The number next to pi, and what pi exceeds it by."""
    near = np.asarray(math.pi, dtype)
    return near, np.asarray((math.pi - float(near)) + PI_REST, dtype)


def after_pi(sign, x):
    """How far x in [-pi, pi] is above -pi (sign 1), or below pi (sign -1); nothing at the end."""
    pi, rest = pi_of(x.dtype)
    return jnp.where(sign * x <= -pi, 0.0, jnp.maximum((pi + sign * x) + rest, 0.0))


def same_kind(*args):
    """All in one shape and dtype, the last of them positive."""
    dtype = float_dtype(*args)
    *first, k = jnp.broadcast_arrays(*(jnp.asarray(each, dtype) for each in args))
    return (*first, positive(k))


def turned(loc):
    """The same direction in [-pi, pi]."""
    pi, rest = pi_of(loc.dtype)
    turns = jnp.round(loc / (2 * pi))
    return (loc - turns * (2 * pi)) - turns * (2 * rest)


def cut_of(loc) -> Place:
    """The place of the cut, of a direction in [0, pi]."""
    return Place(after_pi(-1, loc), loc)


def _circle(x, loc, concentration, upper) -> Circle:
    x, loc, k = same_kind(x, loc, concentration)
    loc = turned(loc)
    mirror = loc < 0
    pi, _ = pi_of(x.dtype)
    x = jnp.clip(x, -pi, pi)
    x, loc = jnp.where(mirror, -x, x), jnp.abs(loc)
    low, high = after_pi(1, x), after_pi(-1, x)
    cut = cut_of(loc)
    in_a, in_c = low < loc, x > loc
    ahead = jnp.where(in_a, low + cut.ahead, jnp.abs(x - loc))
    back = jnp.where(in_a, loc - low, jnp.where(in_c, high + loc, low - loc))
    return Circle(
        low, high, Place(ahead, jnp.maximum(back, 0.0)), cut, in_a, in_c, upper ^ mirror, k
    )


def _choose(which, one: Place, other: Place) -> Place:
    return Place(*(jnp.where(which, a, b) for a, b in zip(one, other, strict=True)))


def _mode(k) -> Place:
    return Place(0.0 * k, jnp.pi + 0.0 * k)


def fall(place: Place, k):
    """By how much the logarithm of the density has fallen from the mode."""
    s = jnp.sin(place.ahead / 2)
    return 2 * (k * s) * s


def _shift(place: Place, top: Place, k):
    """The logarithm of the density at a place over that at a higher one; none is positive."""
    near = place.ahead + top.ahead < jnp.pi
    both = jnp.where(near, place.ahead + top.ahead, place.back + top.back)
    apart = jnp.where(near, place.ahead - top.ahead, top.back - place.back)
    return jnp.minimum(-2 * (k * jnp.sin(both / 2)) * jnp.sin(apart / 2), 0.0)


def _rise(place: Place, top: Place, k):
    """As `_shift`, of a place that may be the higher one, by a number of order one."""
    higher = place.ahead < top.ahead
    both = _choose(higher, top, place), _choose(higher, place, top)
    shift = _shift(*both, k)
    return jnp.where(higher, jnp.minimum(-shift, 2.0), shift)


def integral(place: Place, length, k, rest=None):
    """The density over that at `place`, from there `length` on, away from the mode.

    Times the cosine less its mean, where `rest` is one less that.
    """
    near = place.ahead < place.back
    base, sign = jnp.where(near, *place), jnp.where(near, 1.0, -1.0).astype(k.dtype)
    s, c, d = jnp.sin(base), sign * jnp.cos(base), END / 2 / k
    # The angle on from which the cosine has fallen by 2 d; there is none where this is negative.
    square = jnp.square(s) + 4 * d * (c - d)
    ends = square > 0
    tangent = 2 * d / (s + jnp.sqrt(jnp.where(ends, square, 1.0)))
    length = jnp.where(ends, jnp.minimum(length, 2 * jnp.arctan(tangent)), length)

    def step(total, unit, weight):
        on = length * unit
        value = jnp.exp(-2 * (k * jnp.sin(base + sign * (on / 2))) * jnp.sin(on / 2))
        if rest is not None:
            value = value * (rest - 2 * jnp.square(jnp.sin((place.ahead + on) / 2)))
        return total + weight * value

    return length * loop(step, jnp.zeros_like(length), _RULE, rolled=True)


def _tail(at: Circle):
    """The highest place of a tail, and the tail over the density there."""
    mode = _mode(at.k)
    first = _choose(
        at.upper,
        _choose(at.in_a | at.in_c, at.x, mode),
        _choose(at.in_a, at.cut, _choose(at.in_c, mode, at.x)),
    )
    reach = jnp.where(
        at.upper,
        jnp.where(at.in_a, at.x.back, jnp.where(at.in_c, at.high, at.x.ahead)),
        jnp.where(at.in_a, at.low, jnp.where(at.in_c, at.x.ahead, at.x.back)),
    )
    half = jnp.where(at.upper, at.in_a, at.in_c)
    single = jnp.where(at.upper, at.in_c, at.in_a)  # the cut adds nothing to it
    other = _choose(at.upper, mode, at.cut)
    top = _choose(half, mode, _choose(single | (first.ahead < other.ahead), first, other))
    other = _choose(single, top, other)
    more = jnp.where(single, 0.0, jnp.where(at.upper, at.cut.ahead, at.cut.back))
    total = jnp.exp(_shift(first, top, at.k)) * integral(first, reach, at.k)
    total = total + jnp.exp(_shift(other, top, at.k)) * integral(other, more, at.k)
    return top, total + jnp.where(half, jnp.pi * i0e(at.k), 0.0)


def _narrowing(at: Circle, top: Place):
    """The slope of the tail in the concentration, in units of the density at `top`."""
    rest = bessel_ratio_complement(at.k)
    mode = _mode(at.k)

    def inner(place):
        return 2 * jnp.square(jnp.sin(place.ahead / 2)) < rest

    # In A and C the integral is that between x and the cut, which may have one sign itself.
    outer_part = at.in_a | at.in_c
    direct = outer_part & (inner(at.x) == inner(at.cut))
    begin = _choose(at.in_a, at.cut, at.x)
    reach = jnp.where(at.in_a, at.low, at.high)

    def from_end(place):
        near = inner(place)
        return _choose(near, mode, place), jnp.where(near, *place), jnp.where(near, 1.0, -1.0)

    start, length, sign = from_end(at.x)
    start, length = _choose(direct, begin, start), jnp.where(direct, reach, length)
    sign = jnp.where(direct, jnp.where(at.in_a, 1.0, -1.0), jnp.where(outer_part, sign, -sign))
    value = sign * integral(start, length, at.k, rest) * jnp.exp(_rise(start, top, at.k))
    start, length, sign = from_end(at.cut)
    other = sign * integral(start, length, at.k, rest) * jnp.exp(_rise(start, top, at.k))
    value = value - jnp.where(direct, 0.0, other)
    at_end = (at.low == 0) | (at.high == 0)
    return jnp.where(at_end, 0.0 * at.k, jnp.where(at.upper, -value, value))


def _whole(k):
    """The density's integral over the circle, over the density at the mode."""
    return 2 * jnp.pi * i0e(k)


def scaled(total, top, k):
    """Over the whole circle; the height in two parts, so that no product is too small."""
    root = jnp.exp(-fall(top, k) / 2)
    return (root * (total / _whole(k))) * root


def _ended(at: Circle, value, none, all_):
    """A tail's value, or what it is of nothing and of the whole circle."""
    nothing = jnp.where(at.upper, at.high, at.low) == 0
    everything = jnp.where(at.upper, at.low, at.high) == 0
    value = jnp.where(nothing, none + 0.0 * at.k, value)
    return jnp.where(everything & ~nothing, all_ + 0.0 * at.k, value)


def _probability(x, loc, concentration, upper):
    at = _circle(x, loc, concentration, upper)
    top, total = _tail(at)
    return _ended(at, jnp.minimum(scaled(total, top, at.k), 1.0), 0.0, 1.0)


def _log_probability(x, loc, concentration, upper):
    at = _circle(x, loc, concentration, upper)
    top, total = _tail(at)
    nothing = total <= 0
    log_total = jnp.log(jnp.where(nothing, 1.0, total) / _whole(at.k))
    value = jnp.where(nothing, -jnp.inf, log_total - fall(top, at.k))
    large = value > -0.7
    rest = jnp.where(large, _probability(x, loc, concentration, not upper), 0.5)
    return _ended(at, jnp.where(large, log1p(-rest), value), -jnp.inf, 0.0)


def _tilt(x, loc, k):
    """The logarithm of the density at x over that at the cut."""
    end = jnp.minimum(after_pi(1, x), after_pi(-1, x))
    return 2 * (k * jnp.cos(x / 2 - loc)) * jnp.sin(end / 2)


def _inside(fn):
    """A slope on the circle; none beyond it."""

    def slope(x, loc, concentration):
        x, loc, k = same_kind(x, loc, concentration)
        pi, _ = pi_of(x.dtype)
        beyond = jnp.abs(x) > pi
        return jnp.where(beyond, 0.0 * (k + loc), fn(jnp.where(beyond, pi, x), loc, k))

    return slope


def _at_cut(fn):
    """A function of the density at the cut."""
    return lambda x, loc, k: fn(jnp.full_like(x, math.pi), loc, k)


def _cdf_dloc(x, loc, k):
    """The density at the cut less that at x, from the higher of both."""
    q = _tilt(x, loc, k)
    more, less = (jnp.expm1(jnp.minimum(each, 0.0)) for each in (-q, q))
    return jnp.where(q > 0, prob(x, loc, k) * more, -_at_cut(prob)(x, loc, k) * less)


def _cdf_dconcentration(x, loc, k):
    at = _circle(x, loc, k, False)
    top = _choose(at.x.ahead < at.cut.ahead, at.x, at.cut)
    return scaled(_narrowing(at, top), top, k)


def _cdf_dloc_dloc(x, loc, k):
    return prob_dx(x, loc, k) - _at_cut(prob_dx)(x, loc, k)


def _cdf_dloc_dconcentration(x, loc, k):
    return _at_cut(prob_dconcentration)(x, loc, k) - prob_dconcentration(x, loc, k)


_FIRSTS = dict(x=_inside(prob), loc=_inside(_cdf_dloc), concentration=_inside(_cdf_dconcentration))
_SECONDS = {
    ("x", "x"): _inside(prob_dx),
    ("x", "loc"): _inside(minus(prob_dx)),
    ("x", "concentration"): _inside(prob_dconcentration),
    ("loc", "loc"): _inside(_cdf_dloc_dloc),
    ("loc", "concentration"): _inside(_cdf_dloc_dconcentration),
    ("concentration", "concentration"): along(_FIRSTS["concentration"], 2),
}


def _log_slopes(upper: bool):
    """The slopes of the logarithm of a tail: those of the tail, each part over it in one step."""
    sign = -1 if upper else 1

    def over_tail(fn):
        """Zero where there is no tail."""

        def ratio(x, loc, k):
            at = _circle(x, loc, k, upper)
            top, total = _tail(at)
            nothing = total <= 0
            total = jnp.where(nothing, 1.0, total)
            return jnp.where(nothing, 0.0 * k, fn(at, top, _tilt(x, loc, k)) / total)

        return ratio

    def hazard(at, top, q):
        return jnp.exp(_shift(at.x, top, at.k))

    def at_cut(at, top, q):
        return jnp.exp(_shift(at.cut, top, at.k))

    def turn(at, top, q):
        more, less = (jnp.expm1(jnp.minimum(each, 0.0)) for each in (-q, q))
        return jnp.where(q > 0, hazard(at, top, q) * more, -at_cut(at, top, q) * less)

    hazard_, cut_ = over_tail(hazard), over_tail(at_cut)
    turn_, change = over_tail(turn), over_tail(lambda at, top, q: _narrowing(at, top))

    def dx(*at):
        return sign * hazard_(*at)

    def dloc(*at):
        return sign * turn_(*at)

    def dx_dx(*at):
        return dx(*at) * (log_prob_dx(*at) - dx(*at))

    def dx_dloc(*at):
        return -dx(*at) * (log_prob_dx(*at) + dloc(*at))

    def dx_dconcentration(*at):
        return dx(*at) * (log_prob_dconcentration(*at) - change(*at))

    def dloc_dloc(*at):
        turned_cut = _at_cut(log_prob_dx)(*at) + dloc(*at)
        return -sign * cut_(*at) * turned_cut - dx_dloc(*at)

    def dloc_dconcentration(*at):
        narrowed_cut = _at_cut(log_prob_dconcentration)(*at) - change(*at)
        return sign * cut_(*at) * narrowed_cut - dx_dconcentration(*at)

    firsts = dict(x=_inside(dx), loc=_inside(dloc), concentration=_inside(change))
    seconds = {
        ("x", "x"): _inside(dx_dx),
        ("x", "loc"): _inside(dx_dloc),
        ("x", "concentration"): _inside(dx_dconcentration),
        ("loc", "loc"): _inside(dloc_dloc),
        ("loc", "concentration"): _inside(dloc_dconcentration),
        ("concentration", "concentration"): along(firsts["concentration"], 2),
    }
    return firsts, seconds


def _bound(plain, firsts, seconds) -> Differentiable:
    fn, partials = with_partials(plain, firsts, seconds)
    return Differentiable(fn, plain, partials, seconds)


def _cdf(x: Real, loc: Real, concentration: Real) -> Float[Array, "..."]:
    """The probability of the angles from the cut up to x."""
    return _probability(x, loc, concentration, False)


def _sf(x: Real, loc: Real, concentration: Real) -> Float[Array, "..."]:
    """The probability of the angles from x up to the cut, accurate where it is tiny."""
    return _probability(x, loc, concentration, True)


def _log_cdf(x: Real, loc: Real, concentration: Real) -> Float[Array, "..."]:
    """The logarithm of `cdf`, accurate in both tails."""
    return _log_probability(x, loc, concentration, False)


def _log_sf(x: Real, loc: Real, concentration: Real) -> Float[Array, "..."]:
    """The logarithm of `sf`, accurate in both tails."""
    return _log_probability(x, loc, concentration, True)


CDF = _bound(_cdf, _FIRSTS, _SECONDS)
SF = _bound(
    _sf,
    {name: minus(fn) for name, fn in _FIRSTS.items()},
    {pair: minus(fn) for pair, fn in _SECONDS.items()},
)
LOG_CDF = _bound(_log_cdf, *_log_slopes(False))
LOG_SF = _bound(_log_sf, *_log_slopes(True))
cdf, log_cdf, sf, log_sf = (each.fn for each in (CDF, LOG_CDF, SF, LOG_SF))
