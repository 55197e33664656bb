"""Proximal and projected methods against scikit-learn, SciPy, quadratic programs and theory."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize
from sklearn.linear_model import ElasticNet, MultiTaskLasso

from jaxmath import optimize as o
from jaxmath import proximal
from jaxmath.constrained import kkt_residuals, solve_qp
from jaxmath.constrained.kkt import Problem, quadratic_problem
from jaxmath.optimize import Status, describe
from jaxmath.proximal import projections
from tests.marks import long_but

RNG = np.random.default_rng(0)
N, D = 40, 8
X = RNG.normal(size=(N, D)) @ (np.eye(D) + 0.2)
Y = X[:, :3] @ [1.0, 2.0, -1.0] + 0.3 * RNG.normal(size=N)
STRENGTHS = 0.3, 0.1


def optimal(found):
    assert Status(int(found.info.status)) is Status.OPTIMAL, describe(found.info)
    return np.asarray(found.x)


def mean_loss(product, args):
    return jnp.mean((product - args[2]) ** 2) / 2


def mean_loss_of_weights(w, args):
    return mean_loss(jnp.asarray(X) @ w, args)


def elastic_net(v, step, args):
    return proximal.elastic_net(v, step * args[0], step * args[1] / 2)


def squares(v, step, args):
    """The proximal map of the mean loss, in closed form."""
    gram, right = X.T @ X / N, args[2] @ X / N
    return jnp.linalg.solve(step * gram + jnp.eye(D), v + step * right)


def of_weights(solver):
    return lambda args: solver(mean_loss_of_weights, elastic_net, jnp.zeros(D), args)


SOLVERS = {
    "proximal_gradient": of_weights(o.proximal_gradient),
    "without acceleration": of_weights(functools.partial(o.proximal_gradient, acceleration=False)),
    "block_coordinate_descent": lambda args: o.block_coordinate_descent(
        mean_loss, elastic_net, jnp.zeros(D), X, args
    ),
    "admm": lambda args: o.admm(squares, elastic_net, jnp.zeros(D), args),
}


@pytest.mark.parametrize("name", long_but((*SOLVERS,), SOLVERS))
def test_elastic_net_is_that_of_scikit_learn_with_derivatives_in_closed_form(name):
    """On the support w = (G + l2)^-1 (X'y / n - l1 sign w), with the Gram matrix G there."""

    def solve(l1, l2, y):
        found = SOLVERS[name]((l1, l2, y))
        return found.x, found

    slopes, found = jax.jit(jax.jacrev(solve, (0, 1, 2), has_aux=True))(*STRENGTHS, jnp.asarray(Y))
    l1, l2 = STRENGTHS
    other = ElasticNet(
        alpha=l1 + l2, l1_ratio=l1 / (l1 + l2), fit_intercept=False, tol=1e-15, max_iter=10**6
    )
    other = other.fit(X, Y).coef_
    np.testing.assert_allclose(optimal(found), other, rtol=0, atol=1e-8)
    support = np.flatnonzero(other)
    assert 0 < len(support) < D
    inverse = np.zeros((D, D))
    gram = X[:, support].T @ X[:, support] / N + l2 * np.eye(len(support))
    inverse[np.ix_(support, support)] = np.linalg.inv(gram)
    exact = inverse @ (X.T @ Y / N - l1 * np.sign(other))
    np.testing.assert_allclose(found.x, exact, rtol=0, atol=1e-8)
    np.testing.assert_allclose(slopes[0], -inverse @ np.sign(other), rtol=0, atol=1e-9)
    np.testing.assert_allclose(slopes[1], -inverse @ exact, rtol=0, atol=1e-9)
    np.testing.assert_allclose(slopes[2], inverse @ X.T / N, rtol=0, atol=1e-9)
    # The multipliers are a subgradient of the penalty.
    of_penalty = found.multipliers - l2 * exact
    np.testing.assert_allclose(of_penalty[support], l1 * np.sign(other[support]), atol=1e-8)
    assert np.all(np.abs(of_penalty) <= l1 + 1e-8)


def test_rows_of_several_outputs_are_chosen_together_as_in_scikit_learn():
    targets = np.stack([Y, X @ RNG.normal(size=D)], axis=1)
    other = MultiTaskLasso(alpha=1.5, fit_intercept=False, tol=1e-14, max_iter=10**5)
    other = other.fit(X, targets).coef_.T
    found = o.block_coordinate_descent(
        lambda z, y: jnp.sum((z - y) ** 2) / (2 * N),
        lambda v, step, _: proximal.group_lasso(v, 1.5 * step),
        jnp.zeros((D, 2)),
        X,
        jnp.asarray(targets),
    )
    np.testing.assert_allclose(optimal(found), other, rtol=0, atol=1e-8)
    assert 0 < np.sum(other[:, 0] == 0) < D


Q = RNG.normal(size=(10, 6))
Q = Q.T @ Q / 10
C = np.array([0.3, -0.8, 0.5, -0.6, 0.9, 0.1])


def parabola(x, c):
    return x @ jnp.asarray(Q) @ x / 2 + c @ x


def on_simplex(v, _):
    return projections.simplex(v, 1.0)


def corner(slope, _):
    return (jnp.arange(slope.size) == jnp.argmin(slope)).astype(slope.dtype)


def of_simplex():
    """By the interior-point method, tightly."""
    return solve_qp(
        jnp.asarray(Q), jnp.asarray(C), jnp.ones((1, 6)), jnp.ones(1), bounds=(0.0, None)
    )


def nearly_uniform(v, step, c):
    """The proximal map of the parabola."""
    return jnp.linalg.solve(jnp.eye(6) + step * jnp.asarray(Q), v - step * c)


SIMPLEX = {
    "projected_gradient": lambda c: o.projected_gradient(parabola, on_simplex, jnp.ones(6) / 6, c),
    "mirror_descent": lambda c: o.mirror_descent(parabola, jnp.ones(6), c),
    "admm": lambda c: o.admm(nearly_uniform, lambda v, _, c: on_simplex(v, c), jnp.ones(6) / 6, c),
}


@pytest.mark.parametrize("name", long_but(("projected_gradient", "mirror_descent"), SIMPLEX))
def test_quadratic_programs_on_the_simplex(name):
    def solve(c):
        found = SIMPLEX[name](c)
        return found.x, found

    slope, found = jax.jit(jax.jacrev(solve, has_aux=True))(jnp.asarray(C))
    other = of_simplex()
    support = np.asarray(other.x) > 1e-6
    assert 1 < sum(support) < 6
    np.testing.assert_allclose(optimal(found), other.x, rtol=0, atol=1e-8)
    # With B a basis of the moves on the face, dx/dc = -B (B'QB)^-1 B'.
    face = np.eye(6)[:, support]
    basis = face @ np.linalg.svd(np.ones((1, sum(support))))[2][1:].T
    exact = -basis @ np.linalg.solve(basis.T @ Q @ basis, basis.T)
    np.testing.assert_allclose(slope, exact, rtol=0, atol=1e-8)


def test_the_gap_of_frank_and_wolfe_bounds_what_is_left():
    """And both fall like 2 L |s - s'|^2 / (k + 2) (Jaggi 2013, theorem 1), doubled for halving."""
    least = float(of_simplex().info.objective)
    start = jnp.ones(6) / 6
    curvature = 2 * np.linalg.eigvalsh(Q)[-1]

    def after(steps):
        return o.frank_wolfe(parabola, corner, start, jnp.asarray(C), max_iterations=steps)

    for steps in (10, 100, 1000):
        found = after(steps)
        left = float(parabola(found.x, C)) - least
        gap = float(found.info.gap) * (1 + abs(float(found.info.objective)))
        assert -1e-12 <= left <= gap * (1 + 1e-12)
        assert left <= 2 * 2 * curvature / (steps + 2)
        assert abs(float(found.x.sum()) - 1) < 1e-12
    assert optimal(after(10**5)).min() >= 0

    def first(c):
        return o.frank_wolfe(parabola, corner, start, c, max_iterations=10).x[0]

    assert np.isnan(jax.grad(first)(jnp.asarray(C))).all()


def worst(x, _):
    """Nesterov's chain, whose gradient has the constant 1."""
    inner = jnp.sum(jnp.square(x[1:] - x[:-1]))
    return (jnp.square(x[0]) + inner + jnp.square(x[-1])) / 8 - x[0] / 4


@pytest.mark.parametrize("acceleration", [True, False])
def test_rates_on_the_worst_function(acceleration):
    """At most 2 eta L |x*|^2 / (k + 1)^2, or eta L |x*|^2 / 2k, with eta = 2 for halving.

    Beck and Teboulle (2009), theorems 4.4 and 3.1.
    """
    n = 101
    exact = 1 - np.arange(1, n + 1) / (n + 1)
    least, square = float(worst(exact, None)), exact @ exact
    for steps in (5, 20, 50):
        found = o.proximal_gradient(
            worst,
            lambda v, *_: v,
            jnp.zeros(n),
            max_iterations=steps,
            acceleration=acceleration,
            second_look=False,
        )
        bound = 4 * square / (steps + 1) ** 2 if acceleration else square / steps
        left = float(worst(found.x, None)) - least
        assert 0 < left <= bound
        if 2 * steps + 1 == n:  # no method is faster there (Nesterov 2004, theorem 2.1.7)
            assert left >= 3 * square / (32 * (steps + 1) ** 2)


def least_squares(x, y):
    return jnp.sum((jnp.asarray(X) @ x - y) ** 2) / 2


@pytest.mark.parametrize("name", ["lbfgsb", "projected_gradient"])
def test_non_negative_least_squares_is_that_of_scipy(name):
    y = jnp.asarray(Y - 2 * X[:, 4])
    if name == "lbfgsb":
        found = o.lbfgsb(least_squares, jnp.ones(D), y, bounds=(0.0, None), tolerance=1e-11)
        judged = kkt_residuals(Problem(lambda x: least_squares(x, y), bounds=(0.0, None)), found)
        assert judged.error <= 1e-10
    else:
        found = o.projected_gradient(
            least_squares, lambda v, _: projections.nonnegative(v), jnp.ones(D), y
        )
    other = scipy.optimize.nnls(X, np.asarray(y))[0]
    assert 0 < np.sum(other == 0) < D
    np.testing.assert_allclose(optimal(found), other, rtol=0, atol=1e-9)


def rosenbrock(x, scale):
    return scale * jnp.sum((x[1:] - x[:-1] ** 2) ** 2) + jnp.sum((1 - x[:-1]) ** 2)


def test_a_valley_between_bounds_with_shadow_prices():
    """The minimum of SciPy's L-BFGS-B; raising an upper end changes the value by -multiplier."""
    start, upper = np.tile([-1.2, 1.0], 3), np.array([0.8, 2.0, 0.6, 2.0, 2.0, 2.0])

    def solve(upper):
        found = o.lbfgsb(rosenbrock, jnp.array(start), 10.0, bounds=(-1.5, upper), tolerance=1e-11)
        return found.info.objective, found

    slope, found = jax.jit(jax.grad(solve, has_aux=True))(jnp.array(upper))
    other = scipy.optimize.minimize(
        lambda x: np.array(rosenbrock(x, 10.0)),
        start,
        jac=lambda x: np.array(jax.grad(rosenbrock)(x, 10.0)),
        method="L-BFGS-B",
        bounds=[(-1.5, end) for end in upper],
        options=dict(ftol=1e-15, gtol=1e-10),
    )
    np.testing.assert_allclose(optimal(found), other.x, rtol=0, atol=1e-7)
    prices = np.asarray(found.multipliers.bounds)
    assert prices[2] > 0.1
    np.testing.assert_allclose(slope, -prices, rtol=1e-9, atol=1e-9)
    problem = Problem(lambda x: rosenbrock(x, 10.0), bounds=(-1.5, jnp.array(upper)))
    assert kkt_residuals(problem, found).error <= 1e-9


def bent(x, args):
    bowl, slope, wall = args
    return bowl * jnp.sum(x**2) + slope * x[0] + jnp.log(wall + bowl * x[1] ** 2)


LANES = jnp.array([[1.0, 0.5, 1.0], [0.0, 1.0, 1.0], [1.0, 0.0, -1e9], [jnp.nan, 0.0, 1.0]])
ENDS = [Status.OPTIMAL, Status.UNBOUNDED, Status.NOT_FINITE, Status.NOT_FINITE]
LANE_SOLVERS = {
    "lbfgsb": lambda start, args: o.lbfgsb(bent, start, args, bounds=(None, 3.0)),
    "projected_gradient": lambda start, args: o.projected_gradient(
        bent, lambda v, _: jnp.minimum(v, 3.0), start, args
    ),
}


@pytest.mark.parametrize("name", LANE_SOLVERS)
def test_each_lane_has_its_status_and_does_no_harm(name):
    start = jnp.array([1.0, 0.5])
    together = jax.jit(jax.vmap(lambda args: LANE_SOLVERS[name](start, tuple(args))))(LANES)
    assert [Status(int(code)) for code in together.info.status] == ENDS, describe(together.info)
    np.testing.assert_allclose(together.x[0], [-0.25, 0], rtol=0, atol=1e-9)
    np.testing.assert_array_equal(together.x[2:], [start, start])


def test_contradictions_have_their_own_ends():
    start = jnp.ones(2)
    crossed = o.lbfgsb(lambda x, _: jnp.sum(x**2), start, bounds=(2.0, 1.0))
    assert Status(int(crossed.info.status)) is Status.INFEASIBLE
    apart = o.admm(lambda v, *_: jnp.minimum(v, -1.0), lambda v, *_: jnp.maximum(v, 1.0), start)
    assert Status(int(apart.info.status)) is Status.STALLED
    with pytest.raises(TypeError, match="floating-point"):
        o.mirror_descent(lambda x, _: jnp.sum(x), jnp.arange(3))
    with pytest.raises(ValueError, match="bound"):
        o.lbfgsb(lambda x, _: jnp.sum(x), start, bounds=(jnp.zeros(3), None))
    with pytest.raises(ValueError, match="no product"):
        o.block_coordinate_descent(mean_loss, elastic_net, start, X)


def test_on_a_kink_there_is_no_derivative_and_beside_it_there_is():
    """At the strength that just makes all weights zero the slope differs from side to side."""
    edge = float(np.max(np.abs(X.T @ Y)) / N)

    def first(strength):
        args = (strength, 0.0, jnp.asarray(Y))
        found = o.proximal_gradient(mean_loss_of_weights, elastic_net, jnp.zeros(D), args)
        return jnp.sum(jnp.abs(found.x)), found

    slope = jax.jit(jax.value_and_grad(first, has_aux=True))
    (_, found), there = slope(edge)
    optimal(found)
    assert np.isnan(there)
    assert "no derivative" in describe(found.info)
    (_, found), above = slope(1.001 * edge)
    assert above == 0
    assert found.info.regular
    below = slope(0.999 * edge)[1]
    column = X[:, np.argmax(np.abs(X.T @ Y))]
    assert below == pytest.approx(-N / (column @ column), rel=1e-9)


def test_pytrees_and_single_precision():
    parts = {"a": jnp.zeros(3, jnp.float32), "b": jnp.zeros((1, 5), jnp.float32)}

    def join(w):
        return jnp.concatenate([w["a"], w["b"][0]])

    args = (jnp.float32(0.3), jnp.float32(0.1), jnp.asarray(Y, jnp.float32))
    found = o.proximal_gradient(
        lambda w, args: mean_loss(jnp.asarray(X, jnp.float32) @ join(w), args),
        lambda v, step, args: jax.tree.map(lambda v: elastic_net(v, step, args), v),
        parts,
        args,
    )
    assert Status(int(found.info.status)) is Status.OPTIMAL, describe(found.info)
    assert join(found.x).dtype == jnp.float32
    double = SOLVERS["proximal_gradient"]((*STRENGTHS, jnp.asarray(Y)))
    np.testing.assert_allclose(join(found.x), double.x, rtol=0, atol=1e-4)


@pytest.mark.full
@pytest.mark.parametrize("name", SOLVERS)
def test_second_derivatives_of_the_elastic_net(name):
    """On the support d2w / dl2^2 = 2 R R w, with R = (G + l2)^-1."""
    l1, l2 = STRENGTHS

    def solve(l2):
        return SOLVERS[name]((l1, l2, jnp.asarray(Y))).x

    w = np.asarray(solve(l2))
    support = np.flatnonzero(w)
    gram = X[:, support].T @ X[:, support] / N + l2 * np.eye(len(support))
    exact = np.zeros(D)
    exact[support] = 2 * np.linalg.solve(gram, np.linalg.solve(gram, w[support]))
    np.testing.assert_allclose(jax.jacfwd(jax.jacrev(solve))(l2), exact, rtol=0, atol=1e-7)


@pytest.mark.full
@pytest.mark.parametrize("seed", range(12))
def test_random_programs_between_bounds_are_those_of_the_interior_point_method(seed):
    """With condition numbers around 1e5."""
    rng, n = np.random.default_rng(seed), 20
    root = rng.normal(size=(n + 2, n)) * 10.0 ** rng.uniform(-1, 1, n)
    P, q = jnp.asarray(root.T @ root), jnp.asarray(rng.normal(size=n))
    low = jnp.asarray(np.where(rng.random(n) < 0.3, -np.inf, -rng.random(n) / 3))
    high = jnp.asarray(np.where(rng.random(n) < 0.3, np.inf, rng.random(n) / 3))
    other = solve_qp(P, q, bounds=(low, high))
    found = o.lbfgsb(of_program, jnp.zeros(n), (P, q), bounds=(low, high))
    optimal(found)
    assert kkt_residuals(quadratic_problem(P, q, bounds=(low, high)), found).error <= 1e-9
    assert float(found.info.objective) <= float(other.info.objective) + 1e-9


def of_program(x, program):
    P, q = program
    return x @ P @ x / 2 + q @ x
