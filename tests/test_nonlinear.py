"""Nonlinear programs: published answers, the judge, statuses lane by lane, slopes, prices.

The problems marked HS are those of Hock and Schittkowski (1981), with their exact solutions; the
multipliers follow on paper from the stationarity of L = f + y . h + z . g + z_b . x.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxmath.constrained import (
    Kind,
    Problem,
    Status,
    describe,
    kkt_residuals,
    minimize,
    solve_nlp,
)
from jaxmath.constrained.active import second_order


def near(x, point):
    """Half the squared distance from a point, in any weights; a slope is added."""
    return point["weight"] * jnp.sum(jnp.square(x - point["at"])) / 2 + point["slope"] @ x


def square(x, point):
    return x @ x + 0 * point["weight"]


def ball(at, weight=1.0, slope=(0.0, 0.0), dtype=np.float64):
    """The point of a disc that is nearest to another."""
    return dict(
        at=np.array(at, dtype), weight=np.array(weight, dtype), slope=np.array(slope, dtype)
    )


def solve_ball(args, upper, tolerance=1e-13):
    start = jnp.array([0.3, -0.2], args["at"].dtype)
    return solve_nlp(near, start, args, ineq=square, upper=upper, tolerance=tolerance)


solve_ball_jit = jax.jit(solve_ball)
lanes_of_balls = jax.jit(jax.vmap(solve_ball, in_axes=(0, 0, None)))


def rosen_suzuki(x, _):
    return x @ x + x[2] ** 2 - 5 * x[0] - 5 * x[1] - 21 * x[2] + 7 * x[3]


def rosen_suzuki_rows(x, _):
    signs = jnp.array([1.0, -1.0, 1.0, -1.0])
    return [
        8 - x @ x - signs @ x,
        10 - x @ x - x[1] ** 2 - x[3] ** 2 + x[0] + x[3],
        5 - 2 * x[0] ** 2 - x[1] ** 2 - x[2] ** 2 - 2 * x[0] + x[1] + x[3],
    ]


def test_hs43_has_the_published_point_and_its_multipliers():
    found = solve_nlp(rosen_suzuki, jnp.zeros(4), ineq=rosen_suzuki_rows, lower=0.0)
    assert describe(found.info).endswith("The point is a strict local minimum.")
    np.testing.assert_allclose(found.x, [0, 1, 2, -1], atol=1e-13)
    np.testing.assert_allclose(found.info.objective, -44, atol=1e-13)
    np.testing.assert_allclose(found.multipliers.inequality, [-1, 0, -2], atol=1e-13)
    problem = Problem(
        lambda x: rosen_suzuki(x, None), None, lambda x: rosen_suzuki_rows(x, None), 0.0
    )
    assert kkt_residuals(problem, found).error < 1e-14


def test_hs71_on_a_pytree_has_the_published_multipliers():
    """Those of the documentation of IPOPT (Wachter 2009), which prints eight digits."""

    def f(x, _):
        return x["a"] * x["d"] * (x["a"] + x["b"][0] + x["b"][1]) + x["b"][1]

    def every(x):
        return jnp.stack([x["a"], *x["b"], x["d"]])

    start = dict(a=jnp.array(1.0), b=jnp.array([5.0, 5.0]), d=jnp.array(1.0))
    found = minimize(
        f,
        start,
        eq=lambda x, _: every(x) @ every(x) - 40,
        ineq=lambda x, _: jnp.prod(every(x)),
        lower=25.0,
        bounds=(1.0, jax.tree.map(lambda part: jnp.full(part.shape, 5.0), start)),
    )
    assert found.info.status == Status.OPTIMAL
    assert found.info.kind == Kind.MINIMUM
    np.testing.assert_allclose(every(found.x), [1, 4.7429996, 3.8211500, 1.3794083], atol=1e-7)
    np.testing.assert_allclose(found.info.objective, 17.0140173, atol=1e-7)
    np.testing.assert_allclose(found.multipliers.equality, 0.16146857, atol=1e-8)
    np.testing.assert_allclose(found.multipliers.inequality, -0.55229366, atol=1e-8)
    np.testing.assert_allclose(found.multipliers.bounds["a"], -1.0878712, atol=1e-7)
    np.testing.assert_array_equal(found.multipliers.bounds["b"], 0)
    assert found.x["a"] == 1
    assert found.info.error < 1e-14


def test_lanes_have_their_own_status_and_harm_nobody():
    cases = [
        (ball((3.0, 4.0)), 1.0, Status.OPTIMAL),  # on the rim
        (ball((0.3, 0.4)), 1.0, Status.OPTIMAL),  # inside
        (ball((3.0, 4.0)), -1.0, Status.INFEASIBLE),
        (ball((0.0, 0.0), 0.0, (1.0, -1.0)), np.inf, Status.UNBOUNDED),
        (ball((np.nan, 4.0)), 1.0, Status.NOT_FINITE),
        (ball((0.0, 0.0), 0.0, (3.0, -4.0)), 4.0, Status.OPTIMAL),  # linear
        (ball((0.0, 0.0), -1.0, (0.1, 0.0)), 4.0, Status.OPTIMAL),  # not convex
        (ball((3.0, 4.0)), np.nan, Status.NOT_FINITE),
    ]
    args = jax.tree.map(lambda *parts: jnp.stack(parts), *[case[0] for case in cases])
    found = lanes_of_balls(args, jnp.array([case[1] for case in cases]), 1e-11)
    assert [Status(int(code)) for code in found.info.status] == [case[2] for case in cases]
    np.testing.assert_allclose(found.x[0], [0.6, 0.8], atol=1e-9)
    np.testing.assert_allclose(found.multipliers.inequality[0], 2, atol=1e-8)
    np.testing.assert_allclose(found.x[1], [0.3, 0.4], atol=1e-9)
    np.testing.assert_allclose(found.x[5], [-1.2, 1.6], atol=1e-9)
    np.testing.assert_allclose(found.x[6], [-2, 0], atol=1e-8)
    alone = solve_ball_jit(cases[0][0], 1.0, 1e-11)
    np.testing.assert_allclose(found.x[0], alone.x, rtol=1e-12)
    assert np.all(found.info.regular[np.array([0, 1, 5, 6])])


def of_ball(at, upper, tolerance):
    found = solve_ball({**ball((3.0, 4.0)), "at": at}, upper, tolerance)
    return found.x, found.multipliers.inequality, found.info.objective


slopes_of_ball = jax.jit(jax.jacrev(of_ball, (0, 1)))


def test_the_point_of_a_disc_moves_as_geometry_says():
    """x = r p / |p| and z = (|p| / r - 1) / 2 where upper = r^2; -z is the price of upper."""
    p, r = np.array([3.0, 4.0]), 2.0
    size = np.linalg.norm(p)
    (x_in_p, x_in_u), (z_in_p, z_in_u), (_, price) = slopes_of_ball(p, r**2, 1e-13)
    across = r / size * (np.eye(2) - np.outer(p, p) / size**2)
    np.testing.assert_allclose(x_in_p, across, atol=1e-8)
    np.testing.assert_allclose(x_in_u, p / size / (2 * r), atol=1e-8)
    np.testing.assert_allclose(z_in_p, p / size / (2 * r), atol=1e-8)
    np.testing.assert_allclose(z_in_u, -size / (4 * r**3), atol=1e-8)
    np.testing.assert_allclose(price, -(size / r - 1) / 2, atol=1e-8)


def test_a_touched_constraint_has_no_derivative():
    """The point lies on the rim by itself: a multiplier of zero beside a slack of zero."""
    p = np.array([0.6, 0.8])
    found = solve_ball_jit(ball(p), 1.0, 1e-11)
    assert found.info.status == Status.OPTIMAL
    assert describe(found.info).endswith("no derivative in the data.")
    assert np.all(np.isnan(slopes_of_ball(p, 1.0, 1e-11)[0][1]))


def test_single_precision_reaches_its_own_tolerance():
    found = solve_ball(ball((3.0, 4.0), dtype=np.float32), np.float32(1), None)
    assert found.x.dtype == jnp.float32
    assert found.info.status == Status.OPTIMAL
    np.testing.assert_allclose(found.x, [0.6, 0.8], atol=1e-3)


def test_equalities_that_contradict_or_repeat_each_other():
    def rows(x, shift):
        return jnp.array([x[0] + x[1] - 1, 2 * x[0] + 2 * x[1] - 2 + shift])

    solve = jax.jit(
        lambda shift: solve_nlp(lambda x, _: x @ x, jnp.array([3.0, -1.0]), shift, eq=rows)
    )
    assert solve(1.0).info.status == Status.INFEASIBLE
    twice = solve(0.0)
    assert twice.info.status == Status.OPTIMAL
    assert not twice.info.regular
    np.testing.assert_allclose(twice.x, 0.5, atol=1e-8)


def test_a_minimum_without_multipliers_is_not_called_regular():
    """HS13: at the cusp (1, 0) the gradients of what holds it back are opposite."""
    found = solve_nlp(
        lambda x, _: (x[0] - 2) ** 2 + x[1] ** 2,
        jnp.array([-2.0, -2.0]),
        ineq=lambda x, _: x[1] - (1 - x[0]) ** 3,  # at most zero, since no end is given
        bounds=(0.0, jnp.inf),
    )
    assert found.info.status != Status.INFEASIBLE
    assert not found.info.regular
    np.testing.assert_allclose(found.x, [1, 0], atol=1e-2)


def test_without_constraints_minimize_has_multipliers_of_nothing():
    def f(x, _):
        return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2

    found = minimize(f, jnp.array([-1.2, 1.0]))
    np.testing.assert_allclose(found.x, 1, atol=1e-8)
    assert kkt_residuals(Problem(lambda x: f(x, None)), found).error < 1e-9


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (dict(ineq=square, upper=np.ones(3)), "upper is 1 numbers or one, and has 3"),
        (dict(bounds=(np.zeros(3), None)), r"bounds\[0\] is 2 numbers or one, and has 3"),
        (dict(upper=1.0), "Ends without inequalities"),
        (dict(method="simplex", bounds=(0.0, 1.0)), "not simplex"),
        (dict(method="unconstrained", bounds=(0.0, 1.0)), "knows no constraints"),
    ],
)
def test_what_does_not_fit_is_said_in_a_sentence(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        minimize(near, jnp.zeros(2), ball((3.0, 4.0)), **options)


@pytest.mark.parametrize(("unit", "pull", "regular"), [(1e6, 2.0, True), (1.0, 1e-6, False)])
def test_a_multiplier_counts_by_its_pull_whatever_the_unit_of_its_row(unit, pull, regular):
    """x^2 where unit (x - 1) >= 0, or nearly nothing pulls at that end."""
    one, none, free = np.ones(1), np.zeros(0), np.full(1, np.inf)
    found = second_order(
        jnp.full((1, 1), 2.0),
        jnp.full((1, 1), unit),
        (none, jnp.full(1, -pull / unit), np.zeros(1)),
        (np.zeros(1), one),
        ((np.zeros(1), free), (-free, free)),
        1e-9,
    )
    assert bool(found[2]) is regular
