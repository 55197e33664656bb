r"""The inverses of the regularised incomplete gamma functions in x.

A guess that is right to a few percent of the tail everywhere, then Halley's method for the
logarithm of the smaller tail against that of x, a fixed number of steps. For a >= 1 the guess
inverts $\tfrac12\eta^2 = x / a - 1 - \log(x / a)$ at the normal quantile over $\sqrt a$ and its
first correction; for a < 1 it is the first terms of the series at zero, or those at infinity.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.domains import OPEN_UNIT
from jaxmath.formula import Decreasing, Formula, Increasing, Source, with_rule
from jaxmath.special import incomplete_gamma, tails
from jaxmath.special.gamma import gammaln
from jaxmath.special.incomplete_gamma import SHAPE, gammainc_dx
from jaxmath.special.logarithm import log1p
from jaxmath.special.normal_tail import ndtri
from jaxmath.special.partials import along
from jaxmath.typing import Real

STEPS = 3
"""Each trebles the digits; two suffice nearly everywhere."""
LEAST = -200.0
"""Where log(x) is below this the first term of the series is all there is."""


def log_ratio(eta):
    r"""The v of the sign of eta with $\tfrac12\eta^2 = e^v - 1 - v$."""
    half = jnp.square(eta) / 2
    near = eta * (1 + eta * (-1 / 6 + eta * (1 / 36 + eta / 270)))
    right = jnp.log(1 + half + jnp.log1p(half + jnp.log1p(half)))
    left = -1 - half + jnp.exp(-1 - half)
    v = jnp.where(eta > 1.5, right, jnp.where(eta < -1.5, left, near))
    far = jnp.abs(v) > 0.3  # one step of Halley's method where the series ends
    w = jnp.where(far, v, 1.0)
    slope = jnp.expm1(w)
    step = (slope - w - half) / slope
    return jnp.where(far, v - step / (1 - step * jnp.exp(w) / slope / 2), v)


def _guess(a, small, other, lower):
    """The logarithm of x / a for a >= 1 and of x for a < 1, where the tail is `small`.

    And the logarithm of x by the first term of the series at zero.
    """
    large = jnp.where(a < 1, 1.0, a)
    eta = jnp.where(lower, 1.0, -1.0) * ndtri(small) / jnp.sqrt(large)
    far = jnp.abs(eta) > 0.05
    some = jnp.where(far, eta, 1.0)
    change = jnp.log(some / jnp.expm1(log_ratio(some))) / some
    middle = log_ratio(eta + jnp.where(far, change, eta / 36 - 1 / 3) / large)

    log_gamma = gammaln(1 + a)
    log_lower = jnp.where(lower, jnp.log(small), log1p(-small))
    first = (log_lower + log_gamma) / a
    tiny = jnp.where(a < 1, a, 0.5)
    at_zero = first + jnp.exp(jnp.minimum(first, 0.0)) / (tiny + 1)
    log_upper = jnp.where(lower, jnp.log(other), jnp.log(small))
    height = jnp.log(tiny) - log_upper - jnp.where(a < 1, log_gamma, 0.0)
    x = jnp.maximum(height, 0.1)
    for _ in range(2):
        x = jnp.maximum(height + (tiny - 1) * jnp.log(x) + log1p((tiny - 1) / (x + 1)), 0.1)
    upper = jnp.where(lower, other, small)
    guess = jnp.where(a < 1, jnp.where(upper > 0.4 * a, at_zero, jnp.log(x)), middle)
    return guess, first


def _inverse(a, p, lower: bool):
    """The x whose lower or upper tail is p."""
    a, p = jnp.broadcast_arrays(jnp.asarray(a), jnp.asarray(p))
    dtype = jnp.result_type(a, p)
    a, p = a.astype(dtype), p.astype(dtype)
    valid = (a > 0) & (a < jnp.inf) & (p > 0) & (p < 1)
    limits = (a > 0) & (a < jnp.inf)
    shape, given = jnp.where(valid, a, 1.0), jnp.where(valid, p, 0.5)
    under = given < 0.5
    small, other = jnp.where(under, given, 1 - given), jnp.where(under, 1 - given, given)
    below = under == lower  # whether the lower tail is the small one
    log_small = jnp.where(under, jnp.log(given), log1p(-given))

    log_x, first = _guess(shape, small, other, below)
    exact = first < LEAST
    x = jnp.where(shape < 1, 1.0, shape) * jnp.exp(jnp.where(exact, 0.0, log_x))
    for _ in range(STEPS):
        tail = incomplete_gamma.tail_of(shape, x)
        log = jnp.where(below, tails.log_side(tail, True), tails.log_side(tail, False))
        rate = jnp.exp(tail.exponent + jnp.log(tail.rate) - log) * jnp.where(below, 1.0, -1.0)
        step = jnp.clip((log - log_small) / rate, -3.0, 3.0)
        x = x * jnp.exp(-step / jnp.clip(1 - step * (shape - x - rate) / 2, 0.5, 2.0))
    x = jnp.where(exact, jnp.exp(first), x)
    nothing, everything = (p == 0) & limits, (p == 1) & limits
    zero, infinite = (nothing, everything) if lower else (everything, nothing)
    return jnp.where(valid, x, jnp.where(zero, 0.0, jnp.where(infinite, jnp.inf, jnp.nan)))


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
        return sign / gammainc_dx(a, inverse(a, p))

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
