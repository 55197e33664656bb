from fractions import Fraction

import numpy as np
import pytest
from scipy.optimize import linprog

from experiments.shadow_prices import HOURS, MIXES, USE, Config, draw, exact, hours
from jaxmath.lab import engine
from tests.experiments.measuring import claims, measured, red


@pytest.mark.full
def test_every_claim_passes():
    assert red(claims("shadow_prices")) == set()


def test_the_prices_of_the_linear_program_are_the_marginals_of_highs():
    mix = MIXES["linear"]
    for hour in hours(Config(points=20)):
        plan = exact(mix, hour)
        ends = [*HOURS[:-1], float(hour)]
        found = linprog(-np.array(mix.profits), A_ub=np.array(USE), b_ub=ends, method="highs")
        assert -found.fun == pytest.approx(float(plan.value), rel=1e-12)
        np.testing.assert_allclose(found.x, [float(part) for part in plan.x], atol=1e-12)
        prices = [float(price) for price in plan.prices]
        np.testing.assert_allclose(-found.ineqlin.marginals, prices, atol=1e-12)


def test_the_textbook_has_these_plans():
    """Hillier and Lieberman, the Wyndor Glass Company: its linear and its quadratic program."""
    assert exact(MIXES["linear"], 18)[:3] == ([2, 6], [0, Fraction(3, 2), 1], 36)
    assert exact(MIXES["quadratic"], 18)[0] == [Fraction(8, 3), 5]
    assert exact(MIXES["quadratic"], 18)[2] == 857


def test_the_price_is_what_an_hour_adds():
    """In rational numbers: within a piece the profit is its tangent and half its curvature."""
    step = Fraction(1, 100)
    for mix in MIXES.values():
        for hour in (5, 18, 27):
            here, there = exact(mix, hour), exact(mix, hour + step)
            rise = here.prices[-1] * step + here.slopes[-1] * step**2 / 2
            assert there.value - here.value == rise


@pytest.mark.full
def test_no_tangent_is_below_the_profit():
    study, measurement = measured("shadow_prices")
    *profits, _ = draw(engine.judge(study, measurement.data, measurement.measured))
    for plot in profits:
        curve, *tangents = (np.asarray(line.y) for line in plot.lines)
        for tangent in tangents:
            assert np.nanmin(tangent - curve) >= -1e-9
