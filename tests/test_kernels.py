"""The bare calls of a program, which benchmarks compare its time with."""

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.kernels import calls, kernel
from jaxmath.special.loops import if_any

X = np.linspace(0.1, 0.9, 100)


def names(fn, *args):
    return [primitive.name for primitive, _, _ in calls(fn, *args)]


def test_what_is_called():
    """Once what is the same, in functions of functions; nothing for numbers, or if unused."""

    @jax.jit
    def inner(x, scale):
        return jnp.log(x) + jnp.exp(scale), jnp.tanh(x)

    def fn(x, scale):
        return inner(x, scale)[0] + jnp.log(x) + jnp.log(2 * x) + jnp.arctan2(x, scale)

    assert names(fn, X, 2.0) == ["log", "log", "atan2"]
    assert names(fn, X, X) == ["log", "exp", "log", "atan2"]


def test_what_a_gradient_calls():
    """Without the value that nobody asked for, nor what is behind a branch."""

    def fn(x):
        return jnp.sum(jnp.sin(x) + if_any(x > 2, jnp.exp, x))

    assert names(fn, X) == ["sin"]
    assert names(jax.grad(fn), X) == ["cos"]


def test_a_kernel_has_the_shapes_of_its_function():
    """And makes its calls, of every array: counts as well."""

    def fn(x, count, scale):
        return jnp.log(x) + jnp.log1p(count * scale), jnp.sum(x)

    given = X, np.arange(100), 2.0
    found = kernel(fn, *given)(*given)
    assert [each.shape for each in found] == [(100,), ()]
    expected = X + np.arange(100) + np.log(X) + np.log1p(np.arange(100) * (1 + 1 / 64))
    np.testing.assert_allclose(found[0], expected, rtol=1e-13)
