r"""The inverse Wishart distribution of covariance matrices, with `df` degrees of freedom n.

The inverse of such a matrix has the Wishart distribution with $V = \Psi^{-1}$; `factor` is the
lower triangular L of $\Psi = L L^\top$. There must be more than d - 1 degrees of freedom for
matrices of size d. Derivatives in a matrix are those of its symmetric part.
"""

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.distributions import bartlett, exponential_family
from jaxmath.distributions.factors import (
    Lower,
    checked,
    every,
    factor_information,
    inverse_diagonal,
    log_det,
    precision,
    product,
    reversed_cholesky,
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
from jaxmath.distributions.wishart import DEGREES
from jaxmath.domains import PositiveDefinite
from jaxmath.formula import Concave, Source, with_rule
from jaxmath.typing import PRNGKey, Real


class Params(NamedTuple):
    """Degrees of freedom and the factor; also the shape of what belongs to each."""

    df: Any
    factor: Any


def _parts(x, factor):
    """The factors of both, and the solve by the first of the second."""
    L, C = checked(factor), jnp.linalg.cholesky(x)
    return L, C, solve(C, L)


def _log_prob(x: Given, df: Given, factor: Given) -> Float[Array, ""]:
    """The logarithm of the density over the lower triangle of x, in nats."""
    _, C, S = _parts(x, factor)
    return bartlett.log_kernel(df, S) - (S.shape[-1] + 1) * log_det(C)


def _log_prob_dx(x, df, factor):
    L, C, S = _parts(x, factor)
    half = solve_transposed(C, S)
    return (product(half) - (df + L.shape[-1] + 1) * precision(C)) / 2


def _log_prob_ddf(x, df, factor):
    return bartlett.log_kernel_ddf(df, _parts(x, factor)[2])


def _log_prob_dfactor(x, df, factor):
    L, C, S = _parts(x, factor)
    return df * inverse_diagonal(L) - jnp.tril(solve_transposed(C, S))


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


@lifted(0, 2)
def fisher_information(df: Given, factor: Given) -> Float[Array, "m m"]:
    r"""In the degrees of freedom $\tfrac14 \sum_i \psi'(a_i)$; else that of n normal vectors."""
    L = checked(factor)
    own = bartlett.curvature(df, L.shape[-1])[None, None]
    mixed = -jnp.ravel(inverse_diagonal(L))[None, :]
    return jnp.block([[own, mixed], [mixed.T, df * factor_information(L)]])


def sample(key: PRNGKey, df: Real, factor: Real, shape: tuple[int, ...] = ()) -> Array:
    """Draw `shape` matrices for each of the parameters, differentiable in them."""
    dfs, factors = batch_of(shape, (df, factor), (0, 2))
    T = bartlett.draw(key, dfs, factors.shape[-1])
    L = every(factors)
    root = jax.lax.linalg.triangular_solve(T, jnp.swapaxes(L, -1, -2), left_side=True, lower=True)
    return jnp.swapaxes(root, -1, -2) @ root


def _share(df, factor, less):
    """The matrix over n - d - less, NaN where that is no positive number."""
    L = checked(factor)
    rest = df - L.shape[-1] - less
    return product(L) / jnp.where(rest > 0, rest, jnp.nan)


@lifted(0, 2)
def mean(df: Given, factor: Given) -> Float[Array, "n n"]:
    r"""The matrix $\Psi / (n - d - 1)$; NaN where the mean is infinite."""
    return _share(df, factor, 1)


@lifted(0, 2)
def mode(df: Given, factor: Given) -> Float[Array, "n n"]:
    r"""The matrix $\Psi / (n + d + 1)$."""
    L = checked(factor)
    return product(L) / (df + L.shape[-1] + 1) + 0.0 * bartlett.shapes(df, L.shape[-1])[-1]


@lifted(0, 2)
def variance(df: Given, factor: Given) -> Float[Array, "n n"]:
    """Of each entry; NaN for at most d + 3 degrees of freedom."""
    m = _share(df, factor, 1)
    rest = df - m.shape[-1]
    over = jnp.outer(jnp.diagonal(m), jnp.diagonal(m))
    value = ((rest + 1) * jnp.square(m) + (rest - 1) * over) / rest
    return value / jnp.where(rest > 3, rest - 3, jnp.nan)


@lifted(0, 2)
def std(df: Given, factor: Given) -> Float[Array, "n n"]:
    """The root of the variance of each entry."""
    return jnp.sqrt(variance(df, factor))


def _entropy(df: Given, factor: Given) -> Float[Array, ""]:
    """The expected value of minus `log_prob`, in nats."""
    L = checked(factor)
    d = L.shape[-1]
    return bartlett.kernel_entropy(df, d, -1) + (d + 1) * log_det(L)


def _entropy_ddf(df, factor):
    L = checked(factor)
    return bartlett.kernel_entropy_ddf(df, L.shape[-1], -1) + 0.0 * log_det(L)


def _entropy_dfactor(df, factor):
    L = checked(factor)
    d = L.shape[-1]
    return (d + 1) * inverse_diagonal(L) + 0.0 * bartlett.shapes(df, d)[-1]


_ENTROPY = dict(df=_entropy_ddf, factor=_entropy_dfactor)
entropy = lifted(0, 2)(with_rule(_entropy, **_ENTROPY))


def _pair(factor, factor_q):
    """Both factors, and the first's solve of the second less the first."""
    L, Lq = checked(factor), checked(factor_q)
    return L, Lq, solve(L, Lq - L)


def _kl(df: Given, factor: Given, df_q: Given, factor_q: Given) -> Float[Array, ""]:
    """The Kullback-Leibler divergence of the second distribution from the first, in nats."""
    L, Lq, E = _pair(factor, factor_q)
    return bartlett.divergence(df, df_q, jnp.diagonal(L), jnp.diagonal(Lq), E)


def _kl_ddf(df, factor, df_q, factor_q):
    return bartlett.divergence_ddf(df, df_q, _pair(factor, factor_q)[2])


def _kl_ddf_q(df, factor, df_q, factor_q):
    L, Lq, _ = _pair(factor, factor_q)
    return bartlett.divergence_ddf_q(df, df_q, jnp.diagonal(L), jnp.diagonal(Lq))


def _kl_dfactor(df, factor, df_q, factor_q):
    L, Lq, _ = _pair(factor, factor_q)
    square = product(solve(L, Lq))
    return df_q * inverse_diagonal(L) - df * jnp.tril(solve_transposed(L, square))


def _kl_dfactor_q(df, factor, df_q, factor_q):
    L, Lq, _ = _pair(factor, factor_q)
    return df * jnp.tril(solve_transposed(L, solve(L, Lq))) - df_q * inverse_diagonal(Lq)


_KL = dict(df=_kl_ddf, factor=_kl_dfactor, df_q=_kl_ddf_q, factor_q=_kl_dfactor_q)


def _cross_entropy(df: Given, factor: Given, df_q: Given, factor_q: Given) -> Float[Array, ""]:
    """The expected value under the first distribution of minus the second's `log_prob`, in nats."""
    return _entropy(df, factor) + _kl(df, factor, df_q, factor_q)


_CROSS_ENTROPY = exponential_family.cross_entropy(_ENTROPY, _KL)
_bound_kl = with_rule(_kl, **_KL)
kl = lifted(0, 2, 0, 2)(_bound_kl)
cross_entropy = lifted(0, 2, 0, 2)(with_rule(_cross_entropy, **_CROSS_ENTROPY))


def _between(share, p, q):
    """The member whose parameters n and Psi are linear in both."""
    Psi = share * product(checked(p[1])) + (1 - share) * product(checked(q[1]))
    return share * p[0] + (1 - share) * q[0], jnp.linalg.cholesky(Psi)


squared_hellinger = lifted(0, 2, 0, 2)(exponential_family.squared_hellinger(_bound_kl, _between))
renyi = lifted(0, 0, 2, 0, 2)(exponential_family.renyi(_bound_kl, _between))


def _flat(number, matrix):
    return jnp.concatenate([number[None], jnp.ravel(matrix)])


@lifted(2)
def sufficient(x: Given) -> Float[Array, " m"]:
    """The logarithm of the determinant, then the inverse by rows."""
    C = jnp.linalg.cholesky(x)
    return _flat(2 * log_det(C), precision(C))


@lifted(0, 2)
def natural(df: Given, factor: Given) -> Float[Array, " m"]:
    """Minus half of n + d + 1, then minus half of Psi, by rows."""
    L = checked(factor)
    return _flat(-(df + L.shape[-1] + 1) / 2, -product(L) / 2)


@lifted(1)
def log_partition(eta: Given) -> Float[Array, ""]:
    """The normaliser of x to the power of the first, times exponentials of the others."""
    d = math.isqrt(eta.size - 1)
    df = -2 * eta[0] - d - 1
    root = jnp.linalg.cholesky(-2 * eta[1:].reshape(d, d))
    return bartlett.log_gammas(df, d) + df * (d * math.log(2) / 2 - log_det(root))


@lifted(0, 2)
def mean_parameters(df: Given, factor: Given) -> Float[Array, " m"]:
    """The expected logarithm of the determinant, then the mean of the inverse by rows."""
    L = checked(factor)
    logs = 2 * log_det(L) - bartlett.expected_log_det(df, L.shape[-1])
    return _flat(logs, df * precision(L))


def fit(x: Real, weights: Real | None = None) -> Fit:
    """The likeliest degrees of freedom, and Psi from the mean inverse of x, (n, d, d)."""
    values, share, total = arrays(x, weights, 2)
    roots = jnp.linalg.cholesky(values)
    mean = jnp.einsum("i,ijk->jk", share, jax.vmap(precision)(roots))
    gap = 2 * (log_det(jnp.linalg.cholesky(mean)) + share @ jax.vmap(log_det)(roots))
    df = bartlett.likeliest_df(gap, values.shape[-1])
    estimate = Params(df, reversed_cholesky(mean / df))
    return with_errors(INVERSE_WISHART, estimate, values, share, total)


_MIXED = {
    "hessian_symmetric": "by two ways they differ by a few roundings, at 2 to 6 places",
    **dict.fromkeys(
        ("second_derivatives/df, factor", "second_derivatives/df, factor_q"),
        "more than roundings at 2 to 4 of 13 places",
    ),
}
INVERSE_WISHART = Family(
    name="inverse_wishart",
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
    exceptions=dict.fromkeys(("kl", "cross_entropy"), _MIXED),
    undefined=WITHOUT_ORDER,
    unrecorded=UNRECORDED,
    tex=dict(
        log_prob=r"\log p(X) = \tfrac{n}{2} \log|\Psi / 2| - \tfrac{n + d + 1}{2} \log|X|"
        r" - \tfrac12 \operatorname{tr} \Psi X^{-1} - \log\Gamma_d(n / 2), \quad \Psi = L L^\top",
        mean=r"\Psi / (n - d - 1)",
        mode=r"\Psi / (n + d + 1)",
        entropy=r"H = \tfrac{d + 1}{2} \log|\Psi / 2| + \log\Gamma_d(\tfrac{n}{2})"
        r" - \tfrac{n + d + 1}{2} \psi_d(\tfrac{n}{2}) + \tfrac{n d}{2}",
    ),
    source=Source("gelman2013bayesian", "appendix A"),
    topic="P10",
)
__getattr__ = INVERSE_WISHART.function
