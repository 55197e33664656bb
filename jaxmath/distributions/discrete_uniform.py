r"""The discrete uniform distribution on the whole numbers from `low` to `high`, both included.

Elementwise functions of arrays or numbers. Ends that are not whole, or not in order, give NaN. The
parameters are whole numbers: there is nothing to differentiate in them.
"""

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.distributions.family import Family
from jaxmath.distributions.fitting import Fit, observations
from jaxmath.distributions.shapes import sample_shape
from jaxmath.domains import Integers
from jaxmath.formula import Source
from jaxmath.special.logarithm import log1p
from jaxmath.special.logistic import softplus
from jaxmath.typing import Label, PRNGKey, Real


class Params(NamedTuple):
    """The least and the largest number."""

    low: Any
    high: Any


def _floats(*values):
    """The values as numbers of one floating dtype, whole ones of the default one."""
    dtype = jnp.result_type(*values)
    dtype = dtype if jnp.issubdtype(dtype, jnp.floating) else jnp.result_type(float)
    return tuple(jnp.asarray(value).astype(dtype) for value in values)


def _count(low, high):
    """How many numbers there are; NaN where the ends are not whole or not in order."""
    low, high = _floats(low, high)
    valid = (low == jnp.floor(low)) & (high == jnp.floor(high)) & (low <= high)
    return high - low + 1 + jnp.where(valid, 0.0, jnp.nan)


def log_prob(x: Label, low: Label, high: Label) -> Float[Array, "..."]:
    """Minus the logarithm of how many numbers there are; minus infinity of no such number."""
    x, low, high = _floats(x, low, high)
    value = -jnp.log(_count(low, high)) + 0 * x
    inside = (x >= low) & (x <= high) & (x == jnp.floor(x))
    return jnp.where(inside | jnp.isnan(value), value, -jnp.inf)


def prob(x: Label, low: Label, high: Label) -> Float[Array, "..."]:
    """One over how many numbers there are; zero of no such number."""
    value = log_prob(x, low, high)
    return jnp.where(jnp.isinf(value), 0.0, 1 / _count(low, high) + 0 * value)


def _shares(x, low, high):
    """The shares of the numbers at most x, and above x, for any real x."""
    x, low, high = _floats(x, low, high)
    count = _count(low, high)
    below = jnp.clip(jnp.floor(x) - low + 1, 0.0, count)
    return below / count, (count - below) / count


def cdf(x: Label, low: Label, high: Label) -> Float[Array, "..."]:
    """The share of the numbers that are at most x, for any real x."""
    return _shares(x, low, high)[0]


def sf(x: Label, low: Label, high: Label) -> Float[Array, "..."]:
    """The share of the numbers above x, for any real x."""
    return _shares(x, low, high)[1]


def _log(small, other):
    """The logarithm of a share, from the other one where that is smaller."""
    few = small < 0.5
    return jnp.where(few, jnp.log(small), log1p(-jnp.where(few, 0.5, other)))


def log_cdf(x: Label, low: Label, high: Label) -> Float[Array, "..."]:
    """The logarithm of `cdf`; minus infinity below the least number."""
    return _log(*_shares(x, low, high))


def log_sf(x: Label, low: Label, high: Label) -> Float[Array, "..."]:
    """The logarithm of `sf`; minus infinity from the largest number on."""
    return _log(*_shares(x, low, high)[::-1])


def _chance(p, low, high):
    p, low, high = _floats(p, low, high)
    return p + jnp.where((p >= 0) & (p <= 1), 0.0, jnp.nan), low, _count(low, high)


def quantile(p: Real, low: Label, high: Label) -> Float[Array, "..."]:
    """The smallest number with cdf >= p; NaN for p outside [0, 1]."""
    p, first, count = _chance(p, low, high)
    guess = jnp.clip(jnp.ceil(p * count) - 1, 0.0, count - 1)
    less = jnp.maximum(guess - 1, 0.0)  # p * count may have been rounded upwards
    return first + jnp.where((less + 1) / count >= p, less, guess)


def isf(p: Real, low: Label, high: Label) -> Float[Array, "..."]:
    """The smallest number with sf <= p; NaN for p outside [0, 1]."""
    p, first, count = _chance(p, low, high)
    guess = jnp.clip(count - 1 - jnp.floor(p * count), 0.0, count - 1)
    less = jnp.maximum(guess - 1, 0.0)
    return first + jnp.where((count - 1 - less) / count <= p, less, guess)


def sample(key: PRNGKey, low: Label, high: Label, shape: tuple[int, ...] = ()) -> Array:
    """Draw `shape` times the common shape of the ends, whole numbers of a floating dtype."""
    low, high = _floats(low, high)
    size = sample_shape(shape, low, high)
    share = jax.random.uniform(key, size, low.dtype)
    count = jnp.broadcast_to(_count(low, high), size)
    return jnp.broadcast_to(low, size) + jnp.minimum(jnp.floor(share * count), count - 1)


def mean(low: Label, high: Label) -> Float[Array, "..."]:
    """The middle."""
    first, last = _floats(low, high)
    return (first + last) / 2 + 0 * _count(low, high)


def median(low: Label, high: Label) -> Float[Array, "..."]:
    """The middle, or the number below it."""
    return jnp.floor(mean(low, high))


def variance(low: Label, high: Label) -> Float[Array, "..."]:
    """A twelfth of the squared count less one."""
    count = _count(low, high)
    return (count - 1) * (count + 1) / 12


def std(low: Label, high: Label) -> Float[Array, "..."]:
    """The square root of the variance."""
    return jnp.sqrt(variance(low, high))


def skewness(low: Label, high: Label) -> Float[Array, "..."]:
    """Zero: the third moment of the standardised value."""
    return 0 * _count(low, high)


def kurtosis(low: Label, high: Label) -> Float[Array, "..."]:
    """The excess of the fourth standardised moment over the normal's 3; minus 1.2 and less."""
    count = _count(low, high)
    return -1.2 * (count * count + 1) / ((count - 1) * (count + 1))


def entropy(low: Label, high: Label) -> Float[Array, "..."]:
    """The logarithm of how many numbers there are, in nats."""
    return jnp.log(_count(low, high))


def _overlap(low, high, low_q, high_q):
    """The numbers in common, as shares of the first's and of the second's; and the log counts."""
    low, high, low_q, high_q = _floats(low, high, low_q, high_q)
    both = jnp.maximum(jnp.minimum(high, high_q) - jnp.maximum(low, low_q) + 1, 0.0)
    count, count_q = _count(low, high), _count(low_q, high_q)
    return both / count, both / count_q, jnp.log(count), jnp.log(count_q)


def cross_entropy(low: Label, high: Label, low_q: Label, high_q: Label) -> Float[Array, "..."]:
    """The logarithm of the second count; infinite where the first has numbers of its own."""
    share, _, _, log_q = _overlap(low, high, low_q, high_q)
    return jnp.where(share < 1, jnp.inf, log_q + 0 * share)


def kl(low: Label, high: Label, low_q: Label, high_q: Label) -> Float[Array, "..."]:
    """The logarithm of the counts' ratio; infinite where the first has numbers of its own."""
    share, share_q, _, _ = _overlap(low, high, low_q, high_q)
    # The second share is the ratio of the counts where the first is one.
    return jnp.where(share < 1, jnp.inf, -jnp.log(share_q) + 0 * share)


def jensen_shannon(low: Label, high: Label, low_q: Label, high_q: Label) -> Float[Array, "..."]:
    """The mean divergence of both from their mixture, in nats; log 2 where they do not meet."""
    share, share_q, log_p, log_q = _overlap(low, high, low_q, high_q)
    t = log_p - log_q
    return math.log(2) - (share * softplus(t) + share_q * softplus(-t)) / 2


def squared_hellinger(low: Label, high: Label, low_q: Label, high_q: Label) -> Float[Array, "..."]:
    """One minus the count in common over the geometric mean of both counts."""
    share, share_q, _, _ = _overlap(low, high, low_q, high_q)
    return 1 - jnp.sqrt(share) * jnp.sqrt(share_q)


def renyi(order: Real, low: Label, high: Label, low_q: Label, high_q: Label) -> Float[Array, "..."]:
    """The divergence of order alpha; from one on infinite where the first has its own numbers."""
    share, _, log_p, log_q = _overlap(low, high, low_q, high_q)
    below = jnp.where(jnp.asarray(order) < 1, order, 0.5)
    loss = jnp.where(jnp.asarray(order) < 1, jnp.log(share) / (below - 1), jnp.inf)
    return log_q - log_p + jnp.where(share == 1, 0.0, loss)


def fit(x: Label, weights: Real | None = None) -> Fit:
    """The least and the largest of the observations, shape (n,); without errors."""
    x, share, _ = observations(x, weights)
    low = jnp.min(jnp.where(share > 0, x, jnp.inf))
    high = jnp.max(jnp.where(share > 0, x, -jnp.inf))
    missing = Params(jnp.full_like(low, jnp.nan), jnp.full_like(low, jnp.nan))
    return Fit(Params(low, high), missing, missing)


_WHOLE = Integers(-(2**30), 2**30)

DISCRETE_UNIFORM = Family(
    name="discrete_uniform",
    parameters=Params(low=_WHOLE, high=_WHOLE),
    support=_WHOLE,
    ends=lambda low, high: (low, high),
    where=lambda low, high: jnp.asarray(low) <= high,
    functions=(
        *(log_prob, prob, cdf, log_cdf, sf, log_sf, quantile, isf, sample),
        *(mean, median, variance, std, skewness, kurtosis, entropy, cross_entropy, kl),
        *(jensen_shannon, squared_hellinger, renyi, fit),
    ),
    undefined=dict(
        mode="every number between the ends is one.",
        interval="the estimates are extremes, whose errors are one-sided.",
        profile="the estimates are extremes, whose errors are one-sided.",
    ),
    source=Source("casella2002inference", "section 3.2"),
    topic="P10",
)
__getattr__ = DISCRETE_UNIFORM.function
