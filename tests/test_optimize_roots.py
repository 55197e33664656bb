"""Least squares, roots, fixed points and minima of one number, against closed forms and SciPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize

from jaxmath import optimize as o
from jaxmath.optimize import Kind, Status, describe
from tests.marks import long_but
from tests.mgh import PROBLEMS
from tests.test_optimize_minimize import BY_NAME, solved


def status(solution) -> Status:
    return Status(int(solution.info.status))


@pytest.mark.full
@pytest.mark.parametrize("name", BY_NAME)
def test_least_squares_of_more_garbow_hillstrom(name):
    problem = BY_NAME[name]
    found = o.least_squares(lambda x, _: problem.residuals(x), jnp.array(problem.start))
    assert solved(problem, found), describe(found.info)
    # Large residuals that bend: a share of the error is left at every step.
    slow = name == "Brown-Dennis"
    assert slow or status(found) in (Status.OPTIMAL, Status.STALLED), describe(found.info)


def test_an_ill_conditioned_line_is_fitted_as_by_qr_and_not_by_normal_equations():
    """Columns that differ by 1e-7: the condition number 3e7 squared leaves nothing of float64."""
    random = np.random.default_rng(0)
    t = random.normal(size=20)
    A = np.stack([np.ones(20), t, t + 1e-7 * random.normal(size=20)], 1)
    truth = np.array([1.0, 2.0, -1.0])
    y = A @ truth
    found = o.least_squares(lambda x, y: jnp.array(A) @ x - y, jnp.zeros(3), jnp.array(y))
    assert status(found) is Status.OPTIMAL, describe(found.info)
    np.testing.assert_allclose(found.x, truth, rtol=1e-7)


def curve(x, args):
    """Residuals of a decay, which stay large: the second derivatives matter."""
    y, rate = args
    return {"fit": x["size"] * jnp.exp(-rate * x["speed"] * jnp.arange(5.0)) - y}


@pytest.mark.full
def test_least_squares_have_the_derivatives_of_the_full_gradient():
    y = jnp.array([2.0, 1.4, 0.4, 0.9, 0.1])
    start = {"size": jnp.ones(()), "speed": jnp.ones(())}

    def parts(y, rate):
        x = o.least_squares(curve, start, (y, rate)).x
        return jnp.stack([x["size"], x["speed"]])

    def by_scipy(y):
        t = np.arange(5.0)

        def gradient(x):
            r = x[0] * np.exp(-x[1] * t) - y
            return [r @ np.exp(-x[1] * t), r @ (-x[0] * t * np.exp(-x[1] * t))]

        return scipy.optimize.root(gradient, [2.0, 0.5], tol=1e-14).x

    np.testing.assert_allclose(parts(y, 1.0), by_scipy(np.array(y)), rtol=1e-9)
    slope = jax.jacrev(parts)(y, 1.0)
    h = 1e-4
    for k in range(5):
        step = h * np.eye(5)[k]
        difference = (by_scipy(np.array(y) + step) - by_scipy(np.array(y) - step)) / (2 * h)
        np.testing.assert_allclose(slope[:, k], difference, rtol=1e-6, atol=1e-7)
    # The speed times the rate is what is fitted.
    in_rate = jax.jacfwd(parts, 1)(y, 2.0)
    np.testing.assert_allclose(in_rate, [0, -parts(y, 2.0)[1] / 2], rtol=1e-9, atol=1e-12)


SYSTEMS = tuple(p for p in PROBLEMS if p.minima[0] == 0 and len(p.start) >= 2)
SQUARE = {p.name: p for p in SYSTEMS if jax.eval_shape(p.residuals, p.start).shape == p.start.shape}
SINGULAR = ("Powell singular", "extended Powell")
LOCAL = ("Freudenstein-Roth",)


@pytest.mark.full
@pytest.mark.parametrize("solver", [o.newton, o.broyden], ids=lambda s: s.__name__)
@pytest.mark.parametrize("name", SQUARE)
def test_roots_of_more_garbow_hillstrom(name, solver):
    problem = SQUARE[name]
    found = solver(lambda x, _: problem.residuals(x), jnp.array(problem.start))
    if status(found) is Status.OPTIMAL:
        assert np.max(np.abs(problem.residuals(found.x))) < 1e-8
        assert bool(found.info.regular) is (name not in SINGULAR)
    else:
        assert solver is o.broyden or name in LOCAL, describe(found.info)


def circle_and_line(x, args):
    return {"circle": x[0] ** 2 + x[1] ** 2 - args, "line": x[0] - 2 * x[1]}


@pytest.mark.parametrize("solver", long_but((o.newton,), (o.newton, o.broyden)))
def test_a_root_of_a_system_and_its_derivatives_in_closed_form(solver):
    """x = 2 sqrt(a / 5), y = sqrt(a / 5)."""

    def root(a):
        x = solver(circle_and_line, jnp.array([1.0, 1.0]), a).x
        return x, x

    a = 3.0
    y = np.sqrt(a / 5)
    slope, found = jax.jacrev(root, has_aux=True)(a)
    np.testing.assert_allclose(found, [2 * y, y], rtol=1e-12)
    np.testing.assert_allclose(slope, [y / a, y / a / 2], rtol=1e-11)
    if solver is o.broyden:
        twice = jax.jacfwd(jax.jacrev(lambda a: root(a)[0]))(a)
        np.testing.assert_allclose(twice, [-y / (2 * a**2), -y / (4 * a**2)], rtol=1e-11)


def test_equations_without_a_root_double_roots_and_too_few_equations():
    def solve(shift):
        return o.newton(lambda x, s: (x - 1) ** 2 + s, jnp.array([3.0]), shift)

    lanes = jax.vmap(solve)(jnp.array([1.0, 0.0, -1.0, jnp.nan]))
    expected = [Status.INFEASIBLE, Status.OPTIMAL, Status.OPTIMAL, Status.NOT_FINITE]
    assert [Status(int(code)) for code in lanes.info.status] == expected
    assert list(map(bool, lanes.info.regular[1:3])) == [False, True]
    slopes = jax.vmap(jax.grad(lambda s: solve(s).x[0]))(jnp.array([1.0, 0.0, -1.0]))
    np.testing.assert_allclose(slopes, [np.nan, np.nan, -0.5], rtol=1e-10)
    double = jax.tree.map(lambda leaf: leaf[1], lanes.info)
    assert "no derivative" in describe(double)
    with pytest.raises(ValueError, match="1 equations do not determine 2 unknowns"):
        o.newton(lambda x, _: x[:1], jnp.ones(2))


def test_bisection_ends_with_neighbours_and_has_derivatives():
    def root(a):
        return o.bisect(lambda x, a: x**3 - a, 0.0, 10.0, a)

    found = root(5.0)
    assert status(found) is Status.OPTIMAL
    assert found.info.kind == Kind.ROOT
    cube = np.cbrt(5.0)
    assert abs(float(found.x) - cube) <= 2 * np.spacing(cube)
    slope = jax.grad(lambda a: root(a).x)
    assert slope(5.0) == pytest.approx(cube / 15, rel=1e-13)
    lanes = jax.vmap(root)(jnp.array([-1.0, 0.0, 8.0, 2000.0, jnp.nan]))
    expected = [Status.INFEASIBLE, Status.OPTIMAL, Status.OPTIMAL, Status.INFEASIBLE]
    assert [Status(int(code)) for code in lanes.info.status] == [*expected, Status.NOT_FINITE]
    np.testing.assert_allclose(lanes.x[1:3], [0, 2], atol=1e-15)
    # The slope of the cube root at zero is none.
    assert np.isnan(slope(0.0))


def affine(x, args):
    A, b = args
    return {"u": A["uu"] @ x["u"] + A["uv"] @ x["v"] + b["u"], "v": A["vv"] @ x["v"] + b["v"]}


@pytest.mark.full
def test_a_linear_fixed_point_in_few_steps_with_the_derivatives_of_its_equation():
    """x = (I - A)^-1 b, which a repetition with the eigenvalue 0.98 takes 1400 steps to find."""
    random = np.random.default_rng(1)
    A = {"uu": jnp.diag(jnp.array([0.98, 0.5])), "uv": jnp.array(random.normal(size=(2, 2)))}
    A["vv"] = jnp.diag(jnp.array([-0.9, 0.2]))
    b = {"u": jnp.ones(2), "v": jnp.array([1.0, 2.0])}
    start = {"u": jnp.zeros(2), "v": jnp.zeros(2)}
    found = o.fixed_point(affine, start, (A, b))
    assert status(found) is Status.OPTIMAL, describe(found.info)
    assert int(found.info.iterations) < 30
    matrix = np.block([[A["uu"], A["uv"]], [np.zeros((2, 2)), A["vv"]]])
    inverse = np.linalg.inv(np.eye(4) - matrix)
    x = np.concatenate([found.x["u"], found.x["v"]])
    np.testing.assert_allclose(x, inverse @ [1, 1, 1, 2], rtol=1e-9)
    slope = jax.jacrev(lambda b: o.fixed_point(affine, start, (A, b)).x["u"])(b)["v"]
    np.testing.assert_allclose(slope, inverse[:2, 2:], rtol=1e-10)


def test_fixed_points_of_lanes_plain_and_accelerated():
    def solve(scale, memory):
        return o.fixed_point(lambda x, s: s * jnp.cos(x), jnp.array(1.0), scale, memory=memory)

    found = jax.vmap(lambda s: solve(s, 5))(jnp.array([1.0, 0.5, jnp.nan]))
    codes = [Status(int(code)) for code in found.info.status]
    assert codes == [Status.OPTIMAL, Status.OPTIMAL, Status.NOT_FINITE]
    # Dottie's number.
    np.testing.assert_allclose(found.x[0], 0.739085133215160641655, rtol=1e-12)
    plain = solve(1.0, 0)
    assert status(plain) is Status.OPTIMAL
    assert int(plain.info.iterations) > 3 * int(found.info.iterations[0])
    x = float(found.x[0])
    slope = jax.grad(lambda s: solve(s, 5).x)(1.0)
    assert slope == pytest.approx(np.cos(x) / (1 + np.sin(x)), rel=1e-11)


def test_custom_solvers_get_the_derivatives_of_their_conditions():
    """Heron's rule, and a repetition, written without a thought of derivatives."""

    @o.custom_root(lambda x, a: x**2 - a, has_aux=True)
    def heron(start, a):
        return jax.lax.while_loop(
            lambda state: jnp.abs(state[0] ** 2 - a) > 1e-14 * a,
            lambda state: (0.5 * (state[0] + a / state[0]), state[1] + 1),
            (start, 0),
        )

    @o.custom_fixed_point(lambda x, a: {"x": 0.5 * jnp.cos(a * x["x"])})
    def repetition(start, a):
        return jax.lax.fori_loop(0, 60, lambda _, x: {"x": 0.5 * jnp.cos(a * x["x"])}, start)

    assert heron(jnp.array(1.0), 2.0)[1] < 10
    root = jax.grad(lambda a: heron(jnp.array(1.0), a)[0])
    assert root(2.0) == pytest.approx(0.5 / np.sqrt(2), rel=1e-13)
    start = {"x": jnp.array(0.3)}
    x = float(repetition(start, 1.5)["x"])
    sine = 0.5 * np.sin(1.5 * x)
    slope = jax.grad(lambda a: repetition(start, a)["x"])(1.5)
    assert slope == pytest.approx(-sine * x / (1 + sine * 1.5), rel=1e-12)


def test_the_minimum_of_a_function_of_one_number():
    """x - a log x has its minimum at a; as a function of a the point has the slope one."""

    def solve(a):
        return o.minimize_scalar(lambda x, a: x - a * jnp.log(x), 0.1, 20.0, a)

    found = solve(3.0)
    assert status(found) is Status.OPTIMAL
    assert found.info.kind == Kind.MINIMUM
    assert found.x == pytest.approx(3.0, rel=1e-13)
    assert jax.grad(lambda a: solve(a).x)(3.0) == pytest.approx(1.0, rel=1e-12)
    lanes = jax.vmap(solve)(jnp.array([2.0, 5.0, 50.0, jnp.nan]))
    codes = [Status(int(code)) for code in lanes.info.status]
    assert codes == [Status.OPTIMAL, Status.OPTIMAL, Status.STALLED, Status.NOT_FINITE]
    assert lanes.x[2] == pytest.approx(20.0, abs=1e-4)
    other = scipy.optimize.minimize_scalar(lambda x: x - 3 * np.log(x), bounds=(0.1, 20.0))
    assert int(found.info.iterations) < 2 * other.nfev


@pytest.mark.full
@pytest.mark.parametrize("name", ["Wood", "Osborne 1", "Brown-Dennis"])
def test_float32_ends_by_itself(name):
    problem = BY_NAME[name]
    start = jnp.array(problem.start, jnp.float32)
    found = o.least_squares(lambda x, _: problem.residuals(x), start)
    assert found.x.dtype == jnp.float32
    assert found.info.status != Status.ITERATION_LIMIT  # 317 of 500 steps for Brown-Dennis
