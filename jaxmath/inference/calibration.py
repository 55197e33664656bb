r"""Calibration: whether what is predicted with confidence c comes true with frequency c.

Dividing all logits of a classifier by one temperature T changes how sure it is and not what it
says. The best T, on data that were held out, is the maximum of a likelihood that is concave in
$\beta = 1 / T$: its slope is $\sum_i z_{i y_i} - \operatorname{E}_{p_i} z$ and its curvature
$-\sum_i \operatorname{Var}_{p_i} z$ under $p_i = \operatorname{softmax}(\beta z_i)$.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from jaxmath.special import softmax
from jaxmath.special.normal_tail import ndtri
from jaxmath.typing import Real, Scalar

_STEPS = 100
"""Newton's method takes about eight; halvings for outliers, some more."""


class Temperature(NamedTuple):
    """The temperature of largest likelihood, the standard error of its logarithm, and an interval.

    Attributes:
        value: by which the logits are divided.
        log_error: of log T, from the curvature of the likelihood.
        low, high: the ends of Wald's interval, symmetric in log T.
    """

    value: Float[Array, ""]
    log_error: Float[Array, ""]
    low: Float[Array, ""]
    high: Float[Array, ""]


def fit_temperature(
    logits: Float[Array, "n k"], labels: Int[Array, " n"], level: Scalar = 0.95
) -> Temperature:
    """The temperature of held-out logits, all finite, and class indices, by Newton's method.

    NaN where none is best: if every label has the largest logit, a lower one is always better, and
    if the logits say less than nothing a higher one is. Values only: it is not to be differentiated
    through.
    """
    logits = jnp.asarray(logits)
    # Subtracting the label's own leaves the probabilities, and makes the slope minus a mean.
    gaps = logits - jnp.take_along_axis(logits, jnp.asarray(labels)[:, None], axis=1)

    def moments(beta):
        p = jax.vmap(softmax)(beta * gaps)
        mean = jnp.sum(p * gaps, axis=1)
        return jnp.sum(mean), jnp.sum(p * jnp.square(gaps - mean[:, None]))

    tiny = jnp.sqrt(jnp.finfo(gaps.dtype).eps)

    def unsettled(state):
        step, beta, slope, curvature, _ = state
        return (step < _STEPS) & (jnp.abs(slope) > tiny * jnp.abs(beta) * curvature)

    def newton(state):
        step, beta, slope, curvature, share = state
        trial = beta - share * slope / curvature
        found = moments(trial)
        # A convex function: a step that makes the slope less steep is towards the minimum.
        better = jnp.abs(found[0]) < jnp.abs(slope)
        kept = [
            jnp.where(better, new, old)
            for new, old in zip((trial, *found), (beta, slope, curvature), strict=True)
        ]
        return (step + 1, *kept, jnp.where(better, jnp.minimum(1.0, 2 * share), share / 2))

    zero = jnp.zeros((), gaps.dtype)
    start = (0, zero, *moments(zero), jnp.ones((), gaps.dtype))
    step, beta, slope, curvature, _ = jax.lax.while_loop(unsettled, newton, start)
    # One more step squares what is left of the distance.
    beta = beta - slope / curvature
    found = (step < _STEPS) & (beta > 0)
    value = jnp.where(found, 1 / jnp.where(found, beta, 1), jnp.nan)
    error = jnp.where(found, 1 / jnp.sqrt(moments(beta)[1]) / beta, jnp.nan)
    reach = jnp.exp(ndtri((1 + jnp.asarray(level, value.dtype)) / 2) * error)
    return Temperature(value, error, value / reach, value * reach)


def calibration_error(confidence: Real, correct: Real, bins: int = 15) -> Float[Array, ""]:
    """The mean distance of confidence and accuracy, over bins of equal width from 0 to 1.

    Each bin counts by how many predictions lie in it. Of n predictions with perfect calibration it
    is about the root of `bins / n`, not zero. A confidence on an edge lies in the upper bin.
    """
    confidence = jnp.asarray(confidence)
    gaps = jnp.asarray(correct, confidence.dtype) - confidence
    return jnp.sum(jnp.abs(_by_bin(gaps, confidence, bins))) / confidence.size


def _by_bin(values, confidence, bins):
    return jnp.zeros(bins, values.dtype).at[bin_of(confidence, bins)].add(values)


def bin_of(confidence: Real, bins: int) -> Int[Array, "..."]:
    """The number of the bin in which each confidence lies, of equal bins from 0 to 1."""
    return jnp.clip(jnp.floor(jnp.asarray(confidence) * bins).astype(int), 0, bins - 1)


class Brier(NamedTuple):
    """The mean Brier score is reliability minus resolution plus uncertainty.

    Attributes:
        reliability: the mean squared distance of a group's probability and its frequency; zero of
            the calibrated.
        resolution: the variance of the frequencies between the groups; more is better.
        uncertainty: the variance of the labels, which no prediction changes.
    """

    reliability: Float[Array, ""]
    resolution: Float[Array, ""]
    uncertainty: Float[Array, ""]


def brier_partition(
    probability: Float[Array, " n"], label: Real, group: Int[Array, " n"], groups: int
) -> Brier:
    """The parts of the mean Brier score of labels in {0, 1}, after Murphy.

    Within each of the groups, numbered from zero, the probability must be the same: then the parts
    add up to the mean score. A group may be empty.
    """
    probability = jnp.asarray(probability)
    label = jnp.asarray(label, probability.dtype)

    def total(values):
        return jnp.zeros(groups, values.dtype).at[group].add(values)

    count = total(jnp.ones_like(probability))
    some = jnp.maximum(count, 1)
    stated, frequency = total(probability) / some, total(label) / some
    share, base = count / probability.size, jnp.mean(label)
    return Brier(
        jnp.sum(share * jnp.square(stated - frequency)),
        jnp.sum(share * jnp.square(frequency - base)),
        base * (1 - base),
    )
