"""Rules that are not the derivative of their function: which, in what argument, and how."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

pytest.importorskip("flint")

from jaxmath.exact import trace
from jaxmath.verify.suspects import suspects


@jax.custom_vjp
def swapped(x, y):
    return jnp.sin(x) * y


def swapped_bwd(kept, g):
    x, y = kept
    return (g * jnp.sin(x), g * jnp.cos(x) * y)


swapped.defvjp(lambda x, y: (swapped(x, y), (x, y)), swapped_bwd)


@jax.custom_jvp
def doubled(x):
    return jnp.sin(x)


@doubled.defjvp
def doubled_jvp(primals, tangents):
    return doubled(*primals), 2 * tangents[0] * jnp.cos(primals[0])


@jax.custom_jvp
def signed(x, y):
    return jnp.sin(x) * y


signed.defjvps(
    lambda t, ans, x, y: t * jnp.cos(x) * y,
    lambda t, ans, x, y: -t * jnp.sin(x),
)


def mean_square(params, x):
    return jnp.mean((x @ params["w"] + params["b"]) ** 2)


@jax.custom_vjp
def loss(params, x):
    return mean_square(params, x)


def loss_bwd(kept, g):
    params, x = kept
    residual = x @ params["w"] + params["b"]
    slopes = {"w": 2 * x.T @ residual * g, "b": 2 * jnp.mean(residual) * g}
    return slopes, jax.grad(mean_square, 1)(params, x) * g


loss.defvjp(lambda params, x: (mean_square(params, x), (params, x)), loss_bwd)


@jax.custom_jvp
def right(x):
    return jnp.log1p(jnp.exp(x))


right.defjvps(lambda t, ans, x: t * jax.nn.sigmoid(x))


def found(fn, *args):
    with jax.enable_x64(True):
        return suspects(trace(fn, *args), args)


X, Y = np.float64(0.3), np.float64(1.7)
PARAMS = {"w": np.array([0.5, -1.0]), "b": np.float64(0.2)}
ROWS = np.array([[1.0, 2.0], [0.5, -1.0], [2.0, 0.3]])


def test_swapped_arguments_are_recognised():
    y, x = found(swapped, X, Y)
    assert (y.argument, y.pattern) == ("y", "the derivative with respect to x")
    assert (x.argument, x.pattern) == ("x", "the derivative with respect to y")
    assert y.returned == "g * jnp.cos(x) * y"
    assert (y.said, y.truth) == (pytest.approx(np.cos(X) * Y), pytest.approx(np.sin(X)))
    assert str(y).endswith(
        "the rule swapped_bwd of swapped gives for y the derivative with respect to x: "
        "1.62407, truth 0.29552; what it returns there is `g * jnp.cos(x) * y`"
    )


def test_a_factor_and_a_sign_are_recognised():
    (two,) = found(doubled, X)
    assert (two.rule, two.pattern) == ("doubled_jvp", "2 times the derivative")
    (minus,) = found(signed, X, Y)
    assert (minus.argument, minus.pattern) == ("y", "the derivative with the wrong sign")
    assert minus.line.file == __file__


def test_a_gradient_of_parameters_names_the_leaf():
    (w,) = found(loss, PARAMS, ROWS)
    assert (w.argument, w.pattern) == ("params['w']", "3 times the derivative")
    assert w.returned == "slopes"


def test_the_rule_is_found_inside_a_larger_program():
    def whole(x):
        return right(x) + jax.jit(doubled)(x**2)

    (one,) = found(whole, X)
    assert one.function == "doubled"
    assert one.truth == pytest.approx(np.cos(X**2))


def test_right_rules_are_not_suspected():
    assert found(right, X) == ()
    assert found(jax.nn.relu, X) == ()
    assert found(jax.nn.softplus, X) == ()
