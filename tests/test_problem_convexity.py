"""Convexity of known problems, decided by enclosures: a proof over a box, or a point against it.

The constants are eigenvalues on paper; the numbers of problems are those of Hock and Schittkowski
(1981).
"""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxmath.domains import Box, Interval
from jaxmath.formula import Convex, Formula, Smooth, Source, StronglyConvex
from jaxmath.losses import logistic
from jaxmath.verify.enclosed import prove

ROWS = jnp.array([[1.0, 0.5], [-0.3, 1.0], [0.7, -0.8]])


def rosenbrock(x):
    return 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2


def himmelblau(x):
    return (x[0] ** 2 + x[1] - 11) ** 2 + (x[0] + x[1] ** 2 - 7) ** 2


def hs35(x):
    squares = 2 * x[0] ** 2 + 2 * x[1] ** 2 + x[2] ** 2 + 2 * x[0] * x[1] + 2 * x[0] * x[2]
    return 9 - 8 * x[0] - 6 * x[1] - 4 * x[2] + squares


def hs21(x):
    return x[0] ** 2 / 100 + x[1] ** 2 - 100


def hs64(x):
    return 5 * x[0] + 50000 / x[0] + 20 * x[1] + 72000 / x[1] + 10 * x[2] + 144000 / x[2]


def ridge(x):
    """Logistic regression of three rows and two weights near (2, 0.3), with a penalty of 0.1."""
    w = x + jnp.array([1.5, -0.25])
    return jnp.sum(logistic(ROWS @ w, jnp.array([1.0, 0.0, 1.0]))) + 0.05 * w @ w


P35 = np.array([[4.0, 2, 2], [2, 4, 0], [2, 0, 2]])
LEAST, MOST = np.linalg.eigvalsh(P35)[[0, -1]]
STEEP = 0.1 + np.linalg.eigvalsh(ROWS.T @ ROWS)[-1] / 4
CASES = {
    "Rosenbrock is not convex": (rosenbrock, 2, (-2, 2), Convex("x"), "refuted"),
    "Himmelblau is not convex": (himmelblau, 2, (-5, 5), Convex("x"), "refuted"),
    "21 is strongly convex": (hs21, 2, (-50, 50), StronglyConvex("x", 0.02), "proven"),
    "21 is no more": (hs21, 2, (-50, 50), StronglyConvex("x", 0.021), "refuted"),
    "21 is smooth": (hs21, 2, (-50, 50), Smooth("x", 2.0), "proven"),
    "35 is strongly convex": (hs35, 3, (0, 3), StronglyConvex("x", LEAST - 1e-9), "proven"),
    "35 is no more": (hs35, 3, (0, 3), StronglyConvex("x", LEAST + 1e-3), "refuted"),
    "35 is smooth": (hs35, 3, (0, 3), Smooth("x", MOST + 1e-9), "proven"),
    "35 is no smoother": (hs35, 3, (0, 3), Smooth("x", MOST - 1e-3), "refuted"),
    "64 is convex": (hs64, 3, (96, 128), Convex("x"), "proven"),
    "ridge is strongly convex": (ridge, 2, (0.5, 0.625), StronglyConvex("x", 0.1), "proven"),
    "ridge is smooth": (ridge, 2, (0.5, 0.625), Smooth("x", STEEP), "proven"),
}


@pytest.mark.full
@pytest.mark.parametrize("name", CASES)
def test_convexity_of_known_problems(name):
    fn, size, (low, high), fact, outcome = CASES[name]
    formula = Formula(
        fn=fn,
        domain={"x": Box((size,), Interval(float(low), float(high)))},
        partials={},
        tex="",
        source=Source("hock1981test", ""),
        topic="O7",
    )
    found = prove(formula, fact)
    assert found.outcome == outcome, str(found)
