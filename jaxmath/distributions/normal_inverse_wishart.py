r"""The normal-inverse-Wishart distribution of a mean vector and a covariance matrix.

A value is a matrix of one column more than rows: the mean $\mu$, then $\Sigma$. The covariance has
the inverse Wishart distribution with `df` degrees of freedom and $\Psi = L L^\top$ of the lower
`factor` L; given it the mean is normal around `loc` with covariance $\Sigma$ / `count`. It is the
conjugate prior of a sample of normal vectors. Of size one it is the normal-inverse-gamma
distribution. Derivatives in a matrix are those of its symmetric part.
"""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike
from jaxtyping import Array, Float

from jaxmath.distributions import bartlett, exponential_family
from jaxmath.distributions import inverse_wishart as covariances
from jaxmath.distributions.factors import (
    Lower,
    checked,
    log_det,
    precision,
    product,
    reversed_cholesky,
    rows,
    solve,
    solve_transposed,
)
from jaxmath.distributions.family import Family
from jaxmath.distributions.fitting import Fit
from jaxmath.distributions.inversion import standard_normal
from jaxmath.distributions.location_scale import positive
from jaxmath.distributions.normal_inverse_gamma import SIZES, VALUES
from jaxmath.distributions.ratios import rates_gap, ratio_gap
from jaxmath.distributions.vector_fit import arrays, with_errors
from jaxmath.distributions.vectors import (
    UNRECORDED,
    WITHOUT_ORDER,
    Given,
    batch_of,
    exponential,
    jacobian,
    lifted,
)
from jaxmath.distributions.wishart import DEGREES
from jaxmath.domains import Box, PositiveDefinite
from jaxmath.formula import Concave, Source, with_rule
from jaxmath.special.gamma import HALF_LOG_TAU
from jaxmath.typing import PRNGKey, Real


@dataclass(frozen=True)
class MeanAndCovariance:
    """A vector beside a positive definite matrix, in one array: a domain."""

    mean: Box
    covariance: PositiveDefinite

    differentiable = True

    def __str__(self) -> str:
        return f"{self.mean} × {self.covariance}"

    @property
    def shape(self) -> tuple[int, ...]:
        """One column more than rows."""
        return (self.covariance.size, self.covariance.size + 1)

    def contains(self, value):
        """Whether each part lies in its domain."""
        value = jnp.asarray(value)
        return self.mean.contains(value[:, 0]) & self.covariance.contains(value[:, 1:])

    def sample(self, rng: np.random.Generator, count: int, dtype: DTypeLike) -> np.ndarray:
        """Draw both."""
        means = self.mean.sample(rng, count, dtype)
        matrices = self.covariance.sample(rng, count, dtype)
        return np.concatenate([means[:, :, None], matrices], axis=2)

    def edges(self, dtype: DTypeLike) -> np.ndarray:
        """Edges of the covariance beside a mean of zero."""
        matrices = self.covariance.edges(dtype)
        return np.concatenate([0 * matrices[:, :, :1], matrices], axis=2)


class Params(NamedTuple):
    """The four parameters; also the shape of what belongs to each, such as the score."""

    loc: Any
    count: Any
    df: Any
    factor: Any


def _split(x, loc):
    """The distance of the mean, the factor of the covariance, and the former whitened."""
    r, C = x[:, 0] - loc, jnp.linalg.cholesky(x[:, 1:])
    return r, C, solve(C, r)


def _log_prob(x: Given, loc: Given, count: Given, df: Given, factor: Given) -> Float[Array, ""]:
    """The logarithm of the density over the mean and the lower triangle, in nats."""
    _, C, z = _split(x, loc)
    k, d = positive(count), loc.size
    normal = d * jnp.log(k) / 2 - d * HALF_LOG_TAU - log_det(C) - k * jnp.sum(z * z) / 2
    return normal + covariances.log_prob(x[:, 1:], df, factor)


_INVERSE = covariances.INVERSE_WISHART.partials


def _log_prob_dx(x, loc, count, df, factor):
    _, C, z = _split(x, loc)
    w = solve_transposed(C, z)
    matrix = (count * jnp.outer(w, w) - precision(C)) / 2
    matrix = matrix + _INVERSE["log_prob"]["x"](x[:, 1:], df, factor)
    return jnp.concatenate([-(positive(count) * w)[:, None], matrix], axis=1)


def _log_prob_dloc(x, loc, count, df, factor):
    _, C, z = _split(x, loc)
    return positive(count) * solve_transposed(C, z) + 0.0 * (df + jnp.sum(factor))


def _log_prob_dcount(x, loc, count, df, factor):
    _, _, z = _split(x, loc)
    return (loc.size / positive(count) - jnp.sum(z * z)) / 2 + 0.0 * (df + jnp.sum(factor))


def _log_prob_ddf(x, loc, count, df, factor):
    return _INVERSE["log_prob"]["df"](x[:, 1:], df, factor) + 0.0 * (jnp.sum(loc) + count)


def _log_prob_dfactor(x, loc, count, df, factor):
    return _INVERSE["log_prob"]["factor"](x[:, 1:], df, factor) + 0.0 * (jnp.sum(loc) + count)


_LOG_PROB = dict(
    x=_log_prob_dx,
    loc=_log_prob_dloc,
    count=_log_prob_dcount,
    df=_log_prob_ddf,
    factor=_log_prob_dfactor,
)
log_prob = lifted(2, 1, 0, 0, 2)(with_rule(_log_prob, **_LOG_PROB))
prob = exponential(log_prob)


def _score(x, *params):
    return Params(*(_LOG_PROB[name](x, *params) for name in Params._fields))


@lifted(2, 1, 0, 0, 2)
def score(x: Given, loc: Given, count: Given, df: Given, factor: Given) -> Params:
    """The slopes of `log_prob` in the parameters."""
    return _score(x, loc, count, df, factor)


@lifted(2, 1, 0, 0, 2)
def hessian(x: Given, loc: Given, count: Given, df: Given, factor: Given) -> Float[Array, "m m"]:
    """The second derivatives of `log_prob` in all entries of the parameters."""
    return jacobian(_score)(x, loc, count, df, factor)


@lifted(1, 0, 0, 2)
def fisher_information(loc: Given, count: Given, df: Given, factor: Given) -> Float[Array, "m m"]:
    """That of the mean, of the count, and of the inverse Wishart distribution, in blocks."""
    L, k = checked(factor), positive(count)
    own = covariances.fisher_information(df, factor)
    mean = k * df * precision(L) + 0.0 * jnp.sum(loc)
    return jax.scipy.linalg.block_diag(mean, (loc.size / (2 * k * k))[None, None], own)


def sample(
    key: PRNGKey, loc: Real, count: Real, df: Real, factor: Real, shape: tuple[int, ...] = ()
) -> Array:
    """Draw `shape` values for each of the parameters, differentiable in them."""
    locs, counts, dfs, factors = batch_of(shape, (loc, count, df, factor), (1, 0, 0, 2))
    own, noise = jax.random.split(key)
    matrices = covariances.sample(own, dfs, factors)
    z = standard_normal(noise, locs.shape, locs.dtype)
    means = locs + rows(jnp.linalg.cholesky(matrices), z) / jnp.sqrt(positive(counts))[..., None]
    return jnp.concatenate([means[..., None], matrices], axis=-1)


def _beside(vector, matrix):
    return jnp.concatenate([vector[:, None], matrix], axis=1)


@lifted(1, 0, 0, 2)
def mean(loc: Given, count: Given, df: Given, factor: Given) -> Float[Array, "n m"]:
    """Of mean and covariance; NaN where the latter is infinite."""
    return _beside(loc + 0.0 * positive(count), covariances.mean(df, factor))


@lifted(1, 0, 0, 2)
def mode(loc: Given, count: Given, df: Given, factor: Given) -> Float[Array, "n m"]:
    """Where the density of both is largest."""
    L = checked(factor)
    matrix = product(L) / (df + L.shape[-1] + 2) + 0.0 * bartlett.shapes(df, L.shape[-1])[-1]
    return _beside(loc + 0.0 * positive(count), matrix)


@lifted(1, 0, 0, 2)
def variance(loc: Given, count: Given, df: Given, factor: Given) -> Float[Array, "n m"]:
    """Of each entry; NaN where infinite."""
    own = jnp.diagonal(covariances.mean(df, factor)) / positive(count)
    return _beside(own + 0.0 * loc, covariances.variance(df, factor))


@lifted(1, 0, 0, 2)
def std(loc: Given, count: Given, df: Given, factor: Given) -> Float[Array, "n m"]:
    """The root of the variance of each entry."""
    return jnp.sqrt(variance(loc, count, df, factor))


def _entropy(loc: Given, count: Given, df: Given, factor: Given) -> Float[Array, ""]:
    """The expected value of minus `log_prob`, in nats."""
    L, d = checked(factor), loc.size
    log_root = log_det(L) - bartlett.expected_log_det(df, d) / 2
    own = d * (HALF_LOG_TAU + 0.5 - jnp.log(positive(count)) / 2) + log_root
    return own + covariances.entropy(df, factor) + 0.0 * jnp.sum(loc)


def _entropy_ddf(loc, count, df, factor):
    own = _INVERSE["entropy"]["df"](df, factor) - bartlett.curvature(df, loc.size)
    return own + 0.0 * (jnp.sum(loc) + positive(count))


def _entropy_dfactor(loc, count, df, factor):
    own = _INVERSE["entropy"]["factor"](df, factor)
    return own * ((loc.size + 2) / (loc.size + 1)) + 0.0 * (jnp.sum(loc) + positive(count))


_ENTROPY = dict(
    loc=lambda loc, count, df, factor: 0.0 * loc + 0.0 * (count + df + jnp.sum(factor)),
    count=lambda loc, count, df, factor: (
        -loc.size / 2 / positive(count) + 0.0 * (jnp.sum(loc) + df + jnp.sum(factor))
    ),
    df=_entropy_ddf,
    factor=_entropy_dfactor,
)
entropy = lifted(1, 0, 0, 2)(with_rule(_entropy, **_ENTROPY))


def _kl(
    loc: Given,
    count: Given,
    df: Given,
    factor: Given,
    loc_q: Given,
    count_q: Given,
    df_q: Given,
    factor_q: Given,
) -> Float[Array, ""]:
    """The Kullback-Leibler divergence of the second distribution from the first, in nats."""
    way = solve(checked(factor), loc - loc_q)
    mean = loc.size * ratio_gap(positive(count_q), positive(count))
    mean = mean + count_q * df * jnp.sum(way * way)
    return covariances.kl(df, factor, df_q, factor_q) + mean / 2


def _pair(fn, of=None):
    """A partial of the divergence: of the inverse Wishart's, and of the mean's part."""

    def partial(*params):
        (loc, k, n, L), (loc_q, m, n_q, L_q) = params[:4], params[4:]
        L = checked(L)
        value = fn(solve(L, loc - loc_q), k, n, L, m) + 0.0 * (k + n + m + n_q)
        value = value + 0.0 * (jnp.sum(loc) + jnp.sum(L_q))
        return value if of is None else value + _INVERSE["kl"][of](n, L, n_q, L_q)

    return partial


_KL = dict(
    loc=_pair(lambda y, k, n, L, m: m * n * solve_transposed(L, y)),
    count=_pair(lambda y, k, n, L, m: y.size * (k - m) / k / k / 2),
    df=_pair(lambda y, k, n, L, m: m * jnp.sum(y * y) / 2, "df"),
    factor=_pair(
        lambda y, k, n, L, m: -m * n * jnp.tril(jnp.outer(solve_transposed(L, y), y)), "factor"
    ),
    loc_q=_pair(lambda y, k, n, L, m: -m * n * solve_transposed(L, y)),
    count_q=_pair(lambda y, k, n, L, m: (y.size * rates_gap(m, k) + n * jnp.sum(y * y)) / 2),
    df_q=_pair(lambda y, k, n, L, m: 0.0, "df_q"),
    factor_q=_pair(lambda y, k, n, L, m: 0.0, "factor_q"),
)


def _cross_entropy(
    loc: Given,
    count: Given,
    df: Given,
    factor: Given,
    loc_q: Given,
    count_q: Given,
    df_q: Given,
    factor_q: Given,
) -> Float[Array, ""]:
    """The expected value under the first distribution of minus the second's `log_prob`, in nats."""
    p, q = (loc, count, df, factor), (loc_q, count_q, df_q, factor_q)
    return _entropy(*p) + _kl(*p, *q)


_CROSS_ENTROPY = exponential_family.cross_entropy(_ENTROPY, _KL) | dict(
    count=_pair(lambda y, k, n, L, m: -y.size * m / k / k / 2),
)
_bound_kl = with_rule(_kl, **_KL)
_RANKS = (1, 0, 0, 2)
kl = lifted(*_RANKS, *_RANKS)(_bound_kl)
cross_entropy = lifted(*_RANKS, *_RANKS)(with_rule(_cross_entropy, **_CROSS_ENTROPY))


def _between(share, p, q):
    """The member whose natural parameters are linear in both."""
    (loc, k, n, L), (loc_q, m, n_q, L_q) = p, q
    rest = 1 - share
    count = share * k + rest * m
    way = loc - loc_q
    Psi = share * product(checked(L)) + rest * product(checked(L_q))
    Psi = Psi + share * rest * k * (m / count) * jnp.outer(way, way)
    middle = loc_q + share * (k / count) * way
    return middle, count, share * n + rest * n_q, jnp.linalg.cholesky(Psi)


squared_hellinger = lifted(*_RANKS, *_RANKS)(
    exponential_family.squared_hellinger(_bound_kl, _between)
)
renyi = lifted(0, *_RANKS, *_RANKS)(exponential_family.renyi(_bound_kl, _between))


def _flat(*parts):
    return jnp.concatenate([jnp.ravel(part) for part in parts])


@lifted(2)
def sufficient(x: Given) -> Float[Array, " m"]:
    """The precision times the mean, its product with the mean, log determinant, precision."""
    C = jnp.linalg.cholesky(x[:, 1:])
    z = solve(C, x[:, 0])
    return _flat(solve_transposed(C, z), jnp.sum(z * z), 2 * log_det(C), precision(C))


@lifted(1, 0, 0, 2)
def natural(loc: Given, count: Given, df: Given, factor: Given) -> Float[Array, " m"]:
    """What each of `sufficient` is multiplied by; the base measure is that of the mean."""
    k, d = positive(count), loc.size
    Psi = product(checked(factor)) + k * jnp.outer(loc, loc)
    return _flat(k * loc, -k / 2, -(df + d + 2) / 2, -Psi / 2)


@lifted(1)
def log_partition(eta: Given) -> Float[Array, ""]:
    """The normaliser as a function of the natural parameters."""
    d = (math.isqrt(4 * eta.size - 7) - 1) // 2  # of d + 2 + d * d numbers
    k, df = -2 * eta[d], -2 * eta[d + 1] - d - 2
    Psi = -2 * eta[d + 2 :].reshape(d, d) - jnp.outer(eta[:d], eta[:d]) / k
    L = jnp.linalg.cholesky(Psi)
    own = bartlett.log_gammas(df, d) + df * (d * math.log(2) / 2 - log_det(L))
    return own - d * jnp.log(k) / 2


@lifted(1, 0, 0, 2)
def mean_parameters(loc: Given, count: Given, df: Given, factor: Given) -> Float[Array, " m"]:
    """The expected values of `sufficient`."""
    L, d = checked(factor), loc.size
    P = df * precision(L)
    logs = 2 * log_det(L) - bartlett.expected_log_det(df, d)
    return _flat(P @ loc, d / positive(count) + loc @ P @ loc, logs, P)


def fit(x: Real, weights: Real | None = None) -> Fit:
    """The likeliest parameters of values, shape (observations, n, n + 1)."""
    values, share, total = arrays(x, weights, 2)
    roots = jnp.linalg.cholesky(values[:, :, 1:])
    each = jax.vmap(precision)(roots)
    centre = jnp.einsum("i,ijk->jk", share, each)
    pulled = jnp.einsum("i,ijk,ik->j", share, each, values[:, :, 0])
    loc = jnp.linalg.solve(centre, pulled)
    away = values[:, :, 0] - loc[None]
    count = loc.size / jnp.einsum("i,ij,ijk,ik->", share, away, each, away)
    gap = 2 * (log_det(jnp.linalg.cholesky(centre)) + share @ jax.vmap(log_det)(roots))
    df = bartlett.likeliest_df(gap, loc.size)
    estimate = Params(loc, count, df, reversed_cholesky(centre / df))
    return with_errors(NORMAL_INVERSE_WISHART, estimate, values, share, total)


_MIXED = {
    "hessian_symmetric": "by two ways they differ by a few roundings, at 2 to 6 places",
    **dict.fromkeys(
        ("finite/factor, count_q", "finite/count_q, factor"),
        "a product of squared distances underflows a little early in float32",
    ),
}
NORMAL_INVERSE_WISHART = Family(
    name="normal_inverse_wishart",
    parameters=Params(loc=Box((2,), VALUES), count=SIZES, df=DEGREES, factor=Lower(2)),
    support=MeanAndCovariance(Box((2,), VALUES), PositiveDefinite(2, 2.0**10)),
    functions=(
        *(log_prob, prob, sample, mean, mode, variance, std, entropy, cross_entropy, kl),
        *(squared_hellinger, renyi, score, hessian, fisher_information),
        *(sufficient, natural, log_partition, mean_parameters, fit),
    ),
    partials=dict(log_prob=_LOG_PROB, entropy=_ENTROPY, kl=_KL, cross_entropy=_CROSS_ENTROPY),
    plain=dict(log_prob=_log_prob, entropy=_entropy, kl=_kl, cross_entropy=_cross_entropy),
    facts=dict(log_prob=(Concave("loc"), Concave("df"))),
    undefined=WITHOUT_ORDER,
    unrecorded=UNRECORDED,
    tex=dict(
        log_prob=r"\log p(\mu, \Sigma) = \log \mathcal{N}(\mu \mid m, \Sigma / \kappa)"
        r" + \log \mathrm{IW}(\Sigma \mid \nu, L L^\top)",
        mean=r"(m,\; \Psi / (\nu - d - 1))",
        mode=r"(m,\; \Psi / (\nu + d + 2))",
    ),
    exceptions=dict.fromkeys(("kl", "cross_entropy"), _MIXED),
    source=Source("gelman2013bayesian", "section 3.6"),
    topic="P17",
)
__getattr__ = NORMAL_INVERSE_WISHART.function
