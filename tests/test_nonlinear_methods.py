"""Sequential quadratic programming and the augmented Lagrangian: what `solve_nlp` has to keep.

The problems marked HS are those of Hock and Schittkowski (1981), with their exact solutions; the
multipliers follow on paper from the stationarity of L = f + y . h + z . g + z_b . x. All are lanes
of one program, which is compiled once for each method.
"""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxmath.constrained import (
    Kind,
    Problem,
    Status,
    augmented_lagrangian,
    describe,
    kkt_residuals,
    minimize,
    sqp,
)

METHODS = {"sqp": sqp, "augmented_lagrangian": augmented_lagrangian}
EVERY = pytest.mark.parametrize("method", METHODS)
INF = np.inf


def objectives(x):
    a, b, c, d = x
    return dict(
        hs6=(1 - a) ** 2,
        hs7=jnp.log1p(a**2) - b,
        hs10=a - b,
        hs12=a**2 / 2 + b**2 - a * b - 7 * a - 7 * b,
        hs13=(a - 2) ** 2 + b**2,
        hs15=100 * (b - a**2) ** 2 + (1 - a) ** 2,
        hs39=-a,
        hs43=x @ x + c**2 - 5 * a - 5 * b - 21 * c + 7 * d,
        hs71=a * d * (a + b + c) + c,
        maratos=2 * (a**2 + b**2 - 1) - a,
        sphere=x @ x,
        concave=-x @ x + a / 10,
        linear=-a - 2 * b,
        waechter=a,
        indefinite=jnp.exp(a) - a + 5 * a * b,
    )


def rows(x):
    a, b, c, d = x
    none = jnp.zeros_like(a)
    return dict(
        hs6=(10 * (b - a**2), none, none),
        hs7=((1 + a**2) ** 2 + b**2 - 4, none, none),
        hs10=(-3 * a**2 + 2 * a * b - b**2 + 1, none, none),
        hs12=(25 - 4 * a**2 - b**2, none, none),
        hs13=((1 - a) ** 3 - b, none, none),
        hs15=(a * b, a + b**2, none),
        hs39=(b - a**3 - c**2, a**2 - b - d**2, none),
        hs43=(
            8 - x @ x - a + b - c + d,
            10 - x @ x - b**2 - d**2 + a + d,
            5 - 2 * a**2 - b**2 - c**2 - 2 * a + b + d,
        ),
        hs71=(x @ x, a * b * c * d, none),
        maratos=(a**2 + b**2 - 1, none, none),
        sphere=(a + b, 2 * a + 2 * b, a * b),
        concave=(x @ x, none, none),
        linear=(a + b, a - b, none),
        waechter=(a**2 - b, a - c, none),
        indefinite=(b, none, none),
    )


NAMES = tuple(objectives(jnp.ones(4)))


def objective(x, data):
    return jnp.stack(list(objectives(x).values()))[data["which"]]


def constraints(x, data):
    return jnp.stack([jnp.stack(row) for row in rows(x).values()])[data["which"]]


class Case(NamedTuple):
    """A problem: its start, the ends of rows and x, how it ends, x, multipliers of rows and x."""

    name: str
    start: Any
    lower: Any = ()
    upper: Any = ()
    least: Any = ()
    most: Any = ()
    status: Status = Status.OPTIMAL
    x: Any = None
    z: Any = ()
    zb: Any = ()
    regular: bool = True
    digits: float = 1e-8


CASES = [
    Case("hs6", (-1.2, 1), [0], [0], x=(1, 1)),
    Case("hs7", (2, 2), [0], [0], x=(0, 3**0.5), z=(12**-0.5,)),
    Case("hs10", (-10, 10), [0], x=(0, 1), z=(-0.5,)),
    Case("hs12", (0, 0), [0], x=(2, 3), z=(-0.5,)),
    Case("hs15", (0.4, 1.5), [1, 0], most=(0.5, INF), x=(0.5, 2), z=(-700, 0), zb=(1751, 0)),
    Case("hs39", (2, 2, 2, 2), [0, 0], [0, 0], x=(1, 1, 0, 0), z=(-1, -1)),
    Case("hs43", (0, 0, 0, 0), [0, 0, 0], x=(0, 1, 2, -1), z=(-1, 0, -2)),
    Case(
        "hs71",
        (1, 5, 5, 1),
        [40, 25],
        [40, INF],
        (1,) * 4,
        (5,) * 4,
        x=(1, 4.7429996, 3.8211500, 1.3794083),
        z=(0.16146857, -0.55229366),
        zb=(-1.0878712, 0, 0, 0),
        digits=1e-7,  # of the documentation of IPOPT (Wachter 2009), which prints eight
    ),
    Case("maratos", (np.cos(0.1), np.sin(0.1)), [0], [0], x=(1, 0), z=(-1.5,)),
    Case("concave", (0.3, 0.1), upper=[4], x=(-2, 0), z=(1.025,)),
    Case("linear", (0, 0), upper=[4, 2], least=(0, 0), most=(3, 3), x=(1, 3), z=(1, 0), zb=(0, 1)),
    # Its Hessian is indefinite, and positive along the constraint.
    Case("indefinite", (1, 1), [0.1], [0.1], x=(-np.log(2), 0.1), z=(5 * np.log(2),)),
    # An interior-point method with a line search alone fails here (Wachter and Biegler 2000).
    Case(
        "waechter",
        (-2, 1, 1),
        [1, 0.5],
        [1, 0.5],
        (-INF, 0, 0),
        x=(1, 0, 0.5),
        z=(-0.5, 0),
        zb=(0, -0.5, 0),
    ),
    # At the cusp the gradients of what holds x back are opposite: there are no multipliers.
    Case("hs13", (-2, -2), [0], least=(0, 0), status=None, x=(1, 0), regular=False),
    Case("sphere", (3, -1), [1, 2], [1, 2], x=(0.5, 0.5), regular=False),
    Case("sphere", (3, -1), [1, 1], [1, 1], status=Status.INFEASIBLE),
    Case("sphere", (3, -1), [3], [INF], (-1, -1), (1, 1), status=Status.INFEASIBLE),
    Case("sphere", (3, -1), [2], [1], status=Status.INFEASIBLE),
    Case("hs10", (3, -1), [-INF], least=(-INF, -INF), most=(1, INF), status=Status.UNBOUNDED),
    Case("sphere", (np.nan, 1), [0], status=Status.NOT_FINITE),
    Case("sphere", (3, 1), [np.nan], status=Status.NOT_FINITE),
]


def data(case: Case):
    """The case in four unknowns, of which the last ones may be fixed, and three rows."""

    def filled(values, size, otherwise):
        return np.array([*values, *[otherwise] * (size - len(values))], float)

    n, unused = len(case.start), (0.0,) * (4 - len(case.start))
    return dict(
        which=np.array(NAMES.index(case.name)),
        start=np.array([*case.start, *unused], float),
        lower=filled(case.lower, 3, -INF),
        upper=filled(case.upper, 3, INF),
        least=np.append(filled(case.least, n, -INF), unused),
        most=np.append(filled(case.most, n, INF), unused),
    )


def solve(method, data):
    return METHODS[method](
        objective,
        data["start"],
        data,
        ineq=constraints,
        lower=data["lower"],
        upper=data["upper"],
        bounds=(data["least"], data["most"]),
    )


def solve_with_slopes(method, data):
    """The solution, and the Jacobians of x and of the optimal value in the ends."""
    ends = {name: data[name] for name in ("lower", "upper", "least", "most")}

    def of(ends):
        found = solve(method, data | ends)
        return (found.x, found.info.objective), found

    slopes, found = jax.jacrev(of, has_aux=True)(ends)
    return found, slopes


def judge(data, found):
    problem = Problem(
        lambda x: objective(x, data),
        None,
        lambda x: constraints(x, data),
        data["lower"],
        data["upper"],
        (data["least"], data["most"]),
    )
    return kkt_residuals(problem, found)


TABLE = jax.tree.map(lambda *parts: np.stack(parts), *map(data, CASES))
judge_lanes = jax.jit(jax.vmap(judge))
solve_lanes = functools.cache(
    jax.jit(
        lambda method: jax.vmap(functools.partial(solve_with_slopes, method))(TABLE),
        static_argnums=0,
    )
)


@EVERY
def test_each_lane_has_its_status_and_its_published_point(method):
    found, _ = solve_lanes(method)
    residuals = judge_lanes(TABLE, found)
    for k, case in enumerate(CASES):
        if case.status is not None:
            assert Status(int(found.info.status[k])) == case.status, case
        if case.x is None:
            continue
        n, z, zb = len(case.start), found.multipliers.inequality, found.multipliers.bounds
        if case.regular:
            np.testing.assert_allclose(found.x[k][:n], case.x, atol=case.digits)
            size = 1 + max(map(abs, (*case.z, *case.zb)), default=0)
            for known, multipliers in ((case.z, z[k]), (case.zb, zb[k])):
                wanted = np.pad(np.array(known, float), (0, n))[: min(n, len(multipliers))]
                given = multipliers[: len(wanted)]
                np.testing.assert_allclose(given, wanted, atol=case.digits * size)
            assert found.info.kind[k] == Kind.MINIMUM
            assert found.info.regular[k]
            assert residuals.error[k] < 1e-8
            np.testing.assert_allclose(residuals.error[k], found.info.error[k], atol=1e-12)


@EVERY
def test_degenerate_lanes_find_the_point_and_say_what_is_wrong(method):
    found, _ = solve_lanes(method)
    twice = next(k for k, case in enumerate(CASES) if case.name == "sphere")
    assert not found.info.regular[twice]
    np.testing.assert_allclose(found.x[twice][:2], 0.5, atol=1e-8)
    cusp = next(k for k, case in enumerate(CASES) if case.name == "hs13")
    assert found.info.status[cusp] not in (Status.OPTIMAL, Status.INFEASIBLE)
    # A violation of 1e-6 allows the cube root of it.
    np.testing.assert_allclose(found.x[cusp][:2], [1, 0], atol=2e-2)


@EVERY
def test_multipliers_are_shadow_prices(method):
    found, (_, price) = solve_lanes(method)
    for k, case in enumerate(CASES):
        if case.x is None or not case.regular:
            continue
        rows = price["lower"][k] + price["upper"][k]
        sides = price["least"][k] + price["most"][k]
        z, zb = found.multipliers.inequality[k], found.multipliers.bounds[k]
        size = 1 + np.max(np.abs(z))
        np.testing.assert_allclose(rows, -z, atol=1e-7 * size)
        np.testing.assert_allclose(sides, -zb, atol=1e-7 * size)


@EVERY
def test_points_move_as_closed_forms_say_and_irregular_ones_have_no_derivative(method):
    found, (slopes, _) = solve_lanes(method)
    place = {case.name: k for k, case in reversed(list(enumerate(CASES)))}
    # x = (-sqrt(u), 0) on the rim of a disc.
    rim = slopes["upper"][place["concave"]][:2, 0]
    np.testing.assert_allclose(rim, [-1 / 4, 0], atol=1e-8)
    # x = (u_1 - 3, 3), at the corner of x_1 + x_2 <= u_1 and x_2 <= 3.
    k = place["linear"]
    np.testing.assert_allclose(slopes["upper"][k][:2, 0], [1, 0], atol=1e-8)
    np.testing.assert_allclose(slopes["most"][k][:2, 1], [-1, 1], atol=1e-8)
    # a b = l at a = 1/2: b = 2 l.
    np.testing.assert_allclose(slopes["lower"][place["hs15"]][:2, 0], [0, 2], atol=1e-7)
    for k, case in enumerate(CASES):
        if not case.regular or case.status != Status.OPTIMAL:
            for name in ("lower", "least"):
                there = np.isfinite(TABLE[name][k])
                assert np.all(np.isnan(slopes[name][k][:, there])), (case, name)
    assert not np.any(np.isnan(found.x[place["hs13"]]))


def test_maratos_is_done_in_few_steps():
    """Whole steps raise both objective and violation there (Nocedal and Wright, example 15.4)."""
    found, _ = solve_lanes("sqp")
    place = next(k for k, case in enumerate(CASES) if case.name == "maratos")
    assert found.info.iterations[place] <= 5


def test_curvature_across_the_working_set_does_not_shorten_steps():
    found, _ = solve_lanes("sqp")
    place = next(k for k, case in enumerate(CASES) if case.name == "indefinite")
    assert found.info.iterations[place] <= 8


@EVERY
def test_single_precision_on_a_pytree_with_all_kinds_of_constraints(method):
    """Of x - (2, 1, 3) the gradients of what holds it back are on paper (1/3, 4/3)."""
    start = dict(a=jnp.float32(0.5), b=jnp.array([1.0, 1.0], jnp.float32))
    found = minimize(
        lambda x, at: (jnp.square(x["a"] - at[0]) + jnp.sum(jnp.square(x["b"] - at[1:]))) / 2,
        start,
        np.array([2, 1, 3], np.float32),
        eq=lambda x, _: dict(total=jnp.square(jnp.sum(x["b"])) - 4),
        ineq=lambda x, _: (x["a"] + x["b"][1],),
        upper=2.0,
        bounds=(0.0, dict(a=5.0, b=jnp.array([5.0, np.inf]))),
        method=method,
    )
    assert found.info.status == Status.OPTIMAL
    assert found.x["b"].dtype == found.info.error.dtype == jnp.float32
    np.testing.assert_allclose([found.x["a"], *found.x["b"]], [2 / 3, 2 / 3, 4 / 3], atol=1e-3)
    np.testing.assert_allclose(found.multipliers.equality["total"], 1 / 12, atol=1e-3)
    np.testing.assert_allclose(found.multipliers.inequality[0], 4 / 3, atol=1e-3)
    np.testing.assert_allclose(found.multipliers.bounds["b"], 0, atol=1e-3)


@pytest.mark.full
def test_second_derivatives_of_a_value():
    """The distance from (3, 4) to a disc of radius r, squared: its second derivative in r^2."""

    def value(upper):
        return sqp(
            lambda x, _: jnp.sum(jnp.square(x - jnp.array([3.0, 4.0]))),
            jnp.array([0.3, -0.2]),
            ineq=lambda x, _: x @ x,
            upper=upper,
        ).info.objective

    # (5 - sqrt(u))^2 = 25 - 10 sqrt(u) + u
    found = jax.jit(jax.jacfwd(jax.grad(value)))(4.0)
    np.testing.assert_allclose(found, 10 / 4 / 4**1.5, atol=1e-8)


def test_equalities_alone_go_to_newton_by_name():
    found = minimize(
        lambda x, at: jnp.sum(jnp.square(x - at)),
        jnp.array([1.0, 0.5]),
        jnp.array([3.0, 4.0]),
        eq=lambda x, _: x @ x - 1,
        method="equality",
    )
    assert describe(found.info).startswith("Optimal")
    np.testing.assert_allclose(found.x, [0.6, 0.8], atol=1e-9)
    np.testing.assert_allclose(found.multipliers.equality, 4, atol=1e-8)
    np.testing.assert_allclose(found.multipliers.bounds, 0)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (dict(method="equality", bounds=(0.0, 1.0)), "takes the constraint eq, and no other"),
        (dict(method="equality"), "takes the constraint eq, and no other"),
        (dict(method="unconstrained", eq=lambda x, _: x), "knows no constraints"),
        (dict(method="sqp", upper=1.0), "Ends without inequalities"),
        (dict(method="augmented_lagrangian", bounds=(np.zeros(3), None)), "is 2 numbers or one"),
        (dict(method="simplex"), "interior_point, sqp, augmented_lagrangian, .* not simplex"),
    ],
)
def test_what_does_not_fit_is_said_in_a_sentence(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        minimize(lambda x, _: x @ x, jnp.zeros(2), **options)
