r"""The logarithm of the gamma function, its derivatives, and differences of each.

Everything rests on what Stirling's formula leaves over,

$$\delta(x) = \log\Gamma(x) - (x - \tfrac12)\log x + x - \tfrac12\log 2\pi,$$

which is small, positive and decreasing. In $t = 4 / (x + 1) - 1$ the product $12 x\,\delta(x)$ is
so smooth for $x \ge 1$ that one polynomial holds it to all digits; so are those of its three
derivatives. Differences are taken of polynomials and of fractions before they are evaluated, so
that nothing cancels, however close both arguments are: $B(a, b)$ for large a and b, and
$\log\Gamma(1 + a)$ for small a, keep their digits. Below one the recurrence
$\Gamma(x + 1) = x\,\Gamma(x)$ leads upwards, below zero the reflection does.
"""

import math

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.domains import POSITIVE, REAL
from jaxmath.formula import Concave, Convex, Decreasing, Formula, Increasing, Source, with_rule
from jaxmath.special.gauss import gauss_legendre
from jaxmath.special.logarithm import log1p, log1p_gap
from jaxmath.special.partials import along
from jaxmath.special.polynomial import polynomial
from jaxmath.special.ratio import far_log_ratio
from jaxmath.typing import Real

HALF_LOG_TAU = math.log(2 * math.pi) / 2

# Coefficients in t of 12 x delta(x), of -12 x^2 delta'(x), of 6 x^3 delta''(x) and of
# -2 x^4 delta'''(x) for x >= 1: the Chebyshev expansions, cut where their terms fall below 1e-17,
# computed with 80 digits.
_STIRLING = (
    0.9964053246599403, -0.009315118851392766, -0.008640714230765257, -0.0039390513931780256,
    -0.0012987640537000065, -0.00035053626719371705, -8.964320024541844e-05,
    -2.447039057273679e-05, -6.829751587850693e-06, -1.8557583320081075e-06,
    -5.257192361032756e-07, -1.5276502894402243e-07, -4.276889035305106e-08,
    -1.2622580651567948e-08, -3.827376317700811e-09, -1.07895875651494e-09,
    -2.906066565218248e-10, -8.577653599158803e-11, -4.556869628896605e-11,
    -1.5022308212073885e-11,
)  # fmt: skip
_STIRLING_SLOPE = (
    0.9894189855213956, -0.026933749623234454, -0.02381551438332498, -0.009423563528830158,
    -0.0022565146185244914, -0.0003315072794041221, -4.887201234579176e-05,
    -1.663049397588518e-05, -3.851982550756731e-06, -4.899360244634194e-07,
    -2.3900166326573875e-07, -6.393507851100235e-08, -2.7826521662964192e-09,
    -5.995564855631745e-09, -1.0529831234514757e-09, 2.0221566146306922e-10,
    -3.015926879504587e-10, 1.4026421107586696e-11, 2.3438811257339867e-11,
    -1.4932471927984514e-11,
)  # fmt: skip
_STIRLING_CURVATURE = (
    0.9793188294126827, -0.051528822816536916, -0.042958061842018926, -0.01392212950740123,
    -0.0016007690625547966, 0.0002724039026997933, 4.1356971171246905e-05,
    -2.0635795849523878e-05, 1.342206802632925e-06, 1.3634303280291397e-06,
    -5.490851317304075e-07, 4.648179620297474e-08, 4.761248639294562e-08, -2.684280399633585e-08,
    6.051321098331933e-09, 9.913342133828803e-10, -1.7164528952037652e-09, 8.464123967126739e-10,
    -4.754948332360154e-11, -1.478627995842225e-10, 4.3923068907790005e-11,
    2.5631375555897175e-12,
)  # fmt: skip

_STIRLING_THIRD = (
    0.9664366237085484, -0.08159599087363656, -0.06342494435186466, -0.01532428634992916,
    0.0011530888176436958, 0.0010950322978299102, -6.690032688204816e-05, -6.270494744160639e-05,
    1.8237086252340172e-05, 1.1409624403267358e-06, -2.3590038578934238e-06,
    7.324678812401167e-07, 1.3097014662580059e-08, -1.1230324427385042e-07,
    5.2726350626185905e-08, -9.09495668709544e-09, -3.5947771150212974e-09, 3.937136680650535e-09,
    -2.3831756734958286e-09, 5.48944310542203e-10, 5.765004268299947e-10, -3.73631592953896e-10,
    -3.2564260553850326e-11, 4.779598778522443e-11,
)  # fmt: skip

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


def _evaluated(coefficients, x):
    """The polynomial in t at x >= 1."""
    return polynomial(coefficients, 4 / (x + 1) - 1)


def _both(coefficients, low, high, step):
    """The polynomial at `low`, and by how much it is larger at `high` = `low` + `step`."""
    t, u = 4 / (low + 1) - 1, 4 / (high + 1) - 1
    value, slope = jnp.zeros_like(t), jnp.zeros_like(t)
    for coefficient in reversed(coefficients):
        slope = slope * u + value  # (p(u) - p(t)) / (u - t), by Horner's rule
        value = value * t + coefficient
    return value, slope * (-4 * (step / (high + 1)) / (low + 1))


def log_gamma_share(a: Real) -> Float[Array, "..."]:
    r"""The ratio of $\log\Gamma(1 + a)$ to a, for 0 <= a <= 1."""
    return polynomial(_LOG_GAMMA_SHARE, 2 * jnp.asarray(a) - 1)


def _upwards(x):
    """The argument x > 0 itself from one on, x + 1 below; and whether it is below."""
    below = x < 1
    return jnp.where(below, x + 1, x), below


def _reflected(x):
    """Whether x is negative, 1 - x if so, and the distance of x from the nearest integer."""
    negative = x < 0
    distance = jnp.where(negative, x - jnp.round(x), 0.5)
    return negative, jnp.where(negative, 1 - x, x), distance


def _gammaln(x: Real) -> Float[Array, "..."]:
    r"""The logarithm $\log|\Gamma(x)|$; infinite at zero and the negative integers."""
    negative, x, distance = _reflected(jnp.asarray(x))
    y, below = _upwards(x)
    value = (
        (y - 0.5) * (jnp.log(y) - 1) + (HALF_LOG_TAU - 0.5) + _evaluated(_STIRLING, y) / (12 * y)
    )
    value = value - jnp.log(jnp.where(below, x, 1.0))
    sine = jnp.abs(jnp.sin(jnp.pi * distance))
    value = jnp.where((x == 1) | (x == 2), 0.0, value)  # to the last digit
    return jnp.where(negative, math.log(math.pi) - jnp.log(sine) - value, value)


def _digamma(x: Real) -> Float[Array, "..."]:
    r"""The slope $\psi(x)$ of `gammaln`."""
    negative, x, distance = _reflected(jnp.asarray(x))
    y, below = _upwards(x)
    value = jnp.log(y) - 1 / (2 * y) - _evaluated(_STIRLING_SLOPE, y) / (12 * y) / y
    value = value - jnp.where(below, 1 / jnp.where(below, x, 1.0), 0.0)
    return jnp.where(negative, value - jnp.pi / jnp.tan(jnp.pi * distance), value)


def trigamma_dx(x: Real) -> Float[Array, "..."]:
    r"""The slope $\psi''(x)$ of `trigamma`, for x > 0."""
    x = jnp.asarray(x)
    y, below = _upwards(x)
    value = -(1 + (1 + _evaluated(_STIRLING_THIRD, y) / (2 * y)) / y) / y / y
    return value - jnp.where(below, 2 * (1 / jnp.where(below, x, 1.0)) ** 3, 0.0)


def _trigamma(x: Real) -> Float[Array, "..."]:
    r"""The slope $\psi'(x)$ of `digamma`; infinite at zero and the negative integers."""
    negative, x, distance = _reflected(jnp.asarray(x))
    y, below = _upwards(x)
    value = (1 + (0.5 + _evaluated(_STIRLING_CURVATURE, y) / (6 * y)) / y) / y
    value = value + jnp.where(below, jnp.square(1 / jnp.where(below, x, 1.0)), 0.0)
    return jnp.where(negative, jnp.square(jnp.pi / jnp.sin(jnp.pi * distance)) - value, value)


trigamma = with_rule(_trigamma, x=trigamma_dx)
digamma = with_rule(_digamma, x=trigamma)
gammaln = with_rule(_gammaln, x=digamma)


def stirling_error_from_one(x: Real) -> Float[Array, "..."]:
    """As `stirling_error`, for x >= 1 only, and without a rule for its slope."""
    return _evaluated(_STIRLING, x) / (12 * x)


def _stirling_error(x: Real) -> Float[Array, "..."]:
    r"""What Stirling's formula leaves of $\log\Gamma(x)$ for x > 0: 1/(12x) and less."""
    x = jnp.asarray(x)
    y, below = _upwards(x)
    inner = jnp.where(below, x, 1.0)
    lifted = (inner + 0.5) * jnp.log(1 + 1 / inner) - 1
    return stirling_error_from_one(y) + jnp.where(below, lifted, 0.0)


def _stirling_error_dx(x: Real) -> Float[Array, "..."]:
    r"""Minus 1/(12x²) and more: $\psi(x) - \log x + 1 / (2x)$."""
    x = jnp.asarray(x)
    y, below = _upwards(x)
    inner = jnp.where(below, x, 1.0)
    lifted = log1p(inner) - jnp.log(inner) - (inner + 0.5) / inner / (inner + 1)
    return jnp.where(below, lifted, 0.0) - _evaluated(_STIRLING_SLOPE, y) / (12 * y) / y


def stirling_error_dx_dx(x: Real) -> Float[Array, "..."]:
    r"""1/(6x³) and less: $\psi'(x) - 1 / x - 1 / (2x^2)$."""
    x = jnp.asarray(x)
    y, below = _upwards(x)
    inner = jnp.where(below, x, 1.0)
    lifted = trigamma(inner + 1) + (0.5 / inner - 1) / inner
    return jnp.where(below, lifted, _evaluated(_STIRLING_CURVATURE, y) / (6 * y) / y / y)


stirling_error_dx = with_rule(_stirling_error_dx, x=stirling_error_dx_dx)
stirling_error = with_rule(_stirling_error, x=stirling_error_dx)

_NODES = tuple(
    (float(node), float((1 - node) * weight))
    for node, weight in zip(*gauss_legendre(12), strict=True)
)
"""Of [0, 1]: Gauss's nodes, and the weights of an integral against the distance from its end."""


def _stirling_error_gap(x: Real, y: Real) -> Float[Array, "..."]:
    r"""By how much $\delta(y)$ lies above the tangent of $\delta$ at x, for x, y > 0."""
    x, y = jnp.asarray(x), jnp.asarray(y)
    step = y - x
    close = (step < x) & (y > x / 2)
    inner, way = jnp.where(close, x, 1.0), jnp.where(close, step, 0.0)
    # The remainder of the tangent as an integral: nothing cancels however small the step is.
    near = sum(weight * stirling_error_dx_dx(inner + node * way) for node, weight in _NODES)
    far = stirling_error(y) - stirling_error(x) - step * stirling_error_dx(x)
    return jnp.where(close, jnp.square(way) * near, far)


def stirling_error_gap_dx(x: Real, y: Real) -> Float[Array, "..."]:
    """Minus the way times the curvature."""
    return (jnp.asarray(x) - y) * stirling_error_dx_dx(x)


def stirling_error_gap_dy(x: Real, y: Real) -> Float[Array, "..."]:
    """How much the slope changes on the way."""
    return stirling_error_dx(y) - stirling_error_dx(x)


stirling_error_gap = with_rule(
    _stirling_error_gap, x=stirling_error_gap_dx, y=stirling_error_gap_dy
)


def _ordered(x, step):
    """The lower end, the higher end and the length of the way from x to x + step, and its sign."""
    x, step = jnp.asarray(x), jnp.asarray(step)
    backwards = step < 0
    other = x + step
    low, high = jnp.where(backwards, other, x), jnp.where(backwards, x, other)
    return low, high, jnp.abs(step), jnp.where(backwards, -1.0, 1.0).astype(high.dtype)


def _both_upwards(low, high):
    """Both ends, or both plus one where the lower one is below one; and whether it is."""
    y, below = _upwards(low)
    return y, jnp.where(below, high + 1, high), below


def _shares(low, step):
    """The logarithm of (low + step) / low, and the share of step in the sum, which may overflow."""
    close = step < low
    least, most = jnp.where(close, step, low), jnp.where(close, low, step)
    ratio = least / most
    lead = jnp.where(close, 0.0, far_log_ratio(jnp.where(close, low, step), low))
    return lead + log1p(ratio), jnp.where(close, ratio, 1.0) / (1 + ratio)


def _lifted(step):
    """The step, times a factor where parts of a change in proportion to it might underflow."""
    info = jnp.finfo(step.dtype)
    lift = jnp.where(step < info.tiny / info.eps**2, 1 / info.eps, 1.0).astype(step.dtype)
    return step * lift, lift


def _beyond_power(y, z, way):
    r"""The difference $\log\Gamma(z) - \log\Gamma(y)$ less way times log z, for y >= 1."""
    ratio = way / y
    value, change = _both(_STIRLING, y, z, way)
    gap = jnp.where(ratio > 0, jnp.where(ratio > 0, y, 1.0) * log1p_gap(ratio), 0.0)
    return (change - value * ratio) / (12 * z) - log1p(ratio) / 2 - gap


def _gammaln_difference(x: Real, step: Real) -> Float[Array, "..."]:
    r"""The difference $\log\Gamma(x + s) - \log\Gamma(x)$ for x > 0 and x + s > 0."""
    low, high, step, sign = _ordered(x, step)
    y, z, below = _both_upwards(low, high)
    way, lift = _lifted(step)
    total = way * jnp.log(z) + _beyond_power(y, z, way)
    inner = jnp.where(below, low, 1.0), jnp.where(below, step, 0.0)
    return sign * (total / lift - _shares(*inner)[0])


def _digamma_difference(x: Real, step: Real) -> Float[Array, "..."]:
    r"""The difference $\psi(x + s) - \psi(x)$ for x > 0 and x + s > 0."""
    low, high, step, sign = _ordered(x, step)
    y, z, below = _both_upwards(low, high)
    way, lift = _lifted(step)
    value, change = _both(_STIRLING_SLOPE, y, z, way)
    log_ratio, share = _shares(y, way)
    p, q = 1 / y, 1 / z  # of a / b / c XLA makes a / (b c), which overflows
    rest = 0.5 * share * p + (value * share * (1 + y * q) * p * p - change * q * q) / 12
    inner, outer = jnp.where(below, low, 1.0), jnp.where(below, high, 1.0)
    first = jnp.where(below, step / outer, 0.0) * (1 / inner)
    return sign * ((log_ratio + rest) / lift + first)


def _trigamma_difference(x: Real, step: Real) -> Float[Array, "..."]:
    r"""The difference $\psi'(x + s) - \psi'(x)$ for x > 0 and x + s > 0."""
    low, high, step, sign = _ordered(x, step)
    y, z, below = _both_upwards(low, high)
    way, lift = _lifted(step)
    value, change = _both(_STIRLING_CURVATURE, y, z, way)
    share, ratio, p, q = _shares(y, way)[1], y / z, 1 / y, 1 / z
    third = value * share * (1 + ratio * (1 + ratio)) * p * p * p - change * q * q * q
    rest = share * p + 0.5 * share * (1 + ratio) * p * p + third / 6
    inner, outer = jnp.where(below, low, 1.0), jnp.where(below, high, 1.0)
    p = 1 / inner
    first = jnp.where(below, step / outer * (1 + inner / outer), 0.0) * p * p
    return -sign * (rest / lift + first)


def _at_end(fn):
    return lambda x, step: fn(jnp.asarray(x) + step)


_TRIGAMMA_DIFFERENCE = dict(x=along(_trigamma_difference, 0), step=_at_end(trigamma_dx))
trigamma_difference = with_rule(_trigamma_difference, **_TRIGAMMA_DIFFERENCE)
_DIGAMMA_DIFFERENCE = dict(x=trigamma_difference, step=_at_end(trigamma))
digamma_difference = with_rule(_digamma_difference, **_DIGAMMA_DIFFERENCE)
_GAMMALN_DIFFERENCE = dict(x=digamma_difference, step=_at_end(digamma))
gammaln_difference = with_rule(_gammaln_difference, **_GAMMALN_DIFFERENCE)


def _gammaln_excess(x, step):
    r"""The difference $\log\Gamma(x + s) - \log\Gamma(x) - s \log(x + s)$, x >= 1, s >= 0."""
    return _beyond_power(x, x + step, step)


gammaln_excess = with_rule(
    _gammaln_excess,
    x=lambda x, step: digamma_difference(x, step) - step / (x + step),
    step=lambda x, step: stirling_error_dx(x + step) - (0.5 + step) / (x + step),
)


def trigamma_excess_difference(x: Real, step: Real) -> Float[Array, "..."]:
    r"""How much $x \psi'(x)$ falls on the way from x > 0 to x + s, for s >= 0."""
    x, step = jnp.asarray(x), jnp.asarray(step)
    y, z, below = _both_upwards(x, x + step)
    value, change = _both(_STIRLING_CURVATURE, y, z, step)
    share, p, q = _shares(y, step)[1], 1 / y, 1 / z
    fall = share * p / 2 + (value * share * p * (p + q) - change * q * q) / 6
    # Below one the recurrence gives 1 / x + (x + 1) psi'(x + 1) - psi'(x + 1).
    inner, outer = jnp.where(below, x, 1.0), jnp.where(below, x + step, 1.0)
    lifted = step / outer * (1 / inner) + trigamma_difference(inner + 1, step)
    return fall + jnp.where(below, lifted, 0.0)


def _betaln(a: Real, b: Real) -> Float[Array, "..."]:
    r"""The logarithm of the beta function $B(a, b) = \Gamma(a)\Gamma(b) / \Gamma(a + b)$."""
    low, high = jnp.minimum(a, b), jnp.maximum(a, b)
    below = low < 1
    one, other = jnp.where(below, 1.0, low), jnp.where(below, 1.0, high)
    ratio = one / other
    gap = jnp.where(ratio > 0, jnp.where(ratio > 0, other, 1.0) * log1p_gap(ratio), 0.0)
    errors = stirling_error(one) + stirling_error(other) - stirling_error(one + other)
    large = (
        gap - one - one * log1p(other / one)
        + HALF_LOG_TAU + (jnp.log1p(ratio) - jnp.log(one)) / 2 + errors
    )  # fmt: skip
    small, rest = jnp.where(below, low, 0.5), jnp.where(below, high, 0.5)
    general = jnp.where(below, gammaln(small) - gammaln_difference(rest, small), large)
    return jnp.where(low == 1, -jnp.log(jnp.where(low == 1, high, 1.0)), general)  # zero for both


def betaln_da(a: Real, b: Real) -> Float[Array, "..."]:
    """The digamma function at a less that at a + b."""
    return -digamma_difference(a, b)


_BETALN = dict(a=betaln_da, b=lambda a, b: betaln_da(b, a))
betaln = with_rule(_betaln, **_BETALN)


def betaln_da_da(a: Real, b: Real) -> Float[Array, "..."]:
    """The trigamma function at a less that at a + b."""
    return -trigamma_difference(a, b)


HANDBOOK = "abramowitz1964handbook"
_STEP = dict(x=POSITIVE, step=REAL)


def _ends_inside(x, step):
    return (x + step > 0) & (x + step < jnp.inf)


GAMMA = (
    Formula(
        fn=gammaln,
        plain=_gammaln,
        domain=dict(x=POSITIVE),
        partials=dict(x=digamma),
        seconds={("x", "x"): trigamma},
        facts=(Convex("x"),),
        tex=r"\log\Gamma(x) = \log\int_0^\infty t^{x-1} e^{-t}\,dt",
        source=Source(HANDBOOK, "6.1.41"),
        topic="P10",
    ),
    Formula(
        fn=digamma,
        plain=_digamma,
        domain=dict(x=POSITIVE),
        partials=dict(x=trigamma),
        seconds={("x", "x"): trigamma_dx},
        facts=(Increasing("x"), Concave("x")),
        tex=r"\psi(x) = \frac{d}{dx} \log\Gamma(x)",
        source=Source(HANDBOOK, "6.3.18"),
        topic="P10",
    ),
    Formula(
        fn=trigamma,
        plain=_trigamma,
        domain=dict(x=POSITIVE),
        partials=dict(x=trigamma_dx),
        facts=(Decreasing("x"), Convex("x")),
        tex=r"\psi'(x) = \sum_{k=0}^\infty (x + k)^{-2}",
        source=Source(HANDBOOK, "6.4.12"),
        topic="P10",
    ),
    Formula(
        fn=stirling_error,
        plain=_stirling_error,
        domain=dict(x=POSITIVE),
        partials=dict(x=stirling_error_dx),
        facts=(Decreasing("x"), Convex("x")),
        tex=r"\delta(x) = \log\Gamma(x) - (x - \tfrac12)\log x + x - \tfrac12\log 2\pi",
        source=Source(HANDBOOK, "6.1.42"),
        topic="P10",
    ),
    Formula(
        fn=gammaln_difference,
        plain=_gammaln_difference,
        partials=_GAMMALN_DIFFERENCE,
        seconds={
            ("x", "x"): trigamma_difference,
            ("x", "step"): _at_end(trigamma),
            ("step", "step"): _at_end(trigamma),
        },
        facts=(Convex("step"),),
        tex=r"\log\Gamma(x + s) - \log\Gamma(x)",
        source=Source(HANDBOOK, "6.1.46"),
        domain=_STEP,
        where=_ends_inside,
        topic="P10",
    ),
    Formula(
        fn=digamma_difference,
        plain=_digamma_difference,
        partials=_DIGAMMA_DIFFERENCE,
        seconds={
            ("x", "x"): _TRIGAMMA_DIFFERENCE["x"],
            ("x", "step"): _at_end(trigamma_dx),
            ("step", "step"): _at_end(trigamma_dx),
        },
        facts=(Increasing("step"),),
        tex=r"\psi(x + s) - \psi(x)",
        source=Source(HANDBOOK, "6.3.16"),
        domain=_STEP,
        where=_ends_inside,
        topic="P10",
    ),
    Formula(
        fn=betaln,
        plain=_betaln,
        domain=dict(a=POSITIVE, b=POSITIVE),
        partials=_BETALN,
        seconds={
            ("a", "a"): betaln_da_da,
            ("a", "b"): lambda a, b: -trigamma(jnp.asarray(a) + b),
            ("b", "b"): lambda a, b: betaln_da_da(b, a),
        },
        facts=(Convex("a"), Convex("b"), Decreasing("a"), Decreasing("b")),
        tex=r"\log B(a, b) = \log\int_0^1 t^{a-1} (1 - t)^{b-1}\,dt",
        source=Source(HANDBOOK, "6.2.2"),
        topic="P10",
    ),
)
