r"""Expectations as sums of weights times values: over a table, or by Gauss' rules.

A rule of n points integrates every polynomial of degree up to 2n - 1 exactly: Hermite's under a
normal distribution, Laguerre's under an exponential one, Legendre's over an interval.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxmath.distributions.quadrature import Rule
from jaxmath.special.gauss import gauss_legendre as unit_legendre
from jaxmath.typing import Real, Scalar


def table(values: Real, probabilities: Real) -> Rule:
    """A finite distribution: values along the first axis, and the probability of each."""
    return Rule(jnp.asarray(values), jnp.asarray(probabilities))


def gauss_hermite(points: int, loc: Scalar, scale: Scalar) -> Rule:
    """Under the normal distribution of this mean and standard deviation; the weights sum to one."""
    x, weight = _hermite(points)
    loc, scale = _numbers(loc, scale)
    return Rule(loc + scale * jnp.asarray(x, loc.dtype), jnp.asarray(weight, loc.dtype))


def gauss_laguerre(points: int, rate: Scalar) -> Rule:
    """Under the exponential distribution of this rate; the weights sum to one."""
    x, weight = _laguerre(points)
    (rate,) = _numbers(rate)
    return Rule(jnp.asarray(x, rate.dtype) / rate, jnp.asarray(weight, rate.dtype))


def gauss_legendre(points: int, low: Scalar, high: Scalar) -> Rule:
    """Over an interval; the weights sum to its length."""
    x, weight = unit_legendre(points)
    low, high = _numbers(low, high)
    width = high - low
    return Rule(low + width * jnp.asarray(x, low.dtype), width * jnp.asarray(weight, low.dtype))


def expect(fn: Callable[..., Any], rule: Rule) -> Any:
    """The sum of weights times `fn(x)`, an array or a pytree of them.

    A point without weight counts for nothing, whatever `fn` is there.
    """
    values = jax.vmap(fn)(rule.x)

    def total(leaf):
        weight = jnp.reshape(rule.weight, (-1,) + (1,) * (leaf.ndim - 1))
        return jnp.sum(jnp.where(weight == 0, 0.0, weight * leaf), axis=0)

    return jax.tree.map(total, values)


def variance(fn: Callable[..., Any], rule: Rule) -> Any:
    """The expected squared distance of `fn(x)` from its expectation, by weights that sum to one."""
    mean = expect(fn, rule)
    return expect(lambda x: jax.tree.map(lambda v, m: jnp.square(v - m), fn(x), mean), rule)


def _numbers(*values):
    """As arrays of one floating type."""
    return jnp.broadcast_arrays(*(jnp.asarray(v, jnp.result_type(float, *values)) for v in values))


def _refined(x, orthonormal):
    """Zeros by Newton's method in extended precision, and Christoffel's weights there.

    `orthonormal(x)` gives the polynomials of degree 0 to n that are orthonormal under a
    distribution, and the slope of the last.
    """
    x = x.astype(np.longdouble)
    for _ in range(3):
        values, slope = orthonormal(x)
        x = x - values[-1] / slope
    values, _ = orthonormal(x)
    return x.astype(float), (1 / np.sum(values[:-1] ** 2, axis=0)).astype(float)


@functools.cache
def _hermite(points: int):
    def orthonormal(x):
        values = [np.ones_like(x), x]
        for k in range(1, points):
            values.append((x * values[-1] - np.sqrt(np.longdouble(k)) * values[-2])
                          / np.sqrt(np.longdouble(k + 1)))  # fmt: skip
        values = values[: points + 1]
        return np.stack(values), np.sqrt(np.longdouble(points)) * values[-2]

    return _refined(_zeros(np.zeros(points), np.sqrt(np.arange(1.0, points))), orthonormal)


@functools.cache
def _laguerre(points: int):
    def orthonormal(x):
        values = [np.ones_like(x), 1 - x]
        for k in range(1, points):
            values.append(((2 * k + 1 - x) * values[-1] - k * values[-2]) / (k + 1))
        values = values[: points + 1]
        return np.stack(values), points * (values[-1] - values[-2]) / x

    n = np.arange(float(points))
    return _refined(_zeros(2 * n + 1, n[1:]), orthonormal)


def _zeros(diagonal, beside):
    """The eigenvalues of Jacobi's matrix (Golub and Welsch 1969)."""
    return np.linalg.eigvalsh(np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1))
