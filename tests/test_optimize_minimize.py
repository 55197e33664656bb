"""Minima against publications, closed forms and SciPy."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize

from jaxmath import optimize as o
from jaxmath.optimize import Kind, Status, describe
from jaxmath.optimize.lbfgs import Pairs, two_loops
from tests.marks import long_but
from tests.mgh import PROBLEMS

BY_NAME = {problem.name: problem for problem in PROBLEMS}
QUICK = ("Brown badly scaled",)


def relative_gradient(problem, x):
    """Half the gradient of the sum of squares over 1 plus the terms that it sums."""
    r, J = problem.residuals(x), jax.jacfwd(problem.residuals)(x)
    terms = (jnp.abs(r) + jnp.abs(J) @ jnp.abs(x)) @ jnp.abs(J)
    return float(jnp.max(jnp.abs(r @ J)) / (1 + jnp.max(terms)))


def solved(problem, solution) -> bool:
    """Stationary to 1e-8, and at a published minimum to 1e-6, or below it."""
    value = float(jnp.sum(jnp.square(problem.residuals(solution.x))))
    near = min(abs(value - best) / (1 + abs(best)) for best in problem.minima)
    below = value < problem.minima[0]
    return (near <= 1e-6 or below) and relative_gradient(problem, solution.x) <= 1e-8


LOCAL = ("Bard",)
"""Newton's method ends in a minimum that the paper does not name."""


def locally_solved(problem, solution) -> bool:
    """Stationary to 1e-8, with a Hessian whose eigenvalues NumPy finds positive."""
    hessian = jax.hessian(lambda x: jnp.sum(jnp.square(problem.residuals(x))))(solution.x)
    positive = np.linalg.eigvalsh(np.asarray(hessian))[0] > 0
    return bool(positive) and relative_gradient(problem, solution.x) <= 1e-8


@pytest.mark.parametrize("name", long_but(QUICK, BY_NAME))
def test_more_garbow_hillstrom_from_the_standard_start(name):
    problem = BY_NAME[name]
    found = o.minimize(lambda x, _: jnp.sum(problem.residuals(x) ** 2), jnp.array(problem.start))
    passes = locally_solved if name in LOCAL else solved
    assert passes(problem, found), describe(found.info)
    assert Status(int(found.info.status)) is Status.OPTIMAL, describe(found.info)
    # Where the paper's Hessian is singular, or its condition number beyond the dtype.
    flat = ("Powell singular", "extended Powell", "linear, rank 1", "linear, rank 1, zeros", "Box")
    expected = Kind.UNDECIDED if name in (*flat, "Watson, n = 12") else Kind.MINIMUM
    assert Kind(int(found.info.kind)) is expected


@pytest.mark.full
def test_more_garbow_hillstrom_by_slopes_alone():
    """Limited memory gives up where the condition number is beyond 1e12, and says so."""
    failed = []
    for problem in PROBLEMS:
        start = jnp.array(problem.start)
        found = o.lbfgs(lambda x, _, p=problem: jnp.sum(p.residuals(x) ** 2), start)
        if not solved(problem, found):
            failed.append(problem.name)
            assert found.info.error > 1e-12
    assert len(failed) <= 0.05 * len(PROBLEMS), failed


def rosenbrock(x, args):
    return args * jnp.sum((x[1:] - x[:-1] ** 2) ** 2) + jnp.sum((1 - x[:-1]) ** 2)


def truncated_failures(solve):
    """The problems that a truncated method does not solve, and what its status says of them."""
    failed = {}
    for problem in PROBLEMS:
        found = solve(problem)
        if not solved(problem, found):
            failed[problem.name] = Status(int(found.info.status))
    return failed


@pytest.mark.full
def test_more_garbow_hillstrom_by_products_with_the_hessian():
    """One valley is left for the plain outside, where the function is flat."""
    failed = truncated_failures(
        lambda p: o.newton_cg(lambda x, _: jnp.sum(p.residuals(x) ** 2), jnp.array(p.start))
    )
    assert set(failed) <= {"Gulf"}
    assert Status.OPTIMAL not in failed.values()


@pytest.mark.full
def test_more_garbow_hillstrom_by_products_with_the_jacobian():
    """Where residuals stay large and bend, the method crawls, and says so."""
    failed = truncated_failures(
        lambda p: o.gauss_newton(lambda x, _: p.residuals(x), jnp.array(p.start))
    )
    assert set(failed) <= {"Brown-Dennis"}
    assert Status.OPTIMAL not in failed.values()


BY_SLOPES = (o.lbfgs, o.bfgs, o.nonlinear_cg, o.gradient_descent, o.newton_cg)


@pytest.mark.parametrize("solver", long_but((), BY_SLOPES), ids=lambda s: s.__name__)
def test_methods_without_a_matrix_find_the_minimum_of_scipy(solver):
    start = np.array([-1.2, 1.0, -0.5])
    found = solver(rosenbrock, jnp.array(start), 10.0, tolerance=1e-9)
    assert Status(int(found.info.status)) is Status.OPTIMAL, describe(found.info)
    other = scipy.optimize.minimize(
        lambda x: float(rosenbrock(x, 10.0)), start, method="BFGS", options={"gtol": 1e-9}
    )
    assert found.info.objective <= other.fun + 1e-12
    np.testing.assert_allclose(found.x, 1, rtol=1e-6)


def ridge(w, args):
    X, y, strength = args
    return jnp.sum((X["left"] @ w["a"] + X["right"] @ w["b"] - y) ** 2) + strength * (
        w["a"] @ w["a"] + w["b"] @ w["b"]
    )


RIDGES = (o.trust_region, o.lbfgs, o.newton_cg)


@pytest.mark.parametrize("solver", long_but((o.trust_region,), RIDGES), ids=lambda s: s.__name__)
def test_ridge_regression_of_a_pytree_and_its_derivatives_in_closed_form(solver):
    """w = (X'X + l I)^-1 X'y; with R the inverse dw/dl = -R w, dw/dy = R X'."""
    random = np.random.default_rng(0)
    X, y, strength = random.normal(size=(8, 3)), random.normal(size=8), 0.7
    parts = {"left": jnp.array(X[:, :1]), "right": jnp.array(X[:, 1:])}
    start = {"a": jnp.zeros(1), "b": jnp.zeros(2)}

    def w(strength, y):
        x = solver(ridge, start, (parts, y, strength)).x
        x = jnp.concatenate([x["a"], x["b"]])
        return x, x

    R = np.linalg.inv(X.T @ X + strength * np.eye(3))
    closed = R @ X.T @ y
    slopes, found = jax.jacrev(w, (0, 1), has_aux=True)(strength, y)
    np.testing.assert_allclose(found, closed, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(slopes[0], -R @ closed, rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(slopes[1], R @ X.T, rtol=1e-9, atol=1e-10)


@pytest.mark.full
def test_second_derivatives_of_ridge_regression():
    """d2w/dl2 = 2 R R w."""
    random = np.random.default_rng(0)
    X, y, strength = random.normal(size=(8, 3)), random.normal(size=8), 0.7
    parts = {"left": jnp.array(X[:, :1]), "right": jnp.array(X[:, 1:])}
    start = {"a": jnp.zeros(1), "b": jnp.zeros(2)}

    def w(strength, y):
        x = o.trust_region(ridge, start, (parts, y, strength)).x
        return jnp.concatenate([x["a"], x["b"]])

    R = np.linalg.inv(X.T @ X + strength * np.eye(3))
    closed = R @ X.T @ y
    np.testing.assert_allclose(jax.jacfwd(w)(strength, y), -R @ closed, rtol=1e-9, atol=1e-10)
    twice = jax.jacfwd(jax.jacrev(w))(strength, y)
    np.testing.assert_allclose(twice, 2 * R @ R @ closed, rtol=1e-8, atol=1e-9)


ENDS = {
    "a saddle": (lambda x, s: x[0] ** 2 - x[1] ** 2 + x[1] ** 4 + s * x[0], (0.0, 0.0)),
    "a slope": (lambda x, s: x[0] + x[1] ** 2 + s * x[0], (1.0, 1.0)),
    "an exponential": (lambda x, s: -jnp.exp(x[0]) + x[1] ** 2 + s * x[0], (1.0, 1.0)),
    "outside the domain": (lambda x, s: jnp.log(x[0]) + x[1] ** 2 + s * x[0], (-1.0, 1.0)),
    "a flat valley": (lambda x, s: (x[0] - x[1]) ** 2 + s * x[0], (3.0, 1.0)),
    "a quartic": (lambda x, s: x[0] ** 4 + x[1] ** 2 + s * x[0], (3.0, 1.0)),
}
STATUS = {
    "a slope": Status.UNBOUNDED,
    "an exponential": Status.UNBOUNDED,
    "outside the domain": Status.NOT_FINITE,
}
SOLVERS = {"newton": o.trust_region, "slopes": o.lbfgs, "truncated": o.newton_cg}
CASES = [(name, solver) for name in ENDS for solver in SOLVERS]
SHORT = [("a saddle", "newton"), ("a saddle", "slopes"), ("a quartic", "newton")]


@pytest.mark.parametrize("case", long_but(SHORT, CASES), ids="-".join)
def test_status_kind_and_derivative_where_something_is_amiss(case):
    name, method = case
    objective, start = ENDS[name]

    def coordinate(s):
        found = SOLVERS[method](objective, jnp.array(start), s)
        return found.x[0], found

    (_, found), slope = jax.value_and_grad(coordinate, has_aux=True)(0.0)
    status, kind = Status(int(found.info.status)), Kind(int(found.info.kind))
    expected = STATUS.get(name, Status.OPTIMAL)
    if name == "a saddle" and method != "newton":
        expected = Status.STATIONARY
    assert status is expected, describe(found.info)
    if name == "a saddle":
        assert kind is (Kind.MINIMUM if method == "newton" else Kind.SADDLE)
        assert slope == pytest.approx(-0.5, rel=1e-9)
        height = -0.25 if method == "newton" else 0.0
        assert found.info.objective == pytest.approx(height, abs=1e-12)
    else:
        assert kind is Kind.UNDECIDED
        assert np.isnan(slope)
    if status is not Status.NOT_FINITE:
        assert np.all(np.isfinite(found.x))


def test_a_singular_hessian_that_was_not_looked_at_has_no_derivative_either():
    def coordinate(s):
        start = jnp.array([3.0, 1.0])
        found = o.lbfgs(lambda x, s: (x[0] - x[1] - s) ** 2, start, s, second_order=False)
        assert found.x.shape == (2,)
        return found.x[0]

    assert np.isnan(jax.grad(coordinate)(0.5))


def lane(x, args):
    bowl, slope, wall = args
    return bowl * jnp.sum(x**2) + slope * x[0] + jnp.log(wall + x[1] ** 2)


@pytest.mark.parametrize("solver", [o.lbfgs, o.newton_cg], ids=lambda s: s.__name__)
def test_each_lane_has_its_status_and_equals_its_own_solve(solver):
    lanes = jnp.array([[1.0, 0.5, 1.0], [0.0, 1.0, 1.0], [1.0, 0.0, -1e9], [1.0, -2.0, 3.0]])
    start = jnp.array([1.0, 0.5])
    together = jax.jit(jax.vmap(lambda args: solver(lane, start, tuple(args))))(lanes)
    expected = [Status.OPTIMAL, Status.UNBOUNDED, Status.NOT_FINITE, Status.OPTIMAL]
    assert [Status(int(code)) for code in together.info.status] == expected
    np.testing.assert_allclose(np.asarray(together.x)[[0, 3]], [[-0.25, 0], [1, 0]], atol=1e-9)
    assert "2 of 4 lanes" in describe(together.info)


def test_float32_does_not_spin_and_says_what_it_reached():
    start = jnp.array([-1.2, 1.0], jnp.float32)
    found = o.trust_region(rosenbrock, start, jnp.float32(100))
    assert found.x.dtype == jnp.float32
    assert Status(int(found.info.status)) is Status.OPTIMAL
    asked = o.trust_region(rosenbrock, start, jnp.float32(97.3), tolerance=1e-12)
    assert int(asked.info.iterations) < 100
    if Status(int(asked.info.status)) is not Status.OPTIMAL:
        assert Status(int(asked.info.status)) is Status.STALLED
        assert "jax_enable_x64" in describe(asked.info)


@pytest.mark.full
def test_float32_ends_on_all_problems():
    spun = []
    for problem in PROBLEMS:
        start = jnp.array(problem.start, jnp.float32)
        found = o.trust_region(lambda x, _, p=problem: jnp.sum(p.residuals(x) ** 2), start)
        assert found.x.dtype == jnp.float32
        if Status(int(found.info.status)) is Status.ITERATION_LIMIT:
            spun.append(problem.name)
    assert len(spun) <= 1, spun


def test_limits_and_refusals():
    start = jnp.array([-1.2, 1.0])
    found = o.trust_region(rosenbrock, start, 100.0, max_iterations=3)
    assert Status(int(found.info.status)) is Status.ITERATION_LIMIT
    assert "3 steps" in describe(found.info)
    none = o.trust_region(rosenbrock, start, 100.0, max_iterations=0)
    np.testing.assert_array_equal(none.x, start)
    with pytest.raises(TypeError, match="floating-point"):
        o.minimize(rosenbrock, jnp.arange(3), 1.0)


def test_new_values_do_not_trace_again():
    chex.clear_trace_counter()

    @jax.jit
    @chex.assert_max_traces(1)
    def solve(scale, tolerance, limit):
        start = jnp.array([-1.2, 1.0])
        return o.minimize(rosenbrock, start, scale, tolerance=tolerance, max_iterations=limit).x

    for scale in range(1, 5):
        np.testing.assert_allclose(solve(float(scale), 1e-10, 50 + scale), 1, rtol=1e-6)


def test_the_two_loops_apply_the_matrix_of_bfgs():
    """The product of rank-two updates, written out in NumPy (Nocedal and Wright 2006, eq. 6.17)."""
    rng = np.random.default_rng(0)
    root = rng.normal(size=(4, 4))
    steps = rng.normal(size=(3, 4))
    changes, gradient = steps @ (root @ root.T + np.eye(4)), rng.normal(size=4)
    H = 0.7 * np.eye(4)
    for s, y in zip(steps, changes, strict=True):
        turn = np.eye(4) - np.outer(s, y) / (s @ y)
        H = turn @ H @ turn.T + np.outer(s, s) / (s @ y)
    inverses = 1 / np.sum(steps * changes, axis=1)
    pairs = Pairs(*map(jnp.asarray, (steps, changes, inverses, 0.7)))
    found = two_loops(pairs, jnp.asarray(gradient))
    np.testing.assert_allclose(found, -H @ gradient, rtol=1e-12)


def test_a_saddle_is_left_though_rounding_leaves_a_slope():
    """Himmelblau's saddle next to (0, 3), to the last digit; and his minimum at (3, 2)."""

    def himmelblau(x, args):
        return (x[0] ** 2 + x[1] - 11) ** 2 + (x[0] + x[1] ** 2 - 7) ** 2

    with jax.enable_x64(True):
        start = jnp.asarray([0.08667750455539636, 2.884254701174776])
        found = o.trust_region(himmelblau, start)
        assert found.info.status == Status.OPTIMAL
        assert found.info.objective < 1e-20


def test_terms_that_cancel_do_not_hide_a_minimum():
    """Rastrigin's value is zero at zero, as the difference of terms of 20."""

    def rastrigin(x, args):
        return 20 + jnp.sum(x**2 - 10 * jnp.cos(2 * jnp.pi * x))

    with jax.enable_x64(True):
        start = jnp.asarray([[-5.0, -15.0], [-5.0, -5.0], [5.0, -5.0]]) / 31
        found = jax.vmap(lambda start: o.trust_region(rastrigin, start))(start)
        assert (found.info.status == Status.OPTIMAL).all()
        np.testing.assert_allclose(found.x, 0, atol=1e-13)


def mixed(x):
    """Mirrored along a direction that touches every entry, so that no entry stands alone."""
    axis = jnp.cos(jnp.arange(x.size, dtype=x.dtype))
    return x - axis * (2 * (axis @ x) / (axis @ axis))


def chain(x, s):
    return jnp.sum(jnp.cosh(mixed(x))) - s * jnp.sin(jnp.arange(x.size)) @ mixed(x)


def test_thousands_of_unknowns_and_their_derivatives_without_a_matrix():
    """x = Q asinh(s w) with w = sin: a mirror image of its slope w / sqrt(1 + s^2 w^2), and on."""
    n, s = 3000, 1.3
    w = np.sin(np.arange(n))
    found = jax.jit(lambda s: o.newton_cg(chain, jnp.zeros(n), s))(s)
    assert Status(int(found.info.status)) is Status.OPTIMAL
    assert Kind(int(found.info.kind)) is Kind.UNTESTED
    assert int(found.info.iterations) <= 12
    np.testing.assert_allclose(found.x, mixed(jnp.arcsinh(s * w)), rtol=0, atol=1e-9)

    def x(s):
        return o.newton_cg(chain, jnp.zeros(n), s).x

    def slope(s):
        return jax.jvp(x, (s,), (1.0,))[1]

    root = np.sqrt(1 + (s * w) ** 2)
    first, second = jax.jit(lambda s: jax.jvp(slope, (s,), (1.0,)))(s)
    np.testing.assert_allclose(first, mixed(w / root), rtol=0, atol=1e-8)
    np.testing.assert_allclose(second, mixed(-s * w**3 / root**3), rtol=0, atol=1e-8)
    weights = jnp.cos(jnp.arange(n) ** 2)
    back = jax.jit(jax.grad(lambda s: weights @ x(s)))(s)
    assert back == pytest.approx(float(weights @ mixed(w / root)), rel=1e-8)


def test_where_thousands_of_unknowns_leave_one_free_there_is_no_derivative():
    """The differences of neighbours are asked for, and their mean by nothing."""

    def total(s):
        found = o.newton_cg(lambda x, s: jnp.sum((x[1:] - x[:-1] - s) ** 2), jnp.zeros(1100), s)
        return found.x @ found.x, found

    slope, found = jax.jit(jax.grad(total, has_aux=True))(0.5)
    assert Status(int(found.info.status)) is Status.OPTIMAL
    np.testing.assert_allclose(np.diff(found.x), 0.5, rtol=1e-6)
    assert np.isnan(slope)


def test_products_with_the_jacobian_fit_as_many_residuals_as_unknowns():
    """A fit of exponentials to themselves, of a pytree; and its slope in a datum, one."""
    t = jnp.linspace(0.0, 1.0, 30)

    def residuals(x, shift):
        return x["height"] * jnp.exp(-x["rate"] * t) + shift - 2.0 * jnp.exp(-0.7 * t)

    start = {"height": jnp.ones(()), "rate": jnp.zeros(())}
    found = o.gauss_newton(residuals, start, 0.0)
    assert Status(int(found.info.status)) is Status.OPTIMAL
    assert found.info.objective < 1e-20
    other = o.least_squares(residuals, start, 0.0)
    for fit in (found, other):
        np.testing.assert_allclose([fit.x["height"], fit.x["rate"]], [2.0, 0.7], rtol=1e-9)
    slopes = [
        jax.jacfwd(lambda shift, solve=solve: solve(residuals, start, shift).x)(0.0)
        for solve in (o.gauss_newton, o.least_squares)
    ]
    for name in start:
        assert slopes[0][name] == pytest.approx(float(slopes[1][name]), rel=1e-7)


def test_a_truncated_method_in_float32():
    start = jnp.array([-1.2, 1.0], jnp.float32)
    found = o.newton_cg(rosenbrock, start, jnp.float32(100))
    assert found.x.dtype == jnp.float32
    assert Status(int(found.info.status)) is Status.OPTIMAL


def test_the_method_of_gauss_and_newton_uses_its_curvature():
    """Along Rosenbrock's valley slopes alone take thousands of steps."""

    def valley(x, _):
        return jnp.array([10 * (x[1] - x[0] ** 2), 1 - x[0]])

    found = o.gauss_newton(valley, jnp.array([-1.2, 1.0]))
    assert Status(int(found.info.status)) is Status.OPTIMAL
    np.testing.assert_allclose(found.x, 1, rtol=1e-9)
    assert found.info.iterations < 40
