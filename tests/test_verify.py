"""`verify.derivatives` on functions as people write them: who is wrong, where, in what words."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxmath import verify
from jaxmath.domains import POSITIVE, REAL, Box, Interval
from jaxmath.formula import Formula, Source
from jaxmath.verify.evidence import conditioning
from jaxmath.verify.flat import layout


def test_a_right_function_is_right_in_plain_words():
    report = verify.derivatives(lambda x: jnp.sin(x) * x, domain=dict(x=REAL))
    assert report.ok
    assert report.verdict == "agree"
    first, second, *_ = str(report).splitlines()
    assert "x in (-∞, ∞), float64" in first
    assert "equal each other, to 15 digits" in second
    assert report.row("x").agree > 100


def test_the_assumed_domain_is_where_the_value_is_finite():
    report = verify.derivatives(lambda x: jnp.log(x))
    assert report.assumed
    assert "assumed: the reals where the value is finite" in str(report).splitlines()[0]
    assert report.ok
    assert (report.row("x").data["x"] > 0).all()


def test_arguments_with_a_default_keep_it():
    def power(x, exponent=3.0):
        return x**exponent

    report = verify.derivatives(power, domain=dict(x=POSITIVE))
    assert [row.arguments for row in report.rows] == [("x",), ("x", "x")]


@jax.custom_jvp
def wrong_by_a_millionth(x):
    return jnp.sin(x)


@wrong_by_a_millionth.defjvp
def _(primals, tangents):
    return jnp.sin(primals[0]), jnp.cos(primals[0]) * tangents[0] * (1 + 1e-6)


def test_a_custom_rule_that_is_wrong_by_a_millionth():
    report = verify.derivatives(wrong_by_a_millionth, domain=dict(x=REAL), seconds=False)
    row = report.row("x")
    assert row.verdict == "disagree"
    assert set(row.blame) == {"reverse mode", "forward mode"}
    assert row.disagree > 0.3 * len(row.data["x"])
    with pytest.raises(AssertionError, match=r"d/dx by forward mode, reverse mode"):
        verify.assert_derivatives(wrong_by_a_millionth, domain=dict(x=REAL), quick=True)


def test_a_where_trap_is_found_at_its_edge():
    def trap(x):
        return jnp.where(x > 0, jnp.sqrt(x), 0.0)

    row = verify.derivatives(trap, domain=dict(x=REAL)).row("x")
    assert row.verdict == "disagree"
    nan = np.isnan(row.data["reverse mode"])
    assert nan.any()
    assert (row.data["x"][nan] <= 0).all()
    assert (row.data["verdict"][nan & (row.data["x"] < 0)] == 1).all()


def test_nan_equals_nothing():
    points = dict(x=np.array([-1.0, -2.0]))
    report = verify.derivatives(jnp.sqrt, domain=dict(x=REAL), points=points, seconds=False)
    assert not report.ok
    assert report.row("x").disagree == 2


def test_a_vanished_derivative_is_not_green():
    report = verify.derivatives(
        jax.nn.sigmoid,
        domain=dict(x=REAL),
        points=dict(x=np.array([40.0, 45.0])),
        seconds=False,
    )
    assert report.row("x").blame == {"reverse mode": 2, "forward mode": 2}


def test_a_kink_is_no_fault():
    report = verify.derivatives(jax.nn.relu, domain=dict(x=REAL), points=dict(x=np.zeros(1)))
    assert report.row("x").kinks == 1
    assert report.row("x").disagree == 0


def test_the_lost_digits_of_the_naive_form_are_blamed_on_jax():
    def log_cosh(x):
        return jnp.log(jnp.cosh(x))

    formula = Formula(
        fn=log_cosh,
        domain=dict(x=REAL),
        partials=dict(x=jnp.tanh),
        tex="",
        source=Source(""),
        topic="",
    )
    points = dict(x=np.array([-600.0, 300.0, 1.5, 710.5]))
    row = verify.derivatives(formula, points=points, seconds=False).row("x")
    assert row.verdict == "disagree"
    assert "closed form" not in row.blame
    assert (row.data["verdict"][:3] == 0).all()


def test_float32_is_judged_by_float64():
    report = verify.derivatives(lambda x: jnp.tanh(x), domain=dict(x=REAL), dtype="float32")
    row = report.row("x")
    # JAX forms 1 - tanh²: in float32 nothing of it is left from 9.1 on.
    assert row.verdict == "disagree"
    assert (np.abs(row.data["x"][row.data["verdict"] == 1]) > 1).all()
    assert set(row.blame) == {"reverse mode", "forward mode"}


@pytest.mark.full
def test_arrays_and_pytrees_and_several_arguments():
    def risk(params, x):
        return jnp.sum(jnp.exp(params["weight"] @ x + params["bias"]))

    some = Interval(-10.0, 10.0)
    domain = dict(params=dict(weight=Box((2, 3), some), bias=Box((2,), some)), x=Box((3,), some))
    report = verify.derivatives(risk, domain=domain, points=64)
    assert report.ok, report
    assert [row.arguments for row in report.rows] == [
        ("params",),
        ("x",),
        ("params", "params"),
        ("params", "x"),
        ("x", "x"),
    ]
    only = verify.derivatives(risk, domain=domain, wrt="x", points=64)
    assert [row.arguments for row in only.rows] == [("x",), ("x", "x")]


def test_a_report_is_plain_data():
    report = verify.derivatives(lambda x: x**2, domain=dict(x=REAL))
    again = json.loads(json.dumps(report.to_dict()))
    assert again["verdict"] == report.verdict
    assert again["rows"][0]["arguments"] == ["x"]


def test_another_reference_can_judge():
    class Everywhere:
        """Claims to know that every derivative is one."""

        name = "one, proven"

        def __call__(self, formula, args, wrt=None, seconds=True):
            first, _ = verify.numerical(formula, args, wrt, False)
            ones = np.ones_like(first.value)
            zero = np.zeros_like(first.value)
            return verify.Estimate(ones, zero, ones, zero, ones, zero), None

    report = verify.derivatives(
        lambda x: 2 * x, domain=dict(x=REAL), seconds=False, reference=Everywhere()
    )
    assert report.row("x").verdict == "disagree"
    assert "one, proven" in str(report)


def test_what_cannot_be_done_says_so():
    with pytest.raises(ValueError, match="without a default"):
        verify.derivatives(lambda: 1.0)
    with pytest.raises(ValueError, match="nothing to differentiate"):
        verify.derivatives(lambda x: x, domain=dict(x=REAL), wrt="y")


def test_conditioning_may_be_beyond_float64():
    """What is not counted there would make an error of an explained size a wrong answer."""
    if np.finfo(np.longdouble).max == np.finfo(np.float64).max:
        pytest.skip("this machine has no wider numbers")
    steep = Formula(
        fn=lambda x: jnp.exp(1000 * x),
        domain=dict(x=Interval(-1.0, 1.0)),
        partials=dict(x=lambda x: 1000 * jnp.exp(1000 * x)),
        tex="",
        source=Source("huber1964robust"),
        topic="O8",
        label="steep",
    )
    lay = layout(steep, None)
    theta, fixed = lay.flatten(dict(x=np.array([0.7])))
    change, _ = conditioning(steep, lay, theta, fixed, False)
    np.testing.assert_allclose(np.log10(change).ravel(), 3 + np.log10(700) + 700 / np.log(10), 1e-5)
