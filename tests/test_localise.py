"""The equation that an error comes from, with its line."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

pytest.importorskip("flint")

from jaxmath.exact import trace
from jaxmath.verify.localise import localise


def softplus(x):
    return jnp.log(1 + jnp.exp(x))


def cancelling(x):
    near_one = jnp.cos(x)
    return (1 - near_one) / x**2


def loop(x):
    def body(total, k):
        return total + jnp.exp(-k * x), None

    large = jnp.full_like(x, 1e16)
    return jax.lax.scan(body, large, jnp.arange(4.0))[0] - large


def trapped(x):
    return jnp.where(x > 0, jnp.sqrt(x), 0.0)


def overflow(x):
    big = jnp.exp(x)
    return 1 / (1 + big) + jnp.tanh(big / (1 + big))


def culprit(fn, *args, place=0):
    with jax.enable_x64(True):
        return localise(trace(fn, *args), args, place, fn)


def test_a_sum_that_loses_its_small_term_is_named_and_not_what_follows():
    found = culprit(softplus, np.float64(-40))
    assert found.primitive == "add"
    assert found.line.text == "return jnp.log(1 + jnp.exp(x))"
    assert found.computed == 1.0
    assert found.exact.startswith("1.00000000000000000")
    assert not found.derivative
    assert str(found) == (
        f"{found.line.place}: return jnp.log(1 + jnp.exp(x)): "
        "`add` gives 1.0, exactly 1.0000000000000000042"
    )


def test_the_rounding_that_a_difference_reveals_is_named():
    found = culprit(cancelling, np.float64(1e-9))
    assert found.primitive == "cos"
    assert found.line.text == "near_one = jnp.cos(x)"
    assert found.share > 0.99


def test_an_equation_in_a_loop_bears_the_errors_of_all_its_turns():
    found = culprit(loop, np.float64(0.3))
    assert found.primitive == "add"
    assert found.line.text == "return total + jnp.exp(-k * x), None"


def test_of_numbers_too_large_the_first_that_spoils_the_result_is_named():
    found = culprit(overflow, np.float64(800))
    assert found.primitive == "exp"
    assert found.computed == np.inf
    assert found.line.text == "big = jnp.exp(x)"


def test_what_does_no_harm_is_not_named():
    assert culprit(lambda x: 1 / (1 + jnp.exp(x)), np.float64(2.0)) is not None
    found = culprit(lambda x: 1 / (1 + jnp.exp(x)), np.float64(800))
    assert found is None or np.isfinite(found.computed)
    assert culprit(lambda x: 2 * x, np.float64(3.0)) is None


def test_in_a_derivative_the_line_is_that_of_the_function():
    found = culprit(jax.grad(trapped), np.float64(0))
    assert found.derivative
    assert found.primitive == "div"
    assert found.line.text == "return jnp.where(x > 0, jnp.sqrt(x), 0.0)"


def test_a_function_of_jax_is_named_where_no_line_is_the_users():
    found = culprit(jax.grad(jax.nn.sigmoid), np.float64(40))
    assert found.primitive == "logistic"
    assert "sigmoid" in str(found)
