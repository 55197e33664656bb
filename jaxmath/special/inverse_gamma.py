r"""The inverses of the regularised incomplete gamma functions in x.

A guess that is right to a few percent of the tail everywhere, then Halley's method for the
logarithm of the smaller tail against that of x, a few steps at most. For a >= 1 the guess inverts
$\tfrac12\eta^2 = x / a - 1 - \log(x / a)$ at the normal quantile over $\sqrt a$ and its first
correction; for a < 1 it is the first terms of the series at zero, or those at infinity.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.domains import OPEN_UNIT
from jaxmath.formula import Decreasing, Formula, Increasing, Source, with_rule
from jaxmath.special import incomplete_gamma, tails
from jaxmath.special.gamma import gammaln
from jaxmath.special.incomplete_gamma import SHAPE, gammainc_dx
from jaxmath.special.logarithm import log1p
from jaxmath.special.loops import if_any
from jaxmath.special.normal_tail import ndtri
from jaxmath.special.partials import along
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


def _by_density(inverse, lower: bool):
    """The partials by the implicit function theorem."""
    along_a = along(incomplete_gamma.rolled_side(lower), 0)
    sign = 1 if lower else -1

    def in_shape(a, p):
        x = inverse(a, p)
        return -sign * along_a(a, x) / gammainc_dx(a, x)

    def in_probability(a, p):
        x = inverse(a, p)
        inside = (x > 0) & (x < jnp.inf)
        inner, p = jnp.where(inside, x, 1.0), jnp.where(inside, p, 0.5)
        tail = incomplete_gamma.tail_of(a, inner, rolled=True)
        rise = inner * (tail.factor / tail.rate)
        slope = tails.of_quantile(tail, jnp.where(tail.lower, rise, -rise), p, lower)
        at_zero = jnp.where(a < 1, 0.0, jnp.where(a == 1, 1.0, jnp.inf))
        at_end = jnp.where(x == 0, at_zero, jnp.where(x > 0, jnp.inf, jnp.nan))
        return jnp.where(inside, slope, sign * at_end)

    return in_shape, in_probability


gammaincinv_da, gammaincinv_dp = _by_density(lambda a, p: gammaincinv(a, p), True)
gammainccinv_da, gammainccinv_dq = _by_density(lambda a, q: gammainccinv(a, q), False)
_GAMMAINCINV = dict(a=gammaincinv_da, p=gammaincinv_dp)
_GAMMAINCCINV = dict(a=gammainccinv_da, q=gammainccinv_dq)
gammaincinv = with_rule(_gammaincinv, **_GAMMAINCINV)
gammainccinv = with_rule(_gammainccinv, **_GAMMAINCCINV)

INVERSE_GAMMA = (
    Formula(
        fn=gammaincinv,
        plain=_gammaincinv,
        domain=dict(a=SHAPE, p=OPEN_UNIT),
        partials=_GAMMAINCINV,
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
        facts=(Increasing("a"), Decreasing("q")),
        tex=r"Q(a, x) = q",
        source=Source("temme1979asymptotic", "section 3"),
        topic="P10",
    ),
)
