r"""The regularised incomplete gamma functions: both tails and their logarithms, to all digits.

Of the two tails $P(a, x)$ and $Q(a, x) = 1 - P$ the smaller is computed, as an exponential times a
factor of ordinary size, so that its logarithm is known as well; the other is what it lacks to one.
For a >= 1, with $\lambda = x / a$, $\tfrac12\eta^2 = \lambda - 1 - \log\lambda$ and
$z = |\eta|\sqrt a$, there are three regions.

- Around the transition, $\tfrac14 \le \lambda \le 3$, the smaller tail is
  $\varphi(z)\,(M(z) \pm T(a, \eta) / \sqrt a)$ with Mills' ratio M and T from `transition`.
- Left of it P is a series, right of it Q a continued fraction, both of a fixed depth: a loop over
  many entries never waits for the slowest.

Below a = 1 the series $v = 1 - P\,\Gamma(1 + a) / x^a$ gives both tails for x < 3.
"""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.domains import POSITIVE
from jaxmath.formula import Bounded, Concave, Decreasing, Formula, Increasing, Source, with_rule
from jaxmath.special.gamma import digamma, stirling_error, stirling_error_dx
from jaxmath.special.logarithm import log1p, log1p_gap_ratio
from jaxmath.special.normal_tail import mills_ratio
from jaxmath.special.polynomial import polynomial
from jaxmath.special.transition import transition
from jaxmath.typing import Real

ROOT_TAU = math.sqrt(2 * math.pi)
DEPTH = 27
"""Of the series and of the continued fraction."""
LEFT, RIGHT = 0.25, 3.0
"""Where the transition ends, in x / a, and the series for a < 1, in x."""

# Coefficients in 2a - 1 of log(Gamma(1 + a)) / a for 0 <= a <= 1: the Chebyshev expansion, cut
# where its terms fall below 1e-17, computed with 50 digits.
_LOG_GAMMA_SHARE = (
    -0.24156447527049044, 0.2780544492490668, -0.04435389911289685, 0.00982070560314494,
    -0.0024816898010492396, 0.0006721846827430892, -0.00018982580249037867,
    5.5097618619767016e-05, -1.630286135783129e-05, 4.8928064693827204e-06,
    -1.4845399958236744e-06, 4.5439610086326054e-07, -1.4006588004825093e-07,
    4.334153336714108e-08, -1.3497859837669126e-08, 4.33806548425246e-09, -1.3701352592669457e-09,
    3.4179768117437505e-10, -1.0465983336690782e-10, 7.322503538818662e-11,
    -2.3950881609000533e-11,
)  # fmt: skip


class _Tail(NamedTuple):
    """The smaller tail is exp(exponent) times factor; where `both`, the lower one is meant.

    The density times x is exp(exponent) times rate.
    """

    exponent: Array
    factor: Array
    rate: Array
    lower: Array
    both: Array


def _ratio(a, x, unit, left, small):
    """Numerator and denominator of the series, of the fraction, or of v / x for `small` a.

    From the far end, without a division: each step is linear in both. They are scaled by `unit`.
    """
    middle = DEPTH + 0.5 - a / 2
    end = middle + x / 2 + 0.25 + jnp.sqrt(jnp.abs(middle * x + jnp.square(x) / 4))
    n = jnp.where(small, 0.0, jnp.where(left, 1.0, end * unit))
    d = jnp.ones_like(n)
    series = small | left
    for k in range(DEPTH, 0, -1):
        next_ = (a + k) * unit
        term = (-1.0) ** (k - 1) / math.factorial(k)
        fraction = (x + (2 * k - 1 - a)) * unit
        p = jnp.where(small, next_ * x, jnp.where(left, x * unit, fraction))
        q = jnp.where(small, term, jnp.where(left, next_, -(k * unit) * ((k - a) * unit)))
        n, d = p * n + q * d, jnp.where(series, next_ * d, n)
    return n, d


def _tail(a, x) -> _Tail:
    a, x = jnp.broadcast_arrays(*(jnp.asarray(part) for part in (a, x)))
    small, large = a < 1, jnp.where(a < 1, 1.0, a)
    both = small & (x < RIGHT)
    u = (x - large) / large
    left = ~small & (u < LEFT - 1)
    around = ~small & ~left & (u <= RIGHT - 1)

    # Where a >= 1.
    near = jnp.where(around, u, 0.0)
    eta = near * jnp.sqrt(2 * log1p_gap_ratio(near))
    z = eta * jnp.sqrt(large)
    away = jnp.where(around, 1.0, x / large)
    half = jnp.where(around, jnp.square(z) / 2, large * (away - 1 - jnp.log(away)))
    error = stirling_error(large)
    exponent = -half - jnp.where(around, 0.0, error)
    rate = jnp.sqrt(large) / ROOT_TAU * jnp.exp(jnp.where(around, -error, 0.0))
    size, sign = jnp.where(z < 0, -z, z), jnp.where(z < 0, -1.0, 1.0)
    middle = mills_ratio(size) + sign * transition(large, eta) / jnp.sqrt(large)

    # Where a < 1.
    share = polynomial(_LOG_GAMMA_SHARE, 2 * jnp.where(small, a, 0.5) - 1)
    level = a * (jnp.log(jnp.where(small, x, 1.0)) - share)

    unit = jnp.where(both, 1.0, 1 / jnp.where(left, a, jnp.where(around, 1.0, x)))
    n, d = _ratio(a, jnp.where(around, 1.0, x), unit, left, both)
    lead = jnp.where(small, 1.0, 1 / (ROOT_TAU * jnp.sqrt(large)))
    outer = jnp.where(left, n / d, (a * unit) * d / n)
    factor = jnp.where(around, middle / ROOT_TAU, lead * outer)
    missing = log1p(-jnp.where(both, a * x * n / d, 0.0))
    exponent = jnp.where(small, level + jnp.where(both, missing, -x), exponent)
    factor = jnp.where(both, 1.0, factor)
    beyond = jnp.where(both, -x - missing, 0.0)
    rate = jnp.where(small, a * jnp.exp(beyond), rate)
    return _Tail(exponent, factor, rate, both | left | (around & (u < 0)), both)


def _product(tail: _Tail):
    """The smaller tail, whose exponential alone might underflow."""
    part = jnp.exp(tail.exponent / 2)
    return part * tail.factor * part


def _inside(a, x):
    """Both arguments, replaced by one where a limit is taken, and which limit: 0, 1 or none."""
    a, x = jnp.broadcast_arrays(*(jnp.asarray(part) for part in (a, x)))
    dtype = jnp.result_type(a, x)
    a, x = a.astype(dtype), x.astype(dtype)
    zero = (x == 0) & (a > 0) | (a == jnp.inf) & (x >= 0) & (x < jnp.inf)
    one = (x == jnp.inf) & (a > 0) & (a < jnp.inf)
    valid = (a > 0) & (x > 0) & (a < jnp.inf) & (x < jnp.inf)
    inner = jnp.where(valid, a, 1.0), jnp.where(valid, x, 1.0)
    return *inner, jnp.where(zero, 0.0, jnp.where(one, 1.0, jnp.where(valid, 0.5, jnp.nan)))


def _at_limits(limit, value, at_zero, at_one):
    """The value, or what it tends to where P is zero or one; NaN outside the domain."""
    value = jnp.where(limit == 0, at_zero, jnp.where(limit == 1, at_one, value))
    return jnp.where(jnp.isnan(limit), jnp.nan, value)


def _gammainc(a: Real, x: Real) -> Float[Array, "..."]:
    r"""The lower regularised incomplete gamma function $P(a, x)$, for a > 0 and x >= 0."""
    a, x, limit = _inside(a, x)
    tail = _tail(a, x)
    part = _product(tail)
    return _at_limits(limit, jnp.where(tail.lower, part, 1 - part), 0.0, 1.0)


def _gammaincc(a: Real, x: Real) -> Float[Array, "..."]:
    r"""The upper regularised incomplete gamma function $Q(a, x) = 1 - P(a, x)$."""
    a, x, limit = _inside(a, x)
    tail = _tail(a, x)
    part = _product(tail)
    value = jnp.where(tail.lower, 1 - part, part)
    value = jnp.where(tail.both, -jnp.expm1(jnp.where(tail.both, tail.exponent, -1.0)), value)
    return _at_limits(limit, value, 1.0, 0.0)


def _complement(log):
    """log(1 - exp(log)) for log < 0."""
    close = log > -0.7
    near = jnp.log(-jnp.expm1(jnp.where(close, log, -1.0)))
    return jnp.where(close, near, log1p(-jnp.exp(jnp.where(close, -1.0, log))))


def _log_gammainc(a: Real, x: Real) -> Float[Array, "..."]:
    r"""The logarithm $\log P(a, x)$; minus infinity at x = 0."""
    a, x, limit = _inside(a, x)
    tail = _tail(a, x)
    log = tail.exponent + jnp.log(tail.factor)
    return _at_limits(limit, jnp.where(tail.lower, log, _complement(log)), -jnp.inf, 0.0)


def _log_gammaincc(a: Real, x: Real) -> Float[Array, "..."]:
    r"""The logarithm $\log Q(a, x)$; minus infinity at infinity."""
    a, x, limit = _inside(a, x)
    tail = _tail(a, x)
    log = tail.exponent + jnp.log(tail.factor)
    return _at_limits(limit, jnp.where(tail.lower, _complement(log), log), 0.0, -jnp.inf)


def _gammainc_dx(a: Real, x: Real) -> Float[Array, "..."]:
    r"""The density $x^{a-1} e^{-x} / \Gamma(a)$ of the gamma distribution, the slope of P in x."""
    given, place = jnp.asarray(a), jnp.asarray(x)
    a, x, limit = _inside(a, x)
    tail = _tail(a, x)
    part = jnp.exp(tail.exponent / 2)
    at_zero = jnp.where(given < 1, jnp.inf, jnp.where(given == 1, 1.0, 0.0))
    at_zero = jnp.where(place == 0, at_zero, 0.0)
    return _at_limits(limit, part * (tail.rate / x) * part, at_zero, 0.0)


def gammainc_dx_dx(a: Real, x: Real) -> Float[Array, "..."]:
    """The slope of the density in x."""
    return gammainc_dx(a, x) * ((a - 1 - x) / x)


def gammainc_dx_da(a: Real, x: Real) -> Float[Array, "..."]:
    r"""The density times $\log x - \psi(a)$."""
    a, x = jnp.asarray(a), jnp.asarray(x)
    small = a < 1
    large = jnp.where(small, 1.0, a)
    # log a - psi(a) is what Stirling's formula leaves over.
    near = log1p((x - large) / large) + 1 / (2 * large) - stirling_error_dx(large)
    return gammainc_dx(a, x) * jnp.where(small, jnp.log(x) - digamma(a), near)


gammainc_dx = with_rule(_gammainc_dx, a=gammainc_dx_da, x=gammainc_dx_dx)


def _along_a(fn):
    """The partial in a of a function of a and x, by forward mode: its loops are finite."""

    def partial(a, x):
        a, x = jnp.broadcast_arrays(jnp.asarray(a), jnp.asarray(x))
        return jax.jvp(lambda a: fn(a, x), (a,), (jnp.ones_like(a),))[1]

    return partial


def _log_slope(tail_of, lower: bool):
    """The slope in x of the logarithm of one tail: the density over it, without underflow."""

    def slope(a, x):
        larger = gammainc_dx(a, x) / tail_of(a, x)
        a, x, limit = _inside(a, x)
        tail = _tail(a, x)
        value = jnp.where(tail.lower == lower, tail.rate / x / tail.factor, larger)
        return _at_limits(limit, value if lower else -value, jnp.nan, jnp.nan)

    return slope


def _minus(fn):
    return lambda a, x: -fn(a, x)


_GAMMAINC = dict(a=_along_a(_gammainc), x=gammainc_dx)
_GAMMAINCC = dict(a=_along_a(_gammaincc), x=_minus(gammainc_dx))
gammainc = with_rule(_gammainc, **_GAMMAINC)
gammaincc = with_rule(_gammaincc, **_GAMMAINCC)
_LOG_GAMMAINC = dict(a=_along_a(_log_gammainc), x=_log_slope(gammainc, True))
_LOG_GAMMAINCC = dict(a=_along_a(_log_gammaincc), x=_log_slope(gammaincc, False))
log_gammainc = with_rule(_log_gammainc, **_LOG_GAMMAINC)
log_gammaincc = with_rule(_log_gammaincc, **_LOG_GAMMAINCC)

HANDBOOK = "abramowitz1964handbook"
_DOMAIN = dict(a=POSITIVE, x=POSITIVE)
_SECONDS = {("x", "x"): gammainc_dx_dx, ("a", "x"): gammainc_dx_da}

INCOMPLETE_GAMMA = (
    Formula(
        fn=gammainc,
        plain=_gammainc,
        domain=_DOMAIN,
        partials=_GAMMAINC,
        seconds=_SECONDS,
        facts=(Increasing("x"), Decreasing("a"), Bounded("x", 0.0, 1.0)),
        tex=r"P(a, x) = \frac{1}{\Gamma(a)} \int_0^x t^{a-1} e^{-t}\,dt",
        source=Source("temme1979asymptotic", "eq. 1.4"),
        topic="P10",
    ),
    Formula(
        fn=gammaincc,
        plain=_gammaincc,
        domain=_DOMAIN,
        partials=_GAMMAINCC,
        seconds={pair: _minus(second) for pair, second in _SECONDS.items()},
        facts=(Decreasing("x"), Increasing("a"), Bounded("x", 0.0, 1.0)),
        tex=r"Q(a, x) = \frac{1}{\Gamma(a)} \int_x^\infty t^{a-1} e^{-t}\,dt",
        source=Source("temme1979asymptotic", "eq. 1.4"),
        topic="P10",
    ),
    Formula(
        fn=log_gammainc,
        plain=_log_gammainc,
        domain=_DOMAIN,
        partials=_LOG_GAMMAINC,
        facts=(Increasing("x"), Concave("x")),
        tex=r"\log P(a, x)",
        source=Source(HANDBOOK, "6.5.1"),
        topic="P10",
    ),
    Formula(
        fn=log_gammaincc,
        plain=_log_gammaincc,
        domain=_DOMAIN,
        partials=_LOG_GAMMAINCC,
        facts=(Decreasing("x"),),
        tex=r"\log Q(a, x)",
        source=Source(HANDBOOK, "6.5.3"),
        topic="P10",
    ),
)
