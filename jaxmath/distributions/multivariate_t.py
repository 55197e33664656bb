r"""Student's t distribution of vectors: `df` degrees of freedom, `loc`, and a lower `factor` L.

Of a normal vector of covariance $L L^\top$ over the root of an independent chi-squared number over
its degrees of freedom, around `loc`. Vectors lie along the last axis. With
$q = |L^{-1} (x - \mu)|^2$ the gamma functions and powers of the density are taken relative to those
of the normal distribution, so that many degrees of freedom cost no digits.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.distributions.factors import (
    Lower,
    checked,
    factor_information,
    inverse_diagonal,
    log_det,
    precision,
    product,
    rows,
    solve,
    solve_transposed,
)
from jaxmath.distributions.family import Family
from jaxmath.distributions.fitting import Fit
from jaxmath.distributions.gamma_draws import log_gamma_draw
from jaxmath.distributions.inversion import standard_normal
from jaxmath.distributions.location_scale import positive
from jaxmath.distributions.multivariate_normal import VALUES
from jaxmath.distributions.vector_fit import arrays, likeliest, with_errors
from jaxmath.distributions.vectors import (
    NO_SUM,
    UNRECORDED,
    WITHOUT_ORDER,
    Given,
    batch_of,
    exponential,
    jacobian,
    lifted,
)
from jaxmath.domains import Box, Interval
from jaxmath.formula import Source, with_rule
from jaxmath.special.gamma import (
    HALF_LOG_TAU,
    digamma_difference,
    stirling_error,
    stirling_error_dx,
    stirling_error_dx_dx,
    trigamma_difference,
)
from jaxmath.special.logarithm import log1p, log1p_gap, log1p_gap_near
from jaxmath.typing import PRNGKey, Real


class Params(NamedTuple):
    """Degrees of freedom, location, factor; also the shape of what belongs to each."""

    df: Any
    loc: Any
    factor: Any


DEGREES = Interval(2.0**-6, 2.0**20, closed=(True, True))
"""Of degrees of freedom: where all digits are promised."""


def _parts(x, df, loc, factor):
    """The factor, the whitened distance z, its square, half of df, half the size."""
    L = checked(factor)
    z = solve(L, x - loc)
    return L, z, jnp.sum(jnp.square(z)), positive(df) / 2, z.size / 2


def _normaliser(a, c):
    """The logarithm of gamma(a + c) over gamma(a) and the power c of a."""
    u = c / a
    return (c - 0.5) * log1p(u) - a * log1p_gap(u) + stirling_error(a + c) - stirling_error(a)


def _normaliser_da(a, c):
    u = c / a
    rest = stirling_error_dx(a + c) - stirling_error_dx(a)
    return c / (2 * a * (a + c)) - log1p_gap(u) + rest


def _log_prob(x: Given, df: Given, loc: Given, factor: Given) -> Float[Array, ""]:
    """The logarithm of the density, in nats."""
    L, _, q, a, c = _parts(x, df, loc, factor)
    constant = _normaliser(a, c) - 2 * c * HALF_LOG_TAU - log_det(L)
    return constant - (a + c) * log1p(q / (2 * a))


def _log_prob_ddf(x, df, loc, factor):
    _, _, q, a, c = _parts(x, df, loc, factor)
    share = q / (2 * a + q)
    # Far out the share nearly is one, and what it lacks has no digits.
    gap = log1p_gap_near(-share, -log1p(q / (2 * a)))
    return (_normaliser_da(a, c) - gap + c / a * share) / 2


def _pull(q, a, c):
    """By how much a distance counts, relative to the normal distribution."""
    return (a + c) / (a + q / 2)


def _log_prob_dloc(x, df, loc, factor):
    L, z, q, a, c = _parts(x, df, loc, factor)
    return _pull(q, a, c) * solve_transposed(L, z)


def _log_prob_dx(x, df, loc, factor):
    return -_log_prob_dloc(x, df, loc, factor)


def _log_prob_dfactor(x, df, loc, factor):
    L, z, q, a, c = _parts(x, df, loc, factor)
    return _pull(q, a, c) * jnp.tril(jnp.outer(solve_transposed(L, z), z)) - inverse_diagonal(L)


_LOG_PROB = dict(x=_log_prob_dx, df=_log_prob_ddf, loc=_log_prob_dloc, factor=_log_prob_dfactor)
log_prob = lifted(1, 0, 1, 2)(with_rule(_log_prob, **_LOG_PROB))
prob = exponential(log_prob)


def _score(x, *params):
    return Params(*(_LOG_PROB[name](x, *params) for name in Params._fields))


@lifted(1, 0, 1, 2)
def score(x: Given, df: Given, loc: Given, factor: Given) -> Params:
    """The slopes of `log_prob` in the parameters."""
    return _score(x, df, loc, factor)


@lifted(1, 0, 1, 2)
def hessian(x: Given, df: Given, loc: Given, factor: Given) -> Float[Array, "m m"]:
    """The second derivatives of `log_prob` in all entries of the parameters."""
    return jacobian(_score)(x, df, loc, factor)


@lifted(0, 1, 2)
def fisher_information(df: Given, loc: Given, factor: Given) -> Float[Array, "m m"]:
    """Of all entries, degrees of freedom first (Lange, Little and Taylor 1989, appendix B)."""
    L, d = checked(factor), loc.size
    n = positive(df)
    rest = n + d + 2
    own = -trigamma_difference(n / 2, d / 2) / 4 - d * (n + d + 4) / (2 * n * (n + d) * rest)
    slopes = jnp.ravel(inverse_diagonal(L))
    mixed = -2 / ((n + d) * rest) * slopes[None, :]
    block = (n + d) / rest * factor_information(L) - 2 / rest * jnp.outer(slopes, slopes)
    location = (n + d) / rest * precision(L) + 0.0 * jnp.sum(loc)
    zero = jnp.zeros((d, 1), L.dtype)
    between = jnp.zeros((d, d * d), L.dtype)
    return jnp.block(
        [
            [own[None, None], zero.T, mixed],
            [zero, location, between],
            [mixed.T, between.T, block],
        ]
    )


def sample(key: PRNGKey, df: Real, loc: Real, factor: Real, shape: tuple[int, ...] = ()) -> Array:
    """Draw `shape` vectors for each of the parameters, differentiable in them."""
    dfs, locs, factors = batch_of(shape, (df, loc, factor), (0, 1, 2))
    own, noise = jax.random.split(key)
    a = positive(dfs) / 2
    logs = log_gamma_draw(own, jnp.where(a > 0, a, 1.0)) - jnp.log(a)
    z = standard_normal(noise, locs.shape, locs.dtype)
    return locs + jnp.exp(-logs / 2)[..., None] * rows(factors, z)


def _place(df, loc, factor, least):
    """The location, NaN for so few degrees of freedom."""
    enough = jnp.where(positive(df) > least, 0.0, jnp.nan)
    return loc + enough + 0.0 * jnp.diagonal(checked(factor))


@lifted(0, 1, 2)
def mean(df: Given, loc: Given, factor: Given) -> Float[Array, " n"]:
    """The location; NaN for at most one degree of freedom."""
    return _place(df, loc, factor, 1)


@lifted(0, 1, 2)
def median(df: Given, loc: Given, factor: Given) -> Float[Array, " n"]:
    """The location, of each entry, and of every projection."""
    return _place(df, loc, factor, 0)


@lifted(0, 1, 2)
def mode(df: Given, loc: Given, factor: Given) -> Float[Array, " n"]:
    """The location."""
    return _place(df, loc, factor, 0)


@lifted(0, 1, 2)
def covariance(df: Given, loc: Given, factor: Given) -> Float[Array, "n n"]:
    r"""The matrix $\nu / (\nu - 2)\, L L^\top$; NaN for at most two degrees of freedom."""
    rest = jnp.where(df > 2, df - 2, jnp.nan)
    return df / rest * product(checked(factor)) + 0.0 * jnp.sum(loc)


@lifted(0, 1, 2)
def variance(df: Given, loc: Given, factor: Given) -> Float[Array, " n"]:
    """Of each entry; NaN for at most two degrees of freedom."""
    return jnp.diagonal(covariance(df, loc, factor))


@lifted(0, 1, 2)
def std(df: Given, loc: Given, factor: Given) -> Float[Array, " n"]:
    """The root of the variance of each entry."""
    return jnp.sqrt(variance(df, loc, factor))


def _entropy(df: Given, loc: Given, factor: Given) -> Float[Array, ""]:
    """The expected value of minus `log_prob`, in nats."""
    L, a, c = checked(factor), positive(df) / 2, loc.size / 2
    growth = (a + c) * digamma_difference(a, jnp.full_like(a, c))
    return log_det(L) + 2 * c * HALF_LOG_TAU - _normaliser(a, c) + growth + 0.0 * jnp.sum(loc)


def _entropy_ddf(df, loc, factor):
    a, c = positive(df) / 2, loc.size / 2
    rest = (a + c) * (stirling_error_dx_dx(a + c) - stirling_error_dx_dx(a))
    slope = rest - c * (2 * a + c) / (2 * a * a * (a + c))
    return slope / 2 + 0.0 * (jnp.sum(loc) + jnp.sum(checked(factor)))


_ENTROPY = dict(
    df=_entropy_ddf,
    loc=lambda df, loc, factor: 0.0 * loc + 0.0 * df,
    factor=lambda df, loc, factor: inverse_diagonal(checked(factor)) + 0.0 * positive(df),
)
entropy = lifted(0, 1, 2)(with_rule(_entropy, **_ENTROPY))


def fit(x: Real, weights: Real | None = None) -> Fit:
    """The likeliest parameters of vectors, (observations, n), by Newton's method from moments.

    NaN where it doesn't converge, as where the likelihood grows towards the normal distribution.
    """
    x, share, total = arrays(x, weights, 1)
    loc = share @ x
    away = x - loc[None]
    root = jnp.linalg.cholesky((away * share[:, None]).T @ away)
    start = Params(jnp.full_like(loc[0], 8.0), loc, 0.75**0.5 * root)
    return with_errors(MULTIVARIATE_T, likeliest(MULTIVARIATE_T, start, x, share), x, share, total)


MULTIVARIATE_T = Family(
    name="multivariate_t",
    parameters=Params(df=DEGREES, loc=Box((2,), VALUES), factor=Lower(2)),
    support=Box((2,), VALUES),
    functions=(
        *(log_prob, prob, sample, mean, median, mode, variance, std, entropy),
        *(score, hessian, fisher_information, fit),
    ),
    partials=dict(log_prob=_LOG_PROB, entropy=_ENTROPY),
    plain=dict(log_prob=_log_prob, entropy=_entropy),
    undefined=WITHOUT_ORDER
    | dict.fromkeys(("cross_entropy", "kl", "squared_hellinger", "renyi"), NO_SUM),
    unrecorded=UNRECORDED,
    exceptions=dict(
        log_prob={
            "second_derivatives": "digits are lost a million deviations out, and by factors of very"
            " uneven entries; a test of its own compares them at ordinary places",
            "hessian_symmetric": "the same, at the same places, for either order",
            "finite": "in float32 a second derivative so far out underflows in between",
            "first_derivatives/df": "of two dimensions the constant does not depend on it: next to"
            " the location nothing but rounding is left",
        },
    ),
    tex=dict(
        log_prob=r"\log p(x) = \log\frac{\Gamma((\nu + d) / 2)}{\Gamma(\nu / 2)}"
        r" - \tfrac12 \log|\nu \pi \Sigma| - \tfrac{\nu + d}{2} \log(1 + q / \nu),"
        r" \quad q = (x - \mu)^\top \Sigma^{-1} (x - \mu)",
        mean=r"\mu",
        entropy=r"H = \tfrac12 \log|\nu \pi \Sigma| - \log\frac{\Gamma((\nu + d) / 2)}"
        r"{\Gamma(\nu / 2)} + \tfrac{\nu + d}{2} (\psi(\tfrac{\nu + d}{2}) - \psi(\tfrac{\nu}{2}))",
    ),
    source=Source("bishop2006prml", "section 2.3.7"),
    topic="P10",
)
__getattr__ = MULTIVARIATE_T.function
