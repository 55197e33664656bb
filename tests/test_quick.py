"""`verify.quick_check`: each coordinate of a gradient at one point; who is wrong, and where."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxmath import verify

RNG = np.random.default_rng(0)
ROWS, TARGETS = RNG.standard_normal((4, 63)), RNG.standard_normal((4, 156))
MANY = {"weights": RNG.standard_normal((63, 156)) / 8, "bias": RNG.standard_normal(156) / 8}
FEW = np.array([0.3, -1.2, 2.0])


def perceptron(params, rows, targets):
    """The mean squared error of one layer of tanh: 9,984 parameters."""
    fit = jnp.tanh(rows @ params["weights"] + params["bias"][None])
    return jnp.mean((fit - targets) ** 2)


def perceptron_gradient(params, rows, targets):
    fit = jnp.tanh(rows @ params["weights"] + params["bias"][None])
    error = 2 / targets.size * (fit - targets) * (1 - fit**2)
    return {"weights": rows.T @ error, "bias": jnp.sum(error, axis=0)}


def wrong_in_one_of_ten_thousand(params, rows, targets):
    found = perceptron_gradient(params, rows, targets)
    return {**found, "weights": found["weights"].at[40, 7].multiply(1 + 1e-3)}


def test_one_wrong_coordinate_of_ten_thousand_is_found_and_named():
    report = verify.quick_check(
        perceptron, MANY, ROWS, TARGETS, gradient=wrong_in_one_of_ten_thousand
    )
    row = report.row("params")
    assert (row.disagree, dict(row.blame)) == (1, {"closed form": 1})
    assert row.worst is not None
    assert row.worst.point == {"params['weights'][40, 7]": MANY["weights"][40, 7]}
    assert row.agree > 9900
    assert report.row("v").verdict == report.row("v", "params").verdict == "agree"


@pytest.mark.full
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_ten_thousand_right_coordinates_agree(dtype):
    params = jax.tree.map(lambda leaf: leaf.astype(dtype), MANY)
    report = verify.quick_check(perceptron, params, ROWS, TARGETS, gradient=perceptron_gradient)
    assert report.ok, str(report)
    assert report.row("params").agree > 9900
    assert report.row("v", "params").agree > 9900 * 16
    assert "numerical, not proven" in str(report)


def quartic(x, scale):
    return jnp.sum(scale * x**4) + x[0] * jnp.exp(x[1])


def test_a_few_coordinates_have_every_slope_and_curvature():
    report = verify.quick_check(quartic, FEW, 0.5)
    assert report.ok, str(report)
    first, second = report.rows
    assert first.agree == 3
    assert first.judged + first.kinks == 3
    hessian = second.data["forward over reverse"]
    np.testing.assert_allclose(np.diag(hessian)[2], 6 * FEW[2] ** 2, rtol=1e-14)
    assert second.agree + second.zeros == 9


def test_other_numbers_compile_nothing(monkeypatch):
    verify.quick_check(quartic, FEW, 0.5)
    traced = []
    monkeypatch.setattr(jnp, "exp", lambda x: traced.append(x))
    assert verify.quick_check(quartic, 2 * FEW, 0.25).ok
    assert not traced


@jax.custom_vjp
def wrongly_halved(x):
    return jnp.sum(jnp.sin(x))


wrongly_halved.defvjp(lambda x: (jnp.sum(jnp.sin(x)), x), lambda x, g: (g * jnp.cos(x) / 2,))


def test_a_wrong_rule_is_the_fault_of_reverse_mode():
    report = verify.quick_check(wrongly_halved, FEW, gradient=jnp.cos)
    assert dict(report.row("params").blame) == {"reverse mode": 3}


@jax.custom_jvp
def wrong_at_second_order(x):
    return jnp.sum(jnp.sin(x))


@wrong_at_second_order.defjvp
def _(primals, tangents):
    slope = jnp.cos(jax.lax.stop_gradient(primals[0]))
    return wrong_at_second_order(*primals), jnp.sum(slope * tangents[0])


def test_right_at_first_order_and_wrong_at_second():
    report = verify.quick_check(wrong_at_second_order, FEW)
    assert report.row("params").verdict == "agree"
    assert report.row("params", "params").blame == {"forward over reverse": 3}


def test_a_kink_is_not_judged_and_next_to_it_is():
    def loss(x):
        return jnp.sum(jax.nn.relu(x) ** 2) + jnp.sum(jax.nn.relu(x))

    report = verify.quick_check(loss, np.array([0.0, 1e-9, -1e-9, 1.5]))
    row = report.row("params")
    assert (row.kinks, row.disagree) == (3, 0)
    many = np.concatenate([[0.0, 1e-9, -1e-9], np.linspace(-2, 2, 60)])
    row = verify.quick_check(loss, many).row("params")
    assert (row.kinks, row.disagree) == (1, 0)


def test_a_slope_below_the_rounding_of_the_loss_is_undecided():
    def loss(x):
        return x[0] + 1e-14 * x[1]

    report = verify.quick_check(loss, np.array([1.0, 1.0]))
    row = report.row("params")
    assert (row.agree, row.undecided) == (1, 1)


def test_nan_is_never_right():
    def trap(x):
        return jnp.sum(jnp.where(x > 0, jnp.sqrt(x), 0.0))

    row = verify.quick_check(trap, np.array([1.0, -1.0])).row("params")
    assert row.disagree == 1
    assert dict(row.blame) == {"reverse mode": 1}


@pytest.mark.parametrize(
    ("function", "params", "words"),
    [
        (jnp.sin, FEW, r"the function returns float64\[3\]"),
        (jnp.sum, np.arange(3), r"must be floating arrays, and is int64\[3\]"),
        (jnp.sum, {}, "and is nothing"),
    ],
)
def test_what_cannot_be_checked_is_said(function, params, words):
    with pytest.raises(ValueError, match=words):
        verify.quick_check(function, params)


def test_a_closed_form_of_another_shape_is_said():
    with pytest.raises(ValueError, match=r"shapes \[\(\)\]"):
        verify.quick_check(jnp.sum, FEW, gradient=lambda x: x[0])
