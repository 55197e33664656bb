r"""What a training can be asked while it runs: curvature, noise of the gradient, size of a step.

Pure functions of an objective `(params, batch) -> scalar` and a pytree of parameters; none forms a
Hessian, or keeps more than some dozens of gradients at a time. `jaxmath.train.diagnosis` says what
the answers mean.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float

from jaxmath.train.lanczos import Extremes, extreme_eigenvalues
from jaxmath.train.stopping import norm
from jaxmath.typing import PRNGKey, Real, Scalar

AT_ONCE = 32
"""Examples whose gradients are held at a time."""


class Noise(NamedTuple):
    """How much the gradients of examples scatter.

    Attributes:
        trace: tr(Sigma), the variance of an example's gradient, summed over the parameters. The
            mean of a batch of B drawn with replacement scatters by tr(Sigma) / B.
        squared_norm: |g|^2 of the expected gradient, without bias; by chance it can be negative.
        scale: their ratio, the batch size at which noise and gradient are equally long; infinite
            where nothing but noise is seen, zero where all gradients are.
    """

    trace: Float[Array, "..."]
    squared_norm: Float[Array, "..."]
    scale: Float[Array, "..."]


class Ratio(NamedTuple):
    """The length of a step over that of what it changes: of all arrays together, and of each.

    Infinite where zero is changed, and zero where nothing is.
    """

    whole: Float[Array, ""]
    each: Any


def sharpness(
    objective: Callable[..., Any],
    params: Any,
    batch: Any,
    key: PRNGKey,
    *,
    iterations: int = 20,
    preconditioner: Any = None,
) -> Extremes:
    """Both ends of the spectrum of the objective's Hessian; the largest is called the sharpness.

    By Lanczos on products of the Hessian with vectors, `iterations` of them and two more; each end
    comes with its residual, a bound of its distance from an eigenvalue.

    Args:
        objective: `(params, batch) -> scalar`, twice differentiable.
        params: any pytree of floating-point arrays.
        batch: what the objective takes.
        key: of Lanczos' random start.
        iterations: the more, the smaller the residuals.
        preconditioner: positive numbers P in the shape of the parameters, by which an optimiser
            divides its step; the eigenvalues are then those of P^-1/2 H P^-1/2, which are those
            of P^-1 H (Cohen et al. 2022, section 2).
    """
    batch = jax.tree.map(jnp.asarray, batch)
    flat, unravel = ravel_pytree(params)
    _, hessian = jax.linearize(jax.grad(lambda flat: objective(unravel(flat), batch)), flat)
    product = hessian
    if preconditioner is not None:
        root = jax.lax.rsqrt(ravel_pytree(preconditioner)[0].astype(flat.dtype))

        def product(vector):
            return root * hessian(root * vector)

    return extreme_eigenvalues(product, flat, key, iterations)


def gradient_noise(objective: Callable[..., Any], params: Any, examples: Any) -> Noise:
    """The simple noise scale tr(Sigma) / |g|^2 from the gradients of single examples.

    Both parts are without bias: the estimator of two batch sizes (McCandlish et al. 2018,
    equations 2.9, A.2 and A.3) with batches of one and of all examples.

    Args:
        objective: the mean over a batch of something, plus what does not depend on the batch.
        params: any pytree of floating-point arrays.
        examples: a pytree of arrays whose first axis counts the examples, two at least.

    Raises:
        ValueError: there are fewer than two examples.
    """
    examples = jax.tree.map(jnp.asarray, examples)
    count = len(jax.tree.leaves(examples)[0])
    if count < 2:
        raise ValueError(f"The scatter of gradients takes two examples at least, got {count}.")
    mean = jax.grad(objective)(params, examples)

    def deviation(example):
        one = jax.tree.map(lambda leaf: leaf[None], example)
        return _squared(jax.tree.map(jnp.subtract, jax.grad(objective)(params, one), mean))

    # Around the mean, where a difference of squares would lose the digits of a small scatter.
    trace = jnp.sum(jax.lax.map(deviation, examples, batch_size=AT_ONCE)) / (count - 1)
    return _noise(trace, _squared(mean) - trace / count)


def noise_of_batches(small: Real, large: Real, small_size: int, large_size: int) -> Noise:
    """The simple noise scale from squared norms of gradients of batches of two sizes.

    McCandlish et al. 2018, equations A.2 and A.3. Of single batches the parts have no bias and much
    scatter, and their ratio has a bias: average the norms of many batches before.

    Args:
        small: |g|^2 over a batch of `small_size`, or the mean of several.
        large: likewise of `large_size`.
        small_size: how many examples a small batch has.
        large_size: likewise of a large one; another number.
    """
    few, many = jnp.asarray(small), jnp.asarray(large)
    squared = (large_size * many - small_size * few) / (large_size - small_size)
    return _noise((few - many) / (1 / small_size - 1 / large_size), squared)


def relative_update(updates: Any, params: Any) -> Ratio:
    """The length of a step over the length of the parameters that it changes."""
    each = jax.tree.map(lambda step, leaf: _over(norm(step), norm(leaf)), updates, params)
    return Ratio(_over(norm(updates), norm(params)), each)


def array_norms(tree: Any) -> Any:
    """The Euclidean length of each array of a pytree, such as of a gradient layer by layer."""
    return jax.tree.map(norm, tree)


def dead_units(activations: Float[Array, "n units"], tolerance: Scalar = 0.0) -> Float[Array, ""]:
    """The share of units that are inactive for every example: of size at most `tolerance`.

    Take the outputs of a rectifier, or the slopes h'(z) of any activation, among which a unit that
    is saturated counts as well.
    """
    active = jnp.any(jnp.abs(activations) > tolerance, axis=0)
    return jnp.mean(~active, dtype=jnp.result_type(activations))


def feature_spread(features: Float[Array, "n d"]) -> Float[Array, ""]:
    """The root mean square of the largest feature over that of the median one; zero ones left out.

    The Hessian of least squares has twice the mean squares on its diagonal, and its condition
    number is at least the ratio of any two of these: at least the square of what is returned.
    """
    largest = jnp.max(jnp.abs(features), initial=0.0)
    scale = jnp.where(largest > 0, largest, 1)
    sizes = jnp.sqrt(jnp.mean((features / scale) ** 2, axis=0))
    median = jnp.nanmedian(jnp.where(sizes > 0, sizes, jnp.nan))
    return jnp.where(largest > 0, jnp.max(sizes) / jnp.where(largest > 0, median, 1), 1)


def _noise(trace, squared) -> Noise:
    positive = squared > 0
    alone = jnp.where(trace > 0, jnp.inf, 0.0).astype(jnp.result_type(trace))
    scale = jnp.where(positive, trace / jnp.where(positive, squared, 1), alone)
    return Noise(jnp.asarray(trace), jnp.asarray(squared), scale)


def _squared(tree):
    return sum((jnp.sum(jnp.square(leaf)) for leaf in jax.tree.leaves(tree)), start=0.0)


def _over(step, whole):
    still = jnp.where(step > 0, jnp.inf, 0.0).astype(step.dtype)
    return jnp.where(whole > 0, step / jnp.where(whole > 0, whole, 1), still)
