r"""The inverses of the regularised incomplete gamma functions in x.

A guess that is right to a few percent of the tail everywhere, then Halley's method for the
logarithm of the smaller tail against that of x, a few steps at most. For a >= 1 the guess inverts
$\tfrac12\eta^2 = x / a - 1 - \log(x / a)$ at the normal quantile over $\sqrt a$ and its first
correction; for a < 1 it is the first terms of the series at zero, or those at infinity.
"""

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.domains import OPEN_UNIT
from jaxmath.formula import Decreasing, Formula, Increasing, Source
from jaxmath.special import incomplete_gamma, tails
from jaxmath.special.gamma import digamma, gammaln, stirling_error_dx, trigamma
from jaxmath.special.incomplete_gamma import SHAPE
from jaxmath.special.logarithm import log1p, log1p_gap_ratio
from jaxmath.special.loops import if_any
from jaxmath.special.normal_tail import ndtri
from jaxmath.special.partials import along, with_partials
from jaxmath.special.polynomial import polynomial
from jaxmath.typing import Real

STEPS = 3
"""At most; each trebles the digits, and two suffice nearly everywhere."""
LEAST = -200.0
"""Where log(x) is below this the first term of the series is all there is."""

# In eta, of v / eta for the v of `log_ratio`, -1.6 < eta < 3.2: Chebyshev's expansion, to 1e-6.
_LOG_RATIO = (
    1.0, -0.166667, 0.0277798, -0.00370454, 0.000228472, 6.05064e-05, -2.43189e-05, 3.82461e-06,
    -1.86679e-07, -1.10881e-08,
)  # fmt: skip
# In eta / (1 + |eta|), of log(eta / (e^v - 1)) / eta for |eta| < 38: the same, to 5e-3.
_CORRECTION = (-0.336, 0.01233, 0.09413, 0.2524, -0.4878, -0.2708, 0.6969)


def log_ratio(eta):
    r"""The v of the sign of eta with $\tfrac12\eta^2 = e^v - 1 - v$, to four digits or more."""
    half = jnp.square(eta) / 2
    right = jnp.log(1 + half + jnp.log(1 + half + jnp.log(1 + half)))
    left = -1 - half + jnp.exp(-1 - half + jnp.exp(-1 - half))
    near = eta * polynomial(_LOG_RATIO, jnp.clip(eta, -1.6, 3.2))
    return jnp.where(eta > 3.2, right, jnp.where(eta < -1.6, left, near))


def _central(a, small, lower):
    """The logarithm of x for a >= 1 where the tail is `small`."""
    large = jnp.where(a < 1, 1.0, a)
    part = jnp.sqrt(1 / large)
    eta = jnp.where(lower, 1.0, -1.0) * ndtri(small) * part
    change = polynomial(_CORRECTION, eta / (1 + jnp.abs(eta)))
    return log_ratio(eta + change / large) + jnp.log(large)


def _outer(a, small, lower):
    """The logarithm of x for a < 1 where the tail is `small`."""
    tiny = jnp.where(a < 1, a, 0.5)
    other = 1 - small
    first = _first(tiny, small, lower)
    at_zero = first + jnp.exp(jnp.minimum(first, 0.0)) / (tiny + 1)
    log_upper = jnp.log(jnp.where(lower, other, small))
    height = jnp.log(tiny) - log_upper - gammaln(1 + tiny)
    x = jnp.maximum(height, 0.1)
    for _ in range(2):
        x = jnp.maximum(height + (tiny - 1) * jnp.log(x) + log1p((tiny - 1) / (x + 1)), 0.1)
    upper = jnp.where(lower, other, small)
    return jnp.where(upper > 0.4 * tiny, at_zero, jnp.log(x))


def _first(a, small, lower):
    """The logarithm of x by the first term of the series at zero."""
    return (jnp.where(lower, jnp.log(small), log1p(-small)) + gammaln(1 + a)) / a


def _step(a, x, small, lower):
    """What Halley's method takes from log(x)."""
    off, rate = tails.off(incomplete_gamma.tail_of(a, x), lower, small)
    step = jnp.clip(off / rate, -3.0, 3.0)
    return step / jnp.clip(1 - step * (a - x - rate) / 2, 0.5, 2.0)


def _inverse(a, p, lower: bool):
    """The x whose lower or upper tail is p."""
    a, p = jnp.asarray(a), jnp.asarray(p)
    dtype = jnp.result_type(a, p)
    a, p = a.astype(dtype), p.astype(dtype)
    limits, inside = (a > 0) & (a < jnp.inf), (p > 0) & (p < 1)
    shape, given = jnp.where(limits, a, 1.0), jnp.where(inside, p, 0.5)
    under = given < 0.5
    small = jnp.where(under, given, 1 - given)
    below = under == lower  # whether the lower tail is the small one

    central = if_any(shape >= 1, _central, shape, small, below)
    log_x = jnp.where(shape < 1, if_any(shape < 1, _outer, shape, small, below), central)
    first = _first(shape, small, below)
    exact = first < LEAST
    x = jnp.exp(jnp.where(exact, 0.0, log_x))
    step = jnp.where(exact, 0.0, 1.0)
    for _ in range(STEPS):
        # The tail was off by no more than this many parts.
        unfinished = jnp.abs(step) * (shape + x + 1) > jnp.finfo(dtype).eps ** (1 / 3)
        step = if_any(unfinished, _step, shape, x, small, below)
        x = x + x * jnp.expm1(-step)  # of small steps more exact than by the exponential
    x = jnp.where(exact, jnp.exp(first), x)
    nothing, everything = (p == 0) & limits, (p == 1) & limits
    zero, infinite = (nothing, everything) if lower else (everything, nothing)
    rest = jnp.where(zero, 0.0, jnp.where(infinite, jnp.inf, jnp.nan))
    return jnp.where(limits & inside, x, rest)


def _gammaincinv(a: Real, p: Real) -> Float[Array, "..."]:
    r"""The x >= 0 with $P(a, x) = p$, for a > 0 and p in [0, 1]."""
    return _inverse(a, p, True)


def _gammainccinv(a: Real, q: Real) -> Float[Array, "..."]:
    r"""The x >= 0 with $Q(a, x) = q$, for a > 0 and q in [0, 1]."""
    return _inverse(a, q, False)


class Answer(NamedTuple):
    r"""An x with a tail of p, and how its logarithm l moves with p and with a.

    By the implicit function theorem of the logarithm S of the tail that is computed. Where that is
    T, p or one less, and $h = \partial S / \partial l$, with g for the slope of log T in p:

    $l_p = 1 / (h T)$, $l_a = -S_a / h$, $l_{pp} = -l_p^2 (a - x)$, $l_{pa} = -l_p g$ and
    $l_{aa} = -S_{aa} / h - l_a (2 g + (h - a + x) l_a)$, where $g = l - \psi(a) + (a - x) l_a$.

    Attributes:
        x: one where it is too small, or a limit.
        log: its logarithm, which is finite where x is too small.
        usual, tiny: whether x is itself, or too small: the first term of the series is all.
        gap: a - x.
        in_p, in_a, twist, bend: $l_p$, $l_a$, g and $l_{aa}$.
        end: the limit, where neither `usual` nor `tiny`.
    """

    x: Array
    log: Array
    usual: Array
    tiny: Array
    gap: Array
    in_p: Array
    in_a: Array
    twist: Array
    bend: Array
    end: Array


def _log_own(a, x):
    """The logarithm of the tail that is computed."""
    tail = incomplete_gamma.tail_of(a, x, rolled=True)
    return tail.exponent + jnp.log(tail.factor)


_log_own_da = along(_log_own, 0)
_log_own_da_da = along(_log_own_da, 0)


def _twist(a, x, in_a):
    """The g of an answer, without the logarithms that cancel where x is close to a large a."""
    small = a < 1
    some, large = jnp.where(small, a, 0.5), jnp.where(small, 1.0, a)
    near_zero = 1 / some + (jnp.log(x) - digamma(1 + some) + (some - x) * in_a)
    u = (x - large) / large
    close = jnp.where(jnp.abs(u) < 0.5, u, 0.0)
    gap = jnp.where(close == u, -jnp.square(u) * log1p_gap_ratio(close), jnp.log(x / large) - u)
    error = 0.5 / large - stirling_error_dx(large)
    return jnp.where(small, near_zero, gap + u * (1 - large * in_a) + error)


def answer(fn, a, p, lower: bool) -> Answer:
    """How the inverse `fn` of the lower or the upper tail moves."""
    end = fn(a, p)
    a, p, end = jnp.broadcast_arrays(a, p, end)
    inside = (p > 0) & (p < 1) & (end < jnp.inf)
    a, p = jnp.where(inside, a, 1.0), jnp.where(inside, p, 0.5).astype(end.dtype)
    tiny = inside & (end < 4 * jnp.finfo(end.dtype).tiny)
    usual = inside & ~tiny
    x = jnp.where(usual, end, 1.0)
    under = p < 0.5
    first = _first(a, jnp.where(under, p, 1 - p), under == lower)

    tail = incomplete_gamma.tail_of(a, x, rolled=True)
    h = tail.rate / tail.factor
    h = jnp.where(tiny, a, jnp.where(tail.lower, h, -h))
    own = tail._replace(lower=tail.lower | tiny)
    # At the first term S is a l - log gamma(1 + a).
    log = jnp.where(tiny, first, jnp.log(x))
    in_a = jnp.where(tiny, digamma(1 + a) - first, -_log_own_da(a, x)) / h
    twist = jnp.where(tiny, 1 / a, _twist(a, x, in_a))
    bends = jnp.where(tiny, -trigamma(1 + a), _log_own_da_da(a, x))
    excess = jnp.where(tiny, 0.0, h - (a - x))
    return Answer(
        x=x,
        log=log,
        usual=usual,
        tiny=tiny,
        gap=jnp.where(tiny, a, a - x),
        in_p=tails.of_quantile(own, 1 / h, p, lower),
        in_a=in_a,
        twist=twist,
        bend=-bends / h - in_a * (2 * twist + excess * in_a),
        end=end,
    )


class Part(NamedTuple):
    """A derivative of an answer x, or of one over it, in parts of that.

    Attributes:
        of: of an answer and the power, 1 or -1.
        at_end: that of x itself, of a and of x, where x is zero or infinite.
    """

    of: Callable[[Answer, int], Array]
    at_end: Callable[[Array, Array], Array]


def lifted(half, factor):
    """The factor times the square of `half`, zero where that is, however large the factor."""
    return jnp.where(half == 0, 0.0, half * factor * half)


def _rise_at_end(a, x):
    at_zero = jnp.where(a < 1, 0.0, jnp.where(a == 1, 1.0, jnp.inf))
    return jnp.where(x == 0, at_zero, x)


def _bend_at_end(a, x):
    flat = jnp.where(a == 0.5, jnp.pi / 2, jnp.where(a == 1, 1.0, 0.0))
    at_zero = jnp.where((a > 0.5) & (a != 1), jnp.sign(1 - a) * jnp.inf, flat)
    return jnp.where(x == 0, at_zero, x)


def _still_at_end(a, x):
    return x + 0.0 * a


IN_P = Part(lambda at, power: power * at.in_p, _rise_at_end)
IN_A = Part(lambda at, power: power * at.in_a, _still_at_end)
IN_P_P = Part(lambda at, power: jnp.square(at.in_p) * (1 - power * at.gap), _bend_at_end)
IN_P_A = Part(
    lambda at, power: at.in_p * (at.in_a - power * at.twist),
    lambda a, x: 0.0 * _rise_at_end(a, x),
)
IN_A_A = Part(lambda at, power: power * at.bend + jnp.square(at.in_a), _still_at_end)


def _slopes(inverse, lower: bool):
    """The partials of an inverse and their slopes, by argument."""
    second = list(inspect.signature(inverse).parameters)[1]

    def of(part: Part):
        def slope(a, p):
            at = answer(inverse, a, p, lower)
            half, factor = jnp.exp(at.log / 2), part.of(at, 1)
            value = jnp.where(at.tiny, lifted(half, factor), at.x * factor)
            turned = part is IN_P and not lower
            at_end = part.at_end(jnp.asarray(a), at.end) * (-1 if turned else 1)
            return jnp.where(at.usual | at.tiny, value, at_end)

        # The arguments of the inverse, by which rules know what moves it.
        result: Any = slope
        result.__signature__ = inspect.signature(inverse)
        return result

    partials = {"a": of(IN_A), second: of(IN_P)}
    seconds = {("a", "a"): of(IN_A_A), ("a", second): of(IN_P_A), (second, second): of(IN_P_P)}
    return partials, seconds


_GAMMAINCINV, _GAMMAINCINV_BENDS = _slopes(lambda a, p: gammaincinv(a, p), True)
_GAMMAINCCINV, _GAMMAINCCINV_BENDS = _slopes(lambda a, q: gammainccinv(a, q), False)
gammaincinv, _GAMMAINCINV = with_partials(_gammaincinv, _GAMMAINCINV, _GAMMAINCINV_BENDS)
gammainccinv, _GAMMAINCCINV = with_partials(_gammainccinv, _GAMMAINCCINV, _GAMMAINCCINV_BENDS)

INVERSE_GAMMA = (
    Formula(
        fn=gammaincinv,
        plain=_gammaincinv,
        domain=dict(a=SHAPE, p=OPEN_UNIT),
        partials=_GAMMAINCINV,
        seconds=_GAMMAINCINV_BENDS,
        facts=(Increasing("a"), Increasing("p")),
        tex=r"P(a, x) = p",
        source=Source("temme1979asymptotic", "section 3"),
        topic="P10",
    ),
    Formula(
        fn=gammainccinv,
        plain=_gammainccinv,
        domain=dict(a=SHAPE, q=OPEN_UNIT),
        partials=_GAMMAINCCINV,
        seconds=_GAMMAINCCINV_BENDS,
        facts=(Increasing("a"), Decreasing("q")),
        tex=r"Q(a, x) = q",
        source=Source("temme1979asymptotic", "section 3"),
        topic="P10",
    ),
)
