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

import functools
import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.domains import Interval
from jaxmath.formula import Bounded, Concave, Decreasing, Formula, Increasing, Source, with_rule
from jaxmath.special import tails
from jaxmath.special.gamma import (
    digamma,
    log_gamma_share,
    stirling_error,
    stirling_error_dx,
    stirling_error_from_one,
)
from jaxmath.special.logarithm import log1p, log1p_gap_ratio
from jaxmath.special.loops import loop
from jaxmath.special.normal_tail import mills_ratio
from jaxmath.special.partials import along, minus
from jaxmath.special.ratio import log_ratio
from jaxmath.special.tails import Tail
from jaxmath.special.transition import transition
from jaxmath.typing import Real

ROOT_TAU = math.sqrt(2 * math.pi)
DEPTH = 27
"""Of the series and of the continued fraction."""
LEFT, RIGHT = 0.25, 3.0
"""Where the transition ends, in x / a, and the series for a < 1, in x."""


_TERMS = [(float(k), (-1.0) ** (k - 1) / math.factorial(k)) for k in range(DEPTH, 0, -1)]


def _ratio(a, x, unit, left, small, *, rolled):
    """Numerator and denominator of the series, of the fraction, or of v / x for `small` a.

    From the far end, without a division: each step is linear in both. All numbers, a and x as
    well, are counted in some scale, of which `unit` is one part.
    """
    middle = (DEPTH + 0.5) * unit - a / 2
    root = jnp.sqrt(jnp.abs(middle * x + jnp.square(x) / 4))
    n = jnp.where(small, 0.0, jnp.where(left, 1.0, middle + x / 2 + unit / 4 + root))
    series = small | left
    # Slopes of a quotient need the square of what divides, which is to stay of ordinary size.
    shrink = 1 / (1 + DEPTH / 2 * unit) if rolled else 1.0

    def step(carry, k, term):
        n, d = carry
        next_ = a + k * unit
        fraction = (x - a) + (2 * k - 1) * unit
        p = jnp.where(small, next_ * x, jnp.where(left, x, fraction))
        q = jnp.where(small, term, jnp.where(left, next_, -(k * unit) * (k * unit - a)))
        return shrink * (p * n + q * d), shrink * jnp.where(series, next_ * d, n)

    return loop(step, (n, jnp.ones_like(n)), _TERMS, rolled=rolled)


@functools.partial(jax.jit, static_argnames="rolled")  # slopes trace it often
def tail_of(a, x, *, rolled: bool = False) -> Tail:
    """The smaller tail; the rate is that of the density times x."""
    a, x = jnp.asarray(a), jnp.asarray(x)
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
    extreme = (away < 1e-11) | (away > 1e11)  # the slopes' powers soon leave float32
    close = jnp.log(jnp.where(extreme, 1.0, away))
    log_away = jnp.where(extreme, jnp.log(x) - jnp.log(large), close)
    half = jnp.where(around, jnp.square(z) / 2, (x - large) - large * log_away)
    error = (stirling_error if rolled else stirling_error_from_one)(large)
    exponent = -half - jnp.where(around, 0.0, error)
    rate = jnp.sqrt(large) / ROOT_TAU * jnp.exp(jnp.where(around, -error, 0.0))
    size, sign = jnp.where(z < 0, -z, z), jnp.where(z < 0, -1.0, 1.0)
    part = jnp.sqrt(1 / large)  # over a root would be XLA's rsqrt, which is no vector instruction
    middle = mills_ratio(size) + sign * transition(large, eta, rolled=rolled) * part

    # Where a < 1.
    share = log_gamma_share(jnp.where(small, a, 0.5))
    level = a * (jnp.log(jnp.where(small, x, 1.0)) - share)

    scale = jnp.where(both | around, 1.0, jnp.where(left, a, x))
    a_scaled, x_scaled = (jnp.where(around, 1.0, part / scale) for part in (a, x))
    n, d = _ratio(a_scaled, x_scaled, 1 / scale, left, both, rolled=rolled)
    lead = jnp.where(small, 1.0, part / ROOT_TAU)
    outer = jnp.where(left, n / d, a_scaled * d / n)
    factor = jnp.where(around, middle / ROOT_TAU, lead * outer)
    missing = log1p(-jnp.where(both, a * x * n / d, 0.0))
    exponent = jnp.where(small, level + jnp.where(both, missing, -x), exponent)
    factor = jnp.where(both, 1.0, factor)
    beyond = jnp.where(both, -x - missing, 0.0)
    rate = jnp.where(small, a * jnp.exp(beyond), rate)
    return Tail(exponent, factor, rate, both | left | (around & (u < 0)), both)


def _inside(a, x):
    """Both arguments, replaced by one outside, and which limit to take: 0, 1 or none.

    Each for itself: what is made of a number alone is made once for an array of the other.
    """
    a, x = jnp.asarray(a), jnp.asarray(x)
    dtype = jnp.result_type(a, x)
    a, x = a.astype(dtype), x.astype(dtype)
    zero = (x == 0) & (a > 0) | (a == jnp.inf) & (x >= 0) & (x < jnp.inf)
    one = (x == jnp.inf) & (a > 0) & (a < jnp.inf)
    right, inside = (a > 0) & (a < jnp.inf), (x > 0) & (x < jnp.inf)
    valid = right & inside
    inner = jnp.where(right, a, 1.0), jnp.where(inside, x, 1.0)
    return *inner, jnp.where(zero, 0.0, jnp.where(one, 1.0, jnp.where(valid, 0.5, jnp.nan)))


_side, _log_side = tails.sides(_inside, tail_of)


def _gammainc(a: Real, x: Real) -> Float[Array, "..."]:
    r"""The lower regularised incomplete gamma function $P(a, x)$, for a > 0 and x >= 0."""
    return _side(True)(a, x)


def _gammaincc(a: Real, x: Real) -> Float[Array, "..."]:
    r"""The upper regularised incomplete gamma function $Q(a, x) = 1 - P(a, x)$."""
    return _side(False)(a, x)


def _log_gammainc(a: Real, x: Real) -> Float[Array, "..."]:
    r"""The logarithm $\log P(a, x)$; minus infinity at x = 0."""
    return _log_side(True)(a, x)


def _log_gammaincc(a: Real, x: Real) -> Float[Array, "..."]:
    r"""The logarithm $\log Q(a, x)$; minus infinity at infinity."""
    return _log_side(False)(a, x)


def rolled_side(lower: bool):
    """The lower or the upper tail, as its slope in a is taken."""
    return _side(lower, rolled=True)


def _gammainc_dx(a: Real, x: Real) -> Float[Array, "..."]:
    r"""The density $x^{a-1} e^{-x} / \Gamma(a)$ of the gamma distribution, the slope of P in x."""
    given, place = jnp.asarray(a), jnp.asarray(x)
    a, x, limit = _inside(a, x)
    tail = tail_of(a, x)
    at_zero = jnp.where(given < 1, jnp.inf, jnp.where(given == 1, 1.0, 0.0))
    at_zero = jnp.where(place == 0, at_zero, 0.0)
    return tails.at_limits(limit, tails.times_exponential(tail, tail.rate, x), at_zero, 0.0)


def gammainc_dx_dx(a: Real, x: Real) -> Float[Array, "..."]:
    """The slope of the density in x."""
    return gammainc_dx(a, x) * ((a - 1 - x) / x)


def log_excess(a, x):
    r"""$\log x - \psi(a)$, the slope in a of the logarithm of the density."""
    a, x = jnp.asarray(a), jnp.asarray(x)
    small = a < 1
    large = jnp.where(small, 1.0, a)
    # log a - psi(a) is what Stirling's formula leaves over.
    left = 1 / (2 * large) - stirling_error_dx(large)
    return log_ratio(x, large) + jnp.where(small, -digamma(a), left)


def gammainc_dx_da(a: Real, x: Real) -> Float[Array, "..."]:
    r"""The density times $\log x - \psi(a)$."""
    return gammainc_dx(a, x) * log_excess(a, x)


gammainc_dx = with_rule(_gammainc_dx, a=gammainc_dx_da, x=gammainc_dx_dx)


def _log_slope(lower: bool):
    """The slope in x of the logarithm of one tail."""

    def slope(a, x):
        density, larger = gammainc_dx(a, x), (gammainc if lower else gammaincc)(a, x)
        a, x, limit = _inside(a, x)
        value = tails.log_slope(tail_of(a, x, rolled=True), lower, x, density, larger)
        return tails.at_limits(limit, value, jnp.nan, jnp.nan)

    return slope


def log_growth(a: Real, x: Real) -> Float[Array, "..."]:
    r"""The slope of log P in log x where P is the smaller tail, for a > 0 and finite x > 0."""
    tail = tail_of(a, x, rolled=True)
    return tail.rate / tail.factor


def log_hazard(a: Real, x: Real) -> Float[Array, "..."]:
    r"""Minus the slope of log Q in x where Q is the smaller tail, for a > 0 and finite x > 0."""
    a, x = jnp.broadcast_arrays(*(jnp.asarray(part) for part in (a, x)))
    far = x >= RIGHT * jnp.maximum(a, 1.0)
    tail = tail_of(a, jnp.where(far, a, x), rolled=True)
    outer = jnp.where(far, x, RIGHT * jnp.maximum(a, 1.0))
    never = jnp.zeros_like(far)
    n, d = _ratio(a / outer, jnp.ones_like(x), 1 / outer, never, never, rolled=True)
    return jnp.where(far, n / d, tail.rate / jnp.where(far, a, x) / tail.factor)


_GAMMAINC = dict(a=along(_side(True, rolled=True), 0), x=gammainc_dx)
_GAMMAINCC = dict(a=along(_side(False, rolled=True), 0), x=minus(gammainc_dx))
gammainc = with_rule(_gammainc, **_GAMMAINC)
gammaincc = with_rule(_gammaincc, **_GAMMAINCC)
log_gammainc_dx, log_gammaincc_dx = _log_slope(True), _log_slope(False)
_LOG_GAMMAINC = dict(a=along(_log_side(True, rolled=True), 0), x=log_gammainc_dx)
_LOG_GAMMAINCC = dict(a=along(_log_side(False, rolled=True), 0), x=log_gammaincc_dx)
log_gammainc = with_rule(_log_gammainc, **_LOG_GAMMAINC)
log_gammaincc = with_rule(_log_gammaincc, **_LOG_GAMMAINCC)

HANDBOOK = "abramowitz1964handbook"
SHAPE = Interval(2.0**-14, 2.0**27, closed=(True, True))
"""The parameters of shape for which all digits are claimed."""
_DOMAIN = dict(a=SHAPE, x=Interval(2.0**-60, 2.0**40, closed=(True, True)))
_SECONDS = {("x", "x"): gammainc_dx_dx, ("a", "x"): gammainc_dx_da}

INCOMPLETE_GAMMA = (
    Formula(
        fn=gammainc,
        plain=_side(True, rolled=True),
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
        plain=_side(False, rolled=True),
        domain=_DOMAIN,
        partials=_GAMMAINCC,
        seconds={pair: minus(second) for pair, second in _SECONDS.items()},
        facts=(Decreasing("x"), Increasing("a"), Bounded("x", 0.0, 1.0)),
        tex=r"Q(a, x) = \frac{1}{\Gamma(a)} \int_x^\infty t^{a-1} e^{-t}\,dt",
        source=Source("temme1979asymptotic", "eq. 1.4"),
        topic="P10",
    ),
    Formula(
        fn=log_gammainc,
        plain=_log_side(True, rolled=True),
        domain=_DOMAIN,
        partials=_LOG_GAMMAINC,
        facts=(Increasing("x"), Concave("x")),
        tex=r"\log P(a, x)",
        source=Source(HANDBOOK, "6.5.1"),
        topic="P10",
    ),
    Formula(
        fn=log_gammaincc,
        plain=_log_side(False, rolled=True),
        domain=_DOMAIN,
        partials=_LOG_GAMMAINCC,
        facts=(Decreasing("x"),),
        tex=r"\log Q(a, x)",
        source=Source(HANDBOOK, "6.5.3"),
        topic="P10",
    ),
)
