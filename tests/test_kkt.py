"""The judge: exact solutions of the textbooks pass, and each way of being wrong is seen."""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxmath.constrained import Multipliers, Problem, Solution, kkt_residuals

# Nocedal and Wright (2006), example 12.4: (x - 3/2)^2 + (y - 1/2)^4 in the unit ball of l1.
DIAMOND = Problem(
    objective=lambda x: (x["a"] - 1.5) ** 2 + (x["b"] - 0.5) ** 4,
    inequality=lambda x: jnp.stack(
        [x["a"] + x["b"], x["a"] - x["b"], -x["a"] + x["b"], -x["a"] - x["b"]]
    ),
    upper=1.0,
)
CORNER = dict(a=1.0, b=0.0)
PRICES = (0.75, 0.25, 0.0, 0.0)


def judged(problem, x, equality=None, inequality=None, bounds=None):
    x = {key: jnp.asarray(value) for key, value in x.items()} if isinstance(x, dict) else x
    parts = (None if part is None else jnp.asarray(part) for part in (equality, inequality, bounds))
    return kkt_residuals(problem, Solution(x, Multipliers(*parts), None))


def test_an_exact_solution_has_no_residual():
    assert all(float(part) == 0 for part in judged(DIAMOND, CORNER, inequality=PRICES))


@pytest.mark.parametrize(
    ("change", "name", "size"),
    [
        (dict(x=dict(a=1.0, b=0.25)), "primal", 0.25),
        (dict(inequality=(0.75, 0.5, 0.0, 0.0)), "stationarity", 0.25),
        (dict(inequality=(0.75, 0.25, 0.5, 0.0)), "complementarity", 1.0),
        (dict(inequality=(0.75, 0.25, 0.0, -0.5)), "dual", 0.5),
    ],
)
def test_each_mistake_is_seen_by_its_residual(change, name, size):
    found = judged(DIAMOND, **{**dict(x=CORNER, inequality=PRICES), **change})
    np.testing.assert_allclose(getattr(found, name), size, rtol=1e-12)
    assert found.error > 0.05


def test_bounds_and_equalities():
    """The point nearest to (2, -1) with x + y = 1 and y >= 0 is (1, 0)."""
    problem = Problem(
        objective=lambda x: jnp.sum(jnp.square(x - jnp.array([2.0, -1.0]))) / 2,
        equality=lambda x: x.sum() - 1,
        bounds=(jnp.array([-jnp.inf, 0.0]), jnp.inf),
    )
    right = judged(problem, jnp.array([1.0, 0.0]), equality=1.0, bounds=(0.0, -2.0))
    assert float(right.error) == 0
    wrong = judged(problem, jnp.array([1.0, 0.0]), equality=1.0, bounds=(0.0, 2.0))
    assert float(wrong.dual) == 2


def test_without_ends_an_inequality_is_at_most_zero():
    problem = Problem(lambda x: -x["a"], inequality=lambda x: x["a"] - 1)
    assert float(judged(problem, dict(a=1.0), inequality=1.0).error) == 0
    assert float(judged(problem, dict(a=1.5), inequality=1.0).primal) == 0.5


def test_no_number_is_no_small_residual():
    found = judged(DIAMOND, dict(a=jnp.nan, b=0.0), inequality=PRICES)
    assert np.isnan(found.error)
