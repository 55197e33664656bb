r"""A mixture of normal distributions of vectors: `weights` $w_k$, means and factors of each.

The weights are a vector of probabilities; `locs` has the mean of each component along its first
axis, `factors` the lower triangular factor of each covariance. The posterior of the component,
$r_k = w_k p_k(x) / p(x)$, is in every slope, and drives the fit by expectation and maximisation
(Bishop 2006, section 9.2).
"""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float

from jaxmath.distributions import multivariate_normal as normal
from jaxmath.distributions.factors import Lower, Stacked, checked, product, rows
from jaxmath.distributions.family import Family
from jaxmath.distributions.fitting import Fit
from jaxmath.distributions.inversion import standard_normal
from jaxmath.distributions.vector_fit import arrays
from jaxmath.distributions.vectors import (
    UNRECORDED,
    WITHOUT_ORDER,
    Given,
    batch_of,
    exponential,
    jacobian,
    lifted,
)
from jaxmath.domains import Box, Simplex
from jaxmath.formula import Concave, Source, with_rule
from jaxmath.special.weighted import weighted_logsumexp
from jaxmath.typing import PRNGKey, Real

ITERATIONS = 300


class Params(NamedTuple):
    """Weights, means and factors; also the shape of what belongs to each, such as the score."""

    weights: Any
    locs: Any
    factors: Any


class Trace(NamedTuple):
    """What expectation and maximisation found.

    Attributes:
        estimate: the last parameters.
        log_likelihoods: the mean log likelihood of an observation before each iteration, in nats;
            it never falls.
    """

    estimate: Params
    log_likelihoods: Any


def _each(fn, x, locs, factors):
    """A function of x for each component."""
    return jax.vmap(lambda loc, factor: fn(x, loc, factor))(locs, factors)


def _log_prob(x: Given, weights: Given, locs: Given, factors: Given) -> Float[Array, ""]:
    """The logarithm of the density, in nats."""
    return weighted_logsumexp(_each(normal.log_prob, x, locs, factors), weights)


def _shares(x, weights, locs, factors):
    """The posterior of each component, and by its weight."""
    logs = _each(normal.log_prob, x, locs, factors)
    some = weights > 0
    largest = jnp.max(jnp.where(some, logs + jnp.log(jnp.where(some, weights, 1.0)), -jnp.inf))
    # Not over the density itself, the logarithm of which may be too large to have decimals.
    parts = jnp.exp(logs - jax.lax.stop_gradient(largest))
    rates = parts / jnp.sum(jnp.where(some, weights * parts, 0.0)) + 0.0 * jnp.sum(weights)
    return jnp.where(some, weights * rates, 0.0), rates


def _log_prob_dweights(x, weights, locs, factors):
    return _shares(x, weights, locs, factors)[1]


def _log_prob_dlocs(x, weights, locs, factors):
    shares, _ = _shares(x, weights, locs, factors)
    return shares[:, None] * _each(normal.score, x, locs, factors).loc


def _log_prob_dx(x, weights, locs, factors):
    return -jnp.sum(_log_prob_dlocs(x, weights, locs, factors), axis=0)


def _log_prob_dfactors(x, weights, locs, factors):
    shares, _ = _shares(x, weights, locs, factors)
    return shares[:, None, None] * _each(normal.score, x, locs, factors).factor


_LOG_PROB = dict(
    x=_log_prob_dx,
    weights=_log_prob_dweights,
    locs=_log_prob_dlocs,
    factors=_log_prob_dfactors,
)
log_prob = lifted(1, 1, 2, 3)(with_rule(_log_prob, **_LOG_PROB))
prob = exponential(log_prob)


def _score(x, weights, locs, factors):
    args = (x, weights, locs, factors)
    return Params(_log_prob_dweights(*args), _log_prob_dlocs(*args), _log_prob_dfactors(*args))


@lifted(1, 1, 2, 3)
def score(x: Given, weights: Given, locs: Given, factors: Given) -> Params:
    """The slopes of `log_prob` in all parameters, the weights taken as free of their sum."""
    return _score(x, weights, locs, factors)


@lifted(1, 1, 2, 3)
def hessian(x: Given, weights: Given, locs: Given, factors: Given) -> Float[Array, "m m"]:
    """The second derivatives of `log_prob` in all entries of the parameters."""
    return jacobian(_score)(x, weights, locs, factors)


@lifted(1, 1, 2, 3)
def responsibilities(x: Given, weights: Given, locs: Given, factors: Given) -> Float[Array, " k"]:
    """The posterior probability of each component at x."""
    return _shares(x, weights, locs, factors)[0]


def sample(
    key: PRNGKey, weights: Real, locs: Real, factors: Real, shape: tuple[int, ...] = ()
) -> Array:
    """Draw `shape` vectors for each of the parameters; not differentiable in the weights."""
    shares, centres, roots = batch_of(shape, (weights, locs, factors), (1, 2, 3))
    which, noise = jax.random.split(key)
    chosen = jax.random.categorical(which, jnp.log(jax.lax.stop_gradient(shares)), axis=-1)
    z = standard_normal(noise, (*chosen.shape, 1, centres.shape[-1]), centres.dtype)
    one_hot = jax.nn.one_hot(chosen, shares.shape[-1], dtype=centres.dtype)
    # Of each component the draw that the noise would give; the chosen one is kept.
    draws = centres + rows(roots, jnp.broadcast_to(z, centres.shape))
    return jnp.sum(one_hot[..., None] * draws, axis=-2)


@lifted(1, 2, 3)
def mean(weights: Given, locs: Given, factors: Given) -> Float[Array, " n"]:
    """The weighted mean of the means."""
    return weights @ locs + 0.0 * jnp.sum(jax.vmap(checked)(factors))


@lifted(1, 2, 3)
def covariance(weights: Given, locs: Given, factors: Given) -> Float[Array, "n n"]:
    """The weighted mean of the covariances, and that of the means around their own."""
    away = locs - (weights @ locs)[None]
    own = jax.vmap(lambda factor: product(checked(factor)))(factors)
    return jnp.einsum("k,kij->ij", weights, own) + (weights[:, None] * away).T @ away


@lifted(1, 2, 3)
def variance(weights: Given, locs: Given, factors: Given) -> Float[Array, " n"]:
    """Of each entry."""
    return jnp.diagonal(covariance(weights, locs, factors))


@lifted(1, 2, 3)
def std(weights: Given, locs: Given, factors: Given) -> Float[Array, " n"]:
    """The root of the variance of each entry."""
    return jnp.sqrt(variance(weights, locs, factors))


def _groups(x, share, components):
    """Groups of equal weight along the direction in which observations differ most."""
    away = x - (share @ x)[None]
    _, directions = jnp.linalg.eigh((away * share[:, None]).T @ away)
    order = jnp.argsort(away @ directions[:, -1])
    reached = jnp.zeros_like(share).at[order].set(jnp.cumsum(share[order]) - share[order] / 2)
    group = jnp.clip(jnp.floor(reached * components), 0, components - 1)
    return jax.nn.one_hot(group.astype(int), components, dtype=x.dtype)


def _maximise(x, share, parts):
    """Weights, means and factors from everyone's share in each observation."""
    each = share[:, None] * parts
    weights = jnp.sum(each, axis=0)
    locs = (each.T @ x) / weights[:, None]

    def factor(one, weight, loc):
        away = x - loc[None]
        return jnp.linalg.cholesky((away * (one / weight)[:, None]).T @ away)

    factors = jax.vmap(factor)(each.T, weights, locs)
    return Params(weights / jnp.sum(weights), locs, factors)


@functools.partial(jax.jit, static_argnums=(3,))
def _em(x, share, start, iterations):
    def step(params, _):
        value = jax.vmap(lambda x: log_prob(x, *params))(x)
        parts = jax.vmap(lambda x: responsibilities(x, *params))(x)
        likelihood = jnp.sum(jnp.where(share > 0, share * value, 0.0))
        return _maximise(x, share, parts), likelihood

    return Trace(*jax.lax.scan(step, start, length=iterations))


def em(
    x: Real,
    components: int,
    weights: Real | None = None,
    start: Params | None = None,
    iterations: int = ITERATIONS,
) -> Trace:
    """Expectation and maximisation over vectors, shape (observations, n), so many times.

    Without parameters to start from the first responsibilities are those of groups of equal weight
    along the first principal component. NaN where a component is left with too few observations.
    """
    values, share, _ = arrays(x, weights, 1)
    if start is None:
        start = _maximise(values, share, _groups(values, share, components))
    return _em(
        values, share, Params(*(jnp.asarray(each, values.dtype) for each in start)), iterations
    )


def fit(x: Real, components: int, weights: Real | None = None) -> Fit:
    """By expectation and maximisation, as `em` does, from groups along the first component.

    The standard errors are those of the observed information, since that which is expected has no
    closed form; the last weight is one less the others.
    """
    estimate = em(x, components, weights).estimate
    values, share, total = arrays(x, weights, 1)
    flat, unravel = ravel_pytree(estimate)
    k, n = components, values.shape[1]
    below = np.tile(np.ravel(np.tril(np.ones((n, n), bool))), k)
    kept = np.concatenate([np.arange(k) < k - 1, np.ones(k * n, bool), below])
    moves = np.eye(flat.size)[:, kept]
    moves[k - 1, : k - 1] = -1.0
    moves = jnp.asarray(moves, flat.dtype)

    def terms(values):
        slope = ravel_pytree(score(values, *estimate))[0] @ moves
        return slope[:, None] * slope[None, :], moves.T @ hessian(values, *estimate) @ moves

    squares, bends = jax.vmap(terms)(values)
    counted = share[:, None, None]
    inner, outer = (
        jnp.sum(jnp.where(counted > 0, counted * each, 0.0), axis=0) for each in (squares, bends)
    )
    bread = jnp.linalg.inv(-outer)
    spreads = (bread, bread @ inner @ bread)
    errors = [jnp.sqrt(jnp.diag(moves @ spread @ moves.T) / total) for spread in spreads]
    return Fit(estimate, *map(unravel, errors))


_INTEGRAL = "a mixture's integral of this kind has no closed form."

GAUSSIAN_MIXTURE = Family(
    name="gaussian_mixture",
    parameters=Params(
        weights=Simplex(2), locs=Box((2, 2), normal.VALUES), factors=Stacked(Lower(2), 2)
    ),
    support=Box((2,), normal.VALUES),
    functions=(*(log_prob, prob, sample, mean, variance, std, score, hessian, fit),),
    partials=dict(log_prob=_LOG_PROB),
    plain=dict(log_prob=_log_prob),
    facts=dict(log_prob=(Concave("weights"),)),
    undefined=WITHOUT_ORDER
    | dict.fromkeys(
        (
            *("entropy", "cross_entropy", "kl", "squared_hellinger", "renyi"),
            "fisher_information",
        ),
        _INTEGRAL,
    )
    | dict(
        jensen_shannon=_INTEGRAL,
        squared_wasserstein=_INTEGRAL,
        mode="found by search alone; there may be more of them than components.",
    ),
    unrecorded=UNRECORDED,
    exceptions=dict(
        log_prob={
            "second_derivatives": "digits are lost where components lie a million deviations away;"
            " a test of its own compares them where they overlap",
            "hessian_symmetric": "the same, at the same places, for either order",
            "finite": "in float32 second derivatives of components so far away are lost or NaN",
            "first_derivatives/weights": "in forward mode NaN where a weight is zero",
        },
    ),
    tex=dict(
        log_prob=r"\log p(x) = \log\sum_k w_k\, \mathcal{N}(x \mid \mu_k, L_k L_k^\top)",
        mean=r"\mu = \sum_k w_k \mu_k",
    ),
    source=Source("bishop2006prml", "section 9.2"),
    topic="P10",
)
__getattr__ = GAUSSIAN_MIXTURE.function
