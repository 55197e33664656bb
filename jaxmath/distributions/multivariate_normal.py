r"""The normal distribution of vectors: `loc` is the mean, `factor` L that of $\Sigma = L L^\top$.

Vectors lie along the last axis, factors are lower triangular with a positive diagonal; anything
above it is ignored, and a diagonal that isn't positive gives NaN. `from_covariance`,
`from_precision` and `from_scales` make the parameters of other ones. With $z = L^{-1} (x - \mu)$
everything is made of triangular solves and logarithms of the diagonal.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.distributions import exponential_family
from jaxmath.distributions.factors import (
    Lower,
    between_precisions,
    checked,
    factor_information,
    inverse_diagonal,
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
from jaxmath.distributions.ratios import rates_gap, ratio_gap
from jaxmath.distributions.vector_fit import arrays, matrix_size, with_errors
from jaxmath.distributions.vectors import (
    UNRECORDED,
    WITHOUT_ORDER,
    Given,
    batch_of,
    exponential,
    jacobian,
    lifted,
)
from jaxmath.domains import Box, Interval
from jaxmath.formula import Concave, Source, with_rule
from jaxmath.special.gamma import HALF_LOG_TAU
from jaxmath.typing import PRNGKey, Real


class Params(NamedTuple):
    """The mean and the factor; also the shape of what belongs to each, such as the score."""

    loc: Any
    factor: Any


VALUES = Interval(-(2.0**20), 2.0**20, closed=(True, True))
"""Of the entries of vectors: where all digits are promised."""


@lifted(1, 2)
def from_covariance(loc: Given, covariance: Given) -> Params:
    """The parameters with this mean and this positive definite covariance."""
    return Params(loc, jnp.linalg.cholesky(covariance))


@lifted(1, 2)
def from_precision(loc: Given, precision: Given) -> Params:
    """The parameters with this mean and this inverse of the covariance."""
    return Params(loc, reversed_cholesky(precision))


@lifted(1, 1)
def from_scales(loc: Given, scales: Given) -> Params:
    """The parameters of independent entries with these standard deviations."""
    return Params(loc, jnp.diag(scales))


def _log_prob(x: Given, loc: Given, factor: Given) -> Float[Array, ""]:
    """The logarithm of the density, in nats."""
    L = checked(factor)
    z = solve(L, x - loc)
    return -jnp.sum(jnp.square(z)) / 2 - log_det(L) - z.size * HALF_LOG_TAU


def _log_prob_dloc(x, loc, factor):
    L = checked(factor)
    return solve_transposed(L, solve(L, x - loc))


def _log_prob_dx(x, loc, factor):
    return -_log_prob_dloc(x, loc, factor)


def _log_prob_dfactor(x, loc, factor):
    L = checked(factor)
    z = solve(L, x - loc)
    return jnp.tril(jnp.outer(solve_transposed(L, z), z)) - inverse_diagonal(L)


def _curvature(x, loc, factor):
    return precision(checked(factor)) + 0.0 * jnp.sum(x - loc)


_LOG_PROB = dict(x=_log_prob_dx, loc=_log_prob_dloc, factor=_log_prob_dfactor)
log_prob = lifted(1, 1, 2)(with_rule(_log_prob, **_LOG_PROB))
prob = exponential(log_prob)


def _score(x, loc, factor):
    return Params(_log_prob_dloc(x, loc, factor), _log_prob_dfactor(x, loc, factor))


@lifted(1, 1, 2)
def score(x: Given, loc: Given, factor: Given) -> Params:
    """The slopes of `log_prob` in the mean and in the factor, zero above the diagonal."""
    return _score(x, loc, factor)


@lifted(1, 1, 2)
def hessian(x: Given, loc: Given, factor: Given) -> Float[Array, "m m"]:
    """The second derivatives of `log_prob`: in the mean's entries, then the factor's by rows."""
    return jacobian(_score)(x, loc, factor)


@lifted(1, 2)
def fisher_information(loc: Given, factor: Given) -> Float[Array, "m m"]:
    r"""Of all entries: $\Sigma^{-1}$ for the mean, and beside it one block for the factor."""
    L = checked(factor)
    return jax.scipy.linalg.block_diag(precision(L) + 0.0 * jnp.sum(loc), factor_information(L))


def sample(key: PRNGKey, loc: Real, factor: Real, shape: tuple[int, ...] = ()) -> Array:
    """Draw `shape` vectors for each of the parameters, differentiable in them."""
    locs, factors = batch_of(shape, (loc, factor), (1, 2))
    return locs + rows(factors, standard_normal(key, locs.shape, locs.dtype))


@lifted(1, 2)
def mean(loc: Given, factor: Given) -> Float[Array, " n"]:
    """The location."""
    return loc + 0.0 * jnp.diagonal(checked(factor))


@lifted(1, 2)
def median(loc: Given, factor: Given) -> Float[Array, " n"]:
    """The location, of each entry, and of every projection."""
    return mean(loc, factor)


@lifted(1, 2)
def mode(loc: Given, factor: Given) -> Float[Array, " n"]:
    """The location."""
    return mean(loc, factor)


@lifted(1, 2)
def covariance(loc: Given, factor: Given) -> Float[Array, "n n"]:
    """The factor times its transpose."""
    return product(checked(factor)) + 0.0 * jnp.sum(loc)


@lifted(1, 2)
def variance(loc: Given, factor: Given) -> Float[Array, " n"]:
    """Of each entry: the squared lengths of the rows of the factor."""
    return jnp.sum(jnp.square(checked(factor)), axis=1) + 0.0 * loc


@lifted(1, 2)
def std(loc: Given, factor: Given) -> Float[Array, " n"]:
    """The root of the variance of each entry."""
    return jnp.sqrt(variance(loc, factor))


def _entropy(loc: Given, factor: Given) -> Float[Array, ""]:
    """The expected value of minus `log_prob`, in nats; negative for a small covariance."""
    return log_det(checked(factor)) + loc.size * (HALF_LOG_TAU + 0.5) + 0.0 * jnp.sum(loc)


_ENTROPY = dict(
    loc=lambda loc, factor: 0.0 * loc,
    factor=lambda loc, factor: inverse_diagonal(checked(factor)),
)
entropy = lifted(1, 2)(with_rule(_entropy, **_ENTROPY))


def _whitened(loc, factor, loc_q, factor_q):
    """Both factors; the second's solve of the first less the second, and of the means' distance."""
    L, Lq = checked(factor), checked(factor_q)
    return L, Lq, solve(Lq, L - Lq), solve(Lq, loc - loc_q)


def _kl(loc: Given, factor: Given, loc_q: Given, factor_q: Given) -> Float[Array, ""]:
    """The Kullback-Leibler divergence of the second distribution from the first, in nats.

    A sum of squares and of terms that are not negative, so that it keeps its digits where both
    are close.
    """
    L, Lq, E, z = _whitened(loc, factor, loc_q, factor_q)
    gaps = ratio_gap(jnp.diagonal(L), jnp.diagonal(Lq))
    return jnp.sum(gaps) + (jnp.sum(jnp.square(E)) + jnp.sum(jnp.square(z))) / 2


def _kl_dloc(loc, factor, loc_q, factor_q):
    _, Lq, _, z = _whitened(loc, factor, loc_q, factor_q)
    return solve_transposed(Lq, z)


def _kl_dloc_q(loc, factor, loc_q, factor_q):
    return -_kl_dloc(loc, factor, loc_q, factor_q)


def _kl_dfactor(loc, factor, loc_q, factor_q):
    L, Lq, E, _ = _whitened(loc, factor, loc_q, factor_q)
    return jnp.tril(solve_transposed(Lq, E)) + jnp.diag(
        rates_gap(jnp.diagonal(L), jnp.diagonal(Lq))
    )


def _dfactor_q(loc, factor, loc_q, factor_q):
    _, Lq, E, z = _whitened(loc, factor, loc_q, factor_q)
    return -jnp.tril(solve_transposed(Lq, E + E.T + product(E) + jnp.outer(z, z)))


def _cross_entropy(loc: Given, factor: Given, loc_q: Given, factor_q: Given) -> Float[Array, ""]:
    """The expected value under the first distribution of minus the second's `log_prob`, in nats."""
    L, Lq = checked(factor), checked(factor_q)
    squares = jnp.sum(jnp.square(solve(Lq, L))) + jnp.sum(jnp.square(solve(Lq, loc - loc_q)))
    return log_det(Lq) + loc.size * HALF_LOG_TAU + squares / 2


def _cross_entropy_dfactor(loc, factor, loc_q, factor_q):
    L, Lq = checked(factor), checked(factor_q)
    return jnp.tril(solve_transposed(Lq, solve(Lq, L))) + 0.0 * jnp.sum(loc - loc_q)


_KL = dict(loc=_kl_dloc, factor=_kl_dfactor, loc_q=_kl_dloc_q, factor_q=_dfactor_q)
_CROSS_ENTROPY = _KL | dict(factor=_cross_entropy_dfactor)
_bound_kl = with_rule(_kl, **_KL)
kl = lifted(1, 2, 1, 2)(_bound_kl)
cross_entropy = lifted(1, 2, 1, 2)(with_rule(_cross_entropy, **_CROSS_ENTROPY))


def _between(share, p, q):
    """The member whose precision, and its product with the mean, are linear in both."""
    (loc, factor), (loc_q, factor_q) = p, q
    L, Lq = checked(factor), checked(factor_q)
    half = between_precisions(share, L, Lq)
    way = solve_transposed(L, solve(L, loc - loc_q))
    return loc_q + share * product(half) @ way, jnp.linalg.cholesky(product(half))


squared_hellinger = lifted(1, 2, 1, 2)(exponential_family.squared_hellinger(_bound_kl, _between))
renyi = lifted(0, 1, 2, 1, 2)(exponential_family.renyi(_bound_kl, _between))


def _rotation(factor, factor_q):
    """The orthogonal matrix U that takes the second factor closest to the first."""
    left, _, right = jnp.linalg.svd(factor_q.T @ factor)
    return left @ right


def _squared_wasserstein(
    loc: Given, factor: Given, loc_q: Given, factor_q: Given
) -> Float[Array, ""]:
    r"""The least expected squared distance, that of Bures between both covariances (1982).

    It is $|\mu - \mu_q|^2 + |L - L_q U|^2$ with the orthogonal U that makes it least, which is
    $\operatorname{tr}(\Sigma + \Sigma_q - 2 (\Sigma^{1/2} \Sigma_q \Sigma^{1/2})^{1/2})$ for the
    covariances, and does not cancel where both are close.
    """
    L, Lq = checked(factor), checked(factor_q)
    return jnp.sum(jnp.square(loc - loc_q)) + jnp.sum(jnp.square(L - Lq @ _rotation(L, Lq)))


def _wasserstein_dloc(loc, factor, loc_q, factor_q):
    return 2 * (loc - loc_q)


def _wasserstein_dfactor(loc, factor, loc_q, factor_q):
    L, Lq = checked(factor), checked(factor_q)
    return 2 * jnp.tril(L - Lq @ _rotation(L, Lq))


def _wasserstein_dfactor_q(loc, factor, loc_q, factor_q):
    L, Lq = checked(factor), checked(factor_q)
    return 2 * jnp.tril(Lq - L @ _rotation(L, Lq).T)


# At the best rotation its own movement changes nothing: the slopes are those with it held.
squared_wasserstein = lifted(1, 2, 1, 2)(
    with_rule(
        _squared_wasserstein,
        loc=_wasserstein_dloc,
        factor=_wasserstein_dfactor,
        loc_q=lambda *args: -_wasserstein_dloc(*args),
        factor_q=_wasserstein_dfactor_q,
    )
)


def _flat(vector, matrix):
    return jnp.concatenate([vector, jnp.ravel(matrix)])


@lifted(1)
def sufficient(x: Given) -> Float[Array, " m"]:
    """The vector x, then all products of two entries, by rows."""
    return _flat(x, jnp.outer(x, x))


@lifted(1, 2)
def natural(loc: Given, factor: Given) -> Float[Array, " m"]:
    """The precision times the mean, then minus half the precision, by rows."""
    P = precision(checked(factor))
    return _flat(P @ loc, -P / 2)


@lifted(1)
def log_partition(eta: Given) -> Float[Array, ""]:
    r"""The normaliser $-\tfrac14 \eta_1^\top \eta_2^{-1} \eta_1 - \tfrac12 \log|-2 \eta_2|$.

    The base measure is $(2 \pi)^{-n / 2}$.
    """
    d = matrix_size(eta.size)
    root = jnp.linalg.cholesky(-2 * eta[d:].reshape(d, d))
    return jnp.sum(jnp.square(solve(root, eta[:d]))) / 2 - log_det(root)


@lifted(1, 2)
def mean_parameters(loc: Given, factor: Given) -> Float[Array, " m"]:
    """The mean, then the covariance and the mean's products, by rows."""
    return _flat(loc, product(checked(factor)) + jnp.outer(loc, loc))


def fit(x: Real, weights: Real | None = None) -> Fit:
    """The mean, and the factor of the covariance, of vectors, shape (observations, n).

    Its diagonal is NaN where the observations lie in fewer dimensions.
    """
    x, share, total = arrays(x, weights, 1)
    loc = share @ x
    away = x - loc[None]
    estimate = Params(loc, jnp.linalg.cholesky((away * share[:, None]).T @ away))
    return with_errors(MULTIVARIATE_NORMAL, estimate, x, share, total)


MULTIVARIATE_NORMAL = Family(
    name="multivariate_normal",
    parameters=Params(loc=Box((2,), VALUES), factor=Lower(2)),
    support=Box((2,), VALUES),
    functions=(
        *(log_prob, prob, sample, mean, median, mode, variance, std, entropy, cross_entropy, kl),
        *(squared_hellinger, renyi, squared_wasserstein, score, hessian, fisher_information),
        *(sufficient, natural, log_partition, mean_parameters, fit),
    ),
    partials=dict(log_prob=_LOG_PROB, entropy=_ENTROPY, kl=_KL, cross_entropy=_CROSS_ENTROPY),
    seconds=dict(
        log_prob={
            ("x", "x"): lambda *args: -_curvature(*args),
            ("x", "loc"): _curvature,
            ("loc", "loc"): lambda *args: -_curvature(*args),
        }
    ),
    plain=dict(log_prob=_log_prob, entropy=_entropy, kl=_kl, cross_entropy=_cross_entropy),
    facts=dict(log_prob=(Concave("x"), Concave("loc"))),
    undefined=WITHOUT_ORDER,
    unrecorded=UNRECORDED,
    tex=dict(
        log_prob=r"\log p(x) = -\tfrac12 (x - \mu)^\top \Sigma^{-1} (x - \mu)"
        r" - \tfrac12 \log|2 \pi \Sigma|, \quad \Sigma = L L^\top, \quad"
        r" \frac{\partial}{\partial \Sigma} \log p = \tfrac12 (\Sigma^{-1} r r^\top \Sigma^{-1}"
        r" - \Sigma^{-1}), \quad r = x - \mu",
        mean=r"\mu",
        entropy=r"H = \tfrac12 \log|2 \pi e \Sigma|",
        cross_entropy=r"H(p, q) = \tfrac12 \log|2 \pi \Sigma_q| + \tfrac12"
        r" \operatorname{tr}(\Sigma_q^{-1} \Sigma)"
        r" + \tfrac12 (\mu - \mu_q)^\top \Sigma_q^{-1} (\mu - \mu_q)",
        kl=r"\operatorname{KL} = \tfrac12 (\operatorname{tr}(\Sigma_q^{-1} \Sigma) - n"
        r" + (\mu - \mu_q)^\top \Sigma_q^{-1} (\mu - \mu_q) + \log|\Sigma_q| - \log|\Sigma|)",
    ),
    source=Source("bishop2006prml", "section 2.3"),
    topic="P10",
)
__getattr__ = MULTIVARIATE_NORMAL.function
