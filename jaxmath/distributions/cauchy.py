r"""The Cauchy distribution with median `loc` and half width `scale` > 0 at half of its height.

Elementwise functions of arrays or numbers. A scale that isn't positive gives NaN. The distance d
of x from the location and the scale s are the legs of a right triangle of hypotenuse h, by which
all of it is said: the density is $s / (\pi h^2)$ and the distribution function the triangle's angle
over pi. Both are harmonic in d and s.
"""

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.distributions.location_scale import positive, standardize
from jaxmath.distributions.standard import (
    Differentiable,
    Slopes,
    location_scale_family,
    of_x,
    symmetric,
)
from jaxmath.formula import Source, with_rule
from jaxmath.special.logarithm import log1p
from jaxmath.special.loops import if_any
from jaxmath.special.partials import minus
from jaxmath.typing import PRNGKey, Real

LOG_PI = math.log(math.pi)
NO_MOMENT = "the density falls as the inverse square, so that its moments do not exist."


def _plain_hypotenuse(d, s):
    """The root of the sum of squares, of numbers below a quarter of the largest."""
    wide, narrow = jnp.maximum(jnp.abs(d), s), jnp.minimum(jnp.abs(d), s)
    return wide * jnp.sqrt(1 + jnp.square(narrow / wide))


def _plain_cosine(d, s):
    """The leg d over the hypotenuse; an infinite one is all of it."""
    return jnp.where(jnp.isinf(d), jnp.sign(d), d / _plain_hypotenuse(d, s))


def _plain_sine(d, s):
    """The leg s over the hypotenuse."""
    return s / _plain_hypotenuse(d, s)


def _turn(legs, moves):
    """By how much the angle grows that the hypotenuse makes with the leg s.

    What moves is divided first, by a product: a slope alone may underflow beside a large move, and
    XLA would divide what is divided twice by the square.
    """
    (d, s), (along, across) = legs, moves
    rate = 1 / _hypotenuse(d, s)
    return _sine(d, s) * (rate * along) - _cosine(d, s) * (rate * across)


_cosine, _sine = jax.custom_jvp(_plain_cosine), jax.custom_jvp(_plain_sine)


@_cosine.defjvp
def _cosine_jvp(legs, moves):
    return _cosine(*legs), _sine(*legs) * _turn(legs, moves)


@_sine.defjvp
def _sine_jvp(legs, moves):
    return _sine(*legs), -_cosine(*legs) * _turn(legs, moves)


_hypotenuse = with_rule(_plain_hypotenuse, d=_cosine, s=_sine)


def _triangle(x, loc, scale):
    """Both legs and the hypotenuse in a unit of a power of two, and that unit."""
    x, loc, scale = jnp.asarray(x), jnp.asarray(loc), positive(scale)
    fine = jnp.where(scale < 1, 2.0**24 / jnp.finfo(scale.dtype).eps, 0.25).astype(scale.dtype)
    unit = jnp.where(jnp.isfinite(4 * (x * fine)) & jnp.isfinite(4 * (loc * fine)), fine, 0.25)
    d, s = x * unit - loc * unit, scale * unit
    return d, s, _hypotenuse(d, s), unit


def _shares(x, loc, scale):
    """The legs over the hypotenuse, c and n, and one over the hypotenuse."""
    d, s, h, unit = _triangle(x, loc, scale)
    return _cosine(d, s), _sine(d, s), unit / h


def _log_prob(x: Real, loc: Real, scale: Real) -> Float[Array, "..."]:
    """The logarithm of the density, in nats."""
    z = standardize(x, loc, scale)
    far = ~(jnp.abs(z) < 1e15)

    def beyond(x, loc, scale):
        d, s, _, unit = _triangle(x, loc, scale)
        some = jnp.where(far, jnp.abs(d), 1.0)
        value = (jnp.log(positive(scale)) - jnp.log(some)) - (jnp.log(some) - 2 * jnp.log(unit))
        return value - log1p(jnp.square(jnp.where(far, s, 0.0) / some))

    within = log1p(jnp.square(jnp.where(far, 0.0, z)))
    outside = if_any(far, beyond, x, loc, scale)
    return jnp.where(far, outside, -within - jnp.log(positive(scale))) - LOG_PI


def _log_prob_dx(x, loc, scale):
    c, _, rate = _shares(x, loc, scale)
    return -2 * c * rate


def _log_prob_dscale(x, loc, scale):
    c, n, _ = _shares(x, loc, scale)
    return (c - n) * (c + n) * (1 / positive(scale))


def _log_prob_dx_dx(x, loc, scale):
    c, n, rate = _shares(x, loc, scale)
    return (2 * (c - n) * rate) * ((c + n) * rate)


def _log_prob_dx_dscale(x, loc, scale):
    c, n, rate = _shares(x, loc, scale)
    return 4 * (c * rate) * (n * rate)


def _log_prob_dscale_dscale(x, loc, scale):
    c, n, _ = _shares(x, loc, scale)
    rate = 1 / positive(scale)
    # With c^2 + n^2 = 1 it is minus 1 + 2 n^2 (c^2 - n^2).
    return -rate * (rate * (c**4 + 4 * jnp.square(c * n) - n**4))


_LOG_PROB = of_x(
    *(_log_prob, _log_prob_dx, _log_prob_dscale),
    *(_log_prob_dx_dx, _log_prob_dx_dscale, _log_prob_dscale_dscale),
)


def _prob(x: Real, loc: Real, scale: Real) -> Float[Array, "..."]:
    """The density; its unit is one over that of x."""
    _, n, rate = _shares(x, loc, scale)
    return n * rate / math.pi


def _prob_dx(x, loc, scale):
    c, n, rate = _shares(x, loc, scale)
    return -(2 / math.pi * c * rate) * (n * rate)


def _prob_dscale(x, loc, scale):
    c, n, rate = _shares(x, loc, scale)
    return ((c - n) / math.pi * rate) * ((c + n) * rate)


def _prob_dx_dx(x, loc, scale):
    c, n, rate = _shares(x, loc, scale)
    root = math.sqrt(3) * c
    return ((n * rate) * (2 / math.pi * (root - n) * rate)) * ((root + n) * rate)


def _prob_dx_dscale(x, loc, scale):
    c, n, rate = _shares(x, loc, scale)
    root = math.sqrt(3) * n
    return ((c * rate) * (2 / math.pi * (root - c) * rate)) * ((root + c) * rate)


_PROB = of_x(_prob, _prob_dx, _prob_dscale, _prob_dx_dx, _prob_dx_dscale, minus(_prob_dx_dx))


def _z_prob(x, loc, scale):
    c, _, rate = _shares(x, loc, scale)
    return c * rate / math.pi


def _cdf(x: Real, loc: Real, scale: Real) -> Float[Array, "..."]:
    """The probability of at most x."""
    d, s, _, _ = _triangle(x, loc, scale)
    return jnp.arctan2(s, -d) / math.pi


def _sf(x: Real, loc: Real, scale: Real) -> Float[Array, "..."]:
    """The probability of more than x, accurate where it is tiny."""
    d, s, _, _ = _triangle(x, loc, scale)
    return jnp.arctan2(s, d) / math.pi


_CDF_SLOPES = (_PROB.fn, minus(_z_prob), _prob_dx, _prob_dscale, minus(_prob_dx))
_CDF = of_x(_cdf, *_CDF_SLOPES)
_SF = of_x(_sf, *map(minus, _CDF_SLOPES))


def _tail(x, loc, scale):
    """Below x: whether far to the left, the angle a, c, n, n / a, and one over the hypotenuse."""
    d, s, _, _ = _triangle(x, loc, scale)
    c, n, rate = _shares(x, loc, scale)
    far = (d < 0) & (n < 1e-12)
    angle = jnp.arctan2(s, jnp.where(far, 1.0, -d))
    return far, angle, c, n, jnp.where(far, 1.0, n / angle), rate


def _log_cdf(x: Real, loc: Real, scale: Real) -> Float[Array, "..."]:
    """The logarithm of `cdf`, accurate in both tails."""
    d, s, _, unit = _triangle(x, loc, scale)
    far = d < -1e15 * s
    some = jnp.where(far, -d, 1.0)
    square = jnp.square(jnp.where(far, s, 0.0) / some)
    log_s = jnp.where(unit < 1, jnp.log(positive(scale)) + jnp.log(unit), jnp.log(s))
    left = log_s - jnp.log(some) - LOG_PI + log1p(square * (square / 5 - 1 / 3))
    below = jnp.arctan2(s, jnp.where(far | (d > 0), 1.0, -d)) / math.pi
    above = log1p(-jnp.arctan2(s, jnp.where(d > 0, d, 1.0)) / math.pi)
    return jnp.where(far, left, jnp.where(d > 0, above, jnp.log(below)))


def _log_cdf_dx(x, loc, scale):
    *_, ratio, rate = _tail(x, loc, scale)
    return ratio * rate


def _log_cdf_dscale(x, loc, scale):
    _, angle, c, _, ratio, rate = _tail(x, loc, scale)
    right = c > 0
    above = (c * rate) / jnp.where(right, angle, 1.0)
    return -jnp.where(right, above, c * ratio * (1 / positive(scale)))


def _log_cdf_dx_dx(x, loc, scale):
    *_, c, _, ratio, rate = _tail(x, loc, scale)
    return -(ratio * rate) * ((2 * c + ratio) * rate)


def _log_cdf_dx_dscale(x, loc, scale):
    r"""With b twice the angle, $(\cos b - \sin b / b) / a$ over the squared hypotenuse."""
    far, angle, c, n, ratio, rate = _tail(x, loc, scale)
    angle = jnp.where(far, n, angle)
    small = angle < 0.7
    square = jnp.square(2 * jnp.where(small, angle, 0.0))
    series = jnp.zeros_like(square)
    for k in range(12, 0, -1):
        series = (-1) ** k * 2 * k / math.factorial(2 * k + 1) + square * series
    near = 4 * angle * series
    beyond = ((c - n) * (c + n) + ratio * c) / jnp.where(small, 1.0, angle)
    return (jnp.where(small, near, beyond) * rate) * rate


def _log_cdf_dscale_dscale(x, loc, scale):
    _, angle, c, n, ratio, rate = _tail(x, loc, scale)
    right = c > 0
    some, narrow = jnp.where(right, angle, 1.0), 1 / positive(scale)
    above = (c * rate / some) * ((2 * n * some - c) * rate / some)
    below = (c * ratio * narrow) * ((2 * jnp.square(n) - c * ratio) * narrow)
    return jnp.where(right, above, below)


_LOG_CDF_SLOPES = (
    *(_log_cdf_dx, _log_cdf_dscale),
    *(_log_cdf_dx_dx, _log_cdf_dx_dscale, _log_cdf_dscale_dscale),
)
_LOG_CDF = of_x(_log_cdf, *_LOG_CDF_SLOPES)


def _mirrored(fn):
    return lambda x, loc, scale: fn(-jnp.asarray(x), -jnp.asarray(loc), scale)


def _log_sf(x: Real, loc: Real, scale: Real) -> Float[Array, "..."]:
    """The logarithm of `sf`, accurate in both tails."""
    return _mirrored(_log_cdf)(x, loc, scale)


_dx, _dscale, _dx_dx, _dx_dscale, _dscale_dscale = map(_mirrored, _LOG_CDF_SLOPES)
_LOG_SF = of_x(_log_sf, minus(_dx), _dscale, _dx_dx, minus(_dx_dscale), _dscale_dscale)


def _tangent(p):
    """The standard quantile, the tangent of pi (p - 1/2); infinite at both ends."""
    p = jnp.asarray(p)
    inside = jnp.where((p >= 0) & (p <= 1), p, jnp.nan)
    outer = jnp.abs(inside - 0.5) > 0.25
    least = jnp.where(outer, jnp.minimum(inside, 1 - inside), 0.25)
    far = jnp.where(inside > 0.5, 1.0, -1.0) / jnp.tan(math.pi * least)
    return jnp.where(outer, far, jnp.tan(math.pi * (jnp.where(outer, 0.5, inside) - 0.5)))


def _cosecant(p):
    """One over the sine of pi p."""
    p = jnp.asarray(p)
    return 1 / jnp.sin(math.pi * jnp.minimum(p, 1 - p))


def _inverse(name: str, sign: int, doc: str) -> Differentiable:
    def inverse(p, loc, scale):
        return jnp.asarray(loc) + sign * positive(scale) * _tangent(p)

    inverse.__name__, inverse.__doc__ = name, doc

    def zero(*args):
        return sum(0.0 * jnp.asarray(arg) for arg in args[:-1]) + 0.0 * positive(args[-1])

    def dp_dp(p, loc, scale):
        narrow = positive(scale) * _cosecant(p)
        return sign * narrow * _cosecant(p) * (2 * math.pi**2 * _tangent(p)) + zero(loc, scale)

    def dp_dscale(p, loc, scale):
        return sign * math.pi * jnp.square(_cosecant(p)) + zero(loc, scale)

    dp = with_rule(
        lambda p, loc, scale: (
            sign * math.pi * (positive(scale) * _cosecant(p)) * _cosecant(p) + zero(loc, scale)
        ),
        p=dp_dp,
        scale=dp_dscale,
    )
    dscale = with_rule(
        lambda p, loc, scale: sign * _tangent(p) + zero(loc, scale),
        p=dp_dscale,
    )
    partials = dict(p=dp, loc=lambda p, loc, scale: 1 + zero(p, loc, scale), scale=dscale)
    seconds = {("p", "p"): dp_dp, ("p", "scale"): dp_dscale}
    return Differentiable(with_rule(inverse, **partials), inverse, partials, seconds)


_QUANTILE = _inverse("quantile", 1, "The x below which lies probability p; NaN outside [0, 1].")
_ISF = _inverse("isf", -1, "The x above which lies probability p, accurate where p is tiny.")


def _pair(loc, scale, loc_q, scale_q):
    """Of the triangle of both distances: c, n, one over the hypotenuse, both rates, the gap."""
    one, two = positive(scale), positive(scale_q)
    d, _, _, unit = _triangle(loc, loc_q, one / 4 + two / 4)
    # A quarter of it, so that the sum of both scales is in range.
    d, unit = d / 4, unit / 4
    s = one * unit + two * unit
    h = _plain_hypotenuse(d, s)
    c = _plain_cosine(d, s)
    gap = (one * unit - two * unit) / h
    return c, s / h, unit / h, gap, jnp.log(h) - jnp.log(unit)


def _cross_entropy(loc: Real, scale: Real, loc_q: Real, scale_q: Real) -> Float[Array, "..."]:
    """The expected value under the first of minus the second's `log_prob`, in nats."""
    *_, length = _pair(loc, scale, loc_q, scale_q)
    return LOG_PI + length + (length - jnp.log(positive(scale_q)))


def _kl(loc: Real, scale: Real, loc_q: Real, scale_q: Real) -> Float[Array, "..."]:
    """The Kullback-Leibler divergence of the second from the first, the same both ways, in nats."""
    c, _, rate, gap, length = _pair(loc, scale, loc_q, scale_q)
    one, two = positive(scale), positive(scale_q)
    root, root_q = jnp.sqrt(one) * rate, jnp.sqrt(two)
    # The squared distances of locations and scales, over four times the product of the scales.
    near = jnp.square(c / root / root_q / 2) + jnp.square(gap / root / root_q / 2)
    far = ~(near < 1e30)
    logs = (length - jnp.log(one)) + (length - jnp.log(two)) - math.log(4)
    return jnp.where(far, logs, log1p(jnp.where(far, 0.0, near)))


def _of_pair(kl: bool):
    def dloc(loc, scale, loc_q, scale_q):
        c, _, rate, *_ = _pair(loc, scale, loc_q, scale_q)
        return 2 * c * rate

    def total(loc, scale, loc_q, scale_q):
        _, n, rate, *_ = _pair(loc, scale, loc_q, scale_q)
        return 2 * n * rate

    def dscale(loc, scale, loc_q, scale_q):
        c, n, _, gap, _ = _pair(loc, scale, loc_q, scale_q)
        return (n * gap - jnp.square(c)) * (1 / positive(scale))

    def dscale_q(loc, scale, loc_q, scale_q):
        c, n, _, gap, _ = _pair(loc, scale, loc_q, scale_q)
        return (-n * gap - jnp.square(c)) * (1 / positive(scale_q))

    def bend(loc, scale, loc_q, scale_q):
        c, n, rate, *_ = _pair(loc, scale, loc_q, scale_q)
        return (2 * (n - c) * rate) * ((n + c) * rate)

    def mixed(loc, scale, loc_q, scale_q):
        c, n, rate, *_ = _pair(loc, scale, loc_q, scale_q)
        return -4 * (c * rate) * (n * rate)

    def scales(loc, scale, loc_q, scale_q):
        return -bend(loc, scale, loc_q, scale_q)

    def scale_scale(loc, scale, loc_q, scale_q):
        return scales(loc, scale, loc_q, scale_q) + jnp.square(1 / positive(scale))

    def scale_scale_q(loc, scale, loc_q, scale_q):
        return scales(loc, scale, loc_q, scale_q) + jnp.square(1 / positive(scale_q))

    own = scale_scale if kl else scales
    first = with_rule(dloc, loc=bend, scale=mixed, loc_q=minus(bend), scale_q=mixed)
    second = with_rule(
        dscale if kl else total, loc=mixed, scale=own, loc_q=minus(mixed), scale_q=scales
    )
    third = with_rule(dscale_q, loc=mixed, scale=scales, loc_q=minus(mixed), scale_q=scale_scale_q)
    partials = dict(loc=first, scale=second, loc_q=minus(first), scale_q=third)
    seconds = {
        ("loc", "loc"): bend,
        ("loc", "scale"): mixed,
        ("loc", "loc_q"): minus(bend),
        ("loc", "scale_q"): mixed,
        ("scale", "scale"): own,
        ("scale", "loc_q"): minus(mixed),
        ("scale", "scale_q"): scales,
        ("loc_q", "loc_q"): bend,
        ("loc_q", "scale_q"): minus(mixed),
        ("scale_q", "scale_q"): scale_scale_q,
    }
    plain = _kl if kl else _cross_entropy
    return Differentiable(with_rule(plain, **partials), plain, partials, seconds)


_KL = _of_pair(kl=True)


def jensen_shannon(loc: Real, scale: Real, loc_q: Real, scale_q: Real) -> Float[Array, "..."]:
    """Half the divergences of both from their mixture, in nats, by theirs from each other."""
    return -log1p(jnp.expm1(-_KL.fn(loc, scale, loc_q, scale_q) / 2) / 2)


def squared_hellinger(loc: Real, scale: Real, loc_q: Real, scale_q: Real) -> Float[Array, "..."]:
    r"""One minus the overlap, one over the mean of Gauss of 1 and $e^{\operatorname{KL} / 2}$."""
    # By how much both means exceed one; far apart the overlap is nothing beside one.
    one = jnp.expm1(jnp.minimum(_KL.fn(loc, scale, loc_q, scale_q) / 2, 60.0))
    two = jnp.zeros_like(one)
    for _ in range(12):
        both = one + two + one * two
        one, two = (one + two) / 2, both / (1 + jnp.sqrt(1 + both))
    return one / (1 + one)


def _draw(key: PRNGKey, shape: tuple[int, ...], dtype) -> Array:
    return jax.random.cauchy(key, shape, dtype)


def _standard_slopes(z):
    c, n = z / _plain_hypotenuse(z, jnp.ones_like(z)), 1 / _plain_hypotenuse(z, jnp.ones_like(z))
    return Slopes(
        slope=-2 * c * n,
        bend=2 * (c - n) * (c + n) * jnp.square(n),
        stretch=(n - c) * (n + c),
        stretch_slope=-4 * c * n * jnp.square(n),
        stretch_bend=-(c**4 + 4 * jnp.square(c * n) - n**4),
    )


STANDARD = symmetric(
    log_density=lambda z: _log_prob(z, 0.0, 1.0),
    root=lambda z: 1 / (math.sqrt(math.pi) * _plain_hypotenuse(z, jnp.ones_like(z))),
    slopes=_standard_slopes,
    cdf=lambda z: _cdf(z, 0.0, 1.0),
    log_cdf=lambda z: _log_cdf(z, 0.0, 1.0),
    below=lambda z: (_log_cdf_dx(z, 0.0, 1.0), _log_cdf_dx_dx(z, 0.0, 1.0)),
    quantile=(_tangent, lambda p: math.pi * jnp.square(_cosecant(p)), _tangent),
    draw=_draw,
    information=(0.5, 0.0, 0.5),
    mean=None,
    skewness=None,
    entropy=math.log(4 * math.pi),
    reach=(-math.inf, math.inf),
)

CAUCHY = location_scale_family(
    "cauchy",
    STANDARD,
    *(_LOG_PROB, _PROB, _CDF, _SF, _LOG_CDF, _LOG_SF, _QUANTILE, _ISF),
    *(_of_pair(kl=False), _KL, jensen_shannon, squared_hellinger),
    undefined=dict(
        **dict.fromkeys(("mean", "variance", "std", "skewness", "kurtosis"), NO_MOMENT),
        squared_wasserstein="it is infinite between members of different scales, as the variance.",
    ),
    tex=dict(
        log_prob=r"\log p(x) = -\log(\pi \sigma) - \log(1 + z^2), \quad z = (x - \mu) / \sigma",
        prob=r"p(x) = \frac{1}{\pi \sigma (1 + z^2)}",
        cdf=r"F(x) = \tfrac12 + \tfrac1\pi \arctan z",
        sf=r"S(x) = \tfrac12 - \tfrac1\pi \arctan z",
        quantile=r"F^{-1}(p) = \mu - \sigma \cot \pi p",
        isf=r"S^{-1}(p) = \mu + \sigma \cot \pi p",
        entropy=r"H = \log 4 \pi \sigma",
        kl=r"\operatorname{KL} = \log \frac{(\sigma + \sigma_q)^2 + (\mu - \mu_q)^2}"
        r"{4 \sigma \sigma_q}",
        jensen_shannon=r"\log \frac{2}{1 + e^{-\operatorname{KL} / 2}}",
        squared_hellinger=r"1 - \frac{1}{\operatorname{agm}(1, e^{\operatorname{KL} / 2})}",
    ),
    source=Source("johnson1994continuous", "chapter 16"),
    topic="P10",
)
__getattr__ = CAUCHY.function
