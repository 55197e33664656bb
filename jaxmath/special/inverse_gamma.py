r"""The inverses of the regularised incomplete gamma functions in x.

A guess that is right to a few percent of the tail everywhere, then Householder's method for the
logarithm of the smaller tail against that of x, a few steps at most. For a >= 1 the guess inverts
$\tfrac12\eta^2 = x / a - 1 - \log(x / a)$ at the normal quantile over $\sqrt a$ and its first
correction; for a < 1 it is the first terms of the series at zero, or those at infinity.
"""

import functools
import inspect
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.domains import OPEN_UNIT
from jaxmath.formula import Decreasing, Formula, Increasing, Source, with_rule
from jaxmath.special import incomplete_gamma, tails
from jaxmath.special.gamma import digamma, gammaln, log_gamma_share, trigamma
from jaxmath.special.incomplete_gamma import SHAPE
from jaxmath.special.logarithm import log1p
from jaxmath.special.loops import if_any, loop
from jaxmath.special.normal_tail import ndtri
from jaxmath.special.partials import Rule, along, with_answer
from jaxmath.special.polynomial import polynomial
from jaxmath.typing import Real

STEPS = 3
"""At most; each has four times the digits, and two suffice nearly everywhere."""
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
    few, many = jnp.minimum(a, 1.0), jnp.maximum(a, 1.0)
    # Of log gamma(1 + a) over a tiny a the rounded sum would leave few digits.
    share = jnp.where(a < 1, log_gamma_share(few), gammaln(1 + many) / many)
    return jnp.where(lower, jnp.log(small), log1p(-small)) / a + share


def _step(a, x, small, lower, *, rolled):
    """What Householder's method takes from log(x)."""
    return tails.step_to(small, lower, incomplete_gamma.tail_of(a, x, rolled=rolled), a - x, x)


def _inverse(a, p, lower: bool, *, rolled: bool = False):
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
    # As log gamma(1 + a) is above -0.13 the first term isn't all of a tail that is larger.
    tiny = small < jnp.exp(shape * LEAST + 0.2)
    first = if_any(tiny, _first, shape, small, below, rolled=rolled)
    exact = first < LEAST

    def improve(carry, _):
        x, step = carry
        next_step = functools.partial(_step, rolled=rolled)
        far = tails.unfinished(step, shape - x, x)
        step = if_any(far, next_step, shape, x, small, below)
        return x + x * jnp.expm1(-step), step  # of small steps more exact than by the exponential

    start = jnp.exp(jnp.where(exact, 0.0, log_x)), jnp.where(exact, 0.0, 1e30).astype(dtype)
    x, _ = loop(improve, start, [(float(k),) for k in range(STEPS)], rolled=rolled)
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

    By the implicit function theorem of the logarithm S of the tail that is computed, which has the
    slope h in l. Where that tail is T, p or one less, $l_p = 1 / (h T)$ and $l_a = -S_a / h$. The
    second slopes are taken on the way that x goes as a moves, on which S stays: that of
    $\log(x / h)$, and $x_{aa} / x = -S'' / h$ for S on the straight line that touches the way.
    There all changes are small for large a, where partial derivatives would cancel.

    Attributes:
        x: one where it is too small, or a limit.
        log: its logarithm, which is finite where x is too small.
        usual, tiny: whether x is itself, or too small: the first term of the series is all.
        gap: a - x, where x has not been rounded.
        in_p, in_a: $l_p$ and $l_a$.
        twist: the slope of $\log x_p$ in a.
        bend: $x_{aa} / x$.
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


def _log_rate(a, x):
    """The logarithm of the slope of that in x, but for its sign."""
    lower = incomplete_gamma.tail_of(a, x, rolled=True).lower
    rate = jnp.where(
        lower, incomplete_gamma.log_growth(a, x) / x, incomplete_gamma.log_hazard(a, x)
    )
    return jnp.log(rate)


_log_own_da = along(_log_own, 0)


@functools.partial(jax.jit, static_argnames="lower")  # each slope traces it
def answer(a, p, lower: bool) -> Answer:
    """How the inverse of the lower or the upper tail moves."""
    end = (_ROLLED_LOWER if lower else _ROLLED_UPPER)(a, p)
    a, p, end = jnp.broadcast_arrays(a, p, end)
    info = jnp.finfo(end.dtype)
    inside = (p > 0) & (p < 1) & (end < jnp.inf)
    a, p = jnp.where(inside, a, 1.0), jnp.where(inside, p, 0.5).astype(end.dtype)
    tiny = inside & (end < 4 * info.tiny)
    usual = inside & ~tiny
    x = jnp.where(usual, end, 1.0)
    # Where the first term of the series is all, and a square of x may be too small.
    first = tiny | usual & (end < info.tiny**0.4)
    under = p < 0.5
    log = _first(a, jnp.where(under, p, 1 - p), under == lower)
    log = jnp.where(first, log, jnp.log(x))

    place = jnp.where(first, a, x)
    tail = incomplete_gamma.tail_of(a, place, rolled=True)
    h = tail.rate / tail.factor
    h = jnp.where(first, a, jnp.where(tail.lower, h, -h))
    own = tail._replace(lower=tail.lower | first)
    beyond = jnp.where(first, 0.0, tails.rounded_off(tail, p, lower))
    lead = a - place + place * beyond
    # At the first term S is a l - log gamma(1 + a).
    in_a = jnp.where(first, digamma(1 + a) - log, -_log_own_da(a, place)) / h
    way = jnp.ones_like(a), place * in_a

    def on_the_way(fn):
        return lambda a, x: jax.jvp(fn, (a, x), way)[1]

    twist = jnp.where(first, in_a - 1 / a, -on_the_way(_log_rate)(a, place))
    twice = on_the_way(on_the_way(_log_own))(a, place)
    first_bend = (trigamma(1 + a) / a - in_a / a * 2) + jnp.square(in_a)
    return Answer(
        x=x,
        log=log,
        usual=usual,
        tiny=tiny,
        gap=jnp.where(first, a, lead),
        in_p=tails.of_quantile(own, (1 + (lead - h) * beyond) / h, p, lower),
        in_a=in_a,
        twist=twist,
        bend=jnp.where(first, first_bend, -twice / h),
        end=end,
    )


def _bounded(root):
    """Not infinite: of a number that is far too small nothing is left even so."""
    return jnp.minimum(root, jnp.finfo(root.dtype).max)


def rises(in_p, times: int):
    """The root of the size of a power of a slope in p, which is large where p is tiny; its sign."""
    size, sign = jnp.abs(in_p), jnp.where(in_p < 0, -1.0, 1.0)
    root = (jnp.ones_like(size), jnp.sqrt(size), size)[times]
    return _bounded(root), sign if times == 1 else jnp.ones_like(sign)


class Part(NamedTuple):
    """A derivative of an answer x, or of one over it, in parts of that.

    Attributes:
        of: of an answer and the power, 1 or -1, without powers of the slope of log x in p.
        times: how many of these powers it has.
        at_end: that of x itself, of a and of x, where x is zero or infinite.
    """

    of: Callable[[Answer, int], Array]
    times: int
    at_end: Callable[[Array, Array], Array]

    def halves(self, at: Answer, power: int) -> tuple[Array, Array]:
        """The root of its size and its sign: it may be a number where neither it nor x is one."""
        factor, (root, sign) = self.of(at, power), rises(at.in_p, self.times)
        root = _bounded(root * jnp.sqrt(jnp.abs(factor)))
        return root, jnp.where(factor < 0, -sign, sign)


def lifted(log, root):
    """The square of a root times the exponential of a logarithm, both halves of a number."""
    part = jnp.exp(log / 2 + jnp.log(root))
    return jnp.where(root == 0, 0.0, jnp.square(part))


def _rise_at_end(a, x):
    at_zero = jnp.where(a < 1, 0.0, jnp.where(a == 1, 1.0, jnp.inf))
    return jnp.where(x == 0, at_zero, x)


def _bend_at_end(a, x):
    flat = jnp.where(a == 0.5, jnp.pi / 2, jnp.where(a == 1, 1.0, 0.0))
    at_zero = jnp.where((a > 0.5) & (a != 1), jnp.sign(1 - a) * jnp.inf, flat)
    return jnp.where(x == 0, at_zero, x)


def _still_at_end(a, x):
    return x + 0.0 * a


IN_P = Part(lambda at, power: power * jnp.ones_like(at.x), 1, _rise_at_end)
IN_A = Part(lambda at, power: power * at.in_a, 0, _still_at_end)
IN_P_P = Part(lambda at, power: 1 - power * at.gap, 2, _bend_at_end)
IN_P_A = Part(
    lambda at, power: at.twist if power == 1 else 2 * at.in_a - at.twist,
    1,
    lambda a, x: 0.0 * _rise_at_end(a, x),
)
IN_A_A = Part(
    lambda at, power: at.bend if power == 1 else 2 * jnp.square(at.in_a) - at.bend,
    0,
    _still_at_end,
)


def _with_slopes(inverse, lower: bool):
    """An inverse bound to its partials, and these with their slopes, by argument."""
    second = list(inspect.signature(inverse).parameters)[1]

    def of(part: Part):
        def slope(at, a, p):
            root, sign = part.halves(at, 1)
            value = sign * jnp.where(at.tiny, lifted(at.log, root), at.x * root * root)
            turned = part is IN_P and not lower
            at_end = part.at_end(jnp.asarray(a), at.end) * (-1 if turned else 1)
            return jnp.where(at.usual | at.tiny, value, at_end)

        return slope

    partials = {"a": of(IN_A), second: of(IN_P)}
    seconds = {("a", "a"): of(IN_A_A), ("a", second): of(IN_P_A), (second, second): of(IN_P_P)}

    def plain(a, p):
        return _inverse(a, p, lower, rolled=True)

    bound, rule = with_answer(inverse, functools.partial(answer, lower=lower), partials, seconds)
    return bound, rule._replace(plain=plain)


def _rolled(lower: bool, rule: Rule):
    """The inverse as its slopes compute it, which compiles soon."""
    first, second = rule.partials.values()
    return with_rule(lambda a, p: _inverse(a, p, lower, rolled=True), a=first, p=second)


gammaincinv, _LOWER = _with_slopes(_gammaincinv, True)
gammainccinv, _UPPER = _with_slopes(_gammainccinv, False)
_ROLLED_LOWER, _ROLLED_UPPER = _rolled(True, _LOWER), _rolled(False, _UPPER)

INVERSE_GAMMA = (
    Formula(
        fn=gammaincinv,
        plain=_LOWER.plain,
        domain=dict(a=SHAPE, p=OPEN_UNIT),
        partials=_LOWER.partials,
        seconds=_LOWER.seconds,
        facts=(Increasing("a"), Increasing("p")),
        tex=r"P(a, x) = p",
        source=Source("temme1979asymptotic", "section 3"),
        topic="P10",
    ),
    Formula(
        fn=gammainccinv,
        plain=_UPPER.plain,
        domain=dict(a=SHAPE, q=OPEN_UNIT),
        partials=_UPPER.partials,
        seconds=_UPPER.seconds,
        facts=(Increasing("a"), Decreasing("q")),
        tex=r"Q(a, x) = q",
        source=Source("temme1979asymptotic", "section 3"),
        topic="P10",
    ),
)
