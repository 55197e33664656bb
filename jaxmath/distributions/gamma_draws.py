r"""Logarithms of gamma variables, many at once: Marsaglia and Tsang's method (2000).

A normal variable x makes the candidate $d (1 + x / \sqrt{9 d})^3$, $d = a - \tfrac13$, which is
kept in more than 95 of 100 cases. All are tried at once; those that are not kept are packed
together and tried again, so that no entry waits for the slowest. Below a = 1 a variable of shape
a + 1 times $u^{1 / a}$, u uniform, serves; its logarithm is known where it underflows itself.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array

from jaxmath.special.gamma import digamma
from jaxmath.special.incomplete_gamma import gammainc_dx, rolled_side
from jaxmath.special.normal_tail import ndtri
from jaxmath.special.partials import along
from jaxmath.typing import PRNGKey

SPARE = 8
"""One in so many is tried again at once; more take turns."""


def _candidates(key, d):
    """The cube roots of candidates over d, and which are kept."""
    normal, uniform = jax.random.split(key)
    tiny = jnp.finfo(d.dtype).tiny
    x = ndtri(jax.random.uniform(normal, d.shape, d.dtype, tiny, 1.0))
    root = 1 + x / (3 * jnp.sqrt(d))
    u = jax.random.uniform(uniform, d.shape, d.dtype, tiny, 1.0)
    some = jnp.where(root > 0, root, 1.0)
    bound = jnp.square(x) / 2 + d * (1 - some * jnp.square(some) + 3 * jnp.log(some))
    return some, (root > 0) & (jnp.log(u) < bound)


def _draws(key, d):
    """One for each entry of a vector d."""
    first, again = jax.random.split(key)
    roots, kept = _candidates(first, d)
    few = max(d.size // SPARE, min(d.size, 8))

    def retry(state):
        roots, kept, key = state
        now, key = jax.random.split(key)
        places = jnp.nonzero(~kept, size=few, fill_value=d.size)[0]
        there = jnp.minimum(places, d.size - 1)
        new, good = _candidates(now, d[there])
        places = jnp.where(good, places, d.size)
        return roots.at[places].set(new, mode="drop"), kept.at[places].set(True, mode="drop"), key

    return jax.lax.while_loop(lambda s: ~jnp.all(s[1]), retry, (roots, kept, again))[0]


@jax.custom_jvp
def _log_draw(key, shape):
    first, second = jax.random.split(key)
    small = shape < 1
    d = jnp.where(small, shape + 1, shape) - 1 / 3
    roots = _draws(first, d.ravel()).reshape(d.shape)

    def shrink():
        tiny = jnp.finfo(shape.dtype).tiny
        u = jax.random.uniform(second, shape.shape, shape.dtype, tiny, 1.0)
        return jnp.where(small, jnp.log(u) / jnp.where(small, shape, 1.0), 0.0)

    log = jnp.log(d) + 3 * jnp.log(roots)
    return log + jax.lax.cond(jnp.any(small), shrink, lambda: jnp.zeros_like(shape))


@_log_draw.defjvp
def _rule(primals, tangents):
    """The implicit derivative: along it the distribution function stands still."""
    key, shape = primals
    log = _log_draw(key, shape)
    tiny = log < -20.0
    x = jnp.exp(jnp.where(tiny, 0.0, log))
    usual = -along(rolled_side(True), 0)(shape, x) / (x * gammainc_dx(shape, x))
    # Of the first term of the series at zero, all there is.
    first = (digamma(shape + 1) - log) / shape
    return log, jnp.where(tiny, first, usual) * tangents[1]


def log_gamma_draw(key: PRNGKey, shape: Array) -> Array:
    """The logarithm of one gamma variable for each entry of an array of shapes, with rate one.

    Differentiable in the shape, by implicit reparameterisation (Figurnov, Mohamed and Mnih 2018).
    """
    return _log_draw(key, shape)
