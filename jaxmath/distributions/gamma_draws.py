r"""Gamma variables, many at once: Marsaglia and Tsang's method (2000), and a wider squeeze.

A normal variable x makes the candidate $d (1 + y)^3$, $y = x / \sqrt{9 d}$, $d = a - \tfrac13$,
which is kept with probability $e^{-t}$,

$$t = 3 d \left(y - \frac{y^2}{2} + \frac{y^3}{3} - \log(1 + y)\right)
\le \frac{3 d y^4}{4 (1 + \min(y, 0))}.$$

Both choices come from one random word: its spare bits say at once, by the bound, that most
candidates are kept. The few left are packed together and tried to the end, so that no entry waits
for the slowest. Below a = 1 a variable of shape a + 1 times $u^{1 / a}$, u uniform, serves; its
logarithm is known where it underflows itself.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array

from jaxmath.distributions.inversion import SPARE, log_of_normal, normal_of, words
from jaxmath.distributions.packing import settled
from jaxmath.special.gamma import digamma
from jaxmath.special.incomplete_gamma import gammainc_dx, rolled_side
from jaxmath.special.partials import along
from jaxmath.special.polynomial import polynomial
from jaxmath.typing import PRNGKey

FEW = 16
"""One in so many is looked at again at once; more take turns."""
NEAR = 0.3
"""Up to this |y| a series serves for t."""


def _candidate(bits, d):
    """y, and the whole number that the spare bits hold."""
    spare = SPARE[d.dtype.name]
    y = normal_of(bits, spare) * jnp.sqrt(1 / (9 * d))  # a root below a bar is slow
    return y, ((bits >> 1).astype(jnp.int32) & (2**spare - 1)).astype(d.dtype)


def _at_once(bits, d):
    """Y where it is sure to be kept, else NaN."""
    y, number = _candidate(bits, d)
    least = 1 - (number + 1) * 2.0 ** -SPARE[d.dtype.name]
    sure = least * (1 + jnp.minimum(y, 0.0)) > 0.75 * d * jnp.square(jnp.square(y))
    return jnp.where((y > -1) & sure, y, jnp.nan)


def _tried(key, bits, d):
    """Y where it is kept, else NaN."""
    y, number = _candidate(bits, d)
    u = (number + jax.random.uniform(key, d.shape, d.dtype)) * 2.0 ** -SPARE[d.dtype.name]
    near, some = jnp.abs(y) < NEAR, jnp.where(y > -1, y, 0.0)
    small = jnp.where(near, y, 0.0)
    series = polynomial(tuple((-1.0) ** k / (k + 4) for k in range(24)), small)
    gap = jnp.where(
        near,
        jnp.square(jnp.square(small)) * series,
        some * (1 + some * (some / 3 - 0.5)) - log_of_normal(1 + some),
    )
    return jnp.where((y > -1) & (log_of_normal(u) < -3 * d * gap), y, jnp.nan)


def _draws(key, d):
    """The y of one variable for each entry of a vector d."""
    first, second = jax.random.split(key)
    bits = words(first, d.shape, d.dtype)

    def finished(turn, at, _):
        one, two = jax.random.split(jax.random.fold_in(second, turn))
        own = d[at]

        def afresh(turn, at, _):
            here, there = jax.random.split(jax.random.fold_in(two, turn))
            return _tried(here, words(there, at.shape, d.dtype), own[at])

        return settled(_tried(one, bits[at], own), jnp.isnan, afresh, FEW)

    return settled(_at_once(bits, d), jnp.isnan, finished, FEW)


@jax.custom_jvp
def _parts(key, shape):
    """A variable and its logarithm, but for a factor and its logarithm: one from shape one on."""
    first, second = jax.random.split(key)
    small = shape < 1
    d = jnp.where(small, shape + 1, shape) - 1 / 3
    root = 1 + _draws(first, d.ravel()).reshape(d.shape)

    def shrink():
        tiny = jnp.finfo(shape.dtype).tiny
        u = jax.random.uniform(second, shape.shape, shape.dtype, tiny, 1.0)
        return jnp.where(small, log_of_normal(u) / jnp.where(small, shape, 1.0), 0.0)

    log_factor = jax.lax.cond(jnp.any(small), shrink, lambda: jnp.zeros_like(shape))
    return d * root * root * root, log_factor


@_parts.defjvp
def _rule(primals, tangents):
    """The implicit derivative: along it the distribution function stands still."""
    key, shape = primals
    size, log_factor = _parts(key, shape)
    log = jnp.log(size) + log_factor
    tiny = log < -20.0
    x = jnp.exp(jnp.where(tiny, 0.0, log))
    usual = -along(rolled_side(True), 0)(shape, x) / (x * gammainc_dx(shape, x))
    # Of the first term of the series at zero, all there is.
    first = (digamma(shape + 1) - log) / shape
    change = jnp.where(tiny, first, usual) * tangents[1]
    return (size, log_factor), (size * change, jnp.zeros_like(log_factor))


def gamma_parts(key: PRNGKey, shape: Array) -> tuple[Array, Array]:
    """One gamma variable of rate one for each entry of an array of shapes, as x and log f of x f.

    Neither overflows nor underflows. Differentiable in the shape, by implicit reparameterisation
    (Figurnov, Mohamed and Mnih 2018).
    """
    return _parts(key, shape)


def log_gamma_draw(key: PRNGKey, shape: Array) -> Array:
    """The logarithm of such a variable."""
    size, log_factor = _parts(key, shape)
    return jnp.log(size) + log_factor
