r"""Both tails of Student's t distribution: the incomplete beta function of a triangle's shares.

Far out, where the smaller share underflows, the first term of the series is all there is. Slopes
in the degrees of freedom, and those of a small tail's logarithm, come from the integrals of
`student_t_integrals`.
"""

import math

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.distributions.standard import Differentiable
from jaxmath.distributions.student_t_density import (
    DENSITY,
    FAR,
    GROWTH,
    Slopes,
    at_place,
    bound,
    place,
    prob,
    times_way,
)
from jaxmath.distributions.student_t_integrals import OUTER, from_centre, moments
from jaxmath.special.gamma_half_step import log_half_step
from jaxmath.special.incomplete_beta import betaincc_shares, log_betaincc_shares
from jaxmath.special.logarithm import log1p
from jaxmath.special.loops import if_any
from jaxmath.special.partials import along
from jaxmath.typing import Real

LOG_2 = math.log(2)


def size_of(at):
    """The size of t, and whether it is one of the outer ones."""
    outer = at.df * jnp.square(at.n) > OUTER**2 * jnp.square(at.c)
    return jnp.sqrt(at.df) * jnp.abs(at.n) / at.c, outer


def _log_first(df, c, wide, hypotenuse):
    """The logarithm of the first two terms of the tail at infinity."""
    h = df / 2
    rest = log1p(h / (h + 1) * jnp.square(c) / 2)
    power = df * (jnp.log(hypotenuse) - jnp.log(wide))
    return log_half_step(h) - power - LOG_2 - jnp.log(jnp.pi * h) / 2 + rest


def _log_far(at, far):
    """`_log_first` where the tail is far, if any is."""
    return if_any(far, _log_first, at.df, at.c, jnp.sqrt(at.df) * at.scale * at.unit, at.hypotenuse)


def _shares(at):
    """Whether the tail is far, half of df, and the squares of both shares."""
    far = at.c < FAR
    squares = (jnp.where(far, 0.5, jnp.square(share)) for share in (at.n, at.c))
    return far, at.df / 2, *squares


def _times_tail(at, factor):
    """The probability beyond x, on its side of the location, times a factor it may need."""
    far, h, n2, c2 = _shares(at)
    root = jnp.exp(_log_far(at, far) / 2)
    return jnp.where(far, root * factor * root, betaincc_shares(0.5, h, n2, c2) / 2 * factor)


def _tail(at):
    return _times_tail(at, 1.0)


def _log_tail(at):
    far, h, n2, c2 = _shares(at)
    return jnp.where(far, _log_far(at, far), log_betaincc_shares(0.5, h, n2, c2) - LOG_2)


def _cdf(x: Real, df: Real, loc: Real, scale: Real) -> Float[Array, "..."]:
    """The probability of at most x."""

    def below(at):
        tail = _tail(at)
        return jnp.where(at.n < 0, tail, 1 - tail)

    return at_place(below)(x, df, loc, scale)


def _log_cdf(x: Real, df: Real, loc: Real, scale: Real) -> Float[Array, "..."]:
    """The logarithm of `cdf`, accurate in both tails."""

    def below(at):
        return jnp.where(at.n < 0, _log_tail(at), log1p(-_tail(at)))

    return at_place(below)(x, df, loc, scale)


def beyond(at):
    """The moments of the tail, where x is an outer one."""
    outer = size_of(at)[1]
    return outer, moments(jnp.where(outer, at.tau, jnp.log1p(OUTER**2 / at.df)), at.df)


def _cdf_ddf(at):
    outer, tail = beyond(at)
    size = jnp.where(outer, 1.0, size_of(at)[0])
    usual = from_centre(size, at.df)
    change = jnp.where(outer, _times_tail(at, (tail.edge + tail.rise) / 2), usual)
    return jnp.where(at.n < 0, -change, change)


_cdf_df = at_place(_cdf_ddf)
CDF = bound(
    _cdf,
    Slopes(
        x=prob,
        df=_cdf_df,
        scale=at_place(times_way(lambda at, way: -way / at.scale)),
        x_x=DENSITY.x,
        x_df=DENSITY.df,
        x_scale=DENSITY.scale,
        df_df=along(_cdf_df, 1),
        df_scale=at_place(times_way(lambda at, way: -way / at.scale * GROWTH.df(at))),
        scale_scale=at_place(
            times_way(
                lambda at, way: (
                    way / at.scale / at.scale
                    * (1 - at.df * jnp.square(at.n) + jnp.square(at.c))
                )
            )
        ),
    ),
)  # fmt: skip
cdf = CDF.fn


def _log_slopes() -> Slopes:
    """Those of the logarithm of the lower tail: by its moments far below, else by ratios."""
    plain = Slopes(
        *(CDF.partials[name] for name in ("x", "df", "scale")),
        *(
            CDF.seconds[pair]
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
        return at.over(at.df) / tail.mass

    def reach(at, tail):
        """The hazard times the distance from the location, over the scale."""
        return at.df * jnp.abs(at.n) / tail.mass / at.scale

    def rest(at, tail, unit=1.0):
        """Over a unit, since the square of c underflows."""
        return at.c * (at.c / unit) * (1 + tail.odds * jnp.square(at.n))

    far = Slopes(
        x=hazard,
        df=lambda at, tail: -(tail.edge + tail.rise) / 2,
        scale=reach,
        x_x=lambda at, tail: (
            hazard(at, tail) * (1 - tail.odds * jnp.square(at.c)) * (jnp.abs(at.n) * at.rate)
        ),
        x_df=lambda at, tail: hazard(at, tail) * tail.rise / 2,
        x_scale=lambda at, tail: -hazard(at, tail) * rest(at, tail, at.scale),
        df_df=None,
        df_scale=lambda at, tail: reach(at, tail) * tail.rise / 2,
        scale_scale=lambda at, tail: -reach(at, tail) * ((1 + rest(at, tail)) / at.scale),
    )._asdict()

    def chosen(name):
        usual = second(name) if "_" in name else first(name)

        def slope(x, df, loc, scale):
            at = place(x, df, loc, scale)
            outer, tail = beyond(at)
            outer = outer & (at.n < 0)
            inner = jnp.where(outer, loc, x), df, loc, scale
            return jnp.where(outer, far[name](at, tail), usual(*inner)) + 0.0 * (at.df + at.scale)

        return slope

    in_df = chosen("df")
    made = {name: along(in_df, 1) if name == "df_df" else chosen(name) for name in far}
    return Slopes(**made)


LOG_CDF = bound(_log_cdf, _log_slopes())


def _mirrored(fn, sign=1):
    """The function at the other side of the location, as one of the same arguments."""

    def other(x, df, loc, scale):
        value = fn(-jnp.asarray(x), df, -jnp.asarray(loc), scale)
        return value if sign > 0 else -value

    return other


def _upper(lower: Differentiable, plain) -> Differentiable:
    """An upper tail from the lower one, whose mirror image it is."""
    firsts, bends = lower.partials, lower.seconds
    return bound(
        plain,
        Slopes(
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


SF, LOG_SF = _upper(CDF, _sf), _upper(LOG_CDF, _log_sf)
