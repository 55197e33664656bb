r"""Barron's general robust loss: a family in one shape, from the squared error to the Welsch loss.

With $z = r / c$, $b = |\alpha - 2|$ and $L = \log(1 + z^2 / b)$ it is $\tfrac12 b L\,E(\tfrac12
\alpha L)$ where $E(x) = (e^x - 1) / x$: at $\alpha = 0$ nothing divides by zero, and at
$\alpha \to -\infty$ it tends to the Welsch loss.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.domains import Interval
from jaxmath.formula import Bounded, Even, Formula, Increasing, Minimizer, Source, with_rule
from jaxmath.special.exponential import expm1_gap
from jaxmath.special.exponential_moment import exponential_moment
from jaxmath.special.gauss import gauss_legendre
from jaxmath.special.logarithm import log1p, log1p_gap
from jaxmath.special.partials import along
from jaxmath.typing import Real

_NODES = tuple(zip(*(part.tolist() for part in gauss_legendre(12)), strict=True))


class _Parts(NamedTuple):
    """The standardised residual, b, one over 1 + z^2 / b, what it lacks to one, L less that, L."""

    z: Array
    shape: Array
    b: Array
    rest: Array
    share: Array
    excess: Array
    log: Array


def _parts(residual, shape, scale):
    shape = jnp.asarray(shape)
    shape = jnp.where(shape == 2, 0.0, shape)
    z, b = jnp.asarray(residual) / scale, 2 - shape
    u = jnp.square(z) / b
    share, log = u / (1 + u), log1p(u)
    excess = jnp.where(u < 1, log1p_gap(-jnp.where(u < 1, share, 0.0)), log - share)
    return _Parts(z, shape, b, 1 / (1 + u), share, excess, log)


def _at_two(shape, value, other):
    """The squared error's own value at shape two."""
    return jnp.where(jnp.asarray(shape) == 2, value, other)


def _barron(residual: Real, shape: Real = 1.0, scale: Real = 1.0) -> Float[Array, "..."]:
    """The loss of a residual for a shape of at most two, in units of the scale > 0.

    Shape 2 is half the squared error, 1 the pseudo-Huber loss, 0 the Cauchy loss, -2 Geman and
    McClure's; the slope in the shape is infinite at 2.
    """
    part = _parts(residual, shape, scale)
    value = 0.5 * part.b * part.log * exponential_moment(1, 0.5 * part.shape * part.log)
    return _at_two(shape, jnp.square(part.z) / 2, value)


def _weight(part):
    return jnp.exp(-0.5 * part.b * part.log)


def _barron_dresidual(residual: Real, shape: Real = 1.0, scale: Real = 1.0) -> Float[Array, "..."]:
    """The standardised residual over the scale, weighed down where it is large."""
    part = _parts(residual, shape, scale)
    return part.z / scale * _at_two(shape, 1.0, _weight(part))


def _barron_dscale(residual: Real, shape: Real = 1.0, scale: Real = 1.0) -> Float[Array, "..."]:
    """Minus the standardised residual times the slope in the residual."""
    return -(jnp.asarray(residual) / scale) * barron_dresidual(residual, shape, scale)


def _barron_dshape(residual: Real, shape: Real = 1.0, scale: Real = 1.0) -> Float[Array, "..."]:
    r"""The integral $\tfrac b4 \int_0^L e^{\alpha s / 2} (e^{-s} - 1 + s)\,ds$, never negative."""
    part = _parts(residual, shape, scale)
    small = part.log < 1
    log = jnp.where(small, part.log, 0.0)
    near = sum(
        weight * jnp.exp(0.5 * part.shape * log * node) * expm1_gap(-log * node)
        for node, weight in _NODES
    )
    x = 0.5 * part.shape * part.log
    rest = part.log + part.shape * part.share / part.b
    far = -0.5 * part.excess * exponential_moment(1, x)
    far = far + 0.25 * part.b * part.log * rest * exponential_moment(2, x)
    return jnp.where(small, 0.25 * part.b * log * near, far)


def _bend(residual, shape, scale):
    part = _parts(residual, shape, scale)
    curve = _weight(part) * (part.shape - 1 + part.b * part.rest)
    return _at_two(shape, 1.0, curve) / jnp.square(scale) + 0.0 * part.z


def _twist(residual, shape, scale):
    part = _parts(residual, shape, scale)
    return 0.5 * part.z / scale * _weight(part) * part.excess


def _dresidual_dscale(residual, shape, scale):
    part = _parts(residual, shape, scale)
    curve = _at_two(shape, 2.0, _weight(part) * (part.shape + part.b * part.rest))
    return -part.z / jnp.square(scale) * curve


barron_dresidual = with_rule(
    _barron_dresidual, residual=_bend, shape=_twist, scale=_dresidual_dscale
)


def _dshape_dscale(residual, shape, scale):
    return -(jnp.asarray(residual) / scale) * _twist(residual, shape, scale)


def _dscale_dscale(residual, shape, scale):
    part = _parts(residual, shape, scale)
    curve = _at_two(shape, 3.0, _weight(part) * (1 + part.shape + part.b * part.rest))
    return jnp.square(part.z / scale) * curve


barron_dscale = with_rule(
    _barron_dscale, residual=_dresidual_dscale, shape=_dshape_dscale, scale=_dscale_dscale
)
barron_dshape = with_rule(
    _barron_dshape, residual=_twist, shape=along(_barron_dshape, 1), scale=_dshape_dscale
)
_BARRON = dict(residual=barron_dresidual, shape=barron_dshape, scale=barron_dscale)
barron = with_rule(_barron, **_BARRON)

BARRON = Formula(
    fn=barron,
    plain=_barron,
    domain=dict(
        residual=Interval(-1000.0, 1000.0, closed=(True, True)),
        shape=Interval(-6.0, 1.5, closed=(True, True)),
        scale=Interval(0.125, 8.0, closed=(True, True)),
    ),
    partials=_BARRON,
    seconds={
        ("residual", "residual"): _bend,
        ("residual", "shape"): _twist,
        ("residual", "scale"): _dresidual_dscale,
        ("shape", "scale"): _dshape_dscale,
        ("scale", "scale"): _dscale_dscale,
    },
    facts=(
        Even("residual"),
        Bounded("residual", low=0.0),
        Minimizer("residual", 0.0),
        Increasing("shape"),
    ),
    tex=r"\rho(r, \alpha, c) = \frac{|\alpha - 2|}{\alpha}"
    r" \left(\left(\frac{(r / c)^2}{|\alpha - 2|} + 1\right)^{\alpha / 2} - 1\right)",
    source=Source("barron2019general", "eq. 1"),
    topic="O8",
)
