r"""The logistic distribution with location `loc` and scale > 0: its cdf is the logistic function.

Elementwise functions of arrays or numbers. A scale that isn't positive gives NaN.
"""

import math

import jax
import jax.numpy as jnp

from jaxmath.distributions.standard import Slopes, location_scale_family, symmetric
from jaxmath.formula import Concave, Source
from jaxmath.special.hyperbolic import tanh
from jaxmath.special.logarithm import log1p
from jaxmath.special.logistic import log_sigmoid, sigmoid, sigmoid_dx, softplus


def _slopes(z):
    tangent, bell = tanh(z / 2), 2 * sigmoid_dx(z)
    within = jnp.clip(z, -1000.0, 1000.0)  # beyond, the bell is zero
    return Slopes(
        slope=-tangent,
        bend=-bell,
        stretch=1 - z * tangent,
        stretch_slope=-tangent - within * bell,
        stretch_bend=1 - 2 * z * tangent - within * (within * bell),
    )


def _quantile(p):
    """The logit, formed without cancellation near one half."""
    central = (p > 0.25) & (p < 0.75)
    inner, outer = jnp.where(central, p, 0.5), jnp.where(central, 0.25, p)
    near = -log1p((1 - 2 * inner) / inner)
    return jnp.where(central, near, jnp.log(outer) - log1p(-outer))


def _quantile_dp(p):
    return 1 / p / (1 - p)


def _quantile_growth(p):
    return (2 * p - 1) * _quantile_dp(p)


STANDARD = symmetric(
    log_density=lambda z: -jnp.abs(z) - 2 * softplus(-jnp.abs(z)),
    root=lambda z: jnp.exp(-jnp.abs(z) / 2) / (1 + jnp.exp(-jnp.abs(z))),
    slopes=_slopes,
    cdf=sigmoid,
    log_cdf=log_sigmoid,
    below=lambda z: (sigmoid(-z), -sigmoid(z)),
    quantile=(_quantile, _quantile_dp, _quantile_growth),
    draw=lambda key, shape, dtype: jax.random.logistic(key, shape, dtype),
    information=(1 / 3, 0.0, (3 + math.pi**2) / 9),
    variance=math.pi**2 / 3,
    kurtosis=1.2,
    entropy=2.0,
)

LOGISTIC = location_scale_family(
    "logistic",
    STANDARD,
    facts=dict(
        log_prob=(Concave("x"), Concave("loc")),
        log_cdf=(Concave("x"),),
        log_sf=(Concave("x"),),
    ),
    tex=dict(
        log_prob=r"\log p(x) = -z - 2 \log(1 + e^{-z}) - \log \sigma,"
        r" \quad z = (x - \mu) / \sigma",
        prob=r"p(x) = \frac{e^{-z}}{\sigma (1 + e^{-z})^2}",
        cdf=r"F(x) = \frac{1}{1 + e^{-z}}",
        sf=r"S(x) = \frac{1}{1 + e^z}",
        quantile=r"F^{-1}(p) = \mu + \sigma \log \frac{p}{1 - p}",
        isf=r"S^{-1}(p) = \mu + \sigma \log \frac{1 - p}{p}",
        entropy=r"H = 2 + \log \sigma",
    ),
    source=Source("johnson1995continuous", "chapter 23"),
    topic="P10",
)
__getattr__ = LOGISTIC.function
