r"""Invertible maps from vectors of real numbers to ordered, stochastic and positive definite ones.

A constraint leaves some entries of the image free: all but the last probability, the lower triangle
of a matrix. The determinants are those of the free entries.
"""

from __future__ import annotations

import functools
import math

import jax.numpy as jnp
import numpy as np

from jaxmath.distributions.bijectors import Bijector
from jaxmath.domains import REAL, Box, PositiveDefinite, Simplex
from jaxmath.special.logistic import log_sigmoid
from jaxmath.special.normalized import log_softmax


@functools.cache
def ordered(size: int) -> Bijector:
    """Vectors to ascending vectors: the first entry, and the logarithms of all steps."""

    def forward(x):
        steps = jnp.concatenate([x[..., :1], jnp.exp(x[..., 1:])], axis=-1)
        return jnp.cumsum(steps, axis=-1)

    def inverse(y):
        return jnp.concatenate([y[..., :1], jnp.log(jnp.diff(y, axis=-1))], axis=-1)

    return Bijector(
        name="ordered",
        domain=Box((size,), REAL),
        image=Box((size,), REAL),
        forward=forward,
        inverse=inverse,
        forward_log_det=lambda x: jnp.sum(x[..., 1:], axis=-1),
        inverse_log_det=lambda y: -jnp.sum(jnp.log(jnp.diff(y, axis=-1)), axis=-1),
    )


@functools.cache
def additive_softmax(size: int) -> Bijector:
    """Vectors of one less than `size` to probabilities: softmax with a last logit of zero."""

    def log_probabilities(x):
        full = jnp.concatenate([x, jnp.zeros_like(x[..., :1])], axis=-1)
        return jnp.vectorize(log_softmax, signature="(n)->(n)")(full)

    return Bijector(
        name="softmax",
        domain=Box((size - 1,), REAL),
        image=Simplex(size),
        forward=lambda x: jnp.exp(log_probabilities(x)),
        inverse=lambda y: jnp.log(y[..., :-1]) - jnp.log(y[..., -1:]),
        forward_log_det=lambda x: jnp.sum(log_probabilities(x), axis=-1),
        inverse_log_det=lambda y: -jnp.sum(jnp.log(y), axis=-1),
    )


@functools.cache
def stick_breaking(size: int) -> Bijector:
    """Vectors of one less than `size` to probabilities, each a share of what is left.

    The share is the sigmoid of the entry less the logarithm of how many follow, so that zeros make
    equal probabilities.
    """
    offset = np.log(np.arange(size - 1, 0, -1.0))

    def logits(x):
        return x - jnp.broadcast_to(jnp.asarray(offset, x.dtype), x.shape)

    def logs(x):
        """The logarithms of the probabilities, and of what was left before each."""
        t = logits(x)
        after = jnp.cumsum(log_sigmoid(-t), axis=-1)
        left = jnp.concatenate([jnp.zeros_like(x[..., :1]), after], axis=-1)
        shares = jnp.concatenate([log_sigmoid(t), jnp.zeros_like(x[..., :1])], axis=-1)
        return left + shares, left

    def forward_log_det(x):
        t = logits(x)
        _, left = logs(x)
        return jnp.sum(log_sigmoid(t) + log_sigmoid(-t) + left[..., :-1], axis=-1)

    def rests(y):
        """What is left at each entry, itself included, summed from the end."""
        return jnp.cumsum(y[..., ::-1], axis=-1)[..., ::-1]

    def inverse(y):
        rest = rests(y)[..., 1:]
        t = jnp.log(y[..., :-1]) - jnp.log(rest)
        return t + jnp.broadcast_to(jnp.asarray(offset, y.dtype), t.shape)

    def inverse_log_det(y):
        rest = rests(y)
        # Of each share s = y / rest the logit's slope 1 / (s (1 - s)), and one over the rest.
        slopes = jnp.log(rest[..., :-1]) - jnp.log(y[..., :-1]) - jnp.log(rest[..., 1:])
        return jnp.sum(slopes, axis=-1)

    return Bijector(
        name="stick_breaking",
        domain=Box((size - 1,), REAL),
        image=Simplex(size),
        forward=lambda x: jnp.exp(logs(x)[0]),
        inverse=inverse,
        forward_log_det=forward_log_det,
        inverse_log_det=inverse_log_det,
    )


@functools.cache
def triangular(size: int) -> Bijector:
    """Vectors to lower triangular matrices, row by row, of positive diagonal (by exponentials)."""
    rows, columns = np.tril_indices(size)
    on_diagonal = np.flatnonzero(rows == columns)

    def forward(x):
        entries = x.at[..., on_diagonal].set(jnp.exp(x[..., on_diagonal]))
        empty = jnp.zeros((*x.shape[:-1], size, size), x.dtype)
        return empty.at[..., rows, columns].set(entries)

    def inverse(y):
        entries = y[..., rows, columns]
        return entries.at[..., on_diagonal].set(jnp.log(entries[..., on_diagonal]))

    return Bijector(
        name="triangular",
        domain=Box((rows.size,), REAL),
        image=Box((size, size), REAL),
        forward=forward,
        inverse=inverse,
        forward_log_det=lambda x: jnp.sum(x[..., on_diagonal], axis=-1),
        inverse_log_det=lambda y: -jnp.sum(jnp.log(jnp.diagonal(y, axis1=-2, axis2=-1)), axis=-1),
    )


@functools.cache
def cholesky(size: int) -> Bijector:
    """Vectors to positive definite matrices, by the triangular factor that `triangular` makes."""
    factor = triangular(size)
    # The determinant of L -> L L' over lower triangles is 2^n prod L_ii^(n + 1 - i), i from 1.
    powers = np.arange(size, 0, -1.0)

    def growth(diagonal):
        weights = jnp.broadcast_to(jnp.asarray(powers, diagonal.dtype), diagonal.shape)
        return size * math.log(2) + jnp.sum(weights * jnp.log(diagonal), axis=-1)

    def diagonal(L):
        return jnp.diagonal(L, axis1=-2, axis2=-1)

    def forward(x):
        L = factor.forward(x)
        return L @ jnp.swapaxes(L, -1, -2)

    def inverse_log_det(y):
        L = jnp.linalg.cholesky(y)
        return factor.inverse_log_det(L) - growth(diagonal(L))

    return Bijector(
        name="cholesky",
        domain=factor.domain,
        image=PositiveDefinite(size),
        forward=forward,
        inverse=lambda y: factor.inverse(jnp.linalg.cholesky(y)),
        forward_log_det=lambda x: factor.forward_log_det(x) + growth(diagonal(factor.forward(x))),
        inverse_log_det=inverse_log_det,
    )
