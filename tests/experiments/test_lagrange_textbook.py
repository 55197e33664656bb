import numpy as np
import pytest
from scipy.optimize import minimize

from experiments.lagrange_textbook import PROBLEMS, draw
from jaxmath.config import reading
from jaxmath.lab import engine
from jaxmath.runs import Outcome
from tests.experiments.measuring import CONFIGS, claims, measured, red


@pytest.mark.full
def test_every_claim_passes():
    assert red(claims("lagrange_textbook")) == set()


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_closed_forms_are_minima_for_scipy(name):
    """SLSQP comes back to the textbook's point from near it; differences give the price."""
    problem = PROBLEMS[name]

    def solve(c):
        x = np.array(problem.x(c), float)
        return minimize(
            lambda x: float(problem.objective(x)),
            x * (1 + 0.02 * np.cos(np.arange(x.size))),
            constraints={"type": "eq", "fun": lambda x: float(problem.level(x)) - c},
            method="SLSQP",
            options={"ftol": 1e-13, "maxiter": 500},
        )

    c, h = problem.nominal, 0.01 * problem.nominal
    found = solve(c)
    assert found.fun == pytest.approx(problem.value(c), rel=1e-6)
    np.testing.assert_allclose(found.x, problem.x(c), rtol=1e-3)
    slope = (solve(c + h).fun - solve(c - h).fun) / (2 * h)
    assert slope == pytest.approx(-float(problem.multiplier(c)), rel=1e-3)


@pytest.mark.full
def test_a_swept_end_gives_an_axis():
    overrides = ["points=3", "sweep.most=[1.5, 2.0]"]
    study = reading.read(CONFIGS / "lagrange_textbook.toml", overrides)
    measurement = engine.measure(study)
    assert measurement.measured["value"].shape == (2, len(PROBLEMS), 3)
    result = engine.judge(study, measurement.data, measurement.measured)
    assert {claim.outcome() for claim in result.claims} == {Outcome.PASS}


@pytest.mark.full
def test_the_tangent_touches_the_curve_from_below():
    study, measurement = measured("lagrange_textbook")
    result = engine.judge(study, measurement.data, measurement.measured)
    (plot,) = draw(result)
    curve, tangent = (np.asarray(line.y) for line in plot.lines)
    assert np.all(curve - tangent >= -1e-9)
    assert np.sum(np.abs(curve - tangent) < 1e-9) == 1
