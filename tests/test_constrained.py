"""Constrained solves against the answers of textbooks, NumPy's KKT systems and mpmath's roots.

The exact points and multipliers below were derived on paper from the stationarity of
L = f + lambda . g; the problems marked HS are those of Hock and Schittkowski (1981).
"""

import inspect
from typing import NamedTuple

import chex
import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest

from jaxmath.constrained import Info, Kind, Solution, Status, describe, solve_equality
from jaxmath.optimize.implicit import implicit_root
from tests.marks import long_but


class Problem(NamedTuple):
    name: str
    objective: object
    constraint: object
    start: tuple
    x: object  # exact, None where only the value is published
    multipliers: object
    value: float
    kind: Kind = Kind.MINIMUM


def power(exponent):
    return 2.0**exponent


SQRT2, SQRT3 = np.sqrt(2), np.sqrt(3)
A = np.array([[4.0, 1, 0], [1, 3, -1], [0, -1, 2]])
EIGENVALUES, EIGENVECTORS = np.linalg.eigh(A)

TEXTBOOK = (
    Problem(
        "Nocedal-Wright example 12.1",
        lambda x, _: x[0] + x[1],
        lambda x, _: x @ x - 2,
        (0.5, -2.0),
        (-1, -1),
        0.5,
        -2,
    ),
    Problem(
        "HS6",
        lambda x, _: (1 - x[0]) ** 2,
        lambda x, _: 10 * (x[1] - x[0] ** 2),
        (-1.2, 1.0),
        (1, 1),
        0.0,
        0,
    ),
    Problem(
        "HS7",
        lambda x, _: jnp.log(1 + x[0] ** 2) - x[1],
        lambda x, _: (1 + x[0] ** 2) ** 2 + x[1] ** 2 - 4,
        (2.0, 2.0),
        (0, SQRT3),
        1 / (2 * SQRT3),
        -SQRT3,
    ),
    Problem(
        "HS26, degenerate",
        lambda x, _: (x[0] - x[1]) ** 2 + (x[1] - x[2]) ** 4,
        lambda x, _: (1 + x[1] ** 2) * x[0] + x[2] ** 4 - 3,
        (-2.6, 2.0, 2.0),
        None,
        0.0,
        0,
        Kind.UNDECIDED,
    ),
    Problem(
        "HS27",
        lambda x, _: (x[0] - 1) ** 2 / 100 + (x[1] - x[0] ** 2) ** 2,
        lambda x, _: x[0] + x[2] ** 2 + 1,
        (2.0, 2.0, 2.0),
        (-1, 1, 0),
        0.04,
        0.04,
    ),
    Problem(
        "HS28",
        lambda x, _: (x[0] + x[1]) ** 2 + (x[1] + x[2]) ** 2,
        lambda x, _: x[0] + 2 * x[1] + 3 * x[2] - 1,
        (-4.0, 1.0, 1.0),
        (0.5, -0.5, 0.5),
        0.0,
        0,
    ),
    Problem(
        "HS39",
        lambda x, _: -x[0],
        lambda x, _: jnp.stack([x[1] - x[0] ** 3 - x[2] ** 2, x[0] ** 2 - x[1] - x[3] ** 2]),
        (2.0, 2.0, 2.0, 2.0),
        (1, 1, 0, 0),
        (-1, -1),
        -1,
    ),
    Problem(
        "HS40",
        lambda x, _: -jnp.prod(x),
        lambda x, _: jnp.stack(
            [x[0] ** 3 + x[1] ** 2 - 1, x[0] ** 2 * x[3] - x[2], x[3] ** 2 - x[1]]
        ),
        (0.8, 0.8, 0.8, 0.8),
        (power(-1 / 3), power(-1 / 2), power(-11 / 12), power(-1 / 4)),
        (0.5, -power(-13 / 12), power(-3 / 2)),
        -0.25,
    ),
    Problem(
        "HS42",
        lambda x, _: jnp.sum((x - jnp.arange(1.0, 5.0)) ** 2),
        lambda x, _: jnp.stack([x[0] - 2, x[2] ** 2 + x[3] ** 2 - 2]),
        (1.0, 1.0, 1.0, 1.0),
        (2, 2, 0.6 * SQRT2, 0.8 * SQRT2),
        (-2, 5 / SQRT2 - 1),
        28 - 10 * SQRT2,
    ),
    Problem(
        "HS48",
        lambda x, _: (x[0] - 1) ** 2 + (x[1] - x[2]) ** 2 + (x[3] - x[4]) ** 2,
        lambda x, _: jnp.stack([jnp.sum(x) - 5, x[2] - 2 * (x[3] + x[4]) + 3]),
        (3.0, 5.0, -3.0, 2.0, -2.0),
        (1, 1, 1, 1, 1),
        (0, 0),
        0,
    ),
    Problem(
        "HS52",
        lambda x, _: (
            (4 * x[0] - x[1]) ** 2 + (x[1] + x[2] - 2) ** 2 + (x[3] - 1) ** 2 + (x[4] - 1) ** 2
        ),
        lambda x, _: jnp.stack([x[0] + 3 * x[1], x[2] + x[3] - 2 * x[4], x[1] - x[4]]),
        (2.0, 2.0, 2.0, 2.0, 2.0),
        np.array([-33, 11, 180, -158, 11]) / 349,
        np.array([1144, 1014, -2704]) / 349,
        1859 / 349,
    ),
    Problem(
        "HS77",
        lambda x, _: (
            (x[0] - 1) ** 2
            + (x[0] - x[1]) ** 2
            + (x[2] - 1) ** 2
            + (x[3] - 1) ** 4
            + (x[4] - 1) ** 6
        ),
        lambda x, _: jnp.stack(
            [
                x[0] ** 2 * x[3] + jnp.sin(x[3] - x[4]) - 2 * SQRT2,
                x[1] + x[2] ** 4 * x[3] ** 2 - 8 - SQRT2,
            ]
        ),
        (2.0, 2.0, 2.0, 2.0, 2.0),
        None,
        None,
        0.24150513,
    ),
    Problem(
        "HS78",
        lambda x, _: jnp.prod(x),
        lambda x, _: jnp.stack(
            [x @ x - 10, x[1] * x[2] - 5 * x[3] * x[4], x[0] ** 3 + x[1] ** 3 + 1]
        ),
        (-2.0, 1.5, 2.0, -1.0, -1.0),
        None,
        None,
        -2.91970041,
    ),
    Problem(
        "largest box of a given surface",
        lambda x, _: -jnp.prod(x),
        lambda x, _: 2 * (x[0] * x[1] + x[1] * x[2] + x[2] * x[0]) - 24,
        (1.0, 2.0, 4.0),
        (2, 2, 2),
        0.5,
        -8,
    ),
    Problem(
        "largest entropy on five points",
        lambda x, _: jnp.sum(x * jnp.log(x)),
        lambda x, _: jnp.sum(x) - 1,
        (0.1, 0.15, 0.2, 0.25, 0.3),
        np.full(5, 0.2),
        np.log(5) - 1,
        -np.log(5),
    ),
    Problem(
        "point of a plane closest to the origin",
        lambda x, _: x @ x,
        lambda x, _: x @ jnp.array([1.0, 2.0, 2.0]) - 3,
        (5.0, 0.0, -7.0),
        (1 / 3, 2 / 3, 2 / 3),
        -2 / 3,
        1,
    ),
    Problem(
        "smallest eigenvalue as a Rayleigh quotient",
        lambda x, _: x @ jnp.asarray(A) @ x,
        lambda x, _: x @ x - 1,
        tuple(0.7 * EIGENVECTORS[:, 0] + 0.2),
        EIGENVECTORS[:, 0],
        -EIGENVALUES[0],
        EIGENVALUES[0],
    ),
    Problem(
        "Cobb-Douglas demand, u = x^0.3 y^0.7 within the budget 2 x + 5 y = 100",
        lambda x, _: -(x[0] ** 0.3) * x[1] ** 0.7,
        lambda x, _: 2 * x[0] + 5 * x[1] - 100,
        (10.0, 10.0),
        (15, 14),
        15**0.3 * 14**0.7 / 100,
        -(15**0.3) * 14**0.7,
    ),
)


PROBLEMS = {problem.name: problem for problem in TEXTBOOK}
# Each solve compiles for a second.
ORDINARY = (
    "Nocedal-Wright example 12.1",
    "HS7",
    "HS26, degenerate",
    "largest box of a given surface",
    "smallest eigenvalue as a Rayleigh quotient",
)


@pytest.mark.parametrize("name", long_but(ORDINARY, PROBLEMS))
def test_textbook_answers(name):
    problem = PROBLEMS[name]
    solution = solve_equality(problem.objective, problem.constraint, jnp.array(problem.start))
    info = solution.info
    assert Status(int(info.status)) is Status.OPTIMAL, describe(info)
    assert Kind(int(info.kind)) is problem.kind
    assert bool(info.regular)
    assert info.error <= info.tolerance
    assert info.objective == pytest.approx(problem.value, rel=1e-8, abs=1e-12)
    if problem.x is not None:
        np.testing.assert_allclose(solution.x, problem.x, rtol=1e-9, atol=1e-10)
    if problem.multipliers is not None:
        np.testing.assert_allclose(solution.multipliers, problem.multipliers, rtol=1e-9, atol=1e-9)


def test_the_residuals_are_those_of_the_first_order_conditions():
    problem = PROBLEMS["HS42"]
    start = jnp.array(problem.start)
    solution = solve_equality(problem.objective, problem.constraint, start, max_iterations=1)
    gradient = jax.grad(problem.objective)(solution.x, None)
    jacobian = jax.jacobian(problem.constraint)(solution.x, None)
    stationarity = np.max(np.abs(gradient + solution.multipliers @ jacobian))
    violation = np.max(np.abs(problem.constraint(solution.x, None)))
    assert stationarity > 1e-3
    assert violation > 1e-4
    assert solution.info.stationarity == pytest.approx(stationarity, rel=1e-12)
    assert solution.info.primal == pytest.approx(violation, rel=1e-12)
    assert solution.info.iterations == 1


def quadratic(x, args):
    P, q, _, _ = args
    return 0.5 * x @ P @ x + q @ x


def affine(x, args):
    _, _, A, b = args
    return A @ x - b


def random_program(seed, n=6, m=3):
    random = np.random.default_rng(seed)
    factor = random.normal(size=(n, n))
    return (
        factor @ factor.T + 0.1 * np.eye(n),
        random.normal(size=n),
        random.normal(size=(m, n)),
        random.normal(size=m),
    )


def kkt_solve(P, q, A, b):
    m = len(b)
    matrix = np.block([[P, A.T], [A, np.zeros((m, m))]])
    z = np.linalg.solve(matrix, np.concatenate([-q, b]))
    return z[: len(q)], z[len(q) :]


def test_quadratic_programs_take_one_step_and_equal_numpy():
    programs = [random_program(seed) for seed in range(50)]
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *programs)
    start = jnp.zeros(6)
    solutions = jax.vmap(lambda args: solve_equality(quadratic, affine, start, args))(stacked)
    expected = [kkt_solve(*program) for program in programs]
    assert np.all(solutions.info.status == Status.OPTIMAL)
    assert np.all(solutions.info.kind == Kind.MINIMUM)
    assert np.max(solutions.info.iterations) <= 2
    np.testing.assert_allclose(solutions.x, [x for x, _ in expected], rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(
        solutions.multipliers, [lam for _, lam in expected], rtol=1e-8, atol=1e-9
    )


@pytest.mark.full
def test_derivatives_of_a_quadratic_program_equal_those_of_its_linear_system():
    program = tuple(map(jnp.asarray, random_program(1)))

    def solver(args):
        solution = solve_equality(quadratic, affine, jnp.zeros(6), args)
        return solution.x, solution.multipliers

    def linear(args):
        P, q, A, b = args
        m = b.size
        matrix = jnp.block([[P, A.T], [A, jnp.zeros((m, m))]])
        z = jnp.linalg.solve(matrix, jnp.concatenate([-q, b]))
        return z[: q.size], z[q.size :]

    # The objective takes x' P x, which sees the symmetric part of P alone.
    def symmetric(function):
        return lambda args: function((0.5 * (args[0] + args[0].T), *args[1:]))

    expected = jax.jacrev(symmetric(linear))(program)
    for jacobian in (jax.jacrev, jax.jacfwd):
        found = jacobian(symmetric(solver))(program)
        chex.assert_trees_all_close(found, expected, rtol=1e-8, atol=1e-8)


def curved_objective(x, args):
    a, _ = args
    return x[0] ** 4 + x[0] * x[1] + (1 + a) * x[1] ** 2


def curved_constraint(x, args):
    _, c = args
    return x[0] ** 2 + x[1] * jnp.exp(x[1]) - c


def curved_by_mpmath(a, c):
    """The stationary point of L near (0.9, 0.3, ...), with 40 digits, by mpmath's Newton."""
    with mpmath.workdps(40):
        a, c = mpmath.mpf(a), mpmath.mpf(c)

        def conditions(x, y, lam):
            return [
                4 * x**3 + y + 2 * lam * x,
                x + 2 * (1 + a) * y + lam * (1 + y) * mpmath.exp(y),
                x**2 + y * mpmath.exp(y) - c,
            ]

        start = solve_equality(
            curved_objective, curved_constraint, jnp.array([1.0, 0.5]), (float(a), float(c))
        )
        guess = [*map(float, start.x), float(start.multipliers)]
        return list(mpmath.findroot(conditions, guess, tol=1e-60))


@pytest.mark.full
def test_derivatives_equal_differences_of_high_precision_solutions():
    a, c, h = 0.5, 1.25, mpmath.mpf(10) ** -12

    def solver(args):
        solution = solve_equality(curved_objective, curved_constraint, jnp.array([1.0, 0.5]), args)
        return jnp.append(solution.x, solution.multipliers)

    np.testing.assert_allclose(solver((a, c)), np.array(curved_by_mpmath(a, c), float), rtol=1e-11)
    with mpmath.workdps(40):
        a, c = mpmath.mpf(a), mpmath.mpf(c)
        steps = {0: ((a + h, c), (a - h, c)), 1: ((a, c + h), (a, c - h))}
        expected = {
            index: [
                (u - d) / (2 * h)
                for u, d in zip(*(curved_by_mpmath(*end) for end in ends), strict=True)
            ]
            for index, ends in steps.items()
        }
    for jacobian in (jax.jacfwd, jax.jacrev):
        found = jacobian(solver)((float(a), float(c)))
        for index, column in enumerate(found):
            np.testing.assert_allclose(column, np.array(expected[index], float), rtol=1e-9)


def plane(x, args):
    normal, offset = args
    return normal @ x - offset


def distance(args):
    return solve_equality(lambda x, _: x @ x, plane, jnp.ones(3), args)


def test_shadow_price_is_minus_the_multiplier_and_second_derivatives_are_exact():
    """The squared distance of a plane is b^2 / |a|^2; with g = a.x - b, lambda = -2b / |a|^2."""
    normal, offset = jnp.array([1.0, -2.0, 0.5]), 1.7
    square = float(normal @ normal)

    def value(args):
        solution = distance(args)
        return solution.info.objective, solution.multipliers

    (_, multiplier), (in_normal, price) = jax.value_and_grad(value, has_aux=True)((normal, offset))
    assert price == pytest.approx(2 * offset / square, rel=1e-12)
    assert price == pytest.approx(-float(multiplier), rel=1e-12)
    np.testing.assert_allclose(in_normal, -2 * offset**2 / square**2 * normal, rtol=1e-10)
    assert jax.hessian(lambda b: value((normal, b))[0])(offset) == pytest.approx(
        2 / square, rel=1e-10
    )


def test_a_parameter_in_a_closure_is_differentiated_too():
    def value(c):
        return solve_equality(
            lambda x, _: x @ x, lambda x, _: x[0] + x[1] - c, jnp.ones(2)
        ).info.objective

    assert jax.grad(value)(3.0) == pytest.approx(3.0, rel=1e-12)


def test_the_start_has_no_derivative():
    def coordinate(start):
        return solve_equality(curved_objective, curved_constraint, start, (0.5, 1.25)).x[0]

    np.testing.assert_array_equal(jax.grad(coordinate)(jnp.array([1.0, 0.5])), 0)


FAILURES = {
    "contradicting lines": (
        lambda x, _: x @ x,
        lambda x, _: jnp.stack([x[0] + x[1] - 1, x[0] + x[1] - 2]),
        (3.0, 1.0),
        Status.INFEASIBLE,
    ),
    "a negative square": (
        lambda x, _: x[0] + x[1],
        lambda x, _: x @ x + 1,
        (3.0, 1.0),
        Status.INFEASIBLE,
    ),
    "a slope without end": (
        lambda x, _: x[0] + x[1],
        lambda x, _: x[0] - x[1],
        (3.0, 1.0),
        Status.UNBOUNDED,
    ),
    "a concave parabola": (
        lambda x, _: -x @ x,
        lambda x, _: x[0] - x[1],
        (3.0, 1.0),
        Status.UNBOUNDED,
    ),
    "a negative exponential": (
        lambda x, _: -jnp.exp(x[0]) + x[1] ** 2,
        lambda x, _: x[1] - 1,
        (3.0, 1.0),
        Status.UNBOUNDED,
    ),
    "a start of NaN": (
        lambda x, _: x @ x,
        lambda x, _: x[0] - x[1],
        (np.nan, 1.0),
        Status.NOT_FINITE,
    ),
    "a start outside the domain": (
        lambda x, _: jnp.log(x[0]) + x[1],
        lambda x, _: x[0] - x[1],
        (-1.0, 1.0),
        Status.NOT_FINITE,
    ),
    "touching circles": (
        lambda x, _: x[0] + x[1],
        lambda x, _: jnp.stack([(x[0] - 1) ** 2 + x[1] ** 2 - 1, (x[0] + 1) ** 2 + x[1] ** 2 - 1]),
        (0.5, 1.0),
        Status.SINGULAR,
    ),
    "a square as constraint": (
        lambda x, _: x[0] ** 2 + x[1],
        lambda x, _: x[1] ** 2,
        (1.0, 1.0),
        Status.SINGULAR,
    ),
    "a cusp": (lambda x, _: x[0], lambda x, _: x[0] ** 3 - x[1] ** 2, (1.0, 1.0), Status.SINGULAR),
    "a start at the maximum": (
        lambda x, _: -x @ x + x[0] * 4,
        lambda x, _: x[0] + x[1] - 2,
        (2.0, 0.0),
        Status.STATIONARY,
    ),
    "a start at a saddle": (
        lambda x, _: x[0] ** 2 - x[1] ** 2 + x[2],
        lambda x, _: x[2],
        (0.0, 0.0, 0.0),
        Status.STATIONARY,
    ),
}
KINDS = {"a start at the maximum": Kind.MAXIMUM, "a start at a saddle": Kind.SADDLE}


@pytest.mark.parametrize(
    "name", long_but(("contradicting lines", "touching circles", "a start at a saddle"), FAILURES)
)
def test_status_truth_table(name):
    objective, constraint, start, status = FAILURES[name]

    def coordinate(shift):
        solution = solve_equality(
            lambda x, shift: objective(x, None) + shift * x[0], constraint, jnp.array(start), shift
        )
        return solution.x[0], solution

    (_, solution), slope = jax.value_and_grad(coordinate, has_aux=True)(0.0)
    assert Status(int(solution.info.status)) is status, describe(solution.info)
    assert Kind(int(solution.info.kind)) is KINDS.get(name, Kind(int(solution.info.kind)))
    if status is not Status.NOT_FINITE:
        assert np.all(np.isfinite(solution.x))
    # A derivative exists at a stationary point of any kind, and nowhere else in this table.
    assert np.isnan(slope) == (status is not Status.STATIONARY)


def test_iteration_limit_and_its_words():
    problem = PROBLEMS["HS26, degenerate"]
    start = jnp.array(problem.start)
    info = solve_equality(problem.objective, problem.constraint, start, max_iterations=3).info
    assert Status(int(info.status)) is Status.ITERATION_LIMIT
    assert "3 steps" in describe(info)
    zero = solve_equality(problem.objective, problem.constraint, start, max_iterations=0)
    assert Status(int(zero.info.status)) is Status.ITERATION_LIMIT
    np.testing.assert_array_equal(zero.x, start)


def test_redundant_constraints_are_solved_and_flagged():
    solution = solve_equality(
        lambda x, _: x @ x,
        lambda x, _: jnp.stack([x[0] + x[1] - 1, 2 * x[0] + 2 * x[1] - 2]),
        jnp.array([3.0, 1.0]),
    )
    assert Status(int(solution.info.status)) is Status.OPTIMAL
    assert not solution.info.regular
    assert "not unique" in describe(solution.info)
    np.testing.assert_allclose(solution.x, 0.5, rtol=1e-12)
    # x + lambda_1 (1, 1) + 2 lambda_2 (1, 1) = 0, whichever pair is returned.
    assert solution.multipliers @ np.array([1.0, 2.0]) == pytest.approx(-1.0, rel=1e-12)


def test_where_the_solution_is_not_unique_its_derivative_is_nan():
    def coordinate(c):
        return solve_equality(
            lambda x, c: x[0] + x[1], lambda x, c: x[0] + x[1] - c, jnp.array([3.0, 1.0]), c
        ).x[0]

    assert np.isnan(jax.grad(coordinate)(2.0))


def lane_objective(x, args):
    return args["slope"] @ x + args["bowl"] * x @ x


def lane_constraint(x, args):
    round_, flat = x @ x, x[0] - x[1]
    return args["round"] * round_ + (1 - args["round"]) * flat - args["right"]


LANES = {
    Status.OPTIMAL: dict(slope=(1.0, 2.0), bowl=0.0, round=1.0, right=2.0),
    Status.INFEASIBLE: dict(slope=(1.0, 2.0), bowl=0.0, round=1.0, right=-1.0),
    Status.UNBOUNDED: dict(slope=(1.0, 1.0), bowl=0.0, round=0.0, right=0.0),
    Status.SINGULAR: dict(slope=(1.0, 2.0), bowl=0.0, round=1.0, right=0.0),
    Status.NOT_FINITE: dict(slope=(1.0, 2.0), bowl=0.0, round=1.0, right=np.nan),
    Status.STATIONARY: dict(slope=(0.0, 0.0), bowl=-1.0, round=0.0, right=0.0),
}


def test_each_lane_has_its_status_and_equals_its_own_solve():
    def solve(start, args):
        return solve_equality(lane_objective, lane_constraint, start, args)

    starts = jnp.array([[0.0, 0.0] if s is Status.STATIONARY else [1.0, 0.5] for s in LANES])
    lanes = [
        jax.tree.map(jnp.asarray, {**lane, "slope": np.array(lane["slope"])})
        for lane in LANES.values()
    ]
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *lanes)
    together = jax.jit(jax.vmap(solve))(starts, stacked)
    assert [Status(int(code)) for code in together.info.status] == list(LANES)
    for index, (start, lane) in enumerate(zip(starts, lanes, strict=True)):
        alone = solve(start, lane)
        assert alone.info.status == together.info.status[index]
        np.testing.assert_allclose(together.x[index], alone.x, rtol=1e-9, atol=1e-9)
    words = describe(together.info)
    assert words.count("1 of 6 lanes") == 6


@pytest.mark.full
def test_float32_does_not_spin_and_says_what_it_reached():
    worst = 0
    for name in ("Nocedal-Wright example 12.1", "HS40", "HS77"):
        problem = PROBLEMS[name]
        start = jnp.array(problem.start, jnp.float32)
        solution = solve_equality(problem.objective, problem.constraint, start)
        assert solution.x.dtype == solution.multipliers.dtype == jnp.float32
        worst = max(worst, int(solution.info.iterations))
        assert Status(int(solution.info.status)) is Status.OPTIMAL, problem.name
        if problem.x is not None:
            np.testing.assert_allclose(solution.x, problem.x, rtol=1e-3, atol=1e-3)
    assert worst < 40
    problem = PROBLEMS["HS40"]
    start = jnp.array(problem.start, jnp.float32)
    asked = solve_equality(problem.objective, problem.constraint, start, tolerance=1e-12)
    assert Status(int(asked.info.status)) is Status.STALLED
    assert int(asked.info.iterations) < 20
    assert "jax_enable_x64" in describe(asked.info)
    assert "1.0e-12" in describe(asked.info)


def test_points_and_constraints_may_be_pytrees():
    def objective(x, args):
        return x["a"] ** 2 + jnp.sum((x["b"] - args) ** 2)

    def constraint(x, args):
        return {"sum": x["a"] + jnp.sum(x["b"]), "rows": x["b"][:, 0] - 1}

    start = {"a": jnp.array(0.0), "b": jnp.zeros((2, 2))}
    solution = solve_equality(objective, constraint, start, jnp.ones((2, 2)))
    assert isinstance(solution, Solution)
    assert isinstance(solution.info, Info)
    # With t = b[0, 1] = b[1, 1] and a = -(2 + 2t): minimise (2 + 2t)^2 + 2 (t - 1)^2, t = -1/3.
    np.testing.assert_allclose(solution.x["a"], -4 / 3, rtol=1e-12)
    np.testing.assert_allclose(solution.x["b"], [[1, -1 / 3], [1, -1 / 3]], rtol=1e-12)
    assert solution.multipliers["rows"].shape == (2,)
    np.testing.assert_allclose(solution.multipliers["sum"], 8 / 3, rtol=1e-12)
    np.testing.assert_allclose(solution.multipliers["rows"], -8 / 3, rtol=1e-12)


def test_new_values_do_not_trace_again():
    chex.clear_trace_counter()

    @jax.jit
    @chex.assert_max_traces(1)
    def solve(offset, tolerance, limit):
        return solve_equality(
            lambda x, c: x @ x,
            lambda x, c: x[0] - c,
            jnp.ones(2),
            offset,
            tolerance=tolerance,
            max_iterations=limit,
        ).x

    for offset in range(10):
        assert solve(float(offset), 1e-10, 50 + offset)[0] == pytest.approx(offset)


def test_whole_numbers_are_refused():
    with pytest.raises(TypeError, match="floating-point"):
        solve_equality(lambda x, _: x @ x, lambda x, _: x[0], jnp.arange(3))


def test_implicit_root_differentiates_any_search():
    """The square root, found by bisection-like repetition, has the derivative 1 / (2 sqrt(a))."""

    def root(a):
        found, steps = implicit_root(
            lambda z: z**2 - a,
            jnp.ones(()),
            lambda z: (jax.lax.fori_loop(0, 60, lambda _, z: 0.5 * (z + a / z), z), jnp.array(60)),
        )
        return found, steps

    assert jax.grad(lambda a: root(a)[0])(9.0) == pytest.approx(1 / 6, rel=1e-14)
    assert jax.grad(jax.grad(lambda a: root(a)[0]))(9.0) == pytest.approx(-1 / 108, rel=1e-13)
    assert root(9.0)[1] == 60
    assert root(9.0)[1].dtype == jnp.asarray(60).dtype


def test_implicit_root_keeps_rows_and_columns_apart():
    """z0 = a and z1 = 2 z0 + a^2, whose matrix [[1, 0], [-2, 1]] is not symmetric."""

    def root(a):
        def conditions(z):
            return {"first": z["first"] - a, "second": z["second"] - 2 * z["first"] - a**2}

        guess = {"first": jnp.zeros(()), "second": jnp.zeros(())}
        found = {"first": a, "second": 2 * a + a**2}
        return implicit_root(conditions, guess, lambda _: (found, ()))[0]

    for jacobian in (jax.jacfwd, jax.jacrev):
        slope = jacobian(root)(jnp.asarray(3.0))
        assert slope["first"] == pytest.approx(1.0, rel=1e-14)
        assert slope["second"] == pytest.approx(8.0, rel=1e-14)


def test_every_status_and_kind_has_its_words():
    for status in Status:
        for kind in Kind:
            info = Info(status, kind, False, 3, 0.0, 0.0, 0.0, np.float32(1e-6), 1e-8)
            assert describe(info).startswith(tuple("OSIUN"))
    assert len(inspect.getdoc(solve_equality)) > 500
