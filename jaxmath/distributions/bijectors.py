r"""Invertible maps of the real line and of vectors, with the logarithms of their determinants.

Each map is a plain function; a `Bijector` names the map, its inverse and, of either, the logarithm
of the absolute slope (of vectors: of the determinant of the Jacobian), every one written for its
own argument, so that none loses digits in the tails through the other.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.distributions.location_scale import positive, standardize
from jaxmath.domains import NONNEGATIVE, OPEN_UNIT, POSITIVE, REAL, Interval
from jaxmath.formula import (
    Concave,
    Convex,
    Decreasing,
    Formula,
    Increasing,
    Source,
    with_rule,
)
from jaxmath.special.entropy import xlogy
from jaxmath.special.exponential import log1mexp, log1mexp_dx, log1mexp_dx_dx
from jaxmath.special.hyperbolic import tanh
from jaxmath.special.logarithm import log1p
from jaxmath.special.logistic import log_sigmoid, sigmoid, sigmoid_dx, softplus
from jaxmath.typing import Real

Map = Callable[..., Any]


class NoParams(NamedTuple):
    """A map without parameters."""


NONE = NoParams()


class Affine(NamedTuple):
    """The parameters of an affine map."""

    shift: Any
    factor: Any


class Power(NamedTuple):
    """The parameter of a power."""

    exponent: Any


@dataclass(frozen=True, eq=False)
class Bijector:
    """An invertible map and its inverse.

    Attributes:
        name: of the map.
        domain, image: where it and its inverse are defined. Of matrices and of vectors with a
            constraint the determinant is that of the entries which are free.
        forward, inverse: the map of `(x, *parameters)` and its inverse of `(y, *parameters)`.
        forward_log_det, inverse_log_det: the logarithm of the absolute slope of either, in its
            own argument; for maps of vectors of the Jacobian's determinant.
        increasing: the direction; None for a map of vectors.
        parameters: their domains, by name.
        line: for a straight line its intercept and slope, as a function of the parameters.
        mean_log_det: the expected value of `forward_log_det` as a function of the mean of x and of
            the parameters, where no more is needed.
    """

    name: str
    domain: Any
    image: Any
    forward: Map
    inverse: Map
    forward_log_det: Map
    inverse_log_det: Map
    increasing: bool | None = None
    parameters: Any = NONE
    line: Map | None = None
    mean_log_det: Map | None = None


def inverted(bijector: Bijector) -> Bijector:
    """The inverse map."""
    line = bijector.line

    def back(*params):
        assert line is not None
        intercept, slope = line(*params)
        return -intercept / slope, 1 / slope

    return Bijector(
        name=f"inverse_{bijector.name}",
        domain=bijector.image,
        image=bijector.domain,
        forward=bijector.inverse,
        inverse=bijector.forward,
        forward_log_det=bijector.inverse_log_det,
        inverse_log_det=bijector.forward_log_det,
        increasing=bijector.increasing,
        parameters=bijector.parameters,
        line=None if line is None else back,
    )


def affine(x: Real, shift: Real, factor: Real) -> Float[Array, "..."]:
    """The line with intercept `shift` and slope `factor` > 0."""
    return jnp.asarray(shift) + positive(factor) * x


def _log_factor(x, shift, factor):
    return jnp.log(positive(factor)) + 0.0 * x + 0.0 * jnp.asarray(shift)


AFFINE = Bijector(
    name="affine",
    domain=REAL,
    image=REAL,
    parameters=Affine(shift=REAL, factor=POSITIVE),
    forward=affine,
    inverse=standardize,
    forward_log_det=_log_factor,
    inverse_log_det=lambda y, shift, factor: -_log_factor(y, shift, factor),
    increasing=True,
    line=lambda shift, factor: (shift, factor),
    mean_log_det=lambda mean, shift, factor: _log_factor(mean, shift, factor),
)

NEGATION = Bijector(
    name="negation",
    domain=REAL,
    image=REAL,
    forward=lambda x: -jnp.asarray(x),
    inverse=lambda y: -jnp.asarray(y),
    forward_log_det=lambda x: 0.0 * jnp.asarray(x),
    inverse_log_det=lambda y: 0.0 * jnp.asarray(y),
    increasing=False,
    line=lambda: (0.0, -1.0),
    mean_log_det=lambda mean: 0.0 * mean,
)


def exp(x: Real) -> Float[Array, "..."]:
    """The exponential."""
    return jnp.exp(x)


def log(y: Real) -> Float[Array, "..."]:
    """The natural logarithm."""
    return jnp.log(y)


EXP = Bijector(
    name="exp",
    domain=REAL,
    image=POSITIVE,
    forward=exp,
    inverse=log,
    forward_log_det=lambda x: jnp.asarray(x),
    inverse_log_det=lambda y: -jnp.log(y),
    increasing=True,
    mean_log_det=lambda mean: mean,
)
LOG = inverted(EXP)


def _logit(y: Real) -> Float[Array, "..."]:
    """The logarithm of the odds of a probability; exact to the last digits near one half, too."""
    y = jnp.asarray(y)
    upper = y > 0.5
    above, below = jnp.where(upper, y, 0.5), jnp.where(upper, 0.5, y)
    return jnp.where(upper, log1p((2 * above - 1) / (1 - above)), -log1p((1 - 2 * below) / below))


def _logit_dy(y: Real) -> Float[Array, "..."]:
    """One over the product of both probabilities."""
    return 1 / jnp.asarray(y) / (1 - y)


def logit_dy_dy(y: Real) -> Float[Array, "..."]:
    """The difference of both probabilities over the square of their product."""
    slope = logit_dy(y)
    return (2 * jnp.asarray(y) - 1) * slope * slope


logit_dy = with_rule(_logit_dy, y=logit_dy_dy)
logit = with_rule(_logit, y=logit_dy)


def _sigmoid_log_det(x: Real) -> Float[Array, "..."]:
    """The logarithm of the logistic density, the slope of the sigmoid."""
    return log_sigmoid(x) + log_sigmoid(-jnp.asarray(x))


def sigmoid_log_det_dx(x: Real) -> Float[Array, "..."]:
    """Minus the hyperbolic tangent of half of x."""
    return -tanh(jnp.asarray(x) / 2)


sigmoid_log_det = with_rule(_sigmoid_log_det, x=sigmoid_log_det_dx)


def logit_log_det(y: Real) -> Float[Array, "..."]:
    """Minus the logarithms of both probabilities: that of the slope of the logit."""
    return -jnp.log(y) - log1p(-jnp.asarray(y))


def logit_log_det_dy(y: Real) -> Float[Array, "..."]:
    """The difference of both probabilities over their product."""
    return (2 * jnp.asarray(y) - 1) * logit_dy(y)


SIGMOID = Bijector(
    name="sigmoid",
    domain=REAL,
    image=OPEN_UNIT,
    forward=sigmoid,
    inverse=logit,
    forward_log_det=sigmoid_log_det,
    inverse_log_det=logit_log_det,
    increasing=True,
)


def _softplus_inverse(y: Real) -> Float[Array, "..."]:
    r"""The logarithm of $e^y - 1$ for y > 0."""
    return jnp.asarray(y) + log1mexp(y)


def _softplus_inverse_dy(y: Real) -> Float[Array, "..."]:
    r"""The slope $1 / (1 - e^{-y})$."""
    return -1 / jnp.expm1(-jnp.asarray(y))


softplus_inverse_dy = with_rule(_softplus_inverse_dy, y=log1mexp_dx_dx)
softplus_inverse = with_rule(_softplus_inverse, y=softplus_inverse_dy)


def softplus_inverse_log_det(y: Real) -> Float[Array, "..."]:
    """Minus the logarithm of one less the exponential of -y."""
    return -log1mexp(y)


SOFTPLUS = Bijector(
    name="softplus",
    domain=REAL,
    image=POSITIVE,
    forward=softplus,
    inverse=softplus_inverse,
    forward_log_det=log_sigmoid,
    inverse_log_det=softplus_inverse_log_det,
    increasing=True,
)


def _power(x: Real, exponent: Real) -> Float[Array, "..."]:
    """The number x >= 0 to a positive power."""
    return jnp.asarray(x) ** positive(exponent)


def power_dx(x: Real, exponent: Real) -> Float[Array, "..."]:
    """The exponent times the power less by one."""
    return positive(exponent) * jnp.asarray(x) ** (positive(exponent) - 1)


def power_dexponent(x: Real, exponent: Real) -> Float[Array, "..."]:
    """The power times the logarithm of x."""
    return xlogy(jnp.asarray(x) ** positive(exponent), x)


power = with_rule(_power, x=power_dx, exponent=power_dexponent)


def _root(y: Real, exponent: Real) -> Float[Array, "..."]:
    """The number whose power with this exponent is y >= 0."""
    return jnp.asarray(y) ** (1 / positive(exponent))


def root_dy(y: Real, exponent: Real) -> Float[Array, "..."]:
    """One over the exponent, times the power less by one."""
    rate = 1 / positive(exponent)
    return rate * jnp.asarray(y) ** (rate - 1)


def root_dexponent(y: Real, exponent: Real) -> Float[Array, "..."]:
    """Minus the root times the logarithm of y, over the square of the exponent."""
    rate = 1 / positive(exponent)
    return -(xlogy(jnp.asarray(y) ** rate, y) * rate) * rate


root = with_rule(_root, y=root_dy, exponent=root_dexponent)


def power_log_det(x: Real, exponent: Real) -> Float[Array, "..."]:
    """The logarithm of the slope of a power."""
    return jnp.log(positive(exponent)) + xlogy(positive(exponent) - 1, x)


def root_log_det(y: Real, exponent: Real) -> Float[Array, "..."]:
    """The logarithm of the slope of a root."""
    return -jnp.log(positive(exponent)) + xlogy(1 / positive(exponent) - 1, y)


POWER = Bijector(
    name="power",
    domain=NONNEGATIVE,
    image=NONNEGATIVE,
    parameters=Power(exponent=POSITIVE),
    forward=power,
    inverse=root,
    forward_log_det=power_log_det,
    inverse_log_det=root_log_det,
    increasing=True,
)


def _reciprocal(x: Real) -> Float[Array, "..."]:
    """One over x > 0."""
    return 1 / jnp.asarray(x)


def reciprocal_dx(x: Real) -> Float[Array, "..."]:
    """Minus the square of the reciprocal."""
    return -jnp.square(1 / jnp.asarray(x))


reciprocal = with_rule(_reciprocal, x=reciprocal_dx)


def reciprocal_log_det(x: Real) -> Float[Array, "..."]:
    """Minus twice the logarithm."""
    return -2 * jnp.log(x)


RECIPROCAL = Bijector(
    name="reciprocal",
    domain=POSITIVE,
    image=POSITIVE,
    forward=reciprocal,
    inverse=reciprocal,
    forward_log_det=reciprocal_log_det,
    inverse_log_det=reciprocal_log_det,
    increasing=False,
)

MONOTONE = (AFFINE, NEGATION, EXP, LOG, SIGMOID, SOFTPLUS, POWER, RECIPROCAL)
"""The maps of single numbers."""


def chain(first: Bijector, second: Bijector) -> Bijector:
    """The second map of what the first one makes."""
    inner, outer = first.image, second.domain
    if inner.shape != outer.shape or (
        isinstance(inner, Interval)
        and isinstance(outer, Interval)
        and (inner.low < outer.low or inner.high > outer.high)
    ):
        raise ValueError(f"{second.name} of {first.name} needs values in {outer}, not in {inner}.")
    if inner.shape == () and (inner.low, inner.high) != (outer.low, outer.high):
        raise ValueError(
            f"{second.name} of {first.name} is a chain only where the first map reaches all of "
            f"{outer}, not {inner}."
        )
    if first.parameters and second.parameters:
        raise ValueError(f"Both {first.name} and {second.name} have parameters; one may.")
    count = len(first.parameters)
    both = first.increasing is None or second.increasing is None
    parameters = first.parameters or second.parameters

    def forward(x, *params):
        return second.forward(first.forward(x, *params[:count]), *params[count:])

    def inverse(y, *params):
        return first.inverse(second.inverse(y, *params[count:]), *params[:count])

    def forward_log_det(x, *params):
        middle = first.forward(x, *params[:count])
        return first.forward_log_det(x, *params[:count]) + second.forward_log_det(
            middle, *params[count:]
        )

    def inverse_log_det(y, *params):
        middle = second.inverse(y, *params[count:])
        return second.inverse_log_det(y, *params[count:]) + first.inverse_log_det(
            middle, *params[:count]
        )

    return Bijector(
        name=f"{first.name}_{second.name}",
        domain=first.domain,
        image=second.image,
        parameters=parameters,
        forward=forward,
        inverse=inverse,
        forward_log_det=forward_log_det,
        inverse_log_det=inverse_log_det,
        increasing=None if both else first.increasing == second.increasing,
    )


def _one(*args):
    return 1.0 + sum(0.0 * jnp.asarray(arg) for arg in args)


def _zero(*args):
    return sum((0.0 * jnp.asarray(arg) for arg in args), 0.0)


_HANDBOOK = Source("abramowitz1964handbook", "chapter 4")
_CHANGE = Source("casella2002inference", "section 2.1")

_MODERATE = Interval(1 / 16, 16.0, closed=(True, True))
"""Where powers and their slopes keep their digits, and their range, in every dtype."""

BIJECTORS = (
    Formula(
        fn=affine,
        domain=dict(x=REAL, shift=REAL, factor=POSITIVE),
        partials=dict(
            x=lambda x, shift, factor: positive(factor) + _zero(x, shift),
            shift=lambda x, shift, factor: _one(x, shift, positive(factor)),
            factor=lambda x, shift, factor: jnp.asarray(x) + _zero(shift, positive(factor)),
        ),
        facts=(Increasing("x"), Increasing("shift")),
        tex=r"y = a + b x",
        source=_CHANGE,
        topic="P9",
    ),
    Formula(
        fn=exp,
        domain=dict(x=REAL),
        partials=dict(x=lambda x: jnp.exp(x)),
        seconds={("x", "x"): lambda x: jnp.exp(x)},
        facts=(Increasing("x"), Convex("x")),
        tex=r"e^x",
        source=_HANDBOOK,
        topic="P9",
    ),
    Formula(
        fn=log,
        domain=dict(y=POSITIVE),
        partials=dict(y=lambda y: 1 / jnp.asarray(y)),
        seconds={("y", "y"): lambda y: -jnp.square(1 / jnp.asarray(y))},
        facts=(Increasing("y"), Concave("y")),
        tex=r"\log y",
        source=_HANDBOOK,
        topic="P9",
    ),
    Formula(
        fn=logit,
        plain=_logit,
        domain=dict(y=OPEN_UNIT),
        partials=dict(y=logit_dy),
        seconds={("y", "y"): logit_dy_dy},
        facts=(Increasing("y"),),
        tex=r"\operatorname{logit}(y) = \log \frac{y}{1 - y}",
        source=Source("bishop2006prml", "eq. 4.60"),
        topic="C5",
    ),
    Formula(
        fn=sigmoid_log_det,
        plain=_sigmoid_log_det,
        domain=dict(x=REAL),
        partials=dict(x=sigmoid_log_det_dx),
        seconds={("x", "x"): lambda x: -2 * sigmoid_dx(x)},
        facts=(Concave("x"),),
        tex=r"\log \sigma'(x) = \log \sigma(x) + \log \sigma(-x)",
        source=_CHANGE,
        topic="C5",
    ),
    Formula(
        fn=logit_log_det,
        domain=dict(y=OPEN_UNIT),
        partials=dict(y=logit_log_det_dy),
        facts=(Convex("y"),),
        tex=r"\log \operatorname{logit}'(y) = -\log y - \log(1 - y)",
        source=_CHANGE,
        topic="C5",
    ),
    Formula(
        fn=softplus_inverse,
        plain=_softplus_inverse,
        domain=dict(y=POSITIVE),
        partials=dict(y=softplus_inverse_dy),
        seconds={("y", "y"): log1mexp_dx_dx},
        facts=(Increasing("y"), Concave("y")),
        tex=r"\zeta^{-1}(y) = \log(e^y - 1)",
        source=_CHANGE,
        topic="C5",
    ),
    Formula(
        fn=softplus_inverse_log_det,
        domain=dict(y=POSITIVE),
        partials=dict(y=lambda y: -log1mexp_dx(y)),
        seconds={("y", "y"): lambda y: -log1mexp_dx_dx(y)},
        facts=(Decreasing("y"), Convex("y")),
        tex=r"-\log(1 - e^{-y})",
        source=_CHANGE,
        topic="C5",
    ),
    Formula(
        fn=power,
        plain=_power,
        domain=dict(x=_MODERATE, exponent=_MODERATE),
        partials=dict(x=power_dx, exponent=power_dexponent),
        facts=(Increasing("x"),),
        tex=r"x^a",
        source=_HANDBOOK,
        topic="P9",
    ),
    Formula(
        fn=root,
        plain=_root,
        domain=dict(y=_MODERATE, exponent=_MODERATE),
        partials=dict(y=root_dy, exponent=root_dexponent),
        facts=(Increasing("y"),),
        tex=r"y^{1/a}",
        source=_HANDBOOK,
        topic="P9",
    ),
    Formula(
        fn=power_log_det,
        domain=dict(x=_MODERATE, exponent=_MODERATE),
        partials=dict(
            x=lambda x, exponent: (positive(exponent) - 1) / x,
            exponent=lambda x, exponent: 1 / positive(exponent) + jnp.log(x),
        ),
        tex=r"\log a + (a - 1) \log x",
        source=_CHANGE,
        topic="P9",
    ),
    Formula(
        fn=root_log_det,
        domain=dict(y=_MODERATE, exponent=_MODERATE),
        partials=dict(
            y=lambda y, exponent: (1 / positive(exponent) - 1) / y,
            exponent=lambda y, exponent: (
                -(1 / positive(exponent)) - jnp.log(y) * (1 / positive(exponent)) ** 2
            ),
        ),
        tex=r"-\log a + (1/a - 1) \log y",
        source=_CHANGE,
        topic="P9",
    ),
    Formula(
        fn=reciprocal,
        plain=_reciprocal,
        domain=dict(x=POSITIVE),
        partials=dict(x=reciprocal_dx),
        facts=(Decreasing("x"), Convex("x")),
        tex=r"1 / x",
        source=_HANDBOOK,
        topic="P9",
    ),
    Formula(
        fn=reciprocal_log_det,
        domain=dict(x=POSITIVE),
        partials=dict(x=lambda x: -2 / jnp.asarray(x)),
        facts=(Decreasing("x"), Convex("x")),
        tex=r"-2 \log x",
        source=_CHANGE,
        topic="P9",
    ),
)
"""The maps of single numbers that are no formulas elsewhere, and their logarithmic slopes."""
