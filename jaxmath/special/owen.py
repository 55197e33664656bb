r"""Owen's T function, the mass of a wedge of the plane under the standard normal distribution.

$$T(h, a) = \frac{1}{2\pi} \int_0^a \frac{e^{-h^2 (1 + t^2) / 2}}{1 + t^2}\,dt$$

For a beyond one Owen's identity leads to 1/a, with tails that do not cancel. Up to one the rule of
Gauss serves; an integrand that has fallen below 1e-16 is cut off, so that a fixed number of points
always suffices.
"""

import math

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.domains import REAL
from jaxmath.formula import Bounded, Even, Formula, Increasing, Odd, Source, with_rule
from jaxmath.special.error_function import erf
from jaxmath.special.normal_tail import SQRT_TAU, density_times, ndtr, ndtr_dz
from jaxmath.typing import Real

END = 8.6
"""Where exp(-s^2 / 2) is below 1e-16."""

# Points and weights of the rule of 42 points, of which an even integrand needs half (40 digits).
_RULE = (
    (0.03694894316535178, 0.07386423423217288),
    (0.11064502720851987, 0.07346081345346753),
    (0.18373680656485455, 0.0726561752438041),
    (0.25582507934287907, 0.07145471426517098),
    (0.3265161244654115, 0.06986299249259416),
    (0.39542385204297503, 0.06788970337652195),
    (0.4621719120704219, 0.06554562436490897),
    (0.5263957499311923, 0.06284355804500258),
    (0.5877445974851093, 0.059798262227586656),
    (0.6458833888692478, 0.05642636935801838),
    (0.7004945905561712, 0.05274629569917407),
    (0.7512799356894805, 0.048778140792803244),
    (0.7979620532554874, 0.04454357777196588),
    (0.8402859832618169, 0.040065735180692265),
    (0.8780205698121727, 0.03536907109759211),
    (0.9109597249041275, 0.030479240699603467),
    (0.9389235573549882, 0.025422959526113047),
    (0.9617593653382045, 0.020227869569052644),
    (0.9793425080637482, 0.014922443697357493),
    (0.9915772883408609, 0.009536220301748503),
    (0.9983996189900625, 0.004105998604649085),
)


def _wedge(h, a, reach):
    """T for h >= 0 and 0 <= a <= 1, with reach = h a."""
    whole = reach < END
    length = jnp.where(whole, a, END / jnp.where(whole, END, h))
    square, steep = jnp.square(length), -jnp.square(jnp.minimum(reach, END)) / 2
    total = jnp.zeros_like(length)
    for x, weight in _RULE:
        total = total + weight * jnp.exp(steep * (x * x)) / (1 + square * (x * x))
    return density_times(length * total / SQRT_TAU, h)


def _owens_t(h: Real, a: Real) -> Float[Array, "..."]:
    """The probability that X > h and 0 < Y < aX for independent standard normal X and Y."""
    h, a = jnp.broadcast_arrays(jnp.asarray(h), jnp.asarray(a))
    dtype = jnp.result_type(h, a)
    most = jnp.finfo(dtype).max
    height, size = jnp.minimum(jnp.abs(h.astype(dtype)), most), jnp.minimum(jnp.abs(a), most)
    steep = size > 1
    reach = height * size
    wedge = _wedge(
        jnp.where(steep, reach, height),
        jnp.where(steep, 1 / jnp.where(steep, size, 1.0), size),
        jnp.where(steep, height, reach),
    )
    tail, other = ndtr(-height), ndtr(-reach)
    beyond = tail / 2 + other * (0.5 - tail) - wedge
    value = jnp.where(steep, beyond, wedge)
    return jnp.where(a < 0, -value, value)


def _densities_times(factor, h, a):
    """A factor times the normal densities at h and at a h."""
    h, a = jnp.asarray(h), jnp.asarray(a)
    return density_times(factor * ndtr_dz(h), a * h)


def _owens_t_dh(h: Real, a: Real) -> Float[Array, "..."]:
    """Minus the normal density at h times that between 0 and a h."""
    h, a = jnp.asarray(h), jnp.asarray(a)
    return -ndtr_dz(h) * (erf(a * h / math.sqrt(2)) / 2)


def _owens_t_da(h: Real, a: Real) -> Float[Array, "..."]:
    """The integrand at its end."""
    return _densities_times(1 / (1 + jnp.square(jnp.asarray(a))), h, a)


def _bounded(h):
    """H itself up to a hundred, where its density is zero and would be multiplied by infinity."""
    return jnp.clip(jnp.asarray(h), -100.0, 100.0)


def owens_t_dh_dh(h: Real, a: Real) -> Float[Array, "..."]:
    """Minus h times the slope in h, less a times the normal densities at h and a h."""
    return -_bounded(h) * owens_t_dh(h, a) - _densities_times(a, h, a)


def owens_t_dh_da(h: Real, a: Real) -> Float[Array, "..."]:
    """Minus h times the normal densities at h and a h."""
    return _densities_times(-_bounded(h), h, a)


def owens_t_da_da(h: Real, a: Real) -> Float[Array, "..."]:
    r"""The slope in a times $-a\,(h^2 + 2 / (1 + a^2))$."""
    a = jnp.asarray(a)
    share = 1 / (1 + jnp.square(a))
    return _densities_times(-a * share * (jnp.square(_bounded(h)) + 2 * share), h, a)


owens_t_dh = with_rule(_owens_t_dh, h=owens_t_dh_dh, a=owens_t_dh_da)
owens_t_da = with_rule(_owens_t_da, h=owens_t_dh_da, a=owens_t_da_da)
_OWENS_T = dict(h=owens_t_dh, a=owens_t_da)
owens_t = with_rule(_owens_t, **_OWENS_T)

OWENS_T = Formula(
    fn=owens_t,
    plain=_owens_t,
    domain=dict(h=REAL, a=REAL),
    partials=_OWENS_T,
    seconds={
        ("h", "h"): owens_t_dh_dh,
        ("h", "a"): owens_t_dh_da,
        ("a", "a"): owens_t_da_da,
    },
    facts=(Even("h"), Odd("a"), Increasing("a"), Bounded("a", -0.25, 0.25)),
    tex=r"T(h, a) = \frac{1}{2\pi}\int_0^a \frac{e^{-h^2 (1 + t^2) / 2}}{1 + t^2}\,dt",
    source=Source("owen1956tables"),
    topic="P8",
)
