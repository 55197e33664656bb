r"""The Gumbel distribution of the largest of many values, with mode `loc` and scale > 0.

Elementwise functions of arrays or numbers. A scale that isn't positive gives NaN. The right tail is
exponential; the left one falls doubly exponentially.
"""

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.distributions.gumbel_divergences import CROSS_ENTROPY, KL
from jaxmath.distributions.location_scale import positive, standardize
from jaxmath.distributions.standard import (
    Slopes,
    Standard,
    finite_place,
    location_scale_family,
    of_x,
    rate_of,
)
from jaxmath.formula import Concave, Source
from jaxmath.special.exponential import bernoulli_ratio, log1mexp
from jaxmath.special.logarithm import log1p
from jaxmath.typing import Real

EULER = 0.5772156649015329
ZETA_3 = 1.2020569031595942


def _slopes(z):
    decay = jnp.exp(-z)
    return Slopes(
        slope=jnp.expm1(-z),
        bend=-decay,
        stretch=1 + z * jnp.expm1(-z),
        stretch_slope=jnp.expm1(-z) - z * decay,
        stretch_bend=1 + 2 * z * jnp.expm1(-z) - z * (z * decay),
    )


def _of_log_prob(entry):
    """A slope of `log_prob` from z, one over the scale, a root of exp(-z) and exp(-z) - 1.

    The latter are two factors; none of them overflows before their products with the rate.
    """

    def slope(x, loc, scale):
        z, rate = finite_place(x, loc, scale), rate_of(scale)
        below, part = z < 0, jnp.expm1(jnp.where(z < 0, -z / 2, -z))
        one, two = jnp.where(below, 1 + part, 1.0), part * jnp.where(below, 1 + 1 / (1 + part), 1.0)
        return entry(z, rate, jnp.exp(-z / 2), one, two)

    return slope


def _log_prob(x: Real, loc: Real, scale: Real) -> Float[Array, "..."]:
    """The logarithm of the density, in nats."""
    return _log_density(standardize(x, loc, scale)) - jnp.log(positive(scale))


def _log_density(z):
    return -jnp.maximum(z, -1e4) - jnp.exp(-z)


_LOG_PROB = of_x(
    _log_prob,
    _of_log_prob(lambda z, rate, root, one, two: (one * rate) * two),
    _of_log_prob(lambda z, rate, root, one, two: -rate - (one * (z * rate)) * two),
    _of_log_prob(lambda z, rate, root, one, two: -jnp.square(root * rate)),
    _of_log_prob(
        lambda z, rate, root, one, two: (
            (root * (z * rate)) * (root * rate) - (one * rate) * (two * rate)
        )
    ),
    _of_log_prob(
        lambda z, rate, root, one, two: (
            rate * rate + (2 * one * (z * rate)) * (two * rate) - jnp.square(root * (z * rate))
        )
    ),
)


def _above(z):
    """The hazard t / (e^t - 1) with t = exp(-z), and the slope of its logarithm."""
    t = jnp.exp(-z)
    some = jnp.where(t > 0, t, 1.0)
    return jnp.where(t > 0, some / jnp.expm1(some), 1.0), t * bernoulli_ratio(jnp.minimum(t, 1e4))


def _below(z):
    return jnp.exp(-z), -jnp.ones_like(z)


def _quantile(p):
    """Minus the logarithm of -log p; of p close to one formed from 1 - p."""
    return -jnp.log(-jnp.log(p))


def _quantile_dp(p):
    return -1 / p / jnp.log(p)


def _quantile_growth(p):
    return -(1 + 1 / jnp.log(p)) / p


def _isf(p):
    return -jnp.log(-log1p(-p))


def _isf_dp(p):
    return 1 / (1 - p) / log1p(-p)


def _isf_growth(p):
    return (1 + 1 / log1p(-p)) / (1 - p)


def _log_sf(z):
    """The logarithm of 1 - exp(-t) with t = exp(-z), which is -z - t/2 where t is tiny."""
    far = z > 40
    near = log1mexp(jnp.exp(-jnp.where(far, 0.0, z)))
    return jnp.where(far, -z - jnp.exp(-z) / 2, near)


STANDARD = Standard(
    log_density=_log_density,
    root=lambda z: jnp.exp(-(z + jnp.exp(-z)) / 2),
    slopes=_slopes,
    cdf=lambda z: jnp.exp(-jnp.exp(-z)),
    sf=lambda z: -jnp.expm1(-jnp.exp(-z)),
    log_cdf=lambda z: -jnp.exp(-z),
    log_sf=_log_sf,
    below=_below,
    above=_above,
    quantile=(_quantile, _quantile_dp, _quantile_growth),
    isf=(_isf, _isf_dp, _isf_growth),
    draw=lambda key, shape, dtype: jax.random.gumbel(key, shape, dtype),
    information=(1.0, EULER - 1, (1 - EULER) ** 2 + math.pi**2 / 6),
    median=-math.log(math.log(2)),
    mean=EULER,
    variance=math.pi**2 / 6,
    skewness=12 * math.sqrt(6) * ZETA_3 / math.pi**3,
    kurtosis=2.4,
    entropy=1 + EULER,
    reach=(-8.0, 1500.0),
)

GUMBEL = location_scale_family(
    "gumbel",
    STANDARD,
    *(_LOG_PROB, CROSS_ENTROPY, KL),
    facts=dict(
        log_prob=(Concave("x"), Concave("loc")),
        log_cdf=(Concave("x"),),
        log_sf=(Concave("x"),),
    ),
    unrecorded=dict.fromkeys(
        ("kl", "cross_entropy"),
        "compared with 60 digits by a test of its own, not where scales are ends of the dtype",
    ),
    exceptions=dict(
        log_prob={
            "finite": "far to the left it overflows as it must, and halving x, whose distance from "
            "the location it follows, steps over all finite values"
        }
    ),
    tex=dict(
        log_prob=r"\log p(x) = -z - e^{-z} - \log \sigma, \quad z = (x - \mu) / \sigma",
        prob=r"p(x) = e^{-z - e^{-z}} / \sigma",
        cdf=r"F(x) = e^{-e^{-z}}",
        log_cdf=r"\log F(x) = -e^{-z}",
        sf=r"S(x) = 1 - e^{-e^{-z}}",
        quantile=r"F^{-1}(p) = \mu - \sigma \log(-\log p)",
        isf=r"S^{-1}(p) = \mu - \sigma \log(-\log(1 - p))",
        mean=r"\mu + \gamma \sigma",
        entropy=r"H = 1 + \gamma + \log \sigma",
        kl=r"\operatorname{KL} = e^b - 1 - b + \log\Gamma(r) + \gamma (r - 1),"
        r" \quad b = (\mu_q - \mu) / \sigma_q + \log\Gamma(1 + r), \quad r = \sigma / \sigma_q",
    ),
    source=Source("johnson1995continuous", "chapter 22"),
    topic="P10",
)
__getattr__ = GUMBEL.function
