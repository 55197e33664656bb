r"""Student's t distribution with `df` degrees of freedom, a location `loc` and a `scale` > 0.

Elementwise functions of arrays or numbers. A scale or degrees of freedom that aren't positive give
NaN. With the legs $x - \mu$ and $\sigma \sqrt\nu$ of a triangle, shares n and c of its hypotenuse,
and $\tau = -2 \log c = \log(1 + t^2 / \nu)$ the density is $c^{\nu + 1}$ but for a constant, and the
tails are incomplete beta functions of $n^2$ and $c^2$. All digits are promised for degrees of
freedom between 2^-6 and 2^27, to where it is the normal distribution in float32, and for scales
between 2^-40 and 2^40.
"""

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.distributions.cauchy import _shares, _triangle
from jaxmath.distributions.family import Family
from jaxmath.distributions.gamma_draws import log_gamma_draw
from jaxmath.distributions.location_scale import chance, positive, standardize
from jaxmath.distributions.shapes import float_dtype, sample_shape
from jaxmath.distributions.standard import Differentiable, quartiles
from jaxmath.distributions.student_t_tails import OUTER, from_centre, growth, height, moments
from jaxmath.domains import REAL, Interval
from jaxmath.formula import Source, with_rule
from jaxmath.special.gamma import HALF_LOG_TAU, digamma_difference
from jaxmath.special.gamma_half_step import (
    log_half_step,
    log_half_step_dh,
    log_half_step_dh_dh,
    stirling_bend_fall,
)
from jaxmath.special.incomplete_beta import betainc, betaincc, log_betainc, log_betaincc
from jaxmath.special.inverse_beta import betainccinv, betaincinv
from jaxmath.special.logarithm import log1p
from jaxmath.special.partials import along, minus, with_partials
from jaxmath.typing import PRNGKey, Real

LOG_2 = math.log(2)
FAR = 1e-10
"""Where c is less the first term of a tail is all there is."""


class Params(NamedTuple):
    """Degrees of freedom, location and scale; also the shape of what belongs to each."""

    df: Any
    loc: Any
    scale: Any


class _Place(NamedTuple):
    """The legs over the hypotenuse, one over the hypotenuse, tau, and both positive parameters."""

    n: Array
    c: Array
    rate: Array
    tau: Array
    df: Array
    scale: Array


def _place(x, df, loc, scale) -> _Place:
    df, scale = positive(df), positive(scale)
    wide = jnp.sqrt(df) * scale
    n, c, rate = _shares(x, loc, wide)
    z = standardize(x, loc, wide)
    far = ~(jnp.abs(z) < 1 / FAR)
    d, s, _, _ = _triangle(x, loc, wide)
    away = 2 * (jnp.log(jnp.where(far, jnp.abs(d), 1.0)) - jnp.log(s))
    tau = jnp.where(far, away, log1p(jnp.square(jnp.where(far, 0.0, z))))
    return _Place(n, c, rate, tau, df, scale)


def _of(fn):
    """A function of the place as one of x and the parameters."""

    def function(x, df, loc, scale):
        at = _place(x, df, loc, scale)
        return fn(at) + 0.0 * (at.df + at.scale)

    return function


class _Slopes(NamedTuple):
    """The derivatives of a function of x - loc, scale and df: each a function of all arguments."""

    x: Any
    df: Any
    scale: Any
    x_x: Any
    x_df: Any
    x_scale: Any
    df_df: Any
    df_scale: Any
    scale_scale: Any


def _bound(plain, slopes: _Slopes) -> Differentiable:
    """The function bound to its partials, and what its record says."""
    firsts = dict(x=slopes.x, df=slopes.df, loc=minus(slopes.x), scale=slopes.scale)
    seconds = {
        ("x", "x"): slopes.x_x,
        ("x", "df"): slopes.x_df,
        ("x", "loc"): minus(slopes.x_x),
        ("x", "scale"): slopes.x_scale,
        ("df", "df"): slopes.df_df,
        ("df", "loc"): minus(slopes.x_df),
        ("df", "scale"): slopes.df_scale,
        ("loc", "loc"): slopes.x_x,
        ("loc", "scale"): minus(slopes.x_scale),
        ("scale", "scale"): slopes.scale_scale,
    }
    fn, partials = with_partials(plain, firsts, seconds)
    return Differentiable(fn, plain, partials, seconds)


# The density.


def _twist(at):
    """Half of what the slope in x lacks beside that of a power of x, over n."""
    return jnp.square(at.c) / at.df - jnp.square(at.n)


_GROWTH = _Slopes(
    x=lambda at: -(at.df + 1) * at.n * at.rate,
    df=lambda at: -growth(at.tau, at.df) / 2,
    scale=lambda at: (at.df * jnp.square(at.n) - jnp.square(at.c)) / at.scale,
    x_x=lambda at: -((at.df + 1) * ((at.c - at.n) * (at.c + at.n)) * at.rate) * at.rate,
    x_df=lambda at: at.n * at.rate * _twist(at),
    x_scale=lambda at: (
        2 * ((at.df + 1) * at.n * at.rate) * (jnp.square(at.c) / at.scale)
    ),
    df_df=lambda at: (
        log_half_step_dh_dh(at.df / 2) / 4
        + jnp.square(at.n) / at.df
        * (jnp.square(at.n) - (1 + jnp.square(at.c)) / at.df) / 2
    ),
    df_scale=lambda at: -jnp.square(at.n) * _twist(at) / at.scale,
    scale_scale=lambda at: (
        (1 - (at.df + 1) * jnp.square(at.n) * (1 + 2 * jnp.square(at.c))) / at.scale / at.scale
    ),
)  # fmt: skip
"""Those of the logarithm of the density, at a place."""


def _log_prob(x: Real, df: Real, loc: Real, scale: Real) -> Float[Array, "..."]:
    """The logarithm of the density, in nats."""
    at = _place(x, df, loc, scale)
    constant = log_half_step(at.df / 2) - HALF_LOG_TAU - jnp.log(at.scale)
    return constant - (at.df + 1) / 2 * at.tau


_LOG_PROB = _bound(_log_prob, _Slopes(*map(_of, _GROWTH)))
log_prob = _LOG_PROB.fn


def score(x: Real, df: Real, loc: Real, scale: Real) -> Params:
    """The slope of `log_prob` in each parameter."""
    return Params(*(_LOG_PROB.partials[name](x, df, loc, scale) for name in Params._fields))


def _matrix(rows):
    flat = jnp.broadcast_arrays(*(entry for row in rows for entry in row))
    return jnp.stack([jnp.stack(flat[3 * k : 3 * k + 3], -1) for k in range(3)], -2)


def hessian(x: Real, df: Real, loc: Real, scale: Real) -> Float[Array, "... 3 3"]:
    """The second derivatives of `log_prob` in the parameters, as a matrix."""
    bends, names = _LOG_PROB.seconds, Params._fields

    def entry(one, two):
        pair = (one, two) if (one, two) in bends else (two, one)
        return bends[pair](x, df, loc, scale)

    return _matrix([[entry(one, two) for two in names] for one in names])


def _root(at):
    """Of the density's power of c, but for one c."""
    return jnp.exp(-at.df / 4 * at.tau)


def _times_density(factor):
    """The density times a factor, which may be large where it is small."""

    def product(at):
        root = _root(at)
        constant = height(at.df) * jnp.sqrt(at.df / (2 * jnp.pi))
        there = jnp.where(root > 0, factor(at), 0.0)
        return (root * constant * at.rate) * (root * there)

    return _of(product)


def _times_power(factor):
    """The density times the hypotenuse and a factor."""

    def product(at):
        root = _root(at)
        there = jnp.where(root > 0, factor(at), 0.0)
        return (root * height(at.df) * jnp.sqrt(at.df / (2 * jnp.pi))) * (root * there)

    return product


def _prob(x: Real, df: Real, loc: Real, scale: Real) -> Float[Array, "..."]:
    """The density; its unit is one over that of x."""
    return _times_density(lambda at: jnp.ones_like(at.c))(x, df, loc, scale)


def _bend(one, two, both):
    """The second derivative of the density over it."""
    g = _GROWTH._asdict()
    return lambda at: g[both](at) + g[one](at) * g[two](at)


_DENSITY = _Slopes(
    *(_times_density(getattr(_GROWTH, name)) for name in ("x", "df", "scale")),
    *(
        _times_density(_bend(*pair.split("_"), pair))
        for pair in ("x_x", "x_df", "x_scale", "df_df", "df_scale", "scale_scale")
    ),
)
_PROB = _bound(_prob, _DENSITY)
prob = _PROB.fn

# The tails.


def _size(at):
    """The size of t, and whether it is one of the outer ones."""
    outer = at.df * jnp.square(at.n) > OUTER**2 * jnp.square(at.c)
    return jnp.sqrt(at.df) * jnp.abs(at.n) / at.c, outer


def _parts(at):
    """Where the tail is far, or near; n^2 and c^2, each where it is used; half of df."""
    far, near = at.c < FAR, jnp.square(at.n) < 0.5
    n2 = jnp.where(near, jnp.square(at.n), 0.25)
    c2 = jnp.where(far | near, 0.25, jnp.square(at.c))
    return far, near, n2, c2, at.df / 2


def _log_first(at):
    """The logarithm of the first term of the tail at infinity."""
    h = at.df / 2
    return log_half_step(h) - h * at.tau - LOG_2 - jnp.log(jnp.pi * h) / 2


def _tail(at):
    """The probability beyond x, on its side of the location."""
    far, near, n2, c2, h = _parts(at)
    value = jnp.where(near, betaincc(0.5, h, n2), betainc(h, 0.5, c2)) / 2
    return jnp.where(far, jnp.exp(_log_first(at)), value)


def _log_tail(at):
    far, near, n2, c2, h = _parts(at)
    value = jnp.where(near, log_betaincc(0.5, h, n2), log_betainc(h, 0.5, c2)) - LOG_2
    return jnp.where(far, _log_first(at), value)


def _cdf(x: Real, df: Real, loc: Real, scale: Real) -> Float[Array, "..."]:
    """The probability of at most x."""

    def below(at):
        tail = _tail(at)
        return jnp.where(at.n < 0, tail, 1 - tail)

    return _of(below)(x, df, loc, scale)


def _log_cdf(x: Real, df: Real, loc: Real, scale: Real) -> Float[Array, "..."]:
    """The logarithm of `cdf`, accurate in both tails."""

    def below(at):
        return jnp.where(at.n < 0, _log_tail(at), log1p(-_tail(at)))

    return _of(below)(x, df, loc, scale)


def _beyond(at):
    """The moments of the tail, where x is an outer one."""
    outer = _size(at)[1]
    return outer, moments(jnp.where(outer, at.tau, jnp.log1p(OUTER**2 / at.df)), at.df)


def _cdf_ddf(at):
    outer, tail = _beyond(at)
    size = jnp.where(outer, 1.0, _size(at)[0])
    change = jnp.where(outer, _tail(at) * (tail.edge + tail.rise) / 2, from_centre(size, at.df))
    return jnp.where(at.n < 0, -change, change)


_cdf_df = _of(_cdf_ddf)
_CDF = _bound(
    _cdf,
    _Slopes(
        x=prob,
        df=_cdf_df,
        scale=_of(_times_power(lambda at: -at.n / at.scale)),
        x_x=_DENSITY.x,
        x_df=_DENSITY.df,
        x_scale=_DENSITY.scale,
        df_df=along(_cdf_df, 1),
        df_scale=_of(_times_power(lambda at: -at.n / at.scale * _GROWTH.df(at))),
        scale_scale=_of(
            _times_power(
                lambda at: (
                    at.n / at.scale / at.scale
                    * (1 - at.df * jnp.square(at.n) + jnp.square(at.c))
                )
            )
        ),
    ),
)  # fmt: skip
cdf = _CDF.fn


def _log_slopes() -> _Slopes:
    """Those of the logarithm of the lower tail: by its moments far below, else by ratios."""
    plain = _Slopes(
        *(_CDF.partials[name] for name in ("x", "df", "scale")),
        *(
            _CDF.seconds[pair]
            for pair in (
                *(("x", "x"), ("x", "df"), ("x", "scale")),
                *(("df", "df"), ("df", "scale"), ("scale", "scale")),
            )
        ),
    )._asdict()

    def first(name):
        return lambda *args: plain[name](*args) / cdf(*args)

    def second(pair):
        one, two = pair.split("_")

        def ratio(*args):
            tail = cdf(*args)
            return plain[pair](*args) / tail - plain[one](*args) / tail * (plain[two](*args) / tail)

        return ratio

    def hazard(at, tail):
        return at.df * at.rate / tail.mass

    def reach(at, tail):
        """The hazard times the distance from the location, over the scale."""
        return at.df * jnp.abs(at.n) / tail.mass / at.scale

    def rest(at, tail):
        return jnp.square(at.c) + tail.odds * jnp.square(at.n)

    far = _Slopes(
        x=hazard,
        df=lambda at, tail: -(tail.edge + tail.rise) / 2,
        scale=reach,
        x_x=lambda at, tail: hazard(at, tail) * (1 - tail.odds) * (jnp.abs(at.n) * at.rate),
        x_df=lambda at, tail: hazard(at, tail) * tail.rise / 2,
        x_scale=lambda at, tail: -hazard(at, tail) * (rest(at, tail) / at.scale),
        df_df=None,
        df_scale=lambda at, tail: reach(at, tail) * tail.rise / 2,
        scale_scale=lambda at, tail: -reach(at, tail) * ((1 + rest(at, tail)) / at.scale),
    )._asdict()

    def chosen(name):
        usual = second(name) if "_" in name else first(name)

        def slope(x, df, loc, scale):
            at = _place(x, df, loc, scale)
            outer, tail = _beyond(at)
            outer = outer & (at.n < 0)
            inner = jnp.where(outer, loc, x), df, loc, scale
            return jnp.where(outer, far[name](at, tail), usual(*inner)) + 0.0 * (at.df + at.scale)

        return slope

    in_df = chosen("df")
    made = {name: along(in_df, 1) if name == "df_df" else chosen(name) for name in far}
    return _Slopes(**made)


_LOG_CDF = _bound(_log_cdf, _log_slopes())
log_cdf = _LOG_CDF.fn


def _mirrored(fn, sign=1):
    """The function at the other side of the location, as one of the same arguments."""

    def other(x, df, loc, scale):
        value = fn(-jnp.asarray(x), df, -jnp.asarray(loc), scale)
        return value if sign > 0 else -value

    return other


def _upper(lower: Differentiable, plain) -> Differentiable:
    """An upper tail from the lower one, whose mirror image it is."""
    firsts, bends = lower.partials, lower.seconds
    return _bound(
        plain,
        _Slopes(
            x=_mirrored(firsts["x"], -1),
            df=_mirrored(firsts["df"]),
            scale=_mirrored(firsts["scale"]),
            x_x=_mirrored(bends["x", "x"]),
            x_df=_mirrored(bends["x", "df"], -1),
            x_scale=_mirrored(bends["x", "scale"], -1),
            df_df=_mirrored(bends["df", "df"]),
            df_scale=_mirrored(bends["df", "scale"]),
            scale_scale=_mirrored(bends["scale", "scale"]),
        ),
    )


def _sf(x: Real, df: Real, loc: Real, scale: Real) -> Float[Array, "..."]:
    """The probability of more than x, accurate where it is tiny."""
    return _mirrored(_cdf)(x, df, loc, scale)


def _log_sf(x: Real, df: Real, loc: Real, scale: Real) -> Float[Array, "..."]:
    """The logarithm of `sf`, accurate in both tails."""
    return _mirrored(_log_cdf)(x, df, loc, scale)


_SF, _LOG_SF = _upper(_CDF, _sf), _upper(_LOG_CDF, _log_sf)
sf, log_sf = _SF.fn, _LOG_SF.fn

# The quantiles.


def _plain_quantile(p, df):
    """The standard t below which lies probability p."""
    p, df = chance(p), positive(df)
    h = df / 2
    both = 2 * jnp.where(p < 0.5, p, 1 - p)
    inner = jnp.where((both > 0) & (both < 1), both, 0.5)
    log_x = (jnp.log(jnp.pi * h) / 2 + jnp.log(inner) - log_half_step(h)) / h
    far = log_x < 2 * math.log(FAR)
    inner = jnp.where(far, 0.5, inner)
    x, y = betaincinv(h, 0.5, inner), betainccinv(0.5, h, inner)
    close = y < 0.5
    odds = jnp.where(close, y / (1 - jnp.where(close, y, 0.5)), (1 - x) / jnp.where(close, 1, x))
    size = jnp.sqrt(df) * jnp.where(far, jnp.exp(-log_x / 2), jnp.sqrt(odds))
    size = jnp.where(both == 0, jnp.inf, jnp.where(both == 1, 0.0, size))
    return jnp.where(p < 0.5, -size, size)


def _by_density(at, p):
    """The slope of the standard quantile in p, and over it the slope of the density's logarithm."""
    outer, tail = _beyond(at)
    small = jnp.where(p < 0.5, p, 1 - p)
    power = height(at.df) / jnp.sqrt(2 * jnp.pi) * jnp.square(_root(at)) * at.c
    wide = 1 / at.rate / small / at.df * tail.mass
    return jnp.where(outer, wide, 1 / jnp.where(outer, 1.0, power))


def _standard_place(t, df):
    return _place(t, df, 0.0 * t, 1.0 + 0.0 * t)


def _quantile_dp(p, df):
    return _by_density(_standard_place(_standard(p, df), df), p) + 0.0 * df


def _quantile_dp_dp(p, df):
    at = _standard_place(_standard(p, df), df)
    rise = _by_density(at, p)
    return -(rise * _GROWTH.x(at)) * rise


def _quantile_ddf(p, df):
    df = positive(df)
    at = _standard_place(_standard(p, df), df)
    outer, tail = _beyond(at)
    fall = tail.mass / at.df * ((tail.edge + tail.rise) / 2)
    size = jnp.where(outer, 1.0, _size(at)[0])
    power = height(at.df) / jnp.sqrt(2 * jnp.pi) * jnp.square(_root(at)) * at.c
    inner = from_centre(size, df) / jnp.where(outer, 1.0, power)
    return -jnp.where(at.n < 0, -1.0, 1.0) * jnp.where(outer, fall / at.rate, inner)


def _quantile_dp_ddf(p, df):
    at = _standard_place(_standard(p, df), df)
    return -(_GROWTH.df(at) + _GROWTH.x(at) * _quantile_ddf(p, df)) * _by_density(at, p)


_standard = with_rule(
    _plain_quantile,
    p=with_rule(_quantile_dp, p=_quantile_dp_dp, df=_quantile_dp_ddf),
    df=_quantile_ddf,
)


def _inverse(name: str, sign: int, doc: str) -> Differentiable:
    def inverse(p, df, loc, scale):
        return jnp.asarray(loc) + positive(scale) * (sign * _plain_quantile(jnp.asarray(p), df))

    inverse.__name__ = inverse.__qualname__ = f"_{name}"
    inverse.__doc__ = doc

    def times(fn, with_scale=True):
        def product(p, df, loc, scale):
            p, df, scale = jnp.asarray(p), positive(df), positive(scale)
            p, df = jnp.broadcast_arrays(p, df)
            value = sign * fn(p, df)
            return (scale * value if with_scale else value) + 0.0 * (scale + loc)

        return product

    def zero(p, df, loc, scale):
        return 0.0 * (chance(p) + positive(df) + jnp.asarray(loc) + positive(scale))

    firsts = dict(
        p=times(_quantile_dp),
        df=times(_quantile_ddf),
        loc=lambda p, df, loc, scale: 1 + zero(p, df, loc, scale),
        scale=times(_standard, False),
    )
    seconds = {
        ("p", "p"): times(_quantile_dp_dp),
        ("p", "df"): times(_quantile_dp_ddf),
        ("p", "scale"): times(_quantile_dp, False),
        ("df", "df"): times(along(_quantile_ddf, 1)),
        ("df", "scale"): times(_quantile_ddf, False),
        ("scale", "scale"): zero,
        **{(one, "loc"): zero for one in ("p", "df", "loc")},
        ("loc", "scale"): zero,
    }
    fn, partials = with_partials(inverse, firsts, seconds)
    return Differentiable(fn, inverse, partials, seconds)


_QUANTILE = _inverse("quantile", 1, "The x below which lies probability p; NaN outside [0, 1].")
_ISF = _inverse("isf", -1, "The x above which lies probability p, accurate where p is tiny.")
quantile, isf = _QUANTILE.fn, _ISF.fn


def sample(key: PRNGKey, df: Real, loc: Real, scale: Real, shape: tuple[int, ...] = ()) -> Array:
    """Draw `shape` times the common shape of the parameters, differentiable in them."""
    size, dtype = sample_shape(shape, df, loc, scale), float_dtype(df, loc, scale)
    one, two = jax.random.split(key)
    h = jnp.broadcast_to(positive(df), size).astype(dtype) / 2
    some = jnp.where(h > 0, h, 1.0)
    shrunk = jnp.exp((jnp.log(some) - log_gamma_draw(two, some)) / 2)
    draws = jnp.where(h > 0, jax.random.normal(one, size, dtype) * shrunk, jnp.nan)
    return jnp.broadcast_to(loc, size) + jnp.broadcast_to(positive(scale), size) * draws


# Moments.


def _zero(df, loc, scale):
    return 0.0 * (positive(df) + jnp.asarray(loc) + positive(scale))


def _above(order, df, value, middle, least=jnp.nan):
    """The value above that many degrees of freedom, another from half of them on, or none."""
    df = positive(df)
    below = jnp.where(df > order / 2, middle, least)
    return jnp.where(df > order, value(jnp.where(df > order, df, order + 1.0)), below)


def mean(df: Real, loc: Real, scale: Real) -> Float[Array, "..."]:
    """The location; NaN up to one degree of freedom, where there is none."""
    return jnp.asarray(loc) + _zero(df, loc, scale) + _above(1, df, jnp.zeros_like, jnp.nan)


def median(df: Real, loc: Real, scale: Real) -> Float[Array, "..."]:
    """The location."""
    return jnp.asarray(loc) + _zero(df, loc, scale)


def mode(df: Real, loc: Real, scale: Real) -> Float[Array, "..."]:
    """The location."""
    return jnp.asarray(loc) + _zero(df, loc, scale)


def variance(df: Real, loc: Real, scale: Real) -> Float[Array, "..."]:
    """The squared scale times df / (df - 2); infinite up to two, NaN up to one."""
    factor = _above(2, df, lambda df: 1 + 2 / (df - 2), jnp.inf)
    return jnp.square(positive(scale)) * factor + _zero(df, loc, scale)


def std(df: Real, loc: Real, scale: Real) -> Float[Array, "..."]:
    """The root of the variance."""
    factor = _above(2, df, lambda df: jnp.sqrt(1 + 2 / (df - 2)), jnp.inf)
    return positive(scale) * factor + _zero(df, loc, scale)


def skewness(df: Real, loc: Real, scale: Real) -> Float[Array, "..."]:
    """Zero; NaN up to three degrees of freedom, where there is none."""
    return _above(3, df, jnp.zeros_like, jnp.nan) + _zero(df, loc, scale)


def kurtosis(df: Real, loc: Real, scale: Real) -> Float[Array, "..."]:
    """Six over df - 4; infinite up to four, NaN up to two."""
    return _above(4, df, lambda df: 6 / (df - 4), jnp.inf) + _zero(df, loc, scale)


def _entropy(df: Real, loc: Real, scale: Real) -> Float[Array, "..."]:
    """The expected value of minus `log_prob`, in nats; negative for a small scale."""
    h = positive(df) / 2
    expected = (h + 0.5) * digamma_difference(h, 0.5)
    constant = expected + HALF_LOG_TAU - log_half_step(h)
    return constant + jnp.log(positive(scale)) + _zero(df, loc, scale)


def _entropy_ddf(df, loc, scale):
    h = positive(df) / 2
    value = ((h + 0.5) * log_half_step_dh_dh(h) - jnp.square(0.5 / h)) / 2
    return value + _zero(df, loc, scale)


_ENTROPY = dict(
    df=_entropy_ddf,
    loc=_zero,
    scale=lambda df, loc, scale: 1 / positive(scale) + _zero(df, loc, scale),
)
entropy = with_rule(_entropy, **_ENTROPY)


def fisher_information(df: Real, loc: Real, scale: Real) -> Float[Array, "... 3 3"]:
    """The variance of the score, as a matrix over the parameters."""
    df, s, none = positive(df), positive(scale), _zero(df, loc, scale)
    rate = 1 / (df + 3)
    own = (
        2 * (5 + 3 / df) / (df + 1) * (1 / df) / (df + 1) * rate
        + stirling_bend_fall(df / 2)
    ) / 4  # fmt: skip
    both = -2 / (df + 1) * rate / s
    location, width = (df + 1) * rate / s / s, 2 * df * rate / s / s
    rows = ((own, none, both), (none, location, none), (both, none, width))
    return _matrix([[entry + none for entry in row] for row in rows])


def _start(x, share):
    """Four degrees of freedom, the median, and half of the distance of the quartiles."""
    centre, width = quartiles(x, share)
    return Params(jnp.full_like(width, 4.0), centre, width)


def _variance_ddf(df, loc, scale):
    fall = _above(2, df, lambda df: -2 / (df - 2) / (df - 2), jnp.nan)
    return jnp.square(positive(scale)) * fall + _zero(df, loc, scale)


def _std_ddf(df, loc, scale):
    fall = _above(2, df, lambda df: -1 / (df - 2) / (df - 2) / jnp.sqrt(1 + 2 / (df - 2)), jnp.nan)
    return positive(scale) * fall + _zero(df, loc, scale)


def _one(df, loc, scale):
    return 1 + _zero(df, loc, scale)


STUDENT_T = Family(
    name="student_t",
    parameters=Params(
        df=Interval(2.0**-6, 2.0**27, closed=(True, True)),
        loc=Interval(-(2.0**40), 2.0**40, closed=(True, True)),
        scale=Interval(2.0**-40, 2.0**40, closed=(True, True)),
    ),
    support=REAL,
    functions=(
        *(log_prob, prob, cdf, log_cdf, sf, log_sf, quantile, isf, sample),
        *(mean, median, mode, variance, std, skewness, kurtosis, entropy),
        *(score, hessian, fisher_information),
    ),
    start=_start,
    partials=dict(
        log_prob=_LOG_PROB.partials,
        prob=_PROB.partials,
        cdf=_CDF.partials,
        log_cdf=_LOG_CDF.partials,
        sf=_SF.partials,
        log_sf=_LOG_SF.partials,
        quantile=_QUANTILE.partials,
        isf=_ISF.partials,
        mean=dict(df=_zero, loc=_one, scale=_zero),
        median=dict(df=_zero, loc=_one, scale=_zero),
        mode=dict(df=_zero, loc=_one, scale=_zero),
        variance=dict(
            df=_variance_ddf,
            loc=_zero,
            scale=lambda df, loc, scale: 2 * std(df, 0.0, 1.0) ** 2 * positive(scale)
            + _zero(df, loc, scale),
        ),
        std=dict(
            df=_std_ddf,
            loc=_zero,
            scale=lambda df, loc, scale: std(df, loc, 1.0 + _zero(df, loc, scale)),
        ),
        skewness=dict(df=_zero, loc=_zero, scale=_zero),
        kurtosis=dict(
            df=lambda df, loc, scale: (
                _above(4, df, lambda df: -6 / (df - 4) / (df - 4), jnp.nan) + _zero(df, loc, scale)
            ),
            loc=_zero,
            scale=_zero,
        ),
        entropy=_ENTROPY,
    ),
    seconds=dict(
        log_prob=_LOG_PROB.seconds,
        prob=_PROB.seconds,
        cdf=_CDF.seconds,
        log_cdf=_LOG_CDF.seconds,
        sf=_SF.seconds,
        log_sf=_LOG_SF.seconds,
        quantile=_QUANTILE.seconds,
        isf=_ISF.seconds,
    ),
    plain=dict(
        log_prob=_log_prob,
        prob=_prob,
        cdf=_cdf,
        log_cdf=_log_cdf,
        sf=_sf,
        log_sf=_log_sf,
        quantile=_QUANTILE.plain,
        isf=_ISF.plain,
        entropy=_entropy,
    ),
    tex=dict(
        log_prob=r"\log p(x) = \log\frac{\Gamma((\nu + 1) / 2)}{\Gamma(\nu / 2)"
        r" \sqrt{\pi \nu}\, \sigma} - \frac{\nu + 1}{2} \log(1 + t^2 / \nu),"
        r" \quad t = (x - \mu) / \sigma",
        cdf=r"F(x) = \tfrac12 I_{\nu / (\nu + t^2)}(\tfrac\nu2, \tfrac12), \quad t \le 0",
        variance=r"\sigma^2 \frac{\nu}{\nu - 2}, \quad \nu > 2",
        kurtosis=r"\frac{6}{\nu - 4}, \quad \nu > 4",
        entropy=r"H = \tfrac{\nu + 1}{2} (\psi(\tfrac{\nu + 1}{2}) - \psi(\tfrac\nu2))"
        r" + \log(\sqrt\nu\, B(\tfrac\nu2, \tfrac12)\, \sigma)",
    ),
    source=Source("johnson1995continuous", "chapter 28"),
    topic="P10",
)
__getattr__ = STUDENT_T.function
