"""Every solver on a problem whose solution is known on paper: the point, what holds it, its slopes.

The point and its multipliers are functions of three parameters; first derivatives in both modes and
second ones are compared with those of the closed form. A solver that is not in the table fails.
"""

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxmath import constrained, optimize, proximal
from jaxmath.constrained import Multipliers, Problem, Status, describe, kkt_residuals
from jaxmath.proximal import projections
from tests.marks import long_but

P = jnp.array([1.5, 0.4, 0.7])
TIGHT = 1e-13
START = jnp.array([0.1, 0.2])


# Without constraints.


def hill(x, p):
    return p[0] * (x[0] - p[1]) ** 2 / 2 + jnp.exp(x[0] + x[1]) - p[2] * (x[0] + x[1])


def of_hill(p):
    return jnp.array([p[1], jnp.log(p[2]) - p[1]])


def residuals(x, p):
    return jnp.array([x[0] - p[0], x[0] - p[1], jnp.exp(x[0] + x[1]) - p[2]])


def of_residuals(p):
    middle = (p[0] + p[1]) / 2
    return jnp.array([middle, jnp.log(p[2]) - middle])


def equations(x, p):
    return jnp.array([jnp.exp(x[0] + x[1]) - p[2], p[0] * x[0] - p[1]])


def of_equations(p):
    return jnp.array([p[1] / p[0], jnp.log(p[2]) - p[1] / p[0]])


def babylon(x, p):
    return (x + p[:2] / x) / 2


def squared(score, target):
    return (score - target) ** 2


def line(p):
    """Two rows of one feature, and a penalty."""
    features, targets = jnp.array([[1.0], [1.0]]) * p[:2, None], jnp.array([0.3, 0.9])
    return optimize.irls(squared, features, targets, p[2], tolerance=TIGHT, mixed=False)


def of_line(p):
    return jnp.atleast_1d((p[:2] @ jnp.array([0.3, 0.9])) / (p[:2] @ p[:2] + p[2]))


# With a penalty, or within a set.


def pair(x, p):
    return p[0] * ((x[0] - p[1]) ** 2 + (x[1] + p[1]) ** 2) / 2


def shrink(x, step, p):
    return proximal.l1(x, step * p[2] / 2)


def of_pair(p):
    end = p[1] - p[2] / (2 * p[0])
    return jnp.array([end, -end])


def of_both(v, step, p):
    """The proximal map of the pair."""
    return (v + step * p[0] * jnp.array([1.0, -1.0]) * p[1]) / (1 + step * p[0])


def uneven(x, p):
    return p[0] * (x[0] - p[1]) ** 2 / 2 + (x[1] - p[2]) ** 2 / 2


def of_simplex(p):
    first = (p[0] * p[1] + 1 - p[2]) / (1 + p[0])
    return jnp.array([first, 1 - first])


def on_simplex(x, _):
    return projections.simplex(x, 1.0)


def held(x, p):
    return -p[0] * x[0] + jnp.exp(x[1]) - p[2] * x[0] * x[1]


def of_held(p):
    return jnp.array([p[1], jnp.log(p[1] * p[2])])


# Under constraints: the shortest x, in uneven units, with x0 + p1 x1 = p2, or at least that.


def length(x, p):
    return (p[0] * x[0] ** 2 + x[1] ** 2) / 2


def across(x, p):
    return jnp.array([x[0] + p[1] * x[1]])


def price(p):
    return p[2] / (1 / p[0] + p[1] ** 2)


def of_across(p):
    """The point, and the multiplier: minus the price, as much as p2 costs."""
    return jnp.array([price(p) / p[0], price(p) * p[1], -price(p)])


def row(p):
    return jnp.array([[1.0, p[1]]])


def curvature(p):
    return jnp.diag(jnp.array([p[0], 1.0]))


def equal(x, p):
    return across(x, p) - p[2]


def nonlinear(method, **constraint):
    def solve(p):
        given = {name: part(p) if name == "lower" else part for name, part in constraint.items()}
        return constrained.minimize(length, START, p, method=method, tolerance=TIGHT, **given)

    return solve


def of_cone(p):
    """As a cone: row x - p2 is not negative; its multiplier is the price itself."""
    found = constrained.solve_cone(curvature(p), jnp.zeros(2), G=-row(p), h=-p[2:], tolerance=TIGHT)
    return found._replace(multipliers=Multipliers((), -found.multipliers.inequality, ()))


def scalar(found):
    """The same, of a point of two numbers."""
    return found._replace(x=jnp.atleast_1d(found.x))


EQUALITY = lambda p: Problem(lambda x: length(x, p), lambda x: equal(x, p))  # noqa: E731
INEQUALITY = lambda p: Problem(  # noqa: E731
    lambda x: length(x, p), inequality=lambda x: across(x, p), lower=p[2]
)
NONLINEAR = {
    "solve_nlp": "interior_point",
    "sqp": "sqp",
    "augmented_lagrangian": "augmented_lagrangian",
    "minimize": None,
}
SMOOTH = (
    "bfgs",
    "gradient_descent",
    "lbfgs",
    "nonlinear_cg",
    "trust_region",
    "newton_cg",
    "minimize",
)


def smooth(name):
    """A method that takes an objective alone."""
    return lambda p: getattr(optimize, name)(hill, START, p, tolerance=TIGHT)


def squares(name):
    """A method that takes residuals."""
    return lambda p: getattr(optimize, name)(residuals, START, p, tolerance=TIGHT)


CASES = {name: (smooth(name), of_hill) for name in SMOOTH}
CASES |= {name: (squares(name), of_residuals) for name in ("least_squares", "gauss_newton")}
CASES |= {
    "newton": (lambda p: optimize.newton(equations, START, p, tolerance=TIGHT), of_equations),
    "broyden": (lambda p: optimize.broyden(equations, START, p, tolerance=TIGHT), of_equations),
    "bisect": (
        lambda p: scalar(optimize.bisect(lambda x, p: jnp.exp(p[0] * x) - p[2], -2.0, 2.0, p)),
        lambda p: jnp.atleast_1d(jnp.log(p[2]) / p[0]),
    ),
    "minimize_scalar": (
        lambda p: scalar(
            optimize.minimize_scalar(lambda x, p: jnp.exp(p[0] * x) - p[2] * x, -2.0, 2.0, p)
        ),
        lambda p: jnp.atleast_1d(jnp.log(p[2] / p[0]) / p[0]),
    ),
    "fixed_point": (
        lambda p: optimize.fixed_point(babylon, jnp.ones(2), p, tolerance=TIGHT),
        lambda p: jnp.sqrt(p[:2]),
    ),
    "irls": (line, of_line),
    "proximal_gradient": (
        lambda p: optimize.proximal_gradient(pair, shrink, START, p, tolerance=TIGHT),
        of_pair,
    ),
    "block_coordinate_descent": (
        lambda p: optimize.block_coordinate_descent(
            pair, shrink, START, jnp.eye(2), p, tolerance=TIGHT
        ),
        of_pair,
    ),
    "admm": (lambda p: optimize.admm(of_both, shrink, START, p, tolerance=TIGHT), of_pair),
    "projected_gradient": (
        lambda p: optimize.projected_gradient(uneven, on_simplex, START, p, tolerance=TIGHT),
        of_simplex,
    ),
    "mirror_descent": (
        lambda p: optimize.mirror_descent(uneven, START, p, tolerance=TIGHT),
        of_simplex,
    ),
    "lbfgsb": (
        lambda p: optimize.lbfgsb(
            held, START, p, bounds=(-3 * jnp.ones(2), jnp.array([p[1], jnp.inf])), tolerance=TIGHT
        ),
        of_held,
    ),
}
UNDER = {
    "solve_equality": (
        lambda p: constrained.solve_equality(length, equal, START, p, tolerance=TIGHT),
        EQUALITY,
    ),
    "solve_qp, equality": (
        lambda p: constrained.solve_qp(curvature(p), jnp.zeros(2), row(p), p[2:], tolerance=TIGHT),
        EQUALITY,
    ),
    "solve_qp, inequality": (
        lambda p: constrained.solve_qp(
            curvature(p), jnp.zeros(2), G=row(p), lower=p[2:], tolerance=TIGHT
        ),
        INEQUALITY,
    ),
    "pdhg, equality": (
        lambda p: constrained.pdhg(curvature(p), jnp.zeros(2), row(p), p[2:], tolerance=TIGHT),
        EQUALITY,
    ),
    "pdhg, inequality": (
        lambda p: constrained.pdhg(
            curvature(p), jnp.zeros(2), G=row(p), lower=p[2:], tolerance=TIGHT
        ),
        INEQUALITY,
    ),
    "solve_cone, equality": (
        lambda p: constrained.solve_cone(
            curvature(p), jnp.zeros(2), row(p), p[2:], tolerance=TIGHT
        ),
        EQUALITY,
    ),
    "solve_cone, inequality": (of_cone, INEQUALITY),
} | {
    f"{name}, {kind}": (nonlinear(method, **constraint), problem)
    for name, method in NONLINEAR.items()
    for kind, constraint, problem in (
        ("equality", {"eq": equal}, EQUALITY),
        ("inequality", {"ineq": across, "lower": lambda p: p[2]}, INEQUALITY),
    )
}
ELSEWHERE = {
    "frank_wolfe": "has no derivatives",
    "custom_root": "a user's own solver",
    "custom_fixed_point": "a user's own solver",
    "conditioning": "no solver",
    "conic_problem": "a problem",
    "describe": "no solver",
    "implied_by": "no solver",
    "kkt_residuals": "the judge",
    "project_polyhedron": "solve_qp by another name",
    "proxy_lagrangian": "has no derivatives",
    "quadratic_problem": "a problem",
    "smat": "no solver",
    "svec": "no solver",
}
"""The public functions that have no row."""


def test_every_public_solver_is_in_the_table():
    named = {name.partition(",")[0] for name in (*CASES, *UNDER)}
    public = {
        name
        for room in (optimize, constrained)
        for name, value in vars(room).items()
        if callable(value) and not inspect.isclass(value) and not name.startswith("_")
    }
    assert public == named | set(ELSEWHERE)
    assert not named & set(ELSEWHERE)


def numbers(found):
    """The point, and the multipliers of its constraints where it has any."""
    given = found.multipliers
    parts = (given.equality, given.inequality) if isinstance(given, Multipliers) else given
    return jnp.concatenate([jnp.ravel(leaf) for leaf in jax.tree.leaves((found.x, parts))])


def compare(solve, exact, of):
    """The solution, once what is `of` it and its slopes are those of the closed form."""

    def value(p):
        return of(solve(p))

    @jax.jit
    def slopes(p):
        return jax.jacfwd(value)(p), jax.jacrev(value)(p), jax.jacfwd(jax.jacrev(value))(p)

    found = jax.jit(solve)(P)
    assert Status(int(found.info.status)) is Status.OPTIMAL, describe(found.info)
    forward, backward, second = slopes(P)
    slope, bend = jax.jacfwd(exact)(P), jax.jacfwd(jax.jacfwd(exact))(P)
    pairs = (of(found), exact(P)), (forward, slope), (backward, slope), (second, bend)
    for mine, truth in pairs:
        np.testing.assert_allclose(mine, truth, rtol=1e-8, atol=1e-8)
    return found


@pytest.mark.parametrize("name", long_but(("bfgs", "least_squares", "broyden", "lbfgsb"), CASES))
def test_the_point_and_its_slopes_are_those_of_the_closed_form(name):
    compare(*CASES[name], lambda found: found.x)


@pytest.mark.parametrize("name", long_but(("solve_equality", "solve_qp, inequality"), UNDER))
def test_multipliers_are_prices_and_have_slopes_too(name):
    solve, problem = UNDER[name]
    found = compare(solve, of_across, numbers)
    assert kkt_residuals(problem(P), found).error < 1e-12
    cost = jax.jit(jax.grad(lambda p: solve(p).info.objective))(P)
    np.testing.assert_allclose(cost[2], -numbers(found)[2], rtol=1e-10)
