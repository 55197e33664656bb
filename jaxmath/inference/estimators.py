r"""Unbiased gradients of an expectation $\operatorname{E} f(X)$ in parameters of X, draw by draw.

By the score, $f(X) \nabla \log p(X)$, which asks nothing of f; by reparametrisation, the gradient
through the draw, which needs a smooth f and is mostly the quietest; and by measures, the difference
of f at two coupled draws, which needs no smoothness either. Each function makes the estimate of one
draw: `jax.vmap` makes many, and `monte_carlo` their mean and its error.
"""

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.typing import PRNGKey, Real, Scalar

Value = Callable[..., Any]


def score_function(
    fn: Value, log_prob: Callable[..., Any], x: Any, params: tuple, baseline: Scalar = 0.0
) -> tuple:
    """The value at a draw x less the baseline, times the gradient of `log_prob(x, *params)`.

    A baseline that does not depend on this draw changes the variance alone.
    """
    where = tuple(range(1, 1 + len(params)))
    score = jax.grad(log_prob, where)(x, *params)
    return jax.tree.map(lambda slope: (fn(x) - baseline) * slope, score)


def reparametrised(fn: Value, sample: Callable[..., Any], key: PRNGKey, params: tuple) -> tuple:
    """The gradient of `fn(sample(key, *params))`.

    Right where f is continuous and the draw moves smoothly with the parameters; of a jump it sees
    nothing, and is then biased.
    """
    where = tuple(range(len(params)))
    return jax.grad(lambda *at: fn(sample(key, *at)), where)(*params)


def normal_measures(fn: Value, key: PRNGKey, loc: Scalar, scale: Scalar) -> tuple[Any, Any]:
    """In the mean and the standard deviation of a normal variable.

    The mean: Rayleigh's distribution to both sides. The deviation: a doubled Maxwell distribution
    against the normal one, coupled by a uniform factor.
    """
    loc, scale = jnp.asarray(loc, float), jnp.asarray(scale, float)
    one, two, three, four = jax.random.split(key, 4)
    w = jnp.sqrt(2 * jax.random.exponential(one, dtype=loc.dtype))
    by_loc = (fn(loc + scale * w) - fn(loc - scale * w)) / (scale * math.sqrt(2 * math.pi))
    m = jnp.sqrt(2 * jax.random.gamma(two, 1.5, dtype=loc.dtype))
    m = m * jax.random.rademacher(three, (), loc.dtype)
    u = jax.random.uniform(four, dtype=loc.dtype)
    by_scale = (fn(loc + scale * m) - fn(loc + scale * m * u)) / scale
    return by_loc, by_scale


def exponential_measures(fn: Value, key: PRNGKey, rate: Scalar) -> tuple[Any]:
    """In the rate of an exponential variable: the wait for one event against that for two."""
    rate = jnp.asarray(rate, float)
    first, second = jax.random.exponential(key, (2,), rate.dtype) / rate
    return ((fn(first) - fn(first + second)) / rate,)


def poisson_measures(fn: Value, x: Real) -> tuple[Any]:
    """In the rate of a Poisson count, of which x is a draw: what one event more changes."""
    return (fn(jnp.asarray(x) + 1) - fn(jnp.asarray(x)),)


def bernoulli_measures(fn: Value) -> tuple[Any]:
    """In the chance of a one: the value of a one less that of a zero, which is exact."""
    return (fn(1.0) - fn(0.0),)


def leave_one_out(values: Float[Array, " n"]) -> Float[Array, " n"]:
    """A baseline for each of n > 1 draws: the mean of the values at all others."""
    values = jnp.asarray(values)
    return (jnp.sum(values) - values) / (values.shape[0] - 1)


def best_baseline(values: Float[Array, " n"], scores: Float[Array, " n"]) -> Float[Array, ""]:
    """The constant that makes the variance of score-function estimates least, from n draws.

    The mean of the values weighted by the squared scores in one parameter. Taken from the same
    draws as the estimates, it biases them by one part in n; `leave_one_out` does not.
    """
    weight = jnp.square(jnp.asarray(scores))
    return jnp.sum(weight * values) / jnp.sum(weight)
