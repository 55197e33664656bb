r"""The Wishart distribution of positive definite matrices, with `df` degrees of freedom n.

With n whole it is that of $\sum_i x_i x_i^\top$ for n normal vectors of mean zero and covariance
$V = L L^\top$; `factor` is the lower triangular L. There must be more than d - 1 degrees of freedom
for matrices of size d. Derivatives in a matrix are those of its symmetric part.
"""

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.distributions import bartlett, exponential_family
from jaxmath.distributions.factors import (
    Lower,
    between_precisions,
    checked,
    every,
    factor_information,
    inverse_diagonal,
    log_det,
    precision,
    product,
    solve,
    solve_transposed,
)
from jaxmath.distributions.family import Family
from jaxmath.distributions.fitting import Fit
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
from jaxmath.domains import Interval, PositiveDefinite
from jaxmath.formula import Concave, Source, with_rule
from jaxmath.typing import PRNGKey, Real


class Params(NamedTuple):
    """Degrees of freedom and the factor; also the shape of what belongs to each."""

    df: Any
    factor: Any


DEGREES = Interval(1.0625, 2.0**20, closed=(True, True))
"""Degrees of freedom of matrices of size two: where all digits are promised."""


def _parts(x, factor):
    """The factors of both, and the solve by the second of the first."""
    L, C = checked(factor), jnp.linalg.cholesky(x)
    return L, C, solve(L, C)


def _log_prob(x: Given, df: Given, factor: Given) -> Float[Array, ""]:
    """The logarithm of the density over the lower triangle of x, in nats."""
    _, C, T = _parts(x, factor)
    return bartlett.log_kernel(df, T) - (T.shape[-1] + 1) * log_det(C)


def _log_prob_dx(x, df, factor):
    L, C, _ = _parts(x, factor)
    return ((df - L.shape[-1] - 1) * precision(C) - precision(L)) / 2


def _log_prob_ddf(x, df, factor):
    return bartlett.log_kernel_ddf(df, _parts(x, factor)[2])


def _log_prob_dfactor(x, df, factor):
    L, _, T = _parts(x, factor)
    return jnp.tril(solve_transposed(L, product(T))) - df * inverse_diagonal(L)


_LOG_PROB = dict(x=_log_prob_dx, df=_log_prob_ddf, factor=_log_prob_dfactor)
log_prob = lifted(2, 0, 2)(with_rule(_log_prob, **_LOG_PROB))
prob = exponential(log_prob)


def _score(x, df, factor):
    return Params(_log_prob_ddf(x, df, factor), _log_prob_dfactor(x, df, factor))


@lifted(2, 0, 2)
def score(x: Given, df: Given, factor: Given) -> Params:
    """The slopes of `log_prob` in the parameters."""
    return _score(x, df, factor)


@lifted(2, 0, 2)
def hessian(x: Given, df: Given, factor: Given) -> Float[Array, "m m"]:
    """The second derivatives of `log_prob` in the degrees of freedom and the factor's entries."""
    return jacobian(_score)(x, df, factor)


def _information(df, factor, sign):
    L = checked(factor)
    own = bartlett.curvature(df, L.shape[-1])[None, None]
    mixed = sign * jnp.ravel(inverse_diagonal(L))[None, :]
    return jnp.block([[own, mixed], [mixed.T, df * factor_information(L)]])


@lifted(0, 2)
def fisher_information(df: Given, factor: Given) -> Float[Array, "m m"]:
    r"""In the degrees of freedom $\tfrac14 \sum_i \psi'(a_i)$; in V that of n normal vectors."""
    return _information(df, factor, 1.0)


def sample(key: PRNGKey, df: Real, factor: Real, shape: tuple[int, ...] = ()) -> Array:
    """Draw `shape` matrices for each of the parameters, differentiable in them."""
    dfs, factors = batch_of(shape, (df, factor), (0, 2))
    T = bartlett.draw(key, dfs, factors.shape[-1])
    root = every(factors) @ T
    return root @ jnp.swapaxes(root, -1, -2)


def _valid(df, L):
    """One, or NaN where there are too few degrees of freedom."""
    return 1.0 + 0.0 * bartlett.shapes(df, L.shape[-1])[-1]


@lifted(0, 2)
def mean(df: Given, factor: Given) -> Float[Array, "n n"]:
    """The matrix n V."""
    L = checked(factor)
    return _valid(df, L) * df * product(L)


@lifted(0, 2)
def mode(df: Given, factor: Given) -> Float[Array, "n n"]:
    """The matrix (n - d - 1) V; NaN for fewer than d + 1 degrees of freedom."""
    L = checked(factor)
    rest = df - L.shape[-1] - 1
    return jnp.where(rest >= 0, rest, jnp.nan) * product(L)


@lifted(0, 2)
def variance(df: Given, factor: Given) -> Float[Array, "n n"]:
    r"""Of each entry: $n (V_{ij}^2 + V_{ii} V_{jj})$."""
    L = checked(factor)
    V = product(L)
    return _valid(df, L) * df * (jnp.square(V) + jnp.outer(jnp.diagonal(V), jnp.diagonal(V)))


@lifted(0, 2)
def std(df: Given, factor: Given) -> Float[Array, "n n"]:
    """The root of the variance of each entry."""
    return jnp.sqrt(variance(df, factor))


def _entropy(df: Given, factor: Given) -> Float[Array, ""]:
    """The expected value of minus `log_prob`, in nats."""
    L = checked(factor)
    d = L.shape[-1]
    return bartlett.kernel_entropy(df, d, 1) + (d + 1) * log_det(L)


def _entropy_ddf(df, factor):
    L = checked(factor)
    return bartlett.kernel_entropy_ddf(df, L.shape[-1], 1) + 0.0 * log_det(L)


def _entropy_dfactor(df, factor):
    L = checked(factor)
    return (L.shape[-1] + 1) * inverse_diagonal(L) * _valid(df, L)


_ENTROPY = dict(df=_entropy_ddf, factor=_entropy_dfactor)
entropy = lifted(0, 2)(with_rule(_entropy, **_ENTROPY))


def _pair(factor, factor_q):
    """Both factors, and the second's solve of the first less the second."""
    L, Lq = checked(factor), checked(factor_q)
    return L, Lq, solve(Lq, L - Lq)


def _kl(df: Given, factor: Given, df_q: Given, factor_q: Given) -> Float[Array, ""]:
    """The Kullback-Leibler divergence of the second distribution from the first, in nats."""
    L, Lq, E = _pair(factor, factor_q)
    return bartlett.divergence(df, df_q, jnp.diagonal(Lq), jnp.diagonal(L), E)


def _kl_ddf(df, factor, df_q, factor_q):
    return bartlett.divergence_ddf(df, df_q, _pair(factor, factor_q)[2])


def _kl_ddf_q(df, factor, df_q, factor_q):
    L, Lq, _ = _pair(factor, factor_q)
    return bartlett.divergence_ddf_q(df, df_q, jnp.diagonal(Lq), jnp.diagonal(L))


def _kl_dfactor(df, factor, df_q, factor_q):
    L, Lq, _ = _pair(factor, factor_q)
    return df * jnp.tril(solve_transposed(Lq, solve(Lq, L))) - df_q * inverse_diagonal(L)


def _kl_dfactor_q(df, factor, df_q, factor_q):
    L, Lq, _ = _pair(factor, factor_q)
    square = product(solve(Lq, L))
    return df_q * inverse_diagonal(Lq) - df * jnp.tril(solve_transposed(Lq, square))


_KL = dict(df=_kl_ddf, factor=_kl_dfactor, df_q=_kl_ddf_q, factor_q=_kl_dfactor_q)


def _cross_entropy(df: Given, factor: Given, df_q: Given, factor_q: Given) -> Float[Array, ""]:
    """The expected value under the first distribution of minus the second's `log_prob`, in nats."""
    return _entropy(df, factor) + _kl(df, factor, df_q, factor_q)


_CROSS_ENTROPY = exponential_family.cross_entropy(_ENTROPY, _KL)
_bound_kl = with_rule(_kl, **_KL)
kl = lifted(0, 2, 0, 2)(_bound_kl)
cross_entropy = lifted(0, 2, 0, 2)(with_rule(_cross_entropy, **_CROSS_ENTROPY))


def _between(share, p, q):
    """The member whose degrees of freedom and inverse of V are linear in both."""
    half = between_precisions(share, checked(p[1]), checked(q[1]))
    return share * p[0] + (1 - share) * q[0], jnp.linalg.cholesky(product(half))


squared_hellinger = lifted(0, 2, 0, 2)(exponential_family.squared_hellinger(_bound_kl, _between))
renyi = lifted(0, 0, 2, 0, 2)(exponential_family.renyi(_bound_kl, _between))


def _flat(number, matrix):
    return jnp.concatenate([number[None], jnp.ravel(matrix)])


@lifted(2)
def sufficient(x: Given) -> Float[Array, " m"]:
    """The logarithm of the determinant, then the matrix by rows."""
    return _flat(2 * log_det(jnp.linalg.cholesky(x)), x)


@lifted(0, 2)
def natural(df: Given, factor: Given) -> Float[Array, " m"]:
    """Half of n - d - 1, then minus half the inverse of V, by rows."""
    L = checked(factor)
    return _flat((df - L.shape[-1] - 1) / 2, -precision(L) / 2)


@lifted(1)
def log_partition(eta: Given) -> Float[Array, ""]:
    """The normaliser of x to the power of the first, times exponentials of the others."""
    d = math.isqrt(eta.size - 1)
    df = 2 * eta[0] + d + 1
    root = jnp.linalg.cholesky(-2 * eta[1:].reshape(d, d))
    return bartlett.log_gammas(df, d) + df * (d * math.log(2) / 2 - log_det(root))


@lifted(0, 2)
def mean_parameters(df: Given, factor: Given) -> Float[Array, " m"]:
    """The expected logarithm of the determinant, then the mean by rows."""
    L = checked(factor)
    logs = bartlett.expected_log_det(df, L.shape[-1]) + 2 * log_det(L)
    return _flat(logs, df * product(L))


def _moments(x, share):
    """The mean, and by how much the logarithm of its determinant is above the mean one."""
    mean = jnp.einsum("i,ijk->jk", share, x)
    logs = jax.vmap(lambda x: log_det(jnp.linalg.cholesky(x)))(x)
    return mean, 2 * (log_det(jnp.linalg.cholesky(mean)) - share @ logs)


def fit(x: Real, weights: Real | None = None) -> Fit:
    """The likeliest degrees of freedom, and the V that gives the mean of x, (n, d, d)."""
    values, share, total = arrays(x, weights, 2)
    mean, gap = _moments(values, share)
    df = bartlett.likeliest_df(gap, values.shape[-1])
    estimate = Params(df, jnp.linalg.cholesky(mean / df))
    return with_errors(WISHART, estimate, values, share, total)


_MIXED = {
    "second_derivatives/df, factor_q": "reverse over reverse is right to 1e-12 at 2 of 12 places"
}
WISHART = Family(
    name="wishart",
    parameters=Params(df=DEGREES, factor=Lower(2)),
    support=PositiveDefinite(2, 2.0**10),
    functions=(
        *(log_prob, prob, sample, mean, mode, variance, std, entropy, cross_entropy, kl),
        *(squared_hellinger, renyi, score, hessian, fisher_information),
        *(sufficient, natural, log_partition, mean_parameters, fit),
    ),
    partials=dict(log_prob=_LOG_PROB, entropy=_ENTROPY, kl=_KL, cross_entropy=_CROSS_ENTROPY),
    plain=dict(log_prob=_log_prob, entropy=_entropy, kl=_kl, cross_entropy=_cross_entropy),
    facts=dict(log_prob=(Concave("df"),)),
    exceptions=dict(kl=_MIXED, cross_entropy=_MIXED),
    undefined=WITHOUT_ORDER,
    unrecorded=UNRECORDED,
    tex=dict(
        log_prob=r"\log p(X) = \tfrac{n - d - 1}{2} \log|X|"
        r" - \tfrac12 \operatorname{tr} V^{-1} X - \tfrac{n}{2} \log|2 V| - \log\Gamma_d(n / 2),"
        r" \quad V = L L^\top",
        mean=r"n V",
        mode=r"(n - d - 1) V",
        entropy=r"H = \tfrac{d + 1}{2} \log|2 V| + \log\Gamma_d(\tfrac{n}{2})"
        r" - \tfrac{n - d - 1}{2} \psi_d(\tfrac{n}{2}) + \tfrac{n d}{2}",
        kl=r"\operatorname{KL} = \log \frac{\Gamma_d(m / 2)}{\Gamma_d(n / 2)}"
        r" + \tfrac{n - m}{2} \psi_d(\tfrac{n}{2}) + \tfrac{m}{2} \log \frac{|U|}{|V|}"
        r" + \tfrac{n}{2} (\operatorname{tr} U^{-1} V - d)",
    ),
    source=Source("bishop2006prml", "appendix B"),
    topic="P10",
)
__getattr__ = WISHART.function
