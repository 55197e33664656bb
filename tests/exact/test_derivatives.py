"""Values and derivatives of programs where floats go wrong, and where functions break."""

import subprocess
import sys
from fractions import Fraction

import jax
import jax.numpy as jnp
import jax.scipy.special as jss
import mpmath as mp
import numpy as np
import pytest
from jax import lax

from jaxmath import exact

pytest.importorskip("flint")
mp.mp.dps = 50


def slope(fn, x, k):
    """mpmath's k-th derivative; it takes steps that fit numbers near one."""
    return mp.diff(lambda s: fn(x + x * s), 0, k) / x**k


def at(fn, *args, order=2, **options):
    """The derivatives of the one result along the first coordinate."""
    found = exact.derivatives(exact.trace(fn, *args), args, order=order, **options)
    return (
        found.behaviour[0, 0],
        [float(n) for n in found.right[:, 0, 0]],
        [float(n) for n in found.left[:, 0, 0]],
        found,
    )


SMOOTH = {
    "sigmoid": (jax.nn.sigmoid, lambda x: 1 / (1 + mp.exp(-x)), (40.0, -700.0, 0.3)),
    "tanh": (jnp.tanh, mp.tanh, (9.01, -20.0, 1e-12)),
    "softplus": (lambda x: jnp.log1p(jnp.exp(x)), lambda x: mp.log1p(mp.exp(x)), (-40.0, 30.0)),
    "softplus of log": (
        lambda x: jnp.log(1 + jnp.exp(x)),
        lambda x: mp.log1p(mp.exp(x)),
        (-40.0, -300.0),
    ),
    "cube": (lambda x: x**3, lambda x: x**3, (1e-100, -7.0, 3e90)),
    "log cosh": (lambda x: jnp.log(jnp.cosh(x)), lambda x: mp.log(mp.cosh(x)), (1e-12, 5.0)),
    "silu": (jax.nn.silu, lambda x: x / (1 + mp.exp(-x)), (-3.0, -300.0, 0.2)),
    "logcdf": (jax.scipy.stats.norm.logcdf, lambda x: mp.log(mp.ncdf(x)), (-38.0, 3.0)),
    "celu": (jax.nn.celu, lambda x: mp.expm1(x) if x < 0 else x, (-38.0, 2.0)),
    "logit": (jss.logit, lambda p: mp.log(p / (1 - p)), (1e-20, 0.3)),
    "entropy": (jss.entr, lambda p: -p * mp.log(p), (1e-20, 0.3)),
    "log gamma": (jss.gammaln, lambda x: mp.log(abs(mp.gamma(x))), (1.0, 2.000001, -0.5, 1e-9)),
    "power": (lambda x: x**0.1, lambda x: x ** mp.mpf(0.1), (1e-30, 7.0)),
    "iterated": (
        lambda x: lax.while_loop(lambda c: c[0] < 4, lambda c: (c[0] + 1, c[1] ** 2), (0, x))[1],
        lambda x: x**16,
        (1.01, -0.5),
    ),
    "scanned": (
        lambda x: lax.scan(lambda c, k: (c * x + k, None), 0.0, jnp.arange(4.0))[0],
        lambda x: x**2 + 2 * x + 3,
        (0.7, -1e5),
    ),
    "picked": (
        lambda x: jnp.sort(jnp.array([3.0, x, x * x]))[jnp.array([0, 2])].sum(),
        lambda x: x + 3,
        (1.2,),
    ),
}


@pytest.mark.parametrize("name", sorted(SMOOTH))
def test_smooth_functions_have_the_derivatives_that_mpmath_says(name):
    fn, truth, points = SMOOTH[name]
    program = exact.trace(fn, 1.0)
    for x in points:
        found = exact.derivatives(program, (x,), order=2)
        assert found.behaviour[0, 0] == "smooth"
        for k in range(3):
            number = found.right[k, 0, 0]
            assert number.proof == "proven"
            with mp.workdps(150):
                true = slope(truth, mp.mpf(x), k)
            got = mp.mpf(number.decimal(40).strip("[]").split(" ")[0])
            assert abs(got - true) <= abs(true) * mp.mpf(10) ** -20 + mp.mpf(10) ** -330, (x, k)
        checked = exact.derivatives(program, (x,), order=2, method="differences")
        for k in range(3):  # the two methods check each other
            assert checked.right[k, 0, 0].proof == "estimated"
            assert checked.right[k, 0, 0].overlaps(found.right[k, 0, 0])


def test_where_with_a_removable_singularity_is_smooth():
    behaviour, right, left, found = at(lambda x: jnp.where(x == 0, 1, jnp.sin(x) / x), 0.0)
    assert behaviour == "smooth"
    np.testing.assert_allclose(right, [1, 0, -1 / 3], rtol=1e-15)
    assert right == left
    assert {n.proof for n in found.right[:, 0, 0]} == {"proven"}


@pytest.mark.parametrize(
    ("fn", "x", "behaviour", "right", "left"),
    [
        (jax.nn.relu, 0.0, "kink", [0, 1, 0], [0, 0, 0]),
        (jnp.abs, 0.0, "kink", [0, 1, 0], [0, -1, 0]),
        (lambda x: jnp.sqrt(x * x), 0.0, "kink", [0, 1, 0], [0, -1, 0]),
        (lambda x: jnp.maximum(x**5, 0), 0.0, "smooth", [0, 0, 0], [0, 0, 0]),
        (jnp.floor, 2.0, "jump", [2, 0, 0], [1, 0, 0]),
        (jnp.floor, 2.5, "smooth", [2, 0, 0], [2, 0, 0]),
        (jnp.round, 2.5, "jump", [3, 0, 0], [2, 0, 0]),
        (jnp.sign, 0.0, "jump", [1, 0, 0], [-1, 0, 0]),
        (lambda x: x.astype(int) * x, 2.0, "jump", [4, 2, 0], [2, 1, 0]),
        (lambda x: jnp.where(x > 1, x, 2 * x), 1.0, "jump", [1, 1, 0], [2, 2, 0]),
        (jnp.sqrt, 0.0, "end", [0, np.inf, -np.inf], [np.nan] * 3),
        (lambda x: x**1.5, 0.0, "end", [0, 0, np.inf], [np.nan] * 3),
        (jnp.cbrt, 0.0, "kink", [0, np.inf, -np.inf], [0, np.inf, np.inf]),
        (lambda x: jss.xlogy(x, x), 0.0, "end", [0, -np.inf, np.inf], [np.nan] * 3),
        (lambda x: 1 / x, 0.0, "undefined", [np.inf, -np.inf, np.inf], [-np.inf] * 3),
        (lambda x: x * jnp.nan, 1.0, "undefined", [np.nan] * 3, [np.nan] * 3),
        (jnp.log, -1.0, "undefined", [np.nan] * 3, [np.nan] * 3),
        (
            lambda x: jnp.where(x > 0, jnp.exp(-1 / jnp.where(x > 0, x, 1)), 0),
            0.0,
            "smooth",
            [0, 0, 0],
            [0, 0, 0],
        ),
        (lambda x: jnp.max(jnp.array([x, 0.3])), 0.3, "kink", [0.3, 1, 0], [0.3, 0, 0]),
        (
            lambda x: jnp.sort(jnp.array([x, 0.3, 2.0]))[0],
            0.3,
            "kink",
            [0.3, 0, 0],
            [0.3, 1, 0],
        ),
        (lambda x: jnp.tanh(x), np.inf, "smooth", [1, 0, 0], [1, 0, 0]),
        (lambda x: x + jnp.exp(-x), np.inf, "undefined", [np.inf, 1, 0], [np.inf, 1, 0]),
    ],
)
def test_points_where_functions_break(fn, x, behaviour, right, left):
    said, after, before, _ = at(fn, x)
    assert said == behaviour
    tiny = np.finfo(float).tiny
    np.testing.assert_allclose(after, right, rtol=1e-14, atol=tiny)
    np.testing.assert_allclose(before, left, rtol=1e-14, atol=tiny)


def test_a_kink_of_high_order_is_seen_when_it_is_asked_for():
    program = exact.trace(lambda x: jnp.maximum(x**5, 0), 0.0)
    found = exact.derivatives(program, (0.0,), order=5)
    assert found.behaviour[0, 0] == "kink"
    assert found.kink_order[0, 0] == 5
    assert float(found.right[5, 0, 0]) == 120


def test_logsumexp_with_ties_and_minus_infinity():
    z = np.array([0.3, -np.inf, 0.3, -2.0])
    program = exact.trace(jax.nn.logsumexp, z)
    found = exact.derivatives(program, (z,), np.eye(4)[[0, 2, 3]])
    softmax = np.exp(z - 0.3) / np.exp(z - 0.3).sum()
    np.testing.assert_allclose(
        [float(n) for n in found.right[1, :, 0]], softmax[[0, 2, 3]], rtol=1e-15
    )
    assert set(found.behaviour[:, 0]) == {"smooth"}


def test_a_tie_that_no_precision_proves_is_said_to_be_assumed():
    _, right, _, found = at(lambda x: jax.nn.relu(jnp.log(jnp.exp(x)) - x), 0.3)
    assert abs(right[1]) < 1e-300
    assert found.notes["tie assumed"]
    said, _, _, found = at(lambda x: jnp.where(jnp.log(jnp.exp(x)) >= x, x, 2 * x), 0.3)
    assert "assumed" in {n.proof for n in found.right[:, 0, 0]}
    assert said != "smooth" or found.value.flat[0].proof == "assumed"


def test_stop_gradient_is_the_identity_unless_told_otherwise():
    def fn(x):
        return lax.stop_gradient(x) * x

    assert at(fn, 2.0)[1] == [4, 4, 2]
    _, right, _, found = at(fn, 2.0, stop_gradients=True)
    assert right == [4, 2, 0]
    assert found.notes["stop_gradient"]


def test_what_only_rounding_does_is_said():
    def newton(x):
        def going(state):
            return state[0] != state[1]

        def step(state):
            return state[1], (state[1] + x / state[1]) / 2

        return lax.while_loop(going, step, (x, (x + 1) / 2))[1]

    value = exact.evaluate(exact.trace(newton, 2.0), (2.0,), budget=20.0)
    assert value.notes["depends on rounding"] == "a loop until nothing changes"
    assert float(value.flat[0]) == pytest.approx(2**0.5, rel=1e-15)
    rounded = exact.evaluate(exact.trace(lambda x: (x + 2.0**52) - 2.0**52, 2.3), (2.3,))
    assert "depends on rounding" in rounded.notes
    kept = exact.evaluate(exact.trace(lambda x: (x + 3.0) - 3.0, 2.3), (2.3,))
    assert "depends on rounding" not in kept.notes


def test_a_sign_bit_depends_on_no_rounding():
    for x in (-2.5, 0.5, -np.inf):
        value = exact.evaluate(exact.trace(lambda x: jnp.copysign(3.0, x) * 1.0, x), (x,))
        assert float(value.flat[0]) == np.copysign(3, x)
        assert "depends on rounding" not in value.notes


def test_rules_are_judged_as_programs():
    @jax.custom_jvp
    def wrong(x):
        return jnp.sin(x)

    wrong.defjvp(lambda x, t: (wrong(*x), 1.000001 * jnp.cos(*x) * t[0]))
    truth = exact.derivatives(exact.trace(wrong, 0.3), (0.3,)).right[1, 0, 0]
    rule = exact.evaluate(exact.trace(jax.grad(wrong), 0.3), (0.3,)).flat[0]
    assert not rule.overlaps(truth)
    right = exact.evaluate(exact.trace(jax.grad(jnp.sin), 0.3), (0.3,)).flat[0]
    assert right.overlaps(truth)


def test_each_dtype_is_its_own_program():
    for dtype in (np.float32, np.float64, jnp.bfloat16):
        x = jnp.asarray(0.1, dtype)
        value = exact.evaluate(exact.trace(lambda x: x * 3, x), (x,)).flat[0]
        mantissa, exponent = value.value.man_exp()
        assert int(mantissa) * Fraction(2) ** int(exponent) == 3 * Fraction(float(x))
        assert value.nearest(dtype).dtype == np.dtype(dtype)


def test_derivatives_in_a_parameter_are_proven():
    program = exact.trace(lambda a: jss.gammainc(a, 1.3), 0.7)
    found = exact.derivatives(program, (0.7,))
    number = found.right[1, 0, 0]
    assert number.proof == "proven"
    with mp.workdps(40):
        true = mp.diff(lambda a: mp.gammainc(a, 0, mp.mpf(1.3), regularized=True), mp.mpf(0.7))
    assert float(number) == pytest.approx(float(true), rel=1e-14)


def test_hessian_by_directions():
    x = np.array([0.3, 0.4, 0.5])

    def fn(v):
        return v[0] ** 2 * v[1] + jnp.sin(v[1] * v[2])

    found = exact.hessian(exact.trace(fn, x), (x,))
    np.testing.assert_allclose(
        np.vectorize(float)(found[0]), jax.hessian(fn)(jnp.asarray(x)), rtol=1e-14, atol=1e-15
    )


def test_pytrees_and_integers_pass_through():
    def fn(tree, n):
        return {"real": tree["a"] * n, "whole": n + 1, "index": jnp.argmax(tree["b"])}

    args = ({"a": 1.5, "b": np.array([1.0, 3.0])}, 4)
    value = exact.evaluate(exact.trace(fn, *args), args)
    assert float(value.results["real"]) == 6.0
    assert value.results["whole"] == 5
    assert value.results["index"] == 1


SPEED = """
import time
import jax, numpy as np
jax.config.update("jax_enable_x64", True)
from jaxmath import exact
rng = np.random.default_rng(0)
points = rng.standard_normal(200) * 10 ** rng.uniform(-3, 1.5, 200)
programs = [(exact.trace(jax.nn.sigmoid, kind(1)), kind) for kind in (np.float32, np.float64)]
started = time.process_time()
for program, kind in programs:
    for x in points.astype(kind):
        assert exact.derivatives(program, (x,)).behaviour[0, 0] == "smooth"
print((time.process_time() - started) * 1000 / 200)
"""


def test_a_thousand_points_in_two_dtypes_take_a_few_seconds():
    # In a process of its own: the checks of types that pytest switches on take ten times as long.
    said = subprocess.run([sys.executable, "-c", SPEED], capture_output=True, text=True, check=True)
    assert float(said.stdout) < 5


def test_the_gradient_of_a_perceptron():
    rng = np.random.default_rng(0)
    shapes = [(4, 6), (6,), (6, 2), (2,)]
    params = [rng.standard_normal(shape) for shape in shapes]
    x, y = rng.standard_normal((3, 4)), rng.standard_normal((3, 2))

    def loss(params):
        a, b, c, d = params
        return jnp.mean((jnp.tanh(x @ a + b[None]) @ c + d[None] - y) ** 2)

    found = exact.derivatives(exact.trace(loss, params), (params,))
    expected = np.concatenate([np.ravel(g) for g in jax.grad(loss)(params)])
    np.testing.assert_allclose(
        [float(n) for n in found.right[1, :, 0]], expected, rtol=1e-12, atol=1e-14
    )
    assert {n.proof for n in found.right[1, :, 0]} == {"proven"}


def test_a_number_near_the_smallest_normal_is_known_to_its_last_digit():
    x = np.float64(3.408330372533855e-308)
    program = exact.trace(lambda x: x - jnp.log1p(x), x)
    slope = exact.derivatives(program, (x,), np.array([[1.0]]), 1).right[1, 0, 0]
    assert slope.proof == "proven"
    assert float(slope) == x  # x / (1 + x)
