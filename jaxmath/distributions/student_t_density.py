r"""The density of Student's t distribution, and the triangle that its functions are made of.

With the legs $x - \mu$ and $\sigma \sqrt\nu$, shares n and c of the hypotenuse, and
$\tau = -2 \log c = \log(1 + t^2 / \nu)$ the density is a power of c, and all derivatives of its
logarithm are short polynomials of both shares.
"""

from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.distributions.cauchy import _shares, _triangle
from jaxmath.distributions.location_scale import positive, standardize
from jaxmath.distributions.standard import Differentiable
from jaxmath.distributions.student_t_integrals import growth, height
from jaxmath.special.gamma import HALF_LOG_TAU
from jaxmath.special.gamma_half_step import log_half_step, log_half_step_dh_dh
from jaxmath.special.logarithm import log1p_or_log
from jaxmath.special.partials import minus, with_partials
from jaxmath.typing import Real

FAR = 1e-10
"""Where c is less the first term of a tail is all there is."""


class Place(NamedTuple):
    """The legs over the hypotenuse, that in a unit, tau, and both positive parameters."""

    n: Array
    c: Array
    hypotenuse: Array
    unit: Array
    tau: Array
    df: Array
    scale: Array

    def over(self, factor) -> Array:
        """A factor over the hypotenuse, which may be so long that one over it is no number."""
        return factor * self.unit / self.hypotenuse

    @property
    def rate(self) -> Array:
        """One over the hypotenuse."""
        return self.unit / self.hypotenuse


def place(x, df, loc, scale) -> Place:
    """Where x lies: the triangle of the Cauchy distribution, but for the root of df."""
    df, scale = positive(df), positive(scale)
    wide = jnp.sqrt(df) * scale
    n, c, _ = _shares(x, loc, wide)
    z = standardize(x, loc, wide)
    far = ~(jnp.abs(z) < 1 / FAR)
    d, s, hypotenuse, unit = _triangle(x, loc, wide)
    long = jnp.where(far, jnp.abs(d), 1.0)
    tau = log1p_or_log(~far, jnp.square(jnp.where(far, 0.0, z)), long)
    # The square is lost in the sum, but not in its mixed slopes, where it is all that is left.
    share = jnp.where(far, c, 0.0) / jnp.where(far, jnp.abs(n), 1.0)
    away = 2 * (tau - jnp.log(s)) + jnp.square(share)
    tau = jnp.where(far, away, tau)
    return Place(n, c, hypotenuse, unit, tau, df, scale)


def at_place(fn):
    """A function of the place as one of x and the parameters."""

    def function(x, df, loc, scale):
        at = place(x, df, loc, scale)
        return fn(at) + 0.0 * (at.df + at.scale)

    return function


class Slopes(NamedTuple):
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


def bound(plain, slopes: Slopes) -> Differentiable:
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


def _twist(at):
    """Half of what the slope in x lacks beside that of a power of x, over n."""
    return jnp.square(at.c) / at.df - jnp.square(at.n)


GROWTH = Slopes(
    x=lambda at: -at.over((at.df + 1) * at.n),
    df=lambda at: -growth(at.tau, jnp.square(at.n), at.df) / 2,
    scale=lambda at: (at.df * jnp.square(at.n) - jnp.square(at.c)) / at.scale,
    x_x=lambda at: -((at.df + 1) * ((at.c - at.n) * (at.c + at.n)) * at.rate) * at.rate,
    x_df=lambda at: at.n * at.rate * _twist(at),
    x_scale=lambda at: (
        2 * ((at.df + 1) * at.n * at.rate) * at.c * (at.c / at.scale)  # the square underflows
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
    at = place(x, df, loc, scale)
    constant = log_half_step(at.df / 2) - HALF_LOG_TAU - jnp.log(at.scale)
    return constant - (at.df + 1) / 2 * at.tau


LOG_PROB = bound(_log_prob, Slopes(*map(at_place, GROWTH)))


def half_power(at):
    """Of the density's power of c, but for one c."""
    return jnp.exp(-at.df / 4 * at.tau)


def times_density(factor):
    """The density times a factor, which may be large where it is small."""

    def product(at):
        root = half_power(at)
        constant = height(at.df) * jnp.sqrt(at.df / (2 * jnp.pi))
        there = jnp.where(root > 0, factor(at), 0.0)
        return (root * constant * at.rate) * (root * there)

    return at_place(product)


def times_way(factor):
    """The density times a factor of x - loc, which underflows by itself where `df` is large."""

    def product(at):
        root = half_power(at)
        way = jnp.sqrt(at.df / (2 * jnp.pi)) * at.n  # the density at loc, times x - loc
        there = jnp.where(root > 0, factor(at, way), 0.0)
        return (root * height(at.df)) * (root * there)

    return product


def _prob(x: Real, df: Real, loc: Real, scale: Real) -> Float[Array, "..."]:
    """The density; its unit is one over that of x."""
    return times_density(lambda at: jnp.ones_like(at.c))(x, df, loc, scale)


def _bend(one, two, both):
    """The second derivative of the density over it."""
    g = GROWTH._asdict()
    return lambda at: g[both](at) + g[one](at) * g[two](at)


DENSITY = Slopes(
    *(times_density(getattr(GROWTH, name)) for name in ("x", "df", "scale")),
    *(
        times_density(_bend(one, two, f"{one}_{two}"))
        for one, two in (
            *(("x", "x"), ("x", "df"), ("x", "scale")),
            *(("df", "df"), ("df", "scale"), ("scale", "scale")),
        )
    ),
)
PROB = bound(_prob, DENSITY)
prob = PROB.fn
