"""What other checkers pass although it is wrong, and where they raise false alarms."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax import lax

from jaxmath.domains import NONNEGATIVE, POSITIVE, REAL, Box, Interval
from jaxmath.verify import examine, probes
from jaxmath.verify.given import as_formula
from tests.marks import long_but

pytest.importorskip("flint")


@jax.custom_jvp
def wrong_by_a_millionth(x):
    return jnp.sin(x)


@wrong_by_a_millionth.defjvp
def _(primals, tangents):
    return jnp.sin(primals[0]), jnp.cos(primals[0]) * tangents[0] * (1 + 1e-6)


@jax.custom_jvp
def wrong_where_small(x):
    return 1e-9 * jnp.sin(x)


@wrong_where_small.defjvp
def _(primals, tangents):
    return wrong_where_small(primals[0]), -1e-9 * jnp.cos(primals[0]) * tangents[0]


@jax.custom_vjp
def wrong_across(x):
    return jnp.sum(x**2)


wrong_across.defvjp(
    lambda x: (jnp.sum(x**2), x),
    lambda x, c: (c * (2 * x + 1e-3 * jnp.array([x[1], -x[0]])),),
)


def trapped(x):
    return jnp.where(x > 0, jnp.sqrt(x), 0.0)


WRONG = {
    "sigmoid at 40": (jax.nn.sigmoid, dict(x=REAL), "float64", "vanished"),
    "tanh in float32": (jnp.tanh, dict(x=REAL), "float32", "vanished"),
    "a rule wrong by 1e-6": (wrong_by_a_millionth, dict(x=REAL), "float64", "wrong rule"),
    "a rule wrong where small": (wrong_where_small, dict(x=REAL), "float64", "wrong rule"),
    "an error across": (wrong_across, dict(x=Box((2,))), "float64", "wrong rule"),
    "a where-trap": (trapped, dict(x=REAL), "float64", "NaN or infinite"),
    "celu at -38": (lambda x: jax.nn.celu(x), dict(x=REAL), "float64", "vanished"),
    "log_cosh near 0": (
        optax.log_cosh, dict(predictions=REAL, targets=REAL), "float64", "inaccurate",
    ),
    "log of a tail": (
        lambda x: jax.scipy.stats.norm.logcdf(x), dict(x=REAL), "float64", "inaccurate",
    ),
    "betaln": (
        jax.scipy.special.betaln, dict(a=POSITIVE, b=POSITIVE), "float64", "approximation error",
    ),
    "stop_gradient": (
        lambda x: x * lax.stop_gradient(x), dict(x=REAL), "float64",
        "stop_gradient changes the derivative",
    ),
}  # fmt: skip


SLOW = {"betaln", "log_cosh near 0", "an error across", "log of a tail", "a rule wrong by 1e-6"}


@pytest.mark.parametrize("name", long_but(WRONG.keys() - SLOW, WRONG))
def test_what_is_wrong_is_told(name):
    function, domain, dtype, kind = WRONG[name]
    verdict = examine(function, domain=domain, dtype=dtype, budget=160)
    assert kind in {finding.kind for finding in verdict.faults}, str(verdict)
    assert not verdict.ok


RIGHT = {
    "relu at 0": (jax.nn.relu, dict(x=REAL), "float64"),
    "exp in float32": (lambda x: jnp.exp(x), dict(x=REAL), "float32"),
    "a cube in float16": (lambda x: x**3, dict(x=REAL), "float16"),
    "a cube in bfloat16": (lambda x: x**3, dict(x=REAL), "bfloat16"),
    "sqrt below 0": (lambda x: jnp.sqrt(x), dict(x=REAL), "float64"),
    "a floor": (lambda x: jnp.floor(x) + x, dict(x=REAL), "float64"),
    "sin": (lambda x: jnp.sin(x), dict(x=REAL), "float64"),
    "softplus": (jax.nn.softplus, dict(x=REAL), "float64"),
}


@pytest.mark.parametrize("name", RIGHT)
def test_what_is_right_raises_no_alarm(name):
    function, domain, dtype = RIGHT[name]
    verdict = examine(function, domain=domain, dtype=dtype, budget=160)
    assert verdict.ok, str(verdict)
    assert not verdict.faults


def test_kinks_and_jumps_are_told_with_their_convention():
    verdict = examine(jax.nn.relu, domain=dict(x=REAL), budget=100)
    kink = next(f for f in verdict.findings if f.kind == "kink")
    assert kink.point["x"] == 0
    assert "slopes 0 on the left, 1 on the right; convention: left" in kink.note
    verdict = examine(lambda x: jnp.floor(x), domain=dict(x=REAL), budget=100)
    assert any(f.kind == "jump" for f in verdict.findings)


def test_what_is_not_differentiated_is_rounded_all_the_same():
    domain = dict(x=Interval(1.0, 2.0), a=Interval(1e5, 1e6))
    verdict = examine(lambda x, a: x * jnp.sin(3.1 * a), domain=domain, wrt="x", budget=40)
    assert verdict.ok, str(verdict)


def test_nan_equals_nothing():
    # Below 0 the truth is NaN as well; the slope of what is NaN is judged by nobody and not green.
    points = dict(x=np.array([-1.0]))
    verdict = examine(jnp.sqrt, domain=dict(x=REAL), points=points, budget=40)
    assert verdict.counts["boundary"] > 0


def test_a_declared_stop_gradient_is_no_fault():
    verdict = examine(
        lambda x: x * lax.stop_gradient(x), domain=dict(x=REAL), stop_gradients=True, budget=100
    )
    assert verdict.ok, str(verdict)


def test_the_dtype_is_blamed_where_float64_is_right():
    verdict = examine(jnp.tanh, domain=dict(x=REAL), dtype="float32", budget=100)
    assert all(f.dtype_alone for f in verdict.faults if f.kind == "vanished")


def test_a_derivative_that_is_not_offered_stands_beside_the_truth():
    domain = dict(a=POSITIVE)
    verdict = examine(lambda a: jax.scipy.special.betainc(a, 2.0, 0.5), domain=domain, budget=8)
    missing = next(f for f in verdict.faults if f.kind == "not available")
    assert missing.argument == "a"
    assert "not supported" in missing.note
    assert missing.truth.startswith("[")


def test_one_seed_gives_one_verdict():
    one, two = (examine(jnp.tanh, domain=dict(x=REAL), budget=60, seed=3) for _ in range(2))
    assert one.to_dict() == two.to_dict()


@pytest.mark.parametrize("seed", range(4))
def test_several_arguments_are_looked_at_where_all_are_special(seed):
    domain = dict(x=NONNEGATIVE, shape=POSITIVE)
    formula, _ = as_formula(lambda x, shape: x * shape, domain)
    points = probes.candidates(formula, np.dtype("float64"), 768, seed)
    for x, shape in ((0, 1), (0, 2), (1, 1), (1, 2)):
        assert ((points["x"] == x) & (points["shape"] == shape)).any()


@pytest.mark.parametrize("function", [jax.nn.sigmoid, lambda x: jnp.sin(x)])
def test_what_is_not_judged_in_time_is_undecided_and_never_a_fault(function):
    verdict = examine(function, domain=dict(x=REAL), seconds=0.0)
    assert not verdict.faults
    assert not verdict.ok
    assert verdict.counts == {"undecided": 1}
