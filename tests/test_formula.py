"""The record of a formula, and functions bound to their own derivatives."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxmath.domains import BINARY, POSITIVE, REAL, Box
from jaxmath.formula import Bounded, Convex, Formula, Source, with_rule


def scaled_square(x, scale, label):
    return scale * x**2 * label


def make(**changes):
    fields = dict(
        fn=scaled_square,
        domain=dict(x=REAL, scale=POSITIVE, label=BINARY),
        tex="",
        source=Source("huber1964robust"),
        topic="O8",
        partials=dict(
            x=lambda x, scale, label: 2 * scale * x * label,
            scale=lambda x, scale, label: x**2 * label,
        ),
    )
    return Formula(**(fields | changes))


def test_names_and_what_can_be_differentiated():
    formula = make()
    assert formula.name == "scaled_square"
    assert formula.arguments == ("x", "scale", "label")
    assert formula.differentiable == ("x", "scale")
    assert make(label="square.scaled").name == "square.scaled"
    assert make(domain=dict(x=[REAL, BINARY]), partials={}).differentiable == ()


def test_a_record_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        make().topic = "O9"  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (dict(domain=dict(scale=POSITIVE, x=REAL)), "in their order"),
        (dict(domain=dict(x=REAL, y=REAL)), "in their order"),
        (dict(partials=dict(label=lambda *a: a[0])), "derivative in 'label'"),
        (dict(partials=dict(y=lambda *a: a[0])), "derivative in 'y'"),
        (dict(seconds={("x", "label"): lambda *a: a[0]}), "derivative in 'label'"),
        (dict(facts=(Convex("y"),)), "names no argument: 'y'"),
    ],
)
def test_a_record_that_contradicts_itself_is_refused(changes, words):
    with pytest.raises(ValueError, match=words):
        make(**changes)


def test_facts_have_names_of_the_field():
    assert Convex("x").name == "convex"
    assert Bounded("x", 0.0, 1.0).name == "bounded"


def _product(x, y, label=1.0):
    """Times."""
    return x * y * label


product = with_rule(
    _product,
    x=lambda x, y, label: 10 * y * label * jnp.ones_like(x),
    y=lambda x, y, label: 100 * x * label * jnp.ones_like(y),
)


def test_a_bound_function_is_differentiated_by_its_rule_in_every_mode():
    x, y = 2.0, 3.0
    assert product(x, y) == 6.0
    assert jax.grad(product)(x, y) == 30.0
    assert jax.grad(product, 1)(x, y) == 200.0
    assert jax.jacfwd(product)(x, y) == 30.0
    assert jax.jit(jax.grad(product))(x, y) == 30.0
    assert jax.grad(jax.grad(product), 1)(x, y) == 10.0
    np.testing.assert_array_equal(
        jax.vmap(jax.grad(product), (0, None))(jnp.arange(3.0), y), [30.0, 30.0, 30.0]
    )
    assert jax.grad(_product)(x, y) == 3.0


def test_a_bound_function_takes_keywords_and_defaults():
    assert product(y=3.0, x=2.0) == 6.0
    assert product(2.0, 3.0, label=2.0) == 12.0
    assert jax.grad(lambda x: product(x, y=3.0, label=2.0))(2.0) == 60.0


def test_a_bound_function_keeps_its_name_without_underscore():
    assert product.__name__ == "product"
    assert product.__doc__ == "Times."


def test_a_label_has_no_derivative():
    assert jax.grad(product, 2)(2.0, 3.0, 1.0) == 0.0


def test_rules_for_scalars_of_arrays_and_elementwise():
    def _norm(v):
        return jnp.sum(v**2)

    norm = with_rule(_norm, v=lambda v: 3 * v)
    v = jnp.array([1.0, -2.0])
    np.testing.assert_array_equal(jax.grad(norm)(v), 3 * v)
    np.testing.assert_array_equal(jax.jacfwd(norm)(v), 3 * v)

    def _square(v):
        return v**2

    square = with_rule(_square, v=lambda v: 5 * v)
    np.testing.assert_array_equal(jax.jacfwd(square)(v), jnp.diag(5 * v))
    np.testing.assert_array_equal(jax.jacrev(square)(v), jnp.diag(5 * v))


def test_a_number_takes_the_dtype_of_the_arrays_beside_it():
    x = np.float32([1.0, 2.0])
    assert product(x, 0.1, 1.0).dtype == np.float32
    assert product(y=0.1, x=x, label=1.0).dtype == np.float32
    assert product(0.1, 0.2, 1.0).dtype == np.float64
    with pytest.raises(TypeError):
        product(x, 0.1, 1.0, 3.0)


def test_a_rule_for_an_unknown_argument_is_refused():
    with pytest.raises(ValueError, match="no argument z"):
        with_rule(_product, z=lambda x, y: x)


def test_a_pytree_of_domains_stands_for_a_pytree_of_arguments():
    formula = make(
        fn=lambda params, x: params["w"] @ x + params["b"],
        domain=dict(params=dict(w=Box((2,)), b=REAL), x=Box((2,))),
        partials={},
        label="line",
    )
    assert formula.differentiable == ("params", "x")
