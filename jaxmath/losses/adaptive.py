r"""Barron's general robust loss: a family in one shape, from the squared error to the Welsch loss.

With $z = r / c$, $b = |\alpha - 2|$ and $L = \log(1 + z^2 / b)$ it is $\tfrac12 b L\,E(\tfrac12
\alpha L)$ where $E(x) = (e^x - 1) / x$: at $\alpha = 0$ nothing divides by zero, and at
$\alpha \to -\infty$ it tends to the Welsch loss.
"""

import math

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.domains import Interval
from jaxmath.formula import Bounded, Even, Formula, Source, with_rule
from jaxmath.special.logarithm import log1p
from jaxmath.special.polynomial import polynomial
from jaxmath.typing import Real

_FACTORIALS = tuple(1 / math.factorial(k) for k in range(1, 19))
_SLOPES = tuple(k / math.factorial(k + 1) for k in range(1, 20))


def _ratio(x):
    """The exponential's excess over one, over x; one at zero."""
    small = jnp.abs(x) < 0.5
    near, far = jnp.where(small, x, 0.0), jnp.where(small, 1.0, x)
    return jnp.where(small, polynomial(_FACTORIALS, near), jnp.expm1(far) / far)


def _ratio_slope(x):
    small = jnp.abs(x) < 0.5
    near, far = jnp.where(small, x, 0.0), jnp.where(small, 1.0, x)
    outer = (jnp.exp(far) - jnp.expm1(far) / far) / far
    return jnp.where(small, polynomial(_SLOPES, near), outer)


def _parts(residual, shape, scale):
    """The standardised residual, b, z^2 / b, and its L."""
    z, b = jnp.asarray(residual) / scale, 2 - jnp.asarray(shape)
    u = jnp.square(z) / b
    return z, b, u, log1p(u)


def _barron(residual: Real, shape: Real, scale: Real) -> Float[Array, "..."]:
    """The loss of a residual for a shape of at most two, in units of the scale > 0.

    Shape 2 is half the squared error, 1 the pseudo-Huber loss, 0 the Cauchy loss, -2 Geman and
    McClure's; the slope in the shape is infinite at 2.
    """
    z, b, _, log = _parts(residual, jnp.where(jnp.asarray(shape) < 2, shape, 0.0), scale)
    value = 0.5 * b * log * _ratio(0.5 * (2 - b) * log)
    return jnp.where(jnp.asarray(shape) == 2, jnp.square(z) / 2, value)


def _barron_dresidual(residual: Real, shape: Real, scale: Real) -> Float[Array, "..."]:
    """The standardised residual over the scale, weighed down where it is large."""
    z, b, _, log = _parts(residual, jnp.where(jnp.asarray(shape) < 2, shape, 0.0), scale)
    weight = jnp.where(jnp.asarray(shape) == 2, 1.0, jnp.exp(-0.5 * b * log))
    return z / scale * weight


def _barron_dscale(residual: Real, shape: Real, scale: Real) -> Float[Array, "..."]:
    """Minus the standardised residual times the slope in the residual."""
    return -(jnp.asarray(residual) / scale) * barron_dresidual(residual, shape, scale)


def _barron_dshape(residual: Real, shape: Real, scale: Real) -> Float[Array, "..."]:
    """By the shape itself and by what it makes of L."""
    _, b, u, log = _parts(residual, shape, scale)
    x, step = 0.5 * jnp.asarray(shape) * log, u / (1 + u)
    rest = log + jnp.asarray(shape) * step / b
    return 0.5 * (step - log) * _ratio(x) + 0.25 * b * log * rest * _ratio_slope(x)


def _bend(residual, shape, scale):
    _, b, u, log = _parts(residual, jnp.where(jnp.asarray(shape) < 2, shape, 0.0), scale)
    curve = jnp.exp(-0.5 * b * log) * (1 - b * (u / (1 + u)))
    return jnp.where(jnp.asarray(shape) == 2, 1.0, curve) / jnp.square(scale) + 0.0 * residual


barron_dresidual = with_rule(
    _barron_dresidual,
    residual=_bend,
    shape=lambda residual, shape, scale: _twist(residual, shape, scale),
    scale=lambda residual, shape, scale: (
        -(barron_dresidual(residual, shape, scale) + residual * _bend(residual, shape, scale))
        / scale
    ),
)


def _twist(residual, shape, scale):
    z, _, u, log = _parts(residual, shape, scale)
    _, b, _, _ = _parts(residual, shape, scale)
    return z / scale * jnp.exp(-0.5 * b * log) * 0.5 * (log - u / (1 + u))


_BARRON = dict(residual=barron_dresidual, shape=_barron_dshape, scale=_barron_dscale)
barron = with_rule(_barron, **_BARRON)

BARRON = Formula(
    fn=barron,
    plain=_barron,
    domain=dict(
        residual=Interval(-1e6, 1e6, closed=(True, True)),
        shape=Interval(-8.0, 1.5, closed=(True, True)),
        scale=Interval(1e-3, 1e3, closed=(True, True)),
    ),
    partials=_BARRON,
    seconds={("residual", "residual"): _bend, ("residual", "shape"): _twist},
    facts=(Even("residual"), Bounded("residual", low=0.0)),
    tex=r"\rho(r, \alpha, c) = \frac{|\alpha - 2|}{\alpha}"
    r" \left(\left(\frac{(r / c)^2}{|\alpha - 2|} + 1\right)^{\alpha / 2} - 1\right)",
    source=Source("barron2019general", "eq. 1"),
    topic="O8",
)
