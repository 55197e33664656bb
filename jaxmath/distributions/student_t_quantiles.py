"""The quantiles of Student's t distribution, and their slopes by the implicit function theorem."""

import math

import jax.numpy as jnp

from jaxmath.distributions.location_scale import chance, positive
from jaxmath.distributions.standard import Differentiable
from jaxmath.distributions.student_t_density import FAR, GROWTH, half_power, place
from jaxmath.distributions.student_t_integrals import from_centre, height
from jaxmath.distributions.student_t_tails import beyond, size_of
from jaxmath.formula import with_rule
from jaxmath.special.gamma_half_step import log_half_step
from jaxmath.special.inverse_beta import shares
from jaxmath.special.partials import along, with_partials


def _plain_quantile(p, df):
    """The standard t below which lies probability p."""
    p, df = chance(p), positive(df)
    h = df / 2
    both = 2 * jnp.where(p < 0.5, p, 1 - p)
    inner = jnp.where((both > 0) & (both < 1), both, 0.5)
    log_x = (jnp.log(jnp.pi * h) / 2 + jnp.log(inner) - log_half_step(h)) / h
    far = log_x < 2 * math.log(FAR)
    inner = jnp.where(far, 0.5, inner)
    y, x = shares(0.5, h, inner, False)
    size = jnp.sqrt(df) * jnp.where(far, jnp.exp(-log_x / 2), jnp.sqrt(y / x))
    size = jnp.where(both == 0, jnp.inf, jnp.where(both == 1, 0.0, size))
    return jnp.where(p < 0.5, -size, size)


def _by_density(at, p):
    """The slope of the standard quantile in p: one over the density there."""
    outer, tail = beyond(at)
    small = jnp.where(p < 0.5, p, 1 - p)
    power = height(at.df) / jnp.sqrt(2 * jnp.pi) * jnp.square(half_power(at)) * at.c
    wide = 1 / at.rate / small / at.df * tail.mass
    return jnp.where(outer, wide, 1 / jnp.where(outer, 1.0, power))


def _standard_place(t, df):
    return place(t, df, 0.0 * t, 1.0 + 0.0 * t)


def _quantile_dp(p, df):
    return _by_density(_standard_place(_standard(p, df), df), p) + 0.0 * df


def _quantile_dp_dp(p, df):
    at = _standard_place(_standard(p, df), df)
    rise = _by_density(at, p)
    return -(rise * GROWTH.x(at)) * rise


def drift(t, df):
    """How fast the standard value at a fixed probability moves with the degrees of freedom."""
    at = _standard_place(t, df)
    outer, tail = beyond(at)
    fall = tail.mass / at.df * ((tail.edge + tail.rise) / 2)
    size = jnp.where(outer, 1.0, size_of(at)[0])
    power = height(at.df) / jnp.sqrt(2 * jnp.pi) * jnp.square(half_power(at)) * at.c
    inner = from_centre(size, at.df) / jnp.where(outer, 1.0, power)
    return -jnp.where(at.n < 0, -1.0, 1.0) * jnp.where(outer, fall / at.rate, inner)


def _quantile_ddf(p, df):
    return drift(_standard(p, df), df)


def _quantile_dp_ddf(p, df):
    t = _standard(p, df)
    at = _standard_place(t, df)
    return -(GROWTH.df(at) + GROWTH.x(at) * drift(t, df)) * _by_density(at, p)


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


QUANTILE = _inverse("quantile", 1, "The x below which lies probability p; NaN outside [0, 1].")
ISF = _inverse("isf", -1, "The x above which lies probability p, accurate where p is tiny.")
