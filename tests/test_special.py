"""Activations and the softmax family against 50 digits, over the whole range of both dtypes."""

import jax
import jax.numpy as jnp
import jaxtyping
import mpmath as mp
import numpy as np
import pytest

from jaxmath import special
from tests.accuracy import points, routes, vectors, worst
from tests.truths import (
    below,
    complement,
    covariance,
    density,
    log_softmax,
    log_softmax_jacobian,
    logsumexp,
    sech,
    sigmoid,
    sigmoid_dx,
    softmax,
    softplus,
)

DTYPES = (np.float32, np.float64)

TRUTHS = {
    "sigmoid": (sigmoid, sigmoid_dx, lambda x: -sigmoid_dx(x) * mp.tanh(x / 2)),
    "tanh": (mp.tanh, lambda x: sech(x) ** 2, lambda x: -2 * sech(x) ** 2 * mp.tanh(x)),
    "softplus": (softplus, sigmoid, sigmoid_dx),
    "log_sigmoid": (lambda x: -softplus(-x), lambda x: sigmoid(-x), lambda x: -sigmoid_dx(x)),
    "gelu": (
        lambda x: x * below(x),
        lambda x: below(x) + x * density(x),
        lambda x: density(x) * (2 - x * x),
    ),
    "relu": (lambda x: max(x, mp.mpf(0)), lambda x: mp.mpf(x > 0), lambda x: mp.mpf(0)),
}
FORMULAS = {formula.name: formula for formula in special.SPECIAL}

# In ulp of the result, on a CPU: value, slope, curvature; float32, then float64.
BARS = {
    "sigmoid": ((2, 3, 6), (2, 4, 7)),
    "tanh": ((4, 5, 6), (8, 5, 7)),  # the value is XLA's own
    "softplus": ((3, 2, 3), (3, 2, 4)),
    "log_sigmoid": ((3, 2, 3), (3, 2, 4)),
    "gelu": ((5, 4, 5), (5, 5, 4)),  # the slope conditioned: it crosses zero at -0.7518
    "relu": ((0, 0, 0), (0, 0, 0)),
}


@pytest.mark.parametrize("name", TRUTHS)
def test_the_truths_are_derivatives_of_each_other(name):
    value, slope, curvature = TRUTHS[name]
    for x in map(mp.mpf, (-7.25, -1.5, -0.3, 0.2, 1.75, 6.5)):
        assert mp.almosteq(mp.diff(value, x), slope(x), 1e-20)
        assert mp.almosteq(mp.diff(slope, x), curvature(x), 1e-20, 1e-20)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", TRUTHS)
def test_elementwise_accuracy(name, dtype):
    x = points(dtype)
    answers = routes(FORMULAS[name])(x)
    orders = ((), ("x",), ("x", "x"))
    bars = BARS[name][DTYPES.index(dtype)]
    for order, truth, bar in zip(orders, TRUTHS[name], bars, strict=True):
        error, where = worst(answers[order], truth, (x,), name == "gelu" and len(order) == 1)
        assert error <= bar, (order, where)


@pytest.mark.parametrize(
    ("name", "third"),
    [
        ("sigmoid", lambda x: sigmoid_dx(x) * (mp.tanh(x / 2) ** 2 - sech(x / 2) ** 2 / 2)),
        ("tanh", lambda x: sech(x) ** 2 * (4 * mp.tanh(x) ** 2 - 2 * sech(x) ** 2)),
        ("gelu", lambda x: density(x) * x * (x * x - 4)),
    ],
)
def test_the_curvature_can_be_differentiated_again(name, third):
    assert mp.almosteq(mp.diff(TRUTHS[name][2], mp.mpf(0.7)), third(mp.mpf(0.7)), 1e-20)
    x = np.concatenate([np.linspace(-30, 30, 61), [1e-8, -1e-8, 1e-3]])
    answer = jax.jit(jax.vmap(jax.grad(FORMULAS[name].seconds["x", "x"])))(x)
    error, where = worst([answer], third, (x,), conditioned=True)
    assert error <= 8, where


@pytest.mark.parametrize(
    ("name", "values", "slopes", "curvatures"),
    [
        ("sigmoid", [0, 1], [0, 0], [0, 0]),
        ("tanh", [-1, 1], [0, 0], [0, 0]),
        ("relu", [0, np.inf], [0, 1], [0, 0]),
        ("softplus", [0, np.inf], [0, 1], [0, 0]),
        ("gelu", [0, np.inf], [0, 1], [0, 0]),
        ("log_sigmoid", [-np.inf, 0], [1, 0], [0, 0]),
    ],
)
def test_limits_and_nan(name, values, slopes, curvatures):
    fn = FORMULAS[name].fn
    orders = jax.jit(jax.vmap(lambda x: (fn(x), jax.grad(fn)(x), jax.grad(jax.grad(fn))(x))))
    found = [order.tolist() for order in orders(np.array([-np.inf, np.inf, np.nan]))]
    assert [order[:2] for order in found] == [values, slopes, curvatures]
    # The curvature of relu does not depend on the argument.
    assert np.isnan([order[2] for order in found]).tolist() == [True, True, name != "relu"]


@pytest.mark.parametrize("name", TRUTHS)
def test_eager_evaluation_of_one_number_agrees_with_the_batch(name):
    formula = FORMULAS[name]
    x = np.array([-30.0, -1.25, 0.5, 7.0])
    answers = routes(formula)(x)
    for i, number in enumerate(x):
        np.testing.assert_allclose(formula.fn(number), answers[()][0][i], rtol=1e-15)
        np.testing.assert_allclose(jax.grad(formula.fn)(number), answers["x",][0][i], rtol=1e-15)


@pytest.mark.parametrize("name", TRUTHS)
def test_half_precision_stays_half_precision(name):
    fn = FORMULAS[name].fn
    for dtype in (jnp.float16, jnp.bfloat16):
        x = jnp.array([-20, -1, 0, 0.5, 20], dtype)
        values, slopes = jax.jit(jax.vmap(jax.value_and_grad(fn)))(x)
        assert values.dtype == slopes.dtype == dtype
        assert np.all(np.isfinite(np.float64(values)) & np.isfinite(np.float64(slopes)))


@pytest.mark.parametrize("name", TRUTHS)
def test_whole_numbers_are_real_numbers(name, monkeypatch):
    # Under pytest the annotations refuse them; users do not have that.
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    fn = FORMULAS[name].fn
    assert fn(2) == fn(2.0)
    assert jnp.issubdtype(fn(jnp.arange(3)).dtype, jnp.floating)
    with pytest.raises(TypeError, match="grad requires real"):
        jax.grad(fn)(2)


def test_relu_has_slope_zero_at_zero():
    assert jax.grad(special.relu)(0.0) == 0.0
    assert jax.jvp(special.relu, (0.0,), (1.0,))[1] == 0.0


VECTOR_BARS = {np.float32: (2, 3, 4), np.float64: (2, 3, 4)}


@pytest.mark.parametrize("dtype", DTYPES)
def test_logsumexp_accuracy(dtype):
    z = vectors(dtype)
    answers = routes(special.LOGSUMEXP)(z)
    orders = ((), ("logits",), ("logits", "logits"))
    truths = (logsumexp, softmax, covariance)
    for order, truth, bar in zip(orders, truths, VECTOR_BARS[dtype], strict=True):
        error, where = worst(answers[order], truth, (z,), conditioned=True)
        assert error <= bar, (order, where)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("formula", "value", "jacobian"),
    [
        (special.SOFTMAX, softmax, covariance),
        (
            special.SOFTMAX_COMPLEMENT,
            complement,
            lambda z: [[-entry for entry in row] for row in covariance(z)],
        ),
        (special.LOG_SOFTMAX, log_softmax, log_softmax_jacobian),
    ],
    ids=["softmax", "complement", "log_softmax"],
)
def test_softmax_accuracy(formula, value, jacobian, dtype):
    z = vectors(dtype)

    def one(z):
        rows = jax.vmap(lambda unit: formula.vjp(z, unit)[0])(jnp.eye(z.size, dtype=z.dtype))
        return formula.fn(z), rows, jax.jacrev(formula.fn)(z), jax.jacfwd(formula.fn)(z)

    answer, *jacobians = jax.jit(jax.vmap(one))(z)
    error, where = worst([answer], value, (z,), conditioned=True)
    assert error <= 2, where
    error, where = worst(jacobians, jacobian, (z,), conditioned=True)
    assert error <= 4, where


def test_a_sure_class_keeps_the_digits_of_the_others():
    z = jnp.array([0.0, -40.0, -41.0])
    rest = float(mp.exp(-40) + mp.exp(-41))  # one minus the first probability, to 17 digits
    np.testing.assert_allclose(special.softmax_complement(z)[0], rest, rtol=1e-15)
    np.testing.assert_allclose(special.log_softmax(z)[0], -rest, rtol=1e-15)
    for mode in (jax.jacfwd, jax.jacrev):
        jacobian = [jax.jit(mode(fn))(z)[0, 0] for fn in (special.softmax, special.log_softmax)]
        np.testing.assert_allclose(jacobian, [rest, rest], rtol=1e-15)
        complement = jax.jit(mode(special.softmax_complement))(z)[0, 0]
        np.testing.assert_allclose(complement, -rest, rtol=1e-15)


def test_ties_share():
    z = jnp.array([3.0, 3.0, 3.0, 3.0])
    np.testing.assert_array_equal(special.softmax(z), 0.25)
    np.testing.assert_array_equal(special.softmax_complement(z), 0.75)
    np.testing.assert_allclose(special.logsumexp(z), 3 + np.log(4), rtol=1e-15)
    np.testing.assert_allclose(
        jax.jit(jax.hessian(special.logsumexp))(z), np.eye(4) / 4 - 1 / 16, rtol=1e-15
    )


def test_infinite_logits_are_impossible_and_sure_classes():
    masked = jnp.array([-jnp.inf, 1.0, 1.0])
    np.testing.assert_array_equal(special.softmax(masked), [0, 0.5, 0.5])
    np.testing.assert_array_equal(jax.grad(special.logsumexp)(masked), [0, 0.5, 0.5])
    assert jax.jacrev(special.softmax)(masked)[0].tolist() == [0, 0, 0]
    sure = jnp.array([jnp.inf, 1.0, 1.0])
    np.testing.assert_array_equal(special.softmax(sure), [1, 0, 0])
    assert special.logsumexp(sure) == jnp.inf
    assert special.logsumexp(jnp.full(3, -jnp.inf)) == -jnp.inf


@pytest.mark.parametrize("fn", [special.softmax, special.log_softmax, special.logsumexp])
def test_nan_in_one_logit_is_nan_everywhere(fn):
    z = jnp.array([1.0, jnp.nan, 2.0])
    assert jnp.all(jnp.isnan(fn(z)))
    assert jnp.all(jnp.isnan(jax.jit(jax.jacrev(fn))(z)))


def test_one_class_is_sure():
    z = jnp.array([7.0])
    assert special.softmax(z).tolist() == [1]
    assert special.log_softmax(z).tolist() == [0]
    assert special.logsumexp(z) == 7


@pytest.mark.parametrize("fn", [special.softmax, special.log_softmax, special.logsumexp])
def test_a_batch_is_refused_with_the_way_out(fn, monkeypatch):
    # Under pytest the shapes in the annotations are checked first; users do not have that.
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    with pytest.raises(ValueError, match=r"shape \(2, 3\).*jax\.vmap"):
        fn(jnp.zeros((2, 3)))
