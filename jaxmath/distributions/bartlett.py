r"""What the Wishart distribution and that of its inverse share: Bartlett's triangular matrix.

If X has the Wishart distribution with $V = L L^\top$, the factor T of $L^{-1} X L^{-\top}$ has
independent entries: normal ones below the diagonal, and above each $T_{ii}^2 / 2$ a gamma variable
of shape $a_i = (n - i) / 2$, i = 0, 1, ... (Bartlett 1933). So the logarithm of the density is a
sum of those of gamma variables, and the divergence of two distributions one of terms that are not
negative: many degrees of freedom cost no digits.
"""

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array

from jaxmath.distributions.gamma_density import log_density, log_excess
from jaxmath.distributions.gamma_divergences import of_shape
from jaxmath.distributions.gamma_draws import log_gamma_draw
from jaxmath.distributions.inversion import standard_normal
from jaxmath.distributions.ratios import ratio_gap
from jaxmath.formula import with_rule
from jaxmath.special.entropy import kl_div
from jaxmath.special.gamma import (
    HALF_LOG_TAU,
    digamma,
    digamma_difference,
    stirling_error,
    stirling_error_dx,
    stirling_error_dx_dx,
    stirling_error_gap,
    trigamma,
    trigamma_dx,
)
from jaxmath.special.ratio import log_ratio, relative_excess
from jaxmath.typing import PRNGKey

HALVINGS = 80


def steps(d: int, dtype):
    """The numbers 0, 1, ..., d - 1."""
    return jnp.arange(d, dtype=dtype)


def shapes(df, d: int):
    """The shapes of the gamma variables, NaN where the last one isn't positive."""
    df = jnp.asarray(df)
    a = (df - steps(d, df.dtype)) / 2
    return a + jnp.where(a[-1] > 0, 0.0, jnp.nan)


def _squares(T):
    """Half the squares of the diagonal, and their logarithms."""
    diagonal = jnp.diagonal(T)
    return jnp.square(diagonal) / 2, 2 * jnp.log(diagonal) - math.log(2)


def log_kernel(df, T):
    r"""The logarithm $n \log|T| - \tfrac12 |T|^2 - \tfrac{n d}{2} \log 2 - \log\Gamma_d(n / 2)$."""
    d = T.shape[-1]
    s, log_s = _squares(T)
    own = log_density(s, shapes(df, d), log_s) + steps(d, T.dtype) * jnp.log(jnp.diagonal(T))
    below = jnp.sum(jnp.square(jnp.tril(T, -1))) / 2
    return jnp.sum(own) - below - d * (d - 1) / 2 * HALF_LOG_TAU


def log_kernel_ddf(df, T):
    """The slope of `log_kernel` in the degrees of freedom."""
    s, log_s = _squares(T)
    return jnp.sum(log_excess(s, shapes(df, T.shape[-1]), log_s)) / 2


def curvature(df, d: int):
    """Minus the second derivative of `log_kernel` in the degrees of freedom."""
    return jnp.sum(trigamma(shapes(df, d))) / 4


def expected_log_det(df, d: int):
    """The expected logarithm of the determinant of T T'."""
    return jnp.sum(digamma(shapes(df, d)) + math.log(2))


def log_gammas(df, d: int):
    """The logarithm of the multivariate gamma function of half the degrees of freedom."""
    a = shapes(df, d)
    each = (a - 0.5) * jnp.log(a) - a + HALF_LOG_TAU + stirling_error(a)
    return jnp.sum(each) + d * (d - 1) / 4 * math.log(math.pi)


def kernel_entropy(df, d: int, sign: int):
    """Minus the expected `log_kernel`, and (d + 1) / 2 times `expected_log_det` with that sign."""
    a = shapes(df, d)
    own = HALF_LOG_TAU + 0.5 - jnp.log(a) / 2 + stirling_error(a) - a * stirling_error_dx(a)
    rest = (sign * (d + 1) - steps(d, a.dtype)) / 2 * (digamma(a) + math.log(2))
    return jnp.sum(own + rest) + d * (d - 1) / 2 * (HALF_LOG_TAU + 0.5)


def kernel_entropy_ddf(df, d: int, sign: int):
    """The slope of `kernel_entropy`."""
    a = shapes(df, d)
    own = -1 / (2 * a) - a * stirling_error_dx_dx(a)
    return jnp.sum(own + (sign * (d + 1) - steps(d, a.dtype)) / 2 * trigamma(a)) / 2


def divergence(df, df_q, one, other, E):
    r"""The divergence of the second distribution from the first.

    With $M = 1 + E$ the triangular solve by the one factor of the other, whose diagonals are
    `other` and `one`, the expected square of T under the second is that of M T.
    """
    d = E.shape[-1]
    a, b, i = shapes(df, d), shapes(df_q, d), steps(d, E.dtype)
    excess = relative_excess(other, one)
    square = jnp.square(1 + excess)
    gap = 2 * ratio_gap(other, one) + jnp.square(excess)  # of the square less one, its logarithm
    own = kl_div(b, a * square) + ratio_gap(b, a) / 2 + stirling_error_gap(a, b) + i / 2 * gap
    return jnp.sum(own) + df * jnp.sum(jnp.square(jnp.tril(E, -1))) / 2


_change = with_rule(
    lambda a, b: (a - b) * trigamma(a),
    a=lambda a, b: of_shape(a) - b * trigamma_dx(a),
    b=lambda a, b: -trigamma(a),
)


def divergence_ddf(df, df_q, E):
    """Its slope in the first degrees of freedom."""
    d = E.shape[-1]
    a, b = shapes(df, d), shapes(df_q, d)
    excess = 2 * jnp.trace(E) + jnp.sum(jnp.square(E))
    return (jnp.sum(_change(a, b)) + excess) / 2


def divergence_ddf_q(df, df_q, one, other):
    """Its slope in the second."""
    a, b = shapes(df, one.size), shapes(df_q, one.size)
    # From the smaller one, since a step that goes back nearly to zero loses what is left.
    up = b >= a
    rise, fall = jnp.where(up, b - a, 0.0), jnp.where(up, 0.0, a - b)
    change = jnp.where(up, digamma_difference(a, rise), -digamma_difference(b, fall))
    return jnp.sum(change / 2 - log_ratio(other, one))


def draw(key: PRNGKey, df, d: int) -> Array:
    """Bartlett's matrix for each entry of an array of degrees of freedom; differentiable in it."""
    below, own = jax.random.split(key)
    df = jnp.asarray(df)
    rest = jnp.broadcast_to(steps(d, df.dtype), (*df.shape, d))
    a = (df[..., None] - rest) / 2
    valid = jnp.all(a > 0, axis=-1, keepdims=True)
    logs = log_gamma_draw(own, jnp.where(valid, a, 1.0))
    diagonal = jnp.where(valid, jnp.exp((logs + math.log(2)) / 2), jnp.nan)
    noise = jnp.tril(standard_normal(below, (*df.shape, d, d), df.dtype), -1)
    own = jnp.broadcast_to(jnp.eye(d, dtype=df.dtype), noise.shape)
    return noise + diagonal[..., None] * own


def likeliest_df(gap, d: int):
    r"""The n whose $d \log(n / 2) - \sum_i \psi(a_i)$ is this gap > 0, by bisection."""

    def excess(u):
        a = (jnp.exp(u) + (d - 1) - steps(d, gap.dtype)) / 2
        return jnp.sum(jnp.log((jnp.exp(u) + (d - 1)) / 2) - digamma(a)) - gap

    def halve(_, ends):
        low, high = ends
        middle = (low + high) / 2
        over = excess(middle) > 0  # it falls with n
        return jnp.where(over, middle, low), jnp.where(over, high, middle)

    start = (jnp.full_like(gap, -20.0), jnp.full_like(gap, 30.0))
    low, high = jax.lax.fori_loop(0, HALVINGS, halve, start)
    return jnp.where(gap > 0, jnp.exp((low + high) / 2) + (d - 1), jnp.nan)
