r"""Student's t distribution with `df` degrees of freedom, a location `loc` and a `scale` > 0.

Elementwise functions of arrays or numbers. A scale or degrees of freedom that aren't positive give
NaN. All digits are promised for degrees of freedom between one half and 2^27, where it is the
normal distribution in float32, for scales between 2^-40 and 2^40, and for locations within 2^40 of
zero.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.distributions.family import Family
from jaxmath.distributions.gamma_draws import gamma_parts
from jaxmath.distributions.inversion import standard_normal
from jaxmath.distributions.location_scale import positive
from jaxmath.distributions.shapes import float_dtype, sample_shape
from jaxmath.distributions.standard import quartiles
from jaxmath.distributions.student_t_density import LOG_PROB, PROB
from jaxmath.distributions.student_t_quantiles import ISF, QUANTILE, drift
from jaxmath.distributions.student_t_tails import CDF, LOG_CDF, LOG_SF, SF
from jaxmath.domains import REAL, Interval
from jaxmath.formula import Source, with_rule
from jaxmath.special.gamma import HALF_LOG_TAU, digamma_difference
from jaxmath.special.gamma_half_step import (
    log_half_step,
    log_half_step_dh_dh,
    stirling_bend_fall,
)
from jaxmath.typing import PRNGKey, Real


class Params(NamedTuple):
    """Degrees of freedom, location and scale; also the shape of what belongs to each."""

    df: Any
    loc: Any
    scale: Any


log_prob, prob, cdf, sf = LOG_PROB.fn, PROB.fn, CDF.fn, SF.fn
log_cdf, log_sf, quantile, isf = LOG_CDF.fn, LOG_SF.fn, QUANTILE.fn, ISF.fn


def score(x: Real, df: Real, loc: Real, scale: Real) -> Params:
    """The slope of `log_prob` in each parameter."""
    return Params(*(LOG_PROB.partials[name](x, df, loc, scale) for name in Params._fields))


def _matrix(rows):
    flat = jnp.broadcast_arrays(*(entry for row in rows for entry in row))
    return jnp.stack([jnp.stack(flat[3 * k : 3 * k + 3], -1) for k in range(3)], -2)


def hessian(x: Real, df: Real, loc: Real, scale: Real) -> Float[Array, "... 3 3"]:
    """The second derivatives of `log_prob` in the parameters, as a matrix."""
    bends, names = LOG_PROB.seconds, Params._fields

    def entry(one, two):
        pair = (one, two) if (one, two) in bends else (two, one)
        return bends[pair](x, df, loc, scale)

    return _matrix([[entry(one, two) for two in names] for one in names])


@jax.custom_jvp
def _draw(key, df):
    one, two = jax.random.split(key)
    size, log_factor = gamma_parts(two, df / 2)
    wide = jnp.sqrt(df / 2 / size) * jnp.exp(-log_factor / 2)
    return standard_normal(one, df.shape, df.dtype) * wide


@_draw.defjvp
def _rule(primals, tangents):
    """The implicit derivative: along it the distribution function stands still."""
    draws = _draw(*primals)
    return draws, drift(draws, primals[1], jnp.ones_like(draws)) * tangents[1]


def sample(key: PRNGKey, df: Real, loc: Real, scale: Real, shape: tuple[int, ...] = ()) -> Array:
    """Draw `shape` times the common shape of the parameters, differentiable in them."""
    size, dtype = sample_shape(shape, df, loc, scale), float_dtype(df, loc, scale)
    df = jnp.broadcast_to(positive(df), size).astype(dtype)
    draws = jnp.where(df > 0, _draw(key, jnp.where(df > 0, df, 1.0)), jnp.nan)
    return jnp.broadcast_to(loc, size) + jnp.broadcast_to(positive(scale), size) * draws


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


def _one(df, loc, scale):
    return 1 + _zero(df, loc, scale)


_IN_FLOAT32 = {
    "second_derivatives/df, df": "six digits in float32 for df of 1e8",
    **dict.fromkeys(
        ("finite/df, df", "finite/df, scale", "finite/scale, df", "finite/scale, scale"),
        "in float32 a factor underflows that the root of df would lift again",
    ),
}
_LEAST = {"first_derivatives/scale": "12 digits where p is as small as 1e-308"}
_INFINITE = "infinite or undefined for few degrees of freedom; a test of its own knows its values"

STUDENT_T = Family(
    name="student_t",
    parameters=Params(
        df=Interval(2.0**-1, 2.0**27, closed=(True, True)),
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
        log_prob=LOG_PROB.partials,
        prob=PROB.partials,
        cdf=CDF.partials,
        log_cdf=LOG_CDF.partials,
        sf=SF.partials,
        log_sf=LOG_SF.partials,
        quantile=QUANTILE.partials,
        isf=ISF.partials,
        median=dict(df=_zero, loc=_one, scale=_zero),
        mode=dict(df=_zero, loc=_one, scale=_zero),
        entropy=_ENTROPY,
    ),
    seconds=dict(
        log_prob=LOG_PROB.seconds,
        prob=PROB.seconds,
        cdf=CDF.seconds,
        log_cdf=LOG_CDF.seconds,
        sf=SF.seconds,
        log_sf=LOG_SF.seconds,
        quantile=QUANTILE.seconds,
        isf=ISF.seconds,
    ),
    plain=dict(
        log_prob=LOG_PROB.plain,
        prob=PROB.plain,
        cdf=CDF.plain,
        log_cdf=LOG_CDF.plain,
        sf=SF.plain,
        log_sf=LOG_SF.plain,
        quantile=QUANTILE.plain,
        isf=ISF.plain,
        entropy=_entropy,
    ),
    unrecorded=dict.fromkeys(("mean", "variance", "std", "skewness", "kurtosis"), _INFINITE),
    exceptions=dict(
        **dict.fromkeys(("cdf", "sf"), _IN_FLOAT32),
        **dict.fromkeys(("quantile", "isf"), _LEAST),
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
