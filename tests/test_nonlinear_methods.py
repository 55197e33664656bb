"""Sequential quadratic programming and the augmented Lagrangian: what `solve_nlp` has to keep.

The problems marked HS are those of Hock and Schittkowski (1981), with their exact solutions; the
multipliers follow on paper from the stationarity of L = f + y . h + z . g + z_b . x. All are lanes
of one program, which is compiled once for each method.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxmath.constrained import (
    Status,
    augmented_lagrangian,
    sqp,
)

METHODS = {"sqp": sqp, "augmented_lagrangian": augmented_lagrangian}
INF = np.inf
EVERY = pytest.mark.parametrize("method", METHODS)


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


CASES = [
    Case("hs6", (-1.2, 1), [0], [0], x=(1, 1)),
    Case("hs7", (2, 2), [0], [0], x=(0, 3**0.5), z=(12**-0.5,)),
    Case("hs10", (-10, 10), [0], x=(0, 1), z=(-0.5,)),
    Case("hs12", (0, 0), [0], x=(2, 3), z=(-0.5,)),
    Case("hs15", (-2, 1), [1, 0], most=(0.5, INF), x=(0.5, 2), z=(-700, 0), zb=(1751, 0)),
    Case("hs39", (2, 2, 2, 2), [0, 0], [0, 0], x=(1, 1, 0, 0), z=(-1, -1)),
    Case("hs43", (0, 0, 0, 0), [0, 0, 0], x=(0, 1, 2, -1), z=(-1, 0, -2)),
    Case(
        "hs71",
        (1, 5, 5, 1),
        [40, 25],
        [40, INF],
        (1,) * 4,
        (5,) * 4,
        x=(1, 4.742999637, 3.821149979, 1.379408293),
        z=(0.1614685668, -0.5522936550),
        zb=(-1.0878712139, 0, 0, 0),
    ),
    Case("maratos", (np.cos(1), np.sin(1)), [0], [0], x=(1, 0), z=(-1.5,)),
    Case("concave", (0.3, 0.1), upper=[4], x=(-2, 0), z=(1.025,)),
    Case("linear", (0, 0), upper=[4, 2], least=(0, 0), most=(3, 3), x=(1, 3), z=(1, 0), zb=(0, 1)),
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


def solve(method, data, tolerance=None):
    return METHODS[method](
        objective,
        data["start"],
        data,
        ineq=constraints,
        lower=data["lower"],
        upper=data["upper"],
        bounds=(data["least"], data["most"]),
        tolerance=tolerance,
    )


TABLE = jax.tree.map(lambda *parts: np.stack(parts), *map(data, CASES))
solve_lanes = jax.jit(
    lambda method, data: jax.vmap(lambda one: solve(method, one))(data), static_argnums=0
)
